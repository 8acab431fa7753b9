/* ukpu retire: the secrets wiped from a stick that has served. */
#include <stdio.h>

#include "ukpu/cli/ukpu.h"

const struct cli_option ukpu_retire_options[] = {
	{ "whole", 0, NULL, "overwrite every byte of the stick, free clusters included", 0, 0 },
	{ "overwrite-unused", 0, NULL,
	  "the stick still has unused records: keep a copy, then wipe them", 0, 0 },
	{ "discard-other-files", 0, NULL, "other files on the stick may be lost", 0, 0 },
	{ "save-other-files", 0, "FOLDER", "save them there first", CLI_FILE, 0 },
	UKPU_WRITE_OPTIONS,
	{ NULL, 0, NULL, NULL, 0, 0 },
};

static int get_ready(struct ukpu_stick *s, struct fault *fault)
{
	bool whole = cli_has(s->cli, "whole");
	int rc = ukpu_stick_search(s, target_disk(s->t), FIND_DEEP | FIND_ALWAYS, fault);

	if (rc)
		return rc;
	if (!s->found.n && !s->found.n_loose && !whole) {
		return fault_set(fault, KIT_ERR_NOT_FOUND, "%s: no setup.bin is to be found on it, "
				 "not even a deleted one\n"
				 "to be sure all the same, overwrite every byte: ukpu retire "
				 "--whole %s", s->path, s->words.text);
	}
	rc = ukpu_guard_unused(s, fault);
	if (!rc)
		rc = ukpu_guard_others(s, NULL, fault);
	return rc ? rc : ukpu_stick_plan(s, LAYOUT_FAT16, whole, fault);
}

/* Whatever the plan said: look once more, on the medium. */
static int prove(struct ukpu_stick *s, struct fault *fault)
{
	const struct disk *fresh;
	int rc = target_fresh(s->t, &fresh, fault);

	if (!rc)
		rc = ukpu_stick_search(s, fresh, FIND_DEEP | FIND_ALWAYS, fault);
	if (!rc && (s->found.n || s->found.n_loose)) {
		rc = fault_set(fault, KIT_ERR_VERIFY,
			       "%s: a %s still shows at byte %llu\n"
			       "run it again with --whole, or destroy the stick",
			       s->path, s->found.n ? "setup.bin" : "record of a setup.bin",
			       (unsigned long long)(s->found.n ? s->found.candidate[0].file.runs
							       : s->found.loose)
				       ->offset);
	}
	return rc;
}

int ukpu_retire(struct cli *cli)
{
	struct ukpu_stick s;
	struct fault fault = { 0 };
	uint64_t wiped = 0;
	size_t files;
	bool loose;
	int status = EXIT_CANNOT, rc;

	rc = ukpu_stick_open(&s, cli, cli->argv[0], UKPU_WRITE, &fault);
	if (!rc)
		rc = get_ready(&s, &fault);
	if (rc == KIT_ERR_NOT_FOUND && s.t)
		status = EXIT_NO;
	if (!rc && cli_has(cli, "dry-run")) {
		ukpu_print_plan(&s);
		status = EXIT_YES;
		goto out;
	}
	if (!rc)
		rc = ukpu_confirm(&s, 1, "Wipe", &fault);
	if (!rc)
		rc = ukpu_save_others(&s, NULL, &fault);
	if (!rc)
		rc = ukpu_save_unused(&s, NULL, &fault);
	if (rc || ukpu_write_all(&s, 1))
		goto out;
	files = s.found.n;
	loose = s.found.n_loose > 0;
	rc = prove(&s, &fault);
	if (!rc)
		rc = ukpu_note_gone(&s, &fault);
	if (rc)
		goto out;
	status = EXIT_YES;
	for (size_t i = 0; i < s.plan.n; i++)
		wiped += s.plan.step[i].kind == PLAN_WIPE ? s.plan.step[i].bytes : 0;
	if (!cli->quiet)
		printf("%s: retired. %zu setup.bin file%s%s, %llu bytes overwritten with zeros "
		       "and read back; "
		       "the stick is empty.\n  Flash keeps spare copies that no program reaches: "
		       "destroy the stick if that matters.\n",
		       s.path, files, plural(files), loose ? " and loose records" : "",
		       (unsigned long long)wiped);
out:
	if (fault.code)
		cli_fail(cli, &fault);
	ukpu_stick_close(&s);
	return status;
}
