/* Tests of a new master key: cut off anywhere, beside others that write. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/keymap/keymap.h"
#include "server/keymap/rotate.h"
#include "server/keymap/seal.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

/* How many sealed values were sealed with the key ID? */
static long long sealed_with(uint32_t id)
{
	char sql[900];
	uint8_t le[4] = { (uint8_t)id, (uint8_t)(id >> 8), (uint8_t)(id >> 16),
			  (uint8_t)(id >> 24) };

	snprintf(
		sql, sizeof(sql),
		"SELECT sum(n) FROM (SELECT count(*) n FROM (SELECT pps x FROM"
		" csti_pid_map UNION ALL SELECT current_password FROM csti_pid_map UNION ALL SELECT"
		" admin_password FROM csti_pid_map UNION ALL SELECT admin_password FROM csti_amts"
		" UNION ALL SELECT next_admin_password FROM csti_amts"
		" UNION ALL SELECT mebx_password FROM csti_amts"
		" UNION ALL SELECT mebx_password FROM profiles UNION ALL SELECT otp"
		" FROM inventory UNION ALL SELECT proof FROM master_key)"
		" WHERE substr(x, 1, 4) = x'%02x%02x%02x%02x')",
		le[0], le[1], le[2], le[3]);
	return scratch_sql(sql);
}

START_TEST(rotation_leaves_nothing_sealed_with_the_old_key)
{
	struct keymap *other;
	uint32_t old, fresh;
	bool resumed;

	map_fill();
	ck_assert_uint_eq(map_keys_in("map.db.key", &old), 1);
	ck_assert_int_eq(sealed_with(old), 6000 + 3 + 1 + 1 + 600);
	other = map_open("map.db", NULL);
	ok(keymap_rotate(m, NULL, NULL, &resumed, &fault));
	ck_assert(!resumed);
	ck_assert_uint_eq(map_keys_in("map.db.key", &fresh), 1);
	ck_assert_uint_eq(fresh, old + 1);
	ck_assert_int_eq(sealed_with(old), 0);
	ck_assert_int_eq(sealed_with(fresh), 6000 + 3 + 1 + 1 + 600);
	map_check_filled(m);
	/* A process that had the map open all the time reads on, and writes with the new key. */
	map_check_filled(other);
	keymap_close(&m);
	m = other;
	map_add(2000, 2001);
	ck_assert_int_eq(sealed_with(old), 0);
	keymap_close(&m);
	m = scratch_map();
	map_check_filled(m);
	ok(keymap_rotate(m, NULL, NULL, &resumed, &fault));
	map_check_pairs(m, 0, 2001);
}
END_TEST

static uint64_t cut_at;

static void cut(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	(void)total;
	if (done >= cut_at)
		raise(SIGKILL);
}

START_TEST(a_killed_rotation_can_be_gone_on_with_and_the_map_works_meanwhile)
{
	uint32_t old, fresh;
	bool resumed;
	int status;

	map_fill();
	map_keys_in("map.db.key", &old);
	keymap_close(&m);
	for (cut_at = 1; cut_at < 2000; cut_at += 600) {
		pid_t child = fork();

		if (child == 0) {
			m = map_open("map.db", NULL);
			keymap_rotate(m, cut, NULL, &resumed, NULL);
			_exit(0);
		}
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert(WIFSIGNALED(status));
		ck_assert_uint_eq(map_keys_in("map.db.key", &fresh), 2);
		ck_assert_uint_eq(fresh, old + 1);
		m = map_open("map.db", NULL);
		map_check_filled(m);
		keymap_close(&m);
	}
	m = map_open("map.db", NULL);
	map_add(5000, 5001);
	ok(keymap_rotate(m, NULL, NULL, &resumed, &fault));
	ck_assert(resumed);
	ck_assert_uint_eq(map_keys_in("map.db.key", &fresh), 1);
	ck_assert_uint_eq(fresh, old + 1);
	ck_assert_int_eq(sealed_with(old), 0);
	map_check_filled(m);
	map_check_pairs(m, 5000, 5001);
}
END_TEST

START_TEST(a_rotation_cut_between_key_file_and_map_goes_on)
{
	struct seal *s;
	uint32_t newest;
	bool resumed;

	/* The new key is in the file, and the map does not know it yet. */
	map_fill();
	ok(seal_load(&s, "map.db.key", &fault));
	ok(seal_add_key(s, "map.db.key", &fault));
	seal_free(&s);
	keymap_close(&m);
	m = scratch_map();
	map_check_filled(m);
	map_add(2000, 2001);
	ok(keymap_rotate(m, NULL, NULL, &resumed, &fault));
	ck_assert(resumed);
	ck_assert_uint_eq(map_keys_in("map.db.key", &newest), 1);
	map_check_pairs(m, 0, 2001);
}
END_TEST

START_TEST(rotation_goes_on_beside_a_process_that_writes)
{
	uint32_t old;
	bool resumed;
	pid_t writer;
	unsigned written;
	int progress;

	map_fill();
	map_keys_in("map.db.key", &old);
	writer = map_start_writer(100000, &progress);
	keymap_set_wait(m, 10000);
	ok(keymap_rotate(m, NULL, NULL, &resumed, &fault));
	written = map_stop_writer(writer, progress);
	ck_assert_int_eq(sealed_with(old), 0);
	map_check_filled(m);
	map_check_pairs(m, 100000, 100000 + written);
}
END_TEST

TEST_SUITE("rotate")
{
	TCase *tcase = tcase_create("rotate");

	tcase_add_checked_fixture(tcase, map_enter, map_leave);
	tcase_add_test(tcase, rotation_leaves_nothing_sealed_with_the_old_key);
	tcase_add_test(tcase, a_killed_rotation_can_be_gone_on_with_and_the_map_works_meanwhile);
	tcase_add_test(tcase, a_rotation_cut_between_key_file_and_map_goes_on);
	tcase_add_test(tcase, rotation_goes_on_beside_a_process_that_writes);
	suite_add_tcase(suite, tcase);
}
