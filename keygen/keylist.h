/* Lists of pairs with their passwords: one streaming reader for all kinds. */
#ifndef KEYGEN_KEYLIST_H
#define KEYGEN_KEYLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/error.h"
#include "keygen/password.h"
#include "keygen/pidpps.h"

/* One line of a list. Empty strings stand for what the list does not say. */
struct keyentry {
	struct pidpps pair;				/* pair.pps SECRET */
	char current_password[PASSWORD_MAX + 1];	/* SECRET: the one the machine has now */
	char new_password[PASSWORD_MAX + 1]; /* SECRET: what set-up gives it ("admin_password") */
	bool used;					/* the list marks it used */
	bool consumed; /* a machine took it from a setup.bin; whether it used it is unknown */
};

/* What is wrong with one line, by place and rule; never by value. */
struct keyproblem {
	unsigned long line;	/* line of a text, record of a setup.bin, element of JSON; from 1 */
	const char *field;	/* "pid", "pps", "current_password", ...; "" for the whole line */
	int code;
	const char *rule;	/* static text: the rule that was broken */
};

/* Counters of what a source met on its way. */
struct keycounts {
	unsigned long lines;	/* lines, records or elements seen */
	unsigned long entries;	/* good ones given out */
	unsigned long bad;
	unsigned long folded;	/* lower case taken as upper case */
	unsigned long wiped;	/* records that were taken, and their pairs wiped: no entries */
};

/*
 * A stream of entries. keygen/ has CSV, text and JSON; setupbin/ puts setup.bin
 * behind the same operations (setupbin/source.h).
 */
struct keysource;
struct keysource_operations {
	/* See keysource_next() and keysource_free(). */
	int (*next)(struct keysource *s, struct keyentry *out, struct keyproblem *problem,
		    struct fault *fault);
	void (*free)(struct keysource *s);
};
struct keysource {
	const struct keysource_operations *operations;
	const char *kind;		/* "csv", "text", "json", "setup.bin" */
	const char *columns;		/* of a CSV: csv_describe(); else NULL */
	struct keycounts counts;
};

/*
 * Open the list in FILE (which stays the caller's, and must outlive the source); its first lines
 * tell its kind. It is read forward only, so that a pipe will do. NAME is for messages. UTF-8 or
 * UTF-16; lines end as common/lines.h says.
 *
 *   CSV   a header line with at least pid and pps, by name, in any order and case; other
 *         columns are not read, see s->columns. Names known: pid, pps, current_password,
 *         admin_password, used, and what others call them; WANTED (N_WANTED texts
 *         "FIELD=COLUMN", for --column) go before. See common/csv.h for the rest.
 *   text  PID PPS [CURRENT-PASSWORD [NEW-PASSWORD]], blanks between, '-' for a password
 *         that is not known; lines beginning with '#' are comments.
 *   JSON  an array of objects with the CSV's names.
 *
 * Returns 0 or KIT_ERR_NOMEM, KIT_ERR_SYSTEM, KIT_ERR_ARGUMENT (WANTED), KIT_ERR_FORMAT (a
 * CSV header without pid or pps, rows without a header, or bytes that are not a list).
 */
int keylist_open(struct keysource **out, FILE *file, const char *name, const char *const *wanted,
		 size_t n_wanted, struct fault *fault);

/*
 * The next entry. Keeps s->counts; its operation need only keep counts.lines,
 * counts.folded and counts.wiped.
 *
 * Returns 1 with *out filled (SECRET: wipe it), 0 at the end, KIT_ERR_FORMAT with
 * *problem filled for a bad line (the caller may go on with the next), or another
 * negative code with *fault set, after which the source is dead. FAULT is
 * untouched by bad lines.
 */
int keysource_next(struct keysource *s, struct keyentry *out, struct keyproblem *problem,
		   struct fault *fault);

/* What a source of that kind counts: "line", "element" (json) or "record" (setup.bin). */
const char *keylist_unit(const char *kind);

/* Frees and wipes. *s may be NULL. */
void keysource_free(struct keysource **s);

/* Fields of an entry, in the order of the CSV header. */
enum keylist_field {
	KEYLIST_PID, KEYLIST_PPS, KEYLIST_CURRENT, KEYLIST_NEW, KEYLIST_USED, KEYLIST_FIELDS,
};

/* "pid", "pps", "current_password", "admin_password", "used". */
const char *keylist_field_name(enum keylist_field field);
/*
 * The field that the column or member NAME (N bytes) stands for, compared as letters and digits
 * in any case: those names, and what others call them ("MEBx Password", "Provisioning ID").
 * KEYLIST_FIELDS when it is unknown.
 */
enum keylist_field keylist_field_named(const char *name, size_t n);

/*
 * Check the text of one field (N bytes, any bytes) and put it into the entry; an
 * empty password or "used" means that the list does not say. Used by every reader,
 * so that all refuse the same.
 *
 * Returns 0 or KIT_ERR_FORMAT with *problem's field, code and rule set. *folded (may be
 * NULL) is set to true when lower case was taken as upper.
 */
int keyentry_set(struct keyentry *entry, enum keylist_field field, const char *text, size_t n,
		 bool *folded, struct keyproblem *problem);

#endif
