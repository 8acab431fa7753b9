/* Which stick is it: marks, devices, ports, and serial numbers that two have. */
#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/stick.h"
#include "tests/support/suite.h"
#include "ukpu/drive/target.h"
#include "ukpu/stick/identity.h"
#include "ukpu/stick/stick.h"

static struct content content;
static struct identity id;

static void begin(void)
{
	content = stick_content(4, 1, 1);
}

static void end(void)
{
	content_wipe(&content);
	stick_clean();
}

static struct drive drive(const char *name, const char *serial, const char *port)
{
	struct drive d = { .vendor = "Maker", .model = "Stick", .bytes = 1 << 30, .usb = true,
			   .units = 1 };

	snprintf(d.name, sizeof(d.name), "%s", name);
	snprintf(d.serial, sizeof(d.serial), "%s", serial);
	snprintf(d.port, sizeof(d.port), "%s", port);
	return d;
}

/* The mark of what is on the image. */
static const char *mark(const char *path)
{
	struct target *t;

	ck_assert_int_eq(target_open(&t, path, TARGET_IMAGE, NULL), 0);
	identity_read_mark(&id, target_disk(t));
	target_close(&t);
	return id.mark;
}

START_TEST(the_mark_that_is_planned_is_the_one_that_is_read)
{
	for (int kind = LAYOUT_FAT16; kind <= LAYOUT_SUPERFLOPPY; kind++) {
		struct plan_request rq = {
			.kind = (enum layout_kind)kind, .file = content.data,
			.file_bytes = content.size,
		};
		char planned[IDENTITY_MARK], path[64];
		struct plan plan;
		struct target *t;

		snprintf(path, sizeof(path), "%s", stick_path(layout_name(rq.kind)));
		ck_assert_int_eq(target_create(&t, path, STICK_BYTES, NULL), 0);
		ck_assert_int_eq(plan_make(&plan, t, &rq, NULL), 0);
		identity_plan_mark(&plan, planned);
		ck_assert_int_eq(stick_write(&plan, t, NULL, NULL), 0);
		plan_free(&plan);
		target_close(&t);
		ck_assert_str_eq(mark(path), planned);
		if (kind == LAYOUT_SUPERFLOPPY)
			ck_assert_ptr_eq(strstr(planned, "volume "), planned);
		else
			ck_assert_uint_eq(strlen(planned), strlen("disk 01234567 volume 89abcdef"));
	}
}
END_TEST

START_TEST(a_spoiled_stick_has_the_part_of_its_mark_that_is_left)
{
	const char *path = stick_path("a.img");
	char whole[IDENTITY_MARK], disk[IDENTITY_MARK];

	stick_make(path, LAYOUT_FAT16, STICK_BYTES, &content);
	snprintf(whole, sizeof(whole), "%s", mark(path));
	identity_disk_mark(&id, disk);
	ck_assert_uint_eq(strlen(disk), strlen("disk 01234567"));
	ck_assert_mem_eq(disk, whole, strlen(disk));
	/* The boot sector of the volume is gone. */
	stick_put(path, 2048 * 512, (uint8_t[512]){ 0 }, 512);
	ck_assert_str_eq(mark(path), disk);
	/* The table is gone. */
	stick_put_byte(path, 510, 0);
	ck_assert_str_eq(mark(path), "");
}
END_TEST

START_TEST(two_sticks_of_one_device_are_twins)
{
	struct drive all[] = {
		drive("sda", "123456789ABC", "1-1"), drive("sdb", "123456789ABC", "1-2"),
		drive("sdc", "OTHER", "1-3"),
	};
	struct identity first;
	char text[230];

	identity_of_drive(&first, &all[0], all, 3);
	identity_of_drive(&id, &all[1], all, 3);
	ck_assert(first.twin && id.twin && !id.weak && !id.image);
	ck_assert_str_eq(first.device, id.device);
	ck_assert_str_ne(first.port, id.port);
	ck_assert_uint_eq(identity_count_serial(all, 3, "123456789ABC"), 2);
	ck_assert_uint_eq(identity_count_serial(all, 3, "OTHER"), 1);
	/* People see the port only where it is needed. */
	identity_serial_text(&all[1], all, 3, text, sizeof(text));
	ck_assert_str_eq(text, "123456789ABC (USB port 1-2)");
	identity_serial_text(&all[2], all, 3, text, sizeof(text));
	ck_assert_str_eq(text, "OTHER");
	/* Of another size it is not a twin, but the serial number does not say which is meant. */
	all[1].bytes *= 2;
	identity_of_drive(&first, &all[0], all, 3);
	identity_of_drive(&id, &all[1], all, 3);
	ck_assert(!first.twin && !id.twin);
	ck_assert_str_ne(first.device, id.device);
	ck_assert_uint_eq(identity_count_serial(all, 3, "123456789ABC"), 2);
}
END_TEST

START_TEST(a_serial_number_that_two_have_names_neither)
{
	static const char *const given[] = { "OTHER", "123456789ABC" };
	struct drive all[] = {
		drive("sda", "123456789ABC", "1-1"), drive("sdb", "123456789ABC", "1-2"),
		drive("sdc", "OTHER", "1-3"), drive("sdd", "", "1-4"),
	};
	struct fault fault = { 0 };

	ck_assert_int_eq(identity_check_serial(&all[0], all, 4, given, 2, &fault), KIT_ERR_UNFIT);
	ck_assert_ptr_nonnull(strstr(fault.what, "2 drives have the serial number"));
	ck_assert_ptr_nonnull(strstr(fault.hint, "unplug the others"));
	fault_clear(&fault);
	ck_assert_int_eq(identity_check_serial(&all[2], all, 4, given, 2, &fault), 0);
	/* Alone it is the one that is meant. */
	ck_assert_int_eq(identity_check_serial(&all[0], all, 1, given, 2, &fault), 0);
	ck_assert_int_eq(identity_check_serial(&all[0], all, 1, given, 1, &fault), KIT_ERR_UNFIT);
	ck_assert_ptr_nonnull(strstr(fault.what, "not the one given"));
	fault_clear(&fault);
	ck_assert_int_eq(identity_check_serial(&all[3], all, 4, given, 2, &fault), KIT_ERR_UNFIT);
	ck_assert_ptr_nonnull(strstr(fault.what, "no serial number"));
}
END_TEST

START_TEST(slots_of_a_reader_count_once_and_say_nothing_of_their_cards)
{
	struct drive all[] = { drive("sda", "R1", "1-1"), drive("sdb", "R1", "1-1") };

	all[0].units = all[1].units = 2;
	all[1].unit = 1;
	identity_of_drive(&id, &all[1], all, 2);
	ck_assert(id.weak);
	ck_assert_str_eq(id.name, "R1, in unit 2");
	ck_assert_uint_eq(identity_count_serial(all, 2, "R1"), 1);
	all[0].serial[0] = '\0';
	all[0].units = 1;
	identity_of_drive(&id, &all[0], all, 1);
	ck_assert(id.weak);
	ck_assert_str_eq(id.name, "Maker Stick without serial number");
}
END_TEST

START_TEST(an_image_goes_by_its_full_path)
{
	char want[PATH_MAX];

	ck_assert_int_eq(chdir(stick_folder()), 0);
	ck_assert_ptr_nonnull(realpath(".", want));
	strcat(want, "/new.img");
	identity_of_image(&id, "new.img");
	ck_assert(id.image);
	ck_assert_str_eq(id.name, want);
	stick_store("new.img", "x", 1);
	identity_of_image(&id, "../././.././../../../../../new.img");
	ck_assert_str_eq(id.name, "/new.img");
	identity_of_image(&id, "./new.img");
	ck_assert_str_eq(id.name, want);
}
END_TEST

TEST_SUITE("identity")
{
	TCase *t = tcase_create("identity");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, the_mark_that_is_planned_is_the_one_that_is_read);
	tcase_add_test(t, a_spoiled_stick_has_the_part_of_its_mark_that_is_left);
	tcase_add_test(t, two_sticks_of_one_device_are_twins);
	tcase_add_test(t, a_serial_number_that_two_have_names_neither);
	tcase_add_test(t, slots_of_a_reader_count_once_and_say_nothing_of_their_cards);
	tcase_add_test(t, an_image_goes_by_its_full_path);
	suite_add_tcase(suite, t);
}
