/* Tables that line up, in constant memory however long they are. */
#include "common/table.h"

#include <libsmartcols.h>
#include <locale.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/text.h"

#define COLUMNS		16
#define BLOCK		512	/* rows that are held and printed together */

struct table {
	FILE *out;
	struct libscols_table *scols;
	struct libscols_line *line;	/* the present row; NULL: not begun */
	size_t columns, cell;		/* the next cell of the present row */
	size_t held;			/* finished rows not printed yet */
	unsigned long rows;		/* finished ones in all */
};

/* Columns of the terminal that OUT is; 0: it is not a terminal, nothing is fitted. */
static size_t terminal_width(FILE *out)
{
	struct winsize size = { 0 };
	int fd = fileno(out);

	if (fd < 0 || !isatty(fd))
		return 0;
	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

/* The columns of HEADINGS. The last one is wrapped where a terminal is too narrow. */
static bool make_columns(struct table *t, const char *headings)
{
	for (const char *p = headings, *end; p; p = *end ? end + 1 : NULL) {
		bool right = *p == '>';
		char name[40];

		end = p + strcspn(p, "|");
		if (++t->columns > COLUMNS || end - p >= (ptrdiff_t)sizeof(name))
			abort();	/* a table of the program's own, wrong for everybody */
		snprintf(name, sizeof(name), "%.*s", (int)(end - p - right), p + right);
		if (!scols_table_new_column(t->scols, name, 0, right ? SCOLS_FL_RIGHT
					    : *end ? 0 : SCOLS_FL_WRAP))
			return false;
	}
	return true;
}

struct table *table_new(FILE *out, const char *headings)
{
	struct table *t = calloc(1, sizeof(*t));
	size_t width = terminal_width(out);

	if (!t)
		return NULL;
	t->out = out;
	t->scols = scols_new_table();
	if (!t->scols || !make_columns(t, headings) ||
	    scols_table_set_column_separator(t->scols, "  ")) {
		scols_unref_table(t->scols);
		free(t);
		return NULL;
	}
	scols_table_set_stream(t->scols, out);
	scols_table_enable_noencoding(t->scols, 1);	/* the cells are clean already */
	scols_table_set_termforce(t->scols, width ? SCOLS_TERMFORCE_ALWAYS
				  : SCOLS_TERMFORCE_NEVER);
	if (width)
		scols_table_set_termwidth(t->scols, width);
	return t;
}

/* Later blocks are at least as wide as this one, so that columns stay in line. */
static void keep_widths(struct table *t)
{
	for (size_t i = 0; i < t->columns; i++) {
		struct libscols_column *c = scols_table_get_column(t->scols, i);

		scols_column_set_whint(c, (double)scols_column_get_width(c));
	}
	scols_table_enable_noheadings(t->scols, 1);
}

static void print_block(struct table *t)
{
	/* Cells are UTF-8, whatever the environment says: their width is reckoned as that. */
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL), before = NULL;

	if (utf8)
		before = uselocale(utf8);
	scols_print_table(t->scols);
	if (utf8) {
		uselocale(before);
		freelocale(utf8);
	}
	keep_widths(t);
	scols_table_remove_lines(t->scols);
	t->held = 0;
}

void table_cell(struct table *t, const char *format, ...)
{
	char *text = NULL, *clean = NULL;
	va_list args;

	if (!t)
		return;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (text)
		clean = malloc(strlen(text) + 1);
	if (clean)
		text_clean(clean, strlen(text) + 1, text);
	free(text);
	if (!t->line)
		t->line = scols_table_new_line(t->scols, NULL);
	if (!t->line || scols_line_refer_data(t->line, t->cell, clean))
		free(clean);
	if (++t->cell < t->columns)
		return;
	t->line = NULL;
	t->cell = 0;
	t->rows++;
	if (++t->held == BLOCK)
		print_block(t);
}

/* The library prints nothing at all of a table without rows. */
static void print_headings(struct table *t)
{
	for (size_t i = 0; i < t->columns; i++)
		fprintf(t->out, "%s%s", i ? "  " : "",
			scols_column_get_name(scols_table_get_column(t->scols, i)));
	fputc('\n', t->out);
}

unsigned long table_end(struct table *t)
{
	unsigned long rows;

	if (!t)
		return 0;
	rows = t->rows;
	if (t->held)
		print_block(t);
	else if (!rows)
		print_headings(t);
	scols_unref_table(t->scols);
	free(t);
	return rows;
}
