/* amt-provisionctl doctor: what is known to go wrong, looked for on this server. */
#include "server/ctl/amt-provisionctl.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/admin/doctor.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap.h"

const struct cli_option ctl_doctor_options[] = {
	CTL_MAP_OPTIONS,
	{ "server-name", 0, "NAME", "the name that machines look up (default ProvisionServer)", 0,
	  0 },
	{ "domain", 'd', "DOMAIN", "a domain in which they look (default: those of"
	  " /etc/resolv.conf)", CLI_REPEAT, 0 },
	{ "min-free", 0, "N", "warn when fewer keys are free (default 10)", 0, 0 },
	{ "no-network", 0, NULL, "do not check the port and the names", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

struct report {
	struct cli *cli;
	struct ctl_rows rows;
	unsigned long n[DOCTOR_VERDICTS];
};

static void found(void *context, const struct doctor_finding *f)
{
	struct report *r = context;

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
		ctl_print("%s", f->hint);
		putchar('\n');
	}
}

static int read_options(struct cli *cli, struct doctor *d, struct fault *fault)
{
	d->now = ctl_operator().now;
	d->server_name = cli_has(cli, "server-name") ? cli_value(cli, "server-name")
			 : "ProvisionServer";
	d->resolv_conf = "/etc/resolv.conf";
	d->timeout_ms = 3000;
	d->min_free = 10;
	d->n_domains = cli_count(cli, "domain");
	if (d->n_domains > DOCTOR_DOMAINS)
		return fault_set(fault, KIT_ERR_ARGUMENT, "at most %d domains", DOCTOR_DOMAINS);
	for (size_t i = 0; i < d->n_domains; i++)
		d->domains[i] = cli_value_at(cli, "domain", i);
	return cli_number(cli, "min-free", 0, UINT32_MAX, &d->min_free, fault);
}

int ctl_doctor(struct cli *cli)
{
	struct config *config = calloc(1, sizeof(*config));
	struct report r = { .cli = cli };
	struct doctor d = { .config = config, .found = found, .context = &r };
	char *map_path = NULL, *key_file = NULL;
	struct operator op = { .map = NULL };
	struct fault fault = { 0 }, of_file = { 0 };
	int rc, status = EXIT_YES;

	rc = config ? read_options(cli, &d, &fault) : fault_nomem(&fault);
	if (rc)
		goto out;
	if (cli->json)
		ctl_rows_begin(&r.rows, "checks");
	rc = ctl_map_names(cli, &map_path, &key_file, &fault);
	if (!rc)
		rc = ctl_begin(cli, 0, &op, &fault);
	d.map = op.map;
	d.map_path = map_path;
	d.key_file = key_file;
	ctl_configuration(cli, config, &of_file);
	doctor_configuration(&d, &of_file);
	if (rc) {
		doctor_fault(&d, "map", &fault);
	} else {
		doctor_keys(&d);
		doctor_fleet(&d);
	}
	doctor_host(&d);
	if (!cli_has(cli, "no-network")) {
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
