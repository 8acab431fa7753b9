/* The hello: a sample byte for byte, every truncation, each field one past its limit, forgeries. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "server/hello/hello.h"
#include "tests/support/suite.h"

/* The vector of the field's facts: UUID 939b524b-13d4-1d18-e487-1c697a6b7a2b, PID 0000-037M. */
static const uint8_t sample[HELLO_PSK_SIZE] = {
	0x01, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x4b, 0x52, 0x9b, 0x93, 0xd4, 0x13, 0x18,
	0x1d, 0xe4, 0x87, 0x1c, 0x69, 0x7a, 0x6b, 0x7a, 0x2b, 0x30, 0x30, 0x30, 0x30, 0x30, 0x33,
	0x37, 0x4d,
};

static struct fault fault;
static struct hello hello;

static void clear(void)
{
	fault_clear(&fault);
}

START_TEST(the_sample_decodes_to_its_uuid_and_pid)
{
	char uuid[UUID_SHOWN + 1];

	ck_assert_int_eq(hello_decode(sample, sizeof(sample), &hello, &fault), 0);
	uuid_show(&hello.uuid, uuid);
	ck_assert_str_eq(uuid, "939b524b-13d4-1d18-e487-1c697a6b7a2b");
	ck_assert_str_eq(hello.pid, "0000037M");
	ck_assert_uint_eq(hello.version, HELLO_PSK);
	ck_assert_uint_eq(hello.credentials_set, 1);
	ck_assert_uint_eq(hello.retry, 0);
	ck_assert_uint_eq(hello_size(sample, sizeof(sample)), HELLO_PSK_SIZE);
}
END_TEST

START_TEST(the_sample_encodes_to_the_same_bytes)
{
	uint8_t out[HELLO_MAX];

	ck_assert_int_eq(hello_decode(sample, sizeof(sample), &hello, &fault), 0);
	ck_assert_uint_eq(hello_encode(&hello, out), sizeof(sample));
	ck_assert_mem_eq(out, sample, sizeof(sample));
}
END_TEST

START_TEST(whatever_is_wrong_is_reported_with_what_to_do)
{
	uint8_t bytes[HELLO_PSK_SIZE + 1] = { 0 };

	for (size_t n = 0; n <= sizeof(bytes); n++) {
		memcpy(bytes, sample, sizeof(sample));
		if (n == HELLO_PSK_SIZE)
			bytes[31] = 'm';
		fault_clear(&fault);
		ck_assert_int_lt(hello_decode(bytes, n, &hello, &fault), 0);
		ck_assert_msg(*fault.hint, "%zu bytes: %s", n, fault.what);
	}
}
END_TEST

START_TEST(the_retry_count_is_little_endian)
{
	uint8_t bytes[HELLO_PSK_SIZE];

	memcpy(bytes, sample, sizeof(bytes));
	bytes[4] = 0x0e;
	bytes[5] = 0x01;
	ck_assert_int_eq(hello_decode(bytes, sizeof(bytes), &hello, &fault), 0);
	ck_assert_uint_eq(hello.retry, 0x010e);
}
END_TEST

START_TEST(a_truncated_hello_is_refused_at_every_length)
{
	for (size_t n = 0; n < sizeof(sample); n++) {
		clear();
		ck_assert_int_eq(hello_decode(sample, n, &hello, &fault), KIT_ERR_TRUNCATED);
		ck_assert_ptr_nonnull(strstr(fault.what, "ends too early"));
		ck_assert_uint_gt(hello_size(sample, n), n);
	}
}
END_TEST

START_TEST(a_33rd_byte_is_refused)
{
	uint8_t bytes[HELLO_PSK_SIZE + 1] = { 0 };

	memcpy(bytes, sample, sizeof(sample));
	ck_assert_int_eq(hello_decode(bytes, sizeof(bytes), &hello, &fault), KIT_ERR_RANGE);
	ck_assert_ptr_nonnull(strstr(fault.what, "offset 32"));
	ck_assert_uint_eq(hello_size(bytes, sizeof(bytes)), HELLO_PSK_SIZE);
}
END_TEST

static const struct {
	size_t at;
	uint8_t value;
	int code;
	const char *says;
} spoilt[] = {
	{ 0, 2, KIT_ERR_RANGE, "offset 0" },
	{ 1, 1, KIT_ERR_RANGE, "offset 0" },
	{ 2, 1, KIT_ERR_FORMAT, "version 1" },
	{ 2, 4, KIT_ERR_FORMAT, "offset 2" },
	{ 3, 1, KIT_ERR_FORMAT, "offset 2" },
	{ 24, 'a', KIT_ERR_FORMAT, "PID" },
	{ 24, '-', KIT_ERR_FORMAT, "PID" },
	{ 30, '8', KIT_ERR_CHECK, "PID" },
	{ 31, 'm', KIT_ERR_FORMAT, "PID" },
	{ 31, 'N', KIT_ERR_CHECK, "PID" },
};

START_TEST(a_field_outside_its_limits_is_refused_by_name)
{
	uint8_t bytes[HELLO_PSK_SIZE];

	memcpy(bytes, sample, sizeof(bytes));
	bytes[spoilt[_i].at] = spoilt[_i].value;
	ck_assert_int_eq(hello_decode(bytes, sizeof(bytes), &hello, &fault), spoilt[_i].code);
	ck_assert_msg(strstr(fault.what, spoilt[_i].says) != NULL, "%s", fault.what);
}
END_TEST

START_TEST(what_is_no_hello_needs_no_more_than_four_bytes)
{
	ck_assert_uint_eq(hello_size("GET / HTTP/1.1", 14), 4);
	ck_assert_int_eq(hello_decode("GET / HTTP/1.1", 14, &hello, &fault), KIT_ERR_FORMAT);
	ck_assert_uint_eq(hello.version, 0);
}
END_TEST

static size_t certificates(uint8_t out[static HELLO_MAX], size_t n)
{
	static const struct {
		uint8_t type, length;
	} kinds[] = { { 1, 20 }, { 2, 32 }, { 3, 48 } };
	struct hello h;

	ck_assert_int_eq(hello_decode(sample, sizeof(sample), &h, &fault), 0);
	h.version = HELLO_PKI;
	h.n_hashes = n;
	for (size_t i = 0; i < n; i++) {
		h.hashes[i].type = kinds[i % 3].type;
		h.hashes[i].length = kinds[i % 3].length;
		memset(h.hashes[i].bytes, (int)i, sizeof(h.hashes[i].bytes));
	}
	return hello_encode(&h, out);
}

START_TEST(a_certificate_hello_keeps_its_hashes)
{
	uint8_t bytes[HELLO_MAX], again[HELLO_MAX];
	size_t n = certificates(bytes, (size_t)_i);

	ck_assert_uint_eq(hello_size(bytes, n), n);
	ck_assert_int_eq(hello_decode(bytes, n, &hello, &fault), 0);
	ck_assert_uint_eq(hello.n_hashes, (size_t)_i);
	ck_assert_str_eq(hello.pid, "");
	ck_assert_uint_eq(hello_encode(&hello, again), n);
	ck_assert_mem_eq(again, bytes, n);
	if (_i == 5) {
		ck_assert_uint_eq(hello.hashes[4].length, 32);
		ck_assert_uint_eq(hello.hashes[4].bytes[31], 4);
	}
}
END_TEST

START_TEST(a_truncated_certificate_hello_is_refused_at_every_length)
{
	uint8_t bytes[HELLO_MAX];
	size_t n = certificates(bytes, 5);

	for (size_t i = 0; i < n; i++) {
		clear();
		ck_assert_int_eq(hello_decode(bytes, i, &hello, &fault), KIT_ERR_TRUNCATED);
		ck_assert_uint_gt(hello_size(bytes, i), i);
	}
	clear();
	bytes[n] = 0;
	ck_assert_int_eq(hello_decode(bytes, n + 1, &hello, &fault), KIT_ERR_RANGE);
}
END_TEST

START_TEST(a_34th_hash_is_refused)
{
	uint8_t bytes[HELLO_MAX];

	certificates(bytes, 33);
	bytes[24] = 34;
	ck_assert_int_eq(hello_decode(bytes, sizeof(bytes), &hello, &fault), KIT_ERR_RANGE);
	ck_assert_ptr_nonnull(strstr(fault.what, "33"));
}
END_TEST

START_TEST(a_hash_whose_length_does_not_fit_its_type_is_refused)
{
	uint8_t bytes[HELLO_MAX];
	size_t n = certificates(bytes, 2);

	bytes[26] = 32;		/* a SHA-1 of 32 bytes */
	ck_assert_int_eq(hello_decode(bytes, n, &hello, &fault), KIT_ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(fault.what, "offset 25"));
}
END_TEST

START_TEST(a_hash_of_a_type_unknown_is_skipped_by_its_length)
{
	uint8_t bytes[HELLO_MAX] = { 0 };
	size_t n = certificates(bytes, 2), second = 25 + 2 + 20;

	/* A digest of 64 bytes, and one of none, before the second. */
	memmove(bytes + second + 66 + 2, bytes + second, n - second);
	memset(bytes + second, 0xee, 66 + 2);
	bytes[second] = 4;
	bytes[second + 1] = 64;
	bytes[second + 66] = 0;
	bytes[second + 67] = 0;
	bytes[24] = 4;
	n += 66 + 2;
	ck_assert_uint_eq(hello_size(bytes, n), n);
	ck_assert_int_eq(hello_decode(bytes, n, &hello, &fault), 0);
	ck_assert_uint_eq(hello.n_hashes, 2);
	ck_assert_uint_eq(hello.n_skipped, 2);
	ck_assert_uint_eq(hello.hashes[1].type, 2);
	ck_assert_uint_eq(hello.hashes[1].bytes[31], 1);
	for (size_t i = 25; i < n; i++) {
		clear();
		ck_assert_int_eq(hello_decode(bytes, i, &hello, &fault), KIT_ERR_TRUNCATED);
	}
}
END_TEST

START_TEST(a_hash_that_ends_beyond_the_longest_hello_is_refused)
{
	uint8_t bytes[HELLO_MAX] = { 0 };

	certificates(bytes, 2);
	bytes[24] = 7;
	for (int i = 0; i < 7; i++) {
		bytes[25 + i * 257] = 9;
		bytes[26 + i * 257] = 255;
	}
	ck_assert_uint_le(hello_size(bytes, sizeof(bytes)), sizeof(bytes));
	ck_assert_int_eq(hello_decode(bytes, sizeof(bytes), &hello, &fault), KIT_ERR_RANGE);
	ck_assert_ptr_nonnull(strstr(fault.what, "1675"));
}
END_TEST

TEST_SUITE("hello")
{
	TCase *t = tcase_create("decode");

	tcase_add_checked_fixture(t, clear, NULL);
	tcase_add_test(t, the_sample_decodes_to_its_uuid_and_pid);
	tcase_add_test(t, the_sample_encodes_to_the_same_bytes);
	tcase_add_test(t, whatever_is_wrong_is_reported_with_what_to_do);
	tcase_add_test(t, the_retry_count_is_little_endian);
	tcase_add_test(t, a_truncated_hello_is_refused_at_every_length);
	tcase_add_test(t, a_33rd_byte_is_refused);
	tcase_add_loop_test(t, a_field_outside_its_limits_is_refused_by_name, 0,
			    sizeof(spoilt) / sizeof(*spoilt));
	tcase_add_test(t, what_is_no_hello_needs_no_more_than_four_bytes);
	tcase_add_loop_test(t, a_certificate_hello_keeps_its_hashes, 0, HELLO_HASHES + 1);
	tcase_add_test(t, a_truncated_certificate_hello_is_refused_at_every_length);
	tcase_add_test(t, a_34th_hash_is_refused);
	tcase_add_test(t, a_hash_whose_length_does_not_fit_its_type_is_refused);
	tcase_add_test(t, a_hash_of_a_type_unknown_is_skipped_by_its_length);
	tcase_add_test(t, a_hash_that_ends_beyond_the_longest_hello_is_refused);
	suite_add_tcase(suite, t);
}
