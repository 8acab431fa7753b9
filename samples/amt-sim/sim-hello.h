/* The hello that a device sends to its server: its bytes, and ways of sending it, rude ones too. */
#ifndef SAMPLES_AMT_SIM_SIM_HELLO_H
#define SAMPLES_AMT_SIM_SIM_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "samples/amt-sim/sim-address.h"
#include "samples/amt-sim/sim-roots.h"

#define SIM_HELLO_MAX	 4096 /* bytes that a message may be padded to */
#define SIM_HELLO_HASHES 33   /* certificate hashes that a version 3 message has at most */

struct sim_hello {
	bool admin_set;		/* admin credentials are set: the factory's password is gone */
	uint16_t version;	/* 2: PSK, 3: certificates */
	uint32_t retry;
	const uint8_t *uuid;	/* 16 bytes, in the order in which it is written */
	const char *pid;	/* 8 characters; of version 2 (and of any other but 3) */
	const struct sim_root *roots;	/* of version 3 */
	unsigned n_roots;	/* at most SIM_HELLO_HASHES */
};

/* Write the message; OUT holds SIM_HELLO_MAX bytes. Returns its bytes. */
size_t sim_hello_make(const struct sim_hello *h, uint8_t *out);

/*
 * Begin a connection from FROM (its port is left to the system) to TO, without waiting.
 * Returns the descriptor (nonblocking) or a negative code.
 */
int sim_hello_connect(const struct sim_address *from, const struct sim_address *to,
		      struct fault *fault);

/* How to send. */
struct sim_hello_manner {
	size_t piece;		/* bytes of each segment; 0: all in one */
	unsigned pause;		/* milliseconds between them */
	bool silent;		/* send nothing */
	unsigned linger;	/* milliseconds to stay connected after that; 0: close at once */
};

/* What came of it. */
struct sim_hello_outcome {
	size_t sent;		/* bytes */
	double seconds;		/* from the connection to its end */
	bool server_closed;	/* before we did */
};

/*
 * Send SIZE bytes and wait for what happens. It is not a failure when the server closes early.
 * Returns 0, KIT_ERR_NETWORK, KIT_ERR_TIMEOUT (no connection within 10 s).
 */
int sim_hello_send(const struct sim_address *from, const struct sim_address *to,
		   const uint8_t *message, size_t size, const struct sim_hello_manner *manner,
		   struct sim_hello_outcome *out, struct fault *fault);

#endif
