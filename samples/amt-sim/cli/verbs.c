/* The verbs of amt-sim in which devices live: boot, run, fleet. */
#include "samples/amt-sim/cli/verbs.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/secret.h"
#include "samples/amt-sim/sim-boot.h"
#include "samples/amt-sim/sim-calls.h"
#include "samples/amt-sim/sim-fleet.h"
#include "samples/amt-sim/sim-habits.h"
#include "samples/amt-sim/sim-life.h"
#include "samples/amt-sim/sim-service.h"
#include "setupbin/source.h"

#define SERVER_PORT	9971
#define DEVICE_PORT	16993
#define FLEET_MAX	65536
#define HELLOS_MAX	15	/* of real devices, over some hours */

#define LIFE_OPTIONS \
	{ "server", 0, "HOST[:PORT]", "where hellos go (port 9971)", 0, 0 }, \
		{ "port", 0, "PORT", "where the server calls back (16993)", 0, 0 }, \
		{ "plain-port", 0, "PORT", "serve plain HTTP here, once set up (--port minus 1, of a " \
	  "machine that does so)", 0, 0 }, \
		{ "retry", 0, "SECONDS", "between two hellos of a machine (2)", 0, 0 }, \
		{ "hellos", 0, "N", "at most so many hellos (15)", 0, 0 }, \
		{ "until-configured", \
		  0, \
		  "SECONDS", \
		  "end when set up; exit status 1 if it takes longer", \
		  0, \
		  0 }, \
		SIM_HABIT_OPTIONS

#define FACTORY_OPTIONS \
	{ "uuid", 0, "UUID", "UUID of a new (or the first new) machine (random)", 0, 0 }, \
	{ "firmware", 0, "VERSION", "2.x: SOAP only, 3.x to 8.x: both, 9.x and 10.x: " \
	  "WS-Management only (7.1.20)", 0, 0 }, \
	{ "fat16-only", 0, NULL, "the BIOS does not know FAT32", 0, 0 }, \
	{ "reads-version", 0, "VERSION", "newest setup.bin version that the BIOS knows (by " \
	  "firmware)", 0, 0 }, \
	{ "wipe-record", 0, NULL, "the BIOS zeroes the record that it used", 0, 0 }

const struct cli_option boot_options[] = {
	{ "state", 0, "FILE", "the machine; made new when there is no such file",
	  CLI_REQUIRED | CLI_FILE, 0 },
	{ "stick", 0, "TARGET", "the stick in it: an image file or a block device",
	  CLI_REQUIRED | CLI_FILE, 0 },
	{ "address", 0, "ADDRESS", "the machine's own address (127.0.0.1)", 0, 0 },
	{ "mebx-password-file", 0, "FILE", "MEBx password of a new machine (the factory's)",
	  CLI_FILE, 0 },
	FACTORY_OPTIONS, LIFE_OPTIONS, { .name = NULL },
};

const struct cli_option run_options[] = {
	{ "state", 0, "FILE", "the machine, as boot left it", CLI_REQUIRED | CLI_FILE, 0 },
	{ "address", 0, "ADDRESS", "the machine's own address (127.0.0.1)", 0, 0 },
	LIFE_OPTIONS, { .name = NULL },
};

const struct cli_option fleet_options[] = {
	{ "number", 'n', "N", "how many machines", CLI_REQUIRED, 0 },
	{ "keys", 0, "LIST", "their keys: a list of any kind, or a setup.bin", CLI_FILE, 1 },
	{ "stick", 0, "TARGET", "boot them one after another with this stick", CLI_FILE, 1 },
	{ "state", 0, "FOLDER", "keep the machines here, or go on with them", CLI_FILE, 0 },
	{ "address", 0, "ADDRESS", "address of the first one, then counting up (127.1.0.1)", 0, 0 },
	{ "hello-window", 0, "MS", "spread the first hellos over so many milliseconds (1000)", 0,
	  0 },
	{ "verbose", 'v', NULL, "tell what each machine does", 0, 0 },
	FACTORY_OPTIONS, LIFE_OPTIONS, { .name = NULL },
};

/* What LIFE_OPTIONS say. */
struct living {
	struct sim_address server;
	struct sim_life life;
	uint64_t port, plain;
};

static void say(void *context, const char *text)
{
	cli_note(context, "%s", text);
}

static int parse_living(struct cli *cli, struct living *l, struct sim_habits *habits,
			struct fault *fault)
{
	uint64_t retry = 2, hellos = HELLOS_MAX, limit = 0;
	int rc = 0;

	memset(l, 0, sizeof(*l));
	l->port = DEVICE_PORT;
	if (cli_has(cli, "server")) {
		rc = sim_address_parse(cli_value(cli, "server"), SERVER_PORT, &l->server, fault);
		l->life.server = &l->server;
	}
	if (rc == 0)
		rc = cli_number(cli, "port", 1, 65535, &l->port, fault);
	if (rc == 0)
		rc = cli_number(cli, "plain-port", 1, 65535, &l->plain, fault);
	if (rc == 0)
		rc = cli_number(cli, "retry", 1, 86400, &retry, fault);
	if (rc == 0)
		rc = cli_number(cli, "hellos", 0, UINT32_MAX, &hellos, fault);
	if (rc == 0)
		rc = cli_number(cli, "until-configured", 1, 86400, &limit, fault);
	if (rc == 0)
		rc = sim_habits_parse(cli, habits, fault);
	if (rc == 0)
		rc = sim_calls_check(habits->refuse, false, "refuse", fault);
	if (rc == 0)
		rc = sim_calls_check(habits->answer_to, true, "answer-to", fault);
	l->life.retry = retry * 1000;
	l->life.hellos = (unsigned)hellos;
	l->life.limit = limit * 1000;
	l->life.until_configured = limit > 0;
	return rc;
}

/* What FACTORY_OPTIONS say. */
struct factory {
	struct sim_device_firmware firmware;
	struct sim_boot_bios bios;
	uint8_t uuid[16];
	bool uuid_given;
};

static int parse_factory(struct cli *cli, struct factory *f, struct fault *fault)
{
	const char *uuid = cli_value(cli, "uuid"), *firmware = cli_value(cli, "firmware");
	const char *reads = cli_value(cli, "reads-version");

	memset(f, 0, sizeof(*f));
	f->firmware = (struct sim_device_firmware){ 7, 1, 20 };
	f->bios.fat16_only = cli_has(cli, "fat16-only");
	f->bios.wipe = cli_has(cli, "wipe-record");
	f->uuid_given = uuid;
	if (uuid && sim_device_parse_uuid(uuid, f->uuid) < 0)
		return fault_set(fault, KIT_ERR_ARGUMENT, "--uuid: \"%s\" is no UUID", uuid);
	if (firmware && sim_device_parse_firmware(firmware, &f->firmware) < 0)
		return fault_set(fault, KIT_ERR_ARGUMENT,
				 "--firmware: \"%s\" is no version (7.1.20)", firmware);
	if (f->firmware.major < 2 || f->firmware.major > 10)
		return fault_set(fault, KIT_ERR_ARGUMENT,
				 "--firmware: AMT %s takes no PID and PPS; "
				 "2.0 to 10 do",
				 firmware);
	if (reads && sbin_version_parse(reads, &f->bios.reads) < 0)
		return fault_set(fault, KIT_ERR_ARGUMENT,
				 "--reads-version: \"%s\" is no version of setup.bin", reads);
	return 0;
}

/* Room for the connections of N devices: a hello and a call-back each. */
static int raise_limit(size_t n, struct fault *fault)
{
	struct rlimit limit;
	rlim_t need = 4 * n + 128;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return fault_sys(fault, errno, "cannot look at the limit of open files");
	if (limit.rlim_cur >= need)
		return 0;
	if (limit.rlim_max < need) {
		return fault_set(fault, KIT_ERR_RANGE, "%zu machine%s: %llu open files are needed, "
				 "the limit is %llu\n"
				 "raise it with: ulimit -n %llu", n, plural(n),
				 (unsigned long long)need, (unsigned long long)limit.rlim_max,
				 (unsigned long long)need);
	}
	limit.rlim_cur = need;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return fault_sys(fault, errno, "cannot raise the limit of open files");
	return 0;
}

/* BOOTED: what was found on the stick, or NULL; taken over. */
static int print_report(struct cli *cli, const struct sim_fleet *f, const struct sim_life_report *r,
			json_t *booted)
{
	json_t *j;

	if (cli->json) {
		j = json_pack("{sI sI sI sI sf}", "devices", (json_int_t)f->n, "configured",
			      (json_int_t)r->configured, "hellos", (json_int_t)r->hellos,
			      "hellos_failed", (json_int_t)r->unsent, "seconds", r->seconds);
		if (j && booted)
			json_object_set(j, "boot", booted);
		json_decref(booted);
		return cli_print_json(cli, j);
	}
	if (!cli->quiet)
		printf("%zu of %zu configured, %zu hello%s (%zu failed), %.2f s\n", r->configured,
		       f->n, r->hellos, plural(r->hellos), r->unsent, r->seconds);
	return EXIT_YES;
}

/*
 * Let the devices of the fleet live. SIGNALS is from sim_life_signals(), BOOTED goes into the
 * report. Returns an exit status.
 */
static int live(struct cli *cli, struct sim_fleet *f, struct living *l, int signals, json_t *booted)
{
	struct fault fault = { .code = 0 };
	struct sim_service *service = NULL;
	struct sim_life_report report;
	int rc, status;

	rc = sim_service_start(&service, f, (uint16_t)l->port, (uint16_t)l->plain, &fault);
	if (rc == 0)
		rc = sim_life_run(f, service, &l->life, signals, &report, &fault);
	sim_service_stop(&service);
	if (rc != 0) {
		json_decref(booted);
		return cli_fail(cli, &fault);
	}
	status = print_report(cli, f, &report, booted);
	if (status != EXIT_YES)
		return status;
	return l->life.until_configured && report.configured < f->n ? EXIT_NO : EXIT_YES;
}

static const char *first_address(struct cli *cli, const char *otherwise)
{
	const char *given = cli_value(cli, "address");

	return given ? given : otherwise;
}

/* The machine in the file of --state, or a new one from the factory. */
static int open_device(struct cli *cli, struct sim_device *d, const struct factory *factory,
		       struct fault *fault)
{
	const char *file = cli_value(cli, "state"), *password;
	struct fault why = { .code = 0 };
	int rc = sim_device_load(d, file, &why);

	if (rc == 0 && (factory->uuid_given || cli_has(cli, "mebx-password-file")))
		cli_warn(cli, "%s is a machine already: --uuid and --mebx-password-file are for "
			 "new ones", file);
	if (rc == 0)
		return 0;
	if (rc != KIT_ERR_NOT_FOUND)
		return fault_pass(fault, &why);
	rc = sim_device_factory(d, factory->uuid_given ? factory->uuid : NULL, factory->firmware,
				file, fault);
	password = cli_value(cli, "mebx-password-file");
	if (rc == 0 && password)
		rc = secret_read(password, "MEBx password", d->mebx, sizeof(d->mebx), fault);
	return rc;
}

/* What happened, for people; with --json as an object for the report, else NULL. */
static json_t *tell_boot(struct cli *cli, const struct sim_device *d,
			 const struct sim_boot_report *r)
{
	char pid[PID_SHOWN + 1], uuid[SIM_DEVICE_UUID_SHOWN + 1], version[8];

	pidpps_show_pid(d->pair.pid, pid);
	sim_device_show_uuid(d->uuid, uuid);
	snprintf(version, sizeof(version), "%u.%u", r->version.major, r->version.minor);
	if (cli->json)
		return json_pack("{ss ss sI sI ss sI sb}", "uuid", uuid, "pid", pid, "record",
				 (json_int_t)r->record, "records", (json_int_t)r->records,
				 "file_version", version, "fat", (json_int_t)r->fat_bits,
				 "marked_used", (int)r->consumed);
	if (!cli->quiet)
		printf("%s: took record %u of %u (setup.bin %s on FAT%u), PID %s%s\n", uuid,
		       r->record, r->records, version, r->fat_bits, pid,
		       r->consumed ? "; marked used" : "; not to be marked used");
	fflush(stdout);
	return NULL;
}

int verb_boot(struct cli *cli)
{
	struct fault fault = { .code = 0 };
	struct sim_fleet f = { .wake = -1 };
	struct sim_boot_report report;
	struct sim_address first;
	struct factory factory;
	struct living l;
	struct sim_habits habits;
	json_t *booted;
	int status, signals = -1;

	if (parse_living(cli, &l, &habits, &fault) < 0 ||
	    parse_factory(cli, &factory, &fault) < 0 ||
	    sim_address_parse(first_address(cli, "127.0.0.1"), 0, &first, &fault) < 0 ||
	    sim_fleet_init(&f, 1, &first, &fault) < 0 ||
	    open_device(cli, f.devices, &factory, &fault) < 0 ||
	    sim_boot_from_stick(f.devices, cli_value(cli, "stick"), &factory.bios, &report,
				&fault) < 0) {
		status = cli_fail(cli, &fault);
		goto out;
	}
	booted = tell_boot(cli, f.devices, &report);
	if (!l.life.server) {
		status = cli->json ? cli_print_json(cli, booted) : EXIT_YES;
		goto out;
	}
	f.habits = habits;
	f.event = say;
	f.context = cli;
	signals = sim_life_signals(&fault);
	if (signals >= 0) {
		status = live(cli, &f, &l, signals, booted);
	} else {
		json_decref(booted);
		status = cli_fail(cli, &fault);
	}
out:
	if (signals >= 0)
		close(signals);
	sim_fleet_clear(&f);
	return status;
}

int verb_run(struct cli *cli)
{
	struct fault fault = { .code = 0 };
	struct sim_fleet f = { .wake = -1 };
	struct sim_address first;
	struct living l;
	int status, signals = -1;

	if (sim_address_parse(first_address(cli, "127.0.0.1"), 0, &first, &fault) < 0 ||
	    sim_fleet_init(&f, 1, &first, &fault) < 0 ||
	    parse_living(cli, &l, &f.habits, &fault) < 0 ||
	    sim_device_load(f.devices, cli_value(cli, "state"), &fault) < 0 ||
	    (signals = sim_life_signals(&fault)) < 0) {
		status = cli_fail(cli, &fault);
		goto out;
	}
	if (f.devices->state == SIM_DEVICE_PRE) {
		fault_set(&fault, KIT_ERR_STATE, "%s is a machine in factory state: it has no key "
			  "to serve with\n"
			  "give it one with: amt-sim boot", cli_value(cli, "state"));
		status = cli_fail(cli, &fault);
		goto out;
	}
	f.event = say;
	f.context = cli;
	status = live(cli, &f, &l, signals, NULL);
out:
	if (signals >= 0)
		close(signals);
	sim_fleet_clear(&f);
	return status;
}

/* Where the keys of a fleet's new machines come from. */
struct supply {
	const char *stick;
	struct keysource *list;
	FILE *file;
};

static int open_supply(struct cli *cli, struct supply *s, struct fault *fault)
{
	const char *list = cli_value(cli, "keys");

	memset(s, 0, sizeof(*s));
	s->stick = cli_value(cli, "stick");
	if (!list)
		return 0;
	s->file = strcmp(list, "-") == 0 ? stdin : fopen(list, "re");
	if (!s->file)
		return fault_sys(fault, errno, "cannot open %s", list);
	return sbin_source_open(&s->list, s->file, list, NULL, 0, fault);
}

static void close_supply(struct supply *s)
{
	keysource_free(&s->list);
	if (s->file && s->file != stdin)
		fclose(s->file);
}

/* Give the new machine D its key. */
static int supply_device(struct supply *s, struct sim_device *d, const struct sim_boot_bios *bios,
			 struct fault *fault)
{
	struct keyproblem problem;
	struct sim_boot_report report;
	struct keyentry entry;
	int rc;

	if (s->stick)
		return sim_boot_from_stick(d, s->stick, bios, &report, fault);
	if (!s->list) {
		return fault_set(fault, KIT_ERR_ARGUMENT, "new machines need keys\n"
				 "give --keys or --stick");
	}
	rc = keysource_next(s->list, &entry, &problem, fault);
	if (rc == 0)
		return fault_set(fault, KIT_ERR_NOT_FOUND, "the list of keys has too few entries");
	if (rc == KIT_ERR_FORMAT && fault->code == 0)
		return fault_set(fault, rc, "the list of keys, line %lu: %s: %s", problem.line,
				 problem.field, problem.rule);
	if (rc < 0)
		return rc;
	/* Typed in at the machine: it has the password that the list says it has. */
	if (entry.current_password[0] != '\0')
		strcpy(d->mebx, entry.current_password);
	rc = sim_boot_take_entry(d, &entry, fault);
	secret_wipe(&entry, sizeof(entry));
	return rc;
}

/* Machine I of the fleet: the one kept in the folder, or a new one. */
static int add_device(struct cli *cli, struct sim_device *d, size_t i,
		      const struct factory *factory, struct supply *supply, struct fault *fault)
{
	const char *folder = cli_value(cli, "state");
	struct fault why = { .code = 0 };
	char file[4096];
	uint8_t uuid[16];
	uint32_t low;
	int rc;

	if (folder) {
		if (snprintf(file, sizeof(file), "%s/%05zu", folder, i) >= (int)sizeof(file))
			return fault_set(fault, KIT_ERR_RANGE, "the name %s is too long", folder);
		rc = sim_device_load(d, file, &why);
		if (rc == 0 && d->state != SIM_DEVICE_PRE)
			return 0;
		if (rc == 0)
			sim_device_clear(d);
		else if (rc != KIT_ERR_NOT_FOUND)
			return fault_pass(fault, &why);
	}
	memcpy(uuid, factory->uuid, sizeof(uuid));
	low = (uint32_t)uuid[12] << 24 | (uint32_t)uuid[13] << 16 | (uint32_t)uuid[14] << 8 |
	      uuid[15];
	low += (uint32_t)i;
	for (int k = 0; k < 4; k++)
		uuid[15 - k] = (uint8_t)(low >> 8 * k);
	rc = sim_device_factory(d, factory->uuid_given ? uuid : NULL, factory->firmware,
				folder ? file : NULL, fault);
	if (rc == 0)
		rc = supply_device(supply, d, &factory->bios, fault);
	return rc < 0 ? fault_context(fault, "machine %zu", i + 1) : 0;
}

int verb_fleet(struct cli *cli)
{
	const char *folder = cli_value(cli, "state");
	struct fault fault = { .code = 0 };
	struct sim_fleet f = { .wake = -1 };
	struct supply supply = { .stick = NULL };
	struct factory factory;
	struct sim_address first;
	struct living l;
	struct sim_habits habits;
	uint64_t n = 0;
	int status, signals = -1;

	if (cli_number(cli, "number", 1, FLEET_MAX, &n, &fault) < 0 ||
	    parse_living(cli, &l, &habits, &fault) < 0 ||
	    parse_factory(cli, &factory, &fault) < 0 ||
	    sim_address_parse(first_address(cli, "127.1.0.1"), 0, &first, &fault) < 0 ||
	    sim_fleet_init(&f, n, &first, &fault) < 0 || raise_limit(n, &fault) < 0 ||
	    open_supply(cli, &supply, &fault) < 0)
		goto fail;
	l.life.window = 1000;
	if (cli_number(cli, "hello-window", 0, 86400000, &l.life.window, &fault) < 0)
		goto fail;
	if (folder && mkdir(folder, 0700) < 0 && errno != EEXIST) {
		fault_sys(&fault, errno, "cannot make the folder %s", folder);
		goto fail;
	}
	for (size_t i = 0; i < n; i++)
		if (add_device(cli, &f.devices[i], i, &factory, &supply, &fault) < 0)
			goto fail;
	f.habits = habits;
	if (cli_has(cli, "verbose")) {
		f.event = say;
		f.context = cli;
	}
	signals = sim_life_signals(&fault);
	if (signals < 0)
		goto fail;
	status = live(cli, &f, &l, signals, NULL);
	goto out;
fail:
	status = cli_fail(cli, &fault);
out:
	if (signals >= 0)
		close(signals);
	close_supply(&supply);
	sim_fleet_clear(&f);
	return status;
}
