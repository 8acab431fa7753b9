/* amt-sim show, clear-cmos: a machine's file, read and taken back to the factory's state. */
#include <jansson.h>
#include <stdio.h>

#include "samples/amt-sim/cli/amt-sim.h"

static int show(struct cli *cli, const void *given)
{
	char uuid[SIM_DEVICE_UUID_SHOWN + 1], pid[PID_SHOWN + 1] = "", firmware[32];
	struct fault fault = { 0 };
	struct sim_device d;
	int status = EXIT_YES;

	if (sim_device_load(&d, cli->argv[0], &fault) < 0)
		return cli_fail(cli, &fault);
	sim_device_show_uuid(d.uuid, uuid);
	if (d.pair.pid[0] != '\0')
		pidpps_show_pid(d.pair.pid, pid);
	snprintf(firmware, sizeof(firmware), "%u.%u.%u", d.firmware.major, d.firmware.minor,
		 d.firmware.build);
	if (cli->json)
		status = cli_print_json(
			cli, json_pack("{ss ss ss ss ss ss ss ss ss sI sb sb}", "uuid", uuid,
				       "mode", d.pki.on ? "pki" : "psk", "state",
				       sim_device_state_name(d.state), "pid", pid, "firmware",
				       firmware, "digest_realm", d.realm, "admin_user", d.user,
				       "host_name", d.host, "domain_name", d.domain, "own_roots",
				       (json_int_t)d.pki.n_own, "admin_set", (int)d.admin_set,
				       "clock_set", (int)d.clock_set));
	else
		printf("UUID          %s\nstate         %s%s\nPID           %s\nfirmware      %s\n"
		       "digest realm  %s\nadmin         %s\nhost name     %s\ndomain name   %s\n"
		       "clock         %s\n",
		       uuid, sim_device_state_name(d.state),
		       d.pki.on ? ", by certificate" : "", pid, firmware, d.realm,
		       d.admin_set ? d.user : "(not set)", d.host, d.domain,
		       d.clock_set ? "set" : "(not set)");
	sim_device_clear(&d);
	return status;
}

const struct cli_verb sim_verb_show = {
	.name = "show",
	.operands = "STATE",
	.summary = "what a machine's state file says, secrets left out",
	.min_operands = 1,
	.max_operands = 1,
	.flags = CLI_JSON,
	.run = show,
	.examples = "amt-sim show pc1",
};

/* What a technician does with a jumper: the factory's state again, the board stays the board. */
static int clear_cmos(struct cli *cli, const void *given)
{
	struct fault fault = { 0 };
	struct sim_device before, d = { .file = NULL };
	int rc = sim_device_load(&before, cli->argv[0], &fault);

	if (rc < 0)
		return cli_fail(cli, &fault);
	rc = sim_device_factory(&d, before.uuid, before.firmware, cli->argv[0], &fault);
	if (rc == 0)
		rc = sim_device_save(&d, &fault);
	sim_device_clear(&before);
	sim_device_clear(&d);
	return rc < 0 ? cli_fail(cli, &fault) : EXIT_YES;
}

const struct cli_verb sim_verb_clear_cmos = {
	.name = "clear-cmos",
	.operands = "STATE",
	.summary = "take a machine back to the state in which it left the factory",
	.min_operands = 1,
	.max_operands = 1,
	.run = clear_cmos,
	.examples = "amt-sim clear-cmos pc1",
};
