/* Tests of a stick at work, without a terminal: what is asked, what a no leaves untouched. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/stick.h"
#include "tests/support/suite.h"
#include "ukpu/stick/keysafe.h"
#include "ukpu/stick/others.h"
#include "ukpu/stick/work.h"

#define SIZE	((uint64_t)32 << 20)

/* A person who gives one answer to everything. */
static struct {
	int answer;
	unsigned asked[3];	/* by enum work_question */
	unsigned long unused;
	long elsewhere;
	char notes[4096];
	uint64_t searched;
} person;

static struct work work;
static struct work_options options;
static struct fault fault;
static char path[300];

static int ask(void *context, enum work_question question, struct work *w, struct fault *f)
{
	ck_assert_ptr_eq(context, &person);
	person.asked[question]++;
	person.unused = keysafe_unused(w);
	person.elsewhere = w->elsewhere;
	return person.answer;
}

static void note(void *context, const char *text)
{
	size_t at = strlen(person.notes);

	snprintf(person.notes + at, sizeof(person.notes) - at, "%s\n", text);
}

static void searched(void *context, const struct work *w, uint64_t done, uint64_t total)
{
	ck_assert_uint_le(done, total);
	person.searched = done;
}

static const struct work_face face = {
	.ask = ask, .note = note, .warn = note, .searched = searched, .context = &person,
};

static void begin(void)
{
	memset(&person, 0, sizeof(person));
	options = (struct work_options){ .image = true, .image_bytes = SIZE };
	fault_clear(&fault);
	setenv("XDG_STATE_HOME", stick_folder(), 1);
	setenv("UKPU_JOURNAL", stick_path("sticks.db"), 1);
}

static void end(void)
{
	work_close(&work);
	stick_clean();
}

/* Open the image NAME to be written, to get N records of which USED are used. */
static int open_image(const char *name, unsigned n, unsigned used)
{
	int rc;

	work_close(&work);
	snprintf(path, sizeof(path), "%s", stick_path(name));
	rc = work_open(&work, &options, &face, path, WORK_WRITE | WORK_CREATE, &fault);
	work.content = stick_content(n, used, 1);
	return rc;
}

static void take_result(void *context, const struct verify_result *result)
{
	ck_assert_int_ne(result->verdict, VERIFY_FAIL);
}

static int write_image(void)
{
	int rc = work_ready(&work, LAYOUT_FAT16, &fault);

	if (!rc)
		rc = work_secure(&work, NULL, &fault);
	if (rc)
		return rc;
	stick_write(&work.plan, work.t, NULL, &work.fault);
	if (!work.fault.code)
		work_judge(&work, take_result, NULL);
	return work.fault.code;
}

static void prepare(const char *name, unsigned n, unsigned used)
{
	ck_assert_msg(!open_image(name, n, used), "%s", fault.what);
	ck_assert_msg(!write_image(), "%s%s", fault.what, work.fault.what);
}

START_TEST(a_new_image_is_written_and_judged_without_a_question)
{
	struct sbin_summary summary;

	prepare("a.img", 10, 3);
	ck_assert_uint_eq(work.summary.failed, 0);
	ck_assert_int_eq(work_failed_status(&work), EXIT_YES);
	ck_assert_int_eq(work_status(&work, &summary, &fault), 0);
	ck_assert_uint_eq(summary.records, 10);
	ck_assert_uint_eq(summary.valid, 7);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(person.asked[i], 0);
}
END_TEST

START_TEST(a_no_to_unused_records_leaves_the_stick_as_it_is)
{
	uint8_t *before, *after;
	size_t size;

	prepare("a.img", 10, 3);
	work_close(&work);
	before = stick_load(path, &size);
	person.answer = KIT_ERR_CANCELLED;
	ck_assert_int_eq(open_image("a.img", 4, 0), 0);
	ck_assert_int_eq(work_ready(&work, LAYOUT_FAT16, &fault), KIT_ERR_CANCELLED);
	ck_assert_uint_eq(person.asked[WORK_UNUSED], 1);
	ck_assert_uint_eq(person.unused, 7);
	ck_assert_uint_eq(person.searched, SIZE);
	work_close(&work);
	after = stick_load(path, &size);
	ck_assert_mem_eq(before, after, size);
	free(before);
	free(after);
	/* A yes, or the option in its place, keeps a copy. */
	person.answer = 0;
	prepare("a.img", 4, 0);
	ck_assert_uint_eq(work.copies, 1);
	ck_assert_int_eq(access(work.kept, R_OK), 0);
	ck_assert_ptr_nonnull(strstr(person.notes, "with 7 unused records is in"));
	options.overwrite_unused = true;
	person.asked[WORK_UNUSED] = 0;
	prepare("a.img", 5, 0);
	ck_assert_uint_eq(person.asked[WORK_UNUSED], 0);
	ck_assert_uint_eq(work.copies, 1);
}
END_TEST

START_TEST(keys_on_another_stick_are_asked_about)
{
	prepare("a.img", 10, 3);
	person.answer = KIT_ERR_CANCELLED;
	ck_assert_int_eq(open_image("b.img", 10, 3), 0);
	ck_assert_int_eq(work_ready(&work, LAYOUT_FAT16, &fault), KIT_ERR_CANCELLED);
	ck_assert_uint_eq(person.asked[WORK_SECOND], 1);
	ck_assert_int_eq(person.elsewhere, 7);
	ck_assert_ptr_nonnull(strstr(work.hit.stick, "/a.img"));
	/* An image that was made for nothing is gone. */
	work_close(&work);
	ck_assert_int_ne(access(path, F_OK), 0);
	options.second_stick = true;
	prepare("b.img", 10, 3);
	ck_assert_uint_eq(person.asked[WORK_SECOND], 1);
	options.second_stick = false;
	person.answer = 0;
	prepare("c.img", 10, 3);
	ck_assert_uint_eq(person.asked[WORK_SECOND], 2);
}
END_TEST

START_TEST(a_dry_run_makes_and_changes_nothing)
{
	options.dry_run = true;
	ck_assert_int_eq(open_image("a.img", 10, 3), 0);
	ck_assert_int_eq(work_ready(&work, LAYOUT_FAT16, &fault), 0);
	ck_assert_uint_gt(work.plan.bytes, 0);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(an_image_has_no_serial_number)
{
	static const char *const serials[] = { "S1" };

	options.serials = serials;
	options.n_serials = 1;
	ck_assert_int_eq(open_image("a.img", 1, 0), KIT_ERR_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(fault.what, "no serial number"));
	ck_assert(!work_serial_named(&work));
}
END_TEST

START_TEST(without_a_setup_bin_the_answer_is_no)
{
	struct sbin_summary summary;

	ck_assert_int_eq(open_image("a.img", 1, 0), 0);
	ck_assert_int_eq(work_status(&work, &summary, &fault), KIT_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(fault.hint, "ukpu verify --image "));
}
END_TEST

TEST_SUITE("work")
{
	TCase *t = tcase_create("work");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_new_image_is_written_and_judged_without_a_question);
	tcase_add_test(t, a_no_to_unused_records_leaves_the_stick_as_it_is);
	tcase_add_test(t, keys_on_another_stick_are_asked_about);
	tcase_add_test(t, a_dry_run_makes_and_changes_nothing);
	tcase_add_test(t, an_image_has_no_serial_number);
	tcase_add_test(t, without_a_setup_bin_the_answer_is_no);
	suite_add_tcase(suite, t);
}
