/* Will firmware take this stick? One table of rules, each with its verdict and how to fix it. */
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
	VERIFY_WARN,	/* some firmware, or some people, will stumble over it */
	VERIFY_FAIL,	/* firmware will not see the stick, or not be able to use it */
	VERIFY_SKIP,	/* could not be looked at, because of an earlier failure */
};

/* What is to be verified, and what is known of the device besides its bytes. */
struct verify_input {
	const struct disk *disk;
	const char *target;		/* as on a command line: "/dev/sdb", "--image stick.img" */
	bool image;			/* an ordinary file: the device rules do not apply */
	bool usb;			/* it hangs on USB */
	bool read_only;			/* write-protected */
	const char *mounted;		/* where it is mounted, or NULL */
	const struct probe_signatures *signatures;	/* what libblkid sees, or NULL */
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
	bool layout_known;		/* it looks like one of the kit's layouts */
	enum layout_kind layout;
	uint64_t file_offset;		/* byte on the stick, when has_file */
	uint64_t file_bytes;
};

/*
 * Run every rule and hand each result to FOUND, in the order of the table. The verdict on the
 * stick is summary->failed == 0.
 *
 * Returns 0 when all could be read, however bad it is; KIT_ERR_NOMEM or the disk's error.
 */
int verify_run(const struct verify_input *in,
	       void (*found)(void *context, const struct verify_result *result), void *context,
	       struct verify_summary *summary, struct fault *fault);

/* "pass", "warn", "FAIL", "skip". */
const char *verify_verdict_name(enum verify_verdict verdict);

#endif
