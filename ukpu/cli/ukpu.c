/* ukpu: prepare, check and fix the USB sticks that set machines up. */
#include <malloc.h>

#include "ukpu/cli/ukpu.h"

static const struct cli_verb *const verbs[] = {
	&ukpu_list, &ukpu_prepare, &ukpu_verify, &ukpu_repair, &ukpu_status, &ukpu_retire,
	&ukpu_wizard, NULL,
};

static const struct cli_program program = {
	.name = "ukpu",
	.summary = "USB sticks for Intel AMT one-touch set-up",
	.verbs = verbs,
	.details = "TARGET is a block device, a whole stick such as /dev/sdb; with --image it is "
		   "an image file. There is never a default.",
	.examples = "ukpu list\n"
		    "ukpu prepare /dev/sdb setup.bin\n"
		    "ukpu verify /dev/sdb",
};

int main(int argc, char **argv)
{
	/* libblkid takes and gives back 256 KiB many times: the system is not asked each time. */
	mallopt(M_MMAP_THRESHOLD, 4 << 20);
	mallopt(M_TRIM_THRESHOLD, 4 << 20);
	return cli_main(&program, argc, argv);
}
