/* Tests of how a machine judges a server's certificates: each rule alone, by generation. */
#include <check.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>
#include <time.h>

#include "samples/amt-sim/sim-chain.h"
#include "tests/support/suite.h"

#define DAY	86400
#define SETUP	"2.16.840.1.113741.1.2.3"
#define UNIT	"Intel(R) Client Setup Certificate"

/* A certificate to be made; what is left out is as it should be. */
struct making {
	const char *name, *unit, *dns;
	const char *purpose[3];
	gnutls_x509_privkey_t key;
	gnutls_digest_algorithm_t digest;
	bool authority;
	int days;		/* from its end until now, if it is over */
	size_t padding;		/* bytes of an extension that nobody knows */
};

static gnutls_x509_privkey_t root_key, key, long_key, short_key, odd_key, ec_key;
static gnutls_x509_crt_t root;
static struct sim_root trusted;
static struct sim_chain_rules rules;
static struct sim_audit audit;

static gnutls_x509_privkey_t new_key(gnutls_pk_algorithm_t kind, unsigned bits)
{
	gnutls_x509_privkey_t k;

	ck_assert_int_eq(gnutls_x509_privkey_init(&k), 0);
	ck_assert_int_eq(gnutls_x509_privkey_generate(k, kind, bits, 0), 0);
	return k;
}

static gnutls_x509_crt_t make(const struct making *m, gnutls_x509_crt_t issuer,
			      gnutls_x509_privkey_t issuer_key)
{
	gnutls_x509_privkey_t own = m->key ? m->key : key;
	static uint8_t serial = 1, padding[8192];
	time_t end = time(NULL) - m->days * (time_t)DAY;
	gnutls_x509_crt_t c;

	ck_assert_int_eq(gnutls_x509_crt_init(&c), 0);
	gnutls_x509_crt_set_version(c, 3);
	serial++;
	gnutls_x509_crt_set_serial(c, &serial, 1);
	gnutls_x509_crt_set_dn_by_oid(c, GNUTLS_OID_X520_COMMON_NAME, 0, m->name,
				      (unsigned)strlen(m->name));
	if (m->unit) {
		gnutls_x509_crt_set_dn_by_oid(c, GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME, 0,
					      "Another unit", 12);
		gnutls_x509_crt_set_dn_by_oid(c, GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME, 0,
					      m->unit, (unsigned)strlen(m->unit));
	}
	if (m->dns)
		gnutls_x509_crt_set_subject_alt_name(c, GNUTLS_SAN_DNSNAME, m->dns,
						     (unsigned)strlen(m->dns), 0);
	gnutls_x509_crt_set_activation_time(c, end - 400 * (time_t)DAY);
	gnutls_x509_crt_set_expiration_time(c, m->days ? end : end + DAY);
	gnutls_x509_crt_set_basic_constraints(c, m->authority, -1);
	for (size_t i = 0; i < 3 && m->purpose[i]; i++)
		gnutls_x509_crt_set_key_purpose_oid(c, m->purpose[i], 0);
	if (m->padding)
		gnutls_x509_crt_set_extension_by_oid(c, "1.3.6.1.4.1.99999.1", padding, m->padding,
						     0);
	gnutls_x509_crt_set_key(c, own);
	ck_assert_int_eq(gnutls_x509_crt_sign2(c, issuer ? issuer : c, issuer ? issuer_key : own,
					       m->digest ? m->digest : GNUTLS_DIG_SHA256, 0), 0);
	return c;
}

static enum sim_chain_result check(const gnutls_x509_crt_t *chain, unsigned n)
{
	gnutls_datum_t list[10] = { { NULL, 0 } };
	enum sim_chain_result result;

	for (unsigned i = 0; i < n; i++)
		ck_assert_int_eq(gnutls_x509_crt_export2(chain[i], GNUTLS_X509_FMT_DER, &list[i]),
				 0);
	result = sim_chain_check(list, n, &rules, &audit);
	for (unsigned i = 0; i < n; i++)
		gnutls_free(list[i].data);
	return result;
}

/* A leaf below the root. */
static enum sim_chain_result check_leaf(const struct making *m)
{
	gnutls_x509_crt_t chain[2] = { make(m, root, root_key), root };
	enum sim_chain_result result = check(chain, 2);

	gnutls_x509_crt_deinit(chain[0]);
	return result;
}

static void trust(gnutls_x509_crt_t c, uint8_t type, gnutls_digest_algorithm_t digest)
{
	size_t size = sizeof(trusted.digest);

	trusted = (struct sim_root){ .type = type, .length = sim_root_length(type) };
	ck_assert_int_eq(gnutls_x509_crt_get_fingerprint(c, digest, trusted.digest, &size), 0);
}

static void setup(void)
{
	root_key = new_key(GNUTLS_PK_RSA, 2048);
	key = new_key(GNUTLS_PK_RSA, 2048);
	root = make(&(struct making){ .name = "Root", .key = root_key, .authority = true }, NULL,
		    NULL);
	trust(root, SIM_ROOT_SHA256, GNUTLS_DIG_SHA256);
	rules = (struct sim_chain_rules){ .firmware = { 12, 0, 35 }, .roots = &trusted,
					  .n_roots = 1, .suffix = "example.local", .fqdn = "",
					  .now = time(NULL) };
}

static void teardown(void)
{
	gnutls_x509_crt_deinit(root);
	gnutls_x509_privkey_deinit(root_key);
	gnutls_x509_privkey_deinit(key);
}

#define GOOD	.name = "server.example.local", .purpose = { GNUTLS_KP_TLS_WWW_SERVER, SETUP }
static const struct making good = { GOOD };

START_TEST(a_good_chain_is_taken_and_noted)
{
	ck_assert_int_eq(check_leaf(&good), SIM_CHAIN_GOOD);
	ck_assert_str_eq(audit.name, "server.example.local");
	ck_assert_mem_eq(&audit.root, &trusted, sizeof(trusted));
	ck_assert_uint_eq(audit.serials, 1);
	ck_assert_uint_eq(audit.serial_bytes[0], 1);
	ck_assert(audit.time_valid && !audit.builtin);
	rules.n_builtin = 1;
	ck_assert_int_eq(check_leaf(&good), SIM_CHAIN_GOOD);
	ck_assert(audit.builtin);
}
END_TEST

START_TEST(the_root_is_found_by_each_kind_of_digest_and_by_no_other_ones)
{
	trust(root, SIM_ROOT_SHA1, GNUTLS_DIG_SHA1);
	ck_assert_int_eq(check_leaf(&good), SIM_CHAIN_GOOD);
	trust(root, SIM_ROOT_SHA384, GNUTLS_DIG_SHA384);
	ck_assert_int_eq(check_leaf(&good), SIM_CHAIN_GOOD);
	trusted.digest[47] ^= 1;
	ck_assert_int_eq(check_leaf(&good), SIM_CHAIN_ROOT);
	trusted.digest[47] ^= 1;
	trusted.type = SIM_ROOT_SHA256;
	ck_assert_int_eq(check_leaf(&good), SIM_CHAIN_ROOT);
	rules.n_roots = 0;
	ck_assert_int_eq(check_leaf(&good), SIM_CHAIN_ROOT);
}
END_TEST

START_TEST(a_chain_is_whole_in_order_and_signed)
{
	struct making between = { .name = "Between", .authority = true };
	gnutls_x509_crt_t middle = make(&between, root, root_key), leaf = make(&good, middle, key);
	gnutls_x509_crt_t direct = make(&good, root, root_key);
	/* Bears the root's name, and is signed by another key. */
	gnutls_x509_crt_t forged = make(&good, root, key);
	const gnutls_x509_crt_t whole[] = { leaf, middle, root }, gap[] = { leaf, root };
	const gnutls_x509_crt_t swapped[] = { middle, leaf, root }, extra[] = { direct, middle,
										 root };
	const gnutls_x509_crt_t no_root[] = { leaf, middle }, false_leaf[] = { forged, root };
	const gnutls_x509_crt_t below_leaf[] = { make(&good, direct, key), direct, root };

	ck_assert_int_eq(check(whole, 3), SIM_CHAIN_GOOD);
	ck_assert_uint_eq(audit.serials, 2);
	ck_assert_int_eq(check(gap, 2), SIM_CHAIN_BROKEN);
	ck_assert_int_eq(check(swapped, 3), SIM_CHAIN_BROKEN);
	ck_assert_int_eq(check(extra, 3), SIM_CHAIN_BROKEN);
	ck_assert_int_eq(check(no_root, 2), SIM_CHAIN_ROOT);
	ck_assert_int_eq(check(false_leaf, 2), SIM_CHAIN_BROKEN);
	ck_assert_int_eq(check(below_leaf, 3), SIM_CHAIN_BROKEN);
	ck_assert_int_eq(check(whole, 0), SIM_CHAIN_EMPTY);
	gnutls_x509_crt_deinit(below_leaf[0]);
	gnutls_x509_crt_deinit(forged);
	gnutls_x509_crt_deinit(direct);
	gnutls_x509_crt_deinit(leaf);
	gnutls_x509_crt_deinit(middle);
}
END_TEST

START_TEST(a_leaf_says_what_it_is_for)
{
	struct making m = { .name = good.name, .purpose = { SETUP } };

	ck_assert_int_eq(check_leaf(&m), SIM_CHAIN_PURPOSE);
	m.purpose[0] = GNUTLS_KP_TLS_WWW_CLIENT;
	m.purpose[1] = SETUP;
	ck_assert_int_eq(check_leaf(&m), SIM_CHAIN_PURPOSE);
	m.purpose[2] = GNUTLS_KP_TLS_WWW_SERVER;
	ck_assert_int_eq(check_leaf(&m), SIM_CHAIN_GOOD);
	m = (struct making){ .name = good.name, .purpose = { GNUTLS_KP_TLS_WWW_SERVER } };
	ck_assert_int_eq(check_leaf(&m), SIM_CHAIN_NOT_AMT);
	m.unit = UNIT;
	ck_assert_int_eq(check_leaf(&m), SIM_CHAIN_GOOD);
	m.unit = UNIT ".";
	ck_assert_int_eq(check_leaf(&m), SIM_CHAIN_NOT_AMT);
	m.unit = "intel(R) Client Setup Certificate";
	ck_assert_int_eq(check_leaf(&m), SIM_CHAIN_NOT_AMT);
}
END_TEST

START_TEST(the_name_fits_the_servers_fqdn_or_else_the_suffix)
{
	struct making m = { GOOD, .dns = "other.example.org" };

	rules.suffix = "example.org";
	ck_assert_int_eq(check_leaf(&m), SIM_CHAIN_GOOD);
	rules.firmware.major = 5;
	ck_assert_int_eq(check_leaf(&m), SIM_CHAIN_NAME);
	rules.firmware.major = 12;
	rules.suffix = "";
	ck_assert_int_eq(check_leaf(&m), SIM_CHAIN_NAME);
	rules.fqdn = "Server.Example.local";
	ck_assert_int_eq(check_leaf(&m), SIM_CHAIN_GOOD);
	rules.suffix = "example.local";
	rules.fqdn = "example.local";
	ck_assert_int_eq(check_leaf(&m), SIM_CHAIN_NAME);
}
END_TEST

START_TEST(signatures_are_as_good_as_an_age_wants)
{
	struct making sha1 = { GOOD, .digest = GNUTLS_DIG_SHA1 };
	struct making sha384 = { GOOD, .digest = GNUTLS_DIG_SHA384 };

	rules.firmware.major = 14;
	ck_assert_int_eq(check_leaf(&sha1), SIM_CHAIN_GOOD);
	rules.firmware.major = 15;
	ck_assert_int_eq(check_leaf(&sha1), SIM_CHAIN_SHA1);
	ck_assert_int_eq(check_leaf(&good), SIM_CHAIN_GOOD);
	rules.firmware.major = 22;
	ck_assert_int_eq(check_leaf(&good), SIM_CHAIN_SIGNATURE);
	/* The leaf passes that; its key does not, and the root's signature would not, either. */
	ck_assert_int_eq(check_leaf(&sha384), SIM_CHAIN_KEY);
}
END_TEST

START_TEST(keys_are_of_the_kind_and_size_that_an_age_wants)
{
	static const struct {
		gnutls_x509_privkey_t *key;
		unsigned major;
		enum sim_chain_result result;
	} rows[] = {
		{ &short_key, 5, SIM_CHAIN_GOOD }, { &short_key, 14, SIM_CHAIN_GOOD },
		{ &short_key, 15, SIM_CHAIN_KEY }, { &odd_key, 5, SIM_CHAIN_KEY },
		{ &odd_key, 6, SIM_CHAIN_GOOD }, { &long_key, 5, SIM_CHAIN_KEY },
		{ &long_key, 6, SIM_CHAIN_GOOD }, { &ec_key, 12, SIM_CHAIN_KEY },
		{ &ec_key, 21, SIM_CHAIN_KEY },
	};

	short_key = new_key(GNUTLS_PK_RSA, 1024);
	odd_key = new_key(GNUTLS_PK_RSA, 1536);
	long_key = new_key(GNUTLS_PK_RSA, 3072);
	ec_key = new_key(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct making m = { GOOD, .key = *rows[i].key };

		rules.firmware = (struct sim_device_firmware){ rows[i].major, 1, 0 };
		ck_assert_msg(check_leaf(&m) == rows[i].result, "row %zu", i);
	}
	gnutls_x509_privkey_deinit(short_key);
	gnutls_x509_privkey_deinit(odd_key);
	gnutls_x509_privkey_deinit(long_key);
	gnutls_x509_privkey_deinit(ec_key);
}
END_TEST

START_TEST(from_amt_22_on_a_chain_of_p384_or_rsa_3072_is_needed)
{
	gnutls_x509_privkey_t ca_key = new_key(GNUTLS_PK_RSA, 3072);
	gnutls_x509_privkey_t leaf_key =
		new_key(GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1));
	gnutls_x509_privkey_t small = new_key(
		GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
	struct making ca = { .name = "Root", .key = ca_key, .authority = true,
			     .digest = GNUTLS_DIG_SHA384 };
	struct making m = { GOOD, .key = leaf_key, .digest = GNUTLS_DIG_SHA384 };
	gnutls_x509_crt_t top = make(&ca, NULL, NULL);
	gnutls_x509_crt_t chain[2] = { make(&m, top, ca_key), top };
	gnutls_x509_crt_t weak[2] = { NULL, top };

	m.key = small;
	weak[0] = make(&m, top, ca_key);
	trust(top, SIM_ROOT_SHA256, GNUTLS_DIG_SHA256);
	rules.firmware.major = 22;
	ck_assert_int_eq(check(chain, 2), SIM_CHAIN_GOOD);
	ck_assert_int_eq(check(weak, 2), SIM_CHAIN_KEY);
	gnutls_x509_crt_deinit(chain[0]);
	gnutls_x509_crt_deinit(weak[0]);
	gnutls_x509_crt_deinit(top);
	gnutls_x509_privkey_deinit(ca_key);
	gnutls_x509_privkey_deinit(leaf_key);
	gnutls_x509_privkey_deinit(small);
}
END_TEST

START_TEST(dates_count_only_for_a_machine_with_that_habit)
{
	struct making m = { GOOD, .days = 1 };

	ck_assert_int_eq(check_leaf(&m), SIM_CHAIN_GOOD);
	ck_assert(!audit.time_valid);
	rules.clock = true;
	ck_assert_int_eq(check_leaf(&m), SIM_CHAIN_TIME);
	ck_assert_int_eq(check_leaf(&good), SIM_CHAIN_GOOD);
	rules.now -= 1000 * (int64_t)DAY;
	ck_assert_int_eq(check_leaf(&good), SIM_CHAIN_TIME);
}
END_TEST

START_TEST(a_chain_is_not_larger_than_an_age_takes)
{
	struct making m = { GOOD, .padding = 3000 };
	gnutls_x509_crt_t nine[9];

	rules.firmware = (struct sim_device_firmware){ 5, 1, 0 };
	ck_assert_int_eq(check_leaf(&good), SIM_CHAIN_GOOD);
	ck_assert_int_eq(check_leaf(&m), SIM_CHAIN_SIZE);
	rules.firmware.major = 6;
	ck_assert_int_eq(check_leaf(&m), SIM_CHAIN_GOOD);
	m.padding = 7500;
	ck_assert_int_eq(check_leaf(&m), SIM_CHAIN_SIZE);
	for (size_t i = 0; i < 9; i++)
		nine[i] = root;
	ck_assert_int_eq(check(nine, 9), SIM_CHAIN_SIZE);
}
END_TEST

START_TEST(what_is_not_a_certificate_is_refused_whatever_it_is)
{
	gnutls_x509_crt_t leaf = make(&good, root, root_key);
	gnutls_datum_t list[2];

	ck_assert_int_eq(gnutls_x509_crt_export2(leaf, GNUTLS_X509_FMT_DER, &list[0]), 0);
	ck_assert_int_eq(gnutls_x509_crt_export2(root, GNUTLS_X509_FMT_DER, &list[1]), 0);
	/* Each truncation, and each byte turned. */
	for (unsigned n = list[0].size; list[0].size > 0;) {
		list[0].size--;
		ck_assert_int_ne(sim_chain_check(list, 2, &rules, &audit), SIM_CHAIN_GOOD);
		if (list[0].size == 0) {
			list[0].size = n;
			break;
		}
	}
	for (unsigned i = 0; i < list[0].size; i += 7) {
		list[0].data[i] ^= 0x55;
		ck_assert_int_ne(sim_chain_check(list, 2, &rules, &audit), SIM_CHAIN_GOOD);
		list[0].data[i] ^= 0x55;
	}
	ck_assert_int_eq(sim_chain_check(list, 2, &rules, &audit), SIM_CHAIN_GOOD);
	gnutls_free(list[0].data);
	gnutls_free(list[1].data);
	gnutls_x509_crt_deinit(leaf);
}
END_TEST

TEST_SUITE("sim_chain")
{
	TCase *t = tcase_create("chain");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_good_chain_is_taken_and_noted);
	tcase_add_test(t, the_root_is_found_by_each_kind_of_digest_and_by_no_other_ones);
	tcase_add_test(t, a_chain_is_whole_in_order_and_signed);
	tcase_add_test(t, a_leaf_says_what_it_is_for);
	tcase_add_test(t, the_name_fits_the_servers_fqdn_or_else_the_suffix);
	tcase_add_test(t, signatures_are_as_good_as_an_age_wants);
	tcase_add_test(t, keys_are_of_the_kind_and_size_that_an_age_wants);
	tcase_add_test(t, from_amt_22_on_a_chain_of_p384_or_rsa_3072_is_needed);
	tcase_add_test(t, dates_count_only_for_a_machine_with_that_habit);
	tcase_add_test(t, a_chain_is_not_larger_than_an_age_takes);
	tcase_add_test(t, what_is_not_a_certificate_is_refused_whatever_it_is);
	suite_add_tcase(suite, t);
}
