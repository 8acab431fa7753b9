/* The unused records of a setup.bin: taken out one by one, or divided over several files. */
#ifndef SETUPBIN_SPLIT_H
#define SETUPBIN_SPLIT_H

#include <stddef.h>
#include <stdint.h>

#include "setupbin/file.h"

/*
 * Can records be taken out of a file with header H? Returns 0, or KIT_ERR_UNFIT if its records
 * are never consumed: every machine takes the first one, on whatever stick. NAME is for messages.
 */
int sbin_split_check(const struct sbin_header *h, const char *name, struct fault *fault);

/*
 * The next record that a machine can still take: 1 with *out, as from sbin_reader_next(); 0 after
 * the last; or negative. *index counts the records read so far, unused or not; begin with 0.
 */
int sbin_split_next(struct sbin_reader *r, uint32_t *index, struct sbin_record *out,
		    struct fault *fault);

/* Where the parts go. Each function returns 0, or negative with *fault set, which ends it all. */
struct sbin_split {
	/*
	 * Part NUMBER (from 0) begins. HEADER is its own: as the file's, with the part's count of
	 * records, none of them consumed. CHUNKS are all chunks of the file's header as stored.
	 */
	int (*begin)(void *context, size_t number, const struct sbin_header *header,
		     const uint8_t *chunks, struct fault *fault);
	/* A record of that part, numbered from 1; plain text (SECRET), not yet encoded. */
	int (*put)(void *context, struct sbin_record *r, struct fault *fault);
	int (*end)(void *context, struct fault *fault);
	void *context;
};

/*
 * Divide the unused records of a file into N parts, in order; the first parts get one record more
 * where it does not come out even. Each record goes into exactly one part; bodies stay as they are.
 * R is read from its first record on, twice. NAME is for messages.
 *
 * Returns 0, KIT_ERR_UNFIT (as sbin_split_check()), KIT_ERR_RANGE (fewer unused records than
 * parts), KIT_ERR_STATE (none at all), an error of reading, or what TO returned.
 */
int sbin_split(struct sbin_reader *r, const char *name, size_t n, const struct sbin_split *to,
	       struct fault *fault);

#endif
