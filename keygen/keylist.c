/* Lists of pairs: what all readers share, and which reader a list needs. */
#include "keygen/keylist.h"

#include <string.h>

#include "common/csv.h"
#include "common/lines.h"
#include "common/secret.h"
#include "common/utf8.h"
#include "keygen/keylist-private.h"

#define OTHERS(...) (const char *const[]){ __VA_ARGS__, NULL }

/*
 * What others call the columns, as letters and digits. A list that has one MEBx password has the
 * one that the server is to log in with, whoever set it.
 */
const struct csv_field keylist_csv_fields[] = {
	[KEYLIST_PID] = {
		.name = "pid", .required = true,
		.others = OTHERS("provisioningid", "provisionid", "amtpid", "mebxpid", "mepid",
				 "vpropid", "pskpid", "tlspskpid", "pidvalue"),
	},
	[KEYLIST_PPS] = {
		.name = "pps", .required = true,
		.others = OTHERS("provisioningpassphrase", "provisioningpreshared",
				 "provisioningpresharedkey", "presharedkey", "amtpps", "mebxpps",
				 "mepps", "vpropps", "pskpps", "tlspskpps", "ppsvalue",
				 "passphrase"),
	},
	[KEYLIST_CURRENT] = {
		.name = "current_password",
		.others = OTHERS("currentmebxpassword", "currentmepassword", "oldpassword",
				 "oldmebxpassword", "factorypassword", "factorymebxpassword",
				 "defaultpassword", "defaultmebxpassword"),
	},
	[KEYLIST_NEW] = {
		.name = "admin_password",
		.others = OTHERS("newpassword", "newmebxpassword", "newadminpassword",
				 "mebxpassword", "mebxpwd", "mebxpw", "mebxadminpassword",
				 "mebpassword", "mepassword", "amtpassword", "amtadminpassword",
				 "amtmebxpassword", "intelamtpassword", "intelmebxpassword",
				 "managementenginepassword", "vpropassword"),
	},
	[KEYLIST_USED] = { .name = "used" },
	[KEYLIST_FIELDS] = { .name = NULL },
};

const char *keylist_field_name(enum keylist_field field)
{
	return field < KEYLIST_FIELDS ? keylist_csv_fields[field].name : "";
}

enum keylist_field keylist_field_named(const char *name, size_t n)
{
	int field = csv_field_named(keylist_csv_fields, name, n);

	return field < 0 ? KEYLIST_FIELDS : (enum keylist_field)field;
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
	problem->field = keylist_csv_fields[field].name;
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

/* Could this line be an entry of a text list, be it right or wrong: PID PPS? */
static bool is_entry(const char *line, size_t n)
{
	size_t word = strcspn(line, " \t"), next = word + strspn(line + word, " \t");
	size_t second = strcspn(line + next, " \t");
	char pid[PID_LENGTH + 1];

	if (strlen(line) != n)
		return false;
	return pidpps_parse_pid(line, word, pid, NULL) == 0 ||
	       (word <= PID_SHOWN && (second == PPS_LENGTH || second == PPS_SHOWN));
}

/* Could it be a row of a table: PID,PPS? */
static bool is_row(const char *line)
{
	char pid[PID_LENGTH + 1];

	line += strspn(line, " \"");
	return strpbrk(line, ",;\t|") &&
	       pidpps_parse_pid(line, strcspn(line, ",;\t|\" "), pid, NULL) == 0;
}

static int no_list(const struct lines *lines, struct fault *fault, unsigned long row)
{
	const char *name = lines_name(lines);

	if (row)
		return fault_set(fault, KIT_ERR_FORMAT,
				 "%s: line %lu is a row of a table, and no "
				 "line before it names the columns\n"
				 "put the line pid,pps,current_password,admin_password before the "
				 "rows (only the columns that there are, in their order)",
				 name, row);
	return fault_set(
		fault, KIT_ERR_FORMAT,
		"%s is not a key list: none of its first lines names "
		"the columns pid and pps, or has a PID and a PPS\n"
		"give a CSV, text or JSON list of PID/PPS pairs, or say which columns they "
		"are: --column pps=NAME",
		name);
}

static int no_columns(const struct lines *lines, struct fault *fault)
{
	return fault_set(fault, KIT_ERR_ARGUMENT, "--column is for tables, and %s is not one\n"
			 "leave --column out", lines_name(lines));
}

/* Find where the list begins, and hand over to the reader of its kind. */
static int find_list(struct keysource **out, struct lines *lines, const char *const *wanted,
		     size_t n_wanted, struct fault *fault)
{
	unsigned long titles[CSV_TITLES];
	size_t n_titles = 0, n;
	char *line;
	int rc;

	while ((rc = lines_next(lines, &line, &n, fault)) != 0) {
		if (rc < 0 && fault->code)
			return rc;
		if (rc == 1 && (strspn(line, " \t,;") == n || *line == '#'))
			continue;
		if (rc == KIT_ERR_RANGE || !is_text(line, n))
			return fault_set(fault, KIT_ERR_FORMAT,
					 "%s is not a key list: line %lu is not "
					 "text\n"
					 "give a CSV, text or JSON list of PID/PPS pairs",
					 lines_name(lines), lines_number(lines));
		if (csv_is_header(line, n, keylist_csv_fields, wanted, n_wanted)) {
			lines_again(lines);
			return keylist_csv_open(out, lines, wanted, n_wanted, fault);
		}
		if (is_entry(line, n)) {
			lines_again(lines);
			return n_wanted ? no_columns(lines, fault)
					: keylist_text_open(out, lines, titles, n_titles, fault);
		}
		if (is_row(line))
			return no_list(lines, fault, lines_number(lines));
		if (n_titles == CSV_TITLES)
			return no_list(lines, fault, 0);
		titles[n_titles++] = lines_number(lines);
	}
	if (n_titles)
		return no_list(lines, fault, 0);
	return fault_set(fault, KIT_ERR_FORMAT, "%s is empty\n"
			 "give a CSV, text or JSON list of PID/PPS pairs", lines_name(lines));
}

int keylist_open(struct keysource **out, FILE *file, const char *name, const char *const *wanted,
		 size_t n_wanted, struct fault *fault)
{
	struct lines *lines = NULL;
	int c, rc = lines_open(&lines, file, name, fault);

	*out = NULL;
	if (rc)
		return rc;
	c = lines_peek(lines);
	if (c != '[' && c != '{')
		rc = find_list(out, lines, wanted, n_wanted, fault);
	else
		rc = n_wanted ? no_columns(lines, fault) : keylist_json_open(out, lines, fault);
	if (rc)
		lines_free(&lines);
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
