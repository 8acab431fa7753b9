/* Finding setup.bin files anywhere on a stick, and other files. */
#ifndef UKPU_STICK_FIND_H
#define UKPU_STICK_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "keygen/pidpps.h"
#include "ukpu/stick/content.h"
#include "ukpu/format/fatread.h"

#define FIND_MAX	64	/* candidates that are kept */
#define FIND_OTHERS	4096	/* other files that are kept by name */
#define FIND_RUNS	4096	/* places with deleted records that are kept */
#define FIND_PATH	1024	/* Windows takes 260 characters, which may have 3 bytes each */

/* How a candidate was found, best first. */
enum find_how {
	FIND_ROOT,	/* SETUP.BIN in a root directory */
	FIND_RENAMED,	/* under another name, or with a long name, in a root directory */
	FIND_FOLDER,	/* in a sub-folder */
	FIND_DELETED,	/* a deleted entry whose bytes are still there */
	FIND_CLUSTER,	/* no entry: a header at the beginning of a cluster, or of a sector */
};

/* One setup.bin: it begins with the UUID of a file version, or its second sector is a record. */
struct find_candidate {
	enum find_how how;
	char path[FIND_PATH];		/* "/SETUP.BIN", "/old/Keys.bin"; "" for FIND_CLUSTER */
	struct fatread_file file;	/* where its bytes are */
	bool sound;			/* the checker found no error, and it is whole */
	uint32_t records, used, left;	/* by the checker, or those that are recognisable */
	bool shared;			/* it is sound, and every machine takes its first record */
	char next_pid[PID_SHOWN + 1];	/* as people write it, or "" */
	uint8_t digest[CONTENT_DIGEST];	/* SHA-256 of its bytes: copies have the same */
};

/* Some other file (not deleted). */
struct find_other {
	char path[FIND_PATH];		/* no other live file found has the same */
	struct fatread_file file;
	bool readable;			/* its chain is complete */
};

struct find {
	struct find_candidate *candidate;
	size_t n;
	bool more;			/* than FIND_MAX */
	struct find_other *other;
	size_t n_others;
	bool more_others;		/* there are files that could not be listed */
	struct fatread_run *volume;	/* the FAT volumes whose directories were searched */
	size_t n_volumes;
	struct fatread_run *deleted;	/* records in no candidate, with FIND_ALWAYS */
	size_t n_deleted;
	unsigned long deleted_left;	/* unused ones among them */
};

enum find_flags {
	/* If the directories have no sound file, search every sector: reads the whole disk. */
	FIND_DEEP = 1,
	/*
	 * With FIND_DEEP: search every sector in any case, also for records without their file,
	 * which a deleted file in pieces leaves.
	 */
	FIND_ALWAYS = 2,
};

/*
 * Search DISK. Volumes are those of the partition table, the superfloppy's, and, if there is no
 * table, those that begin where tools usually begin them. Directories are searched first, deleted
 * entries too; then, with FIND_DEEP, every sector of the disk. PROGRESS (may be NULL) gets the
 * bytes searched so far.
 *
 * Returns 0 (also if nothing was found), KIT_ERR_NOMEM, or the disk's error. Free with
 * find_free().
 */
int find_run(struct find *out, const struct disk *disk, unsigned flags,
	     void (*progress)(void *context, uint64_t done, uint64_t total), void *context,
	     struct fault *fault);
void find_free(struct find *f);

/* "in the root directory", "deleted", ...: for people. */
const char *find_how_name(enum find_how how);

#endif
