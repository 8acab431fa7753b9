/* Tables on standard output that line up, in constant memory however long they are. */
#ifndef COMMON_TABLE_H
#define COMMON_TABLE_H

#include <stdio.h>

/*
 * The first rows (512) are held back to find each column's width; after them rows
 * are printed as they come. Control characters in cells are shown as '?', so that
 * no device, peer or file writes to the terminal.
 */
struct table;

/*
 * HEADINGS: the columns' names separated by '|'; a '>' before a name sets the
 * column flush right: "UUID|STATE|>RECORDS". NULL when out of memory.
 */
struct table *table_new(FILE *out, const char *headings);
/* The next cell of the present row, printf style; the row ends with its last column. */
void table_cell(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Print what is held back and free. T may be NULL. Returns the number of rows. */
unsigned long table_end(struct table *t);

#endif
