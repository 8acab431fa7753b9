/* The plan of a stick: all regions that will be written, in order, and their bytes. */
#include "ukpu/stick/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/clock.h"
#include "setupbin/header.h"
#include "ukpu/format/parts.h"
#include "ukpu/drive/probe.h"
#include "ukpu/stick/capacity.h"

#define END_SECTORS	2048u	/* zeroed at each end of the stick */

const char *plan_phase_name(enum plan_phase phase)
{
	static const char *const names[] = {
		"erase", "clean", "capacity", "body", "boot", "table",
	};

	return names[phase];
}

__attribute__((format(printf, 6, 7)))
static int add(struct plan *p, enum plan_phase phase, enum plan_kind kind, uint64_t offset,
	       uint64_t bytes, const char *format, ...)
{
	struct plan_step *s;
	va_list ap;

	if (p->n == p->room) {
		size_t room = p->room ? p->room * 2 : 32;
		struct plan_step *more = reallocarray(p->step, room, sizeof(*more));

		if (!more)
			return KIT_ERR_NOMEM;
		p->step = more;
		p->room = room;
	}
	s = &p->step[p->n++];
	*s = (struct plan_step){ .phase = phase, .kind = kind, .offset = offset, .bytes = bytes };
	va_start(ap, format);
	vsnprintf(s->text, sizeof(s->text), format, ap);
	va_end(ap);
	p->bytes += bytes;
	return 0;
}

/* Is a zeroing of exactly this place planned already? */
static bool planned(const struct plan *p, uint64_t offset)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->step[i].offset == offset)
			return true;
	}
	return false;
}

/* One sector to be zeroed, if it is on the stick and not yet in the plan. */
static int erase_sector(struct plan *p, uint64_t offset, const char *what, unsigned number)
{
	if (offset > (p->layout.stick_sectors - 1) * FAT_SECTOR || planned(p, offset))
		return 0;
	if (number)
		return add(p, PLAN_ERASE, PLAN_ZERO, offset, FAT_SECTOR, "%s of old partition %u",
			   what, number);
	return add(p, PLAN_ERASE, PLAN_ZERO, offset, FAT_SECTOR, "old %s", what);
}

static bool is_boot_sector(const struct disk *disk, uint64_t offset, struct fat_geometry *g)
{
	uint8_t sector[FAT_SECTOR];

	return !disk_read(disk, offset, sector, sizeof(sector), NULL) &&
		!fat_decode(sector, g, NULL);
}

/*
 * The boot sector of a volume at byte START, and its backup. Where no partition begins, only real
 * boot sectors: in the place of FAT32's backup FAT16 has a part of its FAT, and a stick that stores
 * the sectors of one phase in another order would show a file with a broken chain.
 */
static int erase_volume(struct plan *p, const struct disk *disk, uint64_t start, unsigned number)
{
	uint64_t backup = FAT_BACKUP_SECTOR;
	struct fat_geometry g;
	int rc = 0;

	if (is_boot_sector(disk, start, &g) && g.backup_sector)
		backup = (uint64_t)g.backup_sector * g.sector_bytes / FAT_SECTOR;
	if (number || is_boot_sector(disk, start, &g))
		rc = erase_sector(p, start, "boot sector", number);
	if (!rc && is_boot_sector(disk, start + backup * FAT_SECTOR, &g))
		rc = erase_sector(p, start + backup * FAT_SECTOR, "backup boot sector", number);
	return rc;
}

/* The boot sectors that are on the stick now. */
static int add_erase(struct plan *p, struct target *t, struct parts *parts, struct fault *fault)
{
	/* Where volumes begin: one may be there although no table points to it. */
	static const uint64_t usual[] = { 0, 63, LAYOUT_START };
	const struct disk *disk = target_disk(t);
	int rc = parts_read(parts, disk, fault);

	if (rc)
		return rc;
	rc = add(p, PLAN_ERASE, PLAN_ZERO, 0, FAT_SECTOR, "first sector of the stick");
	for (size_t i = 0; i < parts->n && !rc; i++) {
		const struct part *part = &parts->part[i];

		if (part->start <= disk->size && !parts_is_extended(part->type))
			rc = erase_volume(p, disk, part->start, part->number);
	}
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]) && !rc; i++)
		rc = erase_volume(p, disk, usual[i] * FAT_SECTOR, 0);
	return rc;
}

/* Signatures of other systems outside of the zeroed ends. */
static int add_signatures(struct plan *p, struct target *t, const struct parts *parts,
			  struct fault *fault)
{
	struct probe_signatures *found = calloc(1, sizeof(*found));
	uint64_t size = target_disk(t)->size;
	uint64_t volume = layout_volume_offset(&p->layout);
	uint64_t tail = (p->layout.stick_sectors - END_SECTORS) * FAT_SECTOR;
	uint64_t first_data = 0, stop;
	int rc = found ? 0 : KIT_ERR_NOMEM;

	/* A new image is one hole. */
	if (rc || !target_next_data(t, &first_data, size, &stop))
		goto out;
	rc = probe_signatures(found, target_fd(t), 0, size, fault);
	for (size_t i = 0; i < parts->n && !rc; i++) {
		const struct part *part = &parts->part[i];

		if (part->start && !part->past_end)
			rc = probe_signatures(found, target_fd(t), part->start, part->bytes, fault);
	}
	if (!rc && volume)
		rc = probe_signatures(found, target_fd(t), volume,
				     (uint64_t)p->layout.g.sectors * FAT_SECTOR, fault);
	for (size_t i = 0; !rc && i < found->n; i++) {
		struct probe_signature *s = &found->s[i];
		uint64_t first = s->offset / FAT_SECTOR * FAT_SECTOR;
		uint64_t end = (s->offset + s->size + FAT_SECTOR - 1) / FAT_SECTOR * FAT_SECTOR;

		if (end > size || end <= (uint64_t)END_SECTORS * FAT_SECTOR || first >= tail ||
		    planned(p, first))
			continue;
		rc = add(p, PLAN_CLEAN, PLAN_ZERO, first, end - first, "signature of %s",
			s->type[0] ? s->type : "another system");
	}
out:
	free(found);
	return rc;
}

/* The bytes of old files, rounded to whole sectors; an image may END inside one. */
static int add_wipes(struct plan *p, const struct plan_request *rq, uint64_t end)
{
	int rc = 0;

	if (rq->wipe_all)
		return add(p, PLAN_CLEAN, PLAN_WIPE, 0, end, "the whole stick");
	for (size_t i = 0; i < rq->n_wipe && !rc; i++) {
		uint64_t first = rq->wipe[i].offset / FAT_SECTOR * FAT_SECTOR;
		uint64_t last = (rq->wipe[i].offset + rq->wipe[i].bytes + FAT_SECTOR - 1) /
			FAT_SECTOR * FAT_SECTOR;

		last = last < end ? last : end;
		if (first < last)
			rc = add(p, PLAN_CLEAN, PLAN_WIPE, first, last - first, "old setup.bin");
	}
	return rc;
}

static int add_clean(struct plan *p, struct target *t, const struct parts *parts,
		     struct fault *fault)
{
	uint64_t sectors = p->layout.stick_sectors, start = layout_volume_offset(&p->layout);
	int rc = 0;

	/* What another reader may take for a boot sector. */
	if (!planned(p, start))
		rc = add(p, PLAN_CLEAN, PLAN_ZERO, start, FAT_SECTOR, "place of the boot sector");
	if (!rc && p->layout.g.backup_sector)
		rc = add(p, PLAN_CLEAN, PLAN_ZERO, start + FAT_BACKUP_SECTOR * FAT_SECTOR,
			FAT_SECTOR, "place of the backup boot sector");
	if (!rc)
		rc = add(p, PLAN_CLEAN, PLAN_ZERO, FAT_SECTOR,
			 (END_SECTORS - 1) * (uint64_t)FAT_SECTOR, "beginning of the stick");
	if (!rc)
		rc = add(p, PLAN_CLEAN, PLAN_ZERO, (sectors - END_SECTORS) * FAT_SECTOR,
			(uint64_t)END_SECTORS * FAT_SECTOR, "end of the stick");
	if (!rc)
		rc = add_signatures(p, t, parts, fault);
	if (!rc)
		rc = add(p, PLAN_CAPACITY, PLAN_RANDOM, 0, 2 * capacity_bytes(target_disk(t)->size),
			"random sectors, read back, zeroed: is the size true?");
	return rc;
}

static int add_body(struct plan *p)
{
	const struct fat_geometry *g = &p->layout.g;
	uint64_t start = layout_volume_offset(&p->layout);
	uint64_t fat = (uint64_t)g->fat_sectors * FAT_SECTOR;
	uint64_t file = fat_file_clusters(g, p->file_bytes) * (uint64_t)fat_cluster_bytes(g);
	uint64_t root = g->type == FAT32 ? fat_cluster_offset(g, g->root_cluster) :
		(uint64_t)g->root_sector * FAT_SECTOR;
	uint64_t root_bytes = g->type == FAT32 ? fat_cluster_bytes(g) :
		(uint64_t)g->root_entries * FAT_ENTRY;
	int rc = 0;

	if (g->type == FAT32) {
		/* All reserved sectors but 0 and the backup, which belong to the boot phase. */
		rc = add(p, PLAN_BODY, PLAN_INFO_SECTOR, start + FAT_SECTOR, FAT_SECTOR, "FSInfo");
		if (!rc)
			rc = add(p, PLAN_BODY, PLAN_ZERO, start + 2 * FAT_SECTOR,
				(FAT_BACKUP_SECTOR - 2) * FAT_SECTOR, "reserved sectors");
		if (!rc)
			rc = add(p, PLAN_BODY, PLAN_INFO_SECTOR,
				start + (FAT_BACKUP_SECTOR + 1) * FAT_SECTOR, FAT_SECTOR,
				"FSInfo, backup");
		if (!rc)
			rc = add(p, PLAN_BODY, PLAN_ZERO,
				start + (FAT_BACKUP_SECTOR + 2) * FAT_SECTOR,
				(uint64_t)(g->reserved - FAT_BACKUP_SECTOR - 2) * FAT_SECTOR,
				"reserved sectors");
	}
	for (unsigned i = 0; i < g->fats && !rc; i++)
		rc = add(p, PLAN_BODY, PLAN_FAT_COPY, start + (uint64_t)g->reserved * FAT_SECTOR +
			i * fat, fat, "FAT %u", i + 1);
	if (!rc)
		rc = add(p, PLAN_BODY, PLAN_ROOT, start + root, root_bytes, "root directory");
	if (!rc && file)
		rc = add(p, PLAN_BODY, PLAN_FILE, layout_file_offset(&p->layout), file,
			"SETUP.BIN (%llu bytes)", (unsigned long long)p->file_bytes);
	return rc;
}

static int add_boot(struct plan *p)
{
	uint64_t start = layout_volume_offset(&p->layout);
	int rc = 0;

	if (p->layout.type)
		rc = add(p, PLAN_BOOT, PLAN_STUB, 0, FAT_SECTOR,
			"code that boots the next device");
	if (!rc && p->layout.g.backup_sector)
		rc = add(p, PLAN_BOOT, PLAN_BOOT_SECTOR,
			start + (uint64_t)p->layout.g.backup_sector * FAT_SECTOR, FAT_SECTOR,
			"backup boot sector");
	if (!rc)
		rc = add(p, PLAN_BOOT, PLAN_BOOT_SECTOR, start, FAT_SECTOR, "boot sector");
	if (!rc && p->layout.type)
		rc = add(p, PLAN_TABLE, PLAN_MBR, 0, FAT_SECTOR, "partition table");
	return rc;
}

int plan_make(struct plan *out, struct target *t, const struct plan_request *rq,
	      struct fault *fault)
{
	const struct disk *disk = target_disk(t);
	struct parts *parts = malloc(sizeof(*parts));
	struct plan p = { .file = rq->file, .file_bytes = rq->file_bytes };
	uint32_t ids[2];
	int rc;

	memset(out, 0, sizeof(*out));
	rc = layout_make(&p.layout, rq->kind, disk->size, disk->sector_bytes, rq->file_bytes,
			 fault);
	if (!rc)
		rc = clock_source_date(&p.when, fault);
	if (rc)
		goto out;
	if (getrandom(ids, sizeof(ids), 0) != sizeof(ids)) {
		rc = fault_set(fault, KIT_ERR_SYSTEM, "the kernel gives no random numbers");
		goto out;
	}
	p.disk_id = ids[0];
	p.volume_id = ids[1];
	rc = parts ? add_erase(&p, t, parts, fault) : KIT_ERR_NOMEM;
	if (!rc)
		rc = add_wipes(&p, rq, disk->size);
	p.blank = !rc && parts->kind == PARTS_NONE && !rq->n_wipe && !rq->wipe_all;
	if (!rc)
		rc = add_clean(&p, t, parts, fault);
	if (!rc)
		rc = add_body(&p);
	if (!rc)
		rc = add_boot(&p);
	if (rc == KIT_ERR_NOMEM)
		fault_nomem(fault);
out:
	if (rc)
		plan_free(&p);
	free(parts);
	*out = p;
	return rc;
}

void plan_free(struct plan *p)
{
	free(p->step);
	memset(p, 0, sizeof(*p));
}

static void fill_sector(const struct plan *p, const struct plan_step *step, uint64_t at,
			uint8_t *out)
{
	const struct fat_geometry *g = &p->layout.g;

	memset(out, 0, FAT_SECTOR);
	switch (step->kind) {
	case PLAN_INFO_SECTOR:
		fat_encode_info(g, p->file_bytes, out);
		break;
	case PLAN_FAT_COPY:
		fat_encode_fat(g, p->file_bytes, (uint32_t)(at / FAT_SECTOR), out);
		break;
	case PLAN_ROOT:
		if (!at && p->file)
			fat_encode_entry(g, SBIN_NAME, (uint32_t)p->file_bytes, p->when, out);
		break;
	case PLAN_FILE:
		if (at < p->file_bytes)
			memcpy(out, p->file + at, p->file_bytes - at < FAT_SECTOR ?
			       (size_t)(p->file_bytes - at) : FAT_SECTOR);
		break;
	case PLAN_STUB:
		memcpy(out, fat_boot_stub, sizeof(fat_boot_stub));
		break;
	case PLAN_BOOT_SECTOR:
		fat_encode_boot(g, p->volume_id, out);
		break;
	default:
		break;
	}
}

void plan_fill(const struct plan *p, const struct plan_step *step, uint64_t at, uint8_t *out,
	       size_t size)
{
	for (size_t i = 0; i < size; i += FAT_SECTOR)
		fill_sector(p, step, at + i, out + i);
}
