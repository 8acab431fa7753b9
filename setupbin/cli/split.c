/* amt-setupbin split, merge, compact: unused records split, brought together, kept alone. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/outfile.h"
#include "keygen/pidset.h"
#include "common/secret.h"
#include "setupbin/split.h"
#include "setupbin/cli/amt-setupbin.h"

#define MOST_FILES 10000	/* that split makes */

struct split_options {
	uint64_t number;
	const char *output;
	bool force;
};

static const struct cli_option split_table[] = {
	CLI_NUMBER('n', "number", struct split_options, number, "K", 1, MOST_FILES,
		   "how many files to make", .flags = CLI_REQUIRED),
	CLI_TEXT('o', "output", struct split_options, output, "PATTERN",
		 "their names, with % where the number goes: stick-%.bin", .flags = CLI_REQUIRED),
	CLI_FLAG(0, "force", struct split_options, force, "replace files that exist",
		 .flags = CLI_WHOLE),
	{ 0 },
};

struct new_file_options {
	const char *output;
	bool force;
};

static const struct cli_option merge_table[] = {
	CLI_TEXT('o', "output", struct new_file_options, output, "FILE", "the new file",
		 .flags = CLI_FILE | CLI_REQUIRED),
	CLI_FLAG(0, "force", struct new_file_options, force, "replace FILE if it exists",
		 .flags = CLI_WHOLE),
	{ 0 },
};

static const struct cli_option compact_table[] = {
	CLI_TEXT('o', "output", struct new_file_options, output, "FILE",
		 "the new file; with --force it may be the old one",
		 .flags = CLI_FILE | CLI_REQUIRED),
	CLI_FLAG(0, "force", struct new_file_options, force, "replace FILE if it exists",
		 .flags = CLI_WHOLE),
	{ 0 },
};

/* A new file of unused records, numbered from 1. */
struct pile {
	struct outfile *out;
	struct sbin_writer *writer;
	struct sbin_header header;
	uint8_t *record;	/* SECRET: for records that have to grow */
	size_t record_size;
	uint32_t records;
};

/* As header MODEL, with nothing consumed; its further chunks too. */
static int pile_begin(struct pile *p, const char *path, unsigned flags,
		      const struct sbin_header *model, const uint8_t *model_bytes,
		      struct fault *fault)
{
	int rc;

	p->header = *model;
	p->header.consumed = 0;
	p->records = 0;
	p->record_size = (size_t)model->record_chunks * SBIN_CHUNK;
	p->record = malloc(p->record_size);
	if (!p->record)
		return fault_nomem(fault);
	rc = outfile_open(&p->out, path, flags, fault);
	if (!rc)
		rc = sbin_writer_open(&p->writer, p->out, &p->header, fault);
	if (!rc)
		rc = sbin_writer_more_header(p->writer, model_bytes + SBIN_CHUNK, fault);
	return rc;
}

static int pile_put(struct pile *p, struct sbin_record *r, struct fault *fault)
{
	if (r->size < p->record_size) {
		/* The list of variables ends in zeros, of which there may be more. */
		memset(p->record, 0, p->record_size);
		memcpy(p->record, r->data, r->size);
		r->data = p->record;
		r->size = p->record_size;
	}
	r->chunks = p->header.record_chunks;
	r->number = ++p->records;
	return sbin_writer_put(p->writer, r, fault);
}

static int pile_end(struct pile *p, struct fault *fault)
{
	int rc = sbin_writer_end(&p->writer, fault);

	return rc ? rc : outfile_commit(&p->out, fault);
}

static void pile_free(struct pile *p)
{
	sbin_writer_discard(&p->writer);
	outfile_discard(&p->out);
	if (p->record)
		secret_wipe(p->record, p->record_size);
	free(p->record);
	p->record = NULL;
}

static int refuse_unconsumed(const struct sbin_header *h, const char *name, struct fault *fault)
{
	int rc = sbin_split_check(h, name, fault);

	return rc ? fault_hint(fault, "copy the file as it is onto as many sticks as you need") : 0;
}

/* PATTERN with its % replaced by NUMBER of COUNT, with leading zeros so that names sort. */
static char *name_of(const char *pattern, unsigned long number, unsigned long count)
{
	int at = (int)strcspn(pattern, "%"), digits = snprintf(NULL, 0, "%lu", count);
	char *name = NULL;

	if (asprintf(&name, "%.*s%0*lu%s", at, pattern, digits, number, pattern + at + 1) < 0)
		return NULL;
	return name;
}

/*
 * One name that exists stops the whole before the first file is made; that of the file INPUT does
 * even by force: when a later part failed, its records would be lost.
 */
static int refuse_existing(const char *pattern, unsigned long count, const struct stat *input,
			   bool force, struct fault *fault)
{
	int rc = 0;

	for (unsigned long i = 1; !rc && i <= count; i++) {
		char *name = name_of(pattern, i, count);
		struct stat st;
		bool there = name && lstat(name, &st) == 0;

		if (!name) {
			rc = fault_nomem(fault);
		} else if (there && st.st_dev == input->st_dev && st.st_ino == input->st_ino) {
			rc = fault_set(fault, KIT_ERR_ARGUMENT, "%s is the file that is split\n"
				       "choose another pattern", name);
		} else if (there && !force) {
			rc = fault_set(fault, KIT_ERR_EXISTS, "%s exists already\n"
				       "choose another pattern, or give --force to replace it",
				       name);
		}
		free(name);
	}
	return rc;
}

/* The parts of a split on their way into files. */
struct part_files {
	struct cli *cli;
	const struct split_options *o;
	struct pile pile;
	char *path;		/* of the part that is being written */
	unsigned long made;	/* parts that are finished, and the records in them */
	unsigned long records;
};

static int begin_part(void *context, size_t number, const struct sbin_header *header,
		      const uint8_t *chunks, struct fault *fault)
{
	struct part_files *parts = context;

	parts->path = name_of(parts->o->output, number + 1, (unsigned long)parts->o->number);
	if (!parts->path)
		return fault_nomem(fault);
	return pile_begin(&parts->pile, parts->path, parts->o->force ? OUTFILE_FORCE : 0, header,
			  chunks, fault);
}

static int put_record(void *context, struct sbin_record *r, struct fault *fault)
{
	struct part_files *parts = context;

	return pile_put(&parts->pile, r, fault);
}

static void free_part(struct part_files *parts)
{
	pile_free(&parts->pile);
	free(parts->path);
	parts->path = NULL;
}

static int end_part(void *context, struct fault *fault)
{
	struct part_files *parts = context;
	unsigned long n = parts->pile.records;
	int rc = pile_end(&parts->pile, fault);

	if (!rc) {
		cli_note(parts->cli, "%s: %lu record%s", parts->path, n, plural(n));
		parts->made++;
		parts->records += n;
	}
	free_part(parts);
	return rc;
}

static int make_parts(struct cli *cli, const struct split_options *o, const struct setupbin_file *f,
		      struct sbin_reader *reader, struct fault *fault)
{
	struct part_files parts = { .cli = cli, .o = o };
	const struct sbin_split to = { begin_part, put_record, end_part, &parts };
	const char *name = f->in.name;
	unsigned long files = (unsigned long)o->number;
	struct stat input;
	int rc;

	rc = refuse_unconsumed(sbin_reader_header(reader), name, fault);
	if (!rc && fstat(f->fd, &input) != 0)
		rc = fault_sys(fault, errno, "cannot look at %s", name);
	if (!rc)
		rc = refuse_existing(o->output, files, &input, o->force, fault);
	if (!rc)
		rc = sbin_split(reader, name, files, &to, fault);
	free_part(&parts);
	if (rc && parts.made != 0)
		cli_warn(cli, "files made before that: %lu, records in them: %lu", parts.made,
			 parts.records);
	if (!rc)
		cli_note(cli,
			 "%s still holds the same records: put it away, so that no two machines "
			 "share a key",
			 name);
	return rc;
}

static int split(struct cli *cli, const void *given)
{
	const struct split_options *o = given;
	const char *percent = strchr(o->output, '%');
	struct setupbin_file f;
	struct sbin_reader *reader = NULL;
	struct fault fault = { 0 };
	int rc;

	if (!percent || strchr(percent + 1, '%'))
		return cli_misuse(cli,
				  "--output: the pattern needs one %% where the number goes, such "
				  "as stick-%%.bin");
	rc = setupbin_reader_open(&f, &reader, cli->argv[0], &fault);
	if (!rc) {
		rc = make_parts(cli, o, &f, reader, &fault);
		setupbin_reader_close(&f, &reader);
	}
	return rc ? cli_fail(cli, &fault) : EXIT_YES;
}

const struct cli_verb setupbin_split = {
	.name = "split",
	.operands = "FILE",
	.summary = "split the unused records among several files",
	.options = split_table,
	.options_size = sizeof(struct split_options),
	.min_operands = 1,
	.max_operands = 1,
	.run = split,
	.examples = "amt-setupbin split setup.bin -n 3 -o stick-%.bin",
};

static int keep_unused(struct cli *cli, const struct new_file_options *o,
		       struct sbin_reader *reader, const char *name, struct fault *fault)
{
	const struct sbin_header *h = sbin_reader_header(reader);
	struct pile pile = { 0 };
	struct sbin_record r;
	uint32_t index = 0;
	int rc;

	rc = refuse_unconsumed(h, name, fault);
	if (!rc)
		rc = pile_begin(&pile, o->output, o->force ? OUTFILE_FORCE : 0, h,
				sbin_reader_header_bytes(reader), fault);
	while (!rc && (rc = sbin_split_next(reader, &index, &r, fault)) == 1)
		rc = pile_put(&pile, &r, fault);
	if (!rc && pile.records == 0)
		rc = fault_set(fault, KIT_ERR_STATE, "%s has no unused record left to keep", name);
	if (!rc)
		rc = pile_end(&pile, fault);
	if (!rc)
		cli_note(cli, "%s: %lu record%s kept, %lu dropped", o->output,
			 (unsigned long)pile.records, plural(pile.records),
			 (unsigned long)(h->records - pile.records));
	pile_free(&pile);
	return rc;
}

static int compact(struct cli *cli, const void *given)
{
	struct setupbin_file f;
	struct sbin_reader *reader = NULL;
	struct fault fault = { 0 };
	int rc;

	rc = setupbin_reader_open(&f, &reader, cli->argv[0], &fault);
	if (!rc) {
		rc = keep_unused(cli, given, reader, f.in.name, &fault);
		setupbin_reader_close(&f, &reader);
	}
	return rc ? cli_fail(cli, &fault) : EXIT_YES;
}

const struct cli_verb setupbin_compact = {
	.name = "compact",
	.operands = "FILE",
	.summary = "drop the consumed records, over which every machine has to read",
	.options = compact_table,
	.options_size = sizeof(struct new_file_options),
	.min_operands = 1,
	.max_operands = 1,
	.run = compact,
	.examples = "amt-setupbin compact setup.bin -o setup.bin --force",
};

/* The header of the merged file: that of the first, with room and modules for all. */
static int plan_merge(struct cli *cli, struct sbin_header *model, uint8_t **bytes,
		      struct fault *fault)
{
	int rc = 0;

	for (int i = 0; !rc && i < cli->argc; i++) {
		struct setupbin_file f;
		struct sbin_reader *reader = NULL;
		const struct sbin_header *h;

		rc = setupbin_reader_open(&f, &reader, cli->argv[i], fault);
		if (rc)
			break;
		h = sbin_reader_header(reader);
		rc = refuse_unconsumed(h, f.in.name, fault);
		if (!rc && i == 0) {
			*model = *h;
			*bytes = malloc((size_t)h->chunks * SBIN_CHUNK);
			if (!*bytes)
				rc = fault_nomem(fault);
			else
				memcpy(*bytes, sbin_reader_header_bytes(reader),
				       (size_t)h->chunks * SBIN_CHUNK);
		} else if (!rc && (h->version.major != model->version.major ||
				       h->version.minor != model->version.minor)) {
			rc = fault_set(fault, KIT_ERR_UNFIT, "%s is of version %u.%u, %s of %u.%u\n"
				       "merge files of one version; show --json and create --json "
				       "change it", f.in.name, h->version.major, h->version.minor,
				       cli->argv[0], model->version.major, model->version.minor);
		}
		for (size_t at = 0; !rc && at < SBIN_HEADER_MODULES; at++) {
			uint16_t module = get_le16(h->rest + 2 * at);

			if (module == 0)
				break;
			setupbin_add_module(model, module);
		}
		if (!rc && h->record_chunks > model->record_chunks)
			model->record_chunks = h->record_chunks;
		setupbin_reader_close(&f, &reader);
	}
	return rc;
}

/* All unused records of the file PATH; a PID that was there before is refused. */
static int merge_one(const char *path, struct pile *pile, struct pidset *seen, struct fault *fault)
{
	struct setupbin_file f;
	struct sbin_reader *reader = NULL;
	struct sbin_variable pid;
	struct sbin_record r;
	uint32_t index = 0;
	int rc;

	rc = setupbin_reader_open(&f, &reader, path, fault);
	if (rc)
		return rc;
	while (!rc && (rc = sbin_split_next(reader, &index, &r, fault)) == 1) {
		rc = 1;
		if (sbin_record_find(&r, SBIN_AMT, SBIN_PID, &pid) == 0 &&
		    pid.length == PID_LENGTH && pidpps_check_pid((const char *)pid.value) == 0)
			rc = pidset_add(seen, (const char *)pid.value, fault);
		if (!rc) {
			rc = fault_set(fault, KIT_ERR_DUPLICATE, "%s: record %lu has PID %.8s, "
				       "which came before: two machines would share it\n"
				       "leave out the file that is a copy of another", path,
				       (unsigned long)index, (const char *)pid.value);
		} else if (rc == 1) {
			rc = pile_put(pile, &r, fault);
		}
	}
	setupbin_reader_close(&f, &reader);
	return rc;
}

static int merge(struct cli *cli, const void *given)
{
	const struct new_file_options *o = given;
	struct sbin_header model = { 0 };
	struct pile pile = { 0 };
	struct pidset *seen = NULL;
	uint8_t *bytes = NULL;
	struct fault fault = { 0 };
	int rc;

	rc = plan_merge(cli, &model, &bytes, &fault);
	if (!rc)
		rc = pidset_new(&seen, &fault);
	if (!rc)
		rc = pile_begin(&pile, o->output, o->force ? OUTFILE_FORCE : 0, &model, bytes,
				&fault);
	for (int i = 0; !rc && i < cli->argc; i++)
		rc = merge_one(cli->argv[i], &pile, seen, &fault);
	if (!rc && pile.records == 0)
		rc = fault_set(&fault, KIT_ERR_STATE, "none of the files has an unused record");
	if (!rc)
		rc = pile_end(&pile, &fault);
	if (!rc)
		cli_note(cli,
			 "%s: %lu record%s; put the other files away, so that no two machines share"
			 " a key",
			 o->output, (unsigned long)pile.records, plural(pile.records));
	pile_free(&pile);
	pidset_free(&seen);
	free(bytes);
	return rc ? cli_fail(cli, &fault) : EXIT_YES;
}

const struct cli_verb setupbin_merge = {
	.name = "merge",
	.operands = "FILE...",
	.summary = "bring the unused records of several files into one",
	.options = merge_table,
	.options_size = sizeof(struct new_file_options),
	.min_operands = 1,
	.max_operands = -1,
	.run = merge,
	.examples = "amt-setupbin merge stick-1.bin stick-2.bin -o setup.bin",
};
