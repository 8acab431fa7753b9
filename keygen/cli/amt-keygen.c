/* amt-keygen: make PID/PPS pairs, and check lists of them. */
#include "keygen/cli/amt-keygen.h"

static const struct cli_verb verbs[] = {
	{
		.name = "generate",
		.operands = "",
		.summary = "make pairs; into the server's key map, a list, a setup.bin",
		.options = keygen_generate_options,
		.run = keygen_generate,
		.details =
			"With --map the pairs are committed to the server's key map first; only then do"
			" the files that -o and --setupbin name appear, and the keys in them are marked"
			" exported. Without --map the pairs go to -o, by default to standard output, and"
			" have to be imported into a server (amt-provisionctl keys import) before any"
			" machine uses them.\n"
			"Passwords are read from files (mode 0600) or, with '-', typed; never from the"
			" command line.",
		.examples =
			"amt-keygen generate -n 50 --map map.db --random-passwords --setupbin setup.bin\n"
			"amt-keygen generate -n 50 --new-password-file mebx.txt -o keys.csv\n"
			"amt-keygen generate -n 3 --format text",
	},
	{
		.name = "check",
		.operands = "FILE|-",
		.summary = "check a list of pairs: CSV, text, JSON or setup.bin",
		.min_operands = 1,
		.max_operands = 1,
		.flags = CLI_JSON,
		.run = keygen_check,
		.details =
			"A line for each that is bad: its number (record or element of other kinds), the"
			" field and the rule, never the value. Exit status 1 if there is any.",
		.examples = "amt-keygen check keys.csv\n"
			    "gpg -d keys.csv.gpg | amt-keygen check -",
	},
	{ .name = NULL },
};

static const struct cli_program program = {
	.name = "amt-keygen",
	.summary = "PID/PPS key pairs for Intel AMT one-touch set-up",
	.verbs = verbs,
	.examples =
		"amt-keygen generate -n 50 --map map.db --random-passwords --setupbin setup.bin\n"
		"amt-keygen check keys.csv",
};

int main(int argc, char **argv)
{
	return cli_main(&program, argc, argv);
}
