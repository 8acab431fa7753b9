/* Slow devices: requests whose answer has to wait, without a thread for each. */
#include "samples/amt-sim/sim-delay.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct waiting {
	struct MHD_Connection *connection;
	struct timespec due;
	struct waiting *next;
};

struct sim_delay {
	uint64_t ms;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	bool ending;
	struct waiting *first, **last;	/* in order of their time */
	struct waiting *forever;
};

static bool past(const struct timespec *due)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec != due->tv_sec ? now.tv_sec > due->tv_sec : now.tv_nsec >= due->tv_nsec;
}

static void *run(void *argument)
{
	struct sim_delay *d = argument;

	pthread_mutex_lock(&d->lock);
	while (!d->ending) {
		struct waiting *w = d->first;

		if (!w) {
			pthread_cond_wait(&d->changed, &d->lock);
		} else if (!past(&w->due)) {
			pthread_cond_timedwait(&d->changed, &d->lock, &w->due);
		} else {
			d->first = w->next;
			if (!d->first)
				d->last = &d->first;
			MHD_resume_connection(w->connection);
			free(w);
		}
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

int sim_delay_new(struct sim_delay **out, uint64_t ms, struct fault *fault)
{
	struct sim_delay *d = calloc(1, sizeof(*d));
	pthread_condattr_t clock;
	int err;

	*out = NULL;
	if (!d)
		return fault_nomem(fault);
	d->ms = ms;
	d->last = &d->first;
	pthread_mutex_init(&d->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&d->changed, &clock);
	pthread_condattr_destroy(&clock);
	err = pthread_create(&d->thread, NULL, run, d);
	if (err != 0) {
		pthread_cond_destroy(&d->changed);
		pthread_mutex_destroy(&d->lock);
		free(d);
		return fault_sys(fault, err, "cannot start a thread");
	}
	*out = d;
	return 0;
}

/* Suspend the connection and remember it; the lock is held when 0 is returned. */
static int suspend(struct sim_delay *d, struct MHD_Connection *connection, struct waiting **out)
{
	struct waiting *w = calloc(1, sizeof(*w));

	if (!w)
		return KIT_ERR_NOMEM;
	pthread_mutex_lock(&d->lock);
	if (d->ending) {
		pthread_mutex_unlock(&d->lock);
		free(w);
		return KIT_ERR_STATE;
	}
	MHD_suspend_connection(connection);
	w->connection = connection;
	*out = w;
	return 0;
}

int sim_delay_add(struct sim_delay *d, struct MHD_Connection *connection)
{
	struct waiting *w = NULL;
	int rc = suspend(d, connection, &w);

	if (rc < 0)
		return rc;
	clock_gettime(CLOCK_MONOTONIC, &w->due);
	w->due.tv_sec += (time_t)(d->ms / 1000);
	w->due.tv_nsec += (long)(d->ms % 1000) * 1000000;
	if (w->due.tv_nsec >= 1000000000) {
		w->due.tv_nsec -= 1000000000;
		w->due.tv_sec++;
	}
	*d->last = w;
	d->last = &w->next;
	pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->lock);
	return 0;
}

int sim_delay_forever(struct sim_delay *d, struct MHD_Connection *connection)
{
	struct waiting *w = NULL;
	int rc = suspend(d, connection, &w);

	if (rc < 0)
		return rc;
	w->next = d->forever;
	d->forever = w;
	pthread_mutex_unlock(&d->lock);
	return 0;
}

static void resume_all(struct waiting **list)
{
	struct waiting *w = *list;

	*list = NULL;
	while (w) {
		struct waiting *next = w->next;

		MHD_resume_connection(w->connection);
		free(w);
		w = next;
	}
}

void sim_delay_stop(struct sim_delay *d)
{
	pthread_mutex_lock(&d->lock);
	d->ending = true;
	pthread_cond_signal(&d->changed);
	resume_all(&d->first);
	resume_all(&d->forever);
	pthread_mutex_unlock(&d->lock);
}

void sim_delay_free(struct sim_delay **d)
{
	if (!*d)
		return;
	sim_delay_stop(*d);
	pthread_join((*d)->thread, NULL);
	pthread_cond_destroy(&(*d)->changed);
	pthread_mutex_destroy(&(*d)->lock);
	free(*d);
	*d = NULL;
}
