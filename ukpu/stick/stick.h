/* Putting a plan on a stick, and reading back past the cache that it is there. */
#ifndef UKPU_STICK_STICK_H
#define UKPU_STICK_STICK_H

#include "common/error.h"
#include "ukpu/stick/plan.h"
#include "ukpu/drive/target.h"

/* Told now and then how many bytes of the plan have reached the device. */
struct stick_progress {
	void (*update)(void *context, uint64_t done, uint64_t total);
	void *context;
};

/*
 * Carry out the plan on the target it was made for: write phase by phase, flushed where the order
 * matters, then read back from the medium what was written of volume and file, and compare. What
 * only has to be zero at the ends of the stick, and is, is not written again. PROGRESS may be NULL.
 *
 * Returns 0; KIT_ERR_UNFIT (fake capacity); KIT_ERR_VERIFY (something came back different);
 * KIT_ERR_REMOVED or another error of the target. After an error the stick shows no
 * setup.bin, unless it failed in the last phase or in reading back.
 */
int stick_write(const struct plan *p, struct target *t, const struct stick_progress *progress,
		struct fault *fault);

#endif
