/* Listening for hellos: sockets, and connections under limits of bytes, seconds and number. */
#ifndef SERVER_HELLO_LISTENER_H
#define SERVER_HELLO_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "server/core/address.h"
#include "server/core/config.h"
#include "server/hello/hello.h"

struct event_base;

/*
 * A network of IPv6 (/64) may have as many times the connections and the messages of one address: a
 * single machine can take any address in it, and a whole site may live in it.
 */
#define LISTENER_NETWORK 16

struct listener_limits {
	uint64_t connections;		/* in all */
	uint64_t per_address;
	uint64_t messages_per_minute;	/* of one address */
	uint64_t seconds;		/* for a complete message */
	bool page;			/* answer a GET */
};

/* What a peer did that was not a hello. */
enum listener_trouble {
	TROUBLE_BAD_HELLO,	/* bytes that are not a hello */
	TROUBLE_TIME,		/* no complete message in time */
	TROUBLE_TOO_OFTEN,	/* too many messages from this address; reported once a minute */
	TROUBLE_TOO_MANY,	/* too many connections from it; reported once a minute */
	TROUBLE_FULL,		/* the oldest connection was closed; reported once a minute */
	TROUBLE_SYSTEM,		/* the system accepts no more connections; the same */
	TROUBLES
};

struct listener_counts {
	uint64_t accepted, hellos, pages, empty;	/* empty: closed without a byte */
	uint64_t trouble[TROUBLES];
	uint64_t open;		/* now */
};

struct listener_handler {
	/*
	 * A complete, valid hello from ADDRESS (text, no port), on a connection that was accepted
	 * at ACCEPTED (clock_monotonic()).
	 */
	void (*hello)(void *context, const struct hello *hello, const char *address,
		      double accepted);
	/*
	 * Trouble; ADDRESS is NULL where it is not one peer's. HELLO is what was understood of
	 * it; its version is 0 when nothing was.
	 */
	void (*trouble)(void *context, enum listener_trouble trouble, const char *address,
			const struct hello *hello, const struct fault *fault);
	void *context;
};

struct listener;

int listener_new(struct listener **out, struct event_base *base,
		 const struct listener_limits *limits, const struct listener_handler *handler,
		 struct fault *fault);
/* As listener_stop(), and frees. *l may be NULL. */
void listener_free(struct listener **l);

/* Other limits from now on. */
void listener_set_limits(struct listener *l, const struct listener_limits *limits);

/*
 * Listen on ADDRESS. KIT_ERR_BUSY: something else listens there; KIT_ERR_NOT_FOUND: this
 * system has no such address family (IPv6 is off); KIT_ERR_SYSTEM or the like.
 */
int listener_open(struct listener *l, const struct config_address *address,
		  struct fault *fault);

/*
 * Take the listening sockets that systemd passed (LISTEN_FDS); *count receives their
 * number, 0 when there are none. KIT_ERR_ARGUMENT: one is not a listening stream socket.
 */
int listener_inherit(struct listener *l, size_t *count, struct fault *fault);

/* Where socket I from 0 on listens: its address, and its port; 0: there is no such socket. */
uint16_t listener_where(const struct listener *l, size_t i, char address[static ADDRESS_TEXT + 1]);

/* Stop and go on accepting: connections wait in the kernel meanwhile. */
void listener_pause(struct listener *l, bool pause);

/* Accept no more; hellos that are complete are heard, then all connections are closed. */
void listener_stop(struct listener *l);

/* The machine at ADDRESS (as it came with its hello) is a known one: see peers_vouch(). */
void listener_vouch(struct listener *l, const char *address);

const struct listener_counts *listener_counts(const struct listener *l);

#endif
