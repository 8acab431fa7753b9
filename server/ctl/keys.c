/* amt-provisionctl keys: import, list, show, add, export, revoke, rotate-master. */
#include "server/ctl/amt-provisionctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/progress.h"
#include "common/secret.h"
#include "common/table.h"
#include "server/admin/export.h"
#include "server/admin/import.h"
#include "server/admin/keys.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"
#include "setupbin/check.h"

#define SAID		100	/* bad lines shown one by one; the rest is counted */
#define SLOW_POST	15	/* seconds of start that people notice */
#define TRIES		3	/* a person may mistype twice */
#define TYPED		120	/* bytes of a line typed */

/* ---- import ---- */

const struct cli_option ctl_keys_import_options[] = {
	CTL_MAP_OPTIONS,
	{ "dry-run", 'n', NULL, "say what would happen and change nothing", 0, 0 },
	{ "skip-bad", 0, NULL, "leave bad lines out instead of refusing the file", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

/* One file on its way into the map, for the eyes. */
struct importing {
	struct cli *cli;
	struct import im;
	json_t *problems;
	struct progress bar;
	bool drawn;
};

static void show_bad_line(void *context, const struct keyproblem *p, const char *pid)
{
	struct importing *s = context;
	const char *unit = keylist_unit(s->im.kind);

	if (s->im.bad > SAID)
		return;
	if (s->cli->json) {
		json_array_append_new(s->problems, json_pack("{s:I, s:s, s:o, s:s}", "line",
				      (json_int_t)p->line, "field", p->field, "pid",
				      ctl_json_pid(pid), "rule", p->rule));
		return;
	}
	cli_warn(s->cli, "%s: %s %lu: %s%s%s", s->im.name, unit, p->line, p->field,
		 *p->field ? ": " : "", p->rule);
	if (s->im.bad == SAID)
		cli_warn(s->cli, "%s: further bad %ss are only counted", s->im.name, unit);
}

static void show_progress(void *context, uint64_t done, uint64_t total)
{
	struct importing *s = context;

	if (!s->drawn)
		progress_begin(&s->bar, "importing", total, total > 0, s->cli->quiet);
	s->drawn = true;
	progress_update(&s->bar, done);
}

static json_t *import_json(const struct importing *s)
{
	const struct import *im = &s->im;

	return json_pack(
		"{s:s, s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O}",
		"file", im->name, "kind", im->kind ? im->kind : "unknown", "imported",
		im->good && !im->dry_run, "dry_run", im->dry_run, "lines", (json_int_t)im->lines,
		"added", (json_int_t)im->added, "same", (json_int_t)im->same, "completed",
		(json_int_t)im->completed, "other_password", (json_int_t)im->other_password,
		"without_password", (json_int_t)im->without_password, "bad", (json_int_t)im->bad,
		"other_pps", (json_int_t)im->other_pps, "lower_case", (json_int_t)im->lower_case,
		"wiped", (json_int_t)im->wiped, "problems", s->problems);
}

static void say_refused(struct cli *cli, const struct import *im)
{
	const char *unit = keylist_unit(im->kind);

	cli_warn(cli, "%s: %lu bad %s%s; %s%s", im->name, im->bad, unit, plural(im->bad),
		 im->dry_run ? "it would be refused" : "nothing of it was imported",
		 im->skip_bad ? "" : "; fix the list, or add --skip-bad to leave them out");
}

static void say_imported(struct cli *cli, const struct import *im)
{
	if (!cli->quiet) {
		ctl_print("%s: %s, %lu key%s %s", im->name, im->kind, im->added, plural(im->added),
			  im->dry_run ? "would be imported" : "imported");
		if (im->same)
			printf(", %lu in the map already", im->same);
		if (im->completed)
			printf(", %lu completed with a password", im->completed);
		if (im->wiped)
			printf(", %lu used record%s without a pair", im->wiped, plural(im->wiped));
		if (im->bad)
			printf(", %lu bad %s%s left out", im->bad, keylist_unit(im->kind),
			       plural(im->bad));
		putchar('\n');
	}
	if (im->without_password)
		cli_warn(cli, "%s: %lu key%s came without the machine's new MEBx password, without"
			 " which the server cannot log in: import the list again with the column"
			 " admin_password", im->name, im->without_password,
			 plural(im->without_password));
}

static void say_import(struct cli *cli, const struct import *im)
{
	if (im->other_password)
		cli_warn(cli, "%s: %lu pair%s in the map with another password, which is kept",
			 im->name, im->other_password, im->other_password == 1 ? " is" : "s are");
	if (im->lower_case)
		cli_note(cli, "%s: lower case letters in %lu %s%s were read as upper case",
			 im->name, im->lower_case, keylist_unit(im->kind), plural(im->lower_case));
	if (im->good)
		say_imported(cli, im);
	else
		say_refused(cli, im);
}

/* One file; returns an exit status. */
static int import_file(struct cli *cli, const struct operator *op, const char *path, json_t *all)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	struct importing s = { .cli = cli, .problems = json_array() };
	struct fault fault = { 0 };
	int rc;

	s.im = (struct import){ .name = file == stdin ? "standard input" : path,
				.dry_run = cli_has(cli, "dry-run"),
				.skip_bad = cli_has(cli, "skip-bad"), .bad_line = show_bad_line,
				.progress = show_progress, .context = &s };
	rc = file ? import_keys(&s.im, op, file, &fault)
		  : fault_sys(&fault, errno, "cannot open %s", path);
	if (s.drawn)
		progress_end(&s.bar);
	if (rc)
		cli_fail(cli, &fault);
	else if (!cli->json)
		say_import(cli, &s.im);
	else
		json_array_append_new(all, import_json(&s));
	json_decref(s.problems);
	if (file && file != stdin)
		fclose(file);
	/* A dry run answers yes or no; an import is done or not. */
	return !rc && s.im.good ? EXIT_YES : !rc && s.im.dry_run ? EXIT_NO : EXIT_CANNOT;
}

int ctl_keys_import(struct cli *cli)
{
	const bool dry = cli_has(cli, "dry-run");
	struct fault fault = { 0 };
	struct operator op;
	json_t *all;
	int rc, status = EXIT_YES;

	rc = ctl_begin(cli, dry ? 0 : KEYMAP_CREATE, &op, &fault);
	if (dry && rc == KIT_ERR_NOT_FOUND)
		cli_note(cli, "%s: the lines are checked, but not compared with a map", fault.what);
	else if (rc)
		return cli_fail(cli, &fault);
	all = json_array();
	for (int i = 0; i < cli->argc; i++) {
		int one = import_file(cli, &op, cli->argv[i], all);

		if (one > status)
			status = one;
	}
	keymap_close(&op.map);
	if (cli->json && cli_print_json(cli, json_pack("{s:O}", "files", all)) != EXIT_YES)
		status = EXIT_CANNOT;
	json_decref(all);
	return status;
}

/* ---- list and show ---- */

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
	unsigned long n;
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

	l->n++;
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

		if (cli_has(cli, "state")) {
		f->by_state = true;
		if (keymap_state_parse(cli_value(cli, "state"), &f->state))
			return cli_misuse(cli, "--state: \"%s\" is not free, reserved, used or"
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
	struct operator op;
	struct uuid uuid;
	int rc, status = EXIT_YES;

	if (read_filter(cli, &filter, &uuid))
		return EXIT_CANNOT;
	rc = ctl_begin(cli, 0, &op, &fault);
	filter.now = op.now;
	if (!rc)
		rc = keymap_count(op.map, op.now, &counts, &fault);
	if (rc)
		goto out;
	if (cli->json)
		ctl_rows_begin(&list.rows, "keys");
	else if (!cli_has(cli, "count"))
		list.table = table_new(stdout, "PID|STATE|SINCE|EXPORTED|UUID");
	if (!cli_has(cli, "count"))
		rc = keymap_each(op.map, &filter, list_pair, &list, &fault);
	table_end(list.table);
	if (rc)
		goto out;
	if (filter.uuid && !cli_has(cli, "count") && !list.n)
		ctl_warn_swapped(cli, op.map, filter.uuid);
	if (cli->json)
		status = ctl_rows_end(cli, &list.rows, json_pack("{s:o}", "counts",
								 counts_json(&counts)));
	else if (!cli->quiet)
		printf("%" PRIu64 " key%s in the map: %" PRIu64 " free, %" PRIu64
		       " reserved, %" PRIu64 " used, %" PRIu64 " revoked\n",
		       counts.total, plural(counts.total), counts.free, counts.reserved,
		       counts.used, counts.revoked);
out:
	keymap_close(&op.map);
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
	ctl_line("Passwords", "current %s, new %s", p->has_current ? "known" : "unknown",
		 p->has_new ? "known" : "unknown");
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
	struct operator op;
	json_t *history, *value;
	int rc, status = EXIT_YES;

	if (ctl_pid(cli, cli->argv[0], pid))
		return EXIT_CANNOT;
	pidpps_show_pid(pid, shown);
	rc = ctl_begin(cli, 0, &op, &fault);
	if (rc)
		return cli_fail(cli, &fault);
	rc = keymap_find(op.map, pid, op.now, &pair, &fault);
	if (rc == KIT_ERR_NOT_FOUND) {
		rc = 0;
		status = EXIT_NO;
		cli_warn(cli, "%s is not in the map", shown);
	} else if (!rc && cli->json) {
		history = json_array();
		rc = ctl_history(op.map, &filter, history, &fault);
		value = pair_json(&pair);
		json_object_set_new(value, "history", history);
		status = cli_print_json(cli, value);
	} else if (!rc) {
		show_lines(&pair);
		puts("History");
		rc = ctl_history(op.map, &filter, NULL, &fault);
	}
	keymap_close(&op.map);
	return rc ? cli_fail(cli, &fault) : status;
}

/* ---- add ---- */

const struct cli_option ctl_keys_add_options[] = {
	CTL_MAP_OPTIONS,
	{ "pid", 0, "PID", "the PID; asked for if not given", 0, 0 },
	{ "pps-file", 0, "FILE", "a file (mode 0600) that holds the PPS, or '-'; else it is typed,"
	  " unseen", CLI_FILE, 0 },
	{ "current-password-file", 0, "FILE", "the MEBx password that the machine has now"
	  " (default: unknown)", CLI_FILE, 0 },
	{ "new-password-file", 0, "FILE", "the MEBx password that the stick gives the machine: what"
	  " the server logs in with", CLI_FILE, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

static int ask_pid(struct cli *cli, char out[static PID_LENGTH + 1], struct fault *fault)
{
	char typed[TYPED];
	int rc;

	if (cli_has(cli, "pid")) {
		const char *text = cli_value(cli, "pid");

		rc = pidpps_parse_pid(text, strlen(text), out, NULL);
		return rc ? fault_set(fault, rc, "--pid: %s", pidpps_rule(rc, false)) : 0;
	}
	for (int i = 1;; i++) {
		rc = cli_ask(cli, "PID (XXXX-XXXX): ", typed, sizeof(typed), fault);
		if (rc == KIT_ERR_STATE)
			fault_hint(fault, "give --pid, and --pps-file");
		if (rc)
			return rc;
		rc = pidpps_parse_pid(typed, strlen(typed), out, NULL);
		if (!rc)
			return 0;
		if (i == TRIES)
			return fault_set(fault, rc, "not a PID after %d tries", TRIES);
		cli_warn(cli, "that is not a PID: %s", pidpps_rule(rc, false));
	}
}

/* Which group of four does its check character say is mistyped? From 1; 0: cannot tell. */
static int wrong_group(const char *typed)
{
	char pps[PPS_LENGTH];
	size_t n = 0;
	int group = 0;

	for (const char *p = typed; *p; p++) {
		if (*p == '-' || *p == ' ')
			continue;
		if (n == PPS_LENGTH)
			return 0;
		pps[n++] = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
	}
	for (size_t i = 0; n == PPS_LENGTH && !group && i < n; i += 4)
		if (pidpps_check_character(pps + i, 3) != pps[i + 3])
			group = (int)(i / 4) + 1;
	secret_wipe(pps, sizeof(pps));
	return group;
}

static int take_pps(const char *typed, char out[static PPS_LENGTH + 1], struct fault *fault)
{
	int rc = pidpps_parse_pps(typed, strlen(typed), out, NULL), group;

	if (!rc)
		return 0;
	group = rc == KIT_ERR_CHECK ? wrong_group(typed) : 0;
	if (group)
		return fault_set(fault, rc, "group %d of 8 is mistyped (its check character does "
				 "not fit)", group);
	return fault_set(fault, rc, "that is not a PPS: %s", pidpps_rule(rc, true));
}

static int ask_pps(struct cli *cli, char out[static PPS_LENGTH + 1], struct fault *fault)
{
	const char *file = cli_value(cli, "pps-file");
	char typed[TYPED];
	int rc;

	for (int i = 1;; i++) {
		struct fault mistyped = { 0 };

		rc = file ? secret_read(file, "PPS", typed, sizeof(typed), fault)
			  : secret_prompt("PPS (8 groups of 4, not shown): ", "PPS", typed,
					  sizeof(typed), fault);
		if (rc && !file && !fault->hint[0])
			fault_hint(fault, "give --pps-file");
		if (rc)
			return rc;
		rc = take_pps(typed, out, &mistyped);
		secret_wipe(typed, sizeof(typed));
		if (!rc)
			return 0;
		if (file || i == TRIES)
			return fault_pass(fault, &mistyped);
		cli_warn(cli, "%s", mistyped.what);
	}
}

static int read_password(struct cli *cli, const char *option, const char *what,
			 int (*check)(const char *text, const char **rule),
			 char out[static PASSWORD_MAX + 1], struct fault *fault)
{
	const char *file = cli_value(cli, option), *rule = NULL;
	int rc;

	if (!file)
		return 0;
	rc = secret_read(file, what, out, PASSWORD_MAX + 1, fault);
	if (!rc && check(out, &rule))
		rc = fault_set(fault, KIT_ERR_FORMAT, "%s: %s", what, rule);
	return rc;
}

static void say_added(struct cli *cli, const struct keyentry *entry, enum keymap_added added)
{
	char shown[PID_SHOWN + 1];

	pidpps_show_pid(entry->pair.pid, shown);
	switch (added) {
	case KEYMAP_ADDED:
		cli_note(cli, "%s added", shown);
		break;
	case KEYMAP_SAME:
		cli_note(cli, "%s is in the map already, the same pair", shown);
		break;
	case KEYMAP_COMPLETED:
		cli_note(cli, "%s was in the map and lacked a password, which it has now", shown);
		break;
	case KEYMAP_DIFFERS:
		cli_warn(cli, "%s is in the map with another password, which is kept", shown);
	}
	if (added == KEYMAP_ADDED && !entry->new_password[0])
		cli_warn(cli, "without the machine's new MEBx password the server cannot log in to"
			 " it: add it with --new-password-file");
}

int ctl_keys_add(struct cli *cli)
{
	struct keyentry entry = { .used = false };
	enum keymap_added added = KEYMAP_SAME;
	struct fault fault = { 0 };
	struct operator op;
	int rc;

	rc = ctl_begin(cli, KEYMAP_CREATE, &op, &fault);
	if (!rc)
		rc = ask_pid(cli, entry.pair.pid, &fault);
	if (!rc)
		rc = ask_pps(cli, entry.pair.pps, &fault);
	if (!rc)
		rc = read_password(cli, "current-password-file", "current MEBx password",
				   password_check_current, entry.current_password, &fault);
	if (!rc)
		rc = read_password(cli, "new-password-file", "new MEBx password",
				   password_check_new, entry.new_password, &fault);
	if (!rc)
		rc = keys_add(&op, &entry, cli_has(cli, "pps-file") ? "from a file" : "typed",
			      &added, &fault);
	if (!rc)
		say_added(cli, &entry, added);
	secret_wipe(&entry, sizeof(entry));
	keymap_close(&op.map);
	return rc ? cli_fail(cli, &fault) : EXIT_YES;
}

/* ---- export ---- */

const struct cli_option ctl_keys_export_options[] = {
	CTL_MAP_OPTIONS,
	{ "setupbin", 0, "FILE", "write the keys to FILE as a setup.bin", CLI_FILE, 0 },
	{ "file-version", 0, "V", "of the setup.bin: 1.0, 2.0, 2.1 (default), 3.0 or 4.0", 0, 0 },
	{ "scramble", 0, NULL, "scramble the records (version 4.0)", 0, 0 },
	{ "output", 'o', "FILE", "write the keys to FILE as a list ('-': standard output)",
	  CLI_FILE, 0 },
	{ "format", 'f', "FORMAT", "of that list: csv (default), text or json", 0, 0 },
	{ "all", 'a', NULL, "all free keys that never went out", 0, 2 },
	{ "number", 'n', "N", "N free keys that never went out", 0, 2 },
	{ "batch", 0, "B", "the free keys that came in with batch B", 0, 2 },
	{ "again", 0, NULL, "also keys that went out before", 0, 0 },
	{ "force", 0, NULL, "replace files that exist", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

static int misuse(struct fault *fault, const char *what)
{
	return fault_set(fault, KIT_ERR_ARGUMENT, "%s", what);
}

static int read_where(struct cli *cli, struct export *e, struct fault *fault)
{
	const char *format = cli_value(cli, "format"), *version = cli_value(cli, "file-version");

	e->list_path = cli_value(cli, "output");
	e->setupbin_path = cli_value(cli, "setupbin");
	e->scramble = cli_has(cli, "scramble");
	e->force = cli_has(cli, "force");
	if (!e->list_path && !e->setupbin_path)
		return misuse(fault, "say where to: --setupbin FILE or -o FILE");
	if (format && keylist_format_parse(format, &e->format))
		return fault_set(fault, KIT_ERR_ARGUMENT,
				 "--format: \"%s\" is not csv, text or json", format);
	if (sbin_version_parse(version ? version : "2.1", &e->version))
		return fault_set(fault, KIT_ERR_ARGUMENT, "--file-version: \"%s\" is not 1.0,"
				 " 2.0, 2.1, 3.0 or 4.0", version);
	if ((version || e->scramble) && !e->setupbin_path)
		return misuse(fault, "--file-version and --scramble need --setupbin");
	if (e->scramble && e->version.major != 4)
		return misuse(fault, "--scramble needs --file-version 4.0");
	if (e->setupbin_path && strcmp(e->setupbin_path, "-") == 0)
		return misuse(fault, "--setupbin needs a file, not standard output: its header is "
				     "completed at the end");
	return 0;
}

static int read_which(struct cli *cli, struct export *e, struct fault *fault)
{
	bool some = cli_has(cli, "all") || cli_has(cli, "number") || cli_has(cli, "batch");
	uint64_t batch = 0;
	int rc;

	if (some == (cli->argc > 0))
		return misuse(fault,
			      "say which keys: their PIDs, or one of --all, -n N, --batch B");
	e->again = cli_has(cli, "again");
	rc = cli_number(cli, "number", 1, UINT32_MAX, &e->number, fault);
	if (!rc)
		rc = cli_number(cli, "batch", 1, INT64_MAX, &batch, fault);
	e->of_batch = (int64_t)batch;
	return rc;
}

/* The operands as PIDs, to be freed. Misuse is said; returns 0 or an exit status. */
static int read_pids(struct cli *cli, char (**pids)[PID_LENGTH + 1])
{
	*pids = calloc((size_t)cli->argc + 1, sizeof(**pids));
	if (!*pids)
		return cli_fail(cli, &(struct fault){ .code = KIT_ERR_NOMEM });
	for (int i = 0; i < cli->argc; i++)
		if (ctl_pid(cli, cli->argv[i], (*pids)[i]))
			return EXIT_CANNOT;
	return 0;
}

struct exporting {
	struct cli *cli;
	struct progress bar;
	bool drawn;
};

static void show_export(void *context, uint64_t done, uint64_t total)
{
	struct exporting *s = context;

	if (!s->drawn)
		progress_begin(&s->bar, "exporting", total, false, s->cli->quiet);
	s->drawn = true;
	progress_update(&s->bar, done);
}

static void say_exported(struct cli *cli, const struct export *e)
{
	double post = sbin_post_seconds((uint32_t)e->exported);

	if (e->setupbin_path)
		cli_note(cli, "%zu key%s exported to %s (version %u.%u)", e->exported,
			 plural(e->exported), e->setupbin_path, e->version.major, e->version.minor);
	if (e->list_path && strcmp(e->list_path, "-") != 0)
		cli_note(cli, "%zu key%s exported to %s", e->exported, plural(e->exported),
			 e->list_path);
	if (e->setupbin_path && post > SLOW_POST)
		cli_warn(cli, "a stick with %zu records delays a machine's start by about %.0f s:"
			 " \"amt-setupbin split\" makes several of it", e->exported, post);
}

int ctl_keys_export(struct cli *cli)
{
	struct exporting s = { .cli = cli };
	struct export e = { .progress = show_export, .context = &s };
	char (*pids)[PID_LENGTH + 1] = NULL;
	struct fault fault = { 0 };
	struct operator op;
	int rc;

	rc = read_where(cli, &e, &fault);
	if (!rc)
		rc = read_which(cli, &e, &fault);
	if (rc)
		return cli_misuse(cli, "%s", fault.what);
	if (read_pids(cli, &pids)) {
		free(pids);
		return EXIT_CANNOT;
	}
	e.pids = (const char (*)[PID_LENGTH + 1])pids;
	e.n_pids = (size_t)cli->argc;
	rc = ctl_begin(cli, 0, &op, &fault);
	if (!rc)
		rc = export_keys(&e, &op, &fault);
	if (s.drawn)
		progress_end(&s.bar);
	if (!rc)
		say_exported(cli, &e);
	keymap_close(&op.map);
	free(pids);
	return rc ? cli_fail(cli, &fault) : EXIT_YES;
}

/* ---- revoke and rotate ---- */

static void say_revoked(struct cli *cli, const struct keymap_pair *before)
{
	char shown[PID_SHOWN + 1], uuid[UUID_SHOWN + 1];

	pidpps_show_pid(before->pid, shown);
	if (before->state == KEYMAP_REVOKED)
		cli_note(cli, "%s is revoked already", shown);
	if (before->state != KEYMAP_USED || !before->has_uuid)
		return;
	uuid_show(&before->uuid, uuid);
	cli_note(cli, "%s is used by %s: that machine stays as it is, but is not set up with it"
		 " again", shown, uuid);
}

int ctl_keys_revoke(struct cli *cli)
{
	const size_t n = (size_t)cli->argc;
	struct keymap_pair *before = calloc(n, sizeof(*before));
	char (*pids)[PID_LENGTH + 1] = NULL;
	struct fault fault = { 0 };
	struct operator op = { .map = NULL };
	unsigned revoked = 0;
	int rc, status = read_pids(cli, &pids);

	if (status)
		goto out;
	rc = before ? ctl_begin(cli, 0, &op, &fault) : fault_nomem(&fault);
	if (!rc)
		rc = keys_revoke(&op, (const char (*)[PID_LENGTH + 1])pids, n, before, &fault);
	for (size_t i = 0; !rc && i < n; i++) {
		say_revoked(cli, &before[i]);
		revoked += before[i].state != KEYMAP_REVOKED;
	}
	if (rc)
		status = cli_fail(cli, &fault);
	else
		cli_note(cli, "%u key%s revoked", revoked, plural(revoked));
	if (rc == KIT_ERR_NOT_FOUND && op.map)
		status = EXIT_NO;
out:
	keymap_close(&op.map);
	free(before);
	free(pids);
	return status;
}

static void show_sealed(void *context, uint64_t done, uint64_t total)
{
	(void)total;
	progress_update(context, done);
}

int ctl_keys_rotate(struct cli *cli)
{
	struct keymap_counts counts;
	struct fault fault = { 0 };
	struct operator op;
	struct progress bar;
	bool resumed = false;
	int rc;

	rc = ctl_begin(cli, 0, &op, &fault);
	if (!rc)
		rc = keymap_count(op.map, op.now, &counts, &fault);
	if (!rc) {
		progress_begin(&bar, "sealing again", counts.total, false, cli->quiet);
		rc = keys_rotate(&op, show_sealed, &bar, &resumed, &fault);
		progress_end(&bar);
	}
	keymap_close(&op.map);
	if (rc)
		return cli_fail(cli, &fault);
	cli_note(cli, "%s; backups made before still open with the key file saved with them",
		 resumed ? "the rotation that was cut off is finished: run it once more for another"
		 " new key" : "every secret is sealed with a new master key");
	return EXIT_YES;
}
