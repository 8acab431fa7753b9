/* Reverse DNS against a name server of this test: what is asked, and which answers are believed. */
#include <arpa/inet.h>
#include <check.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/bytes.h"
#include "server/core/config.h"
#include "server/core/dns-private.h"
#include "server/core/dns.h"
#include "tests/support/suite.h"

static struct event_base *base;
static struct dns *dns;
static int udp, tcp, stream;
static struct event *on_udp_event, *on_tcp_event, *on_stream_event;
static struct fault fault;

/* How the server behaves. */
static struct {
	bool truncate;		/* by UDP: ask over TCP */
	bool lower_case;	/* the question comes back in lower case */
	bool silent;
	const char *name;	/* for every address */
	const char *address;	/* for every name */
	uint16_t rcode;
} serve;

/* What it was asked. */
static struct {
	unsigned udp, tcp;
	uint16_t ports[64];	/* of the questions by UDP */
	unsigned letters, capitals;
} asked;

/* What came out. */
static struct {
	unsigned times;
	int code;
	char name[SYSTEM_FQDN + 1];
	struct fault fault;
} got;

static size_t put_name(uint8_t *out, const char *name)
{
	size_t at = 0;

	while (*name) {
		size_t n = strcspn(name, ".");

		out[at++] = (uint8_t)n;
		memcpy(out + at, name, n);
		at += n;
		name += n + (name[n] == '.');
	}
	out[at++] = 0;
	return at;
}

static void put_be16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Answer the question of N bytes at Q; returns the bytes in OUT. */
static size_t answer(const uint8_t *q, size_t n, bool over_tcp, uint8_t out[static 2048])
{
	size_t end = 12, at;
	unsigned type;

	while (end < n && q[end])
		end += 1 + (size_t)q[end];
	end += 5;
	ck_assert_uint_le(end, n);
	type = q[end - 3];
	memset(out, 0, 12);
	memcpy(out, q, 2);
	put_be16(out + 2, 0x8180 | serve.rcode);
	put_be16(out + 4, 1);
	memcpy(out + 12, q + 12, end - 12);
	for (at = 12; at < end - 4; at++) {
		bool small = q[at] >= 'a' && q[at] <= 'z', capital = q[at] >= 'A' && q[at] <= 'Z';

		asked.letters += small || capital;
		asked.capitals += capital;
		if (serve.lower_case && capital)
			out[at] |= 0x20;
	}
	at = end;
	if (serve.truncate && !over_tcp) {
		out[2] |= 2;
		return at;
	}
	if (serve.rcode)
		return at;
	put_be16(out + 6, 1);
	put_be16(out + at, 0xc00c);
	put_be16(out + at + 2, type);
	put_be16(out + at + 4, 1);
	memset(out + at + 6, 0, 4);
	if (type == 12) {
		size_t size = put_name(out + at + 12, serve.name);

		put_be16(out + at + 10, (unsigned)size);
		return at + 12 + size;
	}
	put_be16(out + at + 10, type == 28 ? 16 : 4);
	ck_assert_int_eq(inet_pton(type == 28 ? AF_INET6 : AF_INET, serve.address, out + at + 12),
			 1);
	return at + 12 + (type == 28 ? 16 : 4);
}

static void on_udp(evutil_socket_t fd, short what, void *context)
{
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	uint8_t q[2048], a[2048];
	ssize_t n = recvfrom(fd, q, sizeof(q), 0, (struct sockaddr *)&from, &size);

	ck_assert_int_gt(n, 12);
	asked.ports[asked.udp++ % 64] = ntohs(from.sin_port);
	if (serve.silent)
		return;
	n = (ssize_t)answer(q, (size_t)n, false, a);
	ck_assert_int_eq(sendto(fd, a, (size_t)n, 0, (struct sockaddr *)&from, size), n);
}

static void on_stream(evutil_socket_t fd, short what, void *context)
{
	uint8_t q[2048], a[2050];
	ssize_t n = recv(fd, q, sizeof(q), 0);
	size_t size;

	if (n <= 0) {
		event_del(on_stream_event);
		return;
	}
	/* Loopback gives a question whole. */
	ck_assert_int_gt(n, 14);
	asked.tcp++;
	size = answer(q + 2, (size_t)n - 2, true, a + 2);
	put_be16(a, (unsigned)size);
	ck_assert_int_eq(send(fd, a, size + 2, MSG_NOSIGNAL), (ssize_t)size + 2);
}

static void on_tcp(evutil_socket_t fd, short what, void *context)
{
	if (on_stream_event)
		event_free(on_stream_event);
	if (stream >= 0)
		close(stream);
	stream = accept(fd, NULL, NULL);
	ck_assert_int_ge(stream, 0);
	on_stream_event = event_new(base, stream, EV_READ | EV_PERSIST, on_stream, NULL);
	event_add(on_stream_event, NULL);
}

static void begin(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t size = sizeof(a);
	char servers[64];

	memset(&serve, 0, sizeof(serve));
	memset(&asked, 0, sizeof(asked));
	memset(&got, 0, sizeof(got));
	serve.name = "pc7.example.com";
	serve.address = "192.0.2.7";
	stream = -1;
	base = event_base_new();
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	/* The same port by UDP and TCP: again where somebody has the second one. */
	for (int i = 0; i < 50; i++) {
		a.sin_port = 0;
		udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		ck_assert_int_eq(bind(udp, (struct sockaddr *)&a, size), 0);
		ck_assert_int_eq(getsockname(udp, (struct sockaddr *)&a, &size), 0);
		if (bind(tcp, (struct sockaddr *)&a, size) == 0 && listen(tcp, 5) == 0)
			break;
		close(udp);
		close(tcp);
		ck_assert_int_lt(i, 49);
	}
	on_udp_event = event_new(base, udp, EV_READ | EV_PERSIST, on_udp, NULL);
	on_tcp_event = event_new(base, tcp, EV_READ | EV_PERSIST, on_tcp, NULL);
	event_add(on_udp_event, NULL);
	event_add(on_tcp_event, NULL);
	snprintf(servers, sizeof(servers), "127.0.0.1:%u", ntohs(a.sin_port));
	ck_assert_msg(dns_new(&dns, base, servers, &fault) == 0, "%s", fault.what);
}

static void end(void)
{
	dns_free(&dns);
	event_free(on_udp_event);
	event_free(on_tcp_event);
	if (on_stream_event)
		event_free(on_stream_event);
	on_stream_event = NULL;
	if (stream >= 0)
		close(stream);
	close(udp);
	close(tcp);
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
	ck_assert_uint_eq(asked.udp, 2);
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
	ck_assert_uint_eq(asked.udp, 2);
}
END_TEST

START_TEST(each_question_has_a_port_of_its_own)
{
	unsigned different = 0;

	for (int i = 0; i < 16; i++)
		ask("192.0.2.7");
	ck_assert_uint_eq(asked.udp, 32);
	for (unsigned i = 2; i < 32; i += 2)
		different += asked.ports[i] != asked.ports[i - 2];
	/* Of 28,000 ports the same may come twice in a row, but not often. */
	ck_assert_uint_ge(different, 13);
}
END_TEST

START_TEST(letters_are_asked_in_mixed_case)
{
	for (int i = 0; i < 8; i++)
		ask("192.0.2.7");
	/* Of 25 letters in each of eight rounds, all alike in one of 10^60 runs. */
	ck_assert_uint_gt(asked.capitals, 0);
	ck_assert_uint_lt(asked.capitals, asked.letters);
}
END_TEST

START_TEST(an_answer_to_another_question_is_not_believed)
{
	serve.lower_case = true;
	ck_assert_int_eq(ask("192.0.2.7"), KIT_ERR_NETWORK);
	ck_assert_ptr_nonnull(strstr(got.fault.what, "an answer to another question"));
	/* Nor one that says that there is no such name. */
	serve.rcode = 3;
	ck_assert_int_eq(ask("192.0.2.7"), KIT_ERR_NETWORK);
}
END_TEST

START_TEST(what_is_too_long_for_udp_is_asked_over_tcp)
{
	serve.truncate = true;
	ck_assert_msg(ask("192.0.2.7") == 0, "%s", got.fault.what);
	ck_assert_str_eq(got.name, "pc7.example.com");
	ck_assert_uint_eq(asked.udp, 2);
	ck_assert_uint_eq(asked.tcp, 2);
}
END_TEST

START_TEST(no_such_name_is_an_answer_and_a_refusal_is_not)
{
	serve.rcode = 3;
	ck_assert_int_eq(ask("192.0.2.7"), KIT_ERR_NOT_FOUND);
	serve.rcode = 5;
	ck_assert_int_eq(ask("192.0.2.7"), KIT_ERR_NETWORK);
	ck_assert_ptr_nonnull(strstr(got.fault.what, "cannot give the name of 192.0.2.7: "));
}
END_TEST

START_TEST(questions_under_way_are_dropped)
{
	struct dns_question *first, *second;

	serve.silent = true;
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

	tcase_set_timeout(t, 30);
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
