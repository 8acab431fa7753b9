/* The verbs of amt-sim in which devices live: boot, run, fleet. */
#ifndef SAMPLES_AMT_SIM_CLI_VERBS_H
#define SAMPLES_AMT_SIM_CLI_VERBS_H

#include "common/cli.h"

/* Each returns an exit status. */
int verb_boot(struct cli *cli);
int verb_run(struct cli *cli);
int verb_fleet(struct cli *cli);

/* Their options, ended by a NULL name. */
extern const struct cli_option boot_options[];
extern const struct cli_option run_options[];
extern const struct cli_option fleet_options[];

#endif
