/* amt-setupbin: make, show, check and change setup.bin files. */
#include "setupbin/cli/amt-setupbin.h"

static const struct cli_verb *const verbs[] = {
	&setupbin_create, &setupbin_show, &setupbin_check, &setupbin_next, &setupbin_variables,
	&setupbin_edit, &setupbin_split, &setupbin_merge, &setupbin_compact, NULL,
};

static const struct cli_program program = {
	.name = "amt-setupbin",
	.summary = "the setup.bin files that Intel AMT machines are set up from",
	.verbs = verbs,
	.examples =
		"amt-setupbin create -o setup.bin --keys keys.csv --new-password-file mebx.txt\n"
		"amt-setupbin check setup.bin",
};

int main(int argc, char **argv)
{
	return cli_main(&program, argc, argv);
}
