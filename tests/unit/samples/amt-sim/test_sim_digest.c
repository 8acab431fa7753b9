/* Tests of the simulated device's HTTP Digest: RFC 2617's example, forgeries, malformed headers. */
#include <check.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "samples/amt-sim/sim-digest.h"
#include "common/hex.h"
#include "tests/support/suite.h"

static const uint8_t secret[SIM_DIGEST_SECRET] = "fifteen letters";
static char header[2048];

/* MD5(user:realm:password) */
static void account(const char *user, const char *realm, const char *password, uint8_t *out)
{
	char text[256];

	snprintf(text, sizeof(text), "%s:%s:%s", user, realm, password);
	ck_assert_int_eq(gnutls_hash_fast(GNUTLS_DIG_MD5, text, strlen(text), out), 0);
}

/* What a client sends in answer to the challenge CHALLENGE. */
static void log_in(const char *challenge, const char *user, const char *password,
		   const char *method, const char *path)
{
	char realm[128], nonce[128], text[512], request[33], response[33];
	uint8_t digest[16];

	ck_assert(sim_digest_parameter(challenge + 7, "realm", realm));
	ck_assert(sim_digest_parameter(challenge + 7, "nonce", nonce));
	account(user, realm, password, digest);
	snprintf(text, sizeof(text), "%s:%s", method, path);
	ck_assert(sim_digest_md5_hex(text, request));
	hex_show(digest, 16, text);
	snprintf(text + 32, sizeof(text) - 32, ":%s:0000000a:me:auth:%s", nonce, request);
	ck_assert(sim_digest_md5_hex(text, response));
	snprintf(header, sizeof(header),
		 "Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", cnonce=\"me\", "
		 "nc=0000000a, qop=auth, response=\"%s\", algorithm=MD5", user, realm, nonce, path,
		 response);
}

static enum sim_digest_result look(const char *value, uint64_t now)
{
	uint8_t digest[16];

	account("admin", "Digest:00", "S3cret!!", digest);
	return sim_digest_check(secret, value, "POST", "/wsman", "Digest:00", "admin", digest, now);
}

START_TEST(the_example_of_the_rfc_is_right_but_its_nonce_is_not_ours)
{
	static const char mufasa[] =
		"Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
		"nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", qop=auth, "
		"nc=00000001, cnonce=\"0a4f113b\", response=\"6629fae49393a05397450978507c4ef1\", "
		"opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
	uint8_t digest[16];

	account("Mufasa", "testrealm@host.com", "Circle Of Life", digest);
	ck_assert_int_eq(sim_digest_check(secret, mufasa, "GET", "/dir/index.html",
					  "testrealm@host.com", "Mufasa", digest, 0),
			 SIM_DIGEST_STALE);
	ck_assert_int_eq(sim_digest_check(secret, mufasa, "POST", "/dir/index.html",
					  "testrealm@host.com", "Mufasa", digest, 0),
			 SIM_DIGEST_WRONG);
	account("Mufasa", "testrealm@host.com", "circle of life", digest);
	ck_assert_int_eq(sim_digest_check(secret, mufasa, "GET", "/dir/index.html",
					  "testrealm@host.com", "Mufasa", digest, 0),
			 SIM_DIGEST_WRONG);
}
END_TEST

START_TEST(a_login_counts_as_long_as_its_nonce_is_fresh)
{
	char challenge[SIM_DIGEST_CHALLENGE];

	ck_assert(sim_digest_challenge(secret, "Digest:00", false, NULL, 1000, challenge));
	ck_assert_ptr_nonnull(strstr(challenge, "stale=\"false\""));
	log_in(challenge, "admin", "S3cret!!", "POST", "/wsman");
	ck_assert_int_eq(look(header, 1000), SIM_DIGEST_OK);
	ck_assert_int_eq(look(header, 1000 + SIM_DIGEST_SECONDS), SIM_DIGEST_OK);
	ck_assert_int_eq(look(header, 1001 + SIM_DIGEST_SECONDS), SIM_DIGEST_STALE);
	ck_assert_int_eq(look(header, 999), SIM_DIGEST_STALE);
	ck_assert_int_eq(look(NULL, 1000), SIM_DIGEST_NONE);
	ck_assert(sim_digest_challenge(secret, "Digest:00", true, NULL, 1000, challenge));
	ck_assert_ptr_nonnull(strstr(challenge, "stale=\"true\""));
}
END_TEST

START_TEST(a_nonce_of_another_process_is_stale)
{
	static const uint8_t other[SIM_DIGEST_SECRET] = "fifteen lettres";
	char challenge[SIM_DIGEST_CHALLENGE];

	ck_assert(sim_digest_challenge(other, "Digest:00", false, NULL, 1000, challenge));
	log_in(challenge, "admin", "S3cret!!", "POST", "/wsman");
	ck_assert_int_eq(look(header, 1000), SIM_DIGEST_STALE);
}
END_TEST

START_TEST(another_user_password_path_or_method_is_wrong)
{
	char challenge[SIM_DIGEST_CHALLENGE];

	ck_assert(sim_digest_challenge(secret, "Digest:00", false, NULL, 1000, challenge));
	log_in(challenge, "admin", "s3cret!!", "POST", "/wsman");
	ck_assert_int_eq(look(header, 1000), SIM_DIGEST_WRONG);
	log_in(challenge, "Admin", "S3cret!!", "POST", "/wsman");
	ck_assert_int_eq(look(header, 1000), SIM_DIGEST_WRONG);
	log_in(challenge, "admin", "S3cret!!", "GET", "/wsman");
	ck_assert_int_eq(look(header, 1000), SIM_DIGEST_WRONG);
	log_in(challenge, "admin", "S3cret!!", "POST", "/");
	ck_assert_int_eq(look(header, 1000), SIM_DIGEST_WRONG);
}
END_TEST

START_TEST(every_changed_or_missing_character_is_noticed)
{
	char challenge[SIM_DIGEST_CHALLENGE], spoiled[sizeof(header)], *end;

	ck_assert(sim_digest_challenge(secret, "Digest:00", false, NULL, 1000, challenge));
	log_in(challenge, "admin", "S3cret!!", "POST", "/wsman");
	ck_assert_int_eq(look(header, 1000), SIM_DIGEST_OK);
	for (size_t size = 0; size < strlen(header) - strlen(", algorithm=MD5"); size++) {
		memcpy(spoiled, header, size);
		spoiled[size] = '\0';
		ck_assert_int_eq(look(spoiled, 1000), SIM_DIGEST_WRONG);
	}
	/* Within each value: whatever is there, it was part of the proof. */
	for (const char *p = strchr(header, '"'); p != NULL; p = strchr(end + 1, '"')) {
		end = strchr(p + 1, '"');
		ck_assert_ptr_nonnull(end);
		for (const char *q = p + 1; q < end; q++) {
			strcpy(spoiled, header);
			spoiled[q - header] = *q == 'x' ? 'y' : 'x';
			ck_assert_int_ne(look(spoiled, 1000), SIM_DIGEST_OK);
		}
	}
}
END_TEST

START_TEST(malformed_headers_are_wrong)
{
	static const char *const bad[] = {
		"",
		"Digest",
		"Digest ",
		"Basic YWRtaW46YWRtaW4=",
		"Digest ,,,,",
		"Digest =",
		"Digest username",
		"Digest username=",
		"Digest username=\"",
		"Digest username=\"\\\"",
		"Digest a=b c=d",
	};
	char challenge[SIM_DIGEST_CHALLENGE];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(look(bad[i], 1000), SIM_DIGEST_WRONG);
	/* A parameter given twice, and one that is too long. */
	ck_assert(sim_digest_challenge(secret, "Digest:00", false, NULL, 1000, challenge));
	log_in(challenge, "admin", "S3cret!!", "POST", "/wsman");
	strcat(header, ", username=\"admin\"");
	ck_assert_int_eq(look(header, 1000), SIM_DIGEST_WRONG);
	strcpy(header, "Digest username=\"");
	memset(header + strlen(header), 'a', 1000);
	strcpy(header + 1000, "\"");
	ck_assert_int_eq(look(header, 1000), SIM_DIGEST_WRONG);
}
END_TEST

TEST_SUITE("sim_digest")
{
	TCase *c = tcase_create("digest");

	tcase_add_test(c, the_example_of_the_rfc_is_right_but_its_nonce_is_not_ours);
	tcase_add_test(c, a_login_counts_as_long_as_its_nonce_is_fresh);
	tcase_add_test(c, a_nonce_of_another_process_is_stale);
	tcase_add_test(c, another_user_password_path_or_method_is_wrong);
	tcase_add_test(c, every_changed_or_missing_character_is_noticed);
	tcase_add_test(c, malformed_headers_are_wrong);
	suite_add_tcase(suite, c);
}
