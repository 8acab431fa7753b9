/* The TLS context of a call-back by certificate: what this server shows, and what came of it. */
#ifndef AMT_TLS_PKI_H
#define AMT_TLS_PKI_H

#include <stdbool.h>

#include "amt/ondie.h"
#include "common/error.h"

struct chain;
struct ssl_ctx_st;

/*
 * A machine that waits for its set-up by certificate is the server of TLS, and checks the chain of
 * this side: the leaf's usage and name, and that the digest of the root, which has to come along,
 * is one that it knows. That proves this server to the machine. The machine proves nothing: its
 * certificate is of its own making, or, from AMT 15 on, shows that it is genuine Intel firmware,
 * but not which (ondie.h).
 *
 * The policy of this one context, which no other connection of the program shares: TLS 1.0 and
 * everything newer, since such machines were built from 2007 until today, at OpenSSL's security
 * level 0 (old ones need leaves with SHA-1); RSA and elliptic curves; servers without RFC 5746; no
 * session is resumed.
 */
#define TLS_PKI_CIPHERS	"ALL:!aNULL:!eNULL:!PSK:@SECLEVEL=0"

#define TLS_PKI_NAME	64	/* bytes of a leaf's name in messages, with NUL */

/* One chain, and what the newest connection that was made with it showed. */
struct tls_pki {
	const struct chain *chain;	/* borrowed */
	const struct ondie *ondie;	/* borrowed; NULL: the machine's own chain is not judged */
	char name[TLS_PKI_NAME];	/* of the leaf, for messages */
	bool asked;		/* the machine asked for the chain */
	bool finished;		/* the handshake is done; in TLS 1.3 it may be refused still */
	int alert;		/* fatal alert of the machine; 0: none */
	int reason;		/* OpenSSL's (SSL_R_...) when the handshake failed; 0: none */
	unsigned suite;		/* that the machine chose, as on the wire; 0: none yet */
	int version;		/* of TLS, as on the wire (0x0303: 1.2); 0: none yet */
	enum ondie_verdict machine;	/* once it is finished */
};

/* CHAIN and ONDIE (NULL: none) have to outlive it. Nothing in it is secret. */
void tls_pki_init(struct tls_pki *t, const struct chain *chain, const struct ondie *ondie);

/*
 * Prepare CTX, a context of one connection that begins now: leaf, intermediates and root are sent
 * when the machine asks for a certificate. Protocol versions and TLS_PKI_CIPHERS are the caller's
 * to set (libcurl does). KIT_ERR_LIBRARY, KIT_ERR_CRYPTO.
 */
int tls_pki_prepare(struct tls_pki *t, struct ssl_ctx_st *ctx, struct fault *fault);

/*
 * The connection ended before the machine answered anything: is that because it does not accept
 * the chain? It says so by an alert, or just closes the connection once it has seen it.
 */
bool tls_pki_is_refused(const struct tls_pki *t);

/*
 * The connection with WHERE ("192.0.2.1 port 16993") failed before the machine answered anything;
 * say why as far as it is known, and what to do. DETAIL is the library's text. Returns the fault's
 * code:
 *   KIT_ERR_REFUSED   the machine does not accept this server's chain, and says so
 *   KIT_ERR_NETWORK   the connection broke; where tls_pki_is_refused(), perhaps for that reason
 *   KIT_ERR_PROTOCOL  no TLS, or of a kind that this server does not speak, or without a
 *                     question for a certificate
 */
int tls_pki_explain(const struct tls_pki *t, const char *where, const char *detail,
		    struct fault *fault);

/* "TLS 1.2", or "" before a version is agreed on: a static string. */
const char *tls_pki_version(const struct tls_pki *t);

#endif
