/* amt-setupbin create: options and profiles, turned into a header and variables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keygen/password.h"
#include "common/secret.h"
#include "setupbin/cli/create.h"

#define HELLO_PORT 9971

static int misuse(struct fault *fault, const char *what, const char *hint)
{
	fault_set(fault, KIT_ERR_ARGUMENT, "%s\n"
		  "%s", what, hint);
	return KIT_ERR_ARGUMENT;
}

/* With --json all is in the description. */
static int refuse_beside_json(const struct cli *cli, struct fault *fault)
{
	for (const struct cli_option *o = setupbin_create_options; o->name; o++) {
		if (!cli_has(cli, o->name) || strcmp(o->name, "json") == 0 ||
		    strcmp(o->name, "output") == 0 || strcmp(o->name, "force") == 0)
			continue;
		return fault_set(fault, KIT_ERR_ARGUMENT, "--%s does not go with --json\n"
				 "the JSON says all about the file; change it there", o->name);
	}
	return 0;
}

static int refuse_strays(const struct cli *cli, struct fault *fault)
{
	bool bare = cli_has(cli, "bare-metal"), pki = cli_has(cli, "pki");
	bool keys = cli_has(cli, "keys");

	if (!bare && (cli_has(cli, "server") || cli_has(cli, "port") || cli_has(cli, "halt")))
		return misuse(fault,
			      "--server, --port and --halt belong to the profile --bare-metal",
			      "add --bare-metal");
	if (!bare && !pki && (cli_has(cli, "dns-suffix") || cli_has(cli, "cert")))
		return misuse(fault, "--dns-suffix and --cert belong to the profiles --pki and "
			      "--bare-metal", "add --pki");
	if (pki && keys)
		return misuse(fault, "--pki makes one record for all machines, --keys one for each",
			      "leave one of them out");
	if (pki && !cli_has(cli, "dns-suffix") && !cli_has(cli, "cert"))
		return misuse(fault, "--pki needs what the server's certificate is known by",
			      "give --dns-suffix NAME, --cert FILE or both");
	if (bare && !cli_has(cli, "server") && !cli_has(cli, "dns-suffix"))
		return misuse(fault, "--bare-metal needs to know the server",
			      "give --server ADDRESS (and --port N)");
	if (!keys && !pki && !bare && !cli_has(cli, "set"))
		return misuse(
			fault, "there is nothing to make a file of",
			"give --keys LIST, --json FILE, --pki, --bare-metal or --set NAME=VALUE");
	return 0;
}

static bool sets(const struct creation *c, uint16_t module, uint16_t id)
{
	return sbin_varlist_find(&c->set.list, module, id) != NULL;
}

/* A password from a file, else DEFAULT_VALUE if there is one; --set may have given it already. */
static int take_password(struct creation *c, const char *option, uint16_t id, const char *name,
			 struct fault *fault)
{
	const char *path = cli_value(c->cli, option);
	char value[4096 + 2];

	if (!path)
		return 0;
	if (sets(c, SBIN_ME, id)) {
		return fault_set(fault, KIT_ERR_ARGUMENT, "--%s and --set %s say the same thing\n"
				 "leave one of them out", option, name);
	}
	snprintf(value, sizeof(value), "%s%s", strcmp(path, "-") == 0 ? "" : "@", path);
	return setupbin_set_put(&c->set, name, value, fault);
}

/* The factory's password is no secret, and is what nearly all machines have. */
static int take_factory_password(struct creation *c, struct fault *fault)
{
	struct sbin_variable v = { .module = SBIN_ME, .id = SBIN_CURRENT_PASSWORD,
				   .length = sizeof(PASSWORD_FACTORY) - 1,
				   .value = (const uint8_t *)PASSWORD_FACTORY };

	if (sets(c, SBIN_ME, SBIN_CURRENT_PASSWORD))
		return 0;
	return setupbin_set_keep(&c->set, &v, fault);
}

static int take_trust(struct creation *c, struct fault *fault)
{
	size_t certs = cli_count(c->cli, "cert");
	const char *suffix = cli_value(c->cli, "dns-suffix");
	char value[4096 + 2];
	int rc = 0;

	if (suffix)
		rc = setupbin_set_put(&c->set, "pki-dns-suffix", suffix, fault);
	if (rc == 0 && certs != 0 && !sets(c, SBIN_AMT, SBIN_CERT_CONFIG))
		rc = setupbin_set_put(&c->set, "user-defined-certs", "enabled", fault);
	for (size_t i = 0; rc == 0 && i < certs; i++) {
		snprintf(value, sizeof(value), "@%s", cli_value_at(c->cli, "cert", i));
		rc = setupbin_set_put(&c->set, "user-defined-cert-add", value, fault);
	}
	return rc;
}

static int take_server(struct creation *c, struct fault *fault)
{
	const char *address = cli_value(c->cli, "server");
	uint64_t port = HELLO_PORT;
	char number[8];
	int rc = cli_number(c->cli, "port", 1, 65535, &port, fault);

	if (rc == 0 && address)
		rc = setupbin_set_put(&c->set, "provisioning-server-address", address, fault);
	if (rc == 0 && (address || cli_has(c->cli, "port"))) {
		snprintf(number, sizeof(number), "%u", (unsigned)port);
		rc = setupbin_set_put(&c->set, "provisioning-server-port", number, fault);
	}
	if (rc == 0)
		rc = setupbin_set_put(&c->set, "provisioning-halt-activate",
				      cli_has(c->cli, "halt") ? "stop" : "start", fault);
	return rc;
}

static int take_variables(struct creation *c, struct fault *fault)
{
	bool keys = cli_has(c->cli, "keys"), bare = cli_has(c->cli, "bare-metal");
	bool pki = cli_has(c->cli, "pki");
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < cli_count(c->cli, "set"); i++)
		rc = setupbin_set_parse(&c->set, cli_value_at(c->cli, "set", i), fault);
	if (rc != 0)
		return rc;
	if (keys && (sets(c, SBIN_AMT, SBIN_PID) || sets(c, SBIN_AMT, SBIN_PPS)))
		return misuse(fault, "--set gives pid or pps, which --keys has for each record",
			      "leave one of them out");
	rc = take_password(c, "current-password-file", SBIN_CURRENT_PASSWORD,
			   "current-mebx-password", fault);
	if (rc == 0)
		rc = take_password(c, "new-password-file", SBIN_NEW_PASSWORD, "new-mebx-password",
				   fault);
	if (rc == 0 && (keys || pki || bare || sets(c, SBIN_ME, SBIN_NEW_PASSWORD)))
		rc = take_factory_password(c, fault);
	if (rc == 0 && (pki || bare))
		rc = take_trust(c, fault);
	if (rc == 0 && bare)
		rc = take_server(c, fault);
	return rc;
}

static int take_header(struct creation *c, struct fault *fault)
{
	const struct cli *cli = c->cli;
	bool keys = cli_has(cli, "keys"), later = cli_has(cli, "pki") || cli_has(cli, "bare-metal");
	bool no_consume = cli_has(cli, "no-consume") || (later && !keys);
	const char *text = cli_value(cli, "file-version");
	struct sbin_version version;
	uint64_t chunks = 1;
	int rc;

	if (!text)
		text = later ? "3.0" : cli_has(cli, "scramble") ? "4.0" : "2.1";
	if (sbin_version_parse(text, &version) != 0) {
		return fault_set(fault, KIT_ERR_ARGUMENT, "--file-version: \"%s\" is none of 1.0, "
				 "2.0, 2.1, 3.0, 4.0\n"
				 "2.1 is for machines with AMT 4 and later, 3.0 for AMT 6 and "
				 "later", text);
	}
	if (later && version.major < 3)
		return misuse(fault, "--pki and --bare-metal need file version 3.0 or 4.0",
			      "leave --file-version out");
	c->scramble = cli_has(cli, "scramble");
	if (c->scramble && version.major < 4)
		return misuse(fault, "only file version 4.0 knows scrambled records",
			      "give --file-version 4.0, or leave --scramble out");
	rc = cli_number(cli, "chunks", 1, SBIN_MAX_CHUNKS, &chunks, fault);
	if (rc == 0)
		rc = sbin_header_make(&c->header, version, no_consume ? SBIN_DO_NOT_CONSUME : 0,
				      keys ? 0 : 1, fault);
	c->header.record_chunks = (uint16_t)chunks;
	c->record_size = (size_t)chunks * SBIN_CHUNK;
	setupbin_set_begin(&c->set, version);
	return rc;
}

int setupbin_creation_options(struct creation *c, struct fault *fault)
{
	const struct cli *cli = c->cli;
	int rc;

	c->path = cli_value(cli, "output");
	c->flags = cli_has(cli, "force") ? OUTFILE_FORCE : 0;
	if (strcmp(c->path, "-") == 0 && (cli_has(cli, "keys") || cli_has(cli, "json")))
		return misuse(fault, "-o needs a file, not standard output: the header is "
				     "completed at the end",
			      "give it a name");
	if (cli_has(cli, "json"))
		return refuse_beside_json(cli, fault);
	rc = refuse_strays(cli, fault);
	if (rc == 0)
		rc = take_header(c, fault);
	if (rc == 0)
		rc = take_variables(c, fault);
	if (rc != 0)
		return rc;
	c->record = malloc(c->record_size);
	return c->record ? 0 : fault_nomem(fault);
}

void setupbin_creation_free(struct creation *c)
{
	if (c->record)
		secret_wipe(c->record, c->record_size);
	free(c->record);
	sbin_varlist_free(&c->list);
	setupbin_set_free(&c->set);
}
