/* Machines that claim one key, which none has proved: how many, and from which addresses. */
#ifndef SERVER_KEYMAP_RIVALS_H
#define SERVER_KEYMAP_RIVALS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/uuid.h"

struct keymap;

/*
 * See that one more machine can claim PID, which none has proved: at most MAX do. If there are as
 * many, the one that failed most is forgotten, but never one that was not tried yet, nor one in
 * set-up; that its addresses failed is remembered (keymap_rivals_at()). *room: is there room now?
 * *dropped: was one forgotten?
 */
int keymap_rivals_make_room(struct keymap *m, const char *pid, unsigned max, bool *room,
			    bool *dropped, struct fault *fault);
/* How many machines claim a key beside another one that has not proved it either. */
int keymap_rivals_count(struct keymap *m, uint64_t *n, struct fault *fault);

/* What an address is to a key that it claims. */
struct keymap_rival {
	bool untried;		/* as another machine, which has not been called yet, or is now */
	uint32_t failures;	/* it was called so often in vain, as other machines; 0: never */
	int64_t seen;		/* its last hello of those */
};
/* What is known of ADDRESS, which says to be UUID now, and of PID; all zeros: nothing. */
int keymap_rivals_at(struct keymap *m, const char *pid, const char *address,
		     const struct uuid *uuid, struct keymap_rival *out, struct fault *fault);
/*
 * Have ADDRESS claim PID as UUID only: other machines that it said to be, and that failed, are
 * forgotten, *dropped of them. How often it failed is remembered.
 */
int keymap_rivals_replace(struct keymap *m, const char *pid, const char *address,
			  const struct uuid *uuid, int64_t now, unsigned *dropped,
			  struct fault *fault);
/* PID was proved: which addresses failed with it does not matter any more. */
int keymap_rivals_end(struct keymap *m, const char *pid, struct fault *fault);

#endif
