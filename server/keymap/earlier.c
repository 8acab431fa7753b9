/* Passwords that a machine's row held before others took their place (csti_amts_history). */
#include <stdio.h>
#include <string.h>

#include "common/secret.h"
#include "server/keymap/keymap-private.h"

#define KEPT	16	/* of one machine and key: what its own set-ups can push out is its own */

#define COLUMNS	"id, time, pid, next_pid, address, admin_user"

struct earlier_row {
	char text[DB_EARLIER_ROW];
};

/* What DB_EARLIER_SQL says of the row. */
static struct earlier_row row_of(const struct keymap_earlier *e)
{
	struct earlier_row row;
	size_t at = 0;

	for (size_t i = 0; i < sizeof(e->uuid.bytes); i++)
		at += (size_t)snprintf(row.text + at, sizeof(row.text) - at, "%02X",
				       e->uuid.bytes[i]);
	snprintf(row.text + at, sizeof(row.text) - at, ":%lld:%s", (long long)e->id, e->pid);
	return row;
}

static struct seal_place place_of(const char *column, const struct earlier_row *row)
{
	return db_place_earlier(column, row->text, strlen(row->text));
}

int keymap_earlier(struct keymap *m, const struct uuid *uuid,
		   int (*each)(void *context, const struct keymap_earlier *earlier), void *context,
		   struct fault *fault)
{
	struct keymap_earlier e;
	sqlite3_stmt *s = NULL;
	int rc, stop = 0;

	if (sqlite3_prepare_v2(m->db, "SELECT " COLUMNS " FROM csti_amts_history WHERE uuid = ?1"
			       " ORDER BY id DESC", -1, &s, NULL) != SQLITE_OK)
		return db_fault(m, "list earlier passwords", fault);
	db_uuid(s, 1, uuid);
	while ((rc = db_step(m, s, "list earlier passwords", fault)) > 0) {
		memset(&e, 0, sizeof(e));
		e.uuid = *uuid;
		e.id = sqlite3_column_int64(s, 0);
		e.time = sqlite3_column_int64(s, 1);
		db_get_text(s, 2, e.pid, sizeof(e.pid));
		db_get_text(s, 3, e.next_pid, sizeof(e.next_pid));
		db_get_text(s, 4, e.address, sizeof(e.address));
		db_get_text(s, 5, e.admin_user, sizeof(e.admin_user));
		stop = each(context, &e);
		if (stop)
			break;
	}
	sqlite3_finalize(s);
	return stop ? stop : rc;
}

int keymap_earlier_secrets(struct keymap *m, const struct keymap_earlier *e,
			   struct system_secrets *out, struct fault *fault)
{
	const struct earlier_row row = row_of(e);
	char *fields[DB_PASSWORDS];
	sqlite3_stmt *s;
	int rc;

	memset(out, 0, sizeof(*out));
	db_password_fields(out, fields);
	rc = db_statement(m, "SELECT admin_password, next_admin_password, mebx_password,"
			  " next_mebx_password FROM csti_amts_history WHERE id = ?1", &s, fault);
	if (rc)
		return rc;
	sqlite3_bind_int64(s, 1, e->id);
	rc = db_step(m, s, "read earlier passwords", fault);
	if (rc == 0)
		rc = fault_set(fault, KIT_ERR_NOT_FOUND, "these earlier passwords are not kept"
			       " any more");
	else if (rc > 0)
		rc = 0;
	for (int i = 0; !rc && i < DB_PASSWORDS; i++) {
		struct seal_place place = place_of(db_password_columns[i], &row);

		rc = db_unseal_text(m, s, i, &place, PASSWORD_MAX, fields[i], fault);
	}
	db_done(s);
	if (rc)
		secret_wipe(out, sizeof(*out));
	return rc;
}

/* ---- keeping ---- */

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
	sqlite3_stmt *s;
	int rc = db_statement(m, "SELECT ifnull(max(id), 0) + 1 FROM csti_amts_history", &s, fault);

	if (rc)
		return rc;
	rc = db_step(m, s, "keep earlier passwords", fault);
	if (rc > 0)
		*id = sqlite3_column_int64(s, 0);
	db_done(s);
	return rc < 0 ? rc : 0;
}

static int insert(struct keymap *m, const struct keymap_earlier *e,
		  const struct system_secrets *secrets, struct fault *fault)
{
	const struct earlier_row row = row_of(e);
	struct system_secrets copy = *secrets;
	uint8_t sealed[DB_PASSWORDS][DB_PASSWORD];
	char *fields[DB_PASSWORDS];
	sqlite3_stmt *s;
	int rc;

	db_password_fields(&copy, fields);
	rc = db_statement(m, "INSERT INTO csti_amts_history(" COLUMNS ", uuid, admin_password,"
			  " next_admin_password, mebx_password, next_mebx_password)"
			  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)", &s, fault);
	for (int i = 0; !rc && i < DB_PASSWORDS; i++) {
		struct seal_place place = place_of(db_password_columns[i], &row);

		rc = db_seal_text(m, s, i + 8, &place, fields[i], PASSWORD_MAX, sealed[i], fault);
		if (rc)
			db_done(s);
	}
	secret_wipe(&copy, sizeof(copy));
	if (rc)
		return rc;
	sqlite3_bind_int64(s, 1, e->id);
	sqlite3_bind_int64(s, 2, e->time);
	db_text(s, 3, e->pid);
	db_text(s, 4, e->next_pid);
	db_text(s, 5, e->address);
	db_text(s, 6, e->admin_user);
	db_uuid(s, 7, &e->uuid);
	return db_run(m, s, "keep earlier passwords", NULL, fault);
}

static int prune(struct keymap *m, const struct keymap_earlier *e, struct fault *fault)
{
	sqlite3_stmt *s;
	int rc;

	rc = db_statement(m, "DELETE FROM csti_amts_history WHERE uuid = ?1 AND pid IS ?2"
			  " AND id NOT IN (SELECT id FROM csti_amts_history WHERE uuid = ?1"
			  " AND pid IS ?2 ORDER BY id DESC LIMIT ?3)", &s, fault);
	if (rc)
		return rc;
	db_uuid(s, 1, &e->uuid);
	db_text(s, 2, e->pid);
	sqlite3_bind_int(s, 3, KEPT);
	return db_run(m, s, "keep earlier passwords", NULL, fault);
}

/* Is the newest of this machine and key the very same? Then once is enough. */
static int is_kept(struct keymap *m, const struct keymap_earlier *e,
		   const struct system_secrets *secrets, bool *kept, struct fault *fault)
{
	struct keymap_earlier last = { .id = 0 };
	struct system_secrets old;
	int rc = keymap_earlier_find(m, &e->uuid, e->pid, &last, fault);

	*kept = false;
	if (rc)
		return rc == KIT_ERR_NOT_FOUND ? 0 : rc;
	rc = keymap_earlier_secrets(m, &last, &old, fault);
	if (!rc)
		*kept = secret_equal(&old, secrets, sizeof(old)) &&
			strcmp(last.next_pid, e->next_pid) == 0 &&
			strcmp(last.admin_user, e->admin_user) == 0;
	secret_wipe(&old, sizeof(old));
	return rc;
}

static bool holds_any(const struct system_secrets *s)
{
	return *s->admin_password || *s->next_admin_password || *s->mebx_password ||
	       *s->next_mebx_password;
}

int db_keep_secrets(struct keymap *m, const struct uuid *uuid,
		    const struct system_secrets *secrets, int64_t now, struct fault *fault)
{
	struct keymap_earlier e = { .uuid = *uuid, .time = now };
	struct system system;
	bool kept;
	int rc = keymap_system_find(m, uuid, &system, fault);

	if (!rc && !holds_any(secrets) && !*system.next_pid)
		return 0;
	if (rc)
		return rc;
	memcpy(e.pid, system.pid, sizeof(e.pid));
	memcpy(e.next_pid, system.next_pid, sizeof(e.next_pid));
	memcpy(e.address, system.address, sizeof(e.address));
	memcpy(e.admin_user, system.admin_user, sizeof(e.admin_user));
	rc = is_kept(m, &e, secrets, &kept, fault);
	if (rc || kept)
		return rc;
	rc = next_id(m, &e.id, fault);
	if (!rc)
		rc = insert(m, &e, secrets, fault);
	return rc ? rc : prune(m, &e, fault);
}

int db_forget_earlier(struct keymap *m, const struct uuid *uuid, struct fault *fault)
{
	sqlite3_stmt *s;
	int rc = db_statement(m, "DELETE FROM csti_amts_history WHERE uuid = ?1", &s, fault);

	if (rc)
		return rc;
	db_uuid(s, 1, uuid);
	return db_run(m, s, "forget earlier passwords", NULL, fault);
}
