/* amt-setupbin create: a new file from a key list, from JSON, or from variables. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keygen/pidset.h"
#include "common/progress.h"
#include "common/secret.h"
#include "setupbin/cli/create.h"
#include "setupbin/cli/amt-setupbin.h"
#include "setupbin/source.h"

enum { FROM = 1 };	/* options that exclude each other */

static const struct cli_option options[] = {
	CLI_TEXT('o', "output", struct create_options, output, "FILE", "the new setup.bin",
		 .flags = CLI_FILE | CLI_REQUIRED),
	CLI_TEXT(
		'k', "keys", struct create_options, keys, "LIST",
		"a record for each pair of LIST (CSV, text, JSON, setup.bin; - for standard input)",
		.flags = CLI_FILE, .exclusive = FROM),
	CLI_LIST(0, "column", struct create_options, columns, "FIELD=NAME",
		 "the column NAME of LIST holds FIELD: --column pps=\"MEBX PPS\""),
	CLI_TEXT(0, "json", struct create_options, json, "FILE",
		 "the file that FILE describes, from show --json --secrets", .flags = CLI_FILE,
		 .exclusive = FROM),
	CLI_LIST('s', "set", struct create_options, set, "NAME=VALUE",
		 "a variable for every record; secrets and certificates as NAME=@FILE"),
	CLI_FLAG(0, "psk", struct create_options, psk,
		 "profile: PID and PPS (default with --keys)"),
	CLI_FLAG(0, "pki", struct create_options, pki,
		 "profile: certificate hashes; one record, not consumed"),
	CLI_FLAG(0, "bare-metal", struct create_options, bare_metal,
		 "profile: server address and start of provisioning; goes with --pki"),
	CLI_TEXT(0, "dns-suffix", struct create_options, dns_suffix, "NAME",
		 "the DNS suffix that the server's certificate has"),
	CLI_LIST(0, "cert", struct create_options, cert, "FILE",
		 "the root certificate (PEM or DER, or a chain) that the server's goes back to",
		 .flags = CLI_FILE),
	CLI_FLAG(0, "not-a-root", struct create_options, not_a_root,
		 "use the first certificate of a file, though it is not a root",
		 .flags = CLI_WHOLE),
	CLI_TEXT(0, "server-fqdn", struct create_options, server_fqdn, "NAME",
		 "the full name that the server's certificate must have"),
	CLI_FLAG(0, "no-public-roots", struct create_options, no_public_roots,
		 "turn the root certificates off that came with the firmware"),
	CLI_LIST(0, "no", struct create_options, no, "NAME",
		 "leave the variable NAME of a profile out"),
	CLI_TEXT(0, "server", struct create_options, server, "ADDRESS",
		 "IPv4 address of the server, for --bare-metal"),
	CLI_NUMBER(0, "port", struct create_options, port, "N", 1, 65535,
		   "its TCP port (default 9971)"),
	CLI_FLAG(0, "halt", struct create_options, halt,
		 "stop provisioning instead of starting it, for --bare-metal"),
	CLI_TEXT(0, "current-password-file", struct create_options, current_password_file, "FILE",
		 "the MEBx password the machines have now (default: the factory's)",
		 .flags = CLI_FILE),
	CLI_TEXT(0, "new-password-file", struct create_options, new_password_file, "FILE",
		 "the MEBx password that the machines get", .flags = CLI_FILE),
	CLI_TEXT(0, "file-version", struct create_options, file_version, "V",
		 "1.0, 2.0, 2.1 (default), 3.0 (default for --pki, --bare-metal) or 4.0"),
	CLI_FLAG(0, "no-consume", struct create_options, no_consume,
		 "machines leave the record as it is, for the next one"),
	CLI_FLAG(0, "scramble", struct create_options, scramble,
		 "scramble the records; needs version 4.0"),
	CLI_NUMBER(0, "chunks", struct create_options, chunks, "N", 1, SBIN_MAX_CHUNKS,
		   "length of each record in chunks of 512 bytes (default 1)"),
	CLI_FLAG(0, "force", struct create_options, force, "replace FILE if it exists",
		 .flags = CLI_WHOLE),
	{ 0 },
};

/* With --json all is in the description. */
static int refuse_beside_json(const struct cli *cli, struct fault *fault)
{
	for (const struct cli_option *o = options; o->name; o++) {
		if (!cli_given(cli, o) || strcmp(o->name, "json") == 0 ||
		    strcmp(o->name, "output") == 0 || strcmp(o->name, "force") == 0)
			continue;
		return fault_set(fault, KIT_ERR_ARGUMENT, "--%s does not go with --json\n"
				 "the JSON says all about the file; change it there", o->name);
	}
	return 0;
}

/* The file from its description, right or wrong. */
static int copy_json(struct sbin_json *json, struct outfile *out, struct fault *fault)
{
	struct sbin_header header = *sbin_json_header(json);
	struct sbin_writer *writer = NULL;
	const uint8_t *trailing;
	struct sbin_record r;
	uint8_t chunk[SBIN_CHUNK];
	size_t size;
	int rc;

	rc = sbin_writer_open(&writer, out, &header, fault);
	if (!rc)
		rc = sbin_writer_more_header(writer, sbin_json_more(json), fault);
	while (!rc && (rc = sbin_json_next(json, &r, fault)) == 1)
		rc = sbin_writer_put(writer, &r, fault);
	if (!rc)
		rc = sbin_writer_end(&writer, fault);
	trailing = sbin_json_trailing(json, &size);
	if (!rc && size != 0)
		rc = outfile_write(out, trailing, size, fault);
	if (!rc && sbin_json_counted(json)) {
		/* The description insists on a count, be it right or wrong. */
		sbin_header_encode(&header, chunk);
		rc = outfile_patch(out, 0, chunk, sizeof(chunk), fault);
	}
	sbin_writer_discard(&writer);
	return rc;
}

static unsigned flags_of(const struct creation *c)
{
	return c->options->force ? OUTFILE_FORCE : 0;
}

static int create_from_json(struct creation *c, const char *path, struct fault *fault)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *file = standard ? stdin : fopen(path, "re");
	struct sbin_json *json = NULL;
	int rc;

	if (!file)
		return fault_sys(fault, errno, "cannot open %s", path);
	rc = sbin_json_open(&json, file, standard ? "standard input" : path, fault);
	if (!rc)
		rc = outfile_open(&c->out, c->options->output, flags_of(c), fault);
	if (!rc)
		rc = copy_json(json, c->out, fault);
	sbin_json_free(&json);
	if (!standard)
		fclose(file);
	return rc;
}

/*
 * The checker's word on one record in a file of its own: errors are refused, the rest is
 * shown. All records of a list have the same variables, so that the first speaks for them.
 */
struct verdict {
	struct cli *cli;
	unsigned long errors;
};

static void judge(void *context, const struct sbin_finding *f)
{
	struct verdict *v = context;

	if (f->severity == SBIN_ERROR || !v->cli->quiet)
		setupbin_print_finding(stderr, f);
	v->errors += f->severity == SBIN_ERROR;
}

static int check_first(struct creation *c, struct sbin_record *r, struct fault *fault)
{
	struct sbin_memory_input state;
	struct sbin_header header = c->header;
	struct sbin_summary summary;
	struct verdict verdict = { .cli = c->cli };
	struct sbin_input in;
	size_t size = SBIN_CHUNK + r->size;
	uint8_t *file = malloc(size);
	int rc;

	if (!file)
		return fault_nomem(fault);
	header.records = 1;
	sbin_header_encode(&header, file);
	/* The record as it will be stored; sbin_record_decode() makes it plain again. */
	sbin_record_encode(r);
	memcpy(file + SBIN_CHUNK, r->data, r->size);
	sbin_record_decode(r->data, r->size, r);
	sbin_input_memory(&in, &state, file, size, c->options->output);
	rc = sbin_check(&in, judge, &verdict, &summary, fault);
	if (!rc && verdict.errors != 0) {
		rc = fault_set(fault, KIT_ERR_UNFIT, "%s was not written: firmware would refuse "
			       "it, for the reasons above\n"
			       "fix what is wrong; create --json writes such a file, too",
			       c->options->output);
	}
	secret_wipe(file, size);
	free(file);
	return rc;
}

/* Which modules the list of variables uses, for the header. */
static int name_modules(struct sbin_header *h, const struct sbin_varlist *l)
{
	uint16_t modules[SBIN_HEADER_MODULES];
	size_t n = 0;

	for (size_t i = 0; i < l->count; i++) {
		size_t known = 0, at;

		while (known < n && modules[known] != l->items[i].module)
			known++;
		if (known < n)
			continue;
		if (n == SBIN_HEADER_MODULES)
			return KIT_ERR_RANGE;
		for (at = n++; at > 0 && modules[at - 1] > l->items[i].module; at--)
			modules[at] = modules[at - 1];
		modules[at] = l->items[i].module;
	}
	return sbin_header_set_modules(h, modules, n);
}

/* Begin the file, once it is known which variables its records have. */
static int begin(struct creation *c, struct fault *fault)
{
	int rc;

	if (name_modules(&c->header, &c->list) != 0)
		return fault_set(fault, KIT_ERR_RANGE, "more modules than a header can name");
	rc = outfile_open(&c->out, c->options->output, flags_of(c), fault);
	return rc ? rc : sbin_writer_open(&c->writer, c->out, &c->header, fault);
}

/* Write c->list as the next record. */
static int put(struct creation *c, struct fault *fault)
{
	struct sbin_record r;
	int rc = 0;

	sbin_record_init(&r, c->record, c->record_size, (uint32_t)++c->records);
	if (c->scramble)
		r.flags |= SBIN_SCRAMBLED;
	rc = sbin_varlist_write(&c->list, &r, fault);
	if (!rc && c->records == 1) {
		rc = begin(c, fault);
		if (!rc)
			rc = check_first(c, &r, fault);
	}
	return rc ? rc : sbin_writer_put(c->writer, &r, fault);
}

/* A list entry's own parts of the record; their places in memory do not change. */
static int arrange(struct creation *c, const struct keyentry *e)
{
	const struct { uint16_t module, id; const char *text; } parts[] = {
		{ SBIN_ME, SBIN_CURRENT_PASSWORD, e->current_password },
		{ SBIN_ME, SBIN_NEW_PASSWORD, e->new_password },
		{ SBIN_AMT, SBIN_PID, e->pair.pid },
		{ SBIN_AMT, SBIN_PPS, e->pair.pps },
	};
	int rc = 0;

	sbin_varlist_clear(&c->list);
	for (size_t i = 0; !rc && i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct sbin_variable v = { .module = parts[i].module, .id = parts[i].id,
					   .length = (uint16_t)strlen(parts[i].text),
					   .value = (const uint8_t *)parts[i].text };

		if (v.length != 0)
			rc = sbin_varlist_add(&c->list, &v);
	}
	for (size_t i = 0; !rc && i < c->set.list.count; i++) {
		const struct sbin_variable *v = &c->set.list.items[i];

		/* What the list says of a machine goes before what is said for all. */
		if (v->module != SBIN_ME || v->id > SBIN_NEW_PASSWORD ||
		    !sbin_varlist_find(&c->list, v->module, v->id))
			rc = sbin_varlist_add(&c->list, v);
	}
	if (!rc)
		sbin_varlist_order(&c->list);
	return rc;
}

/* Records of one list differ in their values only: their order is worked out once. */
static int arrange_again(struct creation *c, const struct keyentry *e)
{
	bool current = e->current_password[0] != '\0', new = e->new_password[0] != '\0';

	if (c->list.count == 0 || current != c->has_current || new != c->has_new) {
		c->has_current = current;
		c->has_new = new;
		return arrange(c, e);
	}
	for (size_t i = 0; i < c->list.count; i++) {
		struct sbin_variable *v = &c->list.items[i];

		if (v->value == (const uint8_t *)e->current_password)
			v->length = (uint16_t)strlen(e->current_password);
		else if (v->value == (const uint8_t *)e->new_password)
			v->length = (uint16_t)strlen(e->new_password);
	}
	return 0;
}

#define BAD_LINES	20	/* shown at most */
#define WATCHED		200000	/* records up to which a PID that comes twice is noticed */

static void bad_line(struct creation *c, const char *unit, const struct keyproblem *p)
{
	if (c->bad++ < BAD_LINES)
		fprintf(stderr, "  %s %lu%s%s: %s\n", unit, p->line,
			p->field[0] != '\0' ? ", " : "", p->field, p->rule);
}

/* Is the factory's password followed by a new one? */
static bool passwords_fit(const struct creation *c)
{
	const struct sbin_variable *v = sbin_varlist_find(&c->list, SBIN_ME, SBIN_CURRENT_PASSWORD);

	return !v || v->length != strlen(PASSWORD_FACTORY) ||
	       memcmp(v->value, PASSWORD_FACTORY, v->length) != 0 ||
	       sbin_varlist_find(&c->list, SBIN_ME, SBIN_NEW_PASSWORD);
}

static int put_entry(struct creation *c, struct keysource *source, const struct keyentry *e,
		     struct pidset **seen, struct fault *fault)
{
	struct keyproblem problem = { .line = source->counts.lines, .field = "pid" };
	int rc;

	if (*seen) {
		rc = pidset_add(*seen, e->pair.pid, fault);
		if (rc < 0)
			return rc;
		if (!rc) {
			problem.rule = "a PID may be in a list only once";
			bad_line(c, keylist_unit(source->kind), &problem);
			return 0;
		}
		if (source->counts.entries == WATCHED)
			pidset_free(seen);
	}
	if (e->used || e->consumed) {
		c->skipped++;
		return 0;
	}
	rc = arrange_again(c, e);
	if (rc)
		return fault_nomem(fault);
	if (!passwords_fit(c)) {
		problem.field = "admin_password";
		problem.rule =
			"the factory's password must be followed by a new one: in the list,"
			" or by --new-password-file";
		bad_line(c, keylist_unit(source->kind), &problem);
	}
	return c->bad == 0 ? put(c, fault) : 0;
}

static int copy_list(struct creation *c, struct keysource *source, struct pidset **seen,
		     struct fault *fault)
{
	struct keyproblem problem;
	struct keyentry e;
	struct progress bar;
	int rc;

	progress_begin(&bar, "creating", 0, false, c->cli->quiet);
	while ((rc = keysource_next(source, &e, &problem, fault)) != 0) {
		if (rc < 0 && fault->code)
			break;
		if (rc < 0) {
			bad_line(c, keylist_unit(source->kind), &problem);
			continue;
		}
		rc = put_entry(c, source, &e, seen, fault);
		if (rc)
			break;
		if (source->counts.lines % 4096 == 0)
			progress_update(&bar, source->counts.lines);
	}
	progress_end(&bar);
	secret_wipe(&e, sizeof(e));
	return rc;
}

static int create_from_list(struct creation *c, const char *path, struct fault *fault)
{
	bool standard = strcmp(path, "-") == 0;
	const char *name = standard ? "standard input" : path;
	FILE *file = standard ? stdin : fopen(path, "re");
	struct keysource *source = NULL;
	struct pidset *seen = NULL;
	int rc;

	if (!file)
		return fault_sys(fault, errno, "cannot open %s", path);
	rc = sbin_source_open(&source, file, name, c->options->columns.values,
			      c->options->columns.count, fault);
	if (!rc)
		rc = pidset_new(&seen, fault);
	if (!rc)
		rc = copy_list(c, source, &seen, fault);
	if (!rc && c->bad != 0) {
		rc = fault_set(fault, KIT_ERR_FORMAT, "%s has %lu bad %s%s, so %s was not written\n"
			       "amt-keygen check %s lists what is wrong with it", name, c->bad,
			       keylist_unit(source->kind), plural(c->bad), c->options->output,
			       path);
	} else if (!rc && c->records == 0) {
		rc = fault_set(fault, KIT_ERR_FORMAT,
			       "%s has no unused pairs, so %s was not written", name,
			       c->options->output);
	}
	if (source && source->columns)
		cli_note(c->cli, "%s: %s", name, source->columns);
	if (!rc && source && strcmp(source->kind, "setup.bin") == 0)
		cli_note(c->cli, "%s still holds the same records: put it away, so that no two "
			 "machines share a key", name);
	if (!rc && c->skipped != 0)
		cli_note(c->cli, "%lu pair%s marked as used %s left out", c->skipped,
			 plural(c->skipped), c->skipped == 1 ? "was" : "were");
	if (!rc && !seen)
		cli_note(c->cli, "the list is too long to look for PIDs that come twice; run "
			 "amt-setupbin check %s", c->options->output);
	pidset_free(&seen);
	keysource_free(&source);
	if (!standard)
		fclose(file);
	return rc;
}

static int create_one(struct creation *c, struct fault *fault)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < c->set.list.count; i++)
		rc = sbin_varlist_add(&c->list, &c->set.list.items[i]);
	if (rc)
		return fault_nomem(fault);
	sbin_varlist_order(&c->list);
	return put(c, fault);
}

static int create(struct cli *cli, const void *given)
{
	const struct create_options *o = given;
	struct creation c = { .cli = cli, .options = o };
	struct fault fault = { 0 };
	int rc;

	rc = o->json ? refuse_beside_json(cli, &fault) : 0;
	if (!rc)
		rc = setupbin_creation_options(&c, &fault);
	if (!rc && o->json)
		rc = create_from_json(&c, o->json, &fault);
	else if (!rc && o->keys)
		rc = create_from_list(&c, o->keys, &fault);
	else if (!rc)
		rc = create_one(&c, &fault);
	if (!rc && c.writer)
		rc = sbin_writer_end(&c.writer, &fault);
	if (!rc)
		rc = outfile_commit(&c.out, &fault);
	if (!rc && o->json)
		setupbin_show_findings(cli, o->output);
	else if (!rc && strcmp(o->output, "-") != 0)
		cli_note(cli, "%s: %lu record%s, file version %u.%u, %s", o->output, c.records,
			 plural(c.records), c.header.version.major, c.header.version.minor,
			 sbin_header_consumable(&c.header) ? "consumed one by one"
							   : "not consumed");
	sbin_writer_discard(&c.writer);
	outfile_discard(&c.out);
	setupbin_creation_free(&c);
	return rc ? cli_fail(cli, &fault) : EXIT_YES;
}

const struct cli_verb setupbin_create = {
	.name = "create",
	.operands = "",
	.summary = "make a file from a key list, from JSON, or from variables",
	.options = options,
	.options_size = sizeof(struct create_options),
	.defaults = &(const struct create_options){ .chunks = 1 },
	.run = create,
	.details =
		"With --keys every pair of the list becomes a record, with the passwords that the"
		" list has for it; --set adds variables to all of them. --pki and --bare-metal,"
		" best together, make one record that all machines take. Without a profile the"
		" record holds what --set says. Variables are put into the order that firmware"
		" wants.\n"
		"The first record is checked before the file appears, and errors are refused;"
		" --json writes the file as described and shows what the checker finds.\n"
		"Secrets are read from files (mode 0600) or, with '-', typed; never from the"
		" command line.",
	.examples =
		"amt-setupbin create -o setup.bin --keys keys.csv --new-password-file mebx.txt\n"
		"amt-setupbin create -o setup.bin --pki --bare-metal --dns-suffix example.com"
		" --cert root.pem --server 10.0.0.5 --new-password-file mebx.txt\n"
		"amt-setupbin create -o setup.bin --bare-metal --server 10.0.0.5 --port 9971"
		" --new-password-file mebx.txt\n"
		"amt-setupbin create -o setup.bin --json setup.json",
};
