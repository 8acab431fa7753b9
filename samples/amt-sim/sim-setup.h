/* The rules of set-up: what each call changes in a device, and when the device refuses it. */
#ifndef SAMPLES_AMT_SIM_SIM_SETUP_H
#define SAMPLES_AMT_SIM_SIM_SETUP_H

#include <stdint.h>

#include "samples/amt-sim/sim-device.h"

/* Status codes of AMT, the same over SOAP and WS-Management. */
enum amt_status {
	AMT_OK = 0,
	AMT_INTERNAL_ERROR = 0x1,
	AMT_INVALID_NAME = 0xc,
	AMT_NOT_PERMITTED = 0x10,
	AMT_INVALID_DOMAIN = 0x1c,
	AMT_INVALID_STATE = 0x20,
	AMT_INVALID_TIME = 0x22,
	AMT_INVALID_PARAMETER = 0x24,
	AMT_INVALID_PID = 0x2a,
	AMT_INVALID_PPS = 0x2b,
	AMT_UNSUPPORTED_OEM = 0x801,
	AMT_INVALID_COMMAND = 0x803,
	AMT_INVALID_PASSWORD = 0x806,
	AMT_DATA_MISSING = 0x809,
};

/*
 * Every function here returns enum amt_status. What a call changed is in the device's file
 * when it returns AMT_OK; on anything else the device is as it was. Arguments are texts as they
 * came from the network; NULL stands for an argument that was not sent.
 */

/*
 * SetAdminAclEntryEx: DIGEST is base64 of the 16 bytes MD5(user:realm:password). It
 * counts from the next request on. Allowed while being set up and after.
 */
unsigned setup_admin(struct device *d, const char *user, const char *digest);

/* Host and domain name (AMT_GeneralSettings, SetHostName, SetDomainName); "" takes it away. */
unsigned setup_host(struct device *d, const char *name);
unsigned setup_domain(struct device *d, const char *name);

/* GetLowAccuracyTimeSynch: what the device's clock shows, seconds of UTC. */
uint32_t setup_clock(struct device *d);
/*
 * SetHighAccuracyTimeSynch: TA0 has to be what setup_clock() told last; the clock is then
 * set forward or back so that the middle of TM1 (request) and TM2 (answer) was TA0.
 */
unsigned setup_set_clock(struct device *d, const char *ta0, const char *tm1, const char *tm2);

/* SetMEBxPassword and SetTLSPSK: only while being set up. */
unsigned setup_mebx(struct device *d, const char *password);
unsigned setup_psk(struct device *d, const char *pid, const char *pps);

/* CommitChanges: to state Post; AMT_DATA_MISSING without an admin entry. */
unsigned setup_commit(struct device *d);

/*
 * Unprovision (back to Pre, everything cleared but the MEBx password) and
 * PartialUnprovision (back to In; admin entry, pair, names stay). Only after set-up.
 */
unsigned setup_unprovision(struct device *d);
unsigned setup_partial_unprovision(struct device *d);

#endif
