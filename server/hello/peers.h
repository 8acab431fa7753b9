/* Who is connected and how often they speak: limits per address, in bounded memory. */
#ifndef SERVER_HELLO_PEERS_H
#define SERVER_HELLO_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "common/error.h"

#define PEERS_MOST 65536	/* entries */

/*
 * One address, or one network of IPv6 (/64). A single machine may take any address of its
 * network, so both have limits; many machines may share a network, so its limits are wider.
 */
enum peers_scope { PEERS_ADDRESS, PEERS_NETWORK };

/* What is counted of a peer in a minute. Troubles do not use up its hellos, nor the reverse. */
enum peers_count { PEERS_HELLO, PEERS_TROUBLE, PEERS_COUNTS };

struct peer {
	uint8_t key[17];		/* scope, then the address, the rest of a network zero */
	unsigned open;			/* connections now */
	unsigned counts[PEERS_COUNTS];	/* in the present minute */
	int64_t minute;
	bool told;			/* this minute's excess is logged */
	bool known;			/* peers_vouch() */
	struct peer *next;		/* in its bucket */
	TAILQ_ENTRY(peer) idle;		/* in the list of its rank, when nothing is open */
	int rank;
};

struct peers;
int peers_new(struct peers **out, struct fault *fault);
/* *p may be NULL. */
void peers_free(struct peers **p);

/*
 * The entry of ADDRESS or its network, made if there is none. NOW: seconds of a clock that is
 * never set back. Entries without connections are forgotten once their minute is over; and, when
 * there are PEERS_MOST, the one that has done least, known ones last. NULL: every entry has
 * a connection, or no memory; or ADDRESS has no network (IPv4).
 */
struct peer *peers_find(struct peers *p, const struct sockaddr *address, enum peers_scope scope,
			int64_t now);

/* A connection of PEER was opened, or closed. PEER stays valid while one is open. */
void peers_opened(struct peers *p, struct peer *peer);
void peers_closed(struct peers *p, struct peer *peer);

/* Count a hello or a trouble of PEER; false when it is over LIMIT for this minute. */
bool peers_count_one(struct peer *peer, enum peers_count what, int64_t now, uint64_t limit);

/* Is this the first excess of PEER in this minute? Then it is to be logged. */
bool peers_first_excess(struct peer *peer, int64_t now);

/*
 * The peer at ADDRESS (text, as address_show() makes it) is a known machine: its network's limits
 * do not concern it, and it is forgotten last, also when its minute is over.
 */
void peers_vouch(struct peers *p, const char *address, int64_t now);

/* Entries held. */
size_t peers_count(const struct peers *p);

#endif
