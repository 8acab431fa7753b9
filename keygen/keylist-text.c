/* Key lists as plain text: PID PPS [CURRENT-PASSWORD [NEW-PASSWORD]]. */
#include "keygen/keylist-private.h"

#include <stdlib.h>
#include <string.h>

struct text {
	struct keysource source;
	struct lines *lines;
	unsigned long titles[CSV_TITLES];	/* lines before the list that are to be reported */
	size_t n_titles, reported;
};

static int parse_line(struct text *t, char *line, size_t length, struct keyentry *out,
		      struct keyproblem *problem)
{
	static const char blanks[] = " \t";
	bool folded = false;
	char *at = line;
	int rc;

	if (strlen(line) != length)
		return keylist_bad_line(problem, "no NUL bytes");
	for (int field = KEYLIST_PID; *(at += strspn(at, blanks)); field++) {
		size_t n = strcspn(at, blanks);
		bool password = field == KEYLIST_CURRENT || field == KEYLIST_NEW;

		if (field > KEYLIST_NEW)
			return keylist_bad_line(problem, "PID, PPS and at most two passwords");
		if (!(password && n == 1 && *at == '-')) {
			rc = keyentry_set(out, (enum keylist_field)field, at, n, &folded, problem);
			if (rc)
				return rc;
		}
		at += n;
	}
	if (!out->pair.pps[0])
		return keylist_bad_line(problem, "a PID and a PPS, with a blank between");
	t->source.counts.folded += folded;
	return 1;
}

static int text_next(struct keysource *s, struct keyentry *out, struct keyproblem *problem,
		     struct fault *fault)
{
	struct text *t = (struct text *)s;
	size_t length = 0;
	char *line;
	int rc;

	if (t->reported < t->n_titles) {
		s->counts.lines = t->titles[t->reported++];
		return keylist_bad_line(problem, "a PID and a PPS, with a blank between");
	}
	do {
		rc = lines_next(t->lines, &line, &length, fault);
		if (rc == 0 || fault->code)
			return rc;
		s->counts.lines = lines_number(t->lines);
		if (rc == KIT_ERR_RANGE)
			return keylist_bad_line(problem, "at most 4096 bytes in a line");
	} while (line[0] == '#' || strspn(line, " \t") == length);
	return parse_line(t, line, length, out, problem);
}

static void text_free(struct keysource *s)
{
	struct text *t = (struct text *)s;

	lines_free(&t->lines);
	free(t);
}

static const struct keysource_operations operations = { text_next, text_free };

int keylist_text_open(struct keysource **out, struct lines *lines, const unsigned long *titles,
		      size_t n_titles, struct fault *fault)
{
	struct text *t = calloc(1, sizeof(*t));

	if (!t)
		return fault_nomem(fault);
	t->source = (struct keysource){ .operations = &operations, .kind = "text" };
	t->lines = lines;
	t->n_titles = n_titles;
	memcpy(t->titles, titles, n_titles * sizeof(*titles));
	*out = &t->source;
	return 0;
}
