/* Tests of texts of strangers on their way to a terminal. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "tests/support/suite.h"

static const struct {
	const char *text, *shown;
} texts[] = {
	{ "", "" },
	{ "keys.csv", "keys.csv" },
	{ "k\xc3\xa4se \xe2\x82\xac", "k\xc3\xa4se \xe2\x82\xac" },
	{ "\033[2J\007\n\t\177", "?[2J????" },
	{ "\xff\xc3", "??" },
	{ "\xc2\x9b" "31m", "??31m" },	/* a control sequence in the upper half */
};

START_TEST(control_characters_and_broken_utf8_are_shown_as_question_marks)
{
	char clean[64];
	char *printed = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&printed, &size);

	text_clean(clean, sizeof(clean), texts[_i].text);
	ck_assert_str_eq(clean, texts[_i].shown);
	text_print(out, "%s", texts[_i].text);
	fclose(out);
	ck_assert_str_eq(printed, texts[_i].shown);
	free(printed);
}
END_TEST

START_TEST(a_text_that_is_too_long_ends_with_a_whole_character)
{
	char clean[4];

	text_clean(clean, sizeof(clean), "a\xc3\xa4\xc3\xa4");
	ck_assert_str_eq(clean, "a\xc3\xa4");
}
END_TEST

TEST_SUITE("text")
{
	TCase *t = tcase_create("text");

	tcase_add_loop_test(t, control_characters_and_broken_utf8_are_shown_as_question_marks, 0,
			    sizeof(texts) / sizeof(*texts));
	tcase_add_test(t, a_text_that_is_too_long_ends_with_a_whole_character);
	suite_add_tcase(suite, t);
}
