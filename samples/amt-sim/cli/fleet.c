/* amt-sim fleet: many machines in one process. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/secret.h"
#include "samples/amt-sim/cli/amt-sim.h"
#include "samples/amt-sim/sim-life.h"
#include "setupbin/source.h"

#define FLEET_MAX	65536

struct fleet_options {
	uint64_t number, hello_window;
	const char *keys, *stick, *state, *address;
	bool verbose, pki;
	struct factory_options factory;
	struct life_options life;
};

static const struct cli_option fleet_table[] = {
	CLI_NUMBER('n', "number", struct fleet_options, number, "N", 1, FLEET_MAX,
		   "how many machines", .flags = CLI_REQUIRED),
	CLI_TEXT(0, "keys", struct fleet_options, keys, "LIST",
		 "their keys: a list of any kind, or a setup.bin", .flags = CLI_FILE,
		 .exclusive = 1),
	CLI_TEXT(0, "stick", struct fleet_options, stick, "TARGET",
		 "boot them one after another with this stick", .flags = CLI_FILE,
		 .exclusive = 1),
	CLI_FLAG(0, "pki", struct fleet_options, pki,
		 "without keys: they are to be set up by certificate", .exclusive = 1),
	CLI_TEXT(0, "state", struct fleet_options, state, "FOLDER",
		 "keep the machines here, or go on with them", .flags = CLI_FILE),
	CLI_TEXT(0, "address", struct fleet_options, address, "ADDRESS",
		 "address of the first one, then counting up (127.1.0.1)"),
	CLI_NUMBER(0, "hello-window", struct fleet_options, hello_window, "MS", 0, 86400000,
		   "spread the first hellos over so many milliseconds (1000)"),
	CLI_FLAG('v', "verbose", struct fleet_options, verbose, "print what each machine does"),
	FACTORY_OPTIONS(struct fleet_options, factory),
	LIFE_OPTIONS(struct fleet_options, life),
	{ 0 },
};

static const struct fleet_options fleet_defaults = {
	.hello_window = 1000,
	.address = "127.1.0.1",
	.life = LIFE_DEFAULTS,
};

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

/* Where the keys of a fleet's new machines come from. */
struct supply {
	const char *stick;
	struct keysource *list;
	FILE *file;
	bool pki;		/* they get none */
};

static int open_supply(const struct fleet_options *o, struct supply *s, struct fault *fault)
{
	const char *list = o->keys;

	memset(s, 0, sizeof(*s));
	s->stick = o->stick;
	s->pki = o->pki;
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
static int supply_device(struct supply *s, struct sim_device *d, const struct factory *factory,
			 struct fault *fault)
{
	struct keyproblem problem;
	struct sim_boot_report report;
	struct keyentry entry;
	int rc;

	if (s->stick)
		return sim_boot_from_stick(d, s->stick, &factory->bios, &report, fault);
	if (s->pki)
		return sim_boot_take_pki(d, &factory->pki, fault);
	if (!s->list) {
		return fault_set(fault, KIT_ERR_ARGUMENT, "new machines need keys\n"
				 "give --keys, --stick or --pki");
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

/* The UUID of machine I: that of --uuid, counted up. */
static void count_uuid(const uint8_t *first, size_t i, uint8_t *out)
{
	uint32_t low;

	memcpy(out, first, 16);
	low = (uint32_t)out[12] << 24 | (uint32_t)out[13] << 16 | (uint32_t)out[14] << 8 | out[15];
	low += (uint32_t)i;
	for (int k = 0; k < 4; k++)
		out[15 - k] = (uint8_t)(low >> 8 * k);
}

/* Machine I of the fleet: the one kept in the folder, or a new one. */
static int add_device(const char *folder, struct sim_device *d, size_t i,
		      const struct factory *factory, struct supply *supply, struct fault *fault)
{
	struct fault why = { 0 };
	char file[4096];
	uint8_t uuid[16];
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
	count_uuid(factory->uuid, i, uuid);
	rc = factory_make(factory, factory->uuid_given ? uuid : NULL, folder ? file : NULL, d,
			  fault);
	if (rc == 0)
		rc = supply_device(supply, d, factory, fault);
	return rc < 0 ? fault_context(fault, "machine %zu", i + 1) : 0;
}

/* All machines of the fleet, with their keys. */
static int assemble(const struct fleet_options *o, struct sim_fleet *f,
		    const struct factory *factory, struct fault *fault)
{
	struct supply supply = { 0 };
	int rc = open_supply(o, &supply, fault);

	if (rc == 0 && o->state && mkdir(o->state, 0700) < 0 && errno != EEXIST)
		rc = fault_sys(fault, errno, "cannot make the folder %s", o->state);
	for (size_t i = 0; rc == 0 && i < f->n; i++)
		rc = add_device(o->state, &f->devices[i], i, factory, &supply, fault);
	close_supply(&supply);
	return rc;
}

static int fleet(struct cli *cli, const void *given)
{
	const struct fleet_options *o = given;
	struct fault fault = { 0 };
	struct sim_fleet f = { .wake = -1 };
	struct factory factory = { .uuid_given = false };
	struct sim_address first;
	int status, signals = -1;

	if (life_check(&o->life, &fault) < 0 || factory_parse(&o->factory, &factory, &fault) < 0 ||
	    sim_address_parse(o->address, 0, &first, &fault) < 0 ||
	    sim_fleet_init(&f, o->number, &first, &fault) < 0 ||
	    raise_limit(o->number, &fault) < 0 || assemble(o, &f, &factory, &fault) < 0 ||
	    (signals = sim_life_signals(&fault)) < 0)
		status = cli_fail(cli, &fault);
	else
		status = life_live(cli, &f, &o->life, o->hello_window, o->verbose, signals, NULL);
	if (signals >= 0)
		close(signals);
	sim_fleet_clear(&f);
	secret_wipe(&factory, sizeof(factory));
	return status;
}

const struct cli_verb sim_verb_fleet = {
	.name = "fleet",
	.operands = "",
	.summary = "many machines in one process, each with its own loopback address",
	.options = fleet_table,
	.options_size = sizeof(struct fleet_options),
	.defaults = &fleet_defaults,
	.flags = CLI_JSON,
	.run = fleet,
	.details =
		"Machine I has the address of --address plus I, says hello from it and is called "
		"back there. Without --state they live in memory only. With --pki they say hellos "
		"of version 3 and want a server with a certificate.",
	.examples =
		"amt-sim fleet -n 100 --keys keys.csv --server 127.0.0.1:9971 --delay 200 \\\n"
		"    --pace 20 --until-configured 120 --json\n"
		"amt-sim fleet -n 1 --pki --firmware 12.0.35 --trust root.pem \\\n"
		"    --dhcp-suffix example.com --server 127.0.0.1:9971 --verbose",
};
