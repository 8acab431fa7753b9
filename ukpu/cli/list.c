/* ukpu list: the drives of this machine, which are fit, and why the others are not. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/table.h"
#include "ukpu/stick/guard.h"
#include "ukpu/stick/identity.h"
#include "ukpu/drive/probe.h"
#include "ukpu/cli/ukpu.h"

struct list_options {
	bool all;
};

static const struct cli_option options[] = {
	CLI_FLAG('a', "all", struct list_options, all,
		 "also the disks that are not on USB, and why they are refused"),
	{ 0 },
};

static json_t *drive_json(const struct drive *d, const char *contents, unsigned why,
			  const char *verdict)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:i, s:i, s:s, s:b, s:b, s:b, s:s, s:i, s:i, "
			 "s:o, s:b, s:o}",
			 "path", d->path, "vendor", d->vendor, "model", d->model, "serial",
			 d->serial, "bytes", (json_int_t)d->bytes, "sector_bytes",
			 (int)d->sector_bytes, "speed_mbit", (int)d->speed, "bus", d->bus, "usb",
			 d->usb, "removable", d->removable, "read_only", d->read_only, "port",
			 d->port, "unit", (int)d->unit, "units", (int)d->units, "contents",
			 ukpu_json_text(contents), "fit", !why, "verdict",
			 ukpu_json_text(verdict));
}

static void drive_row(struct table *table, const struct drive *d, const char *serial,
		      const char *contents, const char *verdict)
{
	char title[140], size[24];

	drive_title(d, title, sizeof(title));
	probe_size_text(d->bytes, size);
	table_cell(table, "%s", d->path);
	table_cell(table, "%s", title);
	table_cell(table, "%s", serial);
	table_cell(table, "%s", d->bytes ? size : "-");
	if (d->speed)
		table_cell(table, "%u Mbit/s", d->speed);
	else
		table_cell(table, "%s", d->bus[0] ? d->bus : "-");
	table_cell(table, "%s", contents);
	table_cell(table, "%s", verdict);
}

static int run(struct cli *cli, const void *given)
{
	const struct list_options *o = given;
	struct drive *drives = NULL;
	struct table *table = NULL;
	json_t *rows = cli->json ? json_array() : NULL;
	struct fault fault = { 0 };
	size_t n = 0, shown = 0;
	int status = EXIT_CANNOT;

	if (drive_list(DRIVE_SYS, &drives, &n, &fault)) {
		cli_fail(cli, &fault);
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		const struct drive *d = &drives[i];
		char contents[400], verdict[500], fit[510], serial[230];
		unsigned why;

		if (!d->usb && !o->all)
			continue;
		probe_path(d->path, d->bytes, contents, sizeof(contents));
		if (guard_judge(d, &why, verdict, sizeof(verdict), NULL, 0, &fault)) {
			cli_fail(cli, &fault);
			goto out;
		}
		identity_serial_text(d, drives, n, serial, sizeof(serial));
		snprintf(fit, sizeof(fit), "%s%s", why ? "no: " : "", verdict);
		if (!cli->json && !table)
			table = table_new(stdout, "PATH|DEVICE|SERIAL|>SIZE|SPEED|CONTENTS|FIT");
		if (cli->json)
			json_array_append_new(rows, drive_json(d, contents, why, fit));
		else if (table)
			drive_row(table, d, serial, contents, fit);
		shown++;
	}
	status = EXIT_YES;
	if (cli->json)
		status = cli_print_json(cli, (struct json_t *)json_pack("{s:O}", "drives", rows));
	if (!shown)
		cli_note(cli, "no %s found%s", o->all ? "disks" : "USB drives",
			 o->all ? "" : "; ukpu list --all shows the other disks");
out:
	table_end(table);
	json_decref(rows);
	free(drives);
	return status;
}

const struct cli_verb ukpu_list = {
	.name = "list",
	.operands = "",
	.summary = "show the USB drives, what is on them, and which are fit",
	.options = options,
	.options_size = sizeof(struct list_options),
	.flags = CLI_JSON,
	.run = run,
	.examples = "ukpu list\nukpu list --all --json",
};
