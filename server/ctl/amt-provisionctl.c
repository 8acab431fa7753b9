/* amt-provisionctl: the operator's hand on the key map and the server. */
#include "server/ctl/amt-provisionctl.h"

static const struct cli_verb verbs[] = {
	{
		.name = "keys import",
		.operands = "FILE|-...",
		.summary = "take lists of pairs into the map",
		.options = ctl_keys_import_options,
		.min_operands = 1,
		.max_operands = -1,
		.flags = CLI_JSON,
		.old_run = ctl_keys_import,
		.details =
			"CSV with a header line (pid, pps, current_password, admin_password or"
			" new_password, used; any order and case), text, JSON, or setup.bin of any"
			" version. Each file is imported whole or not at all. A pair that is there already"
			" is counted; a PID that is there with another PPS is refused. Records that a"
			" stick marks consumed come in as free: the machine that took one has still to"
			" prove itself; and as exported: no other gets them. The map is made if there"
			" is none.",
		.examples = "amt-provisionctl keys import --map map.db keys.csv setup.bin\n"
			    "gpg -d keys.csv.gpg | amt-provisionctl keys import -m map.db -",
	},
	{
		.name = "keys list",
		.operands = "",
		.summary = "which keys the map holds, and how they stand",
		.options = ctl_keys_list_options,
		.flags = CLI_JSON,
		.old_run = ctl_keys_list,
		.examples = "amt-provisionctl keys list --state free --not-exported\n"
			    "amt-provisionctl keys list --count",
	},
	{
		.name = "keys show",
		.operands = "PID",
		.summary = "one key: its state and its history",
		.options = ctl_map_options,
		.min_operands = 1,
		.max_operands = 1,
		.flags = CLI_JSON,
		.old_run = ctl_keys_show,
		.examples = "amt-provisionctl keys show 0000-037M",
	},
	{
		.name = "keys add",
		.operands = "",
		.summary = "type one pair in",
		.options = ctl_keys_add_options,
		.old_run = ctl_keys_add,
		.details =
			"PID and PPS are asked for and their check characters looked at; a group that is"
			" mistyped is named. The PPS is not shown. Passwords come from files of mode 0600.",
		.examples = "amt-provisionctl keys add --new-password-file mebx.txt\n"
			    "amt-provisionctl keys add --pid 0000-037M --pps-file pps.txt",
	},
	{
		.name = "keys export",
		.operands = "[PID...]",
		.summary = "write free keys to a setup.bin or a list",
		.options = ctl_keys_export_options,
		.max_operands = -1,
		.old_run = ctl_keys_export,
		.details =
			"Only free keys go out, and each only once unless --again: the map marks them before"
			" the file appears.",
		.examples = "amt-provisionctl keys export -n 50 --setupbin setup.bin\n"
			    "amt-provisionctl keys export 0000-037M -o one.csv",
	},
	{
		.name = "keys revoke",
		.operands = "PID...",
		.summary = "take keys out of service for good",
		.options = ctl_map_options,
		.min_operands = 1,
		.max_operands = -1,
		.old_run = ctl_keys_revoke,
		.details = "All that are named, or none. Hellos with a revoked key are refused.",
		.examples = "amt-provisionctl keys revoke 0000-037M",
	},
	{
		.name = "keys rotate-master",
		.operands = "",
		.summary = "seal every secret again with a new master key",
		.options = ctl_map_options,
		.old_run = ctl_keys_rotate,
		.details =
			"The server works on meanwhile. Cut off anywhere, the map stays usable, and the next"
			" run finishes the work.",
		.examples = "amt-provisionctl keys rotate-master --map map.db",
	},
	{
		.name = "systems list",
		.operands = "",
		.summary = "the machines that said hello, and how far each has come",
		.options = ctl_systems_list_options,
		.flags = CLI_JSON,
		.old_run = ctl_systems_list,
		.examples = "amt-provisionctl systems list --state failed",
	},
	{
		.name = "systems show",
		.operands = "UUID",
		.summary = "one machine: its state and its history",
		.options = ctl_map_options,
		.min_operands = 1,
		.max_operands = 1,
		.flags = CLI_JSON,
		.old_run = ctl_systems_show,
		.examples = "amt-provisionctl systems show 939b524b-13d4-1d18-e487-1c697a6b7a2b",
	},
	{
		.name = "systems retry",
		.operands = "[UUID...]",
		.summary = "have machines set up now",
		.options = ctl_systems_retry_options,
		.max_operands = -1,
		.old_run = ctl_systems_retry,
		.examples = "amt-provisionctl systems retry --state failed",
	},
	{
		.name = "systems forget",
		.operands = "UUID...",
		.summary = "drop machines from the map, with the passwords they were given",
		.options = ctl_systems_forget_options,
		.min_operands = 1,
		.max_operands = -1,
		.old_run = ctl_systems_forget,
		.details =
			"A key that a machine has reserved goes back; a key that it has used stays used by it."
			" Export the passwords of machines that are set up first.",
		.examples = "amt-provisionctl systems forget 939b524b-13d4-1d18-e487-1c697a6b7a2b",
	},
	{
		.name = "systems export",
		.operands = "",
		.summary = "hand machines that are set up over to whoever manages them next",
		.options = ctl_systems_export_options,
		.old_run = ctl_systems_export,
		.details =
			"UUID, FQDN, address, AMT version, state, admin user; and with --secrets the passwords"
			" of the admin account and of the MEBx, and those that it may have got instead when"
			" its set-up broke off. The file is private; that passwords went out is logged.",
		.examples = "amt-provisionctl systems export --secrets -o fleet.csv",
	},
	{
		.name = "inventory import",
		.operands = "FILE|-",
		.summary = "which machine has which name and profile, from a CSV",
		.options = ctl_inventory_import_options,
		.min_operands = 1,
		.max_operands = 1,
		.flags = CLI_JSON,
		.old_run = ctl_inventory_import,
		.details =
			"The header line names the columns uuid and fqdn, and profile if there is one, in any"
			" order. Rows replace those of the same UUID. All lines are taken or none; a UUID with"
			" two names is a bad line, a name of two machines is warned of.",
		.examples = "amt-provisionctl inventory import machines.csv",
	},
	{
		.name = "profiles list",
		.operands = "",
		.summary = "the profiles of map and configuration",
		.options = ctl_map_options,
		.flags = CLI_JSON,
		.old_run = ctl_profiles_list,
		.examples = "amt-provisionctl profiles list",
	},
	{
		.name = "profiles show",
		.operands = "NAME",
		.summary = "one profile, of the map or the configuration",
		.options = ctl_map_options,
		.min_operands = 1,
		.max_operands = 1,
		.flags = CLI_JSON,
		.old_run = ctl_profiles_show,
		.examples = "amt-provisionctl profiles show office",
	},
	{
		.name = "profiles set",
		.operands = "NAME [PROPERTY=VALUE...]",
		.summary = "make or change a profile in the map",
		.options = ctl_map_options,
		.min_operands = 1,
		.max_operands = -1,
		.old_run = ctl_profiles_set,
		.details =
			"admin_user, admin_password and mebx_password (keep, random, or file:PATH for one"
			" password for all), set_names, set_clock and rekey (yes or no), amt_versions"
			" (2.0-10.255). A profile of the map beats one of the same name in the"
			" configuration.",
		.examples =
			"amt-provisionctl profiles set office admin_password=random rekey=yes\n"
			"amt-provisionctl profiles set lab mebx_password=file:mebx.txt amt_versions=3.0-9.255",
	},
	{
		.name = "profiles remove",
		.operands = "NAME",
		.summary = "remove a profile from the map",
		.options = ctl_map_options,
		.min_operands = 1,
		.max_operands = 1,
		.old_run = ctl_profiles_remove,
		.examples = "amt-provisionctl profiles remove lab",
	},
	{
		.name = "config show",
		.operands = "[NAME]",
		.summary = "the server's settings, and where each has its value from",
		.options = ctl_map_options,
		.max_operands = 1,
		.flags = CLI_JSON,
		.old_run = ctl_config_show,
		.examples = "amt-provisionctl config show max_setups",
	},
	{
		.name = "config set",
		.operands = "NAME VALUE",
		.summary = "keep a setting in the map, where it beats the configuration file",
		.options = ctl_map_options,
		.min_operands = 2,
		.max_operands = 2,
		.old_run = ctl_config_set,
		.examples = "amt-provisionctl config set max_setups 100",
	},
	{
		.name = "config unset",
		.operands = "NAME",
		.summary = "take a setting out of the map again",
		.options = ctl_map_options,
		.min_operands = 1,
		.max_operands = 1,
		.old_run = ctl_config_unset,
		.examples = "amt-provisionctl config unset max_setups",
	},
	{
		.name = "log",
		.operands = "",
		.summary = "what happened: one line an event",
		.options = ctl_log_options,
		.flags = CLI_JSON,
		.old_run = ctl_log_show,
		.details =
			"Time, severity, name, PID, UUID, address, what happened, and what to do. With"
			" --json one object a line.",
		.examples = "amt-provisionctl log --follow\n"
			    "amt-provisionctl log --severity warning -n 20",
	},
	{
		.name = "doctor",
		.operands = "",
		.summary = "look for what is known to go wrong, and say what to do",
		.options = ctl_doctor_options,
		.flags = CLI_JSON,
		.old_run = ctl_doctor,
		.details =
			"Configuration, map, key file, free keys, machines without a name or fallen silent,"
			" the log of the last day, script, clock, disk; whether the server answers on this"
			" machine's addresses, and whether the names that machines look up lead here. Exit"
			" status 1 if anything failed.",
		.examples = "amt-provisionctl doctor\n"
			    "amt-provisionctl doctor --domain example.com --json",
	},
	{
		.name = "reconcile",
		.operands = "STICK-OR-SETUPBIN",
		.summary = "compare the records of a stick with the keys of the map",
		.options = ctl_reconcile_options,
		.min_operands = 1,
		.max_operands = 1,
		.flags = CLI_JSON,
		.old_run = ctl_reconcile,
		.details =
			"Which machines took a key and never said hello, which keys were taken from a copy,"
			" which records the server does not know. The operand is a setup.bin, a stick, or an"
			" image of one; it is only read. Exit status 1 if there is any trouble.",
		.examples = "amt-provisionctl reconcile /dev/sdx\n"
			    "amt-provisionctl reconcile --all setup.bin",
	},
	{
		.name = "backup",
		.operands = "FILE",
		.summary =
			"copy the map to FILE and its key file to FILE.key, while the server runs",
		.options = ctl_backup_options,
		.min_operands = 1,
		.max_operands = 1,
		.old_run = ctl_backup,
		.details = "The copy is of one moment, is checked, and never replaces a file.",
		.examples = "amt-provisionctl backup /srv/backup/map-monday.db",
	},
	{
		.name = "restore",
		.operands = "FILE",
		.summary = "put a backup in the place of the map, while the server runs",
		.options = ctl_restore_options,
		.min_operands = 1,
		.max_operands = 1,
		.old_run = ctl_restore,
		.details =
			"The backup is checked first; the map that is there is put aside beside it.",
		.examples = "amt-provisionctl restore /srv/backup/map-monday.db",
	},
	{ .name = NULL },
};

static const struct cli_program program = {
	.name = "amt-provisionctl",
	.summary = "keys, systems and log of the one-touch set-up server",
	.old_verbs = verbs,
	.details =
		"The key map is the one that the server's configuration names (-c, default "
		CTL_CONFIGURATION "), or --map. All verbs may be used while the server runs.",
	.examples =
		"amt-provisionctl keys import keys.csv\n"
		"amt-provisionctl systems list\n"
		"amt-provisionctl log --follow",
};

int main(int argc, char **argv)
{
	return cli_main(&program, argc, argv);
}
