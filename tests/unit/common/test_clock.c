/* Clocks that go on, and times that a wrong clock wrote. */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "tests/support/suite.h"

START_TEST(the_clocks_go_on)
{
	double before = clock_monotonic();
	int64_t now = clock_now();

	ck_assert_int_le(llabs(now - (int64_t)time(NULL)), 2);
	ck_assert_double_ge(clock_monotonic(), before);
	ck_assert_double_lt(clock_monotonic(), before + 60);
}
END_TEST

static const struct {
	int64_t when, now, ahead;
	bool wrong;
} times[] = {
	/* What has happened: never after now. */
	{ 99, 100, 0, false }, { 100, 100, 0, false }, { 101, 100, 0, true },
	/* What is to come: no later than the longest wait. */
	{ 160, 100, 60, false }, { 161, 100, 60, true }, { 40, 100, 60, false },
	{ 0, 100, 60, false }, { INT64_MAX, 100, 60, true }, { INT64_MAX, INT64_MIN, 60, true },
	{ INT64_MIN, INT64_MAX, 0, false },
};

START_TEST(a_time_that_cannot_be_is_known)
{
	ck_assert_int_eq(clock_was_wrong(times[_i].when, times[_i].now, times[_i].ahead),
			 times[_i].wrong);
}
END_TEST

START_TEST(times_are_shown_in_utc)
{
	char text[CLOCK_TEXT + 1];

	clock_show(1795842367, text);
	ck_assert_str_eq(text, "2026-11-28T05:06:07Z");
	clock_show_short(1795842367, text);
	ck_assert_str_eq(text, "20261128T050607Z");
	clock_show(INT64_C(253402300799), text);
	ck_assert_str_eq(text, "9999-12-31T23:59:59Z");
	for (const int64_t *t = (const int64_t[]){ -1, INT64_C(253402300800), INT64_MAX, 0 };;
	     t++) {
		clock_show(*t, text);
		ck_assert_str_eq(text, "");
		if (!*t)
			break;
	}
}
END_TEST

START_TEST(the_date_of_what_is_made_may_be_given_and_has_to_be_a_number)
{
	struct fault fault = { 0 };
	int64_t when;

	ck_assert_int_eq(setenv("SOURCE_DATE_EPOCH", "1700000000", 1), 0);
	ck_assert_int_eq(clock_source_date(&when, &fault), 0);
	ck_assert_int_eq(when, 1700000000);
	for (const char *const *p = (const char *const[]){ "abc", "12 ", "-1", "1e9",
							   "99999999999999999999", NULL };
	     *p; p++) {
		fault = (struct fault){ 0 };
		setenv("SOURCE_DATE_EPOCH", *p, 1);
		ck_assert_msg(clock_source_date(&when, &fault) == KIT_ERR_ARGUMENT, "%s", *p);
		ck_assert_ptr_nonnull(strstr(fault.what, "SOURCE_DATE_EPOCH is not a number"));
	}
	setenv("SOURCE_DATE_EPOCH", "", 1);
	ck_assert_int_eq(clock_source_date(&when, &fault), 0);
	ck_assert_int_ge(when, clock_now() - 10);
	unsetenv("SOURCE_DATE_EPOCH");
}
END_TEST

TEST_SUITE("clock")
{
	TCase *t = tcase_create("clock");

	tcase_add_test(t, the_clocks_go_on);
	tcase_add_test(t, times_are_shown_in_utc);
	tcase_add_test(t, the_date_of_what_is_made_may_be_given_and_has_to_be_a_number);
	tcase_add_loop_test(t, a_time_that_cannot_be_is_known, 0, sizeof(times) / sizeof(*times));
	suite_add_tcase(suite, t);
}
