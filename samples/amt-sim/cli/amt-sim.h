/* amt-sim: its verbs, and what those in which machines live have in common. */
#ifndef SAMPLES_AMT_SIM_CLI_AMT_SIM_H
#define SAMPLES_AMT_SIM_CLI_AMT_SIM_H

#include <jansson.h>

#include "common/cli.h"
#include "samples/amt-sim/sim-boot.h"
#include "samples/amt-sim/sim-fleet.h"
#include "samples/amt-sim/sim-habits.h"

extern const struct cli_verb sim_verb_boot, sim_verb_run, sim_verb_fleet, sim_verb_hello,
	sim_verb_show, sim_verb_clear_cmos;

#define SIM_SERVER_PORT 9971

/* How new machines come from the factory: boot, fleet. */
struct factory_options {
	const char *uuid, *firmware;
	bool fat16_only;
	const char *reads_version;
	bool wipe_record;
};

#define FACTORY_OPTIONS(s, f) \
	CLI_TEXT(0, "uuid", s, f.uuid, "UUID", \
		 "UUID of a new (or the first new) machine (random)"), \
	CLI_TEXT(0, "firmware", s, f.firmware, "VERSION", \
		 "2.x: SOAP only, 3.x to 8.x: both, 9.x and 10.x: WS-Management only (7.1.20)"), \
	CLI_FLAG(0, "fat16-only", s, f.fat16_only, "the BIOS does not know FAT32"), \
	CLI_TEXT(0, "reads-version", s, f.reads_version, "VERSION", \
		 "newest setup.bin version that the BIOS knows (by firmware)"), \
	CLI_FLAG(0, "wipe-record", s, f.wipe_record, "the BIOS zeroes the record that it used")

/* These options understood. */
struct factory {
	struct sim_device_firmware firmware;
	struct sim_boot_bios bios;
	uint8_t uuid[16];
	bool uuid_given;
};

int factory_parse(const struct factory_options *o, struct factory *f, struct fault *fault);

/* How machines live: boot, run, fleet. */
struct life_options {
	const char *server;
	uint16_t port, plain_port;
	uint64_t retry, hellos, until_configured;
	struct sim_habits habits;
};

#define LIFE_DEFAULTS \
	{ .port = 16993, .retry = 2, .hellos = 15, .habits = SIM_HABIT_DEFAULTS }

#define LIFE_OPTIONS(s, l) \
	CLI_TEXT(0, "server", s, l.server, "HOST[:PORT]", "where hellos go (port 9971)"), \
	CLI_NUMBER(0, "port", s, l.port, "PORT", 1, 65535, \
		   "where the server calls back (16993)"), \
	CLI_NUMBER(0, "plain-port", s, l.plain_port, "PORT", 1, 65535, \
		   "serve HTTP without TLS here, once set up (--port minus 1, if it does)"), \
	CLI_NUMBER(0, "retry", s, l.retry, "SECONDS", 1, 86400, \
		   "between two hellos of a machine (2)"), \
	CLI_NUMBER(0, "hellos", s, l.hellos, "N", 0, UINT32_MAX, "at most so many hellos (15)"), \
	CLI_NUMBER(0, "until-configured", s, l.until_configured, "SECONDS", 1, 86400, \
		   "end when set up; exit status 1 if it takes longer"), \
	SIM_HABIT_OPTIONS(s, l.habits)

/* Are the values of O ones that can be lived by? Returns 0 or KIT_ERR_ARGUMENT. */
int life_check(const struct life_options *o, struct fault *fault);

/*
 * Let the devices of the fleet live; with VERBOSE it is printed what they do.
 *
 *   window   milliseconds over which the first hellos are spread
 *   signals  from sim_life_signals()
 *   booted   goes into the report, or NULL; its reference is taken
 * Returns an exit status.
 */
int life_live(struct cli *cli, struct sim_fleet *f, const struct life_options *o, uint64_t window,
	      bool verbose, int signals, json_t *booted);

#endif
