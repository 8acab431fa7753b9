/* A name server on loopback, for tests. */
#include "tests/support/nameserver.h"

#include <arpa/inet.h>
#include <check.h>
#include <ctype.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE	2048

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

/* The name in the question at P as text in lower case; returns the bytes that it takes there. */
static size_t take_name(struct nameserver *s, const uint8_t *p, size_t n, char out[static 256])
{
	size_t at = 0, to = 0;

	while (at < n && p[at]) {
		size_t label = p[at++];

		ck_assert_uint_le(at + label, n);
		ck_assert_uint_lt(to + label + 1, 256);
		if (to)
			out[to++] = '.';
		for (; label; label--, at++) {
			s->letters += isalpha(p[at]) != 0;
			s->capitals += isupper(p[at]) != 0;
			out[to++] = (char)tolower(p[at]);
		}
	}
	out[to] = '\0';
	return at + 1;
}

/* Answer the question of N bytes at Q; returns the bytes in OUT. */
static size_t answer(struct nameserver *s, const uint8_t *q, size_t n, bool over_tcp,
		     uint8_t out[static MESSAGE])
{
	unsigned type, rcode = 0;
	const char *text;
	char name[256];
	size_t end = 12 + take_name(s, q + 12, n - 12, name), size;

	ck_assert_uint_le(end + 4, n);
	type = q[end + 1];
	text = s->answer(name, type, &rcode);
	memset(out, 0, 12);
	memcpy(out, q, 2);
	put_be16(out + 2, 0x8180 | rcode);
	put_be16(out + 4, 1);
	memcpy(out + 12, q + 12, end + 4 - 12);
	if (s->lower_case)
		put_name(out + 12, name);
	end += 4;
	if (s->truncate && !over_tcp) {
		out[2] |= 2;
		return end;
	}
	if (!text)
		return end;
	put_be16(out + 6, 1);
	put_be16(out + end, 0xc00c);
	put_be16(out + end + 2, type);
	put_be16(out + end + 4, 1);
	memset(out + end + 6, 0, 4);
	if (type == NAMESERVER_PTR) {
		size = put_name(out + end + 12, text);
	} else {
		size = type == NAMESERVER_AAAA ? 16 : 4;
		ck_assert_int_eq(inet_pton(size == 16 ? AF_INET6 : AF_INET, text, out + end + 12),
				 1);
	}
	put_be16(out + end + 10, (unsigned)size);
	return end + 12 + size;
}

static void on_udp(evutil_socket_t fd, short what, void *context)
{
	struct nameserver *s = context;
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	uint8_t q[MESSAGE], a[MESSAGE];
	ssize_t n = recvfrom(fd, q, sizeof(q), 0, (struct sockaddr *)&from, &size);

	ck_assert_int_gt(n, 16);
	s->ports[s->udp_questions++ % 64] = ntohs(from.sin_port);
	if (s->silent)
		return;
	n = (ssize_t)answer(s, q, (size_t)n, false, a);
	ck_assert_int_eq(sendto(fd, a, (size_t)n, 0, (struct sockaddr *)&from, size), n);
}

static void on_stream(evutil_socket_t fd, short what, void *context)
{
	struct nameserver *s = context;
	uint8_t q[MESSAGE], a[MESSAGE + 2];
	ssize_t n = recv(fd, q, sizeof(q), 0);
	size_t size;

	if (n <= 0) {
		event_del(s->stream_event);
		return;
	}
	/* Loopback gives a question whole. */
	ck_assert_int_gt(n, 18);
	s->tcp_questions++;
	size = answer(s, q + 2, (size_t)n - 2, true, a + 2);
	put_be16(a, (unsigned)size);
	ck_assert_int_eq(send(fd, a, size + 2, MSG_NOSIGNAL), (ssize_t)size + 2);
}

static void drop_stream(struct nameserver *s)
{
	if (s->stream_event)
		event_free(s->stream_event);
	s->stream_event = NULL;
	if (s->stream >= 0)
		close(s->stream);
	s->stream = -1;
}

static void on_tcp(evutil_socket_t fd, short what, void *context)
{
	struct nameserver *s = context;

	drop_stream(s);
	s->stream = accept(fd, NULL, NULL);
	ck_assert_int_ge(s->stream, 0);
	s->stream_event = event_new(s->base, s->stream, EV_READ | EV_PERSIST, on_stream, s);
	event_add(s->stream_event, NULL);
}

void nameserver_start(struct nameserver *s, struct event_base *base, char out[static 32])
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t size = sizeof(a);

	s->base = base;
	s->stream = -1;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	/* The same port by UDP and TCP: again where somebody has the second one. */
	for (int i = 0; i < 50; i++) {
		a.sin_port = 0;
		s->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		s->tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		ck_assert_int_eq(bind(s->udp, (struct sockaddr *)&a, size), 0);
		ck_assert_int_eq(getsockname(s->udp, (struct sockaddr *)&a, &size), 0);
		if (bind(s->tcp, (struct sockaddr *)&a, size) == 0 && listen(s->tcp, 5) == 0)
			break;
		close(s->udp);
		close(s->tcp);
		ck_assert_int_lt(i, 49);
	}
	s->udp_event = event_new(base, s->udp, EV_READ | EV_PERSIST, on_udp, s);
	s->tcp_event = event_new(base, s->tcp, EV_READ | EV_PERSIST, on_tcp, s);
	event_add(s->udp_event, NULL);
	event_add(s->tcp_event, NULL);
	snprintf(out, 32, "127.0.0.1:%u", ntohs(a.sin_port));
}

void nameserver_stop(struct nameserver *s)
{
	drop_stream(s);
	event_free(s->udp_event);
	event_free(s->tcp_event);
	close(s->udp);
	close(s->tcp);
}
