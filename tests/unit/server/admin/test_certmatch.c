/* Which certificate a machine would accept, why none, and what the doctor makes of it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "amt/roots.h"
#include "amt/tls-pki.h"
#include "common/hex.h"
#include "server/admin/certfolder.h"
#include "server/admin/certmatch.h"
#include "server/admin/doctor.h"
#include "server/admin/siteca.h"
#include "tests/support/admin.h"
#include "tests/support/suite.h"

/* The digest of "Go Daddy Root Certificate Authority - G2". */
#define GO_DADDY "45140b3247eb9cc8c5b4f0d7b53091f73292089e6e5a63e2749dd3aca9198eda"
#define CERTIFICATE "certificates/provision.example.com.pem"

static struct certmatch match;
static struct certificates *all;
static struct siteca made;
static struct uuid uuid;
static struct fault why;

/* Keys take long: the files are made once, and copied for each test. */
static char *bundle;
static uint8_t root_sha256[32];

static char *text_of(const char *path)
{
	char *text = calloc(1, 20000);
	FILE *file = fopen(path, "r");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_gt(fread(text, 1, 19999, file), 0);
	fclose(file);
	return text;
}

static void make_once(void)
{
	admin_enter();
	made = (struct siteca){ .suffix = "example.com", .algorithm = { 2048, 256 },
				.folder = "certificates", .output = "." };
	ok(siteca_new(&made, &op, &fault));
	bundle = text_of(made.bundle);
	memcpy(root_sha256, made.digest, sizeof(root_sha256));
	admin_leave();
}

static void free_once(void)
{
	free(bundle);
}

static void begin(void)
{
	admin_enter();
	uuid = scratch_uuid(1);
	ok(certfolder_make("certificates", &fault));
}

static void end(void)
{
	certificates_free(&all);
	admin_leave();
}

static void load(int64_t now)
{
	const struct certificates_options options = { .folder = "certificates", .now = now };

	certificates_free(&all);
	ok(certificates_load(&all, &options, &fault));
}

/* A hello of version 3 that lists the N digests of TYPE at HEX and, if OWN, that of our root. */
static void hello(const char *const *hex, size_t n, bool own)
{
	struct keymap_digest digests[8] = { { .type = 0 } };
	struct keymap_hello h = { .uuid = uuid, .address = "192.0.2.1", .version = 3,
				  .digests = digests };

	for (size_t i = 0; i < n; i++) {
		digests[i] = (struct keymap_digest){ KEYMAP_DIGEST_SHA256, 32, { 0 } };
		ck_assert_int_eq(hex_parse(hex[i], 64, digests[i].bytes, 32, NULL), 0);
	}
	if (own) {
		digests[n] = (struct keymap_digest){ KEYMAP_DIGEST_SHA256, 32, { 0 } };
		memcpy(digests[n++].bytes, root_sha256, 32);
	}
	h.n_digests = n;
	ok(keymap_system_hello(m, &h, SYSTEM_NEEDS_CERTIFICATE, ADMIN_NOW, NULL, NULL, &fault));
}

static void find(int64_t now)
{
	load(now);
	ok(certmatch_find(&match, m, &uuid, all, now, &fault));
}

static void expect_reason(const char *what, const char *hint)
{
	ck_assert_uint_eq(match.n_matches, 0);
	ck_assert_int_eq(certmatch_explain(&match, all, &why), KIT_ERR_UNFIT);
	ck_assert_msg(strstr(why.what, what) != NULL, "%s", why.what);
	ck_assert_msg(strstr(why.hint, hint) != NULL, "%s", why.hint);
}

static const char *const others[] = {
	GO_DADDY, "0000000000000000000000000000000000000000000000000000000000000001",
};

/* ---- match ---- */

START_TEST(a_machine_that_lists_the_root_would_accept_the_certificate)
{
	put_file(CERTIFICATE, bundle);
	hello(others, 2, true);
	find(ADMIN_NOW);
	ck_assert_uint_eq(match.n_digests, 3);
	ck_assert_uint_eq(match.n_known, 1);
	ck_assert_msg(strstr(match.known, "Go Daddy") != NULL, "%s", match.known);
	ck_assert_uint_eq(match.n_matches, 1);
	ck_assert_uint_eq(match.matches[0].type, CHAIN_SHA256);
	ck_assert_str_eq(match.matches[0].certificate->id, "provision.example.com.pem");
	ck_assert_ptr_null(match.refused);
}
END_TEST

START_TEST(a_machine_that_does_not_list_it_wants_another_stick_or_certificate)
{
	put_file(CERTIFICATE, bundle);
	hello(others, 2, false);
	find(ADMIN_NOW);
	expect_reason("does not know the root \"AMT root example.com\" of provision.example.com",
		      "start it with a stick that has this root");
	ck_assert_ptr_nonnull(strstr(why.hint, "or add a certificate of one of these: Go Daddy"));
}
END_TEST

START_TEST(without_any_certificate_the_way_to_one_is_said)
{
	hello(others, 1, false);
	find(ADMIN_NOW);
	expect_reason("this server has no certificate", "amt-provisionctl certificates new-ca");
	ck_assert_ptr_nonnull(strstr(why.hint, "Go Daddy"));
}
END_TEST

START_TEST(a_certificate_that_is_refused_is_named_with_its_reason)
{
	put_file(CERTIFICATE, bundle);
	hello(NULL, 0, true);
	find(ADMIN_NOW + 2000L * 86400);
	ck_assert_ptr_nonnull(match.refused);
	expect_reason("trusts the root of provision.example.com.pem, which the server refuses", "");
	ck_assert_ptr_nonnull(strstr(why.what, "expired"));
}
END_TEST

START_TEST(a_machine_with_a_key_listed_no_root)
{
	say_hello(1);
	put_file(CERTIFICATE, bundle);
	find(ADMIN_NOW);
	expect_reason("listed no root", "systems show");
}
END_TEST

START_TEST(a_machine_that_never_said_hello_is_not_there)
{
	load(ADMIN_NOW);
	ck_assert_int_eq(certmatch_find(&match, m, &uuid, all, ADMIN_NOW, &why),
			 KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(why.code, 0);
}
END_TEST

/* ---- the doctor ---- */

static struct config config;
static struct doctor doctor;
static char found[8192];

static void on_found(void *context, const struct doctor_finding *f)
{
	size_t n = strlen(found);

	snprintf(found + n, sizeof(found) - n, "%s %s %s -- %s\n", f->check,
		 doctor_verdict_word(f->verdict), f->what, f->hint ? f->hint : "");
}

static void examine(int64_t now)
{
	char folder[CONFIG_TEXT - 20];

	config_init(&config);
	ck_assert_ptr_nonnull(getcwd(folder, sizeof(folder)));
	snprintf(config.certificates_folder, sizeof(config.certificates_folder), "%s/certificates",
		 folder);
	strcpy(config.pki_suffix, "example.com");
	doctor = (struct doctor){ .config = &config, .map = m, .now = now, .found = on_found };
	found[0] = '\0';
	doctor_certificates(&doctor);
}

static void expect(const char *line)
{
	ck_assert_msg(strstr(found, line) != NULL, "not \"%s\" but:\n%s", line, found);
}

START_TEST(a_certificate_that_serves_is_well_until_it_expires)
{
	put_file(CERTIFICATE, bundle);
	examine(ADMIN_NOW);
	expect("certificates pass certificates that are served: 1, good until 2028-11-12");
	expect("needs-certificate pass no machine waits for a certificate");
	ck_assert_ptr_null(strstr(found, "warn"));
	examine(ADMIN_NOW + 1820L * 86400);
	expect("certificate warn provision.example.com.pem: ");
	examine(ADMIN_NOW + 1826L * 86400);
	expect("certificate fail provision.example.com.pem: ");
}
END_TEST

START_TEST(without_one_it_depends_on_the_machines)
{
	examine(ADMIN_NOW);
	expect("certificates pass no certificate is served, and no machine wants one");
	hello(others, 2, false);
	examine(ADMIN_NOW);
	expect("certificates fail no certificate is served, and machines that want one: 1 -- make");
	expect("needs-certificate warn machines for which the server has no certificate: 1, the "
	       "first is 939b524b-");
	doctor.unread = true;
	found[0] = '\0';
	doctor_certificates(&doctor);
	ck_assert_str_eq(found, "");
}
END_TEST

START_TEST(a_key_that_is_open_to_others_is_told)
{
	put_file(CERTIFICATE, bundle);
	ck_assert_int_eq(chmod(CERTIFICATE, 0644), 0);
	examine(ADMIN_NOW);
	expect("certificate-file fail provision.example.com.pem holds a private key");
}
END_TEST

START_TEST(a_name_under_local_is_not_for_a_bought_certificate)
{
	put_file(CERTIFICATE, bundle);
	examine(ADMIN_NOW);
	strcpy(config.pki_suffix, "corp.local");
	found[0] = '\0';
	doctor_certificates(&doctor);
	/* An authority of one's own may issue for any name: only that it is another is told. */
	expect("certificate warn provision.example.com.pem: ");
	ck_assert_ptr_null(strstr(found, "certificate-suffix"));
}
END_TEST

START_TEST(a_root_that_is_known_by_sha1_only_is_told)
{
	struct keymap_digest digest = { KEYMAP_DIGEST_SHA1, 20, { 0 } };
	const struct keymap_hello h = { .uuid = uuid, .address = "192.0.2.1", .version = 3,
					.digests = &digest, .n_digests = 1 };

	put_file(CERTIFICATE, bundle);
	load(ADMIN_NOW);
	memcpy(digest.bytes, certificates_at(all, 0)->facts->root_sha1, 20);
	ok(keymap_system_hello(m, &h, SYSTEM_QUEUED, ADMIN_NOW, NULL, NULL, &fault));
	examine(ADMIN_NOW);
	expect("certificate-sha1 warn machines that know this server's root by SHA-1 only: 1 --");
}
END_TEST

static const struct {
	struct tls_pki tls;	/* what was seen; then the reason is what is said of it */
	const char *reason;
	const char *line;
} stories[] = {
	{ { .asked = true, .alert = 46 }, NULL,
	  "certificate-refused warn machines that do not accept this server's certificate: 1" },
	{ { .asked = true }, NULL, "certificate-refused warn machines that closed the connection" },
	{ { .finished = true, .version = 0x0303 }, NULL,
	  "not-waiting warn machines that speak TLS, and do not wait" },
	{ { .alert = 40 }, NULL, "machine-tls warn machines that have no TLS in common" },
	{ { 0 }, "the machine refuses with status 0x809: data missing",
	  "data-missing warn machines that want something set before the commit" },
};

START_TEST(what_the_last_call_came_to_is_told_with_its_cure)
{
	struct fault said = { 0 };

	put_file(CERTIFICATE, bundle);
	hello(NULL, 0, true);
	if (!stories[_i].reason)
		tls_pki_explain(&stories[_i].tls, "192.0.2.1:16993", "detail", &said);
	ok(keymap_system_state(m, &uuid, SYSTEM_FAILED,
			       stories[_i].reason ? stories[_i].reason : said.what, 0, ADMIN_NOW,
			       &fault));
	examine(ADMIN_NOW);
	expect(stories[_i].line);
	expect("the first is 939b524b-");
	/* One that was set up since has no story. */
	ok(keymap_system_state(m, &uuid, SYSTEM_CONFIGURED, said.what, 0, ADMIN_NOW, &fault));
	examine(ADMIN_NOW);
	ck_assert_ptr_null(strstr(found, "warn"));
}
END_TEST

TEST_SUITE("certmatch")
{
	TCase *t = tcase_create("match"), *d = tcase_create("doctor");

	tcase_add_unchecked_fixture(t, make_once, free_once);
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_machine_that_lists_the_root_would_accept_the_certificate);
	tcase_add_test(t, a_machine_that_does_not_list_it_wants_another_stick_or_certificate);
	tcase_add_test(t, without_any_certificate_the_way_to_one_is_said);
	tcase_add_test(t, a_certificate_that_is_refused_is_named_with_its_reason);
	tcase_add_test(t, a_machine_with_a_key_listed_no_root);
	tcase_add_test(t, a_machine_that_never_said_hello_is_not_there);
	suite_add_tcase(suite, t);

	tcase_add_unchecked_fixture(d, make_once, free_once);
	tcase_add_checked_fixture(d, begin, end);
	tcase_add_test(d, a_certificate_that_serves_is_well_until_it_expires);
	tcase_add_test(d, without_one_it_depends_on_the_machines);
	tcase_add_test(d, a_key_that_is_open_to_others_is_told);
	tcase_add_test(d, a_name_under_local_is_not_for_a_bought_certificate);
	tcase_add_test(d, a_root_that_is_known_by_sha1_only_is_told);
	tcase_add_loop_test(d, what_the_last_call_came_to_is_told_with_its_cure, 0,
			    sizeof(stories) / sizeof(*stories));
	suite_add_tcase(suite, d);
}
