/* Other files on a stick: listed, saved. */
#include "ukpu/stick/others.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/outfile.h"
#include "common/secret.h"
#include "ukpu/stick/foreign.h"

#define PIECE	65536

struct other {
	const char *path;
	const struct fatread_file *file;
	bool readable;
};

/*
 * The I-th other file from 0; false behind the last. With KEEP the setup.bin files on the stick
 * are among them, but for those whose SHA-256 it is.
 */
static bool other_at(const struct find *f, const uint8_t *keep, size_t i, struct other *out)
{
	for (size_t k = 0; k < f->n && keep; k++) {
		const struct find_candidate *c = &f->candidate[k];

		if (c->how >= FIND_DELETED || !memcmp(c->digest, keep, sizeof(c->digest)))
			continue;
		if (!i--) {
			*out = (struct other){ c->path, &c->file, true };
			return true;
		}
	}
	if (i >= f->n_others)
		return false;
	*out = (struct other){ f->other[i].path, &f->other[i].file, f->other[i].readable };
	return true;
}

int others_guard(struct work *w, const uint8_t *keep, struct fault *fault)
{
	bool save = w->options->save_others != NULL;
	bool unlisted = w->found.more_others || w->found.more;
	struct foreign foreign;
	struct other o;
	size_t n = 0, lost = 0;
	int rc = foreign_look(&foreign, target_disk(w->t), target_fd(w->t), &w->found, fault);

	if (rc)
		return fault_context(fault, "%s", w->path);
	for (; other_at(&w->found, keep, n, &o); n++) {
		lost += !o.readable;
		work_note(w, "other file: %s, %llu bytes%s", o.path,
			  (unsigned long long)o.file->size,
			  o.readable ? "" : ", cannot be read whole");
	}
	if (unlisted)
		work_note(w, "other files: more, which cannot be listed");
	if (foreign.text[0])
		work_note(w, "cannot be listed: %s", foreign.text);
	if (w->options->discard_others || (!n && !unlisted && !foreign.text[0]) ||
	    (save && !lost && !unlisted && !foreign.text[0]))
		return 0;
	if (!save) {
		fault_set(fault, KIT_ERR_EXISTS, n || unlisted ?
			  "%s holds other files, which would be lost" :
			  "%s holds other data, which would be lost", w->path);
		return fault_hint(fault, n ? "save them with --save-other-files FOLDER, or let "
					     "them go with --discard-other-files" :
				  "save them by other means, or let them go with "
				  "--discard-other-files");
	}
	if (lost)
		fault_set(fault, KIT_ERR_EXISTS,
			  "%s: other files that cannot be read whole, and so not be saved: "
			  "%zu", w->path, lost);
	else
		fault_set(fault, KIT_ERR_EXISTS, "%s holds more than can be saved", w->path);
	return fault_hint(fault, "to lose those that cannot be saved, add --discard-other-files");
}

static int save_one(const char *folder, const struct other *o, struct fault *fault)
{
	struct outfile *out = NULL;
	char path[PATH_MAX];
	uint8_t buffer[PIECE];	/* SECRET: it may be another setup.bin */
	int rc;

	if (snprintf(path, sizeof(path), "%s%s", folder, o->path) >= (int)sizeof(path))
		return fault_set(fault, KIT_ERR_RANGE, "%s: its path is too long to be saved",
				 o->path);
	rc = outfile_make_folders(path, strlen(folder), 0777, fault);
	if (!rc)
		rc = outfile_open(&out, path, 0, fault);
	for (uint64_t at = 0; at < o->file->size && !rc; at += PIECE) {
		size_t n = o->file->size - at < PIECE ? (size_t)(o->file->size - at) : PIECE;

		rc = fatread_file_read(o->file, at, buffer, n, fault);
		if (!rc)
			rc = outfile_write(out, buffer, n, fault);
	}
	secret_wipe(buffer, sizeof(buffer));
	if (!rc)
		rc = outfile_commit(&out, fault);
	outfile_discard(&out);
	if (rc == KIT_ERR_EXISTS) {
		fault_clear(fault);
		fault_set(fault, rc, "%s exists already\n"
			  "name a folder that is empty", path);
	}
	return rc;
}

int others_save(struct work *w, const uint8_t *keep, struct fault *fault)
{
	const char *folder = w->options->save_others;
	struct other o;
	size_t saved = 0;

	for (size_t i = 0; folder && other_at(&w->found, keep, i, &o); i++) {
		int rc = o.readable ? save_one(folder, &o, fault) : 0;

		if (rc)
			return rc;
		saved += o.readable;
	}
	if (folder)
		work_note(w, "%zu other file%s saved in %s", saved, plural(saved), folder);
	return 0;
}
