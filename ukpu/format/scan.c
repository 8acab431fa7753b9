/* What a FAT volume holds, gathered for the verify rules. */
#include "ukpu/format/scan.h"

#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/text.h"

#define FOLDERS_MAX	4096	/* directories that are entered; a provisioning stick has fewer */

/* Errors of the volume are findings; errors of the disk end the scan. */
static bool is_finding(int rc)
{
	return rc == KIT_ERR_FORMAT || rc == KIT_ERR_RANGE || rc == KIT_ERR_TRUNCATED;
}

static void note_first(struct scan_root *out, struct fatread *v, const uint8_t *slot)
{
	out->first_known = slot[0] != 0;
	out->first_deleted = slot[0] == FAT_DELETED;
	out->first_attributes = slot[FAT_ENTRY_ATTRIBUTES] & FAT_ATTRIBUTES;
	fat_short_name(slot, out->first_name);
}

/* Byte on the disk of the root directory's beginning, and its bytes (one cluster on FAT32). */
static uint64_t root_place(const struct fatread *v, uint64_t *bytes)
{
	const struct fat_geometry *g = &v->g;

	if (g->type == FAT32) {
		*bytes = fat_cluster_bytes(g);
		return v->start + fat_cluster_offset(g, g->root_cluster);
	}
	*bytes = (uint64_t)g->root_entries * FAT_ENTRY;
	return v->start + (uint64_t)g->root_sector * g->sector_bytes;
}

/* Is everything behind the end mark zero? */
static int look_behind_end(struct scan_root *out, struct fatread *v, struct fault *fault)
{
	uint64_t bytes, at = root_place(v, &bytes);
	bool ended = false;
	uint8_t slot[FAT_ENTRY];

	for (uint64_t i = 0; i < bytes; i += FAT_ENTRY) {
		int rc = disk_read(v->disk, at + i, slot, sizeof(slot), fault);

		if (rc)
			return rc;
		if (!i)
			note_first(out, v, slot);
		ended = ended || !slot[0];
		for (size_t k = 0; ended && k < sizeof(slot); k++) {
			if (slot[k])
				out->tail_dirty = true;
		}
	}
	return 0;
}

int scan_root(struct scan_root *out, struct fatread *v, const char *name, struct fault *fault)
{
	struct fatread_dir dir;
	struct fatread_entry e;
	struct fault local = { 0 };
	int rc = 0;

	memset(out, 0, sizeof(*out));
	if (v->g.type == FAT32 && !fat_cluster_valid(&v->g, v->g.root_cluster)) {
		out->broken = true;
		return 0;
	}
	rc = look_behind_end(out, v, &local);
	if (!rc) {
		fatread_dir_begin(&dir, v, 0);
		while ((rc = fatread_dir_next(&dir, &e, &local)) == 1) {
			bool named = fatread_is_file(&e) && !memcmp(e.raw, name, sizeof(e.raw));

			if (e.deleted) {
				out->deleted++;
				continue;
			}
			out->entries++;
			out->long_names += e.has_long_name;
			if (named && !out->found) {
				out->found = true;
				out->file = e;
			} else if (!out->other[0]) {
				text_clean(out->other, sizeof(out->other), e.name);
			}
		}
	}
	if (!is_finding(rc))
		return rc ? fault_pass(fault, &local) : 0;
	out->broken = true;
	return 0;
}

/* One bit for each cluster: belongs to a chain that has been walked. */
struct marks {
	uint8_t *bits;
	uint32_t last;			/* the last cluster that has one: on the disk */
	uint32_t folders[FOLDERS_MAX];	/* first clusters of directories still to be entered */
	size_t n_folders;
	uint32_t marked;
};

/* Mark a chain; *n counts its clusters. */
static int mark_chain(struct scan_clusters *out, struct fatread *v, struct marks *m,
		      uint32_t cluster, uint32_t *n, struct fault *fault)
{
	uint32_t steps = fatread_most_clusters(v);
	struct fault local = { 0 };

	*n = 0;
	while (cluster) {
		uint8_t bit;
		int rc;

		if (!fat_cluster_valid(&v->g, cluster) || cluster > m->last) {
			out->broken++;
			return 0;
		}
		bit = (uint8_t)(1 << (cluster & 7));
		if (m->bits[cluster >> 3] & bit) {
			out->crossed++;
			return 0;
		}
		m->bits[cluster >> 3] |= bit;
		m->marked++;
		++*n;
		rc = fatread_next_cluster(v, cluster, &steps, &cluster, &local);
		if (is_finding(rc)) {
			out->broken++;
			return 0;
		}
		if (rc)
			return fault_pass(fault, &local);
	}
	return 0;
}

/* Mark everything in one directory; sub-directories are put on the list. */
static int mark_directory(struct scan_clusters *out, struct fatread *v, struct marks *m,
			  uint32_t cluster, const struct scan_root *root, uint32_t *own,
			  struct fault *fault)
{
	struct fatread_dir dir;
	struct fatread_entry e;
	struct fault local = { 0 };
	int rc;

	fatread_dir_begin(&dir, v, cluster);
	while ((rc = fatread_dir_next(&dir, &e, &local)) == 1) {
		uint64_t need;
		uint32_t n;

		if (e.deleted || e.attributes & FAT_LABEL || fatread_is_dots(&e))
			continue;
		rc = mark_chain(out, v, m, e.cluster, &n, fault);
		if (rc)
			return rc;
		need = ((uint64_t)e.size + fat_cluster_bytes(&v->g) - 1) / fat_cluster_bytes(&v->g);
		if (fatread_is_file(&e) && n != need)
			out->broken++;
		if (root->found && e.offset == root->file.offset)
			*own = n;
		if (fatread_is_directory(&e) && n && m->n_folders < FOLDERS_MAX)
			m->folders[m->n_folders++] = e.cluster;
	}
	if (is_finding(rc)) {
		out->broken++;
		return 0;
	}
	return rc ? fault_pass(fault, &local) : 0;
}

/* One entry of the first FAT. */
static void count_entry(struct scan_clusters *out, const struct fat_geometry *g, uint32_t cluster,
			uint32_t value)
{
	uint32_t end = fat_end(g->type), clean = end ^ end >> 1;	/* the highest bit */

	if (cluster == 0) {
		out->media_differs = (value & 0xFF) != g->media;
	} else if (cluster == 1) {
		/* FAT12 has no such bits. */
		out->dirty = g->type != FAT12 && !(value & clean);
		out->errors = g->type != FAT12 && !(value & clean >> 1);
	} else if (fat_is_bad(g->type, value)) {
		out->bad++;
	} else if (value) {
		out->used++;
	}
}

/* SIZE bytes of the first FAT, from its byte AT on; not for FAT12, whose entries straddle bytes. */
static void count_window(struct scan_clusters *out, const struct fat_geometry *g, uint64_t at,
			 const uint8_t *data, size_t size)
{
	size_t width = g->type / 8;
	uint32_t cluster = (uint32_t)(at / width);
	uint64_t used = ((uint64_t)g->clusters + 2) * g->type / 8;	/* bytes */

	for (size_t i = 0; i + width <= size && at + i < used; i += width, cluster++) {
		uint32_t value = width == 2 ? get_le16(data + i) : get_le32(data + i) & 0x0FFFFFFF;

		if (value || cluster < 2)
			count_entry(out, g, cluster, value);
	}
}

static int count_fat12(struct scan_clusters *out, struct fatread *v, struct fault *fault)
{
	uint32_t value;
	int rc = 0;

	for (uint32_t c = 0; c < v->g.clusters + 2 && !rc; c++) {
		rc = fatread_fat(v, 0, c, &value, fault);
		if (!rc)
			count_entry(out, &v->g, c, value);
	}
	return rc == KIT_ERR_RANGE ? 0 : rc;	/* the FAT is too short: known already */
}

/* Both copies byte by byte, the entries, and what is behind the last cluster. */
static int scan_fats(struct scan_clusters *out, struct fatread *v, struct fault *fault)
{
	const struct fat_geometry *g = &v->g;
	uint64_t bytes = (uint64_t)g->fat_sectors * g->sector_bytes;
	uint64_t fat = v->start + (uint64_t)g->reserved * g->sector_bytes;
	uint64_t used = (((uint64_t)g->clusters + 2) * g->type + 7) / 8;
	uint8_t a[FATREAD_WINDOW], b[FATREAD_WINDOW];

	out->fat_short = used > bytes;
	for (uint64_t at = 0; at < bytes; at += sizeof(a)) {
		size_t n = bytes - at < sizeof(a) ? (size_t)(bytes - at) : sizeof(a);
		int rc = disk_read(v->disk, fat + at, a, n, fault);

		if (rc)
			return rc;
		if (g->type != FAT12)
			count_window(out, g, at, a, n);
		for (size_t i = at < used ? (used - at < n ? (size_t)(used - at) : n) : 0; i < n;
		     i++)
			out->tail_dirty = out->tail_dirty || a[i];
		for (unsigned copy = 1; copy < g->fats && !out->copies_differ; copy++) {
			size_t i = 0;

			rc = disk_read(v->disk, fat + copy * bytes + at, b, n, fault);
			if (rc)
				return rc;
			if (!memcmp(a, b, n))
				continue;
			while (a[i] == b[i])
				i++;
			out->copies_differ = true;
			out->differ_at = at + i;
		}
	}
	return g->type == FAT12 ? count_fat12(out, v, fault) : 0;
}

int scan_clusters(struct scan_clusters *out, struct fatread *v, const struct scan_root *root,
		  struct fault *fault)
{
	struct marks *m = calloc(1, sizeof(*m));
	struct fault local = { 0 };
	uint32_t own = 0, root_clusters = 0;
	int rc = 0;

	memset(out, 0, sizeof(*out));
	if (m) {
		m->last = fatread_most_clusters(v) + 1;
		m->bits = calloc((size_t)m->last / 8 + 1, 1);
	}
	if (!m || !m->bits) {
		rc = fault_nomem(fault);
		goto out;
	}
	rc = scan_fats(out, v, &local);
	if (!rc && v->g.type == FAT32)
		rc = mark_chain(out, v, m, v->g.root_cluster, &root_clusters, &local);
	if (!rc)
		rc = mark_directory(out, v, m, 0, root, &own, &local);
	for (size_t i = 0; i < m->n_folders && !rc; i++)
		rc = mark_directory(out, v, m, m->folders[i], root, &own, &local);
	if (rc && is_finding(rc)) {
		out->broken++;
		rc = 0;
	}
	if (rc)
		fault_pass(fault, &local);
	out->lost = out->used > m->marked ? out->used - m->marked : 0;
	out->others = out->used > own + root_clusters ? out->used - own - root_clusters : 0;
out:
	if (m)
		free(m->bits);
	free(m);
	return rc;
}
