/* Key lists as plain text: PID PPS [CURRENT-PASSWORD [NEW-PASSWORD]]. */
#include "keygen/keylist-kinds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"

struct text {
	struct keysource source;
	FILE *file;
	char *name;
	bool have_first;		/* line holds the first line, read by keylist_open() */
	size_t length;
	char line[KEYLIST_LINE + 1];	/* SECRET */
};

static int parse_line(struct text *t, struct keyentry *out, struct keyproblem *problem)
{
	static const char blanks[] = " \t";
	bool folded = false;
	char *at = t->line;
	int rc;

	if (strlen(t->line) != t->length)
		return keylist_bad_line(problem, "no NUL bytes");
	for (int field = KEYLIST_PID; *(at += strspn(at, blanks)); field++) {
		size_t n = strcspn(at, blanks);
		bool password = field == KEYLIST_CURRENT || field == KEYLIST_NEW;

		if (field > KEYLIST_NEW)
			return keylist_bad_line(problem, "PID, PPS and at most two passwords");
		if (!(password && n == 1 && *at == '-')) {
			rc = keyentry_set(out, (enum keylist_field)field, at, n, &folded, problem);
			/* Neither a list nor a table whose first line names columns that are known. */
			if (rc && field == KEYLIST_PID && strpbrk(at, ",;"))
				return keylist_bad_line(problem,
							"a table needs a first line with the"
							" names of its columns, such as pid,pps");
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
	int rc = 1;

	do {
		if (!t->have_first)
			rc = keylist_line(t->file, t->name, t->line, &t->length, fault);
		t->have_first = false;
		if (rc == 0 || rc == KIT_ERR_SYSTEM)
			return rc;
		s->counts.lines++;
		if (rc == KIT_ERR_RANGE)
			return keylist_bad_line(problem, "at most 4096 bytes in a line");
		if (rc < 0)
			return rc;
	} while (t->line[0] == '#' || strspn(t->line, " \t") == t->length);
	return parse_line(t, out, problem);
}

static void text_free(struct keysource *s)
{
	struct text *t = (struct text *)s;

	secret_wipe(t->line, sizeof(t->line));
	free(t->name);
	free(t);
}

static const struct keysource_operations operations = { text_next, text_free };

int keylist_text_open(struct keysource **out, FILE *file, const char *name, char *first,
		      size_t length, struct fault *fault)
{
	struct text *t = calloc(1, sizeof(*t));

	if (t)
		t->name = strdup(name);
	if (!t || !t->name) {
		free(t);
		return fault_sys(fault, ENOMEM, "cannot read %s", name);
	}
	t->source = (struct keysource){ .operations = &operations, .kind = "text" };
	t->file = file;
	t->have_first = true;
	t->length = length;
	memcpy(t->line, first, length);
	*out = &t->source;
	return 0;
}
