/* How firmware finds setup.bin on a stick: partition table, boot sector, first root entry. */
#ifndef SAMPLES_AMT_SIM_SIM_STICK_H
#define SAMPLES_AMT_SIM_SIM_STICK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/*
 * This is a reader of its own, written from the FAT specification and knowing nothing of the
 * kit's writer, so that a stick which passes here was understood twice. It is as strict
 * and as simple-minded as an old BIOS: what it cannot read straight away is refused.
 */
struct sim_stick_file {
	int fd;			/* the stick; the caller's */
	uint64_t offset;	/* bytes from the beginning of the stick to the file */
	uint32_t size;		/* bytes of the file */
	unsigned fat_bits;	/* 16 or 32 */
};

enum sim_stick_flags {
	SIM_STICK_FAT16_ONLY = 1, /* firmware that does not know FAT32 */
};

/*
 * Look on the stick FD (a block device or an image, SIZE bytes) for setup.bin: it must be
 * the first entry of the root directory, named SETUP.BIN, an ordinary file, in
 * consecutive clusters.
 *
 * Returns 0 with *out, KIT_ERR_NOT_FOUND (no partition, no FAT, no file: *fault says how far
 * the search went and what is in the way), KIT_ERR_FORMAT (a structure contradicts itself),
 * KIT_ERR_SYSTEM.
 */
int sim_stick_find(struct sim_stick_file *out, int fd, uint64_t size, unsigned flags,
		   struct fault *fault);

/* Read exactly SIZE bytes at byte AT of the stick. KIT_ERR_TRUNCATED past its end. */
int sim_stick_read(int fd, uint64_t at, void *buffer, uint32_t size, struct fault *fault);

#endif
