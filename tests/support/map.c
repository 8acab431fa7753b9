/* A key map in a temporary folder, and raw access to its tables, for tests. */
#include "tests/support/map.h"

#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/keymap/inventory.h"
#include "server/keymap/pairs.h"
#include "server/keymap/profiles.h"
#include "server/keymap/seal.h"
#include "server/keymap/systems.h"

struct keymap *scratch_map(void)
{
	const struct keymap_options options = { .flags = KEYMAP_CREATE, .wait_ms = 200 };
	struct fault fault = { 0 };
	struct keymap *map;

	ck_assert_msg(keymap_open(&map, "map.db", &options, &fault) == 0, "%s", fault.what);
	return map;
}

struct keymap *m;

void map_enter(void)
{
	scratch_enter();
	m = scratch_map();
}

void map_leave(void)
{
	keymap_close(&m);
	scratch_leave();
}

long long scratch_sql(const char *sql)
{
	sqlite3_stmt *s = NULL;
	long long value = 0;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open_v2("map.db", &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_busy_timeout(db, 1000), SQLITE_OK);
	ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK, "%s: %s", sql,
		      sqlite3_errmsg(db));
	if (sqlite3_step(s) == SQLITE_ROW)
		value = sqlite3_column_int64(s, 0);
	ck_assert_msg(sqlite3_finalize(s) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	return value;
}

static bool file_holds(const char *name, const void *bytes, size_t size)
{
	FILE *file = fopen(name, "r");
	struct stat st;
	char *all;
	bool found;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fstat(fileno(file), &st), 0);
	all = malloc((size_t)st.st_size + 1);
	ck_assert_ptr_nonnull(all);
	ck_assert_uint_eq(fread(all, 1, (size_t)st.st_size, file), (size_t)st.st_size);
	found = memmem(all, (size_t)st.st_size, bytes, size) != NULL;
	free(all);
	fclose(file);
	return found;
}

bool scratch_holds(const void *bytes, size_t size)
{
	DIR *dir = opendir(".");
	struct dirent *entry;
	bool found = false;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)))
		if (entry->d_type == DT_REG && file_holds(entry->d_name, bytes, size))
			found = true;
	closedir(dir);
	return found;
}

/* Seven or three free characters that spell N, and their check character. */
static void spell(char *out, size_t free_characters, unsigned n)
{
	for (size_t i = free_characters; i-- > 0; n /= 36)
		out[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n % 36];
	out[free_characters] = pidpps_check_character(out, free_characters);
}

struct keyentry scratch_pair(unsigned n)
{
	struct keyentry e = { .used = false };

	spell(e.pair.pid, PID_LENGTH - 1, n);
	for (size_t group = 0; group < PPS_LENGTH; group += 4)
		spell(e.pair.pps + group, 3, n * 8 + 4711 + (unsigned)group);
	strcpy(e.current_password, "admin");
	snprintf(e.new_password, sizeof(e.new_password), "New-Secret%u!", n);
	ck_assert_int_eq(pidpps_check_pid(e.pair.pid), 0);
	ck_assert_int_eq(pidpps_check_pps(e.pair.pps), 0);
	return e;
}

struct uuid scratch_uuid(unsigned n)
{
	struct uuid uuid = { { 0x93, 0x9b, 0x52, 0x4b, 0x13, 0xd4, 0x1d, 0x18, 0xe4, 0x87 } };

	memcpy(uuid.bytes + 12, &n, sizeof(n));
	return uuid;
}

void map_add(unsigned from, unsigned to)
{
	ok(keymap_begin(m, &fault));
	for (unsigned i = from; i < to; i++) {
		struct keyentry e = scratch_pair(i);

		ok(keymap_add(m, &e, 0, NULL, &fault));
	}
	ok(keymap_commit(m, &fault));
}

void map_check_pairs(struct keymap *map, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		struct keyentry want = scratch_pair(i), have;

		ok(keymap_secrets(map, want.pair.pid, &have, &fault));
		ck_assert_mem_eq(&have, &want, sizeof(have));
	}
}

struct keymap *map_open(const char *path, const char *key_file)
{
	const struct keymap_options options = { .key_file = key_file };
	struct keymap *map;

	ok(keymap_open(&map, path, &options, &fault));
	return map;
}

unsigned map_keys_in(const char *path, uint32_t *newest)
{
	struct seal *s;
	unsigned n;

	ok(seal_load(&s, path, &fault));
	n = seal_keys(s);
	*newest = seal_newest(s);
	seal_free(&s);
	return n;
}

void map_fill(void)
{
	struct system_secrets secrets = { "Admin-One1!", "Admin-Two2!", "Mebx-One1!", "" };
	struct uuid uuid = scratch_uuid(1);
	const struct keymap_hello hello = { uuid, NULL, "192.0.2.1", 2, 0 };
	struct keymap_inventory known = { .fqdn = "" };
	struct profile p;

	ok(keymap_begin(m, &fault));
	for (unsigned i = 0; i < 600; i++) {
		known.uuid = scratch_uuid(i);
		ok(keymap_inventory_put(m, &known, &fault));
		ok(keymap_inventory_set_otp(m, &known.uuid, "0ne.Time.Only", &fault));
	}
	ok(keymap_commit(m, &fault));
	map_add(0, 2000);
	ok(keymap_system_hello(m, &hello, SYSTEM_QUEUED, 1000000, NULL, NULL, &fault));
	ok(keymap_system_set_secrets(m, &uuid, &secrets, &fault));
	ok(profile_init(&p, "office", &fault));
	strcpy(p.mebx_password, "Profile-One1!");
	ok(keymap_profile_put(m, &p, &fault));
}

void map_check_filled(struct keymap *map)
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
	map_check_pairs(map, 0, 2000);
	ok(keymap_system_secrets(map, &uuid, &secrets, &fault));
	ck_assert_str_eq(secrets.next_admin_password, "Admin-Two2!");
	ck_assert_str_eq(secrets.mebx_password, "Mebx-One1!");
	ok(keymap_profile_find(map, "office", &p, &fault));
	ck_assert_str_eq(p.mebx_password, "Profile-One1!");
}

pid_t map_start_writer(unsigned from, int *progress)
{
	int ends[2];
	pid_t child;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		m = map_open("map.db", NULL);
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

unsigned map_stop_writer(pid_t child, int progress)
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
