/*
 * One page by HTTP/1.0, under limits. libevent's own server has no limit of connections, and none
 * of the time that a head takes byte by byte.
 */
#include "server/core/page.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct client {
	TAILQ_ENTRY(client) entry;
	struct page *page;
	struct bufferevent *connection;
	struct event *deadline;
};

struct page {
	struct event_base *base;
	struct page_source source;
	struct evconnlistener *listeners[CONFIG_LISTEN];
	size_t n_listeners;
	TAILQ_HEAD(client_list, client) clients;	/* oldest first */
	size_t n_clients;
};

/* ---- a request ---- */

/* The bytes of the head up to its empty line, in the first N; 0: it does not end there. */
static size_t head_size(const char *data, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (data[i] != '\n')
			continue;
		if (i + 1 < n && data[i + 1] == '\n')
			return i + 2;
		if (i + 2 < n && data[i + 1] == '\r' && data[i + 2] == '\n')
			return i + 3;
	}
	return 0;
}

static bool is(const char *text, size_t n, const char *word)
{
	return n == strlen(word) && memcmp(text, word, n) == 0;
}

int page_status(const char *data, size_t n, const char *path)
{
	size_t head = head_size(data, n < PAGE_HEAD ? n : PAGE_HEAD), line, method, target;
	const char *end, *at;

	if (!head)
		return n >= PAGE_HEAD ? 431 : 0;
	/* "GET /metrics HTTP/1.1" */
	end = memchr(data, '\n', head);
	line = (size_t)(end - data);
	if (line && data[line - 1] == '\r')
		line--;
	at = memchr(data, ' ', line);
	if (!at || memchr(data, '\0', line))
		return 400;
	method = (size_t)(at - data);
	at++;
	end = memchr(at, ' ', line - method - 1);
	if (!end || line - (size_t)(end - data) < 8 || memcmp(end, " HTTP/1.", 8) != 0)
		return 400;
	target = (size_t)(end - at);
	end = memchr(at, '?', target);
	if (end)
		target = (size_t)(end - at);
	if (!is(data, method, "GET") && !is(data, method, "HEAD"))
		return 405;
	return is(at, target, path) ? 200 : 404;
}

static const char *reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 431:
		return "Request Header Fields Too Large";
	default:
		return "Bad Request";
	}
}

/* ---- connections ---- */

static void close_client(struct client *c)
{
	TAILQ_REMOVE(&c->page->clients, c, entry);
	c->page->n_clients--;
	if (c->deadline)
		event_free(c->deadline);
	bufferevent_free(c->connection);
	free(c);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	close_client(context);
}

static void on_end(struct bufferevent *connection, short what, void *context)
{
	close_client(context);
}

static void on_written(struct bufferevent *connection, void *context)
{
	close_client(context);
}

static void answer(struct client *c, int status, bool body)
{
	const struct page_source *source = &c->page->source;
	struct evbuffer *out = bufferevent_get_output(c->connection), *text = evbuffer_new();

	if (!text) {
		close_client(c);
		return;
	}
	if (status == 200)
		source->fill(source->context, text);
	else
		evbuffer_add_printf(text, "%d %s\n", status, reason(status));
	evbuffer_add_printf(out, "HTTP/1.0 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
			    "Connection: close\r\n\r\n", status, reason(status),
			    status == 200 ? source->type : "text/plain",
			    evbuffer_get_length(text));
	if (body)
		evbuffer_add_buffer(out, text);
	evbuffer_free(text);
	bufferevent_disable(c->connection, EV_READ);
	bufferevent_setcb(c->connection, NULL, on_written, on_end, c);
}

static void on_read(struct bufferevent *connection, void *context)
{
	struct client *c = context;
	struct evbuffer *in = bufferevent_get_input(connection);
	size_t n = evbuffer_get_length(in);
	const char *data;
	int status;

	if (n > PAGE_HEAD)
		n = PAGE_HEAD;
	data = (const char *)evbuffer_pullup(in, (ev_ssize_t)n);
	status = data ? page_status(data, n, c->page->source.path) : 400;
	if (status)
		answer(c, status, !data || strncmp(data, "HEAD ", n < 5 ? n : 5) != 0);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
		      int size, void *context)
{
	struct timeval limit = { .tv_sec = PAGE_SECONDS };
	struct page *p = context;
	struct client *c = calloc(1, sizeof(*c));

	if (c)
		c->connection = bufferevent_socket_new(p->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c || !c->connection) {
		evutil_closesocket(fd);
		free(c);
		return;
	}
	if (p->n_clients == PAGE_CLIENTS)
		close_client(TAILQ_FIRST(&p->clients));
	c->page = p;
	TAILQ_INSERT_TAIL(&p->clients, c, entry);
	p->n_clients++;
	c->deadline = evtimer_new(p->base, on_deadline, c);
	if (!c->deadline || evtimer_add(c->deadline, &limit)) {
		close_client(c);
		return;
	}
	bufferevent_setcb(c->connection, on_read, NULL, on_end, c);
	bufferevent_setwatermark(c->connection, EV_READ, 0, PAGE_HEAD);
	bufferevent_enable(c->connection, EV_READ | EV_WRITE);
}

/* ---- the page ---- */

static int listen_on(struct page *p, const struct config_address *a, struct fault *fault)
{
	unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE |
			 (a->address.ss_family == AF_INET6 ? LEV_OPT_BIND_IPV6ONLY : 0);
	struct evconnlistener *l = evconnlistener_new_bind(
		p->base, on_accept, p, flags, -1, (const struct sockaddr *)&a->address,
		(int)a->length);

	if (!l)
		return fault_set(fault, KIT_ERR_BUSY, "cannot listen on %s for metrics\n"
				 "check that no other program listens there (\"ss -ltnp\"), and "
				 "that this machine has the address", a->text);
	p->listeners[p->n_listeners++] = l;
	return 0;
}

int page_new(struct page **out, struct event_base *base, const struct config_addresses *addresses,
	     const struct page_source *source, struct fault *fault)
{
	struct page *p = calloc(1, sizeof(*p));
	int rc = 0;

	*out = NULL;
	if (!p)
		return fault_nomem(fault);
	p->base = base;
	p->source = *source;
	TAILQ_INIT(&p->clients);
	for (size_t i = 0; i < addresses->count && !rc; i++)
		rc = listen_on(p, &addresses->at[i], fault);
	if (rc)
		page_free(&p);
	*out = p;
	return rc;
}

void page_free(struct page **p)
{
	if (!*p)
		return;
	while (!TAILQ_EMPTY(&(*p)->clients))
		close_client(TAILQ_FIRST(&(*p)->clients));
	for (size_t i = 0; i < (*p)->n_listeners; i++)
		evconnlistener_free((*p)->listeners[i]);
	free(*p);
	*p = NULL;
}

uint16_t page_where(const struct page *p, size_t i, char address[static ADDRESS_TEXT + 1])
{
	if (i >= p->n_listeners)
		return 0;
	return address_local(evconnlistener_get_fd(p->listeners[i]), address);
}
