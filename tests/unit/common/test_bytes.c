/* Tests of bounded reading and writing. */
#include <check.h>

#include "common/bytes.h"
#include "common/error.h"
#include "tests/support/suite.h"

START_TEST(a_reader_stops_at_the_end_and_stays_stopped)
{
	static const uint8_t data[7] = { 1, 2, 3, 4, 5, 6, 7 };
	struct reader r;

	reader_init(&r, data, sizeof(data));
	ck_assert_uint_eq(read_le32(&r), 0x04030201);
	ck_assert_uint_eq(read_le32(&r), 0);
	ck_assert_int_eq(r.error, KIT_ERR_TRUNCATED);
	ck_assert_uint_eq(r.error_at, 4);
	ck_assert_uint_eq(read_u8(&r), 0);
	ck_assert_uint_eq(read_left(&r), 0);
	reader_init(&r, data, sizeof(data));
	ck_assert_ptr_null(read_bytes(&r, SIZE_MAX));
}
END_TEST

START_TEST(a_writer_counts_what_it_would_have_needed)
{
	uint8_t data[6];
	struct writer w;

	writer_init(&w, data, sizeof(data));
	write_le16(&w, 0x0201);
	write_le32(&w, 0x06050403);
	ck_assert_int_eq(w.error, 0);
	ck_assert_mem_eq(data, "\1\2\3\4\5\6", 6);
	write_u8(&w, 9);
	write_zeros(&w, 10);
	ck_assert_int_eq(w.error, KIT_ERR_RANGE);
	ck_assert_uint_eq(w.at, 17);
}
END_TEST

TEST_SUITE("bytes")
{
	TCase *t = tcase_create("bytes");

	tcase_add_test(t, a_reader_stops_at_the_end_and_stays_stopped);
	tcase_add_test(t, a_writer_counts_what_it_would_have_needed);
	suite_add_tcase(suite, t);
}
