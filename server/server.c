/* The daemon: hellos from the listener go through the commit to the fleet. */
#include "server/server.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include "amt/ondie.h"
#include "common/clock.h"
#include "common/hex.h"
#include "common/secret.h"
#include "server/setup/call.h"
#include "server/hello/intake.h"
#include "server/core/certificates.h"
#include "server/core/log.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap.h"
#include "server/keymap/settings.h"
#include "server/keymap/systems.h"
#include "server/core/commit.h"
#include "server/metrics.h"
#include "server/setup/naming.h"
#include "server/core/script.h"

#define MANY_JOBS	20000	/* waiting for the map: no more hellos are accepted then */
#define FEW_JOBS	5000
#define STOP_SECONDS	10	/* for the last writes */
#define TICK_SECONDS	1
#define FILES_OF_OURS	64
#define FILES_OF_SCRIPT	6	/* both ends of its pipes */

enum { ON_TERM, ON_INT, ON_HUP, SIGNALS };

struct server {
	struct config config;		/* SECRET: its profiles */
	char *path;
	struct event_base *base;
	struct keymap *map;
	struct commit *commit;
	struct log log;
	struct call_pool *pool;
	struct naming_service *naming;
	struct fleet *fleet;
	struct listener *listener;
	struct metrics *metrics;
	struct certificates *certificates;	/* NULL: the folder could not be read */
	struct ondie *ondie;
	struct intake intake;
	struct metrics_times commits;
	struct event *signals[SIGNALS];
	struct event *tick;
	unsigned ticks;
	unsigned watchdog;	/* ticks between two signs of life for systemd; 0: none */
	char status[160];	/* the last one that systemd got */
	bool full;		/* too many jobs wait: the listener is paused */
	bool blocked;		/* it was said that another process holds the map */
	bool changed;		/* another process changed the map: not looked at yet */
	struct fault fatal;	/* why it cannot go on */
};

/* ---- hellos ---- */

/* A hello on its way through the commit. */
struct arrival {
	struct server *server;
	struct hello hello;
	char address[SYSTEM_ADDRESS + 1];
	double connected;	/* CLOCK_MONOTONIC, seconds */
	bool accepted;
	int counted;		/* by the intake, for what may be undone yet */
};

static int take_hello(struct keymap *map, void *context, struct fault *fault)
{
	struct arrival *a = context;
	struct server *s = a->server;
	struct intake_result r;
	struct logentry e = { .uuid = &a->hello.uuid, .address = a->address };
	int rc;

	/* The transaction that it was in before was undone as a whole. */
	intake_uncount(&s->intake, a->counted);
	rc = intake_hello(&s->intake, map, &a->hello, a->address, clock_now(), &r, fault);
	a->counted = r.counted;
	if (rc)
		return rc;
	a->accepted = r.accepted;
	e.severity = r.severity;
	e.name = r.name;
	e.pid = *a->hello.pid ? a->hello.pid : NULL;
	e.what = r.what;
	e.hint = r.hint;
	log_inside(&s->log, map, &e);
	return 0;
}

static void hello_done(void *context, int code, const struct fault *fault)
{
	struct arrival *a = context;
	struct server *s = a->server;

	if (code)
		intake_uncount(&s->intake, a->counted);
	if (code)
		log_fault(&s->log, SEVERITY_ERROR, "hello-lost", "a hello is lost; its "
			      "machine will say it again: ", fault);
	else
		metrics_observe(&s->commits, clock_monotonic() - a->connected);
	if (!code && a->accepted) {
		listener_vouch(s->listener, a->address);
		fleet_kick(s->fleet);
	}
	free(a);
}

static void check_load(struct server *s)
{
	size_t waiting = commit_waiting(s->commit);
	bool full = s->full ? waiting > FEW_JOBS : waiting > MANY_JOBS;

	if (full == s->full)
		return;
	s->full = full;
	listener_pause(s->listener, full);
}

static void on_hello(void *context, const struct hello *hello, const char *address,
		     double accepted)
{
	struct server *s = context;
	struct arrival *a = calloc(1, sizeof(*a));
	struct commit_job job = { .run = take_hello, .done = hello_done, .context = a };

	if (!a)
		return;
	a->server = s;
	a->hello = *hello;
	a->connected = accepted;
	strncpy(a->address, address, sizeof(a->address) - 1);
	if (commit_add(s->commit, &job, NULL))
		free(a);
	check_load(s);
}

static void on_trouble(void *context, enum listener_trouble trouble, const char *address,
		       const struct hello *hello, const struct fault *fault)
{
	static const char *const names[] = {
		[TROUBLE_BAD_HELLO] = "bad-hello", [TROUBLE_TIME] = "hello-timeout",
		[TROUBLE_TOO_OFTEN] = "too-often", [TROUBLE_TOO_MANY] = "too-many-connections",
		[TROUBLE_FULL] = "connections-full", [TROUBLE_SYSTEM] = "system-limit",
	};
	struct server *s = context;
	bool known = hello->version != 0 && !uuid_is_blank(&hello->uuid);
	struct logentry e = { .severity = SEVERITY_WARNING, .name = names[trouble],
			   .uuid = known ? &hello->uuid : NULL, .address = address,
			   .what = fault->what, .hint = fault->hint };

	if (trouble == TROUBLE_SYSTEM)
		e.severity = SEVERITY_ERROR;
	log_note(&s->log, &e);
	check_load(s);
}

/* ---- signals and the clock ---- */

/*
 * Descriptors that connections of hellos leave to others: of the map, the log and the loop, and of
 * set-ups, each with a connection or the pipes of a script.
 */
static uint64_t reserve_of(const struct config *c)
{
	return FILES_OF_OURS + c->max_setups + FILES_OF_SCRIPT * c->props_script_parallel;
}

/*
 * Have as many descriptors as the configuration asks for, or as many as the system lets us have;
 * what is missing goes off the connections of hellos, half of all at most. Returns how many of
 * those there may be.
 */
static uint64_t raise_files(struct server *s)
{
	const struct config *c = &s->config;
	uint64_t reserve = reserve_of(c), wanted = c->max_connections + reserve;
	struct rlimit files;
	struct fault fault = { 0 };

	if (getrlimit(RLIMIT_NOFILE, &files))
		return c->max_connections;
	if (files.rlim_cur < wanted) {
		files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
		if (setrlimit(RLIMIT_NOFILE, &files) || getrlimit(RLIMIT_NOFILE, &files))
			return c->max_connections;
	}
	if (files.rlim_cur >= wanted)
		return c->max_connections;
	if (reserve > files.rlim_cur / 2)
		reserve = files.rlim_cur / 2;
	fault_set(&fault, KIT_ERR_RANGE, "the limit of open files is %llu, where max_connections "
		  "and max_setups need %llu: at most %llu hellos are heard at a time\n"
		  "raise the hard limit (LimitNOFILE in the unit, ulimit -Hn in a shell), or lower "
		  "max_connections", (unsigned long long)files.rlim_cur,
		  (unsigned long long)wanted, (unsigned long long)(files.rlim_cur - reserve));
	log_fault(&s->log, SEVERITY_WARNING, "system-limit", NULL, &fault);
	return files.rlim_cur - reserve;
}

static struct listener_limits limits_of(struct server *s)
{
	const struct config *c = &s->config;
	struct listener_limits l = {
		.connections = raise_files(s),
		.per_address = c->connections_per_address,
		.messages_per_minute = c->hellos_per_minute,
		.seconds = c->hello_seconds,
		.page = c->page,
	};

	return l;
}

/*
 * Notify the service manager, if there is one: that we run, what we do, that we go. Without it
 * sd_notify() does nothing.
 */
static void notify_status(struct server *s)
{
	const struct fleet_counts *fleet = fleet_counts(s->fleet);
	const struct listener_counts *heard = listener_counts(s->listener);
	char status[sizeof(s->status)];

	snprintf(status, sizeof(status), "STATUS=%llu hello%s heard, %llu set-up%s running, "
		 "%llu configured, %llu failed", (unsigned long long)heard->hellos,
		 plural(heard->hellos), (unsigned long long)fleet->running,
		 plural(fleet->running), (unsigned long long)fleet->configured,
		 (unsigned long long)fleet->failed);
	if (strcmp(status, s->status) == 0)
		return;
	strcpy(s->status, status);
	sd_notify(0, status);
}

/* Leave server_run(): what runs is given up, what is to be written is written. */
static void stop(struct server *s)
{
	event_base_loopbreak(s->base);
}

static void on_stop(evutil_socket_t number, short what, void *context)
{
	struct server *s = context;

	log_say(&s->log, "stopping on signal %d", (int)number);
	sd_notify(0, "STOPPING=1");
	stop(s);
}

static bool same_addresses(const struct config_addresses *a, const struct config_addresses *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->at[i].text, b->at[i].text) != 0)
			return false;
	return true;
}

struct settings_reader {
	struct config *config;
	struct fault *fault;
};

static int on_setting(void *context, const char *name, const char *value)
{
	struct settings_reader *s = context;
	int rc = config_restore(s->config, name, value, s->fault);

	if (!rc)
		return 0;
	fault_context(s->fault, "a setting in the map is not valid");
	return fault_hint(s->fault, "remove it with \"amt-provisionctl config unset %s\"", name);
}

/* The map's settings beat the file's. */
static int read_settings(struct keymap *map, struct config *c, struct fault *fault)
{
	struct settings_reader s = { c, fault };

	return keymap_settings(map, on_setting, &s, fault);
}

/* Hellos can be taken, but every set-up would fail: said before the first one does. */
static void look_at_script(struct server *s)
{
	struct fault fault = { .code = 0 };

	if (s->config.use_props_script && script_check(s->config.props_script, &fault))
		log_fault(&s->log, SEVERITY_WARNING, "script-unfit", NULL, &fault);
}

static void say_warnings(struct server *s)
{
	char what[CONFIG_WARNING];
	struct logentry e = { .severity = SEVERITY_WARNING, .name = "option-retired",
			      .what = what };

	for (size_t i = 0; config_warning(&s->config, i, what) == 0; i++)
		log_note(&s->log, &e);
}

/* ---- certificates ---- */

static bool is_of_time(enum finding_code code)
{
	return code == FINDING_EXPIRED || code == FINDING_EXPIRES_7 || code == FINDING_EXPIRES_30;
}

/* What is wrong with a certificate: all of it, or what the days that went by have changed. */
static void say_findings(struct server *s, const struct certificate *c, bool all)
{
	char what[FINDING_TEXT + CERTIFICATES_ID + 20];
	struct logentry e = { .what = what };

	for (size_t i = 0; i < c->n_findings; i++) {
		const struct finding *f = &c->findings[i];

		if (!all && !is_of_time(f->code))
			continue;
		snprintf(what, sizeof(what), "certificate %s: %s", c->id, f->what);
		e.hint = f->hint;
		e.severity = f->severity == FINDING_REFUSED ? SEVERITY_ERROR : SEVERITY_WARNING;
		e.name = f->severity == FINDING_REFUSED ? "certificate-refused"
							: "certificate-warning";
		if (f->severity == FINDING_NOTE)
			log_say(&s->log, "%s", what);
		else
			log_note(&s->log, &e);
	}
}

static void say_certificate(struct server *s, const struct certificate *c)
{
	const struct chain_link *leaf = &c->facts->links[0];
	const struct chain_link *last = &c->facts->links[c->facts->n_links - 1];
	char until[CLOCK_TEXT + 1], digest[2 * sizeof(c->facts->root_sha256) + 1];

	clock_show(c->facts->not_after, until);
	hex_show(c->facts->root_sha256, sizeof(c->facts->root_sha256), digest);
	if (c->served)
		log_say(&s->log, "certificate %s: \"%s\", serial %s, until %s, root \"%s\" with "
			"SHA-256 %s", c->id, leaf->subject, leaf->serial, until, last->subject,
			digest);
	say_findings(s, c, true);
}

/* A file that is not used at all, or one that does not belong in the folder. */
static void say_problem(struct server *s, const struct fault *fault)
{
	if (fault->code == KIT_ERR_UNFIT)
		log_fault(&s->log, SEVERITY_WARNING, "certificate-warning", NULL, fault);
	else
		log_fault(&s->log, SEVERITY_ERROR, "certificate-refused", NULL, fault);
}

/* A folder that cannot be read leaves the certificates as they were; attempts keep theirs. */
static void load_certificates(struct server *s)
{
	struct certificates_options options = certificates_options_of(&s->config);
	const struct certificate_problem *problem;
	const struct certificate *c;
	struct certificates *read = NULL;
	struct fault fault = { .code = 0 };

	options.service = NULL;	/* that is this process */
	if (certificates_load(&read, &options, &fault)) {
		log_fault(&s->log, SEVERITY_ERROR, "certificates-failed",
			  s->certificates ? "the certificates stay as they were: " : NULL, &fault);
		return;
	}
	certificates_free(&s->certificates);
	s->certificates = read;
	for (size_t i = 0; (c = certificates_at(read, i)) != NULL; i++)
		say_certificate(s, c);
	for (size_t i = 0; (problem = certificates_problem(read, i)) != NULL; i++)
		say_problem(s, &problem->fault);
}

static void look_at_certificates(struct server *s)
{
	const struct certificate *c;

	if (!certificates_turn(s->certificates, clock_now()))
		return;
	for (size_t i = 0; (c = certificates_at(s->certificates, i)) != NULL; i++)
		say_findings(s, c, false);
}

/* Read the file again; whatever is wrong with it, the server goes on as it was. */
static void on_reload(evutil_socket_t number, short what, void *context)
{
	struct server *s = context;
	struct fault fault = { .code = 0 };
	struct listener_limits limits;
	struct config *c = malloc(sizeof(*c));

	if (!c)
		return;
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)(clock_monotonic() * 1e6));
	config_init(c);
	if (config_load(c, s->path, &fault) || read_settings(s->map, c, &fault) ||
	    config_check(c, &fault)) {
		log_fault(&s->log, SEVERITY_ERROR, "reload-failed",
			      "the configuration stays as it was: ", &fault);
		goto out;
	}
	if (strcmp(c->map, s->config.map) != 0 || strcmp(c->key_file, s->config.key_file) != 0 ||
	    !same_addresses(&c->listen, &s->config.listen) ||
	    !same_addresses(&c->metrics_listen, &s->config.metrics_listen))
		log_say(&s->log, "map, key_file, listen or metrics_listen changed: restart "
			    "the server for that");
	config_wipe(&s->config);
	s->config = *c;
	keymap_log_keep(s->map, s->config.log_keep);
	limits = limits_of(s);
	listener_set_limits(s->listener, &limits);
	look_at_script(s);
	load_certificates(s);
	say_warnings(s);
	log_say(&s->log, "configuration read again from %s", s->path);
	fleet_kick(s->fleet);
out:
	sd_notify(0, "READY=1");
	config_wipe(c);
	secret_wipe(c, sizeof(*c));
	free(c);
}

static void look_at_lock(struct server *s)
{
	double since = commit_blocked_since(s->commit);

	if (since == 0) {
		s->blocked = false;
	} else if (!s->blocked && clock_monotonic() - since > 5) {
		s->blocked = true;
		log_say(&s->log, "another program has held the map for more than 5 s (a "
			    "long import?): hellos wait in memory meanwhile");
	}
}

/* The clock was set back: retries would stay due when it comes to where it was. */
static void look_at_clock(struct server *s)
{
	size_t n;

	if (keymap_system_end_waits(s->map, clock_now(), (int64_t)s->config.retry_max_seconds, &n,
				    NULL) || n == 0)
		return;	/* tried again at the next tick */
	log_say(&s->log, "the clock was set back, or retry_max_seconds lowered: machines that "
		"waited longer than that are called now: %zu", n);
	fleet_kick(s->fleet);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct server *s = context;
	size_t orphans;
	bool changed = false;

	if (keymap_in_place(s->map, &s->fatal)) {
		sd_notify(0, "STOPPING=1");
		stop(s);
		return;
	}
	check_load(s);
	look_at_lock(s);
	look_at_clock(s);
	look_at_certificates(s);
	/* An operator's "retry", an import or a restored backup is worth a look. */
	if (keymap_changed(s->map, &changed, NULL) == 0 && changed)
		s->changed = true;
	if (s->changed && fleet_recover(s->fleet, &orphans, NULL) == 0 &&
	    intake_init(&s->intake, &s->config, s->map, NULL) == 0) {
		s->changed = false;
		fleet_kick(s->fleet);
	}
	log_turn(&s->log, false);
	notify_status(s);
	s->ticks++;
	if (s->watchdog && s->ticks % s->watchdog == 0)
		sd_notify(0, "WATCHDOG=1");
}

/* ---- start, run, stop ---- */

static int open_map(struct server *s, struct fault *fault)
{
	struct keymap_options options = { .flags = KEYMAP_CREATE };
	int rc;

	if (*s->config.key_file)
		options.key_file = s->config.key_file;
	rc = keymap_open(&s->map, s->config.map, &options, fault);
	if (!rc)
		rc = keymap_hold(s->map, fault);
	if (!rc)
		rc = read_settings(s->map, &s->config, fault);
	if (!rc)
		rc = config_check(&s->config, fault);
	if (!rc)
		rc = intake_init(&s->intake, &s->config, s->map, fault);
	if (!rc)
		keymap_log_keep(s->map, s->config.log_keep);
	return rc;
}

static int listen_all(struct server *s, struct fault *fault)
{
	size_t count = 0, opened = 0;
	int rc = listener_inherit(s->listener, &count, fault);

	if (rc || count)
		return rc;
	for (size_t i = 0; i < s->config.listen.count; i++) {
		struct fault why = { .code = 0 };

		rc = listener_open(s->listener, &s->config.listen.at[i], &why);
		if (rc == 0) {
			opened++;
			continue;
		}
		if (rc != KIT_ERR_NOT_FOUND)
			return fault_pass(fault, &why);
		log_say(&s->log, "%s: going on without", why.what);
	}
	if (opened)
		return 0;
	return fault_set(fault, KIT_ERR_ARGUMENT, "no address to listen on\n"
			 "set listen in section [server]");
}

static int add_signals(struct server *s, struct fault *fault)
{
	static const int numbers[] = { [ON_TERM] = SIGTERM, [ON_INT] = SIGINT, [ON_HUP] = SIGHUP };
	struct timeval tick = { .tv_sec = TICK_SECONDS };

	for (int i = 0; i < SIGNALS; i++) {
		s->signals[i] = evsignal_new(s->base, numbers[i],
					     i == ON_HUP ? on_reload : on_stop, s);
		if (!s->signals[i] || event_add(s->signals[i], NULL))
			return fault_nomem(fault);
	}
	s->tick = event_new(s->base, -1, EV_PERSIST, on_tick, s);
	if (!s->tick || event_add(s->tick, &tick))
		return fault_nomem(fault);
	return 0;
}

static int build(struct server *s, struct fault *fault)
{
	struct listener_handler handler = { .hello = on_hello, .trouble = on_trouble,
					    .context = s };
	struct listener_limits limits;
	struct attempt_services services = { .config = &s->config, .log = &s->log };
	int rc;

	s->base = event_base_new();
	if (!s->base)
		return fault_set(fault, KIT_ERR_LIBRARY, "libevent cannot make an event loop");
	rc = open_map(s, fault);
	if (!rc)
		rc = commit_new(&s->commit, s->base, s->map, fault);
	if (rc)
		return rc;
	rc = log_follow(&s->log, s->commit, fault);
	if (!rc)
		rc = call_pool_new(&s->pool, s->base, fault);
	if (!rc)
		rc = naming_service_new(&s->naming, s->base, &s->config, fault);
	if (rc)
		return rc;
	services.base = s->base;
	services.map = s->map;
	services.commit = s->commit;
	services.pool = s->pool;
	services.naming = s->naming;
	services.certificates = &s->certificates;
	rc = ondie_open(&s->ondie, s->config.ondie_roots, fault);
	if (rc)
		return fault_context(fault, "option ondie_roots");
	services.ondie = s->ondie;
	rc = fleet_new(&s->fleet, &services, fault);
	limits = limits_of(s);
	if (!rc)
		rc = listener_new(&s->listener, s->base, &limits, &handler, fault);
	if (!rc)
		rc = add_signals(s, fault);
	return rc;
}

static int open_metrics(struct server *s, struct fault *fault)
{
	struct metrics_sources sources = { .map = s->map, .commit = s->commit,
					   .listener = s->listener, .fleet = s->fleet,
					   .log = &s->log,
					   .certificates = &s->certificates,
					   .commits = &s->commits };
	char address[ADDRESS_TEXT + 1];
	uint16_t port;
	int rc;

	if (s->config.metrics_listen.count == 0)
		return 0;
	rc = metrics_new(&s->metrics, s->base, &s->config.metrics_listen, &sources, fault);
	for (size_t i = 0; !rc && (port = metrics_where(s->metrics, i, address)) != 0; i++)
		log_say(&s->log, "metrics on %s, port %u", address, port);
	return rc;
}

/* A map that is new by mistake looks like one that lost every key. */
static void say_new_map(struct server *s)
{
	char what[CONFIG_TEXT + 100];
	struct logentry e = { .severity = SEVERITY_WARNING, .name = "new-map", .what = what,
			   .hint = "import keys (amt-provisionctl keys import) or machines that "
			   "come by certificate (amt-provisionctl inventory import); if "
			   "there should be a map already, stop the server and see that "
			   "\"map\" in its configuration names it" };

	snprintf(what, sizeof(what),
		 "made a new, empty key map %s: every hello is refused until it "
		 "holds keys or machines",
		 s->config.map);
	log_note(&s->log, &e);
}

static int begin(struct server *s, struct fault *fault)
{
	char address[ADDRESS_TEXT + 1];
	size_t interrupted = 0;
	uint64_t usec = 0;
	uint16_t port;
	int rc;

	keymap_set_wait(s->map, STOP_SECONDS * 1000);
	rc = fleet_recover(s->fleet, &interrupted, fault);
	keymap_set_wait(s->map, 0);
	if (rc)
		return rc;
	if (interrupted)
		log_say(&s->log, "set-ups that were interrupted and start again: %zu",
			    interrupted);
	if (keymap_is_new(s->map))
		say_new_map(s);
	look_at_script(s);
	load_certificates(s);
	say_warnings(s);
	rc = listen_all(s, fault);
	if (!rc)
		rc = open_metrics(s, fault);
	if (rc)
		return rc;
	for (size_t i = 0; (port = listener_where(s->listener, i, address)) != 0; i++)
		log_say(&s->log, "waiting for hellos on %s, port %u", address, port);
	fleet_kick(s->fleet);
	/* Twice as often as systemd asks for, and never less often than it ticks. */
	if (sd_watchdog_enabled(0, &usec) > 0) {
		s->watchdog = (unsigned)(usec / 2 / (TICK_SECONDS * 1000000));
		s->watchdog += s->watchdog == 0;
	}
	sd_notify(0, "READY=1");
	return 0;
}

/* What libevent has to say is a line of the log, too. */
static void on_library(int severity, const char *text)
{
	struct log l;

	log_init(&l);
	log_say(&l, "%s", text);
}

int server_new(struct server **out, struct config *config, const char *path,
	       struct fault *fault)
{
	struct server *s = calloc(1, sizeof(*s));
	int rc;

	*out = NULL;
	if (!s)
		return fault_nomem(fault);
	s->config = *config;
	secret_wipe(config, sizeof(*config));
	log_init(&s->log);
	s->path = strdup(path);
	event_set_log_callback(on_library);
	/* No key log of TLS sessions, whatever the environment asks libcurl for. */
	unsetenv("SSLKEYLOGFILE");
	if (!s->path || curl_global_init(CURL_GLOBAL_DEFAULT)) {
		rc = fault_set(fault, KIT_ERR_LIBRARY, "libcurl cannot be initialised");
		goto fail;
	}
	signal(SIGPIPE, SIG_IGN);
	/* A limit on file sizes is an error of the write that meets it, not the end. */
	signal(SIGXFSZ, SIG_IGN);
	rc = build(s, fault);
	if (!rc)
		rc = begin(s, fault);
	if (rc)
		goto fail;
	*out = s;
	return 0;
fail:
	server_free(&s);
	return rc;
}

int server_run(struct server *s, struct fault *fault)
{
	int rc = 0;

	if (event_base_dispatch(s->base) < 0)
		rc = fault_set(fault, KIT_ERR_LIBRARY, "the event loop failed");
	if (s->fatal.code) {
		*fault = s->fatal;
		rc = fault->code;
	}
	listener_stop(s->listener);
	fleet_stop(s->fleet);
	log_turn(&s->log, true);
	commit_flush(s->commit, STOP_SECONDS);
	log_say(&s->log, "stopped");
	return rc;
}

void server_free(struct server **out)
{
	struct server *s = *out;

	if (!s)
		return;
	*out = NULL;
	metrics_free(&s->metrics);
	listener_free(&s->listener);
	commit_free(&s->commit);
	s->log.commit = NULL;
	fleet_free(&s->fleet);
	call_pool_free(&s->pool);
	for (int i = 0; i < SIGNALS; i++)
		if (s->signals[i])
			event_free(s->signals[i]);
	if (s->tick)
		event_free(s->tick);
	naming_service_free(&s->naming);
	certificates_free(&s->certificates);
	ondie_free(&s->ondie);
	if (s->base)
		event_base_free(s->base);
	keymap_close(&s->map);
	log_free(&s->log);
	config_wipe(&s->config);
	free(s->path);
	secret_wipe(s, sizeof(*s));
	free(s);
	curl_global_cleanup();
}
