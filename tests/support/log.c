/* Writing sticks under a log. */
#include "tests/support/log.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ukpu/stick/find.h"
#include "ukpu/stick/plan.h"
#include "ukpu/stick/stick.h"

#define WIPES	64	/* pieces of old files */

static int note(void *context, uint64_t offset, const void *data, size_t size)
{
	struct stick_log *log = context;
	struct stick_event *e;

	if (log->n > log->fail_at)
		log->after_failure++;
	if (log->n == log->room) {
		log->room = log->room ? 2 * log->room : 256;
		log->event = realloc(log->event, log->room * sizeof(*log->event));
		ck_assert_ptr_nonnull(log->event);
	}
	e = &log->event[log->n++];
	*e = (struct stick_event){ offset, NULL, size };
	if (data) {
		e->data = malloc(size);
		ck_assert_ptr_nonnull(e->data);
		memcpy(e->data, data, size);
	}
	return log->n - 1 == log->fail_at ? log->err : 0;
}

void stick_log_free(struct stick_log *log)
{
	for (size_t i = 0; i < log->n; i++)
		free(log->event[i].data);
	free(log->event);
	memset(log, 0, sizeof(*log));
	log->fail_at = SIZE_MAX;
}

int stick_rewrite(const char *path, enum layout_kind kind, const struct content *content,
		  struct stick_log *log, struct fault *fault)
{
	struct target_hook hook = { note, log };
	struct fatread_run runs[WIPES];
	struct plan_request rq = {
		.kind = kind, .file = content->data, .file_bytes = content->size, .wipe = runs,
	};
	struct target *t = NULL;
	struct plan plan = { 0 };
	struct find found = { 0 };
	int rc = target_open(&t, path, TARGET_WRITE | TARGET_IMAGE, fault);

	if (!rc)
		rc = find_run(&found, target_disk(t), FIND_DEEP, NULL, NULL, fault);
	for (size_t i = 0; i < found.n; i++) {
		for (size_t k = 0; k < found.candidate[i].file.n_runs && rq.n_wipe < WIPES; k++)
			runs[rq.n_wipe++] = found.candidate[i].file.runs[k];
	}
	if (!rc)
		rc = plan_make(&plan, t, &rq, fault);
	if (!rc && log)
		target_set_hook(t, &hook);
	if (!rc)
		rc = stick_write(&plan, t, NULL, fault);
	plan_free(&plan);
	find_free(&found);
	target_close(&t);
	return rc;
}
