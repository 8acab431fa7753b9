/* ukpu: prepare, check and mend the USB sticks that set machines up. */
#include <malloc.h>

#include "ukpu/cli/ukpu.h"

static const struct cli_verb verbs[] = {
	{
		.name = "list",
		.operands = "",
		.summary = "show the USB drives, what is on them, and which are fit",
		.options = ukpu_list_options,
		.flags = CLI_JSON,
		.old_run = ukpu_list,
		.examples = "ukpu list\nukpu list --all --json",
	},
	{
		.name = "prepare",
		.operands = "TARGET... SETUPBIN",
		.summary = "put a setup.bin on a stick so that firmware finds it",
		.options = ukpu_prepare_options,
		.min_operands = 2,
		.max_operands = -1,
		.old_run = ukpu_prepare,
		.details =
			"The file may have any name; on the stick it is SETUP.BIN, the first "
			"and only entry of the root directory, in one piece at the beginning."
			" It is checked first. Everything on the stick is lost; what it is and"
			" what is on it is shown, and the word \"yes\" has to be typed, or given"
			" as --yes together with --serial.\n"
			"Afterwards boot sectors, FATs, directory and file are read back from the"
			" medium, past the cache, and all the rules of verify are run.",
		.examples = "ukpu prepare /dev/sdb setup.bin\n"
			    "ukpu prepare --image stick.img --size 256M setup.bin --yes\n"
			    "ukpu prepare /dev/sdb /dev/sdc /dev/sdd setup.bin --deal",
	},
	{
		.name = "verify",
		.operands = "TARGET",
		.summary = "will firmware take this stick? A line for each rule",
		.options = ukpu_verify_options,
		.min_operands = 1,
		.max_operands = 1,
		.flags = CLI_JSON,
		.old_run = ukpu_verify,
		.details = "Exit status 0: firmware will see it; 1: it will not, or with --strict "
			   "something is doubtful; 2: it could not be read.",
		.examples = "ukpu verify /dev/sdb\nukpu verify --image stick.img",
	},
	{
		.name = "repair",
		.operands = "TARGET",
		.summary = "find the setup.bin on a spoiled stick and rebuild the stick around it",
		.options = ukpu_repair_options,
		.min_operands = 1,
		.max_operands = 1,
		.old_run = ukpu_repair,
		.details = "The setup.bin is found under any name, in sub-folders, deleted, and "
			   "behind a damaged FAT. A copy of it is kept on this machine before the"
			   " first byte is written; then the layout is made anew with the same"
			   " bytes, the consumed counter included.",
		.examples = "ukpu repair /dev/sdb --save-other-files rescued/\n"
			    "ukpu repair /dev/sdb --from backup-AMT0001-20260101T120000Z.bin",
	},
	{
		.name = "status",
		.operands = "TARGET",
		.summary = "records on a stick: all, used, left, and who is next",
		.options = ukpu_status_options,
		.min_operands = 1,
		.max_operands = 1,
		.flags = CLI_JSON,
		.old_run = ukpu_status,
		.examples = "ukpu status /dev/sdb\nukpu status --image stick.img",
	},
	{
		.name = "retire",
		.operands = "TARGET",
		.summary = "wipe the secrets from a stick that has served",
		.options = ukpu_retire_options,
		.min_operands = 1,
		.max_operands = 1,
		.old_run = ukpu_retire,
		.details = "Every setup.bin that can be found, deleted ones too, is overwritten "
			   "with zeros and read back; what is left is an empty stick. With --whole"
			   " every byte of the stick is overwritten.",
		.examples = "ukpu retire /dev/sdb\nukpu retire /dev/sdb --whole",
	},
	{
		.name = "wizard",
		.operands = "[IMAGE...]",
		.summary = "pick setup.bin and stick on the screen, watch, and go on with the next",
		.options = ukpu_wizard_options,
		.max_operands = -1,
		.old_run = ukpu_wizard,
		.details = "For the bench: the same guards, questions and checks as prepare, in "
			   "windows on the terminal (80 columns and 24 rows at least; over ssh,"
			   " too). No stick is preselected, unfit ones are shown with the reason,"
			   " and the word \"yes\" has to be typed.\n"
			   "A stick that is being written is finished before Ctrl-C ends the"
			   " wizard. Exit status 0: all sticks that were written are ready; 1:"
			   " firmware would not take one of them; 2: one could not be written, or"
			   " the wizard could not go on: a signal, or no terminal any more.",
		.examples = "ukpu wizard\nukpu wizard --image stick1.img stick2.img",
	},
	{ .name = NULL },
};

static const struct cli_program program = {
	.name = "ukpu",
	.summary = "USB sticks for Intel AMT one-touch set-up",
	.old_verbs = verbs,
	.details = "TARGET is a block device, a whole stick such as /dev/sdb; with --image it is "
		   "an image file. There is never a default.",
	.examples = "ukpu list\n"
		    "ukpu prepare /dev/sdb setup.bin\n"
		    "ukpu verify /dev/sdb",
};

int main(int argc, char **argv)
{
	/* libblkid takes and gives back 256 KiB many times over: the system need not hear of it. */
	mallopt(M_MMAP_THRESHOLD, 4 << 20);
	mallopt(M_TRIM_THRESHOLD, 4 << 20);
	return cli_main(&program, argc, argv);
}
