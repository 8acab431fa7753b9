/* Lists of machines: which has which name and profile, as CSV; and their import. */
#include "server/admin/machinelist.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "keygen/keylist-kinds.h"
#include "common/hostname.h"
#include "server/keymap/events.h"
#include "server/keymap/inventory.h"
#include "server/keymap/keymap.h"
#include "server/keymap/profiles.h"
#include "server/keymap/systems.h"

#define COLUMNS	64

enum column { UUID, FQDN, PROFILE, OTHER };

struct machinelist {
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

static int read_header(struct machinelist *in, struct fault *fault)
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
	return fault_set(fault, KIT_ERR_FORMAT, "%s: line 1 does not name the columns uuid and "
			 "fqdn\nbegin the list with the line: uuid,fqdn,profile", in->name);
}

int machinelist_open(struct machinelist **out, FILE *file, const char *name, struct fault *fault)
{
	struct machinelist *in = calloc(1, sizeof(*in));
	int rc;

	*out = NULL;
	if (!in || !(in->name = strdup(name))) {
		free(in);
		return fault_nomem(fault);
	}
	in->file = file;
	rc = read_header(in, fault);
	if (rc)
		machinelist_close(&in);
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

static int parse(struct machinelist *in, size_t length, struct keymap_inventory *out,
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

int machinelist_next(struct machinelist *in, struct keymap_inventory *out,
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

void machinelist_close(struct machinelist **in)
{
	if (!*in)
		return;
	free((*in)->name);
	free(*in);
	*in = NULL;
}

/* ---- into the map ---- */

struct job {
	struct machinelist_import *im;
	struct keymap *map;
	void *seen;		/* the UUIDs of the list (tsearch) */
};

static int by_uuid(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct uuid));
}

/* Has the list had this UUID before? Remembers it. 1, 0 or KIT_ERR_NOMEM. */
static int is_repeated(struct job *j, const struct uuid *uuid)
{
	struct uuid *copy = malloc(sizeof(*copy));
	struct uuid **node;

	if (copy)
		*copy = *uuid;
	node = copy ? tsearch(copy, &j->seen, by_uuid) : NULL;
	if (node && *node == copy)
		return 0;
	free(copy);
	return node ? 1 : KIT_ERR_NOMEM;
}

/* Count a UUID that no machine has said hello with, though one has with the bytes swapped. */
static int look_for_swapped(struct job *j, const struct uuid *uuid, struct fault *fault)
{
	const struct uuid other = uuid_swapped(uuid);
	struct system system;
	int rc = keymap_system_find(j->map, uuid, &system, fault);

	if (rc == KIT_ERR_NOT_FOUND)
		rc = keymap_system_find(j->map, &other, &system, fault);
	else if (!rc)
		return 0;
	if (rc)
		return rc == KIT_ERR_NOT_FOUND ? 0 : rc;
	if (j->im->swapped++ == 0)
		j->im->first_swapped = *uuid;
	return 0;
}

static int put_row(struct job *j, struct keymap_inventory *row, struct keyproblem *problem,
		   struct fault *fault)
{
	struct keymap_inventory before;
	int rc;

	if (j->im->swap_uuid)
		row->uuid = uuid_swapped(&row->uuid);
	rc = is_repeated(j, &row->uuid);
	if (rc < 0)
		return fault_nomem(fault);
	if (rc == 0) {
		rc = look_for_swapped(j, &row->uuid, fault);
		return rc ? rc : keymap_inventory_put(j->map, row, fault);
	}
	/* Nobody can tell which of two names is stale. */
	rc = keymap_inventory_find(j->map, &row->uuid, &before, fault);
	if (!rc && (strcasecmp(before.fqdn, row->fqdn) || strcmp(before.profile, row->profile)))
		return bad(problem, "uuid", "listed further up with another name or profile");
	return rc;
}

static int read_rows(struct job *j, struct machinelist *in, struct fault *fault)
{
	struct machinelist_import *im = j->im;
	struct keymap_inventory row;
	struct keyproblem problem;
	int rc;

	while ((rc = machinelist_next(in, &row, &problem, fault)) != 0) {
		if (rc == 1)
			rc = put_row(j, &row, &problem, fault);
		if (rc == 0) {
			im->rows++;
			continue;
		}
		if (rc != KIT_ERR_FORMAT || fault->code)
			return rc;
		im->bad++;
		if (im->bad_line)
			im->bad_line(im->context, &problem);
	}
	return 0;
}

int machinelist_import(struct machinelist_import *im, const struct operator *op, FILE *file,
		     struct fault *fault)
{
	struct job job = { .im = im, .map = op->map };
	struct machinelist *in = NULL;
	int rc;

	im->rows = im->bad = im->swapped = 0;
	im->good = false;
	rc = machinelist_open(&in, file, im->name, fault);
	if (!rc)
		rc = keymap_begin(op->map, fault);
	if (!rc)
		rc = read_rows(&job, in, fault);
	if (!rc)
		rc = keymap_inventory_shared(op->map, &im->shared, im->first_shared, fault);
	im->good = !rc && (!im->bad || im->skip_bad);
	if (im->good && !im->dry_run) {
		rc = operator_log(op, SEVERITY_INFO, "inventory-imported", NULL, NULL, fault,
				  "%lu name%s of machines imported from %s", im->rows,
				  plural(im->rows), im->name);
		if (!rc)
			rc = keymap_commit(op->map, fault);
	}
	keymap_rollback(op->map);
	tdestroy(job.seen, free);
	machinelist_close(&in);
	return rc;
}
