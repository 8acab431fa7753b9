/* Tests of the key map: its secrets, its pairs, its transactions. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/keymap/events.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"
#include "server/keymap/profiles.h"
#include "server/keymap/systems.h"
#include "tests/support/map.h"

#define NOW	1000000

static void add(unsigned n)
{
	struct keyentry e = scratch_pair(n);

	ok(keymap_add(m, &e, 0, NULL, &fault));
}

static struct keymap_pair find(unsigned n, int64_t now)
{
	struct keyentry e = scratch_pair(n);
	struct keymap_pair pair;

	ok(keymap_find(m, e.pair.pid, now, &pair, &fault));
	return pair;
}

static enum keymap_claim reserve(unsigned n, unsigned who, int64_t now)
{
	struct keyentry e = scratch_pair(n);
	struct uuid uuid = scratch_uuid(who);
	enum keymap_claim claim;

	ok(keymap_reserve(m, e.pair.pid, &uuid, now, 900, &claim, NULL, &fault));
	return claim;
}

static int use(unsigned n, unsigned who, int64_t now)
{
	struct keyentry e = scratch_pair(n);
	struct uuid uuid = scratch_uuid(who);

	return keymap_use(m, e.pair.pid, &uuid, now, NULL, NULL);
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

START_TEST(the_same_pair_is_counted_and_another_pps_is_refused)
{
	struct keyentry e = scratch_pair(1), other = scratch_pair(2), bare;
	enum keymap_added added;
	struct fault fault = { 0 };

	bare = e;
	bare.new_password[0] = 0;
	ck_assert_int_eq(keymap_add(m, &bare, 0, &added, NULL), 0);
	ck_assert_int_eq(added, KEYMAP_ADDED);
	ck_assert_int_eq(keymap_add(m, &bare, 0, &added, NULL), 0);
	ck_assert_int_eq(added, KEYMAP_SAME);
	ck_assert_int_eq(keymap_add(m, &e, 0, &added, NULL), 0);
	ck_assert_int_eq(added, KEYMAP_COMPLETED);
	ck_assert_int_eq(secrets_of(1), 0);
	ck_assert_int_eq(keymap_add(m, &bare, 0, &added, NULL), 0);
	ck_assert_int_eq(added, KEYMAP_SAME);
	strcpy(bare.new_password, "Another1!");
	ck_assert_int_eq(keymap_add(m, &bare, 0, &added, NULL), 0);
	ck_assert_int_eq(added, KEYMAP_DIFFERS);
	memcpy(other.pair.pid, e.pair.pid, sizeof(e.pair.pid));
	ck_assert_int_eq(keymap_add(m, &other, 0, &added, &fault), KIT_ERR_DUPLICATE);
	ck_assert_int_eq(fault.code, 0);
	ck_assert_int_eq(secrets_of(1), 0);
}
END_TEST

START_TEST(a_key_goes_from_free_to_reserved_to_used)
{
	struct keymap_pair pair;
	struct uuid uuid = scratch_uuid(1);

	add(1);
	ck_assert_int_eq(find(1, NOW).state, KEYMAP_FREE);
	ck_assert_int_eq(reserve(1, 1, NOW), KEYMAP_CLAIMED);
	pair = find(1, NOW);
	ck_assert_int_eq(pair.state, KEYMAP_RESERVED);
	ck_assert(pair.has_uuid && uuid_equal(&pair.uuid, &uuid));
	ck_assert_int_eq(pair.reserved_until, NOW + 900);
	ck_assert_int_eq(reserve(1, 1, NOW + 1), KEYMAP_CLAIM_HELD);
	ck_assert_int_eq(reserve(1, 2, NOW + 1), KEYMAP_CLAIM_RESERVED);
	ck_assert_int_eq(use(1, 1, NOW + 2), 0);
	pair = find(1, NOW + 2);
	ck_assert_int_eq(pair.state, KEYMAP_USED);
	ck_assert_int_eq(pair.used_at, NOW + 2);
	ck_assert_int_eq(reserve(1, 1, NOW + 3), KEYMAP_CLAIM_PROVED);
	ck_assert_int_eq(reserve(1, 2, NOW + 3), KEYMAP_CLAIM_USED);
	ck_assert_int_eq(use(1, 1, NOW + 9), 0);
	ck_assert_int_eq(find(1, NOW).used_at, NOW + 2);
	ck_assert_int_eq(use(1, 2, NOW + 3), KIT_ERR_STATE);
	ck_assert_int_eq(reserve(2, 1, NOW), KEYMAP_CLAIM_UNKNOWN);
	ck_assert_int_eq(use(2, 1, NOW), KIT_ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_reservation_lapses_and_repeating_the_hello_does_not_prolong_it)
{
	struct keyentry e = scratch_pair(1);
	struct uuid one = scratch_uuid(1), two = scratch_uuid(2);
	struct keymap_pair before;
	enum keymap_claim claim;

	add(1);
	ck_assert_int_eq(reserve(1, 1, NOW), KEYMAP_CLAIMED);
	for (int64_t t = NOW; t < NOW + 900; t += 100)
		ck_assert_int_eq(reserve(1, 1, t), KEYMAP_CLAIM_HELD);
	ck_assert_int_eq(reserve(1, 2, NOW + 899), KEYMAP_CLAIM_RESERVED);
	ck_assert(find(1, NOW + 900).lapsed);
	ck_assert_int_eq(find(1, NOW + 900).state, KEYMAP_FREE);
	ok(keymap_reserve(m, e.pair.pid, &two, NOW + 900, 900, &claim, &before, &fault));
	ck_assert_int_eq(claim, KEYMAP_CLAIMED);
	ck_assert(before.lapsed && uuid_equal(&before.uuid, &one));
	ck_assert_int_eq(reserve(1, 1, NOW + 901), KEYMAP_CLAIM_RESERVED);
	/* A clock that was set back far does not make it last longer; one that was a little does. */
	ck_assert_int_eq(reserve(1, 1, NOW + 902 - 800), KEYMAP_CLAIM_RESERVED);
	ck_assert_int_eq(reserve(1, 1, NOW - 10000), KEYMAP_CLAIMED);
	/* Who proves the PPS has it, whoever else has reserved it. */
	ck_assert_int_eq(use(1, 1, NOW + 902), 0);
	ck_assert_int_eq(reserve(1, 2, NOW + 903), KEYMAP_CLAIM_USED);
}
END_TEST

START_TEST(a_released_key_is_free_for_anybody_but_only_its_holder_releases_it)
{
	struct keyentry e = scratch_pair(1);
	struct uuid one = scratch_uuid(1), two = scratch_uuid(2);

	add(1);
	ck_assert_int_eq(reserve(1, 1, NOW), KEYMAP_CLAIMED);
	ok(keymap_release(m, e.pair.pid, &two, &fault));
	ck_assert_int_eq(find(1, NOW).state, KEYMAP_RESERVED);
	ok(keymap_release(m, e.pair.pid, &one, &fault));
	ck_assert_int_eq(find(1, NOW).state, KEYMAP_FREE);
	ck_assert(!find(1, NOW).has_uuid);
	ck_assert_int_eq(reserve(1, 2, NOW), KEYMAP_CLAIMED);
	ck_assert_int_eq(use(1, 2, NOW), 0);
	ok(keymap_release(m, e.pair.pid, &two, &fault));
	ck_assert_int_eq(find(1, NOW).state, KEYMAP_USED);
}
END_TEST

START_TEST(a_revoked_key_serves_nobody)
{
	struct keyentry e = scratch_pair(1);

	add(1);
	ck_assert_int_eq(reserve(1, 1, NOW), KEYMAP_CLAIMED);
	ok(keymap_revoke(m, e.pair.pid, NOW, &fault));
	ck_assert_int_eq(use(1, 1, NOW), KIT_ERR_STATE);
	ck_assert_int_eq(reserve(1, 1, NOW), KEYMAP_CLAIM_REVOKED);
	ck_assert_int_eq(find(1, NOW).state, KEYMAP_REVOKED);
	ck_assert_int_eq(find(1, NOW).revoked_at, NOW);
}
END_TEST

START_TEST(a_list_that_says_used_is_believed)
{
	struct keyentry e = scratch_pair(1);

	e.used = true;
	ok(keymap_add(m, &e, 0, NULL, &fault));
	ck_assert_int_eq(reserve(1, 1, NOW), KEYMAP_CLAIM_USED);
}
END_TEST

static int count_pair(void *context, const struct keymap_pair *pair)
{
	(void)pair;
	++*(unsigned *)context;
	return 0;
}

static unsigned each(struct keymap_filter filter)
{
	unsigned n = 0;

	filter.now = NOW;
	ok(keymap_each(m, &filter, count_pair, &n, &fault));
	return n;
}

START_TEST(filters_and_counts_agree)
{
	struct keymap_counts c;
	struct uuid uuid = scratch_uuid(4);
	struct keyentry e = scratch_pair(5);
	int64_t batch;

	for (unsigned i = 0; i < 10; i++)
		add(i);
	ck_assert_int_eq(reserve(1, 1, NOW), KEYMAP_CLAIMED);
	ck_assert_int_eq(reserve(2, 2, NOW - 2000), KEYMAP_CLAIMED);	/* lapsed */
	ck_assert_int_eq(use(3, 3, NOW), 0);
	ck_assert_int_eq(use(4, 4, NOW), 0);
	ok(keymap_revoke(m, e.pair.pid, NOW, &fault));
	ok(keymap_batch(m, "export", "stick.bin", NOW, &batch, &fault));
	ok(keymap_mark_exported(m, find(6, NOW).id, batch, &fault));
	ok(keymap_count(m, NOW, &c, &fault));
	ck_assert_uint_eq(c.total, 10);
	ck_assert_uint_eq(c.free, 6);
	ck_assert_uint_eq(c.lapsed, 1);
	ck_assert_uint_eq(c.reserved, 1);
	ck_assert_uint_eq(c.used, 2);
	ck_assert_uint_eq(c.revoked, 1);
	ck_assert_uint_eq(each((struct keymap_filter){ .limit = 0 }), 10);
	ck_assert_uint_eq(each((struct keymap_filter){ .limit = 3 }), 3);
	ck_assert_uint_eq(each((struct keymap_filter){ .by_state = true, .state = KEYMAP_FREE }),
			  6);
	ck_assert_uint_eq(each((struct keymap_filter){ .by_state = true,
						       .state = KEYMAP_RESERVED }),
			  1);
	ck_assert_uint_eq(each((struct keymap_filter){ .by_state = true, .state = KEYMAP_USED }),
			  2);
	ck_assert_uint_eq(each((struct keymap_filter){ .by_state = true, .state = KEYMAP_REVOKED }),
			  1);
	ck_assert_uint_eq(each((struct keymap_filter){ .uuid = &uuid }), 1);
	ck_assert_uint_eq(each((struct keymap_filter){ .exported = 1 }), 1);
	ck_assert_uint_eq(each((struct keymap_filter){ .exported = -1 }), 9);
	/* One that lapsed was claimed all the same. */
	ck_assert_uint_eq(each((struct keymap_filter){ .unclaimed = true }), 8);
	ck_assert_str_eq(find(6, NOW).exported_to, "export stick.bin");
	ck_assert_int_eq(find(6, NOW).exported_at, NOW);
}
END_TEST

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

int main(void)
{
	Suite *suite = suite_create("key map");
	TCase *tcase = tcase_create("key map");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, map_enter, map_leave);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, no_secret_stands_in_any_file);
	tcase_add_test(tcase, swapped_rows_and_columns_do_not_open);
	tcase_add_test(tcase, passwords_of_systems_are_bound_to_their_uuid_and_column);
	tcase_add_test(tcase, the_length_of_a_password_is_sealed_too);
	tcase_add_test(tcase, the_same_pair_is_counted_and_another_pps_is_refused);
	tcase_add_test(tcase, a_key_goes_from_free_to_reserved_to_used);
	tcase_add_test(tcase, a_reservation_lapses_and_repeating_the_hello_does_not_prolong_it);
	tcase_add_test(tcase, a_released_key_is_free_for_anybody_but_only_its_holder_releases_it);
	tcase_add_test(tcase, a_revoked_key_serves_nobody);
	tcase_add_test(tcase, a_list_that_says_used_is_believed);
	tcase_add_test(tcase, filters_and_counts_agree);
	tcase_add_test(tcase, a_rolled_back_transaction_leaves_nothing);
	tcase_add_test(tcase, a_killed_process_keeps_what_it_committed_and_nothing_else);
	tcase_add_test(tcase, nothing_is_written_to_a_map_that_was_moved_away);
	tcase_add_test(tcase, two_handles_share_a_map_and_a_held_lock_is_busy);
	tcase_add_test(tcase, a_lock_that_is_free_for_instants_only_is_got);
	tcase_add_test(tcase, a_hello_costs_one_indexed_lookup_and_grouped_writes);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
