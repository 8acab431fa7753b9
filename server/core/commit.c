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

struct entry {
	struct commit_job job;
	struct fault fault;
	int code;
};

struct commit {
	struct keymap *map;
	struct event *turn;
	struct commit_job *waiting;	/* in their order */
	size_t count, room;
	struct entry *running;		/* ONE_COMMIT of them */
	size_t n_running;
	double blocked_since;
	bool scheduled;
	struct commit_hooks hooks;
};

static void schedule(struct commit *l, unsigned ms)
{
	struct timeval tv = { .tv_usec = ms * 1000 };

	if (l->scheduled)
		return;
	l->scheduled = true;
	evtimer_add(l->turn, &tv);
}

/* Move the oldest jobs from waiting to running. */
static void take_jobs(struct commit *l)
{
	l->n_running = l->count < ONE_COMMIT ? l->count : ONE_COMMIT;
	for (size_t i = 0; i < l->n_running; i++) {
		l->running[i].job = l->waiting[i];
		l->running[i].code = 0;
		fault_clear(&l->running[i].fault);
	}
	l->count -= l->n_running;
	memmove(l->waiting, l->waiting + l->n_running, l->count * sizeof(*l->waiting));
}

static void tell_done(struct commit *l)
{
	/* A job that is added meanwhile goes to waiting, so that running stands still. */
	for (size_t i = 0; i < l->n_running; i++) {
		struct entry *e = &l->running[i];

		e->job.done(e->job.context, e->code, &e->fault);
	}
	l->n_running = 0;
}

static void fail_all(struct commit *l, const struct fault *fault)
{
	for (size_t i = 0; i < l->n_running; i++) {
		l->running[i].code = fault->code;
		l->running[i].fault = *fault;
	}
}

/* Each job is a part of the transaction that is undone by itself. */
static void run_job(struct commit *l, struct entry *e)
{
	int rc = keymap_part_begin(l->map, &e->fault);

	if (!rc) {
		if (l->hooks.begin)
			l->hooks.begin(l->hooks.context);
		rc = e->job.run(l->map, e->job.context, &e->fault);
		if (rc && l->hooks.undone)
			l->hooks.undone(l->hooks.context);
		rc = keymap_part_end(l->map, rc, &e->fault);
	}
	e->code = rc;
}

/* One transaction. False: the lock is held by another process, nothing was done. */
static bool commit_some(struct commit *l)
{
	struct fault fault = { .code = 0 };
	int rc = keymap_begin(l->map, &fault);

	if (rc == KIT_ERR_BUSY) {
		if (l->blocked_since == 0)
			l->blocked_since = clock_monotonic();
		return false;
	}
	l->blocked_since = 0;
	take_jobs(l);
	if (rc) {
		fail_all(l, &fault);
		tell_done(l);
		return true;
	}
	for (size_t i = 0; i < l->n_running; i++)
		run_job(l, &l->running[i]);
	rc = keymap_commit(l->map, &fault);
	if (rc)
		fail_all(l, &fault);
	if (l->hooks.settled)
		l->hooks.settled(l->hooks.context, rc ? &fault : NULL);
	tell_done(l);
	return true;
}

static void on_turn(evutil_socket_t fd, short what, void *user)
{
	struct commit *l = user;

	l->scheduled = false;
	if (l->count == 0)
		return;
	if (!commit_some(l))
		schedule(l, BUSY_MS);
	else if (l->count)
		schedule(l, 0);
}

int commit_new(struct commit **out, struct event_base *base, struct keymap *map,
	       struct fault *fault)
{
	struct commit *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (!l)
		return fault_nomem(fault);
	l->map = map;
	l->turn = evtimer_new(base, on_turn, l);
	l->running = calloc(ONE_COMMIT, sizeof(*l->running));
	if (!l->turn || !l->running) {
		commit_free(&l);
		return fault_nomem(fault);
	}
	keymap_set_wait(map, 0);
	*out = l;
	return 0;
}

void commit_free(struct commit **l)
{
	struct fault fault = { .code = 0 };

	if (!*l)
		return;
	fault_set(&fault, KIT_ERR_CANCELLED, "the server stops");
	for (size_t i = 0; i < (*l)->count; i++) {
		struct commit_job job = (*l)->waiting[i];

		job.done(job.context, fault.code, &fault);
	}
	if ((*l)->turn)
		event_free((*l)->turn);
	free((*l)->waiting);
	free((*l)->running);
	free(*l);
	*l = NULL;
}

void commit_set_hooks(struct commit *l, const struct commit_hooks *hooks)
{
	l->hooks = *hooks;
}

int commit_add(struct commit *l, const struct commit_job *job, struct fault *fault)
{
	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		struct commit_job *bigger = realloc(l->waiting, room * sizeof(*bigger));

		if (!bigger)
			return fault_nomem(fault);
		l->waiting = bigger;
		l->room = room;
	}
	l->waiting[l->count++] = *job;
	schedule(l, 0);
	return 0;
}

size_t commit_waiting(const struct commit *l)
{
	return l->count;
}

double commit_blocked_since(const struct commit *l)
{
	return l->blocked_since;
}

void commit_flush(struct commit *l, unsigned seconds)
{
	double until = clock_monotonic() + seconds;

	while (l->count) {
		struct timespec pause = { .tv_nsec = BUSY_MS * 1000000L };

		if (commit_some(l))
			continue;
		if (clock_monotonic() > until)
			return;
		nanosleep(&pause, NULL);
	}
}
