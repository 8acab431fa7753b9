/* Lines of the log that repeat themselves: the first ones are written, the others counted. */
#ifndef SERVER_CORE_FOLD_H
#define SERVER_CORE_FOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "server/keymap/events.h"

#define FOLD_SECONDS	60	/* after which lines are written again */
#define FOLD_SAME	5	/* lines of one kind about one machine in that time */
#define FOLD_KIND	50	/* lines of one kind from one address (IPv6: one /64 network) */
#define FOLD_WRITE	SIZE_MAX

/*
 * What repeats itself: a kind (the event's name) about one machine (address, UUID and PID), or,
 * but for news of severity info, a kind from one address, whatever machines it speaks of: a peer
 * that makes them up fills the log no more than one that does not. Bounded memory; where it is full
 * lines are written.
 */
struct fold;

/*
 * SUM is called with a line that says how many were left out, once their time is over. Its strings
 * are valid during the call.
 */
int fold_new(struct fold **out, void (*sum)(void *context, const struct logentry *line),
	     void *context, struct fault *fault);
/* What is left out and not yet said is dropped: see fold_flush(). *f may be NULL. */
void fold_free(struct fold **f);

/*
 * Is EVENT to be written? FOLD_WRITE: yes. Else a place for fold_settle(), which has to be called.
 * NOW: clock_monotonic(). May call sum().
 */
size_t fold_look(struct fold *f, const struct logentry *event, double now);

/* The event of that place is over: it happened and is counted, or did not. */
void fold_settle(struct fold *f, size_t place, bool happened);

/* Say what was left out in the time that is over by NOW; with ALL, what was left out so far. */
void fold_flush(struct fold *f, double now, bool all);

#endif
