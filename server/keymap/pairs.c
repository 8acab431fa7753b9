/* The pairs of the key map: adding, finding, reserving, proving, revoking (csti_pid_map). */
#include "server/keymap/pairs.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/secret.h"
#include "server/keymap/keymap-private.h"
#include "server/keymap/systems.h"

static const char *const words[KEYMAP_STATES] = {
	[KEYMAP_FREE] = "free",
	[KEYMAP_USED] = "used",
	[KEYMAP_RESERVED] = "reserved",
	[KEYMAP_REVOKED] = "revoked",
};

const char *keymap_state_word(enum keymap_state state)
{
	return (unsigned)state < KEYMAP_STATES ? words[state] : "unknown";
}

int keymap_state_parse(const char *word, enum keymap_state *out)
{
	int at = word_at(words, KEYMAP_STATES, word);

	if (at < 0)
		return KIT_ERR_ARGUMENT;
	*out = (enum keymap_state)at;
	return 0;
}

/* ---- one row ---- */

#define COLUMNS	"p.id, p.pid, p.used, coalesce(r.uuid, p.uuid), r.at, r.until, p.used_at," \
		" p.revoked_at, p.current_password IS NOT NULL, p.admin_password IS NOT NULL," \
		" p.batch, p.exported"
#define PAIRS	" FROM csti_pid_map p LEFT JOIN reservation r ON r.pid_id = p.id"
#define BATCHES	", b.time, b.how || ' ' || b.source, x.time, x.how || ' ' || x.source"
#define JOIN	PAIRS " LEFT JOIN batch b ON b.id = p.batch" \
		" LEFT JOIN batch x ON x.id = p.exported"

static void read_pair(struct sql_statement *s, int64_t now, bool batches, struct keymap_pair *out)
{
	memset(out, 0, sizeof(*out));
	out->id = sql_int(s, 0);
	get_text(s, 1, out->pid, sizeof(out->pid));
	out->state = (enum keymap_state)sql_int(s, 2);
	out->has_uuid = get_uuid(s, 3, &out->uuid);
	out->reserved_at = sql_int(s, 4);
	out->reserved_until = sql_int(s, 5);
	out->used_at = sql_int(s, 6);
	out->revoked_at = sql_int(s, 7);
	out->has_current = (int)sql_int(s, 8);
	out->has_new = (int)sql_int(s, 9);
	out->batch = sql_int(s, 10);
	out->exported = sql_int(s, 11);
	if (out->state == KEYMAP_FREE && out->reserved_until > now)
		out->state = KEYMAP_RESERVED;
	else if (out->state == KEYMAP_FREE && out->reserved_until)
		out->lapsed = true;
	if (!batches)
		return;
	out->made_at = sql_int(s, 12);
	get_text(s, 13, out->made_by, sizeof(out->made_by));
	out->exported_at = sql_int(s, 14);
	get_text(s, 15, out->exported_to, sizeof(out->exported_to));
}

static int find(struct keymap *m, const char *pid, int64_t now, bool batches,
		struct keymap_pair *out, struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, batches
			       ? "SELECT " COLUMNS BATCHES JOIN " WHERE p.pid = ?1"
			       : "SELECT " COLUMNS PAIRS " WHERE p.pid = ?1", &s, fault);

	if (rc)
		return rc;
	bind_pid(s, 1, pid);
	rc = sql_step(s, "look a PID up", fault);
	if (rc > 0)
		read_pair(s, now, batches, out);
	return row_found(s, rc);
}

int keymap_find(struct keymap *m, const char *pid, int64_t now, struct keymap_pair *out,
		struct fault *fault)
{
	return find(m, pid, now, true, out, fault);
}

/* The same without the batches' names: the hello's one look-up. */
static int find_quickly(struct keymap *m, const char *pid, int64_t now, struct keymap_pair *out,
			struct fault *fault)
{
	return find(m, pid, now, false, out, fault);
}

/* ---- adding ---- */

/* Run an insert with RETURNING id. *id receives 0 when nothing was inserted. */
static int run_for_id(struct sql_statement *s, const char *what, int64_t *id, struct fault *fault)
{
	int rc = sql_step(s, what, fault);

	*id = rc > 0 ? sql_int(s, 0) : 0;
	if (rc > 0)
		return sql_run(s, what, NULL, fault);
	sql_done(s);
	return rc;
}

int keymap_batch(struct keymap *m, const char *how, const char *source, int64_t now,
		 int64_t *batch, struct fault *fault)
{
	struct sql_statement *s;
	bool own;
	int rc;

	rc = keymap_write(m, "INSERT INTO batch(time, how, source) VALUES(?1, ?2, ?3) RETURNING id",
			  &s, &own, fault);
	if (rc)
		return rc;
	sql_bind_int(s, 1, now);
	sql_bind_text(s, 2, how, strlen(how));
	sql_bind_text(s, 3, source, strlen(source));
	rc = run_for_id(s, "note a batch", batch, fault);
	return keymap_leave(m, own, rc, fault);
}

int keymap_secrets(struct keymap *m, const char *pid, struct keyentry *out, struct fault *fault)
{
	char own[PID_LENGTH + 1] = "";
	struct seal_place pps = keymap_place_pid("pps", own);
	struct seal_place current = keymap_place_pid("current_password", own);
	struct seal_place fresh = keymap_place_pid("admin_password", own);
	struct sql_statement *s;
	int rc;

	/* PID may well be a part of *OUT. */
	memcpy(own, pid, PID_LENGTH);
	memset(out, 0, sizeof(*out));
	rc = sql_statement(m->db, "SELECT pps, current_password, admin_password, used FROM"
				  " csti_pid_map"
			   " WHERE pid = ?1", &s, fault);
	if (rc)
		return rc;
	bind_pid(s, 1, own);
	rc = sql_step(s, "look a PID up", fault);
	if (rc == 0)
		rc = fault_set(fault, KIT_ERR_NOT_FOUND, "PID %.4s-%.4s is not in the key map", own,
			       own + 4);
	if (rc > 0)
		rc = keymap_unseal_text(m, s, 0, &pps, PPS_LENGTH, out->pair.pps, fault);
	if (!rc)
		rc = keymap_unseal_text(m, s, 1, &current, PASSWORD_MAX, out->current_password,
					fault);
	if (!rc)
		rc = keymap_unseal_text(m, s, 2, &fresh, PASSWORD_MAX, out->new_password, fault);
	if (rc) {
		secret_wipe(out, sizeof(*out));
		if (rc != KIT_ERR_NOT_FOUND)
			fault_context(fault, "PID %.4s-%.4s", own, own + 4);
	} else {
		memcpy(out->pair.pid, own, PID_LENGTH);
		out->used = (int)sql_int(s, 3) == KEYMAP_USED;
	}
	sql_done(s);
	return rc;
}

/* Seal the passwords of ENTRY and bind them as parameters AT and AT + 1. */
static int bind_passwords(struct keymap *m, struct sql_statement *s, int at,
			  const struct keyentry *entry,
			  uint8_t sealed[static 2 * SEALED_PASSWORD], struct fault *fault)
{
	struct seal_place place = keymap_place_pid("current_password", entry->pair.pid);
	int rc;

	rc = keymap_seal_text(m, s, at, &place, entry->current_password, PASSWORD_MAX, sealed,
			      fault);
	place = keymap_place_pid("admin_password", entry->pair.pid);
	if (!rc)
		rc = keymap_seal_text(m, s, at + 1, &place, entry->new_password, PASSWORD_MAX,
				      sealed + SEALED_PASSWORD, fault);
	return rc;
}

/* The PID is in the map: with the same PPS, and with the same passwords? */
static int compare(struct keymap *m, const struct keyentry *entry, enum keymap_added *added,
		   struct fault *fault)
{
	uint8_t sealed[2 * SEALED_PASSWORD];
	struct keyentry have;
	bool current_gap, new_gap;
	struct sql_statement *s;
	int rc;

	rc = keymap_secrets(m, entry->pair.pid, &have, fault);
	if (rc)
		return rc;
	if (!secret_equal(have.pair.pps, entry->pair.pps, PPS_LENGTH)) {
		rc = KIT_ERR_DUPLICATE;
		goto out;
	}
	current_gap = !have.current_password[0] && entry->current_password[0];
	new_gap = !have.new_password[0] && entry->new_password[0];
	*added = KEYMAP_SAME;
	if ((entry->current_password[0] && !current_gap &&
	     strcmp(have.current_password, entry->current_password) != 0) ||
	    (entry->new_password[0] && !new_gap &&
	     strcmp(have.new_password, entry->new_password) != 0))
		*added = KEYMAP_DIFFERS;
	if (!current_gap && !new_gap)
		goto out;
	rc = sql_statement(m->db, "UPDATE csti_pid_map SET"
			   " current_password = coalesce(current_password, ?2),"
			   " admin_password = coalesce(admin_password, ?3) WHERE pid = ?1",
			   &s, fault);
	if (rc)
		goto out;
	bind_pid(s, 1, entry->pair.pid);
	rc = bind_passwords(m, s, 2, entry, sealed, fault);
	if (rc) {
		sql_done(s);
		goto out;
	}
	rc = sql_run(s, "fill a password in", NULL, fault);
	if (!rc && *added == KEYMAP_SAME)
		*added = KEYMAP_COMPLETED;
out:
	secret_wipe(&have, sizeof(have));
	return rc;
}

/* *id receives that of the new row, 0 when the PID was there. */
static int insert(struct keymap *m, const struct keyentry *entry, int64_t batch, int64_t *id,
		  struct fault *fault)
{
	uint8_t pps[SEALED_PPS], passwords[2 * SEALED_PASSWORD];
	const struct seal_place place = keymap_place_pid("pps", entry->pair.pid);
	struct sql_statement *s;
	int rc;

	rc = sql_statement(m->db, "INSERT INTO csti_pid_map(pid, pps, current_password,"
			   " admin_password, used, batch) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
			   " ON CONFLICT(pid) DO NOTHING RETURNING id", &s, fault);
	if (rc)
		return rc;
	bind_pid(s, 1, entry->pair.pid);
	rc = keymap_seal_text(m, s, 2, &place, entry->pair.pps, PPS_LENGTH, pps, fault);
	if (!rc)
		rc = bind_passwords(m, s, 3, entry, passwords, fault);
	if (rc) {
		sql_done(s);
		return rc;
	}
	sql_bind_int(s, 5, entry->used ? KEYMAP_USED : KEYMAP_FREE);
	sql_bind_int(s, 6, batch);
	return run_for_id(s, "add a pair", id, fault);
}

/* A machine has it from the file that it comes from: it must not go out a second time. */
static int mark_consumed(struct keymap *m, const char *pid, int64_t batch, struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, "UPDATE csti_pid_map SET exported = ?1"
			       " WHERE pid = ?2 AND exported IS NULL", &s, fault);

	if (rc)
		return rc;
	sql_bind_int(s, 1, batch);
	bind_pid(s, 2, pid);
	return sql_run(s, "mark a key exported", NULL, fault);
}

int keymap_add(struct keymap *m, const struct keyentry *entry, int64_t batch,
	       enum keymap_added *added, struct fault *fault)
{
	enum keymap_added unused;
	int64_t id;
	bool own;
	int rc;

	if (!added)
		added = &unused;
	rc = keymap_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = insert(m, entry, batch, &id, fault);
	*added = KEYMAP_ADDED;
	if (!rc && !id)
		rc = compare(m, entry, added, fault);
	if (!rc && entry->consumed)
		rc = mark_consumed(m, entry->pair.pid, batch, fault);
	return keymap_leave(m, own, rc, fault);
}

int keymap_mark_exported(struct keymap *m, int64_t id, int64_t batch, struct fault *fault)
{
	struct sql_statement *s;
	bool own;
	int rc;

	rc = keymap_write(m, "UPDATE csti_pid_map SET exported = ?1 WHERE id = ?2", &s, &own,
			  fault);
	if (rc)
		return rc;
	sql_bind_int(s, 1, batch);
	sql_bind_int(s, 2, id);
	rc = sql_run(s, "mark a key exported", NULL, fault);
	return keymap_leave(m, own, rc, fault);
}

/* ---- reserving and proving ---- */

/* Reserve the pair with the row ID, whoever had it. */
static int reserve(struct keymap *m, int64_t id, const struct uuid *uuid, int64_t at, int64_t until,
		   struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, "INSERT INTO reservation(pid_id, uuid, at, until)"
			       " VALUES(?1, ?2, ?3, ?4) ON CONFLICT(pid_id) DO UPDATE SET"
			       " uuid = excluded.uuid, at = excluded.at, until = excluded.until",
			       &s, fault);

	if (rc)
		return rc;
	sql_bind_int(s, 1, id);
	bind_uuid(s, 2, uuid);
	sql_bind_int(s, 3, at);
	sql_bind_int(s, 4, until);
	return sql_run(s, "reserve a key", NULL, fault);
}

static enum keymap_claim judge(const struct keymap_pair *p, const struct uuid *uuid)
{
	bool same = p->has_uuid && uuid_equal(&p->uuid, uuid);

	switch (p->state) {
	case KEYMAP_FREE:
		return KEYMAP_CLAIMED;
	case KEYMAP_RESERVED:
		return same ? KEYMAP_CLAIM_HELD : KEYMAP_CLAIM_RESERVED;
	case KEYMAP_USED:
		return same ? KEYMAP_CLAIM_PROVED : KEYMAP_CLAIM_USED;
	default:
		return KEYMAP_CLAIM_REVOKED;
	}
}

int keymap_reserve(struct keymap *m, const char *pid, const struct uuid *uuid, int64_t now,
		   unsigned seconds, enum keymap_claim *claim, struct keymap_pair *before,
		   struct fault *fault)
{
	struct keymap_pair pair;
	bool own;
	int rc;

	rc = keymap_enter_once(m, &own, fault);
	if (rc)
		return rc;
	rc = find_quickly(m, pid, now, &pair, fault);
	if (rc == KIT_ERR_NOT_FOUND) {
		*claim = KEYMAP_CLAIM_UNKNOWN;
		rc = 0;
		goto out;
	}
	if (rc)
		goto out;
	/* None is as long as that: it has lapsed. */
	if (pair.state == KEYMAP_RESERVED && pair.reserved_until != KEYMAP_NEVER &&
	    clock_was_wrong(pair.reserved_until, now, 2 * (int64_t)seconds))
		pair.state = KEYMAP_FREE;
	*claim = judge(&pair, uuid);
	if (before)
		*before = pair;
	if (*claim != KEYMAP_CLAIMED)
		goto out;
	rc = reserve(m, pair.id, uuid, now, now + seconds, fault);
out:
	return keymap_leave(m, own, rc, fault);
}

static int unreserve(struct keymap *m, int64_t id, struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, "DELETE FROM reservation WHERE pid_id = ?1", &s, fault);

	if (rc)
		return rc;
	sql_bind_int(s, 1, id);
	return sql_run(s, "give a key back", NULL, fault);
}

/* Make the pair ID used or revoked AT a time; what reservation there was is over. */
static int settle(struct keymap *m, const char *sql, int64_t id, enum keymap_state state,
		  int64_t at, const struct uuid *uuid, struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, sql, &s, fault);

	if (rc)
		return rc;
	sql_bind_int(s, 1, state);
	sql_bind_int(s, 2, at);
	if (uuid)
		bind_uuid(s, 3, uuid);
	sql_bind_int(s, 4, id);
	rc = sql_run(s, "change a key's state", NULL, fault);
	return rc ? rc : unreserve(m, id, fault);
}

#define USE	"UPDATE csti_pid_map SET used = ?1, used_at = ?2, uuid = ?3 WHERE id = ?4"

static int not_in_map(const char *pid, struct fault *fault)
{
	fault_set(fault, KIT_ERR_NOT_FOUND, "PID %.4s-%.4s is not in the key map\n"
		  "look it up with \"amt-provisionctl keys list\"", pid, pid + 4);
	return KIT_ERR_NOT_FOUND;
}

int keymap_use(struct keymap *m, const char *pid, const struct uuid *uuid, int64_t now,
	       bool *first, struct fault *fault)
{
	struct keymap_pair pair;
	enum keymap_claim claim;
	bool own;
	int rc;

	rc = keymap_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = find_quickly(m, pid, now, &pair, fault);
	if (rc == KIT_ERR_NOT_FOUND)
		rc = not_in_map(pid, fault);
	if (rc)
		goto out;
	claim = judge(&pair, uuid);
	if (first)
		*first = claim != KEYMAP_CLAIM_PROVED;
	if (claim == KEYMAP_CLAIM_USED)
		rc = fault_set(fault, KIT_ERR_STATE, "PID %.4s-%.4s is used by another machine",
			       pid, pid + 4);
	else if (claim == KEYMAP_CLAIM_REVOKED)
		rc = fault_set(fault, KIT_ERR_STATE, "PID %.4s-%.4s is revoked", pid, pid + 4);
	else if (claim != KEYMAP_CLAIM_PROVED)
		rc = settle(m, USE, pair.id, KEYMAP_USED, now, uuid, fault);
out:
	return keymap_leave(m, own, rc, fault);
}

int keymap_use_by(struct keymap *m, const char *pid, const struct uuid *from,
		  const struct uuid *to, int64_t now, struct fault *fault)
{
	struct keymap_pair pair;
	bool own;
	int rc;

	rc = keymap_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = find_quickly(m, pid, now, &pair, fault);
	if (rc == KIT_ERR_NOT_FOUND)
		rc = not_in_map(pid, fault);
	else if (!rc && judge(&pair, from) != KEYMAP_CLAIM_PROVED)
		rc = fault_set(fault, KIT_ERR_STATE, "PID %.4s-%.4s is not used by the machine "
			       "that claimed it", pid, pid + 4);
	else if (!rc)
		rc = settle(m, USE, pair.id, KEYMAP_USED, now, to, fault);
	return keymap_leave(m, own, rc, fault);
}

/* End a reservation of UUID: LAPSED, it is still known to have been one. */
static int end_reservation(struct keymap *m, const char *pid, const struct uuid *uuid, bool lapsed,
			   int64_t now, struct fault *fault)
{
	struct keymap_pair pair;
	bool own;
	int rc;

	rc = keymap_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = find_quickly(m, pid, 0, &pair, fault);
	if (rc == KIT_ERR_NOT_FOUND)
		rc = not_in_map(pid, fault);
	else if (!rc && pair.state == KEYMAP_RESERVED && pair.has_uuid &&
		 pair.reserved_until != KEYMAP_NEVER && uuid_equal(&pair.uuid, uuid))
		rc = lapsed ? reserve(m, pair.id, uuid, pair.reserved_at, now, fault)
		     : unreserve(m, pair.id, fault);
	return keymap_leave(m, own, rc, fault);
}

int keymap_release(struct keymap *m, const char *pid, const struct uuid *uuid,
		   struct fault *fault)
{
	return end_reservation(m, pid, uuid, false, 0, fault);
}

int keymap_lapse(struct keymap *m, const char *pid, const struct uuid *uuid, int64_t now,
		 struct fault *fault)
{
	return end_reservation(m, pid, uuid, true, now, fault);
}

int keymap_revoke(struct keymap *m, const char *pid, int64_t now, struct fault *fault)
{
	struct keymap_pair pair;
	bool own;
	int rc;

	rc = keymap_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = find_quickly(m, pid, now, &pair, fault);
	if (rc == KIT_ERR_NOT_FOUND)
		rc = not_in_map(pid, fault);
	else if (!rc && pair.state != KEYMAP_REVOKED)
		rc = settle(m, "UPDATE csti_pid_map SET used = ?1, revoked_at = ?2 WHERE id = ?4",
			    pair.id, KEYMAP_REVOKED, now, NULL, fault);
	return keymap_leave(m, own, rc, fault);
}

int keymap_add_rekey(struct keymap *m, const struct keyentry *entry, const struct uuid *uuid,
		     int64_t now, struct fault *fault)
{
	const struct keymap_facts facts = { .next_pid = entry->pair.pid };
	struct keymap_pair taken;
	struct system system;
	char shown[UUID_SHOWN + 1];
	int64_t batch = 0, id = 0;
	bool own;
	int rc;

	rc = keymap_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = keymap_system_find(m, uuid, &system, fault);
	uuid_show(uuid, shown);
	if (rc == KIT_ERR_NOT_FOUND)
		fault_set(fault, rc, "no system %s", shown);
	/* Even the same pair would be somebody else's: a fresh one is never in the map. */
	if (!rc) {
		rc = keymap_find(m, entry->pair.pid, now, &taken, fault);
		rc = rc == KIT_ERR_NOT_FOUND ? 0 : rc ? rc : KIT_ERR_DUPLICATE;
	}
	if (!rc)
		rc = keymap_batch(m, "rekey", shown, now, &batch, fault);
	if (!rc)
		rc = insert(m, entry, batch, &id, fault);
	if (!rc)
		rc = reserve(m, id, uuid, now, KEYMAP_NEVER, fault);
	if (!rc)
		rc = keymap_system_facts(m, uuid, &facts, fault);
	return keymap_leave(m, own, rc, fault);
}

/* ---- many ---- */

int keymap_count(struct keymap *m, int64_t now, struct keymap_counts *out, struct fault *fault)
{
	struct sql_statement *s;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = sql_statement(m->db, "SELECT (SELECT count(*) FROM csti_pid_map),"
			   " (SELECT count(*) FROM csti_pid_map WHERE used <> 0 AND used = ?1),"
			   " (SELECT count(*) FROM csti_pid_map WHERE used <> 0 AND used = ?2),"
			   " (SELECT count(*) FROM reservation WHERE until > ?3),"
			   " (SELECT count(*) FROM reservation WHERE until <= ?3)", &s, fault);
	if (rc)
		return rc;
	sql_bind_int(s, 1, KEYMAP_USED);
	sql_bind_int(s, 2, KEYMAP_REVOKED);
	sql_bind_int(s, 3, now);
	rc = sql_step(s, "count the keys", fault);
	if (rc > 0) {
		out->total = (uint64_t)sql_int(s, 0);
		out->used = (uint64_t)sql_int(s, 1);
		out->revoked = (uint64_t)sql_int(s, 2);
		out->reserved = (uint64_t)sql_int(s, 3);
		out->lapsed = (uint64_t)sql_int(s, 4);
		out->free = out->total - out->reserved - out->used - out->revoked;
	}
	sql_done(s);
	return rc < 0 ? rc : 0;
}

/* Conditions for FILTER, each with the parameter numbers that bind_filter() knows. */
static void filter_sql(const struct keymap_filter *f, char *out, size_t size)
{
	static const char uuid[] =
		" AND p.id IN (SELECT pid_id FROM reservation WHERE uuid = ?4 UNION"
		" SELECT id FROM csti_pid_map WHERE used <> 0 AND uuid = ?4)";
	const char *state = "";

	if (f->by_state && f->state == KEYMAP_FREE)
		state = " AND p.used = 0 AND (r.until IS NULL OR r.until <= ?1)";
	else if (f->by_state && f->state == KEYMAP_RESERVED)
		state = " AND r.until > ?1";
	else if (f->by_state)
		state = " AND p.used <> 0 AND p.used = ?2";
	snprintf(out, size,
		 "SELECT " COLUMNS BATCHES JOIN " WHERE p.id > ?3%s%s%s%s%s ORDER BY p.id"
		 " LIMIT ?5",
		 state, f->batch ? " AND p.batch = ?6" : "", f->uuid ? uuid : "",
		 f->exported > 0   ? " AND p.exported IS NOT NULL"
		 : f->exported < 0 ? " AND p.exported IS NULL"
				   : "",
		 f->unclaimed ? " AND r.pid_id IS NULL" : "");
}

int keymap_each(struct keymap *m, const struct keymap_filter *filter,
		int (*each)(void *context, const struct keymap_pair *pair), void *context,
		struct fault *fault)
{
	struct keymap_pair pair;
	struct sql_statement *s = NULL;
	char sql[1200];
	int rc, stop = 0;

	filter_sql(filter, sql, sizeof(sql));
	rc = sql_prepare(m->db, sql, &s, fault);
	if (rc)
		return rc;
	sql_bind_int(s, 1, filter->now);
	sql_bind_int(s, 2, filter->state);
	sql_bind_int(s, 3, filter->after_id);
	bind_uuid(s, 4, filter->uuid);
	sql_bind_int(s, 5, filter->limit ? (int64_t)filter->limit : INT64_MAX);
	sql_bind_int(s, 6, filter->batch);
	while ((rc = sql_step(s, "list the keys", fault)) > 0) {
		read_pair(s, filter->now, true, &pair);
		stop = each(context, &pair);
		if (stop)
			break;
	}
	sql_free(&s);
	return stop ? stop : rc;
}
