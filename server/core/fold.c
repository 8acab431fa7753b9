/* Lines of the log that repeat themselves: a table of kinds and peers, forgotten after a minute. */
#include "server/core/fold.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS	4096
#define NAME	32
#define ADDRESS	64

/* One kind about one machine or from one address. */
struct slot {
	uint64_t key;		/* 0: free */
	double began;
	unsigned written, folded;
	unsigned pending;	/* fold_look()s that are not settled: it stays what it is */
	bool machine;
	enum severity severity;
	char name[NAME], address[ADDRESS];
	char pid[PID_LENGTH + 1];	/* "" none */
	bool has_uuid;
	struct uuid uuid;
};

struct fold {
	struct slot slots[SLOTS];
	uint64_t seed;		/* so that nobody can choose what shares a slot */
	size_t n_folded;	/* slots that have something to say */
	void (*sum)(void *context, const struct logentry *line);
	void *context;
};

int fold_new(struct fold **out, void (*sum)(void *context, const struct logentry *line),
	     void *context, struct fault *fault)
{
	struct fold *f = calloc(1, sizeof(*f));

	*out = NULL;
	if (!f)
		return fault_nomem(fault);
	if (RAND_bytes((unsigned char *)&f->seed, sizeof(f->seed)) != 1) {
		free(f);
		return fault_set(fault, KIT_ERR_CRYPTO, "OpenSSL gives no random numbers");
	}
	f->sum = sum;
	f->context = context;
	*out = f;
	return 0;
}

void fold_free(struct fold **f)
{
	free(*f);
	*f = NULL;
}

static uint64_t mix(uint64_t h, const void *data, size_t n)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 1099511628211u;
	return (h ^ h >> 29) * 0xbf58476d1ce4e5b9u;
}

/* The address, or the network of an IPv6 one. */
static uint64_t mix_peer(uint64_t h, const char *address)
{
	char text[ADDRESS];
	struct in6_addr v6;

	snprintf(text, sizeof(text), "%.*s", (int)strcspn(address, "%"), address);
	if (inet_pton(AF_INET6, text, &v6) == 1)
		return mix(h, &v6, 8);
	return mix(h, address, strlen(address) + 1);
}

static void say(struct fold *f, struct slot *s)
{
	char what[160];
	struct logentry e = { .severity = s->severity, .name = s->name, .what = what,
			      .address = *s->address ? s->address : NULL,
			      .pid = *s->pid ? s->pid : NULL,
			      .uuid = s->has_uuid ? &s->uuid : NULL };

	snprintf(what, sizeof(what), "%u more line%s like this %s within %d s left out", s->folded,
		 plural(s->folded), s->machine ? "of this machine" : "from this address or network",
		 FOLD_SECONDS);
	s->folded = 0;
	f->n_folded--;
	f->sum(f->context, &e);
}

static void fill(struct slot *s, uint64_t key, const struct logentry *e, bool machine, double now)
{
	memset(s, 0, sizeof(*s));
	s->key = key;
	s->began = now;
	s->machine = machine;
	s->severity = e->severity;
	snprintf(s->name, sizeof(s->name), "%s", e->name);
	snprintf(s->address, sizeof(s->address), "%s", e->address ? e->address : "");
	if (!machine)
		return;
	if (e->pid)
		memcpy(s->pid, e->pid, strnlen(e->pid, PID_LENGTH));
	s->has_uuid = e->uuid != NULL;
	if (e->uuid)
		s->uuid = *e->uuid;
}

/* The slot of KEY, now its own; NULL: it is another's, who is not done. */
static struct slot *find(struct fold *f, uint64_t key, const struct logentry *e, bool machine,
			 double now)
{
	struct slot *s = &f->slots[key % SLOTS];

	if (s->key == key && now - s->began < FOLD_SECONDS)
		return s;
	if (s->pending)
		return s->key == key ? s : NULL;
	if (s->folded)
		say(f, s);
	fill(s, key, e, machine, now);
	return s;
}

/* Is there a line left for S? */
static bool has_line(struct slot *s, unsigned limit)
{
	if (!s)
		return true;
	if (s->written < limit) {
		s->written++;
		return true;
	}
	s->pending++;
	return false;
}

size_t fold_look(struct fold *f, const struct logentry *e, double now)
{
	uint64_t kind = mix(f->seed, e->name, strlen(e->name) + 1), machine;
	struct slot *s;

	if (!e->address && !e->uuid)
		return FOLD_WRITE;
	if (e->severity != SEVERITY_INFO && e->address) {
		s = find(f, mix_peer(kind, e->address) | 1, e, false, now);
		if (!has_line(s, FOLD_KIND))
			return (size_t)(s - f->slots);
	}
	machine = mix(kind, e->address ? e->address : "", e->address ? strlen(e->address) + 1 : 1);
	machine = mix(machine, e->uuid ? e->uuid->bytes : (const uint8_t *)"", e->uuid ? 16 : 0);
	machine = mix(machine, e->pid ? e->pid : "", e->pid ? PID_LENGTH : 0);
	s = find(f, machine | 1, e, true, now);
	return has_line(s, FOLD_SAME) ? FOLD_WRITE : (size_t)(s - f->slots);
}

void fold_settle(struct fold *f, size_t place, bool happened)
{
	struct slot *s = &f->slots[place];

	s->pending--;
	if (happened && s->folded++ == 0)
		f->n_folded++;
}

void fold_flush(struct fold *f, double now, bool all)
{
	for (size_t i = 0; i < SLOTS && f->n_folded; i++) {
		struct slot *s = &f->slots[i];

		if (s->folded && (all || now - s->began >= FOLD_SECONDS))
			say(f, s);
	}
}
