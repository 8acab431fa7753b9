/* Counters in Prometheus text form. */
#include "server/metrics.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "amt/chain.h"
#include "common/clock.h"
#include "server/setup/fleet.h"
#include "server/core/certificates.h"
#include "server/core/log.h"
#include "server/core/page.h"
#include "server/keymap/events.h"
#include "server/keymap/pairs.h"
#include "server/keymap/systems.h"
#include "server/core/commit.h"
#include "server/hello/listener.h"

#define COUNT_SECONDS	30	/* counting a million keys takes a moment: not at every visit */

struct metrics {
	struct metrics_sources sources;
	struct page *page;
	struct keymap_counts keys;
	uint64_t systems[SYSTEM_STATES];
	uint64_t proofs[2][SYSTEM_PROOFS];	/* by credential */
	int64_t counted;
	bool counts_good;
};

static const double steps[METRICS_STEPS] = {
	0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5,
};

void metrics_observe(struct metrics_times *t, double seconds)
{
	t->count++;
	t->sum += seconds;
	for (int i = METRICS_STEPS - 1; i >= 0 && seconds <= steps[i]; i--)
		t->within[i]++;
}

static void family(struct evbuffer *out, const char *name, const char *type, const char *help)
{
	evbuffer_add_printf(out, "# HELP amt_%s %s\n# TYPE amt_%s %s\n", name, help, name, type);
}

static void single(struct evbuffer *out, const char *name, const char *type, const char *help,
		   uint64_t value)
{
	family(out, name, type, help);
	evbuffer_add_printf(out, "amt_%s %llu\n", name, (unsigned long long)value);
}

static void labelled(struct evbuffer *out, const char *name, const char *label,
		     const char *word, uint64_t value)
{
	evbuffer_add_printf(out, "amt_%s{%s=\"%s\"} %llu\n", name, label, word,
			    (unsigned long long)value);
}

static void add_listener(struct evbuffer *out, const struct listener_counts *c)
{
	static const char *const words[] = {
		[TROUBLE_BAD_HELLO] = "bad-hello", [TROUBLE_TIME] = "timeout",
		[TROUBLE_TOO_OFTEN] = "too-often", [TROUBLE_TOO_MANY] = "too-many-connections",
		[TROUBLE_FULL] = "full", [TROUBLE_SYSTEM] = "system",
	};

	single(out, "connections_total", "counter", "Connections accepted on the hello port.",
	       c->accepted);
	single(out, "connections_open", "gauge", "Connections that have not said hello yet.",
	       c->open);
	single(out, "hellos_total", "counter", "Valid hellos heard.", c->hellos);
	single(out, "pages_total", "counter", "Browsers that were answered with a page.",
	       c->pages);
	single(out, "connections_empty_total", "counter",
	       "Connections that were closed without a byte.", c->empty);
	family(out, "hello_troubles_total", "counter", "What peers did that was not a hello.");
	for (int i = 0; i < TROUBLES; i++)
		labelled(out, "hello_troubles_total", "kind", words[i], c->trouble[i]);
}

static void add_times(struct evbuffer *out, const struct metrics_times *t)
{
	static const char name[] = "hello_commit_seconds";

	family(out, name, "histogram", "From a hello's connection to its commit.");
	for (int i = 0; i < METRICS_STEPS; i++)
		evbuffer_add_printf(out, "amt_%s_bucket{le=\"%g\"} %llu\n", name, steps[i],
				    (unsigned long long)t->within[i]);
	evbuffer_add_printf(out, "amt_%s_bucket{le=\"+Inf\"} %llu\namt_%s_sum %.6f\n"
			    "amt_%s_count %llu\n", name, (unsigned long long)t->count, name,
			    t->sum, name, (unsigned long long)t->count);
}

static void add_fleet(struct evbuffer *out, const struct fleet_counts *c)
{
	single(out, "setups_started_total", "counter", "Set-ups begun.", c->started);
	single(out, "setups_configured_total", "counter", "Set-ups that ended configured.",
	       c->configured);
	single(out, "setups_failed_total", "counter", "Set-ups that failed.", c->failed);
	single(out, "setups_running", "gauge", "Set-ups under way.", c->running);
}

static void add_events(struct evbuffer *out, const struct log *j)
{
	family(out, "events_total", "counter", "Lines of the log by severity.");
	for (int i = 0; i <= SEVERITY_SECURITY; i++)
		labelled(out, "events_total", "severity",
			 severity_word((enum severity)i), j->events[i]);
}

/* {certificate="vendor.pem"}: the id is a file's name, which may hold a quote. */
static void add_label(struct evbuffer *out, const char *id)
{
	evbuffer_add_printf(out, "{certificate=\"");
	for (const char *p = id; *p; p++)
		evbuffer_add_printf(out, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
	evbuffer_add_printf(out, "\"}");
}

static void add_certificates(struct evbuffer *out, const struct certificates *all)
{
	int64_t now = clock_now();
	const struct certificate *c;

	family(out, "certificate_days_left", "gauge",
	       "Whole days until the first certificate of the chain expires.");
	for (size_t i = 0; (c = certificates_at(all, i)) != NULL; i++) {
		evbuffer_add_printf(out, "amt_certificate_days_left");
		add_label(out, c->id);
		evbuffer_add_printf(out, " %lld\n",
				    (long long)chain_days_left(c->facts->not_after, now));
	}
	family(out, "certificate_served", "gauge", "1 when machines are set up with it.");
	for (size_t i = 0; (c = certificates_at(all, i)) != NULL; i++) {
		evbuffer_add_printf(out, "amt_certificate_served");
		add_label(out, c->id);
		evbuffer_add_printf(out, " %d\n", c->served);
	}
}

static void add_proofs(struct evbuffer *out, const struct metrics *m)
{
	family(out, "systems_set_up", "gauge", "Machines that were set up, by key (psk) or "
	       "certificate (pki), and what proved which machine it is.");
	for (int by = SYSTEM_BY_KEY; by <= SYSTEM_BY_CERTIFICATE; by++)
		for (int i = 0; i < SYSTEM_PROOFS; i++) {
			const char *proof = system_proof_word((enum system_proof)i);

			if (by == SYSTEM_BY_KEY && i != SYSTEM_PROOF_PPS && !m->proofs[by][i])
				continue;
			evbuffer_add_printf(out, "amt_systems_set_up{by=\"%s\",proved_by=\"%s\"} "
					    "%llu\n",
					    system_credential_word((enum system_credential)by),
					    proof ? proof : "none",
					    (unsigned long long)m->proofs[by][i]);
		}
}

static void add_map(struct evbuffer *out, struct metrics *m)
{
	const struct keymap_counts *k = &m->keys;
	int64_t now = clock_now();

	if (!m->counted || clock_was_wrong(m->counted, now, 0) ||
	    now - m->counted >= COUNT_SECONDS) {
		m->counts_good = keymap_count(m->sources.map, now, &m->keys, NULL) == 0 &&
				 keymap_system_count(m->sources.map, m->systems, NULL) == 0 &&
				 keymap_system_count_proofs(m->sources.map, m->proofs, NULL) == 0;
		m->counted = now;
	}
	single(out, "map_up", "gauge", "1 when the key map can be read.", m->counts_good);
	if (!m->counts_good)
		return;
	family(out, "keys", "gauge", "Keys in the map by state.");
	labelled(out, "keys", "state", "free", k->free);
	labelled(out, "keys", "state", "reserved", k->reserved);
	labelled(out, "keys", "state", "used", k->used);
	labelled(out, "keys", "state", "revoked", k->revoked);
	family(out, "systems", "gauge", "Machines by state.");
	for (int i = 0; i < SYSTEM_STATES; i++)
		labelled(out, "systems", "state", system_state_word((enum system_state)i),
			 m->systems[i]);
	add_proofs(out, m);
}

static void fill(void *context, struct evbuffer *out)
{
	struct metrics *m = context;

	add_listener(out, listener_counts(m->sources.listener));
	add_times(out, m->sources.commits);
	add_fleet(out, fleet_counts(m->sources.fleet));
	add_events(out, m->sources.log);
	add_certificates(out, *m->sources.certificates);
	single(out, "writes_waiting", "gauge", "Writes that wait for the key map.",
	       commit_waiting(m->sources.commit));
	add_map(out, m);
}

int metrics_new(struct metrics **out, struct event_base *base,
		const struct config_addresses *addresses, const struct metrics_sources *sources,
		struct fault *fault)
{
	struct metrics *m = calloc(1, sizeof(*m));
	struct page_source source = { .path = "/metrics", .fill = fill, .context = m,
				      .type = "text/plain; version=0.0.4; charset=utf-8" };
	int rc;

	*out = NULL;
	if (!m)
		return fault_nomem(fault);
	m->sources = *sources;
	rc = page_new(&m->page, base, addresses, &source, fault);
	if (rc)
		metrics_free(&m);
	*out = m;
	return rc;
}

void metrics_free(struct metrics **m)
{
	if (!*m)
		return;
	page_free(&(*m)->page);
	free(*m);
	*m = NULL;
}

uint16_t metrics_where(const struct metrics *m, size_t i, char address[static ADDRESS_TEXT + 1])
{
	return m ? page_where(m->page, i, address) : 0;
}
