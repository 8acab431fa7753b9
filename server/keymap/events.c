/* The log of the key map. */
#include <stdio.h>

#include "server/keymap/keymap-private.h"

int keymap_log(struct keymap *m, const struct logentry *e, struct fault *fault)
{
	sqlite3_stmt *s;
	bool own;
	int rc;

	rc = db_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = db_statement(m, "INSERT INTO log(time, severity, name, pid, uuid, address, what, todo)"
			  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", &s, fault);
	if (!rc) {
		sqlite3_bind_int64(s, 1, e->time);
		sqlite3_bind_int(s, 2, e->severity);
		sqlite3_bind_text(s, 3, e->name ? e->name : "", -1, SQLITE_STATIC);
		db_pid(s, 4, e->pid);
		db_uuid(s, 5, e->uuid);
		db_text(s, 6, e->address);
		db_text(s, 7, e->what);
		db_text(s, 8, e->hint);
		rc = db_run(m, s, "write the log", NULL, fault);
	}
	return db_leave(m, own, rc, fault);
}

static void read_event(sqlite3_stmt *s, struct logentry *out, struct uuid *uuid)
{
	out->id = sqlite3_column_int64(s, 0);
	out->time = sqlite3_column_int64(s, 1);
	out->severity = (enum severity)sqlite3_column_int(s, 2);
	out->name = (const char *)sqlite3_column_text(s, 3);
	out->pid = (const char *)sqlite3_column_text(s, 4);
	out->uuid = db_get_uuid(s, 5, uuid) ? uuid : NULL;
	out->address = (const char *)sqlite3_column_text(s, 6);
	out->what = (const char *)sqlite3_column_text(s, 7);
	out->hint = (const char *)sqlite3_column_text(s, 8);
}

#define COLUMNS	"id, time, severity, name, pid, uuid, address, what, todo"

int keymap_log_each(struct keymap *m, const struct keymap_log_filter *f,
		    int (*each)(void *context, const struct logentry *event), void *context,
		    struct fault *fault)
{
	struct logentry event;
	struct uuid uuid;
	sqlite3_stmt *s = NULL;
	char sql[600];
	int rc, stop = 0;

	/* The last so many are found from the end, and then turned round. */
	snprintf(sql, sizeof(sql),
		 "SELECT * FROM (SELECT " COLUMNS " FROM log WHERE id > ?1"
		 "%s%s%s%s%s ORDER BY id %s LIMIT ?7)%s",
		 f->severity > SEVERITY_INFO ? " AND severity >= ?2" : "",
		 f->pid ? " AND pid = ?3" : "", f->uuid ? " AND uuid = ?4" : "",
		 f->name ? " AND name = ?5" : "", f->since ? " AND time >= ?6" : "",
		 f->last ? "DESC" : "ASC", f->last ? " ORDER BY id" : "");
	if (sqlite3_prepare_v2(m->db, sql, -1, &s, NULL) != SQLITE_OK)
		return db_fault(m, "read the log", fault);
	sqlite3_bind_int64(s, 1, f->after_id);
	sqlite3_bind_int(s, 2, f->severity);
	db_pid(s, 3, f->pid);
	db_uuid(s, 4, f->uuid);
	db_text(s, 5, f->name);
	sqlite3_bind_int64(s, 6, f->since);
	sqlite3_bind_int64(s, 7, f->last ? (int64_t)f->last : -1);
	while ((rc = db_step(m, s, "read the log", fault)) > 0) {
		read_event(s, &event, &uuid);
		stop = each(context, &event);
		if (stop)
			break;
	}
	sqlite3_finalize(s);
	return stop ? stop : rc;
}

int keymap_log_trim(struct keymap *m, uint64_t keep, struct fault *fault)
{
	sqlite3_stmt *s;
	bool own;
	int rc;

	rc = db_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = db_statement(m, "DELETE FROM log WHERE id <= (SELECT max(id) FROM log) - ?1", &s,
			  fault);
	if (!rc) {
		sqlite3_bind_int64(s, 1, (int64_t)keep);
		rc = db_run(m, s, "trim the log", NULL, fault);
	}
	return db_leave(m, own, rc, fault);
}
