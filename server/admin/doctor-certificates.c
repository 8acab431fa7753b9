/* What the doctor finds about set-up by certificate: files, roots, names, what machines said. */
#include "server/admin/doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "amt/roots.h"
#include "common/clock.h"
#include "server/admin/certmatch.h"
#include "server/core/certificates.h"
#include "server/keymap/systems.h"

/* ---- the folder ---- */

static void look_at_files(const struct doctor *d, const struct certificates *all)
{
	const struct certificate_problem *p;

	for (size_t i = 0; (p = certificates_problem(all, i)) != NULL; i++)
		doctor_fault(d, "certificate-file", &p->fault);
}

/* Each thing that is wrong with a certificate, in the words that it is refused with. */
static void look_at_findings(const struct doctor *d, const struct certificate *c)
{
	for (size_t i = 0; i < c->n_findings; i++) {
		const struct finding *f = &c->findings[i];

		if (f->severity == FINDING_NOTE)
			continue;
		doctor_say(d, "certificate",
			   f->severity == FINDING_REFUSED ? DOCTOR_FAIL : DOCTOR_WARN,
			   f->hint[0] ? f->hint : NULL, "%s: %s", c->id, f->what);
	}
}

static bool is_public(const struct chain_facts *f)
{
	const struct roots_digest root = { CHAIN_SHA256, sizeof(f->root_sha256), f->root_sha256 };

	return f->by_system || roots_find(&root);
}

/* Names under which nobody can buy a certificate (RFC 6762, RFC 6761, and what sites use). */
static bool is_private_suffix(const char *suffix)
{
	static const char *const private[] = { "local", "localdomain", "lan", "home", "corp",
					       "internal", "intranet", "private", "test" };
	const char *dot = strrchr(suffix, '.');
	const char *top = dot ? dot + 1 : suffix;

	for (size_t i = 0; i < sizeof(private) / sizeof(*private); i++)
		if (strcasecmp(top, private[i]) == 0)
			return true;
	return false;
}

static void look_at_suffix(const struct doctor *d, const struct certificates *all)
{
	const char *suffix = d->config->pki_suffix;
	const struct certificate *c;

	for (size_t i = 0; (c = certificates_at(all, i)) != NULL; i++)
		if (c->served && is_public(c->facts) && is_private_suffix(suffix)) {
			doctor_say(d, "certificate-suffix", DOCTOR_WARN,
				   "give the machines a public suffix by DHCP option 15, or the "
				   "PKI DNS suffix by stick (amt-setupbin create --pki)",
				   "machines have the suffix \"%s\", and %s, which was bought, "
				   "can't be under that", suffix, c->id);
			return;
		}
}

/* The certificates that are served and the soonest of their ends. */
static size_t count_served(const struct certificates *all, int64_t *soonest)
{
	const struct certificate *c;
	size_t n = 0;

	*soonest = 0;
	for (size_t i = 0; (c = certificates_at(all, i)) != NULL; i++) {
		if (!c->served)
			continue;
		if (!n++ || c->facts->not_after < *soonest)
			*soonest = c->facts->not_after;
	}
	return n;
}

/* ---- the machines ---- */

/* What the last call of a machine came to: words of its reason, and what they mean. */
static const struct {
	const char *check, *words;
	const char *what, *hint;
} reasons[] = {
	{ "certificate-refused", "does not accept this server's certificate",
	  "do not accept this server's certificate",
	  "compare its name with their DNS suffix: DHCP option 15, which must not be missing or "
	  ".local, or PKI DNS suffix of stick or MEBx; from AMT 15 on no SHA-1 may be in the "
	  "chain; amt-provisionctl certificates match UUID" },
	{ "certificate-refused", "closed the connection when it had seen",
	  "closed the connection when they had seen this server's certificate",
	  "compare its name with their DNS suffix (DHCP option 15, or PKI DNS suffix of stick or "
	  "MEBx); AMT 3.2.1 does so until its firmware is 3.2.2" },
	{ "not-waiting", "does not ask for this server's certificate",
	  "speak TLS, and do not wait for a set-up by certificate",
	  "see that TLS PKI is on in Remote Setup of the MEBx, and that its time for set-up has "
	  "not run out: start it with the stick again, or un-provision it" },
	{ "machine-tls", "no version and suite of TLS in common",
	  "have no TLS in common with this server",
	  "update their AMT firmware: AMT 3.2.1 makes itself a certificate that is not valid" },
	{ "data-missing", "data missing",
	  "want something set before the commit that was not",
	  "AMT 19 and later want a MEBx password: set mebx_password=random in their profile "
	  "(amt-provisionctl profiles set)" },
};
#define REASONS (sizeof(reasons) / sizeof(*reasons))

struct pki_tally {
	const struct doctor *d;
	const struct certificates *all;
	struct certmatch *match;
	uint64_t by_certificate, unmatched, by_sha1;
	uint64_t n[REASONS];
	struct uuid first[REASONS], first_unmatched;
	struct fault fault;
};

static int look_at_roots(struct pki_tally *t, const struct system *s)
{
	int rc = certmatch_find(t->match, t->d->map, &s->uuid, t->all, t->d->now, &t->fault);

	if (rc == KIT_ERR_NOT_FOUND)
		return 0;
	if (rc)
		return rc;
	if (!t->match->n_matches && t->match->size && !t->unmatched++)
		t->first_unmatched = s->uuid;
	t->by_sha1 += t->match->n_matches && t->match->matches[0].type == CHAIN_SHA1;
	return 0;
}

static int look_at_machine(void *context, const struct system *s)
{
	struct pki_tally *t = context;

	if (s->hello_version != 3 && !system_by_certificate(s))
		return 0;
	t->by_certificate++;
	if (s->state == SYSTEM_CONFIGURED || system_waits_for_person(s))
		return 0;
	for (size_t i = 0; i < REASONS; i++)
		if (strstr(s->reason, reasons[i].words) && !t->n[i]++)
			t->first[i] = s->uuid;
	return look_at_roots(t, s);
}

static void say_reasons(const struct pki_tally *t)
{
	char uuid[UUID_SHOWN + 1];

	for (size_t i = 0; i < REASONS; i++) {
		if (!t->n[i])
			continue;
		uuid_show(&t->first[i], uuid);
		doctor_say(t->d, reasons[i].check, DOCTOR_WARN, reasons[i].hint,
			   "machines that %s: %" PRIu64 ", the first is %s", reasons[i].what,
			   t->n[i], uuid);
	}
}

/* The first of them stands for all: mostly they have one stick or one model. */
static void say_unmatched(const struct pki_tally *t)
{
	struct fault why = { 0 }, unused = { 0 };
	char uuid[UUID_SHOWN + 1];

	if (!t->unmatched) {
		doctor_say(t->d, "needs-certificate", DOCTOR_PASS, NULL,
			   "no machine waits for a certificate that the server does not have");
		return;
	}
	if (certmatch_find(t->match, t->d->map, &t->first_unmatched, t->all, t->d->now, &unused))
		return;
	certmatch_explain(t->match, t->all, &why);
	uuid_show(&t->first_unmatched, uuid);
	doctor_say(t->d, "needs-certificate", DOCTOR_WARN, why.hint,
		   "machines for which the server has no certificate: %" PRIu64 ", the first is "
		   "%s: %s", t->unmatched, uuid, why.what);
}

static void say_machines(const struct pki_tally *t)
{
	say_unmatched(t);
	if (t->by_sha1)
		doctor_say(t->d, "certificate-sha1", DOCTOR_WARN,
			   "AMT 15 and later refuse that: make their stick with SHA-256 "
			   "(amt-setupbin create --pki --cert root.pem, file version 3.0 or later)",
			   "machines that know this server's root by SHA-1 only: %" PRIu64,
			   t->by_sha1);
	say_reasons(t);
}

static void look_at_machines(const struct doctor *d, const struct certificates *all,
			     uint64_t *by_certificate)
{
	const struct keymap_system_filter every = { 0 };
	struct pki_tally t = { .d = d, .all = all, .match = calloc(1, sizeof(struct certmatch)) };
	int rc = t.match ? 0 : fault_nomem(&t.fault);

	if (!rc && d->map)
		rc = keymap_systems(d->map, &every, look_at_machine, &t, &t.fault);
	if (rc)
		doctor_fault(d, "needs-certificate", &t.fault);
	else
		say_machines(&t);
	*by_certificate = t.by_certificate;
	free(t.match);
}

static void say_served(const struct doctor *d, const struct certificates *all,
		       uint64_t by_certificate)
{
	char until[CLOCK_TEXT + 1];
	int64_t soonest;
	size_t n = count_served(all, &soonest);

	clock_show(soonest, until);
	if (n)
		doctor_say(d, "certificates", DOCTOR_PASS, NULL,
			   "certificates that are served: %zu, good until %.10s", n, until);
	else if (by_certificate)
		doctor_say(d, "certificates", DOCTOR_FAIL,
			   "make one (amt-provisionctl certificates new-ca), or add one that was "
			   "bought (amt-provisionctl certificates add)",
			   "no certificate is served, and machines that want one: %" PRIu64,
			   by_certificate);
	else
		doctor_say(d, "certificates", DOCTOR_PASS, NULL,
			   "no certificate is served, and no machine wants one");
}

bool doctor_serves_certificates(const struct doctor *d)
{
	struct certificates_options options = certificates_options_of(d->config);
	struct certificates *all = NULL;
	struct fault fault = { 0 };
	int64_t soonest;
	bool serves;

	options.now = d->now;
	serves = !d->unread && !certificates_load(&all, &options, &fault) &&
		 count_served(all, &soonest) > 0;
	certificates_free(&all);
	return serves;
}

void doctor_certificates(const struct doctor *d)
{
	struct certificates_options options = certificates_options_of(d->config);
	const struct certificate *c;
	struct certificates *all;
	struct fault fault = { 0 };
	uint64_t by_certificate = 0;

	if (d->unread)
		return;
	options.now = d->now;
	if (certificates_load(&all, &options, &fault)) {
		doctor_fault(d, "certificates", &fault);
		return;
	}
	look_at_files(d, all);
	for (size_t i = 0; (c = certificates_at(all, i)) != NULL; i++)
		look_at_findings(d, c);
	look_at_suffix(d, all);
	look_at_machines(d, all, &by_certificate);
	say_served(d, all, by_certificate);
	certificates_free(&all);
}
