/* TLS of a machine's own, as a server sets it: key pair, certificate, settings. */
#ifndef SAMPLES_AMT_SIM_SIM_STORE_H
#define SAMPLES_AMT_SIM_SIM_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "samples/amt-sim/sim-device.h"

#define SIM_STORE_KEY	    2048 /* bytes of DER at most */
#define SIM_STORE_CERTIFICATE 3072

/* InstanceIDs, as machines have them. */
#define SIM_STORE_KEY_HANDLE	   "Intel(r) AMT Key: Handle: 0"
#define SIM_STORE_CERTIFICATE_HANDLE "Intel(r) AMT Certificate: Handle: 0"
#define SIM_STORE_REMOTE		   "Intel(r) AMT 802.3 TLS Settings"
#define SIM_STORE_LOCAL		   "Intel(r) AMT LMS TLS Settings"

/* The settings of one interface. */
struct sim_store_setting {
	bool enabled;
	bool mutual;		/* taken, and of no effect */
	bool plain_too;		/* AcceptNonSecureConnections */
};

struct sim_store {
	uint8_t key[SIM_STORE_KEY];	/* SECRET; RSA, PKCS#1 */
	size_t key_size;		/* 0: no key pair */
	uint8_t certificate[SIM_STORE_CERTIFICATE];
	size_t size;			/* 0: none */
	bool bound;			/* AMT_TLSCredentialContext names that certificate */
	struct sim_store_setting remote, local;
	bool remote_put, local_put;	/* since the last commit */
	struct sim_store_setting served;	/* those of "remote" at the last commit */
};

/* What there is when nothing was set; never NULL. */
const struct sim_store *sim_store_of(const struct sim_device *d);

/*
 * Each returns enum sim_status; what it changed is in the device's file when that is SIM_OK.
 *
 * GenerateKeyPair: ALGORITHM "0" (RSA), LENGTH "2048" (or 3072 from AMT 16). There is room for one,
 * and a new one takes the place of a pair to which no certificate is bound. FILE: of the key that
 * it is to be, see sim_identity_key_pair(); or NULL.
 */
unsigned sim_store_generate(struct sim_device *d, const char *algorithm, const char *length,
			    const char *file);
/* AddCertificate: BLOB is base64 of the DER of a certificate of the key pair. */
unsigned sim_store_add_certificate(struct sim_device *d, const char *blob);
/* AMT_TLSCredentialContext: HANDLE is the certificate's InstanceID. */
unsigned sim_store_bind(struct sim_device *d, const char *handle);
/*
 * AMT_TLSSettingData of INSTANCE; texts are "true" or "false". It counts from the next
 * CommitChanges on, and not at all when both instances were written for the same one.
 */
unsigned sim_store_set(struct sim_device *d, const char *instance, const char *enabled,
		     const char *mutual, const char *plain_too);

/* CommitChanges: what was set counts from now on. Part of sim_setup_commit(). */
unsigned sim_store_commit(struct sim_device *d);

/* The public half of the key pair, PKCS#1, as base64 to free(); NULL: there is none. */
char *sim_store_public_key(const struct sim_store *t);

#endif
