/* ukpu wizard: what is on the stick, the questions, the writing, and what came of it. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "ukpu/drive/probe.h"
#include "ukpu/stick/keysafe.h"
#include "ukpu/stick/mbr.h"
#include "ukpu/stick/state.h"
#include "ukpu/wizard/wizard.h"

#define OTHERS_SHOWN	4

/* A stick being written and judged, in a thread of its own. */
struct judge_thread {
	struct work *stick;
	FILE *rules;		/* a line for each that it did not pass */
	struct fault late;	/* of the kernel's, which is not the stick's */
	_Atomic uint64_t done;
	atomic_bool ended;
};

static void note_progress(void *context, uint64_t done, uint64_t total)
{
	struct judge_thread *job = context;

	atomic_store(&job->done, done);
}

static void note_result(void *context, const struct verify_result *r)
{
	if (r->verdict == VERIFY_WARN || r->verdict == VERIFY_FAIL)
		fprintf(context, "%s %s: %s%s%s\n", verify_verdict_name(r->verdict), r->rule,
			r->text, r->fix[0] ? "; fix: " : "", r->fix);
}

static void *write_job(void *context)
{
	struct judge_thread *job = context;
	struct work *s = job->stick;
	struct stick_progress progress = { note_progress, job };

	if (!stick_write(&s->plan, s->t, &progress, &s->fault))
		work_judge(s, note_result, job->rules);
	if (!s->fault.code)
		mbr_reread(s->t, &job->late);
	atomic_store(&job->ended, true);
	return NULL;
}

static void watch_job(struct wizard *w, struct judge_thread *job)
{
	char title[220], path[200];
	pthread_t thread;

	screen_text(path, sizeof(path), job->stick->path, 40, true);
	snprintf(title, sizeof(title), "4. Writing %s", path);
	if (pthread_create(&thread, NULL, write_job, job)) {
		write_job(job);
		return;
	}
	screen_watch(&w->screen, title, "Writing. Leave the stick where it is.",
		     "Written. Every byte is read back from the stick, and the rules of firmware "
		     "are checked. Leave it where it is.", &job->done, job->stick->plan.bytes,
		     &job->ended);
	pthread_join(thread, NULL);
}

static void print_keys(FILE *out, const struct sbin_summary *k)
{
	fprintf(out, "%u record%s, %u unused", k->records, plural(k->records), k->valid);
	if (k->next)
		fprintf(out, "; next is record %u, PID %s", k->next,
			k->next_pid[0] ? k->next_pid : "none");
	if (!k->consumable)
		fprintf(out, "; every machine takes record 1");
	fputc('\n', out);
}

static void print_cell(FILE *out, const char *before, const char *text)
{
	char cell[4096];

	screen_text(cell, sizeof(cell), text, 0, false);
	fprintf(out, "%s%s\n", before, cell);
}

/* What the person has to see before saying yes. */
static void print_stick(FILE *out, struct wizard *w, const struct work *s)
{
	const struct drive *d = target_drive(s->t);
	char title[140], size[24];

	print_cell(out, "File:   ", w->file);
	fprintf(out, "        ");
	print_keys(out, &w->keys);
	fprintf(out, "\nEverything on this stick will be lost:\n");
	print_cell(out, "Stick:  ", s->path);
	probe_size_text(target_disk(s->t)->size, size);
	if (d) {
		drive_title(d, title, sizeof(title));
		print_cell(out, "        ", title);
		print_cell(out, "        serial number ", s->serial);
	}
	fprintf(out, "        %s\n", size);
	print_cell(out, "Now:    ", s->contents);
	for (size_t i = 0; i < s->found.n && i < OTHERS_SHOWN; i++) {
		const struct find_candidate *c = &s->found.candidate[i];

		fprintf(out, "        setup.bin %s: %u record%s, %u unused\n",
			find_how_name(c->how), c->records, plural(c->records), c->left);
	}
	for (size_t i = 0; i < s->found.n_others && i < OTHERS_SHOWN; i++)
		print_cell(out, "        file ", s->found.other[i].path);
	if (s->found.n_others > OTHERS_SHOWN || s->found.n > OTHERS_SHOWN || s->found.more)
		fprintf(out, "        and more files: %zu in all%s\n",
			s->found.n + s->found.n_others,
			s->found.more || s->found.more_others ? " or more" : "");
}

/* SCREEN_CHOSEN only for a yes. */
static enum screen_answer ask(struct wizard *w, const char *title, const char *text)
{
	static const char *const button[] = { "Back" };
	enum screen_answer answer;
	size_t pressed;
	bool yes;

	answer = screen_ask(&w->screen, title, text, &yes);
	if (answer != SCREEN_CHOSEN || yes)
		return answer;
	answer = screen_show(&w->screen, "Not confirmed",
			     "That was not the word yes. Nothing was written.", button, 1,
			     &pressed);
	return answer == SCREEN_LEAVE ? SCREEN_LEAVE : SCREEN_BACK;
}

static enum screen_answer ask_unused(struct wizard *w, struct work *s, struct fault *fault)
{
	unsigned long unused = keysafe_unused(s);
	char text[1000], folder[PATH_MAX], shown[400], known[800] = "", more[200] = "";

	if (state_path("", folder, sizeof(folder), fault))
		return SCREEN_BACK;
	screen_text(shown, sizeof(shown), folder, 180, true);
	if (s->found.more)
		snprintf(more, sizeof(more), "This stick holds more than %d setup.bin files. NO "
			 "copy is kept of the others, which may have unused records, too.",
			 FIND_MAX);
	if (unused)
		snprintf(known, sizeof(known), "This stick still has %lu unused record%s: machines "
			 "could be set up with %s.\n\nIf you go on, a copy of each setup.bin that "
			 "has any is kept in\n%s\nbefore the stick is overwritten.\n\n", unused,
			 plural(unused), unused == 1 ? "it" : "them", shown);
	snprintf(text, sizeof(text), "%s%s", known, more);
	return ask(w, "Unused records", text);
}

static enum screen_answer ask_second(struct wizard *w, const struct work *s)
{
	char text[700], stick[400];

	screen_text(stick, sizeof(stick), s->hit.stick, 60, true);
	snprintf(text, sizeof(text), "%ld of these keys (%s the first) went onto the stick\n%s\n"
		 "on %s%s.\n\nTwo machines must not get one key. Go on only if that stick is gone "
		 "or will not be used.", s->elsewhere, s->hit.pid, stick, s->hit.time,
		 s->hit.same_device ? ", a stick of the same maker, model, serial number and size"
		 : "");
	return ask(w, "Keys that are on another stick", text);
}

/* A question that comes up while a stick is made ready. Whoever says no has ended it. */
static int ask_in_window(void *context, enum work_question question, struct work *s,
			 struct fault *fault)
{
	struct wizard *w = context;
	enum screen_answer answer = SCREEN_BACK;

	if (question == WORK_UNUSED)
		answer = ask_unused(w, s, fault);
	else if (question == WORK_SECOND)
		answer = ask_second(w, s);
	return answer == SCREEN_CHOSEN ? 0 : KIT_ERR_CANCELLED;
}

/* Windows show what was kept, and lists of files, in their own words. */
static void say_nothing(void *context, const char *text)
{
}

static void show_no_search(void *context, const struct work *s, uint64_t done, uint64_t total)
{
}

void wizard_make_face(struct wizard *w)
{
	w->face = (struct work_face){
		.ask = ask_in_window, .note = say_nothing, .warn = say_nothing,
		.searched = show_no_search, .context = w,
	};
}

static enum screen_answer confirm(struct wizard *w, struct work *s, struct fault *fault)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	enum screen_answer answer = SCREEN_BACK;

	if (out) {
		print_stick(out, w, s);
		if (!fclose(out) && text)
			answer = ask(w, "3. Write to this stick?", text);
	} else {
		fault_nomem(fault);
	}
	free(text);
	return answer;
}

/* Guards, plan and questions: SCREEN_CHOSEN when the stick may be written. */
static enum screen_answer get_ready(struct wizard *w, struct work *s, const char *path,
				    struct fault *fault)
{
	int rc = work_open(s, &w->options, &w->face, path, WORK_WRITE, fault);

	if (!rc)
		rc = wizard_load(w, &s->content, NULL, fault);
	if (!rc)
		rc = work_ready(s, w->layout, fault);
	return rc ? SCREEN_BACK : confirm(w, s, fault);
}

/* Where that is kept which was on the stick. */
static void print_kept(FILE *out, const char *before, const struct work *s)
{
	char first[80];

	if (!s->copies)
		return;
	if (s->copies == 1)
		snprintf(first, sizeof(first), "%sThe setup.bin that was on it is kept in ",
			 before);
	else
		snprintf(first, sizeof(first), "%s%u setup.bin files that were on it are kept, the "
			 "last in ", before, s->copies);
	print_cell(out, first, s->kept);
}

static void print_ready(FILE *out, const struct work *s, const char *rules,
			const struct fault *late)
{
	const struct verify_summary *v = &s->summary;
	const struct sbin_summary *c = &v->contents;
	char post[SBIN_POST_TEXT];

	sbin_post_text(c->post_seconds, post);
	fprintf(out, "\nVerify: firmware will see it. %u rules passed, %u warned, none failed.\n",
		v->passed, v->warned);
	fputs(rules, out);
	fprintf(out, "Layout: %s\n", layout_name(s->plan.layout.kind));
	fprintf(out, "Keys:   ");
	print_keys(out, c);
	fprintf(out, "Expect %s more in each machine's POST.\n", post);
	print_kept(out, "", s);
	if (late->code)
		fprintf(out, "%s; it will after the stick is pulled.\n", late->what);
	if (!target_is_image(s->t))
		fprintf(out, "\nPULL THE STICK NOW: other systems leave files on it.\n");
}

static void print_failed(FILE *out, const struct work *s, const char *rules)
{
	fprintf(out, "\n%s\n%s%s\n",
		s->fault.what[0] ? s->fault.what : error_text(s->fault.code), rules, s->fault.hint);
	print_kept(out, "", s);
	if (s->fault.code != KIT_ERR_VERIFY)
		fprintf(out, "\nThis stick is not ready. Do not use it before it is prepared "
			"again.\n");
}

/* For the lines that stay on the terminal when the windows are gone. */
static void log_stick(struct wizard *w, const struct work *s, const char *rules)
{
	if (s->fault.code) {
		/* The fault names the stick. */
		fprintf(w->log, "NOT ready: %s\n",
			s->fault.what[0] ? s->fault.what : error_text(s->fault.code));
		fputs(rules, w->log);
		if (s->fault.hint[0])
			fprintf(w->log, "  %s\n", s->fault.hint);
	} else {
		fprintf(w->log, "%s: ready; ", s->path);
		print_keys(w->log, &s->summary.contents);
	}
	if (work_failed_status(s) > w->status)
		w->status = work_failed_status(s);
	w->sticks++;
	print_kept(w->log, "  ", s);
}

/* The stick is let go before the text is shown, so that it can be pulled. */
static enum screen_answer show_result(struct wizard *w, const char *title, const char *text,
				      bool *another)
{
	static const char *const buttons[] = { "Next stick", "Other setup.bin", "Leave" };
	enum screen_answer answer;
	size_t pressed;

	if (w->screen.left)
		return SCREEN_LEAVE;
	answer = screen_show(&w->screen, title, text, buttons, 3, &pressed);
	*another = answer == SCREEN_CHOSEN && pressed == 1;
	if (answer == SCREEN_LEAVE || (answer == SCREEN_CHOSEN && pressed == 2))
		return SCREEN_LEAVE;
	return SCREEN_CHOSEN;
}

enum screen_answer wizard_write(struct wizard *w, const char *path, bool *another)
{
	struct work *s = calloc(1, sizeof(*s));
	struct judge_thread job = { .stick = s };
	struct fault fault = { 0 };
	char *rules = NULL, *text = NULL;
	size_t rules_size = 0, size = 0;
	enum screen_answer answer = SCREEN_BACK;
	FILE *out;
	bool failed;

	*another = false;
	job.rules = open_memstream(&rules, &rules_size);
	out = open_memstream(&text, &size);
	if (!s || !job.rules || !out) {
		fault_nomem(&fault);
		goto out;
	}
	answer = get_ready(w, s, path, &fault);
	if (answer != SCREEN_CHOSEN)
		goto out;
	/* Copies and journal first: nothing is overwritten before it is safe somewhere else. */
	if (work_secure(s, NULL, &fault)) {
		answer = SCREEN_BACK;
		goto out;
	}
	watch_job(w, &job);
	fflush(job.rules);
	print_cell(out, "", path);
	if (s->fault.code)
		print_failed(out, s, rules ? rules : "");
	else
		print_ready(out, s, rules ? rules : "", &job.late);
	log_stick(w, s, rules ? rules : "");
	failed = s->fault.code != 0;
	work_close(s);
	if (!fflush(out) && text)
		answer = show_result(w, failed ? "5. NOT READY" : "5. Ready", text, another);
out:
	if (s)
		work_close(s);
	free(s);
	if (job.rules)
		fclose(job.rules);
	if (out)
		fclose(out);
	free(rules);
	free(text);
	if (fault.code && !w->screen.left)
		answer = screen_fault(&w->screen, "This stick was not written", &fault);
	return w->screen.left ? SCREEN_LEAVE : answer;
}
