/* What is on a disk and in no partition. */
#ifndef UKPU_FORMAT_GAPS_H
#define UKPU_FORMAT_GAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "ukpu/format/fatread.h"
#include "ukpu/format/parts.h"

/*
 * The first MiB holds tables and boot loaders (the files of a loader are in a partition, and
 * listed), and what they were replaced by: data there is not looked for.
 */
#define GAPS_START	((uint64_t)1 << 20)

/*
 * Are the parts of DISK blank, as blank_check() says with PLACES, that are in none of its PARTS:
 * behind GAPS_START, before, between and behind the partitions; behind the volume if it is a
 * superfloppy? The N ranges of EXCEPT do not count, nor do links of logical drives and the second
 * copy of a GPT. Whatever is behind a volume that this kit laid out was given up then.
 *
 * Returns 0 with *blank, KIT_ERR_NOMEM, or the disk's error.
 */
int gaps_check(const struct disk *disk, const struct parts *parts, unsigned places,
	       const struct fatread_run *except, size_t n, bool *blank, struct fault *fault);

/* Has the boot sector at byte START of DISK, of a table or a volume, the code of this kit? */
bool gaps_own_code(const struct disk *disk, uint64_t start);

#endif
