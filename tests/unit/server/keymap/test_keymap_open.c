/* Opening the key map: who may read it, whose key file it is, and its first use. */
#include <check.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/keymap/pairs.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

static void enter(void)
{
	umask(0);
	map_enter();
}

static void add(unsigned n)
{
	struct keyentry e = scratch_pair(n);

	ok(keymap_add(m, &e, 0, NULL, &fault));
}

static int open_again(unsigned flags, const char *key_file, char *what)
{
	const struct keymap_options options = { .flags = flags, .key_file = key_file,
						.wait_ms = 100 };
	struct fault fault = { 0 };
	struct keymap *again;
	int rc = keymap_open(&again, "map.db", &options, &fault);

	ck_assert_int_eq(rc, fault.code);
	ck_assert(!rc == !!again);
	if (rc)
		ck_assert(fault.what[0] && fault.hint[0]);
	if (what)
		snprintf(what, sizeof(fault.what), "%s", fault.what);
	keymap_close(&again);
	return rc;
}

START_TEST(the_map_and_all_beside_it_are_private_whatever_the_umask)
{
	static const char *const names[] = { "map.db", "map.db-wal", "map.db-shm", "map.db.key" };
	struct stat st;

	add(1);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(stat(names[i], &st), 0);
		ck_assert_int_eq(st.st_mode & 07777, 0600);
	}
}
END_TEST

START_TEST(a_map_or_key_file_that_others_can_read_is_refused)
{
	keymap_close(&m);
	ck_assert_int_eq(chmod("map.db", 0640), 0);
	ck_assert_int_eq(open_again(0, NULL, NULL), KIT_ERR_PERMISSION);
	ck_assert_int_eq(chmod("map.db", 0600), 0);
	ck_assert_int_eq(chmod("map.db.key", 0604), 0);
	ck_assert_int_eq(open_again(0, NULL, NULL), KIT_ERR_PERMISSION);
	ck_assert_int_eq(chmod("map.db.key", 0600), 0);
	ck_assert_int_eq(open_again(0, NULL, NULL), 0);
}
END_TEST

START_TEST(what_is_no_key_map_is_refused_and_left_as_it_is)
{
	char what[400], bytes[5000];
	int fd;

	keymap_close(&m);
	unlink("map.db");
	ck_assert_int_eq(open_again(0, NULL, what), KIT_ERR_NOT_FOUND);
	ck_assert_int_ne(access("map.db", F_OK), 0);

	memset(bytes, 'x', sizeof(bytes));
	fd = open("map.db", O_CREAT | O_WRONLY, 0600);
	ck_assert_int_eq(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	close(fd);
	ck_assert_int_eq(open_again(KEYMAP_CREATE, NULL, what), KIT_ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(what, "not a database"));
	ck_assert(scratch_holds(bytes, sizeof(bytes)));

	/* Another program's database: not even its journal mode changes. */
	unlink("map.db");
	fd = open("map.db", O_CREAT | O_WRONLY, 0600);
	close(fd);
	scratch_sql("CREATE TABLE other(x)");
	ck_assert_int_eq(open_again(KEYMAP_CREATE, NULL, what), KIT_ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(what, "not a key map"));
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM sqlite_schema"), 1);
	ck_assert_int_eq(scratch_sql("SELECT journal_mode = 'delete' FROM pragma_journal_mode"), 1);

	unlink("map.db");
	ck_assert_int_eq(mkdir("map.db", 0700), 0);
	ck_assert_int_ne(open_again(KEYMAP_CREATE, NULL, what), 0);
}
END_TEST

START_TEST(a_map_of_a_newer_kit_is_refused)
{
	keymap_close(&m);
	scratch_sql("PRAGMA user_version = 99");
	ck_assert_int_eq(open_again(0, NULL, NULL), KIT_ERR_FORMAT);
}
END_TEST

START_TEST(without_its_own_key_file_a_map_is_refused)
{
	struct keymap_options options = { .flags = KEYMAP_CREATE };
	struct keymap *other;
	char what[400];

	keymap_close(&m);
	ck_assert_int_eq(rename("map.db.key", "kept"), 0);
	ck_assert_int_eq(open_again(KEYMAP_CREATE, NULL, what), KIT_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(what, "map.db.key"));
	/* Nor may a fresh key file appear, which would look as if all were well. */
	ck_assert_int_ne(access("map.db.key", F_OK), 0);
	ok(keymap_open(&other, "other.db", &options, &fault));
	keymap_close(&other);
	ck_assert_int_eq(open_again(0, "other.db.key", what), KIT_ERR_FORGED);
	ck_assert_int_eq(open_again(0, "kept", NULL), 0);
}
END_TEST

START_TEST(a_map_that_was_cut_short_is_not_made_anew)
{
	char what[400];
	struct stat st;

	keymap_close(&m);
	ck_assert_int_eq(truncate("map.db", 0), 0);
	ck_assert_int_eq(open_again(KEYMAP_CREATE, NULL, what), KIT_ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(what, "cut short"));
	ck_assert_int_eq(stat("map.db", &st), 0);
	ck_assert_int_eq(st.st_size, 0);
	/* An empty file alone is nobody's map. */
	unlink("map.db.key");
	ck_assert_int_eq(open_again(KEYMAP_CREATE, NULL, NULL), 0);
}
END_TEST

START_TEST(a_first_use_that_was_cut_off_is_taken_up_again)
{
	sqlite3 *db;

	/* Cut after the key file was made, before the tables were committed. */
	keymap_close(&m);
	ck_assert_int_eq(truncate("map.db", 0), 0);
	ck_assert_int_eq(sqlite3_open("map.db", &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	ck_assert_int_eq(open_again(0, NULL, NULL), KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(open_again(KEYMAP_CREATE, NULL, NULL), 0);
}
END_TEST

START_TEST(two_first_uses_at_once_make_one_map)
{
	pid_t children[8];
	int status;

	keymap_close(&m);
	unlink("map.db");
	unlink("map.db.key");
	for (unsigned i = 0; i < 8; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			const struct keymap_options options = { .flags = KEYMAP_CREATE };
			struct fault fault = { 0 };

			if (keymap_open(&m, "map.db", &options, &fault)) {
				fprintf(stderr, "%s\n", fault.what);
				_exit(1);
			}
			add(i);
			keymap_close(&m);
			_exit(0);
		}
	}
	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
		ck_assert_int_eq(status, 0);
	}
	m = scratch_map();
	for (unsigned i = 0; i < 8; i++) {
		struct keyentry e = scratch_pair(i), out;

		ok(keymap_secrets(m, e.pair.pid, &out, &fault));
		ck_assert_str_eq(out.pair.pps, e.pair.pps);
	}
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM master_key"), 1);
}
END_TEST

TEST_SUITE("opening the key map")
{
	TCase *t = tcase_create("opening");

	tcase_add_checked_fixture(t, enter, map_leave);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, the_map_and_all_beside_it_are_private_whatever_the_umask);
	tcase_add_test(t, a_map_or_key_file_that_others_can_read_is_refused);
	tcase_add_test(t, what_is_no_key_map_is_refused_and_left_as_it_is);
	tcase_add_test(t, a_map_of_a_newer_kit_is_refused);
	tcase_add_test(t, without_its_own_key_file_a_map_is_refused);
	tcase_add_test(t, a_map_that_was_cut_short_is_not_made_anew);
	tcase_add_test(t, a_first_use_that_was_cut_off_is_taken_up_again);
	tcase_add_test(t, two_first_uses_at_once_make_one_map);
	suite_add_tcase(suite, t);
}
