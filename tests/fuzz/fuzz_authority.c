/* Fuzz target: the public key of a machine that is to get a certificate over it. */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/authority.h"

#define NOW	1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* One for all inputs: its key takes longer to make than a thousand of them. */
static const struct authority *authority(void)
{
	static const struct authority_algorithm algorithm = { 2048, 256 };
	static struct authority *a;

	if (!a)
		must(!authority_new(&a, AUTHORITY_MACHINES, "example.com", &algorithm, 10, NOW,
				    NULL));
	return a;
}

/* It is a certificate, over an RSA key of a size that is allowed. */
static void check_certificate(const uint8_t *der, size_t size,
			      const struct authority_issued *issued)
{
	X509 *c = d2i_X509(NULL, &der, (long)size);
	EVP_PKEY *key = c ? X509_get0_pubkey(c) : NULL;

	must(c && key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA);
	must(EVP_PKEY_get_bits(key) >= 2048 && EVP_PKEY_get_bits(key) <= 4096);
	must(strlen(issued->serial) >= 2 && strlen(issued->key_digest) == 64);
	X509_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct uuid uuid = { { 1 } };
	struct authority_issued issued;
	struct fault fault = { 0 };
	uint8_t *der;
	size_t n;
	int rc = authority_issue(authority(), data, size, "pc1.example.com", &uuid, 1, NOW, &der,
				 &n, &issued, &fault);

	must(rc == fault.code && (rc == 0) == (der != NULL));
	must(rc == 0 || rc == KIT_ERR_FORMAT || rc == KIT_ERR_UNFIT || rc == KIT_ERR_CRYPTO);
	if (!rc)
		check_certificate(der, n, &issued);
	free(der);
	return 0;
}
