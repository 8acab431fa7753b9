/* The daemon's log: every event goes to standard error and into the map. */
#ifndef SERVER_CORE_LOG_H
#define SERVER_CORE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "server/keymap/events.h"

struct keymap;
struct commit;

struct log {
	struct commit *commit;	/* NULL: standard error only, before the map is open */
	bool levels;		/* "<6>" and kin before each line, as the systemd log takes them */
	uint64_t events[SEVERITY_SECURITY + 1];	/* counted by severity */
	/* Lines of the transaction that is open: told once it is durable. */
	char *held;
	size_t held_size, held_room;
	unsigned held_events[SEVERITY_SECURITY + 1];
	/* The same when the newest job began. */
	size_t part_size;
	unsigned part_events[SEVERITY_SECURITY + 1];
};

/* How to write lines is told by the environment that systemd gives. */
void log_init(struct log *j);

/* Drops lines that are held; *j can be used again after log_init(). */
void log_free(struct log *j);

/*
 * Note EVENT inside a transaction of MAP (in a job of the commit). Its time is set to now. What
 * it says has not happened before the commit: the line is held until then: see log_follow().
 */
void log_inside(struct log *j, struct keymap *map, struct logentry *event);

/*
 * Have the lines of COMMIT's jobs go to standard error when they are durable. Those of a job
 * that failed are dropped with what it wrote; if a whole transaction failed, all are, and one
 * line says how many and why.
 */
void log_follow(struct log *j, struct commit *commit);

/* Note EVENT from anywhere else: copied, and written to the map by a job of its own. */
void log_note(struct log *j, struct logentry *event);

/* Note a fault as an event NAME; PREFIX is put before its text ("the map: "), or NULL. */
void log_fault(struct log *j, enum severity severity, const char *name,
		   const char *prefix, const struct fault *fault);

/* One line of plain news about the daemon itself, severity info, on standard error alone. */
void log_say(struct log *j, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
