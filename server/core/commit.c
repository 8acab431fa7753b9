/* Writes to the map, gathered into few commits. */
#include "server/core/commit.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/keymap/keymap.h"

#define ONE_COMMIT	4096	/* jobs: keeps a commit, and the lock, short */
#define BUSY_MS		5	/* until a held lock is tried again */

struct entry {
	struct ledger_job job;
	struct fault fault;
	int code;
};

struct ledger {
	struct keymap *map;
	struct event *turn;
	struct ledger_job *waiting;	/* in their order */
	size_t count, room;
	struct entry *running;		/* ONE_COMMIT of them */
	size_t n_running;
	double blocked_since;
	bool scheduled;
	void (*told)(void *context, const struct fault *failed);
	void *told_context;
};

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void schedule(struct ledger *l, unsigned ms)
{
	struct timeval tv = { .tv_usec = ms * 1000 };

	if (l->scheduled)
		return;
	l->scheduled = true;
	evtimer_add(l->turn, &tv);
}

/* Move the oldest jobs from waiting to running. */
static void take_jobs(struct ledger *l)
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

static void tell_done(struct ledger *l)
{
	/* A job that is added meanwhile goes to waiting, so that running stands still. */
	for (size_t i = 0; i < l->n_running; i++) {
		struct entry *e = &l->running[i];

		e->job.done(e->job.context, e->code, &e->fault);
	}
	l->n_running = 0;
}

static void fail_all(struct ledger *l, const struct fault *fault)
{
	for (size_t i = 0; i < l->n_running; i++) {
		l->running[i].code = fault->code;
		l->running[i].fault = *fault;
	}
}

/* One transaction. False: the lock is held by another process, nothing was done. */
static bool commit_some(struct ledger *l)
{
	struct fault fault = { .code = 0 };
	int ret = keymap_begin(l->map, &fault);

	if (ret == KIT_ERR_BUSY) {
		if (l->blocked_since == 0)
			l->blocked_since = seconds_now();
		return false;
	}
	l->blocked_since = 0;
	take_jobs(l);
	if (ret) {
		fail_all(l, &fault);
		tell_done(l);
		return true;
	}
	for (size_t i = 0; i < l->n_running; i++) {
		struct entry *e = &l->running[i];

		e->code = e->job.run(l->map, e->job.context, &e->fault);
	}
	ret = keymap_commit(l->map, &fault);
	if (ret)
		fail_all(l, &fault);
	if (l->told)
		l->told(l->told_context, ret ? &fault : NULL);
	tell_done(l);
	return true;
}

static void on_turn(evutil_socket_t fd, short what, void *user)
{
	struct ledger *l = user;

	l->scheduled = false;
	if (l->count == 0)
		return;
	if (!commit_some(l))
		schedule(l, BUSY_MS);
	else if (l->count)
		schedule(l, 0);
}

int ledger_new(struct ledger **out, struct event_base *base, struct keymap *map,
	       struct fault *fault)
{
	struct ledger *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (!l)
		return fault_set(fault, KIT_ERR_NOMEM, "out of memory");
	l->map = map;
	l->turn = evtimer_new(base, on_turn, l);
	l->running = calloc(ONE_COMMIT, sizeof(*l->running));
	if (!l->turn || !l->running) {
		ledger_free(&l);
		return fault_set(fault, KIT_ERR_NOMEM, "out of memory");
	}
	keymap_set_wait(map, 0);
	*out = l;
	return 0;
}

void ledger_free(struct ledger **l)
{
	struct fault fault = { .code = 0 };

	if (!*l)
		return;
	fault_set(&fault, KIT_ERR_CANCELLED, "the server stops");
	for (size_t i = 0; i < (*l)->count; i++) {
		struct ledger_job job = (*l)->waiting[i];

		job.done(job.context, fault.code, &fault);
	}
	if ((*l)->turn)
		event_free((*l)->turn);
	free((*l)->waiting);
	free((*l)->running);
	free(*l);
	*l = NULL;
}

void ledger_on_commit(struct ledger *l, void (*told)(void *context, const struct fault *failed),
		      void *context)
{
	l->told = told;
	l->told_context = context;
}

int ledger_add(struct ledger *l, const struct ledger_job *job, struct fault *fault)
{
	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		struct ledger_job *bigger = realloc(l->waiting, room * sizeof(*bigger));

		if (!bigger)
			return fault_set(fault, KIT_ERR_NOMEM, "out of memory");
		l->waiting = bigger;
		l->room = room;
	}
	l->waiting[l->count++] = *job;
	schedule(l, 0);
	return 0;
}

size_t ledger_waiting(const struct ledger *l)
{
	return l->count;
}

double ledger_blocked_since(const struct ledger *l)
{
	return l->blocked_since;
}

void ledger_flush(struct ledger *l, unsigned seconds)
{
	double until = seconds_now() + seconds;

	while (l->count) {
		struct timespec pause = { .tv_nsec = BUSY_MS * 1000000L };

		if (commit_some(l))
			continue;
		if (seconds_now() > until)
			return;
		nanosleep(&pause, NULL);
	}
}
