/* Reconcile: what a stick says of its records, compared with what the map says of its keys. */
#ifndef SERVER_ADMIN_RECONCILE_H
#define SERVER_ADMIN_RECONCILE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/admin/operator.h"
#include "server/keymap/pairs.h"

/* What comes of one record. */
enum reconcile_outcome {
	RECONCILE_AGREED,	/* both say free, or both say used */
	RECONCILE_WAITING,	/* used on the stick, and its hello is being served */
	RECONCILE_NO_HELLO,	/* used on the stick, and the server heard nothing */
	RECONCILE_NEVER_PROVED,	/* used on the stick, a hello came, and no proof */
	RECONCILE_USED_ELSEWHERE, /* free on this stick, used in the map: there is a copy */
	RECONCILE_UNKNOWN,	/* the PID is not in the map */
	RECONCILE_OTHER_PPS,	/* the map has another PPS for it */
	RECONCILE_REVOKED,	/* free on the stick, revoked in the map */
	RECONCILE_BAD,		/* free, and its PID or PPS is not valid */
	RECONCILE_NO_KEY,	/* free, and without PID and PPS: set-up by certificate */
	RECONCILE_UNREADABLE,	/* used, its body wiped or damaged: nothing to compare */
	RECONCILE_OUTCOMES
};

/* "agreed", "waiting", "no-hello", ... */
const char *reconcile_word(enum reconcile_outcome outcome);
/* The same as a clause, and what to do about it, or NULL. */
const char *reconcile_text(enum reconcile_outcome outcome);
const char *reconcile_hint(enum reconcile_outcome outcome);
/* Does somebody have to do something about it? */
bool reconcile_is_trouble(enum reconcile_outcome outcome);

/* One record. */
struct reconcile_record {
	uint32_t number;		/* from 1 */
	bool used;			/* by a machine, as the stick counts */
	char pid[PID_LENGTH + 1];	/* "": it can't be read */
	const struct keymap_pair *pair;	/* as the map has it, or NULL */
	enum reconcile_outcome outcome;
};

struct reconcile {
	/* Called once before the first record: a file of that kind was found. May be NULL. */
	void (*begin)(void *context, const struct reconcile *r);
	/* Called for each record. Anything but 0 stops, and is returned. */
	int (*record)(void *context, const struct reconcile_record *record);
	void *context;

	/* From the header. */
	bool consumable;	/* false: every machine takes the first record */
	uint32_t counted;	/* used records, by its counter */
	uint32_t held;		/* records, by its header; counted > held: the counter is wrong */
	/* Counts. */
	unsigned long records, used, outcomes[RECONCILE_OUTCOMES];
};

/*
 * Compare the setup.bin PATH, or that on the stick or image PATH, which is only read.
 * Returns 0, or the errors of sbin_reader_open(), fatread_find() and the map.
 */
int reconcile(struct reconcile *r, const struct operator *op, const char *path,
	      struct fault *fault);
/* How many records are in trouble. */
unsigned long reconcile_troubles(const struct reconcile *r);

#endif
