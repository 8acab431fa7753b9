/* A progress bar on stderr for long work, when a person is there to see it. */
#include "common/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/text.h"

#define WIDTH	30

void progress_begin(struct progress *p, const char *label, uint64_t total, bool bytes, bool quiet)
{
	*p = (struct progress){ .label = label, .total = total, .bytes = bytes };
	p->enabled = !quiet && isatty(STDERR_FILENO);
	p->started = p->drawn = clock_monotonic();
}

static void amount(const struct progress *p, uint64_t n, char *out, size_t size)
{
	if (!p->bytes)
		snprintf(out, size, "%" PRIu64, n);
	else if (n < UINT64_C(10) << 20)
		snprintf(out, size, "%" PRIu64 " KiB", n >> 10);
	else if (n < UINT64_C(10) << 30)
		snprintf(out, size, "%" PRIu64 " MiB", n >> 20);
	else
		snprintf(out, size, "%" PRIu64 " GiB", n >> 30);
}

void progress_update(struct progress *p, uint64_t done)
{
	char bar[WIDTH + 1], have[32], all[32];
	double t;
	int filled;

	if (!p->enabled)
		return;
	t = clock_monotonic();
	if (t - p->started < 0.5 || t - p->drawn < 0.1)
		return;
	p->drawn = t;
	p->shown = true;
	amount(p, done, have, sizeof(have));
	fputc('\r', stderr);
	text_print(stderr, "%s", p->label);
	if (!p->total) {
		fprintf(stderr, ": %s\033[K", have);
		return;
	}
	if (done > p->total)
		done = p->total;
	filled = (int)((double)done / (double)p->total * WIDTH);
	memset(bar, '.', WIDTH);
	memset(bar, '#', (size_t)filled);
	bar[WIDTH] = 0;
	amount(p, p->total, all, sizeof(all));
	fprintf(stderr, " [%s] %3d %%  %s of %s\033[K", bar,
		(int)((double)done / (double)p->total * 100), have, all);
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->enabled = p->shown = false;
}
