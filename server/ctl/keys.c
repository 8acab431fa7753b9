/* amt-provisionctl keys list, show, revoke: which pairs the map holds, and how they stand. */
#include "server/ctl/amt-provisionctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/table.h"
#include "server/keymap/pairs.h"

const struct cli_option ctl_keys_list_options[] = {
	CTL_MAP_OPTIONS,
	{ "state", 's', "STATE", "only keys that are free, reserved, used or revoked", 0, 0 },
	{ "exported", 0, NULL, "only keys that went out to a file or stick", 0, 2 },
	{ "not-exported", 0, NULL, "only keys that never went out", 0, 2 },
	{ "uuid", 0, "UUID", "only keys of this machine", 0, 0 },
	{ "limit", 'n', "N", "at most N keys", 0, 0 },
	{ "count", 0, NULL, "only how many keys there are in each state", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

struct list {
	struct cli *cli;
	struct table *table;
	struct ctl_rows rows;
};

static json_t *pair_json(const struct keymap_pair *p)
{
	return json_pack("{s:o, s:s, s:b, s:o, s:b, s:b, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "pid", ctl_json_pid(p->pid), "state", keymap_state_word(p->state),
			 "lapsed", p->lapsed,
			 "uuid", p->has_uuid ? ctl_json_uuid(&p->uuid) : json_null(),
			 "current_password_known", p->has_current, "new_password_known", p->has_new,
			 "made_by", p->made_by, "made_at", ctl_json_time(p->made_at),
			 "exported_at", ctl_json_time(p->exported_at),
			 "exported_to", logentry_text(p->exported_to),
			 "reserved_at", ctl_json_time(p->reserved_at),
			 "reserved_until", p->reserved_until == KEYMAP_NEVER ? json_string("never")
			 : ctl_json_time(p->reserved_until),
			 "used_at", ctl_json_time(p->used_at),
			 "revoked_at", ctl_json_time(p->revoked_at));
}

static int list_pair(void *context, const struct keymap_pair *p)
{
	struct list *l = context;
	char pid[PID_SHOWN + 1], uuid[UUID_SHOWN + 1] = "-", when[EVENT_TIME + 1];
	int64_t since = p->state == KEYMAP_USED ? p->used_at : p->state == KEYMAP_RESERVED
			? p->reserved_at : p->state == KEYMAP_REVOKED ? p->revoked_at : p->made_at;

	if (l->cli->json) {
		ctl_rows_put(&l->rows, pair_json(p));
		return 0;
	}
	pidpps_show_pid(p->pid, pid);
	if (p->has_uuid)
		uuid_show(&p->uuid, uuid);
	logentry_time(since, when);
	table_cell(l->table, "%s", pid);
	table_cell(l->table, "%s%s", keymap_state_word(p->state), p->lapsed ? " (lapsed)" : "");
	table_cell(l->table, "%s", when[0] ? when : "-");
	table_cell(l->table, "%s", p->exported ? "yes" : "no");
	table_cell(l->table, "%s", uuid);
	return 0;
}

static json_t *counts_json(const struct keymap_counts *c)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "total", (json_int_t)c->total,
			 "free", (json_int_t)c->free, "reserved", (json_int_t)c->reserved,
			 "used", (json_int_t)c->used, "revoked", (json_int_t)c->revoked,
			 "lapsed", (json_int_t)c->lapsed);
}

static int read_filter(struct cli *cli, struct keymap_filter *f, struct uuid *uuid)
{
	struct fault fault = { 0 };

	f->now = ctl_now();
	if (cli_has(cli, "state")) {
		f->by_state = true;
		if (keymap_state_parse(cli_value(cli, "state"), &f->state))
			return cli_misuse(cli, "--state: \"%s\" is none of free, reserved, used,"
					  " revoked", cli_value(cli, "state"));
	}
	f->exported = cli_has(cli, "exported") - cli_has(cli, "not-exported");
	if (cli_has(cli, "uuid")) {
		if (ctl_uuid(cli, cli_value(cli, "uuid"), uuid))
			return EXIT_CANNOT;
		f->uuid = uuid;
	}
	return cli_number(cli, "limit", 1, UINT32_MAX, &f->limit, &fault) ? cli_fail(cli, &fault)
									  : 0;
}

int ctl_keys_list(struct cli *cli)
{
	struct list list = { .cli = cli };
	struct keymap_counts counts;
	struct keymap_filter filter = { 0 };
	struct fault fault = { 0 };
	struct keymap *m = NULL;
	struct uuid uuid;
	int rc, status = EXIT_YES;

	if (read_filter(cli, &filter, &uuid))
		return EXIT_CANNOT;
	rc = ctl_open(cli, 0, &m, &fault);
	if (!rc)
		rc = keymap_count(m, filter.now, &counts, &fault);
	if (rc)
		goto out;
	if (cli->json)
		ctl_rows_begin(&list.rows, "keys");
	else if (!cli_has(cli, "count"))
		list.table = table_new(stdout, "PID|STATE|SINCE|EXPORTED|UUID");
	if (!cli_has(cli, "count"))
		rc = keymap_each(m, &filter, list_pair, &list, &fault);
	table_end(list.table);
	if (rc)
		goto out;
	if (cli->json)
		status = ctl_rows_end(cli, &list.rows, json_pack("{s:o}", "counts",
								 counts_json(&counts)));
	else if (!cli->quiet)
		printf("%" PRIu64 " key%s in the map: %" PRIu64 " free, %" PRIu64
		       " reserved, %" PRIu64 " used, %" PRIu64 " revoked\n",
		       counts.total, plural(counts.total), counts.free, counts.reserved,
		       counts.used, counts.revoked);
out:
	keymap_close(&m);
	return rc ? cli_fail(cli, &fault) : status;
}

/* TIME into OUT; "-" for a time of 0. */
static const char *when(int64_t t, char out[static EVENT_TIME + 1])
{
	logentry_time(t, out);
	return out[0] ? out : "-";
}

static void show_lines(const struct keymap_pair *p)
{
	char pid[PID_SHOWN + 1], uuid[UUID_SHOWN + 1] = "", a[EVENT_TIME + 1], b[EVENT_TIME + 1];

	pidpps_show_pid(p->pid, pid);
	if (p->has_uuid)
		uuid_show(&p->uuid, uuid);
	ctl_line("PID", "%s", pid);
	ctl_line("State", "%s%s", keymap_state_word(p->state),
		 p->lapsed ? " (a reservation lapsed without proof)" : "");
	ctl_line("Machine", "%s", uuid);
	ctl_line("Passwords", "current %s, new %s", p->has_current ? "known" : "not known",
		 p->has_new ? "known" : "not known");
	ctl_line("Made", "%s  %s", when(p->made_at, a), p->made_by);
	ctl_line("Exported", "%s%s%s", when(p->exported_at, a), p->exported ? "  " : "",
		 p->exported_to);
	if (p->reserved_at)
		ctl_line("Reserved", "%s until %s", when(p->reserved_at, a),
			 p->reserved_until == KEYMAP_NEVER ? "its machine proves it (a re-key)"
			 : when(p->reserved_until, b));
	if (p->used_at)
		ctl_line("Used", "%s", when(p->used_at, a));
	if (p->revoked_at)
		ctl_line("Revoked", "%s", when(p->revoked_at, a));
}

int ctl_keys_show(struct cli *cli)
{
	char pid[PID_LENGTH + 1], shown[PID_SHOWN + 1];
	struct keymap_log_filter filter = { .pid = pid };
	struct fault fault = { 0 };
	struct keymap_pair pair;
	struct keymap *m = NULL;
	json_t *history, *value;
	int rc, status = EXIT_YES;

	if (ctl_pid(cli, cli->argv[0], pid))
		return EXIT_CANNOT;
	pidpps_show_pid(pid, shown);
	rc = ctl_open(cli, 0, &m, &fault);
	if (rc)
		return cli_fail(cli, &fault);
	rc = keymap_find(m, pid, ctl_now(), &pair, &fault);
	if (rc == KIT_ERR_NOT_FOUND) {
		rc = 0;
		status = EXIT_NO;
		cli_warn(cli, "%s is not in the map", shown);
	} else if (!rc && cli->json) {
		history = json_array();
		rc = ctl_history(m, &filter, history, &fault);
		value = pair_json(&pair);
		json_object_set_new(value, "history", history);
		status = cli_print_json(cli, value);
	} else if (!rc) {
		show_lines(&pair);
		puts("History");
		rc = ctl_history(m, &filter, NULL, &fault);
	}
	keymap_close(&m);
	return rc ? cli_fail(cli, &fault) : status;
}

/* Revoke one; all that are named, or none. */
static int revoke(struct cli *cli, struct keymap *m, const char *pid, unsigned *revoked,
		  struct fault *fault)
{
	char shown[PID_SHOWN + 1], uuid[UUID_SHOWN + 1];
	struct keymap_pair pair;
	int rc;

	pidpps_show_pid(pid, shown);
	rc = keymap_find(m, pid, ctl_now(), &pair, fault);
	if (rc == KIT_ERR_NOT_FOUND)
		return fault_set(fault, rc, "%s is not in the map, so nothing was revoked", shown);
	if (!rc && pair.state == KEYMAP_REVOKED) {
		cli_note(cli, "%s is revoked already", shown);
		return 0;
	}
	if (!rc)
		rc = keymap_revoke(m, pid, ctl_now(), fault);
	if (!rc)
		rc = ctl_log(m, SEVERITY_WARNING, "key-revoked", pid,
			     pair.has_uuid ? &pair.uuid : NULL, fault, "key revoked, it was %s",
			     keymap_state_word(pair.state));
	*revoked += !rc;
	if (!rc && pair.state == KEYMAP_USED && pair.has_uuid) {
		uuid_show(&pair.uuid, uuid);
		cli_note(cli,
			 "%s is used by %s: that machine stays as it is, but is not set up with it"
			 " again",
			 shown, uuid);
	}
	return rc;
}

int ctl_keys_revoke(struct cli *cli)
{
	char pid[PID_LENGTH + 1];
	struct fault fault = { 0 };
	struct keymap *m = NULL;
	unsigned revoked = 0;
	int rc;

	for (int i = 0; i < cli->argc; i++)
		if (ctl_pid(cli, cli->argv[i], pid))
			return EXIT_CANNOT;
	rc = ctl_open(cli, 0, &m, &fault);
	if (!rc)
		rc = keymap_begin(m, &fault);
	for (int i = 0; !rc && i < cli->argc; i++) {
		pidpps_parse_pid(cli->argv[i], strlen(cli->argv[i]), pid, NULL);
		rc = revoke(cli, m, pid, &revoked, &fault);
	}
	if (!rc)
		rc = keymap_commit(m, &fault);
	keymap_close(&m);
	if (rc == KIT_ERR_NOT_FOUND) {
		cli_fail(cli, &fault);
		return EXIT_NO;
	}
	if (rc)
		return cli_fail(cli, &fault);
	cli_note(cli, "%u key%s revoked", revoked, plural(revoked));
	return EXIT_YES;
}
