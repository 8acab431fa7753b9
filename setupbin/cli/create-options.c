/* amt-setupbin create: options and profiles, turned into a header and variables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keygen/password.h"
#include "common/secret.h"
#include "setupbin/cli/create.h"

#define HELLO_PORT	9971

static int misuse(struct fault *fault, const char *what, const char *hint)
{
	fault_set(fault, KIT_ERR_ARGUMENT, "%s\n"
		  "%s", what, hint);
	return KIT_ERR_ARGUMENT;
}

static int refuse_strays(const struct create_options *o, struct fault *fault)
{
	bool trusts = o->dns_suffix || o->cert.count;

	if (!o->bare_metal && (o->server || o->port || o->halt))
		return misuse(fault,
			      "--server, --port and --halt belong to the profile --bare-metal",
			      "add --bare-metal");
	if (!o->bare_metal && !o->pki && trusts)
		return misuse(fault, "--dns-suffix and --cert belong to the profiles --pki and "
			      "--bare-metal", "add --pki");
	if (o->columns.count && !o->keys)
		return misuse(fault, "--column says what the columns of --keys LIST hold",
			      "add --keys LIST, or leave --column out");
	if (o->pki && o->keys)
		return misuse(fault, "--pki makes one record for all machines, --keys one for each",
			      "leave one of them out");
	if (o->pki && !trusts)
		return misuse(fault, "--pki needs what the server's certificate is known by",
			      "give --dns-suffix NAME, --cert FILE or both");
	if (o->bare_metal && !o->server && !o->dns_suffix)
		return misuse(fault, "--bare-metal needs to know the server",
			      "give --server ADDRESS (and --port N)");
	if (!o->keys && !o->pki && !o->bare_metal && !o->set.count)
		return misuse(
			fault, "there is nothing to make a file of",
			"give --keys LIST, --json FILE, --pki, --bare-metal or --set NAME=VALUE");
	return 0;
}

static bool sets(const struct creation *c, uint16_t module, uint16_t id)
{
	return sbin_varlist_find(&c->set.list, module, id);
}

/* The password in the file PATH, if it was given as --OPTION; --set may have given it already. */
static int take_password(struct creation *c, const char *path, const char *option, uint16_t id,
			 const char *name, struct fault *fault)
{
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

/* The factory's password is known to everybody, and nearly all machines have it. */
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
	const struct cli_list *certs = &c->options->cert;
	const char *suffix = c->options->dns_suffix;
	char value[4096 + 2];
	int rc = 0;

	if (suffix)
		rc = setupbin_set_put(&c->set, "pki-dns-suffix", suffix, fault);
	if (!rc && certs->count != 0 && !sets(c, SBIN_AMT, SBIN_CERT_CONFIG))
		rc = setupbin_set_put(&c->set, "user-defined-certs", "enabled", fault);
	for (size_t i = 0; !rc && i < certs->count; i++) {
		snprintf(value, sizeof(value), "@%s", certs->values[i]);
		rc = setupbin_set_put(&c->set, "user-defined-cert-add", value, fault);
	}
	return rc;
}

static int take_server(struct creation *c, struct fault *fault)
{
	const struct create_options *o = c->options;
	char number[8];
	int rc = 0;

	if (o->server)
		rc = setupbin_set_put(&c->set, "provisioning-server-address", o->server, fault);
	if (!rc && (o->server || o->port)) {
		snprintf(number, sizeof(number), "%u",
			 o->port ? (unsigned)o->port : HELLO_PORT);
		rc = setupbin_set_put(&c->set, "provisioning-server-port", number, fault);
	}
	if (!rc)
		rc = setupbin_set_put(&c->set, "provisioning-halt-activate",
				      o->halt ? "stop" : "start", fault);
	return rc;
}

static int take_variables(struct creation *c, struct fault *fault)
{
	const struct create_options *o = c->options;
	int rc = 0;

	for (size_t i = 0; !rc && i < o->set.count; i++)
		rc = setupbin_set_parse(&c->set, o->set.values[i], fault);
	if (rc)
		return rc;
	if (o->keys && (sets(c, SBIN_AMT, SBIN_PID) || sets(c, SBIN_AMT, SBIN_PPS)))
		return misuse(fault, "--set gives pid or pps, which --keys has for each record",
			      "leave one of them out");
	rc = take_password(c, o->current_password_file, "current-password-file",
			   SBIN_CURRENT_PASSWORD, "current-mebx-password", fault);
	if (!rc)
		rc = take_password(c, o->new_password_file, "new-password-file", SBIN_NEW_PASSWORD,
				   "new-mebx-password", fault);
	if (!rc &&
	    (o->keys || o->pki || o->bare_metal || sets(c, SBIN_ME, SBIN_NEW_PASSWORD)))
		rc = take_factory_password(c, fault);
	if (!rc && (o->pki || o->bare_metal))
		rc = take_trust(c, fault);
	if (!rc && o->bare_metal)
		rc = take_server(c, fault);
	return rc;
}

static int take_header(struct creation *c, struct fault *fault)
{
	const struct create_options *o = c->options;
	bool later = o->pki || o->bare_metal, no_consume = o->no_consume || (later && !o->keys);
	const char *text = o->file_version;
	struct sbin_version version;
	int rc;

	if (!text)
		text = later ? "3.0" : o->scramble ? "4.0" : "2.1";
	if (sbin_version_parse(text, &version) != 0) {
		return fault_set(fault, KIT_ERR_ARGUMENT, "--file-version: \"%s\" is unknown\n"
				 "give 1.0, 2.0, 2.1 (AMT 4 and later), 3.0 or 4.0 (AMT 6 and "
				 "later)", text);
	}
	if (later && version.major < 3)
		return misuse(fault, "--pki and --bare-metal need file version 3.0 or 4.0",
			      "leave --file-version out");
	c->scramble = o->scramble;
	if (c->scramble && version.major < 4)
		return misuse(fault, "only file version 4.0 knows scrambled records",
			      "give --file-version 4.0, or leave --scramble out");
	rc = sbin_header_make(&c->header, version, no_consume ? SBIN_DO_NOT_CONSUME : 0,
			      o->keys ? 0 : 1, fault);
	c->header.record_chunks = (uint16_t)o->chunks;
	c->record_size = (size_t)o->chunks * SBIN_CHUNK;
	setupbin_set_begin(&c->set, version, o->not_a_root, c->cli);
	return rc;
}

int setupbin_creation_options(struct creation *c, struct fault *fault)
{
	const struct create_options *o = c->options;
	int rc;

	if (strcmp(o->output, "-") == 0 && (o->keys || o->json))
		return misuse(fault, "-o needs a file, not standard output: the header is "
				     "completed at the end",
			      "give it a name");
	if (o->json)
		return 0;
	rc = refuse_strays(o, fault);
	if (!rc)
		rc = take_header(c, fault);
	if (!rc)
		rc = take_variables(c, fault);
	if (rc)
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
