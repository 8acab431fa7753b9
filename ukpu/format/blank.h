/* Is a part of a disk empty? */
#ifndef UKPU_FORMAT_BLANK_H
#define UKPU_FORMAT_BLANK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "ukpu/format/fatread.h"

#define BLANK_QUICK	64	/* places to look at: moments on a slow stick */
#define BLANK_CAREFUL	4096	/* seconds */

/*
 * Are the sectors of DISK from START to END blank, all zeros or, as erased flash is, all FF, but
 * for those in the N ranges of EXCEPT? All of the first and the last MiB is read, which every file
 * system uses, and 4 KiB at each of PLACES places between them. END may be past the end of the
 * disk.
 *
 * Returns 0 with *blank, or the disk's error.
 */
int blank_check(const struct disk *disk, uint64_t start, uint64_t end, unsigned places,
		const struct fatread_run *except, size_t n, bool *blank, struct fault *fault);

#endif
