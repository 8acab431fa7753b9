/* Bounded little-endian reading and writing of byte buffers, with a sticky error. */
#ifndef COMMON_BYTES_H
#define COMMON_BYTES_H

#include <stddef.h>
#include <stdint.h>

/*
 * A reader walks over DATA. The first read past the end sets error
 * (KIT_ERR_TRUNCATED) and error_at; from then on every read gives 0 or NULL
 * and moves nothing, so that a decoder may check once, at its end.
 */
struct reader {
	const uint8_t *data;
	size_t size;		/* bytes in data */
	size_t at;		/* bytes read so far */
	int error;		/* 0 or KIT_ERR_TRUNCATED */
	size_t error_at;	/* offset of the read that failed */
};

void reader_init(struct reader *r, const void *data, size_t size);
uint8_t read_u8(struct reader *r);
uint16_t read_le16(struct reader *r);
uint32_t read_le32(struct reader *r);
uint64_t read_le64(struct reader *r);
/* SIZE bytes borrowed from the input, or NULL past its end. */
const uint8_t *read_bytes(struct reader *r, size_t size);
/* Copy SIZE bytes to OUT; zeros past the end. */
void read_copy(struct reader *r, void *out, size_t size);
void read_skip(struct reader *r, size_t size);
/* Bytes left. */
size_t read_left(const struct reader *r);

/*
 * A writer fills DATA. The first write past the end sets error
 * (KIT_ERR_RANGE); from then on nothing is written, but AT goes on counting,
 * so that it shows how many bytes would have been needed.
 */
struct writer {
	uint8_t *data;
	size_t size;
	size_t at;
	int error;
};

void writer_init(struct writer *w, void *data, size_t size);
void write_u8(struct writer *w, uint8_t v);
void write_le16(struct writer *w, uint16_t v);
void write_le32(struct writer *w, uint32_t v);
void write_le64(struct writer *w, uint64_t v);
void write_bytes(struct writer *w, const void *data, size_t size);
void write_zeros(struct writer *w, size_t size);

/* Zero bytes that follow LENGTH bytes to reach a multiple of 4: 0..3. */
static inline size_t padding4(size_t length)
{
	return -length & 3;
}

/* Single fields at a fixed place in a buffer that is known to be long enough. */
static inline uint16_t get_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t get_le32(const uint8_t *p)
{
	return get_le16(p) | (uint32_t)get_le16(p + 2) << 16;
}

static inline uint64_t get_le64(const uint8_t *p)
{
	return get_le32(p) | (uint64_t)get_le32(p + 4) << 32;
}

static inline void put_le16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void put_le32(uint8_t *p, uint32_t v)
{
	put_le16(p, (uint16_t)v);
	put_le16(p + 2, (uint16_t)(v >> 16));
}

static inline void put_le64(uint8_t *p, uint64_t v)
{
	put_le32(p, (uint32_t)v);
	put_le32(p + 4, (uint32_t)(v >> 32));
}

#endif
