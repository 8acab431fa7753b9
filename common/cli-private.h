/* Help, version and completions, made from the tables of common/cli.h. */
#ifndef COMMON_CLI_PRIVATE_H
#define COMMON_CLI_PRIVATE_H

#include <stdio.h>

#include "common/cli.h"

/* The I-th verb from 0, or NULL behind the last. */
const struct cli_verb *cli_verb_at(const struct cli_program *program, size_t i);

/* The option behind AFTER (NULL: the first) that people see: not a CLI_GONE. NULL: no more. */
const struct cli_option *cli_shown(const struct cli_verb *verb, const struct cli_option *after);

/* The program as a whole: its verbs, a line each, and examples. */
void cli_help_program(FILE *out, const struct cli_program *program);
/* Is VERB one of those whose first word NOUN is: "keys import" of "keys"? */
bool cli_is_of_noun(const struct cli_verb *verb, const char *noun);
/* The verbs of NOUN, a line each. */
void cli_help_noun(FILE *out, const struct cli_program *program, const char *noun);
/* One verb: synopsis, options, details, examples. */
void cli_help_verb(FILE *out, const struct cli_program *program, const struct cli_verb *verb);
/* "amt-keygen 0.1.0" and a line end. */
void cli_help_version(FILE *out, const struct cli_program *program);
/* The completion script for SHELL, "bash" or "zsh". KIT_ERR_ARGUMENT for any other. */
int cli_complete(FILE *out, const struct cli_program *program, const char *shell);

#endif
