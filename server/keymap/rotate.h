/* A new master key for the key map. */
#ifndef SERVER_KEYMAP_ROTATE_H
#define SERVER_KEYMAP_ROTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

struct keymap;

/*
 * Give the map a new master key and seal every secret again with it, in small transactions,
 * so that others work on meanwhile. Cut off anywhere, the map stays usable and the next call
 * finishes the work: *resumed says that it did. PROGRESS may be NULL.
 */
int keymap_rotate(struct keymap *m,
		  void (*progress)(void *context, uint64_t done, uint64_t total), void *context,
		  bool *resumed, struct fault *fault);

#endif
