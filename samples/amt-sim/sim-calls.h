/* The names by which options call what a device answers. */
#ifndef SAMPLES_AMT_SIM_SIM_CALLS_H
#define SAMPLES_AMT_SIM_SIM_CALLS_H

#include <stdbool.h>

#include "common/error.h"

/*
 * Is NAME, the value of --OPTION, a call of either dialect or a class that can be written? With
 * READ also a class that can only be read, and Identify. NULL, not given, is fine.
 * KIT_ERR_ARGUMENT, with the names that there are.
 */
int sim_calls_check(const char *name, bool read, const char *option, struct fault *fault);

#endif
