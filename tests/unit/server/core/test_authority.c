/* Authorities of a site's own: what they make is what machines and clients accept. */
#include <check.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "amt/pem.h"
#include "server/core/authority.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

#define NOW	1800000000
#define DAY	86400

static const struct authority_algorithm usual = { 2048, 256 }, newer = { 3072, 384 };
static struct authority_issued issued;
static struct fault why;

/* Keys take long to make, so that all tests share these. */
static struct authority *servers, *machines;
static EVP_PKEY *machine_key;

static struct authority *make(enum authority_kind kind,
			      const struct authority_algorithm *algorithm)
{
	struct authority *a;

	ok(authority_new(&a, kind, "example.com", algorithm, 7300, NOW, &fault));
	return a;
}

static void make_all(void)
{
	servers = make(AUTHORITY_SERVER, &usual);
	machines = make(AUTHORITY_MACHINES, &usual);
	machine_key = EVP_RSA_gen(2048);
}

static void free_all(void)
{
	authority_free(servers);
	authority_free(machines);
	EVP_PKEY_free(machine_key);
}

static void save(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(close(fd), 0);
}

static X509 *certificate_of(const char *text, int number)
{
	BIO *in = BIO_new_mem_buf(text, -1);
	X509 *c = NULL;

	for (int i = 0; i <= number; i++) {
		X509_free(c);
		c = PEM_read_bio_X509(in, NULL, NULL, NULL);
	}
	BIO_free(in);
	return c;
}

static X509 *root_of(const struct authority *a)
{
	char *text = authority_certificate_text(a);
	X509 *c = certificate_of(text, 0);

	pem_free(text);
	return c;
}

/* What a client of OpenSSL says of LEAF at the time NOW, with ROOT as all that it trusts. */
static int verified(X509 *leaf, X509 *root, const char *host)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *p;
	int result;

	X509_STORE_add_cert(store, root);
	X509_STORE_CTX_init(context, store, leaf, NULL);
	p = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_time(p, NOW);
	X509_VERIFY_PARAM_set1_host(p, host, 0);
	X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
	X509_verify_cert(context);
	result = X509_STORE_CTX_get_error(context);
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	return result;
}

static bool has_usage(X509 *c, const char *oid)
{
	EXTENDED_KEY_USAGE *all = X509_get_ext_d2i(c, NID_ext_key_usage, NULL, NULL);
	bool found = false;
	char text[80];

	for (int i = 0; i < sk_ASN1_OBJECT_num(all); i++) {
		OBJ_obj2txt(text, sizeof(text), sk_ASN1_OBJECT_value(all, i), 1);
		found |= strcmp(text, oid) == 0;
	}
	sk_ASN1_OBJECT_pop_free(all, ASN1_OBJECT_free);
	return found;
}

static double days_of(X509 *c)
{
	int days, seconds;

	ck_assert_int_eq(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(c),
					X509_get0_notAfter(c)), 1);
	return days + seconds / 86400.0;
}

/* ---- servers ---- */

static const struct {
	const struct authority_algorithm *algorithm;
	int signature;
} kinds[] = {
	{ &usual, NID_sha256WithRSAEncryption },
	{ &newer, NID_sha384WithRSAEncryption },
};

START_TEST(a_server_gets_what_amt_asks_for)
{
	struct authority *a = make(AUTHORITY_SERVER, kinds[_i].algorithm);
	X509 *root, *leaf;
	char *text, name[100];

	ok(authority_issue_server(a, "provision.example.com", kinds[_i].algorithm, 1825,
				  NOW, &text, &issued, &fault));
	leaf = certificate_of(text, 0);
	root = certificate_of(text, 1);
	ck_assert_ptr_nonnull(leaf);
	ck_assert_ptr_nonnull(root);
	ck_assert_int_eq(verified(leaf, root, "provision.example.com"), X509_V_OK);
	X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, name, sizeof(name));
	ck_assert_str_eq(name, "provision.example.com");
	X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_organizationalUnitName, name,
				  sizeof(name));
	ck_assert_str_eq(name, "Intel(R) Client Setup Certificate");
	ck_assert(has_usage(leaf, "1.3.6.1.5.5.7.3.1"));
	ck_assert(has_usage(leaf, "2.16.840.1.113741.1.2.3"));
	ck_assert_int_eq(X509_get_signature_nid(leaf), kinds[_i].signature);
	ck_assert_int_eq(X509_get_signature_nid(root), kinds[_i].signature);
	ck_assert_int_eq(EVP_PKEY_get_bits(X509_get0_pubkey(leaf)),
			 (int)kinds[_i].algorithm->bits);
	ck_assert_int_eq(EVP_PKEY_get_bits(X509_get0_pubkey(root)),
			 (int)kinds[_i].algorithm->bits);
	ck_assert(days_of(leaf) == 1826);	/* a day before now, too */
	ck_assert(days_of(root) == 7301);
	ck_assert_int_eq(issued.expiry, NOW + 1825L * DAY);
	ck_assert_ptr_nonnull(strstr(text, "-----BEGIN PRIVATE KEY-----"));
	authority_free(a);
	X509_free(leaf);
	X509_free(root);
	pem_free(text);
}
END_TEST

START_TEST(serial_numbers_are_drawn_of_16_bytes)
{
	struct authority_issued other;
	char *text;

	ok(authority_issue_server(servers, "a.example.com", &usual, 1, NOW, &text, &issued,
				  &fault));
	pem_free(text);
	ok(authority_issue_server(servers, "a.example.com", &usual, 1, NOW, &text, &other,
				  &fault));
	pem_free(text);
	ck_assert_str_ne(issued.serial, other.serial);
	ck_assert_str_ne(issued.key_digest, other.key_digest);
	ck_assert_uint_ge(strlen(issued.serial), 20);	/* fewer digits: once in 2^47 runs */
	ck_assert_uint_le(strlen(issued.serial), 32);
}
END_TEST

START_TEST(no_certificate_outlives_its_authority)
{
	struct authority *a;
	char *text;

	ok(authority_new(&a, AUTHORITY_SERVER, "example.com", &usual, 10, NOW, &fault));
	ok(authority_issue_server(a, "a.example.com", &usual, 1825, NOW, &text, &issued,
				  &fault));
	pem_free(text);
	ck_assert_int_eq(issued.expiry, NOW + 10 * DAY);
	ck_assert_int_eq(authority_issue_server(a, "a.example.com", &usual, 1825,
						NOW + 11 * DAY, &text, &issued, &why),
			 KIT_ERR_UNFIT);
	ck_assert_str_eq(why.what, "the authority \"AMT root example.com\" has expired");
	authority_free(a);
}
END_TEST

static const struct {
	const char *suffix, *name;
	struct authority_algorithm algorithm;
	unsigned days;
	const char *says;
} refused[] = {
	{ "exa mple", NULL, { 2048, 256 }, 1, "\"exa mple\" is not a DNS suffix" },
	{ "a,DNS:b", NULL, { 2048, 256 }, 1, "\"a,DNS:b\" is not a DNS suffix" },
	{ "", NULL, { 2048, 256 }, 1, "\"\" is not a DNS suffix" },
	{ "example.com", NULL, { 1024, 256 }, 1, "an RSA key of 1024 bits is not made here" },
	{ "example.com", NULL, { 2048, 1 }, 1, "SHA-1 is not used here" },
	{ "example.com", NULL, { 2048, 256 }, 0, "a certificate of 0 days is of no use" },
	{ "example.com", "server", { 2048, 256 }, 1, "\"server\" is not a full host name of at " },
	{ "example.com", "a.b,DNS:c", { 2048, 256 }, 1, "\"a.b,DNS:c\" is not a full host name" },
	{ "example.com", "a123456789.b123456789.c123456789.d123456789.e123456789.f1234.example.com",
	  { 2048, 256 }, 1, "is not a full host name of at most 64 characters" },
	{ "example.com", "a.example.com", { 2047, 256 }, 1, "an RSA key of 2047 bits" },
};

START_TEST(what_makes_no_sense_is_refused)
{
	struct authority *a = NULL;
	char *text = NULL;
	int rc;

	if (refused[_i].name)
		rc = authority_issue_server(servers, refused[_i].name, &refused[_i].algorithm,
					    refused[_i].days, NOW, &text, &issued, &why);
	else
		rc = authority_new(&a, AUTHORITY_SERVER, refused[_i].suffix,
				   &refused[_i].algorithm, refused[_i].days, NOW, &why);
	ck_assert_int_eq(rc, KIT_ERR_ARGUMENT);
	ck_assert_ptr_null(text);
	ck_assert_ptr_null(a);
	ck_assert_msg(strstr(why.what, refused[_i].says) != NULL, "%s", why.what);
}
END_TEST

/* ---- files ---- */

START_TEST(the_key_alone_makes_the_authority_of_a_root_again)
{
	struct authority *again;
	uint8_t *der = NULL, first[32], second[32];
	char *key;
	X509 *root;
	int n;

	key = authority_key_text(servers);
	save("root.key", key, 0600);
	root = root_of(servers);
	n = i2d_X509(root, &der);
	ok(authority_of_root(&again, der, (size_t)n, "root.key", &fault));
	ck_assert_str_eq(authority_name(again), "AMT root example.com");
	ck_assert_str_eq(authority_suffix(again), "");
	ck_assert_int_eq(authority_expiry(again), NOW + 7300L * DAY);
	authority_digest(servers, first);
	authority_digest(again, second);
	ck_assert_mem_eq(first, second, 32);
	authority_free(again);

	save("root.key", key, 0644);
	ck_assert_int_eq(authority_of_root(&again, der, (size_t)n, "root.key", &why),
			 KIT_ERR_PERMISSION);
	ck_assert_str_eq(why.hint, "chmod 600 root.key");
	ck_assert_ptr_null(again);
	fault_clear(&why);
	ck_assert_int_eq(authority_of_root(&again, der, (size_t)n, "nowhere", &why),
			 KIT_ERR_NOT_FOUND);
	fault_clear(&why);
	save("root.key", "no key", 0600);
	ck_assert_int_eq(authority_of_root(&again, der, (size_t)n, "root.key", &why),
			 KIT_ERR_FORMAT);
	OPENSSL_free(der);
	X509_free(root);
	pem_free(key);
}
END_TEST

START_TEST(the_key_of_another_is_refused)
{
	struct authority *other, *again;
	uint8_t *der = NULL;
	char *key;
	X509 *root;
	int n;

	ok(authority_new(&other, AUTHORITY_SERVER, "example.com", &usual, 10, NOW, &fault));
	key = authority_key_text(other);
	save("root.key", key, 0640);
	root = root_of(servers);
	n = i2d_X509(root, &der);
	ck_assert_int_eq(authority_of_root(&again, der, (size_t)n, "root.key", &why),
			 KIT_ERR_UNFIT);
	ck_assert_str_eq(why.what, "the private key in root.key is not the one of the authority "
			 "\"AMT root example.com\"");
	OPENSSL_free(der);
	X509_free(root);
	pem_free(key);
	authority_free(other);
}
END_TEST

/* ---- machines ---- */

static size_t public_key(bool spki, uint8_t **der)
{
	int n;

	*der = NULL;
	n = spki ? i2d_PUBKEY(machine_key, der) : i2d_PublicKey(machine_key, der);
	ck_assert_int_gt(n, 0);
	return (size_t)n;
}

START_TEST(a_machine_gets_a_certificate_over_its_key)
{
	const struct uuid uuid = scratch_uuid(1);
	uint8_t *key, *der, digest[32], *spki = NULL;
	char text[200], shown[UUID_SHOWN + 1], hex[65];
	const uint8_t *at;
	X509 *c, *root;
	size_t n, size;
	int length;

	ck_assert_str_eq(authority_suffix(machines), "example.com");
	n = public_key(_i, &key);
	ok(authority_issue(machines, key, n, "pc1.Example.com", &uuid, 3650, NOW, &der, &size,
			   &issued, &fault));
	at = der;
	c = d2i_X509(NULL, &at, (long)size);
	ck_assert_ptr_nonnull(c);
	root = root_of(machines);
	ck_assert_int_eq(verified(c, root, "pc1.example.com"), X509_V_OK);
	uuid_show(&uuid, shown);
	X509_NAME_get_text_by_NID(X509_get_subject_name(c), NID_serialNumber, text, sizeof(text));
	ck_assert_str_eq(text, shown);
	ck_assert(has_usage(c, "1.3.6.1.5.5.7.3.1"));
	ck_assert(!has_usage(c, "2.16.840.1.113741.1.2.3"));
	ck_assert_int_eq(issued.expiry, NOW + 3650L * DAY);
	length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c), &spki);
	EVP_Digest(spki, (size_t)length, digest, NULL, EVP_sha256(), NULL);
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	ck_assert_str_eq(issued.key_digest, hex);
	OPENSSL_free(spki);
	OPENSSL_free(key);
	X509_free(c);
	X509_free(root);
	free(der);
}
END_TEST

START_TEST(a_name_that_is_too_long_for_the_subject_is_whole_beside_it)
{
	static const char fqdn[] = "a123456789012345678901234567890."
				   "b123456789012345678901234567890.c12345.example.com";
	const struct uuid uuid = scratch_uuid(1);
	const uint8_t *at;
	uint8_t *key, *der;
	size_t n, size;
	X509 *c, *root;

	n = public_key(false, &key);
	ok(authority_issue(machines, key, n, fqdn, &uuid, 1, NOW, &der, &size, &issued, &fault));
	at = der;
	c = d2i_X509(NULL, &at, (long)size);
	root = root_of(machines);
	ck_assert_int_eq(verified(c, root, fqdn), X509_V_OK);
	X509_free(c);
	X509_free(root);
	OPENSSL_free(key);
	free(der);
}
END_TEST

static const struct {
	const char *fqdn;
	bool small;
	int cut;		/* bytes off the end; negative: on */
	int rc;
	const char *says;
} not_issued[] = {
	{ "pc1.example.org", false, 0, KIT_ERR_UNFIT, "not a host name under example.com" },
	{ "pc1.badexample.com", false, 0, KIT_ERR_UNFIT, "not a host name under example.com" },
	{ "pc1 .example.com", false, 0, KIT_ERR_UNFIT, "not a host name under example.com" },
	{ "", false, 0, KIT_ERR_UNFIT, "not a host name under example.com" },
	{ "pc1.example.com", true, 0, KIT_ERR_UNFIT, "has 1024 bits, not 2048 to 4096" },
	{ "pc1.example.com", false, 1, KIT_ERR_FORMAT, "is not an RSA key in DER" },
	{ "pc1.example.com", false, -1, KIT_ERR_FORMAT, "is not an RSA key in DER" },
	{ "pc1.example.com", false, 270, KIT_ERR_FORMAT, "is not an RSA key in DER" },
};

START_TEST(a_machine_gets_none_for_another_name_or_key)
{
	const struct uuid uuid = scratch_uuid(1);
	uint8_t *key, *der, longer[600];
	size_t n, size;

	if (not_issued[_i].small) {
		EVP_PKEY_free(machine_key);
		machine_key = EVP_RSA_gen(1024);
	}
	n = public_key(false, &key);
	memset(longer, 0, sizeof(longer));
	memcpy(longer, key, n);
	OPENSSL_free(key);
	ck_assert_int_eq(authority_issue(machines, longer, (size_t)((int)n - not_issued[_i].cut),
					 not_issued[_i].fqdn, &uuid, 1, NOW, &der, &size, &issued,
					 &why), not_issued[_i].rc);
	ck_assert_msg(strstr(why.what, not_issued[_i].says) != NULL, "%s", why.what);
	ck_assert_ptr_null(der);
}
END_TEST

START_TEST(a_client_refuses_what_such_an_authority_would_issue_elsewhere)
{
	/* As one who stole its key would: a certificate for another name, signed by hand. */
	char *key_text, *text;
	X509 *root, *c;
	EVP_PKEY *key;
	BIO *in;

	ok(authority_issue_server(machines, "www.example.org", &usual, 1, NOW, &text, &issued,
				  &fault));
	c = certificate_of(text, 0);
	root = root_of(machines);
	key_text = authority_key_text(machines);
	in = BIO_new_mem_buf(key_text, -1);
	key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	ck_assert_int_eq(X509_verify(c, key), 1);
	ck_assert_int_eq(verified(c, root, "www.example.org"), X509_V_ERR_PERMITTED_VIOLATION);
	EVP_PKEY_free(key);
	BIO_free(in);
	pem_free(key_text);
	pem_free(text);
	X509_free(c);
	X509_free(root);
}
END_TEST

START_TEST(an_authority_of_machines_is_one_file)
{
	const struct uuid uuid = scratch_uuid(1);
	struct authority *again;
	uint8_t *key, *der;
	char *text;
	size_t n, size;

	text = authority_text(machines);
	save("machines.pem", text, 0640);
	pem_free(text);
	ok(authority_load(&again, "machines.pem", &fault));
	ck_assert_str_eq(authority_suffix(again), "example.com");
	ck_assert_uint_eq(authority_algorithm(again).sha, 256);
	ck_assert_uint_eq(authority_algorithm(again).bits, 2048);
	n = public_key(false, &key);
	ok(authority_issue(again, key, n, "pc1.example.com", &uuid, 1, NOW, &der, &size, &issued,
			   &fault));
	authority_free(again);
	OPENSSL_free(key);
	free(der);
	ck_assert_int_eq(chmod("machines.pem", 0644), 0);
	ck_assert_int_eq(authority_load(&again, "machines.pem", &why), KIT_ERR_PERMISSION);
}
END_TEST

START_TEST(an_authority_of_servers_issues_nothing_to_machines)
{
	const struct uuid uuid = scratch_uuid(1);
	struct authority *again;
	uint8_t *der;
	char *text;
	size_t size;

	ck_assert_int_eq(authority_issue(servers, (const uint8_t *)"", 0, "pc1.example.com",
					 &uuid, 1, NOW, &der, &size, &issued, &why),
			 KIT_ERR_UNFIT);
	fault_clear(&why);
	text = authority_text(servers);
	save("root.pem", text, 0600);
	pem_free(text);
	ck_assert_int_eq(authority_load(&again, "root.pem", &why), KIT_ERR_UNFIT);
	ck_assert_ptr_null(again);
	ck_assert_ptr_nonnull(strstr(why.what, "is not constrained to one DNS suffix"));
}
END_TEST

TEST_SUITE("authority")
{
	TCase *t = tcase_create("servers");

	tcase_add_unchecked_fixture(t, make_all, free_all);
	tcase_add_checked_fixture(t, scratch_enter, scratch_leave);
	tcase_add_loop_test(t, a_server_gets_what_amt_asks_for, 0, 2);
	tcase_add_test(t, serial_numbers_are_drawn_of_16_bytes);
	tcase_add_test(t, no_certificate_outlives_its_authority);
	tcase_add_loop_test(t, what_makes_no_sense_is_refused, 0,
			    sizeof(refused) / sizeof(*refused));
	tcase_add_test(t, the_key_alone_makes_the_authority_of_a_root_again);
	tcase_add_test(t, the_key_of_another_is_refused);
	suite_add_tcase(suite, t);

	t = tcase_create("machines");
	tcase_add_unchecked_fixture(t, make_all, free_all);
	tcase_add_checked_fixture(t, scratch_enter, scratch_leave);
	tcase_add_loop_test(t, a_machine_gets_a_certificate_over_its_key, 0, 2);
	tcase_add_test(t, a_name_that_is_too_long_for_the_subject_is_whole_beside_it);
	tcase_add_loop_test(t, a_machine_gets_none_for_another_name_or_key, 0,
			    sizeof(not_issued) / sizeof(*not_issued));
	tcase_add_test(t, a_client_refuses_what_such_an_authority_would_issue_elsewhere);
	tcase_add_test(t, an_authority_of_machines_is_one_file);
	tcase_add_test(t, an_authority_of_servers_issues_nothing_to_machines);
	suite_add_tcase(suite, t);
}
