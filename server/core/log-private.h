/* How an event is said to systemd's journal; for the log and its tests. */
#ifndef SERVER_CORE_LOG_PRIVATE_H
#define SERVER_CORE_LOG_PRIVATE_H

#include <stddef.h>
#include <sys/uio.h>

#include "server/keymap/events.h"

/* "NAME=value" of each field, as sd_journal_sendv() takes them. */
struct log_fields {
	struct iovec fields[10];
	size_t count, size;
	char text[13000];
};

void log_fields(const struct logentry *event, struct log_fields *out);

#endif
