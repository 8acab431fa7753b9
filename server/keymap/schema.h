/* The tables of the key map, by schema version. */
#ifndef SERVER_KEYMAP_SCHEMA_H
#define SERVER_KEYMAP_SCHEMA_H

#include "server/keymap/keymap-private.h"

/*
 * Make the tables in an empty database, or bring those of an older version up to date, and
 * see that the key file fits them (made at first use). Part of keymap_open(), whose errors
 * it returns.
 */
int schema_prepare(struct keymap *m, bool create, struct fault *fault);

/*
 * The same for a map that must stay as it is, opened for reading: is it a key map, and is
 * m->key_file the key file that belongs to it?
 */
int schema_check(struct keymap *m, struct fault *fault);

/* Note the key ID, which m->seal holds, as the one in force from now on. */
int schema_add_key(struct keymap *m, uint32_t id, struct fault *fault);

#endif
