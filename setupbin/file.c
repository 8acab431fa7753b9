/* A whole setup.bin as a stream of records: inputs, the reader, the writer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/secret.h"
#include "setupbin/file.h"

#define READ_AHEAD	(256 * 1024)	/* bytes; at least one record of the largest size */

static int64_t read_fully(struct sbin_fd_input *s, uint64_t offset, uint8_t *buffer, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = s->forward ? read(s->fd, buffer + done, size - done)
				       : pread(s->fd, buffer + done, size - done,
					       (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	if (s->forward)
		s->at += done;
	return (int64_t)done;
}

static int64_t fd_read_at(void *context, uint64_t offset, void *buffer, size_t size,
			  struct fault *fault)
{
	struct sbin_fd_input *s = context;
	uint8_t skipped[4096];
	int64_t n = 1;

	if (offset > INT64_MAX - size)
		return 0;
	if (s->forward && offset < s->at) {
		fault_set(fault, KIT_ERR_STATE, "a pipe cannot be read a second time\n"
			  "save it to a file first");
		return KIT_ERR_STATE;
	}
	while (s->forward && s->at < offset && n > 0) {
		uint64_t gap = offset - s->at;

		n = read_fully(s, 0, skipped, gap < sizeof(skipped) ? gap : sizeof(skipped));
	}
	secret_wipe(skipped, sizeof(skipped));
	if (n > 0)
		n = read_fully(s, offset, buffer, size);
	return n < 0 ? fault_sys(fault, errno, "cannot read") : n;
}

int sbin_input_fd(struct sbin_input *in, struct sbin_fd_input *state, int fd, const char *name,
		  struct fault *fault)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return fault_sys(fault, errno, "cannot look at %s", name);
	if (S_ISDIR(st.st_mode))
		return fault_sys(fault, EISDIR, "cannot read %s", name);

	*state = (struct sbin_fd_input){ .fd = fd };
	*in = (struct sbin_input){ fd_read_at, state, UINT64_MAX, name };
	if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)) {
		/* A block device has no st_size; seeking to its end shows it. */
		off_t end = S_ISREG(st.st_mode) ? st.st_size : lseek(fd, 0, SEEK_END);

		if (end < 0)
			return fault_sys(fault, errno, "cannot find the size of %s", name);
		in->size = (uint64_t)end;
	} else {
		state->forward = true;
	}
	return 0;
}

static int64_t memory_read_at(void *context, uint64_t offset, void *buffer, size_t size,
			      struct fault *fault)
{
	const struct sbin_memory_input *s = context;

	(void)fault;
	if (offset >= s->size)
		return 0;
	if (size > s->size - offset)
		size = s->size - (size_t)offset;
	if (size != 0)
		memcpy(buffer, s->data + offset, size);
	return (int64_t)size;
}

void sbin_input_memory(struct sbin_input *in, struct sbin_memory_input *state, const void *data,
		       size_t size, const char *name)
{
	*state = (struct sbin_memory_input){ data, size };
	*in = (struct sbin_input){ memory_read_at, state, size, name };
}

/*
 * Records are decoded (unscrambled) where they lie in the read-ahead buffer, so that each
 * may be handed out only once from one filling: [next, next + ahead) are the records in
 * the buffer that are still as stored.
 */
struct sbin_reader {
	struct sbin_input in;
	struct sbin_header header;
	uint8_t *header_bytes;
	size_t record_size;	/* bytes */
	uint32_t next;		/* index of the record that comes next */
	size_t ahead;		/* records in the buffer from NEXT on */
	uint8_t *here;		/* where in the buffer NEXT lies */
	uint64_t end;		/* of the last whole record, once the input was seen to end */
	uint8_t *buffer;	/* SECRET */
	size_t buffer_size;	/* a whole number of records */
};

static int read_header(struct sbin_reader *r, struct fault *fault)
{
	uint8_t first[SBIN_CHUNK];
	size_t size;
	int64_t n;
	int rc;

	n = r->in.read_at(r->in.context, 0, first, sizeof(first), fault);
	if (n < 0)
		return (int)n;
	rc = sbin_header_decode(first, (size_t)n, &r->header, fault);
	if (rc)
		return rc;
	size = (size_t)r->header.chunks * SBIN_CHUNK;
	r->header_bytes = malloc(size);
	if (!r->header_bytes)
		return fault_nomem(fault);
	memcpy(r->header_bytes, first, sizeof(first));
	if (size == sizeof(first))
		return 0;
	n = r->in.read_at(r->in.context, sizeof(first), r->header_bytes + sizeof(first),
			  size - sizeof(first), fault);
	if (n < 0)
		return (int)n;
	if ((size_t)n < size - sizeof(first))
		return fault_set(fault, KIT_ERR_TRUNCATED,
				 "the header is cut short: %zu bytes of %zu",
				 sizeof(first) + (size_t)n, size);
	return 0;
}

int sbin_reader_open(struct sbin_reader **out, const struct sbin_input *in, struct fault *fault)
{
	struct sbin_reader *r = calloc(1, sizeof(*r));
	int rc;

	*out = NULL;
	if (!r)
		return fault_nomem(fault);
	r->in = *in;
	r->end = UINT64_MAX;
	rc = read_header(r, fault);
	if (rc)
		goto out;
	r->record_size = (size_t)r->header.record_chunks * SBIN_CHUNK;
	r->buffer_size = READ_AHEAD / r->record_size * r->record_size;
	/* Most files are small; room beyond their end would be made and wiped for nothing. */
	if (in->size / r->record_size < READ_AHEAD / r->record_size)
		r->buffer_size = ((size_t)in->size / r->record_size + 1) * r->record_size;
	r->buffer = malloc(r->buffer_size);
	if (!r->buffer) {
		rc = fault_nomem(fault);
		goto out;
	}
	r->here = r->buffer;
	*out = r;
	return 0;
out:
	sbin_reader_free(&r);
	fault_context(fault, "%s", in->name);
	return rc;
}

const struct sbin_header *sbin_reader_header(const struct sbin_reader *r)
{
	return &r->header;
}

const uint8_t *sbin_reader_header_bytes(const struct sbin_reader *r)
{
	return r->header_bytes;
}

static uint64_t offset_of(const struct sbin_reader *r, uint32_t index)
{
	return (uint64_t)r->header.chunks * SBIN_CHUNK + (uint64_t)index * r->record_size;
}

/* Fill the buffer from record NEXT on, not past the last record. */
static int fill(struct sbin_reader *r, struct fault *fault)
{
	uint64_t at = offset_of(r, r->next);
	uint64_t left = (uint64_t)(r->header.records - r->next) * r->record_size;
	size_t want = left < r->buffer_size ? (size_t)left : r->buffer_size;
	int64_t n = 0;

	/* A pipe that ended in mid-record has no second end to find. */
	if (at < r->end)
		n = r->in.read_at(r->in.context, at, r->buffer, want, fault);
	if (n < 0) {
		fault_context(fault, "%s", r->in.name);
		return (int)n;
	}
	if ((size_t)n < want && at < r->end)
		r->end = at + (uint64_t)n / r->record_size * r->record_size;
	r->here = r->buffer;
	r->ahead = (size_t)n / r->record_size;
	if (r->ahead != 0)
		return 0;
	fault_set(fault, KIT_ERR_TRUNCATED, "%s ends before record %lu is complete (offset %llu), "
		  "but its header counts %lu records\n"
		  "copy or make the file again", r->in.name, (unsigned long)r->next + 1,
		  (unsigned long long)at, (unsigned long)r->header.records);
	return KIT_ERR_TRUNCATED;
}

int sbin_reader_next(struct sbin_reader *r, struct sbin_record *out, uint64_t *offset,
		     struct fault *fault)
{
	int rc;

	if (r->next >= r->header.records)
		return 0;
	if (r->ahead == 0 && (rc = fill(r, fault)) != 0)
		return rc;
	if (offset)
		*offset = offset_of(r, r->next);
	rc = sbin_record_decode(r->here, r->record_size, out);
	if (rc)
		return fault_set(fault, rc, "%s: %s", r->in.name, error_text(rc));
	r->here += r->record_size;
	r->ahead--;
	r->next++;
	return 1;
}

int sbin_reader_seek(struct sbin_reader *r, uint32_t index)
{
	if (index >= r->header.records)
		return KIT_ERR_RANGE;
	if (index >= r->next && index - r->next < r->ahead) {
		/* A pipe gave these bytes away: they must not be dropped. */
		r->here += (index - r->next) * r->record_size;
		r->ahead -= index - r->next;
	} else {
		r->ahead = 0;
	}
	r->next = index;
	return 0;
}

void sbin_reader_free(struct sbin_reader **rp)
{
	struct sbin_reader *r = *rp;

	*rp = NULL;
	if (!r)
		return;
	if (r->buffer)
		secret_wipe(r->buffer, r->buffer_size);
	free(r->buffer);
	free(r->header_bytes);
	free(r);
}

int sbin_reader_take(struct sbin_reader *r, uint32_t *index, uint64_t *offset,
		     struct sbin_record *out, struct fault *fault)
{
	const struct sbin_header *h = &r->header;
	uint32_t at = sbin_header_consumable(h) ? h->consumed : 0;
	int rc;

	if (at >= h->records)
		return 0;
	rc = sbin_reader_seek(r, at);
	if (rc)
		return fault_set(fault, rc, "%s: %s", r->in.name, error_text(rc));
	*index = at;
	rc = sbin_reader_next(r, out, offset, fault);
	if (rc != 1)
		return rc;
	if (sbin_record_valid(out))
		return 1;
	fault_set(fault, KIT_ERR_STATE, "%s: record %lu is next by the consumed counter but is "
		  "marked as consumed\n"
		  "see what amt-setupbin check says, then create the file again", r->in.name,
		  (unsigned long)at + 1);
	return KIT_ERR_STATE;
}

struct sbin_writer {
	struct outfile *file;		/* the caller's */
	struct sbin_header header;	/* as it was given */
	uint64_t base;			/* where in the outfile the header went */
	uint32_t records;
};

int sbin_writer_open(struct sbin_writer **out, struct outfile *file,
		     const struct sbin_header *header, struct fault *fault)
{
	uint8_t chunk[SBIN_CHUNK];
	struct sbin_writer *w;
	int rc;

	*out = NULL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return fault_nomem(fault);
	w->file = file;
	w->header = *header;
	w->base = outfile_size(file);
	sbin_header_encode(header, chunk);
	rc = outfile_write(file, chunk, sizeof(chunk), fault);
	if (rc) {
		free(w);
		return rc;
	}
	*out = w;
	return 0;
}

int sbin_writer_more_header(struct sbin_writer *w, const uint8_t *chunks, struct fault *fault)
{
	if (w->header.chunks < 2)
		return 0;
	return outfile_write(w->file, chunks, (w->header.chunks - 1u) * SBIN_CHUNK, fault);
}

int sbin_writer_put(struct sbin_writer *w, struct sbin_record *r, struct fault *fault)
{
	if (r->size != (size_t)w->header.record_chunks * SBIN_CHUNK)
		return fault_set(fault, KIT_ERR_ARGUMENT,
				 "record %lu has %zu bytes, all others of the file %zu",
				 (unsigned long)r->number, r->size,
				 (size_t)w->header.record_chunks * SBIN_CHUNK);
	if (w->records == UINT32_MAX)
		return fault_set(fault, KIT_ERR_RANGE, "no setup.bin holds more than %lu records",
				 (unsigned long)UINT32_MAX);
	sbin_record_encode(r);
	w->records++;
	return outfile_write(w->file, r->data, r->size, fault);
}

int sbin_writer_end(struct sbin_writer **wp, struct fault *fault)
{
	struct sbin_writer *w = *wp;
	uint8_t chunk[SBIN_CHUNK];
	int rc = 0;

	/* Standard output cannot be patched; nor need it be when the count was foreseen. */
	if (w->records != w->header.records) {
		w->header.records = w->records;
		sbin_header_encode(&w->header, chunk);
		rc = outfile_patch(w->file, w->base, chunk, sizeof(chunk), fault);
	}
	sbin_writer_discard(wp);
	return rc;
}

void sbin_writer_discard(struct sbin_writer **wp)
{
	free(*wp);
	*wp = NULL;
}
