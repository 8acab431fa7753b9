/* Will firmware accept this stick? A table of rules, each with a verdict and how to fix it. */
#ifndef UKPU_STICK_VERIFY_H
#define UKPU_STICK_VERIFY_H

#include <stdbool.h>

#include "common/error.h"
#include "setupbin/check.h"
#include "ukpu/format/disk.h"
#include "ukpu/stick/layout.h"
#include "ukpu/drive/probe.h"

enum verify_verdict {
	VERIFY_PASS,
	VERIFY_WARN,	/* a problem for some firmware, or for people */
	VERIFY_FAIL,	/* firmware does not see the stick, or cannot use it */
	VERIFY_SKIP,	/* not checked, because of an earlier failure */
};

/* What to verify, and what is known about the device besides its bytes. */
struct verify_input {
	const struct disk *disk;
	const char *target;		/* as on a command line: "/dev/sdb", "--image stick.img" */
	bool image;			/* an ordinary file: the device rules do not apply */
	bool usb;			/* a USB device */
	bool read_only;			/* write-protected */
	const char *mounted;		/* where it is mounted, or NULL */
	const struct probe_signatures *signatures;	/* found by libblkid, or NULL */
};

struct verify_result {
	const char *group;	/* "device", "table", "boot", "fat", "root", "file", "contents" */
	const char *rule;	/* stable short name: "table-signature" */
	enum verify_verdict verdict;
	char text[240];		/* what was found */
	char fix[200];		/* the command or act that fixes it; "" when it passed */
};

struct verify_summary {
	unsigned passed, warned, failed, skipped;
	bool has_file;			/* SETUP.BIN was found and could be read */
	struct sbin_summary contents;	/* of it, when has_file */
	bool layout_known;		/* it has one of the kit's layouts */
	enum layout_kind layout;
	uint64_t file_offset;		/* byte on the stick, when has_file */
	uint64_t file_bytes;
};

/*
 * Run all rules in the order of the table and pass each result to FOUND. The stick is good if
 * summary->failed is 0.
 *
 * Returns 0 if all could be read, however bad the stick is; KIT_ERR_NOMEM or the disk's error.
 */
int verify_run(const struct verify_input *in,
	       void (*found)(void *context, const struct verify_result *result), void *context,
	       struct verify_summary *summary, struct fault *fault);

/* "pass", "warn", "FAIL", "skip". */
const char *verify_verdict_name(enum verify_verdict verdict);

#endif
