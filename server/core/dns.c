/* Reverse DNS that is confirmed: c-ares asks, libevent waits. */
#include "server/core/dns.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <event2/event.h>
#include <event2/util.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "common/hostname.h"
#include "server/core/config.h"
#include "server/core/dns-private.h"

#define SERVERS	8
#define PORT	53
#define TRY_MS	1000	/* until a server is asked again, or the next one; doubled each round */
#define TRIES	4	/* rounds; the caller's time ends them, too */
#define ADDRESSES 64	/* of one name that are compared */
#define SOCKETS	(2 * SERVERS + 2)	/* of one question: UDP and TCP of each server */

struct dns {
	struct event_base *base;
	char servers[CONFIG_TEXT];	/* as c-ares reads them; "": the system's */
	TAILQ_HEAD(question_list, dns_question) questions;
};

struct watch {
	struct event *event;	/* NULL: free */
	int fd;
};

/*
 * A question has a channel of c-ares to itself, and so sockets of its own: its source ports are as
 * random as the system's, and no two questions share one. Calls of c-ares only leave their result
 * here, and settle() acts on it when c-ares has returned: done() may then end everything.
 */
struct dns_question {
	TAILQ_ENTRY(dns_question) entry;
	struct dns *dns;
	ares_channel channel;
	struct watch watches[SOCKETS];
	struct event *turn;		/* when c-ares wants to be called though nothing came */
	struct event *deadline;
	void (*done)(void *context, int code, const char *name, const struct fault *fault);
	void *context;
	char shown[INET6_ADDRSTRLEN + 1];
	struct dns_address address;
	char name[SYSTEM_FQDN + 1];
	char asked[SYSTEM_FQDN + 1];	/* as it was asked, in mixed case */
	int type;			/* T_PTR, then T_A or T_AAAA */
	unsigned seconds;
	bool answered;			/* c-ares has called back, and this is not acted on yet */
	int code;			/* 0 go on; else the caller's result, with the fault */
	bool confirmed;
	struct fault fault;
};

/* ---- what is asked and what is taken: no network here ---- */

bool dns_address_parse(const char *text, struct dns_address *out)
{
	memset(out, 0, sizeof(*out));
	out->v6 = strchr(text, ':') != NULL;
	return inet_pton(out->v6 ? AF_INET6 : AF_INET, text, out->bytes) == 1;
}

void dns_reverse_name(const struct dns_address *a, char out[static DNS_REVERSE])
{
	size_t at = 0;

	if (!a->v6) {
		snprintf(out, DNS_REVERSE, "%u.%u.%u.%u.in-addr.arpa", a->bytes[3], a->bytes[2],
			 a->bytes[1], a->bytes[0]);
		return;
	}
	for (int i = 15; i >= 0; i--)
		at += (size_t)snprintf(out + at, DNS_REVERSE - at, "%x.%x.", a->bytes[i] & 15u,
				       a->bytes[i] >> 4u);
	snprintf(out + at, DNS_REVERSE - at, "ip6.arpa");
}

int dns_mix_case(char *name)
{
	size_t n = strlen(name);
	unsigned char coins[SYSTEM_FQDN];

	if (n > sizeof(coins) || RAND_bytes(coins, (int)n) != 1)
		return KIT_ERR_CRYPTO;
	for (size_t i = 0; i < n; i++) {
		bool letter = (name[i] >= 'a' && name[i] <= 'z') ||
			      (name[i] >= 'A' && name[i] <= 'Z');

		if (letter && coins[i] & 1)
			name[i] ^= 0x20;
	}
	return 0;
}

bool dns_repeats(const unsigned char *data, size_t n, const char *name)
{
	size_t at = NS_HFIXEDSZ;

	/* Labels of the first question; none that is compressed can come before. */
	while (*name) {
		size_t label = strcspn(name, ".");

		if (at >= n || data[at] != label || n - at - 1 < label ||
		    memcmp(data + at + 1, name, label) != 0)
			return false;
		at += 1 + label;
		name += label + (name[label] == '.');
	}
	return at < n && data[at] == 0;
}

bool dns_take_name(const unsigned char *data, size_t n, const struct dns_address *a,
		   char out[static SYSTEM_FQDN + 1])
{
	struct hostent *host = NULL;
	bool good;

	if (n > INT32_MAX || ares_parse_ptr_reply(data, (int)n, a->bytes, a->v6 ? 16 : 4,
						  a->v6 ? AF_INET6 : AF_INET, &host))
		return false;
	good = host->h_name && strlen(host->h_name) <= SYSTEM_FQDN &&
	       hostname_is_fqdn(host->h_name);
	if (good)
		strcpy(out, host->h_name);
	ares_free_hostent(host);
	return good;
}

bool dns_has_address(const unsigned char *data, size_t n, const struct dns_address *a)
{
	struct ares_addr6ttl v6[ADDRESSES];
	struct ares_addrttl v4[ADDRESSES];
	int count = ADDRESSES;

	if (n > INT32_MAX)
		return false;
	if (a->v6 ? ares_parse_aaaa_reply(data, (int)n, NULL, v6, &count)
		  : ares_parse_a_reply(data, (int)n, NULL, v4, &count))
		return false;
	for (int i = 0; i < count; i++)
		if (a->v6 ? memcmp(&v6[i].ip6addr, a->bytes, 16) == 0
			  : memcmp(&v4[i].ipaddr, a->bytes, 4) == 0)
			return true;
	return false;
}

/* ---- name servers ---- */

static int server_address(const char *text, struct sockaddr_storage *out)
{
	int length = sizeof(*out);

	memset(out, 0, sizeof(*out));
	if (evutil_parse_sockaddr_port(text, (struct sockaddr *)out, &length))
		return KIT_ERR_ARGUMENT;
	/* sin_port and sin6_port are the same two bytes. */
	if (((struct sockaddr_in *)out)->sin_port == 0)
		((struct sockaddr_in *)out)->sin_port = htons(PORT);
	return 0;
}

/* The name servers in the list SERVERS, in their order. */
static int parse_servers(const char *servers, struct sockaddr_storage out[static SERVERS],
			 size_t *n, struct fault *fault)
{
	char list[CONFIG_TEXT], *save = NULL;

	*n = 0;
	if (strlen(servers) >= sizeof(list))
		return fault_set(fault, KIT_ERR_ARGUMENT, "the list is longer than %zu bytes",
				 sizeof(list) - 1);
	strcpy(list, servers);
	for (char *p = strtok_r(list, ", \t", &save); p; p = strtok_r(NULL, ", \t", &save)) {
		if (*n == SERVERS)
			return fault_set(fault, KIT_ERR_ARGUMENT, "more than %d name servers",
					 SERVERS);
		if (server_address(p, &out[*n]))
			return fault_set(fault, KIT_ERR_ARGUMENT, "\"%s\" is not an address of a "
					 "name server, such as 192.0.2.1 or [2001:db8::1]:5353", p);
		for (size_t i = 0; i < *n; i++)
			if (!evutil_sockaddr_cmp((struct sockaddr *)&out[i],
						 (struct sockaddr *)&out[*n], 1))
				return fault_set(fault, KIT_ERR_ARGUMENT, "%s is given twice", p);
		++*n;
	}
	return 0;
}

int dns_check(const char *servers, struct fault *fault)
{
	struct sockaddr_storage unused[SERVERS];
	size_t n;

	return parse_servers(servers, unused, &n, fault);
}

/* The list as c-ares reads it: "192.0.2.1:53,[2001:db8::1]:53". OUT: CONFIG_TEXT bytes. */
static int write_servers(const struct sockaddr_storage *list, size_t n, char *out,
			 struct fault *fault)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		bool is_v6 = list[i].ss_family == AF_INET6;
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)&list[i];
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&list[i];
		char text[INET6_ADDRSTRLEN] = "";

		inet_ntop(list[i].ss_family, is_v6 ? (const void *)&v6->sin6_addr
						   : (const void *)&v4->sin_addr,
			  text, sizeof(text));
		at += (size_t)snprintf(out + at, CONFIG_TEXT - at, is_v6 ? "%s[%s]:%u" : "%s%s:%u",
				       i ? "," : "", text, ntohs(v4->sin_port));
		if (at >= CONFIG_TEXT)
			return fault_set(fault, KIT_ERR_ARGUMENT, "the list is longer than %d "
					 "bytes", CONFIG_TEXT - 1);
	}
	return 0;
}

int dns_new(struct dns **out, struct event_base *base, const char *servers,
	    struct fault *fault)
{
	struct dns *d = calloc(1, sizeof(*d));
	struct sockaddr_storage list[SERVERS];
	size_t n;
	int rc;

	*out = NULL;
	if (!d)
		return fault_nomem(fault);
	TAILQ_INIT(&d->questions);
	d->base = base;
	rc = parse_servers(servers, list, &n, fault);
	if (!rc)
		rc = write_servers(list, n, d->servers, fault);
	if (rc) {
		free(d);
		return fault_context(fault, "dns_servers");
	}
	rc = ares_library_init(ARES_LIB_INIT_ALL);
	if (rc) {
		free(d);
		return fault_set(fault, KIT_ERR_LIBRARY, "c-ares: %s", ares_strerror(rc));
	}
	*out = d;
	return 0;
}

/* ---- a question ---- */

static void free_question(struct dns_question *q)
{
	/* Calls its functions once more, which change nothing that is used after. */
	if (q->channel)
		ares_destroy(q->channel);
	for (size_t i = 0; i < SOCKETS; i++)
		if (q->watches[i].event)
			event_free(q->watches[i].event);
	if (q->turn)
		event_free(q->turn);
	if (q->deadline)
		event_free(q->deadline);
	TAILQ_REMOVE(&q->dns->questions, q, entry);
	free(q);
}

void dns_free(struct dns **d)
{
	if (!*d)
		return;
	while (!TAILQ_EMPTY(&(*d)->questions))
		free_question(TAILQ_FIRST(&(*d)->questions));
	ares_library_cleanup();
	free(*d);
	*d = NULL;
}

static int conclude(struct dns_question *q, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int conclude(struct dns_question *q, int code, const char *format, ...)
{
	va_list args;

	q->code = q->fault.code = code;
	va_start(args, format);
	vsnprintf(q->fault.what, sizeof(q->fault.what), format, args);
	va_end(args);
	return code;
}

/* c-ares has an answer (also "no such name"), or none. DATA belongs to c-ares. */
static void on_answer(void *context, int status, int timeouts, unsigned char *data, int n)
{
	struct dns_question *q = context;
	const unsigned char *answer = data;
	size_t size = n > 0 ? (size_t)n : 0;

	q->answered = true;
	if (status == ARES_ETIMEOUT) {
		conclude(q, KIT_ERR_TIMEOUT, "no name server gave the name of %s in time",
			 q->shown);
	} else if (status != ARES_SUCCESS && status != ARES_ENODATA && status != ARES_ENOTFOUND) {
		/* A server that cannot say, and not an answer by which there is no such name. */
		conclude(q, KIT_ERR_NETWORK, "the name servers cannot give the %s of %s: %s",
			 q->type == T_PTR ? "name" : "address",
			 q->type == T_PTR ? q->shown : q->name, ares_strerror(status));
	} else if (!dns_repeats(answer, size, q->asked)) {
		conclude(q, KIT_ERR_NETWORK, "an answer to another question than that for %s came "
			 "in: somebody may be forging answers of the name servers", q->shown);
	} else if (q->type == T_PTR) {
		if (status != ARES_SUCCESS || !dns_take_name(answer, size, &q->address, q->name))
			conclude(q, KIT_ERR_NOT_FOUND, "reverse DNS has no fully qualified name "
				 "for %s", q->shown);
	} else if (status == ARES_SUCCESS && dns_has_address(answer, size, &q->address)) {
		q->confirmed = true;
	} else {
		conclude(q, KIT_ERR_NOT_FOUND, "reverse DNS gives %s the name %s, but that name "
			 "does not have the address", q->shown, q->name);
	}
}

static void settle(struct dns_question *q);

static void on_socket(evutil_socket_t fd, short what, void *context)
{
	struct dns_question *q = context;

	ares_process_fd(q->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
			what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	settle(q);
}

static void on_turn(evutil_socket_t fd, short what, void *context)
{
	struct dns_question *q = context;

	ares_process_fd(q->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	settle(q);
}

/* c-ares has opened a socket, closed one, or waits for another thing on it. */
static void on_state(void *context, ares_socket_t fd, int readable, int writable)
{
	struct dns_question *q = context;
	short what = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0) | EV_PERSIST);
	struct watch *w = NULL;

	for (size_t i = 0; i < SOCKETS; i++)
		if (q->watches[i].event && q->watches[i].fd == fd) {
			w = &q->watches[i];
			event_free(w->event);
			w->event = NULL;
		}
	if (!readable && !writable)
		return;
	for (size_t i = 0; i < SOCKETS && !w; i++)
		if (!q->watches[i].event)
			w = &q->watches[i];
	/* Without a watch the question ends by its time. */
	if (!w)
		return;
	w->fd = fd;
	w->event = event_new(q->dns->base, fd, what, on_socket, q);
	if (w->event)
		event_add(w->event, NULL);
}

/* Ask for NAME; the answer may be there at once. */
static int ask(struct dns_question *q, const char *name, int type)
{
	snprintf(q->asked, sizeof(q->asked), "%s", name);
	q->type = type;
	q->answered = false;
	if (dns_mix_case(q->asked))
		return conclude(q, KIT_ERR_CRYPTO, "OpenSSL gives no random numbers");
	ares_query(q->channel, q->asked, C_IN, type, on_answer, q);
	return 0;
}

static void finish(struct dns_question *q)
{
	void (*done)(void *context, int code, const char *name, const struct fault *fault) =
		q->done;
	struct fault fault = q->fault;
	char name[sizeof(q->name)];
	void *context = q->context;
	int code = q->code;

	strcpy(name, q->name);
	free_question(q);
	done(context, code, name, &fault);
}

/* c-ares has returned: go on with what it left. Q may be gone after it. */
static void settle(struct dns_question *q)
{
	struct timeval limit, *wait;

	if (q->answered && !q->code && !q->confirmed)
		ask(q, q->name, q->address.v6 ? T_AAAA : T_A);
	/* The second question may have been answered at once, too. */
	if (q->code || q->confirmed) {
		finish(q);
		return;
	}
	wait = ares_timeout(q->channel, NULL, &limit);
	if (wait)
		evtimer_add(q->turn, wait);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct dns_question *q = context;

	conclude(q, KIT_ERR_TIMEOUT, "no name server gave the name of %s in time", q->shown);
	finish(q);
}

static int open_channel(struct dns_question *q, struct fault *fault)
{
	struct ares_options options = { .timeout = TRY_MS, .tries = TRIES,
					.sock_state_cb = on_state, .sock_state_cb_data = q };
	int rc = ares_init_options(&q->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
				   ARES_OPT_SOCK_STATE_CB);

	if (!rc && *q->dns->servers)
		rc = ares_set_servers_ports_csv(q->channel, q->dns->servers);
	if (rc == ARES_ENOMEM)
		return fault_nomem(fault);
	if (rc)
		return fault_set(fault, KIT_ERR_LIBRARY, "c-ares cannot ask name servers: %s",
				 ares_strerror(rc));
	return 0;
}

int dns_reverse(struct dns_question **out, struct dns *d, const char *address,
		unsigned seconds,
		void (*done)(void *context, int code, const char *name,
			     const struct fault *fault),
		void *context, struct fault *fault)
{
	struct timeval limit = { .tv_sec = seconds }, now = { 0 };
	struct dns_question *q = calloc(1, sizeof(*q));
	char name[DNS_REVERSE];
	int rc;

	*out = NULL;
	if (!q)
		return fault_nomem(fault);
	TAILQ_INSERT_TAIL(&d->questions, q, entry);
	q->dns = d;
	q->done = done;
	q->context = context;
	snprintf(q->shown, sizeof(q->shown), "%.*s", (int)strcspn(address, "%"), address);
	if (!dns_address_parse(q->shown, &q->address)) {
		free_question(q);
		return fault_set(fault, KIT_ERR_ARGUMENT, "\"%s\" is not an address", address);
	}
	q->deadline = evtimer_new(d->base, on_deadline, q);
	q->turn = evtimer_new(d->base, on_turn, q);
	rc = !q->deadline || !q->turn || evtimer_add(q->deadline, &limit) ? fault_nomem(fault)
	   : open_channel(q, fault);
	if (rc) {
		free_question(q);
		return rc;
	}
	dns_reverse_name(&q->address, name);
	/* done() is called from the loop, also where the answer is there at once. */
	ask(q, name, T_PTR);
	evtimer_add(q->turn, &now);
	*out = q;
	return 0;
}

void dns_cancel(struct dns_question **q)
{
	if (!*q)
		return;
	free_question(*q);
	*q = NULL;
}
