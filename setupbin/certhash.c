/* The value of a "user defined certificate addition": a root certificate's digest and its name. */
#include "setupbin/certhash.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "common/bytes.h"

static const struct {
	const char *name;
	size_t digest_length;
} algorithms[] = {
	{ NULL, 0 }, { "sha1", 20 }, { "sha256", 32 }, { "sha384", 48 },
};

#define N_ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

size_t sbin_certhash_digest_length(uint8_t algorithm)
{
	return algorithm < N_ALGORITHMS ? algorithms[algorithm].digest_length : 0;
}

const char *sbin_certhash_name(uint8_t algorithm)
{
	return algorithm < N_ALGORITHMS ? algorithms[algorithm].name : NULL;
}

uint8_t sbin_certhash_named(const char *name, size_t n)
{
	for (uint8_t i = 1; i < N_ALGORITHMS; i++)
		if (strlen(algorithms[i].name) == n &&
		    strncasecmp(algorithms[i].name, name, n) == 0)
			return i;
	return 0;
}

int sbin_certhash_decode(const uint8_t *value, size_t length, struct sbin_certhash *out)
{
	struct reader r;

	reader_init(&r, value, length);
	out->algorithm = read_u8(&r);
	out->digest_length = sbin_certhash_digest_length(out->algorithm);
	if (out->digest_length == 0)
		return KIT_ERR_FORMAT;
	out->digest = read_bytes(&r, out->digest_length);
	out->name_length = read_u8(&r);
	out->name = read_bytes(&r, out->name_length);
	return r.error != 0 || read_left(&r) != 0 ? KIT_ERR_FORMAT : 0;
}

int sbin_certhash_encode(const struct sbin_certhash *h, uint8_t *out, size_t size,
			 uint16_t *length)
{
	struct writer w;

	if (h->name_length > UINT8_MAX)
		return KIT_ERR_RANGE;
	writer_init(&w, out, size);
	write_u8(&w, h->algorithm);
	write_bytes(&w, h->digest, h->digest_length);
	write_u8(&w, (uint8_t)h->name_length);
	write_bytes(&w, h->name, h->name_length);
	*length = (uint16_t)w.at;
	return w.error;
}

static X509 *read_certificate(const char *path, struct fault *fault)
{
	BIO *file = BIO_new_file(path, "rb");
	X509 *certificate = NULL;

	if (!file) {
		ERR_clear_error();
		fault_sys(fault, errno, "cannot open the certificate %s", path);
		return NULL;
	}
	certificate = PEM_read_bio_X509(file, NULL, NULL, NULL);
	if (!certificate && BIO_reset(file) == 0)
		certificate = d2i_X509_bio(file, NULL);
	BIO_free(file);
	ERR_clear_error();
	if (!certificate) {
		fault_set(fault, KIT_ERR_FORMAT, "%s is no certificate, neither PEM nor DER\n"
			  "give the root certificate that the server's own goes back to", path);
	}
	return certificate;
}

/* Bytes of the UTF-8 text S that fit into MAX without cutting a character in two. */
static size_t whole_characters(const unsigned char *s, size_t n, size_t max)
{
	if (n <= max)
		return n;
	while (max > 0 && (s[max] & 0xc0) == 0x80)
		max--;
	return max;
}

/* The friendly name, or 0 bytes when the subject has nothing that could serve. */
static size_t subject_name(X509 *certificate, uint8_t *out)
{
	static const int fields[] = { NID_commonName, NID_organizationalUnitName,
				      NID_organizationName };
	X509_NAME *subject = X509_get_subject_name(certificate);
	size_t length = 0;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && length == 0; i++) {
		int at = X509_NAME_get_index_by_NID(subject, fields[i], -1);
		unsigned char *text = NULL;
		int n;

		if (at < 0)
			continue;
		n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(
						       X509_NAME_get_entry(subject, at)));
		if (n > 0) {
			length = whole_characters(text, (size_t)n, SBIN_CERT_NAME);
			memcpy(out, text, length);
		}
		OPENSSL_free(text);
	}
	return length;
}

int sbin_certhash_of_file(const char *path, uint8_t algorithm, uint8_t *out, uint16_t *length,
			  struct fault *fault)
{
	const EVP_MD *kinds[N_ALGORITHMS] = { NULL, EVP_sha1(), EVP_sha256(), EVP_sha384() };
	uint8_t digest[EVP_MAX_MD_SIZE], name[SBIN_CERT_NAME];
	struct sbin_certhash h = { .algorithm = algorithm, .digest = digest, .name = name };
	X509 *certificate;
	unsigned n = 0;
	int rc;

	if (sbin_certhash_name(algorithm) == NULL)
		return fault_set(fault, KIT_ERR_ARGUMENT, "there is no hash algorithm %u",
				 algorithm);
	certificate = read_certificate(path, fault);
	if (!certificate)
		return fault ? fault->code : KIT_ERR_FORMAT;
	if (X509_digest(certificate, kinds[algorithm], digest, &n) != 1) {
		rc = fault_set(fault, KIT_ERR_CRYPTO, "cannot compute the %s hash of %s",
			       sbin_certhash_name(algorithm), path);
		goto out;
	}
	h.digest_length = n;
	h.name_length = subject_name(certificate, name);
	rc = sbin_certhash_encode(&h, out, SBIN_CERT_VALUE_MAX, length);
out:
	X509_free(certificate);
	return rc;
}
