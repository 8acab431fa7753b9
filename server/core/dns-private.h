/* What is taken of answers from name servers; for the resolver, its tests and its fuzzer. */
#ifndef SERVER_CORE_DNS_PRIVATE_H
#define SERVER_CORE_DNS_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "server/keymap/systems.h"

/* The question for the name of an address: "7.2.0.192.in-addr.arpa", 32 digits and ip6.arpa. */
#define DNS_REVERSE 80
struct dns_address {
	bool v6;
	unsigned char bytes[16];	/* 4 of IPv4 */
};

/* False: TEXT is not an address. */
bool dns_address_parse(const char *text, struct dns_address *out);

void dns_reverse_name(const struct dns_address *address, char out[static DNS_REVERSE]);

/* Change the case of letters in NAME at random: an answer repeats the question as it was. */
int dns_mix_case(char *name);

/* Does the answer of N bytes at DATA repeat the question NAME, letter by letter? */
bool dns_repeats(const unsigned char *data, size_t n, const char *name);

/* The name that the answer gives ADDRESS, into OUT, if it is fully qualified. False: none is. */
bool dns_take_name(const unsigned char *data, size_t n, const struct dns_address *address,
		   char out[static SYSTEM_FQDN + 1]);

/* Is ADDRESS among those that the answer gives its name? */
bool dns_has_address(const unsigned char *data, size_t n, const struct dns_address *address);

#endif
