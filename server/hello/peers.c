/* Limits per address, in bounded memory. */
#include "server/hello/peers.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS	16384
#define ENTRIES	65536

struct peers {
	struct peer *bucket[BUCKETS];
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

static void make_key(const struct sockaddr *address, uint8_t key[static 16])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

	memset(key, 0, 16);
	if (address->sa_family == AF_INET) {
		key[10] = key[11] = 0xff;
		memcpy(key + 12, &v4->sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		bool mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);

		memcpy(key, &v6->sin6_addr, mapped ? 16 : 8);
	}
}

static size_t bucket_of(const struct peers *p, const uint8_t key[static 16])
{
	uint32_t h = p->seed ^ 2166136261u;

	for (int i = 0; i < 16; i++)
		h = (h ^ key[i]) * 16777619u;
	return (h ^ h >> 15) % BUCKETS;
}

/* Forget those that hold nothing and said nothing this minute. */
static void sweep(struct peers *p, int64_t minute)
{
	p->swept = minute;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct peer **at = &p->bucket[i]; *at;) {
			struct peer *e = *at;

			if (e->open || e->minute == minute) {
				at = &e->next;
				continue;
			}
			*at = e->next;
			free(e);
			p->count--;
		}
}

struct peer *peers_find(struct peers *p, const struct sockaddr *address, int64_t now)
{
	uint8_t key[16];
	struct peer **bucket, *e;

	make_key(address, key);
	if (now / 60 != p->swept)
		sweep(p, now / 60);
	bucket = &p->bucket[bucket_of(p, key)];
	for (e = *bucket; e; e = e->next)
		if (memcmp(e->key, key, sizeof(key)) == 0)
			return e;
	if (p->count >= ENTRIES)
		return NULL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	memcpy(e->key, key, sizeof(key));
	e->minute = now / 60;
	e->next = *bucket;
	*bucket = e;
	p->count++;
	return e;
}

static void turn_minute(struct peer *peer, int64_t now)
{
	if (peer->minute == now / 60)
		return;
	peer->minute = now / 60;
	peer->messages = 0;
	peer->told = false;
}

bool peers_count_message(struct peer *peer, int64_t now, uint64_t limit)
{
	turn_minute(peer, now);
	if (peer->messages >= limit)
		return false;
	peer->messages++;
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

size_t peers_count(const struct peers *p)
{
	return p->count;
}

void peers_show(const struct sockaddr *address, char out[static PEERS_TEXT + 1])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
	char scope[IF_NAMESIZE];

	strcpy(out, "?");
	if (address->sa_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, out, PEERS_TEXT + 1);
	} else if (address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		inet_ntop(AF_INET, (const uint8_t *)&v6->sin6_addr + 12, out, PEERS_TEXT + 1);
	} else if (address->sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, out, PEERS_TEXT + 1);
		if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) &&
		    if_indextoname(v6->sin6_scope_id, scope))
			snprintf(out + strlen(out), PEERS_TEXT + 1 - strlen(out), "%%%s", scope);
	}
}

uint16_t peers_local(int fd, char address[static PEERS_TEXT + 1])
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = { .any.sa_family = AF_UNSPEC };
	socklen_t size = sizeof(a);

	if (getsockname(fd, &a.any, &size))
		a.any.sa_family = AF_UNSPEC;
	peers_show(&a.any, address);
	return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port
		   : a.any.sa_family == AF_INET ? a.v4.sin_port : 0);
}
