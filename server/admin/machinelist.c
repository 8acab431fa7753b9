/* Lists of machines: which are the site's, with which names, as CSV; and their import. */
#include "server/admin/machinelist.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/csv.h"
#include "common/hostname.h"
#include "common/secret.h"
#include "server/keymap/events.h"
#include "server/keymap/inventory.h"
#include "server/keymap/keymap.h"
#include "server/keymap/profiles.h"
#include "server/keymap/systems.h"

enum machine_field { UUID, FQDN, PROFILE, OTP, FIELDS };

/* Names as asset lists, SCCM and dmidecode have them: see struct csv_field. */
#define OTHERS(...)	(const char *const[]){ __VA_ARGS__, NULL }
static const struct csv_field known[FIELDS + 1] = {
	[UUID] = {
		.name = "uuid", .required = true,
		.others = OTHERS("systemuuid", "smbiosuuid", "smbiosguid", "guid", "amtuuid",
				 "machineuuid", "computeruuid", "platformguid"),
	},
	[FQDN] = {
		.name = "fqdn",
		.others = OTHERS("dnsname", "dnshostname", "fulldnsname", "fullcomputername",
				 "fullyqualifieddomainname", "fullname", "hostfqdn"),
	},
	[PROFILE] = { .name = "profile", .others = OTHERS("amtprofile", "setupprofile") },
	[OTP] = { .name = "otp", .others = OTHERS("onetimepassword", "provisioningotp", "amtotp") },
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

static int set_uuid(struct machinelist_row *out, const char *text, struct keyproblem *problem)
{
	if (uuid_parse(text, &out->machine.uuid))
		return bad(problem, "uuid", "32 hex digits, with the usual dashes or none");
	if (uuid_is_blank(&out->machine.uuid))
		return bad(problem, "uuid",
			   "one that no other machine has, not a blank or default one");
	return 0;
}

/* An empty name is none: it is known by its UUID alone. */
static int set_fqdn(struct machinelist_row *out, char *text, struct keyproblem *problem)
{
	hostname_drop_dot(text);
	if (*text && !hostname_is_fqdn(text))
		return bad(problem, "fqdn", "a host name with its domain (pc1.example.com), or "
			   "empty");
	out->has_fqdn = true;
	strcpy(out->machine.fqdn, text);
	return 0;
}

static int set_profile(struct machinelist_row *out, const char *text, struct keyproblem *problem)
{
	struct profile unused;

	if (*text && profile_init(&unused, text, NULL))
		return bad(problem, "profile", "letters, digits, '-', '_' and '.', up to 63");
	out->has_profile = true;
	strcpy(out->machine.profile, text);
	return 0;
}

static int set_otp(struct machinelist_row *out, const char *text, struct keyproblem *problem)
{
	const char *rule;

	if (*text && (strlen(text) < PASSWORD_MIN || password_check_current(text, &rule)))
		return bad(problem, "otp", "8 to 32 printable characters, or empty");
	out->has_otp = true;
	strcpy(out->otp, text);
	return 0;
}

/* N bytes of TEXT; they may be SECRET. */
static int set_field(struct machinelist_row *out, enum machine_field field, const char *text,
		     size_t n, struct keyproblem *problem)
{
	char copy[SYSTEM_FQDN + 2];
	int rc;

	if (n >= sizeof(copy) || memchr(text, 0, n))
		return bad(problem, known[field].name, "at most 255 bytes, none of them NUL");
	memcpy(copy, text, n);
	copy[n] = 0;
	rc = field == UUID ? set_uuid(out, copy, problem)
	   : field == FQDN ? set_fqdn(out, copy, problem)
	   : field == PROFILE ? set_profile(out, copy, problem) : set_otp(out, copy, problem);
	secret_wipe(copy, n);
	return rc;
}

int machinelist_next(struct machinelist *in, struct machinelist_row *out,
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
			return bad(problem, "", "no fewer fields than it takes to hold the UUID");
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
	int64_t now;
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

/* The inventory's row of the same UUID; an empty one if there is none. */
static int find_before(struct machinelist_run *j, const struct uuid *uuid,
		       struct keymap_inventory *before, char otp[static PASSWORD_MAX + 1],
		       struct fault *fault)
{
	int rc = keymap_inventory_find(j->map, uuid, before, fault);

	*otp = 0;
	if (rc == KIT_ERR_NOT_FOUND)
		memset(before, 0, sizeof(*before));
	else if (!rc && before->has_otp)
		rc = keymap_inventory_otp(j->map, uuid, otp, fault);
	return rc == KIT_ERR_NOT_FOUND ? 0 : rc;
}

/* Nobody can tell which of two names is stale. */
static bool differs(const struct machinelist_row *row, const struct keymap_inventory *before,
		    const char *otp)
{
	return (row->has_fqdn && strcasecmp(before->fqdn, row->machine.fqdn)) ||
	       (row->has_profile && strcmp(before->profile, row->machine.profile)) ||
	       (row->has_otp && strcmp(otp, row->otp));
}

static int put_known(struct machinelist_run *j, struct machinelist_row *row,
		     const struct keymap_inventory *before, struct fault *fault)
{
	struct keymap_inventory *machine = &row->machine;
	int rc;

	if (!row->has_fqdn)
		strcpy(machine->fqdn, before->fqdn);
	if (!row->has_profile)
		strcpy(machine->profile, before->profile);
	rc = look_for_swapped(j, &machine->uuid, fault);
	if (!rc)
		rc = keymap_inventory_put(j->map, machine, fault);
	if (!rc && row->has_otp)
		rc = keymap_inventory_set_otp(j->map, &machine->uuid, row->otp, fault);
	return rc ? rc : keymap_system_known(j->map, &machine->uuid, j->now, fault);
}

static int put_row(struct machinelist_run *j, struct machinelist_row *row,
		   struct keyproblem *problem, struct fault *fault)
{
	struct keymap_inventory before;
	char otp[PASSWORD_MAX + 1];
	int rc, repeated;

	if (j->im->swap_uuid)
		row->machine.uuid = uuid_swapped(&row->machine.uuid);
	repeated = is_repeated(j, &row->machine.uuid);
	if (repeated < 0)
		return fault_nomem(fault);
	rc = find_before(j, &row->machine.uuid, &before, otp, fault);
	if (!rc && !repeated)
		rc = put_known(j, row, &before, fault);
	else if (!rc && differs(row, &before, otp))
		rc = bad(problem, "uuid", "listed further up with another name, profile or "
			 "one-time password");
	secret_wipe(otp, sizeof(otp));
	return rc;
}

static int read_rows(struct machinelist_run *j, struct machinelist *in, struct fault *fault)
{
	struct machinelist_import *im = j->im;
	struct machinelist_row row;
	struct keyproblem problem;
	int rc;

	while ((rc = machinelist_next(in, &row, &problem, fault)) != 0) {
		if (rc == 1)
			rc = put_row(j, &row, &problem, fault);
		secret_wipe(&row, sizeof(row));
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
	struct machinelist_run job = { .im = im, .map = op->map, .now = op->now };
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
				  "%lu machine%s imported from %s", im->rows,
				  plural(im->rows), im->name);
		if (!rc)
			rc = keymap_commit(op->map, fault);
	}
	keymap_rollback(op->map);
	tdestroy(job.seen, free);
	machinelist_close(&in);
	return rc;
}
