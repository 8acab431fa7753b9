/* Tests of exporting keys: which go out, that none does twice, and what is left when it fails. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/admin/export.h"
#include "server/admin/keys.h"
#include "server/keymap/keymap.h"
#include "tests/support/admin.h"
#include "tests/support/suite.h"

static struct fault why;

static int export_to(struct export *e)
{
	int rc;

	memset(&why, 0, sizeof(why));
	rc = export_keys(e, &op, &why);
	ck_assert(!keymap_in_transaction(m));
	return rc;
}

static unsigned lines(const char *name)
{
	FILE *file = fopen(name, "r");
	unsigned n = 0;
	int c;

	ck_assert_ptr_nonnull(file);
	while ((c = getc(file)) != EOF)
		n += c == '\n';
	fclose(file);
	return n;
}

START_TEST(free_keys_go_out_once)
{
	struct export e = { .number = 2, .output.list_path = "two.csv" };

	add_pairs(0, 3);
	ck_assert_int_eq(export_to(&e), 0);
	ck_assert_uint_eq(e.exported, 2);
	ck_assert_uint_eq(lines("two.csv"), 3);
	e = (struct export){ .output.list_path = "rest.csv" };
	ck_assert_int_eq(export_to(&e), 0);
	ck_assert_uint_eq(e.exported, 1);
	e.output.list_path = "none.csv";
	ck_assert_int_eq(export_to(&e), KIT_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(why.what, "no free keys that never went out"));
	ck_assert_int_ne(access("none.csv", F_OK), 0);
	e.again = true;
	ck_assert_int_eq(export_to(&e), 0);
	ck_assert_uint_eq(e.exported, 3);
	ck_assert_uint_eq(logged("keys-exported"), 3);
}
END_TEST

START_TEST(a_setup_bin_and_a_list_hold_the_same_keys)
{
	struct export e = { .output = { .list_path = "keys.csv", .setupbin_path = "setup.bin",
					.version = { 2, 1 } } };

	add_pairs(0, 5);
	ck_assert_int_eq(export_to(&e), 0);
	ck_assert_uint_eq(e.exported, 5);
	ck_assert_uint_eq(lines("keys.csv"), 6);
	ck_assert_int_eq(access("setup.bin", R_OK), 0);
}
END_TEST

START_TEST(a_key_that_is_named_and_cannot_go_out_says_why)
{
	struct keyentry used = scratch_pair(0), free_one = scratch_pair(1),
			unknown = scratch_pair(9);
	char pids[2][PID_LENGTH + 1];
	struct export e = { .pids = (const char (*)[PID_LENGTH + 1])pids, .n_pids = 1,
			    .output.list_path = "named.csv" };

	add_pairs(0, 2);
	prove(0);
	memcpy(pids[0], used.pair.pid, sizeof(pids[0]));
	ck_assert_int_eq(export_to(&e), KIT_ERR_STATE);
	ck_assert_ptr_nonnull(strstr(why.what, " is used; nothing was exported"));
	memcpy(pids[0], unknown.pair.pid, sizeof(pids[0]));
	ck_assert_int_eq(export_to(&e), KIT_ERR_NOT_FOUND);
	memcpy(pids[0], free_one.pair.pid, sizeof(pids[0]));
	memcpy(pids[1], free_one.pair.pid, sizeof(pids[1]));
	e.n_pids = 2;
	ck_assert_int_eq(export_to(&e), KIT_ERR_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(why.what, "is named twice"));
	e.n_pids = 1;
	ck_assert_int_eq(export_to(&e), 0);
	e.output.list_path = "again.csv";
	ck_assert_int_eq(export_to(&e), KIT_ERR_STATE);
	ck_assert_ptr_nonnull(strstr(why.what, "(export named.csv)"));
}
END_TEST

START_TEST(a_file_that_cannot_be_made_leaves_the_keys_unmarked)
{
	struct export e = { .output.list_path = "nowhere/keys.csv" };

	add_pairs(0, 2);
	ck_assert_int_lt(export_to(&e), 0);
	e.output.list_path = "keys.csv";
	ck_assert_int_eq(export_to(&e), 0);
	ck_assert_uint_eq(e.exported, 2);
}
END_TEST

TEST_SUITE("export")
{
	TCase *tcase = tcase_create("export");

	tcase_add_checked_fixture(tcase, admin_enter, admin_leave);
	tcase_add_test(tcase, free_keys_go_out_once);
	tcase_add_test(tcase, a_setup_bin_and_a_list_hold_the_same_keys);
	tcase_add_test(tcase, a_key_that_is_named_and_cannot_go_out_says_why);
	tcase_add_test(tcase, a_file_that_cannot_be_made_leaves_the_keys_unmarked);
	suite_add_tcase(suite, tcase);
}
