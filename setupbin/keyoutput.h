/* Pairs on their way out: into a list, a setup.bin, or both. */
#ifndef SETUPBIN_KEYOUTPUT_H
#define SETUPBIN_KEYOUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/outfile.h"
#include "keygen/keywriter.h"
#include "setupbin/file.h"

struct keyoutput {
	/* What the caller sets. A path that is NULL is not written. */
	const char *list_path;		/* "-": standard output */
	enum keylist_format format;
	bool hold; /* keep the list back, on standard output too, until commit */
	const char *setupbin_path;	/* a file, not "-" */
	struct sbin_version version;
	bool scramble;			/* version 4.0 only */
	bool force;			/* replace files that exist */

	/* Its own; list and setupbin may be looked at between open and commit. */
	struct outfile *list, *setupbin;
	struct keywriter writer;
	struct sbin_writer *records;
	uint32_t count;			/* entries put so far */
	bool made_setupbin;		/* it has appeared */
	uint8_t record[SBIN_CHUNK];	/* SECRET */
};

/*
 * Do the options go together? VERSION is the text of --file-version, or NULL for 2.1; it is put
 * into o->version. Returns 0 or KIT_ERR_ARGUMENT.
 */
int keyoutput_check(struct keyoutput *o, const char *version, struct fault *fault);

/*
 * Open the files for ENTRIES pairs; their names appear with keyoutput_commit(). Returns 0,
 * KIT_ERR_EXISTS, KIT_ERR_ARGUMENT (both are one file), or an error of the system.
 */
int keyoutput_open(struct keyoutput *o, uint32_t entries, struct fault *fault);
/* The next pair. KIT_ERR_UNFIT or KIT_ERR_ARGUMENT: the pair does not fit the format. */
int keyoutput_put(struct keyoutput *o, const struct keyentry *entry, struct fault *fault);
/* After the last pair: what is left is written; the files are still without their names. */
int keyoutput_end(struct keyoutput *o, struct fault *fault);
/*
 * Let the files appear, the setup.bin first. On failure o->made_setupbin says whether it appeared:
 * a second one would give its keys to machines twice.
 */
int keyoutput_commit(struct keyoutput *o, struct fault *fault);
/* Drop what has not appeared, and wipe. */
void keyoutput_discard(struct keyoutput *o);

#endif
