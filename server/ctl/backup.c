/* amt-provisionctl backup, restore: the map as a whole. */
#include "server/ctl/amt-provisionctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/admin/restore.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"

struct backup_options {
	struct ctl_map at;
	bool no_key;
};

static const struct cli_option backup_table[] = {
	CTL_MAP_OPTIONS(struct backup_options),
	CLI_FLAG(0, "no-key", struct backup_options, no_key,
		 "do not copy the key file: keep it somewhere else"),
	{ 0 },
};

static int run_backup(struct cli *cli, const void *given)
{
	const struct backup_options *o = given;
	const bool with_key = !o->no_key;
	const char *path = cli->argv[0];
	struct fault fault = { 0 };
	struct operator op;
	int rc;

	rc = ctl_begin(&o->at, 0, &op, &fault);
	if (!rc)
		rc = restore_backup(&op, path, with_key, &fault);
	keymap_close(&op.map);
	if (rc)
		return cli_fail(cli, &fault);
	if (with_key)
		cli_note(cli, "backed up and checked: %s, and its key file %s.key. Whoever has both"
			 " has every key: keep them as you keep passwords", path, path);
	else
		cli_note(cli, "backed up and checked: %s. It can't be read without the map's key"
			 " file: back that up, too", path);
	return EXIT_YES;
}

const struct cli_verb ctl_backup = {
	.name = "backup",
	.operands = "FILE",
	.summary =
		"copy the map to FILE and its key file to FILE.key, while the server runs",
	.options = backup_table,
	.options_size = sizeof(struct backup_options),
	.min_operands = 1,
	.max_operands = 1,
	.run = run_backup,
	.details =
		"The copy is the map at one moment, is checked, and never replaces a file.",
	.examples = "amt-provisionctl backup /srv/backup/map-monday.db",
};

struct restore_options {
	struct ctl_map at;
	const char *backup_key;
	bool yes;
};

static const struct cli_option restore_table[] = {
	CTL_MAP_OPTIONS(struct restore_options),
	CLI_TEXT(0, "backup-key", struct restore_options, backup_key, "FILE",
		 "the backup's key file (default: the backup's name with .key)", .flags = CLI_FILE),
	CLI_FLAG('y', "yes", struct restore_options, yes, "do not ask", .flags = CLI_WHOLE),
	{ 0 },
};

static void say_counts(struct cli *cli, const char *what, const struct keymap_counts *c)
{
	cli_note(cli, "%s: %llu key%s (%llu free, %llu used)", what, (unsigned long long)c->total,
		 plural(c->total), (unsigned long long)c->free, (unsigned long long)c->used);
}

static int ask(struct cli *cli, const struct restore_options *o, const char *map,
	       struct fault *fault)
{
	char question[4300];
	int rc;

	if (o->yes || !keymap_exists(map))
		return 0;
	snprintf(question, sizeof(question), "The backup replaces the map %s: keys used and"
		 " machines set up since then are forgotten.\nType \"restore\" to go on: ", map);
	rc = cli_confirm(cli, question, "restore", fault);
	if (rc == KIT_ERR_STATE)
		fault_hint(fault, "give --yes");
	return rc;
}

static void say_restored(struct cli *cli, const struct restore *r)
{
	if (r->aside[0]) {
		say_counts(cli, "before", &r->before);
		cli_note(cli, "the map that was there is now %s, with its key file", r->aside);
	}
	say_counts(cli, "restored", &r->after);
	cli_note(cli, "keys that machines took since the backup count as free again: compare with "
		 "the sticks (amt-provisionctl reconcile)");
}

static int run_restore(struct cli *cli, const void *given)
{
	const struct restore_options *o = given;
	const char *backup = cli->argv[0];
	char *map = NULL, *key_file = NULL, *backup_key = NULL;
	const struct operator op = ctl_operator();
	struct fault fault = { 0 };
	struct restore r = { .backup = backup };
	int rc;

	rc = ctl_map_names(&o->at, &map, &key_file, &fault);
	if (!rc && !(backup_key = keymap_key_file(backup, o->backup_key)))
		rc = fault_nomem(&fault);
	r.map = map;
	r.key_file = key_file;
	r.backup_key = backup_key;
	/* First: a backup that is not sound must not cost a copy of the map each time. */
	if (!rc)
		rc = restore_check(&r, &fault);
	if (!rc)
		rc = ask(cli, o, map, &fault);
	if (!rc)
		rc = restore_map(&r, &op, &fault);
	if (r.aside[0] && rc)
		cli_note(cli, "a copy of the map that was there is in %s", r.aside);
	if (!rc)
		say_restored(cli, &r);
	free(map);
	free(key_file);
	free(backup_key);
	return rc ? cli_fail(cli, &fault) : EXIT_YES;
}

const struct cli_verb ctl_restore = {
	.name = "restore",
	.operands = "FILE",
	.summary = "replace the map by a backup, while the server runs",
	.options = restore_table,
	.options_size = sizeof(struct restore_options),
	.min_operands = 1,
	.max_operands = 1,
	.run = run_restore,
	.details =
		"The backup is checked first. The map that is there is kept beside it under "
		"another name.",
	.examples = "amt-provisionctl restore /srv/backup/map-monday.db",
};
