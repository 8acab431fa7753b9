/* Fuzz target: the reader of partition tables, on disks of any size, and what is between them. */
#include <stdlib.h>
#include <string.h>

#include "ukpu/format/blank.h"
#include "ukpu/format/gaps.h"
#include "ukpu/format/parts.h"

#define SMALL	((uint64_t)4 << 20)	/* bytes of a disk whose gaps are read fast */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One byte says how large the disk pretends to be, and whether its sectors have 4,096 bytes. */
struct sparse { const uint8_t *data; size_t size; };

static int read_sparse(void *context, uint64_t offset, void *buffer, size_t size,
		       struct fault *fault)
{
	const struct sparse *s = context;

	memset(buffer, 0, size);
	if (offset < s->size)
		memcpy(buffer, s->data + offset, size < s->size - offset ? size : s->size - offset);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sparse state = { data + 1, size - 1 };
	struct disk disk = { read_sparse, &state, 0, DISK_SECTOR, "stick" };
	struct parts *parts;
	bool blank;

	if (!size)
		return 0;
	disk.size = data[0] & 1 ? size - 1 : (uint64_t)1 << (data[0] >> 2);
	disk.sector_bytes = data[0] & 2 ? 4096 : DISK_SECTOR;
	parts = malloc(sizeof(*parts));
	if (parts && !parts_read(parts, &disk, NULL)) {
		if (parts->n > PARTS_MAX || !parts_kind_name(parts->kind))
			abort();
		for (size_t i = 0; i < parts->n; i++) {
			const struct part *p = &parts->part[i];

			/* What is not marked lies on the disk, whole. */
			if (!p->past_end &&
			    (p->start > disk.size || p->bytes > disk.size - p->start))
				abort();
		}
		/* Behind the data there are zeros, whatever the table says of them. */
		if (disk.size == SMALL && size <= GAPS_START &&
		    (gaps_check(&disk, parts, BLANK_QUICK, NULL, 0, &blank, NULL) || !blank))
			abort();
	}
	free(parts);
	return 0;
}
