/* What the bytes of a stick are read from: a device, an image file, a buffer in memory. */
#ifndef UKPU_FORMAT_DISK_H
#define UKPU_FORMAT_DISK_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define DISK_SECTOR	512	/* bytes of a logical sector, unless a device says otherwise */

/* A whole disk, for reading. All code that only looks at sticks works on this. */
struct disk {
	/*
	 * Read exactly SIZE bytes at byte OFFSET. Returns 0, or negative with *fault
	 * set. Only called for ranges inside the disk: use disk_read().
	 */
	int (*read)(void *context, uint64_t offset, void *buffer, size_t size,
		    struct fault *fault);
	void *context;		/* must outlive the disk */
	uint64_t size;		/* bytes */
	uint32_t sector_bytes;	/* of a logical sector: DISK_SECTOR, or 4,096 on few */
	const char *name;	/* for messages; must outlive the disk */
};

/*
 * Read exactly SIZE bytes at byte OFFSET. Returns 0, KIT_ERR_TRUNCATED if the range
 * is not on the disk, or the disk's own error.
 */
int disk_read(const struct disk *d, uint64_t offset, void *buffer, size_t size,
	      struct fault *fault);

/*
 * A disk over the file descriptor FD (an image file or a block device), which stays
 * the caller's; STATE must outlive the disk. Returns 0, KIT_ERR_ARGUMENT (neither device nor
 * ordinary file), or as fault_sys().
 */
struct disk_fd { int fd; };
int disk_open_fd(struct disk *out, struct disk_fd *state, int fd, const char *name,
		 struct fault *fault);

/* A disk over SIZE bytes in memory; STATE must outlive it. */
struct disk_memory { const uint8_t *data; };
void disk_open_memory(struct disk *out, struct disk_memory *state, const void *data,
		      uint64_t size, const char *name);

#endif
