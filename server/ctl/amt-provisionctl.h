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

/* The options of every verb that opens the map; in a verb's struct they are the field "at". */
struct ctl_map {
	const char *map, *config, *key_file;
};
#define CTL_MAP_OPTIONS(struct_) \
	CLI_TEXT('m', "map", struct_, at.map, "DB", \
		 "the key map (default: the one that the configuration names)", \
		 .flags = CLI_FILE, .exclusive = 1), \
	CLI_TEXT('c', "config", struct_, at.config, "CONF", \
		 "the server's configuration (default " CTL_CONFIGURATION ")", \
		 .flags = CLI_FILE, .exclusive = 1), \
	CLI_TEXT(0, "key-file", struct_, at.key_file, "FILE", \
		 "the map's key file (default: the map's name with .key)", .flags = CLI_FILE)

/* For verbs without options of their own. */
struct ctl_only_map {
	struct ctl_map at;
};
extern const struct cli_option ctl_only_map[];

/* The configuration file that is named; NULL: none is, and the default one is missing. */
const char *ctl_conf(const struct ctl_map *at);
/* Read it over the defaults into *config (config_wipe()). */
int ctl_configuration(const struct ctl_map *at, struct config *config, struct fault *fault);

/* The names of map and key file, to be freed by the caller. */
int ctl_map_names(const struct ctl_map *at, char **map, char **key_file, struct fault *fault);
/* The person at work, without a map. */
struct operator ctl_operator(void);
/* Open the map for the person at work; FLAGS as in keymap_options. */
int ctl_begin(const struct ctl_map *at, unsigned flags, struct operator *op, struct fault *fault);
/*
 * Close the map, and say FAULT where RC is a negative code. Returns the exit status, which is RC
 * itself where it is not negative. ctl_answer() is for verbs whose operands name what the map
 * holds: that it does not is an answer, EXIT_NO.
 */
int ctl_end(struct cli *cli, struct operator *op, int rc, const struct fault *fault);
int ctl_answer(struct cli *cli, struct operator *op, int rc, const struct fault *fault);

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

/*
 * A list that is such an array under --json, else a table: put rows into "rows" or "table".
 * HEADING as of table_new(); NULL: no table. ctl_list_end() takes RC of what listed, and MORE (may
 * be NULL) for the JSON, and returns RC where it is negative, else an exit status.
 */
struct ctl_list {
	struct cli *cli;
	struct table *table;
	struct ctl_rows rows;
};
void ctl_list_begin(struct ctl_list *l, const char *name, const char *heading);
int ctl_list_end(struct ctl_list *l, int rc, json_t *more);

/* JSON's null for an empty time or text. */
json_t *ctl_json_time(int64_t when);
json_t *ctl_json_pid(const char *pid);
json_t *ctl_json_uuid(const struct uuid *uuid);

/* One row "NAME  VALUE"; an empty VALUE is shown as '-'. */
void ctl_line(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * End what a verb shows with the events that FILTER lets through: lines, or, where VALUE is not
 * NULL, its member "history"; it is printed and freed. Returns a negative code or an exit status.
 */
int ctl_history(struct cli *cli, struct keymap *m, const struct keymap_log_filter *filter,
		json_t *value, struct fault *fault);

/* The verbs, each beside its function. */
extern const struct cli_verb ctl_keys_import, ctl_keys_list, ctl_keys_show, ctl_keys_add,
	ctl_keys_export, ctl_keys_revoke, ctl_keys_rotate;
extern const struct cli_verb ctl_systems_list, ctl_systems_show, ctl_systems_retry,
	ctl_systems_allow_setup, ctl_systems_forget, ctl_systems_export;
extern const struct cli_verb ctl_inventory_import;
extern const struct cli_verb ctl_profiles_list, ctl_profiles_show, ctl_profiles_set,
	ctl_profiles_remove;
extern const struct cli_verb ctl_config_show, ctl_config_set, ctl_config_unset;
extern const struct cli_verb ctl_certificates_list, ctl_certificates_show, ctl_certificates_check,
	ctl_certificates_add, ctl_certificates_remove, ctl_certificates_new_ca,
	ctl_certificates_renew, ctl_certificates_match;
extern const struct cli_verb ctl_log, ctl_doctor, ctl_reconcile, ctl_backup, ctl_restore;

#endif
