/* Tests of values of variables as people write them, certificate hashes, and order in a record. */
#include <check.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/hex.h"
#include "setupbin/certhash.h"
#include "setupbin/order.h"
#include "setupbin/value.h"
#include "setupbin/varlist.h"
#include "tests/support/suite.h"

static uint8_t bytes[SBIN_VALUE_MAX];

static const struct {
	const char *name, *text, *hex;
	const char *shown;	/* NULL: as text */
} good[] = {
	{ "manageability-feature", "amt", "01", NULL },
	{ "manageability-feature", "AMT", "01", "amt" },
	{ "manageability-feature", "0", "00", "none" },
	{ "user-consent", "all", "ff", NULL },
	{ "user-consent", "0x7F", "7f", "127" },
	{ "provisioning-mode", "2", "02", NULL },
	{ "provisioning-server-port", "9971", "f326", NULL },
	{ "support-channel-id", "65537", "01000100", NULL },
	{ "service-type", "one-time", "04000000", NULL },
	{ "provisioning-server-address", "10.0.0.5", "0500000a", NULL },
	{ "power-package", "00112233-4455-6677-8899-aabbccddeeff",
	  "33221100554477668899aabbccddeeff", NULL },
	{ "pid", "0000-037m", "303030303033374d", "0000037M" },
	{ "pid", "0000037X", "3030303030333758", NULL },
	{ "host-name", "pc-one", "70632d6f6e65", NULL },
	{ "host-name", "hex:00ff", "00ff", NULL },
	{ "host-name", "\xc3\xa4", "c3a4", NULL },
	{ "kvm", "hex:0101", "0101", NULL },
	{ "vlan", "01 02:0A", "01020a", "01020a" },
	{ "vlan", "", "", NULL },
	{ "user-defined-cert-add", "SHA1:000102030405060708090a0b0c0d0e0f10111213:Root: one",
	  "01000102030405060708090a0b0c0d0e0f1011121309526f6f743a206f6e65",
	  "sha1:000102030405060708090a0b0c0d0e0f10111213:Root: one" },
};

START_TEST(a_value_becomes_its_bytes_and_is_shown_as_text_again)
{
	const struct sbin_known *k = sbin_known_named(good[_i].name);
	struct sbin_variable v = { .module = k->module, .id = k->id, .value = bytes };
	char *hex, *shown;

	ck_assert_int_eq(sbin_value_parse(k, good[_i].text, true, bytes, &v.length, NULL), 0);
	hex = hex_dup(bytes, v.length);
	ck_assert_str_eq(hex, good[_i].hex);
	shown = sbin_value_show(k, &v);
	ck_assert_str_eq(shown, good[_i].shown ? good[_i].shown : good[_i].text);
	free(hex);
	free(shown);
}
END_TEST

static const struct { const char *name, *text;
} bad[] = {
	{ "manageability-feature", "yes" },
	{ "manageability-feature", "" },
	{ "manageability-feature", "256" },
	{ "manageability-feature", "-1" },
	{ "manageability-feature", "1 " },
	{ "manageability-feature", "am" },
	{ "provisioning-server-port", "65536" },
	{ "support-channel-id", "4294967296" },
	{ "support-channel-id", "99999999999999999999" },
	{ "support-channel-id", "0x" },
	{ "provisioning-server-address", "10.0.0" },
	{ "provisioning-server-address", "10.0.0.256" },
	{ "provisioning-server-address", "::1" },
	{ "power-package", "00112233-4455-6677-8899-aabbccddeef" },
	{ "power-package", "00112233-4455-6677-8899-aabbccddeeff0" },
	{ "power-package", "0011223344556677-8899-aabbccddeeff" },
	{ "power-package", "0011 233-4455-6677-8899-aabbccddeeff" },
	{ "vlan", "0" },
	{ "vlan", "0g" },
	{ "host-name", "hex:0" },
	{ "user-defined-cert-add", "sha256:00:x" },
	{ "user-defined-cert-add", "md5:00:x" },
	{ "user-defined-cert-add", "sha1:000102030405060708090a0b0c0d0e0f10111213" },
};

START_TEST(what_cannot_be_put_into_bytes_is_refused_with_what_would_do)
{
	struct fault f = { 0 };
	uint16_t length;

	ck_assert_int_lt(sbin_value_parse(sbin_known_named(bad[_i].name), bad[_i].text, true, bytes,
					  &length, &f), 0);
	ck_assert_ptr_nonnull(strstr(f.what, bad[_i].name));
	ck_assert_str_ne(f.hint, "");
}
END_TEST

START_TEST(a_secret_is_never_read_as_bytes_nor_quoted)
{
	const struct sbin_known *k = sbin_known_named("new-mebx-password");
	struct fault f = { 0 };
	uint16_t length;
	char *text = malloc(SBIN_VALUE_MAX + 2);

	ck_assert_int_eq(sbin_value_parse(k, "hex:41", false, bytes, &length, NULL), 0);
	ck_assert_uint_eq(length, 6);
	memset(text, 'S', SBIN_VALUE_MAX + 1);
	text[SBIN_VALUE_MAX + 1] = 0;
	ck_assert_int_eq(sbin_value_parse(k, text, false, bytes, &length, &f), KIT_ERR_RANGE);
	ck_assert_ptr_null(strstr(f.what, "SSS"));
	free(text);
}
END_TEST

START_TEST(any_bytes_of_any_variable_survive_being_shown_and_read)
{
	static uint8_t value[300];

	srand(4);
	for (const struct sbin_known *k = sbin_known; k->name; k++) {
		for (int round = 0; round < 300; round++) {
			struct sbin_variable v = { .module = k->module,
						   .id = k->id,
						   .value = value };
			uint16_t length;
			char *text;

			v.length = (uint16_t)(rand() % 3 ? k->min : rand() % 300);
			for (size_t i = 0; i < v.length; i++)
				value[i] = (uint8_t)(round % 2 ? rand() : rand() % 95 + 32);
			text = sbin_value_show(k, &v);
			ck_assert_ptr_nonnull(text);
			ck_assert_int_eq(sbin_value_parse(k, text, true, bytes, &length, NULL), 0);
			ck_assert_uint_eq(length, v.length);
			ck_assert_mem_eq(bytes, value, length);
			for (const char *p = text; *p; p++)
				ck_assert((unsigned char)*p >= 32 && *p != 127);
			free(text);
		}
	}
}
END_TEST

START_TEST(text_that_is_no_utf8_or_controls_a_terminal_is_shown_as_bytes)
{
	static const char *const texts[] = {
		"a\x1b[2J", "\x7f", "\xc0\x80", "\xc2\x9b" "31m", "\xe0\x80\x80", "\xed\xa0\x80",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\x80", "\xc3", "\xe2\x82", "hex:41",
	};
	const struct sbin_known *k = sbin_known_named("support-channel-description");

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct sbin_variable v = { .module = k->module, .id = k->id,
					   .length = (uint16_t)strlen(texts[i]),
					   .value = (const uint8_t *)texts[i] };
		char *shown = sbin_value_show(k, &v);

		ck_assert_int_eq(strncmp(shown, "hex:", 4), 0);
		ck_assert_str_ne(shown, texts[i]);
		free(shown);
	}
}
END_TEST

START_TEST(a_certificate_hash_is_refused_at_every_wrong_length)
{
	uint8_t value[SBIN_CERT_VALUE_MAX] = { 0 };
	struct sbin_certhash h;

	for (uint8_t algorithm = 0; algorithm < 5; algorithm++) {
		size_t digest = sbin_certhash_digest_length(algorithm);

		value[0] = algorithm;
		value[1 + digest] = 5;
		for (size_t n = 0; n <= sizeof(value); n++)
			ck_assert_int_eq(sbin_certhash_decode(value, n, &h),
					 digest && n == 2 + digest + 5 ? 0 : KIT_ERR_FORMAT);
		value[1 + digest] = 0;
	}
}
END_TEST

/* A certificate for SUBJECT by ISSUER (NULL: by itself), appended to OUT as PEM or DER. */
static X509 *add_certificate(FILE *out, const char *subject, X509 *issuer, EVP_PKEY *key, bool pem)
{
	X509 *c = X509_new();

	X509_set_version(c, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
	X509_gmtime_adj(X509_getm_notBefore(c), 0);
	X509_gmtime_adj(X509_getm_notAfter(c), 3600);
	X509_set_pubkey(c, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "O", MBSTRING_UTF8,
				   (const unsigned char *)"Example Org", -1, -1, 0);
	if (*subject)
		X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_UTF8,
					   (const unsigned char *)subject, -1, -1, 0);
	X509_set_issuer_name(c, X509_get_subject_name(issuer ? issuer : c));
	ck_assert_int_gt(X509_sign(c, key, EVP_sha256()), 0);
	if (out)
		ck_assert_int_eq(pem ? PEM_write_X509(out, c) : i2d_X509_fp(out, c), 1);
	return c;
}

/* A self-signed certificate with COMMON_NAME, as PEM or DER, in PATH. */
static void make_certificate(const char *path, const char *common_name, bool pem, uint8_t *sha256)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *out = fopen(path, "wb");
	X509 *c = add_certificate(out, common_name, NULL, key, pem);
	unsigned n;

	fclose(out);
	ck_assert_int_eq(X509_digest(c, EVP_sha256(), sha256, &n), 1);
	X509_free(c);
	EVP_PKEY_free(key);
}

static const struct { const char *cn, *name; bool pem;
} certificates[] = {
	{ "Example Root CA", "Example Root CA", true },
	{ "Example Root CA", "Example Root CA", false },
	{ "", "Example Org", true },
	/* 33 bytes; the last whole character ends at 31. */
	{ "An example of a root with \xc3\xa4\xc3\xb6\xc3\xbc!",
	  "An example of a root with \xc3\xa4\xc3\xb6\xc3\xbc", true },
	{ "An example of a long root name\xc3\xa4\xc3\xb6",
	  "An example of a long root name\xc3\xa4", false },
	{ "An example of a long root name.\xc3\xa4\xc3\xb6", "An example of a long root name.",
	  false },
};

START_TEST(a_certificate_file_gives_its_digest_and_its_name)
{
	char path[] = "/tmp/sbin-cert-XXXXXX";
	uint8_t sha256[32], value[SBIN_CERT_VALUE_MAX];
	char note[SBIN_CERT_NOTE];
	struct sbin_certhash h;
	uint16_t length;

	close(mkstemp(path));
	make_certificate(path, certificates[_i].cn, certificates[_i].pem, sha256);
	ck_assert_int_eq(sbin_certhash_of_file(path, 2, false, value, &length, note, NULL), 0);
	ck_assert_int_eq(sbin_certhash_decode(value, length, &h), 0);
	ck_assert_uint_eq(h.algorithm, 2);
	ck_assert_mem_eq(h.digest, sha256, sizeof(sha256));
	ck_assert_uint_eq(h.name_length, strlen(certificates[_i].name));
	ck_assert_mem_eq(h.name, certificates[_i].name, h.name_length);
	unlink(path);
}
END_TEST

/* Leaf, intermediate and root in PATH, those of PARTS ("lir"); 'x' is another root. */
static int hash_of(const char *path, const char *parts, bool first, char *name, char *note,
		   struct fault *f)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *out = fopen(path, "wb");
	X509 *root = add_certificate(NULL, "Test Root", NULL, key, true);
	X509 *middle = add_certificate(NULL, "Test Issuer", root, key, true);
	X509 *leaf = add_certificate(NULL, "amt.example.com", middle, key, true);
	X509 *other = add_certificate(NULL, "Other Root", NULL, key, true);
	uint8_t value[SBIN_CERT_VALUE_MAX];
	struct sbin_certhash h;
	uint16_t length;
	int rc;

	for (const char *p = parts; *p; p++)
		PEM_write_X509(out, *p == 'l'	? leaf
				    : *p == 'i' ? middle
				    : *p == 'r' ? root
						: other);
	PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
	fclose(out);
	*f = (struct fault){ 0 };
	rc = sbin_certhash_of_file(path, 2, first, value, &length, note, f);
	if (!rc) {
		ck_assert_int_eq(sbin_certhash_decode(value, length, &h), 0);
		snprintf(name, SBIN_CERT_NAME + 1, "%.*s", (int)h.name_length,
			 (const char *)h.name);
	}
	X509_free(root);
	X509_free(middle);
	X509_free(leaf);
	X509_free(other);
	EVP_PKEY_free(key);
	return rc;
}

START_TEST(a_chain_gives_its_root_and_a_leaf_alone_is_refused)
{
	char path[] = "/tmp/sbin-cert-XXXXXX", note[SBIN_CERT_NOTE], name[SBIN_CERT_NAME + 1];
	struct fault f;

	close(mkstemp(path));
	ck_assert_int_eq(hash_of(path, "r", false, name, note, &f), 0);
	ck_assert_str_eq(note, "");
	for (const char *const *p = (const char *const[]){ "lir", "ril", "irl", NULL }; *p; p++) {
		ck_assert_int_eq(hash_of(path, *p, false, name, note, &f), 0);
		ck_assert_str_eq(name, "Test Root");
		ck_assert_ptr_nonnull(
			strstr(note, "has 3 certificates; its root \"Test Root\" is used"));
	}
	ck_assert_int_eq(hash_of(path, "l", false, name, note, &f), KIT_ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(f.what, "has no root certificate: \"Test Issuer\" issued it"));
	ck_assert_ptr_nonnull(strstr(f.hint, "--not-a-root"));
	ck_assert_int_eq(hash_of(path, "li", false, name, note, &f), KIT_ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(f.what, "\"Test Root\" issued it"));
	ck_assert_int_eq(hash_of(path, "rx", false, name, note, &f), KIT_ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(f.what, "more than one root"));
	ck_assert_int_eq(hash_of(path, "li", true, name, note, &f), 0);
	ck_assert_str_eq(name, "amt.example.com");
	unlink(path);
}
END_TEST

START_TEST(what_is_no_certificate_is_refused)
{
	char path[] = "/tmp/sbin-cert-XXXXXX";
	uint8_t value[SBIN_CERT_VALUE_MAX];
	char note[SBIN_CERT_NOTE];
	struct fault f = { 0 };
	uint16_t length;
	int fd = mkstemp(path);

	ck_assert_int_eq(sbin_certhash_of_file(path, 2, false, value, &length, note, &f),
			 KIT_ERR_FORMAT);
	ck_assert_int_eq(write(fd, "-----BEGIN CERTIFICATE-----\nAAAA\n", 33), 33);
	close(fd);
	ck_assert_int_eq(sbin_certhash_of_file(path, 2, false, value, &length, note, NULL),
			 KIT_ERR_FORMAT);
	unlink(path);
	fault_clear(&f);
	ck_assert_int_eq(sbin_certhash_of_file(path, 2, false, value, &length, note, &f),
			 KIT_ERR_NOT_FOUND);
}
END_TEST

static struct sbin_variable ids(uint16_t module, uint16_t id)
{
	return (struct sbin_variable){ .module = module, .id = id, .value = bytes };
}

static void list_of(struct sbin_varlist *l, const uint16_t (*v)[2], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct sbin_variable one = ids(v[i][0], v[i][1]);

		ck_assert_int_eq(sbin_varlist_add(l, &one), 0);
	}
}

static void assert_list(const struct sbin_varlist *l, const uint16_t (*v)[2], size_t n)
{
	ck_assert_uint_eq(l->count, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(l->items[i].module, v[i][0]);
		ck_assert_uint_eq(l->items[i].id, v[i][1]);
	}
}

START_TEST(variables_are_put_in_order_and_else_left_as_given)
{
	static const uint16_t given[][2] = {
		{ 2, 28 }, { 2, 8 }, { 2, 13 }, { 1, 3 }, { 2, 17 }, { 1, 2 }, { 2, 7 }, { 9, 9 },
		{ 2, 8 }, { 1, 1 }, { 2, 3 }, { 1, 6 },
	}, wanted[][2] = {
		{ 1, 1 }, { 1, 2 }, { 1, 3 }, { 2, 13 }, { 2, 17 }, { 2, 7 }, { 2, 8 }, { 9, 9 },
		{ 2, 8 }, { 2, 3 }, { 2, 28 }, { 1, 6 },
	};
	struct sbin_varlist l = { 0 };

	list_of(&l, given, 12);
	sbin_varlist_order(&l);
	assert_list(&l, wanted, 12);
	sbin_varlist_order(&l);
	assert_list(&l, wanted, 12);
	sbin_varlist_free(&l);
}
END_TEST

START_TEST(random_lists_keep_all_their_variables_and_break_no_rule_once_ordered)
{
	srand(5);
	for (int round = 0; round < 500; round++) {
		struct sbin_varlist l = { 0 };
		unsigned before = 0, after = 0, seen = 0;
		size_t n = (size_t)rand() % 30;

		for (size_t i = 0; i < n; i++) {
			struct sbin_variable v = ids((uint16_t)(rand() % 3 + 1),
						     (uint16_t)(rand() % 30));

			before += v.module * 1000u + v.id;
			ck_assert_int_eq(sbin_varlist_add(&l, &v), 0);
		}
		sbin_varlist_order(&l);
		for (size_t i = 0; i < n; i++) {
			enum sbin_order class = sbin_order_of(l.items[i].module, l.items[i].id);

			ck_assert_uint_eq(seen & sbin_order_after(class), 0);
			seen |= class;
			after += l.items[i].module * 1000u + l.items[i].id;
		}
		ck_assert_uint_eq(before, after);
		sbin_varlist_free(&l);
	}
}
END_TEST

START_TEST(setting_a_variable_keeps_its_place_or_finds_the_one_the_rules_allow)
{
	static const uint16_t given[][2] = { { 1, 1 }, { 2, 13 }, { 2, 25 }, { 2, 13 }, { 2, 28 } };
	static const uint16_t wanted[][2] = {
		{ 1, 1 }, { 1, 2 }, { 2, 13 }, { 2, 25 }, { 2, 17 }, { 2, 28 }, { 2, 8 }, { 2, 8 },
	};
	struct sbin_varlist l = { 0 };
	struct sbin_variable v;

	list_of(&l, given, 5);
	v = ids(2, 13);
	v.length = 1;
	sbin_varlist_set(&l, &v);
	ck_assert_uint_eq(l.items[1].length, 1);
	v = ids(2, 17);
	sbin_varlist_set(&l, &v);
	v = ids(1, 2);
	sbin_varlist_set(&l, &v);
	v = ids(2, 8);
	sbin_varlist_set(&l, &v);
	sbin_varlist_set(&l, &v);
	assert_list(&l, wanted, 8);
	ck_assert_uint_eq(sbin_varlist_remove(&l, 2, 8), 2);
	ck_assert_uint_eq(sbin_varlist_remove(&l, 2, 8), 0);
	ck_assert_ptr_null(sbin_varlist_find(&l, 2, 8));
	sbin_varlist_free(&l);
}
END_TEST

START_TEST(a_list_too_long_for_its_record_says_the_chunks_it_needs)
{
	uint8_t data[SBIN_CHUNK];
	struct sbin_varlist l = { 0 };
	struct sbin_variable v = { .module = 2, .id = 4, .length = 250, .value = bytes };
	struct sbin_record r;
	struct fault f = { 0 };

	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(sbin_varlist_add(&l, &v), 0);
	sbin_record_init(&r, data, sizeof(data), 1);
	ck_assert_int_eq(sbin_varlist_write(&l, &r, &f), KIT_ERR_RANGE);
	/* 24 + 5 * (8 + 252) */
	ck_assert_ptr_nonnull(strstr(f.what, "needs 1324 bytes"));
	ck_assert_ptr_nonnull(strstr(f.hint, "--chunks 3"));
	sbin_varlist_free(&l);
}
END_TEST

TEST_SUITE("sbin value")
{
	TCase *t = tcase_create("value");

	tcase_add_loop_test(t, a_value_becomes_its_bytes_and_is_shown_as_text_again, 0,
			    sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(t, what_cannot_be_put_into_bytes_is_refused_with_what_would_do, 0,
			    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, a_secret_is_never_read_as_bytes_nor_quoted);
	tcase_add_test(t, any_bytes_of_any_variable_survive_being_shown_and_read);
	tcase_add_test(t, text_that_is_no_utf8_or_controls_a_terminal_is_shown_as_bytes);
	tcase_add_test(t, a_certificate_hash_is_refused_at_every_wrong_length);
	tcase_add_loop_test(t, a_certificate_file_gives_its_digest_and_its_name, 0,
			    sizeof(certificates) / sizeof(certificates[0]));
	tcase_add_test(t, a_chain_gives_its_root_and_a_leaf_alone_is_refused);
	tcase_add_test(t, what_is_no_certificate_is_refused);
	tcase_add_test(t, variables_are_put_in_order_and_else_left_as_given);
	tcase_add_test(t, random_lists_keep_all_their_variables_and_break_no_rule_once_ordered);
	tcase_add_test(t, setting_a_variable_keeps_its_place_or_finds_the_one_the_rules_allow);
	tcase_add_test(t, a_list_too_long_for_its_record_says_the_chunks_it_needs);
	suite_add_tcase(suite, t);
}
