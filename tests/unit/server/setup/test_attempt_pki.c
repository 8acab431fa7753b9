/* Attempts by certificate: which chains and logins are tried, who vouches, what rows say then. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "amt/pem.h"
#include "server/core/authority.h"
#include "server/core/config.h"
#include "server/core/log.h"
#include "server/keymap/digests.h"
#include "server/setup/attempt-private.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

#define WHO	1
#define ADDRESS	"192.0.2.1"
#define FLEET	"Fl33t!Pass"
#define STICK	"St1ck!Pass"

static struct config config;
static struct log daemon_log;
static struct certificates *certificates;
static struct fault why;
static struct attempt *a;

/* ---- certificates ---- */

#define FILES	2

static struct authority *authorities[FILES];
static char *bundles[FILES];

static void make_bundles(void)
{
	const struct authority_algorithm algorithm = { 2048, 256 };
	struct authority_issued issued;

	for (int i = 0; i < FILES; i++) {
		ok(authority_new(&authorities[i], AUTHORITY_SERVER, "example.com", &algorithm, 90,
				 time(NULL), &fault));
		ok(authority_issue_server(authorities[i], i ? "two.example.com" : "one.example.com",
					  &algorithm, 90, time(NULL), &bundles[i], &issued,
					  &fault));
	}
}

static void drop_bundles(void)
{
	for (int i = 0; i < FILES; i++) {
		authority_free(authorities[i]);
		pem_free(bundles[i]);
	}
}

static void write_file(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* Serve the first N of the bundles. */
static void serve(int n)
{
	struct certificates_options options = { .folder = "certificates", .now = time(NULL) };

	certificates_free(&certificates);
	mkdir("certificates", 0700);
	for (int i = 0; i < n; i++)
		write_file(i ? "certificates/2.pem" : "certificates/1.pem", bundles[i]);
	ok(certificates_load(&certificates, &options, &fault));
	if (n)
		ck_assert_ptr_nonnull(certificates_at(certificates, (size_t)n - 1));
}

/* ---- the machine ---- */

static struct {
	const char *password;	/* NULL: it asks for none */
	const char *otp;	/* base64 */
	const char *tried[8];	/* logins that it was sent */
	size_t n_tried;
	unsigned mebx_status, pair_status;
	const char *version;
	int state;
} machine;

static void begin(void)
{
	scratch_enter();
	m = scratch_map();
	config_init(&config);
	log_init(&daemon_log);
	memset(&machine, 0, sizeof(machine));
	machine.state = 1;
	serve(1);
}

static void drop(void)
{
	if (!a)
		return;
	attempt_free_chains(a);
	setup_free(&a->setup);
	free(a);
	a = NULL;
}

static void end(void)
{
	drop();
	certificates_free(&certificates);
	log_free(&daemon_log);
	keymap_close(&m);
	unlink("certificates/1.pem");
	unlink("certificates/2.pem");
	rmdir("certificates");
	scratch_leave();
}

/* Its hello lists the roots of the authorities whose bits are in WHICH; it is due. */
static void hello(unsigned which, const char *address)
{
	struct keymap_digest list[FILES + 1] = { { .type = KEYMAP_DIGEST_SHA256, .length = 32 } };
	struct keymap_hello h = { .uuid = scratch_uuid(WHO), .address = address, .version = 3,
				  .digests = list, .n_digests = 1 };

	for (int i = 0; i < FILES; i++) {
		struct keymap_digest *d = &list[h.n_digests];

		if (!(which & 1u << i))
			continue;
		d->type = KEYMAP_DIGEST_SHA256;
		d->length = 32;
		authority_digest(authorities[i], d->bytes);
		h.n_digests++;
	}
	ok(keymap_system_hello(m, &h, SYSTEM_QUEUED, time(NULL), NULL, NULL, &fault));
	ok(keymap_system_due(m, &h.uuid, time(NULL), &fault));
}

static void list_in_inventory(const char *otp)
{
	struct keymap_inventory row = { .uuid = scratch_uuid(WHO), .fqdn = "pc1.example.com" };

	ok(keymap_inventory_put(m, &row, &fault));
	ok(keymap_inventory_set_otp(m, &row.uuid, otp, &fault));
}

static struct system row(void)
{
	struct uuid uuid = scratch_uuid(WHO);
	struct system s;

	ok(keymap_system_find(m, &uuid, &s, &fault));
	return s;
}

static int run(int (*job)(struct keymap *map, void *attempt, struct fault *f))
{
	int rc;

	fault_clear(&why);
	ok(keymap_begin(m, &fault));
	rc = job(m, a, &why);
	if (rc)
		keymap_rollback(m);
	else
		ok(keymap_commit(m, &fault));
	return rc;
}

static int load(void)
{
	int rc;

	drop();
	a = calloc(1, sizeof(*a));
	ck_assert_ptr_nonnull(a);
	a->services = (struct attempt_services){ .config = &config, .map = m, .log = &daemon_log,
						 .certificates = &certificates };
	a->uuid = scratch_uuid(WHO);
	a->tls = "TLS 1.2";
	a->chain_taken = true;
	rc = run(attempt_load);
	if (rc || a->waits)
		return rc;
	ok(profile_init(&a->profile, "default", &fault));
	strcpy(a->fqdn, "pc1.example.com");
	attempt_logins(a);
	ok(setup_new(&a->setup, &a->uuid, a->logins, a->n_logins, &fault));
	setup_by_certificate(a->setup, *a->otp);
	a->noted_login = -1;
	return 0;
}

static void answer(const struct amt_request *q)
{
	char fields[300] = "<ReturnValue>0</ReturnValue>", body[900];
	struct amt_reply reply = { .status = 200, .body = body };
	struct uuid uuid = scratch_uuid(WHO);
	uint8_t guid[16];
	size_t at;

	if (machine.password && (!q->user || strcmp(q->password, machine.password) != 0)) {
		if (q->user)
			machine.tried[machine.n_tried++] = strcmp(q->password, STICK) == 0 ? STICK
				: strcmp(q->password, "admin") == 0 ? "admin" : "another";
		reply = (struct amt_reply){ .status = 401, .body = "", .login = q->user ?
					    AMT_LOGIN_REFUSED : AMT_LOGIN_ASKED };
		if (q->user)
			attempt_login_refused(a);
		setup_answer(a->setup, &reply, 1);
		return;
	}
	reply.login = machine.password ? AMT_LOGIN_TAKEN : AMT_LOGIN_NONE;
	if (strstr(q->body, "AMT_GeneralSettings")) {
		strcpy(fields, "<DigestRealm>Digest:A</DigestRealm>");
	} else if (strstr(q->body, "CIM_ComputerSystemPackage")) {
		uuid_to_smbios(&uuid, guid);
		at = (size_t)sprintf(fields, "<PlatformGUID>");
		for (size_t i = 0; i < sizeof(guid); i++)
			at += (size_t)sprintf(fields + at, "%02X", guid[i]);
		sprintf(fields + at, "</PlatformGUID>");
	} else if (strstr(q->body, "CIM_SoftwareIdentity")) {
		sprintf(fields, "<VersionString>%s</VersionString>",
			machine.version ? machine.version : "16.1.25");
	} else if (strstr(q->body, "SetMEBxPassword")) {
		sprintf(fields, "<ReturnValue>%u</ReturnValue>", machine.mebx_status);
	} else if (strstr(q->body, "SetTLSPSK")) {
		sprintf(fields, "<ReturnValue>%u</ReturnValue>", machine.pair_status);
	} else if (strstr(q->body, "SetAdminAclEntryEx")) {
		machine.password = a->target.admin.password;
	} else if (strstr(q->body, "CommitChanges")) {
		machine.state = 2;
	} else if (!strstr(q->body, "_INPUT")) {
		sprintf(fields, "<ProvisioningState>%d</ProvisioningState><ProvisioningServerOTP>%s"
			"</ProvisioningServerOTP>", machine.state, machine.otp ? machine.otp : "");
	}
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
		if (action == SETUP_SEND && q.user && !a->planned && attempt_needs_note(a))
			ck_assert_int_eq(run(attempt_candidate), 0);
		else if (action == SETUP_SEND)
			answer(&q);
		else if (action == SETUP_COMMIT && run(attempt_commit) == 0)
			setup_commit(a->setup);
		else if (action == SETUP_REOPEN)
			setup_reopened(a->setup);
		else
			return action;
	}
}

/* From the hello to the plan. */
static int plan(void)
{
	enum setup_action action = go_on();

	ck_assert_msg(action == SETUP_PLAN, "%s", setup_fault(a->setup)->what);
	return run(attempt_plan);
}

static void finish(void)
{
	a->planned = true;
	setup_plan(a->setup, &a->target);
	ck_assert_msg(go_on() == SETUP_DONE, "%s", setup_fault(a->setup)->what);
	ck_assert_int_eq(run(attempt_succeed), 0);
	ck_assert_int_eq(row().state, SYSTEM_CONFIGURED);
}

static void configure(void)
{
	ok(load());
	ck_assert_msg(plan() == 0, "%s", why.what);
	finish();
}

static int look_at_event(void *context, const struct logentry *e)
{
	snprintf(context, 900, "%s", e->what);
	return 1;
}

/* What the newest event NAME says, or "". */
static const char *event(const char *name)
{
	struct keymap_log_filter filter = { .name = name };
	static char what[900];

	*what = '\0';
	keymap_log_each(m, &filter, look_at_event, what, &why);
	return what;
}

static struct system_secrets secrets(void)
{
	struct uuid uuid = scratch_uuid(WHO);
	struct system_secrets s;

	ok(keymap_system_secrets(m, &uuid, &s, &fault));
	return s;
}

/* ---- which chains ---- */

START_TEST(chains_are_those_whose_roots_the_hello_listed)
{
	serve(2);
	hello(2, ADDRESS);
	ok(load());
	ck_assert(a->by_certificate);
	ck_assert_uint_eq(a->n_chains, 1);
	ck_assert_str_eq(chain_facts(a->chains[0])->cn, "two.example.com");
	hello(3, ADDRESS);
	ok(keymap_system_state(m, &a->uuid, SYSTEM_QUEUED, NULL, time(NULL), time(NULL), &fault));
	ok(load());
	ck_assert_uint_eq(a->n_chains, 2);
	ck_assert_str_eq(chain_facts(a->chains[0])->cn, "one.example.com");
}
END_TEST

START_TEST(without_a_match_it_needs_a_certificate_and_says_which)
{
	hello(2, ADDRESS);
	ck_assert_int_eq(load(), KIT_ERR_UNFIT);
	ck_assert_ptr_nonnull(strstr(why.what, "no certificate of this server has a root that"));
	/* A digest of zeros is the first of the list. */
	ck_assert_ptr_nonnull(strstr(why.what, "0000000000000000000000000000000000000000000000"));
	ck_assert_ptr_nonnull(strstr(why.hint, "certificates match"));
	a->fault = why;
	a->failed_state = SYSTEM_NEEDS_CERTIFICATE;
	ck_assert_int_eq(run(attempt_fail), 0);
	ck_assert_int_eq(row().state, SYSTEM_NEEDS_CERTIFICATE);
	ck_assert_int_eq(row().next_try, 0);
	ck_assert_str_eq(row().reason_code, "needs-certificate");
	ck_assert_ptr_nonnull(strstr(event("needs-certificate"), "it takes a root with one of"));
	/* Or there is none at all. */
	serve(0);
	unlink("certificates/1.pem");
	serve(0);
	hello(1, ADDRESS);
	ok(keymap_system_state(m, &a->uuid, SYSTEM_QUEUED, NULL, time(NULL), time(NULL), &fault));
	ck_assert_int_eq(load(), KIT_ERR_UNFIT);
	ck_assert_ptr_nonnull(strstr(why.what, "this server has no certificate"));
}
END_TEST

START_TEST(certificates_that_the_hello_did_not_list_are_tried_where_that_is_set)
{
	serve(2);
	config.try_unlisted = true;
	hello(2, ADDRESS);
	ok(load());
	ck_assert_uint_eq(a->n_chains, 2);
	ck_assert_str_eq(chain_facts(a->chains[0])->cn, "two.example.com");
	/* They stay over a reload. */
	certificates_free(&certificates);
	ck_assert_str_eq(chain_facts(a->chains[1])->cn, "one.example.com");
}
END_TEST

/* ---- set-up ---- */

START_TEST(a_machine_is_configured_and_not_proved)
{
	struct system_secrets s;

	hello(1, ADDRESS);
	configure();
	ck_assert_int_eq(row().credential, SYSTEM_BY_CERTIFICATE);
	ck_assert_int_eq(row().proof, SYSTEM_PROOF_NONE);
	ck_assert_int_eq(row().proved_at, 0);
	ck_assert_str_eq(row().version, "16.1.25");
	ck_assert(!row().stick_mebx);
	ck_assert_ptr_nonnull(strstr(event("configured"),
				     "configured as pc1.example.com, machine not proved"));
	ck_assert_ptr_nonnull(strstr(event("certificate-taken"), "one.example.com (root "));
	/* Both passwords are random, and the machine's for certain. */
	s = secrets();
	ck_assert_uint_ge(strlen(s.admin_password), 8);
	ck_assert_uint_ge(strlen(s.mebx_password), 8);
	ck_assert_str_eq(s.next_admin_password, "");
	ck_assert_str_eq(s.next_mebx_password, "");
}
END_TEST

START_TEST(one_that_was_configured_is_set_up_again_only_when_a_person_allows_it)
{
	struct uuid uuid = scratch_uuid(WHO);

	hello(1, ADDRESS);
	configure();
	hello(1, "198.51.100.9");
	ok(load());
	ck_assert(a->waits);
	ck_assert_int_eq(row().state, SYSTEM_NEEDS_PERMISSION);
	ck_assert_str_eq(row().address, ADDRESS);
	ok(keymap_system_allow(m, &uuid, SYSTEM_ALLOWED, time(NULL), &fault));
	ok(keymap_system_due(m, &uuid, time(NULL), &fault));
	ok(load());
	ck_assert(!a->waits);
	ck_assert_str_eq(a->system.address, "198.51.100.9");
	/* At another place than before it is offered nothing that the map holds. */
	ck_assert_uint_eq(a->n_logins, 0);
}
END_TEST

static const struct {
	const char *its;		/* base64 */
	const char *ours;
	enum system_proof proof;
	bool vouched, genuine;
	int rc;
	const char *says;
} vouchers[] = {
	{ NULL, "", SYSTEM_PROOF_NONE, false, false, 0, ", machine not proved" },
	{ "T25lLVRpbWUhMTIz", "", SYSTEM_PROOF_NONE, false, false, 0, ", machine not proved" },
	{ "T25lLVRpbWUhMTIz", "One-Time!123", SYSTEM_PROOF_OTP, false, false, 0,
	  "proved by its one-time password" },
	{ "T25lLVRpbWUhMTIz", "One-Time!124", SYSTEM_PROOF_NONE, true, true, KIT_ERR_REFUSED,
	  "not the one of the inventory" },
	{ NULL, "One-Time!123", SYSTEM_PROOF_NONE, false, false, KIT_ERR_REFUSED,
	  "missing, and the inventory has one" },
	{ NULL, "", SYSTEM_PROOF_ON_DIE, false, true, 0, "genuine AMT, but which" },
	{ NULL, "", SYSTEM_PROOF_PERSON, true, false, 0, "allowed by a person" },
};

START_TEST(what_vouches_for_a_machine_decides_about_passwords_of_many)
{
	struct uuid uuid = scratch_uuid(WHO);

	hello(1, ADDRESS);
	list_in_inventory(vouchers[_i].ours);
	if (vouchers[_i].vouched)
		ok(keymap_system_allow(m, &uuid, SYSTEM_ALLOWED, time(NULL), &fault));
	ok(keymap_system_due(m, &uuid, time(NULL), &fault));
	ok(load());
	machine.otp = vouchers[_i].its;
	a->machine = vouchers[_i].genuine ? ONDIE_GENUINE : ONDIE_NOT_SHOWN;
	a->profile.admin_policy = a->profile.mebx_policy = PROFILE_ONE;
	strcpy(a->profile.admin_password, FLEET);
	strcpy(a->profile.mebx_password, FLEET);
	ck_assert_int_eq(plan(), vouchers[_i].rc);
	if (vouchers[_i].rc) {
		ck_assert_ptr_nonnull(strstr(why.what, vouchers[_i].says));
		a->fault = why;
		a->failed_state = SYSTEM_REFUSED;
		ck_assert_int_eq(run(attempt_fail), 0);
		ck_assert_ptr_nonnull(strstr(event("otp-differs"), vouchers[_i].says));
		ck_assert_str_eq(row().reason_code, "otp-differs");
		return;
	}
	ck_assert_int_eq(strcmp(a->target.admin.password, FLEET) == 0,
			 vouchers[_i].proof != SYSTEM_PROOF_NONE);
	ck_assert_int_eq(strcmp(a->target.mebx_password, FLEET) == 0,
			 vouchers[_i].proof != SYSTEM_PROOF_NONE);
	finish();
	ck_assert_int_eq(row().proof, vouchers[_i].proof);
	ck_assert_ptr_nonnull(strstr(event("configured"), vouchers[_i].says));
}
END_TEST

START_TEST(a_profile_that_keeps_passwords_gets_random_ones_where_none_is_known)
{
	hello(1, ADDRESS);
	ok(load());
	a->profile.admin_policy = a->profile.mebx_policy = PROFILE_KEEP;
	ok(plan());
	ck_assert_uint_ge(strlen(a->target.admin.password), 8);
	ck_assert_str_eq(a->target.mebx_password, "");
	finish();
	/* The MEBx password is the stick's, which the map does not know, but counts. */
	ck_assert(row().stick_mebx);
	ck_assert_str_eq(secrets().mebx_password, "");
}
END_TEST

START_TEST(a_machine_that_may_not_change_its_mebx_password_has_the_sticks)
{
	hello(1, ADDRESS);
	machine.mebx_status = 16;
	configure();
	ck_assert(row().stick_mebx);
	ck_assert_str_eq(secrets().mebx_password, "");
	ck_assert_str_eq(secrets().next_mebx_password, "");
	ck_assert_ptr_nonnull(strstr(event("configured"), "refused the new MEBx password"));
}
END_TEST

/* ---- logins ---- */

START_TEST(the_sticks_password_is_for_machines_of_the_inventory_alone)
{
	write_file("stick.txt", STICK "\n");
	strcpy(config.stick_password_file, "stick.txt");
	hello(1, ADDRESS);
	ok(load());
	ck_assert_uint_eq(a->n_logins, 1);
	ck_assert_int_eq(a->kinds[0], LOGIN_FACTORY);
	list_in_inventory("");
	ok(keymap_system_state(m, &a->uuid, SYSTEM_QUEUED, NULL, time(NULL), time(NULL), &fault));
	ok(load());
	ck_assert_uint_eq(a->n_logins, 2);
	ck_assert_int_eq(a->kinds[0], LOGIN_STICK);
	/* Readable for others it is not taken, which is said. */
	ck_assert_int_eq(chmod("stick.txt", 0644), 0);
	ok(keymap_system_state(m, &a->uuid, SYSTEM_QUEUED, NULL, time(NULL), time(NULL), &fault));
	ok(load());
	ck_assert_uint_eq(a->n_logins, 1);
	ck_assert_ptr_nonnull(strstr(event("stick-password"),
				     "called without stick_password_file"));
}
END_TEST

START_TEST(candidates_are_tried_once_a_day_and_noted_before)
{
	write_file("stick.txt", STICK "\n");
	strcpy(config.stick_password_file, "stick.txt");
	list_in_inventory("");
	hello(1, ADDRESS);
	ok(load());
	machine.password = "Unknown1!";
	ck_assert_int_eq(go_on(), SETUP_FAILED);
	ck_assert_uint_eq(machine.n_tried, 2);
	ck_assert_ptr_eq(machine.tried[0], (const char *)STICK);
	ck_assert_str_eq(machine.tried[1], "admin");
	a->fault = *setup_fault(a->setup);
	a->failed_state = SYSTEM_FAILED;
	ck_assert_int_eq(run(attempt_fail), 0);
	for (int day = 0; day < 2; day++) {
		ok(keymap_system_state(m, &a->uuid, SYSTEM_QUEUED, NULL, time(NULL), time(NULL),
				       &fault));
		ok(load());
		ck_assert_uint_eq(a->n_logins, day ? 2 : 0);
		scratch_sql("UPDATE csti_amts_talk SET candidates_at = candidates_at - 86400");
	}
}
END_TEST

START_TEST(a_candidate_whose_answer_was_lost_is_tried_thrice_a_day)
{
	struct amt_request q;
	struct amt_reply asks = { .status = 401, .body = "", .login = AMT_LOGIN_ASKED };

	hello(1, ADDRESS);
	for (int i = 0; i < 4; i++) {
		ok(load());
		ck_assert_uint_eq(a->n_logins, i < 3);
		ck_assert_int_eq(setup_next(a->setup, 1, &q), SETUP_SEND);
		setup_answer(a->setup, &asks, 1);
		if (i == 3)
			break;
		ck_assert_int_eq(setup_next(a->setup, 1, &q), SETUP_SEND);
		ck_assert(attempt_needs_note(a));
		ck_assert_int_eq(run(attempt_candidate), 0);
		ck_assert(!attempt_needs_note(a));
		/* The server is killed then. */
		ok(keymap_system_state(m, &a->uuid, SYSTEM_QUEUED, NULL, time(NULL), time(NULL),
				       &fault));
	}
	ck_assert_int_eq(setup_next(a->setup, 1, &q), SETUP_FAILED);
}
END_TEST

START_TEST(a_candidate_that_was_taken_serves_the_next_attempt_too)
{
	write_file("stick.txt", STICK "\n");
	strcpy(config.stick_password_file, "stick.txt");
	list_in_inventory("");
	hello(1, ADDRESS);
	ok(load());
	machine.password = STICK;
	ok(plan());
	ck_assert_str_eq(secrets().mebx_password, STICK);
	/* The connection broke before anything was changed. */
	ok(keymap_system_state(m, &a->uuid, SYSTEM_QUEUED, NULL, time(NULL), time(NULL), &fault));
	ok(load());
	ck_assert_int_eq(go_on(), SETUP_PLAN);
	/* First come those that the machine was to get. */
	ck_assert_uint_eq(machine.n_tried, 2);
	ck_assert_str_eq(machine.tried[0], "another");
	ck_assert_str_eq(machine.tried[1], "another");
	ok(run(attempt_plan));
	finish();
	ck_assert_str_ne(secrets().mebx_password, STICK);
}
END_TEST

START_TEST(one_that_was_configured_gets_no_candidate)
{
	struct uuid uuid = scratch_uuid(WHO);

	write_file("stick.txt", STICK "\n");
	strcpy(config.stick_password_file, "stick.txt");
	list_in_inventory("");
	hello(1, ADDRESS);
	configure();
	ok(keymap_system_allow(m, &uuid, SYSTEM_ALLOWED, time(NULL), &fault));
	hello(1, ADDRESS);
	ok(load());
	for (size_t i = 0; i < a->n_logins; i++)
		ck_assert(a->kinds[i] == LOGIN_ADMIN || a->kinds[i] == LOGIN_MEBX);
}
END_TEST

/* Its AMT was reset and kept its MEBx password, which is its own and no candidate. */
START_TEST(one_that_was_reset_may_take_its_own_mebx_password)
{
	struct uuid uuid = scratch_uuid(WHO);

	hello(1, ADDRESS);
	configure();
	ok(keymap_system_allow(m, &uuid, SYSTEM_ALLOWED, time(NULL), &fault));
	hello(1, ADDRESS);
	ok(load());
	ck_assert_uint_eq(a->n_logins, 2);
	ck_assert_int_eq(a->kinds[0], LOGIN_ADMIN);
	ck_assert_int_eq(a->kinds[1], LOGIN_MEBX);
	ck_assert_str_eq(a->logins[1].password, a->secrets.mebx_password);
}
END_TEST

/* ---- what is odd ---- */

START_TEST(a_machine_that_does_not_ask_for_the_certificate_is_not_set_up)
{
	hello(1, ADDRESS);
	ok(load());
	a->chain_taken = false;
	ck_assert_int_eq(plan(), KIT_ERR_PROTOCOL);
	ck_assert_ptr_nonnull(strstr(why.what, "without asking for this server's certificate"));
	ck_assert_str_eq(event("certificate-taken"), "");
}
END_TEST

START_TEST(a_commit_whose_end_was_not_heard_is_found_by_its_password)
{
	hello(1, ADDRESS);
	ok(load());
	ok(plan());
	a->planned = true;
	setup_plan(a->setup, &a->target);
	ck_assert_int_eq(run(attempt_commit), 0);
	/* The server ended; the machine is set up, and asks for no certificate any more. */
	machine.state = 2;
	machine.password = strdup(a->target.admin.password);
	ok(keymap_system_state(m, &a->uuid, SYSTEM_QUEUED, NULL, time(NULL), time(NULL), &fault));
	ok(load());
	a->chain_taken = false;
	ok(plan());
	ck_assert(a->already);
	ck_assert_int_eq(run(attempt_succeed), 0);
	ck_assert_int_eq(row().state, SYSTEM_CONFIGURED);
	ck_assert_str_eq(secrets().admin_password, machine.password);
	free((char *)machine.password);
}
END_TEST

/* The version, the proof that it has, and whether it gets a key. */
static const struct {
	const char *version;
	bool vouched, refuses, gets;
} rekeys[] = {
	{ "7.1.20", true, false, true }, { "10.0.55", true, false, true },
	{ "7.1.20", true, true, false }, { "11.8.50", true, false, false },
	{ "7.1.20", false, false, false },
};

START_TEST(a_key_is_given_to_old_firmware_that_something_vouches_for)
{
	struct uuid uuid = scratch_uuid(WHO);

	machine.version = rekeys[_i].version;
	machine.pair_status = rekeys[_i].refuses ? 16 : 0;
	hello(1, ADDRESS);
	if (rekeys[_i].vouched)
		ok(keymap_system_allow(m, &uuid, SYSTEM_ALLOWED, time(NULL), &fault));
	ok(keymap_system_due(m, &uuid, time(NULL), &fault));
	ok(load());
	a->profile.rekey = true;
	ok(plan());
	ck_assert_int_eq(*a->target.pair.pid != '\0', rekeys[_i].gets || rekeys[_i].refuses);
	finish();
	ck_assert_int_eq(*row().pid != '\0', rekeys[_i].gets);
	/* It is a key for this machine alone. */
	if (rekeys[_i].gets)
		ck_assert_str_eq(row().pid, a->target.pair.pid);
}
END_TEST

START_TEST(a_key_that_was_made_is_given_again_after_a_break)
{
	struct uuid uuid = scratch_uuid(WHO);
	char pid[PID_LENGTH + 1];

	machine.version = "7.1.20";
	hello(1, ADDRESS);
	ok(keymap_system_allow(m, &uuid, SYSTEM_ALLOWED, time(NULL), &fault));
	for (int i = 0; i < 2; i++) {
		ok(keymap_system_state(m, &uuid, SYSTEM_QUEUED, NULL, time(NULL), time(NULL),
				       &fault));
		ok(load());
		a->profile.rekey = true;
		ok(plan());
		if (i)
			ck_assert_str_eq(a->target.pair.pid, pid);
		strcpy(pid, a->target.pair.pid);
	}
}
END_TEST

static const struct {
	const char *list;
	unsigned major;
	const char *profile;
} defaults[] = {
	{ "default", 0, "default" }, { "office", 16, "office" },
	{ "modern 11.0-255.255, office", 16, "modern" },
	{ "modern 11.0-255.255, office", 7, "office" },
	{ "modern 11.0-255.255, office", 0, "office" },
	{ "modern 11.0-255.255", 0, "modern" }, { "modern 11.0-255.255", 7, "default" },
	{ "a 2.0-3.255,b 4.0-9.255,c", 5, "b" },
};

START_TEST(the_default_profile_goes_by_the_version_of_the_machine)
{
	char name[SYSTEM_NAME + 1];

	hello(1, ADDRESS);
	ok(load());
	ok(config_set(&config, "default_profile", defaults[_i].list, &fault));
	attempt_default_profile(a, defaults[_i].major, 1, name);
	ck_assert_str_eq(name, defaults[_i].profile);
}
END_TEST

START_TEST(the_profile_is_chosen_when_the_version_is_known)
{
	struct profile p;

	ok(profile_init(&p, "modern", &fault));
	ok(profile_set(&p, "mebx_password", "keep", &fault));
	ok(keymap_profile_put(m, &p, &fault));
	ok(config_set(&config, "default_profile", "default 2.0-10.255, modern 11.0-255.255",
		      &fault));
	hello(1, ADDRESS);
	ok(load());
	a->by_default = true;
	ok(plan());
	ck_assert_str_eq(a->profile.name, "modern");
	ck_assert_str_eq(a->target.mebx_password, "");
	ck_assert_str_eq(row().profile, "modern");
}
END_TEST

START_TEST(a_machine_without_a_name_is_let_wait_once)
{
	hello(1, ADDRESS);
	ok(load());
	ck_assert_int_eq(a->talk.extended_at, 0);
	ck_assert_int_eq(go_on(), SETUP_PLAN);
	ck_assert_int_eq(run(attempt_wait), 0);
	ok(keymap_system_state(m, &a->uuid, SYSTEM_QUEUED, NULL, time(NULL), time(NULL), &fault));
	ok(load());
	ck_assert_int_ne(a->talk.extended_at, 0);
	ck_assert_ptr_nonnull(strstr(event("let-wait"), "to wait a day"));
}
END_TEST

TEST_SUITE("attempt-pki")
{
	TCase *t = tcase_create("certificate");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, make_bundles, drop_bundles);
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, chains_are_those_whose_roots_the_hello_listed);
	tcase_add_test(t, without_a_match_it_needs_a_certificate_and_says_which);
	tcase_add_test(t, certificates_that_the_hello_did_not_list_are_tried_where_that_is_set);
	tcase_add_test(t, a_machine_is_configured_and_not_proved);
	tcase_add_test(t, one_that_was_configured_is_set_up_again_only_when_a_person_allows_it);
	tcase_add_loop_test(t, what_vouches_for_a_machine_decides_about_passwords_of_many, 0,
			    sizeof(vouchers) / sizeof(*vouchers));
	tcase_add_test(t, a_profile_that_keeps_passwords_gets_random_ones_where_none_is_known);
	tcase_add_test(t, a_machine_that_may_not_change_its_mebx_password_has_the_sticks);
	tcase_add_test(t, the_sticks_password_is_for_machines_of_the_inventory_alone);
	tcase_add_test(t, candidates_are_tried_once_a_day_and_noted_before);
	tcase_add_test(t, a_candidate_whose_answer_was_lost_is_tried_thrice_a_day);
	tcase_add_test(t, a_candidate_that_was_taken_serves_the_next_attempt_too);
	tcase_add_test(t, one_that_was_configured_gets_no_candidate);
	tcase_add_test(t, one_that_was_reset_may_take_its_own_mebx_password);
	tcase_add_test(t, a_machine_that_does_not_ask_for_the_certificate_is_not_set_up);
	tcase_add_test(t, a_commit_whose_end_was_not_heard_is_found_by_its_password);
	tcase_add_loop_test(t, a_key_is_given_to_old_firmware_that_something_vouches_for, 0,
			    sizeof(rekeys) / sizeof(*rekeys));
	tcase_add_test(t, a_key_that_was_made_is_given_again_after_a_break);
	tcase_add_loop_test(t, the_default_profile_goes_by_the_version_of_the_machine, 0,
			    sizeof(defaults) / sizeof(*defaults));
	tcase_add_test(t, the_profile_is_chosen_when_the_version_is_known);
	tcase_add_test(t, a_machine_without_a_name_is_let_wait_once);
	suite_add_tcase(suite, t);
}
