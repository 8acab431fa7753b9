/* amt-provisionctl inventory, profiles, config: what set-up goes by. */
#include "server/ctl/amt-provisionctl.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/table.h"
#include "server/admin/inventory.h"
#include "server/keymap/inventory.h"
#include "server/keymap/profiles.h"
#include "server/keymap/systems.h"

#define SAID	100	/* bad lines told one by one */

/* ---- inventory ---- */

const struct cli_option ctl_inventory_options[] = {
	CTL_MAP_OPTIONS,
	{ "dry-run", 'n', NULL, "say what would happen and change nothing", 0, 0 },
	{ "skip-bad", 0, NULL, "leave bad lines out instead of refusing the file", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

static int by_uuid(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct uuid));
}

/*
 * Put ROW into the map. A UUID that stands in the file twice, with another name or profile, is a
 * *problem: nobody can tell which of the two is stale. *SEEN: the UUIDs of the file (tsearch).
 */
static int put_row(struct keymap *m, const struct keymap_inventory *row, void **seen,
		   struct keyproblem *problem, struct fault *fault)
{
	struct keymap_inventory before;
	struct uuid *copy = malloc(sizeof(*copy));
	struct uuid **node;
	int rc;

	if (copy)
		*copy = row->uuid;
	node = copy ? tsearch(copy, seen, by_uuid) : NULL;
	if (!node) {
		free(copy);
		return fault_sys(fault, ENOMEM, "cannot import the inventory");
	}
	if (*node == copy)
		return keymap_inventory_put(m, row, fault);
	free(copy);
	rc = keymap_inventory_find(m, &row->uuid, &before, fault);
	if (!rc && (strcasecmp(before.fqdn, row->fqdn) || strcmp(before.profile, row->profile))) {
		problem->field = "uuid";
		problem->rule = "it stands further up with another name or profile";
		return KIT_ERR_FORMAT;
	}
	return rc;
}

static int read_inventory(struct cli *cli, struct keymap *m, struct inventory *in,
			  const char *name, unsigned long *rows, unsigned long *bad,
			  struct fault *fault)
{
	struct keymap_inventory row;
	struct keyproblem problem;
	void *seen = NULL;
	int rc;

	while ((rc = inventory_next(in, &row, &problem, fault)) != 0) {
		if (rc == 1)
			rc = put_row(m, &row, &seen, &problem, fault);
		if (rc == 0)
			++*rows;
		else if (rc != KIT_ERR_FORMAT || fault->code)
			break;
		else if (++*bad <= SAID)
			cli_warn(cli, "%s: line %lu: %s%s%s", name, problem.line, problem.field,
				 *problem.field ? ": " : "", problem.rule);
	}
	tdestroy(seen, free);
	return rc;
}

static int import_inventory(struct cli *cli, struct keymap *m, FILE *file, const char *name,
			    unsigned long *rows, unsigned long *bad, struct fault *fault)
{
	bool keep = !cli_has(cli, "dry-run");
	char first[SYSTEM_FQDN + 1];
	struct inventory *in = NULL;
	uint64_t shared = 0;
	int rc;

	rc = inventory_open(&in, file, name, fault);
	if (!rc)
		rc = keymap_begin(m, fault);
	if (!rc)
		rc = read_inventory(cli, m, in, name, rows, bad, fault);
	if (!rc)
		rc = keymap_inventory_shared(m, &shared, first, fault);
	if (!rc && shared)
		cli_warn(cli,
			 "names that the inventory now gives to more than one machine: %llu, the "
			 "first is %s",
			 (unsigned long long)shared, first);
	if (!rc && keep && (!*bad || cli_has(cli, "skip-bad"))) {
		rc = ctl_log(m, SEVERITY_INFO, "inventory-imported", NULL, NULL, fault,
			     "%lu name%s of machines imported from %s", *rows, plural(*rows), name);
		if (!rc)
			rc = keymap_commit(m, fault);
	}
	keymap_rollback(m);
	inventory_close(&in);
	return rc;
}

int ctl_inventory_import(struct cli *cli)
{
	const char *path = cli->argv[0];
	const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	unsigned long rows = 0, bad = 0;
	struct fault fault = { 0 };
	struct keymap *m = NULL;
	bool good, dry = cli_has(cli, "dry-run");
	int rc;

	rc = file ? ctl_open(cli, 0, &m, &fault)
		  : fault_sys(&fault, errno, "cannot open %s", path);
	if (!rc)
		rc = import_inventory(cli, m, file, name, &rows, &bad, &fault);
	keymap_close(&m);
	if (file && file != stdin)
		fclose(file);
	if (rc)
		return cli_fail(cli, &fault);
	good = !bad || cli_has(cli, "skip-bad");
	if (cli->json)
		rc = cli_print_json(cli, json_pack("{s:s, s:b, s:I, s:I}", "file", name, "imported",
						   good && !dry, "rows", (json_int_t)rows,
						   "bad", (json_int_t)bad));
	else if (good)
		cli_note(cli, "%s: %lu name%s of machines %s%s", name, rows, plural(rows),
			 dry ? "would be imported" : "imported", bad ? ", bad lines left out" : "");
	else
		cli_warn(cli,
			 "%s: %lu bad line%s, so nothing of it %s imported; mend the list, or add"
			 " --skip-bad to leave them out",
			 name, bad, plural(bad), dry ? "would be" : "was");
	return rc ? rc : good ? EXIT_YES : dry ? EXIT_NO : EXIT_CANNOT;
}

/* ---- profiles ---- */

struct listing {
	struct cli *cli;
	struct table *table;
	struct ctl_rows rows;
};

static const char *policy(enum profile_password p)
{
	return p == PROFILE_KEEP ? "keep" : p == PROFILE_ONE ? "one for all" : "random";
}

static void versions(const struct profile *p, char *out, size_t size)
{
	snprintf(out, size, "%d.%d-%d.%d", p->versions.min >> 8, p->versions.min & 255,
		 p->versions.max >> 8, p->versions.max & 255);
}

static int list_profile(struct listing *l, const struct profile *p, const char *source)
{
	char range[32];
	json_t *row;

	if (l->cli->json) {
		row = profile_json(p);
		json_object_set_new(row, "source", json_string(source));
		ctl_rows_put(&l->rows, row);
		return 0;
	}
	versions(p, range, sizeof(range));
	table_cell(l->table, "%s", p->name);
	table_cell(l->table, "%s", source);
	table_cell(l->table, "%s", p->admin_user);
	table_cell(l->table, "%s", policy(p->admin_policy));
	table_cell(l->table, "%s", policy(p->mebx_policy));
	table_cell(l->table, "%s", p->set_names ? "yes" : "no");
	table_cell(l->table, "%s", p->set_clock ? "yes" : "no");
	table_cell(l->table, "%s", p->rekey ? "yes" : "no");
	table_cell(l->table, "%s", range);
	return 0;
}

static int list_of_map(void *context, const struct profile *p)
{
	return list_profile(context, p, "map");
}

/* The file's profiles count only where no -m names a map that is on its own. */
static int list_of_file(struct listing *l, struct keymap *m, struct fault *fault)
{
	struct config *config;
	struct profile of_map;
	int rc;

	if (cli_has(l->cli, "map"))
		return 0;
	config = calloc(1, sizeof(*config));
	if (!config)
		return fault_sys(fault, ENOMEM, "cannot read the configuration");
	rc = ctl_configuration(l->cli, config, fault);
	for (size_t i = 0; !rc && i < config->n_profiles; i++) {
		rc = keymap_profile_find(m, config->profiles[i].name, &of_map, fault);
		if (!rc)
			profile_wipe(&of_map);	/* the map's beats this one */
		else if (rc == KIT_ERR_NOT_FOUND)
			rc = list_profile(l, &config->profiles[i], "file");
	}
	config_wipe(config);
	free(config);
	return rc;
}

int ctl_profiles_list(struct cli *cli)
{
	struct listing l = { .cli = cli };
	struct fault fault = { 0 };
	struct keymap *m = NULL;
	int rc, status = EXIT_YES;

	rc = ctl_open(cli, 0, &m, &fault);
	if (rc)
		return cli_fail(cli, &fault);
	if (cli->json)
		ctl_rows_begin(&l.rows, "profiles");
	else
		l.table = table_new(stdout, "PROFILE|FROM|ADMIN USER|ADMIN PASSWORD|MEBX PASSWORD|"
				    "NAMES|CLOCK|RE-KEY|AMT VERSIONS");
	rc = keymap_profiles(m, list_of_map, &l, &fault);
	if (!rc)
		rc = list_of_file(&l, m, &fault);
	table_end(l.table);
	if (!rc && cli->json)
		status = ctl_rows_end(cli, &l.rows, NULL);
	keymap_close(&m);
	return rc ? cli_fail(cli, &fault) : status;
}

static void show_profile(const struct profile *p)
{
	char range[32];

	versions(p, range, sizeof(range));
	ctl_line("Profile", "%s", p->name);
	ctl_line("admin_user", "%s", p->admin_user);
	ctl_line("admin_password", "%s", policy(p->admin_policy));
	ctl_line("mebx_password", "%s", policy(p->mebx_policy));
	ctl_line("set_names", "%s", p->set_names ? "yes" : "no");
	ctl_line("set_clock", "%s", p->set_clock ? "yes" : "no");
	ctl_line("rekey", "%s", p->rekey ? "yes" : "no");
	ctl_line("amt_versions", "%s", range);
}

/* The configuration's profile NAME; KIT_ERR_NOT_FOUND without a fault when there is none. */
static int profile_of_file(struct cli *cli, const char *name, struct profile *out,
			   struct fault *fault)
{
	const struct profile *found;
	struct config *config;
	int rc;

	if (cli_has(cli, "map"))
		return KIT_ERR_NOT_FOUND;
	config = calloc(1, sizeof(*config));
	if (!config)
		return fault_sys(fault, ENOMEM, "cannot read the configuration");
	rc = ctl_configuration(cli, config, fault);
	found = rc ? NULL : config_profile(config, name);
	if (found)
		*out = *found;
	else if (!rc)
		rc = KIT_ERR_NOT_FOUND;
	config_wipe(config);
	free(config);
	return rc;
}

int ctl_profiles_show(struct cli *cli)
{
	struct fault fault = { 0 };
	struct profile profile;
	struct keymap *m = NULL;
	int rc, status = EXIT_YES;

	rc = ctl_open(cli, 0, &m, &fault);
	if (!rc)
		rc = keymap_profile_find(m, cli->argv[0], &profile, &fault);
	if (rc == KIT_ERR_NOT_FOUND && !fault.code)
		rc = profile_of_file(cli, cli->argv[0], &profile, &fault);
	if (rc == KIT_ERR_NOT_FOUND && !fault.code) {
		cli_warn(cli, "there is no profile \"%s\"", cli->argv[0]);
		keymap_close(&m);
		return EXIT_NO;
	}
	if (!rc && cli->json)
		status = cli_print_json(cli, profile_json(&profile));
	else if (!rc)
		show_profile(&profile);
	if (!rc)
		profile_wipe(&profile);
	keymap_close(&m);
	return rc ? cli_fail(cli, &fault) : status;
}

/* Set the properties that the operands name ("rekey=yes"). */
static int set_properties(struct cli *cli, struct profile *p, struct fault *fault)
{
	char name[40];
	int rc = 0;

	for (int i = 1; !rc && i < cli->argc; i++) {
		const char *equals = strchr(cli->argv[i], '=');

		if (!equals || equals == cli->argv[i] ||
		    (size_t)(equals - cli->argv[i]) >= sizeof(name))
			return fault_set(fault, KIT_ERR_ARGUMENT, "operand %d is no NAME=VALUE",
					 i + 1);
		snprintf(name, sizeof(name), "%.*s", (int)(equals - cli->argv[i]), cli->argv[i]);
		rc = profile_set(p, name, equals + 1, fault);
	}
	return rc;
}

int ctl_profiles_set(struct cli *cli)
{
	const char *name = cli->argv[0];
	struct fault fault = { 0 };
	struct profile profile;
	struct keymap *m = NULL;
	int rc;

	memset(&profile, 0, sizeof(profile));
	rc = ctl_open(cli, KEYMAP_CREATE, &m, &fault);
	if (!rc)
		rc = keymap_begin(m, &fault);
	if (!rc)
		rc = keymap_profile_find(m, name, &profile, &fault);
	if (rc == KIT_ERR_NOT_FOUND && !fault.code)
		rc = profile_init(&profile, name, &fault);
	if (!rc)
		rc = set_properties(cli, &profile, &fault);
	if (!rc)
		rc = keymap_profile_put(m, &profile, &fault);
	if (!rc)
		rc = ctl_log(m, SEVERITY_INFO, "profile-set", NULL, NULL, &fault,
			     "profile \"%s\" set", name);
	if (!rc)
		rc = keymap_commit(m, &fault);
	if (!rc && !cli->quiet)
		show_profile(&profile);
	profile_wipe(&profile);
	keymap_close(&m);
	return rc ? cli_fail(cli, &fault) : EXIT_YES;
}

int ctl_profiles_remove(struct cli *cli)
{
	struct fault fault = { 0 };
	struct keymap *m = NULL;
	int rc, status;

	rc = ctl_open(cli, 0, &m, &fault);
	if (rc)
		return cli_fail(cli, &fault);
	rc = keymap_begin(m, &fault);
	if (!rc)
		rc = keymap_profile_remove(m, cli->argv[0], &fault);
	if (!rc)
		rc = ctl_log(m, SEVERITY_INFO, "profile-removed", NULL, NULL, &fault,
			     "profile \"%s\" removed", cli->argv[0]);
	if (!rc)
		rc = keymap_commit(m, &fault);
	keymap_close(&m);
	status = rc ? cli_fail(cli, &fault) : EXIT_YES;
	return rc == KIT_ERR_NOT_FOUND ? EXIT_NO : status;
}
