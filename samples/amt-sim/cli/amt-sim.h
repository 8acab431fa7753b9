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
	const char *mebx_password_file;
	const char *trust, *pki_suffix, *server_fqdn, *otp_file;
	enum sim_root_type trust_hash;
};

/* In place of SIM_ROOT_NONE there is the one that FIRMWARE knows. */
extern const char *const factory_hashes[];

#define FACTORY_OPTIONS(s, f) \
	CLI_TEXT(0, "uuid", s, f.uuid, "UUID", \
		 "UUID of a new (or the first new) machine (random)"), \
	CLI_TEXT(0, "firmware", s, f.firmware, "VERSION", \
		 "2.x: SOAP only, 3.x to 8.x: both, later: WS-Management only (7.1.20)"), \
	CLI_FLAG(0, "fat16-only", s, f.fat16_only, "the BIOS does not know FAT32"), \
	CLI_TEXT(0, "reads-version", s, f.reads_version, "VERSION", \
		 "newest setup.bin version that the BIOS knows (by firmware)"), \
	CLI_FLAG(0, "wipe-record", s, f.wipe_record, "the BIOS zeroes the record that it used"), \
	CLI_TEXT(0, "mebx-password-file", s, f.mebx_password_file, "FILE", \
		 "MEBx password of a new machine (the factory's)", .flags = CLI_FILE), \
	CLI_TEXT(0, "trust", s, f.trust, "FILE", \
		 "root certificate that a new machine trusts, PEM or DER", .flags = CLI_FILE), \
	CLI_CHOICE(0, "trust-hash", s, f.trust_hash, "TYPE", factory_hashes, \
		   "its digest: sha1, sha256 or sha384 (sha1 before AMT 6, else sha256)"), \
	CLI_TEXT(0, "pki-suffix", s, f.pki_suffix, "DOMAIN", \
		 "DNS suffix of a new machine, as typed in; goes before that of DHCP"), \
	CLI_TEXT(0, "server-fqdn", s, f.server_fqdn, "NAME", \
		 "full name of the server, as typed in at a new machine; goes before both"), \
	CLI_TEXT(0, "otp-file", s, f.otp_file, "FILE", \
		 "one-time password that a new machine shows to its server", .flags = CLI_FILE)

/* These options understood. */
struct factory {
	struct sim_device_firmware firmware;
	struct sim_boot_bios bios;
	uint8_t uuid[16];
	bool uuid_given;
	const char *mebx_password_file;
	struct sim_device_pki pki;	/* SECRET */
};

int factory_parse(const struct factory_options *o, struct factory *f, struct fault *fault);

/* A new machine by F, to be kept in FILE (or NULL); UUID as in sim_device_factory(). */
int factory_make(const struct factory *f, const uint8_t *uuid, const char *file,
		 struct sim_device *d, struct fault *fault);

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
	CLI_TEXT(0, "server", s, l.server, "HOST[:PORT]", \
		 "where hellos go (port 9971); stick: where the stick says"), \
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
