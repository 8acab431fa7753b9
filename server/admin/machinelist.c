/* Lists of machines: which has which name and profile, as CSV; and their import. */
#include "server/admin/machinelist.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/csv.h"
#include "common/hostname.h"
#include "server/keymap/events.h"
#include "server/keymap/inventory.h"
#include "server/keymap/keymap.h"
#include "server/keymap/profiles.h"
#include "server/keymap/systems.h"

enum machine_field { UUID, FQDN, PROFILE, FIELDS };

/* Names as asset lists, SCCM and dmidecode have them: see struct csv_field. */
#define OTHERS(...)	(const char *const[]){ __VA_ARGS__, NULL }
static const struct csv_field known[FIELDS + 1] = {
	[UUID] = {
		.name = "uuid", .required = true,
		.others = OTHERS("systemuuid", "smbiosuuid", "smbiosguid", "guid", "amtuuid",
				 "machineuuid", "computeruuid", "platformguid"),
	},
	[FQDN] = {
		.name = "fqdn", .required = true,
		.others = OTHERS("dnsname", "dnshostname", "fulldnsname", "fullcomputername",
				 "fullyqualifieddomainname", "fullname", "hostfqdn"),
	},
	[PROFILE] = { .name = "profile", .others = OTHERS("amtprofile", "setupprofile") },
	[FIELDS] = { .name = NULL },
};

struct machinelist {
	struct lines *lines;
	struct csv *csv;
};

int machinelist_open(struct machinelist **out, FILE *file, const char *name,
		     const char *const *wanted, size_t n_wanted, struct fault *fault)
{
	struct machinelist *in = calloc(1, sizeof(*in));
	int rc;

	*out = NULL;
	if (!in)
		return fault_nomem(fault);
	rc = lines_open(&in->lines, file, name, fault);
	if (!rc)
		rc = csv_open(&in->csv, in->lines, known, wanted, n_wanted, fault);
	if (rc)
		machinelist_close(&in);
	*out = in;
	return rc;
}

char *machinelist_columns(const struct machinelist *in)
{
	return csv_describe(in->csv);
}

static int bad(struct keyproblem *problem, const char *field, const char *rule)
{
	problem->field = field;
	problem->code = KIT_ERR_FORMAT;
	problem->rule = rule;
	return KIT_ERR_FORMAT;
}

static int set_field(struct keymap_inventory *out, enum machine_field field, const char *text,
		     size_t n, struct keyproblem *problem)
{
	char copy[SYSTEM_FQDN + 2];
	struct profile unused;

	if (n >= sizeof(copy) || memchr(text, 0, n))
		return bad(problem, known[field].name, "at most 255 bytes, none of them NUL");
	memcpy(copy, text, n);
	copy[n] = 0;
	switch (field) {
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

int machinelist_next(struct machinelist *in, struct keymap_inventory *out,
		     struct keyproblem *problem, struct fault *fault)
{
	const char *rule = NULL, *text;
	size_t n = 0;
	int rc = csv_next(in->csv, &rule, fault);

	*problem = (struct keyproblem){ .line = csv_line(in->csv), .field = "", .rule = "" };
	memset(out, 0, sizeof(*out));
	if (rc < 0 && rule)
		return bad(problem, "", rule);
	for (int field = 0; rc == 1 && field < FIELDS; field++) {
		text = csv_text(in->csv, field, &n);
		if (!text && known[field].required)
			return bad(problem, "",
				   "no fewer fields than it takes to hold UUID and FQDN");
		if (text && set_field(out, (enum machine_field)field, text, n, problem))
			return KIT_ERR_FORMAT;
	}
	return rc;
}

void machinelist_close(struct machinelist **in)
{
	if (!*in)
		return;
	csv_free(&(*in)->csv);
	lines_free(&(*in)->lines);
	free(*in);
	*in = NULL;
}

/* ---- into the map ---- */

struct machinelist_run {
	struct machinelist_import *im;
	struct keymap *map;
	void *seen;		/* the UUIDs of the list (tsearch) */
};

static int by_uuid(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct uuid));
}

/* Has the list had this UUID before? Remembers it. 1, 0 or KIT_ERR_NOMEM. */
static int is_repeated(struct machinelist_run *j, const struct uuid *uuid)
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
static int look_for_swapped(struct machinelist_run *j, const struct uuid *uuid, struct fault *fault)
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

static int put_row(struct machinelist_run *j, struct keymap_inventory *row,
		   struct keyproblem *problem, struct fault *fault)
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

static int read_rows(struct machinelist_run *j, struct machinelist *in, struct fault *fault)
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
	struct machinelist_run job = { .im = im, .map = op->map };
	struct machinelist *in = NULL;
	int rc;

	im->rows = im->bad = im->swapped = 0;
	im->good = false;
	im->columns = NULL;
	rc = machinelist_open(&in, file, im->name, im->wanted, im->n_wanted, fault);
	if (!rc && !(im->columns = machinelist_columns(in)))
		rc = fault_nomem(fault);
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
