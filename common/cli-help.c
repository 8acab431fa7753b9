/* Help and version texts, made from the tables of common/cli.h. */
#include "common/cli-private.h"

#include <string.h>

/* Print TEXT wrapped at 80 columns, lines begun at column INDENT; the first is there already. */
static void wrap(FILE *out, const char *text, int indent)
{
	int column = indent;

	while (*text) {
		int n = (int)strcspn(text, " \n");

		if (column > indent && column + 1 + n > 80) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, (size_t)n, out);
		column += n;
		text += n;
		if (*text == '\n') {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		}
		text += *text != 0;
	}
	fputc('\n', out);
}

const struct cli_option *cli_shown(const struct cli_verb *verb, const struct cli_option *after)
{
	const struct cli_option *o = after ? after + 1 : verb->options;

	while (o && o->name && o->type == CLI_IS_GONE)
		o++;
	return o && o->name ? o : NULL;
}

/* "LEFT" in a column of its own, TEXT wrapped beside it. */
static void pair(FILE *out, const char *left, const char *text)
{
	const int indent = 30;
	int n = (int)strlen(left);

	fputs(left, out);
	if (n + 2 > indent) {
		fputc('\n', out);
		n = 0;
	}
	fprintf(out, "%*s", indent - n, "");
	wrap(out, text, indent);
}

static void option(FILE *out, char letter, const char *name, const char *value, const char *help)
{
	char left[128];

	if (letter)
		snprintf(left, sizeof(left), "  -%c, --%s%s%s", letter, name, value ? " " : "",
			 value ? value : "");
	else
		snprintf(left, sizeof(left), "      --%s%s%s", name, value ? " " : "",
			 value ? value : "");
	pair(out, left, help);
}

/* Lines to copy, each indented. */
static void examples(FILE *out, const char *text)
{
	if (!text)
		return;
	fputs("\nExamples:\n", out);
	while (*text) {
		int n = (int)strcspn(text, "\n");

		fprintf(out, "  %.*s\n", n, text);
		text += n;
		text += *text != 0;
	}
}

static void details(FILE *out, const char *text)
{
	if (!text)
		return;
	fputc('\n', out);
	wrap(out, text, 0);
}

void cli_help_version(FILE *out, const struct cli_program *program)
{
	fprintf(out, "%s %s\n", program->name, KIT_VERSION);
}

bool cli_is_of_noun(const struct cli_verb *verb, const char *noun)
{
	size_t n = strlen(noun);

	return strncmp(verb->name, noun, n) == 0 && verb->name[n] == ' ';
}

/* The verbs of the program, or those of NOUN alone. */
static void verbs(FILE *out, const struct cli_program *program, const char *noun)
{
	const struct cli_verb *v;
	char left[128];

	fputs("\nVerbs:\n", out);
	for (size_t i = 0; (v = cli_verb_at(program, i)) != NULL; i++) {
		if (v->flags & CLI_HIDDEN || (noun && !cli_is_of_noun(v, noun)))
			continue;
		snprintf(left, sizeof(left), "  %s", v->name);
		pair(out, left, v->summary);
	}
}

void cli_help_noun(FILE *out, const struct cli_program *program, const char *noun)
{
	fprintf(out, "Usage: %s %s VERB [OPTION]... [OPERAND]...\n", program->name, noun);
	verbs(out, program, noun);
	fprintf(out, "\n\"%s %s VERB --help\" shows more about a verb.\n", program->name, noun);
}

void cli_help_program(FILE *out, const struct cli_program *program)
{
	fprintf(out, "%s - %s\n\nUsage: %s VERB [OPTION]... [OPERAND]...\n",
		program->name, program->summary, program->name);
	verbs(out, program, NULL);
	details(out, program->details);
	examples(out, program->examples);
	fprintf(out, "\n\"%s VERB --help\" shows more about a verb.\n"
		"Exit status: 0 done or yes, 1 the answer is no, 2 could not do it or misuse.\n",
		program->name);
}

void cli_help_verb(FILE *out, const struct cli_program *program, const struct cli_verb *verb)
{
	const char *summary = *verb->name ? verb->summary : program->summary;

	fprintf(out, "%s%s%s - %s\n\nUsage: %s%s%s [OPTION]...%s%s\n\nOptions:\n", program->name,
		*verb->name ? " " : "", verb->name, summary, program->name, *verb->name ? " " : "",
		verb->name, *verb->operands ? " " : "", verb->operands);
	for (const struct cli_option *o = cli_shown(verb, NULL); o; o = cli_shown(verb, o))
		option(out, o->letter, o->name, o->value, o->help);
	if (verb->flags & CLI_JSON)
		option(out, 0, "json", NULL, "print JSON for scripts");
	option(out, 'q', "quiet", NULL, "no notes and no progress bar");
	option(out, 'h', "help", NULL, "show this");
	option(out, 0, "version", NULL, "show the version");
	details(out, verb->details);
	examples(out, verb->examples);
}
