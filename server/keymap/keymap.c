/* The key map: opening, closing, and how its pairs' states are called. */
#include "server/keymap/keymap.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/outfile.h"
#include "server/keymap/keymap-private.h"
#include "server/keymap/schema.h"

#define WAIT_MS		10000
#define CACHE_KIB	32768	/* the whole index of a million PIDs */

static const char *const words[KEYMAP_STATES] = {
	[KEYMAP_FREE] = "free",
	[KEYMAP_USED] = "used",
	[KEYMAP_RESERVED] = "reserved",
	[KEYMAP_REVOKED] = "revoked",
};

const char *keymap_state_word(enum keymap_state state)
{
	return (unsigned)state < KEYMAP_STATES ? words[state] : "unknown";
}

int keymap_state_parse(const char *word, enum keymap_state *out)
{
	for (int i = 0; i < KEYMAP_STATES; i++) {
		if (strcmp(word, words[i]) == 0) {
			*out = (enum keymap_state)i;
			return 0;
		}
	}
	return KIT_ERR_ARGUMENT;
}

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
		return fault_sys(fault, ENOMEM, "cannot make the map %s", path);
	/* A folder with the sticky bit belongs to everybody, not to its owner. */
	if (stat(dirname(copy), &st) == 0 && !(st.st_mode & S_ISVTX) && st.st_uid != 0 &&
	    fchown(fd, st.st_uid, st.st_gid))
		rc = fault_sys(fault, errno, "cannot set the owner of the map %s", path);
	free(copy);
	return rc;
}

/* Made here, because SQLite would make it by the umask. */
int db_prepare_file(struct keymap *m, bool create, struct fault *fault)
{
	struct stat st;
	int fd, rc = 0;
	bool made = false;

	fd = open(m->path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT && create) {
		fd = open(m->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		made = fd >= 0;
		if (fd < 0 && errno == EEXIST)	/* another process made it just now */
			fd = open(m->path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	}
	if (fd < 0) {
		rc = fault_sys(fault, errno, "cannot open the key map %s", m->path);
		if (rc == KIT_ERR_NOT_FOUND && create)
			fault_hint(fault, "make its folder first, or name another one");
		else if (rc == KIT_ERR_NOT_FOUND)
			fault_hint(fault,
				   "import keys to make it: amt-provisionctl keys import --map"
				   " %s FILE",
				   m->path);
		else
			fault_hint(fault, "name a file that this user may read and write");
		return rc;
	}
	if (made)
		rc = give_to_folder_owner(fd, m->path, fault);
	if (!rc && fstat(fd, &st))
		rc = fault_sys(fault, errno, "cannot examine the key map %s", m->path);
	if (!rc && !S_ISREG(st.st_mode)) {
		rc = fault_set(fault, KIT_ERR_FORMAT, "the key map %s is no ordinary file",
			       m->path);
	} else if (!rc && (st.st_mode & 077)) {
		rc = fault_set(fault, KIT_ERR_PERMISSION,
			       "the key map %s has mode %04o, so others can"
			       " get at it",
			       m->path, (unsigned)(st.st_mode & 07777));
		fault_hint(fault, "chmod 600 %s", m->path);
	}
	if (!rc) {
		m->owner = st.st_uid;
		m->group = st.st_gid;
	}
	if (!rc && made)
		rc = outfile_sync_folder(m->path, fault);
	close(fd);
	return rc;
}

/*
 * A map that was made has tables before it has a key: without a byte it was cut short, and a
 * new one in its place would hide that. The key is looked for first, for another process may
 * be making the map.
 */
static int refuse_cut_map(const struct keymap *m, struct fault *fault)
{
	struct stat st;

	if (access(m->key_file, F_OK) != 0 || stat(m->path, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_size)
		return 0;
	return fault_set(fault, KIT_ERR_FORMAT, "the key map %s is empty, but its key file %s is "
			 "there: the map was cut short\n"
			 "put a backup in its place (amt-provisionctl restore FILE); if it never "
			 "held a key, remove both files", m->path, m->key_file);
}

static int open_database(struct keymap *m, const struct keymap_options *options,
			 struct fault *fault)
{
	char sql[64];
	int rc;

	rc = db_open(m, SQLITE_OPEN_READWRITE, fault);
	if (rc)
		return rc;
	keymap_set_wait(m, options->wait_ms ? options->wait_ms : WAIT_MS);
	sqlite3_snprintf(sizeof(sql), sql, "PRAGMA cache_size = -%u",
			 options->cache_kib ? options->cache_kib : CACHE_KIB);
	rc = db_exec(m, sql, "open the map", fault);
	if (!rc)
		rc = db_exec(m, "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;"
			     " PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000;"
			     " PRAGMA journal_size_limit = 33554432",
			     "open the map", fault);
	return rc;
}

int keymap_open(struct keymap **out, const char *path, const struct keymap_options *options,
		struct fault *fault)
{
	static const struct keymap_options none;
	bool create, unused;
	struct keymap *m;
	int rc;

	*out = NULL;
	if (!options)
		options = &none;
	create = options->flags & KEYMAP_CREATE;
	m = calloc(1, sizeof(*m));
	if (!m)
		return fault_sys(fault, ENOMEM, "cannot open the key map %s", path);
	m->path = strdup(path);
	if (options->key_file)
		m->key_file = strdup(options->key_file);
	else if (asprintf(&m->key_file, "%s.key", path) < 0)
		m->key_file = NULL;
	if (!m->path || !m->key_file) {
		rc = fault_sys(fault, ENOMEM, "cannot open the key map %s", path);
		goto out;
	}
	rc = refuse_cut_map(m, fault);
	if (!rc)
		rc = db_prepare_file(m, create, fault);
	if (!rc)
		rc = open_database(m, options, fault);
	if (!rc)
		rc = schema_prepare(m, create, fault);
	if (!rc)
		rc = keymap_changed(m, &unused, fault);
out:
	if (rc)
		keymap_close(&m);
	*out = m;
	return rc;
}

int keymap_spared(const struct keymap *m, const struct outfile *o, struct fault *fault)
{
	static const char *const beside[] = { "", "-wal", "-shm" };
	int rc = outfile_spares(o, m->key_file, fault);

	for (size_t i = 0; !rc && i < sizeof(beside) / sizeof(beside[0]); i++) {
		char *path;

		if (asprintf(&path, "%s%s", m->path, beside[i]) < 0)
			return fault_sys(fault, ENOMEM, "cannot compare the names of files");
		rc = outfile_spares(o, path, fault);
		free(path);
	}
	return rc;
}

void keymap_close(struct keymap **mp)
{
	struct keymap *m = *mp;

	*mp = NULL;
	if (!m)
		return;
	keymap_rollback(m);
	for (unsigned i = 0; i < m->cached; i++)
		sqlite3_finalize(m->cache[i].statement);
	/*
	 * Of a file that was moved SQLite leaves the write-ahead log behind, under the old name:
	 * the moved map would lack what stands in it, and the next map there would take it over.
	 */
	if (m->db && keymap_in_place(m, NULL))
		sqlite3_wal_checkpoint_v2(m->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_close(m->db);
	seal_free(&m->seal);
	free(m->key_file);
	free(m->path);
	free(m);
}

static int on_busy(void *context, int count)
{
	return db_wait(context, count);
}

void keymap_set_wait(struct keymap *m, unsigned wait_ms)
{
	m->wait_ms = wait_ms;
	sqlite3_busy_handler(m->db, on_busy, m);
}

int keymap_changed(struct keymap *m, bool *changed, struct fault *fault)
{
	sqlite3_stmt *s;
	int64_t version;
	int rc;

	*changed = false;
	rc = db_statement(m, "PRAGMA data_version", &s, fault);
	if (rc)
		return rc;
	rc = db_step(m, s, "see whether the map changed", fault);
	if (rc > 0) {
		version = sqlite3_column_int64(s, 0);
		*changed = version != m->version;
		m->version = version;
	}
	db_done(s);
	return rc < 0 ? rc : 0;
}
