/* The name rule of AMT as rows. */
#include "tests/support/name-rules.h"

const struct name_rule name_rules[] = {
	/* The suffix is the name, or whole labels at its end. */
	{ "corp.local", "server.corp.local", 3, 0, true },
	{ "corp.local", "server.corp.local", 16, 1, true },
	{ "corp.local", "a.b.corp.local", 9, 0, true },
	{ "corp.local", "corp.local", 9, 0, true },
	{ "CORP.Local", "Server.corp.LOCAL", 9, 0, true },
	{ "example.com", "provision.example.com", 11, 8, true },
	{ "rp.local", "server.corp.local", 9, 0, false },	/* half a label */
	{ "corp.local", "servercorp.local", 9, 0, false },
	{ "east.corp.local", "corp.local", 9, 0, false },	/* below, not above */
	{ "east.corp.local", "server.corp.local", 16, 1, false },
	{ "east.corp.local", "server.west.corp.local", 12, 0, false },
	{ "corp.local", "server.other.local", 9, 0, false },
	{ "corp.local", "server.corp.local.net", 9, 0, false },
	{ "", "server.corp.local", 9, 0, false },
	{ "corp.local", "", 9, 0, false },
	{ "corp.local", "corp", 9, 0, false },
	/* "*.base": the base, and what is below it. */
	{ "corp.local", "*.corp.local", 9, 0, true },
	{ "east.corp.local", "*.corp.local", 9, 0, true },
	{ "a.east.corp.local", "*.corp.local", 16, 1, true },
	{ "East.CORP.local", "*.corp.LOCAL", 9, 0, true },
	{ "othercorp.local", "*.corp.local", 9, 0, false },
	{ "other.local", "*.corp.local", 9, 0, false },
	{ "corp.local", "*.", 9, 0, false },
	/* .com and .net: two labels, since AMT knows certificates. */
	{ "dev.intel.com", "csa.ftl.intel.com", 2, 2, true },
	{ "dev.intel.com", "csa.ftl.intel.com", 2, 6, true },
	{ "dev.intel.com", "csa.ftl.intel.com", 4, 0, true },
	{ "dev.intel.com", "intel.com", 16, 1, true },
	{ "dev.example.net", "server.example.net", 3, 2, true },
	{ "dev.intel.com", "*.ftl.intel.com", 16, 1, true },
	{ "dev.intel.com", "csa.ftl.intel.net", 9, 0, false },
	{ "dev.intel.com", "csa.notintel.com", 9, 0, false },
	/* Other top-level domains: a table, from 4.1 and 5.1. */
	{ "east.example.org", "server.example.org", 4, 0, false },
	{ "east.example.org", "server.example.org", 4, 1, true },
	{ "east.example.org", "server.example.org", 5, 0, false },
	{ "east.example.org", "server.example.org", 5, 1, true },
	{ "east.example.org", "server.example.org", 6, 0, true },
	{ "east.example.org", "server.example.org", 3, 2, false },
	{ "example.org", "server.example.org", 4, 0, true },	/* the plain rule */
	{ "muc.example.de", "server.ber.example.de", 6, 0, true },
	{ "muc.example.de", "server.ber.example.de", 2, 6, false },
	{ "muc.example.ua", "server.example.ua", 9, 0, true },
	{ "east.example.gov", "server.example.gov", 11, 0, true },
	/* Three labels there. */
	{ "lon.example.co.uk", "server.example.co.uk", 6, 0, true },
	{ "lon.example.co.uk", "server.example.co.uk", 4, 0, false },
	{ "lon.example.co.uk", "server.other.co.uk", 6, 0, false },
	{ "east.example.fr", "server.example.fr", 6, 0, false },
	{ "a.east.example.fr", "b.east.example.fr", 6, 0, true },
	{ "lyon.example.fr", "server.lyon.example.fr", 6, 0, true },
	{ "co.uk", "example.co.uk", 9, 0, true },		/* the plain rule */
	/* Domains that the table does not have. */
	{ "east.example.corp", "server.example.corp", 16, 1, false },
	{ "east.example.io", "server.example.io", 16, 1, false },
	{ "east.example.local", "*.example.local", 16, 1, true },
	/* AMT without certificates. */
	{ "corp.local", "server.corp.local", 2, 0, false },
	{ "corp.local", "server.corp.local", 2, 1, false },
	{ "corp.local", "server.corp.local", 2, 5, false },
	{ "corp.local", "server.corp.local", 2, 2, true },
	{ "corp.local", "server.corp.local", 2, 6, true },
};
const size_t n_name_rules = sizeof(name_rules) / sizeof(*name_rules);
