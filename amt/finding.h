/* What is wrong with a chain of certificates, by the rules of AMT and of the site. */
#ifndef AMT_FINDING_H
#define AMT_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "amt/chain.h"

#define FINDING_TEXT	600

/* In the order in which they are listed. */
enum finding_code {
	FINDING_NO_KEY,		/* its private key is not there */
	FINDING_OTHER_KEY,	/* the key that is there is not this certificate's */
	FINDING_INCOMPLETE,	/* an issuer is missing */
	FINDING_NOT_SERVER,	/* its extended key usage lacks serverAuth */
	FINDING_NOT_AMT,	/* neither CHAIN_AMT_OID nor CHAIN_AMT_OU */
	FINDING_KEY_KIND,	/* neither RSA nor EC */
	FINDING_EXPIRED,	/* it, or another one of its chain */
	FINDING_NOT_YET,	/* not valid yet */
	FINDING_EXPIRES_7,	/* within 7 days */
	FINDING_EXPIRES_30,	/* within 30 days */
	FINDING_WEAK_DIGEST,	/* SHA-1 or older, anywhere in the chain */
	FINDING_SHORT_KEY,	/* RSA of less than 2048 bits, anywhere in the chain */
	FINDING_EC,		/* the leaf has an EC key */
	FINDING_TOO_LONG,	/* over CHAIN_AMT_LENGTH certificates */
	FINDING_TOO_LARGE,	/* over CHAIN_AMT_BYTES */
	FINDING_NO_DOT,		/* the CN is not a full name */
	FINDING_SAN,		/* there is a SAN, and it lacks the CN */
	FINDING_SUFFIX,		/* the CN does not fit the site's suffix */
	FINDING_BY_SYSTEM,	/* completed from the system's certificates */
	FINDINGS
};

enum finding_severity {
	FINDING_NOTE,
	FINDING_WARNING,	/* some machines would not accept it, or soon none will */
	FINDING_REFUSED,	/* of no use: not served */
};

struct finding {
	enum finding_code code;
	enum finding_severity severity;
	char what[FINDING_TEXT];	/* one sentence, no full stop */
	char hint[FINDING_TEXT];	/* what to do; "" when nothing helps */
};

struct finding_site {
	int64_t now;		/* seconds since 1970 UTC */
	const char *suffix;	/* DNS suffix of the site's machines; NULL or "": not known */
	bool serve_expired;	/* FINDING_EXPIRED is a warning: firmware may not know the time */
};

/* All that is to be said of a chain, each code once at most. Returns how many. */
size_t finding_list(const struct chain_facts *facts, const struct finding_site *site,
		    struct finding out[static FINDINGS]);

/* "no-key", "expires-30": for JSON and scripts. */
const char *finding_word(enum finding_code code);
/* "note", "warning", "refused". */
const char *finding_severity_word(enum finding_severity severity);

#endif
