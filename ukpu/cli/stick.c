/* ukpu: opening a stick behind its guards, searching it, asking before it is written. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/progress.h"
#include "common/table.h"
#include "ukpu/stick/guard.h"
#include "ukpu/drive/probe.h"
#include "ukpu/cli/ukpu.h"

/* Has the stick one of the serials that were given? With none given: true. */
static bool serial_given(const struct cli *cli, const struct drive *d, bool *any)
{
	size_t n = cli_count(cli, "serial");

	*any = n > 0;
	for (size_t i = 0; i < n; i++) {
		if (d->serial[0] && !strcmp(cli_value_at(cli, "serial", i), d->serial))
			return true;
	}
	return !n;
}

int ukpu_ask_yes(const struct ukpu_stick *s, const char *question, const char *instead,
		 struct fault *fault)
{
	int rc = cli_confirm(s->cli, question, "yes", fault);

	if (rc == KIT_ERR_STATE)
		fault_hint(fault, "run it at a terminal, or give %s", instead);
	return rc;
}

/* Before a stick in use is taken out of use, the person must have said which one is meant. */
static int agree_to_free(const struct ukpu_stick *s, const struct drive *d, struct fault *fault)
{
	char title[140], question[400];
	bool any;

	if (serial_given(s->cli, d, &any) && any && cli_has(s->cli, "yes"))
		return 0;
	drive_title(d, title, sizeof(title));
	snprintf(question, sizeof(question),
		 "%s (%s, serial number \"%s\") is in use. Take it out of use? Type \"yes\": ",
		 s->path, title, d->serial);
	return ukpu_ask_yes(s, question, "--yes together with --serial", fault);
}

/* The stick must be the one that --serial names, before anything is done to it. */
static int check_serial(const struct cli *cli, const char *path, const struct drive *d,
			struct fault *fault)
{
	bool any;

	if (serial_given(cli, d, &any))
		return 0;
	if (d->serial[0])
		fault_set(fault, KIT_ERR_UNFIT,
			  "%s has the serial number \"%s\", not the one that was named", path,
			  d->serial);
	else
		fault_set(fault, KIT_ERR_UNFIT, "%s has no serial number", path);
	return fault_hint(fault, "look at the sticks with ukpu list; this may be another one than "
				 "you mean");
}

/* Everything that speaks against writing to the disk has been overruled, or this is refused. */
static int pass_guards(struct ukpu_stick *s, const struct drive *d, struct fault *fault)
{
	unsigned why, reason;
	char text[300];
	int rc;

	rc = usage_read(&s->usage, DRIVE_SYS, USAGE_PROC, d, fault);
	if (rc)
		return rc;
	why = guard_check(d, &s->usage);
	for (unsigned i = 0; (reason = guard_reason(i)); i++) {
		const char *option = guard_option(reason);

		if (!(why & reason) || (option && cli_has(s->cli, option)))
			continue;
		guard_text(reason, d, &s->usage, text, sizeof(text));
		fault_set(fault, reason == GUARD_READ_ONLY ? KIT_ERR_READ_ONLY :
			  reason == GUARD_NO_MEDIUM ? KIT_ERR_REMOVED :
			  reason & (GUARD_MOUNTED | GUARD_SWAP | GUARD_HOLDER) ? KIT_ERR_BUSY :
			  KIT_ERR_UNFIT, "%s: %s", s->path, text);
		return option ? fault_hint(fault, "%s; to do it all the same: --%s",
					   guard_advice(reason), option) :
			fault_hint(fault, "%s", guard_advice(reason));
	}
	if (cli_has(s->cli, "dry-run"))
		return 0;
	if (why & (GUARD_MOUNTED | GUARD_SWAP | GUARD_HOLDER))
		rc = agree_to_free(s, d, fault);
	/* Holders stand on partitions, file systems may stand on holders. */
	if (!rc && why & GUARD_MOUNTED)
		rc = usage_unmount(&s->usage, fault);
	if (!rc && why & GUARD_SWAP)
		rc = usage_swapoff(&s->usage, fault);
	if (!rc && why & GUARD_HOLDER)
		rc = usage_release_holders(&s->usage, fault);
	return rc;
}

/* A stand-in in memory for an image that a dry run must not make. */
static int open_nothing(struct ukpu_stick *s, uint64_t size, struct fault *fault)
{
	char path[32];
	int fd = memfd_create("image", MFD_CLOEXEC), r;

	if (fd < 0 || ftruncate(fd, (off_t)size)) {
		if (fd >= 0)
			close(fd);
		return fault_set(fault, KIT_ERR_NOMEM, "no memory to try the plan on");
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = target_open(&s->t, path, TARGET_IMAGE, fault);
	close(fd);
	return r;
}

/* An image's name in the journal: its full path, also before it is there. */
static void name_image(struct ukpu_stick *s)
{
	char full[PATH_MAX], folder[PATH_MAX], *slash;
	const char *last = strrchr(s->path, '/');
	size_t n;

	if (!realpath(s->path, full)) {
		snprintf(folder, sizeof(folder), "%s", last ? s->path : ".");
		slash = strrchr(folder, '/');
		if (slash)
			slash[slash == folder] = '\0';
		n = realpath(folder, full) ? strlen(full) : 0;
		snprintf(full + n, sizeof(full) - n, "/%s", last ? last + 1 : s->path);
	}
	/* The end of a path tells more than its beginning. */
	n = strlen(full);
	snprintf(s->identity, sizeof(s->identity), "%s",
		 full + (n < sizeof(s->identity) ? 0 : n - sizeof(s->identity) + 1));
}

static int open_image(struct ukpu_stick *s, unsigned flags, struct fault *fault)
{
	bool there = !access(s->path, F_OK), dry = flags & UKPU_WRITE && cli_has(s->cli, "dry-run");
	uint64_t size = 0;
	struct stat st;
	int rc = 0;

	name_image(s);
	if (flags & UKPU_WRITE && cli_count(s->cli, "serial")) {
		return fault_set(fault, KIT_ERR_ARGUMENT, "%s is an image file, which has no "
				 "serial number\n"
				 "leave --serial out", s->path);
	}
	/* A file system on it may be mounted, and would be written from two sides. */
	if (flags & UKPU_WRITE)
		usage_read_image(&s->usage, DRIVE_SYS, s->path);
	if (s->usage.n_holders) {
		return fault_set(fault, KIT_ERR_BUSY, "%s is in use: it stands behind /dev/%s\n"
				 "unmount what is mounted of it, then: losetup -d /dev/%s", s->path,
				 s->usage.holders[0], s->usage.holders[0]);
	}
	if (flags & UKPU_CREATE) {
		rc = cli_size(s->cli, "size", LAYOUT_MIN_BYTES, (uint64_t)1 << 50, &size, fault);
		if (rc)
			return rc;
	}
	if (!there && !size && flags & UKPU_CREATE) {
		return fault_set(fault, KIT_ERR_NOT_FOUND, "there is no image %s\n"
				 "have it made: --size 256M", s->path);
	}
	if (size && dry && (stat(s->path, &st) || (S_ISREG(st.st_mode) && !st.st_size)))
		return open_nothing(s, size, fault);
	if (size && !dry) {
		rc = target_create(&s->t, s->path, size, fault);
		s->created = !rc && target_made(s->t);
	} else {
		rc = target_open(&s->t, s->path, TARGET_IMAGE |
				(flags & UKPU_WRITE && !dry ? TARGET_WRITE : 0), fault);
		if (!rc && size && target_disk(s->t)->size != size)
			rc = fault_set(fault, KIT_ERR_EXISTS,
				       "%s is there already, with %llu bytes", s->path,
				       (unsigned long long)target_disk(s->t)->size);
	}
	if (!rc && flags & UKPU_WRITE && target_disk(s->t)->size < LAYOUT_MIN_BYTES) {
		rc = fault_set(fault, KIT_ERR_UNFIT, "%s: %llu bytes are too few for a stick\n"
			      "name an image of 17 MiB or more%s", s->path,
			      (unsigned long long)target_disk(s->t)->size,
			      flags & UKPU_CREATE ? ", or have one made: --size 256M" : "");
	}
	return rc;
}

static int open_device(struct ukpu_stick *s, unsigned flags, struct fault *fault)
{
	bool dry = flags & UKPU_WRITE && cli_has(s->cli, "dry-run");
	struct drive d;
	char title[140];
	int rc = drive_find(DRIVE_SYS, s->path, &d, fault);

	if (!rc && flags & UKPU_WRITE)
		rc = check_serial(s->cli, s->path, &d, fault);
	if (!rc && flags & UKPU_WRITE)
		rc = pass_guards(s, &d, fault);
	else if (!rc)
		rc = usage_read(&s->usage, DRIVE_SYS, USAGE_PROC, &d, fault);
	if (!rc)
		rc = target_open(&s->t, s->path, flags & UKPU_WRITE && !dry ? TARGET_WRITE : 0,
				fault);
	if (rc)
		return rc;
	/* Between the guards and the exclusive open another stick may have taken the name. */
	if (target_drive(s->t)->diskseq != d.diskseq ||
	    strcmp(target_drive(s->t)->serial, d.serial))
		return fault_set(fault, KIT_ERR_REMOVED, "%s became another stick just now",
				 s->path);
	drive_title(&d, title, sizeof(title));
	/* A reader's serial number says nothing of the card that is in it. */
	s->nameless = !d.serial[0] || d.units > 1;
	if (!d.serial[0])
		snprintf(s->identity, sizeof(s->identity), "%s without serial number", title);
	else if (d.units > 1)
		snprintf(s->identity, sizeof(s->identity), "%s, in unit %u", d.serial, d.unit + 1);
	else
		snprintf(s->identity, sizeof(s->identity), "%s", d.serial);
	return 0;
}

/* The files of other systems cannot be listed or saved: that they are there must be said. */
static void note_foreign(struct ukpu_stick *s, const struct probe_contents *c)
{
	for (size_t i = 0; i < c->n && !s->foreign[0]; i++) {
		const struct probe_part *p = &c->part[i];

		if (!p->type[0] || !strcmp(p->type, "vfat") || !strcmp(p->type, PROBE_SEVERAL))
			continue;
		if (p->number)
			snprintf(s->foreign, sizeof(s->foreign), "partition %u (%s)", p->number,
				 p->type);
		else
			snprintf(s->foreign, sizeof(s->foreign), "all of it (%s)", p->type);
	}
}

int ukpu_stick_open(struct ukpu_stick *s, struct cli *cli, const char *path, unsigned flags,
		    struct fault *fault)
{
	bool image = flags & UKPU_IMAGE || cli_has(cli, "image");
	struct probe_contents *contents = NULL;
	int rc;

	memset(s, 0, sizeof(*s));
	s->cli = cli;
	s->path = path;
	snprintf(s->words.text, sizeof(s->words.text), "%s%s", image ? "--image " : "", path);
	rc = image ? open_image(s, flags, fault) : open_device(s, flags, fault);
	if (rc || !(flags & UKPU_WRITE))
		return rc;
	if (s->created) {
		snprintf(s->contents, sizeof(s->contents), "nothing: it is new");
		return 0;
	}
	contents = malloc(sizeof(*contents));
	if (!contents)
		return fault_set(fault, KIT_ERR_NOMEM, "no memory to look at %s", path);
	rc = probe_contents(contents, target_fd(s->t), target_disk(s->t)->size, fault);
	if (!rc) {
		probe_describe(contents, s->contents, sizeof(s->contents));
		note_foreign(s, contents);
	}
	free(contents);
	return rc;
}

void ukpu_stick_close(struct ukpu_stick *s)
{
	/* An image that was made for nothing is not left lying about. */
	if (s->t && s->created && !target_written(s->t))
		unlink(s->path);
	plan_free(&s->plan);
	find_free(&s->found);
	content_wipe(&s->content);
	target_close(&s->t);
}

bool ukpu_same_file(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode))
		return a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static void show_search(void *context, uint64_t done, uint64_t total)
{
	progress_update(context, done);
}

int ukpu_stick_search(struct ukpu_stick *s, const struct disk *disk, unsigned flags,
		      struct fault *fault)
{
	struct progress bar;
	int rc;

	find_free(&s->found);
	progress_begin(&bar, "searching", disk->size, true, s->cli->quiet);
	rc = find_run(&s->found, disk, flags, show_search, &bar, fault);
	progress_end(&bar);
	return rc ? fault_context(fault, "%s", s->path) : 0;
}

/* All pieces of all candidates, each out to the end of its last cluster, and loose records. */
static struct fatread_run *wipe_list(const struct find *f, size_t *n)
{
	struct fatread_run *list = NULL;
	size_t all = f->n_loose;

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
	for (size_t i = 0; i < f->n_loose && list; i++)
		list[(*n)++] = f->loose[i];
	return list;
}

int ukpu_stick_plan(struct ukpu_stick *s, enum layout_kind kind, bool wipe_all,
		    struct fault *fault)
{
	struct plan_request rq = {
		.kind = kind, .file = s->content.data, .file_bytes = s->content.size,
		.wipe_all = wipe_all,
	};
	struct fatread_run *wipe = wipe_list(&s->found, &rq.n_wipe);
	int rc;

	if (!wipe)
		return fault_set(fault, KIT_ERR_NOMEM, "no memory for the plan");
	rq.wipe = wipe;
	plan_free(&s->plan);
	rc = plan_make(&s->plan, s->t, &rq, fault);
	free(wipe);
	return rc ? fault_context(fault, "%s", s->path) : 0;
}

void ukpu_print_plan(const struct ukpu_stick *s)
{
	const struct plan *p = &s->plan;
	enum plan_phase last = PLAN_TABLE;
	char size[24];

	probe_size_text(target_disk(s->t)->size, size);
	printf("%s (%s), now: %s\n", s->path, size, s->contents);
	for (size_t i = 0; i < p->n; i++) {
		const struct plan_step *step = &p->step[i];

		if (step->kind == PLAN_STAMPS)
			printf("%-6s  all over the stick   %10llu bytes  %s\n",
			       plan_phase_name(step->phase), (unsigned long long)step->bytes,
			       step->text);
		else
			printf("%-6s  byte %14llu  %10llu bytes  %s\n",
			       !i || step->phase != last ? plan_phase_name(step->phase) : "",
			       (unsigned long long)step->offset, (unsigned long long)step->bytes,
			       step->text);
		last = step->phase;
	}
	printf("in all  %llu bytes are written\n", (unsigned long long)p->bytes);
}

static void show_stick(const struct ukpu_stick *s, struct table *table)
{
	const struct drive *d = target_drive(s->t);
	char title[140], size[24];

	probe_size_text(target_disk(s->t)->size, size);
	if (d)
		drive_title(d, title, sizeof(title));
	table_cell(table, "%s", s->path);
	table_cell(table, "%s", d ? title : "image file");
	table_cell(table, "%s", d && d->serial[0] ? d->serial : "-");
	table_cell(table, "%s", size);
	table_cell(table, "%s", s->contents);
}

int ukpu_confirm(struct ukpu_stick *sticks, size_t n, const char *doing, struct fault *fault)
{
	struct cli *cli = sticks[0].cli;
	bool fresh = true, any;
	struct table *table;
	char question[120];

	for (size_t i = 0; i < n; i++) {
		struct ukpu_stick *s = &sticks[i];

		fresh = fresh && s->created;
		if (target_is_image(s->t))
			continue;
		serial_given(cli, target_drive(s->t), &any);
		if (cli_has(cli, "yes") && !any) {
			return fault_set(fault, KIT_ERR_ARGUMENT,
					 "--yes alone does not say which "
					 "stick is meant\n"
					 "add --serial with the stick's serial number (%s), or "
					 "leave --yes out and answer the question",
					 target_drive(s->t)->serial[0]
						 ? target_drive(s->t)->serial
						 : "this one has none, so --yes cannot be used on "
						   "it");
		}
	}
	if (fresh || cli_has(cli, "yes"))
		return 0;
	table = table_new(stderr, "TARGET|DEVICE|SERIAL|>SIZE|CONTENTS NOW");
	if (!table)
		return fault_set(fault, KIT_ERR_NOMEM, "no memory to ask");
	for (size_t i = 0; i < n; i++)
		show_stick(&sticks[i], table);
	table_end(table);
	snprintf(question, sizeof(question),
		 "%s %s? Everything on %s is lost. Type \"yes\": ", doing, n == 1 ? "it" : "them",
		 n == 1 ? "it" : "them");
	return ukpu_ask_yes(sticks, question, "--yes (for a device with --serial)", fault);
}
