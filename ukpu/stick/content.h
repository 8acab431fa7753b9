/* A whole setup.bin in memory, on its way between file and stick. */
#ifndef UKPU_STICK_CONTENT_H
#define UKPU_STICK_CONTENT_H

#include <stdint.h>

#include "common/error.h"
#include "setupbin/check.h"
#include "ukpu/format/fatread.h"

#define CONTENT_DIGEST	32	/* bytes of a SHA-256 */

struct content {
	uint8_t *data;		/* SECRET */
	uint64_t size;		/* bytes */
};

/*
 * Read the file PATH ("-": standard input), at most LIMIT bytes (KIT_ERR_RANGE if it is longer).
 * Returns 0, KIT_ERR_NOMEM, or as fault_sys(). Wipe with content_wipe().
 */
int content_read(struct content *out, const char *path, uint64_t limit, struct fault *fault);

/* The same from a file on a stick. */
int content_take(struct content *out, const struct fatread_file *file, struct fault *fault);

/*
 * Run the setup.bin checker over it. FOUND may be NULL. Returns as sbin_check(); for what is not
 * a setup.bin at all, KIT_ERR_FORMAT with *fault set.
 */
int content_check(const struct content *c, const char *name,
		  void (*found)(void *context, const struct sbin_finding *finding), void *context,
		  struct sbin_summary *summary, struct fault *fault);

/* SHA-256 of its bytes. Returns 0 or KIT_ERR_CRYPTO. */
int content_digest(const struct content *c, uint8_t out[CONTENT_DIGEST], struct fault *fault);

/*
 * Divide the unused records of IN into N files as sbin_split() does; NAME is for messages.
 *
 *   out  N elements; wipe each with content_wipe(). All are empty on failure.
 *
 * Returns as sbin_split(), or as sbin_reader_open().
 */
int content_split(const struct content *in, const char *name, struct content *out, size_t n,
		  struct fault *fault);

/* Wipes and frees. C may be zeroed. */
void content_wipe(struct content *c);

#endif
