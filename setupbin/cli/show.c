/* amt-setupbin show, next, variables: what is in a file, who is next, what a file may hold. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "common/table.h"
#include "common/text.h"
#include "setupbin/cli/amt-setupbin.h"
#include "setupbin/json.h"
#include "setupbin/value.h"

struct show_options {
	bool secrets;
};

static const struct cli_option options[] = {
	CLI_FLAG(0, "secrets", struct show_options, secrets,
		 "show passwords, PPS and passcodes too", .flags = CLI_WHOLE),
	{ 0 },
};

static const char *state_of(const struct sbin_header *h, const struct sbin_record *r,
			    uint32_t index)
{
	bool consumable = sbin_header_consumable(h);

	if (consumable && index < h->consumed)
		return "used";
	if (!sbin_record_valid(r))
		return "invalid";
	if (!consumable)
		return index == 0 ? "always" : "never";
	return index == h->consumed ? "next" : "free";
}

/* Once for each variable: the record and its state only in its first row. */
static void row(struct table *t, uint32_t number, const char *state, bool first, const char *name,
		const char *value)
{
	if (first)
		table_cell(t, "%lu", (unsigned long)number);
	else
		table_cell(t, "%s", "");
	table_cell(t, "%s", first ? state : "");
	table_cell(t, "%s", name);
	table_cell(t, "%s", value);
}

static int show_variable(struct table *t, uint32_t number, const char *state, bool first,
			 const struct sbin_variable *v, bool secrets)
{
	const struct sbin_known *k = sbin_known_find(v->module, v->id);
	bool secret = k && k->secret;
	char *value = secret && !secrets ? strdup("********") : sbin_value_show(k, v);
	char name[16];

	if (!value)
		return KIT_ERR_NOMEM;
	snprintf(name, sizeof(name), "%u/%u", v->module, v->id);
	row(t, number, state, first, k ? k->name : name, value);
	if (secret)
		secret_wipe(value, strlen(value));
	free(value);
	return 0;
}

static int show_record(struct table *t, const struct sbin_header *h, const struct sbin_record *r,
		       uint32_t index, bool secrets)
{
	const char *state = state_of(h, r, index);
	struct sbin_variable v;
	struct sbin_walk walk;
	size_t end = r->size;
	bool first = true;
	int step, rc;

	if (sbin_record_wiped(r)) {
		row(t, index + 1, state, true, "(wiped)", "");
		return 0;
	}
	sbin_walk_begin(&walk, r);
	while ((step = sbin_walk_next(&walk, &v)) == 1) {
		rc = show_variable(t, index + 1, state, first, &v, secrets);
		if (rc)
			return rc;
		first = false;
	}
	while (end > walk.r.at && r->data[end - 1] == 0)
		end--;
	if (step < 0)
		row(t, index + 1, state, first, "?", "(the next variable runs out of the record)");
	else if (end > walk.r.at)
		row(t, index + 1, state, first, "?", "(bytes behind the last variable)");
	else if (first)
		row(t, index + 1, state, first, "(none)", "");
	return 0;
}

static void show_head(const char *name, const struct sbin_header *h)
{
	text_print(stdout, "%s: ", name);
	printf("file version %u.%u, %lu record%s of %lu bytes", h->version.major,
	       h->version.minor, (unsigned long)h->records, plural(h->records),
	       (unsigned long)h->record_chunks * SBIN_CHUNK);
	if (sbin_header_consumable(h))
		printf(", %lu consumed\n", (unsigned long)h->consumed);
	else
		printf(", not consumed: every machine takes the first\n");
}

static int show_table(const char *path, bool secrets, struct fault *fault)
{
	struct setupbin_file f;
	struct sbin_reader *reader = NULL;
	const struct sbin_header *h;
	struct sbin_record r;
	struct table *t;
	int rc, shown = 0;

	rc = setupbin_reader_open(&f, &reader, path, fault);
	if (rc)
		return rc;
	h = sbin_reader_header(reader);
	show_head(f.in.name, h);
	t = table_new(stdout, ">RECORD|STATE|VARIABLE|VALUE");
	if (!t)
		rc = fault_nomem(fault);
	for (uint32_t i = 0; !rc && (rc = sbin_reader_next(reader, &r, NULL, fault)) == 1;
	     i++) {
		shown = show_record(t, h, &r, i, secrets);
		rc = shown ? fault_nomem(fault) : 0;
	}
	table_end(t);
	setupbin_reader_close(&f, &reader);
	return rc;
}

static int show_json(const char *path, bool secrets, struct fault *fault)
{
	struct setupbin_file f;
	int rc = setupbin_file_open(&f, path, fault);

	if (rc)
		return rc;
	rc = sbin_json_write(stdout, &f.in, secrets, fault);
	setupbin_file_close(&f);
	return rc;
}

static int show(struct cli *cli, const void *given)
{
	const struct show_options *o = given;
	struct fault fault = { 0 };
	int rc;

	rc = cli->json ? show_json(cli->argv[0], o->secrets, &fault)
		       : show_table(cli->argv[0], o->secrets, &fault);
	return rc ? cli_fail(cli, &fault) : EXIT_YES;
}

const struct cli_verb setupbin_show = {
	.name = "show",
	.operands = "FILE|-",
	.summary = "what is in a file: a table, or JSON for create --json",
	.options = options,
	.options_size = sizeof(struct show_options),
	.min_operands = 1,
	.max_operands = 1,
	.flags = CLI_JSON,
	.run = show,
	.details =
		"Passwords, PPS and passcodes are masked unless --secrets is given; only "
		"with it the JSON can be made into a file again. The JSON leaves nothing "
		"out, not even what no document knows; the table has every variable.",
	.examples =
		"amt-setupbin show setup.bin\n"
		"(umask 077; amt-setupbin show --json --secrets setup.bin > setup.json)",
};

static int print_next(struct cli *cli, const struct sbin_header *h, uint32_t index, uint64_t offset,
		     const struct sbin_record *r)
{
	char pid[PID_SHOWN + 1] = "";
	struct sbin_variable v;

	if (sbin_record_find(r, SBIN_AMT, SBIN_PID, &v) == 0 && v.length == PID_LENGTH &&
	    pidpps_check_pid((const char *)v.value) == 0)
		pidpps_show_pid((const char *)v.value, pid);
	if (cli->json)
		return cli_print_json(cli, json_pack("{s:I, s:I, s:I, s:s}", "record",
						     (json_int_t)index + 1, "records",
						     (json_int_t)h->records, "offset",
						     (json_int_t)offset, "pid", pid));
	printf("record %lu of %lu, PID %s, offset %llu\n", (unsigned long)index + 1,
	       (unsigned long)h->records, pid[0] ? pid : "none", (unsigned long long)offset);
	return EXIT_YES;
}

static int next(struct cli *cli, const void *none)
{
	struct setupbin_file f;
	struct sbin_reader *reader = NULL;
	const struct sbin_header *h;
	struct sbin_record r;
	struct fault fault = { 0 };
	uint32_t index = 0;
	uint64_t offset = 0;
	int rc, status;

	rc = setupbin_reader_open(&f, &reader, cli->argv[0], &fault);
	if (rc)
		return cli_fail(cli, &fault);
	h = sbin_reader_header(reader);
	rc = sbin_reader_take(reader, &index, &offset, &r, &fault);
	if (rc == 1) {
		status = print_next(cli, h, index, offset, &r);
	} else if (!rc) {
		cli_note(cli, "none is left: %lu of %lu consumed", (unsigned long)h->consumed,
			 (unsigned long)h->records);
		status = EXIT_NO;
	} else {
		cli_fail(cli, &fault);
		/* The file answers, only not with a record. */
		status = rc == KIT_ERR_STATE ? EXIT_NO : EXIT_CANNOT;
	}
	if (status == EXIT_NO && cli->json)
		printf("{\n  \"record\": null\n}\n");
	setupbin_reader_close(&f, &reader);
	return status;
}

const struct cli_verb setupbin_next = {
	.name = "next",
	.operands = "FILE|-",
	.summary = "the record that a machine would take next",
	.min_operands = 1,
	.max_operands = 1,
	.flags = CLI_JSON,
	.run = next,
	.details = "Exit status 1 if there is none.",
	.examples = "amt-setupbin next setup.bin",
};

static const char *const type_names[] = {
	[SBIN_TEXT] = "text", [SBIN_U8] = "u8", [SBIN_U16] = "u16", [SBIN_U32] = "u32",
	[SBIN_IPV4] = "IPv4", [SBIN_GUID] = "GUID", [SBIN_CERT_HASH] = "hash",
	[SBIN_RAW] = "raw", [SBIN_CHARS] = "characters",
};

static int list_json(struct cli *cli)
{
	json_t *list = json_array();

	for (const struct sbin_known *k = sbin_known; k->name; k++) {
		char since[8];

		snprintf(since, sizeof(since), "%u.%u", k->since.major, k->since.minor);
		json_array_append_new(list, json_pack(
			"{s:s, s:i, s:i, s:s, s:i, s:i, s:s, s:b, s:s*, s:s}", "name", k->name,
			"module", k->module, "id", k->id, "type", type_names[k->type], "min_bytes",
			k->min, "max_bytes", k->max, "since", since, "secret", k->secret, "values",
			k->words, "about", k->about));
	}
	return cli_print_json(cli, list);
}

static int variables(struct cli *cli, const void *none)
{
	struct table *t;

	if (cli->json)
		return list_json(cli);
	t = table_new(stdout, "NAME|IDS|TYPE|>BYTES|SINCE|VALUES");
	for (const struct sbin_known *k = sbin_known; k->name; k++) {
		table_cell(t, "%s", k->name);
		table_cell(t, "%u/%u", k->module, k->id);
		table_cell(t, "%s%s", type_names[k->type], k->secret ? ", secret" : "");
		if (k->min == k->max)
			table_cell(t, "%u", k->min);
		else if (k->max == UINT16_MAX)
			table_cell(t, "any");
		else
			table_cell(t, "%u-%u", k->min, k->max);
		table_cell(t, "%u.%u", k->since.major, k->since.minor);
		table_cell(t, "%s", k->words ? k->words : k->about);
	}
	table_end(t);
	return EXIT_YES;
}

const struct cli_verb setupbin_variables = {
	.name = "variables",
	.operands = "",
	.summary = "the variables that a record may hold",
	.flags = CLI_JSON,
	.run = variables,
	.examples = "amt-setupbin variables",
};
