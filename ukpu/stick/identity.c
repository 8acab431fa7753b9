/* Marks, devices and ports of sticks. */
#include "ukpu/stick/identity.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "ukpu/format/fat.h"
#include "ukpu/format/fatread.h"

#define MBR_DISK_ID	440	/* byte offsets in the first sector */
#define MBR_FIRST_LBA	(446 + 8)
#define BOOT_16_SIGN	38	/* byte offsets in a boot sector: 28 or 29, then the volume id */
#define BOOT_32_SIGN	66
#define SIGN_VOLUME_ID	0x29

void identity_of_image(struct identity *out, const char *path)
{
	char full[PATH_MAX], folder[PATH_MAX], *slash;
	const char *last = strrchr(path, '/');
	size_t n;

	memset(out, 0, sizeof(*out));
	out->image = true;
	if (!realpath(path, full)) {
		snprintf(folder, sizeof(folder), "%s", last ? path : ".");
		slash = strrchr(folder, '/');
		if (slash)
			slash[slash == folder] = '\0';
		n = realpath(folder, full) && strcmp(full, "/") ? strlen(full) : 0;
		snprintf(full + n, sizeof(full) - n, "/%s", last ? last + 1 : path);
	}
	/* The end of a path tells more than its beginning. */
	n = strlen(full);
	snprintf(out->name, sizeof(out->name), "%s",
		 full + (n < sizeof(out->name) ? 0 : n - sizeof(out->name) + 1));
	snprintf(out->device, sizeof(out->device), "image %s", out->name);
}

static bool same_device(const struct drive *a, const struct drive *b)
{
	return !strcmp(a->vendor, b->vendor) && !strcmp(a->model, b->model) &&
		!strcmp(a->serial, b->serial) && a->bytes == b->bytes;
}

void identity_of_drive(struct identity *out, const struct drive *d, const struct drive *all,
		       size_t n)
{
	char title[140];

	memset(out, 0, sizeof(*out));
	drive_title(d, title, sizeof(title));
	out->bytes = d->bytes;
	out->weak = !d->serial[0] || d->units > 1;
	if (!d->serial[0])
		snprintf(out->name, sizeof(out->name), "%s without serial number", title);
	else if (d->units > 1)
		snprintf(out->name, sizeof(out->name), "%s, in unit %u", d->serial, d->unit + 1);
	else
		snprintf(out->name, sizeof(out->name), "%s", d->serial);
	snprintf(out->device, sizeof(out->device), "%s|%s|%s|%llu", d->vendor, d->model, d->serial,
		 (unsigned long long)d->bytes);
	snprintf(out->serial, sizeof(out->serial), "serial %s", out->name);
	snprintf(out->port, sizeof(out->port), "%s unit %u", d->port, d->unit);
	for (size_t i = 0; i < n; i++)
		out->twin = out->twin || (strcmp(all[i].name, d->name) && same_device(&all[i], d));
}

size_t identity_count_serial(const struct drive *all, size_t n, const char *serial)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += !strcmp(all[i].serial, serial) && all[i].unit == 0;
	return count;
}

void identity_serial_text(const struct drive *d, const struct drive *all, size_t n, char *out,
			  size_t size)
{
	if (!d->serial[0])
		snprintf(out, size, "-");
	else if (d->port[0] && identity_count_serial(all, n, d->serial) > 1)
		snprintf(out, size, "%s (USB port %s)", d->serial, d->port);
	else
		snprintf(out, size, "%s", d->serial);
}

bool identity_serial_given(const struct drive *d, const char *const *given, size_t n_given)
{
	for (size_t i = 0; i < n_given; i++) {
		if (d->serial[0] && !strcmp(given[i], d->serial))
			return true;
	}
	return false;
}

int identity_check_serial(const struct drive *d, const struct drive *all, size_t n,
			  const char *const *given, size_t n_given, struct fault *fault)
{
	static const char look[] = "look at the sticks with ukpu list; this may not be the one "
		"that you mean";
	size_t same;

	if (!d->serial[0])
		return fault_set(fault, KIT_ERR_UNFIT, "it has no serial number\n%s", look);
	if (!identity_serial_given(d, given, n_given))
		return fault_set(fault, KIT_ERR_UNFIT, "it has the serial number \"%s\", not the "
				 "one given with --serial\n%s", d->serial, look);
	same = identity_count_serial(all, n, d->serial);
	if (same < 2)
		return 0;
	return fault_set(fault, KIT_ERR_UNFIT, "%zu drives have the serial number \"%s\", so it "
			 "does not say which one is meant\n"
			 "unplug the others; or leave --serial and --yes out and answer the "
			 "question", same, d->serial);
}

/* The id of the FAT volume whose boot sector this is, or 0. */
static uint32_t volume_id(const uint8_t *boot)
{
	if (boot[BOOT_32_SIGN] == SIGN_VOLUME_ID && !get_le16(boot + 22))
		return get_le32(boot + BOOT_32_SIGN + 1);
	if (boot[BOOT_16_SIGN] == SIGN_VOLUME_ID)
		return get_le32(boot + BOOT_16_SIGN + 1);
	return 0;
}

static void write_mark(char out[IDENTITY_MARK], uint32_t disk, uint32_t volume)
{
	char a[16] = "", b[16] = "";

	if (disk)
		snprintf(a, sizeof(a), "disk %08x", disk);
	if (volume)
		snprintf(b, sizeof(b), "volume %08x", volume);
	snprintf(out, IDENTITY_MARK, "%s%s%s", a, disk && volume ? " " : "", b);
}

void identity_read_mark(struct identity *id, const struct disk *disk)
{
	struct fatread volume;
	uint8_t first[FAT_SECTOR];
	uint32_t disk_id, volume_at;

	id->mark[0] = '\0';
	if (disk->size < sizeof(first) ||
	    disk_read(disk, 0, first, sizeof(first), NULL) ||
	    get_le16(first + FAT_SECTOR - 2) != FAT_SIGNATURE)
		return;
	if (!fatread_open(&volume, disk, 0, FATREAD_LENIENT, NULL)) {
		write_mark(id->mark, 0, volume_id(first));
		return;
	}
	disk_id = get_le32(first + MBR_DISK_ID);
	volume_at = get_le32(first + MBR_FIRST_LBA);
	if (volume_at && !fatread_open(&volume, disk, (uint64_t)volume_at * FAT_SECTOR,
				       FATREAD_LENIENT, NULL))
		write_mark(id->mark, disk_id, volume_id(volume.boot));
	else
		write_mark(id->mark, disk_id, 0);
}

void identity_plan_mark(const struct plan *p, char out[IDENTITY_MARK])
{
	write_mark(out, p->layout.kind == LAYOUT_SUPERFLOPPY ? 0 : p->disk_id, p->volume_id);
}

void identity_disk_mark(const struct identity *id, char out[IDENTITY_MARK])
{
	char *volume;

	snprintf(out, IDENTITY_MARK, "%s", id->mark);
	volume = strstr(out, " volume ");
	if (volume)
		*volume = '\0';
}
