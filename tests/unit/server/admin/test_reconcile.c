/* Tests of reconciling a setup.bin with the map: each way in which they can differ. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/admin/export.h"
#include "server/admin/keys.h"
#include "server/admin/reconcile.h"
#include "server/keymap/pairs.h"
#include "tests/support/admin.h"
#include "tests/support/suite.h"

#define RECORDS	8
#define RECORD	512	/* bytes of one, and of the header */

static enum reconcile_outcome outcomes[RECORDS];
static unsigned begun;

static void on_begin(void *context, const struct reconcile *r)
{
	(void)context;
	(void)r;
	begun++;
}

static int on_record(void *context, const struct reconcile_record *r)
{
	(void)context;
	ck_assert_uint_le(r->number, RECORDS);
	outcomes[r->number - 1] = r->outcome;
	return 0;
}

static struct reconcile compare(void)
{
	struct reconcile r = { .begin = on_begin, .record = on_record };

	begun = 0;
	ok(reconcile(&r, &op, "setup.bin", &fault));
	ck_assert_uint_eq(begun, 1);
	ck_assert_uint_eq(r.records, RECORDS);
	return r;
}

static void patch(long offset, const void *bytes, size_t n)
{
	int fd = open("setup.bin", O_WRONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, bytes, n, offset), (ssize_t)n);
	ck_assert_int_eq(close(fd), 0);
}

/* Where TEXT is in the file. */
static long place_of(const char *text)
{
	static char all[(RECORDS + 1) * RECORD];
	FILE *file = fopen("setup.bin", "r");
	char *found;

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fread(all, 1, sizeof(all), file), sizeof(all));
	fclose(file);
	found = memmem(all, sizeof(all), text, strlen(text));
	ck_assert_ptr_nonnull(found);
	return found - all;
}

/* The first N records are used, as firmware marks them: the counter, the flag of each. */
static void use_records(uint8_t n)
{
	patch(32, &n, 1);
	for (long i = 1; i <= n; i++)
		patch(i * RECORD + 4, "", 1);
}

static void enter(void)
{
	struct export e = { .output = { .setupbin_path = "setup.bin", .version = { 2, 1 } } };

	admin_enter();
	add_pairs(1, RECORDS + 1);
	ok(export_keys(&e, &op, &fault));
}

START_TEST(a_fresh_file_agrees)
{
	struct reconcile r = compare();

	ck_assert(r.consumable);
	ck_assert_uint_eq(r.outcomes[RECONCILE_AGREED], RECORDS);
	ck_assert_uint_eq(r.used, 0);
	ck_assert_uint_eq(reconcile_troubles(&r), 0);
}
END_TEST

START_TEST(each_difference_has_its_outcome)
{
	struct keyentry revoked = scratch_pair(7);
	struct keymap_pair before;
	struct reconcile r;

	use_records(4);
	prove(1);			/* used by both */
	say_hello(2);			/* being set up */
	say_hello(3);			/* lapses below */
	op.now += 100000;
	say_hello(2);
	ok(keymap_use(m, scratch_pair(5).pair.pid, &(struct uuid){ { 5 } }, op.now, NULL, &fault));
	scratch_sql("DELETE FROM csti_pid_map WHERE id = 6");
	ok(keys_revoke(&op, (const char (*)[PID_LENGTH + 1])revoked.pair.pid, 1, &before, &fault));
	patch(place_of(scratch_pair(8).pair.pid), "?", 1);
	r = compare();
	ck_assert_uint_eq(r.used, 4);
	ck_assert_int_eq(outcomes[0], RECONCILE_AGREED);
	ck_assert_int_eq(outcomes[1], RECONCILE_NEVER_PROVED);
	ck_assert_int_eq(outcomes[2], RECONCILE_NEVER_PROVED);
	ck_assert_int_eq(outcomes[3], RECONCILE_NO_HELLO);
	ck_assert_int_eq(outcomes[4], RECONCILE_USED_ELSEWHERE);
	ck_assert_int_eq(outcomes[5], RECONCILE_UNKNOWN);
	ck_assert_int_eq(outcomes[6], RECONCILE_REVOKED);
	ck_assert_int_eq(outcomes[7], RECONCILE_BAD);
	ck_assert_uint_eq(reconcile_troubles(&r), 7);
	op.now = ADMIN_NOW;
	compare();
	ck_assert_int_eq(outcomes[1], RECONCILE_WAITING);
}
END_TEST

START_TEST(a_counter_past_the_records_is_seen)
{
	struct reconcile r;

	patch(32, "\x63", 1);
	r = compare();
	ck_assert_uint_eq(r.counted, 99);
	ck_assert_uint_eq(r.held, RECORDS);
	ck_assert_uint_eq(r.used, RECORDS);
}
END_TEST

START_TEST(what_holds_no_setup_bin_is_a_fault_before_anything_begins)
{
	struct reconcile r = { .begin = on_begin, .record = on_record };
	struct fault why = { 0 };

	put_file("text", "not a stick");
	begun = 0;
	ck_assert_int_lt(reconcile(&r, &op, "text", &why), 0);
	ck_assert_ptr_nonnull(strstr(why.hint, "ukpu verify"));
	fault_clear(&why);
	ck_assert_int_eq(reconcile(&r, &op, "nowhere", &why), KIT_ERR_NOT_FOUND);
	ck_assert_uint_eq(begun, 0);
}
END_TEST

START_TEST(every_outcome_has_a_word_and_every_trouble_a_hint)
{
	for (int i = 0; i < RECONCILE_OUTCOMES; i++) {
		ck_assert_ptr_nonnull(reconcile_word(i));
		ck_assert_ptr_nonnull(reconcile_text(i));
		ck_assert(!reconcile_is_trouble(i) || reconcile_hint(i));
	}
}
END_TEST

TEST_SUITE("reconcile")
{
	TCase *tcase = tcase_create("reconcile");

	tcase_add_checked_fixture(tcase, enter, admin_leave);
	tcase_add_test(tcase, a_fresh_file_agrees);
	tcase_add_test(tcase, each_difference_has_its_outcome);
	tcase_add_test(tcase, a_counter_past_the_records_is_seen);
	tcase_add_test(tcase, what_holds_no_setup_bin_is_a_fault_before_anything_begins);
	tcase_add_test(tcase, every_outcome_has_a_word_and_every_trouble_a_hint);
	suite_add_tcase(suite, tcase);
}
