/* Space in no partition: where it is, and whether it is blank. */
#include "ukpu/format/gaps.h"

#include <stdlib.h>
#include <string.h>

#include "ukpu/format/blank.h"
#include "ukpu/format/fat.h"

#define GPT_SECTORS	33u			/* of its second copy */
#define OWN_LARGEST	((uint64_t)512 << 20)	/* bytes of the largest volume this kit makes */

bool gaps_own_code(const struct disk *disk, uint64_t start)
{
	uint8_t s[DISK_SECTOR];
	size_t at;

	if (disk_read(disk, start, s, sizeof(s), NULL))
		return false;
	/* A volume's code is where its jump leads. */
	at = s[0] == 0xEB ? s[1] + 2u : 0;
	return at + sizeof(fat_boot_stub) <= FAT_SIGNATURE_AT &&
		!memcmp(s + at, fat_boot_stub, sizeof(fat_boot_stub));
}

/* Is it as this kit lays a stick out: one small volume at the beginning? */
static bool is_own_layout(const struct disk *disk, const struct parts *parts)
{
	const struct part *p = parts->part;

	if (parts->kind == PARTS_SUPERFLOPPY)
		return gaps_own_code(disk, 0);
	return parts->kind == PARTS_MBR && parts->n == 1 && p->start == GAPS_START &&
		p->bytes <= OWN_LARGEST &&
		(gaps_own_code(disk, 0) || gaps_own_code(disk, p->start));
}

/* The byte behind P. A size that is lost may be any. */
static uint64_t end_of(const struct part *p)
{
	return !p->bytes || p->bytes > UINT64_MAX - p->start ? UINT64_MAX : p->start + p->bytes;
}

/* The first byte from AT on that is in no partition. */
static uint64_t leave(const struct parts *parts, uint64_t at)
{
	uint64_t before;

	do {
		before = at;
		for (size_t i = 0; i < parts->n; i++) {
			const struct part *p = &parts->part[i];

			if (p->start <= at && at < end_of(p) && !parts_holds_logical(parts, p))
				at = end_of(p);
		}
	} while (at != before);
	return at;
}

/* The first byte behind AT that a partition begins at, or the end of the disk. */
static uint64_t next_start(const struct disk *disk, const struct parts *parts, uint64_t at)
{
	uint64_t next = disk->size;

	for (size_t i = 0; i < parts->n; i++) {
		const struct part *p = &parts->part[i];

		if (p->start > at && p->start < next && !parts_holds_logical(parts, p))
			next = p->start;
	}
	return next;
}

/* EXCEPT, and what belongs to the table. NULL: out of memory. */
static struct fatread_run *list_known(const struct disk *disk, const struct parts *parts,
				      const struct fatread_run *except, size_t *n)
{
	struct fatread_run *known = calloc(*n + parts->n + 1, sizeof(*known));
	uint64_t gpt = (uint64_t)GPT_SECTORS * disk->sector_bytes;

	if (!known)
		return NULL;
	if (*n)
		memcpy(known, except, *n * sizeof(*known));
	for (size_t i = 0; i < parts->n; i++)
		known[(*n)++] = (struct fatread_run){ parts->part[i].link, disk->sector_bytes };
	if (parts->gpt_back && disk->size > gpt)
		known[(*n)++] = (struct fatread_run){ disk->size - gpt, gpt };
	return known;
}

int gaps_check(const struct disk *disk, const struct parts *parts, unsigned places,
	       const struct fatread_run *except, size_t n, bool *blank, struct fault *fault)
{
	struct fatread_run *known;
	uint64_t at = GAPS_START, next;
	uint8_t s[DISK_SECTOR];
	struct fat_geometry g;
	int rc = 0;

	*blank = true;
	if (parts->kind == PARTS_NONE || is_own_layout(disk, parts))
		return 0;
	known = list_known(disk, parts, except, &n);
	if (!known)
		return fault_nomem(fault);
	if (parts->kind == PARTS_SUPERFLOPPY) {
		rc = disk_read(disk, 0, s, sizeof(s), fault);
		if (!rc && !fat_decode(s, &g, NULL) &&
		    (uint64_t)g.sectors * g.sector_bytes > at)
			at = (uint64_t)g.sectors * g.sector_bytes;
		if (!rc)
			rc = blank_check(disk, at, disk->size, places, known, n, blank, fault);
		free(known);
		return rc;
	}
	for (at = leave(parts, at); at < disk->size && *blank && !rc; at = leave(parts, next)) {
		next = next_start(disk, parts, at);
		rc = blank_check(disk, at, next, places, known, n, blank, fault);
	}
	free(known);
	return rc;
}
