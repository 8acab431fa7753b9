/* amt-setupbin: make, show, check and change setup.bin files. */
#include "setupbin/cli/amt-setupbin.h"

static const struct cli_verb verbs[] = {
	{
		.name = "create",
		.operands = "",
		.summary = "make a file from a key list, from JSON, or from variables",
		.options = setupbin_create_options,
		.old_run = setupbin_create,
		.details =
			"With --keys every pair of the list becomes a record, with the passwords that the"
			" list has for it; --set adds variables to all of them. --pki and --bare-metal"
			" make one record that all machines take. Without a profile the record holds what"
			" --set says. Variables are put into the order that firmware wants.\n"
			"The first record is checked before the file appears, and errors are refused;"
			" --json writes what it is told and reports what the checker finds.\n"
			"Secrets are read from files (mode 0600) or, with '-', typed; never from the"
			" command line.",
		.examples =
			"amt-setupbin create -o setup.bin --keys keys.csv --new-password-file mebx.txt\n"
			"amt-setupbin create -o setup.bin --pki --dns-suffix example.com --cert root.pem"
			" --new-password-file mebx.txt\n"
			"amt-setupbin create -o setup.bin --bare-metal --server 10.0.0.5 --port 9971"
			" --new-password-file mebx.txt\n"
			"amt-setupbin create -o setup.bin --json setup.json",
	},
	{
		.name = "show",
		.operands = "FILE|-",
		.summary = "what is in a file: a table, or JSON for create --json",
		.options = setupbin_show_options,
		.min_operands = 1,
		.max_operands = 1,
		.flags = CLI_JSON,
		.old_run = setupbin_show,
		.details =
			"Passwords, PPS and passcodes are masked unless --secrets is given; only "
			"with it the JSON can be made into a file again. The JSON leaves nothing "
			"out, not even what no document knows; the table has every variable.",
		.examples =
			"amt-setupbin show setup.bin\n"
			"(umask 077; amt-setupbin show --json --secrets setup.bin > setup.json)",
	},
	{
		.name = "check",
		.operands = "FILE|-",
		.summary = "will firmware take the file, and if not, why",
		.options = setupbin_check_options,
		.min_operands = 1,
		.max_operands = 1,
		.flags = CLI_JSON,
		.old_run = setupbin_check,
		.details =
			"An error is what firmware refuses, a warning what some of it may refuse, a note"
			" is worth knowing. Exit status 1 if there is an error, and with --strict also if"
			" there is a warning.",
		.examples = "amt-setupbin check setup.bin\n"
			    "amt-setupbin check --strict --json setup.bin",
	},
	{
		.name = "next",
		.operands = "FILE|-",
		.summary = "the record that a machine would take next",
		.min_operands = 1,
		.max_operands = 1,
		.flags = CLI_JSON,
		.old_run = setupbin_next,
		.details = "Exit status 1 if there is none.",
		.examples = "amt-setupbin next setup.bin",
	},
	{
		.name = "variables",
		.operands = "",
		.summary = "the variables that a record may hold",
		.flags = CLI_JSON,
		.old_run = setupbin_variables,
		.examples = "amt-setupbin variables",
	},
	{
		.name = "edit",
		.operands = "FILE|-",
		.summary = "set and remove variables in all or chosen records",
		.options = setupbin_edit_options,
		.min_operands = 1,
		.max_operands = 1,
		.old_run = setupbin_edit,
		.details =
			"Without --records all unused records are changed. A variable keeps its place; a"
			" new one goes to the end, or to the last place where firmware takes it."
			" user-defined-cert-add always adds one. What no document knows stays.",
		.examples =
			"amt-setupbin edit setup.bin -o new.bin --set new-mebx-password=@mebx.txt\n"
			"amt-setupbin edit setup.bin -o setup.bin --force --unset kvm --records 2-5",
	},
	{
		.name = "split",
		.operands = "FILE",
		.summary = "deal the unused records to several files",
		.options = setupbin_split_options,
		.min_operands = 1,
		.max_operands = 1,
		.old_run = setupbin_split,
		.examples = "amt-setupbin split setup.bin -n 3 -o stick-%.bin",
	},
	{
		.name = "merge",
		.operands = "FILE...",
		.summary = "bring the unused records of several files into one",
		.options = setupbin_merge_options,
		.min_operands = 1,
		.max_operands = -1,
		.old_run = setupbin_merge,
		.examples = "amt-setupbin merge stick-1.bin stick-2.bin -o setup.bin",
	},
	{
		.name = "compact",
		.operands = "FILE",
		.summary = "drop the consumed records, over which every machine has to read",
		.options = setupbin_compact_options,
		.min_operands = 1,
		.max_operands = 1,
		.old_run = setupbin_compact,
		.examples = "amt-setupbin compact setup.bin -o setup.bin --force",
	},
	{ .name = NULL },
};

static const struct cli_program program = {
	.name = "amt-setupbin",
	.summary = "the setup.bin files that Intel AMT machines are set up from",
	.old_verbs = verbs,
	.examples =
		"amt-setupbin create -o setup.bin --keys keys.csv --new-password-file mebx.txt\n"
		"amt-setupbin check setup.bin",
};

int main(int argc, char **argv)
{
	return cli_main(&program, argc, argv);
}
