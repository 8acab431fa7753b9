/* The daemon's log: every event goes to standard error and into the map. */
#ifndef SERVER_CORE_LOG_H
#define SERVER_CORE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "server/keymap/logentry.h"

struct keymap;
struct ledger;

struct journal {
	struct ledger *ledger;	/* NULL: standard error only, before the map is open */
	bool levels;		/* "<6>" and kin before each line, as the systemd journal takes them */
	uint64_t events[EVENT_SECURITY + 1];	/* counted by severity */
	/* Lines of the transaction that is open: told once it is durable. */
	char *held;
	size_t held_size, held_room;
	unsigned held_events[EVENT_SECURITY + 1];
};

/* How to write lines is told by the environment that systemd gives. */
void journal_init(struct journal *j);

/* Drops lines that are held; *j can be used again after journal_init(). */
void journal_free(struct journal *j);

/*
 * Note EVENT inside a transaction of MAP (in a job of the ledger). Its time is set to now. What
 * it says has not happened before the commit: the line is held until journal_settle().
 */
void journal_inside(struct journal *j, struct keymap *map, struct event *event);

/*
 * The transaction is over: its lines go to standard error, or, if it FAILED, are dropped, and
 * one line says how many and why. CONTEXT is the journal: for ledger_on_commit().
 */
void journal_settle(void *context, const struct fault *failed);

/* Note EVENT from anywhere else: copied, and written to the map by a job of its own. */
void journal_note(struct journal *j, struct event *event);

/* Note a fault as an event NAME; PREFIX is put before its text ("the map: "), or NULL. */
void journal_fault(struct journal *j, enum event_severity severity, const char *name,
		   const char *prefix, const struct fault *fault);

/* One line of plain news about the daemon itself, severity info, on standard error alone. */
void journal_say(struct journal *j, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
