/* The user's state folder: where backups and the journal are kept. */
#ifndef UKPU_STICK_STATE_H
#define UKPU_STICK_STATE_H

#include <stddef.h>

#include "common/error.h"
#include "ukpu/stick/content.h"

/*
 * The path of NAME in the folder XDG_STATE_HOME/ukpu (by default ~/.local/state/ukpu), which is
 * made, with mode 0700, when it is not there. OUT receives SIZE bytes at most. Returns 0,
 * KIT_ERR_NOT_FOUND (no home folder), KIT_ERR_RANGE (too long), KIT_ERR_SYSTEM and kin.
 */
int state_path(const char *name, char *out, size_t size, struct fault *fault);

/*
 * Keep a copy of CONTENT: in the file PATH, or, when PATH is NULL, under a name made of STICK (a
 * serial or so) and the time in the state folder. Mode 0600, never over an existing file unless
 * FORCE. On the medium when this returns 0; *saved (SIZE bytes) then holds its path.
 */
int state_backup(const struct content *content, const char *path, const char *stick, int force,
		 char *saved, size_t size, struct fault *fault);

#endif
