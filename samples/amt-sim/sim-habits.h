/* Habits of simulated devices, good and bad: slowness, refusals, answers that are none. */
#ifndef SAMPLES_AMT_SIM_SIM_HABITS_H
#define SAMPLES_AMT_SIM_SIM_HABITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cli.h"

#define SIM_CALL_NAME	 64		    /* bytes for a method's or class's name */
#define SIM_CALL_UNKNOWN "(not understood)" /* stands for the name of what is no call */

enum sim_habits_handshake {
	SIM_HANDSHAKE_GOOD,
	SIM_HANDSHAKE_HANG,  /* takes the connection and says nothing */
	SIM_HANDSHAKE_CLOSE, /* takes the connection and closes it */
};

enum sim_habits_answer {
	SIM_ANSWER_GOOD,
	SIM_ANSWER_HANG,      /* half of it, then silence */
	SIM_ANSWER_TRUNCATED, /* half of it, then the end */
	SIM_ANSWER_DROP,    /* no answer: the connection is closed, the call has been carried out */
	SIM_ANSWER_BIG,	    /* as many bytes as asked for */
	SIM_ANSWER_GARBAGE, /* no XML */
	SIM_ANSWER_ENTITIES, /* XML with a document type, entities in entities, an outside file */
	SIM_ANSWER_ERROR,    /* HTTP 500 */
};

struct sim_habits {
	enum sim_habits_handshake handshake;
	enum sim_habits_answer answer;
	uint64_t answer_bytes;		/* of SIM_ANSWER_BIG */
	const char *answer_to;		/* the call that is answered badly; NULL: every one */
	uint64_t answer_times;		/* how often; 0: always */
	const char *refuse;		/* the call that is refused, or NULL */
	unsigned refuse_status;
	uint64_t delay;			/* milliseconds before each answer */
	bool no_digest;			/* asks nobody to log in */
	bool wrong_pps;			/* its key is not the one that its record had */
	bool wrong_uuid;		/* tells another UUID than its hello */
	bool shut_after_commit;		/* takes no connection once it is set up */
	bool tls11;			/* TLS 1.1 instead of 1.0 */
};

/* Options that set habits, for the table of a verb. */
#define SIM_HABIT_OPTIONS \
	{ "delay", 0, "MS", "wait this many milliseconds before each answer", 0, 0 }, \
		{ "answer", 0, \
		  "HOW",    "good, hang, truncated, drop, big, garbage, entities or error", \
		  0,	    0 }, \
		{ "answer-bytes", 0, "SIZE", "size of a big answer (10M)", 0, 0 }, \
		{ "answer-to", 0, "CALL", "only this call or class is answered badly", 0, 0 }, \
		{ "answer-times", 0, "N", "only the first N such answers are bad", 0, 0 }, \
		{ "refuse", 0, "CALL", "refuse this call", 0, 0 }, \
		{ "refuse-status", 0, "STATUS", "with this status (16: not permitted)", 0, 0 }, \
		{ "handshake", 0, "HOW", "good, hang or close", 0, 0 }, \
		{ "tls", 0, "VERSION", "1.0 or 1.1 (1.0)", 0, 0 }, \
		{ "no-digest", 0, NULL, "ask nobody to log in", 0, 0 }, \
		{ "wrong-pps", 0, NULL, "hold another PPS than the record's", 0, 0 }, \
		{ "wrong-uuid", 0, NULL, "tell another UUID than the hello's", 0, 0 }, \
	{ \
		"shut-after-commit", 0, NULL, "take no connection once set up", 0, 0 \
	}

/* Read them. The texts in *H are those of the command line. Returns 0 or KIT_ERR_ARGUMENT. */
int sim_habits_parse(const struct cli *cli, struct sim_habits *h, struct fault *fault);

/* Is CALL refused? If so *status says with what. */
bool sim_habits_refuse(const struct sim_habits *h, const char *call, unsigned *status);

/* How to answer CALL when *BAD answers were bad so far; counts them. */
enum sim_habits_answer sim_habits_answer_to(const struct sim_habits *h, const char *call,
					    uint64_t *bad);

#endif
