/* Network addresses as people write them. */
#include "samples/amt-sim/sim-address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG		4096
#define LAST_LOOPBACK	0x7ffffffeu	/* 127.255.255.254 */

int sim_address_parse(const char *text, uint16_t port, struct sim_address *out, struct fault *fault)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	char host[256], service[8];
	const char *colon = strrchr(text, ':'), *end = strchr(text, ']');
	size_t n;
	int rc;

	/* A colon outside brackets separates the port, unless there are several: bare IPv6. */
	if (colon && !end && strchr(text, ':') != colon)
		colon = NULL;
	if (colon && end && colon < end)
		colon = NULL;
	snprintf(service, sizeof(service), "%u", port);
	if (colon && (strlen(colon + 1) > 5 || colon[1] == '\0' ||
			      strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
			      atoi(colon + 1) > 65535))
		return fault_set(fault, KIT_ERR_ARGUMENT, "\"%s\" has no port (0 to 65535) "
				 "after its colon", text);
	if (colon)
		snprintf(service, sizeof(service), "%s", colon + 1);
	n = !colon ? strlen(text) : (size_t)(colon - text);
	if (text[0] == '[' && end) {
		text++;
		n = (size_t)(end - text);
	}
	if (n == 0 || n >= sizeof(host))
		return fault_set(fault, KIT_ERR_ARGUMENT, "\"%s\" is not an address", text);
	memcpy(host, text, n);
	host[n] = '\0';
	rc = getaddrinfo(host, service, &hints, &found);
	if (rc != 0) {
		return fault_set(fault, KIT_ERR_NOT_FOUND, "cannot find the address of \"%s\": %s\n"
				 "give an IP address, or put the name into DNS", host,
				 gai_strerror(rc));
	}
	memcpy(&out->socket, found->ai_addr, found->ai_addrlen);
	out->size = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static const struct sockaddr_in *ipv4(const struct sim_address *a)
{
	return a->socket.ss_family == AF_INET ? (const struct sockaddr_in *)&a->socket : NULL;
}

void sim_address_show(const struct sim_address *a, char *out)
{
	char host[48] = "?";
	unsigned port = 0;

	if (a->socket.ss_family == AF_INET) {
		inet_ntop(AF_INET, &ipv4(a)->sin_addr, host, sizeof(host));
		port = ntohs(ipv4(a)->sin_port);
	} else if (a->socket.ss_family == AF_INET6) {
		const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&a->socket;

		inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof(host));
		port = ntohs(six->sin6_port);
	}
	if (port == 0)
		snprintf(out, SIM_ADDRESS_SHOWN, "%s", host);
	else
		snprintf(out, SIM_ADDRESS_SHOWN, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host,
			 port);
}

int sim_address_after(const struct sim_address *a, uint32_t n, uint16_t port,
		      struct sim_address *out, struct fault *fault)
{
	struct sockaddr_in *to = (struct sockaddr_in *)&out->socket;
	uint32_t first;

	if (n > 0 && !ipv4(a))
		return fault_set(fault, KIT_ERR_RANGE, "several machines need an IPv4 address to "
				 "count from");
	*out = *a;
	if (!ipv4(a)) {
		((struct sockaddr_in6 *)&out->socket)->sin6_port = htons(port);
		return 0;
	}
	first = ntohl(ipv4(a)->sin_addr.s_addr);
	if (n > 0 && (first > LAST_LOOPBACK || n > LAST_LOOPBACK - first))
		return fault_set(fault, KIT_ERR_RANGE, "there are not so many loopback addresses");
	to->sin_addr.s_addr = htonl(first + n);
	to->sin_port = htons(port);
	return 0;
}

uint32_t sim_address_distance(const struct sim_address *a, const struct sim_address *b)
{
	uint32_t from, to;

	if (!ipv4(a) || !ipv4(b))
		return UINT32_MAX;
	from = ntohl(ipv4(a)->sin_addr.s_addr);
	to = ntohl(ipv4(b)->sin_addr.s_addr);
	return to < from ? UINT32_MAX : to - from;
}

/* A socket cannot be had at A. */
static int no_socket(const struct sim_address *a, int err, struct fault *fault)
{
	char shown[SIM_ADDRESS_SHOWN];
	int rc;

	sim_address_show(a, shown);
	rc = fault_sys(fault, err, "cannot listen on %s", shown);
	fault_hint(fault, err == EADDRNOTAVAIL ? "give an address of this machine (127.x.y.z)" :
		   "give another port, or stop what listens there");
	return rc;
}

int sim_address_bind(const struct sim_address *a, struct fault *fault)
{
	int on = 1, fd = socket(a->socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fault_sys(fault, errno, "cannot open a socket");
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&a->socket, a->size) < 0) {
		int rc = no_socket(a, errno, fault);

		close(fd);
		return rc;
	}
	return fd;
}

int sim_address_listen(int fd, const struct sim_address *a, struct fault *fault)
{
	return listen(fd, BACKLOG) < 0 ? no_socket(a, errno, fault) : 0;
}
