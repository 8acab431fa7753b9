/* What will be written where: made before the first byte, shown by --dry-run, then carried out. */
#ifndef UKPU_STICK_PLAN_H
#define UKPU_STICK_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "ukpu/format/fatread.h"
#include "ukpu/stick/layout.h"
#include "ukpu/drive/target.h"

/*
 * The phases in the order that keeps a stick which is pulled at any moment from showing
 * a half-written key: before PLAN_CLEAN (unless the stick shows nothing that could be seen),
 * PLAN_BODY's end, PLAN_BOOT and PLAN_TABLE, all that was written is on the medium.
 */
enum plan_phase {
	PLAN_ERASE,	/* the table and every boot sector there is: from here on nothing is seen */
	PLAN_CLEAN,	/* both ends of the stick, old signatures */
	PLAN_STAMP,	/* is the capacity true? */
	PLAN_BODY,	/* FATs, root directory, setup.bin */
	PLAN_BOOT,	/* boot sectors */
	PLAN_TABLE,	/* the MBR, last */
};

enum plan_kind {
	PLAN_ZERO, PLAN_WIPE, PLAN_STAMPS, PLAN_INFO_SECTOR, PLAN_FAT_COPY, PLAN_ROOT,
	PLAN_FILE, PLAN_STUB, PLAN_BOOT_SECTOR, PLAN_MBR,
};

struct plan_step {
	enum plan_phase phase;
	enum plan_kind kind;
	uint64_t offset;	/* byte on the stick */
	uint64_t bytes;		/* that are written */
	char text[72];		/* for people */
};

struct plan {
	struct layout layout;
	const uint8_t *file; /* SECRET; borrowed: bytes of setup.bin, or NULL for an empty stick */
	uint64_t file_bytes;
	uint32_t disk_id, volume_id;	/* random */
	int64_t when;		/* time of the directory entry, seconds since 1970 */
	struct plan_step *step;
	size_t n, room;
	uint64_t bytes;		/* of all steps */
	bool blank;		/* nothing is on the stick that a reader could see */
};

/* What is wanted. */
struct plan_request {
	enum layout_kind kind;
	const uint8_t *file; /* SECRET; borrowed until the plan is freed: NULL for an empty stick */
	uint64_t file_bytes;
	/* Pieces of old files to be overwritten with zeros, and read back as such. */
	const struct fatread_run *wipe;
	size_t n_wipe;
	bool wipe_all;		/* every byte of the stick */
};

/*
 * Plan what RQ wants. What is on the target now is looked at, so that every old boot sector and
 * signature goes. The time is now, or SOURCE_DATE_EPOCH of the environment.
 *
 * Returns 0, KIT_ERR_ARGUMENT (SOURCE_DATE_EPOCH is not a number), KIT_ERR_UNFIT (too small, too large, wrong sectors), KIT_ERR_NOMEM,
 * or an error of reading. Free with plan_free().
 */
int plan_make(struct plan *out, struct target *t, const struct plan_request *rq,
	      struct fault *fault);
void plan_free(struct plan *p);

/*
 * The bytes of a step: SIZE of them from byte AT of the step on, which is a multiple of 512; OUT
 * has room for whole sectors. Not for PLAN_STAMPS and PLAN_MBR, which are no fixed bytes.
 */
void plan_fill(const struct plan *p, const struct plan_step *step, uint64_t at, uint8_t *out,
	       size_t size);

/* "erase", "clean", ... */
const char *plan_phase_name(enum plan_phase phase);

#endif
