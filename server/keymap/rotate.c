/* A new master key for the map: every sealed value is sealed again, and may be cut off anywhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/secret.h"
#include "server/keymap/keymap-private.h"
#include "server/keymap/schema.h"

#define ROWS	512	/* in one transaction: what others have to wait for */
#define REST_NS	2000000	/* between two: as long as others sleep before they try again */
#define SEALED	4	/* sealed columns that a table has at most */

/*
 * The steps, each durable before the next, so that cut off anywhere the map opens with the
 * key file as it is, and the next run goes on:
 *   1. the key file gets the new key besides the old;
 *   2. the map says that the new key is in force: whoever writes from now on, in any
 *      process, takes it up at the beginning of his transaction;
 *   3. row by row, what the old key sealed is sealed with the new;
 *   4. the map forgets the old key's id, and the key file the old key.
 */
struct table {
	const char *name;
	const char *row; /* column, or columns put together, that a sealed value is bound to */
	const char *columns[SEALED + 1];
	struct seal_place (*place)(const char *column, const void *row, size_t size);
};

static struct seal_place place_pid(const char *column, const void *row, size_t size)
{
	(void)size;
	return db_place_pid(column, row);
}

static struct seal_place place_uuid(const char *column, const void *row, size_t size)
{
	struct seal_place place = { "csti_amts", column, row, size };

	return place;
}

static struct seal_place place_profile(const char *column, const void *row, size_t size)
{
	struct seal_place place = { "profiles", column, row, size };

	return place;
}

static const struct table tables[] = {
	{ "csti_pid_map", "pid", { "pps", "current_password", "admin_password" }, place_pid },
	{ "csti_amts", "uuid", { "admin_password", "next_admin_password", "mebx_password",
				 "next_mebx_password" }, place_uuid },
	{ "csti_amts_history", DB_EARLIER_SQL, { "admin_password", "next_admin_password",
				 "mebx_password", "next_mebx_password" }, db_place_earlier },
	{ "profiles", "name", { "admin_password", "mebx_password" }, place_profile },
};

#define TABLES (sizeof(tables) / sizeof(tables[0]))

struct rotation {
	struct keymap *m;
	uint32_t key;		/* the new one */
	sqlite3_stmt *select, *update;
	int64_t last;		/* row id that was seen last */
	uint64_t done, total;
	void (*progress)(void *context, uint64_t done, uint64_t total);
	void *context;
};

/* Seal column AT of the row again into OUT. Returns 1 if it was needed, 0 if not, or negative. */
static int seal_again(struct rotation *r, const struct table *t, int at, uint8_t *out,
		      struct fault *fault)
{
	const void *old = sqlite3_column_blob(r->select, at + 2);
	size_t size = (size_t)sqlite3_column_bytes(r->select, at + 2);
	const void *row = sqlite3_column_blob(r->select, 1);
	size_t row_size = (size_t)sqlite3_column_bytes(r->select, 1);
	const struct seal_place place = t->place(t->columns[at], row, row_size);
	uint8_t plain[SEAL_MAX];
	int rc;

	if (!old || seal_key_of(old, size) == r->key)
		return 0;
	if (t->place == place_pid && row_size != PID_LENGTH)
		return fault_set(fault, KIT_ERR_FORGED, "a row of %s has no PID", t->name);
	rc = seal_unlock(r->m->seal, &place, old, size, plain, sizeof(plain), fault);
	if (!rc)
		rc = seal_close(r->m->seal, &place, plain, size - SEAL_OVERHEAD, out, fault);
	secret_wipe(plain, sizeof(plain));
	if (rc)
		return rc;
	sqlite3_bind_blob(r->update, at + 2, out, (int)size, SQLITE_STATIC);
	return 1;
}

static int one_row(struct rotation *r, const struct table *t, struct fault *fault)
{
	uint8_t sealed[SEALED][SEAL_MAX + SEAL_OVERHEAD];
	bool any = false;

	r->last = sqlite3_column_int64(r->select, 0);
	sqlite3_bind_int64(r->update, 1, r->last);
	for (int i = 0; t->columns[i]; i++) {
		int rc;

		/* What needs nothing stays: bound to NULL, which the update takes as "keep". */
		sqlite3_bind_null(r->update, i + 2);
		rc = seal_again(r, t, i, sealed[i], fault);
		if (rc < 0)
			return rc;
		any |= rc;
	}
	return any ? db_run(r->m, r->update, "seal a row again", NULL, fault) : 0;
}

/* The next rows in a transaction of their own. Returns rows seen, or negative. */
static int some_rows(struct rotation *r, const struct table *t, struct fault *fault)
{
	int rc, rows = 0;

	rc = keymap_begin(r->m, fault);
	if (rc)
		return rc;
	sqlite3_bind_int64(r->select, 1, r->last);
	while (!rc && (rc = db_step(r->m, r->select, "read sealed rows", fault)) > 0) {
		rc = one_row(r, t, fault);
		rows++;
	}
	db_done(r->select);
	db_done(r->update);
	rc = db_leave(r->m, true, rc, fault);
	r->done += (uint64_t)rows;
	if (r->progress)
		r->progress(r->context, r->done, r->total);
	return rc ? rc : rows;
}

static int prepare(struct rotation *r, const struct table *t, struct fault *fault)
{
	char select[300], update[500];
	size_t s, u;

	s = (size_t)snprintf(select, sizeof(select), "SELECT rowid, %s", t->row);
	u = (size_t)snprintf(update, sizeof(update), "UPDATE %s SET ", t->name);
	for (int i = 0; t->columns[i]; i++) {
		const char *c = t->columns[i];

		s += (size_t)snprintf(select + s, sizeof(select) - s, ", %s", c);
		u += (size_t)snprintf(update + u, sizeof(update) - u, "%s%s = ifnull(?%d, %s)",
				      i ? ", " : "", c, i + 2, c);
	}
	snprintf(select + s, sizeof(select) - s,
		 " FROM %s WHERE rowid > ?1 ORDER BY rowid LIMIT %d", t->name, ROWS);
	snprintf(update + u, sizeof(update) - u, " WHERE rowid = ?1");
	if (sqlite3_prepare_v2(r->m->db, select, -1, &r->select, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(r->m->db, update, -1, &r->update, NULL) != SQLITE_OK)
		return db_fault(r->m, "read sealed rows", fault);
	return 0;
}

static int one_table(struct rotation *r, const struct table *t, struct fault *fault)
{
	int rc = prepare(r, t, fault);

	r->last = INT64_MIN;
	while (!rc) {
		rc = some_rows(r, t, fault);
		if (rc == 0)
			break;
		rc = rc < 0 ? rc : 0;
		/* Whoever waits for the lock would else find it taken again each time he looks. */
		nanosleep(&(struct timespec){ .tv_nsec = REST_NS }, NULL);
	}
	sqlite3_finalize(r->select);
	sqlite3_finalize(r->update);
	r->select = r->update = NULL;
	return rc;
}

/* Steps 1 and 2, while nobody else can write. */
static int bring_new_key(struct rotation *r, bool *resumed, struct fault *fault)
{
	struct keymap *m = r->m;
	struct seal *file = NULL;
	int rc = keymap_begin(m, fault);

	if (rc)
		return rc;
	/* The file may hold more than this process knows: an earlier rotation that was cut off. */
	rc = seal_load(&file, m->key_file, fault);
	if (!rc)
		rc = seal_choose(file, (uint32_t)m->key_id, fault);
	if (rc)
		goto out;
	seal_free(&m->seal);
	m->seal = file;
	file = NULL;
	*resumed = seal_keys(m->seal) > 1;
	if (!*resumed)
		rc = seal_add_key(m->seal, m->key_file, fault);
	if (!rc && seal_newest(m->seal) != (uint32_t)m->key_id)
		rc = schema_add_key(m, seal_newest(m->seal), fault);
	r->key = seal_newest(m->seal);
out:
	seal_free(&file);
	return db_leave(m, true, rc, fault);
}

/* Step 4. */
static int drop_old_keys(struct rotation *r, struct fault *fault)
{
	struct keymap *m = r->m;
	sqlite3_stmt *s;
	int rc = keymap_begin(m, fault);

	if (rc)
		return rc;
	rc = db_statement(m, "DELETE FROM master_key WHERE id <> ?1", &s, fault);
	if (!rc) {
		sqlite3_bind_int64(s, 1, r->key);
		rc = db_run(m, s, "forget the old master key", NULL, fault);
	}
	/* Before the commit: then nothing but the rotation itself is left to do after a cut. */
	if (!rc)
		rc = seal_keep_only(m->seal, m->key_file, r->key, fault);
	return db_leave(m, true, rc, fault);
}

int keymap_rotate(struct keymap *m, void (*progress)(void *context, uint64_t done, uint64_t total),
		  void *context, bool *resumed, struct fault *fault)
{
	struct rotation r = { .m = m, .progress = progress, .context = context };
	struct keymap_counts counts;
	int rc;

	rc = keymap_count(m, 0, &counts, fault);
	r.total = counts.total;
	/* What the old key sealed shall not survive in the free parts of pages. */
	if (!rc)
		rc = db_exec(m, "PRAGMA secure_delete = ON", "rotate the master key", fault);
	if (!rc)
		rc = bring_new_key(&r, resumed, fault);
	for (size_t i = 0; !rc && i < TABLES; i++)
		rc = one_table(&r, &tables[i], fault);
	if (!rc)
		rc = drop_old_keys(&r, fault);
	/* Nor in the write-ahead log; a reader that holds it open is no reason to fail. */
	if (!rc)
		sqlite3_wal_checkpoint_v2(m->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	return rc;
}
