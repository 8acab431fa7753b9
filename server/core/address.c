/* Addresses of peers and of sockets as text. */
#include "server/core/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

void address_show(const struct sockaddr *address, char out[static ADDRESS_TEXT + 1])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
	char scope[IF_NAMESIZE];

	strcpy(out, "?");
	if (address->sa_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, out, ADDRESS_TEXT + 1);
	} else if (address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		inet_ntop(AF_INET, (const uint8_t *)&v6->sin6_addr + 12, out, ADDRESS_TEXT + 1);
	} else if (address->sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6->sin6_addr, out, ADDRESS_TEXT + 1);
		if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) &&
		    if_indextoname(v6->sin6_scope_id, scope))
			snprintf(out + strlen(out), ADDRESS_TEXT + 1 - strlen(out), "%%%s", scope);
	}
}

uint16_t address_local(int fd, char out[static ADDRESS_TEXT + 1])
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = { .any.sa_family = AF_UNSPEC };
	socklen_t size = sizeof(a);

	if (getsockname(fd, &a.any, &size))
		a.any.sa_family = AF_UNSPEC;
	address_show(&a.any, out);
	return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port
		   : a.any.sa_family == AF_INET ? a.v4.sin_port : 0);
}
