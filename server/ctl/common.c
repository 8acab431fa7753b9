/* amt-provisionctl: what its verbs share. */
#include "common/clock.h"
#include "server/ctl/amt-provisionctl.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/table.h"
#include "common/text.h"
#include "server/admin/machines.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap.h"

const struct cli_option ctl_only_map[] = {
	CTL_MAP_OPTIONS(struct ctl_only_map),
	{ 0 },
};

const char *ctl_conf(const struct ctl_map *at)
{
	if (at->config)
		return at->config;
	return access(CTL_CONFIGURATION, F_OK) != 0 && errno == ENOENT ? NULL : CTL_CONFIGURATION;
}

int ctl_configuration(const struct ctl_map *at, struct config *config, struct fault *fault)
{
	const char *conf = ctl_conf(at);

	config_init(config);
	return conf ? config_load(config, conf, fault) : 0;
}

/* With --map the configuration plays no part: an operator's map is not the server's. */
int ctl_map_names(const struct ctl_map *at, char **map, char **key_file, struct fault *fault)
{
	const char *key = at->key_file;
	struct config *config = NULL;
	int rc = 0;

	*map = NULL;
	*key_file = NULL;
	if (at->map) {
		*map = strdup(at->map);
	} else {
		config = calloc(1, sizeof(*config));
		if (!config)
			return fault_nomem(fault);
		rc = ctl_configuration(at, config, fault);
		if (rc)
			goto out;
		*map = strdup(config->map);
		if (!key && config->key_file[0])
			key = config->key_file;
	}
	if (*map)
		*key_file = keymap_key_file(*map, key);
	if (!*map || !*key_file)
		rc = fault_nomem(fault);
out:
	if (config)
		config_wipe(config);
	free(config);
	if (rc) {
		free(*map);
		free(*key_file);
		*map = *key_file = NULL;
	}
	return rc;
}

/* Behind sudo, the person who called it. */
struct operator ctl_operator(void)
{
	const char *sudo = getuid() == 0 ? getenv("SUDO_USER") : NULL;
	struct operator op = { .now = clock_now() };
	struct passwd *user = getpwuid(getuid());

	if (sudo && sudo[0])
		snprintf(op.name, sizeof(op.name), "%s", sudo);
	else if (user)
		snprintf(op.name, sizeof(op.name), "%s", user->pw_name);
	else
		snprintf(op.name, sizeof(op.name), "user %u", (unsigned)getuid());
	return op;
}

int ctl_begin(const struct ctl_map *at, unsigned flags, struct operator *op, struct fault *fault)
{
	struct keymap_options options = { .flags = flags };
	char *map, *key_file;
	int rc;

	*op = ctl_operator();
	rc = ctl_map_names(at, &map, &key_file, fault);
	if (rc)
		return rc;
	options.key_file = key_file;
	rc = keymap_open(&op->map, map, &options, fault);
	if (rc == KIT_ERR_NOT_FOUND && !at->map && !at->config)
		fault_hint(fault, "name the map with --map, or the server's configuration with -c");
	free(map);
	free(key_file);
	return rc;
}

int ctl_end(struct cli *cli, struct operator *op, int rc, const struct fault *fault)
{
	keymap_close(&op->map);
	return rc < 0 ? cli_fail(cli, fault) : rc;
}

int ctl_answer(struct cli *cli, struct operator *op, int rc, const struct fault *fault)
{
	bool looked = op->map;
	int status = ctl_end(cli, op, rc, fault);

	return looked && rc == KIT_ERR_NOT_FOUND ? EXIT_NO : status;
}

void ctl_line(const char *name, const char *format, ...)
{
	char *value = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&value, format, args) < 0)
		value = NULL;
	va_end(args);
	printf("%-18s ", name);
	text_print(stdout, "%s", value && *value ? value : "-");
	putchar('\n');
	free(value);
}

static int print_event(void *context, const struct logentry *e)
{
	char line[2048];

	(void)context;
	logentry_line(e, line, sizeof(line));
	printf("  %s\n", line);
	return 0;
}

static int append_event(void *array, const struct logentry *e)
{
	return json_array_append_new(array, logentry_json(e)) ? KIT_ERR_NOMEM : 0;
}

int ctl_history(struct cli *cli, struct keymap *m, const struct keymap_log_filter *filter,
		json_t *value, struct fault *fault)
{
	json_t *array;
	int rc;

	if (!value) {
		puts("History");
		return keymap_log_each(m, filter, print_event, NULL, fault);
	}
	array = json_array();
	rc = keymap_log_each(m, filter, append_event, array, fault);
	if (json_object_set_new(value, "history", array) && !rc)
		rc = KIT_ERR_NOMEM;
	if (!rc)
		return cli_print_json(cli, value);
	json_decref(value);
	return rc == KIT_ERR_NOMEM ? fault_nomem(fault) : rc;
}

int ctl_pid(struct cli *cli, const char *text, char out[static PID_LENGTH + 1])
{
	int rc = pidpps_parse_pid(text, strlen(text), out, NULL);
	char length[48] = "";
	size_t n = 0;

	if (!rc)
		return 0;
	for (const char *c = text; *c; c++)
		n += *c != '-';
	if (rc == KIT_ERR_RANGE)
		snprintf(length, sizeof(length), "it has %zu character%s, ", n, plural(n));
	/* One so long that it may be a PPS is not repeated. */
	return cli_misuse(cli, "\"%s\" is not a PID: %s%s",
			  strlen(text) > 2 * PID_SHOWN ? "..." : text, length,
			  pidpps_rule(rc, false));
}

int ctl_uuid(struct cli *cli, const char *text, struct uuid *out)
{
	return uuid_parse(text, out) ? cli_misuse(cli, "\"%.40s\" is not a UUID", text) : 0;
}

void ctl_warn_swapped(struct cli *cli, struct keymap *m, const struct uuid *uuid)
{
	char shown[UUID_SHOWN + 1];
	struct uuid other;

	if (!machines_swapped(m, uuid, &other))
		return;
	uuid_show(&other, shown);
	cli_warn(cli, "%s is in the map: the same UUID in the other byte order", shown);
}

void ctl_rows_begin(struct ctl_rows *r, const char *name)
{
	*r = (struct ctl_rows){ 0 };
	printf("{\n  \"%s\": [", name);
}

void ctl_rows_put(struct ctl_rows *r, json_t *row)
{
	fputs(r->rows++ ? ",\n    " : "\n    ", stdout);
	if (!row || json_dumpf(row, stdout, JSON_COMPACT))
		r->failed = true;
	json_decref(row);
}

int ctl_rows_end(struct cli *cli, struct ctl_rows *r, json_t *more)
{
	struct fault fault = { 0 };
	const char *name;
	json_t *value;

	fputs(r->rows ? "\n  ]" : "]", stdout);
	json_object_foreach(more, name, value) {
		printf(",\n  \"%s\": ", name);
		if (json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY))
			r->failed = true;
	}
	json_decref(more);
	fputs("\n}\n", stdout);
	/* Output that was not taken is reported by cli_main(). */
	if (!r->failed || ferror(stdout))
		return EXIT_YES;
	fault_nomem(&fault);
	return cli_fail(cli, &fault);
}

void ctl_list_begin(struct ctl_list *l, const char *name, const char *heading)
{
	if (l->cli->json)
		ctl_rows_begin(&l->rows, name);
	else if (heading)
		l->table = table_new(stdout, heading);
}

int ctl_list_end(struct ctl_list *l, int rc, json_t *more)
{
	table_end(l->table);
	if (rc >= 0 && l->cli->json)
		return ctl_rows_end(l->cli, &l->rows, more);
	json_decref(more);
	return rc < 0 ? rc : EXIT_YES;
}

json_t *ctl_json_time(int64_t when)
{
	char shown[CLOCK_TEXT + 1];

	clock_show(when, shown);
	return logentry_text(shown);
}

json_t *ctl_json_pid(const char *pid)
{
	char shown[PID_SHOWN + 1];

	if (!pid[0])
		return json_null();
	pidpps_show_pid(pid, shown);
	return json_string(shown);
}

json_t *ctl_json_uuid(const struct uuid *uuid)
{
	char shown[UUID_SHOWN + 1];

	uuid_show(uuid, shown);
	return json_string(shown);
}
