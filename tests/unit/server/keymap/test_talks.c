/* What the map remembers of how machines are talked to. */
#include <string.h>

#include "server/keymap/pairs.h"
#include "server/keymap/talks.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

START_TEST(nothing_is_remembered_of_a_machine_at_first)
{
	struct uuid uuid = scratch_uuid(1);
	struct keymap_talk talk, none = { 0 };

	memset(&talk, 1, sizeof(talk));
	ok(keymap_talk_find(m, &uuid, &talk, &fault));
	ck_assert_mem_eq(&talk, &none, sizeof(none));
	ok(keymap_talk_forget(m, &uuid, &fault));
}
END_TEST

START_TEST(what_was_put_is_found_and_goes_with_the_machine)
{
	struct keyentry e = scratch_pair(1);
	struct keymap_hello hello = { scratch_uuid(1), e.pair.pid, "192.0.2.1", 2, 0 };
	struct keymap_talk talk, put = { .tls10 = true, .next_random = true, .logins = 2,
					 .commit_sent_at = 5000000000, .logins_at = 7,
					 .commit_address = "192.0.2.1", .candidates = 0x0301,
					 .candidates_at = 8, .extended_at = 9 };

	ok(keymap_add(m, &e, 0, NULL, &fault));
	ok(keymap_system_hello(m, &hello, SYSTEM_QUEUED, 1, NULL, NULL, &fault));
	ok(keymap_talk_put(m, &hello.uuid, &put, &fault));
	put.one_each = true;
	ok(keymap_talk_put(m, &hello.uuid, &put, &fault));
	ok(keymap_talk_find(m, &hello.uuid, &talk, &fault));
	ck_assert(talk.tls10 && talk.one_each && talk.next_random);
	ck_assert_uint_eq(talk.logins, 2);
	ck_assert_int_eq(talk.commit_sent_at, 5000000000);
	ck_assert_int_eq(talk.logins_at, 7);
	ck_assert_uint_eq(talk.candidates, 0x0301);
	ck_assert_int_eq(talk.candidates_at, 8);
	ck_assert_int_eq(talk.extended_at, 9);
	ck_assert_str_eq(talk.commit_address, "192.0.2.1");
	ok(keymap_system_forget(m, &hello.uuid, &fault));
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM csti_amts_talk"), 0);
}
END_TEST

TEST_SUITE("talks")
{
	TCase *t = tcase_create("talks");

	tcase_add_checked_fixture(t, map_enter, map_leave);
	tcase_add_test(t, nothing_is_remembered_of_a_machine_at_first);
	tcase_add_test(t, what_was_put_is_found_and_goes_with_the_machine);
	suite_add_tcase(suite, t);
}
