/* What an attempt reads from the map: the machine, its keys, the accounts to try. */
#include "server/keymap/pairs.h"
#include "server/setup/attempt-private.h"

#include <string.h>
#include <time.h>

#include "common/secret.h"
#include "server/core/config.h"

static int load_pair(struct attempt *a, struct keymap *map, const char *pid,
		     struct fault *fault)
{
	struct keymap_pair pair;
	char shown[PID_SHOWN + 1];
	int rc;

	pidpps_show_pid(pid, shown);
	rc = keymap_find(map, pid, time(NULL), &pair, fault);
	if (rc == 0 && pair.state == KEYMAP_REVOKED)
		return fault_set(fault, KIT_ERR_STATE, "PID %s was revoked", shown);
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
	return s->next_try && s->next_try <= time(NULL) && s->state != SYSTEM_IN_SETUP;
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
	strcpy(a->system.next_pid, earlier.next_pid);
	strcpy(a->system.admin_user, earlier.admin_user);
	return keymap_earlier_secrets(map, &earlier, &a->secrets, fault);
}

/* Where to call, with which key: as the newest hello has it. */
static int load_claim(struct attempt *a, struct keymap *map, struct fault *fault)
{
	struct system *s = &a->system;
	bool other;
	int rc = 0;

	if (*s->claimed_address && !s->proved_at)
		rc = keymap_system_adopt(map, &a->uuid, fault);
	other = *s->claimed_pid && system_is_held_by_other(s, s->claimed_pid);
	if (*s->claimed_pid && (other || !s->proved_at))
		strcpy(s->pid, s->claimed_pid);
	if (*s->claimed_address)
		strcpy(s->address, s->claimed_address);
	if (rc)
		return rc;
	return other ? load_other_key(a, map, fault)
	     : keymap_system_secrets(map, &a->uuid, &a->secrets, fault);
}

/* A machine that is set up stays so in the map until it has proved itself again. */
static int mark(struct attempt *a, struct keymap *map, struct fault *fault)
{
	int64_t now = time(NULL);

	if (a->system.state != SYSTEM_CONFIGURED)
		return keymap_system_state(map, &a->uuid, SYSTEM_IN_SETUP, NULL, 0, now, fault);
	/* Called again by then if nothing comes of this attempt, not even an end. */
	return keymap_system_due(map, &a->uuid, now +
				 (int64_t)a->services.config->retry_first_seconds, fault);
}

int attempt_load(struct keymap *map, void *attempt, struct fault *fault)
{
	struct attempt *a = attempt;
	int rc;

	rc = keymap_system_find(map, &a->uuid, &a->system, fault);
	if (rc)
		return rc;
	if (!is_due(&a->system) || (!*a->system.pid && !*a->system.claimed_pid))
		return KIT_ERR_NOT_FOUND;
	rc = mark(a, map, fault);
	if (!rc)
		rc = load_claim(a, map, fault);
	if (!rc)
		rc = load_pair(a, map, a->system.pid, fault);
	if (!rc && *a->system.next_pid && strcmp(a->system.next_pid, a->system.pid) != 0)
		rc = load_pair(a, map, a->system.next_pid, fault);
	if (rc)
		return rc;
	rc = keymap_inventory_find(map, &a->uuid, &a->inventory, fault);
	if (rc == KIT_ERR_NOT_FOUND)
		memset(&a->inventory, 0, sizeof(a->inventory));
	return rc == KIT_ERR_NOT_FOUND ? 0 : rc;
}

/* ---- accounts ---- */

static void add_login(struct attempt *a, enum login_kind kind, const char *user,
		      const char *password)
{
	struct setup_login *l = &a->logins[a->n_logins];

	if (!*password || a->n_logins == SETUP_LOGINS)
		return;
	strcpy(l->user, user);
	strcpy(l->password, password);
	for (size_t i = 0; i < a->n_logins; i++)
		if (strcmp(a->logins[i].user, l->user) == 0 &&
		    secret_equal(a->logins[i].password, l->password, sizeof(l->password)))
			return;
	a->kinds[a->n_logins++] = kind;
}

void attempt_logins(struct attempt *a)
{
	const char *user = *a->system.admin_user ? a->system.admin_user : "admin";

	add_login(a, LOGIN_NEXT, a->profile.admin_user, a->secrets.next_admin_password);
	/* The profile may have another user than when that password was made. */
	add_login(a, LOGIN_NEXT, user, a->secrets.next_admin_password);
	add_login(a, LOGIN_ADMIN, user, a->secrets.admin_password);
	for (size_t i = 0; i < a->n_pairs; i++)
		add_login(a, LOGIN_RECORD, "admin", *a->pairs[i].new_password ?
			  a->pairs[i].new_password : a->pairs[i].current_password);
}
