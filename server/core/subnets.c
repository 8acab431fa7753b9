/* Lists of networks as text, and the addresses in them. */
#include "server/core/subnets.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT	63	/* bytes of one network */
#define SEPARATORS	", \t"

struct network {
	int family;
	uint8_t bytes[16];
	unsigned prefix;	/* bits */
};

static unsigned bits_of(int family)
{
	return family == AF_INET ? 32 : 128;
}

static bool read_address(const char *text, struct network *out)
{
	memset(out, 0, sizeof(*out));
	out->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	out->prefix = bits_of(out->family);
	return inet_pton(out->family, text, out->bytes) == 1;
}

/* N bytes of TEXT: an address, and its prefix if it has one. */
static bool read_network(const char *text, size_t n, struct network *out)
{
	char copy[TEXT + 1], *slash, *end;
	unsigned long prefix = 0;

	if (n > TEXT)
		return false;
	memcpy(copy, text, n);
	copy[n] = 0;
	slash = strchr(copy, '/');
	if (slash) {
		*slash++ = 0;
		prefix = strtoul(slash, &end, 10);
		if (*slash < '0' || *slash > '9' || *end)
			return false;
	}
	if (!read_address(copy, out) || (slash && prefix > out->prefix))
		return false;
	if (slash)
		out->prefix = (unsigned)prefix;
	return true;
}

static bool bit(const uint8_t *bytes, unsigned i)
{
	return bytes[i / 8] & 0x80 >> i % 8;
}

static bool has_host_bits(const struct network *n)
{
	for (unsigned i = n->prefix; i < bits_of(n->family); i++)
		if (bit(n->bytes, i))
			return true;
	return false;
}

static bool holds(const struct network *n, const struct network *address)
{
	if (n->family != address->family)
		return false;
	for (unsigned i = 0; i < n->prefix; i++)
		if (bit(n->bytes, i) != bit(address->bytes, i))
			return false;
	return true;
}

int subnets_check(const char *list, struct fault *fault)
{
	struct network network;

	for (const char *p = list + strspn(list, SEPARATORS); *p; p += strspn(p, SEPARATORS)) {
		size_t n = strcspn(p, SEPARATORS);

		if (!read_network(p, n, &network))
			return fault_set(fault, KIT_ERR_ARGUMENT, "\"%.*s\" is not a network, such "
					 "as 192.0.2.0/24 or 2001:db8::/32", (int)n, p);
		if (has_host_bits(&network))
			return fault_set(fault, KIT_ERR_ARGUMENT, "\"%.*s\" has bits behind its "
					 "prefix: a network ends in zeros", (int)n, p);
		p += n;
	}
	return 0;
}

bool subnets_hold(const char *list, const char *address)
{
	struct network network, one;
	size_t n = strcspn(address, "%");
	char copy[TEXT + 1];

	if (n > TEXT)
		return false;
	memcpy(copy, address, n);
	copy[n] = 0;
	if (!read_address(copy, &one))
		return false;
	for (const char *p = list + strspn(list, SEPARATORS); *p; p += strspn(p, SEPARATORS)) {
		n = strcspn(p, SEPARATORS);
		if (read_network(p, n, &network) && holds(&network, &one))
			return true;
		p += n;
	}
	return false;
}
