/* amt-provisionctl reconcile: what a stick says of its records, what the map says of its keys. */
#include "server/ctl/amt-provisionctl.h"

#include <stdio.h>

#include "common/table.h"
#include "common/text.h"
#include "server/admin/reconcile.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"

struct reconcile_options {
	struct ctl_map at;
	bool all;
};

static const struct cli_option options[] = {
	CTL_MAP_OPTIONS(struct reconcile_options),
	CLI_FLAG('a', "all", struct reconcile_options, all,
		 "also the records on which stick and map agree"),
	{ 0 },
};

struct reconcile_report {
	struct ctl_list list;
	const char *path;
	bool all;
	bool begun;		/* printing: not before there is a file to show */
};

static void begin(void *context, const struct reconcile *r)
{
	struct reconcile_report *report = context;
	const struct cli *cli = report->list.cli;

	report->begun = true;
	ctl_list_begin(&report->list, "records", ">RECORD|PID|STICK|MAP|UUID|WHAT");
	if (!r->consumable)
		cli_warn(cli, "%s is never consumed: all machines take its first record, "
			 "and the map lets one of them use the key", report->path);
	if (r->counted > r->held)
		cli_warn(cli, "%s counts %u records as used and holds %u: the counter is "
			 "wrong, and what is used is a guess; see \"amt-setupbin check\"",
			 report->path, r->counted, r->held);
}

static json_t *record_json(const struct reconcile_record *r)
{
	const struct keymap_pair *p = r->pair;

	return json_pack("{s:i, s:o, s:b, s:o, s:o, s:s, s:s}", "record", (int)r->number, "pid",
			 ctl_json_pid(r->pid), "used", r->used, "state",
			 p ? json_string(keymap_state_word(p->state)) : json_null(), "uuid",
			 p && p->has_uuid ? ctl_json_uuid(&p->uuid) : json_null(), "outcome",
			 reconcile_word(r->outcome), "text", reconcile_text(r->outcome));
}

static int show_record(void *context, const struct reconcile_record *r)
{
	char pid[PID_SHOWN + 1] = "-", uuid[UUID_SHOWN + 1] = "-";
	struct reconcile_report *report = context;
	struct table *table = report->list.table;

	if (!report->all && r->outcome == RECONCILE_AGREED)
		return 0;
	if (report->list.cli->json) {
		ctl_rows_put(&report->list.rows, record_json(r));
		return 0;
	}
	if (r->pid[0])
		pidpps_show_pid(r->pid, pid);
	if (r->pair && r->pair->has_uuid)
		uuid_show(&r->pair->uuid, uuid);
	table_cell(table, "%u", r->number);
	table_cell(table, "%s", pid);
	table_cell(table, "%s", r->used ? "used" : "free");
	table_cell(table, "%s", r->pair ? keymap_state_word(r->pair->state) : "-");
	table_cell(table, "%s", uuid);
	table_cell(table, "%s", reconcile_text(r->outcome));
	return 0;
}

static void say(const struct reconcile *r, const char *path)
{
	text_print(stdout, "%s: %lu record%s, %lu used, %lu in agreement with the map", path,
		   r->records, plural(r->records), r->used, r->outcomes[RECONCILE_AGREED]);
	putchar('\n');
	for (int i = 0; i < RECONCILE_OUTCOMES; i++) {
		if (i == RECONCILE_AGREED || !r->outcomes[i])
			continue;
		printf("%lu: %s\n", r->outcomes[i], reconcile_text(i));
		if (reconcile_hint(i))
			printf("  %s\n", reconcile_hint(i));
	}
}

static json_t *counts_json(const struct reconcile *r)
{
	json_t *counts = json_object();

	for (int i = 0; i < RECONCILE_OUTCOMES; i++)
		json_object_set_new(counts, reconcile_word(i),
				    json_integer((json_int_t)r->outcomes[i]));
	return json_pack("{s:I, s:I, s:o}", "record_count", (json_int_t)r->records, "used_count",
			 (json_int_t)r->used, "counts", counts);
}

static int run(struct cli *cli, const void *given)
{
	const struct reconcile_options *o = given;
	struct reconcile_report report = { .list.cli = cli, .path = cli->argv[0],
					   .all = o->all };
	struct reconcile r = { .begin = begin, .record = show_record, .context = &report };
	struct fault fault = { 0 };
	struct operator op;
	int rc, status = EXIT_YES;

	rc = ctl_begin(&o->at, 0, &op, &fault);
	if (!rc)
		rc = reconcile(&r, &op, cli->argv[0], &fault);
	if (report.begun)
		status = ctl_list_end(&report.list, 0, counts_json(&r));
	if (!rc && !cli->json && !cli->quiet)
		say(&r, cli->argv[0]);
	if (!rc)
		rc = status ? status : reconcile_troubles(&r) ? EXIT_NO : EXIT_YES;
	return ctl_end(cli, &op, rc, &fault);
}

const struct cli_verb ctl_reconcile = {
	.name = "reconcile",
	.operands = "STICK-OR-SETUPBIN",
	.summary = "compare the records of a stick with the keys of the map",
	.options = options,
	.options_size = sizeof(struct reconcile_options),
	.min_operands = 1,
	.max_operands = 1,
	.flags = CLI_JSON,
	.run = run,
	.details =
		"Shows which machines took a key and never said hello, which keys were taken from "
		"a copy, which records are not in the map. The operand is a setup.bin, a stick, or "
		"an image of one; it is only read. Exit status 1 if there is any trouble.",
	.examples = "amt-provisionctl reconcile /dev/sdx\n"
		    "amt-provisionctl reconcile --all setup.bin",
};
