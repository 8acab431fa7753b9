/* The ports of simulated devices: which are open at this moment, and who comes in by them. */
#ifndef SAMPLES_AMT_SIM_SIM_GATE_H
#define SAMPLES_AMT_SIM_SIM_GATE_H

#include <stdint.h>

#include "samples/amt-sim/sim-fleet.h"

/* How a connection goes on. */
enum sim_way {
	SIM_WAY_CLOSED,	/* it does not */
	SIM_WAY_PSK,	/* TLS-PSK, with the key from the stick */
	SIM_WAY_PKI,	/* TLS with certificates on both sides, to be set up by */
	SIM_WAY_TLS,	/* TLS with a certificate of the device's own */
	SIM_WAY_PLAIN,	/* HTTP without TLS */
};

struct sim_gate;

/*
 * Listen for all devices of FLEET, by the habits that it has: one device listens at its own
 * address, and its ports are really closed when they are; several listen at all addresses of the
 * machine, and what comes to a closed port is reset.
 *
 *   port   of TLS (16993)
 *   plain  of HTTP without TLS (16992), open once a device is set up; 0: none
 *   enter  takes over the connection FD, which is to go on by WAY (never SIM_WAY_CLOSED); is
 *          called from the gate's thread
 * The fleet must outlive the gate. Returns 0, KIT_ERR_BUSY, KIT_ERR_SYSTEM, KIT_ERR_NOMEM.
 */
int sim_gate_start(struct sim_gate **out, struct sim_fleet *fleet, uint16_t port, uint16_t plain,
		   void (*enter)(void *context, enum sim_way way, int fd,
				 const struct sim_address *from),
		   void *context, struct fault *fault);

/* The state of a device has changed: open and close its ports. */
void sim_gate_look(struct sim_gate *g);

/* Nobody enters any more when this returns; the ports stay as they are. G may be NULL. */
void sim_gate_stop(struct sim_gate *g);
/* Stops it, and closes the ports. *g may be NULL. */
void sim_gate_free(struct sim_gate **g);

#endif
