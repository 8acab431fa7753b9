/* Running the operator's properties script: no shell, limits on time, number and output. */
#ifndef SERVER_CORE_SCRIPT_H
#define SERVER_CORE_SCRIPT_H

#include <stddef.h>

#include "common/error.h"

struct event_base;

#define SCRIPT_OUTPUT	65536	/* bytes of standard output; more is refused */

/* Scripts that run, and those that wait for a place. */
struct script_pool;
int script_pool_new(struct script_pool **out, struct event_base *base, struct fault *fault);
/* Every script must be cancelled or done. *p may be NULL. */
void script_pool_free(struct script_pool **p);

struct script_result {
	/*
	 * 0: it ended with status 0. Else FAULT tells: KIT_ERR_SYSTEM and kin it could not be
	 * run, KIT_ERR_TIMEOUT, KIT_ERR_REFUSED another status or a signal, KIT_ERR_RANGE too much
	 * output.
	 */
	int code;
	struct fault fault;
	const char *output;	/* of SIZE bytes and a NUL; valid during the call */
	size_t size;
};

/*
 * Run the program PATH, in a process group of its own with an environment of PATH and LANG
 * only, as soon as fewer than LIMIT run. INPUT goes to its standard input. After SECONDS
 * from its start the whole group is killed. done() is called exactly once, from the event
 * loop; not after script_cancel().
 */
struct script;
int script_run(struct script **out, struct script_pool *pool, const char *path,
	       const char *input, unsigned seconds, size_t limit,
	       void (*done)(void *context, const struct script_result *result), void *context,
	       struct fault *fault);

/*
 * Can the program PATH be run, and can nobody else change it? Returns 0 or KIT_ERR_NOT_FOUND and
 * kin (it is not there), KIT_ERR_PERMISSION (it cannot be run), KIT_ERR_REFUSED (others can change
 * it), each with what to do.
 */
int script_check(const char *path, struct fault *fault);

/* Kill it, or take it from the queue. *s may be NULL. */
void script_cancel(struct script **s);

#endif
