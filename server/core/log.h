/* The daemon's log: every event goes into the map, and a copy to standard error. */
#ifndef SERVER_CORE_LOG_H
#define SERVER_CORE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "server/keymap/events.h"

struct commit;
struct fold;
struct held_note;
struct keymap;

#define LOG_LINES 1000	/* of the copy, in a second */

/*
 * The copy goes to standard error; or, with fields of its own (AMT_EVENT, AMT_PID, AMT_UUID,
 * AMT_ADDRESS, AMT_HINT), to systemd's journal where that is what standard error is. Lines over
 * LOG_LINES in a second are in the map only, but for errors; the copy says how many.
 */
struct log {
	struct commit *commit;	/* NULL: the copy only, before the map is open */
	bool journal;
	bool levels;		/* "<6>" or the like before each line, as systemd takes them */
	uint64_t events[SEVERITY_SECURITY + 1];	/* counted by severity */
	struct fold *fold;	/* lines that repeat themselves; NULL: none is folded */
	/* Lines of the transaction that is open. */
	struct held_note *held;
	size_t n_held, held_room;
	size_t part;		/* those before the newest job's */
	/* The copy in this second. */
	int64_t second;
	unsigned lines, left_out;
};

/* The environment that systemd gives says how to write lines. */
void log_init(struct log *l);

/* Drops lines that are held; *l can be used again after log_init(). */
void log_free(struct log *l);

/*
 * Keep events in the map from now on, with COMMIT, and fold those that repeat themselves (see
 * fold.h). Lines of its jobs go to the copy when they are durable. Those of a job that failed are
 * dropped with what it wrote; if a whole transaction failed, all are, and one line says how many
 * and why.
 */
int log_follow(struct log *l, struct commit *commit, struct fault *fault);

/* Once a second: say what was folded; with LAST, before a stop, also what is not over yet. */
void log_turn(struct log *l, bool last);

/*
 * Note EVENT inside a transaction of MAP (in a job of the commit). Its time is set to now. What
 * it says has not happened before the commit: the line is held until then.
 */
void log_inside(struct log *l, struct keymap *map, struct logentry *event);

/* Note EVENT from anywhere else: copied, and written to the map by a job of its own. */
void log_note(struct log *l, struct logentry *event);

/* Note a fault as an event NAME; PREFIX is put before its text ("the map: "), or NULL. */
void log_fault(struct log *l, enum severity severity, const char *name,
	       const char *prefix, const struct fault *fault);

/* One line of plain news about the daemon itself, severity info, in the copy alone. */
void log_say(struct log *l, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
