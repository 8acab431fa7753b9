/* The verbs of amt-provisionctl, and what they share. */
#ifndef SERVER_CTL_AMT_PROVISIONCTL_H
#define SERVER_CTL_AMT_PROVISIONCTL_H

#include <jansson.h>
#include <stdbool.h>

#include "common/cli.h"
#include "server/core/config.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap.h"

#define CTL_CONFIGURATION	KIT_SYSCONFDIR "/amt-provision/amt-provisiond.conf"

/* The options of every verb that opens the map. */
#define CTL_MAP_OPTIONS \
	{ "map", 'm', "DB", "the key map; by default the one that the configuration names", \
	  CLI_FILE, 1 }, \
	{ "config", 'c', "CONF", "the server's configuration (default " CTL_CONFIGURATION ")", \
	  CLI_FILE, 1 }, \
	{ "key-file", 0, "FILE", "the map's key file; by default the map's name with .key", \
	  CLI_FILE, 0 }

/*
 * Read the configuration that the options name into *config: defaults, then the file (the
 * default one may be missing when --map is given).
 */
int ctl_configuration(struct cli *cli, struct config *config, struct fault *fault);

/* Open the map that the options name; FLAGS as in struct keymap_options. */
int ctl_open(struct cli *cli, unsigned flags, struct keymap **out, struct fault *fault);
/* The names of map and key file alone, to be freed by the caller. */
int ctl_map_names(struct cli *cli, char **map, char **key_file, struct fault *fault);

/* Seconds since 1970. */
int64_t ctl_now(void);

/*
 * Write a line about what the operator did to the map's log; who it was is added.
 * PID and UUID may be NULL.
 */
int ctl_log(struct keymap *m, enum severity severity, const char *name, const char *pid,
	    const struct uuid *uuid, struct fault *fault, const char *format, ...)
	__attribute__((format(printf, 7, 8)));

/* An operand that is a PID, a UUID. Misuse is said; returns 0 or an exit status. */
int ctl_pid(struct cli *cli, const char *text, char out[static PID_LENGTH + 1]);
/* A text that is no PID, as a message may show it: not if it is so long that it may be a PPS. */
const char *ctl_no_pid(const char *text);
int ctl_uuid(struct cli *cli, const char *text, struct uuid *out);

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

/* One row of "NAME:  VALUE"; an empty VALUE is shown as '-'. */
void ctl_line(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The events that FILTER lets through, as lines or as members of a new JSON array. */
int ctl_history(struct keymap *m, const struct keymap_log_filter *filter, json_t *array,
		struct fault *fault);

extern const struct cli_option ctl_map_options[];	/* CTL_MAP_OPTIONS alone */

extern const struct cli_option ctl_import_options[];
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

extern const struct cli_option ctl_inventory_options[];
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
