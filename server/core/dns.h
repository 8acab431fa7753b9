/* Reverse DNS that is confirmed: the name of an address, if that name has the address. */
#ifndef SERVER_CORE_DNS_H
#define SERVER_CORE_DNS_H

#include "common/error.h"

struct event_base;

/* SERVERS as below, of which there may be 8: KIT_ERR_ARGUMENT if it is not valid, and why. */
int dns_check(const char *servers, struct fault *fault);

/*
 * A resolver asks the name servers in SERVERS ("192.0.2.1, 192.0.2.2:5353"), or, when that
 * is "", those of the system.
 */
struct dns;
int dns_new(struct dns **out, struct event_base *base, const char *servers,
	    struct fault *fault);
/* Questions under way are dropped. *d may be NULL. */
void dns_free(struct dns **d);

/*
 * Which name has ADDRESS? done() is called exactly once from the event loop, within SECONDS:
 * CODE 0 with the NAME, or KIT_ERR_NOT_FOUND (none, or one that is not confirmed),
 * KIT_ERR_TIMEOUT, or KIT_ERR_NETWORK (the servers answer that they cannot, or an answer is
 * forged); not after dns_cancel().
 *
 * Each question goes out from ports of its own and in mixed case, which the answer has to repeat;
 * an answer that is too long for UDP is asked for over TCP.
 */
struct dns_question;
int dns_reverse(struct dns_question **out, struct dns *d, const char *address,
		unsigned seconds,
		void (*done)(void *context, int code, const char *name,
			     const struct fault *fault),
		void *context, struct fault *fault);

/* *q may be NULL. */
void dns_cancel(struct dns_question **q);

#endif
