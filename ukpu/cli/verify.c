/* ukpu verify: the rules one by one. */
#include <jansson.h>
#include <stdio.h>

#include "common/text.h"
#include "ukpu/cli/ukpu.h"

const struct cli_option ukpu_verify_options[] = {
	{ "image", 0, NULL, "TARGET is an image file, not a block device", 0, 0 },
	{ "strict", 0, NULL, "a warning, too, makes the answer no", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

struct json_t *ukpu_json_text(const char *text)
{
	char tame[600];

	text_clean(tame, sizeof(tame), text);
	return json_string(tame);
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

int ukpu_verify(struct cli *cli)
{
	struct ukpu_stick s;
	const struct verify_summary *sum = &s.summary;
	const struct disk *disk;
	json_t *rules = cli->json ? json_array() : NULL;
	struct fault fault = { 0 };
	int status = EXIT_CANNOT;
	bool good;

	if (ukpu_stick_open(&s, cli, cli->argv[0], 0, &fault) ||
	    target_fresh(s.t, &disk, &fault) ||
	    ukpu_verify_stick(&s, disk, cli->json ? add_json : ukpu_print_result, rules, &fault)) {
		cli_fail(cli, &fault);
		goto out;
	}
	good = !sum->failed && !(cli_has(cli, "strict") && sum->warned);
	status = good ? EXIT_YES : EXIT_NO;
	if (cli->json) {
		if (print_json(cli, rules, sum, good) != EXIT_YES)
			status = EXIT_CANNOT;
		rules = NULL;
	} else if (!cli->quiet) {
		printf("%s: %u passed, %u warned, %u failed, %u not looked at: firmware %s\n",
		       s.path, sum->passed, sum->warned, sum->failed, sum->skipped,
		       sum->failed ? "will NOT take this stick" : "will see setup.bin");
	}
out:
	json_decref(rules);
	ukpu_stick_close(&s);
	return status;
}
