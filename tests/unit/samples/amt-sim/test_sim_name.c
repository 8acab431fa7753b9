/* Tests of the name that a server's certificate must have, by the rows that the server has too. */
#include <check.h>

#include "samples/amt-sim/sim-name.h"
#include "tests/support/name-rules.h"
#include "tests/support/suite.h"

START_TEST(every_row_of_the_name_rule_is_kept)
{
	for (size_t i = 0; i < n_name_rules; i++) {
		const struct name_rule *r = &name_rules[i];

		ck_assert_msg(sim_name_matches(r->identifier, r->suffix, r->major, r->minor) ==
			      r->accepted, "\"%s\" for \"%s\", AMT %u.%u", r->identifier,
			      r->suffix, r->major, r->minor);
	}
}
END_TEST

TEST_SUITE("sim_name")
{
	TCase *t = tcase_create("name");

	tcase_add_test(t, every_row_of_the_name_rule_is_kept);
	suite_add_tcase(suite, t);
}
