/* ukpu: minding the keys: none onto two sticks, none lost with a stick that is overwritten. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ukpu/stick/state.h"
#include "ukpu/cli/ukpu.h"

static bool forced(const struct ukpu_stick *s)
{
	return cli_has(s->cli, "force-contents");
}

/* The PIDs in s->content; contents that were forced may be anything, then there are none. */
static int take_pids(struct ukpu_stick *s, char (**pids)[PID_LENGTH + 1], size_t *n,
		     struct fault *fault)
{
	struct fault why = { 0 };
	int rc = journal_pids(&s->content, pids, n, &why);

	if (rc && forced(s))
		return 0;
	return rc ? fault_pass(fault, &why) : 0;
}

static int64_t journal_size(const char *journal)
{
	struct stat st;

	return stat(journal, &st) ? 0 : st.st_size;
}

long ukpu_keys_elsewhere(struct ukpu_stick *s, struct journal_hit *hit, struct fault *fault)
{
	char (*pids)[PID_LENGTH + 1] = NULL;
	char journal[PATH_MAX];
	size_t n = 0;
	long found;
	int rc = state_path("journal", journal, sizeof(journal), fault);

	if (!rc)
		rc = take_pids(s, &pids, &n, fault);
	if (rc)
		return rc;
	s->journal_bytes = journal_size(journal);
	found = journal_elsewhere(journal, s->nameless ? NULL : s->identity,
				  (const char(*)[PID_LENGTH + 1]) pids, n, hit, fault);
	free(pids);
	s->keys_looked_up = true;
	s->keys_elsewhere = found;
	return found;
}

int ukpu_guard_second(struct ukpu_stick *s, struct fault *fault)
{
	char question[500];
	struct journal_hit hit;
	long found = ukpu_keys_elsewhere(s, &hit, fault);

	if (found <= 0 || cli_has(s->cli, "second-stick"))
		return found < 0 ? (int)found : 0;
	if (cli_has(s->cli, "yes") || cli_has(s->cli, "dry-run")) {
		return fault_set(fault, KIT_ERR_EXISTS, "%ld of these keys (%s the first) went "
				 "onto the stick %.150s on %s\n"
				 "two machines must not get one key: if the other stick is gone or "
				 "will not be used, add --second-stick", found, hit.pid, hit.stick,
				 hit.time);
	}
	snprintf(question, sizeof(question),
		 "%ld of these keys (%s the first) went onto the stick %.150s on "
		 "%s. Two machines must not get one key. Put them on %.100s, too? Type \"yes\": ",
		 found, hit.pid, hit.stick, hit.time, s->path);
	return ukpu_ask_yes(s, question, "--second-stick if that stick is gone or will not be "
			    "used", fault);
}

int ukpu_note_keys(struct ukpu_stick *s, struct fault *fault)
{
	char (*pids)[PID_LENGTH + 1] = NULL;
	char journal[PATH_MAX];
	long known = s->keys_elsewhere, now;
	struct journal_hit hit;
	size_t n = 0;
	int rc = state_path("journal", journal, sizeof(journal), fault);

	if (!rc)
		rc = take_pids(s, &pids, &n, fault);
	/* Questions take their time, and somebody else may be at work with the same file. */
	while (!rc) {
		rc = journal_put(journal, s->keys_looked_up ? s->journal_bytes : -1, s->identity,
				(const char(*)[PID_LENGTH + 1]) pids, n, fault);
		if (rc != KIT_ERR_BUSY || fault->code)
			break;
		now = ukpu_keys_elsewhere(s, &hit, fault);
		rc = now < 0 ? (int)now : 0;
		if (now <= known)
			continue;
		rc = fault_set(fault, KIT_ERR_EXISTS, "meanwhile keys of this file went onto the "
			      "stick %.150s (%s)\n"
			      "two machines must not get one key: start again", hit.stick, hit.pid);
	}
	free(pids);
	return rc;
}

void ukpu_note_written(struct ukpu_stick *s)
{
	char journal[PATH_MAX];

	/* When it fails, a question too many is asked for the keys that were there before. */
	if (!s->nameless && s->content.size &&
	    !state_path("journal", journal, sizeof(journal), NULL))
		journal_done(journal, s->identity, NULL);
}

int ukpu_note_gone(struct ukpu_stick *s, struct fault *fault)
{
	char journal[PATH_MAX];
	int rc = state_path("journal", journal, sizeof(journal), fault);

	/* Another stick of its kind may still hold what the journal says of it. */
	return rc || s->nameless ? rc : journal_gone(journal, s->identity, fault);
}

void ukpu_print_pids(struct ukpu_stick *s, const char *what)
{
	char (*pids)[PID_LENGTH + 1] = NULL, shown[PID_SHOWN + 1];
	size_t n = 0;

	if (!take_pids(s, &pids, &n, NULL)) {
		printf("  %s:", what);
		for (size_t i = 0; i < n; i++) {
			pidpps_show_pid(pids[i], shown);
			printf(" %s", shown);
		}
		putchar('\n');
	}
	free(pids);
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

unsigned long ukpu_unused(const struct ukpu_stick *s)
{
	unsigned long n = s->found.deleted_left;

	for (size_t i = 0; i < s->found.n; i++) {
		if (!is_copy(&s->found, i))
			n += s->found.candidate[i].left;
	}
	return n;
}

int ukpu_guard_unused(struct ukpu_stick *s, struct fault *fault)
{
	unsigned long unused = ukpu_unused(s);

	if (s->found.more && cli_has(s->cli, "overwrite-unused"))
		cli_warn(s->cli, "%s holds more than %d setup.bin files: no copy is kept of the "
			 "others", s->path, FIND_MAX);
	if (s->found.deleted_left && cli_has(s->cli, "overwrite-unused"))
		cli_warn(s->cli, "%s: %lu of its unused records are in no file any more: no copy "
			 "is kept of them", s->path, s->found.deleted_left);
	if ((!unused && !s->found.more) || cli_has(s->cli, "overwrite-unused"))
		return 0;
	if (!unused) {
		return fault_set(fault, KIT_ERR_EXISTS, "%s holds more than %d setup.bin files\n"
				 "save them by other means, or let them go with --overwrite-unused",
				 s->path, FIND_MAX);
	}
	if (s->found.deleted_left) {
		return fault_set(fault, KIT_ERR_EXISTS, "%s still has %lu unused record%s, of "
				 "which %lu in no file any more\n"
				 "overwrite it with --overwrite-unused, which first keeps a copy "
				 "of what is in files, and none of the rest", s->path, unused,
				 plural(unused), s->found.deleted_left);
	}
	return fault_set(fault, KIT_ERR_EXISTS, "%s still has %lu unused record%s\n"
			 "use it up, take another stick, or overwrite it with --overwrite-unused, "
			 "which first keeps a copy of its setup.bin", s->path, unused,
			 plural(unused));
}

int ukpu_backup(struct ukpu_stick *s, const struct content *content, const char *path,
		unsigned left, struct fault *fault)
{
	const char *last = strrchr(s->identity, '/');
	int rc = state_backup(content, path, last ? last + 1 : s->identity,
			     path && cli_has(s->cli, "force"), s->kept, sizeof(s->kept), fault);

	s->copies += !rc;
	if (!rc)
		cli_note(s->cli, "%s: a copy of its setup.bin with %u unused record%s is in %s",
			 s->path, left, plural(left), s->kept);
	return rc;
}

int ukpu_save_unused(struct ukpu_stick *s, const uint8_t *but, struct fault *fault)
{
	for (size_t i = 0; i < s->found.n; i++) {
		const struct find_candidate *c = &s->found.candidate[i];
		struct content content = { 0 };
		int rc;

		if (!c->left || is_copy(&s->found, i) ||
		    (but && !memcmp(but, c->digest, sizeof(c->digest))))
			continue;
		rc = content_take(&content, &c->file, fault);
		if (!rc)
			rc = ukpu_backup(s, &content, NULL, c->left, fault);
		content_wipe(&content);
		if (rc)
			return rc;
	}
	return 0;
}
