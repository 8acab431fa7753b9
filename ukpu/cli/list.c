/* ukpu list: the drives of this machine, which are fit, and why the others are not. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/table.h"
#include "ukpu/stick/guard.h"
#include "ukpu/drive/probe.h"
#include "ukpu/cli/ukpu.h"

const struct cli_option ukpu_list_options[] = {
	{ "all", 'a', NULL, "the disks that are not on USB, too, and why they are refused", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

void ukpu_contents(const char *path, uint64_t bytes, char *out, size_t size)
{
	struct probe_contents *c = malloc(sizeof(*c));
	struct fault fault = { 0 };
	int fd;

	if (!c || !bytes) {
		snprintf(out, size, "-");
		free(c);
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		snprintf(out, size, "not looked at: %s", strerror(errno));
	else if (probe_contents(c, fd, bytes, &fault))
		snprintf(out, size, "not looked at: %.100s", fault.what);
	else
		probe_describe(c, out, size);
	if (fd >= 0)
		close(fd);
	free(c);
}

unsigned ukpu_drive_judge(const struct drive *d, char *out, size_t size, struct fault *fault)
{
	struct usage usage;
	unsigned why, reason;
	size_t at = 0;

	if (usage_read(&usage, DRIVE_SYS, USAGE_PROC, d, fault))
		return ~0u;
	why = guard_check(d, &usage);
	snprintf(out, size, "fit");
	for (unsigned i = 0; (reason = guard_reason(i)) && at + 1 < size; i++) {
		char text[300];

		if (!(why & reason))
			continue;
		guard_text(reason, d, &usage, text, sizeof(text));
		snprintf(out + at, size - at, "%s%s", at ? "; " : "no: ", text);
		at = strlen(out);
	}
	return why;
}

static json_t *drive_json(const struct drive *d, const char *contents, unsigned why,
			  const char *verdict)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:i, s:i, s:s, s:b, s:b, s:b, s:i, s:i, s:o, "
			 "s:b, s:o}",
			 "path", d->path, "vendor", d->vendor, "model", d->model, "serial",
			 d->serial, "bytes", (json_int_t)d->bytes, "sector_bytes",
			 (int)d->sector_bytes, "speed_mbit", (int)d->speed, "bus", d->bus, "usb",
			 d->usb, "removable", d->removable, "read_only", d->read_only, "unit",
			 (int)d->unit, "units", (int)d->units, "contents",
			 ukpu_json_text(contents), "fit", !why, "verdict",
			 ukpu_json_text(verdict));
}

static void drive_row(struct table *table, const struct drive *d, const char *contents,
		      const char *verdict)
{
	char title[140], size[24];

	drive_title(d, title, sizeof(title));
	probe_size_text(d->bytes, size);
	table_cell(table, "%s", d->path);
	table_cell(table, "%s", title);
	table_cell(table, "%s", d->serial[0] ? d->serial : "-");
	table_cell(table, "%s", d->bytes ? size : "-");
	if (d->speed)
		table_cell(table, "%u Mbit/s", d->speed);
	else
		table_cell(table, "%s", d->bus[0] ? d->bus : "-");
	table_cell(table, "%s", contents);
	table_cell(table, "%s", verdict);
}

int ukpu_list(struct cli *cli)
{
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
		char contents[400], verdict[500];
		unsigned why;

		if (!d->usb && !cli_has(cli, "all"))
			continue;
		ukpu_contents(d->path, d->bytes, contents, sizeof(contents));
		why = ukpu_drive_judge(d, verdict, sizeof(verdict), &fault);
		if (why == ~0u) {
			cli_fail(cli, &fault);
			goto out;
		}
		if (!cli->json && !table)
			table = table_new(stdout, "PATH|DEVICE|SERIAL|>SIZE|SPEED|CONTENTS|FIT");
		if (cli->json)
			json_array_append_new(rows, drive_json(d, contents, why, verdict));
		else if (table)
			drive_row(table, d, contents, verdict);
		shown++;
	}
	status = EXIT_YES;
	if (cli->json)
		status = cli_print_json(cli, (struct json_t *)json_pack("{s:O}", "drives", rows));
	if (!shown)
		cli_note(cli, "no %s found%s", cli_has(cli, "all") ? "disks" : "USB drives",
			 cli_has(cli, "all") ? "" : "; ukpu list --all shows the other disks");
out:
	table_end(table);
	json_decref(rows);
	free(drives);
	return status;
}
