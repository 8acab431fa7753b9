/* Zeros, or erased flash, on a disk, by samples. */
#include "ukpu/format/blank.h"

#include <string.h>

#define EDGE	((uint64_t)1 << 20)	/* bytes that are read whole at either end */
#define PIECE	4096u			/* bytes that are read at once */

struct blank_search {
	const struct disk *disk;
	const struct fatread_run *except;
	size_t n;
	bool blank;	/* so far */
};

static bool is_blank(const uint8_t *p, size_t size)
{
	return !size || ((!p[0] || p[0] == 0xFF) && !memcmp(p, p + 1, size - 1));
}

/* The end of the exception that byte AT is in; 0: it is in none. */
static uint64_t end_of_exception(const struct blank_search *l, uint64_t at)
{
	for (size_t i = 0; i < l->n; i++) {
		if (at >= l->except[i].offset && at - l->except[i].offset < l->except[i].bytes)
			return l->except[i].offset + l->except[i].bytes;
	}
	return 0;
}

/* Look at the bytes from AT to END, sector by sector where they are not blank. */
static int look_at(struct blank_search *l, uint64_t at, uint64_t end, struct fault *fault)
{
	uint8_t piece[PIECE];

	while (at < end && l->blank) {
		size_t size = end - at < PIECE ? (size_t)(end - at) : PIECE;
		uint64_t skip = end_of_exception(l, at);
		int rc;

		if (skip) {
			at = skip;
			continue;
		}
		rc = disk_read(l->disk, at, piece, size, fault);
		if (rc)
			return rc;
		for (size_t i = 0; i < size && !is_blank(piece, size); i += DISK_SECTOR) {
			size_t n = size - i < DISK_SECTOR ? size - i : DISK_SECTOR;

			if (!is_blank(piece + i, n) && !end_of_exception(l, at + i))
				l->blank = false;
		}
		at += size;
	}
	return 0;
}

int blank_check(const struct disk *disk, uint64_t start, uint64_t end, unsigned places,
		const struct fatread_run *except, size_t n, bool *blank, struct fault *fault)
{
	struct blank_search l = { disk, except, n, true };
	uint64_t step;
	int rc = 0;

	*blank = true;
	end = end < disk->size ? end : disk->size;
	if (start >= end)
		return 0;
	rc = look_at(&l, start, end - start < EDGE ? end : start + EDGE, fault);
	if (!rc && end - start > EDGE)
		rc = look_at(&l, end - start < 2 * EDGE ? start + EDGE : end - EDGE, end, fault);
	/* Whole pieces, no closer than one to the next. */
	step = (end - start) / places / PIECE * PIECE;
	step = step < PIECE ? PIECE : step;
	for (uint64_t at = start + EDGE; at + PIECE + EDGE <= end && l.blank && !rc; at += step)
		rc = look_at(&l, at, at + PIECE, fault);
	*blank = l.blank;
	return rc;
}
