/* amt-setupbin edit: set and remove variables in all or chosen records of a file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/outfile.h"
#include "common/secret.h"
#include "setupbin/cli/amt-setupbin.h"

struct edit_options {
	const char *output, *records;
	struct cli_list set, unset;
	bool not_a_root, force;
};

static const struct cli_option options[] = {
	CLI_TEXT('o', "output", struct edit_options, output, "FILE",
		 "the new file; with --force it may be the old one",
		 .flags = CLI_FILE | CLI_REQUIRED),
	CLI_LIST('s', "set", struct edit_options, set, "NAME=VALUE",
		 "set this variable; secrets and certificates as NAME=@FILE"),
	CLI_LIST('u', "unset", struct edit_options, unset, "NAME", "take this variable out"),
	CLI_TEXT('r', "records", struct edit_options, records, "LIST",
		 "only in these records: numbers and ranges, such as 1,4-6"),
	CLI_FLAG(0, "not-a-root", struct edit_options, not_a_root,
		 "use the first certificate of a file, though it is not a root",
		 .flags = CLI_WHOLE),
	CLI_FLAG(0, "force", struct edit_options, force, "replace FILE if it exists",
		 .flags = CLI_WHOLE),
	{ 0 },
};

/* Ranges of record numbers from 1, both ends in. */
struct range { uint32_t first, last; };

struct edit {
	const struct cli *cli;
	const struct edit_options *options;
	struct setupbin_set set;	/* SECRET, some */
	struct range *ranges;
	size_t n_ranges;
	struct sbin_varlist list;
	uint8_t *record;		/* SECRET: the record made again */
	unsigned long changed, left;
};

static int bad_range(const char *text, struct fault *fault)
{
	fault_set(fault, KIT_ERR_ARGUMENT, "--records: \"%.60s\" is not a list of record numbers\n"
		  "give numbers from 1 and ranges with commas between, such as 1,4-6", text);
	return KIT_ERR_ARGUMENT;
}

/* Digits at *at; 0 when there are none, or too many. */
static uint32_t number_at(const char **at)
{
	size_t n = strspn(*at, "0123456789");
	unsigned long long number = n > 0 && n <= 10 ? strtoull(*at, NULL, 10) : 0;

	*at += n;
	return number <= UINT32_MAX ? (uint32_t)number : 0;
}

static int parse_ranges(struct edit *e, const char *text, struct fault *fault)
{
	const char *at = text;

	while (at) {
		struct range *ranges = realloc(e->ranges, (e->n_ranges + 1) * sizeof(*ranges));
		struct range *r;

		if (!ranges)
			return fault_nomem(fault);
		e->ranges = ranges;
		r = &ranges[e->n_ranges++];
		r->first = r->last = number_at(&at);
		if (*at == '-') {
			at++;
			r->last = number_at(&at);
		}
		if (r->first == 0 || r->last < r->first || (*at != ',' && *at != '\0'))
			return bad_range(text, fault);
		at = *at == ',' ? at + 1 : NULL;
	}
	return 0;
}

static bool is_chosen(const struct edit *e, uint32_t number)
{
	for (size_t i = 0; i < e->n_ranges; i++)
		if (number >= e->ranges[i].first && number <= e->ranges[i].last)
			return true;
	return false;
}

/* What follows the list of variables in OLD, from END on, goes behind that of MADE. */
static int keep_rest(const struct edit *e, const struct sbin_record *old, size_t end,
		     struct sbin_record *made, struct fault *fault)
{
	size_t rest = old->size - end, at = SBIN_RECORD_HEADER;

	while (rest > 0 && old->data[end + rest - 1] == 0)
		rest--;
	for (size_t i = 0; i < e->list.count; i++)
		at += SBIN_VARIABLE_HEADER + e->list.items[i].length +
		      padding4(e->list.items[i].length);
	if (rest > made->size - at) {
		return fault_set(fault, KIT_ERR_RANGE, "record %lu needs %zu bytes and has %zu, "
				 "with what follows its last variable\n"
				 "leave variables out, or choose other records with --records",
				 (unsigned long)old->number, at + rest, made->size);
	}
	memcpy(made->data + at, old->data + end, rest);
	return 0;
}

/* Make R again in e->record with its variables changed; *changed says whether any was. */
static int change(struct edit *e, struct sbin_record *r, bool *changed, struct fault *fault)
{
	struct sbin_record made = *r;
	size_t end = 0;
	int rc;

	sbin_varlist_clear(&e->list);
	rc = sbin_varlist_read(&e->list, r, &end);
	if (rc == KIT_ERR_TRUNCATED) {
		return fault_set(fault, KIT_ERR_FORMAT, "record %lu cannot be edited: a variable "
				 "at its offset %zu runs out of it\n"
				 "choose other records with --records", (unsigned long)r->number,
				 end);
	}
	for (size_t i = 0; !rc && i < e->options->unset.count; i++) {
		uint16_t module = 0, id = 0;

		rc = setupbin_variable_named(e->options->unset.values[i], &module, &id, fault);
		if (!rc)
			sbin_varlist_remove(&e->list, module, id);
	}
	for (size_t i = 0; !rc && i < e->set.list.count; i++)
		rc = sbin_varlist_set(&e->list, &e->set.list.items[i]);
	if (rc == KIT_ERR_NOMEM)
		return fault_nomem(fault);
	if (rc)
		return rc;
	memset(e->record, 0, r->size);
	made.data = e->record;
	rc = sbin_varlist_write(&e->list, &made, fault);
	if (!rc)
		rc = keep_rest(e, r, end, &made, fault);
	*changed = memcmp(made.data + SBIN_RECORD_HEADER, r->data + SBIN_RECORD_HEADER,
			  r->size - SBIN_RECORD_HEADER) != 0;
	*r = made;
	return rc;
}

/* What follows the last record, at offset AT, goes behind the new one too. */
static int keep_trailing(const struct sbin_input *in, uint64_t at, struct outfile *out,
			 struct fault *fault)
{
	const uint64_t end = at + SBIN_TRAILING_MAX;
	uint8_t bytes[4096];
	int64_t n;
	int rc = 0;

	while (!rc && (n = in->read_at(in->context, at, bytes, sizeof(bytes), fault)) != 0) {
		at += n > 0 ? (uint64_t)n : 0;
		if (n < 0)
			rc = (int)n;
		else if (at > end)
			rc = fault_set(fault, KIT_ERR_RANGE,
				       "%s: more than %d bytes follow the last "
				       "record",
				       in->name, SBIN_TRAILING_MAX);
		else
			rc = outfile_write(out, bytes, (size_t)n, fault);
	}
	secret_wipe(bytes, sizeof(bytes));
	return rc;
}

static int copy(struct edit *e, struct setupbin_file *f, struct sbin_reader *reader,
		struct outfile *out, struct fault *fault)
{
	struct sbin_header header = *sbin_reader_header(reader);
	struct sbin_writer *writer = NULL;
	struct sbin_record r;
	int rc;

	for (size_t i = 0; i < e->set.list.count; i++)
		setupbin_add_module(&header, e->set.list.items[i].module);
	rc = sbin_writer_open(&writer, out, &header, fault);
	if (!rc)
		rc = sbin_writer_more_header(writer, sbin_reader_header_bytes(reader) + SBIN_CHUNK,
					     fault);
	for (uint32_t i = 0; !rc && (rc = sbin_reader_next(reader, &r, NULL, fault)) == 1;
	     i++) {
		bool chosen = e->n_ranges != 0 ? is_chosen(e, i + 1)
					       : sbin_record_unused(&header, &r, i);
		bool changed = false;

		rc = chosen ? change(e, &r, &changed, fault) : 0;
		if (!rc)
			rc = sbin_writer_put(writer, &r, fault);
		e->changed += changed;
		e->left += !changed;
	}
	if (!rc)
		rc = sbin_writer_end(&writer, fault);
	sbin_writer_discard(&writer);
	return rc ? rc : keep_trailing(&f->in, sbin_header_file_bytes(&header), out, fault);
}

static int read_options(struct edit *e, const struct sbin_header *h, struct fault *fault)
{
	const char *records = e->options->records;
	int rc = 0;

	setupbin_set_begin(&e->set, h->version, e->options->not_a_root, e->cli);
	for (size_t i = 0; !rc && i < e->options->set.count; i++)
		rc = setupbin_set_parse(&e->set, e->options->set.values[i], fault);
	if (!rc && records)
		rc = parse_ranges(e, records, fault);
	for (size_t i = 0; !rc && i < e->n_ranges; i++)
		if (e->ranges[i].last > h->records)
			rc = fault_set(fault, KIT_ERR_RANGE, "--records: there is no record %lu, "
				       "the file has %lu", (unsigned long)e->ranges[i].last,
				       (unsigned long)h->records);
	if (rc)
		return rc;
	e->record = malloc((size_t)h->record_chunks * SBIN_CHUNK);
	return e->record ? 0 : fault_nomem(fault);
}

static int edit(struct cli *cli, const void *given)
{
	const struct edit_options *o = given;
	struct edit e = { .cli = cli, .options = o };
	const char *path = o->output;
	struct setupbin_file f;
	struct sbin_reader *reader = NULL;
	struct outfile *out = NULL;
	struct fault fault = { 0 };
	int rc;

	if (!o->set.count && !o->unset.count)
		return cli_misuse(cli, "there is nothing to change: give --set or --unset");
	rc = setupbin_reader_open(&f, &reader, cli->argv[0], &fault);
	if (!rc)
		rc = read_options(&e, sbin_reader_header(reader), &fault);
	if (!rc)
		rc = outfile_open(&out, path, o->force ? OUTFILE_FORCE : 0, &fault);
	if (!rc)
		rc = copy(&e, &f, reader, out, &fault);
	if (!rc)
		rc = outfile_commit(&out, &fault);
	if (!rc && strcmp(path, "-") != 0) {
		setupbin_show_findings(cli, path);
		cli_note(cli, "%s: %lu record%s changed, %lu left as before", path, e.changed,
			 plural(e.changed), e.left);
	}
	outfile_discard(&out);
	if (reader && e.record)
		secret_wipe(e.record,
			    (size_t)sbin_reader_header(reader)->record_chunks * SBIN_CHUNK);
	if (reader)
		setupbin_reader_close(&f, &reader);
	free(e.record);
	free(e.ranges);
	sbin_varlist_free(&e.list);
	setupbin_set_free(&e.set);
	return rc ? cli_fail(cli, &fault) : EXIT_YES;
}

const struct cli_verb setupbin_edit = {
	.name = "edit",
	.operands = "FILE|-",
	.summary = "set and remove variables in all or chosen records",
	.options = options,
	.options_size = sizeof(struct edit_options),
	.min_operands = 1,
	.max_operands = 1,
	.run = edit,
	.details =
		"Without --records all unused records are changed. A variable keeps its place; a"
		" new one goes to the end, or to the last place where firmware takes it."
		" user-defined-cert-add always adds one. What no document knows stays.",
	.examples =
		"amt-setupbin edit setup.bin -o new.bin --set new-mebx-password=@mebx.txt\n"
		"amt-setupbin edit setup.bin -o setup.bin --force --unset kvm --records 2-5",
};
