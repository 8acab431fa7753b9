/* A reader of partition tables: MBR with logical drives, GPT, or no table (superfloppy). */
#ifndef UKPU_FORMAT_PARTS_H
#define UKPU_FORMAT_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "ukpu/format/disk.h"

#define PARTS_MAX	128	/* partitions that are looked at; further ones are left out */

enum parts_kind {
	PARTS_NONE,		/* no table and no volume: no 55AA, or no entry */
	PARTS_MBR,
	PARTS_GPT,
	PARTS_SUPERFLOPPY,	/* sector 0 is the boot sector of a FAT volume */
};

/* One partition, or the whole disk of a superfloppy. */
struct part {
	unsigned number;	/* 1..4 primary, 5.. logical; entry number in a GPT */
	uint64_t start;		/* byte on the disk */
	uint64_t bytes;
	uint64_t link;		/* byte of the sector with the entry of a logical drive; else 0 */
	uint8_t type;		/* the MBR's type byte; 0 in a GPT */
	uint8_t status;		/* 80: active; 00: not; 0 in a GPT */
	bool past_end;		/* is not on the disk, or not all of it */
	uint8_t first_chs[3], last_chs[3];	/* as stored in an MBR */
};

struct parts {
	enum parts_kind kind;
	bool signature;		/* sector 0 ends in 55AA */
	bool gpt_front, gpt_back; /* "EFI PART" at LBA 1, at the last LBA: remains, or a GPT */
	struct part part[PARTS_MAX];
	size_t n;
	bool more;		/* there are partitions that are not in the list */
};

/*
 * Read the table of DISK. A GPT counts only behind a protective MBR (type EE), as for other
 * readers; its second copy is used if the first is broken. Returns 0 whatever is on the disk,
 * or the error of reading sector 0 (KIT_ERR_TRUNCATED for a disk under one sector).
 */
int parts_read(struct parts *out, const struct disk *disk, struct fault *fault);

/* "MBR", "GPT", "no partition table (superfloppy)", "nothing". */
const char *parts_kind_name(enum parts_kind kind);

/* Is this the type byte of an extended partition? */
bool parts_is_extended(uint8_t type);

/* Is P, one of PARTS, an extended partition of which logical drives are known? */
bool parts_holds_logical(const struct parts *parts, const struct part *p);

#endif
