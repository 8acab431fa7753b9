/* Tests of backup and restore of the key map. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/keymap/backup.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"
#include "server/keymap/rotate.h"
#include "server/keymap/systems.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

START_TEST(a_backup_made_while_others_write_is_whole_and_private)
{
	struct keymap *copy;
	struct stat st;
	pid_t writer;
	unsigned written;
	int progress;

	map_fill();
	writer = map_start_writer(100000, &progress);
	for (int i = 0; i < 5; i++) {
		char name[20], key[24];

		snprintf(name, sizeof(name), "backup%d", i);
		snprintf(key, sizeof(key), "%s.key", name);
		ok(keymap_backup(m, name, true, &fault));
		ck_assert_int_eq(stat(name, &st), 0);
		ck_assert_int_eq(st.st_mode & 07777, 0600);
		ck_assert_int_eq(stat(key, &st), 0);
		ck_assert_int_eq(st.st_mode & 07777, 0600);
		copy = map_open(name, NULL);
		map_check_filled(copy);
		keymap_close(&copy);
	}
	written = map_stop_writer(writer, progress);
	ck_assert_uint_gt(written, 0);
	map_check_pairs(m, 100000, 100000 + written);
	/* Nothing half-made lies about, and nothing that exists is overwritten. */
	ck_assert_int_eq(
		system("test -z \"$(ls | grep -vE '^(map.db|backup[0-9])(.key|-wal|-shm)?$')\""),
		0);
	ck_assert_int_eq(keymap_backup(m, "backup1", true, NULL), KIT_ERR_EXISTS);
	ck_assert_int_eq(unlink("backup1"), 0);
	ck_assert_int_eq(keymap_backup(m, "backup1", true, NULL), KIT_ERR_EXISTS);
	ck_assert_int_ne(access("backup1", F_OK), 0);
}
END_TEST

START_TEST(what_a_killed_backup_has_left_goes_with_the_next)
{
	unsigned left = 0;

	map_fill();
	map_add(2000, 12000);
	/* Until several were cut off with something written. */
	for (unsigned i = 0; left < 5 && i < 500; i++) {
		pid_t child = fork();

		if (child == 0) {
			keymap_backup(map_open("map.db", NULL), "killed", true, NULL);
			_exit(0);
		}
		usleep(1000 + i * 200);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		left += access("killed.unfinished-backup", F_OK) == 0;
		unlink("killed");
		unlink("killed.key");
	}
	ck_assert_uint_ge(left, 5);
	ok(keymap_backup(m, "other", true, &fault));
	ck_assert_int_eq(system("test -z \"$(ls | grep -vE '^(map.db|other)(.key|-wal|-shm)?$')\""),
			 0);
}
END_TEST

START_TEST(a_backup_that_is_being_made_is_left_alone)
{
	int fd = open("same.unfinished-backup", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_int_eq(keymap_backup(m, "same", true, NULL), KIT_ERR_BUSY);
	ok(keymap_backup(m, "other", true, &fault));
	ck_assert_int_eq(access("same.unfinished-backup", F_OK), 0);
	close(fd);
	ok(keymap_backup(m, "same", true, &fault));
	ck_assert_int_ne(access("same.unfinished-backup", F_OK), 0);
}
END_TEST

START_TEST(a_restore_under_an_open_map_is_seen_and_gone_on_with)
{
	struct keymap *other;
	uint32_t before, after;
	bool changed, resumed;
	struct keymap_counts counts;

	map_fill();
	map_keys_in("map.db.key", &before);
	ok(keymap_backup(m, "backup", true, &fault));
	/* Later: more keys, another master key; then all of it is undone. */
	map_add(2000, 2100);
	ok(keymap_rotate(m, NULL, NULL, &resumed, &fault));
	other = map_open("map.db", NULL);
	ok(keymap_changed(m, &changed, &fault));
	ok(keymap_restore("map.db", "map.db.key", "backup", "backup.key", &fault));
	ok(keymap_changed(m, &changed, &fault));
	ck_assert(changed);
	ck_assert_uint_eq(map_keys_in("map.db.key", &after), 1);
	ck_assert_uint_eq(after, before);
	map_check_filled(m);
	map_check_filled(other);
	ok(keymap_count(m, 1000000, &counts, &fault));
	ck_assert_uint_eq(counts.total, 2000);
	map_add(2000, 2010);
	map_check_pairs(other, 2000, 2010);
	keymap_close(&other);
	keymap_close(&m);
	m = scratch_map();
	map_check_filled(m);
}
END_TEST

START_TEST(a_restore_to_a_new_place_needs_no_map_there)
{
	struct keymap *copy;
	struct stat st;

	umask(0);
	map_fill();
	ok(keymap_backup(m, "backup", true, &fault));
	ok(keymap_restore("new.db", "elsewhere.key", "backup", "backup.key", &fault));
	ck_assert_int_eq(stat("new.db", &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(stat("elsewhere.key", &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	copy = map_open("new.db", "elsewhere.key");
	map_check_filled(copy);
	keymap_close(&copy);
}
END_TEST

START_TEST(a_backup_of_another_map_brings_its_own_key)
{
	struct keymap *other;
	const struct keymap_options options = { .flags = KEYMAP_CREATE };

	map_fill();
	ok(keymap_backup(m, "backup", true, &fault));
	ok(keymap_open(&other, "other.db", &options, &fault));
	ok(keymap_restore("other.db", "other.db.key", "backup", "backup.key", &fault));
	map_check_filled(other);
	keymap_close(&other);
}
END_TEST

START_TEST(a_damaged_backup_or_one_without_its_key_is_refused)
{
	char junk[4096];
	int fd;

	map_fill();
	ok(keymap_backup(m, "backup", true, &fault));
	map_add(2000, 2001);
	ck_assert_int_eq(keymap_restore("map.db", "map.db.key", "nowhere", "backup.key", NULL),
			 KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(keymap_restore("map.db", "map.db.key", "backup", "nowhere", NULL),
			 KIT_ERR_NOT_FOUND);
	memset(junk, 0x5A, sizeof(junk));
	fd = open("backup", O_WRONLY);
	ck_assert_int_eq(pwrite(fd, junk, sizeof(junk), 4 * 4096), sizeof(junk));
	close(fd);
	ck_assert_int_eq(keymap_restore("map.db", "map.db.key", "backup", "backup.key", NULL),
			 KIT_ERR_DATABASE);
	fd = open("backup", O_WRONLY);
	ck_assert_int_eq(pwrite(fd, junk, sizeof(junk), 0), sizeof(junk));
	close(fd);
	ck_assert_int_eq(keymap_restore("map.db", "map.db.key", "backup", "backup.key", NULL),
			 KIT_ERR_FORMAT);
	map_check_filled(m);
	map_check_pairs(m, 2000, 2001);
}
END_TEST

START_TEST(damage_is_found)
{
	char junk[4096];
	int fd;

	map_fill();
	ok(keymap_check(m, &fault));
	keymap_close(&m);
	memset(junk, 0x5A, sizeof(junk));
	fd = open("map.db", O_WRONLY);
	ck_assert_int_eq(pwrite(fd, junk, sizeof(junk), 20 * 4096), sizeof(junk));
	close(fd);
	m = scratch_map();
	ck_assert_int_eq(keymap_check(m, NULL), KIT_ERR_DATABASE);
}
END_TEST

START_TEST(a_backup_without_key_file_can_be_asked_for)
{
	map_fill();
	ok(keymap_backup(m, "backup", false, &fault));
	ck_assert_int_ne(access("backup.key", F_OK), 0);
	ok(keymap_restore("new.db", "new.key", "backup", "map.db.key", &fault));
}
END_TEST

TEST_SUITE("backup")
{
	TCase *tcase = tcase_create("backup");

	tcase_add_checked_fixture(tcase, map_enter, map_leave);
	tcase_add_test(tcase, a_backup_made_while_others_write_is_whole_and_private);
	tcase_add_test(tcase, what_a_killed_backup_has_left_goes_with_the_next);
	tcase_add_test(tcase, a_backup_that_is_being_made_is_left_alone);
	tcase_add_test(tcase, a_restore_under_an_open_map_is_seen_and_gone_on_with);
	tcase_add_test(tcase, a_restore_to_a_new_place_needs_no_map_there);
	tcase_add_test(tcase, a_backup_of_another_map_brings_its_own_key);
	tcase_add_test(tcase, a_damaged_backup_or_one_without_its_key_is_refused);
	tcase_add_test(tcase, damage_is_found);
	tcase_add_test(tcase, a_backup_without_key_file_can_be_asked_for);
	suite_add_tcase(suite, tcase);
}
