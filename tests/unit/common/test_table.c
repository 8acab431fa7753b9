/* Tests of tables. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/table.h"
#include "tests/support/suite.h"

START_TEST(tables_line_up_and_do_not_write_to_the_terminal)
{
	char text[256] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	struct table *t = table_new(out, "NAME|>N|STATE");

	table_cell(t, "a\033[2J");
	table_cell(t, "%d", 17);
	table_cell(t, "well");
	table_cell(t, "b\xc3\xa4");
	table_cell(t, "%d", 5);
	table_cell(t, "%s", "");
	ck_assert_uint_eq(table_end(t), 2);
	fclose(out);
	ck_assert_str_eq(text, "NAME    N  STATE\na?[2J  17  well\nb\xc3\xa4      5  \n");
}
END_TEST

START_TEST(a_long_table_is_printed_as_it_comes)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct table *t = table_new(out, "A|B");

	for (int i = 0; i < 5000; i++)
		table_cell(t, "%d", i);
	ck_assert_uint_eq(table_end(t), 2500);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "\n4998  4999\n"));
	free(text);
}
END_TEST

TEST_SUITE("table")
{
	TCase *t = tcase_create("table");

	tcase_add_test(t, tables_line_up_and_do_not_write_to_the_terminal);
	tcase_add_test(t, a_long_table_is_printed_as_it_comes);
	suite_add_tcase(suite, t);
}
