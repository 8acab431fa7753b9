/* The command line of every program: verbs and options from tables, help, errors, questions. */
#ifndef COMMON_CLI_H
#define COMMON_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/*
 * A program is an array of verbs; a verb is a function, the table of its options and the struct
 * that they are parsed into. The struct, the table, the function and the verb's entry stand
 * beside each other:
 *
 *	struct split_options {
 *		uint64_t number;
 *		const char *output;
 *		bool force;
 *	};
 *
 *	static const struct cli_option options[] = {
 *		CLI_NUMBER('n', "number", struct split_options, number, "K", 1, MOST_FILES,
 *			   "how many files to make", .flags = CLI_REQUIRED),
 *		CLI_TEXT('o', "output", struct split_options, output, "FILE", "the new file",
 *			 .flags = CLI_FILE),
 *		CLI_FLAG(0, "force", struct split_options, force, "replace files that exist",
 *			 .flags = CLI_WHOLE),
 *		{ 0 },
 *	};
 *
 *	static int split(struct cli *cli, const void *given)
 *	{
 *		const struct split_options *o = given;
 *		...
 *	}
 *
 *	const struct cli_verb setupbin_split = {
 *		.name = "split",
 *		.options = options,
 *		.options_size = sizeof(struct split_options),
 *		.run = split,
 *		...
 *	};
 *
 * A misspelt field and a field of another type do not compile. Options that several verbs have
 * in common are a struct in the struct: the field is then "map.file".
 *
 * Help, the parser and the shell completions all come from these tables. --help, --version and
 * --quiet exist everywhere without being listed; --json where CLI_JSON is set;
 * "--completion bash|zsh" alone prints a completion script.
 */
enum cli_option_flags {
	CLI_REQUIRED = 1,
	CLI_FILE = 2,		/* its value is a file's name (for completion) */
	CLI_WHOLE = 4,		/* its name is never abbreviated: what loosens a guard */
};

enum cli_type {
	CLI_IS_FLAG,		/* bool: true when given */
	CLI_IS_TEXT,		/* const char *: NULL when not given */
	CLI_IS_NUMBER,		/* uint16_t, uint32_t or uint64_t within MIN..MAX */
	CLI_IS_SIZE,		/* the same; K, M and G are powers of 1024 */
	CLI_IS_CHOICE,		/* unsigned or an enum: the index in WORDS */
	CLI_IS_LIST,		/* struct cli_list: may be given more than once */
	CLI_IS_GONE,		/* in no struct: read for one more release, with a warning */
};

/* The values of an option that may be repeated, in their order; freed after the verb has run. */
struct cli_list {
	const char **values;
	size_t count;
};

struct cli_option {
	const char *name;	/* long name, no dashes; a NULL name ends the table */
	char letter;		/* short form, or 0 */
	const char *value;	/* its value's name in the help ("FILE"), or NULL: a flag */
	const char *help;	/* one sentence, no full stop */
	unsigned flags;
	int exclusive;		/* options of a verb with the same number > 0 exclude each other */
	enum cli_type type;
	size_t of;		/* bytes of the struct */
	size_t offset;		/* of the field in it */
	size_t width;		/* bytes of the field */
	uint64_t min, max;	/* numbers and sizes; the max must fit the field */
	const char *const *words;	/* choices, ended by NULL */
};

/*
 * Entries of a table: LETTER or 0, "name", the verb's struct, its field; what follows the help
 * may be .flags and .exclusive.
 */
#define CLI_FLAG(letter_, name_, struct_, field_, help_, ...) \
	CLI_ENTRY(letter_, name_, struct_, field_, NULL, help_, CLI_IS_FLAG, \
		  CLI_AT(struct_, field_, bool), __VA_ARGS__)
#define CLI_TEXT(letter_, name_, struct_, field_, value_, help_, ...) \
	CLI_ENTRY(letter_, name_, struct_, field_, value_, help_, CLI_IS_TEXT, \
		  CLI_AT(struct_, field_, const char *), __VA_ARGS__)
#define CLI_LIST(letter_, name_, struct_, field_, value_, help_, ...) \
	CLI_ENTRY(letter_, name_, struct_, field_, value_, help_, CLI_IS_LIST, \
		  CLI_AT(struct_, field_, struct cli_list), __VA_ARGS__)
#define CLI_CHOICE(letter_, name_, struct_, field_, value_, words_, help_, ...) \
	CLI_ENTRY(letter_, name_, struct_, field_, value_, help_, CLI_IS_CHOICE, \
		  CLI_AT(struct_, field_, unsigned), .words = (words_), __VA_ARGS__)
#define CLI_NUMBER(letter_, name_, struct_, field_, value_, min_, max_, help_, ...) \
	CLI_ENTRY(letter_, name_, struct_, field_, value_, help_, CLI_IS_NUMBER, \
		  CLI_AT_UNSIGNED(struct_, field_), .min = (min_), .max = (max_), __VA_ARGS__)
#define CLI_SIZE(letter_, name_, struct_, field_, value_, min_, max_, help_, ...) \
	CLI_ENTRY(letter_, name_, struct_, field_, value_, help_, CLI_IS_SIZE, \
		  CLI_AT_UNSIGNED(struct_, field_), .min = (min_), .max = (max_), __VA_ARGS__)
/* A field of another type has no place here, and the compiler says so. */
#define CLI_AT(struct_, field_, type_) \
	_Generic(((struct_ *)0)->field_, type_: offsetof(struct_, field_))
#define CLI_AT_UNSIGNED(struct_, field_) \
	_Generic(((struct_ *)0)->field_, uint16_t: offsetof(struct_, field_), \
		 uint32_t: offsetof(struct_, field_), uint64_t: offsetof(struct_, field_))
/*
 * An option that does nothing any more, but is still read for one release: not in the help, not
 * completed. INSTEAD says what to do, for the warning; VALUE_ is NULL where it took none.
 */
#define CLI_GONE(name_, value_, instead_) \
	{ .name = (name_), .value = (value_), .help = (instead_), .type = CLI_IS_GONE }
#define CLI_ENTRY(letter_, name_, struct_, field_, value_, help_, type_, offset_, ...) \
	{ .name = (name_), .letter = (letter_), .value = (value_), .help = (help_), \
	  .type = (type_), .of = sizeof(struct_), .offset = (offset_), \
	  .width = sizeof(((struct_ *)0)->field_), __VA_ARGS__ }

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
	const char *details;	/* more paragraphs for the help, or NULL */
	const char *examples;	/* lines to copy, or NULL */
	size_t options_size;	/* of the struct; 0 without options */
	const void *defaults;	/* such a struct, for what is not given; NULL: all zero */
	/* GIVEN is the verb's struct, filled. Returns an exit status. */
	int (*run)(struct cli *cli, const void *given);
};

struct cli_program {
	const char *name;
	const char *summary;	/* one line */
	const char *details;	/* or NULL */
	const char *examples;
	const struct cli_verb *const *verbs;	/* ended by NULL */
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

/*
 * Was OPTION, an entry of the verb's table, given? For the few verbs that ask for "any of
 * these"; all else is in the struct.
 */
bool cli_given(const struct cli *cli, const struct cli_option *option);

/* The parser of sizes, for operands and configuration: "64M". Returns 0 or KIT_ERR_ARGUMENT. */
int cli_parse_size(const char *text, uint64_t *out);

/*
 * Messages on stderr, each begun with the program's name. A fault is printed with
 * its hint on a line of its own. cli_fail() also returns EXIT_CANNOT, for
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
 * Returns 0, KIT_ERR_STATE when standard input is not a terminal, or KIT_ERR_CANCELLED
 * at end of file.
 */
int cli_ask(const struct cli *cli, const char *question, char *out, size_t size,
	    struct fault *fault);
/* Go on only if the answer is the whole word WORD. Returns as cli_ask(). */
int cli_confirm(const struct cli *cli, const char *question, const char *word,
		struct fault *fault);

/* Print a jansson value (struct json_t *) to stdout, indented, a line end. Takes the reference. */
struct json_t;
int cli_print_json(struct cli *cli, struct json_t *value);

#endif
