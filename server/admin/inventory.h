/* Inventory lists: which machine has which name and profile, as CSV. */
#ifndef SERVER_ADMIN_INVENTORY_H
#define SERVER_ADMIN_INVENTORY_H

#include <stdio.h>

#include "keygen/keylist.h"
#include "server/keymap/inventory.h"

/*
 * CSV with a header line: uuid and fqdn, and profile if there is one; in any order and case,
 * other columns ignored. Separated by commas, semicolons or tabs.
 */
struct inventory;

/* FILE stays the caller's. KIT_ERR_FORMAT (no such header), KIT_ERR_SYSTEM, KIT_ERR_NOMEM. */
int inventory_open(struct inventory **out, FILE *file, const char *name, struct fault *fault);

/*
 * The next row: 1, 0 at the end, KIT_ERR_FORMAT with *problem for a bad line (go on with the
 * next), or another negative code with *fault set.
 */
int inventory_next(struct inventory *in, struct keymap_inventory *out,
		   struct keyproblem *problem, struct fault *fault);

/* *in may be NULL. */
void inventory_close(struct inventory **in);

#endif
