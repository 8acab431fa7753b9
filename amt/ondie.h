/* Is a machine's certificate one of genuine AMT firmware? The chain that Intel's chips bring. */
#ifndef AMT_ONDIE_H
#define AMT_ONDIE_H

#include <stddef.h>

#include "common/error.h"

struct ssl_st;

/* What the certificates show that a machine brings to its set-up. */
enum ondie_verdict {
	ONDIE_NOT_SHOWN,	/* one certificate, of the machine's own making: nothing */
	/*
	 * A chain to one of the roots, whose leaf is AMT's: this is genuine Intel firmware. It does
	 * not show which machine it is.
	 */
	ONDIE_GENUINE,
	ONDIE_UNKNOWN,		/* a chain that leads to none of the roots, or is not AMT's */
};

/* The roots of on-die certificates. */
struct ondie;

/*
 * Intel's root ("OnDie CA Root Cert Signing", 2019 to 2049), which is built in, and the
 * certificates of N bytes of PEM at MORE (NULL: none), for chips of another root. KIT_ERR_NOMEM,
 * KIT_ERR_FORMAT (MORE holds no certificate, or something broken).
 */
int ondie_new(struct ondie **out, const void *more, size_t n, struct fault *fault);

/* The same with the file PATH ("": none), of 64 KiB. KIT_ERR_SYSTEM, KIT_ERR_NOT_FOUND, too. */
int ondie_open(struct ondie **out, const char *path, struct fault *fault);

/* *o may be NULL. */
void ondie_free(struct ondie **o);

/*
 * Judge the certificates that the server of SSL, a connection whose handshake is done, has shown.
 * Dates are not looked at: firmware writes its own, without a clock that is right.
 */
enum ondie_verdict ondie_judge(const struct ondie *o, const struct ssl_st *ssl);

#endif
