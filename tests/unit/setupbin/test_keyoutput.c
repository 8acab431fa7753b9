/* Tests of pairs on their way out: into a list, a setup.bin, or both. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "setupbin/keyoutput.h"
#include "setupbin/source.h"
#include "tests/support/suite.h"

static char folder[64], list[80], setupbin[80];
static struct fault fault;

static const struct keyentry entries[] = {
	{ .pair = { "0000037M", "NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ" }, .new_password = "P@ssw0rd" },
	{ .pair = { "0000037M", "NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ" }, .new_password = "P@ssw0rd1" },
};

static void enter(void)
{
	fault = (struct fault){ 0 };
	strcpy(folder, "/tmp/kit-keyoutput-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(list, sizeof(list), "%s/list", folder);
	snprintf(setupbin, sizeof(setupbin), "%s/setup.bin", folder);
}

static void leave(void)
{
	unlink(list);
	unlink(setupbin);
	ck_assert_int_eq(rmdir(folder), 0);
}

/* How many of the entries the file PATH of kind KIND holds. */
static size_t count(const char *path, const char *kind)
{
	struct keysource *source = NULL;
	struct keyproblem problem;
	struct keyentry e;
	FILE *file = fopen(path, "r");
	size_t n = 0;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(sbin_source_open(&source, file, path, NULL, 0, &fault), 0);
	ck_assert_str_eq(source->kind, kind);
	while (keysource_next(source, &e, &problem, &fault) == 1)
		ck_assert_str_eq(e.new_password, entries[n++].new_password);
	ck_assert_int_eq(fault.code, 0);
	keysource_free(&source);
	fclose(file);
	return n;
}

START_TEST(both_files_appear_at_once_and_hold_the_same)
{
	struct keyoutput o = { .list_path = list, .format = KEYLIST_JSON, .hold = true,
			       .setupbin_path = setupbin };

	ck_assert_int_eq(keyoutput_check(&o, NULL, &fault), 0);
	/* The second time over what is there. */
	for (int i = 0; i < 2; i++) {
		o.force = i;
		ck_assert_int_eq(keyoutput_open(&o, 2, &fault), 0);
		for (int e = 0; e < 2; e++)
			ck_assert_int_eq(keyoutput_put(&o, &entries[e], &fault), 0);
		ck_assert_int_eq(keyoutput_end(&o, &fault), 0);
		ck_assert_int_eq(access(list, F_OK), i - 1);
		ck_assert_int_eq(access(setupbin, F_OK), i - 1);
		ck_assert_int_eq(keyoutput_commit(&o, &fault), 0);
		ck_assert(o.made_setupbin);
		keyoutput_discard(&o);
		ck_assert_uint_eq(count(list, "json"), 2);
		ck_assert_uint_eq(count(setupbin, "setup.bin"), 2);
	}
}
END_TEST

START_TEST(what_is_dropped_leaves_nothing_and_a_pair_that_does_not_fit_is_named)
{
	struct keyentry bare = entries[0];
	struct keyoutput o = { .list_path = list, .setupbin_path = setupbin };

	bare.new_password[0] = '\0';
	ck_assert_int_eq(keyoutput_check(&o, "3.0", &fault), 0);
	ck_assert_int_eq(keyoutput_open(&o, 1, &fault), 0);
	ck_assert_int_eq(keyoutput_put(&o, &bare, &fault), KIT_ERR_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(fault.what, "PID 0000-037M"));
	ck_assert_ptr_null(strstr(fault.what, "NKLD"));
	keyoutput_discard(&o);
	ck_assert_int_ne(access(list, F_OK), 0);
	ck_assert_int_ne(access(setupbin, F_OK), 0);
}
END_TEST

START_TEST(options_that_do_not_go_together_are_refused)
{
	static const struct {
		struct keyoutput o;
		const char *version, *what;
	} cases[] = {
		{ { .list_path = "x" }, "2.1", "need --setupbin" },
		{ { .list_path = "x", .scramble = true }, NULL, "need --setupbin" },
		{ { .setupbin_path = "-" }, NULL, "needs a file" },
		{ { .setupbin_path = "x" }, "2.2", "\"2.2\" is unknown" },
		{ { .setupbin_path = "x", .scramble = true }, "3.0", "needs --file-version 4.0" },
	};
	struct keyoutput same = { .list_path = setupbin, .setupbin_path = setupbin };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct keyoutput o = cases[i].o;

		fault = (struct fault){ 0 };
		ck_assert_int_eq(keyoutput_check(&o, cases[i].version, &fault), KIT_ERR_ARGUMENT);
		ck_assert_msg(strstr(fault.what, cases[i].what) != NULL, "%s", fault.what);
	}
	fault = (struct fault){ 0 };
	ck_assert_int_eq(keyoutput_open(&same, 1, &fault), KIT_ERR_ARGUMENT);
	keyoutput_discard(&same);
}
END_TEST

TEST_SUITE("keyoutput")
{
	TCase *t = tcase_create("keyoutput");

	tcase_add_checked_fixture(t, enter, leave);
	tcase_add_test(t, both_files_appear_at_once_and_hold_the_same);
	tcase_add_test(t, what_is_dropped_leaves_nothing_and_a_pair_that_does_not_fit_is_named);
	tcase_add_test(t, options_that_do_not_go_together_are_refused);
	suite_add_tcase(suite, t);
}
