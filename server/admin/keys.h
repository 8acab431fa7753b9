/* What an operator does to keys: add one, revoke some, seal all again. */
#ifndef SERVER_ADMIN_KEYS_H
#define SERVER_ADMIN_KEYS_H

#include "server/admin/operator.h"
#include "server/keymap/pairs.h"
#include "server/keymap/rotate.h"

/*
 * Add one pair, which came HOW ("typed"). *added as in keymap_add(). KIT_ERR_DUPLICATE: the PID
 * is in the map with another PPS; nothing has changed.
 */
int keys_add(const struct operator *op, const struct keyentry *entry, const char *how,
	     enum keymap_added *added, struct fault *fault);

/*
 * Revoke N keys, all or none. BEFORE (N of them) receives each as it was: one that is
 * KEYMAP_REVOKED there was revoked already, which is fine. KIT_ERR_NOT_FOUND: one of the
 * PIDs is not in the map.
 */
int keys_revoke(const struct operator *op, const char (*pids)[PID_LENGTH + 1], size_t n,
		struct keymap_pair *before, struct fault *fault);

/* keymap_rotate(), and a line in the log. */
int keys_rotate(const struct operator *op,
		void (*progress)(void *context, uint64_t done, uint64_t total), void *context,
		bool *resumed, struct fault *fault);

#endif
