/* Tests of the name rule: a table that the simulated machine is tested with, too. */
#include <check.h>

#include "amt/pki-name.h"
#include "tests/support/name-rules.h"
#include "tests/support/suite.h"

START_TEST(each_row_of_the_table_holds)
{
	const struct name_rule *r = &name_rules[_i];
	enum pki_name answer = pki_name_judge(r->suffix, r->identifier, r->major, r->minor);

	ck_assert_msg((answer == PKI_NAME_ACCEPTED) == r->accepted,
		      "AMT %u.%u with suffix \"%s\": \"%s\" %s", r->major, r->minor, r->suffix,
		      r->identifier, pki_name_text(answer));
}
END_TEST

START_TEST(of_an_unknown_version_only_what_all_agree_on_is_accepted)
{
	ck_assert_int_eq(pki_name_judge("corp.local", "a.corp.local", 0, 0), PKI_NAME_ACCEPTED);
	ck_assert_int_eq(pki_name_judge("b.a.com", "c.a.com", 0, 0), PKI_NAME_ACCEPTED);
	ck_assert_int_eq(pki_name_judge("b.a.org", "c.a.org", 0, 0), PKI_NAME_OTHER);
}
END_TEST

START_TEST(what_is_wrong_with_a_name_is_said)
{
	ck_assert_int_eq(pki_name_judge("", "a.corp.local", 9, 0), PKI_NAME_NO_SUFFIX);
	ck_assert_int_eq(pki_name_judge("corp.local", "", 9, 0), PKI_NAME_INVALID);
	ck_assert_int_eq(pki_name_judge("corp.local", "a.*.local", 9, 0), PKI_NAME_INVALID);
	ck_assert_int_eq(pki_name_judge("east.corp.local", "corp.local", 9, 0), PKI_NAME_ABOVE);
	ck_assert_int_eq(pki_name_judge("corp.local", "corp.lan", 9, 0), PKI_NAME_OTHER);
	ck_assert_int_eq(pki_name_judge("corp.local", "corp.local", 2, 1), PKI_NAME_OLD);
}
END_TEST

START_TEST(a_machine_that_knows_its_server_wants_that_name)
{
	ck_assert_int_eq(pki_name_judge_server("p.corp.local", "P.corp.local"),
			 PKI_NAME_ACCEPTED);
	ck_assert_int_eq(pki_name_judge_server("p.corp.local", "q.corp.local"), PKI_NAME_OTHER);
	ck_assert_int_eq(pki_name_judge_server("p.corp.local", "corp.local"), PKI_NAME_OTHER);
	ck_assert_int_eq(pki_name_judge_server("p.corp.local", ""), PKI_NAME_INVALID);
}
END_TEST

TEST_SUITE("pki-name")
{
	TCase *t = tcase_create("rule");

	tcase_add_loop_test(t, each_row_of_the_table_holds, 0, (int)n_name_rules);
	tcase_add_test(t, of_an_unknown_version_only_what_all_agree_on_is_accepted);
	tcase_add_test(t, what_is_wrong_with_a_name_is_said);
	tcase_add_test(t, a_machine_that_knows_its_server_wants_that_name);
	suite_add_tcase(suite, t);
}
