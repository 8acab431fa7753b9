/* What a device does in a TLS handshake: versions, its certificate, its look at the server's. */
#ifndef SAMPLES_AMT_SIM_SIM_HANDSHAKE_H
#define SAMPLES_AMT_SIM_SIM_HANDSHAKE_H

#include <gnutls/gnutls.h>
#include <stdbool.h>

#include "samples/amt-sim/sim-fleet.h"
#include "samples/amt-sim/sim-gate.h"
#include "samples/amt-sim/sim-identity.h"

#define SIM_HANDSHAKE_PRIORITIES 256

/* GnuTLS's priorities for one way; OUT receives SIM_HANDSHAKE_PRIORITIES bytes. */
void sim_handshake_priorities(const struct sim_habits *habits, enum sim_way way, char *out);

/* What all devices of a service have to show. Zeroed: nothing. */
struct sim_credentials {
	struct sim_identities *identities;
	struct sim_identity shown;	/* by all connections that have none of their own */
};

/* By the habits, which are decided. Returns as sim_identities_new(). */
int sim_credentials_make(struct sim_credentials *c, const struct sim_habits *habits,
			 struct fault *fault);
void sim_credentials_clear(struct sim_credentials *c);

/* One connection's handshake. Zeroed when it begins. */
struct sim_handshake {
	struct sim_fleet *fleet;
	struct sim_device *device;	/* to which it came */
	enum sim_way way;
	struct sim_identity identity;	/* of this connection alone, or empty */
	bool refused;			/* the server's certificates were not good */
};

void sim_handshake_clear(struct sim_handshake *h);

/*
 * The certificate that H shows: the one that a server has set, once that serves, else one of C. It
 * lives as long as both. NULL: there is none.
 */
struct sim_identity *sim_handshake_identity(struct sim_handshake *h, struct sim_credentials *c);

/*
 * These end the handshake of SESSION, with the alert that the habits want, unless they return 0;
 * else a code of GnuTLS. To be called by GnuTLS when the server's certificates have come, and
 * with the MESSAGE of TLS that brings them: an empty list is refused by that.
 */
int sim_handshake_judge(struct sim_handshake *h, gnutls_session_t session);
int sim_handshake_look(struct sim_handshake *h, gnutls_session_t session,
		       const gnutls_datum_t *message);

#endif
