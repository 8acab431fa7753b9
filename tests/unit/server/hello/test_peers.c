/* Who said hello: networks that count as one peer, how long it is remembered, how it is shown. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "server/hello/peers.h"
#include "tests/support/suite.h"

static struct sockaddr_in6 v6(const char *text)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6 };

	ck_assert_int_eq(inet_pton(AF_INET6, text, &a.sin6_addr), 1);
	return a;
}

static struct peer *find(struct peers *p, const char *text, enum peers_scope scope, int64_t when)
{
	struct sockaddr_in6 a = v6(text);

	return peers_find(p, (struct sockaddr *)&a, scope, when);
}

START_TEST(a_64_network_is_a_peer_beside_its_addresses)
{
	struct peers *p;
	struct sockaddr_in v4 = { .sin_family = AF_INET };

	ck_assert_int_eq(peers_new(&p, NULL), 0);
	ck_assert_ptr_eq(find(p, "2001:db8::1", PEERS_NETWORK, 0),
			 find(p, "2001:db8::ffff:2", PEERS_NETWORK, 0));
	ck_assert_ptr_ne(find(p, "2001:db8::1", PEERS_ADDRESS, 0),
			 find(p, "2001:db8::ffff:2", PEERS_ADDRESS, 0));
	ck_assert_ptr_ne(find(p, "2001:db8::", PEERS_ADDRESS, 0),
			 find(p, "2001:db8::", PEERS_NETWORK, 0));
	ck_assert_ptr_ne(find(p, "2001:db8::1", PEERS_NETWORK, 0),
			 find(p, "2001:db8:0:1::1", PEERS_NETWORK, 0));
	ck_assert_ptr_ne(find(p, "::ffff:192.0.2.1", PEERS_ADDRESS, 0),
			 find(p, "::ffff:192.0.2.2", PEERS_ADDRESS, 0));
	ck_assert_ptr_null(find(p, "::ffff:192.0.2.1", PEERS_NETWORK, 0));
	v4.sin_addr.s_addr = inet_addr("192.0.2.1");
	ck_assert_ptr_eq(peers_find(p, (struct sockaddr *)&v4, PEERS_ADDRESS, 0),
			 find(p, "::ffff:192.0.2.1", PEERS_ADDRESS, 0));
	ck_assert_ptr_null(peers_find(p, (struct sockaddr *)&v4, PEERS_NETWORK, 0));
	peers_free(&p);
}
END_TEST

/* Peer number I of very many. */
static struct peer *find_many(struct peers *p, unsigned i, int64_t when)
{
	char text[64];

	snprintf(text, sizeof(text), "2001:%x:%x::1", 1 + (i >> 16), i & 0xffff);
	return find(p, text, PEERS_ADDRESS, when);
}

START_TEST(a_full_table_forgets_the_cheapest_and_refuses_nobody)
{
	struct peers *p;
	struct peer *busy, *loud, *e;

	ck_assert_int_eq(peers_new(&p, NULL), 0);
	busy = find(p, "2001:db8::1", PEERS_ADDRESS, 0);
	peers_opened(p, busy);
	/* Over its limit: to forget that would let it begin again. */
	loud = find(p, "2001:db8::2", PEERS_ADDRESS, 0);
	peers_opened(p, loud);
	ck_assert(peers_count_one(loud, PEERS_HELLO, 0, 1));
	ck_assert(!peers_count_one(loud, PEERS_HELLO, 0, 1));
	ck_assert(peers_first_excess(loud, 0));
	peers_closed(p, loud);
	peers_vouch(p, "192.0.2.1", 0);
	for (unsigned i = 0; i < 200000; i++) {
		e = find_many(p, i, 10);
		ck_assert_ptr_nonnull(e);
		/* Some have said one hello, most are silent. */
		peers_opened(p, e);
		if (i % 100 == 0)
			peers_count_one(e, PEERS_HELLO, 10, 60);
		peers_closed(p, e);
	}
	ck_assert_uint_eq(peers_count(p), PEERS_MOST);
	ck_assert_uint_eq(find_many(p, 0, 10)->counts[PEERS_HELLO], 1);
	ck_assert_uint_eq(find(p, "2001:db8::2", PEERS_ADDRESS, 10)->counts[PEERS_HELLO], 1);
	ck_assert(find(p, "::ffff:192.0.2.1", PEERS_ADDRESS, 10)->known);
	ck_assert_ptr_eq(find(p, "2001:db8::1", PEERS_ADDRESS, 10), busy);
	/* In the next minute the rest is forgotten: but not who is connected or known. */
	ck_assert_ptr_nonnull(find(p, "2001:db9::1", PEERS_ADDRESS, 70));
	ck_assert_uint_eq(peers_count(p), 3);
	ck_assert_ptr_eq(find(p, "2001:db8::1", PEERS_ADDRESS, 70), busy);
	ck_assert(find(p, "::ffff:192.0.2.1", PEERS_ADDRESS, 70)->known);
	peers_free(&p);
}
END_TEST

START_TEST(a_table_of_connections_has_nobody_to_forget)
{
	struct peers *p;
	struct peer *last = NULL;

	ck_assert_int_eq(peers_new(&p, NULL), 0);
	for (unsigned i = 0; i < PEERS_MOST; i++) {
		last = find_many(p, i, 0);
		peers_opened(p, last);
	}
	ck_assert_ptr_null(find_many(p, PEERS_MOST, 0));
	peers_closed(p, last);
	ck_assert_ptr_nonnull(find_many(p, PEERS_MOST, 0));
	peers_free(&p);
}
END_TEST

START_TEST(troubles_do_not_use_up_hellos)
{
	struct peers *p;
	struct peer *e;

	ck_assert_int_eq(peers_new(&p, NULL), 0);
	e = find(p, "2001:db8::1", PEERS_ADDRESS, 0);
	ck_assert(peers_count_one(e, PEERS_TROUBLE, 0, 1));
	ck_assert(!peers_count_one(e, PEERS_TROUBLE, 0, 1));
	ck_assert(peers_count_one(e, PEERS_HELLO, 0, 1));
	ck_assert(!peers_count_one(e, PEERS_HELLO, 0, 1));
	ck_assert(peers_count_one(e, PEERS_HELLO, 60, 1));
	peers_free(&p);
}
END_TEST

TEST_SUITE("peers")
{
	TCase *t = tcase_create("peers");

	tcase_add_test(t, a_64_network_is_a_peer_beside_its_addresses);
	tcase_add_test(t, a_full_table_forgets_the_cheapest_and_refuses_nobody);
	tcase_add_test(t, a_table_of_connections_has_nobody_to_forget);
	tcase_add_test(t, troubles_do_not_use_up_hellos);
	suite_add_tcase(suite, t);
}
