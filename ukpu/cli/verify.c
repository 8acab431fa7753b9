/* ukpu verify: the rules one by one. */
#include <jansson.h>
#include <stdio.h>

#include "common/text.h"
#include "ukpu/cli/terminal.h"

struct verify_options {
	struct ukpu_options stick;
	bool strict;
};

static const struct cli_option options[] = {
	UKPU_IMAGE_OPTION(struct verify_options),
	CLI_FLAG(0, "strict", struct verify_options, strict, "a warning makes the answer no, too"),
	{ 0 },
};

struct json_t *ukpu_json_text(const char *text)
{
	char clean[600];

	text_clean(clean, sizeof(clean), text);
	return json_string(clean);
}

static void add_json(void *context, const struct verify_result *r)
{
	json_array_append_new(context, json_pack("{s:s, s:s, s:s, s:o, s:o}", "group", r->group,
						 "rule", r->rule, "verdict",
						 r->verdict == VERIFY_FAIL ? "fail" :
						 verify_verdict_name(r->verdict),
						 "text", ukpu_json_text(r->text),
						 "fix", ukpu_json_text(r->fix)));
}

static int print_json(struct cli *cli, json_t *rules, const struct verify_summary *s, bool good)
{
	const struct sbin_summary *c = &s->contents;
	json_t *out = json_pack("{s:b, s:i, s:i, s:i, s:i, s:s?, s:o}", "good", good, "passed",
				(int)s->passed, "warned", (int)s->warned, "failed", (int)s->failed,
				"skipped", (int)s->skipped, "layout",
				s->layout_known ? layout_name(s->layout) : NULL, "rules", rules);

	if (s->has_file)
		json_object_set_new(out, "contents",
				    json_pack("{s:i, s:i, s:i, s:i, s:s, s:b, s:f}", "records",
					      (int)c->records, "used", (int)c->consumed, "left",
					      (int)c->valid, "next", (int)c->next, "next_pid",
					      c->next_pid, "consumable", c->consumable,
					      "post_seconds", c->post_seconds));
	return cli_print_json(cli, (struct json_t *)out);
}

static int run(struct cli *cli, const void *given)
{
	const struct verify_options *o = given;
	struct terminal terminal;
	struct work w;
	const struct verify_summary *sum = &w.summary;
	const struct disk *disk;
	json_t *rules = cli->json ? json_array() : NULL;
	struct fault fault = { 0 };
	int status = EXIT_CANNOT;
	bool good;

	terminal_begin(&terminal, cli, &o->stick);
	if (work_open(&w, &terminal.options, &terminal.face, cli->argv[0], 0, &fault) ||
	    target_fresh(w.t, &disk, &fault) ||
	    work_verify(&w, disk, cli->json ? add_json : terminal_print_result, rules, &fault)) {
		cli_fail(cli, &fault);
		goto out;
	}
	good = !sum->failed && !(o->strict && sum->warned);
	status = good ? EXIT_YES : EXIT_NO;
	if (cli->json) {
		if (print_json(cli, rules, sum, good) != EXIT_YES)
			status = EXIT_CANNOT;
		rules = NULL;
	} else if (!cli->quiet) {
		terminal_print_line("%s: %u passed, %u warned, %u failed, %u skipped: firmware %s",
				    w.path, sum->passed, sum->warned, sum->failed, sum->skipped,
				    sum->failed ? "will NOT take this stick" :
						  "will see setup.bin");
	}
out:
	json_decref(rules);
	work_close(&w);
	return status;
}

const struct cli_verb ukpu_verify = {
	.name = "verify",
	.operands = "TARGET",
	.summary = "will firmware take this stick? A line for each rule",
	.options = options,
	.options_size = sizeof(struct verify_options),
	.min_operands = 1,
	.max_operands = 1,
	.flags = CLI_JSON,
	.run = run,
	.details = "Exit status 0: firmware will see it; 1: it will not, or with --strict "
		   "something is doubtful; 2: it could not be read.",
	.examples = "ukpu verify /dev/sdb\nukpu verify --image stick.img",
};
