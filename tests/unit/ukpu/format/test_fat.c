/* Tests of FAT arithmetic and of the layouts, by numbers that documents and readers agree on. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bytes.h"
#include "tests/support/stick.h"
#include "tests/support/suite.h"
#include "ukpu/format/fat.h"
#include "ukpu/stick/layout.h"

#define MIB	LAYOUT_MIB

static struct layout make(enum layout_kind kind, uint64_t bytes)
{
	struct fault fault = { 0 };
	struct layout l;

	ck_assert_msg(!layout_make(&l, kind, bytes, 512, 3072, &fault), "%s", fault.what);
	return l;
}

START_TEST(the_default_layout_has_the_documented_numbers)
{
	struct layout l = make(LAYOUT_FAT16, 256 * MIB);

	ck_assert_uint_eq(l.start, 2048);
	ck_assert_uint_eq(l.type, 0x06);
	ck_assert_int_eq(l.g.type, FAT16);
	ck_assert_uint_eq(l.g.sectors, 129024);
	ck_assert_uint_eq(l.g.cluster_sectors, 2);
	ck_assert_uint_eq(l.g.reserved, 1);
	ck_assert_uint_eq(l.g.fats, 2);
	ck_assert_uint_eq(l.g.fat_sectors, 251);
	ck_assert_uint_eq(l.g.root_entries, 512);
	ck_assert_uint_eq(l.g.hidden, 2048);
	ck_assert_uint_eq(l.g.clusters, 64244);
	ck_assert_uint_eq(2048 + l.g.root_sector, 2551);
	ck_assert_uint_eq(2048 + l.g.data_sector, 2583);
	ck_assert_uint_eq(layout_file_offset(&l), 2583 * 512);
	/* The same on any larger stick. */
	l = make(LAYOUT_FAT16, 65536 * MIB);
	ck_assert_uint_eq(l.g.clusters, 64244);
}
END_TEST

START_TEST(small_sticks_follow_the_same_rule)
{
	struct layout l = make(LAYOUT_FAT16, 17 * MIB);

	ck_assert_uint_eq(l.g.sectors, 15 * 2048);
	ck_assert_uint_eq(l.type, 0x04);
	l = make(LAYOUT_FAT16, 33 * MIB + 1024 * 1023);
	ck_assert_uint_eq(l.g.sectors, 31 * 2048);
	ck_assert_uint_eq(l.type, 0x04);
	l = make(LAYOUT_FAT16, 34 * MIB);
	ck_assert_uint_eq(l.g.sectors, 65536);
	ck_assert_uint_eq(l.type, 0x06);
	l = make(LAYOUT_FAT16, 65 * MIB);
	ck_assert_uint_eq(l.g.sectors, 129024);
	l = make(LAYOUT_SUPERFLOPPY, 17 * MIB + 512);
	ck_assert_uint_eq(l.start, 0);
	ck_assert_uint_eq(l.type, 0);
	ck_assert_uint_eq(l.g.sectors, 17 * 2048 + 1);
	l = make(LAYOUT_SUPERFLOPPY, 1024 * MIB);
	ck_assert_uint_eq(l.g.sectors, 129024);
}
END_TEST

START_TEST(fat32_takes_the_largest_cluster_that_leaves_enough_of_them)
{
	static const struct { unsigned mib, cluster; } sizes[] = {
		{ 35, 1 }, { 66, 1 }, { 68, 2 }, { 131, 4 }, { 260, 8 }, { 514, 8 }, { 4096, 8 },
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct layout l = make(LAYOUT_FAT32, sizes[i].mib * MIB);

		ck_assert_uint_eq(l.type, 0x0C);
		ck_assert_int_eq(l.g.type, FAT32);
		ck_assert_uint_eq(l.g.reserved, 32);
		ck_assert_uint_eq(l.g.root_cluster, 2);
		ck_assert_uint_ge(l.g.clusters, 65525 + 16);
		ck_assert_msg(l.g.cluster_sectors == sizes[i].cluster,
			      "%u MiB: %u sectors a cluster", sizes[i].mib, l.g.cluster_sectors);
		ck_assert_uint_le(l.g.sectors, 512 * 2048);
		if (l.g.cluster_sectors < 8) {
			struct fat_geometry twice = l.g;

			/* Twice the cluster would have left too few. */
			ck_assert_uint_lt((twice.sectors - twice.reserved) /
						  (2 * twice.cluster_sectors),
					  65525 + 16 + 300);
		}
	}
}
END_TEST

START_TEST(every_size_gives_a_volume_clear_of_the_limits)
{
	for (uint64_t mib = 17; mib < 700; mib++) {
		for (int kind = LAYOUT_FAT16; kind <= LAYOUT_SUPERFLOPPY; kind++) {
			struct layout l;
			struct fat_geometry back;
			uint8_t boot[512], again[512];

			if (kind == LAYOUT_FAT32 && mib < 35)
				continue;
			l = make((enum layout_kind)kind, mib * MIB + 512 * (mib % 5));
			ck_assert_uint_le((uint64_t)l.start + l.g.sectors, l.stick_sectors);
			if (l.g.type == FAT16)
				ck_assert(l.g.clusters >= 4085 + 16 && l.g.clusters < 65525 - 16);
			else
				ck_assert_uint_ge(l.g.clusters, 65525 + 16);
			/* The FAT has room for all clusters, and no sector too many. */
			ck_assert_uint_ge((uint64_t)l.g.fat_sectors * 512 * 8 / l.g.type,
					  l.g.clusters + 2);
			/* decode(encode(x)) is x, in what is stored and in what follows from it. */
			fat_encode_boot(&l.g, 1, boot);
			ck_assert_int_eq(fat_decode(boot, &back, NULL), 0);
			fat_encode_boot(&back, 1, again);
			ck_assert_mem_eq(again, boot, sizeof(boot));
			ck_assert_int_eq(back.type, l.g.type);
			ck_assert_uint_eq(back.clusters, l.g.clusters);
			ck_assert_uint_eq(back.root_sector, l.g.root_sector);
			ck_assert_uint_eq(back.data_sector, l.g.data_sector);
		}
	}
}
END_TEST

START_TEST(what_does_not_fit_is_refused_with_the_reason)
{
	static const struct {
		enum layout_kind kind;
		uint64_t bytes;
		uint32_t sector;
		uint64_t file;
		const char *word;
	} bad[] = {
		{ LAYOUT_FAT16, 17 * MIB - 512, 512, 1024, "17 MiB" },
		{ LAYOUT_FAT16, 10 * MIB, 512, 1024, "17 MiB" },
		{ LAYOUT_SUPERFLOPPY, 16 * MIB, 512, 1024, "17 MiB" },
		{ LAYOUT_FAT32, 35 * MIB - 512, 512, 1024, "35 MiB" },
		{ LAYOUT_FAT16, 256 * MIB, 4096, 1024, "4096 bytes" },
		{ LAYOUT_FAT16, 256 * MIB, 512, 64244 * 1024 + 1, "65785857" },
		{ LAYOUT_FAT16, 17 * MIB, 512, 16 * MIB, "16777216" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fault fault = { 0 };
		struct layout l;

		ck_assert_int_eq(layout_make(&l, bad[i].kind, bad[i].bytes, bad[i].sector,
					     bad[i].file, &fault),
				 KIT_ERR_UNFIT);
		ck_assert_msg(strstr(fault.what, bad[i].word) != NULL, "%s", fault.what);
		ck_assert(fault.hint[0]);
	}
	/* One byte less fits. */
	{
		struct layout l;

		ck_assert_int_eq(layout_make(&l, LAYOUT_FAT16, 256 * MIB, 512, 64244 * 1024, NULL),
				 0);
	}
}
END_TEST

START_TEST(the_boot_sector_reads_as_the_specification_says)
{
	static const uint8_t start[] = {
		0xEB, 0x3C, 0x90, 'M', 'S', 'D', 'O', 'S', '5', '.', '0',
		0x00, 0x02, 0x02, 0x01, 0x00, 0x02, 0x00, 0x02, 0x00, 0x00, 0xF8, 0xFB, 0x00,
		0x20, 0x00, 0x40, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0xF8, 0x01, 0x00,
		0x80, 0x00, 0x29, 0x78, 0x56, 0x34, 0x12,
		'N', 'O', ' ', 'N', 'A', 'M', 'E', ' ', ' ', ' ', ' ',
		'F', 'A', 'T', '1', '6', ' ', ' ', ' ', 0xCD, 0x18, 0xF4, 0xEB, 0xFD,
	};
	struct layout l = make(LAYOUT_FAT16, 64 * MIB + 2 * MIB);
	uint8_t boot[512];

	fat_encode_boot(&l.g, 0x12345678, boot);
	ck_assert_mem_eq(boot, start, sizeof(start));
	for (size_t i = sizeof(start); i < 510; i++)
		ck_assert_uint_eq(boot[i], 0);
	ck_assert_uint_eq(get_le16(boot + 510), 0xAA55);
	/* FAT32: the jump leads to the code, the extras are there. */
	l = make(LAYOUT_FAT32, 64 * MIB);
	fat_encode_boot(&l.g, 1, boot);
	ck_assert_mem_eq(boot + boot[1] + 2, fat_boot_stub, sizeof(fat_boot_stub));
	ck_assert_uint_eq(get_le16(boot + 17), 0);
	ck_assert_uint_eq(get_le16(boot + 22), 0);
	ck_assert_uint_eq(get_le32(boot + 36), l.g.fat_sectors);
	ck_assert_uint_eq(get_le32(boot + 44), 2);
	ck_assert_uint_eq(get_le16(boot + 48), 1);
	ck_assert_uint_eq(get_le16(boot + 50), 6);
	ck_assert_mem_eq(boot + 82, "FAT32   ", 8);
}
END_TEST

START_TEST(a_small_volume_says_its_sectors_in_16_bits)
{
	struct layout l = make(LAYOUT_FAT16, 17 * MIB);
	uint8_t boot[512];

	fat_encode_boot(&l.g, 1, boot);
	ck_assert_uint_eq(get_le16(boot + 19), 30720);
	ck_assert_uint_eq(get_le32(boot + 32), 0);
}
END_TEST

START_TEST(fats_begin_clean_and_hold_one_chain)
{
	struct layout l = make(LAYOUT_FAT16, 64 * MIB);
	uint8_t fat[512];
	uint32_t n;

	fat_encode_fat(&l.g, 3000, 0, fat);
	ck_assert_uint_eq(get_le16(fat), 0xFFF8);
	ck_assert_uint_eq(get_le16(fat + 2), 0xFFFF);
	ck_assert_uint_eq(get_le16(fat + 4), 3);
	ck_assert_uint_eq(get_le16(fat + 6), 4);
	ck_assert_uint_eq(get_le16(fat + 8), 0xFFFF);
	for (size_t i = 10; i < 512; i++)
		ck_assert_uint_eq(fat[i], 0);
	/* A chain over the end of a sector: 256 entries of FAT16 are in one. */
	fat_encode_fat(&l.g, 300 * 1024, 0, fat);
	ck_assert_uint_eq(get_le16(fat + 510), 256);
	fat_encode_fat(&l.g, 300 * 1024, 1, fat);
	ck_assert_uint_eq(get_le16(fat), 257);
	ck_assert_uint_eq(get_le16(fat + 2 * (301 - 256)), 0xFFFF);
	ck_assert_uint_eq(get_le16(fat + 2 * (302 - 256)), 0);
	/* No file, no chain. */
	fat_encode_fat(&l.g, 0, 0, fat);
	ck_assert_uint_eq(get_le16(fat + 4), 0);
	l = make(LAYOUT_FAT32, 64 * MIB);
	fat_encode_fat(&l.g, 700, 0, fat);
	ck_assert_uint_eq(get_le32(fat), 0x0FFFFFF8);
	ck_assert_uint_eq(get_le32(fat + 4), 0x0FFFFFFF);
	ck_assert_uint_eq(get_le32(fat + 8), 0x0FFFFFFF);	/* the root */
	ck_assert_uint_eq(get_le32(fat + 12), 4);
	ck_assert_uint_eq(get_le32(fat + 16), 0x0FFFFFFF);
	fat_encode_info(&l.g, 700, fat);
	ck_assert_uint_eq(get_le32(fat + 488), l.g.clusters - 3);
	ck_assert_uint_eq(get_le32(fat + 492), 5);
	ck_assert_uint_eq(get_le32(fat + 508), 0xAA550000);
	ck_assert(fat_decode_info(fat, &n) && n == l.g.clusters - 3);
	fat[484] ^= 1;
	ck_assert(!fat_decode_info(fat, &n));
	fat[484] ^= 1;
	fat[0] ^= 1;
	ck_assert(!fat_decode_info(fat, &n));
}
END_TEST

START_TEST(the_entry_is_in_capitals_and_an_archive)
{
	struct layout l = make(LAYOUT_FAT16, 64 * MIB);
	uint8_t e[FAT_ENTRY];

	setenv("TZ", "UTC", 1);
	fat_encode_entry(&l.g, "SETUP   BIN", 3072, 1700000000, e);	/* 2023-11-14 22:13:20 */
	ck_assert_mem_eq(e, "SETUP   BIN", 11);
	ck_assert_uint_eq(e[11], 0x20);
	ck_assert_uint_eq(e[12], 0);
	ck_assert_uint_eq(get_le16(e + 26), 2);
	ck_assert_uint_eq(get_le32(e + 28), 3072);
	ck_assert_uint_eq(get_le16(e + 24), (2023 - 1980) << 9 | 11 << 5 | 14);
	ck_assert_uint_eq(get_le16(e + 22), 22 << 11 | 13 << 5 | 10);
	/* A clock that stands at 1970 gives a date all the same. */
	fat_encode_entry(&l.g, "SETUP   BIN", 3072, 0, e);
	ck_assert_uint_eq(get_le16(e + 24), 0x0021);
	l = make(LAYOUT_FAT32, 64 * MIB);
	fat_encode_entry(&l.g, "SETUP   BIN", 3072, 0, e);
	ck_assert_uint_eq(get_le16(e + 26), 3);
}
END_TEST

START_TEST(a_boot_sector_that_cannot_be_read_says_which_field)
{
	static const struct { size_t at; uint16_t value; size_t size; const char *why; } bad[] = {
		{ 11, 0, 2, "bytes per sector" }, { 11, 500, 2, "bytes per sector" },
		{ 11, 8192, 2, "bytes per sector" }, { 13, 0, 1, "sectors per cluster" },
		{ 13, 3, 1, "sectors per cluster" }, { 14, 0, 2, "reserved sectors" },
		{ 16, 0, 1, "number of FATs" }, { 21, 0x12, 1, "media" },
		{ 17, 65535, 2, NULL }, { 22, 65535, 2, "sectors in all" },
		{ 14, 65535, 2, NULL },
	};
	struct layout l = make(LAYOUT_FAT16, 64 * MIB);
	struct fat_geometry g;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t boot[512];
		const char *why = "none";

		fat_encode_boot(&l.g, 1, boot);
		boot[bad[i].at] = (uint8_t)bad[i].value;
		if (bad[i].size == 2)
			boot[bad[i].at + 1] = (uint8_t)(bad[i].value >> 8);
		if (!bad[i].why) {
			ck_assert_int_eq(fat_decode(boot, &g, &why), 0);
			continue;
		}
		ck_assert_int_eq(fat_decode(boot, &g, &why), KIT_ERR_FORMAT);
		ck_assert_str_eq(why, bad[i].why);
	}
	{
		uint8_t zeros[512] = { 0 };

		ck_assert_int_eq(fat_decode(zeros, &g, NULL), KIT_ERR_FORMAT);
	}
}
END_TEST

START_TEST(the_type_follows_from_the_clusters_alone)
{
	static const struct { uint32_t clusters; enum fat_type type; } limits[] = {
		{ 4084, FAT12 }, { 4085, FAT16 }, { 65524, FAT16 }, { 65525, FAT32 },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct fat_geometry g = {
			.type = FAT16,
			.sector_bytes = 512,
			.cluster_sectors = 1,
			.reserved = 1,
			.fats = 2,
			.root_entries = 512,
			.fat_sectors = 256,
			.media = 0xF8,
		};
		uint8_t boot[512];

		g.sectors = 1 + 2 * 256 + 32 + limits[i].clusters;
		fat_encode_boot(&g, 1, boot);
		ck_assert_int_eq(fat_decode(boot, &g, NULL), 0);
		ck_assert_uint_eq(g.clusters, limits[i].clusters);
		ck_assert_int_eq(g.type, limits[i].type);
	}
	ck_assert(fat_is_end(FAT12, 0xFF8) && !fat_is_end(FAT12, 0xFF7) &&
		  fat_is_bad(FAT12, 0xFF7));
	ck_assert(fat_is_end(FAT16, 0xFFF8) && !fat_is_end(FAT16, 0xFFF7) &&
		  fat_is_bad(FAT16, 0xFFF7));
	ck_assert(fat_is_end(FAT32, 0x0FFFFFF8) && fat_is_bad(FAT32, 0x0FFFFFF7));
}
END_TEST

START_TEST(short_names_are_shown_with_their_dot)
{
	char out[13];

	fat_short_name((const uint8_t *)"SETUP   BIN", out);
	ck_assert_str_eq(out, "SETUP.BIN");
	fat_short_name((const uint8_t *)"README     ", out);
	ck_assert_str_eq(out, "README");
	fat_short_name((const uint8_t *)"ABCDEFGHIJK", out);
	ck_assert_str_eq(out, "ABCDEFGH.IJK");
	fat_short_name((const uint8_t *)"\x05\x1b[2J   \xff  ", out);
	ck_assert_str_eq(out, "??[2J.?");
}
END_TEST

START_TEST(cylinders_heads_and_sectors_go_by_64_and_32)
{
	static const struct {
		enum layout_kind kind;
		uint64_t mib;
		const char *first, *last;
	} cases[] = {
		{ LAYOUT_FAT16, 70, "\x00\x01\x01", "\x3f\x20\x3f" },
		{ LAYOUT_FAT32, 600, "\x00\x01\x01", "\x3f\xa0\x00" },
	};
	struct content content = stick_content(1, 0, 1);
	const char *path;

	stick_folder();
	path = stick_path("stick");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t entry[16];

		unlink(path);
		stick_make(path, cases[i].kind, cases[i].mib * LAYOUT_MIB, &content);
		stick_get(path, 446, entry, sizeof(entry));
		ck_assert_mem_eq(entry + 1, cases[i].first, 3);
		ck_assert_mem_eq(entry + 5, cases[i].last, 3);
	}
	content_wipe(&content);
	stick_clean();
}
END_TEST

START_TEST(layouts_go_by_name)
{
	ck_assert_str_eq(layout_name(LAYOUT_FAT32), "fat32");
	ck_assert_str_eq(layout_names[LAYOUT_SUPERFLOPPY], "superfloppy");
	ck_assert_ptr_null(layout_names[LAYOUT_SUPERFLOPPY + 1]);
}
END_TEST

TEST_SUITE("fat")
{
	TCase *t = tcase_create("arithmetic");

	tcase_add_test(t, the_default_layout_has_the_documented_numbers);
	tcase_add_test(t, small_sticks_follow_the_same_rule);
	tcase_add_test(t, fat32_takes_the_largest_cluster_that_leaves_enough_of_them);
	tcase_add_test(t, every_size_gives_a_volume_clear_of_the_limits);
	tcase_add_test(t, what_does_not_fit_is_refused_with_the_reason);
	tcase_add_test(t, the_boot_sector_reads_as_the_specification_says);
	tcase_add_test(t, a_small_volume_says_its_sectors_in_16_bits);
	tcase_add_test(t, fats_begin_clean_and_hold_one_chain);
	tcase_add_test(t, the_entry_is_in_capitals_and_an_archive);
	tcase_add_test(t, a_boot_sector_that_cannot_be_read_says_which_field);
	tcase_add_test(t, the_type_follows_from_the_clusters_alone);
	tcase_add_test(t, short_names_are_shown_with_their_dot);
	tcase_add_test(t, cylinders_heads_and_sectors_go_by_64_and_32);
	tcase_add_test(t, layouts_go_by_name);
	suite_add_tcase(suite, t);
}
