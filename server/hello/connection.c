/* One connection: bytes gathered over many segments until a hello is whole, or time is up. */
#include "server/hello/connection.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SILENCE	0.5	/* seconds after which nothing more is expected behind a whole hello */

static const char page[] =
	"HTTP/1.0 200 OK\r\n"
	"Content-Type: text/plain; charset=utf-8\r\n"
	"Connection: close\r\n"
	"\r\n"
	"This is amt-provisiond. It waits here for machines with Intel AMT that say hello.\n"
	"That you can read this means that the port is open between you and the server.\n";

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void tell(struct connection *c, enum listener_trouble trouble,
		 const struct hello *hello, const struct fault *fault)
{
	struct listener *l = c->listener;

	l->counts.trouble[trouble]++;
	l->handler.trouble(l->handler.context, trouble, c->address, hello, fault);
}

/* Every message counts, good or bad, so that nobody fills the log by being wrong. */
static bool may_speak(struct connection *c)
{
	struct listener *l = c->listener;
	struct hello nothing = { .version = 0 };
	struct fault fault = { .code = 0 };
	int64_t now = (int64_t)seconds_now();

	if (peers_count_message(c->peer, now, l->limits.messages_per_minute))
		return true;
	if (!peers_first_excess(c->peer, now)) {
		l->counts.trouble[TROUBLE_TOO_OFTEN]++;
		return false;
	}
	fault_set(&fault, KIT_ERR_BUSY, "more than %llu hello%s a minute from one address: the "
		  "others are ignored\n"
		  "hellos_per_minute sets the limit",
		  (unsigned long long)l->limits.messages_per_minute,
		  plural(l->limits.messages_per_minute));
	tell(c, TROUBLE_TOO_OFTEN, &nothing, &fault);
	return false;
}

/* The message is all that it will be. */
static void deliver(struct connection *c)
{
	struct listener *l = c->listener;
	struct fault fault = { .code = 0 };
	struct hello hello, nothing = { .version = 0 };

	if (!may_speak(c))
		return;
	if (c->size > l->limits.bytes) {
		fault_set(&fault, KIT_ERR_RANGE, "a message of more than %llu bytes\n"
			  "hello_bytes sets the limit; a hello with a PID has 32 bytes",
			  (unsigned long long)l->limits.bytes);
		tell(c, TROUBLE_BAD_HELLO, &nothing, &fault);
		return;
	}
	if (hello_decode(c->data, c->size, &hello, &fault)) {
		tell(c, TROUBLE_BAD_HELLO, &hello, &fault);
		return;
	}
	l->counts.hellos++;
	l->handler.hello(l->handler.context, &hello, c->address, c->accepted);
}

static void out_of_time(struct connection *c)
{
	unsigned long long seconds = c->listener->limits.seconds;
	struct fault fault = { .code = 0 };
	struct hello nothing = { .version = 0 };

	if (!may_speak(c))
		return;
	if (c->size)
		fault_set(&fault, KIT_ERR_TIMEOUT, "only %zu byte%s of a hello within %llu s",
			  c->size, plural(c->size), seconds);
	else
		fault_set(&fault, KIT_ERR_TIMEOUT, "connected and said nothing for %llu s",
			  seconds);
	fault_hint(&fault, "a machine says its hello at once: this is a port scan, or a broken "
		   "network between");
	tell(c, TROUBLE_TIME, &nothing, &fault);
}

static bool begins_with(const struct connection *c, const char *word)
{
	size_t n = strlen(word);

	return c->size >= n && memcmp(c->data, word, n) == 0;
}

static void answer_page(struct connection *c)
{
	ssize_t sent = send(c->fd, page, sizeof(page) - 1, MSG_NOSIGNAL);

	(void)sent;	/* whoever does not take it has closed */
	c->listener->counts.pages++;
	c->page = true;
	shutdown(c->fd, SHUT_WR);
}

enum progress { MORE, WHOLE, OVER };

/* Look at what has come; END: nothing more will. */
static enum progress look(struct connection *c, bool end)
{
	size_t want = hello_size(c->data, c->size);
	size_t limit = c->listener->limits.bytes;

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
	if (end || c->size > want || c->size > limit || (c->size == want && want <= 4)) {
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

static void wait_more(struct connection *c, bool whole)
{
	double left = c->accepted + (double)c->listener->limits.seconds - seconds_now();
	struct timeval tv;

	if (whole && left > SILENCE)
		left = SILENCE;
	if (left < 0.001)
		left = 0.001;
	tv.tv_sec = (time_t)left;
	tv.tv_usec = (suseconds_t)((left - (double)tv.tv_sec) * 1e6);
	event_add(c->event, &tv);
}

static void on_event(evutil_socket_t fd, short what, void *user)
{
	struct connection *c = user;
	enum progress progress;

	if (what & EV_TIMEOUT) {
		size_t want = hello_size(c->data, c->size);

		if (!c->page && c->size == want)
			deliver(c);	/* whole, and silent since */
		else if (!c->page)
			out_of_time(c);
		connection_close(c);
		return;
	}
	progress = look(c, fill(c));
	if (progress == OVER)
		connection_close(c);
	else
		wait_more(c, progress == WHOLE);
}

void connection_new(struct listener *l, int fd, const struct sockaddr *from, struct peer *peer)
{
	struct connection first, *c;
	enum progress progress;

	first.listener = l;
	first.peer = peer;
	first.fd = fd;
	first.page = false;
	first.size = 0;
	first.accepted = seconds_now();
	peers_show(from, first.address);
	progress = look(&first, fill(&first));
	if (progress == OVER) {
		close(fd);
		return;
	}
	c = malloc(sizeof(*c));
	if (!c) {
		close(fd);
		return;
	}
	memcpy(c, &first, offsetof(struct connection, data) + first.size);
	c->event = event_new(l->base, fd, EV_READ, on_event, c);
	if (!c->event) {
		close(fd);
		free(c);
		return;
	}
	TAILQ_INSERT_TAIL(&l->connections, c, entry);
	l->counts.open++;
	peer->open++;
	wait_more(c, progress == WHOLE);
}

void connection_close(struct connection *c)
{
	TAILQ_REMOVE(&c->listener->connections, c, entry);
	c->listener->counts.open--;
	c->peer->open--;
	event_free(c->event);
	close(c->fd);
	free(c);
}
