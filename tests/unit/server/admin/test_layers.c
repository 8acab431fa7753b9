/* Tests of the settings in their layers: which one counts, what is refused, how one leaves. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "server/admin/layers.h"
#include "tests/support/admin.h"

static struct layers *layers;

/* "VALUE SOURCE" of the setting NAME, read anew. */
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

int main(void)
{
	Suite *suite = suite_create("layers");
	TCase *tcase = tcase_create("layers");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, enter, admin_leave);
	tcase_add_test(tcase, the_map_beats_the_file_and_the_file_the_default);
	tcase_add_test(tcase, what_makes_no_sense_is_refused_and_changes_nothing);
	tcase_add_test(tcase, a_setting_that_a_newer_version_left_can_be_removed);
	tcase_add_test(tcase, there_may_be_no_file_and_no_map);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
