/* Tests of importing lists of pairs: what comes of each line, all or nothing. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "server/admin/import.h"
#include "server/keymap/keymap.h"
#include "tests/support/admin.h"
#include "tests/support/suite.h"

#define PPS	"NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XJ"
#define OTHER	"AAAF-AAAF-AAAF-AAAF-AAAF-AAAF-AAAF-AAAF"
#define HEAD	"pid,pps,admin_password\n"

/* Bad lines, a line each: "line field pid rule". */
static char bad[2048];

static void on_bad_line(void *context, const struct keyproblem *p, const char *pid)
{
	size_t n = strlen(bad);

	(void)context;
	snprintf(bad + n, sizeof(bad) - n, "%lu %s %s %s\n", p->line, p->field, pid, p->rule);
}

static struct import import(const char *text, bool dry_run, bool skip_bad)
{
	struct import im = { .name = "keys.csv", .dry_run = dry_run, .skip_bad = skip_bad,
			     .bad_line = on_bad_line };
	FILE *file = list_of(text);

	bad[0] = '\0';
	ok(import_keys(&im, &op, file, &fault));
	fclose(file);
	free(im.columns);
	return im;
}

START_TEST(each_line_is_counted_as_what_comes_of_it)
{
	struct import im = import(HEAD "0000-037M," PPS ",P@ssw0rd\n0000-038N," PPS ",\n", false,
				  false);

	ck_assert(im.good);
	ck_assert_str_eq(im.kind, "csv");
	ck_assert_uint_eq(im.added, 2);
	ck_assert_uint_eq(im.without_password, 1);
	ck_assert_uint_eq(keys_in_map(), 2);
	im = import(HEAD "0000-037m," PPS ",0ther-P@ss\n0000-038N," PPS ",P@ssw0rd\n"
		    "0000-038N," PPS ",P@ssw0rd\n", false, false);
	ck_assert(im.good);
	ck_assert_uint_eq(im.added, 0);
	ck_assert_uint_eq(im.other_password, 1);
	ck_assert_uint_eq(im.completed, 1);
	ck_assert_uint_eq(im.same, 1);
	ck_assert_uint_eq(im.lower_case, 1);
	ck_assert_uint_eq(logged("keys-imported"), 2);
}
END_TEST

START_TEST(one_bad_line_refuses_the_whole_list)
{
	struct import im = import(HEAD "0000-037M," PPS ",P@ssw0rd\n0000-039P," PPS ",P@ssw0rd\n",
				  false, false);

	ck_assert(!im.good);
	ck_assert_uint_eq(im.bad, 1);
	ck_assert_uint_eq(im.added, 0);
	ck_assert_ptr_nonnull(strstr(bad, "3 pid  "));
	ck_assert_uint_eq(keys_in_map(), 0);
	ck_assert_uint_eq(logged("keys-imported"), 0);
	ck_assert(!keymap_in_transaction(m));
}
END_TEST

START_TEST(bad_lines_can_be_left_out)
{
	struct import im = import(HEAD "0000-037M," PPS ",P@ssw0rd\n0000-039P," PPS ",P@ssw0rd\n",
				  false, true);

	ck_assert(im.good);
	ck_assert_uint_eq(im.bad, 1);
	ck_assert_uint_eq(im.added, 1);
	ck_assert_uint_eq(keys_in_map(), 1);
}
END_TEST

START_TEST(another_pps_of_a_pid_is_a_bad_line_that_names_it)
{
	struct import im = import(HEAD "0000-037M," PPS ",\n0000-037M," OTHER ",\n", false, false);

	ck_assert(!im.good);
	ck_assert_uint_eq(im.other_pps, 1);
	ck_assert_ptr_nonnull(strstr(bad, "3 pid 0000037M 0000-037M is in the map"));
	ck_assert_uint_eq(keys_in_map(), 0);
}
END_TEST

START_TEST(a_dry_run_changes_nothing_and_needs_no_map)
{
	struct import im = import(HEAD "0000-037M," PPS ",P@ssw0rd\n", true, false);

	ck_assert(im.good);
	ck_assert_uint_eq(im.added, 1);
	ck_assert_uint_eq(keys_in_map(), 0);
	op.map = NULL;
	im = import(HEAD "0000-037M," PPS ",P@ssw0rd\n", true, false);
	ck_assert(im.good);
	ck_assert_uint_eq(im.added, 1);
}
END_TEST

START_TEST(what_is_not_a_list_is_a_fault_and_leaves_the_map_alone)
{
	struct import im = { .name = "keys.csv" };
	FILE *file = list_of("pid,secret\n");
	struct fault fault = { 0 };

	ck_assert_int_eq(import_keys(&im, &op, file, &fault), KIT_ERR_FORMAT);
	ck_assert_int_eq(fault.code, KIT_ERR_FORMAT);
	ck_assert(!im.good);
	fclose(file);
	ck_assert(!keymap_in_transaction(m));
}
END_TEST

static unsigned long long calls, last_done;

static void on_progress(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	ck_assert_uint_le(done, total);
	ck_assert_uint_ge(done, last_done);
	last_done = done;
	calls++;
}

START_TEST(a_long_list_comes_in_whole_and_shows_how_far_it_is)
{
	struct import im = { .name = "keys.txt", .progress = on_progress };
	FILE *file = fopen("long", "w+");
	const unsigned n = 70000;	/* more than are sorted at a time */

	ck_assert_ptr_nonnull(file);
	for (unsigned i = 0; i < n; i++) {
		struct keyentry e = scratch_pair(i);

		fprintf(file, "%s %s\n", e.pair.pid, e.pair.pps);
	}
	rewind(file);
	calls = last_done = 0;
	ok(import_keys(&im, &op, file, &fault));
	fclose(file);
	ck_assert(im.good);
	ck_assert_uint_eq(im.added, n);
	ck_assert_uint_eq(keys_in_map(), n);
	ck_assert_uint_ge(calls, n / 4096);
}
END_TEST

TEST_SUITE("import")
{
	TCase *tcase = tcase_create("import");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, admin_enter, admin_leave);
	tcase_add_test(tcase, each_line_is_counted_as_what_comes_of_it);
	tcase_add_test(tcase, one_bad_line_refuses_the_whole_list);
	tcase_add_test(tcase, bad_lines_can_be_left_out);
	tcase_add_test(tcase, another_pps_of_a_pid_is_a_bad_line_that_names_it);
	tcase_add_test(tcase, a_dry_run_changes_nothing_and_needs_no_map);
	tcase_add_test(tcase, what_is_not_a_list_is_a_fault_and_leaves_the_map_alone);
	tcase_add_test(tcase, a_long_list_comes_in_whole_and_shows_how_far_it_is);
	suite_add_tcase(suite, tcase);
}
