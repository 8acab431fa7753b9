/* The disks of this machine, from sysfs: their names, and which are on USB. */
#ifndef UKPU_DRIVE_DRIVE_H
#define UKPU_DRIVE_DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define DRIVE_SYS	"/sys"	/* where sysfs is; tests have trees of their own */

/* One whole disk. Texts are the device's own, without control characters and outer blanks. */
struct drive {
	char name[32];		/* "sda" */
	char path[48];		/* "/dev/sda" */
	char vendor[64], model[64];
	char serial[128];	/* "" if the device has none */
	uint64_t bytes;		/* 0: no medium */
	uint32_t sector_bytes;	/* of a logical sector */
	bool read_only;
	bool removable;		/* the device's own claim; the kit draws no conclusion from it */
	bool usb;		/* has a USB device among its ancestors */
	unsigned speed;		/* of the USB link, Mbit/s; 0: unknown */
	char bus[16]; /* "usb", "nvme", "ata", "scsi", "virtio", "loop", ...; "" unknown */
	char port[64];		/* of the USB device, as the kernel counts: "2-1.4"; or "" */
	unsigned unit, units;	/* which of how many units of the same USB device; from 0 */
	unsigned lun;		/* logical unit number; 0 if there is none */
	uint64_t diskseq;	/* number of the medium since boot; 0: the kernel has none */
	unsigned major, minor;
	bool virtual;		/* made of other devices or of memory: loop, dm, md, ram, zram */
};

/*
 * All disks under SYS by name, without RAM disks and unused loop devices. The array is the
 * caller's to free(). Returns 0 (also if there are no disks), KIT_ERR_NOMEM, or as fault_sys() if
 * the disks cannot be listed.
 */
int drive_list(const char *sys, struct drive **out, size_t *n, struct fault *fault);

/*
 * The disk whose device node is PATH. Returns 0, KIT_ERR_NOT_FOUND, or KIT_ERR_ARGUMENT (not a
 * block device, or a partition: then *fault names the whole disk).
 */
int drive_find(const char *sys, const char *path, struct drive *out, struct fault *fault);

/*
 * Is the block device MAJOR:MINOR the disk D, a partition of it, or made of them (device mapper,
 * RAID)?
 */
bool drive_carries(const char *sys, const struct drive *d, unsigned major, unsigned minor);

/*
 * Vendor and model: "SanDisk Cruzer", or "Maker Reader (unit 1 of 2)" for a slot. OUT receives
 * SIZE bytes at most.
 */
void drive_title(const struct drive *d, char *out, size_t size);

#endif
