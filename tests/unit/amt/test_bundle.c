/* Tests of bundles: every form that certificates and keys come in, and what is refused. */
#include <check.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amt/bundle.h"
#include "tests/support/certs.h"
#include "tests/support/suite.h"

#define PASSWORD	"Str0ng!Pass"

static struct cert root, middle, leaf;
static struct cert_text text;
static struct bundle *bundle;
static struct fault fault;

static void setup(void)
{
	struct cert_kind authority = { .cn = "Test Root", .authority = true };
	struct cert_kind between = { .cn = "Test Issuer", .authority = true, .key = cert_key(2) };
	struct cert_kind server = { .cn = "provision.example.com", .ou = CERT_OU,
				    .usage = CERT_USAGE, .san = "DNS:provision.example.com" };

	memset(&fault, 0, sizeof(fault));
	cert_make(&root, &authority, NULL);
	cert_make(&middle, &between, &root);
	cert_make(&leaf, &server, &middle);
	ck_assert_int_eq(bundle_new(&bundle, &fault), 0);
}

static void teardown(void)
{
	bundle_free(&bundle);
	cert_text_free(&text);
	cert_free(&leaf);
	cert_free(&middle);
	cert_free(&root);
}

static int take(const char *password)
{
	fault_clear(&fault);
	return bundle_read(bundle, "file", text.data, text.size, true, password, &fault);
}

/* What is in the bundle, in order: R root, M issuer, L leaf, k the leaf's key, r the root's. */
static const char *letters(void)
{
	static char out[BUNDLE_ITEMS + 1];
	const struct bundle_item *i;
	size_t n = 0;

	for (; (i = bundle_at(bundle, n)) != NULL; n++)
		out[n] = i->key ? EVP_PKEY_eq(i->key, leaf.key) == 1 ? 'k' : 'r'
			: X509_cmp(i->certificate, root.x) == 0 ? 'R'
			: X509_cmp(i->certificate, middle.x) == 0 ? 'M'
			: X509_cmp(i->certificate, leaf.x) == 0 ? 'L' : '?';
	out[n] = '\0';
	return out;
}

START_TEST(pem_is_read_in_any_order_with_text_between)
{
	cert_add_text(&text, "Bag Attributes\n    friendlyName: x\n");
	cert_add_pem(&text, root.x);
	cert_add_text(&text, "subject=whatever\r\n\r\n");
	cert_add_key(&text, leaf.key, NULL, false);
	cert_add_pem(&text, leaf.x);
	cert_add_text(&text, "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"
		      "-----END CERTIFICATE REQUEST-----\n");
	cert_add_pem(&text, middle.x);
	ck_assert_int_eq(take(NULL), 0);
	ck_assert_str_eq(letters(), "RkLM");
	ck_assert_str_eq(bundle_at(bundle, 0)->file, "file");
}
END_TEST

START_TEST(what_is_there_already_is_left_out)
{
	cert_add_pem(&text, root.x);
	cert_add_key(&text, leaf.key, NULL, true);
	cert_add_pem(&text, root.x);
	ck_assert_int_eq(take(NULL), 0);
	ck_assert_str_eq(letters(), "Rk");
	ck_assert_int_eq(take(NULL), 0);
	ck_assert_str_eq(letters(), "Rk");
	cert_add_key(&text, root.key, NULL, false);
	ck_assert_int_eq(take(NULL), 0);
	ck_assert_str_eq(letters(), "Rkr");
}
END_TEST

START_TEST(der_is_one_certificate_or_one_key)
{
	cert_add_der(&text, leaf.x);
	ck_assert_int_eq(take(NULL), 0);
	cert_text_free(&text);
	cert_add_key_der(&text, leaf.key);
	ck_assert_int_eq(take(NULL), 0);
	ck_assert_str_eq(letters(), "Lk");
}
END_TEST

START_TEST(pkcs7_brings_certificates)
{
	const struct cert *all[] = { &middle, &root };

	cert_add_pkcs7(&text, all, 2);
	ck_assert_int_eq(take(NULL), 0);
	ck_assert_uint_eq(strlen(letters()), 2);
	ck_assert_ptr_null(strchr(letters(), '?'));
}
END_TEST

/* 0: AES, 1: RC2-40, which OpenSSL 3 keeps in a provider of its own. */
START_TEST(a_pfx_opens_with_its_password_alone)
{
	const struct cert *more[] = { &middle, &root };

	cert_add_pfx(&text, &leaf, more, 2, PASSWORD, _i == 1, true);
	ck_assert_int_eq(take(NULL), KIT_ERR_STATE);
	ck_assert_ptr_nonnull(strstr(fault.hint, "file.password"));
	ck_assert_int_eq(take("wrong"), KIT_ERR_FORGED);
	ck_assert_ptr_nonnull(strstr(fault.what, "the password is wrong"));
	ck_assert_str_eq(letters(), "");
	ck_assert_int_eq(take(PASSWORD), 0);
	ck_assert_uint_eq(strlen(letters()), 4);
	ck_assert_ptr_null(strchr(letters(), '?'));
	ck_assert_ptr_nonnull(strchr(letters(), 'k'));
}
END_TEST

START_TEST(a_pfx_with_an_empty_password_needs_none)
{
	cert_add_pfx(&text, &leaf, NULL, 0, "", false, true);
	ck_assert_int_eq(take(NULL), 0);
	ck_assert_uint_eq(strlen(letters()), 2);
}
END_TEST

START_TEST(a_pfx_without_a_checksum_is_refused)
{
	cert_add_pfx(&text, &leaf, NULL, 0, PASSWORD, false, false);
	ck_assert_int_eq(take(PASSWORD), KIT_ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(fault.what, "checksum"));
}
END_TEST

/* 0: PKCS #8, 1: the way before it. */
START_TEST(an_encrypted_key_opens_with_its_password_alone)
{
	cert_add_pem(&text, leaf.x);
	cert_add_key(&text, leaf.key, PASSWORD, _i == 1);
	ck_assert_int_eq(take(NULL), KIT_ERR_STATE);
	ck_assert_ptr_nonnull(strstr(fault.what, "the private key is encrypted"));
	ck_assert_int_eq(take("wrong"), KIT_ERR_FORGED);
	ck_assert_str_eq(letters(), "");
	ck_assert_int_eq(take(PASSWORD), 0);
	ck_assert_str_eq(letters(), "Lk");
}
END_TEST

/* 0: PBKDF2, 1: scrypt, 2: as PKCS #12 did at first. Each would take minutes or hours. */
static X509_ALGOR *costly(int kind)
{
	static uint8_t salt[16];

	if (kind == 0)
		return PKCS5_pbe2_set(EVP_aes_256_cbc(), 2000000000, salt, sizeof(salt));
	if (kind == 1)
		return PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof(salt), NULL, 16384, 8,
					     16000);
	return PKCS5_pbe_set(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, 2000000000, salt, 8);
}

START_TEST(a_key_whose_password_takes_hours_to_try_is_refused)
{
	X509_SIG *encrypted = X509_SIG_new();
	X509_ALGOR *algorithm = costly(_i), *at;
	const uint8_t data[64] = { 0 };
	ASN1_OCTET_STRING *bytes;
	uint8_t *der = NULL;
	int n;

	X509_SIG_getm(encrypted, &at, &bytes);
	ck_assert(X509_ALGOR_copy(at, algorithm));
	ck_assert(ASN1_OCTET_STRING_set(bytes, data, sizeof(data)));
	n = i2d_X509_SIG(encrypted, &der);
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(bundle_read(bundle, "file", der, (size_t)n, true, PASSWORD, &fault),
			 KIT_ERR_RANGE);
	ck_assert_ptr_nonnull(strstr(fault.what, "takes too long"));
	OPENSSL_free(der);
	X509_ALGOR_free(algorithm);
	X509_SIG_free(encrypted);
}
END_TEST

/* Its checksum is quick: what is behind it is not. */
START_TEST(a_pfx_whose_password_takes_hours_to_try_is_refused)
{
	STACK_OF(PKCS7) *safes;
	X509_ALGOR *algorithm = costly(_i);
	const uint8_t *p;
	uint8_t *der = NULL;
	PKCS12 *p12;
	int n;

	cert_add_pfx(&text, &leaf, NULL, 0, PASSWORD, false, true);
	p = (const uint8_t *)text.data;
	p12 = d2i_PKCS12(NULL, &p, (long)text.size);
	safes = PKCS12_unpack_authsafes(p12);
	for (int i = 0; i < sk_PKCS7_num(safes); i++)
		if (PKCS7_type_is_encrypted(sk_PKCS7_value(safes, i)))
			ck_assert(X509_ALGOR_copy(sk_PKCS7_value(safes, i)->d.encrypted->enc_data
						  ->algorithm, algorithm));
	ck_assert(PKCS12_pack_authsafes(p12, safes) &&
		  PKCS12_set_mac(p12, PASSWORD, -1, NULL, 0, 1, EVP_sha256()));
	n = i2d_PKCS12(p12, &der);
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(bundle_read(bundle, "file", der, (size_t)n, true, PASSWORD, &fault),
			 KIT_ERR_RANGE);
	ck_assert_ptr_nonnull(strstr(fault.what, "takes too long"));
	ck_assert_ptr_null(bundle_at(bundle, 0));
	OPENSSL_free(der);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	X509_ALGOR_free(algorithm);
	PKCS12_free(p12);
}
END_TEST

START_TEST(keys_are_refused_where_none_may_be)
{
	cert_add_pem(&text, leaf.x);
	cert_add_key(&text, leaf.key, NULL, false);
	ck_assert_int_eq(bundle_read(bundle, "file", text.data, text.size, false, NULL, &fault),
			 KIT_ERR_PERMISSION);
	ck_assert_str_eq(letters(), "");
}
END_TEST

START_TEST(damage_leaves_nothing_of_the_file_behind)
{
	char *end;

	cert_add_pem(&text, root.x);
	cert_add_pem(&text, leaf.x);
	end = strstr(text.data + text.size / 2 + 200, "\n");
	memcpy(end + 10, "@@@@", 4);
	ck_assert_int_eq(take(NULL), KIT_ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(fault.what, "file: "));
	ck_assert_str_eq(letters(), "");
}
END_TEST

START_TEST(what_is_neither_is_refused)
{
	static const char *const others[] = { "", "hello\n", "0\x82\x01", "\xff\xfe-\0-\0",
		"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n" };

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		cert_text_free(&text);
		cert_add_text(&text, others[i]);
		ck_assert_int_eq(take(NULL), KIT_ERR_FORMAT);
		ck_assert_ptr_nonnull(strstr(fault.what, "holds no certificate"));
	}
}
END_TEST

START_TEST(a_file_that_is_too_large_is_refused)
{
	char *large = calloc(1, BUNDLE_BYTES + 1);

	ck_assert_int_eq(bundle_read(bundle, "large", large, BUNDLE_BYTES + 1, true, NULL, &fault),
			 KIT_ERR_RANGE);
	free(large);
}
END_TEST

/* A forgery of every byte may be read or not; nothing else happens. */
START_TEST(every_truncation_is_an_error)
{
	const struct cert *more[] = { &root };

	cert_add_pfx(&text, &leaf, more, 1, PASSWORD, false, true);
	for (size_t n = 0; n < text.size; n += 7) {
		fault_clear(&fault);
		ck_assert_int_lt(bundle_read(bundle, "file", text.data, n, true, PASSWORD, &fault),
				 0);
		ck_assert_int_ne(fault.code, 0);
	}
	ck_assert_str_eq(letters(), "");
}
END_TEST

START_TEST(too_many_certificates_are_refused)
{
	struct cert_kind kind = { .cn = "x", .authority = true };
	struct cert c;

	for (int i = 0; i <= BUNDLE_ITEMS; i++) {
		cert_make(&c, &kind, NULL);
		cert_add_pem(&text, c.x);
		cert_free(&c);
	}
	ck_assert_int_eq(take(NULL), KIT_ERR_RANGE);
	ck_assert_str_eq(letters(), "");
}
END_TEST

TEST_SUITE("bundle")
{
	TCase *t = tcase_create("forms");

	tcase_add_unchecked_fixture(t, cert_keys, NULL);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, pem_is_read_in_any_order_with_text_between);
	tcase_add_test(t, what_is_there_already_is_left_out);
	tcase_add_test(t, der_is_one_certificate_or_one_key);
	tcase_add_test(t, pkcs7_brings_certificates);
	tcase_add_loop_test(t, a_pfx_opens_with_its_password_alone, 0, 2);
	tcase_add_test(t, a_pfx_with_an_empty_password_needs_none);
	tcase_add_test(t, a_pfx_without_a_checksum_is_refused);
	tcase_add_loop_test(t, a_key_whose_password_takes_hours_to_try_is_refused, 0, 3);
	tcase_add_loop_test(t, a_pfx_whose_password_takes_hours_to_try_is_refused, 0, 3);
	tcase_add_loop_test(t, an_encrypted_key_opens_with_its_password_alone, 0, 2);
	tcase_add_test(t, keys_are_refused_where_none_may_be);
	tcase_add_test(t, damage_leaves_nothing_of_the_file_behind);
	tcase_add_test(t, what_is_neither_is_refused);
	tcase_add_test(t, a_file_that_is_too_large_is_refused);
	tcase_add_test(t, every_truncation_is_an_error);
	tcase_add_test(t, too_many_certificates_are_refused);
	suite_add_tcase(suite, t);
}
