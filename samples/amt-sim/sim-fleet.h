/* The simulated machines of one process, told apart by their own addresses. */
#ifndef SAMPLES_AMT_SIM_SIM_FLEET_H
#define SAMPLES_AMT_SIM_SIM_FLEET_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "samples/amt-sim/sim-address.h"
#include "samples/amt-sim/sim-device.h"
#include "samples/amt-sim/sim-habits.h"

/*
 * Device I of n has the address FIRST + I. The devices' service runs in threads of
 * libmicrohttpd: whoever touches a device holds the lock.
 */
struct fleet {
	struct device *devices;
	size_t n;
	struct address first;
	struct habits habits;
	pthread_mutex_t lock;
	size_t configured;		/* devices that reached Post in this run; under the lock */
	uint64_t bad_answers;		/* given so far; under the lock */
	int wake;			/* eventfd, written when "configured" grows */
	/* What happens, for people: one line without an end. May come from any thread. */
	void (*event)(void *context, const char *text);
	void *context;
};

/*
 * N factory-less, zeroed devices; fill each with device_factory() or device_load().
 * Returns 0, KIT_ERR_NOMEM, KIT_ERR_SYSTEM, KIT_ERR_RANGE (more devices than addresses).
 */
int fleet_init(struct fleet *f, size_t n, const struct address *first, struct fault *fault);
/* Wipes all devices. */
void fleet_clear(struct fleet *f);

/* The device that has the local address A, or NULL. */
struct device *fleet_at(struct fleet *f, const struct address *a);

/* Tell people something about the device D (NULL: about none). */
void fleet_say(struct fleet *f, const struct device *d, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
