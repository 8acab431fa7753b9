/* HTTP Digest as a client: challenges of all kinds, and answers that the documents print. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amt/digest.h"
#include "tests/support/suite.h"

static struct fault fault;
static struct digest d;

static int read_it(const char *value)
{
	fault_clear(&fault);
	return digest_read(&d, value, &fault);
}

static const char *answer(const char *method, const char *path, const char *body,
			  const char *user, const char *password, const char *cnonce)
{
	static char out[DIGEST_AUTHORIZATION];
	const struct digest_request q = { method, path, body, strlen(body), user, password,
					  cnonce };

	ck_assert_msg(digest_answer(&d, &q, out, &fault) == 0, "%s", fault.what);
	return out;
}

/* RFC 2617, section 3.5. */
#define RFC2617 "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", " \
	"nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""

START_TEST(the_example_of_rfc_2617_is_answered_as_it_says)
{
	ck_assert_int_eq(read_it(RFC2617), 0);
	ck_assert_str_eq(answer("GET", "/dir/index.html", "", "Mufasa", "Circle Of Life",
				"0a4f113b"),
			 "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
			 "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", "
			 "response=\"6629fae49393a05397450978507c4ef1\", "
			 "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\", qop=auth, nc=00000001, "
			 "cnonce=\"0a4f113b\"");
	ck_assert_ptr_nonnull(strstr(answer("GET", "/", "", "Mufasa", "Circle Of Life", "0a"),
				     "nc=00000002"));
}
END_TEST

/* RFC 7616, section 3.9.1, its MD5 answer; the same challenge without qop is of RFC 2069. */
START_TEST(the_example_of_rfc_7616_is_answered_as_it_says)
{
	ck_assert_int_eq(read_it("Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "
				 "algorithm=MD5, "
				 "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
				 "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""), 0);
	ck_assert_ptr_nonnull(strstr(
		answer("GET", "/dir/index.html", "", "Mufasa", "Circle of Life",
		       "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"),
		"response=\"8ca523f5e9506fed4657c9700eebdbec\""));
	ck_assert_int_eq(read_it("Digest realm=\"a\", nonce=\"b\""), 0);
	ck_assert_int_eq(d.qop, DIGEST_QOP_NONE);
	/* MD5(MD5(u:a:p):b:MD5(POST:/w)) */
	ck_assert_str_eq(answer("POST", "/w", "x", "u", "p", "c"),
			 "Digest username=\"u\", realm=\"a\", nonce=\"b\", uri=\"/w\", "
			 "response=\"f00fb2c901fdf40b3036f74af092aa54\"");
}
END_TEST

START_TEST(the_body_is_hashed_where_auth_int_alone_is_offered)
{
	ck_assert_int_eq(read_it("Digest realm=\"a\", nonce=\"b\", qop=\"auth-int\""), 0);
	ck_assert_int_eq(d.qop, DIGEST_QOP_AUTH_INT);
	/* MD5(MD5(u:a:p):b:00000001:c:auth-int:MD5(POST:/w:MD5(x))) */
	ck_assert_ptr_nonnull(strstr(answer("POST", "/w", "x", "u", "p", "c"),
				     "response=\"d0e348ff94c01db8949e85fa82a79dc2\", "
				     "qop=auth-int, nc=00000001"));
}
END_TEST

START_TEST(md5_sess_hashes_the_nonces_into_the_account)
{
	ck_assert_int_eq(read_it("Digest realm=\"a\", nonce=\"b\", qop=\"auth\","
				 " algorithm=MD5-sess"), 0);
	/* MD5(MD5(MD5(u:a:p):b:c):b:00000001:c:auth:MD5(POST:/w)) */
	ck_assert_ptr_nonnull(strstr(answer("POST", "/w", "x", "u", "p", "c"),
				     "response=\"c51a01ac7552db0d699f5565be8ff8c8\", "
				     "algorithm=MD5-sess, qop=auth"));
}
END_TEST

START_TEST(what_cannot_be_answered_is_named)
{
	ck_assert_int_eq(read_it("Digest realm=\"a\", nonce=\"b\", algorithm=SHA-512-256"),
			 KIT_ERR_PROTOCOL);
	ck_assert_ptr_nonnull(strstr(fault.what, "algorithm SHA-512-256"));
	ck_assert_ptr_nonnull(strstr(fault.what, "was not tried"));
	ck_assert_int_eq(read_it("Digest realm=\"a\", nonce=\"b\", qop=\"auth-conf\""),
			 KIT_ERR_PROTOCOL);
	ck_assert_ptr_nonnull(strstr(fault.what, "auth-conf"));
	ck_assert_int_eq(read_it("Digest realm=\"a\""), KIT_ERR_PROTOCOL);
	ck_assert_int_eq(read_it("Digest realm=\"a, nonce=\"b\""), KIT_ERR_PROTOCOL);
	ck_assert_int_eq(read_it("Digest realm=\"a\", nonce=\"b"), KIT_ERR_PROTOCOL);
	ck_assert_int_eq(read_it("Basic realm=\"a\""), KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(read_it(""), KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(read_it("Negotiate"), KIT_ERR_NOT_FOUND);
}
END_TEST

START_TEST(the_first_challenge_that_can_be_answered_is_taken)
{
	ck_assert_int_eq(read_it("Basic realm=\"x\", Digest realm=\"a\", nonce=\"1\", "
				 "algorithm=SHA-256, Digest realm=\"a\", nonce=\"2\", "
				 "algorithm=MD5, "
				 "stale=TRUE, Digest realm=\"a\", nonce=\"3\""), 0);
	ck_assert_str_eq(d.nonce, "2");
	ck_assert(d.stale);
	/* Spaces, cases, tokens without quotes, escapes. */
	ck_assert_int_eq(read_it("  dIgEsT  REALM = \"a\\\"b\" ,, nonce=abc,stale=false"), 0);
	ck_assert_str_eq(d.realm, "a\"b");
	ck_assert_str_eq(d.nonce, "abc");
	ck_assert(!d.stale);
	ck_assert_ptr_nonnull(strstr(answer("POST", "/w", "", "u", "p", "c"),
				     "realm=\"a\\\"b\""));
}
END_TEST

START_TEST(texts_have_limits_and_cannot_break_out_of_their_header)
{
	char value[600];
	int n;

	for (size_t size = DIGEST_TEXT; size <= DIGEST_TEXT + 1; size++) {
		n = snprintf(value, sizeof(value), "Digest realm=\"");
		memset(value + n, 'r', size);
		strcpy(value + (size_t)n + size, "\", nonce=\"b\"");
		ck_assert_int_eq(read_it(value), size > DIGEST_TEXT ? KIT_ERR_PROTOCOL : 0);
	}
	ck_assert_int_eq(read_it("Digest realm=\"a\rb\", nonce=\"b\""), KIT_ERR_PROTOCOL);
	ck_assert_int_eq(read_it(RFC2617), 0);
	{
		const struct digest_request q = { "POST", "/w", "", 0, "u\"x", "p", NULL };

		ck_assert_int_eq(digest_answer(&d, &q, (char[DIGEST_AUTHORIZATION]){ 0 }, &fault),
				 KIT_ERR_ARGUMENT);
	}
}
END_TEST

START_TEST(the_longest_answer_fits)
{
	char value[2000], text[DIGEST_TEXT + 1], user[128], path[128];

	/* Each of these is escaped, and so twice as long. */
	for (size_t i = 0; i < DIGEST_TEXT; i++)
		text[i] = '\\';
	text[DIGEST_TEXT] = '\0';
	memset(&d, 0, sizeof(d));
	strcpy(d.realm, text);
	strcpy(d.nonce, text);
	strcpy(d.opaque, text);
	d.has_opaque = d.session = d.says_algorithm = true;
	d.qop = DIGEST_QOP_AUTH_INT;
	memset(user, 'u', 127);
	memset(path, '/', 127);
	user[127] = path[127] = '\0';
	snprintf(value, sizeof(value), "%s",
		 answer("POST", path, "", user, "p", "cccccccccccccccccccccccccccccccc"));
	ck_assert_uint_lt(strlen(value), DIGEST_AUTHORIZATION - 1);
	ck_assert_str_eq(value + strlen(value) - 3, "cc\"");
}
END_TEST

TEST_SUITE("digest")
{
	TCase *t = tcase_create("client");

	tcase_add_test(t, the_example_of_rfc_2617_is_answered_as_it_says);
	tcase_add_test(t, the_example_of_rfc_7616_is_answered_as_it_says);
	tcase_add_test(t, the_body_is_hashed_where_auth_int_alone_is_offered);
	tcase_add_test(t, md5_sess_hashes_the_nonces_into_the_account);
	tcase_add_test(t, what_cannot_be_answered_is_named);
	tcase_add_test(t, the_first_challenge_that_can_be_answered_is_taken);
	tcase_add_test(t, texts_have_limits_and_cannot_break_out_of_their_header);
	tcase_add_test(t, the_longest_answer_fits);
	suite_add_tcase(suite, t);
}
