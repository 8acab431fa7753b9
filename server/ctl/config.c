/* amt-provisionctl config: the server's settings, and those that the map holds above the file's. */
#include "server/ctl/amt-provisionctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/table.h"
#include "server/keymap/settings.h"

#define TAKEN_UP "a running server takes it up when it is reloaded (systemctl reload" \
		 " amt-provisiond), listen and metrics_listen when it is started again"
#define VALUE	1200	/* bytes of a value as text: a list of addresses is the longest */

/* The three layers that a value may come from. */
struct layers {
	struct config initial, file, all;
	struct keymap *m;
	bool by_option;		/* the map and its key file are those of the command line */
};

/*
 * config_set() over the map's settings. One that makes no sense any more (a newer kit's)
 * must not keep the person from removing it.
 */
static int apply(void *context, const char *name, const char *value)
{
	struct layers *l = context;

	config_set(&l->all, name, value, NULL);
	return 0;
}

/* FLAGS: KEYMAP_CREATE, or 0. KIT_ERR_NOT_FOUND: there is no map, the other layers are read. */
static int read_layers(struct cli *cli, unsigned flags, struct layers *l, struct fault *fault)
{
	int rc;

	config_init(&l->initial);
	config_init(&l->all);
	rc = ctl_configuration(cli, &l->file, fault);
	if (!rc)
		rc = ctl_configuration(cli, &l->all, fault);
	if (!rc)
		rc = ctl_open(cli, flags, &l->m, fault);
	if (!rc)
		rc = keymap_settings(l->m, apply, l, fault);
	return rc;
}

static void free_layers(struct layers *l)
{
	if (!l)
		return;
	keymap_close(&l->m);
	config_wipe(&l->initial);
	config_wipe(&l->file);
	config_wipe(&l->all);
	free(l);
}

static int new_layers(struct cli *cli, unsigned flags, struct layers **out, struct fault *fault)
{
	*out = calloc(1, sizeof(**out));
	return *out ? read_layers(cli, flags, *out, fault)
		    : fault_sys(fault, ENOMEM, "cannot read the configuration");
}

/* Where option I has its value from. */
static const char *source(struct layers *l, size_t i, const char *name)
{
	char of_map[VALUE], of_file[VALUE], initial[VALUE];
	const char *unused, *section;

	if (l->by_option && (strcmp(name, "map") == 0 || strcmp(name, "key_file") == 0))
		return "option";
	if (l->m && keymap_setting(l->m, name, of_map, sizeof(of_map), NULL) == 0)
		return "map";
	config_get(&l->file, i, &section, &unused, of_file, sizeof(of_file));
	config_get(&l->initial, i, &section, &unused, initial, sizeof(initial));
	return strcmp(of_file, initial) == 0 ? "default" : "file";
}

/* The map that is looked at, where the command line names it, and not the server's. */
static int take_options(struct cli *cli, struct layers *l, struct fault *fault)
{
	char *map = NULL, *key_file = NULL;
	int rc;

	l->by_option = cli_has(cli, "map");
	if (!l->by_option)
		return 0;
	rc = ctl_map_names(cli, &map, &key_file, fault);
	if (!rc)
		rc = config_set(&l->all, "map", map, fault);
	if (!rc)
		rc = config_set(&l->all, "key_file", key_file, fault);
	free(map);
	free(key_file);
	return rc;
}

int ctl_config_show(struct cli *cli)
{
	const char *only = cli->argc ? cli->argv[0] : NULL, *section, *name;
	struct layers *l = NULL;
	struct fault fault = { 0 };
	struct ctl_rows rows;
	struct table *table = NULL;
	char value[VALUE];
	unsigned shown = 0;
	int rc, status = EXIT_YES;

	rc = new_layers(cli, 0, &l, &fault);
	if (rc == KIT_ERR_NOT_FOUND && l && !l->m) {
		cli_note(cli, "%s: what is shown are the file's settings and the defaults",
			 fault.what);
		rc = 0;
	}
	if (!rc)
		rc = take_options(cli, l, &fault);
	if (rc)
		goto out;
	if (cli->json)
		ctl_rows_begin(&rows, "settings");
	else
		table = table_new(stdout, "SECTION|NAME|VALUE|FROM");
	for (size_t i = 0; config_get(&l->all, i, &section, &name, value, sizeof(value)) == 0;
	     i++) {
		if (only && strcmp(only, name) != 0)
			continue;
		shown++;
		if (cli->json) {
			ctl_rows_put(&rows, json_pack("{s:s, s:s, s:s, s:s}", "section", section,
				     "name", name, "value", value, "from", source(l, i, name)));
			continue;
		}
		table_cell(table, "%s", section);
		table_cell(table, "%s", name);
		table_cell(table, "%s", value);
		table_cell(table, "%s", source(l, i, name));
	}
	table_end(table);
	if (cli->json)
		status = ctl_rows_end(cli, &rows, NULL);
	if (!shown) {
		cli_warn(cli, "there is no setting \"%s\"", only);
		status = EXIT_NO;
	}
out:
	free_layers(l);
	return rc ? cli_fail(cli, &fault) : status;
}

static int write_setting(struct layers *l, const char *name, const char *value,
			 struct fault *fault)
{
	int rc = keymap_begin(l->m, fault);

	if (!rc)
		rc = keymap_setting_set(l->m, name, value, fault);
	if (!rc)
		rc = ctl_log(l->m, SEVERITY_INFO, "setting-changed", NULL, NULL, fault,
			     value ? "setting %s changed" : "setting %s taken out of the map",
			     name);
	return rc ? rc : keymap_commit(l->m, fault);
}

int ctl_config_set(struct cli *cli)
{
	const char *name = cli->argv[0], *value = cli->argv[1];
	struct layers *l = NULL;
	struct fault fault = { 0 };
	int rc;

	/* The server has to find the map before it can read a setting in it. */
	if (strcmp(name, "map") == 0 || strcmp(name, "key_file") == 0)
		return cli_misuse(cli, "%s cannot be set in the map: set it in the server's"
				  " configuration file", name);
	rc = new_layers(cli, KEYMAP_CREATE, &l, &fault);
	if (!rc) {
		rc = config_set(&l->all, name, value, &fault);
		if (rc == KIT_ERR_NOT_FOUND && !fault.code)
			fault_set(&fault, rc, "there is no setting \"%s\"", name);
	}
	if (!rc)
		rc = config_check(&l->all, &fault);
	if (!rc)
		rc = write_setting(l, name, value, &fault);
	free_layers(l);
	if (rc)
		return cli_fail(cli, &fault);
	cli_note(cli, "%s = %s; " TAKEN_UP, name, value);
	return EXIT_YES;
}

int ctl_config_unset(struct cli *cli)
{
	const char *name = cli->argv[0];
	struct layers *l = NULL;
	struct fault fault = { 0 };
	char value[VALUE];
	int rc;

	rc = new_layers(cli, 0, &l, &fault);
	if (!rc)
		rc = keymap_setting(l->m, name, value, sizeof(value), &fault);
	if (rc == KIT_ERR_NOT_FOUND && !fault.code) {
		cli_warn(cli, "the map has no setting \"%s\"", name);
		free_layers(l);
		return EXIT_NO;
	}
	if (!rc)
		rc = write_setting(l, name, NULL, &fault);
	free_layers(l);
	if (rc)
		return cli_fail(cli, &fault);
	cli_note(cli, "%s taken out of the map; " TAKEN_UP, name);
	return EXIT_YES;
}
