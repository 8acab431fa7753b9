/* The simulated machines of one process, told apart by their own addresses. */
#include "samples/amt-sim/sim-fleet.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int sim_fleet_init(struct sim_fleet *f, size_t n, const struct sim_address *first,
		   struct fault *fault)
{
	struct sim_address last;
	int rc = sim_address_after(first, (uint32_t)(n - 1), 0, &last, fault);

	memset(f, 0, sizeof(*f));
	f->wake = -1;
	if (rc < 0)
		return rc;
	f->first = *first;
	f->n = n;
	f->devices = calloc(n, sizeof(*f->devices));
	if (!f->devices)
		return fault_nomem(fault);
	pthread_mutex_init(&f->lock, NULL);
	f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->wake < 0)
		return fault_sys(fault, errno, "cannot make an event descriptor");
	return 0;
}

void sim_fleet_clear(struct sim_fleet *f)
{
	for (size_t i = 0; f->devices && i < f->n; i++)
		sim_device_clear(&f->devices[i]);
	if (f->devices)
		pthread_mutex_destroy(&f->lock);
	free(f->devices);
	if (f->wake >= 0)
		close(f->wake);
	memset(f, 0, sizeof(*f));
	f->wake = -1;
}

struct sim_device *sim_fleet_at(struct sim_fleet *f, const struct sim_address *a)
{
	uint32_t i;

	/* One device has its listening socket to itself. */
	if (f->n == 1)
		return f->devices;
	i = sim_address_distance(&f->first, a);
	return i < f->n ? &f->devices[i] : NULL;
}

void sim_fleet_say(struct sim_fleet *f, const struct sim_device *d, const char *format, ...)
{
	struct sim_address a;
	char text[512], *p = text;
	va_list args;

	if (!f->event)
		return;
	if (d && sim_address_after(&f->first, (uint32_t)(d - f->devices), 0, &a, NULL) == 0) {
		sim_address_show(&a, text);
		p += strlen(text);
		p += snprintf(p, 3, ": ");
	}
	va_start(args, format);
	vsnprintf(p, sizeof(text) - (size_t)(p - text), format, args);
	va_end(args);
	f->event(f->context, text);
}
