/* Which certificates of the server a machine would accept, by its last hello; or why none. */
#ifndef SERVER_ADMIN_CERTMATCH_H
#define SERVER_ADMIN_CERTMATCH_H

#include "server/core/certificates.h"
#include "server/keymap/digests.h"
#include "server/keymap/systems.h"

struct keymap;

struct certmatch {
	struct system system;
	uint8_t list[KEYMAP_DIGESTS_LIST];	/* as amt/roots.h has it */
	size_t size;				/* bytes of it; 0: no hello of version 3 */
	size_t n_digests;
	char known[300];			/* names of the public roots among them */
	size_t n_known;
	struct certificate_match matches[CERTIFICATES_FILES];	/* best first */
	size_t n_matches;
	/* One that the machine would accept, and the server refuses; NULL: there is none such. */
	const struct certificate *refused;
};

/*
 * Compare ALL, which has to stay, with what the machine UUID listed. KIT_ERR_NOT_FOUND (no fault is
 * set then): no such machine; or an error of the map.
 */
int certmatch_find(struct certmatch *out, struct keymap *map, const struct uuid *uuid,
		   const struct certificates *all, int64_t now, struct fault *fault);

/*
 * Why there is no match, and what to do, as a fault of KIT_ERR_UNFIT. ALL is as above. Only for one
 * without matches.
 */
int certmatch_explain(const struct certmatch *m, const struct certificates *all,
		      struct fault *fault);

#endif
