/* Clocks that go on, and times that a wrong clock wrote. */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
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

TEST_SUITE("clock")
{
	TCase *t = tcase_create("clock");

	tcase_add_test(t, the_clocks_go_on);
	tcase_add_loop_test(t, a_time_that_cannot_be_is_known, 0, sizeof(times) / sizeof(*times));
	suite_add_tcase(suite, t);
}
