/* Slow devices: requests whose answer has to wait, without a thread for each. */
#ifndef SAMPLES_AMT_SIM_SIM_DELAY_H
#define SAMPLES_AMT_SIM_SIM_DELAY_H

#include <microhttpd.h>
#include <stdint.h>

#include "common/error.h"

struct sim_delay;

/* Milliseconds of a clock that nobody sets. */
uint64_t sim_now_ms(void);

/* Returns 0, KIT_ERR_NOMEM, KIT_ERR_SYSTEM. */
int sim_delay_new(struct sim_delay **out, struct fault *fault);

/*
 * Suspend the connection for MS milliseconds; its handler is called again when the time has come.
 * Returns 0, KIT_ERR_NOMEM, or KIT_ERR_STATE after sim_delay_stop(); then it is not suspended.
 */
int sim_delay_add(struct sim_delay *d, struct MHD_Connection *connection, uint64_t ms);
/* Suspend it until sim_delay_stop(). Same results. */
int sim_delay_forever(struct sim_delay *d, struct MHD_Connection *connection);

/* Let every connection go on, and suspend no more: libmicrohttpd stops only then. */
void sim_delay_stop(struct sim_delay *d);
/* *d may be NULL. The daemon whose connections it held has to be stopped by now. */
void sim_delay_free(struct sim_delay **d);

#endif
