/* Tests of habits: what a generation decides, and what was set by hand stays. */
#include <check.h>
#include <stddef.h>

#include "samples/amt-sim/sim-habits.h"
#include "tests/support/suite.h"

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

		sim_habits_decide(&h, ages[i].major);
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

	sim_habits_decide(&h, 2);
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
		sim_habits_decide(&h, 2);
		ck_assert_int_eq(h.tls, SIM_TLS_11);
		ck_assert_int_eq(h.extensions, SIM_EXTENSIONS_NEW);
		ck_assert_int_eq(h.mebx, SIM_MEBX_TAKE);
		ck_assert_int_eq(h.commit, SIM_COMMIT_CLOSE);
		ck_assert_int_eq(h.after, SIM_AFTER_TLS);
		ck_assert_uint_eq(h.settle_ms, 500);
	}
}
END_TEST

START_TEST(a_refused_call_has_its_status_and_others_go_through)
{
	struct sim_habits h = { .refuse = "CommitChanges", .refuse_status = 0x809 };
	unsigned status = 7;

	ck_assert(!sim_habits_refuse(&h, "SetMEBxPassword", &status));
	ck_assert_uint_eq(status, 7);
	ck_assert(sim_habits_refuse(&h, "CommitChanges", &status));
	ck_assert_uint_eq(status, 0x809);
	h.mebx = SIM_MEBX_REFUSE;
	ck_assert(sim_habits_refuse(&h, "SetMEBxPassword", &status));
	ck_assert_uint_eq(status, 0x10);
}
END_TEST

TEST_SUITE("sim_habits")
{
	TCase *t = tcase_create("habits");

	tcase_add_test(t, each_generation_has_its_habits);
	tcase_add_test(t, a_modern_machine_has_none_of_them);
	tcase_add_test(t, what_was_set_stays_and_waits_are_divided_by_the_pace);
	tcase_add_test(t, a_refused_call_has_its_status_and_others_go_through);
	suite_add_tcase(suite, t);
}
