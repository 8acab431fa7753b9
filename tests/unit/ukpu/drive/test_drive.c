/* Tests of finding and guarding drives, on made-up trees of sysfs and procfs. */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/stick.h"
#include "tests/support/suite.h"
#include "ukpu/drive/drive.h"
#include "ukpu/stick/guard.h"
#include "ukpu/drive/target.h"
#include "ukpu/drive/usage.h"

#define GIB	((uint64_t)1 << 30)

static char sys[120], proc[120];
static struct drive *drives;
static size_t n_drives;
static struct fault fault;

/* Write a file below the tree, with all folders on the way. */
static void put(const char *path, const char *text)
{
	char full[PATH_MAX];
	FILE *f;

	snprintf(full, sizeof(full), "%s", path);
	for (char *p = full + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		ck_assert(!mkdir(full, 0700) || errno == EEXIST);
		*p = '/';
	}
	f = fopen(full, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

__attribute__((format(printf, 2, 3)))
static void attr(const char *text, const char *format, ...)
{
	char path[PATH_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(path, sizeof(path), format, ap);
	va_end(ap);
	put(path, text);
}

/* A disk NAME at DEVICE below /sys/devices, with its links. */
static void add_disk(const char *name, const char *device, const char *dev, uint64_t bytes)
{
	char at[300], link[400], target[400], text[32];

	snprintf(at, sizeof(at), "%s/devices/%s/block/%s", sys, device, name);
	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)bytes / 512);
	attr(dev, "%s/dev", at);
	attr(text, "%s/size", at);
	attr("512\n", "%s/queue/logical_block_size", at);
	attr("0\n", "%s/ro", at);
	attr("1\n", "%s/removable", at);
	attr("7\n", "%s/diskseq", at);
	/* As the kernel has it: relative, by the device's own name. */
	snprintf(target, sizeof(target), "../../../%s", strrchr(device, '/') + 1);
	snprintf(link, sizeof(link), "%s/device", at);
	ck_assert_int_eq(symlink(target, link), 0);
	attr("", "%s/block/.made", sys);
	attr("", "%s/dev/block/.made", sys);
	snprintf(link, sizeof(link), "%s/block/%s", sys, name);
	ck_assert_int_eq(symlink(at, link), 0);
	snprintf(link, sizeof(link), "%s/dev/block/%.*s", sys, (int)strcspn(dev, "\n"), dev);
	ck_assert_int_eq(symlink(at, link), 0);
}

static void add_partition(const char *name, const char *device, const char *part, const char *dev)
{
	char at[300], link[400];

	snprintf(at, sizeof(at), "%s/devices/%s/block/%s/%s", sys, device, name, part);
	attr("1\n", "%s/partition", at);
	attr(dev, "%s/dev", at);
	snprintf(link, sizeof(link), "%s/dev/block/%.*s", sys, (int)strcspn(dev, "\n"), dev);
	ck_assert_int_eq(symlink(at, link), 0);
}

#define STICK	"pci0000:00/usb1/1-1/1-1:1.0/host0/target0:0:0/0:0:0:0"
#define READER0	"pci0000:00/usb1/1-2/1-2:1.0/host1/target1:0:0/1:0:0:0"
#define READER1	"pci0000:00/usb1/1-2/1-2:1.0/host1/target1:0:0/1:0:0:1"
#define INSIDE	"pci0000:00/ata1/host2/target2:0:0/2:0:0:0"

static void add_usb(const char *port, const char *serial, const char *speed)
{
	attr("0951\n", "%s/devices/pci0000:00/usb1/%s/idVendor", sys, port);
	attr("Maker\n", "%s/devices/pci0000:00/usb1/%s/manufacturer", sys, port);
	attr("Stick 3000\n", "%s/devices/pci0000:00/usb1/%s/product", sys, port);
	if (serial)
		attr(serial, "%s/devices/pci0000:00/usb1/%s/serial", sys, port);
	attr(speed, "%s/devices/pci0000:00/usb1/%s/speed", sys, port);
}

static void add_stick(uint64_t bytes)
{
	add_usb("1-1", "0012AB\n", "480\n");
	attr("Kingston\n", "%s/devices/" STICK "/vendor", sys);
	attr("DataTraveler    \n", "%s/devices/" STICK "/model", sys);
	add_disk("sda", STICK, "8:0\n", bytes);
}

static void list(void)
{
	free(drives);
	drives = NULL;
	ck_assert_msg(!drive_list(sys, &drives, &n_drives, &fault), "%s", fault.what);
}

static void begin(void)
{
	snprintf(sys, sizeof(sys), "%s/sys", stick_folder());
	snprintf(proc, sizeof(proc), "%s/proc", stick_folder());
	attr("", "%s/self/mountinfo", proc);
	attr("Filename\tType\tSize\tUsed\tPriority\n", "%s/swaps", proc);
	fault_clear(&fault);
}

static void end(void)
{
	free(drives);
	drives = NULL;
	stick_clean();
}

START_TEST(a_usb_stick_is_found_with_what_it_says_of_itself)
{
	char title[140];

	add_stick(4 * GIB);
	list();
	ck_assert_uint_eq(n_drives, 1);
	ck_assert_str_eq(drives->path, "/dev/sda");
	ck_assert_str_eq(drives->vendor, "Kingston");
	ck_assert_str_eq(drives->model, "DataTraveler");
	ck_assert_str_eq(drives->serial, "0012AB");
	ck_assert_uint_eq(drives->bytes, 4 * GIB);
	ck_assert_uint_eq(drives->speed, 480);
	ck_assert_str_eq(drives->port, "1-1");
	ck_assert_uint_eq(drives->diskseq, 7);
	ck_assert(drives->usb);
	ck_assert_str_eq(drives->bus, "usb");
	ck_assert_uint_eq(drives->units, 1);
	drive_title(drives, title, sizeof(title));
	ck_assert_str_eq(title, "Kingston DataTraveler");
}
END_TEST

START_TEST(control_characters_do_not_get_through)
{
	add_usb("1-1", "\x1b]0;pwned\x07\n", "480\n");
	attr("Evil\x1b[2J\tUSB\n", "%s/devices/" STICK "/vendor", sys);
	attr("\xff\xfe\n", "%s/devices/" STICK "/model", sys);
	add_disk("sda", STICK, "8:0\n", GIB);
	list();
	ck_assert_str_eq(drives->vendor, "Evil?[2J?USB");
	ck_assert_str_eq(drives->model, "??");
	ck_assert_str_eq(drives->serial, "?]0;pwned?");
}
END_TEST

START_TEST(removable_means_nothing_usb_is_what_counts)
{
	add_stick(GIB);
	attr("0\n", "%s/devices/" STICK "/block/sda/removable", sys);
	add_disk("sdb", INSIDE, "8:16\n", GIB);
	list();
	ck_assert_uint_eq(n_drives, 2);
	ck_assert(drives[0].usb && !drives[0].removable);
	ck_assert(!drives[1].usb && drives[1].removable);
	ck_assert_str_eq(drives[1].bus, "ata");
}
END_TEST

START_TEST(the_units_of_a_card_reader_are_counted)
{
	struct usage usage;
	char title[140];

	add_usb("1-2", NULL, "5000\n");
	/* The second slot turned up first. */
	add_disk("sdc", READER0, "8:32\n", 0);
	add_disk("sdb", READER1, "8:16\n", GIB);
	add_stick(GIB);
	list();
	ck_assert_uint_eq(n_drives, 3);
	ck_assert_str_eq(drives[1].name, "sdb");
	ck_assert_uint_eq(drives[1].units, 2);
	ck_assert_uint_eq(drives[1].unit, 1);
	ck_assert_uint_eq(drives[2].unit, 0);
	drive_title(&drives[2], title, sizeof(title));
	ck_assert_msg(strstr(title, " (unit 1 of 2)") != NULL, "%s", title);
	ck_assert_str_eq(drives[2].vendor, "Maker");
	ck_assert_int_eq(usage_read(&usage, sys, proc, &drives[2], NULL), 0);
	ck_assert_uint_eq(guard_check(&drives[2], &usage), GUARD_NO_MEDIUM);
}
END_TEST

START_TEST(memory_and_unused_loop_devices_are_no_disks)
{
	add_disk("loop0", "virtual/block_/loop0", "7:0\n", 0);
	add_disk("loop1", "virtual/block_/loop1", "7:1\n", GIB);
	add_disk("zram0", "virtual/block_/zram0", "253:0\n", GIB);
	add_disk("ram0", "virtual/block_/ram0", "1:0\n", GIB);
	list();
	ck_assert_uint_eq(n_drives, 1);
	ck_assert_str_eq(drives->name, "loop1");
	ck_assert(drives->virtual && !drives->usb);
	ck_assert_str_eq(drives->bus, "loop");
}
END_TEST

START_TEST(drives_are_listed_as_people_count)
{
	add_disk("sdaa", INSIDE, "65:0\n", GIB);
	add_disk("sdc", READER0, "8:32\n", GIB);
	add_disk("sdb", READER1, "8:16\n", GIB);
	list();
	ck_assert_str_eq(drives[0].name, "sdb");
	ck_assert_str_eq(drives[1].name, "sdc");
	ck_assert_str_eq(drives[2].name, "sdaa");
}
END_TEST

START_TEST(an_enumeration_that_fails_says_so)
{
	ck_assert_int_lt(drive_list("/nonexistent", &drives, &n_drives, &fault), 0);
	ck_assert_ptr_nonnull(strstr(fault.what, "cannot list the disks"));
	ck_assert_ptr_nonnull(strstr(fault.hint, "/sys"));
	/* An empty machine is another thing. */
	attr("", "%s/block/.made", sys);
	fault_clear(&fault);
	list();
	ck_assert_uint_eq(n_drives, 0);
}
END_TEST

START_TEST(a_file_is_no_block_device)
{
	struct drive d;

	put(stick_path("file"), "x");
	ck_assert_int_eq(drive_find(sys, stick_path("file"), &d, &fault), KIT_ERR_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(fault.hint, "--image"));
	fault_clear(&fault);
	ck_assert_int_eq(drive_find(sys, "/dev/nonexistent", &d, &fault), KIT_ERR_NOT_FOUND);
	fault_clear(&fault);
	ck_assert_int_eq(drive_find(sys, "/dev/null", &d, &fault), KIT_ERR_ARGUMENT);
}
END_TEST

START_TEST(what_stands_on_a_disk_is_seen_through_all_layers)
{
	char link[400], target[400];

	add_stick(GIB);
	add_partition("sda", STICK, "sda1", "8:1\n");
	/* LUKS on the partition, LVM on that. */
	add_disk("dm-0", "virtual/block_/dm-0", "253:0\n", GIB);
	add_disk("dm-1", "virtual/block_/dm-1", "253:1\n", GIB);
	attr("", "%s/devices/virtual/block_/dm-0/block/dm-0/slaves/.made", sys);
	attr("", "%s/devices/virtual/block_/dm-1/block/dm-1/slaves/.made", sys);
	snprintf(link, sizeof(link), "%s/devices/virtual/block_/dm-0/block/dm-0/slaves/sda1", sys);
	snprintf(target, sizeof(target), "%s/devices/" STICK "/block/sda/sda1", sys);
	ck_assert_int_eq(symlink(target, link), 0);
	snprintf(link, sizeof(link), "%s/devices/virtual/block_/dm-1/block/dm-1/slaves/dm-0", sys);
	snprintf(target, sizeof(target), "%s/devices/virtual/block_/dm-0/block/dm-0", sys);
	ck_assert_int_eq(symlink(target, link), 0);
	add_disk("sdb", INSIDE, "8:16\n", GIB);
	list();
	for (size_t i = 0; i < n_drives; i++) {
		bool mine = !strcmp(drives[i].name, "sda");

		ck_assert(drive_carries(sys, &drives[i], 8, 0) == mine);
		ck_assert(drive_carries(sys, &drives[i], 8, 1) == mine);
		if (strncmp(drives[i].name, "dm-", 3)) {
			ck_assert(drive_carries(sys, &drives[i], 253, 0) == mine);
			ck_assert(drive_carries(sys, &drives[i], 253, 1) == mine);
		}
		ck_assert(!drive_carries(sys, &drives[i], 9, 9));
	}
}
END_TEST

static const struct drive *only(const char *name)
{
	list();
	for (size_t i = 0; i < n_drives; i++) {
		if (!strcmp(drives[i].name, name))
			return &drives[i];
	}
	ck_abort_msg("no drive %s", name);
	return NULL;
}

START_TEST(mounts_swap_and_holders_are_found)
{
	const struct drive *d;
	struct usage usage;

	add_stick(GIB);
	add_partition("sda", STICK, "sda1", "8:1\n");
	add_partition("sda", STICK, "sda2", "8:2\n");
	d = only("sda");
	ck_assert_int_eq(usage_read(&usage, sys, proc, d, NULL), 0);
	ck_assert_uint_eq(guard_check(d, &usage), 0);

	attr("22 1 0:20 / /proc rw - proc proc rw\n"
	     "40 1 8:17 / /other rw - ext4 /dev/sdb1 rw\n"
	     "41 1 8:1 / /media/a\\040stick rw,nosuid shared:1 - vfat /dev/sda1 rw\n"
	     "42 1 8:2 / /media/second rw - vfat /dev/sda2 rw\n", "%s/self/mountinfo", proc);
	attr("", "%s/devices/" STICK "/block/sda/sda2/holders/dm-0", sys);
	ck_assert_int_eq(usage_read(&usage, sys, proc, d, NULL), 0);
	ck_assert_uint_eq(usage.n_mounts, 2);
	ck_assert_str_eq(usage.mounts[0], "/media/a stick");
	ck_assert_uint_eq(usage.n_holders, 1);
	ck_assert_str_eq(usage.holders[0], "dm-0");
	ck_assert_str_eq(usage.system, "");
	ck_assert_uint_eq(guard_check(d, &usage), GUARD_MOUNTED | GUARD_HOLDER);
}
END_TEST

START_TEST(loop_devices_on_an_image_are_found)
{
	char image[PATH_MAX], other[PATH_MAX], line[PATH_MAX + 2];
	struct usage usage;

	attr("", "%s/an image", sys);
	attr("", "%s/another", sys);
	snprintf(image, sizeof(image), "%s/an image", sys);
	snprintf(other, sizeof(other), "%s/another", sys);
	usage_read_image(&usage, sys, image);
	ck_assert_uint_eq(usage.n_holders, 0);
	snprintf(line, sizeof(line), "%s\n", image);
	attr("", "%s/block/loop0/size", sys);
	attr("/nowhere (deleted)\n", "%s/block/loop1/loop/backing_file", sys);
	attr(line, "%s/block/loop2/loop/backing_file", sys);
	usage_read_image(&usage, sys, image);
	ck_assert_uint_eq(usage.n_holders, 1);
	ck_assert_str_eq(usage.holders[0], "loop2");
	usage_read_image(&usage, sys, other);
	ck_assert_uint_eq(usage.n_holders, 0);
}
END_TEST

START_TEST(the_disk_of_the_running_system_is_known)
{
	static const char *const places[] = { "/", "/boot", "/home" };
	const struct drive *d;
	struct usage usage;

	add_stick(GIB);
	add_partition("sda", STICK, "sda1", "8:1\n");
	d = only("sda");
	for (size_t i = 0; i < 3; i++) {
		char line[100];

		snprintf(line, sizeof(line), "41 1 8:1 / %s rw - ext4 /dev/sda1 rw\n", places[i]);
		attr(line, "%s/self/mountinfo", proc);
		ck_assert_int_eq(usage_read(&usage, sys, proc, d, NULL), 0);
		ck_assert_str_eq(usage.system, places[i]);
		ck_assert(guard_check(d, &usage) & GUARD_SYSTEM);
	}
}
END_TEST

START_TEST(what_cannot_be_found_out_is_not_taken_for_free)
{
	struct usage usage;

	add_stick(GIB);
	ck_assert_int_lt(usage_read(&usage, sys, "/nonexistent", only("sda"), &fault), 0);
	ck_assert_ptr_nonnull(strstr(fault.what, "cannot read what is mounted"));
}
END_TEST

START_TEST(what_does_not_let_go_is_named)
{
	struct usage usage = {
		.n_mounts = 2, .mounts = { "/proc/self/fd", "/proc/self/task" },
	};

	/* Later mounts may stand on earlier ones. */
	ck_assert_int_lt(usage_unmount(&usage, &fault), 0);
	ck_assert_ptr_nonnull(strstr(fault.what, "cannot unmount /proc/self/task: "));
	ck_assert_ptr_nonnull(strstr(fault.hint, "fuser -vm /proc/self/task"));
}
END_TEST

START_TEST(every_reason_has_its_words_and_its_option)
{
	struct usage usage = {
		.n_mounts = 1, .mounts = { "/media/x" }, .n_swaps = 1, .swaps = { "/dev/sda2" },
		.n_holders = 1, .holders = { "md0" }, .system = "/home",
	};
	struct drive d = {
		.bytes = 65 * GIB, .sector_bytes = 4096, .read_only = true, .bus = "nvme"
	};
	unsigned why = guard_check(&d, &usage), reason, seen = 0, options = 0;

	for (unsigned i = 0; (reason = guard_reason(i)); i++) {
		char text[200], advice[300];

		guard_text(reason, &d, &usage, text, sizeof(text));
		ck_assert(strcmp(text, "fit"));
		guard_advice(reason, &usage, advice, sizeof(advice));
		ck_assert(advice[0]);
		if (why & reason)
			seen++;
		options += guard_option(reason) != NULL;
	}
	ck_assert_uint_eq(options, 4);
	ck_assert_uint_eq(seen, 8);	/* all but "no medium" and "too small" */
	d.bytes = 64 * GIB;
	ck_assert(!(guard_check(&d, &usage) & GUARD_LARGE));
	d.bytes = 17 * LAYOUT_MIB - 512;
	ck_assert(guard_check(&d, &usage) & GUARD_SMALL);
	d.bytes = 0;
	ck_assert(guard_check(&d, &usage) & GUARD_NO_MEDIUM);
	ck_assert(!(guard_check(&d, &usage) & GUARD_SMALL));
}
END_TEST

START_TEST(what_uses_a_disk_is_refused_with_what_to_type)
{
	static const struct {
		const char *holder, *advice;
	} made[] = {
		{ "dm-3", "dmsetup remove /dev/dm-3" }, { "md127", "mdadm --stop /dev/md127" },
		{ "loop5", "losetup -d /dev/loop5" }, { "bcache0", "take /dev/bcache0 apart" },
	};
	struct usage usage = {
		.n_mounts = 2, .mounts = { "/media/x", "/media/x/deep" },
		.n_swaps = 1, .swaps = { "/dev/sda2" }, .n_holders = 1,
	};
	char advice[300];

	guard_advice(GUARD_MOUNTED, &usage, advice, sizeof(advice));
	ck_assert_ptr_nonnull(strstr(advice, "umount /media/x/deep"));
	guard_advice(GUARD_SWAP, &usage, advice, sizeof(advice));
	ck_assert_ptr_nonnull(strstr(advice, "swapoff /dev/sda2"));
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		snprintf(usage.holders[0], sizeof(usage.holders[0]), "%s", made[i].holder);
		guard_advice(GUARD_HOLDER, &usage, advice, sizeof(advice));
		ck_assert_msg(strstr(advice, made[i].advice), "%s", advice);
	}
	/* No option overrules swap or a holder: a person who made them takes them apart. */
	ck_assert_ptr_null(guard_option(GUARD_SWAP));
	ck_assert_ptr_null(guard_option(GUARD_HOLDER));
}
END_TEST

/* ---- the target ---- */

START_TEST(an_image_is_locked_against_a_second_writer)
{
	struct target *first, *second;

	ck_assert_int_eq(target_create(&first, stick_path("i.img"), LAYOUT_MIN_BYTES, NULL), 0);
	ck_assert_int_eq(
		target_open(&second, stick_path("i.img"), TARGET_WRITE | TARGET_IMAGE, &fault),
		KIT_ERR_BUSY);
	ck_assert_ptr_null(second);
	ck_assert_ptr_nonnull(strstr(fault.what, "locked"));
	fault_clear(&fault);
	ck_assert_int_eq(target_open(&second, stick_path("i.img"), TARGET_IMAGE, &fault),
			 KIT_ERR_BUSY);
	target_close(&first);
	/* Two readers get on with each other. */
	ck_assert_int_eq(target_open(&first, stick_path("i.img"), TARGET_IMAGE, NULL), 0);
	ck_assert_int_eq(target_open(&second, stick_path("i.img"), TARGET_IMAGE, NULL), 0);
	target_close(&first);
	target_close(&second);
}
END_TEST

START_TEST(only_the_kind_of_file_that_was_said_is_opened)
{
	struct target *t;

	put(stick_path("f"), "x");
	ck_assert_int_eq(target_open(&t, stick_path("f"), TARGET_WRITE, &fault), KIT_ERR_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(fault.hint, "--image"));
	fault_clear(&fault);
	ck_assert_int_eq(target_open(&t, "/dev/null", TARGET_IMAGE, &fault), KIT_ERR_ARGUMENT);
	fault_clear(&fault);
	ck_assert_int_eq(target_open(&t, stick_path("none"), TARGET_IMAGE, &fault),
			 KIT_ERR_NOT_FOUND);
	fault_clear(&fault);
	ck_assert_int_lt(target_open(&t, stick_folder(), TARGET_IMAGE, &fault), 0);
}
END_TEST

START_TEST(an_image_of_another_size_is_not_taken_for_a_new_one)
{
	struct target *t;

	put(stick_path("old.img"), "something of somebody's");
	ck_assert_int_eq(target_create(&t, stick_path("old.img"), LAYOUT_MIN_BYTES, &fault),
			 KIT_ERR_EXISTS);
}
END_TEST

START_TEST(nothing_is_written_past_the_end)
{
	struct target *t;
	uint8_t sector[512] = { 0 };

	ck_assert_int_eq(target_create(&t, stick_path("e.img"), LAYOUT_MIN_BYTES, NULL), 0);
	ck_assert_int_eq(target_write(t, LAYOUT_MIN_BYTES - 511, sector, 512, NULL), KIT_ERR_RANGE);
	ck_assert_int_eq(target_write(t, UINT64_MAX - 100, sector, 512, NULL), KIT_ERR_RANGE);
	ck_assert_int_eq(target_write(t, LAYOUT_MIN_BYTES - 512, sector, 512, NULL), 0);
	target_close(&t);
}
END_TEST

START_TEST(an_image_that_was_taken_away_is_called_removed)
{
	const struct disk *fresh;
	struct target *t;
	uint8_t sector[512] = { 0 };

	ck_assert_int_eq(target_create(&t, stick_path("gone.img"), LAYOUT_MIN_BYTES, NULL), 0);
	ck_assert_int_eq(target_write(t, 0, sector, 512, NULL), 0);
	ck_assert_int_eq(rename(stick_path("gone.img"), stick_path("other.img")), 0);
	ck_assert_int_eq(target_present(t, &fault), KIT_ERR_REMOVED);
	ck_assert_ptr_nonnull(strstr(fault.what, "removed"));
	fault_clear(&fault);
	ck_assert_int_eq(target_fresh(t, &fresh, &fault), KIT_ERR_REMOVED);
	/* Another file under the same name is not the same stick. */
	put(stick_path("gone.img"), "x");
	fault_clear(&fault);
	ck_assert_int_eq(target_fresh(t, &fresh, &fault), KIT_ERR_REMOVED);
	target_close(&t);
}
END_TEST

START_TEST(reading_back_sees_what_is_on_the_medium)
{
	static uint8_t data[700000], back[700000];
	const struct disk *fresh;
	struct target *t;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 512);
	ck_assert_int_eq(target_create(&t, stick_path("b.img"), LAYOUT_MIN_BYTES, NULL), 0);
	ck_assert_int_eq(target_write(t, 512, data, 512 * 1000, NULL), 0);
	ck_assert_int_eq(target_flush(t, NULL), 0);
	ck_assert_uint_eq(target_reached(t), 512 * 1000);
	ck_assert_int_eq(target_fresh(t, &fresh, NULL), 0);
	/* At any place and of any length. */
	for (size_t i = 0; i < 50; i++) {
		size_t at = i * 9973, n = 1 + (i * 7919) % (512000 - at);

		ck_assert_int_eq(disk_read(fresh, 512 + at, back, n, NULL), 0);
		ck_assert_mem_eq(back, data + at, n);
	}
	ck_assert_int_eq(disk_read(fresh, LAYOUT_MIN_BYTES - 3, back, 3, NULL), 0);
	ck_assert_int_eq(disk_read(fresh, LAYOUT_MIN_BYTES - 3, back, 4, NULL), KIT_ERR_TRUNCATED);
	target_close(&t);
}
END_TEST

TEST_SUITE("drive")
{
	TCase *t = tcase_create("finding and guarding");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_usb_stick_is_found_with_what_it_says_of_itself);
	tcase_add_test(t, control_characters_do_not_get_through);
	tcase_add_test(t, removable_means_nothing_usb_is_what_counts);
	tcase_add_test(t, the_units_of_a_card_reader_are_counted);
	tcase_add_test(t, memory_and_unused_loop_devices_are_no_disks);
	tcase_add_test(t, drives_are_listed_as_people_count);
	tcase_add_test(t, an_enumeration_that_fails_says_so);
	tcase_add_test(t, a_file_is_no_block_device);
	tcase_add_test(t, what_stands_on_a_disk_is_seen_through_all_layers);
	tcase_add_test(t, mounts_swap_and_holders_are_found);
	tcase_add_test(t, loop_devices_on_an_image_are_found);
	tcase_add_test(t, the_disk_of_the_running_system_is_known);
	tcase_add_test(t, what_cannot_be_found_out_is_not_taken_for_free);
	tcase_add_test(t, what_does_not_let_go_is_named);
	tcase_add_test(t, every_reason_has_its_words_and_its_option);
	tcase_add_test(t, what_uses_a_disk_is_refused_with_what_to_type);
	tcase_add_test(t, an_image_is_locked_against_a_second_writer);
	tcase_add_test(t, only_the_kind_of_file_that_was_said_is_opened);
	tcase_add_test(t, an_image_of_another_size_is_not_taken_for_a_new_one);
	tcase_add_test(t, nothing_is_written_past_the_end);
	tcase_add_test(t, an_image_that_was_taken_away_is_called_removed);
	tcase_add_test(t, reading_back_sees_what_is_on_the_medium);
	suite_add_tcase(suite, t);
}
