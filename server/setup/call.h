/* Calls of machines on the event loop: many at a time, each a session of amt/session.h. */
#ifndef SERVER_SETUP_CALL_H
#define SERVER_SETUP_CALL_H

#include "amt/session.h"

struct event_base;

/*
 * Every call of a server runs in one pool: libcurl's multi interface on the caller's
 * libevent loop.
 */
struct call_pool;
int call_pool_new(struct call_pool **out, struct event_base *base, struct fault *fault);
/* Every call must be closed by then. *p may be NULL. */
void call_pool_free(struct call_pool **p);

/* How many calls are open. */
size_t call_pool_calls(const struct call_pool *p);

struct call;

/* Prepare a call; nothing is sent before the first call_post(). */
int call_open(struct call **out, struct call_pool *pool,
	      const struct amt_target *target, const struct amt_limits *limits,
	      struct fault *fault);

/* Close it, in mid-request too: its done function is not called any more. *c may be NULL. */
void call_close(struct call **c);

/*
 * Send a POST and hear the answer later, from the event loop: done() is called exactly
 * once, and may post again or close. One request at a time.
 */
int call_post(struct call *c, const struct amt_request *request,
	      void (*done)(void *context, const struct amt_reply *reply), void *context,
	      struct fault *fault);

/* As the functions of amt_session with these names. */
bool call_proved(const struct call *c);
bool call_one_each(const struct call *c);
bool call_chain_taken(const struct call *c);
enum ondie_verdict call_machine(const struct call *c);
const char *call_tls(const struct call *c);

#endif
