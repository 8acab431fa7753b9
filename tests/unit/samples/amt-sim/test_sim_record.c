/* Tests of what a record says about set-up by certificate, and of the rules of firmware for it. */
#include <check.h>
#include <string.h>

#include "samples/amt-sim/sim-boot.h"
#include "samples/amt-sim/sim-record.h"
#include "setupbin/record.h"
#include "tests/support/suite.h"

static uint8_t data[512], root[2 + 32 + 4];
static struct sbin_record record;
static struct sbin_version version;
static struct writer w;
static struct sim_record said;
static struct fault fault;

static void setup(void)
{
	memset(data, 0, sizeof(data));
	fault_clear(&fault);
	version = (struct sbin_version){ 4, 0 };
	sbin_record_init(&record, data, sizeof(data), 1);
	sbin_record_begin(&record, &w);
	memset(root, 0x5a, sizeof(root));
	root[0] = SIM_ROOT_SHA256;
	root[33] = 4;
}

static void teardown(void)
{
}

static void add(uint16_t module, uint16_t id, const void *value, uint16_t length)
{
	struct sbin_variable v = { .module = module, .id = id, .length = length, .value = value };

	ck_assert_int_eq(sbin_record_append(&record, &w, &v, NULL), 0);
}

static void add_u8(uint16_t module, uint16_t id, uint8_t value)
{
	add(module, id, &value, 1);
}

static int read_it(void)
{
	fault_clear(&fault);
	return sim_record_read(&record, version, &said, &fault);
}

static void refused(const char *why)
{
	ck_assert_int_eq(read_it(), KIT_ERR_REFUSED);
	ck_assert_msg(strstr(fault.what, why) != NULL, "%s", fault.what);
	setup();
}

START_TEST(all_that_counts_is_read)
{
	static const uint8_t address[4] = { 5, 0, 0, 10 }, port[2] = { 0xf3, 0x26 };

	add(1, 1, "admin", 5);
	add(1, 2, "Str0ng!Pass", 11);
	add_u8(1, 3, 1);
	add(2, 3, "example.org", 11);
	add(2, 4, "server.example.org", 18);
	add_u8(2, 5, 1);
	add_u8(2, 6, 0);
	add_u8(2, 7, 1);
	add(2, 8, root, sizeof(root));
	add(2, 17, address, 4);
	add(2, 18, port, 2);
	add_u8(2, 28, 1);
	add(7, 99, "unknown", 7);
	ck_assert_msg(read_it() == 0, "%s", fault.what);
	ck_assert(said.certificates && !said.pair && !said.forget_own);
	ck_assert_str_eq(said.current, "admin");
	ck_assert_str_eq(said.new, "Str0ng!Pass");
	ck_assert_str_eq(said.pki.suffix, "example.org");
	ck_assert_str_eq(said.pki.fqdn, "server.example.org");
	ck_assert(said.pki.builtin_off && !said.pki.silent);
	ck_assert_uint_eq(said.pki.n_own, 1);
	ck_assert_uint_eq(said.pki.own[0].type, SIM_ROOT_SHA256);
	ck_assert_mem_eq(said.pki.own[0].digest, root + 1, 32);
	ck_assert_uint_eq(said.pki.server, 0x0a000005);
	ck_assert_uint_eq(said.pki.port, 9971);
}
END_TEST

START_TEST(a_pair_alone_is_not_about_certificates)
{
	add(2, 1, "0000037M", 8);
	ck_assert_int_eq(read_it(), 0);
	ck_assert(said.pair && !said.certificates);
	setup();
	add_u8(2, 28, 0);
	ck_assert_int_eq(read_it(), 0);
	ck_assert(said.pki.silent && !said.certificates);
}
END_TEST

START_TEST(what_is_against_a_rule_of_firmware_is_refused)
{
	add_u8(1, 3, 0);
	refused("(1/3) is not AMT");
	add_u8(2, 7, 1);
	add_u8(1, 3, 1);
	refused("(1/3) comes after");
	add_u8(2, 5, 0);
	refused("(2/5) is switched off");
	add_u8(2, 7, 0);
	add(2, 8, root, sizeof(root));
	refused("switched off (2/7)");
	version = (struct sbin_version){ 2, 1 };
	add(2, 8, root, sizeof(root));
	refused("not SHA-1 in a file before");
	for (int i = 0; i < 4; i++)
		add(2, 8, root, sizeof(root));
	refused("over 3");
	add_u8(2, 28, 1);
	add(2, 3, "example.org", 11);
	refused("after its start (2/28)");
}
END_TEST

START_TEST(lengths_that_do_not_fit_are_refused)
{
	static const char nul[] = "ab\0cd";

	add(2, 17, "123", 3);
	ck_assert_int_eq(read_it(), KIT_ERR_FORMAT);
	setup();
	add(2, 6, "12", 2);
	ck_assert_int_eq(read_it(), KIT_ERR_FORMAT);
	setup();
	add(2, 3, nul, 5);
	ck_assert_int_eq(read_it(), KIT_ERR_FORMAT);
	setup();
	for (uint16_t n = 0; n < sizeof(root); n++) {
		add(2, 8, root, n);
		ck_assert_int_eq(read_it(), KIT_ERR_FORMAT);
		setup();
	}
	root[0] = 4;
	add(2, 8, root, sizeof(root));
	ck_assert_int_eq(read_it(), KIT_ERR_FORMAT);
}
END_TEST

START_TEST(a_machine_holds_three_roots_and_no_root_twice)
{
	struct sim_device_pki pki = { .n_own = 3 };
	struct sim_device d;

	for (unsigned i = 0; i < 3; i++)
		sim_root_make_up(&pki.own[i], SIM_ROOT_SHA1, i);
	ck_assert_int_eq(sim_device_factory(&d, NULL, (struct sim_device_firmware){ 3, 2, 1 }, NULL,
					    &fault), 0);
	ck_assert_int_eq(sim_boot_take_pki(&d, &pki, &fault), 0);
	ck_assert_int_eq(sim_boot_take_pki(&d, &pki, &fault), 0);
	ck_assert(d.pki.on && d.state == SIM_DEVICE_IN);
	ck_assert_uint_eq(d.pki.n_own, 3);
	sim_root_make_up(&pki.own[1], SIM_ROOT_SHA1, 7);
	ck_assert_int_eq(sim_boot_take_pki(&d, &pki, &fault), KIT_ERR_RANGE);
	ck_assert_uint_eq(d.pki.n_own, 3);
	sim_device_clear(&d);
	/* Before certificates were known. */
	fault_clear(&fault);
	ck_assert_int_eq(sim_device_factory(&d, NULL, (struct sim_device_firmware){ 2, 1, 0 }, NULL,
					    &fault), 0);
	ck_assert_int_eq(sim_boot_take_pki(&d, &pki, &fault), KIT_ERR_REFUSED);
	ck_assert(!d.pki.on && d.state == SIM_DEVICE_PRE);
	sim_device_clear(&d);
}
END_TEST

START_TEST(the_roots_of_a_firmware_are_as_its_age_has_them)
{
	static const struct {
		unsigned major;
		size_t n, sha1, hello;
	} ages[] = { { 5, 20, 20, 23 }, { 6, 20, 10, 23 }, { 10, 30, 15, 23 }, { 11, 30, 0, 23 },
		     { 16, 30, 0, 24 } };
	struct sim_root roots[SIM_ROOTS_MAX];

	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
		size_t sha1 = 0, n = sim_roots_builtin(ages[i].major, roots);

		ck_assert_uint_eq(n, ages[i].n);
		for (size_t k = 0; k < n; k++) {
			sha1 += roots[k].type == SIM_ROOT_SHA1;
			ck_assert_uint_eq(roots[k].length, sim_root_length(roots[k].type));
			for (size_t m = 0; m < k; m++)
				ck_assert(memcmp(&roots[m], &roots[k], sizeof(roots[k])) != 0);
		}
		ck_assert_uint_eq(sha1, ages[i].sha1);
		ck_assert_uint_eq(sim_roots_in_hello(ages[i].major), ages[i].hello);
	}
}
END_TEST

TEST_SUITE("sim_record")
{
	TCase *t = tcase_create("record");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, all_that_counts_is_read);
	tcase_add_test(t, a_pair_alone_is_not_about_certificates);
	tcase_add_test(t, what_is_against_a_rule_of_firmware_is_refused);
	tcase_add_test(t, lengths_that_do_not_fit_are_refused);
	tcase_add_test(t, a_machine_holds_three_roots_and_no_root_twice);
	tcase_add_test(t, the_roots_of_a_firmware_are_as_its_age_has_them);
	suite_add_tcase(suite, t);
}
