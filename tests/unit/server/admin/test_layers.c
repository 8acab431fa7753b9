/* Tests of settings and profiles in their layers: which counts, what is refused, how one leaves. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "server/admin/layers.h"
#include "server/keymap/keymap.h"
#include "server/keymap/profiles.h"
#include "server/keymap/settings.h"
#include "tests/support/admin.h"
#include "tests/support/suite.h"

static struct layers *layers;

/* "VALUE SOURCE" of the setting NAME, read again. */
static const char *shown(const char *want)
{
	static char out[LAYERS_VALUE + 20];
	const char *section, *name, *source;
	char value[LAYERS_VALUE];

	layers_close(&layers);
	ok(layers_open(&layers, "conf", m, &fault));
	for (size_t i = 0; layers_get(layers, i, &section, &name, value, &source) == 0; i++) {
		if (strcmp(name, want))
			continue;
		snprintf(out, sizeof(out), "%s %s", value, source);
		return out;
	}
	return "";
}

static int set(const char *name, const char *value)
{
	struct fault why = { 0 };
	int rc;

	layers_close(&layers);
	ok(layers_open(&layers, "conf", m, &fault));
	rc = layers_set(layers, &op, name, value, &why);
	ck_assert_int_eq(why.code, rc);
	ck_assert(!keymap_in_transaction(m));
	return rc;
}

static void enter(void)
{
	admin_enter();
	put_file("conf", "[setup]\nmax_setups = 7\n");
}

START_TEST(the_map_beats_the_file_and_the_file_the_default)
{
	ck_assert_str_eq(shown("max_setups"), "7 file");
	ck_assert_ptr_nonnull(strstr(shown("callback_port"), "16993 default"));
	ck_assert_int_eq(set("max_setups", "9"), 0);
	ck_assert_str_eq(shown("max_setups"), "9 map");
	ck_assert_uint_eq(layers_config(layers)->max_setups, 9);
	ck_assert_int_eq(set("max_setups", NULL), 0);
	ck_assert_str_eq(shown("max_setups"), "7 file");
	ck_assert_uint_eq(logged("setting-changed"), 2);
	layers_close(&layers);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused_and_changes_nothing)
{
	ck_assert_int_eq(set("max_setups", "many"), KIT_ERR_ARGUMENT);
	ck_assert_int_eq(set("no_such", "1"), KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(set("no_such", NULL), KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(set("map", "elsewhere.db"), KIT_ERR_ARGUMENT);
	ck_assert_int_eq(set("key_file", "elsewhere.key"), KIT_ERR_ARGUMENT);
	/* A script that is to be used and is named nowhere. */
	ck_assert_int_lt(set("use_props_script", "yes"), 0);
	ck_assert_str_eq(shown("max_setups"), "7 file");
	ck_assert_uint_eq(logged("setting-changed"), 0);
	layers_close(&layers);
}
END_TEST

START_TEST(a_setting_that_a_newer_version_left_can_be_removed)
{
	ok(keymap_setting_set(m, "of_tomorrow", "1", &fault));
	ck_assert_str_eq(shown("max_setups"), "7 file");
	ck_assert_int_eq(set("of_tomorrow", NULL), 0);
	layers_close(&layers);
}
END_TEST

START_TEST(there_may_be_no_file_and_no_map)
{
	ok(layers_open(&layers, NULL, NULL, &fault));
	ck_assert_uint_ne(layers_config(layers)->max_setups, 7);
	layers_close(&layers);
	ck_assert_int_lt(layers_open(&layers, "nowhere", NULL, NULL), 0);
	ck_assert_ptr_null(layers);
}
END_TEST

/* ---- profiles ---- */

static char seen[400];

static int on_profile(void *context, const struct profile *p, const char *source)
{
	size_t n = strlen(seen);

	(void)context;
	snprintf(seen + n, sizeof(seen) - n, "%s %s %s\n", p->name, source, p->admin_user);
	return 0;
}

static void set_profile(const char *name, const char *property)
{
	struct profile p;

	ok(layers_set_profile(&op, name, &property, 1, &p, &fault));
	profile_wipe(&p);
}

static void enter_profiles(void)
{
	admin_enter();
	put_file("conf", "[profile lab]\nadmin_user = fromfile\n"
		 "[profile office]\nadmin_user = boss\n");
	ok(layers_open(&layers, "conf", m, &fault));
}

START_TEST(one_of_the_map_beats_that_of_the_file)
{
	struct profile p;

	set_profile("lab", "admin_user=frommap");
	seen[0] = '\0';
	ok(layers_each_profile(layers, on_profile, NULL, &fault));
	ck_assert_str_eq(seen, "lab map frommap\noffice file boss\n");
	ok(layers_find_profile(layers, "lab", &p, &fault));
	ck_assert_str_eq(p.admin_user, "frommap");
	ok(layers_remove_profile(&op, "lab", &fault));
	ok(layers_find_profile(layers, "lab", &p, &fault));
	ck_assert_str_eq(p.admin_user, "fromfile");
	ck_assert_uint_eq(logged("profile-set"), 1);
	ck_assert_uint_eq(logged("profile-removed"), 1);
	layers_close(&layers);
}
END_TEST

START_TEST(properties_stay_when_others_are_set)
{
	struct profile p;

	set_profile("office", "rekey=yes");
	set_profile("office", "set_clock=no");
	ok(layers_find_profile(layers, "office", &p, &fault));
	ck_assert_str_eq(p.admin_user, "admin");	/* not the file's */
	ck_assert(p.rekey);
	ck_assert(!p.set_clock);
	layers_close(&layers);
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
		ck_assert_int_lt(layers_set_profile(&op, "lab2", &bad[i], 1, &p, &why), 0);
		ck_assert_ptr_null(strstr(why.what, "Secret"));
		ck_assert(!keymap_in_transaction(m));
	}
	fault_clear(&why);
	ck_assert_int_eq(layers_find_profile(layers, "lab2", &p, &why), KIT_ERR_NOT_FOUND);
	fault_clear(&why);
	ck_assert_int_eq(layers_remove_profile(&op, "office", &why), KIT_ERR_NOT_FOUND);
	layers_close(&layers);
}
END_TEST

TEST_SUITE("layers")
{
	TCase *tcase = tcase_create("settings"), *profiles = tcase_create("profiles");

	tcase_add_checked_fixture(tcase, enter, admin_leave);
	tcase_add_test(tcase, the_map_beats_the_file_and_the_file_the_default);
	tcase_add_test(tcase, what_makes_no_sense_is_refused_and_changes_nothing);
	tcase_add_test(tcase, a_setting_that_a_newer_version_left_can_be_removed);
	tcase_add_test(tcase, there_may_be_no_file_and_no_map);
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(profiles, enter_profiles, admin_leave);
	tcase_add_test(profiles, one_of_the_map_beats_that_of_the_file);
	tcase_add_test(profiles, properties_stay_when_others_are_set);
	tcase_add_test(profiles, bad_properties_change_nothing_and_are_not_repeated);
	suite_add_tcase(suite, profiles);
}
