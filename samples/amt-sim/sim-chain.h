/* The certificates by which a server proves itself, as a machine judges them. */
#ifndef SAMPLES_AMT_SIM_SIM_CHAIN_H
#define SAMPLES_AMT_SIM_SIM_CHAIN_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdint.h>

#include "samples/amt-sim/sim-device.h"
#include "samples/amt-sim/sim-roots.h"

/* What a machine goes by. */
struct sim_chain_rules {
	struct sim_device_firmware firmware;
	const struct sim_root *roots;	/* that it trusts */
	size_t n_roots;
	size_t n_builtin;		/* the first so many came with the firmware */
	const char *suffix;		/* DNS suffix that the name must fit; "" for none */
	const char *fqdn;		/* that the name must be, in place of that; "" for none */
	bool clock;			/* dates of the certificates count */
	int64_t now;			/* seconds of UTC, of the machine's clock */
};

enum sim_chain_result {
	SIM_CHAIN_GOOD,
	SIM_CHAIN_EMPTY,	/* no certificate */
	SIM_CHAIN_SIZE,		/* over 4 KiB before AMT 6, 8 KiB later, or over 8 certificates */
	SIM_CHAIN_ROOT,		/* the last certificate's digest is not one of the roots */
	SIM_CHAIN_BROKEN,	/* not from leaf to root, each signed by the next */
	SIM_CHAIN_PURPOSE,	/* the leaf is not for servers */
	SIM_CHAIN_NOT_AMT,	/* the leaf has neither the OID nor the OU for set-up */
	SIM_CHAIN_NAME,
	SIM_CHAIN_SHA1,		/* AMT 15 and later take none */
	SIM_CHAIN_SIGNATURE,	/* AMT 22 and later take SHA-384 and better only */
	SIM_CHAIN_KEY,		/* kind or size of a key */
	SIM_CHAIN_TIME,		/* not valid yet, or no longer */
};

/*
 * Judge the N certificates of LIST (DER), as they came. AUDIT is filled as far as that went, except
 * for "from" and "when".
 */
enum sim_chain_result sim_chain_check(const gnutls_datum_t *list, unsigned n,
				      const struct sim_chain_rules *rules,
				      struct sim_audit *audit);

/* Why it was refused, for people: "the last certificate is not a root that ...". */
const char *sim_chain_text(enum sim_chain_result result);

#endif
