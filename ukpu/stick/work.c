/* A stick at work: behind its guards, searched, planned, written and judged. */
#include "ukpu/stick/work.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ukpu/drive/probe.h"
#include "ukpu/stick/guard.h"
#include "ukpu/stick/keysafe.h"

bool work_serial_named(const struct work *w)
{
	return identity_serial_given(&w->drive, w->options->serials, w->options->n_serials);
}

/* The stick must be the one that was named, before anything is done to it. */
static int check_serial(const struct work *w, struct fault *fault)
{
	struct drive *all = NULL;
	size_t n = 0;
	int rc;

	if (!w->options->n_serials)
		return 0;
	rc = drive_list(DRIVE_SYS, &all, &n, fault);
	if (!rc)
		rc = identity_check_serial(&w->drive, all, n, w->options->serials,
					   w->options->n_serials, fault);
	free(all);
	return rc ? fault_context(fault, "%s", w->path) : 0;
}

static bool is_allowed(const struct work_options *o, unsigned reason)
{
	switch (reason) {
	case GUARD_NOT_USB:
		return o->allow_non_usb;
	case GUARD_LARGE:
		return o->allow_large;
	case GUARD_SYSTEM:
		return o->allow_system;
	case GUARD_MOUNTED:
		return o->allow_mounted;
	default:
		return false;
	}
}

/* Everything that speaks against writing to the disk has been overruled, or this is refused. */
static int pass_guards(struct work *w, struct fault *fault)
{
	unsigned why, reason;
	char text[300], advice[360];
	int rc = usage_read(&w->usage, DRIVE_SYS, USAGE_PROC, &w->drive, fault);

	if (rc)
		return rc;
	why = guard_check(&w->drive, &w->usage);
	for (unsigned i = 0; (reason = guard_reason(i)); i++) {
		const char *option = guard_option(reason);

		if (!(why & reason) || is_allowed(w->options, reason))
			continue;
		guard_text(reason, &w->drive, &w->usage, text, sizeof(text));
		guard_advice(reason, &w->usage, advice, sizeof(advice));
		fault_set(fault, reason == GUARD_READ_ONLY ? KIT_ERR_READ_ONLY :
			  reason == GUARD_NO_MEDIUM ? KIT_ERR_REMOVED :
			  reason & (GUARD_MOUNTED | GUARD_SWAP | GUARD_HOLDER) ? KIT_ERR_BUSY :
			  KIT_ERR_UNFIT, "%s: %s", w->path, text);
		return option ? fault_hint(fault, "%s; to do it anyway: --%s", advice, option) :
			fault_hint(fault, "%s", advice);
	}
	if (w->options->dry_run || !(why & GUARD_MOUNTED))
		return 0;
	rc = w->face->ask(w->face->context, WORK_UNMOUNT, w, fault);
	return rc ? rc : usage_unmount(&w->usage, fault);
}

/* A stand-in in memory for an image that a dry run must not make. */
static int open_nothing(struct work *w, uint64_t size, struct fault *fault)
{
	char path[32];
	int fd = memfd_create("image", MFD_CLOEXEC), rc;

	if (fd < 0 || ftruncate(fd, (off_t)size)) {
		rc = fault_sys(fault, errno, "cannot make an image in memory to try the plan on");
		if (fd >= 0)
			close(fd);
		return rc;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = target_open(&w->t, path, TARGET_IMAGE, fault);
	close(fd);
	return rc;
}

static int open_image(struct work *w, unsigned flags, struct fault *fault)
{
	bool there = !access(w->path, F_OK), dry = flags & WORK_WRITE && w->options->dry_run;
	uint64_t size = flags & WORK_CREATE ? w->options->image_bytes : 0;
	struct stat st;
	int rc = 0;

	identity_of_image(&w->id, w->path);
	snprintf(w->serial, sizeof(w->serial), "-");
	if (flags & WORK_WRITE && w->options->n_serials) {
		return fault_set(fault, KIT_ERR_ARGUMENT, "%s is an image file, which has no "
				 "serial number\n"
				 "leave --serial out", w->path);
	}
	/* A file system on it may be mounted, and would be written from two sides. */
	if (flags & WORK_WRITE)
		usage_read_image(&w->usage, DRIVE_SYS, w->path);
	if (w->usage.n_holders) {
		return fault_set(fault, KIT_ERR_BUSY, "%s is in use: the loop device /dev/%s is "
				 "made of it\n"
				 "unmount what is mounted of it, then: losetup -d /dev/%s", w->path,
				 w->usage.holders[0], w->usage.holders[0]);
	}
	if (!there && !size && flags & WORK_CREATE) {
		return fault_set(fault, KIT_ERR_NOT_FOUND, "the image %s does not exist\n"
				 "to make it, add --size 256M", w->path);
	}
	if (size && dry && (stat(w->path, &st) || (S_ISREG(st.st_mode) && !st.st_size)))
		return open_nothing(w, size, fault);
	if (size && !dry) {
		rc = target_create(&w->t, w->path, size, fault);
		w->created = !rc && target_made(w->t);
	} else {
		rc = target_open(&w->t, w->path, TARGET_IMAGE |
				(flags & WORK_WRITE && !dry ? TARGET_WRITE : 0), fault);
		if (!rc && size && target_disk(w->t)->size != size)
			rc = fault_set(fault, KIT_ERR_EXISTS,
				       "%s exists already, with %llu bytes", w->path,
				       (unsigned long long)target_disk(w->t)->size);
	}
	if (!rc && flags & WORK_WRITE && target_disk(w->t)->size < LAYOUT_MIN_BYTES) {
		rc = fault_set(fault, KIT_ERR_UNFIT, "%s is too small for a stick: it has %llu "
			      "bytes\n"
			      "name an image of 17 MiB or more%s", w->path,
			      (unsigned long long)target_disk(w->t)->size,
			      flags & WORK_CREATE ? ", or make one with --size 256M" : "");
	}
	return rc;
}

/* Which stick it is, among those that are plugged in. */
static int name_drive(struct work *w, struct fault *fault)
{
	struct drive *all = NULL;
	size_t n = 0;
	int rc = drive_list(DRIVE_SYS, &all, &n, fault);

	identity_of_drive(&w->id, &w->drive, all, n);
	identity_serial_text(&w->drive, all, n, w->serial, sizeof(w->serial));
	free(all);
	return rc;
}

static int open_device(struct work *w, unsigned flags, struct fault *fault)
{
	bool dry = flags & WORK_WRITE && w->options->dry_run;
	const struct drive *d = &w->drive;
	int rc = drive_find(DRIVE_SYS, w->path, &w->drive, fault);

	if (!rc && flags & WORK_WRITE)
		rc = check_serial(w, fault);
	if (!rc && flags & WORK_WRITE)
		rc = pass_guards(w, fault);
	else if (!rc)
		rc = usage_read(&w->usage, DRIVE_SYS, USAGE_PROC, d, fault);
	if (!rc)
		rc = target_open(&w->t, w->path, flags & WORK_WRITE && !dry ? TARGET_WRITE : 0,
				fault);
	if (rc)
		return rc;
	/* Between the guards and the exclusive open another stick may have taken the name. */
	if (target_drive(w->t)->diskseq != d->diskseq ||
	    strcmp(target_drive(w->t)->serial, d->serial))
		return fault_set(fault, KIT_ERR_REMOVED, "%s became another stick just now",
				 w->path);
	return name_drive(w, fault);
}

int work_open(struct work *w, const struct work_options *options, const struct work_face *face,
	      const char *path, unsigned flags, struct fault *fault)
{
	struct probe_contents *contents = NULL;
	int rc;

	memset(w, 0, sizeof(*w));
	w->options = options;
	w->face = face;
	w->path = path;
	snprintf(w->words, sizeof(w->words), "%s%s", options->image ? "--image " : "", path);
	rc = options->image ? open_image(w, flags, fault) : open_device(w, flags, fault);
	if (rc || !(flags & WORK_WRITE))
		return rc;
	if (w->created) {
		snprintf(w->contents, sizeof(w->contents), "nothing: the file is new");
		return 0;
	}
	identity_read_mark(&w->id, target_disk(w->t));
	contents = malloc(sizeof(*contents));
	if (!contents)
		return fault_nomem(fault);
	rc = probe_contents(contents, target_fd(w->t), target_disk(w->t)->size, fault);
	if (!rc)
		probe_describe(contents, w->contents, sizeof(w->contents));
	free(contents);
	return rc;
}

void work_close(struct work *w)
{
	/* An image that was made for nothing is not left behind. */
	if (w->t && w->created && !target_written(w->t))
		unlink(w->path);
	plan_free(&w->plan);
	find_free(&w->found);
	content_wipe(&w->content);
	target_close(&w->t);
}

bool work_same_file(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode))
		return a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static void note_search(void *context, uint64_t done, uint64_t total)
{
	const struct work *w = context;

	w->face->searched(w->face->context, w, done, total);
}

int work_search(struct work *w, const struct disk *disk, unsigned flags, struct fault *fault)
{
	int rc;

	find_free(&w->found);
	note_search(w, 0, disk->size);
	rc = find_run(&w->found, disk, flags, note_search, w, fault);
	note_search(w, disk->size, disk->size);
	return rc ? fault_context(fault, "%s", w->path) : 0;
}

/* All pieces of all candidates, each to the end of its last cluster, and deleted records. */
static struct fatread_run *wipe_list(const struct find *f, size_t *n)
{
	struct fatread_run *list = NULL;
	size_t all = f->n_deleted;

	for (size_t i = 0; i < f->n; i++)
		all += f->candidate[i].file.n_runs;
	list = calloc(all + 1, sizeof(*list));
	*n = 0;
	for (size_t i = 0; i < f->n && list; i++) {
		const struct fatread_file *file = &f->candidate[i].file;
		uint64_t cluster = file->cluster_bytes ? file->cluster_bytes : FAT_SECTOR;

		for (size_t k = 0; k < file->n_runs; k++) {
			list[*n] = file->runs[k];
			list[*n].bytes = (list[*n].bytes + cluster - 1) / cluster * cluster;
			++*n;
		}
	}
	for (size_t i = 0; i < f->n_deleted && list; i++)
		list[(*n)++] = f->deleted[i];
	return list;
}

int work_plan(struct work *w, enum layout_kind kind, bool wipe_all, struct fault *fault)
{
	struct plan_request rq = {
		.kind = kind, .file = w->content.data, .file_bytes = w->content.size,
		.wipe_all = wipe_all,
	};
	struct fatread_run *wipe = wipe_list(&w->found, &rq.n_wipe);
	int rc;

	if (!wipe)
		return fault_nomem(fault);
	rq.wipe = wipe;
	plan_free(&w->plan);
	rc = plan_make(&w->plan, w->t, &rq, fault);
	free(wipe);
	return rc ? fault_context(fault, "%s", w->path) : 0;
}

int work_ready(struct work *w, enum layout_kind kind, struct fault *fault)
{
	int rc = w->created ? 0 : work_search(w, target_disk(w->t), 0, fault);

	if (!rc)
		rc = work_plan(w, kind, false, fault);
	if (!rc)
		rc = keysafe_guard_unused(w, fault);
	return rc ? rc : keysafe_guard_second(w, fault);
}

int work_secure(struct work *w, const uint8_t *but, struct fault *fault)
{
	int rc = keysafe_save_unused(w, but, fault);

	return rc ? rc : keysafe_note(w, fault);
}

int work_verify(struct work *w, const struct disk *disk,
		void (*found)(void *context, const struct verify_result *result), void *context,
		struct fault *fault)
{
	const struct drive *d = target_drive(w->t);
	struct probe_signatures *signatures = calloc(1, sizeof(*signatures));
	struct verify_input in = {
		.disk = disk, .target = w->words, .image = !d, .usb = d && d->usb,
		.read_only = d && d->read_only, .signatures = signatures,
		.mounted = w->usage.n_mounts ? w->usage.mounts[0] : NULL,
	};
	int rc;

	if (!signatures)
		return fault_nomem(fault);
	rc = probe_signatures(signatures, target_fd(w->t), 0, disk->size, fault);
	if (!rc)
		rc = verify_run(&in, found, context, &w->summary, fault);
	free(signatures);
	return rc ? fault_context(fault, "%s", w->path) : 0;
}

void work_judge(struct work *w, void (*found)(void *context, const struct verify_result *result),
		void *context)
{
	const struct disk *fresh;

	if (target_fresh(w->t, &fresh, &w->fault) || !w->content.size)
		return;
	keysafe_note_written(w);
	memset(&w->usage, 0, sizeof(w->usage));		/* held exclusively: nothing is mounted */
	if (work_verify(w, fresh, found, context, &w->fault))
		return;
	if (w->summary.failed) {
		fault_set(&w->fault, KIT_ERR_VERIFY, "%s is written and was read back correctly, "
			  "but firmware would refuse it: %u rule%s failed\n"
			  "each rule says how to fix it; ukpu verify %.200s shows them again",
			  w->path, w->summary.failed, plural(w->summary.failed), w->words);
	}
}

int work_status(struct work *w, struct sbin_summary *summary, struct fault *fault)
{
	const struct disk *disk;
	struct fatread_file file = { 0 };
	struct sbin_input input;
	int rc = target_fresh(w->t, &disk, fault);

	if (!rc)
		rc = fatread_find(&file, disk, SBIN_NAME, fault);
	if (!rc) {
		input = (struct sbin_input){
			.read_at = fatread_file_read_at, .context = &file, .size = file.size,
			.name = "SETUP.BIN",
		};
		rc = sbin_check(&input, NULL, NULL, summary, fault);
		if (rc == KIT_ERR_FORMAT)
			fault_set(fault, rc, "%s: its SETUP.BIN is not a valid setup.bin file",
				  w->path);
	}
	fatread_file_close(&file);
	if (rc == KIT_ERR_NOT_FOUND || rc == KIT_ERR_FORMAT)
		fault_hint(fault, "see why: ukpu verify %.200s", w->words);
	return rc;
}

#define SAID_MAX	5000	/* a path, and what is said of it */

void work_note(const struct work *w, const char *format, ...)
{
	char text[SAID_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	w->face->note(w->face->context, text);
}

void work_warn(const struct work *w, const char *format, ...)
{
	char text[SAID_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	w->face->warn(w->face->context, text);
}

int work_failed_status(const struct work *w)
{
	if (!w->fault.code)
		return EXIT_YES;
	return w->fault.code == KIT_ERR_VERIFY && w->summary.failed ? EXIT_NO : EXIT_CANNOT;
}
