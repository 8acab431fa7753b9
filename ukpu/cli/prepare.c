/* ukpu prepare: a setup.bin onto one stick, or split over several. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/text.h"
#include "ukpu/cli/terminal.h"
#include "ukpu/stick/keysafe.h"

struct prepare_options {
	struct ukpu_options stick;
	unsigned layout;
	bool deal;
};

static const struct cli_option options[] = {
	CLI_SIZE(0, "size", struct prepare_options, stick.work.image_bytes, "SIZE",
		 LAYOUT_MIN_BYTES, (uint64_t)1 << 50,
		 "make an image of that size if it does not exist (256M)"),
	CLI_CHOICE(0, "layout", struct prepare_options, layout, "NAME", layout_names,
		   "fat16 (default), fat32 or superfloppy"),
	CLI_FLAG(0, "deal", struct prepare_options, deal,
		 "split the unused records over several sticks"),
	CLI_FLAG(0, "force-contents", struct prepare_options, stick.work.force_contents,
		 "write it although the setup.bin has errors", .flags = CLI_WHOLE),
	CLI_FLAG(0, "overwrite-unused", struct prepare_options, stick.work.overwrite_unused,
		 "the stick still has unused records: keep a copy, then overwrite it",
		 .flags = CLI_WHOLE),
	CLI_FLAG(0, "second-stick", struct prepare_options, stick.work.second_stick,
		 "keys in it are on another stick already: put them on this one, too",
		 .flags = CLI_WHOLE),
	UKPU_WRITE_OPTIONS(struct prepare_options),
	{ 0 },
};

/* What one run works with. */
struct prepare_run {
	struct cli *cli;
	const struct prepare_options *options;
	struct terminal terminal;
	struct work *works;
	size_t n;
	const char *file;
};

#define FINDINGS_SHOWN	20

struct file_check {
	struct cli *cli;
	const char *path;
	unsigned long n;
};

/* What is wrong with the file; of very many things only the first. */
static void print_finding(void *context, const struct sbin_finding *f)
{
	struct file_check *all = context;
	char where[80] = "";

	if (f->severity == SBIN_NOTE || all->n++ >= FINDINGS_SHOWN)
		return;
	if (f->record)
		snprintf(where, sizeof(where), "record %u, ", f->record);
	text_print(stderr, "%s: %s: %s, %sbyte %llu: %s%s%s", all->cli->program->name,
		   f->severity == SBIN_ERROR ? "error" : "warning", all->path, where,
		   (unsigned long long)f->offset, f->text, f->hint && f->hint[0] ? "; " : "",
		   f->hint ? f->hint : "");
	fputc('\n', stderr);
}

/* Read it and have it checked; errors stop here. */
static int read_input(const struct prepare_run *run, struct content *content, struct fault *fault)
{
	const char *path = run->file;
	struct file_check all = { run->cli, path, 0 };
	struct sbin_summary checked;
	int rc = content_read(content, path, WORK_LARGEST_FILE, fault);

	if (rc)
		return rc;
	rc = content_check(content, path, print_finding, &all, &checked, fault);
	if (all.n > FINDINGS_SHOWN) {
		text_print(stderr, "%s: and %lu more; amt-setupbin check %s shows them",
			   run->cli->program->name, all.n - FINDINGS_SHOWN, path);
		fputc('\n', stderr);
	}
	if (rc == KIT_ERR_FORMAT)
		return fault_hint(fault, "make one: amt-setupbin create, or amt-keygen generate "
				  "--setupbin");
	if (rc || run->options->stick.work.force_contents)
		return rc;
	if (!checked.errors && !checked.next) {
		return fault_set(fault, KIT_ERR_STATE, "%s has no record left for a machine\n"
				 "make a new one, or write it anyway with --force-contents",
				 path);
	}
	if (!checked.errors)
		return 0;
	return fault_set(fault, KIT_ERR_FORMAT, "%s has %lu error%s: firmware would refuse it\n"
			 "fix it (amt-setupbin check %s shows more), or write it anyway with "
			 "--force-contents", path, checked.errors, plural(checked.errors),
			 path);
}

/* Nothing may be target and source, or two targets, at once. */
static int check_distinct(const struct prepare_run *run, size_t i, struct fault *fault)
{
	const struct cli *cli = run->cli;
	struct stat here, there;

	if (stat(cli->argv[i], &here))
		return 0;
	for (size_t k = 0; k < i; k++) {
		if (fstat(target_fd(run->works[k].t), &there) || !work_same_file(&here, &there))
			continue;
		return fault_set(fault, KIT_ERR_ARGUMENT, "%s is the same stick as %s\n"
				 "name each stick once", cli->argv[i], cli->argv[k]);
	}
	if (S_ISREG(here.st_mode) && !run->options->stick.work.image)
		return 0;
	if (strcmp(run->file, "-") && !stat(run->file, &there) &&
	    work_same_file(&here, &there)) {
		return fault_set(fault, KIT_ERR_ARGUMENT, "%s would be overwritten with itself\n"
				 "name the stick first and the setup.bin last", cli->argv[i]);
	}
	return 0;
}

/* A dry run makes no images, whose files could be compared: their paths are. */
static int check_planned(const struct work *opened, size_t i, struct fault *fault)
{
	for (size_t k = 0; k < i; k++) {
		if (!target_is_image(opened[i].t) ||
		    strcmp(opened[k].id.name, opened[i].id.name))
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
static int get_ready(struct prepare_run *run, struct content *content, struct fault *fault)
{
	const struct prepare_options *o = run->options;
	struct content *shares = calloc(run->n, sizeof(*shares));
	int rc = shares ? 0 : fault_nomem(fault);

	if (!rc)
		rc = read_input(run, content, fault);
	if (!rc && o->deal)
		rc = split_content(content, run->file, shares, run->n, fault);
	else if (!rc) {
		shares[0] = *content;
		memset(content, 0, sizeof(*content));
	}
	for (size_t i = 0; i < run->n && !rc; i++) {
		struct work *w = &run->works[i];

		rc = check_distinct(run, i, fault);
		if (!rc)
			rc = work_open(w, &run->terminal.options, &run->terminal.face,
				       run->cli->argv[i], WORK_WRITE | WORK_CREATE, fault);
		if (!rc)
			rc = check_planned(run->works, i, fault);
		w->content = shares[i];
		memset(&shares[i], 0, sizeof(shares[i]));
		if (!rc)
			rc = work_ready(w, (enum layout_kind)o->layout, fault);
	}
	for (size_t i = 0; i < run->n && shares; i++)
		content_wipe(&shares[i]);
	free(shares);
	return rc;
}

/* The PIDs that a stick got, or WHAT they are. */
static void print_pids(struct work *w, const char *what)
{
	char (*pids)[PID_LENGTH + 1] = NULL, shown[PID_SHOWN + 1];
	size_t n = 0;

	if (!keysafe_pids(w, &pids, &n, NULL)) {
		printf("  %s:", what);
		for (size_t i = 0; i < n; i++) {
			pidpps_show_pid(pids[i], shown);
			printf(" %s", shown);
		}
		putchar('\n');
	}
	free(pids);
}

static int write_sticks(struct prepare_run *run, struct fault *fault)
{
	bool quiet = run->cli->quiet, deal = run->options->deal;
	int status = EXIT_YES;
	int rc = terminal_confirm(&run->terminal, run->works, run->n, "Write to", fault);

	for (size_t i = 0; i < run->n && !rc; i++)
		rc = work_secure(&run->works[i], NULL, fault);
	if (rc)
		return EXIT_CANNOT;
	terminal_write(&run->terminal, run->works, run->n, NULL);
	for (size_t i = 0; i < run->n; i++) {
		struct work *w = &run->works[i];
		int one = work_failed_status(w);

		status = one > status ? one : status;
		if (one == EXIT_YES && !quiet)
			terminal_print_summary(w);
		else if (one != EXIT_YES && deal)
			terminal_print_line("%s: failed.", w->path);
		if (deal && (one != EXIT_YES || !quiet))
			print_pids(w, one == EXIT_YES ? "PIDs on it" :
				   "PIDs that were meant for it");
	}
	return status;
}

static int run(struct cli *cli, const void *given)
{
	struct prepare_run run = {
		.cli = cli, .options = given, .n = (size_t)cli->argc - 1,
		.file = cli->argv[cli->argc - 1],
	};
	const struct work_options *o = &run.options->stick.work;
	struct content content = { 0 };
	struct fault fault = { 0 };
	int status = EXIT_CANNOT;

	if (o->image_bytes && !o->image)
		return cli_misuse(cli, "--size is for images (--image): the size of a stick is "
				  "fixed");
	if (run.n > 1 && !run.options->deal)
		return cli_misuse(cli, "the same setup.bin on several sticks gives several "
				       "machines one key; with --deal each stick gets its own part "
				       "(a file that is not consumed goes onto one stick after the "
				       "other)");
	terminal_begin(&run.terminal, cli, &run.options->stick);
	run.works = calloc(run.n, sizeof(*run.works));
	if (!run.works)
		fault_nomem(&fault);
	else if (get_ready(&run, &content, &fault))
		status = EXIT_CANNOT;
	else if (!o->dry_run)
		status = write_sticks(&run, &fault);
	else {
		for (size_t i = 0; i < run.n; i++)
			terminal_print_plan(&run.works[i]);
		status = EXIT_YES;
	}
	if (fault.code)
		cli_fail(cli, &fault);
	for (size_t i = 0; i < run.n && run.works; i++)
		work_close(&run.works[i]);
	free(run.works);
	content_wipe(&content);
	return status;
}

const struct cli_verb ukpu_prepare = {
	.name = "prepare",
	.operands = "TARGET... SETUPBIN",
	.summary = "put a setup.bin on a stick so that firmware finds it",
	.options = options,
	.options_size = sizeof(struct prepare_options),
	.min_operands = 2,
	.max_operands = -1,
	.run = run,
	.details =
		"The file may have any name; on the stick it is SETUP.BIN, the first and only "
		"entry of the root directory, in one piece at the beginning. It is checked first. "
		"Everything on the stick is lost: the stick and what is on it are shown, "
		"and the command waits for the word \"yes\". --yes together with --serial is "
		"the same answer.\n"
		"Afterwards boot sectors, FATs, directory and file are read back from the medium, "
		"past the cache, and all the rules of verify are run.",
	.examples = "ukpu prepare /dev/sdb setup.bin\n"
		    "ukpu prepare --image stick.img --size 256M setup.bin --yes\n"
		    "ukpu prepare /dev/sdb /dev/sdc /dev/sdd setup.bin --deal",
};
