/* The key map: the only door to the server's database. */
#ifndef SERVER_KEYMAP_KEYMAP_H
#define SERVER_KEYMAP_KEYMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/*
 * A map is a store (of SQLite: one file, and its -wal and -shm beside it, all 0600) plus a key
 * file, which seals every secret in it (server/keymap/seal.h). Several processes may have it
 * open: the server, amt-provisionctl and amt-keygen. A handle belongs to one thread at a time.
 * Times are seconds since 1970 UTC; callers pass "now", so that tests own the clock.
 * PIDs are PID_LENGTH characters without dash; they need not end in NUL.
 *
 * What a map holds has headers of its own: pairs.h, systems.h, events.h (the log), profiles.h,
 * inventory.h, settings.h; what is done with it as a whole: backup.h, rotate.h.
 *
 * Every function returns 0 or a negative code with *fault set. Besides those named
 * with a function, any may return KIT_ERR_DATABASE (a failing disk, a damaged file),
 * KIT_ERR_SYSTEM (a full disk), KIT_ERR_BUSY (another process is writing and did not stop
 * within the waiting time), KIT_ERR_NOMEM; and those that touch secrets KIT_ERR_FORGED (a
 * sealed value was altered or moved), KIT_ERR_CRYPTO.
 */
struct keymap;
struct outfile;

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
/*
 * The key file of the map MAP: GIVEN, or where that is NULL the map's name with ".key" appended.
 * Freed by the caller. NULL: out of memory.
 */
char *keymap_key_file(const char *map, const char *given);
/* Is there anything under the name PATH? */
bool keymap_exists(const char *path);
/* How many bytes are free where the map PATH is, or would be. */
int keymap_room(const char *path, uint64_t *bytes, struct fault *fault);
/* Did keymap_open() make it, because there was none? */
bool keymap_is_new(const struct keymap *m);
/* Rolls an open transaction back, wipes the keys, frees. *m may be NULL. */
void keymap_close(struct keymap **m);
/*
 * To be asked before keys are written to O (may be NULL): would it, once committed, take the
 * place of the map itself or of its key file? KIT_ERR_ARGUMENT then, else 0.
 */
int keymap_spared(const struct keymap *m, const struct outfile *o, struct fault *fault);
/*
 * Make this handle the only one that HOLDS the map, until it is closed: what calls machines must
 * be alone. Others can open it and write to it all the same; it is kept through a restore.
 * SQLite's lock is a file beside the map, PATH.lock, that stays. KIT_ERR_BUSY: another has it.
 */
int keymap_hold(struct keymap *m, struct fault *fault);
/* How long a write waits for another process from now on: 0 = not at all (KIT_ERR_BUSY). */
void keymap_set_wait(struct keymap *m, unsigned wait_ms);

/*
 * Transactions. Each function that writes is a durable transaction of its own
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
/*
 * A part of a transaction that is undone by itself, as each call that writes is one; parts
 * nest. The end undoes the part when RC is negative, and returns RC, or its own error.
 * KIT_ERR_STATE without a transaction; KIT_ERR_DATABASE when an earlier error undid it all.
 */
int keymap_part_begin(struct keymap *m, struct fault *fault);
int keymap_part_end(struct keymap *m, int rc, struct fault *fault);
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

/* Read the whole map for damage, by the engine's own check. KIT_ERR_DATABASE with what it found. */
int keymap_check(struct keymap *m, struct fault *fault);

#endif
