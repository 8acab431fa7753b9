/* The verbs of amt-provisionctl, and what they share. */
#ifndef SERVER_CTL_AMT_PROVISIONCTL_H
#define SERVER_CTL_AMT_PROVISIONCTL_H

#include <jansson.h>
#include <stdbool.h>

#include "common/cli.h"
#include "server/admin/operator.h"
#include "server/core/config.h"
#include "server/keymap/events.h"

#define CTL_CONFIGURATION	KIT_SYSCONFDIR "/amt-provision/amt-provisiond.conf"

/* The options of every verb that opens the map. */
#define CTL_MAP_OPTIONS \
	{ "map", 'm', "DB", "the key map; by default the one that the configuration names", \
	  CLI_FILE, 1 }, \
	{ "config", 'c', "CONF", "the server's configuration (default " CTL_CONFIGURATION ")", \
	  CLI_FILE, 1 }, \
	{ "key-file", 0, "FILE", "the map's key file; by default the map's name with .key", \
	  CLI_FILE, 0 }

/* The configuration file that the options name; NULL: none is named, the default one is missing. */
const char *ctl_conf(struct cli *cli);
/* Read it over the defaults into *config (config_wipe()). */
int ctl_configuration(struct cli *cli, struct config *config, struct fault *fault);

/* The names of map and key file that the options name, to be freed by the caller. */
int ctl_map_names(struct cli *cli, char **map, char **key_file, struct fault *fault);
/* The person at work, without a map. */
struct operator ctl_operator(void);
/* Open the map that the options name for the person at work; FLAGS as in keymap_options. */
int ctl_begin(struct cli *cli, unsigned flags, struct operator *op, struct fault *fault);

/* A text that is a PID, a UUID. Misuse is said; returns 0 or an exit status. */
int ctl_pid(struct cli *cli, const char *text, char out[static PID_LENGTH + 1]);
int ctl_uuid(struct cli *cli, const char *text, struct uuid *out);
/* Say that the map has nothing of UUID, where it has the one in the other byte order. */
void ctl_warn_swapped(struct cli *cli, struct keymap *m, const struct uuid *uuid);

/*
 * A JSON object with one long array, printed row by row: begin, put (takes the reference),
 * end. MORE (may be NULL) is an object whose members follow the array.
 */
struct ctl_rows {
	unsigned long rows;
	bool failed;
};
void ctl_rows_begin(struct ctl_rows *r, const char *name);
void ctl_rows_put(struct ctl_rows *r, json_t *row);
int ctl_rows_end(struct cli *cli, struct ctl_rows *r, json_t *more);

/* JSON's null for an empty time or text. */
json_t *ctl_json_time(int64_t when);
json_t *ctl_json_pid(const char *pid);
json_t *ctl_json_uuid(const struct uuid *uuid);

/* Print to standard output, with '?' for control characters: names and texts are a stranger's. */
void ctl_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* One row "NAME  VALUE"; an empty VALUE is shown as '-'. */
void ctl_line(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Print the events that FILTER lets through, or append them to the JSON ARRAY if there is one. */
int ctl_history(struct keymap *m, const struct keymap_log_filter *filter, json_t *array,
		struct fault *fault);

extern const struct cli_option ctl_map_options[];	/* CTL_MAP_OPTIONS alone */

extern const struct cli_option ctl_keys_import_options[];
int ctl_keys_import(struct cli *cli);
extern const struct cli_option ctl_keys_list_options[];
int ctl_keys_list(struct cli *cli);
int ctl_keys_show(struct cli *cli);
int ctl_keys_revoke(struct cli *cli);
extern const struct cli_option ctl_keys_add_options[];
int ctl_keys_add(struct cli *cli);
extern const struct cli_option ctl_keys_export_options[];
int ctl_keys_export(struct cli *cli);
int ctl_keys_rotate(struct cli *cli);

extern const struct cli_option ctl_systems_list_options[];
int ctl_systems_list(struct cli *cli);
int ctl_systems_show(struct cli *cli);
extern const struct cli_option ctl_systems_retry_options[];
int ctl_systems_retry(struct cli *cli);
extern const struct cli_option ctl_systems_forget_options[];
int ctl_systems_forget(struct cli *cli);
extern const struct cli_option ctl_systems_export_options[];
int ctl_systems_export(struct cli *cli);

extern const struct cli_option ctl_inventory_import_options[];
int ctl_inventory_import(struct cli *cli);

int ctl_profiles_list(struct cli *cli);
int ctl_profiles_show(struct cli *cli);
int ctl_profiles_set(struct cli *cli);
int ctl_profiles_remove(struct cli *cli);

int ctl_config_show(struct cli *cli);
int ctl_config_set(struct cli *cli);
int ctl_config_unset(struct cli *cli);

extern const struct cli_option ctl_log_options[];
int ctl_log_show(struct cli *cli);

extern const struct cli_option ctl_doctor_options[];
int ctl_doctor(struct cli *cli);
extern const struct cli_option ctl_reconcile_options[];
int ctl_reconcile(struct cli *cli);

extern const struct cli_option ctl_backup_options[];
int ctl_backup(struct cli *cli);
extern const struct cli_option ctl_restore_options[];
int ctl_restore(struct cli *cli);

#endif
