/* ukpu: what its verbs share. */
#ifndef UKPU_CLI_UKPU_H
#define UKPU_CLI_UKPU_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/cli.h"
#include "ukpu/stick/content.h"
#include "ukpu/stick/find.h"
#include "ukpu/stick/journal.h"
#include "ukpu/stick/plan.h"
#include "ukpu/drive/target.h"
#include "ukpu/drive/usage.h"
#include "ukpu/stick/verify.h"

#define UKPU_LARGEST_FILE	((uint64_t)511 << 20)	/* what the largest layout could take */

extern const struct cli_option ukpu_list_options[];
extern const struct cli_option ukpu_prepare_options[];
extern const struct cli_option ukpu_verify_options[];
extern const struct cli_option ukpu_status_options[];
extern const struct cli_option ukpu_repair_options[];
extern const struct cli_option ukpu_retire_options[];
extern const struct cli_option ukpu_wizard_options[];

/* The options of every verb that writes; see stick_open() in ukpu-stick.c. */
#define UKPU_WRITE_OPTIONS \
	{ "image", 0, NULL, "TARGET is an image file, not a block device", 0, 0 }, \
	{ "dry-run", 0, NULL, "show the plan, write nothing", 0, 0 }, \
	{ "yes", 0, NULL, "do not ask; on a block device only together with --serial", 0, 0 }, \
	{ "serial", 0, "S", "the stick must have this serial number", CLI_REPEAT, 0 }, \
	{ "allow-non-usb", 0, NULL, "allow a disk that does not hang on USB", 0, 0 }, \
	{ "allow-large", 0, NULL, "allow a disk of more than 64 GiB", 0, 0 }, \
	{ "allow-system", 0, NULL, "allow the disk of /, /boot, /home or this program", 0, 0 }, \
	{ "allow-mounted", 0, NULL, "allow a mounted disk: it is unmounted first", 0, 0 }, \
	{ "allow-swap", 0, NULL, "allow swap on it: turned off first", 0, 0 }, \
	{ "allow-holder", 0, NULL, "allow device mapper or RAID on it: taken apart first", 0, 0 }

/* The verbs. */
int ukpu_list(struct cli *cli);
int ukpu_prepare(struct cli *cli);
int ukpu_verify(struct cli *cli);
int ukpu_status(struct cli *cli);
int ukpu_repair(struct cli *cli);
int ukpu_retire(struct cli *cli);
int ukpu_wizard(struct cli *cli);

/* PATH as it stands in a command line: with --image before it when it is an image file. */
struct ukpu_words { char text[200]; };

/* One stick or image that a verb works on. */
struct ukpu_stick {
	struct cli *cli;
	const char *path;
	struct ukpu_words words;
	struct target *t;
	struct usage usage;		/* of a block device */
	char identity[200];		/* for the journal: a serial, or the image's full path */
	bool nameless;			/* no serial of its own: the journal cannot tell it */
	bool keys_looked_up;		/* ukpu_keys_elsewhere() was asked; then: */
	long keys_elsewhere;		/* its answer */
	int64_t journal_bytes;		/* how long the journal was then */
	char contents[400];		/* what is on it, for people */
	char foreign[120];		/* a file system on it that cannot be looked into, or "" */
	bool created;			/* an image that was made for this */
	unsigned copies;		/* that ukpu_backup() kept */
	char kept[PATH_MAX];		/* the last of them; "" for none */
	struct find found;		/* what ukpu_stick_search() found */
	struct content content;		/* what is to be written; empty for retire */
	struct plan plan;
	struct verify_summary summary;
	struct fault fault;		/* how writing it went */
};

enum ukpu_open_flags {
	UKPU_WRITE = 1,		/* guards, exclusive */
	UKPU_CREATE = 2,	/* an image that is not there is made, with --size */
	UKPU_IMAGE = 4,		/* PATH is an image file, also without --image */
};

/*
 * Open PATH as the verb's options say. A block device that something speaks against is refused
 * unless the option for it was given. Returns 0 or a fault. Close with ukpu_stick_close().
 */
int ukpu_stick_open(struct ukpu_stick *s, struct cli *cli, const char *path, unsigned flags,
		    struct fault *fault);
void ukpu_stick_close(struct ukpu_stick *s);

/* Are they the same file, or nodes of the same device? */
bool ukpu_same_file(const struct stat *a, const struct stat *b);

/*
 * Search DISK, the stick through its cache or past it, for setup.bin files into s->found, with a
 * progress bar when FLAGS say deep.
 */
int ukpu_stick_search(struct ukpu_stick *s, const struct disk *disk, unsigned flags,
		      struct fault *fault);
/* Plan s->content in layout KIND; old setup.bin files that were found are wiped. */
int ukpu_stick_plan(struct ukpu_stick *s, enum layout_kind kind, bool wipe_all,
		    struct fault *fault);
void ukpu_print_plan(const struct ukpu_stick *s);

/* Have the word "yes" typed. INSTEAD: what to give where nobody can be asked. */
int ukpu_ask_yes(const struct ukpu_stick *s, const char *question, const char *instead,
		 struct fault *fault);

/*
 * Show what the sticks are and what is on them, and have the word "yes" typed; --yes instead
 * only with a --serial for each block device. DOING: "overwrite", "rebuild", ...
 */
int ukpu_confirm(struct ukpu_stick *sticks, size_t n, const char *doing, struct fault *fault);

/* ---- drives: ukpu-list.c ---- */

/* What is on the disk or image PATH with BYTES bytes, or why that cannot be told. */
void ukpu_contents(const char *path, uint64_t bytes, char *out, size_t size);
/* All that speaks against it, in one line, and or'ed (enum guard_reason); ~0u: a fault. */
unsigned ukpu_drive_judge(const struct drive *d, char *out, size_t size, struct fault *fault);

/* ---- keys: ukpu-keys.c ---- */

/* Unused records in all candidates of s->found, damaged ones included, copies counted once. */
unsigned long ukpu_unused(const struct ukpu_stick *s);
/* Refuse when there are any, without --overwrite-unused. */
int ukpu_guard_unused(struct ukpu_stick *s, struct fault *fault);
/* How many keys of s->content are on another stick by the journal, or negative; *hit: the first. */
long ukpu_keys_elsewhere(struct ukpu_stick *s, struct journal_hit *hit, struct fault *fault);
/* Ask, or refuse, when there are any. */
int ukpu_guard_second(struct ukpu_stick *s, struct fault *fault);
/*
 * Note in the journal that the stick is about to get the keys of s->content. Refused when more of
 * them have gone onto other sticks since ukpu_keys_elsewhere() was asked.
 */
int ukpu_note_keys(struct ukpu_stick *s, struct fault *fault);
/* Note that it holds them now and no others: after writing, whatever came of verifying it. */
void ukpu_note_written(struct ukpu_stick *s);
/* Note that it holds none: after it was retired. */
int ukpu_note_gone(struct ukpu_stick *s, struct fault *fault);
/* Keep a copy of CONTENT, with LEFT unused records, at PATH or (NULL) in the state folder. */
int ukpu_backup(struct ukpu_stick *s, const struct content *content, const char *path,
		unsigned left, struct fault *fault);
/*
 * Keep copies of the candidates that have unused records, but not of the one
 * whose SHA-256 is BUT (or NULL).
 */
int ukpu_save_unused(struct ukpu_stick *s, const uint8_t *but, struct fault *fault);
/* Print the PIDs of s->content, WHAT they are before them. */
void ukpu_print_pids(struct ukpu_stick *s, const char *what);

/* ---- other files: ukpu-others.c ---- */

/*
 * List the other files; refuse, unless they may be discarded or can be saved. A setup.bin on the
 * stick is one of them unless its SHA-256 is KEEP; with NULL none of them is.
 */
int ukpu_guard_others(struct ukpu_stick *s, const uint8_t *keep, struct fault *fault);
/* Save them where --save-other-files says, if it was given. */
int ukpu_save_others(struct ukpu_stick *s, const uint8_t *keep, struct fault *fault);

/* ---- writing: ukpu-write.c ---- */

/*
 * Write the plans of all sticks, side by side, and verify each past the cache; faults go into
 * each stick's. Returns the number of sticks that failed. A plan with no file is not verified by
 * rule.
 */
size_t ukpu_write_all(struct ukpu_stick *sticks, size_t n);

/*
 * Verify the stick that was written, past the cache, when it is sure that it is still the same;
 * each result goes to FOUND. A bad verdict is a fault of the stick's, too.
 */
void ukpu_judge_written(struct ukpu_stick *s,
			void (*found)(void *context, const struct verify_result *result),
			void *context);

/* The exit status for a stick that failed: no, when it is written but unfit; else could not. */
int ukpu_failed_status(const struct ukpu_stick *s);
/* In plain words what the stick is now. */
void ukpu_print_summary(const struct ukpu_stick *s);

/*
 * TEXT as a value of JSON; names from a stick or a file system here may be no UTF-8: then with '?'
 * for them. NULL: no memory.
 */
struct json_t *ukpu_json_text(const char *text);

/* Run the verify rules over DISK, the stick's target: prints what is bad, or all. */
int ukpu_verify_stick(struct ukpu_stick *s, const struct disk *disk,
		      void (*found)(void *context, const struct verify_result *result),
		      void *context, struct fault *fault);
/* A line for a verdict on stdout. CONTEXT: NULL, or anything to leave out what passed. */
void ukpu_print_result(void *context, const struct verify_result *result);

#endif
