/* Certificates and private keys as they come in files. */
#include "amt/bundle.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <openssl/provider.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"

#define ROUNDS		10000000	/* of hashing passwords, in all: seconds of work already */
#define PASSWORD_HINT	"put its password into the file %s.password, with mode 0600"

struct bundle {
	struct bundle_item item[BUNDLE_ITEMS];
	size_t n;
	/* For what was encrypted long ago; no other part of the program takes such ciphers. */
	OSSL_LIB_CTX *old;
	OSSL_PROVIDER *with_old, *without;
	uint64_t rounds;	/* that its files have cost */
};

/* One file that is being read. */
struct reading {
	struct bundle *bundle;
	char *file;
	bool keys;		/* are allowed */
	const char *password;	/* SECRET; borrowed */
	size_t first;		/* item of this file */
	bool known;		/* it holds something that we know, be it there already */
	struct fault *fault;
};

int bundle_new(struct bundle **out, struct fault *fault)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : fault_nomem(fault);
}

/* Items of one file share its name. */
static void drop_items(struct bundle *b, size_t first)
{
	while (b->n > first) {
		struct bundle_item *i = &b->item[--b->n];

		X509_free(i->certificate);
		EVP_PKEY_free(i->key);
		if (b->n == 0 || i->file != i[-1].file)
			free((char *)i->file);
		memset(i, 0, sizeof(*i));
	}
}

void bundle_free(struct bundle **out)
{
	struct bundle *b = *out;

	if (!b)
		return;
	*out = NULL;
	drop_items(b, 0);
	if (b->with_old)
		OSSL_PROVIDER_unload(b->with_old);
	if (b->without)
		OSSL_PROVIDER_unload(b->without);
	OSSL_LIB_CTX_free(b->old);
	free(b);
}

const struct bundle_item *bundle_at(const struct bundle *b, size_t i)
{
	return i < b->n ? &b->item[i] : NULL;
}

/* A library context that knows RC2-40 and the like, where OpenSSL has them installed. */
static OSSL_LIB_CTX *old_ciphers(struct bundle *b)
{
	if (b->old)
		return b->old;
	b->old = OSSL_LIB_CTX_new();
	if (!b->old)
		return NULL;
	b->without = OSSL_PROVIDER_load(b->old, "default");
	b->with_old = OSSL_PROVIDER_load(b->old, "legacy");
	return b->old;
}

static bool is_there(const struct bundle *b, const X509 *certificate, const EVP_PKEY *key)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct bundle_item *at = &b->item[i];

		if (certificate && at->certificate && X509_cmp(certificate, at->certificate) == 0)
			return true;
		if (key && at->key && EVP_PKEY_eq(key, at->key) == 1)
			return true;
	}
	return false;
}

/* Takes over CERTIFICATE or KEY, also when it fails. */
static int add(struct reading *r, X509 *certificate, EVP_PKEY *key)
{
	struct bundle *b = r->bundle;
	int rc = 0;

	r->known = true;
	if (key && !r->keys) {
		rc = fault_set(r->fault, KIT_ERR_PERMISSION, "%s holds a private key", r->file);
		goto drop;
	}
	if (is_there(b, certificate, key))
		goto drop;
	if (b->n == BUNDLE_ITEMS) {
		rc = fault_set(r->fault, KIT_ERR_RANGE, "%s: more than %d certificates and keys in "
			       "all", r->file, BUNDLE_ITEMS);
		goto drop;
	}
	b->item[b->n++] = (struct bundle_item){
		.file = r->file, .certificate = certificate, .key = key,
	};
	return 0;
drop:
	X509_free(certificate);
	EVP_PKEY_free(key);
	return rc;
}

static int bad_block(struct reading *r, const char *what)
{
	return fault_set(r->fault, KIT_ERR_FORMAT, "%s: %s cannot be read\n"
			 "it may be damaged: copy the file again", r->file, what);
}

static int need_password(struct reading *r, const char *what)
{
	return fault_set(r->fault, KIT_ERR_STATE, "%s: %s is encrypted, and no password is known\n"
			 PASSWORD_HINT, r->file, what, r->file);
}

static int wrong_password(struct reading *r)
{
	return fault_set(r->fault, KIT_ERR_FORGED, "%s: the password is wrong\n"
			 "correct the file %s.password", r->file, r->file);
}

/* Did OpenSSL fail since it lacks an algorithm? */
static bool lacks_algorithm(void)
{
	unsigned long e;

	while ((e = ERR_get_error()) != 0)
		if (ERR_GET_REASON(e) == ERR_R_UNSUPPORTED ||
		    ERR_GET_REASON(e) == EVP_R_UNSUPPORTED_ALGORITHM ||
		    ERR_GET_REASON(e) == EVP_R_UNKNOWN_PBE_ALGORITHM ||
		    (ERR_GET_LIB(e) == ERR_LIB_EVP &&
		     ERR_GET_REASON(e) == EVP_R_UNSUPPORTED_CIPHER))
			return true;
	return false;
}

static int lacking_cipher(struct reading *r)
{
	return fault_set(r->fault, KIT_ERR_CRYPTO, "%s: it is encrypted in a way that the OpenSSL "
			 "of this computer lacks\n"
			 "install openssl-provider-legacy if there is such a package, or write the "
			 "file again: openssl pkcs12 -legacy -in %s -out "
			 "new.pem", r->file, r->file);
}

/* Something that is encrypted did not open, though the password may be right. */
static int did_not_open(struct reading *r)
{
	return lacks_algorithm() ? lacking_cipher(r) : wrong_password(r);
}

/* ---- What it costs to try a password ---- */

/* A * B, or ROUNDS + 1 where it is more than ROUNDS; negative numbers make no sense, either. */
static uint64_t times(uint64_t a, const ASN1_INTEGER *b)
{
	uint64_t n;

	if (!ASN1_INTEGER_get_uint64(&n, b) || n > ROUNDS || a * n > ROUNDS)
		return ROUNDS + 1;
	return a * n;
}

/* PKCS #5, version 2. What cannot be read costs nothing: OpenSSL refuses it. */
static uint64_t rounds_of_function(const X509_ALGOR *function)
{
	PBKDF2PARAM *pbkdf2 = NULL;
	SCRYPT_PARAMS *scrypt = NULL;
	uint64_t n = 0;

	switch (OBJ_obj2nid(function->algorithm)) {
	case NID_id_pbkdf2:
		pbkdf2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM),
						   function->parameter);
		if (pbkdf2)
			n = times(1, pbkdf2->iter);
		PBKDF2PARAM_free(pbkdf2);
		break;
	case NID_id_scrypt:
		scrypt = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS),
						   function->parameter);
		if (scrypt)
			n = times(times(times(1, scrypt->costParameter), scrypt->blockSize),
				  scrypt->parallelizationParameter);
		SCRYPT_PARAMS_free(scrypt);
		break;
	}
	return n;
}

static uint64_t rounds_of(const X509_ALGOR *algorithm)
{
	const ASN1_TYPE *how = algorithm->parameter;
	PBE2PARAM *two = NULL;
	PBEPARAM *one = NULL;
	uint64_t n = 0;

	if (OBJ_obj2nid(algorithm->algorithm) == NID_pbes2) {
		two = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), how);
		if (two)
			n = rounds_of_function(two->keyfunc);
		PBE2PARAM_free(two);
	} else {
		one = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), how);
		if (one)
			n = times(1, one->iter);
		PBEPARAM_free(one);
	}
	return n;
}

/* The server reads its files between two hellos: one of them must not stop it for minutes. */
static int spend(struct reading *r, uint64_t rounds)
{
	if (rounds > ROUNDS - r->bundle->rounds)
		return fault_set(r->fault, KIT_ERR_RANGE, "%s: to try its password takes too long "
				 "(more than %d rounds of hashing, all files together)\n"
				 "export it again with 2048 rounds (openssl pkcs12 -iter), or "
				 "write it as PEM", r->file, ROUNDS);
	r->bundle->rounds += rounds;
	return 0;
}

/* ---- DER ---- */

static int add_certificate(struct reading *r, const uint8_t *der, size_t size)
{
	const uint8_t *p = der;
	X509 *x = d2i_X509(NULL, &p, (long)size);

	if (!x)
		return bad_block(r, "a certificate");
	return add(r, x, NULL);
}

static int add_key(struct reading *r, const uint8_t *der, size_t size)
{
	const uint8_t *p = der;
	EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &p, (long)size);

	if (!key)
		return bad_block(r, "a private key");
	return add(r, NULL, key);
}

static int add_plain_key(struct reading *r, const PKCS8_PRIV_KEY_INFO *info)
{
	EVP_PKEY *key = info ? EVP_PKCS82PKEY(info) : NULL;

	return key ? add(r, NULL, key) : bad_block(r, "a private key");
}

static int add_encrypted_key(struct reading *r, const X509_SIG *encrypted)
{
	PKCS8_PRIV_KEY_INFO *info = NULL;
	const X509_ALGOR *algorithm;
	OSSL_LIB_CTX *old = NULL;
	int rc;

	if (!r->password)
		return need_password(r, "the private key");
	X509_SIG_get0(encrypted, &algorithm, NULL);
	rc = spend(r, rounds_of(algorithm));
	if (rc)
		return rc;
	old = old_ciphers(r->bundle);
	if (!old)
		return fault_nomem(r->fault);
	ERR_clear_error();
	info = PKCS8_decrypt_ex(encrypted, r->password, (int)strlen(r->password), old, NULL);
	if (!info)
		return did_not_open(r);
	rc = add_plain_key(r, info);
	PKCS8_PRIV_KEY_INFO_free(info);
	return rc;
}

static int add_copy(struct reading *r, X509 *x)
{
	return X509_up_ref(x) ? add(r, x, NULL) : fault_nomem(r->fault);
}

static int add_pkcs7(struct reading *r, const PKCS7 *p7)
{
	STACK_OF(X509) *all = NULL;
	int rc = 0;

	if (PKCS7_type_is_signed(p7) && p7->d.sign)
		all = p7->d.sign->cert;
	if (sk_X509_num(all) <= 0)
		return bad_block(r, "PKCS #7 without certificates");
	for (int i = 0; !rc && i < sk_X509_num(all); i++)
		rc = add_copy(r, sk_X509_value(all, i));
	return rc;
}

/* The password by its checksum: the one that is known, or none, which has two forms. */
static int check_mac(struct reading *r, PKCS12 *p12, const char **password)
{
	const ASN1_INTEGER *rounds = NULL;
	int rc;

	if (!PKCS12_mac_present(p12)) {
		return fault_set(r->fault, KIT_ERR_FORMAT, "%s: the PFX has no checksum (MAC), so "
				 "that its password cannot be checked\n"
				 "export it again with one, or write it as PEM", r->file);
	}
	PKCS12_get0_mac(NULL, NULL, NULL, &rounds, p12);
	rc = spend(r, rounds ? times(1, rounds) : 1);
	if (rc)
		return rc;
	*password = r->password;
	if (r->password)
		return PKCS12_verify_mac(p12, r->password, -1) ? 0 : wrong_password(r);
	if (PKCS12_verify_mac(p12, NULL, 0))
		return 0;
	*password = "";
	return PKCS12_verify_mac(p12, "", 0) ? 0 : need_password(r, "the PFX");
}

static int add_shrouded_key(struct reading *r, const PKCS12_SAFEBAG *bag, const char *password)
{
	OSSL_LIB_CTX *old = old_ciphers(r->bundle);
	PKCS8_PRIV_KEY_INFO *info = NULL;
	const X509_ALGOR *algorithm;
	int rc;

	if (!old)
		return fault_nomem(r->fault);
	X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, NULL);
	rc = spend(r, rounds_of(algorithm));
	if (rc)
		return rc;
	ERR_clear_error();
	info = PKCS12_decrypt_skey_ex(bag, password, password ? -1 : 0, old, NULL);
	rc = info ? add_plain_key(r, info) : did_not_open(r);
	PKCS8_PRIV_KEY_INFO_free(info);
	return rc;
}

static int add_bag(struct reading *r, const PKCS12_SAFEBAG *bag, const char *password)
{
	X509 *x;

	switch (PKCS12_SAFEBAG_get_nid(bag)) {
	case NID_keyBag:
		return add_plain_key(r, PKCS12_SAFEBAG_get0_p8inf(bag));
	case NID_pkcs8ShroudedKeyBag:
		return add_shrouded_key(r, bag, password);
	case NID_certBag:
		if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
			return 0;
		x = PKCS12_SAFEBAG_get1_cert(bag);
		return x ? add(r, x, NULL) : bad_block(r, "a certificate");
	default:
		return 0;
	}
}

/* The bags of one safe. PKCS12_parse() would open them with the ciphers of today alone. */
static int add_safe(struct reading *r, PKCS7 *safe, const char *password)
{
	OSSL_LIB_CTX *old = old_ciphers(r->bundle);
	STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
	int rc = 0;

	if (!old)
		return fault_nomem(r->fault);
	ERR_clear_error();
	if (PKCS7_type_is_data(safe)) {
		bags = PKCS12_unpack_p7data(safe);
	} else if (PKCS7_type_is_encrypted(safe) && safe->d.encrypted) {
		PKCS7_ENC_CONTENT *content = safe->d.encrypted->enc_data;

		rc = spend(r, rounds_of(content->algorithm));
		if (rc)
			return rc;
		bags = PKCS12_item_decrypt_d2i_ex(content->algorithm,
						  ASN1_ITEM_rptr(PKCS12_SAFEBAGS), password,
						  password ? (int)strlen(password) : 0,
						  content->enc_data, 1, old, NULL);
		if (!bags)
			return did_not_open(r);
	} else {
		return 0;	/* encrypted to a person's key, not by a password */
	}
	if (!bags)
		return bad_block(r, "a part of the PFX");
	for (int i = 0; !rc && i < sk_PKCS12_SAFEBAG_num(bags); i++)
		rc = add_bag(r, sk_PKCS12_SAFEBAG_value(bags, i), password);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	return rc;
}

static int add_pfx(struct reading *r, PKCS12 *p12)
{
	const char *password = NULL;
	STACK_OF(PKCS7) *safes = NULL;
	int rc = check_mac(r, p12, &password);

	if (rc)
		return rc;
	safes = PKCS12_unpack_authsafes(p12);
	if (!safes)
		return bad_block(r, "the PFX");
	for (int i = 0; !rc && i < sk_PKCS7_num(safes); i++)
		rc = add_safe(r, sk_PKCS7_value(safes, i), password);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	return rc;
}

static int read_der(struct reading *r, const uint8_t *der, size_t size)
{
	const uint8_t *p = der;
	X509_SIG *encrypted = NULL;
	EVP_PKEY *key = NULL;
	PKCS12 *p12 = NULL;
	PKCS7 *p7 = NULL;
	X509 *x = NULL;
	int rc;

	x = d2i_X509(NULL, &p, (long)size);
	if (x)
		return add(r, x, NULL);
	p = der;
	p7 = d2i_PKCS7(NULL, &p, (long)size);
	if (p7) {
		rc = add_pkcs7(r, p7);
		PKCS7_free(p7);
		return rc;
	}
	p = der;
	p12 = d2i_PKCS12(NULL, &p, (long)size);
	if (p12) {
		rc = add_pfx(r, p12);
		PKCS12_free(p12);
		return rc;
	}
	p = der;
	encrypted = d2i_X509_SIG(NULL, &p, (long)size);
	if (encrypted) {
		rc = add_encrypted_key(r, encrypted);
		X509_SIG_free(encrypted);
		return rc;
	}
	p = der;
	key = d2i_AutoPrivateKey(NULL, &p, (long)size);
	return key ? add(r, NULL, key) : 0;
}

/* ---- PEM ---- */

/* The password as OpenSSL asks for it. */
static int on_password(char *out, int size, int writing, void *user)
{
	const struct reading *r = user;
	size_t n = r->password ? strlen(r->password) : 0;

	if (!r->password || n > (size_t)size)
		return -1;
	memcpy(out, r->password, n);
	return (int)n;
}

/* A key, perhaps as OpenSSL encrypted it before there was PKCS #8: the header names the cipher. */
static int take_key(struct reading *r, char *header, uint8_t *data, long n)
{
	EVP_CIPHER_INFO cipher;
	const uint8_t *p = data;
	EVP_PKEY *key = NULL;

	ERR_clear_error();
	if (!PEM_get_EVP_CIPHER_INFO(header, &cipher))
		return lacks_algorithm() ? lacking_cipher(r) : bad_block(r, "a private key");
	if (!cipher.cipher)
		return add_key(r, data, (size_t)n);
	if (!r->password)
		return need_password(r, "the private key");
	if (!PEM_do_header(&cipher, data, &n, on_password, r))
		return did_not_open(r);
	key = d2i_AutoPrivateKey(NULL, &p, n);
	return key ? add(r, NULL, key) : wrong_password(r);
}

static int take_encrypted_key(struct reading *r, const uint8_t *der, size_t size)
{
	const uint8_t *p = der;
	X509_SIG *encrypted = d2i_X509_SIG(NULL, &p, (long)size);
	int rc = encrypted ? add_encrypted_key(r, encrypted) : bad_block(r, "a private key");

	X509_SIG_free(encrypted);
	return rc;
}

static int take_pkcs7(struct reading *r, const uint8_t *der, size_t size)
{
	const uint8_t *p = der;
	PKCS7 *p7 = d2i_PKCS7(NULL, &p, (long)size);
	int rc = p7 ? add_pkcs7(r, p7) : bad_block(r, "PKCS #7");

	PKCS7_free(p7);
	return rc;
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

static int take_block(struct reading *r, const char *name, char *header, uint8_t *data, long n)
{
	/* The trust that OpenSSL puts behind a certificate is not part of it. */
	if (strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0 ||
	    strcmp(name, PEM_STRING_X509_TRUSTED) == 0)
		return add_certificate(r, data, (size_t)n);
	if (strcmp(name, PEM_STRING_PKCS7) == 0)
		return take_pkcs7(r, data, (size_t)n);
	if (strcmp(name, PEM_STRING_PKCS8) == 0)
		return take_encrypted_key(r, data, (size_t)n);
	if (!ends_with(name, "PRIVATE KEY"))
		return 0;
	return take_key(r, header, data, n);
}

static int read_pem(struct reading *r, const void *data, size_t size)
{
	BIO *bio = BIO_new_mem_buf(data, (int)size);
	char *name = NULL, *header = NULL;
	uint8_t *block = NULL;
	long n = 0;
	int rc = 0;

	if (!bio)
		return fault_nomem(r->fault);
	ERR_clear_error();
	while (!rc && PEM_read_bio_ex(bio, &name, &header, &block, &n,
				      PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE)) {
		long room = n;

		rc = take_block(r, name, header, block, n);
		OPENSSL_secure_free(name);
		OPENSSL_secure_free(header);
		OPENSSL_secure_clear_free(block, (size_t)room);
		name = header = NULL;
		block = NULL;
		ERR_clear_error();
	}
	if (!rc && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		rc = bad_block(r, "a block of PEM");
	BIO_free(bio);
	return rc;
}

int bundle_read(struct bundle *b, const char *file, const void *data, size_t size, bool keys,
		const char *password, struct fault *fault)
{
	struct reading r = { .bundle = b, .keys = keys, .password = password, .first = b->n,
			     .fault = fault };
	int rc;

	if (size > BUNDLE_BYTES)
		return fault_set(fault, KIT_ERR_RANGE, "%s is larger than %d KiB", file,
				 BUNDLE_BYTES / 1024);
	r.file = strdup(file);
	if (!r.file)
		return fault_nomem(fault);
	if (memmem(data, size, "-----BEGIN ", 11))
		rc = read_pem(&r, data, size);
	else
		rc = size ? read_der(&r, data, size) : 0;
	if (!rc && !r.known)
		rc = fault_set(fault, KIT_ERR_FORMAT, "%s holds no certificate and no private key\n"
			       "PEM, DER and PFX are read", file);
	if (b->n == r.first)
		free(r.file);	/* of no item: an error, or all of it was there already */
	else if (rc)
		drop_items(b, r.first);
	ERR_clear_error();
	return rc;
}
