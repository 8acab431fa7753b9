/* Tests of host names. */
#include <stdlib.h>
#include <string.h>

#include "common/hostname.h"
#include "tests/support/suite.h"

#define LABEL_63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123"

START_TEST(a_host_has_labels_of_letters_digits_and_dashes_and_a_dot)
{
	static const char *const good[] = { "pc1.example.com", "a.b", "1.2", "x-y.EXAMPLE",
					    LABEL_63 ".a" };
	static const char *const bad[] = { "",	    "pc1",   "pc1.",	     ".pc1",
					   "a..b",  "-a.b",  "a-.b",	     "a.b-",
					   "a_b.c", "a b.c", LABEL_63 "4.a", "\xc3\xa4.de" };
	char longest[HOSTNAME_MAX + 2];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(hostname_is_fqdn(good[i]), "refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!hostname_is_fqdn(bad[i]), "taken: %s", bad[i]);
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = i % 2 ? '.' : 'a';
	longest[HOSTNAME_MAX] = '\0';
	ck_assert(hostname_is_fqdn(longest));
	strcpy(longest + HOSTNAME_MAX - 1, "bb");
	ck_assert(!hostname_is_fqdn(longest));
}
END_TEST

START_TEST(a_dns_name_may_have_underscores_and_dots_if_asked_for)
{
	ck_assert(hostname_is_dns_name("_tcp.x-", 7, true));
	ck_assert(!hostname_is_dns_name("_tcp.x-", 7, false));
	ck_assert(hostname_is_dns_name("pc1", 3, false));
	ck_assert(hostname_is_dns_name("pc1", 3, true));
	ck_assert(!hostname_is_dns_name("", 0, true));
	ck_assert(!hostname_is_dns_name("a.", 2, true));
	ck_assert(!hostname_is_dns_name("a\0b", 3, true));
	ck_assert(!hostname_is_dns_name("a..b", 4, true));
	/* What is behind its length is not looked at. */
	ck_assert(hostname_is_dns_name("a!", 1, true));
}
END_TEST

START_TEST(a_dot_at_the_end_is_dropped)
{
	char name[8] = "a.b.";

	hostname_drop_dot(name);
	ck_assert_str_eq(name, "a.b");
	hostname_drop_dot(name);
	ck_assert_str_eq(name, "a.b");
	hostname_drop_dot(strcpy(name, ""));
	ck_assert_str_eq(name, "");
}
END_TEST

TEST_SUITE("hostname")
{
	TCase *t = tcase_create("hostname");

	tcase_add_test(t, a_host_has_labels_of_letters_digits_and_dashes_and_a_dot);
	tcase_add_test(t, a_dns_name_may_have_underscores_and_dots_if_asked_for);
	tcase_add_test(t, a_dot_at_the_end_is_dropped);
	suite_add_tcase(suite, t);
}
