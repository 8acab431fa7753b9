/* The journal of PIDs and sticks, in SQLite. */
#include "ukpu/stick/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/hex.h"
#include "common/outfile.h"
#include "common/text.h"
#include "setupbin/file.h"

#define APPLICATION	0x756b7075	/* "ukpu", in the header of the file */
#define VERSION		1
#define WAIT_MS		30000		/* for somebody else who writes */
#define LONGEST		4096		/* bytes of one value or statement */

/*
 * "old": put, or marked, before the writing that is not known to have ended yet. "gone": when it
 * was overwritten; what is gone stays, to be looked at when something is not clear.
 */
static const char *const schema[] = {
	"CREATE TABLE stick (id INTEGER PRIMARY KEY, name TEXT NOT NULL, device TEXT NOT NULL, "
	"port TEXT NOT NULL, bytes INTEGER NOT NULL, weak INTEGER NOT NULL)",
	"CREATE INDEX stick_by_device ON stick (device)",
	"CREATE TABLE mark (mark TEXT NOT NULL, stick INTEGER NOT NULL, old INTEGER NOT NULL, "
	"PRIMARY KEY (mark, stick)) WITHOUT ROWID",
	"CREATE TABLE place (pid TEXT NOT NULL, stick INTEGER NOT NULL, put TEXT NOT NULL, "
	"old INTEGER NOT NULL, gone TEXT, PRIMARY KEY (pid, stick, put)) WITHOUT ROWID",
	"CREATE INDEX place_by_stick ON place (stick) WHERE gone IS NULL",
	"CREATE TABLE taken (path TEXT NOT NULL, inode INTEGER NOT NULL, bytes INTEGER NOT NULL, "
	"PRIMARY KEY (path, inode, bytes)) WITHOUT ROWID",
};

#define SCHEMA (sizeof(schema) / sizeof(schema[0]))

enum statement {
	BEGIN, COMMIT, ROLLBACK,
	BY_MARK, BY_DEVICE, ADD_STICK, SEE_STICK,
	AGE_MARKS, ADD_MARK, DROP_MARKS,
	LIVE, AGE_PLACES, ADD_PLACE, END_OLD, END_ALL,
	WAS_TAKEN, TAKE, ALL_STICKS, MARKS_OF, PLACES_OF,
	STATEMENTS
};

static const char *const texts[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	/*
	 * The mark alone is enough where the device says nothing of the medium; its disk id (?5)
	 * is where the device is the same: a volume may have been formatted in its partition.
	 */
	[BY_MARK] = "SELECT s.id FROM mark m JOIN stick s ON s.id = m.stick "
		"WHERE (m.mark = ?1 AND (s.weak OR ?3) AND s.bytes = ?4) OR "
		"(s.device = ?2 AND (m.mark = ?1 OR substr(m.mark, 1, length(?5)) = ?5)) "
		"ORDER BY m.mark = ?1 DESC, s.id DESC",
	[BY_DEVICE] = "SELECT id, port FROM stick WHERE device = ?1 OR device = ?2",
	[ADD_STICK] = "INSERT INTO stick (name, device, port, bytes, weak) "
		"VALUES (?1, ?2, ?3, ?4, ?5)",
	[SEE_STICK] = "UPDATE stick SET name = ?2, device = ?3, port = ?4, bytes = ?5, weak = ?6 "
		"WHERE id = ?1",
	[AGE_MARKS] = "UPDATE mark SET old = 1 WHERE stick = ?1",
	[ADD_MARK] = "INSERT INTO mark (mark, stick, old) VALUES (?2, ?1, ?3) "
		"ON CONFLICT (mark, stick) DO UPDATE SET old = excluded.old",
	[DROP_MARKS] = "DELETE FROM mark WHERE stick = ?1 AND old",
	[LIVE] = "SELECT s.name, s.device, p.put FROM place p JOIN stick s ON s.id = p.stick "
		"WHERE p.pid = ?1 AND p.gone IS NULL AND p.stick <> ?2 ORDER BY p.put DESC LIMIT 1",
	[AGE_PLACES] = "UPDATE place SET old = 1 WHERE stick = ?1 AND gone IS NULL",
	[ADD_PLACE] = "INSERT INTO place (pid, stick, put, old) VALUES (?2, ?1, ?3, ?4) "
		"ON CONFLICT (pid, stick, put) DO UPDATE SET old = excluded.old, gone = NULL",
	[END_OLD] = "UPDATE place SET gone = ?2 WHERE stick = ?1 AND gone IS NULL AND old",
	[END_ALL] = "UPDATE place SET gone = ?2 WHERE stick = ?1 AND gone IS NULL",
	[WAS_TAKEN] = "SELECT 1 FROM taken WHERE path = ?1 AND inode = ?2 AND bytes = ?3",
	[TAKE] = "INSERT OR IGNORE INTO taken (path, inode, bytes) VALUES (?1, ?2, ?3)",
	[ALL_STICKS] = "SELECT id, name, device, port, bytes, weak FROM stick ORDER BY id",
	[MARKS_OF] = "SELECT mark, old FROM mark WHERE stick = ?1",
	[PLACES_OF] = "SELECT pid, put, old FROM place WHERE stick = ?1 AND gone IS NULL",
};

struct journal {
	sqlite3 *db;
	sqlite3_stmt *statement[STATEMENTS];
	char path[PATH_MAX];
};

/* SQLite's error RC as a fault. */
static int fail(const struct journal *j, int rc, struct fault *fault)
{
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		return fault_nomem(fault);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return fault_set(fault, KIT_ERR_BUSY, "the journal %s is in use by another program"
				 "\nwait until it has ended, then run the command again", j->path);
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
	case SQLITE_AUTH:
		return fault_set(fault, KIT_ERR_PERMISSION, "cannot write the journal %s: %s\n"
				 "you need the right to write this file and its folder", j->path,
				 sqlite3_errstr(rc));
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return fault_set(fault, KIT_ERR_DATABASE, "the journal %s is damaged: %s\n"
				 "restore it from a backup; or move it away, and which keys are on "
				 "which stick is forgotten", j->path, sqlite3_errstr(rc));
	default:
		return fault_set(fault, KIT_ERR_SYSTEM, "cannot use the journal %s: %s", j->path,
				 sqlite3_errstr(rc));
	}
}

/* The statement WHICH with N values bound: "i" for an int64_t, "t" for a text, by KINDS. */
static sqlite3_stmt *bind(struct journal *j, enum statement which, const char *kinds, ...)
{
	sqlite3_stmt *s = j->statement[which];
	va_list args;

	if (!s && sqlite3_prepare_v3(j->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, &s, NULL))
		return NULL;
	j->statement[which] = s;
	sqlite3_reset(s);
	va_start(args, kinds);
	for (int i = 1; *kinds; kinds++, i++) {
		if (*kinds == 'i')
			sqlite3_bind_int64(s, i, va_arg(args, int64_t));
		else
			sqlite3_bind_text(s, i, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
	}
	va_end(args);
	return s;
}

/* 1: there is a row; 0: there is none any more, and the statement is reset; negative: a fault. */
static int step(struct journal *j, sqlite3_stmt *s, struct fault *fault)
{
	int rc = s ? sqlite3_step(s) : sqlite3_extended_errcode(j->db);

	if (rc == SQLITE_ROW)
		return 1;
	if (s)
		sqlite3_reset(s);
	return rc == SQLITE_DONE ? 0 : fail(j, rc, fault);
}

/* A statement that gives no rows. */
#define run(j, which, fault, ...) step(j, bind(j, which, __VA_ARGS__), fault)

static const char *column(sqlite3_stmt *s, int i)
{
	const char *text = (const char *)sqlite3_column_text(s, i);

	return text ? text : "";
}

/* Commit when RC is 0, else undo all since BEGIN. */
static int end(struct journal *j, int rc, struct fault *fault)
{
	if (!rc)
		rc = run(j, COMMIT, fault, "");
	if (rc && !sqlite3_get_autocommit(j->db))
		run(j, ROLLBACK, NULL, "");
	return rc;
}

/* One number that the statement SQL gives. */
static int number(struct journal *j, const char *sql, int64_t *out, struct fault *fault)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(j->db, sql, -1, &s, NULL);

	if (!rc)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return rc == SQLITE_ROW ? 0 : fail(j, rc == SQLITE_DONE ? SQLITE_CORRUPT : rc, fault);
}

static int make_schema(struct journal *j, struct fault *fault)
{
	char pragmas[100];
	int rc = run(j, BEGIN, fault, "");
	int64_t tables = 0;

	/* Somebody else may have made it just now. */
	if (!rc)
		rc = number(j, "SELECT count(*) FROM sqlite_schema", &tables, fault);
	for (size_t i = 0; i < SCHEMA && !rc && !tables; i++) {
		rc = sqlite3_exec(j->db, schema[i], NULL, NULL, NULL);
		rc = rc ? fail(j, rc, fault) : 0;
	}
	if (!rc && !tables) {
		snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id = %d; "
			 "PRAGMA user_version = %d", APPLICATION, VERSION);
		rc = sqlite3_exec(j->db, pragmas, NULL, NULL, NULL);
		rc = rc ? fail(j, rc, fault) : 0;
	}
	return end(j, rc, fault);
}

/* Is it a journal of this version, with nothing else in it that would be run? */
static int check_schema(struct journal *j, struct fault *fault)
{
	int64_t application = 0, version = 0, found = 0;
	sqlite3_stmt *s = NULL;
	int rc = number(j, "PRAGMA application_id", &application, fault);

	if (!rc)
		rc = number(j, "PRAGMA user_version", &version, fault);
	if (rc)
		return rc;
	if (application == APPLICATION && version > VERSION)
		return fault_set(fault, KIT_ERR_FORMAT, "the journal %s is of a later version of "
				 "ukpu\nuse that version", j->path);
	rc = sqlite3_prepare_v2(j->db, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL", -1,
				&s, NULL);
	while (!rc && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		size_t i = 0;

		while (i < SCHEMA && strcmp(schema[i], column(s, 0)))
			i++;
		found += i < SCHEMA ? 1 : SCHEMA;
		rc = 0;
	}
	sqlite3_finalize(s);
	if (rc != SQLITE_DONE)
		return fail(j, rc, fault);
	if (application != APPLICATION || version != VERSION || found != SCHEMA)
		return fault_set(fault, KIT_ERR_FORMAT, "%s is not a journal of ukpu\n"
				 "move it away, or name another place", j->path);
	return 0;
}

/* Make an empty file PATH if there is none. The group of the folder may write it, if that. */
static int make_file(const char *path, bool *made, struct fault *fault)
{
	char folder[PATH_MAX], *slash;
	struct stat st;
	mode_t mode;
	int fd;

	*made = false;
	if (!lstat(path, &st)) {
		return S_ISREG(st.st_mode) ? 0 :
			fault_set(fault, KIT_ERR_FORMAT, "the journal %s is not a file", path);
	}
	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder] = '\0';
	if (stat(slash ? folder : ".", &st))
		return fault_sys(fault, errno, "cannot make the journal %s", path);
	mode = st.st_mode & S_IWGRP ? 0660 : 0600;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return errno == EEXIST ? 0 :
			fault_sys(fault, errno, "cannot make the journal %s", path);
	/* Whatever the umask says. */
	fchmod(fd, mode);
	close(fd);
	*made = true;
	return outfile_sync_folder(path, fault);
}

/* What is in the file may be anybody's: it is read, and never run. */
static int set_up(struct journal *j, struct fault *fault)
{
	static const int off[] = {
		SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW,
		SQLITE_DBCONFIG_TRUSTED_SCHEMA,
	};
	int rc = 0;

	sqlite3_extended_result_codes(j->db, 1);
	sqlite3_limit(j->db, SQLITE_LIMIT_LENGTH, LONGEST);
	sqlite3_db_config(j->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++)
		sqlite3_db_config(j->db, off[i], 0, NULL);
	sqlite3_busy_timeout(j->db, WAIT_MS);
	/* The name of the file that undoes a commit is durable before the commit is. */
	rc = sqlite3_exec(j->db, "PRAGMA synchronous = EXTRA; PRAGMA cell_size_check = ON; "
			  "PRAGMA mmap_size = 0", NULL, NULL, NULL);
	return rc ? fail(j, rc, fault) : 0;
}

int journal_open(struct journal **out, const char *path, bool *made, struct fault *fault)
{
	struct journal *j = calloc(1, sizeof(*j));
	int64_t version = 0;
	bool new_file;
	int rc;

	*out = NULL;
	if (!j)
		return fault_nomem(fault);
	snprintf(j->path, sizeof(j->path), "%s", path);
	rc = make_file(path, &new_file, fault);
	if (!rc) {
		rc = sqlite3_open_v2(path, &j->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
				     SQLITE_OPEN_PRIVATECACHE, NULL);
		rc = rc ? fail(j, rc, fault) : set_up(j, fault);
	}
	if (!rc && sqlite3_db_readonly(j->db, NULL))
		rc = fail(j, SQLITE_READONLY, fault);
	if (!rc)
		rc = number(j, "PRAGMA user_version", &version, fault);
	if (!rc && !version)
		rc = make_schema(j, fault);
	if (!rc)
		rc = check_schema(j, fault);
	if (rc) {
		journal_close(&j);
		return rc;
	}
	if (made)
		*made = new_file;
	*out = j;
	return 0;
}

void journal_close(struct journal **j)
{
	if (!*j)
		return;
	for (size_t i = 0; i < STATEMENTS; i++)
		sqlite3_finalize((*j)->statement[i]);
	sqlite3_close((*j)->db);
	free(*j);
	*j = NULL;
}

/* The first column of the first row, or 0; the statement is reset. */
static int first_id(struct journal *j, sqlite3_stmt *s, int64_t *out, struct fault *fault)
{
	int rc = step(j, s, fault);

	*out = rc == 1 ? sqlite3_column_int64(s, 0) : 0;
	if (rc == 1)
		sqlite3_reset(s);
	return rc < 0 ? rc : 0;
}

/* The row that the stick ID is known by, or 0. */
static int find_stick(struct journal *j, const struct identity *id, int64_t *out,
		      struct fault *fault)
{
	bool by_device = id->image || ((!id->mark[0] || id->bears_keys) && !id->weak);
	bool by_serial = !id->image && !id->weak && !id->twin;
	unsigned all = 0, here = 0;
	int64_t row_here = 0;
	char disk[IDENTITY_MARK];
	sqlite3_stmt *s;
	int rc = 0;

	*out = 0;
	identity_disk_mark(id, disk);
	if (id->mark[0] && !id->image)
		rc = first_id(j, bind(j, BY_MARK, "ttiit", id->mark, id->device, (int64_t)id->weak,
				      (int64_t)id->bytes, disk), out, fault);
	if (rc || *out || (!by_device && !by_serial))
		return rc;
	s = bind(j, BY_DEVICE, "tt", by_device ? id->device : "", by_serial ? id->serial : "");
	while ((rc = step(j, s, fault)) == 1) {
		all++;
		*out = sqlite3_column_int64(s, 0);
		if (!strcmp(column(s, 1), id->port)) {
			here++;
			row_here = *out;
		}
	}
	/* One of several is known by the port that it was in last. */
	if (all > 1 || id->twin)
		*out = here == 1 ? row_here : 0;
	return rc;
}

static int add_stick(struct journal *j, const struct identity *id, int64_t *out,
		     struct fault *fault)
{
	int rc = run(j, ADD_STICK, fault, "tttii", id->name, id->device, id->port,
		     (int64_t)id->bytes, (int64_t)id->weak);

	*out = rc ? 0 : sqlite3_last_insert_rowid(j->db);
	return rc;
}

/* The row of the stick ID, added where there is none. */
static int make_stick(struct journal *j, const struct identity *id, int64_t *out,
		      struct fault *fault)
{
	int rc = find_stick(j, id, out, fault);

	if (!rc && *out)
		return run(j, SEE_STICK, fault, "itttii", *out, id->name, id->device, id->port,
			   (int64_t)id->bytes, (int64_t)id->weak);
	return rc ? rc : add_stick(j, id, out, fault);
}

/* As journal_elsewhere(), for the stick in row STICK. DEVICE: for hit->same_device. */
static long count_elsewhere(struct journal *j, int64_t stick, const char *device,
			    const char (*pids)[PID_LENGTH + 1], size_t n, struct journal_hit *hit,
			    struct fault *fault)
{
	long found = 0;
	int rc;

	for (size_t i = 0; i < n; i++) {
		sqlite3_stmt *s = bind(j, LIVE, "ti", pids[i], stick);

		rc = step(j, s, fault);
		if (rc < 0)
			return rc;
		if (!rc)
			continue;
		if (hit && (!found || strcmp(column(s, 2), hit->time) > 0)) {
			pidpps_show_pid(pids[i], hit->pid);
			text_clean(hit->stick, sizeof(hit->stick), column(s, 0));
			text_clean(hit->time, sizeof(hit->time), column(s, 2));
			hit->same_device = !strcmp(column(s, 1), device);
		}
		sqlite3_reset(s);
		found++;
	}
	return found;
}

long journal_elsewhere(struct journal *j, const struct identity *id,
		       const char (*pids)[PID_LENGTH + 1], size_t n, struct journal_hit *hit,
		       struct fault *fault)
{
	int64_t stick;
	int rc = find_stick(j, id, &stick, fault);

	return rc ? rc : count_elsewhere(j, stick, id->device, pids, n, hit, fault);
}

int journal_put(struct journal *j, const struct identity *id, const char *mark, long known,
		const char (*pids)[PID_LENGTH + 1], size_t n, int64_t *stick, struct fault *fault)
{
	struct journal_hit hit = { 0 };
	char when[CLOCK_TEXT + 1];
	long found;
	int rc = run(j, BEGIN, fault, "");

	clock_show(clock_now(), when);
	if (!rc)
		rc = make_stick(j, id, stick, fault);
	if (!rc && known >= 0) {
		found = count_elsewhere(j, *stick, id->device, pids, n, &hit, fault);
		rc = found < 0 ? (int)found : 0;
		if (found > known)
			rc = fault_set(fault, KIT_ERR_EXISTS, "meanwhile keys of this file went "
				       "onto the stick %.150s (%s)\n"
				       "two machines must not get one key: start again", hit.stick,
				       hit.pid);
	}
	if (!rc)
		rc = run(j, AGE_PLACES, fault, "i", *stick);
	if (!rc)
		rc = run(j, AGE_MARKS, fault, "i", *stick);
	/* Until it is overwritten, the stick has the mark that it came with. */
	if (!rc && id->mark[0])
		rc = run(j, ADD_MARK, fault, "iti", *stick, id->mark, (int64_t)1);
	if (!rc && mark[0])
		rc = run(j, ADD_MARK, fault, "iti", *stick, mark, (int64_t)0);
	for (size_t i = 0; i < n && !rc; i++)
		rc = run(j, ADD_PLACE, fault, "itti", *stick, pids[i], when, (int64_t)0);
	return end(j, rc, fault);
}

int journal_done(struct journal *j, int64_t stick, struct fault *fault)
{
	char when[CLOCK_TEXT + 1];
	int rc = run(j, BEGIN, fault, "");

	clock_show(clock_now(), when);
	if (!rc)
		rc = run(j, END_OLD, fault, "it", stick, when);
	if (!rc)
		rc = run(j, DROP_MARKS, fault, "i", stick);
	return end(j, rc, fault);
}

int journal_gone(struct journal *j, const struct identity *id, const char *mark,
		 struct fault *fault)
{
	int64_t stick = 0;
	char when[CLOCK_TEXT + 1];
	int rc = run(j, BEGIN, fault, "");

	clock_show(clock_now(), when);
	if (!rc)
		rc = find_stick(j, id, &stick, fault);
	if (!rc && stick)
		rc = run(j, END_ALL, fault, "it", stick, when);
	if (!rc && stick)
		rc = run(j, AGE_MARKS, fault, "i", stick);
	if (!rc && stick && mark[0])
		rc = run(j, ADD_MARK, fault, "iti", stick, mark, (int64_t)0);
	if (!rc && stick)
		rc = run(j, DROP_MARKS, fault, "i", stick);
	return end(j, rc, fault);
}

/* ---- taking over ---- */

/* STICK of a line without its %XX. What has no two digits, or is a NUL, stays as it is. */
static void unescape(char *out, size_t size, const char *stick)
{
	size_t n = 0;

	for (; *stick && n + 1 < size; stick++) {
		int high = *stick == '%' ? hex_digit(stick[1]) : -1;
		int low = high < 0 ? -1 : hex_digit(stick[2]);

		if (low < 0 || !(high << 4 | low)) {
			out[n++] = *stick;
			continue;
		}
		out[n++] = (char)(high << 4 | low);
		stick += 2;
	}
	out[n] = '\0';
}

/* A stick as an earlier journal names it: an image by its path, all others by serial number. */
static int earlier_stick(struct journal *j, const char *name, int64_t *out, struct fault *fault)
{
	struct identity id = { .image = true };	/* by its device alone */

	unescape(id.name, sizeof(id.name), name);
	snprintf(id.device, sizeof(id.device), "%s %s", id.name[0] == '/' ? "image" : "serial",
		 id.name);
	return make_stick(j, &id, out, fault);
}

static int take_line(struct journal *j, char *line, struct fault *fault)
{
	char *field[4], when[24];
	const char *what;
	int64_t stick;
	int rc;

	for (size_t i = 0; i < 4; i++) {
		field[i] = line;
		line = strpbrk(line, i < 3 ? "\t" : "\n");
		if (!line)
			return 0;
		*line++ = '\0';
	}
	what = field[1];
	if (strcmp(what, "put") && strcmp(what, "next") && strcmp(what, "done") &&
	    strcmp(what, "gone"))
		return 0;
	if (!strcmp(what, "put") && pidpps_check_pid(field[3]))
		return 0;
	text_clean(when, sizeof(when), field[0]);
	rc = earlier_stick(j, field[2], &stick, fault);
	if (rc)
		return rc;
	if (!strcmp(what, "put"))
		return run(j, ADD_PLACE, fault, "itti", stick, field[3], when, (int64_t)0);
	if (!strcmp(what, "next"))
		return run(j, AGE_PLACES, fault, "i", stick);
	return run(j, strcmp(what, "done") ? END_ALL : END_OLD, fault, "it", stick, when);
}

/* A text file; each line as it comes. */
static int take_text(struct journal *j, FILE *f, const char *path, struct fault *fault)
{
	char line[1024];
	bool whole = true, begins;
	int rc = 0;

	while (!rc && fgets(line, sizeof(line), f)) {
		begins = whole;
		whole = strchr(line, '\n') != NULL;
		/* A line that is too long is not of a journal. */
		if (begins && whole)
			rc = take_line(j, line, fault);
	}
	if (!rc && ferror(f))
		rc = fault_sys(fault, errno, "cannot read the journal %s", path);
	return rc;
}

/*
 * What is on the stick in row FROM of OTHER, onto the stick ID here. Whether a stick here is the
 * same cannot be told for certain: it gets a row of its own, and at worst one question too many.
 */
static int take_stick(struct journal *j, struct journal *other, int64_t from,
		      const struct identity *id, struct fault *fault)
{
	sqlite3_stmt *s;
	int64_t stick;
	int rc = id->image ? make_stick(j, id, &stick, fault) : add_stick(j, id, &stick, fault);
	int more;

	s = bind(other, MARKS_OF, "i", from);
	while (!rc && (more = step(other, s, fault)) != 0) {
		rc = more < 0 ? more : run(j, ADD_MARK, fault, "iti", stick, column(s, 0),
					   (int64_t)sqlite3_column_int64(s, 1));
	}
	s = bind(other, PLACES_OF, "i", from);
	while (!rc && (more = step(other, s, fault)) != 0) {
		if (more < 0)
			rc = more;
		else if (!pidpps_check_pid(column(s, 0)))
			rc = run(j, ADD_PLACE, fault, "itti", stick, column(s, 0), column(s, 1),
				 (int64_t)sqlite3_column_int64(s, 2));
	}
	return rc;
}

static int take_journal(struct journal *j, const char *path, struct fault *fault)
{
	struct journal *other = NULL;
	sqlite3_stmt *s;
	int more, rc = journal_open(&other, path, NULL, fault);

	if (rc)
		return rc;
	s = bind(other, ALL_STICKS, "");
	while (!rc && (more = step(other, s, fault)) != 0) {
		struct identity id = { 0 };

		if (more < 0) {
			rc = more;
			break;
		}
		snprintf(id.name, sizeof(id.name), "%s", column(s, 1));
		snprintf(id.device, sizeof(id.device), "%s", column(s, 2));
		snprintf(id.port, sizeof(id.port), "%s", column(s, 3));
		id.bytes = (uint64_t)sqlite3_column_int64(s, 4);
		id.weak = sqlite3_column_int64(s, 5);
		id.image = !strncmp(id.device, "image ", strlen("image "));
		rc = take_stick(j, other, sqlite3_column_int64(s, 0), &id, fault);
	}
	journal_close(&other);
	return rc;
}

/* Is it the file that was taken over before, and could not be renamed? */
static int was_taken(struct journal *j, const char *path, const struct stat *st,
		     struct fault *fault)
{
	sqlite3_stmt *s = bind(j, WAS_TAKEN, "tii", path, (int64_t)st->st_ino,
			       (int64_t)st->st_size);
	int rc = step(j, s, fault);

	if (rc == 1)
		sqlite3_reset(s);
	return rc;
}

int journal_take_over(struct journal *j, const char *path, struct fault *fault)
{
	char taken[PATH_MAX + 16], magic[16];
	struct stat st;
	FILE *f;
	bool is_text;
	int rc = 0, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 :
			fault_sys(fault, errno, "cannot read the journal %s", path);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return 0;
	}
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return fault_nomem(fault);
	}
	is_text = fread(magic, 1, sizeof(magic), f) != sizeof(magic) ||
		memcmp(magic, "SQLite format 3", sizeof(magic));
	rewind(f);
	rc = run(j, BEGIN, fault, "");
	if (!rc)
		rc = was_taken(j, path, &st, fault);
	if (!rc)
		rc = is_text ? take_text(j, f, path, fault) : take_journal(j, path, fault);
	else if (rc == 1)
		rc = KIT_ERR_DUPLICATE;
	if (!rc)
		rc = run(j, TAKE, fault, "tii", path, (int64_t)st.st_ino, (int64_t)st.st_size);
	rc = end(j, rc, fault);
	fclose(f);
	if (rc && rc != KIT_ERR_DUPLICATE)
		return fault_context(fault, "taking over %s", path);
	snprintf(taken, sizeof(taken), "%s.taken-over", path);
	/* Where that fails, what was noted above keeps it from being taken again. */
	if (!rename(path, taken))
		outfile_sync_folder(taken, NULL);
	return rc ? 0 : 1;
}

/* A path that no file has stands for all users. */
static const struct stat all_users = { .st_size = 0 };

int journal_all_taken(struct journal *j, bool *done, struct fault *fault)
{
	int rc = was_taken(j, "", &all_users, fault);

	*done = rc == 1;
	return rc < 0 ? rc : 0;
}

int journal_note_all_taken(struct journal *j, struct fault *fault)
{
	return run(j, TAKE, fault, "tii", "", (int64_t)0, (int64_t)0);
}

int journal_pids(const struct content *content, char (**pids)[PID_LENGTH + 1], size_t *n,
		 struct fault *fault)
{
	struct sbin_memory_input state;
	struct sbin_input input;
	struct sbin_reader *reader = NULL;
	const struct sbin_header *h;
	struct sbin_record record;
	struct sbin_variable pid;
	size_t room = 0;
	uint32_t number = 0, consumed;
	int rc;

	*pids = NULL;
	*n = 0;
	sbin_input_memory(&input, &state, content->data, content->size, "setup.bin");
	rc = sbin_reader_open(&reader, &input, fault);
	if (rc)
		return rc;
	h = sbin_reader_header(reader);
	consumed = sbin_header_consumable(h) ? h->consumed : 0;
	while ((rc = sbin_reader_next(reader, &record, NULL, fault)) == 1) {
		if (number++ < consumed || !sbin_record_valid(&record) ||
		    sbin_record_find(&record, SBIN_AMT, SBIN_PID, &pid) || pid.length != PID_LENGTH)
			continue;
		if (*n == room) {
			size_t more = room ? room * 2 : 64;
			void *p = reallocarray(*pids, more, sizeof(**pids));

			if (!p) {
				rc = fault_nomem(fault);
				break;
			}
			*pids = p;
			room = more;
		}
		memcpy((*pids)[*n], pid.value, PID_LENGTH);
		(*pids)[*n][PID_LENGTH] = '\0';
		/* A PID is public, but only if it is one: anything else is not written down. */
		if (!pidpps_check_pid((*pids)[*n]))
			++*n;
	}
	sbin_reader_free(&reader);
	if (rc < 0) {
		free(*pids);
		*pids = NULL;
		*n = 0;
	}
	return rc;
}
