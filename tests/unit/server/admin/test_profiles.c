/* Tests of the profiles of map and file together. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "server/admin/profiles.h"
#include "tests/support/admin.h"

static struct config config;
static char seen[400];

static int on_profile(void *context, const struct profile *p, const char *source)
{
	size_t n = strlen(seen);

	(void)context;
	snprintf(seen + n, sizeof(seen) - n, "%s %s %s\n", p->name, source, p->admin_user);
	return 0;
}

static void set(const char *name, const char *property)
{
	struct profile p;

	ok(profiles_set(&op, name, &property, 1, &p, &fault));
	profile_wipe(&p);
}

static void enter(void)
{
	const char *text = "[profile lab]\nadmin_user = fromfile\n[profile office]\nadmin_user = boss\n";

	admin_enter();
	config_init(&config);
	ok(config_parse(&config, text, strlen(text), "conf", &fault));
}

START_TEST(one_of_the_map_beats_that_of_the_file)
{
	struct profile p;

	set("lab", "admin_user=frommap");
	seen[0] = '\0';
	ok(profiles_each(m, &config, on_profile, NULL, &fault));
	ck_assert_str_eq(seen, "lab map frommap\noffice file boss\n");
	seen[0] = '\0';
	ok(profiles_each(m, NULL, on_profile, NULL, &fault));
	ck_assert_str_eq(seen, "lab map frommap\n");
	ok(profiles_find(m, &config, "lab", &p, &fault));
	ck_assert_str_eq(p.admin_user, "frommap");
	ok(profiles_remove(&op, "lab", &fault));
	ok(profiles_find(m, &config, "lab", &p, &fault));
	ck_assert_str_eq(p.admin_user, "fromfile");
	ck_assert_uint_eq(logged("profile-set"), 1);
	ck_assert_uint_eq(logged("profile-removed"), 1);
	config_wipe(&config);
}
END_TEST

START_TEST(properties_stay_when_others_are_set)
{
	struct profile p;

	set("office", "rekey=yes");
	set("office", "set_clock=no");
	ok(profiles_find(m, NULL, "office", &p, &fault));
	ck_assert(p.rekey);
	ck_assert(!p.set_clock);
	config_wipe(&config);
}
END_TEST

START_TEST(bad_properties_change_nothing_and_are_not_repeated)
{
	static const char *const bad[] = { "Secret.Pa55", "=x", "admin_password=Secret.Pa55",
					   "rekey=perhaps", "colour=blue" };
	struct fault why = { 0 };
	struct profile p;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		fault_clear(&why);
		ck_assert_int_lt(profiles_set(&op, "office", &bad[i], 1, &p, &why), 0);
		ck_assert_ptr_null(strstr(why.what, "Secret"));
		ck_assert(!keymap_in_transaction(m));
	}
	fault_clear(&why);
	ck_assert_int_eq(profiles_find(m, NULL, "office", &p, &why), KIT_ERR_NOT_FOUND);
	fault_clear(&why);
	ck_assert_int_eq(profiles_remove(&op, "office", &why), KIT_ERR_NOT_FOUND);
	config_wipe(&config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("profiles");
	TCase *tcase = tcase_create("profiles");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, enter, admin_leave);
	tcase_add_test(tcase, one_of_the_map_beats_that_of_the_file);
	tcase_add_test(tcase, properties_stay_when_others_are_set);
	tcase_add_test(tcase, bad_properties_change_nothing_and_are_not_repeated);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
