/* ukpu retire: the secrets wiped from a stick that has served. */
#include <stdio.h>

#include "ukpu/cli/terminal.h"
#include "ukpu/stick/keysafe.h"
#include "ukpu/stick/others.h"

struct retire_options {
	struct ukpu_options stick;
	bool whole;
};

static const struct cli_option options[] = {
	CLI_FLAG(0, "whole", struct retire_options, whole,
		 "overwrite every byte of the stick, free clusters included"),
	CLI_FLAG(0, "overwrite-unused", struct retire_options, stick.work.overwrite_unused,
		 "the stick still has unused records: keep a copy, then wipe them",
		 .flags = CLI_WHOLE),
	CLI_FLAG(0, "discard-other-files", struct retire_options, stick.work.discard_others,
		 "other files on the stick may be lost", .flags = CLI_WHOLE),
	CLI_TEXT(0, "save-other-files", struct retire_options, stick.work.save_others, "FOLDER",
		 "save them there first", .flags = CLI_FILE),
	UKPU_WRITE_OPTIONS(struct retire_options),
	{ 0 },
};

static int get_ready(struct work *w, bool whole, struct fault *fault)
{
	int rc = work_search(w, target_disk(w->t), FIND_DEEP | FIND_ALWAYS, fault);

	if (rc)
		return rc;
	if (!w->found.n && !w->found.n_deleted && !whole) {
		return fault_set(fault, KIT_ERR_NOT_FOUND, "%s: no setup.bin found, not even a "
				 "deleted one\n"
				 "to be sure anyway, overwrite every byte: ukpu retire --whole "
				 "%.200s", w->path, w->words);
	}
	rc = keysafe_guard_unused(w, fault);
	if (!rc)
		rc = others_guard(w, NULL, fault);
	return rc ? rc : work_plan(w, LAYOUT_FAT16, whole, fault);
}

/* Whatever the plan said: look once more, on the medium. */
static int prove(struct work *w, struct fault *fault)
{
	const struct disk *fresh;
	int rc = target_fresh(w->t, &fresh, fault);

	if (!rc)
		rc = work_search(w, fresh, FIND_DEEP | FIND_ALWAYS, fault);
	if (!rc && (w->found.n || w->found.n_deleted)) {
		rc = fault_set(fault, KIT_ERR_VERIFY,
			       "%s: a %s is still there, at byte %llu\n"
			       "run it again with --whole, or destroy the stick",
			       w->path, w->found.n ? "setup.bin" : "record of a setup.bin",
			       (unsigned long long)(w->found.n ? w->found.candidate[0].file.runs
							       : w->found.deleted)
				       ->offset);
	}
	return rc;
}

static int run(struct cli *cli, const void *given)
{
	const struct retire_options *o = given;
	struct terminal terminal;
	struct work w;
	struct fault fault = { 0 };
	uint64_t wiped = 0;
	size_t files;
	bool records;
	int status = EXIT_CANNOT, rc;

	terminal_begin(&terminal, cli, &o->stick);
	rc = work_open(&w, &terminal.options, &terminal.face, cli->argv[0], WORK_WRITE, &fault);
	if (!rc)
		rc = get_ready(&w, o->whole, &fault);
	if (rc == KIT_ERR_NOT_FOUND && w.t)
		status = EXIT_NO;
	if (!rc && o->stick.work.dry_run) {
		terminal_print_plan(&w);
		status = EXIT_YES;
		goto out;
	}
	if (!rc)
		rc = terminal_confirm(&terminal, &w, 1, "Wipe", &fault);
	if (!rc)
		rc = others_save(&w, NULL, &fault);
	if (!rc)
		rc = keysafe_save_unused(&w, NULL, &fault);
	if (rc || terminal_write(&terminal, &w, 1, NULL))
		goto out;
	files = w.found.n;
	records = w.found.n_deleted > 0;
	rc = prove(&w, &fault);
	if (!rc)
		rc = keysafe_note_gone(&w, &fault);
	if (rc)
		goto out;
	status = EXIT_YES;
	for (size_t i = 0; i < w.plan.n; i++)
		wiped += w.plan.step[i].kind == PLAN_WIPE ? w.plan.step[i].bytes : 0;
	if (!cli->quiet) {
		terminal_print_line("%s: retired. %zu setup.bin file%s%s, %llu bytes overwritten "
				    "with zeros and read back; the stick is empty.", w.path, files,
				    plural(files), records ? " and records in no file" : "",
				    (unsigned long long)wiped);
		terminal_print_line("  Flash keeps spare copies that no program reaches: destroy "
				    "the stick if that matters.");
	}
out:
	if (fault.code)
		cli_fail(cli, &fault);
	work_close(&w);
	return status;
}

const struct cli_verb ukpu_retire = {
	.name = "retire",
	.operands = "TARGET",
	.summary = "wipe the secrets from a stick that is done",
	.options = options,
	.options_size = sizeof(struct retire_options),
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
	.details = "Every setup.bin that can be found, deleted ones too, is overwritten with zeros "
		   "and read back; what is left is an empty stick. With --whole every byte of the "
		   "stick is overwritten.",
	.examples = "ukpu retire /dev/sdb\nukpu retire /dev/sdb --whole",
};
