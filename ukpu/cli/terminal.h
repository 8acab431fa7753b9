/* The terminal's face of a stick at work: questions, notes, plans, verdicts, results. */
#ifndef UKPU_CLI_TERMINAL_H
#define UKPU_CLI_TERMINAL_H

#include "common/progress.h"
#include "ukpu/cli/ukpu.h"

struct terminal {
	struct cli *cli;
	struct work_options options;
	struct work_face face;
	bool yes;		/* do not ask */
	bool searching;
	struct progress bar;	/* while searching */
};

/* T must not be moved or copied after this: its face points to it. */
void terminal_begin(struct terminal *t, struct cli *cli, const struct ukpu_options *options);

/*
 * Show what the sticks are and what is on them, and have the word "yes" typed; --yes instead
 * only with a --serial for each block device. DOING: "Write to", "Rebuild", ...
 */
int terminal_confirm(struct terminal *t, const struct work *works, size_t n, const char *doing,
		     struct fault *fault);

/* A line on standard output, as printf(); names in it may be a stranger's. */
void terminal_print_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

void terminal_print_plan(const struct work *w);
/* In plain words what the stick is now. */
void terminal_print_summary(const struct work *w);
/* A line for a verdict on stdout. CONTEXT: NULL, or anything to leave out what passed. */
void terminal_print_result(void *context, const struct verify_result *result);

/*
 * Write the plans of all sticks, side by side, and verify each past the cache; faults are printed
 * and stay in each one's work. RECOVER: what to say if a signal ends it meanwhile: the command
 * that brings the stick back, or NULL to run the same one again. Returns how many failed.
 */
size_t terminal_write(struct terminal *t, struct work *works, size_t n, const char *recover);

#endif
