/* The daemon's log: nothing is printed that the map does not hold. */
#include <check.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/core/fold.h"
#include "server/core/log-private.h"
#include "server/core/log.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap.h"
#include "server/keymap/keymap-private.h"
#include "server/core/commit.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

static struct keymap *map;
static struct commit *commit;
static struct log daemon_log;
static struct event_base *base;
static int saved;

/* A job that notes an event; it may spoil the transaction, as a full disk does. */
struct event_job {
	const char *name;
	bool spoil;
	int fails;		/* the code that its run() ends with */
	int code;
	char seen[2000];	/* what was printed by then */
};

static void read_printed(char *out, size_t size)
{
	ssize_t n;
	int fd = open("printed", O_RDONLY);

	ck_assert_int_ge(fd, 0);
	n = read(fd, out, size - 1);
	ck_assert_int_ge(n, 0);
	out[n] = '\0';
	close(fd);
}

static void begin(void)
{
	struct fault fault = { 0 };
	int fd;

	scratch_enter();
	map = scratch_map();
	base = event_base_new();
	ck_assert_int_eq(commit_new(&commit, base, map, &fault), 0);
	log_init(&daemon_log);
	ck_assert_int_eq(log_follow(&daemon_log, commit, &fault), 0);
	fflush(stderr);
	saved = dup(STDERR_FILENO);
	fd = open("printed", O_WRONLY | O_CREAT | O_APPEND, 0600);
	ck_assert_int_ge(fd, 0);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

static void end(void)
{
	dup2(saved, STDERR_FILENO);
	close(saved);
	commit_free(&commit);
	log_free(&daemon_log);
	event_base_free(base);
	keymap_close(&map);
	scratch_leave();
}

static int run(struct keymap *its, void *context, struct fault *fault)
{
	struct event_job *w = context;
	struct logentry e = { .severity = SEVERITY_WARNING,
			      .name = w->name,
			      .what = "it happened" };

	log_inside(&daemon_log, its, &e);
	read_printed(w->seen, sizeof(w->seen));
	if (w->spoil)
		sql_rollback(its->db);
	return w->fails;
}

static void done(void *context, int code, const struct fault *fault)
{
	struct event_job *w = context;

	w->code = code;
}

static void add(struct event_job *w)
{
	struct commit_job job = { .run = run, .done = done, .context = w };

	ck_assert_int_eq(commit_add(commit, &job, NULL), 0);
}

START_TEST(a_line_is_printed_once_it_is_durable_and_not_before)
{
	struct event_job one = { .name = "first-event" }, two = { .name = "second-event" };
	char printed[2000];

	add(&one);
	add(&two);
	commit_flush(commit, 1);
	ck_assert_int_eq(one.code, 0);
	ck_assert_str_eq(one.seen, "");
	ck_assert_str_eq(two.seen, "");
	read_printed(printed, sizeof(printed));
	ck_assert_ptr_nonnull(strstr(printed, "warning first-event: it happened\n"));
	ck_assert(strstr(printed, "second-event") > strstr(printed, "first-event"));
	ck_assert_uint_eq(daemon_log.events[SEVERITY_WARNING], 2);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM log"), 2);
}
END_TEST

START_TEST(what_the_map_did_not_keep_is_not_printed_as_having_happened)
{
	struct event_job one = { .name = "first-event" };
	struct event_job two = { .name = "second-event", .spoil = true };
	struct event_job three = { .name = "third-event" };
	char printed[2000];

	add(&one);
	add(&two);
	commit_flush(commit, 1);
	ck_assert_int_eq(one.code, KIT_ERR_DATABASE);
	ck_assert_int_eq(two.code, KIT_ERR_DATABASE);
	read_printed(printed, sizeof(printed));
	ck_assert_ptr_null(strstr(printed, "-event"));
	ck_assert_ptr_nonnull(
		strstr(printed, "2 events could not be kept in the map and did not happen: "));
	ck_assert_uint_eq(daemon_log.events[SEVERITY_WARNING], 0);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM log"), 0);
	/* The next turn is as good as ever. */
	add(&three);
	commit_flush(commit, 1);
	read_printed(printed, sizeof(printed));
	ck_assert_ptr_nonnull(strstr(printed, "warning third-event: it happened\n"));
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM log"), 1);
}
END_TEST

START_TEST(what_a_failed_job_said_is_undone_with_what_it_wrote)
{
	struct event_job one = { .name = "first-event" };
	struct event_job two = { .name = "second-event", .fails = KIT_ERR_REFUSED };
	struct event_job three = { .name = "third-event" };
	char printed[2000];

	add(&one);
	add(&two);
	add(&three);
	commit_flush(commit, 1);
	ck_assert_int_eq(one.code, 0);
	ck_assert_int_eq(two.code, KIT_ERR_REFUSED);
	ck_assert_int_eq(three.code, 0);
	read_printed(printed, sizeof(printed));
	ck_assert_ptr_nonnull(strstr(printed, "first-event"));
	ck_assert_ptr_null(strstr(printed, "second-event"));
	ck_assert_ptr_nonnull(strstr(printed, "third-event"));
	ck_assert_uint_eq(daemon_log.events[SEVERITY_WARNING], 2);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM log"), 2);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM log WHERE name = 'second-event'"), 0);
}
END_TEST

/* A job that notes the same about the same machine. */
static int run_hello(struct keymap *its, void *context, struct fault *fault)
{
	struct event_job *w = context;
	struct uuid uuid = scratch_uuid(1);
	struct logentry e = { .severity = SEVERITY_INFO, .name = w->name, .uuid = &uuid,
			      .address = "192.0.2.1", .what = "it happened" };

	log_inside(&daemon_log, its, &e);
	if (w->spoil)
		sql_rollback(its->db);
	return w->fails;
}

START_TEST(lines_that_repeat_themselves_are_folded_in_map_and_copy)
{
	struct event_job works[100];
	struct commit_job job = { .run = run_hello, .done = done };
	char printed[20000], *at;
	unsigned lines = 0;

	for (int i = 0; i < 100; i++) {
		works[i] = (struct event_job){ .name = "an-event",
					       .fails = i == 50 ? KIT_ERR_STATE : 0 };
		job.context = &works[i];
		ck_assert_int_eq(commit_add(commit, &job, NULL), 0);
	}
	commit_flush(commit, 1);
	log_turn(&daemon_log, true);
	commit_flush(commit, 1);
	read_printed(printed, sizeof(printed));
	for (at = printed; (at = strstr(at, "it happened\n")) != NULL; at++)
		lines++;
	ck_assert_uint_eq(lines, FOLD_SAME);
	/* The one that failed has not happened. */
	ck_assert_ptr_nonnull(strstr(printed, "94 more lines like this of this machine"));
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM log"), FOLD_SAME + 1);
	/* Nor what a transaction that failed would have counted. */
	works[0] = (struct event_job){ .name = "an-event", .spoil = true };
	job.context = &works[0];
	ck_assert_int_eq(commit_add(commit, &job, NULL), 0);
	commit_flush(commit, 1);
	log_turn(&daemon_log, true);
	commit_flush(commit, 1);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM log"), FOLD_SAME + 1);
}
END_TEST

START_TEST(the_copy_is_bounded_and_says_so_but_errors_come)
{
	static char printed[1000000];
	struct logentry e = { .severity = SEVERITY_INFO, .name = "an-event",
			      .what = "it happened" };
	struct logentry error = { .severity = SEVERITY_ERROR, .name = "an-error",
				  .what = "it failed" };
	unsigned lines = 0;

	/* The second may turn while this runs: then there are twice as many. */
	for (int i = 0; i < 5 * LOG_LINES; i++)
		log_note(&daemon_log, &e);
	log_note(&daemon_log, &error);
	read_printed(printed, sizeof(printed));
	for (char *at = printed; (at = strstr(at, "it happened\n")) != NULL; at++)
		lines++;
	ck_assert_uint_ge(lines, LOG_LINES);
	ck_assert_uint_le(lines, 4 * LOG_LINES);
	ck_assert_ptr_nonnull(strstr(printed, "it failed\n"));
	daemon_log.second--;
	log_note(&daemon_log, &e);
	read_printed(printed, sizeof(printed));
	ck_assert_ptr_nonnull(
		strstr(printed, "lines were left out here: \"amt-provisionctl log\""));
	/* The map has them all. */
	commit_flush(commit, 20);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM log"), 5 * LOG_LINES + 2);
}
END_TEST

static bool has_field(const struct log_fields *f, const char *field)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->fields[i].iov_len == strlen(field) &&
		    memcmp(f->fields[i].iov_base, field, f->fields[i].iov_len) == 0)
			return true;
	return false;
}

START_TEST(systemds_journal_gets_fields)
{
	struct log_fields f;
	struct logentry e = { .time = 1700000000, .severity = SEVERITY_SECURITY, .name = "pid-used",
			      .pid = "0000037M", .address = "192.0.2.1", .what = "it was used",
			      .hint = "make another" };
	static char hint[20000];

	log_fields(&e, &f);
	ck_assert(has_field(&f, "MESSAGE=security pid-used pid=0000-037M address=192.0.2.1: it was "
			    "used -- make another"));
	ck_assert(has_field(&f, "PRIORITY=4"));
	ck_assert(has_field(&f, "AMT_SEVERITY=security"));
	ck_assert(has_field(&f, "AMT_EVENT=pid-used"));
	ck_assert(has_field(&f, "AMT_PID=0000-037M"));
	ck_assert(has_field(&f, "AMT_ADDRESS=192.0.2.1"));
	ck_assert(has_field(&f, "AMT_HINT=make another"));
	ck_assert_uint_eq(f.count, 8);
	/* A field that does not fit is left out, the others stay. */
	memset(hint, 'x', sizeof(hint) - 1);
	e.hint = hint;
	log_fields(&e, &f);
	ck_assert(has_field(&f, "AMT_EVENT=pid-used"));
	ck_assert_uint_eq(f.count, 7);
}
END_TEST

START_TEST(news_from_elsewhere_are_printed_at_once_and_kept)
{
	struct logentry e = { .severity = SEVERITY_ERROR,
			      .name = "an-event",
			      .what = "it happened" };
	char printed[2000];

	log_note(&daemon_log, &e);
	read_printed(printed, sizeof(printed));
	ck_assert_ptr_nonnull(strstr(printed, "error an-event: it happened\n"));
	commit_flush(commit, 1);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM log WHERE name = 'an-event'"), 1);
	ck_assert_uint_eq(daemon_log.events[SEVERITY_ERROR], 1);
}
END_TEST

TEST_SUITE("log")
{
	TCase *t = tcase_create("lines");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_line_is_printed_once_it_is_durable_and_not_before);
	tcase_add_test(t, what_the_map_did_not_keep_is_not_printed_as_having_happened);
	tcase_add_test(t, what_a_failed_job_said_is_undone_with_what_it_wrote);
	tcase_add_test(t, news_from_elsewhere_are_printed_at_once_and_kept);
	tcase_add_test(t, lines_that_repeat_themselves_are_folded_in_map_and_copy);
	tcase_add_test(t, the_copy_is_bounded_and_says_so_but_errors_come);
	tcase_add_test(t, systemds_journal_gets_fields);
	suite_add_tcase(suite, t);
}
