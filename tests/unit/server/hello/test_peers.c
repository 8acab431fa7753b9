/* Who said hello: networks that count as one peer, how long it is remembered, how it is shown. */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "server/hello/peers.h"

static struct sockaddr_in6 v6(const char *text)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6 };

	ck_assert_int_eq(inet_pton(AF_INET6, text, &a.sin6_addr), 1);
	return a;
}

static struct peer *find(struct peers *p, const char *text, int64_t when)
{
	struct sockaddr_in6 a = v6(text);

	return peers_find(p, (struct sockaddr *)&a, when);
}

START_TEST(a_64_network_is_one_peer_and_ipv4_counts_by_address)
{
	struct peers *p;
	struct sockaddr_in v4 = { .sin_family = AF_INET };

	ck_assert_int_eq(peers_new(&p, NULL), 0);
	ck_assert_ptr_eq(find(p, "2001:db8::1", 0), find(p, "2001:db8::ffff:2", 0));
	ck_assert_ptr_ne(find(p, "2001:db8::1", 0), find(p, "2001:db8:0:1::1", 0));
	ck_assert_ptr_ne(find(p, "::ffff:192.0.2.1", 0), find(p, "::ffff:192.0.2.2", 0));
	v4.sin_addr.s_addr = inet_addr("192.0.2.1");
	ck_assert_ptr_eq(peers_find(p, (struct sockaddr *)&v4, 0), find(p, "::ffff:192.0.2.1", 0));
	peers_free(&p);
}
END_TEST

START_TEST(peers_are_forgotten_after_their_minute_and_bounded_within_it)
{
	struct peers *p;
	struct peer *busy;
	char text[64];
	unsigned n = 0;

	ck_assert_int_eq(peers_new(&p, NULL), 0);
	busy = find(p, "2001:db8::1", 0);
	busy->open = 1;
	for (unsigned i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "2001:%x:%x::1", 1 + (i >> 16), i & 0xffff);
		n += find(p, text, 10) != NULL;
	}
	ck_assert_uint_eq(peers_count(p), 65536);
	ck_assert_uint_eq(n, 65535);
	ck_assert_ptr_nonnull(find(p, "2001:db9::1", 70));
	ck_assert_uint_eq(peers_count(p), 2);
	ck_assert_ptr_eq(find(p, "2001:db8::1", 70), busy);
	peers_free(&p);
}
END_TEST

START_TEST(addresses_are_shown_as_people_write_them)
{
	struct sockaddr_in6 a = v6("::ffff:192.0.2.1"), b = v6("2001:db8::1");
	char text[PEERS_TEXT + 1];

	peers_show((struct sockaddr *)&a, text);
	ck_assert_str_eq(text, "192.0.2.1");
	peers_show((struct sockaddr *)&b, text);
	ck_assert_str_eq(text, "2001:db8::1");
	a = v6("fe80::1");
	a.sin6_scope_id = 1;
	peers_show((struct sockaddr *)&a, text);
	ck_assert_str_eq(text, "fe80::1%lo");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("peers");
	TCase *t = tcase_create("peers");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(t, a_64_network_is_one_peer_and_ipv4_counts_by_address);
	tcase_add_test(t, peers_are_forgotten_after_their_minute_and_bounded_within_it);
	tcase_add_test(t, addresses_are_shown_as_people_write_them);
	suite_add_tcase(suite, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
