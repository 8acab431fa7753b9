/* The command line of every program: verbs and options from tables, help, errors, questions. */
#ifndef COMMON_CLI_H
#define COMMON_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/*
 * A program is a table of verbs, a verb is a table of options. Help, the parser
 * and the shell completions all come from these tables. --help, --version and
 * --quiet exist everywhere without being listed; --json where CLI_JSON is set;
 * "--completion bash|zsh" alone prints a completion script.
 */
enum cli_option_flags {
	CLI_REPEAT = 1,		/* may be given more than once; else a repetition is refused */
	CLI_REQUIRED = 2,
	CLI_FILE = 4,		/* its value is a file's name (for completion) */
};

struct cli_option {
	const char *name;	/* long name, no dashes; a NULL name ends the table */
	char letter;		/* short form, or 0 */
	const char *value;	/* its value's name in the help ("FILE"), or NULL: a flag */
	const char *help;	/* one sentence, no full stop */
	unsigned flags;
	int exclusive;		/* options of a verb with the same number > 0 exclude each other */
};

struct cli;

enum cli_verb_flags {
	CLI_JSON = 1,		/* takes --json */
	CLI_HIDDEN = 2,		/* not shown in the help */
};

struct cli_verb {
	const char *name;	/* "generate", "keys import"; "" in a program without verbs */
	const char *operands;	/* "FILE|-"; "" for none */
	const char *summary;	/* one line, no full stop */
	const struct cli_option *options;	/* NULL for none */
	int min_operands;
	int max_operands;	/* -1: any number */
	unsigned flags;
	int (*run)(struct cli *cli);	/* returns an exit status */
	const char *details;	/* more paragraphs for the help, or NULL */
	const char *examples;	/* lines to copy, or NULL */
};

struct cli_program {
	const char *name;
	const char *summary;	/* one line */
	const struct cli_verb *verbs;	/* ended by a NULL name */
	const char *details;	/* or NULL */
	const char *examples;
};

struct cli {
	const struct cli_program *program;
	const struct cli_verb *verb;
	int argc;		/* operands */
	char **argv;
	bool json;
	bool quiet;
	struct cli_given *given;	/* options as given; see the functions below */
	size_t n_given;
};

/*
 * The whole of a main(): protects the process and its standard streams, parses, runs the verb,
 * checks that standard output took everything. Returns the exit status.
 */
int cli_main(const struct cli_program *program, int argc, char **argv);

/* Was the option NAME (of the verb's table; anything else aborts) given? */
bool cli_has(const struct cli *cli, const char *name);
/* Its value, or NULL when it was not given. */
const char *cli_value(const struct cli *cli, const char *name);
/* How often, and the value of the I-th time from 0, for CLI_REPEAT options. */
size_t cli_count(const struct cli *cli, const char *name);
const char *cli_value_at(const struct cli *cli, const char *name, size_t i);

/*
 * A number within MIN..MAX, or a size in bytes with K, M, G (powers of 1024).
 * *out keeps its value when the option was not given. Returns 0 or
 * KIT_ERR_ARGUMENT with *fault set.
 */
int cli_number(const struct cli *cli, const char *name, uint64_t min, uint64_t max,
	       uint64_t *out, struct fault *fault);
int cli_size(const struct cli *cli, const char *name, uint64_t min, uint64_t max,
	     uint64_t *out, struct fault *fault);
/* The parser behind cli_size(), for operands and configuration: "64M". */
int cli_parse_size(const char *text, uint64_t *out);

/*
 * Messages on stderr, each begun with the program's name. A fault is printed with
 * its advice on a line of its own. cli_fail() also returns EXIT_CANNOT, for
 * "return cli_fail(cli, &fault)"; cli_misuse() adds where to find the help.
 * Notes are left out under --quiet.
 */
int cli_fail(const struct cli *cli, const struct fault *fault);
int cli_misuse(const struct cli *cli, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void cli_warn(const struct cli *cli, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void cli_note(const struct cli *cli, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Ask a question on the terminal and read a line of answer (no line end) into OUT.
 * Returns 0, or KIT_ERR_STATE when standard input is no terminal, KIT_ERR_CANCELLED
 * at end of file.
 */
int cli_ask(const struct cli *cli, const char *question, char *out, size_t size,
	    struct fault *fault);
/* Must the person type the whole word WORD. Returns 0, or KIT_ERR_CANCELLED and kin. */
int cli_confirm(const struct cli *cli, const char *question, const char *word,
		struct fault *fault);

/* Print a jansson value (struct json_t *) to stdout, indented, a line end. Takes the reference. */
struct json_t;
int cli_print_json(struct cli *cli, struct json_t *value);

#endif
