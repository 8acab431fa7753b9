/* FAT volumes as they stand on any disk: FAT entries and directories. */
#include "ukpu/format/fatread.h"

#include <string.h>

#include "common/bytes.h"

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
				 "byte %llu: no boot sector of a FAT volume (%s)",
				 (unsigned long long)start, why);
	if (v->g.fat_size_16 == (v->g.type == FAT32)) {
		if (!(flags & FATREAD_LENIENT))
			return fault_set(fault, KIT_ERR_UNFIT,
					 "byte %llu: the volume says it is FAT%d, but %u clusters "
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

/* FAT12: one and a half bytes, which may stand on both sides of the window's edge. */
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
				 "the chain of clusters leads from %u to %u, which is %s", cluster,
				 value, value == 0 ? "free" :
				 fat_is_bad(v->g.type, value) ? "marked bad" : "not on the volume");
	if (!*steps || !--*steps)
		return fault_set(fault, KIT_ERR_FORMAT,
				 "the chain of clusters runs in a circle (at %u)", cluster);
	*next = value;
	return 0;
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
	d->steps_left = v->g.clusters;
	d->slots_left = SLOTS_MAX;
	d->cluster = cluster;
	if (!cluster && v->g.type == FAT32)
		d->cluster = v->g.root_cluster;
	if (!d->cluster && v->g.root_entries < SLOTS_MAX)
		d->slots_left = v->g.root_entries;
}

/*
 * Where the block of the directory that slot d->slot begins stands; may step to the next cluster.
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

/* Does the long name gathered so far belong to this short name? Then put it into OUT. */
static void attach_long_name(struct fatread_dir *d, struct fatread_entry *out)
{
	uint8_t sum = 0;
	size_t n = 0;

	for (int i = 0; i < 11; i++)
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
		/* Half of a pair, or a control character: nobody's terminal wants it. */
		if ((c >= 0xD800 && c < 0xE000) || c < 0x20 || (c >= 0x7F && c < 0xA0))
			c = '?';
		n += put_utf8(out->name + n, c);
	}
	out->name[n] = '\0';
}

/*
 * A directory entry.
 *   OFFSET  SIZE  FIELD
 *      0     11   name; first byte E5: deleted, 00: nothing from here on
 *     11      1   attributes
 *     12      1   case bits (Windows NT)
 *     20      2   first cluster, upper half; FAT32
 *     26      2   first cluster
 *     28      4   size in bytes
 */
static void take_entry(struct fatread_dir *d, const uint8_t *e, struct fatread_entry *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->raw, e, 11);
	out->deleted = e[0] == 0xE5;
	fat_short_name(e, out->short_name);
	if (out->deleted)
		out->short_name[0] = '?';
	out->attributes = e[11];
	out->nt = e[12];
	out->cluster = get_le16(e + 26);
	if (d->v->g.type == FAT32)
		out->cluster |= (uint32_t)(get_le16(e + 20) & 0x0FFF) << 16;
	out->size = get_le32(e + 28);
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
		if (e[0] != 0xE5 && (e[11] & 0x3F) == FAT_LONG_NAME) {
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
