/* Tests of the seam of the key map: what a name says, kept statements, who holds a store. */
#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/keymap/sql.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

static struct sql *db;

static struct sql *store(void)
{
	const struct sql_options options = { .flags = SQL_CREATE };
	struct sql *out;

	ok(sql_open(&out, "store", &options, &fault));
	return out;
}

static void enter(void)
{
	scratch_enter();
	db = store();
}

static void leave(void)
{
	sql_close(&db);
	scratch_leave();
}

static void run(const char *text)
{
	struct sql_statement *s;

	ok(sql_prepare(db, text, &s, &fault));
	ok(sql_run(s, "try", NULL, &fault));
	sql_free(&s);
}

START_TEST(a_name_says_whether_a_store_is_there)
{
	ck_assert_int_eq(sql_presence("none"), SQL_ABSENT);
	/* Opened, and nothing written. */
	ck_assert_int_eq(sql_presence("store"), SQL_EMPTY);
	run("CREATE TABLE t(n)");
	ck_assert_int_eq(sql_presence("store"), SQL_PRESENT);
	/* What is not a store takes no place of one. */
	ck_assert_int_eq(mkdir("folder", 0700), 0);
	ck_assert_int_eq(sql_presence("folder"), SQL_PRESENT);
}
END_TEST

START_TEST(the_files_of_a_store_begin_with_its_name)
{
	const char *const *endings = sql_endings("store");
	int found = 0;

	ok(sql_settle(db, &fault));
	ok(sql_hold(db, &fault));
	run("CREATE TABLE t(n)");
	ck_assert_str_eq(endings[0], "");
	for (int i = 0; endings[i]; i++) {
		char name[40];

		snprintf(name, sizeof(name), "store%s", endings[i]);
		found += access(name, F_OK) == 0;
	}
	/* The store, its log and the log's index, and the lock. */
	ck_assert_int_eq(found, 4);
}
END_TEST

START_TEST(there_is_room_where_a_store_is_or_would_be)
{
	struct fault why = { 0 };
	uint64_t bytes = 0;

	ok(sql_room("store", &bytes, &fault));
	ck_assert_uint_gt(bytes, 0);
	ok(sql_room("another", &bytes, &fault));
	ck_assert_int_eq(sql_room("no/folder", &bytes, &why), KIT_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(why.what, "no/folder"));
}
END_TEST

START_TEST(a_literal_is_prepared_once)
{
	static const char text[] = "SELECT 1 WHERE ?1 = 7";
	struct sql_statement *a, *b, *c;

	ok(sql_statement(db, text, &a, &fault));
	sql_bind_int(a, 1, 7);
	ck_assert_int_eq(sql_step(a, "try", NULL), 1);
	sql_done(a);
	ok(sql_statement(db, text, &b, &fault));
	ck_assert_ptr_eq(a, b);
	/* sql_done() has forgotten the 7. */
	ck_assert_int_eq(sql_step(b, "try", NULL), 0);
	sql_done(b);
	ok(sql_prepare(db, text, &c, &fault));
	ck_assert_ptr_ne(a, c);
	sql_free(&c);
	ck_assert_ptr_null(c);
	/* One that does not parse is not kept. */
	ck_assert_int_lt(sql_statement(db, "SELEKT", &a, NULL), 0);
	ck_assert_ptr_null(a);
	ck_assert_int_lt(sql_statement(db, "SELEKT", &a, NULL), 0);
}
END_TEST

START_TEST(null_is_null_in_each_type)
{
	struct sql_statement *s;
	size_t size = 9;

	ok(sql_prepare(db, "SELECT ?1 IS NULL, ?2 IS NULL, ?3 IS NULL, ?1", &s, &fault));
	sql_bind_null(s, 1);
	sql_bind_text(s, 2, NULL, 5);
	sql_bind_blob(s, 3, NULL, 5);
	ck_assert_int_eq(sql_step(s, "try", NULL), 1);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(sql_int(s, i), 1);
	ck_assert_ptr_null(sql_text(s, 3, &size));
	ck_assert_uint_eq(size, 0);
	sql_free(&s);
}
END_TEST

START_TEST(a_store_is_held_once_and_free_when_its_holder_closes)
{
	struct sql *other = store();

	ok(sql_hold(db, &fault));
	ck_assert_int_eq(sql_hold(other, NULL), KIT_ERR_BUSY);
	sql_close(&db);
	ok(sql_hold(other, &fault));
	sql_close(&other);
}
END_TEST

TEST_SUITE("sql")
{
	TCase *t = tcase_create("seam");

	tcase_add_checked_fixture(t, enter, leave);
	tcase_add_test(t, a_name_says_whether_a_store_is_there);
	tcase_add_test(t, the_files_of_a_store_begin_with_its_name);
	tcase_add_test(t, there_is_room_where_a_store_is_or_would_be);
	tcase_add_test(t, a_literal_is_prepared_once);
	tcase_add_test(t, null_is_null_in_each_type);
	tcase_add_test(t, a_store_is_held_once_and_free_when_its_holder_closes);
	suite_add_tcase(suite, t);
}
