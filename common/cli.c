/* The command line of every program: verbs and options from tables, errors, questions. */
#include "common/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cli-private.h"
#include "common/secret.h"
#include "common/text.h"

struct cli_given {
	const struct cli_option *option;
	const char *value;
};

#define MAX_OPTIONS	64

/* Options that need no table; their getopt codes lie above the table's indexes. */
enum { CODE_TABLE = 1000, CODE_HELP = 2000, CODE_VERSION, CODE_QUIET, CODE_JSON };

bool cli_given(const struct cli *cli, const struct cli_option *option)
{
	for (size_t i = 0; i < cli->n_given; i++)
		if (cli->given[i].option == option)
			return true;
	return false;
}

int cli_parse_size(const char *text, uint64_t *out)
{
	char *end;
	unsigned long long n;
	int shift = 0;

	if (*text < '0' || *text > '9')
		return KIT_ERR_ARGUMENT;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno)
		return KIT_ERR_ARGUMENT;
	if (*end == 'K' || *end == 'k')
		shift = 10;
	else if (*end == 'M' || *end == 'm')
		shift = 20;
	else if (*end == 'G' || *end == 'g')
		shift = 30;
	end += shift != 0;
	if (*end || n > UINT64_MAX >> shift)
		return KIT_ERR_ARGUMENT;
	*out = (uint64_t)n << shift;
	return 0;
}

/* A number, or a size if SIZE, that the option NAME got as TEXT. */
static int bounded(const char *text, const char *name, bool size, uint64_t min, uint64_t max,
		   uint64_t *out, struct fault *fault)
{
	uint64_t n;

	if ((!size && strspn(text, "0123456789") != strlen(text)) || cli_parse_size(text, &n))
		return fault_set(fault, KIT_ERR_ARGUMENT, "--%s: \"%s\" is not a %s\n"
				 "give %s", name, text, size ? "size" : "number",
				 size ? "bytes, or a number with K, M or G (64M)"
				      : "a whole number");
	if (n < min || n > max)
		return fault_set(fault, KIT_ERR_ARGUMENT, "--%s: %" PRIu64 " is not within %" PRIu64
				 " to %" PRIu64, name, n, min, max);
	*out = n;
	return 0;
}

int cli_fail(const struct cli *cli, const struct fault *fault)
{
	fflush(stdout);
	fprintf(stderr, "%s: ", cli->program->name);
	text_print(stderr, "%s", fault->what[0] ? fault->what : error_text(fault->code));
	if (fault->hint[0]) {
		fputs("\n  ", stderr);
		text_print(stderr, "%s", fault->hint);
	}
	fputc('\n', stderr);
	return EXIT_CANNOT;
}

__attribute__((format(printf, 3, 0)))
static void message(const struct cli *cli, const char *kind, const char *format, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "%s: %s", cli->program->name, kind);
	text_vprint(stderr, format, args);
	fputc('\n', stderr);
}

void cli_warn(const struct cli *cli, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	message(cli, "warning: ", format, args);
	va_end(args);
}

void cli_note(const struct cli *cli, const char *format, ...)
{
	va_list args;

	if (cli->quiet)
		return;
	va_start(args, format);
	message(cli, "", format, args);
	va_end(args);
}

int cli_misuse(const struct cli *cli, const char *format, ...)
{
	const char *verb = cli->verb ? cli->verb->name : "";
	va_list args;

	va_start(args, format);
	message(cli, "", format, args);
	va_end(args);
	fprintf(stderr, "  see: %s %s%s--help\n", cli->program->name, verb, *verb ? " " : "");
	return EXIT_CANNOT;
}

int cli_ask(const struct cli *cli, const char *question, char *out, size_t size,
	    struct fault *fault)
{
	if (!isatty(STDIN_FILENO))
		return fault_set(
			fault, KIT_ERR_STATE,
			"standard input is not a terminal: the question cannot be answered");
	fflush(stdout);
	fprintf(stderr, "%s", question);
	if (!fgets(out, (int)size, stdin))
		return fault_set(fault, KIT_ERR_CANCELLED, "no answer, so nothing was done");
	out[strcspn(out, "\r\n")] = 0;
	return 0;
}

int cli_confirm(const struct cli *cli, const char *question, const char *word,
		struct fault *fault)
{
	char answer[64];
	int rc = cli_ask(cli, question, answer, sizeof(answer), fault);

	if (!rc && strcmp(answer, word) != 0)
		rc = fault_set(fault, KIT_ERR_CANCELLED,
			       "the answer was not \"%s\", so nothing was done", word);
	return rc;
}

int cli_print_json(struct cli *cli, struct json_t *value)
{
	struct fault fault = { 0 };
	int rc = value ? json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : -1;

	json_decref(value);
	putchar('\n');
	if (!rc)
		return EXIT_YES;
	fault_set(&fault, KIT_ERR_NOMEM, "cannot make the JSON output");
	return cli_fail(cli, &fault);
}

const struct cli_verb *cli_verb_at(const struct cli_program *program, size_t i)
{
	return program->verbs[i];
}

/* Words of a verb's name that argv begins with, or 0 when it does not match. */
static int matches(const struct cli_verb *verb, int argc, char **argv)
{
	const char *p = verb->name;
	int words = 0;

	while (*p) {
		size_t n = strcspn(p, " ");

		if (words == argc || strlen(argv[words]) != n || strncmp(argv[words], p, n) != 0)
			return 0;
		words++;
		p += n;
		p += strspn(p, " ");
	}
	return words;
}

/* The verb that ARGV names, its words counted in *USED; the longest name wins. */
static const struct cli_verb *find_verb(const struct cli_program *program, int argc, char **argv,
					int *used)
{
	const struct cli_verb *best = NULL, *v;

	*used = 0;
	for (size_t i = 0; (v = cli_verb_at(program, i)) != NULL; i++) {
		int n = matches(v, argc, argv);

		if (n > *used || (!*v->name && !best)) {
			best = v;
			*used = n;
		}
	}
	return best;
}

static int choose(const struct cli_option *o, const char *value, unsigned *out,
		  struct fault *fault)
{
	char words[256] = "";

	for (unsigned i = 0; o->words[i]; i++) {
		if (strcmp(o->words[i], value) == 0) {
			*out = i;
			return 0;
		}
		snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s%s",
			 i ? ", " : "", o->words[i]);
	}
	return fault_set(fault, KIT_ERR_ARGUMENT, "--%s: \"%s\" is unknown\n"
			 "give one of: %s", o->name, value, words);
}

/* Put VALUE of the option O into its field of the verb's struct. */
static int store(const struct cli_option *o, const char *value, void *options, size_t room,
		 struct fault *fault)
{
	void *field = (char *)options + o->offset;
	struct cli_list *list = field;
	uint64_t n = 0;
	int rc = 0;

	switch (o->type) {
	case CLI_IS_GONE:
		break;
	case CLI_IS_FLAG:
		*(bool *)field = true;
		break;
	case CLI_IS_TEXT:
		*(const char **)field = value;
		break;
	case CLI_IS_NUMBER:
	case CLI_IS_SIZE:
		rc = bounded(value, o->name, o->type == CLI_IS_SIZE, o->min, o->max, &n, fault);
		if (rc)
			break;
		if (o->width == sizeof(uint16_t))
			*(uint16_t *)field = (uint16_t)n;
		else if (o->width == sizeof(uint32_t))
			*(uint32_t *)field = (uint32_t)n;
		else
			*(uint64_t *)field = n;
		break;
	case CLI_IS_CHOICE:
		rc = choose(o, value, field, fault);
		break;
	case CLI_IS_LIST:
		if (!list->values)
			list->values = calloc(room, sizeof(*list->values));
		if (!list->values)
			return fault_nomem(fault);
		list->values[list->count++] = value;
		break;
	}
	return rc;
}

/* The option O was given, with VALUE if it takes one. Returns 0 or an exit status. */
static int take(struct cli *cli, const struct cli_option *o, const char *value, void *options,
		size_t room)
{
	struct fault fault = { 0 };

	if (o->type == CLI_IS_GONE) {
		cli_warn(cli, "--%s does nothing any more: %s", o->name, o->help);
		return EXIT_YES;
	}
	for (size_t i = 0; i < cli->n_given; i++) {
		const struct cli_option *other = cli->given[i].option;

		if (other == o && o->type != CLI_IS_LIST)
			return cli_misuse(cli, "--%s is given twice", o->name);
		if (other != o && o->exclusive && other->exclusive == o->exclusive)
			return cli_misuse(cli, "--%s and --%s exclude each other", other->name,
					  o->name);
	}
	cli->given[cli->n_given++] = (struct cli_given){ o, value };
	return store(o, value, options, room, &fault) ? cli_fail(cli, &fault) : EXIT_YES;
}

/* What getopt_long() wants to know of a verb's options. */
struct getopt_table {
	char shorts[2 * MAX_OPTIONS + 8];
	struct option longs[MAX_OPTIONS + 5];
};

static const struct cli_option *options_of(const struct cli_verb *verb)
{
	static const struct cli_option none[] = { { 0 } };

	return verb->options ? verb->options : none;
}

static struct getopt_table getopt_table_of(const struct cli_verb *verb)
{
	struct getopt_table t = { .shorts = ":hq" };
	size_t n = 0, at = strlen(t.shorts);

	for (const struct cli_option *o = options_of(verb); o->name; o++, n++) {
		/* A table of another verb's struct is a mistake of the program. */
		if (n == MAX_OPTIONS ||
		    (o->type != CLI_IS_GONE && o->of != verb->options_size) ||
		    (o->width < sizeof(uint64_t) && o->max >> 8 * o->width))
			abort();
		t.longs[n] = (struct option){ o->name, o->value ? required_argument : no_argument,
					      NULL, CODE_TABLE + (int)n };
		if (o->letter) {
			t.shorts[at++] = o->letter;
			if (o->value)
				t.shorts[at++] = ':';
		}
	}
	t.longs[n++] = (struct option){ "help", no_argument, NULL, CODE_HELP };
	t.longs[n++] = (struct option){ "version", no_argument, NULL, CODE_VERSION };
	t.longs[n++] = (struct option){ "quiet", no_argument, NULL, CODE_QUIET };
	if (verb->flags & CLI_JSON)
		t.longs[n++] = (struct option){ "json", no_argument, NULL, CODE_JSON };
	return t;
}

/* The option of the table that getopt_long() gave CODE for: its place, or its letter. */
static const struct cli_option *option_of_code(const struct cli_verb *verb, int code)
{
	const struct cli_option *o = options_of(verb);

	if (code >= CODE_TABLE)
		return &o[code - CODE_TABLE];
	while (o->letter != code)
		o++;
	return o;
}

/*
 * Is WORD, as given for O, "--new-password" and no more of --new-password-file? What follows it
 * is then likely to be the password, and not a file's name that messages may show.
 */
static bool lacks_file(const struct cli_option *o, const char *word)
{
	static const char end[] = "-password-file";
	size_t n = strlen(o->name), given = strcspn(word, "=") - strlen("--");

	return n > strlen(end) && strcmp(o->name + n - strlen(end), end) == 0 &&
	       given <= n - strlen("-file");
}

/* Is WORD, as given for O, its long name cut short? */
static bool is_short_of(const struct cli_option *o, const char *word)
{
	return strncmp(word, "--", 2) == 0 && strcspn(word, "=") - 2 < strlen(o->name);
}

/* The operands that are missing of "TARGET... SETUPBIN", but for those that may be left out. */
static int misses_operands(const struct cli *cli)
{
	const char *p = cli->verb->operands, *end = strstr(p, " [");
	int n;

	for (int i = 0; i < cli->argc && strchr(p, ' '); i++)
		p = strchr(p, ' ') + 1;
	n = end && end > p ? (int)(end - p) : (int)strlen(p);
	return cli_misuse(cli, "%.*s is missing. Usage: %s%s%s %s", n, p, cli->program->name,
			  *cli->verb->name ? " " : "", cli->verb->name, cli->verb->operands);
}

/* Is all there that the verb demands, and no operand too many? As parse(). */
static int check_demands(const struct cli *cli)
{
	const struct cli_verb *verb = cli->verb;

	for (const struct cli_option *o = options_of(verb); o->name; o++)
		if ((o->flags & CLI_REQUIRED) && !cli_given(cli, o))
			return cli_misuse(cli, "--%s is missing", o->name);
	if (cli->argc < verb->min_operands)
		return misses_operands(cli);
	if (verb->max_operands >= 0 && cli->argc > verb->max_operands)
		return cli_misuse(cli, "\"%s\" is one operand too many",
				  cli->argv[verb->max_operands]);
	return -1;
}

/* Parse the options of cli->verb into OPTIONS. Returns an exit status, or -1 to go on. */
static int parse(struct cli *cli, int argc, char **argv, void *options)
{
	const struct getopt_table table = getopt_table_of(cli->verb);
	const struct cli_option *option;
	const char *word;
	int code, name;

	optind = 1;
	opterr = 0;
	while ((code = getopt_long(argc, argv, table.shorts, table.longs, NULL)) != -1) {
		/* What stands behind '=' may be a secret that was not to stand there. */
		word = argv[optind - 1];
		name = (int)strcspn(word, "=");
		switch (code) {
		case 'h':
		case CODE_HELP:
			cli_help_verb(stdout, cli->program, cli->verb);
			return EXIT_YES;
		case CODE_VERSION:
			cli_help_version(stdout, cli->program);
			return EXIT_YES;
		case 'q':
		case CODE_QUIET:
			cli->quiet = true;
			continue;
		case CODE_JSON:
			cli->json = true;
			continue;
		case ':':
			return cli_misuse(cli, "%.*s needs a value", name, word);
		case '?':
			if (optopt && optopt < CODE_TABLE)
				return cli_misuse(cli, "there is no option -%c", optopt);
			return cli_misuse(cli,
					  optopt ? "%.*s takes no value"
						 : "there is no option %.*s, or it is ambiguous",
					  name, word);
		}
		option = option_of_code(cli->verb, code);
		if (optarg == word)
			word = argv[optind - 2];
		if (code >= CODE_TABLE && lacks_file(option, word))
			return cli_misuse(cli,
					  "there is no option %.*s: passwords are read from files,"
					  " --%s FILE",
					  (int)strcspn(word, "="), word, option->name);
		if (code >= CODE_TABLE && (option->flags & CLI_WHOLE) && is_short_of(option, word))
			return cli_misuse(
				cli, "there is no option %.*s (--%s must be written in full)",
				(int)strcspn(word, "="), word, option->name);
		code = take(cli, option, optarg, options, (size_t)argc);
		if (code)
			return code;
	}
	cli->argc = argc - optind;
	cli->argv = argv + optind;
	return check_demands(cli);
}

/* Standard output may be a full disk or a closed pipe: what was not taken was not said. */
static int check_stdout(const struct cli_program *program, int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (errno != EPIPE)
		fprintf(stderr, "%s: cannot write to standard output: %s\n", program->name,
			strerror(errno));
	return EXIT_CANNOT;
}

/* Key lists pass through jansson: what it frees may have held a secret. */
static void wiping_free(void *p)
{
	if (p)
		secret_wipe(p, malloc_usable_size(p));
	free(p);
}

static bool asks_for_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help");
}

/* Is WORD what several verbs have in common, "keys" of "keys import"? */
static bool is_noun(const struct cli_program *program, const char *word)
{
	const struct cli_verb *v;

	for (size_t i = 0; (v = cli_verb_at(program, i)) != NULL; i++)
		if (cli_is_of_noun(v, word))
			return true;
	return false;
}

/* ARGV names no verb: say which there are, or at least where that is said. */
static int no_verb(const struct cli *cli, int argc, char **argv)
{
	const struct cli_program *program = cli->program;

	if (argc < 2) {
		cli_help_program(stderr, program);
		return EXIT_CANNOT;
	}
	if (!is_noun(program, argv[1]))
		return cli_misuse(cli, "there is no verb \"%s\"", argv[1]);
	if (argc > 2 && asks_for_help(argv[2])) {
		cli_help_noun(stdout, program, argv[1]);
		return EXIT_YES;
	}
	if (argc > 2)
		fprintf(stderr, "%s: there is no verb \"%s %s\"\n\n", program->name, argv[1],
			argv[2]);
	cli_help_noun(stderr, program, argv[1]);
	return EXIT_CANNOT;
}

/*
 * A standard stream that was closed leaves its number to the next file that is opened: warnings
 * would go into a setup.bin, onto a stick. Something that refuses reads or writes takes its place.
 */
static int fill_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return KIT_ERR_SYSTEM;
	return 0;
}

static void free_lists(const struct cli_verb *verb, void *options)
{
	for (const struct cli_option *o = options_of(verb); options && o->name; o++)
		if (o->type == CLI_IS_LIST)
			free(((struct cli_list *)(void *)((char *)options + o->offset))->values);
}

/* Parse what follows the verb, and run it. Returns an exit status. */
static int run_verb(struct cli *cli, int argc, char **argv)
{
	const struct cli_verb *verb = cli->verb;
	void *options = calloc(1, verb->options_size + 1);
	struct fault fault = { 0 };
	int status = EXIT_CANNOT;

	cli->given = calloc((size_t)argc + 1, sizeof(*cli->given));
	if (!cli->given || !options) {
		fault_nomem(&fault);
		cli_fail(cli, &fault);
		goto out;
	}
	if (verb->defaults)
		memcpy(options, verb->defaults, verb->options_size);
	status = parse(cli, argc, argv, options);
	if (status < 0)
		status = verb->run(cli, options);
	free_lists(verb, options);
out:
	free(options);
	free(cli->given);
	return status;
}

int cli_main(const struct cli_program *program, int argc, char **argv)
{
	struct cli cli = { .program = program };
	int used;

	if (fill_streams()) {
		fprintf(stderr,
			"%s: a standard stream is closed, and /dev/null cannot take its place:"
			" %s\n",
			program->name, strerror(errno));
		return EXIT_CANNOT;
	}
	secret_protect_process();
	/* A reader that went away and a limit on file sizes are errors of a write, no deaths. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	json_set_alloc_funcs(malloc, wiping_free);
	if (argc > 1 && asks_for_help(argv[1])) {
		const struct cli_verb *verb = find_verb(program, argc - 2, argv + 2, &used);

		if (verb)
			cli_help_verb(stdout, program, verb);
		else if (argc > 2 && is_noun(program, argv[2]))
			cli_help_noun(stdout, program, argv[2]);
		else
			cli_help_program(stdout, program);
		return check_stdout(program, EXIT_YES);
	}
	if (argc > 1 && !strcmp(argv[1], "--version")) {
		cli_help_version(stdout, program);
		return check_stdout(program, EXIT_YES);
	}
	if (argc == 3 && !strcmp(argv[1], "--completion")) {
		if (cli_complete(stdout, program, argv[2]))
			return cli_misuse(&cli, "--completion: bash or zsh, not \"%s\"", argv[2]);
		return check_stdout(program, EXIT_YES);
	}
	cli.verb = find_verb(program, argc - 1, argv + 1, &used);
	if (!cli.verb)
		return check_stdout(program, no_verb(&cli, argc, argv));
	/* getopt starts behind argv[0]: the last word of the verb takes that place. */
	return check_stdout(program, run_verb(&cli, argc - used, argv + used));
}
