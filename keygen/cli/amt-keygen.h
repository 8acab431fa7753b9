/* The verbs of amt-keygen, each in a file of its own. */
#ifndef KEYGEN_CLI_AMT_KEYGEN_H
#define KEYGEN_CLI_AMT_KEYGEN_H

#include "common/cli.h"

extern const struct cli_option keygen_generate_options[];
int keygen_generate(struct cli *cli);

int keygen_check(struct cli *cli);

#endif
