/* The name rule of AMT: may a certificate for this name set up a machine of that domain? */
#ifndef AMT_PKI_NAME_H
#define AMT_PKI_NAME_H

#include <stddef.h>

/*
 * The host interface of AMT takes suffixes of up to this many bytes, though setup.bin has room for
 * 255 (CFG_SetPkiFqdnSuffix in Intel's AMT Implementation and Reference Guide).
 */
#define PKI_SUFFIX_MAX	223

enum pki_name {
	PKI_NAME_ACCEPTED,
	PKI_NAME_NO_SUFFIX,	/* the machine knows no DNS suffix: no name will do */
	PKI_NAME_INVALID,	/* the identifier is empty, or a "*" without a domain */
	PKI_NAME_ABOVE,		/* the machine's domain is below the name's, not above it */
	PKI_NAME_OTHER,		/* another domain */
	PKI_NAME_OLD,		/* AMT of this version knows no certificates */
};

/*
 * Would AMT MAJOR.MINOR with the DNS suffix SUFFIX accept a certificate for IDENTIFIER, its
 * subject's CN or a DNS name of its SAN ("Verification of certificates" in the same guide)?
 * SUFFIX is what DHCP option 15 gave the machine, or what its MEBx or stick says, which wins.
 * Version 0.0 is an unknown one: the answer is what all versions with certificates agree on.
 * Letters' case does not count. The rules, of which one that accepts is enough:
 *   - the suffix is the identifier, or whole labels at its end;
 *   - of "*.base": the suffix is the base, or below it;
 *   - under .com and .net: the last two labels agree. From AMT 4.1, and in 5 from 5.1, the same
 *     holds for some other top-level domains, with two labels or three (a table in the .c).
 */
enum pki_name pki_name_judge(const char *suffix, const char *identifier, unsigned major,
			     unsigned minor);

/*
 * A machine that has the name of its server (setup.bin 2/4, or MEBx) wants the CN to be just that:
 * PKI_NAME_ACCEPTED, PKI_NAME_INVALID (an empty CN) or PKI_NAME_OTHER.
 */
enum pki_name pki_name_judge_server(const char *server, const char *cn);

/* Why, in a few words that follow the name: "is of another domain than the machine's". */
const char *pki_name_text(enum pki_name answer);

/* Do versions of AMT before 6 look at the SAN? Nobody says so: names should be in the CN too. */
#define PKI_NAME_SAN_FROM	6

#endif
