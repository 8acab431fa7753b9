/* amt-keygen: make PID/PPS pairs, and check lists of them. */
#include "keygen/cli/amt-keygen.h"

static const struct cli_verb *const verbs[] = { &keygen_generate, &keygen_check, NULL };

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
