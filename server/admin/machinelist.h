/* Lists of machines: which are the site's, with which names, as CSV; and their import. */
#ifndef SERVER_ADMIN_MACHINELIST_H
#define SERVER_ADMIN_MACHINELIST_H

#include <stdio.h>

#include "keygen/keylist.h"
#include "server/admin/operator.h"
#include "server/keymap/inventory.h"
#include "server/keymap/systems.h"

/*
 * A table as common/csv.h reads it, with the column uuid, and any of fqdn, profile and otp, in any
 * order; other columns are not read.
 */
struct machinelist;

/* A row of it. What the list has no column for stays in the inventory as it is. */
struct machinelist_row {
	struct keymap_inventory machine;	/* fqdn and profile may be "" */
	bool has_fqdn, has_profile, has_otp;	/* does the list say? */
	char otp[PASSWORD_MAX + 1];		/* SECRET; "": none */
};

/*
 * FILE stays the caller's. WANTED: N_WANTED texts "FIELD=COLUMN" of a person (see csv_open()).
 * KIT_ERR_NOT_FOUND, KIT_ERR_FORMAT (not such a header), KIT_ERR_ARGUMENT (a WANTED that names
 * nothing), KIT_ERR_SYSTEM, KIT_ERR_NOMEM.
 */
int machinelist_open(struct machinelist **out, FILE *file, const char *name,
		     const char *const *wanted, size_t n_wanted, struct fault *fault);

/* What is read as what, for people; to be freed. NULL when out of memory. */
char *machinelist_columns(const struct machinelist *in);

/*
 * The next row: 1, 0 at the end, KIT_ERR_FORMAT with *problem for a bad line (go on with the
 * next), or another negative code with *fault set.
 */
int machinelist_next(struct machinelist *in, struct machinelist_row *out,
		     struct keyproblem *problem, struct fault *fault);

/* *in may be NULL. */
void machinelist_close(struct machinelist **in);

struct machinelist_import {
	/* What is wanted. */
	const char *name;	/* of the list, for messages and the log */
	bool dry_run;		/* change nothing */
	bool skip_bad;		/* leave bad lines out; else one of them refuses the whole list */
	bool swap_uuid;		/* the list has the UUIDs in the other byte order */
	const char *const *wanted;	/* columns that a person names: see machinelist_open() */
	size_t n_wanted;
	/* Called for each bad line. May be NULL. */
	void (*bad_line)(void *context, const struct keyproblem *problem);
	void *context;

	/* What came of it. */
	bool good;		/* it was imported, or a dry run found that it would be */
	char *columns;		/* which were read as what, for people; to be freed; or NULL */
	unsigned long rows, bad;
	/* UUIDs that no machine has said hello with, though one has with the bytes swapped. */
	unsigned long swapped;
	struct uuid first_swapped;	/* as the list has it */
	/* Names that the inventory then gives to more than one machine, and one of them. */
	uint64_t shared;
	char first_shared[SYSTEM_FQDN + 1];
};

/*
 * Import the list in FILE, which stays the caller's: all rows or none; each changes that of the
 * same UUID. A UUID that is listed twice with another name, profile or one-time password is a bad
 * line. Machines that were refused as not known are accepted. Returns 0 whenever the list could be
 * read (see im->good), or the errors of machinelist_open(), machinelist_next() and the map.
 */
int machinelist_import(struct machinelist_import *im, const struct operator *op, FILE *file,
		     struct fault *fault);

#endif
