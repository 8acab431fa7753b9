/* amt-provisionctl inventory: which machines are the site's, with which names and profiles. */
#include "server/ctl/amt-provisionctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/admin/machinelist.h"
#include "server/keymap/keymap.h"

#define SAID	100	/* bad lines shown one by one; the rest is counted */

struct inventory_import_options {
	struct ctl_map at;
	struct cli_list columns;
	bool dry_run, skip_bad, swap_uuid;
};

static const struct cli_option import_table[] = {
	CTL_MAP_OPTIONS(struct inventory_import_options),
	CLI_FLAG('n', "dry-run", struct inventory_import_options, dry_run,
		 "say what would happen and change nothing"),
	CLI_FLAG(0, "skip-bad", struct inventory_import_options, skip_bad,
		 "leave bad lines out instead of refusing the file", .flags = CLI_WHOLE),
	CLI_LIST(0, "column", struct inventory_import_options, columns, "FIELD=NAME",
		 "the column NAME holds FIELD (uuid, fqdn, profile or otp)"),
	CLI_FLAG(0, "swap-uuid", struct inventory_import_options, swap_uuid,
		 "the list has the UUIDs in the other byte order", .flags = CLI_WHOLE),
	{ 0 },
};

struct inventory_import {
	struct cli *cli;
	struct machinelist_import im;
};

static void show_bad_line(void *context, const struct keyproblem *p)
{
	const struct inventory_import *s = context;

	if (s->im.bad <= SAID)
		cli_warn(s->cli, "%s: line %lu: %s%s%s", s->im.name, p->line, p->field,
			 *p->field ? ": " : "", p->rule);
	if (s->im.bad == SAID)
		cli_warn(s->cli, "%s: further bad lines are only counted", s->im.name);
}

static void warn(struct cli *cli, const struct machinelist_import *im)
{
	char shown[UUID_SHOWN + 1];

	if (im->columns && !cli->json)
		cli_note(cli, "%s: %s", im->name, im->columns);
	if (im->shared)
		cli_warn(cli, "names that the inventory now gives to more than one machine: %llu, "
			 "the first is %s", (unsigned long long)im->shared, im->first_shared);
	uuid_show(&im->first_swapped, shown);
	if (im->swapped)
		cli_warn(cli, "%s: %lu UUID%s of machines that said hello with the bytes in the "
			 "other order, the first is %s: import the list with --swap-uuid%s",
			 im->name, im->swapped, im->swapped == 1 ? " is" : "s are", shown,
			 im->swap_uuid ? " left out" : "");
}

static void say(struct cli *cli, const struct machinelist_import *im)
{
	if (im->good)
		cli_note(cli, "%s: %lu machine%s %s%s", im->name, im->rows,
			 plural(im->rows), im->dry_run ? "would be imported" : "imported",
			 im->bad ? ", bad lines left out" : "");
	else
		cli_warn(cli, "%s: %lu bad line%s; nothing of it %s imported; fix the list, or add"
			 " --skip-bad to leave them out", im->name, im->bad, plural(im->bad),
			 im->dry_run ? "would be" : "was");
}

static json_t *summary_json(const struct machinelist_import *im)
{
	return json_pack("{s:s, s:o, s:b, s:I, s:I, s:I}", "file", im->name, "columns",
			 logentry_text(im->columns), "imported", im->good && !im->dry_run, "rows",
			 (json_int_t)im->rows, "bad", (json_int_t)im->bad, "swapped",
			 (json_int_t)im->swapped);
}

static int run_import(struct cli *cli, const void *given)
{
	const struct inventory_import_options *o = given;
	const char *path = cli->argv[0];
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	struct inventory_import s = { .cli = cli };
	struct operator op = { .map = NULL };
	struct fault fault = { 0 };
	int rc;

	s.im = (struct machinelist_import){ .name = file == stdin ? "standard input" : path,
					  .dry_run = o->dry_run,
					  .skip_bad = o->skip_bad,
					  .swap_uuid = o->swap_uuid,
					  .wanted = o->columns.values,
					  .n_wanted = o->columns.count,
					  .bad_line = show_bad_line, .context = &s };
	rc = file ? ctl_begin(&o->at, o->dry_run ? 0 : KEYMAP_CREATE, &op, &fault)
		  : fault_sys(&fault, errno, "cannot open %s", path);
	if (!rc)
		rc = machinelist_import(&s.im, &op, file, &fault);
	keymap_close(&op.map);
	if (file && file != stdin)
		fclose(file);
	if (rc) {
		free(s.im.columns);
		return cli_fail(cli, &fault);
	}
	warn(cli, &s.im);
	if (cli->json)
		rc = cli_print_json(cli, summary_json(&s.im));
	else
		say(cli, &s.im);
	free(s.im.columns);
	return rc ? rc : s.im.good ? EXIT_YES : s.im.dry_run ? EXIT_NO : EXIT_CANNOT;
}

const struct cli_verb ctl_inventory_import = {
	.name = "inventory import",
	.operands = "FILE|-",
	.summary = "import which machines there are, with which names and profiles",
	.options = import_table,
	.options_size = sizeof(struct inventory_import_options),
	.min_operands = 1,
	.max_operands = 1,
	.flags = CLI_JSON,
	.run = run_import,
	.details =
		"The list is CSV. Its header line names the column uuid, and any of fqdn, profile "
		"and otp (a one-time password), in any order. A row replaces what it says of the "
		"same UUID; what the list has no column for stays. All rows are imported or none. "
		"A UUID with two names is a bad line; a name of two machines is a warning. "
		"If there is no map, it is made.",
	.examples = "amt-provisionctl inventory import machines.csv",
};
