/* Writes gathered into few commits: order, errors, a lock held by others, a stop. */
#include <check.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/log.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap.h"
#include "server/keymap/settings.h"
#include "server/core/commit.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

static struct event_base *base;
static struct keymap *map;
static struct commit *commit;
static struct fault fault;

/* What a job writes, and what became of it. */
struct setting_job {
	const char *name;	/* of the setting that it writes */
	int error;		/* returned by run() */
	int code;		/* that done() got */
	int order;		/* in which done() came, from 1 */
	struct setting_job *then; /* added by done() */
};
static int done_so_far;

static void begin(void)
{
	scratch_enter();
	base = event_base_new();
	map = scratch_map();
	done_so_far = 0;
	ck_assert_int_eq(commit_new(&commit, base, map, &fault), 0);
}

static void end(void)
{
	commit_free(&commit);
	keymap_close(&map);
	event_base_free(base);
	scratch_leave();
}

static int run(struct keymap *its, void *context, struct fault *f)
{
	struct setting_job *w = context;

	ck_assert(keymap_in_transaction(its));
	if (w->error)
		return fault_set(f, w->error, "asked to fail");
	return keymap_setting_set(its, w->name, "1", f);
}

static void add(struct setting_job *w);

static void done(void *context, int code, const struct fault *f)
{
	struct setting_job *w = context;

	ck_assert(!keymap_in_transaction(map));
	w->code = code;
	w->order = ++done_so_far;
	if (code)
		ck_assert(*f->what);
	if (w->then)
		add(w->then);
}

static void add(struct setting_job *w)
{
	struct commit_job job = { .run = run, .done = done, .context = w };

	ck_assert_int_eq(commit_add(commit, &job, &fault), 0);
}

static void turn(void)
{
	for (int i = 0; i < 3; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

/* Is the setting in the map, for a reader from outside? */
static bool is_kept(const char *name)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "select count(*) from csti_configuration where name = '%s'",
		 name);
	return scratch_sql(sql) == 1;
}

START_TEST(jobs_are_done_in_their_order_and_kept)
{
	struct setting_job a = { .name = "a" }, b = { .name = "b" };

	add(&a);
	add(&b);
	ck_assert_uint_eq(commit_waiting(commit), 2);
	ck_assert_int_eq(a.order, 0);
	turn();
	ck_assert_int_eq(a.order, 1);
	ck_assert_int_eq(b.order, 2);
	ck_assert_int_eq(a.code, 0);
	ck_assert(is_kept("a"));
	ck_assert(is_kept("b"));
	ck_assert_uint_eq(commit_waiting(commit), 0);
}
END_TEST

START_TEST(an_error_is_the_jobs_own)
{
	struct setting_job a = { .name = "a", .error = KIT_ERR_STATE }, b = { .name = "b" };

	add(&a);
	add(&b);
	turn();
	ck_assert_int_eq(a.code, KIT_ERR_STATE);
	ck_assert_int_eq(b.code, 0);
	ck_assert(!is_kept("a"));
	ck_assert(is_kept("b"));
}
END_TEST

START_TEST(a_job_may_add_another_when_it_is_done)
{
	struct setting_job b = { .name = "b" }, a = { .name = "a", .then = &b };

	add(&a);
	turn();
	ck_assert_int_eq(b.order, 2);
	ck_assert(is_kept("b"));
}
END_TEST

START_TEST(more_jobs_than_one_commit_takes_are_all_done)
{
	static struct setting_job many[10000];

	memset(many, 0, sizeof(many));
	for (int i = 0; i < 10000; i++) {
		many[i].name = "a";
		add(&many[i]);
	}
	while (done_so_far < 10000)
		event_base_loop(base, EVLOOP_ONCE);
	for (int i = 0; i < 10000; i++) {
		ck_assert_int_eq(many[i].order, i + 1);
		ck_assert_int_eq(many[i].code, 0);
	}
}
END_TEST

START_TEST(jobs_wait_while_another_holds_the_map)
{
	struct keymap *other = scratch_map();
	struct setting_job a = { .name = "a" };

	ck_assert_int_eq(keymap_begin(other, &fault), 0);
	add(&a);
	for (int i = 0; i < 5; i++) {
		turn();
		ck_assert_int_eq(a.order, 0);
	}
	ck_assert_double_gt(commit_blocked_since(commit), 0);
	ck_assert_uint_eq(commit_waiting(commit), 1);
	ck_assert_int_eq(keymap_commit(other, &fault), 0);
	while (!a.order)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(a.code, 0);
	ck_assert_double_eq(commit_blocked_since(commit), 0);
	ck_assert(is_kept("a"));
	keymap_close(&other);
}
END_TEST

START_TEST(a_stop_writes_what_waits)
{
	struct setting_job b = { .name = "b" }, a = { .name = "a", .then = &b };

	add(&a);
	commit_flush(commit, 5);
	ck_assert_int_eq(a.order, 1);
	ck_assert_int_eq(b.order, 2);
	ck_assert(is_kept("a"));
	ck_assert(is_kept("b"));
}
END_TEST

START_TEST(a_stop_does_not_wait_for_ever_for_the_lock)
{
	struct keymap *other = scratch_map();
	struct setting_job a = { .name = "a" };

	ck_assert_int_eq(keymap_begin(other, &fault), 0);
	add(&a);
	commit_flush(commit, 0);
	ck_assert_int_eq(a.order, 0);
	commit_free(&commit);
	ck_assert_int_eq(a.code, KIT_ERR_CANCELLED);
	keymap_close(&other);
}
END_TEST

START_TEST(an_event_from_anywhere_reaches_the_log_of_the_map)
{
	struct uuid uuid = scratch_uuid(5);
	struct log log;
	char what[] = "something happened", pid[] = "0000037M";
	struct logentry e = { .severity = SEVERITY_WARNING,
			      .name = "test",
			      .pid = pid,
			      .uuid = &uuid,
			      .address = "192.0.2.1",
			      .what = what };

	log_init(&log);
	ck_assert_int_eq(log_follow(&log, commit, NULL), 0);
	log_note(&log, &e);
	/* It was copied. */
	memset(what, 'x', sizeof(what) - 1);
	memset(pid, 'x', sizeof(pid) - 1);
	turn();
	ck_assert_int_eq(scratch_sql("select count(*) from log where what = 'something happened' "
				     "and pid = '0000037M' and hint is null"), 1);
	ck_assert_uint_eq(log.events[SEVERITY_WARNING], 1);
	commit_free(&commit);
	log_free(&log);
}
END_TEST

TEST_SUITE("commit")
{
	TCase *t = tcase_create("commits");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, jobs_are_done_in_their_order_and_kept);
	tcase_add_test(t, an_error_is_the_jobs_own);
	tcase_add_test(t, a_job_may_add_another_when_it_is_done);
	tcase_add_test(t, more_jobs_than_one_commit_takes_are_all_done);
	tcase_add_test(t, jobs_wait_while_another_holds_the_map);
	tcase_add_test(t, a_stop_writes_what_waits);
	tcase_add_test(t, a_stop_does_not_wait_for_ever_for_the_lock);
	tcase_add_test(t, an_event_from_anywhere_reaches_the_log_of_the_map);
	suite_add_tcase(suite, t);
}
