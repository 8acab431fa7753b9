/* Tests of the digests that machines say they trust, as the key map keeps them. */
#include <check.h>
#include <string.h>

#include "server/keymap/digests.h"
#include "server/keymap/systems.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

#define NOW	1000000

static struct keymap_digest list[KEYMAP_DIGESTS], got[KEYMAP_DIGESTS];
static size_t n;

static void hello(unsigned who)
{
	const struct keymap_hello h = { scratch_uuid(who), NULL, "192.0.2.1", 3, 0, NULL, 0 };

	ok(keymap_system_hello(m, &h, SYSTEM_REFUSED, NOW, NULL, NULL, &fault));
}

static void make_list(uint8_t first)
{
	memset(list, 0, sizeof(list));
	for (unsigned i = 0; i < KEYMAP_DIGESTS; i++) {
		list[i].type = (uint8_t)(KEYMAP_DIGEST_SHA1 + i % 3);
		list[i].length = (uint8_t)keymap_digest_length(list[i].type);
		memset(list[i].bytes, (int)(first + i), list[i].length);
	}
}

START_TEST(digests_come_back_as_they_were_said_last)
{
	struct uuid one = scratch_uuid(1), two = scratch_uuid(2), nobody = scratch_uuid(9);

	hello(1);
	hello(2);
	ok(keymap_digests_find(m, &one, got, &n, &fault));
	ck_assert_uint_eq(n, 0);
	make_list(1);
	ok(keymap_digests_put(m, &one, list, KEYMAP_DIGESTS, &fault));
	make_list(100);
	ok(keymap_digests_put(m, &two, list, 3, &fault));
	ok(keymap_digests_put(m, &one, list, KEYMAP_DIGESTS, &fault));
	ok(keymap_digests_find(m, &one, got, &n, &fault));
	ck_assert_uint_eq(n, KEYMAP_DIGESTS);
	ck_assert_mem_eq(got, list, sizeof(list));
	ok(keymap_digests_find(m, &two, got, &n, &fault));
	ck_assert_uint_eq(n, 3);
	ok(keymap_digests_put(m, &nobody, list, 3, &fault));
	ok(keymap_digests_find(m, &nobody, got, &n, &fault));
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(digests_go_with_the_row)
{
	struct uuid one = scratch_uuid(1);

	hello(1);
	make_list(1);
	ok(keymap_digests_put(m, &one, list, 5, &fault));
	ok(keymap_system_forget(m, &one, &fault));
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM csti_amts_digests"), 0);
	/* Whoever gets the row's number next has none of them. */
	hello(2);
	one = scratch_uuid(2);
	ok(keymap_digests_find(m, &one, got, &n, &fault));
	ck_assert_uint_eq(n, 0);
}
END_TEST

static const char *const damaged[] = {
	"x''", "x'01'", "x'0114'", "x'0215'", "x'0400'", "x'01140000'", "zeroblob(40000)",
};

START_TEST(a_damaged_list_ends_where_it_makes_no_sense)
{
	char sql[200];
	struct uuid one = scratch_uuid(1);

	hello(1);
	make_list(1);
	ok(keymap_digests_put(m, &one, list, 1, &fault));
	snprintf(sql, sizeof(sql), "UPDATE csti_amts_digests SET digests = CAST(digests || %s"
		 " AS BLOB)", damaged[_i]);
	scratch_sql(sql);
	ok(keymap_digests_find(m, &one, got, &n, &fault));
	ck_assert_uint_eq(n, 1);
	ck_assert_mem_eq(&got[0], &list[0], sizeof(got[0]));
}
END_TEST

TEST_SUITE("digests")
{
	TCase *tcase = tcase_create("digests");

	tcase_add_checked_fixture(tcase, map_enter, map_leave);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, digests_come_back_as_they_were_said_last);
	tcase_add_test(tcase, digests_go_with_the_row);
	tcase_add_loop_test(tcase, a_damaged_list_ends_where_it_makes_no_sense, 0,
			    sizeof(damaged) / sizeof(*damaged));
	suite_add_tcase(suite, tcase);
}
