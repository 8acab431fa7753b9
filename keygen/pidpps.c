/* One PID/PPS pair: its characters, check characters, generation and display. */
#include "keygen/pidpps.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keygen/pidset.h"
#include "common/secret.h"

#define GROUP		4	/* a PPS group: 3 free characters and their check character */
#define ALPHABET	36

static const char alphabet[ALPHABET + 1] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

char pidpps_check_character(const char *s, size_t n)
{
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (unsigned char)s[i];
	return alphabet[sum % ALPHABET];
}

/* Letters and digits come at random here: a branch on them would be missed half the time. */
static bool in_alphabet(char c)
{
	return ((unsigned char)(c - '0') < 10) | ((unsigned char)(c - 'A') < 26);
}

/* Groups of GROUP_LENGTH characters, each ended by the check character of the others. */
static int check_groups(const char *s, size_t length, size_t group_length)
{
	bool good = true;

	for (size_t i = 0; i < length; i++)
		good &= in_alphabet(s[i]);
	if (!good)
		return KIT_ERR_FORMAT;
	for (size_t i = 0; i < length; i += group_length)
		if (s[i + group_length - 1] != pidpps_check_character(s + i, group_length - 1))
			return KIT_ERR_CHECK;
	return 0;
}

int pidpps_check_pid(const char *s)
{
	return check_groups(s, PID_LENGTH, PID_LENGTH);
}

int pidpps_check_pps(const char *s)
{
	int rc = check_groups(s, PPS_LENGTH, GROUP);
	unsigned differ = 0;

	for (size_t i = 0; !rc && i < PPS_LENGTH; i++)
		differ |= (unsigned)(s[i] ^ '0');
	return rc ? rc : differ ? 0 : KIT_ERR_RANGE;
}

/* Copy TEXT without dashes and outer blanks, folded, to exactly LENGTH characters. */
static int gather(const char *text, size_t n, char *out, size_t length, bool *folded)
{
	size_t at = 0;

	while (n && (text[0] == ' ' || text[0] == '\t')) {
		text++;
		n--;
	}
	while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (c == '-')
			continue;
		if (at == length)
			return KIT_ERR_RANGE;
		if (c >= 'a' && c <= 'z') {
			c = (char)(c - 'a' + 'A');
			if (folded)
				*folded = true;
		}
		out[at++] = c;
	}
	return at == length ? 0 : KIT_ERR_RANGE;
}

static int parse(const char *text, size_t n, char *out, size_t length,
		 int (*check)(const char *), bool *folded)
{
	bool was_folded = false;
	int rc = gather(text, n, out, length, &was_folded);

	if (!rc)
		rc = check(out);
	if (rc)
		secret_wipe(out, length);
	else if (was_folded && folded)
		*folded = true;
	out[rc ? 0 : length] = 0;
	return rc;
}

int pidpps_parse_pid(const char *text, size_t n, char *out, bool *folded)
{
	return parse(text, n, out, PID_LENGTH, pidpps_check_pid, folded);
}

int pidpps_parse_pps(const char *text, size_t n, char *out, bool *folded)
{
	return parse(text, n, out, PPS_LENGTH, pidpps_check_pps, folded);
}

const char *pidpps_rule(int code, bool pps)
{
	switch (code) {
	case KIT_ERR_FORMAT:
		return "only A-Z and 0-9 (and dashes between) are allowed";
	case KIT_ERR_CHECK:
		return pps ? "the last character of each group of 4 must be the check character of"
			     " the 3 before it"
			   : "the last character must be the check character of the 7 before it";
	case KIT_ERR_RANGE:
		return pps ? "a PPS has 32 characters (dashes are ignored), not all zeros"
			   : "a PID has 8 characters (dashes are ignored)";
	default:
		return error_text(code);
	}
}

static void show(const char *s, size_t length, char *out)
{
	for (size_t i = 0; i < length; i++) {
		if (i && i % GROUP == 0)
			*out++ = '-';
		*out++ = s[i];
	}
	*out = 0;
}

void pidpps_show_pid(const char *pid, char *out)
{
	show(pid, PID_LENGTH, out);
}

void pidpps_show_pps(const char *pps, char *out)
{
	show(pps, PPS_LENGTH, out);
}

struct pidpps_generator {
	uint8_t random[16384];	/* drawn in one go: one call per pair costs more than the pair */
	size_t at;		/* bytes of random used */
	struct pidset *given;
};

int pidpps_generator_new(struct pidpps_generator **out, struct fault *fault)
{
	struct pidpps_generator *g = calloc(1, sizeof(*g));
	int rc;

	*out = NULL;
	if (!g)
		return fault_sys(fault, ENOMEM, "cannot make pairs");
	rc = pidset_new(&g->given, fault);
	if (rc) {
		free(g);
		return rc;
	}
	g->at = sizeof(g->random);
	*out = g;
	return 0;
}

void pidpps_generator_free(struct pidpps_generator **gp)
{
	struct pidpps_generator *g = *gp;

	*gp = NULL;
	if (!g)
		return;
	secret_wipe(g->random, sizeof(g->random));
	pidset_free(&g->given);
	free(g);
}

/* Fill N characters, each of the 36 equally likely: bytes from 252 (7 * 36) on are thrown away. */
static int draw(struct pidpps_generator *g, char *out, size_t n, struct fault *fault)
{
	for (size_t i = 0; i < n;) {
		uint8_t byte;

		if (g->at == sizeof(g->random)) {
			if (RAND_bytes(g->random, sizeof(g->random)) != 1)
				return fault_set(fault, KIT_ERR_CRYPTO,
						 "the random generator of OpenSSL failed");
			g->at = 0;
		}
		byte = g->random[g->at++];
		if (byte < 252)
			out[i++] = alphabet[byte % ALPHABET];
	}
	return 0;
}

int pidpps_generate(struct pidpps_generator *g, struct pidpps *out, struct fault *fault)
{
	int rc;

	do {
		rc = draw(g, out->pid, PID_LENGTH - 1, fault);
		if (rc)
			goto out;
		out->pid[PID_LENGTH - 1] = pidpps_check_character(out->pid, PID_LENGTH - 1);
		out->pid[PID_LENGTH] = 0;
		rc = pidset_add(g->given, out->pid, fault);
	} while (rc == 0);
	if (rc < 0)
		goto out;
	do {
		for (size_t i = 0; i < PPS_LENGTH; i += GROUP) {
			rc = draw(g, out->pps + i, GROUP - 1, fault);
			if (rc)
				goto out;
			out->pps[i + GROUP - 1] = pidpps_check_character(out->pps + i, GROUP - 1);
		}
		out->pps[PPS_LENGTH] = 0;
	} while (pidpps_check_pps(out->pps) == KIT_ERR_RANGE);
	rc = 0;
out:
	if (rc)
		secret_wipe(out, sizeof(*out));
	return rc;
}
