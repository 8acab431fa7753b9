/* Root certificates of public authorities that AMT firmware trusts, by their digests. */
#ifndef AMT_ROOTS_H
#define AMT_ROOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

#define ROOTS_DIGEST	48	/* bytes of a digest at most */

/* One root. */
struct root {
	const char *name;		/* "Go Daddy Class 2 CA" */
	const char *sha1, *sha256, *sha384;	/* in hex, lower case; sha384 may be NULL */
};

/*
 * A list of digests as a hello has it and as a machine's row keeps it, read with a reader
 * (common/bytes.h): of each one
 *   OFFSET  SIZE  FIELD
 *      0      1   type: 1 SHA-1, 2 SHA-256, 3 SHA-384; others may come
 *      1      1   length n
 *      2      n   digest
 */
struct roots_digest {
	unsigned type;
	size_t size;
	const uint8_t *bytes;		/* borrowed */
};

/* The next of the list; false at its end, or where it is cut off. */
bool roots_next(struct reader *list, struct roots_digest *out);

/* The public root behind a digest; NULL: unknown. */
const struct root *roots_find(const struct roots_digest *d);

/*
 * The names of the public roots in the list of SIZE bytes at LIST, each once, with ", " between
 * them, into OUT of ROOM bytes, cut where it has to be ("..., and 5 more"). "" when none is known.
 * Returns how many are known.
 */
size_t roots_names(const uint8_t *list, size_t size, char *out, size_t room);

#endif
