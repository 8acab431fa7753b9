/* The daemon's log: the one place below main that writes to standard error. */
#include "server/core/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "common/clock.h"
#include "server/core/commit.h"
#include "server/core/fold.h"
#include "server/core/log-private.h"
#include "server/keymap/events.h"

#define LINE 6000

/* A copy of an event. */
struct note {
	struct logentry event;
	struct uuid uuid;
	char texts[];		/* name, pid, address, what, hint, each with its NUL */
};

/* What a job said, until it is durable. */
struct held_note {
	struct note *note;	/* NULL: it is only counted */
	size_t place;		/* of the fold, then */
};

/* ---- the copy on standard error or in systemd's journal ---- */

/* systemd says which file its journal's stream is; the output may have been redirected since. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_init(struct log *l)
{
	memset(l, 0, sizeof(*l));
	l->journal = stderr_is_journal();
	l->levels = !l->journal && getenv("JOURNAL_STREAM") && !isatty(STDERR_FILENO);
}

static int priority(enum severity severity)
{
	static const int priorities[] = {
		[SEVERITY_INFO] = 6, [SEVERITY_WARNING] = 4, [SEVERITY_ERROR] = 3,
		[SEVERITY_SECURITY] = 4,
	};

	return priorities[severity];
}

static void add_field(struct log_fields *f, const char *name, const char *value)
{
	size_t room = sizeof(f->text) - f->size;
	int n;

	if (!value || !*value)
		return;
	n = snprintf(f->text + f->size, room, "%s=%s", name, value);
	if (n < 0 || (size_t)n >= room)
		return;
	f->fields[f->count++] = (struct iovec){ f->text + f->size, (size_t)n };
	f->size += (size_t)n + 1;
}

void log_fields(const struct logentry *e, struct log_fields *f)
{
	char line[LINE], number[2] = { (char)('0' + priority(e->severity)), '\0' };
	char uuid[UUID_SHOWN + 1] = "", pid[PID_SHOWN + 1] = "";
	struct logentry timeless = *e;

	timeless.time = 0;	/* the journal has its own */
	logentry_line(&timeless, line, sizeof(line));
	if (e->uuid)
		uuid_show(e->uuid, uuid);
	if (e->pid && *e->pid)
		pidpps_show_pid(e->pid, pid);
	f->count = f->size = 0;
	add_field(f, "MESSAGE", line);
	add_field(f, "PRIORITY", number);
	add_field(f, "SYSLOG_IDENTIFIER", "amt-provisiond");
	add_field(f, "AMT_SEVERITY", severity_word(e->severity));
	add_field(f, "AMT_EVENT", e->name);
	add_field(f, "AMT_PID", pid);
	add_field(f, "AMT_UUID", uuid);
	add_field(f, "AMT_ADDRESS", e->address);
	add_field(f, "AMT_HINT", e->hint);
}

static void write_copy(struct log *l, const struct logentry *e)
{
	struct log_fields fields;
	char line[LINE];

	if (l->journal) {
		log_fields(e, &fields);
		if (sd_journal_sendv(fields.fields, (int)fields.count) == 0)
			return;
	}
	logentry_line(e, line, sizeof(line));
	if (l->levels)
		fprintf(stderr, "<%d>%s\n", priority(e->severity), line);
	else
		fprintf(stderr, "%s\n", line);
}

/* Text of our own, not in the map. */
static void __attribute__((format(printf, 4, 5)))
write_news(struct log *l, enum severity severity, const char *name, const char *format, ...)
{
	char what[600];
	struct logentry e = { .time = clock_now(), .severity = severity, .name = name,
			      .what = what };
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	write_copy(l, &e);
}

/* The copy has its own bound: what is over it is in the map all the same. Errors always come. */
static void copy(struct log *l, const struct logentry *e)
{
	int64_t now = (int64_t)clock_monotonic();

	if (now != l->second) {
		unsigned left_out = l->left_out;

		l->second = now;
		l->lines = l->left_out = 0;
		if (left_out)
			write_news(l, SEVERITY_WARNING, "log-busy", "%u line%s left out here: "
				   "\"amt-provisionctl log\" shows all", left_out,
				   left_out == 1 ? " was" : "s were");
	}
	if (l->lines < LOG_LINES || e->severity == SEVERITY_ERROR) {
		l->lines++;
		write_copy(l, e);
	} else {
		l->left_out++;
	}
}

/* ---- events ---- */

/* The log is where failures are reported: for its own there is only the copy. */
static void report_unkept(struct log *l, const struct logentry *e, const struct fault *fault)
{
	write_news(l, SEVERITY_ERROR, "log-lost", "a line %s is not in the map's log: %s", e->name,
		   fault->what);
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

/* NULL: no memory. */
static struct note *copy_event(const struct logentry *e)
{
	char pid[PID_LENGTH + 1] = "", *at;
	struct note *n;

	if (e->pid)
		memcpy(pid, e->pid, PID_LENGTH);
	n = malloc(sizeof(*n) + size_of(e->name) + sizeof(pid) + size_of(e->address) +
		   size_of(e->what) + size_of(e->hint));
	if (!n)
		return NULL;
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
	return n;
}

/* False: no memory. */
static bool hold(struct log *l, struct held_note held)
{
	if (l->n_held == l->held_room) {
		size_t room = l->held_room ? l->held_room * 2 : 64;
		struct held_note *bigger = realloc(l->held, room * sizeof(*bigger));

		if (!bigger)
			return false;
		l->held = bigger;
		l->held_room = room;
	}
	l->held[l->n_held++] = held;
	return true;
}

/* Is the event one too many, and only counted? */
static bool is_folded(struct log *l, const struct logentry *e, size_t *place)
{
	*place = l->fold ? fold_look(l->fold, e, clock_monotonic()) : FOLD_WRITE;
	return *place != FOLD_WRITE;
}

void log_inside(struct log *l, struct keymap *map, struct logentry *e)
{
	struct fault fault = { 0 };
	struct held_note held = { 0 };

	e->time = clock_now();
	if (is_folded(l, e, &held.place)) {
		if (!hold(l, held))
			fold_settle(l->fold, held.place, true);
		return;
	}
	held.note = copy_event(e);
	/* Without memory it is printed at once, rather than not. */
	if (!held.note || !hold(l, held)) {
		free(held.note);
		copy(l, e);
	}
	if (keymap_log(map, e, &fault))
		report_unkept(l, e, &fault);
}

/* The last of what is held, from number FIRST on, has happened, or has not. */
static void release(struct log *l, size_t first, bool happened)
{
	for (size_t i = first; i < l->n_held; i++) {
		struct held_note *h = &l->held[i];

		if (!h->note) {
			fold_settle(l->fold, h->place, happened);
			continue;
		}
		if (happened) {
			l->events[h->note->event.severity]++;
			copy(l, &h->note->event);
		}
		free(h->note);
	}
	l->n_held = first;
}

static void begin_part(void *context)
{
	struct log *l = context;

	l->part = l->n_held;
}

static void undo_part(void *context)
{
	struct log *l = context;

	release(l, l->part, false);
}

static void settle(void *context, const struct fault *failed)
{
	struct log *l = context;
	size_t n = l->n_held;

	release(l, 0, !failed);
	if (failed && n)
		write_news(l, SEVERITY_ERROR, "log-lost",
			   "%zu event%s could not be kept in the map and did not happen: %s", n,
			   plural(n), failed->what);
}

/* Where a line is written to the map by itself. */
struct line_write {
	struct log *log;
	struct note *note;
};

static int write_line(struct keymap *map, void *context, struct fault *fault)
{
	struct line_write *line = context;

	return keymap_log(map, &line->note->event, fault);
}

static void line_done(void *context, int code, const struct fault *fault)
{
	struct line_write *line = context;

	if (code)
		report_unkept(line->log, &line->note->event, fault);
	free(line->note);
	free(line);
}

static void note(struct log *l, struct logentry *e)
{
	struct commit_job job = { .run = write_line, .done = line_done };
	struct line_write *line;

	l->events[e->severity]++;
	copy(l, e);
	if (!l->commit)
		return;
	line = malloc(sizeof(*line));
	if (!line)
		return;
	line->log = l;
	line->note = copy_event(e);
	job.context = line;
	if (!line->note || commit_add(l->commit, &job, NULL)) {
		free(line->note);
		free(line);
	}
}

void log_note(struct log *l, struct logentry *e)
{
	size_t place;

	e->time = clock_now();
	if (is_folded(l, e, &place))
		fold_settle(l->fold, place, true);
	else
		note(l, e);
}

static void on_sum(void *context, const struct logentry *sum)
{
	struct logentry e = *sum;

	e.time = clock_now();
	note(context, &e);
}

int log_follow(struct log *l, struct commit *commit, struct fault *fault)
{
	const struct commit_hooks hooks = { begin_part, undo_part, settle, l };
	int rc = fold_new(&l->fold, on_sum, l, fault);

	if (rc)
		return rc;
	l->commit = commit;
	commit_set_hooks(commit, &hooks);
	return 0;
}

void log_turn(struct log *l, bool last)
{
	if (l->fold)
		fold_flush(l->fold, clock_monotonic(), last);
}

void log_free(struct log *l)
{
	if (l->n_held)
		release(l, 0, false);
	free(l->held);
	l->held = NULL;
	l->held_room = 0;
	fold_free(&l->fold);
	l->commit = NULL;
}

void log_fault(struct log *l, enum severity severity, const char *name,
	       const char *prefix, const struct fault *fault)
{
	char what[600];
	struct logentry e = { .severity = severity, .name = name, .what = what,
			      .hint = *fault->hint ? fault->hint : NULL };

	snprintf(what, sizeof(what), "%s%s", prefix ? prefix : "", fault->what);
	log_note(l, &e);
}

void log_say(struct log *l, const char *format, ...)
{
	char what[600];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	write_news(l, SEVERITY_INFO, "server", "%s", what);
}
