/*
 * A provisioning certificate with its chain and its key: put in order and handed to TLS. What is
 * wrong with one is said by amt/finding.h; a folder of them is server/core/certificates.h.
 */
#ifndef AMT_CHAIN_H
#define AMT_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "amt/bundle.h"
#include "common/error.h"

/* What a certificate must have, one or the other. */
#define CHAIN_AMT_OID	"2.16.840.1.113741.1.2.3"	/* in its extended key usage */
#define CHAIN_AMT_OU	"Intel(R) Client Setup Certificate"	/* in its subject, exactly */

#define CHAIN_LENGTH	10	/* certificates of a chain; AMT takes 4, for all we know */
#define CHAIN_AMT_LENGTH 4
#define CHAIN_AMT_BYTES	8192	/* of a chain in DER */
#define CHAIN_NAMES	32	/* DNS names of a SAN that are kept */
#define CHAIN_NAME	256	/* bytes of a name, with NUL */
#define CHAIN_SERIAL	64	/* bytes of a serial number in hex, with NUL */

#define CHAIN_DAY	86400

struct asn1_string_st;
struct ssl_ctx_st;
struct x509_store_st;

enum chain_key {
	CHAIN_KEY_RSA,
	CHAIN_KEY_EC,
	CHAIN_KEY_OTHER,	/* AMT knows none of these */
};

/* One certificate of a chain. Names are made fit for a terminal. */
struct chain_link {
	char subject[CHAIN_NAME];	/* its CN, else its OU, else its O */
	char issuer[CHAIN_NAME];
	char serial[CHAIN_SERIAL];	/* "04ab..." */
	char file[CHAIN_NAME];		/* where it was; "": among the system's certificates */
	int64_t not_before, not_after;	/* seconds since 1970 UTC */
	enum chain_key key;
	unsigned bits;
	const char *digest;		/* of its signature: "SHA256"; static */
	bool weak_digest;		/* SHA-1 or MD5: AMT 15 and later refuse it */
};

/* Types of digests as hellos and setup.bin have them. */
enum chain_digest {
	CHAIN_SHA1 = 1,
	CHAIN_SHA256 = 2,
	CHAIN_SHA384 = 3,
};

/* What a chain is; not whether it is good. */
struct chain_facts {
	char cn[CHAIN_NAME];		/* of the leaf; "": none */
	char names[CHAIN_NAMES][CHAIN_NAME];	/* DNS names of its SAN */
	size_t n_names;
	bool server_auth, amt_oid, amt_ou;
	char near_ou[CHAIN_NAME];	/* an OU that only nearly is CHAIN_AMT_OU; "": none */
	int64_t not_before, not_after;	/* when all of the chain are valid */
	bool has_key;			/* the leaf's own private key */
	char other_key[CHAIN_NAME];	/* without one: a file with a key of no certificate; "" */
	bool complete;			/* ends in a certificate that is signed by itself */
	bool by_system;			/* some came from the system's certificates */
	bool weak_digest;		/* anywhere in it, the root included */
	size_t bytes;			/* of all in DER */
	size_t n_links;			/* leaf first, root (if complete) last */
	struct chain_link links[CHAIN_LENGTH];
	/* Digests of the root's DER, or zeros where the chain is not complete. */
	uint8_t root_sha1[20];
	uint8_t root_sha256[32];
	uint8_t root_sha384[48];
};

struct chain;

/*
 * The chains that can be made of BUNDLE, one for each certificate that is not an authority's, in
 * the order of reading. Chains are as short as can be: an issuer that is signed by itself goes
 * before the same one signed by another, SHA-256 before SHA-1, the bundle before SYSTEM (NULL:
 * none; the system's certificates).
 *
 *   nth   of those, from 0
 *
 * Returns 0 and a chain, complete or not, with one reference; KIT_ERR_NOT_FOUND when there are no
 * more; KIT_ERR_NOMEM. The bundle may be freed.
 */
int chain_make(struct chain **out, const struct bundle *bundle, struct x509_store_st *system,
	       size_t nth, struct fault *fault);

/*
 * The same certificate by another way, where there is one: WAY 0 is the chain that chain_make()
 * makes, each further one ends in a root of its own. Old firmware may know only the root that
 * signed the newer one. KIT_ERR_NOT_FOUND when there are no more.
 */
int chain_make_other(struct chain **out, const struct bundle *bundle, struct x509_store_st *system,
		     size_t nth, size_t way, struct fault *fault);

/* One reference more: an attempt keeps its chain over a reload. Returns C. */
struct chain *chain_ref(struct chain *c);
/* One reference less; with the last one the key is wiped. *c may be NULL, and is after it. */
void chain_free(struct chain **c);

const struct chain_facts *chain_facts(const struct chain *c);

/* Bytes of a digest of this type; 0: an unknown type. */
size_t chain_digest_size(unsigned type);
/* The root's digest by TYPE, of chain_digest_size() bytes; NULL: unknown, or not complete. */
const uint8_t *chain_root_digest(const struct chain_facts *f, unsigned type);

/* Certificate I of the chain, from 0, as DER into *der, which the caller frees with free(). */
int chain_der(const struct chain *c, size_t i, uint8_t **der, size_t *size, struct fault *fault);

/*
 * All of it in PEM: private key, leaf, intermediates, root. *text is SECRET; pem_free().
 * KIT_ERR_STATE (not complete, or without its key), KIT_ERR_NOMEM.
 */
int chain_text(const struct chain *c, char **text, struct fault *fault);

/*
 * Have CTX, a context of one connection to a machine, show the chain: leaf, intermediates and ROOT,
 * in this order, with the key. Sets the security level 0 first, without which OpenSSL refuses old
 * leaves. Protocol versions and ciphers are the caller's; where those say "@SECLEVEL", it has to be
 * 0, too. KIT_ERR_STATE (not complete, or without its key), KIT_ERR_LIBRARY.
 */
int chain_use(const struct chain *c, struct ssl_ctx_st *ctx, struct fault *fault);

/* "RSA", "EC", "other". */
const char *chain_key_word(enum chain_key key);

/* A time as certificates have it (ASN1_TIME), in seconds since 1970 UTC; 0: none, or unreadable. */
int64_t chain_time(const struct asn1_string_st *t);

/* Whole days until WHEN, rounded down: 0 in the last 24 hours, negative after it. */
int64_t chain_days_left(int64_t when, int64_t now);

#endif
