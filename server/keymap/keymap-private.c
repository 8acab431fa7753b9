/* What the files of the key map share among themselves: statements, transactions, sealing. */
#include "server/keymap/keymap-private.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "common/secret.h"

#define SHM_BYTES	65536		/* more than the -shm of a map needs at first */
#define PAUSE_NS	500000L		/* between two tries for the lock: this much... */
#define PAUSE_MORE_NS	3000000L	/* ...and up to this much more */

/*
 * SQLite calls it an error of the disk when there is no room for its -shm, and keeps the
 * reason to itself.
 */
static bool disk_is_full(struct keymap *m)
{
	char *copy = strdup(m->path);
	struct statvfs fs;
	bool full;

	full = copy && statvfs(dirname(copy), &fs) == 0 &&
	       ((uint64_t)fs.f_bavail * fs.f_frsize < SHM_BYTES || (fs.f_files && !fs.f_favail));
	free(copy);
	return full;
}

/* Which limit, short of a full disk, did a write meet? errno; 0: none. */
static int limit_met(struct keymap *m)
{
	static const int which[] = { SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER };
	int sys = sqlite3_system_errno(m->db);

	/* The first is lost when the roll-back fails at something else: its file still knows. */
	for (int i = 0; i < 2 && sys != EDQUOT && sys != EFBIG; i++) {
		sqlite3_file *f = NULL;

		if (sqlite3_file_control(m->db, "main", which[i], &f) == SQLITE_OK && f &&
		    f->pMethods)
			f->pMethods->xFileControl(f, SQLITE_FCNTL_LAST_ERRNO, &sys);
	}
	return sys == EDQUOT || sys == EFBIG ? sys : 0;
}

int db_fault(struct keymap *m, const char *what, struct fault *fault)
{
	int rc = sqlite3_errcode(m->db), code = KIT_ERR_DATABASE, sys;
	const char *hint = NULL, *reason = sqlite3_errmsg(m->db);

	switch (rc) {
	case SQLITE_BUSY:
		code = KIT_ERR_BUSY;
		hint = "another program is writing to the map: try again when it is done";
		break;
	case SQLITE_NOMEM:
		code = KIT_ERR_NOMEM;
		break;
	case SQLITE_READONLY:
		code = KIT_ERR_READ_ONLY;
		hint = "see that this user may write the map, its -wal and -shm, and its folder";
		break;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		code = KIT_ERR_PERMISSION;
		hint = "see that it exists, and that this user may write it, its -wal and -shm, and"
		       " its folder";
		break;
	case SQLITE_NOTADB:
		code = KIT_ERR_FORMAT;
		hint = "name the map's own file, or put it back from its backup";
		break;
	case SQLITE_CORRUPT:
		hint = "the map is damaged: put it back from its backup"
		       " (amt-provisionctl restore)";
		break;
	case SQLITE_IOERR:
		sys = limit_met(m);
		if (sys) {
			code = KIT_ERR_SYSTEM;
			reason = strerror(sys);
			hint = "raise the limit (quota, ulimit -f) that it met; nothing was half-written";
			break;
		}
		if (!disk_is_full(m)) {
			hint = "look at the kernel's log for errors of the disk";
			break;
		}
		/* fall through */
	case SQLITE_FULL:
		code = KIT_ERR_SYSTEM;
		reason = "the disk is full";
		hint = "make room on the disk that holds the map; nothing was half-written";
		break;
	}
	fault_set(fault, code, "%s: cannot %s: %s", m->path, what, reason);
	if (hint)
		fault_hint(fault, "%s", hint);
	return code;
}

int db_open(struct keymap *m, int flags, struct fault *fault)
{
	char *name = NULL;
	int rc;

	/* SQLite gives names like ":memory:" a meaning of its own: none has it after "./". */
	if (asprintf(&name, "%s%s", strchr(m->path, '/') ? "" : "./", m->path) < 0)
		return fault_set(fault, KIT_ERR_NOMEM, "cannot open %s: out of memory", m->path);
	rc = sqlite3_open_v2(name, &m->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
	free(name);
	if (rc == SQLITE_OK)
		return 0;
	rc = m->db ? db_fault(m, "open it", fault)
		   : fault_set(fault, KIT_ERR_NOMEM, "cannot open %s: out of memory", m->path);
	fault_hint(fault, "see that it exists and that this user may read it");
	return rc;
}

/*
 * SQLite's own waiting sleeps longer and longer, up to 100 ms: beside a process that commits
 * one transaction after the other, and lets go of the lock for an instant in between, it may
 * miss every instant there is. Short sleeps of uneven length do not.
 */
bool db_wait(struct keymap *m, int count)
{
	struct timespec t;
	double now;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
	if (count == 0)
		m->waits_until = now + m->wait_ms / 1e3;
	if (now >= m->waits_until)
		return false;
	/* The clock's last digits are as good as random here. */
	t = (struct timespec){ .tv_nsec = PAUSE_NS + t.tv_nsec % PAUSE_MORE_NS };
	nanosleep(&t, NULL);
	return true;
}

int db_statement(struct keymap *m, const char *sql, sqlite3_stmt **out, struct fault *fault)
{
	for (unsigned i = 0; i < m->cached; i++) {
		if (m->cache[i].sql == sql) {
			*out = m->cache[i].statement;
			return 0;
		}
	}
	*out = NULL;
	if (m->cached == DB_STATEMENTS)
		return fault_set(fault, KIT_ERR_LIBRARY, "too many database statements");
	if (sqlite3_prepare_v3(m->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) != SQLITE_OK)
		return db_fault(m, "use it", fault);
	m->cache[m->cached].sql = sql;
	m->cache[m->cached++].statement = *out;
	return 0;
}

void db_done(sqlite3_stmt *s)
{
	if (!s)
		return;
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
}

int db_step(struct keymap *m, sqlite3_stmt *s, const char *what, struct fault *fault)
{
	int rc = sqlite3_step(s);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : db_fault(m, what, fault);
}

int db_run(struct keymap *m, sqlite3_stmt *s, const char *what, int *changed, struct fault *fault)
{
	int rc = db_step(m, s, what, fault);

	if (changed)
		*changed = rc < 0 ? 0 : sqlite3_changes(m->db);
	db_done(s);
	return rc < 0 ? rc : 0;
}

int db_exec(struct keymap *m, const char *sql, const char *what, struct fault *fault)
{
	return sqlite3_exec(m->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
		: db_fault(m, what, fault);
}

void db_text(sqlite3_stmt *s, int at, const char *text)
{
	if (text && text[0])
		sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(s, at);
}

void db_pid(sqlite3_stmt *s, int at, const char *pid)
{
	if (pid && pid[0])
		sqlite3_bind_text(s, at, pid, PID_LENGTH, SQLITE_STATIC);
	else
		sqlite3_bind_null(s, at);
}

void db_uuid(sqlite3_stmt *s, int at, const struct uuid *uuid)
{
	if (uuid)
		sqlite3_bind_blob(s, at, uuid->bytes, sizeof(uuid->bytes), SQLITE_STATIC);
	else
		sqlite3_bind_null(s, at);
}

void db_get_text(sqlite3_stmt *s, int at, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(s, at);
	size_t n = text ? (size_t)sqlite3_column_bytes(s, at) : 0;

	if (n >= size)
		n = size - 1;
	if (text)
		memcpy(out, text, n);
	out[n] = 0;
}

bool db_get_uuid(sqlite3_stmt *s, int at, struct uuid *out)
{
	const void *blob = sqlite3_column_blob(s, at);

	if (!blob || sqlite3_column_bytes(s, at) != (int)sizeof(out->bytes)) {
		memset(out, 0, sizeof(*out));
		return false;
	}
	memcpy(out->bytes, blob, sizeof(out->bytes));
	return true;
}

int db_key_in_force(struct keymap *m, struct fault *fault)
{
	struct seal *fresh = NULL;
	sqlite3_stmt *s;
	int64_t id = 0;
	int rc;

	rc = db_statement(m, "SELECT max(id) FROM master_key", &s, fault);
	if (rc)
		return rc;
	rc = db_step(m, s, "read the master key's id", fault);
	if (rc > 0)
		id = sqlite3_column_int64(s, 0);
	db_done(s);
	if (rc < 0 || id == m->key_id)
		return rc < 0 ? rc : 0;
	/* Another process has rotated the master key: the file has the new one. */
	if (!seal_has(m->seal, (uint32_t)id)) {
		rc = seal_load(&fresh, m->key_file, fault);
		if (rc)
			return rc;
		seal_free(&m->seal);
		m->seal = fresh;
	}
	rc = seal_choose(m->seal, (uint32_t)id, fault);
	if (rc) {
		fault_context(fault, "%s", m->key_file);
		fault_hint(fault, "put the key file that belongs to %s back", m->path);
		return rc;
	}
	m->key_id = id;
	return 0;
}

int keymap_in_place(struct keymap *m, struct fault *fault)
{
	int moved = 0, rc;

	if (sqlite3_file_control(m->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK ||
	    !moved)
		return 0;
	rc = fault_set(fault, KIT_ERR_DATABASE,
		       "the key map %s was moved away or replaced while it was"
		       " in use: nothing more is written to the old one",
		       m->path);
	fault_hint(fault,
		   "see that the right map is there, and start again; a backup is put back with"
		   " \"amt-provisionctl restore\", for which nothing has to stop");
	return rc;
}

int keymap_begin(struct keymap *m, struct fault *fault)
{
	sqlite3_stmt *s;
	int rc;

	if (m->open)
		return fault_set(fault, KIT_ERR_STATE, "a transaction is open already");
	rc = db_statement(m, "BEGIN IMMEDIATE", &s, fault);
	if (!rc)
		rc = db_run(m, s, "begin a transaction", NULL, fault);
	if (rc)
		return rc;
	m->open = true;
	/* What is written to a file that nobody finds again is lost. */
	rc = keymap_in_place(m, fault);
	if (!rc)
		rc = db_key_in_force(m, fault);
	if (rc)
		keymap_rollback(m);
	return rc;
}

int keymap_commit(struct keymap *m, struct fault *fault)
{
	sqlite3_stmt *s;
	int rc;

	if (!m->open)
		return fault_set(fault, KIT_ERR_STATE, "no transaction is open");
	rc = db_statement(m, "COMMIT", &s, fault);
	if (!rc)
		rc = db_run(m, s, "commit", NULL, fault);
	if (rc)
		keymap_rollback(m);
	m->open = false;
	return rc;
}

void keymap_rollback(struct keymap *m)
{
	/* SQLite may have rolled back by itself after a grave error: then this fails, rightly. */
	if (m->open)
		sqlite3_exec(m->db, "ROLLBACK", NULL, NULL, NULL);
	m->open = false;
}

bool keymap_in_transaction(const struct keymap *m)
{
	return m->open;
}

int db_enter(struct keymap *m, bool *own, struct fault *fault)
{
	*own = !m->open;
	if (*own)
		return keymap_begin(m, fault);
	/* A grave error (disk full) makes SQLite roll back by itself: nothing may go on alone. */
	if (sqlite3_get_autocommit(m->db))
		return fault_set(fault, KIT_ERR_DATABASE,
				 "%s: the transaction was undone by an earlier error", m->path);
	return 0;
}

int db_leave(struct keymap *m, bool own, int rc, struct fault *fault)
{
	if (!own)
		return rc;
	if (rc >= 0)
		return keymap_commit(m, fault);
	keymap_rollback(m);
	return rc;
}

struct seal_place db_place_pid(const char *column, const char *pid)
{
	return (struct seal_place){ "csti_pid_map", column, pid, PID_LENGTH };
}

struct seal_place db_place_uuid(const char *column, const struct uuid *uuid)
{
	return (struct seal_place){ "csti_amts", column, uuid->bytes, sizeof(uuid->bytes) };
}

struct seal_place db_place_profile(const char *column, const char *name)
{
	return (struct seal_place){ "profiles", column, name, strlen(name) };
}

struct seal_place db_place_earlier(const char *column, const void *row, size_t size)
{
	return (struct seal_place){ "csti_amts_history", column, row, size };
}

int db_seal_text(struct keymap *m, sqlite3_stmt *s, int at, const struct seal_place *place,
		 const char *text, size_t width, uint8_t *out, struct fault *fault)
{
	char filled[SEAL_MAX];
	int rc;

	if (!text[0]) {
		sqlite3_bind_null(s, at);
		return 0;
	}
	memset(filled, 0, width);
	memcpy(filled, text, strnlen(text, width));
	rc = seal_close(m->seal, place, filled, width, out, fault);
	secret_wipe(filled, width);
	if (!rc)
		sqlite3_bind_blob(s, at, out, (int)(width + SEAL_OVERHEAD), SQLITE_STATIC);
	return rc;
}

int db_unseal_text(struct keymap *m, sqlite3_stmt *s, int at, const struct seal_place *place,
		   size_t width, char *out, struct fault *fault)
{
	const void *blob = sqlite3_column_blob(s, at);
	size_t size = (size_t)sqlite3_column_bytes(s, at);
	int rc;

	secret_wipe(out, width + 1);
	if (!blob)
		return 0;
	if (!seal_has(m->seal, seal_key_of(blob, size))) {
		/* Sealed by a process that has rotated the key since we looked. */
		rc = db_key_in_force(m, fault);
		if (rc)
			return rc;
	}
	return seal_unlock(m->seal, place, blob, size, out, width, fault);
}
