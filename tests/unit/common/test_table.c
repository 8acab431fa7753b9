/* Tests of tables. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/table.h"
#include "tests/support/suite.h"

static char *text;
static size_t size;
static FILE *out;

static void begin(void)
{
	out = open_memstream(&text, &size);
	ck_assert_ptr_nonnull(out);
}

static void end(void)
{
	free(text);
}

/* What was printed, without blanks at the ends of lines. */
static const char *printed(void)
{
	char *to;

	fclose(out);
	to = text;
	for (const char *p = text; *p; p++) {
		while (*p == '\n' && to > text && to[-1] == ' ')
			to--;
		*to++ = *p;
	}
	*to = '\0';
	return text;
}

START_TEST(tables_line_up_and_do_not_write_to_the_terminal)
{
	struct table *t = table_new(out, "NAME|>N|STATE");

	table_cell(t, "a\033[2J");
	table_cell(t, "%d", 17);
	table_cell(t, "well");
	table_cell(t, "b\xc3\xa4");
	table_cell(t, "%d", 5);
	table_cell(t, "%s", "");
	ck_assert_uint_eq(table_end(t), 2);
	ck_assert_str_eq(printed(), "NAME    N  STATE\na?[2J  17  well\nb\xc3\xa4      5\n");
}
END_TEST

START_TEST(a_table_without_rows_has_its_headings)
{
	ck_assert_uint_eq(table_end(table_new(out, "NAME|>N")), 0);
	ck_assert_str_eq(printed(), "NAME  N\n");
}
END_TEST

START_TEST(a_long_table_is_printed_in_blocks_that_line_up)
{
	struct table *t = table_new(out, "A|B|C");
	size_t before = 0, first;

	for (int i = 0; i < 2500; i++) {
		table_cell(t, i ? "%d" : "%d is the widest", i);
		table_cell(t, "%d", i);
		table_cell(t, "x");
		fflush(out);
		/* Rows do not wait for the end, however many there are. */
		if (i == 600)
			before = size;
	}
	ck_assert_uint_gt(before, 512 * 10);
	ck_assert_uint_eq(table_end(t), 2500);
	printed();
	ck_assert_ptr_nonnull(strstr(text, "\n2499             2499  x\n"));
	first = strcspn(text, "\n");
	ck_assert_uint_gt(first, 0);
	ck_assert_ptr_eq(strstr(text, "A  "), text);
	ck_assert_ptr_null(strstr(text + first, "A  "));
}
END_TEST

START_TEST(on_a_terminal_the_last_column_is_wrapped_to_its_width)
{
	const struct winsize narrow = { .ws_row = 24, .ws_col = 40 };
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	char shown[1000];
	ssize_t n;
	FILE *terminal;
	struct table *t;

	ck_assert_int_ge(master, 0);
	ck_assert_int_eq(grantpt(master), 0);
	ck_assert_int_eq(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(slave, 0);
	ck_assert_int_eq(ioctl(slave, TIOCSWINSZ, &narrow), 0);
	terminal = fdopen(slave, "w");
	t = table_new(terminal, "ID|WHAT");
	table_cell(t, "0000-037M");
	table_cell(t, "the machine did not answer, and nobody knows why that is so");
	ck_assert_uint_eq(table_end(t), 1);
	fclose(terminal);
	n = read(master, shown, sizeof(shown) - 1);
	ck_assert_int_gt(n, 0);
	shown[n] = '\0';
	close(master);
	fclose(out);
	for (char *line = strtok(shown, "\r\n"); line; line = strtok(NULL, "\r\n"))
		ck_assert_msg(strlen(line) <= 40, "too wide: \"%s\"", line);
}
END_TEST

TEST_SUITE("table")
{
	TCase *t = tcase_create("table");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, tables_line_up_and_do_not_write_to_the_terminal);
	tcase_add_test(t, a_table_without_rows_has_its_headings);
	tcase_add_test(t, a_long_table_is_printed_in_blocks_that_line_up);
	tcase_add_test(t, on_a_terminal_the_last_column_is_wrapped_to_its_width);
	suite_add_tcase(suite, t);
}
