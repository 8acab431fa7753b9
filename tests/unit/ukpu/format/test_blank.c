/* Is a part of a disk empty: edges, samples, exceptions, the end of the disk. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "ukpu/format/blank.h"

#define MIB	(1u << 20)
#define SIZE	(40 * MIB + 700)	/* not whole sectors */

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

static bool blank(uint64_t start, uint64_t stop, const struct fatread_run *except, size_t n)
{
	bool out;

	ck_assert_int_eq(blank_check(&disk, start, stop, BLANK_CAREFUL, except, n, &out, NULL), 0);
	return out;
}

START_TEST(any_byte_at_the_edges_counts)
{
	static const uint64_t at[] = { 0, 511, MIB - 1, SIZE - MIB, SIZE - 1 };

	ck_assert(blank(0, SIZE, NULL, 0));
	ck_assert(blank(0, UINT64_MAX, NULL, 0));
	ck_assert(blank(SIZE, SIZE + 5, NULL, 0));
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		image[at[i]] = 1;
		ck_assert(!blank(0, SIZE, NULL, 0));
		ck_assert(!blank(0, UINT64_MAX, NULL, 0));
		image[at[i]] = 0;
	}
	/* In a short range, every byte. */
	for (size_t k = 3 * MIB; k < 3 * MIB + 3000; k++) {
		image[k] = 1;
		ck_assert(!blank(3 * MIB, 3 * MIB + 3000, NULL, 0));
		ck_assert(blank(3 * MIB, k, NULL, 0));
		image[k] = 0;
	}
}
END_TEST

START_TEST(erased_flash_is_blank_but_no_mixture)
{
	memset(image + 3 * MIB, 0xFF, 2 * MIB);
	ck_assert(blank(0, SIZE, NULL, 0));
	/* Whole sectors only. */
	image[3 * MIB + 100] = 0;
	ck_assert(!blank(0, SIZE, NULL, 0));
	image[3 * MIB + 100] = 0xFF;
	image[2 * MIB + 100] = 0xFF;
	ck_assert(!blank(2 * MIB, SIZE, NULL, 0));
}
END_TEST

START_TEST(data_in_the_middle_is_met)
{
	memset(image + 20 * MIB, 0xA5, 64 << 10);
	ck_assert(!blank(0, SIZE, NULL, 0));
}
END_TEST

START_TEST(what_is_excepted_does_not_count)
{
	struct fatread_run except[] = { { 20 * MIB, 64 << 10 }, { 512, 1024 } };

	memset(image + 20 * MIB, 0xA5, 64 << 10);
	memset(image + 512, 0xA5, 1024);
	ck_assert(blank(0, SIZE, except, 2));
	ck_assert(!blank(0, SIZE, except, 1));
	/* The sectors beside it do, though they are read together. */
	image[511] = 1;
	ck_assert(!blank(0, SIZE, except, 2));
	image[511] = 0;
	image[1536] = 1;
	ck_assert(!blank(0, SIZE, except, 2));
}
END_TEST

static int fail_read(void *context, uint64_t offset, void *buffer, size_t size, struct fault *fault)
{
	return fault_set(fault, KIT_ERR_SYSTEM, "no");
}

START_TEST(an_error_is_not_taken_for_zeros)
{
	bool out;

	disk.read = fail_read;
	ck_assert_int_eq(blank_check(&disk, 0, SIZE, BLANK_QUICK, NULL, 0, &out, NULL),
			 KIT_ERR_SYSTEM);
}
END_TEST

TEST_SUITE("blank")
{
	TCase *t = tcase_create("blank");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, any_byte_at_the_edges_counts);
	tcase_add_test(t, erased_flash_is_blank_but_no_mixture);
	tcase_add_test(t, data_in_the_middle_is_met);
	tcase_add_test(t, what_is_excepted_does_not_count);
	tcase_add_test(t, an_error_is_not_taken_for_zeros);
	suite_add_tcase(suite, t);
}
