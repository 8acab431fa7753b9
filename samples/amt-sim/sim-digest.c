/* HTTP Digest (RFC 2617, MD5, qop=auth) as a device demands it. */
#include "samples/amt-sim/sim-digest.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/hex.h"
#include "common/secret.h"

#define NONCE		48	/* hex digits: 8 bytes of time, 16 of hash */
#define HEX		32	/* digits of an MD5 */

static bool make_nonce(const uint8_t *secret, uint64_t when, char *out)
{
	uint8_t bytes[NONCE / 2];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(when >> 8 * (7 - i));
	if (gnutls_hmac_fast(GNUTLS_MAC_MD5, secret, SIM_DIGEST_SECRET, bytes, 8, bytes + 8) < 0)
		return false;
	hex_show(bytes, sizeof(bytes), out);
	return true;
}

/* Did we give out this nonce? Then *when says when. */
static bool know_nonce(const uint8_t *secret, const char *nonce, uint64_t *when)
{
	char time[17], known[NONCE + 1];

	if (strlen(nonce) != NONCE)
		return false;
	memcpy(time, nonce, 16);
	time[16] = '\0';
	*when = strtoull(time, NULL, 16);
	return make_nonce(secret, *when, known) && secret_equal(known, nonce, NONCE);
}

bool sim_digest_parameter(const char *list, const char *name, char *out)
{
	bool found = false;

	while (*list != '\0') {
		const char *key, *value;
		size_t key_size, size;

		list += strspn(list, " \t,");
		key = list;
		key_size = strcspn(list, "= \t,");
		list += key_size;
		if (*list != '=')
			return found && *list == '\0';
		list++;
		if (*list == '"') {
			value = ++list;
			size = strcspn(list, "\"\\");
			if (list[size] != '"')
				return false;
			list += size + 1;
		} else {
			value = list;
			size = strcspn(list, " \t,");
			list += size;
		}
		if (key_size != strlen(name) || strncasecmp(key, name, key_size) != 0)
			continue;
		if (found || size >= SIM_DIGEST_VALUE)
			return false;
		memcpy(out, value, size);
		out[size] = '\0';
		found = true;
	}
	return found;
}

bool sim_digest_md5_hex(const char *text, char *out)
{
	uint8_t sum[16];

	if (gnutls_hash_fast(GNUTLS_DIG_MD5, text, strlen(text), sum) < 0)
		return false;
	hex_show(sum, sizeof(sum), out);
	return true;
}

struct digest_answer {
	char user[SIM_DIGEST_VALUE], realm[SIM_DIGEST_VALUE], nonce[SIM_DIGEST_VALUE],
		uri[SIM_DIGEST_VALUE];
	char qop[SIM_DIGEST_VALUE], nc[SIM_DIGEST_VALUE], cnonce[SIM_DIGEST_VALUE],
		response[SIM_DIGEST_VALUE];
};

static bool parse(const char *list, struct digest_answer *a)
{
	char algorithm[SIM_DIGEST_VALUE];

	return sim_digest_parameter(list, "username", a->user) &&
	       sim_digest_parameter(list, "realm", a->realm) &&
	       sim_digest_parameter(list, "nonce", a->nonce) &&
	       sim_digest_parameter(list, "uri", a->uri) &&
	       sim_digest_parameter(list, "qop", a->qop) &&
	       sim_digest_parameter(list, "nc", a->nc) &&
	       sim_digest_parameter(list, "cnonce", a->cnonce) &&
	       sim_digest_parameter(list, "response", a->response) &&
	       (!sim_digest_parameter(list, "algorithm", algorithm) ||
		strcasecmp(algorithm, "MD5") == 0);
}

/* Is the response MD5(digest:nonce:nc:cnonce:auth:MD5(method:uri))? */
static bool proves(const struct digest_answer *a, const char *method, const uint8_t *digest)
{
	char text[HEX + 4 * SIM_DIGEST_VALUE + HEX], request[HEX + 1], response[HEX + 1];
	bool ok;

	snprintf(text, sizeof(text), "%s:%s", method, a->uri);
	if (!sim_digest_md5_hex(text, request))
		return false;
	hex_show(digest, 16, text);
	snprintf(text + HEX, sizeof(text) - HEX, ":%s:%s:%s:auth:%s", a->nonce, a->nc, a->cnonce,
		 request);
	ok = sim_digest_md5_hex(text, response) && strlen(a->response) == HEX &&
	     secret_equal(response, a->response, HEX);
	secret_wipe(text, sizeof(text));
	return ok;
}

enum sim_digest_result sim_digest_check(const uint8_t *secret, const char *header,
					const char *method, const char *path, const char *realm,
					const char *user, const uint8_t *digest, uint64_t now)
{
	struct digest_answer a;
	uint64_t when;

	if (!header)
		return SIM_DIGEST_NONE;
	if (strncasecmp(header, "Digest ", 7) != 0 || !parse(header + 7, &a) ||
	    strcmp(a.user, user) != 0 || strcmp(a.realm, realm) != 0 || strcmp(a.uri, path) != 0 ||
	    strcmp(a.qop, "auth") != 0 || strlen(a.nc) != 8 || !proves(&a, method, digest))
		return SIM_DIGEST_WRONG;
	if (!know_nonce(secret, a.nonce, &when) || now < when || now - when > SIM_DIGEST_SECONDS)
		return SIM_DIGEST_STALE;
	return SIM_DIGEST_OK;
}

bool sim_digest_challenge(const uint8_t *secret, const char *realm, bool stale, const char *offer,
			  uint64_t now, char *out)
{
	char nonce[NONCE + 1];

	if (!make_nonce(secret, now, nonce))
		return false;
	snprintf(out, SIM_DIGEST_CHALLENGE,
		 "Digest realm=\"%s\", nonce=\"%s\", stale=\"%s\", %s", realm, nonce,
		 stale ? "true" : "false", offer ? offer : "qop=\"auth\"");
	return true;
}
