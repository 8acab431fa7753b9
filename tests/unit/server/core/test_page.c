/* The page by HTTP: which requests are answered how, in pieces and in time. */
#include <arpa/inet.h>
#include <check.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "server/core/page.h"
#include "tests/support/suite.h"

static struct event_base *base;
static struct page *page;
static unsigned filled;

static void fill(void *context, struct evbuffer *out)
{
	filled++;
	evbuffer_add_printf(out, "amt_up 1\n");
}

static void begin(void)
{
	static struct config_addresses addresses = { .count = 1, .at = { { .text = "test" } } };
	const struct page_source source = { "/metrics", "text/plain; version=0.0.4", fill, NULL };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&addresses.at[0].address;

	v4->sin_family = AF_INET;
	v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	addresses.at[0].length = sizeof(*v4);
	filled = 0;
	base = event_base_new();
	ck_assert_int_eq(page_new(&page, base, &addresses, &source, NULL), 0);
}

static void end(void)
{
	page_free(&page);
	event_base_free(base);
}

static int dial(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	char address[ADDRESS_TEXT + 1];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons(page_where(page, 0, address));
	ck_assert_str_eq(address, "127.0.0.1");
	ck_assert_uint_eq(page_where(page, 1, address), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void turn(void)
{
	struct timespec pause = { .tv_nsec = 1000000 };

	event_base_loop(base, EVLOOP_NONBLOCK);
	nanosleep(&pause, NULL);
}

/* What comes until the connection ends, for SECONDS at most. Returns its bytes; -1: no end. */
static ssize_t receive(int fd, char *out, size_t size, double seconds)
{
	double until = clock_monotonic() + seconds;
	size_t at = 0;

	while (clock_monotonic() < until) {
		ssize_t n = recv(fd, out + at, size - 1 - at, MSG_DONTWAIT);

		if (n >= 0)
			at += (size_t)n;
		out[at] = '\0';
		if (n == 0)
			return (ssize_t)at;
		turn();
	}
	return -1;
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static const struct {
	const char *request;
	int status;
} requests[] = {
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200 },
	{ "GET /metrics HTTP/1.0\r\n\r\n", 200 },
	{ "GET /metrics?x=1 HTTP/1.1\n\n", 200 },
	{ "HEAD /metrics HTTP/1.1\r\n\r\n", 200 },
	{ "GET / HTTP/1.1\r\n\r\n", 404 },
	{ "GET /metricsx HTTP/1.1\r\n\r\n", 404 },
	{ "GET /metric HTTP/1.1\r\n\r\n", 404 },
	{ "POST /metrics HTTP/1.1\r\n\r\n", 405 },
	{ "GETX /metrics HTTP/1.1\r\n\r\n", 405 },
	{ "GET /metrics\r\n\r\n", 400 },
	{ "GET /metrics HTTP/2\r\n\r\n", 400 },
	{ "GET\r\n\r\n", 400 },
	{ "\r\n\r\n", 400 },
	{ " \r\n\r\n", 400 },
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\n", 0 },
	{ "GET /metrics HTTP/1.1\r\n\r", 0 },
	{ "", 0 },
};

START_TEST(each_request_has_its_status)
{
	const char *r = requests[_i].request;

	ck_assert_int_eq(page_status(r, strlen(r), "/metrics"), requests[_i].status);
}
END_TEST

START_TEST(a_long_head_is_refused_and_a_byte_less_is_not)
{
	static char text[PAGE_HEAD + 1];

	memset(text, 'x', sizeof(text));
	memcpy(text, "GET /metrics HTTP/1.1\r\nX: ", 26);
	ck_assert_int_eq(page_status(text, PAGE_HEAD - 1, "/metrics"), 0);
	ck_assert_int_eq(page_status(text, PAGE_HEAD, "/metrics"), 431);
	memcpy(text + PAGE_HEAD - 4, "\r\n\r\n", 4);
	ck_assert_int_eq(page_status(text, PAGE_HEAD, "/metrics"), 200);
	memcpy(text + PAGE_HEAD - 4, "x\r\n\r\n", 5);
	ck_assert_int_eq(page_status(text, PAGE_HEAD + 1, "/metrics"), 431);
}
END_TEST

START_TEST(a_request_in_pieces_gets_the_page)
{
	char text[1000];
	int fd = dial();

	for (const char *at = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"; *at; at++) {
		ck_assert_int_eq(send(fd, at, 1, MSG_NOSIGNAL), 1);
		turn();
	}
	ck_assert_int_gt(receive(fd, text, sizeof(text), 20), 0);
	ck_assert_ptr_nonnull(strstr(text, "HTTP/1.0 200 OK\r\n"));
	ck_assert_ptr_nonnull(strstr(text, "Content-Type: text/plain; version=0.0.4\r\n"));
	ck_assert_ptr_nonnull(strstr(text, "Content-Length: 9\r\n"));
	ck_assert_ptr_nonnull(strstr(text, "\r\n\r\namt_up 1\n"));
	close(fd);
	fd = dial();
	say(fd, "HEAD /metrics HTTP/1.1\r\n\r\n");
	ck_assert_int_gt(receive(fd, text, sizeof(text), 20), 0);
	ck_assert_ptr_nonnull(strstr(text, "Content-Length: 9\r\n"));
	ck_assert_ptr_null(strstr(text, "amt_up"));
	close(fd);
	fd = dial();
	say(fd, "GET / HTTP/1.1\r\n\r\n");
	ck_assert_int_gt(receive(fd, text, sizeof(text), 20), 0);
	ck_assert_ptr_nonnull(strstr(text, "HTTP/1.0 404 Not Found\r\n"));
	ck_assert_uint_eq(filled, 2);
	close(fd);
}
END_TEST

START_TEST(a_head_that_comes_byte_by_byte_has_no_more_time)
{
	double began = clock_monotonic();
	int fd = dial();
	char byte;
	ssize_t n = -1;

	/* A byte each second is never silent for long. */
	while (n < 0 && clock_monotonic() - began < PAGE_SECONDS + 15) {
		for (int i = 0; i < 300 && n < 0; i++) {
			turn();
			n = recv(fd, &byte, 1, MSG_DONTWAIT);
		}
		send(fd, "x", 1, MSG_NOSIGNAL);
	}
	ck_assert_double_ge(clock_monotonic() - began, PAGE_SECONDS - 0.5);
	ck_assert_double_le(clock_monotonic() - began, PAGE_SECONDS + 10);
	close(fd);
}
END_TEST

START_TEST(silent_clients_keep_nobody_out)
{
	int fds[PAGE_CLIENTS + 10], fd;
	char text[1000];

	for (int i = 0; i < PAGE_CLIENTS + 10; i++) {
		fds[i] = dial();
		turn();
	}
	fd = dial();
	say(fd, "GET /metrics HTTP/1.1\r\n\r\n");
	ck_assert_int_gt(receive(fd, text, sizeof(text), 20), 0);
	ck_assert_ptr_nonnull(strstr(text, "200 OK"));
	/* The oldest went. */
	ck_assert_int_eq(receive(fds[0], text, sizeof(text), 5), 0);
	ck_assert_int_eq(recv(fds[PAGE_CLIENTS + 9], text, 1, MSG_DONTWAIT), -1);
	for (int i = 0; i < PAGE_CLIENTS + 10; i++)
		close(fds[i]);
	close(fd);
}
END_TEST

TEST_SUITE("page")
{
	TCase *t = tcase_create("requests"), *c = tcase_create("connections");

	tcase_add_loop_test(t, each_request_has_its_status, 0,
			    sizeof(requests) / sizeof(*requests));
	tcase_add_test(t, a_long_head_is_refused_and_a_byte_less_is_not);
	suite_add_tcase(suite, t);
	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, begin, end);
	tcase_add_test(c, a_request_in_pieces_gets_the_page);
	tcase_add_test(c, a_head_that_comes_byte_by_byte_has_no_more_time);
	tcase_add_test(c, silent_clients_keep_nobody_out);
	suite_add_tcase(suite, c);
}
