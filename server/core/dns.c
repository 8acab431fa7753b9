/* Reverse DNS that is confirmed, on libevent's resolver. */
#include "server/core/dns.h"

#include <arpa/inet.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/config.h"
#include "common/hostname.h"
#include "server/keymap/systems.h"

#define SERVERS	8
#define PORT	53

struct dns {
	struct event_base *base;
	struct evdns_base *resolver;
};

struct dns_question {
	struct dns *dns;
	void (*done)(void *context, int code, const char *name, const struct fault *fault);
	void *context;
	char address[INET6_ADDRSTRLEN + 1];
	bool v6;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} bytes;
	char name[SYSTEM_FQDN + 1];
	unsigned seconds;
	struct event *deadline;
	struct evdns_request *request;
	bool over;		/* told or cancelled; freed when the resolver lets go */
};

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

/* The name servers in the list SERVERS. libevent would refuse one that it has already. */
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
			return fault_set(fault, KIT_ERR_ARGUMENT, "\"%s\" is no address of a name "
					 "server, such as 192.0.2.1 or [2001:db8::1]:5353", p);
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
	rc = parse_servers(servers, list, &n, fault);
	if (rc) {
		free(d);
		return fault_context(fault, "dns_servers");
	}
	d->base = base;
	/* Never fails for want of name servers: a system without any simply knows no names. */
	d->resolver = evdns_base_new(base, *servers ? 0 : EVDNS_BASE_INITIALIZE_NAMESERVERS);
	if (!d->resolver)
		d->resolver = evdns_base_new(base, 0);
	if (!d->resolver) {
		free(d);
		return fault_set(fault, KIT_ERR_LIBRARY, "libevent cannot make a resolver");
	}
	evdns_base_set_option(d->resolver, "randomize-case:", "0");
	for (size_t i = 0; i < n; i++)
		if (evdns_base_nameserver_sockaddr_add(d->resolver, (struct sockaddr *)&list[i],
						       list[i].ss_family == AF_INET6 ?
						       sizeof(struct sockaddr_in6) :
						       sizeof(struct sockaddr_in), 0)) {
			dns_free(&d);
			return fault_set(fault, KIT_ERR_LIBRARY, "libevent cannot ask the name "
					 "servers %s", servers);
		}
	*out = d;
	return 0;
}

void dns_free(struct dns **d)
{
	if (!*d)
		return;
	evdns_base_free((*d)->resolver, 1);
	free(*d);
	*d = NULL;
}

static void __attribute__((format(printf, 3, 4)))
tell(struct dns_question *q, int code, const char *format, ...)
{
	struct fault fault = { .code = code };
	va_list args;

	if (q->over)
		return;
	q->over = true;
	evtimer_del(q->deadline);
	va_start(args, format);
	vsnprintf(fault.what, sizeof(fault.what), format, args);
	va_end(args);
	q->done(q->context, code, q->name, &fault);
}

/* An answer by which there is no such name, and not a server that cannot say. */
static bool is_answer(int result)
{
	return result == DNS_ERR_NONE || result == DNS_ERR_NOTEXIST || result == DNS_ERR_NODATA;
}

static void tell_trouble(struct dns_question *q, int result)
{
	tell(q, KIT_ERR_NETWORK, "the name servers cannot tell the %s of %s: %s",
	     *q->name ? "address" : "name", *q->name ? q->name : q->address,
	     evdns_err_to_string(result));
}

static void release(struct dns_question *q)
{
	event_free(q->deadline);
	free(q);
}

static bool is_confirmed(const struct dns_question *q, int count, const void *addresses)
{
	size_t size = q->v6 ? sizeof(q->bytes.v6) : sizeof(q->bytes.v4);

	for (int i = 0; i < count; i++)
		if (memcmp((const char *)addresses + (size_t)i * size, &q->bytes, size) == 0)
			return true;
	return false;
}

static void on_forward(int result, char type, int count, int ttl, void *addresses, void *context)
{
	struct dns_question *q = context;
	char wanted = q->v6 ? DNS_IPv6_AAAA : DNS_IPv4_A;

	q->request = NULL;
	if (result == DNS_ERR_NONE && type == wanted && is_confirmed(q, count, addresses))
		tell(q, 0, "%s", q->name);
	else if (!is_answer(result))
		tell_trouble(q, result);
	else
		tell(q, KIT_ERR_NOT_FOUND, "reverse DNS gives %s the name %s, but that name does "
		     "not have the address", q->address, q->name);
	release(q);
}

static void on_name(int result, char type, int count, int ttl, void *names, void *context)
{
	struct dns_question *q = context;
	const char *name = result == DNS_ERR_NONE && type == DNS_PTR && count > 0
			 ? *(char **)names : NULL;

	q->request = NULL;
	if (q->over) {
		release(q);
		return;
	}
	if (!is_answer(result)) {
		tell_trouble(q, result);
		release(q);
		return;
	}
	if (!name || !hostname_is_fqdn(name)) {
		tell(q, KIT_ERR_NOT_FOUND, "reverse DNS has no fully qualified name for %s",
		     q->address);
		release(q);
		return;
	}
	strcpy(q->name, name);
	q->request = q->v6 ?
		evdns_base_resolve_ipv6(q->dns->resolver, q->name, DNS_QUERY_NO_SEARCH,
					on_forward, q) :
		evdns_base_resolve_ipv4(q->dns->resolver, q->name, DNS_QUERY_NO_SEARCH,
					on_forward, q);
	if (!q->request) {
		tell(q, KIT_ERR_NOT_FOUND, "the name of %s, %s, cannot be asked for",
		     q->address, q->name);
		release(q);
	}
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct dns_question *q = context;

	tell(q, KIT_ERR_TIMEOUT, "no name server told the name of %s in time", q->address);
	/* The resolver still holds q, and calls back with a cancellation. */
	if (q->request)
		evdns_cancel_request(q->dns->resolver, q->request);
}

int dns_reverse(struct dns_question **out, struct dns *d, const char *address,
		unsigned seconds,
		void (*done)(void *context, int code, const char *name,
			     const struct fault *fault),
		void *context, struct fault *fault)
{
	struct timeval limit = { .tv_sec = seconds };
	struct dns_question *q = calloc(1, sizeof(*q));

	*out = NULL;
	if (!q)
		return fault_nomem(fault);
	q->dns = d;
	q->done = done;
	q->context = context;
	snprintf(q->address, sizeof(q->address), "%.*s",
		 (int)strcspn(address, "%"), address);
	q->v6 = strchr(q->address, ':') != NULL;
	if (inet_pton(q->v6 ? AF_INET6 : AF_INET, q->address, &q->bytes) != 1) {
		free(q);
		return fault_set(fault, KIT_ERR_ARGUMENT, "\"%s\" is no address", address);
	}
	q->deadline = evtimer_new(d->base, on_deadline, q);
	if (q->deadline && evtimer_add(q->deadline, &limit) == 0)
		q->request = q->v6 ?
			evdns_base_resolve_reverse_ipv6(d->resolver, &q->bytes.v6,
							DNS_QUERY_NO_SEARCH, on_name, q) :
			evdns_base_resolve_reverse(d->resolver, &q->bytes.v4,
						   DNS_QUERY_NO_SEARCH, on_name, q);
	if (!q->request) {
		if (q->deadline)
			event_free(q->deadline);
		free(q);
		return fault_set(fault, KIT_ERR_NOT_FOUND, "no name server can be asked\n"
				 "name one in dns_servers, or in /etc/resolv.conf");
	}
	*out = q;
	return 0;
}

void dns_cancel(struct dns_question **q)
{
	if (!*q)
		return;
	(*q)->over = true;
	evtimer_del((*q)->deadline);
	if ((*q)->request)
		evdns_cancel_request((*q)->dns->resolver, (*q)->request);
	*q = NULL;
}
