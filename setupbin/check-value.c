/* The checker: the value of one variable. */
#include <string.h>

#include "keygen/password.h"
#include "common/hostname.h"
#include "common/secret.h"
#include "setupbin/certhash.h"
#include "setupbin/check-private.h"
#include "setupbin/value.h"

#define SUFFIX_MAX	223	/* bytes of a DNS suffix that firmware's host interface takes */

static bool is(const struct sbin_known *k, enum sbin_id amt)
{
	return k->module == SBIN_AMT && k->id == amt;
}

static void bad_value(struct sbin_checker *c, enum sbin_severity severity,
		      const struct sbin_known *k, uint64_t at, const char *rule, const char *what)
{
	sbin_report(c, severity, at, k->name, rule,
		    "set it again with edit, or create the record again", "%s %s", k->name, what);
}

static bool check_length(struct sbin_checker *c, const struct sbin_known *k,
			 const struct sbin_variable *v, uint64_t at)
{
	if (v->length >= k->min && v->length <= k->max)
		return true;
	if (k->min == k->max)
		sbin_report(c, SBIN_ERROR, at + SBIN_VARIABLE_LENGTH_OFFSET, k->name, "length",
			    "set it again with edit, or create the record again",
			    "%s has %u bytes, not %u", k->name, v->length, k->min);
	else
		sbin_report(c, SBIN_ERROR, at + SBIN_VARIABLE_LENGTH_OFFSET, k->name, "length",
			    "set it again with edit, or create the record again",
			    "%s has %u bytes, not %u to %u", k->name, v->length, k->min, k->max);
	return false;
}

static void check_password(struct sbin_checker *c, const struct sbin_known *k,
			   const struct sbin_variable *v, uint64_t at)
{
	char text[PASSWORD_MAX + 1];
	const char *rule = NULL;
	int rc;

	memcpy(text, v->value, v->length);
	text[v->length] = '\0';
	/* A NUL makes the text shorter than the value: neither rule allows one. */
	if (strlen(text) != v->length) {
		rc = KIT_ERR_FORMAT;
		rule = "no NUL byte";
	} else {
		rc = k->rule == SBIN_RULE_NEW_PASSWORD ? password_check_new(text, &rule)
						       : password_check_current(text, &rule);
	}
	secret_wipe(text, sizeof(text));
	if (rc)
		sbin_report(c, SBIN_ERROR, at, k->name, "password-rule", "choose another password",
			    "%s breaks the rule for MEBx passwords: %s", k->name, rule);
}

static void check_key(struct sbin_checker *c, const struct sbin_known *k,
		      const struct sbin_variable *v, uint64_t at)
{
	bool pps = is(k, SBIN_PPS);
	int rc = pps ? pidpps_check_pps((const char *)v->value)
		     : pidpps_check_pid((const char *)v->value);

	if (rc)
		sbin_report(c, SBIN_ERROR, at, k->name,
			    rc == KIT_ERR_CHECK ? "check-character"
			    : rc == KIT_ERR_RANGE ? "all-zero-pps" : "characters",
			    "generate a pair with amt-keygen, or type this one again", "%s: %s",
			    k->name, rc == KIT_ERR_RANGE
			    ? "all zeros, which leave the machine's set-up state as it was"
			    : pidpps_rule(rc, pps));
}

static void check_text(struct sbin_checker *c, const struct sbin_known *k,
		       const struct sbin_variable *v, uint64_t at)
{
	bool host = k->rule == SBIN_RULE_HOST_NAME;

	if (k->rule == SBIN_RULE_CURRENT_PASSWORD || k->rule == SBIN_RULE_NEW_PASSWORD) {
		check_password(c, k, v, at);
		return;
	}
	if (memchr(v->value, 0, v->length)) {
		bad_value(c, SBIN_ERROR, k, at, "text", "has a NUL byte in it");
		return;
	}
	if (is(k, SBIN_DNS_SUFFIX) && v->length > SUFFIX_MAX)
		sbin_report(c, SBIN_WARNING, at, k->name, "suffix-length", "give a shorter one",
			    "%s has %u bytes; firmware takes at most %d from elsewhere, and may "
			    "cut it", k->name, v->length, SUFFIX_MAX);
	if (host || k->rule == SBIN_RULE_DNS_NAME) {
		if (!hostname_is_dns_name(v->value, v->length, !host))
			bad_value(c, SBIN_WARNING, k, at, "dns-name", "is not a DNS name");
		return;
	}
	for (size_t i = 0; i < v->length; i++) {
		if (v->value[i] < 32 || v->value[i] > 126) {
			bad_value(c, SBIN_WARNING, k, at, "text",
				  "has bytes that are not ASCII text");
			return;
		}
	}
}

static void check_number(struct sbin_checker *c, const struct sbin_known *k,
			 const struct sbin_variable *v, uint64_t at)
{
	uint32_t number = sbin_value_number(v);
	size_t n;

	if (k->words && !sbin_value_word(k, number, &n))
		sbin_report(c, SBIN_ERROR, at + SBIN_VARIABLE_HEADER, k->name, "value",
			    "set it again with edit", "%s is %lu, which is none of: %s", k->name,
			    (unsigned long)number, k->words);
	else if (is(k, SBIN_CHANNEL_ID) && (number < 1 || number > 65535))
		sbin_report(c, SBIN_ERROR, at + SBIN_VARIABLE_HEADER, k->name, "value",
			    "set it again with edit", "%s is %lu, not 1 to 65535", k->name,
			    (unsigned long)number);
	else if (is(k, SBIN_SERVER_PORT) && number == 0)
		bad_value(c, SBIN_ERROR, k, at + SBIN_VARIABLE_HEADER, "value", "is 0");
	else if (is(k, SBIN_PROVISIONING_MODE) && number > 2)
		sbin_report(c, SBIN_WARNING, at + SBIN_VARIABLE_HEADER, k->name, "value",
			    "set it to 0, 1 or 2", "%s is %lu; documents know 0 to 2 only", k->name,
			    (unsigned long)number);
}

static void check_cert(struct sbin_checker *c, const struct sbin_known *k,
		       const struct sbin_variable *v, uint64_t at)
{
	struct sbin_certhash h;

	if (sbin_certhash_decode(v->value, v->length, &h) != 0) {
		bad_value(c, SBIN_ERROR, k, at + SBIN_VARIABLE_HEADER, "cert-hash",
			  "does not hold an algorithm from 1 to 3, its hash and a name");
		return;
	}
	if (h.name_length > SBIN_CERT_NAME)
		sbin_report(c, SBIN_ERROR, at + SBIN_VARIABLE_HEADER, k->name, "cert-hash",
			    "give a shorter name",
			    "the certificate's friendly name has %zu bytes, more than %d",
			    h.name_length, SBIN_CERT_NAME);
	if (memchr(h.name, 0, h.name_length))
		bad_value(c, SBIN_WARNING, k, at, "cert-hash", "has a NUL byte in its name");
	if (h.algorithm > 1 && c->header->version.major < 3)
		sbin_report(c, SBIN_WARNING, at + SBIN_VARIABLE_HEADER, k->name, "since",
			    "make the file as version 3.0 or 4.0, or give a SHA-1 hash",
			    "%s hashes are known from file version 3.0 on",
			    sbin_certhash_name(h.algorithm));
}

static bool older(struct sbin_version a, struct sbin_version b)
{
	return a.major < b.major || (a.major == b.major && a.minor < b.minor);
}

void sbin_check_value(struct sbin_checker *c, const struct sbin_known *k,
		      const struct sbin_variable *v, uint64_t at)
{
	if (older(c->header->version, k->since))
		sbin_report(c, SBIN_WARNING, at, k->name, "since",
			    "make the file with a later version",
			    "%s is known from file version %u.%u on, this file is %u.%u", k->name,
			    k->since.major, k->since.minor, c->header->version.major,
			    c->header->version.minor);
	if (!check_length(c, k, v, at))
		return;
	switch (k->type) {
	case SBIN_TEXT:
		check_text(c, k, v, at);
		break;
	case SBIN_CHARS:
		check_key(c, k, v, at + SBIN_VARIABLE_HEADER);
		break;
	case SBIN_U8:
	case SBIN_U16:
	case SBIN_U32:
		check_number(c, k, v, at);
		break;
	case SBIN_CERT_HASH:
		check_cert(c, k, v, at);
		break;
	case SBIN_RAW:
		if (is(k, SBIN_IPV6) && v->length != k->min && v->length != k->max)
			bad_value(
				c, SBIN_WARNING, k, at + SBIN_VARIABLE_LENGTH_OFFSET, "length",
				"has neither 204 bytes (the old form) nor 84 (the new one)");
		break;
	case SBIN_IPV4:
	case SBIN_GUID:
		break;
	}
}
