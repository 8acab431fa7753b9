/* What is wrong with a chain of certificates. */
#include "amt/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "amt/pki-name.h"
#include "common/clock.h"
#include "common/error.h"

#define RSA_LEAST	2048

/* What each code is to a script, and how bad it is. */
static const struct {
	const char *word;
	enum finding_severity severity;
} codes[] = {
	[FINDING_NO_KEY] = { "no-key", FINDING_REFUSED },
	[FINDING_OTHER_KEY] = { "other-key", FINDING_REFUSED },
	[FINDING_INCOMPLETE] = { "incomplete", FINDING_REFUSED },
	[FINDING_NOT_SERVER] = { "not-server", FINDING_REFUSED },
	[FINDING_NOT_AMT] = { "not-amt", FINDING_REFUSED },
	[FINDING_KEY_KIND] = { "key-kind", FINDING_REFUSED },
	[FINDING_EXPIRED] = { "expired", FINDING_REFUSED },
	[FINDING_NOT_YET] = { "not-yet-valid", FINDING_WARNING },
	[FINDING_EXPIRES_7] = { "expires-7", FINDING_WARNING },
	[FINDING_EXPIRES_30] = { "expires-30", FINDING_WARNING },
	[FINDING_WEAK_DIGEST] = { "sha1", FINDING_WARNING },
	[FINDING_SHORT_KEY] = { "short-key", FINDING_WARNING },
	[FINDING_EC] = { "ec-key", FINDING_WARNING },
	[FINDING_TOO_LONG] = { "chain-long", FINDING_WARNING },
	[FINDING_TOO_LARGE] = { "chain-large", FINDING_WARNING },
	[FINDING_NO_DOT] = { "cn-no-dot", FINDING_WARNING },
	[FINDING_SAN] = { "san-lacks-cn", FINDING_WARNING },
	[FINDING_SUFFIX] = { "other-suffix", FINDING_WARNING },
	[FINDING_BY_SYSTEM] = { "by-system", FINDING_NOTE },
};

struct list {
	struct finding *out;
	size_t n;
};

/* FORMAT is "what", or "what\nwhat to do". */
static struct finding *say(struct list *l, enum finding_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static struct finding *say(struct list *l, enum finding_code code, const char *format, ...)
{
	struct finding *f = &l->out[l->n++];
	struct fault text = { .code = 0 };
	char all[2 * FINDING_TEXT];
	char *hint;
	va_list args;

	va_start(args, format);
	vsnprintf(all, sizeof(all), format, args);
	va_end(args);
	hint = strchr(all, '\n');
	if (hint)
		*hint++ = '\0';
	fault_set(&text, KIT_ERR_UNFIT, "%s\n%s", all, hint ? hint : "");
	f->code = code;
	f->severity = codes[code].severity;
	snprintf(f->what, sizeof(f->what), "%s", text.what);
	snprintf(f->hint, sizeof(f->hint), "%s", text.hint);
	return f;
}

/* ---- what every machine wants ---- */

static void look_at_key(struct list *l, const struct chain_facts *f)
{
	if (f->has_key)
		return;
	if (*f->other_key)
		say(l, FINDING_OTHER_KEY, "the private key in %s is not the one of this "
		    "certificate\n"
		    "put the key that the certificate was ordered with into the "
		    "folder", f->other_key);
	else
		say(l, FINDING_NO_KEY, "its private key is missing\n"
		    "put the key, which never left the computer that the certificate was ordered "
		    "on, into a file beside it");
}

static void look_at_end(struct list *l, const struct chain_facts *f)
{
	const struct chain_link *last = &f->links[f->n_links - 1];

	if (!f->complete && f->n_links == CHAIN_LENGTH)
		say(l, FINDING_INCOMPLETE, "its chain has no root after %d certificates",
		    CHAIN_LENGTH);
	else if (!f->complete)
		say(l, FINDING_INCOMPLETE, "its chain ends at \"%.100s\": the certificate of the "
		    "issuer \"%.100s\" is missing\n"
		    "put the certificates of the issuers, up to the root, into the folder: "
		    "machines want all of them to be sent", last->subject, last->issuer);
}

static void look_at_usage(struct list *l, const struct chain_facts *f)
{
	if (!f->server_auth)
		say(l, FINDING_NOT_SERVER, "its extended key usage lacks \"TLS server\" "
		    "(serverAuth)\n"
		    "order it again as a certificate of a server");
	if (f->amt_oid || f->amt_ou)
		return;
	if (*f->near_ou)
		say(l, FINDING_NOT_AMT, "its OU \"%.80s\" is not exactly \"%s\", and its extended "
		    "key usage lacks %s\n"
		    "order it again with one of them", f->near_ou, CHAIN_AMT_OU, CHAIN_AMT_OID);
	else
		say(l, FINDING_NOT_AMT, "it is not made for AMT: it has neither %s in its extended "
		    "key usage nor the OU \"%s\"\n"
		    "order it again with one of them", CHAIN_AMT_OID, CHAIN_AMT_OU);
}

/* The one of the chain whose time ends first. */
static const struct chain_link *first_to_end(const struct chain_facts *f)
{
	const struct chain_link *first = &f->links[0];

	for (size_t i = 1; i < f->n_links; i++)
		if (f->links[i].not_after < first->not_after)
			first = &f->links[i];
	return first;
}

static void look_at_time(struct list *l, const struct chain_facts *f,
			 const struct finding_site *site)
{
	const struct chain_link *link = first_to_end(f);
	int64_t days = chain_days_left(f->not_after, site->now);
	char from[CLOCK_TEXT + 1], until[CLOCK_TEXT + 1], who[CHAIN_NAME + 40] = "it";
	struct finding *said;

	clock_show(f->not_before, from);
	clock_show(f->not_after, until);
	if (link != &f->links[0])
		snprintf(who, sizeof(who), "\"%.100s\" in its chain", link->subject);
	if (days < 0) {
		said = say(l, FINDING_EXPIRED, "%s expired on %s\n"
			   "renew it", who, until);
		if (site->serve_expired)
			said->severity = FINDING_WARNING;
	} else if (f->not_before > site->now) {
		say(l, FINDING_NOT_YET, "it is valid from %s only\n"
		    "is the clock of this computer right?", from);
	}
	if (days >= 0 && days < 30)
		say(l, days < 7 ? FINDING_EXPIRES_7 : FINDING_EXPIRES_30,
		    "%s expires in %lld day%s, on %s\n"
		    "renew it in time", who, (long long)days, plural((unsigned long long)days),
		    until);
}

/* ---- what some machines want ---- */

static void look_at_strength(struct list *l, const struct chain_facts *f)
{
	const struct chain_link *weak = NULL, *small = NULL;

	for (size_t i = 0; i < f->n_links; i++) {
		const struct chain_link *link = &f->links[i];

		if (link->weak_digest && !weak)
			weak = link;
		if (link->key == CHAIN_KEY_RSA && link->bits < RSA_LEAST && !small)
			small = link;
	}
	if (weak)
		say(l, FINDING_WEAK_DIGEST, "\"%.100s\" in its chain is signed with %s, which AMT "
		    "15 and later refuse\n"
		    "where the authority has the same root signed with SHA-256, put that one into "
		    "the folder and take the old one away", weak->subject, weak->digest);
	if (small)
		say(l, FINDING_SHORT_KEY, "\"%.100s\" in its chain has an RSA key of %u bits: AMT "
		    "15 and later want %d", small->subject, small->bits, RSA_LEAST);
	if (f->links[0].key == CHAIN_KEY_EC)
		say(l, FINDING_EC, "it has an EC key of %u bits: at best AMT 22 and later accept "
		    "it\n"
		    "order it with an RSA key of 2048 bits, or 3072 for AMT 22", f->links[0].bits);
	else if (f->links[0].key == CHAIN_KEY_OTHER)
		say(l, FINDING_KEY_KIND, "its key is neither RSA nor EC\n"
		    "order it with an RSA key");
}

static void look_at_size(struct list *l, const struct chain_facts *f)
{
	if (f->n_links > CHAIN_AMT_LENGTH)
		say(l, FINDING_TOO_LONG, "its chain has %zu certificates; machines may take no "
		    "more than %d\n"
		    "take those away that a shorter chain does without", f->n_links,
		    CHAIN_AMT_LENGTH);
	if (f->bytes > CHAIN_AMT_BYTES)
		say(l, FINDING_TOO_LARGE, "its chain has %zu bytes; machines may take no more than "
					  "%d",
		    f->bytes, CHAIN_AMT_BYTES);
}

static bool san_has(const struct chain_facts *f, const char *name)
{
	for (size_t i = 0; i < f->n_names; i++)
		if (strcasecmp(f->names[i], name) == 0)
			return true;
	return false;
}

static void look_at_suffix(struct list *l, const struct chain_facts *f, const char *suffix)
{
	enum pki_name all = pki_name_judge(suffix, f->cn, 0, 0);

	if (all == PKI_NAME_ACCEPTED)
		return;
	if (pki_name_judge(suffix, f->cn, 6, 0) == PKI_NAME_ACCEPTED) {
		say(l, FINDING_SUFFIX, "its name \"%.100s\" fits the suffix %.100s for AMT 4.1, "
		    "5.1 and later only\n"
		    "a name below %.100s would fit all", f->cn, suffix, suffix);
		return;
	}
	for (size_t i = 0; i < f->n_names; i++)
		if (pki_name_judge(suffix, f->names[i], 6, 0) == PKI_NAME_ACCEPTED) {
			say(l, FINDING_SUFFIX, "its name \"%.100s\" %s (%.100s); only \"%.100s\" "
			    "in its SAN would do, which old machines may not look at", f->cn,
			    pki_name_text(all), suffix, f->names[i]);
			return;
		}
	say(l, FINDING_SUFFIX, "its name \"%.100s\" %s (%.100s)\n"
	    "order one for a name in that domain, or correct suffix in section [pki]", f->cn,
	    pki_name_text(all), suffix);
}

static void look_at_names(struct list *l, const struct chain_facts *f,
			  const struct finding_site *site)
{
	if (!strchr(f->cn, '.'))
		say(l, FINDING_NO_DOT, "its CN \"%.100s\" is not a full name: it has no dot\n"
		    "order one whose CN is a name in the machines' domain", f->cn);
	if (f->n_names && !san_has(f, f->cn))
		say(l, FINDING_SAN, "its SAN lacks the CN \"%.100s\": which of the two a machine "
		    "looks at depends on its firmware", f->cn);
	if (site->suffix && *site->suffix)
		look_at_suffix(l, f, site->suffix);
}

static void look_at_system(struct list *l, const struct chain_facts *f)
{
	char names[FINDING_TEXT / 2] = "";
	size_t at = 0;

	for (size_t i = 0; i < f->n_links && at < sizeof(names); i++)
		if (!*f->links[i].file)
			at += (size_t)snprintf(names + at, sizeof(names) - at, "%s\"%.60s\"",
					       at ? ", " : "", f->links[i].subject);
	if (f->by_system)
		say(l, FINDING_BY_SYSTEM, "its chain was completed from the certificates of this "
		    "computer: %s\n"
		    "put that into the folder, so that an update of the system cannot take it away",
		    names);
}

size_t finding_list(const struct chain_facts *f, const struct finding_site *site,
		    struct finding out[static FINDINGS])
{
	struct list l = { .out = out };

	look_at_key(&l, f);
	look_at_end(&l, f);
	look_at_usage(&l, f);
	look_at_time(&l, f, site);
	look_at_strength(&l, f);
	look_at_size(&l, f);
	look_at_names(&l, f, site);
	look_at_system(&l, f);
	return l.n;
}

const char *finding_word(enum finding_code code)
{
	return codes[code].word;
}

const char *finding_severity_word(enum finding_severity severity)
{
	static const char *const words[] = {
		[FINDING_NOTE] = "note", [FINDING_WARNING] = "warning",
		[FINDING_REFUSED] = "refused",
	};

	return words[severity];
}
