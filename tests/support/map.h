/* A key map in a temporary folder, and raw access to its tables, for tests. */
#ifndef TESTS_SUPPORT_MAP_H
#define TESTS_SUPPORT_MAP_H

#include <check.h>
#include <stddef.h>

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

#endif
