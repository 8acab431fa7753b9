/* Tests of the certificates that machines make for themselves: kinds, chains, files. */
#include <check.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "samples/amt-sim/sim-identity.h"
#include "tests/support/suite.h"

static char folder[64], file[96], key_file[104];
static struct sim_identities *m;
static struct sim_identity one, two;
static struct fault fault;

static void setup(void)
{
	strcpy(folder, "/tmp/test_sim_identityXXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/root.pem", folder);
	snprintf(key_file, sizeof(key_file), "%s.key", file);
	fault_clear(&fault);
	m = NULL;
	memset(&one, 0, sizeof(one));
	memset(&two, 0, sizeof(two));
}

static void teardown(void)
{
	sim_identity_clear(&one);
	sim_identity_clear(&two);
	sim_identities_free(&m);
	unlink(file);
	unlink(key_file);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void make_two(enum sim_own kind, const char *key, const char *root)
{
	ck_assert_msg(sim_identities_new(&m, kind, key, root, &fault) == 0, "%s", fault.what);
	ck_assert_int_eq(sim_identities_make(m, &one, &fault), 0);
	ck_assert_int_eq(sim_identities_make(m, &two, &fault), 0);
}

static gnutls_x509_crt_t certificate(const struct sim_identity *i, unsigned at)
{
	gnutls_x509_crt_t c;

	ck_assert_int_eq(gnutls_x509_crt_init(&c), 0);
	ck_assert_int_eq(gnutls_x509_crt_import(c, &i->chain[at].cert, GNUTLS_X509_FMT_DER), 0);
	return c;
}

static bool same(const gnutls_datum_t *a, const gnutls_datum_t *b)
{
	return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

static void check_kind(gnutls_pk_algorithm_t kind, unsigned bits)
{
	gnutls_x509_crt_t c = certificate(&one, 0);
	unsigned found = 0;

	ck_assert_int_eq(gnutls_x509_crt_get_pk_algorithm(c, &found), (int)kind);
	ck_assert_uint_eq(found, bits);
	gnutls_x509_crt_deinit(c);
}

START_TEST(self_signed_ones_share_a_key_and_differ_in_their_numbers)
{
	static const enum sim_own kinds[] = { SIM_OWN_RSA, SIM_OWN_P384 };

	for (size_t i = 0; i < 2; i++) {
		gnutls_x509_crt_t a, b;

		make_two(kinds[i], NULL, NULL);
		ck_assert_uint_eq(one.n, 1);
		check_kind(i == 0 ? GNUTLS_PK_RSA : GNUTLS_PK_ECDSA, i == 0 ? 2048 : 384);
		ck_assert(!same(&one.chain[0].cert, &two.chain[0].cert));
		a = certificate(&one, 0);
		b = certificate(&two, 0);
		ck_assert(gnutls_x509_crt_check_issuer(a, a));
		ck_assert(gnutls_x509_crt_equals(a, b) == 0);
		gnutls_x509_crt_deinit(a);
		gnutls_x509_crt_deinit(b);
		sim_identity_clear(&one);
		sim_identity_clear(&two);
		sim_identities_free(&m);
	}
}
END_TEST

START_TEST(an_on_die_chain_ends_in_the_root_of_its_file_which_is_not_sent)
{
	gnutls_x509_crt_t chain[SIM_IDENTITY_CHAIN], root;
	gnutls_datum_t pem = { NULL, 0 };
	unsigned status = 1;
	struct stat st;

	make_two(SIM_OWN_ON_DIE, NULL, file);
	ck_assert_uint_eq(one.n, SIM_IDENTITY_CHAIN);
	check_kind(GNUTLS_PK_ECDSA, 384);
	ck_assert(!same(&one.chain[0].cert, &two.chain[0].cert));
	ck_assert(same(&one.chain[1].cert, &two.chain[1].cert));
	ck_assert_int_eq(gnutls_load_file(file, &pem), 0);
	ck_assert_int_eq(gnutls_x509_crt_init(&root), 0);
	ck_assert_int_eq(gnutls_x509_crt_import(root, &pem, GNUTLS_X509_FMT_PEM), 0);
	gnutls_free(pem.data);
	for (unsigned i = 0; i < SIM_IDENTITY_CHAIN; i++) {
		chain[i] = certificate(&one, i);
		ck_assert(!gnutls_x509_crt_equals(chain[i], root));
	}
	ck_assert_int_eq(gnutls_x509_crt_list_verify(chain, SIM_IDENTITY_CHAIN, &root, 1, NULL, 0,
						     0, &status), 0);
	ck_assert_uint_eq(status, 0);
	for (unsigned i = 0; i < SIM_IDENTITY_CHAIN; i++)
		gnutls_x509_crt_deinit(chain[i]);
	gnutls_x509_crt_deinit(root);
	ck_assert_int_eq(stat(key_file, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	/* The same root again, from its files. */
	sim_identities_free(&m);
	ck_assert_int_eq(sim_identities_new(&m, SIM_OWN_ON_DIE, NULL, file, &fault), 0);
}
END_TEST

START_TEST(files_of_something_else_are_refused)
{
	FILE *f = fopen(file, "w");

	ck_assert_ptr_nonnull(f);
	fputs("nonsense\n", f);
	fclose(f);
	ck_assert_int_eq(sim_identities_new(&m, SIM_OWN_RSA, file, NULL, &fault), KIT_ERR_FORMAT);
	ck_assert_ptr_null(m);
	fault_clear(&fault);
	ck_assert_int_eq(sim_identities_new(&m, SIM_OWN_ON_DIE, NULL, file, &fault),
			 KIT_ERR_FORMAT);
	ck_assert_ptr_null(m);
}
END_TEST

START_TEST(a_key_of_a_file_is_made_once_and_used_again)
{
	uint8_t a[2048], b[2048], other[2048];
	size_t n = sizeof(a), k = sizeof(b), o = sizeof(other);

	ck_assert_int_eq(sim_identity_key_pair(2048, key_file, a, &n, &fault), 0);
	ck_assert_int_eq(sim_identity_key_pair(2048, key_file, b, &k, &fault), 0);
	ck_assert_uint_eq(n, k);
	ck_assert_mem_eq(a, b, n);
	ck_assert_int_eq(sim_identity_key_pair(2048, NULL, other, &o, &fault), 0);
	ck_assert(o != n || memcmp(a, other, n) != 0);
	make_two(SIM_OWN_RSA, key_file, NULL);
	/* The certificate is that key's, and no other one's. */
	sim_identity_clear(&two);
	ck_assert_int_eq(sim_identity_import(&two, a, n, one.chain[0].cert.data,
					     one.chain[0].cert.size, &fault), 0);
	sim_identity_clear(&two);
	ck_assert_int_eq(sim_identity_import(&two, other, o, one.chain[0].cert.data,
					     one.chain[0].cert.size, &fault), KIT_ERR_CRYPTO);
	ck_assert_uint_eq(two.n, 0);
}
END_TEST

TEST_SUITE("sim_identity")
{
	TCase *t = tcase_create("identity");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, self_signed_ones_share_a_key_and_differ_in_their_numbers);
	tcase_add_test(t, an_on_die_chain_ends_in_the_root_of_its_file_which_is_not_sent);
	tcase_add_test(t, files_of_something_else_are_refused);
	tcase_add_test(t, a_key_of_a_file_is_made_once_and_used_again);
	suite_add_tcase(suite, t);
}
