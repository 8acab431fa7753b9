/* Fuzzes whatever reads a setup.bin: reader, checker, JSON; what was read is written back. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/sbin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each record, decoded and encoded, has the bytes that it had. */
static void records_come_back(const uint8_t *data, size_t size)
{
	struct sbin_memory_input state;
	struct sbin_reader *reader = NULL;
	struct sbin_record r;
	struct keyproblem problem;
	struct keyentry entry;
	struct sbin_input in;
	struct fault f = { 0 };
	uint64_t offset;
	uint32_t index;
	int rc;

	sbin_input_memory(&in, &state, data, size, "fuzz");
	if (sbin_reader_open(&reader, &in, &f))
		return;
	while ((rc = sbin_reader_next(reader, &r, &offset, &f)) == 1) {
		sbin_record_to_entry(&r, &entry, &problem);
		sbin_record_encode(&r);
		if (offset + r.size > size || memcmp(r.data, data + offset, r.size) != 0)
			abort();
	}
	if (rc != 0 && rc != KIT_ERR_TRUNCATED)
		abort();
	sbin_reader_take(reader, &index, &offset, &r, &f);
	sbin_reader_free(&reader);
}

/* What show --json writes, create --json makes the same file of. */
static void file_comes_back(const uint8_t *data, size_t size)
{
	size_t length, made;
	struct fault f = { 0 };
	char *text = sbin_to_json(data, size, true, &length, &f);
	uint8_t *again = text ? sbin_from_json(text, length, &made, &f) : NULL;

	if (text && (!again || made != size || memcmp(again, data, size) != 0))
		abort();
	free(again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct said said;

	said_of(&said, data, size);
	/* A file with nothing to say against it is whole, and its next record can be taken. */
	if (said.rc == 0 && said.summary.errors == 0 && said.summary.warnings == 0 &&
	    (size % SBIN_CHUNK != 0 || said.summary.next == 0))
		abort();
	records_come_back(data, size);
	file_comes_back(data, size);
	return 0;
}
