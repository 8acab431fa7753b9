/* The hello of a machine: its one message, decoded and checked. */
#ifndef SERVER_HELLO_HELLO_H
#define SERVER_HELLO_HELLO_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/uuid.h"
#include "keygen/pidpps.h"
#include "server/keymap/digests.h"

/*
 * Integers are little-endian ("Setup Mode Hello Messages" in Intel's AMT Implementation
 * and Reference Guide).
 *   OFFSET  SIZE  FIELD
 *      0      2   admin credentials set, 0 or 1
 *      2      2   interface version: 2 PSK, 3 certificates
 *      4      4   retry count, 0..14
 *      8     16   UUID of the machine, SMBIOS order
 *     24      8   version 2: PID; nothing follows
 *     24      1   version 3: number of certificate hashes, at most 33, then of each
 *                 u8 type, u8 length, digest: 1/20 SHA-1, 2/32 SHA-256, 3/48 SHA-384;
 *                 other types, of whatever length, may come to be
 */
#define HELLO_PSK_SIZE	32
#define HELLO_HASHES	KEYMAP_DIGESTS
#define HELLO_MAX	(25 + HELLO_HASHES * (2 + KEYMAP_DIGEST_BYTES))	/* bytes: 1675 */

enum hello_version {
	HELLO_PSK = 2,
	HELLO_PKI = 3,
};

struct hello {
	uint16_t credentials_set;
	uint16_t version;		/* enum hello_version */
	uint32_t retry;
	struct uuid uuid;
	char pid[PID_LENGTH + 1];	/* "" in version 3 */
	size_t n_hashes;		/* of types that are known; 0 in version 2 */
	size_t n_skipped;		/* of other types */
	struct keymap_digest hashes[HELLO_HASHES];
};

/*
 * How many bytes does the message have that begins with the N bytes at DATA, as far as they
 * say? The answer is at least 4 and may grow as more of a version 3 message is seen;
 * the message is complete when N has reached it. For what cannot be a hello it is 4.
 */
size_t hello_size(const void *data, size_t n);

/*
 * Decode the complete message: exactly N bytes. A hash of a type unknown is skipped by its length.
 *
 * Returns 0; KIT_ERR_TRUNCATED (it ends early), KIT_ERR_RANGE (bytes too many, or a field
 * outside its limits), KIT_ERR_FORMAT (another version, a known hash type that does not fit its
 * length, a PID that is not A-Z 0-9), KIT_ERR_CHECK (the PID's check character): *fault
 * says which field, at which offset. *out is filled as far as it was understood:
 * out->version is 0 when not even that was.
 */
int hello_decode(const void *data, size_t n, struct hello *out, struct fault *fault);

/*
 * Encode *h (for tests and simulators): returns the bytes written to OUT of HELLO_MAX. What was
 * skipped is not there.
 */
size_t hello_encode(const struct hello *h, uint8_t out[static HELLO_MAX]);

#endif
