/* amt-provisionctl backup, restore, keys rotate-master: the map as a whole. */
#include "server/ctl/amt-provisionctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/progress.h"
#include "server/keymap/backup.h"
#include "server/keymap/pairs.h"
#include "server/keymap/rotate.h"

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
	struct keymap *m = NULL;
	int rc;

	rc = ctl_open(cli, 0, &m, &fault);
	if (!rc)
		rc = keymap_backup(m, path, with_key, &fault);
	if (!rc)
		rc = ctl_log(m, SEVERITY_INFO, "map-backed-up", NULL, NULL, &fault,
			     "backed up to %s%s", path, with_key ? ", with the key file" : "");
	keymap_close(&m);
	if (rc)
		return cli_fail(cli, &fault);
	if (with_key)
		cli_note(cli, "backed up and checked: %s, and its key file %s.key. Who has both has"
			 " every key: keep them as you keep passwords", path, path);
	else
		cli_note(cli,
			 "backed up and checked: %s. Without the map's key file it is of no use:"
			 " keep that, too",
			 path);
	return EXIT_YES;
}

const struct cli_option ctl_restore_options[] = {
	CTL_MAP_OPTIONS,
	{ "backup-key", 0, "FILE", "the backup's key file (default: the backup's name with .key)",
	  CLI_FILE, 0 },
	{ "yes", 'y', NULL, "do not ask", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

static void say_counts(struct cli *cli, const char *what, struct keymap *m)
{
	struct keymap_counts c;

	if (keymap_count(m, ctl_now(), &c, NULL) == 0)
		cli_note(cli, "%s: %llu key%s (%llu free, %llu used)", what,
			 (unsigned long long)c.total, plural(c.total), (unsigned long long)c.free,
			 (unsigned long long)c.used);
}

/*
 * What is there now is put aside first, whole and with its key. KIT_ERR_NOT_FOUND: there is
 * no map, so nothing can be lost.
 */
static int put_aside(struct cli *cli, const char *map, const char *key_file, struct fault *fault)
{
	const struct keymap_options options = { .key_file = key_file };
	char aside[4096], stamp[40], again[12] = "";
	struct keymap *m = NULL;
	time_t now = time(NULL);
	struct tm tm;
	int rc;

	if (access(map, F_OK) != 0)
		return KIT_ERR_NOT_FOUND;
	rc = keymap_open(&m, map, &options, fault);
	if (!rc) {
		say_counts(cli, "there now", m);
		strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
		/* Restored more than once in a second: none takes the place of another. */
		for (int i = 2; i < 100; i++) {
			snprintf(aside, sizeof(aside), "%s.before-restore-%s%s", map, stamp, again);
			rc = keymap_backup(m, aside, true, fault);
			if (rc != KIT_ERR_EXISTS)
				break;
			fault_clear(fault);
			snprintf(again, sizeof(again), "-%d", i);
		}
	}
	keymap_close(&m);
	if (!rc) {
		cli_note(cli, "put aside: %s, and its key file", aside);
		return 0;
	}
	fault_context(fault, "the map that is there cannot be put aside");
	/* Only what is broken is to be moved: a full disk or a lock says itself what to do. */
	if (rc == KIT_ERR_SYSTEM || rc == KIT_ERR_BUSY || rc == KIT_ERR_PERMISSION)
		return rc;
	memset(fault->hint, 0, sizeof(fault->hint));
	fault_hint(fault, "move %s, its -wal and -shm and its key file away, then restore again",
		   map);
	return rc;
}

static int ask(struct cli *cli, const char *map, struct fault *fault)
{
	char question[4300];
	int rc;

	if (cli_has(cli, "yes") || access(map, F_OK) != 0)
		return 0;
	snprintf(question, sizeof(question), "The map %s is replaced by the backup: keys used and"
		 " machines set up since then are forgotten.\nType \"restore\" to go on: ", map);
	rc = cli_confirm(cli, question, "restore", fault);
	if (rc == KIT_ERR_STATE)
		fault_hint(fault, "give --yes");
	return rc;
}

static int note_restored(struct cli *cli, const char *map, const char *key_file,
			 const char *backup, struct fault *fault)
{
	const struct keymap_options options = { .key_file = key_file };
	struct keymap *m = NULL;
	int rc = keymap_open(&m, map, &options, fault);

	if (!rc)
		rc = ctl_log(m, SEVERITY_WARNING, "map-restored", NULL, NULL, fault,
			     "map restored from %s", backup);
	if (!rc) {
		say_counts(cli, "restored", m);
		cli_note(cli,
			 "keys that machines took since the backup count as free again: compare"
			 " with the sticks (amt-provisionctl reconcile)");
	}
	keymap_close(&m);
	return rc;
}

int ctl_restore(struct cli *cli)
{
	const char *backup = cli->argv[0];
	char *map = NULL, *key_file = NULL, *backup_key = NULL;
	struct fault fault = { 0 };
	int rc;

	rc = ctl_map_names(cli, &map, &key_file, &fault);
	if (!rc && asprintf(&backup_key, "%s.key", backup) < 0) {
		backup_key = NULL;
		rc = fault_nomem(&fault);
	}
	if (!rc && cli_has(cli, "backup-key")) {
		free(backup_key);
		backup_key = strdup(cli_value(cli, "backup-key"));
		if (!backup_key)
			rc = fault_nomem(&fault);
	}
	/* First: a backup that is no good must not cost a copy of the map each time. */
	if (!rc)
		rc = keymap_backup_check(backup, backup_key, &fault);
	if (!rc)
		rc = ask(cli, map, &fault);
	if (!rc) {
		rc = put_aside(cli, map, key_file, &fault);
		if (rc == KIT_ERR_NOT_FOUND && !fault.code)
			rc = 0;
	}
	if (!rc)
		rc = keymap_restore(map, key_file, backup, backup_key, &fault);
	if (!rc)
		rc = note_restored(cli, map, key_file, backup, &fault);
	free(map);
	free(key_file);
	free(backup_key);
	return rc ? cli_fail(cli, &fault) : EXIT_YES;
}

static void show_progress(void *context, uint64_t done, uint64_t total)
{
	(void)total;
	progress_update(context, done);
}

int ctl_keys_rotate(struct cli *cli)
{
	struct keymap_counts counts;
	struct fault fault = { 0 };
	struct keymap *m = NULL;
	struct progress bar;
	bool resumed = false;
	int rc;

	rc = ctl_open(cli, 0, &m, &fault);
	if (!rc)
		rc = keymap_count(m, ctl_now(), &counts, &fault);
	if (rc) {
		keymap_close(&m);
		return cli_fail(cli, &fault);
	}
	progress_begin(&bar, "sealing again", counts.total, false, cli->quiet);
	rc = keymap_rotate(m, show_progress, &bar, &resumed, &fault);
	progress_end(&bar);
	if (!rc)
		rc = ctl_log(m, SEVERITY_WARNING, "master-key-rotated", NULL, NULL, &fault,
			     "master key rotated%s", resumed ? " (an earlier rotation, cut off,"
			     " was finished)" : "");
	keymap_close(&m);
	if (rc) {
		fault_hint(&fault,
			   "run it again: it goes on where it was cut off, and the map works"
			   " meanwhile");
		return cli_fail(cli, &fault);
	}
	cli_note(cli, "%s; backups made before still open with the key file saved with them",
		 resumed ? "the rotation that was cut off is finished: run it once more for another"
		 " new key" : "every secret is sealed with a new master key");
	return EXIT_YES;
}
