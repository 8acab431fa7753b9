/* What stands on the medium itself: reading past the cache of the system. */
#ifndef UKPU_DRIVE_MEDIUM_H
#define UKPU_DRIVE_MEDIUM_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct medium;

/*
 * A second descriptor on PATH, with O_DIRECT where that can be had. Returns 0 or a fault. Close
 * with medium_close(), which wipes what was read.
 */
int medium_open(struct medium **out, const char *path, struct fault *fault);
/* *m may be NULL. */
void medium_close(struct medium **m);

int medium_fd(const struct medium *m);

/*
 * Without O_DIRECT: have all that was written through WRITER, a descriptor on the same file, on the
 * medium and out of the cache. To be called before reading what was written since the last time.
 */
int medium_drop_cache(struct medium *m, int writer, struct fault *fault);

/* What was read before a write is no proof any more: read it anew. M may be NULL. */
void medium_forget(struct medium *m);

/* Read SIZE bytes at byte OFFSET, all of which must be there. Returns 0 or a fault. */
int medium_read(struct medium *m, uint64_t offset, void *buffer, size_t size, struct fault *fault);

#endif
