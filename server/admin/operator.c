/* The person at work on a map: what that person does is written to the map's log. */
#include "server/admin/operator.h"

#include <stdarg.h>
#include <stdio.h>

#include "server/keymap/events.h"

int operator_log(const struct operator *op, enum severity severity, const char *event,
		 const char *pid, const struct uuid *uuid, struct fault *fault,
		 const char *format, ...)
{
	struct logentry entry = { .time = op->now, .severity = severity, .name = event,
				  .pid = pid, .uuid = uuid };
	char what[400], text[500];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(text, sizeof(text), "%s, by %s", what, op->name);
	entry.what = text;
	return keymap_log(op->map, &entry, fault);
}
