/* What an operator does to machines: have them set up now, forget them. */
#include "server/admin/machines.h"

#include <stdlib.h>

#include "common/secret.h"
#include "server/keymap/pairs.h"
#include "server/keymap/events.h"
#include "server/keymap/inventory.h"
#include "server/keymap/keymap.h"
#include "server/keymap/systems.h"

static int retry(const struct operator *op, const struct uuid *uuid, struct fault *fault)
{
	int rc = keymap_system_retry(op->map, uuid, op->now, fault);

	return rc ? rc : operator_log(op, SEVERITY_INFO, "retry-asked", NULL, uuid, fault,
				      "set-up asked for");
}

static int forget(const struct operator *op, const struct uuid *uuid, struct fault *fault)
{
	int rc = keymap_system_forget(op->map, uuid, fault);

	return rc ? rc : operator_log(op, SEVERITY_WARNING, "system-forgotten", NULL, uuid, fault,
				      "system forgotten, with its passwords");
}

static int allow_as(const struct operator *op, const struct uuid *uuid, enum system_allowed how,
		    struct fault *fault)
{
	struct system row;
	int rc = keymap_system_allow(op->map, uuid, how, op->now, fault);

	if (!rc)
		rc = keymap_system_find(op->map, uuid, &row, fault);
	if (rc)
		return rc;
	return operator_log(op, SEVERITY_SECURITY, "setup-allowed", NULL, uuid, fault,
			    "allowed to be set up once%s%s", row.vouched ? ", by certificate"
			    : " more with the key that it has used",
			    how == SYSTEM_ALLOWED_ANYWHERE ? ", at a new address, too" : "");
}

static int certify(const struct operator *op, const struct uuid *uuid, struct fault *fault)
{
	int rc = keymap_system_certify(op->map, uuid, fault);

	return rc ? rc : operator_log(op, SEVERITY_SECURITY, "certificate-allowed", NULL, uuid,
				      fault, "allowed to get a certificate of its own at its next "
				      "set-up");
}

static int allow(const struct operator *op, const struct uuid *uuid, struct fault *fault)
{
	return allow_as(op, uuid, SYSTEM_ALLOWED, fault);
}

static int allow_certified(const struct operator *op, const struct uuid *uuid,
			   struct fault *fault)
{
	int rc = allow_as(op, uuid, SYSTEM_ALLOWED, fault);

	return rc ? rc : certify(op, uuid, fault);
}

static int allow_anywhere_certified(const struct operator *op, const struct uuid *uuid,
				    struct fault *fault)
{
	int rc = allow_as(op, uuid, SYSTEM_ALLOWED_ANYWHERE, fault);

	return rc ? rc : certify(op, uuid, fault);
}

static int allow_anywhere(const struct operator *op, const struct uuid *uuid, struct fault *fault)
{
	return allow_as(op, uuid, SYSTEM_ALLOWED_ANYWHERE, fault);
}

bool machines_swapped(struct keymap *map, const struct uuid *uuid, struct uuid *other)
{
	struct keymap_inventory row;
	struct system system;

	*other = uuid_swapped(uuid);
	return keymap_system_find(map, other, &system, NULL) == 0 ||
	       keymap_inventory_find(map, other, &row, NULL) == 0;
}

int machines_unknown(struct keymap *map, const struct uuid *uuid, struct fault *fault)
{
	char shown[UUID_SHOWN + 1], known[UUID_SHOWN + 1];
	struct uuid other;

	uuid_show(uuid, shown);
	if (machines_swapped(map, uuid, &other)) {
		uuid_show(&other, known);
		return fault_set(fault, KIT_ERR_NOT_FOUND, "no machine %s is in the map\n"
				 "%s is: the same UUID in the other byte order", shown, known);
	}
	return fault_set(fault, KIT_ERR_NOT_FOUND, "no machine %s is in the map\n"
			 "look it up: amt-provisionctl systems list", shown);
}

/* DO_ONE for all that are named, or for none. */
static int all_or_none(const struct operator *op, const struct uuid *uuids, size_t n,
		       int (*do_one)(const struct operator *op, const struct uuid *uuid,
				     struct fault *fault), struct fault *fault)
{
	struct system system;
	int rc = keymap_begin(op->map, fault);

	for (size_t i = 0; !rc && i < n; i++) {
		rc = keymap_system_find(op->map, &uuids[i], &system, fault);
		rc = rc == KIT_ERR_NOT_FOUND ? machines_unknown(op->map, &uuids[i], fault)
			: rc ? rc : do_one(op, &uuids[i], fault);
	}
	if (!rc)
		rc = keymap_commit(op->map, fault);
	keymap_rollback(op->map);
	return rc;
}

int machines_retry(const struct operator *op, const struct uuid *uuids, size_t n,
		   struct fault *fault)
{
	return all_or_none(op, uuids, n, retry, fault);
}

int machines_allow(const struct operator *op, const struct uuid *uuids, size_t n,
		   bool new_address, bool certificate, struct fault *fault)
{
	int (*const how[2][2])(const struct operator *op, const struct uuid *uuid,
			       struct fault *fault) = {
		{ allow, allow_certified }, { allow_anywhere, allow_anywhere_certified },
	};

	return all_or_none(op, uuids, n, how[new_address][certificate], fault);
}

int machines_forget(const struct operator *op, const struct uuid *uuids, size_t n,
		    struct fault *fault)
{
	return all_or_none(op, uuids, n, forget, fault);
}

struct many {
	struct uuid *uuids;
	size_t n, room;
};

static int collect(void *context, const struct system *system)
{
	struct many *l = context;

	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 64;
		struct uuid *more = realloc(l->uuids, room * sizeof(*more));

		if (!more)
			return KIT_ERR_NOMEM;
		l->uuids = more;
		l->room = room;
	}
	l->uuids[l->n++] = system->uuid;
	return 0;
}

/* Has the machine used the key that it would be called with, and nobody allowed that? */
static bool is_held(const struct operator *op, const struct system *s)
{
	const char *pid = *s->claimed_pid ? s->claimed_pid : s->pid;
	struct keymap_pair pair;

	return !s->allowed && *pid && keymap_find(op->map, pid, op->now, &pair, NULL) == 0 &&
	       pair.state == KEYMAP_USED && pair.has_uuid && uuid_equal(&pair.uuid, &s->uuid);
}

static int count_set_up(const struct operator *op, const struct uuid *uuid, size_t *set_up,
			size_t *held, struct fault *fault)
{
	struct system system;
	int rc = keymap_system_find(op->map, uuid, &system, fault);

	if (rc)
		return rc == KIT_ERR_NOT_FOUND ? 0 : rc;
	*set_up += system_is_set_up(&system);
	*held += system_is_set_up(&system) && is_held(op, &system);
	return 0;
}

int machines_set_up(const struct operator *op, const struct uuid *uuids, size_t n, size_t *set_up,
		    size_t *held, struct fault *fault)
{
	int rc = 0;

	*set_up = *held = 0;
	for (size_t i = 0; i < n && !rc; i++)
		rc = count_set_up(op, &uuids[i], set_up, held, fault);
	return rc;
}

int machines_retry_state(const struct operator *op, enum system_state state, size_t *n,
			 size_t *set_up, size_t *held, struct fault *fault)
{
	const struct keymap_system_filter filter = { .by_state = true, .state = state };
	struct many list = { 0 };
	int rc;

	rc = keymap_begin(op->map, fault);
	/* First all, then each: a list may not be changed while it is read. */
	if (!rc)
		rc = keymap_systems(op->map, &filter, collect, &list, fault);
	if (rc == KIT_ERR_NOMEM)
		fault_nomem(fault);
	*n = *set_up = *held = 0;
	for (size_t i = 0; !rc && i < list.n; i++) {
		struct fault why = { 0 };

		rc = retry(op, &list.uuids[i], &why);
		/* Of many, those that wait for a person go on waiting. */
		if (rc && rc != KIT_ERR_STATE)
			fault_pass(fault, &why);
		else if (!rc && !(rc = count_set_up(op, &list.uuids[i], set_up, held, fault)))
			++*n;
		rc = rc == KIT_ERR_STATE ? 0 : rc;
	}
	if (!rc)
		rc = keymap_commit(op->map, fault);
	keymap_rollback(op->map);
	free(list.uuids);
	return rc;
}

static int stop_at_first(void *context, const struct keymap_earlier *earlier)
{
	return 1;
}

/* Has the map passwords of the machine that it may have, now or from before? Negative: a fault. */
static int has_passwords(struct keymap *map, const struct uuid *uuid, struct fault *fault)
{
	struct system_secrets s;
	bool any;
	int rc = keymap_system_secrets(map, uuid, &s, fault);

	if (rc)
		return rc;
	any = *s.admin_password || *s.next_admin_password || *s.mebx_password ||
	      *s.next_mebx_password;
	secret_wipe(&s, sizeof(s));
	return any ? 1 : keymap_earlier(map, uuid, stop_at_first, NULL, fault);
}

int machines_configured(const struct operator *op, const struct uuid *uuids, size_t n,
			size_t *configured, struct fault *fault)
{
	struct system system;
	int rc;

	*configured = 0;
	for (size_t i = 0; i < n; i++) {
		rc = keymap_system_find(op->map, &uuids[i], &system, fault);
		if (rc && rc != KIT_ERR_NOT_FOUND)
			return rc;
		if (rc)
			continue;
		rc = system.configured_at ? 1 : has_passwords(op->map, &uuids[i], fault);
		if (rc < 0)
			return rc;
		*configured += rc > 0;
	}
	return 0;
}
