/* Tests of the settings that live in the key map. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "server/keymap/settings.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

static int see_setting(void *context, const char *name, const char *value)
{
	strcat(strcat(strcat(strcat(context, name), "="), value), " ");
	return 0;
}

START_TEST(settings_are_kept_changed_and_removed)
{
	char value[20], all[100] = "";

	ck_assert_int_eq(keymap_setting(m, "max_setups", value, sizeof(value), NULL),
			 KIT_ERR_NOT_FOUND);
	ok(keymap_setting_set(m, "max_setups", "10", &fault));
	ok(keymap_setting_set(m, "max_setups", "20", &fault));
	ok(keymap_setting_set(m, "dns_servers", "", &fault));
	ok(keymap_setting(m, "max_setups", value, sizeof(value), &fault));
	ck_assert_str_eq(value, "20");
	ok(keymap_setting(m, "dns_servers", value, sizeof(value), &fault));
	ck_assert_str_eq(value, "");
	ck_assert_int_eq(keymap_setting(m, "max_setups", value, 2, NULL), KIT_ERR_RANGE);
	ok(keymap_settings(m, see_setting, all, &fault));
	ck_assert_str_eq(all, "dns_servers= max_setups=20 ");
	ok(keymap_setting_set(m, "max_setups", NULL, &fault));
	ck_assert_int_eq(keymap_setting(m, "max_setups", value, sizeof(value), NULL),
			 KIT_ERR_NOT_FOUND);
}
END_TEST

TEST_SUITE("settings")
{
	TCase *tcase = tcase_create("settings");

	tcase_add_checked_fixture(tcase, map_enter, map_leave);
	tcase_add_test(tcase, settings_are_kept_changed_and_removed);
	suite_add_tcase(suite, tcase);
}
