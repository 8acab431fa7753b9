/* ukpu repair: find the setup.bin of a spoiled stick, keep a copy, rebuild the stick around it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/text.h"
#include "ukpu/cli/terminal.h"
#include "ukpu/stick/keysafe.h"
#include "ukpu/stick/others.h"

#define OWN_LAYOUT	(LAYOUT_SUPERFLOPPY + 1)	/* that of the stick, if it is sound */

struct repair_options {
	struct ukpu_options stick;
	const char *from, *backup;
	uint64_t pick;		/* 0: not given */
	unsigned layout;
};

static const struct repair_options defaults = { .layout = OWN_LAYOUT };

static const struct cli_option options[] = {
	CLI_TEXT(0, "from", struct repair_options, from, "FILE",
		 "rebuild from this backup instead of what is on the stick", .flags = CLI_FILE),
	CLI_NUMBER(0, "pick", struct repair_options, pick, "N", 1, FIND_MAX,
		   "of several setup.bin files take this one"),
	CLI_CHOICE(0, "layout", struct repair_options, layout, "NAME", layout_names,
		   "fat16, fat32 or superfloppy (default: its own if sound, else fat16)"),
	CLI_TEXT(0, "backup", struct repair_options, backup, "FILE",
		 "keep the copy of setup.bin there (default: in the state folder)",
		 .flags = CLI_FILE),
	CLI_FLAG(0, "force", struct repair_options, stick.work.replace_backup,
		 "let --backup replace a file that exists", .flags = CLI_WHOLE),
	CLI_FLAG(0, "force-contents", struct repair_options, stick.work.force_contents,
		 "rebuild it although the setup.bin itself has errors", .flags = CLI_WHOLE),
	CLI_FLAG(0, "discard-other-files", struct repair_options, stick.work.discard_others,
		 "other files on the stick may be lost", .flags = CLI_WHOLE),
	CLI_TEXT(0, "save-other-files", struct repair_options, stick.work.save_others, "FOLDER",
		 "save them there first", .flags = CLI_FILE),
	CLI_FLAG(0, "second-stick", struct repair_options, stick.work.second_stick,
		 "its keys are on another stick, too: go on", .flags = CLI_WHOLE),
	UKPU_WRITE_OPTIONS(struct repair_options),
	{ 0 },
};

/* What one run works with. */
struct repair_run {
	struct cli *cli;
	const struct repair_options *options;
	struct terminal terminal;
	struct work work;
	const struct find_candidate *keep;	/* the file on the stick that stays; NULL: --from */
	uint8_t digest[CONTENT_DIGEST];		/* of what will be on the stick */
};

/* What verify makes of the stick as it is. */
struct state {
	unsigned fixable;	/* rules not passed that a rebuilt layout fixes */
	bool layout_sound;	/* no rule on table and boot sector failed */
};

static void take_result(void *context, const struct verify_result *r)
{
	struct state *state = context;

	if (r->verdict == VERIFY_PASS || !strcmp(r->group, "device") ||
	    !strcmp(r->group, "contents"))
		return;
	state->fixable++;
	if (r->verdict == VERIFY_FAIL && (!strcmp(r->group, "table") || !strcmp(r->group, "boot")))
		state->layout_sound = false;
}

/*
 * The candidates that are worth asking about: distinct contents. A damaged one is left out only if
 * a sound one is in a place that is as good: a deleted file may be older than the one there.
 */
static size_t list_choices(const struct find *f, const struct find_candidate **out)
{
	enum find_how sound = FIND_CLUSTER + 1;
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++) {
		if (f->candidate[i].sound && f->candidate[i].how < sound)
			sound = f->candidate[i].how;
	}
	for (size_t i = 0; i < f->n; i++) {
		const struct find_candidate *c = &f->candidate[i];
		size_t k = 0;

		if (!c->sound && sound <= c->how)
			continue;
		while (k < n && memcmp(out[k]->digest, c->digest, sizeof(c->digest)))
			k++;
		if (k == n)
			out[n++] = c;
	}
	return n;
}

static void show_candidate(const char *name, const struct find_candidate *c)
{
	text_print(stderr, "%s: %s%s%s; %u record%s, %u left%s%s%s", name, c->path,
		   c->path[0] ? ", " : "", find_how_name(c->how), c->records, plural(c->records),
		   c->left, c->next_pid[0] ? ", next PID " : "", c->next_pid,
		   c->sound ? "" : "; damaged");
	fputc('\n', stderr);
}

/* One of several: by --pick, or asked for. */
static int choose(struct repair_run *run, const struct find_candidate *const *choice, size_t n,
		  struct fault *fault)
{
	const char *path = run->work.path;
	uint64_t pick = run->options->pick;
	char answer[24];

	if (pick > n)
		return fault_set(fault, KIT_ERR_ARGUMENT, "--pick: %llu is not within 1 to %zu",
				 (unsigned long long)pick, n);
	if (!pick && n > 1) {
		for (size_t i = 0; i < n; i++) {
			snprintf(answer, sizeof(answer), "%zu", i + 1);
			show_candidate(answer, choice[i]);
		}
		if (run->terminal.yes || run->work.options->dry_run ||
		    cli_ask(run->cli, "Which one? ", answer, sizeof(answer), NULL)) {
			return fault_set(fault, KIT_ERR_STATE, "%s has %zu different setup.bin "
					 "files\n"
					 "say which one to keep: --pick N", path, n);
		}
		pick = strtoull(answer, NULL, 10);
		if (pick < 1 || pick > n)
			return fault_set(fault, KIT_ERR_CANCELLED,
					 "\"%s\" is not a number from 1 to %zu, so nothing was "
					 "done", answer, n);
	}
	run->keep = choice[pick ? pick - 1 : 0];
	return 0;
}

/* Find the setup.bin on the stick; first where directories lead, then everywhere. */
static int take_from_stick(struct repair_run *run, struct fault *fault)
{
	const struct find_candidate *choice[FIND_MAX], *keep;
	struct work *w = &run->work;
	size_t n;
	int rc = work_search(w, target_disk(w->t), FIND_DEEP, fault);

	if (rc)
		return rc;
	n = list_choices(&w->found, choice);
	if (!n) {
		return fault_set(fault, KIT_ERR_NOT_FOUND, "%s: no setup.bin found (searched "
				 "names, deleted entries and headers); nothing was written\n"
				 "rebuild it from a backup (--from FILE), or make it new: ukpu "
				 "prepare %.200s setup.bin", w->path, w->words);
	}
	rc = choose(run, choice, n, fault);
	if (rc)
		return rc;
	keep = run->keep;
	if (!keep->sound && !w->options->force_contents) {
		return fault_set(fault, KIT_ERR_FORMAT, "%s: its setup.bin (%s%s%s) is damaged "
				 "itself, so a new layout does not fix it; nothing was written\n"
				 "rebuild it from a backup (--from FILE), or keep the bytes as "
				 "they are with --force-contents", w->path, keep->path,
				 keep->path[0] ? ", " : "", find_how_name(keep->how));
	}
	rc = content_take(&w->content, &keep->file, fault);
	/* Its keys may have been given to another stick since this one was spoiled. */
	w->id.bears_keys = true;
	if (!rc && !w->id.weak)
		rc = keysafe_guard_second(w, fault);
	return rc;
}

static int take_from_file(struct work *w, const char *path, struct fault *fault)
{
	struct sbin_summary summary;
	int rc = content_read(&w->content, path, WORK_LARGEST_FILE, fault);

	if (!rc)
		rc = content_check(&w->content, path, NULL, NULL, &summary, fault);
	if (!rc && summary.errors && !w->options->force_contents) {
		rc = fault_set(fault, KIT_ERR_FORMAT, "%s has %lu error%s\n"
			       "see them with amt-setupbin check, or go on with --force-contents",
			       path, summary.errors, plural(summary.errors));
	}
	/* What else is on the stick is looked for, too, to be listed and kept. */
	if (!rc)
		rc = work_search(w, target_disk(w->t), FIND_DEEP, fault);
	return rc ? rc : keysafe_guard_second(w, fault);
}

/* A copy that goes to the stick itself, or to nowhere, is not a copy. */
static int check_backup(const struct work *w, const char *path, struct fault *fault)
{
	struct stat here, there;

	if (!path)
		return 0;
	if (!strcmp(path, "-")) {
		return fault_set(fault, KIT_ERR_ARGUMENT, "the backup goes into a file, not to "
				 "standard output\n"
				 "name a file, or leave --backup out");
	}
	if (!stat(path, &here) && !fstat(target_fd(w->t), &there) && work_same_file(&here, &there))
		return fault_set(fault, KIT_ERR_ARGUMENT, "%s is what is repaired, and cannot hold "
				 "its own backup", path);
	return 0;
}

/* Decide everything and plan it. 1: nothing to do. */
static int get_ready(struct repair_run *run, struct fault *fault)
{
	const struct repair_options *o = run->options;
	struct work *w = &run->work;
	struct state state = { .layout_sound = true };
	enum layout_kind kind = LAYOUT_FAT16;
	int rc = check_backup(w, o->backup, fault);

	if (!rc)
		rc = work_verify(w, target_disk(w->t), take_result, &state, fault);
	if (rc)
		return rc;
	if (o->layout != OWN_LAYOUT)
		kind = (enum layout_kind)o->layout;
	else if (w->summary.layout_known && state.layout_sound)
		kind = w->summary.layout;
	if (!state.fixable && !o->from && w->summary.layout_known && kind == w->summary.layout)
		return 1;
	rc = o->from ? take_from_file(w, o->from, fault) : take_from_stick(run, fault);
	if (!rc)
		rc = content_digest(&w->content, run->digest, fault);
	if (!rc)
		rc = others_guard(w, run->digest, fault);
	if (!rc)
		rc = work_plan(w, kind, false, fault);
	return rc;
}

/* Everything that must be safe before the first byte is written. */
static int keep_all(struct repair_run *run, struct fault *fault)
{
	struct work *w = &run->work;
	int rc = others_save(w, run->digest, fault);

	if (!rc && run->keep)
		rc = keysafe_backup(w, &w->content, run->options->backup, run->keep->left, fault);
	return rc ? rc : work_secure(w, run->digest, fault);
}

/* What was rebuilt from the stick itself may be nowhere else any more. */
static int rebuild(struct repair_run *run)
{
	struct work *w = &run->work;
	char recover[2 * PATH_MAX + 64];
	int status;

	snprintf(recover, sizeof(recover), "ukpu repair %s --discard-other-files --from %s",
		 w->words, w->copies == 1 ? w->kept : "COPY");
	status = terminal_write(&run->terminal, w, 1, run->keep ? recover : NULL) ?
		work_failed_status(w) : EXIT_YES;
	if (status == EXIT_YES && !run->cli->quiet)
		terminal_print_summary(w);
	return status;
}

static int run(struct cli *cli, const void *given)
{
	struct repair_run run = { .cli = cli, .options = given };
	const struct repair_options *o = given;
	struct work *w = &run.work;
	struct fault fault = { 0 };
	int status = EXIT_CANNOT, rc;

	if (o->from && (o->pick || o->backup))
		return cli_misuse(cli, "with --from nothing on the stick is picked: leave "
				       "--pick and --backup out");
	terminal_begin(&run.terminal, cli, &o->stick);
	rc = work_open(w, &run.terminal.options, &run.terminal.face, cli->argv[0], WORK_WRITE,
		       &fault);
	if (!rc)
		rc = get_ready(&run, &fault);
	if (rc == 1 && w->summary.failed) {
		/* The device or the file itself: a new layout does not fix that. */
		fault_set(&fault, KIT_ERR_UNFIT, "%s: there is nothing to repair, its layout is "
			  "sound, but firmware would refuse it\n"
			  "see what else is wrong: ukpu verify %.200s", w->path, w->words);
		status = EXIT_NO;
		goto out;
	}
	if (rc == 1) {
		cli_note(cli, "%s is sound: there is nothing to repair", w->path);
		status = EXIT_YES;
		goto out;
	}
	if (rc == KIT_ERR_NOT_FOUND && w->t && !o->from)
		status = EXIT_NO;
	if (!rc && run.keep && !cli->quiet)
		show_candidate("setup.bin", run.keep);
	if (!rc && o->stick.work.dry_run) {
		terminal_print_plan(w);
		status = EXIT_YES;
		goto out;
	}
	if (!rc)
		rc = terminal_confirm(&run.terminal, w, 1, "Rebuild", &fault);
	if (!rc)
		rc = keep_all(&run, &fault);
	if (!rc)
		status = rebuild(&run);
out:
	if (fault.code)
		cli_fail(cli, &fault);
	work_close(w);
	return status;
}

const struct cli_verb ukpu_repair = {
	.name = "repair",
	.operands = "TARGET",
	.summary = "find the setup.bin on a spoiled stick and rebuild the stick around it",
	.options = options,
	.options_size = sizeof(struct repair_options),
	.defaults = &defaults,
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
	.details = "The setup.bin is found under any name, in sub-folders, deleted, and behind a "
		   "damaged FAT. A copy of it is kept on this machine before the first byte is "
		   "written; then the layout is rebuilt with the same bytes, the consumed "
		   "counter included.",
	.examples = "ukpu repair /dev/sdb --save-other-files rescued/\n"
		    "ukpu repair /dev/sdb --from backup-AMT0001-20260101T120000Z.bin",
};
