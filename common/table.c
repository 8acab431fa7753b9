/* Tables on standard output that line up, in constant memory however long they are. */
#include "common/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS		16
#define HELD_ROWS	512

struct table {
	FILE *out;
	size_t columns;
	size_t width[COLUMNS];		/* characters shown, not bytes */
	bool right[COLUMNS];
	char *cells[HELD_ROWS * COLUMNS];	/* row by row; row 0 is the headings */
	size_t held;			/* cells held back */
	unsigned long rows;		/* finished ones, headings not counted */
	bool streaming;
};

/* Characters of UTF-8 text: every byte that does not continue one. */
static size_t shown_width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xC0) != 0x80;
	return n;
}

static void print_cell(const struct table *t, size_t column, const char *cell)
{
	size_t width = shown_width(cell);
	size_t gap = width < t->width[column] ? t->width[column] - width : 0;
	bool last = column + 1 == t->columns;

	if (t->right[column])
		fprintf(t->out, "%*s%s", (int)gap, "", cell);
	else
		fprintf(t->out, "%s%*s", cell, last ? 0 : (int)gap, "");
	fputs(last ? "\n" : "  ", t->out);
}

static void release(struct table *t)
{
	for (size_t i = 0; i < t->held; i++) {
		print_cell(t, i % t->columns, t->cells[i]);
		free(t->cells[i]);
	}
	t->held = 0;
	t->streaming = true;
}

static void put(struct table *t, char *cell)
{
	static char none[] = "";
	char *text = cell ? cell : none;

	for (unsigned char *p = (unsigned char *)text; *p; p++)
		if (*p < 32 || *p == 127)
			*p = '?';
	if (t->streaming) {
		/* HELD counts the cells of the present row here. */
		print_cell(t, t->held, text);
		free(cell);
		t->held = (t->held + 1) % t->columns;
		return;
	}
	if (shown_width(text) > t->width[t->held % t->columns])
		t->width[t->held % t->columns] = shown_width(text);
	t->cells[t->held++] = cell ? cell : calloc(1, 1);
	if (t->held == HELD_ROWS * t->columns)
		release(t);
}

struct table *table_new(FILE *out, const char *headings)
{
	struct table *t = calloc(1, sizeof(*t));
	const char *p = headings;

	if (!t)
		return NULL;
	t->out = out;
	for (const char *q = headings; q; q = strchr(q, '|') ? strchr(q, '|') + 1 : NULL)
		t->columns++;
	if (t->columns > COLUMNS)
		abort();	/* a table of the program's own, wrong for everybody */
	for (size_t i = 0; i < t->columns; i++) {
		size_t n = strcspn(p, "|");

		t->right[i] = *p == '>';
		put(t, strndup(p + t->right[i], n - t->right[i]));
		p += n + 1;
	}
	return t;
}

void table_cell(struct table *t, const char *format, ...)
{
	va_list args;
	char *cell = NULL;

	if (!t)
		return;
	va_start(args, format);
	if (vasprintf(&cell, format, args) < 0)
		cell = NULL;
	va_end(args);
	put(t, cell);
	if (t->held % t->columns == 0)
		t->rows++;
}

unsigned long table_end(struct table *t)
{
	unsigned long rows;

	if (!t)
		return 0;
	rows = t->rows;
	if (!t->streaming)
		release(t);
	free(t);
	return rows;
}
