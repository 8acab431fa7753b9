/* How pairs and their secrets get into the key map, out again, and marked (csti_pid_map, batch). */
#include <string.h>

#include "common/secret.h"
#include "server/keymap/keymap-private.h"

int keymap_batch(struct keymap *m, const char *how, const char *source, int64_t now,
		 int64_t *batch, struct fault *fault)
{
	sqlite3_stmt *s;
	bool own;
	int rc;

	rc = db_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = db_statement(m, "INSERT INTO batch(time, how, source) VALUES(?1, ?2, ?3)", &s, fault);
	if (!rc) {
		sqlite3_bind_int64(s, 1, now);
		sqlite3_bind_text(s, 2, how, -1, SQLITE_STATIC);
		sqlite3_bind_text(s, 3, source, -1, SQLITE_STATIC);
		rc = db_run(m, s, "note a batch", NULL, fault);
		*batch = sqlite3_last_insert_rowid(m->db);
	}
	return db_leave(m, own, rc, fault);
}

int keymap_mark_exported(struct keymap *m, int64_t id, int64_t batch, struct fault *fault)
{
	sqlite3_stmt *s;
	bool own;
	int rc;

	rc = db_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = db_statement(m, "UPDATE csti_pid_map SET exported = ?1 WHERE id = ?2", &s, fault);
	if (!rc) {
		sqlite3_bind_int64(s, 1, batch);
		sqlite3_bind_int64(s, 2, id);
		rc = db_run(m, s, "mark a key exported", NULL, fault);
	}
	return db_leave(m, own, rc, fault);
}

int keymap_secrets(struct keymap *m, const char *pid, struct keyentry *out, struct fault *fault)
{
	char own[PID_LENGTH + 1] = "";
	struct seal_place pps = db_place_pid("pps", own);
	struct seal_place current = db_place_pid("current_password", own);
	struct seal_place fresh = db_place_pid("admin_password", own);
	sqlite3_stmt *s;
	int rc;

	/* PID may well be a part of *OUT. */
	memcpy(own, pid, PID_LENGTH);
	memset(out, 0, sizeof(*out));
	rc = db_statement(m, "SELECT pps, current_password, admin_password, used FROM csti_pid_map"
			  " WHERE pid = ?1", &s, fault);
	if (rc)
		return rc;
	db_pid(s, 1, own);
	rc = db_step(m, s, "look a PID up", fault);
	if (rc == 0)
		rc = fault_set(fault, KIT_ERR_NOT_FOUND, "PID %.4s-%.4s is not in the key map", own,
			       own + 4);
	if (rc > 0)
		rc = db_unseal_text(m, s, 0, &pps, PPS_LENGTH, out->pair.pps, fault);
	if (!rc)
		rc = db_unseal_text(m, s, 1, &current, PASSWORD_MAX, out->current_password, fault);
	if (!rc)
		rc = db_unseal_text(m, s, 2, &fresh, PASSWORD_MAX, out->new_password, fault);
	if (rc) {
		secret_wipe(out, sizeof(*out));
		if (rc != KIT_ERR_NOT_FOUND)
			fault_context(fault, "PID %.4s-%.4s", own, own + 4);
	} else {
		memcpy(out->pair.pid, own, PID_LENGTH);
		out->used = sqlite3_column_int(s, 3) == KEYMAP_USED;
	}
	db_done(s);
	return rc;
}

/* Seal and bind the three secrets of ENTRY as parameters AT, AT + 1, AT + 2 in SEALED. */
static int bind_secrets(struct keymap *m, sqlite3_stmt *s, int at, const struct keyentry *entry,
			uint8_t sealed[static DB_PPS + 2 * DB_PASSWORD], struct fault *fault)
{
	const char *pid = entry->pair.pid;
	struct seal_place place = db_place_pid("pps", pid);
	int rc;

	rc = db_seal_text(m, s, at, &place, entry->pair.pps, PPS_LENGTH, sealed, fault);
	place = db_place_pid("current_password", pid);
	if (!rc)
		rc = db_seal_text(m, s, at + 1, &place, entry->current_password, PASSWORD_MAX,
				  sealed + DB_PPS, fault);
	place = db_place_pid("admin_password", pid);
	if (!rc)
		rc = db_seal_text(m, s, at + 2, &place, entry->new_password, PASSWORD_MAX,
				  sealed + DB_PPS + DB_PASSWORD, fault);
	return rc;
}

/* The PID is in the map: with the same PPS, and with the same passwords? */
static int compare(struct keymap *m, const struct keyentry *entry, enum keymap_added *added,
		   struct fault *fault)
{
	uint8_t sealed[DB_PPS + 2 * DB_PASSWORD];
	struct keyentry have;
	bool current_gap, new_gap;
	sqlite3_stmt *s;
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
	rc = db_statement(
		m,
		"UPDATE csti_pid_map SET"
		" current_password = iif(?4, ?2, current_password),"
		" admin_password = iif(?5, ?3, admin_password) WHERE pid = ?6 AND ?1 NOTNULL",
		&s, fault);
	if (rc)
		goto out;
	rc = bind_secrets(m, s, 1, entry, sealed, fault);
	if (rc) {
		db_done(s);
		goto out;
	}
	sqlite3_bind_int(s, 4, current_gap);
	sqlite3_bind_int(s, 5, new_gap);
	db_pid(s, 6, entry->pair.pid);
	rc = db_run(m, s, "fill a password in", NULL, fault);
	if (!rc && *added == KEYMAP_SAME)
		*added = KEYMAP_COMPLETED;
out:
	secret_wipe(&have, sizeof(have));
	return rc;
}

int db_reserve(struct keymap *m, int64_t id, const struct uuid *uuid, int64_t at, int64_t until,
	       struct fault *fault)
{
	sqlite3_stmt *s;
	int rc = db_statement(m, "INSERT OR REPLACE INTO reservation(pid_id, uuid, at, until)"
			      " VALUES(?1, ?2, ?3, ?4)", &s, fault);

	if (rc)
		return rc;
	sqlite3_bind_int64(s, 1, id);
	db_uuid(s, 2, uuid);
	sqlite3_bind_int64(s, 3, at);
	sqlite3_bind_int64(s, 4, until);
	return db_run(m, s, "reserve a key", NULL, fault);
}

static int insert(struct keymap *m, const struct keyentry *entry, int64_t batch,
		  enum keymap_added *added, struct fault *fault)
{
	uint8_t sealed[DB_PPS + 2 * DB_PASSWORD];
	sqlite3_stmt *s;
	int changed, rc;

	rc = db_statement(
		m,
		"INSERT INTO csti_pid_map(pps, current_password, admin_password, pid,"
		" used, batch) VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT(pid) DO NOTHING",
		&s, fault);
	if (rc)
		return rc;
	rc = bind_secrets(m, s, 1, entry, sealed, fault);
	if (rc) {
		db_done(s);
		return rc;
	}
	db_pid(s, 4, entry->pair.pid);
	sqlite3_bind_int(s, 5, entry->used ? KEYMAP_USED : KEYMAP_FREE);
	sqlite3_bind_int64(s, 6, batch);
	rc = db_run(m, s, "add a pair", &changed, fault);
	*added = KEYMAP_ADDED;
	return rc || changed ? rc : compare(m, entry, added, fault);
}

/* A machine has it from the file that it comes from: it must not go out a second time. */
static int mark_consumed(struct keymap *m, const char *pid, int64_t batch, struct fault *fault)
{
	sqlite3_stmt *s;
	int rc = db_statement(m, "UPDATE csti_pid_map SET exported = ?1"
			      " WHERE pid = ?2 AND exported ISNULL", &s, fault);

	if (rc)
		return rc;
	sqlite3_bind_int64(s, 1, batch);
	db_pid(s, 2, pid);
	return db_run(m, s, "mark a key exported", NULL, fault);
}

int keymap_add(struct keymap *m, const struct keyentry *entry, int64_t batch,
	       enum keymap_added *added, struct fault *fault)
{
	enum keymap_added unused;
	bool own;
	int rc;

	rc = db_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = insert(m, entry, batch, added ? added : &unused, fault);
	if (!rc && entry->consumed)
		rc = mark_consumed(m, entry->pair.pid, batch, fault);
	return db_leave(m, own, rc, fault);
}

int keymap_add_rekey(struct keymap *m, const struct keyentry *entry, const struct uuid *uuid,
		     int64_t now, struct fault *fault)
{
	const struct keymap_facts facts = { .next_pid = entry->pair.pid };
	enum keymap_added added;
	struct keymap_pair taken;
	struct system system;
	char shown[UUID_SHOWN + 1];
	int64_t batch = 0;
	bool own;
	int rc;

	rc = db_enter(m, &own, fault);
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
		rc = insert(m, entry, batch, &added, fault);
	if (!rc)
		rc = db_reserve(m, sqlite3_last_insert_rowid(m->db), uuid, now, KEYMAP_NEVER,
				fault);
	if (!rc)
		rc = keymap_system_facts(m, uuid, &facts, fault);
	return db_leave(m, own, rc, fault);
}
