/* ukpu: what its verbs share. */
#ifndef UKPU_UKPU_H
#define UKPU_UKPU_H

#include <stdbool.h>

#include "keygen/cli.h"
#include "ukpu/target.h"
#include "ukpu/verify.h"

extern const struct cli_option ukpu_prepare_options[];
extern const struct cli_option ukpu_verify_options[];
extern const struct cli_option ukpu_status_options[];

/* The verbs. */
int ukpu_prepare(struct cli *cli);
int ukpu_verify(struct cli *cli);
int ukpu_status(struct cli *cli);

/* PATH as it stands in a command line: with --image before it when it is an image file. */
struct ukpu_words { char text[200]; };
struct ukpu_words ukpu_words(const struct cli *cli, const char *path);

/* Fill in what verify wants to know of the target T at PATH; *words and *signatures are the caller's. */
void ukpu_verify_input(struct verify_input *in, const struct disk *disk, const struct target *t,
		       const struct ukpu_words *words, const struct probe_signatures *signatures);

/* A line for a verdict on stdout. CONTEXT is a struct ukpu_lines. */
struct ukpu_lines {
	bool only_bad;		/* leave out what passed or was skipped */
};
void ukpu_print_result(void *context, const struct verify_result *result);

/* "a, b and c" things: the plural ending for N. */
static inline const char *ukpu_plural(unsigned long n)
{
	return n == 1 ? "" : "s";
}

#endif
