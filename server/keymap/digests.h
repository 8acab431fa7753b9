/* The root certificates that a machine trusts, by the digests of its last hello of version 3. */
#ifndef SERVER_KEYMAP_DIGESTS_H
#define SERVER_KEYMAP_DIGESTS_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/uuid.h"

struct keymap;

#define KEYMAP_DIGESTS		33	/* as many as a hello has at most */
#define KEYMAP_DIGEST_BYTES	48

enum keymap_digest_type {
	KEYMAP_DIGEST_SHA1 = 1,
	KEYMAP_DIGEST_SHA256 = 2,
	KEYMAP_DIGEST_SHA384 = 3,
};

/* Of the DER of a root certificate. */
struct keymap_digest {
	uint8_t type;			/* enum keymap_digest_type */
	uint8_t length;			/* bytes used: 20, 32 or 48 */
	uint8_t bytes[KEYMAP_DIGEST_BYTES];
};

/* Bytes of a digest of TYPE; 0 for a type unknown. */
size_t keymap_digest_length(unsigned type);

/*
 * Keep the first N (KEYMAP_DIGESTS at most) as those of the machine UUID, in the order of its
 * hello, in place of what was kept before. Costs one look-up where they are the same. Without
 * effect for a machine that has no row.
 */
int keymap_digests_put(struct keymap *m, const struct uuid *uuid,
		       const struct keymap_digest *digests, size_t n, struct fault *fault);

/*
 * Read them: *n is 0 where none are kept, for it never said a hello of version 3, or where no row
 * is there.
 */
int keymap_digests_find(struct keymap *m, const struct uuid *uuid,
			struct keymap_digest out[static KEYMAP_DIGESTS], size_t *n,
			struct fault *fault);

#define KEYMAP_DIGESTS_LIST	(KEYMAP_DIGESTS * (2 + KEYMAP_DIGEST_BYTES))

/*
 * The same as bytes: of each its type, its length and itself, as a hello and amt/roots.h have it.
 * *size is 0 where none are kept.
 */
int keymap_digests_list(struct keymap *m, const struct uuid *uuid,
			uint8_t list[static KEYMAP_DIGESTS_LIST], size_t *size,
			struct fault *fault);

/* Within a transaction: forget them, before the machine's row goes. */
int keymap_digests_forget(struct keymap *m, const struct uuid *uuid, struct fault *fault);

#endif
