/* TLS of a machine's own: which machines get a certificate, and what is noted of it. */
#include "server/setup/attempt-private.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "server/core/authority.h"
#include "server/core/config.h"
#include "server/core/log.h"

static void note_none(struct attempt *a, struct keymap *map, const char *why, const char *hint)
{
	char what[500];

	snprintf(what, sizeof(what), "the machine gets no certificate of its own: %.400s", why);
	attempt_note(a, map, SEVERITY_WARNING, "no-machine-certificate", what, hint);
}

/*
 * A certificate says for ten years that whoever has it is the machine: it is not made for one that
 * only says to be it.
 */
static bool is_vouched(const struct attempt *a)
{
	if (!a->by_certificate)
		return a->proved;
	return a->proof == SYSTEM_PROOF_PPS || a->proof == SYSTEM_PROOF_OTP ||
	       a->proof == SYSTEM_PROOF_ON_DIE || a->system.certify;
}

bool attempt_wants_tls(struct attempt *a, struct keymap *map)
{
	if (a->profile.tls != PROFILE_TLS_SERVER)
		return false;
	if (!is_vouched(a)) {
		note_none(a, map, "nothing proves which machine it is", "give it a one-time "
			  "password (column otp of the inventory), or see that it is yours: "
			  "amt-provisionctl systems allow-setup --certificate UUID");
		return false;
	}
	if (!*a->inventory.fqdn) {
		note_none(a, map, "the inventory has no name for it", "give it a name in the "
			  "inventory, and set it up again");
		return false;
	}
	return true;
}

/* Into a->certificate. KIT_ERR_RANGE: it is too long. */
static int encode(struct attempt *a, const uint8_t *der, size_t size, struct fault *fault)
{
	if ((size + 2) / 3 * 4 > SETUP_CERTIFICATE)
		return fault_set(fault, KIT_ERR_RANGE, "its certificate would be longer than %d "
				 "bytes", SETUP_CERTIFICATE);
	EVP_EncodeBlock((unsigned char *)a->certificate, der, (int)size);
	return 0;
}

static int make(struct attempt *a, struct authority_issued *issued, struct fault *fault)
{
	struct authority *authority = NULL;
	size_t key_size, size;
	const uint8_t *key = setup_public_key(a->setup, &key_size);
	uint8_t *der = NULL;
	int rc;

	rc = authority_load(&authority, a->services.config->machine_authority, fault);
	if (!rc)
		rc = authority_issue(authority, key, key_size, a->inventory.fqdn, &a->uuid,
				     AUTHORITY_MACHINE_DAYS, clock_now(), &der, &size, issued,
				     fault);
	if (!rc)
		rc = encode(a, der, size, fault);
	free(der);
	authority_free(authority);
	return rc;
}

int attempt_certify(struct keymap *map, void *attempt, struct fault *fault)
{
	struct attempt *a = attempt;
	struct authority_issued issued;
	struct fault inner = { .code = 0 };
	char what[500], until[CLOCK_TEXT + 1], shown[UUID_SHOWN + 1];
	int rc;

	*a->certificate = '\0';
	if (make(a, &issued, &inner)) {
		note_none(a, map, inner.what, *inner.hint ? inner.hint : "machine_authority has "
			  "to be the file that \"amt-provisionctl certificates new-ca "
			  "--machines\" made; then set the machine up again");
		return 0;
	}
	rc = keymap_system_certificate(map, &a->uuid, issued.serial, issued.expiry, fault);
	if (rc) {
		*a->certificate = '\0';
		return rc;
	}
	uuid_show(&a->uuid, shown);
	clock_show(issued.expiry, until);
	snprintf(what, sizeof(what), "certificate %s for %.255s (UUID %s, public key %s), until %s",
		 issued.serial, a->inventory.fqdn, shown, issued.key_digest, until);
	attempt_note(a, map, SEVERITY_INFO, "machine-certificate", what, NULL);
	return 0;
}
