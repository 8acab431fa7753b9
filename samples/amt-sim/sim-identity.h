/* The certificate and key that a machine shows in TLS: made by its firmware, or set by a server. */
#ifndef SAMPLES_AMT_SIM_SIM_IDENTITY_H
#define SAMPLES_AMT_SIM_SIM_IDENTITY_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define SIM_IDENTITY_CHAIN 4

/* What GnuTLS is handed for one connection. Zeroed: empty. */
struct sim_identity {
	gnutls_pcert_st chain[SIM_IDENTITY_CHAIN];	/* leaf first */
	unsigned n;
	gnutls_privkey_t key;				/* SECRET */
};

void sim_identity_clear(struct sim_identity *i);

/*
 * A certificate and its RSA key as a server has set them, both DER. Returns 0, KIT_ERR_CRYPTO
 * (not such ones, or the key is another's). On failure OUT is empty.
 */
int sim_identity_import(struct sim_identity *out, const uint8_t *key, size_t key_size,
			const uint8_t *certificate, size_t size, struct fault *fault);

/* What firmware makes for itself. */
enum sim_own {
	SIM_OWN_GENERATION,
	SIM_OWN_RSA,	/* RSA-2048, signed by itself */
	SIM_OWN_P384,	/* EC P-384, signed by itself */
	/*
	 * EC P-384 "AMT RCFG" with three authorities above it; what signed the last of them, as
	 * Intel's on-die authority does for real machines, is not sent.
	 */
	SIM_OWN_ON_DIE,
};

/* Makes identities of one kind; RSA and self-signed ones share one key, as keys are dear. */
struct sim_identities;

/*
 *   key   file of the RSA key (PEM), made there when it does not exist; NULL: a new one
 *   root  file of the on-die root certificate (PEM), and of its key as ROOT.key; both are made
 *         when they do not exist; NULL: new ones that nobody knows
 * Returns 0, KIT_ERR_CRYPTO, KIT_ERR_NOMEM, KIT_ERR_FORMAT (a file holds something else), or an
 * error of reading or writing.
 */
int sim_identities_new(struct sim_identities **out, enum sim_own kind, const char *key,
		       const char *root, struct fault *fault);
/* A new identity with a serial number of its own; clear it. Returns 0 or KIT_ERR_CRYPTO. */
int sim_identities_make(struct sim_identities *m, struct sim_identity *out, struct fault *fault);
/* *m may be NULL. */
void sim_identities_free(struct sim_identities **m);

/*
 * A new RSA key of BITS, as DER of PKCS#1, into KEY; *size is the room there, then the bytes used.
 * With FILE it is the key there, whatever its BITS. Returns as sim_identities_new().
 *   key  SECRET
 */
int sim_identity_key_pair(unsigned bits, const char *file, uint8_t *key, size_t *size,
			  struct fault *fault);

#endif
