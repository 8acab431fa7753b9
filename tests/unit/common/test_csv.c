/* Tests of tables as people export them. */
#include <stdlib.h>
#include <string.h>

#include "common/csv.h"
#include "tests/support/suite.h"

enum { PID, PPS, PASSWORD };

static const struct csv_field fields[] = {
	[PID] = { .name = "pid", .required = true },
	[PPS] = { .name = "pps", .others = (const char *const[]){ "mebxpps", NULL },
		  .required = true },
	[PASSWORD] = { .name = "admin_password",
		       .others = (const char *const[]){ "mebxpassword", NULL } },
	{ .name = NULL },
};

static struct lines *lines;
static struct csv *csv;
static struct fault fault;
static FILE *file;

static int open_table(const char *text, const char *const *wanted, size_t n)
{
	fault = (struct fault){ 0 };
	file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(lines_open(&lines, file, "list", &fault), 0);
	return csv_open(&csv, lines, fields, wanted, n, &fault);
}

static void done(void)
{
	csv_free(&csv);
	lines_free(&lines);
	fclose(file);
}

/* The rows of TEXT: "LINE[pid|pps|password]" each, "LINE!" for a bad one, '-' for no cell. */
static const char *rows(const char *text)
{
	static char out[1024];
	const char *rule;
	int rc = open_table(text, NULL, 0);

	ck_assert_msg(rc == 0, "%s", fault.what);
	out[0] = '\0';
	while ((rc = csv_next(csv, &rule, &fault)) != 0 && !fault.code) {
		char *at = out + strlen(out);

		if (rc < 0) {
			sprintf(at, "%lu!", csv_line(csv));
			continue;
		}
		at += sprintf(at, "%lu[", csv_line(csv));
		for (int f = PID; f <= PASSWORD; f++) {
			size_t n = 0;
			const char *cell = csv_text(csv, f, &n);

			ck_assert(!cell || strlen(cell) == n);
			at += sprintf(at, "%s%s", cell ? cell : "-", f < PASSWORD ? "|" : "]");
		}
	}
	done();
	return out;
}

START_TEST(the_separator_is_the_one_that_makes_sense_of_the_header)
{
	ck_assert_str_eq(rows("pid,pps\na,b\n"), "2[a|b|-]");
	ck_assert_str_eq(rows("pid;pps\na;b\n"), "2[a|b|-]");
	ck_assert_str_eq(rows("pid\tpps\na\tb\n"), "2[a|b|-]");
	ck_assert_str_eq(rows("pid|pps\na|b\n"), "2[a|b|-]");
	/* A comma in a column's name. */
	ck_assert_str_eq(rows("Room, floor;pid;pps\n3,1;a;b\n"), "2[a|b|-]");
	ck_assert_str_eq(rows("Room, floor\tpid\tpps\n3,1\ta\tb\n"), "2[a|b|-]");
	/* What Excel says of itself, where it makes sense and where it does not. */
	ck_assert_str_eq(rows("sep=;\npid;pps\na;b\n"), "3[a|b|-]");
	ck_assert_str_eq(rows("\"sep=,\"\r\npid,pps\r\na,b\r\n"), "3[a|b|-]");
	ck_assert_str_eq(rows("sep=,\npid;pps\na;b\n"), "3[a|b|-]");
}
END_TEST

START_TEST(lines_before_the_header_are_passed_over)
{
	ck_assert_str_eq(rows("#TYPE System.Data.DataRow\n\"pid\",\"pps\"\n\"a\",\"b\"\n"),
			 "3[a|b|-]");
	ck_assert_str_eq(rows("\nKeys of order 4711, Berlin\n,,,\nMade on;Monday\npid,pps\na,b\n"),
			 "6[a|b|-]");
	ck_assert_int_eq(open_table("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\npid,pps\n", NULL, 0),
			 KIT_ERR_NOT_FOUND);
	done();
	ck_assert_int_eq(open_table("", NULL, 0), KIT_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(fault.hint, "say which they are: --column "));
	done();
}
END_TEST

START_TEST(quoted_cells_hold_separators_quotes_and_line_breaks)
{
	ck_assert_str_eq(rows("pid,note,pps\n\"a\",\"x, \"\"y\"\"\nz\r\n\r\n\" ,b\nc,,d\n"),
			 "2[a|b|-]6[c|d|-]");
	ck_assert_str_eq(rows("pid,admin_password,pps\na,\"x\"\"y\nz\",b\n"), "2[a|b|x\"y\nz]");
	/* Quotes that are never closed cost one line, not the rest of the file. */
	ck_assert_str_eq(rows("pid,pps\n\"a,b\nc,d\ne,f\n"), "2!3[c|d|-]4[e|f|-]");
	ck_assert_str_eq(rows("pid,pps\n\"a\"x,b\nc,d\n"), "2!3[c|d|-]");
	ck_assert_str_eq(rows("pid,pps\na\"x,b\n"), "2[a\"x|b|-]");
}
END_TEST

START_TEST(cells_behind_the_last_column_must_be_empty)
{
	ck_assert_str_eq(rows("pid,pps\na,b,,,\nc,d,,x\ne\n,,,,\nf,\n"),
			 "2[a|b|-]3!4[e|-|-]6[f||-]");
	ck_assert_str_eq(rows("pid,pps,,,\na,b,,,\n"), "2[a|b|-]");
}
END_TEST

START_TEST(columns_are_known_by_many_names_and_all_are_accounted_for)
{
	static const char text[] = "Serial,P I D,MEBX_PPS,MEBx Password,pps2,\033x\n1,a,b,c\n";
	static const char *const wanted[] = { "pps=PPS2", "PID=serial" };
	const struct csv_column *columns;
	const char *rule;
	char *said;
	size_t n;

	ck_assert_str_eq(rows(text), "2[a|b|c]");
	ck_assert_int_eq(open_table(text, NULL, 0), 0);
	said = csv_describe(csv);
	ck_assert_str_eq(said,
			 "columns read: \"P I D\" as pid, \"MEBX_PPS\" as pps, \"MEBx Password\""
			 " as admin_password; not read: \"Serial\", \"pps2\", \"?x\"");
	free(said);
	columns = csv_columns(csv, &n);
	ck_assert_uint_eq(n, 6);
	ck_assert_int_eq(columns[3].field, PASSWORD);
	ck_assert_int_eq(columns[0].field, -1);
	done();
	/* A person knows better. */
	ck_assert_int_eq(open_table(text, wanted, 2), 0);
	ck_assert_int_eq(csv_next(csv, &rule, &fault), 1);
	ck_assert_str_eq(csv_text(csv, PID, &n), "1");
	ck_assert_ptr_null(csv_text(csv, PPS, &n));
	done();
}
END_TEST

START_TEST(a_header_that_will_not_do_is_refused_with_what_was_found)
{
	static const struct {
		const char *text, *wanted;
		int code;
		const char *what;
	} cases[] = {
		{ "\npid,key\n", NULL, KIT_ERR_FORMAT,
		  "list: line 2 has no column \"pps\"; columns "
		  "read: \"pid\"; not read: \"key\"" },
		{ "pid,pps,PPS\n", NULL, KIT_ERR_FORMAT, "two columns \"pps\"" },
		{ "pid,pps,x\n", "pps=y", KIT_ERR_ARGUMENT,
		  "--column pps=y: line 1 of list has no" },
		{ "pid,pps,x\n", "key=x", KIT_ERR_ARGUMENT, "--column \"key=x\" is not a field" },
		{ "pid,pps,x\n", "pps", KIT_ERR_ARGUMENT, "--column \"pps\" is not a field" },
		{ "pid,pps,\"x\n", NULL, KIT_ERR_NOT_FOUND, "no header line" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(open_table(cases[i].text, &cases[i].wanted, !!cases[i].wanted),
				 cases[i].code);
		ck_assert_msg(strstr(fault.what, cases[i].what) != NULL, "%zu: %s", i, fault.what);
		done();
	}
}
END_TEST

START_TEST(rows_separated_otherwise_than_the_header_are_reported_once)
{
	const char *rule = NULL;

	ck_assert_int_eq(open_table("pid,pps\na;b\nc;d\n", NULL, 0), 0);
	ck_assert_int_eq(csv_next(csv, &rule, &fault), KIT_ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(fault.what, "line 2 has no ','"));
	done();
}
END_TEST

TEST_SUITE("csv")
{
	TCase *t = tcase_create("csv");

	tcase_add_test(t, the_separator_is_the_one_that_makes_sense_of_the_header);
	tcase_add_test(t, lines_before_the_header_are_passed_over);
	tcase_add_test(t, quoted_cells_hold_separators_quotes_and_line_breaks);
	tcase_add_test(t, cells_behind_the_last_column_must_be_empty);
	tcase_add_test(t, columns_are_known_by_many_names_and_all_are_accounted_for);
	tcase_add_test(t, a_header_that_will_not_do_is_refused_with_what_was_found);
	tcase_add_test(t, rows_separated_otherwise_than_the_header_are_reported_once);
	suite_add_tcase(suite, t);
}
