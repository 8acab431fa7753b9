/* Tests of text files as they come: encodings, line ends, lines that are too long. */
#include <stdlib.h>
#include <string.h>

#include "common/lines.h"
#include "tests/support/suite.h"

static struct lines *lines;
static struct fault fault;
static FILE *file;

static void open_bytes(const char *bytes, size_t n)
{
	fault = (struct fault){ 0 };
	file = fmemopen((void *)(uintptr_t)bytes, n, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(lines_open(&lines, file, "list", &fault), 0);
}

/* What comes of the N BYTES, each line in brackets behind its number. */
static const char *read_all(const char *bytes, size_t n)
{
	static char out[512];
	char *line;
	size_t length;

	out[0] = '\0';
	open_bytes(bytes, n);
	while (lines_next(lines, &line, &length, &fault) == 1) {
		ck_assert_uint_eq(strlen(line), length);
		snprintf(out + strlen(out), sizeof(out) - strlen(out), "%lu[%s]",
			 lines_number(lines), line);
	}
	ck_assert_int_eq(fault.code, 0);
	lines_free(&lines);
	fclose(file);
	return out;
}

#define reads(bytes, as) ck_assert_str_eq(read_all(bytes, sizeof(bytes) - 1), as)

START_TEST(every_line_end_is_one_end)
{
	reads("a\nb\n\nc", "1[a]2[b]3[]4[c]");
	reads("a\r\nb\r\n\r\nc\r\n", "1[a]2[b]3[]4[c]");
	/* Carriage returns alone, an old Macintosh's; and doubled, a double conversion's. */
	reads("a\rb\r\rc\r", "1[a]2[b]3[]4[c]");
	reads("a\r\r\nb\r\r\nc", "1[a]2[b]3[c]");
	reads("\n", "1[]");
}
END_TEST

START_TEST(every_encoding_becomes_utf_8)
{
	reads("\xEF\xBB\xBFp\xC3\xA4\n", "1[p\xC3\xA4]");
	reads("\xFF\xFEp\0\xE4\0\r\0\n\0q\0", "1[p\xC3\xA4]2[q]");
	reads("\xFE\xFF\0p\0\xE4\0\r\0\n\0q", "1[p\xC3\xA4]2[q]");
	/* Without a mark, a NUL shows it. */
	reads("p\0,\0\n\0", "1[p,]");
	reads("\0p\0,\0\n", "1[p,]");
	/* Three bytes of UTF-8, a pair, and half of one. */
	reads("\xFF\xFE\xAC\x20\x3D\xD8\x00\xDE\x3D\xD8.\0",
	      "1[\xE2\x82\xAC\xF0\x9F\x98\x80\xEF\xBF\xBD]");
	/* An older encoding is handed on; part of a mark is not a mark. */
	reads("p\xE4\n", "1[p\xE4]");
	reads("\xEF\xBB", "1[\xEF\xBB]");
	reads("\xEF", "1[\xEF]");
}
END_TEST

START_TEST(a_line_too_long_is_skipped_and_an_endless_one_ends_the_file)
{
	char *text = malloc(2 * LINES_SKIP), *line;
	size_t length;

	memset(text, 'x', 2 * LINES_SKIP);
	memcpy(text + LINES_MAX, "\ry\r", 3);
	memset(text + 2 * LINES_MAX, 'z', LINES_MAX + 1);
	memcpy(text + 3 * LINES_MAX, "\r\nend", 5);
	open_bytes(text, 3 * LINES_MAX + 5);
	ck_assert_int_eq(lines_next(lines, &line, &length, &fault), 1);
	ck_assert_uint_eq(length, LINES_MAX);
	ck_assert_int_eq(lines_next(lines, &line, &length, &fault), 1);
	ck_assert_int_eq(lines_next(lines, &line, &length, &fault), KIT_ERR_RANGE);
	ck_assert_uint_eq(lines_number(lines), 3);
	ck_assert_int_eq(fault.code, 0);
	ck_assert_int_eq(lines_next(lines, &line, &length, &fault), 1);
	ck_assert_str_eq(line, "end");
	ck_assert_int_eq(lines_next(lines, &line, &length, &fault), 0);
	lines_free(&lines);
	fclose(file);

	memset(text, 'x', 2 * LINES_SKIP);
	open_bytes(text, 2 * LINES_SKIP);
	ck_assert_int_eq(lines_next(lines, &line, &length, &fault), KIT_ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(fault.what, "list is not a text file"));
	lines_free(&lines);
	fclose(file);
	free(text);
}
END_TEST

START_TEST(a_line_may_be_looked_at_and_read_again)
{
	char *line;
	size_t length;

	open_bytes(" \r\n\r \nabc\nd", 11);
	ck_assert_int_eq(lines_peek(lines), 'a');
	ck_assert_int_eq(lines_next(lines, &line, &length, &fault), 1);
	ck_assert_str_eq(line, "abc");
	ck_assert_uint_eq(lines_number(lines), 4);
	lines_again(lines);
	ck_assert_int_eq(lines_next(lines, &line, &length, &fault), 1);
	ck_assert_str_eq(line, "abc");
	ck_assert_uint_eq(lines_number(lines), 4);
	ck_assert_int_eq(lines_getc(lines), 'd');
	lines_ungetc(lines, 'e');
	ck_assert_int_eq(lines_next(lines, &line, &length, &fault), 1);
	ck_assert_str_eq(line, "e");
	ck_assert_int_eq(lines_getc(lines), EOF);
	ck_assert_int_eq(lines_next(lines, &line, &length, &fault), 0);
	lines_free(&lines);
	fclose(file);
}
END_TEST

START_TEST(a_read_that_fails_is_an_error_not_an_end)
{
	char *line;
	size_t length;

	file = fopen("/", "r");
	ck_assert_ptr_nonnull(file);
	fault = (struct fault){ 0 };
	ck_assert_int_eq(lines_open(&lines, file, "folder", &fault), 0);
	ck_assert_int_lt(lines_next(lines, &line, &length, &fault), 0);
	ck_assert_ptr_nonnull(strstr(fault.what, "cannot read folder"));
	lines_free(&lines);
	fclose(file);
}
END_TEST

TEST_SUITE("lines")
{
	TCase *t = tcase_create("lines");

	tcase_add_test(t, every_line_end_is_one_end);
	tcase_add_test(t, every_encoding_becomes_utf_8);
	tcase_add_test(t, a_line_too_long_is_skipped_and_an_endless_one_ends_the_file);
	tcase_add_test(t, a_line_may_be_looked_at_and_read_again);
	tcase_add_test(t, a_read_that_fails_is_an_error_not_an_end);
	suite_add_tcase(suite, t);
}
