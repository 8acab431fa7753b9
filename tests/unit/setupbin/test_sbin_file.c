/* Tests of whole setup.bin files as streams: header, reader, writer, the record that is next. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keygen/pidpps.h"
#include "setupbin/file.h"
#include "tests/support/suite.h"

static const struct sbin_version versions[] = { { 1, 0 }, { 2, 0 }, { 2, 1 }, { 3, 0 }, { 4, 0 } };

static char folder[64];

static void setup(void)
{
	strcpy(folder, "/tmp/sbin-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/out", folder);
	unlink(path);
	rmdir(folder);
}

/* A file of N records in memory; the caller frees. */
static uint8_t *sample_file(struct sbin_version version, uint32_t n, uint16_t chunks, size_t *size)
{
	struct sbin_header h;
	uint8_t *data;

	ck_assert_int_eq(sbin_header_make(&h, version, 0, n, NULL), 0);
	h.record_chunks = chunks;
	*size = (size_t)sbin_header_file_bytes(&h);
	data = malloc(*size);
	ck_assert_ptr_nonnull(data);
	sbin_header_encode(&h, data);
	for (uint32_t i = 0; i < n; i++) {
		struct keyentry e = { .new_password = "P@ssw0rd" };
		struct sbin_record r;

		snprintf(e.pair.pid, sizeof(e.pair.pid), "%07u", i % 10000000);
		e.pair.pid[7] = pidpps_check_character(e.pair.pid, 7);
		strcpy(e.pair.pps, "NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ");
		sbin_record_init(&r, data + SBIN_CHUNK + (size_t)i * chunks * SBIN_CHUNK,
				 (size_t)chunks * SBIN_CHUNK, i + 1);
		ck_assert_int_eq(sbin_record_from_entry(&r, &e, version.major == 4, NULL), 0);
		sbin_record_encode(&r);
	}
	return data;
}

START_TEST(a_made_header_has_the_documented_bytes)
{
	const struct sbin_version v = versions[_i];
	uint8_t chunk[SBIN_CHUNK], wanted[SBIN_CHUNK] = { 0 };
	struct sbin_header h;

	ck_assert_int_eq(sbin_header_make(&h, v, 0, 0x1234567, NULL), 0);
	sbin_header_encode(&h, chunk);
	memcpy(wanted, sbin_version_uuid(v), 16);
	wanted[16] = 1;
	wanted[18] = 46;
	wanted[24] = v.major;
	wanted[25] = v.minor;
	memcpy(wanted + 28, "\x67\x45\x23\x01", 4);
	wanted[36] = 1;
	wanted[40] = 1;
	wanted[42] = 2;
	ck_assert_mem_eq(chunk, wanted, sizeof(chunk));
	ck_assert_int_eq(sbin_uuid_major(chunk), v.major);
}
END_TEST

START_TEST(version_numbers_are_read_exactly)
{
	static const char *const bad[] = { "", "1", "1.", "1.1", "2.2", "3.1", "5.0", "0.0",
					   " 2.1", "2.1 ", "2,1", "02.1" };
	struct sbin_version v;

	ck_assert_int_eq(sbin_version_parse("2.1", &v), 0);
	ck_assert_uint_eq(v.major, 2);
	ck_assert_uint_eq(v.minor, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(sbin_version_parse(bad[i], &v), KIT_ERR_ARGUMENT);
}
END_TEST

START_TEST(version_1_has_no_flags)
{
	struct sbin_header h;

	ck_assert_int_eq(sbin_header_make(&h, versions[0], SBIN_DO_NOT_CONSUME, 1, NULL),
			 KIT_ERR_ARGUMENT);
	ck_assert_int_eq(sbin_header_make(&h, versions[1], SBIN_DO_NOT_CONSUME, 1, NULL), 0);
	ck_assert_int_eq(sbin_header_make(&h, (struct sbin_version){ 2, 2 }, 0, 1, NULL),
			 KIT_ERR_ARGUMENT);
}
END_TEST

START_TEST(any_header_bytes_after_the_uuid_survive_decode_and_encode)
{
	uint8_t chunk[SBIN_CHUNK], again[SBIN_CHUNK];
	struct sbin_header h;

	srand(2);
	for (int round = 0; round < 2000; round++) {
		for (size_t i = 0; i < sizeof(chunk); i++)
			chunk[i] = (uint8_t)rand();
		memcpy(chunk, sbin_version_uuid(versions[round % 5]), 16);
		memcpy(chunk + 16, "\x01\x00", 2);
		memcpy(chunk + 36, "\x40\x00", 2);
		ck_assert_int_eq(sbin_header_decode(chunk, sizeof(chunk), &h, NULL), 0);
		sbin_header_encode(&h, again);
		ck_assert_mem_eq(chunk, again, sizeof(chunk));
	}
}
END_TEST

START_TEST(a_header_that_cannot_be_read_past_is_refused)
{
	static const struct { size_t offset; uint8_t low, high; int code; } bad[] = {
		{ 0, 0, 0, KIT_ERR_FORMAT }, { 14, 0, 0, KIT_ERR_FORMAT },
		{ 16, 0, 0, KIT_ERR_RANGE }, { 16, 65, 0, KIT_ERR_RANGE },
		{ 16, 0, 1, KIT_ERR_RANGE }, { 36, 0, 0, KIT_ERR_RANGE },
		{ 36, 65, 0, KIT_ERR_RANGE }, { 36, 0xff, 0xff, KIT_ERR_RANGE },
	};
	uint8_t chunk[SBIN_CHUNK];
	struct sbin_header h;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fault f = { 0 };

		ck_assert_int_eq(sbin_header_make(&h, versions[2], 0, 1, NULL), 0);
		sbin_header_encode(&h, chunk);
		chunk[bad[i].offset] = bad[i].low;
		chunk[bad[i].offset + 1] = bad[i].high;
		ck_assert_int_eq(sbin_header_decode(chunk, sizeof(chunk), &h, &f), bad[i].code);
		ck_assert_int_eq(f.code, bad[i].code);
	}
}
END_TEST

START_TEST(a_truncated_file_is_refused_at_every_length)
{
	size_t size;
	uint8_t *data = sample_file(versions[_i], 3, 1, &size);

	for (size_t n = 0; n < size; n++) {
		struct sbin_memory_input state;
		struct sbin_reader *r = NULL;
		struct sbin_record record;
		struct sbin_input in;
		int rc;

		sbin_input_memory(&in, &state, data, n, "cut");
		rc = sbin_reader_open(&r, &in, NULL);
		for (size_t whole = 0; rc == 0 || rc == 1; whole++) {
			rc = sbin_reader_next(r, &record, NULL, NULL);
			if (rc == 1)
				ck_assert_uint_le((whole + 2) * SBIN_CHUNK, n);
			else
				break;
		}
		ck_assert_int_eq(rc, KIT_ERR_TRUNCATED);
		sbin_reader_free(&r);
		/* The reader unscrambles a copy of its own: the input stays as it was. */
	}
	free(data);
}
END_TEST

START_TEST(a_file_read_and_written_is_the_same_file)
{
	uint16_t chunks = (uint16_t)(_i % 2 == 0 ? 1 : 3);
	struct sbin_memory_input state;
	struct sbin_reader *reader = NULL;
	struct sbin_writer *writer = NULL;
	struct sbin_record record;
	struct sbin_input in;
	struct outfile *out = NULL;
	struct sbin_header empty;
	char path[128];
	uint8_t *data, *back;
	size_t size;
	int fd, rc;

	data = sample_file(versions[_i], 1000, chunks, &size);
	snprintf(path, sizeof(path), "%s/out", folder);
	sbin_input_memory(&in, &state, data, size, "sample");
	ck_assert_int_eq(sbin_reader_open(&reader, &in, NULL), 0);
	ck_assert_int_eq(outfile_open(&out, path, 0, NULL), 0);
	/* The count is not known beforehand: it is patched in at the end. */
	empty = *sbin_reader_header(reader);
	empty.records = 0;
	ck_assert_int_eq(sbin_writer_open(&writer, out, &empty, NULL), 0);
	while ((rc = sbin_reader_next(reader, &record, NULL, NULL)) == 1)
		ck_assert_int_eq(sbin_writer_put(writer, &record, NULL), 0);
	ck_assert_int_eq(rc, 0);
	ck_assert_int_eq(sbin_writer_end(&writer, NULL), 0);
	ck_assert_int_eq(outfile_commit(&out, NULL), 0);

	back = malloc(size + 1);
	fd = open(path, O_RDONLY);
	ck_assert_int_eq(read(fd, back, size + 1), (ssize_t)size);
	ck_assert_mem_eq(back, data, size);
	close(fd);
	free(back);
	free(data);
	sbin_reader_free(&reader);
}
END_TEST

START_TEST(extra_header_chunks_are_kept)
{
	struct sbin_memory_input state;
	struct sbin_reader *reader = NULL;
	struct sbin_record record;
	struct sbin_input in;
	uint64_t offset;
	size_t size;
	uint8_t *data = sample_file(versions[2], 2, 1, &size), *longer = malloc(size + SBIN_CHUNK);

	memcpy(longer, data, SBIN_CHUNK);
	memset(longer + SBIN_CHUNK, 0xa5, SBIN_CHUNK);
	memcpy(longer + 2 * SBIN_CHUNK, data + SBIN_CHUNK, size - SBIN_CHUNK);
	longer[16] = 2;
	sbin_input_memory(&in, &state, longer, size + SBIN_CHUNK, "longer");
	ck_assert_int_eq(sbin_reader_open(&reader, &in, NULL), 0);
	ck_assert_mem_eq(sbin_reader_header_bytes(reader), longer, 2 * SBIN_CHUNK);
	ck_assert_int_eq(sbin_reader_next(reader, &record, &offset, NULL), 1);
	ck_assert_uint_eq(offset, 1024);
	ck_assert_uint_eq(record.number, 1);
	sbin_reader_free(&reader);
	free(data);
	free(longer);
}
END_TEST

/* Record number at INDEX through the reader; 0 when it cannot be read. */
static uint32_t number_at(struct sbin_reader *r, uint32_t index)
{
	struct sbin_record record;
	struct keyentry e;
	struct keyproblem p;

	ck_assert_int_eq(sbin_reader_seek(r, index), 0);
	if (sbin_reader_next(r, &record, NULL, NULL) != 1)
		return 0;
	/* A record unscrambled twice would not read. */
	ck_assert_int_eq(sbin_record_to_entry(&record, &e, &p), 0);
	return record.number;
}

START_TEST(a_reader_goes_to_any_record_in_any_order)
{
	struct sbin_memory_input state;
	struct sbin_reader *r = NULL;
	struct sbin_input in;
	size_t size;
	uint8_t *data = sample_file(versions[4], 1200, 1, &size);

	sbin_input_memory(&in, &state, data, size, "sample");
	ck_assert_int_eq(sbin_reader_open(&r, &in, NULL), 0);
	srand(3);
	for (int i = 0; i < 3000; i++) {
		uint32_t index = (uint32_t)rand() % 1200;

		ck_assert_uint_eq(number_at(r, index), index + 1);
	}
	ck_assert_int_eq(sbin_reader_seek(r, 1200), KIT_ERR_RANGE);
	sbin_reader_free(&r);
	free(data);
}
END_TEST

START_TEST(a_pipe_is_read_forward_in_any_portions_and_says_where_it_ended)
{
	struct sbin_fd_input state;
	struct sbin_reader *r = NULL;
	struct sbin_record record;
	struct sbin_input in;
	struct fault f = { 0 };
	size_t size;
	uint8_t *data = sample_file(versions[4], 100, 1, &size);
	int ends[2], rc;
	uint32_t n = 0;

	/* The last record lacks a byte; all fits into the pipe's own buffer. */
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], data, 777), 777);
	ck_assert_int_eq(write(ends[1], data + 777, size - 778), (ssize_t)(size - 778));
	close(ends[1]);
	ck_assert_int_eq(sbin_input_fd(&in, &state, ends[0], "pipe", NULL), 0);
	ck_assert(in.size == UINT64_MAX);
	ck_assert_int_eq(sbin_reader_open(&r, &in, NULL), 0);
	ck_assert_uint_eq(number_at(r, 9), 10);
	ck_assert_int_eq(sbin_reader_seek(r, 30), 0);
	while ((rc = sbin_reader_next(r, &record, NULL, &f)) == 1)
		n++;
	ck_assert_uint_eq(n, 69);
	ck_assert_int_eq(rc, KIT_ERR_TRUNCATED);
	ck_assert_ptr_nonnull(strstr(f.what, "record 100"));
	fault_clear(&f);
	ck_assert_int_eq(sbin_reader_seek(r, 0), 0);
	ck_assert_int_eq(sbin_reader_next(r, &record, NULL, &f), KIT_ERR_STATE);
	sbin_reader_free(&r);
	close(ends[0]);
	free(data);
}
END_TEST

START_TEST(a_folder_is_no_input)
{
	struct sbin_fd_input state;
	struct sbin_input in;
	struct fault f = { 0 };
	int fd = open(folder, O_RDONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_lt(sbin_input_fd(&in, &state, fd, "folder", &f), 0);
	close(fd);
}
END_TEST

START_TEST(the_next_record_is_the_one_that_the_consumed_counter_points_to)
{
	struct sbin_memory_input state;
	struct sbin_reader *r = NULL;
	struct sbin_record record;
	struct sbin_input in;
	uint64_t offset = 0;
	uint32_t index = 99;
	size_t size;
	uint8_t *data = sample_file(versions[2], 5, 1, &size);
	struct fault f = { 0 };

	data[SBIN_CONSUMED_OFFSET] = 3;
	sbin_input_memory(&in, &state, data, size, "sample");
	ck_assert_int_eq(sbin_reader_open(&r, &in, NULL), 0);
	ck_assert_int_eq(sbin_reader_take(r, &index, &offset, &record, NULL), 1);
	ck_assert_uint_eq(index, 3);
	ck_assert_uint_eq(offset, 4 * SBIN_CHUNK);
	ck_assert_uint_eq(record.number, 4);
	sbin_reader_free(&r);

	/* That record was consumed although the counter does not say so. */
	data[4 * SBIN_CHUNK + SBIN_RECORD_FLAGS_OFFSET] = 0;
	ck_assert_int_eq(sbin_reader_open(&r, &in, NULL), 0);
	ck_assert_int_eq(sbin_reader_take(r, &index, &offset, &record, &f), KIT_ERR_STATE);
	ck_assert_ptr_nonnull(strstr(f.what, "record 4"));
	sbin_reader_free(&r);

	/* All consumed. */
	data[SBIN_CONSUMED_OFFSET] = 5;
	ck_assert_int_eq(sbin_reader_open(&r, &in, NULL), 0);
	ck_assert_int_eq(sbin_reader_take(r, &index, &offset, &record, NULL), 0);
	sbin_reader_free(&r);

	/* Not consumed: always the first. */
	data[26] = SBIN_DO_NOT_CONSUME;
	ck_assert_int_eq(sbin_reader_open(&r, &in, NULL), 0);
	ck_assert_int_eq(sbin_reader_take(r, &index, &offset, &record, NULL), 1);
	ck_assert_uint_eq(index, 0);
	sbin_reader_free(&r);
	free(data);
}
END_TEST

TEST_SUITE("sbin file")
{
	TCase *t = tcase_create("file");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_made_header_has_the_documented_bytes, 0, 5);
	tcase_add_test(t, version_numbers_are_read_exactly);
	tcase_add_test(t, version_1_has_no_flags);
	tcase_add_test(t, any_header_bytes_after_the_uuid_survive_decode_and_encode);
	tcase_add_test(t, a_header_that_cannot_be_read_past_is_refused);
	tcase_add_loop_test(t, a_truncated_file_is_refused_at_every_length, 0, 5);
	tcase_add_loop_test(t, a_file_read_and_written_is_the_same_file, 0, 5);
	tcase_add_test(t, extra_header_chunks_are_kept);
	tcase_add_test(t, a_reader_goes_to_any_record_in_any_order);
	tcase_add_test(t, a_pipe_is_read_forward_in_any_portions_and_says_where_it_ended);
	tcase_add_test(t, a_folder_is_no_input);
	tcase_add_test(t, the_next_record_is_the_one_that_the_consumed_counter_points_to);
	suite_add_tcase(suite, t);
}
