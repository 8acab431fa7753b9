/* Output files that appear whole or not at all, and private unless the caller wants otherwise. */
#ifndef COMMON_OUTFILE_H
#define COMMON_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

struct outfile;

enum outfile_flags {
	OUTFILE_FORCE = 1,	/* an existing file is replaced; else it is refused */
	OUTFILE_PUBLIC = 2,	/* mode 0666 less the umask; else 0600 */
	OUTFILE_HOLD = 4,	/* standard output, too, gets nothing before the commit */
};

/*
 * Begin the file PATH, or standard output when PATH is "-". Until
 * outfile_commit() nothing appears under PATH (standard output: with
 * OUTFILE_HOLD): where the file system can, the data has no name at all until
 * then, so that even a killed process leaves nothing behind.
 *
 * Returns 0 or KIT_ERR_EXISTS, or an error of the system; *out is NULL on failure.
 */
int outfile_open(struct outfile **out, const char *path, unsigned flags, struct fault *fault);

/* Append SIZE bytes; buffered. */
int outfile_write(struct outfile *o, const void *data, size_t size, struct fault *fault);

/*
 * Overwrite SIZE bytes at OFFSET, which were appended before (a header whose
 * counts are known only at the end). KIT_ERR_ARGUMENT on standard output.
 */
int outfile_patch(struct outfile *o, uint64_t offset, const void *data, size_t size,
		  struct fault *fault);

/*
 * The file's owner and group, when root makes a file that a service is to read.
 * Nothing happens when they are that already, or on standard output.
 */
int outfile_owner(struct outfile *o, uid_t owner, gid_t group, struct fault *fault);

/* Let GROUP read the file (mode 0640). Nothing happens on standard output. */
int outfile_group(struct outfile *o, gid_t group, struct fault *fault);

/*
 * Would these two end under one name, so that the second took the place of the first?
 * KIT_ERR_ARGUMENT then, else 0. Either may be NULL.
 */
int outfile_distinct(const struct outfile *a, const struct outfile *b, struct fault *fault);

/* The same of a file that the commit of O, which may be NULL, must not take the place of. */
int outfile_spares(const struct outfile *o, const char *path, struct fault *fault);

/* Bytes appended so far. */
uint64_t outfile_size(const struct outfile *o);

/*
 * Flush, fsync, give the file its name, fsync its folder. Only after 0 is the
 * file safe. Frees *o and sets it to NULL, on failure too (nothing appears then).
 */
int outfile_commit(struct outfile **o, struct fault *fault);

/* Drop it; nothing appears. *o may be NULL. Buffers are wiped. */
void outfile_discard(struct outfile **o);

/* Is PATH, not followed if it is a link, the file that FD has open? Not if it cannot be seen. */
bool outfile_is_at(int fd, const char *path);

/* fsync the folder that holds PATH, so that a new name in it is durable. */
int outfile_sync_folder(const char *path, struct fault *fault);

/*
 * Make the folders on the way to the file PATH that are not there, each durable. The first FROM
 * bytes of PATH are taken as they are. PATH is as it was when this returns.
 */
int outfile_make_folders(char *path, size_t from, mode_t mode, struct fault *fault);

#endif
