/* What becomes of a hello: its PID looked up and reserved, the machine's row, the log line. */
#ifndef SERVER_HELLO_INTAKE_H
#define SERVER_HELLO_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "server/core/config.h"
#include "server/keymap/events.h"
#include "server/hello/hello.h"

struct keymap;

/* A hello costs the map at most these bytes of log. */
#define INTAKE_WHAT	512

struct intake_result {
	bool accepted;		/* the machine is due for set-up */
	bool made;		/* it has a new row */
	int counted;		/* what intake.unproved was changed by */
	enum severity severity;
	const char *name;	/* of the event */
	char what[INTAKE_WHAT];
	char hint[400];
};

struct intake {
	const struct config *config;
	uint64_t unproved;	/* rows of machines that were refused, or claim another one's key */
};

/* Count the rows that are there; again whenever another process may have changed them. */
int intake_init(struct intake *in, const struct config *config, struct keymap *map,
		struct fault *fault);

/*
 * Take the valid HELLO that came from ADDRESS, inside a transaction of MAP. Nothing that a
 * stranger says changes what is known of a machine unless its PID is free, or held or used by
 * that very machine; a hello with an unknown PID causes no call.
 *
 * Returns 0 with *out filled, or an error of the map.
 */
int intake_hello(struct intake *in, struct keymap *map, const struct hello *hello,
		 const char *address, int64_t now, struct intake_result *out,
		 struct fault *fault);

/*
 * What intake_hello() wrote is undone, or the hello is taken once more: it COUNTED what is not in
 * the map.
 */
void intake_uncount(struct intake *in, int counted);

#endif
