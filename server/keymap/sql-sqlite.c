/* The key map's database in SQLite: one file, with a write-ahead log beside it. */
#include "server/keymap/sql-private.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/outfile.h"
#include "server/keymap/schema-sqlite.h"

#define PARTS		64
#define SHM_BYTES	65536		/* more than the -shm of a map needs at first */
#define PAUSE_NS	500000L		/* between two tries for the lock: this much... */
#define PAUSE_MORE_NS	3000000L	/* ...and up to this much more */

struct sqlite_statement {
	struct sql_statement sql;
	sqlite3_stmt *s;
};

struct sqlite {
	struct sql sql;
	sqlite3 *db;
	char *path;
	uid_t owner;
	gid_t group;
	int lock;			/* see hold(); -1: not held */
	int64_t version;		/* see changed() */
	unsigned wait_ms;		/* for the lock: see wait_for_lock() */
	double waits_until;
	bool is_point[PARTS];		/* of the parts that are open: which have a savepoint */
	unsigned parts;
};

static struct sqlite *of(struct sql *db)
{
	return (struct sqlite *)db;
}

static sqlite3_stmt *stmt(struct sql_statement *s)
{
	return ((struct sqlite_statement *)s)->s;
}

#define LOCK_ENDING	".lock"

static const char *const endings[] = { "", "-wal", "-shm", "-journal", LOCK_ENDING, NULL };

/* ---- errors ---- */

/*
 * SQLite calls it an error of the disk when there is no room for its -shm, and keeps the
 * reason to itself.
 */
static bool disk_is_full(struct sqlite *db)
{
	char *copy = strdup(db->path);
	struct statvfs fs;
	bool full;

	full = copy && statvfs(dirname(copy), &fs) == 0 &&
	       ((uint64_t)fs.f_bavail * fs.f_frsize < SHM_BYTES || (fs.f_files && !fs.f_favail));
	free(copy);
	return full;
}

/* Which limit, short of a full disk, did a write meet? errno; 0: none. */
static int limit_met(struct sqlite *db)
{
	static const int which[] = { SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER };
	int sys = sqlite3_system_errno(db->db);

	/* The first is lost when the roll-back fails at something else: its file still knows. */
	for (int i = 0; i < 2 && sys != EDQUOT && sys != EFBIG; i++) {
		sqlite3_file *f = NULL;

		if (sqlite3_file_control(db->db, "main", which[i], &f) == SQLITE_OK && f &&
		    f->pMethods)
			f->pMethods->xFileControl(f, SQLITE_FCNTL_LAST_ERRNO, &sys);
	}
	return sys == EDQUOT || sys == EFBIG ? sys : 0;
}

static int fail(struct sqlite *db, const char *what, struct fault *fault)
{
	int rc = sqlite3_errcode(db->db), code = KIT_ERR_DATABASE, sys;
	const char *hint = NULL, *reason = sqlite3_errmsg(db->db);

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
		sys = limit_met(db);
		if (sys) {
			code = KIT_ERR_SYSTEM;
			reason = strerror(sys);
			hint = "raise the limit (quota, ulimit -f) that it met; nothing was"
			       " half-written";
			break;
		}
		if (!disk_is_full(db)) {
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
	fault_set(fault, code, "%s: cannot %s: %s", db->path, what, reason);
	if (hint)
		fault_hint(fault, "%s", hint);
	return code;
}

/* ---- the connection ---- */

/* Root makes files for whoever owns the folder, so that the service can open them. */
static int give_to_folder_owner(int fd, const char *path, struct fault *fault)
{
	char *copy;
	struct stat st;
	int rc = 0;

	if (geteuid() != 0)
		return 0;
	copy = strdup(path);
	if (!copy)
		return fault_nomem(fault);
	/* A folder with the sticky bit belongs to everybody, not to its owner. */
	if (stat(dirname(copy), &st) == 0 && !(st.st_mode & S_ISVTX) && st.st_uid != 0 &&
	    fchown(fd, st.st_uid, st.st_gid))
		rc = fault_sys(fault, errno, "cannot set the owner of the map %s", path);
	free(copy);
	return rc;
}

static int cannot_open(const char *path, bool create, struct fault *fault)
{
	int rc = fault_sys(fault, errno, "cannot open the key map %s", path);

	if (rc == KIT_ERR_NOT_FOUND && create)
		fault_hint(fault, "make its folder first, or name another one");
	else if (rc == KIT_ERR_NOT_FOUND)
		fault_hint(fault, "start the server (systemctl start amt-provisiond), which "
			   "makes it, or import keys or machines: amt-provisionctl keys import "
			   "or inventory import, with --map %s", path);
	else
		fault_hint(fault, "name a file that this user may read and write");
	return rc;
}

/*
 * Made here, because SQLite would make it by the umask; and its -wal and -shm take the file's
 * mode and owner.
 */
static int prepare_file(struct sqlite *db, bool create, struct fault *fault)
{
	struct stat st;
	int fd, rc = 0;
	bool made = false;

	fd = open(db->path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT && create) {
		fd = open(db->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		made = fd >= 0;
		if (fd < 0 && errno == EEXIST)	/* another process made it just now */
			fd = open(db->path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	}
	if (fd < 0)
		return cannot_open(db->path, create, fault);
	if (made)
		rc = give_to_folder_owner(fd, db->path, fault);
	if (!rc && fstat(fd, &st))
		rc = fault_sys(fault, errno, "cannot examine the key map %s", db->path);
	if (!rc && !S_ISREG(st.st_mode))
		rc = fault_set(fault, KIT_ERR_FORMAT, "the key map %s is not a regular file\n"
			       "name the map's own file", db->path);
	else if (!rc && (st.st_mode & 077))
		rc = fault_set(fault, KIT_ERR_PERMISSION, "the key map %s has mode %04o: other "
			       "users can open it\n"
			       "chmod 600 %s", db->path, (unsigned)(st.st_mode & 07777), db->path);
	if (!rc) {
		db->owner = st.st_uid;
		db->group = st.st_gid;
	}
	if (!rc && made)
		rc = outfile_sync_folder(db->path, fault);
	close(fd);
	return rc;
}

static int connect_file(struct sqlite *db, int flags, struct fault *fault)
{
	char *name = NULL;
	int rc;

	/* SQLite gives names like ":memory:" a meaning of its own: none has it after "./". */
	if (asprintf(&name, "%s%s", strchr(db->path, '/') ? "" : "./", db->path) < 0)
		return fault_nomem(fault);
	rc = sqlite3_open_v2(name, &db->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
	free(name);
	if (rc == SQLITE_OK)
		return 0;
	rc = db->db ? fail(db, "open it", fault) : fault_nomem(fault);
	fault_hint(fault, "see that it exists and that this user may read it");
	return rc;
}

/*
 * SQLite's own waiting sleeps longer and longer, up to 100 ms: beside a process that commits
 * one transaction after the other, and lets go of the lock for an instant in between, it may
 * miss every instant there is. Short sleeps of uneven length do not. COUNT is 0 when the lock
 * is met; false: the waiting time is over. SQLite calls it; where SQLite does not wait, the
 * caller does with it.
 */
static bool wait_for_lock(struct sqlite *db, int count)
{
	double now = clock_monotonic();
	struct timespec pause;

	if (count == 0)
		db->waits_until = now + db->wait_ms / 1e3;
	if (now >= db->waits_until)
		return false;
	/* The clock's last digits are as good as random here. */
	pause = (struct timespec){ .tv_nsec = PAUSE_NS + (long)(now * 1e9) % PAUSE_MORE_NS };
	nanosleep(&pause, NULL);
	return true;
}

static int on_busy(void *context, int count)
{
	return wait_for_lock(context, count);
}

static int exec(struct sqlite *db, const char *text, const char *what, struct fault *fault)
{
	return sqlite3_exec(db->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0
		: fail(db, what, fault);
}

static int set_up(struct sqlite *db, const struct sql_options *options, struct fault *fault)
{
	char text[64];
	int rc = 0;

	db->wait_ms = options->wait_ms;
	sqlite3_busy_handler(db->db, on_busy, db);
	if (options->cache_kib) {
		sqlite3_snprintf(sizeof(text), text, "PRAGMA cache_size = -%u", options->cache_kib);
		rc = exec(db, text, "open the map", fault);
	}
	if (!rc)
		rc = exec(db, "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;"
			  " PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000;"
			  " PRAGMA journal_size_limit = 33554432", "open the map", fault);
	return rc;
}

static void close_store(struct sql *sql);

static int open_store(struct sql **out, const char *name, const struct sql_options *options,
		      struct fault *fault)
{
	bool reads = options->flags & SQL_READ_ONLY;
	struct sqlite *db = calloc(1, sizeof(*db));
	int rc = 0;

	if (!db)
		return fault_nomem(fault);
	db->lock = -1;
	db->path = strdup(name);
	if (!db->path)
		rc = fault_nomem(fault);
	/* SQLite would not say why it cannot. */
	else if (reads && access(name, R_OK))
		rc = fault_sys(fault, errno, "cannot open %s", name);
	else if (!reads)
		rc = prepare_file(db, options->flags & SQL_CREATE, fault);
	if (!rc)
		rc = connect_file(db, reads ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, fault);
	if (!rc)
		rc = set_up(db, options, fault);
	if (rc)
		close_store(&db->sql);
	else
		*out = &db->sql;
	return rc;
}

static int in_place(struct sql *sql, struct fault *fault)
{
	struct sqlite *db = of(sql);
	int moved = 0;

	if (sqlite3_file_control(db->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK ||
	    !moved)
		return 0;
	return fault_set(fault, KIT_ERR_DATABASE, "the key map %s was moved away or replaced while "
			 "it was in use: nothing more is written to the old one\n"
			 "see that the right map is there, and start again; a backup is put back "
			 "with \"amt-provisionctl restore\", for which nothing has to stop",
			 db->path);
}

static void empty_log(struct sql *sql)
{
	sqlite3_wal_checkpoint_v2(of(sql)->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}

static void close_store(struct sql *sql)
{
	struct sqlite *db = of(sql);

	/*
	 * Of a file that was moved SQLite leaves the write-ahead log behind, under the old name:
	 * the moved map would lack what is in it, and the next map there would take it over.
	 */
	if (db->db && in_place(sql, NULL))
		empty_log(sql);
	sqlite3_close(db->db);
	if (db->lock >= 0)
		close(db->lock);
	free(db->path);
	free(db);
}

static void set_wait(struct sql *sql, unsigned wait_ms)
{
	of(sql)->wait_ms = wait_ms;
}

static void owner(const struct sql *sql, uid_t *owner, gid_t *group)
{
	const struct sqlite *db = (const struct sqlite *)sql;

	*owner = db->owner;
	*group = db->group;
}

/* ---- the file ---- */

static enum sql_presence presence(const char *name)
{
	struct stat st;

	if (stat(name, &st))
		return SQL_ABSENT;
	return S_ISREG(st.st_mode) && st.st_size == 0 ? SQL_EMPTY : SQL_PRESENT;
}

static int room(const char *name, uint64_t *bytes, struct fault *fault)
{
	char *copy = strdup(name);
	struct statvfs fs;
	int rc = 0;

	if (!copy)
		return fault_nomem(fault);
	if (statvfs(dirname(copy), &fs))
		rc = fault_sys(fault, errno, "the folder of %s", name);
	else
		*bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	free(copy);
	return rc;
}

/* Returns a descriptor that holds the lock of the file NAME, or a negative code. */
static int lock_file(const char *name, struct fault *fault)
{
	int fd, rc;

	do {
		fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
		if (fd < 0)
			return fault_sys(fault, errno, "cannot open %s", name);
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			rc = errno == EWOULDBLOCK
				     ? fault_set(fault, KIT_ERR_BUSY, "%s is locked", name)
				     : fault_sys(fault, errno, "cannot lock %s", name);
			close(fd);
			return rc;
		}
		if (outfile_is_at(fd, name))
			return fd;
		/* Somebody removed it meanwhile: the next one would lock another. */
		close(fd);
	} while (true);
}

static int hold(struct sql *sql, struct fault *fault)
{
	struct sqlite *db = of(sql);
	char *name;
	int fd;

	if (db->lock >= 0)
		return 0;
	if (asprintf(&name, "%s" LOCK_ENDING, db->path) < 0)
		return fault_nomem(fault);
	fd = lock_file(name, fault);
	/* Root leaves nothing that the service could not open. */
	if (fd >= 0 && geteuid() == 0 && fchown(fd, db->owner, db->group)) {
		close(fd);
		fd = fault_sys(fault, errno, "cannot set the owner of %s", name);
	}
	free(name);
	if (fd < 0)
		return fd;
	db->lock = fd;
	return 0;
}

/* ---- tables ---- */

static int pragma(struct sqlite *db, const char *text, int64_t *out, struct fault *fault)
{
	sqlite3_stmt *s = NULL;
	int rc = 0;

	*out = 0;
	if (sqlite3_prepare_v2(db->db, text, -1, &s, NULL) != SQLITE_OK ||
	    sqlite3_step(s) != SQLITE_ROW)
		rc = fail(db, "read the map", fault);
	else
		*out = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return rc;
}

static int recognise(struct sql *sql, bool create, int *version, struct fault *fault)
{
	struct sqlite *db = of(sql);
	int64_t number, tables, id;
	int rc;

	rc = pragma(db, "PRAGMA user_version", &number, fault);
	if (!rc)
		rc = pragma(db, "PRAGMA application_id", &id, fault);
	if (!rc)
		rc = pragma(db, "SELECT count(*) FROM sqlite_schema", &tables, fault);
	if (rc)
		return rc;
	if (number < 0 || (number == 0 ? tables || id : id != SCHEMA_SQLITE_ID))
		return fault_set(fault, KIT_ERR_FORMAT, "%s is a database, but not a key map\n"
				 "name the map's own file; nothing was changed", db->path);
	if (number > SCHEMA_SQLITE_VERSION)
		return fault_set(fault, KIT_ERR_FORMAT, "%s was made by a newer kit (its tables "
				 "have version %d, this program knows %d)\n"
				 "use the newer programs", db->path, (int)number,
				 SCHEMA_SQLITE_VERSION);
	*version = (int)number;
	if (number == 0 && !create)
		return fault_set(fault, KIT_ERR_NOT_FOUND, "%s is empty: it holds no key map\n"
				 "start the server, which makes one in it, or import keys or "
				 "machines (keys import, inventory import)", db->path);
	return 0;
}

static int changed(struct sql *sql, bool *changed, struct fault *fault)
{
	struct sqlite *db = of(sql);
	int64_t version;
	int rc = pragma(db, "PRAGMA data_version", &version, fault);

	*changed = !rc && version != db->version;
	if (!rc)
		db->version = version;
	return rc;
}

static int settle(struct sql *sql, struct fault *fault)
{
	struct sqlite *db = of(sql);
	bool unused;
	int tries = 0;

	/* For this one lock SQLite does not wait by itself when several make the map at once. */
	while (sqlite3_exec(db->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) == SQLITE_BUSY &&
	       wait_for_lock(db, tries++))
		;
	if (sqlite3_errcode(db->db) != SQLITE_OK)
		return fail(db, "open the map", fault);
	return changed(sql, &unused, fault);
}

static int upgrade(struct sql *sql, int version, struct fault *fault)
{
	struct sqlite *db = of(sql);
	char text[40];
	int rc = 0;

	for (int v = version; !rc && v < SCHEMA_SQLITE_VERSION; v++)
		rc = exec(db, schema_sqlite[v], "make the map's tables", fault);
	if (rc)
		return rc;
	sqlite3_snprintf(sizeof(text), text, "PRAGMA user_version = %d", SCHEMA_SQLITE_VERSION);
	return exec(db, text, "make the map's tables", fault);
}

/* ---- transactions ---- */

static int run_fixed(struct sql *db, const char *text, const char *what, struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(db, text, &s, fault);

	return rc ? rc : sql_run(s, what, NULL, fault);
}

static int begin(struct sql *db, struct fault *fault)
{
	of(db)->parts = 0;
	return run_fixed(db, "BEGIN IMMEDIATE", "begin a transaction", fault);
}

static int commit(struct sql *db, struct fault *fault)
{
	return run_fixed(db, "COMMIT", "commit", fault);
}

static void rollback(struct sql *db)
{
	sqlite3_exec(of(db)->db, "ROLLBACK", NULL, NULL, NULL);
}

static bool in_transaction(const struct sql *db)
{
	return !sqlite3_get_autocommit(((const struct sqlite *)db)->db);
}

static int savepoint(struct sql *sql, bool one_write, struct fault *fault)
{
	struct sqlite *db = of(sql);
	int rc = 0;

	if (db->parts == PARTS)
		return fault_set(fault, KIT_ERR_LIBRARY, "too many parts of a transaction");
	if (!one_write)
		rc = run_fixed(sql, "SAVEPOINT part", "begin a part of a transaction", fault);
	if (!rc)
		db->is_point[db->parts++] = !one_write;
	return rc;
}

static int release(struct sql *sql, bool undo, struct fault *fault)
{
	struct sqlite *db = of(sql);
	int rc = 0;

	if (!db->parts || !db->is_point[--db->parts])
		return 0;
	if (undo)
		rc = run_fixed(sql, "ROLLBACK TO part", "undo a part of a transaction", fault);
	return rc ? rc : run_fixed(sql, "RELEASE part", "end a part of a transaction", fault);
}

/* ---- statements ---- */

static int prepare(struct sql *db, const char *text, bool kept, struct sql_statement **out,
		   struct fault *fault)
{
	struct sqlite_statement *s = calloc(1, sizeof(*s));

	if (!s)
		return fault_nomem(fault);
	if (sqlite3_prepare_v3(of(db)->db, text, -1, kept ? SQLITE_PREPARE_PERSISTENT : 0, &s->s,
			       NULL) != SQLITE_OK) {
		free(s);
		return fail(of(db), "use it", fault);
	}
	*out = &s->sql;
	return 0;
}

static void done(struct sql_statement *s)
{
	sqlite3_reset(stmt(s));
	sqlite3_clear_bindings(stmt(s));
}

static void free_statement(struct sql_statement *s)
{
	sqlite3_finalize(stmt(s));
	free(s);
}

static int step(struct sql_statement *s, const char *what, struct fault *fault)
{
	int rc = sqlite3_step(stmt(s));

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : fail(of(s->db), what, fault);
}

static int changed_rows(struct sql_statement *s)
{
	return sqlite3_changes(of(s->db)->db);
}

static void bind_int(struct sql_statement *s, int at, int64_t value)
{
	sqlite3_bind_int64(stmt(s), at, value);
}

static void bind_text(struct sql_statement *s, int at, const char *text, size_t size)
{
	sqlite3_bind_text64(stmt(s), at, text, size, SQLITE_STATIC, SQLITE_UTF8);
}

static void bind_blob(struct sql_statement *s, int at, const void *bytes, size_t size)
{
	sqlite3_bind_blob64(stmt(s), at, bytes, size, SQLITE_STATIC);
}

static int64_t get_int(struct sql_statement *s, int at)
{
	return sqlite3_column_int64(stmt(s), at);
}

static const char *get_text(struct sql_statement *s, int at, size_t *size)
{
	const char *text = (const char *)sqlite3_column_text(stmt(s), at);

	if (size)
		*size = text ? (size_t)sqlite3_column_bytes(stmt(s), at) : 0;
	return text;
}

static const void *get_blob(struct sql_statement *s, int at, size_t *size)
{
	const void *blob = sqlite3_column_blob(stmt(s), at);

	*size = blob ? (size_t)sqlite3_column_bytes(stmt(s), at) : 0;
	return blob;
}

/* ---- the store as a whole ---- */

static int check(struct sql *db, struct fault *fault)
{
	struct sql_statement *s;
	const char *found;
	int rc;

	rc = sql_statement(db, "PRAGMA integrity_check(1)", &s, fault);
	if (rc)
		return rc;
	rc = sql_step(s, "check the map", fault);
	if (rc > 0) {
		found = sql_text(s, 0, NULL);
		rc = found && strcmp(found, "ok") == 0 ? 0 :
			fault_set(fault, KIT_ERR_DATABASE, "%s is damaged: %.200s\n"
				  "put it back from its backup (amt-provisionctl restore)",
				  of(db)->path, found ? found : "out of memory");
	}
	sql_done(s);
	return rc;
}

static int snapshot(struct sql *source, struct sql *target, bool alone, struct fault *fault)
{
	struct sqlite *from = of(source), *to = of(target);
	sqlite3_backup *copy = sqlite3_backup_init(to->db, "main", from->db, "main");
	int rc, tries = 0;

	if (!copy)
		return fail(to, "copy the map", fault);
	/* The lock of the target is not waited for by SQLite in every case. */
	do
		rc = sqlite3_backup_step(copy, -1);
	while ((rc == SQLITE_BUSY || rc == SQLITE_LOCKED) && wait_for_lock(to, tries++));
	rc = sqlite3_backup_finish(copy);
	/* The one that failed is where SQLite left the error. */
	if (rc != SQLITE_OK)
		return fail(sqlite3_errcode(from->db) != SQLITE_OK &&
			    sqlite3_errcode(to->db) == SQLITE_OK ? from : to, "copy the map",
			    fault);
	return alone ? exec(to, "PRAGMA journal_mode = DELETE", "finish the copy", fault) : 0;
}

static int wipe_replaced(struct sql *db, struct fault *fault)
{
	return exec(of(db), "PRAGMA secure_delete = ON", "rotate the master key", fault);
}

const struct sql_engine sql_sqlite = {
	.scheme = "",
	.newest_version = SCHEMA_SQLITE_VERSION,
	.endings = endings,
	.presence = presence,
	.room = room,
	.open = open_store,
	.close = close_store,
	.set_wait = set_wait,
	.owner = owner,
	.hold = hold,
	.recognise = recognise,
	.settle = settle,
	.upgrade = upgrade,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.in_transaction = in_transaction,
	.savepoint = savepoint,
	.release = release,
	.prepare = prepare,
	.done = done,
	.free = free_statement,
	.step = step,
	.changed_rows = changed_rows,
	.bind_int = bind_int,
	.bind_text = bind_text,
	.bind_blob = bind_blob,
	.get_int = get_int,
	.get_text = get_text,
	.get_blob = get_blob,
	.changed = changed,
	.in_place = in_place,
	.check = check,
	.snapshot = snapshot,
	.wipe_replaced = wipe_replaced,
	.empty_log = empty_log,
};
