/*
 * The name rule of AMT as rows: the server's reading of it and the simulated machine's, which know
 * nothing of each other, are tested with the same ones.
 */
#ifndef TESTS_SUPPORT_NAME_RULES_H
#define TESTS_SUPPORT_NAME_RULES_H

#include <stdbool.h>
#include <stddef.h>

struct name_rule {
	const char *suffix;		/* of the machine: DHCP option 15, MEBx or its stick */
	const char *identifier;		/* the certificate's CN, or a DNS name of its SAN */
	unsigned major, minor;		/* of AMT */
	bool accepted;
};

extern const struct name_rule name_rules[];
extern const size_t n_name_rules;

#endif
