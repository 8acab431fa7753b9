/* The inventory of the key map: what a site knows of a machine before it says hello. */
#ifndef SERVER_KEYMAP_INVENTORY_H
#define SERVER_KEYMAP_INVENTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/uuid.h"
#include "server/keymap/systems.h"

struct keymap;

struct keymap_inventory {
	struct uuid uuid;
	char fqdn[SYSTEM_FQDN + 1];
	char profile[SYSTEM_NAME + 1];	/* "" = the default profile */
	bool has_otp;			/* see keymap_inventory_otp() */
};
/* Insert, or replace name and profile: either may be empty. */
int keymap_inventory_put(struct keymap *m, const struct keymap_inventory *row,
			 struct fault *fault);
/* KIT_ERR_NOT_FOUND (no fault is set then). */
int keymap_inventory_find(struct keymap *m, const struct uuid *uuid,
			  struct keymap_inventory *out, struct fault *fault);

/*
 * The one-time password by which a machine proves that it is the one of UUID: set it (OTP, SECRET,
 * is kept sealed; "" for none), and read it ("" when there is none). KIT_ERR_NOT_FOUND: no such
 * row (no fault is set then).
 */
int keymap_inventory_set_otp(struct keymap *m, const struct uuid *uuid, const char *otp,
			     struct fault *fault);
int keymap_inventory_otp(struct keymap *m, const struct uuid *uuid,
			 char out[static PASSWORD_MAX + 1], struct fault *fault);

/* How many names stand for more than one machine, and the first of them in the alphabet. */
int keymap_inventory_shared(struct keymap *m, uint64_t *n, char first[static SYSTEM_FQDN + 1],
			    struct fault *fault);

#endif
