/* One PID/PPS pair: its characters, check characters, generation and display. */
#ifndef KEYGEN_PIDPPS_H
#define KEYGEN_PIDPPS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/*
 * Characters on the wire, in TLS and in setup.bin: no dashes, no NUL.
 * Alphabet: A-Z and 0-9. Source: "PID-PPS Checksum" in Intel's AMT
 * Implementation and Reference Guide.
 */
#define PID_LENGTH	8	/* 7 free, the last is a check character */
#define PPS_LENGTH	32	/* 8 groups of 3 free and 1 check character */
#define PID_SHOWN	9	/* XXXX-XXXC */
#define PPS_SHOWN	39	/* 8 groups joined by dashes */

struct pidpps {
	char pid[PID_LENGTH + 1];	/* public */
	char pps[PPS_LENGTH + 1];	/* SECRET */
};

/*
 * Check character over N characters (7 for a PID, 3 for a PPS group): the sum
 * of their ASCII codes modulo 36, 0..9 shown as digits, 10..35 as letters.
 */
char pidpps_check_character(const char *s, size_t n);

/*
 * Is this a PID (8 characters) / a PPS (32) as the wire has it? Upper case only.
 * Returns 0, KIT_ERR_FORMAT (a character outside the alphabet), KIT_ERR_CHECK (check
 * character), KIT_ERR_RANGE (PPS only: all zeros, which leaves a machine's set-up
 * state as it was). S need not end in NUL.
 */
int pidpps_check_pid(const char *s);
int pidpps_check_pps(const char *s);

/*
 * Take a PID or PPS as a person or a list writes it: dashes and surrounding
 * blanks are dropped, lower case is folded to upper; *folded (may be NULL) is set
 * to true when that happened and else left alone.
 *
 *   text, n  the field, N bytes, no NUL needed
 *   out      receives PID_LENGTH + 1 or PPS_LENGTH + 1 bytes; wiped on failure
 *
 * Returns 0, KIT_ERR_RANGE (not 8 / 32 characters, or an all-zero PPS), KIT_ERR_FORMAT,
 * KIT_ERR_CHECK.
 */
int pidpps_parse_pid(const char *text, size_t n, char *out, bool *folded);
int pidpps_parse_pps(const char *text, size_t n, char *out, bool *folded);

/* The rule that CODE, from one of the functions above, says was broken: for people. */
const char *pidpps_rule(int code, bool pps);

/* With dashes: OUT receives PID_SHOWN + 1 / PPS_SHOWN + 1 bytes. */
void pidpps_show_pid(const char *pid, char *out);
void pidpps_show_pps(const char *pps, char *out);

/*
 * A generator of pairs: draws from OpenSSL's RAND_bytes in batches, without
 * modulo bias, never gives the all-zero PPS, and gives no PID twice in its life.
 * It remembers the PIDs it gave (keygen/pidset.h).
 */
struct pidpps_generator;
int pidpps_generator_new(struct pidpps_generator **out, struct fault *fault);
/* Returns 0, KIT_ERR_CRYPTO, KIT_ERR_NOMEM. */
int pidpps_generate(struct pidpps_generator *g, struct pidpps *out, struct fault *fault);
/* *g may be NULL. Wipes what is left of the drawn random. */
void pidpps_generator_free(struct pidpps_generator **g);

#endif
