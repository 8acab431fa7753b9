/* Tests of importing an inventory: all or nothing, names given twice, UUIDs in the other order. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "server/admin/machinelist.h"
#include "server/keymap/inventory.h"
#include "server/keymap/keymap.h"
#include "server/keymap/systems.h"
#include "tests/support/admin.h"
#include "tests/support/suite.h"

#define A	"939b524b-13d4-1d18-e487-000001000000"	/* scratch_uuid(65536) */
#define B	"939b524b-13d4-1d18-e487-000002000000"
#define SWAPPED	"4b529b93-d413-181d-e487-000001000000"	/* A in the other byte order */

static char bad[1024], columns[400];

static void on_bad_line(void *context, const struct keyproblem *p)
{
	size_t n = strlen(bad);

	(void)context;
	snprintf(bad + n, sizeof(bad) - n, "%lu %s: %s\n", p->line, p->field, p->rule);
}

static struct machinelist_import import(const char *text, struct machinelist_import im)
{
	FILE *file = list_of(text);

	bad[0] = '\0';
	im.name = "machines.csv";
	im.bad_line = on_bad_line;
	ok(machinelist_import(&im, &op, file, &fault));
	fclose(file);
	ck_assert(!keymap_in_transaction(m));
	snprintf(columns, sizeof(columns), "%s", im.columns ? im.columns : "");
	free(im.columns);
	return im;
}

static const char *name_of(const char *text)
{
	static struct keymap_inventory row;
	struct uuid uuid;
	int rc;

	ck_assert_int_eq(uuid_parse(text, &uuid), 0);
	rc = keymap_inventory_find(m, &uuid, &row, NULL);
	return rc == KIT_ERR_NOT_FOUND ? "" : row.fqdn;
}

START_TEST(rows_replace_those_of_the_same_uuid)
{
	struct machinelist_import im = import("uuid,fqdn\n" A ",pc1.example.com\n" B
					      ",pc2.example.com\n",
					      (struct machinelist_import){ 0 });

	ck_assert(im.good);
	ck_assert_uint_eq(im.rows, 2);
	import("uuid,fqdn\n" A ",pc9.example.com\n", (struct machinelist_import){ 0 });
	ck_assert_str_eq(name_of(A), "pc9.example.com");
	ck_assert_str_eq(name_of(B), "pc2.example.com");
	ck_assert_uint_eq(logged("inventory-imported"), 2);
}
END_TEST

START_TEST(one_bad_row_refuses_the_whole_list_unless_left_out)
{
	const char *list = "uuid,fqdn\n" A ",pc1.example.com\n" A ",old.example.com\n";
	struct machinelist_import im = import(list, (struct machinelist_import){ 0 });

	ck_assert(!im.good);
	ck_assert_uint_eq(im.bad, 1);
	ck_assert_str_eq(bad, "3 uuid: listed further up with another name, profile or "
			     "one-time password\n");
	ck_assert_str_eq(name_of(A), "");
	im = import(list, (struct machinelist_import){ .skip_bad = true });
	ck_assert(im.good);
	ck_assert_str_eq(name_of(A), "pc1.example.com");
}
END_TEST

static const char *otp_of(const char *text)
{
	static char otp[PASSWORD_MAX + 1];
	struct uuid uuid;

	ck_assert_int_eq(uuid_parse(text, &uuid), 0);
	ok(keymap_inventory_otp(m, &uuid, otp, &fault));
	return otp;
}

START_TEST(what_a_list_has_no_column_for_stays)
{
	const struct machinelist_import none = { 0 };

	import("uuid\n" A "\n", none);
	ck_assert_str_eq(name_of(A), "");
	import("uuid,fqdn,otp\n" A ",pc1.example.com,0ne.Time.Only\n", none);
	import("uuid\n" A "\n", none);
	ck_assert_str_eq(name_of(A), "pc1.example.com");
	ck_assert_str_eq(otp_of(A), "0ne.Time.Only");
	/* An empty cell says that there is none. */
	import("uuid,fqdn,otp\n" A ",,\n", none);
	ck_assert_str_eq(name_of(A), "");
	ck_assert_str_eq(otp_of(A), "");
}
END_TEST

START_TEST(a_machine_that_was_not_known_is_accepted_by_its_import)
{
	struct keymap_hello hello = { .address = "192.0.2.1", .version = 3 };
	struct system row;

	ck_assert_int_eq(uuid_parse(A, &hello.uuid), 0);
	ok(keymap_system_hello(m, &hello, SYSTEM_REFUSED, ADMIN_NOW, NULL, NULL, &fault));
	ok(keymap_system_state(m, &hello.uuid, SYSTEM_REFUSED, "who is it", 0, ADMIN_NOW, &fault));
	ok(keymap_system_code(m, &hello.uuid, SYSTEM_NOT_KNOWN, &fault));
	import("uuid\n" A "\n", (struct machinelist_import){ .dry_run = true });
	ok(keymap_system_find(m, &hello.uuid, &row, &fault));
	ck_assert_int_eq(row.state, SYSTEM_REFUSED);
	import("uuid\n" A "\n", (struct machinelist_import){ 0 });
	ok(keymap_system_find(m, &hello.uuid, &row, &fault));
	ck_assert_int_eq(row.state, SYSTEM_QUEUED);
	ck_assert_int_gt(row.next_try, 0);
}
END_TEST

START_TEST(a_name_of_two_machines_is_counted)
{
	struct machinelist_import im = import("uuid,fqdn\n" A ",pc1.example.com\n" B
					      ",PC1.example.com\n",
					      (struct machinelist_import){ 0 });

	ck_assert(im.good);
	ck_assert_uint_eq(im.shared, 1);
	ck_assert_int_eq(strcasecmp(im.first_shared, "pc1.example.com"), 0);
}
END_TEST

START_TEST(a_dry_run_changes_nothing)
{
	struct machinelist_import im = import("uuid,fqdn\n" A ",pc1.example.com\n",
					    (struct machinelist_import){ .dry_run = true });

	ck_assert(im.good);
	ck_assert_str_eq(name_of(A), "");
	ck_assert_uint_eq(logged("inventory-imported"), 0);
}
END_TEST

START_TEST(uuids_of_known_machines_in_the_other_byte_order_are_counted_and_can_be_swapped)
{
	const char *list = "uuid,fqdn\n" SWAPPED ",pc1.example.com\n" B ",pc2.example.com\n";
	struct keymap_hello hello = { .address = "192.0.2.1", .version = 2 };
	char shown[UUID_SHOWN + 1];
	struct machinelist_import im;

	ck_assert_int_eq(uuid_parse(A, &hello.uuid), 0);
	ok(keymap_system_hello(m, &hello, SYSTEM_QUEUED, ADMIN_NOW, NULL, NULL, &fault));
	im = import(list, (struct machinelist_import){ 0 });
	ck_assert(im.good);
	ck_assert_uint_eq(im.swapped, 1);
	uuid_show(&im.first_swapped, shown);
	ck_assert_str_eq(shown, SWAPPED);
	im = import("uuid,fqdn\n" SWAPPED ",pc1.example.com\n",
		    (struct machinelist_import){ .swap_uuid = true });
	ck_assert_uint_eq(im.swapped, 0);
	ck_assert_str_eq(name_of(A), "pc1.example.com");
}
END_TEST

START_TEST(columns_are_known_by_the_names_that_others_give_them)
{
	static const char *const lists[] = {
		"SMBIOS GUID;DNS Name;Owner\n" A ";pc1.example.com;x\n",
		"sep=;\nName, short;uuid;fqdn\nx;" A ";pc1.example.com\n",
		"#TYPE Selected.System\n\"UUID\",\"DNSHostName\"\n\"" A "\",\"pc1.example.com\"\n",
		"Machines of building 3\n\nfqdn\tuuid\nPC1.example.com\t" A "\t\t\n",
		"uuid,fqdn,note\r" A ",pc1.example.com,\"two\rlines\"\r",
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		struct machinelist_import im = import(lists[i], (struct machinelist_import){ 0 });

		ck_assert_msg(im.good && im.rows == 1, "list %zu: %s", i, bad);
		ck_assert_int_eq(strcasecmp(name_of(A), "pc1.example.com"), 0);
	}
}
END_TEST

START_TEST(a_person_may_name_a_column_and_sees_what_was_read)
{
	static const char *const wanted[] = { "fqdn=machine" };
	struct machinelist_import im = import("machine,uuid,fqdn\npc1.example.com," A ",old\n",
					      (struct machinelist_import){ .wanted = wanted,
									   .n_wanted = 1 });

	ck_assert(im.good);
	ck_assert_str_eq(name_of(A), "pc1.example.com");
	ck_assert_ptr_nonnull(strstr(columns, "\"machine\" as fqdn"));
	ck_assert_ptr_nonnull(strstr(columns, "not read: \"fqdn\""));
}
END_TEST

TEST_SUITE("machinelist")
{
	TCase *tcase = tcase_create("import");

	tcase_add_checked_fixture(tcase, admin_enter, admin_leave);
	tcase_add_test(tcase, rows_replace_those_of_the_same_uuid);
	tcase_add_test(tcase, one_bad_row_refuses_the_whole_list_unless_left_out);
	tcase_add_test(tcase, what_a_list_has_no_column_for_stays);
	tcase_add_test(tcase, a_machine_that_was_not_known_is_accepted_by_its_import);
	tcase_add_test(tcase, a_name_of_two_machines_is_counted);
	tcase_add_test(tcase, a_dry_run_changes_nothing);
	tcase_add_test(tcase, columns_are_known_by_the_names_that_others_give_them);
	tcase_add_test(tcase, a_person_may_name_a_column_and_sees_what_was_read);
	tcase_add_test(
		tcase,
		uuids_of_known_machines_in_the_other_byte_order_are_counted_and_can_be_swapped);
	suite_add_tcase(suite, tcase);
}
