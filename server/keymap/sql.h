/* The seam between the rules of the key map and the database engine below them. */
#ifndef SERVER_KEYMAP_SQL_H
#define SERVER_KEYMAP_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

/*
 * Above the seam are the rules, the sealing and the SQL text, once for all engines; below it
 * is one file for each engine (sql-sqlite.c) and the tables in its words (schema-sqlite.c). The
 * name of a store says which engine has it (sql.c). Secrets come down here sealed only.
 *
 * The text is standard SQL with RETURNING, ON CONFLICT and LIMIT, which SQLite and PostgreSQL
 * both have. Its parameters are ?1, ?2... and may repeat; booleans are integers. What only one
 * engine has is a function of this header.
 *
 * Functions return 0 or a negative code with *fault set: KIT_ERR_DATABASE (a failing disk, a
 * damaged file), KIT_ERR_SYSTEM (a full disk), KIT_ERR_BUSY, KIT_ERR_READ_ONLY,
 * KIT_ERR_PERMISSION, KIT_ERR_FORMAT (not a database), KIT_ERR_NOMEM. "WHAT" completes the
 * sentence "cannot ...". A connection belongs to one thread at a time.
 */
struct sql;
struct sql_statement;

enum sql_flags {
	SQL_CREATE = 1,		/* make the store when there is none */
	SQL_READ_ONLY = 2,	/* it may be anybody's; nothing is written */
};

struct sql_options {
	unsigned flags;		/* enum sql_flags */
	unsigned wait_ms;	/* how long a write waits for another process */
	unsigned cache_kib;	/* page cache; 0: the engine's own default */
};

/* ---- what a name says, without a connection ---- */

/* What is there under NAME: nothing that can be seen, a store without a byte in it, more. */
enum sql_presence { SQL_ABSENT, SQL_EMPTY, SQL_PRESENT };
enum sql_presence sql_presence(const char *name);
/* How many bytes the store NAME may still take. */
int sql_room(const char *name, uint64_t *bytes, struct fault *fault);
/* Endings of the files that belong to a store NAME, "" first, and a NULL. */
const char *const *sql_endings(const char *name);

/* ---- the connection ---- */

/*
 * Connect to the store NAME. Nothing that it holds is looked at or changed yet; a store that is
 * a file must be private unless it is opened for reading (KIT_ERR_PERMISSION).
 * KIT_ERR_NOT_FOUND without SQL_CREATE.
 */
int sql_open(struct sql **out, const char *name, const struct sql_options *options,
	     struct fault *fault);
/* Rolls back what is open, frees all statements. *db may be NULL. */
void sql_close(struct sql **db);
void sql_set_wait(struct sql *db, unsigned wait_ms);
/* To whom files of the map that lie beside the store (its key file) belong. */
void sql_owner(const struct sql *db, uid_t *owner, gid_t *group);
/*
 * Make this connection the only one that holds the store, until it is closed; others go on to
 * read and write. KIT_ERR_BUSY: another one holds it.
 */
int sql_hold(struct sql *db, struct fault *fault);

/* ---- tables ---- */

/*
 * Does the store hold a key map? *version receives the version of its tables, 0 when it is
 * empty. Nothing is changed. KIT_ERR_FORMAT: something else, or of a newer kit;
 * KIT_ERR_NOT_FOUND: empty, without CREATE.
 */
int sql_recognise(struct sql *db, bool create, int *version, struct fault *fault);
/* The version that this program works with. */
int sql_newest_version(const struct sql *db);
/* After sql_recognise(): set what stays set in the store, such as its way to log. */
int sql_settle(struct sql *db, struct fault *fault);
/* Within a transaction: bring the tables from VERSION (0: none) to the newest. */
int sql_upgrade(struct sql *db, int version, struct fault *fault);

/* ---- transactions ---- */

/* Takes the write lock; KIT_ERR_BUSY after the waiting time. */
int sql_begin(struct sql *db, struct fault *fault);
int sql_commit(struct sql *db, struct fault *fault);
void sql_rollback(struct sql *db);
/* Is one open? An engine may have rolled it back by itself after a grave error. */
bool sql_in_transaction(const struct sql *db);
/*
 * A part of a transaction that can be undone by itself. Parts nest, up to 64 deep. ONE_WRITE: at
 * most one statement in it writes; an engine that undoes a failed statement by itself does nothing
 * then.
 */
int sql_savepoint(struct sql *db, bool one_write, struct fault *fault);
/* End the newest part: keep what was done in it, or UNDO it. */
int sql_release(struct sql *db, bool undo, struct fault *fault);

/* ---- statements ---- */

/*
 * The statement for SQL, which must be a literal: prepared at its first use, kept until the
 * connection is closed. Give it back with sql_done(), which forgets its parameters.
 */
int sql_statement(struct sql *db, const char *sql, struct sql_statement **out,
		  struct fault *fault);
/* NULL is allowed. */
void sql_done(struct sql_statement *s);
/* A statement of a text that is put together, freed by sql_free(). */
int sql_prepare(struct sql *db, const char *sql, struct sql_statement **out,
		struct fault *fault);
void sql_free(struct sql_statement **s);

/* Step: 1 for a row, 0 at the end, or a negative code. */
int sql_step(struct sql_statement *s, const char *what, struct fault *fault);
/* Step a statement to its end and give it back. *changed (may be NULL): rows written. */
int sql_run(struct sql_statement *s, const char *what, int *changed, struct fault *fault);

/* Parameters, from 1. Texts and blobs must live until sql_done(). NULL is stored as NULL. */
void sql_bind_null(struct sql_statement *s, int at);
void sql_bind_int(struct sql_statement *s, int at, int64_t value);
void sql_bind_text(struct sql_statement *s, int at, const char *text, size_t size);
void sql_bind_blob(struct sql_statement *s, int at, const void *bytes, size_t size);

/*
 * Columns of the row, from 0, valid until the next step. A NULL is 0, or a null pointer of
 * size 0. Texts end in NUL (*size, which may be NULL, does not count it).
 */
int64_t sql_int(struct sql_statement *s, int at);
const char *sql_text(struct sql_statement *s, int at, size_t *size);
const void *sql_blob(struct sql_statement *s, int at, size_t *size);

/* ---- the store as a whole ---- */

/* Has another process changed it since the last call (the first says no)? */
int sql_changed(struct sql *db, bool *changed, struct fault *fault);
/* Is the store that was opened still the one of that name? KIT_ERR_DATABASE if not. */
int sql_in_place(struct sql *db, struct fault *fault);
/* Read all of it for damage. KIT_ERR_DATABASE with what was found. */
int sql_check(struct sql *db, struct fault *fault);
/*
 * Copy all that FROM holds, as it is at one moment, into TO in one step, in the place of what
 * TO held; others go on in both. ALONE: TO is left as one file, that needs no other beside it.
 */
int sql_snapshot(struct sql *from, struct sql *to, bool alone, struct fault *fault);
/* From now on no trace is left in the store of what is overwritten. */
int sql_wipe_replaced(struct sql *db, struct fault *fault);
/* Empty the engine's log of changes as far as readers allow: it has traces, too. */
void sql_empty_log(struct sql *db);

#endif
