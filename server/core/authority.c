/* A site's own certificate authorities, by OpenSSL: roots, and what they issue. */
#include "server/core/authority.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "amt/chain.h"
#include "amt/pem.h"
#include "common/hex.h"
#include "common/hostname.h"
#include "common/text.h"

#define DAY		86400
#define SERIAL_BITS	127	/* a positive number of 16 bytes */
#define LEAST_BITS	2048
#define MOST_BITS	4096

struct authority {
	X509 *certificate;
	EVP_PKEY *key;			/* SECRET */
	char suffix[HOSTNAME_MAX + 1];	/* "": issues to servers */
	char name[AUTHORITY_NAME + 1];
};

/* What OpenSSL says is about its insides; it stays out of what people read. */
static int refused(struct fault *fault, const char *what)
{
	ERR_clear_error();
	return fault_set(fault, KIT_ERR_CRYPTO, "%s", what);
}

static int check_request(const struct authority_algorithm *algorithm, unsigned days,
			 struct fault *fault)
{
	if (algorithm->bits != 2048 && algorithm->bits != 3072 && algorithm->bits != 4096)
		return fault_set(fault, KIT_ERR_ARGUMENT, "an RSA key of %u bits is not made here\n"
				 "choose 2048, 3072 or 4096", algorithm->bits);
	if (algorithm->sha != 256 && algorithm->sha != 384)
		return fault_set(fault, KIT_ERR_ARGUMENT, "SHA-%u is not used here\n"
				 "choose 256 or 384", algorithm->sha);
	if (!days)
		return fault_set(fault, KIT_ERR_ARGUMENT, "a certificate of 0 days is of no use");
	return 0;
}

/* ---- certificates ---- */

static const EVP_MD *digest_of(const struct authority_algorithm *algorithm)
{
	return algorithm->sha == 384 ? EVP_sha384() : EVP_sha256();
}

static int set_serial(X509 *c, struct fault *fault)
{
	BIGNUM *number = BN_new();
	bool done = number &&
		    BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
		    !BN_is_zero(number) && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(c));

	BN_free(number);
	return done ? 0 : refused(fault, "cannot draw a serial number");
}

/* From a day before NOW, for clocks that are behind, but not past LIMIT (0: none). */
static int set_dates(X509 *c, unsigned days, int64_t now, int64_t limit, struct fault *fault)
{
	int64_t expiry = now + (int64_t)days * DAY;

	if (limit && expiry > limit)
		expiry = limit;
	if (!ASN1_TIME_set(X509_getm_notBefore(c), now - DAY) ||
	    !ASN1_TIME_set(X509_getm_notAfter(c), expiry))
		return refused(fault, "cannot set the dates of a certificate");
	return 0;
}

static bool add_name(X509_NAME *name, int field, const char *text)
{
	return X509_NAME_add_entry_by_NID(name, field, MBSTRING_UTF8, (const uint8_t *)text, -1, -1,
					  0) == 1;
}

struct extension {
	int nid;
	const char *value;	/* NULL: the end; in OpenSSL's words */
};

/* Sets issuer and extensions, and signs. ISSUER is C itself for a root. */
static int finish(X509 *c, X509 *issuer, EVP_PKEY *key, const EVP_MD *digest,
		  const struct extension *extensions, struct fault *fault)
{
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, c, NULL, NULL, 0);
	if (X509_set_issuer_name(c, X509_get_subject_name(issuer)) != 1)
		return fault_nomem(fault);
	for (; extensions->value; extensions++) {
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, extensions->nid,
							extensions->value);
		bool added = e && X509_add_ext(c, e, -1) == 1;

		X509_EXTENSION_free(e);
		if (!added)
			return refused(fault, "cannot add an extension to a certificate");
	}
	return X509_sign(c, key, digest) > 0 ? 0 : refused(fault, "cannot sign a certificate");
}

/* An unsigned certificate over KEY, without names and extensions. */
static int begin(X509 **out, EVP_PKEY *key, unsigned days, int64_t now, int64_t limit,
		 struct fault *fault)
{
	X509 *c = X509_new();
	int rc;

	*out = c;
	if (!c || X509_set_version(c, X509_VERSION_3) != 1 || X509_set_pubkey(c, key) != 1)
		return fault_nomem(fault);
	rc = set_serial(c, fault);
	return rc ? rc : set_dates(c, days, now, limit, fault);
}

static int describe(X509 *c, struct authority_issued *out, struct fault *fault)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(c);
	size_t n = (size_t)ASN1_STRING_length(serial);
	uint8_t digest[32], *spki = NULL;
	int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c), &spki);
	bool done = n <= AUTHORITY_SERIAL / 2 && size > 0 &&
		    EVP_Digest(spki, (size_t)size, digest, NULL, EVP_sha256(), NULL) == 1;

	*out = (struct authority_issued){ .expiry = chain_time(X509_get0_notAfter(c)) };
	if (done) {
		hex_show(ASN1_STRING_get0_data(serial), n, out->serial);
		hex_show(digest, sizeof(digest), out->key_digest);
	}
	OPENSSL_free(spki);
	return done ? 0 : fault_nomem(fault);
}

/* ---- authorities ---- */

static int take_name(struct authority *a, struct fault *fault)
{
	const X509_NAME *name = X509_get_subject_name(a->certificate);
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	unsigned char *text = NULL;

	if (at < 0 || ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(
						 X509_NAME_get_entry(name, at))) < 0)
		return fault_set(fault, KIT_ERR_FORMAT, "the authority has no common name");
	text_clean(a->name, sizeof(a->name), (const char *)text);
	OPENSSL_free(text);
	return 0;
}

/* The one DNS name that its names have to be under, if it is constrained to one. */
static void take_suffix(struct authority *a)
{
	NAME_CONSTRAINTS *nc = X509_get_ext_d2i(a->certificate, NID_name_constraints, NULL, NULL);
	const GENERAL_SUBTREE *only = nc && sk_GENERAL_SUBTREE_num(nc->permittedSubtrees) == 1 ?
				      sk_GENERAL_SUBTREE_value(nc->permittedSubtrees, 0) : NULL;
	const ASN1_IA5STRING *name = only && only->base->type == GEN_DNS ?
				     only->base->d.dNSName : NULL;
	const char *text = name ? (const char *)ASN1_STRING_get0_data(name) : NULL;
	size_t n = name ? (size_t)ASN1_STRING_length(name) : 0;

	if (text && hostname_is_dns_name(text, n, true)) {
		memcpy(a->suffix, text, n);
		a->suffix[n] = '\0';
	}
	NAME_CONSTRAINTS_free(nc);
}

static int make_root(struct authority *a, enum authority_kind kind, const char *suffix,
		     const struct authority_algorithm *algorithm, unsigned days, int64_t now,
		     struct fault *fault)
{
	const bool machines = kind == AUTHORITY_MACHINES;
	char constraint[sizeof("permitted;DNS:") + HOSTNAME_MAX], name[AUTHORITY_NAME + 1];
	struct extension extensions[] = {
		{ NID_basic_constraints, machines ? "critical,CA:TRUE,pathlen:0" :
						    "critical,CA:TRUE" },
		{ NID_key_usage, "critical,keyCertSign,cRLSign" },
		{ NID_subject_key_identifier, "hash" },
		{ NID_name_constraints, machines ? constraint : NULL },
		{ 0 },
	};
	int rc;

	snprintf(constraint, sizeof(constraint), "critical,permitted;DNS:%s", suffix);
	snprintf(name, sizeof(name), "%s %s", machines ? "AMT machines" : "AMT root", suffix);
	a->key = EVP_RSA_gen(algorithm->bits);
	if (!a->key)
		return refused(fault, "cannot make an RSA key");
	rc = begin(&a->certificate, a->key, days, now, 0, fault);
	if (!rc && !add_name(X509_get_subject_name(a->certificate), NID_commonName, name))
		rc = fault_nomem(fault);
	if (!rc)
		rc = finish(a->certificate, a->certificate, a->key, digest_of(algorithm),
			    extensions, fault);
	return rc;
}

int authority_new(struct authority **out, enum authority_kind kind, const char *suffix,
		  const struct authority_algorithm *algorithm, unsigned days, int64_t now,
		  struct fault *fault)
{
	struct authority *a = NULL;
	int rc = check_request(algorithm, days, fault);

	*out = NULL;
	if (!rc && !hostname_is_dns_name(suffix, strlen(suffix), true))
		rc = fault_set(fault, KIT_ERR_ARGUMENT, "\"%.100s\" is not a DNS suffix\n"
			       "give the domain of the machines, such as example.com", suffix);
	if (!rc && !(a = calloc(1, sizeof(*a))))
		rc = fault_nomem(fault);
	if (!rc)
		rc = make_root(a, kind, suffix, algorithm, days, now, fault);
	if (!rc)
		rc = take_name(a, fault);
	if (rc) {
		authority_free(a);
		return rc;
	}
	take_suffix(a);
	*out = a;
	return 0;
}

void authority_free(struct authority *a)
{
	if (!a)
		return;
	X509_free(a->certificate);
	EVP_PKEY_free(a->key);	/* which wipes its numbers */
	free(a);
}

const char *authority_suffix(const struct authority *a)
{
	return a->suffix;
}

const char *authority_name(const struct authority *a)
{
	return a->name;
}

int64_t authority_expiry(const struct authority *a)
{
	return chain_time(X509_get0_notAfter(a->certificate));
}

struct authority_algorithm authority_algorithm(const struct authority *a)
{
	return (struct authority_algorithm){
		.bits = (unsigned)EVP_PKEY_get_bits(a->key),
		.sha = X509_get_signature_nid(a->certificate) == NID_sha384WithRSAEncryption ? 384
											     : 256,
	};
}

void authority_digest(const struct authority *a, uint8_t out[static 32])
{
	memset(out, 0, 32);
	X509_digest(a->certificate, EVP_sha256(), out, NULL);
}

/* ---- files ---- */

/* A key with a pass phrase is not asked for it: a server has nobody to ask. */
static int no_pass_phrase(char *out, int size, int writing, void *context)
{
	return -1;
}

/* The file PATH, which only its owner and group may read; *out is NULL on failure. */
static int open_private(BIO **out, const char *path, struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
	struct stat st;

	*out = NULL;
	if (fd < 0)
		return fault_sys(fault, errno, "cannot open %s", path);
	if (fstat(fd, &st))
		rc = fault_sys(fault, errno, "cannot examine %s", path);
	else if (!S_ISREG(st.st_mode))
		rc = fault_set(fault, KIT_ERR_FORMAT, "%s is not an ordinary file", path);
	else if (st.st_mode & 0037)
		rc = fault_set(fault, KIT_ERR_PERMISSION, "%s holds a private key, but its mode "
			       "%04o lets others use it\n"
			       "chmod 600 %s", path, (unsigned)st.st_mode & 07777, path);
	else if (!(*out = BIO_new_fd(fd, BIO_CLOSE)))
		rc = fault_nomem(fault);
	if (rc)
		close(fd);
	return rc;
}

static int read_key(EVP_PKEY **out, const char *path, struct fault *fault)
{
	BIO *file;
	int rc = open_private(&file, path, fault);

	*out = NULL;
	if (rc)
		return rc;
	*out = PEM_read_bio_PrivateKey(file, NULL, no_pass_phrase, NULL);
	BIO_free(file);
	ERR_clear_error();
	if (!*out)
		return fault_set(fault, KIT_ERR_FORMAT, "%s has no private key in PEM\n"
				 "one with a pass phrase is unlocked by: openssl pkey -in %s -out "
				 "NEW.key", path, path);
	return 0;
}

/* Can it issue certificates, with that key? */
static int check_authority(const struct authority *a, const char *path, struct fault *fault)
{
	if (EVP_PKEY_get_base_id(a->key) != EVP_PKEY_RSA)
		return fault_set(fault, KIT_ERR_UNFIT, "the private key in %s is not an RSA key",
				 path);
	if (X509_check_private_key(a->certificate, a->key) != 1) {
		ERR_clear_error();
		return fault_set(fault, KIT_ERR_UNFIT, "the private key in %s is not the one of "
				 "the authority \"%s\"", path, a->name);
	}
	if (X509_check_ca(a->certificate) != 1)
		return fault_set(fault, KIT_ERR_UNFIT, "the certificate \"%s\" is not one of an "
				 "authority", a->name);
	return 0;
}

/* Takes CERTIFICATE, which may be NULL only if there is a fault. */
static int load(struct authority **out, X509 *certificate, const char *key_path,
		struct fault *fault)
{
	struct authority *a = calloc(1, sizeof(*a));
	int rc;

	*out = NULL;
	if (!a) {
		X509_free(certificate);
		return fault_nomem(fault);
	}
	a->certificate = certificate;
	rc = take_name(a, fault);
	if (!rc)
		rc = read_key(&a->key, key_path, fault);
	if (!rc)
		rc = check_authority(a, key_path, fault);
	if (rc) {
		authority_free(a);
		return rc;
	}
	take_suffix(a);
	*out = a;
	return 0;
}

int authority_load(struct authority **out, const char *path, struct fault *fault)
{
	X509 *certificate;
	BIO *file;
	int rc = open_private(&file, path, fault);

	*out = NULL;
	if (rc)
		return rc;
	certificate = PEM_read_bio_X509(file, NULL, no_pass_phrase, NULL);
	BIO_free(file);
	ERR_clear_error();
	if (!certificate)
		return fault_set(fault, KIT_ERR_FORMAT, "%s has no certificate in PEM", path);
	rc = load(out, certificate, path, fault);
	if (!rc && !(*out)->suffix[0]) {
		rc = fault_set(fault, KIT_ERR_UNFIT, "the authority in %s is not constrained to "
			       "one DNS suffix, so it issues no certificates for machines\n"
			       "make one: amt-provisionctl certificates new-ca --machines --suffix "
			       "SUFFIX", path);
		authority_free(*out);
		*out = NULL;
	}
	return rc;
}

int authority_of_root(struct authority **out, const uint8_t *der, size_t size,
		      const char *key_path, struct fault *fault)
{
	X509 *certificate = d2i_X509(NULL, &der, (long)size);

	*out = NULL;
	if (!certificate) {
		ERR_clear_error();
		return fault_set(fault, KIT_ERR_FORMAT, "the root is not a certificate in DER");
	}
	return load(out, certificate, key_path, fault);
}

char *authority_certificate_text(const struct authority *a)
{
	return pem_text(NULL, &a->certificate, 1);
}

char *authority_key_text(const struct authority *a)
{
	return pem_text(a->key, NULL, 0);
}

char *authority_text(const struct authority *a)
{
	return pem_text(a->key, &a->certificate, 1);
}

/* ---- what they issue ---- */

static int check_date(const struct authority *a, int64_t now, struct fault *fault)
{
	if (authority_expiry(a) > now)
		return 0;
	return fault_set(fault, KIT_ERR_UNFIT, "the authority \"%s\" has expired", a->name);
}

int authority_issue_server(const struct authority *a, const char *name,
			   const struct authority_algorithm *algorithm, unsigned days, int64_t now,
			   char **text, struct authority_issued *issued, struct fault *fault)
{
	char san[sizeof("DNS:") + AUTHORITY_NAME];
	const struct extension extensions[] = {
		{ NID_basic_constraints, "CA:FALSE" },
		{ NID_key_usage, "digitalSignature,keyEncipherment" },
		{ NID_ext_key_usage, "serverAuth," CHAIN_AMT_OID },
		{ NID_subject_alt_name, san },
		{ NID_subject_key_identifier, "hash" },
		{ NID_authority_key_identifier, "keyid" },
		{ 0 },
	};
	EVP_PKEY *key = NULL;
	X509 *leaf = NULL;
	X509_NAME *subject;
	int rc = check_request(algorithm, days, fault);

	*text = NULL;
	if (!rc && (!hostname_is_fqdn(name) || strlen(name) > AUTHORITY_NAME))
		rc = fault_set(fault, KIT_ERR_ARGUMENT, "\"%.100s\" is not a full host name of at "
			       "most %d characters\n"
			       "give one such as provision.example.com", name, AUTHORITY_NAME);
	if (!rc)
		rc = check_date(a, now, fault);
	if (rc)
		return rc;
	key = EVP_RSA_gen(algorithm->bits);
	if (!key)
		return refused(fault, "cannot make an RSA key");
	snprintf(san, sizeof(san), "DNS:%s", name);
	rc = begin(&leaf, key, days, now, authority_expiry(a), fault);
	subject = leaf ? X509_get_subject_name(leaf) : NULL;
	if (!rc && (!add_name(subject, NID_commonName, name) ||
		    !add_name(subject, NID_organizationalUnitName, CHAIN_AMT_OU)))
		rc = fault_nomem(fault);
	if (!rc)
		rc = finish(leaf, a->certificate, a->key, digest_of(algorithm), extensions, fault);
	if (!rc)
		rc = describe(leaf, issued, fault);
	if (!rc && !(*text = pem_text(key, (X509 *const[]){ leaf, a->certificate }, 2)))
		rc = fault_nomem(fault);
	X509_free(leaf);
	EVP_PKEY_free(key);
	return rc;
}

/* A public RSA key in either of its forms; anything behind it is refused. */
static int read_public_key(EVP_PKEY **out, const uint8_t *der, size_t size, struct fault *fault)
{
	const uint8_t *at = der;
	long n = size <= 4096 ? (long)size : 0;	/* one of 4096 bits has some 550 bytes */
	EVP_PKEY *key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, n);
	int bits;

	if (!key) {
		at = der;
		key = d2i_PUBKEY(NULL, &at, n);
	}
	ERR_clear_error();
	if (!key || at != der + size || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
		EVP_PKEY_free(key);
		return fault_set(fault, KIT_ERR_FORMAT, "the machine's public key is not an RSA "
				 "key in DER");
	}
	bits = EVP_PKEY_get_bits(key);
	if (bits < LEAST_BITS || bits > MOST_BITS) {
		EVP_PKEY_free(key);
		return fault_set(fault, KIT_ERR_UNFIT, "the machine's public key has %d bits, not "
				 "%d to %d", bits, LEAST_BITS, MOST_BITS);
	}
	*out = key;
	return 0;
}

/* Equal to the suffix, or under it. */
static int check_name(const struct authority *a, const char *fqdn, struct fault *fault)
{
	size_t n = strlen(fqdn), s = strlen(a->suffix);

	if (!s)
		return fault_set(fault, KIT_ERR_UNFIT, "the authority \"%s\" issues certificates "
				 "to servers, not to machines", a->name);
	if (hostname_is_fqdn(fqdn) && n >= s && strcasecmp(fqdn + n - s, a->suffix) == 0 &&
	    (n == s || fqdn[n - s - 1] == '.'))
		return 0;
	return fault_set(fault, KIT_ERR_UNFIT, "\"%.100s\" is not a host name under %s, to which "
			 "the authority is constrained", fqdn, a->suffix);
}

/* The whole name is in the SAN; a common name has room for so much only. */
static bool name_machine(X509 *c, const char *fqdn, const struct uuid *uuid)
{
	X509_NAME *subject = X509_get_subject_name(c);
	char shown[UUID_SHOWN + 1], name[AUTHORITY_NAME + 1];

	uuid_show(uuid, shown);
	snprintf(name, sizeof(name), "%s", fqdn);
	if (strlen(fqdn) > AUTHORITY_NAME)
		name[strcspn(name, ".")] = '\0';
	return add_name(subject, NID_commonName, name) &&
	       add_name(subject, NID_serialNumber, shown);
}

int authority_issue(const struct authority *a, const uint8_t *public_key, size_t size,
		    const char *fqdn, const struct uuid *uuid, unsigned days, int64_t now,
		    uint8_t **der, size_t *der_size, struct authority_issued *issued,
		    struct fault *fault)
{
	char san[sizeof("DNS:") + HOSTNAME_MAX];
	const struct extension extensions[] = {
		{ NID_basic_constraints, "critical,CA:FALSE" },
		{ NID_key_usage, "critical,digitalSignature,keyEncipherment" },
		{ NID_ext_key_usage, "serverAuth" },
		{ NID_subject_alt_name, san },
		{ NID_subject_key_identifier, "hash" },
		{ NID_authority_key_identifier, "keyid" },
		{ 0 },
	};
	const struct authority_algorithm algorithm = authority_algorithm(a);
	uint8_t *encoded = NULL;
	EVP_PKEY *key = NULL;
	X509 *c = NULL;
	int n, rc = check_name(a, fqdn, fault);

	*der = NULL;
	*der_size = 0;
	if (!rc)
		rc = check_date(a, now, fault);
	if (!rc)
		rc = read_public_key(&key, public_key, size, fault);
	if (rc)
		return rc;
	snprintf(san, sizeof(san), "DNS:%s", fqdn);
	rc = begin(&c, key, days, now, authority_expiry(a), fault);
	if (!rc && !name_machine(c, fqdn, uuid))
		rc = fault_nomem(fault);
	if (!rc)
		rc = finish(c, a->certificate, a->key, digest_of(&algorithm), extensions, fault);
	if (!rc)
		rc = describe(c, issued, fault);
	n = rc ? 0 : i2d_X509(c, &encoded);
	if (!rc && (n <= 0 || !(*der = malloc((size_t)n))))
		rc = fault_nomem(fault);
	if (!rc) {
		memcpy(*der, encoded, (size_t)n);
		*der_size = (size_t)n;
	}
	OPENSSL_free(encoded);
	X509_free(c);
	EVP_PKEY_free(key);
	return rc;
}
