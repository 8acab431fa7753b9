/* Output files that appear whole or not at all, and private unless the caller wants otherwise. */
#include "common/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/secret.h"

#define BUFFER		(256 * 1024)
#define WRITE_AHEAD	(8 * 1024 * 1024)	/* bytes after which the disk is set to work */

struct outfile {
	int fd;
	char *path;
	char *folder;
	char *temporary;	/* name of the file until commit; NULL when it has none */
	bool force, standard;
	uint64_t size;		/* bytes appended, the buffered ones too */
	uint64_t started;	/* bytes that the disk was asked to begin with */
	size_t used;
	uint8_t buffer[BUFFER];	/* may hold secrets */
};

static int write_all(int fd, const uint8_t *data, size_t size, const char *path,
		     struct fault *fault)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault_sys(fault, errno, "cannot write %s", path);
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

/*
 * The disk may begin while the file is still being made; the fsync() at its end then has
 * little left to wait for. Only a hint: where it does not work, nothing is lost.
 */
static void start_writing(struct outfile *o)
{
	if (!o->standard && o->size - o->started >= WRITE_AHEAD) {
		sync_file_range(o->fd, (off_t)o->started, (off_t)(o->size - o->started),
				SYNC_FILE_RANGE_WRITE);
		o->started = o->size;
	}
}

static int flush(struct outfile *o, struct fault *fault)
{
	int rc = write_all(o->fd, o->buffer, o->used, o->path, fault);

	o->used = 0;
	start_writing(o);
	return rc;
}

static char *folder_of(const char *path)
{
	char *copy = strdup(path), *folder = NULL;

	if (copy)
		folder = strdup(dirname(copy));
	free(copy);
	return folder;
}

static char *temporary_name(const char *path)
{
	char *copy = strdup(path), *folder = folder_of(path), *name = NULL;

	/* A long name must leave room for what is added to it. */
	if (copy && folder && asprintf(&name, "%s/.%.200s.XXXXXX", folder, basename(copy)) < 0)
		name = NULL;
	free(copy);
	free(folder);
	return name;
}

static int cannot_make(const struct outfile *o, int err, struct fault *fault)
{
	int rc = fault_sys(fault, err, "cannot make %s", o->path);

	if (err == ENOENT || err == ENOTDIR)
		fault_hint(fault, "make its folder first, or name another one");
	return rc;
}

/* Open the file: without a name where the file system can, else under a temporary one. */
static int begin(struct outfile *o, mode_t mode, struct fault *fault)
{
	o->fd = open(o->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
	if (o->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL)
		return cannot_make(o, errno, fault);
	o->temporary = temporary_name(o->path);
	if (!o->temporary)
		return fault_sys(fault, ENOMEM, "cannot make %s", o->path);
	o->fd = mkostemp(o->temporary, O_CLOEXEC);
	if (o->fd < 0) {
		int rc = cannot_make(o, errno, fault);

		free(o->temporary);
		o->temporary = NULL;
		return rc;
	}
	if (fchmod(o->fd, mode))
		return fault_sys(fault, errno, "cannot set the mode of %s", o->path);
	return 0;
}

static int refuse_existing(const char *path, struct fault *fault)
{
	fault_set(fault, KIT_ERR_EXISTS, "%s exists already\n"
		  "choose another name, or give --force to replace it", path);
	return KIT_ERR_EXISTS;
}

int outfile_open(struct outfile **out, const char *path, unsigned flags, struct fault *fault)
{
	struct outfile *o;
	struct stat st;
	mode_t mode = 0600, mask;
	bool there;
	int rc = 0;

	*out = NULL;
	o = malloc(sizeof(*o));
	if (!o)
		return fault_sys(fault, ENOMEM, "cannot make %s", path);
	/* The buffer is left as it is: it is written before it is read. */
	memset(o, 0, offsetof(struct outfile, buffer));
	o->fd = -1;
	o->force = flags & OUTFILE_FORCE;
	o->standard = strcmp(path, "-") == 0;
	o->path = strdup(o->standard ? "standard output" : path);
	o->folder = folder_of(path);
	if (!o->path || !o->folder) {
		rc = fault_sys(fault, ENOMEM, "cannot make %s", path);
		goto out;
	}
	if (o->standard) {
		/* Held back in memory, for it must not reach a disk under another name. */
		o->fd = flags & OUTFILE_HOLD ? memfd_create("held", MFD_CLOEXEC) : STDOUT_FILENO;
		if (o->fd < 0)
			rc = fault_sys(fault, errno, "cannot hold the output back in memory");
		goto out;
	}
	if (!*path || path[strlen(path) - 1] == '/') {
		rc = fault_set(fault, KIT_ERR_ARGUMENT, "\"%s\" is not a name for a file", path);
		goto out;
	}
	/* A name that cannot be given must be known before there is anything to lose. */
	there = lstat(path, &st) == 0;
	if (!there && errno != ENOENT) {
		rc = cannot_make(o, errno, fault);
		goto out;
	}
	if (there) {
		if (!o->force) {
			rc = refuse_existing(path, fault);
			goto out;
		}
		if (!S_ISREG(st.st_mode)) {
			rc = fault_set(fault, KIT_ERR_EXISTS, "%s is not an ordinary file, so it "
				       "is not replaced\n"
				       "choose another name", path);
			goto out;
		}
	}
	if (flags & OUTFILE_PUBLIC) {
		mask = umask(0);
		umask(mask);
		mode = 0666 & ~mask;
	}
	rc = begin(o, mode, fault);
out:
	if (rc)
		outfile_discard(&o);
	*out = o;
	return rc;
}

int outfile_write(struct outfile *o, const void *data, size_t size, struct fault *fault)
{
	int rc = 0;

	if (size > sizeof(o->buffer) - o->used)
		rc = flush(o, fault);
	if (rc)
		return rc;
	if (size > sizeof(o->buffer)) {
		rc = write_all(o->fd, data, size, o->path, fault);
	} else {
		memcpy(o->buffer + o->used, data, size);
		o->used += size;
	}
	o->size += size;
	return rc;
}

int outfile_patch(struct outfile *o, uint64_t offset, const void *data, size_t size,
		  struct fault *fault)
{
	const uint8_t *p = data;
	int rc;

	if (o->standard)
		return fault_set(fault, KIT_ERR_ARGUMENT,
				 "standard output cannot be filled in afterwards");
	rc = flush(o, fault);
	while (!rc && size) {
		ssize_t n = pwrite(o->fd, p, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault_sys(fault, errno, "cannot write %s", o->path);
		p += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return rc;
}

int outfile_owner(struct outfile *o, uid_t owner, gid_t group, struct fault *fault)
{
	struct stat st;

	if (o->standard)
		return 0;
	if (fstat(o->fd, &st))
		return fault_sys(fault, errno, "cannot examine %s", o->path);
	if ((st.st_uid != owner || st.st_gid != group) && fchown(o->fd, owner, group))
		return fault_sys(fault, errno, "cannot set the owner of %s", o->path);
	return 0;
}

int outfile_group(struct outfile *o, gid_t group, struct fault *fault)
{
	if (o->standard)
		return 0;
	if (fchown(o->fd, (uid_t)-1, group))
		return fault_sys(fault, errno, "cannot set the group of %s", o->path);
	if (fchmod(o->fd, 0640))
		return fault_sys(fault, errno, "cannot set the mode of %s", o->path);
	return 0;
}

/* Do A and B name one entry of a folder, or is the file called A the file B? */
static int is_same(const char *a, const char *b, bool *same, struct fault *fault)
{
	char *copy_a = strdup(a), *folder_a = folder_of(a);
	char *copy_b = strdup(b), *folder_b = folder_of(b);
	struct stat x, y;
	int rc = 0;

	*same = false;
	if (!copy_a || !copy_b || !folder_a || !folder_b)
		rc = fault_sys(fault, ENOMEM, "cannot compare %s and %s", a, b);
	else if (lstat(a, &x) == 0 && stat(b, &y) == 0)
		*same = x.st_dev == y.st_dev && x.st_ino == y.st_ino;
	if (!rc && !*same && stat(folder_a, &x) == 0 && stat(folder_b, &y) == 0)
		*same = x.st_dev == y.st_dev && x.st_ino == y.st_ino &&
			strcmp(basename(copy_a), basename(copy_b)) == 0;
	free(copy_a);
	free(copy_b);
	free(folder_a);
	free(folder_b);
	return rc;
}

int outfile_spares(const struct outfile *o, const char *path, struct fault *fault)
{
	bool same;
	int rc;

	if (!o || o->standard)
		return 0;
	rc = is_same(o->path, path, &same, fault);
	if (rc || !same)
		return rc;
	return fault_set(fault, KIT_ERR_ARGUMENT, "%s and %s are the same file\n"
			 "give each a name of its own", o->path, path);
}

int outfile_distinct(const struct outfile *a, const struct outfile *b, struct fault *fault)
{
	return !b || b->standard ? 0 : outfile_spares(a, b->path, fault);
}

uint64_t outfile_size(const struct outfile *o)
{
	return o->size;
}

/* Give a file without a name the name PATH; EEXIST if it is taken. Returns 0 or -1. */
static int name_it(struct outfile *o, const char *path)
{
	char self[64];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", o->fd);
	return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/* A temporary name for a file that has none, to be renamed over an existing file. */
static int name_temporarily(struct outfile *o)
{
	o->temporary = temporary_name(o->path);
	if (!o->temporary) {
		errno = ENOMEM;
		return -1;
	}
	for (int i = 0; i < 100; i++) {
		char *end = o->temporary + strlen(o->temporary) - 6;
		int fd;

		/* mkstemp() finds a free name; the file it makes gives way to ours. */
		memcpy(end, "XXXXXX", 6);
		fd = mkstemp(o->temporary);
		if (fd < 0)
			break;
		close(fd);
		unlink(o->temporary);
		if (name_it(o, o->temporary) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	free(o->temporary);
	o->temporary = NULL;
	return -1;
}

static int finish(struct outfile *o, struct fault *fault)
{
	int failed;

	if (fsync(o->fd))
		return fault_sys(fault, errno, "cannot write %s safely to its disk", o->path);
	if (o->force) {
		failed = (!o->temporary && name_temporarily(o)) || rename(o->temporary, o->path);
	} else if (o->temporary) {
		failed = renameat2(AT_FDCWD, o->temporary, AT_FDCWD, o->path, RENAME_NOREPLACE);
		/* Not every file system knows that flag; a hard link never replaces either. */
		if (failed && errno == EINVAL)
			failed = link(o->temporary, o->path) || unlink(o->temporary);
	} else {
		failed = name_it(o, o->path);
	}
	if (failed && errno == EEXIST)
		return refuse_existing(o->path, fault);
	if (failed) {
		int rc = fault_sys(fault, errno, "cannot give %s its name", o->path);

		/* The way to a file without a name leads through /proc. */
		if (access("/proc/self/fd", X_OK))
			fault_hint(fault,
				   "mount /proc, without which no finished file gets its name");
		return rc;
	}
	free(o->temporary);
	o->temporary = NULL;
	return outfile_sync_folder(o->path, fault);
}

/* Pass on what was held back from standard output. */
static int release_held(struct outfile *o, struct fault *fault)
{
	int rc = 0;

	if (lseek(o->fd, 0, SEEK_SET) < 0)
		return fault_sys(fault, errno, "cannot read the output held back");
	while (!rc) {
		ssize_t n = read(o->fd, o->buffer, sizeof(o->buffer));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault_sys(fault, errno, "cannot read the output held back");
		if (n == 0)
			break;
		rc = write_all(STDOUT_FILENO, o->buffer, (size_t)n, o->path, fault);
	}
	return rc;
}

int outfile_commit(struct outfile **op, struct fault *fault)
{
	struct outfile *o = *op;
	int rc = flush(o, fault);

	if (!rc && !o->standard)
		rc = finish(o, fault);
	else if (!rc && o->fd != STDOUT_FILENO)
		rc = release_held(o, fault);
	outfile_discard(op);
	return rc;
}

void outfile_discard(struct outfile **op)
{
	struct outfile *o = *op;

	*op = NULL;
	if (!o)
		return;
	if (o->temporary)
		unlink(o->temporary);
	if (o->fd >= 0 && o->fd != STDOUT_FILENO)
		close(o->fd);
	secret_wipe(o->buffer, o->size < sizeof(o->buffer) ? (size_t)o->size : sizeof(o->buffer));
	free(o->temporary);
	free(o->folder);
	free(o->path);
	free(o);
}

bool outfile_is_at(int fd, const char *path)
{
	struct stat open_file, named;

	return fstat(fd, &open_file) == 0 && lstat(path, &named) == 0 &&
	       open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

int outfile_sync_folder(const char *path, struct fault *fault)
{
	char *folder = folder_of(path);
	int fd, rc = 0;

	if (!folder)
		return fault_sys(fault, ENOMEM, "cannot make %s durable", path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* EINVAL: a file system (CIFS, 9p) that has nothing to write for a folder. */
	if (fd < 0 || (fsync(fd) && errno != EINVAL))
		rc = fault_sys(fault, errno, "cannot make the name %s durable", path);
	if (fd >= 0)
		close(fd);
	free(folder);
	return rc;
}

int outfile_make_folders(char *path, size_t from, mode_t mode, struct fault *fault)
{
	int rc = 0;

	for (char *p = path + from; *p && !rc; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (!mkdir(path, mode))
			rc = outfile_sync_folder(path, fault);
		else if (errno != EEXIST)
			rc = fault_sys(fault, errno, "cannot make the folder %s", path);
		*p = '/';
	}
	return rc;
}
