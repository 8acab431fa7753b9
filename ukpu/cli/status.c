/* ukpu status: the records of a stick. */
#include <jansson.h>
#include <stdio.h>

#include "ukpu/cli/terminal.h"

struct status_options {
	struct ukpu_options stick;
};

static const struct cli_option options[] = {
	UKPU_IMAGE_OPTION(struct status_options),
	{ 0 },
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

static int run(struct cli *cli, const void *given)
{
	const struct status_options *o = given;
	struct terminal terminal;
	struct work w;
	struct sbin_summary summary = { 0 };
	struct fault fault = { 0 };
	int status = EXIT_CANNOT, rc;

	terminal_begin(&terminal, cli, &o->stick);
	rc = work_open(&w, &terminal.options, &terminal.face, cli->argv[0], 0, &fault);
	if (!rc) {
		rc = work_status(&w, &summary, &fault);
		if (rc == KIT_ERR_NOT_FOUND || rc == KIT_ERR_FORMAT)
			status = EXIT_NO;
	}
	if (rc)
		cli_fail(cli, &fault);
	else if (cli->json)
		status = print_json(cli, &summary);
	else {
		print_text(&summary);
		status = EXIT_YES;
	}
	work_close(&w);
	return status;
}

const struct cli_verb ukpu_status = {
	.name = "status",
	.operands = "TARGET",
	.summary = "show the records on a stick: all, used, left, and which is next",
	.options = options,
	.options_size = sizeof(struct status_options),
	.min_operands = 1,
	.max_operands = 1,
	.flags = CLI_JSON,
	.run = run,
	.examples = "ukpu status /dev/sdb\nukpu status --image stick.img",
};
