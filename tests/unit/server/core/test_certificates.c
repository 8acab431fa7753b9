/* Tests of the folder of certificates: what is served, what is refused and why. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "server/core/certificates.h"
#include "tests/support/certs.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

#define PASSWORD	"Str0ng!Pass"

static const struct cert_kind authority = { .cn = "Test Root", .authority = true };
static struct cert_kind between = { .cn = "Test Issuer", .authority = true };
static const struct cert_kind server = {
	.cn = "provision.example.com", .ou = CERT_OU, .usage = CERT_USAGE,
	.san = "DNS:provision.example.com",
};

static struct cert root, middle, leaf;
static struct cert_text text;
static struct certificates *all;
static struct certificates_options options;
static struct fault fault;

static void setup(void)
{
	scratch_enter();
	memset(&fault, 0, sizeof(fault));
	options = (struct certificates_options){ .folder = "certs", .now = clock_now() };
	between.key = cert_key(2);
	cert_make(&root, &authority, NULL);
	cert_make(&middle, &between, &root);
	cert_make(&leaf, &server, &middle);
	ck_assert_int_eq(mkdir("certs", 0750), 0);
}

static void teardown(void)
{
	certificates_free(&all);
	cert_text_free(&text);
	cert_free(&leaf);
	cert_free(&middle);
	cert_free(&root);
	scratch_leave();
}

/* The text that was put together becomes a file. */
static void file(const char *name, unsigned mode)
{
	char path[100];

	snprintf(path, sizeof(path), "certs/%s", name);
	cert_text_write(&text, path, mode);
	cert_text_free(&text);
}

/* A whole certificate of KIND, signed by the root. */
static void whole(const char *name, const struct cert_kind *kind)
{
	struct cert c;

	cert_make(&c, kind, &root);
	cert_add_key(&text, c.key, NULL, false);
	cert_add_pem(&text, c.x);
	cert_add_pem(&text, root.x);
	file(name, 0600);
	cert_free(&c);
}

static void load(void)
{
	certificates_free(&all);
	fault_clear(&fault);
	ck_assert_int_eq(certificates_load(&all, &options, &fault), 0);
}

static const struct certificate *first(void)
{
	const struct certificate *c = certificates_at(all, 0);

	ck_assert_ptr_nonnull(c);
	return c;
}

static bool has(const struct certificate *c, enum finding_code code)
{
	for (size_t i = 0; i < c->n_findings; i++)
		if (c->findings[i].code == code)
			return true;
	return false;
}

/* The only problem is with FILE, and says WORDS. */
static void problem(const char *name, int code, const char *words)
{
	const struct certificate_problem *p = certificates_problem(all, 0);

	ck_assert_ptr_nonnull(p);
	ck_assert_str_eq(p->file, name);
	ck_assert_msg(p->fault.code == code && strstr(p->fault.what, words), "%d %s",
		      p->fault.code, p->fault.what);
	ck_assert_ptr_nonnull(strstr(p->fault.what, name));
	ck_assert_ptr_null(certificates_problem(all, 1));
}

START_TEST(no_folder_and_an_empty_one_have_none)
{
	load();
	ck_assert_ptr_null(certificates_at(all, 0));
	options.folder = "nowhere";
	load();
	ck_assert_ptr_null(certificates_at(all, 0));
	options.folder = "";
	load();
	ck_assert_ptr_null(certificates_at(all, 0));
	ck_assert_ptr_null(certificates_problem(all, 0));
	ck_assert_ptr_null(certificates_at(NULL, 0));
	ck_assert_uint_eq(certificates_match(NULL, NULL, 0, 0, true, NULL, 0), 0);
}
END_TEST

START_TEST(key_leaf_and_chain_may_be_in_files_of_their_own)
{
	cert_add_key(&text, leaf.key, NULL, false);
	file("vendor.key", 0640);
	cert_add_pem(&text, leaf.x);
	file("vendor.crt", 0644);
	cert_add_der(&text, middle.x);
	file("issuer.cer", 0644);
	cert_add_der(&text, root.x);
	file("root.cer", 0644);
	load();
	ck_assert(first()->served);
	ck_assert_str_eq(first()->id, "vendor.crt");
	ck_assert_uint_eq(first()->n_findings, 0);
	ck_assert_ptr_null(certificates_at(all, 1));
	ck_assert_ptr_null(certificates_problem(all, 0));
	ck_assert_ptr_eq(certificates_find(all, "vendor.crt"), first());
	ck_assert_ptr_eq(certificates_find(all, "vendor"), first());
	ck_assert_ptr_null(certificates_find(all, "vend"));
}
END_TEST

START_TEST(a_pfx_has_its_password_beside_it)
{
	const struct cert *more[] = { &middle, &root };

	cert_add_pfx(&text, &leaf, more, 2, PASSWORD, true, true);
	file("vendor.pfx", 0600);
	load();
	problem("vendor.pfx", KIT_ERR_STATE, "no password is known");
	cert_add_text(&text, "wrong\n");
	file("vendor.pfx.password", 0600);
	load();
	problem("vendor.pfx", KIT_ERR_FORGED, "password is wrong");
	cert_add_text(&text, PASSWORD "\r\n");
	file("vendor.pfx.password", 0600);
	load();
	ck_assert(first()->served);
	ck_assert_str_eq(first()->id, "vendor.pfx");
	ck_assert_ptr_null(strstr(first()->facts->other_key, PASSWORD));
}
END_TEST

START_TEST(a_password_of_two_lines_or_none_is_refused)
{
	static const char *const bad[] = { "a\nb\n", "\n" };

	for (size_t i = 0; i < 2; i++) {
		cert_add_pfx(&text, &leaf, NULL, 0, PASSWORD, false, true);
		file("vendor.pfx", 0600);
		cert_add_text(&text, bad[i]);
		file("vendor.pfx.password", 0600);
		load();
		ck_assert_ptr_nonnull(strstr(certificates_problem(all, 0)->fault.what,
					     "is not a password of one line"));
	}
}
END_TEST

START_TEST(a_key_that_others_can_read_is_refused)
{
	static const unsigned bad[] = { 0644, 0604, 0620, 0660, 0601 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cert_add_key(&text, leaf.key, NULL, false);
		file("vendor.key", bad[i]);
		cert_add_pem(&text, leaf.x);
		cert_add_pem(&text, middle.x);
		cert_add_pem(&text, root.x);
		file("vendor.pem", 0644);
		load();
		problem("vendor.key", KIT_ERR_PERMISSION, "holds a private key, and its mode is "
			"06");
		ck_assert(!first()->served);
		ck_assert(has(first(), FINDING_NO_KEY));
	}
	ck_assert_int_eq(chmod("certs/vendor.key", 0640), 0);
	load();
	ck_assert(first()->served);
}
END_TEST

START_TEST(a_password_that_others_can_read_is_refused)
{
	cert_add_pfx(&text, &leaf, NULL, 0, PASSWORD, false, true);
	file("vendor.pfx", 0600);
	cert_add_text(&text, PASSWORD);
	file("vendor.pfx.password", 0644);
	load();
	ck_assert_int_eq(certificates_problem(all, 0)->fault.code, KIT_ERR_PERMISSION);
	ck_assert_ptr_nonnull(strstr(certificates_problem(all, 0)->fault.what,
				     "vendor.pfx.password holds a password"));
	ck_assert_ptr_null(certificates_at(all, 0));
}
END_TEST

/* Root looks, for a service of another user, as whom it could not. */
START_TEST(what_the_service_cannot_read_is_refused)
{
	if (geteuid() != 0)
		return;
	cert_add_text(&text, "map");
	cert_text_write(&text, "map.db", 0600);
	cert_text_free(&text);
	options.service = "map.db";
	ck_assert_int_eq(chown("map.db", 12345, 12346), 0);
	ck_assert_int_eq(certificates_load(&all, &options, &fault), KIT_ERR_PERMISSION);
	ck_assert_ptr_nonnull(strstr(fault.what, "cannot read the folder"));
	ck_assert_int_eq(chown("certs", 0, 12346), 0);
	whole("a.pem", &server);
	load();
	problem("a.pem", KIT_ERR_PERMISSION, "the service cannot read a.pem");
	ck_assert_int_eq(chmod("certs/a.pem", 0640), 0);
	ck_assert_int_eq(chown("certs/a.pem", 0, 12346), 0);
	load();
	ck_assert(first()->served);
	/* A key of the service's group, but of a stranger's making. */
	ck_assert_int_eq(chown("certs/a.pem", 12347, 12346), 0);
	load();
	problem("a.pem", KIT_ERR_PERMISSION, "owner or group is neither root nor the service");
	ck_assert_int_eq(chown("certs/a.pem", 12345, 0), 0);
	load();
	ck_assert(first()->served);
}
END_TEST

START_TEST(a_bad_file_does_not_keep_the_others_from_serving)
{
	whole("b.pem", &server);
	cert_add_text(&text, "-----BEGIN CERTIFICATE-----\n@@@@\n-----END CERTIFICATE-----\n");
	file("a.pem", 0600);
	load();
	problem("a.pem", KIT_ERR_FORMAT, "cannot be read");
	ck_assert(first()->served);
	ck_assert_str_eq(first()->id, "b.pem");
}
END_TEST

START_TEST(the_order_is_that_of_the_names)
{
	struct cert_kind kind = server;

	kind.cn = "c.example.com";
	kind.san = NULL;
	whole("30-c.pem", &kind);
	kind.cn = "a.example.com";
	whole("10-a.pem", &kind);
	kind.cn = "b.example.com";
	whole("20-b.pem", &kind);
	load();
	ck_assert_str_eq(certificates_at(all, 0)->facts->cn, "a.example.com");
	ck_assert_str_eq(certificates_at(all, 1)->facts->cn, "b.example.com");
	ck_assert_str_eq(certificates_at(all, 2)->facts->cn, "c.example.com");
}
END_TEST

START_TEST(two_certificates_of_one_file_have_ids)
{
	struct cert_kind kind = server;
	struct cert other;

	kind.cn = "other.example.com";
	kind.san = NULL;
	cert_make(&other, &kind, &middle);
	cert_add_pem(&text, leaf.x);
	cert_add_pem(&text, other.x);
	cert_add_pem(&text, middle.x);
	cert_add_pem(&text, root.x);
	cert_add_key(&text, leaf.key, NULL, false);
	file("all.pem", 0600);
	load();
	ck_assert_str_eq(certificates_at(all, 0)->id, "all.pem");
	ck_assert_str_eq(certificates_at(all, 1)->id, "all.pem#2");
	ck_assert(certificates_at(all, 0)->served && certificates_at(all, 1)->served);
	ck_assert_str_eq(certificates_find(all, "all.pem#2")->facts->cn, "other.example.com");
	cert_free(&other);
}
END_TEST

START_TEST(what_lies_beside_is_passed_over)
{
	static const char *const names[] = {
		".hidden.pem", "leaf.pem~", "leaf.csr", "root.srl", "README.txt",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		cert_add_text(&text, "nothing");
		file(names[i], 0644);
	}
	ck_assert_int_eq(mkdir("certs/folder.pem", 0700), 0);
	ck_assert_int_eq(mkfifo("certs/pipe.pem", 0600), 0);
	ck_assert_int_eq(symlink("nowhere", "certs/dangling.pem"), 0);
	load();
	ck_assert_ptr_null(certificates_problem(all, 0));
	ck_assert_ptr_null(certificates_at(all, 0));
}
END_TEST

START_TEST(what_no_machine_would_accept_is_refused)
{
	struct cert_kind kind = server;

	kind.usage = "clientAuth,2.16.840.1.113741.1.2.3";
	whole("a.pem", &kind);
	kind = server;
	kind.usage = "serverAuth";
	kind.ou = "Intel(R) client setup certificate";
	whole("b.pem", &kind);
	kind = server;
	kind.from = -400;
	kind.until = -1;
	whole("c.pem", &kind);
	kind = server;
	kind.usage = "serverAuth";	/* the OU does */
	whole("d.pem", &kind);
	load();
	ck_assert(has(certificates_at(all, 0), FINDING_NOT_SERVER));
	ck_assert(has(certificates_at(all, 1), FINDING_NOT_AMT));
	ck_assert_str_eq(certificates_at(all, 1)->facts->near_ou,
			 "Intel(R) client setup certificate");
	ck_assert(has(certificates_at(all, 2), FINDING_EXPIRED));
	for (size_t i = 0; i < 3; i++)
		ck_assert(!certificates_at(all, i)->served);
	ck_assert(certificates_at(all, 3)->served);
}
END_TEST

START_TEST(what_some_would_not_is_served_with_a_warning)
{
	struct cert_kind kind = server;
	EVP_PKEY *small = cert_other_key("RSA", 1024), *curve = cert_other_key("P-384", 0);

	kind.digest = "SHA1";
	whole("a.pem", &kind);
	kind = server;
	kind.key = small;
	whole("b.pem", &kind);
	kind.key = curve;
	whole("c.pem", &kind);
	kind = server;
	kind.from = 1;
	kind.until = 100;
	whole("d.pem", &kind);
	load();
	ck_assert(has(certificates_at(all, 0), FINDING_WEAK_DIGEST));
	ck_assert(has(certificates_at(all, 1), FINDING_SHORT_KEY));
	ck_assert(has(certificates_at(all, 2), FINDING_EC));
	ck_assert(has(certificates_at(all, 3), FINDING_NOT_YET));
	for (size_t i = 0; i < 4; i++)
		ck_assert(certificates_at(all, i)->served);
	EVP_PKEY_free(small);
	EVP_PKEY_free(curve);
}
END_TEST

START_TEST(what_was_good_expires_while_it_is_served)
{
	struct cert_kind kind = server;
	uint8_t list[34] = { CHAIN_SHA256, 32 };
	struct certificate_match m;

	kind.from = -1;
	kind.until = 40;
	whole("a.pem", &kind);
	load();
	memcpy(list + 2, first()->facts->root_sha256, 32);
	ck_assert_uint_eq(first()->n_findings, 0);
	ck_assert(!certificates_turn(all, options.now + 86399));
	ck_assert(certificates_turn(all, options.now + 30 * 86400));
	ck_assert(!certificates_turn(all, options.now + 31 * 86400 - 1));
	ck_assert(first()->served && has(first(), FINDING_EXPIRES_30));
	/* Between two looks the clock decides. */
	ck_assert_uint_eq(certificates_match(all, list, 34, options.now + 39 * 86400, false, &m,
					     1), 1);
	ck_assert_uint_eq(certificates_match(all, list, 34, options.now + 41 * 86400, false, &m,
					     1), 0);
	ck_assert(certificates_turn(all, options.now + 41 * 86400));
	ck_assert(!first()->served);
	/* A clock that is set back is a new day, too. */
	ck_assert(certificates_turn(all, options.now));
	ck_assert(first()->served && first()->n_findings == 0);
	options.serve_expired = true;
	options.now += 41 * 86400;
	load();
	ck_assert(first()->served);
	ck_assert_uint_eq(certificates_match(all, list, 34, options.now, false, &m, 1), 1);
	ck_assert(!m.valid);
}
END_TEST

START_TEST(keys_that_do_not_belong_are_said)
{
	whole("a.pem", &server);
	cert_add_key(&text, root.key, NULL, false);
	file("root.key", 0600);
	load();
	problem("root.key", KIT_ERR_UNFIT, "private key of an authority");
	ck_assert(first()->served);
	unlink("certs/root.key");
	cert_add_key(&text, cert_key(3), NULL, false);
	file("old.key", 0600);
	load();
	problem("old.key", KIT_ERR_UNFIT, "no file holds its certificate");
	ck_assert(first()->served);
}
END_TEST

START_TEST(a_folder_that_cannot_be_read_is_an_error)
{
	ck_assert_int_eq(chmod("certs", 0777), 0);
	ck_assert_int_eq(certificates_load(&all, &options, &fault), KIT_ERR_PERMISSION);
	ck_assert_ptr_nonnull(strstr(fault.what, "everybody can write"));
	ck_assert_ptr_null(all);
	ck_assert_int_eq(chmod("certs", 0750), 0);
	for (int i = 0; i <= CERTIFICATES_FILES; i++) {
		char name[40];

		snprintf(name, sizeof(name), "%d.pem", i);
		cert_add_text(&text, "x");
		file(name, 0600);
	}
	fault_clear(&fault);
	ck_assert_int_eq(certificates_load(&all, &options, &fault), KIT_ERR_RANGE);
}
END_TEST

START_TEST(the_systems_certificates_complete_a_chain)
{
	char path[100];

	ck_assert_int_eq(mkdir("system", 0755), 0);
	snprintf(path, sizeof(path), "system/%08lx.0", X509_NAME_hash_ex(
		 X509_get_subject_name(root.x), NULL, NULL, NULL));
	cert_add_pem(&text, root.x);
	cert_text_write(&text, path, 0644);
	cert_text_free(&text);
	cert_add_pem(&text, leaf.x);
	cert_add_pem(&text, middle.x);
	cert_add_key(&text, leaf.key, NULL, false);
	file("vendor.pem", 0600);
	load();
	ck_assert(!first()->served && has(first(), FINDING_INCOMPLETE));
	options.system = "system";
	load();
	ck_assert(first()->served && has(first(), FINDING_BY_SYSTEM));
	options.system = "nowhere";
	load();
	ck_assert(!first()->served);
}
END_TEST

/* ---- matching ---- */

static uint8_t list[400];
static size_t size;

static void put(unsigned type, const void *digest, size_t n)
{
	list[size++] = (uint8_t)type;
	list[size++] = (uint8_t)n;
	memcpy(list + size, digest, n);
	size += n;
}

static void put_root(unsigned type, const char *id)
{
	const struct chain_facts *f = certificates_find(all, id)->facts;

	put(type, chain_root_digest(f, type), chain_digest_size(type));
}

/* The ids that match, with their types. */
static const char *matches(bool unlisted)
{
	struct certificate_match m[8];
	static char out[200];
	size_t n = certificates_match(all, list, size, options.now, unlisted, m, 8), at = 0;

	*out = '\0';
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%s:%u%s", i ? " " : "",
				       m[i].certificate->id, m[i].type, m[i].valid ? "" : "!");
	return out;
}

/* Three roots; certificates a and b of the first, c of the second, d of the third. */
static void three_roots(void)
{
	struct cert_kind other = { .cn = "Second Root", .authority = true, .key = cert_key(2) };
	struct cert_kind third = { .cn = "Third Root", .authority = true, .key = cert_key(3) };
	struct cert_kind kind = server;
	struct cert r;

	kind.from = 1;
	kind.until = 100;
	whole("a", &kind);
	whole("b", &server);
	cert_free(&root);
	cert_make(&r, &other, NULL);
	root = r;
	whole("c", &server);
	cert_free(&root);
	cert_make(&r, &third, NULL);
	root = r;
	whole("d", &server);
	load();
	size = 0;
}

START_TEST(the_best_match_comes_first)
{
	static const uint8_t strange[7] = { 1, 2, 3 };

	three_roots();
	ck_assert_str_eq(matches(false), "");
	put(9, strange, sizeof(strange));
	put_root(CHAIN_SHA1, "b");
	ck_assert_str_eq(matches(false), "b:1 a:1!");
	/* SHA-256 and better before SHA-1, though its place in the list is behind. */
	put_root(CHAIN_SHA256, "d");
	ck_assert_str_eq(matches(false), "d:2 b:1 a:1!");
	put_root(CHAIN_SHA384, "b");
	ck_assert_str_eq(matches(false), "b:3 d:2 a:3!");
	ck_assert_str_eq(matches(true), "b:3 d:2 a:3! c:0");
	/* A list that is cut off counts as far as it goes. */
	size -= 1;
	ck_assert_str_eq(matches(false), "d:2 b:1 a:1!");
}
END_TEST

START_TEST(a_digest_counts_by_its_type_alone)
{
	three_roots();
	/* Part of a digest, and one of another type. */
	put(CHAIN_SHA256, certificates_find(all, "b")->facts->root_sha256, 20);
	put(CHAIN_SHA1, certificates_find(all, "b")->facts->root_sha256, 32);
	put(CHAIN_SHA384, certificates_find(all, "b")->facts->root_sha256, 32);
	ck_assert_str_eq(matches(false), "");
}
END_TEST

/* New machines get the short way, old ones, which know the old root alone, the long one. */
START_TEST(a_root_signed_by_an_older_one_is_two_ways)
{
	struct cert_kind older = { .cn = "Old Root", .authority = true, .key = cert_key(3) };
	struct cert_kind crossed = { .cn = "Test Root", .authority = true, .digest = "SHA1" };
	struct cert old, cross;

	cert_make(&old, &older, NULL);
	cert_make(&cross, &crossed, &old);
	cert_add_pem(&text, leaf.x);
	cert_add_key(&text, leaf.key, NULL, false);
	cert_add_pem(&text, middle.x);
	cert_add_pem(&text, cross.x);
	cert_add_pem(&text, old.x);
	cert_add_pem(&text, root.x);
	file("vendor.pem", 0600);
	load();
	size = 0;
	put_root(CHAIN_SHA256, "vendor.pem#2");
	ck_assert_str_eq(matches(false), "vendor.pem#2:2");
	put_root(CHAIN_SHA256, "vendor.pem");
	ck_assert_str_eq(matches(false), "vendor.pem:2 vendor.pem#2:2");
	ck_assert_uint_eq(first()->n_findings, 0);
	ck_assert(certificates_find(all, "vendor.pem#2")->other_way);
	/* That new machines refuse it is no warning: they have the short one. */
	ck_assert(has(certificates_at(all, 1), FINDING_WEAK_DIGEST));
	ck_assert_int_eq(certificates_at(all, 1)->findings[0].severity, FINDING_NOTE);
	ck_assert_ptr_null(certificates_at(all, 2));
	cert_free(&cross);
	cert_free(&old);
}
END_TEST

START_TEST(what_is_refused_never_matches)
{
	struct cert_kind kind = server;

	kind.ou = NULL;
	kind.usage = "serverAuth";
	whole("a", &kind);
	load();
	size = 0;
	put_root(CHAIN_SHA256, "a");
	ck_assert_str_eq(matches(true), "");
}
END_TEST

TEST_SUITE("certificates")
{
	TCase *t = tcase_create("folder");

	tcase_add_unchecked_fixture(t, cert_keys, NULL);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, no_folder_and_an_empty_one_have_none);
	tcase_add_test(t, key_leaf_and_chain_may_be_in_files_of_their_own);
	tcase_add_test(t, a_pfx_has_its_password_beside_it);
	tcase_add_test(t, a_password_of_two_lines_or_none_is_refused);
	tcase_add_test(t, a_key_that_others_can_read_is_refused);
	tcase_add_test(t, a_password_that_others_can_read_is_refused);
	tcase_add_test(t, what_the_service_cannot_read_is_refused);
	tcase_add_test(t, a_bad_file_does_not_keep_the_others_from_serving);
	tcase_add_test(t, the_order_is_that_of_the_names);
	tcase_add_test(t, two_certificates_of_one_file_have_ids);
	tcase_add_test(t, what_lies_beside_is_passed_over);
	tcase_add_test(t, what_no_machine_would_accept_is_refused);
	tcase_add_test(t, what_some_would_not_is_served_with_a_warning);
	tcase_add_test(t, what_was_good_expires_while_it_is_served);
	tcase_add_test(t, keys_that_do_not_belong_are_said);
	tcase_add_test(t, a_folder_that_cannot_be_read_is_an_error);
	tcase_add_test(t, the_systems_certificates_complete_a_chain);
	tcase_add_test(t, the_best_match_comes_first);
	tcase_add_test(t, a_digest_counts_by_its_type_alone);
	tcase_add_test(t, a_root_signed_by_an_older_one_is_two_ways);
	tcase_add_test(t, what_is_refused_never_matches);
	suite_add_tcase(suite, t);
}
