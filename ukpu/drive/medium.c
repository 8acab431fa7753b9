/* Reading past the cache, in windows that are large enough for O_DIRECT to be fast. */
#include "ukpu/drive/medium.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/secret.h"

#define WINDOW		((size_t)64 << 10)	/* bytes read at once */
#define WINDOWS		32	/* kept; each for every 32nd place */
#define DIRECT_ALIGN	4096

struct medium {
	const char *path;	/* the caller's */
	int fd;
	bool direct;
	uint8_t *buffer;	/* SECRET: WINDOWS of them, aligned */
	struct {
		uint64_t at;
		size_t bytes;	/* that are valid; 0 after a write */
		bool touched;	/* was used, and has to be wiped */
	} window[WINDOWS];
};

int medium_open(struct medium **out, const char *path, struct fault *fault)
{
	struct medium *m = calloc(1, sizeof(*m));
	int rc = 0;

	*out = NULL;
	if (!m)
		return fault_nomem(fault);
	m->path = path;
	m->fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECT);
	m->direct = m->fd >= 0;
	if (m->fd < 0 && errno == EINVAL)	/* a file system without O_DIRECT */
		m->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (m->fd < 0)
		rc = fault_sys(fault, errno, "cannot open %s again", path);
	else if (!(m->buffer = aligned_alloc(DIRECT_ALIGN, WINDOWS * WINDOW)))
		rc = fault_nomem(fault);
	if (rc)
		medium_close(&m);
	*out = m;
	return rc;
}

void medium_close(struct medium **m)
{
	if (!*m)
		return;
	if ((*m)->fd >= 0)
		close((*m)->fd);
	for (size_t i = 0; i < WINDOWS; i++) {
		if ((*m)->window[i].touched)
			secret_wipe((*m)->buffer + i * WINDOW, WINDOW);
	}
	free((*m)->buffer);
	free(*m);
	*m = NULL;
}

int medium_fd(const struct medium *m)
{
	return m->fd;
}

int medium_drop_cache(struct medium *m, int writer, struct fault *fault)
{
	struct stat st;

	if (m->direct)
		return 0;
	if (fstat(writer, &st) || fsync(writer) || (S_ISBLK(st.st_mode) ?
	    ioctl(writer, BLKFLSBUF, 0) : posix_fadvise(m->fd, 0, 0, POSIX_FADV_DONTNEED)))
		return fault_sys(fault, errno, "cannot drop the cache of %s", m->path);
	return 0;
}

void medium_forget(struct medium *m)
{
	for (size_t i = 0; m && i < WINDOWS; i++)
		m->window[i].bytes = 0;
}

/* Read window I, which holds byte OFFSET; O_DIRECT needs buffer, offset and size aligned. */
static int fill_window(struct medium *m, size_t i, uint64_t offset, struct fault *fault)
{
	uint64_t base = offset - offset % WINDOW;
	ssize_t done;

	m->window[i].bytes = 0;
	m->window[i].touched = true;
	do {
		done = pread(m->fd, m->buffer + i * WINDOW, WINDOW, (off_t)base);
	} while (done < 0 && errno == EINTR);
	if (done < 0 || (uint64_t)done <= offset - base)
		return fault_sys(fault, done < 0 ? errno : EIO, "%s: cannot read back byte %llu",
				 m->path, (unsigned long long)base);
	m->window[i].at = base;
	m->window[i].bytes = (size_t)done;
	return 0;
}

int medium_read(struct medium *m, uint64_t offset, void *buffer, size_t size, struct fault *fault)
{
	uint8_t *out = buffer;

	while (size) {
		size_t i = (size_t)(offset / WINDOW % WINDOWS), skip, n;
		int rc = 0;

		if (offset - m->window[i].at >= m->window[i].bytes)
			rc = fill_window(m, i, offset, fault);
		if (rc)
			return rc;
		skip = (size_t)(offset - m->window[i].at);
		n = m->window[i].bytes - skip < size ? m->window[i].bytes - skip : size;
		memcpy(out, m->buffer + i * WINDOW + skip, n);
		out += n;
		offset += n;
		size -= n;
	}
	return 0;
}
