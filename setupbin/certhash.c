/* The value of a "user defined certificate addition": a root certificate's digest and its name. */
#include "setupbin/certhash.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "common/bytes.h"
#include "common/text.h"

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

#define MOST_CERTIFICATES	64	/* of a file; a bundle of all authorities is not a chain */

/* All certificates of the file PATH, PEM or DER, in their order; NULL with *fault set. */
static STACK_OF(X509) *read_certificates(const char *path, struct fault *fault)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	BIO *file = BIO_new_file(path, "rb");
	X509 *c;

	if (!file || !all) {
		fault_sys(fault, file ? ENOMEM : errno, "cannot open the certificate %s", path);
		goto fail;
	}
	while (sk_X509_num(all) <= MOST_CERTIFICATES &&
	       (c = PEM_read_bio_X509(file, NULL, NULL, NULL)) != NULL)
		sk_X509_push(all, c);
	if (sk_X509_num(all) == 0 && BIO_reset(file) == 0 &&
	    (c = d2i_X509_bio(file, NULL)) != NULL)
		sk_X509_push(all, c);
	if (sk_X509_num(all) == 0) {
		fault_set(fault, KIT_ERR_FORMAT, "%s is not a certificate in PEM or DER\n"
			  "give the root certificate that the server's own goes back to", path);
		goto fail;
	}
	if (sk_X509_num(all) > MOST_CERTIFICATES) {
		fault_set(fault, KIT_ERR_FORMAT, "%s has more than %d certificates\n"
			  "give a file with the root certificate alone", path, MOST_CERTIFICATES);
		goto fail;
	}
	BIO_free(file);
	ERR_clear_error();
	return all;
fail:
	sk_X509_pop_free(all, X509_free);
	BIO_free(file);
	ERR_clear_error();
	return NULL;
}

/* A name for people: CN, else O, else all of it; cleaned for a terminal. */
static void show_name(const X509_NAME *name, char *out, size_t size)
{
	static const int fields[] = { NID_commonName, NID_organizationName };
	char raw[256] = "";

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && !*raw; i++) {
		int at = X509_NAME_get_index_by_NID(name, fields[i], -1);
		unsigned char *text = NULL;

		if (at >= 0 && ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(
							      X509_NAME_get_entry(name, at))) > 0)
			snprintf(raw, sizeof(raw), "%s", text);
		OPENSSL_free(text);
	}
	if (!*raw)
		X509_NAME_oneline(name, raw, sizeof(raw));
	text_clean(out, size, raw);
}

/* The one of ALL that no other of them issued the certificate of: the end of the chain. */
static X509 *end_of_chain(const STACK_OF(X509) *all)
{
	X509 *c = sk_X509_value(all, 0);

	for (int steps = 0; steps < sk_X509_num(all); steps++) {
		int i = 0;

		while (i < sk_X509_num(all) &&
		       (sk_X509_value(all, i) == c ||
			X509_check_issued(sk_X509_value(all, i), c) != X509_V_OK))
			i++;
		if (i == sk_X509_num(all))
			break;
		c = sk_X509_value(all, i);
	}
	return c;
}

/*
 * The root of ALL: the certificate that is signed by itself. Its signature is not checked: those of
 * the oldest authorities are made with MD2.
 */
static X509 *find_root(const STACK_OF(X509) *all, const char *path, char *note, size_t size,
		       struct fault *fault)
{
	X509 *root = NULL;
	char name[128];

	*note = '\0';
	for (int i = 0; i < sk_X509_num(all); i++) {
		X509 *c = sk_X509_value(all, i);

		if (X509_self_signed(c, 0) != 1)
			continue;
		if (root && X509_cmp(root, c) != 0) {
			fault_set(fault, KIT_ERR_FORMAT, "%s has more than one root certificate\n"
				  "give a file with one; --cert may be given several times", path);
			return NULL;
		}
		root = c;
	}
	if (!root) {
		show_name(X509_get_issuer_name(end_of_chain(all)), name, sizeof(name));
		fault_set(fault, KIT_ERR_FORMAT, "%s has no root certificate: \"%s\" issued it\n"
			  "give the certificate of \"%s\", or --not-a-root to use the first one in "
			  "the file as it is", path, name, name);
		return NULL;
	}
	show_name(X509_get_subject_name(root), name, sizeof(name));
	if (sk_X509_num(all) > 1)
		snprintf(note, size, "%s has %d certificates; its root \"%s\" is used", path,
			 sk_X509_num(all), name);
	return root;
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

int sbin_certhash_of_file(const char *path, uint8_t algorithm, bool first, uint8_t *out,
			  uint16_t *length, char note[static SBIN_CERT_NOTE], struct fault *fault)
{
	const EVP_MD *kinds[N_ALGORITHMS] = { NULL, EVP_sha1(), EVP_sha256(), EVP_sha384() };
	uint8_t digest[EVP_MAX_MD_SIZE], name[SBIN_CERT_NAME];
	struct sbin_certhash h = { .algorithm = algorithm, .digest = digest, .name = name };
	struct fault unused = { 0 };
	STACK_OF(X509) *all;
	X509 *certificate;
	unsigned n = 0;
	int rc;

	if (!fault)
		fault = &unused;
	*note = '\0';
	if (!sbin_certhash_name(algorithm))
		return fault_set(fault, KIT_ERR_ARGUMENT, "hash algorithm %u is unknown",
				 algorithm);
	all = read_certificates(path, fault);
	if (!all)
		return fault->code;
	certificate = first ? sk_X509_value(all, 0)
			    : find_root(all, path, note, SBIN_CERT_NOTE, fault);
	if (!certificate) {
		rc = fault->code;
		goto out;
	}
	if (X509_digest(certificate, kinds[algorithm], digest, &n) != 1) {
		rc = fault_set(fault, KIT_ERR_CRYPTO, "cannot compute the %s hash of %s",
			       sbin_certhash_name(algorithm), path);
		goto out;
	}
	h.digest_length = n;
	h.name_length = subject_name(certificate, name);
	rc = sbin_certhash_encode(&h, out, SBIN_CERT_VALUE_MAX, length);
out:
	sk_X509_pop_free(all, X509_free);
	ERR_clear_error();
	return rc;
}
