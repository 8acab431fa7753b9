/* A stick or image file, opened exclusively: all writes go through here. */
#ifndef UKPU_DRIVE_TARGET_H
#define UKPU_DRIVE_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "ukpu/format/disk.h"
#include "ukpu/drive/drive.h"

struct target;

enum target_flags {
	TARGET_WRITE = 1,	/* exclusively, to be written; else for reading only */
	TARGET_IMAGE = 2,	/* an ordinary file; else a block device */
};

/*
 * Open PATH. For writing, a block device is opened O_EXCL, so that it cannot be mounted
 * meanwhile, and locked; an image file is locked. There is one descriptor for all.
 *
 * Returns 0 or KIT_ERR_BUSY (mounted, held by the system, or locked by another program),
 * KIT_ERR_READ_ONLY, KIT_ERR_NOT_FOUND, KIT_ERR_ARGUMENT (another kind of file),
 * KIT_ERR_REMOVED (an empty slot), KIT_ERR_SYSTEM.
 */
int target_open(struct target **out, const char *path, unsigned flags, struct fault *fault);

/*
 * Make the image file PATH with SIZE bytes of zeros and open it for writing. An image that
 * exists must have exactly that size (KIT_ERR_EXISTS).
 */
int target_create(struct target **out, const char *path, uint64_t size, struct fault *fault);

/* Closes and frees. *t may be NULL. */
void target_close(struct target **t);

/* For reading through the descriptor (and the system's cache). Belongs to the target. */
const struct disk *target_disk(const struct target *t);
int target_fd(const struct target *t);
bool target_is_image(const struct target *t);
/* Did target_create() make the image? */
bool target_made(const struct target *t);
const char *target_path(const struct target *t);
/*
 * The next range from byte *OFFSET, which it moves, to *STOP, up to END at most, that may hold
 * anything but zeros; the holes of an image are skipped. False: there is no such range before END.
 */
bool target_next_data(const struct target *t, uint64_t *offset, uint64_t end, uint64_t *stop);
/* The disk as it was when it was opened; NULL for an image. */
const struct drive *target_drive(const struct target *t);

/*
 * Write, or zero, bytes within the target. The FIRST error is remembered: from then on
 * nothing more is written, and this and every later call returns it. After an error it
 * is looked whether the stick is still there; if not, the fault is KIT_ERR_REMOVED.
 */
int target_write(struct target *t, uint64_t offset, const void *data, size_t size,
		 struct fault *fault);
int target_zero(struct target *t, uint64_t offset, uint64_t size, struct fault *fault);
/* When this returns 0, all that was written is on the medium, and a new image's name, too. */
int target_flush(struct target *t, struct fault *fault);
/*
 * A library wrote SIZE bytes at OFFSET through the descriptor: count them. ERR: errno or 0.
 */
int target_wrote(struct target *t, uint64_t offset, size_t size, int err, struct fault *fault);

/* Bytes passed to the functions above; those of them that have reached the device. */
uint64_t target_written(const struct target *t);
uint64_t target_reached(const struct target *t);

/*
 * A disk that reads from the medium, past the cache: a second descriptor with O_DIRECT, or,
 * where that cannot be had, after the cache has been dropped. It is made sure first that
 * it is still the same stick (KIT_ERR_REMOVED). Belongs to the target.
 */
int target_fresh(struct target *t, const struct disk **out, struct fault *fault);

/* Is the stick that was opened (by serial, size and medium) still there? 0 or KIT_ERR_REMOVED. */
int target_present(struct target *t, struct fault *fault);

/*
 * For tests: sees every write before it is done (after it, for target_wrote) and every
 * flush (data NULL). Returns 0, or an errno that the write or flush then fails with.
 */
struct target_hook {
	int (*event)(void *context, uint64_t offset, const void *data, size_t size);
	void *context;
};
void target_set_hook(struct target *t, const struct target_hook *hook);

#endif
