/* Tests of our own reader: partition tables, FAT12/16/32, long names, chains, at any truncation. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "tests/support/stick.h"
#include "tests/support/suite.h"
#include "ukpu/format/fatread.h"
#include "ukpu/format/parts.h"

#define SECTOR	FAT_SECTOR

static struct content content;
static struct parts parts;
static uint8_t *image;
static size_t image_size;
static struct disk disk;
static struct disk_memory state;
static struct fatread v;

static void begin(void)
{
	content = stick_content(5, 1, 1);
}

static void end(void)
{
	content_wipe(&content);
	free(image);
	image = NULL;
	stick_clean();
}

/* An image in memory; zeros when PATH is NULL. */
static void take(const char *path, size_t size)
{
	free(image);
	image_size = size;
	image = path ? stick_load(path, &image_size) : calloc(1, size);
	disk_open_memory(&disk, &state, image, image_size, "stick");
}

static void entry(unsigned i, uint8_t type, uint32_t start, uint32_t sectors)
{
	uint8_t *e = image + 446 + (size_t)16 * i;

	e[4] = type;
	put_le32(e + 8, start);
	put_le32(e + 12, sectors);
	put_le16(image + 510, 0xAA55);
}

/* ---- tables ---- */

START_TEST(an_mbr_is_read_with_its_logical_drives)
{
	take(NULL, 20000 * SECTOR);
	entry(0, 0x06, 2048, 1000);
	entry(1, 0x0F, 4096, 10000);
	image[446] = 0x80;
	/* Two links: each second entry leads on, counted from the extended partition. */
	for (int i = 0; i < 2; i++) {
		uint8_t *link = image + (4096 + (size_t)i * 2048) * SECTOR;

		link[446 + 4] = 0x0B;
		put_le32(link + 446 + 8, 63);
		put_le32(link + 446 + 12, 500);
		put_le16(link + 510, 0xAA55);
	}
	image[4096 * SECTOR + 462 + 4] = 0x05;
	put_le32(image + 4096 * SECTOR + 462 + 8, 2048);
	put_le32(image + 4096 * SECTOR + 462 + 12, 563);
	ck_assert_int_eq(parts_read(&parts, &disk, NULL), 0);
	ck_assert_int_eq(parts.kind, PARTS_MBR);
	ck_assert_uint_eq(parts.n, 4);
	ck_assert(parts.part[0].status == 0x80 && !parts.part[1].status);
	ck_assert_uint_eq(parts.part[2].number, 5);
	ck_assert_uint_eq(parts.part[2].start, (4096 + 63) * SECTOR);
	ck_assert_uint_eq(parts.part[3].number, 6);
	ck_assert_uint_eq(parts.part[3].start, (6144 + 63) * SECTOR);
	ck_assert_uint_eq(parts.part[3].bytes, 500 * SECTOR);
}
END_TEST

START_TEST(a_chain_of_logical_drives_that_bites_its_tail_ends)
{
	take(NULL, 20000 * SECTOR);
	entry(0, 0x05, 4096, 10000);
	image[4096 * SECTOR + 446 + 4] = 0x06;
	put_le32(image + 4096 * SECTOR + 446 + 12, 1);
	image[4096 * SECTOR + 462 + 4] = 0x05;
	put_le32(image + 4096 * SECTOR + 462 + 8, 1);
	put_le16(image + 4096 * SECTOR + 510, 0xAA55);
	/* Leads one sector on, and from there back to itself for ever. */
	put_le32(image + 4096 * SECTOR + 462 + 8, 1);
	memcpy(image + 4097 * SECTOR, image + 4096 * SECTOR, SECTOR);
	ck_assert_int_eq(parts_read(&parts, &disk, NULL), 0);
	ck_assert_uint_le(parts.n, 70);
}
END_TEST

static uint32_t crc32(const uint8_t *data, size_t size)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < size; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
	}
	return ~crc;
}

/* One copy of a GPT: header at LBA, entries at ENTRIES, one partition. */
static void make_gpt(uint64_t lba, uint64_t entries, uint64_t first, uint64_t last)
{
	uint8_t *h = image + lba * SECTOR, *e = image + entries * SECTOR;

	memset(e, 0, 128 * 128);
	memset(e, 0xEB, 32);
	put_le64(e + 32, first);
	put_le64(e + 40, last);
	memset(h, 0, SECTOR);
	memcpy(h, "EFI PART", 8);
	put_le32(h + 8, 0x10000);
	put_le32(h + 12, 92);
	put_le64(h + 24, lba);
	put_le64(h + 72, entries);
	put_le32(h + 80, 128);
	put_le32(h + 84, 128);
	put_le32(h + 88, crc32(e, 128 * 128));
	put_le32(h + 16, crc32(h, 92));
}

START_TEST(a_gpt_counts_behind_its_protective_mbr_and_by_its_second_copy)
{
	take(NULL, 20000 * SECTOR);
	make_gpt(1, 2, 2048, 9999);
	make_gpt(19999, 19999 - 32, 2048, 9999);
	/* Without the protective MBR it is only remains. */
	entry(0, 0x0C, 4096, 1000);
	ck_assert_int_eq(parts_read(&parts, &disk, NULL), 0);
	ck_assert_int_eq(parts.kind, PARTS_MBR);
	ck_assert(parts.gpt_front && parts.gpt_back);
	entry(0, 0xEE, 1, 19999);
	for (int broken = 0; broken < 2; broken++) {
		ck_assert_int_eq(parts_read(&parts, &disk, NULL), 0);
		ck_assert_int_eq(parts.kind, PARTS_GPT);
		ck_assert_uint_eq(parts.n, 1);
		ck_assert_uint_eq(parts.part[0].start, 2048 * SECTOR);
		ck_assert_uint_eq(parts.part[0].bytes, (9999 - 2048 + 1) * SECTOR);
		image[SECTOR + 60] = 1;	/* the first copy's checksum no longer holds */
	}
	image[19999 * SECTOR + 60] = 1;
	ck_assert_int_eq(parts_read(&parts, &disk, NULL), 0);
	ck_assert_int_ne(parts.kind, PARTS_GPT);
}
END_TEST

START_TEST(a_gpt_whose_entries_are_forged_is_not_believed)
{
	take(NULL, 20000 * SECTOR);
	make_gpt(1, 2, 2048, 9999);
	entry(0, 0xEE, 1, 19999);
	image[2 * SECTOR + 32] ^= 1;
	ck_assert_int_eq(parts_read(&parts, &disk, NULL), 0);
	ck_assert_int_ne(parts.kind, PARTS_GPT);
}
END_TEST

START_TEST(a_superfloppy_is_told_from_a_table)
{
	stick_make(stick_path("floppy.img"), LAYOUT_SUPERFLOPPY, 20 * LAYOUT_MIB, &content);
	take(stick_path("floppy.img"), 0);
	ck_assert_int_eq(parts_read(&parts, &disk, NULL), 0);
	ck_assert_int_eq(parts.kind, PARTS_SUPERFLOPPY);
	ck_assert_uint_eq(parts.n, 1);
	ck_assert_uint_eq(parts.part[0].start, 0);
	/* Loader code where a table would stand makes no partitions. */
	memset(image + 446, 0x90, 64);
	ck_assert_int_eq(parts_read(&parts, &disk, NULL), 0);
	ck_assert_int_eq(parts.kind, PARTS_SUPERFLOPPY);
}
END_TEST

START_TEST(entries_past_the_end_are_marked_and_hide_all_from_firmware)
{
	struct fatread_file file;
	struct fault fault = { 0 };

	stick_make(stick_path("end.img"), LAYOUT_FAT16, 20 * LAYOUT_MIB, &content);
	take(stick_path("end.img"), 0);
	entry(3, 0x83, 0xFFFFFFFF, 0xFFFFFFFF);
	ck_assert_int_eq(parts_read(&parts, &disk, NULL), 0);
	ck_assert_uint_eq(parts.n, 2);
	ck_assert(!parts.part[0].past_end && parts.part[1].past_end);
	ck_assert_int_eq(fatread_find(&file, &disk, SBIN_NAME, &fault), KIT_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(fault.what, "past the end"));
}
END_TEST

START_TEST(sectors_of_4096_bytes_count_as_such)
{
	take(NULL, 20000 * SECTOR);
	entry(0, 0x06, 256, 1000);
	disk.sector_bytes = 4096;
	ck_assert_int_eq(parts_read(&parts, &disk, NULL), 0);
	ck_assert_uint_eq(parts.part[0].start, 256 * 4096);
}
END_TEST

/* ---- volumes ---- */

/* A volume with few clusters of its own making at byte 0: FAT12, unless more are asked for. */
static void make_volume(enum fat_type type, uint32_t clusters)
{
	struct fat_geometry g = {
		.type = type == FAT32 ? FAT32 : FAT16,
		.sector_bytes = 512,
		.cluster_sectors = 1,
		.reserved = type == FAT32 ? 32 : 1,
		.fats = 2,
		.root_entries = type == FAT32 ? 0 : 64,
		.media = 0xF8,
		.root_cluster = 2,
		.info_sector = 1,
		.backup_sector = 6,
	};

	g.fat_sectors = (clusters + 2) * (type == FAT32 ? 4 : 2) / 512 + 1;
	g.sectors = g.reserved + 2 * g.fat_sectors + g.root_entries / 16 + clusters;
	take(NULL, (size_t)g.sectors * SECTOR);
	fat_encode_boot(&g, 1, image);
}

static void set12(uint32_t cluster, uint32_t value)
{
	uint8_t *p = image + v.g.reserved * (size_t)SECTOR + cluster + cluster / 2;
	uint32_t old = get_le16(p);

	put_le16(p, (uint16_t)(cluster & 1 ? (old & 0xF) | value << 4 : (old & 0xF000) | value));
}

static void put_entry(uint64_t at, const char *name, uint8_t attributes, uint32_t cluster,
		      uint32_t size)
{
	memcpy(image + at, name, 11);
	image[at + 11] = attributes;
	put_le16(image + at + 20, (uint16_t)(cluster >> 16));
	put_le16(image + at + 26, (uint16_t)cluster);
	put_le32(image + at + 28, size);
}

START_TEST(fat12_chains_are_followed_through_odd_and_even_entries)
{
	struct fatread_dir dir;
	struct fatread_entry e;
	struct fatread_file file;
	uint8_t data[1500];
	uint32_t value;

	make_volume(FAT12, 1000);
	ck_assert_int_eq(fatread_open(&v, &disk, 0, 0, NULL), 0);
	ck_assert_int_eq(v.g.type, FAT12);
	/* 341 and 342 share the byte pair over the end of the FAT's first sector. */
	set12(341, 342);
	set12(342, 9);
	set12(9, 0xFFF);
	put_entry((uint64_t)v.g.root_sector * SECTOR, "A       BIN", FAT_ARCHIVE, 341, 1500);
	for (int i = 0; i < 3; i++) {
		static const uint32_t chain[] = { 341, 342, 9 };

		memset(image + fat_cluster_offset(&v.g, chain[i]), 'a' + i, SECTOR);
	}
	ck_assert_int_eq(fatread_fat(&v, 0, 341, &value, NULL), 0);
	ck_assert_uint_eq(value, 342);
	ck_assert_int_eq(fatread_fat(&v, 0, 1002, &value, NULL), KIT_ERR_RANGE);
	ck_assert_int_eq(fatread_fat(&v, 2, 9, &value, NULL), KIT_ERR_RANGE);
	fatread_dir_begin(&dir, &v, 0);
	ck_assert_int_eq(fatread_dir_next(&dir, &e, NULL), 1);
	ck_assert_int_eq(fatread_file_open(&file, &v, &e, NULL), 0);
	ck_assert_uint_eq(file.n_runs, 2);
	ck_assert_int_eq(fatread_file_read(&file, 0, data, sizeof(data), NULL), 0);
	ck_assert_uint_eq(data[0], 'a');
	ck_assert_uint_eq(data[1023], 'b');
	ck_assert_uint_eq(data[1024], 'c');
	ck_assert_int_eq(fatread_file_read(&file, 1, data, sizeof(data), NULL), KIT_ERR_TRUNCATED);
	fatread_file_close(&file);
	ck_assert_int_eq(fatread_dir_next(&dir, &e, NULL), 0);
}
END_TEST

START_TEST(chains_that_lead_nowhere_are_refused_with_the_reason)
{
	static const struct { uint32_t value; const char *why; } bad[] = {
		{ 0, "free" }, { 1, "not on the volume" }, { 1002, "not on the volume" },
		{ 0xFF7, "marked bad" }, { 5, "loops" }, { 0xFFF, "ends before" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fatread_dir dir;
		struct fatread_entry e;
		struct fatread_file file;
		struct fault fault = { 0 };

		make_volume(FAT12, 1000);
		ck_assert_int_eq(fatread_open(&v, &disk, 0, 0, NULL), 0);
		set12(5, bad[i].value);
		put_entry((uint64_t)v.g.root_sector * SECTOR, "A       BIN", FAT_ARCHIVE, 5,
			  600000);
		fatread_dir_begin(&dir, &v, 0);
		ck_assert_int_eq(fatread_dir_next(&dir, &e, NULL), 1);
		ck_assert_int_eq(fatread_file_open(&file, &v, &e, &fault), KIT_ERR_FORMAT);
		ck_assert_msg(strstr(fault.what, bad[i].why) != NULL, "%s", fault.what);
		ck_assert_ptr_null(file.runs);
	}
}
END_TEST

START_TEST(no_chain_is_longer_than_the_disk)
{
	struct fatread_dir dir;
	struct fatread_entry e;
	struct fatread_file file;
	struct fault fault = { 0 };

	make_volume(FAT12, 1000);
	ck_assert_int_eq(fatread_open(&v, &disk, 0, 0, NULL), 0);
	ck_assert_uint_eq(fatread_most_clusters(&v), 1000);
	put_entry((uint64_t)v.g.root_sector * SECTOR, "A       BIN", FAT_ARCHIVE, 5, UINT32_MAX);
	for (unsigned i = 5; i < 1000; i++)
		set12(i, i + 1);
	/* What the boot sector claims is not there: neither is it allocated, nor walked. */
	v.g.clusters = 400000000;
	ck_assert_uint_lt(fatread_most_clusters(&v), disk.size / fat_cluster_bytes(&v.g) + 1);
	disk.size = v.start + 700 * fat_cluster_bytes(&v.g);
	ck_assert_uint_eq(fatread_most_clusters(&v), 700);
	fatread_dir_begin(&dir, &v, 0);
	ck_assert_int_eq(fatread_dir_next(&dir, &e, NULL), 1);
	ck_assert_int_eq(fatread_file_open(&file, &v, &e, &fault), KIT_ERR_FORMAT);
	ck_assert_msg(strstr(fault.what, "longer than the disk") != NULL, "%s", fault.what);
	disk.size = v.start;
	ck_assert_uint_eq(fatread_most_clusters(&v), 0);
}
END_TEST

START_TEST(long_names_are_put_together_and_cleaned)
{
	static const uint8_t at[13] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };
	static const uint16_t name[] = {
		'S', 0xE4, 0x20AC, 0x1B, 0xD800, ' ', 'n', 'a', 'm',
		'e', ' ',  'o',	   'f',	 ' ',	 '2', '0', 0,
	};
	const char *short_name = "SNAMEO~1BIN";
	struct fatread_dir dir;
	struct fatread_entry e;
	uint64_t root;
	uint8_t sum = 0;

	make_volume(FAT12, 1000);
	ck_assert_int_eq(fatread_open(&v, &disk, 0, 0, NULL), 0);
	root = (uint64_t)v.g.root_sector * SECTOR;
	for (int i = 0; i < 11; i++)
		sum = (uint8_t)((sum >> 1 | sum << 7) + (uint8_t)short_name[i]);
	for (int part = 0; part < 2; part++) {
		uint8_t *slot = image + root + (uint64_t)(1 - part) * FAT_ENTRY;

		slot[0] = (uint8_t)(part + 1 + (part ? 0x40 : 0));
		slot[11] = FAT_LONG_NAME;
		slot[13] = sum;
		for (int i = 0; i < 13; i++) {
			int k = 13 * part + i;

			put_le16(slot + at[i], k < 17 ? name[k] : 0xFFFF);
		}
	}
	put_entry(root + 2 * FAT_ENTRY, short_name, FAT_ARCHIVE, 0, 0);
	fatread_dir_begin(&dir, &v, 0);
	ck_assert_int_eq(fatread_dir_next(&dir, &e, NULL), 1);
	ck_assert(e.has_long_name);
	ck_assert_str_eq(e.name, "S\xC3\xA4\xE2\x82\xAC?? name of 20");
	ck_assert_uint_eq(e.slot, 2);
	ck_assert_uint_eq(e.first_slot, 0);
	ck_assert_str_eq(e.short_name, "SNAMEO~1.BIN");
	/* Of another short name it is not the name. */
	image[root + 13] ^= 1;
	image[root + FAT_ENTRY + 13] ^= 1;
	fatread_dir_begin(&dir, &v, 0);
	ck_assert_int_eq(fatread_dir_next(&dir, &e, NULL), 1);
	ck_assert(!e.has_long_name);
	ck_assert_str_eq(e.name, "SNAMEO~1.BIN");
}
END_TEST

START_TEST(a_directory_of_several_clusters_is_read_through)
{
	struct fatread_dir dir;
	struct fatread_entry e;
	struct fault fault = { 0 };
	uint32_t n = 0;

	make_volume(FAT12, 1000);
	ck_assert_int_eq(fatread_open(&v, &disk, 0, 0, NULL), 0);
	set12(10, 20);
	set12(20, 0xFFF);
	for (uint32_t i = 0; i < 32; i++) {
		char name[12];

		snprintf(name, sizeof(name), "FILE%04u   ", i);
		put_entry(fat_cluster_offset(&v.g, i < 16 ? 10 : 20) + i % 16 * FAT_ENTRY, name,
			  FAT_ARCHIVE, 0, 0);
	}
	fatread_dir_begin(&dir, &v, 10);
	while (fatread_dir_next(&dir, &e, NULL) == 1)
		ck_assert_uint_eq(e.slot, n++);
	ck_assert_uint_eq(n, 32);
	/* In a circle it ends as well. */
	set12(20, 10);
	ck_assert_int_eq(fatread_open(&v, &disk, 0, 0, NULL), 0);
	fatread_dir_begin(&dir, &v, 10);
	for (n = 0; fatread_dir_next(&dir, &e, &fault) == 1; n++)
		ck_assert_uint_lt(n, 70000);
	ck_assert_int_eq(fault.code, KIT_ERR_FORMAT);
}
END_TEST

START_TEST(a_fat32_with_too_few_clusters_is_read_for_repair_only)
{
	struct fault fault = { 0 };

	make_volume(FAT32, 5000);
	ck_assert_int_eq(fatread_open(&v, &disk, 0, 0, &fault), KIT_ERR_UNFIT);
	ck_assert_ptr_nonnull(strstr(fault.what, "5000 clusters"));
	ck_assert_int_eq(fatread_open(&v, &disk, 0, FATREAD_LENIENT, NULL), 0);
	ck_assert_int_eq(v.g.type, FAT32);
}
END_TEST

START_TEST(a_stick_is_written_back_in_place)
{
	struct fatread_file file;
	uint64_t offset, bytes;

	for (int kind = LAYOUT_FAT16; kind <= LAYOUT_SUPERFLOPPY; kind++) {
		stick_make(stick_path("place.img"), (enum layout_kind)kind, 40 * LAYOUT_MIB,
			   &content);
		take(stick_path("place.img"), 0);
		ck_assert_int_eq(fatread_find(&file, &disk, SBIN_NAME, NULL), 0);
		ck_assert_uint_eq(file.size, content.size);
		ck_assert_uint_eq(file.n_runs, 1);
		ck_assert_uint_eq(file.slot, 0);
		ck_assert_uint_eq(file.attributes, FAT_ARCHIVE);
		ck_assert_int_eq(fatread_file_locate(&file, SBIN_CONSUMED_OFFSET, &offset, &bytes),
				 0);
		ck_assert_uint_eq(bytes, content.size - SBIN_CONSUMED_OFFSET);
		ck_assert_uint_eq(get_le32(image + offset), 1);
		ck_assert_int_eq(fatread_file_locate(&file, content.size, &offset, NULL),
				 KIT_ERR_RANGE);
		fatread_file_close(&file);
	}
}
END_TEST

/* Cut inside its partition, at every sector that matters: no key, and no byte too far is read. */
START_TEST(a_stick_that_ends_early_shows_no_key)
{
	const size_t whole = (2048 + 15 * 2048) * SECTOR;

	stick_make(stick_path("short.img"), LAYOUT_FAT16, 17 * LAYOUT_MIB, &content);
	take(stick_path("short.img"), 0);
	for (size_t size = 0; size < whole; size += size < 1400 * SECTOR ? SECTOR : 97 * SECTOR) {
		/* An allocation of its own, so that a sanitizer sees one byte too far. */
		uint8_t *cut = malloc(size ? size : 1);
		struct fatread_file file;
		int rc;

		memcpy(cut, image, size);
		disk_open_memory(&disk, &state, cut, size, "stick");
		rc = fatread_find(&file, &disk, SBIN_NAME, NULL);
		ck_assert_int_ne(rc, 0);
		free(cut);
	}
}
END_TEST

TEST_SUITE("fatread")
{
	TCase *t = tcase_create("reader");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, an_mbr_is_read_with_its_logical_drives);
	tcase_add_test(t, a_chain_of_logical_drives_that_bites_its_tail_ends);
	tcase_add_test(t, a_gpt_counts_behind_its_protective_mbr_and_by_its_second_copy);
	tcase_add_test(t, a_gpt_whose_entries_are_forged_is_not_believed);
	tcase_add_test(t, a_superfloppy_is_told_from_a_table);
	tcase_add_test(t, entries_past_the_end_are_marked_and_hide_all_from_firmware);
	tcase_add_test(t, sectors_of_4096_bytes_count_as_such);
	tcase_add_test(t, fat12_chains_are_followed_through_odd_and_even_entries);
	tcase_add_test(t, chains_that_lead_nowhere_are_refused_with_the_reason);
	tcase_add_test(t, no_chain_is_longer_than_the_disk);
	tcase_add_test(t, long_names_are_put_together_and_cleaned);
	tcase_add_test(t, a_directory_of_several_clusters_is_read_through);
	tcase_add_test(t, a_fat32_with_too_few_clusters_is_read_for_repair_only);
	tcase_add_test(t, a_stick_is_written_back_in_place);
	tcase_add_test(t, a_stick_that_ends_early_shows_no_key);
	suite_add_tcase(suite, t);
}
