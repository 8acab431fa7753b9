/* Tests of lists of networks: which are taken, and which addresses they hold. */
#include <check.h>
#include <string.h>

#include "server/core/subnets.h"
#include "tests/support/suite.h"

START_TEST(networks_and_addresses_are_taken)
{
	static const char *const good[] = {
		"", "  ", "192.0.2.0/24", "192.0.2.1", "0.0.0.0/0", "::/0", "2001:db8::/32",
		"10.0.0.0/8, 192.0.2.128/25,2001:db8::1", "192.0.2.1/32",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		ck_assert_msg(subnets_check(good[i], NULL) == 0, "%s", good[i]);
}
END_TEST

static const struct {
	const char *list, *names;
} bad[] = {
	{ "192.0.2.0/33", "192.0.2.0/33" },
	{ "192.0.2.0/", "192.0.2.0/" },
	{ "192.0.2.0/+8", "/+8" },
	{ "192.0.2.0/2x", "/2x" },
	{ "192.0.2.1/24", "bits behind" },
	{ "2001:db8::1/64", "bits behind" },
	{ "2001:db8::/129", "129" },
	{ "10.0.0.0/8, office", "office" },
	{ "192.0.2", "192.0.2" },
	{ "10.0.0.0/8;192.0.2.0/24", "/8;192" },
	{ "00000000000000000000000000000000000000000000000000000000000000001.2.3.4", "not a net" },
};

START_TEST(what_is_not_a_network_is_named)
{
	struct fault fault = { 0 };

	ck_assert_int_eq(subnets_check(bad[_i].list, &fault), KIT_ERR_ARGUMENT);
	ck_assert_msg(strstr(fault.what, bad[_i].names) != NULL, "%s", fault.what);
}
END_TEST

static const struct {
	const char *list, *address;
	bool held;
} rows[] = {
	{ "192.0.2.0/24", "192.0.2.0", true },
	{ "192.0.2.0/24", "192.0.2.255", true },
	{ "192.0.2.0/24", "192.0.3.0", false },
	{ "192.0.2.128/25", "192.0.2.127", false },
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "0.0.0.0/0", "198.51.100.7", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "::/0", "192.0.2.1", false },
	{ "10.0.0.0/8, 2001:db8::/32", "2001:db8:ffff::1", true },
	{ "10.0.0.0/8, 2001:db8::/32", "2001:db9::1", false },
	{ "fe80::/10", "fe80::1%eth0", true },
	{ "", "192.0.2.1", false },
	{ "192.0.2.0/24", "?", false },
	{ "192.0.2.0/24", "", false },
};

START_TEST(an_address_is_in_a_network_by_its_prefix)
{
	ck_assert_int_eq(subnets_hold(rows[_i].list, rows[_i].address), rows[_i].held);
}
END_TEST

TEST_SUITE("subnets")
{
	TCase *t = tcase_create("subnets");

	tcase_add_test(t, networks_and_addresses_are_taken);
	tcase_add_loop_test(t, what_is_not_a_network_is_named, 0, sizeof(bad) / sizeof(*bad));
	tcase_add_loop_test(t, an_address_is_in_a_network_by_its_prefix, 0,
			    sizeof(rows) / sizeof(*rows));
	suite_add_tcase(suite, t);
}
