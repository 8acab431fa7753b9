/* Finding setup.bin in all places where people and systems leave it. */
#include "ukpu/stick/find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "common/secret.h"
#include "setupbin/header.h"
#include "ukpu/stick/deleted.h"
#include "ukpu/format/parts.h"
#include "common/text.h"

#define FOLDERS_MAX	1024	/* directories that are walked */
#define ENTRIES_MAX	200000	/* entries that are looked at, deleted ones included */
#define CONTENT_MAX	((uint64_t)512 << 20)	/* no candidate is larger */
#define DEEP_PIECE	((size_t)1 << 20)

struct folder {
	uint32_t cluster;	/* 0: the root */
	char path[FIND_PATH];
};

struct search {
	struct find *out;
	const struct disk *disk;
	size_t room, room_others, room_deleted, room_volumes;
	struct folder *folder;
	size_t n_folders, room_folders;
	unsigned long entries;
	unsigned numbered;	/* names that got a number because others are the same */
	struct fault *fault;
};

/* The stick may be damaged in any way; only errors of the disk itself end the search. */
static bool is_finding(int rc)
{
	return rc == KIT_ERR_FORMAT || rc == KIT_ERR_RANGE || rc == KIT_ERR_TRUNCATED ||
		rc == KIT_ERR_UNFIT;
}

const char *find_how_name(enum find_how how)
{
	static const char *const names[] = {
		"in the root directory", "in the root directory under another name",
		"in a sub-folder", "deleted, its bytes are still there",
		"no directory entry, found by its header",
	};

	return names[how];
}

/* Room for one more of SIZE bytes in an array of *room. */
static void *make_room(void *array, size_t n, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 8;
	void *p;

	if (n < *room)
		return array;
	p = reallocarray(array, more, size);
	if (p)
		*room = more;
	return p;
}

/* A file in one piece. */
static int piece(struct fatread_file *out, const struct disk *disk, uint64_t offset, uint64_t size)
{
	memset(out, 0, sizeof(*out));
	out->disk = disk;
	out->size = size;
	out->runs = malloc(sizeof(*out->runs));
	if (!out->runs)
		return KIT_ERR_NOMEM;
	out->runs[0] = (struct fatread_run){ offset, size };
	out->n_runs = 1;
	return 0;
}

/* 1: the file begins as a setup.bin does, or its second sector is a record; 0: neither. */
static int begins_so(const struct fatread_file *file, struct fault *fault)
{
	struct fault why = { 0 };
	uint8_t sectors[2 * SBIN_CHUNK];	/* SECRET */
	size_t n = file->size < sizeof(sectors) ? SBIN_CHUNK : sizeof(sectors);
	bool so, left;
	int rc;

	if (file->size < SBIN_CHUNK)
		return 0;
	rc = fatread_file_read(file, 0, sectors, n, &why);
	if (rc)
		return is_finding(rc) ? 0 : fault_pass(fault, &why);
	so = sbin_uuid_major(sectors) || (n > SBIN_CHUNK &&
					  deleted_record(sectors + SBIN_CHUNK, &left));
	secret_wipe(sectors, sizeof(sectors));
	return so;
}

/* A file that the checker refuses may still hold keys: count its recognisable records. */
static void count_records(struct find_candidate *c, const struct content *content)
{
	bool left;

	c->records = c->used = c->left = 0;
	for (uint64_t at = 0; at + SBIN_CHUNK <= content->size; at += SBIN_CHUNK) {
		if (!deleted_record(content->data + at, &left))
			continue;
		c->records++;
		c->left += left;
	}
	c->used = c->records - c->left;
}

/* Read the whole candidate: is it sound, what is in it, what is its digest? */
static int judge(struct find_candidate *c, struct fault *fault)
{
	struct content content = { 0 };
	struct sbin_summary s = { 0 };
	struct fault why = { 0 };
	int rc = 0;

	if (c->file.size <= CONTENT_MAX)
		rc = content_take(&content, &c->file, &why);
	if (rc && !is_finding(rc))
		return fault_pass(fault, &why);
	if (!rc && content.data) {
		rc = content_digest(&content, c->digest, fault);
		if (!rc && !content_check(&content, "SETUP.BIN", NULL, NULL, &s, NULL)) {
			c->sound = !s.errors;
			c->shared = c->sound && !s.consumable;
			c->records = s.records;
			c->used = s.consumed;
			c->left = s.valid;
			memcpy(c->next_pid, s.next_pid, sizeof(c->next_pid));
		}
		if (!c->sound && !c->left)
			count_records(c, &content);
	}
	content_wipe(&content);
	return is_finding(rc) ? 0 : rc;
}

/* Take over the file as a candidate; it is closed if it is known already. */
static int add_candidate(struct search *s, struct fatread_file *file, enum find_how how,
			 const char *path)
{
	struct find *out = s->out;
	struct find_candidate *c;

	for (size_t i = 0; i < out->n; i++) {
		/* Two entries for the same clusters: the first one found is the better one. */
		if (file->n_runs && out->candidate[i].file.runs[0].offset == file->runs[0].offset) {
			fatread_file_close(file);
			return 0;
		}
	}
	if (out->n == FIND_MAX) {
		out->more = true;
		fatread_file_close(file);
		return 0;
	}
	c = make_room(out->candidate, out->n, &s->room, sizeof(*c));
	if (!c) {
		fatread_file_close(file);
		return fault_nomem(s->fault);
	}
	out->candidate = c;
	c += out->n++;
	memset(c, 0, sizeof(*c));
	c->how = how;
	c->file = *file;
	snprintf(c->path, sizeof(c->path), "%s", path);
	memset(file, 0, sizeof(*file));
	return judge(c, s->fault);
}

static int add_other(struct search *s, struct fatread_file *file, bool readable, const char *path)
{
	struct find *out = s->out;
	struct find_other *o;

	if (out->n_others == FIND_OTHERS) {
		out->more_others = true;
		fatread_file_close(file);
		return 0;
	}
	o = make_room(out->other, out->n_others, &s->room_others, sizeof(*o));
	if (!o) {
		fatread_file_close(file);
		return fault_nomem(s->fault);
	}
	out->other = o;
	o += out->n_others++;
	memset(o, 0, sizeof(*o));
	snprintf(o->path, sizeof(o->path), "%s", path);
	o->file = *file;
	o->readable = readable;
	memset(file, 0, sizeof(*file));
	return 0;
}

static bool is_taken(const struct find *f, const char *path)
{
	for (size_t i = 0; i < f->n_others; i++) {
		if (!strcmp(f->other[i].path, path))
			return true;
	}
	for (size_t i = 0; i < f->n; i++) {
		if (f->candidate[i].how < FIND_DELETED && !strcmp(f->candidate[i].path, path))
			return true;
	}
	return false;
}

/*
 * Two volumes may have files of the same path, and names may differ only in what text_path() cut or
 * replaced: from the second on they get a number, never the same twice. False if that is too long.
 */
static bool make_unique(struct search *s, char path[FIND_PATH])
{
	char folder[FIND_PATH], *name, number[16];

	if (!is_taken(s->out, path))
		return true;
	strcpy(folder, path);
	name = strrchr(folder, '/');
	*name++ = '\0';
	do {
		snprintf(number, sizeof(number), "~%u", ++s->numbered + 1);
		if (!text_path_numbered(path, FIND_PATH, folder, name, number))
			return false;
	} while (is_taken(s->out, path));
	return true;
}

/* How long the file is by the header in SECTOR, at byte AT; 0: no header, or too long for DISK. */
static uint64_t file_bytes(const struct disk *disk, uint64_t at, const uint8_t *sector)
{
	struct sbin_header h;
	uint64_t size;

	if (!sbin_uuid_major(sector) || sbin_header_decode(sector, SBIN_CHUNK, &h, NULL))
		return 0;
	size = sbin_header_file_bytes(&h);
	return size > disk->size - at || size > CONTENT_MAX ? 0 : size;
}

/* SIZE bytes in one piece from byte AT on: if they are sound, those are the file. */
static int try_piece(struct search *s, struct find_candidate *c, uint64_t at, uint64_t size)
{
	struct find_candidate other = *c;
	int rc;

	other.file.runs = NULL;
	rc = piece(&other.file, s->disk, at, size);
	if (rc)
		return fault_nomem(s->fault);
	other.file.cluster_bytes = c->file.cluster_bytes;
	other.file.volume = c->file.volume;
	other.file.entry = c->file.entry;
	rc = judge(&other, s->fault);
	if (!rc && other.sound) {
		fatread_file_close(&c->file);
		*c = other;
		return 0;
	}
	fatread_file_close(&other.file);
	return rc;
}

/*
 * A chain may lead through a damaged FAT, and a directory entry may give a wrong size: if the
 * result is not sound, the file may still be in one piece, and its header says how long it is.
 */
static int fix_candidate(struct search *s, struct find_candidate *c, uint64_t at)
{
	uint8_t sector[SBIN_CHUNK];
	uint64_t size;
	int rc = 0;

	if (!c->sound && c->file.n_runs > 1)
		rc = try_piece(s, c, at, c->file.size);
	if (rc || c->sound || disk_read(s->disk, at, sector, sizeof(sector), NULL))
		return rc;
	size = file_bytes(s->disk, at, sector);
	return size && size != c->file.size ? try_piece(s, c, at, size) : 0;
}

static int take_file(struct search *s, struct fatread *v, const struct fatread_entry *e,
		     bool root, char path[FIND_PATH])
{
	uint64_t at = fat_cluster_valid(&v->g, e->cluster) ?
		v->start + fat_cluster_offset(&v->g, e->cluster) : UINT64_MAX;
	bool in_place = at < s->disk->size && e->size;
	enum find_how how = e->deleted ? FIND_DELETED : !root ? FIND_FOLDER :
		memcmp(e->raw, SBIN_NAME, sizeof(e->raw)) || e->has_long_name ?
		FIND_RENAMED : FIND_ROOT;
	struct fatread_file file = { 0 };
	struct fault why = { 0 };
	bool whole;
	int rc = 0, is;

	/* The FAT has no chain of a deleted file; if a chain is broken, one piece is a guess. */
	if (!e->deleted)
		rc = fatread_file_open(&file, v, e, &why);
	whole = !e->deleted && !rc;
	if (rc && !is_finding(rc))
		return fault_pass(s->fault, &why);
	if (!whole && in_place) {
		rc = piece(&file, s->disk, at, e->size < s->disk->size - at ? e->size :
			  s->disk->size - at);
		if (rc)
			return fault_nomem(s->fault);
		file.cluster_bytes = fat_cluster_bytes(&v->g);
		file.volume = v->start;
		file.entry = e->offset;
	}
	is = file.n_runs ? begins_so(&file, s->fault) : 0;
	if (is < 0) {
		fatread_file_close(&file);
		return is;
	}
	if (!e->deleted && !make_unique(s, path)) {
		s->out->more_others = true;
		fatread_file_close(&file);
		return 0;
	}
	if (is) {
		size_t before = s->out->n;

		rc = add_candidate(s, &file, how, path);
		return rc || s->out->n == before || !in_place ? rc :
			fix_candidate(s, &s->out->candidate[before], at);
	}
	if (e->deleted) {
		fatread_file_close(&file);
		return 0;
	}
	if (!whole)
		fatread_file_close(&file);
	return add_other(s, &file, whole, path);
}

static int enter_later(struct search *s, uint32_t cluster, const char *path)
{
	struct folder *more;

	/* A directory that is its own ancestor is entered once. */
	for (size_t i = 0; i < s->n_folders; i++) {
		if (s->folder[i].cluster == cluster)
			return 0;
	}
	if (s->n_folders == FOLDERS_MAX) {
		s->out->more_others = true;
		return 0;
	}
	more = make_room(s->folder, s->n_folders, &s->room_folders, sizeof(*more));
	if (!more)
		return fault_nomem(s->fault);
	s->folder = more;
	s->folder[s->n_folders].cluster = cluster;
	snprintf(s->folder[s->n_folders++].path, FIND_PATH, "%s", path);
	return 0;
}

static int walk_folder(struct search *s, struct fatread *v, size_t number)
{
	/* A copy: the list grows, and moves, on the way. */
	const struct folder folder = s->folder[number];
	struct fatread_dir dir;
	struct fatread_entry e;
	struct fault why = { 0 };
	char path[FIND_PATH];
	int rc;

	fatread_dir_begin(&dir, v, folder.cluster);
	while ((rc = fatread_dir_next(&dir, &e, &why)) == 1) {
		if (s->entries++ == ENTRIES_MAX) {
			s->out->more_others = true;
			return 0;
		}
		/* The root directory has no parent: a ".." in it is some other directory. */
		if (e.attributes & FAT_LABEL || (folder.cluster && fatread_is_dots(&e)))
			continue;
		if (!text_path(path, FIND_PATH, folder.path, e.name)) {
			s->out->more_others = s->out->more_others || !e.deleted;
			continue;
		}
		if (e.attributes & FAT_DIRECTORY) {
			if (!e.deleted && fat_cluster_valid(&v->g, e.cluster))
				rc = enter_later(s, e.cluster, path);
			else if (!e.deleted)
				s->out->more_others = true;
			if (rc < 0)
				return rc;
			continue;
		}
		rc = take_file(s, v, &e, !folder.cluster, path);
		if (rc)
			return rc;
	}
	/* What was behind the break is unknown. */
	if (is_finding(rc)) {
		s->out->more_others = true;
		return 0;
	}
	return rc ? fault_pass(s->fault, &why) : 0;
}

static int add_volume(struct search *s, const struct fatread *v)
{
	struct find *out = s->out;
	struct fatread_run *more = make_room(out->volume, out->n_volumes, &s->room_volumes,
					     sizeof(*more));

	if (!more)
		return fault_nomem(s->fault);
	out->volume = more;
	out->volume[out->n_volumes++] = (struct fatread_run){
		v->start, (uint64_t)v->g.sectors * v->g.sector_bytes,
	};
	return 0;
}

/* Search all directories of the volume at START, if there is one. */
static int walk_volume(struct search *s, uint64_t start, bool *opened)
{
	struct fault why = { 0 };
	struct fatread v;
	int rc = fatread_open(&v, s->disk, start, FATREAD_LENIENT, &why);

	if (rc && is_finding(rc)) {
		fault_clear(&why);
		rc = fatread_open_by(&v, s->disk, start, start + FAT_BACKUP_SECTOR * FAT_SECTOR,
				    FATREAD_LENIENT, &why);
	}
	if (rc && is_finding(rc))
		return 0;
	if (rc)
		return fault_pass(s->fault, &why);
	*opened = true;
	s->n_folders = 0;
	rc = add_volume(s, &v);
	if (!rc)
		rc = enter_later(s, 0, "");
	for (size_t i = 0; i < s->n_folders && !rc; i++)
		rc = walk_folder(s, &v, i);
	return rc;
}

/* All volumes in the table; without a table, the places where tools usually begin the first. */
static int walk_volumes(struct search *s)
{
	static const uint32_t usual[] = { 0, 2048, 63, 32, 64, 128, 256, 8192 };
	struct parts *parts = malloc(sizeof(*parts));
	bool opened = false;
	int rc;

	if (!parts)
		return fault_nomem(s->fault);
	rc = parts_read(parts, s->disk, s->fault);
	for (size_t i = 0; i < parts->n && !rc; i++) {
		const struct part *part = &parts->part[i];
		bool open = false;

		if (parts_is_extended(part->type) || part->start >= s->disk->size)
			continue;
		rc = walk_volume(s, part->start, &open);
		opened = opened || open;
	}
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]) && !opened && !rc; i++)
		rc = walk_volume(s, (uint64_t)usual[i] * FAT_SECTOR, &opened);
	free(parts);
	return rc;
}

/* A header at byte AT: its own counts say how long the file is. */
static int take_header(struct search *s, uint64_t at, const uint8_t *sector)
{
	uint64_t size = file_bytes(s->disk, at, sector);
	struct fatread_file file;

	if (!size)
		return 0;
	if (piece(&file, s->disk, at, size))
		return fault_nomem(s->fault);
	return add_candidate(s, &file, FIND_CLUSTER, "");
}

static bool is_in_candidate(const struct find *f, uint64_t at)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct fatread_file *file = &f->candidate[i].file;

		for (size_t k = 0; k < file->n_runs; k++) {
			if (at - file->runs[k].offset < file->runs[k].bytes)
				return true;
		}
	}
	return false;
}

/* A record at byte AT that is in no candidate. */
static int take_record(struct search *s, uint64_t at, const uint8_t *sector)
{
	bool left = false;
	uint64_t bytes = (uint64_t)deleted_record(sector, &left) * SBIN_CHUNK;
	struct find *out = s->out;
	struct fatread_run *last = out->n_deleted ? &out->deleted[out->n_deleted - 1] : NULL, *more;

	if (!bytes || is_in_candidate(out, at))
		return 0;
	out->deleted_left += left;
	if (last && at <= last->offset + last->bytes) {
		if (at + bytes > last->offset + last->bytes)
			last->bytes = at + bytes - last->offset;
		return 0;
	}
	if (out->n_deleted == FIND_RUNS)
		return 0;
	more = make_room(out->deleted, out->n_deleted, &s->room_deleted, sizeof(*more));
	if (!more)
		return fault_nomem(s->fault);
	out->deleted = more;
	out->deleted[out->n_deleted++] = (struct fatread_run){ at, bytes };
	return 0;
}

/*
 * Clusters begin at sectors: a search of every sector finds all of them.
 */
static int look_everywhere(struct search *s, bool records,
			   void (*progress)(void *context, uint64_t done, uint64_t total),
			   void *context)
{
	uint64_t end = s->disk->size;
	size_t room = end < DEEP_PIECE ? (size_t)end : DEEP_PIECE;
	uint8_t *buffer = malloc(room + 1);
	int rc = 0;

	if (!buffer)
		return fault_nomem(s->fault);
	for (uint64_t at = 0; at + SBIN_CHUNK <= end && !rc; at += DEEP_PIECE) {
		uint64_t left = end - at;
		size_t n = left < DEEP_PIECE ? (size_t)left : DEEP_PIECE;

		rc = disk_read(s->disk, at, buffer, n, s->fault);
		for (size_t i = 0; i + SBIN_CHUNK <= n && !rc; i += SBIN_CHUNK) {
			rc = take_header(s, at + i, buffer + i);
			if (!rc && records)
				rc = take_record(s, at + i, buffer + i);
		}
		if (progress)
			progress(context, at + n, end);
	}
	secret_wipe(buffer, room);
	free(buffer);
	return rc;
}

static int best_first(const void *a, const void *b)
{
	const struct find_candidate *x = a, *y = b;

	if (x->how != y->how)
		return x->how < y->how ? -1 : 1;
	return x->file.runs[0].offset < y->file.runs[0].offset ? -1 : 1;
}

int find_run(struct find *out, const struct disk *disk, unsigned flags,
	     void (*progress)(void *context, uint64_t done, uint64_t total), void *context,
	     struct fault *fault)
{
	struct search s = { .out = out, .disk = disk, .fault = fault };
	bool sound = false;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = walk_volumes(&s);
	for (size_t i = 0; i < out->n; i++)
		sound = sound || out->candidate[i].sound;
	if (!rc && flags & FIND_DEEP && (!sound || flags & FIND_ALWAYS))
		rc = look_everywhere(&s, flags & FIND_ALWAYS, progress, context);
	if (out->n)
		qsort(out->candidate, out->n, sizeof(*out->candidate), best_first);
	free(s.folder);
	if (rc)
		find_free(out);
	return rc;
}

void find_free(struct find *f)
{
	for (size_t i = 0; i < f->n; i++)
		fatread_file_close(&f->candidate[i].file);
	for (size_t i = 0; i < f->n_others; i++)
		fatread_file_close(&f->other[i].file);
	free(f->candidate);
	free(f->other);
	free(f->deleted);
	free(f->volume);
	memset(f, 0, sizeof(*f));
}
