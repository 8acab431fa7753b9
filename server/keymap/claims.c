/* What a hello claims of a machine that is known, and what becomes of it (csti_amts). */
#include <string.h>

#include "common/secret.h"
#include "server/keymap/keymap-private.h"

/* Run SQL, whose ?1 is UUID, with PID, ADDRESS (may be NULL) and a time as ?2, ?3, ?4. */
static int change(struct keymap *m, const char *sql, const struct uuid *uuid, const char *pid,
		  const char *address, int64_t time, struct fault *fault)
{
	sqlite3_stmt *s;
	bool own;
	int rc;

	rc = db_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = db_statement(m, sql, &s, fault);
	if (!rc) {
		db_pid(s, 2, pid);
		db_text(s, 3, address);
		sqlite3_bind_int64(s, 4, time);
		rc = db_update_system(m, s, uuid, "note what becomes of a hello", fault);
	}
	return db_leave(m, own, rc, fault);
}

int keymap_system_adopt(struct keymap *m, const struct uuid *uuid, struct fault *fault)
{
	return change(m, "UPDATE csti_amts SET pid = ifnull(claimed_pid, pid),"
		      " address = ifnull(claimed_address, address), claimed_pid = NULL,"
		      " claimed_address = NULL WHERE uuid = ?1", uuid, NULL, NULL, 0, fault);
}

int keymap_system_unclaim(struct keymap *m, const struct uuid *uuid, int64_t now,
			  struct fault *fault)
{
	return change(m, "UPDATE csti_amts SET claimed_pid = NULL, claimed_address = NULL,"
		      " claim_failed_at = ?4 WHERE uuid = ?1", uuid, NULL, NULL, now, fault);
}

int keymap_system_due(struct keymap *m, const struct uuid *uuid, int64_t next_try,
		      struct fault *fault)
{
	return change(m, "UPDATE csti_amts SET next_try = ?4 WHERE uuid = ?1", uuid, NULL, NULL,
		      next_try, fault);
}

/*
 * Another key has the row from now on: what it held goes to the earlier ones, and what was
 * kept of the other key when it lost the row comes back.
 */
static int change_hands(struct keymap *m, const struct system *row, const char *pid, int64_t now,
			struct fault *fault)
{
	struct keymap_earlier earlier = { .id = 0 };
	const struct keymap_facts facts = { .admin_user = earlier.admin_user,
					    .next_pid = earlier.next_pid };
	struct system_secrets secrets;
	int rc = keymap_system_secrets(m, &row->uuid, &secrets, fault);

	if (!rc)
		rc = db_keep_secrets(m, &row->uuid, &secrets, now, fault);
	secret_wipe(&secrets, sizeof(secrets));
	if (!rc)
		rc = keymap_earlier_find(m, &row->uuid, pid, &earlier, fault);
	if (!rc)
		rc = keymap_earlier_secrets(m, &earlier, &secrets, fault);
	else if (rc == KIT_ERR_NOT_FOUND)
		rc = 0;
	if (!rc)
		rc = keymap_system_set_secrets(m, &row->uuid, &secrets, fault);
	secret_wipe(&secrets, sizeof(secrets));
	return rc ? rc : keymap_system_facts(m, &row->uuid, &facts, fault);
}

int keymap_system_prove(struct keymap *m, const struct uuid *uuid, const char *pid,
			const char *address, int64_t now, struct system *before,
			bool *changed_hands, struct fault *fault)
{
	bool own;
	int rc;

	rc = db_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = keymap_system_find(m, uuid, before, fault);
	*changed_hands = !rc && system_is_held_by_other(before, pid);
	if (*changed_hands)
		rc = change_hands(m, before, pid, now, fault);
	if (!rc)
		rc = change(m, "UPDATE csti_amts SET proved_at = ?4, state = 1, reason = NULL,"
			    " next_try = 0, pid = ?2, address = ?3, claim_failed_at = 0,"
			    " claimed_pid = iif(claimed_pid = ?2 AND claimed_address = ?3, NULL,"
			    " claimed_pid), claimed_address = iif(claimed_pid = ?2 AND"
			    " claimed_address = ?3, NULL, claimed_address) WHERE uuid = ?1",
			    uuid, pid, address, now, fault);
	_Static_assert(SYSTEM_IN_SETUP == 1, "number in the SQL above");
	return db_leave(m, own, rc, fault);
}
