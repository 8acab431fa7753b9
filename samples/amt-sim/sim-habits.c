/* Habits of simulated devices: those of their generation, slowness, refusals, broken answers. */
#include "samples/amt-sim/sim-habits.h"

#include <string.h>

const char *const sim_words_which[] = { "generation", "modern", NULL };
const char *const sim_words_handshake[] = { "good", "hang", "close", NULL };
const char *const sim_words_answer[] = { "good", "hang", "truncated", "drop", "big", "garbage",
					 "entities", "error", NULL };
const char *const sim_words_tls[] = { "generation", "1.0", "1.1", "both", NULL };
const char *const sim_words_extensions[] = { "generation", "old", "new", NULL };
const char *const sim_words_tls11_hello[] = { "take", "alert-70", "alert-20", "reset", "silence",
					      NULL };
const char *const sim_words_login[] = { "good", "none", "any", "auth-int", "unknown", NULL };
const char *const sim_words_wsman[] = { "good", "drop", "302", "400", "403", "404", "405", "500",
					"501", NULL };
const char *const sim_words_forget[] = { "never", "at-once", "connection", "commit", NULL };
const char *const sim_words_commit[] = { "generation", "answer", "close", "drop", NULL };
const char *const sim_words_after[] = { "generation", "psk", "plain", "tls", "closed", NULL };
const char *const sim_words_mebx[] = { "generation", "take", "refuse", NULL };

void sim_habits_decide(struct sim_habits *h, unsigned major)
{
	bool modern = h->which == SIM_MODERN;
	uint64_t settle = h->settle == SIM_SETTLE_GENERATION ? (modern ? 0 : 30) : h->settle;

	if (h->tls == SIM_TLS_GENERATION)
		h->tls = !modern && major >= 10 ? SIM_TLS_10_11 : SIM_TLS_10;
	if (h->extensions == SIM_EXTENSIONS_GENERATION)
		h->extensions = modern || major >= 9 ? SIM_EXTENSIONS_NEW : SIM_EXTENSIONS_OLD;
	if (h->mebx == SIM_MEBX_GENERATION)
		h->mebx = modern || major < 4 ? SIM_MEBX_TAKE : SIM_MEBX_REFUSE;
	if (h->commit == SIM_COMMIT_GENERATION)
		h->commit = modern || major >= 6 ? SIM_COMMIT_ANSWER : SIM_COMMIT_DROP;
	if (h->after == SIM_AFTER_GENERATION)
		h->after = modern ? SIM_AFTER_PSK : SIM_AFTER_PLAIN;
	h->settle_ms = settle * 1000 / (h->pace ? h->pace : 1);
}

bool sim_habits_refuse(const struct sim_habits *h, const char *call, unsigned *status)
{
	if (h->mebx == SIM_MEBX_REFUSE && strcmp(call, "SetMEBxPassword") == 0) {
		*status = 0x10;
		return true;
	}
	if (!h->refuse || strcmp(h->refuse, call) != 0)
		return false;
	*status = h->refuse_status;
	return true;
}

enum sim_habits_answer sim_habits_answer_to(const struct sim_habits *h, const char *call,
					    uint64_t *bad)
{
	if (h->answer == SIM_ANSWER_GOOD || (h->answer_to && strcmp(h->answer_to, call) != 0) ||
	    (h->answer_times != 0 && *bad >= h->answer_times))
		return SIM_ANSWER_GOOD;
	++*bad;
	return h->answer;
}
