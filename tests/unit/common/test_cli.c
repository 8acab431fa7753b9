/* Tests of command lines: options parsed into the struct of a verb, and what is refused. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cli-private.h"
#include "common/cli.h"
#include "tests/support/suite.h"

struct map_options {
	const char *file;
};

struct make_options {
	struct map_options map;
	bool force, yes;
	const char *text;
	uint64_t number;
	uint32_t size;
	uint16_t port;
	enum { RED, GREEN, BLUE } colour;
	struct cli_list set;
};

static const char *const colours[] = { "red", "green", "blue", NULL };

static const struct cli_option options[] = {
	CLI_TEXT('m', "map", struct make_options, map.file, "DB", "the map", .flags = CLI_FILE),
	CLI_FLAG('f', "force-contents", struct make_options, force, "do it", .flags = CLI_WHOLE),
	CLI_FLAG(0, "yes", struct make_options, yes, "do not ask"),
	CLI_TEXT('t', "text", struct make_options, text, "TEXT", "a text", .exclusive = 1),
	CLI_NUMBER('n', "number", struct make_options, number, "N", 1, UINT64_MAX, "how many",
		   .exclusive = 1),
	CLI_SIZE(0, "size", struct make_options, size, "SIZE", 0, UINT32_MAX, "how large"),
	CLI_NUMBER(0, "port", struct make_options, port, "N", 0, 65535, "the port"),
	CLI_CHOICE(0, "colour", struct make_options, colour, "COLOUR", colours, "which"),
	CLI_LIST('s', "set", struct make_options, set, "NAME=VALUE", "set a variable"),
	CLI_GONE("slowly", NULL, "it is always fast"),
	CLI_GONE("bytes", "N", "leave it out"),
	{ 0 },
};

static const struct cli_option needed[] = {
	CLI_NUMBER('n', "number", struct make_options, number, "N", 1, 9, "how many",
		   .flags = CLI_REQUIRED),
	{ 0 },
};

/* What the verb got, and how often it ran. */
static struct make_options got;
static char sets[64];
static int runs;

static int make(struct cli *cli, const void *given)
{
	const struct make_options *o = given;

	got = *o;
	sets[0] = '\0';
	for (size_t i = 0; i < o->set.count; i++)
		strcat(strcat(sets, o->set.values[i]), ",");
	ck_assert_int_eq(cli_given(cli, &options[3]), o->text != NULL);
	runs++;
	return EXIT_NO;
}

static const struct cli_verb make_verb = {
	.name = "thing make",
	.operands = "WHAT... WHERE [HOW]",
	.summary = "make",
	.options = options,
	.options_size = sizeof(struct make_options),
	.defaults = &(const struct make_options){ .number = 7, .colour = GREEN },
	.min_operands = 2,
	.max_operands = 3,
	.run = make,
};

static const struct cli_verb need_verb = {
	.name = "need",
	.operands = "",
	.summary = "need",
	.options = needed,
	.options_size = sizeof(struct make_options),
	.run = make,
};

static const struct cli_verb *const verbs[] = { &make_verb, &need_verb, NULL };
static const struct cli_program program = { .name = "x", .summary = "x", .verbs = verbs };

/* Run "x WORD..."; what it says on standard error goes into ERR. Returns its exit status. */
static char err[2048];

static int run(const char *word, ...)
{
	char *argv[32] = { (char *)"x" };
	int argc = 1, status, kept = dup(STDERR_FILENO);
	FILE *file = tmpfile();
	va_list args;
	size_t n;

	va_start(args, word);
	for (; word; word = va_arg(args, const char *))
		argv[argc++] = (char *)word;
	va_end(args);
	ck_assert_ptr_nonnull(file);
	dup2(fileno(file), STDERR_FILENO);
	runs = 0;
	status = cli_main(&program, argc, argv);
	fflush(stderr);
	dup2(kept, STDERR_FILENO);
	close(kept);
	rewind(file);
	n = fread(err, 1, sizeof(err) - 1, file);
	err[n] = '\0';
	fclose(file);
	return status;
}

#define refused(says, ...) do { \
		ck_assert_int_eq(run(__VA_ARGS__, NULL), EXIT_CANNOT); \
		ck_assert_int_eq(runs, 0); \
		ck_assert_msg(strstr(err, says) != NULL, "\"%s\" is not in: %s", says, err); \
	} while (0)

START_TEST(options_come_as_fields_of_the_verbs_struct)
{
	ck_assert_int_eq(run("thing", "make", "a", "-m", "db", "--force-contents", "-n", "12", "b",
			     "--size=2K", "--port", "65535", "--colour", "blue", "-s", "one",
			     "--set=two", NULL), EXIT_NO);
	ck_assert_int_eq(runs, 1);
	ck_assert_str_eq(got.map.file, "db");
	ck_assert(got.force && !got.yes && !got.text);
	ck_assert_uint_eq(got.number, 12);
	ck_assert_uint_eq(got.size, 2048);
	ck_assert_uint_eq(got.port, 65535);
	ck_assert_int_eq(got.colour, BLUE);
	ck_assert_str_eq(sets, "one,two,");
}
END_TEST

START_TEST(what_is_not_given_has_the_verbs_default)
{
	ck_assert_int_eq(run("thing", "make", "a", "b", NULL), EXIT_NO);
	ck_assert_uint_eq(got.number, 7);
	ck_assert_int_eq(got.colour, GREEN);
	ck_assert_ptr_null(got.map.file);
	ck_assert_str_eq(sets, "");
}
END_TEST

START_TEST(values_have_bounds_and_kinds)
{
	refused("--number: 0 is not within 1 to", "thing", "make", "a", "b", "-n", "0");
	refused("--number: \"2K\" is not a number", "thing", "make", "a", "b", "-n", "2K");
	refused("--number: \"-1\" is not a number", "thing", "make", "a", "b", "-n", "-1");
	refused("--size: \"x\" is not a size", "thing", "make", "a", "b", "--size", "x");
	refused("is not within 0 to 4294967295", "thing", "make", "a", "b", "--size", "4G");
	refused("is not within 0 to 65535", "thing", "make", "a", "b", "--port", "65536");
	refused("--colour: \"pink\" is unknown\n  give one of: red, green, blue", "thing", "make",
		"a", "b", "--colour", "pink");
}
END_TEST

START_TEST(repeated_exclusive_and_missing_options_are_refused)
{
	refused("--text is given twice", "thing", "make", "a", "b", "-t", "1", "--text", "1");
	refused("--number and --text exclude each other", "thing", "make", "a", "b", "-n", "1",
		"-t", "1");
	refused("--number is missing", "need");
	refused("-n needs a value", "need", "-n");
	refused("no option --nothing", "thing", "make", "a", "b", "--nothing");
}
END_TEST

START_TEST(a_safety_option_is_never_abbreviated)
{
	refused("there is no option --force (--force-contents must", "thing", "make",
		"a", "b", "--force");
	refused("no option --force-content (", "thing", "make", "a", "b", "--force-content");
	ck_assert_int_eq(run("thing", "make", "a", "b", "-f", NULL), EXIT_NO);
	ck_assert(got.force);
	/* Others may be. */
	ck_assert_int_eq(run("thing", "make", "a", "b", "--num=3", NULL), EXIT_NO);
	ck_assert_uint_eq(got.number, 3);
}
END_TEST

START_TEST(an_option_that_went_is_read_with_a_warning_and_shown_nowhere)
{
	char *text = NULL;
	size_t size;
	FILE *out;

	ck_assert_int_eq(run("thing", "make", "a", "--slowly", "--bytes", "7", "b", NULL), EXIT_NO);
	ck_assert_int_eq(runs, 1);
	ck_assert_msg(strstr(err, "x: warning: --slowly does nothing any more: it is always fast\n")
		      != NULL, "%s", err);
	ck_assert_ptr_nonnull(strstr(err, "--bytes does nothing any more: leave it out"));
	for (int i = 0; i < 3; i++) {
		static const char *const shells[] = { "bash", "zsh" };

		out = open_memstream(&text, &size);
		if (i < 2)
			ck_assert_int_eq(cli_complete(out, &program, shells[i]), 0);
		else
			cli_help_verb(out, &program, &make_verb);
		fclose(out);
		ck_assert_ptr_nonnull(strstr(text, "--port"));
		ck_assert_ptr_null(strstr(text, "slowly"));
		ck_assert_ptr_null(strstr(text, "--bytes"));
		free(text);
	}
}
END_TEST

START_TEST(an_operand_that_is_missing_is_named)
{
	refused("x: WHAT... WHERE is missing. Usage: x thing make WHAT... WHERE [HOW]\n", "thing",
		"make");
	refused("x: WHERE is missing. Usage:", "thing", "make", "a");
	refused("\"4\" is one operand too many", "thing", "make", "1", "2", "3", "4");
}
END_TEST

START_TEST(sizes_are_powers_of_1024)
{
	uint64_t n = 0;

	ck_assert_int_eq(cli_parse_size("256M", &n), 0);
	ck_assert_uint_eq(n, UINT64_C(256) << 20);
	ck_assert_int_eq(cli_parse_size("17", &n), 0);
	ck_assert_uint_eq(n, 17);
	for (const char *const *p = (const char *const[]){ "", "M", "-1", "1MB", "99999999999G",
							   " 1", "18446744073709551616", NULL };
	     *p; p++)
		ck_assert_msg(cli_parse_size(*p, &n) < 0, "taken: \"%s\"", *p);
}
END_TEST

TEST_SUITE("cli")
{
	TCase *tcase = tcase_create("cli");

	tcase_add_test(tcase, options_come_as_fields_of_the_verbs_struct);
	tcase_add_test(tcase, what_is_not_given_has_the_verbs_default);
	tcase_add_test(tcase, values_have_bounds_and_kinds);
	tcase_add_test(tcase, repeated_exclusive_and_missing_options_are_refused);
	tcase_add_test(tcase, a_safety_option_is_never_abbreviated);
	tcase_add_test(tcase, an_option_that_went_is_read_with_a_warning_and_shown_nowhere);
	tcase_add_test(tcase, an_operand_that_is_missing_is_named);
	tcase_add_test(tcase, sizes_are_powers_of_1024);
	suite_add_tcase(suite, tcase);
}
