/* Slow devices: requests whose answer has to wait, without a thread for each. */
#include "samples/amt-sim/sim-delay.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"

struct waiting {
	struct MHD_Connection *connection;
	uint64_t due;			/* of sim_now_ms() */
	struct waiting *next;
};

struct sim_delay {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	bool ending;
	struct waiting *first, *last;	/* in order of their time */
	struct waiting *forever;
};

uint64_t sim_now_ms(void)
{
	return (uint64_t)(clock_monotonic() * 1000);
}

static void *run(void *argument)
{
	struct sim_delay *d = argument;

	pthread_mutex_lock(&d->lock);
	while (!d->ending) {
		struct waiting *w = d->first;

		if (!w) {
			pthread_cond_wait(&d->changed, &d->lock);
		} else if (sim_now_ms() < w->due) {
			const struct timespec due = {
				.tv_sec = (time_t)(w->due / 1000),
				.tv_nsec = (long)(w->due % 1000) * 1000000,
			};

			pthread_cond_timedwait(&d->changed, &d->lock, &due);
		} else {
			d->first = w->next;
			MHD_resume_connection(w->connection);
			free(w);
		}
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

int sim_delay_new(struct sim_delay **out, struct fault *fault)
{
	struct sim_delay *d = calloc(1, sizeof(*d));
	pthread_condattr_t clock;
	int err;

	*out = NULL;
	if (!d)
		return fault_nomem(fault);
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

int sim_delay_add(struct sim_delay *d, struct MHD_Connection *connection, uint64_t ms)
{
	struct waiting *w = NULL, **place = &d->first;
	int rc = suspend(d, connection, &w);

	if (rc < 0)
		return rc;
	w->due = sim_now_ms() + ms;
	/* Most wait equally long, and come behind the last one. */
	if (d->first && d->last->due <= w->due)
		place = &d->last->next;
	while (*place && (*place)->due <= w->due)
		place = &(*place)->next;
	w->next = *place;
	*place = w;
	if (!w->next)
		d->last = w;
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
