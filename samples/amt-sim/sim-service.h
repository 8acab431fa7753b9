/* What listens on a set-up device: TLS-PSK or plain HTTP, Digest, and the two protocols behind. */
#ifndef SAMPLES_AMT_SIM_SIM_SERVICE_H
#define SAMPLES_AMT_SIM_SIM_SERVICE_H

#include <stdint.h>

#include "samples/amt-sim/sim-fleet.h"

struct sim_service;

/*
 * Serve all devices of FLEET at the addresses that they have.
 *
 *   port   of TLS-PSK (16993). One device listens at its own address, several at all addresses
 *          of the machine
 *   plain  port of HTTP without TLS, where only devices that are set up answer. 0: PORT - 1
 *          (16992) if it is their habit to speak there, else none
 * The fleet must outlive the service. Returns 0, KIT_ERR_BUSY, KIT_ERR_SYSTEM, KIT_ERR_LIBRARY,
 * KIT_ERR_NOMEM.
 */
int sim_service_start(struct sim_service **out, struct sim_fleet *fleet, uint16_t port,
		      uint16_t plain, struct fault *fault);

/* Connections that are open at this moment. */
unsigned sim_service_connections(const struct sim_service *s);

/* Close everything. *s may be NULL. */
void sim_service_stop(struct sim_service **s);

#endif
