/* amt-provisionctl keys: import, list, show, add, export, revoke, rotate-master. */
#include "server/ctl/amt-provisionctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/progress.h"
#include "common/secret.h"
#include "common/table.h"
#include "common/text.h"
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

struct keys_import_options {
	struct ctl_map at;
	struct cli_list columns;
	bool dry_run, skip_bad;
};

static const struct cli_option import_table[] = {
	CTL_MAP_OPTIONS(struct keys_import_options),
	CLI_FLAG('n', "dry-run", struct keys_import_options, dry_run,
		 "say what would happen and change nothing"),
	CLI_FLAG(0, "skip-bad", struct keys_import_options, skip_bad,
		 "leave bad lines out instead of refusing the file", .flags = CLI_WHOLE),
	CLI_LIST(0, "column", struct keys_import_options, columns, "FIELD=NAME",
		 "the column NAME of a CSV holds FIELD: --column pps=\"MEBX PPS\""),
	{ 0 },
};

/* One file on its way into the map. */
struct file_import {
	struct cli *cli;
	struct import im;
	json_t *problems;
	struct progress bar;
	bool drawn;
};

static void show_bad_line(void *context, const struct keyproblem *p, const char *pid)
{
	struct file_import *s = context;
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
	struct file_import *s = context;

	if (!s->drawn)
		progress_begin(&s->bar, "importing", total, total > 0, s->cli->quiet);
	s->drawn = true;
	progress_update(&s->bar, done);
}

static json_t *import_json(const struct file_import *s)
{
	const struct import *im = &s->im;

	return json_pack(
		"{s:s, s:s, s:o, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O}",
		"file", im->name, "kind", im->kind ? im->kind : "unknown", "columns",
		logentry_text(im->columns), "imported",
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
		text_print(stdout, "%s: %s, %lu key%s %s", im->name, im->kind, im->added,
			   plural(im->added), im->dry_run ? "would be imported" : "imported");
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
	if (im->columns)
		cli_note(cli, "%s: %s", im->name, im->columns);
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
static int import_file(struct cli *cli, const struct keys_import_options *o,
		       const struct operator *op, const char *path, json_t *all)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	struct file_import s = { .cli = cli, .problems = json_array() };
	struct fault fault = { 0 };
	int rc;

	s.im = (struct import){ .name = file == stdin ? "standard input" : path,
				.dry_run = o->dry_run,
				.skip_bad = o->skip_bad, .wanted = o->columns.values,
				.n_wanted = o->columns.count, .bad_line = show_bad_line,
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
	free(s.im.columns);
	if (file && file != stdin)
		fclose(file);
	/* A dry run answers yes or no; an import is done or not. */
	return !rc && s.im.good ? EXIT_YES : !rc && s.im.dry_run ? EXIT_NO : EXIT_CANNOT;
}

static int run_import(struct cli *cli, const void *given)
{
	const struct keys_import_options *o = given;
	const bool dry = o->dry_run;
	struct fault fault = { 0 };
	struct operator op;
	json_t *all;
	int rc, status = EXIT_YES;

	rc = ctl_begin(&o->at, dry ? 0 : KEYMAP_CREATE, &op, &fault);
	if (dry && rc == KIT_ERR_NOT_FOUND)
		cli_note(cli, "%s: the lines are checked, but not compared with a map", fault.what);
	else if (rc)
		return cli_fail(cli, &fault);
	all = json_array();
	for (int i = 0; i < cli->argc; i++) {
		int one = import_file(cli, o, &op, cli->argv[i], all);

		if (one > status)
			status = one;
	}
	keymap_close(&op.map);
	if (cli->json && cli_print_json(cli, json_pack("{s:O}", "files", all)) != EXIT_YES)
		status = EXIT_CANNOT;
	json_decref(all);
	return status;
}

const struct cli_verb ctl_keys_import = {
	.name = "keys import",
	.operands = "FILE|-...",
	.summary = "import lists of pairs into the map",
	.options = import_table,
	.options_size = sizeof(struct keys_import_options),
	.min_operands = 1,
	.max_operands = -1,
	.flags = CLI_JSON,
	.run = run_import,
	.details =
		"A list is CSV with a header line (pid, pps, current_password, admin_password or "
		"new_password, used; any order and case), text, JSON, or setup.bin of any version. "
		"Each file is imported whole or not at all. A pair that is in the map already is "
		"counted; a PID that is there with another PPS is refused. Used records of a "
		"setup.bin become free keys, since the machine that took one still has to prove "
		"itself, and count as exported, so that no other machine gets them. If there is no "
		"map, it is made.",
	.examples = "amt-provisionctl keys import --map map.db keys.csv setup.bin\n"
		    "gpg -d keys.csv.gpg | amt-provisionctl keys import -m map.db -",
};

/* ---- list and show ---- */

struct keys_list_options {
	struct ctl_map at;
	const char *state, *uuid;
	uint64_t limit;
	bool exported, not_exported, count;
};

static const struct cli_option list_table[] = {
	CTL_MAP_OPTIONS(struct keys_list_options),
	CLI_TEXT('s', "state", struct keys_list_options, state, "STATE",
		 "only keys that are free, reserved, used or revoked"),
	CLI_FLAG(0, "exported", struct keys_list_options, exported,
		 "only keys that went out to a file or stick", .exclusive = 2),
	CLI_FLAG(0, "not-exported", struct keys_list_options, not_exported,
		 "only keys that never went out", .exclusive = 2),
	CLI_TEXT(0, "uuid", struct keys_list_options, uuid, "UUID", "only keys of this machine"),
	CLI_NUMBER('n', "limit", struct keys_list_options, limit, "N", 1, UINT32_MAX,
		   "at most N keys"),
	CLI_FLAG(0, "count", struct keys_list_options, count, "only how many keys each state has"),
	{ 0 },
};

struct keys_list {
	struct ctl_list list;
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
	struct keys_list *l = context;
	struct table *table = l->list.table;
	char pid[PID_SHOWN + 1], uuid[UUID_SHOWN + 1] = "-", when[CLOCK_TEXT + 1];
	int64_t since = p->state == KEYMAP_USED ? p->used_at : p->state == KEYMAP_RESERVED
			? p->reserved_at : p->state == KEYMAP_REVOKED ? p->revoked_at : p->made_at;

	l->n++;
	if (l->list.cli->json) {
		ctl_rows_put(&l->list.rows, pair_json(p));
		return 0;
	}
	pidpps_show_pid(p->pid, pid);
	if (p->has_uuid)
		uuid_show(&p->uuid, uuid);
	clock_show(since, when);
	table_cell(table, "%s", pid);
	table_cell(table, "%s%s", keymap_state_word(p->state), p->lapsed ? " (lapsed)" : "");
	table_cell(table, "%s", when[0] ? when : "-");
	table_cell(table, "%s", p->exported ? "yes" : "no");
	table_cell(table, "%s", uuid);
	return 0;
}

static json_t *counts_json(const struct keymap_counts *c)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "total", (json_int_t)c->total,
			 "free", (json_int_t)c->free, "reserved", (json_int_t)c->reserved,
			 "used", (json_int_t)c->used, "revoked", (json_int_t)c->revoked,
			 "lapsed", (json_int_t)c->lapsed);
}

static int read_filter(struct cli *cli, const struct keys_list_options *o, struct keymap_filter *f,
		       struct uuid *uuid)
{
	if (o->state) {
		f->by_state = true;
		if (keymap_state_parse(o->state, &f->state))
			return cli_misuse(cli, "--state: \"%s\" is not free, reserved, used or"
					  " revoked", o->state);
	}
	f->exported = o->exported - o->not_exported;
	if (o->uuid) {
		if (ctl_uuid(cli, o->uuid, uuid))
			return EXIT_CANNOT;
		f->uuid = uuid;
	}
	f->limit = o->limit;
	return 0;
}

static int run_list(struct cli *cli, const void *given)
{
	const struct keys_list_options *o = given;
	struct keys_list list = { .list.cli = cli };
	struct keymap_counts counts;
	struct keymap_filter filter = { 0 };
	struct fault fault = { 0 };
	struct operator op;
	struct uuid uuid;
	int rc;

	if (read_filter(cli, o, &filter, &uuid))
		return EXIT_CANNOT;
	rc = ctl_begin(&o->at, 0, &op, &fault);
	filter.now = op.now;
	if (!rc)
		rc = keymap_count(op.map, op.now, &counts, &fault);
	if (rc)
		return ctl_end(cli, &op, rc, &fault);
	ctl_list_begin(&list.list, "keys", o->count ? NULL : "PID|STATE|SINCE|EXPORTED|UUID");
	if (!o->count)
		rc = keymap_each(op.map, &filter, list_pair, &list, &fault);
	if (!rc && filter.uuid && !o->count && !list.n)
		ctl_warn_swapped(cli, op.map, filter.uuid);
	rc = ctl_list_end(&list.list, rc, json_pack("{s:o}", "counts", counts_json(&counts)));
	if (!rc && !cli->json && !cli->quiet)
		printf("%" PRIu64 " key%s in the map: %" PRIu64 " free, %" PRIu64
		       " reserved, %" PRIu64 " used, %" PRIu64 " revoked\n",
		       counts.total, plural(counts.total), counts.free, counts.reserved,
		       counts.used, counts.revoked);
	return ctl_end(cli, &op, rc, &fault);
}

const struct cli_verb ctl_keys_list = {
	.name = "keys list",
	.operands = "",
	.summary = "list the keys of the map with their states",
	.options = list_table,
	.options_size = sizeof(struct keys_list_options),
	.flags = CLI_JSON,
	.run = run_list,
	.examples = "amt-provisionctl keys list --state free --not-exported\n"
		    "amt-provisionctl keys list --count",
};

/* TIME into OUT; "-" for a time of 0. */
static const char *when(int64_t t, char out[static CLOCK_TEXT + 1])
{
	clock_show(t, out);
	return out[0] ? out : "-";
}

static void show_lines(const struct keymap_pair *p)
{
	char pid[PID_SHOWN + 1], uuid[UUID_SHOWN + 1] = "", a[CLOCK_TEXT + 1], b[CLOCK_TEXT + 1];

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

static int run_show(struct cli *cli, const void *given)
{
	const struct ctl_only_map *o = given;
	char pid[PID_LENGTH + 1], shown[PID_SHOWN + 1];
	struct keymap_log_filter filter = { .pid = pid };
	struct fault fault = { 0 };
	struct keymap_pair pair;
	struct operator op;
	int rc;

	if (ctl_pid(cli, cli->argv[0], pid))
		return EXIT_CANNOT;
	pidpps_show_pid(pid, shown);
	rc = ctl_begin(&o->at, 0, &op, &fault);
	if (rc)
		return cli_fail(cli, &fault);
	rc = keymap_find(op.map, pid, op.now, &pair, &fault);
	if (rc == KIT_ERR_NOT_FOUND)
		fault_set(&fault, rc, "%s is not in the map", shown);
	if (!rc && !cli->json)
		show_lines(&pair);
	if (!rc)
		rc = ctl_history(cli, op.map, &filter, cli->json ? pair_json(&pair) : NULL, &fault);
	return ctl_answer(cli, &op, rc, &fault);
}

const struct cli_verb ctl_keys_show = {
	.name = "keys show",
	.operands = "PID",
	.summary = "show one key: its state and its history",
	.options = ctl_only_map,
	.options_size = sizeof(struct ctl_only_map),
	.min_operands = 1,
	.max_operands = 1,
	.flags = CLI_JSON,
	.run = run_show,
	.examples = "amt-provisionctl keys show 0000-037M",
};

/* ---- add ---- */

struct add_options {
	struct ctl_map at;
	const char *pid, *pps_file, *current_password_file, *new_password_file;
};

static const struct cli_option add_table[] = {
	CTL_MAP_OPTIONS(struct add_options),
	CLI_TEXT(0, "pid", struct add_options, pid, "PID", "the PID; asked for if not given"),
	CLI_TEXT(0, "pps-file", struct add_options, pps_file, "FILE",
		 "a file (mode 0600) that holds the PPS, or '-'; else it is typed, unseen",
		 .flags = CLI_FILE),
	CLI_TEXT(0, "current-password-file", struct add_options, current_password_file, "FILE",
		 "the MEBx password that the machine has now (default: unknown)",
		 .flags = CLI_FILE),
	CLI_TEXT(0, "new-password-file", struct add_options, new_password_file, "FILE",
		 "the MEBx password that the stick gives the machine: what the server logs in with",
		 .flags = CLI_FILE),
	{ 0 },
};

static int ask_pid(struct cli *cli, const struct add_options *o, char out[static PID_LENGTH + 1],
		   struct fault *fault)
{
	char typed[TYPED];
	int rc;

	if (o->pid) {
		const char *text = o->pid;

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

static int ask_pps(struct cli *cli, const char *file, char out[static PPS_LENGTH + 1],
		   struct fault *fault)
{
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

static int read_password(const char *file, const char *what,
			 int (*check)(const char *text, const char **rule),
			 char out[static PASSWORD_MAX + 1], struct fault *fault)
{
	const char *rule = NULL;
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

static int run_add(struct cli *cli, const void *given)
{
	const struct add_options *o = given;
	struct keyentry entry = { .used = false };
	enum keymap_added added = KEYMAP_SAME;
	struct fault fault = { 0 };
	struct operator op;
	int rc;

	rc = ctl_begin(&o->at, KEYMAP_CREATE, &op, &fault);
	if (!rc)
		rc = ask_pid(cli, o, entry.pair.pid, &fault);
	if (!rc)
		rc = ask_pps(cli, o->pps_file, entry.pair.pps, &fault);
	if (!rc)
		rc = read_password(o->current_password_file, "current MEBx password",
				   password_check_current, entry.current_password, &fault);
	if (!rc)
		rc = read_password(o->new_password_file, "new MEBx password",
				   password_check_new, entry.new_password, &fault);
	if (!rc)
		rc = keys_add(&op, &entry, o->pps_file ? "from a file" : "typed",
			      &added, &fault);
	if (!rc)
		say_added(cli, &entry, added);
	secret_wipe(&entry, sizeof(entry));
	return ctl_end(cli, &op, rc, &fault);
}

const struct cli_verb ctl_keys_add = {
	.name = "keys add",
	.operands = "",
	.summary = "add one pair, typed or from a file",
	.options = add_table,
	.options_size = sizeof(struct add_options),
	.run = run_add,
	.details =
		"Asks for PID and PPS and checks them as they are typed: if a check character does "
		"not fit, the message names the group of four. The PPS is not shown. Passwords "
		"come from files of mode 0600.",
	.examples = "amt-provisionctl keys add --new-password-file mebx.txt\n"
		    "amt-provisionctl keys add --pid 0000-037M --pps-file pps.txt",
};

/* ---- export ---- */

struct keys_export_options {
	struct ctl_map at;
	const char *setupbin, *file_version, *output;
	enum keylist_format format;
	uint64_t number, batch;
	bool scramble, all, again, force;
};

static const struct cli_option export_table[] = {
	CTL_MAP_OPTIONS(struct keys_export_options),
	CLI_TEXT(0, "setupbin", struct keys_export_options, setupbin, "FILE",
		 "write the keys to FILE as a setup.bin", .flags = CLI_FILE),
	CLI_TEXT(0, "file-version", struct keys_export_options, file_version, "V",
		 "of the setup.bin: 1.0, 2.0, 2.1 (default), 3.0 or 4.0"),
	CLI_FLAG(0, "scramble", struct keys_export_options, scramble,
		 "scramble the records (version 4.0)"),
	CLI_TEXT('o', "output", struct keys_export_options, output, "FILE",
		 "write the keys to FILE as a list ('-': standard output)", .flags = CLI_FILE),
	CLI_CHOICE('f', "format", struct keys_export_options, format, "FORMAT", keylist_formats,
		   "of that list: csv (default), text or json"),
	CLI_FLAG('a', "all", struct keys_export_options, all, "all free keys that never went out",
		 .exclusive = 2),
	CLI_NUMBER('n', "number", struct keys_export_options, number, "N", 1, UINT32_MAX,
		   "N free keys that never went out", .exclusive = 2),
	CLI_NUMBER(0, "batch", struct keys_export_options, batch, "B", 1, INT64_MAX,
		   "the free keys that came in with batch B", .exclusive = 2),
	CLI_FLAG(0, "again", struct keys_export_options, again, "also keys that went out before",
		 .flags = CLI_WHOLE),
	CLI_FLAG(0, "force", struct keys_export_options, force, "replace files that exist",
		 .flags = CLI_WHOLE),
	{ 0 },
};

/* What does not go together, or NULL. */
static const char *clash(const struct cli *cli, const struct keys_export_options *o)
{
	if (!o->output && !o->setupbin)
		return "say where to: --setupbin FILE or -o FILE";
	if ((o->all || o->number || o->batch) == (cli->argc > 0))
		return "say which keys: their PIDs, or one of --all, -n N, --batch B";
	return NULL;
}

/* Misuse is said; returns 0 or an exit status. */
static int read_export(struct cli *cli, const struct keys_export_options *o, struct export *e)
{
	const char *wrong = clash(cli, o);
	struct fault fault = { 0 };

	if (wrong)
		return cli_misuse(cli, "%s", wrong);
	e->output = (struct keyoutput){ .list_path = o->output, .format = o->format,
					.setupbin_path = o->setupbin, .scramble = o->scramble,
					.force = o->force };
	if (keyoutput_check(&e->output, o->file_version, &fault))
		return cli_fail(cli, &fault);
	e->again = o->again;
	e->number = o->number;
	e->of_batch = (int64_t)o->batch;
	return 0;
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

	if (e->output.setupbin_path)
		cli_note(cli, "%zu key%s exported to %s (version %u.%u)", e->exported,
			 plural(e->exported), e->output.setupbin_path, e->output.version.major,
			 e->output.version.minor);
	if (e->output.list_path && strcmp(e->output.list_path, "-") != 0)
		cli_note(cli, "%zu key%s exported to %s", e->exported, plural(e->exported),
			 e->output.list_path);
	if (e->output.setupbin_path && post > SLOW_POST)
		cli_warn(cli, "a stick with %zu records delays a machine's start by about %.0f s;"
			 " \"amt-setupbin split\" makes smaller files of it", e->exported, post);
}

static int run_export(struct cli *cli, const void *given)
{
	const struct keys_export_options *o = given;
	struct exporting s = { .cli = cli };
	struct export e = { .progress = show_export, .context = &s };
	char (*pids)[PID_LENGTH + 1] = NULL;
	struct fault fault = { 0 };
	struct operator op;
	int rc;

	if (read_export(cli, o, &e))
		return EXIT_CANNOT;
	if (read_pids(cli, &pids)) {
		free(pids);
		return EXIT_CANNOT;
	}
	e.pids = (const char (*)[PID_LENGTH + 1])pids;
	e.n_pids = (size_t)cli->argc;
	rc = ctl_begin(&o->at, 0, &op, &fault);
	if (!rc)
		rc = export_keys(&e, &op, &fault);
	if (s.drawn)
		progress_end(&s.bar);
	if (!rc)
		say_exported(cli, &e);
	free(pids);
	return ctl_end(cli, &op, rc, &fault);
}

const struct cli_verb ctl_keys_export = {
	.name = "keys export",
	.operands = "[PID...]",
	.summary = "write free keys to a setup.bin or a list",
	.options = export_table,
	.options_size = sizeof(struct keys_export_options),
	.max_operands = -1,
	.run = run_export,
	.details =
		"Only free keys are written, and each only once unless --again is given: the map "
		"marks them before the file appears.",
	.examples = "amt-provisionctl keys export -n 50 --setupbin setup.bin\n"
		    "amt-provisionctl keys export 0000-037M -o one.csv",
};

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

static int run_revoke(struct cli *cli, const void *given)
{
	const struct ctl_only_map *o = given;
	const size_t n = (size_t)cli->argc;
	struct keymap_pair *before = calloc(n, sizeof(*before));
	char (*pids)[PID_LENGTH + 1] = NULL;
	struct fault fault = { 0 };
	struct operator op = { .map = NULL };
	unsigned revoked = 0;
	int rc = read_pids(cli, &pids);

	if (!rc)
		rc = before ? ctl_begin(&o->at, 0, &op, &fault) : fault_nomem(&fault);
	if (!rc)
		rc = keys_revoke(&op, (const char (*)[PID_LENGTH + 1])pids, n, before, &fault);
	for (size_t i = 0; !rc && i < n; i++) {
		say_revoked(cli, &before[i]);
		revoked += before[i].state != KEYMAP_REVOKED;
	}
	if (!rc)
		cli_note(cli, "%u key%s revoked", revoked, plural(revoked));
	free(before);
	free(pids);
	return ctl_answer(cli, &op, rc, &fault);
}

const struct cli_verb ctl_keys_revoke = {
	.name = "keys revoke",
	.operands = "PID...",
	.summary = "take keys out of service for good",
	.options = ctl_only_map,
	.options_size = sizeof(struct ctl_only_map),
	.min_operands = 1,
	.max_operands = -1,
	.run = run_revoke,
	.details =
		"Revokes all the keys that are named, or none. The server refuses hellos with a "
		"revoked key.",
	.examples = "amt-provisionctl keys revoke 0000-037M",
};

static void show_sealed(void *context, uint64_t done, uint64_t total)
{
	(void)total;
	progress_update(context, done);
}

static int run_rotate(struct cli *cli, const void *given)
{
	const struct ctl_only_map *o = given;
	struct keymap_counts counts = { 0 };
	struct fault fault = { 0 };
	struct operator op;
	struct progress bar;
	bool resumed = false;
	int rc;

	rc = ctl_begin(&o->at, 0, &op, &fault);
	if (!rc)
		rc = keymap_count(op.map, op.now, &counts, &fault);
	if (!rc) {
		progress_begin(&bar, "sealing again", counts.total, false, cli->quiet);
		rc = keys_rotate(&op, show_sealed, &bar, &resumed, &fault);
		progress_end(&bar);
	}
	if (!rc)
		cli_note(cli, "%s; backups made before still open with the key file saved with"
			 " them", resumed ? "the rotation that was cut off is finished: run it once"
			 " more for another new key" : "every secret is sealed with a new master"
			 " key");
	return ctl_end(cli, &op, rc, &fault);
}

const struct cli_verb ctl_keys_rotate = {
	.name = "keys rotate-master",
	.operands = "",
	.summary = "seal every secret again with a new master key",
	.options = ctl_only_map,
	.options_size = sizeof(struct ctl_only_map),
	.run = run_rotate,
	.details =
		"The server keeps working meanwhile. If it is interrupted, the map stays usable "
		"and the next run finishes the work.",
	.examples = "amt-provisionctl keys rotate-master --map map.db",
};
