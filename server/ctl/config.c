/* amt-provisionctl config: the server's settings, and those that the map holds above the file's. */
#include "server/ctl/amt-provisionctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/table.h"
#include "server/admin/layers.h"
#include "server/keymap/keymap.h"

#define TAKEN_UP "a running server uses it once it is reloaded (systemctl reload" \
		 " amt-provisiond), listen and metrics_listen once it is restarted"

struct settings {
	const struct ctl_map *at;
	struct operator op;	/* map NULL: there is none */
	struct layers *layers;
};

static int read_settings(struct settings *s, const struct ctl_map *at, unsigned flags,
			 struct fault *fault)
{
	int rc;

	*s = (struct settings){ .at = at };
	rc = ctl_begin(at, flags, &s->op, fault);
	return rc ? rc : layers_open(&s->layers, ctl_conf(at), s->op.map, fault);
}

static void free_settings(struct settings *s)
{
	layers_close(&s->layers);
	keymap_close(&s->op.map);
}

/* The map that is looked at, where the command line names it, and not the server's. */
static int take_options(struct settings *s, struct fault *fault)
{
	struct config *config = layers_config(s->layers);
	char *map = NULL, *key_file = NULL;
	int rc = ctl_map_names(s->at, &map, &key_file, fault);

	if (!rc)
		rc = config_set(config, "map", map, fault);
	if (!rc)
		rc = config_set(config, "key_file", key_file, fault);
	free(map);
	free(key_file);
	return rc;
}

/* Show the settings, or ONLY that one; returns how many were shown, *status as ctl_rows_end(). */
static unsigned show(struct cli *cli, struct settings *s, const char *only, int *status)
{
	const bool by_option = s->at->map;
	const char *section, *name, *source;
	struct table *table = NULL;
	char value[LAYERS_VALUE];
	struct ctl_rows rows;
	unsigned shown = 0;

	if (cli->json)
		ctl_rows_begin(&rows, "settings");
	else
		table = table_new(stdout, "SECTION|NAME|VALUE|SOURCE");
	for (size_t i = 0; layers_get(s->layers, i, &section, &name, value, &source) == 0; i++) {
		if (only && strcmp(only, name) != 0)
			continue;
		shown++;
		if (by_option && (strcmp(name, "map") == 0 || strcmp(name, "key_file") == 0))
			source = "option";
		if (cli->json) {
			ctl_rows_put(&rows, json_pack("{s:s, s:s, s:s, s:s}", "section", section,
				     "name", name, "value", value, "source", source));
			continue;
		}
		table_cell(table, "%s", section);
		table_cell(table, "%s", name);
		table_cell(table, "%s", value);
		table_cell(table, "%s", source);
	}
	table_end(table);
	*status = cli->json ? ctl_rows_end(cli, &rows, NULL) : EXIT_YES;
	return shown;
}

static int run_show(struct cli *cli, const void *given)
{
	const struct ctl_only_map *o = given;
	const char *only = cli->argc ? cli->argv[0] : NULL;
	struct fault fault = { 0 }, no_map;
	struct settings s;
	int rc, status = EXIT_YES;

	rc = read_settings(&s, &o->at, 0, &fault);
	if (rc == KIT_ERR_NOT_FOUND && !s.op.map) {
		no_map = fault;
		fault_clear(&fault);
		rc = layers_open(&s.layers, ctl_conf(&o->at), NULL, &fault);
		if (!rc)
			cli_note(cli, "%s: only the file's settings and the defaults are shown",
				 no_map.what);
	}
	if (!rc && o->at.map)
		rc = take_options(&s, &fault);
	if (!rc && !show(cli, &s, only, &status)) {
		cli_warn(cli, "there is no setting \"%s\"", only);
		status = EXIT_NO;
	}
	free_settings(&s);
	return rc ? cli_fail(cli, &fault) : status;
}

const struct cli_verb ctl_config_show = {
	.name = "config show",
	.operands = "[NAME]",
	.summary = "show the server's settings, and where each value comes from",
	.options = ctl_only_map,
	.options_size = sizeof(struct ctl_only_map),
	.max_operands = 1,
	.flags = CLI_JSON,
	.run = run_show,
	.examples = "amt-provisionctl config show max_setups",
};

static int run_set(struct cli *cli, const void *given)
{
	const struct ctl_only_map *o = given;
	const char *name = cli->argv[0], *value = cli->argv[1];
	struct fault fault = { 0 };
	struct settings s;
	int rc;

	rc = read_settings(&s, &o->at, KEYMAP_CREATE, &fault);
	if (!rc)
		rc = layers_set(s.layers, &s.op, name, value, &fault);
	free_settings(&s);
	if (rc)
		return cli_fail(cli, &fault);
	cli_note(cli, "%s = %s; " TAKEN_UP, name, value);
	return EXIT_YES;
}

const struct cli_verb ctl_config_set = {
	.name = "config set",
	.operands = "NAME VALUE",
	.summary = "keep a setting in the map, which overrides the configuration file",
	.options = ctl_only_map,
	.options_size = sizeof(struct ctl_only_map),
	.min_operands = 2,
	.max_operands = 2,
	.run = run_set,
	.examples = "amt-provisionctl config set max_setups 100",
};

static int run_unset(struct cli *cli, const void *given)
{
	const struct ctl_only_map *o = given;
	const char *name = cli->argv[0];
	struct fault fault = { 0 };
	struct settings s;
	int rc, status = EXIT_YES;

	rc = read_settings(&s, &o->at, 0, &fault);
	if (!rc)
		rc = layers_set(s.layers, &s.op, name, NULL, &fault);
	if (rc) {
		status = cli_fail(cli, &fault);
		if (s.layers && rc == KIT_ERR_NOT_FOUND)
			status = EXIT_NO;
	} else {
		cli_note(cli, "%s removed from the map; " TAKEN_UP, name);
	}
	free_settings(&s);
	return status;
}

const struct cli_verb ctl_config_unset = {
	.name = "config unset",
	.operands = "NAME",
	.summary = "remove a setting from the map",
	.options = ctl_only_map,
	.options_size = sizeof(struct ctl_only_map),
	.min_operands = 1,
	.max_operands = 1,
	.run = run_unset,
	.examples = "amt-provisionctl config unset max_setups",
};
