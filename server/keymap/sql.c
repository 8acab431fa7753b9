/* The seam of the key map: the engine of a name, its statements, and each call handed to it. */
#include "server/keymap/sql.h"

#include <string.h>

#include "server/keymap/sql-private.h"

/* The first whose scheme begins the name has it; the last has all others. */
static const struct sql_engine *const engines[] = { &sql_sqlite };

#define ENGINES	(sizeof(engines) / sizeof(engines[0]))

static const struct sql_engine *engine_of(const char *name)
{
	size_t i = 0;

	while (i + 1 < ENGINES && strncmp(name, engines[i]->scheme, strlen(engines[i]->scheme)))
		i++;
	return engines[i];
}

/* ---- the connection ---- */

enum sql_presence sql_presence(const char *name)
{
	return engine_of(name)->presence(name);
}

int sql_room(const char *name, uint64_t *bytes, struct fault *fault)
{
	return engine_of(name)->room(name, bytes, fault);
}

const char *const *sql_endings(const char *name)
{
	return engine_of(name)->endings;
}

int sql_open(struct sql **out, const char *name, const struct sql_options *options,
	     struct fault *fault)
{
	const struct sql_engine *engine = engine_of(name);
	int rc;

	*out = NULL;
	rc = engine->open(out, name, options, fault);
	if (rc)
		return rc;
	(*out)->engine = engine;
	return 0;
}

void sql_close(struct sql **dbp)
{
	struct sql *db = *dbp;

	*dbp = NULL;
	if (!db)
		return;
	sql_rollback(db);
	for (unsigned i = 0; i < db->n_kept; i++)
		db->engine->free(db->kept[i]);
	db->engine->close(db);
}

void sql_set_wait(struct sql *db, unsigned wait_ms)
{
	db->engine->set_wait(db, wait_ms);
}

void sql_owner(const struct sql *db, uid_t *owner, gid_t *group)
{
	db->engine->owner(db, owner, group);
}

int sql_hold(struct sql *db, struct fault *fault)
{
	return db->engine->hold(db, fault);
}

/* ---- tables ---- */

int sql_recognise(struct sql *db, bool create, int *version, struct fault *fault)
{
	return db->engine->recognise(db, create, version, fault);
}

int sql_newest_version(const struct sql *db)
{
	return db->engine->newest_version;
}

int sql_settle(struct sql *db, struct fault *fault)
{
	return db->engine->settle(db, fault);
}

int sql_upgrade(struct sql *db, int version, struct fault *fault)
{
	return db->engine->upgrade(db, version, fault);
}

/* ---- transactions ---- */

int sql_begin(struct sql *db, struct fault *fault)
{
	return db->engine->begin(db, fault);
}

int sql_commit(struct sql *db, struct fault *fault)
{
	return db->engine->commit(db, fault);
}

void sql_rollback(struct sql *db)
{
	if (sql_in_transaction(db))
		db->engine->rollback(db);
}

bool sql_in_transaction(const struct sql *db)
{
	return db->engine->in_transaction(db);
}

int sql_savepoint(struct sql *db, bool one_write, struct fault *fault)
{
	return db->engine->savepoint(db, one_write, fault);
}

int sql_release(struct sql *db, bool undo, struct fault *fault)
{
	return db->engine->release(db, undo, fault);
}

/* ---- statements ---- */

static int prepare(struct sql *db, const char *text, bool kept, struct sql_statement **out,
		   struct fault *fault)
{
	int rc;

	*out = NULL;
	rc = db->engine->prepare(db, text, kept, out, fault);
	if (rc)
		return rc;
	(*out)->db = db;
	(*out)->text = kept ? text : NULL;
	return 0;
}

int sql_statement(struct sql *db, const char *text, struct sql_statement **out,
		  struct fault *fault)
{
	int rc;

	for (unsigned i = 0; i < db->n_kept; i++) {
		if (db->kept[i]->text == text) {
			*out = db->kept[i];
			return 0;
		}
	}
	*out = NULL;
	if (db->n_kept == SQL_STATEMENTS)
		return fault_set(fault, KIT_ERR_LIBRARY, "too many database statements");
	rc = prepare(db, text, true, out, fault);
	if (!rc)
		db->kept[db->n_kept++] = *out;
	return rc;
}

void sql_done(struct sql_statement *s)
{
	if (s)
		s->db->engine->done(s);
}

int sql_prepare(struct sql *db, const char *text, struct sql_statement **out,
		struct fault *fault)
{
	return prepare(db, text, false, out, fault);
}

void sql_free(struct sql_statement **s)
{
	if (*s)
		(*s)->db->engine->free(*s);
	*s = NULL;
}

int sql_step(struct sql_statement *s, const char *what, struct fault *fault)
{
	return s->db->engine->step(s, what, fault);
}

int sql_run(struct sql_statement *s, const char *what, int *changed, struct fault *fault)
{
	int rc;

	do
		rc = sql_step(s, what, fault);
	while (rc > 0);
	if (changed)
		*changed = rc < 0 ? 0 : s->db->engine->changed_rows(s);
	sql_done(s);
	return rc;
}

void sql_bind_null(struct sql_statement *s, int at)
{
	sql_bind_blob(s, at, NULL, 0);
}

void sql_bind_int(struct sql_statement *s, int at, int64_t value)
{
	s->db->engine->bind_int(s, at, value);
}

void sql_bind_text(struct sql_statement *s, int at, const char *text, size_t size)
{
	s->db->engine->bind_text(s, at, text, size);
}

void sql_bind_blob(struct sql_statement *s, int at, const void *bytes, size_t size)
{
	s->db->engine->bind_blob(s, at, bytes, size);
}

int64_t sql_int(struct sql_statement *s, int at)
{
	return s->db->engine->get_int(s, at);
}

const char *sql_text(struct sql_statement *s, int at, size_t *size)
{
	return s->db->engine->get_text(s, at, size);
}

const void *sql_blob(struct sql_statement *s, int at, size_t *size)
{
	return s->db->engine->get_blob(s, at, size);
}

/* ---- the store as a whole ---- */

int sql_changed(struct sql *db, bool *changed, struct fault *fault)
{
	return db->engine->changed(db, changed, fault);
}

int sql_in_place(struct sql *db, struct fault *fault)
{
	return db->engine->in_place(db, fault);
}

int sql_check(struct sql *db, struct fault *fault)
{
	return db->engine->check(db, fault);
}

int sql_snapshot(struct sql *from, struct sql *to, bool alone, struct fault *fault)
{
	return to->engine->snapshot(from, to, alone, fault);
}

int sql_wipe_replaced(struct sql *db, struct fault *fault)
{
	return db->engine->wipe_replaced(db, fault);
}

void sql_empty_log(struct sql *db)
{
	db->engine->empty_log(db);
}
