/* The life of set-up devices: hello after hello until the server has set them up. */
#include "samples/amt-sim/sim-life.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "samples/amt-sim/sim-delay.h"
#include "samples/amt-sim/sim-hello.h"

#define DRAIN_MS	3000	/* for the server to end its conversation after CommitChanges */
#define DRAIN_STEP	20
#define EVENTS		64

enum { TAG_SIGNAL, TAG_WAKE, TAG_DEVICES };	/* epoll's data: TAG_DEVICES + device */

/* One device's hellos. */
struct hellos {
	uint64_t due;		/* milliseconds, monotonic */
	unsigned sent;
	int fd;			/* a connection on its way, or -1 */
};

struct loop {
	struct sim_fleet *fleet;
	const struct sim_life *life;
	struct sim_life_report *report;
	int epoll;
	struct hellos *hellos;	/* one for each device */
	/*
	 * Devices in the order of their next hello. All wait equally long between two, so one
	 * that has spoken goes to the end and the order holds.
	 */
	size_t *ring;
	size_t head, waiting;
};

int sim_life_signals(struct fault *fault)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return fault_sys(fault, errno, "cannot listen for signals");
	return fd;
}

static int watch(struct loop *l, int fd, uint32_t events, uint64_t tag, struct fault *fault)
{
	struct epoll_event e = { .events = events, .data.u64 = tag };

	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		return fault_sys(fault, errno, "cannot watch a descriptor");
	return 0;
}

static void hang_up(struct hellos *h)
{
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
}

static void failed(struct loop *l, size_t i, const char *why)
{
	l->report->unsent++;
	sim_fleet_say(l->fleet, &l->fleet->devices[i], "no hello: %s", why);
}

/* The roots that D's hello shows, into ROOTS; returns how many. */
static unsigned roots_of(const struct sim_device *d, const struct sim_habits *habits,
			 struct sim_root *roots)
{
	size_t builtin, n = sim_device_roots(d, roots, &builtin);
	size_t most = sim_roots_in_hello(d->firmware.major), own = n - builtin;

	if (habits->hide_root)
		own = 0;
	if (habits->hello_roots != 0)
		most = (size_t)habits->hello_roots;
	if (own > most)
		own = most;
	/* Those from sticks come last; for them, some of the firmware's are left out. */
	if (builtin + own > most) {
		memmove(roots + most - own, roots + builtin, own * sizeof(*roots));
		builtin = most - own;
	}
	return (unsigned)(builtin + own);
}

/* The connection stands, or has failed: say hello. */
static void speak(struct loop *l, size_t i)
{
	struct hellos *h = &l->hellos[i];
	struct sim_device *d = &l->fleet->devices[i];
	char to[SIM_ADDRESS_SHOWN], pid[PID_SHOWN + 1];
	uint8_t message[SIM_HELLO_MAX];
	struct sim_hello hello = { .version = 2, .retry = h->sent, .uuid = d->uuid };
	struct sim_root roots[SIM_ROOTS_MAX];
	socklen_t size = sizeof(int);
	size_t bytes;
	int err = 0;

	if (getsockopt(h->fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
		err = errno;
	if (err != 0) {
		failed(l, i, strerror(err));
		hang_up(h);
		return;
	}
	pthread_mutex_lock(&l->fleet->lock);
	hello.admin_set = strcmp(d->mebx, PASSWORD_FACTORY) != 0;
	hello.pid = d->pair.pid;
	if (d->pki.on) {
		hello.version = 3;
		hello.roots = roots;
		hello.n_roots = roots_of(d, &l->fleet->habits, roots);
	}
	bytes = sim_hello_make(&hello, message);
	pidpps_show_pid(d->pair.pid, pid);
	pthread_mutex_unlock(&l->fleet->lock);
	if (send(h->fd, message, bytes, MSG_NOSIGNAL) != (ssize_t)bytes) {
		failed(l, i, strerror(errno));
	} else {
		sim_address_show(l->life->server, to);
		if (hello.version == 3)
			sim_fleet_say(l->fleet, d, "hello %u to %s, %u roots", h->sent, to,
				      hello.n_roots);
		else
			sim_fleet_say(l->fleet, d, "hello %u to %s, PID %s", h->sent, to, pid);
		l->report->hellos++;
		h->sent++;
	}
	hang_up(h);
}

static int dial(struct loop *l, size_t i, struct fault *fault)
{
	struct hellos *h = &l->hellos[i];
	struct fault why = { 0 };
	struct sim_address from;
	int rc = sim_address_after(&l->fleet->first, (uint32_t)i, 0, &from, fault);

	if (rc < 0)
		return rc;
	hang_up(h);
	h->fd = sim_hello_connect(&from, l->life->server, &why);
	if (h->fd == KIT_ERR_NETWORK) {
		failed(l, i, why.what);
		h->fd = -1;
		return 0;
	}
	if (h->fd < 0) {
		h->fd = -1;
		return fault_set(fault, why.code, "%s", why.what);
	}
	return watch(l, h->fd, EPOLLOUT, TAG_DEVICES + i, fault);
}

/* Start the hellos whose time has come. */
static int hellos_due(struct loop *l, uint64_t now, struct fault *fault)
{
	while (l->waiting > 0) {
		size_t i = l->ring[l->head];
		struct hellos *h = &l->hellos[i];
		bool wants;
		int rc;

		if (h->due > now)
			break;
		l->head = (l->head + 1) % l->fleet->n;
		l->waiting--;
		pthread_mutex_lock(&l->fleet->lock);
		wants = l->fleet->devices[i].state == SIM_DEVICE_IN &&
			!l->fleet->devices[i].pki.silent;
		pthread_mutex_unlock(&l->fleet->lock);
		if (!wants || h->sent >= l->life->hellos)
			continue;
		rc = dial(l, i, fault);
		if (rc < 0)
			return rc;
		h->due = now + l->life->retry;
		l->ring[(l->head + l->waiting++) % l->fleet->n] = i;
	}
	return 0;
}

static size_t count_configured(struct sim_fleet *f)
{
	size_t n = 0;

	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < f->n; i++)
		n += f->devices[i].state == SIM_DEVICE_POST;
	pthread_mutex_unlock(&f->lock);
	return n;
}

/* What epoll reports. True: a signal came. */
static bool take_events(struct loop *l, int timeout, bool *woken)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(l->epoll, events, EVENTS, timeout);

	for (int i = 0; i < n; i++) {
		eventfd_t count;

		if (events[i].data.u64 == TAG_SIGNAL)
			return true;
		if (events[i].data.u64 != TAG_WAKE)
			speak(l, (size_t)(events[i].data.u64 - TAG_DEVICES));
		else if (eventfd_read(l->fleet->wake, &count) == 0)
			*woken = true;
	}
	return false;
}

/* Milliseconds until the next hello or the end, for epoll. */
static int next_timeout(const struct loop *l, uint64_t now, uint64_t end)
{
	uint64_t next = end;

	if (l->waiting > 0 && l->hellos[l->ring[l->head]].due < next)
		next = l->hellos[l->ring[l->head]].due;
	if (next == UINT64_MAX)
		return -1;
	next = next > now ? next - now : 0;
	return next > 60000 ? 60000 : (int)next;
}

/* The server reads the state back after CommitChanges, as soon as it can: let it. */
static void drain(struct loop *l, struct sim_service *s)
{
	struct sim_fleet *f = l->fleet;
	uint64_t end = sim_now_ms() + f->habits.settle_ms + DRAIN_MS;
	bool waits = l->life->until_configured && count_configured(f) == f->n;

	while (waits && !l->report->interrupted && sim_now_ms() < end) {
		bool woken = false;

		pthread_mutex_lock(&f->lock);
		waits = f->unread > 0 || sim_service_connections(s) > 0;
		pthread_mutex_unlock(&f->lock);
		if (waits)
			l->report->interrupted = take_events(l, DRAIN_STEP, &woken);
	}
}

static int loop(struct loop *l, struct sim_service *s, struct fault *fault)
{
	uint64_t began = sim_now_ms(), last = began, now = began;
	uint64_t end = l->life->limit ? began + l->life->limit : UINT64_MAX;
	size_t configured = count_configured(l->fleet);
	int rc = 0;

	while (!l->report->interrupted && now < end &&
	       !(l->life->until_configured && configured == l->fleet->n)) {
		bool woken = false;

		rc = hellos_due(l, now, fault);
		if (rc < 0)
			return rc;
		l->report->interrupted = take_events(l, next_timeout(l, now, end), &woken);
		now = sim_now_ms();
		if (woken) {
			configured = count_configured(l->fleet);
			last = now;
		}
	}
	drain(l, s);
	l->report->configured = configured;
	l->report->seconds = (double)((configured == l->fleet->n ? last : now) - began) / 1000;
	return 0;
}

int sim_life_run(struct sim_fleet *f, struct sim_service *s, const struct sim_life *life,
		 int signals, struct sim_life_report *out, struct fault *fault)
{
	struct loop l = { .fleet = f, .life = life, .report = out, .epoll = -1 };
	uint64_t now = sim_now_ms();
	int rc;

	memset(out, 0, sizeof(*out));
	l.hellos = calloc(f->n, sizeof(*l.hellos));
	l.ring = calloc(f->n, sizeof(*l.ring));
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!l.hellos || !l.ring) {
		rc = fault_nomem(fault);
		goto out;
	}
	for (size_t i = 0; i < f->n; i++) {
		l.hellos[i].fd = -1;
		l.hellos[i].due = now + life->window * i / f->n;
		l.ring[i] = i;
	}
	l.waiting = life->server ? f->n : 0;
	rc = watch(&l, signals, EPOLLIN, TAG_SIGNAL, fault);
	if (rc == 0)
		rc = watch(&l, f->wake, EPOLLIN, TAG_WAKE, fault);
	if (rc == 0)
		rc = loop(&l, s, fault);
out:
	for (size_t i = 0; l.hellos && l.ring && i < f->n; i++)
		hang_up(&l.hellos[i]);
	if (l.epoll >= 0)
		close(l.epoll);
	free(l.hellos);
	free(l.ring);
	return rc;
}
