/* Writing a plan in its order, and the proof by reading back. */
#include "ukpu/stick/stick.h"

#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "ukpu/stick/capacity.h"
#include "ukpu/stick/mbr.h"

#define PIECE	((size_t)1 << 20)

/* A plan that is being written. */
struct writing {
	const struct plan *p;
	struct target *t;
	const struct stick_progress *progress;
	uint8_t *buffer;	/* PIECE bytes */
	uint64_t spared;	/* bytes that had to be zero and were */
};

static void report(const struct writing *run)
{
	if (run->progress)
		run->progress->update(run->progress->context, target_reached(run->t) + run->spared,
				      run->p->bytes);
}

/* The ends of a stick are mostly zeros already, and reading is faster than writing. */
static bool is_zero(const struct writing *run, uint64_t at, uint64_t end)
{
	uint64_t stop;

	for (; target_next_data(run->t, &at, end, &stop); at = stop) {
		size_t n = (size_t)(stop - at);

		if (disk_read(target_disk(run->t), at, run->buffer, n, NULL) || run->buffer[0] ||
		    memcmp(run->buffer, run->buffer + 1, n - 1))
			return false;
	}
	return true;
}

static int write_step(struct writing *run, const struct plan_step *step, struct fault *fault)
{
	int rc = 0;

	if (step->kind == PLAN_RANDOM)
		return capacity_check(run->t, fault);
	if (step->kind == PLAN_MBR)
		return mbr_write(run->t, &run->p->layout, run->p->disk_id, fault);
	for (uint64_t at = 0; at < step->bytes && !rc; at += PIECE) {
		size_t n = step->bytes - at < PIECE ? (size_t)(step->bytes - at) : PIECE;

		if (step->kind == PLAN_ZERO && step->phase == PLAN_CLEAN &&
		    is_zero(run, step->offset + at, step->offset + at + n)) {
			run->spared += n;
			continue;
		}
		plan_fill(run->p, step, at, run->buffer, n);
		rc = target_write(run->t, step->offset + at, run->buffer, n, fault);
		report(run);
	}
	return rc;
}

/* The medium must return what was written in a step. */
static int compare_step(const struct plan *p, const struct plan_step *step,
			const struct disk *fresh, uint8_t *buffer, struct fault *fault)
{
	uint8_t *wanted = buffer, *found = buffer + PIECE / 2;
	int rc = 0;

	for (uint64_t at = 0; at < step->bytes && !rc; at += PIECE / 2) {
		size_t n = step->bytes - at < PIECE / 2 ? (size_t)(step->bytes - at) : PIECE / 2;

		plan_fill(p, step, at, wanted, n);
		rc = disk_read(fresh, step->offset + at, found, n, fault);
		if (!rc && memcmp(wanted, found, n)) {
			rc = fault_set(fault, KIT_ERR_VERIFY, "%s: the %s at byte %llu came back "
				      "different from what was written\n"
				      "the stick is broken: use another one", fresh->name,
				      step->text, (unsigned long long)(step->offset + at));
		}
	}
	return rc;
}

/*
 * What was wiped is read back before later phases write over it; the body and boot phases are
 * final, and are read back at the end.
 */
static int compare_phase(const struct plan *p, enum plan_phase phase, struct target *t,
			 uint8_t *buffer, struct fault *fault)
{
	const struct disk *fresh;
	int rc = target_fresh(t, &fresh, fault);

	for (size_t i = 0; i < p->n && !rc; i++) {
		const struct plan_step *step = &p->step[i];

		if (step->phase == phase && step->kind != PLAN_STUB &&
		    (phase != PLAN_CLEAN || step->kind == PLAN_WIPE))
			rc = compare_step(p, step, fresh, buffer, fault);
	}
	return rc;
}

/*
 * After erasing, or readers could see what is cleaned next through an old boot sector. The check
 * of the capacity flushes by itself, which covers what was cleaned, too; its last zeros are
 * flushed with the body.
 */
static bool needs_flush(const struct plan *p, enum plan_phase phase)
{
	return phase == PLAN_ERASE ? !p->blank : phase != PLAN_CLEAN && phase != PLAN_CAPACITY;
}

int stick_write(const struct plan *p, struct target *t, const struct stick_progress *progress,
		struct fault *fault)
{
	struct writing run = { p, t, progress, malloc(PIECE), 0 };
	int rc = 0;

	if (!run.buffer)
		return fault_nomem(fault);
	for (size_t i = 0; i < p->n && !rc; i++) {
		enum plan_phase phase = p->step[i].phase;
		bool last = i + 1 == p->n || p->step[i + 1].phase != phase;

		rc = write_step(&run, &p->step[i], fault);
		if (!rc && last && needs_flush(p, phase))
			rc = target_flush(t, fault);
		if (!rc && last && phase == PLAN_CAPACITY)
			rc = compare_phase(p, PLAN_CLEAN, t, run.buffer, fault);
		report(&run);
	}
	if (!rc)
		rc = compare_phase(p, PLAN_BODY, t, run.buffer, fault);
	if (!rc)
		rc = compare_phase(p, PLAN_BOOT, t, run.buffer, fault);
	secret_wipe(run.buffer, PIECE);
	free(run.buffer);
	return rc;
}
