/* amt-sim boot, run: one machine is switched on, with a stick in it or without. */
#include <stdio.h>
#include <unistd.h>

#include "common/secret.h"
#include "samples/amt-sim/cli/amt-sim.h"
#include "samples/amt-sim/sim-life.h"

struct boot_options {
	const char *state, *stick, *address;
	struct factory_options factory;
	struct life_options life;
};

static const struct cli_option boot_table[] = {
	CLI_TEXT(0, "state", struct boot_options, state, "FILE",
		 "the machine; made new when there is no such file",
		 .flags = CLI_REQUIRED | CLI_FILE),
	CLI_TEXT(0, "stick", struct boot_options, stick, "TARGET",
		 "the stick in it: an image file or a block device",
		 .flags = CLI_REQUIRED | CLI_FILE),
	CLI_TEXT(0, "address", struct boot_options, address, "ADDRESS",
		 "the machine's own address (127.0.0.1)"),
	FACTORY_OPTIONS(struct boot_options, factory),
	LIFE_OPTIONS(struct boot_options, life),
	{ 0 },
};

static const struct boot_options boot_defaults = {
	.address = "127.0.0.1",
	.life = LIFE_DEFAULTS,
};

/* The machine in the file of --state, or a new one from the factory. */
static int open_device(struct cli *cli, const struct boot_options *o, struct sim_device *d,
		       const struct factory *factory, struct fault *fault)
{
	struct fault why = { 0 };
	int rc = sim_device_load(d, o->state, &why);

	if (rc == 0 && (factory->uuid_given || factory->mebx_password_file))
		cli_warn(cli, "%s is a machine already: --uuid and --mebx-password-file are for "
			 "new ones", o->state);
	if (rc == 0)
		return 0;
	if (rc != KIT_ERR_NOT_FOUND)
		return fault_pass(fault, &why);
	return factory_make(factory, factory->uuid_given ? factory->uuid : NULL, o->state, d,
			    fault);
}

/* What happened, for people; with --json as an object for the report, else NULL. */
static json_t *report_boot(struct cli *cli, const struct sim_device *d,
			   const struct sim_boot_report *r)
{
	char pid[PID_SHOWN + 1], uuid[SIM_DEVICE_UUID_SHOWN + 1], version[8];

	pidpps_show_pid(d->pair.pid, pid);
	sim_device_show_uuid(d->uuid, uuid);
	snprintf(version, sizeof(version), "%u.%u", r->version.major, r->version.minor);
	if (cli->json)
		return json_pack("{ss ss ss sI sI ss sI sb}", "uuid", uuid, "mode",
				 d->pki.on ? "pki" : "psk", "pid", pid, "record",
				 (json_int_t)r->record, "records", (json_int_t)r->records,
				 "file_version", version, "fat", (json_int_t)r->fat_bits,
				 "marked_used", (int)r->consumed);
	if (!cli->quiet)
		printf("%s: took record %u of %u (setup.bin %s on FAT%u), %s%s%s\n", uuid,
		       r->record, r->records, version, r->fat_bits,
		       d->pki.on ? "set-up by certificate" : "PID ", d->pki.on ? "" : pid,
		       r->consumed ? "; marked used" : "; not to be marked used");
	fflush(stdout);
	return NULL;
}

/* Let the one machine of the fleet live until a signal comes, or by its options. */
static int live(struct cli *cli, struct sim_fleet *f, const struct life_options *o,
		json_t *booted)
{
	struct fault fault = { 0 };
	int status, signals = sim_life_signals(&fault);

	if (signals < 0) {
		json_decref(booted);
		return cli_fail(cli, &fault);
	}
	status = life_live(cli, f, o, 0, true, signals, booted);
	close(signals);
	return status;
}

static int boot(struct cli *cli, const void *given)
{
	const struct boot_options *o = given;
	struct fault fault = { 0 };
	struct sim_fleet f = { .wake = -1 };
	struct sim_boot_report report;
	struct sim_address first;
	struct factory factory = { .uuid_given = false };
	json_t *booted;
	int status;

	if (life_check(&o->life, &fault) < 0 || factory_parse(&o->factory, &factory, &fault) < 0 ||
	    sim_address_parse(o->address, 0, &first, &fault) < 0 ||
	    sim_fleet_init(&f, 1, &first, &fault) < 0 ||
	    open_device(cli, o, f.devices, &factory, &fault) < 0 ||
	    sim_boot_from_stick(f.devices, o->stick, &factory.bios, &report, &fault) < 0) {
		status = cli_fail(cli, &fault);
	} else {
		booted = report_boot(cli, f.devices, &report);
		if (o->life.server)
			status = live(cli, &f, &o->life, booted);
		else
			status = cli->json ? cli_print_json(cli, booted) : EXIT_YES;
	}
	sim_fleet_clear(&f);
	secret_wipe(&factory, sizeof(factory));
	return status;
}

const struct cli_verb sim_verb_boot = {
	.name = "boot",
	.operands = "",
	.summary = "switch a machine on with a stick in it, and let it be set up",
	.options = boot_table,
	.options_size = sizeof(struct boot_options),
	.defaults = &boot_defaults,
	.flags = CLI_JSON,
	.run = boot,
	.details =
		"The BIOS finds setup.bin through the partition table and the FAT (first entry of "
		"the root directory, in one piece), takes the next record, checks the current "
		"MEBx password, keeps PID, PPS and new password in the machine, and marks the "
		"record used on the stick. With --server the machine then says hello and waits to "
		"be set up.",
	.examples =
		"amt-sim boot --state pc1 --stick stick.img\n"
		"amt-sim boot --state pc1 --stick stick.img --address 127.0.1.1 \\\n"
		"    --server 127.0.0.1:9971 --pace 20 --until-configured 30",
};

struct boot_run_options {
	const char *state, *address;
	struct life_options life;
};

static const struct cli_option run_table[] = {
	CLI_TEXT(0, "state", struct boot_run_options, state, "FILE", "the machine, as boot left it",
		 .flags = CLI_REQUIRED | CLI_FILE),
	CLI_TEXT(0, "address", struct boot_run_options, address, "ADDRESS",
		 "the machine's own address (127.0.0.1)"),
	LIFE_OPTIONS(struct boot_run_options, life),
	{ 0 },
};

static const struct boot_run_options run_defaults = {
	.address = "127.0.0.1",
	.life = LIFE_DEFAULTS,
};

static int run(struct cli *cli, const void *given)
{
	const struct boot_run_options *o = given;
	struct fault fault = { 0 };
	struct sim_fleet f = { .wake = -1 };
	struct sim_address first;
	int status;

	if (sim_address_parse(o->address, 0, &first, &fault) < 0 ||
	    sim_fleet_init(&f, 1, &first, &fault) < 0 || life_check(&o->life, &fault) < 0 ||
	    sim_device_load(f.devices, o->state, &fault) < 0) {
		status = cli_fail(cli, &fault);
	} else if (f.devices->state == SIM_DEVICE_PRE) {
		fault_set(&fault, KIT_ERR_STATE, "%s is a machine in factory state: it has no key "
			  "to serve with\n"
			  "give it one with: amt-sim boot", o->state);
		status = cli_fail(cli, &fault);
	} else {
		status = live(cli, &f, &o->life, NULL);
	}
	sim_fleet_clear(&f);
	return status;
}

const struct cli_verb sim_verb_run = {
	.name = "run",
	.operands = "",
	.summary = "switch a machine on again, without a stick",
	.options = run_table,
	.options_size = sizeof(struct boot_run_options),
	.defaults = &run_defaults,
	.flags = CLI_JSON,
	.run = run,
	.details =
		"A machine that waits to be set up says hello again; one that is set up only "
		"serves. Without --until-configured it runs until it is interrupted.",
	.examples =
		"amt-sim run --state pc1 --address 127.0.1.1 --server 127.0.0.1:9971\n"
		"amt-sim run --state pc1 --address 127.0.1.1 --plain-port 16992",
};
