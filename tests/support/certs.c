/* Certificates made for a test. */
#include "tests/support/certs.h"

#include <check.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DAY	86400

static EVP_PKEY *keys[CERT_KEYS];
static long serial;

EVP_PKEY *cert_key(unsigned i)
{
	ck_assert_uint_lt(i, CERT_KEYS);
	if (!keys[i])
		keys[i] = cert_other_key("RSA", 2048);
	return keys[i];
}

void cert_keys(void)
{
	for (unsigned i = 0; i < CERT_KEYS; i++)
		cert_key(i);
}

EVP_PKEY *cert_other_key(const char *kind, unsigned bits)
{
	EVP_PKEY *key = NULL;

	if (strcmp(kind, "RSA") == 0)
		key = EVP_RSA_gen(bits);
	else if (strcmp(kind, "ED25519") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		key = EVP_EC_gen(kind);
	ck_assert_ptr_nonnull(key);
	return key;
}

static void add_entry(X509_NAME *name, const char *what, const char *text)
{
	if (text)
		ck_assert(X509_NAME_add_entry_by_txt(name, what, MBSTRING_UTF8,
						     (const unsigned char *)text, -1, -1, 0));
}

static void add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *e;

	if (!value)
		return;
	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	ck_assert_ptr_nonnull(e);
	ck_assert(X509_add_ext(x, e, -1));
	X509_EXTENSION_free(e);
}

void cert_make(struct cert *out, const struct cert_kind *kind, const struct cert *issuer)
{
	const EVP_MD *digest = EVP_get_digestbyname(kind->digest ? kind->digest : "SHA256");
	bool days = kind->from || kind->until;
	X509 *x = X509_new();
	const struct cert *by;

	out->x = x;
	out->key = kind->key ? kind->key : cert_key(kind->authority ? 0 : 1);
	by = issuer ? issuer : out;
	ck_assert(EVP_PKEY_up_ref(out->key) && X509_set_version(x, X509_VERSION_3));
	ck_assert(ASN1_INTEGER_set(X509_get_serialNumber(x), 0x4a000 + ++serial));
	X509_gmtime_adj(X509_getm_notBefore(x), (days ? kind->from : -1) * (long)DAY);
	X509_gmtime_adj(X509_getm_notAfter(x), (days ? kind->until : 3650) * (long)DAY);
	add_entry(X509_get_subject_name(x), "CN", kind->cn);
	add_entry(X509_get_subject_name(x), "OU", kind->ou);
	ck_assert(X509_set_issuer_name(x, X509_get_subject_name(by->x)));
	ck_assert(X509_set_pubkey(x, out->key));
	add_extension(x, by->x, NID_basic_constraints,
		      kind->authority ? "critical,CA:TRUE" : "CA:FALSE");
	if (!kind->bare)
		add_extension(x, by->x, NID_key_usage,
			      kind->authority ? "critical,keyCertSign,cRLSign"
					      : "digitalSignature,keyEncipherment");
	add_extension(x, by->x, NID_ext_key_usage, kind->usage);
	add_extension(x, by->x, NID_subject_alt_name, kind->san);
	if (EVP_PKEY_get_base_id(by->key) == EVP_PKEY_ED25519)
		digest = NULL;
	ck_assert(X509_sign(x, by->key, digest));
}

void cert_free(struct cert *c)
{
	X509_free(c->x);
	EVP_PKEY_free(c->key);
	memset(c, 0, sizeof(*c));
}

/* ---- texts ---- */

void cert_text_free(struct cert_text *t)
{
	free(t->data);
	memset(t, 0, sizeof(*t));
}

static void add_bytes(struct cert_text *t, const void *data, size_t size)
{
	t->data = realloc(t->data, t->size + size + 1);
	ck_assert_ptr_nonnull(t->data);
	memcpy(t->data + t->size, data, size);
	t->size += size;
	t->data[t->size] = '\0';
}

void cert_add_text(struct cert_text *t, const char *text)
{
	add_bytes(t, text, strlen(text));
}

static void add_bio(struct cert_text *t, BIO *bio)
{
	char *data = NULL;
	long n = BIO_get_mem_data(bio, &data);

	ck_assert_int_gt(n, 0);
	add_bytes(t, data, (size_t)n);
	BIO_free(bio);
}

void cert_add_pem(struct cert_text *t, const X509 *x)
{
	BIO *bio = BIO_new(BIO_s_mem());

	ck_assert(PEM_write_bio_X509(bio, (X509 *)x));
	add_bio(t, bio);
}

void cert_add_key(struct cert_text *t, const EVP_PKEY *key, const char *password,
		  bool traditional)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = password ? (int)strlen(password) : 0;
	const EVP_CIPHER *cipher = password ? EVP_aes_128_cbc() : NULL;

	if (traditional)
		ck_assert(PEM_write_bio_PrivateKey_traditional(bio, (EVP_PKEY *)key, cipher,
			  (const unsigned char *)password, n, NULL, NULL));
	else
		ck_assert(PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, password, n, NULL,
							NULL));
	add_bio(t, bio);
}

void cert_add_der(struct cert_text *t, const X509 *x)
{
	BIO *bio = BIO_new(BIO_s_mem());

	ck_assert(i2d_X509_bio(bio, (X509 *)x));
	add_bio(t, bio);
}

void cert_add_key_der(struct cert_text *t, const EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());

	ck_assert(i2d_PrivateKey_bio(bio, key));
	add_bio(t, bio);
}

void cert_add_pfx(struct cert_text *t, const struct cert *leaf, const struct cert *const *more,
		  size_t n_more, const char *password, bool old, bool mac)
{
	OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
	OSSL_PROVIDER *usual = OSSL_PROVIDER_load(context, "default");
	OSSL_PROVIDER *legacy = OSSL_PROVIDER_load(context, "legacy");
	int cipher = old ? NID_pbe_WithSHA1And40BitRC2_CBC : NID_aes_256_cbc;
	STACK_OF(X509) *all = sk_X509_new_null();
	BIO *bio = BIO_new(BIO_s_mem());
	PKCS12 *p12;

	for (size_t i = 0; i < n_more; i++)
		ck_assert(sk_X509_push(all, more[i]->x));
	p12 = PKCS12_create_ex(password, "a name", leaf->key, leaf->x, all, cipher, cipher, 100,
			       mac ? 100 : -1, 0, context, NULL);
	ck_assert_ptr_nonnull(p12);
	ck_assert(i2d_PKCS12_bio(bio, p12));
	add_bio(t, bio);
	PKCS12_free(p12);
	sk_X509_free(all);
	OSSL_PROVIDER_unload(legacy);
	OSSL_PROVIDER_unload(usual);
	OSSL_LIB_CTX_free(context);
}

void cert_add_pkcs7(struct cert_text *t, const struct cert *const *all, size_t n)
{
	BIO *bio = BIO_new(BIO_s_mem());
	PKCS7 *p7 = PKCS7_new();

	ck_assert(PKCS7_set_type(p7, NID_pkcs7_signed));
	ck_assert(PKCS7_content_new(p7, NID_pkcs7_data));
	for (size_t i = 0; i < n; i++)
		ck_assert(PKCS7_add_certificate(p7, all[i]->x));
	ck_assert(i2d_PKCS7_bio(bio, p7));
	add_bio(t, bio);
	PKCS7_free(p7);
}

void cert_text_write(const struct cert_text *t, const char *path, unsigned mode)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(t->data, 1, t->size, file), t->size);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}
