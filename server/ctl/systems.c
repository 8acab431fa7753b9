/* amt-provisionctl systems: the machines that said hello, and how far each has come. */
#include "server/ctl/amt-provisionctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/table.h"
#include "server/admin/handover.h"
#include "server/admin/machines.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap.h"
#include "server/keymap/systems.h"

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
	logentry_time(s->last_seen, seen);
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
	printf("%llu system%s", (unsigned long long)total, plural(total));
	for (int i = 0; i < SYSTEM_STATES; i++) {
		if (!counts[i])
			continue;
		printf("%s%llu %s", comma, (unsigned long long)counts[i],
		       system_state_word((enum system_state)i));
		comma = ", ";
	}
	putchar('\n');
}

static int no_state(struct cli *cli)
{
	char words[200] = "";
	size_t at = 0;

	for (int i = 0; i < SYSTEM_STATES && at < sizeof(words); i++)
		at += (size_t)snprintf(words + at, sizeof(words) - at, "%s%s", i ? ", " : "",
				       system_state_word((enum system_state)i));
	return cli_misuse(cli, "--state: \"%s\" is not one of %s", cli_value(cli, "state"), words);
}

int ctl_systems_list(struct cli *cli)
{
	struct keymap_system_filter filter = { 0 };
	uint64_t counts[SYSTEM_STATES];
	struct list list = { .cli = cli };
	char pid[PID_LENGTH + 1];
	struct operator op = { .map = NULL };
	struct fault fault = { 0 };
	int rc, status = EXIT_YES;

	if (cli_has(cli, "state")) {
		filter.by_state = true;
		if (system_state_parse(cli_value(cli, "state"), &filter.state))
			return no_state(cli);
	}
	if (cli_has(cli, "pid")) {
		if (ctl_pid(cli, cli_value(cli, "pid"), pid))
			return EXIT_CANNOT;
		filter.pid = pid;
	}
	rc = cli_number(cli, "limit", 1, UINT32_MAX, &filter.limit, &fault);
	if (!rc)
		rc = ctl_begin(cli, 0, &op, &fault);
	if (!rc)
		rc = keymap_system_count(op.map, counts, &fault);
	if (rc)
		goto out;
	if (cli->json)
		ctl_rows_begin(&list.rows, "systems");
	else
		list.table = table_new(stdout, "UUID|ADDRESS|PID|STATE|FQDN|AMT|LAST HELLO|REASON");
	rc = keymap_systems(op.map, &filter, list_system, &list, &fault);
	table_end(list.table);
	if (rc)
		goto out;
	if (cli->json)
		status = ctl_rows_end(cli, &list.rows, json_pack("{s:o}", "counts",
								 counts_json(counts)));
	else if (!cli->quiet)
		say_counts(counts);
out:
	keymap_close(&op.map);
	return rc ? cli_fail(cli, &fault) : status;
}

static void show_lines(const struct system *s)
{
	char uuid[UUID_SHOWN + 1], pid[PID_SHOWN + 1] = "", t[4][EVENT_TIME + 1];

	uuid_show(&s->uuid, uuid);
	if (s->pid[0])
		pidpps_show_pid(s->pid, pid);
	logentry_time(s->first_seen, t[0]);
	logentry_time(s->last_seen, t[1]);
	logentry_time(s->next_try, t[2]);
	logentry_time(s->configured_at, t[3]);
	ctl_line("UUID", "%s", uuid);
	ctl_line("State", "%s", system_state_word(s->state));
	ctl_line("Reason", "%s", s->reason);
	ctl_line("Address", "%s", s->address);
	ctl_line("PID", "%s", pid);
	if (s->next_pid[0]) {
		pidpps_show_pid(s->next_pid, pid);
		ctl_line("New PID", "%s", pid);
	}
	if (s->claimed_address[0]) {
		if (s->claimed_pid[0])
			pidpps_show_pid(s->claimed_pid, pid);
		ctl_line("Not proved", "a hello with PID %s from %s", s->claimed_pid[0] ? pid : "-",
			 s->claimed_address);
	}
	ctl_line("FQDN", "%s", s->fqdn);
	ctl_line("Profile", "%s", s->profile);
	ctl_line("AMT version", "%s", s->version);
	ctl_line("Admin user", "%s", s->admin_user);
	ctl_line("Hellos", "%u, first %s, last %s (version %u, retry %u)", s->hellos, t[0], t[1],
		 s->hello_version, s->hello_retry);
	ctl_line("Failures", "%u", s->failures);
	ctl_line("Next try", "%s", t[2]);
	ctl_line("Configured", "%s", t[3]);
}

static int show_earlier(void *context, const struct keymap_earlier *e)
{
	char until[EVENT_TIME + 1], pid[PID_SHOWN + 1] = "no PID";

	(void)context;
	logentry_time(e->time, until);
	if (e->pid[0])
		pidpps_show_pid(e->pid, pid);
	ctl_line("Earlier passwords", "until %s, with %s at %s", until, pid,
		 e->address[0] ? e->address : "no address");
	return 0;
}

int ctl_systems_show(struct cli *cli)
{
	struct uuid uuid;
	struct keymap_log_filter filter = { .uuid = &uuid };
	struct fault fault = { 0 };
	struct system system;
	struct operator op;
	json_t *history, *value;
	int rc, status = EXIT_YES;

	if (ctl_uuid(cli, cli->argv[0], &uuid))
		return EXIT_CANNOT;
	rc = ctl_begin(cli, 0, &op, &fault);
	if (rc)
		return cli_fail(cli, &fault);
	rc = keymap_system_find(op.map, &uuid, &system, &fault);
	if (rc == KIT_ERR_NOT_FOUND) {
		machines_unknown(op.map, &uuid, &fault);
		cli_fail(cli, &fault);
		rc = 0;
		status = EXIT_NO;
	} else if (!rc && cli->json) {
		history = json_array();
		rc = ctl_history(op.map, &filter, history, &fault);
		value = system_json(&system);
		json_object_set_new(value, "history", history);
		status = cli_print_json(cli, value);
	} else if (!rc) {
		show_lines(&system);
		rc = keymap_earlier(op.map, &uuid, show_earlier, NULL, &fault);
		puts("History");
		if (!rc)
			rc = ctl_history(op.map, &filter, NULL, &fault);
	}
	keymap_close(&op.map);
	return rc ? cli_fail(cli, &fault) : status;
}

/* ---- retry and forget: all that are named, or none ---- */

const struct cli_option ctl_systems_retry_options[] = {
	CTL_MAP_OPTIONS,
	{ "state", 's', "STATE", "all systems in this state (failed, fqdn-missing...)", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

/* The operands as UUIDs, to be freed. Misuse is said; returns 0 or an exit status. */
static int read_uuids(struct cli *cli, struct uuid **uuids)
{
	*uuids = calloc((size_t)cli->argc + 1, sizeof(**uuids));
	if (!*uuids)
		return cli_fail(cli, &(struct fault){ .code = KIT_ERR_NOMEM });
	for (int i = 0; i < cli->argc; i++)
		if (ctl_uuid(cli, cli->argv[i], &(*uuids)[i]))
			return EXIT_CANNOT;
	return 0;
}

/* Say why nothing was done: a machine that is not there is an answer, all else a failure. */
static int failed(struct cli *cli, const struct operator *op, const struct fault *fault)
{
	int status = cli_fail(cli, fault);

	return op->map && fault->code == KIT_ERR_NOT_FOUND ? EXIT_NO : status;
}

int ctl_systems_retry(struct cli *cli)
{
	const char *word = cli_value(cli, "state");
	struct operator op = { .map = NULL };
	enum system_state state = SYSTEM_FAILED;
	struct fault fault = { 0 };
	struct uuid *uuids = NULL;
	size_t n = (size_t)cli->argc;
	int rc, status;

	if (!word == (n == 0))
		return cli_misuse(cli, "say which systems: their UUIDs, or --state STATE");
	if (word && system_state_parse(word, &state))
		return no_state(cli);
	status = read_uuids(cli, &uuids);
	if (status)
		goto out;
	rc = ctl_begin(cli, 0, &op, &fault);
	if (!rc)
		rc = word ? machines_retry_state(&op, state, &n, &fault)
			  : machines_retry(&op, uuids, n, &fault);
	if (rc)
		status = failed(cli, &op, &fault);
	else
		cli_note(cli, "%zu system%s queued; the server calls %s within seconds", n,
			 plural(n), n == 1 ? "it" : "them");
out:
	keymap_close(&op.map);
	free(uuids);
	return status;
}

const struct cli_option ctl_systems_forget_options[] = {
	CTL_MAP_OPTIONS,
	{ "yes", 'y', NULL, "do not ask", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

/* Ask before the passwords of machines that are set up are lost. */
static int confirm(struct cli *cli, const struct operator *op, const struct uuid *uuids, size_t n,
		   struct fault *fault)
{
	char question[200];
	size_t configured;
	int rc = machines_configured(op, uuids, n, &configured, fault);

	if (rc || !configured || cli_has(cli, "yes"))
		return rc;
	snprintf(question, sizeof(question), "%zu of these machines %s set up; the passwords that "
		 "%s given are lost.\nType \"forget\" to go on: ", configured,
		 configured == 1 ? "is" : "are", configured == 1 ? "it was" : "they were");
	rc = cli_confirm(cli, question, "forget", fault);
	if (rc == KIT_ERR_STATE)
		fault_hint(fault, "give --yes, after \"systems export --secrets\"");
	return rc;
}

int ctl_systems_forget(struct cli *cli)
{
	struct operator op = { .map = NULL };
	struct fault fault = { 0 };
	struct uuid *uuids = NULL;
	const size_t n = (size_t)cli->argc;
	int rc, status = read_uuids(cli, &uuids);

	if (status)
		goto out;
	rc = ctl_begin(cli, 0, &op, &fault);
	if (!rc)
		rc = confirm(cli, &op, uuids, n, &fault);
	if (!rc)
		rc = machines_forget(&op, uuids, n, &fault);
	if (rc)
		status = failed(cli, &op, &fault);
	else
		cli_note(cli, "%zu system%s forgotten", n, plural(n));
out:
	keymap_close(&op.map);
	free(uuids);
	return status;
}

/* ---- export ---- */

const struct cli_option ctl_systems_export_options[] = {
	CTL_MAP_OPTIONS,
	{ "output", 'o', "FILE", "write to FILE, 0600 ('-': standard output)",
	  CLI_FILE | CLI_REQUIRED, 0 },
	{ "format", 'f', "FORMAT", "csv (default) or json", 0, 0 },
	{ "secrets", 0, NULL, "with the passwords: logged", 0, 0 },
	{ "all", 'a', NULL, "also machines that are not set up", 0, 0 },
	{ "earlier", 0, NULL, "also passwords that machines had before, with the time until when", 0, 0 },
	{ "force", 0, NULL, "replace a file that exists", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

int ctl_systems_export(struct cli *cli)
{
	const char *format = cli_value(cli, "format");
	struct handover h = { .path = cli_value(cli, "output"), .all = cli_has(cli, "all"),
			      .secrets = cli_has(cli, "secrets"),
			      .earlier = cli_has(cli, "earlier"), .force = cli_has(cli, "force") };
	struct fault fault = { 0 };
	struct operator op;
	int rc;

	if (format && handover_format_parse(format, &h.format))
		return cli_misuse(cli, "--format: \"%s\" is not csv or json", format);
	rc = ctl_begin(cli, 0, &op, &fault);
	if (!rc)
		rc = handover_write(&h, &op, &fault);
	keymap_close(&op.map);
	if (rc)
		return cli_fail(cli, &fault);
	cli_note(cli, "%lu row%s exported%s", h.rows, plural(h.rows),
		 h.secrets ? ", with passwords" : "");
	return EXIT_YES;
}
