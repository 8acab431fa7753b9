/* Sessions on the event loop: libcurl's multi interface on libevent. */
#include "server/setup/session.h"

#include <event2/event.h>
#include <stdlib.h>

struct session_pool {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
};

struct session {
	struct session_pool *pool;
	struct amt_session *amt;
	/* The request that is under way; done NULL: none. */
	void (*done)(void *context, const struct amt_reply *reply);
	void *context;
};

/* ---- the pool ---- */

static void collect(struct session_pool *p);

static void on_socket_event(evutil_socket_t fd, short what, void *user)
{
	struct session_pool *p = user;
	int running, mask = (what & EV_READ ? CURL_CSELECT_IN : 0) |
			    (what & EV_WRITE ? CURL_CSELECT_OUT : 0);

	curl_multi_socket_action(p->multi, fd, mask, &running);
	collect(p);
}

static void on_timer(evutil_socket_t fd, short what, void *user)
{
	struct session_pool *p = user;
	int running;

	curl_multi_socket_action(p->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(p);
}

static int on_want_timer(CURLM *multi, long ms, void *user)
{
	struct session_pool *p = user;
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (ms < 0)
		evtimer_del(p->timer);
	else
		evtimer_add(p->timer, &tv);
	return 0;
}

static int on_want_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *of_socket)
{
	struct session_pool *p = user;
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

int session_pool_new(struct session_pool **out, struct event_base *base, struct fault *fault)
{
	struct session_pool *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (!p)
		return fault_nomem(fault);
	p->base = base;
	p->timer = evtimer_new(base, on_timer, p);
	p->multi = curl_multi_init();
	if (!p->timer || !p->multi) {
		session_pool_free(&p);
		return fault_nomem(fault);
	}
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, on_want_socket);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, on_want_timer);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
	*out = p;
	return 0;
}

void session_pool_free(struct session_pool **p)
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

/* ---- one session ---- */

int session_open(struct session **out, struct session_pool *pool,
		 const struct amt_target *target, const struct amt_limits *limits,
		 struct fault *fault)
{
	struct session *s = calloc(1, sizeof(*s));
	int rc;

	*out = NULL;
	if (!s)
		return fault_nomem(fault);
	s->pool = pool;
	rc = amt_session_open(&s->amt, target, limits, fault);
	if (!rc && curl_easy_setopt(amt_session_handle(s->amt), CURLOPT_PRIVATE, s))
		rc = fault_set(fault, KIT_ERR_LIBRARY, "libcurl cannot prepare a session");
	if (rc) {
		session_close(&s);
		return rc;
	}
	*out = s;
	return 0;
}

void session_close(struct session **out)
{
	struct session *s = *out;

	if (!s)
		return;
	*out = NULL;
	if (s->done)
		curl_multi_remove_handle(s->pool->multi, amt_session_handle(s->amt));
	amt_session_close(&s->amt);
	free(s);
}

int session_post(struct session *s, const struct amt_request *request,
		 void (*done)(void *context, const struct amt_reply *reply), void *context,
		 struct fault *fault)
{
	int rc = amt_session_begin(s->amt, request, fault);

	if (rc)
		return rc;
	if (curl_multi_add_handle(s->pool->multi, amt_session_handle(s->amt)))
		return fault_set(fault, KIT_ERR_LIBRARY, "libcurl cannot begin a request");
	s->done = done;
	s->context = context;
	return 0;
}

static void finish(struct session *s, CURLcode result)
{
	void (*done)(void *context, const struct amt_reply *reply) = s->done;
	struct amt_reply reply;

	if (!amt_session_end(s->amt, result, &reply)) {
		if (!curl_multi_add_handle(s->pool->multi, amt_session_handle(s->amt)))
			return;
		amt_session_end(s->amt, CURLE_OUT_OF_MEMORY, &reply);
	}
	s->done = NULL;
	done(s->context, &reply);
}

static void collect(struct session_pool *p)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(p->multi, &left))) {
		struct session *s = NULL;
		CURLcode result = m->data.result;
		CURL *easy = m->easy_handle;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&s);
		curl_multi_remove_handle(p->multi, easy);
		finish(s, result);
	}
}

bool session_proved(const struct session *s)
{
	return amt_session_proved(s->amt);
}

bool session_one_each(const struct session *s)
{
	return amt_session_one_each(s->amt);
}
