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
struct sim_fleet {
	struct sim_device *devices;
	size_t n;
	struct sim_address first;
	struct sim_habits habits;
	pthread_mutex_t lock;
	size_t configured;		/* devices that reached Post in this run; under the lock */
	size_t unread;			/* of these, not looked at since; under the lock */
	uint64_t bad_answers;		/* given so far; under the lock */
	int wake;			/* eventfd, written when "configured" grows */
	/* What happens, for people: one line without an end. May come from any thread. */
	void (*event)(void *context, const char *text);
	void *context;
};

/*
 * N factory-less, zeroed devices; fill each with sim_device_factory() or sim_device_load().
 * Returns 0, KIT_ERR_NOMEM, KIT_ERR_SYSTEM, KIT_ERR_RANGE (more devices than addresses).
 */
int sim_fleet_init(struct sim_fleet *f, size_t n, const struct sim_address *first,
		   struct fault *fault);
/* Wipes all devices. */
void sim_fleet_clear(struct sim_fleet *f);

/* The device that has the local address A, or NULL. */
struct sim_device *sim_fleet_at(struct sim_fleet *f, const struct sim_address *a);

/* Say something to people about the device D (NULL: about none). */
void sim_fleet_say(struct sim_fleet *f, const struct sim_device *d, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
