/* amt-sim: simulated Intel AMT machines, to try the kit on. Its table of verbs. */
#include <jansson.h>
#include <libxml/parser.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/cli.h"
#include "samples/amt-sim/sim-address.h"
#include "samples/amt-sim/sim-device.h"
#include "samples/amt-sim/sim-hello.h"
#include "samples/amt-sim/cli/verbs.h"

static const struct cli_option hello_options[] = {
	{ "server", 0, "HOST[:PORT]", "where it goes (port 9971)", CLI_REQUIRED, 0 },
	{ "pid", 0, "PID", "8 characters, sent as they stand (00000000)", 0, 0 },
	{ "uuid", 0, "UUID", "of the machine that speaks (random)", 0, 0 },
	{ "address", 0, "ADDRESS", "its own address (127.0.0.1)", 0, 0 },
	{ "retry-count", 0, "N", "the count in the message (0)", 0, 0 },
	{ "interface-version", 0, "N", "1, 2 (PSK) or 3 (certificates) (2)", 0, 0 },
	{ "hashes", 0, "N", "certificate hashes in a version 3 message (23)", 0, 0 },
	{ "bytes", 0, "N", "cut the message, or pad it with zeros, to N bytes", 0, 0 },
	{ "piece", 0, "N", "send N bytes at a time", 0, 0 },
	{ "pause", 0, "MS", "between two pieces (1000)", 0, 0 },
	{ "silent", 0, NULL, "connect and say nothing", 0, 0 },
	{ "linger", 0, "SECONDS", "then stay connected so long (0; 60 when silent)", 0, 0 },
	{ .name = NULL },
};

static int print_outcome(struct cli *cli, const struct sim_hello_outcome *o)
{
	if (cli->json)
		return cli_print_json(cli, json_pack("{sI sf sb}", "sent", (json_int_t)o->sent,
						     "seconds", o->seconds, "server_closed",
						     (int)o->server_closed));
	if (!cli->quiet)
		printf("sent %zu bytes; %s closed the connection after %.1f s\n", o->sent,
		       o->server_closed ? "the server" : "the machine", o->seconds);
	return EXIT_YES;
}

static int run_hello(struct cli *cli)
{
	const char *pid = cli_value(cli, "pid"), *uuid = cli_value(cli, "uuid");
	const char *from = cli_value(cli, "address");
	uint64_t retry = 0, version = 2, hashes = 23, piece = 0, pause = 1000, bytes, linger;
	struct fault fault = { .code = 0 };
	struct sim_hello hello = { .admin_set = true, .pid = pid ? pid : "00000000" };
	uint8_t message[SIM_HELLO_MAX] = { 0 };
	struct sim_address source, server;
	struct sim_hello_manner manner = { .silent = cli_has(cli, "silent") };
	struct sim_hello_outcome outcome;
	uint8_t known[16];

	if (strlen(hello.pid) != PID_LENGTH)
		return cli_misuse(cli, "--pid: 8 characters, as the wire has them: no dash");
	linger = manner.silent ? 60 : 0;
	if (uuid && sim_device_parse_uuid(uuid, known) < 0)
		return cli_misuse(cli, "--uuid: \"%s\" is no UUID", uuid);
	if ((!uuid && sim_device_random_uuid(known, &fault) < 0) ||
	    sim_address_parse(cli_value(cli, "server"), 9971, &server, &fault) < 0 ||
	    sim_address_parse(from ? from : "127.0.0.1", 0, &source, &fault) < 0 ||
	    cli_number(cli, "retry-count", 0, UINT32_MAX, &retry, &fault) < 0 ||
	    cli_number(cli, "interface-version", 0, 65535, &version, &fault) < 0 ||
	    cli_number(cli, "hashes", 0, SIM_HELLO_HASHES, &hashes, &fault) < 0 ||
	    cli_number(cli, "piece", 1, SIM_HELLO_MAX, &piece, &fault) < 0 ||
	    cli_number(cli, "pause", 0, 600000, &pause, &fault) < 0 ||
	    cli_number(cli, "linger", 0, 86400, &linger, &fault) < 0)
		return cli_fail(cli, &fault);
	hello.uuid = known;
	hello.retry = (uint32_t)retry;
	hello.version = (uint16_t)version;
	hello.hashes = (unsigned)hashes;
	bytes = sim_hello_make(&hello, message);
	manner.piece = (size_t)piece;
	manner.pause = (unsigned)pause;
	manner.linger = (unsigned)linger * 1000;
	if (cli_number(cli, "bytes", 0, SIM_HELLO_MAX, &bytes, &fault) < 0 ||
	    sim_hello_send(&source, &server, message, (size_t)bytes, &manner, &outcome, &fault) < 0)
		return cli_fail(cli, &fault);
	return print_outcome(cli, &outcome);
}

static int run_show(struct cli *cli)
{
	char uuid[SIM_DEVICE_UUID_SHOWN + 1], pid[PID_SHOWN + 1] = "", firmware[32];
	struct fault fault = { .code = 0 };
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
		status = cli_print_json(cli,
					json_pack("{ss ss ss ss ss ss ss ss sb sb}", "uuid", uuid,
						  "state", sim_device_state_name(d.state), "pid",
						  pid, "firmware", firmware, "digest_realm",
						  d.realm, "admin_user", d.user, "host_name",
						  d.host, "domain_name", d.domain, "admin_set",
						  (int)d.admin_set, "clock_set", (int)d.clock_set));
	else
		printf("UUID          %s\nstate         %s\nPID           %s\nfirmware      %s\n"
		       "digest realm  %s\nadmin         %s\nhost name     %s\ndomain name   %s\n"
		       "clock         %s\n",
		       uuid, sim_device_state_name(d.state), pid, firmware, d.realm,
		       d.admin_set ? d.user : "(not set)", d.host, d.domain,
		       d.clock_set ? "set" : "(not set)");
	sim_device_clear(&d);
	return status;
}

/* What a technician does with a jumper: the factory's state again, the board stays the board. */
static int run_clear_cmos(struct cli *cli)
{
	struct fault fault = { .code = 0 };
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

static const struct cli_verb verbs[] = {
	{ "boot", "", "switch a machine on with a stick in it, and let it be set up", boot_options,
	  0, 0, CLI_JSON, verb_boot,
	  "The BIOS finds setup.bin through the partition table and the FAT (first entry of the "
	  "root directory, in one piece), takes the next record, checks the current MEBx password, "
	  "keeps PID, PPS and new password in the machine, and marks the record used on the stick. "
	  "With --server the machine then says hello and waits to be set up.",
	  "amt-sim boot --state pc1 --stick stick.img\n"
	  "amt-sim boot --state pc1 --stick stick.img --address 127.0.1.1 \\\n"
	  "    --server 127.0.0.1:9971 --until-configured 30" },
	{ "run", "", "switch a machine on again, without a stick", run_options, 0, 0, CLI_JSON,
	  verb_run,
	  "A machine that waits to be set up says hello again; one that is set up only serves. "
	  "Without --until-configured it runs until it is interrupted.",
	  "amt-sim run --state pc1 --address 127.0.1.1 --server 127.0.0.1:9971\n"
	  "amt-sim run --state pc1 --address 127.0.1.1 --plain-port 16992" },
	{ "fleet", "", "many machines in one process, each with its own loopback address",
	  fleet_options, 0, 0, CLI_JSON, verb_fleet,
	  "Machine I has the address of --address plus I, says hello from it and is called back "
	  "there. Without --state they live in memory only.",
	  "amt-sim fleet -n 100 --keys keys.csv --server 127.0.0.1:9971 --delay 200 \\\n"
	  "    --until-configured 120 --json" },
	{ "hello", "", "send one hello, well-behaved or not", hello_options, 0, 0, CLI_JSON,
	  run_hello,
	  "Nobody serves afterwards: this is for trying what a server does with bad messages.",
	  "amt-sim hello --server 127.0.0.1:9971 --pid 0000037M\n"
	  "amt-sim hello --server 127.0.0.1:9971 --bytes 31\n"
	  "amt-sim hello --server 127.0.0.1:9971 --silent" },
	{ "show", "STATE", "what a machine's state file says, secrets left out", NULL, 1, 1,
	  CLI_JSON, run_show, NULL, "amt-sim show pc1" },
	{ "clear-cmos", "STATE", "take a machine back to the state in which it left the factory",
	  NULL, 1, 1, 0, run_clear_cmos, NULL, "amt-sim clear-cmos pc1" },
	{ .name = NULL },
};

static const struct cli_program program = {
	"amt-sim", "simulated Intel AMT machines, to try the kit on", verbs,
	"No real machine is touched. Use addresses of the loopback network (127.x.y.z) only.",
	"amt-sim boot --state pc1 --stick stick.img --address 127.0.1.1 \\\n"
	"    --server 127.0.0.1:9971 --until-configured 30\n"
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
