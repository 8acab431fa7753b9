/* setup.bin as one more source of key list entries. */
#ifndef SETUPBIN_SOURCE_H
#define SETUPBIN_SOURCE_H

#include "keygen/keylist.h"

/*
 * As keylist_open(), and setup.bin of all versions besides: entries come from
 * consumed records too when their bodies are intact (the machine that took one has
 * still to prove itself), with consumed = true and used = false. A record without PID
 * and PPS is skipped if its body is wiped (all zeros), and a bad line otherwise.
 */
int sbin_source_open(struct keysource **out, FILE *file, const char *name,
		     const char *const *wanted, size_t n_wanted, struct fault *fault);

#endif
