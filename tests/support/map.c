/* A key map in a temporary folder, and raw access to its tables, for tests. */
#include "tests/support/map.h"

#include <check.h>
#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
