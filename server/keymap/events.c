/* The log of the key map: what happened to which machine and key, and what to do. */
#include "server/keymap/events.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"
#include "server/keymap/keymap-private.h"

static const char *const words[] = {
	[SEVERITY_INFO] = "info",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_ERROR] = "error",
	[SEVERITY_SECURITY] = "security",
};

#define SEVERITIES (sizeof(words) / sizeof(words[0]))

const char *severity_word(enum severity severity)
{
	return (size_t)severity < SEVERITIES ? words[severity] : "unknown";
}

int severity_parse(const char *word, enum severity *out)
{
	int at = word_at(words, SEVERITIES, word);

	if (at < 0)
		return KIT_ERR_ARGUMENT;
	*out = (enum severity)at;
	return 0;
}

static size_t add(char *out, size_t size, size_t at, const char *before, const char *text)
{
	if (!text || !text[0] || at + 1 >= size)
		return at;
	at += text_clean(out + at, size - at, before);
	return at + text_clean(out + at, size - at, text);
}

static const char *shown_pid(const struct logentry *e, char out[static PID_SHOWN + 1])
{
	if (!e->pid || !e->pid[0])
		return NULL;
	pidpps_show_pid(e->pid, out);
	return out;
}

size_t logentry_line(const struct logentry *e, char *out, size_t size)
{
	char when[CLOCK_TEXT + 1], pid[PID_SHOWN + 1], uuid[UUID_SHOWN + 1];
	size_t at = 0;

	if (size == 0)
		return 0;
	out[0] = 0;
	clock_show(e->time, when);
	at = add(out, size, at, "", when);
	at = add(out, size, at, at ? " " : "", severity_word(e->severity));
	at = add(out, size, at, " ", e->name);
	at = add(out, size, at, " pid=", shown_pid(e, pid));
	if (e->uuid) {
		uuid_show(e->uuid, uuid);
		at = add(out, size, at, " uuid=", uuid);
	}
	at = add(out, size, at, " address=", e->address);
	at = add(out, size, at, ": ", e->what);
	return add(out, size, at, " -- ", e->hint);
}

/* jansson itself gives NULL for what is not UTF-8. */
json_t *logentry_text(const char *text)
{
	char buffer[1024];

	if (!text || !text[0])
		return json_null();
	text_clean(buffer, sizeof(buffer), text);
	return json_string(buffer);
}

json_t *logentry_json(const struct logentry *e)
{
	char when[CLOCK_TEXT + 1], pid[PID_SHOWN + 1], uuid[UUID_SHOWN + 1];

	clock_show(e->time, when);
	if (e->uuid)
		uuid_show(e->uuid, uuid);
	return json_pack("{s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "id", (json_int_t)e->id,
			 "time", when, "severity", severity_word(e->severity),
			 "event", logentry_text(e->name), "pid", logentry_text(shown_pid(e, pid)),
			 "uuid", logentry_text(e->uuid ? uuid : NULL),
			 "address", logentry_text(e->address), "what", logentry_text(e->what),
			 "hint", logentry_text(e->hint));
}

/* ---- rows ---- */

#define TRIM_EVENTS	256	/* are written between two looks at the length of the log */

static int trim(struct keymap *m, struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, "DELETE FROM log WHERE id <= (SELECT max(id) FROM log) - ?1",
			       &s, fault);

	if (rc)
		return rc;
	sql_bind_int(s, 1, (int64_t)m->log_keep);
	return sql_run(s, "trim the log", NULL, fault);
}

void keymap_log_keep(struct keymap *m, uint64_t keep)
{
	m->log_keep = keep;
	m->logged = 0;
}

int keymap_log(struct keymap *m, const struct logentry *e, struct fault *fault)
{
	const char *name = e->name ? e->name : "";
	struct sql_statement *s;
	bool own;
	int rc;

	rc = keymap_enter_once(m, &own, fault);
	if (rc)
		return rc;
	if (m->log_keep && m->logged++ % TRIM_EVENTS == 0)
		rc = trim(m, fault);
	if (rc)
		return keymap_leave(m, own, rc, fault);
	rc = sql_statement(m->db, "INSERT INTO log(time, severity, name, pid, uuid, address,"
				  " what, hint)"
			   " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", &s, fault);
	if (!rc) {
		sql_bind_int(s, 1, e->time);
		sql_bind_int(s, 2, e->severity);
		sql_bind_text(s, 3, name, strlen(name));
		bind_pid(s, 4, e->pid);
		bind_uuid(s, 5, e->uuid);
		bind_text(s, 6, e->address);
		bind_text(s, 7, e->what);
		bind_text(s, 8, e->hint);
		rc = sql_run(s, "write the log", NULL, fault);
	}
	return keymap_leave(m, own, rc, fault);
}

static void read_event(struct sql_statement *s, struct logentry *out, struct uuid *uuid)
{
	out->id = sql_int(s, 0);
	out->time = sql_int(s, 1);
	out->severity = (enum severity)sql_int(s, 2);
	out->name = sql_text(s, 3, NULL);
	out->pid = sql_text(s, 4, NULL);
	out->uuid = get_uuid(s, 5, uuid) ? uuid : NULL;
	out->address = sql_text(s, 6, NULL);
	out->what = sql_text(s, 7, NULL);
	out->hint = sql_text(s, 8, NULL);
}

#define COLUMNS	"id, time, severity, name, pid, uuid, address, what, hint"

int keymap_log_each(struct keymap *m, const struct keymap_log_filter *f,
		    int (*each)(void *context, const struct logentry *event), void *context,
		    struct fault *fault)
{
	struct logentry event;
	struct uuid uuid;
	struct sql_statement *s = NULL;
	char sql[600];
	int rc, stop = 0;

	/* The last so many are found from the end, and then turned round. */
	snprintf(sql, sizeof(sql),
		 "SELECT * FROM (SELECT " COLUMNS " FROM log WHERE id > ?1"
		 "%s%s%s%s%s ORDER BY id %s LIMIT ?7) AS found%s",
		 f->severity > SEVERITY_INFO ? " AND severity >= ?2" : "",
		 f->pid ? " AND pid = ?3" : "", f->uuid ? " AND uuid = ?4" : "",
		 f->name ? " AND name = ?5" : "", f->since ? " AND time >= ?6" : "",
		 f->last ? "DESC" : "ASC", f->last ? " ORDER BY id" : "");
	rc = sql_prepare(m->db, sql, &s, fault);
	if (rc)
		return rc;
	sql_bind_int(s, 1, f->after_id);
	sql_bind_int(s, 2, f->severity);
	bind_pid(s, 3, f->pid);
	bind_uuid(s, 4, f->uuid);
	bind_text(s, 5, f->name);
	sql_bind_int(s, 6, f->since);
	sql_bind_int(s, 7, f->last ? (int64_t)f->last : INT64_MAX);
	while ((rc = sql_step(s, "read the log", fault)) > 0) {
		read_event(s, &event, &uuid);
		stop = each(context, &event);
		if (stop)
			break;
	}
	sql_free(&s);
	return stop ? stop : rc;
}
