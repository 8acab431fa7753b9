/* A reader of FAT12, FAT16 and FAT32 that survives any image. */
#ifndef UKPU_FORMAT_FATREAD_H
#define UKPU_FORMAT_FATREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "ukpu/format/disk.h"
#include "ukpu/format/fat.h"

#define FATREAD_WINDOW	4096	/* bytes of the FAT that are kept in memory */

/* An open volume. Nothing to free; the disk must outlive it. */
struct fatread {
	const struct disk *disk;
	uint64_t start;			/* byte offset of the volume on the disk */
	struct fat_geometry g;
	uint8_t boot[FAT_SECTOR];	/* its first sector */
	uint64_t window_at;		/* byte offset on the disk of what window holds */
	size_t window_bytes;		/* 0: nothing yet */
	uint8_t window[FATREAD_WINDOW];
};

enum fatread_flags {
	/* A 16-bit FAT size of 0 means FAT32, even with too few clusters: for repair. */
	FATREAD_LENIENT = 1,
};

/*
 * Open the volume that begins at byte START of DISK. Returns 0, KIT_ERR_FORMAT (no
 * boot sector of a FAT volume there), KIT_ERR_UNFIT (a FAT32 with too few clusters,
 * which firmware does not see; not with FATREAD_LENIENT), or the disk's error.
 */
int fatread_open(struct fatread *v, const struct disk *disk, uint64_t start, unsigned flags,
		 struct fault *fault);
/* The same with the boot sector at byte BOOT of the disk: the backup, if the first is damaged. */
int fatread_open_by(struct fatread *v, const struct disk *disk, uint64_t start, uint64_t boot,
		    unsigned flags, struct fault *fault);

/*
 * Entry CLUSTER of FAT number COPY (from 0). 0 with *value, KIT_ERR_RANGE for a number
 * that the volume does not have, or the disk's error.
 */
int fatread_fat(struct fatread *v, unsigned copy, uint32_t cluster, uint32_t *value,
		struct fault *fault);

/*
 * The cluster after CLUSTER in its chain: 0 with *next, which is 0 at the end. *steps
 * (begin with fatread_most_clusters()) counts down, so that a loop ends.
 * KIT_ERR_FORMAT if the chain is broken, or the disk's error.
 */
int fatread_next_cluster(struct fatread *v, uint32_t cluster, uint32_t *steps, uint32_t *next,
			 struct fault *fault);

/*
 * The most clusters that a chain can have: those of the volume that are on the disk. A boot sector
 * may claim any number.
 */
uint32_t fatread_most_clusters(const struct fatread *v);

/* One directory entry. */
struct fatread_entry {
	uint8_t raw[FAT_NAME];		/* its 8.3 name as stored */
	char short_name[13];		/* "SETUP.BIN"; first character '?' when deleted */
	char name[260 * 3];		/* the long name in UTF-8 if it has one, or the short one */
	bool has_long_name;
	bool deleted;
	uint8_t attributes;		/* enum fat_attribute */
	uint8_t nt;			/* byte 12: case bits */
	uint32_t cluster;		/* first cluster; 0: none */
	uint32_t size;			/* bytes */
	uint32_t slot;			/* number of its 32-byte slot in the directory, from 0 */
	uint32_t first_slot;		/* of the long name's first slot; slot when it has none */
	uint64_t offset;		/* byte offset of the slot on the disk */
};

/* Is it a file: not deleted, not a label, not a directory? */
bool fatread_is_file(const struct fatread_entry *e);
bool fatread_is_directory(const struct fatread_entry *e);
/* Is it the directory "." or ".."? A file of that name is a file. */
bool fatread_is_dots(const struct fatread_entry *e);

/* Walks one directory. Fields are private. */
struct fatread_dir {
	struct fatread *v;
	uint32_t cluster;	/* the one being read; 0: the fixed root */
	uint32_t slot;
	uint32_t slots_left;	/* at most 65,536 slots, as the specification has it */
	uint32_t steps_left;	/* clusters that the chain may still have */
	uint16_t long_name[260];
	unsigned long_next;	/* next long name part that is expected, from the last; 0: none */
	uint32_t long_slot;
	uint8_t long_sum;
	uint32_t block_slot;	/* slots held in block */
	uint32_t block_slots;
	uint64_t block_offset;
	uint8_t block[FAT_SECTOR];
};

/* Begin at a directory's first cluster, or at the root directory if CLUSTER is 0. */
void fatread_dir_begin(struct fatread_dir *d, struct fatread *v, uint32_t cluster);
/*
 * The next entry, deleted ones and labels too; long name parts come with the entry that
 * they belong to. Returns 1 with *out, 0 at the end, KIT_ERR_FORMAT if the directory's
 * chain is broken, or the disk's error.
 */
int fatread_dir_next(struct fatread_dir *d, struct fatread_entry *out, struct fault *fault);

/* One piece of a file, in bytes on the disk. */
struct fatread_run {
	uint64_t offset;
	uint64_t bytes;
};

/* Where a file is on the disk. Free with fatread_file_close(). */
struct fatread_file {
	const struct disk *disk;
	uint64_t size;			/* bytes of contents */
	struct fatread_run *runs;	/* in the file's order; one: not fragmented */
	size_t n_runs;
	uint32_t cluster_bytes;		/* of its volume; slack ends at a multiple of it */
	uint64_t volume;		/* byte offset of its volume on the disk */
	uint64_t entry;			/* byte offset of its directory entry on the disk */
	uint32_t slot;			/* its slot in the directory; 0: the first entry */
	uint8_t attributes;
};

/*
 * Follow the chain of the entry E. Returns 0, KIT_ERR_FORMAT (the chain ends before the
 * size, loops, or leaves the volume; *fault says which), KIT_ERR_NOMEM, or
 * the disk's error.
 */
int fatread_file_open(struct fatread_file *out, struct fatread *v,
		      const struct fatread_entry *e, struct fault *fault);
/* *f may be zeroed. */
void fatread_file_close(struct fatread_file *f);

/* Read exactly SIZE bytes at byte AT of the file; KIT_ERR_TRUNCATED past its end. */
int fatread_file_read(const struct fatread_file *f, uint64_t at, void *buffer, size_t size,
		      struct fault *fault);

/*
 * The byte of the disk that is byte AT of the file, and how many bytes from there on belong to
 * the file without a gap (*bytes may be NULL). KIT_ERR_RANGE past its end.
 */
int fatread_file_locate(const struct fatread_file *f, uint64_t at, uint64_t *offset,
			uint64_t *bytes);

/*
 * Read up to SIZE bytes at byte OFFSET of FILE (a struct fatread_file): the bytes read, fewer
 * only at the end, or negative. For those who take a function to read with (struct sbin_input).
 */
int64_t fatread_file_read_at(void *file, uint64_t offset, void *buffer, size_t size,
			     struct fault *fault);

/*
 * Find the file NAME (FAT_NAME bytes as stored) as firmware does: sector 0 is either a partition
 * table, then each of its FAT volumes is tried in the table's order, or the boot sector of a FAT
 * volume itself. The file is the one with that 8.3 name in the root directory of the first volume
 * that has it.
 *
 * Returns 0 with *out (close it), KIT_ERR_NOT_FOUND with *fault saying what was searched,
 * KIT_ERR_FORMAT if the file's chain is broken, or the disk's error.
 */
int fatread_find(struct fatread_file *out, const struct disk *disk, const char *name,
		 struct fault *fault);

#endif
