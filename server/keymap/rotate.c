/* A new master key for the map: every sealed value is sealed again, and may be cut off anywhere. */
#include "server/keymap/rotate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/secret.h"
#include "server/keymap/keymap-private.h"
#include "server/keymap/pairs.h"
#include "server/keymap/schema.h"
#include "server/keymap/systems.h"

#define ROWS	512	/* in one transaction: what others have to wait for */
#define REST_NS	2000000	/* between two: as long as others sleep before they try again */
#define SEALED	4	/* sealed columns that a table has at most */

/*
 * The steps, each durable before the next, so that cut off anywhere the map opens with the
 * key file as it is, and the next run goes on:
 *   1. the key file gets the new key besides the old;
 *   2. the map says that the new key is in force: whoever writes from now on, in any
 *      process, takes it at the beginning of his transaction;
 *   3. row by row, what the old key sealed is sealed with the new;
 *   4. the map forgets the old key's id, and the key file the old key.
 */
enum key_kind { BY_NUMBER, BY_TEXT, BY_UUID };

struct sealed_table {
	const char *name;
	const char *key;	/* column by which its rows are gone through */
	enum key_kind by;
	const char *bound;	/* two columns that a sealed value of the row is bound to */
	const char *columns[SEALED + 1];
};

static const struct sealed_table tables[] = {
	{ "csti_pid_map", "id", BY_NUMBER, "pid, NULL", { "pps", "current_password",
	  "admin_password" } },
	{ "csti_amts", "id", BY_NUMBER, "uuid, NULL", { "admin_password", "next_admin_password",
	  "mebx_password", "next_mebx_password" } },
	{ "csti_amts_history", "id", BY_NUMBER, "uuid, pid", { "admin_password",
	  "next_admin_password", "mebx_password", "next_mebx_password" } },
	{ "profiles", "name", BY_TEXT, "name, NULL", { "admin_password", "mebx_password" } },
	{ "inventory", "uuid", BY_UUID, "uuid, NULL", { "otp" } },
};

#define TABLES (sizeof(tables) / sizeof(tables[0]))

/* Columns of the rows that are read. */
enum { KEY, BOUND, BOUND_TOO, FIRST_SEALED };

struct rotation {
	struct keymap *m;
	uint32_t key;		/* the new one */
	struct sql_statement *select, *update;
	int64_t last_id;	/* of the row that was seen last, or... */
	char last_text[SYSTEM_NAME + 1];	/* ...its key, or... */
	struct uuid last_uuid;			/* ...its UUID */
	bool begun;				/* has one been seen? */
	uint64_t done, total;
	void (*progress)(void *context, uint64_t done, uint64_t total);
	void *context;
};

/* The row that the select is at: its name for ever, to which its values are sealed. */
struct place_row {
	const void *name;
	size_t size;
	struct earlier_row earlier;
};

static void read_place(struct rotation *r, const struct sealed_table *t, struct place_row *out)
{
	const char *pid = sql_text(r->select, BOUND_TOO, NULL);
	struct uuid uuid;

	if (strcmp(t->name, "csti_amts_history") == 0) {
		get_uuid(r->select, BOUND, &uuid);
		out->earlier = keymap_earlier_row(&uuid, r->last_id, pid ? pid : "");
		out->name = out->earlier.text;
		out->size = strlen(out->earlier.text);
	} else {
		out->name = sql_blob(r->select, BOUND, &out->size);
	}
}

/* Seal column AT of the row again into OUT. Returns 1 if it was needed, 0 if not, or negative. */
static int seal_again(struct rotation *r, const struct sealed_table *t, int at,
		      const struct place_row *row, uint8_t *out, struct fault *fault)
{
	const struct seal_place place = { t->name, t->columns[at], row->name, row->size };
	size_t size;
	const void *old = sql_blob(r->select, FIRST_SEALED + at, &size);
	uint8_t plain[SEAL_MAX];
	int rc;

	if (!old || seal_key_of(old, size) == r->key)
		return 0;
	rc = seal_unlock(r->m->seal, &place, old, size, plain, sizeof(plain), fault);
	if (!rc)
		rc = seal_close(r->m->seal, &place, plain, size - SEAL_OVERHEAD, out, fault);
	secret_wipe(plain, sizeof(plain));
	if (rc)
		return rc;
	sql_bind_blob(r->update, at + 2, out, size);
	return 1;
}

static void bind_last(struct rotation *r, const struct sealed_table *t, struct sql_statement *s)
{
	if (t->by == BY_TEXT)
		sql_bind_text(s, 1, r->last_text, strlen(r->last_text));
	else if (t->by == BY_UUID)
		/* No bytes at all come before every UUID. */
		sql_bind_blob(s, 1, r->last_uuid.bytes, r->begun ? sizeof(r->last_uuid.bytes) : 0);
	else
		sql_bind_int(s, 1, r->last_id);
}

static int one_row(struct rotation *r, const struct sealed_table *t, struct fault *fault)
{
	uint8_t sealed[SEALED][SEAL_MAX + SEAL_OVERHEAD];
	struct place_row row;
	bool any = false;

	r->begun = true;
	if (t->by == BY_TEXT)
		get_text(r->select, KEY, r->last_text, sizeof(r->last_text));
	else if (t->by == BY_UUID)
		get_uuid(r->select, KEY, &r->last_uuid);
	else
		r->last_id = sql_int(r->select, KEY);
	read_place(r, t, &row);
	bind_last(r, t, r->update);
	for (int i = 0; t->columns[i]; i++) {
		int rc;

		/* What needs nothing stays: bound to NULL, which the update takes as "keep". */
		sql_bind_null(r->update, i + 2);
		rc = seal_again(r, t, i, &row, sealed[i], fault);
		if (rc < 0)
			return rc;
		any |= rc;
	}
	return any ? sql_run(r->update, "seal a row again", NULL, fault) : 0;
}

/* The next rows in a transaction of their own. Returns rows seen, or negative. */
static int some_rows(struct rotation *r, const struct sealed_table *t, struct fault *fault)
{
	int rc, rows = 0;

	rc = keymap_begin(r->m, fault);
	if (rc)
		return rc;
	bind_last(r, t, r->select);
	while (!rc && (rc = sql_step(r->select, "read sealed rows", fault)) > 0) {
		rc = one_row(r, t, fault);
		rows++;
	}
	sql_done(r->select);
	sql_done(r->update);
	rc = keymap_leave(r->m, true, rc, fault);
	r->done += (uint64_t)rows;
	if (r->progress)
		r->progress(r->context, r->done, r->total);
	return rc ? rc : rows;
}

static int prepare(struct rotation *r, const struct sealed_table *t, struct fault *fault)
{
	char select[300], update[500];
	size_t s, u;
	int rc;

	s = (size_t)snprintf(select, sizeof(select), "SELECT %s, %s", t->key, t->bound);
	u = (size_t)snprintf(update, sizeof(update), "UPDATE %s SET ", t->name);
	for (int i = 0; t->columns[i]; i++) {
		const char *c = t->columns[i];

		s += (size_t)snprintf(select + s, sizeof(select) - s, ", %s", c);
		u += (size_t)snprintf(update + u, sizeof(update) - u, "%s%s = coalesce(?%d, %s)",
				      i ? ", " : "", c, i + 2, c);
	}
	snprintf(select + s, sizeof(select) - s, " FROM %s WHERE %s > ?1 ORDER BY %s LIMIT %d",
		 t->name, t->key, t->key, ROWS);
	snprintf(update + u, sizeof(update) - u, " WHERE %s = ?1", t->key);
	rc = sql_prepare(r->m->db, select, &r->select, fault);
	return rc ? rc : sql_prepare(r->m->db, update, &r->update, fault);
}

static int one_table(struct rotation *r, const struct sealed_table *t, struct fault *fault)
{
	int rc = prepare(r, t, fault);

	r->last_id = INT64_MIN;
	r->last_text[0] = 0;
	r->begun = false;
	while (!rc) {
		rc = some_rows(r, t, fault);
		if (rc == 0)
			break;
		rc = rc < 0 ? rc : 0;
		/* Whoever waits for the lock would else find it taken again each time he looks. */
		nanosleep(&(struct timespec){ .tv_nsec = REST_NS }, NULL);
	}
	sql_free(&r->select);
	sql_free(&r->update);
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
	return keymap_leave(m, true, rc, fault);
}

/* Step 4. */
static int drop_old_keys(struct rotation *r, struct fault *fault)
{
	struct keymap *m = r->m;
	struct sql_statement *s;
	int rc = keymap_begin(m, fault);

	if (rc)
		return rc;
	rc = sql_statement(m->db, "DELETE FROM master_key WHERE id <> ?1", &s, fault);
	if (!rc) {
		sql_bind_int(s, 1, r->key);
		rc = sql_run(s, "forget the old master key", NULL, fault);
	}
	/* Before the commit: then nothing but the rotation itself is left to do after a cut. */
	if (!rc)
		rc = seal_keep_only(m->seal, m->key_file, r->key, fault);
	return keymap_leave(m, true, rc, fault);
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
		rc = sql_wipe_replaced(m->db, fault);
	if (!rc)
		rc = bring_new_key(&r, resumed, fault);
	for (size_t i = 0; !rc && i < TABLES; i++)
		rc = one_table(&r, &tables[i], fault);
	if (!rc)
		rc = drop_old_keys(&r, fault);
	/* Nor in the write-ahead log; a reader that holds it open does not make this fail. */
	if (!rc)
		sql_empty_log(m->db);
	return rc;
}
