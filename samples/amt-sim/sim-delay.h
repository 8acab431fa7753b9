/* Slow devices: requests whose answer has to wait, without a thread for each. */
#ifndef SAMPLES_AMT_SIM_SIM_DELAY_H
#define SAMPLES_AMT_SIM_SIM_DELAY_H

#include <microhttpd.h>
#include <stdint.h>

#include "common/error.h"

/* All waits of one queue are equally long, so that the first one in is the first one due. */
struct delay;

/* MS: milliseconds of each wait. Returns 0, KIT_ERR_NOMEM, KIT_ERR_SYSTEM. */
int delay_new(struct delay **out, uint64_t ms, struct fault *fault);

/*
 * Suspend the connection; its handler is called again when the time has come.
 * Returns 0, KIT_ERR_NOMEM, or KIT_ERR_STATE after delay_stop(); then it is not suspended.
 */
int delay_add(struct delay *d, struct MHD_Connection *connection);
/* Suspend it until delay_stop(). Same results. */
int delay_forever(struct delay *d, struct MHD_Connection *connection);

/* Let every connection go on, and suspend no more: libmicrohttpd stops only then. */
void delay_stop(struct delay *d);
/* *d may be NULL. The daemon whose connections it held has to be stopped by now. */
void delay_free(struct delay **d);

#endif
