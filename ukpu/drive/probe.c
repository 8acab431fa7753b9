/* libblkid's view of a stick. */
#include "ukpu/drive/probe.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/text.h"
#include "ukpu/format/blank.h"
#include "ukpu/format/gaps.h"

static int probe_failed(struct fault *fault, const char *step)
{
	return errno ? fault_sys(fault, errno, "looking at what is there: %s", step) :
		fault_set(fault, KIT_ERR_LIBRARY, "looking at what is there: libblkid refused %s",
			  step);
}

static int open_probe(blkid_probe *out, int fd, uint64_t offset, uint64_t size,
		      struct fault *fault)
{
	errno = 0;
	*out = blkid_new_probe();
	if (!*out)
		return fault_nomem(fault);
	if (blkid_probe_set_device(*out, fd, (blkid_loff_t)offset, (blkid_loff_t)size)) {
		blkid_free_probe(*out);
		*out = NULL;
		return probe_failed(fault, "the device");
	}
	return 0;
}

/* Labels come from strangers. */
static void put_text(char *out, size_t size, const char *text)
{
	text_clean(out, size, text ? text : "");
}

/* The signature that the last probe found, at OFFSET_NAME with MAGIC_NAME, if it has one. */
static bool take_signature(blkid_probe pr, struct probe_signatures *out, uint64_t base,
			   const char *offset_name, const char *magic_name, const char *type_name)
{
	const char *offset, *magic, *type = NULL;
	struct probe_signature *s;
	size_t size;

	if (blkid_probe_lookup_value(pr, offset_name, &offset, NULL) ||
	    blkid_probe_lookup_value(pr, magic_name, &magic, &size) || !size)
		return false;
	if (out->n == PROBE_SIGNATURES)
		return true;
	s = &out->s[out->n++];
	s->offset = base + strtoull(offset, NULL, 10);
	s->size = (uint32_t)size;
	blkid_probe_lookup_value(pr, type_name, &type, NULL);
	put_text(s->type, sizeof(s->type), type);
	return true;
}

int probe_signatures(struct probe_signatures *out, int fd, uint64_t offset, uint64_t size,
		     struct fault *fault)
{
	blkid_probe pr;
	int rc = open_probe(&pr, fd, offset, size, fault);

	if (rc)
		return rc;
	blkid_probe_enable_superblocks(pr, 1);
	blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_MAGIC | BLKID_SUBLKS_TYPE |
					  BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(pr, 1);
	blkid_probe_set_partitions_flags(pr, BLKID_PARTS_MAGIC | BLKID_PARTS_FORCE_GPT);
	while (out->n < PROBE_SIGNATURES) {
		errno = 0;
		rc = blkid_do_probe(pr);
		if (rc < 0)
			rc = probe_failed(fault, "a probe");
		if (rc)
			break;
		if (!take_signature(pr, out, offset, "SBMAGIC_OFFSET", "SBMAGIC", "TYPE"))
			take_signature(pr, out, offset, "PTMAGIC_OFFSET", "PTMAGIC", "PTTYPE");
		/* In memory only: hides what was found, so that the next probe looks behind it. */
		if (blkid_do_wipe(pr, 1))
			break;
	}
	blkid_free_probe(pr);
	return rc < 0 ? rc : 0;
}

int probe_part(struct probe_part *out, int fd, struct fault *fault)
{
	const char *value;
	blkid_probe pr;
	int rc = open_probe(&pr, fd, out->offset, out->bytes, fault);

	if (rc)
		return rc;
	blkid_probe_enable_superblocks(pr, 1);
	blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL);
	errno = 0;
	rc = blkid_do_safeprobe(pr);
	if (rc == -2) {
		put_text(out->type, sizeof(out->type), PROBE_SEVERAL);
	} else if (rc < 0) {
		rc = probe_failed(fault, "a probe");
		goto out;
	} else if (!rc) {
		if (!blkid_probe_lookup_value(pr, "TYPE", &value, NULL))
			put_text(out->type, sizeof(out->type), value);
		if (!blkid_probe_lookup_value(pr, "LABEL", &value, NULL))
			put_text(out->label, sizeof(out->label), value);
	}
	rc = 0;
out:
	blkid_free_probe(pr);
	return rc;
}

static void take_partitions(blkid_probe pr, struct probe_contents *out, uint64_t size)
{
	blkid_partlist list = blkid_probe_get_partitions(pr);
	blkid_parttable table = list ? blkid_partlist_get_table(list) : NULL;
	int n = list ? blkid_partlist_numof_partitions(list) : 0;

	if (!table)
		return;
	put_text(out->table, sizeof(out->table), blkid_parttable_get_type(table));
	for (int i = 0; i < n; i++) {
		blkid_partition p = blkid_partlist_get_partition(list, i);
		uint64_t start = (uint64_t)blkid_partition_get_start(p) * 512;
		uint64_t bytes = (uint64_t)blkid_partition_get_size(p) * 512;

		if (start >= size || !bytes || blkid_partition_is_extended(p))
			continue;
		if (out->n == PROBE_PARTS) {
			out->more++;
			continue;
		}
		out->part[out->n++] = (struct probe_part){
			.number = (unsigned)blkid_partition_get_partno(p), .offset = start,
			.bytes = bytes < size - start ? bytes : size - start,
		};
	}
}

/* Where no file system is known, is there data? A place that cannot be read may hold some. */
static bool is_blank(int fd, const struct probe_part *p)
{
	struct disk_fd state;
	struct disk disk;
	bool blank;

	return !disk_open_fd(&disk, &state, fd, "", NULL) &&
		!blank_check(&disk, p->offset, p->offset + p->bytes, BLANK_QUICK, NULL, 0, &blank,
			     NULL) && blank;
}

/* Is there data in no partition? What cannot be read may be some. */
static int look_beside(struct probe_contents *out, int fd, struct fault *fault)
{
	struct parts *parts = malloc(sizeof(*parts));
	struct disk_fd state;
	struct disk disk;
	bool blank;

	if (!parts)
		return fault_nomem(fault);
	out->beside = disk_open_fd(&disk, &state, fd, "", NULL) || parts_read(parts, &disk, NULL) ||
		gaps_check(&disk, parts, BLANK_QUICK, NULL, 0, &blank, NULL) || !blank;
	free(parts);
	return 0;
}

int probe_contents(struct probe_contents *out, int fd, uint64_t size, struct fault *fault)
{
	blkid_probe pr;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = open_probe(&pr, fd, 0, size, fault);
	if (rc)
		return rc;
	blkid_probe_enable_partitions(pr, 1);
	blkid_probe_enable_superblocks(pr, 0);
	errno = 0;
	rc = blkid_do_fullprobe(pr);
	if (rc >= 0)
		take_partitions(pr, out, size);
	else
		rc = probe_failed(fault, "a probe");
	blkid_free_probe(pr);
	if (rc < 0)
		return rc;
	if (!out->n)
		out->part[out->n++] = (struct probe_part){ .bytes = size };
	for (size_t i = 0; i < out->n; i++) {
		struct probe_part *p = &out->part[i];

		rc = probe_part(p, fd, fault);
		if (rc)
			return rc;
		p->blank = !p->type[0] && is_blank(fd, p);
	}
	return out->part[0].number || !strcmp(out->part[0].type, "vfat") ?
		look_beside(out, fd, fault) : 0;
}

void probe_size_text(uint64_t bytes, char *out)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		sprintf(out, "%" PRIu64 " bytes", bytes);
		return;
	}
	for (; value >= 1024 && i + 1 < sizeof(units) / sizeof(units[0]); i++)
		value /= 1024;
	sprintf(out, "%.1f %s", value, units[i]);
}

static const char *type_text(const struct probe_part *p)
{
	return p->type[0] ? p->type : p->blank ? "nothing found" : "unknown data";
}

void probe_describe(const struct probe_contents *c, char *out, size_t size)
{
	const struct probe_part *p = c->part;
	size_t at;
	char bytes[24];

	if (c->n == 1 && !p->number) {
		if (p->label[0])
			snprintf(out, size, "%s \"%s\", no partition table", type_text(p),
				 p->label);
		else
			snprintf(out, size, "%s", type_text(p));
		at = strlen(out);
		if (c->beside)
			snprintf(out + at, size - at, "; unknown data behind it");
		return;
	}
	snprintf(out, size, "%s", !strcmp(c->table, "dos") ? "MBR" :
		 !strcmp(c->table, "gpt") ? "GPT" : c->table);
	for (size_t i = 0; i < c->n; i++, p++) {
		at = strlen(out);
		probe_size_text(p->bytes, bytes);
		snprintf(out + at, size - at, "; %u: %s%s%s%s %s", p->number,
			 type_text(p), p->label[0] ? " \"" : "", p->label,
			 p->label[0] ? "\"" : "", bytes);
	}
	at = strlen(out);
	if (c->more)
		snprintf(out + at, size - at, "; %zu more", c->more);
	at = strlen(out);
	if (c->beside)
		snprintf(out + at, size - at, "; unknown data in no partition");
}

void probe_path(const char *path, uint64_t bytes, char *out, size_t size)
{
	struct probe_contents *c = malloc(sizeof(*c));
	struct fault fault = { 0 };
	int fd;

	if (!c || !bytes) {
		snprintf(out, size, "-");
		free(c);
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		snprintf(out, size, "unreadable: %s", strerror(errno));
	else if (probe_contents(c, fd, bytes, &fault))
		snprintf(out, size, "unreadable: %.100s", fault.what);
	else
		probe_describe(c, out, size);
	if (fd >= 0)
		close(fd);
	free(c);
}
