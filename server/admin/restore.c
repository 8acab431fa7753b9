/* Backup and restore of the map as a whole, by an operator. */
#include "server/admin/restore.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "server/keymap/backup.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"

int restore_backup(const struct operator *op, const char *path, bool with_key,
		   struct fault *fault)
{
	int rc = keymap_backup(op->map, path, with_key, fault);

	return rc ? rc : operator_log(op, SEVERITY_INFO, "map-backed-up", NULL, NULL, fault,
				      "backed up to %s%s", path,
				      with_key ? ", with the key file" : "");
}

int restore_check(const struct restore *r, struct fault *fault)
{
	return keymap_backup_check(r->backup, r->backup_key, fault);
}

/* Copy the map to a new name beside it. */
static int copy_aside(struct restore *r, struct keymap *m, int64_t now, struct fault *fault)
{
	char stamp[CLOCK_TEXT + 1], again[12] = "";
	int rc = KIT_ERR_EXISTS;

	clock_show_short(now, stamp);
	/* Restored more than once in a second: none takes the place of another. */
	for (int i = 2; rc == KIT_ERR_EXISTS && i < 100; i++) {
		if (fault)
			fault_clear(fault);
		if ((size_t)snprintf(r->aside, sizeof(r->aside), "%s.before-restore-%s%s", r->map,
				     stamp, again) >= sizeof(r->aside))
			return fault_set(fault, KIT_ERR_RANGE, "the name of the map is too long");
		rc = keymap_backup(m, r->aside, true, fault);
		snprintf(again, sizeof(again), "-%d", i);
	}
	return rc;
}

static int put_aside(struct restore *r, int64_t now, struct fault *fault)
{
	const struct keymap_options options = { .key_file = r->key_file };
	struct keymap *m = NULL;
	int rc;

	if (!keymap_exists(r->map))
		return 0;
	rc = keymap_open(&m, r->map, &options, fault);
	if (!rc)
		rc = keymap_count(m, now, &r->before, fault);
	if (!rc)
		rc = copy_aside(r, m, now, fault);
	keymap_close(&m);
	if (!rc)
		return 0;
	r->aside[0] = 0;
	fault_context(fault, "the map that is there cannot be put aside");
	/* Only what is broken is to be moved: a full disk or a lock says itself what to do. */
	if (!fault || rc == KIT_ERR_SYSTEM || rc == KIT_ERR_BUSY || rc == KIT_ERR_PERMISSION)
		return rc;
	memset(fault->hint, 0, sizeof(fault->hint));
	fault_hint(fault, "move %s, its -wal and -shm and its key file away, then restore again",
		   r->map);
	return rc;
}

static int note_restored(struct restore *r, struct operator op, struct fault *fault)
{
	const struct keymap_options options = { .key_file = r->key_file };
	int rc = keymap_open(&op.map, r->map, &options, fault);

	if (!rc)
		rc = operator_log(&op, SEVERITY_WARNING, "map-restored", NULL, NULL, fault,
				  "map restored from %s", r->backup);
	if (!rc)
		rc = keymap_count(op.map, op.now, &r->after, fault);
	keymap_close(&op.map);
	return rc;
}

int restore_map(struct restore *r, const struct operator *op, struct fault *fault)
{
	int rc;

	r->aside[0] = 0;
	r->before = r->after = (struct keymap_counts){ 0 };
	rc = put_aside(r, op->now, fault);
	if (!rc)
		rc = keymap_restore(r->map, r->key_file, r->backup, r->backup_key, fault);
	return rc ? rc : note_restored(r, *op, fault);
}
