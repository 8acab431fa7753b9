/* Records of a setup.bin that was deleted: each is recognised by its own sector. */
#ifndef UKPU_STICK_DELETED_H
#define UKPU_STICK_DELETED_H

#include <stdbool.h>
#include <stdint.h>

/*
 * If a data record begins in SECTOR (SBIN_CHUNK bytes, SECRET), its length in sectors, else 0. A
 * record whose body is wiped holds no secret and does not count. *left: it is unused.
 */
unsigned deleted_record(const uint8_t *sector, bool *left);

#endif
