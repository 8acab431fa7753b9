/* Text files as they come: lines in UTF-8, whatever their encoding and their line ends. */
#ifndef COMMON_LINES_H
#define COMMON_LINES_H

#include <stddef.h>
#include <stdio.h>

#include "common/error.h"

#define LINES_MAX	4096	/* bytes of a line; more is refused */
#define LINES_SKIP	1048576	/* bytes of a line too long, after which the file is given up */

/*
 * A text file that is read forward only, so that a pipe will do. UTF-8 (with a byte order mark or
 * without) and UTF-16 of both byte orders (as "Unicode text" is saved) become UTF-8; bytes of an
 * older encoding are handed on as they are. A line ends with LF, CR LF, CR CR LF or CR alone.
 * What passes through may be SECRET: it is wiped.
 */
struct lines;

/* FILE stays the caller's, and must outlive *out. NAME is for messages. KIT_ERR_NOMEM, _SYSTEM. */
int lines_open(struct lines **out, FILE *file, const char *name, struct fault *fault);

/* *lines may be NULL. */
void lines_free(struct lines **lines);

/*
 * The next line without its end, as *length bytes and a NUL, in memory of LINES that the next
 * call uses again. A line may hold NUL bytes.
 *
 * Returns 1, 0 at the end of the file, KIT_ERR_RANGE for a line longer than LINES_MAX (it is
 * skipped; go on with the next), or KIT_ERR_SYSTEM, KIT_ERR_FORMAT (LINES_SKIP bytes without a line
 * end) with *fault set.
 */
int lines_next(struct lines *lines, char **line, size_t *length, struct fault *fault);

/* Give the line that lines_next() returned last again: its next call returns the same. */
void lines_again(struct lines *lines);

/* The number of the line that lines_next() returned last, from 1; 0 before. */
unsigned long lines_number(const struct lines *lines);

/* The name that lines_open() was given. */
const char *lines_name(const struct lines *lines);

/*
 * Skip blank lines and blanks. Returns the first byte behind them, which is still to come, or
 * EOF.
 */
int lines_peek(struct lines *lines);

/*
 * Bytes of the text one by one, for readers that know no lines: the next one, or EOF; and one
 * byte back. Not to be mixed with lines_next().
 */
int lines_getc(struct lines *lines);
void lines_ungetc(struct lines *lines, int c);
/* Did reading fail? Sets *fault and returns KIT_ERR_SYSTEM, or returns 0. */
int lines_error(const struct lines *lines, struct fault *fault);

#endif
