/* A setup.bin in memory: read, checked, wiped. */
#include "ukpu/stick/content.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/secret.h"
#include "setupbin/split.h"

#define FIRST_ROOM	((size_t)64 << 10)

/* Double the room; the old buffer is wiped, which realloc() would not do. */
static int grow(struct content *c, size_t *room)
{
	size_t more = *room ? *room * 2 : FIRST_ROOM;
	uint8_t *data = malloc(more);

	if (!data)
		return KIT_ERR_NOMEM;
	if (c->data) {
		memcpy(data, c->data, c->size);
		secret_wipe(c->data, *room);
		free(c->data);
	}
	c->data = data;
	*room = more;
	return 0;
}

int content_read(struct content *out, const char *path, uint64_t limit, struct fault *fault)
{
	struct content c = { 0 };
	size_t room = 0;
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : STDIN_FILENO;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return fault_sys(fault, errno, "cannot open %s", path);
	for (;;) {
		ssize_t n;

		if (c.size == room && (rc = grow(&c, &room))) {
			fault_nomem(fault);
			goto out;
		}
		n = read(fd, c.data + c.size, room - c.size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			rc = fault_sys(fault, errno, "cannot read %s", path);
			goto out;
		}
		if (!n)
			break;
		c.size += (uint64_t)n;
		if (c.size > limit) {
			rc = fault_set(fault, KIT_ERR_RANGE,
				       "%s has more than %llu bytes, the most "
				       "that a stick can hold\n"
				       "split it: amt-setupbin split -n 2 %s",
				       path, (unsigned long long)limit, path);
			goto out;
		}
	}
	/* Exactly as large as it is, so that it can be wiped by its size. */
	if (c.size) {
		out->data = malloc(c.size);
		if (!out->data) {
			rc = fault_nomem(fault);
			goto out;
		}
		memcpy(out->data, c.data, c.size);
		out->size = c.size;
	}
out:
	if (fd != STDIN_FILENO)
		close(fd);
	secret_wipe(c.data, room);
	free(c.data);
	return rc;
}

int content_take(struct content *out, const struct fatread_file *file, struct fault *fault)
{
	int rc;

	memset(out, 0, sizeof(*out));
	if (!file->size)
		return 0;
	out->data = malloc(file->size);
	if (!out->data)
		return fault_nomem(fault);
	out->size = file->size;
	rc = fatread_file_read(file, 0, out->data, out->size, fault);
	if (rc)
		content_wipe(out);
	return rc;
}

int content_check(const struct content *c, const char *name,
		  void (*found)(void *context, const struct sbin_finding *finding), void *context,
		  struct sbin_summary *summary, struct fault *fault)
{
	struct sbin_memory_input state;
	struct sbin_input input;
	int rc;

	sbin_input_memory(&input, &state, c->data, c->size, name);
	rc = sbin_check(&input, found, context, summary, fault);
	if (rc == KIT_ERR_FORMAT)
		fault_set(fault, rc, "%s is not a setup.bin file", name);
	return rc;
}

int content_digest(const struct content *c, uint8_t out[CONTENT_DIGEST], struct fault *fault)
{
	if (EVP_Digest(c->data, c->size, out, NULL, EVP_sha256(), NULL))
		return 0;
	return fault_set(fault, KIT_ERR_CRYPTO, "SHA-256 failed");
}

/* The parts of a split, in memory. */
struct part_contents {
	struct content *out;
	struct content *part;	/* the one that is being filled */
	uint64_t at;		/* byte of its next record */
};

static int begin_part(void *context, size_t number, const struct sbin_header *header,
		      const uint8_t *chunks, struct fault *fault)
{
	struct part_contents *parts = context;
	uint64_t head = (uint64_t)header->chunks * SBIN_CHUNK;
	uint64_t size = head + (uint64_t)header->records * header->record_chunks * SBIN_CHUNK;
	uint8_t *data = malloc(size);

	if (!data)
		return fault_nomem(fault);
	memcpy(data, chunks, head);
	sbin_header_encode(header, data);
	parts->part = &parts->out[number];
	*parts->part = (struct content){ data, size };
	parts->at = head;
	return 0;
}

static int put_record(void *context, struct sbin_record *r, struct fault *fault)
{
	struct part_contents *parts = context;

	sbin_record_encode(r);
	memcpy(parts->part->data + parts->at, r->data, r->size);
	parts->at += r->size;
	return 0;
}

static int end_part(void *context, struct fault *fault)
{
	return 0;
}

int content_split(const struct content *in, const char *name, struct content *out, size_t n,
		  struct fault *fault)
{
	struct part_contents parts = { .out = out };
	const struct sbin_split to = { begin_part, put_record, end_part, &parts };
	struct sbin_memory_input state;
	struct sbin_reader *reader = NULL;
	struct sbin_input input;
	int rc;

	memset(out, 0, n * sizeof(*out));
	sbin_input_memory(&input, &state, in->data, in->size, name);
	rc = sbin_reader_open(&reader, &input, fault);
	if (!rc)
		rc = sbin_split(reader, name, n, &to, fault);
	sbin_reader_free(&reader);
	for (size_t i = 0; rc && i < n; i++)
		content_wipe(&out[i]);
	return rc;
}

void content_wipe(struct content *c)
{
	secret_wipe(c->data, c->size);
	free(c->data);
	memset(c, 0, sizeof(*c));
}
