/* Which machines are being set up at this moment: limits, and what is due next. */
#ifndef SERVER_SETUP_FLEET_H
#define SERVER_SETUP_FLEET_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "server/setup/attempt.h"

/*
 * The queue itself is in the map: a machine is due when its row says so. At most max_setups
 * attempts run at a time, never two for one machine.
 */
struct fleet;

struct fleet_counts {
	uint64_t started, configured, failed;
	uint64_t running;	/* now */
};

/* SERVICES are copied; what they point to must outlive the fleet. */
int fleet_new(struct fleet **out, const struct attempt_services *services,
	      struct fault *fault);
/* No attempt may be running. *f may be NULL. */
void fleet_free(struct fleet **f);

/*
 * Machines whose rows say that they are in set-up, but that are not, are due at once: those
 * of a server that ended, those of a backup that was restored, and those whose outcome the map
 * would not take. KIT_ERR_BUSY: not now.
 */
int fleet_recover(struct fleet *f, size_t *recovered, struct fault *fault);

/* Something may be due now: look, at the next turn of the event loop. */
void fleet_kick(struct fleet *f);

/* Begin nothing more and give up what runs. */
void fleet_stop(struct fleet *f);

const struct fleet_counts *fleet_counts(const struct fleet *f);

#endif
