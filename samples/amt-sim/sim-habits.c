/* Habits of simulated devices, good and bad: slowness, refusals, answers that are none. */
#include "samples/amt-sim/sim-habits.h"

#include <string.h>

/* The position of the option NAME's value among WORDS, to *OUT; unchanged when not given. */
static int parse_word(const struct cli *cli, const char *name, const char *const *words,
		      unsigned *out, struct fault *fault)
{
	const char *value = cli_value(cli, name);

	if (!value)
		return 0;
	for (size_t i = 0; words[i]; i++) {
		if (strcmp(value, words[i]) == 0) {
			*out = (unsigned)i;
			return 0;
		}
	}
	return fault_set(fault, KIT_ERR_ARGUMENT, "--%s: \"%s\" is unknown\n"
			 "see the words in --help", name, value);
}

/* --wsman: a word, or a status of HTTP that is none of success. */
static int parse_wsman(const struct cli *cli, struct sim_habits *h, struct fault *fault)
{
	const char *value = cli_value(cli, "wsman");
	uint64_t status;
	int rc;

	h->wsman = 0;
	if (!value || strcmp(value, "good") == 0)
		return 0;
	if (strcmp(value, "drop") == 0) {
		h->wsman = SIM_WSMAN_DROP;
		return 0;
	}
	rc = cli_number(cli, "wsman", 300, 599, &status, fault);
	if (rc == 0)
		h->wsman = (unsigned)status;
	return rc;
}

/* Waits, in units that people use; all of them are divided by the pace. */
static int parse_waits(const struct cli *cli, struct sim_habits *h, struct fault *fault)
{
	uint64_t settle = 0;
	int rc;

	h->pace = 1;
	rc = cli_number(cli, "pace", 1, 1000, &h->pace, fault);
	if (rc == 0)
		rc = cli_number(cli, "settle", 0, 3600, &settle, fault);
	if (rc == 0)
		rc = cli_number(cli, "delay", 0, 600000, &h->delay, fault);
	h->settle_given = cli_has(cli, "settle");
	h->settle = settle * 1000;
	return rc;
}

int sim_habits_parse(const struct cli *cli, struct sim_habits *h, struct fault *fault)
{
	static const char *const all[] = { "modern", "generation", NULL };
	static const char *const handshakes[] = { "good", "hang", "close", NULL };
	static const char *const answers[] = { "good", "hang", "truncated", "drop", "big",
					       "garbage", "entities", "error", NULL };
	static const char *const tls[] = { "generation", "1.0", "1.1", "both", NULL };
	static const char *const extensions[] = { "generation", "old", "new", NULL };
	static const char *const hellos[] = { "take", "alert-70", "alert-20", "reset", "silence",
					      NULL };
	static const char *const logins[] = { "good", "none", "any", "auth-int", "unknown", NULL };
	static const char *const forgets[] = { "never", "at-once", "connection", "commit", NULL };
	static const char *const commits[] = { "generation", "answer", "close", "drop", NULL };
	static const char *const afters[] = { "generation", "psk", "plain", "tls", "closed", NULL };
	static const char *const mebx[] = { "generation", "take", "refuse", NULL };
	enum { WHICH, HANDSHAKE, ANSWER, TLS, EXTENSIONS, HELLO, LOGIN, FORGET, COMMIT, AFTER,
	       MEBX, WORDS };
	static const struct {
		const char *option;
		const char *const *words;
	} options[WORDS] = {
		[WHICH] = { "habits", all }, [HANDSHAKE] = { "handshake", handshakes },
		[ANSWER] = { "answer", answers }, [TLS] = { "tls", tls },
		[EXTENSIONS] = { "tls-extensions", extensions },
		[HELLO] = { "tls11-hello", hellos }, [LOGIN] = { "login", logins },
		[FORGET] = { "forget-admin", forgets }, [COMMIT] = { "commit", commits },
		[AFTER] = { "after-commit", afters }, [MEBX] = { "mebx", mebx },
	};
	unsigned word[WORDS] = { 0 };
	uint64_t status = 0x10;
	int rc = 0;

	memset(h, 0, sizeof(*h));
	h->answer_bytes = 10 * 1024 * 1024;
	for (size_t i = 0; rc == 0 && i < WORDS; i++)
		rc = parse_word(cli, options[i].option, options[i].words, &word[i], fault);
	if (rc == 0)
		rc = cli_size(cli, "answer-bytes", 1, UINT32_MAX, &h->answer_bytes, fault);
	if (rc == 0)
		rc = cli_number(cli, "answer-times", 1, UINT32_MAX, &h->answer_times, fault);
	if (rc == 0)
		rc = cli_number(cli, "refuse-status", 1, UINT32_MAX, &status, fault);
	if (rc == 0)
		rc = parse_waits(cli, h, fault);
	if (rc == 0)
		rc = parse_wsman(cli, h, fault);
	h->modern = word[WHICH] == 0;
	h->handshake = (enum sim_habits_handshake)word[HANDSHAKE];
	h->answer = (enum sim_habits_answer)word[ANSWER];
	h->tls = (enum sim_tls)word[TLS];
	h->extensions = (enum sim_extensions)word[EXTENSIONS];
	h->tls11_hello = (enum sim_tls11_hello)word[HELLO];
	h->login = (enum sim_login)word[LOGIN];
	h->forget = (enum sim_forget)word[FORGET];
	h->commit = (enum sim_commit)word[COMMIT];
	h->after = (enum sim_after)word[AFTER];
	h->mebx = (enum sim_mebx)word[MEBX];
	h->answer_to = cli_value(cli, "answer-to");
	h->refuse = cli_value(cli, "refuse");
	h->refuse_status = (unsigned)status;
	h->close_each = cli_has(cli, "close-each");
	h->nonce_each = cli_has(cli, "nonce-each");
	h->wrong_pps = cli_has(cli, "wrong-pps");
	h->wrong_uuid = cli_has(cli, "wrong-uuid");
	return rc;
}

void sim_habits_decide(struct sim_habits *h, unsigned major)
{
	if (h->tls == SIM_TLS_GENERATION)
		h->tls = !h->modern && major >= 10 ? SIM_TLS_10_11 : SIM_TLS_10;
	if (h->extensions == SIM_EXTENSIONS_GENERATION)
		h->extensions = h->modern || major >= 9 ? SIM_EXTENSIONS_NEW : SIM_EXTENSIONS_OLD;
	if (h->mebx == SIM_MEBX_GENERATION)
		h->mebx = h->modern || major < 4 ? SIM_MEBX_TAKE : SIM_MEBX_REFUSE;
	if (h->commit == SIM_COMMIT_GENERATION)
		h->commit = h->modern || major >= 6 ? SIM_COMMIT_ANSWER : SIM_COMMIT_DROP;
	if (h->after == SIM_AFTER_GENERATION)
		h->after = h->modern ? SIM_AFTER_PSK : SIM_AFTER_PLAIN;
	if (!h->settle_given && !h->modern)
		h->settle = 30000;
	h->settle /= h->pace ? h->pace : 1;
	h->pace = 1;
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
