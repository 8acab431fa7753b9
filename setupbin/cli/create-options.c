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
	bool trusts = o->dns_suffix || o->server_fqdn || o->cert.count;

	if (o->psk && (o->pki || o->bare_metal))
		return misuse(fault, "--psk does not go with --pki or --bare-metal",
			      "leave one of them out; --bare-metal goes with --keys, too");
	if (!o->pki && o->no_public_roots)
		return misuse(fault, "--no-public-roots belongs to the profile --pki",
			      "add --pki");
	if (!o->bare_metal && (o->server || o->port || o->halt))
		return misuse(fault,
			      "--server, --port and --halt belong to the profile --bare-metal",
			      "add --bare-metal");
	if (!o->bare_metal && !o->pki && trusts)
		return misuse(fault, "--dns-suffix, --server-fqdn and --cert belong to --pki and "
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
	if (o->no.count && !o->pki && !o->bare_metal)
		return misuse(fault, "--no leaves out what --pki and --bare-metal make",
			      "add one of them, or leave --no out");
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

/* Does the file's version know the variable K? */
static bool carries(const struct creation *c, const struct sbin_known *k)
{
	const struct sbin_version v = c->header.version;

	return v.major > k->since.major ||
	       (v.major == k->since.major && v.minor >= k->since.minor);
}

/* A variable of the profile, where --set has not given it. GIVEN: by an option of its own. */
static int put(struct creation *c, const char *name, const char *value, bool given,
	       struct fault *fault)
{
	const struct sbin_known *k = sbin_known_named(name);

	if (!given && (sets(c, k->module, k->id) || !carries(c, k)))
		return 0;
	if (!carries(c, k))
		return fault_set(fault, KIT_ERR_ARGUMENT, "file version %u.%u does not know %s\n"
				 "leave --file-version or that option out", c->header.version.major,
				 c->header.version.minor, name);
	return setupbin_set_put(&c->set, name, value, fault);
}

/* Whom the machine trusts. First hashes, then names: the order of people's records that work. */
static int take_trust(struct creation *c, struct fault *fault)
{
	const struct create_options *o = c->options;
	char value[4096 + 2];
	int rc = 0;

	if (o->cert.count)
		rc = put(c, "user-defined-certs", "enabled", false, fault);
	for (size_t i = 0; !rc && i < o->cert.count; i++) {
		snprintf(value, sizeof(value), "@%s", o->cert.values[i]);
		rc = setupbin_set_put(&c->set, "user-defined-cert-add", value, fault);
	}
	if (!rc && o->no_public_roots)
		rc = put(c, "preinstalled-certs", "disabled", true, fault);
	if (!rc && o->dns_suffix)
		rc = put(c, "pki-dns-suffix", o->dns_suffix, true, fault);
	if (!rc && o->server_fqdn)
		rc = put(c, "config-server-fqdn", o->server_fqdn, true, fault);
	return rc;
}

static int take_server(struct creation *c, struct fault *fault)
{
	const struct create_options *o = c->options;
	char number[8];
	int rc = 0;

	if (o->server)
		rc = put(c, "provisioning-server-address", o->server, true, fault);
	if (!rc && (o->server || o->port)) {
		snprintf(number, sizeof(number), "%u",
			 o->port ? (unsigned)o->port : HELLO_PORT);
		rc = put(c, "provisioning-server-port", number, o->port != 0, fault);
	}
	/* A machine that is to be set up by certificate at its next start has to want that. */
	if (!rc && o->pki)
		rc = put(c, "remote-configuration", "enabled", false, fault);
	if (!rc)
		rc = put(c, "provisioning-halt-activate", o->halt ? "stop" : "start", o->halt,
			 fault);
	return rc;
}

/* --no NAME: what is left out of the profile. */
static int leave_out(struct creation *c, struct fault *fault)
{
	const struct cli_list *no = &c->options->no;
	uint16_t module, id;
	int rc;

	for (size_t i = 0; i < no->count; i++) {
		rc = setupbin_variable_named(no->values[i], &module, &id, fault);
		if (rc)
			return rc;
		if (!setupbin_set_remove(&c->set, module, id))
			return fault_set(fault, KIT_ERR_ARGUMENT, "--no %s: the profile does not "
					 "set it\n"
					 "leave that --no out", no->values[i]);
	}
	return 0;
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
	if (!rc && o->pki && o->bare_metal)
		rc = put(c, "manageability-feature", "amt", false, fault);
	if (!rc && (o->pki || o->bare_metal))
		rc = take_trust(c, fault);
	if (!rc && o->bare_metal)
		rc = take_server(c, fault);
	return rc ? rc : leave_out(c, fault);
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
	if (later && version.major < (o->pki ? 2 : 3))
		return misuse(fault, o->pki ? "--pki needs file version 2.0 or later"
					    : "--bare-metal needs file version 3.0 or 4.0",
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
