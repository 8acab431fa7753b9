/* Tests of old maps: each version that there was is brought up to date with all that it holds. */
#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/keymap/events.h"
#include "server/keymap/inventory.h"
#include "server/keymap/pairs.h"
#include "server/keymap/profiles.h"
#include "server/keymap/schema-sqlite.h"
#include "server/keymap/systems.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

#define NOW	1000000

static void run(sqlite3 *db, const char *sql)
{
	char *why = NULL;

	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK, "%s: %s", sql, why);
}

/* Copy into TABLE the columns that both maps have under one name. */
static void copy_table(sqlite3 *db, const char *table)
{
	char sql[2000], columns[800] = "";
	sqlite3_stmt *s;

	snprintf(sql, sizeof(sql), "SELECT name FROM pragma_table_info('%s') WHERE name IN"
		 " (SELECT name FROM pragma_table_info('%s', 'fresh'))", table, table);
	ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW)
		snprintf(columns + strlen(columns), sizeof(columns) - strlen(columns), "%s%s",
			 *columns ? ", " : "", (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	snprintf(sql, sizeof(sql), "INSERT INTO main.%s(%s) SELECT %s FROM fresh.%s", table,
		 columns, columns, table);
	run(db, sql);
}

/* Make of the map, whatever it holds, what a kit of VERSION would have written. */
static void make_old(int version)
{
	static const char *const tables[] = { "master_key", "batch", "csti_pid_map",
		"reservation", "csti_amts", "csti_configuration", "inventory", "profiles", "log" };
	char sql[60];
	sqlite3 *db;

	keymap_close(&m);
	ck_assert_int_eq(rename("map.db", "fresh.db"), 0);
	ck_assert_int_eq(sqlite3_open("map.db", &db), SQLITE_OK);
	ck_assert_int_eq(chmod("map.db", 0600), 0);
	for (int v = 0; v < version; v++)
		run(db, schema_sqlite[v]);
	run(db, "ATTACH 'fresh.db' AS fresh");
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		copy_table(db, tables[i]);
	if (version < 3)
		run(db, "UPDATE log SET todo = (SELECT hint FROM fresh.log l WHERE l.id = log.id)");
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", version);
	run(db, sql);
	sqlite3_close(db);
	ck_assert_int_eq(scratch_sql("PRAGMA user_version"), version);
}

static int see(void *context, const struct logentry *e)
{
	ck_assert_str_eq(e->what, "it failed");
	ck_assert_str_eq(e->hint, "do that");
	++*(int *)context;
	return 0;
}

/* What was the default then is that of now: AUTO says whether KEEP was, ALL the versions. */
static void check_profile(const char *name, bool is_auto, bool all)
{
	struct profile p;

	ok(keymap_profile_find(m, name, &p, &fault));
	ck_assert_int_eq(p.mebx_policy, is_auto ? PROFILE_AUTO : PROFILE_KEEP);
	ck_assert_int_eq(profile_serves(&p, 16, 0), all);
	ck_assert_int_eq(p.tls, PROFILE_TLS_KEEP);
}

static void check_all(int version)
{
	const struct keymap_log_filter all = { 0 };
	struct uuid uuid = scratch_uuid(1);
	struct keyentry e = scratch_pair(1), got;
	struct system_secrets secrets;
	struct system system;
	int events = 0;

	ok(keymap_secrets(m, e.pair.pid, &got, &fault));
	ck_assert_mem_eq(got.pair.pps, e.pair.pps, PPS_LENGTH);
	ck_assert_str_eq(got.new_password, e.new_password);
	ok(keymap_system_secrets(m, &uuid, &secrets, &fault));
	ck_assert_str_eq(secrets.admin_password, "One.Pass1");
	ok(keymap_system_find(m, &uuid, &system, &fault));
	ck_assert_int_eq(system.proved_at, NOW + 1);
	ck_assert_int_eq(system.proof, SYSTEM_PROOF_PPS);
	ck_assert_int_eq(system.credential, SYSTEM_BY_KEY);
	ck_assert(!system.certify && !*system.certificate_serial && !system.certificate_expiry);
	uuid = scratch_uuid(2);
	ok(keymap_system_find(m, &uuid, &system, &fault));
	ck_assert_int_eq(system.proved_at, 0);
	ck_assert_int_eq(system.proof, SYSTEM_PROOF_NONE);
	/* By certificate: one of the inventory, and one that anybody may have made up. */
	uuid = scratch_uuid(3);
	ok(keymap_system_find(m, &uuid, &system, &fault));
	ck_assert_int_eq(system.credential, SYSTEM_BY_CERTIFICATE);
	ck_assert_int_eq(system.state, SYSTEM_NEEDS_CERTIFICATE);
	uuid = scratch_uuid(4);
	ok(keymap_system_find(m, &uuid, &system, &fault));
	ck_assert_int_eq(system.credential, SYSTEM_BY_CERTIFICATE);
	ck_assert_str_eq(system.reason_code, version < 8 ? SYSTEM_NOT_KNOWN : "");
	ck_assert_int_eq(system.state, version < 8 ? SYSTEM_REFUSED : SYSTEM_NEEDS_CERTIFICATE);
	ok(keymap_log_each(m, &all, see, &events, &fault));
	ck_assert_int_eq(events, 1);
	check_profile("usual", version < 9, version < 9);
	check_profile("narrow", version < 9, false);
}

/* All that can be done with a new map can be done with one that was old. */
static void use_it(void)
{
	struct uuid uuid = scratch_uuid(1);
	struct system_secrets none = { .admin_password = "" };
	struct keymap_earlier earlier;
	struct logentry event = { .name = "x", .what = "it failed", .hint = "do that" };
	struct keyentry e = scratch_pair(1);

	ok(keymap_system_certify(m, &uuid, &fault));
	ok(keymap_system_certificate(m, &uuid, "1F", NOW, &fault));
	ok(keymap_system_set_secrets(m, &uuid, &none, &fault));
	ok(keymap_earlier_find(m, &uuid, e.pair.pid, &earlier, &fault));
	ok(keymap_log(m, &event, &fault));
}

static void put_profile(const char *name, const char *versions)
{
	struct profile p;

	ok(profile_init(&p, name, &fault));
	ok(profile_set(&p, "amt_versions", versions, &fault));
	ok(profile_set(&p, "mebx_password", "keep", &fault));
	ok(keymap_profile_put(m, &p, &fault));
}

START_TEST(a_map_of_each_version_is_brought_up_to_date)
{
	const int version = _i;
	struct keyentry e = scratch_pair(1);
	struct keymap_hello hello = { scratch_uuid(1), e.pair.pid, "192.0.2.1", 2, 0 };
	struct keymap_inventory known = { .uuid = scratch_uuid(3), .fqdn = "three.example.com" };
	struct system_secrets secrets = { .admin_password = "One.Pass1" };
	struct logentry event = { .name = "x", .what = "it failed", .hint = "do that" };

	ok(keymap_add(m, &e, 0, NULL, &fault));
	ok(keymap_system_hello(m, &hello, SYSTEM_QUEUED, NOW, NULL, NULL, &fault));
	ok(keymap_system_set_secrets(m, &hello.uuid, &secrets, &fault));
	ok(keymap_system_state(m, &hello.uuid, SYSTEM_CONFIGURED, NULL, 0, NOW + 1, &fault));
	hello.uuid = scratch_uuid(2);
	ok(keymap_system_hello(m, &hello, SYSTEM_QUEUED, NOW, NULL, NULL, &fault));
	hello = (struct keymap_hello){ known.uuid, NULL, "192.0.2.3", 3, 0, NULL, 0 };
	ok(keymap_inventory_put(m, &known, &fault));
	ok(keymap_system_hello(m, &hello, SYSTEM_NEEDS_CERTIFICATE, NOW, NULL, NULL, &fault));
	hello.uuid = scratch_uuid(4);
	ok(keymap_system_hello(m, &hello, SYSTEM_NEEDS_CERTIFICATE, NOW, NULL, NULL, &fault));
	ok(keymap_log(m, &event, &fault));
	put_profile("usual", "2.0-10.255");
	put_profile("narrow", "2.0-9.255");
	make_old(version);
	m = scratch_map();
	ck_assert_int_eq(scratch_sql("PRAGMA user_version"), SCHEMA_SQLITE_VERSION);
	check_all(version);
	use_it();
	keymap_close(&m);
	m = scratch_map();
}
END_TEST

START_TEST(an_upgrade_that_fails_leaves_the_old_map_whole)
{
	const struct keymap_options options = { .wait_ms = 100 };
	struct fault fault = { 0 };

	make_old(1);
	scratch_sql("CREATE TABLE csti_amts_history(x)");
	ck_assert_int_ne(keymap_open(&m, "map.db", &options, &fault), 0);
	ck_assert_int_eq(scratch_sql("PRAGMA user_version"), 1);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM pragma_table_info('csti_amts')"
				     " WHERE name = 'proved_at'"), 0);
	scratch_sql("DROP TABLE csti_amts_history");
	m = scratch_map();
}
END_TEST

TEST_SUITE("schema")
{
	TCase *tcase = tcase_create("schema");

	tcase_add_checked_fixture(tcase, map_enter, map_leave);
	tcase_add_loop_test(tcase, a_map_of_each_version_is_brought_up_to_date, 1,
			    SCHEMA_SQLITE_VERSION);
	tcase_add_test(tcase, an_upgrade_that_fails_leaves_the_old_map_whole);
	suite_add_tcase(suite, tcase);
}
