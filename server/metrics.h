/* Counters for monitoring, as Prometheus reads them, on a small HTTP port. */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include <stdint.h>

#include "common/error.h"
#include "server/core/address.h"
#include "server/core/config.h"

struct certificates;
struct event_base;
struct fleet;
struct log;
struct keymap;
struct commit;
struct listener;

/* How long something took, counted in steps. */
#define METRICS_STEPS	11
struct metrics_times {
	uint64_t within[METRICS_STEPS];	/* of 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000 ms */
	uint64_t count;
	double sum;		/* seconds */
};

/* Count something that took SECONDS. */
void metrics_observe(struct metrics_times *t, double seconds);

/* Where the numbers come from; all borrowed. */
struct metrics_sources {
	struct keymap *map;
	const struct commit *commit;
	const struct listener *listener;
	const struct fleet *fleet;
	const struct log *log;
	struct certificates *const *certificates;
	const struct metrics_times *commits;	/* from a hello's connection to its commit */
};

/*
 * Serve GET /metrics on ADDRESSES. Returns 0, KIT_ERR_BUSY (another program listens there), or
 * KIT_ERR_NOMEM.
 */
struct metrics;
int metrics_new(struct metrics **out, struct event_base *base,
		const struct config_addresses *addresses, const struct metrics_sources *sources,
		struct fault *fault);
/* *m may be NULL. */
void metrics_free(struct metrics **m);

/* Where they are served, for address I: the address, and its port; 0: none. */
uint16_t metrics_where(const struct metrics *m, size_t i, char address[static ADDRESS_TEXT + 1]);

#endif
