/* Questions and answers of ukpu at a terminal, or refused where nobody can be asked. */
#include "ukpu/cli/terminal.h"

#include <stdio.h>
#include <string.h>

#include "common/table.h"
#include "common/text.h"
#include "ukpu/drive/probe.h"
#include "ukpu/stick/keysafe.h"

#define SAID_MAX	6000

/* Have the word "yes" typed. INSTEAD: what to give where nobody can be asked. */
static int ask_yes(const struct terminal *t, const char *question, const char *instead,
		   struct fault *fault)
{
	int rc = cli_confirm(t->cli, question, "yes", fault);

	if (rc == KIT_ERR_STATE)
		fault_hint(fault, "run it at a terminal, or give %s", instead);
	return rc;
}

/* Before a stick in use is taken out of use, the person must have said which one is meant. */
static int ask_unmount(const struct terminal *t, const struct work *w, struct fault *fault)
{
	char title[140], question[560];

	if (t->yes && work_serial_named(w))
		return 0;
	drive_title(&w->drive, title, sizeof(title));
	snprintf(question, sizeof(question),
		 "%.100s (%s, serial number %s) is mounted. Unmount it? Type \"yes\": ",
		 w->path, title, w->serial);
	return ask_yes(t, question, "--yes together with --serial", fault);
}

/* Is all that is unused for every machine, and never used up? */
static bool is_shared(const struct find *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->candidate[i].left && !f->candidate[i].shared)
			return false;
	return !f->deleted_left;
}

static int refuse_unused(const struct work *w, struct fault *fault)
{
	unsigned long unused = keysafe_unused(w);

	if (!unused) {
		return fault_set(fault, KIT_ERR_EXISTS, "%s holds more than %d setup.bin files\n"
				 "save them by other means, or overwrite them with "
				 "--overwrite-unused", w->path, FIND_MAX);
	}
	if (w->found.deleted_left) {
		return fault_set(fault, KIT_ERR_EXISTS, "%s still has %lu unused record%s, of "
				 "which %lu in no file any more\n"
				 "overwrite it with --overwrite-unused, which first keeps a copy "
				 "of what is in files, and none of the rest", w->path, unused,
				 plural(unused), w->found.deleted_left);
	}
	if (is_shared(&w->found))
		return fault_set(fault, KIT_ERR_EXISTS, "%s holds a setup.bin that every machine "
				 "takes, and that is never used up\n"
				 "take another stick, or overwrite it with --overwrite-unused, "
				 "which first keeps a copy", w->path);
	return fault_set(fault, KIT_ERR_EXISTS, "%s still has %lu unused record%s\n"
			 "use it up, take another stick, or overwrite it with --overwrite-unused, "
			 "which first keeps a copy of its setup.bin", w->path, unused,
			 plural(unused));
}

static int ask_second(const struct terminal *t, const struct work *w, struct fault *fault)
{
	const struct journal_hit *hit = &w->hit;
	const char *alike = hit->same_device ? ", a stick of the same maker, model, serial number "
		"and size" : "";
	char question[600];

	if (t->yes || w->options->dry_run) {
		return fault_set(fault, KIT_ERR_EXISTS, "%ld of these keys (%s the first) went "
				 "onto the stick %.150s on %s%s\n"
				 "two machines must not get one key: if the other stick is gone or "
				 "will not be used, add --second-stick", w->elsewhere, hit->pid,
				 hit->stick, hit->time, alike);
	}
	snprintf(question, sizeof(question),
		 "%ld of these keys (%s the first) went onto the stick %.150s on "
		 "%s%s. Two machines must not get one key. Put them on %.100s, too? Type \"yes\": ",
		 w->elsewhere, hit->pid, hit->stick, hit->time, alike, w->path);
	return ask_yes(t, question, "--second-stick if that stick is gone or will not be used",
		       fault);
}

static int ask(void *context, enum work_question question, struct work *w, struct fault *fault)
{
	const struct terminal *t = context;

	switch (question) {
	case WORK_UNMOUNT:
		return ask_unmount(t, w, fault);
	case WORK_UNUSED:
		return refuse_unused(w, fault);
	case WORK_SECOND:
		return ask_second(t, w, fault);
	}
	return KIT_ERR_CANCELLED;
}

/* Names of files on a stick are a stranger's words. */
static void note(void *context, const char *text)
{
	const struct terminal *t = context;
	char clean[SAID_MAX];

	text_clean(clean, sizeof(clean), text);
	cli_note(t->cli, "%s", clean);
}

static void warn(void *context, const char *text)
{
	const struct terminal *t = context;
	char clean[SAID_MAX];

	text_clean(clean, sizeof(clean), text);
	cli_warn(t->cli, "%s", clean);
}

static void searched(void *context, const struct work *w, uint64_t done, uint64_t total)
{
	struct terminal *t = context;

	if (!t->searching && !done)
		progress_begin(&t->bar, "searching", total, true, t->cli->quiet);
	else if (t->searching)
		progress_update(&t->bar, done);
	if (t->searching && done == total)
		progress_end(&t->bar);
	t->searching = done < total;
}

void terminal_begin(struct terminal *t, struct cli *cli, const struct ukpu_options *options)
{
	*t = (struct terminal){
		.cli = cli, .options = options->work, .yes = options->yes,
		.face = { .ask = ask, .note = note, .warn = warn, .searched = searched,
			  .context = t },
	};
	t->options.serials = options->serials.values;
	t->options.n_serials = options->serials.count;
	if (options->work.own_journal)
		cli_warn(cli, UKPU_OWN_JOURNAL);
}

static void show_stick(const struct work *w, struct table *table)
{
	const struct drive *d = target_drive(w->t);
	char title[140], size[24];

	probe_size_text(target_disk(w->t)->size, size);
	if (d)
		drive_title(d, title, sizeof(title));
	table_cell(table, "%s", w->path);
	table_cell(table, "%s", d ? title : "image file");
	table_cell(table, "%s", w->serial);
	table_cell(table, "%s", size);
	table_cell(table, "%s", w->contents);
}

int terminal_confirm(struct terminal *t, const struct work *works, size_t n, const char *doing,
		     struct fault *fault)
{
	bool fresh = true;
	struct table *table;
	char question[120];

	for (size_t i = 0; i < n; i++) {
		const struct work *w = &works[i];

		fresh = fresh && w->created;
		if (target_is_image(w->t) || !t->yes || work_serial_named(w))
			continue;
		fault_set(fault, KIT_ERR_ARGUMENT, "--yes alone does not say which stick is meant");
		return w->drive.serial[0] ?
			fault_hint(fault, "add --serial %s, or leave --yes out and answer the "
				   "question", w->drive.serial) :
			fault_hint(fault, "%s has no serial number: leave --yes out and answer the "
				   "question", w->path);
	}
	if (fresh || t->yes)
		return 0;
	table = table_new(stderr, "TARGET|DEVICE|SERIAL|>SIZE|CONTENTS NOW");
	if (!table)
		return fault_nomem(fault);
	for (size_t i = 0; i < n; i++)
		show_stick(&works[i], table);
	table_end(table);
	snprintf(question, sizeof(question),
		 "%s %s? Everything on %s is lost. Type \"yes\": ", doing, n == 1 ? "it" : "them",
		 n == 1 ? "it" : "them");
	return ask_yes(t, question, "--yes (for a device with --serial)", fault);
}

void terminal_print_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_vprint(stdout, format, args);
	va_end(args);
	putchar('\n');
}

void terminal_print_plan(const struct work *w)
{
	const struct plan *p = &w->plan;
	enum plan_phase last = PLAN_TABLE;
	char size[24];

	probe_size_text(target_disk(w->t)->size, size);
	terminal_print_line("%s (%s), now: %s", w->path, size, w->contents);
	for (size_t i = 0; i < p->n; i++) {
		const struct plan_step *step = &p->step[i];

		if (step->kind == PLAN_RANDOM)
			printf("%-8s  all over the stick   %10llu bytes  %s\n",
			       plan_phase_name(step->phase), (unsigned long long)step->bytes,
			       step->text);
		else
			printf("%-8s  byte %14llu  %10llu bytes  %s\n",
			       !i || step->phase != last ? plan_phase_name(step->phase) : "",
			       (unsigned long long)step->offset, (unsigned long long)step->bytes,
			       step->text);
		last = step->phase;
	}
	printf("in all    %llu bytes are written\n", (unsigned long long)p->bytes);
}

void terminal_print_summary(const struct work *w)
{
	const struct sbin_summary *c = &w->summary.contents;
	char post[SBIN_POST_TEXT];

	text_print(stdout, "%s: ready. Layout %s; %u record%s, ", w->path,
		   layout_name(w->plan.layout.kind), c->records, plural(c->records));
	if (c->next && !c->consumable)
		printf("every machine takes %s%s.\n", c->records == 1 ? "it" : "the first",
		       c->next_pid[0] ? "" : "; it holds no key");
	else if (c->next)
		printf("%u left; next is record %u, PID %s.\n", c->valid, c->next,
		       c->next_pid[0] ? c->next_pid : "none");
	else
		printf("%u left; no record is next.\n", c->valid);
	sbin_post_text(c->post_seconds, post);
	printf("  Expect %s more in each machine's POST.\n", post);
	if (!target_is_image(w->t))
		printf("  Pull the stick now: other systems leave files on it.\n");
}

void terminal_print_result(void *context, const struct verify_result *r)
{
	if (context && (r->verdict == VERIFY_PASS || r->verdict == VERIFY_SKIP))
		return;
	terminal_print_line("%s  %-17s  %s%s%s", verify_verdict_name(r->verdict), r->rule, r->text,
			    r->fix[0] ? "; fix: " : "", r->fix);
}
