/* Addresses of peers and of sockets as text. */
#ifndef SERVER_CORE_ADDRESS_H
#define SERVER_CORE_ADDRESS_H

#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_TEXT 63	/* bytes of an address as text, with a scope */

/* The address without port; IPv4 inside IPv6 as IPv4; "?" for others. */
void address_show(const struct sockaddr *address, char out[static ADDRESS_TEXT + 1]);

/* The address that the socket FD is bound to; returns its port, 0: not a socket of TCP. */
uint16_t address_local(int fd, char out[static ADDRESS_TEXT + 1]);

#endif
