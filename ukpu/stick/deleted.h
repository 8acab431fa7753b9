/* Sectors of a setup.bin that are in no file any more: each is known by what stands in it. */
#ifndef UKPU_STICK_DELETED_H
#define UKPU_STICK_DELETED_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Does a data record begin in SECTOR (SBIN_CHUNK bytes, SECRET)? The sectors that it has, or 0; one
 * whose body is wiped holds no secret and is none. *left: it is unused.
 */
unsigned deleted_record(const uint8_t *sector, bool *left);

/*
 * Does a secret variable begin in SECTOR, which need not be a record's first? 1; 2 when its value
 * goes on in the next sector; 0 if none does. The rest of a value that was cut in two cannot be
 * known.
 */
unsigned deleted_secret(const uint8_t *sector);

#endif
