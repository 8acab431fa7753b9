/* Tests of the passwords that the map keeps when others take their place. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "server/keymap/keymap.h"
#include "server/keymap/rotate.h"
#include "server/keymap/systems.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

#define NOW	1000000

static void hello(unsigned who, unsigned pair)
{
	struct keyentry e = scratch_pair(pair);
	const struct keymap_hello h = { scratch_uuid(who), e.pair.pid, "192.0.2.1", 2, 0 };

	ok(keymap_system_hello(m, &h, SYSTEM_QUEUED, NOW, NULL, NULL, &fault));
}

static void enter(void)
{
	map_enter();
	hello(1, 1);
	hello(2, 2);
}

static void set(unsigned who, const char *admin, const char *next, const char *mebx)
{
	struct system_secrets secrets = { { 0 } };
	struct uuid uuid = scratch_uuid(who);

	strcpy(secrets.admin_password, admin);
	strcpy(secrets.next_admin_password, next);
	strcpy(secrets.mebx_password, mebx);
	ok(keymap_system_set_secrets(m, &uuid, &secrets, &fault));
}

/* The passwords of the machine WHO that are kept: "admin/next/mebx;", newest first. */
struct kept {
	char text[2000];
	int n, rc;
};

static int note_kept(void *context, const struct keymap_earlier *e)
{
	struct kept *k = context;
	struct system_secrets s;
	size_t at = strlen(k->text);

	k->rc = keymap_earlier_secrets(m, e, &s, NULL);
	if (k->rc)
		return 1;
	snprintf(k->text + at, sizeof(k->text) - at, "%s/%s/%s;", s.admin_password,
		 s.next_admin_password, s.mebx_password);
	k->n++;
	return 0;
}

static struct kept kept(unsigned who)
{
	struct uuid uuid = scratch_uuid(who);
	struct fault fault = { 0 };
	struct kept k = { .n = 0 };

	ck_assert_int_ge(keymap_earlier(m, &uuid, note_kept, &k, &fault), 0);
	return k;
}

START_TEST(a_password_that_is_replaced_is_kept_with_its_key)
{
	struct keyentry pair = scratch_pair(1), other = scratch_pair(3);
	struct uuid uuid = scratch_uuid(1);
	struct keymap_earlier e;

	set(1, "", "One.Pass1", "Mebx.Pass1");
	set(1, "One.Pass1", "", "Mebx.Pass1");
	ck_assert_int_eq(kept(1).n, 0);	/* the next one became the present one: nothing is lost */
	set(1, "One.Pass1", "Two.Pass2", "Mebx.Pass1");
	ck_assert_int_eq(kept(1).n, 0);
	set(1, "Two.Pass2", "", "Mebx.Pass1");
	ck_assert_str_eq(kept(1).text, "One.Pass1/Two.Pass2/Mebx.Pass1;");
	set(1, "", "", "");
	ck_assert_str_eq(kept(1).text, "Two.Pass2//Mebx.Pass1;One.Pass1/Two.Pass2/Mebx.Pass1;");
	ok(keymap_earlier_find(m, &uuid, pair.pair.pid, &e, &fault));
	ck_assert_str_eq(e.pid, pair.pair.pid);
	ck_assert_str_eq(e.address, "192.0.2.1");
	ck_assert_int_eq(keymap_earlier_find(m, &uuid, other.pair.pid, &e, NULL),
			 KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(kept(2).n, 0);
}
END_TEST

START_TEST(the_same_passwords_are_kept_once)
{
	for (int i = 0; i < 3; i++) {
		set(1, "One.Pass1", "", "");
		set(1, "", "", "");
	}
	ck_assert_str_eq(kept(1).text, "One.Pass1//;");
}
END_TEST

START_TEST(one_key_cannot_push_out_what_is_kept_of_another)
{
	struct keyentry other = scratch_pair(3);
	const struct keymap_facts facts = { .pid = other.pair.pid };
	struct uuid uuid = scratch_uuid(1);
	char password[20];

	set(1, "One.Pass1", "", "");
	set(1, "", "", "");
	ok(keymap_system_facts(m, &uuid, &facts, &fault));
	for (int i = 0; i < 40; i++) {
		snprintf(password, sizeof(password), "Other.%d", i);
		set(1, password, "", "");
	}
	ck_assert_int_eq(kept(1).n, 17);
	ck_assert_ptr_nonnull(strstr(kept(1).text, "Other.38//;"));
	ck_assert_ptr_nonnull(strstr(kept(1).text, "One.Pass1//;"));
}
END_TEST

START_TEST(what_is_kept_is_sealed_and_bound_to_its_row)
{
	set(1, "One.Pass1", "", "");
	set(1, "Uno.Pass1", "", "");
	set(1, "", "", "");
	set(2, "Two.Pass2", "", "");
	set(2, "", "", "");
	ck_assert(!scratch_holds("One.Pass", 8));
	ck_assert(!scratch_holds("Two.Pass", 8));
	scratch_sql("UPDATE csti_amts_history SET admin_password ="
		    " (SELECT admin_password FROM csti_amts_history WHERE id = 3) WHERE id = 2");
	ck_assert_int_eq(kept(1).rc, KIT_ERR_FORGED);
	scratch_sql("UPDATE csti_amts_history SET admin_password ="
		    " (SELECT admin_password FROM csti_amts_history WHERE id = 1) WHERE id = 2");
	ck_assert_int_eq(kept(1).rc, KIT_ERR_FORGED);	/* nor that of the same machine */
	scratch_sql("UPDATE csti_amts_history SET pid = '00000000' WHERE id = 3");
	ck_assert_int_eq(kept(2).rc, KIT_ERR_FORGED);
}
END_TEST

START_TEST(a_new_master_key_seals_what_is_kept_again)
{
	bool resumed;

	set(1, "One.Pass1", "Two.Pass2", "Mebx.Pass1");
	set(1, "", "", "");
	ok(keymap_rotate(m, NULL, NULL, &resumed, &fault));
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM master_key"), 1);
	keymap_close(&m);
	m = scratch_map();
	ck_assert_str_eq(kept(1).text, "One.Pass1/Two.Pass2/Mebx.Pass1;");
}
END_TEST

START_TEST(a_machine_that_is_forgotten_leaves_nothing)
{
	struct uuid uuid = scratch_uuid(1);

	set(1, "One.Pass1", "", "");
	set(1, "", "", "");
	ok(keymap_system_forget(m, &uuid, &fault));
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM csti_amts_history"), 0);
}
END_TEST

START_TEST(a_map_of_the_first_version_is_brought_up_to_date)
{
	set(1, "One.Pass1", "", "");
	keymap_close(&m);
	scratch_sql("DROP TABLE csti_amts_history");
	scratch_sql("ALTER TABLE csti_amts DROP COLUMN proved_at");
	scratch_sql("ALTER TABLE csti_amts DROP COLUMN claimed_pid");
	scratch_sql("ALTER TABLE csti_amts DROP COLUMN claimed_address");
	scratch_sql("ALTER TABLE csti_amts DROP COLUMN claim_failed_at");
	scratch_sql("UPDATE csti_amts SET configured_at = 7 WHERE id = 1");
	scratch_sql("ALTER TABLE log RENAME COLUMN hint TO todo");
	scratch_sql("PRAGMA user_version = 1");
	m = scratch_map();
	ck_assert_int_gt(scratch_sql("PRAGMA user_version"), 1);
	ck_assert_int_eq(scratch_sql("SELECT proved_at FROM csti_amts WHERE id = 1"), 7);
	ck_assert_int_eq(scratch_sql("SELECT proved_at FROM csti_amts WHERE id = 2"), 0);
	set(1, "", "", "");
	ck_assert_str_eq(kept(1).text, "One.Pass1//;");
}
END_TEST

TEST_SUITE("earlier passwords")
{
	TCase *tcase = tcase_create("earlier passwords");

	tcase_add_checked_fixture(tcase, enter, map_leave);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_password_that_is_replaced_is_kept_with_its_key);
	tcase_add_test(tcase, the_same_passwords_are_kept_once);
	tcase_add_test(tcase, one_key_cannot_push_out_what_is_kept_of_another);
	tcase_add_test(tcase, what_is_kept_is_sealed_and_bound_to_its_row);
	tcase_add_test(tcase, a_new_master_key_seals_what_is_kept_again);
	tcase_add_test(tcase, a_machine_that_is_forgotten_leaves_nothing);
	tcase_add_test(tcase, a_map_of_the_first_version_is_brought_up_to_date);
	suite_add_tcase(suite, tcase);
}
