/* amt-setupbin check: will firmware take the file, and what is wrong with it. */
#include <jansson.h>
#include <stdio.h>

#include "common/progress.h"
#include "common/text.h"
#include "setupbin/cli/amt-setupbin.h"

struct file_check_options {
	bool strict;
};

static const struct cli_option options[] = {
	CLI_FLAG(0, "strict", struct file_check_options, strict, "warnings count as errors"),
	{ 0 },
};

struct checking {
	struct cli *cli;
	unsigned long found;
	/* The progress bar follows the reads of the checker. */
	const struct sbin_input *in;
	struct progress bar;
	bool failed;
};

static void print_json(const struct sbin_finding *f, struct checking *c)
{
	static const char *const words[] = {
		[SBIN_NOTE] = "note", [SBIN_WARNING] = "warning", [SBIN_ERROR] = "error",
	};
	json_t *o = json_pack("{s:s, s:I, s:I, s:s, s:s, s:s, s:s}", "severity", words[f->severity],
			      "offset", (json_int_t)f->offset, "record", (json_int_t)f->record,
			      "variable", f->variable, "rule", f->rule, "text", f->text, "hint",
			      f->hint);

	fputs(c->found != 0 ? ",\n    " : "\n    ", stdout);
	if (!o || json_dumpf(o, stdout, JSON_COMPACT) != 0)
		c->failed = true;
	json_decref(o);
}

static void found(void *context, const struct sbin_finding *f)
{
	struct checking *c = context;

	if (c->cli->json)
		print_json(f, c);
	else if (f->severity == SBIN_ERROR || !c->cli->quiet)
		setupbin_print_finding(stdout, f);
	c->found++;
}

static int64_t read_on(void *context, uint64_t offset, void *buffer, size_t size,
		       struct fault *fault)
{
	struct checking *c = context;

	progress_update(&c->bar, offset);
	return c->in->read_at(c->in->context, offset, buffer, size, fault);
}

static void sum_up(struct cli *cli, const char *name, const struct sbin_summary *s, int rc,
		   bool fit)
{
	if (cli->json) {
		printf("%s],\n  \"file_version\": \"%u.%u\",\n  \"consume\": %s,\n"
		       "  \"records\": %lu,\n  \"consumed\": %lu,\n  \"left\": %lu,\n"
		       "  \"next\": %lu,\n  \"next_pid\": \"%s\",\n  \"post_seconds\": %.1f,\n"
		       "  \"errors\": %lu,\n  \"warnings\": %lu,\n  \"notes\": %lu,\n"
		       "  \"sound\": %s\n}\n", s->errors + s->warnings + s->notes ? "\n  " : "",
		       s->version.major, s->version.minor, s->consumable ? "true" : "false",
		       (unsigned long)s->records, (unsigned long)s->consumed,
		       (unsigned long)s->valid, (unsigned long)s->next, s->next_pid,
		       s->post_seconds, s->errors, s->warnings, s->notes, fit ? "true" : "false");
		return;
	}
	if (cli->quiet)
		return;
	if (!rc) {
		text_print(stdout, "%s: ", name);
		printf("version %u.%u, %lu record%s, ", s->version.major,
		       s->version.minor, (unsigned long)s->records, plural(s->records));
		if (s->consumable)
			printf("%lu consumed, %lu left", (unsigned long)s->consumed,
			       (unsigned long)s->valid);
		else
			printf("not consumed");
		if (s->next != 0)
			printf(", next is %lu%s%s", (unsigned long)s->next,
			       s->next_pid[0] ? ", PID " : "", s->next_pid);
		putchar('\n');
	}
	text_print(stdout, "%s: ", name);
	printf("%lu error%s, %lu warning%s, %lu note%s: %s\n", s->errors,
	       plural(s->errors), s->warnings, plural(s->warnings), s->notes,
	       plural(s->notes), fit ? "sound" : "not sound");
}

static int check(struct cli *cli, const void *given)
{
	const struct file_check_options *o = given;
	struct checking c = { .cli = cli };
	struct sbin_summary summary;
	struct setupbin_file f;
	struct sbin_input in;
	struct fault fault = { 0 };
	bool fit;
	int rc;

	rc = setupbin_file_open(&f, cli->argv[0], &fault);
	if (rc)
		return cli_fail(cli, &fault);
	c.in = &f.in;
	in = (struct sbin_input){ read_on, &c, f.in.size, f.in.name };
	progress_begin(&c.bar, "checking", f.in.size == UINT64_MAX ? 0 : f.in.size, true,
		       cli->quiet);
	if (cli->json)
		printf("{\n  \"findings\": [");
	rc = sbin_check(&in, found, &c, &summary, &fault);
	progress_end(&c.bar);
	setupbin_file_close(&f);
	fit = !rc && summary.errors == 0 &&
	      !(o->strict && summary.warnings != 0);
	if (fault.code == 0 || cli->json)
		sum_up(cli, in.name, &summary, rc, fit);
	if (c.failed)
		fault_set(&fault, KIT_ERR_NOMEM, "cannot make the JSON output");
	if (fault.code)
		return cli_fail(cli, &fault);
	return fit ? EXIT_YES : EXIT_NO;
}

const struct cli_verb setupbin_check = {
	.name = "check",
	.operands = "FILE|-",
	.summary = "will firmware take the file, and if not, why",
	.options = options,
	.options_size = sizeof(struct file_check_options),
	.min_operands = 1,
	.max_operands = 1,
	.flags = CLI_JSON,
	.run = check,
	.details =
		"An error is what firmware refuses, a warning what some of it may refuse, a note"
		" is worth knowing. Exit status 1 if there is an error, and with --strict also if"
		" there is a warning.",
	.examples = "amt-setupbin check setup.bin\n"
		    "amt-setupbin check --strict --json setup.bin",
};
