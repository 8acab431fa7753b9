/* The pairs of the key map: finding, claiming, proving, revoking, listing (csti_pid_map). */
#include <stdio.h>
#include <string.h>

#include "server/keymap/keymap-private.h"

/* ---- one row ---- */

#define COLUMNS	"p.id, p.pid, p.used, ifnull(r.uuid, p.uuid), r.at, r.until, p.used_at," \
		" p.revoked_at, p.current_password IS NOT NULL, p.admin_password IS NOT NULL," \
		" p.batch, p.exported"
#define PAIRS	" FROM csti_pid_map p LEFT JOIN reservation r ON r.pid_id = p.id"
#define BATCHES	", b.time, b.how || ' ' || b.source, x.time, x.how || ' ' || x.source"
#define JOIN	PAIRS " LEFT JOIN batch b ON b.id = p.batch" \
		" LEFT JOIN batch x ON x.id = p.exported"

static void read_pair(sqlite3_stmt *s, int64_t now, bool batches, struct keymap_pair *out)
{
	memset(out, 0, sizeof(*out));
	out->id = sqlite3_column_int64(s, 0);
	db_get_text(s, 1, out->pid, sizeof(out->pid));
	out->state = (enum keymap_state)sqlite3_column_int(s, 2);
	out->has_uuid = db_get_uuid(s, 3, &out->uuid);
	out->reserved_at = sqlite3_column_int64(s, 4);
	out->reserved_until = sqlite3_column_int64(s, 5);
	out->used_at = sqlite3_column_int64(s, 6);
	out->revoked_at = sqlite3_column_int64(s, 7);
	out->has_current = sqlite3_column_int(s, 8);
	out->has_new = sqlite3_column_int(s, 9);
	out->batch = sqlite3_column_int64(s, 10);
	out->exported = sqlite3_column_int64(s, 11);
	if (out->state == KEYMAP_FREE && out->reserved_until > now)
		out->state = KEYMAP_RESERVED;
	else if (out->state == KEYMAP_FREE && out->reserved_until)
		out->lapsed = true;
	if (!batches)
		return;
	out->made_at = sqlite3_column_int64(s, 12);
	db_get_text(s, 13, out->made_by, sizeof(out->made_by));
	out->exported_at = sqlite3_column_int64(s, 14);
	db_get_text(s, 15, out->exported_to, sizeof(out->exported_to));
}

int keymap_find(struct keymap *m, const char *pid, int64_t now, struct keymap_pair *out,
		struct fault *fault)
{
	sqlite3_stmt *s;
	int rc;

	rc = db_statement(m, "SELECT " COLUMNS BATCHES JOIN " WHERE p.pid = ?1", &s, fault);
	if (rc)
		return rc;
	db_pid(s, 1, pid);
	rc = db_step(m, s, "look a PID up", fault);
	if (rc > 0)
		read_pair(s, now, true, out);
	db_done(s);
	return rc > 0 ? 0 : rc < 0 ? rc : KIT_ERR_NOT_FOUND;
}

/* The same without the batches' names: the hello's one look-up. */
static int find_quickly(struct keymap *m, const char *pid, int64_t now, struct keymap_pair *out,
			struct fault *fault)
{
	sqlite3_stmt *s;
	int rc;

	rc = db_statement(m, "SELECT " COLUMNS PAIRS " WHERE p.pid = ?1", &s, fault);
	if (rc)
		return rc;
	db_pid(s, 1, pid);
	rc = db_step(m, s, "look a PID up", fault);
	if (rc > 0)
		read_pair(s, now, false, out);
	db_done(s);
	return rc > 0 ? 0 : rc < 0 ? rc : KIT_ERR_NOT_FOUND;
}

/* ---- claiming and proving ---- */

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

	rc = db_enter(m, &own, fault);
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
	/* None is as long as that: it was made before the clock was set back, and has lapsed. */
	if (pair.state == KEYMAP_RESERVED && pair.reserved_until != KEYMAP_NEVER &&
	    pair.reserved_until - now > 2 * (int64_t)seconds)
		pair.state = KEYMAP_FREE;
	*claim = judge(&pair, uuid);
	if (before)
		*before = pair;
	if (*claim != KEYMAP_CLAIMED)
		goto out;
	rc = db_reserve(m, pair.id, uuid, now, now + seconds, fault);
out:
	return db_leave(m, own, rc, fault);
}

static int unreserve(struct keymap *m, int64_t id, struct fault *fault)
{
	sqlite3_stmt *s;
	int rc = db_statement(m, "DELETE FROM reservation WHERE pid_id = ?1", &s, fault);

	if (rc)
		return rc;
	sqlite3_bind_int64(s, 1, id);
	return db_run(m, s, "give a key back", NULL, fault);
}

/* Make the pair ID used or revoked AT a time; what reservation there was is over. */
static int settle(struct keymap *m, const char *sql, int64_t id, enum keymap_state state,
		  int64_t at, const struct uuid *uuid, struct fault *fault)
{
	sqlite3_stmt *s;
	int rc = db_statement(m, sql, &s, fault);

	if (rc)
		return rc;
	sqlite3_bind_int(s, 1, state);
	sqlite3_bind_int64(s, 2, at);
	if (uuid)
		db_uuid(s, 3, uuid);
	sqlite3_bind_int64(s, 4, id);
	rc = db_run(m, s, "change a key's state", NULL, fault);
	return rc ? rc : unreserve(m, id, fault);
}

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

	rc = db_enter(m, &own, fault);
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
		rc = settle(m, "UPDATE csti_pid_map SET used = ?1, used_at = ?2, uuid = ?3"
			    " WHERE id = ?4", pair.id, KEYMAP_USED, now, uuid, fault);
out:
	return db_leave(m, own, rc, fault);
}

int keymap_release(struct keymap *m, const char *pid, const struct uuid *uuid,
		   struct fault *fault)
{
	struct keymap_pair pair;
	bool own;
	int rc;

	rc = db_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = find_quickly(m, pid, 0, &pair, fault);
	if (rc == KIT_ERR_NOT_FOUND)
		rc = not_in_map(pid, fault);
	else if (!rc && pair.state == KEYMAP_RESERVED && pair.has_uuid &&
		 pair.reserved_until != KEYMAP_NEVER && uuid_equal(&pair.uuid, uuid))
		rc = unreserve(m, pair.id, fault);
	return db_leave(m, own, rc, fault);
}

int keymap_revoke(struct keymap *m, const char *pid, int64_t now, struct fault *fault)
{
	struct keymap_pair pair;
	bool own;
	int rc;

	rc = db_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = find_quickly(m, pid, now, &pair, fault);
	if (rc == KIT_ERR_NOT_FOUND)
		rc = not_in_map(pid, fault);
	else if (!rc && pair.state != KEYMAP_REVOKED)
		rc = settle(m, "UPDATE csti_pid_map SET used = ?1, revoked_at = ?2 WHERE id = ?4",
			    pair.id, KEYMAP_REVOKED, now, NULL, fault);
	return db_leave(m, own, rc, fault);
}

/* ---- many ---- */

int keymap_count(struct keymap *m, int64_t now, struct keymap_counts *out, struct fault *fault)
{
	sqlite3_stmt *s;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = db_statement(m, "SELECT (SELECT count(*) FROM csti_pid_map),"
			  " (SELECT count(*) FROM csti_pid_map WHERE used <> 0 AND used = ?1),"
			  " (SELECT count(*) FROM csti_pid_map WHERE used <> 0 AND used = ?2),"
			  " (SELECT count(*) FROM reservation WHERE until > ?3),"
			  " (SELECT count(*) FROM reservation WHERE until <= ?3)", &s, fault);
	if (rc)
		return rc;
	sqlite3_bind_int(s, 1, KEYMAP_USED);
	sqlite3_bind_int(s, 2, KEYMAP_REVOKED);
	sqlite3_bind_int64(s, 3, now);
	rc = db_step(m, s, "count the keys", fault);
	if (rc > 0) {
		out->total = (uint64_t)sqlite3_column_int64(s, 0);
		out->used = (uint64_t)sqlite3_column_int64(s, 1);
		out->revoked = (uint64_t)sqlite3_column_int64(s, 2);
		out->reserved = (uint64_t)sqlite3_column_int64(s, 3);
		out->lapsed = (uint64_t)sqlite3_column_int64(s, 4);
		out->free = out->total - out->reserved - out->used - out->revoked;
	}
	db_done(s);
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
		state = " AND p.used = 0 AND (r.until ISNULL OR r.until <= ?1)";
	else if (f->by_state && f->state == KEYMAP_RESERVED)
		state = " AND r.until > ?1";
	else if (f->by_state)
		state = " AND p.used <> 0 AND p.used = ?2";
	snprintf(out, size,
		 "SELECT " COLUMNS BATCHES JOIN " WHERE p.id > ?3%s%s%s%s%s ORDER BY p.id"
		 " LIMIT ?5",
		 state, f->batch ? " AND p.batch = ?6" : "", f->uuid ? uuid : "",
		 f->exported > 0   ? " AND p.exported NOTNULL"
		 : f->exported < 0 ? " AND p.exported ISNULL"
				   : "",
		 f->unclaimed ? " AND r.pid_id ISNULL" : "");
}

int keymap_each(struct keymap *m, const struct keymap_filter *filter,
		int (*each)(void *context, const struct keymap_pair *pair), void *context,
		struct fault *fault)
{
	struct keymap_pair pair;
	sqlite3_stmt *s = NULL;
	char sql[1200];
	int rc, stop = 0;

	filter_sql(filter, sql, sizeof(sql));
	if (sqlite3_prepare_v2(m->db, sql, -1, &s, NULL) != SQLITE_OK)
		return db_fault(m, "list the keys", fault);
	sqlite3_bind_int64(s, 1, filter->now);
	sqlite3_bind_int(s, 2, filter->state);
	sqlite3_bind_int64(s, 3, filter->after_id);
	db_uuid(s, 4, filter->uuid);
	sqlite3_bind_int64(s, 5, filter->limit ? (int64_t)filter->limit : -1);
	sqlite3_bind_int64(s, 6, filter->batch);
	while ((rc = db_step(m, s, "list the keys", fault)) > 0) {
		read_pair(s, filter->now, true, &pair);
		stop = each(context, &pair);
		if (stop)
			break;
	}
	sqlite3_finalize(s);
	return stop ? stop : rc;
}
