/* The TLS context of a call-back: TLS with a pre-shared key (RFC 4279), and the proof it brings. */
#ifndef AMT_TLS_PSK_H
#define AMT_TLS_PSK_H

#include <stdbool.h>

#include "common/error.h"
#include "keygen/pidpps.h"

struct ssl_ctx_st;

/*
 * The policy of this one context, which no other connection of the program shares: TLS 1.0 and
 * 1.1 at OpenSSL's security level 0, since the machines that have a PPS know nothing newer; no
 * certificate (that it knows the PPS is what proves the machine); no resumed session, which
 * would prove nothing again; servers without RFC 5746 are accepted, since firmware before 2010
 * has it not and nothing here renegotiates.
 */
#define TLS_PSK_CIPHERS	"PSK-AES128-CBC-SHA:PSK-AES256-CBC-SHA:@SECLEVEL=0"

/* One key, and what the connections that were made with it showed. */
struct tls_psk {
	char pid[PID_LENGTH + 1];
	char pps[PPS_LENGTH + 1];	/* SECRET: tls_psk_wipe() */
	/* Of the newest connection. */
	bool asked;		/* the machine asked for the key: it speaks TLS with PSK */
	int alert;		/* fatal alert of either side; 0: none */
	int reason;		/* OpenSSL's (SSL_R_...) when the handshake failed; 0: none */
	unsigned suite;		/* that the machine chose, as on the wire; 0: none yet */
	/* Of any connection. */
	bool proved;		/* a handshake with this key was completed */
};

/* PID and PPS are copied: PID_LENGTH and PPS_LENGTH characters. */
void tls_psk_init(struct tls_psk *t, const char *pid, const char *pps);
void tls_psk_wipe(struct tls_psk *t);

/*
 * Prepare CTX, a context of one connection that begins now, for the key T, which has to
 * outlive it. Protocol versions and TLS_PSK_CIPHERS are the caller's to set (libcurl does).
 * KIT_ERR_LIBRARY.
 */
int tls_psk_prepare(struct tls_psk *t, struct ssl_ctx_st *ctx, struct fault *fault);

/*
 * The handshake with WHERE ("192.0.2.1 port 16993") failed; say why as far as it is known.
 * DETAIL is the library's text. Returns the fault's code:
 *   KIT_ERR_FORGED    the machine could not prove the PPS
 *   KIT_ERR_NETWORK   the connection broke in the middle of the handshake
 *   KIT_ERR_PROTOCOL  no TLS with a PSK, or of a kind that this server does not speak
 */
int tls_psk_explain(const struct tls_psk *t, const char *where, const char *detail,
		    struct fault *fault);

#endif
