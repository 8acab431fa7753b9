/* The keys of a stick at work: none onto two sticks, none lost with a stick that is overwritten. */
#ifndef UKPU_STICK_KEYSAFE_H
#define UKPU_STICK_KEYSAFE_H

#include "ukpu/stick/work.h"

/* Unused records in all candidates of w->found, damaged ones included, copies counted once. */
unsigned long keysafe_unused(const struct work *w);

/* Ask when there are any, or more files than are kept, unless options->overwrite_unused. */
int keysafe_guard_unused(struct work *w, struct fault *fault);

/* How many keys of w->content are on another stick by the journal, or negative; see w->hit. */
long keysafe_elsewhere(struct work *w, struct fault *fault);

/* Ask when there are any, unless options->second_stick. */
int keysafe_guard_second(struct work *w, struct fault *fault);

/*
 * Note in the journal that the stick is about to get the keys of w->content. Refused when more of
 * them have gone onto other sticks since keysafe_elsewhere() was asked.
 */
int keysafe_note(struct work *w, struct fault *fault);
/* Note that it holds them now and no others: after writing, whatever came of verifying it. */
void keysafe_note_written(struct work *w);
/* Note that it holds none: after it was retired. */
int keysafe_note_gone(struct work *w, struct fault *fault);

/*
 * Keep a copy of CONTENT, with LEFT unused records, at PATH or (NULL) in the state folder; its
 * path is then in w->kept.
 */
int keysafe_backup(struct work *w, const struct content *content, const char *path, unsigned left,
		   struct fault *fault);

/*
 * Keep copies of the candidates that have unused records, but not of the one whose SHA-256 is BUT
 * (or NULL).
 */
int keysafe_save_unused(struct work *w, const uint8_t *but, struct fault *fault);

/*
 * The PIDs in w->content, free() them; contents that were forced may be anything, then there are
 * none. Returns as journal_pids().
 */
int keysafe_pids(struct work *w, char (**pids)[PID_LENGTH + 1], size_t *n, struct fault *fault);

#endif
