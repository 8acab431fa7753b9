/* Private to verify*.c: the state that the rules check, and the rules. */
#ifndef UKPU_STICK_VERIFY_PRIVATE_H
#define UKPU_STICK_VERIFY_PRIVATE_H

#include "ukpu/format/fatread.h"
#include "ukpu/format/parts.h"
#include "ukpu/format/scan.h"
#include "ukpu/stick/verify.h"

struct verify {
	const struct verify_input *in;
	struct parts parts;
	uint8_t sector0[DISK_SECTOR];
	const struct part *part;	/* the one that is checked, or NULL */
	bool has_volume;
	char no_volume[200];		/* why not */
	struct fatread v;
	struct scan_root root;
	struct scan_clusters clusters;
	bool has_file;
	char no_file[200];
	struct fatread_file file;
	bool checked;			/* the setup.bin checker has run; then: */
	struct sbin_summary contents;
	char first_error[160];		/* of the checker's findings */
	char first_warning[160];
	int error;			/* the disk's: there is no verdict then */
	struct fault fault;
};

/* What a rule needs; if it is missing, the rule is skipped. */
enum verify_need { NEED_NOTHING, NEED_TABLE, NEED_VOLUME, NEED_SETUP, NEED_FILE, NEED_CONTENTS };

struct verify_rule {
	const char *group;
	const char *name;
	enum verify_need need;
	void (*check)(struct verify *v, struct verify_result *out);
	const char *fix;	/* "%s" is the target; NULL: repair */
};

/* The tables of rules; each ends with a NULL name. */
extern const struct verify_rule verify_stick_rules[];	/* device, table, boot */
extern const struct verify_rule verify_volume_rules[];	/* fat, root, file, contents */

/* Set the verdict and its text. */
void verify_say(struct verify_result *out, enum verify_verdict verdict, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Read from the disk for a rule: false if that fails. Past the disk's end there is nothing; after
 * any other error there is no verdict.
 */
bool verify_read(struct verify *v, uint64_t at, void *buffer, size_t size);

#endif
