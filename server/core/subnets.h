/* A list of networks as text: "192.0.2.0/24, 2001:db8::/32". */
#ifndef SERVER_CORE_SUBNETS_H
#define SERVER_CORE_SUBNETS_H

#include <stdbool.h>

#include "common/error.h"

/*
 * Is LIST one: networks, or single addresses, separated by commas or blanks? The bits behind a
 * prefix have to be zero: "192.0.2.1/24" is more likely a slip. "" is the empty list. Returns 0 or
 * KIT_ERR_ARGUMENT with *fault set.
 */
int subnets_check(const char *list, struct fault *fault);

/* Does one of them hold ADDRESS, a text without port (a scope is ignored)? False for no address. */
bool subnets_hold(const char *list, const char *address);

#endif
