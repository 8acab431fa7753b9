/* Reading of whole disks, bounded by their size. */
#include "ukpu/format/disk.h"

#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

int disk_read(const struct disk *d, uint64_t offset, void *buffer, size_t size,
	      struct fault *fault)
{
	if (offset > d->size || size > d->size - offset)
		return fault_set(fault, KIT_ERR_TRUNCATED,
				 "%s: %zu bytes at byte %llu are past the end (%llu bytes)",
				 d->name, size, (unsigned long long)offset,
				 (unsigned long long)d->size);
	return size ? d->read(d->context, offset, buffer, size, fault) : 0;
}

static int fd_read(void *context, uint64_t offset, void *buffer, size_t size,
		   struct fault *fault)
{
	const struct disk_fd *state = context;
	uint8_t *p = buffer;

	while (size) {
		ssize_t n = pread(state->fd, p, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault_sys(fault, errno, "cannot read %zu bytes at byte %llu", size,
					 (unsigned long long)offset);
		if (!n)
			return fault_set(fault, KIT_ERR_TRUNCATED,
					 "nothing left to read at byte %llu",
					 (unsigned long long)offset);
		p += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return 0;
}

int disk_open_fd(struct disk *out, struct disk_fd *state, int fd, const char *name,
		 struct fault *fault)
{
	struct stat st;
	uint64_t size;
	int sector = DISK_SECTOR;

	if (fstat(fd, &st))
		return fault_sys(fault, errno, "cannot look at %s", name);
	size = (uint64_t)st.st_size;
	if (S_ISBLK(st.st_mode) &&
	    (ioctl(fd, BLKGETSIZE64, &size) || ioctl(fd, BLKSSZGET, &sector)))
		return fault_sys(fault, errno, "cannot get the size of %s", name);
	if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return fault_set(fault, KIT_ERR_ARGUMENT,
				 "%s is neither a block device nor an ordinary file", name);
	state->fd = fd;
	*out = (struct disk){ fd_read, state, size, (uint32_t)sector, name };
	return 0;
}

static int memory_read(void *context, uint64_t offset, void *buffer, size_t size,
		       struct fault *fault)
{
	const struct disk_memory *state = context;

	memcpy(buffer, state->data + offset, size);
	return 0;
}

void disk_open_memory(struct disk *out, struct disk_memory *state, const void *data,
		      uint64_t size, const char *name)
{
	state->data = data;
	*out = (struct disk){ memory_read, state, size, DISK_SECTOR, name };
}
