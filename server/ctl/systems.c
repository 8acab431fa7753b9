/* amt-provisionctl systems: the machines that said hello, and how far each has come. */
#include "server/ctl/amt-provisionctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/table.h"
#include "server/admin/handover.h"
#include "server/admin/machines.h"
#include "server/keymap/digests.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap.h"
#include "server/keymap/systems.h"

struct systems_list_options {
	struct ctl_map at;
	const char *state, *pid, *before;
	uint64_t limit;
};

static const struct cli_option list_table[] = {
	CTL_MAP_OPTIONS(struct systems_list_options),
	CLI_TEXT('s', "state", struct systems_list_options, state, "STATE",
		 "only systems in this state"),
	CLI_TEXT(0, "pid", struct systems_list_options, pid, "PID", "only systems with this PID"),
	CLI_TEXT(0, "certificate-before", struct systems_list_options, before, "DATE",
		 "only systems whose own certificate ends before DATE (YYYY-MM-DD, UTC)"),
	CLI_NUMBER('n', "limit", struct systems_list_options, limit, "N", 1, UINT32_MAX,
		   "at most N systems"),
	{ 0 },
};

/* A machine that is set up by certificate need not be the one that it says it is. */
static const char *unproved(const struct system *s)
{
	return s->state == SYSTEM_CONFIGURED && s->credential == SYSTEM_BY_CERTIFICATE &&
	       !system_is_proved(s) ? ", machine not proved" : "";
}

static int list_system(void *context, const struct system *s)
{
	struct ctl_list *l = context;
	char uuid[UUID_SHOWN + 1], pid[PID_SHOWN + 1] = "-", seen[CLOCK_TEXT + 1];

	if (l->cli->json) {
		ctl_rows_put(&l->rows, system_json(s));
		return 0;
	}
	uuid_show(&s->uuid, uuid);
	if (s->pid[0])
		pidpps_show_pid(s->pid, pid);
	clock_show(s->last_seen, seen);
	table_cell(l->table, "%s", uuid);
	table_cell(l->table, "%s", s->address[0] ? s->address : "-");
	table_cell(l->table, "%s", pid);
	table_cell(l->table, "%s", system_credential_word(s->credential));
	table_cell(l->table, "%s%s", system_state_word(s->state), unproved(s));
	table_cell(l->table, "%s", s->fqdn[0] ? s->fqdn : "-");
	table_cell(l->table, "%s", s->version[0] ? s->version : "-");
	table_cell(l->table, "%s", seen[0] ? seen : "-");
	table_cell(l->table, "%s", s->reason[0] ? s->reason : "-");
	return 0;
}

static json_t *counts_json(const uint64_t *counts)
{
	json_t *out = json_object();

	for (int i = 0; i < SYSTEM_STATES; i++)
		json_object_set_new(out, system_state_word((enum system_state)i),
				    json_integer((json_int_t)counts[i]));
	return out;
}

static void say_counts(const uint64_t *counts)
{
	uint64_t total = 0;
	const char *comma = ": ";

	for (int i = 0; i < SYSTEM_STATES; i++)
		total += counts[i];
	printf("%llu system%s", (unsigned long long)total, plural(total));
	for (int i = 0; i < SYSTEM_STATES; i++) {
		if (!counts[i])
			continue;
		printf("%s%llu %s", comma, (unsigned long long)counts[i],
		       system_state_word((enum system_state)i));
		comma = ", ";
	}
	putchar('\n');
}

static int no_state(struct cli *cli, const char *word)
{
	char words[200] = "";
	size_t at = 0;

	for (int i = 0; i < SYSTEM_STATES && at < sizeof(words); i++)
		at += (size_t)snprintf(words + at, sizeof(words) - at, "%s%s", i ? ", " : "",
				       system_state_word((enum system_state)i));
	return cli_misuse(cli, "--state: \"%s\" is not one of %s", word, words);
}

/* "2036-11-28", the beginning of that day in UTC. */
static int read_date(const char *text, int64_t *out)
{
	struct tm tm = { .tm_mday = 0 };
	const char *end = strptime(text, "%Y-%m-%d", &tm);

	if (strlen(text) != 10 || !end || *end)
		return KIT_ERR_ARGUMENT;
	*out = timegm(&tm);
	return *out > 0 ? 0 : KIT_ERR_ARGUMENT;
}

static int run_list(struct cli *cli, const void *given)
{
	const struct systems_list_options *o = given;
	struct keymap_system_filter filter = { 0 };
	uint64_t counts[SYSTEM_STATES];
	struct ctl_list list = { .cli = cli };
	char pid[PID_LENGTH + 1];
	struct operator op = { .map = NULL };
	struct fault fault = { 0 };
	int rc;

	if (o->state) {
		filter.by_state = true;
		if (system_state_parse(o->state, &filter.state))
			return no_state(cli, o->state);
	}
	if (o->pid) {
		if (ctl_pid(cli, o->pid, pid))
			return EXIT_CANNOT;
		filter.pid = pid;
	}
	if (o->before && read_date(o->before, &filter.certificate_before))
		return cli_misuse(cli, "--certificate-before: \"%s\" is not a date such as "
				  "2036-12-31", o->before);
	filter.limit = o->limit;
	rc = ctl_begin(&o->at, 0, &op, &fault);
	if (!rc)
		rc = keymap_system_count(op.map, counts, &fault);
	if (rc)
		return ctl_end(cli, &op, rc, &fault);
	ctl_list_begin(&list, "systems", "UUID|ADDRESS|PID|BY|STATE|FQDN|AMT|LAST HELLO|REASON");
	rc = keymap_systems(op.map, &filter, list_system, &list, &fault);
	rc = ctl_list_end(&list, rc, json_pack("{s:o}", "counts", counts_json(counts)));
	if (!rc && !cli->json && !cli->quiet)
		say_counts(counts);
	return ctl_end(cli, &op, rc, &fault);
}

const struct cli_verb ctl_systems_list = {
	.name = "systems list",
	.operands = "",
	.summary = "list the machines that said hello, with their states",
	.options = list_table,
	.options_size = sizeof(struct systems_list_options),
	.flags = CLI_JSON,
	.run = run_list,
	.examples = "amt-provisionctl systems list --state failed",
};

static const char *proof_text(enum system_proof proof)
{
	static const char *const text[SYSTEM_PROOFS] = {
		[SYSTEM_PROOF_NONE] = "nothing",
		[SYSTEM_PROOF_PPS] = "its PPS",
		[SYSTEM_PROOF_OTP] = "its one-time password",
		[SYSTEM_PROOF_ON_DIE] = "nothing, but it is genuine AMT (on-die certificate)",
		[SYSTEM_PROOF_PERSON] = "nothing, but a person allowed its set-up",
	};

	return text[proof];
}

static void show_lines(const struct system *s)
{
	char uuid[UUID_SHOWN + 1], pid[PID_SHOWN + 1] = "", t[4][CLOCK_TEXT + 1];

	uuid_show(&s->uuid, uuid);
	if (s->pid[0])
		pidpps_show_pid(s->pid, pid);
	clock_show(s->first_seen, t[0]);
	clock_show(s->last_seen, t[1]);
	clock_show(s->next_try, t[2]);
	clock_show(s->configured_at, t[3]);
	ctl_line("UUID", "%s", uuid);
	ctl_line("State", "%s%s", system_state_word(s->state), unproved(s));
	ctl_line("Reason", "%s", s->reason);
	ctl_line("Reason code", "%s", s->reason_code);
	ctl_line("Address", "%s", s->address);
	ctl_line("PID", "%s", pid);
	if (s->next_pid[0]) {
		pidpps_show_pid(s->next_pid, pid);
		ctl_line("New PID", "%s", pid);
	}
	if (s->claimed_address[0]) {
		if (s->claimed_pid[0])
			pidpps_show_pid(s->claimed_pid, pid);
		ctl_line("Not proved", "a hello with PID %s from %s", s->claimed_pid[0] ? pid : "-",
			 s->claimed_address);
	}
	ctl_line("Comes by", "%s", s->credential == SYSTEM_BY_CERTIFICATE ? "certificate (pki)"
									 : "key (psk)");
	ctl_line("Proved by", "%s", proof_text(s->proof));
	if (s->stick_mebx)
		ctl_line("MEBx password", "still that of its stick");
	if (s->certificate_serial[0]) {
		clock_show(s->certificate_expiry, t[0]);
		ctl_line("Certificate", "serial %s, until %s", s->certificate_serial, t[0]);
		clock_show(s->first_seen, t[0]);
	}
	ctl_line("FQDN", "%s", s->fqdn);
	ctl_line("Profile", "%s", s->profile);
	ctl_line("AMT version", "%s", s->version);
	ctl_line("Admin user", "%s", s->admin_user);
	ctl_line("Hellos", "%u, first %s, last %s (version %u, retry %u)", s->hellos, t[0], t[1],
		 s->hello_version, s->hello_retry);
	ctl_line("Failures", "%u", s->failures);
	ctl_line("Next try", "%s", t[2]);
	ctl_line("Configured", "%s", t[3]);
}

static int show_digests(struct keymap *map, const struct uuid *uuid, struct fault *fault)
{
	struct keymap_digest digests[KEYMAP_DIGESTS];
	size_t n;
	int rc = keymap_digests_find(map, uuid, digests, &n, fault);

	if (!rc && n)
		ctl_line("Root hashes", "%zu of its last hello: amt-provisionctl certificates "
			 "match", n);
	return rc;
}

static int show_earlier(void *context, const struct keymap_earlier *e)
{
	char until[CLOCK_TEXT + 1], pid[PID_SHOWN + 1] = "no PID";

	(void)context;
	clock_show(e->time, until);
	if (e->pid[0])
		pidpps_show_pid(e->pid, pid);
	ctl_line("Earlier passwords", "until %s, with %s at %s", until, pid,
		 e->address[0] ? e->address : "no address");
	return 0;
}

static int run_show(struct cli *cli, const void *given)
{
	const struct ctl_only_map *o = given;
	struct uuid uuid;
	struct keymap_log_filter filter = { .uuid = &uuid };
	struct fault fault = { 0 };
	struct system system;
	struct operator op;
	json_t *value = NULL;
	int rc;

	if (ctl_uuid(cli, cli->argv[0], &uuid))
		return EXIT_CANNOT;
	rc = ctl_begin(&o->at, 0, &op, &fault);
	if (rc)
		return cli_fail(cli, &fault);
	rc = keymap_system_find(op.map, &uuid, &system, &fault);
	if (rc == KIT_ERR_NOT_FOUND)
		machines_unknown(op.map, &uuid, &fault);
	if (!rc && cli->json) {
		value = system_json(&system);
	} else if (!rc) {
		show_lines(&system);
		rc = show_digests(op.map, &uuid, &fault);
		if (!rc)
			rc = keymap_earlier(op.map, &uuid, show_earlier, NULL, &fault);
	}
	if (!rc)
		rc = ctl_history(cli, op.map, &filter, value, &fault);
	return ctl_answer(cli, &op, rc, &fault);
}

const struct cli_verb ctl_systems_show = {
	.name = "systems show",
	.operands = "UUID",
	.summary = "show one machine: its state and its history",
	.options = ctl_only_map,
	.options_size = sizeof(struct ctl_only_map),
	.min_operands = 1,
	.max_operands = 1,
	.flags = CLI_JSON,
	.run = run_show,
	.examples = "amt-provisionctl systems show 939b524b-13d4-1d18-e487-1c697a6b7a2b",
};

/* ---- retry and forget: all that are named, or none ---- */

struct retry_options {
	struct ctl_map at;
	const char *state;
};

static const struct cli_option retry_table[] = {
	CTL_MAP_OPTIONS(struct retry_options),
	CLI_TEXT('s', "state", struct retry_options, state, "STATE",
		 "all systems in this state (failed, fqdn-missing...)"),
	{ 0 },
};

/* The operands as UUIDs, to be freed. Misuse is said; returns 0 or an exit status. */
static int read_uuids(struct cli *cli, struct uuid **uuids)
{
	*uuids = calloc((size_t)cli->argc + 1, sizeof(**uuids));
	if (!*uuids)
		return cli_fail(cli, &(struct fault){ .code = KIT_ERR_NOMEM });
	for (int i = 0; i < cli->argc; i++)
		if (ctl_uuid(cli, cli->argv[i], &(*uuids)[i]))
			return EXIT_CANNOT;
	return 0;
}

static int end(struct cli *cli, struct operator *op, struct uuid *uuids, int rc,
	       const struct fault *fault)
{
	free(uuids);
	return ctl_answer(cli, op, rc, fault);
}

/* SET_UP of N are set up already; HELD of those are not called without permission. */
static void say_queued(struct cli *cli, size_t n, size_t set_up, size_t held)
{
	size_t fresh = n - set_up, again = set_up - held;

	if (!n)
		cli_note(cli, "no system queued: none is in that state, or they need permission "
			 "(amt-provisionctl systems allow-setup UUID)");
	if (fresh)
		cli_note(cli, "%zu system%s queued; the server calls %s within seconds", fresh,
			 plural(fresh), fresh == 1 ? "it" : "them");
	if (again)
		cli_note(cli, "%zu system%s set up already; the server calls %s again within "
			 "seconds", again, again == 1 ? " is" : "s are",
			 again == 1 ? "it" : "them");
	if (held)
		cli_note(cli, "%zu system%s set up already; the server does not call %s again "
			 "without permission (amt-provisionctl systems allow-setup UUID), unless "
			 "reprovision is same-uuid", held, held == 1 ? " is" : "s are",
			 held == 1 ? "it" : "them");
}

static int run_retry(struct cli *cli, const void *given)
{
	const struct retry_options *o = given;
	const char *word = o->state;
	struct operator op = { .map = NULL };
	enum system_state state = SYSTEM_FAILED;
	struct fault fault = { 0 };
	struct uuid *uuids = NULL;
	size_t n = (size_t)cli->argc, set_up = 0, held = 0;
	int rc;

	if (!word == (n == 0))
		return cli_misuse(cli, "say which systems: their UUIDs, or --state STATE");
	if (word && system_state_parse(word, &state))
		return no_state(cli, word);
	rc = read_uuids(cli, &uuids);
	if (!rc)
		rc = ctl_begin(&o->at, 0, &op, &fault);
	if (!rc)
		rc = word ? machines_retry_state(&op, state, &n, &set_up, &held, &fault)
			  : machines_retry(&op, uuids, n, &fault);
	if (!rc && !word)
		rc = machines_set_up(&op, uuids, n, &set_up, &held, &fault);
	if (!rc)
		say_queued(cli, n, set_up, held);
	return end(cli, &op, uuids, rc, &fault);
}

const struct cli_verb ctl_systems_retry = {
	.name = "systems retry",
	.operands = "[UUID...]",
	.summary = "set machines up now",
	.options = retry_table,
	.options_size = sizeof(struct retry_options),
	.max_operands = -1,
	.run = run_retry,
	.examples = "amt-provisionctl systems retry --state failed",
};

struct allow_options {
	struct ctl_map at;
	bool new_address, certificate;
};

static const struct cli_option allow_table[] = {
	CTL_MAP_OPTIONS(struct allow_options),
	CLI_FLAG(0, "new-address", struct allow_options, new_address,
		 "they may get the passwords in the map at another address than before",
		 .flags = CLI_WHOLE),
	CLI_FLAG(0, "certificate", struct allow_options, certificate,
		 "they may get a certificate of their own, even if nothing else proves them",
		 .flags = CLI_WHOLE),
	{ 0 },
};

static int run_allow(struct cli *cli, const void *given)
{
	const struct allow_options *o = given;
	struct operator op = { .map = NULL };
	struct fault fault = { 0 };
	struct uuid *uuids = NULL;
	const size_t n = (size_t)cli->argc;
	int rc = read_uuids(cli, &uuids);

	if (!rc)
		rc = ctl_begin(&o->at, 0, &op, &fault);
	if (!rc)
		rc = machines_allow(&op, uuids, n, o->new_address, o->certificate, &fault);
	if (!rc)
		cli_note(cli, "%zu system%s allowed to be set up once more; the server calls %s "
			 "after the next hello, or within seconds if %s waiting", n, plural(n),
			 n == 1 ? "it" : "them", n == 1 ? "it is" : "they are");
	return end(cli, &op, uuids, rc, &fault);
}

const struct cli_verb ctl_systems_allow_setup = {
	.name = "systems allow-setup",
	.operands = "UUID...",
	.summary = "allow one set-up with a used key, or by certificate",
	.options = allow_table,
	.options_size = sizeof(struct allow_options),
	.min_operands = 1,
	.max_operands = -1,
	.run = run_allow,
	.details =
		"For machines whose AMT was reset, and for those that come by certificate and are"
		" not known. Others can say hello in a machine's name, by its stick or by its UUID,"
		" so the server does not call it before a person has said so. The permission is"
		" used up by one set-up.",
	.examples = "amt-provisionctl systems allow-setup 939b524b-13d4-1d18-e487-1c697a6b7a2b",
};

struct forget_options {
	struct ctl_map at;
	bool yes;
};

static const struct cli_option forget_table[] = {
	CTL_MAP_OPTIONS(struct forget_options),
	CLI_FLAG('y', "yes", struct forget_options, yes, "do not ask", .flags = CLI_WHOLE),
	{ 0 },
};

/* Ask before the passwords of machines that are set up, or may be, are lost. */
static int confirm(struct cli *cli, const struct forget_options *o, const struct operator *op,
		   const struct uuid *uuids, size_t n, struct fault *fault)
{
	char question[200];
	size_t configured;
	int rc = machines_configured(op, uuids, n, &configured, fault);

	if (rc || !configured || o->yes)
		return rc;
	snprintf(question, sizeof(question), "%zu of these machines %s, or may be, set up; the "
		 "passwords that %s given are lost.\nType \"forget\" to go on: ", configured,
		 configured == 1 ? "is" : "are", configured == 1 ? "it was" : "they were");
	rc = cli_confirm(cli, question, "forget", fault);
	if (rc == KIT_ERR_STATE)
		fault_hint(fault, "give --yes, after \"systems export --secrets\"");
	return rc;
}

static int run_forget(struct cli *cli, const void *given)
{
	const struct forget_options *o = given;
	struct operator op = { .map = NULL };
	struct fault fault = { 0 };
	struct uuid *uuids = NULL;
	const size_t n = (size_t)cli->argc;
	int rc = read_uuids(cli, &uuids);

	if (!rc)
		rc = ctl_begin(&o->at, 0, &op, &fault);
	if (!rc)
		rc = confirm(cli, o, &op, uuids, n, &fault);
	if (!rc)
		rc = machines_forget(&op, uuids, n, &fault);
	if (!rc)
		cli_note(cli, "%zu system%s forgotten", n, plural(n));
	return end(cli, &op, uuids, rc, &fault);
}

const struct cli_verb ctl_systems_forget = {
	.name = "systems forget",
	.operands = "UUID...",
	.summary = "remove machines from the map, with the passwords they were given",
	.options = forget_table,
	.options_size = sizeof(struct forget_options),
	.min_operands = 1,
	.max_operands = -1,
	.run = run_forget,
	.details =
		"A key that the machine has reserved becomes free; a key that it has used stays "
		"used by it. Export the passwords of machines that are set up first.",
	.examples = "amt-provisionctl systems forget 939b524b-13d4-1d18-e487-1c697a6b7a2b",
};

/* ---- export ---- */

struct systems_export_options {
	struct ctl_map at;
	const char *output;
	enum handover_format format;
	bool secrets, all, earlier, force;
};

static const struct cli_option export_table[] = {
	CTL_MAP_OPTIONS(struct systems_export_options),
	CLI_TEXT('o', "output", struct systems_export_options, output, "FILE",
		 "write to FILE, 0600 ('-': standard output)", .flags = CLI_FILE | CLI_REQUIRED),
	CLI_CHOICE('f', "format", struct systems_export_options, format, "FORMAT", handover_formats,
		   "csv (default) or json"),
	CLI_FLAG(0, "secrets", struct systems_export_options, secrets, "with the passwords: logged",
		 .flags = CLI_WHOLE),
	CLI_FLAG('a', "all", struct systems_export_options, all,
		 "also machines that are not set up"),
	CLI_FLAG(0, "earlier", struct systems_export_options, earlier,
		 "also passwords that machines had before, with the time until when"),
	CLI_FLAG(0, "force", struct systems_export_options, force, "replace a file that exists",
		 .flags = CLI_WHOLE),
	{ 0 },
};

static int run_export(struct cli *cli, const void *given)
{
	const struct systems_export_options *o = given;
	struct handover h = { .format = o->format, .path = o->output, .all = o->all,
			      .secrets = o->secrets,
			      .earlier = o->earlier, .force = o->force };
	struct fault fault = { 0 };
	struct operator op;
	int rc;

	rc = ctl_begin(&o->at, 0, &op, &fault);
	if (!rc)
		rc = handover_write(&h, &op, &fault);
	if (!rc)
		cli_note(cli, "%lu row%s exported%s", h.rows, plural(h.rows),
			 h.secrets ? ", with passwords" : "");
	return ctl_end(cli, &op, rc, &fault);
}

const struct cli_verb ctl_systems_export = {
	.name = "systems export",
	.operands = "",
	.summary = "export machines that are set up to the tool that manages them next",
	.options = export_table,
	.options_size = sizeof(struct systems_export_options),
	.run = run_export,
	.details =
		"Writes UUID, FQDN, address, AMT version, state and admin user; with --secrets "
		"also the passwords of the admin account and of the MEBx, and those that the "
		"machine may have got instead when its set-up broke off. The file is private; an "
		"export of passwords is logged.",
	.examples = "amt-provisionctl systems export --secrets -o fleet.csv",
};
