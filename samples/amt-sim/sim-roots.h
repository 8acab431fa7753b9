/* The root certificates that a machine trusts: digests, those of its firmware and its own. */
#ifndef SAMPLES_AMT_SIM_SIM_ROOTS_H
#define SAMPLES_AMT_SIM_SIM_ROOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define SIM_ROOTS_OWN	  3  /* that a machine takes from sticks */
#define SIM_ROOTS_BUILTIN 30 /* that any firmware has */
#define SIM_ROOTS_MAX	  (SIM_ROOTS_BUILTIN + SIM_ROOTS_OWN)
#define SIM_ROOT_BYTES	  48

/* Types of digests, as hellos and setup.bin have them. */
enum sim_root_type {
	SIM_ROOT_NONE = 0,
	SIM_ROOT_SHA1 = 1,
	SIM_ROOT_SHA256 = 2,
	SIM_ROOT_SHA384 = 3,
};

struct sim_root {
	uint8_t type;		/* enum sim_root_type; of a hello, any */
	uint8_t length;		/* bytes of the digest */
	uint8_t digest[SIM_ROOT_BYTES];
};

/* Bytes of a digest of TYPE; 0: the type is unknown. */
uint8_t sim_root_length(uint8_t type);

/*
 * The digests in firmware of AMT MAJOR, into OUT (room for SIM_ROOTS_BUILTIN): SHA-1 before AMT 6,
 * both kinds up to 10, SHA-256 from 11; the first ones are those of real authorities, the others
 * are made up. Returns how many: 20, 30 from AMT 7.
 */
size_t sim_roots_builtin(unsigned major, struct sim_root *out);

/* One that no certificate has; the same I and TYPE give the same digest. */
void sim_root_make_up(struct sim_root *out, uint8_t type, unsigned i);

/* How many digests a hello of AMT MAJOR has at most: 23, 24 from AMT 16. */
size_t sim_roots_in_hello(unsigned major);

/*
 * The digest by TYPE of the certificate in FILE (PEM or DER); of several it is the one that is
 * signed by itself. Returns 0, KIT_ERR_NOT_FOUND, KIT_ERR_SYSTEM, KIT_ERR_FORMAT (no certificate,
 * or no root).
 */
int sim_root_of_file(struct sim_root *out, uint8_t type, const char *file, struct fault *fault);

#endif
