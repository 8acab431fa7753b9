/* The key map: the only door to the server's database. */
#ifndef SERVER_KEYMAP_KEYMAP_H
#define SERVER_KEYMAP_KEYMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "keygen/keylist.h"
#include "server/keymap/logentry.h"
#include "server/keymap/profile.h"
#include "server/keymap/system.h"
#include "common/uuid.h"

/*
 * A map is one file (and its -wal and -shm beside it, all 0600) plus a key file, which
 * seals every secret in it (server/keymap/seal.h). Several processes may have it open: the
 * server, amt-provisionctl and amt-keygen. A handle belongs to one thread at a time.
 * Times are seconds since 1970 UTC; callers pass "now", so that tests own the clock.
 * PIDs are PID_LENGTH characters without dash; they need not end in NUL.
 *
 * Every function returns 0 or a negative code with *fault set. Besides those named
 * with a function, any may return KIT_ERR_DATABASE (a failing disk, a damaged file),
 * KIT_ERR_SYSTEM (a full disk), KIT_ERR_BUSY (another process is writing and did not stop
 * within the waiting time), KIT_ERR_NOMEM; and those that touch secrets KIT_ERR_FORGED (a
 * sealed value was altered or moved), KIT_ERR_CRYPTO.
 */
struct keymap;

enum keymap_flags {
	KEYMAP_CREATE = 1,	/* make map and key file when there are none */
};

struct keymap_options {
	const char *key_file;	/* NULL: the map's name with ".key" appended */
	unsigned flags;		/* enum keymap_flags */
	unsigned wait_ms;	/* how long a write waits for another process; 0: 10000 */
	unsigned cache_kib;	/* page cache; 0: 32768 */
};

/*
 * Open the map PATH. OPTIONS may be NULL: all zeros. A map made by an earlier version
 * is brought up to date.
 *
 * Returns 0, or
 *   KIT_ERR_NOT_FOUND   no such map (without KEYMAP_CREATE), or its key file is missing
 *                       while the map holds sealed values
 *   KIT_ERR_PERMISSION  others can read the map or its key file, or no right to open them
 *   KIT_ERR_FORMAT      not a database, another program's database, or made by a newer kit;
 *                       an empty file with a key file beside it (a map that was cut short);
 *                       a key file of the wrong size or kind
 *   KIT_ERR_FORGED      the key file belongs to another map
 */
int keymap_open(struct keymap **out, const char *path, const struct keymap_options *options,
		struct fault *fault);
/* Rolls an open transaction back, wipes the keys, frees. *m may be NULL. */
void keymap_close(struct keymap **m);
/*
 * To be asked before keys are written to O (may be NULL): would it, once committed, take the
 * place of the map itself or of its key file? KIT_ERR_ARGUMENT then, else 0.
 */
int keymap_spared(const struct keymap *m, const struct outfile *o, struct fault *fault);
/* How long a write waits for another process from now on: 0 = not at all (KIT_ERR_BUSY). */
void keymap_set_wait(struct keymap *m, unsigned wait_ms);

/*
 * Transactions. Each function below that writes is a durable transaction of its own
 * unless one is open: then it is part of that one, and durable (fsynced) once
 * keymap_commit() returns 0. A storm of hellos is written as begin, many calls, commit.
 * After an error inside a transaction the caller chooses: go on (the failed call has
 * changed nothing) or roll back. After a failed commit everything is rolled back.
 *
 * begin takes the write lock, so that nothing read inside can change before commit; it
 * is the one call that meets KIT_ERR_BUSY in practice (a long import holds the lock for
 * seconds): a server keeps its work and begins again later. Begins do not nest:
 * KIT_ERR_STATE.
 */
int keymap_begin(struct keymap *m, struct fault *fault);
int keymap_commit(struct keymap *m, struct fault *fault);
void keymap_rollback(struct keymap *m);
bool keymap_in_transaction(const struct keymap *m);

/*
 * Is the file that was opened still the one of that name? KIT_ERR_DATABASE: somebody moved,
 * replaced or removed it. No transaction begins then.
 */
int keymap_in_place(struct keymap *m, struct fault *fault);

/*
 * Has another process changed the map since the last call (or since it was opened)?
 * Cheap enough to ask every second. *changed receives the answer.
 */
int keymap_changed(struct keymap *m, bool *changed, struct fault *fault);

/*
 * Give the map a new master key and seal every secret again with it, in small transactions,
 * so that others work on meanwhile. Cut off anywhere, the map stays usable and the next call
 * finishes the work: *resumed tells that it did. PROGRESS may be NULL.
 */
int keymap_rotate(struct keymap *m,
		  void (*progress)(void *context, uint64_t done, uint64_t total), void *context,
		  bool *resumed, struct fault *fault);

/*
 * Copy the map, as it is at one moment, to the new file PATH (0600, complete or not
 * there at all, fsynced) and, unless WITH_KEY is false, its key file to PATH.key; others work
 * on meanwhile. The copy is opened and checked. What a backup into the same folder has left
 * that was killed is removed. KIT_ERR_EXISTS; KIT_ERR_BUSY (another process makes the
 * same backup); errors of writing files.
 */
int keymap_backup(struct keymap *m, const char *path, bool with_key, struct fault *fault);

/* Is the backup sound, of a known version, and its key file its own? Errors as keymap_open(). */
int keymap_backup_check(const char *backup, const char *backup_key, struct fault *fault);

/*
 * Put the backup BACKUP (whose key file is BACKUP_KEY) into the place of the map PATH and
 * its key file KEY_FILE, in one step for all who have the map open. PATH may be absent.
 * The backup is checked before anything is touched. What PATH held is lost: back it
 * up first. A cut leaves the old map or the new one, each with its keys.
 *
 * Errors as keymap_open(), for the backup and for PATH.
 */
int keymap_restore(const char *path, const char *key_file, const char *backup,
		   const char *backup_key, struct fault *fault);

/* Read the whole map for damage, by SQLite's own check. KIT_ERR_DATABASE with what it found. */
int keymap_check(struct keymap *m, struct fault *fault);

/* ---- pairs: csti_pid_map ---- */

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
 * beats somebody else's reservation. Repeating it is harmless: *first (may be NULL) tells
 * whether anything changed. Returns 0, KIT_ERR_NOT_FOUND, KIT_ERR_STATE (used by another
 * UUID, or revoked meanwhile).
 */
int keymap_use(struct keymap *m, const char *pid, const struct uuid *uuid, int64_t now,
	       bool *first, struct fault *fault);

/*
 * Give a reservation of UUID back (its proof failed). 0 too when there is none of it. That of a
 * re-key stays: its machine has the pair, whoever failed to prove it.
 */
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

/* ---- systems: csti_amts ---- */

/* What one hello says. */
struct keymap_hello {
	struct uuid uuid;
	const char *pid;	/* NULL: none (version 3) */
	const char *address;	/* without port */
	uint32_t version, retry;
};

/*
 * Note a hello of a machine: makes its row (in STATE, due at once if that is
 * SYSTEM_QUEUED), or takes the newest address, PID, version and retry into the row that
 * is there and counts, leaving its state alone. Anybody can say a hello: PID and address of
 * a machine that has proved itself before, or that is being called, stay as they are, and
 * those of the hello stand apart as claimed. *out (may be NULL) is the row as it is now;
 * *made (may be NULL) tells whether it is new. One indexed upsert.
 */
int keymap_system_hello(struct keymap *m, const struct keymap_hello *hello,
			enum system_state state, int64_t now, struct system *out, bool *made,
			struct fault *fault);

/* KIT_ERR_NOT_FOUND (no fault is set then). */
int keymap_system_find(struct keymap *m, const struct uuid *uuid, struct system *out,
		       struct fault *fault);

/*
 * Change a machine's state. REASON may be NULL: none. NEXT_TRY: when set-up is due, 0 =
 * nothing planned. SYSTEM_FAILED adds one to failures; SYSTEM_CONFIGURED sets them to 0
 * and configured_at to NOW. KIT_ERR_NOT_FOUND.
 */
int keymap_system_state(struct keymap *m, const struct uuid *uuid, enum system_state state,
			const char *reason, int64_t next_try, int64_t now, struct fault *fault);

/* When set-up is due, and nothing else. KIT_ERR_NOT_FOUND. */
int keymap_system_due(struct keymap *m, const struct uuid *uuid, int64_t next_try,
		      struct fault *fault);

/*
 * What was claimed of a machine: take it as it stands, for one that never proved itself; or
 * forget it, for it came to nothing. KIT_ERR_NOT_FOUND.
 */
int keymap_system_adopt(struct keymap *m, const struct uuid *uuid, struct fault *fault);
int keymap_system_unclaim(struct keymap *m, const struct uuid *uuid, int64_t now,
			  struct fault *fault);

/*
 * The machine at ADDRESS, whose UUID this is, proved the PPS of PID: both are the row's now,
 * which is in set-up. If it was another key's, *changed_hands tells so: what the row held
 * for that goes to its earlier passwords, and what they hold for PID comes into the row.
 * *before is the row as it was. KIT_ERR_NOT_FOUND.
 */
int keymap_system_prove(struct keymap *m, const struct uuid *uuid, const char *pid,
			const char *address, int64_t now, struct system *before,
			bool *changed_hands, struct fault *fault);

/* What set-up found out; NULL leaves a column alone, "" clears it. KIT_ERR_NOT_FOUND. */
struct keymap_facts {
	const char *fqdn;
	const char *profile;
	const char *version;
	const char *admin_user;
	const char *pid;	/* the pair that the machine has now */
	const char *next_pid;	/* "" once a re-key is settled */
};
int keymap_system_facts(struct keymap *m, const struct uuid *uuid,
			const struct keymap_facts *facts, struct fault *fault);

/*
 * Read and write a machine's passwords, all four at once (SECRET). Write what the
 * machine is about to get before it gets it. What the row held and none of the four is
 * any more goes to its earlier ones: no password is overwritten. KIT_ERR_NOT_FOUND.
 */
int keymap_system_secrets(struct keymap *m, const struct uuid *uuid,
			  struct system_secrets *out, struct fault *fault);
int keymap_system_set_secrets(struct keymap *m, const struct uuid *uuid,
			      const struct system_secrets *secrets, struct fault *fault);

/*
 * Passwords that a machine's row held before: those that a later set-up replaced, and those
 * of another machine with the same UUID. The last 16 of each UUID and PID are kept. No secret.
 */
struct keymap_earlier {
	int64_t id;
	struct uuid uuid;
	int64_t time;			/* when others took their place */
	char pid[PID_LENGTH + 1];	/* as they stood in the row then */
	char next_pid[PID_LENGTH + 1];
	char address[SYSTEM_ADDRESS + 1];
	char admin_user[SYSTEM_NAME + 1];
};
/* Newest first; as keymap_each(). */
int keymap_earlier(struct keymap *m, const struct uuid *uuid,
		   int (*each)(void *context, const struct keymap_earlier *earlier), void *context,
		   struct fault *fault);
/* The newest of UUID and PID. KIT_ERR_NOT_FOUND (no fault is set then). */
int keymap_earlier_find(struct keymap *m, const struct uuid *uuid, const char *pid,
			struct keymap_earlier *out, struct fault *fault);
/* The passwords themselves, SECRET. KIT_ERR_NOT_FOUND. */
int keymap_earlier_secrets(struct keymap *m, const struct keymap_earlier *earlier,
			   struct system_secrets *out, struct fault *fault);

/* Which systems; all zeros: every one, by first hello. */
struct keymap_system_filter {
	bool by_state;
	enum system_state state;
	int64_t due; /* > 0: only those with next_try set and not after this, soonest first */
	const char *pid;	/* only those with this PID */
	uint64_t limit;		/* 0: all */
};
/* As keymap_each(). */
int keymap_systems(struct keymap *m, const struct keymap_system_filter *filter,
		   int (*each)(void *context, const struct system *system), void *context,
		   struct fault *fault);
/* When the soonest set-up planned for later than AFTER is due; 0: none. One indexed look-up. */
int keymap_system_next_due(struct keymap *m, int64_t after, int64_t *due, struct fault *fault);

/* How many systems are in each state: out[SYSTEM_STATES]. */
int keymap_system_count(struct keymap *m, uint64_t *out, struct fault *fault);

/*
 * Operator: due at once, failures forgotten; the server sees it by keymap_changed(). A machine
 * that is set up counts as that until it has proved itself again. KIT_ERR_NOT_FOUND.
 */
int keymap_system_retry(struct keymap *m, const struct uuid *uuid, int64_t now,
			struct fault *fault);
/*
 * Operator: drop the row with its passwords, earlier ones too; a reservation goes back, a used
 * key and that of a re-key stay that UUID's, one that it only may have got is revoked.
 * KIT_ERR_NOT_FOUND.
 */
int keymap_system_forget(struct keymap *m, const struct uuid *uuid, struct fault *fault);

/* ---- log ---- */

/* Append an event (its id is ignored). */
int keymap_log(struct keymap *m, const struct logentry *event, struct fault *fault);

struct keymap_log_filter {
	int64_t after_id;	/* only events after this one (for following) */
	uint64_t last;		/* only the last so many; 0: all */
	enum severity severity;	/* this and worse; SEVERITY_INFO: all */
	const char *pid;	/* or NULL */
	const struct uuid *uuid;	/* or NULL */
	const char *name;	/* event name, or NULL */
	int64_t since;		/* not before this time; 0: all */
};
/* In order, oldest first; as keymap_each(). */
int keymap_log_each(struct keymap *m, const struct keymap_log_filter *filter,
		    int (*each)(void *context, const struct logentry *event), void *context,
		    struct fault *fault);
/* Delete all but the newest KEEP events. */
int keymap_log_trim(struct keymap *m, uint64_t keep, struct fault *fault);

/* ---- inventory, profiles, settings ---- */

struct keymap_inventory {
	struct uuid uuid;
	char fqdn[SYSTEM_FQDN + 1];
	char profile[SYSTEM_NAME + 1];	/* "" = the default profile */
};
/* Insert or replace. */
int keymap_inventory_put(struct keymap *m, const struct keymap_inventory *row,
			 struct fault *fault);
/* KIT_ERR_NOT_FOUND (no fault is set then). */
int keymap_inventory_find(struct keymap *m, const struct uuid *uuid,
			  struct keymap_inventory *out, struct fault *fault);
/* How many names stand for more than one machine, and the first of them in the alphabet. */
int keymap_inventory_shared(struct keymap *m, uint64_t *n, char first[static SYSTEM_FQDN + 1],
			    struct fault *fault);

/* Insert or replace; its passwords are sealed. */
int keymap_profile_put(struct keymap *m, const struct profile *profile, struct fault *fault);
/* *out with its SECRET passwords (profile_wipe()). KIT_ERR_NOT_FOUND (no fault is set then). */
int keymap_profile_find(struct keymap *m, const char *name, struct profile *out,
			struct fault *fault);
/* All, by name; as keymap_each(). */
int keymap_profiles(struct keymap *m,
		    int (*each)(void *context, const struct profile *profile), void *context,
		    struct fault *fault);
int keymap_profile_remove(struct keymap *m, const char *name, struct fault *fault);

/*
 * Settings of the server that live in the map (csti_configuration): names and values as
 * in the configuration file; the map's beat the file's. KIT_ERR_NOT_FOUND (no fault is
 * set then); KIT_ERR_RANGE when VALUE does not fit.
 */
int keymap_setting(struct keymap *m, const char *name, char *value, size_t size,
		   struct fault *fault);
/* VALUE NULL removes it. */
int keymap_setting_set(struct keymap *m, const char *name, const char *value,
		       struct fault *fault);
int keymap_settings(struct keymap *m,
		    int (*each)(void *context, const char *name, const char *value),
		    void *context, struct fault *fault);

#endif
