/* amt-keygen check: every bad line of a list, by number, field and rule. */
#include "keygen/cli/amt-keygen.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "keygen/keylist.h"
#include "keygen/pidset.h"
#include "common/progress.h"
#include "common/secret.h"
#include "common/table.h"
#include "common/text.h"
#include "setupbin/source.h"

struct list_check_options {
	struct cli_list columns;
};

static const struct cli_option options[] = {
	CLI_LIST(0, "column", struct list_check_options, columns, "FIELD=NAME",
		 "the column NAME of a CSV holds FIELD: --column pps=\"MEBX PPS\""),
	{ 0 },
};

/* Where the problems go: a table, or members of a JSON array, both as they are found. */
struct problem_report {
	struct cli *cli;
	struct table *table;
	unsigned long problems, duplicates;
};

static void report(struct problem_report *r, const struct keyproblem *p)
{
	json_t *row;

	if (r->cli->json) {
		row = json_pack("{s:I, s:s, s:s}", "line", (json_int_t)p->line, "field", p->field,
				"rule", p->rule);
		fputs(r->problems ? ",\n    " : "\n    ", stdout);
		if (row)
			json_dumpf(row, stdout, JSON_COMPACT);
		json_decref(row);
	} else {
		if (!r->table)
			r->table = table_new(stdout, ">LINE|FIELD|RULE");
		table_cell(r->table, "%lu", p->line);
		table_cell(r->table, "%s", *p->field ? p->field : "-");
		table_cell(r->table, "%s", p->rule);
	}
	r->problems++;
}

static int run(struct problem_report *r, struct keysource *source, struct pidset *seen,
	       struct fault *fault)
{
	struct progress bar;
	struct keyproblem problem;
	struct keyentry entry;
	int rc, added;

	progress_begin(&bar, "checking", 0, false, r->cli->quiet);
	while ((rc = keysource_next(source, &entry, &problem, fault)) != 0) {
		if (rc < 0 && fault->code)
			break;
		if (rc < 0) {
			report(r, &problem);
			continue;
		}
		added = pidset_add(seen, entry.pair.pid, fault);
		secret_wipe(&entry, sizeof(entry));
		if (added < 0) {
			rc = added;
			break;
		}
		if (added == 0) {
			r->duplicates++;
			problem = (struct keyproblem){ source->counts.lines, "pid",
						       KIT_ERR_DUPLICATE,
						       "a PID may be in a list only once" };
			report(r, &problem);
		}
		if (source->counts.lines % 4096 == 0)
			progress_update(&bar, source->counts.lines);
	}
	progress_end(&bar);
	return rc;
}

static void print_columns(const char *columns)
{
	json_t *text = json_string(columns);

	fputs(",\n  \"columns\": ", stdout);
	if (!text || json_dumpf(text, stdout, JSON_ENCODE_ANY))
		fputs("null", stdout);
	json_decref(text);
}

static int check(struct cli *cli, const void *given)
{
	const struct list_check_options *o = given;
	const char *path = cli->argv[0];
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	struct problem_report r = { .cli = cli };
	struct fault fault = { 0 };
	struct keysource *source = NULL;
	struct pidset *seen = NULL;
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	int status = EXIT_YES, rc;

	if (!file) {
		rc = fault_sys(&fault, errno, "cannot open %s", path);
		goto out;
	}
	rc = sbin_source_open(&source, file, name, o->columns.values, o->columns.count, &fault);
	if (!rc)
		rc = pidset_new(&seen, &fault);
	if (rc)
		goto out;
	if (cli->json)
		printf("{\n  \"problems\": [");
	rc = run(&r, source, seen, &fault);
	table_end(r.table);
	if (r.problems || source->counts.entries == 0)
		status = EXIT_NO;
	if (cli->json) {
		printf("%s],\n  \"kind\": \"%s\",\n  \"pairs\": %lu,\n  \"bad\": %lu,\n"
		       "  \"duplicates\": %lu,\n  \"lower_case\": %lu,\n  \"complete\": %s",
		       r.problems ? "\n  " : "", source->kind,
		       source->counts.entries - r.duplicates, source->counts.bad, r.duplicates,
		       source->counts.folded, rc ? "false" : "true");
		if (source->columns)
			print_columns(source->columns);
		puts("\n}");
	} else if (!rc && !cli->quiet) {
		unsigned long good = source->counts.entries - r.duplicates;
		unsigned long bad = source->counts.bad, folded = source->counts.folded;
		const char *unit = keylist_unit(source->kind);

		text_print(stdout, "%s: ", name);
		printf("%s, %lu good pair%s, %lu bad %s%s, %lu duplicate%s\n",
		       source->kind, good, plural(good), bad, unit, plural(bad), r.duplicates,
		       plural(r.duplicates));
		if (source->columns)
			cli_note(cli, "%s: %s", name, source->columns);
		if (folded)
			cli_note(cli, "lower case letters in %lu %s%s were read as upper case",
				 folded, unit, plural(folded));
	}
out:
	if (rc)
		status = cli_fail(cli, &fault);
	pidset_free(&seen);
	keysource_free(&source);
	if (file && file != stdin)
		fclose(file);
	return status;
}

const struct cli_verb keygen_check = {
	.name = "check",
	.operands = "FILE|-",
	.summary = "check a list of pairs: CSV, text, JSON or setup.bin",
	.min_operands = 1,
	.options = options,
	.options_size = sizeof(struct list_check_options),
	.max_operands = 1,
	.flags = CLI_JSON,
	.run = check,
	.details =
		"Prints a line for each bad entry: its line (record of a setup.bin, element of"
		" JSON), the field and the rule, never the value. Exit status 1 if there is any.",
	.examples = "amt-keygen check keys.csv\n"
		    "gpg -d keys.csv.gpg | amt-keygen check -",
};
