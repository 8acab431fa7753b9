/* FAT volumes on any disk: FAT entries, directories, files, and a file as firmware finds it. */
#include "ukpu/format/fatread.h"

#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "ukpu/format/parts.h"

#define SLOTS_MAX	65536	/* 32-byte slots in a directory, by the specification */

int fatread_open(struct fatread *v, const struct disk *disk, uint64_t start, unsigned flags,
		 struct fault *fault)
{
	return fatread_open_by(v, disk, start, start, flags, fault);
}

int fatread_open_by(struct fatread *v, const struct disk *disk, uint64_t start, uint64_t boot,
		    unsigned flags, struct fault *fault)
{
	const char *why = NULL;
	int rc;

	memset(v, 0, sizeof(*v));
	v->disk = disk;
	v->start = start;
	rc = disk_read(disk, boot, v->boot, sizeof(v->boot), fault);
	if (rc)
		return rc;
	if (fat_decode(v->boot, &v->g, &why))
		return fault_set(fault, KIT_ERR_FORMAT,
				 "byte %llu: not the boot sector of a FAT volume (%s)",
				 (unsigned long long)start, why);
	if (v->g.fat_size_16 == (v->g.type == FAT32)) {
		if (!(flags & FATREAD_LENIENT))
			return fault_set(fault, KIT_ERR_UNFIT,
					 "byte %llu: the volume is marked FAT%d, but %u clusters "
					 "make it FAT%d: firmware does not see it",
					 (unsigned long long)start, v->g.fat_size_16 ? 16 : 32,
					 v->g.clusters, v->g.type);
		v->g.type = v->g.fat_size_16 ? FAT16 : FAT32;
	}
	return 0;
}

/* Byte AT of FAT number COPY, in the window; its place there in *p. */
static int fat_place(struct fatread *v, unsigned copy, uint64_t at, const uint8_t **p,
		     struct fault *fault)
{
	uint64_t fat_bytes = (uint64_t)v->g.fat_sectors * v->g.sector_bytes;
	uint64_t fat = v->start + (uint64_t)v->g.reserved * v->g.sector_bytes + copy * fat_bytes;
	uint64_t base = at - at % FATREAD_WINDOW;
	uint64_t rest = fat_bytes - base;
	int rc;

	if (!v->window_bytes || v->window_at != fat + base) {
		size_t n = rest < FATREAD_WINDOW ? (size_t)rest : FATREAD_WINDOW;

		v->window_bytes = 0;
		rc = disk_read(v->disk, fat + base, v->window, n, fault);
		if (rc)
			return rc;
		v->window_at = fat + base;
		v->window_bytes = n;
	}
	*p = v->window + (at - base);
	return 0;
}

/* FAT12: one and a half bytes, which may cross the window's edge. */
static int fat12_value(struct fatread *v, unsigned copy, uint32_t cluster, uint32_t *value,
		       struct fault *fault)
{
	uint64_t at = cluster + (uint64_t)cluster / 2;
	const uint8_t *p;
	uint8_t low;
	int rc = fat_place(v, copy, at, &p, fault);

	if (rc)
		return rc;
	low = *p;
	rc = fat_place(v, copy, at + 1, &p, fault);
	if (rc)
		return rc;
	*value = (uint32_t)low | (uint32_t)*p << 8;
	*value = (cluster & 1 ? *value >> 4 : *value) & 0xFFF;
	return 0;
}

int fatread_fat(struct fatread *v, unsigned copy, uint32_t cluster, uint32_t *value,
		struct fault *fault)
{
	uint64_t fat_bytes = (uint64_t)v->g.fat_sectors * v->g.sector_bytes;
	size_t size = v->g.type == FAT32 ? 4 : 2;
	uint64_t at = v->g.type == FAT12 ? cluster + (uint64_t)cluster / 2 :
		(uint64_t)cluster * size;
	const uint8_t *p;
	int rc;

	if (copy >= v->g.fats || at + size > fat_bytes ||
	    (cluster >= 2 && !fat_cluster_valid(&v->g, cluster)))
		return fault_set(fault, KIT_ERR_RANGE, "the volume has no cluster %u", cluster);
	if (v->g.type == FAT12)
		return fat12_value(v, copy, cluster, value, fault);
	rc = fat_place(v, copy, at, &p, fault);
	if (!rc)
		*value = v->g.type == FAT32 ? get_le32(p) & 0x0FFFFFFF : get_le16(p);
	return rc;
}

int fatread_next_cluster(struct fatread *v, uint32_t cluster, uint32_t *steps,
			 uint32_t *next, struct fault *fault)
{
	uint32_t value;
	int rc = fatread_fat(v, 0, cluster, &value, fault);

	if (rc)
		return rc == KIT_ERR_RANGE ? KIT_ERR_FORMAT : rc;
	if (fat_is_end(v->g.type, value)) {
		*next = 0;
		return 0;
	}
	if (!fat_cluster_valid(&v->g, value))
		return fault_set(fault, KIT_ERR_FORMAT,
				 "the cluster chain leads from %u to %u, which is %s", cluster,
				 value, value == 0 ? "free" :
				 fat_is_bad(v->g.type, value) ? "marked bad" : "not on the volume");
	if (!*steps || !--*steps)
		return fault_set(fault, KIT_ERR_FORMAT,
				 "the cluster chain loops or is longer than the disk (at %u)",
				 cluster);
	*next = value;
	return 0;
}

uint32_t fatread_most_clusters(const struct fatread *v)
{
	uint64_t room = v->start < v->disk->size ?
		(v->disk->size - v->start) / fat_cluster_bytes(&v->g) : 0;

	return room < v->g.clusters ? (uint32_t)room : v->g.clusters;
}

bool fatread_is_file(const struct fatread_entry *e)
{
	return !e->deleted && !(e->attributes & (FAT_LABEL | FAT_DIRECTORY));
}

bool fatread_is_directory(const struct fatread_entry *e)
{
	return !e->deleted && (e->attributes & (FAT_LABEL | FAT_DIRECTORY)) == FAT_DIRECTORY;
}

bool fatread_is_dots(const struct fatread_entry *e)
{
	return fatread_is_directory(e) && (!memcmp(e->raw, ".          ", sizeof(e->raw)) ||
		!memcmp(e->raw, "..         ", sizeof(e->raw)));
}

void fatread_dir_begin(struct fatread_dir *d, struct fatread *v, uint32_t cluster)
{
	memset(d, 0, sizeof(*d));
	d->v = v;
	d->steps_left = fatread_most_clusters(v);
	d->slots_left = SLOTS_MAX;
	d->cluster = cluster;
	if (!cluster && v->g.type == FAT32)
		d->cluster = v->g.root_cluster;
	if (!d->cluster && v->g.root_entries < SLOTS_MAX)
		d->slots_left = v->g.root_entries;
}

/*
 * Read the block of the directory that begins with slot d->slot; may step to the next cluster.
 * Returns 0, 1 at the end of the chain, or negative.
 */
static int load_block(struct fatread_dir *d, struct fault *fault)
{
	const struct fat_geometry *g = &d->v->g;
	uint32_t in_cluster;
	uint64_t at;
	int rc;

	if (!d->cluster) {
		at = (uint64_t)g->root_sector * g->sector_bytes + (uint64_t)d->slot * FAT_ENTRY;
	} else {
		if (!fat_cluster_valid(g, d->cluster))
			return fault_set(fault, KIT_ERR_FORMAT,
					 "a directory begins at cluster %u, which is not on the "
					 "volume",
					 d->cluster);
		in_cluster = (uint32_t)((uint64_t)d->slot * FAT_ENTRY % fat_cluster_bytes(g));
		if (!in_cluster && d->slot) {
			uint32_t next;

			rc = fatread_next_cluster(d->v, d->cluster, &d->steps_left, &next, fault);
			if (rc)
				return rc;
			if (!next)
				return 1;
			d->cluster = next;
		}
		at = fat_cluster_offset(g, d->cluster) + in_cluster;
	}
	d->block_offset = d->v->start + at;
	rc = disk_read(d->v->disk, d->block_offset, d->block, sizeof(d->block), fault);
	if (rc)
		return rc;
	d->block_slot = d->slot;
	d->block_slots = sizeof(d->block) / FAT_ENTRY;
	return 0;
}

/*
 * A part of a long name: 13 UTF-16 units at three places, the last part first.
 *   OFFSET  SIZE  FIELD
 *      0      1   number of the part from 1; 40 is added to the last
 *      1     10   5 units
 *     11      1   0F
 *     13      1   checksum of the short name
 *     14     12   6 units
 *     28      4   2 units
 */
static void take_long_part(struct fatread_dir *d, const uint8_t *e)
{
	static const uint8_t at[13] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };
	unsigned number = e[0] & 0x3F;

	if (e[0] & 0x40) {
		memset(d->long_name, 0, sizeof(d->long_name));
		d->long_next = number;
		d->long_slot = d->slot;
		d->long_sum = e[13];
	}
	if (!number || number != d->long_next || number > 20 || e[13] != d->long_sum) {
		d->long_next = 0;
		d->long_name[0] = 0;
		return;
	}
	for (size_t i = 0; i < 13; i++)
		d->long_name[(number - 1) * 13 + i] = get_le16(e + at[i]);
	d->long_next = number - 1;
}

static size_t put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xC0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xE0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3F));
		out[2] = (char)(0x80 | (c & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3F));
	out[2] = (char)(0x80 | (c >> 6 & 0x3F));
	out[3] = (char)(0x80 | (c & 0x3F));
	return 4;
}

/* If the long name read so far belongs to this short name, put it into OUT. */
static void attach_long_name(struct fatread_dir *d, struct fatread_entry *out)
{
	uint8_t sum = 0;
	size_t n = 0;

	for (int i = 0; i < FAT_NAME; i++)
		sum = (uint8_t)((sum >> 1 | sum << 7) + out->raw[i]);
	out->has_long_name = !out->deleted && d->long_name[0] && !d->long_next &&
		d->long_sum == sum;
	if (!out->has_long_name)
		return;
	out->first_slot = d->long_slot;
	for (size_t i = 0; i < 255 && d->long_name[i] && d->long_name[i] != 0xFFFF; i++) {
		uint32_t c = d->long_name[i], low = d->long_name[i + 1];

		if (c >= 0xD800 && c < 0xDC00 && low >= 0xDC00 && low < 0xE000) {
			c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
			i++;
		}
		/* Half of a pair, or a control character: not fit for a terminal. */
		if ((c >= 0xD800 && c < 0xE000) || c < 0x20 || (c >= 0x7F && c < 0xA0))
			c = '?';
		n += put_utf8(out->name + n, c);
	}
	out->name[n] = '\0';
}

static void take_entry(struct fatread_dir *d, const uint8_t *e, struct fatread_entry *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->raw, e + FAT_ENTRY_NAME, FAT_NAME);
	out->deleted = e[0] == FAT_DELETED;
	fat_short_name(e, out->short_name);
	if (out->deleted)
		out->short_name[0] = '?';
	out->attributes = e[FAT_ENTRY_ATTRIBUTES];
	out->nt = e[FAT_ENTRY_CASE];
	out->cluster = get_le16(e + FAT_ENTRY_CLUSTER);
	if (d->v->g.type == FAT32)
		out->cluster |= (uint32_t)(get_le16(e + FAT_ENTRY_CLUSTER_HIGH) & 0x0FFF) << 16;
	out->size = get_le32(e + FAT_ENTRY_SIZE);
	out->slot = out->first_slot = d->slot;
	out->offset = d->block_offset + (uint64_t)(d->slot - d->block_slot) * FAT_ENTRY;
	memcpy(out->name, out->short_name, sizeof(out->short_name));
	attach_long_name(d, out);
}

int fatread_dir_next(struct fatread_dir *d, struct fatread_entry *out, struct fault *fault)
{
	for (; d->slots_left; d->slot++, d->slots_left--) {
		const uint8_t *e;

		if (d->slot - d->block_slot >= d->block_slots) {
			int rc = load_block(d, fault);

			if (rc == 1)
				break;
			if (rc) {
				d->slots_left = 0;
				return rc;
			}
		}
		e = d->block + (size_t)(d->slot - d->block_slot) * FAT_ENTRY;
		if (!e[0])
			break;
		if (e[0] != FAT_DELETED &&
		    (e[FAT_ENTRY_ATTRIBUTES] & FAT_ATTRIBUTES) == FAT_LONG_NAME) {
			take_long_part(d, e);
			continue;
		}
		take_entry(d, e, out);
		d->long_name[0] = 0;
		d->slot++;
		d->slots_left--;
		return 1;
	}
	d->slots_left = 0;
	return 0;
}

/* ---- files ---- */

static int add_run(struct fatread_file *f, size_t *room, uint64_t offset, uint64_t bytes,
		   struct fault *fault)
{
	struct fatread_run *last = f->n_runs ? &f->runs[f->n_runs - 1] : NULL;

	if (f->n_runs && last->offset + last->bytes == offset) {
		last->bytes += bytes;
		return 0;
	}
	if (f->n_runs == *room) {
		size_t more = *room ? *room * 2 : 8;
		struct fatread_run *runs = reallocarray(f->runs, more, sizeof(*runs));

		if (!runs)
			return fault_nomem(fault);
		f->runs = runs;
		*room = more;
	}
	f->runs[f->n_runs++] = (struct fatread_run){ offset, bytes };
	return 0;
}

int fatread_file_open(struct fatread_file *out, struct fatread *v,
		      const struct fatread_entry *e, struct fault *fault)
{
	uint32_t cluster = e->cluster, steps = fatread_most_clusters(v);
	uint64_t left = e->size;
	size_t room = 0;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	out->disk = v->disk;
	out->size = e->size;
	out->cluster_bytes = fat_cluster_bytes(&v->g);
	out->volume = v->start;
	out->entry = e->offset;
	out->slot = e->slot;
	out->attributes = e->attributes;
	while (left) {
		uint64_t bytes = fat_cluster_bytes(&v->g);
		uint64_t offset;

		if (!fat_cluster_valid(&v->g, cluster)) {
			rc = fault_set(fault, KIT_ERR_FORMAT, "the file's cluster chain %s",
				      cluster ? "begins outside the volume" :
				      "ends before the file does");
			goto out;
		}
		offset = v->start + fat_cluster_offset(&v->g, cluster);
		bytes = left < bytes ? left : bytes;
		rc = add_run(out, &room, offset, bytes, fault);
		if (rc)
			goto out;
		left -= bytes;
		if (!left)
			break;
		rc = fatread_next_cluster(v, cluster, &steps, &cluster, fault);
		if (rc)
			goto out;
	}
out:
	if (rc)
		fatread_file_close(out);
	return rc;
}

void fatread_file_close(struct fatread_file *f)
{
	free(f->runs);
	memset(f, 0, sizeof(*f));
}

int fatread_file_locate(const struct fatread_file *f, uint64_t at, uint64_t *offset,
			uint64_t *bytes)
{
	for (size_t i = 0; i < f->n_runs; i++) {
		const struct fatread_run *run = &f->runs[i];

		if (at < run->bytes) {
			*offset = run->offset + at;
			if (bytes)
				*bytes = run->bytes - at;
			return 0;
		}
		at -= run->bytes;
	}
	return KIT_ERR_RANGE;
}

int fatread_file_read(const struct fatread_file *f, uint64_t at, void *buffer, size_t size,
		      struct fault *fault)
{
	uint8_t *p = buffer;

	if (at > f->size || size > f->size - at)
		return fault_set(fault, KIT_ERR_TRUNCATED,
				 "%zu bytes at byte %llu are past the end of the file (%llu bytes)",
				 size, (unsigned long long)at, (unsigned long long)f->size);
	while (size) {
		uint64_t offset, bytes;
		int rc = fatread_file_locate(f, at, &offset, &bytes);

		if (rc)
			return rc;
		if (bytes > size)
			bytes = size;
		rc = disk_read(f->disk, offset, p, (size_t)bytes, fault);
		if (rc)
			return rc;
		p += bytes;
		at += bytes;
		size -= (size_t)bytes;
	}
	return 0;
}

int64_t fatread_file_read_at(void *file, uint64_t offset, void *buffer, size_t size,
			     struct fault *fault)
{
	const struct fatread_file *f = file;
	uint64_t left = offset < f->size ? f->size - offset : 0;
	int rc;

	if (size > left)
		size = (size_t)left;
	rc = fatread_file_read(f, offset, buffer, size, fault);
	return rc ? rc : (int64_t)size;
}

/* Every partition must be on the disk: firmware (EDK2) ignores the whole table otherwise. */
static const struct part *past_end(const struct parts *parts)
{
	for (size_t i = 0; i < parts->n; i++) {
		if (parts->part[i].past_end)
			return &parts->part[i];
	}
	return NULL;
}

/* 1 and *out when the volume at START has the file NAME in its root directory. */
static int find_in_volume(struct fatread_file *out, const struct disk *disk, uint64_t start,
			  const char *name, struct fault *fault)
{
	struct fatread v;
	struct fatread_dir dir;
	struct fatread_entry e;
	int rc = fatread_open(&v, disk, start, 0, fault);

	if (rc)
		return rc == KIT_ERR_FORMAT || rc == KIT_ERR_UNFIT || rc == KIT_ERR_TRUNCATED ? 0
											      : rc;
	fault_clear(fault);
	fatread_dir_begin(&dir, &v, 0);
	while ((rc = fatread_dir_next(&dir, &e, fault)) == 1) {
		if (fatread_is_file(&e) && !memcmp(e.raw, name, sizeof(e.raw))) {
			rc = fatread_file_open(out, &v, &e, fault);
			return rc ? rc : 1;
		}
	}
	return rc == KIT_ERR_FORMAT ? 0 : rc;
}

int fatread_find(struct fatread_file *out, const struct disk *disk, const char *name,
		 struct fault *fault)
{
	char shown[13];
	struct parts *parts = malloc(sizeof(*parts));
	struct fault echo = { 0 };	/* why a volume is not one: said only if none is found */
	const struct part *bad;
	int rc;

	memset(out, 0, sizeof(*out));
	fat_short_name((const uint8_t *)name, shown);
	if (!parts)
		return fault_nomem(fault);
	rc = parts_read(parts, disk, fault);
	if (rc)
		goto out;
	bad = parts->kind == PARTS_MBR ? past_end(parts) : NULL;
	if (parts->kind == PARTS_NONE || bad) {
		rc = bad ? fault_set(fault, KIT_ERR_NOT_FOUND,
				    "%s: partition %u ends past the end of "
				    "the stick, so firmware sees no partition at all",
				    disk->name, bad->number) :
			  fault_set(fault, KIT_ERR_NOT_FOUND,
				    "%s: no partition table and no FAT volume in its first sector",
				    disk->name);
		goto out;
	}
	for (size_t i = 0; i < parts->n; i++) {
		fault_clear(&echo);
		rc = find_in_volume(out, disk, parts->part[i].start, name, &echo);
		if (rc < 0)
			fault_set(fault, rc, "%s: %s in partition %u: %s", disk->name, shown,
				  parts->part[i].number, echo.what);
		if (rc) {
			rc = rc < 0 ? rc : 0;
			goto out;
		}
	}
	rc = fault_set(fault, KIT_ERR_NOT_FOUND,
		      echo.code ? "%s: no %s that firmware would see (%s, volumes searched: %zu; "
				  "%s)" :
				  "%s: no %s that firmware would see (%s, volumes searched: %zu)%s",
		      disk->name, shown, parts_kind_name(parts->kind), parts->n, echo.what);
out:
	free(parts);
	return rc;
}
