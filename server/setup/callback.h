/* Calling a machine back: one HTTPS conversation inside TLS-PSK, and the proof it brings. */
#ifndef SERVER_SETUP_CALLBACK_H
#define SERVER_SETUP_CALLBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct event_base;

/*
 * Every conversation of a server runs in one pool: libcurl's multi interface on the
 * caller's libevent loop. Each has its own connection cache, no TLS session is ever
 * resumed, and TLS 1.0 at security level 0 is confined to its own TLS contexts.
 */
struct callback_pool;
int callback_pool_new(struct callback_pool **out, struct event_base *base,
		      struct fault *fault);
/* Every conversation must be closed by then. *p may be NULL. */
void callback_pool_free(struct callback_pool **p);

struct callback_target {
	const char *address;	/* numeric, no port; IPv6 without brackets, "%scope" allowed */
	uint16_t port;
	const char *pid;	/* PID_LENGTH characters */
	const char *pps;	/* PPS_LENGTH characters, SECRET; copied and wiped */
};

struct callback_limits {
	unsigned connect_ms;	/* for TCP and TLS together */
	unsigned answer_ms;	/* for a request and its answer */
	size_t answer_bytes;	/* of an answer's body; a longer one is refused */
};

struct callback;

/* Prepare a conversation; nothing is sent before the first callback_post(). */
int callback_open(struct callback **out, struct callback_pool *pool,
		  const struct callback_target *target, const struct callback_limits *limits,
		  struct fault *fault);

/* Close it, in mid-request too: its done function is not called any more. *c may be NULL. */
void callback_close(struct callback **c);

struct callback_request {
	const char *path;		/* "/wsman" */
	const char *content_type;
	const char *soap_action;	/* value of the SOAPAction header, or NULL */
	const void *body;		/* may be SECRET; copied and wiped */
	size_t size;			/* bytes of body */
	const char *user;		/* for Digest; NULL: no Authorization is sent */
	const char *password;		/* SECRET */
};

struct callback_reply {
	/*
	 * 0: an answer came, whatever its HTTP status. Else fault tells, and code is
	 *   KIT_ERR_NETWORK   no connection, or it broke
	 *   KIT_ERR_TIMEOUT   a limit in time was met
	 *   KIT_ERR_FORGED    the machine could not prove the PPS
	 *   KIT_ERR_PROTOCOL  TLS that has no PSK in it, HTTP that is none, an answer too long
	 */
	int code;
	struct fault fault;
	long status;		/* HTTP status */
	bool digest;		/* status 401: the machine offers Digest */
	const char *body;	/* of SIZE bytes and a NUL behind; valid during the call */
	size_t size;
};

/*
 * Send a POST and hear the answer later, from the event loop: done() is called exactly
 * once, and may post again or close. One request at a time.
 */
int callback_post(struct callback *c, const struct callback_request *request,
		  void (*done)(void *context, const struct callback_reply *reply),
		  void *context, struct fault *fault);

/*
 * Has the machine proved that it holds the PPS? True only after a TLS handshake with
 * this conversation's own PID and PPS was completed on a connection that it opened itself.
 */
bool callback_proved(const struct callback *c);

#endif
