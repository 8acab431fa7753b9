/* Shell completions, made from the same tables as the help. */
#include "common/cli-private.h"

#include <string.h>

#define FILES	"mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")"

/* A shell function's name may not hold what a program's name may. */
static void function_name(FILE *out, const char *program)
{
	fputc('_', out);
	for (; *program; program++)
		fputc(*program == '-' ? '_' : *program, out);
}

static void quoted(FILE *out, const char *text)
{
	fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\'", out);
		fputc(*text, out);
	}
	fputc('\'', out);
}

static void option_words(FILE *out, const struct cli_verb *v)
{
	for (const struct cli_option *o = cli_shown(v, NULL); o; o = cli_shown(v, o))
		fprintf(out, "--%s ", o->name);
	fprintf(out, "%s--quiet --help --version", v->flags & CLI_JSON ? "--json " : "");
}

/*
 * A branch "--map|--output) ACTION" for the options of V that take a file's name (FILE), or
 * those that take another value; nothing when there are none.
 */
static void value_branch(FILE *out, const struct cli_verb *v, bool file, const char *action)
{
	const char *sep = "\t\t";

	for (const struct cli_option *o = cli_shown(v, NULL); o; o = cli_shown(v, o)) {
		if (!o->value || !(o->flags & CLI_FILE) == file)
			continue;
		fprintf(out, "%s--%s", sep, o->name);
		sep = "|";
		if (o->letter)
			fprintf(out, "|-%c", o->letter);
	}
	if (*sep == '|')
		fprintf(out, ") %s ;;\n", action);
}

/* Is the I-th verb the first of its noun? Verbs of one noun follow each other. */
static bool is_first(const struct cli_program *p, size_t i)
{
	const char *name = cli_verb_at(p, i)->name;

	return i == 0 || strncmp(cli_verb_at(p, i - 1)->name, name, strcspn(name, " ") + 1) != 0;
}

static void bash(FILE *out, const struct cli_program *p)
{
	const struct cli_verb *v, *w;

	fprintf(out, "# bash completion for %s\n", p->name);
	function_name(out, p->name);
	fputs("() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tlocal line=\"${COMP_WORDS[*]:1:COMP_CWORD-1} \" options=\n"
	      "\tCOMPREPLY=()\n\tcase $line in\n", out);
	/* No need for longer names first: a case of two words never fits one word. */
	for (size_t i = 0; (v = cli_verb_at(p, i)) != NULL; i++) {
		if (v->flags & CLI_HIDDEN)
			continue;
		fputc('\t', out);
		if (*v->name)
			quoted(out, v->name);
		fputs(*v->name ? "' '*)\n" : "*)\n", out);
		fputs("\t\tcase $prev in\n", out);
		value_branch(out, v, true, FILES "; return");
		value_branch(out, v, false, "return");
		fputs("\t\tesac\n\t\toptions='", out);
		option_words(out, v);
		fputs("' ;;\n", out);
	}
	fputs("\tesac\n\tif [ -z \"$options\" ]; then\n\t\tcase $line in\n", out);
	/* The second word of verbs such as "keys import", and the first of all. */
	for (size_t i = 0; (v = cli_verb_at(p, i)) != NULL; i++) {
		size_t first = strcspn(v->name, " ");

		if (!v->name[first] || (v->flags & CLI_HIDDEN) || !is_first(p, i))
			continue;
		fprintf(out, "\t\t'%.*s '*) options='", (int)first, v->name);
		for (size_t j = 0; (w = cli_verb_at(p, j)) != NULL; j++)
			if (strncmp(w->name, v->name, first + 1) == 0)
				fprintf(out, "%s ", w->name + first + 1);
		fputs("' ;;\n", out);
	}
	fputs("\t\t*) options='", out);
	for (size_t i = 0; (v = cli_verb_at(p, i)) != NULL; i++)
		if (!(v->flags & CLI_HIDDEN) && is_first(p, i))
			fprintf(out, "%.*s ", (int)strcspn(v->name, " "), v->name);
	fputs("--help --version' ;;\n\t\tesac\n\tfi\n"
	      "\tif [[ $options == *--quiet* && $cur != -* ]]; then\n"
	      "\t\t" FILES "\n"
	      "\telse\n\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
	      "\tfi\n}\n", out);
	fputs("complete -o filenames -F ", out);
	function_name(out, p->name);
	fprintf(out, " %s\n", p->name);
}

static bool repeats(const struct cli_option *o)
{
	return o->type == CLI_IS_LIST;
}

/* One verb's options as _arguments wants them. */
static void zsh_arguments(FILE *out, const struct cli_verb *v)
{
	fputs("_arguments -s", out);
	for (const struct cli_option *o = cli_shown(v, NULL); o; o = cli_shown(v, o)) {
		fprintf(out, " \\\n\t\t\t'%s--%s%s[", repeats(o) ? "*" : "", o->name,
			o->value ? "=" : "");
		for (const char *c = o->help; *c; c++) {
			if (strchr("[]:", *c))
				fputc('\\', out);
			fputs(*c == '\'' ? "'\\''" : (char[]){ *c, 0 }, out);
		}
		fputc(']', out);
		if (o->value)
			fprintf(out, ":%s:%s", o->value, o->flags & CLI_FILE ? "_files" : "");
		fputc('\'', out);
	}
	fprintf(out, " \\\n\t\t\t%s'--quiet[no notes]' '--help[help]' '--version[version]' "
		"'*:file:_files'", v->flags & CLI_JSON ? "'--json[print JSON]' " : "");
}

static void zsh(FILE *out, const struct cli_program *p)
{
	const struct cli_verb *v;

	fprintf(out, "#compdef %s\n", p->name);
	function_name(out, p->name);
	fputs("() {\n\tlocal line=\"${words[2,CURRENT-1]} \"\n\tcase $line in\n", out);
	for (size_t i = 0; (v = cli_verb_at(p, i)) != NULL; i++) {
		if (v->flags & CLI_HIDDEN)
			continue;
		fputc('\t', out);
		if (*v->name)
			quoted(out, v->name);
		fprintf(out, "%s", *v->name ? "' '*)\n" : "*)\n");
		/* _arguments counts from the program's name: the verb's words step aside. */
		if (*v->name)
			fprintf(out, "\t\tshift %d words; (( CURRENT -= %d ))\n",
				strchr(v->name, ' ') ? 2 : 1, strchr(v->name, ' ') ? 2 : 1);
		fputs("\t\t", out);
		zsh_arguments(out, v);
		fputs(" ;;\n", out);
	}
	fputs("\t*) compadd -- ${${(f)\"$(print -l", out);
	for (size_t i = 0; (v = cli_verb_at(p, i)) != NULL; i++)
		if (*v->name && !(v->flags & CLI_HIDDEN)) {
			fputc(' ', out);
			quoted(out, v->name);
		}
	fputs(" | sed -n \"s/^${line# }//p\")\"}%% *} ;;\n\tesac\n}\n", out);
	function_name(out, p->name);
	fputs(" \"$@\"\n", out);
}

int cli_complete(FILE *out, const struct cli_program *program, const char *shell)
{
	if (strcmp(shell, "bash") == 0)
		bash(out, program);
	else if (strcmp(shell, "zsh") == 0)
		zsh(out, program);
	else
		return KIT_ERR_ARGUMENT;
	return 0;
}
