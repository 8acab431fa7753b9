/* What an operator does to keys: add one, revoke some, seal all again. */
#include "server/admin/keys.h"

#include "server/keymap/events.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"
#include "server/keymap/rotate.h"

int keys_add(const struct operator *op, const struct keyentry *entry, const char *how,
	     enum keymap_added *added, struct fault *fault)
{
	char shown[PID_SHOWN + 1];
	int64_t batch;
	int rc;

	pidpps_show_pid(entry->pair.pid, shown);
	rc = keymap_begin(op->map, fault);
	if (!rc)
		rc = keymap_batch(op->map, "add", how, op->now, &batch, fault);
	if (!rc)
		rc = keymap_add(op->map, entry, batch, added, fault);
	if (rc == KIT_ERR_DUPLICATE)
		fault_set(fault, rc, "%s is in the map with another PPS; nothing was added\n"
			  "check that it was not read from another machine's label; if the map's "
			  "is wrong, revoke it", shown);
	if (!rc && *added == KEYMAP_ADDED)
		rc = operator_log(op, SEVERITY_INFO, "key-added", entry->pair.pid, NULL, fault,
				  "key added");
	if (!rc)
		rc = keymap_commit(op->map, fault);
	keymap_rollback(op->map);
	return rc;
}

static int revoke(const struct operator *op, const char *pid, struct keymap_pair *before,
		  struct fault *fault)
{
	char shown[PID_SHOWN + 1];
	int rc = keymap_find(op->map, pid, op->now, before, fault);

	if (rc == KIT_ERR_NOT_FOUND) {
		pidpps_show_pid(pid, shown);
		return fault_set(fault, rc, "%s is not in the map; nothing was revoked", shown);
	}
	if (rc || before->state == KEYMAP_REVOKED)
		return rc;
	rc = keymap_revoke(op->map, pid, op->now, fault);
	return rc ? rc : operator_log(op, SEVERITY_WARNING, "key-revoked", pid,
				      before->has_uuid ? &before->uuid : NULL, fault,
				      "key revoked, it was %s", keymap_state_word(before->state));
}

int keys_revoke(const struct operator *op, const char (*pids)[PID_LENGTH + 1], size_t n,
		struct keymap_pair *before, struct fault *fault)
{
	int rc = keymap_begin(op->map, fault);

	for (size_t i = 0; !rc && i < n; i++)
		rc = revoke(op, pids[i], &before[i], fault);
	if (!rc)
		rc = keymap_commit(op->map, fault);
	keymap_rollback(op->map);
	return rc;
}

int keys_rotate(const struct operator *op,
		void (*progress)(void *context, uint64_t done, uint64_t total), void *context,
		bool *resumed, struct fault *fault)
{
	int rc = keymap_rotate(op->map, progress, context, resumed, fault);

	if (!rc)
		rc = operator_log(op, SEVERITY_WARNING, "master-key-rotated", NULL, NULL, fault,
				  "master key rotated%s", *resumed
				  ? " (an earlier rotation that was cut off was finished)" : "");
	if (rc)
		fault_hint(fault, "run it again: it goes on where it was cut off, and the map works"
			   " meanwhile");
	return rc;
}
