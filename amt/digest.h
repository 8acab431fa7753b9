/* HTTP Digest (RFC 2617, RFC 7616) as a client: what a machine demands, and the answer to it. */
#ifndef AMT_DIGEST_H
#define AMT_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

#define DIGEST_TEXT	255	/* bytes of realm, nonce and opaque each; longer ones are refused */
#define DIGEST_AUTHORIZATION	2304	/* bytes that an answer takes at most, with NUL */

/* One challenge, and how often it was answered. All zeros: none. No secret. */
struct digest {
	char realm[DIGEST_TEXT + 1];
	char nonce[DIGEST_TEXT + 1];	/* "": there is no challenge */
	char opaque[DIGEST_TEXT + 1];
	bool has_opaque;
	bool stale;		/* the nonce before was too old: the account was not looked at */
	bool session;		/* algorithm MD5-sess */
	bool says_algorithm;	/* the machine named its algorithm, so that the answer does too */
	enum digest_qop { DIGEST_QOP_NONE, DIGEST_QOP_AUTH, DIGEST_QOP_AUTH_INT } qop;
	unsigned count;		/* answers made with this nonce */
};

/*
 * Read VALUE, the value of one WWW-Authenticate header, which may hold several challenges; the
 * first one of Digest that can be answered is taken: MD5 or MD5-sess, with qop auth, auth-int or
 * none.
 *
 * Returns 0 with *out set (its count is 0), or
 *   KIT_ERR_NOT_FOUND  VALUE holds no Digest challenge (no fault is set then)
 *   KIT_ERR_PROTOCOL   it holds one, but a broken one, or one of an algorithm or qop that is
 *                      not known: the fault names it
 */
int digest_read(struct digest *out, const char *value, struct fault *fault);

/* What is to be sent. */
struct digest_request {
	const char *method;	/* "POST" */
	const char *path;	/* "/wsman" */
	const void *body;	/* for auth-int; may be SECRET */
	size_t size;
	const char *user;
	const char *password;	/* SECRET */
	const char *cnonce;	/* NULL: a random one; tests give their own, of at most 64 bytes */
};

/*
 * Answer the challenge D: the value of an Authorization header goes to OUT, and D counts it.
 * What is in OUT does not give the password away by itself, but lets a short one be guessed:
 * it stays out of logs.
 *
 * Returns 0, KIT_ERR_ARGUMENT (a quote or control character in the user's name or the path),
 * KIT_ERR_CRYPTO (OpenSSL refuses MD5 or has no random numbers).
 */
int digest_answer(struct digest *d, const struct digest_request *q,
		  char out[static DIGEST_AUTHORIZATION], struct fault *fault);

#endif
