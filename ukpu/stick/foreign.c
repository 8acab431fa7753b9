/* What is on a stick and in no list of files. */
#include "ukpu/stick/foreign.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ukpu/drive/probe.h"
#include "ukpu/format/blank.h"
#include "ukpu/format/gaps.h"
#include "ukpu/format/parts.h"

#define TABLE_SECTORS	34u	/* that a partition table may take: MBR, GPT and its entries */

struct foreign_search {
	struct foreign *out;
	const struct disk *disk;
	int fd;
	const struct find *found;
	struct parts parts;
	struct fatread_run *known;	/* not a loss: tables, volumes, setup.bin, records */
	size_t n_known;
};

__attribute__((format(printf, 2, 3)))
static void add(struct foreign_search *l, const char *format, ...)
{
	char *text = l->out->text;
	size_t at = strlen(text), room = sizeof(l->out->text);
	va_list ap;

	if (at && at + 3 < room)
		at += (size_t)snprintf(text + at, room - at, ", ");
	va_start(ap, format);
	vsnprintf(text + at, room - at, format, ap);
	va_end(ap);
}

static void add_place(struct foreign_search *l, unsigned number, const char *what)
{
	if (number)
		add(l, "partition %u (%s)", number, what);
	else
		add(l, "all of it (%s)", what);
}

static int list_known(struct foreign_search *l, struct fault *fault)
{
	const struct find *f = l->found;
	uint64_t table = (uint64_t)TABLE_SECTORS * l->disk->sector_bytes;
	size_t n = 2 + f->n_volumes + f->n_deleted;

	for (size_t i = 0; i < f->n; i++)
		n += f->candidate[i].file.n_runs;
	l->known = calloc(n, sizeof(*l->known));
	if (!l->known)
		return fault_nomem(fault);
	l->known[l->n_known++] = (struct fatread_run){ 0, table };
	if (l->parts.gpt_back && l->disk->size > table)
		l->known[l->n_known++] = (struct fatread_run){ l->disk->size - table, table };
	for (size_t i = 0; i < f->n_volumes; i++)
		l->known[l->n_known++] = f->volume[i];
	for (size_t i = 0; i < f->n_deleted; i++)
		l->known[l->n_known++] = f->deleted[i];
	for (size_t i = 0; i < f->n; i++) {
		for (size_t k = 0; k < f->candidate[i].file.n_runs; k++)
			l->known[l->n_known++] = f->candidate[i].file.runs[k];
	}
	return 0;
}

/* Was a FAT volume read that begins at byte START? */
static bool is_read(const struct foreign_search *l, uint64_t start)
{
	for (size_t i = 0; i < l->found->n_volumes; i++) {
		if (l->found->volume[i].offset == start)
			return true;
	}
	return false;
}

/* Is there data from START to END that belongs to nothing known? */
static int look_for_data(struct foreign_search *l, unsigned number, uint64_t start, uint64_t end,
			 struct fault *fault)
{
	bool blank;
	int rc = blank_check(l->disk, start, end, BLANK_CAREFUL, l->known, l->n_known, &blank,
			     fault);

	if (!rc && !blank)
		add_place(l, number, "unknown data");
	return rc;
}

/*
 * One place where a file system may begin, with BYTES bytes, of which the first CLAIMED are its own
 * even if nothing known is there. Neither is known where they are 0: it may go on to the end.
 */
static int look_at_place(struct foreign_search *l, unsigned number, uint64_t start, uint64_t bytes,
			 uint64_t claimed, struct fault *fault)
{
	struct probe_part p = { .number = number, .offset = start };
	bool read = is_read(l, start);
	int rc;

	if (start >= l->disk->size)
		return 0;
	p.bytes = bytes && bytes < l->disk->size - start ? bytes : l->disk->size - start;
	rc = probe_part(&p, l->fd, fault);
	if (rc)
		return rc;
	/* Beside a FAT volume that was read, signatures of older systems are leftovers. */
	if (p.type[0] && strcmp(p.type, "vfat") && !(read && !strcmp(p.type, PROBE_SEVERAL))) {
		add_place(l, number, p.type);
		return 0;
	}
	if (read)
		return 0;
	if (!bytes || claimed > p.bytes)
		claimed = p.bytes;
	return look_for_data(l, number, start, start + claimed, fault);
}

/* Does the table make sense: does one entry at least lie on the disk? */
static bool is_table(const struct foreign_search *l)
{
	for (size_t i = 0; i < l->parts.n && l->parts.kind != PARTS_NONE; i++) {
		if (l->parts.part[i].start < l->disk->size)
			return true;
	}
	return l->parts.kind == PARTS_GPT;
}

/* Is there data in no partition? Where a volume or partitions are not read, all is looked at. */
static int look_at_gaps(struct foreign_search *l, struct fault *fault)
{
	bool blank = true;
	int rc = 0;

	if (!l->parts.more && (l->parts.kind != PARTS_SUPERFLOPPY || is_read(l, 0)))
		rc = gaps_check(l->disk, &l->parts, BLANK_CAREFUL, l->known, l->n_known, &blank,
				fault);
	if (!rc && !blank)
		add(l, "unknown data in no partition");
	return rc;
}

/* Logical drives are looked at themselves; an extended partition only if none are seen in it. */
static int look_at_partitions(struct foreign_search *l, struct fault *fault)
{
	int rc = 0;

	for (size_t i = 0; i < l->parts.n && !rc; i++) {
		const struct part *p = &l->parts.part[i];

		if (!parts_holds_logical(&l->parts, p))
			rc = look_at_place(l, p->number, p->start, p->bytes, p->bytes, fault);
	}
	if (l->parts.more)
		add(l, "more partitions than can be read");
	return rc ? rc : look_at_gaps(l, fault);
}

/* A disk without a table that can be read: all of it, as one place. */
static int look_at_disk(struct foreign_search *l, struct fault *fault)
{
	const struct find *found = l->found;
	uint64_t claimed = UINT64_MAX;
	struct probe_contents *c = malloc(sizeof(*c));
	int rc = c ? probe_contents(c, l->fd, l->disk->size, fault) : fault_nomem(fault);

	if (rc)
		goto out;
	if (c->table[0] && strcmp(c->table, "dos") && strcmp(c->table, "gpt")) {
		add(l, "all of it (a partition table of the kind %s)", c->table);
		goto out;
	}
	/* If only the table of our stick is gone, what is behind the volume was given up. */
	if (found->n_volumes == 1 && gaps_own_code(l->disk, found->volume[0].offset))
		claimed = found->volume[0].offset;
	rc = look_at_place(l, 0, 0, l->disk->size, claimed, fault);
out:
	free(c);
	return rc;
}

int foreign_look(struct foreign *out, const struct disk *disk, int fd, const struct find *found,
		 struct fault *fault)
{
	struct foreign_search *l = calloc(1, sizeof(*l));
	int rc;

	memset(out, 0, sizeof(*out));
	if (!l)
		return fault_nomem(fault);
	l->out = out;
	l->disk = disk;
	l->fd = fd;
	l->found = found;
	rc = parts_read(&l->parts, disk, fault);
	if (!rc)
		rc = list_known(l, fault);
	if (!rc)
		rc = is_table(l) ? look_at_partitions(l, fault) : look_at_disk(l, fault);
	free(l->known);
	free(l);
	return rc;
}
