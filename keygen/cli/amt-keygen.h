/* The verbs of amt-keygen, each in a file of its own. */
#ifndef KEYGEN_CLI_AMT_KEYGEN_H
#define KEYGEN_CLI_AMT_KEYGEN_H

#include "common/cli.h"

extern const struct cli_verb keygen_generate, keygen_check;

#endif
