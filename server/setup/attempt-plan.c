/* What an attempt reads from the map and writes to it; each function runs inside a transaction. */
#include "common/clock.h"
#include "server/keymap/events.h"
#include "server/keymap/pairs.h"
#include "server/setup/attempt-private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/secret.h"
#include "server/core/config.h"
#include "server/core/log.h"

#define LAST_WITH_KEYS	10	/* AMT 11 and later know no PID and PPS */
#define DRAWS 8		/* fresh pairs: that all of them are taken cannot be chance */

static void note_about(struct attempt *a, struct keymap *map, const struct uuid *uuid,
		       enum severity severity, const char *name, const char *what,
		       const char *hint)
{
	struct logentry e = { .severity = severity, .name = name,
			   .pid = *a->system.pid ? a->system.pid : NULL, .uuid = uuid,
			   .address = a->system.address, .what = what,
			   .hint = hint && *hint ? hint : NULL };

	log_inside(a->services.log, map, &e);
}

void attempt_note(struct attempt *a, struct keymap *map, enum severity severity,
		  const char *name, const char *what, const char *hint)
{
	note_about(a, map, &a->uuid, severity, name, what, hint);
}

/* ---- load ---- */

static int load_pair(struct attempt *a, struct keymap *map, const char *pid,
		     struct fault *fault)
{
	struct keymap_pair pair;
	char shown[PID_SHOWN + 1];
	int rc;

	pidpps_show_pid(pid, shown);
	rc = keymap_find(map, pid, clock_now(), &pair, fault);
	if (rc == 0 && pair.state == KEYMAP_REVOKED)
		return fault_set(fault, KIT_ERR_STATE, "PID %s was revoked", shown);
	/* It is not even called: what a login says is for the machine that proved the key. */
	if (rc == 0 && pair.state == KEYMAP_USED && pair.has_uuid &&
	    !uuid_equal(&pair.uuid, &a->uuid))
		return fault_set(fault, KIT_ERR_STATE, "PID %s was proved by another machine",
				 shown);
	if (rc == 0)
		rc = keymap_secrets(map, pid, &a->pairs[a->n_pairs], fault);
	if (rc == KIT_ERR_NOT_FOUND)
		return fault_set(fault, KIT_ERR_STATE, "PID %s is no longer in the map", shown);
	if (rc == 0)
		a->n_pairs++;
	return rc;
}

static bool is_due(const struct system *s)
{
	return s->next_try && s->next_try <= clock_now() && s->state != SYSTEM_IN_SETUP;
}

/*
 * Whoever has the stick can prove the key, and pass on what he gets to the machine that is really
 * the one: what the map holds is sent only to the address that proved the key last, unless a
 * person said that it is another one now.
 */
static bool is_known_place(const struct attempt *a, const char *address)
{
	return a->system.allowed == SYSTEM_ALLOWED_ANYWHERE ||
	       strcmp(a->system.address, address) == 0;
}

/*
 * The row is another key's: what it holds is not for whoever says hello with this one, not
 * even as a Digest answer. What was kept of this key before is.
 */
static int load_other_key(struct attempt *a, struct keymap *map, struct fault *fault)
{
	struct keymap_earlier earlier = { .id = 0 };
	int rc = keymap_earlier_find(map, &a->uuid, a->system.pid, &earlier, fault);

	*a->system.next_pid = *a->system.admin_user = '\0';
	a->system.configured_at = 0;
	if (rc)
		return rc == KIT_ERR_NOT_FOUND ? 0 : rc;
	if (!is_known_place(a, earlier.address))
		return 0;
	strcpy(a->system.next_pid, earlier.next_pid);
	strcpy(a->system.admin_user, earlier.admin_user);
	return keymap_earlier_secrets(map, &earlier, &a->secrets, fault);
}

/* Where to call, with which key: as the newest hello has it. */
static int load_claim(struct attempt *a, struct keymap *map, struct fault *fault)
{
	struct system *s = &a->system;
	char proved_from[SYSTEM_ADDRESS + 1];
	bool other;
	int rc = 0;

	strcpy(proved_from, s->address);

	if (*s->claimed_address && !system_is_settled(s))
		rc = keymap_system_adopt(map, &a->uuid, fault);
	other = *s->claimed_pid && system_is_held_by_other(s, s->claimed_pid);
	if (*s->claimed_pid && (other || !s->proved_at))
		strcpy(s->pid, s->claimed_pid);
	if (*s->claimed_address)
		strcpy(s->address, s->claimed_address);
	if (rc || other)
		return rc ? rc : load_other_key(a, map, fault);
	if (is_known_place(a, proved_from))
		return keymap_system_secrets(map, &a->uuid, &a->secrets, fault);
	*s->admin_user = '\0';
	return 0;
}

/*
 * Was the key that is about to be called used by this very machine, and nobody said "again"? By
 * certificate nothing at all would show that it is the machine that was set up.
 */
static int needs_permission(const struct attempt *a, struct keymap *map, bool *needs,
			    struct fault *fault)
{
	const struct system *s = &a->system;
	struct keymap_pair pair;
	int rc;

	*needs = a->by_certificate && system_is_settled(s) && !s->vouched;
	if (s->allowed || a->by_certificate ||
	    a->services.config->reprovision != REPROVISION_ALLOWED)
		return 0;
	rc = keymap_find(map, *s->claimed_pid ? s->claimed_pid : s->pid, clock_now(), &pair, fault);
	if (rc)
		return rc == KIT_ERR_NOT_FOUND ? 0 : rc;
	*needs = pair.state == KEYMAP_USED && pair.has_uuid && uuid_equal(&pair.uuid, &a->uuid);
	return 0;
}

/* An operator's retry, or a hello from before the key was used, made it due. */
static int wait_for_permission(struct attempt *a, struct keymap *map, struct fault *fault)
{
	char what[SYSTEM_REASON / 2], hint[SYSTEM_REASON / 2];
	int rc = keymap_system_hold(map, &a->uuid, clock_now(), what, hint, fault);

	a->waits = true;
	if (!rc)
		attempt_note(a, map, SEVERITY_SECURITY, "needs-permission", what, hint);
	return rc;
}

/* A machine that is set up stays so in the map until it has proved itself again. */
static int mark(struct attempt *a, struct keymap *map, struct fault *fault)
{
	int64_t now = clock_now();

	if (!system_is_set_up(&a->system))
		return keymap_system_state(map, &a->uuid, SYSTEM_IN_SETUP, NULL, 0, now, fault);
	/* Called again by then if nothing comes of this attempt, not even an end. */
	return keymap_system_due(map, &a->uuid, now +
				 (int64_t)a->services.config->retry_first_seconds, fault);
}

/* Its row, and if there is none, whether there is one for the UUID in the other byte order. */
static int load_inventory(struct attempt *a, struct keymap *map, struct fault *fault)
{
	const struct uuid swapped = uuid_swapped(&a->uuid);
	struct keymap_inventory other;
	int rc = keymap_inventory_find(map, &a->uuid, &a->inventory, fault);

	a->inventory_swapped = false;
	a->in_inventory = !rc;
	if (rc != KIT_ERR_NOT_FOUND)
		return rc;
	memset(&a->inventory, 0, sizeof(a->inventory));
	rc = keymap_inventory_find(map, &swapped, &other, fault);
	a->inventory_swapped = !rc;
	return rc == KIT_ERR_NOT_FOUND ? 0 : rc;
}

/* The key that the hello from a door named. What is wrong with it is that door's alone. */
static int load_door(struct attempt *a, struct keymap *map, const struct keymap_claim_row *claim,
		     struct fault *fault)
{
	struct attempt_door *d = &a->doors[a->n_doors++];
	struct keymap_pair pair;
	int rc;

	d->claim = *claim;
	rc = keymap_find(map, claim->pid, clock_now(), &pair, &d->fault);
	if (!rc && (pair.state == KEYMAP_REVOKED || (pair.state == KEYMAP_USED && pair.has_uuid &&
						     !uuid_equal(&pair.uuid, &a->uuid))))
		fault_set(&d->fault, KIT_ERR_STATE, "its PID was revoked, or proved by another "
			  "machine");
	else if (!rc)
		rc = keymap_secrets(map, claim->pid, &d->pair, fault);
	else if (rc == KIT_ERR_NOT_FOUND)
		fault_set(&d->fault, KIT_ERR_STATE, "its PID is no longer in the map");
	return rc == KIT_ERR_NOT_FOUND ? 0 : rc;
}

/*
 * Other places say to be this machine, which has proved nothing: all that have their turn are
 * called together with the row's own.
 */
static int load_doors(struct attempt *a, struct keymap *map, struct fault *fault)
{
	struct keymap_claim_row claims[ATTEMPT_DOORS - 1], own = { .failures = 0 };
	size_t n;
	int rc = keymap_system_claims(map, &a->uuid, clock_now(), claims, ATTEMPT_DOORS - 1, &n,
				      fault);

	if (rc || !n)
		return rc;
	a->doors = calloc(n + 1, sizeof(*a->doors));
	if (!a->doors)
		return fault_nomem(fault);
	strcpy(own.pid, a->system.pid);
	strcpy(own.address, a->system.address);
	rc = load_door(a, map, &own, fault);
	for (size_t i = 0; i < n && !rc; i++)
		rc = load_door(a, map, &claims[i], fault);
	return rc;
}

/* With what the machine is called: a pair or two, at one place or several, or chains. */
static int load_credential(struct attempt *a, struct keymap *map, struct fault *fault)
{
	bool settled = system_is_settled(&a->system);
	int rc;

	if (a->by_certificate) {
		rc = attempt_load_chains(a, map, fault);
		/* It may have got that one from an attempt that broke off. */
		if (!rc && *a->system.next_pid)
			rc = load_pair(a, map, a->system.next_pid, fault);
	} else {
		rc = load_pair(a, map, a->system.pid, fault);
		if (!rc && *a->system.next_pid && strcmp(a->system.next_pid, a->system.pid) != 0)
			rc = load_pair(a, map, a->system.next_pid, fault);
		if (!rc && !settled)
			rc = load_doors(a, map, fault);
	}
	return rc || settled ? rc : keymap_system_contested(map, &a->uuid, &a->contested, fault);
}

int attempt_load(struct keymap *map, void *attempt, struct fault *fault)
{
	struct attempt *a = attempt;
	bool needs;
	int rc;

	rc = keymap_system_find(map, &a->uuid, &a->system, fault);
	if (rc)
		return rc;
	a->by_certificate = system_by_certificate(&a->system);
	if (!is_due(&a->system) ||
	    (!a->by_certificate && !*a->system.pid && !*a->system.claimed_pid))
		return KIT_ERR_NOT_FOUND;
	rc = needs_permission(a, map, &needs, fault);
	if (!rc && needs)
		return wait_for_permission(a, map, fault);
	if (!rc)
		rc = mark(a, map, fault);
	if (!rc)
		rc = keymap_talk_find(map, &a->uuid, &a->talk, fault);
	a->tls10 = a->talk.tls10;
	if (!rc)
		rc = load_claim(a, map, fault);
	if (!rc)
		rc = load_inventory(a, map, fault);
	return rc ? rc : load_credential(a, map, fault);
}

/* ---- accounts ---- */

/* The admin password that the stick's record gave the machine. SECRET. */
static const char *record_password(const struct keyentry *pair)
{
	return *pair->new_password ? pair->new_password : pair->current_password;
}

void attempt_add_login(struct attempt *a, enum login_kind kind, const char *user,
		       const char *password)
{
	struct setup_login *l = &a->logins[a->n_logins];

	if (!*password || a->n_logins == SETUP_LOGINS)
		return;
	/* Logins are compared whole, and another one may have been here. */
	secret_wipe(l, sizeof(*l));
	strcpy(l->user, user);
	strcpy(l->password, password);
	for (size_t i = 0; i < a->n_logins; i++) {
		if (strcmp(a->logins[i].user, l->user) != 0 ||
		    !secret_equal(a->logins[i].password, l->password, sizeof(l->password)))
			continue;
		/* Of the record and given since: what was given says more. */
		if (a->kinds[i] == LOGIN_RECORD)
			a->kinds[i] = kind;
		return;
	}
	a->kinds[a->n_logins++] = kind;
}

void attempt_logins(struct attempt *a)
{
	const char *user = *a->system.admin_user ? a->system.admin_user : "admin";

	/* The record's first: a listener has it from the stick, and nothing else is sent then. */
	for (size_t i = 0; i < a->n_pairs; i++)
		attempt_add_login(a, LOGIN_RECORD, "admin", record_password(&a->pairs[i]));
	attempt_add_login(a, LOGIN_NEXT, a->profile.admin_user, a->secrets.next_admin_password);
	/* The profile may have another user than when that password was made. */
	attempt_add_login(a, LOGIN_NEXT, user, a->secrets.next_admin_password);
	attempt_add_login(a, LOGIN_ADMIN, user, a->secrets.admin_password);
	/*
	 * Until it has an account of its own, or again when it was reset, which a person says
	 * with a permission, its MEBx password is that of "admin", too.
	 */
	if (a->by_certificate && (!a->system.configured_at || a->system.allowed)) {
		attempt_add_login(a, LOGIN_MEBX, "admin", a->secrets.next_mebx_password);
		attempt_add_login(a, LOGIN_MEBX, "admin", a->secrets.mebx_password);
	}
	if (a->by_certificate)
		attempt_candidates(a);
}

/* ---- plan ---- */

/*
 * A password by its policy; OUT keeps what an earlier attempt may have given the machine. *drawn
 * (may be NULL): it is random, and this machine's alone; it was that of OUT before.
 */
static int choose_password(enum profile_password policy, const char *one, const char *kept,
			   char *out, bool *drawn, struct fault *fault)
{
	bool keeps = policy == PROFILE_RANDOM && *out;

	if (drawn)
		*drawn = policy == PROFILE_RANDOM && (*drawn || !keeps);
	switch (policy) {
	case PROFILE_KEEP:
		strcpy(out, kept);
		return 0;
	case PROFILE_ONE:
		strcpy(out, one);
		return 0;
	case PROFILE_RANDOM:
		return keeps ? 0 : password_random(out, fault);
	case PROFILE_AUTO:
		break;	/* policy_of() */
	}
	return KIT_ERR_ARGUMENT;
}

/*
 * Whoever says hello in a machine's name is sent what set-up makes: by certificate a password that
 * many machines have goes only to one that somebody or something vouches for, and what is to be
 * kept is not known.
 */
static enum profile_password policy_of(const struct attempt *a, enum profile_password policy,
				       const char *kept)
{
	if (policy == PROFILE_AUTO)
		return a->by_certificate ? PROFILE_RANDOM : PROFILE_KEEP;
	if (!a->by_certificate)
		return policy;
	if (policy == PROFILE_ONE && a->proof == SYSTEM_PROOF_NONE)
		return PROFILE_RANDOM;
	return policy == PROFILE_KEEP && !kept ? PROFILE_RANDOM : policy;
}

/* Is the login that the machine took its MEBx password, too: as its stick or the factory set it? */
static bool is_of_stick(const struct attempt *a, int login)
{
	return login >= 0 && (a->kinds[login] == LOGIN_RECORD || a->kinds[login] == LOGIN_STICK ||
			      a->kinds[login] == LOGIN_FACTORY || a->kinds[login] == LOGIN_MEBX);
}

static int plan_passwords(struct attempt *a, struct fault *fault)
{
	int login = setup_login_index(a->setup);
	bool of_stick = is_of_stick(a, login);
	const char *taken = login >= 0 ? a->logins[login].password : NULL;
	const char *record = !a->by_certificate ? record_password(&a->pairs[a->pair])
			     : of_stick && taken ? taken : "";
	const char *now = taken ? taken : record;
	char *next_mebx = a->secrets.next_mebx_password, earlier[PASSWORD_MAX + 1];
	enum profile_password admin = policy_of(a, a->profile.admin_policy, *now ? now : NULL);
	enum profile_password mebx = policy_of(a, a->profile.mebx_policy, "");
	bool keep_mebx = mebx == PROFILE_KEEP;
	int rc;

	/* What an earlier attempt set, it has: another next one must not push it out. */
	if (login >= 0 && a->kinds[login] == LOGIN_NEXT) {
		strcpy(a->secrets.admin_password, now);
		strcpy(a->system.admin_user, a->logins[login].user);
	}
	rc = choose_password(admin, a->profile.admin_password, now,
			      a->secrets.next_admin_password, &a->talk.next_random, fault);
	if (rc)
		return rc;
	strcpy(earlier, next_mebx);
	/* One that an earlier attempt may have set it still has, unless a stick came after. */
	if (keep_mebx && of_stick)
		*next_mebx = '\0';
	if (!keep_mebx)
		rc = choose_password(mebx, a->profile.mebx_password, "", next_mebx, NULL, fault);
	a->mebx_given = *earlier && strcmp(earlier, next_mebx) == 0;
	secret_wipe(earlier, sizeof(earlier));
	if (rc)
		return rc;
	/* A stick's record sets the MEBx password; what was known before it does not hold then. */
	if (!*a->secrets.mebx_password || of_stick)
		strcpy(a->secrets.mebx_password, record);
	strcpy(a->target.admin.user, a->profile.admin_user);
	strcpy(a->target.admin.password, a->secrets.next_admin_password);
	strcpy(a->target.mebx_password, keep_mebx ? "" : next_mebx);
	return 0;
}

static void plan_names(struct attempt *a)
{
	size_t host = strcspn(a->fqdn, ".");

	a->target.set_clock = a->profile.set_clock;
	if (!a->profile.set_names || host == 0 || host > SETUP_HOST)
		return;
	memcpy(a->target.host, a->fqdn, host);
	a->target.host[host] = '\0';
	if (a->fqdn[host] == '.')
		strcpy(a->target.domain, a->fqdn + host + 1);
}

/* Has the machine the pair that a re-key was to give it? */
static bool is_rekeyed(const struct attempt *a)
{
	return !a->by_certificate && strcmp(a->pairs[a->pair].pair.pid, a->system.next_pid) == 0;
}

/*
 * By certificate a key makes it possible to set the machine up by key the next time, where its
 * firmware knows keys. It proves the machine then: only what something vouches for now gets one.
 */
static bool wants_pair(const struct attempt *a)
{
	const struct setup_facts *facts = setup_facts(a->setup);

	if (!a->profile.rekey || is_rekeyed(a))
		return false;
	return !a->by_certificate || (a->proof != SYSTEM_PROOF_NONE && facts->major &&
				      facts->major <= LAST_WITH_KEYS);
}

/* A fresh pair for a re-key: the one that an earlier attempt made, or a new one. */
static int plan_pair(struct attempt *a, struct keymap *map, struct fault *fault)
{
	struct pidpps_generator *g = NULL;
	struct keyentry e = { .used = false };
	int rc = 0;

	if (!wants_pair(a))
		return 0;
	if (a->n_pairs == 2 || (a->by_certificate && a->n_pairs == 1)) {
		a->target.pair = a->pairs[a->n_pairs - 1].pair;
		return 0;
	}
	rc = pidpps_generator_new(&g, fault);
	if (rc)
		goto out;
	strcpy(e.current_password, a->secrets.mebx_password);
	strcpy(e.new_password, a->target.admin.password);
	rc = KIT_ERR_DUPLICATE;
	for (int i = 0; i < DRAWS && rc == KIT_ERR_DUPLICATE; i++) {
		rc = pidpps_generate(g, &e.pair, fault);
		if (!rc)
			rc = keymap_add_rekey(map, &e, &a->uuid, clock_now(), fault);
	}
	if (rc == KIT_ERR_DUPLICATE)
		fault_set(fault, rc, "no PID is free for a new key");
	if (!rc) {
		a->target.pair = e.pair;
		a->pairs[a->n_pairs++] = e;
		strcpy(a->system.next_pid, e.pair.pid);
	}
out:
	pidpps_generator_free(&g);
	secret_wipe(&e, sizeof(e));
	return rc;
}

/* Another key had the UUID until now. What the row held for that one is kept. */
static void note_other_key(struct attempt *a, struct keymap *map, const struct system *before)
{
	char what[256], other[PID_SHOWN + 1];

	pidpps_show_pid(before->pid, other);
	snprintf(what, sizeof(what),
		 "this UUID already holds another used key, %s, proved from %s: "
		 "two machines with one UUID, or it was set up again",
		 other, before->address);
	attempt_note(a, map, SEVERITY_SECURITY, "uuid-has-other-key", what, "nothing is to be done "
	     "if it was set up again; if these are two machines, write a UUID of its own into the "
	     "main board of one with the vendor's service tool; the passwords of the other key are "
	     "kept (amt-provisionctl systems export --secrets --earlier)");
}

/* PID was proved twice, and this machine came second. */
static int lose(struct attempt *a, struct keymap *map, const char *pid, struct fault *fault)
{
	char shown[PID_SHOWN + 1], uuid[UUID_SHOWN + 1];
	struct keymap_pair pair;
	int rc = keymap_find(map, pid, clock_now(), &pair, NULL);

	if (rc || pair.state != KEYMAP_USED || !pair.has_uuid)
		return KIT_ERR_STATE;
	a->lost = true;
	pidpps_show_pid(pid, shown);
	uuid_show(&pair.uuid, uuid);
	fault_clear(fault);
	return fault_set(fault, KIT_ERR_STATE, "two machines proved PID %s: %s was first, and has "
			 "the key; this one was sent no password\n"
			 "two machines have one stick's key, or somebody else has it, too: give "
			 "one of them a fresh key, and check whose the two addresses are",
			 shown, uuid);
}

int attempt_use(struct keymap *map, void *attempt, struct fault *fault)
{
	struct attempt *a = attempt;
	const char *pid = a->pairs[a->pair].pair.pid;
	struct system row;
	bool first;
	int rc;

	rc = keymap_system_find(map, &a->uuid, &row, fault);
	if (!rc)
		rc = keymap_use(map, pid, &a->uuid, clock_now(), &first, fault);
	if (rc)
		return rc == KIT_ERR_STATE ? lose(a, map, pid, fault) : rc;
	a->first |= first;
	/* Whatever ends this attempt: a first set-up goes on by itself. */
	return first && !row.proved_at && !row.allowed ?
	       keymap_system_allow(map, &a->uuid, SYSTEM_ALLOWED, clock_now(), fault) : 0;
}

/*
 * The key, which was used by the UUID of the hello, is of another machine: the UUID was made up
 * and the hello led to that machine all the same, whose own set-up needs no permission for that.
 */
static int pass_on(struct attempt *a, struct keymap *map, const struct uuid *uuid, const char *pid,
		   struct fault *fault)
{
	int64_t now = clock_now();
	struct system row;
	int rc = keymap_use_by(map, pid, &a->uuid, uuid, now, fault);

	if (!rc)
		rc = keymap_system_find(map, uuid, &row, fault);
	if (rc)
		return rc == KIT_ERR_NOT_FOUND ? 0 : rc;
	if (row.proved_at || strcmp(row.pid, pid) != 0)
		return 0;
	rc = keymap_system_allow(map, uuid, SYSTEM_ALLOWED, now, fault);
	return rc || row.state == SYSTEM_IN_SETUP ? rc :
	       keymap_system_state(map, uuid, SYSTEM_QUEUED, NULL, now, now, fault);
}

/* The key PID is used by UUID, which was read in the proved session, or is that of the hello. */
static int use_key(struct attempt *a, struct keymap *map, const struct uuid *uuid, const char *pid,
		   bool *first, struct fault *fault)
{
	bool other = !uuid_equal(uuid, &a->uuid);

	*first = false;
	if (other && a->decided && (a->first || !a->system.proved_at)) {
		*first = true;
		return pass_on(a, map, uuid, pid, fault);
	}
	return keymap_use(map, pid, uuid, clock_now(), first, fault);
}

/*
 * The key is used by the machine whose UUID was read in the proved session; the log says so once,
 * with REMARK. If that is the UUID of the hello, what the hello claimed is true, and *settled.
 */
static int record_proof(struct attempt *a, struct keymap *map, const char *remark, bool *settled,
			struct fault *fault)
{
	const struct setup_facts *facts = setup_facts(a->setup);
	const struct uuid *uuid = facts->has_uuid ? &facts->uuid : &a->uuid;
	const char *pid = a->pairs[a->pair].pair.pid;
	struct system before = { .proved_at = 1 };
	bool first, changed_hands = false;
	char what[256];
	int rc;

	*settled = false;
	rc = use_key(a, map, uuid, pid, &first, fault);
	if (!rc && uuid_equal(uuid, &a->uuid)) {
		rc = keymap_system_prove(map, uuid, pid, a->system.address, clock_now(), &before,
					 &changed_hands, fault);
		first |= a->first;
		*settled = !rc;
	}
	if (rc)
		return rc;
	snprintf(what, sizeof(what), "the machine proved its PPS: key used%s", remark);
	if (first || !before.proved_at || changed_hands)
		note_about(a, map, uuid, SEVERITY_INFO, "key-used", what, NULL);
	a->first = false;
	if (changed_hands)
		note_other_key(a, map, &before);
	/* A key that was never used, and is proved, is a permission until its set-up is done. */
	return *settled && first && !before.allowed ?
	       keymap_system_allow(map, uuid, SYSTEM_ALLOWED, clock_now(), fault) : 0;
}

/* Was it set up from here before, even if the end was not heard of? */
static bool was_ours(const struct attempt *a)
{
	int login = setup_login_index(a->setup);

	return login >= 0 ? !is_of_stick(a, login) : a->system.configured_at > 0;
}

static int check_uuid(struct attempt *a, struct fault *fault)
{
	if (setup_facts(a->setup)->has_uuid ||
	    a->services.config->unknown_uuid == UNKNOWN_UUID_ACCEPT)
		return 0;
	return fault_set(fault, KIT_ERR_REFUSED, "its UUID cannot be read (%s), and "
			 "unknown_uuid is refuse\n"
			 "update its AMT firmware to 3.0 or later, or set unknown_uuid to accept, "
			 "then amt-provisionctl systems retry",
			 setup_facts(a->setup)->soap ? "AMT 2.x has no call for it" : "it refuses");
}

void attempt_default_profile(const struct attempt *a, unsigned major, unsigned minor,
			     char name[static SYSTEM_NAME + 1])
{
	const char *list = a->services.config->default_profile;
	struct profile p = { .name = "" };
	struct config_default d;
	bool fits = false;

	strcpy(name, PROFILE_DEFAULT);
	for (size_t i = 0; !fits && config_default(list, i, &d, NULL) == 0; i++) {
		p.versions = d.versions;
		fits = !d.ranged || (major && profile_serves(&p, major, minor));
		/* Until its version is known, it is called with one for all, or the first. */
		if (fits || (!major && i == 0))
			strcpy(name, d.profile);
	}
}

/* Now that its version is known, another default may be its own. */
static int choose_profile(struct attempt *a, struct fault *fault)
{
	const struct setup_facts *facts = setup_facts(a->setup);
	char name[SYSTEM_NAME + 1];

	if (!a->by_default || !*facts->version)
		return 0;
	attempt_default_profile(a, facts->major, facts->minor, name);
	return strcmp(name, a->profile.name) == 0 ? 0 : attempt_find_profile(a, name, fault);
}

static int check_version(struct attempt *a, struct fault *fault)
{
	const struct setup_facts *facts = setup_facts(a->setup);

	if (!*facts->version || profile_serves(&a->profile, facts->major, facts->minor))
		return 0;
	return fault_set(fault, KIT_ERR_REFUSED, "AMT %s is not among the versions that profile %s "
			 "serves\n"
			 "widen the profile's amt_versions or give the machine another profile in "
			 "the inventory, then amt-provisionctl systems retry", facts->version,
			 a->profile.name);
}

int attempt_plan(struct keymap *map, void *attempt, struct fault *fault)
{
	struct attempt *a = attempt;
	const struct setup_facts *facts = setup_facts(a->setup);
	struct keymap_facts known = { .profile = a->profile.name, .fqdn = a->fqdn,
				      .version = facts->version };
	char remark[192];
	bool settled;
	int rc;

	rc = choose_profile(a, fault);
	if (rc)
		return rc;
	/* A conversation that had to begin anew is planned a second time. */
	secret_wipe(&a->target, sizeof(a->target));
	a->talk.tls10 = a->tls10;
	a->talk.commit_sent_at = 0;
	snprintf(remark, sizeof(remark), " (AMT %s, %s, profile %s%s)",
		 *facts->version ? facts->version : "of unknown version",
		 facts->soap ? "SOAP" : "WS-Management", a->profile.name,
		 facts->has_uuid ? "" : "; its UUID cannot be read");
	rc = a->by_certificate ? attempt_certified(a, map, remark, fault)
			       : record_proof(a, map, remark, &settled, fault);
	if (!rc)
		rc = keymap_talk_put(map, &a->uuid, &a->talk, fault);
	if (rc)
		return rc;
	rc = check_uuid(a, fault);
	if (!rc)
		rc = check_version(a, fault);
	if (rc)
		return rc;
	a->target.again = was_ours(a);
	a->already = a->target.again && facts->state == 2;
	if (a->already)
		return keymap_system_facts(map, &a->uuid, &known, fault);
	rc = plan_passwords(a, fault);
	if (rc)
		return rc;
	plan_names(a);
	a->target.tls = attempt_wants_tls(a, map);
	rc = plan_pair(a, map, fault);
	if (rc)
		return rc;
	rc = keymap_system_set_secrets(map, &a->uuid, &a->secrets, fault);
	if (!rc)
		rc = keymap_talk_put(map, &a->uuid, &a->talk, fault);
	if (rc)
		return rc;
	/* Until there is an account for certain, this is whose "next" password it is. */
	known.admin_user = *a->secrets.admin_password ? a->system.admin_user :
			   a->profile.admin_user;
	return keymap_system_facts(map, &a->uuid, &known, fault);
}

/* ---- the commit, and a look at what came of it ---- */

#define CHECK_SECONDS	1800	/* from the commit: how long the machine is looked for */
#define CHECK_PAUSE	300	/* at most, between two looks */
#define CHECK_LOGINS	3	/* at most, in LOGIN_SECONDS */
#define LOGIN_SECONDS	3600

int attempt_commit(struct keymap *map, void *attempt, struct fault *fault)
{
	struct attempt *a = attempt;

	a->talk.commit_sent_at = clock_now();
	strcpy(a->talk.commit_address, a->system.address);
	return keymap_talk_put(map, &a->uuid, &a->talk, fault);
}

/* Did the last hour, by this clock or one that was set back, see no login? */
static bool is_old(const struct keymap_talk *talk, int64_t now)
{
	return now - talk->logins_at >= LOGIN_SECONDS || now < talk->logins_at;
}

/* Is it unknown what came of a commit, and AT soon enough after it to find out? */
static bool is_commit_open(const struct attempt *a, int64_t at)
{
	int64_t since = at - a->talk.commit_sent_at;

	return a->talk.commit_sent_at && since >= 0 && since <= CHECK_SECONDS;
}

bool attempt_may_check(const struct attempt *a, enum check_door door)
{
	int allowed = a->services.config->check_after_commit;
	int64_t now = clock_now();

	if (!is_commit_open(a, now) ||
	    strcmp(a->system.address, a->talk.commit_address) != 0 ||
	    !*a->secrets.next_admin_password)
		return false;
	/* From Digest a listener can guess a password that people chose, not one that was drawn. */
	if (allowed == CHECK_NO ||
	    (!a->talk.next_random && (allowed != CHECK_ANY || door != CHECK_TLS)))
		return false;
	return is_old(&a->talk, now) || a->talk.logins < CHECK_LOGINS;
}

int attempt_check_logins(struct attempt *a, struct setup_login out[static 2], struct fault *fault)
{
	strcpy(out[0].user, a->profile.admin_user);
	strcpy(out[1].user, a->profile.admin_user);
	strcpy(out[1].password, a->secrets.next_admin_password);
	return password_random(out[0].password, fault);
}

int attempt_login(struct keymap *map, void *attempt, struct fault *fault)
{
	struct attempt *a = attempt;
	int64_t now = clock_now();

	if (is_old(&a->talk, now)) {
		a->talk.logins = 0;
		a->talk.logins_at = now;
	}
	a->talk.logins++;
	return keymap_talk_put(map, &a->uuid, &a->talk, fault);
}

/* ---- the end ---- */

/* Did it say hello with another key or from somewhere else meanwhile? */
static bool said_other(const struct attempt *a, const struct system *row)
{
	bool same_key = !*row->claimed_pid || strcmp(row->claimed_pid, a->system.pid) == 0 ||
			strcmp(row->claimed_pid, a->system.next_pid) == 0;

	return *row->claimed_address &&
	       (!same_key || strcmp(row->claimed_address, a->system.address) != 0);
}

static void promote(char *present, char *next)
{
	if (*next)
		strcpy(present, next);
	secret_wipe(next, PASSWORD_MAX + 1);
}

/*
 * Which account has the machine for certain: one that it asked for, and took? That it said yes
 * to a new one shows nothing, nor does a machine that asks nobody for a password.
 */
static enum setup_account proved_account(const struct attempt *a)
{
	int login = setup_login_index(a->setup);

	if (!a->already)
		return setup_account(a->setup);
	if (login < 0)
		return SETUP_ACCOUNT_UNKNOWN;
	return a->kinds[login] == LOGIN_NEXT ? SETUP_ACCOUNT_NEW : SETUP_ACCOUNT_OLD;
}

static void say_notes(unsigned notes, char *out, size_t size)
{
	size_t at = 0;

	*out = '\0';
	for (unsigned note = 1; note && note <= notes; note <<= 1)
		if ((notes & note) && at < size)
			at += (size_t)snprintf(out + at, size - at, "; %s", setup_note_text(note));
}

int attempt_succeed(struct keymap *map, void *attempt, struct fault *fault)
{
	struct attempt *a = attempt;
	struct keymap_facts known = { .admin_user = NULL };
	unsigned notes = setup_notes(a->setup);
	char what[768], remarks[384];
	int64_t now = clock_now();
	struct system row;
	bool other;
	int rc;

	if ((notes & SETUP_NOTE_NO_MEBX) && !a->mebx_given)
		secret_wipe(a->secrets.next_mebx_password,
			    sizeof(a->secrets.next_mebx_password));
	if (proved_account(a) == SETUP_ACCOUNT_NEW) {
		known.admin_user = a->profile.admin_user;
		promote(a->secrets.admin_password, a->secrets.next_admin_password);
		/* How far an earlier attempt came is unknown: both are kept. */
		if (*a->target.mebx_password &&
		    !(notes & (SETUP_NOTE_NO_MEBX | SETUP_NOTE_MEBX_UNCLEAR)))
			promote(a->secrets.mebx_password, a->secrets.next_mebx_password);
	}
	a->talk.commit_sent_at = 0;
	rc = keymap_system_find(map, &a->uuid, &row, fault);
	if (!rc)
		rc = keymap_system_set_secrets(map, &a->uuid, &a->secrets, fault);
	if (!rc)
		rc = keymap_talk_put(map, &a->uuid, &a->talk, fault);
	if (rc)
		return rc;
	if (is_rekeyed(a) || (*a->target.pair.pid && !(notes & SETUP_NOTE_NO_PAIR))) {
		known.pid = a->system.next_pid;
		known.next_pid = "";
	}
	rc = keymap_system_facts(map, &a->uuid, &known, fault);
	if (rc)
		return rc;
	other = said_other(a, &row);
	rc = keymap_system_state(map, &a->uuid, SYSTEM_CONFIGURED, NULL, other ? now : 0, now,
				  fault);
	if (!rc && !other)
		rc = keymap_system_unclaim(map, &a->uuid, 0, fault);
	if (!rc && a->by_certificate && !a->already)
		rc = keymap_system_stick_mebx(map, &a->uuid, !*a->target.mebx_password ||
					      (notes & SETUP_NOTE_NO_MEBX), fault);
	if (rc)
		return rc;
	/* Why not is in the log already. */
	if (a->profile.tls == PROFILE_TLS_SERVER && !a->target.tls && !a->already)
		notes |= SETUP_NOTE_NO_TLS;
	say_notes(notes, remarks, sizeof(remarks));
	snprintf(what, sizeof(what), "configured%s%s%s%s%s%s", *a->fqdn ? " as " : "", a->fqdn,
		 a->already ? " already: it has the password of this server" : "",
		 known.pid ? ", with a new key" : "",
		 a->by_certificate ? attempt_proof_text(a) : "", remarks);
	attempt_note(a, map, *remarks ? SEVERITY_WARNING : SEVERITY_INFO, "configured", what, NULL);
	return 0;
}

int attempt_found(struct keymap *map, void *attempt, struct fault *fault)
{
	struct attempt *a = attempt;
	struct system row;
	int64_t now = clock_now();
	char what[512];
	int rc;

	a->talk.commit_sent_at = 0;
	rc = keymap_talk_put(map, &a->uuid, &a->talk, fault);
	if (!rc)
		rc = keymap_system_find(map, &a->uuid, &row, fault);
	if (!rc)
		rc = keymap_system_state(map, &a->uuid, SYSTEM_CONFIGURED, NULL,
					 said_other(a, &row) ? now : 0, now, fault);
	if (!rc && !said_other(a, &row))
		rc = keymap_system_unclaim(map, &a->uuid, 0, fault);
	if (rc)
		return rc;
	snprintf(what, sizeof(what), "configured%s%s, not proved again: the answer to its commit "
		 "was lost, and it takes the new admin password at port %llu; the map keeps both "
		 "passwords that it may have", *a->fqdn ? " as " : "", a->fqdn,
		 (unsigned long long)(a->check == CHECK_TLS ? a->services.config->callback_port
							    : a->services.config->management_port));
	attempt_note(a, map, SEVERITY_WARNING, "configured", what, NULL);
	return 0;
}

static const char *failure_name(const struct attempt *a)
{
	if (a->lost)
		return "two-proofs";
	switch (a->failed_state) {
	case SYSTEM_FQDN_MISSING:
		return "fqdn-missing";
	case SYSTEM_NEEDS_CERTIFICATE:
		return "needs-certificate";
	case SYSTEM_REFUSED:
		if (a->otp_differs)
			return "otp-differs";
		return a->setup && setup_uuid_differs(a->setup) ? "uuid-mismatch" : "refused";
	default:
		break;
	}
	if (!a->setup)
		return "not-called";
	if (a->fault.code == KIT_ERR_FORGED)
		return "proof-failed";
	if (a->by_certificate && a->chain_refused)
		return "chain-refused";
	if (!a->proved && (a->fault.code == KIT_ERR_NETWORK || a->fault.code == KIT_ERR_TIMEOUT))
		return "call-failed";
	return "setup-failed";
}

static int64_t next_try(const struct attempt *a, const struct system *row, int64_t now)
{
	const struct config *config = a->services.config;
	int64_t next;

	if (a->failed_state != SYSTEM_FAILED)
		return 0;
	/* Another PPS stays another one: only a hello is a reason to call it again. */
	if (a->fault.code == KIT_ERR_FORGED && !a->proved && !row->proved_at)
		return 0;
	next = now + (int64_t)config_backoff(config, row->failures + 1);
	/*
	 * What may be set up says no hello any more: it is looked for as long as it may be, and not
	 * too seldom for that, however often it failed before.
	 */
	if (next > now + CHECK_PAUSE && is_commit_open(a, now + CHECK_PAUSE))
		next = now + CHECK_PAUSE;
	if (config->retry_limit && row->failures + 1 >= config->retry_limit &&
	    !is_commit_open(a, next))
		return 0;
	return next;
}

/* It proved the key, though set-up failed: that is not taken back. */
static int fail_after_proof(struct attempt *a, struct keymap *map, bool *settled,
			    struct fault *fault)
{
	int rc = record_proof(a, map, "", settled, fault);

	if (rc && rc != KIT_ERR_STATE)
		return rc;
	fault_clear(fault);
	a->talk.tls10 = a->tls10;
	return keymap_talk_put(map, &a->uuid, &a->talk, fault);
}

/* When a place that failed for WHY, FAILURES times by now, is called again; 0: not by itself. */
static int64_t next_door_try(const struct attempt *a, const struct fault *why, uint32_t failures,
			     int64_t now)
{
	const struct config *config = a->services.config;

	if (why->code == KIT_ERR_FORGED || why->code == KIT_ERR_STATE ||
	    (config->retry_limit && failures >= config->retry_limit))
		return 0;
	return now + (int64_t)config_backoff(config, failures);
}

/* The other doors came to nothing, too. */
static int fail_doors(struct attempt *a, struct keymap *map, int64_t now, struct fault *fault)
{
	char what[500];
	int rc = 0;

	for (size_t i = 1; i < a->n_doors && !rc && !a->proved; i++) {
		const struct attempt_door *d = &a->doors[i];
		struct keymap_claim_row row = d->claim;
		bool forged = d->fault.code == KIT_ERR_FORGED;
		struct logentry e = { .severity = forged ? SEVERITY_SECURITY : SEVERITY_WARNING,
				   .name = forged ? "proof-failed" : "call-failed",
				   .pid = row.pid, .uuid = &a->uuid, .address = row.address,
				   .what = what, .hint = *d->fault.hint ? d->fault.hint : NULL };

		row.failures++;
		row.next_try = next_door_try(a, &d->fault, row.failures, now);
		rc = keymap_system_claim_failed(map, &a->uuid, &row, fault);
		snprintf(what, sizeof(what), "%s; other places say to be this machine, too",
			 d->fault.what);
		if (!rc)
			log_inside(a->services.log, map, &e);
	}
	return rc;
}

int attempt_fail(struct keymap *map, void *attempt, struct fault *fault)
{
	struct attempt *a = attempt;
	bool security = a->fault.code == KIT_ERR_FORGED || a->failed_state == SYSTEM_REFUSED;
	bool settled = false, untouched;
	struct system row;
	int64_t now = clock_now(), next;
	char what[1100], reason[SYSTEM_REASON + 1];
	int rc;

	rc = keymap_system_find(map, &a->uuid, &row, fault);
	/* A check proves nothing; a proof before it is in the map since the plan. */
	if (!rc && a->proved && !a->check)
		rc = fail_after_proof(a, map, &settled, fault);
	/* Which logins it refused. */
	if (!rc && a->by_certificate && a->setup && !a->check)
		rc = keymap_talk_put(map, &a->uuid, &a->talk, fault);
	if (!rc && !a->proved && a->fault.code == KIT_ERR_FORGED)
		rc = keymap_lapse(map, a->system.pid, &a->uuid, now, fault);
	if (rc)
		return rc;
	/* Anybody can say a hello and not be who he says: that makes no machine less set up. */
	untouched = !settled && system_is_set_up(&row);
	next = untouched ? 0 : next_try(a, &row, now);
	if (said_other(a, &row))
		next = now;
	else if (*row.claimed_address)
		rc = keymap_system_unclaim(map, &a->uuid, now, fault);
	if (rc)
		return rc;
	snprintf(what, sizeof(what), "%s%s%s", a->fault.what, *a->fault.hint ? " -- " : "",
		 a->fault.hint);
	snprintf(reason, sizeof(reason), "%.*s", SYSTEM_REASON, what);
	rc = untouched ? keymap_system_due(map, &a->uuid, next, fault)
	    : keymap_system_state(map, &a->uuid, a->failed_state, reason, next, now, fault);
	if (!rc && !untouched)
		rc = keymap_system_code(map, &a->uuid, failure_name(a), fault);
	if (!rc)
		rc = fail_doors(a, map, now, fault);
	if (!rc && !settled && !system_is_settled(&row) && a->failed_state == SYSTEM_FAILED)
		rc = keymap_system_next_claim(map, &a->uuid, now, &next, fault);
	if (rc)
		return rc;
	if (next)
		snprintf(what, sizeof(what), "%s%s; next try in %lld s", a->fault.what,
			 untouched ? "; the machine counts as configured as before" : "",
			 (long long)(next > now ? next - now : 0));
	else
		snprintf(what, sizeof(what), "%s%s; no further try before its next hello",
			 a->fault.what,
			 untouched ? "; the machine counts as configured as before" : "");
	attempt_note(a, map, security ? SEVERITY_SECURITY : SEVERITY_WARNING, failure_name(a), what,
	     a->fault.hint);
	return 0;
}
