/* Lists of pairs: what all readers share, and how they are told apart. */
#include "keygen/keylist.h"

#include <errno.h>
#include <string.h>

#include "keygen/keylist-kinds.h"
#include "common/secret.h"
#include "common/utf8.h"

static const char *const field_names[KEYLIST_FIELDS] = {
	[KEYLIST_PID] = "pid",
	[KEYLIST_PPS] = "pps",
	[KEYLIST_CURRENT] = "current_password",
	[KEYLIST_NEW] = "admin_password",
	[KEYLIST_USED] = "used",
};

/* What others call them. */
static const struct {
	const char *name;
	enum keylist_field field;
} other_names[] = {
	{ "provisioning_id", KEYLIST_PID },
	{ "provisioning_passphrase", KEYLIST_PPS },
	{ "current_mebx_password", KEYLIST_CURRENT },
	{ "new_password", KEYLIST_NEW },
	{ "new_mebx_password", KEYLIST_NEW },
};

const char *keylist_field_name(enum keylist_field field)
{
	return field < KEYLIST_FIELDS ? field_names[field] : "";
}

enum keylist_field keylist_field_named(const char *name, size_t n)
{
	char folded[32];

	if (n >= sizeof(folded))
		return KEYLIST_FIELDS;
	for (size_t i = 0; i < n; i++) {
		char c = name[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		folded[i] = c == ' ' || c == '-' ? '_' : c;
	}
	folded[n] = 0;
	for (size_t i = 0; i < sizeof(other_names) / sizeof(other_names[0]); i++)
		if (strcmp(folded, other_names[i].name) == 0)
			return other_names[i].field;
	for (int f = 0; f < KEYLIST_FIELDS; f++)
		if (strcmp(folded, field_names[f]) == 0)
			return (enum keylist_field)f;
	return KEYLIST_FIELDS;
}

static int set_password(char *out, const char *text, size_t n,
			int (*check)(const char *, const char **), const char **rule)
{
	int code;

	if (n > PASSWORD_MAX) {
		*rule = "at most 32 characters";
		return KIT_ERR_RANGE;
	}
	if (memchr(text, 0, n)) {
		*rule = "no NUL byte";
		return KIT_ERR_FORMAT;
	}
	memcpy(out, text, n);
	out[n] = 0;
	code = n ? check(out, rule) : 0;
	if (code)
		secret_wipe(out, PASSWORD_MAX + 1);
	return code;
}

static int set_used(bool *out, const char *text, size_t n)
{
	static const struct {
		const char *word;
		bool used;
	} words[] = {
		{ "", false }, { "0", false }, { "no", false }, { "false", false },
		{ "1", true }, { "yes", true }, { "true", true },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].word) == n && strncasecmp(words[i].word, text, n) == 0) {
			*out = words[i].used;
			return 0;
		}
	}
	return KIT_ERR_FORMAT;
}

int keyentry_set(struct keyentry *entry, enum keylist_field field, const char *text, size_t n,
		 bool *folded, struct keyproblem *problem)
{
	const char *rule = NULL;
	int code = 0;

	switch (field) {
	case KEYLIST_PID:
		code = pidpps_parse_pid(text, n, entry->pair.pid, folded);
		rule = pidpps_rule(code, false);
		break;
	case KEYLIST_PPS:
		code = pidpps_parse_pps(text, n, entry->pair.pps, folded);
		rule = pidpps_rule(code, true);
		break;
	case KEYLIST_CURRENT:
		code = set_password(entry->current_password, text, n, password_check_current,
				    &rule);
		break;
	case KEYLIST_NEW:
		code = set_password(entry->new_password, text, n, password_check_new, &rule);
		break;
	case KEYLIST_USED:
		code = set_used(&entry->used, text, n);
		rule = "0 or 1";
		break;
	case KEYLIST_FIELDS:
		break;
	}
	if (!code)
		return 0;
	problem->field = field_names[field];
	problem->code = code;
	problem->rule = rule;
	return KIT_ERR_FORMAT;
}

int keylist_bad_line(struct keyproblem *problem, const char *rule)
{
	problem->field = "";
	problem->code = KIT_ERR_FORMAT;
	problem->rule = rule;
	return KIT_ERR_FORMAT;
}

/* The rest of a line, of which LINE has the first N bytes already. As keylist_line(). */
static int rest_of_line(FILE *file, const char *name, char *line, size_t n, size_t *length,
			struct fault *fault)
{
	size_t skipped = 0;
	int c, rc = 1;

	while ((c = getc_unlocked(file)) != EOF && c != '\n') {
		if (n == KEYLIST_LINE) {
			rc = KIT_ERR_RANGE;
			/* A line without an end is no line: a device, or something binary. */
			if (++skipped == KEYLIST_SKIP)
				return fault_set(fault, KIT_ERR_FORMAT, "%s is no key list: a line"
						 " in it has more than a mebibyte", name);
			continue;
		}
		line[n++] = (char)c;
	}
	if (c == EOF && ferror(file))
		return fault_sys(fault, errno, "cannot read %s", name);
	if (c == EOF && n == 0)
		return 0;
	if (n && line[n - 1] == '\r')
		n--;
	line[n] = 0;
	*length = n;
	return rc;
}

int keylist_line(FILE *file, const char *name, char *line, size_t *length, struct fault *fault)
{
	return rest_of_line(file, name, line, 0, length, fault);
}

/* Does the first line of a list name its columns? A PID is never the word "pid". */
static bool is_header(const char *line, size_t n)
{
	while (n) {
		size_t field = 0;

		while (field < n && !strchr(",;\t", line[field]))
			field++;
		for (size_t from = 0; from < field; from++) {
			size_t to = field;

			while (from < to && strchr(" \"", line[from]))
				from++;
			while (to > from && strchr(" \"", line[to - 1]))
				to--;
			if (keylist_field_named(line + from, to - from) != KEYLIST_FIELDS)
				return true;
			break;
		}
		field += field < n;
		line += field;
		n -= field;
	}
	return false;
}

/* Could this line begin a list? Lists are ASCII but for comments and columns that nobody reads. */
static bool is_text(const char *line, size_t n)
{
	size_t strange = 0, character;

	for (size_t i = 0; i < n; i += character) {
		unsigned char c = (unsigned char)line[i];

		character = c == '\t' ? 1 : utf8_character(line + i, n - i);
		if (character)
			continue;
		if (c < 32 || c == 127)
			return false;
		strange++;
		character = 1;
	}
	/* Names of columns in an older encoding have some such bytes; noise is half of them. */
	return strange * 2 <= n;
}

/*
 * Go to where the list begins, behind a byte order mark and blank lines, which *LINES counts.
 * LINE receives what of the first line had to be read for that. Returns how many bytes.
 */
static size_t find_beginning(FILE *file, char *line, unsigned long *lines)
{
	static const char mark[] = "\xEF\xBB\xBF";
	size_t n = 0;
	int c = EOF;

	while (n < 3 && (c = getc(file)) == (unsigned char)mark[n])
		line[n++] = (char)c;
	if (n < 3 && c != EOF)
		ungetc(c, file);
	/* Part of a mark is the beginning of a word. */
	if (n == 1 || n == 2)
		return n;
	while ((c = getc(file)) == '\n' || c == '\r' || c == ' ')
		*lines += c == '\n';
	if (c != EOF)
		ungetc(c, file);
	return 0;
}

int keylist_open(struct keysource **out, FILE *file, const char *name, struct fault *fault)
{
	char line[KEYLIST_LINE + 1];
	unsigned long lines = 0;
	size_t length = find_beginning(file, line, &lines);
	int c, rc;

	*out = NULL;
	c = getc(file);
	if (c != EOF)
		ungetc(c, file);
	if (length == 0 && (c == '[' || c == '{'))
		return keylist_json_open(out, file, name, fault);
	rc = rest_of_line(file, name, line, length, &length, fault);
	if (rc == KIT_ERR_RANGE || (rc == 1 && !is_text(line, length))) {
		rc = fault_set(fault, KIT_ERR_FORMAT, "%s is no key list: its first line is no "
			       "text\n"
			       "give a CSV, text or JSON list of PID/PPS pairs, in UTF-8", name);
	}
	if (rc == 0) {
		rc = fault_set(fault, KIT_ERR_FORMAT, "%s is empty\n"
			       "give a CSV, text or JSON list of PID/PPS pairs", name);
	}
	if (rc < 0)
		goto out;
	if (is_header(line, length))
		rc = keylist_csv_open(out, file, name, line, length, fault);
	else
		rc = keylist_text_open(out, file, name, line, length, fault);
	if (!rc)
		(*out)->counts.lines += lines;
out:
	secret_wipe(line, sizeof(line));
	return rc;
}

int keysource_next(struct keysource *s, struct keyentry *out, struct keyproblem *problem,
		   struct fault *fault)
{
	int rc;

	memset(out, 0, sizeof(*out));
	*problem = (struct keyproblem){ .field = "", .rule = "" };
	rc = s->operations->next(s, out, problem, fault);
	if (rc == 1)
		s->counts.entries++;
	else if (rc < 0)
		secret_wipe(out, sizeof(*out));
	if (rc == KIT_ERR_FORMAT && problem->code)
		s->counts.bad++;
	if (!problem->line)
		problem->line = s->counts.lines;
	return rc;
}

const char *keylist_unit(const char *kind)
{
	if (strcmp(kind, "json") == 0)
		return "element";
	return strcmp(kind, "setup.bin") == 0 ? "record" : "line";
}

void keysource_free(struct keysource **s)
{
	if (*s)
		(*s)->operations->free(*s);
	*s = NULL;
}
