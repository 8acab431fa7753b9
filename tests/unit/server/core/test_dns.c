/* Reverse DNS against a name server of this test: what is asked, and which answers are believed. */
#include <check.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/dns-private.h"
#include "server/core/dns.h"
#include "tests/support/nameserver.h"
#include "tests/support/suite.h"

static struct event_base *base;
static struct dns *dns;
static struct nameserver server;
static struct fault fault;

/* What the server says: a name for every address, an address for every name, or neither. */
static struct {
	const char *name, *address;
	unsigned rcode;
} serve;

/* What came out. */
static struct {
	unsigned times;
	int code;
	char name[SYSTEM_FQDN + 1];
	struct fault fault;
} got;

static const char *answer(const char *name, unsigned type, unsigned *rcode)
{
	*rcode = serve.rcode;
	if (serve.rcode)
		return NULL;
	return type == NAMESERVER_PTR ? serve.name : serve.address;
}

static void begin(void)
{
	char servers[32];

	memset(&server, 0, sizeof(server));
	memset(&got, 0, sizeof(got));
	serve.name = "pc7.example.com";
	serve.address = "192.0.2.7";
	serve.rcode = 0;
	base = event_base_new();
	server.answer = answer;
	nameserver_start(&server, base, servers);
	ck_assert_msg(dns_new(&dns, base, servers, &fault) == 0, "%s", fault.what);
}

static void end(void)
{
	dns_free(&dns);
	nameserver_stop(&server);
	event_base_free(base);
}

static void on_done(void *context, int code, const char *name, const struct fault *f)
{
	got.times++;
	got.code = code;
	snprintf(got.name, sizeof(got.name), "%s", name);
	got.fault = *f;
}

static int ask(const char *address)
{
	struct dns_question *q;
	unsigned before = got.times;

	ck_assert_msg(dns_reverse(&q, dns, address, 5, on_done, NULL, &fault) == 0, "%s",
		      fault.what);
	ck_assert_uint_eq(got.times, before);
	while (got.times == before)
		event_base_loop(base, EVLOOP_ONCE);
	return got.code;
}

START_TEST(a_confirmed_name_is_taken)
{
	ck_assert_msg(ask("192.0.2.7") == 0, "%s", got.fault.what);
	ck_assert_str_eq(got.name, "pc7.example.com");
	ck_assert_uint_eq(server.udp_questions, 2);
	serve.address = "2001:db8::7";
	ck_assert_msg(ask("2001:db8::7%eth0") == 0, "%s", got.fault.what);
	ck_assert_str_eq(got.name, "pc7.example.com");
	serve.address = "2001:db8::8";
	ck_assert_int_eq(ask("2001:db8::7"), KIT_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(got.fault.what, "that name does not have the address"));
}
END_TEST

START_TEST(a_name_that_is_not_fully_qualified_is_none)
{
	serve.name = "pc7";
	ck_assert_int_eq(ask("192.0.2.7"), KIT_ERR_NOT_FOUND);
	serve.name = "pc\x1b[2J.example.com";
	ck_assert_int_eq(ask("192.0.2.7"), KIT_ERR_NOT_FOUND);
	ck_assert_uint_eq(server.udp_questions, 2);
}
END_TEST

START_TEST(each_question_has_a_port_of_its_own)
{
	unsigned different = 0;

	for (int i = 0; i < 16; i++)
		ask("192.0.2.7");
	ck_assert_uint_eq(server.udp_questions, 32);
	for (unsigned i = 2; i < 32; i += 2)
		different += server.ports[i] != server.ports[i - 2];
	/* Of 28,000 ports the same may come twice in a row, but not often. */
	ck_assert_uint_ge(different, 13);
}
END_TEST

START_TEST(letters_are_asked_in_mixed_case)
{
	for (int i = 0; i < 8; i++)
		ask("192.0.2.7");
	/* Of 25 letters in each of eight rounds, all alike in one of 10^60 runs. */
	ck_assert_uint_gt(server.capitals, 0);
	ck_assert_uint_lt(server.capitals, server.letters);
}
END_TEST

START_TEST(an_answer_to_another_question_is_not_believed)
{
	server.lower_case = true;
	ck_assert_int_eq(ask("192.0.2.7"), KIT_ERR_NETWORK);
	ck_assert_ptr_nonnull(strstr(got.fault.what, "an answer to another question"));
	/* Nor one that says that there is no such name. */
	serve.rcode = NAMESERVER_NO_NAME;
	ck_assert_int_eq(ask("192.0.2.7"), KIT_ERR_NETWORK);
}
END_TEST

START_TEST(what_is_too_long_for_udp_is_asked_over_tcp)
{
	server.truncate = true;
	ck_assert_msg(ask("192.0.2.7") == 0, "%s", got.fault.what);
	ck_assert_str_eq(got.name, "pc7.example.com");
	ck_assert_uint_eq(server.udp_questions, 2);
	ck_assert_uint_eq(server.tcp_questions, 2);
}
END_TEST

START_TEST(no_such_name_is_an_answer_and_a_refusal_is_not)
{
	serve.rcode = NAMESERVER_NO_NAME;
	ck_assert_int_eq(ask("192.0.2.7"), KIT_ERR_NOT_FOUND);
	serve.rcode = NAMESERVER_REFUSED;
	ck_assert_int_eq(ask("192.0.2.7"), KIT_ERR_NETWORK);
	ck_assert_ptr_nonnull(strstr(got.fault.what, "cannot give the name of 192.0.2.7: "));
}
END_TEST

START_TEST(questions_under_way_are_dropped)
{
	struct dns_question *first, *second;

	server.silent = true;
	ck_assert_int_eq(dns_reverse(&first, dns, "192.0.2.7", 5, on_done, NULL, &fault), 0);
	ck_assert_int_eq(dns_reverse(&second, dns, "192.0.2.8", 5, on_done, NULL, &fault), 0);
	event_base_loop(base, EVLOOP_ONCE);
	dns_cancel(&first);
	ck_assert_ptr_null(first);
	event_base_loop(base, EVLOOP_NONBLOCK);
	dns_free(&dns);
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(got.times, 0);
}
END_TEST

START_TEST(what_is_not_an_address_is_refused)
{
	struct dns_question *q;

	ck_assert_int_eq(dns_reverse(&q, dns, "pc7.example.com", 5, on_done, NULL, &fault),
			 KIT_ERR_ARGUMENT);
	ck_assert_ptr_null(q);
	fault_clear(&fault);
}
END_TEST

START_TEST(names_of_addresses_are_as_the_standards_say)
{
	struct dns_address a;
	char name[DNS_REVERSE];

	ck_assert(dns_address_parse("192.0.2.7", &a));
	dns_reverse_name(&a, name);
	ck_assert_str_eq(name, "7.2.0.192.in-addr.arpa");
	ck_assert(dns_address_parse("2001:db8::567:89ab", &a));
	dns_reverse_name(&a, name);
	ck_assert_str_eq(name, "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
			 "ip6.arpa");
	ck_assert(!dns_address_parse("192.0.2", &a));
	ck_assert(!dns_address_parse("::x", &a));
}
END_TEST

/* The answer of a real exchange: 7.2.0.192.in-addr.arpa has the name pc7.example.com. */
static const uint8_t sample[] =
	"\x12\x34\x81\x80\0\1\0\1\0\0\0\0" "\0017\0012\0010\003192\7in-ADDR\4arpa\0\0\14\0\1"
	"\xc0\x0c\0\14\0\1\0\0\0\74\0\21" "\3pc7\7example\3com";

START_TEST(no_truncation_of_an_answer_is_taken)
{
	struct dns_address a;
	char name[SYSTEM_FQDN + 1];

	ck_assert(dns_address_parse("192.0.2.7", &a));
	ck_assert(dns_take_name(sample, sizeof(sample), &a, name));
	ck_assert_str_eq(name, "pc7.example.com");
	ck_assert(dns_repeats(sample, sizeof(sample), "7.2.0.192.in-ADDR.arpa"));
	ck_assert(!dns_repeats(sample, sizeof(sample), "7.2.0.192.in-addr.arpa"));
	ck_assert(!dns_repeats(sample, sizeof(sample), "7.2.0.192.in-ADDR.arp"));
	ck_assert(!dns_repeats(sample, sizeof(sample), "7.2.0.192.in-ADDR"));
	for (size_t n = 0; n < sizeof(sample); n++) {
		uint8_t *copy = malloc(n ? n : 1);

		memcpy(copy, sample, n);
		ck_assert_msg(!dns_take_name(copy, n, &a, name), "%zu bytes", n);
		ck_assert(!dns_has_address(copy, n, &a));
		ck_assert(n >= 36 || !dns_repeats(copy, n, "7.2.0.192.in-ADDR.arpa"));
		free(copy);
	}
}
END_TEST

TEST_SUITE("dns")
{
	TCase *t = tcase_create("server"), *pure = tcase_create("answers");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_confirmed_name_is_taken);
	tcase_add_test(t, a_name_that_is_not_fully_qualified_is_none);
	tcase_add_test(t, each_question_has_a_port_of_its_own);
	tcase_add_test(t, letters_are_asked_in_mixed_case);
	tcase_add_test(t, an_answer_to_another_question_is_not_believed);
	tcase_add_test(t, what_is_too_long_for_udp_is_asked_over_tcp);
	tcase_add_test(t, no_such_name_is_an_answer_and_a_refusal_is_not);
	tcase_add_test(t, questions_under_way_are_dropped);
	tcase_add_test(t, what_is_not_an_address_is_refused);
	suite_add_tcase(suite, t);
	tcase_add_test(pure, names_of_addresses_are_as_the_standards_say);
	tcase_add_test(pure, no_truncation_of_an_answer_is_taken);
	suite_add_tcase(suite, pure);
}
