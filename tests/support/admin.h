/* An operator at work on a map of its own, and lists for it to read, for tests. */
#ifndef TESTS_SUPPORT_ADMIN_H
#define TESTS_SUPPORT_ADMIN_H

#include <stdio.h>

#include "server/admin/operator.h"
#include "tests/support/map.h"

#define ADMIN_NOW	1700000000	/* 2023-11-14T22:13:20Z */

/* A fixture: map_enter(), and "anna" at work on the map at ADMIN_NOW. */
extern struct operator op;
void admin_enter(void);
void admin_leave(void);

/* Write TEXT to the file NAME (0600), and open that to be read. */
void put_file(const char *name, const char *text);
FILE *list_of(const char *text);

/* How many keys, events of that name by anna. */
unsigned long long keys_in_map(void);
unsigned logged(const char *event);

/* Put pairs FROM..TO-1 of scratch_pair() into the map. */
void add_pairs(unsigned from, unsigned to);

/* The machine N of scratch_uuid() says hello with pair N, and proves it. */
void say_hello(unsigned n);
void prove(unsigned n);

#endif
