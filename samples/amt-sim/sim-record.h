/* What a record of setup.bin says about set-up by certificate, as firmware takes it. */
#ifndef SAMPLES_AMT_SIM_SIM_RECORD_H
#define SAMPLES_AMT_SIM_SIM_RECORD_H

#include <stdbool.h>

#include "samples/amt-sim/sim-device.h"
#include "setupbin/record.h"

/* The variables that count here (module/id); all others are left to whoever else reads them. */
struct sim_record {
	bool pair;			/* 2/1 or 2/2 */
	bool certificates;		/* one of 2/3 to 2/8 */
	char current[PASSWORD_MAX + 1];	/* 1/1, SECRET; "" when it is not there */
	char new[PASSWORD_MAX + 1];	/* 1/2, SECRET; "" */
	struct sim_device_pki pki;	/* 2/3, 2/4, 2/6, 2/8, 2/17, 2/18, 2/28 */
	bool forget_own;		/* 2/7 = 2: the roots that the machine has are deleted */
};

/*
 * Read R of a file of VERSION, in the order of its variables. Returns 0, KIT_ERR_FORMAT (runs out
 * of the record, a length that does not fit), or KIT_ERR_REFUSED with what is against a rule of
 * firmware: 1/3 switches AMT off, 2/5 remote configuration; 2/8 while 2/7 is 0, before 1/3, with
 * SHA-256 in a file before 3.0, or for the fourth time; 1/3, 2/3, 2/4 or 2/17 after 2/28.
 * OUT is SECRET: wipe it.
 */
int sim_record_read(const struct sbin_record *r, struct sbin_version version,
		    struct sim_record *out, struct fault *fault);

#endif
