/* One exclusive descriptor on a stick or image: what it is, its writes, the first error. */
#include "ukpu/drive/target.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/outfile.h"
#include "ukpu/drive/medium.h"

#ifndef BLKGETDISKSEQ
#define BLKGETDISKSEQ _IOR(0x12, 128, uint64_t)
#endif

#define PIECE		((size_t)1 << 20)	/* bytes in one write, then a look at progress */
#define NOWHERE		UINT64_MAX		/* an error without a place */
#define GONE_TRIES	20			/* checks, 50 ms apart, for a pulled stick */
#define LOCK_TRIES	20	/* 100 ms apart: udev holds the lock briefly while it probes */

struct target {
	char *path;
	int fd;
	bool made;		/* an image that was not there before */
	bool named;		/* and its folder has its name for good */
	unsigned flags;
	struct stat st;
	uint64_t diskseq;	/* number of the medium since boot; 0: the kernel has none */
	struct drive drive;	/* of a block device */
	struct disk disk;
	struct disk_fd disk_state;
	struct medium *medium;	/* NULL until something is read back */
	struct disk fresh;
	struct fault first;	/* the first error of a write or flush */
	uint64_t written, reached;
	struct target_hook hook;
};

const struct disk *target_disk(const struct target *t)
{
	return &t->disk;
}

int target_fd(const struct target *t)
{
	return t->fd;
}

bool target_is_image(const struct target *t)
{
	return t->flags & TARGET_IMAGE;
}

bool target_made(const struct target *t)
{
	return t->made;
}

const char *target_path(const struct target *t)
{
	return t->path;
}

const struct drive *target_drive(const struct target *t)
{
	return target_is_image(t) ? NULL : &t->drive;
}

uint64_t target_written(const struct target *t)
{
	return t->written;
}

uint64_t target_reached(const struct target *t)
{
	return t->reached;
}

void target_set_hook(struct target *t, const struct target_hook *hook)
{
	t->hook = *hook;
}

bool target_next_data(const struct target *t, uint64_t *offset, uint64_t end, uint64_t *stop)
{
	off_t data = target_is_image(t) ? lseek(t->fd, (off_t)*offset, SEEK_DATA) : -1, hole;

	*stop = end;
	if (data < 0)
		return !(target_is_image(t) && errno == ENXIO) && *offset < end;
	hole = lseek(t->fd, data, SEEK_HOLE);
	*offset = (uint64_t)data;
	if (hole > data && (uint64_t)hole < end)
		*stop = (uint64_t)hole;
	return *offset < end;
}

static int lock(struct target *t, struct fault *fault)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	int how = (t->flags & TARGET_WRITE ? LOCK_EX : LOCK_SH) | LOCK_NB;

	for (int i = 0; flock(t->fd, how); i++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fault_sys(fault, errno, "cannot lock %s", t->path);
		if (i == LOCK_TRIES) {
			return fault_set(fault, KIT_ERR_BUSY, "%s: another program has locked it\n"
					 "wait until that program is done, then try again",
					 t->path);
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int open_failed(const char *path, unsigned flags, int err, struct fault *fault)
{
	switch (err) {
	case EBUSY:
		return fault_set(fault, KIT_ERR_BUSY, "%s is in use: one of its partitions is "
				 "mounted, or the system holds it\n"
				 "find out by what: lsblk %s; unmount it, then try again", path,
				 path);
	case ENOMEDIUM:
		return fault_set(fault, KIT_ERR_REMOVED, "%s: no medium inserted\n"
				 "insert the stick or card", path);
	case EROFS:
		if (flags & TARGET_IMAGE) {
			return fault_set(fault, KIT_ERR_READ_ONLY, "%s is on a read-only file "
					 "system\n"
					 "copy the image to a place where it can be written", path);
		}
		return fault_set(fault, KIT_ERR_READ_ONLY, "%s is write-protected\n"
				 "move the stick's lock switch, or use another stick; firmware "
				 "must write to it, too", path);
	default:
		return fault_sys(fault, err, "cannot open %s", path);
	}
}

/* The descriptor is open: find out what it is, and lock it. */
static int settle(struct target *t, struct fault *fault)
{
	bool image = t->flags & TARGET_IMAGE;
	int rc, read_only = 0;

	if (fstat(t->fd, &t->st))
		return fault_sys(fault, errno, "cannot look at %s", t->path);
	if (image ? !S_ISREG(t->st.st_mode) : !S_ISBLK(t->st.st_mode)) {
		fault_set(fault, KIT_ERR_ARGUMENT, image ? "%s is not an ordinary file" :
			  "%s is not a block device", t->path);
		return fault_hint(fault, "%s",
				  S_ISREG(t->st.st_mode) ? "for an image file, add --image" :
				  S_ISBLK(t->st.st_mode) ? "for a stick, leave --image out" :
				  "list the sticks: ukpu list");
	}
	rc = lock(t, fault);
	if (rc)
		return rc;
	if (!image && t->flags & TARGET_WRITE && !ioctl(t->fd, BLKROGET, &read_only) && read_only)
		return open_failed(t->path, t->flags, EROFS, fault);
	if (!image && ioctl(t->fd, BLKGETDISKSEQ, &t->diskseq))
		t->diskseq = 0;		/* before Linux 5.15 */
	if (!image) {
		rc = drive_find(DRIVE_SYS, t->path, &t->drive, fault);
		if (rc)
			return rc;
	}
	rc = disk_open_fd(&t->disk, &t->disk_state, t->fd, t->path, fault);
	if (rc)
		return rc;
	if (image && t->disk.size < DISK_SECTOR && !(t->flags & TARGET_WRITE)) {
		return fault_set(fault, KIT_ERR_TRUNCATED, "%s is not an image of a stick: it has "
				 "%llu bytes\n"
				 "name another file", t->path, (unsigned long long)t->disk.size);
	}
	if (!image && !t->disk.size)
		return open_failed(t->path, t->flags, ENOMEDIUM, fault);
	return 0;
}

static int open_with(struct target **out, const char *path, unsigned flags, int how,
		     uint64_t create, struct fault *fault)
{
	struct target *t = calloc(1, sizeof(*t));
	int rc;

	*out = NULL;
	if (!t)
		return fault_nomem(fault);
	t->fd = -1;
	t->flags = flags;
	t->path = strdup(path);
	if (!t->path) {
		rc = fault_nomem(fault);
		goto out;
	}
	/* It must be certain that this call made the image, since it may remove it again. */
	if (create) {
		t->fd = open(path, how | O_CLOEXEC | O_CREAT | O_EXCL, 0600);
		t->made = t->fd >= 0;
	}
	if (!create || (t->fd < 0 && errno == EEXIST))
		t->fd = open(path, how | O_CLOEXEC | O_NOCTTY);
	if (t->fd < 0) {
		rc = open_failed(path, flags, errno, fault);
		goto out;
	}
	rc = settle(t, fault);
	if (!rc && create && t->disk.size != create) {
		if (t->disk.size) {
			rc = fault_set(
				fault, KIT_ERR_EXISTS,
				"%s exists, with %llu bytes instead of "
				"%llu\n"
				"leave --size out to use the image as it is, or name another "
				"file",
				path, (unsigned long long)t->disk.size, (unsigned long long)create);
		} else if (ftruncate(t->fd, (off_t)create)) {
			rc = fault_sys(fault, errno, "cannot make %s %llu bytes long", path,
				      (unsigned long long)create);
		}
		t->disk.size = create;
	}
out:
	if (rc && t->made)
		unlink(path);
	if (rc)
		target_close(&t);
	*out = t;
	return rc;
}

int target_open(struct target **out, const char *path, unsigned flags, struct fault *fault)
{
	int how = flags & TARGET_WRITE ? O_RDWR : O_RDONLY;

	/* O_EXCL on a block device: refused while it is mounted; it cannot be mounted meanwhile. */
	if (flags & TARGET_WRITE && !(flags & TARGET_IMAGE))
		how |= O_EXCL;
	/* The image may be a pipe without a writer: do not wait for one. */
	if (flags & TARGET_IMAGE)
		how |= O_NONBLOCK;
	return open_with(out, path, flags, how, 0, fault);
}

int target_create(struct target **out, const char *path, uint64_t size, struct fault *fault)
{
	return open_with(out, path, TARGET_WRITE | TARGET_IMAGE, O_RDWR | O_NONBLOCK, size, fault);
}

void target_close(struct target **t)
{
	if (!*t)
		return;
	medium_close(&(*t)->medium);
	if ((*t)->fd >= 0)
		close((*t)->fd);
	free((*t)->path);
	free(*t);
	*t = NULL;
}

/* Is the path still the same device and medium as the descriptor FD's? */
static bool same_stick(struct target *t, int fd)
{
	struct drive now;
	struct stat st;
	uint64_t size = 0, diskseq = 0;

	if (stat(t->path, &st))
		return false;
	if (t->flags & TARGET_IMAGE)
		return st.st_dev == t->st.st_dev && st.st_ino == t->st.st_ino;
	if (st.st_rdev != t->st.st_rdev || ioctl(fd, BLKGETSIZE64, &size) ||
	    size != t->disk.size || drive_find(DRIVE_SYS, t->path, &now, NULL) ||
	    strcmp(now.serial, t->drive.serial))
		return false;
	return !t->diskseq || (!ioctl(fd, BLKGETDISKSEQ, &diskseq) && diskseq == t->diskseq);
}

int target_present(struct target *t, struct fault *fault)
{
	/* The descriptor may still work for a while after the device has left sysfs. */
	if (same_stick(t, t->fd))
		return 0;
	return fault_set(fault, KIT_ERR_REMOVED, "%s was removed while it was in use\n"
			 "insert the stick again and start over%s", t->path,
			 t->flags & TARGET_WRITE ? "; what is on it now is incomplete" : "");
}

/* An error may arrive before a pulled stick has left sysfs: wait a moment. */
static bool is_gone(struct target *t)
{
	const struct timespec pause = { .tv_nsec = 50000000 };

	for (int i = 0; i < GONE_TRIES; i++) {
		if (target_present(t, &t->first))
			return true;
		if (t->flags & TARGET_IMAGE)
			return false;
		nanosleep(&pause, NULL);
	}
	return false;
}

/* Remember the first error; if the stick was pulled, that is the error. */
static int failed(struct target *t, int err, const char *doing, uint64_t offset,
		  struct fault *fault)
{
	if (!t->first.code && !is_gone(t)) {
		if (offset == NOWHERE)
			fault_sys(&t->first, err, "%s: %s failed", t->path, doing);
		else
			fault_sys(&t->first, err, "%s: %s failed at byte %llu", t->path, doing,
				  (unsigned long long)offset);
		fault_hint(&t->first, "%s", t->flags & TARGET_IMAGE ?
			   "free space for the image, or put it somewhere else" : err == EROFS ?
			   "the stick is write-protected: move its lock switch, or use another "
			   "stick" : err == EIO ? "the stick is broken: use another one" :
			   "try another stick");
	}
	return fault_pass(fault, &t->first);
}

/* Push what was written so far to the device, so that progress is true. */
static int push(struct target *t, uint64_t offset, size_t size, struct fault *fault)
{
	const unsigned all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
		SYNC_FILE_RANGE_WAIT_AFTER;

	if (sync_file_range(t->fd, (off_t)offset, (off_t)size, all) && errno != ESPIPE &&
	    errno != ENOSYS)
		return failed(t, errno, "writing", offset, fault);
	t->reached = t->written;
	return 0;
}

int target_write(struct target *t, uint64_t offset, const void *data, size_t size,
		 struct fault *fault)
{
	const uint8_t *p = data;
	int rc;

	medium_forget(t->medium);
	if (t->first.code)
		return failed(t, 0, "writing", offset, fault);
	if (offset > t->disk.size || size > t->disk.size - offset)
		return fault_set(fault, KIT_ERR_RANGE, "%s: byte %llu is past its end", t->path,
				 (unsigned long long)offset);
	while (size) {
		size_t n = size < PIECE ? size : PIECE;
		int err = t->hook.event ? t->hook.event(t->hook.context, offset, p, n) : 0;
		ssize_t done = err ? -1 : pwrite(t->fd, p, n, (off_t)offset);

		if (done < 0 && !err && errno == EINTR)
			continue;
		if (done < 0)
			return failed(t, err ? err : errno, "writing", offset, fault);
		/* A disk accepts all that is inside it: less means that it is being removed. A file
		   may have reached a limit, which the next write reports. */
		if ((size_t)done != n && (!done || !(t->flags & TARGET_IMAGE)))
			return failed(t, EIO, "writing", offset + (uint64_t)done, fault);
		n = (size_t)done;
		t->written += n;
		rc = n == PIECE ? push(t, offset, n, fault) : 0;
		if (rc)
			return rc;
		p += n;
		offset += n;
		size -= n;
	}
	return 0;
}

int target_zero(struct target *t, uint64_t offset, uint64_t size, struct fault *fault)
{
	static uint8_t zeros[PIECE];

	while (size) {
		size_t n = size < PIECE ? (size_t)size : PIECE;
		int rc = target_write(t, offset, zeros, n, fault);

		if (rc)
			return rc;
		offset += n;
		size -= n;
	}
	return 0;
}

int target_wrote(struct target *t, uint64_t offset, size_t size, int err, struct fault *fault)
{
	uint8_t buffer[DISK_SECTOR * 8];

	medium_forget(t->medium);
	while (size && !err) {
		size_t n = size < sizeof(buffer) ? size : sizeof(buffer);

		if (disk_read(&t->disk, offset, buffer, n, NULL))
			err = EIO;
		else if (t->hook.event)
			err = t->hook.event(t->hook.context, offset, buffer, n);
		t->written += n;
		offset += n;
		size -= n;
	}
	return err ? failed(t, err, "writing", offset, fault) : 0;
}

int target_flush(struct target *t, struct fault *fault)
{
	int err = 0;

	if (t->first.code)
		return failed(t, 0, "writing", NOWHERE, fault);
	if (t->hook.event)
		err = t->hook.event(t->hook.context, 0, NULL, 0);
	if (!err && fsync(t->fd))
		err = errno;
	if (err)
		return failed(t, err, "writing", NOWHERE, fault);
	t->reached = t->written;
	if (t->made && !t->named) {
		int rc = outfile_sync_folder(t->path, fault);

		if (rc)
			return rc;
		t->named = true;
	}
	return 0;
}

/* If the stick was pulled, that is the error, not that it cannot be read. */
static int fresh_failed(struct target *t, const struct fault *why, struct fault *fault)
{
	if (target_present(t, fault))
		return KIT_ERR_REMOVED;
	return fault_pass(fault, why);
}

static int fresh_read(void *context, uint64_t offset, void *buffer, size_t size,
		      struct fault *fault)
{
	struct target *t = context;
	struct fault why = { 0 };

	return medium_read(t->medium, offset, buffer, size, &why) ? fresh_failed(t, &why, fault) :
		0;
}

int target_fresh(struct target *t, const struct disk **out, struct fault *fault)
{
	struct fault why = { 0 };
	int rc;

	*out = NULL;
	if (t->first.code)
		return failed(t, 0, "writing", NOWHERE, fault);
	if (!t->medium && medium_open(&t->medium, t->path, &why))
		return fresh_failed(t, &why, fault);
	if (!same_stick(t, medium_fd(t->medium))) {
		return fault_set(fault, KIT_ERR_REMOVED, "%s is no longer the stick that was "
				 "written\n"
				 "insert the stick again and start over", t->path);
	}
	rc = medium_drop_cache(t->medium, t->fd, fault);
	if (rc)
		return rc;
	t->fresh = t->disk;
	t->fresh.read = fresh_read;
	t->fresh.context = t;
	*out = &t->fresh;
	return 0;
}
