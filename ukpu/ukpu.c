/* ukpu: prepare, check and mend the USB sticks that set machines up. */
#include "ukpu/ukpu.h"

static const struct cli_verb verbs[] = {
	{
		.name = "prepare", .operands = "TARGET SETUPBIN",
		.summary = "put a setup.bin on a stick so that firmware finds it",
		.options = ukpu_prepare_options, .min_operands = 2, .max_operands = 2,
		.run = ukpu_prepare,
		.examples =
			"ukpu prepare --image stick.img --size 256M setup.bin --yes",
	},
	{
		.name = "verify", .operands = "TARGET",
		.summary = "will firmware take this stick? A line for each rule",
		.options = ukpu_verify_options, .min_operands = 1, .max_operands = 1,
		.flags = CLI_JSON, .run = ukpu_verify,
		.details =
			"Exit status 0: firmware will see it; 1: it will not, or with --strict something"
			" is doubtful; 2: it could not be read.",
		.examples =
			"ukpu verify --image stick.img",
	},
	{
		.name = "status", .operands = "TARGET",
		.summary = "records on a stick: all, used, left, and who is next",
		.options = ukpu_status_options, .min_operands = 1, .max_operands = 1,
		.flags = CLI_JSON, .run = ukpu_status,
		.examples =
			"ukpu status --image stick.img",
	},
	{ .name = NULL },
};

static const struct cli_program program = {
	.name = "ukpu",
	.summary = "USB sticks for Intel AMT one-touch set-up",
	.verbs = verbs,
	.examples =
		"ukpu prepare --image stick.img --size 256M setup.bin --yes\n"
		"ukpu verify --image stick.img",
};

int main(int argc, char **argv)
{
	return cli_main(&program, argc, argv);
}
