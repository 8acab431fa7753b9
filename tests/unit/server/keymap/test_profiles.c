/* Tests of profiles: their properties, and their rows. */
#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/keymap/profiles.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

static int set(struct profile *p, const char *name, const char *value)
{
	struct fault fault = { 0 };
	int rc = profile_set(p, name, value, &fault);

	/* A value may be a password that somebody typed where a word belongs. */
	if (rc && strstr(name, "password"))
		ck_assert_ptr_null(strstr(fault.what, "Secret"));
	return rc;
}

START_TEST(profiles_take_properties_from_text_and_refuse_what_makes_no_sense)
{
	struct profile p;
	int fd = open("pw", O_CREAT | O_WRONLY, 0600);

	ck_assert_int_eq(write(fd, "Secret-One1!\n", 13), 13);
	close(fd);
	ok(profile_init(&p, "office", &fault));
	ck_assert_int_eq(p.admin_policy, PROFILE_RANDOM);
	ck_assert(profile_serves(&p, 2, 0) && profile_serves(&p, 10, 300));
	ck_assert(!profile_serves(&p, 1, 9) && profile_serves(&p, 22, 0));
	ck_assert_int_eq(p.mebx_policy, PROFILE_AUTO);
	ck_assert_int_eq(set(&p, "admin_password", "auto"), KIT_ERR_ARGUMENT);
	ck_assert_int_eq(set(&p, "mebx_password", "keep"), 0);
	ck_assert_int_eq(p.mebx_policy, PROFILE_KEEP);
	ck_assert_int_eq(set(&p, "mebx_password", "auto"), 0);
	ck_assert_int_eq(p.mebx_policy, PROFILE_AUTO);
	ck_assert_int_eq(set(&p, "admin_password", "file:pw"), 0);
	ck_assert_int_eq(p.admin_policy, PROFILE_ONE);
	ck_assert_str_eq(p.admin_password, "Secret-One1!");
	ck_assert_int_eq(set(&p, "admin_password", "Secret-One1!"), KIT_ERR_ARGUMENT);
	ck_assert_int_eq(set(&p, "mebx_password", "file:missing"), KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(set(&p, "mebx_password", "random"), 0);
	ck_assert_int_eq(set(&p, "admin_password", "keep"), 0);
	ck_assert_str_eq(p.admin_password, "");
	ck_assert_int_eq(set(&p, "rekey", "yes"), 0);
	ck_assert_int_eq(set(&p, "rekey", "YES"), KIT_ERR_ARGUMENT);
	ck_assert_int_eq(p.tls, PROFILE_TLS_KEEP);
	ck_assert_int_eq(set(&p, "tls", "server"), 0);
	ck_assert_int_eq(p.tls, PROFILE_TLS_SERVER);
	ck_assert_int_eq(set(&p, "tls", "yes"), KIT_ERR_ARGUMENT);
	ck_assert_int_eq(set(&p, "amt_versions", "3.2"), 0);
	ck_assert(profile_serves(&p, 3, 2) && !profile_serves(&p, 3, 3));
	ck_assert_int_eq(set(&p, "amt_versions", "3.0-9.255"), 0);
	ck_assert(profile_serves(&p, 9, 5));
	static const char *const bad[] = { "",	    "3",    "3.",   "9.0-3.0",	  "3.0-",
					   "3.0-4", "a.b",  "-3.0", "3.0 ",	  "256.0",
					   "3.256", "3. 1", "3.+1", "3.0-4.0-5.0" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(set(&p, "amt_versions", bad[i]) == KIT_ERR_ARGUMENT, "%s", bad[i]);
	ck_assert_int_eq(set(&p, "admin_user", "amt$admin"), 0);
	ck_assert_int_eq(set(&p, "admin_user", "a b"), KIT_ERR_ARGUMENT);
	ck_assert_int_eq(set(&p, "colour", "blue"), KIT_ERR_ARGUMENT);
	ck_assert_int_eq(profile_init(&p, "no blanks", NULL), KIT_ERR_ARGUMENT);
	ck_assert_int_eq(profile_init(&p, "", NULL), KIT_ERR_ARGUMENT);
}
END_TEST

static int see_profile(void *context, const struct profile *p)
{
	strcat(strcat(context, p->name), " ");
	ck_assert_str_eq(p->admin_password, strcmp(p->name, "b") == 0 ? "Secret-One1!" : "");
	return 0;
}

START_TEST(profiles_in_the_map_come_back_whole)
{
	struct profile p, out;
	char names[40] = "";

	ok(profile_init(&p, "b", &fault));
	strcpy(p.admin_password, "Secret-One1!");
	p.admin_policy = PROFILE_ONE;
	p.rekey = true;
	p.tls = PROFILE_TLS_SERVER;
	p.set_clock = false;
	ok(keymap_profile_put(m, &p, &fault));
	ok(keymap_profile_find(m, "b", &out, &fault));
	ck_assert_mem_eq(&out, &p, sizeof(p));
	ok(profile_init(&p, "a", &fault));
	ok(keymap_profile_put(m, &p, &fault));
	ok(keymap_profiles(m, see_profile, names, &fault));
	ck_assert_str_eq(names, "a b ");
	/* A profile's password does not serve under another name. */
	scratch_sql("UPDATE profiles SET admin_password ="
		    " (SELECT admin_password FROM profiles WHERE name = 'b') WHERE name = 'a'");
	ck_assert_int_eq(keymap_profile_find(m, "a", &out, NULL), KIT_ERR_FORGED);
	ok(keymap_profile_remove(m, "a", &fault));
	ck_assert_int_eq(keymap_profile_remove(m, "a", NULL), KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(keymap_profile_find(m, "a", &out, NULL), KIT_ERR_NOT_FOUND);
}
END_TEST

TEST_SUITE("profiles")
{
	TCase *tcase = tcase_create("profiles");

	tcase_add_checked_fixture(tcase, map_enter, map_leave);
	tcase_add_test(tcase, profiles_take_properties_from_text_and_refuse_what_makes_no_sense);
	tcase_add_test(tcase, profiles_in_the_map_come_back_whole);
	suite_add_tcase(suite, tcase);
}
