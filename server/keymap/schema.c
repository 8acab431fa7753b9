/* The tables of the key map, by schema version. */
#include "server/keymap/schema.h"

#include <string.h>
#include <time.h>

#define APPLICATION_ID	0x414d544b	/* "AMTK", at offset 68 of the file */

/*
 * Table and column names of csti_pid_map, csti_amts and csti_configuration follow Intel SCS.
 * csti_pid_map.used is enum keymap_state, of which 0 and 1 are what SCS knew; whether a free
 * pair is reserved is told by a row in reservation. That is a table of its own because every
 * first hello writes one: in a storm few small pages change, instead of one of the big
 * table's for each. Columns that end in password, and pps, are sealed (server/keymap/seal.h).
 */
static const char *const versions[] = {
	/* 1 */
	"CREATE TABLE master_key("
	"  id INTEGER PRIMARY KEY," /* the highest seals what is written */
	"  proof BLOB NOT NULL,"    /* a known text sealed with it */
	"  made INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE batch(" /* how pairs came, and where they went */
	"  id INTEGER PRIMARY KEY,"
	"  time INTEGER NOT NULL,"
	"  how TEXT NOT NULL,"
	"  source TEXT NOT NULL"
	") STRICT;"
	"CREATE TABLE csti_pid_map("
	"  id INTEGER PRIMARY KEY,"
	"  pid TEXT NOT NULL,"
	"  pps BLOB NOT NULL,"
	"  current_password BLOB,"
	"  admin_password BLOB," /* the one that set-up gives the machine */
	"  used INTEGER NOT NULL,"
	"  batch INTEGER NOT NULL,"
	"  exported INTEGER," /* a batch */
	"  uuid BLOB,"	      /* that has used it */
	"  used_at INTEGER,"
	"  revoked_at INTEGER"
	") STRICT;"
	"CREATE UNIQUE INDEX csti_pid_map_pid ON csti_pid_map(pid);"
	/* Few pairs are not free: counting those and taking the rest off is quick. */
	"CREATE INDEX csti_pid_map_taken ON csti_pid_map(used) WHERE used <> 0;"
	"CREATE TABLE reservation("
	"  pid_id INTEGER PRIMARY KEY," /* csti_pid_map.id of a pair with used = 0 */
	"  uuid BLOB NOT NULL,"
	"  at INTEGER NOT NULL,"
	"  until INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE csti_amts("
	"  id INTEGER PRIMARY KEY,"
	"  uuid BLOB NOT NULL UNIQUE,"
	"  pid TEXT, next_pid TEXT,"
	"  address TEXT,"
	"  state INTEGER NOT NULL,"
	"  reason TEXT,"
	"  hellos INTEGER NOT NULL DEFAULT 0,"
	"  hello_version INTEGER NOT NULL DEFAULT 0,"
	"  hello_retry INTEGER NOT NULL DEFAULT 0,"
	"  failures INTEGER NOT NULL DEFAULT 0,"
	"  first_seen INTEGER NOT NULL,"
	"  last_seen INTEGER NOT NULL,"
	"  next_try INTEGER NOT NULL DEFAULT 0,"
	"  configured_at INTEGER NOT NULL DEFAULT 0,"
	"  fqdn TEXT, profile TEXT, version TEXT, admin_user TEXT,"
	"  admin_password BLOB, next_admin_password BLOB,"
	"  mebx_password BLOB, next_mebx_password BLOB"
	") STRICT;"
	"CREATE INDEX csti_amts_due ON csti_amts(next_try) WHERE next_try > 0;"
	"CREATE TABLE csti_configuration("
	"  name TEXT PRIMARY KEY,"
	"  value TEXT NOT NULL"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE inventory("
	"  uuid BLOB PRIMARY KEY,"
	"  fqdn TEXT,"
	"  profile TEXT"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE profiles("
	"  name TEXT PRIMARY KEY,"
	"  admin_user TEXT NOT NULL,"
	"  admin_policy INTEGER NOT NULL,"
	"  admin_password BLOB,"
	"  mebx_policy INTEGER NOT NULL,"
	"  mebx_password BLOB,"
	"  set_names INTEGER NOT NULL,"
	"  set_clock INTEGER NOT NULL,"
	"  rekey INTEGER NOT NULL,"
	"  min_version INTEGER NOT NULL,"
	"  max_version INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE log("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT," /* never again the id of a deleted event */
	"  time INTEGER NOT NULL,"
	"  severity INTEGER NOT NULL,"
	"  name TEXT NOT NULL,"
	"  pid TEXT, uuid BLOB, address TEXT,"
	"  what TEXT,"
	"  todo TEXT"
	") STRICT;"
	"PRAGMA application_id = 1095586891;",
	/* 2 */
	"CREATE TABLE csti_amts_history(" /* passwords that csti_amts held before */
	"  id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"  uuid BLOB NOT NULL,"
	"  time INTEGER NOT NULL," /* when others took their place */
	"  pid TEXT, next_pid TEXT,"
	"  address TEXT,"
	"  admin_user TEXT,"
	"  admin_password BLOB, next_admin_password BLOB,"
	"  mebx_password BLOB, next_mebx_password BLOB"
	") STRICT;"
	"CREATE INDEX csti_amts_history_uuid ON csti_amts_history(uuid);"
	/* What a hello says of a machine that proved itself before stands apart until it does again. */
	"ALTER TABLE csti_amts ADD COLUMN proved_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE csti_amts ADD COLUMN claimed_pid TEXT;"
	"ALTER TABLE csti_amts ADD COLUMN claimed_address TEXT;"
	"ALTER TABLE csti_amts ADD COLUMN claim_failed_at INTEGER NOT NULL DEFAULT 0;"
	"UPDATE csti_amts SET proved_at = iif(configured_at > 0, configured_at, ifnull("
	"  (SELECT used_at FROM csti_pid_map p WHERE p.pid = csti_amts.pid AND p.used = 1"
	"   AND p.uuid = csti_amts.uuid), 0));",
};

#define VERSION ((int)(sizeof(versions) / sizeof(versions[0])))

static int pragma(struct keymap *m, const char *sql, int64_t *out, struct fault *fault)
{
	sqlite3_stmt *s = NULL;
	int rc = 0;

	*out = 0;
	if (sqlite3_prepare_v2(m->db, sql, -1, &s, NULL) != SQLITE_OK ||
	    sqlite3_step(s) != SQLITE_ROW)
		rc = db_fault(m, "read the map", fault);
	else
		*out = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return rc;
}

/* What master_key.proof holds, sealed: opens only under the key that belongs to the map. */
static const char proof_text[16] = "this key fits\n";

static struct seal_place proof_place(void)
{
	return (struct seal_place){ "master_key", "proof", "", 0 };
}

int schema_add_key(struct keymap *m, uint32_t id, struct fault *fault)
{
	const struct seal_place place = proof_place();
	uint8_t proof[sizeof(proof_text) + SEAL_OVERHEAD];
	sqlite3_stmt *s;
	int rc;

	rc = seal_choose(m->seal, id, fault);
	if (!rc)
		rc = seal_close(m->seal, &place, proof_text, sizeof(proof_text), proof, fault);
	if (!rc)
		rc = db_statement(m, "INSERT INTO master_key(id, proof, made) VALUES(?1, ?2, ?3)",
				  &s, fault);
	if (rc)
		return rc;
	sqlite3_bind_int64(s, 1, id);
	sqlite3_bind_blob(s, 2, proof, sizeof(proof), SQLITE_STATIC);
	sqlite3_bind_int64(s, 3, time(NULL));
	rc = db_run(m, s, "note the master key", NULL, fault);
	if (!rc)
		m->key_id = id;
	return rc;
}

static int not_its_key(struct keymap *m, struct fault *fault)
{
	fault_set(fault, KIT_ERR_FORGED, "the key file %s does not belong to the map %s\n"
		  "name the right one with --key-file (key_file in the server's configuration)",
		  m->key_file, m->path);
	return KIT_ERR_FORGED;
}

/* Does the key file open what the map says its key must open? */
static int check_key(struct keymap *m, struct fault *fault)
{
	const struct seal_place place = proof_place();
	char proof[sizeof(proof_text)];
	struct fault inner = { 0 };
	sqlite3_stmt *s;
	int rc;

	rc = db_key_in_force(m, &inner);
	if (rc == KIT_ERR_NOT_FOUND)
		return not_its_key(m, fault);
	if (rc)
		return fault_pass(fault, &inner);
	rc = db_statement(m, "SELECT proof FROM master_key WHERE id = ?1", &s, fault);
	if (rc)
		return rc;
	sqlite3_bind_int64(s, 1, m->key_id);
	rc = db_step(m, s, "read the master key's proof", fault);
	if (rc >= 0) {
		rc = seal_unlock(m->seal, &place, sqlite3_column_blob(s, 0),
				 (size_t)sqlite3_column_bytes(s, 0), proof, sizeof(proof), &inner);
		if (rc || memcmp(proof, proof_text, sizeof(proof)) != 0)
			rc = not_its_key(m, fault);
	}
	db_done(s);
	return rc;
}

/* The first use: a key file may be there from an attempt that was cut off; else one is made. */
static int first_key(struct keymap *m, struct fault *fault)
{
	struct fault inner = { 0 };
	int rc;

	rc = seal_load(&m->seal, m->key_file, &inner);
	if (rc == KIT_ERR_NOT_FOUND)
		rc = seal_create(&m->seal, m->key_file, m->owner, m->group, fault);
	else if (rc)
		rc = fault_pass(fault, &inner);
	return rc ? rc : schema_add_key(m, seal_newest(m->seal), fault);
}

static int load_key(struct keymap *m, struct fault *fault)
{
	int rc = seal_load(&m->seal, m->key_file, fault);

	if (rc == KIT_ERR_NOT_FOUND)
		fault_hint(fault,
			   "the map's secrets are sealed with it: put it back from its backup,"
			   " or name it with --key-file (key_file in the server's configuration)");
	if (!rc)
		rc = seal_choose(m->seal, (uint32_t)(m->key_id = seal_newest(m->seal)), fault);
	return rc ? rc : check_key(m, fault);
}

/* Is the file a key map, or empty and to become one? *version receives 0 for an empty one. */
static int recognise(struct keymap *m, bool create, int64_t *version, struct fault *fault)
{
	int64_t tables, id;
	int rc;

	rc = pragma(m, "PRAGMA user_version", version, fault);
	if (!rc)
		rc = pragma(m, "PRAGMA application_id", &id, fault);
	if (!rc)
		rc = pragma(m, "SELECT count(*) FROM sqlite_schema", &tables, fault);
	if (rc)
		return rc;
	if (*version == 0 ? tables || id : id != APPLICATION_ID) {
		fault_set(fault, KIT_ERR_FORMAT, "%s is a database, but no key map\n"
			  "name the map's own file; nothing was changed", m->path);
		return KIT_ERR_FORMAT;
	}
	if (*version > VERSION) {
		fault_set(fault, KIT_ERR_FORMAT, "%s was made by a newer kit (its tables are of "
			  "version %d, this program knows %d)\n"
			  "use the newer programs", m->path, (int)*version, VERSION);
		return KIT_ERR_FORMAT;
	}
	if (*version == 0 && !create) {
		fault_set(fault, KIT_ERR_NOT_FOUND, "%s is empty: there is no key map in it\n"
			  "import keys to make it: amt-provisionctl keys import", m->path);
		return KIT_ERR_NOT_FOUND;
	}
	return 0;
}

/* Within an exclusive transaction: version by version, so that a cut leaves the old one whole. */
static int upgrade(struct keymap *m, bool create, struct fault *fault)
{
	int64_t version;
	char sql[40];
	int rc;

	rc = recognise(m, create, &version, fault);
	if (rc)
		return rc;
	for (int64_t v = version; !rc && v < VERSION; v++)
		rc = db_exec(m, versions[v], "make the map's tables", fault);
	if (!rc && version == 0)
		rc = first_key(m, fault);
	if (!rc) {
		sqlite3_snprintf(sizeof(sql), sql, "PRAGMA user_version = %d", VERSION);
		rc = db_exec(m, sql, "make the map's tables", fault);
	}
	return rc;
}

/* For this one lock SQLite does not wait by itself when several make the map at once. */
static int turn_wal_on(struct keymap *m, struct fault *fault)
{
	static const char sql[] = "PRAGMA journal_mode = WAL";
	int tries = 0;

	while (sqlite3_exec(m->db, sql, NULL, NULL, NULL) == SQLITE_BUSY && db_wait(m, tries++))
		;
	return sqlite3_errcode(m->db) == SQLITE_OK ? 0 : db_fault(m, "open the map", fault);
}

int schema_check(struct keymap *m, struct fault *fault)
{
	int64_t version;
	int rc = recognise(m, false, &version, fault);

	return rc ? rc : load_key(m, fault);
}

int schema_prepare(struct keymap *m, bool create, struct fault *fault)
{
	int64_t version;
	int rc;

	/* Whatever is not ours must stay as it is: so look first, then turn WAL on. */
	rc = recognise(m, create, &version, fault);
	if (!rc)
		rc = turn_wal_on(m, fault);
	if (rc)
		return rc;
	if (version < VERSION) {
		rc = db_exec(m, "BEGIN EXCLUSIVE", "prepare the map", fault);
		if (rc)
			return rc;
		rc = upgrade(m, create, fault);
		if (!rc)
			rc = db_exec(m, "COMMIT", "prepare the map", fault);
		if (rc)
			sqlite3_exec(m->db, "ROLLBACK", NULL, NULL, NULL);
		seal_free(&m->seal);
		m->key_id = 0;
		if (rc)
			return rc;
	}
	return load_key(m, fault);
}
