/* One line of the server's log: what happened to which machine and key, and what to do. */
#include "server/keymap/logentry.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "common/error.h"
#include "common/utf8.h"

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
	for (size_t i = 0; i < SEVERITIES; i++) {
		if (strcmp(word, words[i]) == 0) {
			*out = (enum severity)i;
			return 0;
		}
	}
	return KIT_ERR_ARGUMENT;
}

void logentry_time(int64_t when, char out[static EVENT_TIME + 1])
{
	time_t t = (time_t)when;
	struct tm tm;

	/* Five digits of year do not fit, and nothing of ours is that far away. */
	if (when <= 0 || when > INT64_C(253402300799) || !gmtime_r(&t, &tm))
		out[0] = 0;
	else
		strftime(out, EVENT_TIME + 1, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* Copy S to OUT with all that could steer a terminal or break a line made '?'. */
static size_t clean(const char *s, char *out, size_t size)
{
	size_t at = 0;

	while (*s) {
		size_t n = utf8_character(s, strnlen(s, 4)), bytes = n ? n : 1;

		if (at + bytes >= size)
			break;
		memcpy(out + at, n ? s : "?", bytes);
		at += bytes;
		s += bytes;
	}
	if (size)
		out[at] = 0;
	return at;
}

static size_t add(char *out, size_t size, size_t at, const char *before, const char *text)
{
	if (!text || !text[0] || at + 1 >= size)
		return at;
	at += clean(before, out + at, size - at);
	return at + clean(text, out + at, size - at);
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
	char when[EVENT_TIME + 1], pid[PID_SHOWN + 1], uuid[UUID_SHOWN + 1];
	size_t at = 0;

	if (size == 0)
		return 0;
	out[0] = 0;
	logentry_time(e->time, when);
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

/* jansson itself gives NULL for what is no UTF-8. */
json_t *logentry_text(const char *text)
{
	char buffer[1024];

	if (!text || !text[0])
		return json_null();
	clean(text, buffer, sizeof(buffer));
	return json_string(buffer);
}

json_t *logentry_json(const struct logentry *e)
{
	char when[EVENT_TIME + 1], pid[PID_SHOWN + 1], uuid[UUID_SHOWN + 1];

	logentry_time(e->time, when);
	if (e->uuid)
		uuid_show(e->uuid, uuid);
	return json_pack("{s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "id", (json_int_t)e->id,
			 "time", when, "severity", severity_word(e->severity),
			 "event", logentry_text(e->name), "pid", logentry_text(shown_pid(e, pid)),
			 "uuid", logentry_text(e->uuid ? uuid : NULL),
			 "address", logentry_text(e->address), "what", logentry_text(e->what),
			 "hint", logentry_text(e->hint));
}
