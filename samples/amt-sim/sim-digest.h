/* HTTP Digest (RFC 2617, MD5, qop=auth) as a device demands it. */
#ifndef SAMPLES_AMT_SIM_SIM_DIGEST_H
#define SAMPLES_AMT_SIM_SIM_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

/*
 * libmicrohttpd has Digest too, but keeps nonces in a table in which a thousand devices push
 * out each other's (one login in eight failed), and binds each to one path. Here a nonce
 * proves itself: it is the time with a keyed hash. What that gives up is the protection against
 * a login being played back within its five minutes.
 */
#define SIM_DIGEST_SECRET    16	 /* bytes, random, of the process */
#define SIM_DIGEST_CHALLENGE 192 /* bytes for the header that sim_digest_challenge() writes */
#define SIM_DIGEST_SECONDS   300 /* that a nonce is good for */
#define SIM_DIGEST_VALUE     256 /* bytes of one parameter */

enum sim_digest_result {
	SIM_DIGEST_OK,
	SIM_DIGEST_NONE,  /* the sender did not log in */
	SIM_DIGEST_STALE, /* with the right password, but an old nonce */
	SIM_DIGEST_WRONG, /* with another user or password, or not as RFC 2617 has it */
};

/*
 * Look at the header Authorization of a request.
 *
 *   secret   SIM_DIGEST_SECRET bytes
 *   header   its value, or NULL when there is none
 *   method   "POST"
 *   path     the request's
 *   digest   SECRET: MD5(user:realm:password), 16 bytes
 *   now      seconds, of any clock that sim_digest_challenge() was given too
 */
enum sim_digest_result sim_digest_check(const uint8_t *secret, const char *header,
					const char *method, const char *path, const char *realm,
					const char *user, const uint8_t *digest, uint64_t now);

/*
 * The value of a header WWW-Authenticate with a new nonce, into SIM_DIGEST_CHALLENGE bytes. OFFER:
 * its parameters qop and algorithm, NULL for qop="auth", which is all that sim_digest_check()
 * takes. Returns false when the crypto library refuses.
 */
bool sim_digest_challenge(const uint8_t *secret, const char *realm, bool stale, const char *offer,
			  uint64_t now, char *out);

/*
 * The parameter NAME of the header's list (name=value, name="value", ...) into OUT,
 * SIM_DIGEST_VALUE bytes. False when it is not there, there twice, too long, or holds an escape.
 */
bool sim_digest_parameter(const char *list, const char *name, char *out);

/* MD5 of TEXT as 32 lower-case digits and NUL. False when the crypto library refuses. */
bool sim_digest_md5_hex(const char *text, char *out);

#endif
