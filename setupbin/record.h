/* One data record of a setup.bin. */
#ifndef SETUPBIN_RECORD_H
#define SETUPBIN_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keygen/keylist.h"
#include "setupbin/variable.h"

#define SBIN_RECORD_HEADER	24	/* bytes before the first variable */

/* Where the fields of struct sbin_record are in the record, in bytes; the type is at 0. */
enum sbin_record_offset {
	SBIN_RECORD_FLAGS_OFFSET = 4,
	SBIN_RECORD_RESERVED_OFFSET = 8,
	SBIN_RECORD_CHUNKS_OFFSET = 16,
	SBIN_RECORD_HEADER_BYTES_OFFSET = 18,
	SBIN_RECORD_NUMBER_OFFSET = 20,
};

enum sbin_record_flags {
	SBIN_VALID = 1,		/* clear: consumed */
	SBIN_SCRAMBLED = 2,	/* body stored as (byte + 17) mod 256; version 4 only */
};

#define SBIN_SCRAMBLE_STEP	17

/*
 * A record in memory: DATA is the whole record, already unscrambled,
 * and SECRET. The fields below are read from its first 24 bytes.
 */
struct sbin_record {
	uint32_t type;		/* 1 = data */
	uint32_t flags;
	uint64_t reserved;
	uint16_t chunks;
	uint16_t header_bytes;	/* 24 */
	uint32_t number;	/* 1, 2, 3... */
	uint8_t *data;		/* caller's buffer, size bytes; the body from 24 is plain text */
	size_t size;		/* file header's record_chunks * 512 */
};

/*
 * Take the record in DATA (SIZE bytes, as stored) apart; its body is unscrambled in
 * place. Returns 0 or KIT_ERR_TRUNCATED (size < 512).
 */
int sbin_record_decode(uint8_t *data, size_t size, struct sbin_record *out);
/*
 * Put the fields back into r->data and scramble its body again if the flag says so:
 * r->data is then as stored. (Unscramble with sbin_record_decode().)
 */
void sbin_record_encode(struct sbin_record *r);

/* Begin a new record in DATA, zeroed: type 1, valid, NUMBER. Encoding puts that into DATA. */
void sbin_record_init(struct sbin_record *r, uint8_t *data, size_t size, uint32_t number);
/* Set up W to append variables to a new record: just behind its header. */
void sbin_record_begin(const struct sbin_record *r, struct writer *w);
/*
 * Append a variable through W (set up by sbin_record_begin()). KIT_ERR_RANGE when it
 * does not fit: nothing of it, and nothing after it, is written, but *needed (may be
 * NULL) goes on telling the bytes that the record would have to have in all.
 */
int sbin_record_append(struct sbin_record *r, struct writer *w, const struct sbin_variable *v,
		       size_t *needed);

/*
 * Walk the variables: begin, then next until it returns 0.
 * Returns 1 and *v, 0 at the end of the list, KIT_ERR_TRUNCATED when an entry runs
 * out of the record (walk.r.error_at is the entry's offset in the record).
 */
struct sbin_walk { struct reader r; };
void sbin_walk_begin(struct sbin_walk *w, const struct sbin_record *r);
int sbin_walk_next(struct sbin_walk *w, struct sbin_variable *v);

/* Is this record free for the next machine: a data record with the valid flag? */
bool sbin_record_valid(const struct sbin_record *r);

/* Is it, as record INDEX (from 0) of a file with header H, one that a machine can still take? */
bool sbin_record_unused(const struct sbin_header *h, const struct sbin_record *r, uint32_t index);

/* Has the body been wiped: is it nothing but zeros, as stored or unscrambled? */
bool sbin_record_wiped(const struct sbin_record *r);

/* Find one variable. KIT_ERR_NOT_FOUND. */
int sbin_record_find(const struct sbin_record *r, uint16_t module, uint16_t id,
		     struct sbin_variable *out);

/*
 * The PSK parts of a record as a key list entry (SECRET), and the record for an
 * entry: current password (the factory's when empty), new password if any, PID, PPS,
 * in the order that the rules demand.
 *
 * from_entry fills a record begun by sbin_record_init(), whose body is plain text until
 * sbin_record_encode(). It returns 0, KIT_ERR_RANGE (does not fit), or KIT_ERR_ARGUMENT (the
 * factory's password and no new one: firmware refuses that) with *fault set.
 * to_entry returns 0, KIT_ERR_NOT_FOUND (no PID or no PPS), KIT_ERR_FORMAT/CHECK/RANGE with
 * *problem's field and rule set.
 */
int sbin_record_to_entry(const struct sbin_record *r, struct keyentry *out,
			 struct keyproblem *problem);
int sbin_record_from_entry(struct sbin_record *r, const struct keyentry *entry, bool scramble,
			   struct fault *fault);

#endif
