/* One simulated machine: what it keeps in flash, and the file that stands for that. */
#ifndef SAMPLES_AMT_SIM_SIM_DEVICE_H
#define SAMPLES_AMT_SIM_SIM_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "keygen/keylist.h"
#include "samples/amt-sim/sim-roots.h"

#define SIM_DEVICE_UUID_SHOWN 36
#define SIM_DEVICE_REALM      39 /* "Digest:" and 32 hex digits */
#define SIM_DEVICE_USER_MAX   32
#define SIM_DEVICE_HOST_MAX   63
#define SIM_DEVICE_DOMAIN_MAX 255
#define SIM_DEVICE_ADMIN      "admin"
#define SIM_DEVICE_LAST_PSK   10 /* AMT that knows PID and PPS; later ones know certificates only */

/* ProvisioningState as devices report it. */
enum sim_device_state {
	SIM_DEVICE_PRE = 0,  /* as it left the factory: no key */
	SIM_DEVICE_IN = 1,   /* holds a PID and PPS, says hello, waits to be set up */
	SIM_DEVICE_POST = 2, /* set up: changes were committed */
};

/* Firmware version: 2.x speaks SOAP only, 3.x to 8.x both, 9.x and later WS-Management only. */
struct sim_device_firmware {
	unsigned major, minor, build;
};

#define SIM_DEVICE_OTP_MIN 8
#define SIM_DEVICE_OTP_MAX 32

/* What set-up by certificate goes by. */
struct sim_device_pki {
	bool on;			/* in place of PID and PPS */
	struct sim_root own[SIM_ROOTS_OWN];	/* roots from sticks */
	size_t n_own;
	bool builtin_off;		/* those of the firmware do not count */
	bool silent;			/* the stick said not to start yet: no hellos */
	char suffix[SIM_DEVICE_DOMAIN_MAX + 1];	/* from the stick, "": that of DHCP counts */
	char fqdn[SIM_DEVICE_DOMAIN_MAX + 1];	/* of the server, from the stick, or "" */
	uint32_t server;		/* IPv4 of the server, from the stick, or 0 */
	uint16_t port;			/* of it, or 0 */
	char otp[SIM_DEVICE_OTP_MAX + 1];	/* SECRET: one-time password, or "" */
};

/* The server's certificates that the machine took last, for its audit record (not kept). */
#define SIM_AUDIT_SERIALS 3
#define SIM_AUDIT_SERIAL  20 /* bytes of a serial number at most */
struct sim_audit {
	bool set;
	struct sim_root root;		/* as it was matched */
	bool builtin;			/* by a digest that came with the firmware */
	unsigned serials;		/* certificates above the leaf, also those not kept */
	uint8_t serial[SIM_AUDIT_SERIALS][SIM_AUDIT_SERIAL];
	uint8_t serial_bytes[SIM_AUDIT_SERIALS];
	char name[256];			/* the leaf's CN */
	bool time_valid;
	int64_t when;			/* seconds of UTC, of the machine's clock */
	char from[64];			/* the server's address */
};

struct sim_store;

struct sim_device {
	char *file;			/* owned; NULL: lives in memory only */
	uint8_t uuid[16];		/* in the order in which it is written */
	struct sim_device_firmware firmware;
	enum sim_device_state state;
	char mebx[PASSWORD_MAX + 1];	/* SECRET: MEBx password */
	char login[PASSWORD_MAX + 1];	/* SECRET: "admin" logs in with; "": the MEBx password */
	bool login_follows;		/* SetMEBxPassword changes that, too (not kept) */
	struct pidpps pair;		/* SECRET; empty before set-up began */
	char realm[SIM_DEVICE_REALM + 1];
	char user[SIM_DEVICE_USER_MAX + 1]; /* of the admin entry */
	uint8_t digest[16];		/* SECRET: MD5(user:realm:password) of the admin entry */
	bool admin_set;			/* SetAdminAclEntryEx was called */
	bool clock_set;
	int64_t clock_offset;		/* seconds that the device's clock is ahead of ours */
	uint32_t clock_told;		/* Ta0 that was said last, 0: none (not kept in the file) */
	bool off; /* powered down; its management engine lives on (not kept) */
	uint64_t committed;		/* sim_now_ms() at CommitChanges, 0: before (not kept) */
	bool looked_at;			/* by somebody who is logged in, since then (not kept) */
	bool admin_asked;		/* SetAdminAclEntryEx was called in this run (not kept) */
	struct sim_admin {		/* the admin entry before that (not kept) */
		char user[SIM_DEVICE_USER_MAX + 1];
		uint8_t digest[16];	/* SECRET */
		bool set;
	} admin_before;
	char host[SIM_DEVICE_HOST_MAX + 1];
	char domain[SIM_DEVICE_DOMAIN_MAX + 1];
	struct sim_device_pki pki;
	struct sim_store *store;		/* owned; NULL: nothing was set (sim-store.h) */
	struct sim_audit audit;
	uint64_t key_tries;		/* of GenerateKeyPair in this run (not kept) */
};

/* "939b524b-13d4-1d18-e487-1c697a6b7a2b" to 16 bytes. Returns 0 or KIT_ERR_FORMAT. */
int sim_device_parse_uuid(const char *text, uint8_t *out);
/* The other way: OUT receives SIM_DEVICE_UUID_SHOWN + 1 bytes. */
void sim_device_show_uuid(const uint8_t *uuid, char *out);
/* A random one. Returns 0 or KIT_ERR_CRYPTO. */
int sim_device_random_uuid(uint8_t *out, struct fault *fault);
/* The 16 bytes in SMBIOS order, as the hello and PlatformGUID have them. */
void sim_device_smbios_uuid(const uint8_t *uuid, uint8_t *out);

/* "7.1" or "7.1.20". Returns 0 or KIT_ERR_FORMAT. */
int sim_device_parse_firmware(const char *text, struct sim_device_firmware *out);

/*
 * A machine as it leaves the factory, in memory: state Pre, MEBx password "admin",
 * a digest realm of its own.
 *
 *   uuid  16 bytes, or NULL for a random one
 *   file  where it is to be kept (nothing is written yet), or NULL
 * Returns 0, KIT_ERR_NOMEM, KIT_ERR_CRYPTO.
 */
int sim_device_factory(struct sim_device *d, const uint8_t *uuid,
		       struct sim_device_firmware firmware, const char *file, struct fault *fault);

/*
 * Read the machine kept in FILE. KIT_ERR_NOT_FOUND when there is none, KIT_ERR_FORMAT when it
 * is not a state file, KIT_ERR_PERMISSION when others can read it, KIT_ERR_SYSTEM.
 */
int sim_device_load(struct sim_device *d, const char *file, struct fault *fault);

/*
 * Keep the machine in its file: mode 0600, appears whole, on the disk when this returns
 * 0. Does nothing for a machine that lives in memory.
 */
int sim_device_save(const struct sim_device *d, struct fault *fault);

/* Wipe and free what D holds; D itself stays the caller's. */
void sim_device_clear(struct sim_device *d);

/*
 * The account for HTTP Digest: the admin entry when there is one, else "admin" with the MEBx
 * password, or with that of before SetMEBxPassword where that changes the other one only.
 *   digest  SECRET; receives MD5(user:realm:password), 16 bytes
 * Returns the user's name (the device's own), or NULL when the crypto library refused.
 */
const char *sim_device_account(const struct sim_device *d, uint8_t *digest);

/* All roots that D trusts, those of its firmware first: OUT has room for SIM_ROOTS_MAX. */
size_t sim_device_roots(const struct sim_device *d, struct sim_root *out, size_t *builtin);

/* "pre", "in", "post". */
const char *sim_device_state_name(enum sim_device_state state);

#endif
