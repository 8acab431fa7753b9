/* Reasons not to write to a disk, and the options that overrule them. */
#ifndef UKPU_STICK_GUARD_H
#define UKPU_STICK_GUARD_H

#include <stdint.h>

#include "ukpu/drive/drive.h"
#include "ukpu/drive/usage.h"

#define GUARD_LARGE_BYTES	((uint64_t)64 << 30)	/* provisioning sticks are smaller */

enum guard_reason {
	/* Each has an option of its own. */
	GUARD_NOT_USB = 1, GUARD_LARGE = 2, GUARD_MOUNTED = 4, GUARD_SYSTEM = 32,
	/* These a person takes apart. */
	GUARD_SWAP = 8, GUARD_HOLDER = 16,
	/* These cannot be overruled. */
	GUARD_NO_MEDIUM = 64, GUARD_READ_ONLY = 128, GUARD_SECTORS = 256, GUARD_SMALL = 512,
};

/* All reasons, or'ed; 0: the disk is fit. */
unsigned guard_check(const struct drive *d, const struct usage *u);

/* The I-th reason from 0, in the order in which people see them; 0 behind the last. */
unsigned guard_reason(unsigned i);

/* One reason in a few words: "mounted at /media/x". OUT receives SIZE bytes at most. */
void guard_text(unsigned reason, const struct drive *d, const struct usage *u, char *out,
		size_t size);

/* The option that overrules it ("allow-large"), or NULL. */
const char *guard_option(unsigned reason);

/* What to do instead, with the command to type: U is what guard_check() saw. As guard_text(). */
void guard_advice(unsigned reason, const struct usage *u, char *out, size_t size);

/*
 * Judge the disk as it is just now: *why as guard_check(). VERDICT receives all that speaks against
 * it in one line, or "fit"; ADVICE (may be NULL) what to do about each. Returns 0, or a fault when
 * it cannot be found out who uses the disk.
 */
int guard_judge(const struct drive *d, unsigned *why, char *verdict, size_t size, char *advice,
		size_t advice_size, struct fault *fault);

#endif
