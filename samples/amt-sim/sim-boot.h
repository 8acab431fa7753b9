/* A machine is switched on with a stick in it: what its BIOS does with setup.bin. */
#ifndef SAMPLES_AMT_SIM_SIM_BOOT_H
#define SAMPLES_AMT_SIM_SIM_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "keygen/keylist.h"
#include "samples/amt-sim/sim-device.h"
#include "setupbin/header.h"

/* What differs from BIOS to BIOS. */
struct sim_boot_bios {
	bool fat16_only;		/* does not know FAT32 */
	bool wipe;			/* zeroes the body of the record that it used */
	struct sbin_version reads;	/* newest file version that it knows; 0.0: by firmware */
};

/* What the person at the machine would see. */
struct sim_boot_report {
	uint32_t record;		/* number of the record that was taken, from 1 */
	uint32_t records;		/* in the file */
	bool consumed;			/* the stick was written: the record is used */
	unsigned fat_bits;		/* of the volume on the stick */
	struct sbin_version version;	/* of the file */
};

/*
 * Boot the machine D with the stick (a block device or an image file): find and check
 * setup.bin, take the next record, check the current MEBx password, take PID, PPS and new
 * password, keep them (durably, before the stick is touched), and mark the record used on the
 * stick unless the file says "do not consume". On failure neither D nor the stick has changed,
 * except when marking itself failed: then D holds the key and *fault says so.
 *
 * Returns 0, KIT_ERR_NOT_FOUND (no setup.bin that this BIOS can see, or no record left),
 * KIT_ERR_FORMAT or another error of the format, KIT_ERR_REFUSED (wrong MEBx password: "2209 -
 * USB provisioning error"; bad PID 0x2A, bad PPS 0x2B; weak password), KIT_ERR_STATE (already
 * set up), KIT_ERR_READ_ONLY, KIT_ERR_SYSTEM.
 */
int sim_boot_from_stick(struct sim_device *d, const char *stick, const struct sim_boot_bios *bios,
			struct sim_boot_report *report, struct fault *fault);

/*
 * A record without PID and PPS, or on a machine after SIM_DEVICE_LAST_PSK, makes it one that is
 * set up by certificate (sim-record.h).
 *
 * The part of it that concerns the machine: take over one entry, as typed into MEBx or read
 * from a record, and keep it. Same errors.
 */
int sim_boot_take_entry(struct sim_device *d, const struct keyentry *entry, struct fault *fault);
/*
 * The same for set-up by certificate: the machine trusts the roots of PKI beside those that it
 * has, and from now on says hellos of version 3, unless PKI says not to. Same errors; KIT_ERR_RANGE
 * (more roots than it can hold).
 */
int sim_boot_take_pki(struct sim_device *d, const struct sim_device_pki *pki, struct fault *fault);

#endif
