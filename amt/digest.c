/* HTTP Digest as a client. */
#include "amt/digest.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/hex.h"
#include "common/secret.h"

#define MD5_HEX	32	/* digits */

/* ---- reading challenges ---- */

#define SPACE	" \t"
#define TOKEN	"!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~"

/* One item of a header's list: a scheme by itself ("Digest"), or NAME=VALUE. */
struct item {
	char name[32];
	bool has_value;
	char value[DIGEST_TEXT + 1];
};

/* A value in quotes, whose backslashes are taken away. Behind it, or NULL. */
static const char *quoted(const char *at, char *out)
{
	size_t n = 0;

	for (at++; *at && *at != '"'; at++) {
		if (*at == '\\' && at[1])
			at++;
		if (n == DIGEST_TEXT)
			return NULL;
		out[n++] = *at;
	}
	out[n] = '\0';
	return *at ? at + 1 : NULL;
}

static const char *token(const char *at, char *out, size_t size)
{
	size_t n = strspn(at, TOKEN);

	if (n == 0 || n >= size)
		return NULL;
	memcpy(out, at, n);
	out[n] = '\0';
	return at + n;
}

/* The next item of the list at AT. Behind it; NULL: this is not a list of challenges. */
static const char *next_item(const char *at, struct item *item)
{
	const char *behind;

	memset(item, 0, sizeof(*item));
	at = token(at, item->name, sizeof(item->name));
	if (!at)
		return NULL;
	behind = at + strspn(at, SPACE);
	if (*behind != '=')
		return at;
	item->has_value = true;
	at = behind + 1 + strspn(behind + 1, SPACE);
	return *at == '"' ? quoted(at, item->value)
			  : token(at, item->value, sizeof(item->value));
}

/* What a challenge says besides its texts. */
struct terms {
	char algorithm[DIGEST_TEXT + 1], qop[DIGEST_TEXT + 1];
	bool has_qop;
};

static void take_item(struct digest *d, struct terms *t, const struct item *item)
{
	if (strcasecmp(item->name, "realm") == 0) {
		strcpy(d->realm, item->value);
	} else if (strcasecmp(item->name, "nonce") == 0) {
		strcpy(d->nonce, item->value);
	} else if (strcasecmp(item->name, "opaque") == 0) {
		strcpy(d->opaque, item->value);
		d->has_opaque = true;
	} else if (strcasecmp(item->name, "stale") == 0) {
		d->stale = strcasecmp(item->value, "true") == 0;
	} else if (strcasecmp(item->name, "algorithm") == 0) {
		strcpy(t->algorithm, item->value);
		d->says_algorithm = true;
	} else if (strcasecmp(item->name, "qop") == 0) {
		strcpy(t->qop, item->value);
		t->has_qop = true;
	}
}

/* Is WORD among the words of LIST, which commas and spaces part? */
static bool has_word(const char *list, const char *word)
{
	while (*(list += strspn(list, SPACE ","))) {
		size_t n = strcspn(list, SPACE ",");

		if (n == strlen(word) && strncasecmp(list, word, n) == 0)
			return true;
		list += n;
	}
	return false;
}

/* Can these texts stand in quotes as they are? */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

/* A word of the machine's for a message: what is not a plain word is not shown. */
static const char *word_of(const char *text)
{
	return strlen(text) < 40 && text[strspn(text, TOKEN ", ")] == '\0' ? text : "(unreadable)";
}

/* The challenge is whole: can it be answered? */
static int judge(struct digest *d, const struct terms *t, struct fault *fault)
{
	if (!*d->nonce || !is_plain(d->realm) || !is_plain(d->nonce) || !is_plain(d->opaque))
		return fault_set(fault, KIT_ERR_PROTOCOL,
				 "the machine's Digest challenge has no valid nonce");
	d->session = strcasecmp(t->algorithm, "MD5-sess") == 0;
	if (d->says_algorithm && !d->session && strcasecmp(t->algorithm, "MD5") != 0)
		return fault_set(fault, KIT_ERR_PROTOCOL,
				 "the machine asks for a password by Digest with the algorithm %s, "
				 "which is not supported (MD5 and MD5-sess are); its password was "
				 "not tried", word_of(t->algorithm));
	if (!t->has_qop)
		d->qop = DIGEST_QOP_NONE;
	else if (has_word(t->qop, "auth"))
		d->qop = DIGEST_QOP_AUTH;
	else if (has_word(t->qop, "auth-int"))
		d->qop = DIGEST_QOP_AUTH_INT;
	else
		return fault_set(fault, KIT_ERR_PROTOCOL,
				 "the machine asks for a password by Digest with the quality of "
				 "protection %s, which is not supported (auth and auth-int are); "
				 "its password was not tried", word_of(t->qop));
	return 0;
}

int digest_read(struct digest *out, const char *value, struct fault *fault)
{
	struct fault why = { 0 };
	struct digest d = { 0 };
	struct terms t = { 0 };
	struct item item;
	bool inside = false, seen = false;

	for (;;) {
		bool end;

		value += strspn(value, SPACE ",");
		end = !*value;
		if (!end) {
			value = next_item(value, &item);
			if (!value)
				break;
		}
		if (inside && (end || !item.has_value)) {
			if (!judge(&d, &t, &why)) {
				*out = d;
				return 0;
			}
			memset(&d, 0, sizeof(d));
			memset(&t, 0, sizeof(t));
		}
		if (end)
			return seen ? fault_pass(fault, &why) : KIT_ERR_NOT_FOUND;
		if (!item.has_value)
			inside = strcasecmp(item.name, "Digest") == 0;
		else if (inside)
			take_item(&d, &t, &item);
		seen |= inside;
	}
	if (!seen)
		return KIT_ERR_NOT_FOUND;
	return fault_set(fault, KIT_ERR_PROTOCOL, "the machine's Digest challenge is not valid");
}

/* ---- answering ---- */

/* The pieces, joined by colons, as an MD5 in hex. */
static int md5_hex(const char *const *pieces, size_t n, char out[static MD5_HEX + 1],
		   struct fault *fault)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char sum[EVP_MAX_MD_SIZE];
	bool good = md && EVP_DigestInit_ex(md, EVP_md5(), NULL);

	for (size_t i = 0; good && i < n; i++)
		good = (i == 0 || EVP_DigestUpdate(md, ":", 1)) &&
		       EVP_DigestUpdate(md, pieces[i], strlen(pieces[i]));
	good = good && EVP_DigestFinal_ex(md, sum, NULL);
	EVP_MD_CTX_free(md);
	if (good)
		hex_show(sum, MD5_HEX / 2, out);
	secret_wipe(sum, sizeof(sum));
	return good ? 0 : fault_set(fault, KIT_ERR_CRYPTO, "OpenSSL refuses MD5, which AMT's "
				    "Digest accounts are made of");
}

/* HA1: SECRET, it is as good as the password in this realm. */
static int hash_account(const struct digest *d, const struct digest_request *q,
			const char *cnonce, char out[static MD5_HEX + 1], struct fault *fault)
{
	const char *account[] = { q->user, d->realm, q->password };
	char base[MD5_HEX + 1];
	const char *session[] = { base, d->nonce, cnonce };
	int rc = md5_hex(account, 3, d->session ? base : out, fault);

	if (!rc && d->session)
		rc = md5_hex(session, 3, out, fault);
	secret_wipe(base, sizeof(base));
	return rc;
}

static int hash_request(const struct digest *d, const struct digest_request *q,
			char out[static MD5_HEX + 1], struct fault *fault)
{
	char body[MD5_HEX + 1];
	const char *pieces[] = { q->method, q->path, body };
	unsigned char sum[EVP_MAX_MD_SIZE];

	if (d->qop != DIGEST_QOP_AUTH_INT)
		return md5_hex(pieces, 2, out, fault);
	if (!EVP_Digest(q->size ? q->body : "", q->size, sum, NULL, EVP_md5(), NULL))
		return fault_set(fault, KIT_ERR_CRYPTO, "OpenSSL refuses MD5");
	hex_show(sum, MD5_HEX / 2, body);
	return md5_hex(pieces, 3, out, fault);
}

/* Append NAME="VALUE" with what has to be escaped in quotes. */
static size_t put(char *out, size_t at, const char *name, const char *value)
{
	at += (size_t)snprintf(out + at, DIGEST_AUTHORIZATION - at, "%s%s=\"",
			       at > strlen("Digest ") ? ", " : "", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			out[at++] = '\\';
		out[at++] = *value;
	}
	out[at++] = '"';
	out[at] = '\0';
	return at;
}

/* Names and paths of the kit's own, of a length that fits whatever the machine said. */
#define OWN_TEXT	127

static bool is_own(const char *text)
{
	return strlen(text) <= OWN_TEXT && is_plain(text) && !strpbrk(text, "\"\\");
}

int digest_answer(struct digest *d, const struct digest_request *q,
		  char out[static DIGEST_AUTHORIZATION], struct fault *fault)
{
	static const char *const qops[] = { [DIGEST_QOP_AUTH] = "auth",
					    [DIGEST_QOP_AUTH_INT] = "auth-int" };
	char account[MD5_HEX + 1], request[MD5_HEX + 1], response[MD5_HEX + 1];
	char cnonce[65], count[9];
	const char *with_qop[] = { account, d->nonce, count, cnonce, qops[d->qop], request };
	const char *without[] = { account, d->nonce, request };
	uint8_t random[16];
	size_t at;
	int rc;

	*out = '\0';
	if (!is_own(q->user) || !is_own(q->path) ||
	    (q->cnonce && strlen(q->cnonce) >= sizeof(cnonce)))
		return fault_set(fault, KIT_ERR_ARGUMENT, "a name that Digest cannot carry");
	if (!q->cnonce && RAND_bytes(random, sizeof(random)) != 1)
		return fault_set(fault, KIT_ERR_CRYPTO, "OpenSSL has no random numbers");
	if (q->cnonce)
		strcpy(cnonce, q->cnonce);
	else
		hex_show(random, sizeof(random), cnonce);
	snprintf(count, sizeof(count), "%08x", ++d->count);
	rc = hash_account(d, q, cnonce, account, fault);
	if (!rc)
		rc = hash_request(d, q, request, fault);
	if (!rc)
		rc = d->qop == DIGEST_QOP_NONE ? md5_hex(without, 3, response, fault)
					       : md5_hex(with_qop, 6, response, fault);
	secret_wipe(account, sizeof(account));
	if (rc)
		return rc;
	strcpy(out, "Digest ");
	at = put(out, strlen(out), "username", q->user);
	at = put(out, at, "realm", d->realm);
	at = put(out, at, "nonce", d->nonce);
	at = put(out, at, "uri", q->path);
	at = put(out, at, "response", response);
	if (d->has_opaque)
		at = put(out, at, "opaque", d->opaque);
	if (d->says_algorithm)
		at += (size_t)sprintf(out + at, ", algorithm=%s", d->session ? "MD5-sess" : "MD5");
	if (d->qop != DIGEST_QOP_NONE)
		at += (size_t)sprintf(out + at, ", qop=%s, nc=%s", qops[d->qop], count);
	if (d->qop != DIGEST_QOP_NONE || d->session)
		put(out, at, "cnonce", cnonce);
	return 0;
}
