/* Tests of the log: its lines, its JSON form, its rows. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "server/keymap/events.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

#define NOW	1715933350	/* 2024-05-17T08:09:10Z */

START_TEST(an_event_is_one_line_with_all_that_applies)
{
	struct uuid uuid = scratch_uuid(1);
	struct logentry e = { .time = NOW, .severity = SEVERITY_SECURITY, .name = "invalid-pid-map",
			   .pid = "0000037M", .uuid = &uuid, .address = "192.0.2.1",
			   .what = "invalid PID map", .hint = "import the key" };
	char line[300], shown[UUID_SHOWN + 1], want[300];

	uuid_show(&uuid, shown);
	snprintf(want, sizeof(want), "2024-05-17T08:09:10Z security invalid-pid-map pid=0000-037M"
		 " uuid=%s address=192.0.2.1: invalid PID map -- import the key", shown);
	ck_assert_uint_eq(logentry_line(&e, line, sizeof(line)), strlen(want));
	ck_assert_str_eq(line, want);
	e = (struct logentry){ .time = NOW, .name = "start", .what = "listening" };
	logentry_line(&e, line, sizeof(line));
	ck_assert_str_eq(line, "2024-05-17T08:09:10Z info start: listening");
	/* Cut off at every size, always ended. */
	for (size_t n = 1; n < 60; n++) {
		memset(line, 'Z', sizeof(line));
		ck_assert_uint_lt(logentry_line(&e, line, n), n);
		ck_assert_uint_lt(strlen(line), n);
		ck_assert_int_eq(line[n], 'Z');
	}
}
END_TEST

START_TEST(what_a_peer_says_cannot_steer_a_terminal_or_forge_a_line)
{
	struct logentry e = { .time = NOW,
			      .name = "x",
			      .what = "a\nb\x1b[2J\x7f\xc2\x9b\xff\xc3\xa4" };
	char line[200];
	json_t *json;

	logentry_line(&e, line, sizeof(line));
	ck_assert_str_eq(line, "2024-05-17T08:09:10Z info x: a?b?[2J????\xc3\xa4");
	json = logentry_json(&e);
	ck_assert_ptr_nonnull(json);
	ck_assert_str_eq(json_string_value(json_object_get(json, "what")), "a?b?[2J????\xc3\xa4");
	ck_assert(json_is_null(json_object_get(json, "pid")));
	json_decref(json);
	/* Overlong and surrogate forms are no UTF-8. */
	e.what = "\xc0\xaf\xe0\x80\xaf\xed\xa0\x80\xf4\x90\x80\x80\xe2\x82";
	json = logentry_json(&e);
	ck_assert_ptr_nonnull(json);
	ck_assert_uint_eq(strspn(json_string_value(json_object_get(json, "what")), "?"),
			  strlen(json_string_value(json_object_get(json, "what"))));
	json_decref(json);
}
END_TEST


static void log_one(unsigned n, enum severity severity, const char *name)
{
	struct uuid uuid = scratch_uuid(n);
	struct keyentry e = scratch_pair(n);
	char what[40];
	const struct logentry event = { .time = NOW + n, .severity = severity, .name = name,
				     .pid = e.pair.pid, .uuid = &uuid, .address = "192.0.2.1",
				     .what = what, .hint = n % 2 ? "do" : NULL };

	snprintf(what, sizeof(what), "event %u", n);
	ok(keymap_log(m, &event, &fault));
}

struct events_seen { unsigned n; int64_t first, last; };

static int see(void *context, const struct logentry *e)
{
	struct events_seen *s = context;

	if (!s->n++)
		s->first = e->time - NOW;
	ck_assert(s->n == 1 || e->time - NOW > s->last);
	s->last = e->time - NOW;
	ck_assert_ptr_nonnull(e->uuid);
	ck_assert_uint_eq(strlen(e->pid), PID_LENGTH);
	return 0;
}

static struct events_seen look(struct keymap_log_filter filter)
{
	struct events_seen s = { 0 };

	ok(keymap_log_each(m, &filter, see, &s, &fault));
	return s;
}

START_TEST(the_log_is_filtered_followed_and_trimmed)
{
	struct uuid uuid = scratch_uuid(4);
	struct keyentry e = scratch_pair(3);
	struct events_seen s;

	for (unsigned i = 1; i <= 10; i++)
		log_one(i, i % 3 ? SEVERITY_INFO : SEVERITY_WARNING,
			i % 5 ? "hello" : "configured");
	ck_assert_uint_eq(look((struct keymap_log_filter){ .last = 0 }).n, 10);
	s = look((struct keymap_log_filter){ .last = 3 });
	ck_assert(s.n == 3 && s.first == 8 && s.last == 10);
	s = look((struct keymap_log_filter){ .after_id = 7 });
	ck_assert(s.n == 3 && s.first == 8);
	ck_assert_uint_eq(look((struct keymap_log_filter){ .severity = SEVERITY_WARNING }).n, 3);
	ck_assert_uint_eq(look((struct keymap_log_filter){ .pid = e.pair.pid }).n, 1);
	ck_assert_uint_eq(look((struct keymap_log_filter){ .uuid = &uuid }).n, 1);
	ck_assert_uint_eq(look((struct keymap_log_filter){ .name = "configured" }).n, 2);
	ck_assert_uint_eq(look((struct keymap_log_filter){ .since = NOW + 6 }).n, 5);
	keymap_log_keep(m, 4);
	log_one(11, SEVERITY_INFO, "hello");
	s = look((struct keymap_log_filter){ .last = 0 });
	ck_assert(s.n == 5 && s.first == 7);
	/* An id never comes twice, or a follower would miss events. */
	scratch_sql("DELETE FROM log");
	log_one(12, SEVERITY_INFO, "hello");
	ck_assert_int_eq(scratch_sql("SELECT id FROM log"), 12);
}
END_TEST

START_TEST(a_flood_of_events_never_makes_the_log_much_longer)
{
	keymap_log_keep(m, 100);
	ok(keymap_begin(m, &fault));
	for (unsigned i = 1; i <= 2000; i++) {
		log_one(i, SEVERITY_INFO, "hello");
		if (i % 100 == 0)
			ck_assert_uint_le(look((struct keymap_log_filter){ .last = 0 }).n, 400);
	}
	ok(keymap_commit(m, &fault));
	ck_assert_uint_ge(look((struct keymap_log_filter){ .last = 0 }).n, 100);
	ck_assert_int_eq(look((struct keymap_log_filter){ .last = 0 }).last, 2000);
}
END_TEST

START_TEST(severities_go_both_ways)
{
	enum severity back;

	for (int i = SEVERITY_INFO; i <= SEVERITY_SECURITY; i++) {
		ck_assert_int_eq(severity_parse(severity_word((enum severity)i),
						      &back), 0);
		ck_assert_int_eq((int)back, i);
	}
	ck_assert_int_eq(severity_parse("fatal", &back), KIT_ERR_ARGUMENT);
}
END_TEST

TEST_SUITE("events")
{
	TCase *tcase = tcase_create("events");

	tcase_add_checked_fixture(tcase, map_enter, map_leave);
	tcase_add_test(tcase, an_event_is_one_line_with_all_that_applies);
	tcase_add_test(tcase, what_a_peer_says_cannot_steer_a_terminal_or_forge_a_line);
	tcase_add_test(tcase, the_log_is_filtered_followed_and_trimmed);
	tcase_add_test(tcase, a_flood_of_events_never_makes_the_log_much_longer);
	tcase_add_test(tcase, severities_go_both_ways);
	suite_add_tcase(suite, tcase);
}
