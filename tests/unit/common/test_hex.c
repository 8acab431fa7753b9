/* Tests of hexadecimal digits. */
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/hex.h"
#include "tests/support/suite.h"

START_TEST(bytes_become_digits_and_come_back)
{
	static const uint8_t bytes[] = { 0x00, 0x9a, 0xff };
	uint8_t back[3];
	char text[7], *copy = hex_dup(bytes, 3);
	size_t n = 0;

	hex_show(bytes, 3, text);
	ck_assert_str_eq(text, "009aff");
	ck_assert_str_eq(copy, text);
	free(copy);
	hex_show_upper(bytes, 3, text);
	ck_assert_str_eq(text, "009AFF");
	ck_assert_int_eq(hex_parse(text, 6, back, 3, NULL), 0);
	ck_assert_mem_eq(back, bytes, 3);
	memset(back, 0, 3);
	ck_assert_int_eq(hex_parse(" 00:9a fF?", 9, back, 3, &n), 0);
	ck_assert_uint_eq(n, 3);
	ck_assert_mem_eq(back, bytes, 3);
}
END_TEST

START_TEST(what_is_not_hexadecimal_is_refused)
{
	uint8_t out[2];
	size_t n;

	ck_assert_int_eq(hex_parse("1", 1, out, 2, &n), KIT_ERR_FORMAT);
	ck_assert_int_eq(hex_parse("1 2", 3, out, 2, &n), KIT_ERR_FORMAT);
	ck_assert_int_eq(hex_parse("0g", 2, out, 2, &n), KIT_ERR_FORMAT);
	ck_assert_int_eq(hex_parse("0x12", 4, out, 2, &n), KIT_ERR_FORMAT);
	ck_assert_int_eq(hex_parse("010203", 6, out, 2, &n), KIT_ERR_RANGE);
	ck_assert_int_eq(hex_parse("01", 2, out, 2, NULL), KIT_ERR_FORMAT);
	ck_assert_int_eq(hex_digit('@'), -1);
	ck_assert_int_eq(hex_digit('G'), -1);
	ck_assert_int_eq(hex_digit('\x06'), -1);
}
END_TEST

TEST_SUITE("hex")
{
	TCase *t = tcase_create("hex");

	tcase_add_test(t, bytes_become_digits_and_come_back);
	tcase_add_test(t, what_is_not_hexadecimal_is_refused);
	suite_add_tcase(suite, t);
}
