/* The layouts: where table, volume and file are on a stick of a given size. */
#ifndef UKPU_STICK_LAYOUT_H
#define UKPU_STICK_LAYOUT_H

#include <stdint.h>

#include "common/error.h"
#include "ukpu/format/fat.h"

#define LAYOUT_MIB		((uint64_t)1 << 20)
#define LAYOUT_MIN_BYTES	(17 * LAYOUT_MIB)	/* the smallest stick */
#define LAYOUT_MIN_FAT32	(35 * LAYOUT_MIB)	/* the smallest that FAT32 fits on */
#define LAYOUT_START		2048			/* first LBA of the partition */
#define LAYOUT_HEADS		64			/* geometry for CHS in MBR entries */
#define LAYOUT_TRACK		32

enum layout_kind {
	LAYOUT_FAT16,		/* MBR, one FAT16 partition of at most 63 MiB: all firmware */
	LAYOUT_FAT32,		/* MBR, one FAT32 partition of at most 512 MiB: later firmware */
	LAYOUT_SUPERFLOPPY,	/* FAT16 from sector 0 on, no table */
};

struct layout {
	enum layout_kind kind;
	uint64_t stick_sectors;		/* of 512 bytes; the whole stick */
	uint32_t start;			/* first sector of the volume */
	uint8_t type;			/* of the MBR entry; 0: no table */
	struct fat_geometry g;
};

/*
 * Lay out a stick of STICK_BYTES bytes with sectors of SECTOR_BYTES for a file of FILE_BYTES.
 * Returns 0, or KIT_ERR_UNFIT if something is too small or too large (*fault says what).
 */
int layout_make(struct layout *out, enum layout_kind kind, uint64_t stick_bytes,
		uint32_t sector_bytes, uint64_t file_bytes, struct fault *fault);

/* "fat16", "fat32", "superfloppy", NULL: by enum layout_kind. */
extern const char *const layout_names[];
const char *layout_name(enum layout_kind kind);

/* Byte of the stick at which the volume begins, and the file. */
uint64_t layout_volume_offset(const struct layout *l);
uint64_t layout_file_offset(const struct layout *l);

#endif
