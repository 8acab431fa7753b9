/* The rules of set-up: what each call changes in a device, and when the device refuses it. */
#ifndef SAMPLES_AMT_SIM_SIM_SETUP_H
#define SAMPLES_AMT_SIM_SIM_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "samples/amt-sim/sim-device.h"

/* Status codes of AMT, the same over SOAP and WS-Management. */
enum sim_status {
	SIM_OK = 0,
	SIM_INTERNAL_ERROR = 0x1,
	SIM_NOT_READY = 0x2,
	SIM_INVALID_NAME = 0xc,
	SIM_NOT_PERMITTED = 0x10,
	SIM_INVALID_DOMAIN = 0x1c,
	SIM_INVALID_STATE = 0x20,
	SIM_INVALID_TIME = 0x22,
	SIM_INVALID_PARAMETER = 0x24,
	SIM_INVALID_PID = 0x2a,
	SIM_INVALID_PPS = 0x2b,
	SIM_UNSUPPORTED_OEM = 0x801,
	SIM_INVALID_COMMAND = 0x803,
	SIM_INVALID_PASSWORD = 0x806,
	SIM_DATA_MISSING = 0x809,
};

/*
 * Every function here returns enum sim_status. What a call changed is in the device's file
 * when it returns SIM_OK; on anything else the device is as it was. Arguments are texts as they
 * came from the network; NULL stands for an argument that was not sent.
 */

/*
 * SetAdminAclEntryEx: DIGEST is base64 of the 16 bytes MD5(user:realm:password). It
 * counts from the next request on. Allowed while being set up and after. With HEX, 32 hexadecimal
 * digits will do, too.
 */
unsigned sim_setup_admin(struct sim_device *d, const char *user, const char *digest, bool hex);

/*
 * A machine that loses it: the admin entry is again what it was before the last
 * SetAdminAclEntryEx, though CommitChanges believes that there was one.
 */
unsigned sim_setup_forget_admin(struct sim_device *d);

/* Host and domain name (AMT_GeneralSettings, SetHostName, SetDomainName); "" takes it away. */
unsigned sim_setup_host(struct sim_device *d, const char *name);
unsigned sim_setup_domain(struct sim_device *d, const char *name);

/* GetLowAccuracyTimeSynch: what the device's clock shows, seconds of UTC. */
uint32_t sim_setup_clock(struct sim_device *d);
/*
 * SetHighAccuracyTimeSynch: TA0 has to be what sim_setup_clock() said last; the clock is then
 * set forward or back so that the middle of TM1 (request) and TM2 (answer) was TA0.
 */
unsigned sim_setup_set_clock(struct sim_device *d, const char *ta0, const char *tm1,
			     const char *tm2);

/*
 * SetMEBxPassword and SetTLSPSK: only while being set up; SetTLSPSK up to SIM_DEVICE_LAST_PSK. In
 * set-up by certificate "admin" logs in as before, unless d->login_follows.
 */
unsigned sim_setup_mebx(struct sim_device *d, const char *password);
unsigned sim_setup_psk(struct sim_device *d, const char *pid, const char *pps);

/* ExtendProvisioningPeriod: DURATION is 1 to 24 (hours); only while being set up. No effect. */
unsigned sim_setup_extend(struct sim_device *d, const char *duration);

/* CommitChanges: to state Post; SIM_DATA_MISSING without an admin entry. */
unsigned sim_setup_commit(struct sim_device *d);

/*
 * Unprovision (back to Pre, everything cleared but the MEBx password) and
 * PartialUnprovision (back to In; admin entry, pair, names stay; set-up is by the pair, if there is
 * one). Only after set-up.
 */
unsigned sim_setup_unprovision(struct sim_device *d);
unsigned sim_setup_partial_unprovision(struct sim_device *d);

#endif
