/* The person at work on a map: what that person does is written to the map's log. */
#ifndef SERVER_ADMIN_OPERATOR_H
#define SERVER_ADMIN_OPERATOR_H

#include "server/keymap/events.h"

struct keymap;

#define OPERATOR_NAME	64	/* bytes, without NUL */

struct operator {
	struct keymap *map;		/* borrowed */
	char name[OPERATOR_NAME + 1];	/* who it is, for the log */
	int64_t now;			/* seconds since 1970 UTC */
};

/*
 * Write "WHAT, by NAME" to the map's log as an event of that name; inside a transaction it is
 * part of it. PID and UUID may be NULL. Errors as keymap_log().
 */
int operator_log(const struct operator *op, enum severity severity, const char *event,
		 const char *pid, const struct uuid *uuid, struct fault *fault,
		 const char *format, ...) __attribute__((format(printf, 7, 8)));

#endif
