/* The attempts that run, found by UUID, and the timer for the next that is due. */
#include "server/setup/fleet.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "server/core/config.h"
#include "server/core/log.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap.h"
#include "server/keymap/systems.h"

#define BUCKETS	1024
#define AGAIN_SECONDS	5	/* until the map is looked at again after an error */

/*
 * Anybody can say hellos, and make many machines up. Those that proved a key once or are in the
 * inventory come first. The others share what is left: a quarter of all is kept for those that said
 * hello last, so that none waits behind many who came before it, and at most a quarter is for those
 * that were called in vain.
 */
enum lane { LANE_KNOWN, LANE_OLDEST, LANE_NEWEST, LANE_DOUBTFUL, LANES };

static const enum keymap_trust lane_trust[LANES] = {
	[LANE_KNOWN] = TRUST_KNOWN, [LANE_OLDEST] = TRUST_UNTRIED,
	[LANE_NEWEST] = TRUST_UNTRIED, [LANE_DOUBTFUL] = TRUST_DOUBTFUL,
};

struct member {
	SLIST_ENTRY(member) entry;
	struct attempt *attempt;
	enum lane lane;
};
SLIST_HEAD(members, member);

struct fleet {
	struct attempt_services services;
	struct fleet_counts counts;
	uint64_t in_lane[LANES];	/* of those that run */
	struct members bucket[BUCKETS];
	struct event *timer;
	double rest_until;	/* clock_monotonic(): the map fails, nothing is begun before */
	bool lost;		/* rows say in set-up, but no attempt runs */
	bool stopping;
};

/* UUIDs come from strangers, but few attempts run at once: no seed is needed. */
static struct members *bucket_of(struct fleet *f, const struct uuid *uuid)
{
	return &f->bucket[(get_le32(uuid->bytes) ^ get_le32(uuid->bytes + 12)) % BUCKETS];
}

static struct member *find(struct fleet *f, const struct uuid *uuid)
{
	struct member *m;

	SLIST_FOREACH(m, bucket_of(f, uuid), entry)
		if (uuid_equal(attempt_uuid(m->attempt), uuid))
			return m;
	return NULL;
}

static void set_timer(struct fleet *f, int64_t seconds)
{
	struct timeval tv = { .tv_sec = seconds > 0 ? seconds : 0 };

	evtimer_add(f->timer, &tv);
}

static void rest(struct fleet *f)
{
	f->rest_until = clock_monotonic() + AGAIN_SECONDS;
	set_timer(f, AGAIN_SECONDS);
}

static void on_over(void *context, struct attempt *attempt, enum attempt_result result)
{
	struct fleet *f = context;
	const struct uuid *uuid = attempt_uuid(attempt);
	struct member *m = find(f, uuid);

	SLIST_REMOVE(bucket_of(f, uuid), m, member, entry);
	f->in_lane[m->lane]--;
	free(m);
	f->counts.running--;
	if (result == ATTEMPT_CONFIGURED)
		f->counts.configured++;
	else if (result == ATTEMPT_FAILED)
		f->counts.failed++;
	if (result == ATTEMPT_LOST && !f->stopping) {
		f->lost = true;
		rest(f);
	} else {
		fleet_kick(f);
	}
}

/* The due ones, gathered first: the map may not be written to while it is walked. */
struct due {
	struct fleet *fleet;
	struct uuid *uuids;
	size_t count, room;
	struct fault *fault;
};

static int on_due(void *context, const struct system *s)
{
	struct due *d = context;

	if (!find(d->fleet, &s->uuid))
		d->uuids[d->count++] = s->uuid;
	return d->count == d->room;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* How many more may run in LANE? */
static size_t room_of(const struct fleet *f, enum lane lane)
{
	const uint64_t max = f->services.config->max_setups, quarter = max / 4;
	const uint64_t shared = f->in_lane[LANE_OLDEST] + f->in_lane[LANE_DOUBTFUL];
	const uint64_t left = max > f->counts.running ? max - f->counts.running : 0;
	const uint64_t others = max - quarter > shared ? max - quarter - shared : 0;
	const uint64_t doubtful = quarter ? quarter : 1, in_lane = f->in_lane[lane];

	switch (lane) {
	case LANE_OLDEST:
		return less(left, others);
	case LANE_NEWEST:
		return less(left, quarter > in_lane ? quarter - in_lane : 0);
	case LANE_DOUBTFUL:
		return less(less(left, others), doubtful > in_lane ? doubtful - in_lane : 0);
	default:
		return left;
	}
}

static int start(struct fleet *f, const struct uuid *uuid, enum lane lane, struct fault *fault)
{
	struct member *m = calloc(1, sizeof(*m));

	if (!m)
		return fault_nomem(fault);
	if (attempt_start(&m->attempt, &f->services, uuid, on_over, f, fault)) {
		free(m);
		return fault->code;
	}
	m->lane = lane;
	SLIST_INSERT_HEAD(bucket_of(f, uuid), m, entry);
	f->in_lane[lane]++;
	f->counts.running++;
	f->counts.started++;
	return 0;
}

/* Start as many of those that are due as LANE has room for. */
static int start_some(struct fleet *f, int64_t now, enum lane lane, struct fault *fault)
{
	struct due d = { .fleet = f, .room = room_of(f, lane) };
	struct keymap_system_filter filter = { .due = now, .trust = lane_trust[lane],
					       .newest = lane == LANE_NEWEST,
					       /* Those that run are passed over. */
					       .limit = d.room + f->counts.running };
	int rc;

	if (!d.room)
		return 0;
	d.uuids = calloc(d.room, sizeof(*d.uuids));
	if (!d.uuids)
		return fault_nomem(fault);
	rc = keymap_systems(f->services.map, &filter, on_due, &d, fault);
	if (rc > 0)
		rc = 0;
	for (size_t i = 0; i < d.count && !rc; i++)
		rc = start(f, &d.uuids[i], lane, fault);
	free(d.uuids);
	return rc;
}

static int start_due(struct fleet *f, int64_t now, struct fault *fault)
{
	int rc = 0;

	for (enum lane lane = 0; lane < LANES && !rc; lane++)
		rc = start_some(f, now, lane, fault);
	return rc;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct fleet *f = context;
	struct fault fault = { .code = 0 };
	int64_t now = clock_now(), due = 0;
	size_t recovered;

	if (f->stopping)
		return;
	if (clock_monotonic() < f->rest_until) {
		set_timer(f, AGAIN_SECONDS);
		return;
	}
	if (f->lost && fleet_recover(f, &recovered, NULL)) {
		rest(f);
		return;
	}
	f->lost = false;
	if (start_due(f, now, &fault) ||
	    keymap_system_next_due(f->services.map, now, &due, &fault)) {
		log_fault(f->services.log, SEVERITY_ERROR, "map-failed",
			      "cannot read what is due: ", &fault);
		rest(f);
		return;
	}
	/* What is due by now is in flight, or waits for one that is to end: that kicks. */
	if (due)
		set_timer(f, due - now);
}

int fleet_new(struct fleet **out, const struct attempt_services *services, struct fault *fault)
{
	struct fleet *f = calloc(1, sizeof(*f));

	*out = NULL;
	if (!f)
		return fault_nomem(fault);
	f->services = *services;
	f->timer = evtimer_new(services->base, on_timer, f);
	if (!f->timer) {
		free(f);
		return fault_nomem(fault);
	}
	*out = f;
	return 0;
}

void fleet_free(struct fleet **f)
{
	if (!*f)
		return;
	event_free((*f)->timer);
	free(*f);
	*f = NULL;
}

static int on_in_setup(void *context, const struct system *s)
{
	struct due *d = context;

	if (find(d->fleet, &s->uuid))
		return 0;
	if (d->count == d->room) {
		size_t room = d->room ? d->room * 2 : 64;
		struct uuid *bigger = realloc(d->uuids, room * sizeof(*bigger));

		if (!bigger)
			return fault_nomem(d->fault);
		d->uuids = bigger;
		d->room = room;
	}
	d->uuids[d->count++] = s->uuid;
	return 0;
}

int fleet_recover(struct fleet *f, size_t *recovered, struct fault *fault)
{
	struct keymap_system_filter filter = { .by_state = true, .state = SYSTEM_IN_SETUP };
	struct due d = { .fleet = f, .fault = fault };
	struct keymap *map = f->services.map;
	int64_t now = clock_now();
	int rc;

	rc = keymap_systems(map, &filter, on_in_setup, &d, fault);
	if (!rc && d.count)
		rc = keymap_begin(map, fault);
	for (size_t i = 0; i < d.count && !rc; i++)
		rc = keymap_system_state(map, &d.uuids[i], SYSTEM_QUEUED,
					  "set-up was interrupted", now, now, fault);
	if (!rc && d.count)
		rc = keymap_commit(map, fault);
	if (rc && keymap_in_transaction(map))
		keymap_rollback(map);
	*recovered = d.count;
	free(d.uuids);
	return rc;
}

void fleet_kick(struct fleet *f)
{
	if (!f->stopping)
		set_timer(f, 0);
}

void fleet_stop(struct fleet *f)
{
	f->stopping = true;
	evtimer_del(f->timer);
	for (size_t i = 0; i < BUCKETS; i++) {
		struct member *m, *next;

		for (m = SLIST_FIRST(&f->bucket[i]); m; m = next) {
			next = SLIST_NEXT(m, entry);
			attempt_abandon(m->attempt);
		}
	}
}

const struct fleet_counts *fleet_counts(const struct fleet *f)
{
	return &f->counts;
}
