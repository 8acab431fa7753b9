/* Running the rules: what they check is gathered once, then each gives its verdict. */
#include "ukpu/stick/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ukpu/stick/verify-private.h"

const char *verify_verdict_name(enum verify_verdict verdict)
{
	static const char *const names[] = { "pass", "warn", "FAIL", "skip" };

	return names[verdict];
}

void verify_say(struct verify_result *out, enum verify_verdict verdict, const char *format, ...)
{
	va_list ap;

	out->verdict = verdict;
	va_start(ap, format);
	vsnprintf(out->text, sizeof(out->text), format, ap);
	va_end(ap);
}

bool verify_read(struct verify *v, uint64_t at, void *buffer, size_t size)
{
	struct fault why = { 0 };
	int rc = disk_read(v->in->disk, at, buffer, size, &why);

	if (rc && rc != KIT_ERR_TRUNCATED && !v->error) {
		v->error = rc;
		v->fault = why;
	}
	return !rc;
}

/* Name the file system of another system: people take any volume for a good one. */
static bool other_system(const struct disk *disk, uint64_t start, char *out, size_t size)
{
	static const struct { unsigned at; const char *magic; const char *name; } known[] = {
		{ 3, "NTFS    ", "NTFS" }, { 3, "EXFAT   ", "exFAT" },
		{ 1080, "\x53\xEF", "ext2, ext3 or ext4" },
	};
	char magic[8];

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t n = strlen(known[i].magic);

		if (start > disk->size || disk_read(disk, start + known[i].at, magic, n, NULL) ||
		    memcmp(magic, known[i].magic, n))
			continue;
		snprintf(out, size, "the volume at sector %llu is %s: firmware reads only FAT",
			 (unsigned long long)(start / FAT_SECTOR), known[i].name);
		return true;
	}
	return false;
}

/* Open the first partition with a FAT volume; if there is none, take the first partition. */
static int find_volume(struct verify *v)
{
	struct fault why = { 0 };
	int rc = 0;

	if (!other_system(v->in->disk, 0, v->no_volume, sizeof(v->no_volume)))
		snprintf(v->no_volume, sizeof(v->no_volume), "there is no volume");
	for (size_t i = 0; i < v->parts.n; i++) {
		const struct part *p = &v->parts.part[i];

		if (!v->part)
			v->part = p;
		fault_clear(&why);
		rc = fatread_open(&v->v, v->in->disk, p->start, FATREAD_LENIENT, &why);
		if (!rc) {
			v->part = p;
			v->has_volume = true;
			return 0;
		}
		if (rc != KIT_ERR_FORMAT && rc != KIT_ERR_TRUNCATED) {
			v->fault = why;
			return rc;
		}
		if (!other_system(v->in->disk, p->start, v->no_volume, sizeof(v->no_volume)))
			snprintf(v->no_volume, sizeof(v->no_volume), "%.190s", why.what);
	}
	return 0;
}

static void take_finding(void *context, const struct sbin_finding *f)
{
	struct verify *v = context;
	char *to = f->severity == SBIN_ERROR ? v->first_error :
		f->severity == SBIN_WARNING ? v->first_warning : NULL;

	if (!to || *to)
		return;
	if (f->record)
		snprintf(to, sizeof(v->first_error), "record %u: %.140s", f->record, f->text);
	else
		snprintf(to, sizeof(v->first_error), "%.155s", f->text);
}

/* Find SETUP.BIN in the root directory and run the checker over it. */
static int look_inside(struct verify *v)
{
	struct sbin_input input;
	struct fault why = { 0 };
	int rc = scan_root(&v->root, &v->v, SBIN_NAME, &v->fault);

	if (!rc)
		rc = scan_clusters(&v->clusters, &v->v, &v->root, &v->fault);
	if (rc)
		return rc;
	snprintf(v->no_file, sizeof(v->no_file), "there is no SETUP.BIN in the root directory");
	if (!v->root.found)
		return 0;
	rc = fatread_file_open(&v->file, &v->v, &v->root.file, &why);
	if (rc == KIT_ERR_FORMAT) {
		snprintf(v->no_file, sizeof(v->no_file), "%.190s", why.what);
		return 0;
	}
	if (rc)
		goto failed;
	v->has_file = true;
	input = (struct sbin_input){
		.read_at = fatread_file_read_at, .context = &v->file, .size = v->file.size,
		.name = "SETUP.BIN",
	};
	rc = sbin_check(&input, take_finding, v, &v->contents, &why);
	v->checked = !rc;
	if (rc == KIT_ERR_FORMAT || rc == KIT_ERR_TRUNCATED || rc == KIT_ERR_RANGE) {
		if (!v->first_error[0])
			snprintf(v->first_error, sizeof(v->first_error), "%.150s", why.what);
		return 0;
	}
failed:
	if (rc)
		v->fault = why;
	return rc;
}

static const char *missing(const struct verify *v, enum verify_need need)
{
	if (need >= NEED_TABLE && v->parts.kind == PARTS_NONE)
		return "there is no partition table and no volume";
	if (need >= NEED_VOLUME && !v->has_volume)
		return v->no_volume;
	if (need >= NEED_SETUP && !v->root.found)
		return v->no_file;
	if (need >= NEED_FILE && !v->has_file)
		return v->no_file;
	if (need >= NEED_CONTENTS && !v->checked)
		return "the file is not a readable setup.bin";
	return NULL;
}

static void run_rules(struct verify *v, const struct verify_rule *rule,
		      void (*found)(void *context, const struct verify_result *result),
		      void *context, struct verify_summary *summary)
{
	for (; rule->name; rule++) {
		struct verify_result out = { .group = rule->group, .rule = rule->name };
		const char *why = missing(v, rule->need);

		if (why)
			verify_say(&out, VERIFY_SKIP, "not checked: %s", why);
		else
			rule->check(v, &out);
		if (out.verdict == VERIFY_WARN || out.verdict == VERIFY_FAIL) {
			const char *fix = rule->fix ? rule->fix : "ukpu repair %s";
			const char *hole = strstr(fix, "%s");

			if (!out.fix[0] && hole)
				snprintf(out.fix, sizeof(out.fix), "%.*s%s%s", (int)(hole - fix),
					 fix, v->in->target, hole + 2);
			else if (!out.fix[0])
				snprintf(out.fix, sizeof(out.fix), "%s", fix);
		}
		*(out.verdict == VERIFY_PASS ? &summary->passed :
		  out.verdict == VERIFY_WARN ? &summary->warned :
		  out.verdict == VERIFY_FAIL ? &summary->failed : &summary->skipped) += 1;
		found(context, &out);
	}
}

/* Which of the kit's layouts is it, by its table and type? */
static void name_layout(const struct verify *v, struct verify_summary *summary)
{
	if (!v->has_volume || v->v.g.type == FAT12)
		return;
	summary->layout_known = true;
	if (v->parts.kind == PARTS_SUPERFLOPPY)
		summary->layout = LAYOUT_SUPERFLOPPY;
	else
		summary->layout = v->v.g.type == FAT32 ? LAYOUT_FAT32 : LAYOUT_FAT16;
	if (summary->layout == LAYOUT_SUPERFLOPPY && v->v.g.type != FAT16)
		summary->layout_known = false;
}

int verify_run(const struct verify_input *in,
	       void (*found)(void *context, const struct verify_result *result), void *context,
	       struct verify_summary *summary, struct fault *fault)
{
	struct verify *v = calloc(1, sizeof(*v));
	int rc;

	memset(summary, 0, sizeof(*summary));
	if (!v)
		return fault_nomem(fault);
	v->in = in;
	rc = disk_read(in->disk, 0, v->sector0, sizeof(v->sector0), &v->fault);
	if (!rc)
		rc = parts_read(&v->parts, in->disk, &v->fault);
	if (!rc)
		rc = find_volume(v);
	if (!rc && v->has_volume)
		rc = look_inside(v);
	if (rc)
		goto out;
	run_rules(v, verify_stick_rules, found, context, summary);
	run_rules(v, verify_volume_rules, found, context, summary);
	rc = v->error;
	name_layout(v, summary);
	summary->has_file = v->has_file && v->checked;
	summary->contents = v->contents;
	summary->file_bytes = v->file.size;
	if (v->has_file && v->file.n_runs)
		summary->file_offset = v->file.runs[0].offset;
out:
	if (rc)
		fault_pass(fault, &v->fault);
	fatread_file_close(&v->file);
	free(v);
	return rc;
}
