/* Reading from the medium itself, past the system's cache. */
#ifndef UKPU_DRIVE_MEDIUM_H
#define UKPU_DRIVE_MEDIUM_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct medium;

/*
 * A second descriptor on PATH, with O_DIRECT if the file system has it. Returns 0 or as
 * fault_sys(). Close with medium_close(), which wipes what was read.
 */
int medium_open(struct medium **out, const char *path, struct fault *fault);
/* *m may be NULL. */
void medium_close(struct medium **m);

int medium_fd(const struct medium *m);

/*
 * Without O_DIRECT: move all that was written through WRITER, a descriptor on the same file, to the
 * medium and out of the cache. Call it before you read what was written since the last call.
 */
int medium_drop_cache(struct medium *m, int writer, struct fault *fault);

/* Forget what was read: after a write it proves nothing. M may be NULL. */
void medium_forget(struct medium *m);

/* Read exactly SIZE bytes at byte OFFSET. Returns 0 or as fault_sys(). */
int medium_read(struct medium *m, uint64_t offset, void *buffer, size_t size, struct fault *fault);

#endif
