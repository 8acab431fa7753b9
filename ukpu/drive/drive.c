/* Disks, from sysfs. */
#include "ukpu/drive/drive.h"
#include "ukpu/drive/drive-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define STACK_MAX	8	/* levels of device mapper, RAID ... that are followed */

/*
 * Not text_clean(): SCSI has ASCII there and nothing else, and journals know sticks by this form.
 */
void drive_attribute(const char *raw, size_t n, char *out, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < n && at + 1 < size; i++) {
		unsigned char c = (unsigned char)raw[i];

		if (c == '\0' || c == '\n')
			break;
		if (!at && c == ' ')
			continue;
		out[at++] = c < 0x20 || c > 0x7E ? '?' : (char)c;
	}
	while (at && out[at - 1] == ' ')
		at--;
	out[at] = '\0';
}

void drive_page_80(const char *page, size_t n, char *out, size_t size)
{
	size_t at = 0;

	for (size_t i = 4; i < n && at + 1 < size; i++) {
		if (page[i] > ' ' && page[i] < 0x7F)
			out[at++] = page[i];
	}
	out[at] = '\0';
}

/* The first bytes of the file NAME in FOLDER; their number, or negative. */
static ssize_t read_attribute(const char *folder, const char *name, char *out, size_t size)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, out, size);
	close(fd);
	return n;
}

/* An attribute as text; the texts are the stick's own. False if it cannot be read. */
static bool attribute(const char *folder, const char *name, char *out, size_t size)
{
	char raw[256];
	ssize_t n = read_attribute(folder, name, raw, sizeof(raw));

	drive_attribute(raw, n > 0 ? (size_t)n : 0, out, size);
	return n >= 0;
}

static uint64_t number(const char *folder, const char *name)
{
	char text[32];

	return attribute(folder, name, text, sizeof(text)) ? strtoull(text, NULL, 10) : 0;
}

/* The last part of what the link NAME in FOLDER points to. */
static bool link_name(const char *folder, const char *name, char *out, size_t size)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *last;
	ssize_t n;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return false;
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return false;
	target[n] = '\0';
	last = strrchr(target, '/');
	snprintf(out, size, "%.*s", (int)size - 1, last ? last + 1 : target);
	return true;
}

/*
 * Walk up from the disk's own folder to the nearest USB device: the folder that holds
 * idVendor. What is between them (SCSI hosts and targets) does not matter.
 */
static bool usb_ancestor(const char *sys, const char *device, char *out)
{
	char attr[PATH_MAX + 16];
	size_t root = strlen(sys);

	snprintf(out, PATH_MAX, "%s", device);
	while (strlen(out) > root) {
		char *slash;

		snprintf(attr, sizeof(attr), "%s/idVendor", out);
		if (!access(attr, F_OK))
			return true;
		slash = strrchr(out, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
	return false;
}

/* The nearest ancestor whose subsystem people know as a bus. */
static void name_bus(const char *sys, const char *device, struct drive *d)
{
	static const char *const known[] = { "nvme", "virtio", "mmc", "xen", "scsi", "ata", NULL };
	char folder[PATH_MAX];
	size_t root = strlen(sys);

	if (d->usb) {
		strcpy(d->bus, "usb");
		return;
	}
	if (d->virtual) {
		snprintf(d->bus, sizeof(d->bus), "%.*s", (int)strcspn(d->name, "0123456789-"),
			 d->name);
		return;
	}
	if (strstr(device, "/ata")) {
		strcpy(d->bus, "ata");
		return;
	}
	snprintf(folder, sizeof(folder), "%s", device);
	while (strlen(folder) > root) {
		char name[32], *slash;

		if (link_name(folder, "subsystem", name, sizeof(name))) {
			for (size_t i = 0; known[i]; i++) {
				if (!strcmp(name, known[i])) {
					snprintf(d->bus, sizeof(d->bus), "%s", known[i]);
					return;
				}
			}
		}
		slash = strrchr(folder, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
}

/* Take the first attribute that is there and not empty. */
static void first_text(char *out, size_t size, const char *folder, const char *a, const char *b,
		       const char *other_folder, const char *c)
{
	if (attribute(folder, a, out, size) && out[0])
		return;
	if (b && attribute(folder, b, out, size) && out[0])
		return;
	if (other_folder[0])
		attribute(other_folder, c, out, size);
}

/* For disks that have no other serial number. */
static void read_page_80(const char *below, char *out, size_t size)
{
	char page[256];
	ssize_t n = read_attribute(below, "vpd_pg80", page, sizeof(page));

	if (n >= 0)
		drive_page_80(page, (size_t)n, out, size);
}

/*
 * A card may have been taken out before the kernel noticed: opening the slot makes it look, and
 * the size is then 0.
 */
static void look_into_slot(struct drive *d)
{
	int fd = open(d->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	uint64_t bytes;

	if (fd < 0)
		return;
	if (!ioctl(fd, BLKGETSIZE64, &bytes) && !bytes)
		d->bytes = 0;
	close(fd);
}

/* Fill in the disk NAME; *usb receives the folder of its USB device, or "". */
static bool read_drive(const char *sys, const char *name, struct drive *d, char *usb)
{
	static const char *const virtual[] = { "loop", "dm-", "md", "ram", "zram", "zd", NULL };
	char link[PATH_MAX], device[PATH_MAX], below[PATH_MAX + 16], text[32];

	memset(d, 0, sizeof(*d));
	snprintf(d->name, sizeof(d->name), "%s", name);
	/* sysfs writes '!' for the '/' in names such as cciss/c0d0. */
	snprintf(d->path, sizeof(d->path), "/dev/%s", d->name);
	for (char *p = d->path; *p; p++)
		*p = *p == '!' ? '/' : *p;
	snprintf(link, sizeof(link), "%s/block/%s", sys, name);
	if (!realpath(link, device) || !attribute(device, "dev", text, sizeof(text)) ||
	    sscanf(text, "%u:%u", &d->major, &d->minor) != 2)
		return false;
	for (size_t i = 0; virtual[i]; i++)
		d->virtual = d->virtual || !strncmp(name, virtual[i], strlen(virtual[i]));
	d->bytes = number(device, "size") * 512;
	d->sector_bytes = (uint32_t)number(device, "queue/logical_block_size");
	d->read_only = number(device, "ro");
	d->removable = number(device, "removable");
	d->diskseq = number(device, "diskseq");
	d->usb = usb_ancestor(sys, device, usb);
	if (!d->usb)
		usb[0] = '\0';
	name_bus(sys, device, d);
	snprintf(below, sizeof(below), "%s/device", device);
	/* SCSI calls a unit host:channel:target:lun. */
	if (link_name(device, "device", text, sizeof(text)) && strrchr(text, ':'))
		d->lun = (unsigned)strtoul(strrchr(text, ':') + 1, NULL, 10);
	first_text(d->vendor, sizeof(d->vendor), below, "vendor", NULL, usb, "manufacturer");
	first_text(d->model, sizeof(d->model), below, "model", "name", usb, "product");
	/* The USB device's serial first: enclosures pass on what they like as the disk's. */
	if (d->usb)
		attribute(usb, "serial", d->serial, sizeof(d->serial));
	else if (!attribute(below, "serial", d->serial, sizeof(d->serial)) || !d->serial[0])
		read_page_80(below, d->serial, sizeof(d->serial));
	if (d->usb) {
		d->speed = (unsigned)number(usb, "speed");
		snprintf(d->port, sizeof(d->port), "%.60s", strrchr(usb, '/') + 1);
	}
	if (d->usb && d->bytes)
		look_into_slot(d);
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct drive *x = a, *y = b;
	size_t n = strlen(x->name), m = strlen(y->name);

	/* sdb before sdaa */
	return n == m ? strcmp(x->name, y->name) : n < m ? -1 : 1;
}

/* Units of one device in the order of their slots; the kernel names them as it finds them. */
static bool earlier_unit(const struct drive *a, const struct drive *b)
{
	return a->lun == b->lun ? by_name(a, b) < 0 : a->lun < b->lun;
}

/* RAM is not a disk, and a loop device without a file is not one either. */
static bool is_nothing(const struct drive *d)
{
	return !strncmp(d->name, "ram", 3) || !strncmp(d->name, "zram", 4) ||
		(!strncmp(d->name, "loop", 4) && !d->bytes);
}

int drive_list(const char *sys, struct drive **out, size_t *n, struct fault *fault)
{
	struct drive *list = NULL;
	char (*usb)[PATH_MAX] = NULL;
	char path[PATH_MAX];
	size_t room = 0, count = 0;
	DIR *dir = NULL;
	struct dirent *e;
	int rc = 0;

	*out = NULL;
	*n = 0;
	snprintf(path, sizeof(path), "%s/block", sys);
	dir = opendir(path);
	if (!dir) {
		return fault_sys(fault, errno, "cannot list the disks of this machine (%s)\n"
				 "make sure that /sys is mounted", path);
	}
	while (errno = 0, (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		if (count == room) {
			struct drive *more;
			char (*more_usb)[PATH_MAX];

			room = room ? room * 2 : 16;
			more = reallocarray(list, room, sizeof(*list));
			list = more ? more : list;
			more_usb = reallocarray(usb, room, sizeof(*usb));
			usb = more_usb ? more_usb : usb;
			if (!more || !more_usb) {
				rc = fault_nomem(fault);
				goto out;
			}
		}
		/* A disk may go away after readdir(). */
		if (!read_drive(sys, e->d_name, &list[count], usb[count]) ||
		    is_nothing(&list[count]))
			continue;
		count++;
	}
	if (errno) {
		rc = fault_sys(fault, errno, "cannot list the disks of this machine (%s)", path);
		goto out;
	}
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < count && usb[i][0]; k++) {
			if (strcmp(usb[i], usb[k]))
				continue;
			list[i].units++;
			list[i].unit += earlier_unit(&list[k], &list[i]);
		}
	}
	if (count)
		qsort(list, count, sizeof(*list), by_name);
	*out = list;
	*n = count;
	list = NULL;
out:
	closedir(dir);
	free(list);
	free(usb);
	return rc;
}

/* The name of the whole disk that MAJOR:MINOR is or is a partition of. */
static bool whole_disk(const char *sys, unsigned major, unsigned minor, char *name, size_t size,
		       bool *partition)
{
	char link[PATH_MAX], device[PATH_MAX], attr[PATH_MAX + 16], *slash;

	snprintf(link, sizeof(link), "%s/dev/block/%u:%u", sys, major, minor);
	if (!realpath(link, device))
		return false;
	snprintf(attr, sizeof(attr), "%s/partition", device);
	*partition = !access(attr, F_OK);
	slash = strrchr(device, '/');
	if (*partition && slash) {
		*slash = '\0';
		slash = strrchr(device, '/');
	}
	if (!slash)
		return false;
	snprintf(name, size, "%.*s", (int)size - 1, slash + 1);
	return true;
}

int drive_find(const char *sys, const char *path, struct drive *out, struct fault *fault)
{
	char name[sizeof(out->name)], usb[PATH_MAX];
	struct drive *all = NULL;
	struct stat st;
	bool partition;
	size_t n = 0;

	if (stat(path, &st)) {
		return fault_sys(fault, errno, "cannot find %s\n"
				 "list the sticks: ukpu list", path);
	}
	if (!S_ISBLK(st.st_mode)) {
		fault_set(fault, KIT_ERR_ARGUMENT, "%s is not a block device", path);
		return fault_hint(fault, S_ISREG(st.st_mode) ? "for an image file, add --image" :
				  "list the sticks: ukpu list");
	}
	if (!whole_disk(sys, major(st.st_rdev), minor(st.st_rdev), name, sizeof(name),
			&partition) ||
	    !read_drive(sys, name, out, usb))
		return fault_set(fault, KIT_ERR_NOT_FOUND, "%s is unknown to the kernel", path);
	if (partition) {
		return fault_set(fault, KIT_ERR_ARGUMENT, "%s is a partition, not a stick\n"
				 "name the whole stick: %s", path, out->path);
	}
	/* The number of units is known only from the list of all disks. */
	if (out->usb && !drive_list(sys, &all, &n, NULL)) {
		for (size_t i = 0; i < n; i++) {
			if (!strcmp(all[i].name, out->name)) {
				out->unit = all[i].unit;
				out->units = all[i].units;
			}
		}
	}
	free(all);
	snprintf(out->path, sizeof(out->path), "%.*s", (int)sizeof(out->path) - 1, path);
	return 0;
}

static bool carries(const char *sys, const struct drive *d, unsigned major, unsigned minor,
		    int depth)
{
	char name[sizeof(d->name)], path[PATH_MAX], text[32];
	struct dirent *e;
	bool partition, found = false;
	DIR *dir;

	if (!whole_disk(sys, major, minor, name, sizeof(name), &partition) || depth > STACK_MAX)
		return false;
	if (!strcmp(name, d->name))
		return true;
	snprintf(path, sizeof(path), "%s/block/%s/slaves", sys, name);
	dir = opendir(path);
	while (dir && !found && (e = readdir(dir))) {
		char slave[PATH_MAX + 300];
		unsigned a, b;

		snprintf(slave, sizeof(slave), "%s/%s", path, e->d_name);
		if (e->d_name[0] != '.' && attribute(slave, "dev", text, sizeof(text)) &&
		    sscanf(text, "%u:%u", &a, &b) == 2)
			found = carries(sys, d, a, b, depth + 1);
	}
	if (dir)
		closedir(dir);
	return found;
}

bool drive_carries(const char *sys, const struct drive *d, unsigned major, unsigned minor)
{
	return carries(sys, d, major, minor, 0);
}

void drive_title(const struct drive *d, char *out, size_t size)
{
	char unit[40] = "";

	if (d->units > 1)
		snprintf(unit, sizeof(unit), " (unit %u of %u)", d->unit + 1, d->units);
	snprintf(out, size, "%s%s%s%s", d->vendor, d->vendor[0] && d->model[0] ? " " : "",
		 d->model[0] || d->vendor[0] ? d->model : "unnamed", unit);
}
