/* amt-sim: simulated Intel AMT machines, to try the kit on. */
#include <libxml/parser.h>
#include <signal.h>

#include "samples/amt-sim/cli/amt-sim.h"

static const struct cli_verb *const verbs[] = {
	&sim_verb_boot, &sim_verb_run, &sim_verb_fleet, &sim_verb_hello, &sim_verb_show,
	&sim_verb_clear_cmos, NULL,
};

static const struct cli_program program = {
	.name = "amt-sim",
	.summary = "simulated Intel AMT machines, to try the kit on",
	.verbs = verbs,
	.details =
		"No real machine is touched. Use addresses of the loopback network (127.x.y.z) "
		"only.",
	.examples =
		"amt-sim boot --state pc1 --stick stick.img --address 127.0.1.1 \\\n"
		"    --server 127.0.0.1:9971 --pace 20 --until-configured 30\n"
		"amt-sim show pc1",
};

int main(int argc, char **argv)
{
	int status;

	signal(SIGPIPE, SIG_IGN);
	xmlInitParser();
	status = cli_main(&program, argc, argv);
	xmlCleanupParser();
	return status;
}
