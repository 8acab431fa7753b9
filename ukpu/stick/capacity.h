/* Is a stick as large as it says? Distinct random sectors, written and read back past the cache. */
#ifndef UKPU_STICK_CAPACITY_H
#define UKPU_STICK_CAPACITY_H

#include <stdint.h>

#include "common/error.h"
#include "ukpu/drive/target.h"

/*
 * Bytes of all stamps on a stick of STICK_BYTES bytes; they are written twice, the second time
 * zeros.
 */
uint64_t capacity_bytes(uint64_t stick_bytes);

/*
 * Stamp the front, the middle and the end, and above every power of two, so that a stick
 * that wraps around at one overwrites a stamp at its front; read all back; zero them.
 * What stands there is lost.
 *
 * Returns 0, KIT_ERR_UNFIT (its capacity is faked: *fault says what is known of the true one),
 * or the target's error.
 */
int capacity_check(struct target *t, struct fault *fault);

#endif
