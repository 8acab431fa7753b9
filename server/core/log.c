/* The daemon's log: the one place below main that writes to standard error. */
#include "server/core/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/keymap/events.h"
#include "server/core/commit.h"

#define LINE 6000

void log_init(struct log *j)
{
	memset(j, 0, sizeof(*j));
	j->levels = getenv("JOURNAL_STREAM") != NULL && !isatty(STDERR_FILENO);
}

void log_free(struct log *j)
{
	free(j->held);
	j->held = NULL;
	j->held_size = j->held_room = 0;
	memset(j->held_events, 0, sizeof(j->held_events));
}

static const char *level(const struct log *j, enum severity severity)
{
	static const char *const levels[] = {
		[SEVERITY_INFO] = "<6>", [SEVERITY_WARNING] = "<4>", [SEVERITY_ERROR] = "<3>",
		[SEVERITY_SECURITY] = "<4>",
	};

	return j->levels ? levels[severity] : "";
}

static void print(struct log *j, enum severity severity, const char *line)
{
	fprintf(stderr, "%s%s\n", level(j, severity), line);
}

/* The log is where failures are told: of its own there is only standard error to tell. */
static void tell_unkept(const struct logentry *e, const struct fault *fault)
{
	fprintf(stderr, "the line %s is not in the map's log: %s\n", e->name, fault->what);
}

/* Keep the line until the commit. Without memory it is printed at once, rather than not. */
static void hold(struct log *j, enum severity severity, const char *line)
{
	size_t size = strlen(level(j, severity)) + strlen(line) + 2;

	if (size > j->held_room - j->held_size) {
		size_t room = 2 * (j->held_size + size);
		char *bigger = realloc(j->held, room);

		if (!bigger) {
			print(j, severity, line);
			return;
		}
		j->held = bigger;
		j->held_room = room;
	}
	snprintf(j->held + j->held_size, size, "%s%s\n", level(j, severity), line);
	j->held_size += size - 1;
	j->held_events[severity]++;
}

void log_inside(struct log *j, struct keymap *map, struct logentry *event)
{
	struct fault fault = { .code = 0 };
	char line[LINE];

	event->time = time(NULL);
	logentry_line(event, line, sizeof(line));
	hold(j, event->severity, line);
	if (keymap_log(map, event, &fault))
		tell_unkept(event, &fault);
}

static void begin_part(void *context)
{
	struct log *j = context;

	j->part_size = j->held_size;
	memcpy(j->part_events, j->held_events, sizeof(j->part_events));
}

static void undo_part(void *context)
{
	struct log *j = context;

	j->held_size = j->part_size;
	memcpy(j->held_events, j->part_events, sizeof(j->part_events));
}

static void settle(void *context, const struct fault *failed)
{
	struct log *j = context;
	unsigned n = 0;

	for (int i = 0; i <= SEVERITY_SECURITY; i++) {
		n += j->held_events[i];
		if (!failed)
			j->events[i] += j->held_events[i];
		j->held_events[i] = 0;
	}
	if (!failed && j->held_size)
		fwrite(j->held, 1, j->held_size, stderr);
	else if (n)
		fprintf(stderr,
			"%s%u event%s could not be kept in the map and did not happen: %s\n",
			level(j, SEVERITY_ERROR), n, plural(n), failed->what);
	j->held_size = 0;
}

void log_follow(struct log *j, struct commit *commit)
{
	const struct commit_hooks hooks = { begin_part, undo_part, settle, j };

	commit_set_hooks(commit, &hooks);
}

/* A copy of an event that waits for its turn in the commit. */
struct note {
	struct logentry event;
	struct uuid uuid;
	char texts[];		/* name, pid, address, what, hint, each with its NUL */
};

static int write_note(struct keymap *map, void *context, struct fault *fault)
{
	struct note *n = context;

	return keymap_log(map, &n->event, fault);
}

static void note_done(void *context, int code, const struct fault *fault)
{
	struct note *n = context;

	if (code)
		tell_unkept(&n->event, fault);
	free(n);
}

static const char *keep(char **at, const char *text)
{
	const char *kept = *at;

	if (!text)
		return NULL;
	strcpy(*at, text);
	*at += strlen(text) + 1;
	return kept;
}

static size_t size_of(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

void log_note(struct log *j, struct logentry *e)
{
	struct commit_job job = { .run = write_note, .done = note_done };
	char pid[PID_LENGTH + 1] = "", *at, line[LINE];
	struct note *n;

	e->time = time(NULL);
	j->events[e->severity]++;
	logentry_line(e, line, sizeof(line));
	print(j, e->severity, line);
	if (!j->commit)
		return;
	if (e->pid)
		memcpy(pid, e->pid, PID_LENGTH);
	n = malloc(sizeof(*n) + size_of(e->name) + sizeof(pid) + size_of(e->address) +
		   size_of(e->what) + size_of(e->hint));
	if (!n)
		return;
	n->event = *e;
	at = n->texts;
	n->event.name = keep(&at, e->name);
	n->event.pid = e->pid ? keep(&at, pid) : NULL;
	n->event.address = keep(&at, e->address);
	n->event.what = keep(&at, e->what);
	n->event.hint = keep(&at, e->hint);
	if (e->uuid) {
		n->uuid = *e->uuid;
		n->event.uuid = &n->uuid;
	}
	job.context = n;
	if (commit_add(j->commit, &job, NULL))
		free(n);
}

void log_fault(struct log *j, enum severity severity, const char *name,
		   const char *prefix, const struct fault *fault)
{
	char what[600];
	struct logentry e = { .severity = severity, .name = name, .what = what,
			   .hint = *fault->hint ? fault->hint : NULL };

	snprintf(what, sizeof(what), "%s%s", prefix ? prefix : "", fault->what);
	log_note(j, &e);
}

void log_say(struct log *j, const char *format, ...)
{
	char what[600], line[700];
	struct logentry e = { .time = time(NULL), .severity = SEVERITY_INFO, .name = "server",
			   .what = what };
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	logentry_line(&e, line, sizeof(line));
	print(j, SEVERITY_INFO, line);
}
