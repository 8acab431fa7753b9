/* Bounded little-endian reading and writing of byte buffers, with a sticky error. */
#include "common/bytes.h"

#include <string.h>

#include "common/error.h"

void reader_init(struct reader *r, const void *data, size_t size)
{
	*r = (struct reader){ .data = data, .size = size };
}

const uint8_t *read_bytes(struct reader *r, size_t size)
{
	const uint8_t *p;

	if (r->error)
		return NULL;
	if (size > r->size - r->at) {
		r->error = KIT_ERR_TRUNCATED;
		r->error_at = r->at;
		return NULL;
	}
	p = r->data + r->at;
	r->at += size;
	return p;
}

uint8_t read_u8(struct reader *r)
{
	const uint8_t *p = read_bytes(r, 1);

	return p ? *p : 0;
}

uint16_t read_le16(struct reader *r)
{
	const uint8_t *p = read_bytes(r, 2);

	return p ? get_le16(p) : 0;
}

uint32_t read_le32(struct reader *r)
{
	const uint8_t *p = read_bytes(r, 4);

	return p ? get_le32(p) : 0;
}

uint64_t read_le64(struct reader *r)
{
	const uint8_t *p = read_bytes(r, 8);

	return p ? get_le64(p) : 0;
}

void read_copy(struct reader *r, void *out, size_t size)
{
	const uint8_t *p = read_bytes(r, size);

	if (p)
		memcpy(out, p, size);
	else
		memset(out, 0, size);
}

void read_skip(struct reader *r, size_t size)
{
	(void)read_bytes(r, size);
}

size_t read_left(const struct reader *r)
{
	return r->error ? 0 : r->size - r->at;
}

void writer_init(struct writer *w, void *data, size_t size)
{
	*w = (struct writer){ .data = data, .size = size };
}

/* Room for SIZE bytes, or NULL; AT moves on either way, see the header. */
static uint8_t *room(struct writer *w, size_t size)
{
	uint8_t *p = NULL;

	if (!w->error && (w->at > w->size || size > w->size - w->at))
		w->error = KIT_ERR_RANGE;
	if (!w->error)
		p = w->data + w->at;
	w->at += size;
	return p;
}

void write_u8(struct writer *w, uint8_t v)
{
	write_bytes(w, &v, 1);
}

void write_le16(struct writer *w, uint16_t v)
{
	uint8_t *p = room(w, 2);

	if (p)
		put_le16(p, v);
}

void write_le32(struct writer *w, uint32_t v)
{
	uint8_t *p = room(w, 4);

	if (p)
		put_le32(p, v);
}

void write_le64(struct writer *w, uint64_t v)
{
	uint8_t *p = room(w, 8);

	if (p)
		put_le64(p, v);
}

void write_bytes(struct writer *w, const void *data, size_t size)
{
	uint8_t *p = room(w, size);

	if (p && size)
		memcpy(p, data, size);
}

void write_zeros(struct writer *w, size_t size)
{
	uint8_t *p = room(w, size);

	if (p)
		memset(p, 0, size);
}
