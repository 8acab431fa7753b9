/* Is a stick as large as it claims? Random sectors are written, and read back past the cache. */
#ifndef UKPU_STICK_CAPACITY_H
#define UKPU_STICK_CAPACITY_H

#include <stdint.h>

#include "common/error.h"
#include "ukpu/drive/target.h"

/*
 * Bytes of all random sectors on a stick of STICK_BYTES bytes. They are written twice, the second
 * time with zeros.
 */
uint64_t capacity_bytes(uint64_t stick_bytes);

/*
 * Write random sectors at the beginning, the middle and the end, and above every power of two, so
 * that a stick that wraps around at one of them overwrites a sector at its beginning. Read all
 * back, then zero them. What was there is lost.
 *
 * Returns 0, KIT_ERR_UNFIT if its capacity is faked (*fault names the true one, if known), or the
 * target's error.
 */
int capacity_check(struct target *t, struct fault *fault);

#endif
