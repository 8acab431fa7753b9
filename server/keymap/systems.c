/* The machines of the key map: hellos, states, passwords, listing (csti_amts and its history). */
#include "server/keymap/systems.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/secret.h"
#include "server/keymap/digests.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap-private.h"
#include "server/keymap/pairs.h"
#include "server/keymap/rivals.h"
#include "server/keymap/talks.h"

/* ---- words and JSON ---- */

static const char *const words[SYSTEM_STATES] = {
	[SYSTEM_QUEUED] = "queued",
	[SYSTEM_IN_SETUP] = "in-setup",
	[SYSTEM_CONFIGURED] = "configured",
	[SYSTEM_FAILED] = "failed",
	[SYSTEM_FQDN_MISSING] = "fqdn-missing",
	[SYSTEM_NEEDS_CERTIFICATE] = "needs-certificate",
	[SYSTEM_REFUSED] = "refused",
	[SYSTEM_NEEDS_PERMISSION] = "needs-permission",
};

bool system_is_set_up(const struct system *s)
{
	return s->state == SYSTEM_CONFIGURED || s->state == SYSTEM_NEEDS_PERMISSION;
}

bool system_by_certificate(const struct system *s)
{
	return *s->claimed_address ? !*s->claimed_pid : s->credential == SYSTEM_BY_CERTIFICATE;
}

bool system_is_settled(const struct system *s)
{
	return s->proved_at > 0 || s->configured_at > 0;
}

bool system_is_proved(const struct system *s)
{
	return s->proof == SYSTEM_PROOF_PPS || s->proof == SYSTEM_PROOF_OTP;
}

bool system_waits_for_person(const struct system *s)
{
	return s->state == SYSTEM_NEEDS_PERMISSION ||
	       (s->state == SYSTEM_REFUSED && strcmp(s->reason_code, SYSTEM_NOT_KNOWN) == 0);
}

bool system_is_held_by_other(const struct system *s, const char *other)
{
	return s->proved_at && *s->pid && memcmp(s->pid, other, PID_LENGTH) != 0 &&
	       memcmp(s->next_pid, other, PID_LENGTH) != 0;
}

const char *system_state_word(enum system_state state)
{
	return (unsigned)state < SYSTEM_STATES ? words[state] : "unknown";
}

int system_state_parse(const char *word, enum system_state *out)
{
	int at = word_at(words, SYSTEM_STATES, word);

	if (at < 0)
		return KIT_ERR_ARGUMENT;
	*out = (enum system_state)at;
	return 0;
}

const char *system_credential_word(enum system_credential credential)
{
	return credential == SYSTEM_BY_CERTIFICATE ? "pki" : "psk";
}

const char *system_proof_word(enum system_proof proof)
{
	static const char *const of[SYSTEM_PROOFS] = {
		[SYSTEM_PROOF_PPS] = "pps", [SYSTEM_PROOF_OTP] = "otp",
		[SYSTEM_PROOF_ON_DIE] = "on-die", [SYSTEM_PROOF_PERSON] = "person",
	};

	return (unsigned)proof < SYSTEM_PROOFS ? of[proof] : NULL;
}

static json_t *when(int64_t t)
{
	char shown[CLOCK_TEXT + 1];

	clock_show(t, shown);
	return logentry_text(shown);
}

static json_t *pid(const char *s)
{
	char shown[PID_SHOWN + 1];

	if (s[0])
		pidpps_show_pid(s, shown);
	return logentry_text(s[0] ? shown : NULL);
}

json_t *system_json(const struct system *s)
{
	static const char *const allowed[] = {
		[SYSTEM_NOT_ALLOWED] = "not-allowed", [SYSTEM_ALLOWED] = "allowed",
		[SYSTEM_ALLOWED_ANYWHERE] = "allowed-at-new-address",
	};
	char uuid[UUID_SHOWN + 1];

	uuid_show(&s->uuid, uuid);
	return json_pack("{s:s, s:o, s:o, s:o, s:s, s:o, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o,"
			 " s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:s, s:o, s:b, s:o, s:o}",
			 "uuid", uuid, "pid", pid(s->pid), "next_pid", pid(s->next_pid), "address",
			 logentry_text(s->address), "state", system_state_word(s->state), "reason",
			 logentry_text(s->reason), "hellos", (int)s->hellos, "hello_version",
			 (int)s->hello_version, "hello_retry", (int)s->hello_retry, "failures",
			 (int)s->failures, "first_seen", when(s->first_seen), "last_seen",
			 when(s->last_seen), "next_try", when(s->next_try), "configured_at",
			 when(s->configured_at), "fqdn", logentry_text(s->fqdn), "profile",
			 logentry_text(s->profile), "version", logentry_text(s->version),
			 "admin_user", logentry_text(s->admin_user), "proved_at",
			 when(s->proved_at), "claimed_pid", pid(s->claimed_pid), "claimed_address",
			 logentry_text(s->claimed_address), "set_up_again", allowed[s->allowed],
			 "reason_code", logentry_text(s->reason_code), "credential",
			 system_credential_word(s->credential), "proved_by",
			 logentry_text(system_proof_word(s->proof)), "stick_mebx",
			 s->stick_mebx, "certificate_serial",
			 logentry_text(s->certificate_serial), "certificate_expiry",
			 when(s->certificate_expiry));
}

/* ---- one row ---- */

#define COLUMNS \
	"uuid, pid, next_pid, address, state, reason, hellos, hello_version, hello_retry," \
	" failures, first_seen, last_seen, next_try, configured_at, fqdn, profile, version," \
	" admin_user, proved_at, claimed_pid, claimed_address, claim_failed_at, allowed," \
	" reason_code, credential, proof, vouched, stick_mebx, certify, certificate_serial," \
	" certificate_expiry"

static void read_system(struct sql_statement *s, struct system *out)
{
	int64_t allowed, proof;

	memset(out, 0, sizeof(*out));
	get_uuid(s, 0, &out->uuid);
	get_text(s, 1, out->pid, sizeof(out->pid));
	get_text(s, 2, out->next_pid, sizeof(out->next_pid));
	get_text(s, 3, out->address, sizeof(out->address));
	out->state = (enum system_state)sql_int(s, 4);
	get_text(s, 5, out->reason, sizeof(out->reason));
	out->hellos = (uint32_t)sql_int(s, 6);
	out->hello_version = (uint32_t)sql_int(s, 7);
	out->hello_retry = (uint32_t)sql_int(s, 8);
	out->failures = (uint32_t)sql_int(s, 9);
	out->first_seen = sql_int(s, 10);
	out->last_seen = sql_int(s, 11);
	out->next_try = sql_int(s, 12);
	out->configured_at = sql_int(s, 13);
	get_text(s, 14, out->fqdn, sizeof(out->fqdn));
	get_text(s, 15, out->profile, sizeof(out->profile));
	get_text(s, 16, out->version, sizeof(out->version));
	get_text(s, 17, out->admin_user, sizeof(out->admin_user));
	out->proved_at = sql_int(s, 18);
	get_text(s, 19, out->claimed_pid, sizeof(out->claimed_pid));
	get_text(s, 20, out->claimed_address, sizeof(out->claimed_address));
	out->claim_failed_at = sql_int(s, 21);
	allowed = sql_int(s, 22);
	out->allowed = allowed == SYSTEM_ALLOWED || allowed == SYSTEM_ALLOWED_ANYWHERE
		       ? (enum system_allowed)allowed : SYSTEM_NOT_ALLOWED;
	get_text(s, 23, out->reason_code, sizeof(out->reason_code));
	out->credential = sql_int(s, 24) ? SYSTEM_BY_CERTIFICATE : SYSTEM_BY_KEY;
	proof = sql_int(s, 25);
	out->proof = proof > 0 && proof < SYSTEM_PROOFS ? (enum system_proof)proof
			       : SYSTEM_PROOF_NONE;
	out->vouched = sql_int(s, 26) != 0;
	out->stick_mebx = sql_int(s, 27) != 0;
	out->certify = sql_int(s, 28) != 0;
	get_text(s, 29, out->certificate_serial, sizeof(out->certificate_serial));
	out->certificate_expiry = sql_int(s, 30);
}

static int no_system(const struct uuid *uuid, struct fault *fault)
{
	char shown[UUID_SHOWN + 1];

	uuid_show(uuid, shown);
	fault_set(fault, KIT_ERR_NOT_FOUND, "no system %s in the key map\n"
		  "look it up with \"amt-provisionctl systems list\"", shown);
	return KIT_ERR_NOT_FOUND;
}

int keymap_system_find(struct keymap *m, const struct uuid *uuid, struct system *out,
		       struct fault *fault)
{
	struct sql_statement *s;
	int rc;

	rc = sql_statement(m->db, "SELECT " COLUMNS " FROM csti_amts WHERE uuid = ?1", &s, fault);
	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	rc = sql_step(s, "look a system up", fault);
	if (rc > 0)
		read_system(s, out);
	return row_found(s, rc);
}

/* ---- hellos ---- */

/* The first hello of a machine makes its row. */
static int insert_system(struct keymap *m, const struct system *row, struct fault *fault)
{
	struct sql_statement *s;
	int rc;

	rc = sql_statement(m->db, "INSERT INTO csti_amts(uuid, pid, address, hello_version,"
				  " hello_retry,"
			   " state, next_try, first_seen, last_seen, hellos, credential)"
			   " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, 1, ?9)", &s, fault);
	if (rc)
		return rc;
	bind_uuid(s, 1, &row->uuid);
	bind_pid(s, 2, row->pid);
	bind_text(s, 3, row->address);
	sql_bind_int(s, 4, row->hello_version);
	sql_bind_int(s, 5, row->hello_retry);
	sql_bind_int(s, 6, row->state);
	sql_bind_int(s, 7, row->next_try);
	sql_bind_int(s, 8, row->first_seen);
	sql_bind_int(s, 9, row->credential);
	return sql_run(s, "note a hello", NULL, fault);
}

static int update_system(struct keymap *m, const struct system *row, struct fault *fault)
{
	struct sql_statement *s;
	int rc;

	rc = sql_statement(m->db, "UPDATE csti_amts SET pid = ?2, address = ?3, claimed_pid = ?4,"
			   " claimed_address = ?5, hello_version = ?6, hello_retry = ?7,"
			   " failures = ?10, credential = ?11,"
			   " last_seen = ?8, hellos = ?9 WHERE uuid = ?1", &s, fault);
	if (rc)
		return rc;
	bind_uuid(s, 1, &row->uuid);
	bind_pid(s, 2, row->pid);
	bind_text(s, 3, row->address);
	bind_pid(s, 4, row->claimed_pid);
	bind_text(s, 5, row->claimed_address);
	sql_bind_int(s, 6, row->hello_version);
	sql_bind_int(s, 7, row->hello_retry);
	sql_bind_int(s, 8, row->last_seen);
	sql_bind_int(s, 9, row->hellos);
	sql_bind_int(s, 10, row->failures);
	sql_bind_int(s, 11, row->credential);
	return sql_run(s, "note a hello", NULL, fault);
}

/* What a hello says goes into PID and ADDRESS. */
static void take_hello(const struct keymap_hello *hello, char pid[static PID_LENGTH + 1],
		       char address[static SYSTEM_ADDRESS + 1])
{
	snprintf(pid, PID_LENGTH + 1, "%.*s", PID_LENGTH, hello->pid ? hello->pid : "");
	snprintf(address, SYSTEM_ADDRESS + 1, "%s", hello->address ? hello->address : "");
}

static void take_into_row(const struct keymap_hello *hello, struct system *row)
{
	take_hello(hello, row->pid, row->address);
	row->credential = hello->version == 3 ? SYSTEM_BY_CERTIFICATE : SYSTEM_BY_KEY;
}

/*
 * A machine that has proved nothing may be said to be at several places: by itself, and by those
 * who forge its hello. Its row has the one that is called next, or now; the others wait in claim,
 * and none keeps another one out: each is called once before any is called again.
 */
#define UNTRIED	16	/* claims of one machine that have not been called yet */
#define CLAIMS	64	/* all: what failed is remembered, or it would be new at its next hello */

static bool is_called(const struct system *row)
{
	return row->state != SYSTEM_REFUSED && row->state != SYSTEM_NEEDS_CERTIFICATE &&
	       *row->address;
}

static bool is_elsewhere(const struct system *row, const struct keymap_hello *hello)
{
	return hello->address && strcmp(row->address, hello->address) != 0;
}

/* What is known of the claim of ADDRESS; *known is false when there is none. */
static int find_claim(struct keymap *m, const struct uuid *uuid, const char *address, bool *known,
		      struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, "SELECT 1 FROM claim WHERE uuid = ?1 AND address = ?2", &s,
			       fault);

	*known = false;
	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	bind_text(s, 2, address);
	rc = sql_step(s, "look a claim up", fault);
	*known = rc > 0;
	sql_done(s);
	return rc < 0 ? rc : 0;
}

static int write_claim(struct keymap *m, const struct uuid *uuid, const char *address,
		       const char *pid, int64_t failures, int64_t next_try, struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, "INSERT INTO claim(uuid, address, pid, failures, next_try)"
			       " VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(uuid, address) DO UPDATE"
			       " SET pid = excluded.pid, failures = excluded.failures,"
			       " next_try = excluded.next_try", &s, fault);

	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	bind_text(s, 2, address);
	bind_pid(s, 3, pid);
	sql_bind_int(s, 4, failures);
	sql_bind_int(s, 5, next_try);
	return sql_run(s, "note a claim", NULL, fault);
}

/* See that one more claim has room: what failed most goes, nothing that was not tried yet. */
static int make_claim_room(struct keymap *m, const struct uuid *uuid, bool *room,
			   struct fault *fault)
{
	struct sql_statement *s;
	int64_t all = 0, untried = 0;
	int rc = sql_statement(m->db, "SELECT count(*), coalesce(sum(CASE WHEN failures = 0 THEN 1"
			       " ELSE 0 END), 0) FROM claim WHERE uuid = ?1", &s, fault);

	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	rc = sql_step(s, "count claims", fault);
	if (rc > 0) {
		all = sql_int(s, 0);
		untried = sql_int(s, 1);
	}
	sql_done(s);
	*room = untried < UNTRIED;
	if (rc < 0 || !*room || all < CLAIMS)
		return rc < 0 ? rc : 0;
	rc = sql_statement(m->db, "DELETE FROM claim WHERE id = (SELECT id FROM claim WHERE uuid ="
			   " ?1 AND failures > 0 ORDER BY failures DESC, id LIMIT 1)", &s, fault);
	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	return sql_run(s, "forget a claim", NULL, fault);
}

static int forget_claims(struct keymap *m, const struct uuid *uuid, struct fault *fault)
{
	return keymap_forget_of(m, "DELETE FROM claim WHERE uuid = ?1", uuid, "forget claims",
				fault);
}

/* A hello from another place than the ROW has. One that was not called yet is called at once. */
static int claim(struct keymap *m, const struct keymap_hello *hello, struct system *row,
		 struct fault *fault)
{
	bool known, room;
	int rc = find_claim(m, &row->uuid, hello->address, &known, fault);

	if (rc || known)
		return rc;
	rc = make_claim_room(m, &row->uuid, &room, fault);
	if (rc || !room)
		return rc;
	/* Not tried yet, or being tried: it keeps its turn. */
	if (row->failures == 0 || row->state == SYSTEM_IN_SETUP)
		return write_claim(m, &row->uuid, hello->address, hello->pid, 0, 0, fault);
	rc = write_claim(m, &row->uuid, row->address, row->pid, row->failures, row->next_try,
			 fault);
	if (rc)
		return rc;
	take_into_row(hello, row);
	row->failures = 0;
	return 0;
}

/* What a hello of a machine that has a row already changes there. */
static int take_again(struct keymap *m, const struct keymap_hello *hello, struct system *row,
		      struct fault *fault)
{
	int rc;

	if (system_is_settled(row)) {
		/* PID and address of a machine that is set up are not for a hello to change. */
		take_hello(hello, row->claimed_pid, row->claimed_address);
	} else if (is_called(row) && is_elsewhere(row, hello)) {
		rc = keymap_part_begin(m, fault);
		return rc ? rc : keymap_part_end(m, claim(m, hello, row, fault), fault);
	} else {
		take_into_row(hello, row);
		row->claimed_pid[0] = row->claimed_address[0] = 0;
	}
	return 0;
}

/* Two plain statements: one that inserts or updates and returns the row costs twice as much. */
int keymap_system_hello_again(struct keymap *m, const struct keymap_hello *hello,
			      const struct system *before, enum system_state state, int64_t now,
			      struct system *out, bool *made, struct fault *fault)
{
	struct system row;
	bool own;
	int rc;

	/* Digests take a second statement that writes. */
	rc = hello->n_digests ? keymap_enter(m, &own, fault) : keymap_enter_once(m, &own, fault);
	if (rc)
		return rc;
	if (!before) {
		memset(&row, 0, sizeof(row));
		row.uuid = hello->uuid;
		row.state = state;
		row.next_try = state == SYSTEM_QUEUED ? now : 0;
		row.first_seen = now;
		take_into_row(hello, &row);
	} else {
		row = *before;
		rc = take_again(m, hello, &row, fault);
	}
	if (rc)
		goto out;
	row.last_seen = now;
	row.hello_version = hello->version;
	row.hello_retry = hello->retry;
	row.hellos++;
	rc = before ? update_system(m, &row, fault) : insert_system(m, &row, fault);
	if (!rc && hello->n_digests)
		rc = keymap_digests_put(m, &row.uuid, hello->digests, hello->n_digests, fault);
	if (out)
		*out = row;
	if (made)
		*made = !before;
out:
	return keymap_leave(m, own, rc, fault);
}

int keymap_system_hello(struct keymap *m, const struct keymap_hello *hello,
			enum system_state state, int64_t now, struct system *out, bool *made,
			struct fault *fault)
{
	struct system row;
	bool own;
	int rc = keymap_enter(m, &own, fault);

	if (rc)
		return rc;
	rc = keymap_system_find(m, &hello->uuid, &row, fault);
	if (!rc || rc == KIT_ERR_NOT_FOUND)
		rc = keymap_system_hello_again(m, hello, rc ? NULL : &row, state, now, out, made,
					       fault);
	return keymap_leave(m, own, rc, fault);
}

/* ---- states ---- */

/* Run S, an update of one row, whose UUID is ?1. KIT_ERR_NOT_FOUND: no such row. */
static int update_row(struct sql_statement *s, const struct uuid *uuid, const char *what,
		      struct fault *fault)
{
	int changed, rc;

	bind_uuid(s, 1, uuid);
	rc = sql_run(s, what, &changed, fault);
	return rc || changed ? rc : no_system(uuid, fault);
}

int keymap_system_state(struct keymap *m, const struct uuid *uuid, enum system_state state,
			const char *reason, int64_t next_try, int64_t now, struct fault *fault)
{
	struct sql_statement *s;
	bool own;
	int rc;

	rc = keymap_write(m, "UPDATE csti_amts SET state = ?2, reason = ?3, next_try = ?4,"
			  " reason_code = NULL,"
			  " failures = CASE ?2 WHEN 3 THEN failures + 1 WHEN 2 THEN 0"
			  " ELSE failures END,"
			  " configured_at = CASE WHEN ?2 = 2 THEN ?5 ELSE configured_at END,"
			  " proved_at = CASE WHEN ?2 = 2 AND proved_at = 0 AND credential = 0"
			  " THEN ?5 ELSE proved_at END,"
			  " proof = CASE WHEN ?2 = 2 AND proof = 0 AND credential = 0 THEN 1"
			  " ELSE proof END,"
			  " allowed = CASE WHEN ?2 = 2 THEN 0 ELSE allowed END,"
			  " vouched = CASE WHEN ?2 = 2 THEN 0 ELSE vouched END,"
			  " certify = CASE WHEN ?2 = 2 THEN 0 ELSE certify END WHERE uuid = ?1",
			  &s, &own, fault);
	_Static_assert(SYSTEM_CONFIGURED == 2 && SYSTEM_FAILED == 3 && SYSTEM_BY_KEY == 0 &&
		       SYSTEM_PROOF_PPS == 1, "numbers in the SQL above");
	if (rc)
		return rc;
	sql_bind_int(s, 2, state);
	bind_text(s, 3, reason);
	sql_bind_int(s, 4, next_try);
	sql_bind_int(s, 5, now);
	rc = update_row(s, uuid, "change a system's state", fault);
	/* Whoever else said to be it waits for nothing any more. */
	if (!rc && state == SYSTEM_CONFIGURED)
		rc = forget_claims(m, uuid, fault);
	return keymap_leave(m, own, rc, fault);
}

/* Unlike bind_text(): "" is a value too, and NULL means "leave alone". */
static void fact(struct sql_statement *s, int at, const char *text)
{
	if (text)
		sql_bind_text(s, at, text, strlen(text));
}

/* A PID may lack its NUL. */
static void pid_fact(struct sql_statement *s, int at, const char *pid)
{
	if (pid)
		sql_bind_text(s, at, pid, strnlen(pid, PID_LENGTH));
}

int keymap_system_facts(struct keymap *m, const struct uuid *uuid,
			const struct keymap_facts *facts, struct fault *fault)
{
	struct sql_statement *s;
	bool own;
	int rc;

	rc = keymap_write(m, "UPDATE csti_amts SET fqdn = coalesce(?2, fqdn),"
			  " profile = coalesce(?3, profile), version = coalesce(?4, version),"
			  " admin_user = coalesce(?5, admin_user), pid = coalesce(?6, pid),"
			  " next_pid = coalesce(?7, next_pid) WHERE uuid = ?1", &s, &own, fault);
	if (rc)
		return rc;
	fact(s, 2, facts->fqdn);
	fact(s, 3, facts->profile);
	fact(s, 4, facts->version);
	fact(s, 5, facts->admin_user);
	pid_fact(s, 6, facts->pid);
	pid_fact(s, 7, facts->next_pid);
	rc = update_row(s, uuid, "note what a system is", fault);
	return keymap_leave(m, own, rc, fault);
}

/* Run SQL, whose ?1 is UUID, with PID, ADDRESS (may be NULL) and a time as ?2, ?3, ?4. */
static int change(struct keymap *m, const char *sql, const struct uuid *uuid, const char *pid,
		  const char *address, int64_t time, struct fault *fault)
{
	struct sql_statement *s;
	bool own;
	int rc;

	rc = keymap_write(m, sql, &s, &own, fault);
	if (rc)
		return rc;
	bind_pid(s, 2, pid);
	bind_text(s, 3, address);
	sql_bind_int(s, 4, time);
	rc = update_row(s, uuid, "note what becomes of a hello", fault);
	return keymap_leave(m, own, rc, fault);
}

int keymap_system_adopt(struct keymap *m, const struct uuid *uuid, struct fault *fault)
{
	return change(m, "UPDATE csti_amts SET pid = coalesce(claimed_pid, pid),"
		      " address = coalesce(claimed_address, address), claimed_pid = NULL,"
		      " claimed_address = NULL WHERE uuid = ?1", uuid, NULL, NULL, 0, fault);
}

int keymap_system_unclaim(struct keymap *m, const struct uuid *uuid, int64_t now,
			  struct fault *fault)
{
	return change(m, "UPDATE csti_amts SET claimed_pid = NULL, claimed_address = NULL,"
		      " claim_failed_at = ?4 WHERE uuid = ?1", uuid, NULL, NULL, now, fault);
}

int keymap_system_stick_mebx(struct keymap *m, const struct uuid *uuid, bool has,
			     struct fault *fault)
{
	return change(m, "UPDATE csti_amts SET stick_mebx = ?4 WHERE uuid = ?1", uuid, NULL, NULL,
		      has, fault);
}

int keymap_system_code(struct keymap *m, const struct uuid *uuid, const char *code,
		       struct fault *fault)
{
	return change(m, "UPDATE csti_amts SET reason_code = ?3 WHERE uuid = ?1", uuid, NULL, code,
		      0, fault);
}

int keymap_system_certify(struct keymap *m, const struct uuid *uuid, struct fault *fault)
{
	return change(m, "UPDATE csti_amts SET certify = 1 WHERE uuid = ?1", uuid, NULL, NULL, 0,
		      fault);
}

int keymap_system_certificate(struct keymap *m, const struct uuid *uuid, const char *serial,
			      int64_t expiry, struct fault *fault)
{
	return change(m, "UPDATE csti_amts SET certificate_serial = ?3, certificate_expiry = ?4"
		      " WHERE uuid = ?1", uuid, NULL, serial, expiry, fault);
}

/* ROW, which may have waited for that, is to be set up. */
static int accept(struct keymap *m, const struct system *row, int64_t now, struct fault *fault)
{
	int rc = change(m, "UPDATE csti_amts SET failures = 0 WHERE uuid = ?1", &row->uuid, NULL,
			NULL, 0, fault);

	return rc ? rc : keymap_system_state(m, &row->uuid, SYSTEM_QUEUED, NULL, now, now, fault);
}

int keymap_system_known(struct keymap *m, const struct uuid *uuid, int64_t now,
			struct fault *fault)
{
	struct system row;
	int rc = keymap_system_find(m, uuid, &row, fault);

	if (rc)
		return rc == KIT_ERR_NOT_FOUND ? 0 : rc;
	if (row.state != SYSTEM_REFUSED || strcmp(row.reason_code, SYSTEM_NOT_KNOWN) != 0)
		return 0;
	return accept(m, &row, now, fault);
}

int keymap_system_allow(struct keymap *m, const struct uuid *uuid, enum system_allowed how,
			int64_t now, struct fault *fault)
{
	struct system row;
	bool own, waits;
	int rc;

	rc = keymap_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = keymap_system_find(m, uuid, &row, fault);
	if (rc == KIT_ERR_NOT_FOUND)
		rc = no_system(uuid, fault);
	waits = !rc && system_waits_for_person(&row);
	if (!rc)
		/* It is what was seen that is allowed: not by certificate what came by key. */
		rc = change(m, "UPDATE csti_amts SET allowed = ?4, vouched = CASE WHEN"
			    " claimed_address IS NULL THEN credential WHEN claimed_pid IS NULL"
			    " THEN 1 ELSE 0 END WHERE uuid = ?1", uuid, NULL, NULL, how, fault);
	_Static_assert(SYSTEM_BY_CERTIFICATE == 1, "number in the SQL above");
	if (waits && !rc)
		rc = accept(m, &row, now, fault);
	return keymap_leave(m, own, rc, fault);
}

/* Why a machine is not set up again without permission: the code, and *what in words. */
static const char *hold_code(const struct system *row, const char **what)
{
	if (!system_by_certificate(row)) {
		*what = "its key was used by this machine before";
		return "used-key";
	}
	if (row->credential == SYSTEM_BY_KEY) {
		*what = "this machine has proved a key, and now comes by certificate";
		return "known-by-key";
	}
	*what = "this machine was set up by certificate before";
	return "set-up-before";
}

int keymap_system_hold(struct keymap *m, const struct uuid *uuid, int64_t now,
		       char what[static SYSTEM_REASON / 2], char hint[static SYSTEM_REASON / 2],
		       struct fault *fault)
{
	char shown[UUID_SHOWN + 1], reason[SYSTEM_REASON + 1];
	const char *code, *why;
	struct system row;
	int rc = keymap_system_find(m, uuid, &row, fault);

	if (rc)
		return rc == KIT_ERR_NOT_FOUND ? no_system(uuid, fault) : rc;
	uuid_show(uuid, shown);
	code = hold_code(&row, &why);
	snprintf(what, SYSTEM_REASON / 2, "%s: it is not set up again without permission", why);
	snprintf(hint, SYSTEM_REASON / 2, "if its AMT was reset: amt-provisionctl systems "
		 "allow-setup %s; if not, somebody else says hello in its name", shown);
	snprintf(reason, sizeof(reason), "%s -- %s", what, hint);
	if (row.state == SYSTEM_IN_SETUP)
		return 0;
	rc = keymap_system_state(m, uuid, SYSTEM_NEEDS_PERMISSION, reason, 0, now, fault);
	return rc ? rc : keymap_system_code(m, uuid, code, fault);
}

int keymap_system_due(struct keymap *m, const struct uuid *uuid, int64_t next_try,
		      struct fault *fault)
{
	return change(m, "UPDATE csti_amts SET next_try = ?4 WHERE uuid = ?1", uuid, NULL, NULL,
		      next_try, fault);
}

/* ---- passwords ---- */

/* The four passwords of a row, in the order of the statements below. */
#define PASSWORDS	4

static const char *const password_columns[PASSWORDS] = {
	"admin_password", "next_admin_password", "mebx_password", "next_mebx_password",
};

static void password_fields(struct system_secrets *s, char *out[static PASSWORDS])
{
	out[0] = s->admin_password;
	out[1] = s->next_admin_password;
	out[2] = s->mebx_password;
	out[3] = s->next_mebx_password;
}

/* The row of S, whose columns are the passwords, sealed for PLACE; S is given back. */
static int open_passwords(struct keymap *m, struct sql_statement *s, struct seal_place place,
			  struct system_secrets *out, struct fault *fault)
{
	char *fields[PASSWORDS];
	int rc = 0;

	password_fields(out, fields);
	for (int i = 0; !rc && i < PASSWORDS; i++) {
		place.column = password_columns[i];
		rc = keymap_unseal_text(m, s, i, &place, PASSWORD_MAX, fields[i], fault);
	}
	sql_done(s);
	if (rc)
		secret_wipe(out, sizeof(*out));
	return rc;
}

/*
 * Seal SECRETS for PLACE, and bind them from parameter AT on; SEALED lives until sql_done(). S is
 * given back after a failure.
 */
static int bind_secrets(struct keymap *m, struct sql_statement *s, int at, struct seal_place place,
			const struct system_secrets *secrets,
			uint8_t sealed[static PASSWORDS][SEALED_PASSWORD], struct fault *fault)
{
	struct system_secrets copy = *secrets;
	char *fields[PASSWORDS];
	int rc = 0;

	password_fields(&copy, fields);
	for (int i = 0; !rc && i < PASSWORDS; i++) {
		place.column = password_columns[i];
		rc = keymap_seal_text(m, s, at + i, &place, fields[i], PASSWORD_MAX, sealed[i],
				      fault);
	}
	secret_wipe(&copy, sizeof(copy));
	if (rc)
		sql_done(s);
	return rc;
}

int keymap_system_secrets(struct keymap *m, const struct uuid *uuid, struct system_secrets *out,
			  struct fault *fault)
{
	struct sql_statement *s;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = sql_statement(m->db, "SELECT admin_password, next_admin_password, mebx_password,"
			   " next_mebx_password FROM csti_amts WHERE uuid = ?1", &s, fault);
	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	rc = sql_step(s, "read a system's passwords", fault);
	if (rc > 0)
		return open_passwords(m, s, keymap_place_uuid(NULL, uuid), out, fault);
	sql_done(s);
	return rc ? rc : no_system(uuid, fault);
}

/* ---- earlier passwords ---- */

#define EARLIER	"id, time, pid, next_pid, address, admin_user"

int keymap_earlier(struct keymap *m, const struct uuid *uuid,
		   int (*each)(void *context, const struct keymap_earlier *earlier), void *context,
		   struct fault *fault)
{
	struct keymap_earlier e;
	struct sql_statement *s = NULL;
	int rc, stop = 0;

	rc = sql_prepare(m->db, "SELECT " EARLIER " FROM csti_amts_history WHERE uuid = ?1"
			 " ORDER BY id DESC", &s, fault);
	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	while ((rc = sql_step(s, "list earlier passwords", fault)) > 0) {
		memset(&e, 0, sizeof(e));
		e.uuid = *uuid;
		e.id = sql_int(s, 0);
		e.time = sql_int(s, 1);
		get_text(s, 2, e.pid, sizeof(e.pid));
		get_text(s, 3, e.next_pid, sizeof(e.next_pid));
		get_text(s, 4, e.address, sizeof(e.address));
		get_text(s, 5, e.admin_user, sizeof(e.admin_user));
		stop = each(context, &e);
		if (stop)
			break;
	}
	sql_free(&s);
	return stop ? stop : rc;
}

int keymap_earlier_secrets(struct keymap *m, const struct keymap_earlier *e,
			   struct system_secrets *out, struct fault *fault)
{
	const struct earlier_row row = keymap_earlier_row(&e->uuid, e->id, e->pid);
	struct sql_statement *s;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = sql_statement(m->db, "SELECT admin_password, next_admin_password, mebx_password,"
			   " next_mebx_password FROM csti_amts_history WHERE id = ?1", &s, fault);
	if (rc)
		return rc;
	sql_bind_int(s, 1, e->id);
	rc = sql_step(s, "read earlier passwords", fault);
	if (rc > 0)
		return open_passwords(m, s, keymap_place_earlier(NULL, &row), out, fault);
	sql_done(s);
	return rc ? rc : fault_set(fault, KIT_ERR_NOT_FOUND, "these earlier passwords are not kept"
				   " any more");
}

struct newest {
	const char *pid;
	struct keymap_earlier *out;
};

static int take_newest(void *context, const struct keymap_earlier *e)
{
	struct newest *n = context;

	if (strcmp(e->pid, n->pid) != 0)
		return 0;
	*n->out = *e;
	return 1;
}

int keymap_earlier_find(struct keymap *m, const struct uuid *uuid, const char *pid,
			struct keymap_earlier *out, struct fault *fault)
{
	struct newest n = { pid, out };
	int rc = keymap_earlier(m, uuid, take_newest, &n, fault);

	return rc > 0 ? 0 : rc < 0 ? rc : KIT_ERR_NOT_FOUND;
}

static int next_id(struct keymap *m, int64_t *id, struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, "SELECT coalesce(max(id), 0) + 1 FROM"
				      " csti_amts_history", &s, fault);

	if (rc)
		return rc;
	rc = sql_step(s, "keep earlier passwords", fault);
	if (rc > 0)
		*id = sql_int(s, 0);
	sql_done(s);
	return rc < 0 ? rc : 0;
}

static int insert_earlier(struct keymap *m, const struct keymap_earlier *e,
		  const struct system_secrets *secrets, struct fault *fault)
{
	const struct earlier_row row = keymap_earlier_row(&e->uuid, e->id, e->pid);
	uint8_t sealed[PASSWORDS][SEALED_PASSWORD];
	struct sql_statement *s;
	int rc;

	rc = sql_statement(m->db, "INSERT INTO csti_amts_history(" EARLIER ", uuid, admin_password,"
			   " next_admin_password, mebx_password, next_mebx_password)"
			   " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)", &s, fault);
	if (!rc)
		rc = bind_secrets(m, s, 8, keymap_place_earlier(NULL, &row), secrets, sealed,
				  fault);
	if (rc)
		return rc;
	sql_bind_int(s, 1, e->id);
	sql_bind_int(s, 2, e->time);
	bind_text(s, 3, e->pid);
	bind_text(s, 4, e->next_pid);
	bind_text(s, 5, e->address);
	bind_text(s, 6, e->admin_user);
	bind_uuid(s, 7, &e->uuid);
	return sql_run(s, "keep earlier passwords", NULL, fault);
}

/* Is the very same among those kept of this machine and key? Then once is enough. */
struct same {
	struct keymap *m;
	const struct keymap_earlier *e;
	const struct system_secrets *secrets;
	struct fault *fault;
};

/* Returns 1 for the same, 0 to look on. */
static int is_same(void *context, const struct keymap_earlier *kept)
{
	struct same *s = context;
	struct system_secrets old;
	int rc;

	if (strcmp(kept->pid, s->e->pid) != 0 || strcmp(kept->next_pid, s->e->next_pid) != 0 ||
	    strcmp(kept->admin_user, s->e->admin_user) != 0)
		return 0;
	rc = keymap_earlier_secrets(s->m, kept, &old, s->fault);
	if (!rc)
		rc = secret_equal(&old, s->secrets, sizeof(old));
	secret_wipe(&old, sizeof(old));
	return rc;
}

static bool holds_any(const struct system_secrets *s)
{
	return *s->admin_password || *s->next_admin_password || *s->mebx_password ||
	       *s->next_mebx_password;
}

/*
 * Keep SECRETS, which the machine's row holds, among its earlier ones, with the PID and the
 * account that the row names; not a second time.
 */
static int keep_secrets(struct keymap *m, const struct uuid *uuid,
			const struct system_secrets *secrets, int64_t now, struct fault *fault)
{
	struct keymap_earlier e = { .uuid = *uuid, .time = now };
	struct system system;
	struct same same = { m, &e, secrets, fault };
	int rc = keymap_system_find(m, uuid, &system, fault);

	if (!rc && !holds_any(secrets) && !*system.next_pid)
		return 0;
	if (rc)
		return rc;
	memcpy(e.pid, system.pid, sizeof(e.pid));
	memcpy(e.next_pid, system.next_pid, sizeof(e.next_pid));
	memcpy(e.address, system.address, sizeof(e.address));
	memcpy(e.admin_user, system.admin_user, sizeof(e.admin_user));
	rc = keymap_earlier(m, uuid, is_same, &same, fault);
	if (rc)
		return rc < 0 ? rc : 0;
	rc = next_id(m, &e.id, fault);
	return rc ? rc : insert_earlier(m, &e, secrets, fault);
}

static int forget_earlier(struct keymap *m, const struct uuid *uuid, struct fault *fault)
{
	return keymap_forget_of(m, "DELETE FROM csti_amts_history WHERE uuid = ?1", uuid,
				"forget earlier passwords", fault);
}

/* Is PASSWORD, which the row holds, none of its NEW ones? */
static bool is_lost(const char *password, const struct system_secrets *new)
{
	return *password && strcmp(password, new->admin_password) != 0 &&
	       strcmp(password, new->next_admin_password) != 0 &&
	       strcmp(password, new->mebx_password) != 0 &&
	       strcmp(password, new->next_mebx_password) != 0;
}

/* What is about to be overwritten by the NEW ones may be the only copy there is. */
static int keep_old(struct keymap *m, const struct uuid *uuid, const struct system_secrets *new,
		    struct fault *fault)
{
	struct system_secrets old;
	char *olds[PASSWORDS];
	bool lost = false;
	int rc = keymap_system_secrets(m, uuid, &old, fault);

	password_fields(&old, olds);
	for (int i = 0; !rc && i < PASSWORDS; i++)
		lost |= is_lost(olds[i], new);
	if (lost)
		rc = keep_secrets(m, uuid, &old, clock_now(), fault);
	secret_wipe(&old, sizeof(old));
	return rc;
}

int keymap_system_set_secrets(struct keymap *m, const struct uuid *uuid,
			      const struct system_secrets *secrets, struct fault *fault)
{
	uint8_t sealed[PASSWORDS][SEALED_PASSWORD];
	struct sql_statement *s;
	bool own;
	int rc;

	rc = keymap_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = keep_old(m, uuid, secrets, fault);
	if (!rc)
		rc = sql_statement(m->db, "UPDATE csti_amts SET admin_password = ?2,"
					  " next_admin_password = ?3,"
				   " mebx_password = ?4, next_mebx_password = ?5 WHERE uuid = ?1",
				   &s, fault);
	if (!rc)
		rc = bind_secrets(m, s, 2, keymap_place_uuid(NULL, uuid), secrets, sealed, fault);
	if (!rc)
		rc = update_row(s, uuid, "keep a system's passwords", fault);
	return keymap_leave(m, own, rc, fault);
}

/* ---- proving ---- */

/*
 * Another key has the row from now on: what it held goes to the earlier ones, and what was
 * kept of the other key when it lost the row comes back.
 */
static int change_hands(struct keymap *m, const struct system *row, const char *pid, int64_t now,
			struct fault *fault)
{
	struct keymap_earlier earlier = { .id = 0 };
	const struct keymap_facts facts = { .admin_user = earlier.admin_user,
					    .next_pid = earlier.next_pid };
	struct system_secrets secrets;
	int rc = keymap_system_secrets(m, &row->uuid, &secrets, fault);

	if (!rc)
		rc = keep_secrets(m, &row->uuid, &secrets, now, fault);
	secret_wipe(&secrets, sizeof(secrets));
	if (!rc)
		rc = keymap_earlier_find(m, &row->uuid, pid, &earlier, fault);
	if (!rc)
		rc = keymap_earlier_secrets(m, &earlier, &secrets, fault);
	else if (rc == KIT_ERR_NOT_FOUND)
		rc = 0;
	if (!rc)
		rc = keymap_system_set_secrets(m, &row->uuid, &secrets, fault);
	secret_wipe(&secrets, sizeof(secrets));
	return rc ? rc : keymap_system_facts(m, &row->uuid, &facts, fault);
}

int keymap_system_prove(struct keymap *m, const struct uuid *uuid, const char *pid,
			const char *address, int64_t now, struct system *before,
			bool *changed_hands, struct fault *fault)
{
	bool own;
	int rc;

	rc = keymap_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = keymap_system_find(m, uuid, before, fault);
	*changed_hands = !rc && system_is_held_by_other(before, pid);
	if (*changed_hands)
		rc = change_hands(m, before, pid, now, fault);
	if (!rc)
		rc = change(m, "UPDATE csti_amts SET proved_at = ?4, state = 1, reason = NULL,"
			    " reason_code = NULL, credential = 0, proof = 1,"
			    " next_try = 0, pid = ?2, address = ?3, claim_failed_at = 0,"
			    " claimed_pid = CASE WHEN claimed_pid = ?2 AND claimed_address = ?3"
			    " THEN NULL ELSE claimed_pid END, claimed_address ="
			    " CASE WHEN claimed_pid = ?2 AND claimed_address = ?3"
			    " THEN NULL ELSE claimed_address END WHERE uuid = ?1",
			    uuid, pid, address, now, fault);
	_Static_assert(SYSTEM_IN_SETUP == 1 && SYSTEM_BY_KEY == 0 && SYSTEM_PROOF_PPS == 1,
		       "numbers in the SQL above");
	/* Whoever else said to be it was not. */
	if (!rc && before->proved_at == 0)
		rc = forget_claims(m, uuid, fault);
	if (!rc)
		rc = keymap_rivals_end(m, pid, fault);
	return keymap_leave(m, own, rc, fault);
}

int keymap_system_certified(struct keymap *m, const struct uuid *uuid, const char *address,
			    enum system_proof proof, struct system *before, struct fault *fault)
{
	bool own;
	int rc;

	rc = keymap_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = keymap_system_find(m, uuid, before, fault);
	if (rc == KIT_ERR_NOT_FOUND)
		rc = no_system(uuid, fault);
	if (!rc)
		rc = change(m, "UPDATE csti_amts SET credential = 1, proof = ?4, state = 1,"
			    " reason = NULL, reason_code = NULL, next_try = 0, address = ?3,"
			    " claim_failed_at = 0, claimed_pid = CASE WHEN claimed_address = ?3"
			    " THEN NULL ELSE claimed_pid END, claimed_address = CASE WHEN"
			    " claimed_address = ?3 THEN NULL ELSE claimed_address END"
			    " WHERE uuid = ?1", uuid, NULL, address, proof, fault);
	_Static_assert(SYSTEM_IN_SETUP == 1 && SYSTEM_BY_CERTIFICATE == 1,
		       "numbers in the SQL above");
	return keymap_leave(m, own, rc, fault);
}

/* ---- many ---- */

#define KNOWN	"(proved_at > 0 OR configured_at > 0 OR EXISTS" \
		" (SELECT 1 FROM inventory i WHERE i.uuid = csti_amts.uuid))"

static const char *const trust_terms[] = {
	[TRUST_ANY] = "", [TRUST_KNOWN] = " AND " KNOWN,
	[TRUST_UNTRIED] = " AND failures = 0 AND NOT " KNOWN,
	[TRUST_DOUBTFUL] = " AND failures > 0 AND NOT " KNOWN,
};

int keymap_systems(struct keymap *m, const struct keymap_system_filter *f,
		   int (*each)(void *context, const struct system *system), void *context,
		   struct fault *fault)
{
	struct system system;
	struct sql_statement *s = NULL;
	char sql[800];
	int rc, stop = 0;

	snprintf(sql, sizeof(sql),
		 "SELECT " COLUMNS " FROM csti_amts WHERE true%s%s%s%s%s ORDER BY %s"
		 " LIMIT ?5",
		 f->by_state ? " AND state = ?1" : "",
		 f->due ? " AND next_try > 0 AND next_try <= ?2" : "",
		 f->pid ? " AND pid = ?3" : "",
		 f->certificate_before ? " AND certificate_expiry > 0 AND certificate_expiry < ?4"
				       : "",
		 trust_terms[f->trust],
		 !f->due ? "id" : f->newest ? "last_seen DESC, id DESC" : "next_try, id");
	rc = sql_prepare(m->db, sql, &s, fault);
	if (rc)
		return rc;
	sql_bind_int(s, 1, f->state);
	sql_bind_int(s, 2, f->due);
	bind_pid(s, 3, f->pid);
	sql_bind_int(s, 4, f->certificate_before);
	sql_bind_int(s, 5, f->limit ? (int64_t)f->limit : INT64_MAX);
	while ((rc = sql_step(s, "list the systems", fault)) > 0) {
		read_system(s, &system);
		stop = each(context, &system);
		if (stop)
			break;
	}
	sql_free(&s);
	return stop ? stop : rc;
}

int keymap_system_next_due(struct keymap *m, int64_t after, int64_t *due, struct fault *fault)
{
	struct sql_statement *s;
	int rc;

	*due = 0;
	rc = sql_statement(m->db, "SELECT next_try FROM csti_amts WHERE next_try > 0 AND next_try"
				  " > ?1"
			   " ORDER BY next_try LIMIT 1", &s, fault);
	if (rc)
		return rc;
	sql_bind_int(s, 1, after);
	rc = sql_step(s, "see what is due", fault);
	if (rc > 0)
		*due = sql_int(s, 0);
	sql_done(s);
	return rc < 0 ? rc : 0;
}

int keymap_system_end_waits(struct keymap *m, int64_t now, int64_t longest, size_t *n,
			    struct fault *fault)
{
	struct sql_statement *s;
	int64_t last = 0;
	int rc, changed = 0;

	*n = 0;
	rc = sql_statement(m->db, "SELECT max(next_try) FROM csti_amts WHERE next_try > 0", &s,
			   fault);
	if (rc)
		return rc;
	rc = sql_step(s, "see what is due last", fault);
	if (rc > 0)
		last = sql_int(s, 0);
	sql_done(s);
	if (rc < 0 || !clock_was_wrong(last, now, longest))
		return rc < 0 ? rc : 0;
	rc = sql_statement(m->db, "UPDATE csti_amts SET next_try = ?1 WHERE next_try > ?2", &s,
			   fault);
	if (rc)
		return rc;
	sql_bind_int(s, 1, now);
	sql_bind_int(s, 2, now + longest);
	rc = sql_run(s, "end waits that a wrong clock began", &changed, fault);
	*n = (size_t)changed;
	return rc;
}

int keymap_system_strangers(struct keymap *m, uint64_t *n, struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, "SELECT count(*) FROM csti_amts WHERE proved_at = 0"
			       " AND configured_at = 0 AND (state = ?1 OR (credential = 1 AND"
			       " vouched = 0 AND NOT EXISTS (SELECT 1 FROM inventory i"
			       " WHERE i.uuid = csti_amts.uuid)))", &s, fault);

	*n = 0;
	if (rc)
		return rc;
	sql_bind_int(s, 1, SYSTEM_REFUSED);
	rc = sql_step(s, "count who has proved nothing", fault);
	if (rc > 0)
		*n = (uint64_t)sql_int(s, 0);
	sql_done(s);
	return rc < 0 ? rc : 0;
}

int keymap_system_count(struct keymap *m, uint64_t *out, struct fault *fault)
{
	struct sql_statement *s;
	int rc;

	memset(out, 0, SYSTEM_STATES * sizeof(*out));
	rc = sql_statement(m->db, "SELECT state, count(*) FROM csti_amts GROUP BY 1", &s, fault);
	if (rc)
		return rc;
	while ((rc = sql_step(s, "count the systems", fault)) > 0) {
		int state = (int)sql_int(s, 0);

		if (state >= 0 && state < SYSTEM_STATES)
			out[state] = (uint64_t)sql_int(s, 1);
	}
	sql_done(s);
	return rc;
}

int keymap_system_count_proofs(struct keymap *m, uint64_t out[static 2][SYSTEM_PROOFS],
			       struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, "SELECT credential, proof, count(*) FROM csti_amts"
			       " WHERE configured_at > 0 GROUP BY 1, 2", &s, fault);

	memset(out, 0, 2 * sizeof(*out));
	if (rc)
		return rc;
	while ((rc = sql_step(s, "count what proved the systems", fault)) > 0) {
		int64_t by = sql_int(s, 0), proof = sql_int(s, 1);

		if (by >= 0 && by < 2 && proof >= 0 && proof < SYSTEM_PROOFS)
			out[by][proof] = (uint64_t)sql_int(s, 2);
	}
	sql_done(s);
	return rc;
}

int keymap_system_contested(struct keymap *m, const struct uuid *uuid, bool *contested,
			    struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, "SELECT 1 FROM claim WHERE uuid = ?1 LIMIT 1", &s, fault);

	*contested = false;
	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	rc = sql_step(s, "look claims up", fault);
	*contested = rc > 0;
	sql_done(s);
	return rc < 0 ? rc : 0;
}

int keymap_system_claims(struct keymap *m, const struct uuid *uuid, int64_t now,
			 struct keymap_claim_row *out, size_t max, size_t *n, struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, "SELECT pid, address, failures, next_try FROM claim"
			       " WHERE uuid = ?1 AND pid IS NOT NULL AND (failures = 0 OR"
			       " (next_try > 0 AND next_try <= ?2)) ORDER BY"
			       " CASE WHEN failures = 0 THEN 0 ELSE next_try END, id LIMIT ?3", &s,
			       fault);

	*n = 0;
	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	sql_bind_int(s, 2, now);
	sql_bind_int(s, 3, (int64_t)max);
	while (*n < max && (rc = sql_step(s, "look claims up", fault)) > 0) {
		struct keymap_claim_row *row = &out[(*n)++];

		get_text(s, 0, row->pid, sizeof(row->pid));
		get_text(s, 1, row->address, sizeof(row->address));
		row->failures = (uint32_t)sql_int(s, 2);
		row->next_try = sql_int(s, 3);
	}
	sql_done(s);
	return rc < 0 ? rc : 0;
}

int keymap_system_claim_failed(struct keymap *m, const struct uuid *uuid,
			       const struct keymap_claim_row *row, struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, "UPDATE claim SET failures = ?3, next_try = ?4"
			       " WHERE uuid = ?1 AND address = ?2", &s, fault);

	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	bind_text(s, 2, row->address);
	sql_bind_int(s, 3, row->failures);
	sql_bind_int(s, 4, row->next_try);
	return sql_run(s, "note a claim", NULL, fault);
}

/* The claim that is called next: those not tried yet in their order, then what is due soonest. */
static int next_claim(struct keymap *m, const struct uuid *uuid, struct system *row, bool *any,
		      struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, "SELECT pid, address, failures, next_try FROM claim"
			       " WHERE uuid = ?1 AND (failures = 0 OR next_try > 0) ORDER BY"
			       " CASE WHEN failures = 0 THEN 0 ELSE next_try END, id LIMIT 1", &s,
			       fault);

	*any = false;
	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	rc = sql_step(s, "look claims up", fault);
	if (rc > 0) {
		*any = true;
		get_text(s, 0, row->pid, sizeof(row->pid));
		get_text(s, 1, row->address, sizeof(row->address));
		row->failures = (uint32_t)sql_int(s, 2);
		row->next_try = sql_int(s, 3);
	}
	sql_done(s);
	return rc < 0 ? rc : 0;
}

/* Have the row say WHERE it is called next; the claim has its turn, and goes. */
static int take_claim(struct keymap *m, const struct system *where, struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, "UPDATE csti_amts SET pid = ?2, address = ?3, failures = ?4,"
			       " next_try = ?5, credential = CASE WHEN ?2 IS NULL THEN 1 ELSE 0 END"
			       " WHERE uuid = ?1", &s, fault);

	if (rc)
		return rc;
	bind_pid(s, 2, where->pid);
	bind_text(s, 3, where->address);
	sql_bind_int(s, 4, where->failures);
	sql_bind_int(s, 5, where->next_try);
	rc = update_row(s, &where->uuid, "change where a system is called", fault);
	if (!rc)
		rc = sql_statement(m->db, "DELETE FROM claim WHERE uuid = ?1 AND address = ?2", &s,
				   fault);
	if (rc)
		return rc;
	bind_uuid(s, 1, &where->uuid);
	bind_text(s, 2, where->address);
	return sql_run(s, "take a claim", NULL, fault);
}

int keymap_system_next_claim(struct keymap *m, const struct uuid *uuid, int64_t now,
			     int64_t *next_try, struct fault *fault)
{
	struct system row;
	bool own, contested, any = false;
	int rc = keymap_enter(m, &own, fault);

	if (rc)
		return rc;
	rc = keymap_system_contested(m, uuid, &contested, fault);
	if (rc || !contested)
		goto out;
	rc = keymap_system_find(m, uuid, &row, fault);
	if (rc == KIT_ERR_NOT_FOUND)
		rc = no_system(uuid, fault);
	if (!rc)
		rc = write_claim(m, uuid, row.address, row.pid, row.failures ? row.failures : 1,
				 *next_try, fault);
	if (!rc)
		rc = next_claim(m, uuid, &row, &any, fault);
	if (rc || !any)
		goto out;
	if (row.failures == 0)
		row.next_try = now;
	*next_try = row.next_try;
	rc = take_claim(m, &row, fault);
out:
	return keymap_leave(m, own, rc, fault);
}

/* ---- what an operator does ---- */

/* A machine that waits for a person's permission is not set up because it is to be tried again. */
static int refuse_retry(const struct system *row, struct fault *fault)
{
	char shown[UUID_SHOWN + 1];

	uuid_show(&row->uuid, shown);
	return fault_set(fault, KIT_ERR_STATE, "machine %s needs permission to be set up by "
			 "certificate\n"
			 "if it is yours: amt-provisionctl systems allow-setup %s", shown, shown);
}

int keymap_system_retry(struct keymap *m, const struct uuid *uuid, int64_t now,
			struct fault *fault)
{
	struct system row;
	bool own;
	int rc;

	rc = keymap_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = keymap_system_find(m, uuid, &row, fault);
	if (rc == KIT_ERR_NOT_FOUND)
		rc = no_system(uuid, fault);
	else if (!rc && system_by_certificate(&row) && !row.vouched &&
		 (system_waits_for_person(&row) || system_is_set_up(&row)))
		rc = refuse_retry(&row, fault);
	/* What is set up stays so until the machine has proved itself again. */
	else if (!rc && system_is_set_up(&row))
		rc = change(m, "UPDATE csti_amts SET next_try = ?4, failures = 0 WHERE uuid = ?1",
			    uuid, NULL, NULL, now, fault);
	else if (!rc)
		rc = accept(m, &row, now, fault);
	if (!rc)
		rc = keymap_talk_look_again(m, uuid, now, fault);
	return keymap_leave(m, own, rc, fault);
}

/*
 * What a forgotten machine held: its reservation goes back; the fresh pair of a re-key, which
 * it may have got, is for nobody else. Pairs that are not in the map do not matter.
 */
static int give_keys_back(struct keymap *m, const struct system *system, struct fault *fault)
{
	const char *pids[] = { system->pid, system->claimed_pid };
	struct fault why = { 0 };
	int rc = 0;

	if (system->next_pid[0])
		rc = keymap_revoke(m, system->next_pid, system->last_seen, &why);
	for (int i = 0; i < 2; i++) {
		if ((rc && rc != KIT_ERR_NOT_FOUND) || !*pids[i])
			continue;
		fault_clear(&why);
		rc = keymap_release(m, pids[i], &system->uuid, &why);
	}
	return !rc || rc == KIT_ERR_NOT_FOUND ? 0 : fault_pass(fault, &why);
}

int keymap_system_forget(struct keymap *m, const struct uuid *uuid, struct fault *fault)
{
	struct system system;
	struct sql_statement *s;
	bool own;
	int rc;

	rc = keymap_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = keymap_system_find(m, uuid, &system, fault);
	if (rc == KIT_ERR_NOT_FOUND)
		rc = no_system(uuid, fault);
	if (!rc)
		rc = give_keys_back(m, &system, fault);
	if (!rc)
		rc = forget_earlier(m, uuid, fault);
	if (!rc)
		rc = keymap_talk_forget(m, uuid, fault);
	if (!rc)
		rc = forget_claims(m, uuid, fault);
	if (!rc)
		rc = keymap_digests_forget(m, uuid, fault);
	if (!rc)
		rc = sql_statement(m->db, "DELETE FROM csti_amts WHERE uuid = ?1", &s, fault);
	if (!rc)
		rc = update_row(s, uuid, "forget a system", fault);
	return keymap_leave(m, own, rc, fault);
}
