/* amt-provisionctl: what its verbs share. */
#include "server/ctl/amt-provisionctl.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const struct cli_option ctl_map_options[] = {
	CTL_MAP_OPTIONS,
	{ NULL, 0, NULL, NULL, 0, 0 },
};

int ctl_configuration(struct cli *cli, struct config *config, struct fault *fault)
{
	const char *conf = cli_value(cli, "config");

	config_init(config);
	if (!conf && access(CTL_CONFIGURATION, F_OK) != 0 && errno == ENOENT)
		return 0;
	return config_load(config, conf ? conf : CTL_CONFIGURATION, fault);
}

/* With --map the configuration plays no part: an operator's map is not the server's. */
int ctl_map_names(struct cli *cli, char **map, char **key_file, struct fault *fault)
{
	const char *key = cli_value(cli, "key-file");
	struct config *config = NULL;
	int rc = 0;

	*map = NULL;
	*key_file = NULL;
	if (cli_has(cli, "map")) {
		*map = strdup(cli_value(cli, "map"));
	} else {
		config = calloc(1, sizeof(*config));
		if (!config)
			return fault_sys(fault, ENOMEM, "cannot read the configuration");
		rc = ctl_configuration(cli, config, fault);
		if (rc)
			goto out;
		*map = strdup(config->map);
		if (!key && config->key_file[0])
			key = config->key_file;
	}
	if (key)
		*key_file = strdup(key);
	else if (*map && asprintf(key_file, "%s.key", *map) < 0)
		*key_file = NULL;
	if (!*map || !*key_file)
		rc = fault_sys(fault, ENOMEM, "cannot open the key map");
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

int ctl_open(struct cli *cli, unsigned flags, struct keymap **out, struct fault *fault)
{
	struct keymap_options options = { .flags = flags };
	char *map, *key_file;
	int rc;

	*out = NULL;
	rc = ctl_map_names(cli, &map, &key_file, fault);
	if (rc)
		return rc;
	options.key_file = key_file;
	rc = keymap_open(out, map, &options, fault);
	if (rc == KIT_ERR_NOT_FOUND && !cli_has(cli, "map") && !cli_has(cli, "config"))
		fault_hint(fault, "name the map with --map, or the server's configuration with -c");
	free(map);
	free(key_file);
	return rc;
}

int64_t ctl_now(void)
{
	return (int64_t)time(NULL);
}

/* Who is at work: behind sudo, the person who called it. */
static void actor(char *out, size_t size)
{
	const char *sudo = getuid() == 0 ? getenv("SUDO_USER") : NULL;
	struct passwd *user = getpwuid(getuid());

	if (sudo && sudo[0])
		snprintf(out, size, "%s", sudo);
	else if (user)
		snprintf(out, size, "%s", user->pw_name);
	else
		snprintf(out, size, "user %u", (unsigned)getuid());
}

int ctl_log(struct keymap *m, enum severity severity, const char *name, const char *pid,
	    const struct uuid *uuid, struct fault *fault, const char *format, ...)
{
	struct logentry event = { .time = ctl_now(), .severity = severity, .name = name,
			       .pid = pid, .uuid = uuid };
	char what[400], text[500], who[64];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	actor(who, sizeof(who));
	snprintf(text, sizeof(text), "%s, by %s", what, who);
	event.what = text;
	return keymap_log(m, &event, fault);
}

void ctl_line(const char *name, const char *format, ...)
{
	char value[1000];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	/* What a peer or a list said shall not write to the terminal. */
	for (char *p = value; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7F)
			*p = '?';
	printf("%-18s %s\n", name, value[0] ? value : "-");
}

struct history {
	json_t *array;
};

static int history_event(void *context, const struct logentry *e)
{
	struct history *h = context;
	char line[2048];

	if (h->array)
		return json_array_append_new(h->array, logentry_json(e)) ? KIT_ERR_NOMEM : 0;
	logentry_line(e, line, sizeof(line));
	printf("  %s\n", line);
	return 0;
}

int ctl_history(struct keymap *m, const struct keymap_log_filter *filter, json_t *array,
		struct fault *fault)
{
	struct history h = { array };

	return keymap_log_each(m, filter, history_event, &h, fault);
}

const char *ctl_no_pid(const char *text)
{
	return strlen(text) > 2 * PID_SHOWN ? "..." : text;
}

int ctl_pid(struct cli *cli, const char *text, char out[static PID_LENGTH + 1])
{
	int rc = pidpps_parse_pid(text, strlen(text), out, NULL);

	if (!rc)
		return 0;
	return cli_misuse(cli, "\"%s\" is no PID: %s", ctl_no_pid(text), pidpps_rule(rc, false));
}

int ctl_uuid(struct cli *cli, const char *text, struct uuid *out)
{
	return uuid_parse(text, out) ? cli_misuse(cli, "\"%.40s\" is no UUID", text) : 0;
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
	/* Output that was not taken is told by cli_main(). */
	if (!r->failed || ferror(stdout))
		return EXIT_YES;
	fault_set(&fault, KIT_ERR_NOMEM, "cannot make the JSON output");
	return cli_fail(cli, &fault);
}

json_t *ctl_json_time(int64_t when)
{
	char shown[EVENT_TIME + 1];

	logentry_time(when, shown);
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
