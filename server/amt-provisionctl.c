/* amt-provisionctl: the operator's hand on the key map and the server. */
#include "server/amt-provisionctl.h"

static const struct cli_verb verbs[] = {
	{
		.name = "keys import", .operands = "FILE|-...",
		.summary = "take lists of pairs into the map",
		.options = ctl_import_options,
		.min_operands = 1, .max_operands = -1, .flags = CLI_JSON,
		.run = ctl_keys_import,
		.details =
			"CSV with a header line (pid, pps, current_password, admin_password or"
			" new_password, used; any order and case), text, JSON, or setup.bin of any"
			" version. Each file is imported whole or not at all. A pair that is there already"
			" is counted; a PID that is there with another PPS is refused. Records that a"
			" stick marks consumed come in as free: the machine that took one has still to"
			" prove itself. The map is made if there is none.",
		.examples =
			"amt-provisionctl keys import --map map.db keys.csv setup.bin\n"
			"gpg -d keys.csv.gpg | amt-provisionctl keys import -m map.db -",
	},
	{
		.name = "keys list", .operands = "",
		.summary = "which keys the map holds, and how they stand",
		.options = ctl_keys_list_options,
		.flags = CLI_JSON,
		.run = ctl_keys_list,
		.examples =
			"amt-provisionctl keys list --state free --not-exported\n"
			"amt-provisionctl keys list --count",
	},
	{
		.name = "systems list", .operands = "",
		.summary = "the machines that said hello, and how far each has come",
		.options = ctl_systems_list_options,
		.flags = CLI_JSON,
		.run = ctl_systems_list,
		.examples = "amt-provisionctl systems list --state failed",
	},
	{
		.name = "log", .operands = "",
		.summary = "what happened: one line an event",
		.options = ctl_log_options,
		.flags = CLI_JSON,
		.run = ctl_log_show,
		.details =
			"Time, severity, name, PID, UUID, address, what happened, and what to do. With"
			" --json one object a line.",
		.examples =
			"amt-provisionctl log --follow\n"
			"amt-provisionctl log --severity warning -n 20",
	},
	{ .name = NULL },
};

static const struct cli_program program = {
	.name = "amt-provisionctl",
	.summary = "keys, systems and log of the one-touch set-up server",
	.verbs = verbs,
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
