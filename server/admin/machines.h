/* What an operator does to machines: have them set up, allow it again, forget them. */
#ifndef SERVER_ADMIN_MACHINES_H
#define SERVER_ADMIN_MACHINES_H

#include <stdbool.h>
#include <stddef.h>

#include "server/admin/operator.h"
#include "server/keymap/systems.h"

/*
 * All N machines, or none. KIT_ERR_NOT_FOUND: one of them is not in the map; where it is
 * there under the UUID in the other byte order, the hint says so.
 */
int machines_retry(const struct operator *op, const struct uuid *uuids, size_t n,
		   struct fault *fault);
/*
 * Of the N machines, how many are set up; and how many of those have used the key that they would
 * be called with, so that a person has to allow it?
 */
int machines_set_up(const struct operator *op, const struct uuid *uuids, size_t n, size_t *set_up,
		    size_t *held, struct fault *fault);
/* The row goes with its passwords, earlier ones too: see keymap_system_forget(). */
int machines_forget(const struct operator *op, const struct uuid *uuids, size_t n,
		    struct fault *fault);

/*
 * Allow the next set-up with the key that a machine has used; NEW_ADDRESS: also one at another
 * address may get the passwords that the map holds of it. CERTIFICATE: they may get a certificate
 * of their own then, even if nothing else proves who they are.
 */
int machines_allow(const struct operator *op, const struct uuid *uuids, size_t n,
		   bool new_address, bool certificate, struct fault *fault);

/*
 * Have all machines in STATE set up now, but those that wait for permission to be set up by
 * certificate; *n receives how many they are, *set_up and *held as machines_set_up() counts them.
 */
int machines_retry_state(const struct operator *op, enum system_state state, size_t *n,
			 size_t *set_up, size_t *held, struct fault *fault);

/*
 * Does the map, or its inventory, have the UUID with its bytes in the other order? *OTHER
 * receives it. To be asked where a UUID that a person gave is not found.
 */
bool machines_swapped(struct keymap *map, const struct uuid *uuid, struct uuid *other);
/* Set the fault of a UUID that is not in the map, with such a hint. Returns KIT_ERR_NOT_FOUND. */
int machines_unknown(struct keymap *map, const struct uuid *uuid, struct fault *fault);

/*
 * How many of the N machines are set up, or may be: passwords that they may have, and that may be
 * nowhere else, would be forgotten with them.
 */
int machines_configured(const struct operator *op, const struct uuid *uuids, size_t n,
			size_t *configured, struct fault *fault);

#endif
