/* The key map: opening, closing, transactions, and the sealing of what its rows hold. */
#include "server/keymap/keymap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/hex.h"
#include "common/outfile.h"
#include "common/secret.h"
#include "server/keymap/keymap-private.h"
#include "server/keymap/schema.h"

#define WAIT_MS		10000
#define CACHE_KIB	32768	/* the whole index of a million PIDs */

/* ---- opening ---- */

/*
 * A map that was made has tables before it has a key: without a byte it was cut short, and a
 * new one in its place would hide that. The key is looked for first, for another process may
 * be making the map.
 */
static int refuse_cut_map(const struct keymap *m, struct fault *fault)
{
	if (access(m->key_file, F_OK) != 0 || sql_presence(m->path) != SQL_EMPTY)
		return 0;
	return fault_set(fault, KIT_ERR_FORMAT, "the key map %s is empty, but its key file %s is "
			 "there: the map was cut short\n"
			 "put a backup in its place (amt-provisionctl restore FILE); if it never "
			 "held a key, remove both files", m->path, m->key_file);
}

char *keymap_key_file(const char *map, const char *given)
{
	char *name = NULL;

	if (given)
		return strdup(given);
	return asprintf(&name, "%s.key", map) < 0 ? NULL : name;
}

static int set_names(struct keymap *m, const char *path, const char *key_file,
		     struct fault *fault)
{
	m->path = strdup(path);
	m->key_file = keymap_key_file(path, key_file);
	return m->path && m->key_file ? 0 : fault_nomem(fault);
}

int keymap_open(struct keymap **out, const char *path, const struct keymap_options *options,
		struct fault *fault)
{
	static const struct keymap_options none;
	struct sql_options how = { .cache_kib = CACHE_KIB, .wait_ms = WAIT_MS };
	struct keymap *m = calloc(1, sizeof(*m));
	bool create;
	int rc;

	*out = NULL;
	if (!m)
		return fault_nomem(fault);
	if (!options)
		options = &none;
	create = options->flags & KEYMAP_CREATE;
	how.flags = create ? SQL_CREATE : 0;
	if (options->wait_ms)
		how.wait_ms = options->wait_ms;
	if (options->cache_kib)
		how.cache_kib = options->cache_kib;
	rc = set_names(m, path, options->key_file, fault);
	if (!rc)
		rc = refuse_cut_map(m, fault);
	if (!rc)
		rc = sql_open(&m->db, path, &how, fault);
	if (!rc) {
		sql_owner(m->db, &m->owner, &m->group);
		rc = schema_prepare(m, create, fault);
	}
	if (rc)
		keymap_close(&m);
	*out = m;
	return rc;
}

void keymap_close(struct keymap **mp)
{
	struct keymap *m = *mp;

	*mp = NULL;
	if (!m)
		return;
	sql_close(&m->db);
	seal_free(&m->seal);
	free(m->key_file);
	free(m->path);
	free(m);
}

bool keymap_exists(const char *path)
{
	return sql_presence(path) != SQL_ABSENT;
}

int keymap_room(const char *path, uint64_t *bytes, struct fault *fault)
{
	return sql_room(path, bytes, fault);
}

bool keymap_is_new(const struct keymap *m)
{
	return m->made;
}

int keymap_hold(struct keymap *m, struct fault *fault)
{
	struct fault why = { .code = 0 };
	int rc = sql_hold(m->db, &why);

	if (rc == KIT_ERR_BUSY)
		return fault_set(fault, rc, "another amt-provisiond works with the key map %s\n"
				 "stop that one first, or give this one a map of its own (two "
				 "would call the same machines)", m->path);
	return rc ? fault_pass(fault, &why) : 0;
}

/* Would O take the place of the map's file with this ENDING? */
static int spares(const struct keymap *m, const struct outfile *o, const char *ending,
		  struct fault *fault)
{
	char *path;
	int rc;

	if (asprintf(&path, "%s%s", m->path, ending) < 0)
		return fault_nomem(fault);
	rc = outfile_spares(o, path, fault);
	free(path);
	return rc;
}

int keymap_spared(const struct keymap *m, const struct outfile *o, struct fault *fault)
{
	const char *const *endings = sql_endings(m->path);
	int rc = outfile_spares(o, m->key_file, fault);

	for (int i = 0; !rc && endings[i]; i++)
		rc = spares(m, o, endings[i], fault);
	return rc;
}

void keymap_set_wait(struct keymap *m, unsigned wait_ms)
{
	sql_set_wait(m->db, wait_ms);
}

int keymap_in_place(struct keymap *m, struct fault *fault)
{
	return sql_in_place(m->db, fault);
}

int keymap_changed(struct keymap *m, bool *changed, struct fault *fault)
{
	return sql_changed(m->db, changed, fault);
}

int keymap_check(struct keymap *m, struct fault *fault)
{
	return sql_check(m->db, fault);
}

/* ---- transactions ---- */

int keymap_key_in_force(struct keymap *m, struct fault *fault)
{
	struct seal *fresh = NULL;
	struct sql_statement *s;
	int64_t id = 0;
	int rc;

	rc = sql_statement(m->db, "SELECT max(id) FROM master_key", &s, fault);
	if (rc)
		return rc;
	rc = sql_step(s, "read the master key's id", fault);
	if (rc > 0)
		id = sql_int(s, 0);
	sql_done(s);
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

int keymap_begin(struct keymap *m, struct fault *fault)
{
	int rc;

	if (m->open)
		return fault_set(fault, KIT_ERR_STATE, "a transaction is open already");
	rc = sql_begin(m->db, fault);
	if (rc)
		return rc;
	m->open = true;
	/* What is written to a file that nobody finds again is lost. */
	rc = keymap_in_place(m, fault);
	if (!rc)
		rc = keymap_key_in_force(m, fault);
	if (rc)
		keymap_rollback(m);
	return rc;
}

int keymap_commit(struct keymap *m, struct fault *fault)
{
	int rc;

	if (!m->open)
		return fault_set(fault, KIT_ERR_STATE, "no transaction is open");
	rc = sql_commit(m->db, fault);
	if (rc)
		sql_rollback(m->db);
	m->open = false;
	return rc;
}

void keymap_rollback(struct keymap *m)
{
	sql_rollback(m->db);
	m->open = false;
}

bool keymap_in_transaction(const struct keymap *m)
{
	return m->open;
}

static int begin_part(struct keymap *m, bool one_write, struct fault *fault)
{
	if (!m->open)
		return fault_set(fault, KIT_ERR_STATE, "no transaction is open");
	/* After a grave error (disk full) an engine rolls back by itself: nothing goes on alone. */
	if (!sql_in_transaction(m->db))
		return fault_set(fault, KIT_ERR_DATABASE,
				 "%s: the transaction was undone by an earlier error", m->path);
	return sql_savepoint(m->db, one_write, fault);
}

int keymap_part_begin(struct keymap *m, struct fault *fault)
{
	return begin_part(m, false, fault);
}

int keymap_part_end(struct keymap *m, int rc, struct fault *fault)
{
	int ended;

	/* It went with the whole transaction; RC is the error that did that. */
	if (rc < 0 && !sql_in_transaction(m->db))
		return rc;
	ended = sql_release(m->db, rc < 0, fault);
	return rc < 0 ? rc : ended ? ended : rc;
}

int keymap_enter(struct keymap *m, bool *own, struct fault *fault)
{
	*own = !m->open;
	return *own ? keymap_begin(m, fault) : keymap_part_begin(m, fault);
}

int keymap_enter_once(struct keymap *m, bool *own, struct fault *fault)
{
	*own = !m->open;
	return *own ? keymap_begin(m, fault) : begin_part(m, true, fault);
}

int keymap_leave(struct keymap *m, bool own, int rc, struct fault *fault)
{
	if (!own)
		return keymap_part_end(m, rc, fault);
	if (rc >= 0)
		return keymap_commit(m, fault);
	keymap_rollback(m);
	return rc;
}

int keymap_write(struct keymap *m, const char *sql, struct sql_statement **s, bool *own,
		 struct fault *fault)
{
	int rc = keymap_enter(m, own, fault);

	if (rc)
		return rc;
	rc = sql_statement(m->db, sql, s, fault);
	return rc ? keymap_leave(m, *own, rc, fault) : 0;
}

int keymap_forget_of(struct keymap *m, const char *sql, const struct uuid *uuid, const char *what,
		     struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, sql, &s, fault);

	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	return sql_run(s, what, NULL, fault);
}

/* ---- sealing ---- */

struct seal_place keymap_place_pid(const char *column, const char *pid)
{
	return (struct seal_place){ "csti_pid_map", column, pid, PID_LENGTH };
}

struct seal_place keymap_place_uuid(const char *column, const struct uuid *uuid)
{
	return (struct seal_place){ "csti_amts", column, uuid->bytes, sizeof(uuid->bytes) };
}

struct seal_place keymap_place_profile(const char *column, const char *name)
{
	return (struct seal_place){ "profiles", column, name, strlen(name) };
}

struct seal_place keymap_place_inventory(const char *column, const struct uuid *uuid)
{
	return (struct seal_place){ "inventory", column, uuid->bytes, sizeof(uuid->bytes) };
}

struct earlier_row keymap_earlier_row(const struct uuid *uuid, int64_t id, const char *pid)
{
	struct earlier_row row;
	size_t at = 2 * sizeof(uuid->bytes);

	hex_show_upper(uuid->bytes, sizeof(uuid->bytes), row.text);
	snprintf(row.text + at, sizeof(row.text) - at, ":%lld:%s", (long long)id, pid);
	return row;
}

struct seal_place keymap_place_earlier(const char *column, const struct earlier_row *row)
{
	return (struct seal_place){ "csti_amts_history", column, row->text, strlen(row->text) };
}

int keymap_seal_text(struct keymap *m, struct sql_statement *s, int at,
		     const struct seal_place *place, const char *text, size_t width, uint8_t *out,
		     struct fault *fault)
{
	char filled[SEAL_MAX];
	int rc;

	if (!text[0]) {
		sql_bind_null(s, at);
		return 0;
	}
	memset(filled, 0, width);
	memcpy(filled, text, strnlen(text, width));
	rc = seal_close(m->seal, place, filled, width, out, fault);
	secret_wipe(filled, width);
	if (!rc)
		sql_bind_blob(s, at, out, width + SEAL_OVERHEAD);
	return rc;
}

int keymap_unseal_text(struct keymap *m, struct sql_statement *s, int at,
		       const struct seal_place *place, size_t width, char *out,
		       struct fault *fault)
{
	size_t size;
	const void *blob = sql_blob(s, at, &size);
	int rc;

	secret_wipe(out, width + 1);
	if (!blob)
		return 0;
	if (!seal_has(m->seal, seal_key_of(blob, size))) {
		/* Sealed by a process that has rotated the key since we looked. */
		rc = keymap_key_in_force(m, fault);
		if (rc)
			return rc;
	}
	return seal_unlock(m->seal, place, blob, size, out, width, fault);
}
