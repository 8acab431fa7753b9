/* Listening for hellos: sockets made here or passed by systemd, connections under limits. */
#include "server/hello/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/clock.h"
#include "server/hello/listener-private.h"

#define BACKLOG		4096
#define ONE_TURN	256	/* connections accepted before other events get their turn */
#define REST_SECONDS	1	/* when the system has no descriptor left */
#define SILENCE		0.5	/* seconds after which nothing more is expected behind a hello */

static const char page[] =
	"HTTP/1.0 200 OK\r\n"
	"Content-Type: text/plain; charset=utf-8\r\n"
	"Connection: close\r\n"
	"\r\n"
	"This is amt-provisiond. It waits here for machines with Intel AMT that say hello.\n"
	"If you can read this, the port is open between you and the server.\n";

static int64_t now_seconds(void)
{
	return (int64_t)clock_monotonic();
}

/* Report trouble of the peer at ADDRESS; HELLO and FAULT may be NULL. */
static void report(struct listener *l, enum listener_trouble trouble, const char *address,
		   const struct hello *hello, const struct fault *fault)
{
	struct hello nothing = { 0 };

	l->counts.trouble[trouble]++;
	if (fault)
		l->handler.trouble(l->handler.context, trouble, address,
				   hello ? hello : &nothing, fault);
}

/* ---- one connection ---- */

/* Does C's peer have a message of this kind left for this minute? Its network, too? */
static bool counted(struct connection *c, enum peers_count what, int64_t now)
{
	uint64_t limit = c->listener->limits.messages_per_minute;

	if (!peers_count_one(c->peer, what, now, limit))
		return false;
	return !c->network || c->peer->known ||
	       peers_count_one(c->network, what, now, limit * LISTENER_NETWORK);
}

static bool may_speak(struct connection *c, enum peers_count what)
{
	struct listener *l = c->listener;
	struct fault fault = { 0 };
	int64_t now = now_seconds();
	bool first;

	if (counted(c, what, now))
		return true;
	first = peers_first_excess(c->peer, now);
	/* A network in excess has 2^64 addresses, but one line a minute. */
	if (c->network && !c->peer->known)
		first = peers_first_excess(c->network, now) && first;
	fault_set(&fault, KIT_ERR_BUSY, "more than %llu hello%s a minute from one address, or "
		  "%d times as many from one network: the others are ignored\n"
		  "hellos_per_minute sets the limit",
		  (unsigned long long)l->limits.messages_per_minute,
		  plural(l->limits.messages_per_minute), LISTENER_NETWORK);
	report(l, TROUBLE_TOO_OFTEN, c->address, NULL, first ? &fault : NULL);
	return false;
}

/* The message is complete. */
static void deliver(struct connection *c)
{
	struct listener *l = c->listener;
	struct fault fault = { 0 };
	struct hello hello;
	int rc = hello_decode(c->data, c->size, &hello, &fault);

	if (!may_speak(c, rc ? PEERS_TROUBLE : PEERS_HELLO))
		return;
	if (rc) {
		report(l, TROUBLE_BAD_HELLO, c->address, &hello, &fault);
		return;
	}
	l->counts.hellos++;
	l->handler.hello(l->handler.context, &hello, c->address, c->accepted);
}

static void out_of_time(struct connection *c)
{
	unsigned long long seconds = c->listener->limits.seconds;
	struct fault fault = { 0 };

	if (!may_speak(c, PEERS_TROUBLE))
		return;
	if (c->size)
		fault_set(&fault, KIT_ERR_TIMEOUT, "only %zu byte%s of a hello within %llu s",
			  c->size, plural(c->size), seconds);
	else
		fault_set(&fault, KIT_ERR_TIMEOUT, "connected and sent nothing for %llu s",
			  seconds);
	fault_hint(&fault, "a machine sends its hello at once: this is a port scan, or a broken "
		   "network between");
	report(c->listener, TROUBLE_TIME, c->address, NULL, &fault);
}

static bool begins_with(const struct connection *c, const char *word)
{
	size_t n = strlen(word);

	return c->size >= n && memcmp(c->data, word, n) == 0;
}

static void answer_page(struct connection *c)
{
	ssize_t sent = send(c->fd, page, sizeof(page) - 1, MSG_NOSIGNAL);

	(void)sent;	/* a peer that does not take it has closed */
	c->listener->counts.pages++;
	c->page = true;
	shutdown(c->fd, SHUT_WR);
}

enum gathered { MORE, WHOLE, OVER };

/* Look at what has come; END: nothing more will. */
static enum gathered look(struct connection *c, bool end)
{
	size_t want = hello_size(c->data, c->size);

	if (c->page)
		return end ? OVER : MORE;
	/* Even when all was said at once, or more than a hello may say. */
	if (c->listener->limits.page &&
	    (begins_with(c, "GET ") || begins_with(c, "HEAD "))) {
		answer_page(c);
		return MORE;
	}
	if (c->size == 0 && end) {
		c->listener->counts.empty++;
		return OVER;
	}
	if (end || c->size > want || (c->size == want && want <= 4)) {
		deliver(c);
		return OVER;
	}
	return c->size == want ? WHOLE : MORE;
}

/* Read what is there. Returns true at the end of it, or when the buffer is full. */
static bool fill(struct connection *c)
{
	for (;;) {
		ssize_t n;

		if (c->page)
			c->size = 0;
		n = read(c->fd, c->data + c->size, sizeof(c->data) - c->size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno != EAGAIN && errno != EWOULDBLOCK;
		if (n == 0)
			return true;
		c->size += (size_t)n;
		/* What comes after the page is thrown away, but never at the cost of others. */
		if (c->page)
			return false;
		if (c->size == sizeof(c->data))
			return true;
	}
}

static void wait_more(struct connection *c)
{
	double left = c->accepted + (double)c->listener->limits.seconds - clock_monotonic();
	struct timeval tv;

	if (c->whole && left > SILENCE)
		left = SILENCE;
	if (left < 0.001)
		left = 0.001;
	tv.tv_sec = (time_t)left;
	tv.tv_usec = (suseconds_t)((left - (double)tv.tv_sec) * 1e6);
	event_add(c->event, &tv);
}

static struct connection_list *list_of(struct connection *c)
{
	return c->whole ? &c->listener->whole : &c->listener->partial;
}

/* Close what is open of C, which may not be in a list yet. */
static void let_go(struct connection *c)
{
	struct peers *p = c->listener->peers;

	close(c->fd);
	peers_closed(p, c->peer);
	if (c->network)
		peers_closed(p, c->network);
}

static void close_connection(struct connection *c)
{
	TAILQ_REMOVE(list_of(c), c, entry);
	c->listener->counts.open--;
	event_free(c->event);
	let_go(c);
	free(c);
}

static void on_event(evutil_socket_t fd, short what, void *user)
{
	struct connection *c = user;
	enum gathered progress;

	if (what & EV_TIMEOUT) {
		if (c->whole)
			deliver(c);	/* and silent since */
		else if (!c->page)
			out_of_time(c);
		close_connection(c);
		return;
	}
	progress = look(c, fill(c));
	if (progress == OVER) {
		close_connection(c);
		return;
	}
	if (progress == WHOLE && !c->whole) {
		TAILQ_REMOVE(list_of(c), c, entry);
		c->whole = true;
		TAILQ_INSERT_TAIL(list_of(c), c, entry);
	}
	wait_more(c);
}

/* Keep FIRST, which has made us wait, in a list. False: no memory. */
static bool begin(const struct connection *first, enum gathered progress)
{
	struct listener *l = first->listener;
	struct connection *c = malloc(sizeof(*c));

	if (!c)
		return false;
	memcpy(c, first, offsetof(struct connection, data) + first->size);
	c->whole = progress == WHOLE;
	c->event = event_new(l->base, c->fd, EV_READ, on_event, c);
	if (!c->event) {
		free(c);
		return false;
	}
	TAILQ_INSERT_TAIL(list_of(c), c, entry);
	l->counts.open++;
	wait_more(c);
	return true;
}

/* ---- accepting ---- */

/*
 * Let one connection go, for TROUBLE: a complete hello is taken, and nothing is lost; else
 * the oldest goes, after a look at what it has sent: a valid hello takes a moment only.
 * False: there is none.
 */
static bool make_room(struct listener *l, enum listener_trouble trouble, const struct fault *why)
{
	struct connection *c = TAILQ_FIRST(&l->whole);
	enum gathered progress;

	if (c) {
		deliver(c);
		close_connection(c);
		return true;
	}
	c = TAILQ_FIRST(&l->partial);
	if (!c)
		return false;
	progress = look(c, fill(c));
	if (progress == WHOLE)
		deliver(c);
	else if (progress == MORE)
		report(l, trouble, c->address, NULL, why);
	close_connection(c);
	return true;
}

/* No more connections are allowed. */
static void make_room_below_limit(struct listener *l)
{
	int64_t minute = now_seconds() / 60;
	uint64_t before = l->counts.trouble[TROUBLE_FULL];
	struct fault fault = { 0 };

	fault_set(&fault, KIT_ERR_BUSY, "as many connections are open as are allowed (%llu): the "
		  "oldest is closed\n"
		  "raise max_connections if these are machines saying hello",
		  (unsigned long long)l->limits.connections);
	make_room(l, TROUBLE_FULL, minute != l->said_full ? &fault : NULL);
	if (l->counts.trouble[TROUBLE_FULL] != before)
		l->said_full = minute;
}

/* The system gives no descriptor. False: nor is there a connection that could give its own. */
static bool make_room_below_system(struct listener *l, int err)
{
	int64_t minute = now_seconds() / 60;
	uint64_t before = l->counts.trouble[TROUBLE_SYSTEM];
	struct fault fault = { 0 };

	fault_sys(&fault, err, "the oldest connection is closed, as no other can be accepted\n"
		  "raise the limit of open files (LimitNOFILE in the unit), or lower "
		  "max_connections");
	if (!make_room(l, TROUBLE_SYSTEM, minute != l->said_system ? &fault : NULL))
		return false;
	if (l->counts.trouble[TROUBLE_SYSTEM] != before)
		l->said_system = minute;
	return true;
}

static void refuse(struct listener *l, struct connection *c, struct peer *in_excess)
{
	struct fault fault = { 0 };

	fault_set(&fault, KIT_ERR_BUSY, "more than %llu connection%s at a time from one address, "
		  "or %d times as many from one network: refused\n"
		  "connections_per_address sets the limit",
		  (unsigned long long)l->limits.per_address, plural(l->limits.per_address),
		  LISTENER_NETWORK);
	report(l, TROUBLE_TOO_MANY, c->address, NULL,
	       peers_first_excess(in_excess, now_seconds()) ? &fault : NULL);
}

/* The peer of an address or a network, with one more connection; NULL: none (IPv4, no memory). */
static struct peer *open_peer(struct listener *l, const struct sockaddr *from,
			      enum peers_scope scope)
{
	struct peer *peer = peers_find(l->peers, from, scope, now_seconds());

	/* Each entry has a connection: one of them goes. */
	if (!peer && peers_count(l->peers) >= PEERS_MOST) {
		make_room_below_limit(l);
		peer = peers_find(l->peers, from, scope, now_seconds());
	}
	if (peer)
		peers_opened(l->peers, peer);
	return peer;
}

static void take(struct listener *l, int fd, const struct sockaddr *from)
{
	struct connection c = { .listener = l, .fd = fd, .accepted = clock_monotonic() };
	enum gathered progress;

	l->counts.accepted++;
	c.peer = open_peer(l, from, PEERS_ADDRESS);
	if (!c.peer) {
		close(fd);
		return;
	}
	c.network = open_peer(l, from, PEERS_NETWORK);
	address_show(from, c.address);
	if (c.peer->open > l->limits.per_address) {
		refuse(l, &c, c.peer);
	} else if (c.network && !c.peer->known &&
		   c.network->open > l->limits.per_address * LISTENER_NETWORK) {
		refuse(l, &c, c.network);
	} else {
		if (l->counts.open >= l->limits.connections)
			make_room_below_limit(l);
		/* Most hellos are there already, and done with at once. */
		progress = look(&c, fill(&c));
		if (progress != OVER && begin(&c, progress))
			return;
	}
	let_go(&c);
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

/* Out of descriptors: rest a moment, instead of being woken for ever by a peer that waits. */
static void rest(struct listener *l, int err)
{
	struct timeval tv = { .tv_sec = REST_SECONDS };
	struct fault fault = { 0 };

	fault_sys(&fault, err, "cannot accept connections for the moment\n"
		  "raise the limit of open files (LimitNOFILE in the unit)");
	report(l, TROUBLE_SYSTEM, NULL, NULL, &fault);
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
		if ((errno == EMFILE || errno == ENFILE) && make_room_below_system(l, errno))
			continue;
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
	TAILQ_INIT(&l->whole);
	TAILQ_INIT(&l->partial);
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
	while (!TAILQ_EMPTY(&l->whole)) {
		deliver(TAILQ_FIRST(&l->whole));
		close_connection(TAILQ_FIRST(&l->whole));
	}
	while (!TAILQ_EMPTY(&l->partial))
		close_connection(TAILQ_FIRST(&l->partial));
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
			rc = fault_set(fault, KIT_ERR_BUSY, "cannot listen on %s: something else "
				       "listens there\n"
				       "\"ss -ltnp\" shows which program; stop it, or give this "
				       "server another port (machines call 9971 by default)",
				       a->text);
		} else if (errno == EACCES) {
			rc = fault_sys(fault, errno, "cannot listen on %s\n"
				       "ports under 1024 need a privilege: give this server "
				       "another port (machines call 9971 by default), have systemd "
				       "open it, or grant CAP_NET_BIND_SERVICE", a->text);
		} else {
			rc = fault_sys(fault, errno, "cannot listen on %s\n"
				       "check that this machine has the address (\"ip address\")",
				       a->text);
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
	/* They are not for programs that are started from here: the environment forgets them. */
	int n = sd_listen_fds(1), rc = 0;

	*count = 0;
	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n && !rc; fd++) {
		if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
			return fault_set(fault, KIT_ERR_ARGUMENT, "file descriptor %d, passed "
					 "for listening, is not a listening socket\n"
					 "see the socket unit: ListenStream= is what it needs",
					 fd);
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		rc = add_socket(l, fd, fault);
		++*count;
	}
	return rc;
}

uint16_t listener_where(const struct listener *l, size_t i, char address[static ADDRESS_TEXT + 1])
{
	return i < l->n_sockets ? address_local(l->sockets[i], address) : 0;
}

void listener_pause(struct listener *l, bool pause)
{
	l->paused = pause;
	listen_or_not(l);
}

void listener_vouch(struct listener *l, const char *address)
{
	peers_vouch(l->peers, address, now_seconds());
}

const struct listener_counts *listener_counts(const struct listener *l)
{
	return &l->counts;
}
