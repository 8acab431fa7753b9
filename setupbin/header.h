/* The file header of a setup.bin: chunk 0. */
#ifndef SETUPBIN_HEADER_H
#define SETUPBIN_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define SBIN_NAME		"SETUP   BIN"	/* on a FAT volume, as stored: 8.3, no dot */
#define SBIN_CHUNK		512	/* bytes; everything is counted in chunks */
#define SBIN_MAX_CHUNKS		64	/* of a record or header; bounds what a reader must hold */
#define SBIN_TRAILING_MAX	(1024 * 1024)	/* bytes behind the last record that are kept */
#define SBIN_HEADER_MODULES	235	/* ids that fit from offset 40 on, and the ending 0 */

enum sbin_file_flags { SBIN_DO_NOT_CONSUME = 1 };

/* Where the fields of struct sbin_header are in the file, in bytes; the UUID is at 0. */
enum sbin_header_offset {
	SBIN_CHUNKS_OFFSET = 16,
	SBIN_HEADER_BYTES_OFFSET = 18,
	SBIN_NUMBER_OFFSET = 20,
	SBIN_MAJOR_OFFSET = 24,
	SBIN_MINOR_OFFSET = 25,
	SBIN_FLAGS_OFFSET = 26,
	SBIN_RECORDS_OFFSET = 28,
	SBIN_CONSUMED_OFFSET = 32,
	SBIN_DATA_CHUNKS_OFFSET = 36,	/* of record_chunks */
	SBIN_RESERVED_OFFSET = 38,
	SBIN_MODULES_OFFSET = 40,	/* of rest */
};

/* File versions as people write them. */
struct sbin_version {
	uint8_t major;		/* 1..4 */
	uint8_t minor;
};

/*
 * Everything the header chunk holds, reserved and unknown parts too, so that
 * encode(decode(chunk)) gives the same 512 bytes.
 */
struct sbin_header {
	uint8_t uuid[16];		/* file type, on-disk byte order */
	uint16_t chunks;		/* of this header: 1 */
	uint16_t header_bytes;		/* 40 + 2 * (modules + 1) */
	uint32_t number;		/* 0 */
	struct sbin_version version;
	uint16_t flags;			/* enum sbin_file_flags */
	uint32_t records;		/* in the file when it was made */
	uint32_t consumed;
	uint16_t record_chunks;		/* chunks in each data record */
	uint16_t reserved;
	uint8_t rest[SBIN_CHUNK -
		     SBIN_MODULES_OFFSET]; /* module list ended by 0, then zeros; as found */
};

/* The UUID that VERSION's files begin with, 16 bytes; NULL when there is none. */
const uint8_t *sbin_version_uuid(struct sbin_version version);
/* "2.1" to a version that exists; KIT_ERR_ARGUMENT. */
int sbin_version_parse(const char *text, struct sbin_version *out);
/* Do these 16 bytes begin a setup.bin of any version? The major version, or 0. */
int sbin_uuid_major(const uint8_t *uuid);
/* Can BYTE be the first of a setup.bin? For who may look at one byte only. */
bool sbin_uuid_begins(uint8_t byte);

/*
 * Decode the first chunk. Only what makes reading on impossible is an error:
 *   size < 512                     KIT_ERR_TRUNCATED
 *   unknown UUID                   KIT_ERR_FORMAT
 *   record_chunks or chunks 0 (firmware ignores such sticks) or chunks over 64
 *                                  KIT_ERR_RANGE
 * Everything else is the checker's business (setupbin/check.h).
 */
int sbin_header_decode(const uint8_t *data, size_t size, struct sbin_header *out,
		       struct fault *fault);
/* The first chunk again: 512 bytes. */
void sbin_header_encode(const struct sbin_header *h, uint8_t *out);

/* A sound header for a new file: modules 1 and 2, one chunk a record, nothing consumed. */
int sbin_header_make(struct sbin_header *out, struct sbin_version version, uint16_t flags,
		     uint32_t records, struct fault *fault);

/* Are records consumed? Always in version 1, later unless the flag says otherwise. */
bool sbin_header_consumable(const struct sbin_header *h);
/*
 * Replace the module list by these N ids (N at most SBIN_HEADER_MODULES; KIT_ERR_RANGE) and set
 * header_bytes to match.
 */
int sbin_header_set_modules(struct sbin_header *h, const uint16_t *modules, size_t n);

/* The whole file in bytes: (header chunks + records * chunks a record) * 512. */
uint64_t sbin_header_file_bytes(const struct sbin_header *h);

#endif
