/* The disks of this machine as sysfs shows them: which hang on USB, what they are called. */
#ifndef UKPU_DRIVE_DRIVE_H
#define UKPU_DRIVE_DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define DRIVE_SYS	"/sys"	/* where sysfs is; tests have trees of their own */

/* One whole disk. Texts come from the device, without control characters and outer blanks. */
struct drive {
	char name[32];		/* "sda" */
	char path[48];		/* "/dev/sda" */
	char vendor[64], model[64];
	char serial[128];	/* "" when the device has none */
	uint64_t bytes;		/* 0: no medium */
	uint32_t sector_bytes;	/* of a logical sector */
	bool read_only;
	bool removable;		/* what the device says; nothing follows from it */
	bool usb;		/* has a USB device among its ancestors */
	unsigned speed;		/* of the USB link, Mbit/s; 0: unknown */
	char bus[16]; /* "usb", "nvme", "ata", "scsi", "virtio", "loop", ...; "" unknown */
	char port[64];		/* of the USB device, as the kernel counts: "2-1.4"; or "" */
	unsigned unit, units;	/* which of how many units of the same USB device; from 0 */
	unsigned lun;		/* logical unit number; 0 when there is none */
	uint64_t diskseq;	/* number of the medium since boot; 0: the kernel has none */
	unsigned major, minor;
	bool virtual;		/* made of other devices or of memory: loop, dm, md, ram, zram */
};

/*
 * All disks under SYS, by name; those of memory and unused loop devices left out. The array
 * is the caller's to free(). Returns 0, KIT_ERR_NOMEM, or KIT_ERR_SYSTEM and kin when the
 * enumeration itself fails; no disks at all are no error.
 */
int drive_list(const char *sys, struct drive **out, size_t *n, struct fault *fault);

/*
 * The disk whose device node is PATH. Returns 0, KIT_ERR_NOT_FOUND, KIT_ERR_ARGUMENT (no block
 * device; or a partition: *fault names the whole disk).
 */
int drive_find(const char *sys, const char *path, struct drive *out, struct fault *fault);

/*
 * Does the block device MAJOR:MINOR stand on the disk D: is it that disk, a partition of it,
 * or something (device mapper, RAID) made of them?
 */
bool drive_carries(const char *sys, const struct drive *d, unsigned major, unsigned minor);

/*
 * "SanDisk Cruzer" out of vendor and model, "Maker Reader (unit 1 of 2)" for a slot. OUT receives
 * SIZE bytes at most.
 */
void drive_title(const struct drive *d, char *out, size_t size);

#endif
