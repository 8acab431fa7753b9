/* What an attempt reads from the map and writes: whose passwords are tried, what failures leave. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/keymap/events.h"
#include "server/keymap/pairs.h"
#include "server/setup/attempt-private.h"
#include "server/core/config.h"
#include "server/hello/intake.h"
#include "server/core/log.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

static struct keymap *map;
static struct config config;
static struct intake intake;
static struct log daemon_log;
static struct fault fault;
static struct attempt *a;

/* The machine that answers: what it takes, and what it says of itself. */
static struct {
	const char *password;
	unsigned uuid;
	int state;
	bool soap, no_uuid;
	bool keeps_account;	/* says yes to a new one, and has the old one */
	const char *refuse;	/* a call: status 0x20... */
	bool mumbles;		/* ...or none at all */
	char tried[400];	/* passwords that it was offered, each followed by ';' */
} machine;

static void begin(void)
{
	scratch_enter();
	map = scratch_map();
	config_init(&config);
	config.retry_first_seconds = 60;
	log_init(&daemon_log);
	for (unsigned i = 0; i < 4; i++) {
		struct keyentry e = scratch_pair(i);

		ck_assert_int_eq(keymap_add(map, &e, 0, NULL, &fault), 0);
	}
	ck_assert_int_eq(intake_init(&intake, &config, map, &fault), 0);
	memset(&machine, 0, sizeof(machine));
}

static void drop(void)
{
	setup_free(&a->setup);
	attempt_doors_free(a);
	free(a);
	a = NULL;
}

static void end(void)
{
	if (a)
		drop();
	log_free(&daemon_log);
	keymap_close(&map);
	scratch_leave();
}

static struct system row(unsigned who)
{
	struct uuid uuid = scratch_uuid(who);
	struct system s;

	ck_assert_int_eq(keymap_system_find(map, &uuid, &s, &fault), 0);
	return s;
}

static void hello(unsigned pair, unsigned who, const char *address)
{
	struct keyentry e = scratch_pair(pair);
	struct hello h = { .version = HELLO_PSK, .uuid = scratch_uuid(who) };
	struct intake_result result;

	strcpy(h.pid, e.pair.pid);
	ck_assert_int_eq(intake_hello(&intake, map, &h, address, time(NULL), &result, &fault), 0);
	ck_assert(result.accepted);
}

static void allow(unsigned who, enum system_allowed how)
{
	struct uuid uuid = scratch_uuid(who);

	ck_assert_int_eq(keymap_system_allow(map, &uuid, how, time(NULL), &fault), 0);
}

static int run(int (*job)(struct keymap *m, void *attempt, struct fault *f))
{
	int rc;

	fault_clear(&fault);
	ck_assert_int_eq(keymap_begin(map, &fault), 0);
	rc = job(map, a, &fault);
	ck_assert_int_eq(keymap_commit(map, NULL), 0);
	return rc;
}

/* Take up what the map has for the machine WHO, with a profile of random admin passwords. */
static void load(unsigned who)
{
	if (a)
		drop();
	a = calloc(1, sizeof(*a));
	ck_assert_ptr_nonnull(a);
	a->services = (struct attempt_services){ .config = &config, .map = map,
						 .log = &daemon_log };
	a->uuid = scratch_uuid(who);
	ck_assert_msg(run(attempt_load) == 0, "%s", fault.what);
	ck_assert_int_eq(profile_init(&a->profile, "default", &fault), 0);
	a->profile.admin_policy = PROFILE_RANDOM;
	attempt_logins(a);
	ck_assert_int_eq(setup_new(&a->setup, &a->uuid, a->logins, a->n_logins, &fault), 0);
}

static void answer(const struct amt_request *q)
{
	char fields[200] = "<ReturnValue>0</ReturnValue>", body[800];
	struct amt_reply reply = { .status = 200, .body = body, .login = AMT_LOGIN_TAKEN };
	struct uuid uuid = scratch_uuid(machine.uuid);
	uint8_t guid[16];
	size_t at;

	if (q->user && !strstr(machine.tried, q->password))
		strcat(strcat(machine.tried, q->password), ";");
	if (machine.soap && strcmp(q->path, "/wsman") == 0) {
		reply = (struct amt_reply){ .status = 404, .body = "" };
		setup_answer(a->setup, &reply, 1);
		return;
	}
	if (!q->user || strcmp(q->password, machine.password) != 0) {
		reply = (struct amt_reply){ .status = 401, .body = "",
				     .login = q->user ? AMT_LOGIN_REFUSED
						      : AMT_LOGIN_ASKED };
		setup_answer(a->setup, &reply, 1);
		return;
	}
	if (machine.refuse && strstr(q->body, machine.refuse)) {
		strcpy(fields, machine.mumbles ? "" : "<ReturnValue>32</ReturnValue>");
	} else if (strstr(q->body, "AMT_GeneralSettings") || strstr(q->body, "GetDigestRealm")) {
		strcpy(fields, "<DigestRealm>Digest:A</DigestRealm>");
	} else if (strstr(q->body, "CIM_ComputerSystemPackage") && machine.no_uuid) {
		strcpy(fields, "<ReturnValue>1</ReturnValue>");
	} else if (strstr(q->body, "CIM_ComputerSystemPackage")) {
		uuid_to_smbios(&uuid, guid);
		at = (size_t)sprintf(fields, "<PlatformGUID>");
		for (size_t i = 0; i < sizeof(guid); i++)
			at += (size_t)sprintf(fields + at, "%02X", guid[i]);
		sprintf(fields + at, "</PlatformGUID>");
	} else if (strstr(q->body, "CIM_SoftwareIdentity")) {
		strcpy(fields, "<VersionString>7.1.20</VersionString>");
	} else if (strstr(q->body, "AMT_SetupAndConfigurationService") &&
		   !strstr(q->body, "_INPUT")) {
		sprintf(fields, "<ProvisioningState>%d</ProvisioningState>", machine.state);
	}
	if (strstr(q->body, "SetAdminAclEntryEx") && !machine.keeps_account)
		machine.password = a->target.admin.password;
	if (strstr(q->body, "CommitChanges_INPUT") || strstr(q->body, "<CommitChanges"))
		machine.state = 2;
	reply.size = (size_t)snprintf(body, sizeof(body), "<e:Envelope xmlns:e='http://www.w3.org/"
				      "2003/05/soap-envelope'><e:Body><x>%s</x></e:Body>"
				      "</e:Envelope>", fields);
	setup_answer(a->setup, &reply, 1);
}

static enum setup_action go_on(void)
{
	struct amt_request q;
	enum setup_action action;

	for (;;) {
		action = setup_next(a->setup, 1, &q);
		if (action == SETUP_SEND)
			answer(&q);
		else if (action == SETUP_COMMIT && run(attempt_commit) == 0)
			setup_commit(a->setup);
		else
			return action;
	}
}

/* Talk to the machine that proved its key until there is a plan to make, or to the end. */
static enum setup_action talk(const char *password, unsigned uuid, int state)
{
	machine.password = password;
	machine.uuid = uuid;
	machine.state = state;
	*machine.tried = '\0';
	a->proved = true;
	return go_on();
}

/*
 * The machine WHO, with the key PAIR at ADDRESS, is set up. Its new password goes to OUT;
 * machine.tried is what it was offered before it got that.
 */
static void configure(unsigned pair, unsigned who, const char *address, const char *password,
		      char *out)
{
	char tried[sizeof(machine.tried)];

	hello(pair, who, address);
	load(who);
	ck_assert_msg(talk(password, who, 1) == SETUP_PLAN, "%s", setup_fault(a->setup)->what);
	ck_assert_msg(run(attempt_plan) == 0, "%s", fault.what);
	strcpy(out, a->target.admin.password);
	ck_assert_uint_ge(strlen(out), 8);
	setup_plan(a->setup, &a->target);
	strcpy(tried, machine.tried);
	ck_assert_msg(go_on() == SETUP_DONE, "%s", setup_fault(a->setup)->what);
	strcpy(machine.tried, tried);
	ck_assert_int_eq(run(attempt_succeed), 0);
	ck_assert_int_eq(row(who).state, SYSTEM_CONFIGURED);
}

static void give_up(int code, enum system_state state)
{
	fault_set(&a->fault, code, "it failed");
	a->failed_state = state;
	ck_assert_int_eq(run(attempt_fail), 0);
}

/* The admin password that the row, or what was kept of it with the key PAIR, holds. */
static void held(unsigned who, char out[static PASSWORD_MAX + 1])
{
	struct uuid uuid = scratch_uuid(who);
	struct system_secrets s;

	ck_assert_int_eq(keymap_system_secrets(map, &uuid, &s, &fault), 0);
	strcpy(out, s.admin_password);
}

static void kept(unsigned who, unsigned pair, char out[static PASSWORD_MAX + 1])
{
	struct uuid uuid = scratch_uuid(who);
	struct keymap_earlier e;
	struct system_secrets s;

	ck_assert_int_eq(keymap_earlier_find(map, &uuid, scratch_pair(pair).pair.pid, &e, &fault),
			 0);
	ck_assert_int_eq(keymap_earlier_secrets(map, &e, &s, &fault), 0);
	strcpy(out, s.admin_password);
}

static int count_event(void *context, const struct logentry *e)
{
	++*(int *)context;
	return 0;
}

static int events(const char *name)
{
	struct keymap_log_filter filter = { .name = name };
	int n = 0;

	ck_assert_int_eq(keymap_log_each(map, &filter, count_event, &n, &fault), 0);
	return n;
}

START_TEST(another_key_with_the_same_uuid_is_offered_its_own_password_only)
{
	char first[PASSWORD_MAX + 1], second[PASSWORD_MAX + 1], now[PASSWORD_MAX + 1];

	configure(0, 1, "192.0.2.1", "New-Secret0!", first);
	configure(1, 1, "192.0.2.2", "New-Secret1!", second);
	ck_assert_str_eq(machine.tried, "New-Secret1!;");
	ck_assert_int_eq(events("uuid-has-other-key"), 1);
	ck_assert_str_ne(first, second);
	/* The row is the second key's; the first one's password is not lost. */
	ck_assert_str_eq(row(1).pid, scratch_pair(1).pair.pid);
	ck_assert_str_eq(row(1).address, "192.0.2.2");
	held(1, now);
	ck_assert_str_eq(now, second);
	kept(1, 0, now);
	ck_assert_str_eq(now, first);
}
END_TEST

START_TEST(two_machines_with_one_uuid_keep_a_password_each)
{
	char first[PASSWORD_MAX + 1], second[PASSWORD_MAX + 1], now[PASSWORD_MAX + 1];

	configure(0, 1, "192.0.2.1", "New-Secret0!", first);
	configure(1, 1, "192.0.2.2", "New-Secret1!", second);
	/* The first one again: its own password comes back, and is what it has. */
	allow(1, SYSTEM_ALLOWED);
	hello(0, 1, "192.0.2.1");
	load(1);
	ck_assert_int_eq(talk(first, 1, 2), SETUP_PLAN);
	ck_assert_ptr_null(strstr(machine.tried, second));
	ck_assert_int_eq(run(attempt_plan), 0);
	ck_assert(a->already);
	ck_assert_int_eq(run(attempt_succeed), 0);
	held(1, now);
	ck_assert_str_eq(now, first);
	kept(1, 1, now);
	ck_assert_str_eq(now, second);
	ck_assert_int_eq(events("uuid-has-other-key"), 2);
}
END_TEST

START_TEST(a_machine_that_is_set_up_again_with_its_own_key_is_offered_what_it_has)
{
	char first[PASSWORD_MAX + 1], now[PASSWORD_MAX + 1];

	configure(0, 1, "192.0.2.1", "New-Secret0!", first);
	allow(1, SYSTEM_ALLOWED_ANYWHERE);
	hello(0, 1, "192.0.2.77");
	load(1);
	ck_assert_str_eq(a->system.address, "192.0.2.77");
	ck_assert_int_eq(talk(first, 1, 2), SETUP_PLAN);
	ck_assert_int_eq(run(attempt_plan), 0);
	ck_assert(a->already);
	ck_assert_str_eq(row(1).address, "192.0.2.77");
	ck_assert_str_eq(row(1).claimed_address, "");
	ck_assert_int_eq(run(attempt_succeed), 0);
	held(1, now);
	ck_assert_str_eq(now, first);
	ck_assert_int_eq(events("uuid-has-other-key"), 0);
	ck_assert_int_eq(events("configured"), 2);
	ck_assert_int_eq(events("key-used"), 1);
}
END_TEST

START_TEST(a_hello_without_proof_leaves_a_configured_machine_as_it_is)
{
	char first[PASSWORD_MAX + 1];
	struct system before, after;

	configure(0, 1, "192.0.2.1", "New-Secret0!", first);
	allow(1, SYSTEM_ALLOWED);
	before = row(1);
	for (unsigned pair = 0; pair < 2; pair++) {
		scratch_sql("UPDATE csti_amts SET claim_failed_at = 0");
		hello(pair, 1, "198.51.100.9");
		load(1);
		ck_assert_str_eq(a->system.address, "198.51.100.9");
		ck_assert_int_eq(row(1).state, SYSTEM_CONFIGURED);
		give_up(pair ? KIT_ERR_NETWORK : KIT_ERR_FORGED, SYSTEM_FAILED);
		after = row(1);
		ck_assert_int_eq(after.state, SYSTEM_CONFIGURED);
		ck_assert_str_eq(after.pid, before.pid);
		ck_assert_str_eq(after.address, before.address);
		ck_assert_str_eq(after.claimed_address, "");
		ck_assert_int_eq(after.next_try, 0);
		ck_assert_uint_eq(after.failures, 0);
	}
	ck_assert_int_eq(events("proof-failed"), 1);
}
END_TEST

START_TEST(an_impostor_whose_own_uuid_is_another_leaves_a_configured_machine_as_it_is)
{
	struct keymap_log_filter filter = { .name = "key-used" };
	char first[PASSWORD_MAX + 1];
	struct uuid other;
	int used = 0;

	configure(0, 1, "192.0.2.1", "New-Secret0!", first);
	hello(1, 1, "198.51.100.9");
	load(1);
	ck_assert_int_eq(talk("New-Secret1!", 2, 1), SETUP_FAILED);
	ck_assert(setup_uuid_differs(a->setup));
	give_up(KIT_ERR_REFUSED, SYSTEM_REFUSED);
	ck_assert_int_eq(row(1).state, SYSTEM_CONFIGURED);
	ck_assert_str_eq(row(1).pid, scratch_pair(0).pair.pid);
	ck_assert_str_eq(row(1).address, "192.0.2.1");
	ck_assert_int_eq(events("uuid-mismatch"), 1);
	/* The key is the impostor's own machine's, in the map and in the log. */
	other = scratch_uuid(2);
	filter.uuid = &other;
	ck_assert_int_eq(keymap_log_each(map, &filter, count_event, &used, &fault), 0);
	ck_assert_int_eq(used, 1);
}
END_TEST

START_TEST(a_set_up_that_breaks_after_the_proof_is_tried_again)
{
	char first[PASSWORD_MAX + 1];

	configure(0, 1, "192.0.2.1", "New-Secret0!", first);
	allow(1, SYSTEM_ALLOWED);
	hello(0, 1, "192.0.2.77");
	load(1);
	a->proved = true;
	give_up(KIT_ERR_TIMEOUT, SYSTEM_FAILED);
	ck_assert_int_eq(row(1).state, SYSTEM_FAILED);
	ck_assert_str_eq(row(1).reason_code, "setup-failed");
	ck_assert_str_eq(row(1).address, "192.0.2.77");
	ck_assert_int_gt(row(1).next_try, time(NULL));
}
END_TEST

/* A machine that says hello with a key that it used, though nobody allowed that. */
START_TEST(a_password_that_is_known_twice_is_tried_once_whatever_was_there_before)
{
	hello(0, 1, "192.0.2.1");
	load(1);
	/* As after a conversation that had to begin again: the places of the logins were used. */
	strcpy(a->pairs[0].new_password, "Short-1!");
	strcpy(a->secrets.next_admin_password, "A-Much-Longer-Password-2!");
	strcpy(a->secrets.admin_password, "A-Much-Longer-Password-2!");
	a->n_logins = 0;
	attempt_logins(a);
	strcpy(a->secrets.next_admin_password, "");
	strcpy(a->secrets.admin_password, "Short-1!");
	a->n_logins = 0;
	attempt_logins(a);
	ck_assert_uint_eq(a->n_logins, 1);
	ck_assert_int_eq(a->kinds[0], LOGIN_ADMIN);
}
END_TEST

static void refused_hello(unsigned pair, unsigned who, const char *address)
{
	struct keyentry e = scratch_pair(pair);
	struct hello h = { .version = HELLO_PSK, .uuid = scratch_uuid(who) };
	struct intake_result result;

	strcpy(h.pid, e.pair.pid);
	ck_assert_int_eq(intake_hello(&intake, map, &h, address, time(NULL), &result, &fault), 0);
	ck_assert(!result.accepted);
	ck_assert_str_eq(result.name, "needs-permission");
	ck_assert_int_eq(result.severity, SEVERITY_SECURITY);
	ck_assert_ptr_nonnull(strstr(result.hint, "allow-setup"));
}

START_TEST(the_finder_of_a_used_stick_is_not_called)
{
	char first[PASSWORD_MAX + 1], now[PASSWORD_MAX + 1];
	struct uuid uuid = scratch_uuid(1);

	configure(0, 1, "192.0.2.1", "New-Secret0!", first);
	for (int i = 0; i < 20; i++)
		refused_hello(0, 1, "198.51.100.9");
	ck_assert_int_eq(row(1).state, SYSTEM_NEEDS_PERMISSION);
	ck_assert_int_eq(row(1).next_try, 0);
	ck_assert_int_gt(row(1).configured_at, 0);
	/* Nor when an operator only wants it called again. */
	ck_assert_int_eq(keymap_system_retry(map, &uuid, time(NULL), &fault), 0);
	drop();
	a = calloc(1, sizeof(*a));
	ck_assert_ptr_nonnull(a);
	a->services = (struct attempt_services){ .config = &config, .map = map,
						 .log = &daemon_log };
	a->uuid = uuid;
	ck_assert_int_eq(run(attempt_load), 0);
	ck_assert(a->waits);
	ck_assert_int_eq(row(1).state, SYSTEM_NEEDS_PERMISSION);
	ck_assert_int_eq(events("needs-permission"), 1);
	/* The password is where it was. */
	held(1, now);
	ck_assert_str_eq(now, first);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM csti_amts_history"), 0);
}
END_TEST

START_TEST(a_permission_at_another_address_gives_nothing_away)
{
	char first[PASSWORD_MAX + 1], second[PASSWORD_MAX + 1], now[PASSWORD_MAX + 1];

	configure(0, 1, "192.0.2.1", "New-Secret0!", first);
	refused_hello(0, 1, "198.51.100.9");
	allow(1, SYSTEM_ALLOWED);
	ck_assert_int_eq(row(1).state, SYSTEM_QUEUED);
	configure(0, 1, "198.51.100.9", "New-Secret0!", second);
	/* It was offered what the stick says, and did not get what the machine has. */
	ck_assert_str_eq(machine.tried, "New-Secret0!;");
	ck_assert_str_ne(first, second);
	kept(1, 0, now);
	ck_assert_str_eq(now, first);
	/* It was good for one. */
	refused_hello(0, 1, "198.51.100.9");
	refused_hello(0, 1, "192.0.2.1");
}
END_TEST

START_TEST(a_permitted_machine_gets_the_records_password_before_those_of_the_map)
{
	char first[PASSWORD_MAX + 1], want[100];

	configure(0, 1, "192.0.2.1", "New-Secret0!", first);
	allow(1, SYSTEM_ALLOWED);
	hello(0, 1, "192.0.2.1");
	load(1);
	ck_assert_int_eq(talk(first, 1, 1), SETUP_PLAN);
	snprintf(want, sizeof(want), "New-Secret0!;%s;", first);
	ck_assert_str_eq(machine.tried, want);
	/* With the word of a person for a new address, there as well. */
	configure(1, 2, "192.0.2.2", "New-Secret1!", first);
	allow(2, SYSTEM_ALLOWED_ANYWHERE);
	hello(1, 2, "192.0.2.99");
	load(2);
	ck_assert_int_eq(talk(first, 2, 1), SETUP_PLAN);
	snprintf(want, sizeof(want), "New-Secret1!;%s;", first);
	ck_assert_str_eq(machine.tried, want);
}
END_TEST

/* Random numbers that are the same in each run. */
static unsigned draw(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245 + 12345;
	return (*seed >> 16) % n;
}

/* Is ADDRESS among those that the attempt calls? */
static bool is_called(const char *address)
{
	if (!a->n_doors)
		return strcmp(a->system.address, address) == 0;
	for (size_t i = 0; i < a->n_doors; i++)
		if (strcmp(a->doors[i].claim.address, address) == 0)
			return true;
	return false;
}

/* All of them come to nothing. */
static void close_doors(unsigned *seed)
{
	for (size_t i = 0; i < a->n_doors; i++)
		fault_set(&a->doors[i].fault, draw(seed, 2) ? KIT_ERR_FORGED : KIT_ERR_TIMEOUT,
			  "it failed");
}

/*
 * The machine 1 says hello each second, and so do 16 others in its name. Seconds until it is
 * called, when each round of calls takes between nothing and 5 s to come to nothing.
 */
static unsigned seconds_until_called(unsigned seed)
{
	char from[20];
	unsigned busy = 0;

	for (unsigned second = 0; second < 100; second++) {
		unsigned first = draw(&seed, 17);

		for (unsigned i = 0; i < 17; i++) {
			unsigned who = (first + i) % 17;

			/* The machine itself comes last of all. */
			if (second == 0 && who == 0)
				continue;
			snprintf(from, sizeof(from), "192.0.2.%u", 100 + who);
			hello(0, 1, from);
		}
		if (busy && --busy)
			continue;
		for (unsigned tries = 0; tries < 50 && row(1).state != SYSTEM_IN_SETUP; tries++) {
			if (!row(1).next_try || row(1).next_try > time(NULL))
				break;
			load(1);
			if (is_called("192.0.2.100"))
				return second;
			ck_assert(second == 0 || a->n_doors > 1);
			close_doors(&seed);
			give_up(draw(&seed, 2) ? KIT_ERR_FORGED : KIT_ERR_TIMEOUT, SYSTEM_FAILED);
			busy = draw(&seed, 6);
			if (busy)
				break;
		}
	}
	return 100;
}

START_TEST(sixteen_forgers_of_one_hello_do_not_keep_the_machine_out)
{
	ck_assert_uint_le(seconds_until_called((unsigned)_i), 10);
}
END_TEST

/* How long TLS may take at a place that failed before. */
static unsigned patience(void)
{
	load(1);
	a->system.failures = 1;
	return attempt_limits(a, false).connect_ms;
}

START_TEST(a_place_that_failed_keeps_no_other_one_waiting_for_long)
{
	config.connect_seconds = 60;
	hello(0, 1, "192.0.2.1");
	ck_assert_uint_eq(patience(), 60000);
	hello(0, 1, "192.0.2.2");
	give_up(KIT_ERR_TIMEOUT, SYSTEM_FAILED);
	ck_assert_uint_le(patience(), 3000);
}
END_TEST

/* The machines 1 and 2 are called with the key 0 at the same time; a is the attempt of 2. */
static struct attempt *begin_race(void)
{
	struct attempt *first;

	hello(0, 1, "192.0.2.1");
	hello(0, 2, "192.0.2.2");
	load(1);
	first = a;
	a = NULL;
	load(2);
	return first;
}

/* FIRST of the race has proved the key; a is the other one again. */
static void win(struct attempt *first)
{
	struct attempt *second = a;

	a = first;
	a->proved = true;
	ck_assert_int_eq(run(attempt_use), 0);
	drop();
	a = second;
}

START_TEST(of_two_that_prove_one_key_the_second_is_sent_no_login)
{
	struct keymap_pair pair;
	struct uuid first = scratch_uuid(1);

	win(begin_race());
	a->proved = true;
	ck_assert_int_eq(run(attempt_use), KIT_ERR_STATE);
	ck_assert(a->lost);
	ck_assert_ptr_nonnull(strstr(fault.what, "two machines proved PID"));
	a->fault = fault;
	a->failed_state = SYSTEM_REFUSED;
	ck_assert_int_eq(run(attempt_fail), 0);
	ck_assert_int_eq(events("two-proofs"), 1);
	ck_assert_int_eq(row(2).state, SYSTEM_REFUSED);
	ck_assert_int_eq(row(2).next_try, 0);
	ck_assert_int_eq(keymap_find(map, scratch_pair(0).pair.pid, time(NULL), &pair, &fault), 0);
	ck_assert_int_eq(pair.state, KEYMAP_USED);
	ck_assert(uuid_equal(&pair.uuid, &first));
}
END_TEST

START_TEST(a_machine_that_proved_its_key_goes_on_after_a_crash_before_its_login)
{
	struct uuid uuid = scratch_uuid(1);

	hello(0, 1, "192.0.2.1");
	load(1);
	a->proved = true;
	ck_assert_int_eq(run(attempt_use), 0);
	drop();
	/* As fleet_recover() does. */
	ck_assert_int_eq(keymap_system_state(map, &uuid, SYSTEM_QUEUED, NULL, time(NULL),
					     time(NULL), &fault), 0);
	load(1);
	ck_assert(!a->waits);
	ck_assert_int_eq(talk("New-Secret0!", 1, 1), SETUP_PLAN);
	ck_assert_int_eq(run(attempt_plan), 0);
	ck_assert_int_eq(events("key-used"), 1);
}
END_TEST

START_TEST(a_machine_whose_login_fails_after_the_proof_is_tried_again)
{
	hello(0, 1, "192.0.2.1");
	load(1);
	a->proved = true;
	ck_assert_int_eq(run(attempt_use), 0);
	a->decided = true;
	ck_assert_int_eq(talk("Another-Password1!", 1, 1), SETUP_FAILED);
	give_up(KIT_ERR_REFUSED, SYSTEM_FAILED);
	ck_assert_int_eq(row(1).state, SYSTEM_FAILED);
	ck_assert_int_gt(row(1).next_try, time(NULL));
	ck_assert_int_eq(events("key-used"), 1);
	/* Its next hello does not wait for a person either. */
	hello(0, 1, "192.0.2.1");
	ck_assert_int_eq(row(1).state, SYSTEM_QUEUED);
}
END_TEST

START_TEST(a_made_up_uuid_that_led_to_the_machine_does_not_take_its_key)
{
	struct attempt *made_up = begin_race();
	struct attempt *real = a;
	struct keymap_pair pair;
	struct uuid uuid = scratch_uuid(2);

	/* The hello of 1 was forged, and its address passes the call on to the machine 2. */
	a = made_up;
	a->proved = true;
	ck_assert_int_eq(run(attempt_use), 0);
	a->decided = true;
	a = real;
	a->proved = true;
	ck_assert_int_eq(run(attempt_use), KIT_ERR_STATE);
	a->fault = fault;
	a->failed_state = SYSTEM_REFUSED;
	ck_assert_int_eq(run(attempt_fail), 0);
	a = made_up;
	ck_assert_int_eq(talk("New-Secret0!", 2, 1), SETUP_FAILED);
	ck_assert(setup_uuid_differs(a->setup));
	give_up(KIT_ERR_REFUSED, SYSTEM_REFUSED);
	drop();
	a = real;
	ck_assert_int_eq(keymap_find(map, scratch_pair(0).pair.pid, time(NULL), &pair, &fault), 0);
	ck_assert(uuid_equal(&pair.uuid, &uuid));
	/* The machine itself is called again, and needs no permission. */
	load(2);
	ck_assert(!a->waits);
	ck_assert_int_eq(talk("New-Secret0!", 2, 1), SETUP_PLAN);
	ck_assert_int_eq(run(attempt_plan), 0);
}
END_TEST

START_TEST(who_lost_the_race_for_a_key_is_not_called)
{
	struct keyentry e = scratch_pair(0);
	struct uuid other = scratch_uuid(2);

	hello(0, 1, "192.0.2.1");
	ck_assert_int_eq(keymap_use(map, e.pair.pid, &other, time(NULL), NULL, &fault), 0);
	a = calloc(1, sizeof(*a));
	ck_assert_ptr_nonnull(a);
	a->services = (struct attempt_services){ .config = &config, .map = map,
						 .log = &daemon_log };
	a->uuid = scratch_uuid(1);
	ck_assert_int_eq(run(attempt_load), KIT_ERR_STATE);
	ck_assert_ptr_nonnull(strstr(fault.what, "proved by another machine"));
	ck_assert_uint_eq(a->n_pairs, 0);
}
END_TEST

START_TEST(who_fails_to_prove_a_key_is_not_called_again_by_itself)
{
	hello(0, 1, "192.0.2.1");
	load(1);
	give_up(KIT_ERR_FORGED, SYSTEM_FAILED);
	ck_assert_int_eq(row(1).state, SYSTEM_FAILED);
	ck_assert_int_eq(row(1).next_try, 0);
}
END_TEST

START_TEST(a_first_set_up_that_broke_off_goes_on_by_itself)
{
	hello(0, 1, "192.0.2.1");
	load(1);
	ck_assert_int_eq(talk("New-Secret0!", 1, 1), SETUP_PLAN);
	ck_assert_int_eq(run(attempt_plan), 0);
	give_up(KIT_ERR_TIMEOUT, SYSTEM_FAILED);
	ck_assert_int_eq(row(1).allowed, SYSTEM_ALLOWED);
	hello(0, 1, "192.0.2.1");
	ck_assert_int_eq(row(1).state, SYSTEM_QUEUED);
}
END_TEST

START_TEST(with_same_uuid_a_used_key_needs_no_permission)
{
	char first[PASSWORD_MAX + 1];

	config.reprovision = REPROVISION_SAME_UUID;
	configure(0, 1, "192.0.2.1", "New-Secret0!", first);
	hello(0, 1, "192.0.2.1");
	load(1);
	ck_assert(!a->waits);
}
END_TEST

START_TEST(who_turns_out_to_be_set_up_may_have_either_mebx_password)
{
	struct uuid uuid = scratch_uuid(1);
	struct system_secrets s;
	char admin[PASSWORD_MAX + 1];

	hello(0, 1, "192.0.2.1");
	load(1);
	a->profile.mebx_policy = PROFILE_RANDOM;
	ck_assert_int_eq(talk("New-Secret0!", 1, 1), SETUP_PLAN);
	ck_assert_int_eq(run(attempt_plan), 0);
	strcpy(admin, a->target.admin.password);
	/* The server ends here; the machine was committed, and may have refused the password. */
	ck_assert_int_eq(keymap_system_retry(map, &uuid, time(NULL), &fault), 0);
	load(1);
	ck_assert_int_eq(talk(admin, 1, 2), SETUP_PLAN);
	ck_assert_int_eq(run(attempt_plan), 0);
	ck_assert(a->already);
	ck_assert_int_eq(run(attempt_succeed), 0);
	ck_assert_int_eq(keymap_system_secrets(map, &uuid, &s, &fault), 0);
	ck_assert_str_eq(s.admin_password, admin);
	ck_assert_str_eq(s.mebx_password, "New-Secret0!");
	ck_assert_uint_ge(strlen(s.next_mebx_password), 8);
}
END_TEST

/* Machine 1 has taken new passwords by SOAP, MEBX and ADMIN, when its set-up breaks off. */
static void break_off_with_new_passwords(char *mebx, char *admin)
{
	const struct uuid uuid = scratch_uuid(1);

	machine.soap = true;
	hello(0, 1, "192.0.2.1");
	load(1);
	a->profile.mebx_policy = PROFILE_RANDOM;
	ck_assert_int_eq(talk("New-Secret0!", 1, 1), SETUP_PLAN);
	ck_assert_int_eq(run(attempt_plan), 0);
	strcpy(mebx, a->target.mebx_password);
	strcpy(admin, a->target.admin.password);
	ck_assert_int_eq(keymap_system_retry(map, &uuid, time(NULL), &fault), 0);
	load(1);
}

/* In SOAP a machine cannot be asked whether it is set up: its refusals say it. */
START_TEST(a_refused_mebx_password_that_an_earlier_attempt_may_have_set_is_kept)
{
	struct uuid uuid = scratch_uuid(1);
	struct system_secrets s;
	char mebx[PASSWORD_MAX + 1], admin[PASSWORD_MAX + 1];

	break_off_with_new_passwords(mebx, admin);
	a->profile.mebx_policy = PROFILE_RANDOM;
	a->profile.rekey = true;
	ck_assert_int_eq(talk(admin, 1, 2), SETUP_PLAN);
	ck_assert_int_eq(run(attempt_plan), 0);
	ck_assert(!a->already);
	ck_assert(a->target.again);
	setup_plan(a->setup, &a->target);
	machine.refuse = "SetMEBxPassword";
	ck_assert_msg(talk(admin, 1, 2) == SETUP_DONE, "%s", setup_fault(a->setup)->what);
	ck_assert_int_eq(run(attempt_succeed), 0);
	ck_assert_int_eq(keymap_system_secrets(map, &uuid, &s, &fault), 0);
	ck_assert_str_eq(s.mebx_password, "New-Secret0!");
	ck_assert_str_eq(s.next_mebx_password, mebx);
}
END_TEST

START_TEST(a_mebx_password_that_it_may_have_is_known_when_the_profile_sets_none_any_more)
{
	struct uuid uuid = scratch_uuid(1);
	struct system_secrets s;
	char mebx[PASSWORD_MAX + 1], admin[PASSWORD_MAX + 1];

	break_off_with_new_passwords(mebx, admin);
	ck_assert_int_eq(talk(admin, 1, 1), SETUP_PLAN);
	ck_assert_int_eq(run(attempt_plan), 0);
	ck_assert_str_eq(a->target.mebx_password, "");
	setup_plan(a->setup, &a->target);
	ck_assert_msg(talk(admin, 1, 2) == SETUP_DONE, "%s", setup_fault(a->setup)->what);
	ck_assert_int_eq(run(attempt_succeed), 0);
	ck_assert_int_eq(keymap_system_secrets(map, &uuid, &s, &fault), 0);
	ck_assert_str_eq(s.mebx_password, "New-Secret0!");
	ck_assert_str_eq(s.next_mebx_password, mebx);
	/* With a key from a stick after that, it is the stick's. */
	hello(1, 1, "192.0.2.1");
	load(1);
	ck_assert_int_eq(talk("New-Secret1!", 1, 1), SETUP_PLAN);
	ck_assert_int_eq(run(attempt_plan), 0);
	ck_assert_int_eq(keymap_system_secrets(map, &uuid, &s, &fault), 0);
	ck_assert_str_eq(s.mebx_password, "New-Secret1!");
	ck_assert_str_eq(s.next_mebx_password, "");
}
END_TEST

START_TEST(a_mebx_password_that_it_neither_took_nor_refused_is_kept_beside_the_one_before)
{
	machine.soap = true;
	for (unsigned clear = 0; clear < 2; clear++) {
		const char *password = clear ? "New-Secret1!" : "New-Secret0!";
		struct uuid uuid = scratch_uuid(clear + 1);
		struct system_secrets s;

		hello(clear, clear + 1, "192.0.2.1");
		load(clear + 1);
		a->profile.mebx_policy = PROFILE_RANDOM;
		machine.refuse = "SetMEBxPassword";
		machine.mumbles = !clear;
		ck_assert_int_eq(talk(password, clear + 1, 1), SETUP_PLAN);
		ck_assert_int_eq(run(attempt_plan), 0);
		setup_plan(a->setup, &a->target);
		ck_assert_msg(talk(password, clear + 1, 2) == SETUP_DONE, "%s",
			      setup_fault(a->setup)->what);
		ck_assert_int_eq(run(attempt_succeed), 0);
		ck_assert_int_eq(keymap_system_secrets(map, &uuid, &s, &fault), 0);
		ck_assert_str_eq(s.mebx_password, password);
		ck_assert_str_eq(s.next_mebx_password, clear ? "" : a->target.mebx_password);
	}
}
END_TEST

START_TEST(the_user_of_a_password_that_it_may_have_is_known_when_the_profile_names_another)
{
	struct uuid uuid = scratch_uuid(1);
	bool offered = false;
	char admin[PASSWORD_MAX + 1];

	hello(0, 1, "192.0.2.1");
	load(1);
	strcpy(a->profile.admin_user, "boss");
	ck_assert_int_eq(talk("New-Secret0!", 1, 1), SETUP_PLAN);
	ck_assert_int_eq(run(attempt_plan), 0);
	strcpy(admin, a->target.admin.password);
	/* The server ends here, and the profile is changed. */
	ck_assert_int_eq(keymap_system_retry(map, &uuid, time(NULL), &fault), 0);
	ck_assert_str_eq(row(1).admin_user, "boss");
	load(1);
	for (size_t i = 0; i < a->n_logins; i++)
		offered |= strcmp(a->logins[i].user, "boss") == 0 &&
			   strcmp(a->logins[i].password, admin) == 0;
	ck_assert(offered);
	ck_assert_str_eq(a->logins[0].user, "admin");
}
END_TEST

START_TEST(a_password_that_it_took_is_tried_whatever_the_profile_says_since)
{
	struct uuid uuid = scratch_uuid(1);
	char admin[PASSWORD_MAX + 1];

	hello(0, 1, "192.0.2.1");
	load(1);
	ck_assert_int_eq(talk("New-Secret0!", 1, 1), SETUP_PLAN);
	ck_assert_int_eq(run(attempt_plan), 0);
	strcpy(admin, a->target.admin.password);
	/* The machine took it, and the server ends here; the profile changes, it breaks twice. */
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(keymap_system_retry(map, &uuid, time(NULL), &fault), 0);
		load(1);
		strcpy(a->profile.admin_user, "boss");
		a->profile.admin_policy = PROFILE_ONE;
		strcpy(a->profile.admin_password, "Same-For-All1");
		ck_assert_msg(talk(admin, 1, 1) == SETUP_PLAN, "%s", setup_fault(a->setup)->what);
		ck_assert_str_eq(a->logins[setup_login_index(a->setup)].user, "admin");
		ck_assert_int_eq(run(attempt_plan), 0);
		ck_assert_str_eq(a->target.admin.user, "boss");
		ck_assert_str_eq(a->target.admin.password, "Same-For-All1");
		ck_assert_str_eq(row(1).admin_user, "admin");
	}
}
END_TEST

START_TEST(a_new_pair_that_was_refused_is_not_the_machines)
{
	struct uuid uuid = scratch_uuid(1);
	char admin[PASSWORD_MAX + 1];

	machine.soap = true;
	configure(0, 1, "192.0.2.1", "New-Secret0!", admin);
	allow(1, SYSTEM_ALLOWED);
	ck_assert_int_eq(keymap_system_retry(map, &uuid, time(NULL), &fault), 0);
	load(1);
	a->profile.rekey = true;
	ck_assert_int_eq(talk(admin, 1, 2), SETUP_PLAN);
	ck_assert_int_eq(run(attempt_plan), 0);
	ck_assert(*a->target.pair.pid);
	setup_plan(a->setup, &a->target);
	machine.refuse = "SetTLSPSK";
	ck_assert_msg(talk(admin, 1, 2) == SETUP_DONE, "%s", setup_fault(a->setup)->what);
	ck_assert_int_eq(run(attempt_succeed), 0);
	ck_assert_str_eq(row(1).pid, scratch_pair(0).pair.pid);
	ck_assert_int_eq(row(1).state, SYSTEM_CONFIGURED);
}
END_TEST

START_TEST(a_machine_whose_uuid_is_unknown_is_served_unless_that_is_refused)
{
	char admin[PASSWORD_MAX + 1];

	for (int soap = 0; soap < 2; soap++) {
		machine.soap = soap;
		machine.no_uuid = true;
		configure((unsigned)soap, 1 + (unsigned)soap, "192.0.2.1",
			  soap ? "New-Secret1!" : "New-Secret0!", admin);
	}
	config.unknown_uuid = UNKNOWN_UUID_REFUSE;
	for (int soap = 0; soap < 2; soap++) {
		machine.soap = soap;
		hello(2 + (unsigned)soap, 3 + (unsigned)soap, "192.0.2.1");
		load(3 + (unsigned)soap);
		ck_assert_int_eq(talk(soap ? "New-Secret3!" : "New-Secret2!", 1, 1), SETUP_PLAN);
		ck_assert_int_eq(run(attempt_plan), KIT_ERR_REFUSED);
		ck_assert_ptr_nonnull(strstr(fault.what, soap ? "AMT 2.x" : "it refuses"));
		ck_assert_ptr_nonnull(strstr(fault.hint, "unknown_uuid"));
	}
}
END_TEST

START_TEST(a_hello_from_elsewhere_meanwhile_is_called_next)
{
	hello(0, 1, "192.0.2.1");
	load(1);
	hello(0, 1, "192.0.2.2");
	ck_assert_str_eq(row(1).address, "192.0.2.1");
	give_up(KIT_ERR_NETWORK, SYSTEM_FAILED);
	ck_assert_int_le(row(1).next_try, time(NULL));
	load(1);
	ck_assert_str_eq(a->system.address, "192.0.2.2");
	ck_assert_str_eq(row(1).address, "192.0.2.2");
	/* The same again is not logged. */
	hello(0, 1, "192.0.2.2");
	give_up(KIT_ERR_NETWORK, SYSTEM_FAILED);
	ck_assert_int_gt(row(1).next_try, time(NULL));
}
END_TEST

/* Machine 1 at 192.0.2.1 has got a random password, and its commit is sent; that is all. */
static void lose_commit(char *admin)
{
	const struct uuid uuid = scratch_uuid(1);

	hello(0, 1, "192.0.2.1");
	load(1);
	ck_assert(!attempt_may_check(a, CHECK_TLS));
	ck_assert_int_eq(talk("New-Secret0!", 1, 1), SETUP_PLAN);
	ck_assert_int_eq(run(attempt_plan), 0);
	strcpy(admin, a->target.admin.password);
	ck_assert_int_eq(run(attempt_commit), 0);
	ck_assert_int_eq(keymap_system_retry(map, &uuid, time(NULL), &fault), 0);
	load(1);
}

START_TEST(a_machine_whose_commit_was_sent_is_looked_for_within_limits)
{
	struct uuid uuid = scratch_uuid(1);
	char admin[PASSWORD_MAX + 1];

	config.check_after_commit = CHECK_RANDOM;
	lose_commit(admin);
	ck_assert(attempt_may_check(a, CHECK_TLS));
	ck_assert(attempt_may_check(a, CHECK_PLAIN));
	config.check_after_commit = CHECK_NO;
	ck_assert(!attempt_may_check(a, CHECK_TLS));
	/* A password that others may have, too: over TLS only, and only if that is allowed. */
	a->talk.next_random = false;
	config.check_after_commit = CHECK_RANDOM;
	ck_assert(!attempt_may_check(a, CHECK_TLS));
	config.check_after_commit = CHECK_ANY;
	ck_assert(attempt_may_check(a, CHECK_TLS));
	ck_assert(!attempt_may_check(a, CHECK_PLAIN));
	/* Elsewhere, or later: not at all. */
	strcpy(a->system.address, "192.0.2.2");
	ck_assert(!attempt_may_check(a, CHECK_TLS));
	strcpy(a->system.address, "192.0.2.1");
	a->talk.commit_sent_at -= 1801;
	ck_assert(!attempt_may_check(a, CHECK_TLS));
	a->talk.commit_sent_at += 1801;
	/* Three logins an hour, whatever ends meanwhile. */
	for (int i = 0; i < 3; i++) {
		ck_assert(attempt_may_check(a, CHECK_TLS));
		ck_assert_int_eq(run(attempt_login), 0);
	}
	ck_assert(!attempt_may_check(a, CHECK_TLS));
	ck_assert_int_eq(keymap_system_retry(map, &uuid, time(NULL), &fault), 0);
	load(1);
	ck_assert(!attempt_may_check(a, CHECK_TLS));
	a->talk.logins_at -= 3600;
	ck_assert(attempt_may_check(a, CHECK_TLS));
}
END_TEST

/* Set up, it says no hello any more: to wait for one would be to wait without end. */
START_TEST(a_machine_whose_commit_was_sent_is_tried_again_after_the_last_failure)
{
	char admin[PASSWORD_MAX + 1];

	config.retry_limit = 1;
	lose_commit(admin);
	give_up(KIT_ERR_NETWORK, SYSTEM_FAILED);
	ck_assert_int_gt(row(1).next_try, time(NULL));
	/* Nor does a call elsewhere, where no machine is looked for, end that. */
	strcpy(a->system.address, "192.0.2.2");
	give_up(KIT_ERR_FORGED, SYSTEM_FAILED);
	ck_assert_int_gt(row(1).next_try, time(NULL));
	a->talk.commit_sent_at -= 1801;
	give_up(KIT_ERR_NETWORK, SYSTEM_FAILED);
	ck_assert_int_eq(row(1).next_try, 0);
}
END_TEST

START_TEST(a_machine_that_failed_often_before_its_commit_is_looked_for_all_the_same)
{
	char admin[PASSWORD_MAX + 1];

	lose_commit(admin);
	scratch_sql("UPDATE csti_amts SET failures = 8");
	give_up(KIT_ERR_NETWORK, SYSTEM_FAILED);
	ck_assert_int_gt(row(1).next_try, time(NULL));
	ck_assert_int_le(row(1).next_try, time(NULL) + 300);
	/* Once it is not looked for any more, it waits as any other. */
	a->talk.commit_sent_at -= 1600;
	give_up(KIT_ERR_NETWORK, SYSTEM_FAILED);
	ck_assert_int_gt(row(1).next_try, time(NULL) + 3000);
}
END_TEST

START_TEST(a_person_may_have_a_lost_machine_looked_for_again)
{
	struct uuid uuid = scratch_uuid(1);
	char admin[PASSWORD_MAX + 1];

	lose_commit(admin);
	/* Each login was counted, and the server was killed before it sent any. */
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(run(attempt_login), 0);
	ck_assert(!attempt_may_check(a, CHECK_TLS));
	a->talk.commit_sent_at -= 7200;
	ck_assert_int_eq(keymap_talk_put(map, &uuid, &a->talk, &fault), 0);
	give_up(KIT_ERR_NETWORK, SYSTEM_FAILED);
	ck_assert_int_eq(keymap_system_retry(map, &uuid, time(NULL), &fault), 0);
	ck_assert_int_eq(keymap_talk_find(map, &uuid, &a->talk, &fault), 0);
	/* Three logins an hour it stays, and then it is looked for. */
	ck_assert(!attempt_may_check(a, CHECK_TLS));
	a->talk.logins_at -= 3600;
	ck_assert(attempt_may_check(a, CHECK_TLS));
	/* Where no commit is open, none is made up. */
	a->talk.commit_sent_at = 0;
	ck_assert_int_eq(keymap_talk_put(map, &uuid, &a->talk, &fault), 0);
	ck_assert_int_eq(keymap_system_retry(map, &uuid, time(NULL), &fault), 0);
	ck_assert_int_eq(keymap_talk_find(map, &uuid, &a->talk, &fault), 0);
	ck_assert_int_eq(a->talk.commit_sent_at, 0);
}
END_TEST

START_TEST(a_machine_that_is_found_may_have_either_password)
{
	struct uuid uuid = scratch_uuid(1);
	struct setup_login logins[2];
	struct system_secrets s;
	char admin[PASSWORD_MAX + 1];

	config.check_after_commit = CHECK_RANDOM;
	lose_commit(admin);
	ck_assert_int_eq(attempt_check_logins(a, logins, &fault), 0);
	ck_assert_str_eq(logins[1].password, admin);
	ck_assert_str_ne(logins[0].password, admin);
	ck_assert_uint_ge(strlen(logins[0].password), 8);
	a->check = CHECK_PLAIN;
	ck_assert_int_eq(run(attempt_found), 0);
	ck_assert_int_eq(row(1).state, SYSTEM_CONFIGURED);
	ck_assert_int_eq(keymap_system_secrets(map, &uuid, &s, &fault), 0);
	ck_assert_str_eq(s.admin_password, "");
	ck_assert_str_eq(s.next_admin_password, admin);
}
END_TEST

START_TEST(a_password_that_was_not_asked_for_is_not_the_machines)
{
	struct uuid uuid = scratch_uuid(1);
	struct system_secrets s;
	char admin[PASSWORD_MAX + 1];

	hello(0, 1, "192.0.2.1");
	load(1);
	ck_assert_int_eq(talk("New-Secret0!", 1, 1), SETUP_PLAN);
	ck_assert_int_eq(run(attempt_plan), 0);
	strcpy(admin, a->target.admin.password);
	setup_plan(a->setup, &a->target);
	machine.keeps_account = true;
	ck_assert_msg(go_on() == SETUP_DONE, "%s", setup_fault(a->setup)->what);
	ck_assert_int_eq(run(attempt_succeed), 0);
	ck_assert_int_eq(keymap_system_secrets(map, &uuid, &s, &fault), 0);
	ck_assert_str_eq(s.admin_password, "");
	ck_assert_str_eq(s.next_admin_password, admin);
}
END_TEST

START_TEST(what_helped_to_talk_to_a_machine_is_remembered)
{
	struct uuid uuid = scratch_uuid(1);
	struct keymap_talk talked;

	hello(0, 1, "192.0.2.1");
	load(1);
	ck_assert_int_eq(talk("New-Secret0!", 1, 1), SETUP_PLAN);
	a->tls10 = a->talk.one_each = true;
	ck_assert_int_eq(run(attempt_plan), 0);
	ck_assert_int_eq(keymap_talk_find(map, &uuid, &talked, &fault), 0);
	ck_assert(talked.tls10 && talked.one_each && talked.next_random);
	ck_assert_int_eq(keymap_system_retry(map, &uuid, time(NULL), &fault), 0);
	load(1);
	ck_assert(a->tls10 && a->talk.one_each);
}
END_TEST

TEST_SUITE("attempt")
{
	TCase *t = tcase_create("the map's side");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, another_key_with_the_same_uuid_is_offered_its_own_password_only);
	tcase_add_test(t, two_machines_with_one_uuid_keep_a_password_each);
	tcase_add_test(t, a_machine_that_is_set_up_again_with_its_own_key_is_offered_what_it_has);
	tcase_add_test(t, a_hello_without_proof_leaves_a_configured_machine_as_it_is);
	tcase_add_test(t,
		       an_impostor_whose_own_uuid_is_another_leaves_a_configured_machine_as_it_is);
	tcase_add_test(t, a_set_up_that_breaks_after_the_proof_is_tried_again);
	tcase_add_test(t, a_password_that_is_known_twice_is_tried_once_whatever_was_there_before);
	tcase_add_test(t, the_finder_of_a_used_stick_is_not_called);
	tcase_add_test(t, a_permission_at_another_address_gives_nothing_away);
	tcase_add_test(t, a_permitted_machine_gets_the_records_password_before_those_of_the_map);
	tcase_add_loop_test(t, sixteen_forgers_of_one_hello_do_not_keep_the_machine_out,
			    0, 20);
	tcase_add_test(t, of_two_that_prove_one_key_the_second_is_sent_no_login);
	tcase_add_test(t, a_machine_that_proved_its_key_goes_on_after_a_crash_before_its_login);
	tcase_add_test(t, a_machine_whose_login_fails_after_the_proof_is_tried_again);
	tcase_add_test(t, a_made_up_uuid_that_led_to_the_machine_does_not_take_its_key);
	tcase_add_test(t, who_lost_the_race_for_a_key_is_not_called);
	tcase_add_test(t, who_fails_to_prove_a_key_is_not_called_again_by_itself);
	tcase_add_test(t, a_first_set_up_that_broke_off_goes_on_by_itself);
	tcase_add_test(t, with_same_uuid_a_used_key_needs_no_permission);
	tcase_add_test(t, who_turns_out_to_be_set_up_may_have_either_mebx_password);
	tcase_add_test(t, a_refused_mebx_password_that_an_earlier_attempt_may_have_set_is_kept);
	tcase_add_test(t,
		a_mebx_password_that_it_may_have_is_known_when_the_profile_sets_none_any_more);
	tcase_add_test(t,
		a_mebx_password_that_it_neither_took_nor_refused_is_kept_beside_the_one_before);
	tcase_add_test(
		t, the_user_of_a_password_that_it_may_have_is_known_when_the_profile_names_another);
	tcase_add_test(t, a_place_that_failed_keeps_no_other_one_waiting_for_long);
	tcase_add_test(t, a_password_that_it_took_is_tried_whatever_the_profile_says_since);
	tcase_add_test(t, a_new_pair_that_was_refused_is_not_the_machines);
	tcase_add_test(t, a_machine_whose_uuid_is_unknown_is_served_unless_that_is_refused);
	tcase_add_test(t, a_hello_from_elsewhere_meanwhile_is_called_next);
	tcase_add_test(t, a_machine_whose_commit_was_sent_is_looked_for_within_limits);
	tcase_add_test(t, a_machine_whose_commit_was_sent_is_tried_again_after_the_last_failure);
	tcase_add_test(t, a_machine_that_failed_often_before_its_commit_is_looked_for_all_the_same);
	tcase_add_test(t, a_person_may_have_a_lost_machine_looked_for_again);
	tcase_add_test(t, a_machine_that_is_found_may_have_either_password);
	tcase_add_test(t, a_password_that_was_not_asked_for_is_not_the_machines);
	tcase_add_test(t, what_helped_to_talk_to_a_machine_is_remembered);
	suite_add_tcase(suite, t);
}
