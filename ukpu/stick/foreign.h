/* What would be lost with a stick besides the files that can be listed. */
#ifndef UKPU_STICK_FOREIGN_H
#define UKPU_STICK_FOREIGN_H

#include "common/error.h"
#include "ukpu/format/disk.h"
#include "ukpu/stick/find.h"

struct foreign {
	/*
	 * For people: "partition 2 (ext4), partition 3 (unknown data)", the first few of them;
	 * "unknown data in no partition";
	 * "all of it (unknown data)"; "": nothing.
	 */
	char text[240];
};

/*
 * Look at the whole medium DISK, whose descriptor is FD, for what cannot be listed file by file:
 * other file systems, data of no known kind, partition tables that are not read, partitions past
 * those that are, data in no partition (see ukpu/format/gaps.h). FOUND is what find_run() found on
 * it: its volumes, setup.bin files and records are known.
 *
 * Returns 0, KIT_ERR_NOMEM, KIT_ERR_LIBRARY, or the disk's error.
 */
int foreign_look(struct foreign *out, const struct disk *disk, int fd, const struct find *found,
		 struct fault *fault);

#endif
