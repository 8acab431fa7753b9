/* Key lists as CSV: columns by the names in the header line. */
#include "keygen/keylist-kinds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"

#define COLUMNS	64

struct csv {
	struct keysource source;
	FILE *file;
	char *name;
	char separator;
	size_t columns;
	enum keylist_field column[COLUMNS];
	char line[KEYLIST_LINE + 1];	/* SECRET */
};

int keylist_next_field(char **at, char *end, char separator, char **field, size_t *length)
{
	char *p = *at, *to;

	if (p > end)
		return 0;
	while (p < end && *p == ' ')
		p++;
	*field = to = p;
	if (p < end && *p == '"') {
		for (p++; p < end; p++) {
			if (*p == '"' && (p + 1 == end || p[1] != '"'))
				break;
			p += *p == '"';
			*to++ = *p;
		}
		if (p == end)
			return KIT_ERR_FORMAT;
		for (p++; p < end && *p == ' ';)
			p++;
		if (p < end && *p != separator)
			return KIT_ERR_FORMAT;
	} else {
		p = memchr(p, separator, (size_t)(end - p));
		if (!p)
			p = end;
		for (to = p; to > *field && to[-1] == ' ';)
			to--;
	}
	*length = (size_t)(to - *field);
	*at = p + 1;
	return 1;
}

static int parse_line(struct csv *csv, size_t length, struct keyentry *out,
		      struct keyproblem *problem)
{
	char *at = csv->line, *end = csv->line + length, *text = NULL;
	bool folded = false;
	size_t n = 0;
	int rc;

	for (size_t i = 0; (rc = keylist_next_field(&at, end, csv->separator, &text, &n)) == 1;
	     i++) {
		if (i == csv->columns) {
			/* A separator at the end of the line is a habit of some exporters. */
			if (n == 0 && at > end)
				break;
			return keylist_bad_line(problem, "no more fields than the header has");
		}
		if (csv->column[i] == KEYLIST_FIELDS)
			continue;
		rc = keyentry_set(out, csv->column[i], text, n, &folded, problem);
		if (rc)
			return rc;
	}
	if (rc < 0)
		return keylist_bad_line(problem,
					"quotes must be closed, and doubled within a field");
	if (!out->pair.pid[0] || !out->pair.pps[0])
		return keylist_bad_line(problem,
					"no fewer fields than it takes to hold PID and PPS");
	csv->source.counts.folded += folded;
	return 1;
}

static int csv_next(struct keysource *s, struct keyentry *out, struct keyproblem *problem,
		    struct fault *fault)
{
	struct csv *csv = (struct csv *)s;
	size_t length = 0;
	int rc;

	do {
		rc = keylist_line(csv->file, csv->name, csv->line, &length, fault);
		if (rc == 0 || rc == KIT_ERR_SYSTEM)
			return rc;
		s->counts.lines++;
		if (rc == KIT_ERR_RANGE)
			return keylist_bad_line(problem, "at most 4096 bytes in a line");
		if (rc < 0)
			return rc;
	} while (strspn(csv->line, " \t,;") == length);
	return parse_line(csv, length, out, problem);
}

static void csv_free(struct keysource *s)
{
	struct csv *csv = (struct csv *)s;

	secret_wipe(csv->line, sizeof(csv->line));
	free(csv->name);
	free(csv);
}

static const struct keysource_operations operations = { csv_next, csv_free };

static int read_header(struct csv *csv, char *header, size_t length, struct fault *fault)
{
	char *at = header, *end = header + length, *text = NULL;
	bool seen[KEYLIST_FIELDS + 1] = { false };
	size_t n = 0;
	int rc;

	csv->separator = ',';
	if (!memchr(header, ',', length))
		csv->separator = memchr(header, ';', length) ? ';' : '\t';
	while ((rc = keylist_next_field(&at, end, csv->separator, &text, &n)) == 1) {
		enum keylist_field field = keylist_field_named(text, n);

		if (csv->columns == COLUMNS)
			return fault_set(fault, KIT_ERR_FORMAT,
					 "%s: the header has more than %d columns", csv->name,
					 COLUMNS);
		if (field != KEYLIST_FIELDS && seen[field])
			return fault_set(fault, KIT_ERR_FORMAT,
					 "%s: the header has the column \"%s\" twice", csv->name,
					 keylist_field_name(field));
		seen[field] = true;
		csv->column[csv->columns++] = field;
	}
	if (rc < 0)
		return fault_set(fault, KIT_ERR_FORMAT,
				 "%s: the header has quotes that are not closed", csv->name);
	if (!seen[KEYLIST_PID] || !seen[KEYLIST_PPS]) {
		return fault_set(fault, KIT_ERR_FORMAT, "%s: the header has no column \"%s\"\n"
				 "name the columns: pid,pps,current_password,admin_password (any "
				 "order; the passwords may be left out)", csv->name,
				 seen[KEYLIST_PID] ? "pps" : "pid");
	}
	return 0;
}

int keylist_csv_open(struct keysource **out, FILE *file, const char *name, char *header,
		     size_t length, struct fault *fault)
{
	struct csv *csv = calloc(1, sizeof(*csv));
	int rc;

	if (csv)
		csv->name = strdup(name);
	if (!csv || !csv->name) {
		free(csv);
		return fault_sys(fault, ENOMEM, "cannot read %s", name);
	}
	csv->source = (struct keysource){ .operations = &operations, .kind = "csv",
					  .counts.lines = 1 };
	csv->file = file;
	rc = read_header(csv, header, length, fault);
	if (rc)
		csv_free(&csv->source);
	else
		*out = &csv->source;
	return rc;
}
