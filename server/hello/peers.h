/* Who is connected and how often they speak: limits per address, in bounded memory. */
#ifndef SERVER_HELLO_PEERS_H
#define SERVER_HELLO_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/error.h"

#define PEERS_TEXT 63	/* bytes of an address as text, with a scope */

/*
 * One address: an IPv4 address, or the /64 network of an IPv6 one, since a single machine
 * may take any address in that.
 */
struct peer {
	uint8_t key[16];
	unsigned open;		/* connections now */
	unsigned messages;	/* in the present minute */
	int64_t minute;
	bool told;		/* this minute's excess is logged */
	struct peer *next;
};

struct peers;
int peers_new(struct peers **out, struct fault *fault);
/* *p may be NULL. */
void peers_free(struct peers **p);

/*
 * The entry of ADDRESS, made if there is none. NOW: seconds. Entries without connections
 * are forgotten once their minute is over. NULL: there are too many (65536), or no memory.
 */
struct peer *peers_find(struct peers *p, const struct sockaddr *address, int64_t now);

/* Count a message of PEER; false when it is over LIMIT for this minute. */
bool peers_count_message(struct peer *peer, int64_t now, uint64_t limit);

/* Is this the first excess of PEER in this minute? Then it is to be logged. */
bool peers_first_excess(struct peer *peer, int64_t now);

/* Entries held. */
size_t peers_count(const struct peers *p);

/* The address as text, without port; IPv4 inside IPv6 as IPv4. OUT: PEERS_TEXT + 1 bytes. */
void peers_show(const struct sockaddr *address, char out[static PEERS_TEXT + 1]);

/* The address that the socket FD is bound to; returns its port, 0: it is no socket of TCP. */
uint16_t peers_local(int fd, char address[static PEERS_TEXT + 1]);

#endif
