/* Sealing of the map's secrets: AES-256-GCM under master keys that live in a file of their own. */
#ifndef SERVER_KEYMAP_SEAL_H
#define SERVER_KEYMAP_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

/*
 * The key file, mode 0600. Integers are little-endian.
 *   OFFSET  SIZE  FIELD
 *      0      8   "AMTKEYS1"
 *      8      4   count    1; 2 while the master key is being rotated; at most 4, while a
 *                          backup of another key is being put back
 *     12   36*n   keys     id (4, rising, never 0), key (32, SECRET); the first id of a map is
 *                          random, so that those of two maps are not mistaken for each other
 *    ...     32   SHA-256 of all before it: tells a damaged file from a wrong one
 *
 * A sealed value:
 *      0      4   id of the master key
 *      4     12   nonce, fresh random for every value
 *     16      n   ciphertext
 *   16+n     16   tag
 *
 * The tag also covers where the value belongs (struct seal_place), so that a value
 * moved to another row, column or table does not open. Nonces are random, so one key
 * may seal 2^32 values (NIST SP 800-38D, 8.3): three for each of a billion pairs.
 */
#define SEAL_OVERHEAD	32	/* bytes that a sealed value is longer than its plain text */
#define SEAL_MAX	256	/* bytes of plain text */

struct seal;

/* Where a value belongs. ROW is what names the row for ever: a PID, a UUID, a name. */
struct seal_place {
	const char *table;
	const char *column;
	const void *row;
	size_t row_size;	/* at most 64 bytes */
};

/*
 * Read the key file PATH. Returns 0, KIT_ERR_NOT_FOUND, KIT_ERR_PERMISSION (others can
 * read it, or no right to), KIT_ERR_FORMAT (wrong size, not a key file, damaged),
 * KIT_ERR_CRYPTO, KIT_ERR_NOMEM.
 */
int seal_load(struct seal **out, const char *path, struct fault *fault);

/*
 * Make a key file with one fresh key, fsynced with its folder before this returns, owned by
 * OWNER and GROUP when run by root. KIT_ERR_EXISTS if there is a file of that name.
 */
int seal_create(struct seal **out, const char *path, uid_t owner, gid_t group,
		struct fault *fault);

/* Wipes the keys and frees. *s may be NULL. */
void seal_free(struct seal **s);

/* The highest id of a key held; is the key ID held? */
uint32_t seal_newest(const struct seal *s);
bool seal_has(const struct seal *s, uint32_t id);
/* How many keys are held: more than one while a rotation or a restore is going on. */
unsigned seal_keys(const struct seal *s);

/* Values are sealed with the key ID from now on (at first: the lowest held). KIT_ERR_NOT_FOUND. */
int seal_choose(struct seal *s, uint32_t id, struct fault *fault);

/*
 * Rotation: write the file again (in one step, owner kept) with a fresh key besides,
 * or without all keys but ID. The keys in memory change with the file.
 */
int seal_add_key(struct seal *s, const char *path, struct fault *fault);
int seal_keep_only(struct seal *s, const char *path, uint32_t id, struct fault *fault);

/*
 * Take up the keys of OTHER, too. KIT_ERR_STATE when there are more than 4;
 * KIT_ERR_FORGED when both have different keys of the same id.
 */
int seal_merge(struct seal *s, const struct seal *other, struct fault *fault);
/*
 * Write all keys held as the key file PATH, replacing it in one step. Owner as in
 * seal_create().
 */
int seal_save(const struct seal *s, const char *path, uid_t owner, gid_t group,
	      struct fault *fault);

/*
 * Seal SIZE bytes of PLAIN (at most SEAL_MAX) for PLACE; OUT receives SIZE + SEAL_OVERHEAD
 * bytes. Returns 0 or KIT_ERR_CRYPTO, KIT_ERR_RANGE.
 */
int seal_close(struct seal *s, const struct seal_place *place, const void *plain, size_t size,
	       void *out, struct fault *fault);

/*
 * Open a sealed value of SIZE bytes; OUT (SECRET) receives SIZE - SEAL_OVERHEAD bytes and is
 * wiped on failure. Returns 0, KIT_ERR_FORGED (altered, moved from elsewhere, or too
 * short), KIT_ERR_NOT_FOUND (sealed with a key that is not held), KIT_ERR_CRYPTO.
 */
int seal_unlock(struct seal *s, const struct seal_place *place, const void *sealed, size_t size,
		void *out, size_t out_size, struct fault *fault);

/* The id of the key that sealed a value of SIZE bytes, or 0 when it is too short. */
uint32_t seal_key_of(const void *sealed, size_t size);

#endif
