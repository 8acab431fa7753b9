/* The doctor: known problems of the host: script, clock, disk. */
#include <inttypes.h>
#include <sys/timex.h>

#include "server/admin/doctor.h"
#include "server/core/script.h"
#include "server/keymap/keymap.h"

#define LEAST_DISK	(256ull << 20)	/* bytes free for map and log */
#define SHORT_SCRIPT	5		/* seconds that few look-ups keep to */
#define LONG_SCRIPT	900		/* seconds that hold a place in the queue for too long */

static void look_at_timeout(const struct doctor *d)
{
	uint64_t seconds = d->config->props_script_timeout;

	if (seconds == 0)
		doctor_say(
			d, "script-timeout", DOCTOR_FAIL,
			"set it to the seconds that the script may take: "
			"amt-provisionctl config set props_script_timeout 180",
			"props_script_timeout is 0: every set-up would end before the script runs");
	else if (seconds < SHORT_SCRIPT || seconds > LONG_SCRIPT)
		doctor_say(d, "script-timeout", DOCTOR_WARN, "180 is usual",
			   "props_script_timeout is %" PRIu64 " seconds", seconds);
	else
		doctor_say(d, "script-timeout", DOCTOR_PASS, NULL, "the script may take %" PRIu64
			   " seconds", seconds);
}

static void look_at_script(const struct doctor *d)
{
	const char *path = d->config->props_script;
	struct fault fault = { .code = 0 };

	if (!d->config->use_props_script) {
		doctor_say(d, "script", DOCTOR_PASS, NULL, "no properties script is used");
		return;
	}
	if (script_check(path, &fault))
		doctor_say(d, "script", DOCTOR_FAIL, fault.hint, "%s", fault.what);
	else
		doctor_say(d, "script", DOCTOR_PASS, NULL, "the properties script %s can be run",
			   path);
	look_at_timeout(d);
}

static void look_at_clock(const struct doctor *d)
{
	struct timex t = { 0 };
	int state = adjtimex(&t);

	if (d->now < 1600000000)
		doctor_say(d, "clock", DOCTOR_FAIL,
			   "set the clock and turn a time service on (NTP): machines get their time"
			   " from this server",
			   "the clock is years behind");
	else if (state == TIME_ERROR || (t.status & STA_UNSYNC))
		doctor_say(d, "clock", DOCTOR_WARN,
			   "turn a time service on (timedatectl set-ntp true): machines get their"
			   " time from this server",
			   "no time service keeps the clock");
	else
		doctor_say(d, "clock", DOCTOR_PASS, NULL, "a time service keeps the clock");
}

static void look_at_disk(const struct doctor *d)
{
	struct fault fault = { 0 };
	uint64_t space;

	if (!d->map_path)	/* no configuration says where the map is */
		return;
	if (keymap_room(d->map_path, &space, &fault))
		doctor_fault(d, "disk", &fault);
	else
		doctor_say(d, "disk", space < LEAST_DISK ? DOCTOR_WARN : DOCTOR_PASS,
			   space < LEAST_DISK ? "make room: on a full disk no hello can be stored"
					      : NULL,
			   "free on the disk of the map: %" PRIu64 " MiB", space >> 20);
}

void doctor_host(const struct doctor *d)
{
	if (!d->unread)
		look_at_script(d);
	look_at_clock(d);
	look_at_disk(d);
}
