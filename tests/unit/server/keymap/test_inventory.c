/* Tests of the inventory in the key map. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "server/keymap/inventory.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

START_TEST(the_inventory_gives_the_name_last_written)
{
	struct keymap_inventory row = { .uuid = scratch_uuid(1), .fqdn = "pc1.example.com" }, out;
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

START_TEST(a_name_may_be_empty_and_is_then_nobody_s)
{
	struct keymap_inventory row = { .uuid = scratch_uuid(1) }, out;
	char first[SYSTEM_FQDN + 1];
	uint64_t shared;

	ok(keymap_inventory_put(m, &row, &fault));
	row.uuid = scratch_uuid(2);
	ok(keymap_inventory_put(m, &row, &fault));
	ok(keymap_inventory_find(m, &row.uuid, &out, &fault));
	ck_assert_str_eq(out.fqdn, "");
	ok(keymap_inventory_shared(m, &shared, first, &fault));
	ck_assert_uint_eq(shared, 0);
}
END_TEST

START_TEST(a_one_time_password_is_kept_sealed)
{
	struct keymap_inventory row = { .uuid = scratch_uuid(1) }, out;
	const struct uuid nobody = scratch_uuid(2);
	char otp[PASSWORD_MAX + 1] = "old";

	ok(keymap_inventory_put(m, &row, &fault));
	ok(keymap_inventory_otp(m, &row.uuid, otp, &fault));
	ck_assert_str_eq(otp, "");
	ok(keymap_inventory_set_otp(m, &row.uuid, "0ne.Time.Only", &fault));
	/* Name and profile come and go without it. */
	ok(keymap_inventory_put(m, &row, &fault));
	ok(keymap_inventory_find(m, &row.uuid, &out, &fault));
	ck_assert(out.has_otp);
	ok(keymap_inventory_otp(m, &row.uuid, otp, &fault));
	ck_assert_str_eq(otp, "0ne.Time.Only");
	ck_assert(!scratch_holds("0ne.Time", 8));
	ok(keymap_inventory_set_otp(m, &row.uuid, "", &fault));
	ok(keymap_inventory_find(m, &row.uuid, &out, &fault));
	ck_assert(!out.has_otp);
	ck_assert_int_eq(keymap_inventory_set_otp(m, &nobody, "0ne.Time.Only", NULL),
			 KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(keymap_inventory_otp(m, &nobody, otp, NULL), KIT_ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_one_time_password_of_another_row_does_not_open)
{
	struct keymap_inventory row = { .uuid = scratch_uuid(1) };
	char otp[PASSWORD_MAX + 1];

	ok(keymap_inventory_put(m, &row, &fault));
	ok(keymap_inventory_set_otp(m, &row.uuid, "0ne.Time.Only", &fault));
	row.uuid = scratch_uuid(2);
	ok(keymap_inventory_put(m, &row, &fault));
	scratch_sql("UPDATE inventory SET otp = (SELECT otp FROM inventory WHERE otp IS NOT NULL)");
	ck_assert_int_eq(keymap_inventory_otp(m, &row.uuid, otp, NULL), KIT_ERR_FORGED);
	ck_assert_str_eq(otp, "");
}
END_TEST

TEST_SUITE("inventory")
{
	TCase *tcase = tcase_create("inventory");

	tcase_add_checked_fixture(tcase, map_enter, map_leave);
	tcase_add_test(tcase, the_inventory_gives_the_name_last_written);
	tcase_add_test(tcase, a_name_may_be_empty_and_is_then_nobody_s);
	tcase_add_test(tcase, a_one_time_password_is_kept_sealed);
	tcase_add_test(tcase, a_one_time_password_of_another_row_does_not_open);
	suite_add_tcase(suite, tcase);
}
