/* A key map in a temporary folder, and raw access to its tables, for tests. */
#ifndef TESTS_SUPPORT_MAP_H
#define TESTS_SUPPORT_MAP_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/uuid.h"
#include "keygen/keylist.h"
#include "server/keymap/keymap.h"
#include "tests/support/scratch.h"

/* Open "map.db" in the present folder, made if need be; aborts the test on failure. */
struct keymap *scratch_map(void);

/* A fixture for tests of the map: a folder of its own, and in it the map M. */
extern struct keymap *m;
void map_enter(void);
void map_leave(void);

/* CALL, which sets a "fault" of its own, returns 0; else the test fails and says why. */
#define ok(call) do { \
	struct fault fault = { 0 }; \
	int rc_ = (call); \
	ck_assert_msg(rc_ == 0, "%s: %d %s", #call, rc_, fault.what); \
} while (0)

/* Run SQL on "map.db" past the kit; aborts the test on failure. Returns the first value, or 0. */
long long scratch_sql(const char *sql);

/* Does any file of the present folder hold these bytes? */
bool scratch_holds(const void *bytes, size_t size);

/* The N-th (from 0) of endlessly many sound pairs, with passwords. */
struct keyentry scratch_pair(unsigned n);

struct uuid scratch_uuid(unsigned n);

/* Open the map PATH; KEY_FILE may be NULL. Aborts the test on failure, as all that follow. */
struct keymap *map_open(const char *path, const char *key_file);

/* How many master keys does the key file PATH have, and which is the newest? */
unsigned map_keys_in(const char *path, uint32_t *newest);

/* Add the pairs FROM to TO - 1 to M in one transaction. */
void map_add(unsigned from, unsigned to);
/* MAP has those pairs, with the secrets that they were made with. */
void map_check_pairs(struct keymap *map, unsigned from, unsigned to);

/*
 * Give M every kind of secret that a map seals: the pairs 0 to 1999, a system, a profile, and 600
 * machines of the inventory; and is all of it in MAP?
 */
void map_fill(void);
void map_check_filled(struct keymap *map);

/*
 * A process that adds the pairs FROM, FROM + 1... to "map.db", each in a transaction, until it is
 * stopped: it has met no error then. Returns how many it added.
 */
pid_t map_start_writer(unsigned from, int *progress);
unsigned map_stop_writer(pid_t child, int progress);

#endif
