/* ukpu status: the records of a stick. */
#include <jansson.h>
#include <stdio.h>

#include "ukpu/format/fatread.h"
#include "ukpu/cli/ukpu.h"

const struct cli_option ukpu_status_options[] = {
	{ "image", 0, NULL, "TARGET is an image file, not a block device", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

static int print_json(struct cli *cli, const struct sbin_summary *s)
{
	char version[8];

	snprintf(version, sizeof(version), "%u.%u", s->version.major, s->version.minor);
	return cli_print_json(cli, (struct json_t *)
			      json_pack("{s:i, s:i, s:i, s:i, s:s?, s:s, s:b, s:i}", "records",
					(int)s->records, "used", (int)s->consumed, "left",
					(int)s->valid, "next", (int)s->next, "next_pid",
					s->next_pid[0] ? s->next_pid : NULL, "version", version,
					"consumable", s->consumable, "errors", (int)s->errors));
}

static void print_text(const struct sbin_summary *s)
{
	printf("file version  %u.%u\n", s->version.major, s->version.minor);
	printf("records       %u\n", s->records);
	printf("used          %u\n", s->consumed);
	printf("left          %u\n", s->valid);
	if (s->next)
		printf("next          record %u, PID %s\n", s->next,
		       s->next_pid[0] ? s->next_pid : "none");
	else
		printf("next          none\n");
	printf("consumed      %s\n", s->consumable ? "one record by each machine" :
	       "never: every machine takes record 1");
	if (s->errors)
		printf("errors        %lu: see amt-setupbin check, or ukpu verify\n", s->errors);
}

int ukpu_status(struct cli *cli)
{
	struct ukpu_stick s;
	const struct disk *disk;
	struct fatread_file file = { 0 };
	struct sbin_input input;
	struct sbin_summary summary = { 0 };
	struct fault fault = { 0 };
	int status = EXIT_CANNOT, rc;

	rc = ukpu_stick_open(&s, cli, cli->argv[0], 0, &fault);
	if (!rc)
		rc = target_fresh(s.t, &disk, &fault);
	if (!rc)
		rc = fatread_find(&file, disk, SBIN_NAME, &fault);
	if (!rc) {
		input = (struct sbin_input){
			.read_at = fatread_file_read_at, .context = &file, .size = file.size,
			.name = "SETUP.BIN",
		};
		rc = sbin_check(&input, NULL, NULL, &summary, &fault);
		if (rc == KIT_ERR_FORMAT)
			fault_set(&fault, rc, "%s: its SETUP.BIN is no setup.bin", s.path);
	}
	if (rc) {
		if (s.t && (rc == KIT_ERR_NOT_FOUND || rc == KIT_ERR_FORMAT)) {
			fault_hint(&fault, "see why: ukpu verify %s", s.words.text);
			status = EXIT_NO;
		}
		cli_fail(cli, &fault);
		goto out;
	}
	status = EXIT_YES;
	if (cli->json)
		status = print_json(cli, &summary);
	else
		print_text(&summary);
out:
	fatread_file_close(&file);
	ukpu_stick_close(&s);
	return status;
}
