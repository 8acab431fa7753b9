/*
 * A building that says hello: N connections of one hello each, C at a time.
 *
 *   hello_load PORT N C RATE [KEYS.csv | v3 [FIRST]]
 *
 * RATE is hellos per second, 0 for as fast as it goes. PIDs come from KEYS.csv in their order,
 * beginning again at its end; without it one PID is said by all, and with v3 they are hellos of
 * version 3 with 24 hashes, 841 bytes. Machines are numbered from FIRST (0) on: each number has a
 * UUID of its own, the same in every run. Each connection comes from one of many addresses in
 * 127.16.0.0/12, sends, shuts its side down and waits for the other end to close. Prints: hellos
 * per second, the median and the 99th percentile of the milliseconds from connect to that close,
 * and how many failed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/bytes.h"

#define ADDRESSES	60000
#define HELLO		32
#define HASHES		24
#define HELLO_3		(25 + HASHES * 34)

struct sender {
	int fd;
	double began;
	uint32_t number;
};

static char (*pids)[8];
static size_t n_pids;
static double *took;
static uint32_t n_took, failed;
static bool version_3;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void read_pids(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[512];
	size_t room = 0;

	if (!f || !fgets(line, sizeof(line), f))
		die(path);
	while (fgets(line, sizeof(line), f)) {
		if (n_pids == room) {
			room = room ? room * 2 : 65536;
			pids = realloc(pids, room * sizeof(*pids));
			if (!pids)
				die("memory");
		}
		memcpy(pids[n_pids++], line, 8);
	}
	fclose(f);
}

/* A UUID for each number: the same machine says the same one in every run. Returns the size. */
static size_t make_hello(uint8_t out[static HELLO_3], uint32_t number)
{
	memset(out, 0, HELLO_3);
	out[2] = version_3 ? 3 : 2;
	put_le32(out + 8, 0x5eed0000u);
	put_le32(out + 12, 0x4a4a1234u);
	put_le32(out + 16, number * 2654435761u);
	put_le32(out + 20, number);
	if (!version_3) {
		memcpy(out + 24, n_pids ? pids[number % n_pids] : "0000037M", 8);
		return HELLO;
	}
	out[24] = HASHES;
	for (int i = 0; i < HASHES; i++) {
		out[25 + i * 34] = 2;
		out[26 + i * 34] = 32;
		memset(out + 27 + i * 34, i, 32);
	}
	return HELLO_3;
}

static void begin(struct sender *s, int poll, uint16_t port, uint32_t number)
{
	struct sockaddr_in from = { .sin_family = AF_INET }, to = from;
	struct epoll_event e = { .events = EPOLLOUT, .data.ptr = s };
	int one = 1;

	s->number = number;
	s->began = now();
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		die("socket");
	from.sin_addr.s_addr = htonl(0x7f100001u + number % ADDRESSES);
	setsockopt(s->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(s->fd, (struct sockaddr *)&from, sizeof(from)))
		die("bind");
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(port);
	if (connect(s->fd, (struct sockaddr *)&to, sizeof(to)) && errno != EINPROGRESS)
		die("connect");
	if (epoll_ctl(poll, EPOLL_CTL_ADD, s->fd, &e))
		die("epoll_ctl");
}

/* Connected: say hello. The close of the other end comes as a read of 0. */
static void speak(struct sender *s, int poll)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = s };
	uint8_t hello[HELLO_3];
	size_t size = make_hello(hello, s->number);

	if (send(s->fd, hello, size, MSG_NOSIGNAL) != (ssize_t)size)
		failed++;
	shutdown(s->fd, SHUT_WR);
	epoll_ctl(poll, EPOLL_CTL_MOD, s->fd, &e);
}

static void finish(struct sender *s)
{
	char byte;

	if (read(s->fd, &byte, 1) != 0)
		failed++;
	close(s->fd);
	took[n_took++] = now() - s->began;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	struct epoll_event events[256];
	struct sender *slots, **idle;
	uint32_t n, c, first, said = 0, free_slots;
	uint16_t port;
	double rate, start;
	int poll;

	if (argc < 5) {
		fprintf(stderr, "usage: hello_load PORT N C RATE [KEYS.csv | v3 [FIRST]]\n");
		return 2;
	}
	port = (uint16_t)atoi(argv[1]);
	n = (uint32_t)atol(argv[2]);
	c = (uint32_t)atol(argv[3]);
	rate = atof(argv[4]);
	first = argc > 6 ? (uint32_t)atol(argv[6]) : 0;
	version_3 = argc > 5 && strcmp(argv[5], "v3") == 0;
	if (argc > 5 && !version_3)
		read_pids(argv[5]);
	slots = calloc(c, sizeof(*slots));
	idle = calloc(c, sizeof(*idle));
	took = calloc(n, sizeof(*took));
	poll = epoll_create1(0);
	if (!slots || !idle || !took || poll < 0)
		die("memory");
	for (free_slots = 0; free_slots < c; free_slots++)
		idle[free_slots] = &slots[free_slots];
	start = now();
	while (n_took < n) {
		int got, wait = -1;

		while (said < n && free_slots &&
		       (rate == 0 || said < (now() - start) * rate))
			begin(idle[--free_slots], poll, port, first + said++);
		if (rate > 0 && said < n)
			wait = 1;
		got = epoll_wait(poll, events, 256, wait);
		for (int i = 0; i < got; i++) {
			struct sender *s = events[i].data.ptr;

			if (events[i].events & EPOLLOUT) {
				speak(s, poll);
			} else {
				finish(s);
				idle[free_slots++] = s;
			}
		}
	}
	rate = n / (now() - start);
	qsort(took, n, sizeof(*took), by_size);
	printf("%.0f %.2f %.2f %u\n", rate, took[n / 2] * 1000, took[n / 100 * 99] * 1000, failed);
	return failed ? 1 : 0;
}
