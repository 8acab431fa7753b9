/* What will be written where: complete before the first write, shown by --dry-run, then done. */
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
 * The phases, in an order in which a stick that is pulled at any moment never shows a half-written
 * key. What was written is flushed after PLAN_ERASE (unless the stick was blank), PLAN_BODY,
 * PLAN_BOOT and PLAN_TABLE.
 */
enum plan_phase {
	PLAN_ERASE,	/* the table and all boot sectors: from here on readers see nothing */
	PLAN_CLEAN,	/* both ends of the stick, old signatures */
	PLAN_CAPACITY,	/* is the capacity true? */
	PLAN_BODY,	/* FATs, root directory, setup.bin */
	PLAN_BOOT,	/* boot sectors */
	PLAN_TABLE,	/* the MBR, last */
};

enum plan_kind {
	PLAN_ZERO, PLAN_WIPE, PLAN_RANDOM, PLAN_INFO_SECTOR, PLAN_FAT_COPY, PLAN_ROOT,
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
	bool blank;		/* readers see nothing on the stick */
};

/* What to plan. */
struct plan_request {
	enum layout_kind kind;
	const uint8_t *file; /* SECRET; borrowed until the plan is freed: NULL for an empty stick */
	uint64_t file_bytes;
	/* Pieces of old files: overwritten with zeros and read back. */
	const struct fatread_run *wipe;
	size_t n_wipe;
	bool wipe_all;		/* every byte of the stick */
};

/*
 * Plan RQ. The target is read, so that all old boot sectors and signatures are erased. The time of
 * the entry is now, or SOURCE_DATE_EPOCH of the environment.
 *
 * Returns 0, KIT_ERR_ARGUMENT (SOURCE_DATE_EPOCH is not a number), KIT_ERR_UNFIT (too small, too
 * large, wrong sectors), KIT_ERR_NOMEM, or an error of reading. Free with plan_free().
 */
int plan_make(struct plan *out, struct target *t, const struct plan_request *rq,
	      struct fault *fault);
void plan_free(struct plan *p);

/*
 * The bytes of a step: SIZE of them from byte AT of the step on, which is a multiple of 512; OUT
 * has room for whole sectors. Not for PLAN_RANDOM and PLAN_MBR, whose bytes are not fixed.
 */
void plan_fill(const struct plan *p, const struct plan_step *step, uint64_t at, uint8_t *out,
	       size_t size);

/* "erase", "clean", ... */
const char *plan_phase_name(enum plan_phase phase);

#endif
