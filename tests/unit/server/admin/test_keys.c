/* Tests of what an operator does to keys: add, revoke, seal again. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "server/admin/keys.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"
#include "tests/support/admin.h"
#include "tests/support/suite.h"

START_TEST(a_pair_is_added_once_and_completed)
{
	struct keyentry e = scratch_pair(1), bare = e;
	enum keymap_added added;

	bare.new_password[0] = '\0';
	ok(keys_add(&op, &bare, "typed", &added, &fault));
	ck_assert_int_eq(added, KEYMAP_ADDED);
	ok(keys_add(&op, &bare, "typed", &added, &fault));
	ck_assert_int_eq(added, KEYMAP_SAME);
	ok(keys_add(&op, &e, "typed", &added, &fault));
	ck_assert_int_eq(added, KEYMAP_COMPLETED);
	strcpy(e.new_password, "0ther-P@ss");
	ok(keys_add(&op, &e, "typed", &added, &fault));
	ck_assert_int_eq(added, KEYMAP_DIFFERS);
	ck_assert_uint_eq(logged("key-added"), 1);
}
END_TEST

START_TEST(another_pps_is_refused_with_what_to_do)
{
	struct keyentry e = scratch_pair(1), other = scratch_pair(2);
	enum keymap_added added;
	struct fault why = { 0 };

	ok(keys_add(&op, &e, "typed", &added, &fault));
	memcpy(other.pair.pid, e.pair.pid, sizeof(other.pair.pid));
	ck_assert_int_eq(keys_add(&op, &other, "typed", &added, &why), KIT_ERR_DUPLICATE);
	ck_assert_ptr_nonnull(strstr(why.what, "is in the map with another PPS"));
	ck_assert_ptr_nonnull(strstr(why.hint, "revoke"));
	ck_assert(!keymap_in_transaction(m));
	ck_assert_uint_eq(keys_in_map(), 1);
}
END_TEST

START_TEST(all_named_keys_are_revoked_or_none)
{
	char pids[2][PID_LENGTH + 1];
	struct keymap_pair before[2];
	struct keymap_counts counts;
	struct fault why = { 0 };

	add_pairs(1, 3);
	memcpy(pids[0], scratch_pair(1).pair.pid, sizeof(pids[0]));
	memcpy(pids[1], scratch_pair(9).pair.pid, sizeof(pids[1]));
	ck_assert_int_eq(keys_revoke(&op, (const char (*)[PID_LENGTH + 1])pids, 2, before, &why),
			 KIT_ERR_NOT_FOUND);
	ok(keymap_count(m, ADMIN_NOW, &counts, &fault));
	ck_assert_uint_eq(counts.revoked, 0);
	memcpy(pids[1], pids[0], sizeof(pids[1]));
	ok(keys_revoke(&op, (const char (*)[PID_LENGTH + 1])pids, 2, before, &fault));
	ck_assert_int_eq(before[0].state, KEYMAP_FREE);
	ck_assert_int_eq(before[1].state, KEYMAP_REVOKED);
	ck_assert_uint_eq(logged("key-revoked"), 1);
}
END_TEST

START_TEST(the_master_key_is_rotated_and_that_is_logged)
{
	struct keyentry have, want = scratch_pair(1);
	bool resumed = true;

	add_pairs(1, 3);
	ok(keys_rotate(&op, NULL, NULL, &resumed, &fault));
	ck_assert(!resumed);
	ck_assert_uint_eq(logged("master-key-rotated"), 1);
	ok(keymap_secrets(m, want.pair.pid, &have, &fault));
	ck_assert_str_eq(have.pair.pps, want.pair.pps);
}
END_TEST

TEST_SUITE("keys")
{
	TCase *tcase = tcase_create("keys");

	tcase_add_checked_fixture(tcase, admin_enter, admin_leave);
	tcase_add_test(tcase, a_pair_is_added_once_and_completed);
	tcase_add_test(tcase, another_pps_is_refused_with_what_to_do);
	tcase_add_test(tcase, all_named_keys_are_revoked_or_none);
	tcase_add_test(tcase, the_master_key_is_rotated_and_that_is_logged);
	suite_add_tcase(suite, tcase);
}
