/* amt-provisionctl profiles: those of the configuration, and those of the map, which beat them. */
#include "server/ctl/amt-provisionctl.h"

#include <stdio.h>

#include "common/table.h"
#include "server/admin/layers.h"
#include "server/keymap/keymap.h"
#include "server/keymap/profiles.h"

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

static int list_profile(void *context, const struct profile *p, const char *source)
{
	struct listing *l = context;
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

/* The file's profiles count only where no --map names a map that is on its own. */
static int open_layers(struct cli *cli, struct operator *op, struct layers **layers,
		       struct fault *fault)
{
	int rc = ctl_begin(cli, 0, op, fault);

	*layers = NULL;
	return rc ? rc : layers_open(layers, cli_has(cli, "map") ? NULL : ctl_conf(cli), op->map,
				     fault);
}

int ctl_profiles_list(struct cli *cli)
{
	struct listing l = { .cli = cli };
	struct fault fault = { 0 };
	struct layers *layers;
	struct operator op;
	int rc, status = EXIT_YES;

	rc = open_layers(cli, &op, &layers, &fault);
	if (rc)
		goto out;
	if (cli->json)
		ctl_rows_begin(&l.rows, "profiles");
	else
		l.table = table_new(stdout, "PROFILE|SOURCE|ADMIN USER|ADMIN PASSWORD|MEBX PASSWORD|"
				    "NAMES|CLOCK|RE-KEY|AMT VERSIONS");
	rc = layers_each_profile(layers, list_profile, &l, &fault);
	table_end(l.table);
	if (!rc && cli->json)
		status = ctl_rows_end(cli, &l.rows, NULL);
out:
	layers_close(&layers);
	keymap_close(&op.map);
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

int ctl_profiles_show(struct cli *cli)
{
	struct profile profile = { .name = "" };
	struct fault fault = { 0 };
	struct layers *layers;
	struct operator op;
	int rc, status = EXIT_YES;

	rc = open_layers(cli, &op, &layers, &fault);
	if (!rc)
		rc = layers_find_profile(layers, cli->argv[0], &profile, &fault);
	if (rc) {
		status = cli_fail(cli, &fault);
		if (layers && rc == KIT_ERR_NOT_FOUND)
			status = EXIT_NO;
	} else if (cli->json) {
		status = cli_print_json(cli, profile_json(&profile));
	} else {
		show_profile(&profile);
	}
	profile_wipe(&profile);
	layers_close(&layers);
	keymap_close(&op.map);
	return status;
}

int ctl_profiles_set(struct cli *cli)
{
	struct fault fault = { 0 };
	struct profile profile = { .name = "" };
	struct operator op;
	int rc;

	rc = ctl_begin(cli, KEYMAP_CREATE, &op, &fault);
	if (!rc)
		rc = layers_set_profile(&op, cli->argv[0], (const char *const *)cli->argv + 1,
					(size_t)cli->argc - 1, &profile, &fault);
	if (!rc && !cli->quiet)
		show_profile(&profile);
	profile_wipe(&profile);
	keymap_close(&op.map);
	return rc ? cli_fail(cli, &fault) : EXIT_YES;
}

int ctl_profiles_remove(struct cli *cli)
{
	struct fault fault = { 0 };
	struct operator op;
	int rc, status;

	rc = ctl_begin(cli, 0, &op, &fault);
	if (rc)
		return cli_fail(cli, &fault);
	rc = layers_remove_profile(&op, cli->argv[0], &fault);
	keymap_close(&op.map);
	status = rc ? cli_fail(cli, &fault) : EXIT_YES;
	return rc == KIT_ERR_NOT_FOUND ? EXIT_NO : status;
}
