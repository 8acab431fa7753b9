/* Running the operator's properties script: no shell, limits on time, number and output. */
#ifndef SERVER_CORE_SCRIPT_H
#define SERVER_CORE_SCRIPT_H

#include <stddef.h>

#include "common/error.h"

struct event_base;

#define SCRIPT_OUTPUT	65536	/* bytes of standard output; more is refused */

/* Scripts that run, and those that wait their turn. */
struct script_pool;
int script_pool_new(struct script_pool **out, struct event_base *base, struct fault *fault);
/* Every script must be cancelled or done. *p may be NULL. */
void script_pool_free(struct script_pool **p);

struct script_result {
	/*
	 * 0: it ended with status 0. Else FAULT says: KIT_ERR_SYSTEM or the like, it could not be
	 * run; KIT_ERR_TIMEOUT; KIT_ERR_REFUSED, another status or a signal, with the beginning of
	 * what it wrote to standard error; KIT_ERR_RANGE, too much output.
	 */
	int code;
	struct fault fault;
	const char *output;	/* of SIZE bytes and a NUL; valid during the call */
	size_t size;
};

struct script_job {
	const char *path;	/* of the program */
	const char *input;	/* for its standard input */
	unsigned seconds;	/* from its start, until it is killed */
	size_t limit;		/* it waits until fewer than so many run */
	/*
	 * SECRET, may be NULL: texts that are cut out of what it writes to standard error, in any
	 * case and with any dashes. "" and NULL among them stand for none.
	 */
	const char *const *secrets;
	size_t n_secrets;
	/* Called exactly once, from the event loop; not after script_cancel(). */
	void (*done)(void *context, const struct script_result *result);
	void *context;
};

/*
 * Run a program, in a session of its own, with an environment of PATH and LANG only. When its time
 * is up it is killed with its process group; when this process ends, in whatever way, the kernel
 * kills it. All of JOB is copied.
 */
struct script;
int script_run(struct script **out, struct script_pool *pool, const struct script_job *job,
	       struct fault *fault);

/*
 * Can the program PATH be run, and can nobody else change it? Returns 0, KIT_ERR_NOT_FOUND or the
 * like (it is not there), KIT_ERR_PERMISSION (it cannot be run), KIT_ERR_REFUSED (others can change
 * it), each with what to do.
 */
int script_check(const char *path, struct fault *fault);

/* Kill it, or take it from the queue. *s may be NULL. */
void script_cancel(struct script **s);

#endif
