/* The pairs of the key map: adding, finding, reserving, proving, revoking (csti_pid_map). */
#ifndef SERVER_KEYMAP_PAIRS_H
#define SERVER_KEYMAP_PAIRS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/uuid.h"
#include "keygen/keylist.h"

struct keymap;

enum keymap_state { KEYMAP_FREE, KEYMAP_USED, KEYMAP_RESERVED, KEYMAP_REVOKED, KEYMAP_STATES };

#define KEYMAP_NEVER	INT64_MAX	/* "reserved_until" of the fresh pair of a re-key */

/* "free", "used", "reserved", "revoked"; and the reverse, KIT_ERR_ARGUMENT. */
const char *keymap_state_word(enum keymap_state state);
int keymap_state_parse(const char *word, enum keymap_state *out);

#define KEYMAP_SOURCE	255	/* bytes kept of how a batch came or went */

/* What the map knows about one pair; no secret. */
struct keymap_pair {
	int64_t id;
	char pid[PID_LENGTH + 1];
	enum keymap_state state;	/* a lapsed reservation reads as free (uuid still set) */
	bool lapsed;			/* was reserved, never proved */
	bool has_uuid;
	struct uuid uuid;		/* whose it is, or was until the reservation lapsed */
	int64_t reserved_at, reserved_until;	/* 0: not reserved, nor lapsed */
	int64_t used_at, revoked_at;	/* 0: not */
	bool has_current, has_new;	/* are the passwords known? */
	int64_t batch;			/* how it came into the map; see keymap_batch() */
	int64_t exported;		/* batch with which it last went out; 0: never */
	/* Of those batches; left empty by keymap_reserve(). */
	int64_t made_at, exported_at;
	char made_by[KEYMAP_SOURCE + 1];	/* "import keys.csv" */
	char exported_to[KEYMAP_SOURCE + 1];	/* "export stick.bin" */
};

/* Find one pair by PID: one indexed look-up. KIT_ERR_NOT_FOUND (no fault is set then). */
int keymap_find(struct keymap *m, const char *pid, int64_t now, struct keymap_pair *out,
		struct fault *fault);

/*
 * Note a batch, to which pairs that come or go together belong: HOW ("import",
 * "generate", "add", "export") and SOURCE (a file's name). *batch receives its number.
 */
int keymap_batch(struct keymap *m, const char *how, const char *source, int64_t now,
		 int64_t *batch, struct fault *fault);

enum keymap_added {
	KEYMAP_ADDED,
	KEYMAP_SAME,	  /* the very pair is there already; nothing changed */
	KEYMAP_COMPLETED, /* it was there and lacked a password that this entry has: filled in */
	KEYMAP_DIFFERS,	  /* it is there with another password: the map's is kept */
};

/*
 * Add a pair (ENTRY->used: as used, by nobody known; ENTRY->consumed: as exported, with this
 * batch, even if it is there already). Callers have checked it (keysource_next() does). Call it
 * within a transaction when there are many.
 *
 * Returns 0 with *added (may be NULL) or KIT_ERR_DUPLICATE: the PID is there with
 * another PPS (no fault is set, so that a generator can draw again and an importer
 * can name the line; nothing has changed).
 */
int keymap_add(struct keymap *m, const struct keyentry *entry, int64_t batch,
	       enum keymap_added *added, struct fault *fault);

/*
 * Add a fresh pair for the machine UUID alone and name it as its next_pid: re-keying.
 * It is reserved for that machine and never lapses. Errors as keymap_add(), and
 * KIT_ERR_NOT_FOUND: no such system.
 */
int keymap_add_rekey(struct keymap *m, const struct keyentry *entry, const struct uuid *uuid,
		     int64_t now, struct fault *fault);

/*
 * All that set-up needs of one pair: *out with PPS and passwords, SECRET. Returns 0,
 * KIT_ERR_NOT_FOUND.
 */
int keymap_secrets(struct keymap *m, const char *pid, struct keyentry *out, struct fault *fault);

/* What a hello gets for its PID. Everything but the first two leaves the map as it was. */
enum keymap_claim {
	KEYMAP_CLAIMED,		/* reserved for this UUID now */
	KEYMAP_CLAIM_HELD,	/* reserved for this UUID by an earlier hello; not prolonged */
	KEYMAP_CLAIM_PROVED,	/* used, and by this UUID: the policy decides whether to go on */
	KEYMAP_CLAIM_UNKNOWN,	/* nobody imported this PID */
	KEYMAP_CLAIM_RESERVED,	/* another UUID holds it and has not lapsed */
	KEYMAP_CLAIM_USED,	/* another UUID has proved it, or the list said it was used */
	KEYMAP_CLAIM_REVOKED,
};

/*
 * Reserve PID for UUID until NOW + SECONDS, if it is free or its reservation has lapsed.
 * A reservation is not prolonged by the hellos that follow, so that a forger who
 * repeats himself holds nothing for longer than SECONDS; one that has more than twice SECONDS
 * to go was made before the clock was set back, and has lapsed.
 * One indexed look-up and, for KEYMAP_CLAIMED, one update. *before (may be NULL) is
 * the pair as it was found (not filled for KEYMAP_CLAIM_UNKNOWN).
 */
int keymap_reserve(struct keymap *m, const char *pid, const struct uuid *uuid, int64_t now,
		   unsigned seconds, enum keymap_claim *claim, struct keymap_pair *before,
		   struct fault *fault);

/*
 * The machine UUID has proved that it holds the PPS of PID: mark it used by it. A proof
 * beats somebody else's reservation. Repeating it is harmless: *first (may be NULL) says
 * whether anything changed. Returns 0, KIT_ERR_NOT_FOUND, KIT_ERR_STATE (used by another
 * UUID, or revoked meanwhile).
 */
int keymap_use(struct keymap *m, const char *pid, const struct uuid *uuid, int64_t now,
	       bool *first, struct fault *fault);

/*
 * The machine that has used PID said hello as FROM, and turned out to be TO: the key is TO's.
 * KIT_ERR_NOT_FOUND, KIT_ERR_STATE (it is not used by FROM).
 */
int keymap_use_by(struct keymap *m, const char *pid, const struct uuid *from,
		  const struct uuid *to, int64_t now, struct fault *fault);

/*
 * Give a reservation of UUID back, as if there had been none; or have it lapse now, for its proof
 * failed. 0 too when there is none of it. That of a re-key stays: its machine has the pair,
 * whoever failed to prove it.
 */
int keymap_lapse(struct keymap *m, const char *pid, const struct uuid *uuid, int64_t now,
		 struct fault *fault);
int keymap_release(struct keymap *m, const char *pid, const struct uuid *uuid,
		   struct fault *fault);

/* Revoke a pair, whatever its state. KIT_ERR_NOT_FOUND. */
int keymap_revoke(struct keymap *m, const char *pid, int64_t now, struct fault *fault);

/* Remember that the pair ID went out with BATCH. */
int keymap_mark_exported(struct keymap *m, int64_t id, int64_t batch, struct fault *fault);

struct keymap_counts {
	uint64_t total, free, reserved, used, revoked;
	uint64_t lapsed;	/* of the free: once reserved, never proved */
};
int keymap_count(struct keymap *m, int64_t now, struct keymap_counts *out, struct fault *fault);

/* Which pairs keymap_each() gives; all zeros: every one, in the order they came in. */
struct keymap_filter {
	int64_t now;		/* for lapses; needed with by_state */
	bool by_state;
	enum keymap_state state;
	int exported;		/* 0 all, 1 only exported ones, -1 only those never exported */
	bool unclaimed;		/* none with a reservation, not even with one that lapsed */
	const struct uuid *uuid;	/* only those of this machine */
	int64_t batch;		/* only those that came with this batch; 0: all */
	int64_t after_id;	/* only ids above this */
	uint64_t limit;		/* at most so many; 0: all */
};

/*
 * Call EACH for every pair that the filter lets through, in constant memory. EACH
 * returns 0 to go on, anything else to stop: keymap_each() then returns that. EACH may
 * not write to the map.
 */
int keymap_each(struct keymap *m, const struct keymap_filter *filter,
		int (*each)(void *context, const struct keymap_pair *pair), void *context,
		struct fault *fault);

#endif
