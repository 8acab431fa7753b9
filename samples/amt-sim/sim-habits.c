/* Habits of simulated devices, good and bad: slowness, refusals, answers that are none. */
#include "samples/amt-sim/sim-habits.h"

#include <string.h>

/* The position of the option NAME's value among WORDS, to *OUT; unchanged when not given. */
static int parse_word(const struct cli *cli, const char *name, const char *const *words,
		      size_t n, unsigned *out, struct fault *fault)
{
	const char *value = cli_value(cli, name);

	if (!value)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(value, words[i]) == 0) {
			*out = (unsigned)i;
			return 0;
		}
	}
	return fault_set(fault, KIT_ERR_ARGUMENT, "--%s: \"%s\" is not known\n"
			 "see the words in --help", name, value);
}

int sim_habits_parse(const struct cli *cli, struct sim_habits *h, struct fault *fault)
{
	static const char *const handshakes[] = { "good", "hang", "close" };
	static const char *const answers[] = {
		"good", "hang", "truncated", "drop", "big", "garbage", "entities", "error",
	};
	static const char *const tls[] = { "1.0", "1.1" };
	unsigned handshake = SIM_HANDSHAKE_GOOD, answer = SIM_ANSWER_GOOD, version = 0;
	uint64_t status = 0x10;
	int rc;

	memset(h, 0, sizeof(*h));
	h->answer_bytes = 10 * 1024 * 1024;
	rc = parse_word(cli, "handshake", handshakes, 3, &handshake, fault);
	if (rc == 0)
		rc = parse_word(cli, "answer", answers, 8, &answer, fault);
	if (rc == 0)
		rc = parse_word(cli, "tls", tls, 2, &version, fault);
	if (rc == 0)
		rc = cli_size(cli, "answer-bytes", 1, UINT32_MAX, &h->answer_bytes, fault);
	if (rc == 0)
		rc = cli_number(cli, "answer-times", 1, UINT32_MAX, &h->answer_times, fault);
	if (rc == 0)
		rc = cli_number(cli, "refuse-status", 1, UINT32_MAX, &status, fault);
	if (rc == 0)
		rc = cli_number(cli, "delay", 0, 600000, &h->delay, fault);
	h->handshake = (enum sim_habits_handshake)handshake;
	h->answer = (enum sim_habits_answer)answer;
	h->answer_to = cli_value(cli, "answer-to");
	h->refuse = cli_value(cli, "refuse");
	h->refuse_status = (unsigned)status;
	h->no_digest = cli_has(cli, "no-digest");
	h->wrong_pps = cli_has(cli, "wrong-pps");
	h->wrong_uuid = cli_has(cli, "wrong-uuid");
	h->shut_after_commit = cli_has(cli, "shut-after-commit");
	h->tls11 = version == 1;
	return rc;
}

bool sim_habits_refuse(const struct sim_habits *h, const char *call, unsigned *status)
{
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
