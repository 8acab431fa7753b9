/* Fuzz target: is a sector of a stick the first one of a record? */
#include <stdlib.h>
#include <string.h>

#include "setupbin/record.h"
#include "ukpu/stick/deleted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (; size >= SBIN_CHUNK; data += SBIN_CHUNK, size -= SBIN_CHUNK) {
		uint8_t copy[SBIN_CHUNK];
		struct sbin_record record;
		bool left = false;
		unsigned sectors = deleted_record(data, &left);

		if (sectors > SBIN_MAX_CHUNKS || (left && !sectors))
			abort();
		if (!sectors)
			continue;
		/* What is called a record reads as one, and is not empty. */
		memcpy(copy, data, sizeof(copy));
		if (sbin_record_decode(copy, sizeof(copy), &record) || !record.number ||
		    record.chunks != sectors || sbin_record_valid(&record) != left ||
		    sbin_record_wiped(&record))
			abort();
	}
	return 0;
}
