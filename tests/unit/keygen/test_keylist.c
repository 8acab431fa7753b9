/* Tests of key lists: the readers of all kinds, the writers, round trips. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keygen/keywriter.h"
#include "tests/support/suite.h"

#define PID	"0000037M"
#define PPS	"NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ"
#define SHOWN	"NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XJ"

static FILE *file;
static struct keysource *source;
static struct fault fault;
static struct keyproblem problem;
static struct keyentry entry;

static int open_bytes(const char *bytes, size_t n)
{
	memset(&fault, 0, sizeof(fault));
	file = fmemopen((void *)(uintptr_t)bytes, n, "r");
	ck_assert_ptr_nonnull(file);
	return keylist_open(&source, file, "list", NULL, 0, &fault);
}

static int open_text(const char *text)
{
	return open_bytes(text, strlen(text));
}

static int next(void)
{
	return keysource_next(source, &entry, &problem, &fault);
}

static void done(void)
{
	keysource_free(&source);
	fclose(file);
	file = NULL;
}

START_TEST(columns_are_taken_by_name_in_any_order_and_case)
{
	ck_assert_int_eq(
		open_text("\xEF\xBB\xBF\"Serial\", PPS ,Admin-Password,\"pid\",Current Password\r\n"
			  "17," SHOWN ",\"P@ss\"\"w0rd\",0000-037m,admin\r\n"),
		0);
	ck_assert_str_eq(source->kind, "csv");
	/* A quote is not allowed in a new password: the doubled one was read as one. */
	ck_assert_int_eq(next(), KIT_ERR_FORMAT);
	ck_assert_str_eq(problem.field, "admin_password");
	ck_assert_uint_eq(problem.line, 2);
	ck_assert_int_eq(next(), 0);
	done();

	ck_assert_int_eq(open_text("pps;used;new_password;pid\n" SHOWN ";1;P@ssw0rd;0000-037m\n\n"),
			 0);
	ck_assert_int_eq(next(), 1);
	ck_assert_str_eq(entry.pair.pid, PID);
	ck_assert_str_eq(entry.pair.pps, PPS);
	ck_assert_str_eq(entry.new_password, "P@ssw0rd");
	ck_assert_str_eq(entry.current_password, "");
	ck_assert(entry.used);
	ck_assert_uint_eq(source->counts.folded, 1);
	ck_assert_int_eq(next(), 0);
	done();
}
END_TEST

START_TEST(a_header_without_pid_or_pps_is_refused)
{
	ck_assert_int_eq(open_text("pid,password\n"), KIT_ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(fault.what, "pps"));
	done();
	ck_assert_int_eq(open_text("pps,pid,PID\n"), KIT_ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(fault.what, "two columns \"pid\""));
	done();
	ck_assert_int_eq(open_bytes("\0\0\0", 3), KIT_ERR_FORMAT);
	done();
}
END_TEST

START_TEST(bad_lines_are_named_by_number_field_and_rule_and_reading_goes_on)
{
	ck_assert_int_eq(open_text("pid,pps\n"
				   "0000037X," PPS "\n"
				   PID ",NKLD\n"
				   PID ",00000000000000000000000000000000\n"
				   PID "\n"
				   PID "," PPS ",more\n"
				   "\"" PID "," PPS "\n"
				   PID "," PPS "\n"), 0);
	static const char *const fields[] = { "pid", "pps", "pps", "", "", "" };

	for (unsigned long line = 2; line < 8; line++) {
		ck_assert_int_eq(next(), KIT_ERR_FORMAT);
		ck_assert_int_eq(fault.code, 0);
		ck_assert_uint_eq(problem.line, line);
		ck_assert_str_eq(problem.field, fields[line - 2]);
		ck_assert_int_ne(problem.rule[0], 0);
	}
	ck_assert_int_eq(next(), 1);
	ck_assert_int_eq(next(), 0);
	ck_assert_uint_eq(source->counts.bad, 6);
	ck_assert_uint_eq(source->counts.entries, 1);
	done();
}
END_TEST

START_TEST(a_line_too_long_is_refused_and_skipped)
{
	char text[20000] = "pid,pps\n";
	size_t at = strlen(text);

	memset(text + at, 'A', 10000);
	strcpy(text + at + 10000, "\n" PID "," PPS "\n");
	ck_assert_int_eq(open_text(text), 0);
	ck_assert_int_eq(next(), KIT_ERR_FORMAT);
	ck_assert_uint_eq(problem.line, 2);
	ck_assert_int_eq(next(), 1);
	done();
}
END_TEST

START_TEST(text_lists_take_comments_and_unknown_passwords)
{
	ck_assert_int_eq(open_text("# pairs\n\n0000-037M\t" SHOWN "\n" PID " " PPS " - P@ssw0rd\n"
				   PID " " PPS " admin P@ssw0rd x\n" PID "\n"), 0);
	ck_assert_str_eq(source->kind, "text");
	ck_assert_int_eq(next(), 1);
	ck_assert_int_eq(next(), 1);
	ck_assert_str_eq(entry.current_password, "");
	ck_assert_str_eq(entry.new_password, "P@ssw0rd");
	ck_assert_int_eq(next(), KIT_ERR_FORMAT);
	ck_assert_uint_eq(problem.line, 5);
	ck_assert_int_eq(next(), KIT_ERR_FORMAT);
	ck_assert_int_eq(next(), 0);
	done();
}
END_TEST

START_TEST(a_table_without_column_names_is_refused_once)
{
	static const char *const tables[] = {
		"PID value here,PPS value here\n" PID "," PPS "\n",
		PID ";" PPS "\n" PID ";" PPS "\n",
		"\"0000-037M\"\t" PPS "\n",
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		ck_assert_int_eq(open_text(tables[i]), KIT_ERR_FORMAT);
		ck_assert_msg(strstr(fault.what, "no line before it names the columns") != NULL,
			      "%s", fault.what);
		ck_assert_ptr_null(strstr(fault.what, "NKLD"));
		done();
	}
	ck_assert_int_eq(open_text("a letter\nof two lines\n"), KIT_ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(fault.what, "list is not a key list"));
	done();
}
END_TEST

START_TEST(lines_before_a_text_list_are_bad_lines)
{
	ck_assert_int_eq(open_text("# pairs\nof Monday\n\n" PID " " PPS " - a,b;C1dE\n"
				   PID " " PPS " P,;\n"), 0);
	ck_assert_int_eq(next(), KIT_ERR_FORMAT);
	ck_assert_uint_eq(problem.line, 2);
	/* Separators in a password are a matter of its own rule, or of none. */
	ck_assert_int_eq(next(), KIT_ERR_FORMAT);
	ck_assert_uint_eq(problem.line, 4);
	ck_assert_str_eq(problem.field, "admin_password");
	ck_assert_int_eq(next(), 1);
	ck_assert_str_eq(entry.current_password, "P,;");
	ck_assert_int_eq(next(), 0);
	done();
}
END_TEST

START_TEST(lists_come_in_the_encodings_and_names_that_others_use)
{
	static const char utf16[] = "\xFF\xFEp\0i\0d\0\t\0p\0p\0s\0\r\0\n\0";
	static const char maker[] = "Order 4711\r\rService Tag;Provisioning ID;MEBx PPS;"
				    "MEBx Password;;\r1;0000-037M;" SHOWN ";P@ssw0rd;;\r";
	static const char *const wanted[] = { "admin_password=Tag, long" };

	ck_assert_int_eq(open_bytes(utf16, sizeof(utf16) - 1), 0);
	ck_assert_str_eq(source->kind, "csv");
	ck_assert_int_eq(next(), 0);
	done();
	ck_assert_int_eq(open_text(maker), 0);
	ck_assert_int_eq(next(), 1);
	ck_assert_str_eq(entry.pair.pid, PID);
	ck_assert_str_eq(entry.pair.pps, PPS);
	ck_assert_str_eq(entry.new_password, "P@ssw0rd");
	ck_assert_uint_eq(source->counts.lines, 4);
	ck_assert_ptr_nonnull(strstr(source->columns, "\"MEBx Password\" as admin_password; not "
						      "read: \"Service Tag\""));
	ck_assert_int_eq(next(), 0);
	done();

	fault = (struct fault){ 0 };
	file = fmemopen((void *)(uintptr_t)("pid;Tag, long;pps\n" PID ";P@ssw0rd;" PPS "\n"), 70,
			"r");
	ck_assert_int_eq(keylist_open(&source, file, "list", wanted, 1, &fault), 0);
	ck_assert_int_eq(next(), 1);
	ck_assert_str_eq(entry.new_password, "P@ssw0rd");
	done();
	file = fmemopen((void *)(uintptr_t)(PID " " PPS "\n"), 42, "r");
	ck_assert_int_eq(keylist_open(&source, file, "list", wanted, 1, &fault), KIT_ERR_ARGUMENT);
	done();
}
END_TEST

START_TEST(json_lists_are_read_element_by_element)
{
	ck_assert_int_eq(open_text("[ {\"pid\":\"" PID "\",\"pps\":\"" PPS
				   "\",\"used\":1,\"more\":[{}]},\n"
				   " {\"pid\":17,\"pps\":\"" PPS "\"}, {\"pid\":\"" PID "\"},\n"
				   "{\"pid\":\"" PID "\",\"pps\":\"" PPS
				   "\",\"new_password\":null}]\n"),
			 0);
	ck_assert_int_eq(next(), 1);
	ck_assert(entry.used);
	ck_assert_int_eq(next(), KIT_ERR_FORMAT);
	ck_assert_str_eq(problem.field, "pid");
	ck_assert_uint_eq(problem.line, 2);
	ck_assert_int_eq(next(), KIT_ERR_FORMAT);
	ck_assert_int_eq(next(), 1);
	ck_assert_int_eq(next(), 0);
	ck_assert_int_eq(next(), 0);
	done();
}
END_TEST

START_TEST(broken_json_ends_the_list_without_quoting_it)
{
	static const char *const broken[] = {
		"[",
		"[{",
		"[{\"pps\":\"" PPS "\"",
		"[{\"pps\":\"" PPS "\" x}]",
		"{\"pid\":\"" PID "\"}",
		"[{}",
		"[] x",
		"[{} {}]",
		"[1]",
		"[{\"pps\":\"" PPS "\",\"pps\":\"" PPS "\"}]",
		"[,]",
	};

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		int rc;

		ck_assert_int_eq(open_text(broken[i]), 0);
		while ((rc = next()) < 0 && !fault.code)
			;
		ck_assert_msg(rc == KIT_ERR_FORMAT && fault.code == KIT_ERR_FORMAT, "%s",
			      broken[i]);
		ck_assert_ptr_null(strstr(fault.what, "NKLD"));
		done();
	}
}
END_TEST

START_TEST(what_is_written_reads_back_the_same)
{
	static const char *const kinds[] = { "csv", "text", "json" };
	char folder[] = "/tmp/kit-keylist-XXXXXX", path[64];
	struct keyentry in[2] = {
		{ .pair = { PID, PPS },
		  .current_password = "ad\"m\\i,n;",
		  .new_password = "P@ss\\w0rd" },
		{ .pair = { PID, PPS } },
	};

	ck_assert_ptr_nonnull(mkdtemp(folder));
	for (int kind = 0; kind < 3; kind++) {
		enum keylist_format format;
		struct outfile *out = NULL;
		struct keywriter w;
		struct stat st;

		snprintf(path, sizeof(path), "%s/list", folder);
		memset(&fault, 0, sizeof(fault));
		ck_assert_int_eq(keylist_format_parse(kinds[kind], &format), 0);
		ck_assert_int_eq(outfile_open(&out, path, 0, &fault), 0);
		ck_assert_int_eq(keywriter_begin(&w, out, format, &fault), 0);
		for (int i = 0; i < 2; i++)
			ck_assert_int_eq(keywriter_put(&w, &in[i], &fault), 0);
		ck_assert_int_eq(keywriter_end(&w, &fault), 0);
		ck_assert_int_eq(outfile_commit(&out, &fault), 0);
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_int_eq(st.st_mode & 07777, 0600);

		file = fopen(path, "r");
		ck_assert_int_eq(keylist_open(&source, file, path, NULL, 0, &fault), 0);
		ck_assert_str_eq(source->kind, kinds[kind]);
		for (int i = 0; i < 2; i++) {
			ck_assert_int_eq(next(), 1);
			ck_assert_mem_eq(&entry, &in[i], sizeof(entry));
		}
		ck_assert_int_eq(next(), 0);
		done();
		unlink(path);
	}
	rmdir(folder);
}
END_TEST

TEST_SUITE("key lists")
{
	TCase *tcase = tcase_create("key lists");

	tcase_add_test(tcase, columns_are_taken_by_name_in_any_order_and_case);
	tcase_add_test(tcase, a_header_without_pid_or_pps_is_refused);
	tcase_add_test(tcase, bad_lines_are_named_by_number_field_and_rule_and_reading_goes_on);
	tcase_add_test(tcase, a_line_too_long_is_refused_and_skipped);
	tcase_add_test(tcase, text_lists_take_comments_and_unknown_passwords);
	tcase_add_test(tcase, a_table_without_column_names_is_refused_once);
	tcase_add_test(tcase, lines_before_a_text_list_are_bad_lines);
	tcase_add_test(tcase, lists_come_in_the_encodings_and_names_that_others_use);
	tcase_add_test(tcase, json_lists_are_read_element_by_element);
	tcase_add_test(tcase, broken_json_ends_the_list_without_quoting_it);
	tcase_add_test(tcase, what_is_written_reads_back_the_same);
	suite_add_tcase(suite, tcase);
}
