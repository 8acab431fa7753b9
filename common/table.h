/* Tables that line up, in constant memory however long they are. */
#ifndef COMMON_TABLE_H
#define COMMON_TABLE_H

#include <stdio.h>

/*
 * Rows are held and printed in blocks of 512. A column is as wide as its widest cell so far; on
 * a terminal that is too narrow for a row, the last column is wrapped if it is flush left.
 * Control characters and bytes that are not UTF-8 are shown as '?', so that no device, peer or
 * file writes to the terminal.
 */
struct table;

/*
 * HEADINGS: the columns' names separated by '|'; a '>' before a name sets the
 * column flush right: "UUID|STATE|>RECORDS". NULL when out of memory.
 */
struct table *table_new(FILE *out, const char *headings);
/*
 * The next cell of the present row, printf style; the row ends with its last column. Nothing
 * happens when T is NULL.
 */
void table_cell(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Print what is held and free. T may be NULL. Returns the number of rows. */
unsigned long table_end(struct table *t);

#endif
