/* The reader of lines that the inventory list has until it reads its table through common/csv. */
#ifndef KEYGEN_KEYLIST_KINDS_H
#define KEYGEN_KEYLIST_KINDS_H

#include <stddef.h>
#include <stdio.h>

#include "keygen/keylist-private.h"

#define KEYLIST_LINE	4096	/* bytes of a line; more is refused */
#define KEYLIST_SKIP	1048576	/* bytes of a line that is too long, after which it is given up */

/*
 * Read a line without its end (LF or CRLF) into LINE (KEYLIST_LINE + 1 bytes; a NUL is
 * added). Returns 1, 0 at the end of the file, KIT_ERR_RANGE for a line that is too long
 * (it is skipped to its end), or KIT_ERR_SYSTEM, KIT_ERR_FORMAT (no end in sight) with *fault set.
 */
int keylist_line(FILE *file, const char *name, char *line, size_t *length, struct fault *fault);

/*
 * Cut the next field out of *AT (unquoting in place). Returns 1, 0 after the last
 * field, KIT_ERR_FORMAT when its quotes do not match.
 */
int keylist_next_field(char **at, char *end, char separator, char **field, size_t *length);

#endif
