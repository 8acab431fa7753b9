/* What time it is, what has gone by, and times that a wrong clock wrote. */
#include "common/clock.h"

#include <time.h>

int64_t clock_now(void)
{
	return time(NULL);
}

double clock_monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

bool clock_was_wrong(int64_t when, int64_t now, int64_t ahead)
{
	return when > now && (uint64_t)when - (uint64_t)now > (uint64_t)ahead;
}
