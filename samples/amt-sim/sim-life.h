/* The life of set-up devices: hello after hello until the server has set them up. */
#ifndef SAMPLES_AMT_SIM_SIM_LIFE_H
#define SAMPLES_AMT_SIM_SIM_LIFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "samples/amt-sim/sim-fleet.h"
#include "samples/amt-sim/sim-service.h"

struct sim_life {
	const struct sim_address *server; /* NULL: no hellos */
	uint64_t window;		/* milliseconds over which the first hellos are spread */
	uint64_t retry;			/* milliseconds between the hellos of one device */
	unsigned hellos;		/* that a device sends at most */
	uint64_t limit;			/* milliseconds to live; 0: until a signal */
	bool until_configured;		/* end when all devices are set up */
};

struct sim_life_report {
	size_t hellos;		/* sent */
	size_t unsent;		/* no connection */
	size_t configured;	/* devices in state Post at the end */
	double seconds;		/* from the first hello to the last device set up, or to the end */
	bool interrupted;	/* by a signal */
};

/*
 * Block SIGINT and SIGTERM, so that sim_life_run() can take them; to be called before
 * any thread is started. Returns a descriptor to hand to sim_life_run(), or a negative code.
 */
int sim_life_signals(struct fault *fault);

/* Returns 0, KIT_ERR_NOMEM, KIT_ERR_SYSTEM. */
int sim_life_run(struct sim_fleet *f, struct sim_service *s, const struct sim_life *life,
		 int signals, struct sim_life_report *out, struct fault *fault);

#endif
