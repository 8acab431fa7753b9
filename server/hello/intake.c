/* What becomes of a hello. No network here: a map goes in, a decision comes out. */
#include "server/hello/intake.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "server/hello/accept.h"
#include "server/keymap/events.h"
#include "server/keymap/pairs.h"
#include "server/keymap/rivals.h"
#include "server/keymap/systems.h"

#define CLAIMS	8	/* machines that may claim one key before one has proved it */
#define FEW_CLAIMS	2	/* once there are max_unproved machines */

int intake_init(struct intake *in, const struct config *config, struct keymap *map,
		struct fault *fault)
{
	uint64_t strangers = 0, rivals = 0;
	int rc = keymap_system_strangers(map, &strangers, fault);

	if (!rc)
		rc = keymap_rivals_count(map, &rivals, fault);
	in->config = config;
	in->unproved = rc ? 0 : strangers + rivals;
	return rc;
}

static void count(struct intake *in, struct intake_result *out, int n)
{
	if (n < 0 && !in->unproved)
		return;
	in->unproved += (uint64_t)(int64_t)n;
	out->counted += n;
}

void intake_uncount(struct intake *in, int counted)
{
	struct intake_result ignored = { .counted = 0 };

	for (int step = counted > 0 ? -1 : 1; counted; counted += step)
		count(in, &ignored, step);
}

static void __attribute__((format(printf, 4, 5)))
say(struct intake_result *out, enum severity severity, const char *name,
    const char *format, ...)
{
	va_list args;

	out->severity = severity;
	out->name = name;
	va_start(args, format);
	vsnprintf(out->what, sizeof(out->what), format, args);
	va_end(args);
}

/* What OUT says is the reason why the machine is in STATE, with CODE (may be NULL). */
static int set_reason(struct keymap *map, const struct uuid *uuid, enum system_state state,
		      const char *code, const struct system *row, int64_t now,
		      const struct intake_result *out, struct fault *fault)
{
	char reason[SYSTEM_REASON + 1];
	int rc, at = snprintf(reason, sizeof(reason), "%.*s -- ", SYSTEM_REASON / 2, out->what);

	snprintf(reason + at, sizeof(reason) - (size_t)at, "%.*s", SYSTEM_REASON - at, out->hint);
	/* A hello that is repeated, as all are, writes it once. */
	if (row && row->state == state && strcmp(row->reason, reason) == 0 &&
	    strcmp(row->reason_code, code ? code : "") == 0)
		return 0;
	rc = keymap_system_state(map, uuid, state, reason, 0, now, fault);
	return rc || !code ? rc : keymap_system_code(map, uuid, code, fault);
}

/*
 * A machine that was refused gets a row of its own, so that it is seen, as long as there are
 * not too many such; but what is known of a machine that was accepted once stays untouched.
 */
static int list_unproved(struct intake *in, struct keymap *map,
			 const struct keymap_hello *hello, enum system_state state,
			 const char *code, int64_t now, struct intake_result *out,
			 struct fault *fault)
{
	struct system system;
	int rc = keymap_system_find(map, &hello->uuid, &system, fault);
	const bool known = !rc;

	if (rc && rc != KIT_ERR_NOT_FOUND)
		return rc;
	if (known && (system_is_settled(&system) || (system.state != SYSTEM_NEEDS_CERTIFICATE &&
						     system.state != SYSTEM_REFUSED)))
		return 0;
	if (!known && in->unproved >= in->config->max_unproved)
		return 0;
	rc = keymap_system_hello(map, hello, state, now, NULL, &out->made, fault);
	if (rc)
		return rc;
	if (out->made)
		count(in, out, 1);
	return set_reason(map, &hello->uuid, state, code, known ? &system : NULL, now, out, fault);
}

/* ---- hellos of version 3 ---- */

static void say_not_known(const struct hello *h, struct intake_result *out)
{
	char uuid[UUID_SHOWN + 1];

	uuid_show(&h->uuid, uuid);
	say(out, SEVERITY_WARNING, SYSTEM_NOT_KNOWN, "hello of version 3, by certificate (%zu root "
	    "hashes), of a machine that is not known: it is not called", h->n_hashes);
	snprintf(out->hint, sizeof(out->hint), "if it is yours: amt-provisionctl systems "
		 "allow-setup %s, or list it (amt-provisionctl inventory import)", uuid);
}

/* It is accepted, but the map holds something of it: say what speaks against it. */
static const char *say_held(const struct accept_answer *a, const char *address,
			    struct intake_result *out)
{
	char uuid[UUID_SHOWN + 1], pid[PID_SHOWN + 1] = "";
	const char *code = "set-up-before";

	uuid_show(&a->row.uuid, uuid);
	if (*a->row.pid)
		pidpps_show_pid(a->row.pid, pid);
	if (a->verdict == ACCEPT_KNOWN_BY_KEY) {
		code = "known-by-key";
		say(out, SEVERITY_SECURITY, code, "this machine has proved the key %s; a hello in "
		    "its name from %s wants set-up by certificate, which proves nothing: not "
		    "without permission", pid, address);
	} else if (a->verdict == ACCEPT_MOVED) {
		code = "other-address";
		say(out, SEVERITY_SECURITY, code, "this machine was set up by certificate at %s; a "
		    "hello in its name comes from %s: it is not set up again without permission",
		    *a->row.address ? a->row.address : "an unknown address", address);
	} else {
		say(out, SEVERITY_SECURITY, code, "this machine was set up by certificate before: "
		    "it is not set up again without permission");
	}
	snprintf(out->hint, sizeof(out->hint), "if its AMT was reset: amt-provisionctl systems "
		 "allow-setup %s; if not, somebody else says hello in its name", uuid);
	return code;
}

/*
 * It waits for a person from now on, if there is nothing else to be done for it: what a stranger
 * says does not stop a set-up that is under way, nor direct it to him.
 */
static int hold(struct keymap *map, const struct keymap_hello *k, const struct accept_answer *a,
		int64_t now, struct intake_result *out, struct fault *fault)
{
	const char *code = say_held(a, k->address, out);
	int rc;

	if (!system_is_set_up(&a->row) || a->row.next_try)
		return 0;
	rc = keymap_system_hello(map, k, a->row.state, now, NULL, NULL, fault);
	return rc ? rc : set_reason(map, &k->uuid, SYSTEM_NEEDS_PERMISSION, code, &a->row, now, out,
				    fault);
}

/* The claim was turned down: say why, and what to do. */
static void say_refused(enum keymap_claim claim, const struct hello *h,
			const struct keymap_pair *before, struct intake_result *out)
{
	char pid[PID_SHOWN + 1], owner[UUID_SHOWN + 1] = "a machine unknown";

	pidpps_show_pid(h->pid, pid);
	if (claim != KEYMAP_CLAIM_UNKNOWN && before->has_uuid)
		uuid_show(&before->uuid, owner);
	switch (claim) {
	case KEYMAP_CLAIM_UNKNOWN:
		say(out, SEVERITY_WARNING, "invalid-pid-map", "invalid PID map: no pair with PID "
		    "%s was ever imported", pid);
		snprintf(out->hint, sizeof(out->hint), "import the list or setup.bin that this "
			 "machine's key came from (amt-provisionctl keys import FILE); it says "
			 "hello again by itself, at the latest when its AC power was away for half "
			 "a minute");
		return;
	case KEYMAP_CLAIM_RESERVED:
		say(out, SEVERITY_SECURITY, "pid-reserved", "PID %s is reserved for %s, which has "
		    "not proved it yet: this hello is refused", pid, owner);
		snprintf(out->hint, sizeof(out->hint), "if both are your machines, two sticks "
			 "were made from one setup.bin: give one of them a key of its own; if "
			 "not, the reservation lapses by itself");
		return;
	case KEYMAP_CLAIM_USED:
		say(out, SEVERITY_SECURITY, "pid-used", "PID %s was used by %s: this hello is "
		    "refused", pid, owner);
		snprintf(out->hint, sizeof(out->hint), "if both are your machines, two sticks "
			 "were made from one setup.bin: set this one up from a stick with a "
			 "fresh key");
		return;
	case KEYMAP_CLAIM_REVOKED:
		say(out, SEVERITY_SECURITY, "pid-revoked", "PID %s was revoked: this hello is "
		    "refused", pid);
		snprintf(out->hint, sizeof(out->hint), "set the machine up from a stick with a "
			 "fresh key");
		return;
	default:
		say(out, SEVERITY_INFO, "already-set-up", "PID %s was proved by this machine "
		    "before, and reprovision is never: this hello is refused", pid);
		snprintf(out->hint, sizeof(out->hint), "set reprovision to allowed, so that a "
			 "person can allow it, or give it a fresh key");
		return;
	}
}

/* When is a machine that failed before due again, now that it said hello? */
static int64_t due_after_hello(const struct config *config, const struct system *s, int64_t now)
{
	int64_t last;

	if (s->state == SYSTEM_QUEUED && s->next_try > now)
		return s->next_try;
	if (s->state != SYSTEM_FAILED || s->next_try == 0 || s->failures == 0)
		return now;
	/* Hellos come as often as their sender likes: calls do not. */
	last = s->next_try - (int64_t)config_backoff(config, s->failures);
	if (now - last >= (int64_t)config->retry_first_seconds)
		return now;
	return last + (int64_t)config->retry_first_seconds;
}

/* The same for one that is set up, whose last hello may have been somebody else's. */
static int64_t due_again(const struct config *config, const struct system *s, int64_t now)
{
	int64_t earliest = s->claim_failed_at + (int64_t)config->retry_first_seconds;

	return s->claim_failed_at && earliest > now ? earliest : now;
}

/* No wait is longer than the longest; what seems to be is due. */
static int64_t not_too_far(const struct config *config, int64_t due, int64_t now)
{
	return clock_was_wrong(due, now, (int64_t)config->retry_max_seconds) ? now : due;
}

static void say_accepted(const struct hello *h, const struct system *before,
			 const struct system *now, struct intake_result *out)
{
	char other[PID_SHOWN + 1];

	say(out, SEVERITY_INFO, "hello", "hello number %u accepted", now->hellos);
	if (!before || !system_is_held_by_other(before, h->pid))
		return;
	pidpps_show_pid(before->pid, other);
	say(out, SEVERITY_WARNING, "hello",
	    "hello number %u accepted, though this UUID holds another "
	    "used key, %s: what is known of that one stays until this one is proved",
	    now->hellos, other);
}

/*
 * When the machine of BEFORE, which has said the hello K, is called: NEW_START if it has another
 * key, or comes from another address. AFTER is its row by now.
 */
static int make_due(struct intake *in, struct keymap *map, const struct keymap_hello *k,
		    const struct system *before, const struct system *after, bool new_start,
		    int64_t now, struct fault *fault)
{
	struct system old = *before;
	int64_t due;

	if (old.state == SYSTEM_IN_SETUP)
		return 0;
	/* It waits for its turn, or had it: what is planned for another address stays. */
	if (!system_is_settled(&old) && strcmp(after->address, k->address) != 0)
		return 0;
	/* What is set up stays so in the map until the machine has proved itself again. */
	if (system_is_set_up(&old))
		return keymap_system_due(map, &k->uuid, not_too_far(in->config,
					 due_again(in->config, &old, now), now), fault);
	/* It is due already: that is not written again with each hello. */
	if (!new_start && old.state == SYSTEM_QUEUED && old.next_try && old.next_try <= now)
		return 0;
	if (new_start)
		old.next_try = 0;
	due = not_too_far(in->config, due_after_hello(in->config, &old, now), now);
	return keymap_system_state(map, &k->uuid, SYSTEM_QUEUED, NULL, due, now, fault);
}

/* A row that was made for a machine that was refused is one less of these. */
static void forget_unproved(struct intake *in, const struct system *row,
			    struct intake_result *out)
{
	if (!system_is_settled(row) &&
	    (row->state == SYSTEM_NEEDS_CERTIFICATE || row->state == SYSTEM_REFUSED))
		count(in, out, -1);
}

/* Its hint, for a key that two claim. */
static void hint_rival(struct intake_result *out)
{
	snprintf(out->hint, sizeof(out->hint), "if both are your machines, two sticks were made "
		 "from one setup.bin: give one of them a key of its own; if not, a hello was "
		 "forged");
}

/* The address of K claims the key of H as another machine, too: say so, and until when. */
static void say_waits(const struct hello *h, const struct keymap_rival *at, int64_t wait,
		      struct intake_result *out)
{
	char pid[PID_SHOWN + 1];

	pidpps_show_pid(h->pid, pid);
	if (at->untried)
		say(out, SEVERITY_SECURITY, "pid-reserved", "PID %s is claimed from this address "
		    "as another machine, which has not been called yet: this hello is refused",
		    pid);
	else
		say(out, SEVERITY_SECURITY, "pid-reserved", "PID %s was claimed from this address "
		    "as another machine, which did not prove it when it was called: hellos from "
		    "there are refused for %" PRId64 " s", pid, wait);
	hint_rival(out);
}

/*
 * UUIDs cost nothing: an address claims a key as one machine at a time, and what failed there as
 * one waits as another. *WAITS: the hello has no effect. What it replaces is forgotten.
 */
static int look_at_address(struct intake *in, struct keymap *map, const struct hello *h,
			   const char *address, int64_t now, bool *waits,
			   struct intake_result *out, struct fault *fault)
{
	struct keymap_rival at;
	enum keymap_claim claim;
	unsigned dropped = 0;
	int64_t due = now;
	int rc = keymap_rivals_at(map, h->pid, address, &h->uuid, &at, fault);

	if (rc)
		return rc;
	if (at.failures)
		due = not_too_far(in->config, at.seen + (int64_t)config_backoff(in->config,
				  at.failures), now);
	*waits = at.untried || due > now;
	if (*waits)
		say_waits(h, &at, due - now, out);
	else if (at.failures)
		rc = keymap_rivals_replace(map, h->pid, address, &h->uuid, now, &dropped, fault);
	for (unsigned i = 0; i < dropped; i++)
		count(in, out, -1);
	/* It may have been the one that had the key: without one, there is no rival. */
	if (!rc && dropped)
		rc = keymap_reserve(map, h->pid, &h->uuid, now,
				    (unsigned)in->config->reserve_seconds, &claim, NULL, fault);
	return rc;
}

static int queue(struct intake *in, struct keymap *map, const struct hello *h,
		 const struct keymap_hello *k, int64_t now, struct intake_result *out,
		 struct fault *fault)
{
	struct system system, before;
	bool known, other, waits = false;
	int rc = keymap_system_find(map, &h->uuid, &before, fault);

	if (rc && rc != KIT_ERR_NOT_FOUND)
		return rc;
	known = rc == 0;
	if (known && !system_is_settled(&before) && strcmp(before.address, k->address) != 0) {
		rc = look_at_address(in, map, h, k->address, now, &waits, out, fault);
		if (rc || waits)
			return rc;
	}
	rc = keymap_system_hello_again(map, k, known ? &before : NULL, SYSTEM_QUEUED, now, &system,
				       &out->made, fault);
	if (rc)
		return rc;
	say_accepted(h, known ? &before : NULL, &system, out);
	out->accepted = true;
	if (!known)
		return 0;
	forget_unproved(in, &before, out);
	other = memcmp(before.pid, h->pid, PID_LENGTH) != 0 ||
		strcmp(before.address, k->address) != 0;
	return make_due(in, map, k, &before, &system, other, now, fault);
}

/* The machine may be set up by certificate. */
static int queue_certificate(struct intake *in, struct keymap *map, const struct hello *h,
			     const struct keymap_hello *k, const struct accept_answer *a,
			     int64_t now, struct intake_result *out, struct fault *fault)
{
	const bool named = a->listed || (a->known && a->row.vouched);
	struct system after;
	bool other;
	int rc;

	/* The policy lets everybody in: not everybody who makes UUIDs up. */
	if (!a->known && !named && in->unproved >= in->config->max_unproved) {
		say(out, SEVERITY_WARNING, "too-many-unproved", "hello of version 3 of a machine "
		    "that is not in the inventory: there are %" PRIu64 " such machines, it is not "
		    "listed", in->unproved);
		snprintf(out->hint, sizeof(out->hint), "list your machines (amt-provisionctl "
			 "inventory import), or raise max_unproved");
		return 0;
	}
	rc = keymap_system_hello(map, k, SYSTEM_QUEUED, now, &after, &out->made, fault);
	if (rc)
		return rc;
	if (out->made && !named)
		count(in, out, 1);
	if (a->known && named)
		forget_unproved(in, &a->row, out);
	say(out, SEVERITY_INFO, "hello", "hello number %u accepted: by certificate, under one of "
	    "%zu root hashes", after.hellos, h->n_hashes);
	out->accepted = true;
	if (!a->known)
		return 0;
	other = a->row.credential != SYSTEM_BY_CERTIFICATE ||
		strcmp(a->row.address, k->address) != 0;
	return make_due(in, map, k, &a->row, &after, other, now, fault);
}

static int take_certificate(struct intake *in, struct keymap *map, const struct hello *h,
			    const struct keymap_hello *k, int64_t now,
			    struct intake_result *out, struct fault *fault)
{
	struct accept_answer a;
	int rc = accept_by_certificate(in->config, map, &h->uuid, k->address, &a, fault);

	if (rc)
		return rc;
	switch (a.verdict) {
	case ACCEPT_YES:
		return queue_certificate(in, map, h, k, &a, now, out, fault);
	case ACCEPT_NOT_KNOWN:
		say_not_known(h, out);
		return list_unproved(in, map, k, SYSTEM_REFUSED, SYSTEM_NOT_KNOWN, now, out, fault);
	case ACCEPT_ELSEWHERE:
		say(out, SEVERITY_SECURITY, "other-address", "the set-up of this machine was "
		    "allowed and is under way at another address: this hello has no effect");
		return 0;
	case ACCEPT_NEVER:
		say(out, SEVERITY_INFO, "already-set-up", "this machine is set up, and reprovision "
		    "is never: this hello is refused");
		snprintf(out->hint, sizeof(out->hint), "set reprovision to allowed, so that a "
			 "person can allow it");
		return 0;
	default:
		return hold(map, k, &a, now, out, fault);
	}
}

/* What the log says of a hello whose key another machine claims, too. */
static void say_rival(const struct hello *h, const struct keymap_pair *pair, bool room,
		      struct intake_result *out)
{
	char pid[PID_SHOWN + 1], owner[UUID_SHOWN + 1];

	pidpps_show_pid(h->pid, pid);
	uuid_show(&pair->uuid, owner);
	if (!room)
		say(out, SEVERITY_SECURITY, "pid-reserved", "PID %s is claimed by as many machines "
		    "as may, none of them called yet: this hello is refused", pid);
	else
		say(out, SEVERITY_SECURITY, "pid-reserved", "PID %s is reserved for %s, which has "
		    "not proved it yet: this one is called, too, and the first to prove the PPS "
		    "has the key", pid, owner);
	hint_rival(out);
}

/*
 * Another machine has said hello with this key, and has not proved it. Neither keeps the other out:
 * both are called. That takes rows, of which those who forge hellos get so many and no more.
 */
static int queue_rival(struct intake *in, struct keymap *map, const struct hello *h,
		       const struct keymap_hello *k, const struct keymap_pair *pair, int64_t now,
		       struct intake_result *out, struct fault *fault)
{
	/* However many strangers there are: who fails makes room for the next one. */
	const unsigned max = in->unproved < in->config->max_unproved ? CLAIMS : FEW_CLAIMS;
	bool room = true, dropped = false, waits = false;
	enum keymap_claim claim;
	struct system row;
	int rc = keymap_system_find(map, &h->uuid, &row, fault);

	if (rc && rc != KIT_ERR_NOT_FOUND)
		return rc;
	if (rc || memcmp(row.pid, h->pid, PID_LENGTH) != 0) {
		rc = look_at_address(in, map, h, k->address, now, &waits, out, fault);
		if (rc || waits)
			return rc;
		rc = keymap_rivals_make_room(map, h->pid, max, &room, &dropped, fault);
		if (rc)
			return rc;
		if (dropped)
			count(in, out, -1);
		/* It may have been the one that had the key: without one, there is no rival. */
		if (dropped && room)
			rc = keymap_reserve(map, h->pid, &h->uuid, now,
					    (unsigned)in->config->reserve_seconds, &claim, NULL,
					    fault);
		if (rc)
			return rc;
	}
	if (room)
		rc = queue(in, map, h, k, now, out, fault);
	if (!rc && out->made)
		count(in, out, 1);
	if (!rc && (!room || (out->accepted && pair->state == KEYMAP_RESERVED)))
		say_rival(h, pair, room, out);
	return rc;
}

/* Was the key claimed before, by a machine that has not proved it? */
static bool has_rival(enum keymap_claim claim, const struct keymap_pair *pair)
{
	/* The fresh key of a re-key is for its machine alone. */
	if (claim == KEYMAP_CLAIM_RESERVED)
		return pair->reserved_until != KEYMAP_NEVER;
	return claim == KEYMAP_CLAIMED && pair->reserved_until;
}

/*
 * Whoever has the stick of a machine can say this hello, and prove the key: only a person can
 * know that its AMT was reset. Once allowed, or while its first set-up is not done, it goes on.
 */
static int look_at_permission(struct keymap *map, const struct keymap_hello *hello, int64_t now,
			      bool *held, struct intake_result *out, struct fault *fault)
{
	char what[SYSTEM_REASON / 2], hint[SYSTEM_REASON / 2];
	struct system system;
	int rc = keymap_system_find(map, &hello->uuid, &system, fault);

	*held = rc == KIT_ERR_NOT_FOUND || (!rc && !system.allowed);
	if ((rc && rc != KIT_ERR_NOT_FOUND) || !*held)
		return rc;
	rc = keymap_system_hello(map, hello, SYSTEM_NEEDS_PERMISSION, now, NULL, &out->made, fault);
	if (!rc)
		rc = keymap_system_hold(map, &hello->uuid, now, what, hint, fault);
	if (rc)
		return rc;
	say(out, SEVERITY_SECURITY, "needs-permission", "%s", what);
	snprintf(out->hint, sizeof(out->hint), "%s", hint);
	return 0;
}

int intake_hello(struct intake *in, struct keymap *map, const struct hello *h,
		 const char *address, int64_t now, struct intake_result *out,
		 struct fault *fault)
{
	struct keymap_hello k = { .uuid = h->uuid, .pid = *h->pid ? h->pid : NULL,
				  .address = address, .version = h->version,
				  .retry = h->retry, .digests = h->hashes,
				  .n_digests = h->n_hashes };
	struct keymap_pair before;
	enum keymap_claim claim;
	bool held = false;
	int rc;

	out->accepted = out->made = false;
	out->counted = 0;
	*out->hint = '\0';
	if (uuid_is_blank(&h->uuid)) {
		say(out, SEVERITY_WARNING, "blank-uuid", "the hello's UUID is blank or a default "
		    "that many main boards have, so that this machine cannot be told from others: "
		    "refused");
		snprintf(out->hint, sizeof(out->hint), "write a UUID into its main board with "
			 "the vendor's service tool");
		return 0;
	}
	if (h->version == HELLO_PKI)
		return take_certificate(in, map, h, &k, now, out, fault);
	rc = keymap_reserve(map, h->pid, &h->uuid, now, (unsigned)in->config->reserve_seconds,
			     &claim, &before, fault);
	if (rc)
		return rc;
	if (claim == KEYMAP_CLAIM_PROVED && in->config->reprovision == REPROVISION_NEVER) {
		say_refused(claim, h, &before, out);
		return 0;
	}
	if (claim == KEYMAP_CLAIM_PROVED && in->config->reprovision == REPROVISION_ALLOWED)
		rc = look_at_permission(map, &k, now, &held, out, fault);
	if (rc || held)
		return rc;
	if (has_rival(claim, &before)) {
		rc = queue_rival(in, map, h, &k, &before, now, out, fault);
		/* Who is refused does not have the key, nor comes in by it next time. */
		if (!rc && !out->accepted && claim == KEYMAP_CLAIMED)
			rc = keymap_lapse(map, h->pid, &h->uuid, now, fault);
		return rc;
	}
	if (claim != KEYMAP_CLAIMED && claim != KEYMAP_CLAIM_HELD &&
	    claim != KEYMAP_CLAIM_PROVED) {
		say_refused(claim, h, &before, out);
		return list_unproved(in, map, &k, SYSTEM_REFUSED, NULL, now, out, fault);
	}
	return queue(in, map, h, &k, now, out, fault);
}
