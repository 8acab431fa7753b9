/* Tests of the pairs of the key map: from free to reserved, used, revoked. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "server/keymap/pairs.h"
#include "server/keymap/systems.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

#define NOW	1000000

static void add(unsigned n)
{
	struct keyentry e = scratch_pair(n);

	ok(keymap_add(m, &e, 0, NULL, &fault));
}

static struct keymap_pair find(unsigned n, int64_t now)
{
	struct keyentry e = scratch_pair(n);
	struct keymap_pair pair;

	ok(keymap_find(m, e.pair.pid, now, &pair, &fault));
	return pair;
}

static enum keymap_claim reserve(unsigned n, unsigned who, int64_t now)
{
	struct keyentry e = scratch_pair(n);
	struct uuid uuid = scratch_uuid(who);
	enum keymap_claim claim;

	ok(keymap_reserve(m, e.pair.pid, &uuid, now, 900, &claim, NULL, &fault));
	return claim;
}

static int use(unsigned n, unsigned who, int64_t now)
{
	struct keyentry e = scratch_pair(n);
	struct uuid uuid = scratch_uuid(who);

	return keymap_use(m, e.pair.pid, &uuid, now, NULL, NULL);
}

static int secrets_of(unsigned n)
{
	struct keyentry e = scratch_pair(n), out;
	int rc = keymap_secrets(m, e.pair.pid, &out, NULL);

	if (rc) {
		for (size_t i = 0; i < sizeof(out); i++)
			ck_assert_int_eq(((char *)&out)[i], 0);
	} else {
		ck_assert_str_eq(out.pair.pps, e.pair.pps);
		ck_assert_str_eq(out.new_password, e.new_password);
	}
	return rc;
}

START_TEST(the_same_pair_is_counted_and_another_pps_is_refused)
{
	struct keyentry e = scratch_pair(1), other = scratch_pair(2), bare;
	enum keymap_added added;
	struct fault fault = { 0 };

	bare = e;
	bare.new_password[0] = 0;
	ck_assert_int_eq(keymap_add(m, &bare, 0, &added, NULL), 0);
	ck_assert_int_eq(added, KEYMAP_ADDED);
	ck_assert_int_eq(keymap_add(m, &bare, 0, &added, NULL), 0);
	ck_assert_int_eq(added, KEYMAP_SAME);
	ck_assert_int_eq(keymap_add(m, &e, 0, &added, NULL), 0);
	ck_assert_int_eq(added, KEYMAP_COMPLETED);
	ck_assert_int_eq(secrets_of(1), 0);
	ck_assert_int_eq(keymap_add(m, &bare, 0, &added, NULL), 0);
	ck_assert_int_eq(added, KEYMAP_SAME);
	strcpy(bare.new_password, "Another1!");
	ck_assert_int_eq(keymap_add(m, &bare, 0, &added, NULL), 0);
	ck_assert_int_eq(added, KEYMAP_DIFFERS);
	memcpy(other.pair.pid, e.pair.pid, sizeof(e.pair.pid));
	ck_assert_int_eq(keymap_add(m, &other, 0, &added, &fault), KIT_ERR_DUPLICATE);
	ck_assert_int_eq(fault.code, 0);
	ck_assert_int_eq(secrets_of(1), 0);
}
END_TEST

START_TEST(a_key_goes_from_free_to_reserved_to_used)
{
	struct keymap_pair pair;
	struct uuid uuid = scratch_uuid(1);

	add(1);
	ck_assert_int_eq(find(1, NOW).state, KEYMAP_FREE);
	ck_assert_int_eq(reserve(1, 1, NOW), KEYMAP_CLAIMED);
	pair = find(1, NOW);
	ck_assert_int_eq(pair.state, KEYMAP_RESERVED);
	ck_assert(pair.has_uuid && uuid_equal(&pair.uuid, &uuid));
	ck_assert_int_eq(pair.reserved_until, NOW + 900);
	ck_assert_int_eq(reserve(1, 1, NOW + 1), KEYMAP_CLAIM_HELD);
	ck_assert_int_eq(reserve(1, 2, NOW + 1), KEYMAP_CLAIM_RESERVED);
	ck_assert_int_eq(use(1, 1, NOW + 2), 0);
	pair = find(1, NOW + 2);
	ck_assert_int_eq(pair.state, KEYMAP_USED);
	ck_assert_int_eq(pair.used_at, NOW + 2);
	ck_assert_int_eq(reserve(1, 1, NOW + 3), KEYMAP_CLAIM_PROVED);
	ck_assert_int_eq(reserve(1, 2, NOW + 3), KEYMAP_CLAIM_USED);
	ck_assert_int_eq(use(1, 1, NOW + 9), 0);
	ck_assert_int_eq(find(1, NOW).used_at, NOW + 2);
	ck_assert_int_eq(use(1, 2, NOW + 3), KIT_ERR_STATE);
	ck_assert_int_eq(reserve(2, 1, NOW), KEYMAP_CLAIM_UNKNOWN);
	ck_assert_int_eq(use(2, 1, NOW), KIT_ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_reservation_lapses_and_repeating_the_hello_does_not_prolong_it)
{
	struct keyentry e = scratch_pair(1);
	struct uuid one = scratch_uuid(1), two = scratch_uuid(2);
	struct keymap_pair before;
	enum keymap_claim claim;

	add(1);
	ck_assert_int_eq(reserve(1, 1, NOW), KEYMAP_CLAIMED);
	for (int64_t t = NOW; t < NOW + 900; t += 100)
		ck_assert_int_eq(reserve(1, 1, t), KEYMAP_CLAIM_HELD);
	ck_assert_int_eq(reserve(1, 2, NOW + 899), KEYMAP_CLAIM_RESERVED);
	ck_assert(find(1, NOW + 900).lapsed);
	ck_assert_int_eq(find(1, NOW + 900).state, KEYMAP_FREE);
	ok(keymap_reserve(m, e.pair.pid, &two, NOW + 900, 900, &claim, &before, &fault));
	ck_assert_int_eq(claim, KEYMAP_CLAIMED);
	ck_assert(before.lapsed && uuid_equal(&before.uuid, &one));
	ck_assert_int_eq(reserve(1, 1, NOW + 901), KEYMAP_CLAIM_RESERVED);
	/* A clock set back far does not make it last longer; one set back a little does. */
	ck_assert_int_eq(reserve(1, 1, NOW + 902 - 800), KEYMAP_CLAIM_RESERVED);
	ck_assert_int_eq(reserve(1, 1, NOW - 10000), KEYMAP_CLAIMED);
	/* Who proves the PPS has it, whoever else has reserved it. */
	ck_assert_int_eq(use(1, 1, NOW + 902), 0);
	ck_assert_int_eq(reserve(1, 2, NOW + 903), KEYMAP_CLAIM_USED);
}
END_TEST

START_TEST(a_released_key_is_free_for_anybody_but_only_its_holder_releases_it)
{
	struct keyentry e = scratch_pair(1);
	struct uuid one = scratch_uuid(1), two = scratch_uuid(2);

	add(1);
	ck_assert_int_eq(reserve(1, 1, NOW), KEYMAP_CLAIMED);
	ok(keymap_release(m, e.pair.pid, &two, &fault));
	ck_assert_int_eq(find(1, NOW).state, KEYMAP_RESERVED);
	ok(keymap_release(m, e.pair.pid, &one, &fault));
	ck_assert_int_eq(find(1, NOW).state, KEYMAP_FREE);
	ck_assert(!find(1, NOW).has_uuid);
	ck_assert_int_eq(reserve(1, 2, NOW), KEYMAP_CLAIMED);
	ck_assert_int_eq(use(1, 2, NOW), 0);
	ok(keymap_release(m, e.pair.pid, &two, &fault));
	ck_assert_int_eq(find(1, NOW).state, KEYMAP_USED);
}
END_TEST

START_TEST(a_revoked_key_serves_nobody)
{
	struct keyentry e = scratch_pair(1);

	add(1);
	ck_assert_int_eq(reserve(1, 1, NOW), KEYMAP_CLAIMED);
	ok(keymap_revoke(m, e.pair.pid, NOW, &fault));
	ck_assert_int_eq(use(1, 1, NOW), KIT_ERR_STATE);
	ck_assert_int_eq(reserve(1, 1, NOW), KEYMAP_CLAIM_REVOKED);
	ck_assert_int_eq(find(1, NOW).state, KEYMAP_REVOKED);
	ck_assert_int_eq(find(1, NOW).revoked_at, NOW);
}
END_TEST

START_TEST(a_list_that_says_used_is_believed)
{
	struct keyentry e = scratch_pair(1);

	e.used = true;
	ok(keymap_add(m, &e, 0, NULL, &fault));
	ck_assert_int_eq(reserve(1, 1, NOW), KEYMAP_CLAIM_USED);
}
END_TEST

static int count_pair(void *context, const struct keymap_pair *pair)
{
	(void)pair;
	++*(unsigned *)context;
	return 0;
}

static unsigned each(struct keymap_filter filter)
{
	unsigned n = 0;

	filter.now = NOW;
	ok(keymap_each(m, &filter, count_pair, &n, &fault));
	return n;
}

START_TEST(filters_and_counts_agree)
{
	struct keymap_counts c;
	struct uuid uuid = scratch_uuid(4);
	struct keyentry e = scratch_pair(5);
	int64_t batch;

	for (unsigned i = 0; i < 10; i++)
		add(i);
	ck_assert_int_eq(reserve(1, 1, NOW), KEYMAP_CLAIMED);
	ck_assert_int_eq(reserve(2, 2, NOW - 2000), KEYMAP_CLAIMED);	/* lapsed */
	ck_assert_int_eq(use(3, 3, NOW), 0);
	ck_assert_int_eq(use(4, 4, NOW), 0);
	ok(keymap_revoke(m, e.pair.pid, NOW, &fault));
	ok(keymap_batch(m, "export", "stick.bin", NOW, &batch, &fault));
	ok(keymap_mark_exported(m, find(6, NOW).id, batch, &fault));
	ok(keymap_count(m, NOW, &c, &fault));
	ck_assert_uint_eq(c.total, 10);
	ck_assert_uint_eq(c.free, 6);
	ck_assert_uint_eq(c.lapsed, 1);
	ck_assert_uint_eq(c.reserved, 1);
	ck_assert_uint_eq(c.used, 2);
	ck_assert_uint_eq(c.revoked, 1);
	ck_assert_uint_eq(each((struct keymap_filter){ .limit = 0 }), 10);
	ck_assert_uint_eq(each((struct keymap_filter){ .limit = 3 }), 3);
	ck_assert_uint_eq(each((struct keymap_filter){ .by_state = true, .state = KEYMAP_FREE }),
			  6);
	ck_assert_uint_eq(each((struct keymap_filter){ .by_state = true,
						       .state = KEYMAP_RESERVED }),
			  1);
	ck_assert_uint_eq(each((struct keymap_filter){ .by_state = true, .state = KEYMAP_USED }),
			  2);
	ck_assert_uint_eq(each((struct keymap_filter){ .by_state = true, .state = KEYMAP_REVOKED }),
			  1);
	ck_assert_uint_eq(each((struct keymap_filter){ .uuid = &uuid }), 1);
	ck_assert_uint_eq(each((struct keymap_filter){ .exported = 1 }), 1);
	ck_assert_uint_eq(each((struct keymap_filter){ .exported = -1 }), 9);
	/* One that lapsed was claimed all the same. */
	ck_assert_uint_eq(each((struct keymap_filter){ .unclaimed = true }), 8);
	ck_assert_str_eq(find(6, NOW).exported_to, "export stick.bin");
	ck_assert_int_eq(find(6, NOW).exported_at, NOW);
}
END_TEST

TEST_SUITE("pairs")
{
	TCase *tcase = tcase_create("pairs");

	tcase_add_checked_fixture(tcase, map_enter, map_leave);
	tcase_add_test(tcase, the_same_pair_is_counted_and_another_pps_is_refused);
	tcase_add_test(tcase, a_key_goes_from_free_to_reserved_to_used);
	tcase_add_test(tcase, a_reservation_lapses_and_repeating_the_hello_does_not_prolong_it);
	tcase_add_test(tcase, a_released_key_is_free_for_anybody_but_only_its_holder_releases_it);
	tcase_add_test(tcase, a_revoked_key_serves_nobody);
	tcase_add_test(tcase, a_list_that_says_used_is_believed);
	tcase_add_test(tcase, filters_and_counts_agree);
	suite_add_tcase(suite, tcase);
}
