/* The ports of simulated devices: which are open at this moment, and who comes in by them. */
#include "samples/amt-sim/sim-gate.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "samples/amt-sim/sim-delay.h"
#include "samples/amt-sim/sim-store.h"

#define EVENTS		64
#define HELLO_HEAD	11	/* bytes of a ClientHello up to and with the client's version */
#define TLS_1_0		0x0301

struct port {
	int fd;			/* bound; -1: there is none */
	struct sim_address at;
	bool plain;
	bool open;		/* it listens */
};

/* A connection whose ClientHello is looked at before it may enter, or that waits for nothing. */
struct visitor {
	int fd;
	bool ignored;
	struct sim_address from;
	enum sim_way way;
	struct visitor *previous, *next;
};

struct sim_gate {
	struct sim_fleet *fleet;
	void (*enter)(void *context, enum sim_way way, int fd, const struct sim_address *from);
	void *context;
	struct port ports[2];
	int epoll, wake;
	bool started;
	bool ending;		/* atomic */
	pthread_t thread;
	struct visitor *visitors;
};

/*
 * How a connection to one of D's ports goes on. *UNTIL is lowered to the time at which that
 * changes by itself. The fleet's lock is held.
 */
static enum sim_way way_of(const struct sim_gate *g, const struct sim_device *d, bool plain,
			   uint64_t *until)
{
	const struct sim_habits *habits = &g->fleet->habits;
	const struct sim_store_setting *served = &sim_store_of(d)->served;
	bool tls = served->enabled || habits->after == SIM_AFTER_TLS;
	uint64_t settled = d->committed + habits->settle_ms;

	if (d->state != SIM_DEVICE_POST)
		return plain ? SIM_WAY_CLOSED : d->pki.on ? SIM_WAY_PKI : SIM_WAY_PSK;
	if (habits->after == SIM_AFTER_CLOSED)
		return SIM_WAY_CLOSED;
	if (!plain && !tls && habits->after == SIM_AFTER_PSK)
		return SIM_WAY_PSK;
	if (plain ? tls && !served->plain_too : !tls)
		return SIM_WAY_CLOSED;
	if (d->committed != 0 && sim_now_ms() < settled) {
		if (*until > settled)
			*until = settled;
		return SIM_WAY_CLOSED;
	}
	return plain ? SIM_WAY_PLAIN : SIM_WAY_TLS;
}

/* Gone without a word: the other end sees a reset. */
static void reset(int fd)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
}

static void forget(struct sim_gate *g, struct visitor *v)
{
	if (v->previous)
		v->previous->next = v->next;
	else
		g->visitors = v->next;
	if (v->next)
		v->next->previous = v->previous;
	free(v);
}

static void say_alert(int fd, uint8_t description)
{
	const uint8_t alert[] = { 21, 3, 1, 0, 2, 2, description };	/* fatal, in TLS 1.0 */

	send(fd, alert, sizeof(alert), MSG_NOSIGNAL | MSG_DONTWAIT);
	/* What was not read would turn the end into a reset, and the alert might be lost. */
	shutdown(fd, SHUT_WR);
}

/* Show a client that offers TLS 1.1 or later how the device takes that. False: it goes on. */
static bool turn_away(struct sim_gate *g, struct visitor *v)
{
	uint8_t rest[4096];

	switch (g->fleet->habits.tls11_hello) {
	case SIM_TLS11_ALERT_70: say_alert(v->fd, 70); break;
	case SIM_TLS11_ALERT_20: say_alert(v->fd, 20); break;
	case SIM_TLS11_RESET:
		reset(v->fd);
		forget(g, v);
		return true;
	case SIM_TLS11_SILENCE:
		v->ignored = true;
		return true;
	default:
		return false;
	}
	while (recv(v->fd, rest, sizeof(rest), MSG_DONTWAIT) > 0)
		;
	close(v->fd);
	forget(g, v);
	return true;
}

/* Something has come from the visitor, or its end. */
static void hear(struct sim_gate *g, struct visitor *v)
{
	uint8_t head[HELLO_HEAD];
	ssize_t n = recv(v->fd, head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close(v->fd);
		forget(g, v);
		return;
	}
	if (v->ignored || n < HELLO_HEAD)
		return;
	if (head[0] == 22 && (head[9] << 8 | head[10]) > TLS_1_0 && turn_away(g, v))
		return;
	epoll_ctl(g->epoll, EPOLL_CTL_DEL, v->fd, NULL);
	g->enter(g->context, v->way, v->fd, &v->from);
	forget(g, v);
}

/* Wait for the ClientHello of a connection. */
static void look_at(struct sim_gate *g, enum sim_way way, int fd, const struct sim_address *from)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET };
	struct visitor *v = calloc(1, sizeof(*v));

	if (!v) {
		close(fd);
		return;
	}
	v->fd = fd;
	v->from = *from;
	v->way = way;
	v->next = g->visitors;
	if (v->next)
		v->next->previous = v;
	g->visitors = v;
	e.data.ptr = v;
	if (epoll_ctl(g->epoll, EPOLL_CTL_ADD, fd, &e) < 0) {
		close(fd);
		forget(g, v);
	}
}

static void admit(struct sim_gate *g, const struct port *port)
{
	struct sim_address from = { .size = sizeof(from.socket) };
	struct sim_address local = { .size = sizeof(local.socket) };
	int fd = accept4(port->fd, (struct sockaddr *)&from.socket, &from.size,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);
	enum sim_way way = SIM_WAY_CLOSED;
	uint64_t until = UINT64_MAX;
	struct sim_device *d;

	if (fd < 0)
		return;
	if (!getsockname(fd, (struct sockaddr *)&local.socket, &local.size)) {
		pthread_mutex_lock(&g->fleet->lock);
		d = sim_fleet_at(g->fleet, &local);
		if (d)
			way = way_of(g, d, port->plain, &until);
		pthread_mutex_unlock(&g->fleet->lock);
	}
	if (way == SIM_WAY_CLOSED)
		reset(fd);
	else if (!port->plain && g->fleet->habits.handshake == SIM_HANDSHAKE_CLOSE)
		close(fd);
	else if (!port->plain && g->fleet->habits.tls11_hello > SIM_TLS11_TAKE)
		look_at(g, way, fd, &from);
	else
		g->enter(g->context, way, fd, &from);
}

/* Let the port listen, or not. It stays bound: that it is closed shows in no other way. */
static int set_open(struct sim_gate *g, struct port *port, bool open, struct fault *fault)
{
	/* To hang, it is enough that nobody accepts: the kernel completes the connection. */
	bool hangs = !port->plain && g->fleet->habits.handshake == SIM_HANDSHAKE_HANG;
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = port };

	if (port->open == open)
		return 0;
	if (open) {
		int rc = sim_address_listen(port->fd, &port->at, fault);

		if (rc < 0)
			return rc;
		if (!hangs)
			epoll_ctl(g->epoll, EPOLL_CTL_ADD, port->fd, &e);
	} else {
		epoll_ctl(g->epoll, EPOLL_CTL_DEL, port->fd, NULL);
		shutdown(port->fd, SHUT_RD);
	}
	port->open = open;
	return 0;
}

/* Open and close the ports. *WAIT: milliseconds until that is to be done again, or -1. */
static int tend(struct sim_gate *g, int *wait, struct fault *fault)
{
	uint64_t until = UINT64_MAX, now;
	int rc = 0;

	for (size_t i = 0; i < 2 && rc == 0; i++) {
		struct port *port = &g->ports[i];
		bool open = true;

		if (port->fd < 0)
			continue;
		if (g->fleet->n == 1) {
			pthread_mutex_lock(&g->fleet->lock);
			open = way_of(g, g->fleet->devices, port->plain, &until) != SIM_WAY_CLOSED;
			pthread_mutex_unlock(&g->fleet->lock);
		}
		rc = set_open(g, port, open, fault);
	}
	now = sim_now_ms();
	*wait = until == UINT64_MAX ? -1 : until > now ? (int)(until - now) : 0;
	return rc;
}

static void *run(void *argument)
{
	struct sim_gate *g = argument;
	struct epoll_event events[EVENTS];
	bool ending = false;

	while (!ending) {
		struct fault fault = { 0 };
		int wait, n;

		if (tend(g, &wait, &fault) < 0)
			sim_fleet_say(g->fleet, NULL, "%s", fault.what);
		n = epoll_wait(g->epoll, events, EVENTS, wait);
		for (int i = 0; i < n; i++) {
			void *who = events[i].data.ptr;
			eventfd_t count;

			if (who == &g->ports[0] || who == &g->ports[1])
				admit(g, who);
			else if (who)
				hear(g, who);
			else if (eventfd_read(g->wake, &count) == 0)
				ending = __atomic_load_n(&g->ending, __ATOMIC_ACQUIRE);
		}
	}
	return NULL;
}

static int bind_port(struct port *port, const struct sim_fleet *fleet, uint16_t number,
		     struct fault *fault)
{
	int rc;

	if (fleet->n > 1)
		rc = sim_address_parse("0.0.0.0", number, &port->at, fault);
	else
		rc = sim_address_after(&fleet->first, 0, number, &port->at, fault);
	if (rc < 0)
		return rc;
	port->fd = sim_address_bind(&port->at, fault);
	return port->fd < 0 ? port->fd : 0;
}

int sim_gate_start(struct sim_gate **out, struct sim_fleet *fleet, uint16_t port, uint16_t plain,
		   void (*enter)(void *context, enum sim_way way, int fd,
				 const struct sim_address *from),
		   void *context, struct fault *fault)
{
	struct epoll_event e = { .events = EPOLLIN };
	struct sim_gate *g = calloc(1, sizeof(*g));
	int rc, wait, err = 0;

	*out = g;
	if (!g)
		return fault_nomem(fault);
	g->fleet = fleet;
	g->enter = enter;
	g->context = context;
	g->ports[0].fd = g->ports[1].fd = -1;
	g->ports[1].plain = true;
	g->epoll = epoll_create1(EPOLL_CLOEXEC);
	g->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (g->epoll < 0 || g->wake < 0 || epoll_ctl(g->epoll, EPOLL_CTL_ADD, g->wake, &e) < 0)
		rc = fault_sys(fault, errno, "cannot make an event descriptor");
	else
		rc = bind_port(&g->ports[0], fleet, port, fault);
	if (rc == 0 && plain != 0)
		rc = bind_port(&g->ports[1], fleet, plain, fault);
	/* Here already, so that who has started the service can connect at once. */
	if (rc == 0)
		rc = tend(g, &wait, fault);
	if (rc == 0)
		err = pthread_create(&g->thread, NULL, run, g);
	if (err != 0)
		rc = fault_sys(fault, err, "cannot start a thread");
	g->started = rc == 0;
	if (rc < 0)
		sim_gate_free(out);
	return rc;
}

void sim_gate_look(struct sim_gate *g)
{
	eventfd_write(g->wake, 1);
}

void sim_gate_stop(struct sim_gate *g)
{
	if (!g || !g->started)
		return;
	__atomic_store_n(&g->ending, true, __ATOMIC_RELEASE);
	sim_gate_look(g);
	pthread_join(g->thread, NULL);
	g->started = false;
}

void sim_gate_free(struct sim_gate **out)
{
	struct sim_gate *g = *out;

	if (!g)
		return;
	sim_gate_stop(g);
	for (struct visitor *v = g->visitors, *next; v; v = next) {
		next = v->next;
		close(v->fd);
		forget(g, v);
	}
	for (size_t i = 0; i < 2; i++)
		if (g->ports[i].fd >= 0)
			close(g->ports[i].fd);
	if (g->epoll >= 0)
		close(g->epoll);
	if (g->wake >= 0)
		close(g->wake);
	free(g);
	*out = NULL;
}
