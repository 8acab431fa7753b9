/* Which PID went onto which stick: so that no key goes onto two by mistake. No secrets in it. */
#ifndef UKPU_STICK_JOURNAL_H
#define UKPU_STICK_JOURNAL_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/error.h"
#include "keygen/pidpps.h"
#include "ukpu/stick/content.h"

/*
 * A text file of lines
 *	TIME next STICK *	the keys that follow are about to be put on STICK
 *	TIME put STICK PID
 *	TIME done STICK *	they are: what was put there before its last "next" is gone
 *	TIME gone STICK *	all that was put on STICK has been overwritten
 * separated by tabs; TIME is UTC, STICK a serial number or an image's path, with what would
 * break the line written as %XX. Without a "done" both old and new keys may be on the stick.
 */

#define JOURNAL_STICK	640	/* bytes of a stick's name there, NUL included */

/* A PID that stands on another stick already. */
struct journal_hit {
	char pid[PID_SHOWN + 1];	/* as people write it */
	char stick[JOURNAL_STICK];	/* as it stands in the journal, but with blanks */
	char time[24];
};

/*
 * Which of the N PIDS are on a stick other than STICK (NULL: on any), by the journal at PATH? *hit
 * (may be NULL) receives the first of them, with the stick that got it last. Returns their number,
 * or a negative code (KIT_ERR_SYSTEM and kin, KIT_ERR_NOMEM). A journal that is not there holds
 * nothing.
 */
long journal_elsewhere(const char *path, const char *stick, const char (*pids)[PID_LENGTH + 1],
		       size_t n, struct journal_hit *hit, struct fault *fault);

/*
 * Note that the N PIDS are about to be put on STICK. On the medium when it returns 0.
 * KIT_ERR_BUSY, without a fault: the journal has not SIZE bytes any more, so what it said when it
 * had is to be asked again. A negative SIZE: whatever it says.
 */
int journal_put(const char *path, int64_t size, const char *stick,
		const char (*pids)[PID_LENGTH + 1], size_t n, struct fault *fault);

/*
 * Note that the PIDs put last stand on STICK, and what was there before does not. If this is lost
 * in a crash, a question too many is asked: it is not waited for until it is on the medium.
 */
int journal_done(const char *path, const char *stick, struct fault *fault);

/* Note that nothing that was ever put on STICK is there any more. */
int journal_gone(const char *path, const char *stick, struct fault *fault);

/*
 * The PIDs of a setup.bin's records that a machine can still take; the array is the caller's to
 * free(). Returns 0, KIT_ERR_NOMEM, or as sbin_reader_open().
 */
int journal_pids(const struct content *content, char (**pids)[PID_LENGTH + 1], size_t *n,
		 struct fault *fault);

#endif
