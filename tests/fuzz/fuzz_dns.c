/* Fuzz answers of name servers: what is taken is a full name, or an address that is there. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/hostname.h"
#include "server/core/dns-private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const addresses[] = { "192.0.2.7", "2001:db8::567:89ab" };
	char name[SYSTEM_FQDN + 1], reverse[DNS_REVERSE];

	for (size_t i = 0; i < 2; i++) {
		struct dns_address a;

		if (!dns_address_parse(addresses[i], &a))
			abort();
		dns_reverse_name(&a, reverse);
		dns_repeats(data, size, reverse);
		if (dns_take_name(data, size, &a, name) && !hostname_is_fqdn(name))
			abort();
		/* The bytes of the address have to come from somewhere. */
		if (dns_has_address(data, size, &a) &&
		    !memmem(data, size, a.bytes, a.v6 ? 16 : 4))
			abort();
	}
	return 0;
}
