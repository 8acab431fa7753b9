/* Writing a plan to a stick, and reading it back past the cache. */
#ifndef UKPU_STICK_STICK_H
#define UKPU_STICK_STICK_H

#include "common/error.h"
#include "ukpu/stick/plan.h"
#include "ukpu/drive/target.h"

/* Called now and then with the bytes of the plan that have reached the device. */
struct stick_progress {
	void (*update)(void *context, uint64_t done, uint64_t total);
	void *context;
};

/*
 * Write the plan to the target that it was made for, phase by phase, flushed where the order
 * matters; then read volume and file back from the medium and compare. Zeros at the ends of the
 * stick are not written again. PROGRESS may be NULL.
 *
 * Returns 0; KIT_ERR_UNFIT (fake capacity); KIT_ERR_VERIFY (read back different);
 * KIT_ERR_REMOVED or another error of the target. After an error the stick shows no
 * setup.bin, unless the last phase or reading back failed.
 */
int stick_write(const struct plan *p, struct target *t, const struct stick_progress *progress,
		struct fault *fault);

#endif
