/* ukpu repair: the setup.bin of a spoiled stick, found, kept, and the stick rebuilt around it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ukpu/cli/ukpu.h"

const struct cli_option ukpu_repair_options[] = {
	{ "from", 0, "FILE", "rebuild from this backup instead of what is on the stick", CLI_FILE,
	  0 },
	{ "pick", 0, "N", "of several setup.bin files take this one", 0, 0 },
	{ "layout", 0, "NAME",
	  "fat16, fat32 or superfloppy (default: its own if sound, else fat16)", 0, 0 },
	{ "backup", 0, "FILE", "keep the copy of setup.bin there (default: in the state folder)",
	  CLI_FILE, 0 },
	{ "force", 0, NULL, "let --backup replace a file that exists", 0, 0 },
	{ "force-contents", 0, NULL, "rebuild it although the setup.bin itself has errors", 0, 0 },
	{ "discard-other-files", 0, NULL, "other files on the stick may be lost", 0, 0 },
	{ "save-other-files", 0, "FOLDER", "save them there first", CLI_FILE, 0 },
	{ "second-stick", 0, NULL, "its keys are on another stick, too: go on", 0, 0 },
	UKPU_WRITE_OPTIONS,
	{ NULL, 0, NULL, NULL, 0, 0 },
};

/* What verify makes of the stick as it is. */
struct state {
	unsigned mendable;	/* rules not passed that a rebuilt layout mends */
	bool layout_sound;	/* no rule on table and boot sector failed */
};

static void take_result(void *context, const struct verify_result *r)
{
	struct state *state = context;

	if (r->verdict == VERIFY_PASS || !strcmp(r->group, "device") ||
	    !strcmp(r->group, "contents"))
		return;
	state->mendable++;
	if (r->verdict == VERIFY_FAIL && (!strcmp(r->group, "table") || !strcmp(r->group, "boot")))
		state->layout_sound = false;
}

/*
 * The candidates that are worth asking about: distinct contents. A damaged one is left out only if
 * a sound one stands in no worse a place: a deleted file may be from before the one that is there.
 */
static size_t list_choices(const struct find *f, const struct find_candidate **out)
{
	enum find_how sound = FIND_CLUSTER + 1;
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++) {
		if (f->candidate[i].sound && f->candidate[i].how < sound)
			sound = f->candidate[i].how;
	}
	for (size_t i = 0; i < f->n; i++) {
		const struct find_candidate *c = &f->candidate[i];
		size_t k = 0;

		if (!c->sound && sound <= c->how)
			continue;
		while (k < n && memcmp(out[k]->digest, c->digest, sizeof(c->digest)))
			k++;
		if (k == n)
			out[n++] = c;
	}
	return n;
}

static void show_candidate(const char *name, const struct find_candidate *c)
{
	fprintf(stderr, "%s: %s%s%s; %u record%s, %u left%s%s%s\n", name, c->path,
		c->path[0] ? ", " : "", find_how_name(c->how), c->records, plural(c->records),
		c->left,
		c->next_pid[0] ? ", next PID " : "", c->next_pid, c->sound ? "" : "; damaged");
}

/* One of several: by --pick, or asked for. */
static int choose(struct ukpu_stick *s, const struct find_candidate *const *choice, size_t n,
		  const struct find_candidate **out, struct fault *fault)
{
	uint64_t pick = 0;
	char answer[24];
	int rc = cli_number(s->cli, "pick", 1, n ? n : 1, &pick, fault);

	if (rc)
		return rc;
	if (!pick && n > 1) {
		for (size_t i = 0; i < n; i++) {
			snprintf(answer, sizeof(answer), "%zu", i + 1);
			show_candidate(answer, choice[i]);
		}
		if (cli_has(s->cli, "yes") || cli_has(s->cli, "dry-run") ||
		    cli_ask(s->cli, "Which one? ", answer, sizeof(answer), NULL)) {
			return fault_set(fault, KIT_ERR_STATE, "%s: %zu different setup.bin files "
					 "are on it\n"
					 "say which one to keep: --pick N", s->path, n);
		}
		pick = strtoull(answer, NULL, 10);
		if (pick < 1 || pick > n)
			return fault_set(fault, KIT_ERR_CANCELLED,
					 "\"%s\" is none of 1 to %zu, so nothing was done",
					 answer, n);
	}
	*out = choice[pick ? pick - 1 : 0];
	return 0;
}

/* Find the setup.bin on the stick; first where directories lead, then everywhere. */
static int take_from_stick(struct ukpu_stick *s, const struct find_candidate **keep,
			   struct fault *fault)
{
	const struct find_candidate *choice[FIND_MAX];
	size_t n;
	int rc = ukpu_stick_search(s, target_disk(s->t), FIND_DEEP, fault);

	if (rc)
		return rc;
	n = list_choices(&s->found, choice);
	if (!n) {
		return fault_set(fault, KIT_ERR_NOT_FOUND, "%s: no setup.bin is to be found on it: "
				 "not by name, not deleted, and no header anywhere; the stick is "
				 "left as it is\n"
				 "rebuild it from a backup (--from FILE), or make it anew: ukpu "
				 "prepare %s setup.bin", s->path, s->words.text);
	}
	rc = choose(s, choice, n, keep, fault);
	if (rc)
		return rc;
	if (!(*keep)->sound && !cli_has(s->cli, "force-contents")) {
		return fault_set(fault, KIT_ERR_FORMAT, "%s: its setup.bin (%s%s%s) is damaged "
				 "itself, so a new layout does not mend it; the stick is left as "
				 "it is\n"
				 "rebuild it from a backup (--from FILE); or keep the bytes as "
				 "they are with --force-contents", s->path, (*keep)->path,
				 (*keep)->path[0] ? ", " : "", find_how_name((*keep)->how));
	}
	rc = content_take(&s->content, &(*keep)->file, fault);
	/* Its keys may have been given to another stick since this one was spoiled. */
	if (!rc && !s->nameless)
		rc = ukpu_guard_second(s, fault);
	return rc;
}

static int take_from_file(struct ukpu_stick *s, const char *path, struct fault *fault)
{
	struct sbin_summary summary;
	int rc = content_read(&s->content, path, UKPU_LARGEST_FILE, fault);

	if (!rc)
		rc = content_check(&s->content, path, NULL, NULL, &summary, fault);
	if (!rc && summary.errors && !cli_has(s->cli, "force-contents")) {
		rc = fault_set(fault, KIT_ERR_FORMAT, "%s has %lu error%s\n"
			      "see them with amt-setupbin check, or go on with --force-contents",
			      path, summary.errors, plural(summary.errors));
	}
	/* What else is on the stick is looked for all the same, to be listed and kept. */
	if (!rc)
		rc = ukpu_stick_search(s, target_disk(s->t), FIND_DEEP, fault);
	if (!rc)
		rc = ukpu_guard_second(s, fault);
	return rc;
}

/* A copy that goes to the stick itself, or to nowhere, is none. */
static int check_backup(const struct ukpu_stick *s, const char *path, struct fault *fault)
{
	struct stat here, there;

	if (!path)
		return 0;
	if (!strcmp(path, "-")) {
		return fault_set(fault, KIT_ERR_ARGUMENT, "the backup goes into a file, not to "
				 "standard output\n"
				 "name a file, or leave --backup out");
	}
	if (!stat(path, &here) && !fstat(target_fd(s->t), &there) && ukpu_same_file(&here, &there))
		return fault_set(fault, KIT_ERR_ARGUMENT, "%s is what is repaired, and cannot hold "
				 "its own backup", path);
	return 0;
}

/* Decide everything and plan it; DIGEST is that of what will be on the stick. 1: nothing to do. */
static int get_ready(struct ukpu_stick *s, const struct find_candidate **keep,
		     uint8_t digest[CONTENT_DIGEST], struct fault *fault)
{
	struct cli *cli = s->cli;
	struct state state = { .layout_sound = true };
	enum layout_kind kind = LAYOUT_FAT16;
	const char *from = cli_value(cli, "from");
	int rc = check_backup(s, cli_value(cli, "backup"), fault);

	if (!rc && cli_has(cli, "layout"))
		rc = layout_parse(cli_value(cli, "layout"), &kind, fault);
	if (rc)
		return rc;
	rc = ukpu_verify_stick(s, target_disk(s->t), take_result, &state, fault);
	if (rc)
		return rc;
	if (!cli_has(cli, "layout") && s->summary.layout_known && state.layout_sound)
		kind = s->summary.layout;
	if (!state.mendable && !from && s->summary.layout_known && kind == s->summary.layout)
		return 1;
	rc = from ? take_from_file(s, from, fault) : take_from_stick(s, keep, fault);
	if (!rc)
		rc = content_digest(&s->content, digest, fault);
	if (!rc)
		rc = ukpu_guard_others(s, digest, fault);
	if (!rc)
		rc = ukpu_stick_plan(s, kind, false, fault);
	return rc;
}

/* Everything that must be safe before the first byte is written. */
static int keep_all(struct ukpu_stick *s, const struct find_candidate *keep,
		    const uint8_t digest[CONTENT_DIGEST], struct fault *fault)
{
	int rc = ukpu_save_others(s, digest, fault);

	if (!rc && keep)
		rc = ukpu_backup(s, &s->content, cli_value(s->cli, "backup"), keep->left, fault);
	if (!rc)
		rc = ukpu_save_unused(s, digest, fault);
	if (!rc)
		rc = ukpu_note_keys(s, fault);
	return rc;
}

int ukpu_repair(struct cli *cli)
{
	const struct find_candidate *keep = NULL;
	uint8_t digest[CONTENT_DIGEST];
	struct ukpu_stick s;
	struct fault fault = { 0 };
	int status = EXIT_CANNOT, rc;

	if (cli_has(cli, "from") && (cli_has(cli, "pick") || cli_has(cli, "backup")))
		return cli_misuse(cli, "with --from nothing on the stick is picked: leave "
				       "--pick and --backup out");
	rc = ukpu_stick_open(&s, cli, cli->argv[0], UKPU_WRITE, &fault);
	if (!rc)
		rc = get_ready(&s, &keep, digest, &fault);
	if (rc == 1 && s.summary.failed) {
		/* The device or the file itself: a new layout does not mend that. */
		fault_set(&fault, KIT_ERR_UNFIT, "%s: there is nothing to repair, its layout is "
			  "sound, but firmware would not take it\n"
			  "see what else is wrong: ukpu verify %s", s.path, s.words.text);
		status = EXIT_NO;
		goto out;
	}
	if (rc == 1) {
		cli_note(cli, "%s is sound: there is nothing to repair", s.path);
		status = EXIT_YES;
		goto out;
	}
	if (rc == KIT_ERR_NOT_FOUND && s.t && !cli_has(cli, "from"))
		status = EXIT_NO;
	if (!rc && keep && !cli->quiet)
		show_candidate("setup.bin", keep);
	if (!rc && cli_has(cli, "dry-run")) {
		ukpu_print_plan(&s);
		status = EXIT_YES;
		goto out;
	}
	if (!rc)
		rc = ukpu_confirm(&s, 1, "Rebuild", &fault);
	if (!rc)
		rc = keep_all(&s, keep, digest, &fault);
	if (rc)
		goto out;
	status = ukpu_write_all(&s, 1) ? ukpu_failed_status(&s) : EXIT_YES;
	if (status == EXIT_YES && !cli->quiet)
		ukpu_print_summary(&s);
out:
	if (fault.code)
		cli_fail(cli, &fault);
	ukpu_stick_close(&s);
	return status;
}
