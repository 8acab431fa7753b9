/* amt-provisionctl doctor: what is known to go wrong, looked for on this server. */
#include "server/ctl/amt-provisionctl.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/text.h"
#include "server/admin/doctor.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap.h"

struct doctor_options {
	struct ctl_map at;
	const char *server_name;
	struct cli_list domains;
	uint64_t min_free;
	bool no_network;
};

static const struct doctor_options defaults = { .server_name = "ProvisionServer", .min_free = 10 };

static const struct cli_option options[] = {
	CTL_MAP_OPTIONS(struct doctor_options),
	CLI_TEXT(0, "server-name", struct doctor_options, server_name, "NAME",
		 "the name that machines look up (default ProvisionServer)"),
	CLI_LIST('d', "domain", struct doctor_options, domains, "DOMAIN",
		 "a domain in which they look (default: those of /etc/resolv.conf)"),
	CLI_NUMBER(0, "min-free", struct doctor_options, min_free, "N", 0, UINT32_MAX,
		   "warn when fewer keys are free (default 10)"),
	CLI_FLAG(0, "no-network", struct doctor_options, no_network,
		 "do not check the port and the names"),
	{ 0 },
};

struct doctor_report {
	struct cli *cli;
	struct ctl_rows rows;
	unsigned long n[DOCTOR_VERDICTS];
};

static void found(void *context, const struct doctor_finding *f)
{
	struct doctor_report *r = context;

	r->n[f->verdict]++;
	if (r->cli->json) {
		ctl_rows_put(&r->rows,
			     json_pack("{s:s, s:s, s:o, s:o}", "check", f->check, "verdict",
				       doctor_verdict_word(f->verdict), "what",
				       logentry_text(f->what), "hint", logentry_text(f->hint)));
		return;
	}
	/* --quiet leaves out what is well, nothing else. */
	if (r->cli->quiet && f->verdict == DOCTOR_PASS)
		return;
	printf("%s  ", doctor_verdict_word(f->verdict));
	ctl_line(f->check, "%s", f->what);
	if (f->hint) {
		fputs("      -> ", stdout);
		text_print(stdout, "%s", f->hint);
		putchar('\n');
	}
}

static int take_options(struct doctor *d, const struct doctor_options *o, struct fault *fault)
{
	d->now = ctl_operator().now;
	d->server_name = o->server_name;
	d->resolv_conf = "/etc/resolv.conf";
	d->timeout_ms = 3000;
	d->min_free = o->min_free;
	d->n_domains = o->domains.count;
	if (d->n_domains > DOCTOR_DOMAINS)
		return fault_set(fault, KIT_ERR_ARGUMENT, "at most %d domains", DOCTOR_DOMAINS);
	for (size_t i = 0; i < d->n_domains; i++)
		d->domains[i] = o->domains.values[i];
	return 0;
}

static int run(struct cli *cli, const void *given)
{
	const struct doctor_options *o = given;
	struct config *config = calloc(1, sizeof(*config));
	struct doctor_report r = { .cli = cli };
	struct doctor d = { .config = config, .found = found, .context = &r };
	char *map_path = NULL, *key_file = NULL;
	struct operator op = { .map = NULL };
	struct fault fault = { 0 }, of_file = { 0 };
	int rc, status = EXIT_YES;

	rc = config ? take_options(&d, o, &fault) : fault_nomem(&fault);
	if (rc)
		goto out;
	if (cli->json)
		ctl_rows_begin(&r.rows, "checks");
	rc = ctl_map_names(&o->at, &map_path, &key_file, &fault);
	if (!rc)
		rc = ctl_begin(&o->at, 0, &op, &fault);
	d.map = op.map;
	d.map_path = map_path;
	d.key_file = key_file;
	ctl_configuration(&o->at, config, &of_file);
	d.unread = of_file.code != 0;
	doctor_configuration(&d, &of_file);
	if (rc) {
		doctor_fault(&d, "map", &fault);
	} else {
		doctor_keys(&d);
		doctor_fleet(&d);
	}
	doctor_certificates(&d);
	doctor_host(&d);
	if (!o->no_network) {
		doctor_reachable(&d);
		doctor_listening(&d);
		doctor_names(&d);
	}
	rc = 0;
	if (cli->json)
		status = ctl_rows_end(cli, &r.rows, json_pack("{s:I, s:I, s:I}", "pass",
			 (json_int_t)r.n[DOCTOR_PASS], "warn", (json_int_t)r.n[DOCTOR_WARN], "fail",
			 (json_int_t)r.n[DOCTOR_FAIL]));
	else
		printf("%lu passed, %lu to look at, %lu failed\n", r.n[DOCTOR_PASS],
		       r.n[DOCTOR_WARN], r.n[DOCTOR_FAIL]);
	if (!status && r.n[DOCTOR_FAIL])
		status = EXIT_NO;
out:
	keymap_close(&op.map);
	free(map_path);
	free(key_file);
	if (config)
		config_wipe(config);
	free(config);
	return rc ? cli_fail(cli, &fault) : status;
}

const struct cli_verb ctl_doctor = {
	.name = "doctor",
	.operands = "",
	.summary = "check the server for known problems, and say what to do",
	.options = options,
	.options_size = sizeof(struct doctor_options),
	.flags = CLI_JSON,
	.defaults = &defaults,
	.run = run,
	.details =
		"Checks configuration, map, key file, free keys, machines without a name or fallen "
		"silent, the log of the last day, script, clock and disk; whether the server "
		"answers at this machine's addresses, and whether the names that machines look up "
		"lead here. Exit status 1 if any check failed.",
	.examples = "amt-provisionctl doctor\n"
		    "amt-provisionctl doctor --domain example.com --json",
};
