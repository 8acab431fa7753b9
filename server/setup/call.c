/* Calls on the event loop: libcurl's multi interface on libevent. */
#include "server/setup/call.h"

#include <event2/event.h>
#include <stdlib.h>

struct call_pool {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
	size_t calls;		/* that are open */
};

struct call {
	struct call_pool *pool;
	struct amt_session *amt;
	/* The request that is under way; done NULL: none. */
	void (*done)(void *context, const struct amt_reply *reply);
	void *context;
};

/* ---- the pool ---- */

static void collect(struct call_pool *p);

static void on_socket_event(evutil_socket_t fd, short what, void *user)
{
	struct call_pool *p = user;
	int running, mask = (what & EV_READ ? CURL_CSELECT_IN : 0) |
			    (what & EV_WRITE ? CURL_CSELECT_OUT : 0);

	curl_multi_socket_action(p->multi, fd, mask, &running);
	collect(p);
}

static void on_timer(evutil_socket_t fd, short what, void *user)
{
	struct call_pool *p = user;
	int running;

	curl_multi_socket_action(p->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(p);
}

static int on_want_timer(CURLM *multi, long ms, void *user)
{
	struct call_pool *p = user;
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (ms < 0)
		evtimer_del(p->timer);
	else
		evtimer_add(p->timer, &tv);
	return 0;
}

static int on_want_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *of_socket)
{
	struct call_pool *p = user;
	struct event *event = of_socket;
	short flags = EV_PERSIST;

	if (event)
		event_free(event);
	curl_multi_assign(p->multi, fd, NULL);
	if (what == CURL_POLL_REMOVE)
		return 0;
	flags |= what & CURL_POLL_IN ? EV_READ : 0;
	flags |= what & CURL_POLL_OUT ? EV_WRITE : 0;
	event = event_new(p->base, fd, flags, on_socket_event, p);
	if (!event || event_add(event, NULL)) {
		if (event)
			event_free(event);
		return -1;
	}
	curl_multi_assign(p->multi, fd, event);
	return 0;
}

int call_pool_new(struct call_pool **out, struct event_base *base, struct fault *fault)
{
	struct call_pool *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (!p)
		return fault_nomem(fault);
	p->base = base;
	p->timer = evtimer_new(base, on_timer, p);
	p->multi = curl_multi_init();
	if (!p->timer || !p->multi) {
		call_pool_free(&p);
		return fault_nomem(fault);
	}
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, on_want_socket);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, on_want_timer);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
	*out = p;
	return 0;
}

void call_pool_free(struct call_pool **p)
{
	if (!*p)
		return;
	if ((*p)->multi)
		curl_multi_cleanup((*p)->multi);
	if ((*p)->timer)
		event_free((*p)->timer);
	free(*p);
	*p = NULL;
}

size_t call_pool_calls(const struct call_pool *p)
{
	return p->calls;
}

/* ---- one session ---- */

int call_open(struct call **out, struct call_pool *pool,
	      const struct amt_target *target, const struct amt_limits *limits,
	      struct fault *fault)
{
	struct call *c = calloc(1, sizeof(*c));
	int rc;

	*out = NULL;
	if (!c)
		return fault_nomem(fault);
	c->pool = pool;
	pool->calls++;
	rc = amt_session_open(&c->amt, target, limits, fault);
	if (!rc && curl_easy_setopt(amt_session_handle(c->amt), CURLOPT_PRIVATE, c))
		rc = fault_set(fault, KIT_ERR_LIBRARY, "libcurl cannot prepare a session");
	if (rc) {
		call_close(&c);
		return rc;
	}
	*out = c;
	return 0;
}

void call_close(struct call **out)
{
	struct call *c = *out;

	if (!c)
		return;
	*out = NULL;
	if (c->done)
		curl_multi_remove_handle(c->pool->multi, amt_session_handle(c->amt));
	amt_session_close(&c->amt);
	c->pool->calls--;
	free(c);
}

int call_post(struct call *c, const struct amt_request *request,
	      void (*done)(void *context, const struct amt_reply *reply), void *context,
	      struct fault *fault)
{
	int rc = amt_session_begin(c->amt, request, fault);

	if (rc)
		return rc;
	if (curl_multi_add_handle(c->pool->multi, amt_session_handle(c->amt)))
		return fault_set(fault, KIT_ERR_LIBRARY, "libcurl cannot begin a request");
	c->done = done;
	c->context = context;
	return 0;
}

static void finish(struct call *c, CURLcode result)
{
	void (*done)(void *context, const struct amt_reply *reply) = c->done;
	struct amt_reply reply;

	if (!amt_session_end(c->amt, result, &reply)) {
		if (!curl_multi_add_handle(c->pool->multi, amt_session_handle(c->amt)))
			return;
		amt_session_end(c->amt, CURLE_OUT_OF_MEMORY, &reply);
	}
	c->done = NULL;
	done(c->context, &reply);
}

static void collect(struct call_pool *p)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(p->multi, &left))) {
		struct call *c = NULL;
		CURLcode result = m->data.result;
		CURL *easy = m->easy_handle;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&c);
		curl_multi_remove_handle(p->multi, easy);
		finish(c, result);
	}
}

bool call_proved(const struct call *c)
{
	return amt_session_proved(c->amt);
}

bool call_one_each(const struct call *c)
{
	return amt_session_one_each(c->amt);
}

bool call_chain_taken(const struct call *c)
{
	return amt_session_chain_taken(c->amt);
}

enum ondie_verdict call_machine(const struct call *c)
{
	return amt_session_machine(c->amt);
}

const char *call_tls(const struct call *c)
{
	return amt_session_tls(c->amt);
}
