/* One attempt to set up one machine, from the name it is to have to the row that says it is so. */
#ifndef SERVER_SETUP_ATTEMPT_H
#define SERVER_SETUP_ATTEMPT_H

#include "common/error.h"
#include "common/uuid.h"

struct call_pool;
struct certificates;
struct config;
struct event_base;
struct log;
struct keymap;
struct commit;
struct naming_service;
struct ondie;

/* What attempts share; all borrowed. */
struct attempt_services {
	struct event_base *base;
	const struct config *config;
	struct keymap *map;
	struct commit *commit;
	struct log *log;
	struct call_pool *pool;
	struct naming_service *naming;
	struct certificates *const *certificates;	/* a reload changes them; or *it is NULL */
	const struct ondie *ondie;	/* NULL: machines' own chains are not judged */
};

enum attempt_result {
	ATTEMPT_CONFIGURED,
	ATTEMPT_FAILED,	 /* the row says why, and when it is tried again */
	ATTEMPT_LOST,	 /* the map would not take what came of it: the row is as it was before */
	ATTEMPT_DROPPED, /* the machine was forgotten or changed meanwhile, or the server stops */
};

struct attempt;

/*
 * Begin to set up the machine UUID, whose row is due. over() is called once, from the event
 * loop, when all that came of it is durable; the attempt is freed after that.
 * KIT_ERR_NOMEM.
 */
int attempt_start(struct attempt **out, const struct attempt_services *services,
		  const struct uuid *uuid,
		  void (*over)(void *context, struct attempt *attempt,
			       enum attempt_result result),
		  void *context, struct fault *fault);

const struct uuid *attempt_uuid(const struct attempt *a);

/*
 * Give up, for a stop: the row stays as it is and is taken up again at the next start; but a
 * machine that was committed is noted to be configured.
 * over() is called, at once or when a write that is under way is done.
 */
void attempt_abandon(struct attempt *a);

#endif
