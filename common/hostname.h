/* Host names as DNS has them. */
#ifndef COMMON_HOSTNAME_H
#define COMMON_HOSTNAME_H

#include <stdbool.h>

#define HOSTNAME_MAX	255	/* bytes, without NUL */

/* Is NAME a fully qualified host name: labels of letters, digits and '-', with a dot? */
bool hostname_is_fqdn(const char *name);

/* Drop a dot at the end of NAME. */
void hostname_drop_dot(char *name);

#endif
