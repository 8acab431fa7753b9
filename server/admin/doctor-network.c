/* The doctor: does the server listen where machines say hello, and do names lead here? */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "server/admin/doctor.h"

#define ADDRESSES	16	/* own addresses that are tried */
#define PAGE		1024
#define HELLO_PORT	9971	/* to which machines say hello */
#define SAYS		"amt-provisiond"	/* what our page says */

enum page_answer { ANSWER_OURS, ANSWER_OTHER, ANSWER_SILENT, ANSWER_NONE };

static int64_t now_ms(void)
{
	return (int64_t)(clock_monotonic() * 1000);
}

/* Wait until the socket is ready for EVENTS. */
static int wait_for(int fd, short events, unsigned timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, (int)timeout_ms) == 1;
}

static int connect_to(const struct sockaddr *to, socklen_t length, unsigned timeout_ms, int *err)
{
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t size = sizeof(*err);

	*err = fd < 0 ? errno : 0;
	if (fd < 0)
		return -1;
	if (connect(fd, to, length) == 0)
		return fd;
	if (errno != EINPROGRESS)
		*err = errno;
	else if (!wait_for(fd, POLLOUT, timeout_ms))
		*err = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, err, &size))
		*err = errno;
	if (!*err)
		return fd;
	close(fd);
	return -1;
}

/* Ask for the page that people see when they try the port with a browser. */
static enum page_answer ask(int fd, unsigned timeout_ms)
{
	static const char get[] = "GET / HTTP/1.0\r\n\r\n";
	const int64_t until = now_ms() + timeout_ms;
	char page[PAGE + 1];
	size_t n = 0;
	int64_t left;

	if (send(fd, get, sizeof(get) - 1, MSG_NOSIGNAL) != sizeof(get) - 1)
		return ANSWER_SILENT;
	/* In all, however slowly its bytes drop in. */
	while (n < PAGE && (left = until - now_ms()) > 0 && wait_for(fd, POLLIN, (unsigned)left)) {
		ssize_t got = recv(fd, page + n, PAGE - n, 0);

		if (got <= 0)
			break;
		n += (size_t)got;
	}
	page[n] = 0;
	return strstr(page, SAYS) ? ANSWER_OURS : n ? ANSWER_OTHER : ANSWER_SILENT;
}

static void try_address(const struct doctor *d, const struct sockaddr *to, socklen_t length)
{
	char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";
	enum page_answer answer;
	int err, fd;

	getnameinfo(to, length, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	fd = connect_to(to, length, d->timeout_ms, &err);
	if (fd < 0) {
		const char *hint = "check that no firewall closes the port on this machine";

		if (err == ECONNREFUSED)
			hint = "start the server (systemctl start amt-provisiond), or see its log";
		doctor_say(d, "listening", DOCTOR_FAIL, hint, "port %s of %s does not answer: %s",
			   port, host, strerror(err));
		return;
	}
	answer = d->config->page ? ask(fd, d->timeout_ms) : ANSWER_OURS;
	close(fd);
	if (answer == ANSWER_OURS)
		doctor_say(d, "listening", DOCTOR_PASS, NULL, "the server answers at port %s of %s",
			   port, host);
	else
		doctor_say(
			d, "listening", DOCTOR_FAIL,
			answer == ANSWER_OTHER
				? "find the program that has the port (ss -ltnp), and stop it"
				: "see the server's log",
			"port %s of %s: %s", port, host,
			answer == ANSWER_OTHER ? "another program answers"
					       : "the connection is accepted, but not answered");
}

static bool is_wildcard(const struct sockaddr_storage *a)
{
	static const struct in6_addr any6 = IN6ADDR_ANY_INIT;

	if (a->ss_family == AF_INET)
		return ((const struct sockaddr_in *)a)->sin_addr.s_addr == htonl(INADDR_ANY);
	return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr, &any6, sizeof(any6)) == 0;
}

/* Addresses of this machine that machines could call: link-local ones need a scope they lack. */
static bool is_useful(const struct ifaddrs *i, sa_family_t family)
{
	if (!i->ifa_addr || i->ifa_addr->sa_family != family || !(i->ifa_flags & IFF_UP))
		return false;
	if (family == AF_INET6)
		return !IN6_IS_ADDR_LINKLOCAL(
			&((struct sockaddr_in6 *)(void *)i->ifa_addr)->sin6_addr);
	return family == AF_INET;
}

static void try_all(const struct doctor *d, const struct config_address *a,
		    const struct ifaddrs *all)
{
	struct sockaddr_storage to;
	unsigned tried = 0;

	if (!is_wildcard(&a->address)) {
		try_address(d, (const struct sockaddr *)&a->address, a->length);
		return;
	}
	for (const struct ifaddrs *i = all; i && tried < ADDRESSES; i = i->ifa_next) {
		if (!is_useful(i, a->address.ss_family))
			continue;
		memset(&to, 0, sizeof(to));
		memcpy(&to, i->ifa_addr, a->length);
		if (to.ss_family == AF_INET)
			((struct sockaddr_in *)&to)->sin_port =
				((const struct sockaddr_in *)&a->address)->sin_port;
		else
			((struct sockaddr_in6 *)&to)->sin6_port =
				((const struct sockaddr_in6 *)&a->address)->sin6_port;
		try_address(d, (struct sockaddr *)&to, a->length);
		tried++;
	}
}

static bool is_loopback(const struct sockaddr_storage *a)
{
	if (a->ss_family == AF_INET)
		return (ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24) == 127;
	return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

static unsigned port_of(const struct sockaddr_storage *a)
{
	return ntohs(a->ss_family == AF_INET ? ((const struct sockaddr_in *)a)->sin_port
					     : ((const struct sockaddr_in6 *)a)->sin6_port);
}

void doctor_reachable(const struct doctor *d)
{
	const struct config_addresses *listen = &d->config->listen;
	bool loopback = true, usual = false;

	for (size_t i = 0; i < listen->count; i++) {
		loopback &= is_loopback(&listen->at[i].address);
		usual |= port_of(&listen->at[i].address) == HELLO_PORT;
	}
	if (d->unread || !listen->count)	/* said by doctor_listening() */
		return;
	if (loopback)
		doctor_say(
			d, "reachable", DOCTOR_WARN,
			"set listen in section [server], for example to 0.0.0.0:9971",
			"the server listens on loopback only (%s): no other machine can say hello",
			listen->at[0].text);
	if (!usual)
		doctor_say(
			d, "reachable", DOCTOR_WARN,
			"let listen have port 9971, or name the other port on the sticks "
			"(amt-setupbin create --port)",
			"the server does not listen on port 9971 but on %s: machines say hello to "
			"9971 unless their stick names another port",
			listen->at[0].text);
	if (!loopback && usual)
		doctor_say(d, "reachable", DOCTOR_PASS, NULL,
			   "the server listens on port 9971, and not on loopback only");
}

void doctor_listening(const struct doctor *d)
{
	struct ifaddrs *all = NULL;

	if (d->unread)
		return;
	if (getifaddrs(&all)) {
		doctor_say(d, "listening", DOCTOR_FAIL, NULL,
			   "cannot list this machine's addresses: %s", strerror(errno));
		return;
	}
	if (d->config->listen.count == 0)
		doctor_say(d, "listening", DOCTOR_FAIL,
			   "set listen in section [server], also where systemd passes the sockets",
			   "the server listens nowhere: listen is empty");
	for (size_t i = 0; i < d->config->listen.count; i++)
		try_all(d, &d->config->listen.at[i], all);
	freeifaddrs(all);
}

/* ---- names ---- */

static bool same_host(const struct sockaddr *a, const struct sockaddr *b)
{
	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET)
		return ((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)(const void *)b)->sin_addr.s_addr;
	return a->sa_family == AF_INET6 &&
	       memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
		      &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr, 16) == 0;
}

static bool is_own(const struct sockaddr *address, const struct ifaddrs *all)
{
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if (i->ifa_addr && same_host(address, i->ifa_addr))
			return true;
	return false;
}

/* Look NAME up: DOCTOR_PASS if it leads here. MISSING is the verdict when there is no such name. */
static void try_name(const struct doctor *d, const char *name, enum doctor_verdict missing,
		     const struct ifaddrs *all)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	char host[NI_MAXHOST] = "?";
	struct addrinfo *found = NULL;
	int rc = getaddrinfo(name, NULL, &hints, &found);

	if (rc) {
		doctor_say(
			d, "name", missing,
			"make the name (a CNAME or address record) on each of"
			" your DNS servers, or give machines this server's address on their stick",
			"%s does not resolve: %s", name, gai_strerror(rc));
		return;
	}
	for (const struct addrinfo *a = found; a; a = a->ai_next) {
		if (is_own(a->ai_addr, all))
			continue;
		getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof(host), NULL, 0, NI_NUMERICHOST);
		doctor_say(d, "name", DOCTOR_FAIL,
			   "correct its record: machines that use it say hello to another machine",
			   "%s resolves to %s, which is not this machine", name, host);
		goto out;
	}
	doctor_say(d, "name", DOCTOR_PASS, NULL, "%s resolves to this machine", name);
out:
	freeaddrinfo(found);
}

/* The domains that resolv.conf searches: the last search or domain line counts. */
static size_t read_domains(const char *path, char names[DOCTOR_DOMAINS][256])
{
	FILE *file = fopen(path, "re");
	char line[1024], *rest, *word;
	size_t n = 0;

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		word = strtok_r(line, " \t\r\n", &rest);
		if (!word || (strcmp(word, "search") != 0 && strcmp(word, "domain") != 0))
			continue;
		for (n = 0; n < DOCTOR_DOMAINS && (word = strtok_r(NULL, " \t\r\n", &rest)); n++)
			snprintf(names[n], sizeof(names[n]), "%s", word);
	}
	fclose(file);
	return n;
}

void doctor_names(const struct doctor *d)
{
	char found[DOCTOR_DOMAINS][256], name[600];
	struct ifaddrs *all = NULL;
	size_t n = d->n_domains;

	if (getifaddrs(&all)) {
		doctor_say(d, "name", DOCTOR_FAIL, NULL, "cannot list this machine's addresses: %s",
			   strerror(errno));
		return;
	}
	if (!n)
		n = read_domains(d->resolv_conf, found);
	for (size_t i = 0; i < n; i++) {
		const char *domain = d->n_domains ? d->domains[i] : found[i];

		if (strcmp(domain, ".") == 0)
			continue;
		snprintf(name, sizeof(name), "%s.%s", d->server_name, domain);
		try_name(d, name, DOCTOR_FAIL, all);
	}
	/* Without a domain the short name is all there is, else the last that machines try. */
	try_name(d, d->server_name, n ? DOCTOR_WARN : DOCTOR_FAIL, all);
	freeifaddrs(all);
}
