/* Lines that repeat themselves: which are written, and what is said of the others. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/fold.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

static struct fold *fold;
static unsigned sums;
static char sum[300];

static void on_sum(void *context, const struct logentry *line)
{
	sums++;
	logentry_line(line, sum, sizeof(sum));
}

static void begin(void)
{
	sums = 0;
	ck_assert_int_eq(fold_new(&fold, on_sum, NULL, NULL), 0);
}

static void end(void)
{
	fold_free(&fold);
}

/* Is a line about machine NUMBER at ADDRESS written? What is not is counted. */
static bool written(enum severity severity, const char *address, unsigned number, double now)
{
	struct uuid uuid = scratch_uuid(number);
	struct logentry e = { .severity = severity, .name = "an-event", .address = address,
			      .uuid = &uuid, .what = "it happened" };
	size_t place = fold_look(fold, &e, now);

	if (place == FOLD_WRITE)
		return true;
	fold_settle(fold, place, true);
	return false;
}

static unsigned written_of(unsigned n, enum severity severity, const char *address, bool new_ones,
			   double now)
{
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++)
		count += written(severity, address, new_ones ? i : 0, now);
	return count;
}

START_TEST(the_same_of_one_machine_is_folded_and_said)
{
	char uuid[UUID_SHOWN + 1];
	struct uuid zero = scratch_uuid(0);

	ck_assert_uint_eq(written_of(20, SEVERITY_INFO, "192.0.2.1", false, 10), FOLD_SAME);
	/* Another machine, another address and another kind are not concerned. */
	ck_assert(written(SEVERITY_INFO, "192.0.2.1", 1, 10));
	ck_assert(written(SEVERITY_INFO, "192.0.2.2", 0, 10));
	fold_flush(fold, 69, false);
	ck_assert_uint_eq(sums, 0);
	fold_flush(fold, 71, false);
	ck_assert_uint_eq(sums, 1);
	uuid_show(&zero, uuid);
	ck_assert_ptr_nonnull(strstr(sum, uuid));
	ck_assert_ptr_nonnull(strstr(sum, "address=192.0.2.1"));
	ck_assert_ptr_nonnull(strstr(sum, "info an-event "));
	ck_assert_ptr_nonnull(strstr(sum, "15 more lines like this of this machine within 60 s"));
	/* And then it begins again. */
	ck_assert_uint_eq(written_of(20, SEVERITY_INFO, "192.0.2.1", false, 71), FOLD_SAME);
}
END_TEST

START_TEST(a_peer_that_makes_machines_up_is_folded)
{
	ck_assert_uint_eq(written_of(1000, SEVERITY_WARNING, "192.0.2.1", true, 10), FOLD_KIND);
	ck_assert(written(SEVERITY_WARNING, "192.0.2.2", 0, 10));
	fold_flush(fold, 20, true);
	ck_assert_uint_eq(sums, 1);
	ck_assert_ptr_nonnull(strstr(sum, "950 more lines like this from this address or network"));
	ck_assert_ptr_null(strstr(sum, "uuid="));
}
END_TEST

START_TEST(a_network_of_ipv6_is_one_peer)
{
	unsigned count = 0;
	char address[64];

	for (unsigned i = 0; i < 200; i++) {
		snprintf(address, sizeof(address), "2001:db8::%x", i + 1);
		count += written(SEVERITY_SECURITY, address, i, 10);
	}
	ck_assert_uint_eq(count, FOLD_KIND);
	ck_assert(written(SEVERITY_SECURITY, "2001:db8:0:1::1", 0, 10));
}
END_TEST

START_TEST(machines_of_a_site_behind_one_address_have_their_news)
{
	ck_assert_uint_eq(written_of(1000, SEVERITY_INFO, "192.0.2.1", true, 10), 1000);
	fold_flush(fold, 100, true);
	ck_assert_uint_eq(sums, 0);
}
END_TEST

START_TEST(what_did_not_happen_is_not_counted)
{
	struct logentry e = { .severity = SEVERITY_INFO, .name = "an-event",
			      .address = "192.0.2.1", .what = "it happened" };
	size_t place;

	for (int i = 0; i < FOLD_SAME; i++)
		ck_assert_uint_eq(fold_look(fold, &e, 1), FOLD_WRITE);
	place = fold_look(fold, &e, 1);
	ck_assert_uint_ne(place, FOLD_WRITE);
	fold_settle(fold, place, false);
	fold_flush(fold, 100, true);
	ck_assert_uint_eq(sums, 0);
}
END_TEST

START_TEST(more_kinds_than_the_table_holds_are_written_and_nothing_is_lost)
{
	unsigned count = 0, left_out = 0;

	for (unsigned i = 0; i < 20000; i++)
		for (int k = 0; k < FOLD_SAME + 1; k++) {
			bool is = written(SEVERITY_INFO, "192.0.2.1", i, 10);

			count += is;
			left_out += !is;
		}
	ck_assert_uint_eq(count, 20000 * FOLD_SAME);
	/* One was left out of each, and each has said so by the end. */
	fold_flush(fold, 10, true);
	ck_assert_uint_eq(sums, left_out);
}
END_TEST

START_TEST(what_has_no_peer_is_written)
{
	struct logentry e = { .severity = SEVERITY_ERROR, .name = "map-failed",
			      .what = "it happened" };

	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(fold_look(fold, &e, 1), FOLD_WRITE);
}
END_TEST

TEST_SUITE("fold")
{
	TCase *t = tcase_create("lines");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, the_same_of_one_machine_is_folded_and_said);
	tcase_add_test(t, a_peer_that_makes_machines_up_is_folded);
	tcase_add_test(t, a_network_of_ipv6_is_one_peer);
	tcase_add_test(t, machines_of_a_site_behind_one_address_have_their_news);
	tcase_add_test(t, what_did_not_happen_is_not_counted);
	tcase_add_test(t, more_kinds_than_the_table_holds_are_written_and_nothing_is_lost);
	tcase_add_test(t, what_has_no_peer_is_written);
	suite_add_tcase(suite, t);
}
