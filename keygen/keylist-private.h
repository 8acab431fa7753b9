/* The readers behind keylist_open(), one for each kind of list. */
#ifndef KEYGEN_KEYLIST_PRIVATE_H
#define KEYGEN_KEYLIST_PRIVATE_H

#include "common/csv.h"
#include "common/lines.h"
#include "keygen/keylist.h"

#define KEYLIST_ELEMENT	4096	/* bytes of a JSON element; more is refused */

extern const struct csv_field keylist_csv_fields[];	/* numbered as enum keylist_field */

/*
 * Each takes LINES at the beginning of its list, and owns it if it returns 0; see keylist_open().
 * TITLES are the numbers of N_TITLES lines before a text list that are neither comments nor
 * entries.
 */
int keylist_csv_open(struct keysource **out, struct lines *lines, const char *const *wanted,
		     size_t n_wanted, struct fault *fault);
int keylist_text_open(struct keysource **out, struct lines *lines, const unsigned long *titles,
		      size_t n_titles, struct fault *fault);
int keylist_json_open(struct keysource **out, struct lines *lines, struct fault *fault);

/* Fill *problem for the whole line. Returns KIT_ERR_FORMAT. */
int keylist_bad_line(struct keyproblem *problem, const char *rule);

#endif
