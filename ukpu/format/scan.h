/* One pass over a FAT volume with one file: what its root directory and its clusters hold. */
#ifndef UKPU_FORMAT_SCAN_H
#define UKPU_FORMAT_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "ukpu/format/fatread.h"

/* Clusters and FATs. */
struct scan_clusters {
	uint32_t used;		/* marked used in the first FAT */
	uint32_t lost;		/* used, but by no file and no directory */
	uint32_t crossed;	/* in two chains */
	uint32_t broken; /* chains that leave the volume, loop, or end too soon */
	uint32_t bad;		/* marked bad */
	uint32_t others;	/* used by anything but the file and the root directory */
	bool fat_short;		/* the FAT has no room for all clusters */
	bool tail_dirty;	/* the FAT is not zero behind the last cluster */
	bool copies_differ;
	uint64_t differ_at;	/* first byte of the FAT in which they do */
	bool media_differs;	/* entry 0 is not the media byte */
	bool dirty, errors;	/* entry 1: not unmounted cleanly; had errors */
};

/* The root directory. */
struct scan_root {
	bool found;			/* a live file with the name is there */
	struct fatread_entry file;	/* it */
	bool first_known;		/* the directory is not empty */
	uint8_t first_attributes;	/* of slot 0; 0F: part of a long name */
	bool first_deleted;
	char first_name[13];
	unsigned entries;		/* live ones: files, directories, labels */
	unsigned deleted;
	unsigned long_names;		/* live entries with one */
	char other[64];			/* name of one live entry that is not the file, or "" */
	bool tail_dirty;		/* bytes behind the end mark are not zero */
	bool broken;			/* its chain is */
};

/*
 * The file is the one in the root directory with the 8.3 name NAME (FAT_NAME bytes as stored).
 * Returns 0, KIT_ERR_NOMEM, or the disk's error; what is wrong with the volume is in the
 * results. ROOT is filled by scan_root() and used by scan_clusters().
 */
int scan_root(struct scan_root *out, struct fatread *v, const char *name, struct fault *fault);
int scan_clusters(struct scan_clusters *out, struct fatread *v, const struct scan_root *root,
		  struct fault *fault);

#endif
