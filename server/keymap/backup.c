/* Backup and restore of the map and its key file, while others have the map open. */
#include "server/keymap/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/outfile.h"
#include "server/keymap/keymap-private.h"
#include "server/keymap/schema.h"

#define WAIT_MS	10000

/* A handle of just a database and names, for what is not (yet) a map that can be opened. */
static void drop(struct keymap *m)
{
	sql_close(&m->db);
	seal_free(&m->seal);
	free(m->path);
	free(m->key_file);
	memset(m, 0, sizeof(*m));
}

static int open_plainly(struct keymap *m, const char *path, const char *key_file, unsigned flags,
			struct fault *fault)
{
	const struct sql_options options = { .flags = flags, .wait_ms = WAIT_MS };
	int rc;

	m->path = strdup(path);
	m->key_file = strdup(key_file);
	if (!m->path || !m->key_file)
		return fault_nomem(fault);
	rc = sql_open(&m->db, path, &options, fault);
	if (!rc)
		sql_owner(m->db, &m->owner, &m->group);
	return rc;
}

/*
 * A backup is drafted under a name of its own beside PATH, on a file with a flock() as long as
 * it is worked on: one without is what a backup that was killed has left, with a master key
 * beside it. The next backup into that folder removes it.
 */
#define DRAFT	".unfinished-backup"

static void remove_beside(const char *draft, const char *ending)
{
	char *name = NULL;

	if (asprintf(&name, "%s%s", draft, ending) >= 0)
		unlink(name);
	free(name);
}

static void remove_draft(const char *draft)
{
	const char *const *endings = sql_endings(draft);

	remove_beside(draft, ".key");
	for (int i = 1; endings[i]; i++)
		remove_beside(draft, endings[i]);
	unlink(draft);
}

static void remove_if_left(const char *draft)
{
	int fd = open(draft, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && outfile_is_at(fd, draft))
		remove_draft(draft);
	close(fd);
}

static void remove_left_drafts(const char *path)
{
	char *copy = strdup(path), *name = NULL;
	const char *folder = copy ? dirname(copy) : NULL;
	DIR *dir = folder ? opendir(folder) : NULL;
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		size_t n = strlen(entry->d_name), ending = strlen(DRAFT);

		if (n <= ending || strcmp(entry->d_name + n - ending, DRAFT) != 0 ||
		    asprintf(&name, "%s/%s", folder, entry->d_name) < 0)
			continue;
		remove_if_left(name);
		free(name);
	}
	if (dir)
		closedir(dir);
	free(copy);
}

/* Returns the draft's descriptor, which holds its lock, or a negative code. */
static int make_draft(const char *path, char **name, struct fault *fault)
{
	int fd, rc;

	remove_left_drafts(path);
	if (asprintf(name, "%s" DRAFT, path) < 0) {
		*name = NULL;
		return fault_nomem(fault);
	}
	fd = open(*name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && outfile_is_at(fd, *name))
		return fd;
	if (fd >= 0 || errno == EEXIST) {
		rc = fault_set(fault, KIT_ERR_BUSY, "another backup to %s is being made\n"
			       "wait for it, or choose another name", path);
	} else {
		rc = fault_sys(fault, errno, "cannot make %s", path);
	}
	if (fd >= 0)
		close(fd);
	/* Not ours to remove. */
	free(*name);
	*name = NULL;
	return rc;
}

static int refuse_existing(const char *path, struct fault *fault)
{
	struct stat st;

	if (lstat(path, &st))
		return 0;
	fault_set(fault, KIT_ERR_EXISTS, "%s exists already\n"
		  "choose another name for the backup", path);
	return KIT_ERR_EXISTS;
}

static int check_copy(struct keymap *copy, struct fault *fault)
{
	int rc = sql_check(copy->db, fault);

	if (!rc)
		rc = schema_check(copy, fault);
	if (rc)
		fault_context(fault, "the backup is not sound");
	return rc;
}

/* Give the finished file its name, never over another. */
static int name_it(const char *from, const char *path, struct fault *fault)
{
	if (link(from, path))
		return errno == EEXIST ? refuse_existing(path, fault)
			: fault_sys(fault, errno, "cannot give %s its name", path);
	unlink(from);
	return outfile_sync_folder(path, fault);
}

int keymap_backup(struct keymap *m, const char *path, bool with_key, struct fault *fault)
{
	struct keymap copy = { 0 };
	struct seal *after = NULL;
	char *name = NULL, *key = NULL, *draft = NULL;
	int rc, fd = -1;

	key = keymap_key_file(path, NULL);
	if (!key) {
		rc = fault_nomem(fault);
		goto out;
	}
	rc = refuse_existing(path, fault);
	if (!rc && with_key)
		rc = refuse_existing(key, fault);
	if (!rc)
		fd = rc = make_draft(path, &name, fault);
	if (rc >= 0)
		rc = open_plainly(&copy, name, m->key_file, 0, fault);
	if (!rc)
		rc = sql_snapshot(m->db, copy.db, true, fault);
	/* A rotation may go on meanwhile: the keys of before and after both belong to the copy. */
	if (!rc)
		rc = seal_load(&after, m->key_file, fault);
	if (!rc)
		rc = seal_merge(after, m->seal, fault);
	if (!rc && !(draft = keymap_key_file(name, NULL)))
		rc = fault_nomem(fault);
	if (!rc)
		rc = seal_save(after, draft, geteuid(), getegid(), fault);
	if (!rc) {
		free(copy.key_file);
		copy.key_file = strdup(draft);
		rc = copy.key_file ? check_copy(&copy, fault)
				   : fault_nomem(fault);
	}
	drop(&copy);
	/* The key first: a map that lies there is one that can be opened. */
	if (!rc && with_key)
		rc = name_it(draft, key, fault);
	if (!rc)
		rc = name_it(name, path, fault);
out:
	if (name)
		remove_draft(name);
	if (fd >= 0)
		close(fd);
	seal_free(&after);
	free(draft);
	free(name);
	free(key);
	return rc;
}

/*
 * The key file for the time of the change: the backup's keys and those that are there, so
 * that the map opens whichever content a cut leaves it with.
 */
static int prepare_keys(const struct seal *of_backup, struct keymap *to, struct fault *fault)
{
	struct fault inner = { 0 };
	struct seal *both = NULL;
	int rc;

	rc = seal_load(&both, to->key_file, &inner);
	if (rc == KIT_ERR_NOT_FOUND)
		return seal_save(of_backup, to->key_file, to->owner, to->group, fault);
	if (rc)
		return fault_pass(fault, &inner);
	rc = seal_merge(both, of_backup, fault);
	if (!rc)
		rc = seal_save(both, to->key_file, to->owner, to->group, fault);
	seal_free(&both);
	return rc;
}

/* Open the backup and see that it is a sound map that its key file belongs to. */
static int open_backup(struct keymap *from, const char *backup, const char *backup_key,
		       struct fault *fault)
{
	int rc = open_plainly(from, backup, backup_key, SQL_READ_ONLY, fault);

	if (!rc)
		rc = sql_check(from->db, fault);
	return rc ? rc : schema_check(from, fault);
}

int keymap_backup_check(const char *backup, const char *backup_key, struct fault *fault)
{
	struct keymap from = { 0 };
	int rc = open_backup(&from, backup, backup_key, fault);

	drop(&from);
	return rc;
}

int keymap_restore(const char *path, const char *key_file, const char *backup,
		   const char *backup_key, struct fault *fault)
{
	struct keymap from = { 0 }, to = { 0 };
	int rc;

	rc = open_backup(&from, backup, backup_key, fault);
	if (!rc)
		rc = open_plainly(&to, path, key_file, SQL_CREATE, fault);
	if (!rc)
		rc = prepare_keys(from.seal, &to, fault);
	if (!rc)
		rc = sql_snapshot(from.db, to.db, false, fault);
	if (!rc)
		rc = seal_save(from.seal, key_file, to.owner, to.group, fault);
	drop(&from);
	drop(&to);
	return rc;
}
