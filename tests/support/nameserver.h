/* A name server on loopback, by UDP and TCP, for tests: it answers what the test says. */
#ifndef TESTS_SUPPORT_NAMESERVER_H
#define TESTS_SUPPORT_NAMESERVER_H

#include <stdbool.h>
#include <stdint.h>

struct event;
struct event_base;

enum { NAMESERVER_A = 1, NAMESERVER_PTR = 12, NAMESERVER_AAAA = 28 };
enum { NAMESERVER_NO_NAME = 3, NAMESERVER_REFUSED = 5 };

struct nameserver {
	/* How it behaves, set by the test. */
	bool truncate;		/* by UDP: ask over TCP */
	bool lower_case;	/* the question comes back in lower case */
	bool silent;
	/*
	 * The name (of a PTR) or the address that NAME (in lower case) has; NULL: *rcode says why
	 * there is none.
	 */
	const char *(*answer)(const char *name, unsigned type, unsigned *rcode);
	/* What it was asked. */
	unsigned udp_questions, tcp_questions;
	uint16_t ports[64];	/* of the questions by UDP */
	unsigned letters, capitals;
	/* Its own. */
	struct event_base *base;
	int udp, tcp, stream;
	struct event *udp_event, *tcp_event, *stream_event;
};

/* Start S, of which the test has set ANSWER; OUT is its address and port, as dns_servers has it. */
void nameserver_start(struct nameserver *s, struct event_base *base, char out[static 32]);
void nameserver_stop(struct nameserver *s);

#endif
