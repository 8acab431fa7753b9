/* The clocks: what time it is, what has gone by, and times that a wrong clock wrote. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

#define CLOCK_TEXT	20	/* characters of the text of a time, without NUL */

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

/*
 * WHEN in UTC: "2026-11-28T05:06:07Z" for people and JSON, "20261128T050607Z" for the names of
 * files. OUT receives CLOCK_TEXT + 1 bytes; "" for a time of 0 and before, and for years of five
 * digits.
 */
void clock_show(int64_t when, char out[static CLOCK_TEXT + 1]);
void clock_show_short(int64_t when, char out[static CLOCK_TEXT + 1]);

/*
 * The time that made files bear: that in SOURCE_DATE_EPOCH of the environment (seconds since 1970,
 * reproducible-builds.org), else now. Returns 0, or KIT_ERR_ARGUMENT if the variable is set and not
 * a number of seconds.
 */
int clock_source_date(int64_t *out, struct fault *fault);

#endif
