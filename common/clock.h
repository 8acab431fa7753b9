/* The clocks: what time it is, what has gone by, and times that a wrong clock wrote. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds since 1970 UTC, as the system's clock has it. A person may set it, back too. */
int64_t clock_now(void);

/* Seconds from a start of no meaning, for waits and durations: never set back. */
double clock_monotonic(void);

/*
 * The one rule for times that are kept (in the map, or for long in memory): a clock that was wrong
 * when WHEN was written shows, once it is right again, by a WHEN that cannot be. AHEAD is the
 * number of seconds that WHEN may lie after NOW: 0 for what has happened, the longest wait for
 * what is to come. True: WHEN says nothing, and the caller does as if it had never been written
 * (what waits is due, what rests goes on).
 */
bool clock_was_wrong(int64_t when, int64_t now, int64_t ahead);

#endif
