/* Fuzz a simulated machine's look at a server's certificates: whatever they are, it judges them. */
#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "samples/amt-sim/sim-chain.h"

#define CERTIFICATES	10

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input: AMT's version (1 byte), then of each certificate its size (2 bytes) and its bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sim_chain_rules rules = { .suffix = "amt.test", .fqdn = "" };
	struct sim_root root = { .type = SIM_ROOT_SHA256, .length = 32 };
	gnutls_datum_t list[CERTIFICATES];
	struct sim_audit audit;
	struct reader r;
	unsigned n = 0;

	reader_init(&r, data, size);
	rules.firmware.major = read_u8(&r) % 24u;
	rules.firmware.minor = 1;
	while (n < CERTIFICATES && read_left(&r) > 2) {
		list[n].size = read_le16(&r);
		list[n].data = (unsigned char *)read_bytes(&r, list[n].size);
		if (r.error || !list[n].data)
			break;
		n++;
	}
	if (n == 0)
		return 0;
	/* The last one is trusted, so that more is looked at than its digest. */
	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, list[n - 1].data, list[n - 1].size,
			     root.digest) < 0)
		abort();
	rules.roots = &root;
	rules.n_roots = 1;
	if (!sim_chain_text(sim_chain_check(list, n, &rules, &audit)))
		abort();
	if (!memchr(audit.name, '\0', sizeof(audit.name)))
		abort();
	root.digest[0] ^= 1;
	if (sim_chain_check(list, n, &rules, &audit) == SIM_CHAIN_GOOD)
		abort();
	return 0;
}
