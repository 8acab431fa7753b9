/* amt-provisionctl profiles: those of the configuration, and those of the map, which beat them. */
#include "server/ctl/amt-provisionctl.h"

#include <stdio.h>

#include "common/table.h"
#include "server/admin/layers.h"
#include "server/keymap/keymap.h"
#include "server/keymap/profiles.h"

static const char *policy(enum profile_password p)
{
	return p == PROFILE_KEEP ? "keep" : p == PROFILE_ONE ? "one for all"
	     : p == PROFILE_AUTO ? "auto" : "random";
}

static void versions(const struct profile *p, char *out, size_t size)
{
	snprintf(out, size, "%d.%d-%d.%d", p->versions.min >> 8, p->versions.min & 255,
		 p->versions.max >> 8, p->versions.max & 255);
}

static int list_profile(void *context, const struct profile *p, const char *source)
{
	struct ctl_list *l = context;
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
	table_cell(l->table, "%s", profile_tls_word(p->tls));
	table_cell(l->table, "%s", range);
	return 0;
}

/* The file's profiles count only where no --map names a map that is on its own. */
static int open_layers(const struct ctl_map *at, struct operator *op, struct layers **layers,
		       struct fault *fault)
{
	int rc = ctl_begin(at, 0, op, fault);

	*layers = NULL;
	if (!rc)
		rc = layers_open(layers, at->map ? NULL : ctl_conf(at), op->map, fault);
	if (rc)
		keymap_close(&op->map);
	return rc;
}

static int run_list(struct cli *cli, const void *given)
{
	const struct ctl_only_map *o = given;
	struct ctl_list l = { .cli = cli };
	struct fault fault = { 0 };
	struct layers *layers;
	struct operator op;
	int rc = open_layers(&o->at, &op, &layers, &fault);

	if (rc)
		return cli_fail(cli, &fault);
	ctl_list_begin(&l, "profiles", "PROFILE|SOURCE|ADMIN USER|ADMIN PASSWORD|"
		       "MEBX PASSWORD|NAMES|CLOCK|RE-KEY|TLS|AMT VERSIONS");
	rc = layers_each_profile(layers, list_profile, &l, &fault);
	rc = ctl_list_end(&l, rc, NULL);
	layers_close(&layers);
	return ctl_end(cli, &op, rc, &fault);
}

const struct cli_verb ctl_profiles_list = {
	.name = "profiles list",
	.operands = "",
	.summary = "list the profiles of map and configuration",
	.options = ctl_only_map,
	.options_size = sizeof(struct ctl_only_map),
	.flags = CLI_JSON,
	.run = run_list,
	.examples = "amt-provisionctl profiles list",
};

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
	ctl_line("tls", "%s", profile_tls_word(p->tls));
	ctl_line("amt_versions", "%s", range);
}

static int run_show(struct cli *cli, const void *given)
{
	const struct ctl_only_map *o = given;
	struct profile profile = { .name = "" };
	struct fault fault = { 0 };
	struct layers *layers;
	struct operator op;
	int rc = open_layers(&o->at, &op, &layers, &fault);

	if (!rc)
		rc = layers_find_profile(layers, cli->argv[0], &profile, &fault);
	if (!rc && cli->json)
		rc = cli_print_json(cli, profile_json(&profile));
	else if (!rc)
		show_profile(&profile);
	profile_wipe(&profile);
	layers_close(&layers);
	return ctl_answer(cli, &op, rc, &fault);
}

const struct cli_verb ctl_profiles_show = {
	.name = "profiles show",
	.operands = "NAME",
	.summary = "show one profile of map or configuration",
	.options = ctl_only_map,
	.options_size = sizeof(struct ctl_only_map),
	.min_operands = 1,
	.max_operands = 1,
	.flags = CLI_JSON,
	.run = run_show,
	.examples = "amt-provisionctl profiles show office",
};

static int run_set(struct cli *cli, const void *given)
{
	const struct ctl_only_map *o = given;
	struct fault fault = { 0 };
	struct profile profile = { .name = "" };
	struct operator op;
	int rc;

	rc = ctl_begin(&o->at, KEYMAP_CREATE, &op, &fault);
	if (!rc)
		rc = layers_set_profile(&op, cli->argv[0], (const char *const *)cli->argv + 1,
					(size_t)cli->argc - 1, &profile, &fault);
	if (!rc && !cli->quiet)
		show_profile(&profile);
	profile_wipe(&profile);
	return ctl_end(cli, &op, rc, &fault);
}

const struct cli_verb ctl_profiles_set = {
	.name = "profiles set",
	.operands = "NAME [PROPERTY=VALUE...]",
	.summary = "make or change a profile in the map",
	.options = ctl_only_map,
	.options_size = sizeof(struct ctl_only_map),
	.min_operands = 1,
	.max_operands = -1,
	.run = run_set,
	.details =
		"The properties are admin_user, admin_password and mebx_password (keep, random, or "
		"file:PATH for one password for all), set_names, set_clock and rekey (yes or no), "
		"tls (keep or server), amt_versions (2.0-10.255). A profile in the map overrides "
		"the configuration's of the same name.",
	.examples =
		"amt-provisionctl profiles set office admin_password=random rekey=yes\n"
		"amt-provisionctl profiles set lab mebx_password=file:mebx.txt "
		"amt_versions=3.0-9.255",
};

static int run_remove(struct cli *cli, const void *given)
{
	const struct ctl_only_map *o = given;
	struct fault fault = { 0 };
	struct operator op;
	int rc = ctl_begin(&o->at, 0, &op, &fault);

	if (!rc)
		rc = layers_remove_profile(&op, cli->argv[0], &fault);
	return ctl_answer(cli, &op, rc, &fault);
}

const struct cli_verb ctl_profiles_remove = {
	.name = "profiles remove",
	.operands = "NAME",
	.summary = "remove a profile from the map",
	.options = ctl_only_map,
	.options_size = sizeof(struct ctl_only_map),
	.min_operands = 1,
	.max_operands = 1,
	.run = run_remove,
	.examples = "amt-provisionctl profiles remove lab",
};
