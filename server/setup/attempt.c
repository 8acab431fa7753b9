/* One attempt: name, profile, call, set-up; what must be durable goes through the commit first. */
#include "common/clock.h"
#include "server/setup/attempt.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/secret.h"
#include "server/keymap/events.h"
#include "server/setup/attempt-private.h"
#include "server/core/commit.h"
#include "server/core/log.h"
#include "server/setup/call.h"

#define RESTARTS	2	/* of one conversation, when answers were lost */

#define WAIT_HOURS	24	/* the most that ExtendProvisioningPeriod takes */
#define PAUSE_SECONDS	2	/* between looks at what came of a commit */

#define FIRST_MS	3000	/* for TCP and TLS when a machine is called for the first time */
#define SECOND_MS	2000	/* for the second offer then */

static void step(struct attempt *a);

static void close_talk(struct attempt *a)
{
	naming_cancel(&a->naming);
	attempt_doors_close(a);
	call_close(&a->call);
	if (a->deadline)
		evtimer_del(a->deadline);
	if (a->pause)
		evtimer_del(a->pause);
}

static void end(struct attempt *a, enum attempt_result result)
{
	close_talk(a);
	if (a->deadline)
		event_free(a->deadline);
	if (a->pause)
		event_free(a->pause);
	setup_free(&a->setup);
	attempt_free_chains(a);
	attempt_doors_free(a);
	a->over(a->context, a, result);
	secret_wipe(a, sizeof(*a));
	free(a);
}

/* Add a job of the commit for this attempt. */
static void write_job(struct attempt *a,
		      int (*run)(struct keymap *map, void *context, struct fault *fault),
		      void (*done)(void *context, int code, const struct fault *fault))
{
	struct commit_job job = { .run = run, .done = done, .context = a };
	struct fault fault = { .code = 0 };

	a->writing = true;
	if (commit_add(a->services.commit, &job, &fault))
		done(a, fault.code, &fault);
}

/* True: the server stops, and the attempt is gone. */
static bool gone(struct attempt *a)
{
	a->writing = false;
	if (!a->abandoned)
		return false;
	end(a, ATTEMPT_DROPPED);
	return true;
}

static enum attempt_result result_of(int code, enum attempt_result good)
{
	return !code ? good : code == KIT_ERR_NOT_FOUND ? ATTEMPT_DROPPED : ATTEMPT_LOST;
}

/* The map itself fails: nothing can be noted there, so the row stays in set-up until it can. */
static void report_map(struct attempt *a, const struct fault *fault)
{
	log_fault(a->services.log, SEVERITY_ERROR, "map-failed",
		      "the result of a set-up cannot be stored: ", fault);
}

static void report_forgotten(struct attempt *a)
{
	struct logentry e = { .severity = SEVERITY_ERROR, .name = "forgotten", .uuid = &a->uuid,
			   .address = a->system.address,
			   .what = "the machine was forgotten during its set-up: it is "
			   "configured, and its admin password is lost",
			   .hint = "reset its AMT and set it up again from a stick" };

	log_note(a->services.log, &e);
}

static void on_failed(void *context, int code, const struct fault *fault)
{
	struct attempt *a = context;

	if (gone(a))
		return;
	if (code && code != KIT_ERR_NOT_FOUND)
		report_map(a, fault);
	end(a, result_of(code, ATTEMPT_FAILED));
}

/* It did not work, for the reason in a->fault. */
static void fail(struct attempt *a, enum system_state state)
{
	close_talk(a);
	/* Whatever came of letting it wait: it is its name that is missing. */
	if (a->wait_only) {
		a->fault = a->no_name;
		state = SYSTEM_FQDN_MISSING;
	}
	a->failed_state = state;
	write_job(a, attempt_fail, on_failed);
}

static void fail_with(struct attempt *a, enum system_state state, const struct fault *fault)
{
	a->fault = *fault;
	fail(a, state);
}

static void on_succeeded(void *context, int code, const struct fault *fault)
{
	struct attempt *a = context;

	if (gone(a))
		return;
	if (code == KIT_ERR_NOT_FOUND)
		report_forgotten(a);
	else if (code)
		report_map(a, fault);
	end(a, result_of(code, ATTEMPT_CONFIGURED));
}

static void succeed(struct attempt *a)
{
	close_talk(a);
	write_job(a, attempt_succeed, on_succeeded);
}

/* It is not called again for a key that another machine has, or that was revoked. */
static void fail_for_map(struct attempt *a, const struct fault *fault)
{
	bool refused = fault->code == KIT_ERR_REFUSED || fault->code == KIT_ERR_STATE;

	fail_with(a, refused ? SYSTEM_REFUSED : SYSTEM_FAILED, fault);
}

static void on_used(void *context, int code, const struct fault *fault)
{
	struct attempt *a = context;

	if (gone(a))
		return;
	if (code) {
		fail_for_map(a, fault);
		return;
	}
	a->decided = true;
	step(a);
}

static void on_planned(void *context, int code, const struct fault *fault)
{
	struct attempt *a = context;

	if (gone(a))
		return;
	if (code) {
		fail_for_map(a, fault);
		return;
	}
	if (a->already) {
		succeed(a);
		return;
	}
	a->planned = true;
	setup_plan(a->setup, &a->target);
	step(a);
}

static void on_wait_noted(void *context, int code, const struct fault *fault)
{
	const struct setup_target target = { .wait_hours = WAIT_HOURS };
	struct attempt *a = context;

	if (gone(a))
		return;
	if (code) {
		fail_with(a, SYSTEM_FAILED, fault);
		return;
	}
	setup_plan(a->setup, &target);
	step(a);
}

static void on_candidate_noted(void *context, int code, const struct fault *fault)
{
	struct attempt *a = context;

	if (gone(a))
		return;
	if (code)
		fail_with(a, SYSTEM_FAILED, fault);
	else
		step(a);
}

static void on_commit_noted(void *context, int code, const struct fault *fault)
{
	struct attempt *a = context;

	if (gone(a))
		return;
	if (code) {
		fail_with(a, SYSTEM_FAILED, fault);
		return;
	}
	setup_commit(a->setup);
	step(a);
}

static void on_certified(void *context, int code, const struct fault *fault)
{
	struct attempt *a = context;

	if (gone(a))
		return;
	if (code) {
		fail_with(a, SYSTEM_FAILED, fault);
		return;
	}
	setup_certified(a->setup, *a->certificate ? a->certificate : NULL);
	step(a);
}

/* ---- the conversation ---- */

/* With what it is called now: before set-up, for a look, or after the commit. */
static struct credential credential_of(const struct attempt *a)
{
	enum check_door door = a->check ? a->check : a->door;
	struct credential c = { .kind = door == CHECK_TLS ? AMT_TLS : AMT_PLAIN };

	if (door == CHECK_NOT && a->by_certificate) {
		c.kind = AMT_TLS_PKI;
		c.chain = a->chains[a->chain];
		c.ondie = a->services.ondie;
	} else if (door == CHECK_NOT) {
		c.kind = AMT_TLS_PSK;
		c.pid = a->pairs[a->pair].pair.pid;
		c.pps = a->pairs[a->pair].pair.pps;
	}
	return c;
}

struct amt_limits attempt_limits(const struct attempt *a, bool second)
{
	const struct config *config = a->services.config;
	struct amt_limits limits = {
		.connect_ms = (unsigned)config->connect_seconds * 1000,
		.answer_ms = (unsigned)config->answer_seconds * 1000,
		.answer_bytes = AMT_ANSWER_BYTES,
	};
	unsigned most = second ? SECOND_MS : FIRST_MS;
	bool first = !system_is_settled(&a->system) &&
		     (a->contested || (!a->by_certificate && !a->system.failures));

	if (first && !a->proved && limits.connect_ms > most)
		limits.connect_ms = most;
	return limits;
}

static int open_session(struct attempt *a)
{
	const struct config *config = a->services.config;
	struct amt_limits limits = attempt_limits(a, a->tls10 && !a->talk.tls10);
	struct amt_target target = {
		.credential = credential_of(a),
		.address = a->system.address,
		.tls10 = a->tls10,
		.one_each = a->talk.one_each,
	};

	target.port = (uint16_t)(target.credential.kind == AMT_PLAIN ? config->management_port
								     : config->callback_port);

	call_close(&a->call);
	return call_open(&a->call, a->services.pool, &target, &limits, &a->fault);
}

static void call_again(struct attempt *a)
{
	if (open_session(a))
		fail(a, SYSTEM_FAILED);
	else
		step(a);
}

/*
 * A ClientHello of TLS 1.1 makes some firmware of TLS 1.0 send an alert, drop the connection or
 * say nothing: that is offered alone then, once. With a wrong PPS it looks the same.
 */
static bool offer_tls10(struct attempt *a, const struct amt_reply *reply)
{
	if (a->proved || a->tls10 || !reply->connected || reply->chain_refused ||
	    *call_tls(a->call))
		return false;
	a->tls10 = true;
	return true;
}

/* An interrupted re-key: perhaps the machine has the other pair. */
static bool take_other_pair(struct attempt *a, const struct amt_reply *reply)
{
	if (reply->code != KIT_ERR_FORGED || a->pair + 1 >= a->n_pairs)
		return false;
	a->pair++;
	a->proved = a->decided = false;
	a->tls10 = a->talk.tls10;
	return true;
}

/* It does not accept this certificate: there may be another one that it would. */
static bool take_other_chain(struct attempt *a, const struct amt_reply *reply)
{
	if (!reply->chain_refused)
		return false;
	a->chain_refused = true;
	if (a->chain + 1 >= a->n_chains)
		return false;
	a->chain++;
	a->tls10 = a->talk.tls10;
	return true;
}

static int new_setup(struct attempt *a, struct setup **out, struct fault *fault)
{
	int rc = setup_new(out, &a->uuid, a->logins, a->n_logins, fault);

	a->noted_login = -1;
	if (!rc && a->by_certificate)
		setup_by_certificate(*out, *a->otp);
	return rc;
}

/*
 * The connection ended instead of an answer to a request that changes the machine. What it did
 * is found out by beginning anew: the accounts and the state are read first.
 */
static bool start_over(struct attempt *a, const struct amt_reply *reply)
{
	struct setup *setup;

	if (!reply->silent || !a->changing || a->restarts == RESTARTS)
		return false;
	a->n_logins = 0;
	attempt_logins(a);
	if (new_setup(a, &setup, NULL))
		return false;
	setup_free(&a->setup);
	a->setup = setup;
	a->planned = false;
	a->restarts++;
	return true;
}

/* ---- a look at a machine that may be set up ---- */

/*
 * Look for it at DOOR with a conversation of its own, of which the reading steps alone are gone
 * through. First comes a login that was made up: what takes that one shows nothing.
 */
static void check_at(struct attempt *a, enum check_door door)
{
	struct setup_login logins[2] = { 0 };
	int rc;

	a->check = door;
	setup_free(&a->setup);
	rc = attempt_check_logins(a, logins, &a->fault);
	if (!rc)
		rc = setup_new(&a->setup, &a->uuid, logins, 2, &a->fault);
	secret_wipe(logins, sizeof(logins));
	if (!rc)
		rc = open_session(a);
	if (rc)
		fail(a, SYSTEM_FAILED);
	else
		step(a);
}

/* Nothing came of the look at this door. The machine's password is tried at one of them only. */
static void check_failed(struct attempt *a)
{
	if (a->check == CHECK_TLS && setup_login_index(a->setup) < 0 &&
	    attempt_may_check(a, CHECK_PLAIN))
		check_at(a, CHECK_PLAIN);
	else
		fail_with(a, SYSTEM_FAILED, &a->call_fault);
}

/* All was read that can be. Does it ask for a password, and take this machine's own alone? */
static void check_done(struct attempt *a)
{
	const struct setup_facts *facts = setup_facts(a->setup);

	if (setup_login_index(a->setup) == 1 && (facts->soap || facts->state == 2)) {
		close_talk(a);
		write_job(a, attempt_found, on_succeeded);
	} else {
		check_failed(a);
	}
}

static void on_login_counted(void *context, int code, const struct fault *fault)
{
	struct attempt *a = context;

	if (gone(a))
		return;
	if (code) {
		fail_with(a, SYSTEM_FAILED, fault);
		return;
	}
	a->login_counted = true;
	step(a);
}

/* ---- what came of the commit, by certificate ---- */

/*
 * Once committed, the machine asks for no certificate any more: it speaks TLS of its own, or none
 * up to AMT 16.0, and may restart its network before.
 */
static void read_back_at(struct attempt *a, enum check_door door)
{
	if (!a->read_back_until)
		a->read_back_until = clock_monotonic() + READ_BACK_SECONDS;
	a->door = door;
	if (open_session(a)) {
		fail(a, SYSTEM_FAILED);
		return;
	}
	setup_reopened(a->setup);
	step(a);
}

static void on_pause(evutil_socket_t fd, short what, void *context)
{
	struct attempt *a = context;

	if (a->read_back_until)
		read_back_at(a, CHECK_TLS);
	else
		step(a);
}

static void go_on_after(struct attempt *a, uint64_t seconds)
{
	struct timeval tv = { .tv_sec = (time_t)seconds };

	if (!a->pause)
		a->pause = evtimer_new(a->services.base, on_pause, a);
	if (a->pause && !evtimer_add(a->pause, &tv))
		return;
	fault_nomem(&a->fault);
	fail(a, SYSTEM_FAILED);
}

static void pause_read_back(struct attempt *a)
{
	call_close(&a->call);
	go_on_after(a, PAUSE_SECONDS);
}

/* Nothing could be read back, for the reason in WHY. Is it tried at the other door, or again? */
static bool read_back_again(struct attempt *a)
{
	if (a->door == CHECK_TLS)
		read_back_at(a, CHECK_PLAIN);
	else if (clock_monotonic() < a->read_back_until)
		pause_read_back(a);
	else
		return false;
	return true;
}

/* The machine answered, and not as one that is set up: perhaps not yet. */
static void read_back_failed(struct attempt *a)
{
	const struct fault *why = setup_fault(a->setup);
	bool clear = why->code == KIT_ERR_REFUSED;

	if (clear || !read_back_again(a))
		fail_with(a, SYSTEM_FAILED, why);
}

/* ---- no answer ---- */

/* No answer, and nothing else to try. */
static void call_failed(struct attempt *a, const struct amt_reply *reply)
{
	struct fault fault = reply->fault;

	if (reply->code == KIT_ERR_FORGED && *a->target.pair.pid) {
		fault_clear(&fault);
		fault_set(&fault, KIT_ERR_NETWORK, "the connection broke while the key of the "
			  "machine was changed; the next try finds out which of the two it has");
	}
	if (reply->code == KIT_ERR_NETWORK && !a->proved && *a->secrets.next_admin_password)
		snprintf(fault.hint, sizeof(fault.hint), "its last set-up broke off: if it "
			 "was just committed then, its AMT is set up, answers at port "
			 "%llu, and takes the admin password of \"amt-provisionctl "
			 "systems export --all --secrets\"; if not, take its AC power away "
			 "for half a minute",
			 (unsigned long long)a->services.config->management_port);
	if (reply->code != KIT_ERR_FORGED && attempt_may_check(a, CHECK_TLS)) {
		a->call_fault = fault;
		check_at(a, CHECK_TLS);
		return;
	}
	fail_with(a, SYSTEM_FAILED, &fault);
}

static void on_no_answer(struct attempt *a, const struct amt_reply *reply)
{
	if (setup_is_read_back(a->setup) && read_back_again(a))
		return;
	if (setup_is_confirming(a->setup))
		succeed(a);
	else if (offer_tls10(a, reply) || take_other_pair(a, reply) || take_other_chain(a, reply))
		call_again(a);
	else if (setup_commit_lost(a->setup))
		step(a);
	else if (setup_is_committed(a->setup))
		succeed(a);
	else if (start_over(a, reply) ||
		 (reply->silent && (a->proved || a->by_certificate) &&
		  setup_try_soap(a->setup, &reply->fault)))
		step(a);
	else
		call_failed(a, reply);
}

static void on_reply(void *context, const struct amt_reply *reply)
{
	struct attempt *a = context;

	if (a->check) {
		if (!reply->code || setup_try_soap(a->setup, &reply->fault)) {
			if (!reply->code)
				setup_answer(a->setup, reply, clock_now());
			step(a);
		} else {
			check_failed(a);
		}
		return;
	}
	a->proved |= call_proved(a->call);
	a->talk.one_each |= call_one_each(a->call);
	if (reply->code) {
		on_no_answer(a, reply);
		return;
	}
	if (!a->door) {
		a->machine = call_machine(a->call);
		a->chain_taken = call_chain_taken(a->call);
		a->tls = call_tls(a->call);
	}
	if (!a->proved && !a->by_certificate) {
		fault_set(&a->fault, KIT_ERR_FORGED,
			  "the machine answered without proving its PPS");
		fail(a, SYSTEM_FAILED);
		return;
	}
	if (reply->login == AMT_LOGIN_REFUSED && !a->planned)
		attempt_login_refused(a);
	setup_answer(a->setup, reply, clock_now());
	step(a);
}

static void step(struct attempt *a)
{
	struct amt_request request;

	switch (setup_next(a->setup, clock_now(), &request)) {
	case SETUP_SEND:
		a->changing = request.changes;
		/* Of two that proved one key, the second is sent no login. */
		if (request.user && !a->check && a->proved && !a->decided) {
			write_job(a, attempt_use, on_used);
			return;
		}
		if (a->check && request.user && !a->login_counted) {
			write_job(a, attempt_login, on_login_counted);
			return;
		}
		if (request.user && !a->check && !a->planned && attempt_needs_note(a)) {
			write_job(a, attempt_candidate, on_candidate_noted);
			return;
		}
		if (call_post(a->call, &request, on_reply, a, &a->fault))
			fail(a, SYSTEM_FAILED);
		return;
	case SETUP_PLAN:
		if (a->check)
			check_done(a);
		else if (a->wait_only)
			write_job(a, attempt_wait, on_wait_noted);
		else
			write_job(a, attempt_plan, on_planned);
		return;
	case SETUP_PAUSE:
		go_on_after(a, a->services.config->key_pair_seconds);
		return;
	case SETUP_CERTIFY:
		write_job(a, attempt_certify, on_certified);
		return;
	case SETUP_COMMIT:
		write_job(a, attempt_commit, on_commit_noted);
		return;
	case SETUP_REOPEN:
		read_back_at(a, CHECK_TLS);
		return;
	case SETUP_DONE:
		if (a->wait_only)
			fail(a, SYSTEM_FQDN_MISSING);
		else
			succeed(a);
		return;
	case SETUP_FAILED:
		if (a->check) {
			check_failed(a);
			return;
		}
		if (setup_is_read_back(a->setup)) {
			read_back_failed(a);
			return;
		}
		/* It gave a clear answer, to the commit too. */
		a->talk.commit_sent_at = 0;
		fail_with(a, setup_uuid_differs(a->setup) ? SYSTEM_REFUSED : SYSTEM_FAILED,
			  setup_fault(a->setup));
		return;
	}
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct attempt *a = context;
	struct timeval soon = { .tv_sec = 1 };

	/* What is being written decides first whether there is still something to give up. */
	if (a->writing) {
		evtimer_add(a->deadline, &soon);
		return;
	}
	if (a->setup && setup_is_committed(a->setup)) {
		succeed(a);
		return;
	}
	fault_set(&a->fault, KIT_ERR_TIMEOUT, "the whole set-up took longer than %llu s\n"
		  "setup_seconds sets the limit",
		  (unsigned long long)a->services.config->setup_seconds);
	fail(a, SYSTEM_FAILED);
}

static void call(struct attempt *a)
{
	struct timeval limit = { .tv_sec = (time_t)a->services.config->setup_seconds };

	attempt_logins(a);
	if (a->n_logins == 0 && !a->by_certificate) {
		fault_set(&a->fault, KIT_ERR_NOT_FOUND, "the map has no password for this machine, "
			  "only its key\n"
			  "import its list again with the columns current_password and "
			  "admin_password, then amt-provisionctl systems retry");
		fail(a, SYSTEM_FAILED);
		return;
	}
	a->deadline = evtimer_new(a->services.base, on_deadline, a);
	if (!a->deadline || evtimer_add(a->deadline, &limit)) {
		fault_nomem(&a->fault);
		fail(a, SYSTEM_FAILED);
		return;
	}
	setup_free(&a->setup);
	if (new_setup(a, &a->setup, &a->fault) || (!a->call && open_session(a)))
		fail(a, SYSTEM_FAILED);
	else
		step(a);
}

/* The profile by NAME ("": the default one): the map's beat the file's. */
static int find_profile(struct attempt *a, const char *name)
{
	char by_default[SYSTEM_NAME + 1];
	unsigned major = 0, minor = 0;

	a->by_default = !*name;
	if (a->by_default) {
		/* Of an earlier attempt. */
		if (sscanf(a->system.version, "%3u.%3u", &major, &minor) != 2)
			major = minor = 0;
		attempt_default_profile(a, major, minor, by_default);
		name = by_default;
	}
	return attempt_find_profile(a, name, &a->fault);
}

int attempt_find_profile(struct attempt *a, const char *name, struct fault *fault)
{
	const struct config *config = a->services.config;
	const struct profile *of_file;
	int rc = keymap_profile_find(a->services.map, name, &a->profile, fault);

	if (rc != KIT_ERR_NOT_FOUND)
		return rc;
	of_file = config_profile(config, name);
	if (of_file) {
		a->profile = *of_file;
		return 0;
	}
	if (strcmp(name, PROFILE_DEFAULT) == 0)
		return profile_init(&a->profile, name, fault);
	return fault_set(fault, KIT_ERR_NOT_FOUND,
			 "there is no profile \"%s\"\n"
			 "make it (amt-provisionctl profiles set) or name another in %s, then "
			 "amt-provisionctl systems retry",
			 name,
			 a->by_default ? "default_profile"
			 : config->use_props_script	 ? "the inventory or the properties script"
							 : "the inventory");
}

static void on_named(void *context, const struct naming_answer *answer)
{
	struct attempt *a = context;

	bool none = answer->code == KIT_ERR_NOT_FOUND && a->services.config->fqdn_required;

	a->naming = NULL;
	/* Once: a machine that said hello waits for some hours only. */
	if (none && a->by_certificate && !a->talk.extended_at) {
		a->wait_only = true;
		a->no_name = answer->fault;
	} else if (none) {
		fail_with(a, SYSTEM_FQDN_MISSING, &answer->fault);
		return;
	}
	if (answer->code && answer->code != KIT_ERR_NOT_FOUND) {
		fail_with(a, SYSTEM_FAILED, &answer->fault);
		return;
	}
	strcpy(a->fqdn, answer->fqdn);
	if (answer->from_dns) {
		struct logentry e = { .severity = SEVERITY_WARNING, .name = "fqdn-from-dns",
				   .pid = a->system.pid, .uuid = &a->uuid,
				   .address = a->system.address,
				   .what = "the FQDN comes from reverse DNS, whose records may be "
				   "of a machine that had this address before",
				   .hint = "give the name in the inventory to be sure" };

		log_note(a->services.log, &e);
	}
	if (find_profile(a, answer->profile))
		fail(a, SYSTEM_FAILED);
	else
		call(a);
}

static void find_name(struct attempt *a)
{
	/* None of them is given to the script; but a site's script may know some by itself. */
	const char *const secrets[] = {
		a->pairs[0].pair.pps, a->pairs[0].current_password, a->pairs[0].new_password,
		a->pairs[1].pair.pps, a->pairs[1].current_password, a->pairs[1].new_password,
		a->secrets.admin_password, a->secrets.next_admin_password,
		a->secrets.mebx_password, a->secrets.next_mebx_password,
		a->otp, a->stick_password,
	};
	struct naming_question q = {
		.uuid = a->uuid,
		.pid = a->system.pid,
		.address = a->system.address,
		.inventory_fqdn = a->inventory.fqdn,
		.inventory_profile = a->inventory.profile,
		.inventory_swapped = a->inventory_swapped,
		.secrets = secrets,
		.n_secrets = sizeof(secrets) / sizeof(*secrets),
	};

	naming_start(&a->naming, a->services.naming, &q, on_named, a);
}

/* The key is this machine's: from here on it is at one place. */
static void on_door_used(void *context, int code, const struct fault *fault)
{
	struct attempt *a = context;

	if (gone(a))
		return;
	if (code) {
		fail_for_map(a, fault);
		return;
	}
	a->decided = true;
	find_name(a);
}

static void on_doors(struct attempt *a, struct attempt_door *proved)
{
	if (!proved) {
		fail_with(a, SYSTEM_FAILED, &a->doors[0].fault);
		return;
	}
	a->call = proved->call;
	proved->call = NULL;
	attempt_doors_close(a);
	a->proved = true;
	a->tls10 = proved->tls10;
	a->n_pairs = 1;
	a->pairs[0] = proved->pair;
	strcpy(a->system.pid, proved->claim.pid);
	strcpy(a->system.address, proved->claim.address);
	write_job(a, attempt_use, on_door_used);
}

static void on_loaded(void *context, int code, const struct fault *fault)
{
	struct attempt *a = context;

	if (gone(a))
		return;
	if (code == KIT_ERR_NOT_FOUND || (!code && a->waits))
		end(a, ATTEMPT_DROPPED);
	else if (code)
		fail_with(a, code == KIT_ERR_STATE ? SYSTEM_REFUSED
			     : code == KIT_ERR_UNFIT ? SYSTEM_NEEDS_CERTIFICATE : SYSTEM_FAILED,
			  fault);
	else if (a->n_doors == 0)
		find_name(a);
	else if (attempt_doors_open(a, on_doors, &a->fault))
		fail(a, SYSTEM_FAILED);
}

int attempt_start(struct attempt **out, const struct attempt_services *services,
		  const struct uuid *uuid,
		  void (*over)(void *context, struct attempt *attempt,
			       enum attempt_result result),
		  void *context, struct fault *fault)
{
	struct attempt *a = calloc(1, sizeof(*a));
	struct commit_job job = { .run = attempt_load, .done = on_loaded, .context = a };

	*out = NULL;
	if (!a || commit_add(services->commit, &job, fault)) {
		free(a);
		return fault_nomem(fault);
	}
	a->services = *services;
	a->uuid = *uuid;
	a->over = over;
	a->context = context;
	a->writing = true;
	*out = a;
	return 0;
}

const struct uuid *attempt_uuid(const struct attempt *a)
{
	return &a->uuid;
}

void attempt_abandon(struct attempt *a)
{
	close_talk(a);
	a->abandoned = true;
	if (a->writing)
		return;
	/* Committed, a machine may take no call any more: the next start would not find out. */
	if (a->setup && setup_is_committed(a->setup))
		succeed(a);
	else
		end(a, ATTEMPT_DROPPED);
}
