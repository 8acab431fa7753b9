/* A progress bar on stderr for long work, when a person is there to see it. */
#ifndef COMMON_PROGRESS_H
#define COMMON_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Appears only when stderr is a terminal, the work is not quiet and has taken
 * more than half a second; redrawn at most ten times a second. Fields are private.
 */
struct progress {
	const char *label;
	uint64_t total;		/* 0: unknown, a count is shown */
	bool bytes;		/* amounts are bytes (shown as KiB, MiB, GiB) */
	bool enabled;
	bool shown;
	double started, drawn;	/* seconds, monotonic */
};

void progress_begin(struct progress *p, const char *label, uint64_t total, bool bytes, bool quiet);
void progress_update(struct progress *p, uint64_t done);
/* Takes the bar away. */
void progress_end(struct progress *p);

#endif
