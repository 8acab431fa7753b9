/* Host names as DNS has them. */
#ifndef COMMON_HOSTNAME_H
#define COMMON_HOSTNAME_H

#include <stdbool.h>
#include <stddef.h>

#define HOSTNAME_MAX	255	/* bytes, without NUL */

/* Is NAME a fully qualified host name: labels of letters, digits and '-', with a dot? */
bool hostname_is_fqdn(const char *name);

/*
 * Are the N bytes of NAME a name that a DNS server may answer for, with dots only if DOTS? Looser
 * than a host name: '_' counts as a letter, and a dash may be anywhere.
 */
bool hostname_is_dns_name(const void *name, size_t n, bool dots);

/* Drop a dot at the end of NAME. */
void hostname_drop_dot(char *name);

#endif
