/* amt-provisionctl keys import: lists of every kind into the map, each file whole or not at all. */
#include "server/ctl/amt-provisionctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/progress.h"
#include "common/secret.h"
#include "server/keymap/pairs.h"
#include "setupbin/source.h"

#define SAID		100	/* bad lines told one by one; the rest is counted */
#define HELD		65536	/* entries sorted at a time: see hold() */

const struct cli_option ctl_import_options[] = {
	CTL_MAP_OPTIONS,
	{ "dry-run", 'n', NULL, "say what would happen and change nothing", 0, 0 },
	{ "skip-bad", 0, NULL, "leave bad lines out instead of refusing the file", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

struct held {
	struct keyentry entry;	/* SECRET */
	unsigned long line;
};

/* One file on its way into the map. */
struct import {
	struct cli *cli;
	struct keymap *m;	/* NULL: a dry run without a map */
	const char *name;
	bool dry, skip;
	int64_t batch;
	unsigned long added, same, completed, differs, conflicts, bad, folded, lines, bare, wiped;
	const char *kind;
	json_t *problems;
	struct held *held;
	size_t n_held;
};

/* What the numbers of the file count. */
static const char *unit(const struct import *im)
{
	return keylist_unit(im->kind);
}

static void problem(struct import *im, unsigned long line, const char *field, const char *pid,
		    const char *rule)
{
	if (++im->bad > SAID)
		return;
	if (im->cli->json)
		json_array_append_new(im->problems, json_pack("{s:I, s:s, s:o, s:s}", "line",
				      (json_int_t)line, "field", field, "pid", ctl_json_pid(pid),
				      "rule", rule));
	else
		cli_warn(im->cli, "%s: %s %lu: %s%s%s", im->name, unit(im), line, field,
			 *field ? ": " : "", rule);
	if (im->bad == SAID && !im->cli->json)
		cli_warn(im->cli, "%s: further bad %ss are counted, not told", im->name, unit(im));
}

static void conflict(struct import *im, unsigned long line, const char *pid)
{
	char shown[PID_SHOWN + 1], rule[120];

	pidpps_show_pid(pid, shown);
	snprintf(rule, sizeof(rule),
		 "%s is in the map, or further up in the file, with another PPS", shown);
	im->conflicts++;
	problem(im, line, "pid", pid, rule);
}

static int take(struct import *im, const struct held *h, struct fault *fault)
{
	enum keymap_added added;
	int rc;

	/* Once the file is refused, the rest is read for its bad lines alone. */
	if (im->bad && !im->skip)
		return 0;
	if (!im->m) {
		im->added++;
		im->bare += !h->entry.new_password[0];
		return 0;
	}
	rc = keymap_add(im->m, &h->entry, im->batch, &added, fault);
	if (rc == KIT_ERR_DUPLICATE) {
		conflict(im, h->line, h->entry.pair.pid);
		return 0;
	}
	if (rc)
		return rc;
	switch (added) {
	case KEYMAP_ADDED:
		im->added++;
		im->bare += !h->entry.new_password[0];
		break;
	case KEYMAP_SAME:
		im->same++;
		break;
	case KEYMAP_COMPLETED:
		im->completed++;
		break;
	case KEYMAP_DIFFERS:
		im->differs++;
		break;
	}
	return 0;
}

static int by_pid(const void *a, const void *b)
{
	const struct held *x = a, *y = b;
	int order = memcmp(x->entry.pair.pid, y->entry.pair.pid, PID_LENGTH);

	return order ? order : x->line < y->line ? -1 : 1;
}

/* Hand on what is held. */
static int release(struct import *im, struct fault *fault)
{
	int rc = 0;

	/* Only a long list: a short one keeps its order in the map. */
	if (im->n_held == HELD)
		qsort(im->held, im->n_held, sizeof(*im->held), by_pid);
	for (size_t i = 0; !rc && i < im->n_held; i++)
		rc = take(im, &im->held[i], fault);
	secret_wipe(im->held, im->n_held * sizeof(*im->held));
	im->n_held = 0;
	return rc;
}

/*
 * Hold an entry back until there are many, so that they go into the index in its own
 * order: a third of the time of a long import is its jumping about there otherwise.
 */
static int hold(struct import *im, const struct keyentry *entry, unsigned long line,
		struct fault *fault)
{
	im->held[im->n_held++] = (struct held){ *entry, line };
	return im->n_held == HELD ? release(im, fault) : 0;
}

static int read_list(struct import *im, FILE *file, struct keysource *source,
		     struct fault *fault)
{
	struct keyproblem bad;
	struct keyentry entry;
	struct progress bar;
	struct stat st;
	bool sized = fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode);
	int rc;

	progress_begin(&bar, "importing", sized ? (uint64_t)st.st_size : 0, sized, im->cli->quiet);
	while ((rc = keysource_next(source, &entry, &bad, fault)) != 0) {
		if (rc == KIT_ERR_FORMAT && !fault->code) {
			problem(im, bad.line, bad.field, "", bad.rule);
			continue;
		}
		if (rc < 0)
			break;
		rc = hold(im, &entry, source->counts.lines, fault);
		if (rc)
			break;
		if (source->counts.lines % 4096 == 0)
			progress_update(&bar,
					sized ? (uint64_t)ftello(file) : source->counts.lines);
	}
	secret_wipe(&entry, sizeof(entry));
	if (!rc)
		rc = release(im, fault);
	im->lines = source->counts.lines;
	im->folded = source->counts.folded;
	im->wiped = source->counts.wiped;
	progress_end(&bar);
	return rc;
}

/* What happened to the file, in the map's log: part of the same transaction. */
static int note(struct import *im, struct fault *fault)
{
	return ctl_log(im->m, SEVERITY_INFO, "keys-imported", NULL, NULL, fault,
		       "%lu key%s imported from %s (%s), %lu there already, %lu left out",
		       im->added, plural(im->added), im->name, im->kind,
		       im->same + im->completed + im->differs, im->bad);
}

static int import_source(struct import *im, FILE *file, struct keysource *source,
			 struct fault *fault)
{
	struct held *held = malloc(HELD * sizeof(*held));
	int rc = 0;

	im->kind = source->kind;
	im->held = held;
	if (!held)
		return fault_sys(fault, ENOMEM, "cannot import %s", im->name);
	if (im->m)
		rc = keymap_begin(im->m, fault);
	if (!rc && im->m)
		rc = keymap_batch(im->m, "import", im->name, ctl_now(), &im->batch, fault);
	if (!rc)
		rc = read_list(im, file, source, fault);
	if (!rc && im->m && !im->dry && (!im->bad || im->skip)) {
		rc = note(im, fault);
		if (!rc)
			rc = keymap_commit(im->m, fault);
	}
	if (im->m)
		keymap_rollback(im->m);
	secret_wipe(held, im->n_held * sizeof(*held));
	free(held);
	return rc;
}

static json_t *summary_json(const struct import *im, bool imported)
{
	return json_pack(
		"{s:s, s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O}",
		"file", im->name, "kind", im->kind ? im->kind : "unknown", "imported", imported,
		"dry_run", im->dry, "lines", (json_int_t)im->lines, "added", (json_int_t)im->added,
		"same", (json_int_t)im->same, "completed", (json_int_t)im->completed, "differs",
		(json_int_t)im->differs, "bare", (json_int_t)im->bare, "bad", (json_int_t)im->bad,
		"conflicts", (json_int_t)im->conflicts, "folded", (json_int_t)im->folded, "wiped",
		(json_int_t)im->wiped, "problems", im->problems);
}

static void say(const struct import *im, bool imported)
{
	struct cli *cli = im->cli;

	if (im->differs)
		cli_warn(cli, "%s: %lu pair%s in the map with another password, which is kept",
			 im->name, im->differs, im->differs == 1 ? " is" : "s are");
	if (im->folded)
		cli_note(cli, "%s: lower case letters in %lu %s%s were read as upper case",
			 im->name, im->folded, unit(im), plural(im->folded));
	if (!imported && im->bad) {
		cli_warn(cli, "%s: %lu bad %s%s, so %s%s", im->name, im->bad, unit(im),
			 plural(im->bad),
			 im->dry ? "it would be refused" : "nothing of it was imported",
			 im->skip ? "" : "; mend the list, or add --skip-bad to leave them out");
		return;
	}
	if (cli->quiet)
		return;
	printf("%s: %s, %lu key%s %s", im->name, im->kind, im->added, plural(im->added),
	       im->dry ? "would be imported" : "imported");
	if (im->same)
		printf(", %lu there already", im->same);
	if (im->completed)
		printf(", %lu completed with a password", im->completed);
	if (im->wiped)
		printf(", %lu used record%s without a pair", im->wiped, plural(im->wiped));
	if (im->bad)
		printf(", %lu bad %s%s left out", im->bad, unit(im), plural(im->bad));
	putchar('\n');
	if (im->bare)
		cli_warn(cli, "%s: %lu key%s came without the machine's new MEBx password, without"
			 " which the server cannot log in: import the list again with the column"
			 " admin_password", im->name, im->bare, plural(im->bare));
}

/* One file; returns an exit status. */
static int import_file(struct import *im, const char *path, json_t *all)
{
	struct fault fault = { 0 };
	struct keysource *source = NULL;
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	bool good;
	int rc, status;

	im->name = file == stdin ? "standard input" : path;
	im->problems = json_array();
	rc = file ? sbin_source_open(&source, file, im->name, &fault)
		  : fault_sys(&fault, errno, "cannot open %s", path);
	if (!rc)
		rc = import_source(im, file, source, &fault);
	good = !rc && (!im->bad || im->skip);
	/* Of a file that is refused nothing was taken, wherever its first bad line stands. */
	if (!good)
		im->added = im->same = im->completed = im->differs = im->bare = 0;
	/* A dry run answers yes or no; an import is done or not. */
	status = good ? EXIT_YES : !rc && im->dry ? EXIT_NO : EXIT_CANNOT;
	if (rc) {
		fault_hint(&fault, "nothing of %s was imported", im->name);
		cli_fail(im->cli, &fault);
	} else if (!im->cli->json) {
		say(im, good);
	}
	if (im->cli->json && !rc)
		json_array_append_new(all, summary_json(im, good && !im->dry));
	json_decref(im->problems);
	keysource_free(&source);
	if (file && file != stdin)
		fclose(file);
	return status;
}

int ctl_keys_import(struct cli *cli)
{
	const bool dry = cli_has(cli, "dry-run");
	struct fault fault = { 0 };
	struct keymap *m = NULL;
	json_t *all;
	int rc, status = EXIT_YES;

	rc = ctl_open(cli, dry ? 0 : KEYMAP_CREATE, &m, &fault);
	if (dry && rc == KIT_ERR_NOT_FOUND)
		cli_note(cli, "%s: the lines are checked, but against no map", fault.what);
	else if (rc)
		return cli_fail(cli, &fault);
	all = json_array();
	for (int i = 0; i < cli->argc; i++) {
		struct import im = { .cli = cli, .m = m, .dry = dry,
				     .skip = cli_has(cli, "skip-bad") };
		int one = import_file(&im, cli->argv[i], all);

		if (one > status)
			status = one;
	}
	keymap_close(&m);
	if (cli->json && cli_print_json(cli, json_pack("{s:O}", "files", all)) != EXIT_YES)
		status = EXIT_CANNOT;
	json_decref(all);
	return status;
}
