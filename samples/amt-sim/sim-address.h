/* Network addresses as people write them. */
#ifndef SAMPLES_AMT_SIM_SIM_ADDRESS_H
#define SAMPLES_AMT_SIM_SIM_ADDRESS_H

#include <stdint.h>
#include <sys/socket.h>

#include "common/error.h"

#define SIM_ADDRESS_SHOWN 64 /* bytes that the text of an address and port needs at most */

struct sim_address {
	struct sockaddr_storage socket;
	socklen_t size;
};

/*
 * "127.0.0.1", "ProvisionServer:9971", "[::1]:9971" to an address; PORT is taken when
 * the text has none. Names are looked up. Returns 0, KIT_ERR_ARGUMENT, or KIT_ERR_NOT_FOUND (the
 * name is unknown).
 */
int sim_address_parse(const char *text, uint16_t port, struct sim_address *out,
		      struct fault *fault);

/* With its port, or without when the port is 0. OUT receives SIM_ADDRESS_SHOWN bytes. */
void sim_address_show(const struct sim_address *a, char *out);

/* The N-th IPv4 address after A, with PORT. KIT_ERR_RANGE for IPv6, and past 127.255.255.254. */
int sim_address_after(const struct sim_address *a, uint32_t n, uint16_t port,
		      struct sim_address *out, struct fault *fault);
/* How many addresses after A is B (IPv4; ports do not count)? UINT32_MAX: it is before it. */
uint32_t sim_address_distance(const struct sim_address *a, const struct sim_address *b);

/*
 * A socket bound to A (nonblocking, close-on-exec), which does not listen yet. Returns the
 * descriptor or a negative code.
 */
int sim_address_bind(const struct sim_address *a, struct fault *fault);
/* Let the socket FD, which is bound to A, listen. Returns 0 or a negative code. */
int sim_address_listen(int fd, const struct sim_address *a, struct fault *fault);

#endif
