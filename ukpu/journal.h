/* Which PID went onto which stick: so that no key goes onto two by mistake. No secrets in it. */
#ifndef UKPU_JOURNAL_H
#define UKPU_JOURNAL_H

#include <stddef.h>
#include <time.h>

#include "keygen/error.h"
#include "keygen/pidpps.h"
#include "ukpu/content.h"

/*
 * A text file of lines
 *	TIME put STICK PID
 *	TIME gone STICK *	everything that was put on STICK before has been overwritten
 * separated by tabs; TIME is UTC, STICK a serial number or an image's path, with what would
 * break the line written as %XX.
 */

#define JOURNAL_STICK	640	/* bytes of a stick's name there, NUL included */

/* A PID that stands on another stick already. */
struct journal_hit {
	char pid[PID_LENGTH + 1];
	char stick[JOURNAL_STICK];	/* as it stands in the journal */
	char time[24];
};

/*
 * Which of the N PIDS are on a stick other than STICK, by the journal at PATH? *hit (may be
 * NULL) receives the first of them. Returns their number, or a negative code (KIT_ERR_SYSTEM
 * and kin, KIT_ERR_NOMEM). A journal that is not there holds nothing.
 */
long journal_elsewhere(const char *path, const char *stick, const char (*pids)[PID_LENGTH + 1],
		       size_t n, struct journal_hit *hit, struct fault *fault);

/*
 * Note that STICK now holds the N PIDS (0: none) and nothing else. On the medium when it returns 0.
 */
int journal_put(const char *path, const char *stick, const char (*pids)[PID_LENGTH + 1], size_t n,
		struct fault *fault);

/*
 * The PIDs of a setup.bin's records that a machine can still take; the array is the caller's to
 * free(). Returns 0, KIT_ERR_NOMEM, or as sbin_reader_open().
 */
int journal_pids(const struct content *content, char (**pids)[PID_LENGTH + 1], size_t *n,
		 struct fault *fault);

#endif
