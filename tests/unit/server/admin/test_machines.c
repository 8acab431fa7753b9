/* Tests of what an operator does to machines: all that are named, or none. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "server/admin/machines.h"
#include "server/keymap/inventory.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"
#include "server/keymap/systems.h"
#include "tests/support/admin.h"
#include "tests/support/suite.h"

static struct system find(unsigned n)
{
	const struct uuid uuid = scratch_uuid(n);
	struct system system;

	ok(keymap_system_find(m, &uuid, &system, &fault));
	return system;
}

static void fail_setup(unsigned n)
{
	const struct uuid uuid = scratch_uuid(n);

	say_hello(n);
	ok(keymap_system_state(m, &uuid, SYSTEM_FAILED, "call-failed", ADMIN_NOW + 900, ADMIN_NOW,
			       &fault));
}

static void enter(void)
{
	admin_enter();
	add_pairs(1, 4);
}

START_TEST(machines_in_a_state_are_due_at_once)
{
	size_t n = 0, set_up = 9, held = 9;

	fail_setup(1);
	say_hello(2);
	fail_setup(3);
	ok(machines_retry_state(&op, SYSTEM_FAILED, &n, &set_up, &held, &fault));
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(set_up + held, 0);
	ck_assert_int_le(find(1).next_try, ADMIN_NOW);
	ck_assert_uint_eq(find(1).failures, 0);
	ck_assert_uint_eq(logged("retry-asked"), 2);
}
END_TEST

/* One has used its key, one was allowed to use it again, one has the fresh key of a re-key. */
START_TEST(those_of_a_state_that_need_permission_are_counted)
{
	size_t n = 0, set_up = 0, held = 0;

	for (unsigned i = 1; i <= 3; i++) {
		const struct uuid uuid = scratch_uuid(i);

		say_hello(i);
		if (i < 3)
			ok(keymap_use(m, find(i).pid, &uuid, ADMIN_NOW, NULL, &fault));
		ok(keymap_system_state(m, &uuid, SYSTEM_CONFIGURED, NULL, 0, ADMIN_NOW, &fault));
		if (i == 2)
			ok(keymap_system_allow(m, &uuid, SYSTEM_ALLOWED, ADMIN_NOW, &fault));
	}
	ok(machines_retry_state(&op, SYSTEM_CONFIGURED, &n, &set_up, &held, &fault));
	ck_assert_uint_eq(n, 3);
	ck_assert_uint_eq(set_up, 3);
	ck_assert_uint_eq(held, 1);
}
END_TEST

START_TEST(those_that_wait_for_a_person_are_not_tried_again)
{
	const struct uuid uuids[] = { scratch_uuid(1), scratch_uuid(2) };
	const struct keymap_hello hello = { .uuid = uuids[0], .address = "192.0.2.1",
					    .version = 3 };
	struct fault why = { 0 };
	size_t n = 0, set_up, held;

	ok(keymap_system_hello(m, &hello, SYSTEM_REFUSED, ADMIN_NOW, NULL, NULL, &fault));
	ok(keymap_system_code(m, &uuids[0], SYSTEM_NOT_KNOWN, &fault));
	say_hello(2);
	ok(keymap_system_state(m, &uuids[1], SYSTEM_REFUSED, "wrong UUID", 0, ADMIN_NOW, &fault));
	ck_assert_int_eq(machines_retry(&op, uuids, 1, &why), KIT_ERR_STATE);
	ck_assert_ptr_nonnull(strstr(why.hint, "allow-setup"));
	ok(machines_retry_state(&op, SYSTEM_REFUSED, &n, &set_up, &held, &fault));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(find(1).state, SYSTEM_REFUSED);
	ck_assert_int_eq(find(2).state, SYSTEM_QUEUED);
}
END_TEST

START_TEST(one_that_is_not_in_the_map_stops_all)
{
	const struct uuid uuids[] = { scratch_uuid(1), scratch_uuid(9) };
	struct fault why = { 0 };

	fail_setup(1);
	ck_assert_int_eq(machines_retry(&op, uuids, 2, &why), KIT_ERR_NOT_FOUND);
	ck_assert_uint_eq(find(1).failures, 1);
	ck_assert(!keymap_in_transaction(m));
	fault_clear(&why);
	ck_assert_int_eq(machines_forget(&op, uuids, 2, &why), KIT_ERR_NOT_FOUND);
	ck_assert_uint_eq(find(1).failures, 1);
	ck_assert_uint_eq(logged("retry-asked") + logged("system-forgotten"), 0);
	ok(machines_forget(&op, uuids, 1, &fault));
	ck_assert_int_eq(keymap_system_find(m, &uuids[0], &(struct system){ 0 }, NULL),
			 KIT_ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_uuid_in_the_other_byte_order_is_named)
{
	const struct uuid known = scratch_uuid(1), other = uuid_swapped(&known);
	const struct keymap_inventory row = { .uuid = scratch_uuid(2), .fqdn = "pc2.example.com" };
	const struct uuid listed = uuid_swapped(&row.uuid);
	char shown[UUID_SHOWN + 1];
	struct fault why = { 0 };
	struct uuid found;

	say_hello(1);
	ck_assert_int_eq(machines_retry(&op, &other, 1, &why), KIT_ERR_NOT_FOUND);
	uuid_show(&known, shown);
	ck_assert_ptr_nonnull(strstr(why.hint, shown));
	ck_assert(machines_swapped(m, &other, &found));
	ck_assert(uuid_equal(&found, &known));
	ck_assert(!machines_swapped(m, &known, &found));
	ck_assert(!machines_swapped(m, &listed, &found));
	ok(keymap_inventory_put(m, &row, &fault));
	ck_assert(machines_swapped(m, &listed, &found));
}
END_TEST

START_TEST(machines_that_have_been_set_up_are_counted)
{
	const struct uuid uuids[] = { scratch_uuid(1), scratch_uuid(2), scratch_uuid(9) };
	size_t n = 7;

	say_hello(1);
	prove(2);
	ok(keymap_system_state(m, &uuids[1], SYSTEM_CONFIGURED, NULL, 0, ADMIN_NOW, &fault));
	ok(machines_configured(&op, uuids, 3, &n, &fault));
	ck_assert_uint_eq(n, 1);
}
END_TEST

START_TEST(machines_whose_passwords_only_the_map_has_are_counted)
{
	const struct uuid uuids[] = { scratch_uuid(1), scratch_uuid(2) };
	const struct system_secrets given = { .next_admin_password = "Given-1!" }, none = { "" };
	size_t n = 7;

	/* Nobody knows how far its set-up came. */
	fail_setup(1);
	fail_setup(2);
	ok(keymap_system_set_secrets(m, &uuids[0], &given, &fault));
	ok(machines_configured(&op, uuids, 2, &n, &fault));
	ck_assert_uint_eq(n, 1);
	/* Or it may have an earlier one. */
	ok(keymap_system_set_secrets(m, &uuids[0], &none, &fault));
	ok(machines_configured(&op, uuids, 2, &n, &fault));
	ck_assert_uint_eq(n, 1);
}
END_TEST

TEST_SUITE("machines")
{
	TCase *tcase = tcase_create("machines");

	tcase_add_checked_fixture(tcase, enter, admin_leave);
	tcase_add_test(tcase, machines_in_a_state_are_due_at_once);
	tcase_add_test(tcase, those_of_a_state_that_need_permission_are_counted);
	tcase_add_test(tcase, those_that_wait_for_a_person_are_not_tried_again);
	tcase_add_test(tcase, one_that_is_not_in_the_map_stops_all);
	tcase_add_test(tcase, a_uuid_in_the_other_byte_order_is_named);
	tcase_add_test(tcase, machines_that_have_been_set_up_are_counted);
	tcase_add_test(tcase, machines_whose_passwords_only_the_map_has_are_counted);
	suite_add_tcase(suite, tcase);
}
