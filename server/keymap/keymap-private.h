/* What the files of the key map share among themselves: statements, transactions, sealing. */
#ifndef SERVER_KEYMAP_KEYMAP_PRIVATE_H
#define SERVER_KEYMAP_KEYMAP_PRIVATE_H

#include <sqlite3.h>
#include <sys/types.h>

#include "server/keymap/keymap.h"
#include "server/keymap/seal.h"

#define DB_STATEMENTS	64

struct keymap {
	sqlite3 *db;
	char *path, *key_file;
	uid_t owner;			/* of the map; its key file has the same */
	gid_t group;
	struct seal *seal;
	int64_t key_id;			/* of the master key that seals now */
	int64_t version;		/* see keymap_changed() */
	bool open;			/* a transaction is */
	unsigned wait_ms;		/* for the lock: see db_wait() */
	double waits_until;
	struct {
		const char *sql;	/* a literal: told by its address */
		sqlite3_stmt *statement;
	} cache[DB_STATEMENTS];
	unsigned cached;
};

/*
 * The statement for SQL, which must be a literal: prepared at its first use, kept until
 * the map is closed. Give it back with db_done(), which forgets its parameters.
 */
int db_statement(struct keymap *m, const char *sql, sqlite3_stmt **out, struct fault *fault);
void db_done(sqlite3_stmt *s);

/* Step: 1 for a row, 0 at the end, or a negative code. WHAT says what was tried. */
int db_step(struct keymap *m, sqlite3_stmt *s, const char *what, struct fault *fault);
/* Step a statement that gives no rows, and give it back. *changed (may be NULL): rows. */
int db_run(struct keymap *m, sqlite3_stmt *s, const char *what, int *changed,
	   struct fault *fault);
/* Text without parameters or results. */
int db_exec(struct keymap *m, const char *sql, const char *what, struct fault *fault);
/* Set the fault for SQLite's error of now: "cannot WHAT: ...", and what to do. Returns its code. */
int db_fault(struct keymap *m, const char *what, struct fault *fault);

/* Parameters, from 1. Texts and blobs must live until db_done(). NULL and "" are stored as NULL. */
void db_text(sqlite3_stmt *s, int at, const char *text);
void db_pid(sqlite3_stmt *s, int at, const char *pid);
void db_uuid(sqlite3_stmt *s, int at, const struct uuid *uuid);

/* Columns, from 0. Texts are cut to fit; false when the column is no UUID. */
void db_get_text(sqlite3_stmt *s, int at, char *out, size_t size);
bool db_get_uuid(sqlite3_stmt *s, int at, struct uuid *out);

/*
 * See that the file m->path is there (made if CREATE, given to its folder's owner) and private
 * before SQLite opens it: the -wal and -shm that SQLite makes take its mode and owner. Notes
 * the owner in *m.
 */
int db_prepare_file(struct keymap *m, bool create, struct fault *fault);

/* Open the file m->path as a database, into m->db. FLAGS: SQLITE_OPEN_READWRITE or _READONLY. */
int db_open(struct keymap *m, int flags, struct fault *fault);

/*
 * The lock is held by another process: sleep a moment, for the COUNT-th time (from 0) since
 * it was met. False once wait_ms have passed. SQLite calls it; what SQLite does not wait for,
 * a caller does with it.
 */
bool db_wait(struct keymap *m, int count);

/* A transaction of a function's own, when the caller has none open. */
int db_enter(struct keymap *m, bool *own, struct fault *fault);
/* Commits (rolls back if RC is negative) what db_enter() began. Returns RC or the commit's error. */
int db_leave(struct keymap *m, bool own, int rc, struct fault *fault);

/* Take up the master key that the map says is in force, reading the key file anew if need be. */
int db_key_in_force(struct keymap *m, struct fault *fault);

/* Reserve the pair with the row ID, whoever had it. */
int db_reserve(struct keymap *m, int64_t id, const struct uuid *uuid, int64_t at, int64_t until,
	       struct fault *fault);

/* A place for a sealed value of a pair, a system, a profile. */
struct seal_place db_place_pid(const char *column, const char *pid);
struct seal_place db_place_uuid(const char *column, const struct uuid *uuid);
struct seal_place db_place_profile(const char *column, const char *name);
/* Of a row of csti_amts_history: ROW is DB_EARLIER_SQL of it, so that none passes for another. */
#define DB_EARLIER_SQL	"hex(uuid) || ':' || id || ':' || ifnull(pid, '')"
#define DB_EARLIER_ROW	64	/* bytes of that, with NUL: 32 + 1 + at most 20 + 1 + PID_LENGTH */
struct seal_place db_place_earlier(const char *column, const void *row, size_t size);

/*
 * A short text as a sealed value: filled up with zeros to WIDTH bytes, so that its length is
 * sealed too. OUT holds WIDTH + SEAL_OVERHEAD bytes and must live until db_done().
 */
int db_seal_text(struct keymap *m, sqlite3_stmt *s, int at, const struct seal_place *place,
		 const char *text, size_t width, uint8_t *out, struct fault *fault);
/* The reverse; "" for NULL. OUT holds WIDTH + 1 bytes, SECRET, wiped on failure. */
int db_unseal_text(struct keymap *m, sqlite3_stmt *s, int at, const struct seal_place *place,
		   size_t width, char *out, struct fault *fault);

/*
 * Run S, an update of one system's row, whose UUID is bound to ?1, and give it back.
 * KIT_ERR_NOT_FOUND when there is no such row.
 */
int db_update_system(struct keymap *m, sqlite3_stmt *s, const struct uuid *uuid, const char *what,
		     struct fault *fault);

/* The passwords of a system: their columns, and where each is in the struct. */
#define DB_PASSWORDS	4
extern const char *const db_password_columns[DB_PASSWORDS];
void db_password_fields(struct system_secrets *s, char *out[static DB_PASSWORDS]);

/*
 * Keep SECRETS, which the machine's row holds, among its earlier ones, with the PID and the
 * account that the row names; once only if they are the newest there already.
 */
int db_keep_secrets(struct keymap *m, const struct uuid *uuid,
		    const struct system_secrets *secrets, int64_t now, struct fault *fault);
int db_forget_earlier(struct keymap *m, const struct uuid *uuid, struct fault *fault);

/* Bytes of a sealed password; of a PPS. */
#define DB_PASSWORD	(PASSWORD_MAX + SEAL_OVERHEAD)
#define DB_PPS		(PPS_LENGTH + SEAL_OVERHEAD)

#endif
