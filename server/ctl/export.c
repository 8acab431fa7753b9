/* amt-provisionctl keys export: free keys out to a setup.bin or a list, no key twice. */
#include "server/ctl/amt-provisionctl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/progress.h"
#include "common/secret.h"
#include "server/keymap/pairs.h"
#include "setupbin/check.h"
#include "setupbin/file.h"

#define WHERE		256	/* bytes of the names of the files in map and log */
#define SLOW_POST	15	/* seconds of start that people notice */

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

struct chosen {
	int64_t id;
	char pid[PID_LENGTH];
};

struct job {
	struct cli *cli;
	struct keymap *m;
	bool again;
	uint64_t number, of_batch;
	enum keylist_format format;
	struct sbin_version version;
	bool scramble;
	const char *list_path, *setupbin_path;

	struct chosen *keys;
	size_t n, room;
	struct outfile *list, *setupbin;
	struct keywriter list_writer;
	struct sbin_writer *setupbin_writer;
	uint8_t record[SBIN_CHUNK];	/* SECRET */
};

static int misuse(struct fault *fault, const char *what)
{
	return fault_set(fault, KIT_ERR_ARGUMENT, "%s", what);
}

static int read_options(struct job *j, struct fault *fault)
{
	struct cli *cli = j->cli;
	const char *format = cli_value(cli, "format"), *version = cli_value(cli, "file-version");
	bool chosen = cli_has(cli, "all") || cli_has(cli, "number") || cli_has(cli, "batch");
	int rc;

	j->list_path = cli_value(cli, "output");
	j->setupbin_path = cli_value(cli, "setupbin");
	j->again = cli_has(cli, "again");
	j->scramble = cli_has(cli, "scramble");
	if (!j->list_path && !j->setupbin_path)
		return misuse(fault, "say where to: --setupbin FILE or -o FILE");
	if (chosen == (cli->argc > 0))
		return misuse(fault,
			      "say which keys: their PIDs, or one of --all, -n N, --batch B");
	if (format && keylist_format_parse(format, &j->format))
		return fault_set(fault, KIT_ERR_ARGUMENT,
				 "--format: \"%s\" is none of csv, text, json", format);
	if (sbin_version_parse(version ? version : "2.1", &j->version))
		return fault_set(fault, KIT_ERR_ARGUMENT, "--file-version: \"%s\" is none of 1.0,"
				 " 2.0, 2.1, 3.0, 4.0", version);
	if ((version || j->scramble) && !j->setupbin_path)
		return misuse(fault, "--file-version and --scramble go with --setupbin");
	if (j->scramble && j->version.major != 4)
		return misuse(fault, "--scramble goes with --file-version 4.0");
	if (j->setupbin_path && strcmp(j->setupbin_path, "-") == 0)
		return misuse(fault, "--setupbin needs a file, not standard output: its header is "
				     "completed at the end");
	rc = cli_number(cli, "number", 1, UINT32_MAX, &j->number, fault);
	if (!rc)
		rc = cli_number(cli, "batch", 1, INT64_MAX, &j->of_batch, fault);
	return rc;
}

static int choose(struct job *j, const struct keymap_pair *p)
{
	if (j->n == j->room) {
		size_t room = j->room ? j->room * 2 : 1024;
		struct chosen *more = realloc(j->keys, room * sizeof(*more));

		if (!more)
			return KIT_ERR_NOMEM;
		j->keys = more;
		j->room = room;
	}
	j->keys[j->n].id = p->id;
	memcpy(j->keys[j->n++].pid, p->pid, PID_LENGTH);
	return 0;
}

static int choose_each(void *context, const struct keymap_pair *p)
{
	return choose(context, p);
}

static int choose_some(struct job *j, struct fault *fault)
{
	/* A machine that said hello with it has it, wherever from, even if nothing came of that. */
	const struct keymap_filter filter = { .now = ctl_now(), .by_state = true,
					      .state = KEYMAP_FREE, .exported = j->again ? 0 : -1,
					      .unclaimed = !j->again,
					      .batch = (int64_t)j->of_batch, .limit = j->number };
	char only[32];
	int rc = keymap_each(j->m, &filter, choose_each, j, fault);

	if (rc)
		return fault_set(fault, rc, "cannot choose the keys");
	if (j->n && j->n >= j->number)
		return 0;
	snprintf(only, sizeof(only), "only %zu", j->n);
	fault_set(
		fault, KIT_ERR_NOT_FOUND,
		"there %s %s free key%s%s%s, so nothing was exported\n"
		"%s",
		j->n == 1 ? "is" : "are", j->n ? only : "no", plural(j->n),
		j->of_batch ? " in that batch" : "", j->again ? "" : " that never went out",
		j->again
			? "import or generate more"
			: "import or generate more, or give --again for keys that went out before");
	return KIT_ERR_NOT_FOUND;
}

/* A key named by the person: what speaks against it is said. */
static int choose_named(struct job *j, const char *text, struct fault *fault)
{
	char pid[PID_LENGTH + 1], shown[PID_SHOWN + 1], went[EVENT_TIME + 1];
	struct keymap_pair pair;
	int rc;

	rc = pidpps_parse_pid(text, strlen(text), pid, NULL);
	if (rc)
		return fault_set(fault, KIT_ERR_ARGUMENT, "\"%s\" is no PID: %s", ctl_no_pid(text),
				 pidpps_rule(rc, false));
	pidpps_show_pid(pid, shown);
	rc = keymap_find(j->m, pid, ctl_now(), &pair, fault);
	if (rc == KIT_ERR_NOT_FOUND)
		return fault_set(fault, rc, "%s is not in the map, so nothing was exported", shown);
	if (rc)
		return rc;
	if (pair.state != KEYMAP_FREE)
		return fault_set(fault, KIT_ERR_STATE, "%s is %s, so nothing was exported", shown,
				 keymap_state_word(pair.state));
	if (pair.exported && !j->again) {
		logentry_time(pair.exported_at, went);
		fault_set(fault, KIT_ERR_STATE, "%s went out on %s (%s), so nothing was exported\n"
			  "give --again if that file or stick is gone", shown, went,
			  pair.exported_to);
		return KIT_ERR_STATE;
	}
	if (pair.lapsed && !j->again) {
		logentry_time(pair.reserved_at, went);
		fault_set(fault, KIT_ERR_STATE, "a machine said hello with %s on %s, so it has "
			  "gone out, and nothing was exported\n"
			  "see whose it is (amt-provisionctl keys show %s); give --again if that "
			  "hello was forged", shown, went, shown);
		return KIT_ERR_STATE;
	}
	for (size_t i = 0; i < j->n; i++)
		if (j->keys[i].id == pair.id)
			return fault_set(fault, KIT_ERR_ARGUMENT, "%s is named twice", shown);
	rc = choose(j, &pair);
	return rc ? fault_nomem(fault) : 0;
}

static int open_files(struct job *j, struct fault *fault)
{
	unsigned flags = cli_has(j->cli, "force") ? OUTFILE_FORCE : 0;
	struct sbin_header header;
	int rc = 0;

	if (j->list_path) {
		/* Held back: what the map does not hold as exported is not out. */
		rc = outfile_open(&j->list, j->list_path, flags | OUTFILE_HOLD, fault);
		if (!rc)
			rc = keywriter_begin(&j->list_writer, j->list, j->format, fault);
	}
	if (!rc && j->setupbin_path) {
		rc = outfile_open(&j->setupbin, j->setupbin_path, flags, fault);
		if (!rc)
			rc = outfile_distinct(j->setupbin, j->list, fault);
		if (!rc)
			rc = sbin_header_make(&header, j->version, 0, (uint32_t)j->n, fault);
		if (!rc)
			rc = sbin_writer_open(&j->setupbin_writer, j->setupbin, &header, fault);
	}
	if (!rc)
		rc = keymap_spared(j->m, j->list, fault);
	return rc ? rc : keymap_spared(j->m, j->setupbin, fault);
}

static int put(struct job *j, const struct keyentry *entry, uint32_t number, struct fault *fault)
{
	struct sbin_record record;
	int rc = 0;

	if (j->list)
		rc = keywriter_put(&j->list_writer, entry, fault);
	if (!rc && j->setupbin_writer) {
		sbin_record_init(&record, j->record, sizeof(j->record), number);
		rc = sbin_record_from_entry(&record, entry, j->scramble, fault);
		if (!rc)
			rc = sbin_writer_put(j->setupbin_writer, &record, fault);
	}
	if (rc)
		fault_context(fault, "PID %.4s-%.4s", entry->pair.pid, entry->pair.pid + 4);
	return rc;
}

static int write_keys(struct job *j, struct fault *fault)
{
	const bool both = j->setupbin_path && j->list_path;
	char where[WHERE];
	struct progress bar;
	struct keyentry entry;
	int64_t batch;
	int rc;

	snprintf(where, sizeof(where), "%s%s%s", j->setupbin_path ? j->setupbin_path : "",
		 both ? " and " : "", j->list_path ? j->list_path : "");
	rc = keymap_batch(j->m, "export", where, ctl_now(), &batch, fault);
	progress_begin(&bar, "exporting", j->n, false, j->cli->quiet);
	for (size_t i = 0; !rc && i < j->n; i++) {
		rc = keymap_secrets(j->m, j->keys[i].pid, &entry, fault);
		if (!rc)
			rc = put(j, &entry, (uint32_t)i + 1, fault);
		if (!rc)
			rc = keymap_mark_exported(j->m, j->keys[i].id, batch, fault);
		if (i % 1024 == 0)
			progress_update(&bar, i);
	}
	progress_end(&bar);
	secret_wipe(&entry, sizeof(entry));
	if (!rc && j->list)
		rc = keywriter_end(&j->list_writer, fault);
	if (!rc && j->setupbin_writer)
		rc = sbin_writer_end(&j->setupbin_writer, fault);
	if (!rc)
		rc = ctl_log(j->m, SEVERITY_INFO, "keys-exported",
			     j->n == 1 ? j->keys[0].pid : NULL, NULL, fault,
			     "%zu key%s exported to %s (batch %" PRId64 ")", j->n, plural(j->n),
			     where, batch);
	return rc;
}

/* The marks are durable: now the files may appear. */
static int let_out(struct job *j, struct fault *fault)
{
	int rc = keymap_commit(j->m, fault);
	bool written;

	if (rc)
		return rc;
	if (j->setupbin)
		rc = outfile_commit(&j->setupbin, fault);
	written = j->setupbin_path && !rc;
	if (!rc && j->list)
		rc = outfile_commit(&j->list, fault);
	/* A second setup.bin would give the keys to machines twice. */
	if (rc && written)
		fault_hint(fault,
			   "%s is written; mend that and export the list alone, with --again",
			   j->setupbin_path);
	else if (rc)
		fault_hint(fault, "mend that and export again with --again: the keys are marked"
			   " exported, though not all files are written");
	return rc;
}

static void say(const struct job *j)
{
	double post = sbin_post_seconds((uint32_t)j->n);

	if (j->setupbin_path)
		cli_note(j->cli, "%zu key%s exported to %s (version %u.%u)", j->n, plural(j->n),
			 j->setupbin_path, j->version.major, j->version.minor);
	if (j->list_path && strcmp(j->list_path, "-") != 0)
		cli_note(j->cli, "%zu key%s exported to %s", j->n, plural(j->n), j->list_path);
	if (j->setupbin_path && post > SLOW_POST)
		cli_warn(j->cli,
			 "a stick with %zu records delays a machine's start by about %.0f s:"
			 " \"amt-setupbin split\" makes several of it",
			 j->n, post);
}

int ctl_keys_export(struct cli *cli)
{
	struct job j = { .cli = cli };
	struct fault fault = { 0 };
	int rc;

	rc = read_options(&j, &fault);
	if (rc)
		return cli_misuse(cli, "%s", fault.what);
	rc = ctl_open(cli, 0, &j.m, &fault);
	/* Nobody may reserve or export one of them meanwhile. */
	if (!rc)
		rc = keymap_begin(j.m, &fault);
	if (!rc && cli->argc == 0)
		rc = choose_some(&j, &fault);
	for (int i = 0; !rc && i < cli->argc; i++)
		rc = choose_named(&j, cli->argv[i], &fault);
	if (!rc)
		rc = open_files(&j, &fault);
	if (!rc)
		rc = write_keys(&j, &fault);
	if (!rc)
		rc = let_out(&j, &fault);
	if (!rc)
		say(&j);
	sbin_writer_discard(&j.setupbin_writer);
	outfile_discard(&j.list);
	outfile_discard(&j.setupbin);
	keymap_close(&j.m);
	free(j.keys);
	secret_wipe(j.record, sizeof(j.record));
	return rc ? cli_fail(cli, &fault) : EXIT_YES;
}
