/* What the nouns of the key map share: transactions, parameters and columns, sealing. */
#ifndef SERVER_KEYMAP_KEYMAP_PRIVATE_H
#define SERVER_KEYMAP_KEYMAP_PRIVATE_H

#include <string.h>
#include <sys/types.h>

#include "common/uuid.h"
#include "keygen/password.h"
#include "keygen/pidpps.h"
#include "server/keymap/keymap.h"
#include "server/keymap/seal.h"
#include "server/keymap/sql.h"

struct keymap {
	struct sql *db;
	char *path, *key_file;
	uid_t owner;			/* of the map; its key file has the same */
	gid_t group;
	struct seal *seal;
	int64_t key_id;			/* of the master key that seals now */
	bool open;			/* a transaction is */
	bool made;			/* see keymap_is_new() */
	uint64_t log_keep, logged;	/* see keymap_log_keep() */
};

/*
 * What a function writes is a transaction of its own, or a part of the caller's that is undone
 * by itself: *own says which.
 */
int keymap_enter(struct keymap *m, bool *own, struct fault *fault);
/* The same for a function of which at most one statement writes: it costs less. */
int keymap_enter_once(struct keymap *m, bool *own, struct fault *fault);
/*
 * keymap_enter(), and the statement for SQL, a literal. Bind its parameters, and end with
 * keymap_leave() and what sql_run() returns. After a failure nothing is open.
 */
int keymap_write(struct keymap *m, const char *sql, struct sql_statement **s, bool *own,
		 struct fault *fault);
/* Within a transaction: run SQL, which deletes what belongs to the machine ?1. */
int keymap_forget_of(struct keymap *m, const char *sql, const struct uuid *uuid, const char *what,
		     struct fault *fault);
/* Keeps what was done since, or undoes it if RC is negative. Returns RC, or its own error. */
int keymap_leave(struct keymap *m, bool own, int rc, struct fault *fault);

/* Use the master key that the map says is in force, reading the key file again if need be. */
int keymap_key_in_force(struct keymap *m, struct fault *fault);

/* ---- parameters and columns ---- */

/* NULL and "" are stored as NULL. */
static inline void bind_text(struct sql_statement *s, int at, const char *text)
{
	sql_bind_text(s, at, text && text[0] ? text : NULL, text ? strlen(text) : 0);
}

static inline void bind_pid(struct sql_statement *s, int at, const char *pid)
{
	sql_bind_text(s, at, pid && pid[0] ? pid : NULL, PID_LENGTH);
}

static inline void bind_uuid(struct sql_statement *s, int at, const struct uuid *uuid)
{
	sql_bind_blob(s, at, uuid ? uuid->bytes : NULL, sizeof(uuid->bytes));
}

/* Cut to fit; "" for NULL. */
static inline void get_text(struct sql_statement *s, int at, char *out, size_t size)
{
	size_t n;
	const char *text = sql_text(s, at, &n);

	if (n >= size)
		n = size - 1;
	if (text)
		memcpy(out, text, n);
	out[n] = 0;
}

/* False, and *out all zeros, when the column is not a UUID. */
static inline bool get_uuid(struct sql_statement *s, int at, struct uuid *out)
{
	size_t n;
	const void *blob = sql_blob(s, at, &n);

	memset(out, 0, sizeof(*out));
	if (!blob || n != sizeof(out->bytes))
		return false;
	memcpy(out->bytes, blob, n);
	return true;
}

/* Give S back, whose one row RC, from sql_step(), is about. Returns 0 or KIT_ERR_NOT_FOUND. */
static inline int row_found(struct sql_statement *s, int rc)
{
	sql_done(s);
	return rc > 0 ? 0 : rc < 0 ? rc : KIT_ERR_NOT_FOUND;
}

/* Which of N WORDS is WORD? -1: none. */
static inline int word_at(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, words[i]) == 0)
			return (int)i;
	return -1;
}

/* ---- sealing ---- */

/* Bytes of a sealed password; of a PPS. */
#define SEALED_PASSWORD	(PASSWORD_MAX + SEAL_OVERHEAD)
#define SEALED_PPS	(PPS_LENGTH + SEAL_OVERHEAD)

/* A place for a sealed value of a pair, a system, a profile, a row of the inventory. */
struct seal_place keymap_place_pid(const char *column, const char *pid);
struct seal_place keymap_place_uuid(const char *column, const struct uuid *uuid);
struct seal_place keymap_place_profile(const char *column, const char *name);
struct seal_place keymap_place_inventory(const char *column, const struct uuid *uuid);

/* Of a row of earlier passwords: bound to all three, so that none passes for another. */
struct earlier_row {
	char text[64];		/* 32 + 1 + at most 20 + 1 + PID_LENGTH */
};
struct earlier_row keymap_earlier_row(const struct uuid *uuid, int64_t id, const char *pid);
struct seal_place keymap_place_earlier(const char *column, const struct earlier_row *row);

/*
 * A short text as a sealed value: filled up with zeros to WIDTH bytes, so that its length is
 * sealed too. OUT holds WIDTH + SEAL_OVERHEAD bytes and must live until sql_done().
 */
int keymap_seal_text(struct keymap *m, struct sql_statement *s, int at,
		     const struct seal_place *place, const char *text, size_t width, uint8_t *out,
		     struct fault *fault);
/* The reverse; "" for NULL. OUT holds WIDTH + 1 bytes, SECRET, wiped on failure. */
int keymap_unseal_text(struct keymap *m, struct sql_statement *s, int at,
		       const struct seal_place *place, size_t width, char *out,
		       struct fault *fault);

#endif
