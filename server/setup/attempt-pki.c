/* What an attempt by certificate reads from the map and writes: which chains, who vouches. */
#include "common/bytes.h"
#include "common/clock.h"
#include "server/keymap/digests.h"
#include "server/keymap/events.h"
#include "server/setup/attempt-private.h"

#include <stdio.h>
#include <string.h>

#include "amt/roots.h"
#include "common/hex.h"
#include "common/secret.h"
#include "server/core/config.h"
#include "server/core/log.h"

#define CANDIDATE_SECONDS	86400	/* until a password that was refused is tried again */
#define CANDIDATE_TRIES	3	/* in that time, where no answer came: the server may have ended */

/* ---- which chains ---- */

static void take_chains(struct attempt *a, const uint8_t *list, size_t size)
{
	struct certificate_match matches[ATTEMPT_CHAINS];
	bool unlisted = a->services.config->try_unlisted;

	a->n_chains = certificates_match(*a->services.certificates, list, size, clock_now(),
					 unlisted, matches, ATTEMPT_CHAINS);
	for (size_t i = 0; i < a->n_chains; i++)
		a->chains[i] = chain_ref(matches[i].certificate->chain);
}

/* Some digests of what would do, where no public authority is known behind any. */
static void say_digests(const uint8_t *list, size_t size, char *out, size_t room)
{
	char hex[2 * ROOTS_DIGEST + 1];
	struct roots_digest d;
	struct reader r;
	size_t at = 0, n = 0, shown = 0;

	reader_init(&r, list, size);
	while (roots_next(&r, &d)) {
		/* Room for "and 23 more" stays; once something was left out, all the rest is. */
		if (shown == n++ && at + 2 * d.size + 15 < room) {
			hex_show(d.bytes, d.size, hex);
			at += (size_t)snprintf(out + at, room - at, "%s%s", n > 1 ? ", " : "", hex);
			shown++;
		}
	}
	if (shown < n)
		snprintf(out + at, room - at, " and %zu more", n - shown);
}

/* None of the certificates has a root that the machine listed. */
static int no_match(const struct attempt *a, const uint8_t *list, size_t size,
		    struct fault *fault)
{
	bool any = certificates_at(*a->services.certificates, 0) != NULL;
	char names[110] = "", digests[160] = "";	/* the fault has room for these */

	roots_names(list, size, names, sizeof(names));
	say_digests(list, size, digests, sizeof(digests));
	fault_set(fault, KIT_ERR_UNFIT, "%s: it takes a root with one of the digests "
		  "%s%s%s",
		  any ? "no certificate of this server has a root that the machine knows"
		      : "this server has no certificate", *digests ? digests : "(none)",
		  *names ? "; among them are " : "", names);
	return fault_hint(fault, "make a root of your own and put its digest on the machine's "
			  "stick (amt-provisionctl certificates new-ca), or buy a certificate of "
			  "one of these authorities; all of it: amt-provisionctl certificates "
			  "match");
}

/* ---- load ---- */

/* How often each candidate was sent within a day: a byte each of keymap_talk.candidates. */
static unsigned tries(const struct attempt *a, int which)
{
	return which < 0 ? 0 : a->talk.candidates >> 8 * which & 0xff;
}

/* WHICH -1: the login is none of the candidates, and nothing is counted. */
static void set_tries(struct attempt *a, int which, unsigned n)
{
	if (which < 0)
		return;
	a->talk.candidates &= ~(0xffu << 8 * which);
	a->talk.candidates |= n << 8 * which;
}

/* Was this candidate, which nobody gave the machine, refused within the last day? */
static bool is_tried(const struct attempt *a, int which)
{
	int64_t since = clock_now() - a->talk.candidates_at;

	return since >= 0 && since < CANDIDATE_SECONDS && tries(a, which) >= CANDIDATE_TRIES;
}

/*
 * The password that the sticks of this site set is many machines': it goes, as a Digest answer,
 * only to those that the site named, and that were never set up.
 */
static void load_stick_password(struct attempt *a, struct keymap *map)
{
	const char *path = a->services.config->stick_password_file;
	struct fault why = { .code = 0 };
	char what[sizeof(why.what) + 64];

	if (!*path || !a->in_inventory || a->system.configured_at ||
	    is_tried(a, CANDIDATE_STICK) ||
	    !secret_read(path, "stick password", a->stick_password, sizeof(a->stick_password),
			 &why))
		return;
	snprintf(what, sizeof(what), "the machine is called without stick_password_file: %s",
		 why.what);
	attempt_note(a, map, SEVERITY_WARNING, "stick-password", what, why.hint);
}

int attempt_load_chains(struct attempt *a, struct keymap *map, struct fault *fault)
{
	uint8_t list[KEYMAP_DIGESTS_LIST];
	size_t size;
	int rc = keymap_digests_list(map, &a->uuid, list, &size, fault);

	if (!rc && a->inventory.has_otp)
		rc = keymap_inventory_otp(map, &a->uuid, a->otp, fault);
	if (rc)
		return rc;
	take_chains(a, list, size);
	if (!a->n_chains)
		return no_match(a, list, size, fault);
	load_stick_password(a, map);
	return 0;
}

void attempt_free_chains(struct attempt *a)
{
	for (size_t i = 0; i < a->n_chains; i++)
		chain_free(&a->chains[i]);
	a->n_chains = 0;
}

/* ---- accounts that nobody gave this machine ---- */

void attempt_candidates(struct attempt *a)
{
	if (*a->stick_password)
		attempt_add_login(a, LOGIN_STICK, "admin", a->stick_password);
	if (!a->system.configured_at && !is_tried(a, CANDIDATE_FACTORY))
		attempt_add_login(a, LOGIN_FACTORY, "admin", "admin");
}

/* Which of the candidates is the login in use; -1: none of them. */
static int candidate(const struct attempt *a)
{
	int login = setup_login_index(a->setup);

	if (login < 0)
		return -1;
	return a->kinds[login] == LOGIN_STICK ? CANDIDATE_STICK
	     : a->kinds[login] == LOGIN_FACTORY ? CANDIDATE_FACTORY : -1;
}

bool attempt_needs_note(const struct attempt *a)
{
	return candidate(a) >= 0 && a->noted_login != setup_login_index(a->setup);
}

void attempt_login_refused(struct attempt *a)
{
	set_tries(a, candidate(a), CANDIDATE_TRIES);
}

int attempt_candidate(struct keymap *map, void *attempt, struct fault *fault)
{
	struct attempt *a = attempt;
	int64_t now = clock_now();

	if (now - a->talk.candidates_at >= CANDIDATE_SECONDS || now < a->talk.candidates_at)
		a->talk.candidates = 0;
	if (!a->talk.candidates)
		a->talk.candidates_at = now;
	set_tries(a, candidate(a), tries(a, candidate(a)) + 1);
	a->noted_login = setup_login_index(a->setup);
	return keymap_talk_put(map, &a->uuid, &a->talk, fault);
}

/* ---- who it is ---- */

/* A machine whose inventory has a one-time password has to have the same. */
static int check_otp(struct attempt *a, struct fault *fault)
{
	char its[PASSWORD_MAX + 1] = "";
	bool same;

	snprintf(its, sizeof(its), "%s", setup_facts(a->setup)->otp);
	same = secret_equal(its, a->otp, sizeof(its));
	secret_wipe(its, sizeof(its));
	if (!*a->otp || same)
		return 0;
	a->otp_differs = true;
	return fault_set(fault, KIT_ERR_REFUSED, "the machine's one-time password is %s\n"
			 "another machine may have said hello in its name: look at its address; if "
			 "it is yours, give both sides the same one (inventory import with the "
			 "column otp), then amt-provisionctl systems retry",
			 *setup_facts(a->setup)->otp ? "not the one of the inventory"
						     : "missing, and the inventory has one for it");
}

/*
 * What shows that it is this machine: its one-time password; or that it is genuine AMT, not
 * the program of an attacker; or that a person allowed this very set-up.
 */
static enum system_proof proof_of(const struct attempt *a)
{
	if (!a->chain_taken)
		return a->system.proof;
	if (*a->otp)
		return SYSTEM_PROOF_OTP;
	if (a->machine == ONDIE_GENUINE)
		return SYSTEM_PROOF_ON_DIE;
	return a->system.vouched ? SYSTEM_PROOF_PERSON : SYSTEM_PROOF_NONE;
}

/* In a month nobody can read it from the machine any more. */
static void note_certified(struct attempt *a, struct keymap *map, const char *remark)
{
	const struct chain_facts *f = chain_facts(a->chains[a->chain]);
	static const char *const machine[] = {
		[ONDIE_NOT_SHOWN] = "", [ONDIE_GENUINE] = "; it is genuine AMT",
		[ONDIE_UNKNOWN] = "; its own certificate leads to no root that is known",
	};
	char what[512], root[2 * sizeof(f->root_sha256) + 1];

	hex_show(f->root_sha256, sizeof(f->root_sha256), root);
	snprintf(what, sizeof(what), "the machine took the certificate %.128s (root %s%s%s)%s%s",
		 f->cn, root, *a->tls ? ", " : "", a->tls, remark, machine[a->machine]);
	attempt_note(a, map, SEVERITY_INFO, "certificate-taken", what, NULL);
}

int attempt_certified(struct attempt *a, struct keymap *map, const char *remark,
		      struct fault *fault)
{
	struct system before;
	int rc = 0;

	if (!a->chain_taken && setup_facts(a->setup)->state != 2)
		return fault_set(fault, KIT_ERR_PROTOCOL, "the machine answers without asking for "
				 "this server's certificate, and is not set up either\n"
				 "see Remote Setup in its MEBx: it does not wait for a set-up by "
				 "certificate");
	if (a->chain_taken)
		rc = check_otp(a, fault);

	if (!rc) {
		a->proof = proof_of(a);
		rc = keymap_system_certified(map, &a->uuid, a->system.address, a->proof, &before,
					     fault);
	}
	if (rc)
		return rc;
	/* What was taken was not refused. */
	set_tries(a, candidate(a), 0);
	if (a->chain_taken)
		note_certified(a, map, remark);
	return 0;
}

const char *attempt_proof_text(const struct attempt *a)
{
	switch (a->proof) {
	case SYSTEM_PROOF_OTP:
		return ", machine proved by its one-time password";
	case SYSTEM_PROOF_ON_DIE:
		return ", genuine AMT, but which machine it is is not proved";
	case SYSTEM_PROOF_PERSON:
		return ", machine not proved, but allowed by a person";
	default:
		return ", machine not proved";
	}
}

int attempt_wait(struct keymap *map, void *attempt, struct fault *fault)
{
	struct attempt *a = attempt;

	a->talk.extended_at = clock_now();
	attempt_note(a, map, SEVERITY_INFO, "let-wait", "the machine has no name yet: it is asked "
		     "to wait a day for it", NULL);
	return keymap_talk_put(map, &a->uuid, &a->talk, fault);
}
