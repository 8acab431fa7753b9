/* Tests of faults and error codes. */
#include <check.h>
#include <errno.h>

#include "common/error.h"
#include "tests/support/suite.h"

START_TEST(the_first_fault_is_kept)
{
	struct fault f = { 0 };

	ck_assert_int_eq(fault_sys(&f, EROFS, "cannot write %s", "x"), KIT_ERR_READ_ONLY);
	ck_assert_int_eq(fault_set(&f, KIT_ERR_FORMAT, "later"), KIT_ERR_READ_ONLY);
	ck_assert_int_eq(f.sys, EROFS);
	ck_assert_str_eq(f.what, "cannot write x: Read-only file system");
	fault_hint(&f, "move the switch");
	fault_hint(&f, "something else");
	ck_assert_str_eq(f.hint, "move the switch");
	fault_context(&f, "stick");
	ck_assert_str_eq(f.what, "stick: cannot write x: Read-only file system");
	ck_assert_int_eq(fault_set(NULL, KIT_ERR_RANGE, "nobody listens"), KIT_ERR_RANGE);
	ck_assert_int_lt(fault_hint(NULL, "nobody listens"), 0);
	ck_assert_int_lt(fault_context(NULL, "nobody listens"), 0);
}
END_TEST

START_TEST(a_fault_that_was_kept_aside_gives_way_to_an_earlier_one)
{
	struct fault aside = { 0 }, f = { 0 };

	fault_sys(&aside, EROFS, "cannot write x\n"
		  "move the switch");
	ck_assert_int_eq(fault_pass(NULL, &aside), KIT_ERR_READ_ONLY);
	ck_assert_int_eq(fault_pass(&f, &aside), KIT_ERR_READ_ONLY);
	ck_assert_mem_eq(&f, &aside, sizeof(f));
	fault_clear(&f);
	fault_set(&f, KIT_ERR_FORMAT, "earlier");
	ck_assert_int_eq(fault_pass(&f, &aside), KIT_ERR_READ_ONLY);
	ck_assert_str_eq(f.what, "earlier");
	ck_assert_str_eq(f.hint, "");
}
END_TEST

START_TEST(every_error_has_words_of_its_own)
{
	for (int a = 0; a >= KIT_ERR_VERIFY; a--)
		for (int b = a - 1; b >= KIT_ERR_VERIFY - 1; b--)
			ck_assert_str_ne(error_text(a), error_text(b));
}
END_TEST

TEST_SUITE("error")
{
	TCase *t = tcase_create("error");

	tcase_add_test(t, the_first_fault_is_kept);
	tcase_add_test(t, a_fault_that_was_kept_aside_gives_way_to_an_earlier_one);
	tcase_add_test(t, every_error_has_words_of_its_own);
	suite_add_tcase(suite, t);
}
