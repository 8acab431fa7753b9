/* Tables as people export them: finding the header, and taking rows apart. */
#include "common/csv.h"

#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "common/text.h"

#define NAME_MAX_BYTES	64	/* of a column's name, when it is compared */

static const char separators[] = ",;\t|";

struct cell {
	char *text;
	size_t n;
};

struct csv {
	struct lines *lines;
	const struct csv_field *fields;
	char separator;
	struct csv_column columns[CSV_COLUMNS];
	size_t n_columns;
	struct cell cells[CSV_COLUMNS];		/* of the row at hand, in text */
	size_t n_cells;
	unsigned long line;			/* of the row at hand */
	unsigned long next_line;		/* of what is in raw */
	bool any;				/* a row was taken apart */
	size_t n_raw;
	char raw[CSV_RECORD + 1];		/* SECRET: lines that are not taken apart yet */
	char text[CSV_RECORD + 1];		/* SECRET: the row at hand */
};

/* A letter or digit of a name in lower case; 0 for what does not count. */
static char fold_one(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80 ? c : 0;
}

/* NAME's letters and digits in lower case, into OUT. */
static void fold(char out[static NAME_MAX_BYTES], const char *name, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n && at + 1 < NAME_MAX_BYTES; i++) {
		char c = fold_one(name[i]);

		if (c)
			out[at++] = c;
	}
	out[at] = '\0';
}

/* Is FOLDED, of fold(), what fold() makes of NAME? */
static bool is_name(const char *folded, const char *name, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n && at + 1 < NAME_MAX_BYTES; i++) {
		char c = fold_one(name[i]);

		if (c && c != folded[at++])
			return false;
	}
	return at && !folded[at];
}

static bool same_name(const char *a, size_t n_a, const char *b, size_t n_b)
{
	char folded[NAME_MAX_BYTES];

	fold(folded, a, n_a);
	return is_name(folded, b, n_b);
}

/* The field that WANTED, "FIELD=COLUMN", gives the column NAME; -1 if it speaks of another. */
static int field_wanted(const struct csv_field *fields, const char *wanted, const char *name,
			size_t n)
{
	const char *equals = strchr(wanted, '=');

	if (!equals || !same_name(equals + 1, strlen(equals + 1), name, n))
		return -1;
	for (int f = 0; fields[f].name; f++)
		if (same_name(fields[f].name, strlen(fields[f].name), wanted,
			      (size_t)(equals - wanted)))
			return f;
	return -1;
}

/* Is the field F taken by one of the WANTED? */
static bool is_wanted(const struct csv_field *fields, int f, const char *const *wanted,
		      size_t n_wanted)
{
	for (size_t i = 0; i < n_wanted; i++)
		if (same_name(fields[f].name, strlen(fields[f].name), wanted[i],
			      strcspn(wanted[i], "=")))
			return true;
	return false;
}

/* The field that the column NAME means, or -1. */
static int field_named(const struct csv_field *fields, const char *const *wanted, size_t n_wanted,
		       const char *name, size_t n)
{
	char folded[NAME_MAX_BYTES];

	for (size_t i = 0; i < n_wanted; i++) {
		int f = field_wanted(fields, wanted[i], name, n);

		if (f >= 0)
			return f;
	}
	fold(folded, name, n);
	for (int f = 0; fields[f].name; f++) {
		if (is_wanted(fields, f, wanted, n_wanted))
			continue;
		if (is_name(folded, fields[f].name, strlen(fields[f].name)))
			return f;
		for (const char *const *o = fields[f].others; o && *o; o++)
			if (is_name(folded, *o, strlen(*o)))
				return f;
	}
	return -1;
}

int csv_field_named(const struct csv_field *fields, const char *name, size_t n)
{
	return field_named(fields, NULL, 0, name, n);
}

/*
 * Take the row of N bytes at TEXT apart, in place, into at most CSV_COLUMNS cells; *used receives
 * the bytes of the row, with the line feed behind it if there is one. Returns 0, KIT_ERR_TRUNCATED
 * when the row ends within quotes, KIT_ERR_FORMAT for something behind a quoted cell, or
 * KIT_ERR_RANGE for too many cells.
 */
static int split(char *text, size_t n, char separator, struct cell *cells, size_t *n_cells,
		 size_t *used)
{
	char *p = text, *end = text + n;
	int rc = 0;

	*n_cells = 0;
	for (;;) {
		struct cell cell;
		char *to;

		while (p < end && *p == ' ')
			p++;
		cell.text = to = p;
		if (p < end && *p == '"') {
			for (p++; p < end; p++) {
				if (*p == '"' && (p + 1 == end || p[1] != '"'))
					break;
				p += *p == '"';
				*to++ = *p;
			}
			if (p == end)
				return KIT_ERR_TRUNCATED;
			for (p++; p < end && *p == ' ';)
				p++;
			if (p < end && *p != separator && *p != '\n')
				rc = KIT_ERR_FORMAT;
		}
		/* An unquoted cell, or what should not follow a quoted one. */
		if (to == p || rc) {
			while (p < end && *p != separator && *p != '\n')
				p++;
			for (to = p; to > cell.text && to[-1] == ' ';)
				to--;
		}
		cell.n = (size_t)(to - cell.text);
		if (*n_cells < CSV_COLUMNS)
			cells[(*n_cells)++] = cell;
		else if (cell.n && !rc)
			rc = KIT_ERR_RANGE;
		if (p == end || *p == '\n')
			break;
		*p++ = '\0';
	}
	*used = (size_t)(p - text) + (p < end);
	*p = '\0';
	for (size_t i = 0; i < *n_cells; i++)
		cells[i].text[cells[i].n] = '\0';
	return rc;
}

/* How many columns of LINE are known if SEPARATOR stands between them. SCRATCH is for N bytes. */
static size_t count_known(const char *line, size_t n, char separator,
			  const struct csv_field *fields, const char *const *wanted,
			  size_t n_wanted, char *scratch)
{
	struct cell cells[CSV_COLUMNS];
	size_t n_cells, used, known = 0;
	int rc;

	memcpy(scratch, line, n);
	rc = split(scratch, n, separator, cells, &n_cells, &used);
	for (size_t i = 0; !rc && i < n_cells; i++)
		known += field_named(fields, wanted, n_wanted, cells[i].text, cells[i].n) >= 0;
	return known;
}

/* The separator that makes most of LINE, or 0 if it names no column that is known. */
static char best_separator(const char *line, size_t n, const struct csv_field *fields,
			   const char *const *wanted, size_t n_wanted)
{
	char scratch[LINES_MAX + 1], best = 0;
	size_t most = 0;

	if (n > LINES_MAX)
		return 0;
	for (const char *s = separators; *s; s++) {
		size_t known = count_known(line, n, *s, fields, wanted, n_wanted, scratch);

		if (known > most) {
			most = known;
			best = *s;
		}
	}
	secret_wipe(scratch, sizeof(scratch));
	return best;
}

/* "sep=;", as Excel writes and reads it, perhaps in quotes: the separator, or 0. */
static char said_separator(const char *line, size_t n)
{
	if (n && *line == '"') {
		line++;
		n -= n > 1 && line[n - 2] == '"' ? 2 : 1;
	}
	if (n < 5 || strncasecmp(line, "sep=", 4) != 0)
		return 0;
	return strchr(separators, line[4]) && strspn(line + 5, ",;\t| ") >= n - 5 ? line[4] : 0;
}

bool csv_is_header(const char *line, size_t n, const struct csv_field *fields,
		   const char *const *wanted, size_t n_wanted)
{
	return said_separator(line, n) || best_separator(line, n, fields, wanted, n_wanted);
}

/* Is there nothing in a row but blanks and separators? */
static bool is_blank(const char *text, size_t n)
{
	return strspn(text, " ,;\t|\"") >= n;
}

static int misses(const struct csv *csv, const struct csv_field *field, struct fault *fault)
{
	char *read = csv_describe(csv);

	fault_set(fault, KIT_ERR_FORMAT,
		  "%s: line %lu has no column \"%s\"%s%s\n"
		  "name the column %s, or say which it is: --column %s=NAME",
		  lines_name(csv->lines), csv->line, field->name, read ? "; " : "",
		  read ? read : "", field->name, field->name);
	free(read);
	return KIT_ERR_FORMAT;
}

/* Every WANTED has to name a field that there is and a column that there is. */
static int check_wanted(const struct csv *csv, const char *const *wanted, size_t n_wanted,
			struct fault *fault)
{
	for (size_t i = 0; i < n_wanted; i++) {
		bool found = false;

		for (size_t c = 0; c < csv->n_columns; c++) {
			const char *name = csv->columns[c].name;

			found |= field_wanted(csv->fields, wanted[i], name, strlen(name)) >= 0;
		}
		if (!found)
			return fault_set(fault, KIT_ERR_ARGUMENT,
					 "--column %s: line %lu of %s has no such column",
					 wanted[i], csv->line, lines_name(csv->lines));
	}
	return 0;
}

static int take_header(struct csv *csv, const char *const *wanted, size_t n_wanted,
		       struct fault *fault)
{
	unsigned long long seen = 0;
	size_t used;
	int rc = split(csv->text, strlen(csv->text), csv->separator, csv->cells, &csv->n_cells,
		       &used);

	if (rc)
		return fault_set(fault, KIT_ERR_FORMAT, "%s: line %lu, the header, %s",
				 lines_name(csv->lines), csv->line,
				 rc == KIT_ERR_RANGE ? "has more than 256 columns"
						     : "has quotes that are not closed");
	for (size_t i = 0; i < csv->n_cells; i++) {
		const struct cell *c = &csv->cells[i];
		int field = field_named(csv->fields, wanted, n_wanted, c->text, c->n);

		csv->columns[i].name = strdup(c->text);
		csv->columns[i].field = field;
		if (!csv->columns[i].name)
			return fault_nomem(fault);
		csv->n_columns++;
		if (field < 0)
			continue;
		if (seen & 1ULL << field)
			return fault_set(fault, KIT_ERR_FORMAT,
					 "%s: line %lu has two columns \"%s\"\n"
					 "say which one to read: --column %s=NAME",
					 lines_name(csv->lines), csv->line, csv->fields[field].name,
					 csv->fields[field].name);
		seen |= 1ULL << field;
	}
	rc = check_wanted(csv, wanted, n_wanted, fault);
	for (int f = 0; !rc && csv->fields[f].name; f++)
		if (csv->fields[f].required && !(seen & 1ULL << f))
			rc = misses(csv, &csv->fields[f], fault);
	return rc;
}

static int no_header(const struct csv *csv, struct fault *fault)
{
	char names[120] = "", *first = NULL;

	for (const struct csv_field *f = csv->fields; f->name; f++) {
		size_t at = strlen(names);

		if (f->required)
			snprintf(names + at, sizeof(names) - at, "%s%s", at ? ", " : "", f->name);
	}
	fault_set(fault, KIT_ERR_NOT_FOUND, "%s: no header line names the columns",
		  lines_name(csv->lines));
	first = strndup(names, strcspn(names, ","));
	if (names[0] && first)
		fault_hint(fault, "name them in its first line (%s), or say which they are: "
			   "--column %s=NAME", names, first);
	free(first);
	return KIT_ERR_NOT_FOUND;
}

/* Find the header and take it apart. */
static int find_header(struct csv *csv, const char *const *wanted, size_t n_wanted,
		       struct fault *fault)
{
	char *line, said = 0;
	size_t n;
	int rc;

	for (int looked = 0; looked < CSV_TITLES;) {
		rc = lines_next(csv->lines, &line, &n, fault);
		if (rc < 0 && rc != KIT_ERR_RANGE)
			return rc;
		if (!rc)
			break;
		if (rc == KIT_ERR_RANGE || is_blank(line, n) || *line == '#') {
			looked += rc == KIT_ERR_RANGE;
			continue;
		}
		looked++;
		if (said_separator(line, n)) {
			said = said_separator(line, n);
			continue;
		}
		csv->separator = best_separator(line, n, csv->fields, wanted, n_wanted);
		if (!csv->separator)
			continue;
		/* What the file says of itself holds only where it makes sense. */
		if (said &&
		    count_known(line, n, said, csv->fields, wanted, n_wanted, csv->text) > 1)
			csv->separator = said;
		csv->line = lines_number(csv->lines);
		memcpy(csv->text, line, n + 1);
		return take_header(csv, wanted, n_wanted, fault);
	}
	return no_header(csv, fault);
}

int csv_open(struct csv **out, struct lines *lines, const struct csv_field *fields,
	     const char *const *wanted, size_t n_wanted, struct fault *fault)
{
	struct csv *csv;
	int rc;

	*out = NULL;
	for (size_t i = 0; i < n_wanted; i++) {
		bool known = false;

		for (int f = 0; fields[f].name; f++)
			known |= is_wanted(fields, f, &wanted[i], 1);
		if (!known || !strchr(wanted[i], '='))
			return fault_set(fault, KIT_ERR_ARGUMENT, "--column \"%s\" is not a field "
					 "and the name of its column\n"
					 "give FIELD=NAME, such as %s=\"MEBX %s\"", wanted[i],
					 fields[0].name, fields[0].name);
	}
	csv = calloc(1, sizeof(*csv));
	if (!csv)
		return fault_nomem(fault);
	csv->lines = lines;
	csv->fields = fields;
	rc = find_header(csv, wanted, n_wanted, fault);
	if (rc)
		csv_free(&csv);
	*out = csv;
	return rc;
}

void csv_free(struct csv **csv)
{
	if (!*csv)
		return;
	for (size_t i = 0; i < (*csv)->n_columns; i++)
		free((*csv)->columns[i].name);
	secret_wipe(*csv, sizeof(**csv));
	free(*csv);
	*csv = NULL;
}

/*
 * Put the next line behind what is in csv->raw. As lines_next(), and KIT_ERR_TRUNCATED when there
 * is too little room for it; a line that is not taken comes again.
 */
static int add_line(struct csv *csv, struct fault *fault)
{
	char *line;
	size_t n;
	int rc = lines_next(csv->lines, &line, &n, fault);

	if (rc == 1 && csv->n_raw + 1 + n > CSV_RECORD)
		rc = KIT_ERR_TRUNCATED;
	if (rc == KIT_ERR_TRUNCATED || (rc == KIT_ERR_RANGE && csv->n_raw))
		lines_again(csv->lines);
	if (rc != 1)
		return rc;
	if (csv->n_raw == 0)
		csv->next_line = lines_number(csv->lines);
	else
		csv->raw[csv->n_raw++] = '\n';
	memcpy(csv->raw + csv->n_raw, line, n + 1);
	csv->n_raw += n;
	return 1;
}

/* Drop the first line of csv->raw, or the first N bytes, which are whole lines. */
static void drop(struct csv *csv, size_t n)
{
	if (n > csv->n_raw)
		n = csv->n_raw;
	for (size_t i = 0; i < n; i++)
		csv->next_line += csv->raw[i] == '\n';
	csv->n_raw -= n;
	memmove(csv->raw, csv->raw + n, csv->n_raw + 1);
}

static size_t first_line(const struct csv *csv)
{
	const char *end = memchr(csv->raw, '\n', csv->n_raw);

	return end ? (size_t)(end - csv->raw) : csv->n_raw;
}

/*
 * Take the row that begins csv->raw apart, with as many lines as its quotes need. As split(), or a
 * code with *fault set. Of quotes that are never closed only the first line is used: what follows
 * is read again by itself.
 */
static int take_row(struct csv *csv, size_t *used, struct fault *fault)
{
	int rc, more;

	for (;;) {
		memcpy(csv->text, csv->raw, csv->n_raw + 1);
		rc = split(csv->text, csv->n_raw, csv->separator, csv->cells, &csv->n_cells, used);
		if (rc != KIT_ERR_TRUNCATED)
			return rc;
		more = add_line(csv, fault);
		if (more == KIT_ERR_SYSTEM || more == KIT_ERR_FORMAT)
			return more;
		if (more != 1) {
			csv->n_cells = 0;
			*used = first_line(csv) + 1;
			return KIT_ERR_TRUNCATED;
		}
	}
}

/* The rule that the row at hand breaks, RC being from take_row(), or NULL. */
static const char *broken_rule(const struct csv *csv, int rc)
{
	if (rc == KIT_ERR_FORMAT || rc == KIT_ERR_TRUNCATED)
		return "quotes must be closed, and doubled within a field";
	for (size_t i = csv->n_columns; i < csv->n_cells; i++)
		if (csv->cells[i].n)
			return "no more fields than the header has";
	return rc ? "no more fields than the header has" : NULL;
}

/* Are the first row's cells separated otherwise than the header's? Said once, not of each row. */
static int check_first(const struct csv *csv, struct fault *fault)
{
	char wanted[] = { '\'', csv->separator, '\'', '\0' };

	if (csv->n_columns < 2 || csv->n_cells > 1)
		return 0;
	for (const char *s = separators; *s; s++)
		if (memchr(csv->raw, *s, first_line(csv)))
			return fault_set(fault, KIT_ERR_FORMAT, "%s: line %lu has no %s, which "
					 "separates the columns in the header\n"
					 "separate the cells of all rows as in the header",
					 lines_name(csv->lines), csv->line,
					 csv->separator == '\t' ? "tab" : wanted);
	return 0;
}

int csv_next(struct csv *csv, const char **rule, struct fault *fault)
{
	size_t used = 0;
	int rc;

	csv->n_cells = 0;
	for (;;) {
		rc = csv->n_raw ? 1 : add_line(csv, fault);
		if (rc == KIT_ERR_RANGE) {
			csv->line = lines_number(csv->lines);
			*rule = "at most 4096 bytes in a line";
			return KIT_ERR_FORMAT;
		}
		if (rc != 1)
			return rc;
		if (!is_blank(csv->raw, first_line(csv)))
			break;
		drop(csv, first_line(csv) + 1);
	}
	csv->line = csv->next_line;
	rc = take_row(csv, &used, fault);
	if (fault->code)
		return rc;
	*rule = broken_rule(csv, rc);
	if (!csv->any && !*rule && check_first(csv, fault))
		return fault->code;
	csv->any = true;
	drop(csv, used);
	return *rule ? KIT_ERR_FORMAT : 1;
}

unsigned long csv_line(const struct csv *csv)
{
	return csv->line;
}

const char *csv_text(const struct csv *csv, int field, size_t *n)
{
	for (size_t i = 0; i < csv->n_cells && i < csv->n_columns; i++) {
		if (csv->columns[i].field == field) {
			*n = csv->cells[i].n;
			return csv->cells[i].text;
		}
	}
	return NULL;
}

const struct csv_column *csv_columns(const struct csv *csv, size_t *n)
{
	*n = csv->n_columns;
	return csv->columns;
}

/* The columns that are read, or those that are not, behind WORD. */
static void describe(const struct csv *csv, FILE *out, bool read, const char *word)
{
	const char *before = word;
	char name[NAME_MAX_BYTES];

	for (size_t i = 0; i < csv->n_columns; i++) {
		const struct csv_column *c = &csv->columns[i];

		if ((c->field >= 0) != read || !*c->name)
			continue;
		text_clean(name, sizeof(name), c->name);
		fprintf(out, "%s\"%s\"", before, name);
		if (read && strcmp(c->name, csv->fields[c->field].name) != 0)
			fprintf(out, " as %s", csv->fields[c->field].name);
		before = ", ";
	}
}

char *csv_describe(const struct csv *csv)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	describe(csv, out, true, "columns read: ");
	describe(csv, out, false, ftello(out) ? "; not read: " : "columns not read: ");
	return fclose(out) == 0 ? text : NULL;
}
