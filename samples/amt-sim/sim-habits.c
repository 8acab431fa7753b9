/* Habits of simulated devices: those of their generation, slowness, refusals, broken answers. */
#include "samples/amt-sim/sim-habits.h"

#include <string.h>

const char *const sim_words_which[] = { "generation", "modern", NULL };
const char *const sim_words_handshake[] = { "good", "hang", "close", NULL };
const char *const sim_words_answer[] = { "good", "hang", "truncated", "drop", "big", "garbage",
					 "entities", "error", NULL };
const char *const sim_words_tls[] = { "generation", "1.0", "1.1", "both", "1.1-1.2", "1.2",
				      "1.2-1.3", "1.3", NULL };
const char *const sim_words_extensions[] = { "generation", "old", "new", NULL };
const char *const sim_words_tls11_hello[] = { "take", "alert-70", "alert-20", "reset", "silence",
					      NULL };
const char *const sim_words_login[] = { "good", "none", "any", "auth-int", "unknown", NULL };
const char *const sim_words_wsman[] = { "good", "drop", "302", "400", "403", "404", "405", "500",
					"501", NULL };
const char *const sim_words_forget[] = { "never", "at-once", "connection", "commit", NULL };
const char *const sim_words_commit[] = { "generation", "answer", "close", "drop", NULL };
const char *const sim_words_after[] = { "generation", "psk", "plain", "tls", "closed", NULL };
const char *const sim_words_mebx[] = { "generation", "take", "refuse", "default-only", NULL };
const char *const sim_words_refuse_with[] = { "alert-46", "alert-42", "alert-48", "alert-49",
					      "close", "401", NULL };
const char *const sim_words_pki_login[] = { "generation", "never", "mebx", "admin", "unknown",
					    "follow", NULL };
const char *const sim_words_own[] = { "generation", "rsa", "p384", "on-die", NULL };
const char *const sim_words_commit_mebx[] = { "generation", "yes", "no", NULL };

static enum sim_tls tls_of(unsigned major)
{
	return major <= 9 ? SIM_TLS_10 : major <= 11 ? SIM_TLS_10_11 : major <= 14 ? SIM_TLS_11_12
	       : major <= 21 ? SIM_TLS_12 : SIM_TLS_12_13;
}

/* What only machines have that are set up by certificate. */
static void decide_pki(struct sim_habits *h, const struct sim_device_firmware *firmware)
{
	bool modern = h->which == SIM_MODERN;
	unsigned major = firmware->major;

	if (h->tls == SIM_TLS_GENERATION)
		h->tls = tls_of(major);
	if (h->mebx == SIM_MEBX_GENERATION)
		h->mebx = modern || major < 4 ? SIM_MEBX_TAKE : SIM_MEBX_DEFAULT_ONLY;
	if (h->commit == SIM_COMMIT_GENERATION)
		h->commit = !modern && (major < 6 || major >= 19) ? SIM_COMMIT_DROP
								  : SIM_COMMIT_ANSWER;
	if (h->after == SIM_AFTER_GENERATION)
		h->after = major > 16 || (major == 16 && firmware->minor >= 1) ? SIM_AFTER_TLS
									      : SIM_AFTER_PLAIN;
}

void sim_habits_decide(struct sim_habits *h, const struct sim_device_firmware *firmware, bool pki)
{
	bool modern = h->which == SIM_MODERN;
	uint64_t settle = h->settle == SIM_SETTLE_GENERATION ? (modern ? 0 : 30) : h->settle;
	unsigned major = firmware->major;

	if (pki)
		decide_pki(h, firmware);
	if (h->tls == SIM_TLS_GENERATION)
		h->tls = modern ? SIM_TLS_10 : tls_of(major);
	if (h->extensions == SIM_EXTENSIONS_GENERATION)
		h->extensions = modern || major >= 9 ? SIM_EXTENSIONS_NEW : SIM_EXTENSIONS_OLD;
	if (h->mebx == SIM_MEBX_GENERATION)
		h->mebx = modern || major < 4 ? SIM_MEBX_TAKE : SIM_MEBX_REFUSE;
	if (h->commit == SIM_COMMIT_GENERATION)
		h->commit = modern || major >= 6 ? SIM_COMMIT_ANSWER : SIM_COMMIT_DROP;
	if (h->after == SIM_AFTER_GENERATION)
		h->after = modern ? SIM_AFTER_PSK : SIM_AFTER_PLAIN;
	if (h->pki_login == SIM_PKI_LOGIN_GENERATION)
		h->pki_login = modern || major >= 12 ? SIM_PKI_LOGIN_NEVER : SIM_PKI_LOGIN_MEBX;
	if (h->own == SIM_OWN_GENERATION)
		h->own = major >= 15 ? SIM_OWN_ON_DIE : SIM_OWN_RSA;
	if (h->commit_mebx == SIM_COMMIT_MEBX_GENERATION)
		h->commit_mebx = major >= 19 ? SIM_COMMIT_MEBX_YES : SIM_COMMIT_MEBX_NO;
	h->settle_ms = settle * 1000 / (h->pace ? h->pace : 1);
}

static bool has_factory_password(const struct sim_device *d)
{
	return strcmp(d->mebx, PASSWORD_FACTORY) == 0;
}

bool sim_habits_refuse(const struct sim_habits *h, const struct sim_device *d, const char *call,
		       unsigned *status)
{
	if (strcmp(call, "SetMEBxPassword") == 0 &&
	    (h->mebx == SIM_MEBX_REFUSE ||
	     (h->mebx == SIM_MEBX_DEFAULT_ONLY && !has_factory_password(d)))) {
		*status = 0x10;
		return true;
	}
	if (strcmp(call, "CommitChanges") == 0 &&
	    ((h->commit_mebx == SIM_COMMIT_MEBX_YES && has_factory_password(d)) ||
	     (h->commit_clock && !d->clock_set) || (h->commit_name && !d->host[0]))) {
		*status = 0x809;
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
