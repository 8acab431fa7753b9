/* The finder of repair: setup.bin files anywhere on a stick, and what else is there. */
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
#define FIND_LOOSE	4096	/* places with loose records that are told */
#define FIND_PATH	1024	/* Windows takes 260 characters, which may have 3 bytes each */

/* How a candidate was found, best first. */
enum find_how {
	FIND_ROOT,	/* SETUP.BIN in a root directory */
	FIND_RENAMED,	/* under another name, or with a long name, in a root directory */
	FIND_FOLDER,	/* in a sub-folder */
	FIND_DELETED,	/* a deleted entry whose bytes still stand */
	FIND_CLUSTER,	/* no entry: a header at the beginning of a cluster, or of a sector */
};

/* One setup.bin: its first 16 bytes are the UUID of a file version, or a record follows them. */
struct find_candidate {
	enum find_how how;
	char path[FIND_PATH];		/* "/SETUP.BIN", "/old/Keys.bin"; "" for FIND_CLUSTER */
	struct fatread_file file;	/* where its bytes stand */
	bool sound;			/* the checker found no error, and it is whole */
	uint32_t records, used, left;	/* by the checker, or those that show where it sees none */
	char next_pid[PID_SHOWN + 1];	/* as people write it, or "" */
	uint8_t digest[CONTENT_DIGEST];	/* SHA-256 of its bytes: copies are told from other files */
};

/* Some other file (not deleted). */
struct find_other {
	char path[FIND_PATH];		/* no other live file found has the same */
	struct fatread_file file;
	bool readable;			/* its chain is whole */
};

struct find {
	struct find_candidate *candidate;
	size_t n;
	bool more;			/* than FIND_MAX */
	struct find_other *other;
	size_t n_others;
	bool more_others;		/* there are files that could not be listed */
	unsigned closed;		/* a partition with something that is no FAT volume, or 0 */
	struct fatread_run *loose;	/* in no candidate: records and secrets, with FIND_ALWAYS */
	size_t n_loose;
	unsigned long deleted_left;	/* loose records that are unused */
};

enum find_flags {
	/* Where directories lead to nothing, look at every cluster and sector: reads all of it. */
	FIND_DEEP = 1,
	/*
	 * With FIND_DEEP: also where directories lead to something, and records and secrets
	 * without their file, as a deleted one in pieces leaves them.
	 */
	FIND_ALWAYS = 2,
};

/*
 * Search DISK. Volumes are those of the partition table, the superfloppy's, and, when there is
 * no table, those that begin where tools like to begin them. Directories are walked first,
 * deleted entries too; with FIND_DEEP, when they gave no sound candidate, every sector that
 * begins a cluster is looked at, and every sector of the disk when there is no volume.
 * PROGRESS (may be NULL) is told bytes looked at.
 *
 * Returns 0 (also when nothing was found), KIT_ERR_NOMEM, or the disk's error. Free with
 * find_free().
 */
int find_run(struct find *out, const struct disk *disk, unsigned flags,
	     void (*progress)(void *context, uint64_t done, uint64_t total), void *context,
	     struct fault *fault);
void find_free(struct find *f);

/* "in the root directory", "deleted", ...: for people. */
const char *find_how_name(enum find_how how);

#endif
