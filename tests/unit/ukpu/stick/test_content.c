/* A setup.bin in memory: read with a limit, and split. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "tests/support/stick.h"
#include "tests/support/suite.h"
#include "ukpu/stick/journal.h"

static struct content content;
static struct fault fault;
static char (*pids)[PID_LENGTH + 1];
static size_t n_pids;

static void begin(void)
{
	content = stick_content(10, 3, 1);
	ck_assert_int_eq(journal_pids(&content, &pids, &n_pids, NULL), 0);
	fault_clear(&fault);
}

static void end(void)
{
	free(pids);
	content_wipe(&content);
	stick_clean();
}

/* Flags and counters stay as they are. */
static void make_version_1(void)
{
	memcpy(content.data, sbin_version_uuid((struct sbin_version){ 1, 0 }), 16);
	content.data[24] = 1;
	content.data[25] = 0;
}

START_TEST(a_file_that_is_too_long_is_not_read_whole)
{
	struct content c;

	stick_store(stick_path("f"), content.data, content.size);
	ck_assert_int_eq(content_read(&c, stick_path("f"), content.size, &fault), 0);
	ck_assert_uint_eq(c.size, content.size);
	content_wipe(&c);
	ck_assert_int_eq(content_read(&c, stick_path("f"), content.size - 1, &fault),
			 KIT_ERR_RANGE);
	ck_assert_ptr_null(c.data);
	fault_clear(&fault);
	/* An endless one neither. */
	ck_assert_int_eq(content_read(&c, "/dev/zero", 1 << 20, &fault), KIT_ERR_RANGE);
	fault_clear(&fault);
	ck_assert_int_eq(content_read(&c, stick_path("none"), 100, &fault), KIT_ERR_NOT_FOUND);
}
END_TEST

START_TEST(every_unused_record_is_in_one_part_and_no_other)
{
	for (size_t n = 1; n <= 7; n++) {
		struct content part[7];
		size_t seen = 0;

		ck_assert_msg(!content_split(&content, "all.bin", part, n, &fault), "%s",
			      fault.what);
		for (size_t i = 0; i < n; i++) {
			struct sbin_summary s;
			char (*mine)[PID_LENGTH + 1];
			size_t n_mine;

			ck_assert_int_eq(content_check(&part[i], "part", NULL, NULL, &s, NULL), 0);
			ck_assert_uint_eq(s.errors, 0);
			ck_assert_uint_eq(s.warnings, 0);
			ck_assert_uint_eq(s.consumed, 0);
			ck_assert_uint_eq(s.valid, s.records);
			ck_assert_uint_eq(s.records, 7 / n + (i < 7 % n));
			ck_assert_int_eq(journal_pids(&part[i], &mine, &n_mine, NULL), 0);
			for (size_t k = 0; k < n_mine; k++)
				ck_assert_str_eq(mine[k], pids[seen++]);
			free(mine);
			content_wipe(&part[i]);
		}
		ck_assert_uint_eq(seen, 7);
	}
}
END_TEST

START_TEST(a_used_record_of_version_1_is_in_no_part)
{
	struct content part;

	/* Only the counter says that three are used; the flag of later versions says nothing. */
	make_version_1();
	content.data[26] = SBIN_DO_NOT_CONSUME;
	for (int i = 0; i < 3; i++)
		content.data[(1 + i) * SBIN_CHUNK + 4] = SBIN_VALID;
	ck_assert_msg(!content_split(&content, "all.bin", &part, 1, &fault), "%s", fault.what);
	ck_assert_uint_eq(part.size, 8 * SBIN_CHUNK);
	content_wipe(&part);
}
END_TEST

START_TEST(more_parts_than_records_are_refused)
{
	struct content part[8];

	ck_assert_int_eq(content_split(&content, "all.bin", part, 8, &fault), KIT_ERR_RANGE);
	ck_assert_ptr_nonnull(strstr(fault.what, "all.bin has 7 unused records, too few"));
	for (size_t i = 0; i < 8; i++)
		ck_assert_ptr_null(part[i].data);
}
END_TEST

START_TEST(the_body_of_a_scrambled_record_stays_as_it_is)
{
	struct content part[2];

	/* Version 4 with scrambled bodies: only the number in front changes. */
	ck_assert_ptr_nonnull(
		memcpy(content.data, sbin_version_uuid((struct sbin_version){ 4, 0 }), 16));
	content.data[24] = 4;
	content.data[25] = 0;
	for (size_t i = 1; i <= 10; i++) {
		struct sbin_record r;
		uint8_t *at = content.data + i * SBIN_CHUNK;

		ck_assert_int_eq(sbin_record_decode(at, SBIN_CHUNK, &r), 0);
		r.flags |= SBIN_SCRAMBLED;
		sbin_record_encode(&r);
	}
	ck_assert_int_eq(content_split(&content, "all.bin", part, 2, &fault), 0);
	ck_assert_mem_eq(part[1].data + SBIN_CHUNK + 24, content.data + 8 * SBIN_CHUNK + 24,
			 SBIN_CHUNK - 24);
	ck_assert_uint_eq(get_le32(part[1].data + SBIN_CHUNK + 20), 1);
	content_wipe(&part[0]);
	content_wipe(&part[1]);
}
END_TEST

START_TEST(records_that_are_not_consumed_are_in_no_part)
{
	struct content part;

	content.data[26] = SBIN_DO_NOT_CONSUME;
	ck_assert_int_eq(content_split(&content, "all.bin", &part, 1, &fault), KIT_ERR_UNFIT);
	ck_assert_ptr_null(part.data);
	ck_assert_ptr_nonnull(strstr(fault.what, "all.bin are not consumed"));
}
END_TEST

START_TEST(a_file_without_unused_records_is_refused)
{
	struct content used = stick_content(3, 3, 1), part;

	ck_assert_int_eq(content_split(&used, "all.bin", &part, 1, &fault), KIT_ERR_STATE);
	ck_assert_ptr_null(part.data);
	content_wipe(&used);
}
END_TEST

TEST_SUITE("content")
{
	TCase *t = tcase_create("content");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_file_that_is_too_long_is_not_read_whole);
	tcase_add_test(t, every_unused_record_is_in_one_part_and_no_other);
	tcase_add_test(t, a_used_record_of_version_1_is_in_no_part);
	tcase_add_test(t, more_parts_than_records_are_refused);
	tcase_add_test(t, the_body_of_a_scrambled_record_stays_as_it_is);
	tcase_add_test(t, records_that_are_not_consumed_are_in_no_part);
	tcase_add_test(t, a_file_without_unused_records_is_refused);
	suite_add_tcase(suite, t);
}
