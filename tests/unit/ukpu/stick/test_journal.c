/* The journal: which keys went onto which sticks. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/stick.h"
#include "tests/support/suite.h"
#include "ukpu/stick/journal.h"

typedef const char (*pid_list)[PID_LENGTH + 1];

static struct content content;
static struct fault fault;
static char (*pids)[PID_LENGTH + 1];
static size_t n_pids;
static struct journal_hit hit;

static void begin(void)
{
	content = stick_content(10, 3, 1);
	ck_assert_int_eq(journal_pids(&content, &pids, &n_pids, NULL), 0);
	fault_clear(&fault);
}

static void end(void)
{
	free(pids);
	content_wipe(&content);
	stick_clean();
}

static long elsewhere(const char *stick)
{
	memset(&hit, 0, sizeof(hit));
	return journal_elsewhere(stick_path("journal"), stick, (pid_list)pids, n_pids, &hit,
				 &fault);
}

/* The first N go onto the stick, and are not known to have got there. */
static void begin_put(const char *stick, size_t n)
{
	ck_assert_msg(!journal_put(stick_path("journal"), -1, stick, (pid_list)pids, n, &fault),
		      "%s", fault.what);
}

static void put(const char *stick, size_t n)
{
	begin_put(stick, n);
	ck_assert_msg(!journal_done(stick_path("journal"), stick, &fault), "%s", fault.what);
}

/* Flags and counters stay as they are. */
static void make_version_1(void)
{
	memcpy(content.data, sbin_version_uuid((struct sbin_version){ 1, 0 }), 16);
	content.data[24] = 1;
	content.data[25] = 0;
}

START_TEST(only_records_that_can_still_be_taken_have_their_pids_noted)
{
	ck_assert_uint_eq(n_pids, 7);
	ck_assert_str_eq(pids[0], "T001003G");
	/* With "do not consume", the counter plays no part. */
	content.data[26] = SBIN_DO_NOT_CONSUME;
	for (int i = 0; i < 3; i++)
		content.data[(1 + i) * SBIN_CHUNK + 4] = SBIN_VALID;
	free(pids);
	ck_assert_int_eq(journal_pids(&content, &pids, &n_pids, NULL), 0);
	ck_assert_uint_eq(n_pids, 10);
	/* Version 1 has no flags: machines consume such a file whatever stands there. */
	make_version_1();
	free(pids);
	ck_assert_int_eq(journal_pids(&content, &pids, &n_pids, NULL), 0);
	ck_assert_uint_eq(n_pids, 7);
	/* No setup.bin, no PIDs. */
	free(pids);
	content.data[0] ^= 1;
	ck_assert_int_eq(journal_pids(&content, &pids, &n_pids, &fault), KIT_ERR_FORMAT);
	ck_assert_ptr_null(pids);
	n_pids = 0;
}
END_TEST

START_TEST(a_key_on_another_stick_is_remembered)
{
	ck_assert_int_eq(elsewhere("A1"), 0);	/* no journal yet */
	put("A1", n_pids);
	ck_assert_int_eq(elsewhere("A1"), 0);
	ck_assert_int_eq(elsewhere("B2"), 7);
	ck_assert_str_eq(hit.stick, "A1");
	ck_assert_uint_eq(strlen(hit.time), 20);
	/* A1 now holds two of them only. */
	put("A1", 2);
	ck_assert_int_eq(elsewhere("B2"), 2);
	/* And now none. */
	ck_assert_int_eq(journal_gone(stick_path("journal"), "A1", &fault), 0);
	ck_assert_int_eq(elsewhere("B2"), 0);
	/* What comes later counts again. */
	put("A1", 1);
	ck_assert_int_eq(elsewhere("B2"), 1);
}
END_TEST

START_TEST(a_stick_that_was_not_written_to_the_end_may_still_have_its_old_keys)
{
	put("A1", n_pids);
	begin_put("A1", 2);
	ck_assert_int_eq(elsewhere("B2"), 7);
	/* Tried again, with success. */
	put("A1", 1);
	ck_assert_int_eq(elsewhere("B2"), 1);
	/* What never got onto a stick for certain may be there, too. */
	begin_put("C3", 3);
	ck_assert_int_eq(elsewhere("B2"), 3);
	ck_assert_int_eq(elsewhere("C3"), 1);
}
END_TEST

START_TEST(a_key_on_two_sticks_stays_on_one_when_it_leaves_the_other)
{
	put("A1", 3);
	put("B2", 3);
	ck_assert_int_eq(journal_gone(stick_path("journal"), "B2", &fault), 0);
	ck_assert_int_eq(elsewhere("C3"), 3);
	ck_assert_str_eq(hit.stick, "A1");
	ck_assert_int_eq(elsewhere("A1"), 0);
}
END_TEST

START_TEST(sticks_that_have_no_serial_are_never_taken_for_the_same)
{
	put("A1", 3);
	ck_assert_int_eq(elsewhere(NULL), 3);
}
END_TEST

START_TEST(a_key_on_two_sticks_is_known_from_either)
{
	put("A1", 3);
	put("B2", 3);
	ck_assert_int_eq(elsewhere("A1"), 3);
	ck_assert_str_eq(hit.stick, "B2");
	ck_assert_int_eq(elsewhere("B2"), 3);
	ck_assert_str_eq(hit.stick, "A1");
}
END_TEST

START_TEST(names_of_sticks_cannot_break_the_journal)
{
	put("a b\tc\nput\tX\tY%", 1);
	ck_assert_int_eq(elsewhere("other"), 1);
	ck_assert_str_eq(hit.stick, "a b%09c%0Aput%09X%09Y%25");
	ck_assert_int_eq(elsewhere("a b\tc\nput\tX\tY%"), 0);
	/* A stick that has no name at all is one of many. */
	put("", 1);
	ck_assert_int_eq(elsewhere("other"), 1);
}
END_TEST

START_TEST(a_torn_or_foreign_line_is_passed_over)
{
	FILE *f;

	put("A1", 3);
	f = fopen(stick_path("journal"), "a");
	fputs("rubbish\n\n\t\t\t\n2026-01-01T00:00:"
	      "00Z\tput\n2026\tput\tB2\tTOOLONGFORAPID\n2026\tpu",
	      f);
	fclose(f);
	ck_assert_int_eq(elsewhere("B2"), 3);
	/* The end of a line that was cut off does not take the next line with it. */
	begin_put("C3", 4);
	ck_assert_int_eq(elsewhere("B2"), 4);
	f = fopen(stick_path("journal"), "a");
	fputs("2026", f);
	fclose(f);
	ck_assert_int_eq(journal_done(stick_path("journal"), "C3", &fault), 0);
	ck_assert_int_eq(journal_gone(stick_path("journal"), "A1", &fault), 0);
	ck_assert_int_eq(elsewhere("C3"), 0);
	ck_assert_int_eq(elsewhere("B2"), 4);
}
END_TEST

START_TEST(the_journal_is_private_and_holds_no_secret)
{
	struct stat st;
	size_t size;
	uint8_t *text;

	put("A1", n_pids);
	ck_assert_int_eq(stat(stick_path("journal"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	text = stick_load(stick_path("journal"), &size);
	for (size_t i = 1; i < content.size / SBIN_CHUNK; i++) {
		struct sbin_record r;
		struct sbin_variable pps;

		ck_assert_int_eq(sbin_record_decode(content.data + i * SBIN_CHUNK, SBIN_CHUNK, &r),
				 0);
		ck_assert_int_eq(sbin_record_find(&r, SBIN_AMT, SBIN_PPS, &pps), 0);
		ck_assert_ptr_null(memmem(text, size, pps.value, pps.length));
	}
	ck_assert_ptr_null(memmem(text, size, "Test-pass1!", 11));
	free(text);
	/* It is not written through a link that somebody put there. */
	ck_assert_int_eq(symlink("/tmp/nowhere", stick_path("link")), 0);
	ck_assert_int_lt(journal_put(stick_path("link"), -1, "A1", (pid_list)pids, 1, NULL), 0);
}
END_TEST

START_TEST(a_journal_that_has_grown_is_not_added_to_unread)
{
	const char *path = stick_path("journal");
	struct stat st;

	ck_assert_int_eq(journal_put(path, 0, "A1", (pid_list)pids, 1, &fault), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(journal_put(path, 0, "B2", (pid_list)pids, 1, &fault), KIT_ERR_BUSY);
	ck_assert_int_eq(fault.code, 0);
	ck_assert_int_eq(elsewhere("A1"), 0);
	ck_assert_int_eq(journal_put(path, st.st_size, "B2", (pid_list)pids, 1, &fault), 0);
	ck_assert_int_eq(elsewhere("A1"), 1);
}
END_TEST

START_TEST(a_journal_that_cannot_be_read_or_written_is_an_error)
{
	ck_assert_int_lt(journal_put("/nonexistent/journal", -1, "A1", (pid_list)pids, 1, &fault),
			 0);
	ck_assert_ptr_nonnull(strstr(fault.what, "journal"));
	fault_clear(&fault);
	ck_assert_int_lt(journal_elsewhere(stick_folder(), "A1", (pid_list)pids, 1, NULL, &fault),
			 0);
}
END_TEST

TEST_SUITE("journal")
{
	TCase *t = tcase_create("journal");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, only_records_that_can_still_be_taken_have_their_pids_noted);
	tcase_add_test(t, a_key_on_another_stick_is_remembered);
	tcase_add_test(t, a_stick_that_was_not_written_to_the_end_may_still_have_its_old_keys);
	tcase_add_test(t, a_key_on_two_sticks_stays_on_one_when_it_leaves_the_other);
	tcase_add_test(t, sticks_that_have_no_serial_are_never_taken_for_the_same);
	tcase_add_test(t, a_key_on_two_sticks_is_known_from_either);
	tcase_add_test(t, names_of_sticks_cannot_break_the_journal);
	tcase_add_test(t, a_torn_or_foreign_line_is_passed_over);
	tcase_add_test(t, the_journal_is_private_and_holds_no_secret);
	tcase_add_test(t, a_journal_that_has_grown_is_not_added_to_unread);
	tcase_add_test(t, a_journal_that_cannot_be_read_or_written_is_an_error);
	suite_add_tcase(suite, t);
}
