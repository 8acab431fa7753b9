/* The keys of a stick at work: which are on other sticks, which would be lost. */
#include "ukpu/stick/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ukpu/stick/state.h"

int keys_pids(struct work *w, char (**pids)[PID_LENGTH + 1], size_t *n, struct fault *fault)
{
	struct fault why = { 0 };
	int rc = journal_pids(&w->content, pids, n, &why);

	if (rc && w->options->force_contents)
		return 0;
	return rc ? fault_pass(fault, &why) : 0;
}

static int64_t journal_size(const char *journal)
{
	struct stat st;

	return stat(journal, &st) ? 0 : st.st_size;
}

long keys_elsewhere(struct work *w, struct fault *fault)
{
	char (*pids)[PID_LENGTH + 1] = NULL;
	char journal[PATH_MAX];
	size_t n = 0;
	long found;
	int rc = state_path("journal", journal, sizeof(journal), fault);

	if (!rc)
		rc = keys_pids(w, &pids, &n, fault);
	if (rc)
		return rc;
	w->journal_bytes = journal_size(journal);
	found = journal_elsewhere(journal, w->nameless ? NULL : w->identity,
				  (const char(*)[PID_LENGTH + 1]) pids, n, &w->hit, fault);
	free(pids);
	w->keys_looked_up = true;
	w->elsewhere = found;
	return found;
}

int keys_guard_second(struct work *w, struct fault *fault)
{
	long found = keys_elsewhere(w, fault);

	if (found <= 0 || w->options->second_stick)
		return found < 0 ? (int)found : 0;
	return w->face->ask(w->face->context, WORK_SECOND, w, fault);
}

int keys_note(struct work *w, struct fault *fault)
{
	char (*pids)[PID_LENGTH + 1] = NULL;
	char journal[PATH_MAX];
	long known = w->elsewhere, now;
	size_t n = 0;
	int rc = state_path("journal", journal, sizeof(journal), fault);

	if (!rc)
		rc = keys_pids(w, &pids, &n, fault);
	/* Questions take their time, and somebody else may be at work with the same file. */
	while (!rc) {
		rc = journal_put(journal, w->keys_looked_up ? w->journal_bytes : -1, w->identity,
				(const char(*)[PID_LENGTH + 1]) pids, n, fault);
		if (rc != KIT_ERR_BUSY || fault->code)
			break;
		now = keys_elsewhere(w, fault);
		rc = now < 0 ? (int)now : 0;
		if (now <= known)
			continue;
		rc = fault_set(fault, KIT_ERR_EXISTS, "meanwhile keys of this file went onto the "
			      "stick %.150s (%s)\n"
			      "two machines must not get one key: start again", w->hit.stick, w->hit.pid);
	}
	free(pids);
	return rc;
}

void keys_note_written(struct work *w)
{
	char journal[PATH_MAX];

	/* When it fails, a question too many is asked for the keys that were there before. */
	if (!w->nameless && w->content.size &&
	    !state_path("journal", journal, sizeof(journal), NULL))
		journal_done(journal, w->identity, NULL);
}

int keys_note_gone(struct work *w, struct fault *fault)
{
	char journal[PATH_MAX];
	int rc = state_path("journal", journal, sizeof(journal), fault);

	/* Another stick of its kind may still hold what the journal says of it. */
	return rc || w->nameless ? rc : journal_gone(journal, w->identity, fault);
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

unsigned long keys_unused(const struct work *w)
{
	unsigned long n = w->found.deleted_left;

	for (size_t i = 0; i < w->found.n; i++) {
		if (!is_copy(&w->found, i))
			n += w->found.candidate[i].left;
	}
	return n;
}

int keys_guard_unused(struct work *w, struct fault *fault)
{
	if (!keys_unused(w) && !w->found.more)
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

int keys_backup(struct work *w, const struct content *content, const char *path, unsigned left,
		struct fault *fault)
{
	const char *last = strrchr(w->identity, '/');
	int rc = state_backup(content, path, last ? last + 1 : w->identity,
			      path && w->options->replace_backup, w->kept, sizeof(w->kept), fault);

	w->copies += !rc;
	if (!rc)
		work_note(w, "%s: a copy of its setup.bin with %u unused record%s is in %s",
			  w->path, left, plural(left), w->kept);
	return rc;
}

int keys_save_unused(struct work *w, const uint8_t *but, struct fault *fault)
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
			rc = keys_backup(w, &content, NULL, c->left, fault);
		content_wipe(&content);
		if (rc)
			return rc;
	}
	return 0;
}
