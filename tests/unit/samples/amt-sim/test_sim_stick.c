/* Tests of the simulated firmware's way to setup.bin, on images made byte by byte here. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bytes.h"
#include "samples/amt-sim/sim-stick.h"
#include "tests/support/suite.h"

#define START		64u	/* first sector of the partition */
#define FAT16_FATS	40u	/* sectors of each FAT: 10,240 entries */
#define CLUSTERS	9000u
#define ROOT16		(START + 1 + 2 * FAT16_FATS)
#define DATA16		(ROOT16 + 32)
#define SECTORS		(DATA16 - START + CLUSTERS)
#define STICK_BYTES	((uint64_t)(START + SECTORS + 16) * 512)

static int fd;
static char path[] = "/tmp/test_sim_stickXXXXXX";
static uint8_t sector[512];
static struct fault fault;
static struct sim_stick_file found;

static void put(uint64_t number)
{
	ck_assert_int_eq(pwrite(fd, sector, 512, (off_t)(number * 512)), 512);
	memset(sector, 0, 512);
}

static void get(uint64_t number)
{
	ck_assert_int_eq(pread(fd, sector, 512, (off_t)(number * 512)), 512);
}

/* Change one byte of the stick. */
static void poke(uint64_t at, uint8_t value)
{
	ck_assert_int_eq(pwrite(fd, &value, 1, (off_t)at), 1);
}

static void poke16(uint64_t at, uint16_t value)
{
	poke(at, (uint8_t)value);
	poke(at + 1, (uint8_t)(value >> 8));
}

/* A FAT16 stick: clusters of 1 sector, setup.bin of 1,500 bytes in clusters 2 to 4. */
static void make_stick(void)
{
	static const uint8_t entry[] = { 0, 0, 0, 0, 0x06, 0, 0, 0 };

	fault_clear(&fault);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)STICK_BYTES), 0);
	memset(sector, 0, 512);
	memcpy(sector + 446, entry, sizeof(entry));
	put_le32(sector + 454, START);
	put_le32(sector + 458, SECTORS);
	sector[510] = 0x55;
	sector[511] = 0xaa;
	put(0);
	sector[0] = 0xeb;
	put_le16(sector + 11, 512);
	sector[13] = 1;
	put_le16(sector + 14, 1);
	sector[16] = 2;
	put_le16(sector + 17, 512);
	put_le16(sector + 19, SECTORS);
	sector[21] = 0xf8;
	put_le16(sector + 22, FAT16_FATS);
	sector[510] = 0x55;
	sector[511] = 0xaa;
	put(START);
	put_le16(sector, 0xfff8);
	put_le16(sector + 2, 0xffff);
	put_le16(sector + 4, 3);
	put_le16(sector + 6, 4);
	put_le16(sector + 8, 0xffff);
	put(START + 1);
	memcpy(sector, "SETUP   BIN", 11);
	sector[11] = 0x20;
	put_le16(sector + 26, 2);
	put_le32(sector + 28, 1500);
	put(ROOT16);
}

static int look(unsigned flags)
{
	fault_clear(&fault);
	return sim_stick_find(&found, fd, STICK_BYTES, flags, &fault);
}

static void setup(void)
{
	strcpy(path, "/tmp/test_sim_stickXXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	unlink(path);
	make_stick();
}

static void teardown(void)
{
	close(fd);
}

START_TEST(a_sound_stick_is_understood)
{
	ck_assert_msg(look(0) == 0, "%s", fault.what);
	ck_assert_uint_eq(found.offset, (uint64_t)DATA16 * 512);
	ck_assert_uint_eq(found.size, 1500);
	ck_assert_uint_eq(found.fat_bits, 16);
	ck_assert_int_eq(look(SIM_STICK_FAT16_ONLY), 0);
}
END_TEST

START_TEST(a_volume_without_a_table_is_read_like_a_floppy)
{
	uint8_t *all = malloc(STICK_BYTES);
	size_t volume = SECTORS * 512;

	ck_assert_ptr_nonnull(all);
	ck_assert_int_eq(pread(fd, all, volume, START * 512), (ssize_t)volume);
	ck_assert_int_eq(pwrite(fd, all, volume, 0), (ssize_t)volume);
	free(all);
	ck_assert_msg(look(0) == 0, "%s", fault.what);
	ck_assert_uint_eq(found.offset, (uint64_t)(DATA16 - START) * 512);
}
END_TEST

START_TEST(fat32_is_read_unless_the_firmware_is_too_old)
{
	const uint32_t fats = 520, clusters = 66000, reserved = 32;
	const uint32_t total = reserved + 2 * fats + clusters;
	const uint64_t size = (uint64_t)(START + total) * 512;

	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	get(0);
	sector[450] = 0x0c;
	put_le32(sector + 458, total);
	put(0);
	get(START);
	put_le16(sector + 14, (uint16_t)reserved);
	put_le16(sector + 17, 0);
	put_le16(sector + 19, 0);
	put_le16(sector + 22, 0);
	put_le32(sector + 32, total);
	put_le32(sector + 36, fats);
	put_le32(sector + 44, 2);
	put(START);
	put_le32(sector + 8, 0x0fffffff);
	put_le32(sector + 12, 4);
	put_le32(sector + 16, 5);
	put_le32(sector + 20, 0xffffffff);	/* the upper four bits do not count */
	put(START + reserved);
	memcpy(sector, "SETUP   BIN", 11);
	sector[11] = 0x20;
	put_le16(sector + 26, 3);
	put_le32(sector + 28, 1500);
	put(START + reserved + 2 * fats);
	ck_assert_msg(sim_stick_find(&found, fd, size, 0, &fault) == 0, "%s", fault.what);
	ck_assert_uint_eq(found.fat_bits, 32);
	ck_assert_uint_eq(found.offset, (uint64_t)(START + reserved + 2 * fats + 1) * 512);
	ck_assert_int_eq(sim_stick_find(&found, fd, size, SIM_STICK_FAT16_ONLY, &fault),
			 KIT_ERR_NOT_FOUND);
}
END_TEST

/* What is wrong with the stick, and what the person is to read. */
static const struct spoiled {
	uint64_t at;
	uint16_t value;
	int width;
	int code;
	const char *text;
} spoiled[] = {
	{ 510, 0, 1, KIT_ERR_NOT_FOUND, "neither a partition table" },
	{ 450, 0x00, 1, KIT_ERR_NOT_FOUND, "no FAT partition" },
	{ 450, 0x83, 1, KIT_ERR_NOT_FOUND, "no FAT partition" },
	{ 446, 0x01, 1, KIT_ERR_NOT_FOUND, "does not fit" },
	{ 460, 0x7fff, 2, KIT_ERR_NOT_FOUND, "does not fit" },
	{ START * 512 + 510, 0, 1, KIT_ERR_NOT_FOUND, "no FAT boot sector" },
	{ START * 512 + 11, 1024, 2, KIT_ERR_NOT_FOUND, "no FAT boot sector" },
	{ START * 512 + 13, 3, 1, KIT_ERR_NOT_FOUND, "no FAT boot sector" },
	{ START * 512 + 13, 0, 1, KIT_ERR_NOT_FOUND, "no FAT boot sector" },
	{ START * 512 + 13, 8, 1, KIT_ERR_NOT_FOUND, "FAT12" },
	{ START * 512 + 14, 0, 2, KIT_ERR_NOT_FOUND, "no FAT boot sector" },
	{ START * 512 + 16, 3, 1, KIT_ERR_NOT_FOUND, "no FAT boot sector" },
	{ START * 512 + 19, 0xffff, 2, KIT_ERR_FORMAT, "does not fit its place" },
	{ START * 512 + 22, 5, 2, KIT_ERR_FORMAT, "too short" },
	{ START * 512 + 17, 0, 2, KIT_ERR_NOT_FOUND, "dressed as one kind" },
	{ (START + 1) * 512 + 4, 5, 2, KIT_ERR_NOT_FOUND, "in pieces: cluster 2" },
	{ (START + 1) * 512 + 6, 0xffff, 2, KIT_ERR_NOT_FOUND, "in pieces: cluster 3" },
	{ (START + 1) * 512 + 8, 5, 2, KIT_ERR_NOT_FOUND, "in pieces: cluster 4" },
	{ ROOT16 * 512, 0x00, 1, KIT_ERR_NOT_FOUND, "empty" },
	{ ROOT16 * 512, 0xe5, 1, KIT_ERR_NOT_FOUND, "a deleted file" },
	{ ROOT16 * 512, 's', 1, KIT_ERR_NOT_FOUND, "another file" },
	{ ROOT16 * 512 + 10, 'X', 1, KIT_ERR_NOT_FOUND, "another file" },
	{ ROOT16 * 512 + 11, 0x0f, 1, KIT_ERR_NOT_FOUND, "part of a long name" },
	{ ROOT16 * 512 + 11, 0x08, 1, KIT_ERR_NOT_FOUND, "a volume label" },
	{ ROOT16 * 512 + 11, 0x10, 1, KIT_ERR_NOT_FOUND, "a folder" },
	{ ROOT16 * 512 + 26, 1, 2, KIT_ERR_FORMAT, "outside its volume" },
	{ ROOT16 * 512 + 26, CLUSTERS + 2, 2, KIT_ERR_FORMAT, "outside its volume" },
	{ ROOT16 * 512 + 26, CLUSTERS, 2, KIT_ERR_FORMAT, "outside its volume" },
	{ ROOT16 * 512 + 30, 0xffff, 2, KIT_ERR_FORMAT, "outside its volume" },
	{ ROOT16 * 512 + 28, 0, 2, KIT_ERR_NOT_FOUND, "setup.bin is empty" },
};

START_TEST(each_spoiled_field_is_refused_with_its_reason)
{
	const struct spoiled *s = &spoiled[_i];

	if (s->width == 1)
		poke(s->at, (uint8_t)s->value);
	else
		poke16(s->at, s->value);
	ck_assert_int_eq(look(0), s->code);
	ck_assert_msg(strstr(fault.what, s->text) != NULL, "%s", fault.what);
}
END_TEST

START_TEST(a_stick_cut_off_anywhere_before_the_file_ends_is_refused)
{
	/* Where the file begins, nothing but its contents is left to be read. */
	for (uint64_t size = 0; size < (uint64_t)DATA16 * 512; size += 512) {
		ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
		fault_clear(&fault);
		ck_assert_int_lt(sim_stick_find(&found, fd, size, 0, &fault), 0);
		ck_assert_int_ne(fault.what[0], 0);
		make_stick();
		size += size > 4096 ? 8192 : 0;
	}
}
END_TEST

START_TEST(random_sectors_never_lead_out_of_the_stick)
{
	unsigned state = 1;

	for (int round = 0; round < 300; round++) {
		static const uint64_t places[] = { 0, START, START + 1, ROOT16 };

		make_stick();
		for (int k = 0; k < 4; k++) {
			state = state * 1103515245 + 12345;
			poke(places[(state >> 16) % 4] * 512 + (state >> 8) % 512,
			     (uint8_t)(state >> 24));
		}
		if (look(0) == 0)
			ck_assert_uint_le(found.offset + found.size, STICK_BYTES);
		else
			ck_assert_int_ne(fault.what[0], 0);
	}
}
END_TEST

TEST_SUITE("sim_stick")
{
	TCase *c = tcase_create("stick");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_sound_stick_is_understood);
	tcase_add_test(c, a_volume_without_a_table_is_read_like_a_floppy);
	tcase_add_test(c, fat32_is_read_unless_the_firmware_is_too_old);
	tcase_add_loop_test(c, each_spoiled_field_is_refused_with_its_reason, 0,
			    sizeof(spoiled) / sizeof(spoiled[0]));
	tcase_add_test(c, a_stick_cut_off_anywhere_before_the_file_ends_is_refused);
	tcase_add_test(c, random_sectors_never_lead_out_of_the_stick);
	suite_add_tcase(suite, c);
}
