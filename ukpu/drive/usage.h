/* What uses a disk just now: mounts, swap, devices made of it, the running system itself. */
#ifndef UKPU_DRIVE_USAGE_H
#define UKPU_DRIVE_USAGE_H

#include <stddef.h>

#include "common/error.h"
#include "ukpu/drive/drive.h"

#define USAGE_PROC	"/proc"
#define USAGE_MAX	16	/* mount points, swap areas and holders that are kept */

struct usage {
	char mounts[USAGE_MAX][256];	/* mount points, in the order they were mounted */
	size_t n_mounts;
	char swaps[USAGE_MAX][256];	/* paths of swap areas */
	size_t n_swaps;
	char holders[USAGE_MAX][32];	/* names: "dm-0", "md127", "loop0" */
	size_t n_holders;
	char system[64];		/* "/", "/boot", "/home", "this program", or "" */
};

/*
 * Find out what uses D. SYS and PROC are the paths of sysfs and procfs. Returns 0, or as
 * fault_sys() if that is unknown: then the disk counts as in use.
 */
int usage_read(struct usage *out, const char *sys, const char *proc, const struct drive *d,
	       struct fault *fault);

/* Find out which loop devices use the image file PATH: the holders of *out. */
void usage_read_image(struct usage *out, const char *sys, const char *path);

/*
 * Unmount all that is mounted, the last first. Returns 0, KIT_ERR_BUSY (files are open there), or
 * as fault_sys(). Swap and holders are not let go: a person who made them takes them apart.
 */
int usage_unmount(const struct usage *u, struct fault *fault);

#endif
