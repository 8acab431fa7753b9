/* Backup and restore of the key map. */
#ifndef SERVER_KEYMAP_BACKUP_H
#define SERVER_KEYMAP_BACKUP_H

#include <stdbool.h>

#include "common/error.h"

struct keymap;

/*
 * A backup is a file of SQLite, whatever engine the map is of: what takes a file for granted here
 * is about the backup, and not about the map.
 */

/*
 * Copy the map, as it is at one moment, to the new file PATH (0600, complete or not
 * there at all, fsynced) and, unless WITH_KEY is false, its key file to PATH.key; others work
 * on meanwhile. The copy is opened and checked. What a backup into the same folder has left
 * that was killed is removed. KIT_ERR_EXISTS; KIT_ERR_BUSY (another process makes the
 * same backup); errors of writing files.
 */
int keymap_backup(struct keymap *m, const char *path, bool with_key, struct fault *fault);

/* Is the backup sound, of a known version, and its key file its own? Errors as keymap_open(). */
int keymap_backup_check(const char *backup, const char *backup_key, struct fault *fault);

/*
 * Put the backup BACKUP (whose key file is BACKUP_KEY) into the place of the map PATH and
 * its key file KEY_FILE, in one step for all who have the map open. PATH may be absent.
 * The backup is checked before anything is touched. What PATH held is lost: back it
 * up first. A cut leaves the old map or the new one, each with its keys.
 *
 * Errors as keymap_open(), for the backup and for PATH.
 */
int keymap_restore(const char *path, const char *key_file, const char *backup,
		   const char *backup_key, struct fault *fault);

#endif
