/* Writes to the map, gathered: many small pieces of work share one durable commit. */
#ifndef SERVER_CORE_COMMIT_H
#define SERVER_CORE_COMMIT_H

#include <stddef.h>

#include "common/error.h"

struct event_base;
struct keymap;

/*
 * A job is work on the map that has to be durable before anything follows from it. Jobs
 * that come together are run in one transaction, at the next turn of the event loop. When
 * another process holds the map's lock they wait, and are tried again.
 */
struct commit;

struct commit_job {
	/*
	 * Do the work inside the transaction. An error is this job's own: what it wrote is
	 * undone, and the others go on.
	 */
	int (*run)(struct keymap *map, void *context, struct fault *fault);
	/*
	 * After the commit: CODE 0, the job's own error, or that of the commit (then nothing of
	 * it is in the map). FAULT says more. May add jobs.
	 */
	void (*done)(void *context, int code, const struct fault *fault);
	void *context;
};

int commit_new(struct commit **out, struct event_base *base, struct keymap *map,
	       struct fault *fault);
/* Jobs that still wait end with KIT_ERR_CANCELLED. *c may be NULL. */
void commit_free(struct commit **c);

/* What else follows from jobs; each may be NULL. */
struct commit_hooks {
	void (*begin)(void *context);	/* before each job's run() */
	void (*undone)(void *context);	/* after a run() that failed: what it wrote is gone */
	/*
	 * After every transaction, before any done() of its jobs: FAILED is NULL when all of it
	 * is durable, else why nothing of it is.
	 */
	void (*settled)(void *context, const struct fault *failed);
	void *context;
};
void commit_set_hooks(struct commit *c, const struct commit_hooks *hooks);

/* Add a job. done() is called exactly once, but not before this returns. KIT_ERR_NOMEM. */
int commit_add(struct commit *c, const struct commit_job *job, struct fault *fault);

/* Jobs that wait. The caller accepts no more work from strangers when there are too many. */
size_t commit_waiting(const struct commit *c);

/* Since when (clock_monotonic()) has another process held the map's lock? 0: none holds it. */
double commit_blocked_since(const struct commit *c);

/* Run and commit everything now, for a stop. Waits for the lock up to SECONDS. */
void commit_flush(struct commit *c, unsigned seconds);

#endif
