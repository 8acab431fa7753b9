/* amt-provisionctl log: what happened, one line an event; followed as it happens. */
#include "server/ctl/amt-provisionctl.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/keymap/events.h"
#include "server/keymap/keymap.h"

#define FOLLOW_MS	250	/* how often the map is asked whether it changed */
#define LINE		2048

struct log_options {
	struct ctl_map at;
	const char *severity, *pid, *uuid, *event;
	uint64_t lines;
	bool follow;
};

static const struct cli_option options[] = {
	CTL_MAP_OPTIONS(struct log_options),
	CLI_FLAG('f', "follow", struct log_options, follow,
		 "continue with new events as they come, until interrupted"),
	CLI_NUMBER('n', "lines", struct log_options, lines, "N", 1, UINT32_MAX,
		   "only the last N events"),
	CLI_TEXT('s', "severity", struct log_options, severity, "WORD",
		 "only this and worse: info, warning, error, security"),
	CLI_TEXT(0, "pid", struct log_options, pid, "PID", "only events of this key"),
	CLI_TEXT(0, "uuid", struct log_options, uuid, "UUID", "only events of this machine"),
	CLI_TEXT('e', "event", struct log_options, event, "NAME",
		 "only events of this name, such as invalid-pid-map"),
	{ 0 },
};

struct show {
	struct cli *cli;
	int64_t last;		/* id of the last event shown */
	char last_line[LINE];	/* and what it said */
	bool failed;
};

static int note_last(void *context, const struct logentry *e)
{
	struct show *s = context;

	s->last = e->id;
	logentry_line(e, s->last_line, sizeof(s->last_line));
	return 0;
}

static int show_event(void *context, const struct logentry *e)
{
	struct show *s = context;
	json_t *value;

	note_last(s, e);
	if (s->cli->json) {
		value = logentry_json(e);
		if (!value || json_dumpf(value, stdout, JSON_COMPACT))
			s->failed = true;
		json_decref(value);
		putchar('\n');
	} else {
		puts(s->last_line);
	}
	return ferror(stdout) ? 1 : 0;
}

/*
 * Wait for the next look. False when whoever reads our output has gone: a pipe's reading end
 * that is closed shows as an error on ours, long before there is something to write.
 */
static bool wait_for_more(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = 0 };

	return poll(&out, 1, FOLLOW_MS) <= 0 || !(out.revents & (POLLERR | POLLHUP | POLLNVAL));
}

struct printed_line {
	int64_t id;
	char line[LINE];
};

static int first_event(void *context, const struct logentry *e)
{
	struct printed_line *p = context;

	p->id = e->id;
	logentry_line(e, p->line, sizeof(p->line));
	return 1;
}

/*
 * A backup that was put in the map's place brings its own log, whose numbers go on from an
 * earlier one: then the last event shown is another or none. Go on with the restore itself.
 */
static int look_for_restore(struct keymap *m, struct show *s, struct fault *fault)
{
	struct keymap_log_filter filter = { .after_id = s->last - 1 };
	struct printed_line found = { 0 };
	int rc;

	if (!s->last)
		return 0;
	rc = keymap_log_each(m, &filter, first_event, &found, fault);
	/* One with a higher number: those up to it were trimmed. */
	if (rc < 0 || found.id > s->last ||
	    (found.id == s->last && strcmp(found.line, s->last_line) == 0))
		return rc < 0 ? rc : 0;
	filter = (struct keymap_log_filter){ .name = "map-restored", .last = 1 };
	found.id = 0;
	rc = keymap_log_each(m, &filter, first_event, &found, fault);
	/* Its own event comes a moment after it: until then nothing is shown. */
	if (rc >= 0 && found.id)
		s->last = found.id - 1;
	return rc < 0 ? rc : 0;
}

static int follow(struct keymap *m, struct keymap_log_filter *filter, struct show *s,
		  struct fault *fault)
{
	bool changed;
	int rc = 0;

	filter->last = 0;
	while (!rc && fflush(stdout) == 0 && wait_for_more()) {
		rc = keymap_changed(m, &changed, fault);
		if (rc || !changed)
			continue;
		rc = look_for_restore(m, s, fault);
		if (rc)
			continue;
		filter->after_id = s->last;
		rc = keymap_log_each(m, filter, show_event, s, fault);
	}
	return rc;
}

static int run_show(struct cli *cli, const void *given)
{
	const struct log_options *o = given;
	const struct keymap_log_filter newest = { .last = 1 };
	struct keymap_log_filter filter = { 0 };
	struct show show = { .cli = cli };
	char pid[PID_LENGTH + 1];
	struct uuid uuid;
	struct fault fault = { 0 };
	struct operator op = { .map = NULL };
	struct show end = { .last = 0 };
	int rc;

	if (o->severity &&
	    severity_parse(o->severity, &filter.severity))
		return cli_misuse(cli,
				  "--severity: \"%s\" is not info, warning, error or security",
				  o->severity);
	if (o->pid) {
		if (ctl_pid(cli, o->pid, pid))
			return EXIT_CANNOT;
		filter.pid = pid;
	}
	if (o->uuid) {
		if (ctl_uuid(cli, o->uuid, &uuid))
			return EXIT_CANNOT;
		filter.uuid = &uuid;
	}
	filter.name = o->event;
	filter.last = o->lines;
	rc = ctl_begin(&o->at, 0, &op, &fault);
	/* The newest event, so that following begins behind all that there is. */
	if (!rc && o->follow)
		rc = keymap_log_each(op.map, &newest, note_last, &end, &fault);
	if (!rc)
		rc = keymap_log_each(op.map, &filter, show_event, &show, &fault);
	if (!rc && filter.uuid && !show.last)
		ctl_warn_swapped(cli, op.map, filter.uuid);
	if (!rc && o->follow) {
		/* What came in while the old was read has been shown or will be, never twice. */
		if (end.last > show.last) {
			show.last = end.last;
			memcpy(show.last_line, end.last_line, sizeof(show.last_line));
		}
		rc = follow(op.map, &filter, &show, &fault);
	}
	keymap_close(&op.map);
	if (rc < 0)
		return cli_fail(cli, &fault);
	return show.failed ? EXIT_CANNOT : EXIT_YES;
}

const struct cli_verb ctl_log = {
	.name = "log",
	.operands = "",
	.summary = "show what happened, one line for each event",
	.options = options,
	.options_size = sizeof(struct log_options),
	.flags = CLI_JSON,
	.run = run_show,
	.details =
		"A line has time, severity, name, PID, UUID, address, what happened, and what to "
		"do. With --json each line is an object.",
	.examples = "amt-provisionctl log --follow\n"
		    "amt-provisionctl log --severity warning -n 20",
};
