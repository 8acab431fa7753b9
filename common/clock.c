/* What time it is, what has gone by, and times that a wrong clock wrote. */
#include "common/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
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

/* WHEN in UTC; false for a time that is not shown. */
static bool in_utc(int64_t when, struct tm *tm)
{
	time_t t = (time_t)when;

	return when > 0 && gmtime_r(&t, tm) && tm->tm_year + 1900 <= 9999;
}

void clock_show(int64_t when, char out[static CLOCK_TEXT + 1])
{
	struct tm tm;

	out[0] = '\0';
	if (in_utc(when, &tm))
		strftime(out, CLOCK_TEXT + 1, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void clock_show_short(int64_t when, char out[static CLOCK_TEXT + 1])
{
	struct tm tm;

	out[0] = '\0';
	if (in_utc(when, &tm))
		strftime(out, CLOCK_TEXT + 1, "%Y%m%dT%H%M%SZ", &tm);
}

int clock_source_date(int64_t *out, struct fault *fault)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");

	*out = clock_now();
	if (!text || !*text)
		return 0;
	errno = 0;
	*out = strtoll(text, NULL, 10);
	if (!errno && strspn(text, "0123456789") == strlen(text))
		return 0;
	return fault_set(fault, KIT_ERR_ARGUMENT,
			 "SOURCE_DATE_EPOCH is not a number of seconds since "
			 "1970\n"
			 "correct it, or unset it to use the present time");
}
