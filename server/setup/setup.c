/* The set-up of one machine: walks the steps, tries accounts, judges answers. */
#include "server/setup/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/secret.h"
#include "server/setup/setup-private.h"

static bool applies(const struct setup *s, const struct setup_step *step)
{
	if (s->facts.soap ? !step->soap.call : !step->wsman.class_name)
		return false;
	if (step->planned && s->planned && step->waits != (s->target.wait_hours != 0))
		return false;
	return !step->wanted || step->wanted(s);
}

#define STATUS_STATE	0x20
#define STATUS_MISSING	0x809

/* Status codes of the machine, as its documents and traces have them. */
static const struct {
	uint32_t code;
	const char *text, *hint;
} statuses[] = {
	{ 0x1, "internal error", "take the machine's AC power away for half a minute" },
	{ 0x2, "not ready", NULL },
	{ 0x3, "invalid mode", NULL },
	{ 0x10, "not permitted", NULL },
	{ STATUS_STATE, "not in this provisioning state",
	  "the machine may be set up already: reset its AMT to factory state in MEBx first" },
	{ 0x24, "invalid parameter", NULL },
	{ 0x26, "its flash memory was written too often",
	  "it takes changes again after some hours" },
	{ 0x2a, "bad PID", NULL },
	{ 0x2b, "bad PPS", NULL },
	{ STATUS_MISSING, "data missing", "something essential was not set before the commit" },
	{ 0x814, "not found", NULL },
};

static const char *status_text(uint32_t code, const char **hint)
{
	*hint = NULL;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
		if (statuses[i].code == code) {
			*hint = statuses[i].hint;
			return statuses[i].text;
		}
	return "an undocumented status";
}

int setup_new(struct setup **out, const struct uuid *uuid, const struct setup_login *logins,
	      size_t n, struct fault *fault)
{
	struct setup *s;

	*out = NULL;
	if (n > SETUP_LOGINS)
		return fault_set(fault, KIT_ERR_ARGUMENT, "more than %d accounts to try",
				 SETUP_LOGINS);
	s = calloc(1, sizeof(*s));
	if (!s)
		return fault_nomem(fault);
	s->uuid = *uuid;
	memcpy(s->logins, logins, n * sizeof(*logins));
	s->n_logins = n;
	s->login = -1;
	s->facts.state = -1;
	*out = s;
	return 0;
}

void setup_by_certificate(struct setup *s, bool wants_otp)
{
	s->by_certificate = true;
	s->wants_otp = wants_otp;
}

void setup_free(struct setup **s)
{
	if (!*s)
		return;
	xml_answer_free(&(*s)->settings);
	secret_wipe(*s, sizeof(**s));
	free(*s);
	*s = NULL;
}

static enum setup_action fail(struct setup *s)
{
	if (!s->failed)
		fault_context(&s->fault, "could not %s", setup_steps[s->step].name);
	/* Where nothing better is known. */
	fault_hint(&s->fault, "if it happens again, take the machine's AC power away for half a "
		   "minute and update its AMT firmware; then reset its AMT in MEBx and set it up "
		   "from a stick again");
	s->failed = true;
	return SETUP_FAILED;
}

static int write_request(struct setup *s, const struct setup_step *step, int64_t now,
			 struct amt_request *q)
{
	struct wsman_field fields[SETUP_FIELDS];
	struct writer w;
	size_t n = 0;

	writer_init(&w, s->body, sizeof(s->body));
	if (step->fields)
		n = step->fields(s, fields, now);
	if (s->fault.code)
		return s->fault.code;
	memset(q, 0, sizeof(*q));
	if (s->facts.soap) {
		struct soap_request soap = step->soap;

		soap.fields = fields;
		soap.n_fields = n;
		soap_write(&soap, &w);
		soap_action(&soap, s->action, sizeof(s->action));
		q->path = soap_path(soap.service);
		q->content_type = SOAP_CONTENT_TYPE;
		q->soap_action = s->action;
	} else {
		struct wsman_request wsman = step->wsman;

		wsman.fields = fields;
		wsman.n_fields = n;
		wsman_write(&wsman, ++s->message_id, &w);
		q->path = WSMAN_PATH;
		q->content_type = WSMAN_CONTENT_TYPE;
	}
	q->body = s->body;
	q->size = w.at;
	q->changes = step->changes;
	if (w.error == KIT_ERR_FORMAT)
		return fault_set(&s->fault, w.error,
				 "a value holds a character that XML cannot carry");
	if (w.error)
		return fault_set(&s->fault, w.error, "the request would be longer than %d bytes",
				 SETUP_BODY);
	return 0;
}

/*
 * From here on the machine has to ask for the new account, and to take it: that is what shows
 * that it has it. The account from before comes second, as in take_admin().
 */
static void begin_read_back(struct setup *s)
{
	s->reading_back = true;
	s->login = 0;
}

/* The next step to do; NULL: none. */
static const struct setup_step *next_step(struct setup *s)
{
	while (s->step < setup_n_steps && !applies(s, &setup_steps[s->step]))
		s->step++;
	return s->step < setup_n_steps ? &setup_steps[s->step] : NULL;
}

enum setup_action setup_next(struct setup *s, int64_t now, struct amt_request *request)
{
	const struct setup_step *step;

	if (s->failed)
		return SETUP_FAILED;
	step = next_step(s);
	if (!step)
		return SETUP_DONE;
	if (s->pausing) {
		s->pausing = false;
		return SETUP_PAUSE;
	}
	if (step->planned && !s->planned)
		return SETUP_PLAN;
	if (step->certifies && !s->certify_answered)
		return SETUP_CERTIFY;
	if (step->commits && !s->commit_noted)
		return SETUP_COMMIT;
	if (step->logs_in && s->by_certificate && !s->reopened)
		return SETUP_REOPEN;
	if (write_request(s, step, now, request))
		return fail(s);
	if (step->logs_in && !s->reading_back)
		begin_read_back(s);
	request->new_login = step->logs_in;
	request->new_connection = s->confirming;
	s->told_secret |= step->secret;
	if (s->login >= 0) {
		request->user = s->logins[s->login].user;
		request->password = s->logins[s->login].password;
	}
	return SETUP_SEND;
}

void setup_plan(struct setup *s, const struct setup_target *target)
{
	s->target = *target;
	s->planned = true;
	/* SOAP has no calls for it. */
	if (s->facts.soap && target->tls)
		s->notes |= SETUP_NOTE_NO_TLS;
}

const uint8_t *setup_public_key(const struct setup *s, size_t *size)
{
	*size = s->key_size;
	return s->key;
}

void setup_certified(struct setup *s, const char *certificate)
{
	s->certify_answered = true;
	if (certificate && strlen(certificate) <= SETUP_CERTIFICATE)
		strcpy(s->certificate, certificate);
	else
		s->notes |= SETUP_NOTE_NO_TLS;
}

void setup_commit(struct setup *s)
{
	s->commit_noted = true;
}

void setup_reopened(struct setup *s)
{
	s->failed = false;
	fault_clear(&s->fault);
	s->reopened = true;
	s->reading_back = false;
}

bool setup_is_read_back(const struct setup *s)
{
	return s->reopened;
}

bool setup_commit_lost(struct setup *s)
{
	if (!s->by_certificate || s->failed || !setup_steps[s->step].commits || !s->commit_noted)
		return false;
	s->commit_lost = true;
	s->step++;
	return true;
}

/* The machine wants an account, or refused the one it was given: the next one, if any. */
static int next_login(struct setup *s, enum amt_login login)
{
	s->login_unclear |= login == AMT_LOGIN_UNCLEAR;
	if (s->login + 1 < (int)s->n_logins) {
		s->login++;
		return 0;
	}
	if (s->login_unclear)
		return fault_set(&s->fault, KIT_ERR_PROTOCOL, "the machine wants another nonce for "
				 "each login, and closes the connection after it: no login is "
				 "possible, and whether it has the map's password is not known");
	if (s->by_certificate && !s->reopened)
		return fault_set(&s->fault, KIT_ERR_REFUSED, "the machine asks for its password, "
				 "and takes none that may be tried\n"
				 "old firmware wants the MEBx password that its stick gave it: "
				 "put that into stick_password_file, and the machine into the "
				 "inventory; one that was set up before and got it again is sent "
				 "it once it is forgotten (amt-provisionctl systems forget)");
	return fault_set(&s->fault, KIT_ERR_REFUSED, "the machine refuses the admin password that "
			 "the map has for it\n"
			 "give its MEBx password to the map (keys import with the column "
			 "admin_password), or reset its AMT and set it up again from a stick");
}

/* The machine says no in its own words. */
static int refused(struct setup *s, const struct xml_answer *a, const char *reason)
{
	const char *code = xml_answer_fault_code(a);

	if (!s->told_secret)
		return fault_set(&s->fault, KIT_ERR_REFUSED, "the machine refuses: %s", reason);
	return fault_set(&s->fault, KIT_ERR_REFUSED, "the machine refuses, with the fault code %s",
			 *code ? code : "(none)");
}

/* May the machine refuse this step with STATUS (0: it gave none), and set-up go on? */
static bool may_refuse(const struct setup *s, const struct setup_step *step, uint32_t status)
{
	/* In SOAP nothing shows that a machine is set up, until it says so by this. */
	if (step->note == SETUP_NOTE_NO_PAIR && s->by_certificate)
		return true;
	if (step->note == SETUP_NOTE_NO_PAIR)
		return status == STATUS_STATE && s->target.again;
	return step->note != 0 || step->optional;
}

static void note_no(struct setup *s, const struct setup_step *step, bool clear)
{
	s->notes |= clear || !step->unclear ? step->note : step->unclear;
}

/* What the machine says of it. Negative: no clear answer to an order. */
static int read_status(const struct setup *s, const struct setup_step *step,
		       const struct xml_answer *a, uint32_t *status)
{
	static const char *const names[] = { "ReturnValue", "StatusCode", "Status" };
	bool is_order = step->planned && (s->facts.soap || step->wsman.verb == WSMAN_CALL);
	int rc = KIT_ERR_NOT_FOUND;

	*status = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && rc == KIT_ERR_NOT_FOUND; i++)
		rc = xml_answer_number(a, names[i], status);
	return is_order ? rc : 0;
}

/* Status 0x809: what is known to be missing, since the machine refused it or none was given. */
static int say_missing(struct setup *s)
{
	const struct setup_target *t = &s->target;
	const struct {
		bool missing;
		const char *what;
	} rules[] = {
		{ s->notes & (SETUP_NOTE_NO_MEBX | SETUP_NOTE_MEBX_UNCLEAR),
		  "its MEBx password, which it refused to take" },
		{ s->by_certificate && !*t->mebx_password,
		  "a MEBx password, which its profile keeps (AMT 19 and later need one)" },
		{ s->notes & SETUP_NOTE_NO_CLOCK, "its clock, which could not be set" },
		{ !t->set_clock, "its clock, which its profile leaves alone" },
		{ s->notes & SETUP_NOTE_NO_NAMES, "its host name, which it refused to take" },
		{ !*t->host, "its host name, which is unknown or left alone by its profile" },
	};
	char list[300];
	size_t at = 0;

	*list = '\0';
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules) && at < sizeof(list); i++)
		if (rules[i].missing)
			at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s",
					       at ? "; " : "", rules[i].what);
	return fault_set(&s->fault, KIT_ERR_REFUSED, "the machine refuses with status 0x809: data "
			 "missing (%s)\n"
			 "something essential was not set before the commit: let the profile set "
			 "it (mebx_password, set_clock, set_names), or give it in the inventory, "
			 "then amt-provisionctl systems retry",
			 at ? list : "all that is known to be needed was set");
}

static int take_answer(struct setup *s, const struct setup_step *step, struct xml_answer **a)
{
	const char *reason, *hint;
	uint32_t value;
	bool unknown;

	if (xml_answer_is_fault(*a, &reason)) {
		if (may_refuse(s, step, 0)) {
			note_no(s, step, true);
			return 0;
		}
		return refused(s, *a, reason);
	}
	unknown = read_status(s, step, *a, &value) < 0;
	if ((value || unknown) && may_refuse(s, step, value)) {
		note_no(s, step, !unknown);
		return 0;
	}
	if (unknown)
		return fault_set(&s->fault, KIT_ERR_PROTOCOL, "the machine's answer has no status");
	if (value == STATUS_MISSING && step->commits)
		return say_missing(s);
	if (value) {
		fault_set(&s->fault, KIT_ERR_REFUSED, "the machine refuses with status 0x%x: %s",
			  value, status_text(value, &hint));
		return hint ? fault_hint(&s->fault, "%s", hint) : s->fault.code;
	}
	return step->take ? step->take(s, a) : 0;
}

/* Judge an answer that is not about logins. Returns 0: the step is done. */
static int judge(struct setup *s, const struct amt_reply *reply)
{
	const struct setup_step *step = &setup_steps[s->step];
	struct xml_answer *a = NULL;
	int rc = 0;

	if (reply->status != 200 && reply->status != 400 && reply->status != 500)
		return fault_set(&s->fault, KIT_ERR_PROTOCOL,
				 "the machine answers with HTTP status %ld", reply->status);
	if (xml_answer_read(&a, reply->body, reply->size, &s->fault)) {
		rc = s->fault.code;
		if (reply->status != 200) {
			fault_clear(&s->fault);
			rc = fault_set(&s->fault, KIT_ERR_PROTOCOL, "the machine answers with HTTP "
				       "status %ld, without a reason", reply->status);
		}
	} else if (reply->status != 200 && !xml_answer_is_fault(a, NULL) &&
		   may_refuse(s, step, 0)) {
		note_no(s, step, false);
	} else if (reply->status != 200 && !xml_answer_is_fault(a, NULL)) {
		rc = fault_set(&s->fault, KIT_ERR_PROTOCOL,
			       "the machine answers with HTTP status %ld", reply->status);
	} else {
		rc = take_answer(s, step, &a);	/* may keep the answer and leave NULL */
	}
	xml_answer_free(&a);
	return rc;
}

#define TRIES		20	/* of a machine that is not ready to make keys */
#define STATUS_NOT_READY	0x2

/* Is it worth a pause? A class or a call that it does not know will not come. */
static bool is_not_ready(const struct amt_reply *reply)
{
	static const char *const never[] = { "DestinationUnreachable", "ActionNotSupported",
					     "InvalidResourceURI" };
	struct xml_answer *a = NULL;
	uint32_t status = 0;
	bool is;

	if (xml_answer_read(&a, reply->body, reply->size, NULL))
		return reply->status == 400;
	is = xml_answer_is_fault(a, NULL) || reply->status == 400 ||
	     (xml_answer_number(a, "ReturnValue", &status) == 0 && status == STATUS_NOT_READY);
	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		is = is && strcmp(xml_answer_fault_code(a), never[i]) != 0;
	xml_answer_free(&a);
	return is;
}

/* What the login of a step that logs in shows. */
static void take_account(struct setup *s, enum amt_login login)
{
	if (login != AMT_LOGIN_TAKEN) {
		s->notes |= SETUP_NOTE_NO_LOGIN;
	} else if (s->login == 0) {
		s->account = SETUP_ACCOUNT_NEW;
	} else {
		s->account = SETUP_ACCOUNT_OLD;
		s->notes |= SETUP_NOTE_OLD_LOGIN;
	}
}

/*
 * Some firmware takes the new account for as long as the connection lasts, and forgets it with
 * that: what a machine takes over another connection is what it has.
 */
static void confirm(struct setup *s, const struct amt_reply *reply)
{
	if (reply->status == 401 && s->login + 1 < (int)s->n_logins) {
		s->login++;
		return;
	}
	s->account = SETUP_ACCOUNT_UNKNOWN;
	if (reply->status == 401)
		s->notes |= SETUP_NOTE_NO_READ_BACK;
	else
		take_account(s, reply->login);
	s->step++;
}

bool setup_try_soap(struct setup *s, const struct fault *why)
{
	if (s->step != 0 || s->facts.soap)
		return false;
	s->facts.soap = true;
	s->no_wsman = *why;
	return true;
}

/* The step failed, for the reason in s->fault. */
static void give_up(struct setup *s, const struct amt_reply *reply)
{
	struct fault soap = s->fault;

	/* Any no to the first request may come from firmware that speaks SOAP alone. */
	if (reply->status != 200 && setup_try_soap(s, &s->fault)) {
		fault_clear(&s->fault);
		return;
	}
	if (s->facts.soap && !s->soap_answered) {
		s->step = 0;
		s->fault = s->no_wsman;
		snprintf(s->fault.what + strlen(s->fault.what),
			 sizeof(s->fault.what) - strlen(s->fault.what), "; SOAP was tried, too: %s",
			 soap.what);
	}
	fail(s);
}

void setup_answer(struct setup *s, const struct amt_reply *reply, int64_t now)
{
	const struct setup_step *step = &setup_steps[s->step];

	secret_wipe(s->body, sizeof(s->body));
	s->device_time_heard = now;
	if (s->confirming) {
		confirm(s, reply);
		return;
	}
	if (reply->status == 401) {
		if (next_login(s, reply->login))
			fail(s);
		return;
	}
	if (step->repeats && ++s->tries < TRIES && is_not_ready(reply)) {
		s->pausing = true;
		return;
	}
	if (judge(s, reply)) {
		give_up(s, reply);
		return;
	}
	s->soap_answered |= s->facts.soap;
	if (step->logs_in)
		take_account(s, reply->login);
	if (step->logs_in && !s->by_certificate && s->account == SETUP_ACCOUNT_NEW) {
		s->confirming = true;
		s->login = 0;
		return;
	}
	s->step++;
}

bool setup_is_committed(struct setup *s)
{
	if (!s->committed)
		return false;
	if (!s->confirming)
		s->notes |= SETUP_NOTE_NO_READ_BACK;
	return true;
}

bool setup_is_confirming(const struct setup *s)
{
	return s->confirming;
}

const struct setup_facts *setup_facts(const struct setup *s)
{
	return &s->facts;
}

int setup_login_index(const struct setup *s)
{
	return s->login;
}

enum setup_account setup_account(const struct setup *s)
{
	return s->account;
}

unsigned setup_notes(const struct setup *s)
{
	return s->notes;
}

bool setup_uuid_differs(const struct setup *s)
{
	return s->facts.has_uuid && !uuid_equal(&s->facts.uuid, &s->uuid);
}

const struct fault *setup_fault(const struct setup *s)
{
	return &s->fault;
}
