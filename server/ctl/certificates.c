/* amt-provisionctl certificates: what the server shows to machines that want a certificate. */
#include "server/ctl/amt-provisionctl.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "amt/chain.h"
#include "amt/finding.h"
#include "amt/roots.h"
#include "common/clock.h"
#include "common/hex.h"
#include "common/table.h"
#include "common/text.h"
#include "server/admin/certfiles.h"
#include "server/admin/certfolder.h"
#include "server/admin/certmatch.h"
#include "server/admin/layers.h"
#include "server/admin/siteca.h"
#include "server/core/certificates.h"
#include "server/keymap/keymap.h"

#define RELOAD "a running server uses it once it is reloaded (systemctl reload amt-provisiond)"

struct cert_options {
	struct ctl_map at;
	const char *folder;
};
#define FOLDER_OPTIONS(struct_) \
	CTL_MAP_OPTIONS(struct_), \
	CLI_TEXT(0, "folder", struct_, folder, "DIR", \
		 "the folder of certificates (default: the one that the configuration names)", \
		 .flags = CLI_FILE)

static const struct cli_option only_folder[] = {
	FOLDER_OPTIONS(struct cert_options),
	{ 0 },
};

/* What a verb works with; without a map nothing is logged. */
struct site {
	struct operator op;
	struct layers *layers;
	struct config *config;
	struct certificates_options options;
	struct certificates *all;	/* of the folder, once they are read */
};

static int open_site(struct site *s, const struct ctl_map *at, const char *folder,
		     struct fault *fault)
{
	int rc;

	*s = (struct site){ 0 };
	rc = ctl_begin(at, 0, &s->op, fault);
	/* A server that has not been started yet has none. */
	if (rc == KIT_ERR_NOT_FOUND && !at->map) {
		fault_clear(fault);
		rc = 0;
	}
	if (!rc)
		rc = layers_open(&s->layers, ctl_conf(at), s->op.map, fault);
	if (rc)
		return rc;
	s->config = layers_config(s->layers);
	s->options = certificates_options_of(s->config);
	if (folder)
		s->options.folder = folder;
	s->options.now = s->op.now;
	return 0;
}

static int read_site(struct site *s, const struct ctl_map *at, const char *folder,
		     struct fault *fault)
{
	int rc = open_site(s, at, folder, fault);

	return rc ? rc : certificates_load(&s->all, &s->options, fault);
}

/* Returns as ctl_end(). That a certificate is of no use, or not there, is an answer. */
static int end_site(struct cli *cli, struct site *s, int rc, const struct fault *fault)
{
	const bool looked = s->options.folder;
	int status;

	certificates_free(&s->all);
	layers_close(&s->layers);
	status = ctl_end(cli, &s->op, rc, fault);
	return looked && rc == KIT_ERR_UNFIT ? EXIT_NO : status;
}

/* ---- what a certificate is, for people and for programs ---- */

static const char *root_of(const struct chain_facts *f)
{
	return f->complete ? f->links[f->n_links - 1].subject : "";
}

/* The worst that was found, which is the first of its severity. */
static const struct finding *worst(const struct finding *findings, size_t n)
{
	const struct finding *w = NULL;

	for (size_t i = 0; i < n; i++)
		if (!w || findings[i].severity > w->severity)
			w = &findings[i];
	return w;
}

static json_t *names_json(const struct chain_facts *f)
{
	json_t *names = json_array();

	for (size_t i = 0; i < f->n_names; i++)
		json_array_append_new(names, logentry_text(f->names[i]));
	return names;
}

static json_t *links_json(const struct chain_facts *f)
{
	json_t *links = json_array();

	for (size_t i = 0; i < f->n_links; i++) {
		const struct chain_link *l = &f->links[i];

		json_array_append_new(links, json_pack(
			"{s:o, s:o, s:s, s:o, s:o, s:s, s:i, s:s, s:o}", "subject",
			logentry_text(l->subject), "issuer", logentry_text(l->issuer), "serial",
			l->serial, "not_before", ctl_json_time(l->not_before), "not_after",
			ctl_json_time(l->not_after), "key", chain_key_word(l->key), "bits",
			(int)l->bits, "digest", l->digest, "file", logentry_text(l->file)));
	}
	return links;
}

static json_t *findings_json(const struct finding *findings, size_t n)
{
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, json_pack(
			"{s:s, s:s, s:o, s:o}", "code", finding_word(findings[i].code),
			"severity", finding_severity_word(findings[i].severity), "what",
			logentry_text(findings[i].what), "hint", logentry_text(findings[i].hint)));
	return all;
}

static json_t *digest_json(const struct chain_facts *f, unsigned type)
{
	const uint8_t *digest = chain_root_digest(f, type);
	char shown[2 * 48 + 1];

	if (!digest)
		return json_null();
	hex_show(digest, chain_digest_size(type), shown);
	return json_string(shown);
}

static json_t *chain_json(const char *id, const struct chain_facts *f, bool served,
			  const struct finding *findings, size_t n, int64_t now)
{
	return json_pack("{s:o, s:b, s:o, s:o, s:o, s:o, s:I, s:b, s:b, s:b, s:b, s:o, s:o, s:o,"
			 " s:o, s:o}",
			 "id", logentry_text(id), "served", served, "name", logentry_text(f->cn),
			 "names", names_json(f), "not_before", ctl_json_time(f->not_before),
			 "not_after", ctl_json_time(f->not_after), "days_left",
			 (json_int_t)chain_days_left(f->not_after, now), "oid", f->amt_oid, "ou",
			 f->amt_ou, "complete", f->complete, "private_key", f->has_key,
			 "root_sha1", digest_json(f, CHAIN_SHA1), "root_sha256",
			 digest_json(f, CHAIN_SHA256), "root_sha384", digest_json(f, CHAIN_SHA384),
			 "chain", links_json(f), "findings", findings_json(findings, n));
}

static void print_findings(const struct finding *findings, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ctl_line(finding_severity_word(findings[i].severity), "%s", findings[i].what);
		if (findings[i].hint[0]) {
			printf("%-18s ", "  ->");
			text_print(stdout, "%s", findings[i].hint);
			putchar('\n');
		}
	}
}

static void print_root(const struct chain_facts *f)
{
	static const struct {
		unsigned type;
		const char *name;
	} kinds[] = {
		{ CHAIN_SHA1, "Root's SHA-1" }, { CHAIN_SHA256, "Root's SHA-256" },
		{ CHAIN_SHA384, "Root's SHA-384" },
	};
	char shown[2 * 48 + 1];

	for (size_t i = 0; f->complete && i < sizeof(kinds) / sizeof(*kinds); i++) {
		hex_show(chain_root_digest(f, kinds[i].type), chain_digest_size(kinds[i].type),
			 shown);
		ctl_line(kinds[i].name, "%s", shown);
	}
}

/* One certificate in full. */
static void print_chain(const struct chain_facts *f, int64_t now)
{
	const struct chain_link *leaf = &f->links[0];
	char from[CLOCK_TEXT + 1], until[CLOCK_TEXT + 1];

	ctl_line("Name", "%s", f->cn);
	for (size_t i = 0; i < f->n_names; i++)
		ctl_line(i ? "" : "Other names", "%s", f->names[i]);
	ctl_line("Serial number", "%s", leaf->serial);
	clock_show(f->not_before, from);
	clock_show(f->not_after, until);
	ctl_line("Valid", "%s to %s, %lld days left", from, until,
		 (long long)chain_days_left(f->not_after, now));
	ctl_line("Key", "%s, %u bits%s", chain_key_word(leaf->key), leaf->bits,
		 f->has_key ? "" : "; the private key is missing");
	ctl_line("Marked for AMT", "%s%s%s", f->amt_oid ? "OID" : "",
		 f->amt_oid && f->amt_ou ? ", " : "", f->amt_ou ? "OU" : "");
	for (size_t i = 0; i < f->n_links; i++)
		ctl_line(i ? "" : "Chain", "%s (%s, %u bits, %s)", f->links[i].subject,
			 chain_key_word(f->links[i].key), f->links[i].bits, f->links[i].digest);
	print_root(f);
}

/* ---- list, show ---- */

static void list_row(struct table *table, const struct certificate *c)
{
	const struct finding *w = worst(c->findings, c->n_findings);
	char until[CLOCK_TEXT + 1];

	clock_show(c->facts->not_after, until);
	table_cell(table, "%s", c->id);
	table_cell(table, "%s", c->facts->cn);
	table_cell(table, "%.10s", until);
	table_cell(table, "%s", root_of(c->facts));
	table_cell(table, "%s%s%s", c->served ? "served" : "refused",
		   w && w->severity > FINDING_NOTE ? ": " : "",
		   w && w->severity > FINDING_NOTE ? w->what : "");
}

static json_t *problems_json(const struct certificates *all)
{
	const struct certificate_problem *p;
	json_t *problems = json_array();

	for (size_t i = 0; (p = certificates_problem(all, i)) != NULL; i++)
		json_array_append_new(problems, json_pack("{s:o, s:o, s:o}", "file",
			logentry_text(p->file), "what", logentry_text(p->fault.what), "hint",
			logentry_text(p->fault.hint)));
	return json_pack("{s:o}", "problems", problems);
}

static void list_all(struct ctl_list *l, const struct site *s)
{
	const struct certificate *c;

	for (size_t i = 0; (c = certificates_at(s->all, i)) != NULL; i++)
		if (l->cli->json)
			ctl_rows_put(&l->rows, chain_json(c->id, c->facts, c->served, c->findings,
							  c->n_findings, s->op.now));
		else
			list_row(l->table, c);
	if (!certificates_at(s->all, 0))
		cli_note(l->cli, "no certificate is in %s: make an authority and one of it "
			 "(amt-provisionctl certificates new-ca), or add one (amt-provisionctl "
			 "certificates add)", s->options.folder);
}

static int run_list(struct cli *cli, const void *given)
{
	const struct cert_options *o = given;
	const struct certificate_problem *p;
	struct ctl_list l = { .cli = cli };
	struct fault fault = { 0 };
	struct site s;
	int rc = read_site(&s, &o->at, o->folder, &fault);

	if (rc)
		return end_site(cli, &s, rc, &fault);
	ctl_list_begin(&l, "certificates", "CERTIFICATE|NAME|VALID UNTIL|ROOT|STATE");
	list_all(&l, &s);
	rc = ctl_list_end(&l, rc, cli->json ? problems_json(s.all) : NULL);
	for (size_t i = 0; (p = certificates_problem(s.all, i)) != NULL; i++)
		cli_warn(cli, "%s%s%s", p->fault.what, p->fault.hint[0] ? ": " : "", p->fault.hint);
	return end_site(cli, &s, rc, &fault);
}

const struct cli_verb ctl_certificates_list = {
	.name = "certificates list",
	.operands = "",
	.summary = "list the certificates of the server, and whether it serves them",
	.options = only_folder,
	.options_size = sizeof(struct cert_options),
	.flags = CLI_JSON,
	.run = run_list,
	.examples = "amt-provisionctl certificates list",
};

/* The one that is named; the fault says that it is not there. */
static const struct certificate *find(const struct site *s, const char *id, struct fault *fault)
{
	const struct certificate *c = certificates_find(s->all, id);

	if (!c)
		fault_set(fault, KIT_ERR_UNFIT, "there is no certificate \"%.100s\" in %.200s\n"
			  "amt-provisionctl certificates list shows which there are", id,
			  s->options.folder);
	return c;
}

static int run_show(struct cli *cli, const void *given)
{
	const struct cert_options *o = given;
	const struct certificate *c;
	struct fault fault = { 0 };
	struct site s;
	int rc = read_site(&s, &o->at, o->folder, &fault);

	if (rc)
		return end_site(cli, &s, rc, &fault);
	c = find(&s, cli->argv[0], &fault);
	if (!c)
		return end_site(cli, &s, fault.code, &fault);
	if (cli->json) {
		rc = cli_print_json(cli, chain_json(c->id, c->facts, c->served, c->findings,
						    c->n_findings, s.op.now));
	} else {
		ctl_line("Certificate", "%s, %s", c->id, c->served ? "served" : "refused");
		print_chain(c->facts, s.op.now);
		print_findings(c->findings, c->n_findings);
	}
	return end_site(cli, &s, rc, &fault);
}

const struct cli_verb ctl_certificates_show = {
	.name = "certificates show",
	.operands = "CERTIFICATE",
	.summary = "show one certificate, its chain and its root's digests",
	.options = only_folder,
	.options_size = sizeof(struct cert_options),
	.min_operands = 1,
	.max_operands = 1,
	.flags = CLI_JSON,
	.run = run_show,
	.examples = "amt-provisionctl certificates show provision.example.com",
};

/* ---- match ---- */

static json_t *match_digests_json(const struct certmatch *m)
{
	json_t *all = json_array();
	char shown[2 * ROOTS_DIGEST + 1];
	struct roots_digest d;
	struct reader r;

	reader_init(&r, m->list, m->size);
	while (roots_next(&r, &d)) {
		const struct root *root = roots_find(&d);

		hex_show(d.bytes, d.size, shown);
		json_array_append_new(all, json_pack("{s:i, s:s, s:o}", "type", (int)d.type,
			"digest", shown, "root", logentry_text(root ? root->name : NULL)));
	}
	return all;
}

static json_t *match_json(const struct certmatch *m, const struct fault *why)
{
	json_t *matches = json_array();

	for (size_t i = 0; i < m->n_matches; i++)
		json_array_append_new(matches, json_pack("{s:o, s:i, s:b}", "id",
			logentry_text(m->matches[i].certificate->id), "known_by",
			(int)m->matches[i].type, "valid", (int)m->matches[i].valid));
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "uuid",
			 ctl_json_uuid(&m->system.uuid), "address",
			 logentry_text(m->system.address), "last_seen",
			 ctl_json_time(m->system.last_seen), "roots", match_digests_json(m),
			 "matches", matches, "what", logentry_text(why->what), "hint",
			 logentry_text(why->hint));
}

static void print_match(const struct certmatch *m)
{
	static const char *const types[] = { "-", "SHA-1", "SHA-256", "SHA-384" };
	char uuid[UUID_SHOWN + 1], seen[CLOCK_TEXT + 1], until[CLOCK_TEXT + 1];
	const size_t others = m->n_digests - m->n_known;
	struct table *table;

	uuid_show(&m->system.uuid, uuid);
	clock_show(m->system.last_seen, seen);
	ctl_line("Machine", "%s, at %s", uuid, m->system.address);
	ctl_line("Last hello", "%s, of version %u", seen, (unsigned)m->system.hello_version);
	ctl_line("Roots it trusts", "%zu%s%s", m->n_digests, m->n_known ? ": " : "", m->known);
	if (m->n_known && others)
		ctl_line("", "and %zu whose authority is not known here", others);
	if (!m->n_matches)
		return;
	putchar('\n');
	table = table_new(stdout, "CERTIFICATE|NAME|ROOT KNOWN BY|VALID UNTIL");
	for (size_t i = 0; i < m->n_matches; i++) {
		const struct certificate *c = m->matches[i].certificate;

		clock_show(c->facts->not_after, until);
		table_cell(table, "%s", c->id);
		table_cell(table, "%s", c->facts->cn);
		table_cell(table, "%s", types[m->matches[i].type]);
		table_cell(table, "%.10s%s", until, m->matches[i].valid ? "" : " (not valid now)");
	}
	table_end(table);
}

static int show_match(struct cli *cli, const struct site *s, const struct uuid *uuid,
		      struct fault *fault)
{
	struct certmatch *m = calloc(1, sizeof(*m));
	struct fault why = { 0 };
	int rc;

	if (!m)
		return fault_nomem(fault);
	rc = certmatch_find(m, s->op.map, uuid, s->all, s->op.now, fault);
	if (rc == KIT_ERR_NOT_FOUND) {
		ctl_warn_swapped(cli, s->op.map, uuid);
		rc = fault_set(fault, KIT_ERR_UNFIT, "the map has no such machine\n"
			       "amt-provisionctl systems list shows those that said hello");
	}
	if (!rc && !m->n_matches)
		certmatch_explain(m, s->all, &why);
	if (!rc && cli->json)
		rc = cli_print_json(cli, match_json(m, &why));
	else if (!rc)
		print_match(m);
	if (!rc && why.code) {
		if (!cli->json)
			cli_fail(cli, &why);
		rc = EXIT_NO;
	}
	free(m);
	return rc;
}

static int run_match(struct cli *cli, const void *given)
{
	const struct cert_options *o = given;
	struct fault fault = { 0 };
	struct uuid uuid;
	struct site s;
	int rc = ctl_uuid(cli, cli->argv[0], &uuid);

	if (rc)
		return rc;
	rc = read_site(&s, &o->at, o->folder, &fault);
	if (!rc && !s.op.map)
		rc = fault_set(&fault, KIT_ERR_NOT_FOUND, "there is no key map, so no machine said "
			       "hello\n"
			       "name the map with --map, or the server's configuration with -c");
	if (!rc)
		rc = show_match(cli, &s, &uuid, &fault);
	return end_site(cli, &s, rc, &fault);
}

const struct cli_verb ctl_certificates_match = {
	.name = "certificates match",
	.operands = "UUID",
	.summary = "show which certificate a machine would accept",
	.options = only_folder,
	.options_size = sizeof(struct cert_options),
	.min_operands = 1,
	.max_operands = 1,
	.flags = CLI_JSON,
	.run = run_match,
	.details =
		"A hello of version 3 lists the roots that the machine trusts. If none of the "
		"server's certificates has one of them, the reason and what to do are printed, "
		"and the exit status is 1.",
	.examples =
		"amt-provisionctl certificates match 939b524b-13d4-1d18-e487-1c697a6b7a2b",
};

/* ---- check, add ---- */

struct file_options {
	struct ctl_map at;
	const char *folder;
	const char *password_file;
};

static const struct cli_option file_table[] = {
	FOLDER_OPTIONS(struct file_options),
	CLI_TEXT(0, "password-file", struct file_options, password_file, "FILE",
		 "the password of a PFX (default: FILE.password beside it)", .flags = CLI_FILE),
	{ 0 },
};

/* What a person's files hold, and how good that is. */
struct judged {
	struct certfiles files;
	struct finding findings[FINDINGS];
	size_t n;
	bool refused;
};

static int read_files(struct judged *j, struct cli *cli, const struct site *s,
		      const struct file_options *o, struct fault *fault)
{
	return certfiles_read(&j->files, (const char *const *)cli->argv, (size_t)cli->argc,
			      o->password_file, s->options.system, fault);
}

static void judge(struct judged *j, const struct site *s, size_t i)
{
	const struct finding_site by = { .now = s->op.now, .suffix = s->options.suffix,
					 .serve_expired = s->options.serve_expired };

	j->n = finding_list(chain_facts(j->files.chains[i]), &by, j->findings);
	j->refused = false;
	for (size_t f = 0; f < j->n; f++)
		j->refused |= j->findings[f].severity == FINDING_REFUSED;
}

static void print_judged(const struct judged *j, const struct chain_facts *f, int64_t now)
{
	print_chain(f, now);
	print_findings(j->findings, j->n);
	puts(j->refused ? "This certificate is of no use to the server."
			: "The server can use this certificate.");
}

static int run_check(struct cli *cli, const void *given)
{
	const struct file_options *o = given;
	struct ctl_list l = { .cli = cli };
	struct judged j = { .n = 0 };
	struct fault fault = { 0 };
	bool bad = false;
	struct site s;
	int rc = open_site(&s, &o->at, o->folder, &fault);

	if (!rc)
		rc = read_files(&j, cli, &s, o, &fault);
	if (rc)
		return end_site(cli, &s, rc, &fault);
	ctl_list_begin(&l, "certificates", NULL);
	for (size_t i = 0; i < j.files.n; i++) {
		const struct chain_facts *f = chain_facts(j.files.chains[i]);

		judge(&j, &s, i);
		bad |= j.refused;
		if (cli->json)
			ctl_rows_put(&l.rows, chain_json(f->links[0].file, f, !j.refused,
							 j.findings, j.n, s.op.now));
		else
			print_judged(&j, f, s.op.now);
	}
	rc = ctl_list_end(&l, rc, NULL);
	certfiles_free(&j.files);
	return end_site(cli, &s, rc == EXIT_YES && bad ? EXIT_NO : rc, &fault);
}

const struct cli_verb ctl_certificates_check = {
	.name = "certificates check",
	.operands = "FILE...",
	.summary = "check certificates before the server gets them",
	.options = file_table,
	.options_size = sizeof(struct file_options),
	.min_operands = 1,
	.max_operands = -1,
	.flags = CLI_JSON,
	.run = run_check,
	.details =
		"The files may be PEM, DER or PFX, and hold private key, certificate, "
		"intermediates and root in any order: they are read as one heap. Nothing is "
		"changed. Exit status 1 if the server could not use one of the certificates.",
	.examples =
		"amt-provisionctl certificates check vendor.pem\n"
		"amt-provisionctl certificates check vendor.key vendor.crt intermediate.crt",
};

/* Is it there already? Known by the root and the serial number of the leaf. */
static const struct certificate *installed(const struct site *s, const struct chain_facts *f)
{
	const struct certificate *c;

	for (size_t i = 0; (c = certificates_at(s->all, i)) != NULL; i++)
		if (c->served && strcmp(c->facts->links[0].serial, f->links[0].serial) == 0 &&
		    memcmp(c->facts->root_sha256, f->root_sha256, sizeof(f->root_sha256)) == 0)
			return c;
	return NULL;
}

static int add_one(struct cli *cli, const struct judged *j, const struct site *s, size_t i,
		   struct fault *fault)
{
	const struct chain *chain = j->files.chains[i];
	const struct certificate *same = installed(s, chain_facts(chain));
	char path[CERTFOLDER_PATH];
	int rc;

	if (same) {
		cli_note(cli, "%s is this certificate already", same->id);
		return 0;
	}
	for (size_t f = 0; f < j->n; f++)
		if (j->findings[f].severity == FINDING_WARNING)
			cli_warn(cli, "%s", j->findings[f].what);
	rc = certfolder_add(s->options.folder, chain, &s->op, path, fault);
	if (!rc)
		cli_note(cli, "%s made; " RELOAD, path);
	return rc;
}

/* All or none: one that is of no use keeps out the others of its files. */
static int judge_all(struct judged *j, const struct site *s, struct fault *fault)
{
	const struct finding *w;

	for (size_t i = 0; i < j->files.n; i++) {
		judge(j, s, i);
		if (!j->refused)
			continue;
		w = worst(j->findings, j->n);
		return fault_set(fault, KIT_ERR_UNFIT, "%s\n%s", w->what, w->hint);
	}
	return 0;
}

static int run_add(struct cli *cli, const void *given)
{
	const struct file_options *o = given;
	struct judged j = { .n = 0 };
	struct fault fault = { 0 };
	struct site s;
	int rc = read_site(&s, &o->at, o->folder, &fault);

	if (!rc)
		rc = read_files(&j, cli, &s, o, &fault);
	if (!rc)
		rc = judge_all(&j, &s, &fault);
	for (size_t i = 0; i < j.files.n && !rc; i++) {
		judge(&j, &s, i);
		rc = add_one(cli, &j, &s, i, &fault);
	}
	certfiles_free(&j.files);
	return end_site(cli, &s, rc, &fault);
}

const struct cli_verb ctl_certificates_add = {
	.name = "certificates add",
	.operands = "FILE...",
	.summary = "check certificates and give them to the server",
	.options = file_table,
	.options_size = sizeof(struct file_options),
	.min_operands = 1,
	.max_operands = -1,
	.run = run_add,
	.details =
		"The files are as for \"certificates check\". Private key, certificate, "
		"intermediates and root are stored as one PEM file that only root and the server "
		"can read; the files themselves stay as they are. What no machine would accept is "
		"refused (exit status 1), and nothing is added.",
	.examples =
		"amt-provisionctl certificates add vendor.pem\n"
		"amt-provisionctl certificates add vendor.key vendor.crt intermediate.crt",
};

/* ---- remove ---- */

struct remove_options {
	struct ctl_map at;
	const char *folder;
	bool yes;
};

static const struct cli_option remove_table[] = {
	FOLDER_OPTIONS(struct remove_options),
	CLI_FLAG('y', "yes", struct remove_options, yes, "do not ask", .flags = CLI_WHOLE),
	{ 0 },
};

static int ask_remove(struct cli *cli, const struct remove_options *o, const struct site *s,
		      const char *file, struct fault *fault)
{
	char question[1000];
	int rc;

	if (o->yes)
		return 0;
	snprintf(question, sizeof(question), "%.300s/%.250s is removed, with its private key if it "
		 "has one. Machines that trust no other root of this server can't be set up then.\n"
		 "Type \"remove\" to go on: ", s->options.folder, file);
	rc = cli_confirm(cli, question, "remove", fault);
	if (rc == KIT_ERR_STATE)
		fault_hint(fault, "give --yes");
	return rc;
}

/* By its certificate or by itself: a file that could not be read has none. */
static int file_named(const struct site *s, const char *id, char out[static CERTIFICATES_ID],
		      struct fault *fault)
{
	const struct certificate *c = certificates_find(s->all, id);
	const struct certificate_problem *p;

	snprintf(out, CERTIFICATES_ID, "%s", c ? c->id : id);
	for (size_t i = 0; !c && (p = certificates_problem(s->all, i)) != NULL; i++)
		if (strcmp(p->file, id) == 0)
			return 0;
	if (!c)
		return find(s, id, fault) ? 0 : fault->code;
	out[strcspn(out, "#")] = '\0';
	return 0;
}

static int run_remove(struct cli *cli, const void *given)
{
	const struct remove_options *o = given;
	struct fault fault = { 0 };
	char file[CERTIFICATES_ID];
	struct site s;
	int rc = read_site(&s, &o->at, o->folder, &fault);

	if (!rc)
		rc = file_named(&s, cli->argv[0], file, &fault);
	if (!rc)
		rc = ask_remove(cli, o, &s, file, &fault);
	if (!rc)
		rc = certfolder_remove(s.options.folder, file, &s.op, &fault);
	if (!rc)
		cli_note(cli, "%s removed; " RELOAD, file);
	return end_site(cli, &s, rc, &fault);
}

const struct cli_verb ctl_certificates_remove = {
	.name = "certificates remove",
	.operands = "CERTIFICATE",
	.summary = "remove the file of a certificate from the server",
	.options = remove_table,
	.options_size = sizeof(struct remove_options),
	.min_operands = 1,
	.max_operands = 1,
	.run = run_remove,
	.details =
		"CERTIFICATE is as in \"certificates list\". All that its file holds is removed, "
		"the private key too.",
	.examples = "amt-provisionctl certificates remove old.example.com --yes",
};

/* ---- new-ca ---- */

static const unsigned rsa_bits[] = { 2048, 3072, 4096 }, sha_bits[] = { 256, 384 };
static const char *const rsa_words[] = { "2048", "3072", "4096", NULL };
static const char *const sha_words[] = { "256", "384", NULL };

struct new_options {
	struct ctl_map at;
	const char *folder, *suffix, *name, *output;
	unsigned rsa, sha;
	uint32_t days;
	bool machines;
};

static const struct new_options new_defaults = { .output = "." };

static const struct cli_option new_table[] = {
	FOLDER_OPTIONS(struct new_options),
	CLI_TEXT('s', "suffix", struct new_options, suffix, "DOMAIN",
		 "the DNS suffix of the machines", .flags = CLI_REQUIRED),
	CLI_TEXT('n', "name", struct new_options, name, "HOST",
		 "the server's name (default provision.DOMAIN)", .exclusive = 2),
	CLI_CHOICE(0, "rsa", struct new_options, rsa, "BITS", rsa_words,
		   "2048 (default), 3072 or 4096"),
	CLI_CHOICE(0, "sha", struct new_options, sha, "BITS", sha_words, "256 (default) or 384"),
	CLI_NUMBER('d', "days", struct new_options, days, "N", 1, AUTHORITY_ROOT_DAYS,
		   "for which the server's certificate is valid (default 1825)"),
	CLI_TEXT('o', "output", struct new_options, output, "DIR",
		 "the folder for root.pem and root.key (default: this one)", .flags = CLI_FILE),
	CLI_FLAG(0, "machines", struct new_options, machines,
		 "make the authority for the machines' own certificates", .exclusive = 2),
	{ 0 },
};

/* An address of this computer that machines may reach; they take IPv4 from a stick. */
static void own_address(char out[static INET_ADDRSTRLEN])
{
	struct ifaddrs *all = NULL;

	strcpy(out, "ADDRESS");
	if (getifaddrs(&all))
		return;
	for (struct ifaddrs *a = all; a; a = a->ifa_next)
		if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET && (a->ifa_flags & IFF_UP) &&
		    !(a->ifa_flags & IFF_LOOPBACK)) {
			inet_ntop(AF_INET, &((struct sockaddr_in *)a->ifa_addr)->sin_addr, out,
				  INET_ADDRSTRLEN);
			break;
		}
	freeifaddrs(all);
}

static void print_digest(const uint8_t digest[static 32])
{
	char shown[65];

	hex_show(digest, 32, shown);
	ctl_line("Its SHA-256", "%s", shown);
}

static void say_new(struct cli *cli, const struct siteca *s)
{
	char address[INET_ADDRSTRLEN], until[CLOCK_TEXT + 1];

	if (cli->quiet)
		return;
	own_address(address);
	clock_show(s->issued.expiry, until);
	ctl_line("Root certificate", "%s", s->root);
	print_digest(s->digest);
	ctl_line("Its private key", "%s", s->root_key);
	ctl_line("For the server", "%s", s->bundle);
	ctl_line("Valid until", "%.10s", until);
	printf("\nTake %s off this server and keep it safe: who has it can set up your machines.\n"
	       "The server works without it; \"certificates renew\" needs it by %.10s.\n"
	       "\nNext, have the server use its certificate, and make the stick for the machines:\n"
	       "  systemctl reload amt-provisiond\n"
	       "  amt-setupbin create --pki --bare-metal --dns-suffix %s --cert %s \\\n"
	       "      --server %s --new-password-file - -o setup.bin\n",
	       s->root_key, until, s->suffix, s->root, address);
}

static int make_machines(struct cli *cli, const struct new_options *o, const struct site *site,
			 struct fault *fault)
{
	struct siteca_machines s = {
		.suffix = o->suffix,
		.algorithm = { rsa_bits[o->rsa], sha_bits[o->sha] },
		.path = site->config->machine_authority,
		.output = o->output,
	};
	int rc = siteca_new_machines(&s, &site->op, fault);

	if (rc || cli->quiet)
		return rc;
	ctl_line("Authority", "%s", s.path);
	ctl_line("Its certificate", "%s", s.root);
	print_digest(s.digest);
	printf("\nPrograms that call the machines over TLS have to trust %s.\n", s.root);
	return 0;
}

static int make_servers(struct cli *cli, const struct new_options *o, const struct site *site,
			struct fault *fault)
{
	struct siteca s = {
		.suffix = o->suffix,
		.name = o->name,
		.algorithm = { rsa_bits[o->rsa], sha_bits[o->sha] },
		.days = o->days,
		.folder = site->options.folder,
		.output = o->output,
	};
	int rc = siteca_new(&s, &site->op, fault);

	if (!rc)
		say_new(cli, &s);
	return rc;
}

static int run_new(struct cli *cli, const void *given)
{
	const struct new_options *o = given;
	struct fault fault = { 0 };
	struct site site;
	int rc = open_site(&site, &o->at, o->folder, &fault);

	if (!rc && o->machines)
		rc = make_machines(cli, o, &site, &fault);
	else if (!rc)
		rc = make_servers(cli, o, &site, &fault);
	return end_site(cli, &site, rc, &fault);
}

const struct cli_verb ctl_certificates_new_ca = {
	.name = "certificates new-ca",
	.operands = "",
	.summary = "make an authority of your own and the server's certificate",
	.options = new_table,
	.options_size = sizeof(struct new_options),
	.defaults = &new_defaults,
	.run = run_new,
	.details =
		"Makes a root (7300 days) and a certificate of it for the server (CN and SAN: its "
		"name), and installs the latter with its chain and its key. root.pem is for the "
		"sticks; root.key is for \"certificates renew\", and is to be kept off the server. "
		"No file is replaced. For AMT 22: --rsa 3072 --sha 384.\n"
		"With --machines, the authority for the machines' own certificates: it issues for "
		"names under DOMAIN only, and its key stays on the server.",
	.examples =
		"amt-provisionctl certificates new-ca --suffix example.com\n"
		"amt-provisionctl certificates new-ca --suffix example.com --rsa 3072 --sha 384",
};

/* ---- renew ---- */

struct renew_options {
	struct ctl_map at;
	const char *folder, *root_key;
	unsigned rsa, sha;
	uint32_t days;
};

static const char *const rsa_or_same[] = { "same", "2048", "3072", "4096", NULL };
static const char *const sha_or_same[] = { "same", "256", "384", NULL };
static const struct renew_options renew_defaults = { .root_key = "root.key" };

static const struct cli_option renew_table[] = {
	FOLDER_OPTIONS(struct renew_options),
	CLI_TEXT('k', "root-key", struct renew_options, root_key, "FILE",
		 "the root's private key, as new-ca made it (default root.key)", .flags = CLI_FILE),
	CLI_CHOICE(0, "rsa", struct renew_options, rsa, "BITS", rsa_or_same,
		   "of the new key: 2048, 3072, 4096 or same (default)"),
	CLI_CHOICE(0, "sha", struct renew_options, sha, "BITS", sha_or_same,
		   "of the signature: 256, 384 or same (as the root's; default)"),
	CLI_NUMBER('d', "days", struct renew_options, days, "N", 1, AUTHORITY_ROOT_DAYS,
		   "for which it is valid (default 1825)"),
	{ 0 },
};

static void say_renewed(struct cli *cli, const struct siteca_renewal *r,
			const struct certificate *c)
{
	char until[CLOCK_TEXT + 1];

	clock_show(r->issued.expiry, until);
	cli_note(cli, "%s: valid until %.10s; " RELOAD, r->path, until);
	if (!r->replaced)
		cli_note(cli, "%s serves until then, too; once the server has the new one: "
			 "amt-provisionctl certificates remove %s", c->id, c->id);
}

/* Each certificate of that root, or only the one named ONLY; *n counts them. */
static int renew_all(struct cli *cli, struct siteca_renewal *r, const struct site *s,
		     const struct certificate *only, unsigned *n, struct fault *fault)
{
	struct fault other = { 0 };
	const struct certificate *c;
	int rc = 0;

	for (size_t i = 0; (c = certificates_at(s->all, i)) != NULL && !rc; i++) {
		if ((only && c != only) || (!only && !c->facts->complete))
			continue;
		fault_clear(&other);
		rc = siteca_renew(r, c, &s->op, &other);
		if (!rc) {
			say_renewed(cli, r, c);
			++*n;
		} else if (rc == KIT_ERR_UNFIT && !only) {
			rc = 0;
		} else {
			fault_pass(fault, &other);
		}
	}
	return rc;
}

static int run_renew(struct cli *cli, const void *given)
{
	const struct renew_options *o = given;
	struct siteca_renewal r = {
		.root_key = o->root_key,
		.algorithm.bits = o->rsa ? rsa_bits[o->rsa - 1] : 0,
		.algorithm.sha = o->sha ? sha_bits[o->sha - 1] : 0,
		.days = o->days,
	};
	const struct certificate *only = NULL;
	struct fault fault = { 0 };
	struct site s;
	unsigned n = 0;
	int rc = read_site(&s, &o->at, o->folder, &fault);

	r.folder = s.options.folder;
	if (!rc && cli->argc && !(only = find(&s, cli->argv[0], &fault)))
		rc = fault.code;
	if (!rc)
		rc = renew_all(cli, &r, &s, only, &n, &fault);
	if (!rc && !n)
		rc = fault_set(&fault, KIT_ERR_UNFIT, "no certificate in %s goes back to the root "
			       "whose key %s is\n"
			       "give another key with --root-key", r.folder, o->root_key);
	return end_site(cli, &s, rc, &fault);
}

const struct cli_verb ctl_certificates_renew = {
	.name = "certificates renew",
	.operands = "[CERTIFICATE]",
	.summary = "make the server's certificates again from the root's key",
	.options = renew_table,
	.options_size = sizeof(struct renew_options),
	.defaults = &renew_defaults,
	.max_operands = 1,
	.run = run_renew,
	.details =
		"Every certificate of the root whose private key is given, or only CERTIFICATE, "
		"is made again with a fresh key. It takes the place of the old one once it is "
		"durable. The root stays: sticks and machines need nothing. Exit status 1 if the "
		"key is not that of a root of the server.",
	.examples =
		"amt-provisionctl certificates renew --root-key root.key",
};
