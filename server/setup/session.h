/* Sessions with machines on the event loop: many at a time, each as amt/session.h has it. */
#ifndef SERVER_SETUP_SESSION_H
#define SERVER_SETUP_SESSION_H

#include "amt/session.h"

struct event_base;

/*
 * Every session of a server runs in one pool: libcurl's multi interface on the caller's
 * libevent loop.
 */
struct session_pool;
int session_pool_new(struct session_pool **out, struct event_base *base, struct fault *fault);
/* Every session must be closed by then. *p may be NULL. */
void session_pool_free(struct session_pool **p);

struct session;

/* Prepare a session; nothing is sent before the first session_post(). */
int session_open(struct session **out, struct session_pool *pool,
		 const struct amt_target *target, const struct amt_limits *limits,
		 struct fault *fault);

/* Close it, in mid-request too: its done function is not called any more. *s may be NULL. */
void session_close(struct session **s);

/*
 * Send a POST and hear the answer later, from the event loop: done() is called exactly
 * once, and may post again or close. One request at a time.
 */
int session_post(struct session *s, const struct amt_request *request,
		 void (*done)(void *context, const struct amt_reply *reply), void *context,
		 struct fault *fault);

/* As amt_session_proved() and amt_session_one_each(). */
bool session_proved(const struct session *s);
bool session_one_each(const struct session *s);

#endif
