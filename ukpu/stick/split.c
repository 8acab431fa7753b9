/* One setup.bin into several, record by record, without touching a record's body. */
#include "ukpu/stick/split.h"

#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "setupbin/file.h"

#define RECORD_NUMBER	20	/* byte offset in a record; stands in clear text */

/* The offsets of the records that can still be taken; *n of them. */
static int list_records(const struct content *in, struct sbin_header *h, uint64_t **offsets,
			uint32_t *n, struct fault *fault)
{
	struct sbin_memory_input state;
	struct sbin_input input;
	struct sbin_reader *reader = NULL;
	struct sbin_record record;
	uint64_t offset;
	uint32_t number = 0;
	int rc;

	sbin_input_memory(&input, &state, in->data, in->size, "setup.bin");
	rc = sbin_reader_open(&reader, &input, fault);
	if (rc)
		return rc;
	*h = *sbin_reader_header(reader);
	*offsets = calloc((size_t)(in->size / SBIN_CHUNK) + 1, sizeof(**offsets));
	if (!*offsets)
		rc = fault_set(fault, KIT_ERR_NOMEM, "no memory to deal the records");
	while (!rc && (rc = sbin_reader_next(reader, &record, &offset, fault)) == 1) {
		bool used = sbin_header_consumable(h) && number < h->consumed;

		if (!used && sbin_record_valid(&record))
			(*offsets)[(*n)++] = offset;
		number++;
		rc = 0;
	}
	sbin_reader_free(&reader);
	return rc;
}

int split_file(const struct content *in, struct content *out, size_t n, struct fault *fault)
{
	uint64_t *offsets = NULL;
	struct sbin_header h;
	uint32_t records = 0, at = 0;
	size_t head, size;
	int rc;

	memset(out, 0, n * sizeof(*out));
	rc = list_records(in, &h, &offsets, &records, fault);
	if (rc)
		goto out;
	if (records < n && !sbin_header_consumable(&h)) {
		rc = fault_set(fault, KIT_ERR_ARGUMENT,
			       "the records of this file are not consumed, "
			       "so there is nothing to deal out\n"
			       "every machine takes the same record: prepare one stick after the "
			       "other, without --deal");
		goto out;
	}
	if (records < n) {
		rc = fault_set(fault, KIT_ERR_RANGE, "%u unused record%s for %zu sticks: too few\n"
			      "name at most as many sticks as there are unused records", records,
			      plural(records), n);
		goto out;
	}
	head = (size_t)h.chunks * SBIN_CHUNK;
	size = (size_t)h.record_chunks * SBIN_CHUNK;
	for (size_t i = 0; i < n; i++) {
		uint32_t share = (uint32_t)(records / n + (i < records % n));

		out[i].size = head + (uint64_t)share * size;
		out[i].data = malloc(out[i].size);
		if (!out[i].data) {
			out[i].size = 0;
			rc = fault_set(fault, KIT_ERR_NOMEM, "no memory to deal the records");
			goto out;
		}
		h.records = share;
		h.consumed = 0;
		memcpy(out[i].data, in->data, head);
		sbin_header_encode(&h, out[i].data);
		for (uint32_t k = 0; k < share; k++) {
			uint8_t *record = out[i].data + head + k * size;

			memcpy(record, in->data + offsets[at++], size);
			put_le32(record + RECORD_NUMBER, k + 1);
		}
	}
out:
	if (rc) {
		for (size_t i = 0; i < n; i++)
			content_wipe(&out[i]);
	}
	free(offsets);
	return rc;
}
