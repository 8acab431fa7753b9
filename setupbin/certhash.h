/* The value of a "user defined certificate addition": a root certificate's digest and its name. */
#ifndef SETUPBIN_CERTHASH_H
#define SETUPBIN_CERTHASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define SBIN_CERT_NAME		32	/* bytes of the friendly name at most */
#define SBIN_CERT_DIGEST_MAX	48
#define SBIN_CERT_NOTE		512	/* bytes of a note */
#define SBIN_CERT_VALUE_MAX	(1 + SBIN_CERT_DIGEST_MAX + 1 + SBIN_CERT_NAME)

/*
 * The value, taken apart.
 *   OFFSET  SIZE  FIELD
 *      0      1   algorithm: 1 SHA-1, 2 SHA-256, 3 SHA-384 (2 and 3 from file version 3.0)
 *      1      n   digest: 20, 32, 48 bytes
 *    1 + n    1   bytes of name
 *    2 + n    m   friendly name
 */
struct sbin_certhash {
	uint8_t algorithm;
	const uint8_t *digest;		/* borrowed */
	size_t digest_length;
	const uint8_t *name;		/* borrowed, no NUL at its end */
	size_t name_length;
};

/* Returns 0, or KIT_ERR_FORMAT when algorithm and lengths do not fit together. */
int sbin_certhash_decode(const uint8_t *value, size_t length, struct sbin_certhash *out);
/*
 * The value again; OUT has room for SIZE bytes, *length receives those used. A name over
 * SBIN_CERT_NAME bytes is kept as long as its length fits a byte. KIT_ERR_RANGE.
 */
int sbin_certhash_encode(const struct sbin_certhash *h, uint8_t *out, size_t size,
			 uint16_t *length);

/* Bytes of a digest by ALGORITHM; 0 if the algorithm is unknown. */
size_t sbin_certhash_digest_length(uint8_t algorithm);
/* "sha1", "sha256", "sha384"; NULL and 0 if it is unknown. */
const char *sbin_certhash_name(uint8_t algorithm);
uint8_t sbin_certhash_named(const char *name, size_t n);

/*
 * The value for the root certificate in the file PATH, PEM or DER: its digest by ALGORITHM, and as
 * friendly name its subject's CN (else OU, else O), cut to SBIN_CERT_NAME bytes of whole
 * UTF-8 characters. Of a chain it is the certificate that is signed by itself. If FIRST, it is the
 * first one of the file, a root or not.
 *
 *   out   receives up to SBIN_CERT_VALUE_MAX bytes, *length how many
 *   note  receives what a person should know ("... its root "X" is used"), or ""
 * Returns 0, KIT_ERR_NOT_FOUND, KIT_ERR_SYSTEM, or KIT_ERR_FORMAT when the file has no certificate,
 * no root (the fault names the issuer of the certificate that is missing) or several.
 */
int sbin_certhash_of_file(const char *path, uint8_t algorithm, bool first, uint8_t *out,
			  uint16_t *length, char note[static SBIN_CERT_NOTE], struct fault *fault);

#endif
