/* Which machines that come by certificate may be set up. */
#ifndef SERVER_HELLO_ACCEPT_H
#define SERVER_HELLO_ACCEPT_H

#include <stdbool.h>

#include "common/error.h"
#include "server/core/config.h"
#include "server/keymap/systems.h"

struct keymap;

enum accept_verdict {
	ACCEPT_YES,
	ACCEPT_NOT_KNOWN,	/* nobody has named it */
	ACCEPT_ELSEWHERE,	/* it was allowed, and is set up at another address now */
	ACCEPT_KNOWN_BY_KEY,	/* it proved a key before, and did not need a certificate */
	ACCEPT_SET_UP,		/* it was set up by certificate at this address */
	ACCEPT_MOVED,		/* ... and at another one */
	ACCEPT_NEVER,		/* one of the last three, and reprovision is never */
};

struct accept_answer {
	enum accept_verdict verdict;
	bool listed;		/* in the inventory */
	bool known;		/* it has a row: */
	struct system row;
};

/*
 * A hello of version 3 has nothing in it that only its machine knows: its UUID is not secret, and
 * whoever says it gets the passwords that set-up gives. So what the map and the configuration
 * say decides, and never the hello: a row that a hello made does not count. Reads only.
 */
int accept_by_certificate(const struct config *config, struct keymap *map,
			  const struct uuid *uuid, const char *address,
			  struct accept_answer *out, struct fault *fault);

#endif
