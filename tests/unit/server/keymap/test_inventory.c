/* Tests of the inventory in the key map. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "server/keymap/inventory.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

START_TEST(the_inventory_gives_the_name_last_written)
{
	struct keymap_inventory row = { scratch_uuid(1), "pc1.example.com", "" }, out;
	struct uuid nobody = scratch_uuid(2);
	char first[SYSTEM_FQDN + 1];
	uint64_t shared;

	ok(keymap_inventory_put(m, &row, &fault));
	strcpy(row.fqdn, "pc2.example.com");
	strcpy(row.profile, "office");
	ok(keymap_inventory_put(m, &row, &fault));
	ok(keymap_inventory_find(m, &row.uuid, &out, &fault));
	ck_assert_str_eq(out.fqdn, "pc2.example.com");
	ck_assert_str_eq(out.profile, "office");
	ck_assert_int_eq(keymap_inventory_find(m, &nobody, &out, NULL), KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM inventory"), 1);
	/* The same name, in another case, for another machine is one too many. */
	ok(keymap_inventory_shared(m, &shared, first, &fault));
	ck_assert_uint_eq(shared, 0);
	strcpy(row.fqdn, "PC2.example.com");
	row.uuid = nobody;
	ok(keymap_inventory_put(m, &row, &fault));
	ok(keymap_inventory_shared(m, &shared, first, &fault));
	ck_assert_uint_eq(shared, 1);
	ck_assert_str_eq(first, "pc2.example.com");
}
END_TEST

TEST_SUITE("inventory")
{
	TCase *tcase = tcase_create("inventory");

	tcase_add_checked_fixture(tcase, map_enter, map_leave);
	tcase_add_test(tcase, the_inventory_gives_the_name_last_written);
	suite_add_tcase(suite, tcase);
}
