/* Tests of a new master key: cut off anywhere, beside others that write. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "server/keymap/backup.h"
#include "server/keymap/inventory.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"
#include "server/keymap/profiles.h"
#include "server/keymap/rotate.h"
#include "server/keymap/seal.h"
#include "server/keymap/systems.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

#define NOW	1000000

static void add(unsigned from, unsigned to)
{
	ok(keymap_begin(m, &fault));
	for (unsigned i = from; i < to; i++) {
		struct keyentry e = scratch_pair(i);

		ok(keymap_add(m, &e, 0, NULL, &fault));
	}
	ok(keymap_commit(m, &fault));
}

/* Do the pairs FROM..TO-1 of MAP have the secrets that they were made with? */
static void check_secrets(struct keymap *map, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		struct keyentry want = scratch_pair(i), have;

		ok(keymap_secrets(map, want.pair.pid, &have, &fault));
		ck_assert_mem_eq(&have, &want, sizeof(have));
	}
}

static struct keymap *open_map(const char *path, const char *key_file)
{
	const struct keymap_options options = { .key_file = key_file };
	struct keymap *map;

	ok(keymap_open(&map, path, &options, &fault));
	return map;
}

static unsigned keys_in(const char *path, uint32_t *newest)
{
	struct seal *s;
	unsigned n;

	ok(seal_load(&s, path, &fault));
	n = seal_keys(s);
	*newest = seal_newest(s);
	seal_free(&s);
	return n;
}

static void seal_everything(void)
{
	struct system_secrets secrets = { "Admin-One1!", "Admin-Two2!", "Mebx-One1!", "" };
	struct uuid uuid = scratch_uuid(1);
	const struct keymap_hello hello = { uuid, NULL, "192.0.2.1", 2, 0 };
	struct profile p;

	struct keymap_inventory known = { .fqdn = "" };

	/* More than one transaction's rows of them, too. */
	ok(keymap_begin(m, &fault));
	for (unsigned i = 0; i < 600; i++) {
		known.uuid = scratch_uuid(i);
		ok(keymap_inventory_put(m, &known, &fault));
		ok(keymap_inventory_set_otp(m, &known.uuid, "0ne.Time.Only", &fault));
	}
	ok(keymap_commit(m, &fault));
	add(0, 2000);
	ok(keymap_system_hello(m, &hello, SYSTEM_QUEUED, NOW, NULL, NULL, &fault));
	ok(keymap_system_set_secrets(m, &uuid, &secrets, &fault));
	ok(profile_init(&p, "office", &fault));
	strcpy(p.mebx_password, "Profile-One1!");
	ok(keymap_profile_put(m, &p, &fault));
}

static void check_everything(struct keymap *map)
{
	struct uuid uuid = scratch_uuid(1);
	struct system_secrets secrets;
	char otp[PASSWORD_MAX + 1];
	struct profile p;

	for (unsigned i = 0; i < 600; i += 599) {
		struct uuid other = scratch_uuid(i);

		ok(keymap_inventory_otp(map, &other, otp, &fault));
		ck_assert_str_eq(otp, "0ne.Time.Only");
	}
	check_secrets(map, 0, 2000);
	ok(keymap_system_secrets(map, &uuid, &secrets, &fault));
	ck_assert_str_eq(secrets.next_admin_password, "Admin-Two2!");
	ck_assert_str_eq(secrets.mebx_password, "Mebx-One1!");
	ok(keymap_profile_find(map, "office", &p, &fault));
	ck_assert_str_eq(p.mebx_password, "Profile-One1!");
}

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

	seal_everything();
	ck_assert_uint_eq(keys_in("map.db.key", &old), 1);
	ck_assert_int_eq(sealed_with(old), 6000 + 3 + 1 + 1 + 600);
	other = open_map("map.db", NULL);
	ok(keymap_rotate(m, NULL, NULL, &resumed, &fault));
	ck_assert(!resumed);
	ck_assert_uint_eq(keys_in("map.db.key", &fresh), 1);
	ck_assert_uint_eq(fresh, old + 1);
	ck_assert_int_eq(sealed_with(old), 0);
	ck_assert_int_eq(sealed_with(fresh), 6000 + 3 + 1 + 1 + 600);
	check_everything(m);
	/* A process that had the map open all the time reads on, and writes with the new key. */
	check_everything(other);
	keymap_close(&m);
	m = other;
	add(2000, 2001);
	ck_assert_int_eq(sealed_with(old), 0);
	keymap_close(&m);
	m = scratch_map();
	check_everything(m);
	ok(keymap_rotate(m, NULL, NULL, &resumed, &fault));
	check_secrets(m, 0, 2001);
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

	seal_everything();
	keys_in("map.db.key", &old);
	keymap_close(&m);
	for (cut_at = 1; cut_at < 2000; cut_at += 600) {
		pid_t child = fork();

		if (child == 0) {
			m = open_map("map.db", NULL);
			keymap_rotate(m, cut, NULL, &resumed, NULL);
			_exit(0);
		}
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert(WIFSIGNALED(status));
		ck_assert_uint_eq(keys_in("map.db.key", &fresh), 2);
		ck_assert_uint_eq(fresh, old + 1);
		m = open_map("map.db", NULL);
		check_everything(m);
		keymap_close(&m);
	}
	m = open_map("map.db", NULL);
	add(5000, 5001);
	ok(keymap_rotate(m, NULL, NULL, &resumed, &fault));
	ck_assert(resumed);
	ck_assert_uint_eq(keys_in("map.db.key", &fresh), 1);
	ck_assert_uint_eq(fresh, old + 1);
	ck_assert_int_eq(sealed_with(old), 0);
	check_everything(m);
	check_secrets(m, 5000, 5001);
}
END_TEST

START_TEST(a_rotation_cut_between_key_file_and_map_goes_on)
{
	struct seal *s;
	uint32_t newest;
	bool resumed;

	/* The new key is in the file, and the map does not know it yet. */
	seal_everything();
	ok(seal_load(&s, "map.db.key", &fault));
	ok(seal_add_key(s, "map.db.key", &fault));
	seal_free(&s);
	keymap_close(&m);
	m = scratch_map();
	check_everything(m);
	add(2000, 2001);
	ok(keymap_rotate(m, NULL, NULL, &resumed, &fault));
	ck_assert(resumed);
	ck_assert_uint_eq(keys_in("map.db.key", &newest), 1);
	check_secrets(m, 0, 2001);
}
END_TEST

/* A process that adds pairs FROM, FROM + 1... each in a transaction, until it is killed. */
static pid_t start_writer(unsigned from, int *progress)
{
	int ends[2];
	pid_t child;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		m = open_map("map.db", NULL);
		for (unsigned i = from;; i++) {
			struct keyentry e = scratch_pair(i);

			if (keymap_add(m, &e, 0, NULL, NULL) || write(ends[1], "x", 1) != 1)
				_exit(1);
		}
	}
	close(ends[1]);
	*progress = ends[0];
	return child;
}

static unsigned stop_writer(pid_t child, int progress)
{
	unsigned n = 0;
	char c;
	int status;

	ck_assert_int_eq(waitpid(child, &status, WNOHANG), 0);	/* it has met no error */
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	while (read(progress, &c, 1) == 1)
		n++;
	close(progress);
	return n;
}

START_TEST(rotation_goes_on_beside_a_process_that_writes)
{
	uint32_t old;
	bool resumed;
	pid_t writer;
	unsigned written;
	int progress;

	seal_everything();
	keys_in("map.db.key", &old);
	writer = start_writer(100000, &progress);
	keymap_set_wait(m, 10000);
	ok(keymap_rotate(m, NULL, NULL, &resumed, &fault));
	written = stop_writer(writer, progress);
	ck_assert_int_eq(sealed_with(old), 0);
	check_everything(m);
	check_secrets(m, 100000, 100000 + written);
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
