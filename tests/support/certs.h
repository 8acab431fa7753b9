/* Certificates made for a test. What fails ends the test. */
#ifndef TESTS_SUPPORT_CERTS_H
#define TESTS_SUPPORT_CERTS_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a provisioning certificate has. */
#define CERT_USAGE	"serverAuth,2.16.840.1.113741.1.2.3"
#define CERT_OU		"Intel(R) Client Setup Certificate"

/* How a certificate is to be; what is 0 or NULL is left out, or as said. */
struct cert_kind {
	const char *cn, *ou;
	const char *usage;	/* extended key usage, as openssl.cnf has it */
	const char *san;	/* subject alternative names, so, too */
	bool authority;
	bool bare;		/* without a key usage */
	int from, until;	/* days from now; 0, 0: from yesterday for 3650 days */
	const char *digest;	/* NULL: SHA256 */
	EVP_PKEY *key;		/* borrowed; NULL: cert_key(authority ? 0 : 1) */
};

struct cert {
	X509 *x;
	EVP_PKEY *key;
};

/*
 * Key I of a few RSA keys of 2048 bits, which are made at first use; called in an unchecked fixture
 * (cert_keys()), once for all tests of a case. Borrowed.
 */
#define CERT_KEYS	4
EVP_PKEY *cert_key(unsigned i);
void cert_keys(void);
/* Others: "RSA" with BITS, or "P-256", "P-384", "ED25519". The caller frees. */
EVP_PKEY *cert_other_key(const char *kind, unsigned bits);

/* Make one, signed by ISSUER; NULL: by itself. */
void cert_make(struct cert *out, const struct cert_kind *kind, const struct cert *issuer);
void cert_free(struct cert *c);

/* Texts to be put together: PEM of certificates and keys, and bytes in DER. */
struct cert_text {
	char *data;
	size_t size;
};
void cert_text_free(struct cert_text *t);
void cert_add_text(struct cert_text *t, const char *text);
void cert_add_pem(struct cert_text *t, const X509 *x);
/* With a PASSWORD, NULL: none, encrypted as PKCS #8, or in the way before it (TRADITIONAL). */
void cert_add_key(struct cert_text *t, const EVP_PKEY *key, const char *password,
		  bool traditional);
void cert_add_der(struct cert_text *t, const X509 *x);
void cert_add_key_der(struct cert_text *t, const EVP_PKEY *key);
/*
 * A PFX of LEAF with its key and MORE certificates (may be NULL); OLD: encrypted with RC2-40 as
 * long ago, else with AES. Without MAC there is no checksum.
 */
void cert_add_pfx(struct cert_text *t, const struct cert *leaf, const struct cert *const *more,
		  size_t n_more, const char *password, bool old, bool mac);
/* PKCS #7 with the certificates alone, in DER. */
void cert_add_pkcs7(struct cert_text *t, const struct cert *const *all, size_t n);
/* Into the file PATH with MODE. */
void cert_text_write(const struct cert_text *t, const char *path, unsigned mode);

#endif
