/* The machines of the key map: hellos, states, passwords, listing (csti_amts). */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/secret.h"
#include "server/keymap/keymap-private.h"

#define COLUMNS \
	"uuid, pid, next_pid, address, state, reason, hellos, hello_version, hello_retry," \
	" failures, first_seen, last_seen, next_try, configured_at, fqdn, profile, version," \
	" admin_user, proved_at, claimed_pid, claimed_address, claim_failed_at"

static void read_system(sqlite3_stmt *s, struct system *out)
{
	memset(out, 0, sizeof(*out));
	db_get_uuid(s, 0, &out->uuid);
	db_get_text(s, 1, out->pid, sizeof(out->pid));
	db_get_text(s, 2, out->next_pid, sizeof(out->next_pid));
	db_get_text(s, 3, out->address, sizeof(out->address));
	out->state = (enum system_state)sqlite3_column_int(s, 4);
	db_get_text(s, 5, out->reason, sizeof(out->reason));
	out->hellos = (uint32_t)sqlite3_column_int64(s, 6);
	out->hello_version = (uint32_t)sqlite3_column_int64(s, 7);
	out->hello_retry = (uint32_t)sqlite3_column_int64(s, 8);
	out->failures = (uint32_t)sqlite3_column_int64(s, 9);
	out->first_seen = sqlite3_column_int64(s, 10);
	out->last_seen = sqlite3_column_int64(s, 11);
	out->next_try = sqlite3_column_int64(s, 12);
	out->configured_at = sqlite3_column_int64(s, 13);
	db_get_text(s, 14, out->fqdn, sizeof(out->fqdn));
	db_get_text(s, 15, out->profile, sizeof(out->profile));
	db_get_text(s, 16, out->version, sizeof(out->version));
	db_get_text(s, 17, out->admin_user, sizeof(out->admin_user));
	out->proved_at = sqlite3_column_int64(s, 18);
	db_get_text(s, 19, out->claimed_pid, sizeof(out->claimed_pid));
	db_get_text(s, 20, out->claimed_address, sizeof(out->claimed_address));
	out->claim_failed_at = sqlite3_column_int64(s, 21);
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
	sqlite3_stmt *s;
	int rc;

	rc = db_statement(m, "SELECT " COLUMNS " FROM csti_amts WHERE uuid = ?1", &s, fault);
	if (rc)
		return rc;
	db_uuid(s, 1, uuid);
	rc = db_step(m, s, "look a system up", fault);
	if (rc > 0)
		read_system(s, out);
	db_done(s);
	return rc > 0 ? 0 : rc < 0 ? rc : KIT_ERR_NOT_FOUND;
}

/* The first hello of a machine makes its row. */
static int insert_system(struct keymap *m, const struct system *row, struct fault *fault)
{
	sqlite3_stmt *s;
	int rc;

	rc = db_statement(m, "INSERT INTO csti_amts(uuid, pid, address, hello_version, hello_retry,"
			  " state, next_try, first_seen, last_seen, hellos)"
			  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, 1)", &s, fault);
	if (rc)
		return rc;
	db_uuid(s, 1, &row->uuid);
	db_pid(s, 2, row->pid);
	db_text(s, 3, row->address);
	sqlite3_bind_int64(s, 4, row->hello_version);
	sqlite3_bind_int64(s, 5, row->hello_retry);
	sqlite3_bind_int(s, 6, row->state);
	sqlite3_bind_int64(s, 7, row->next_try);
	sqlite3_bind_int64(s, 8, row->first_seen);
	return db_run(m, s, "note a hello", NULL, fault);
}

static int update_system(struct keymap *m, const struct system *row, struct fault *fault)
{
	sqlite3_stmt *s;
	int rc;

	rc = db_statement(m, "UPDATE csti_amts SET pid = ?2, address = ?3, claimed_pid = ?4,"
			  " claimed_address = ?5, hello_version = ?6, hello_retry = ?7,"
			  " last_seen = ?8, hellos = ?9 WHERE uuid = ?1", &s, fault);
	if (rc)
		return rc;
	db_uuid(s, 1, &row->uuid);
	db_pid(s, 2, row->pid);
	db_text(s, 3, row->address);
	db_pid(s, 4, row->claimed_pid);
	db_text(s, 5, row->claimed_address);
	sqlite3_bind_int64(s, 6, row->hello_version);
	sqlite3_bind_int64(s, 7, row->hello_retry);
	sqlite3_bind_int64(s, 8, row->last_seen);
	sqlite3_bind_int64(s, 9, row->hellos);
	return db_run(m, s, "note a hello", NULL, fault);
}

/* What a hello says goes into PID and ADDRESS; "" for PID leaves what is there. */
static void take_hello(const struct keymap_hello *hello, char pid[static PID_LENGTH + 1],
		       char address[static SYSTEM_ADDRESS + 1])
{
	if (hello->pid)
		snprintf(pid, PID_LENGTH + 1, "%.*s", PID_LENGTH, hello->pid);
	snprintf(address, SYSTEM_ADDRESS + 1, "%s", hello->address ? hello->address : "");
}

/* Two plain statements: one that inserts or updates and returns the row costs twice as much. */
int keymap_system_hello(struct keymap *m, const struct keymap_hello *hello,
			enum system_state state, int64_t now, struct system *out, bool *made,
			struct fault *fault)
{
	struct system row;
	bool own, fresh;
	int rc;

	rc = db_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = keymap_system_find(m, &hello->uuid, &row, fault);
	fresh = rc == KIT_ERR_NOT_FOUND;
	if (rc && !fresh)
		goto out;
	if (fresh) {
		memset(&row, 0, sizeof(row));
		row.uuid = hello->uuid;
		row.state = state;
		row.next_try = state == SYSTEM_QUEUED ? now : 0;
		row.first_seen = now;
		take_hello(hello, row.pid, row.address);
	} else if (row.proved_at > 0 || row.state == SYSTEM_IN_SETUP) {
		/* Proved, or being called: PID and address are not for a hello to change. */
		take_hello(hello, row.claimed_pid, row.claimed_address);
	} else {
		take_hello(hello, row.pid, row.address);
		row.claimed_pid[0] = row.claimed_address[0] = 0;
	}
	row.last_seen = now;
	row.hello_version = hello->version;
	row.hello_retry = hello->retry;
	row.hellos++;
	rc = fresh ? insert_system(m, &row, fault) : update_system(m, &row, fault);
	if (out)
		*out = row;
	if (made)
		*made = fresh;
out:
	return db_leave(m, own, rc, fault);
}

int db_update_system(struct keymap *m, sqlite3_stmt *s, const struct uuid *uuid, const char *what,
		     struct fault *fault)
{
	int changed, rc;

	db_uuid(s, 1, uuid);
	rc = db_run(m, s, what, &changed, fault);
	return rc || changed ? rc : no_system(uuid, fault);
}

int keymap_system_state(struct keymap *m, const struct uuid *uuid, enum system_state state,
			const char *reason, int64_t next_try, int64_t now, struct fault *fault)
{
	sqlite3_stmt *s;
	bool own;
	int rc;

	rc = db_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = db_statement(
		m,
		"UPDATE csti_amts SET state = ?2, reason = ?3, next_try = ?4,"
		" failures = CASE ?2 WHEN 3 THEN failures + 1 WHEN 2 THEN 0"
		" ELSE failures END,"
		" configured_at = iif(?2 = 2, ?5, configured_at),"
		" proved_at = iif(?2 = 2 AND proved_at = 0, ?5, proved_at) WHERE uuid = ?1",
		&s, fault);
	_Static_assert(SYSTEM_CONFIGURED == 2 && SYSTEM_FAILED == 3, "numbers in the SQL above");
	if (!rc) {
		sqlite3_bind_int(s, 2, state);
		db_text(s, 3, reason);
		sqlite3_bind_int64(s, 4, next_try);
		sqlite3_bind_int64(s, 5, now);
		rc = db_update_system(m, s, uuid, "change a system's state", fault);
	}
	return db_leave(m, own, rc, fault);
}

/* Unlike db_text(): "" is a value too, and NULL means "leave alone". */
static void fact(sqlite3_stmt *s, int at, const char *text)
{
	if (text)
		sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
}

int keymap_system_facts(struct keymap *m, const struct uuid *uuid,
			const struct keymap_facts *facts, struct fault *fault)
{
	sqlite3_stmt *s;
	bool own;
	int rc;

	rc = db_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = db_statement(
		m,
		"UPDATE csti_amts SET fqdn = ifnull(?2, fqdn),"
		" profile = ifnull(?3, profile), version = ifnull(?4, version),"
		" admin_user = ifnull(?5, admin_user), pid = ifnull(substr(?6, 1, 8), pid),"
		" next_pid = ifnull(substr(?7, 1, 8), next_pid) WHERE uuid = ?1",
		&s, fault);
	if (!rc) {
		fact(s, 2, facts->fqdn);
		fact(s, 3, facts->profile);
		fact(s, 4, facts->version);
		fact(s, 5, facts->admin_user);
		fact(s, 6, facts->pid);
		fact(s, 7, facts->next_pid);
		rc = db_update_system(m, s, uuid, "note what a system is", fault);
	}
	return db_leave(m, own, rc, fault);
}

/* The four passwords of a row, in the order of the statements below. */
const char *const db_password_columns[DB_PASSWORDS] = {
	"admin_password", "next_admin_password", "mebx_password", "next_mebx_password",
};

void db_password_fields(struct system_secrets *s, char *out[static DB_PASSWORDS])
{
	out[0] = s->admin_password;
	out[1] = s->next_admin_password;
	out[2] = s->mebx_password;
	out[3] = s->next_mebx_password;
}

int keymap_system_secrets(struct keymap *m, const struct uuid *uuid, struct system_secrets *out,
			  struct fault *fault)
{
	char *fields[DB_PASSWORDS];
	sqlite3_stmt *s;
	int rc;

	memset(out, 0, sizeof(*out));
	db_password_fields(out, fields);
	rc = db_statement(m, "SELECT admin_password, next_admin_password, mebx_password,"
			  " next_mebx_password FROM csti_amts WHERE uuid = ?1", &s, fault);
	if (rc)
		return rc;
	db_uuid(s, 1, uuid);
	rc = db_step(m, s, "read a system's passwords", fault);
	if (rc == 0)
		rc = no_system(uuid, fault);
	else if (rc > 0)
		rc = 0;
	for (int i = 0; !rc && i < DB_PASSWORDS; i++) {
		struct seal_place place = db_place_uuid(db_password_columns[i], uuid);

		rc = db_unseal_text(m, s, i, &place, PASSWORD_MAX, fields[i], fault);
	}
	db_done(s);
	if (rc)
		secret_wipe(out, sizeof(*out));
	return rc;
}

/* Is PASSWORD, which the row holds, in none of its new FIELDS? */
static bool is_lost(const char *password, char *const fields[static DB_PASSWORDS])
{
	if (!*password)
		return false;
	for (int i = 0; i < DB_PASSWORDS; i++)
		if (strcmp(password, fields[i]) == 0)
			return false;
	return true;
}

/* What is about to be overwritten by the new FIELDS may be the only copy there is. */
static int keep_old(struct keymap *m, const struct uuid *uuid,
		    char *const fields[static DB_PASSWORDS], struct fault *fault)
{
	struct system_secrets old;
	char *olds[DB_PASSWORDS];
	bool lost = false;
	int rc = keymap_system_secrets(m, uuid, &old, fault);

	db_password_fields(&old, olds);
	for (int i = 0; !rc && i < DB_PASSWORDS; i++)
		lost |= is_lost(olds[i], fields);
	if (lost)
		rc = db_keep_secrets(m, uuid, &old, time(NULL), fault);
	secret_wipe(&old, sizeof(old));
	return rc;
}

int keymap_system_set_secrets(struct keymap *m, const struct uuid *uuid,
			      const struct system_secrets *secrets, struct fault *fault)
{
	struct system_secrets copy = *secrets;
	uint8_t sealed[DB_PASSWORDS][DB_PASSWORD];
	char *fields[DB_PASSWORDS];
	sqlite3_stmt *s = NULL;
	bool own;
	int rc;

	db_password_fields(&copy, fields);
	rc = db_enter(m, &own, fault);
	if (rc) {
		secret_wipe(&copy, sizeof(copy));
		return rc;
	}
	rc = keep_old(m, uuid, fields, fault);
	if (!rc)
		rc = db_statement(
			m,
			"UPDATE csti_amts SET admin_password = ?2, next_admin_password = ?3,"
			" mebx_password = ?4, next_mebx_password = ?5 WHERE uuid = ?1",
			&s, fault);
	for (int i = 0; !rc && i < DB_PASSWORDS; i++) {
		struct seal_place place = db_place_uuid(db_password_columns[i], uuid);

		rc = db_seal_text(m, s, i + 2, &place, fields[i], PASSWORD_MAX, sealed[i], fault);
	}
	if (!rc)
		rc = db_update_system(m, s, uuid, "keep a system's passwords", fault);
	else if (s)
		db_done(s);
	secret_wipe(&copy, sizeof(copy));
	return db_leave(m, own, rc, fault);
}

int keymap_systems(struct keymap *m, const struct keymap_system_filter *f,
		   int (*each)(void *context, const struct system *system), void *context,
		   struct fault *fault)
{
	struct system system;
	sqlite3_stmt *s = NULL;
	char sql[600];
	int rc, stop = 0;

	snprintf(sql, sizeof(sql),
		 "SELECT " COLUMNS " FROM csti_amts WHERE 1%s%s%s ORDER BY %s"
		 " LIMIT ?4",
		 f->by_state ? " AND state = ?1" : "",
		 f->due ? " AND next_try > 0 AND next_try <= ?2" : "",
		 f->pid ? " AND pid = ?3" : "", f->due ? "next_try, id" : "id");
	if (sqlite3_prepare_v2(m->db, sql, -1, &s, NULL) != SQLITE_OK)
		return db_fault(m, "list the systems", fault);
	sqlite3_bind_int(s, 1, f->state);
	sqlite3_bind_int64(s, 2, f->due);
	db_pid(s, 3, f->pid);
	sqlite3_bind_int64(s, 4, f->limit ? (int64_t)f->limit : -1);
	while ((rc = db_step(m, s, "list the systems", fault)) > 0) {
		read_system(s, &system);
		stop = each(context, &system);
		if (stop)
			break;
	}
	sqlite3_finalize(s);
	return stop ? stop : rc;
}

int keymap_system_next_due(struct keymap *m, int64_t after, int64_t *due, struct fault *fault)
{
	sqlite3_stmt *s;
	int rc;

	*due = 0;
	rc = db_statement(m, "SELECT next_try FROM csti_amts WHERE next_try > 0 AND next_try > ?1"
			  " ORDER BY next_try LIMIT 1", &s, fault);
	if (rc)
		return rc;
	sqlite3_bind_int64(s, 1, after);
	rc = db_step(m, s, "see what is due", fault);
	if (rc > 0)
		*due = sqlite3_column_int64(s, 0);
	db_done(s);
	return rc < 0 ? rc : 0;
}

int keymap_system_count(struct keymap *m, uint64_t *out, struct fault *fault)
{
	sqlite3_stmt *s;
	int rc;

	memset(out, 0, SYSTEM_STATES * sizeof(*out));
	rc = db_statement(m, "SELECT state, count(*) FROM csti_amts GROUP BY 1", &s, fault);
	if (rc)
		return rc;
	while ((rc = db_step(m, s, "count the systems", fault)) > 0) {
		int state = sqlite3_column_int(s, 0);

		if (state >= 0 && state < SYSTEM_STATES)
			out[state] = (uint64_t)sqlite3_column_int64(s, 1);
	}
	db_done(s);
	return rc;
}

int keymap_system_retry(struct keymap *m, const struct uuid *uuid, int64_t now,
			struct fault *fault)
{
	sqlite3_stmt *s;
	bool own;
	int rc;

	rc = db_enter(m, &own, fault);
	if (rc)
		return rc;
	/* What is set up stays so until the machine has proved itself again. */
	rc = db_statement(m, "UPDATE csti_amts SET state = iif(state = ?4, state, ?2),"
			  " next_try = ?3, failures = 0, reason = NULL WHERE uuid = ?1", &s, fault);
	if (!rc) {
		sqlite3_bind_int(s, 2, SYSTEM_QUEUED);
		sqlite3_bind_int(s, 4, SYSTEM_CONFIGURED);
		sqlite3_bind_int64(s, 3, now);
		rc = db_update_system(m, s, uuid, "try a system again", fault);
	}
	return db_leave(m, own, rc, fault);
}

/*
 * What a forgotten machine held: its reservation goes back; the fresh pair of a re-key, which
 * it may have got, is for nobody else. Pairs that are not in the map are no hindrance.
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
	sqlite3_stmt *s;
	bool own;
	int rc;

	rc = db_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = keymap_system_find(m, uuid, &system, fault);
	if (rc == KIT_ERR_NOT_FOUND)
		rc = no_system(uuid, fault);
	if (!rc)
		rc = give_keys_back(m, &system, fault);
	if (!rc)
		rc = db_forget_earlier(m, uuid, fault);
	if (!rc)
		rc = db_statement(m, "DELETE FROM csti_amts WHERE uuid = ?1", &s, fault);
	if (!rc)
		rc = db_update_system(m, s, uuid, "forget a system", fault);
	return db_leave(m, own, rc, fault);
}
