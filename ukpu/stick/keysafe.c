/* The keys of a stick at work: which are on other sticks, which would be lost. */
#include "ukpu/stick/keysafe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ukpu/stick/state.h"

int keysafe_pids(struct work *w, char (**pids)[PID_LENGTH + 1], size_t *n, struct fault *fault)
{
	struct fault why = { 0 };
	int rc = journal_pids(&w->content, pids, n, &why);

	if (rc && w->options->force_contents)
		return 0;
	return rc ? fault_pass(fault, &why) : 0;
}

/* One journal of before, as state_earlier() finds it. */
struct taking {
	struct work *w;
	struct journal *journal;
	const char *path;	/* of the journal itself */
	bool all;		/* those of all users, of which a bad one must not stop others */
	bool failed;		/* with one of them */
};

static int take_over(void *context, const char *path, struct fault *fault)
{
	struct taking *t = context;
	struct fault why = { 0 };
	struct stat a, b;
	int rc;

	if (!stat(path, &a) && !stat(t->path, &b) && work_same_file(&a, &b))
		return 0;
	rc = journal_take_over(t->journal, path, &why);
	if (rc == 1)
		work_note(t->w, "the journal of sticks %s is taken over into %s", path, t->path);
	if (rc >= 0)
		return 0;
	if (!t->all)
		return fault_pass(fault, &why);
	t->failed = true;
	work_warn(t->w, "%s; which keys it has on which stick is not known here", why.what);
	return 0;
}

/* The journal that the options name, with what earlier ones had. */
static int open_journal(struct work *w, struct journal **out, struct fault *fault)
{
	char path[PATH_MAX];
	struct taking taking = { .w = w, .path = path };
	bool done = true;
	int rc = state_journal(STATE_MACHINE, w->options->own_journal, path, sizeof(path), fault);

	*out = NULL;
	if (!rc)
		rc = journal_open(out, path, NULL, fault);
	if (rc)
		return rc;
	taking.journal = *out;
	/* Root can read what all users of this machine had; once that is done, it is noted. */
	if (!strncmp(path, STATE_MACHINE "/", strlen(STATE_MACHINE "/")) && !geteuid())
		rc = journal_all_taken(*out, &done, fault);
	taking.all = !done;
	if (!rc)
		rc = state_earlier(taking.all, take_over, &taking, fault);
	if (!rc && taking.all && !taking.failed)
		rc = journal_note_all_taken(*out, fault);
	if (rc)
		journal_close(out);
	return rc;
}

long keysafe_elsewhere(struct work *w, struct fault *fault)
{
	char (*pids)[PID_LENGTH + 1] = NULL;
	struct journal *journal = NULL;
	size_t n = 0;
	long found = 0;
	int rc = keysafe_pids(w, &pids, &n, fault);

	if (!rc)
		rc = open_journal(w, &journal, fault);
	if (!rc)
		found = journal_elsewhere(journal, &w->id, (const char(*)[PID_LENGTH + 1]) pids, n,
					  &w->hit, fault);
	journal_close(&journal);
	free(pids);
	if (rc)
		return rc;
	w->keys_looked_up = true;
	w->elsewhere = found;
	return found;
}

int keysafe_guard_second(struct work *w, struct fault *fault)
{
	long found = keysafe_elsewhere(w, fault);

	if (found <= 0 || w->options->second_stick)
		return found < 0 ? (int)found : 0;
	return w->face->ask(w->face->context, WORK_SECOND, w, fault);
}

int keysafe_note(struct work *w, struct fault *fault)
{
	char (*pids)[PID_LENGTH + 1] = NULL, mark[IDENTITY_MARK];
	struct journal *journal = NULL;
	size_t n = 0;
	int rc = keysafe_pids(w, &pids, &n, fault);

	identity_plan_mark(&w->plan, mark);
	if (!rc)
		rc = open_journal(w, &journal, fault);
	/* Questions take their time, and somebody else may be at work with the same file. */
	if (!rc)
		rc = journal_put(journal, &w->id, mark, w->keys_looked_up ? w->elsewhere : -1,
				 (const char(*)[PID_LENGTH + 1]) pids, n, &w->journal_stick, fault);
	journal_close(&journal);
	free(pids);
	return rc;
}

void keysafe_note_written(struct work *w)
{
	struct journal *journal = NULL;

	/* When it fails, a question too many is asked for the keys that were there before. */
	if (w->journal_stick && !open_journal(w, &journal, NULL))
		journal_done(journal, w->journal_stick, NULL);
	journal_close(&journal);
}

int keysafe_note_gone(struct work *w, struct fault *fault)
{
	char mark[IDENTITY_MARK];
	struct journal *journal = NULL;
	int rc = open_journal(w, &journal, fault);

	identity_plan_mark(&w->plan, mark);
	if (!rc)
		rc = journal_gone(journal, &w->id, mark, fault);
	journal_close(&journal);
	return rc;
}

/* Is candidate I a copy of one before it? */
static bool is_copy(const struct find *f, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (!memcmp(f->candidate[k].digest, f->candidate[i].digest,
			    sizeof(f->candidate[i].digest)))
			return true;
	}
	return false;
}

unsigned long keysafe_unused(const struct work *w)
{
	unsigned long n = w->found.deleted_left;

	for (size_t i = 0; i < w->found.n; i++) {
		if (!is_copy(&w->found, i))
			n += w->found.candidate[i].left;
	}
	return n;
}

int keysafe_guard_unused(struct work *w, struct fault *fault)
{
	if (!keysafe_unused(w) && !w->found.more)
		return 0;
	if (!w->options->overwrite_unused)
		return w->face->ask(w->face->context, WORK_UNUSED, w, fault);
	if (w->found.more)
		work_warn(w, "%s holds more than %d setup.bin files: no copy is kept of the others",
			  w->path, FIND_MAX);
	if (w->found.deleted_left)
		work_warn(w, "%s: %lu of its unused records are in no file any more: no copy is "
			  "kept of them", w->path, w->found.deleted_left);
	return 0;
}

int keysafe_backup(struct work *w, const struct content *content, const char *path, unsigned left,
		   struct fault *fault)
{
	const char *last = strrchr(w->id.name, '/');
	int rc = state_backup(content, path, last ? last + 1 : w->id.name,
			      path && w->options->replace_backup, w->kept, sizeof(w->kept), fault);

	w->copies += !rc;
	if (!rc)
		work_note(w, "%s: a copy of its setup.bin with %u unused record%s is in %s",
			  w->path, left, plural(left), w->kept);
	return rc;
}

int keysafe_save_unused(struct work *w, const uint8_t *but, struct fault *fault)
{
	for (size_t i = 0; i < w->found.n; i++) {
		const struct find_candidate *c = &w->found.candidate[i];
		struct content content = { 0 };
		int rc;

		if (!c->left || is_copy(&w->found, i) ||
		    (but && !memcmp(but, c->digest, sizeof(c->digest))))
			continue;
		rc = content_take(&content, &c->file, fault);
		if (!rc)
			rc = keysafe_backup(w, &content, NULL, c->left, fault);
		content_wipe(&content);
		if (rc)
			return rc;
	}
	return 0;
}
