/* The doctor: known problems of configuration, map, machines and log. */
#include "server/admin/doctor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/secret.h"
#include "keygen/password.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"
#include "server/keymap/profiles.h"
#include "server/keymap/seal.h"
#include "server/keymap/settings.h"
#include "server/keymap/systems.h"

#define DAY		86400
#define PSK_WINDOW	(6 * 3600) /* a machine with a key falls silent after about 15 hellos */
#define PKI_WINDOW	DAY
#define MAP_WAIT_MS	10000	/* as keymap_open() sets it */

static const char *const words[DOCTOR_VERDICTS] = {
	[DOCTOR_PASS] = "pass",
	[DOCTOR_WARN] = "warn",
	[DOCTOR_FAIL] = "fail",
};

const char *doctor_verdict_word(enum doctor_verdict verdict)
{
	return (unsigned)verdict < DOCTOR_VERDICTS ? words[verdict] : "unknown";
}

void doctor_say(const struct doctor *d, const char *check, enum doctor_verdict verdict,
		const char *hint, const char *format, ...)
{
	struct doctor_finding finding = { .check = check, .verdict = verdict, .hint = hint };
	char what[600];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	finding.what = what;
	d->found(d->context, &finding);
}

void doctor_fault(const struct doctor *d, const char *check, const struct fault *fault)
{
	doctor_say(d, check, DOCTOR_FAIL, fault->hint[0] ? fault->hint : NULL, "%s",
		   fault->what[0] ? fault->what : error_text(fault->code));
}

/* ---- the configuration ---- */

struct settings_check {
	const struct doctor *d;
	bool wrong;
};

static int take_setting(void *context, const char *name, const char *value)
{
	struct settings_check *s = context;
	struct fault fault = { 0 };
	char hint[120];

	if (config_set(s->d->config, name, value, &fault) == 0)
		return 0;
	s->wrong = true;
	snprintf(hint, sizeof(hint), "set it again, or remove it: amt-provisionctl config unset %s",
		 name);
	doctor_say(s->d, "configuration", DOCTOR_FAIL, hint, "%s in the map: %s", name,
		   fault.what[0] ? fault.what : "unknown to this version");
	return 0;
}

void doctor_configuration(const struct doctor *d, const struct fault *why)
{
	struct settings_check settings = { d, false };
	struct fault fault = *why;
	int rc = fault.code;

	if (!rc && d->map)
		rc = keymap_settings(d->map, take_setting, &settings, &fault);
	if (!rc)
		rc = config_check(d->config, &fault);
	if (rc)
		doctor_fault(d, "configuration", &fault);
	else if (!settings.wrong)
		doctor_say(d, "configuration", DOCTOR_PASS, NULL, "the configuration makes sense");
}

/* ---- the map ---- */

static void look_at_integrity(const struct doctor *d)
{
	struct fault fault = { 0 };

	if (keymap_check(d->map, &fault))
		doctor_fault(d, "map", &fault);
	else
		doctor_say(d, "map", DOCTOR_PASS, NULL, "%s is whole and private", d->map_path);
}

static void look_at_key_file(const struct doctor *d)
{
	struct fault fault = { 0 };
	struct seal *seal = NULL;

	if (seal_load(&seal, d->key_file, &fault))
		doctor_fault(d, "key-file", &fault);
	else if (seal_keys(seal) > 1)
		doctor_say(d, "key-file", DOCTOR_WARN,
			   "finish it: amt-provisionctl keys rotate-master",
			   "%s holds %u master keys: a rotation was interrupted, or is running",
			   d->key_file, seal_keys(seal));
	else
		doctor_say(d, "key-file", DOCTOR_PASS, NULL, "%s is private and belongs to the map",
			   d->key_file);
	seal_free(&seal);
}

static void look_at_counts(const struct doctor *d)
{
	struct keymap_counts c;
	struct fault fault = { 0 };

	if (keymap_count(d->map, d->now, &c, &fault)) {
		doctor_fault(d, "free-keys", &fault);
		return;
	}
	if (c.total == 0 && doctor_serves_certificates(d)) {
		doctor_say(d, "free-keys", DOCTOR_PASS, NULL,
			   "the map holds no keys: machines come by certificate");
		return;
	}
	doctor_say(d, "free-keys",
		   c.free == 0		  ? DOCTOR_FAIL
		   : c.free < d->min_free ? DOCTOR_WARN
					  : DOCTOR_PASS,
		   c.free < d->min_free || !c.free ? "make more: amt-keygen generate --map"
						     " MAP --setupbin FILE, or import some"
						   : NULL,
		   "free keys: %" PRIu64 " of %" PRIu64, c.free, c.total);
	if (c.lapsed)
		doctor_say(d, "never-proved", DOCTOR_WARN, "list them (amt-provisionctl keys list "
			   "--state free), then see each (amt-provisionctl keys show PID): the "
			   "machine was not reached, holds another PPS, or its hello was "
			   "forged", "keys reserved by a hello and never proved: %"
			   PRIu64, c.lapsed);
	else
		doctor_say(d, "never-proved", DOCTOR_PASS, NULL,
			   "no key was reserved by a hello and then never proved");
}

struct passwords {
	uint64_t missing;
	char first[PID_LENGTH + 1];
};

static int look_at_password(void *context, const struct keymap_pair *p)
{
	struct passwords *s = context;

	if (!p->has_new && !p->has_current && s->missing++ == 0)
		memcpy(s->first, p->pid, sizeof(s->first));
	return 0;
}

/* A machine whose password is unknown proves its key, and then nobody can log in to it. */
static void look_at_passwords(const struct doctor *d)
{
	const struct keymap_filter filter = { .now = d->now, .by_state = true,
					      .state = KEYMAP_FREE };
	struct passwords s = { 0 };
	struct fault fault = { 0 };
	char shown[PID_SHOWN + 1];

	if (keymap_each(d->map, &filter, look_at_password, &s, &fault)) {
		doctor_fault(d, "passwords", &fault);
		return;
	}
	if (!s.missing) {
		doctor_say(d, "passwords", DOCTOR_PASS, NULL,
			   "every free key has a password with it");
		return;
	}
	pidpps_show_pid(s.first, shown);
	doctor_say(d, "passwords", DOCTOR_WARN,
		   "import the list again with the column admin_password",
		   "free keys without any password, so that nobody can log in to their machines: %"
		   PRIu64 ", the first is %s",
		   s.missing, shown);
}

/* Who writes for long keeps everybody else from it, the server too. */
static void look_at_lock(const struct doctor *d)
{
	struct fault fault = { 0 };
	char hint[300];
	int rc;

	keymap_set_wait(d->map, d->timeout_ms);
	rc = keymap_begin(d->map, &fault);
	keymap_rollback(d->map);
	keymap_set_wait(d->map, MAP_WAIT_MS);
	if (rc == KIT_ERR_BUSY) {
		snprintf(hint, sizeof(hint), "wait if it is a long import; else find the program "
			 "(fuser -v %.200s) and stop it", d->map_path);
		doctor_say(d, "map-lock", DOCTOR_FAIL, hint, "another program holds the map's write"
			   " lock: the server cannot store hellos");
	} else if (rc) {
		doctor_fault(d, "map-lock", &fault);
	} else {
		doctor_say(d, "map-lock", DOCTOR_PASS, NULL, "the map can be written");
	}
}

void doctor_keys(const struct doctor *d)
{
	look_at_integrity(d);
	look_at_lock(d);
	look_at_key_file(d);
	look_at_counts(d);
	look_at_passwords(d);
}

/* ---- the machines ---- */

struct system_tally {
	uint64_t n;
	struct system first;
};

struct fleet_tally {
	const struct doctor *d;
	struct system_tally no_name, failed, refused, not_known, stick, silent, permission;
};

static void count(struct system_tally *k, const struct system *s)
{
	if (k->n++ == 0)
		k->first = *s;
}

static int look_at_system(void *context, const struct system *s)
{
	struct fleet_tally *f = context;
	int64_t window = s->hello_version == 3 ? PKI_WINDOW : PSK_WINDOW;

	if (s->stick_mebx)
		count(&f->stick, s);
	if (s->state == SYSTEM_FQDN_MISSING)
		count(&f->no_name, s);
	if (s->state == SYSTEM_FAILED)
		count(&f->failed, s);
	if (s->state == SYSTEM_REFUSED && !system_waits_for_person(s))
		count(&f->refused, s);
	if (s->state == SYSTEM_NEEDS_PERMISSION)
		count(&f->permission, s);
	else if (system_waits_for_person(s))
		count(&f->not_known, s);
	else if (s->state != SYSTEM_CONFIGURED && s->state != SYSTEM_NEEDS_CERTIFICATE &&
		 s->last_seen + window < f->d->now)
		count(&f->silent, s);
	return 0;
}

static void say_kind(const struct doctor *d, const char *check, const struct system_tally *k,
		     const char *what, const char *none, const char *hint, bool reason)
{
	char uuid[UUID_SHOWN + 1];

	if (k->n == 0) {
		doctor_say(d, check, DOCTOR_PASS, NULL, "%s", none);
		return;
	}
	uuid_show(&k->first.uuid, uuid);
	doctor_say(d, check, DOCTOR_WARN, hint, "%" PRIu64 " machine%s %s%s %s at %s%s%s", k->n,
		   plural(k->n), what, k->n == 1 ? ":" : "; the first is", uuid,
		   k->first.address[0] ? k->first.address : "an unknown address",
		   reason && k->first.reason[0] ? ": " : "", reason ? k->first.reason : "");
}

/* What the log of a day may hold, and what it means. */
struct story {
	const char *name;	/* of the event */
	enum doctor_verdict verdict;
	const char *what, *hint;
	const char *words;	/* that the event says; NULL: any */
};

static const struct story stories[] = {
	{ "invalid-pid-map", DOCTOR_WARN, "hellos with a PID that is not in the map",
	  "import the list or setup.bin that those sticks were made from; \"amt-provisionctl log "
	  "-e invalid-pid-map\" has the PIDs" },
	{ "pid-used", DOCTOR_WARN, "hellos with a PID that another machine has used",
	  "two sticks were made from one setup.bin, or it was copied: compare the sticks "
	  "(amt-provisionctl reconcile), and give those machines fresh keys" },
	{ "pid-reserved", DOCTOR_WARN, "hellos with a PID that another machine has reserved",
	  "two machines took one key, or a hello was forged; the first "
	  "that proves the PPS gets it" },
	{ SYSTEM_NOT_KNOWN, DOCTOR_WARN, "hellos by certificate of machines that are not known",
	  "\"amt-provisionctl systems list --state refused\" shows each" },
	{ "known-by-key", DOCTOR_WARN, "hellos by certificate of machines that have proved a key",
	  "was its AMT reset, and set up from another stick? if not, a hello was forged" },
	{ "other-address", DOCTOR_WARN,
	  "hellos by certificate in the name of machines that were set up elsewhere",
	  "\"amt-provisionctl log -e other-address\" has both addresses: moved, or forged?" },
	{ "too-many-unproved", DOCTOR_WARN,
	  "machines that came by certificate and were not listed, for lack of room",
	  "import your machines (amt-provisionctl inventory import), or raise max_unproved" },
	{ "chain-refused", DOCTOR_WARN, "machines that accepted none of the server's certificates",
	  "\"amt-provisionctl log -e chain-refused\" shows each with what to do" },
	{ "configured", DOCTOR_WARN, "set-ups that were committed and could not be read back",
	  "those machines are set up, for all that is known: is the port open at which they are "
	  "managed (management_port, or 16993 with TLS), and do the passwords work "
	  "(amt-provisionctl systems export --secrets)?", "could not be read back" },
	{ "otp-differs", DOCTOR_WARN, "machines whose one-time password is not the inventory's",
	  "\"amt-provisionctl log -e otp-differs\" has their addresses: another machine may have "
	  "said hello in their name" },
	{ "stick-password", DOCTOR_WARN, "times that stick_password_file could not be read",
	  "\"amt-provisionctl log -e stick-password\" says why" },
	{ "pid-revoked", DOCTOR_WARN, "hellos with a revoked PID",
	  "a stick with revoked keys is still in use: retire it (ukpu retire)" },
	{ "blank-uuid", DOCTOR_WARN, "hellos of machines without a UUID of their own",
	  "set the UUID with the board vendor's tool: machines without one look the same" },
	{ "not-called", DOCTOR_WARN,
	  "machines not called: script failed, profile or password missing",
	  "\"amt-provisionctl log -e not-called\" shows each with what to do" },
	{ "proof-failed", DOCTOR_WARN, "machines that did not prove their PPS",
	  "the machine holds another PPS than the map: was the stick made from this list?" },
	{ "call-failed", DOCTOR_WARN, "call-backs that did not reach the machine",
	  "is TCP port 16993 open from here to there, and did the "
	  "address change after the hello?" },
	{ "uuid-mismatch", DOCTOR_WARN, "machines that said another UUID than their hello",
	  "a hello was forged, or the address belongs to another machine by now" },
	{ "setup-failed", DOCTOR_WARN, "set-ups that failed",
	  "\"amt-provisionctl log -e setup-failed\" shows each with what to do" },
	{ "refused", DOCTOR_WARN, "set-ups that were refused for good",
	  "\"amt-provisionctl log -e refused\" shows each with what to do" },
	{ "fqdn-from-dns", DOCTOR_WARN, "machines named by reverse DNS",
	  "stale DNS records give machines the names of others: an inventory does not" },
	{ "bad-hello", DOCTOR_WARN, "messages that were not a hello",
	  "\"amt-provisionctl log -e bad-hello\" has the addresses; AMT 1 machines are not "
	  "served" },
	{ "too-often", DOCTOR_WARN, "addresses that said hello too often",
	  "machines behind one address (NAT)? raise hellos_per_minute" },
	{ "too-many-connections", DOCTOR_WARN, "addresses with too many connections",
	  "machines behind one address (NAT)? raise connections_per_address" },
	{ "connections-full", DOCTOR_WARN, "times that all connections were taken",
	  "raise max_connections, or find the peers that hold them open" },
	{ "hello-lost", DOCTOR_FAIL, "hellos that could not be written to the map",
	  "\"amt-provisionctl log -e hello-lost\" and the system's journal say why; those machines "
	  "say hello again" },
	{ "map-failed", DOCTOR_FAIL, "errors of the map",
	  "\"amt-provisionctl log -e map-failed\" shows each" },
};

#define STORIES (sizeof(stories) / sizeof(stories[0]))

struct day {
	uint64_t n[STORIES];
	int64_t newest;
};

static int look_at_event(void *context, const struct logentry *e)
{
	struct day *day = context;

	if (e->time > day->newest)
		day->newest = e->time;
	for (size_t i = 0; i < STORIES; i++)
		if (strcmp(e->name, stories[i].name) == 0 &&
		    (!stories[i].words || strstr(e->what, stories[i].words)))
			day->n[i]++;
	return 0;
}

static void look_at_log(const struct doctor *d)
{
	const struct keymap_log_filter filter = { .since = d->now - DAY };
	struct fault fault = { 0 };
	struct day day = { { 0 }, 0 };
	bool quiet = true;

	if (keymap_log_each(d->map, &filter, look_at_event, &day, &fault)) {
		doctor_fault(d, "log", &fault);
		return;
	}
	for (size_t i = 0; i < STORIES; i++) {
		if (!day.n[i])
			continue;
		quiet = false;
		doctor_say(d, stories[i].name, stories[i].verdict, stories[i].hint,
			   "%s, in the last day: %" PRIu64, stories[i].what, day.n[i]);
	}
	if (quiet)
		doctor_say(d, "log", DOCTOR_PASS, NULL, "no trouble in the log of the last day");
	if (day.newest > d->now + 60)
		doctor_say(d, "clock-back", DOCTOR_FAIL,
			   "set the clock right, then keep it so (NTP):"
			   " reservations and retries go by it",
			   "the log has events %" PRId64 " s in the future: the clock was set back",
			   day.newest - d->now);
}

/* Is each of the default profiles there? */
static void look_at_default_profiles(const struct doctor *d)
{
	struct profile profile = { .name = "" };
	struct config_default one;
	struct fault fault = { 0 };
	int rc = 0;

	for (size_t i = 0; !rc && !config_default(d->config->default_profile, i, &one, NULL); i++) {
		if (strcmp(one.profile, PROFILE_DEFAULT) == 0 ||
		    config_profile(d->config, one.profile))
			continue;
		rc = keymap_profile_find(d->map, one.profile, &profile, &fault);
		profile_wipe(&profile);
	}
	if (rc == KIT_ERR_NOT_FOUND)
		doctor_say(d, "default-profile", DOCTOR_FAIL,
			   "make it (amt-provisionctl profiles set),"
			   " or name another in default_profile",
			   "default_profile names \"%s\", and there is no such profile",
			   one.profile);
	else if (rc)
		doctor_fault(d, "default-profile", &fault);
	else
		doctor_say(d, "default-profile", DOCTOR_PASS, NULL,
			   "machines without a profile of their own get \"%s\"",
			   d->config->default_profile);
}

/* A set-up goes on without it, so that only machines that ask for it show that it is missing. */
static void look_at_stick_password(const struct doctor *d)
{
	const char *path = d->config->stick_password_file;
	char password[PASSWORD_MAX + 1];	/* SECRET */
	struct fault fault = { 0 };

	if (!*path)
		return;
	if (secret_read(path, "stick password", password, sizeof(password), &fault))
		doctor_fault(d, "stick-password", &fault);
	else
		doctor_say(d, "stick-password", DOCTOR_PASS, NULL,
			   "the password of stick_password_file can be read");
	secret_wipe(password, sizeof(password));
}

/* Settings that make sense, and still keep every machine from being set up. */
static void look_at_setups(const struct doctor *d)
{
	if (d->config->max_setups == 0)
		doctor_say(d, "max-setups", DOCTOR_WARN,
			   "raise it, unless machines are meant to wait: "
			   "amt-provisionctl config set max_setups 500",
			   "max_setups is 0: hellos are stored, and no machine is called");
	if (d->config->pki_accept == PKI_ACCEPT_ANY)
		doctor_say(d, "accept", DOCTOR_WARN,
			   "import an inventory, then: amt-provisionctl config set accept known",
			   "accept is any: whoever says a hello of version 3 is set up, and gets "
			   "the passwords that are meant for your machines");
	look_at_default_profiles(d);
	look_at_stick_password(d);
}

/* Where names may come from: not what is in use already and did not help. */
static const char *name_hint(const struct config *c, char *out, size_t size)
{
	snprintf(out, size, "import their names (amt-provisionctl inventory import)%s%s; then: "
		 "amt-provisionctl systems retry --state fqdn-missing",
		 c->use_props_script ? ", or let the properties script name them"
				     : ", or set a properties script (props_script)",
		 c->dns_fallback ? ", or give their addresses names in DNS (PTR records)"
				 : ", or turn dns_fallback on");
	return out;
}

void doctor_fleet(const struct doctor *d)
{
	const struct keymap_system_filter all = { 0 };
	struct fleet_tally f = { .d = d };
	struct fault fault = { 0 };
	char hint[300];

	if (keymap_systems(d->map, &all, look_at_system, &f, &fault)) {
		doctor_fault(d, "systems", &fault);
		return;
	}
	say_kind(d, "fqdn-missing", &f.no_name, "waiting for a name",
		  "no machine waits for a name", name_hint(d->config, hint, sizeof(hint)), false);
	say_kind(d, "failed", &f.failed, "whose set-up failed", "no machine's set-up failed",
		 "fix the reason, then: amt-provisionctl systems retry --state failed", true);
	say_kind(d, "machines-refused", &f.refused, "refused", "no machine is refused",
		 "\"amt-provisionctl systems list --state refused\" shows each with the reason; "
		 "a machine whose key was not in the map says hello again by itself, at the latest "
		 "when its AC power is disconnected for half a minute", true);
	say_kind(d, "not-known", &f.not_known, "came by certificate, not known",
		 "no machine that is not known came by certificate",
		 "those that are yours: amt-provisionctl inventory import, or amt-provisionctl "
		 "systems allow-setup UUID; accept of [pki] says who may come", false);
	say_kind(d, "stick-mebx", &f.stick, "with the MEBx password of the stick",
		 "no machine is known to have the MEBx password of its stick",
		 "whoever has the stick can enter their MEBx: change it there, or by the tool that "
		 "manages them", false);
	say_kind(d, "silent", &f.silent, "not set up and fallen silent",
		 "no machine fell silent before it was set up",
		 "disconnect the machine's AC power for half a minute, or have its system send a"
		 " restart hello", true);
	say_kind(d, "needs-permission", &f.permission, "waiting for permission to be set up again",
		  "no machine waits for permission to be set up again",
		  "if its AMT was reset, \"amt-provisionctl systems allow-setup UUID\"; if not, "
		  "somebody says hello in its name", false);
	look_at_setups(d);
	look_at_log(d);
}
