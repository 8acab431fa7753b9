/* Tests of the simulated device: its file, the rules of set-up, taking a key, its hello. */
#include <check.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/bytes.h"
#include "samples/amt-sim/sim-address.h"
#include "samples/amt-sim/sim-boot.h"
#include "samples/amt-sim/sim-device.h"
#include "samples/amt-sim/sim-hello.h"
#include "samples/amt-sim/sim-setup.h"
#include "samples/amt-sim/sim-stick.h"
#include "tests/support/suite.h"

#define UUID	"939b524b-13d4-1d18-e487-1c697a6b7a2b"
#define PID	"0000037M"
#define PPS	"NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ"

static char folder[64], path[128];
static struct sim_device d;
static struct fault fault;
static struct keyentry entry;

static void setup(void)
{
	uint8_t uuid[16];

	strcpy(folder, "/tmp/test_sim_deviceXXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/pc1", folder);
	fault_clear(&fault);
	ck_assert_int_eq(sim_device_parse_uuid(UUID, uuid), 0);
	ck_assert_int_eq(sim_device_factory(&d, uuid, (struct sim_device_firmware){ 7, 1, 20 },
					    path,
					    &fault), 0);
	entry = (struct keyentry){ .pair = { PID, PPS }, .current_password = "admin",
				   .new_password = "Str0ng!Pass" };
}

static void teardown(void)
{
	sim_device_clear(&d);
	unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
}

/* From the factory to the state in which the server finds a device. */
static void take_key(void)
{
	ck_assert_msg(sim_boot_take_entry(&d, &entry, &fault) == 0, "%s", fault.what);
}

START_TEST(a_uuid_is_written_as_it_is_read_and_reordered_for_the_wire)
{
	static const uint8_t wire[16] = {
		0x4b, 0x52, 0x9b, 0x93, 0xd4, 0x13, 0x18, 0x1d,
		0xe4, 0x87, 0x1c, 0x69, 0x7a, 0x6b, 0x7a, 0x2b,
	};
	char shown[SIM_DEVICE_UUID_SHOWN + 1];
	uint8_t smbios[16];

	sim_device_show_uuid(d.uuid, shown);
	ck_assert_str_eq(shown, UUID);
	sim_device_smbios_uuid(d.uuid, smbios);
	ck_assert_mem_eq(smbios, wire, 16);
	ck_assert_int_eq(sim_device_parse_uuid("939b524b-13d4-1d18-e487-1c697a6b7a2", smbios),
			 KIT_ERR_FORMAT);
	ck_assert_int_eq(sim_device_parse_uuid("939b524b-13d4-1d18-e487-1c697a6b7a2g", smbios),
			 KIT_ERR_FORMAT);
	ck_assert_int_eq(sim_device_parse_uuid("939b524b013d4-1d18-e487-1c697a6b7a2b", smbios),
			 KIT_ERR_FORMAT);
}
END_TEST

START_TEST(firmware_versions_are_read_strictly)
{
	struct sim_device_firmware f;

	ck_assert_int_eq(sim_device_parse_firmware("2.2", &f), 0);
	ck_assert_uint_eq(f.major * 100 + f.minor * 10 + f.build, 220);
	ck_assert_int_eq(sim_device_parse_firmware("7.1.20", &f), 0);
	ck_assert_uint_eq(f.build, 20);
	ck_assert_int_eq(sim_device_parse_firmware("7", &f), KIT_ERR_FORMAT);
	ck_assert_int_eq(sim_device_parse_firmware("7.", &f), KIT_ERR_FORMAT);
	ck_assert_int_eq(sim_device_parse_firmware("7.1.", &f), KIT_ERR_FORMAT);
	ck_assert_int_eq(sim_device_parse_firmware("7.1.20.3", &f), KIT_ERR_FORMAT);
	ck_assert_int_eq(sim_device_parse_firmware("7.1x", &f), KIT_ERR_FORMAT);
	ck_assert_int_eq(sim_device_parse_firmware("0.1", &f), KIT_ERR_FORMAT);
}
END_TEST

START_TEST(a_hello_is_the_known_message_byte_for_byte)
{
	static const uint8_t known[32] = {
		0x01, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x4b, 0x52, 0x9b, 0x93, 0xd4,
		0x13, 0x18, 0x1d, 0xe4, 0x87, 0x1c, 0x69, 0x7a, 0x6b, 0x7a, 0x2b, 0x30, 0x30,
		0x30, 0x30, 0x30, 0x33, 0x37, 0x4d,
	};
	struct sim_hello h = { .admin_set = true, .version = 2, .uuid = d.uuid, .pid = PID };
	struct sim_root roots[23];
	uint8_t message[SIM_HELLO_MAX];

	ck_assert_uint_eq(sim_hello_make(&h, message), 32);
	ck_assert_mem_eq(message, known, 32);
	h.retry = 0x01020304;
	sim_hello_make(&h, message);
	ck_assert_uint_eq(get_le32(message + 4), 0x01020304);
	h.version = 3;
	for (unsigned i = 0; i < 23; i++)
		sim_root_make_up(&roots[i], SIM_ROOT_SHA256, i);
	h.roots = roots;
	h.n_roots = 23;
	ck_assert_uint_eq(sim_hello_make(&h, message), 24 + 1 + 23 * 34);
	ck_assert_uint_eq(message[24], 23);
	ck_assert_uint_eq(message[25], 2);
	ck_assert_uint_eq(message[26], 32);
	ck_assert_mem_eq(message + 27, roots[0].digest, 32);
}
END_TEST

START_TEST(what_a_device_keeps_comes_back)
{
	struct sim_device again;
	struct stat st;

	take_key();
	ck_assert_uint_eq(sim_setup_admin(&d, "admin", "AAECAwQFBgcICQoLDA0ODw==", false), SIM_OK);
	ck_assert_uint_eq(sim_setup_host(&d, "pc-1"), SIM_OK);
	ck_assert_uint_eq(sim_setup_domain(&d, "corp.example"), SIM_OK);
	ck_assert_uint_eq(sim_setup_commit(&d), SIM_OK);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_msg(sim_device_load(&again, path, &fault) == 0, "%s", fault.what);
	ck_assert_mem_eq(again.uuid, d.uuid, 16);
	ck_assert_int_eq(again.state, SIM_DEVICE_POST);
	ck_assert_str_eq(again.pair.pid, PID);
	ck_assert_str_eq(again.pair.pps, PPS);
	ck_assert_str_eq(again.mebx, "Str0ng!Pass");
	ck_assert_str_eq(again.realm, d.realm);
	ck_assert_str_eq(again.host, "pc-1");
	ck_assert_str_eq(again.domain, "corp.example");
	ck_assert(again.admin_set);
	ck_assert_mem_eq(again.digest, d.digest, 16);
	ck_assert_uint_eq(again.firmware.major, 7);
	sim_device_clear(&again);
}
END_TEST

START_TEST(a_state_file_cut_off_anywhere_is_refused)
{
	struct sim_device again;
	struct stat st;

	take_key();
	ck_assert_int_eq(stat(path, &st), 0);
	for (off_t size = st.st_size - 1; size >= 0; size--) {
		ck_assert_int_eq(truncate(path, size), 0);
		fault_clear(&fault);
		ck_assert_int_eq(sim_device_load(&again, path, &fault), KIT_ERR_FORMAT);
	}
}
END_TEST

START_TEST(a_state_file_that_others_can_read_is_refused)
{
	struct sim_device again;

	take_key();
	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert_int_eq(sim_device_load(&again, path, &fault), KIT_ERR_PERMISSION);
}
END_TEST

START_TEST(a_missing_state_file_is_not_found)
{
	struct sim_device again;

	ck_assert_int_eq(sim_device_load(&again, path, &fault), KIT_ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_key_is_taken_only_with_the_right_mebx_password)
{
	strcpy(entry.current_password, "Other1!x");
	ck_assert_int_eq(sim_boot_take_entry(&d, &entry, &fault), KIT_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(fault.what, "2209 - USB provisioning error"));
	ck_assert_int_eq(d.state, SIM_DEVICE_PRE);
	ck_assert_str_eq(d.pair.pid, "");
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(bad_pairs_and_weak_passwords_are_refused)
{
	entry.pair.pid[7] = 'X';
	ck_assert_int_eq(sim_boot_take_entry(&d, &entry, &fault), KIT_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(fault.what, "0x2A"));
	fault_clear(&fault);
	strcpy(entry.pair.pid, PID);
	memset(entry.pair.pps, '0', PPS_LENGTH);
	ck_assert_int_eq(sim_boot_take_entry(&d, &entry, &fault), KIT_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(fault.what, "0x2B"));
	fault_clear(&fault);
	strcpy(entry.pair.pps, PPS);
	strcpy(entry.new_password, "password");
	ck_assert_int_eq(sim_boot_take_entry(&d, &entry, &fault), KIT_ERR_REFUSED);
	fault_clear(&fault);
	entry.new_password[0] = '\0';
	ck_assert_int_eq(sim_boot_take_entry(&d, &entry, &fault), KIT_ERR_REFUSED);
	ck_assert_int_eq(d.state, SIM_DEVICE_PRE);
	/* A machine whose password is its own already need not get another. */
	fault_clear(&fault);
	strcpy(d.mebx, "Str0ng!Pass");
	strcpy(entry.current_password, "Str0ng!Pass");
	take_key();
	ck_assert_str_eq(d.mebx, "Str0ng!Pass");
}
END_TEST

START_TEST(a_device_that_is_set_up_takes_no_further_key)
{
	take_key();
	ck_assert_uint_eq(sim_setup_admin(&d, "admin", "AAECAwQFBgcICQoLDA0ODw==", false), SIM_OK);
	ck_assert_uint_eq(sim_setup_commit(&d), SIM_OK);
	ck_assert_int_eq(sim_boot_take_entry(&d, &entry, &fault), KIT_ERR_STATE);
	ck_assert_ptr_nonnull(strstr(fault.what, "already provisioned"));
}
END_TEST

START_TEST(changes_are_committed_only_with_an_admin_entry)
{
	ck_assert_uint_eq(sim_setup_commit(&d), SIM_INVALID_STATE);
	take_key();
	ck_assert_uint_eq(sim_setup_commit(&d), SIM_DATA_MISSING);
	ck_assert_int_eq(d.state, SIM_DEVICE_IN);
	ck_assert_uint_eq(sim_setup_admin(&d, "admin", "AAECAwQFBgcICQoLDA0ODw==", false), SIM_OK);
	ck_assert_uint_eq(sim_setup_commit(&d), SIM_OK);
	ck_assert_int_eq(d.state, SIM_DEVICE_POST);
}
END_TEST

START_TEST(an_admin_entry_has_a_user_and_sixteen_bytes)
{
	struct sim_device before = d;

	ck_assert_uint_eq(sim_setup_admin(&d, NULL, "AAECAwQFBgcICQoLDA0ODw==", false),
			  SIM_INVALID_PARAMETER);
	ck_assert_uint_eq(sim_setup_admin(&d, "admin", NULL, false), SIM_INVALID_PARAMETER);
	ck_assert_uint_eq(sim_setup_admin(&d, "", "AAECAwQFBgcICQoLDA0ODw==", false),
			  SIM_INVALID_PARAMETER);
	ck_assert_uint_eq(sim_setup_admin(&d, "a:b", "AAECAwQFBgcICQoLDA0ODw==", false),
			  SIM_INVALID_PARAMETER);
	ck_assert_uint_eq(sim_setup_admin(&d, "admin", "AAECAwQFBgcICQoLDA0O", false),
			  SIM_INVALID_PARAMETER);
	ck_assert_uint_eq(sim_setup_admin(&d, "admin", "AAECAwQFBgcICQoLDA0ODxA=", false),
			  SIM_INVALID_PARAMETER);
	ck_assert_uint_eq(sim_setup_admin(&d, "admin", "no base64 at all!!!", false),
			  SIM_INVALID_PARAMETER);
	ck_assert_uint_eq(sim_setup_admin(&d, "123456789012345678901234567890123",
					  "AAECAwQFBgcICQoLDA0ODw==", false),
			  SIM_INVALID_PARAMETER);
	ck_assert_mem_eq(&before, &d, sizeof(d));
}
END_TEST

START_TEST(passwords_and_keys_change_only_while_being_set_up)
{
	ck_assert_uint_eq(sim_setup_mebx(&d, "N3w!Passw"), SIM_INVALID_STATE);
	ck_assert_uint_eq(sim_setup_psk(&d, PID, PPS), SIM_INVALID_STATE);
	take_key();
	ck_assert_uint_eq(sim_setup_mebx(&d, "weak"), SIM_INVALID_PASSWORD);
	ck_assert_uint_eq(sim_setup_mebx(&d, NULL), SIM_INVALID_PARAMETER);
	ck_assert_uint_eq(sim_setup_mebx(&d, "N3w!Passw"), SIM_OK);
	ck_assert_str_eq(d.mebx, "N3w!Passw");
	ck_assert_uint_eq(sim_setup_psk(&d, "0000037N", PPS), SIM_INVALID_PID);
	ck_assert_uint_eq(sim_setup_psk(&d, "0000", PPS), SIM_INVALID_PID);
	ck_assert_uint_eq(sim_setup_psk(&d, PID, "short"), SIM_INVALID_PPS);
	ck_assert_uint_eq(sim_setup_psk(&d, PID, NULL), SIM_INVALID_PPS);
	ck_assert_uint_eq(sim_setup_admin(&d, "admin", "AAECAwQFBgcICQoLDA0ODw==", false), SIM_OK);
	ck_assert_uint_eq(sim_setup_commit(&d), SIM_OK);
	ck_assert_uint_eq(sim_setup_mebx(&d, "N3w!Passw"), SIM_INVALID_STATE);
	ck_assert_uint_eq(sim_setup_psk(&d, PID, PPS), SIM_INVALID_STATE);
}
END_TEST

START_TEST(a_clock_is_set_only_in_answer_to_what_it_said)
{
	char ta0[16], tm1[16];
	uint32_t told;

	take_key();
	ck_assert_uint_eq(sim_setup_set_clock(&d, "1", "2", "2"), SIM_INVALID_TIME);
	told = sim_setup_clock(&d);
	snprintf(ta0, sizeof(ta0), "%u", told);
	snprintf(tm1, sizeof(tm1), "%u", told + 1000);
	ck_assert_uint_eq(sim_setup_set_clock(&d, ta0, tm1, "1"), SIM_INVALID_TIME);
	ck_assert_uint_eq(sim_setup_set_clock(&d, ta0, tm1, "x"), SIM_INVALID_PARAMETER);
	ck_assert_uint_eq(sim_setup_set_clock(&d, ta0, NULL, tm1), SIM_INVALID_PARAMETER);
	ck_assert_uint_eq(sim_setup_set_clock(&d, "99999999999", tm1, tm1), SIM_INVALID_PARAMETER);
	ck_assert_uint_eq(sim_setup_set_clock(&d, ta0, tm1, tm1), SIM_OK);
	ck_assert_int_eq(d.clock_offset, 1000);
	ck_assert_uint_ge(sim_setup_clock(&d), told + 1000);
	/* The same answer does not count twice. */
	ck_assert_uint_eq(sim_setup_set_clock(&d, ta0, tm1, tm1), SIM_INVALID_TIME);
}
END_TEST

START_TEST(names_are_what_dns_allows)
{
	take_key();
	ck_assert_uint_eq(sim_setup_host(&d, "a.b"), SIM_INVALID_NAME);
	ck_assert_uint_eq(sim_setup_host(&d, "-a"), SIM_INVALID_NAME);
	ck_assert_uint_eq(sim_setup_host(&d, "a\nstate: post"), SIM_INVALID_NAME);
	ck_assert_uint_eq(sim_setup_host(&d, NULL), SIM_INVALID_PARAMETER);
	ck_assert_uint_eq(sim_setup_domain(&d, "a..b"), SIM_INVALID_DOMAIN);
	ck_assert_uint_eq(sim_setup_domain(&d, "a.b."), SIM_INVALID_DOMAIN);
	ck_assert_uint_eq(sim_setup_domain(&d, "a.b"), SIM_OK);
	ck_assert_uint_eq(sim_setup_domain(&d, ""), SIM_OK);
	ck_assert_uint_eq(sim_setup_host(&d,
					 "123456789012345678901234567890123456789012345678901234567"
					 "8901234"), SIM_INVALID_NAME);
}
END_TEST

START_TEST(unprovisioning_goes_back_by_one_step_or_by_two)
{
	take_key();
	ck_assert_uint_eq(sim_setup_unprovision(&d), SIM_INVALID_STATE);
	ck_assert_uint_eq(sim_setup_partial_unprovision(&d), SIM_INVALID_STATE);
	ck_assert_uint_eq(sim_setup_admin(&d, "admin", "AAECAwQFBgcICQoLDA0ODw==", false), SIM_OK);
	ck_assert_uint_eq(sim_setup_host(&d, "pc1"), SIM_OK);
	ck_assert_uint_eq(sim_setup_commit(&d), SIM_OK);
	ck_assert_uint_eq(sim_setup_partial_unprovision(&d), SIM_OK);
	ck_assert_int_eq(d.state, SIM_DEVICE_IN);
	ck_assert_str_eq(d.pair.pps, PPS);
	ck_assert(d.admin_set);
	ck_assert_uint_eq(sim_setup_commit(&d), SIM_OK);
	ck_assert_uint_eq(sim_setup_unprovision(&d), SIM_OK);
	ck_assert_int_eq(d.state, SIM_DEVICE_PRE);
	ck_assert_str_eq(d.pair.pps, "");
	ck_assert_str_eq(d.host, "");
	ck_assert(!d.admin_set);
	ck_assert_str_eq(d.mebx, "Str0ng!Pass");
}
END_TEST

START_TEST(the_account_is_the_mebx_password_until_an_admin_entry_comes)
{
	uint8_t digest[16], known[16];
	char text[128];

	take_key();
	snprintf(text, sizeof(text), "admin:%s:Str0ng!Pass", d.realm);
	ck_assert_int_eq(gnutls_hash_fast(GNUTLS_DIG_MD5, text, strlen(text), known), 0);
	ck_assert_str_eq(sim_device_account(&d, digest), "admin");
	ck_assert_mem_eq(digest, known, 16);
	ck_assert_uint_eq(sim_setup_admin(&d, "boss", "AAECAwQFBgcICQoLDA0ODw==", false), SIM_OK);
	ck_assert_str_eq(sim_device_account(&d, digest), "boss");
	ck_assert_uint_eq(digest[15], 15);
}
END_TEST

START_TEST(a_change_that_cannot_be_kept_does_not_happen)
{
	take_key();
	free(d.file);
	d.file = strdup("/nonexistent/folder/pc1");
	ck_assert_uint_eq(sim_setup_host(&d, "pc1"), SIM_INTERNAL_ERROR);
	ck_assert_str_eq(d.host, "");
	ck_assert_uint_eq(sim_setup_mebx(&d, "N3w!Passw"), SIM_INTERNAL_ERROR);
	ck_assert_str_eq(d.mebx, "Str0ng!Pass");
}
END_TEST

START_TEST(addresses_are_read_as_people_write_them)
{
	struct sim_address a, b;
	char shown[SIM_ADDRESS_SHOWN];

	ck_assert_int_eq(sim_address_parse("127.0.0.1:9971", 1, &a, &fault), 0);
	sim_address_show(&a, shown);
	ck_assert_str_eq(shown, "127.0.0.1:9971");
	ck_assert_int_eq(sim_address_parse("[::1]:99", 1, &a, &fault), 0);
	sim_address_show(&a, shown);
	ck_assert_str_eq(shown, "[::1]:99");
	ck_assert_int_eq(sim_address_parse("::1", 7, &a, &fault), 0);
	sim_address_show(&a, shown);
	ck_assert_str_eq(shown, "[::1]:7");
	ck_assert_int_eq(sim_address_after(&a, 1, 0, &b, NULL), KIT_ERR_RANGE);
	ck_assert_int_eq(sim_address_parse("127.0.0.1:", 1, &a, NULL), KIT_ERR_ARGUMENT);
	ck_assert_int_eq(sim_address_parse("127.0.0.1:66000", 1, &a, NULL), KIT_ERR_ARGUMENT);
	ck_assert_int_eq(sim_address_parse(":1", 1, &a, NULL), KIT_ERR_ARGUMENT);
	ck_assert_int_eq(sim_address_parse("127.1.0.250", 0, &a, &fault), 0);
	ck_assert_int_eq(sim_address_after(&a, 10, 5, &b, &fault), 0);
	sim_address_show(&b, shown);
	ck_assert_str_eq(shown, "127.1.1.4:5");
	ck_assert_uint_eq(sim_address_distance(&a, &b), 10);
	ck_assert_uint_eq(sim_address_distance(&b, &a), UINT32_MAX);
	ck_assert_int_eq(sim_address_parse("127.255.255.254", 0, &a, &fault), 0);
	ck_assert_int_eq(sim_address_after(&a, 1, 0, &b, NULL), KIT_ERR_RANGE);
}
END_TEST

TEST_SUITE("sim_device")
{
	TCase *c = tcase_create("device");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_uuid_is_written_as_it_is_read_and_reordered_for_the_wire);
	tcase_add_test(c, firmware_versions_are_read_strictly);
	tcase_add_test(c, a_hello_is_the_known_message_byte_for_byte);
	tcase_add_test(c, what_a_device_keeps_comes_back);
	tcase_add_test(c, a_state_file_cut_off_anywhere_is_refused);
	tcase_add_test(c, a_state_file_that_others_can_read_is_refused);
	tcase_add_test(c, a_missing_state_file_is_not_found);
	tcase_add_test(c, a_key_is_taken_only_with_the_right_mebx_password);
	tcase_add_test(c, bad_pairs_and_weak_passwords_are_refused);
	tcase_add_test(c, a_device_that_is_set_up_takes_no_further_key);
	tcase_add_test(c, changes_are_committed_only_with_an_admin_entry);
	tcase_add_test(c, an_admin_entry_has_a_user_and_sixteen_bytes);
	tcase_add_test(c, passwords_and_keys_change_only_while_being_set_up);
	tcase_add_test(c, a_clock_is_set_only_in_answer_to_what_it_said);
	tcase_add_test(c, names_are_what_dns_allows);
	tcase_add_test(c, unprovisioning_goes_back_by_one_step_or_by_two);
	tcase_add_test(c, the_account_is_the_mebx_password_until_an_admin_entry_comes);
	tcase_add_test(c, a_change_that_cannot_be_kept_does_not_happen);
	tcase_add_test(c, addresses_are_read_as_people_write_them);
	suite_add_tcase(suite, c);
}
