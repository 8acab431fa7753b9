/* The tables of the key map in SQLite's words, by schema version. */
#include "server/keymap/schema-sqlite.h"

/*
 * Table and column names of csti_pid_map, csti_amts and csti_configuration follow Intel SCS.
 * csti_pid_map.used is enum keymap_state, of which 0 and 1 are what SCS knew; a free pair
 * is reserved when it has a row in reservation. That is a table of its own because every
 * first hello writes one: in a storm few small pages change, instead of one of the big
 * table's for each. Columns that end in password, pps and otp are sealed (server/keymap/seal.h).
 */
const char *const schema_sqlite[SCHEMA_SQLITE_VERSION] = {
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
	/* What a hello says of a machine that proved itself is kept apart until it does again. */
	"ALTER TABLE csti_amts ADD COLUMN proved_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE csti_amts ADD COLUMN claimed_pid TEXT;"
	"ALTER TABLE csti_amts ADD COLUMN claimed_address TEXT;"
	"ALTER TABLE csti_amts ADD COLUMN claim_failed_at INTEGER NOT NULL DEFAULT 0;"
	"UPDATE csti_amts SET proved_at = iif(configured_at > 0, configured_at, ifnull("
	"  (SELECT used_at FROM csti_pid_map p WHERE p.pid = csti_amts.pid AND p.used = 1"
	"   AND p.uuid = csti_amts.uuid), 0));",
	/* 3 */
	"ALTER TABLE log RENAME COLUMN todo TO hint;",
	/* 4 */
	/* What has not come to an end goes on; what is set up needs a person's word from now on. */
	"ALTER TABLE csti_amts ADD COLUMN allowed INTEGER NOT NULL DEFAULT 0;"
	"UPDATE csti_amts SET allowed = 1 WHERE proved_at > 0 AND configured_at = 0;",
	/* 5 */
	/* Those that claim one key, of which none has proved it yet. */
	"CREATE INDEX csti_amts_unproved ON csti_amts(pid) WHERE proved_at = 0;",
	/* 6 */
	"CREATE TABLE csti_amts_talk(" /* how a machine is talked to, where that is special */
	"  uuid BLOB PRIMARY KEY,"
	"  tls10 INTEGER NOT NULL,"
	"  one_each INTEGER NOT NULL,"
	"  next_random INTEGER NOT NULL,"
	"  commit_sent_at INTEGER NOT NULL," /* CommitChanges, while its end is not known */
	"  commit_address TEXT,"
	"  logins INTEGER NOT NULL,"
	"  logins_at INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID;",
	/* 7 */
	"CREATE TABLE claim(" /* other places from which a machine that proved nothing said hello */
	"  id INTEGER PRIMARY KEY,"
	"  uuid BLOB NOT NULL,"
	"  address TEXT NOT NULL,"
	"  pid TEXT,"
	"  failures INTEGER NOT NULL," /* 0: not tried yet */
	"  next_try INTEGER NOT NULL," /* 0: not by itself */
	"  UNIQUE(uuid, address)"
	") STRICT;",
	/* 8 */
	"ALTER TABLE csti_amts ADD COLUMN reason_code TEXT;"
	"ALTER TABLE csti_amts ADD COLUMN credential INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE csti_amts ADD COLUMN proof INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE csti_amts ADD COLUMN vouched INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE csti_amts ADD COLUMN stick_mebx INTEGER NOT NULL DEFAULT 0;"
	"UPDATE csti_amts SET proof = 1 WHERE proved_at > 0;"
	"UPDATE csti_amts SET credential = 1 WHERE proved_at = 0 AND hello_version = 3;"
	/* Anybody could have such a row made: from now on that does not make a machine known. */
	"UPDATE csti_amts SET state = 6, reason_code = 'not-known', reason = 'nobody has said that"
	" it may be set up by certificate -- its next hello says what to do' WHERE state = 5"
	" AND credential = 1 AND uuid NOT IN (SELECT uuid FROM inventory);"
	"ALTER TABLE inventory ADD COLUMN otp BLOB;"
	/* A table of its own: a list is 800 bytes, and changes less often than its row. */
	"CREATE TABLE csti_amts_digests("
	"  id INTEGER PRIMARY KEY," /* csti_amts.id */
	"  digests BLOB NOT NULL"
	") STRICT;",
	/* 9 */
	"ALTER TABLE csti_amts_talk ADD COLUMN candidates INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE csti_amts_talk ADD COLUMN candidates_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE csti_amts_talk ADD COLUMN extended_at INTEGER NOT NULL DEFAULT 0;"
	/* The defaults of before: by key they mean the same as those of now. */
	"UPDATE profiles SET mebx_policy = 3 WHERE mebx_policy = 0;"
	"UPDATE profiles SET max_version = 65535 WHERE min_version = 512 AND max_version = 2815;",
	/* 10 */
	"CREATE TABLE vain(" /* addresses that claimed a key as machines that are forgotten */
	"  pid TEXT NOT NULL,"
	"  address TEXT NOT NULL,"
	"  failures INTEGER NOT NULL," /* how often they were called in vain */
	"  seen INTEGER NOT NULL," /* their last hello */
	"  PRIMARY KEY(pid, address)"
	") STRICT, WITHOUT ROWID;",
	/* 11 */
	"ALTER TABLE profiles ADD COLUMN tls INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE csti_amts ADD COLUMN certify INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE csti_amts ADD COLUMN certificate_serial TEXT;"
	"ALTER TABLE csti_amts ADD COLUMN certificate_expiry INTEGER NOT NULL DEFAULT 0;",
};
