/* Tests of the space in no partition: what counts, what belongs to a table, what was given up. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "tests/support/suite.h"
#include "ukpu/format/blank.h"
#include "ukpu/format/fat.h"
#include "ukpu/format/gaps.h"

#define MIB	((uint64_t)1 << 20)
#define SIZE	(40 * MIB)
#define LBA(mib)	((uint32_t)((mib) * 2048))

static uint8_t *image;
static struct disk_memory state;
static struct disk disk;

static void begin(void)
{
	image = calloc(SIZE, 1);
	ck_assert_ptr_nonnull(image);
	disk_open_memory(&disk, &state, image, SIZE, "disk");
}

static void end(void)
{
	free(image);
}

/* Entry I of the table in the sector at byte AT. */
static void put_entry(uint64_t at, int i, uint8_t type, uint32_t start, uint32_t sectors)
{
	uint8_t *e = image + at + 446 + 16 * i;

	e[4] = type;
	put_le32(e + 8, start);
	put_le32(e + 12, sectors);
	put_le16(image + at + 510, 0xAA55);
}

static bool blank_but(const struct fatread_run *except, size_t n)
{
	struct parts parts;
	bool blank;

	ck_assert_int_eq(parts_read(&parts, &disk, NULL), 0);
	ck_assert_int_eq(gaps_check(&disk, &parts, BLANK_QUICK, except, n, &blank, NULL), 0);
	return blank;
}

static bool blank(void)
{
	return blank_but(NULL, 0);
}

START_TEST(data_before_between_and_behind_partitions_counts)
{
	/* Partitions from 4 to 10 and from 20 to 30 MiB, the second one first. */
	static const uint64_t in[] = { 4 * MIB, 10 * MIB - 1, 20 * MIB, 30 * MIB - 1 };
	static const uint64_t out[] = {
		MIB, 4 * MIB - 1, 10 * MIB, 20 * MIB - 1, 30 * MIB, SIZE - 1,
	};

	put_entry(0, 0, 0x83, LBA(20), LBA(10));
	put_entry(0, 1, 0x06, LBA(4), LBA(6));
	ck_assert(blank());
	for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++)
		image[in[i]] = 1;
	ck_assert(blank());
	for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++) {
		struct fatread_run known = { out[i] / DISK_SECTOR * DISK_SECTOR, DISK_SECTOR };

		image[out[i]] = 1;
		ck_assert_msg(!blank(), "byte %llu", (unsigned long long)out[i]);
		ck_assert(blank_but(&known, 1));
		image[out[i]] = 0;
	}
}
END_TEST

START_TEST(boot_loaders_erased_flash_and_a_whole_stick_do_not_count)
{
	put_entry(0, 0, 0x0C, LBA(4), LBA(36));
	/* A boot loader behind the table; what is behind it was never written. */
	memset(image + DISK_SECTOR, 0xA5, MIB - DISK_SECTOR);
	memset(image + MIB, 0xFF, 3 * MIB);
	memset(image + 4 * MIB, 0xA5, 36 * MIB);
	ck_assert(blank());
	/* A partition whose size is lost may go on to the end. */
	put_entry(0, 0, 0x0C, LBA(4), 0);
	ck_assert(blank());
	put_entry(0, 0, 0x0C, LBA(4), LBA(1));
	ck_assert(!blank());
}
END_TEST

START_TEST(links_of_logical_drives_belong_to_the_table)
{
	put_entry(0, 0, 0x05, LBA(2), LBA(38));
	put_entry(2 * MIB, 0, 0x06, LBA(1), LBA(4));
	put_entry(2 * MIB, 1, 0x05, LBA(10), LBA(10));
	put_entry(12 * MIB, 0, 0x83, LBA(1), LBA(4));
	ck_assert(blank());
	/* The rest of the extended partition is in no drive. */
	image[8 * MIB] = 1;
	ck_assert(!blank());
	image[8 * MIB] = 0;
	image[2 * MIB + DISK_SECTOR] = 1;
	ck_assert(!blank());
}
END_TEST

START_TEST(the_second_copy_of_a_gpt_belongs_to_the_table)
{
	put_entry(0, 0, 0x83, LBA(1), LBA(38));
	memset(image + SIZE - 33 * DISK_SECTOR, 1, 32 * DISK_SECTOR);
	ck_assert(!blank());
	memcpy(image + SIZE - DISK_SECTOR, "EFI PART", 8);
	ck_assert(blank());
	image[SIZE - 34 * DISK_SECTOR] = 1;
	ck_assert(!blank());
}
END_TEST

START_TEST(behind_a_volume_of_this_kit_all_was_given_up)
{
	struct fat_geometry g;

	ck_assert_int_eq(fat_make(&g, FAT16, LBA(17), LBA(1)), 0);
	put_entry(0, 0, 0x06, LBA(1), LBA(17));
	memset(image + 20 * MIB, 0xA5, MIB);
	ck_assert(!blank());
	/* Either code is enough: others write their own into one of them. */
	memcpy(image, fat_boot_stub, sizeof(fat_boot_stub));
	ck_assert(blank());
	image[0] = 0;
	fat_encode_boot(&g, 1, image + MIB);
	ck_assert(blank());
	/* But not in a table of which we made not all, or none. */
	put_entry(0, 1, 0x83, LBA(30), LBA(2));
	ck_assert(!blank());
	put_entry(0, 1, 0, 0, 0);
	put_entry(0, 0, 0x06, LBA(2), LBA(17));
	memcpy(image, fat_boot_stub, sizeof(fat_boot_stub));
	ck_assert(!blank());
}
END_TEST

START_TEST(data_behind_a_superfloppy_counts_unless_it_is_ours)
{
	struct fat_geometry g;
	uint8_t *code;

	ck_assert_int_eq(fat_make(&g, FAT16, LBA(17), 0), 0);
	fat_encode_boot(&g, 1, image);
	memset(image + 2 * MIB, 0xA5, 15 * MIB);
	image[17 * MIB] = 1;
	ck_assert(blank());
	code = image + image[1] + 2;
	code[0] = 0;
	ck_assert(!blank());
	image[17 * MIB] = 0;
	ck_assert(blank());
}
END_TEST

/* As mkfs.fat makes of a few sectors. */
START_TEST(behind_a_tiny_superfloppy_the_first_mib_does_not_count)
{
	struct fat_geometry g;

	ck_assert_int_eq(fat_make(&g, FAT16, LBA(17), 0), 0);
	fat_encode_boot(&g, 1, image);
	image[image[1] + 2] = 0;
	put_le16(image + 19, 1024);
	put_le16(image + 22, 1);
	put_le32(image + 32, 0);
	memset(image + 600 * 1024, 0xA5, 400 * 1024);
	ck_assert(blank());
	image[MIB] = 1;
	ck_assert(!blank());
}
END_TEST

START_TEST(a_disk_without_a_table_has_no_gaps)
{
	memset(image, 0xA5, SIZE);
	image[510] = 0;
	ck_assert(blank());
}
END_TEST

TEST_SUITE("gaps")
{
	TCase *t = tcase_create("gaps");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, data_before_between_and_behind_partitions_counts);
	tcase_add_test(t, boot_loaders_erased_flash_and_a_whole_stick_do_not_count);
	tcase_add_test(t, links_of_logical_drives_belong_to_the_table);
	tcase_add_test(t, the_second_copy_of_a_gpt_belongs_to_the_table);
	tcase_add_test(t, behind_a_volume_of_this_kit_all_was_given_up);
	tcase_add_test(t, data_behind_a_superfloppy_counts_unless_it_is_ours);
	tcase_add_test(t, behind_a_tiny_superfloppy_the_first_mib_does_not_count);
	tcase_add_test(t, a_disk_without_a_table_has_no_gaps);
	suite_add_tcase(suite, t);
}
