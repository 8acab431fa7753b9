/* The main() of every unit test: a test file only says what its suite holds. */
#ifndef TESTS_SUPPORT_SUITE_H
#define TESTS_SUPPORT_SUITE_H

#include <check.h>

/*
 * Once in each tests/unit/.../test_NOUN.c, at its end:
 *
 *	TEST_SUITE("listener")
 *	{
 *		TCase *t = tcase_create("connections");
 *
 *		tcase_add_checked_fixture(t, begin, end);
 *		tcase_add_test(t, a_hello_in_pieces_is_put_together);
 *		suite_add_tcase(suite, t);
 *	}
 *
 * A test that is not added here is an unused variable: the compiler says so.
 */
#define TEST_SUITE(name) \
	const char *const test_suite_name = name; \
	void test_suite_fill(Suite *suite)

extern const char *const test_suite_name;
void test_suite_fill(Suite *suite);

#endif
