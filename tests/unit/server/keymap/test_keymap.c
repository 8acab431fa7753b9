/* Tests of the key map: opening it, its transactions, its secrets. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/keymap/backup.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"
#include "server/keymap/profiles.h"
#include "server/keymap/systems.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

#define NOW	1000000

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

static enum keymap_claim reserve(unsigned n, unsigned who, int64_t now)
{
	struct keyentry e = scratch_pair(n);
	struct uuid uuid = scratch_uuid(who);
	enum keymap_claim claim;

	ok(keymap_reserve(m, e.pair.pid, &uuid, now, 900, &claim, NULL, &fault));
	return claim;
}

/* ---- secrets ---- */

START_TEST(no_secret_stands_in_any_file)
{
	struct keyentry e = scratch_pair(7);
	struct system_secrets secrets = { "Admin-One1!", "Admin-Two2!", "Mebx-One1!",
					  "Mebx-Two2!" };
	struct uuid uuid = scratch_uuid(7);
	const struct keymap_hello hello = { uuid, e.pair.pid, "192.0.2.7", 2, 0 };
	struct profile profile;

	add(7);
	ok(keymap_system_hello(m, &hello, SYSTEM_QUEUED, NOW, NULL, NULL, &fault));
	ok(keymap_system_set_secrets(m, &uuid, &secrets, &fault));
	ok(profile_init(&profile, "p", &fault));
	strcpy(profile.admin_password, "Profile-One1!");
	ok(keymap_profile_put(m, &profile, &fault));
	ck_assert(scratch_holds("0000007", 7));	/* what is public is there to be found */
	for (int closed = 0; closed < 2; closed++) {
		ck_assert(!scratch_holds(e.pair.pps, 8));
		ck_assert(!scratch_holds(e.pair.pps + 24, 8));
		ck_assert(!scratch_holds("New-Secret7", 11));
		ck_assert(!scratch_holds("admin", 6));	/* with its NUL: not the column's name */
		ck_assert(!scratch_holds("Admin-", 6));
		ck_assert(!scratch_holds("Mebx-", 5));
		ck_assert(!scratch_holds("Profile-One", 11));
		keymap_close(&m);
	}
	m = scratch_map();
	ok(keymap_secrets(m, e.pair.pid, &e, &fault));
	ck_assert_str_eq(e.new_password, "New-Secret7!");
	ck_assert_str_eq(e.current_password, "admin");
}
END_TEST

static int secrets_of(unsigned n)
{
	struct keyentry e = scratch_pair(n), out;
	int rc = keymap_secrets(m, e.pair.pid, &out, NULL);

	if (rc) {
		for (size_t i = 0; i < sizeof(out); i++)
			ck_assert_int_eq(((char *)&out)[i], 0);
	} else {
		ck_assert_str_eq(out.pair.pps, e.pair.pps);
		ck_assert_str_eq(out.new_password, e.new_password);
	}
	return rc;
}

START_TEST(swapped_rows_and_columns_do_not_open)
{
	add(1);
	add(2);
	ck_assert_int_eq(secrets_of(1), 0);
	ck_assert_int_eq(secrets_of(2), 0);
	scratch_sql("UPDATE csti_pid_map SET pps = (SELECT pps FROM csti_pid_map WHERE id = 1)"
		    " WHERE id = 2");
	ck_assert_int_eq(secrets_of(1), 0);
	ck_assert_int_eq(secrets_of(2), KIT_ERR_FORGED);
	scratch_sql("UPDATE csti_pid_map SET admin_password = current_password WHERE id = 1");
	ck_assert_int_eq(secrets_of(1), KIT_ERR_FORGED);
	/* A row that is given another PID does not lend its PPS to it. */
	add(3);
	add(4);
	scratch_sql("DELETE FROM csti_pid_map WHERE id = 4");
	scratch_sql("UPDATE csti_pid_map SET pid = (SELECT '00000044') WHERE id = 3");
	ck_assert_int_eq(keymap_secrets(m, "00000044", &(struct keyentry){ 0 }, NULL),
			 KIT_ERR_FORGED);
}
END_TEST

START_TEST(passwords_of_systems_are_bound_to_their_uuid_and_column)
{
	struct system_secrets secrets = { "Admin-One1!", "", "", "Mebx-Two2!" }, out;
	struct uuid one = scratch_uuid(1), two = scratch_uuid(2);
	const struct keymap_hello hellos[] = { { one, NULL, "a", 2, 0 }, { two, NULL, "b", 2, 0 } };

	for (int i = 0; i < 2; i++)
		ok(keymap_system_hello(m, &hellos[i], SYSTEM_QUEUED, NOW, NULL, NULL, &fault));
	ok(keymap_system_set_secrets(m, &one, &secrets, &fault));
	ok(keymap_system_secrets(m, &one, &out, &fault));
	ck_assert_mem_eq(&out, &secrets, sizeof(out));
	ok(keymap_system_secrets(m, &two, &out, &fault));
	ck_assert_str_eq(out.admin_password, "");
	scratch_sql("UPDATE csti_amts SET admin_password ="
		    " (SELECT admin_password FROM csti_amts WHERE id = 1) WHERE id = 2");
	ck_assert_int_eq(keymap_system_secrets(m, &two, &out, NULL), KIT_ERR_FORGED);
	scratch_sql("UPDATE csti_amts SET next_admin_password = admin_password WHERE id = 1");
	ck_assert_int_eq(keymap_system_secrets(m, &one, &out, NULL), KIT_ERR_FORGED);
	ck_assert_str_eq(out.admin_password, "");
}
END_TEST

START_TEST(the_length_of_a_password_is_sealed_too)
{
	struct keyentry e = scratch_pair(1);

	strcpy(e.current_password, "a");
	strcpy(e.new_password, "Thirty-two-characters-long-it-1s");
	ok(keymap_add(m, &e, 0, NULL, &fault));
	ck_assert_int_eq(scratch_sql("SELECT length(current_password) = length(admin_password)"
				     " FROM csti_pid_map"), 1);
	ok(keymap_secrets(m, e.pair.pid, &e, &fault));
	ck_assert_str_eq(e.current_password, "a");
	ck_assert_str_eq(e.new_password, "Thirty-two-characters-long-it-1s");
}
END_TEST

/* ---- pairs ---- */

/* ---- transactions ---- */

START_TEST(a_rolled_back_transaction_leaves_nothing)
{
	ok(keymap_begin(m, &fault));
	ck_assert_int_eq(keymap_begin(m, NULL), KIT_ERR_STATE);
	for (unsigned i = 0; i < 100; i++)
		add(i);
	keymap_rollback(m);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM csti_pid_map"), 0);
	ck_assert_int_eq(keymap_commit(m, NULL), KIT_ERR_STATE);
	ok(keymap_begin(m, &fault));
	add(1);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM csti_pid_map"), 0);
	ok(keymap_commit(m, &fault));
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM csti_pid_map"), 1);
}
END_TEST

START_TEST(a_call_that_fails_halfway_has_changed_nothing)
{
	struct keyentry e = scratch_pair(2);
	struct keymap_hello hello = { scratch_uuid(1), e.pair.pid, "192.0.2.1", 2, 0 };
	struct keymap_pair pair;

	ok(keymap_system_hello(m, &hello, SYSTEM_QUEUED, NOW, NULL, NULL, &fault));
	scratch_sql("CREATE TRIGGER full BEFORE INSERT ON reservation"
		    " BEGIN SELECT RAISE(ABORT, 'no'); END");
	ok(keymap_begin(m, &fault));
	add(1);
	/* It has added a batch and the pair by then. */
	ck_assert_int_eq(keymap_add_rekey(m, &e, &hello.uuid, NOW, NULL), KIT_ERR_DATABASE);
	ck_assert_int_eq(keymap_find(m, e.pair.pid, NOW, &pair, NULL), KIT_ERR_NOT_FOUND);
	add(3);
	ok(keymap_commit(m, &fault));
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM csti_pid_map"), 2);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM batch"), 0);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM csti_amts WHERE next_pid NOTNULL"), 0);
}
END_TEST

START_TEST(parts_of_a_transaction_nest_and_are_undone_alone)
{
	ck_assert_int_eq(keymap_part_begin(m, NULL), KIT_ERR_STATE);
	ok(keymap_begin(m, &fault));
	ok(keymap_part_begin(m, &fault));
	add(1);
	ok(keymap_part_begin(m, &fault));
	add(2);
	ck_assert_int_eq(keymap_part_end(m, KIT_ERR_REFUSED, NULL), KIT_ERR_REFUSED);
	add(3);
	ok(keymap_part_end(m, 0, &fault));
	ok(keymap_part_begin(m, &fault));
	add(4);
	ck_assert_int_eq(keymap_part_end(m, KIT_ERR_CANCELLED, NULL), KIT_ERR_CANCELLED);
	ok(keymap_commit(m, &fault));
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM csti_pid_map"), 2);
}
END_TEST

START_TEST(a_killed_process_keeps_what_it_committed_and_nothing_else)
{
	int ready[2], status;
	char c;
	pid_t child;

	keymap_close(&m);
	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		m = scratch_map();
		ok(keymap_begin(m, &fault));
		for (unsigned i = 0; i < 50; i++)
			add(i);
		ok(keymap_commit(m, &fault));
		ok(keymap_begin(m, &fault));
		for (unsigned i = 50; i < 20000; i++)
			add(i);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	m = scratch_map();
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM csti_pid_map"), 50);
	ck_assert_int_eq(secrets_of(49), 0);
	add(50);
}
END_TEST

START_TEST(nothing_is_written_to_a_map_that_was_moved_away)
{
	struct keyentry e = scratch_pair(1);
	struct fault why = { 0 };

	add(0);
	ok(keymap_in_place(m, &fault));
	ck_assert_int_eq(rename("map.db", "gone.db"), 0);
	ck_assert_int_eq(keymap_in_place(m, NULL), KIT_ERR_DATABASE);
	ck_assert_int_eq(keymap_add(m, &e, 0, NULL, &why), KIT_ERR_DATABASE);
	ck_assert_ptr_nonnull(strstr(why.what, "moved away or replaced"));
	ck_assert(*why.hint);
	ck_assert(!keymap_in_transaction(m));
	/* Nor to one with another in its place. */
	ck_assert_int_eq(close(open("map.db", O_CREAT | O_WRONLY, 0600)), 0);
	ck_assert_int_eq(keymap_begin(m, NULL), KIT_ERR_DATABASE);
	ck_assert_int_eq(rename("gone.db", "map.db"), 0);
	ok(keymap_add(m, &e, 0, NULL, &fault));
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM csti_pid_map"), 2);
}
END_TEST

START_TEST(a_map_is_new_to_the_one_that_made_it)
{
	ck_assert(keymap_exists("map.db"));
	ck_assert(keymap_is_new(m));
	keymap_close(&m);
	m = scratch_map();
	ck_assert(!keymap_is_new(m));
	ck_assert(!keymap_exists("other.db"));
}
END_TEST

START_TEST(only_one_holds_a_map_and_others_work_on)
{
	struct keymap *other = scratch_map();
	struct fault why = { 0 };
	struct stat st;

	ok(keymap_hold(m, &fault));
	ok(keymap_hold(m, &fault));
	ck_assert_int_eq(stat("map.db.lock", &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(keymap_hold(other, &why), KIT_ERR_BUSY);
	ck_assert_ptr_nonnull(strstr(why.what, "another amt-provisiond works with the key map"));
	ck_assert_ptr_nonnull(strstr(why.hint, "stop that one first"));
	ck_assert_ptr_nonnull(strstr(why.what, "map.db"));
	/* What does not hold it reads and writes; a restore keeps who does. */
	ok(keymap_backup(other, "copy", true, &fault));
	ok(keymap_restore("map.db", "map.db.key", "copy", "copy.key", &fault));
	ck_assert_int_eq(keymap_hold(other, NULL), KIT_ERR_BUSY);
	keymap_close(&m);
	ok(keymap_hold(other, &fault));
	/* One whose file was removed locks nobody out, and is not a lock any more. */
	ck_assert_int_eq(unlink("map.db.lock"), 0);
	m = scratch_map();
	ok(keymap_hold(m, &fault));
	keymap_close(&other);
}
END_TEST

START_TEST(two_handles_share_a_map_and_a_held_lock_is_busy)
{
	struct keymap *second = scratch_map();
	struct keyentry e = scratch_pair(1);
	struct keymap_pair pair;
	bool changed;

	ok(keymap_changed(second, &changed, &fault));
	ck_assert(!changed);
	ok(keymap_begin(m, &fault));
	add(1);
	/* Reading goes on meanwhile; writing says so at once when it may not wait. */
	ck_assert_int_eq(keymap_find(second, e.pair.pid, NOW, &pair, NULL), KIT_ERR_NOT_FOUND);
	keymap_set_wait(second, 0);
	ck_assert_int_eq(keymap_begin(second, NULL), KIT_ERR_BUSY);
	ck_assert(!keymap_in_transaction(second));
	ok(keymap_commit(m, &fault));
	ok(keymap_changed(second, &changed, &fault));
	ck_assert(changed);
	ok(keymap_changed(second, &changed, &fault));
	ck_assert(!changed);
	ok(keymap_find(second, e.pair.pid, NOW, &pair, &fault));
	ok(keymap_begin(second, &fault));
	keymap_rollback(second);
	keymap_close(&second);
}
END_TEST

/* A process that has the lock all the time but for an instant now and then, until it is killed. */
static pid_t start_hog(void)
{
	pid_t child = fork();

	if (child == 0) {
		m = scratch_map();
		for (;;) {
			keymap_set_wait(m, 10000);
			if (keymap_begin(m, NULL))
				_exit(1);
			usleep(40000);
			keymap_rollback(m);
			usleep(1000);
		}
	}
	return child;
}

START_TEST(a_lock_that_is_free_for_instants_only_is_got)
{
	pid_t hog = start_hog();
	int status;

	for (unsigned i = 0; i < 20; i++) {
		keymap_set_wait(m, 0);
		while (keymap_begin(m, NULL) == 0) {
			keymap_rollback(m);
			usleep(500);
		}
		keymap_set_wait(m, 1500);
		add(i);
	}
	ck_assert_int_eq(waitpid(hog, &status, WNOHANG), 0);
	kill(hog, SIGKILL);
	waitpid(hog, &status, 0);
}
END_TEST

/* ---- the hello's path ---- */

struct trace {
	unsigned statements, lookups;
	char plan[4000];
};

static int note_statement(unsigned type, void *context, void *p, void *x)
{
	struct trace *t = context;
	const char *sql = sqlite3_sql(p);

	(void)type;
	(void)x;
	/* Each call is a part that can be undone, which costs no look-up. */
	if (strstr(sql, "SAVEPOINT") || strncmp(sql, "RELEASE", 7) == 0)
		return 0;
	t->statements++;
	if (strncmp(sql, "SELECT", 6) == 0 && strstr(sql, "csti_pid_map"))
		t->lookups++;
	if (strlen(t->plan) + strlen(sql) + 2 < sizeof(t->plan))
		strcat(strcat(t->plan, sql), "\n");
	return 0;
}

static sqlite3 *opened;

static int note_opened(sqlite3 *db)
{
	opened = db;
	return SQLITE_OK;
}

START_TEST(a_hello_costs_one_indexed_lookup_and_grouped_writes)
{
	struct keyentry e = scratch_pair(1);
	const struct keymap_hello hello = { scratch_uuid(1), e.pair.pid, "192.0.2.1", 2, 0 };
	const struct logentry event = { .time = NOW, .name = "hello", .pid = e.pair.pid };
	struct trace trace = { 0 };
	sqlite3_stmt *s;
	char explain[1200], *line;

	for (unsigned i = 0; i < 100; i++)
		add(i);
	keymap_close(&m);
	ck_assert_int_eq(sqlite3_auto_extension((void (*)(void))note_opened), SQLITE_OK);
	m = scratch_map();
	ok(keymap_begin(m, &fault));
	sqlite3_trace_v2(opened, SQLITE_TRACE_STMT, note_statement, &trace);
	ck_assert_int_eq(reserve(1, 1, NOW), KEYMAP_CLAIMED);
	ok(keymap_system_hello(m, &hello, SYSTEM_QUEUED, NOW, NULL, NULL, &fault));
	ok(keymap_log(m, &event, &fault));
	sqlite3_trace_v2(opened, 0, NULL, NULL);
	ck_assert_uint_eq(trace.lookups, 1);
	/* Reserve (look up, write), the machine's row (look up, write), the log. */
	ck_assert_uint_eq(trace.statements, 5);
	for (line = strtok(trace.plan, "\n"); line; line = strtok(NULL, "\n")) {
		snprintf(explain, sizeof(explain), "EXPLAIN QUERY PLAN %s", line);
		ck_assert_int_eq(sqlite3_prepare_v2(opened, explain, -1, &s, NULL), SQLITE_OK);
		while (sqlite3_step(s) == SQLITE_ROW)
			ck_assert_msg(strncmp((const char *)sqlite3_column_text(s, 3), "SCAN", 4) !=
					      0,
				      "%s: %s", line, sqlite3_column_text(s, 3));
		sqlite3_finalize(s);
	}
	ok(keymap_commit(m, &fault));
}
END_TEST

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
	ck_assert_int_eq(sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL),
			 SQLITE_OK);
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

TEST_SUITE("key map")
{
	TCase *tcase = tcase_create("key map");

	tcase_add_checked_fixture(tcase, enter, map_leave);
	tcase_add_test(tcase, no_secret_stands_in_any_file);
	tcase_add_test(tcase, swapped_rows_and_columns_do_not_open);
	tcase_add_test(tcase, passwords_of_systems_are_bound_to_their_uuid_and_column);
	tcase_add_test(tcase, the_length_of_a_password_is_sealed_too);
	tcase_add_test(tcase, a_rolled_back_transaction_leaves_nothing);
	tcase_add_test(tcase, a_call_that_fails_halfway_has_changed_nothing);
	tcase_add_test(tcase, parts_of_a_transaction_nest_and_are_undone_alone);
	tcase_add_test(tcase, a_killed_process_keeps_what_it_committed_and_nothing_else);
	tcase_add_test(tcase, nothing_is_written_to_a_map_that_was_moved_away);
	tcase_add_test(tcase, a_map_is_new_to_the_one_that_made_it);
	tcase_add_test(tcase, only_one_holds_a_map_and_others_work_on);
	tcase_add_test(tcase, two_handles_share_a_map_and_a_held_lock_is_busy);
	tcase_add_test(tcase, a_lock_that_is_free_for_instants_only_is_got);
	tcase_add_test(tcase, a_hello_costs_one_indexed_lookup_and_grouped_writes);
	tcase_add_test(tcase, the_map_and_all_beside_it_are_private_whatever_the_umask);
	tcase_add_test(tcase, a_map_or_key_file_that_others_can_read_is_refused);
	tcase_add_test(tcase, what_is_no_key_map_is_refused_and_left_as_it_is);
	tcase_add_test(tcase, a_map_of_a_newer_kit_is_refused);
	tcase_add_test(tcase, without_its_own_key_file_a_map_is_refused);
	tcase_add_test(tcase, a_map_that_was_cut_short_is_not_made_anew);
	tcase_add_test(tcase, a_first_use_that_was_cut_off_is_taken_up_again);
	tcase_add_test(tcase, two_first_uses_at_once_make_one_map);
	suite_add_tcase(suite, tcase);
}
