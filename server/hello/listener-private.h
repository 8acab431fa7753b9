/* What a listener holds; for the listener and its tests. */
#ifndef SERVER_HELLO_LISTENER_PRIVATE_H
#define SERVER_HELLO_LISTENER_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "server/hello/listener.h"
#include "server/hello/peers.h"

#define LISTENER_SOCKETS (CONFIG_LISTEN + 64)

TAILQ_HEAD(connection_list, connection);

struct listener {
	struct event_base *base;
	struct listener_limits limits;
	struct listener_handler handler;
	struct listener_counts counts;
	struct peers *peers;
	int sockets[LISTENER_SOCKETS];
	struct event *accept[LISTENER_SOCKETS];
	size_t n_sockets;
	struct event *wake;		/* ends the rest */
	bool paused;			/* by the owner of the listener */
	bool resting;			/* the system has no descriptor left */
	bool stopped;			/* for one reason or both */
	struct connection_list whole;	/* their hello is complete; oldest first */
	struct connection_list partial;	/* all others; oldest first */
	int64_t said_full;		/* the minute of the last TROUBLE_FULL that was reported */
	int64_t said_system;		/* the same of TROUBLE_SYSTEM */
};

/* One connection of a peer that may be about to say hello. */
struct connection {
	TAILQ_ENTRY(connection) entry;
	struct listener *listener;
	struct peer *peer;
	struct peer *network;	/* its /64 network, or NULL */
	struct event *event;
	int fd;
	bool page;		/* a browser: its request is read to the end and dropped */
	bool whole;		/* which list it is in */
	double accepted;	/* clock_monotonic() */
	char address[ADDRESS_TEXT + 1];
	size_t size;		/* bytes in data */
	uint8_t data[HELLO_MAX + 1];
};

#endif
