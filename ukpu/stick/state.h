/* Where things are kept: the machine's journal of sticks, and the user's state folder. */
#ifndef UKPU_STICK_STATE_H
#define UKPU_STICK_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "ukpu/stick/content.h"

/*
 * The path of NAME in the folder XDG_STATE_HOME/ukpu (by default ~/.local/state/ukpu), which is
 * made, with mode 0700, when it is not there. OUT receives SIZE bytes at most. Returns 0,
 * KIT_ERR_NOT_FOUND (no home folder), KIT_ERR_RANGE (too long), or as fault_sys().
 */
int state_path(const char *name, char *out, size_t size, struct fault *fault);

/*
 * Keep a copy of CONTENT: in the file PATH, or, when PATH is NULL, under a name made of STICK (a
 * serial or so) and the time in the state folder. Mode 0600, never over an existing file unless
 * FORCE. On the medium when this returns 0; *saved (SIZE bytes) then holds its path.
 */
int state_backup(const struct content *content, const char *path, const char *stick, int force,
		 char *saved, size_t size, struct fault *fault);

#define STATE_MACHINE	"/var/lib/ukpu"		/* the folder of the machine's journal */
#define STATE_GROUP	"amt-bench"		/* who may write there */

/*
 * The path of the journal of sticks, SIZE bytes at most: that of the machine, FOLDER/sticks.db
 * (FOLDER: STATE_MACHINE), or with OWN the user's, in the state folder. UKPU_JOURNAL in the
 * environment names another file instead of the machine's. Root makes FOLDER where it is missing.
 * Returns 0; KIT_ERR_PERMISSION, with the command to type, for whoever may not write there; or as
 * state_path().
 */
int state_journal(const char *folder, bool own, char *out, size_t size, struct fault *fault);

/*
 * Hand each place that may have an earlier journal to FOUND: those in the state folder of the user,
 * and with ALL those in the home folders of this machine's users. Ends, with what FOUND
 * returns, when that is not 0. The paths need not exist.
 */
int state_earlier(bool all, int (*found)(void *context, const char *path, struct fault *fault),
		  void *context, struct fault *fault);

#endif
