/* Tests of habits: what a generation decides, and what was set by hand stays. */
#include <check.h>
#include <stddef.h>
#include <string.h>

#include "samples/amt-sim/sim-habits.h"
#include "tests/support/suite.h"

static const struct sim_device_firmware amt2 = { 2, 0, 0 };

START_TEST(each_generation_has_its_habits)
{
	static const struct {
		unsigned major;
		enum sim_tls tls;
		enum sim_extensions extensions;
		enum sim_mebx mebx;
		enum sim_commit commit;
	} ages[] = {
		{ 2, SIM_TLS_10, SIM_EXTENSIONS_OLD, SIM_MEBX_TAKE, SIM_COMMIT_DROP },
		{ 3, SIM_TLS_10, SIM_EXTENSIONS_OLD, SIM_MEBX_TAKE, SIM_COMMIT_DROP },
		{ 4, SIM_TLS_10, SIM_EXTENSIONS_OLD, SIM_MEBX_REFUSE, SIM_COMMIT_DROP },
		{ 5, SIM_TLS_10, SIM_EXTENSIONS_OLD, SIM_MEBX_REFUSE, SIM_COMMIT_DROP },
		{ 6, SIM_TLS_10, SIM_EXTENSIONS_OLD, SIM_MEBX_REFUSE, SIM_COMMIT_ANSWER },
		{ 8, SIM_TLS_10, SIM_EXTENSIONS_OLD, SIM_MEBX_REFUSE, SIM_COMMIT_ANSWER },
		{ 9, SIM_TLS_10, SIM_EXTENSIONS_NEW, SIM_MEBX_REFUSE, SIM_COMMIT_ANSWER },
		{ 10, SIM_TLS_10_11, SIM_EXTENSIONS_NEW, SIM_MEBX_REFUSE, SIM_COMMIT_ANSWER },
	};

	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
		struct sim_habits h = { .settle = SIM_SETTLE_GENERATION };

		sim_habits_decide(&h, &(struct sim_device_firmware){ ages[i].major, 1, 0 }, false);
		ck_assert_int_eq(h.tls, ages[i].tls);
		ck_assert_int_eq(h.extensions, ages[i].extensions);
		ck_assert_int_eq(h.mebx, ages[i].mebx);
		ck_assert_int_eq(h.commit, ages[i].commit);
		ck_assert_int_eq(h.after, SIM_AFTER_PLAIN);
		ck_assert_uint_eq(h.settle_ms, 30000);
	}
}
END_TEST

START_TEST(a_modern_machine_has_none_of_them)
{
	struct sim_habits h = { .which = SIM_MODERN, .settle = SIM_SETTLE_GENERATION };

	sim_habits_decide(&h, &amt2, false);
	ck_assert_int_eq(h.tls, SIM_TLS_10);
	ck_assert_int_eq(h.extensions, SIM_EXTENSIONS_NEW);
	ck_assert_int_eq(h.mebx, SIM_MEBX_TAKE);
	ck_assert_int_eq(h.commit, SIM_COMMIT_ANSWER);
	ck_assert_int_eq(h.after, SIM_AFTER_PSK);
	ck_assert_uint_eq(h.settle_ms, 0);
}
END_TEST

START_TEST(what_was_set_stays_and_waits_are_divided_by_the_pace)
{
	struct sim_habits h = {
		.tls = SIM_TLS_11,
		.extensions = SIM_EXTENSIONS_NEW,
		.mebx = SIM_MEBX_TAKE,
		.commit = SIM_COMMIT_CLOSE,
		.after = SIM_AFTER_TLS,
		.settle = 10,
		.pace = 20,
	};

	/* Twice, as it may be decided again. */
	for (int i = 0; i < 2; i++) {
		sim_habits_decide(&h, &amt2, false);
		ck_assert_int_eq(h.tls, SIM_TLS_11);
		ck_assert_int_eq(h.extensions, SIM_EXTENSIONS_NEW);
		ck_assert_int_eq(h.mebx, SIM_MEBX_TAKE);
		ck_assert_int_eq(h.commit, SIM_COMMIT_CLOSE);
		ck_assert_int_eq(h.after, SIM_AFTER_TLS);
		ck_assert_uint_eq(h.settle_ms, 500);
	}
}
END_TEST

START_TEST(each_generation_has_its_habits_of_set_up_by_certificate)
{
	static const struct {
		struct sim_device_firmware firmware;
		enum sim_tls tls;
		enum sim_pki_login login;
		enum sim_own own;
		enum sim_mebx mebx;
		enum sim_commit commit;
		enum sim_after after;
		enum sim_commit_mebx commit_mebx;
	} ages[] = {
		{ { 2, 6, 0 }, SIM_TLS_10, SIM_PKI_LOGIN_MEBX, SIM_OWN_RSA, SIM_MEBX_TAKE,
		  SIM_COMMIT_DROP, SIM_AFTER_PLAIN, SIM_COMMIT_MEBX_NO },
		{ { 4, 0, 0 }, SIM_TLS_10, SIM_PKI_LOGIN_MEBX, SIM_OWN_RSA, SIM_MEBX_DEFAULT_ONLY,
		  SIM_COMMIT_DROP, SIM_AFTER_PLAIN, SIM_COMMIT_MEBX_NO },
		{ { 9, 1, 0 }, SIM_TLS_10, SIM_PKI_LOGIN_MEBX, SIM_OWN_RSA, SIM_MEBX_DEFAULT_ONLY,
		  SIM_COMMIT_ANSWER, SIM_AFTER_PLAIN, SIM_COMMIT_MEBX_NO },
		{ { 11, 8, 0 }, SIM_TLS_10_11, SIM_PKI_LOGIN_MEBX, SIM_OWN_RSA,
		  SIM_MEBX_DEFAULT_ONLY, SIM_COMMIT_ANSWER, SIM_AFTER_PLAIN, SIM_COMMIT_MEBX_NO },
		{ { 12, 0, 0 }, SIM_TLS_11_12, SIM_PKI_LOGIN_NEVER, SIM_OWN_RSA,
		  SIM_MEBX_DEFAULT_ONLY, SIM_COMMIT_ANSWER, SIM_AFTER_PLAIN, SIM_COMMIT_MEBX_NO },
		{ { 15, 0, 0 }, SIM_TLS_12, SIM_PKI_LOGIN_NEVER, SIM_OWN_ON_DIE,
		  SIM_MEBX_DEFAULT_ONLY, SIM_COMMIT_ANSWER, SIM_AFTER_PLAIN, SIM_COMMIT_MEBX_NO },
		{ { 16, 1, 0 }, SIM_TLS_12, SIM_PKI_LOGIN_NEVER, SIM_OWN_ON_DIE,
		  SIM_MEBX_DEFAULT_ONLY, SIM_COMMIT_ANSWER, SIM_AFTER_TLS, SIM_COMMIT_MEBX_NO },
		{ { 19, 0, 0 }, SIM_TLS_12, SIM_PKI_LOGIN_NEVER, SIM_OWN_ON_DIE,
		  SIM_MEBX_DEFAULT_ONLY, SIM_COMMIT_DROP, SIM_AFTER_TLS, SIM_COMMIT_MEBX_YES },
		{ { 22, 0, 0 }, SIM_TLS_12_13, SIM_PKI_LOGIN_NEVER, SIM_OWN_ON_DIE,
		  SIM_MEBX_DEFAULT_ONLY, SIM_COMMIT_DROP, SIM_AFTER_TLS, SIM_COMMIT_MEBX_YES },
	};

	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
		struct sim_habits h = { .settle = SIM_SETTLE_GENERATION };

		sim_habits_decide(&h, &ages[i].firmware, true);
		ck_assert_int_eq(h.tls, ages[i].tls);
		ck_assert_int_eq(h.pki_login, ages[i].login);
		ck_assert_int_eq(h.own, ages[i].own);
		ck_assert_int_eq(h.mebx, ages[i].mebx);
		ck_assert_int_eq(h.commit, ages[i].commit);
		ck_assert_int_eq(h.after, ages[i].after);
		ck_assert_int_eq(h.commit_mebx, ages[i].commit_mebx);
	}
}
END_TEST

START_TEST(a_refused_call_has_its_status_and_others_go_through)
{
	struct sim_habits h = { .refuse = "CommitChanges", .refuse_status = 0x809 };
	struct sim_device d = { .mebx = PASSWORD_FACTORY };
	unsigned status = 7;

	ck_assert(!sim_habits_refuse(&h, &d, "SetMEBxPassword", &status));
	ck_assert_uint_eq(status, 7);
	ck_assert(sim_habits_refuse(&h, &d, "CommitChanges", &status));
	ck_assert_uint_eq(status, 0x809);
	h.mebx = SIM_MEBX_REFUSE;
	ck_assert(sim_habits_refuse(&h, &d, "SetMEBxPassword", &status));
	ck_assert_uint_eq(status, 0x10);
}
END_TEST

START_TEST(the_factorys_password_decides_about_mebx_and_commit)
{
	struct sim_habits h = { .mebx = SIM_MEBX_DEFAULT_ONLY, .commit_mebx = SIM_COMMIT_MEBX_YES };
	struct sim_device d = { .mebx = PASSWORD_FACTORY };
	unsigned status = 7;

	ck_assert(!sim_habits_refuse(&h, &d, "SetMEBxPassword", &status));
	ck_assert(sim_habits_refuse(&h, &d, "CommitChanges", &status));
	ck_assert_uint_eq(status, 0x809);
	strcpy(d.mebx, "Str0ng!Pass");
	ck_assert(sim_habits_refuse(&h, &d, "SetMEBxPassword", &status));
	ck_assert_uint_eq(status, 0x10);
	ck_assert(!sim_habits_refuse(&h, &d, "CommitChanges", &status));
	h.commit_mebx = SIM_COMMIT_MEBX_NO;
	strcpy(d.mebx, PASSWORD_FACTORY);
	ck_assert(!sim_habits_refuse(&h, &d, "CommitChanges", &status));
}
END_TEST

TEST_SUITE("sim_habits")
{
	TCase *t = tcase_create("habits");

	tcase_add_test(t, each_generation_has_its_habits);
	tcase_add_test(t, a_modern_machine_has_none_of_them);
	tcase_add_test(t, what_was_set_stays_and_waits_are_divided_by_the_pace);
	tcase_add_test(t, each_generation_has_its_habits_of_set_up_by_certificate);
	tcase_add_test(t, a_refused_call_has_its_status_and_others_go_through);
	tcase_add_test(t, the_factorys_password_decides_about_mebx_and_commit);
	suite_add_tcase(suite, t);
}
