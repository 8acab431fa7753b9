/* The root certificates that a machine trusts: digests, those of its firmware and its own. */
#include "samples/amt-sim/sim-roots.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>

#include "common/hex.h"

#define FILE_CERTIFICATES	16

/* SHA-1 and SHA-256 of the DER of roots whose authorities have sold certificates for AMT. */
static const char *const real[][2] = {
	/* Go Daddy Class 2 */
	{ "2796bae63f1801e277261ba0d77770028f20eee4",
	  "c3846bf24b9e93ca64274c0ec67c1ecc5e024ffcacd2d74019350e81fe546ae4" },
	/* Go Daddy Root G2 */
	{ "47beabc922eae80e78783462a79f45c254fde68b",
	  "45140b3247eb9cc8c5b4f0d7b53091f73292089e6e5a63e2749dd3aca9198eda" },
	/* Starfield Class 2 */
	{ "ad7e1c28b064ef8f6003402014c3d0e3370eb58a",
	  "1465fa205397b876faa6f0a9958e5590e40fcc7faa4fb7c2c8677521fb5fb658" },
	/* Comodo AAA */
	{ "d1eb23a46d17d68fd92564c2f1f1601764d8e349",
	  "d7a7a0fb5d7e2731d771e9484ebcdef71d5f0c3e0a2948782bc83ee0ea699ef4" },
	/* USERTrust RSA */
	{ "2b8f1b57330dbba2d07a6c51f70ee90ddab9ad8e",
	  "e793c9b02fd8aa13e21c31228accb08119643b749c898964b1746d46c3d4cbd2" },
	/* DigiCert Global Root */
	{ "a8985d3a65e5e5c4b2d7d66d40c6dd2fb19c5436",
	  "4348a0e9444c78cb265e058d5e8944b4d84f9662bd26db257f8934a443c70161" },
	/* DigiCert Global Root G2 */
	{ "df3c24f9bfd666761b268073fe06d1cc8d4f82a4",
	  "cb3ccbb76031e5e0138f8dd39a23f9de47ffc35e43c1144cea27d46a5ab1cb5f" },
	/* Entrust Root G2 */
	{ "8cf427fd790c3ad166068de81e57efbb932272d4",
	  "43df5774b03e7fef5fe40d931a7bedf1bb2e6b42738c4e6d3841103d3aa7f339" },
	/* Baltimore CyberTrust */
	{ "d4de20d05e66fc53fe1a50882c78db2852cae474",
	  "16af57a9f676b0ab126095aa5ebadef22ab31119d644ac95cd4b93dbf3f26aeb" },
};
#define REAL	(sizeof(real) / sizeof(real[0]))

static gnutls_digest_algorithm_t algorithm_of(uint8_t type)
{
	switch (type) {
	case SIM_ROOT_SHA1: return GNUTLS_DIG_SHA1;
	case SIM_ROOT_SHA384: return GNUTLS_DIG_SHA384;
	default: return GNUTLS_DIG_SHA256;
	}
}

uint8_t sim_root_length(uint8_t type)
{
	switch (type) {
	case SIM_ROOT_SHA1: return 20;
	case SIM_ROOT_SHA256: return 32;
	case SIM_ROOT_SHA384: return 48;
	default: return 0;
	}
}

void sim_root_make_up(struct sim_root *out, uint8_t type, unsigned i)
{
	char text[40];

	memset(out, 0, sizeof(*out));
	out->type = type;
	out->length = sim_root_length(type) ? sim_root_length(type) : 32;
	snprintf(text, sizeof(text), "made-up root %u", i);
	gnutls_hash_fast(algorithm_of(type), text, strlen(text), out->digest);
}

size_t sim_roots_builtin(unsigned major, struct sim_root *out)
{
	size_t n = major >= 7 ? SIM_ROOTS_BUILTIN : 20;

	for (size_t i = 0; i < n; i++) {
		bool sha1 = major < 6 || (major <= 10 && i % 2 == 0);

		sim_root_make_up(&out[i], sha1 ? SIM_ROOT_SHA1 : SIM_ROOT_SHA256, (unsigned)i);
		if (i < REAL)
			hex_parse(real[i][sha1 ? 0 : 1], 2 * (size_t)out[i].length, out[i].digest,
				  out[i].length, NULL);
	}
	return n;
}

size_t sim_roots_in_hello(unsigned major)
{
	return major >= 16 ? 24 : 23;
}

/* The certificates of FILE; returns how many, or a negative code of GnuTLS. */
static int import(const char *file, gnutls_x509_crt_t *list, struct fault *fault)
{
	gnutls_datum_t data = { NULL, 0 };
	unsigned n = FILE_CERTIFICATES;
	int rc = gnutls_load_file(file, &data);

	if (rc < 0)
		return fault_sys(fault, errno, "cannot read the certificate %s", file);
	rc = gnutls_x509_crt_list_import(list, &n, &data, GNUTLS_X509_FMT_PEM, 0);
	if (rc < 0) {
		n = 1;
		rc = gnutls_x509_crt_list_import(list, &n, &data, GNUTLS_X509_FMT_DER, 0);
	}
	gnutls_free(data.data);
	if (rc < 0)
		return fault_set(fault, KIT_ERR_FORMAT, "%s is not a certificate (PEM or DER), nor "
				 "up to %d of them", file, FILE_CERTIFICATES);
	return (int)n;
}

int sim_root_of_file(struct sim_root *out, uint8_t type, const char *file, struct fault *fault)
{
	gnutls_x509_crt_t list[FILE_CERTIFICATES];
	int n = import(file, list, fault), rc = KIT_ERR_FORMAT;

	memset(out, 0, sizeof(*out));
	for (int i = 0; i < n; i++) {
		size_t size = sizeof(out->digest);

		if (rc != 0 && gnutls_x509_crt_check_issuer(list[i], list[i]) &&
		    gnutls_x509_crt_get_fingerprint(list[i], algorithm_of(type), out->digest,
						    &size) == 0) {
			out->type = type;
			out->length = (uint8_t)size;
			rc = 0;
		}
		gnutls_x509_crt_deinit(list[i]);
	}
	if (n < 0)
		return n;
	if (rc < 0)
		fault_set(fault, rc, "%s has no root certificate: none is signed by itself", file);
	return rc;
}
