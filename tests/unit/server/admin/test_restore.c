/* Tests of an operator's backup and restore: what was there is put aside first. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/admin/restore.h"
#include "tests/support/admin.h"
#include "tests/support/suite.h"

static struct restore restore(void)
{
	return (struct restore){ .map = "map.db", .key_file = "map.db.key", .backup = "saved.db",
				 .backup_key = "saved.db.key" };
}

START_TEST(the_map_that_was_there_is_put_aside_under_a_name_of_its_own)
{
	struct restore r = restore();
	char first[PATH_MAX];

	add_pairs(0, 2);
	ok(restore_backup(&op, "saved.db", true, &fault));
	add_pairs(2, 5);
	ok(restore_check(&r, &fault));
	ok(restore_map(&r, &op, &fault));
	ck_assert_uint_eq(r.before.total, 5);
	ck_assert_uint_eq(r.after.total, 2);
	ck_assert_str_eq(r.aside, "map.db.before-restore-20231114T221320Z");
	ck_assert_int_eq(access(r.aside, R_OK), 0);
	memcpy(first, r.aside, sizeof(first));
	ok(restore_map(&r, &op, &fault));
	ck_assert_str_eq(r.aside, "map.db.before-restore-20231114T221320Z-2");
	ck_assert_uint_eq(keys_in_map(), 2);
	ck_assert_uint_eq(logged("map-restored"), 1);	/* the first one's was replaced, too */
}
END_TEST

START_TEST(there_may_be_no_map)
{
	struct restore r = restore();

	add_pairs(0, 2);
	ok(restore_backup(&op, "saved.db", true, &fault));
	ck_assert_uint_eq(logged("map-backed-up"), 1);
	r.map = "new.db";
	r.key_file = "new.db.key";
	ok(restore_map(&r, &op, &fault));
	ck_assert_str_eq(r.aside, "");
	ck_assert_uint_eq(r.after.total, 2);
}
END_TEST

START_TEST(a_map_that_cannot_be_opened_stops_it)
{
	struct restore r = restore();
	struct fault why = { 0 };

	ok(restore_backup(&op, "saved.db", true, &fault));
	put_file("broken.db", "this is not a database, and long enough to be read as one");
	r.map = "broken.db";
	r.key_file = "broken.db.key";
	ck_assert_int_lt(restore_map(&r, &op, &why), 0);
	ck_assert_ptr_nonnull(strstr(why.what, "cannot be put aside"));
	ck_assert_ptr_nonnull(strstr(why.hint, "away, then restore again"));
	ck_assert_str_eq(r.aside, "");
}
END_TEST

TEST_SUITE("restore")
{
	TCase *tcase = tcase_create("restore");

	tcase_add_checked_fixture(tcase, admin_enter, admin_leave);
	tcase_add_test(tcase, the_map_that_was_there_is_put_aside_under_a_name_of_its_own);
	tcase_add_test(tcase, there_may_be_no_map);
	tcase_add_test(tcase, a_map_that_cannot_be_opened_stops_it);
	suite_add_tcase(suite, tcase);
}
