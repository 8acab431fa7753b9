/* Files on a stick that are not its setup.bin: listed, saved, never lost without consent. */
#ifndef UKPU_STICK_OTHERS_H
#define UKPU_STICK_OTHERS_H

#include "ukpu/stick/work.h"

/*
 * List the other files and what foreign_look() finds; refuse, unless they may be discarded or can
 * be saved. A setup.bin on the stick is one of them unless its SHA-256 is KEEP; with NULL none of
 * them is. For what work_search() has found. Returns 0, KIT_ERR_EXISTS, or as foreign_look().
 */
int others_guard(struct work *w, const uint8_t *keep, struct fault *fault);

/* Save them where options->save_others says, if it was given. */
int others_save(struct work *w, const uint8_t *keep, struct fault *fault);

#endif
