/* One stick or image file at work: opened behind its guards, searched, planned, written, judged. */
#ifndef UKPU_STICK_WORK_H
#define UKPU_STICK_WORK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/error.h"
#include "ukpu/drive/target.h"
#include "ukpu/drive/usage.h"
#include "ukpu/stick/content.h"
#include "ukpu/stick/find.h"
#include "ukpu/stick/journal.h"
#include "ukpu/stick/plan.h"
#include "ukpu/stick/stick.h"
#include "ukpu/stick/verify.h"

#define WORK_LARGEST_FILE	((uint64_t)511 << 20)	/* bytes that the largest layout holds */

/*
 * What the person wants, and what they allow in advance. All zero: every guard holds. Nothing
 * here needs a terminal: a command line fills it in, and so does a window.
 */
struct work_options {
	bool image;		/* paths name image files, not block devices */
	bool dry_run;		/* nothing may change */
	bool allow_non_usb, allow_large, allow_system, allow_mounted;	/* see guard.h */
	const char *const *serials;	/* the stick must have one of these; 0 of them: any */
	size_t n_serials;
	uint64_t image_bytes;	/* make an image that is not there, with so many bytes; 0: do not */
	bool force_contents;	/* the setup.bin may have errors */
	bool overwrite_unused;	/* unused records may be overwritten, once a copy is kept */
	bool second_stick;	/* keys may be on another stick, too */
	bool discard_others;	/* other files may be lost */
	const char *save_others;	/* the folder to save them in, or NULL */
	bool replace_backup;	/* a backup may take the place of a file */
	bool own_journal;	/* that of the user, which others do not see */
};

struct work;

/* Questions that come up on the way. */
enum work_question {
	WORK_UNMOUNT,	/* work->drive is mounted: unmount it? */
	WORK_UNUSED,	/* keysafe_unused() are on it, or more files than are kept: go on? */
	WORK_SECOND,	/* work->elsewhere keys are on another stick: on this one, too? */
};

/*
 * The person at the other end: a terminal, a window, a test. Each function gets CONTEXT. None
 * of them may be NULL.
 */
struct work_face {
	/* Returns 0 for yes. Anything else is the error that the work then ends with. */
	int (*ask)(void *context, enum work_question question, struct work *w,
		   struct fault *fault);
	void (*note)(void *context, const char *text);
	void (*warn)(void *context, const char *text);
	/* A search of TOTAL bytes has done DONE of them; 0 at its beginning, TOTAL at its end. */
	void (*searched)(void *context, const struct work *w, uint64_t done, uint64_t total);
	void *context;
};

struct work {
	const struct work_options *options;
	const struct work_face *face;
	const char *path;
	char words[PATH_MAX + 16];	/* PATH on a command line: after --image, for an image */
	struct target *t;
	struct drive drive;		/* of a block device, as the guards saw it */
	char serial[230];		/* its serial number for people; "-" for an image */
	struct usage usage;		/* of a block device */
	struct identity id;		/* for the journal */
	int64_t journal_stick;		/* keysafe_note() noted that it gets its keys: its row */
	bool keys_looked_up;		/* keysafe_elsewhere() was asked; then: */
	long elsewhere;			/* its answer */
	struct journal_hit hit;		/* and the first of them */
	char contents[400];		/* what is on it, for people */
	bool created;			/* an image that was made for this */
	unsigned copies;		/* that keysafe_backup() kept */
	char kept[PATH_MAX];		/* the last of them; "" for none */
	struct find found;		/* what work_search() found */
	struct content content;		/* what is to be written; empty for retire */
	struct plan plan;
	struct verify_summary summary;
	struct fault fault;		/* how writing it went */
};

enum work_flags {
	WORK_WRITE = 1,		/* guards, exclusive */
	WORK_CREATE = 2,	/* an image that is not there is made, with options->image_bytes */
};

/*
 * Open PATH. With WORK_WRITE a block device that something speaks against is refused unless the
 * option for it was given, and a mounted one is unmounted once the person said yes. OPTIONS, FACE
 * and PATH must outlive W. Returns 0 or a fault. Close with work_close() in either case.
 */
int work_open(struct work *w, const struct work_options *options, const struct work_face *face,
	      const char *path, unsigned flags, struct fault *fault);
/* An image that was made, but never written to, is removed again. W may be all zero. */
void work_close(struct work *w);

/* Was the stick named by one of the serial numbers? False with none given, and for an image. */
bool work_serial_named(const struct work *w);

/* Are they the same file, or nodes of the same device? */
bool work_same_file(const struct stat *a, const struct stat *b);

/*
 * Search DISK, the stick through its cache or past it, for setup.bin files into w->found. FLAGS:
 * see find.h. Returns as find_run().
 */
int work_search(struct work *w, const struct disk *disk, unsigned flags, struct fault *fault);

/*
 * Plan w->content in layout KIND; old setup.bin files that were found are wiped. WIPE_ALL: so is
 * every byte. Returns as plan_make().
 */
int work_plan(struct work *w, enum layout_kind kind, bool wipe_all, struct fault *fault);

/*
 * Everything that can go wrong before the first byte of w->content is written: search, guards of
 * the keys with their questions, plan. Returns 0 or a fault.
 */
int work_ready(struct work *w, enum layout_kind kind, struct fault *fault);

/*
 * Copies of unused records, then the journal: nothing is overwritten before it is safe somewhere
 * else. BUT: as keysafe_save_unused(). Returns 0 or a fault.
 */
int work_secure(struct work *w, const uint8_t *but, struct fault *fault);

/*
 * Verify the stick that was written, past the cache, when it is certain that it is still the same;
 * each result goes to FOUND. A bad verdict is a fault of the stick's, too: w->fault. A plan
 * without a file is not verified by rule.
 */
void work_judge(struct work *w, void (*found)(void *context, const struct verify_result *result),
		void *context);

/* Run the verify rules over DISK, the stick's target; each result goes to FOUND. */
int work_verify(struct work *w, const struct disk *disk,
		void (*found)(void *context, const struct verify_result *result), void *context,
		struct fault *fault);

/*
 * Check the SETUP.BIN on the stick, read past the cache. Returns 0; KIT_ERR_NOT_FOUND or
 * KIT_ERR_FORMAT (the answer is no); or an error of reading.
 */
int work_status(struct work *w, struct sbin_summary *summary, struct fault *fault);

/* Say something to the person: face->note, face->warn, formatted. At most 5,000 bytes. */
void work_note(const struct work *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void work_warn(const struct work *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The exit status for a stick that failed: no, when it is written but unfit; else could not. */
int work_failed_status(const struct work *w);

#endif
