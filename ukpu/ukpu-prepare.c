/* ukpu prepare: a setup.bin onto a stick. */
#include <stdio.h>
#include <unistd.h>

#include "keygen/progress.h"
#include "ukpu/content.h"
#include "ukpu/stick.h"
#include "ukpu/ukpu.h"

#define LARGEST_FILE	((uint64_t)511 << 20)	/* what the largest layout could take */

const struct cli_option ukpu_prepare_options[] = {
	{ "image", 0, NULL, "TARGET is an image file, not a block device", 0, 0 },
	{ "size", 0, "SIZE", "make the image with that many bytes if it is not there (256M)", 0, 0 },
	{ "layout", 0, "NAME", "fat16 (default), fat32 or superfloppy", 0, 0 },
	{ "force-contents", 0, NULL, "write it although the setup.bin checker found errors", 0, 0 },
	{ "dry-run", 0, NULL, "show the plan, write nothing", 0, 0 },
	{ "yes", 0, NULL, "do not ask; on a block device only together with --serial", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

static void print_finding(void *context, const struct sbin_finding *f)
{
	struct cli *cli = context;

	if (f->severity == SBIN_NOTE)
		return;
	cli_warn(cli, "setup.bin, byte %llu, record %u: %s%s%s", (unsigned long long)f->offset,
		 f->record, f->text, f->todo && f->todo[0] ? "; " : "", f->todo ? f->todo : "");
}

static void show_progress(void *context, uint64_t done, uint64_t total)
{
	progress_update(context, done);
}

static void print_plan(const struct plan *p)
{
	const char *last = "";

	for (size_t i = 0; i < p->n; i++) {
		const struct plan_step *s = &p->step[i];
		const char *phase = plan_phase_name(s->phase);

		printf("%-6s  byte %12llu  %9llu bytes  %s\n", phase == last ? "" : phase,
		       (unsigned long long)s->offset, (unsigned long long)s->bytes, s->text);
		last = phase;
	}
	printf("In all %llu bytes are written.\n", (unsigned long long)p->bytes);
}

/* The rules once more over what is on the medium now; good only if none fails. */
static int verify_written(struct cli *cli, struct target *t, struct verify_summary *summary,
			  struct fault *fault)
{
	struct ukpu_words words = ukpu_words(cli, target_path(t));
	struct ukpu_lines lines = { .only_bad = true };
	struct probe_signatures signatures = {0};
	struct verify_input in;
	const struct disk *fresh;
	int r = target_fresh(t, &fresh, fault);

	if (!r)
		r = probe_signatures(&signatures, target_fd(t), 0, fresh->size, fault);
	if (r)
		return r;
	ukpu_verify_input(&in, fresh, t, &words, &signatures);
	r = verify_run(&in, ukpu_print_result, &lines, summary, fault);
	if (!r && summary->failed)
		r = fault_set(fault, KIT_ERR_VERIFY, "%s is written, but %u rules fail", target_path(t),
			      summary->failed);
	return r;
}

int ukpu_prepare(struct cli *cli)
{
	const char *path = cli->argv[0];
	enum layout_kind kind = LAYOUT_FAT16;
	struct content content = {0};
	struct sbin_summary checked;
	struct verify_summary summary;
	struct target *t = NULL;
	struct plan plan = {0};
	struct progress bar;
	struct stick_progress progress = { show_progress, &bar };
	struct fault fault = {0};
	uint64_t size = 0;
	int r = 0, status = EXIT_CANNOT;

	if (cli_has(cli, "layout"))
		r = layout_parse(cli_value(cli, "layout"), &kind, &fault);
	if (!r)
		r = cli_size(cli, "size", LAYOUT_MIN_BYTES, UINT64_MAX >> 1, &size, &fault);
	if (!r)
		r = content_read(&content, cli->argv[1], LARGEST_FILE, &fault);
	if (!r)
		r = content_check(&content, cli->argv[1], print_finding, cli, &checked, &fault);
	if (!r && checked.errors && !cli_has(cli, "force-contents")) {
		fault_set(&fault, KIT_ERR_FORMAT, "%s has %lu errors: firmware would not take it",
			  cli->argv[1], checked.errors);
		r = fault_todo(&fault, "Mend it (amt-setupbin check %s tells more), or write it all the "
			       "same with --force-contents.", cli->argv[1]);
		status = EXIT_NO;
	}
	if (!r && cli_has(cli, "image") && size)
		r = target_create(&t, path, size, &fault);
	else if (!r)
		r = target_open(&t, path, TARGET_WRITE | (cli_has(cli, "image") ? TARGET_IMAGE : 0),
				&fault);
	if (!r)
		r = plan_make(&plan, t, kind, content.data, content.size, &fault);
	if (r)
		goto out;
	if (cli_has(cli, "dry-run")) {
		print_plan(&plan);
		status = EXIT_YES;
		goto out;
	}
	progress_begin(&bar, path, plan.bytes, true, cli->quiet);
	r = stick_write(&plan, t, &progress, &fault);
	progress_end(&bar);
	if (!r)
		r = verify_written(cli, t, &summary, &fault);
	if (r)
		goto out;
	status = EXIT_YES;
	if (!cli->quiet)
		printf("%s: layout %s, %u record%s, next is PID %s; expect about %.0f s more in each "
		       "POST.\n", path, layout_name(kind), checked.records,
		       ukpu_plural(checked.records), checked.next_pid[0] ? checked.next_pid : "none",
		       checked.post_seconds);
out:
	if (r)
		cli_fail(cli, &fault);
	plan_free(&plan);
	target_close(&t);
	content_wipe(&content);
	return status;
}
