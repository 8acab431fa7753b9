/* The journal: which keys went onto which sticks. */
#include <check.h>
#include <sqlite3.h>
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
static struct journal *journal;

static void begin(void)
{
	content = stick_content(10, 3, 1);
	ck_assert_int_eq(journal_pids(&content, &pids, &n_pids, NULL), 0);
	fault_clear(&fault);
	ck_assert_msg(!journal_open(&journal, stick_path("sticks.db"), NULL, &fault), "%s",
		      fault.what);
}

static void end(void)
{
	journal_close(&journal);
	free(pids);
	content_wipe(&content);
	stick_clean();
}

/* A USB stick of 1 GB with that serial number and mark, in port 1-1. */
static struct identity stick(const char *serial, const char *mark)
{
	struct drive d = { .name = "sda", .vendor = "Maker", .model = "Stick", .port = "1-1",
			   .bytes = 1000000000, .usb = true, .units = 1 };
	struct identity id;

	snprintf(d.serial, sizeof(d.serial), "%s", serial);
	identity_of_drive(&id, &d, &d, 1);
	snprintf(id.mark, sizeof(id.mark), "%s", mark);
	return id;
}

static long elsewhere_of(struct identity id)
{
	long found;

	memset(&hit, 0, sizeof(hit));
	found = journal_elsewhere(journal, &id, (pid_list)pids, n_pids, &hit, &fault);
	ck_assert_msg(found >= 0, "%s", fault.what);
	return found;
}

/* The first N go onto the stick, and are not known to have got there. */
static int64_t begin_put(struct identity id, const char *mark, size_t n)
{
	int64_t row = 0;

	ck_assert_msg(!journal_put(journal, &id, mark, -1, (pid_list)pids, n, &row, &fault), "%s",
		      fault.what);
	ck_assert_int_gt(row, 0);
	return row;
}

static int64_t put_on(struct identity id, const char *mark, size_t n)
{
	int64_t row = begin_put(id, mark, n);

	ck_assert_msg(!journal_done(journal, row, &fault), "%s", fault.what);
	return row;
}

/* Sticks that are told apart by their serial number, and have no marks. */
static long elsewhere(const char *serial)
{
	return elsewhere_of(stick(serial, ""));
}

static void put(const char *serial, size_t n)
{
	put_on(stick(serial, ""), "", n);
}

static void gone(const char *serial)
{
	struct identity id = stick(serial, "");

	ck_assert_int_eq(journal_gone(journal, &id, "", &fault), 0);
}

static void write_text(const char *path, const char *text)
{
	stick_store(path, text, strlen(text));
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
	ck_assert_int_eq(elsewhere("A1"), 0);
	put("A1", n_pids);
	ck_assert_int_eq(elsewhere("A1"), 0);
	ck_assert_int_eq(elsewhere("B2"), 7);
	ck_assert_str_eq(hit.stick, "A1");
	ck_assert_uint_eq(strlen(hit.time), 20);
	ck_assert(!hit.same_device);
	/* A1 now holds two of them only. */
	put("A1", 2);
	ck_assert_int_eq(elsewhere("B2"), 2);
	/* And now none. */
	gone("A1");
	ck_assert_int_eq(elsewhere("B2"), 0);
	/* What comes later counts again, also for who opens it again. */
	put("A1", 1);
	journal_close(&journal);
	ck_assert_int_eq(journal_open(&journal, stick_path("sticks.db"), NULL, &fault), 0);
	ck_assert_int_eq(elsewhere("B2"), 1);
}
END_TEST

START_TEST(a_stick_that_was_not_written_to_the_end_may_still_have_its_old_keys)
{
	put("A1", n_pids);
	begin_put(stick("A1", ""), "", 2);
	ck_assert_int_eq(elsewhere("B2"), 7);
	/* Tried again, with success. */
	put("A1", 1);
	ck_assert_int_eq(elsewhere("B2"), 1);
	/* What never got onto a stick for certain may be there, too. */
	begin_put(stick("C3", ""), "", 3);
	ck_assert_int_eq(elsewhere("B2"), 3);
	ck_assert_int_eq(elsewhere("C3"), 1);
}
END_TEST

START_TEST(a_key_on_two_sticks_stays_on_one_when_it_leaves_the_other)
{
	put("A1", 3);
	put("B2", 3);
	gone("B2");
	ck_assert_int_eq(elsewhere("C3"), 3);
	ck_assert_str_eq(hit.stick, "A1");
	ck_assert_int_eq(elsewhere("A1"), 0);
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

START_TEST(two_sticks_with_one_serial_number_are_two)
{
	struct identity a = stick("123456789ABC", "disk 00000001"), b = a;

	/* Both plugged in, both as they came from the shop. */
	a.twin = b.twin = true;
	strcpy(b.mark, "disk 00000002");
	strcpy(b.port, "1-2 unit 0");
	put_on(a, "disk 0000000a volume 0000000a", 5);
	ck_assert_int_eq(elsewhere_of(b), 5);
	ck_assert(hit.same_device);
	put_on(b, "disk 0000000b volume 0000000b", 2);
	/* The journal has not forgotten the first. */
	ck_assert_int_eq(elsewhere("OTHER"), 5);
	/* Each is known by its mark, alone, in any port, and after its volume was formatted. */
	a.twin = b.twin = false;
	strcpy(a.port, "3-1 unit 0");
	strcpy(a.mark, "disk 0000000a volume 0000000a");
	strcpy(b.mark, "disk 0000000b volume 99999999");
	ck_assert_int_eq(elsewhere_of(a), 2);
	ck_assert_int_eq(elsewhere_of(b), 5);
	ck_assert_int_eq(journal_gone(journal, &a, "disk 0000000c volume 0000000c", &fault), 0);
	ck_assert_int_eq(elsewhere("OTHER"), 2);
	/* A third one of theirs, which has no mark, could be either. */
	ck_assert_int_eq(elsewhere_of(stick("123456789ABC", "")), 2);
	/* The mark that a retired stick has since then is known. */
	put_on(stick("123456789ABC", "disk 0000000c volume 0000000c"), "disk 0000000d", 5);
	ck_assert_int_eq(elsewhere_of(stick("123456789ABC", "disk 0000000d")), 2);
	ck_assert_int_eq(elsewhere_of(stick("123456789ABC", "disk 0000000e")), 5);
}
END_TEST

START_TEST(sticks_without_marks_that_are_plugged_in_together_go_by_their_ports)
{
	struct identity a = stick("0123456789ABCDEF", ""), b = a;

	a.twin = b.twin = true;
	strcpy(b.port, "1-2 unit 0");
	begin_put(a, "disk 0000000a", 3);
	ck_assert_int_eq(elsewhere_of(b), 3);
	begin_put(b, "disk 0000000b", 3);
	/* Writing broke off: neither has its mark. */
	ck_assert_int_eq(elsewhere_of(a), 3);
	put_on(a, "disk 0000000c", 1);
	put_on(b, "disk 0000000d", 1);
	a.port[0] = 'x';
	a.twin = false;
	ck_assert_int_eq(elsewhere_of(a), 1);
	ck_assert_int_eq(elsewhere_of(b), 1);
}
END_TEST

START_TEST(a_stick_that_somebody_formatted_is_asked_about)
{
	struct identity a = stick("A1", "disk 00000001");

	put_on(a, "disk 0000000a volume 0000000a", 4);
	/* Or it is another one with that serial number. */
	strcpy(a.mark, "disk 77777777 volume 77777777");
	ck_assert_int_eq(elsewhere_of(a), 4);
	ck_assert(hit.same_device);
	/* Unless the keys in question were read from it. */
	a.bears_keys = true;
	ck_assert_int_eq(elsewhere_of(a), 0);
	a.twin = true;
	ck_assert_int_eq(elsewhere_of(a), 0);
	strcpy(a.port, "9-9 unit 0");
	ck_assert_int_eq(elsewhere_of(a), 4);
	/* Wiped as a whole it has no mark, and its device is all there is. */
	ck_assert_int_eq(elsewhere_of(stick("A1", "")), 0);
}
END_TEST

START_TEST(cards_and_sticks_without_serial_number_go_by_mark_and_size)
{
	struct identity a = stick("", ""), b = a;

	ck_assert(a.weak);
	put_on(a, "disk 0000000a volume 0000000a", 3);
	/* Nothing tells it from others of its kind. */
	ck_assert_int_eq(elsewhere_of(a), 3);
	strcpy(b.mark, "disk 0000000a volume 0000000a");
	ck_assert_int_eq(elsewhere_of(b), 0);
	/* In another reader it is the same card. */
	strcpy(b.device, "Maker|Reader|R1|1000000000");
	ck_assert_int_eq(elsewhere_of(b), 0);
	b.bytes++;
	ck_assert_int_eq(elsewhere_of(b), 3);
	/* A stick of its own that got a copy of the whole card is another one. */
	b = stick("A1", "disk 0000000a volume 0000000a");
	b.bytes = 2000000000;
	ck_assert_int_eq(elsewhere_of(b), 3);
}
END_TEST

START_TEST(names_of_sticks_are_fit_for_a_terminal)
{
	put("a b\tc\n\x1b[2Jput\tX\tY%", 1);
	ck_assert_int_eq(elsewhere("other"), 1);
	ck_assert_str_eq(hit.stick, "a b?c??[2Jput?X?Y%");
	ck_assert_int_eq(elsewhere("a b\tc\n\x1b[2Jput\tX\tY%"), 0);
}
END_TEST

START_TEST(the_journal_holds_no_secret_and_is_no_more_open_than_its_folder)
{
	struct stat st;
	size_t size;
	uint8_t *text;

	put("A1", n_pids);
	ck_assert_int_eq(stat(stick_path("sticks.db"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	text = stick_load(stick_path("sticks.db"), &size);
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
	journal_close(&journal);
	ck_assert_int_eq(symlink(stick_path("sticks.db"), stick_path("link")), 0);
	ck_assert_int_lt(journal_open(&journal, stick_path("link"), NULL, NULL), 0);
	ck_assert_ptr_null(journal);
	/* In the folder of a group it is the group's, whatever the umask says. */
	umask(077);
	ck_assert_int_eq(mkdir(stick_path("bench"), 0700), 0);
	ck_assert_int_eq(chmod(stick_path("bench"), 02770), 0);
	ck_assert_int_eq(journal_open(&journal, stick_path("bench/sticks.db"), NULL, &fault), 0);
	ck_assert_int_eq(stat(stick_path("bench/sticks.db"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0660);
}
END_TEST

START_TEST(keys_that_somebody_else_took_meanwhile_are_refused)
{
	struct identity a = stick("A1", ""), b = stick("B2", "");
	struct journal *second = NULL;
	int64_t row;

	ck_assert_int_eq(elsewhere("A1"), 0);
	ck_assert_int_eq(journal_open(&second, stick_path("sticks.db"), NULL, &fault), 0);
	ck_assert_int_eq(journal_put(second, &b, "", 0, (pid_list)pids, 2, &row, &fault), 0);
	ck_assert_int_eq(journal_put(journal, &a, "", 0, (pid_list)pids, 1, &row, &fault),
			 KIT_ERR_EXISTS);
	ck_assert_ptr_nonnull(strstr(fault.what, "onto the stick B2"));
	fault_clear(&fault);
	/* Nothing of it was kept. */
	ck_assert_int_eq(elsewhere("B2"), 0);
	/* Who knew of it may go on. */
	ck_assert_int_eq(journal_put(journal, &a, "", 1, (pid_list)pids, 1, &row, &fault), 0);
	ck_assert_int_eq(elsewhere("B2"), 1);
	journal_close(&second);
}
END_TEST

START_TEST(what_is_not_such_a_journal_is_refused)
{
	sqlite3 *db;

	journal_close(&journal);
	ck_assert_int_lt(journal_open(&journal, "/nonexistent/sticks.db", NULL, &fault), 0);
	ck_assert_ptr_nonnull(strstr(fault.what, "/nonexistent/sticks.db"));
	fault_clear(&fault);
	ck_assert_int_eq(journal_open(&journal, stick_folder(), NULL, &fault), KIT_ERR_FORMAT);
	fault_clear(&fault);
	write_text(stick_path("text"), "This is not a database, but it is as long as a header of "
		   "one would be, and then some more, so that it is looked at.");
	ck_assert_int_eq(journal_open(&journal, stick_path("text"), NULL, &fault),
			 KIT_ERR_DATABASE);
	fault_clear(&fault);
	/* A database of something else, of a later version, or with something that would run. */
	ck_assert_int_eq(sqlite3_open(stick_path("other.db"), &db), 0);
	sqlite3_exec(db, "CREATE TABLE t (a); PRAGMA user_version = 1", NULL, NULL, NULL);
	sqlite3_close(db);
	ck_assert_int_eq(journal_open(&journal, stick_path("other.db"), NULL, &fault),
			 KIT_ERR_FORMAT);
	fault_clear(&fault);
	ck_assert_int_eq(sqlite3_open(stick_path("sticks.db"), &db), 0);
	sqlite3_exec(db, "CREATE TRIGGER t AFTER INSERT ON place BEGIN DELETE FROM place; END",
		     NULL, NULL, NULL);
	sqlite3_close(db);
	ck_assert_int_eq(journal_open(&journal, stick_path("sticks.db"), NULL, &fault),
			 KIT_ERR_FORMAT);
	fault_clear(&fault);
	ck_assert_int_eq(sqlite3_open(stick_path("sticks.db"), &db), 0);
	sqlite3_exec(db, "DROP TRIGGER t; PRAGMA user_version = 2", NULL, NULL, NULL);
	sqlite3_close(db);
	ck_assert_int_eq(journal_open(&journal, stick_path("sticks.db"), NULL, &fault),
			 KIT_ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(fault.what, "later version"));
}
END_TEST

START_TEST(an_earlier_journal_is_taken_over_once)
{
	char text[2000], p[4][PID_LENGTH + 1];
	const char *path = stick_path("journal");

	for (int i = 0; i < 4; i++)
		memcpy(p[i], pids[i], sizeof(p[i]));
	snprintf(text, sizeof(text),
		 "2026-01-01T00:00:00Z\tnext\tA1\t*\n2026-01-01T00:00:00Z\tput\tA1\t%s\n"
		 "2026-01-01T00:00:00Z\tput\tA1\t%s\n2026-01-01T00:00:01Z\tdone\tA1\t*\n"
		 "2026-01-02T00:00:00Z\tnext\tA1\t*\n2026-01-02T00:00:00Z\tput\tA1\t%s\n"
		 "rubbish\n\n\t\t\t\n2026-01-01T00:00:00Z\tput\n2026\tput\tB2\tTOOLONGFORAPID\n"
		 "2026-01-02T00:00:01Z\tdone\tA1\t*\n"
		 "2026-01-03T00:00:00Z\tnext\t/a%%20folder/a.img\t*\n"
		 "2026-01-03T00:00:00Z\tput\t/a%%20folder/a.img\t%s\n"
		 "2026-01-04T00:00:00Z\tnext\tC3\t*\n2026-01-04T00:00:00Z\tput\tC3\t%s\n"
		 "2026-01-05T00:00:00Z\tgone\tC3\t*\n2026\tpu", p[0], p[1], p[1], p[2], p[3]);
	write_text(path, text);
	ck_assert_msg(journal_take_over(journal, path, &fault) == 1, "%s", fault.what);
	ck_assert_int_ne(access(path, F_OK), 0);
	ck_assert_int_eq(access(stick_path("journal.taken-over"), R_OK), 0);
	ck_assert_int_eq(elsewhere("B2"), 2);
	ck_assert_str_eq(hit.stick, "/a folder/a.img");
	ck_assert_str_eq(hit.time, "2026-01-03T00:00:00Z");
	/* A1 is known by its serial number, whatever its mark is now. */
	ck_assert_int_eq(elsewhere_of(stick("A1", "disk 00000007")), 1);
	put_on(stick("A1", "disk 00000007"), "disk 0000000a", 0);
	ck_assert_int_eq(elsewhere("B2"), 1);
	/* There is nothing any more; and what could not be renamed is not taken again. */
	ck_assert_int_eq(journal_take_over(journal, path, &fault), 0);
	ck_assert_int_eq(rename(stick_path("journal.taken-over"), path), 0);
	ck_assert_int_eq(journal_take_over(journal, path, &fault), 0);
	ck_assert_int_eq(elsewhere("B2"), 1);
	/* Neither a link nor a pipe is one. */
	ck_assert_int_eq(symlink(stick_path("journal.taken-over"), stick_path("link")), 0);
	ck_assert_int_lt(journal_take_over(journal, stick_path("link"), NULL), 0);
	ck_assert_int_eq(mkfifo(stick_path("pipe"), 0600), 0);
	ck_assert_int_eq(journal_take_over(journal, stick_path("pipe"), &fault), 0);
}
END_TEST

START_TEST(a_half_escape_in_an_earlier_journal_stays_as_it_is)
{
	static const char *const names[] = { "A%4", "A%", "A%4G", "A% 4", "A%-4", "A%00" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char text[200], name[16];

		snprintf(name, sizeof(name), "journal%zu", i);
		snprintf(text, sizeof(text), "2026-01-0%zuT00:00:00Z\tput\t%s\t%s\n", i + 1,
			 names[i], pids[0]);
		write_text(stick_path(name), text);
		ck_assert_int_eq(journal_take_over(journal, stick_path(name), &fault), 1);
		ck_assert_int_eq(elsewhere("B2"), 1);
		ck_assert_str_eq(hit.stick, names[i]);
	}
}
END_TEST

START_TEST(a_journal_of_ones_own_is_taken_over_too)
{
	struct journal *own = NULL;
	struct identity a = stick("A1", "disk 0000000a"), b = a;
	int64_t row;

	ck_assert_int_eq(journal_open(&own, stick_path("own.db"), NULL, &fault), 0);
	ck_assert_int_eq(journal_put(own, &a, "disk 0000000b", -1, (pid_list)pids, 4, &row, &fault),
			 0);
	ck_assert_int_eq(journal_done(own, row, &fault), 0);
	strcpy(b.mark, "disk 00000099");
	ck_assert_int_eq(journal_put(own, &b, "disk 0000000c", -1, (pid_list)pids, 2, &row, &fault),
			 0);
	journal_close(&own);
	put("C3", 1);
	ck_assert_msg(journal_take_over(journal, stick_path("own.db"), &fault) == 1, "%s",
		      fault.what);
	ck_assert_int_eq(elsewhere("D4"), 4);
	ck_assert_int_eq(elsewhere_of(stick("A1", "disk 0000000b")), 2);
	ck_assert_int_eq(elsewhere_of(stick("A1", "disk 0000000c")), 4);
	ck_assert_int_eq(journal_take_over(journal, stick_path("own.db"), &fault), 0);
	/* One that is damaged says so, and nothing of it is kept. */
	write_text(stick_path("own.db"), "SQLite format 3");
	ck_assert_int_eq(truncate(stick_path("own.db"), 4096), 0);
	ck_assert_int_lt(journal_take_over(journal, stick_path("own.db"), &fault), 0);
	ck_assert_ptr_nonnull(strstr(fault.what, "taking over"));
	ck_assert_int_eq(access(stick_path("own.db"), F_OK), 0);
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
	tcase_add_test(t, a_key_on_two_sticks_is_known_from_either);
	tcase_add_test(t, two_sticks_with_one_serial_number_are_two);
	tcase_add_test(t, sticks_without_marks_that_are_plugged_in_together_go_by_their_ports);
	tcase_add_test(t, a_stick_that_somebody_formatted_is_asked_about);
	tcase_add_test(t, cards_and_sticks_without_serial_number_go_by_mark_and_size);
	tcase_add_test(t, names_of_sticks_are_fit_for_a_terminal);
	tcase_add_test(t, the_journal_holds_no_secret_and_is_no_more_open_than_its_folder);
	tcase_add_test(t, keys_that_somebody_else_took_meanwhile_are_refused);
	tcase_add_test(t, what_is_not_such_a_journal_is_refused);
	tcase_add_test(t, an_earlier_journal_is_taken_over_once);
	tcase_add_test(t, a_half_escape_in_an_earlier_journal_stays_as_it_is);
	tcase_add_test(t, a_journal_of_ones_own_is_taken_over_too);
	suite_add_tcase(suite, t);
}
