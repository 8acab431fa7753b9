/* The certificates by which a server proves itself, as a machine judges them. */
#include "samples/amt-sim/sim-chain.h"

#include <gnutls/x509.h>
#include <string.h>
#include <strings.h>

#include "samples/amt-sim/sim-name.h"

#define CERTIFICATES	8
#define OID_SETUP	"2.16.840.1.113741.1.2.3"
#define OU_SETUP	"Intel(R) Client Setup Certificate"

static size_t most_bytes(unsigned major)
{
	return major < 6 ? 4096 : 8192;
}

/* Does the digest of the last certificate stand among the roots? */
static bool root_known(gnutls_x509_crt_t last, const struct sim_chain_rules *rules,
		       struct sim_audit *audit)
{
	static const gnutls_digest_algorithm_t algorithms[] = {
		[SIM_ROOT_SHA1] = GNUTLS_DIG_SHA1,
		[SIM_ROOT_SHA256] = GNUTLS_DIG_SHA256,
		[SIM_ROOT_SHA384] = GNUTLS_DIG_SHA384,
	};

	for (uint8_t type = SIM_ROOT_SHA1; type <= SIM_ROOT_SHA384; type++) {
		uint8_t digest[SIM_ROOT_BYTES];
		size_t size = sizeof(digest);

		if (gnutls_x509_crt_get_fingerprint(last, algorithms[type], digest, &size) < 0)
			continue;
		for (size_t i = 0; i < rules->n_roots; i++) {
			const struct sim_root *r = &rules->roots[i];

			if (r->type == type && r->length == size &&
			    memcmp(r->digest, digest, size) == 0) {
				audit->root = *r;
				audit->builtin = i < rules->n_builtin;
				return true;
			}
		}
	}
	return false;
}

/* From leaf to root in order, nothing left out, nothing twice. Dates are looked at elsewhere. */
static bool holds_together(gnutls_x509_crt_t *c, unsigned n)
{
	unsigned status = 0;

	for (unsigned i = 0; i < n; i++)
		if (!gnutls_x509_crt_check_issuer(c[i], c[i + 1 < n ? i + 1 : i]))
			return false;
	return gnutls_x509_crt_list_verify(c, (int)n, &c[n - 1], 1, NULL, 0,
					   GNUTLS_VERIFY_DISABLE_TIME_CHECKS |
					   GNUTLS_VERIFY_ALLOW_BROKEN, &status) == 0 && status == 0;
}

/* Is OID among the purposes of the certificate? */
static bool has_purpose(gnutls_x509_crt_t c, const char *oid)
{
	for (unsigned i = 0;; i++) {
		char found[80];
		size_t size = sizeof(found);
		int rc = gnutls_x509_crt_get_key_purpose_oid(c, i, found, &size, NULL);

		if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return false;
		if (rc == 0 && strcmp(found, oid) == 0)
			return true;
		if (rc < 0 && rc != GNUTLS_E_SHORT_MEMORY_BUFFER)
			return false;
	}
}

/* Does one of the subject's OUs say that this certificate sets machines up? To the letter. */
static bool has_unit(gnutls_x509_crt_t c)
{
	for (unsigned i = 0;; i++) {
		char unit[128];
		size_t size = sizeof(unit);
		int rc = gnutls_x509_crt_get_dn_by_oid(
			c, GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME, i, 0, unit, &size);

		if (rc < 0 && rc != GNUTLS_E_SHORT_MEMORY_BUFFER)
			return false;
		if (rc == 0 && strcmp(unit, OU_SETUP) == 0)
			return true;
	}
}

static bool name_ok(const char *name, const struct sim_chain_rules *rules)
{
	if (rules->fqdn[0] != '\0')
		return strcasecmp(name, rules->fqdn) == 0;
	return rules->suffix[0] != '\0' &&
	       sim_name_matches(name, rules->suffix, rules->firmware.major, rules->firmware.minor);
}

/* The CN, or, from AMT 6 on, a DNS name of the certificate. */
static bool is_named(gnutls_x509_crt_t c, const struct sim_chain_rules *rules,
		     struct sim_audit *audit)
{
	size_t size = sizeof(audit->name);

	if (gnutls_x509_crt_get_dn_by_oid(c, GNUTLS_OID_X520_COMMON_NAME, 0, 0, audit->name,
					  &size) < 0)
		audit->name[0] = '\0';
	else if (strlen(audit->name) == size && name_ok(audit->name, rules))
		return true;
	for (unsigned i = 0; rules->firmware.major >= 6; i++) {
		char name[256];
		int type;

		size = sizeof(name) - 1;
		type = gnutls_x509_crt_get_subject_alt_name(c, i, name, &size, NULL);
		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (type < 0 && type != GNUTLS_E_SHORT_MEMORY_BUFFER)
			break;
		if (type != GNUTLS_SAN_DNSNAME)
			continue;
		name[size] = '\0';
		if (strlen(name) == size && name_ok(name, rules))
			return true;
	}
	return false;
}

static enum sim_chain_result check_signature(gnutls_x509_crt_t c, unsigned major)
{
	int signature = gnutls_x509_crt_get_signature_algorithm(c);
	gnutls_digest_algorithm_t digest = gnutls_sign_get_hash_algorithm(
		(gnutls_sign_algorithm_t)signature);

	if (major >= 15 && (signature < 0 || digest == GNUTLS_DIG_SHA1 ||
			    digest == GNUTLS_DIG_MD5))
		return SIM_CHAIN_SHA1;
	if (major >= 22 && digest != GNUTLS_DIG_SHA384 && digest != GNUTLS_DIG_SHA512)
		return SIM_CHAIN_SIGNATURE;
	return SIM_CHAIN_GOOD;
}

static enum sim_chain_result check_key(gnutls_x509_crt_t c, unsigned major)
{
	unsigned bits = 0;
	int kind = gnutls_x509_crt_get_pk_algorithm(c, &bits);
	bool ok;

	if (kind == GNUTLS_PK_ECDSA)
		ok = major >= 22 && bits >= 384;
	else if (kind != GNUTLS_PK_RSA)
		ok = false;
	else if (major < 6)
		ok = bits == 1024 || bits == 2048;
	else
		ok = bits <= 4096 && bits >= (major >= 22 ? 3072u : major >= 15 ? 2048u : 1024u);
	return ok ? SIM_CHAIN_GOOD : SIM_CHAIN_KEY;
}

static bool is_valid_at(gnutls_x509_crt_t c, int64_t now)
{
	return gnutls_x509_crt_get_activation_time(c) <= now &&
	       now <= gnutls_x509_crt_get_expiration_time(c);
}

/* Keep the serial numbers of those above the leaf. */
static void keep_serials(gnutls_x509_crt_t *c, unsigned n, struct sim_audit *audit)
{
	audit->serials = n - 1;
	for (unsigned i = 1; i < n && i <= SIM_AUDIT_SERIALS; i++) {
		size_t size = SIM_AUDIT_SERIAL;

		if (gnutls_x509_crt_get_serial(c[i], audit->serial[i - 1], &size) == 0)
			audit->serial_bytes[i - 1] = (uint8_t)size;
	}
}

static enum sim_chain_result judge(gnutls_x509_crt_t *c, unsigned n,
				   const struct sim_chain_rules *rules,
				   struct sim_audit *audit)
{
	enum sim_chain_result result;

	if (!root_known(c[n - 1], rules, audit))
		return SIM_CHAIN_ROOT;
	if (!holds_together(c, n))
		return SIM_CHAIN_BROKEN;
	keep_serials(c, n, audit);
	if (!has_purpose(c[0], GNUTLS_KP_TLS_WWW_SERVER))
		return SIM_CHAIN_PURPOSE;
	if (!has_purpose(c[0], OID_SETUP) && !has_unit(c[0]))
		return SIM_CHAIN_NOT_AMT;
	if (!is_named(c[0], rules, audit))
		return SIM_CHAIN_NAME;
	audit->time_valid = true;
	for (unsigned i = 0; i < n; i++) {
		result = check_signature(c[i], rules->firmware.major);
		if (result == SIM_CHAIN_GOOD)
			result = check_key(c[i], rules->firmware.major);
		if (result != SIM_CHAIN_GOOD)
			return result;
		audit->time_valid = audit->time_valid && is_valid_at(c[i], rules->now);
	}
	return rules->clock && !audit->time_valid ? SIM_CHAIN_TIME : SIM_CHAIN_GOOD;
}

enum sim_chain_result sim_chain_check(const gnutls_datum_t *list, unsigned n,
				      const struct sim_chain_rules *rules,
				      struct sim_audit *audit)
{
	enum sim_chain_result result = SIM_CHAIN_BROKEN;
	gnutls_x509_crt_t c[CERTIFICATES];
	unsigned parsed = 0;
	size_t bytes = 0;

	memset(audit, 0, sizeof(*audit));
	if (!list || n == 0)
		return SIM_CHAIN_EMPTY;
	for (unsigned i = 0; i < n; i++)
		bytes += list[i].size;
	if (n > CERTIFICATES || bytes > most_bytes(rules->firmware.major))
		return SIM_CHAIN_SIZE;
	while (parsed < n && gnutls_x509_crt_init(&c[parsed]) == 0) {
		parsed++;
		if (gnutls_x509_crt_import(c[parsed - 1], &list[parsed - 1],
					   GNUTLS_X509_FMT_DER) < 0)
			goto out;
	}
	if (parsed == n)
		result = judge(c, n, rules, audit);
out:
	while (parsed > 0)
		gnutls_x509_crt_deinit(c[--parsed]);
	return result;
}

const char *sim_chain_text(enum sim_chain_result result)
{
	static const char *const texts[] = {
		[SIM_CHAIN_GOOD] = "it is good",
		[SIM_CHAIN_EMPTY] = "there is no certificate",
		[SIM_CHAIN_SIZE] = "it is too large",
		[SIM_CHAIN_ROOT] = "the last certificate is not a root that this machine trusts",
		[SIM_CHAIN_BROKEN] = "it does not lead from the leaf to the root",
		[SIM_CHAIN_PURPOSE] = "the leaf is not for servers (EKU serverAuth)",
		[SIM_CHAIN_NOT_AMT] = "the leaf has neither the OID nor the OU of Intel AMT set-up",
		[SIM_CHAIN_NAME] = "the name does not match this machine's DNS suffix",
		[SIM_CHAIN_SHA1] = "it is signed with SHA-1",
		[SIM_CHAIN_SIGNATURE] = "it is signed with a digest shorter than SHA-384",
		[SIM_CHAIN_KEY] = "a key's kind or size is not supported",
		[SIM_CHAIN_TIME] = "it is not valid at this time",
	};

	return texts[result];
}
