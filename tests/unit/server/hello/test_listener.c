/* Hearing hellos on loopback: segments, silence, and every limit that a peer can meet. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "server/hello/listener-private.h"
#include "tests/support/suite.h"

static const uint8_t sample[HELLO_PSK_SIZE] = {
	0x01, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x4b, 0x52, 0x9b, 0x93, 0xd4, 0x13, 0x18,
	0x1d, 0xe4, 0x87, 0x1c, 0x69, 0x7a, 0x6b, 0x7a, 0x2b, 0x30, 0x30, 0x30, 0x30, 0x30, 0x33,
	0x37, 0x4d,
};

static struct event_base *base;
static struct listener *listener;
static struct listener_limits limits;
static struct fault fault;

static struct {
	unsigned hellos, troubles;
	enum listener_trouble trouble;
	double first;		/* when the first trouble came */
	char pid[PID_LENGTH + 1];
	char address[64];
	struct fault fault;
} heard;

static void on_hello(void *context, const struct hello *hello, const char *address,
		     double accepted)
{
	heard.hellos++;
	strcpy(heard.pid, hello->pid);
	snprintf(heard.address, sizeof(heard.address), "%s", address);
	ck_assert_double_gt(accepted, 0);
}

static void on_trouble(void *context, enum listener_trouble trouble, const char *address,
		       const struct hello *hello, const struct fault *f)
{
	if (heard.troubles++ == 0)
		heard.first = clock_monotonic();
	heard.trouble = trouble;
	heard.fault = *f;
}

static void begin(void)
{
	const struct listener_handler handler = { .hello = on_hello, .trouble = on_trouble };
	struct config_address a = { .text = "test" };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a.address;

	limits = (struct listener_limits){ .connections = 100, .per_address = 100,
					   .messages_per_minute = 100, .seconds = 10,
					   .page = true };
	memset(&heard, 0, sizeof(heard));
	base = event_base_new();
	ck_assert_int_eq(listener_new(&listener, base, &limits, &handler, &fault), 0);
	v4->sin_family = AF_INET;
	v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.length = sizeof(*v4);
	ck_assert_int_eq(listener_open(listener, &a, &fault), 0);
}

static void end(void)
{
	listener_free(&listener);
	event_base_free(base);
}

static uint16_t port_here(void)
{
	char address[ADDRESS_TEXT + 1];
	uint16_t port = listener_where(listener, 0, address);

	ck_assert_str_eq(address, "127.0.0.1");
	return port;
}

static int dial_from(const char *from)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	ck_assert_int_ge(fd, 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	ck_assert_int_eq(inet_pton(AF_INET, from, &a.sin_addr), 1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons(port_here());
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static int dial(void)
{
	return dial_from("127.0.0.1");
}

static void say(int fd, const void *data, size_t n)
{
	ck_assert_int_eq(send(fd, data, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* Let the listener work for so long, and so many times: a busy machine may let us sleep longer. */
static void turn(double seconds)
{
	double until = clock_monotonic() + seconds;
	int rounds = (int)(seconds / 0.002);

	do {
		struct timespec pause = { .tv_nsec = 2000000 };

		event_base_loop(base, EVLOOP_NONBLOCK);
		nanosleep(&pause, NULL);
	} while (--rounds > 0 || clock_monotonic() < until);
}

/* Let the listener work until *COUNT is N, for 20 seconds at most. */
static void turn_until(const unsigned *count, unsigned n)
{
	double until = clock_monotonic() + 20;

	while (*count < n && clock_monotonic() < until)
		turn(0.01);
	ck_assert_uint_eq(*count, n);
}

/* Has the listener closed the connection? */
static bool is_closed(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN);
}

START_TEST(a_hello_with_the_end_of_its_connection_is_heard_at_once)
{
	int fd = dial_from("127.0.0.9");

	say(fd, sample, sizeof(sample));
	shutdown(fd, SHUT_WR);
	turn(0.05);
	ck_assert_uint_eq(heard.hellos, 1);
	ck_assert_str_eq(heard.pid, "0000037M");
	ck_assert_str_eq(heard.address, "127.0.0.9");
	ck_assert(is_closed(fd));
	ck_assert_uint_eq(listener_counts(listener)->open, 0);
	close(fd);
}
END_TEST

START_TEST(a_hello_in_32_segments_is_heard)
{
	int fd = dial();

	for (size_t i = 0; i < sizeof(sample); i++) {
		ck_assert_uint_eq(heard.hellos, 0);
		say(fd, sample + i, 1);
		turn(0.005);
	}
	shutdown(fd, SHUT_WR);
	turn(0.05);
	ck_assert_uint_eq(heard.hellos, 1);
	close(fd);
}
END_TEST

START_TEST(a_hello_whose_connection_stays_open_is_heard_after_half_a_second)
{
	double began = clock_monotonic();
	int fd = dial();

	say(fd, sample, sizeof(sample));
	turn_until(&heard.hellos, 1);
	ck_assert_double_ge(clock_monotonic() - began, 0.45);
	ck_assert(is_closed(fd));
	close(fd);
}
END_TEST

START_TEST(a_33rd_byte_refuses_it_even_when_it_comes_late)
{
	double took = 1;

	/* Again where a busy machine let the half second go by. */
	for (int i = 0; i < 20 && took > 0.4; i++) {
		double began = clock_monotonic();
		int fd = dial();

		memset(&heard, 0, sizeof(heard));
		say(fd, sample, sizeof(sample));
		while (clock_monotonic() - began < 0.2)
			turn(0);
		say(fd, "x", 1);
		turn(0);
		took = clock_monotonic() - began;
		while (heard.hellos + heard.troubles == 0 && clock_monotonic() - began < 10)
			turn(0);
		close(fd);
	}
	ck_assert_uint_eq(heard.hellos, 0);
	ck_assert_uint_eq(heard.troubles, 1);
	ck_assert_int_eq(heard.trouble, TROUBLE_BAD_HELLO);
}
END_TEST

START_TEST(what_is_no_hello_is_refused_at_its_fourth_byte)
{
	int fd = dial();

	say(fd, "SSH", 3);
	turn(0.05);
	ck_assert_uint_eq(heard.troubles, 0);
	say(fd, "-", 1);
	turn(0.05);
	ck_assert_uint_eq(heard.troubles, 1);
	ck_assert_int_eq(heard.trouble, TROUBLE_BAD_HELLO);
	ck_assert(is_closed(fd));
	close(fd);
}
END_TEST

START_TEST(a_flood_is_cut_off_at_the_limit_of_bytes)
{
	char flood[4096] = { 0, 0, 3, 0 };
	int fd = dial();

	memset(flood + 24, 0xff, sizeof(flood) - 24);
	say(fd, flood, sizeof(flood));
	turn(0.05);
	ck_assert_int_eq(heard.trouble, TROUBLE_BAD_HELLO);
	ck_assert(is_closed(fd));
	close(fd);
}
END_TEST

START_TEST(a_tls_client_is_called_one)
{
	/* A ClientHello of less than 256 bytes: its length looks like interface version 1. */
	int fd = dial();

	say(fd, "\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03", 11);
	turn_until(&heard.troubles, 1);
	ck_assert_int_eq(heard.trouble, TROUBLE_BAD_HELLO);
	ck_assert_ptr_nonnull(strstr(heard.fault.what, "a TLS connection, not a hello"));
	close(fd);
}
END_TEST

START_TEST(silence_ends_with_the_time_that_a_hello_may_take)
{
	double began = clock_monotonic();
	int silent, slow;

	limits.seconds = 1;
	listener_set_limits(listener, &limits);
	silent = dial_from("127.0.0.2");
	slow = dial_from("127.0.0.3");
	/* Byte after byte does not win it more time; a busy machine may be cut off meanwhile. */
	for (int i = 0; i < 8; i++) {
		send(slow, sample + i, 1, MSG_NOSIGNAL);
		turn(0.05);
	}
	turn_until(&heard.troubles, 2);
	ck_assert_double_ge(heard.first - began, 0.9);
	ck_assert_int_eq(heard.trouble, TROUBLE_TIME);
	ck_assert(is_closed(silent));
	ck_assert(is_closed(slow));
	close(silent);
	close(slow);
}
END_TEST

START_TEST(one_address_cannot_take_all_connections)
{
	int fd[3];

	limits.per_address = 2;
	listener_set_limits(listener, &limits);
	for (int i = 0; i < 3; i++) {
		fd[i] = dial_from("127.0.0.4");
		turn(0.02);
	}
	ck_assert(!is_closed(fd[0]));
	ck_assert(!is_closed(fd[1]));
	ck_assert(is_closed(fd[2]));
	ck_assert_int_eq(heard.trouble, TROUBLE_TOO_MANY);
	/* Others are none of its business, and a place that is free again can be taken. */
	close(fd[2]);
	fd[2] = dial_from("127.0.0.5");
	turn(0.02);
	ck_assert(!is_closed(fd[2]));
	close(fd[0]);
	turn(0.02);
	fd[0] = dial_from("127.0.0.4");
	turn(0.02);
	ck_assert(!is_closed(fd[0]));
	for (int i = 0; i < 3; i++)
		close(fd[i]);
}
END_TEST

START_TEST(when_all_places_are_taken_the_oldest_goes)
{
	char from[16];
	int fd[4], good;

	limits.connections = 3;
	listener_set_limits(listener, &limits);
	for (int i = 0; i < 4; i++) {
		snprintf(from, sizeof(from), "127.0.1.%d", i + 1);
		fd[i] = dial_from(from);
		turn(0.02);
	}
	ck_assert(is_closed(fd[0]));
	ck_assert(!is_closed(fd[1]));
	ck_assert(!is_closed(fd[3]));
	ck_assert_int_eq(heard.trouble, TROUBLE_FULL);
	ck_assert_uint_eq(listener_counts(listener)->open, 3);
	/* Those who sit there keep no machine from saying hello. */
	good = dial_from("127.0.1.9");
	say(good, sample, sizeof(sample));
	shutdown(good, SHUT_WR);
	turn(0.05);
	ck_assert_uint_eq(heard.hellos, 1);
	for (int i = 0; i < 4; i++)
		close(fd[i]);
	close(good);
}
END_TEST

START_TEST(what_is_complete_is_taken_before_anything_is_closed)
{
	int whole, partial, unread, last;

	limits.connections = 2;
	listener_set_limits(listener, &limits);
	partial = dial_from("127.0.1.1");
	say(partial, sample, 5);
	turn(0.02);
	whole = dial_from("127.0.1.2");
	say(whole, sample, sizeof(sample));
	turn(0.02);
	ck_assert_uint_eq(heard.hellos, 0);
	/* No third place; but the complete hello need not wait for silence. */
	unread = dial_from("127.0.1.3");
	turn(0.02);
	ck_assert_uint_eq(heard.hellos, 1);
	ck_assert_str_eq(heard.address, "127.0.1.2");
	ck_assert(is_closed(whole));
	ck_assert(!is_closed(partial));
	/* Nor is the one that is closed thrown away before its last bytes are read. */
	say(partial, sample + 5, sizeof(sample) - 5);
	last = dial_from("127.0.1.4");
	turn(0.02);
	ck_assert_uint_eq(heard.hellos, 2);
	ck_assert_str_eq(heard.address, "127.0.1.1");
	ck_assert_uint_eq(heard.troubles, 0);
	ck_assert(!is_closed(unread));
	ck_assert(!is_closed(last));
	ck_assert_uint_eq(listener_counts(listener)->open, 2);
	close(whole);
	close(partial);
	close(unread);
	close(last);
}
END_TEST

START_TEST(a_stop_hears_what_is_complete)
{
	int whole = dial_from("127.0.1.2"), partial = dial_from("127.0.1.1");

	say(whole, sample, sizeof(sample));
	say(partial, sample, 31);
	turn(0.02);
	ck_assert_uint_eq(listener_counts(listener)->open, 2);
	listener_stop(listener);
	ck_assert_uint_eq(heard.hellos, 1);
	ck_assert_str_eq(heard.address, "127.0.1.2");
	ck_assert_uint_eq(listener_counts(listener)->open, 0);
	close(whole);
	close(partial);
}
END_TEST

static void send_hello(const char *from)
{
	int fd = dial_from(from);

	say(fd, sample, sizeof(sample));
	shutdown(fd, SHUT_WR);
	turn(0.02);
	close(fd);
}

START_TEST(too_many_messages_of_one_address_are_ignored_and_logged_once)
{
	limits.messages_per_minute = 3;
	listener_set_limits(listener, &limits);
	for (int i = 0; i < 6; i++)
		send_hello("127.0.0.6");
	/* The minute may turn once while this runs. */
	ck_assert_uint_ge(heard.hellos, 3);
	ck_assert_uint_le(heard.hellos, 6);
	if (heard.hellos == 3) {
		ck_assert_uint_eq(heard.troubles, 1);
		ck_assert_int_eq(heard.trouble, TROUBLE_TOO_OFTEN);
	}
	send_hello("127.0.0.7");
	ck_assert_str_eq(heard.address, "127.0.0.7");
}
END_TEST

START_TEST(bad_messages_are_bounded_by_themselves)
{
	limits.messages_per_minute = 2;
	listener_set_limits(listener, &limits);
	for (int i = 0; i < 8; i++) {
		int fd = dial_from("127.0.0.8");

		say(fd, "bad!", 4);
		turn(0.02);
		close(fd);
	}
	/* Two of this minute, perhaps two of the next, and one line about the excess of each. */
	ck_assert_uint_le(heard.troubles, 6);
	ck_assert_uint_eq(listener_counts(listener)->trouble[TROUBLE_BAD_HELLO] +
			  listener_counts(listener)->trouble[TROUBLE_TOO_OFTEN], 8);
	/* But they do not use up the hellos of others behind the same address. */
	send_hello("127.0.0.8");
	ck_assert_uint_eq(heard.hellos, 1);
}
END_TEST

START_TEST(a_browser_gets_a_page_and_no_trouble)
{
	char page[1024] = "", request[4 * HELLO_MAX] = "GET ";
	int fd = dial();

	say(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
	turn(0.05);
	ck_assert_int_gt(recv(fd, page, sizeof(page) - 1, MSG_DONTWAIT), 0);
	ck_assert_int_eq(strncmp(page, "HTTP/1.0 200 OK\r\n", 17), 0);
	ck_assert_ptr_nonnull(strstr(page, "\r\n\r\nThis is amt-provisiond"));
	ck_assert_uint_eq(heard.troubles, 0);
	ck_assert_uint_eq(listener_counts(listener)->pages, 1);
	close(fd);
	turn(0.05);
	ck_assert_uint_eq(listener_counts(listener)->open, 0);
	/* Nor one whose request is long, nor a tool that says it and shuts its side down. */
	memset(request + 4, 'x', sizeof(request) - 4);
	fd = dial();
	say(fd, request, sizeof(request));
	shutdown(fd, SHUT_WR);
	turn(0.05);
	ck_assert_int_gt(recv(fd, page, sizeof(page) - 1, MSG_DONTWAIT), 0);
	ck_assert_int_eq(strncmp(page, "HTTP/1.0 200 OK\r\n", 17), 0);
	close(fd);
	turn(0.05);
	ck_assert_uint_eq(heard.troubles, 0);
	ck_assert_uint_eq(listener_counts(listener)->open, 0);
	/* Unless the limits say no. */
	limits.page = false;
	listener_set_limits(listener, &limits);
	fd = dial();
	say(fd, "GET / HTTP/1.1\r\n\r\n", 18);
	turn(0.05);
	ck_assert_int_eq(heard.trouble, TROUBLE_BAD_HELLO);
	close(fd);
}
END_TEST

START_TEST(a_look_at_the_port_is_counted_and_not_logged)
{
	int fd = dial();

	close(fd);
	turn(0.05);
	ck_assert_uint_eq(heard.troubles, 0);
	ck_assert_uint_eq(listener_counts(listener)->empty, 1);
}
END_TEST

START_TEST(a_paused_listener_keeps_machines_waiting_not_away)
{
	int fd;

	listener_pause(listener, true);
	fd = dial();
	say(fd, sample, sizeof(sample));
	shutdown(fd, SHUT_WR);
	turn(0.1);
	ck_assert_uint_eq(heard.hellos, 0);
	listener_pause(listener, false);
	turn(0.05);
	ck_assert_uint_eq(heard.hellos, 1);
	close(fd);
}
END_TEST

START_TEST(the_end_of_a_rest_does_not_end_a_pause)
{
	int fd;

	listener_pause(listener, true);
	listener->resting = true;
	event_active(listener->wake, EV_TIMEOUT, 0);
	fd = dial();
	say(fd, sample, sizeof(sample));
	shutdown(fd, SHUT_WR);
	turn(0.1);
	ck_assert(!listener->resting);
	ck_assert_uint_eq(heard.hellos, 0);
	listener_pause(listener, false);
	turn(0.05);
	ck_assert_uint_eq(heard.hellos, 1);
	close(fd);
}
END_TEST

START_TEST(a_port_that_needs_a_privilege_is_said)
{
	struct config_address a = { .text = "127.0.0.1:80" };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a.address;
	uid_t before = geteuid();
	int rc;

	v4->sin_family = AF_INET;
	v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v4->sin_port = htons(80);
	a.length = sizeof(*v4);
	ck_assert(before != 0 || seteuid(65534) == 0);
	rc = listener_open(listener, &a, &fault);
	ck_assert_int_eq(seteuid(before), 0);
	/* Some systems let everybody have these ports. */
	if (rc == KIT_ERR_PERMISSION)
		ck_assert_ptr_nonnull(strstr(fault.hint, "ports under 1024 need a privilege"));
	else
		ck_assert(rc == 0 || rc == KIT_ERR_BUSY);
	fault_clear(&fault);
}
END_TEST

START_TEST(a_port_that_is_taken_is_said)
{
	struct config_address a = { .text = "127.0.0.1:here" };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a.address;

	v4->sin_family = AF_INET;
	v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v4->sin_port = htons(port_here());
	a.length = sizeof(*v4);
	ck_assert_int_eq(listener_open(listener, &a, &fault), KIT_ERR_BUSY);
	ck_assert_ptr_nonnull(strstr(fault.what, "127.0.0.1:here: something else listens"));
	fault_clear(&fault);
}
END_TEST

START_TEST(an_address_that_is_not_here_is_said)
{
	struct config_address a = { .text = "192.0.2.1:9971" };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a.address;

	v4->sin_family = AF_INET;
	v4->sin_addr.s_addr = inet_addr("192.0.2.1");
	a.length = sizeof(*v4);
	ck_assert_int_eq(listener_open(listener, &a, &fault), KIT_ERR_SYSTEM);
	ck_assert_ptr_nonnull(strstr(fault.what, "cannot listen on 192.0.2.1:9971: "));
	ck_assert_ptr_nonnull(strstr(fault.hint, "check that this machine has the address"));
	fault_clear(&fault);
}
END_TEST

START_TEST(what_is_passed_for_listening_has_to_listen)
{
	int before = dup(3), other = socket(AF_INET, SOCK_STREAM, 0);
	size_t count;
	char pid[16];
	int rc;

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	/* Nothing is asserted meanwhile: Check may have that descriptor. */
	dup2(other, 3);
	rc = listener_inherit(listener, &count, &fault);
	if (before >= 0)
		dup2(before, 3);
	else
		close(3);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	ck_assert_int_eq(rc, KIT_ERR_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(fault.what, "descriptor 3, passed for listening, is not"));
	ck_assert_uint_eq(count, 0);
	fault_clear(&fault);
	if (before >= 0)
		close(before);
	close(other);
}
END_TEST

START_TEST(without_a_descriptor_left_machines_wait_and_are_heard_later)
{
	struct rlimit before, none;
	int fd = dial(), free_one = dup(fd);

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)free_one;
	close(free_one);
	say(fd, sample, sizeof(sample));
	shutdown(fd, SHUT_WR);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	turn(0.1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	/* Said, not over and over again, with what to do. */
	ck_assert_int_eq(heard.trouble, TROUBLE_SYSTEM);
	ck_assert_uint_eq(heard.troubles, 1);
	ck_assert_ptr_nonnull(strstr(heard.fault.hint, "raise the limit of open files"));
	ck_assert_uint_eq(heard.hellos, 0);
	turn_until(&heard.hellos, 1);
	close(fd);
}
END_TEST

START_TEST(without_a_descriptor_left_the_oldest_goes)
{
	struct rlimit before, none;
	int idle = dial_from("127.0.1.1"), good, free_one;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	turn(0.02);
	good = dial_from("127.0.1.2");
	say(good, sample, sizeof(sample));
	shutdown(good, SHUT_WR);
	free_one = dup(good);
	none = before;
	none.rlim_cur = (rlim_t)free_one;
	close(free_one);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	turn(0.1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_uint_eq(heard.hellos, 1);
	ck_assert_str_eq(heard.address, "127.0.1.2");
	ck_assert(is_closed(idle));
	ck_assert_uint_eq(heard.troubles, 1);
	ck_assert_int_eq(heard.trouble, TROUBLE_SYSTEM);
	ck_assert(!listener->resting);
	close(idle);
	close(good);
}
END_TEST

TEST_SUITE("listener")
{
	TCase *t = tcase_create("connections"), *files = tcase_create("no descriptors");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_hello_with_the_end_of_its_connection_is_heard_at_once);
	tcase_add_test(t, a_hello_in_32_segments_is_heard);
	tcase_add_test(t, a_hello_whose_connection_stays_open_is_heard_after_half_a_second);
	tcase_add_test(t, a_33rd_byte_refuses_it_even_when_it_comes_late);
	tcase_add_test(t, what_is_no_hello_is_refused_at_its_fourth_byte);
	tcase_add_test(t, a_flood_is_cut_off_at_the_limit_of_bytes);
	tcase_add_test(t, a_tls_client_is_called_one);
	tcase_add_test(t, silence_ends_with_the_time_that_a_hello_may_take);
	tcase_add_test(t, one_address_cannot_take_all_connections);
	tcase_add_test(t, when_all_places_are_taken_the_oldest_goes);
	tcase_add_test(t, what_is_complete_is_taken_before_anything_is_closed);
	tcase_add_test(t, a_stop_hears_what_is_complete);
	tcase_add_test(t, too_many_messages_of_one_address_are_ignored_and_logged_once);
	tcase_add_test(t, bad_messages_are_bounded_by_themselves);
	tcase_add_test(t, a_browser_gets_a_page_and_no_trouble);
	tcase_add_test(t, a_look_at_the_port_is_counted_and_not_logged);
	tcase_add_test(t, a_paused_listener_keeps_machines_waiting_not_away);
	tcase_add_test(t, a_port_that_is_taken_is_said);
	tcase_add_test(t, the_end_of_a_rest_does_not_end_a_pause);
	tcase_add_test(t, a_port_that_needs_a_privilege_is_said);
	tcase_add_test(t, an_address_that_is_not_here_is_said);
	tcase_add_test(t, what_is_passed_for_listening_has_to_listen);
	suite_add_tcase(suite, t);
	/*
	 * Valgrind keeps the limit of files itself: it lets the kernel accept, then closes what is
	 * over the limit, so that the hello is gone, as it never is on a real system.
	 */
	tcase_set_tags(files, "file-limit");
	tcase_add_checked_fixture(files, begin, end);
	tcase_add_test(files, without_a_descriptor_left_machines_wait_and_are_heard_later);
	tcase_add_test(files, without_a_descriptor_left_the_oldest_goes);
	suite_add_tcase(suite, files);
}
