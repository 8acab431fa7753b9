/* Limits per address, in bounded memory. */
#include "server/hello/peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/core/address.h"

#define BUCKETS	16384

/* What an entry without connections is worth; the cheapest is forgotten first. */
enum rank { SILENT, SPOKE, EXCESSIVE, KNOWN, RANKS };

TAILQ_HEAD(peer_list, peer);

struct peers {
	struct peer *bucket[BUCKETS];
	struct peer_list idle[RANKS];	/* longest idle first */
	size_t count;
	uint32_t seed;		/* so that nobody can choose addresses that share a bucket */
	int64_t swept;		/* the minute of the last sweep */
};

int peers_new(struct peers **out, struct fault *fault)
{
	struct peers *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (!p)
		return fault_nomem(fault);
	for (int i = 0; i < RANKS; i++)
		TAILQ_INIT(&p->idle[i]);
	if (RAND_bytes((unsigned char *)&p->seed, sizeof(p->seed)) != 1) {
		free(p);
		return fault_set(fault, KIT_ERR_CRYPTO, "OpenSSL gives no random numbers");
	}
	*out = p;
	return 0;
}

void peers_free(struct peers **p)
{
	if (!*p)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct peer *e = (*p)->bucket[i], *next; e; e = next) {
			next = e->next;
			free(e);
		}
	free(*p);
	*p = NULL;
}

/* False: ADDRESS has no such scope. */
static bool make_key(const struct sockaddr *address, enum peers_scope scope,
		     uint8_t key[static 17])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
	bool is_v4 = address->sa_family == AF_INET ||
		     (address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr));

	memset(key, 0, 17);
	key[0] = (uint8_t)scope;
	if (is_v4 && scope == PEERS_NETWORK)
		return false;
	if (address->sa_family == AF_INET) {
		key[11] = key[12] = 0xff;
		memcpy(key + 13, &v4->sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		memcpy(key + 1, &v6->sin6_addr, scope == PEERS_NETWORK ? 8 : 16);
	}
	return true;
}

static struct peer **bucket_of(struct peers *p, const uint8_t key[static 17])
{
	uint32_t h = p->seed ^ 2166136261u;

	for (int i = 0; i < 17; i++)
		h = (h ^ key[i]) * 16777619u;
	return &p->bucket[(h ^ h >> 15) % BUCKETS];
}

static enum rank rank_of(const struct peer *e)
{
	if (e->known)
		return KNOWN;
	if (e->told)
		return EXCESSIVE;
	return e->counts[PEERS_HELLO] || e->counts[PEERS_TROUBLE] ? SPOKE : SILENT;
}

static void make_idle(struct peers *p, struct peer *e)
{
	e->rank = rank_of(e);
	TAILQ_INSERT_TAIL(&p->idle[e->rank], e, idle);
}

static void forget(struct peers *p, struct peer *e)
{
	struct peer **at = bucket_of(p, e->key);

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	TAILQ_REMOVE(&p->idle[e->rank], e, idle);
	free(e);
	p->count--;
}

/* Forget those that said nothing this minute. */
static void sweep(struct peers *p, int64_t minute)
{
	p->swept = minute;
	for (int i = 0; i < KNOWN; i++)
		for (struct peer *e = TAILQ_FIRST(&p->idle[i]), *next; e; e = next) {
			next = TAILQ_NEXT(e, idle);
			if (e->minute != minute)
				forget(p, e);
		}
}

/* False: there is none that could be forgotten. */
static bool forget_cheapest(struct peers *p)
{
	for (int i = 0; i < RANKS; i++)
		if (!TAILQ_EMPTY(&p->idle[i])) {
			forget(p, TAILQ_FIRST(&p->idle[i]));
			return true;
		}
	return false;
}

struct peer *peers_find(struct peers *p, const struct sockaddr *address, enum peers_scope scope,
			int64_t now)
{
	uint8_t key[17];
	struct peer **bucket, *e;

	if (!make_key(address, scope, key))
		return NULL;
	if (now / 60 != p->swept)
		sweep(p, now / 60);
	bucket = bucket_of(p, key);
	for (e = *bucket; e; e = e->next)
		if (memcmp(e->key, key, sizeof(key)) == 0)
			return e;
	if (p->count >= PEERS_MOST && !forget_cheapest(p))
		return NULL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	memcpy(e->key, key, sizeof(key));
	e->minute = now / 60;
	e->next = *bucket;
	*bucket = e;
	p->count++;
	make_idle(p, e);
	return e;
}

void peers_opened(struct peers *p, struct peer *e)
{
	if (e->open++ == 0)
		TAILQ_REMOVE(&p->idle[e->rank], e, idle);
}

void peers_closed(struct peers *p, struct peer *e)
{
	if (--e->open == 0)
		make_idle(p, e);
}

static void turn_minute(struct peer *peer, int64_t now)
{
	if (peer->minute == now / 60)
		return;
	peer->minute = now / 60;
	memset(peer->counts, 0, sizeof(peer->counts));
	peer->told = false;
}

bool peers_count_one(struct peer *peer, enum peers_count what, int64_t now, uint64_t limit)
{
	turn_minute(peer, now);
	if (peer->counts[what] >= limit)
		return false;
	peer->counts[what]++;
	return true;
}

bool peers_first_excess(struct peer *peer, int64_t now)
{
	bool first;

	turn_minute(peer, now);
	first = !peer->told;
	peer->told = true;
	return first;
}

void peers_vouch(struct peers *p, const char *address, int64_t now)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	char text[ADDRESS_TEXT + 1];
	struct peer *e = NULL;

	/* A link-local address is one peer whatever its scope, as it is where it connects. */
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(address, "%"), address);
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		e = peers_find(p, (struct sockaddr *)&v4, PEERS_ADDRESS, now);
	else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
		e = peers_find(p, (struct sockaddr *)&v6, PEERS_ADDRESS, now);
	if (!e)
		return;
	e->known = true;
	if (e->open)
		return;
	TAILQ_REMOVE(&p->idle[e->rank], e, idle);
	make_idle(p, e);
}

size_t peers_count(const struct peers *p)
{
	return p->count;
}
