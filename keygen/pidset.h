/* A set of PIDs, to notice one that comes twice: 16 to 24 bytes for each at a million. */
#ifndef KEYGEN_PIDSET_H
#define KEYGEN_PIDSET_H

#include "common/error.h"

struct pidset;

int pidset_new(struct pidset **out, struct fault *fault);
/*
 * Put PID in (PID_LENGTH characters of its alphabet, as pidpps_check_pid() takes them).
 * Returns 1 when it is new, 0 when it was there already, or KIT_ERR_NOMEM.
 */
int pidset_add(struct pidset *set, const char *pid, struct fault *fault);
/* *set may be NULL. */
void pidset_free(struct pidset **set);

#endif
