/* The daemon's log: every event goes to standard error and into the map. */
#ifndef SERVER_JOURNAL_H
#define SERVER_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "keygen/error.h"
#include "server/event.h"

struct keymap;
struct ledger;

struct journal {
	struct ledger *ledger;	/* NULL: standard error only, before the map is open */
	bool levels;		/* "<6>" and kin before each line, as the systemd journal takes them */
	uint64_t events[EVENT_SECURITY + 1];	/* counted by severity */
};

/* How to write lines is told by the environment that systemd gives. */
void journal_init(struct journal *j);

/* Note EVENT inside a transaction of MAP (in a job of the ledger). Its time is set to now. */
void journal_inside(struct journal *j, struct keymap *map, struct event *event);

/* Note EVENT from anywhere else: copied, and written to the map by a job of its own. */
void journal_note(struct journal *j, struct event *event);

/* Note a fault as an event NAME; PREFIX is put before its text ("the map: "), or NULL. */
void journal_fault(struct journal *j, enum event_severity severity, const char *name,
		   const char *prefix, const struct fault *fault);

/* One line of plain news about the daemon itself, severity info, on standard error alone. */
void journal_say(struct journal *j, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
