/* ukpu prepare: a setup.bin onto one stick, or dealt out over several. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ukpu/cli/ukpu.h"

const struct cli_option ukpu_prepare_options[] = {
	{ "size", 0, "SIZE", "make an image of that size if it is not there (256M)", 0, 0 },
	{ "layout", 0, "NAME", "fat16 (default), fat32 or superfloppy", 0, 0 },
	{ "deal", 0, NULL, "deal the unused records out over several sticks", 0, 0 },
	{ "force-contents", 0, NULL, "write it although the setup.bin checker found errors", 0, 0 },
	{ "overwrite-unused", 0, NULL,
	  "the stick still has unused records: keep a copy, then overwrite it", 0, 0 },
	{ "second-stick", 0, NULL, "keys in it are on another stick already: put them on this, too",
	  0, 0 },
	UKPU_WRITE_OPTIONS,
	{ NULL, 0, NULL, NULL, 0, 0 },
};

#define FINDINGS_SHOWN	20

struct findings {
	struct cli *cli;
	const char *path;
	unsigned long n;
};

/* What is wrong with the file; of very many things only the first. */
static void print_finding(void *context, const struct sbin_finding *f)
{
	struct findings *all = context;
	char where[80] = "";

	if (f->severity == SBIN_NOTE || all->n++ >= FINDINGS_SHOWN)
		return;
	if (f->record)
		snprintf(where, sizeof(where), "record %u, ", f->record);
	fprintf(stderr, "%s: %s: %s, %sbyte %llu: %s%s%s\n", all->cli->program->name,
		f->severity == SBIN_ERROR ? "error" : "warning", all->path, where,
		(unsigned long long)f->offset, f->text, f->hint && f->hint[0] ? "; " : "",
		f->hint ? f->hint : "");
}

/* Read it and have it checked; errors stop here. */
static int read_input(struct cli *cli, const char *path, struct content *content,
		      struct fault *fault)
{
	struct findings all = { cli, path, 0 };
	struct sbin_summary checked;
	int rc = content_read(content, path, UKPU_LARGEST_FILE, fault);

	if (rc)
		return rc;
	rc = content_check(content, path, print_finding, &all, &checked, fault);
	if (all.n > FINDINGS_SHOWN)
		fprintf(stderr, "%s: and %lu more; amt-setupbin check %s shows them\n",
			cli->program->name, all.n - FINDINGS_SHOWN, path);
	if (rc == KIT_ERR_FORMAT)
		return fault_hint(fault, "make one: amt-setupbin create, or amt-keygen generate "
				  "--setupbin");
	if (rc || cli_has(cli, "force-contents"))
		return rc;
	if (!checked.errors && !checked.next) {
		return fault_set(fault, KIT_ERR_STATE, "%s has no record left for a machine\n"
				 "make a new one, or write it all the same with --force-contents",
				 path);
	}
	if (!checked.errors)
		return 0;
	return fault_set(fault, KIT_ERR_FORMAT, "%s has %lu error%s: firmware would not take it\n"
			 "mend it (amt-setupbin check %s tells more), or write it all the same "
			 "with --force-contents", path, checked.errors, plural(checked.errors),
			 path);
}

/* Nothing may be target and source, or two targets, at once. */
static int check_distinct(struct cli *cli, size_t i, const struct ukpu_stick *opened,
			  struct fault *fault)
{
	struct stat here, there;

	if (stat(cli->argv[i], &here))
		return 0;
	for (size_t k = 0; k < i; k++) {
		if (fstat(target_fd(opened[k].t), &there) || !ukpu_same_file(&here, &there))
			continue;
		return fault_set(fault, KIT_ERR_ARGUMENT, "%s is the same stick as %s\n"
				 "name each stick once", cli->argv[i], cli->argv[k]);
	}
	if (S_ISREG(here.st_mode) && !cli_has(cli, "image"))
		return 0;
	if (strcmp(cli->argv[cli->argc - 1], "-") && !stat(cli->argv[cli->argc - 1], &there) &&
	    ukpu_same_file(&here, &there)) {
		return fault_set(fault, KIT_ERR_ARGUMENT, "%s would be overwritten with itself\n"
				 "name the stick first and the setup.bin last", cli->argv[i]);
	}
	return 0;
}

/* A dry run makes no images, whose files could be compared: their paths are. */
static int check_planned(size_t i, const struct ukpu_stick *opened, struct fault *fault)
{
	for (size_t k = 0; k < i; k++) {
		if (!target_is_image(opened[i].t) ||
		    strcmp(opened[k].identity, opened[i].identity))
			continue;
		return fault_set(fault, KIT_ERR_ARGUMENT, "%s is the same stick as %s\n"
				 "name each stick once", opened[i].path, opened[k].path);
	}
	return 0;
}

/* The records of CONTENT, from the file PATH, divided over N sticks. */
static int split_content(const struct content *content, const char *path, struct content *shares,
			 size_t n, struct fault *fault)
{
	int rc = content_split(content, path, shares, n, fault);

	if (rc == KIT_ERR_RANGE)
		fault_hint(fault, "name at most as many sticks as there are unused records");
	if (rc == KIT_ERR_UNFIT)
		fault_hint(fault, "prepare one stick after the other, without --deal");
	return rc;
}

/* All that can go wrong before the first byte is written to any of the sticks. */
static int get_ready(struct cli *cli, struct ukpu_stick *sticks, size_t n, struct content *content,
		     struct fault *fault)
{
	enum layout_kind kind = LAYOUT_FAT16;
	struct content *shares = calloc(n, sizeof(*shares));
	int rc = shares ? 0 : fault_set(fault, KIT_ERR_NOMEM, "no memory for the sticks");

	if (!rc && cli_has(cli, "layout"))
		rc = layout_parse(cli_value(cli, "layout"), &kind, fault);
	if (!rc)
		rc = read_input(cli, cli->argv[n], content, fault);
	if (!rc && cli_has(cli, "deal"))
		rc = split_content(content, cli->argv[n], shares, n, fault);
	else if (!rc) {
		shares[0] = *content;
		memset(content, 0, sizeof(*content));
	}
	for (size_t i = 0; i < n && !rc; i++) {
		struct ukpu_stick *s = &sticks[i];

		rc = check_distinct(cli, i, sticks, fault);
		if (!rc)
			rc = ukpu_stick_open(s, cli, cli->argv[i], UKPU_WRITE | UKPU_CREATE, fault);
		if (!rc)
			rc = check_planned(i, sticks, fault);
		s->content = shares[i];
		memset(&shares[i], 0, sizeof(shares[i]));
		if (!rc && !s->created)
			rc = ukpu_stick_search(s, target_disk(s->t), 0, fault);
		if (!rc)
			rc = ukpu_guard_unused(s, fault);
		if (!rc)
			rc = ukpu_guard_second(s, fault);
		if (!rc)
			rc = ukpu_stick_plan(s, kind, false, fault);
	}
	for (size_t i = 0; i < n && shares; i++)
		content_wipe(&shares[i]);
	free(shares);
	return rc;
}

/* Copies and journal first: nothing is overwritten before it is safe somewhere else. */
static int write_sticks(struct cli *cli, struct ukpu_stick *sticks, size_t n, struct fault *fault)
{
	int status = EXIT_YES, rc = ukpu_confirm(sticks, n, "Write to", fault);

	for (size_t i = 0; i < n && !rc; i++) {
		rc = ukpu_save_unused(&sticks[i], NULL, fault);
		if (!rc)
			rc = ukpu_note_keys(&sticks[i], fault);
	}
	if (rc)
		return EXIT_CANNOT;
	ukpu_write_all(sticks, n);
	for (size_t i = 0; i < n; i++) {
		int one = ukpu_failed_status(&sticks[i]);

		status = one > status ? one : status;
		if (one == EXIT_YES && !cli->quiet)
			ukpu_print_summary(&sticks[i]);
		else if (one != EXIT_YES && cli_has(cli, "deal"))
			printf("%s: failed.\n", sticks[i].path);
		if (cli_has(cli, "deal") && (one != EXIT_YES || !cli->quiet))
			ukpu_print_pids(&sticks[i], one == EXIT_YES ? "PIDs on it" :
					"PIDs that were meant for it");
	}
	return status;
}

int ukpu_prepare(struct cli *cli)
{
	size_t n = (size_t)cli->argc - 1;
	struct ukpu_stick *sticks;
	struct content content = { 0 };
	struct fault fault = { 0 };
	int status = EXIT_CANNOT;

	if (cli_has(cli, "size") && !cli_has(cli, "image"))
		return cli_misuse(cli, "--size is for images (--image): a stick has the size it "
				       "has");
	if (n > 1 && !cli_has(cli, "deal"))
		return cli_misuse(cli, "the same setup.bin on several sticks gives several "
				       "machines one key; with --deal each stick gets its own part "
				       "(a file that is not consumed goes onto one stick after the "
				       "other)");
	sticks = calloc(n, sizeof(*sticks));
	if (!sticks)
		fault_set(&fault, KIT_ERR_NOMEM, "no memory for the sticks");
	else if (get_ready(cli, sticks, n, &content, &fault))
		status = EXIT_CANNOT;
	else if (!cli_has(cli, "dry-run"))
		status = write_sticks(cli, sticks, n, &fault);
	else {
		for (size_t i = 0; i < n; i++)
			ukpu_print_plan(&sticks[i]);
		status = EXIT_YES;
	}
	if (fault.code)
		cli_fail(cli, &fault);
	for (size_t i = 0; i < n && sticks; i++)
		ukpu_stick_close(&sticks[i]);
	free(sticks);
	content_wipe(&content);
	return status;
}
