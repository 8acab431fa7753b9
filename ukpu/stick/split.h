/* Dealing the unused records of one setup.bin out over several. */
#ifndef UKPU_STICK_SPLIT_H
#define UKPU_STICK_SPLIT_H

#include <stddef.h>

#include "common/error.h"
#include "ukpu/stick/content.h"

/*
 * Split the records of IN that a machine can still take into N files, in order, as evenly as
 * can be; each record goes into exactly one. The new files keep IN's header but for the counts,
 * and number their records from 1.
 *
 *   out  N elements; wipe each with content_wipe(). All are empty on failure.
 *
 * Returns 0, KIT_ERR_RANGE (fewer records than files), KIT_ERR_NOMEM, or as sbin_reader_open().
 */
int split_file(const struct content *in, struct content *out, size_t n, struct fault *fault);

#endif
