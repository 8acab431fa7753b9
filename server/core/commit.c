/* Writes to the map, gathered into few commits. */
#include "server/core/commit.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "server/keymap/keymap.h"

#define ONE_COMMIT	4096	/* jobs: keeps a commit, and the lock, short */
#define BUSY_MS		5	/* until a held lock is tried again */

struct queued_job {
	struct commit_job job;
	struct fault fault;
	int code;
};

struct commit {
	struct keymap *map;
	struct event *turn;
	struct commit_job *waiting;	/* in their order */
	size_t count, room;
	struct queued_job *running;		/* ONE_COMMIT of them */
	size_t n_running;
	double blocked_since;
	bool scheduled;
	struct commit_hooks hooks;
};

static void schedule(struct commit *c, unsigned ms)
{
	struct timeval tv = { .tv_usec = ms * 1000 };

	if (c->scheduled)
		return;
	c->scheduled = true;
	evtimer_add(c->turn, &tv);
}

/* Move the oldest jobs from waiting to running. */
static void take_jobs(struct commit *c)
{
	c->n_running = c->count < ONE_COMMIT ? c->count : ONE_COMMIT;
	for (size_t i = 0; i < c->n_running; i++) {
		c->running[i].job = c->waiting[i];
		c->running[i].code = 0;
		fault_clear(&c->running[i].fault);
	}
	c->count -= c->n_running;
	memmove(c->waiting, c->waiting + c->n_running, c->count * sizeof(*c->waiting));
}

static void jobs_done(struct commit *c)
{
	/* A job that is added meanwhile goes to waiting: running does not change. */
	for (size_t i = 0; i < c->n_running; i++) {
		struct queued_job *e = &c->running[i];

		e->job.done(e->job.context, e->code, &e->fault);
	}
	c->n_running = 0;
}

static void fail_all(struct commit *c, const struct fault *fault)
{
	for (size_t i = 0; i < c->n_running; i++) {
		c->running[i].code = fault->code;
		c->running[i].fault = *fault;
	}
}

/* Each job is a part of the transaction that is undone by itself. */
static void run_job(struct commit *c, struct queued_job *e)
{
	int rc = keymap_part_begin(c->map, &e->fault);

	if (!rc) {
		if (c->hooks.begin)
			c->hooks.begin(c->hooks.context);
		rc = e->job.run(c->map, e->job.context, &e->fault);
		if (rc && c->hooks.undone)
			c->hooks.undone(c->hooks.context);
		rc = keymap_part_end(c->map, rc, &e->fault);
	}
	e->code = rc;
}

/* One transaction. False: the lock is held by another process, nothing was done. */
static bool commit_some(struct commit *c)
{
	struct fault fault = { .code = 0 };
	int rc = keymap_begin(c->map, &fault);

	if (rc == KIT_ERR_BUSY) {
		if (c->blocked_since == 0)
			c->blocked_since = clock_monotonic();
		return false;
	}
	c->blocked_since = 0;
	take_jobs(c);
	if (rc) {
		fail_all(c, &fault);
		jobs_done(c);
		return true;
	}
	for (size_t i = 0; i < c->n_running; i++)
		run_job(c, &c->running[i]);
	rc = keymap_commit(c->map, &fault);
	if (rc)
		fail_all(c, &fault);
	if (c->hooks.settled)
		c->hooks.settled(c->hooks.context, rc ? &fault : NULL);
	jobs_done(c);
	return true;
}

static void on_turn(evutil_socket_t fd, short what, void *user)
{
	struct commit *c = user;

	c->scheduled = false;
	if (c->count == 0)
		return;
	if (!commit_some(c))
		schedule(c, BUSY_MS);
	else if (c->count)
		schedule(c, 0);
}

int commit_new(struct commit **out, struct event_base *base, struct keymap *map,
	       struct fault *fault)
{
	struct commit *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (!c)
		return fault_nomem(fault);
	c->map = map;
	c->turn = evtimer_new(base, on_turn, c);
	c->running = calloc(ONE_COMMIT, sizeof(*c->running));
	if (!c->turn || !c->running) {
		commit_free(&c);
		return fault_nomem(fault);
	}
	keymap_set_wait(map, 0);
	*out = c;
	return 0;
}

void commit_free(struct commit **c)
{
	struct fault fault = { .code = 0 };

	if (!*c)
		return;
	fault_set(&fault, KIT_ERR_CANCELLED, "the server stops");
	for (size_t i = 0; i < (*c)->count; i++) {
		struct commit_job job = (*c)->waiting[i];

		job.done(job.context, fault.code, &fault);
	}
	if ((*c)->turn)
		event_free((*c)->turn);
	free((*c)->waiting);
	free((*c)->running);
	free(*c);
	*c = NULL;
}

void commit_set_hooks(struct commit *c, const struct commit_hooks *hooks)
{
	c->hooks = *hooks;
}

int commit_add(struct commit *c, const struct commit_job *job, struct fault *fault)
{
	if (c->count == c->room) {
		size_t room = c->room ? c->room * 2 : 64;
		struct commit_job *bigger = realloc(c->waiting, room * sizeof(*bigger));

		if (!bigger)
			return fault_nomem(fault);
		c->waiting = bigger;
		c->room = room;
	}
	c->waiting[c->count++] = *job;
	schedule(c, 0);
	return 0;
}

size_t commit_waiting(const struct commit *c)
{
	return c->count;
}

double commit_blocked_since(const struct commit *c)
{
	return c->blocked_since;
}

void commit_flush(struct commit *c, unsigned seconds)
{
	double until = clock_monotonic() + seconds;

	while (c->count) {
		struct timespec pause = { .tv_nsec = BUSY_MS * 1000000L };

		if (commit_some(c))
			continue;
		if (clock_monotonic() > until)
			return;
		nanosleep(&pause, NULL);
	}
}
