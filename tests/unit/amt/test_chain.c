/* Tests of chains: put in order from heaps of certificates, and sent in TLS as AMT wants them. */
#include <check.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "amt/chain.h"
#include "tests/support/certs.h"
#include "tests/support/suite.h"

static const struct cert_kind authority = { .cn = "Test Root", .authority = true };
static struct cert_kind between = { .cn = "Test Issuer", .authority = true };
static const struct cert_kind server = {
	.cn = "provision.example.com", .ou = CERT_OU, .usage = CERT_USAGE,
	.san = "DNS:provision.example.com,DNS:other.example.com",
};

static struct cert root, middle, leaf;
static struct cert_text text;
static struct bundle *bundle;
static struct chain *chain, *none;
static struct fault fault;

static void setup(void)
{
	memset(&fault, 0, sizeof(fault));
	between.key = cert_key(2);
	cert_make(&root, &authority, NULL);
	cert_make(&middle, &between, &root);
	cert_make(&leaf, &server, &middle);
	ck_assert_int_eq(bundle_new(&bundle, &fault), 0);
}

static void teardown(void)
{
	chain_free(&chain);
	bundle_free(&bundle);
	cert_text_free(&text);
	cert_free(&leaf);
	cert_free(&middle);
	cert_free(&root);
}

/* Hand the text that was put together to the bundle, as the file FILE. */
static void file(const char *name)
{
	ck_assert_int_eq(bundle_read(bundle, name, text.data, text.size, true, NULL, &fault), 0);
	cert_text_free(&text);
}

static const struct chain_facts *make(void)
{
	chain_free(&chain);
	ck_assert_int_eq(chain_make(&chain, bundle, NULL, 0, &fault), 0);
	return chain_facts(chain);
}

START_TEST(a_chain_is_ordered_whatever_the_order_of_its_file)
{
	/* Each order of leaf, issuer, root and key. */
	static const char orders[][5] = { "RMLk", "kLMR", "MkRL", "LRMk", "RkML", "LMRk" };
	const struct chain_facts *f;

	for (const char *o = orders[_i]; *o; o++) {
		if (*o == 'k')
			cert_add_key(&text, leaf.key, NULL, false);
		else
			cert_add_pem(&text, *o == 'R' ? root.x : *o == 'M' ? middle.x : leaf.x);
	}
	file("all.pem");
	f = make();
	ck_assert(f->complete && f->has_key && !f->by_system && !f->weak_digest);
	ck_assert_uint_eq(f->n_links, 3);
	ck_assert_str_eq(f->links[0].subject, "provision.example.com");
	ck_assert_str_eq(f->links[0].issuer, "Test Issuer");
	ck_assert_str_eq(f->links[1].subject, "Test Issuer");
	ck_assert_str_eq(f->links[2].subject, "Test Root");
	ck_assert_str_eq(f->links[2].file, "all.pem");
	ck_assert_str_eq(f->links[0].digest, "SHA256");
	ck_assert_int_eq(f->links[0].key, CHAIN_KEY_RSA);
	ck_assert_uint_eq(f->links[0].bits, 2048);
	ck_assert_int_eq(chain_make(&none, bundle, NULL, 1, &fault), KIT_ERR_NOT_FOUND);
	ck_assert_ptr_null(none);
}
END_TEST

START_TEST(its_parts_may_come_from_several_files)
{
	const struct chain_facts *f;

	cert_add_key(&text, leaf.key, NULL, false);
	file("leaf.key");
	cert_add_der(&text, root.x);
	file("root.cer");
	cert_add_pem(&text, leaf.x);
	file("leaf.pem");
	cert_add_der(&text, middle.x);
	file("issuer.der");
	f = make();
	ck_assert(f->complete && f->has_key);
	ck_assert_str_eq(f->links[0].file, "leaf.pem");
	ck_assert_str_eq(f->links[1].file, "issuer.der");
	ck_assert_str_eq(f->links[2].file, "root.cer");
}
END_TEST

START_TEST(names_usage_and_root_digests_are_known)
{
	const struct chain_facts *f;
	uint8_t digest[48];

	cert_add_pem(&text, leaf.x);
	cert_add_pem(&text, middle.x);
	cert_add_pem(&text, root.x);
	file("all.pem");
	f = make();
	ck_assert_str_eq(f->cn, "provision.example.com");
	ck_assert_uint_eq(f->n_names, 2);
	ck_assert_str_eq(f->names[1], "other.example.com");
	ck_assert(f->server_auth && f->amt_oid && f->amt_ou && !*f->near_ou && !f->has_key);
	/* Of the whole certificate, by each of the three. */
	X509_digest(root.x, EVP_sha1(), digest, NULL);
	ck_assert_mem_eq(chain_root_digest(f, CHAIN_SHA1), digest, 20);
	X509_digest(root.x, EVP_sha256(), digest, NULL);
	ck_assert_mem_eq(chain_root_digest(f, CHAIN_SHA256), digest, 32);
	X509_digest(root.x, EVP_sha384(), digest, NULL);
	ck_assert_mem_eq(chain_root_digest(f, CHAIN_SHA384), digest, 48);
	ck_assert_ptr_null(chain_root_digest(f, 4));
	ck_assert_uint_eq(chain_digest_size(4), 0);
}
END_TEST

START_TEST(without_an_issuer_a_chain_is_not_complete)
{
	const struct chain_facts *f;

	cert_add_pem(&text, leaf.x);
	cert_add_pem(&text, root.x);
	file("gap.pem");
	f = make();
	ck_assert(!f->complete);
	ck_assert_uint_eq(f->n_links, 1);
	ck_assert_ptr_null(chain_root_digest(f, CHAIN_SHA256));
	chain_free(&chain);
	ck_assert_int_eq(chain_make_other(&chain, bundle, NULL, 0, 1, &fault),
			 KIT_ERR_NOT_FOUND);
	cert_add_pem(&text, middle.x);
	file("issuer.pem");
	ck_assert(make()->complete);
}
END_TEST

START_TEST(a_namesake_that_did_not_sign_is_no_issuer)
{
	struct cert_kind kind = between;
	const struct chain_facts *f;
	struct cert other;

	kind.key = cert_key(3);
	cert_make(&other, &kind, &root);
	cert_add_pem(&text, other.x);
	cert_add_pem(&text, leaf.x);
	cert_add_pem(&text, root.x);
	file("forged.pem");
	f = make();
	ck_assert(!f->complete);
	ck_assert_uint_eq(f->n_links, 1);
	cert_add_pem(&text, middle.x);
	file("true.pem");
	f = make();
	ck_assert(f->complete);
	ck_assert_str_eq(f->links[1].file, "true.pem");
	cert_free(&other);
}
END_TEST

/*
 * The root is there twice: signed by itself, and with SHA-1 by one from before, which AMT 15
 * refuses. The shorter way wins, whatever comes first.
 */
START_TEST(a_cross_signed_root_is_cut_off)
{
	struct cert_kind older = { .cn = "Old Root", .authority = true, .key = cert_key(3) };
	struct cert_kind crossed = { .cn = "Test Root", .authority = true, .digest = "SHA1" };
	const struct chain_facts *f;
	struct cert old, cross;

	cert_make(&old, &older, NULL);
	cert_make(&cross, &crossed, &old);
	cert_add_pem(&text, leaf.x);
	cert_add_pem(&text, middle.x);
	cert_add_pem(&text, cross.x);
	cert_add_pem(&text, old.x);
	file("vendor.pem");
	f = make();
	ck_assert(f->complete && f->weak_digest);
	ck_assert_uint_eq(f->n_links, 4);
	ck_assert_str_eq(f->links[3].subject, "Old Root");
	ck_assert_str_eq(f->links[2].digest, "SHA1");
	cert_add_pem(&text, root.x);
	file("root.pem");
	f = make();
	ck_assert(f->complete && !f->weak_digest);
	ck_assert_uint_eq(f->n_links, 3);
	ck_assert_str_eq(f->links[2].subject, "Test Root");
	/* For machines that know the old root alone there is the other way. */
	chain_free(&chain);
	ck_assert_int_eq(chain_make_other(&chain, bundle, NULL, 0, 1, &fault), 0);
	f = chain_facts(chain);
	ck_assert_uint_eq(f->n_links, 4);
	ck_assert_str_eq(f->links[3].subject, "Old Root");
	ck_assert_int_eq(chain_make_other(&none, bundle, NULL, 0, 2, &fault), KIT_ERR_NOT_FOUND);
	cert_free(&cross);
	cert_free(&old);
}
END_TEST

START_TEST(what_is_not_an_authority_issues_nothing)
{
	struct cert_kind kind = { .cn = "Test Issuer", .bare = true, .key = cert_key(2) };
	const struct chain_facts *f;
	struct cert other, end;

	cert_make(&other, &kind, &root);
	kind = server;
	cert_make(&end, &kind, &other);
	cert_add_pem(&text, end.x);
	cert_add_pem(&text, other.x);
	cert_add_pem(&text, root.x);
	file("all.pem");
	f = make();
	ck_assert_str_eq(f->cn, "provision.example.com");
	ck_assert_uint_eq(f->n_links, 1);
	cert_free(&end);
	cert_free(&other);
}
END_TEST

/* The same issuer, signed twice: SHA-1 comes first in the file, and is not taken. */
START_TEST(sha256_goes_before_sha1)
{
	struct cert_kind kind = between;
	struct cert old;

	kind.digest = "SHA1";
	cert_make(&old, &kind, &root);
	cert_add_pem(&text, leaf.x);
	cert_add_pem(&text, old.x);
	cert_add_pem(&text, middle.x);
	cert_add_pem(&text, root.x);
	file("both.pem");
	ck_assert_str_eq(make()->links[1].digest, "SHA256");
	cert_free(&old);
}
END_TEST

START_TEST(two_that_signed_each_other_end)
{
	struct cert_kind a = { .cn = "A", .authority = true };
	struct cert_kind b = { .cn = "B", .authority = true, .key = cert_key(2) };
	struct cert self_a, self_b, ab, ba, by_a;
	const struct chain_facts *f;

	cert_make(&self_a, &a, NULL);
	cert_make(&self_b, &b, NULL);
	cert_make(&ab, &a, &self_b);
	cert_make(&ba, &b, &self_a);
	cert_make(&by_a, &server, &ab);
	cert_add_pem(&text, by_a.x);
	cert_add_pem(&text, ab.x);
	cert_add_pem(&text, ba.x);
	file("loop.pem");
	f = make();
	ck_assert(!f->complete);
	ck_assert_uint_eq(f->n_links, 3);
	cert_free(&self_a);
	cert_free(&self_b);
	cert_free(&ab);
	cert_free(&ba);
	cert_free(&by_a);
}
END_TEST

START_TEST(the_key_of_another_is_not_taken)
{
	const struct chain_facts *f;

	cert_add_pem(&text, leaf.x);
	file("leaf.pem");
	cert_add_key(&text, cert_key(3), NULL, false);
	file("wrong.key");
	f = make();
	ck_assert(!f->has_key);
	ck_assert_str_eq(f->other_key, "wrong.key");
	/* The root's key belongs to the root. */
	bundle_free(&bundle);
	ck_assert_int_eq(bundle_new(&bundle, &fault), 0);
	cert_add_pem(&text, leaf.x);
	cert_add_pem(&text, root.x);
	cert_add_key(&text, root.key, NULL, false);
	file("leaf.pem");
	f = make();
	ck_assert(!f->has_key);
	ck_assert_str_eq(f->other_key, "");
}
END_TEST

START_TEST(the_system_completes_what_the_files_lack)
{
	X509_STORE *store = X509_STORE_new();
	const struct chain_facts *f;

	ck_assert(X509_STORE_add_cert(store, root.x));
	cert_add_pem(&text, leaf.x);
	cert_add_pem(&text, middle.x);
	file("vendor.pem");
	ck_assert(!make()->complete);
	chain_free(&chain);
	ck_assert_int_eq(chain_make(&chain, bundle, store, 0, &fault), 0);
	X509_STORE_free(store);
	f = chain_facts(chain);
	ck_assert(f->complete && f->by_system);
	ck_assert_uint_eq(f->n_links, 3);
	ck_assert_str_eq(f->links[2].subject, "Test Root");
	ck_assert_str_eq(f->links[2].file, "");
}
END_TEST

/* Two names that issued each other, over and over: ways without number, none of which ends. */
START_TEST(many_namesakes_end_the_search)
{
	struct cert_kind kind[2] = { { .cn = "A", .authority = true },
				     { .cn = "B", .authority = true, .key = cert_key(2) } };
	struct cert self[2], c;

	cert_make(&self[0], &kind[0], NULL);
	cert_make(&self[1], &kind[1], NULL);
	for (int i = 0; i < 100; i++) {
		cert_make(&c, &kind[i % 2], &self[1 - i % 2]);
		cert_add_pem(&text, c.x);
		cert_free(&c);
	}
	cert_make(&c, &server, &self[0]);
	cert_add_pem(&text, c.x);
	file("many.pem");
	ck_assert(!make()->complete);
	cert_free(&c);
	cert_free(&self[0]);
	cert_free(&self[1]);
}
END_TEST

START_TEST(a_nul_in_a_name_is_seen)
{
	X509_NAME *name = X509_get_subject_name(leaf.x);
	X509_NAME_ENTRY *entry = X509_NAME_delete_entry(name, 0);

	X509_NAME_ENTRY_free(entry);
	ck_assert(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		  (const unsigned char *)"a.example.com\0.evil\n", 20, 0, 0));
	ck_assert(X509_sign(leaf.x, middle.key, EVP_sha256()));
	cert_add_pem(&text, leaf.x);
	file("leaf.pem");
	ck_assert_str_eq(make()->cn, "a.example.com?.evil?");
}
END_TEST

START_TEST(a_chain_lives_as_long_as_somebody_has_it)
{
	struct chain *kept;
	uint8_t *der = NULL;
	size_t size = 0;

	cert_add_pem(&text, leaf.x);
	file("leaf.pem");
	make();
	kept = chain_ref(chain);
	chain_free(&chain);
	bundle_free(&bundle);
	ck_assert_ptr_null(chain);
	ck_assert_str_eq(chain_facts(kept)->cn, "provision.example.com");
	ck_assert_int_eq(chain_der(kept, 0, &der, &size, &fault), 0);
	ck_assert_uint_eq(size, chain_facts(kept)->bytes);
	free(der);
	ck_assert_int_eq(chain_der(kept, 1, &der, &size, &fault), KIT_ERR_ARGUMENT);
	chain_free(&kept);
}
END_TEST

START_TEST(days_are_rounded_down)
{
	ck_assert_int_eq(chain_days_left(1000000, 1000000), 0);
	ck_assert_int_eq(chain_days_left(1000000 + CHAIN_DAY - 1, 1000000), 0);
	ck_assert_int_eq(chain_days_left(1000000 + CHAIN_DAY, 1000000), 1);
	ck_assert_int_eq(chain_days_left(999999, 1000000), -1);
	ck_assert_int_eq(chain_days_left(1000000 - CHAIN_DAY, 1000000), -1);
	ck_assert_int_eq(chain_days_left(1000000 - CHAIN_DAY - 1, 1000000), -2);
}
END_TEST

/* ---- in TLS ---- */

static STACK_OF(X509) *seen;

static int on_certificates(X509_STORE_CTX *context, void *user)
{
	seen = X509_chain_up_ref(X509_STORE_CTX_get0_untrusted(context));
	return 1;
}

/* A machine that wants a certificate, and a client with the chain: what does the machine see? */
static bool shake_hands(SSL_CTX *client_context)
{
	SSL_CTX *machine = SSL_CTX_new(TLS_server_method());
	SSL *a, *b;
	BIO *x, *y;
	bool done;

	ck_assert(SSL_CTX_use_certificate(machine, root.x) == 1 &&
		  SSL_CTX_use_PrivateKey(machine, root.key) == 1);
	SSL_CTX_set_security_level(machine, 0);
	SSL_CTX_set_verify(machine, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(machine, on_certificates, NULL);
	a = SSL_new(client_context);
	b = SSL_new(machine);
	ck_assert(BIO_new_bio_pair(&x, 0, &y, 0));
	SSL_set_bio(a, x, x);
	SSL_set_bio(b, y, y);
	SSL_set_connect_state(a);
	SSL_set_accept_state(b);
	for (int i = 0; i < 20; i++) {
		SSL_do_handshake(a);
		SSL_do_handshake(b);
	}
	done = SSL_is_init_finished(a) && SSL_is_init_finished(b);
	SSL_free(a);
	SSL_free(b);
	SSL_CTX_free(machine);
	return done;
}

/* 0: RSA and SHA-256, 1: SHA-1, which OpenSSL's usual security level refuses. */
START_TEST(leaf_issuers_and_root_are_sent_in_order)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	struct cert_kind kind = server;
	struct cert old;

	kind.digest = "SHA1";
	cert_make(&old, &kind, &middle);
	cert_add_pem(&text, root.x);
	cert_add_pem(&text, middle.x);
	cert_add_pem(&text, _i ? old.x : leaf.x);
	cert_add_key(&text, leaf.key, NULL, false);
	file("all.pem");
	make();
	SSL_CTX_set_security_level(context, 2);
	ck_assert_int_eq(chain_use(chain, context, &fault), 0);
	ck_assert(shake_hands(context));
	ck_assert_int_eq(sk_X509_num(seen), 3);
	ck_assert_int_eq(X509_cmp(sk_X509_value(seen, 0), _i ? old.x : leaf.x), 0);
	ck_assert_int_eq(X509_cmp(sk_X509_value(seen, 1), middle.x), 0);
	ck_assert_int_eq(X509_cmp(sk_X509_value(seen, 2), root.x), 0);
	sk_X509_pop_free(seen, X509_free);
	SSL_CTX_free(context);
	cert_free(&old);
}
END_TEST

START_TEST(what_is_not_whole_is_not_used)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	cert_add_pem(&text, leaf.x);
	cert_add_pem(&text, middle.x);
	cert_add_pem(&text, root.x);
	file("all.pem");
	make();
	ck_assert_int_eq(chain_use(chain, context, &fault), KIT_ERR_STATE);
	ck_assert_ptr_nonnull(strstr(fault.what, "lacks its private key"));
	SSL_CTX_free(context);
}
END_TEST

TEST_SUITE("chain")
{
	TCase *t = tcase_create("chains");

	tcase_add_unchecked_fixture(t, cert_keys, NULL);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_chain_is_ordered_whatever_the_order_of_its_file, 0, 6);
	tcase_add_test(t, its_parts_may_come_from_several_files);
	tcase_add_test(t, names_usage_and_root_digests_are_known);
	tcase_add_test(t, without_an_issuer_a_chain_is_not_complete);
	tcase_add_test(t, a_namesake_that_did_not_sign_is_no_issuer);
	tcase_add_test(t, a_cross_signed_root_is_cut_off);
	tcase_add_test(t, what_is_not_an_authority_issues_nothing);
	tcase_add_test(t, sha256_goes_before_sha1);
	tcase_add_test(t, two_that_signed_each_other_end);
	tcase_add_test(t, the_key_of_another_is_not_taken);
	tcase_add_test(t, the_system_completes_what_the_files_lack);
	tcase_add_test(t, many_namesakes_end_the_search);
	tcase_add_test(t, a_nul_in_a_name_is_seen);
	tcase_add_test(t, a_chain_lives_as_long_as_somebody_has_it);
	tcase_add_test(t, days_are_rounded_down);
	tcase_add_loop_test(t, leaf_issuers_and_root_are_sent_in_order, 0, 2);
	tcase_add_test(t, what_is_not_whole_is_not_used);
	suite_add_tcase(suite, t);
}
