/* amt-provisionctl systems: the machines that said hello, and how far each has come. */
#include "server/amt-provisionctl.h"

#include <stdio.h>
#include <string.h>

#include "keygen/table.h"

const struct cli_option ctl_systems_list_options[] = {
	CTL_MAP_OPTIONS,
	{ "state", 's', "STATE", "only systems in this state", 0, 0 },
	{ "pid", 0, "PID", "only systems with this PID", 0, 0 },
	{ "limit", 'n', "N", "at most N systems", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

struct list {
	struct cli *cli;
	struct table *table;
	struct ctl_rows rows;
};

static int list_system(void *context, const struct system *s)
{
	struct list *l = context;
	char uuid[UUID_SHOWN + 1], pid[PID_SHOWN + 1] = "-", seen[EVENT_TIME + 1];

	if (l->cli->json) {
		ctl_rows_put(&l->rows, system_json(s));
		return 0;
	}
	uuid_show(&s->uuid, uuid);
	if (s->pid[0])
		pidpps_show_pid(s->pid, pid);
	event_time(s->last_seen, seen);
	table_cell(l->table, "%s", uuid);
	table_cell(l->table, "%s", s->address[0] ? s->address : "-");
	table_cell(l->table, "%s", pid);
	table_cell(l->table, "%s", system_state_word(s->state));
	table_cell(l->table, "%s", s->fqdn[0] ? s->fqdn : "-");
	table_cell(l->table, "%s", s->version[0] ? s->version : "-");
	table_cell(l->table, "%s", seen[0] ? seen : "-");
	table_cell(l->table, "%s", s->reason[0] ? s->reason : "-");
	return 0;
}

static json_t *counts_json(const uint64_t *counts)
{
	json_t *out = json_object();

	for (int i = 0; i < SYSTEM_STATES; i++)
		json_object_set_new(out, system_state_word((enum system_state)i),
				    json_integer((json_int_t)counts[i]));
	return out;
}

static void say_counts(const uint64_t *counts)
{
	uint64_t total = 0;
	const char *comma = ": ";

	for (int i = 0; i < SYSTEM_STATES; i++)
		total += counts[i];
	printf("%llu systems", (unsigned long long)total);
	for (int i = 0; i < SYSTEM_STATES; i++) {
		if (!counts[i])
			continue;
		printf("%s%llu %s", comma, (unsigned long long)counts[i],
		       system_state_word((enum system_state)i));
		comma = ", ";
	}
	putchar('\n');
}

int ctl_systems_list(struct cli *cli)
{
	struct keymap_system_filter filter = { 0 };
	uint64_t counts[SYSTEM_STATES];
	struct list list = { .cli = cli };
	char pid[PID_LENGTH + 1];
	struct fault fault = { 0 };
	struct keymap *m = NULL;
	int rc, status = EXIT_YES;

	if (cli_has(cli, "state")) {
		filter.by_state = true;
		if (system_state_parse(cli_value(cli, "state"), &filter.state))
			return cli_misuse(cli, "--state: there is no state \"%s\"",
					  cli_value(cli, "state"));
	}
	if (cli_has(cli, "pid")) {
		if (ctl_pid(cli, cli_value(cli, "pid"), pid))
			return EXIT_CANNOT;
		filter.pid = pid;
	}
	rc = cli_number(cli, "limit", 1, UINT32_MAX, &filter.limit, &fault);
	if (!rc)
		rc = ctl_open(cli, 0, 0, &m, &fault);
	if (!rc)
		rc = keymap_system_count(m, counts, &fault);
	if (rc)
		goto out;
	if (cli->json)
		ctl_rows_begin(&list.rows, "systems");
	else
		list.table = table_new(stdout, "UUID|ADDRESS|PID|STATE|FQDN|AMT|LAST HELLO|REASON");
	rc = keymap_systems(m, &filter, list_system, &list, &fault);
	table_end(list.table);
	if (rc)
		goto out;
	if (cli->json)
		status = ctl_rows_end(cli, &list.rows, json_pack("{s:o}", "counts",
								 counts_json(counts)));
	else if (!cli->quiet)
		say_counts(counts);
out:
	keymap_close(&m);
	return rc ? cli_fail(cli, &fault) : status;
}
