/* Tests of one pair: check characters, parsing, generation. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "keygen/password.h"
#include "keygen/pidpps.h"
#include "keygen/pidset.h"
#include "tests/support/suite.h"

/* Intel's worked example: sum 0x15A over the first seven, modulo 36 is 0x16, which is 'M'. */
#define PID	"0000037M"
#define PPS	"NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ"

START_TEST(intels_example_pair_is_sound)
{
	char pid[PID_LENGTH + 1], pps[PPS_LENGTH + 1], shown[PPS_SHOWN + 1];
	bool folded = false;

	ck_assert_int_eq(pidpps_check_character("0000037", 7), 'M');
	ck_assert_int_eq(pidpps_check_pid(PID), 0);
	ck_assert_int_eq(pidpps_check_pps(PPS), 0);
	ck_assert_int_eq(pidpps_parse_pid("0000-037M", 9, pid, &folded), 0);
	ck_assert_str_eq(pid, PID);
	ck_assert_int_eq(pidpps_parse_pps("NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XJ", PPS_SHOWN, pps,
					  &folded), 0);
	ck_assert_str_eq(pps, PPS);
	ck_assert(!folded);
	pidpps_show_pid(pid, shown);
	ck_assert_str_eq(shown, "0000-037M");
	pidpps_show_pps(pps, shown);
	ck_assert_str_eq(shown, "NKLD-G5DC-RRNQ-E9YZ-ZIJL-7LFL-VJED-69XJ");
}
END_TEST

START_TEST(any_single_changed_character_is_refused)
{
	char pid[] = PID, pps[] = PPS;

	for (size_t i = 0; i < PID_LENGTH; i++) {
		pid[i] = pid[i] == 'A' ? 'B' : 'A';
		ck_assert_int_eq(pidpps_check_pid(pid), KIT_ERR_CHECK);
		pid[i] = '-';
		ck_assert_int_eq(pidpps_check_pid(pid), KIT_ERR_FORMAT);
		pid[i] = PID[i];
	}
	for (size_t i = 0; i < PPS_LENGTH; i++) {
		pps[i] = pps[i] == 'A' ? 'B' : 'A';
		ck_assert_int_eq(pidpps_check_pps(pps), KIT_ERR_CHECK);
		pps[i] = 'a';
		ck_assert_int_eq(pidpps_check_pps(pps), KIT_ERR_FORMAT);
		pps[i] = PPS[i];
	}
}
END_TEST

START_TEST(a_pps_of_zeros_is_refused_though_its_check_characters_are_right)
{
	char zeros[PPS_LENGTH + 1];

	memset(zeros, '0', PPS_LENGTH);
	zeros[PPS_LENGTH] = 0;
	ck_assert_int_eq(pidpps_check_character(zeros, 3), '0');
	ck_assert_int_eq(pidpps_check_pps(zeros), KIT_ERR_RANGE);
	ck_assert_int_eq(pidpps_parse_pps(zeros, PPS_LENGTH, zeros, NULL), KIT_ERR_RANGE);
	ck_assert_int_eq(zeros[0], 0);
}
END_TEST

START_TEST(lower_case_and_dashes_are_taken_from_people_and_said)
{
	char pid[PID_LENGTH + 1];
	bool folded = false;

	ck_assert_int_eq(pidpps_parse_pid(" 0-000037m\t", 11, pid, &folded), 0);
	ck_assert_str_eq(pid, PID);
	ck_assert(folded);
	folded = false;
	ck_assert_int_eq(pidpps_parse_pid("000003XM", 8, pid, &folded), KIT_ERR_CHECK);
	ck_assert_int_eq(pidpps_parse_pid("0000037", 7, pid, &folded), KIT_ERR_RANGE);
	ck_assert_int_eq(pidpps_parse_pid("0000037MM", 9, pid, &folded), KIT_ERR_RANGE);
	ck_assert_int_eq(pidpps_parse_pid("", 0, pid, &folded), KIT_ERR_RANGE);
	ck_assert(!folded);
}
END_TEST

START_TEST(generated_pairs_are_sound_different_and_evenly_drawn)
{
	enum { PAIRS = 20000 };
	struct pidpps_generator *g = NULL;
	struct pidset *seen = NULL;
	unsigned long count[128] = { 0 }, drawn = 0;
	struct pidpps pair;

	ck_assert_int_eq(pidpps_generator_new(&g, NULL), 0);
	ck_assert_int_eq(pidset_new(&seen, NULL), 0);
	for (int i = 0; i < PAIRS; i++) {
		ck_assert_int_eq(pidpps_generate(g, &pair, NULL), 0);
		ck_assert_int_eq(pidpps_check_pid(pair.pid), 0);
		ck_assert_int_eq(pidpps_check_pps(pair.pps), 0);
		ck_assert_int_eq(pidset_add(seen, pair.pid, NULL), 1);
		for (size_t c = 0; c < PPS_LENGTH; c++) {
			count[(unsigned char)pair.pps[c]] += c % 4 != 3;
			drawn += c % 4 != 3;
		}
	}
	/*
	 * 480,000 draws over 36 characters: 13,333 of each, standard deviation 114. The bias
	 * of a plain "byte modulo 36" would be 14 % (1,900); 7 deviations never happen by chance.
	 */
	for (const char *p = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"; *p; p++) {
		ck_assert_uint_gt(count[(unsigned char)*p], drawn / 36 - 800);
		ck_assert_uint_lt(count[(unsigned char)*p], drawn / 36 + 800);
	}
	pidset_free(&seen);
	pidpps_generator_free(&g);
}
END_TEST

START_TEST(a_set_notices_every_pid_that_comes_twice)
{
	struct pidset *set = NULL;
	char pid[PID_LENGTH + 1] = "0000000M";

	ck_assert_int_eq(pidset_new(&set, NULL), 0);
	for (int round = 1; round >= 0; round--)
		for (int i = 0; i < 100000; i++) {
			int n = i;

			for (int c = 6; c > 1; c--, n /= 36)
				pid[c] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n % 36];
			ck_assert_int_eq(pidset_add(set, pid, NULL), round);
		}
	pidset_free(&set);
}
END_TEST

START_TEST(the_password_rule_is_the_one_of_the_field)
{
	const char *rule = NULL;
	static const char *const bad[] = {
		"Aa1!aaa", "Aa1!aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaa1!", "AAAAAA1!", "Aaaaaaa!",
		"Aaaaaaa1", "Aaaaaa1_", "Aaaa 1!a", "Aaaa1!\"a", "Aaaa1!'a", "Aaaa1!,a", "Aaaa1!>a",
		"Aaaa1!<a", "Aaaa1!:a", "Aaaa1!&a", "Aaaa1!\x7f" "a", "Aaaa1!\xe4" "a",
	};

	ck_assert_int_eq(password_check_new("P@ssw0rd", &rule), 0);
	ck_assert_int_eq(password_check_new("Aa1!aaaaaaaaaaaaaaaaaaaaaaaaaaaa", &rule), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		rule = NULL;
		ck_assert_msg(password_check_new(bad[i], &rule) < 0, "taken: %s", bad[i]);
		ck_assert_ptr_nonnull(rule);
	}
	/* Every character for itself, in a password that lacks nothing. */
	for (int c = 1; c < 256; c++) {
		char text[] = "Aa1!aaa?";

		text[7] = (char)c;
		ck_assert_int_eq(password_check_new(text, &rule) == 0,
				 c >= 33 && c <= 126 && !strchr("\"',><:&", c));
	}
	ck_assert_int_eq(password_check_current("admin", &rule), 0);
	ck_assert_int_eq(password_check_current("", &rule), KIT_ERR_RANGE);
	ck_assert_int_eq(password_check_current("a b", &rule), KIT_ERR_FORMAT);
}
END_TEST

START_TEST(random_passwords_meet_the_rule_and_differ)
{
	char a[PASSWORD_MAX + 1], b[PASSWORD_MAX + 1] = "";

	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(password_random(a, NULL), 0);
		ck_assert_int_eq(password_check_new(a, NULL), 0);
		ck_assert_str_ne(a, b);
		ck_assert_ptr_null(strpbrk(a, "0Oo1lI"));
		strcpy(b, a);
	}
}
END_TEST

TEST_SUITE("pairs")
{
	TCase *tcase = tcase_create("pairs");

	tcase_add_test(tcase, intels_example_pair_is_sound);
	tcase_add_test(tcase, any_single_changed_character_is_refused);
	tcase_add_test(tcase, a_pps_of_zeros_is_refused_though_its_check_characters_are_right);
	tcase_add_test(tcase, lower_case_and_dashes_are_taken_from_people_and_said);
	tcase_add_test(tcase, generated_pairs_are_sound_different_and_evenly_drawn);
	tcase_add_test(tcase, a_set_notices_every_pid_that_comes_twice);
	tcase_add_test(tcase, the_password_rule_is_the_one_of_the_field);
	tcase_add_test(tcase, random_passwords_meet_the_rule_and_differ);
	suite_add_tcase(suite, tcase);
}
