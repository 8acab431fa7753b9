/* A plan carried out: the write order, and the proof by reading back. */
#include "ukpu/stick.h"

#include <stdlib.h>
#include <string.h>

#include "keygen/secret.h"
#include "ukpu/stamp.h"
#include "ukpu/table.h"

#define PIECE	((size_t)256 << 10)

static int write_step(const struct plan *p, const struct plan_step *step, struct target *t,
		      uint8_t *buffer, const struct stick_progress *progress, struct fault *fault)
{
	int r = 0;

	if (step->kind == PLAN_STAMPS)
		return stamp_check(t, fault);
	if (step->kind == PLAN_MBR)
		return table_write(t, &p->layout, p->disk_id, fault);
	for (uint64_t at = 0; at < step->bytes && !r; at += PIECE) {
		size_t n = step->bytes - at < PIECE ? (size_t)(step->bytes - at) : PIECE;

		plan_fill(p, step, at, buffer, n);
		r = target_write(t, step->offset + at, buffer, n, fault);
		if (!r && progress)
			progress->update(progress->context, target_reached(t), p->bytes);
	}
	return r;
}

/* A step's bytes as they were written must be what the medium gives back. */
static int compare_step(const struct plan *p, const struct plan_step *step,
			const struct disk *fresh, uint8_t *buffer, struct fault *fault)
{
	uint8_t *wanted = buffer, *found = buffer + PIECE / 2;
	int r = 0;

	for (uint64_t at = 0; at < step->bytes && !r; at += PIECE / 2) {
		size_t n = step->bytes - at < PIECE / 2 ? (size_t)(step->bytes - at) : PIECE / 2;

		plan_fill(p, step, at, wanted, n);
		r = disk_read(fresh, step->offset + at, found, n, fault);
		if (!r && !secret_equal(wanted, found, n)) {
			fault_set(fault, KIT_ERR_VERIFY, "%s: the %s at byte %llu came back different "
				  "from what was written", fresh->name, step->text,
				  (unsigned long long)(step->offset + at));
			r = fault_todo(fault, "The stick is broken: take another one.");
		}
	}
	return r;
}

/*
 * After the phase of a step: what has been wiped is looked at at once, as later phases may
 * write over it. The body and boot phases are final, and are looked at in the end.
 */
static int compare_phase(const struct plan *p, enum plan_phase phase, struct target *t,
			 uint8_t *buffer, struct fault *fault)
{
	const struct disk *fresh;
	int r = target_fresh(t, &fresh, fault);

	for (size_t i = 0; i < p->n && !r; i++) {
		const struct plan_step *step = &p->step[i];

		if (step->phase == phase && step->kind != PLAN_STUB &&
		    (phase != PLAN_CLEAN || step->kind == PLAN_WIPE))
			r = compare_step(p, step, fresh, buffer, fault);
	}
	return r;
}

int stick_write(const struct plan *p, struct target *t, const struct stick_progress *progress,
		struct fault *fault)
{
	uint8_t *buffer = malloc(PIECE);
	int r = 0;

	if (!buffer)
		return fault_set(fault, KIT_ERR_NOMEM, "no memory to write the stick");
	for (size_t i = 0; i < p->n && !r; i++) {
		bool last = i + 1 == p->n || p->step[i + 1].phase != p->step[i].phase;

		r = write_step(p, &p->step[i], t, buffer, progress, fault);
		if (!r && last)
			r = target_flush(t, fault);
		if (!r && last && p->step[i].phase == PLAN_CLEAN)
			r = compare_phase(p, PLAN_CLEAN, t, buffer, fault);
		if (!r && progress)
			progress->update(progress->context, target_reached(t), p->bytes);
	}
	if (!r)
		r = compare_phase(p, PLAN_BODY, t, buffer, fault);
	if (!r)
		r = compare_phase(p, PLAN_BOOT, t, buffer, fault);
	secret_wipe(buffer, PIECE);
	free(buffer);
	return r;
}
