/* Backup and restore of the map as a whole, by an operator. */
#ifndef SERVER_ADMIN_RESTORE_H
#define SERVER_ADMIN_RESTORE_H

#include <limits.h>
#include <stdbool.h>

#include "server/admin/operator.h"
#include "server/keymap/pairs.h"

/* keymap_backup(), and a line in the log. */
int restore_backup(const struct operator *op, const char *path, bool with_key,
		   struct fault *fault);

struct restore {
	const char *map, *key_file;	/* what is replaced; the map may be absent */
	const char *backup, *backup_key;

	/* What came of it. */
	char aside[PATH_MAX]; /* where the map that was there is now; "": there was none */
	struct keymap_counts before, after;
};

/* Is the backup sound? To be asked before anything else: errors as keymap_backup_check(). */
int restore_check(const struct restore *r, struct fault *fault);

/*
 * Put the map that is there aside (op->map is not used), whole and with its key file; then the
 * backup into its place. Errors of keymap_backup() and keymap_restore(): the map is as it was then.
 */
int restore_map(struct restore *r, const struct operator *op, struct fault *fault);

#endif
