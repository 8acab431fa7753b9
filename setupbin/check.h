/* The checker: the authority on whether firmware will take a setup.bin, and why not. */
#ifndef SETUPBIN_CHECK_H
#define SETUPBIN_CHECK_H

#include "setupbin/file.h"

enum sbin_severity { SBIN_NOTE, SBIN_WARNING, SBIN_ERROR };

/* One finding. Texts never hold a value of a secret variable. */
struct sbin_finding {
	enum sbin_severity severity;
	uint64_t offset;	/* bytes from the beginning of the file */
	uint32_t record;	/* record number from 1; 0 for the header or the file */
	const char *variable;	/* name, "MODULE/ID" of one that is not known, or "" */
	const char *rule;	/* stable short name: "pid-check-character" */
	const char *text;	/* what is wrong; valid during the call only */
	const char *hint;	/* what to do; static */
};

/* What the checker learned on its way. */
struct sbin_summary {
	struct sbin_version version;
	bool consumable;		/* flag "do not consume" is clear */
	uint32_t records, consumed;	/* by the header */
	uint32_t valid;			/* records that a machine can still take */
	uint32_t next;			/* number (from 1) of the record that is next; 0: none */
	char next_pid[PID_SHOWN + 1];	/* its PID as people write it, or "" */
	unsigned long errors, warnings, notes;
	double post_seconds;		/* about how long a POST reads this file */
};

/*
 * Read the whole file and call FOUND for each finding: those of the header, then those of
 * each record in turn, then what can be said of the whole. FOUND may be NULL.
 * Returns 0 when the file could be read to its end (however bad: see
 * summary->errors), KIT_ERR_FORMAT when it is not a setup.bin at all (found() has been
 * said why), or the input's error with *fault set.
 */
int sbin_check(const struct sbin_input *in,
	       void (*found)(void *context, const struct sbin_finding *finding), void *context,
	       struct sbin_summary *summary, struct fault *fault);

/* Seconds of POST for RECORDS (Cutler's two points, between logarithms). */
double sbin_post_seconds(uint32_t records);
/* The same for people: "about 15 seconds", "less than a second". OUT has SBIN_POST_TEXT bytes. */
#define SBIN_POST_TEXT	32
void sbin_post_text(double seconds, char *out);

#endif
