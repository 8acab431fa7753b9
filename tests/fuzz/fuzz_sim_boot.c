/*
 * Fuzz the simulated firmware: whatever is on the stick, a machine takes a sound key, or is to be
 * set up by certificate, or takes nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/bytes.h"
#include "samples/amt-sim/sim-boot.h"
#include "samples/amt-sim/sim-device.h"
#include "samples/amt-sim/sim-stick.h"

#define SECTOR		512
#define STICK_BYTES	(36u * 1024 * 1024)
#define SECTORS_MAX	64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input: for each sector that is not zero its number (2 bytes) and its 512 bytes. */
static void fill(int fd, const uint8_t *data, size_t size)
{
	if (ftruncate(fd, 0) < 0 || ftruncate(fd, STICK_BYTES) < 0)
		abort();
	for (unsigned i = 0; i < SECTORS_MAX && size >= 2 + SECTOR; i++) {
		if (pwrite(fd, data + 2, SECTOR, (off_t)get_le16(data) * SECTOR) != SECTOR)
			abort();
		data += 2 + SECTOR;
		size -= 2 + SECTOR;
	}
}

/* Is the machine, which has taken a record, in order? */
static bool sound(const struct sim_device *d)
{
	struct sim_root roots[SIM_ROOTS_MAX];
	size_t builtin;

	if (d->state != SIM_DEVICE_IN || strcmp(d->mebx, PASSWORD_FACTORY) == 0)
		return false;
	if (d->pki.on)
		return d->pki.n_own <= SIM_ROOTS_OWN &&
		       sim_device_roots(d, roots, &builtin) <= SIM_ROOTS_MAX;
	return d->firmware.major <= SIM_DEVICE_LAST_PSK && pidpps_check_pid(d->pair.pid) == 0 &&
	       pidpps_check_pps(d->pair.pps) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct sim_boot_bios bios = { .wipe = true };
	struct sim_device_firmware firmware = { 7, 0, 0 };
	struct fault fault = { .code = 0 };
	struct sim_boot_report report;
	struct sim_device d;
	char path[32];

	if (fd < 0)
		fd = memfd_create("stick", 0);
	if (fd < 0 || size < 1)
		return 0;
	fill(fd, data + 1, size - 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	bios.fat16_only = data[0] & 1;
	if (data[0] & 2)
		firmware.major = 16;
	if (sim_device_factory(&d, NULL, firmware, NULL, &fault) < 0)
		abort();
	if (sim_boot_from_stick(&d, path, &bios, &report, &fault) == 0) {
		if (!sound(&d) || report.record == 0 || report.record > report.records)
			abort();
		/* Marked used, it cannot be taken again. */
		if (report.consumed) {
			uint32_t first = report.record;

			sim_device_clear(&d);
			if (sim_device_factory(&d, NULL, firmware, NULL, &fault) < 0)
				abort();
			if (sim_boot_from_stick(&d, path, &bios, &report, &fault) == 0 &&
			    report.record == first)
				abort();
		}
	} else if (fault.code == 0 || fault.what[0] == '\0') {
		abort();
	}
	sim_device_clear(&d);
	return 0;
}
