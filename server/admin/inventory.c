/* Inventory lists: which machine has which name and profile, as CSV. */
#include "server/admin/inventory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "keygen/keylist-kinds.h"
#include "common/hostname.h"
#include "server/keymap/inventory.h"
#include "server/keymap/profiles.h"
#include "server/keymap/systems.h"

#define COLUMNS	64

enum column { UUID, FQDN, PROFILE, OTHER };

struct inventory {
	FILE *file;
	char *name;
	char separator;
	size_t columns;
	enum column column[COLUMNS];
	unsigned long line;
	char text[KEYLIST_LINE + 1];
};

static enum column column_named(const char *text, size_t n)
{
	static const char *const names[] = { [UUID] = "uuid", [FQDN] = "fqdn",
					     [PROFILE] = "profile" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == n && strncasecmp(names[i], text, n) == 0)
			return (enum column)i;
	return OTHER;
}

static int read_header(struct inventory *in, struct fault *fault)
{
	bool seen[OTHER + 1] = { false };
	size_t length = 0, n = 0;
	char *at = in->text, *end, *field;
	int rc;

	rc = keylist_line(in->file, in->name, in->text, &length, fault);
	if (rc < 0 && rc != KIT_ERR_RANGE)
		return rc;
	in->line = 1;
	if (rc == 1 && length >= 3 && memcmp(in->text, "\xEF\xBB\xBF", 3) == 0)
		at += 3;
	end = in->text + length;
	in->separator = memchr(at, ',', (size_t)(end - at)) ? ',' :
			memchr(at, ';', (size_t)(end - at)) ? ';' : '\t';
	while (rc == 1 && in->columns < COLUMNS &&
	       keylist_next_field(&at, end, in->separator, &field, &n) == 1) {
		in->column[in->columns] = column_named(field, n);
		seen[in->column[in->columns++]] = true;
	}
	if (rc == 1 && seen[UUID] && seen[FQDN])
		return 0;
	rc = fault_set(fault, KIT_ERR_FORMAT, "%s: line 1 names no columns uuid and fqdn",
		       in->name);
	fault_hint(fault, "begin the list with the line: uuid,fqdn,profile");
	return rc;
}

int inventory_open(struct inventory **out, FILE *file, const char *name, struct fault *fault)
{
	struct inventory *in = calloc(1, sizeof(*in));
	int rc;

	*out = NULL;
	if (!in || !(in->name = strdup(name))) {
		free(in);
		return fault_sys(fault, ENOMEM, "cannot read %s", name);
	}
	in->file = file;
	rc = read_header(in, fault);
	if (rc)
		inventory_close(&in);
	*out = in;
	return rc;
}

static int bad(struct keyproblem *problem, const char *field, const char *rule)
{
	problem->field = field;
	problem->code = KIT_ERR_FORMAT;
	problem->rule = rule;
	return KIT_ERR_FORMAT;
}

static int set_field(struct keymap_inventory *out, enum column column, const char *text,
		     size_t n, struct keyproblem *problem)
{
	char copy[SYSTEM_FQDN + 2];
	struct profile unused;

	if (n >= sizeof(copy) || memchr(text, 0, n))
		return bad(problem, column == FQDN ? "fqdn" : column == UUID ? "uuid" : "profile",
			   "at most 255 bytes, none of them NUL");
	memcpy(copy, text, n);
	copy[n] = 0;
	switch (column) {
	case UUID:
		if (uuid_parse(copy, &out->uuid))
			return bad(problem, "uuid", "32 hex digits, with the usual dashes or none");
		if (uuid_is_blank(&out->uuid))
			return bad(problem, "uuid",
				   "one that no other machine has, not a blank or default one");
		break;
	case FQDN:
		hostname_drop_dot(copy);
		if (!hostname_is_fqdn(copy))
			return bad(problem, "fqdn",
				   "a host name with its domain (pc1.example.com)");
		strcpy(out->fqdn, copy);
		break;
	default:
		if (n && profile_init(&unused, copy, NULL))
			return bad(problem, "profile",
				   "letters, digits, '-', '_' and '.', up to 63");
		strcpy(out->profile, copy);
	}
	return 0;
}

static int parse(struct inventory *in, size_t length, struct keymap_inventory *out,
		 struct keyproblem *problem)
{
	char *at = in->text, *end = in->text + length, *field;
	bool seen[OTHER + 1] = { false };
	size_t n = 0;
	int rc;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; (rc = keylist_next_field(&at, end, in->separator, &field, &n)) == 1;
	     i++) {
		if (i >= in->columns) {
			if (n == 0 && at > end)
				break;
			return keylist_bad_line(problem, "no more fields than the header has");
		}
		seen[in->column[i]] = true;
		if (in->column[i] == OTHER)
			continue;
		rc = set_field(out, in->column[i], field, n, problem);
		if (rc)
			return rc;
	}
	if (rc < 0)
		return keylist_bad_line(problem,
					"quotes must be closed, and doubled within a field");
	if (!seen[UUID] || !seen[FQDN])
		return keylist_bad_line(problem,
					"no fewer fields than it takes to hold UUID and FQDN");
	return 1;
}

int inventory_next(struct inventory *in, struct keymap_inventory *out,
		   struct keyproblem *problem, struct fault *fault)
{
	size_t length = 0;
	int rc;

	*problem = (struct keyproblem){ .field = "", .rule = "" };
	do {
		rc = keylist_line(in->file, in->name, in->text, &length, fault);
		if (rc == 0 || rc == KIT_ERR_SYSTEM)
			return rc;
		problem->line = ++in->line;
		if (rc == KIT_ERR_RANGE)
			return keylist_bad_line(problem, "at most 4096 bytes in a line");
		if (rc < 0)
			return rc;
	} while (strspn(in->text, " \t,;") == length);
	return parse(in, length, out, problem);
}

void inventory_close(struct inventory **in)
{
	if (!*in)
		return;
	free((*in)->name);
	free(*in);
	*in = NULL;
}
