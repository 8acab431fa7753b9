/* The log of the key map: what happened to which machine and key, and what to do. */
#ifndef SERVER_KEYMAP_EVENTS_H
#define SERVER_KEYMAP_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/uuid.h"
#include "keygen/pidpps.h"

struct keymap;

enum severity {
	SEVERITY_INFO,
	SEVERITY_WARNING,
	SEVERITY_ERROR,
	SEVERITY_SECURITY,		/* somebody may be trying something */
};

/*
 * Strings are borrowed: the caller's when an event is written, the reader's (valid
 * during the call) when it is read. NULL or "" stands for what does not apply. No
 * text may ever hold a secret.
 */
struct logentry {
	int64_t id;		/* place in the log, rising; set by the map */
	int64_t time;		/* seconds since 1970 UTC */
	enum severity severity;
	const char *name;	/* stable short word for programs: "invalid-pid-map" */
	const char *pid;	/* PID_LENGTH characters, or NULL */
	const struct uuid *uuid;	/* or NULL */
	const char *address;	/* the peer's, or NULL */
	const char *what;	/* one sentence, no full stop */
	const char *hint;	/* what to do, or NULL */
};

/* "info", "warning", "error", "security". */
const char *severity_word(enum severity severity);
/* The reverse; KIT_ERR_ARGUMENT. */
int severity_parse(const char *word, enum severity *out);

/*
 * The event as one line without a line end: time in UTC, severity, "pid=", "uuid=",
 * "address=" where they apply, name, what, and "-- " hint. Control characters and
 * bytes that are not UTF-8 are shown as '?'. Cut off at SIZE - 1 bytes. Returns its length.
 */
size_t logentry_line(const struct logentry *event, char *out, size_t size);

/* The event as a jansson object (a new reference), or NULL when out of memory. */
struct json_t;
struct json_t *logentry_json(const struct logentry *event);

/*
 * TEXT from wherever as a jansson string, cleaned as logentry_line() does and cut at 1023
 * bytes; JSON's null for NULL and "". A new reference.
 */
struct json_t *logentry_text(const char *text);

/* ---- rows ---- */

/* Append an event (its id is ignored). */
int keymap_log(struct keymap *m, const struct logentry *event, struct fault *fault);

struct keymap_log_filter {
	int64_t after_id;	/* only events after this one (for following) */
	uint64_t last;		/* only the last so many; 0: all */
	enum severity severity;	/* this and worse; SEVERITY_INFO: all */
	const char *pid;	/* or NULL */
	const struct uuid *uuid;	/* or NULL */
	const char *name;	/* event name, or NULL */
	int64_t since;		/* not before this time; 0: all */
};
/* In order, oldest first; as keymap_each(). */
int keymap_log_each(struct keymap *m, const struct keymap_log_filter *filter,
		    int (*each)(void *context, const struct logentry *event), void *context,
		    struct fault *fault);
/*
 * From now on keymap_log() of this handle deletes all but the newest KEEP events, some at a time
 * as others come: there are never many more. 0: it deletes none.
 */
void keymap_log_keep(struct keymap *m, uint64_t keep);

#endif
