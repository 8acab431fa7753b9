/* amt-provisionctl backup, restore: the map as a whole. */
#include "server/ctl/amt-provisionctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/admin/restore.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"

const struct cli_option ctl_backup_options[] = {
	CTL_MAP_OPTIONS,
	{ "no-key", 0, NULL, "leave the key file out: keep it somewhere else", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

int ctl_backup(struct cli *cli)
{
	const bool with_key = !cli_has(cli, "no-key");
	const char *path = cli->argv[0];
	struct fault fault = { 0 };
	struct operator op;
	int rc;

	rc = ctl_begin(cli, 0, &op, &fault);
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

const struct cli_option ctl_restore_options[] = {
	CTL_MAP_OPTIONS,
	{ "backup-key", 0, "FILE", "the backup's key file (default: the backup's name with .key)",
	  CLI_FILE, 0 },
	{ "yes", 'y', NULL, "do not ask", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

static void say_counts(struct cli *cli, const char *what, const struct keymap_counts *c)
{
	cli_note(cli, "%s: %llu key%s (%llu free, %llu used)", what, (unsigned long long)c->total,
		 plural(c->total), (unsigned long long)c->free, (unsigned long long)c->used);
}

static int ask(struct cli *cli, const char *map, struct fault *fault)
{
	char question[4300];
	int rc;

	if (cli_has(cli, "yes") || access(map, F_OK) != 0)
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

int ctl_restore(struct cli *cli)
{
	const char *backup = cli->argv[0], *key = cli_value(cli, "backup-key");
	char *map = NULL, *key_file = NULL, *default_key = NULL;
	const struct operator op = ctl_operator();
	struct fault fault = { 0 };
	struct restore r = { .backup = backup };
	int rc;

	rc = ctl_map_names(cli, &map, &key_file, &fault);
	if (!rc && !key && asprintf(&default_key, "%s.key", backup) < 0) {
		default_key = NULL;
		rc = fault_nomem(&fault);
	}
	r.map = map;
	r.key_file = key_file;
	r.backup_key = key ? key : default_key;
	/* First: a backup that is not sound must not cost a copy of the map each time. */
	if (!rc)
		rc = restore_check(&r, &fault);
	if (!rc)
		rc = ask(cli, map, &fault);
	if (!rc)
		rc = restore_map(&r, &op, &fault);
	if (r.aside[0] && rc)
		cli_note(cli, "a copy of the map that was there is in %s", r.aside);
	if (!rc)
		say_restored(cli, &r);
	free(map);
	free(key_file);
	free(default_key);
	return rc ? cli_fail(cli, &fault) : EXIT_YES;
}
