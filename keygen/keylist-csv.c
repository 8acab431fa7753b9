/* Key lists as CSV: columns by the names in the header line. */
#include "keygen/keylist-private.h"

#include <stdlib.h>
#include <string.h>

struct csv_list {
	struct keysource source;
	struct lines *lines;
	struct csv *csv;
	char *columns;
};

static int table_next(struct keysource *s, struct keyentry *out, struct keyproblem *problem,
		      struct fault *fault)
{
	struct csv_list *t = (struct csv_list *)s;
	bool folded = false;
	const char *rule = NULL;
	int rc = csv_next(t->csv, &rule, fault);

	/* The lines of a quoted cell are one row, which has the number of its first. */
	problem->line = csv_line(t->csv);
	if (rc == 0 || rule)
		return rc == 0 ? 0 : keylist_bad_line(problem, rule);
	if (rc < 0)
		return rc;
	s->counts.lines = problem->line;
	for (int field = 0; field < KEYLIST_FIELDS; field++) {
		size_t n = 0;
		const char *text = csv_text(t->csv, field, &n);

		rc = text ? keyentry_set(out, (enum keylist_field)field, text, n, &folded, problem)
			  : 0;
		if (rc)
			return rc;
	}
	if (!out->pair.pid[0] || !out->pair.pps[0])
		return keylist_bad_line(problem,
					"no fewer fields than it takes to hold PID and PPS");
	s->counts.folded += folded;
	return 1;
}

static void table_free(struct keysource *s)
{
	struct csv_list *t = (struct csv_list *)s;

	csv_free(&t->csv);
	lines_free(&t->lines);
	free(t->columns);
	free(t);
}

static const struct keysource_operations operations = { table_next, table_free };

int keylist_csv_open(struct keysource **out, struct lines *lines, const char *const *wanted,
		     size_t n_wanted, struct fault *fault)
{
	struct csv_list *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return fault_nomem(fault);
	t->source = (struct keysource){ .operations = &operations, .kind = "csv" };
	rc = csv_open(&t->csv, lines, keylist_csv_fields, wanted, n_wanted, fault);
	if (!rc && !(t->columns = csv_describe(t->csv)))
		rc = fault_nomem(fault);
	if (rc) {
		table_free(&t->source);
		return rc;
	}
	t->source.columns = t->columns;
	t->source.counts.lines = csv_line(t->csv);
	t->lines = lines;
	*out = &t->source;
	return 0;
}
