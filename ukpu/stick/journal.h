/* Which PID went onto which stick: so that no key goes onto two by mistake. No secrets in it. */
#ifndef UKPU_STICK_JOURNAL_H
#define UKPU_STICK_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "keygen/pidpps.h"
#include "ukpu/stick/content.h"
#include "ukpu/stick/identity.h"

/*
 * An SQLite file, which several people and programs may use at once. A stick is a row; so is each
 * PID that was put on it, and each mark that it has had.
 *
 * A stick is known again
 *   1. by its mark, or the disk id in it, and its device (in a reader, or without a serial number:
 *      by mark and size);
 *   2. without a mark, by its device, when the journal has one such stick; when another such
 *      stick is plugged in at the same time, only in the USB port that it was in last.
 * A stick with a mark that the journal does not have is another one: a question too many for one
 * that somebody formatted, but never two sticks taken for one. An image file goes by its path.
 */
struct journal;

#define JOURNAL_STICK	320	/* bytes of a stick's name, NUL included */

/* A PID that is on another stick already. */
struct journal_hit {
	char pid[PID_SHOWN + 1];	/* as people write it */
	char stick[JOURNAL_STICK];	/* its name, fit for a terminal */
	char time[24];			/* UTC */
	bool same_device;	/* it has the same maker, model, serial number and size */
};

/*
 * Open the journal PATH, and make it if it does not exist: with mode 0660 in a folder that its
 * group may write in, else 0600. *made (may be NULL): was it made now? Returns 0;
 * KIT_ERR_PERMISSION; KIT_ERR_FORMAT (not such a journal, or of a later version);
 * KIT_ERR_DATABASE (damaged); KIT_ERR_SYSTEM or as fault_sys(). Close with journal_close().
 */
int journal_open(struct journal **out, const char *path, bool *made, struct fault *fault);
/* *j may be NULL. */
void journal_close(struct journal **j);

/*
 * How many of the N PIDS are on a stick other than ID? *hit (may be NULL) receives the one that
 * was put there last. Returns their number, or a negative code.
 */
long journal_elsewhere(struct journal *j, const struct identity *id,
		       const char (*pids)[PID_LENGTH + 1], size_t n, struct journal_hit *hit,
		       struct fault *fault);

/*
 * Note that the N PIDS are about to be put on the stick ID, which then gets the mark MARK. On the
 * medium when it returns 0; *stick then names the stick for the functions below. Until
 * journal_done() both old and new keys, and marks, may be on it.
 * Refused with KIT_ERR_EXISTS when more than KNOWN of the PIDs are elsewhere by now: somebody put
 * them there since journal_elsewhere() was asked. A negative KNOWN: whatever it says.
 */
int journal_put(struct journal *j, const struct identity *id, const char *mark, long known,
		const char (*pids)[PID_LENGTH + 1], size_t n, int64_t *stick,
		struct fault *fault);

/* Note that the PIDs put last are on the stick, and what was there before is not. */
int journal_done(struct journal *j, int64_t stick, struct fault *fault);

/*
 * Note that nothing that was ever put on the stick ID, which now has the mark MARK, is there any
 * more. A stick that the journal does not know is not an error.
 */
int journal_gone(struct journal *j, const struct identity *id, const char *mark,
		 struct fault *fault);

/*
 * Take over what the journal at PATH says: an earlier version's text file, or another such
 * journal. It is renamed to PATH.taken-over afterwards, and never taken over twice. Returns 1,
 * 0 (there is none, or it was taken over already), or a negative code.
 *
 * The text file has lines TIME WHAT STICK PID, separated by tabs; WHAT is "next" (the keys that
 * follow are about to be put on STICK), "put", "done" (what was put there before its last "next"
 * is gone) or "gone" (all of it is). Lines of any other form are passed over.
 */
int journal_take_over(struct journal *j, const char *path, struct fault *fault);
/* Were the journals of all users taken over? And note that they are. */
int journal_all_taken(struct journal *j, bool *done, struct fault *fault);
int journal_note_all_taken(struct journal *j, struct fault *fault);

/*
 * The PIDs of a setup.bin's records that a machine can still take; the array is the caller's to
 * free(). Returns 0, KIT_ERR_NOMEM, or as sbin_reader_open().
 */
int journal_pids(const struct content *content, char (**pids)[PID_LENGTH + 1], size_t *n,
		 struct fault *fault);

#endif
