/* Random sectors against sticks of fake capacity. */
#include "ukpu/stick/capacity.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "ukpu/format/fat.h"
#include "ukpu/drive/probe.h"

#define FIRST_POWER	24	/* 16 MiB: smaller sticks are refused */
#define FRONT_SECTOR	64	/* the first that is written; the others follow every 8 sectors */
#define RANDOM_PIECE	256	/* bytes that the kernel gives at once */
#define PLACES_MAX	(2 * (64 - FIRST_POWER) + 2)

/*
 * The places: for each power of two on the stick one at the front and one that would
 * wrap onto it; then the middle and the last sector. The front ones come first, so that
 * they are read back together.
 */
static size_t places(uint64_t stick_bytes, uint64_t *out)
{
	uint64_t all = stick_bytes / FAT_SECTOR;
	size_t n = 0;

	for (unsigned power = FIRST_POWER; power < 63; power++, n++) {
		uint64_t front = (FRONT_SECTOR + 8 * n) * (uint64_t)FAT_SECTOR;

		if (((uint64_t)1 << power) + front + FAT_SECTOR > stick_bytes)
			break;
		out[n] = front;
	}
	for (size_t i = 0; i < n; i++)
		out[n + i] = ((uint64_t)1 << (FIRST_POWER + i)) + out[i];
	n *= 2;
	out[n++] = all / 2 * FAT_SECTOR;
	out[n++] = (all - 1) * FAT_SECTOR;
	return n;
}

uint64_t capacity_bytes(uint64_t stick_bytes)
{
	uint64_t at[PLACES_MAX];

	return places(stick_bytes, at) * FAT_SECTOR;
}

/* The sector at AT was not read back: say what that means. FRONT: it is one at the beginning. */
static int faked(struct target *t, uint64_t at, bool front, struct fault *fault)
{
	char claimed[24], real[24];

	probe_size_text(target_disk(t)->size, claimed);
	if (front) {
		/* Its place shows at which power of two the stick wraps. */
		unsigned power = FIRST_POWER + (unsigned)(at / FAT_SECTOR - FRONT_SECTOR) / 8;

		probe_size_text((uint64_t)1 << power, real);
		fault_set(fault, KIT_ERR_UNFIT, "%s claims to hold %s, but what is written above "
			  "%s ends up at its beginning: it has a fake capacity", target_path(t),
			  claimed, real);
	} else {
		fault_set(fault, KIT_ERR_UNFIT,
			  "%s claims to hold %s, but what is written at byte %llu "
			  "is lost: it has a fake capacity",
			  target_path(t), claimed, (unsigned long long)at);
	}
	return fault_hint(fault, "throw it away: it loses what is stored on it; its partition "
			  "table has been erased");
}

static int read_back(struct target *t, const uint64_t *at, size_t n, const uint8_t *sectors,
		     struct fault *fault)
{
	const struct disk *fresh;
	int rc = target_fresh(t, &fresh, fault);

	for (size_t i = 0; i < n && !rc; i++) {
		size_t k = 0, fronts = (n - 2) / 2;
		uint8_t sector[FAT_SECTOR];

		rc = disk_read(fresh, at[i], sector, sizeof(sector), fault);
		if (rc || !memcmp(sector, sectors + i * FAT_SECTOR, sizeof(sector)))
			continue;
		/* Where the system wrote the beginning last, that is what comes back from above. */
		while (k < fronts && memcmp(sector, sectors + k * FAT_SECTOR, sizeof(sector)))
			k++;
		if (i < fronts)
			k = i;
		rc = faked(t, at[k < fronts ? k : i], k < fronts, fault);
	}
	return rc;
}

int capacity_check(struct target *t, struct fault *fault)
{
	uint64_t at[PLACES_MAX];
	size_t n = places(target_disk(t)->size, at);
	uint8_t *sectors = malloc(n * FAT_SECTOR);
	int rc = 0;

	if (!sectors)
		return fault_nomem(fault);
	for (size_t i = 0; i < n * FAT_SECTOR && !rc; i += RANDOM_PIECE) {
		if (getrandom(sectors + i, RANDOM_PIECE, 0) != RANDOM_PIECE)
			rc = fault_set(fault, KIT_ERR_SYSTEM, "the kernel gives no random numbers");
	}
	for (size_t i = 0; i < n && !rc; i++)
		rc = target_write(t, at[i], sectors + i * FAT_SECTOR, FAT_SECTOR, fault);
	if (!rc)
		rc = target_flush(t, fault);
	if (!rc)
		rc = read_back(t, at, n, sectors, fault);
	for (size_t i = 0; i < n && !rc; i++)
		rc = target_zero(t, at[i], FAT_SECTOR, fault);
	free(sectors);
	return rc;
}
