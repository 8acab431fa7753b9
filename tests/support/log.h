/* A log of all that reaches a target, in order, for tests that cut it short. */
#ifndef TESTS_SUPPORT_LOG_H
#define TESTS_SUPPORT_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "ukpu/stick/content.h"
#include "ukpu/stick/layout.h"

struct stick_event {
	uint64_t offset;
	uint8_t *data;		/* NULL: a flush */
	size_t size;
};

struct stick_log {
	struct stick_event *event;
	size_t n, room;
	size_t fail_at;		/* number of the event that fails, from 0; SIZE_MAX: none */
	int err;		/* with this errno */
	size_t after_failure;	/* events that came all the same */
};

/* Empties the log; nothing is to fail any more. */
void stick_log_free(struct stick_log *log);

/*
 * Write CONTENT to the image PATH as prepare and repair do: old setup.bin files are found first,
 * and wiped. LOG (or NULL) sees every write and flush.
 */
int stick_rewrite(const char *path, enum layout_kind kind, const struct content *content,
		  struct stick_log *log, struct fault *fault);

#endif
