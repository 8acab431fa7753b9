/* Values of variables as people write and read them, by the type of the variable. */
#include "setupbin/value.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keygen/pidpps.h"
#include "common/hex.h"
#include "common/secret.h"
#include "common/utf8.h"
#include "setupbin/certhash.h"

uint32_t sbin_value_number(const struct sbin_variable *v)
{
	switch (v->length) {
	case 1:
		return v->value[0];
	case 2:
		return get_le16(v->value);
	case 4:
		return get_le32(v->value);
	default:
		return 0;
	}
}

/* "0=none 1=amt": the next "N=word" of *at. False at the end. */
static bool next_word(const char **at, uint32_t *number, const char **word, size_t *n)
{
	char *end;

	*at += strspn(*at, " ");
	if (**at == '\0')
		return false;
	*number = (uint32_t)strtoul(*at, &end, 10);
	*word = end + 1;
	*n = strcspn(*word, " ");
	*at = *word + *n;
	return true;
}

const char *sbin_value_word(const struct sbin_known *k, uint32_t number, size_t *n)
{
	const char *at = k->words, *word;
	uint32_t of_word;

	while (at && next_word(&at, &of_word, &word, n))
		if (of_word == number)
			return word;
	return NULL;
}

static size_t number_bytes(enum sbin_type type)
{
	return type == SBIN_U8 ? 1 : type == SBIN_U16 ? 2 : 4;
}

static int parse_number(const struct sbin_known *k, const char *text, uint8_t *out,
			uint16_t *length)
{
	size_t bytes = number_bytes(k->type), n;
	const char *at = k->words, *word;
	unsigned long long number;
	bool hex = strncmp(text, "0x", 2) == 0;
	const char *digits = hex ? text + 2 : text;
	uint8_t encoded[8];
	uint32_t of_word;

	*length = (uint16_t)bytes;
	while (at && next_word(&at, &of_word, &word, &n)) {
		if (strlen(text) == n && strncasecmp(text, word, n) == 0) {
			put_le32(encoded, of_word);
			memcpy(out, encoded, bytes);
			return 0;
		}
	}
	n = strlen(digits);
	if (n == 0 || n > 10 || strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") != n)
		return KIT_ERR_FORMAT;
	number = strtoull(digits, NULL, hex ? 16 : 10);
	if (number >> (8 * bytes) != 0)
		return KIT_ERR_RANGE;
	put_le64(encoded, number);
	memcpy(out, encoded, bytes);
	return 0;
}

static int parse_ipv4(const char *text, uint8_t *out, uint16_t *length)
{
	struct in_addr address;
	uint8_t bytes[4];

	if (inet_pton(AF_INET, text, &address) != 1)
		return KIT_ERR_FORMAT;
	memcpy(bytes, &address, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		out[i] = bytes[3 - i];
	*length = sizeof(bytes);
	return 0;
}

/* The place of each byte of a GUID in its text: the first three groups are little-endian. */
static const uint8_t guid_order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

static int parse_guid(const char *text, uint8_t *out, uint16_t *length)
{
	static const size_t groups[] = { 8, 4, 4, 4, 12 };
	uint8_t bytes[16];
	size_t at = 0, n;

	for (size_t g = 0; g < 5; g++) {
		if (g > 0 && *text++ != '-')
			return KIT_ERR_FORMAT;
		if (strcspn(text, "-: ") != groups[g] ||
		    hex_parse(text, groups[g], bytes + at, sizeof(bytes) - at, &n) != 0)
			return KIT_ERR_FORMAT;
		text += groups[g];
		at += n;
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		out[i] = bytes[guid_order[i]];
	*length = sizeof(bytes);
	return *text == '\0' ? 0 : KIT_ERR_FORMAT;
}

static int parse_certhash(const char *text, uint8_t *out, uint16_t *length)
{
	const char *colon = strchr(text, ':'), *end;
	uint8_t digest[SBIN_CERT_DIGEST_MAX];
	struct sbin_certhash h = { .digest = digest };

	if (!colon)
		return KIT_ERR_FORMAT;
	h.algorithm = sbin_certhash_named(text, (size_t)(colon - text));
	end = strchr(colon + 1, ':');
	if (h.algorithm == 0 || !end ||
	    hex_parse(colon + 1, (size_t)(end - colon - 1), digest, sizeof(digest),
		      &h.digest_length) != 0 ||
	    h.digest_length != sbin_certhash_digest_length(h.algorithm))
		return KIT_ERR_FORMAT;
	h.name = (const uint8_t *)end + 1;
	h.name_length = strlen(end + 1);
	return sbin_certhash_encode(&h, out, SBIN_VALUE_MAX, length);
}

static int take_text(const char *text, uint8_t *out, uint16_t *length)
{
	size_t n = strlen(text);

	if (n > SBIN_VALUE_MAX)
		return KIT_ERR_RANGE;
	memcpy(out, text, n);
	*length = (uint16_t)n;
	return 0;
}

static int parse_key(const struct sbin_known *k, const char *text, uint8_t *out, uint16_t *length)
{
	bool pps = k->min == PPS_LENGTH;
	char key[PPS_LENGTH + 1];
	int rc = pps ? pidpps_parse_pps(text, strlen(text), key, NULL)
		     : pidpps_parse_pid(text, strlen(text), key, NULL);

	/* A bad key is for the checker to find, which says what is bad about it. */
	rc = take_text(rc ? text : key, out, length);
	secret_wipe(key, sizeof(key));
	return rc;
}

static int parse_hex(const char *text, uint8_t *out, uint16_t *length)
{
	size_t n = 0;
	int rc = hex_parse(text, strlen(text), out, SBIN_VALUE_MAX, &n);

	*length = (uint16_t)n;
	return rc;
}

static int parse(const struct sbin_known *k, const char *text, uint8_t *out, uint16_t *length)
{
	switch (k->type) {
	case SBIN_TEXT:
		return take_text(text, out, length);
	case SBIN_CHARS:
		return parse_key(k, text, out, length);
	case SBIN_U8:
	case SBIN_U16:
	case SBIN_U32:
		return parse_number(k, text, out, length);
	case SBIN_IPV4:
		return parse_ipv4(text, out, length);
	case SBIN_GUID:
		return parse_guid(text, out, length);
	case SBIN_CERT_HASH:
		return parse_certhash(text, out, length);
	case SBIN_RAW:
		break;
	}
	return parse_hex(text, out, length);
}

/* What a value of K looks like, for the message that refuses one. */
static void explain(const struct sbin_known *k, struct fault *fault)
{
	static const char *const forms[] = {
		[SBIN_TEXT] = "at most 65535 bytes of text",
		[SBIN_CHARS] = "its letters and digits, with or without dashes",
		[SBIN_U8] = "a number from 0 to 255",
		[SBIN_U16] = "a number from 0 to 65535",
		[SBIN_U32] = "a number from 0 to 4294967295",
		[SBIN_IPV4] = "an IPv4 address such as 10.0.0.5",
		[SBIN_GUID] = "a GUID such as 01234567-89ab-cdef-0123-456789abcdef",
		[SBIN_CERT_HASH] =
			("sha1:HEX:NAME, sha256:HEX:NAME, sha384:HEX:NAME or, for --set, "
			 "@CERTIFICATE-FILE"),
		[SBIN_RAW] = "bytes as pairs of hexadecimal digits",
	};

	if (k->words)
		fault_hint(fault, "%s takes one of: %s", k->name, k->words);
	else
		fault_hint(fault, "%s takes %s", k->name, forms[k->type]);
}

int sbin_value_parse(const struct sbin_known *k, const char *text, bool any_hex, uint8_t *out,
		     uint16_t *length, struct fault *fault)
{
	int rc;

	if (any_hex && strncmp(text, "hex:", 4) == 0)
		rc = parse_hex(text + 4, out, length);
	else
		rc = parse(k, text, out, length);
	if (!rc)
		return 0;
	if (k->secret)
		fault_set(fault, rc, "the value of %s cannot be taken", k->name);
	else
		fault_set(fault, rc, "%s: \"%.80s\" is not a value for it", k->name, text);
	explain(k, fault);
	return rc;
}

/* As a string, or NULL if it is not text. */
static char *show_text(const uint8_t *value, size_t length)
{
	for (size_t i = 0; i < length;) {
		size_t n = utf8_character(value + i, length - i);

		if (n == 0)
			return NULL;
		i += n;
	}
	return strndup((const char *)value, length);
}

static char *show_number(const struct sbin_known *k, const struct sbin_variable *v)
{
	uint32_t number = sbin_value_number(v);
	size_t n = 0;
	const char *word = sbin_value_word(k, number, &n);
	char text[16];

	if (v->length != number_bytes(k->type))
		return NULL;
	if (word)
		return strndup(word, n);
	snprintf(text, sizeof(text), "%lu", (unsigned long)number);
	return strdup(text);
}

static char *show_guid(const struct sbin_variable *v)
{
	char digits[33], text[37];
	uint8_t bytes[16];

	if (v->length != sizeof(bytes))
		return NULL;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = v->value[guid_order[i]];
	hex_show(bytes, sizeof(bytes), digits);
	snprintf(text, sizeof(text), "%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8, digits + 12,
		 digits + 16, digits + 20);
	return strdup(text);
}

static char *show_ipv4(const struct sbin_variable *v)
{
	char text[16];

	if (v->length != 4)
		return NULL;
	snprintf(text, sizeof(text), "%u.%u.%u.%u", v->value[3], v->value[2], v->value[1],
		 v->value[0]);
	return strdup(text);
}

static char *show_certhash(const struct sbin_variable *v)
{
	char digits[2 * SBIN_CERT_DIGEST_MAX + 1];
	struct sbin_certhash h;
	char *name, *text = NULL;

	if (sbin_certhash_decode(v->value, v->length, &h) != 0)
		return NULL;
	name = show_text(h.name, h.name_length);
	hex_show(h.digest, h.digest_length, digits);
	if (name && asprintf(&text, "%s:%s:%s", sbin_certhash_name(h.algorithm), digits,
				     name) < 0)
		text = NULL;
	free(name);
	return text;
}

static char *show(const struct sbin_known *k, const struct sbin_variable *v)
{
	switch (k->type) {
	case SBIN_TEXT:
	case SBIN_CHARS:
		return show_text(v->value, v->length);
	case SBIN_U8:
	case SBIN_U16:
	case SBIN_U32:
		return show_number(k, v);
	case SBIN_IPV4:
		return show_ipv4(v);
	case SBIN_GUID:
		return show_guid(v);
	case SBIN_CERT_HASH:
		return show_certhash(v);
	case SBIN_RAW:
		break;
	}
	return hex_dup(v->value, v->length);
}

/* Would sbin_value_parse() make V of TEXT again? */
static bool comes_back(const struct sbin_known *k, const char *text, const struct sbin_variable *v)
{
	uint8_t *again = malloc(SBIN_VALUE_MAX);
	uint16_t length = 0;
	bool same;

	if (!again)
		return false;
	same = sbin_value_parse(k, text, true, again, &length, NULL) == 0 && length == v->length &&
	       memcmp(again, v->value, length) == 0;
	secret_wipe(again, length);
	free(again);
	return same;
}

static void forget(char *text)
{
	if (text)
		secret_wipe(text, strlen(text));
	free(text);
}

char *sbin_value_show(const struct sbin_known *k, const struct sbin_variable *v)
{
	char *text = k ? show(k, v) : NULL, *digits;

	if (text && comes_back(k, text, v))
		return text;
	forget(text);
	digits = hex_dup(v->value, v->length);
	text = NULL;
	if (digits && asprintf(&text, "hex:%s", digits) < 0)
		text = NULL;
	forget(digits);
	return text;
}
