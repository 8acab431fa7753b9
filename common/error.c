/* The kit's one table of errors, and the struct that carries an error to a person. */
#include "common/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *error_text(int code)
{
	static const struct {
		int code;
		const char *text;
	} table[] = {
		{ 0, "no error" },
		{ KIT_ERR_SYSTEM, "system error" },
		{ KIT_ERR_NOMEM, "out of memory" },
		{ KIT_ERR_ARGUMENT, "invalid argument" },
		{ KIT_ERR_FORMAT, "invalid format" },
		{ KIT_ERR_TRUNCATED, "ends too early" },
		{ KIT_ERR_RANGE, "outside its limits" },
		{ KIT_ERR_CHECK, "wrong check character" },
		{ KIT_ERR_DUPLICATE, "duplicate" },
		{ KIT_ERR_NOT_FOUND, "not found" },
		{ KIT_ERR_EXISTS, "exists already" },
		{ KIT_ERR_STATE, "not possible in the present state" },
		{ KIT_ERR_BUSY, "in use" },
		{ KIT_ERR_REMOVED, "removed" },
		{ KIT_ERR_READ_ONLY, "write-protected" },
		{ KIT_ERR_UNFIT, "not fit" },
		{ KIT_ERR_PERMISSION, "wrong permissions" },
		{ KIT_ERR_CRYPTO, "cryptography failed" },
		{ KIT_ERR_FORGED, "authentication failed" },
		{ KIT_ERR_DATABASE, "database error" },
		{ KIT_ERR_NETWORK, "network error" },
		{ KIT_ERR_TIMEOUT, "timed out" },
		{ KIT_ERR_PROTOCOL, "unexpected answer" },
		{ KIT_ERR_REFUSED, "refused by the peer" },
		{ KIT_ERR_LIBRARY, "library error" },
		{ KIT_ERR_CANCELLED, "cancelled" },
		{ KIT_ERR_VERIFY, "read back differently" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].code == code)
			return table[i].text;
	return "unknown error";
}

static int code_of_errno(int err)
{
	switch (err) {
	case ENOMEM:	return KIT_ERR_NOMEM;
	case EROFS:	return KIT_ERR_READ_ONLY;
	case EBUSY:	return KIT_ERR_BUSY;
	case EEXIST:	return KIT_ERR_EXISTS;
	case ENOENT:	return KIT_ERR_NOT_FOUND;
	case EACCES:
	case EPERM:	return KIT_ERR_PERMISSION;
	case ENODEV:
	case ENOMEDIUM:	return KIT_ERR_REMOVED;
	default:	return KIT_ERR_SYSTEM;
	}
}

/* The part of FORMAT before its line break says what is wrong, that behind it is the hint. */
static void __attribute__((format(printf, 2, 0)))
fill(struct fault *f, const char *format, va_list args)
{
	char text[sizeof(f->what) + sizeof(f->hint)], first[sizeof(f->what)];
	const char *cut = strchr(format, '\n');
	size_t length = cut ? (size_t)(cut - format) : 0;
	va_list again;
	int n;

	if (!cut || length >= sizeof(first)) {
		vsnprintf(f->what, sizeof(f->what), format, args);
		return;
	}
	memcpy(first, format, length);
	first[length] = '\0';
	va_copy(again, args);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	n = vsnprintf(f->what, sizeof(f->what), first, args);
#pragma GCC diagnostic pop
	vsnprintf(text, sizeof(text), format, again);
	va_end(again);
	/* Values may hold line breaks, too: the cut is where the first part's text ends. */
	if (n >= 0 && (size_t)n + 1 < sizeof(text))
		snprintf(f->hint, sizeof(f->hint), "%s", text + n + 1);
}

int fault_set(struct fault *f, int code, const char *format, ...)
{
	va_list args;

	if (!f)
		return code;
	if (f->code)
		return f->code;
	f->code = code;
	va_start(args, format);
	fill(f, format, args);
	va_end(args);
	return code;
}

int fault_sys(struct fault *f, int err, const char *format, ...)
{
	va_list args;
	size_t at;

	if (!f)
		return code_of_errno(err);
	if (f->code)
		return f->code;
	f->code = code_of_errno(err);
	f->sys = err;
	va_start(args, format);
	fill(f, format, args);
	va_end(args);
	at = strlen(f->what);
	snprintf(f->what + at, sizeof(f->what) - at, ": %s", strerror(err));
	return f->code;
}

int fault_nomem(struct fault *f)
{
	return fault_set(f, KIT_ERR_NOMEM, "%s", error_text(KIT_ERR_NOMEM));
}

int fault_hint(struct fault *f, const char *format, ...)
{
	va_list args;

	if (!f)
		return KIT_ERR_SYSTEM;
	if (!f->hint[0]) {
		va_start(args, format);
		vsnprintf(f->hint, sizeof(f->hint), format, args);
		va_end(args);
	}
	return f->code;
}

int fault_context(struct fault *f, const char *format, ...)
{
	char context[sizeof(f->what)], what[sizeof(f->what)];
	va_list args;

	if (!f)
		return KIT_ERR_SYSTEM;
	va_start(args, format);
	vsnprintf(context, sizeof(context), format, args);
	va_end(args);
	memcpy(what, f->what, sizeof(what));
	/* The room is shared fairly: a context never pushes the cause out. */
	snprintf(f->what, sizeof(f->what), "%.150s: %.240s", context, what);
	return f->code;
}

int fault_pass(struct fault *f, const struct fault *from)
{
	if (f && !f->code)
		*f = *from;
	return from->code ? from->code : KIT_ERR_SYSTEM;
}

void fault_clear(struct fault *f)
{
	if (f)
		memset(f, 0, sizeof(*f));
}
