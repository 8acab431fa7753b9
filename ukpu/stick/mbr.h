/* The partition table of a new stick, written by libfdisk. */
#ifndef UKPU_STICK_MBR_H
#define UKPU_STICK_MBR_H

#include "common/error.h"
#include "ukpu/stick/layout.h"
#include "ukpu/drive/target.h"

/*
 * Write the MBR of layout L: disk id DISK_ID, one entry, 55AA; the code in bytes 0..439 of
 * sector 0 is kept. One sector is written, nothing is flushed.
 *
 * Returns 0, KIT_ERR_LIBRARY, or the target's error.
 */
int mbr_write(struct target *t, const struct layout *l, uint32_t disk_id, struct fault *fault);

/* Ask the kernel to read the table of a block device again; nothing on an image. */
int mbr_reread(struct target *t, struct fault *fault);

#endif
