/* Tests of the public roots: names behind digests, and lists of them as hellos have them. */
#include <check.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "amt/roots.h"
#include "common/hex.h"
#include "tests/support/suite.h"

#define GO_DADDY_2_SHA256	"c3846bf24b9e93ca64274c0ec67c1ecc5e024ffcacd2d74019350e81fe546ae4"
#define GO_DADDY_2_SHA1		"2796bae63f1801e277261ba0d77770028f20eee4"
#define GO_DADDY_G2		"45140b3247eb9cc8c5b4f0d7b53091f73292089e6e5a63e2749dd3aca9198eda"

static uint8_t list[600];
static size_t size;

static void put(unsigned type, const char *hex)
{
	size_t n = strlen(hex) / 2;

	list[size++] = (uint8_t)type;
	list[size++] = (uint8_t)n;
	ck_assert_int_eq(hex_parse(hex, strlen(hex), list + size, n, NULL), 0);
	size += n;
}

START_TEST(names_are_listed_once_and_what_is_unknown_is_not)
{
	char text[200];

	size = 0;
	put(2, GO_DADDY_2_SHA256);
	put(1, GO_DADDY_2_SHA1);
	put(9, "0011223344");
	put(2, "00000000000000000000000000000000000000000000000000000000000000ff");
	put(2, GO_DADDY_G2);
	ck_assert_uint_eq(roots_names(list, size, text, sizeof(text)), 2);
	ck_assert_str_eq(text, "Go Daddy Class 2 CA, Go Daddy Root CA-G2");
	/* Cut where it has to be. */
	ck_assert_uint_eq(roots_names(list, size, text, 45), 2);
	ck_assert_str_eq(text, "Go Daddy Class 2 CA, and 1 more");
	ck_assert_uint_eq(roots_names(list, size, text, 25), 2);
	ck_assert_str_eq(text, "2 public ones");
	ck_assert_uint_eq(roots_names(list, 0, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(a_digest_of_the_wrong_type_or_length_is_not_found)
{
	struct roots_digest d = { .type = 2, .size = 32 };
	uint8_t bytes[48] = { 0 };

	d.bytes = bytes;
	hex_parse(GO_DADDY_2_SHA256, 64, bytes, 32, NULL);
	ck_assert_str_eq(roots_find(&d)->name, "Go Daddy Class 2 CA");
	d.type = 1;
	ck_assert_ptr_null(roots_find(&d));
	d.type = 2;
	d.size = 20;
	ck_assert_ptr_null(roots_find(&d));
	d.type = 3;
	d.size = 48;
	ck_assert_ptr_null(roots_find(&d));
}
END_TEST

START_TEST(a_list_that_is_cut_off_ends_there)
{
	struct roots_digest d;
	struct reader r;

	size = 0;
	put(2, GO_DADDY_2_SHA256);
	put(1, GO_DADDY_2_SHA1);
	for (size_t n = 0; n <= size; n++) {
		size_t found = 0;

		reader_init(&r, list, n);
		while (roots_next(&r, &d))
			found++;
		ck_assert_uint_eq(found, n == size ? 2 : n >= 34 ? 1 : 0);
	}
}
END_TEST

/* Where this computer has them, the table's digests are compared with the certificates. */
START_TEST(the_table_agrees_with_the_certificates_of_this_computer)
{
	static const char *const files[][2] = {
		{ "Go_Daddy_Class_2_CA", "Go Daddy Class 2 CA" },
		{ "Go_Daddy_Root_Certificate_Authority_-_G2", "Go Daddy Root CA-G2" },
		{ "Comodo_AAA_Services_root", "Comodo AAA CA" },
		{ "Starfield_Class_2_CA", "Starfield Class 2 CA" },
		{ "Starfield_Root_Certificate_Authority_-_G2", "Starfield Root CA-G2" },
		{ "Baltimore_CyberTrust_Root", "Baltimore CyberTrust Root" },
		{ "Entrust.net_Premium_2048_Secure_Server_CA", "Entrust.net CA (2048)" },
		{ "Entrust_Root_Certification_Authority", "Entrust Root CA" },
		{ "Entrust_Root_Certification_Authority_-_G2", "Entrust Root CA-G2" },
		{ "AffirmTrust_Premium", "AffirmTrust Premium" },
		{ "DigiCert_Global_Root_CA", "DigiCert Global Root CA" },
		{ "DigiCert_Global_Root_G2", "DigiCert Global Root G2" },
		{ "DigiCert_Global_Root_G3", "DigiCert Global Root G3" },
		{ "DigiCert_Trusted_Root_G4", "DigiCert Trusted Root G4" },
		{ "GlobalSign_ECC_Root_CA_-_R5", "GlobalSign ECC Root CA-R5" },
		{ "GlobalSign_Root_CA_-_R3", "GlobalSign Root CA-R3" },
		{ "GlobalSign_Root_CA_-_R6", "GlobalSign Root CA-R6" },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct roots_digest d = { 0 };
		uint8_t digest[48];
		char path[200];
		FILE *file;
		X509 *x;

		snprintf(path, sizeof(path), "/etc/ssl/certs/%s.pem", files[i][0]);
		file = fopen(path, "r");
		if (!file)
			continue;
		x = PEM_read_X509(file, NULL, NULL, NULL);
		fclose(file);
		ck_assert_ptr_nonnull(x);
		d.bytes = digest;
		for (d.type = 1; d.type <= 3; d.type++) {
			const EVP_MD *by = d.type == 1 ? EVP_sha1() : d.type == 2 ? EVP_sha256()
									      : EVP_sha384();
			unsigned n = 0;

			ck_assert(X509_digest(x, by, digest, &n));
			d.size = n;
			ck_assert_msg(roots_find(&d) != NULL, "%s", files[i][0]);
			ck_assert_str_eq(roots_find(&d)->name, files[i][1]);
		}
		X509_free(x);
	}
}
END_TEST

TEST_SUITE("roots")
{
	TCase *t = tcase_create("table");

	tcase_add_test(t, names_are_listed_once_and_what_is_unknown_is_not);
	tcase_add_test(t, a_digest_of_the_wrong_type_or_length_is_not_found);
	tcase_add_test(t, a_list_that_is_cut_off_ends_there);
	tcase_add_test(t, the_table_agrees_with_the_certificates_of_this_computer);
	suite_add_tcase(suite, t);
}
