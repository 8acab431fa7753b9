/* Calls over TLS-PSK against a small GnuTLS server: what proves a key, and what does not. */
#include <arpa/inet.h>
#include <check.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/setup/call.h"
#include "tests/support/suite.h"

#define PID_A "0000037M"
#define PID_B "0000048O"
#define PPS_A "NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ"
#define PPS_B "AAAXAAAXAAAXAAAXAAAXAAAXAAAXAAAX"
#define PRIORITY "NONE:+VERS-TLS1.0:+PSK:+AES-128-CBC:+SHA1:+COMP-NULL:+CTYPE-X509"

enum manner { KEEP_ALIVE, NO_TLS, CLOSE_AFTER_ANSWER, LONG_HEADER, NO_HTTP, MUTE, HANG };

/* The machine: knows PID_A with PPS_A and nobody else. */
static struct {
	int socket;
	uint16_t port;
	enum manner manner;
	unsigned connections, requests;
	pthread_t thread;
} machine;

static struct event_base *base;
static struct call_pool *pool;
static struct fault fault;
static struct amt_limits limits;

static struct {
	bool done;
	struct amt_reply reply;
	char body[64];
} heard;

static int find_key(gnutls_session_t session, const char *name, gnutls_datum_t *key)
{
	if (strcmp(name, PID_A) != 0)
		return -1;
	key->data = gnutls_malloc(32);
	memcpy(key->data, PPS_A, 32);
	key->size = 32;
	return 0;
}

static void answer_http(gnutls_session_t tls)
{
	char in[8192], out[20000];
	size_t n = 0;

	for (;;) {
		ssize_t got = gnutls_record_recv(tls, in + n, sizeof(in) - 1 - n);

		if (got <= 0)
			return;
		n += (size_t)got;
		in[n] = '\0';
		/* The tests' requests are the body "ping", whose end is the request's. */
		if (n < 4 || memcmp(in + n - 4, "ping", 4) != 0)
			continue;
		n = 0;
		__atomic_add_fetch(&machine.requests, 1, __ATOMIC_SEQ_CST);
		if (machine.manner == MUTE)
			continue;
		strcpy(out, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong");
		if (machine.manner == NO_HTTP)
			strcpy(out, "220 mail.example.com\r\n\r\n");
		if (machine.manner == LONG_HEADER) {
			strcpy(out, "HTTP/1.1 200 OK\r\nX: ");
			memset(out + strlen(out), 'x', 17000);
			strcpy(out + 17020, "\r\nContent-Length: 0\r\n\r\n");
		}
		for (size_t at = 0, size = strlen(out); at < size;) {
			ssize_t sent = gnutls_record_send(tls, out + at, size - at);

			if (sent <= 0)
				return;
			at += (size_t)sent;
		}
		if (machine.manner == CLOSE_AFTER_ANSWER)
			return;
	}
}

static void *serve_one(void *argument)
{
	int fd = (int)(intptr_t)argument;
	gnutls_psk_server_credentials_t key;
	gnutls_session_t tls;
	int rc;

	if (machine.manner == HANG) {
		char byte;

		while (recv(fd, &byte, 1, 0) > 0)
			;
		close(fd);
		return NULL;
	}
	if (machine.manner == NO_TLS) {
		const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong";

		send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
		close(fd);
		return NULL;
	}
	gnutls_psk_allocate_server_credentials(&key);
	gnutls_psk_set_server_credentials_function(key, find_key);
	gnutls_init(&tls, GNUTLS_SERVER);
	gnutls_priority_set_direct(tls, PRIORITY, NULL);
	gnutls_credentials_set(tls, GNUTLS_CRD_PSK, key);
	gnutls_transport_set_int(tls, fd);
	rc = gnutls_handshake(tls);
	if (rc == 0)
		answer_http(tls);
	else
		gnutls_alert_send_appropriate(tls, rc);
	gnutls_bye(tls, GNUTLS_SHUT_WR);
	gnutls_deinit(tls);
	gnutls_psk_free_server_credentials(key);
	close(fd);
	return NULL;
}

static void *serve(void *unused)
{
	for (;;) {
		pthread_t thread;
		int fd = accept(machine.socket, NULL, NULL);

		if (fd < 0)
			return NULL;
		__atomic_add_fetch(&machine.connections, 1, __ATOMIC_SEQ_CST);
		pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd);
		pthread_detach(thread);
	}
}

/* Listen on A, whose port is at the same place in both families. */
static void begin_at(struct sockaddr *a, socklen_t size)
{
	signal(SIGPIPE, SIG_IGN);
	memset(&machine, 0, sizeof(machine));
	machine.socket = socket(a->sa_family, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(machine.socket, a, size), 0);
	ck_assert_int_eq(listen(machine.socket, 16), 0);
	ck_assert_int_eq(getsockname(machine.socket, a, &size), 0);
	machine.port = ntohs(((struct sockaddr_in *)a)->sin_port);
	ck_assert_int_eq(pthread_create(&machine.thread, NULL, serve, NULL), 0);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	base = event_base_new();
	ck_assert_int_eq(call_pool_new(&pool, base, &fault), 0);
	limits = (struct amt_limits){ 5000, 5000, 4096 };
}

static void begin(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	begin_at((struct sockaddr *)&a, sizeof(a));
}

static void end(void)
{
	call_pool_free(&pool);
	event_base_free(base);
	shutdown(machine.socket, SHUT_RDWR);
	pthread_join(machine.thread, NULL);
	close(machine.socket);
}

static struct call *call(const char *pid, const char *pps)
{
	struct amt_target target = { { AMT_TLS_PSK, pid, pps }, "127.0.0.1", machine.port };
	struct call *c;

	fault_clear(&fault);
	ck_assert_int_eq(call_open(&c, pool, &target, &limits, &fault), 0);
	return c;
}

static void on_reply(void *context, const struct amt_reply *reply)
{
	heard.done = true;
	heard.reply = *reply;
	snprintf(heard.body, sizeof(heard.body), "%s", reply->body);
}

static void post(struct call *c)
{
	struct amt_request q = { .path = "/wsman", .content_type = "text/plain",
				      .body = "ping", .size = 4 };

	heard.done = false;
	ck_assert_int_eq(call_post(c, &q, on_reply, NULL, &fault), 0);
}

/* Post, and wait for the reply. */
static int ask(struct call *c)
{
	post(c);
	while (!heard.done)
		event_base_loop(base, EVLOOP_ONCE);
	return heard.reply.code;
}

START_TEST(the_right_key_is_proved_by_the_handshake)
{
	struct call *c = call(PID_A, PPS_A);

	ck_assert(!call_proved(c));
	ck_assert_msg(ask(c) == 0, "%s", heard.reply.fault.what);
	ck_assert_int_eq(heard.reply.status, 200);
	ck_assert_str_eq(heard.body, "pong");
	ck_assert(call_proved(c));
	/* The next request goes over the same connection. */
	ck_assert_int_eq(ask(c), 0);
	ck_assert_uint_eq(machine.connections, 1);
	ck_assert_uint_eq(machine.requests, 2);
	call_close(&c);
	ck_assert_ptr_null(c);
}
END_TEST

START_TEST(a_wrong_pps_is_no_proof)
{
	struct call *c = call(PID_A, PPS_B);

	ck_assert_int_eq(ask(c), KIT_ERR_FORGED);
	ck_assert(!call_proved(c));
	ck_assert_uint_eq(machine.requests, 0);
	ck_assert_ptr_null(strstr(heard.reply.fault.what, PPS_B));
	ck_assert_ptr_nonnull(strstr(heard.reply.fault.what, "PID 0000-037M"));
	call_close(&c);
}
END_TEST

START_TEST(two_pids_behind_one_address_are_two_proofs)
{
	struct call *a = call(PID_A, PPS_A), *b = call(PID_B, PPS_B);

	/* A has a connection that waits for more, to the very address that B calls. */
	ck_assert_int_eq(ask(a), 0);
	ck_assert(call_proved(a));
	ck_assert_int_ne(ask(b), 0);
	ck_assert(!call_proved(b));
	ck_assert_uint_eq(machine.connections, 2);
	ck_assert_uint_eq(machine.requests, 1);
	/* A's is still there, and still A's alone. */
	ck_assert_int_eq(ask(a), 0);
	ck_assert_uint_eq(machine.connections, 2);
	call_close(&a);
	call_close(&b);
}
END_TEST

START_TEST(a_closed_conversation_leaves_no_connection_to_others)
{
	struct call *a = call(PID_A, PPS_A), *b;

	ck_assert_int_eq(ask(a), 0);
	call_close(&a);
	b = call(PID_B, PPS_B);
	ck_assert_int_ne(ask(b), 0);
	ck_assert(!call_proved(b));
	ck_assert_uint_eq(machine.requests, 1);
	call_close(&b);
}
END_TEST

START_TEST(two_conversations_at_once_keep_their_keys_apart)
{
	struct call *a = call(PID_A, PPS_A), *b = call(PID_A, PPS_A);

	post(a);
	post(b);
	while (!call_proved(a) || !call_proved(b))
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_eq(machine.connections, 2);
	call_close(&a);
	call_close(&b);
}
END_TEST

START_TEST(a_connection_that_was_closed_is_made_again_and_proved_again)
{
	struct call *c = call(PID_A, PPS_A);

	machine.manner = CLOSE_AFTER_ANSWER;
	ck_assert_int_eq(ask(c), 0);
	ck_assert_int_eq(ask(c), 0);
	ck_assert_uint_eq(machine.connections, 2);
	call_close(&c);
}
END_TEST

START_TEST(what_hangs_before_tls_is_not_called_a_closed_port)
{
	struct call *c;

	limits.connect_ms = 300;
	machine.manner = HANG;
	c = call(PID_A, PPS_A);
	ck_assert_int_eq(ask(c), KIT_ERR_TIMEOUT);
	ck_assert_ptr_nonnull(strstr(heard.reply.fault.what, "took the connection to port"));
	ck_assert_ptr_nonnull(strstr(heard.reply.fault.what, "did not begin TLS"));
	call_close(&c);
}
END_TEST

START_TEST(what_speaks_no_tls_proves_nothing)
{
	struct call *c = call(PID_A, PPS_A);

	machine.manner = NO_TLS;
	ck_assert_int_eq(ask(c), KIT_ERR_PROTOCOL);
	ck_assert(!call_proved(c));
	ck_assert_ptr_nonnull(strstr(heard.reply.fault.what, "does not speak TLS"));
	call_close(&c);
}
END_TEST

START_TEST(what_speaks_no_http_is_told_apart)
{
	struct call *c = call(PID_A, PPS_A);

	machine.manner = NO_HTTP;
	ck_assert_int_eq(ask(c), KIT_ERR_PROTOCOL);
	ck_assert(call_proved(c));
	call_close(&c);
}
END_TEST

START_TEST(headers_have_a_limit)
{
	struct call *c = call(PID_A, PPS_A);

	machine.manner = LONG_HEADER;
	ck_assert_int_eq(ask(c), KIT_ERR_PROTOCOL);
	ck_assert_ptr_nonnull(strstr(heard.reply.fault.what, "more than"));
	call_close(&c);
}
END_TEST

START_TEST(an_answer_longer_than_allowed_is_refused)
{
	struct call *c;

	limits.answer_bytes = 3;
	c = call(PID_A, PPS_A);
	ck_assert_int_eq(ask(c), KIT_ERR_PROTOCOL);
	ck_assert_ptr_nonnull(strstr(heard.reply.fault.what, "more than 3 bytes"));
	call_close(&c);
}
END_TEST

START_TEST(a_conversation_can_be_closed_in_mid_request)
{
	struct call *c;

	machine.manner = MUTE;
	c = call(PID_A, PPS_A);
	post(c);
	while (!__atomic_load_n(&machine.requests, __ATOMIC_SEQ_CST))
		event_base_loop(base, EVLOOP_NONBLOCK);
	heard.done = false;
	call_close(&c);
	for (int i = 0; i < 5; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert(!heard.done);
}
END_TEST

START_TEST(nobody_there_is_a_network_error)
{
	struct amt_target target = { { AMT_TLS_PSK, PID_A, PPS_A }, "127.0.0.1", 1 };
	struct call *c;

	ck_assert_int_eq(call_open(&c, pool, &target, &limits, &fault), 0);
	ck_assert_int_eq(ask(c), KIT_ERR_NETWORK);
	ck_assert_ptr_nonnull(strstr(heard.reply.fault.what, "Connection refused"));
	call_close(&c);
}
END_TEST

START_TEST(an_ipv6_machine_is_called)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	static const char *const ways[] = { "::1", "::1%lo" };

	begin_at((struct sockaddr *)&a, sizeof(a));
	for (int i = 0; i < 2; i++) {
		struct amt_target target = { { AMT_TLS_PSK, PID_A, PPS_A }, ways[i],
					     machine.port };
		struct call *c;

		ck_assert_int_eq(call_open(&c, pool, &target, &limits, &fault), 0);
		ck_assert_msg(ask(c) == 0, "%s: %s", ways[i], heard.reply.fault.what);
		ck_assert(call_proved(c));
		call_close(&c);
	}
	end();
}
END_TEST

/* Is there IPv6 at all? */
static bool has_ipv6(void)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	bool has = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0;

	if (fd >= 0)
		close(fd);
	return has;
}

TEST_SUITE("call")
{
	TCase *t = tcase_create("proof"), *v6 = tcase_create("IPv6");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, the_right_key_is_proved_by_the_handshake);
	tcase_add_test(t, a_wrong_pps_is_no_proof);
	tcase_add_test(t, two_pids_behind_one_address_are_two_proofs);
	tcase_add_test(t, a_closed_conversation_leaves_no_connection_to_others);
	tcase_add_test(t, two_conversations_at_once_keep_their_keys_apart);
	tcase_add_test(t, a_connection_that_was_closed_is_made_again_and_proved_again);
	tcase_add_test(t, what_hangs_before_tls_is_not_called_a_closed_port);
	tcase_add_test(t, what_speaks_no_tls_proves_nothing);
	tcase_add_test(t, what_speaks_no_http_is_told_apart);
	tcase_add_test(t, headers_have_a_limit);
	tcase_add_test(t, an_answer_longer_than_allowed_is_refused);
	tcase_add_test(t, a_conversation_can_be_closed_in_mid_request);
	tcase_add_test(t, nobody_there_is_a_network_error);
	suite_add_tcase(suite, t);
	if (has_ipv6()) {
		tcase_add_test(v6, an_ipv6_machine_is_called);
		suite_add_tcase(suite, v6);
	} else {
		printf("skipped: this system has no IPv6\n");
	}
}
