/* Tests of the hand-over: which machines, which columns, which passwords; the log has it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/admin/handover.h"
#include "server/keymap/systems.h"
#include "tests/support/admin.h"
#include "tests/support/suite.h"

#define HEAD	"uuid,fqdn,address,version,state,admin_user\n"
#define SECRETS	"uuid,fqdn,address,version,state,admin_user,admin_password,mebx_password," \
		"other_admin_password,other_mebx_password"

static char text[4096];

static const char *contents(const char *name)
{
	FILE *file = fopen(name, "r");
	size_t n;

	ck_assert_ptr_nonnull(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

static void configure(unsigned n, const char *admin, const char *next)
{
	const struct uuid uuid = scratch_uuid(n);
	struct system_secrets secrets = { 0 };

	prove(n);
	strcpy(secrets.admin_password, admin);
	strcpy(secrets.next_admin_password, next);
	ok(keymap_system_set_secrets(m, &uuid, &secrets, &fault));
	ok(keymap_system_state(m, &uuid, SYSTEM_CONFIGURED, NULL, 0, ADMIN_NOW, &fault));
}

static void enter(void)
{
	admin_enter();
	add_pairs(1, 4);
	configure(1, "Admin,\"1\"", "");
	say_hello(2);
}

START_TEST(machines_that_are_set_up_are_written_without_secrets)
{
	struct handover h = { .path = "fleet.csv" };

	ok(handover_write(&h, &op, &fault));
	ck_assert_uint_eq(h.rows, 1);
	ck_assert_int_eq(strncmp(contents("fleet.csv"), HEAD, strlen(HEAD)), 0);
	ck_assert_ptr_nonnull(strstr(text, ",192.0.2.1,,configured,"));
	ck_assert_ptr_null(strstr(text, "Admin"));
	h = (struct handover){ .path = "all.csv", .all = true };
	ok(handover_write(&h, &op, &fault));
	ck_assert_uint_eq(h.rows, 2);
	ck_assert_uint_eq(logged("systems-exported"), 2);
}
END_TEST

START_TEST(passwords_go_out_when_asked_for_quoted_and_private)
{
	struct handover h = { .path = "fleet.csv", .secrets = true };
	struct stat st;

	ok(handover_write(&h, &op, &fault));
	ck_assert_int_eq(strncmp(contents("fleet.csv"), SECRETS "\n", strlen(SECRETS) + 1), 0);
	/* The MEBx password is that of the record: set-up gave it none. */
	ck_assert_ptr_nonnull(strstr(text, ",\"Admin,\"\"1\"\"\",New-Secret1!,,\n"));
	ck_assert_int_eq(stat("fleet.csv", &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM log WHERE name = 'systems-exported' "
				     "AND severity = 3"), 1);
}
END_TEST

START_TEST(what_a_machine_may_have_got_instead_is_a_column_of_its_own)
{
	struct handover h = { .path = "fleet.csv", .secrets = true, .all = true };

	configure(3, "Present1!", "Next1!");
	ok(handover_write(&h, &op, &fault));
	ck_assert_ptr_nonnull(strstr(contents("fleet.csv"), ",Present1!,New-Secret3!,Next1!,\n"));
}
END_TEST

START_TEST(json_has_the_same_names)
{
	struct handover h = { .path = "fleet.json", .format = HANDOVER_JSON, .secrets = true };

	ok(handover_write(&h, &op, &fault));
	ck_assert_int_eq(contents("fleet.json")[0], '[');
	ck_assert_ptr_nonnull(strstr(text, "\"admin_password\":\"Admin,\\\"1\\\"\""));
	ck_assert_ptr_nonnull(strstr(text, "\"fqdn\":null"));
	ck_assert_ptr_null(strstr(text, "\"until\""));
}
END_TEST

START_TEST(a_file_that_exists_is_kept_and_nothing_logged)
{
	struct handover h = { .path = "fleet.csv", .secrets = true };
	struct fault why = { 0 };

	put_file("fleet.csv", "mine");
	ck_assert_int_eq(handover_write(&h, &op, &why), KIT_ERR_EXISTS);
	ck_assert_str_eq(contents("fleet.csv"), "mine");
	ck_assert_uint_eq(logged("systems-exported"), 0);
	h.force = true;
	ok(handover_write(&h, &op, &fault));
}
END_TEST

TEST_SUITE("handover")
{
	TCase *tcase = tcase_create("handover");

	tcase_add_checked_fixture(tcase, enter, admin_leave);
	tcase_add_test(tcase, machines_that_are_set_up_are_written_without_secrets);
	tcase_add_test(tcase, passwords_go_out_when_asked_for_quoted_and_private);
	tcase_add_test(tcase, what_a_machine_may_have_got_instead_is_a_column_of_its_own);
	tcase_add_test(tcase, json_has_the_same_names);
	tcase_add_test(tcase, a_file_that_exists_is_kept_and_nothing_logged);
	suite_add_tcase(suite, tcase);
}
