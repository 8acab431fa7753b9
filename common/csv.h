/* Tables as people export them: CSV of many makes, with columns found by their names. */
#ifndef COMMON_CSV_H
#define COMMON_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "common/lines.h"

#define CSV_COLUMNS	256	/* columns of a table; more is refused */
#define CSV_FIELDS	32	/* that a caller knows, at most */
#define CSV_RECORD	8192	/* bytes of a row, with line breaks in quoted cells */
#define CSV_TITLES	10	/* lines before the header that are neither blank nor comments */

/* A column that the caller knows. Fields are numbers from 0, in an array ended by a NULL name. */
struct csv_field {
	const char *name;	/* as messages and --column call it */
	/*
	 * Names of columns that mean it, ended by NULL; compared as letters and digits only, in any
	 * case: "mebxpassword" is "MEBx Password" and "mebx_password". NAME itself is one of them.
	 */
	const char *const *others;
	bool required;
};

/*
 * A table: rows of cells, separated by comma, semicolon, tab or bar, whichever makes sense of the
 * header line. Before the header may be blank lines, a line "sep=;", "#TYPE ..." and other lines
 * that begin with '#', and titles. Cells may be quoted; quoted ones may hold separators, doubled
 * quotes and line breaks.
 */
struct csv;

/* A column of the file. */
struct csv_column {
	char *name;	/* as the header has it */
	int field;	/* of the caller's, or -1: not read */
};

/* The field that a column called NAME (N bytes) means, or -1. */
int csv_field_named(const struct csv_field *fields, const char *name, size_t n);

/*
 * Does LINE (N bytes) name columns, one of FIELDS at least, or one of the WANTED (see csv_open())?
 * For who has to tell a header from other lines.
 */
bool csv_is_header(const char *line, size_t n, const struct csv_field *fields,
		   const char *const *wanted, size_t n_wanted);

/*
 * Find the header in LINES (which stay the caller's) and the columns of FIELDS (which must outlive
 * *out) in it. WANTED are N_WANTED texts "FIELD=COLUMN" of a person who knows better, as "pps=MEBX
 * PPS": they go before the names that are known.
 *
 * Returns 0, KIT_ERR_NOT_FOUND (no line names a column that is known), KIT_ERR_FORMAT (a
 * required column is missing, a column is there twice), KIT_ERR_ARGUMENT (a WANTED that names no
 * field or no column), KIT_ERR_SYSTEM, KIT_ERR_NOMEM, all with *fault set.
 */
int csv_open(struct csv **out, struct lines *lines, const struct csv_field *fields,
	     const char *const *wanted, size_t n_wanted, struct fault *fault);
/* *csv may be NULL. Wipes what was read. */
void csv_free(struct csv **csv);

/*
 * The next row that is not blank. Returns 1, 0 at the end, KIT_ERR_FORMAT with *rule set (a static
 * text: the rule that the row breaks; go on with the next), or another negative code with *fault
 * set. Rows with fewer cells than the header have empty ones; further cells must be empty.
 */
int csv_next(struct csv *csv, const char **rule, struct fault *fault);
/* The line at which the row at hand begins. */
unsigned long csv_line(const struct csv *csv);
/*
 * The text of FIELD in the row at hand, *n bytes and a NUL behind them; NULL when the file has
 * no such column or the row ends before it.
 */
const char *csv_text(const struct csv *csv, int field, size_t *n);

/* The columns of the file, in their order. */
const struct csv_column *csv_columns(const struct csv *csv, size_t *n);
/*
 * What is read as what, for people: 'columns read: "MEBX PPS" as pps, "pid"; not read: "Serial"'.
 * To be freed; NULL when out of memory.
 */
char *csv_describe(const struct csv *csv);

#endif
