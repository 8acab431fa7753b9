/* A site's own certificate authorities: made here, and what they issue. RSA only. */
#ifndef SERVER_CORE_AUTHORITY_H
#define SERVER_CORE_AUTHORITY_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/uuid.h"

/* A root certificate and its private key (SECRET). */
struct authority;

enum authority_kind {
	AUTHORITY_SERVER,	/* issues the certificates that servers set machines up with */
	AUTHORITY_MACHINES,	/* issues those of the machines; only for names under its suffix */
};

#define AUTHORITY_ROOT_DAYS	7300
#define AUTHORITY_SERVER_DAYS	1825
#define AUTHORITY_MACHINE_DAYS	3650
#define AUTHORITY_NAME		64	/* bytes of a subject's common name, as X.509 has it */
#define AUTHORITY_SERIAL	40	/* hex digits of a serial number at most */

/* A key and how certificates are signed: 2048, 3072 or 4096 bits; SHA-256 or SHA-384. */
struct authority_algorithm {
	unsigned bits, sha;
};

/*
 * Make an authority of KIND for the DNS suffix SUFFIX, valid from a day before NOW to DAYS after
 * it. Its certificate signs itself; that of AUTHORITY_MACHINES is name-constrained to the suffix.
 * Nothing is written. Returns 0, KIT_ERR_ARGUMENT (the suffix is not a DNS name, the algorithm is
 * none of those above, no days), KIT_ERR_CRYPTO or KIT_ERR_NOMEM.
 */
int authority_new(struct authority **out, enum authority_kind kind, const char *suffix,
		  const struct authority_algorithm *algorithm, unsigned days, int64_t now,
		  struct fault *fault);

/*
 * Read an authority of the machines from the file PATH, which has certificate and key in PEM and
 * which nobody but its owner may write and nobody but its owner and group read.
 * Returns 0, KIT_ERR_NOT_FOUND, KIT_ERR_PERMISSION, KIT_ERR_FORMAT (no certificate or no key in it,
 * a key with a pass phrase), KIT_ERR_UNFIT (the key is another's, not RSA, not an authority).
 */
int authority_load(struct authority **out, const char *path, struct fault *fault);

/*
 * The authority whose private key is in the file KEY_PATH (PEM, private to its owner and group) and
 * whose certificate is the SIZE bytes of DER. Errors as authority_load(); KIT_ERR_UNFIT says that
 * the key is another certificate's.
 */
int authority_of_root(struct authority **out, const uint8_t *der, size_t size,
		      const char *key_path, struct fault *fault);

/* Wipes the key. A may be NULL. */
void authority_free(struct authority *a);

/* The DNS suffix that the machines' names must have; "" for AUTHORITY_SERVER. Borrowed. */
const char *authority_suffix(const struct authority *a);
/* The subject's common name. Borrowed. */
const char *authority_name(const struct authority *a);
/* Seconds since 1970 UTC at which it expires. */
int64_t authority_expiry(const struct authority *a);
/* Its algorithm: bits of its key, and the digest that it is signed with. */
struct authority_algorithm authority_algorithm(const struct authority *a);
/* SHA-256 of its certificate in DER: what machines know it by. */
void authority_digest(const struct authority *a, uint8_t out[static 32]);

/*
 * In PEM, a text to be freed with pem_free(): its certificate; its private key (SECRET);
 * both, as authority_load() reads them (SECRET). NULL when out of memory.
 */
char *authority_certificate_text(const struct authority *a);
char *authority_key_text(const struct authority *a);
char *authority_text(const struct authority *a);

/* What an issued certificate is known by. */
struct authority_issued {
	char serial[AUTHORITY_SERIAL + 1];	/* hex */
	char key_digest[65];	/* hex: SHA-256 of the public key (SubjectPublicKeyInfo) */
	int64_t expiry;		/* seconds since 1970 UTC */
};

/*
 * Make a key and a certificate with which a server called NAME (a host name of AUTHORITY_NAME bytes
 * at most) sets machines up: CN and SAN are NAME; OU, EKU and OID are those that AMT asks for.
 * *text receives key, certificate and the authority's certificate in PEM (SECRET;
 * pem_free()). It does not outlive the authority's. Returns as authority_new().
 */
int authority_issue_server(const struct authority *a, const char *name,
			   const struct authority_algorithm *algorithm, unsigned days, int64_t now,
			   char **text, struct authority_issued *issued, struct fault *fault);

/*
 * The certificate of a machine for its own TLS: that it has PUBLIC_KEY, SIZE bytes of DER
 * (RSAPublicKey, as AMT_PublicPrivateKeyPair shows it, or SubjectPublicKeyInfo; 2048 to 4096 bits),
 * and is called FQDN. The subject's serialNumber is UUID. It does not outlive the authority's.
 *
 *   *der, *der_size  the certificate, to be freed with free()
 *   issued           for the log, which has to know what was issued to whom
 *
 * Whether that machine proved itself, and whether the name is its own, the caller knows.
 * Returns 0, KIT_ERR_FORMAT (not such a key), KIT_ERR_UNFIT (a key of another size; a name that is
 * not under the authority's suffix; an authority of servers; one that has expired), KIT_ERR_CRYPTO,
 * KIT_ERR_NOMEM.
 */
int authority_issue(const struct authority *a, const uint8_t *public_key, size_t size,
		    const char *fqdn, const struct uuid *uuid, unsigned days, int64_t now,
		    uint8_t **der, size_t *der_size, struct authority_issued *issued,
		    struct fault *fault);

#endif
