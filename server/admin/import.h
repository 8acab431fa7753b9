/* Import: lists of pairs of every kind into the map, each list whole or not at all. */
#ifndef SERVER_ADMIN_IMPORT_H
#define SERVER_ADMIN_IMPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "keygen/keylist.h"
#include "server/admin/operator.h"

struct import {
	/* What is wanted. */
	const char *name;	/* of the list, for messages and the log */
	bool dry_run;		/* change nothing; the map may be NULL: none is compared with */
	bool skip_bad;		/* leave bad lines out; else one of them refuses the whole list */
	const char *const
		*wanted; /* N_WANTED columns of a CSV that a person names, as csv_open() */
	size_t n_wanted;
	/*
	 * Called for each bad line; problem->rule is valid during the call. PID: the one that
	 * the line is about, where the map has it with another PPS; else "". May be NULL.
	 */
	void (*bad_line)(void *context, const struct keyproblem *problem, const char *pid);
	/* Called now and then: bytes of TOTAL, or lines where TOTAL is 0. May be NULL. */
	void (*progress)(void *context, uint64_t done, uint64_t total);
	void *context;

	/* What came of it, also when it failed. Of a list that is refused nothing was taken. */
	const char *kind;	/* "csv", "text", "json", "setup.bin"; NULL: not known */
	char *columns;		/* of a CSV: which were read as what; to be freed; or NULL */
	bool good;		/* it was imported, or a dry run found that it would be */
	unsigned long lines;	/* lines, elements or records read */
	unsigned long added;	/* pairs that are new to the map */
	unsigned long without_password; /* of these: without the password that the server needs */
	unsigned long same;	/* in the map already */
	unsigned long completed; /* in the map, and got a password that it lacked there */
	unsigned long other_password; /* in the map with another password, which is kept */
	unsigned long bad;	/* bad lines in all */
	unsigned long other_pps; /* of these: in the map, or the list, with another PPS */
	unsigned long lower_case; /* lines whose lower case letters were read as upper case */
	unsigned long wiped;	/* used records of a setup.bin, whose pairs are gone */
};

/*
 * Import the list in FILE, which stays the caller's. Returns 0 whenever the list could be
 * read (see im->good), or the errors of sbin_source_open(), keysource_next() and the map.
 */
int import_keys(struct import *im, const struct operator *op, FILE *file, struct fault *fault);

#endif
