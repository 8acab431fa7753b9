/* Export: free keys out to a setup.bin, a list or both, no key twice. */
#ifndef SERVER_ADMIN_EXPORT_H
#define SERVER_ADMIN_EXPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "server/admin/operator.h"
#include "setupbin/keyoutput.h"

struct export {
	/* Which keys: the N_PIDS named ones, else as many as NUMBER says (0: all). */
	const char (*pids)[PID_LENGTH + 1];
	size_t n_pids;
	uint64_t number;
	int64_t of_batch;	/* only those that came into the map with it; 0: of any */
	bool again;		/* also keys that went out before */
	struct keyoutput output;	/* where to */
	/* Called now and then. May be NULL. */
	void (*progress)(void *context, uint64_t done, uint64_t total);
	void *context;

	size_t exported;	/* keys that went out */
};

/*
 * Choose the keys, write the files, mark the keys exported, then let the files appear.
 *
 * Returns 0, KIT_ERR_NOT_FOUND (fewer free keys than asked for, or a PID is not in the map),
 * KIT_ERR_STATE (a named key is not free, or went out before), KIT_ERR_ARGUMENT (a PID named
 * twice, two files of one name), or the errors of the map and of output files.
 */
int export_keys(struct export *e, const struct operator *op, struct fault *fault);

#endif
