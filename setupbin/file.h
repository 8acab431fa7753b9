/* A whole setup.bin: read as a stream of records from anywhere, written as a stream. */
#ifndef SETUPBIN_FILE_H
#define SETUPBIN_FILE_H

#include <stdint.h>

#include "common/outfile.h"
#include "setupbin/record.h"

/*
 * Where the bytes of a setup.bin come from: a file, a pipe, a file inside a FAT
 * volume. Reads always go forward, except for those who ask for a given record.
 */
struct sbin_input {
	/* Read up to SIZE bytes at OFFSET. Returns bytes (short only at the end), or negative. */
	int64_t (*read_at)(void *context, uint64_t offset, void *buffer, size_t size,
			   struct fault *fault);
	void *context;
	uint64_t size;		/* bytes in all; UINT64_MAX when unknown (a pipe) */
	const char *name;	/* for messages */
};

/* An input over a file descriptor (which stays the caller's); a pipe is read forward only. */
struct sbin_fd_input {
	int fd;
	bool forward;		/* a pipe, terminal or the like */
	uint64_t at;		/* bytes read from it so far */
};
int sbin_input_fd(struct sbin_input *in, struct sbin_fd_input *state, int fd, const char *name,
		  struct fault *fault);
/* An input over a buffer in memory. */
struct sbin_memory_input { const uint8_t *data; size_t size; };
void sbin_input_memory(struct sbin_input *in, struct sbin_memory_input *state, const void *data,
		       size_t size, const char *name);

/*
 * Reader: constant memory at any size. Errors of the header as sbin_header_decode();
 * KIT_ERR_TRUNCATED when the input ends inside a record.
 */
struct sbin_reader;
int sbin_reader_open(struct sbin_reader **out, const struct sbin_input *in, struct fault *fault);
const struct sbin_header *sbin_reader_header(const struct sbin_reader *r);
/* The header's chunks as stored: sbin_header.chunks * 512 bytes. */
const uint8_t *sbin_reader_header_bytes(const struct sbin_reader *r);
/*
 * The next record: 1 and *out (its data is the reader's, valid until the next call,
 * plain text, SECRET), 0 after the last, or negative.
 * *offset (may be NULL) receives the record's byte offset in the file.
 */
int sbin_reader_next(struct sbin_reader *r, struct sbin_record *out, uint64_t *offset,
		     struct fault *fault);
/* Go to record INDEX (from 0, below header.records). */
int sbin_reader_seek(struct sbin_reader *r, uint32_t index);
void sbin_reader_free(struct sbin_reader **r);

/*
 * The record that a machine would take next, as firmware goes: by the consumed
 * counter (the first record in a file that is not consumed); the record there must
 * be a valid data record.
 *
 * Returns 1 with *index, *offset and *out (as sbin_reader_next), 0 when all are
 * consumed, KIT_ERR_STATE when the record the counter points to is not valid, or
 * another negative code.
 */
int sbin_reader_take(struct sbin_reader *r, uint32_t *index, uint64_t *offset,
		     struct sbin_record *out, struct fault *fault);

/* Writer: header, then records; the record count is filled in at the end. */
struct sbin_writer;
int sbin_writer_open(struct sbin_writer **out, struct outfile *file,
		     const struct sbin_header *header, struct fault *fault);
/*
 * The chunks of a header that has more than one, after the first, as found in another
 * file ((header->chunks - 1) * 512 bytes): to be written before the first record.
 */
int sbin_writer_more_header(struct sbin_writer *w, const uint8_t *chunks, struct fault *fault);
/* Encodes and appends the record; its data is as stored afterwards. */
int sbin_writer_put(struct sbin_writer *w, struct sbin_record *r, struct fault *fault);
/*
 * Patches the record count into the header, if that was not foreseen (standard output cannot
 * be patched: KIT_ERR_ARGUMENT); frees. The outfile is the caller's to commit.
 */
int sbin_writer_end(struct sbin_writer **w, struct fault *fault);
void sbin_writer_discard(struct sbin_writer **w);

#endif
