/* amt-sim hello: one message to a server, well-behaved or not. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "samples/amt-sim/cli/amt-sim.h"
#include "samples/amt-sim/sim-hello.h"

#define WHOLE UINT64_MAX	/* of --bytes: the message as it is */
#define LINGER_BY_MANNER UINT64_MAX

struct hello_options {
	const char *server, *pid, *uuid, *address;
	uint32_t retry_count;
	uint16_t interface_version;
	uint64_t hashes, bytes, piece, pause, linger;
	enum sim_root_type hash_type;
	bool silent;
};

/* The first one stands in for SIM_ROOT_NONE: a type that no document knows. */
static const char *const hash_types[] = { "unknown", "sha1", "sha256", "sha384", NULL };
#define UNKNOWN_TYPE	9

static const struct cli_option hello_table[] = {
	CLI_TEXT(0, "server", struct hello_options, server, "HOST[:PORT]",
		 "where it goes (port 9971)", .flags = CLI_REQUIRED),
	CLI_TEXT(0, "pid", struct hello_options, pid, "PID",
		 "8 characters, sent as they are (00000000)"),
	CLI_TEXT(0, "uuid", struct hello_options, uuid, "UUID",
		 "of the machine that speaks (random)"),
	CLI_TEXT(0, "address", struct hello_options, address, "ADDRESS",
		 "its own address (127.0.0.1)"),
	CLI_NUMBER(0, "retry-count", struct hello_options, retry_count, "N", 0, UINT32_MAX,
		   "the count in the message (0)"),
	CLI_NUMBER(0, "interface-version", struct hello_options, interface_version, "N", 0, 65535,
		   "1, 2 (PSK) or 3 (certificates) (2)"),
	CLI_NUMBER(0, "hashes", struct hello_options, hashes, "N", 0, SIM_HELLO_HASHES,
		   "certificate hashes in a version 3 message (23)"),
	CLI_CHOICE(0, "hash-type", struct hello_options, hash_type, "TYPE", hash_types,
		   "their type: sha1, sha256, sha384 or unknown (sha1)"),
	CLI_NUMBER(0, "bytes", struct hello_options, bytes, "N", 0, SIM_HELLO_MAX,
		   "cut the message, or pad it with zeros, to N bytes"),
	CLI_NUMBER(0, "piece", struct hello_options, piece, "N", 1, SIM_HELLO_MAX,
		   "send N bytes at a time"),
	CLI_NUMBER(0, "pause", struct hello_options, pause, "MS", 0, 600000,
		   "between two pieces (1000)"),
	CLI_FLAG(0, "silent", struct hello_options, silent, "connect and say nothing"),
	CLI_NUMBER(0, "linger", struct hello_options, linger, "SECONDS", 0, 86400,
		   "then stay connected so long (0; 60 when silent)"),
	{ 0 },
};

static const struct hello_options hello_defaults = {
	.pid = "00000000",
	.address = "127.0.0.1",
	.interface_version = 2,
	.hashes = 23,
	.hash_type = SIM_ROOT_SHA1,
	.bytes = WHOLE,
	.pause = 1000,
	.linger = LINGER_BY_MANNER,
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

static int hello(struct cli *cli, const void *given)
{
	const struct hello_options *o = given;
	struct sim_hello message = {
		.admin_set = true,
		.version = o->interface_version,
		.retry = o->retry_count,
		.pid = o->pid,
		.n_roots = (unsigned)o->hashes,
	};
	struct sim_hello_manner manner = {
		.piece = (size_t)o->piece,
		.pause = (unsigned)o->pause,
		.silent = o->silent,
		.linger = 1000 * (o->linger != LINGER_BY_MANNER ? (unsigned)o->linger :
				  o->silent ? 60 : 0),
	};
	struct fault fault = { 0 };
	uint8_t bytes[SIM_HELLO_MAX] = { 0 }, uuid[16];
	struct sim_address source, server;
	struct sim_root roots[SIM_HELLO_HASHES];
	struct sim_hello_outcome outcome;
	size_t size;

	if (strlen(o->pid) != PID_LENGTH)
		return cli_misuse(cli, "--pid: 8 characters, as on the wire: no dash");
	if (o->uuid && sim_device_parse_uuid(o->uuid, uuid) < 0)
		return cli_misuse(cli, "--uuid: \"%s\" is not a UUID", o->uuid);
	if (!o->uuid && sim_device_random_uuid(uuid, &fault) < 0)
		return cli_fail(cli, &fault);
	message.uuid = uuid;
	for (unsigned i = 0; i < message.n_roots; i++)
		sim_root_make_up(&roots[i], o->hash_type ? (uint8_t)o->hash_type : UNKNOWN_TYPE, i);
	message.roots = roots;
	size = sim_hello_make(&message, bytes);
	if (o->bytes != WHOLE)
		size = (size_t)o->bytes;
	if (sim_address_parse(o->server, SIM_SERVER_PORT, &server, &fault) < 0 ||
	    sim_address_parse(o->address, 0, &source, &fault) < 0 ||
	    sim_hello_send(&source, &server, bytes, size, &manner, &outcome, &fault) < 0)
		return cli_fail(cli, &fault);
	return print_outcome(cli, &outcome);
}

const struct cli_verb sim_verb_hello = {
	.name = "hello",
	.operands = "",
	.summary = "send one hello, well-behaved or not",
	.options = hello_table,
	.options_size = sizeof(struct hello_options),
	.defaults = &hello_defaults,
	.flags = CLI_JSON,
	.run = hello,
	.details =
		"Nobody serves afterwards: this is for trying what a server does with bad "
		"messages.",
	.examples =
		"amt-sim hello --server 127.0.0.1:9971 --pid 0000037M\n"
		"amt-sim hello --server 127.0.0.1:9971 --bytes 31\n"
		"amt-sim hello --server 127.0.0.1:9971 --silent",
};
