/* Files in FAT volumes: where they stand, what is in them, and SETUP.BIN as firmware finds it. */
#include <stdlib.h>
#include <string.h>

#include "ukpu/format/fatread.h"
#include "ukpu/format/parts.h"

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
			return fault_set(fault, KIT_ERR_NOMEM, "no memory for a file's %zu pieces",
					 more);
		f->runs = runs;
		*room = more;
	}
	f->runs[f->n_runs++] = (struct fatread_run){ offset, bytes };
	return 0;
}

int fatread_file_open(struct fatread_file *out, struct fatread *v,
		      const struct fatread_entry *e, struct fault *fault)
{
	uint32_t cluster = e->cluster, steps = v->g.clusters;
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
			rc = fault_set(fault, KIT_ERR_FORMAT, "the file's chain of clusters %s",
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
				 "%zu bytes at byte %llu lie past the end of the file (%llu bytes)",
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

static int64_t input_read_at(void *context, uint64_t offset, void *buffer, size_t size,
			     struct fault *fault)
{
	const struct fatread_file *f = context;
	uint64_t left = offset < f->size ? f->size - offset : 0;
	int rc;

	if (size > left)
		size = (size_t)left;
	rc = fatread_file_read(f, offset, buffer, size, fault);
	return rc ? rc : (int64_t)size;
}

void fatread_file_input(struct sbin_input *in, struct fatread_file *f, const char *name)
{
	*in = (struct sbin_input){
		.read_at = input_read_at, .context = f, .size = f->size, .name = name,
	};
}

/* Every partition must lie on the disk: firmware (EDK2) drops the whole table otherwise. */
static const struct part *past_end(const struct parts *parts)
{
	for (size_t i = 0; i < parts->n; i++) {
		if (parts->part[i].past_end)
			return &parts->part[i];
	}
	return NULL;
}

/* 1 and *out when the volume at START has a SETUP.BIN in its root directory. */
static int find_in_volume(struct fatread_file *out, const struct disk *disk, uint64_t start,
			  struct fault *fault)
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
		if (fatread_is_file(&e) && !memcmp(e.raw, FATREAD_SETUP_BIN, sizeof(e.raw))) {
			rc = fatread_file_open(out, &v, &e, fault);
			return rc ? rc : 1;
		}
	}
	return rc == KIT_ERR_FORMAT ? 0 : rc;
}

int fatread_find_setup_bin(struct fatread_file *out, const struct disk *disk,
			   struct fault *fault)
{
	struct parts *parts = malloc(sizeof(*parts));
	struct fault echo = { 0 };	/* why a volume is none: said only if none is found */
	const struct part *bad;
	int rc;

	memset(out, 0, sizeof(*out));
	if (!parts)
		return fault_set(fault, KIT_ERR_NOMEM, "no memory to read the partition table");
	rc = parts_read(parts, disk, fault);
	if (rc)
		goto out;
	bad = parts->kind == PARTS_MBR ? past_end(parts) : NULL;
	if (parts->kind == PARTS_NONE || bad) {
		rc = bad ? fault_set(fault, KIT_ERR_NOT_FOUND,
				    "%s: partition %u ends past the end of "
				    "the stick, so firmware sees none at all",
				    disk->name, bad->number) :
			  fault_set(fault, KIT_ERR_NOT_FOUND,
				    "%s: no partition table and no FAT volume in its first sector",
				    disk->name);
		goto out;
	}
	for (size_t i = 0; i < parts->n; i++) {
		fault_clear(&echo);
		rc = find_in_volume(out, disk, parts->part[i].start, &echo);
		if (rc < 0)
			fault_set(fault, rc, "%s: SETUP.BIN in partition %u: %s", disk->name,
				  parts->part[i].number, echo.what);
		if (rc) {
			rc = rc < 0 ? rc : 0;
			goto out;
		}
	}
	rc = fault_set(fault, KIT_ERR_NOT_FOUND,
		      echo.code ? "%s: no SETUP.BIN that firmware would "
				  "see (%s, volumes looked at: %zu; %s)" :
				  "%s: no SETUP.BIN that firmware would "
				  "see (%s, volumes looked at: %zu)%s",
		      disk->name, parts_kind_name(parts->kind), parts->n, echo.what);
out:
	free(parts);
	return rc;
}
