/* Listening sockets: made here or passed by systemd; accepting under limits. */
#include "server/hello/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/hello/connection.h"

#define BACKLOG		4096
#define ONE_TURN	256	/* connections accepted before other events get their turn */
#define FIRST_PASSED	3	/* file descriptor, as systemd passes them */
#define PASSED		64	/* more sockets than that are a mistake */
#define REST_SECONDS	1	/* when the system has no descriptor left */

static int64_t now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void tell(struct listener *l, enum listener_trouble trouble, const char *address,
		 const struct fault *fault)
{
	struct hello nothing = { .version = 0 };

	l->handler.trouble(l->handler.context, trouble, address, &nothing, fault);
}

/* Let the oldest connection go: a sound hello is over in a moment, the oldest is none. */
static void make_room(struct listener *l, int64_t now)
{
	struct connection *oldest = TAILQ_FIRST(&l->connections);
	struct fault fault = { .code = 0 };

	l->counts.trouble[TROUBLE_FULL]++;
	if (now / 60 != l->told_full) {
		l->told_full = now / 60;
		fault_set(&fault, KIT_ERR_BUSY, "as many connections are open as are allowed "
			  "(%llu): the oldest is closed\n"
			  "raise max_connections if these are machines saying hello",
			  (unsigned long long)l->limits.connections);
		tell(l, TROUBLE_FULL, oldest->address, &fault);
	}
	connection_close(oldest);
}

static void refuse_peer(struct listener *l, struct peer *peer, const struct sockaddr *from,
			int64_t now)
{
	char address[PEERS_TEXT + 1];
	struct fault fault = { .code = 0 };

	l->counts.trouble[TROUBLE_TOO_MANY]++;
	if (peer ? !peers_first_excess(peer, now) : now / 60 == l->told_crowd)
		return;
	peers_show(from, address);
	if (peer) {
		fault_set(&fault, KIT_ERR_BUSY, "more than %llu connection%s at a time from one "
			  "address: refused\n"
			  "connections_per_address sets the limit",
			  (unsigned long long)l->limits.per_address, plural(l->limits.per_address));
	} else {
		l->told_crowd = now / 60;
		fault_set(&fault, KIT_ERR_BUSY, "too many different addresses in one minute: this "
			  "one and all further ones are refused");
	}
	tell(l, TROUBLE_TOO_MANY, address, &fault);
}

static void take(struct listener *l, int fd, const struct sockaddr *from)
{
	int64_t now = now_seconds();
	struct peer *peer = peers_find(l->peers, from, now);

	l->counts.accepted++;
	if (!peer || peer->open >= l->limits.per_address) {
		refuse_peer(l, peer, from, now);
		close(fd);
		return;
	}
	if (l->counts.open >= l->limits.connections)
		make_room(l, now);
	connection_new(l, fd, from, peer);
}

/* Accepting goes on when neither its owner nor the system has a reason against it. */
static void listen_or_not(struct listener *l)
{
	bool stopped = l->paused || l->resting;

	if (l->stopped == stopped)
		return;
	l->stopped = stopped;
	for (size_t i = 0; i < l->n_sockets; i++)
		if (stopped)
			event_del(l->accept[i]);
		else
			event_add(l->accept[i], NULL);
}

/* Out of descriptors: rest a moment, instead of being woken for ever by who waits. */
static void rest(struct listener *l, int err)
{
	struct timeval tv = { .tv_sec = REST_SECONDS };
	struct fault fault = { .code = 0 };

	fault_sys(&fault, err, "cannot accept connections for the moment\n"
		  "raise the limit of open files (LimitNOFILE in the unit)");
	l->counts.trouble[TROUBLE_SYSTEM]++;
	tell(l, TROUBLE_SYSTEM, NULL, &fault);
	l->resting = true;
	listen_or_not(l);
	evtimer_add(l->wake, &tv);
}

static void on_accept(evutil_socket_t fd, short what, void *user)
{
	struct listener *l = user;

	for (int i = 0; i < ONE_TURN; i++) {
		struct sockaddr_storage from;
		socklen_t size = sizeof(from);
		int s = accept4(fd, (struct sockaddr *)&from, &size,
				SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (s >= 0) {
			take(l, s, (struct sockaddr *)&from);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			rest(l, errno);
			return;
		}
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return;
		/* Others are of the one connection that is gone already. */
	}
}

static void on_wake(evutil_socket_t fd, short what, void *user)
{
	struct listener *l = user;

	l->resting = false;
	listen_or_not(l);
}

int listener_new(struct listener **out, struct event_base *base,
		 const struct listener_limits *limits, const struct listener_handler *handler,
		 struct fault *fault)
{
	struct listener *l = calloc(1, sizeof(*l));
	int rc;

	*out = NULL;
	if (!l)
		return fault_nomem(fault);
	TAILQ_INIT(&l->connections);
	l->base = base;
	l->limits = *limits;
	l->handler = *handler;
	rc = peers_new(&l->peers, fault);
	if (rc)
		goto fail;
	l->wake = evtimer_new(base, on_wake, l);
	if (!l->wake) {
		rc = fault_nomem(fault);
		goto fail;
	}
	*out = l;
	return 0;
fail:
	listener_free(&l);
	return rc;
}

void listener_stop(struct listener *l)
{
	for (size_t i = 0; i < l->n_sockets; i++) {
		event_free(l->accept[i]);
		close(l->sockets[i]);
	}
	l->n_sockets = 0;
	while (!TAILQ_EMPTY(&l->connections))
		connection_close(TAILQ_FIRST(&l->connections));
}

void listener_free(struct listener **l)
{
	if (!*l)
		return;
	listener_stop(*l);
	if ((*l)->wake)
		event_free((*l)->wake);
	peers_free(&(*l)->peers);
	free(*l);
	*l = NULL;
}

void listener_set_limits(struct listener *l, const struct listener_limits *limits)
{
	l->limits = *limits;
}

static int add_socket(struct listener *l, int fd, struct fault *fault)
{
	struct event *event;

	if (l->n_sockets == LISTENER_SOCKETS)
		return fault_set(fault, KIT_ERR_RANGE, "more than %d listening sockets",
				 LISTENER_SOCKETS);
	event = event_new(l->base, fd, EV_READ | EV_PERSIST, on_accept, l);
	if (!event || event_add(event, NULL)) {
		if (event)
			event_free(event);
		return fault_nomem(fault);
	}
	l->accept[l->n_sockets] = event;
	l->sockets[l->n_sockets++] = fd;
	return 0;
}

int listener_open(struct listener *l, const struct config_address *a, struct fault *fault)
{
	int fd, one = 1, rc;

	fd = socket(a->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 && errno == EAFNOSUPPORT)
		return fault_set(fault, KIT_ERR_NOT_FOUND, "cannot listen on %s: this system "
				 "has no such address family", a->text);
	if (fd < 0)
		return fault_sys(fault, errno, "cannot listen on %s", a->text);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (a->address.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&a->address, a->length) || listen(fd, BACKLOG)) {
		if (errno == EADDRINUSE) {
			rc = fault_set(fault, KIT_ERR_BUSY, "cannot listen on %s: something "
					"else listens there", a->text);
			fault_hint(fault, "\"ss -ltnp\" tells which program; stop it, or give "
				   "this server another port (machines call 9971 unless told)");
		} else if (errno == EACCES) {
			rc = fault_sys(fault, errno, "cannot listen on %s", a->text);
			fault_hint(
				fault,
				"ports under 1024 need a privilege: give this server another "
				"port (machines call 9971 unless told), have systemd open it, or "
				"grant CAP_NET_BIND_SERVICE");
		} else {
			rc = fault_sys(fault, errno, "cannot listen on %s", a->text);
			fault_hint(fault, "is that address one of this machine?");
		}
		close(fd);
		return rc;
	}
	rc = add_socket(l, fd, fault);
	if (rc)
		close(fd);
	return rc;
}

int listener_inherit(struct listener *l, size_t *count, struct fault *fault)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	long n = fds ? strtol(fds, NULL, 10) : 0;
	int rc = 0;

	*count = 0;
	if (n <= 0 || n > PASSED || !pid || strtol(pid, NULL, 10) != (long)getpid())
		return 0;
	for (int fd = FIRST_PASSED; fd < FIRST_PASSED + n && !rc; fd++) {
		int listens = 0;
		socklen_t size = sizeof(listens);

		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) || !listens)
			return fault_set(fault, KIT_ERR_ARGUMENT, "file descriptor %d, passed "
					 "for listening, is no listening socket", fd);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		rc = add_socket(l, fd, fault);
		++*count;
	}
	/* They are not for programs that are started from here. */
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDNAMES");
	return rc;
}

uint16_t listener_where(const struct listener *l, size_t i, char address[static PEERS_TEXT + 1])
{
	return i < l->n_sockets ? peers_local(l->sockets[i], address) : 0;
}

void listener_pause(struct listener *l, bool pause)
{
	l->paused = pause;
	listen_or_not(l);
}

const struct listener_counts *listener_counts(const struct listener *l)
{
	return &l->counts;
}
