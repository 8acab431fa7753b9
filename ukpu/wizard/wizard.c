/* ukpu wizard: at the bench: setup.bin, stick, yes, done, next. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ukpu/cli/ukpu.h"
#include "ukpu/wizard/wizard.h"

#define FINDINGS_SHOWN	20

struct wizard_options {
	bool image, own_journal;
	unsigned layout;
};

static const struct cli_option options[] = {
	CLI_FLAG(0, "image", struct wizard_options, image,
		 "the sticks to pick from are these image files"),
	CLI_CHOICE(0, "layout", struct wizard_options, layout, "NAME", layout_names,
		   "fat16 (default), fat32 or superfloppy"),
	UKPU_JOURNAL_OPTION(struct wizard_options, own_journal),
	{ 0 },
};

/* What the checker says, for a window. */
struct findings {
	FILE *text;		/* or NULL */
	unsigned long n;
};

static void take_finding(void *context, const struct sbin_finding *f)
{
	struct findings *all = context;

	if (f->severity == SBIN_NOTE || !all->text || all->n++ >= FINDINGS_SHOWN)
		return;
	fprintf(all->text, "%s, ", f->severity == SBIN_ERROR ? "Error" : "Warning");
	if (f->record)
		fprintf(all->text, "record %u, ", f->record);
	fprintf(all->text, "byte %llu: %s%s%s\n", (unsigned long long)f->offset, f->text,
		f->hint && f->hint[0] ? "; " : "", f->hint ? f->hint : "");
}

int wizard_load(struct wizard *w, struct content *content, FILE *text, struct fault *fault)
{
	struct findings findings = { .text = text };
	char path[400];
	int rc = content_read(content, w->file, WORK_LARGEST_FILE, fault);

	memset(&w->keys, 0, sizeof(w->keys));
	screen_text(path, sizeof(path), w->file, 90, true);
	if (!rc)
		rc = content_check(content, path, take_finding, &findings, &w->keys, fault);
	if (text && findings.n > FINDINGS_SHOWN)
		fprintf(text, "and %lu more\n", findings.n - FINDINGS_SHOWN);
	if (rc == KIT_ERR_FORMAT)
		return fault_hint(fault, "take another file: amt-setupbin create and amt-keygen "
				  "generate --setupbin make them");
	if (!rc && w->keys.errors) {
		rc = fault_set(fault, KIT_ERR_FORMAT, "%s has %lu error%s: firmware would refuse "
			       "it\n"
			       "take another file, or fix this one; amt-setupbin check shows more",
			       path, w->keys.errors, plural(w->keys.errors));
	} else if (!rc && !w->keys.valid) {
		rc = fault_set(fault, KIT_ERR_STATE, "%s has no unused record for a machine\n"
			       "take a new file", path);
	}
	return rc;
}

/* Check the file that was picked; its faults, or doubts, are shown. */
static enum screen_answer check_file(struct wizard *w)
{
	static const char *const buttons[] = { "Other file", "Go on with it" };
	struct content content = { 0 };
	struct fault fault = { 0 };
	enum screen_answer answer = SCREEN_CHOSEN;
	char *found = NULL, *text = NULL;
	size_t size = 0, pressed = 1;
	FILE *out = open_memstream(&found, &size);
	int rc;

	if (!out) {
		fault_nomem(&fault);
		return screen_fault(&w->screen, "File", &fault) == SCREEN_LEAVE ? SCREEN_LEAVE :
			SCREEN_BACK;
	}
	rc = wizard_load(w, &content, out, &fault);
	content_wipe(&content);
	/* The verdict first: what was found may be long. */
	if (fclose(out) == 0 && (rc || w->keys.warnings) &&
	    asprintf(&text, "%s\n%s%s\n%s",
		     rc ? fault.what : "This file can be used, but the checker warns",
		     fault.hint, fault.hint[0] ? "\n" : "", found) >= 0) {
		answer = screen_show(&w->screen, rc ? "This file cannot be used" : "Warnings", text,
				     buttons, rc ? 1 : 2, &pressed);
		free(text);
	} else if (rc) {
		answer = screen_fault(&w->screen, "This file cannot be used", &fault);
		pressed = 0;
	}
	free(found);
	return answer == SCREEN_LEAVE ? SCREEN_LEAVE :
		answer == SCREEN_BACK || !pressed ? SCREEN_BACK : SCREEN_CHOSEN;
}

/* From window to window until the person has enough. */
static void walk(struct wizard *w)
{
	char stick[PATH_MAX];
	bool have_file = false;

	while (!w->screen.left) {
		enum screen_answer answer;
		bool another;

		if (!have_file) {
			answer = wizard_pick_file(w);
			if (answer == SCREEN_BACK)
				return;
			have_file = answer == SCREEN_CHOSEN && check_file(w) == SCREEN_CHOSEN;
			continue;
		}
		answer = wizard_pick_stick(w, stick, sizeof(stick));
		if (answer == SCREEN_BACK) {
			have_file = false;
		} else if (answer == SCREEN_CHOSEN) {
			if (wizard_write(w, stick, &another) == SCREEN_LEAVE)
				return;
			have_file = !another;
		}
	}
}

static int run(struct cli *cli, const void *given)
{
	const struct wizard_options *o = given;
	struct wizard w = {
		.options = { .image = o->image, .own_journal = o->own_journal },
		.images = cli->argv,
		.n_images = (size_t)cli->argc, .layout = (enum layout_kind)o->layout,
	};
	struct fault fault = { 0 };
	char *log = NULL;
	size_t size = 0;

	if (o->image != (cli->argc > 0))
		return cli_misuse(cli, o->image ? "--image needs the names of image files" :
				  "sticks are picked in the wizard; image files need --image "
				  "before them");
	wizard_make_face(&w);
	if (!getcwd(w.folder, sizeof(w.folder)))
		snprintf(w.folder, sizeof(w.folder), "/");
	w.log = open_memstream(&log, &size);
	if (!w.log)
		fault_nomem(&fault);
	if (fault.code || screen_open(&w.screen, &fault)) {
		if (w.log)
			fclose(w.log);
		free(log);
		return cli_fail(cli, &fault);
	}
	walk(&w);
	screen_close(&w.screen);
	if (o->own_journal)
		cli_warn(cli, UKPU_OWN_JOURNAL);
	fclose(w.log);
	if (log)
		fputs(log, stdout);
	free(log);
	if (!w.sticks)
		cli_note(cli, "no stick was written");
	return w.screen.fault.code ? cli_fail(cli, &w.screen.fault) : w.status;
}

const struct cli_verb ukpu_wizard = {
	.name = "wizard",
	.operands = "[IMAGE...]",
	.summary = "pick setup.bin and stick on the screen, watch, and go on with the next",
	.options = options,
	.options_size = sizeof(struct wizard_options),
	.max_operands = -1,
	.run = run,
	.details = "For the bench: the same guards, questions and checks as prepare, in windows on "
		   "the terminal (80 columns and 24 rows at least; over ssh, too). No stick is "
		   "preselected, unfit ones are shown with the reason, and the word \"yes\" has to "
		   "be typed.\n"
		   "A stick that is being written is finished before Ctrl-C ends the wizard. Exit "
		   "status 0: all sticks that were written are ready; 1: firmware would refuse one "
		   "of them; 2: one could not be written, or a signal or the loss of the terminal "
		   "ended the wizard.",
	.examples = "ukpu wizard\nukpu wizard --image stick1.img stick2.img",
};
