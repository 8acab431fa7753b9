/* ukpu wizard: at the bench: setup.bin, stick, yes, done, next. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ukpu/wizard/wizard.h"

#define FINDINGS_SHOWN	20

const struct cli_option ukpu_wizard_options[] = {
	{ "image", 0, NULL, "the sticks to pick from are these image files", 0, 0 },
	{ "layout", 0, "NAME", "fat16 (default), fat32 or superfloppy", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
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
	int rc = content_read(content, w->file, UKPU_LARGEST_FILE, fault);

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
		rc = fault_set(fault, KIT_ERR_FORMAT, "%s has %lu error%s: firmware would not take "
			      "it\n"
			      "take another file, or have this one mended; amt-setupbin check "
			      "tells more", path, w->keys.errors, plural(w->keys.errors));
	} else if (!rc && !w->keys.valid) {
		rc = fault_set(fault, KIT_ERR_STATE, "%s has no unused record: no machine could "
			      "take one\n"
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
		fault_set(&fault, KIT_ERR_NOMEM, "no memory to check the file");
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
		answer = screen_tell(&w->screen, rc ? "This file cannot be used" : "Warnings", text,
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

int ukpu_wizard(struct cli *cli)
{
	/* The options of prepare, none of them given: every guard holds. */
	const struct cli_verb prepare = { .name = "prepare", .options = ukpu_prepare_options };
	struct wizard w = {
		.as = { .program = cli->program, .verb = &prepare, .quiet = true },
		.image = cli_has(cli, "image"), .images = cli->argv, .n_images = (size_t)cli->argc,
		.layout = LAYOUT_FAT16,
	};
	struct fault fault = { 0 };
	char *log = NULL;
	size_t size = 0;

	if (w.image != (cli->argc > 0))
		return cli_misuse(cli, w.image ? "--image needs the names of image files" :
				  "sticks are picked in the wizard; image files need --image "
				  "before them");
	if (cli_has(cli, "layout") && layout_parse(cli_value(cli, "layout"), &w.layout, &fault))
		return cli_fail(cli, &fault);
	if (!getcwd(w.folder, sizeof(w.folder)))
		snprintf(w.folder, sizeof(w.folder), "/");
	w.log = open_memstream(&log, &size);
	if (!w.log)
		fault_set(&fault, KIT_ERR_NOMEM, "no memory for the wizard");
	if (fault.code || screen_open(&w.screen, &fault)) {
		if (w.log)
			fclose(w.log);
		free(log);
		return cli_fail(cli, &fault);
	}
	walk(&w);
	screen_close(&w.screen);
	fclose(w.log);
	if (log)
		fputs(log, stdout);
	free(log);
	if (!w.sticks)
		cli_note(cli, "no stick was written");
	return w.screen.fault.code ? cli_fail(cli, &w.screen.fault) : w.status;
}
