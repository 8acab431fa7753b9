/* One connection of a peer that may be about to say hello; inside the listener. */
#ifndef SERVER_HELLO_CONNECTION_H
#define SERVER_HELLO_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

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
	bool paused;			/* by whoever owns the listener */
	bool resting;			/* the system has no descriptor left */
	bool stopped;			/* for one reason or both */
	struct connection_list connections;	/* oldest first */
	int64_t told_full;		/* the minute in which TROUBLE_FULL was last told */
	int64_t told_crowd;		/* ...and that there are too many addresses */
};

struct connection {
	TAILQ_ENTRY(connection) entry;
	struct listener *listener;
	struct peer *peer;
	struct event *event;
	int fd;
	bool page;		/* a browser: its request is read to the end and dropped */
	double accepted;	/* CLOCK_MONOTONIC, seconds */
	char address[PEERS_TEXT + 1];
	size_t size;		/* bytes in data */
	uint8_t data[HELLO_MAX + 1];
};

/*
 * Take over the socket FD of PEER: most hellos are there already and done with at once;
 * who makes us wait gets a connection in the listener's list.
 */
void connection_new(struct listener *l, int fd, const struct sockaddr *from,
		    struct peer *peer);

/* Close and free. */
void connection_close(struct connection *c);

#endif
