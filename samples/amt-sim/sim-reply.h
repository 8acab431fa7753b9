/* HTTP responses, sound ones and those that a client has to survive. */
#ifndef SAMPLES_AMT_SIM_SIM_REPLY_H
#define SAMPLES_AMT_SIM_SIM_REPLY_H

#include <microhttpd.h>
#include <stddef.h>
#include <stdint.h>

#include "samples/amt-sim/sim-delay.h"
#include "samples/amt-sim/sim-habits.h"

/*
 * The response that bears TEXT (copied) in the manner HOW.
 *
 *   bytes  size of a big answer
 *   delay  holds the connection of an answer that hangs
 * Returns NULL when out of memory, and for SIM_ANSWER_DROP: then the connection is to be closed.
 */
struct MHD_Response *sim_reply_make(enum sim_habits_answer how, uint64_t bytes, const char *text,
				    size_t size, struct MHD_Connection *connection,
				    struct sim_delay *delay);

#endif
