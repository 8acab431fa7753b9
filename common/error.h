/* The kit's one table of errors, and the struct that carries an error to a person. */
#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

/*
 * Every function of the kit that can fail returns 0 or one of these negative
 * codes. Functions that return a count or a yes/no say so themselves.
 */
enum kit_error {
	KIT_ERR_SYSTEM = -1,		/* a system call failed; fault.sys has errno */
	KIT_ERR_NOMEM = -2,
	KIT_ERR_ARGUMENT = -3,		/* misuse: an option or argument makes no sense */
	KIT_ERR_FORMAT = -4,		/* the input does not follow its format */
	KIT_ERR_TRUNCATED = -5,		/* the input ends before the format says it may */
	KIT_ERR_RANGE = -6,		/* a value or length is outside its limits */
	KIT_ERR_CHECK = -7,		/* a check character is wrong */
	KIT_ERR_DUPLICATE = -8,
	KIT_ERR_NOT_FOUND = -9,
	KIT_ERR_EXISTS = -10,		/* would overwrite what is there */
	KIT_ERR_STATE = -11,		/* not allowed in the present state */
	KIT_ERR_BUSY = -12,		/* somebody else holds it */
	KIT_ERR_REMOVED = -13,		/* the stick was pulled */
	KIT_ERR_READ_ONLY = -14,
	KIT_ERR_UNFIT = -15,		/* the target cannot serve, or must not be written */
	KIT_ERR_PERMISSION = -16,	/* a secret file that others can read, or no right */
	KIT_ERR_CRYPTO = -17,		/* the crypto library refused */
	KIT_ERR_FORGED = -18,		/* authentication failed: tampered with, or the wrong key */
	KIT_ERR_DATABASE = -19,
	KIT_ERR_NETWORK = -20,
	KIT_ERR_TIMEOUT = -21,
	KIT_ERR_PROTOCOL = -22,		/* the peer's answer is not what the protocol says */
	KIT_ERR_REFUSED = -23,		/* the peer understood and said no */
	KIT_ERR_LIBRARY = -24,		/* a library failed for a reason of its own */
	KIT_ERR_CANCELLED = -25,	/* a person said no */
	KIT_ERR_VERIFY = -26,		/* what was read back is not what was written */
};

/* A few words for CODE ("out of memory"); never NULL, a static string. */
const char *error_text(int code);

/* Exit statuses of every program. */
enum exit_status {
	EXIT_YES = 0,		/* done, or the answer is yes */
	EXIT_NO = 1,		/* the answer is no: not valid, not fit, not found */
	EXIT_CANNOT = 2,	/* could not do it, or misuse */
};

/*
 * What went wrong, for a person: set where it is known best, printed by main.
 * Neither text may ever hold a secret value.
 */
struct fault {
	int code;		/* 0, or negative from enum kit_error */
	int sys;		/* errno behind it, or 0 */
	char what[400];		/* what is wrong and where: one sentence, no full stop */
	char hint[600];		/* what to do next; "" when nothing helps */
};

/*
 * Record a fault; the FIRST one set is kept, later calls change nothing (the
 * first error is the true one, those after it are its echo). F may be NULL.
 * FORMAT is "what is wrong", or "what is wrong\\nwhat to do next".
 * Returns the code that F now holds, or CODE when F is NULL.
 */
int fault_set(struct fault *f, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * The same for a failed system call: ": strerror(ERR)" is appended to what is wrong. The code
 * is KIT_ERR_SYSTEM, or the more telling one for ERR (ENOMEM, EROFS, EBUSY,
 * EEXIST, ENOENT, EACCES and EPERM, ENODEV and ENOMEDIUM).
 */
int fault_sys(struct fault *f, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Record that memory ran out. Returns as fault_set(). */
int fault_nomem(struct fault *f);

/*
 * Say what to do about a fault that was set elsewhere; a hint that is there stays. Returns f->code;
 * without F, KIT_ERR_SYSTEM: an error stays one even where nobody listens.
 */
int fault_hint(struct fault *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Put "CONTEXT: " before the text of the fault (a file's name, a step). Returns as fault_hint(). */
int fault_context(struct fault *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Hand a fault on that was kept aside until it was known to matter: FROM goes into F, unless F
 * holds an earlier one. F may be NULL. Returns from->code; KIT_ERR_SYSTEM where that says nothing.
 */
int fault_pass(struct fault *f, const struct fault *from);

/* Forget the fault, so that F can be used again. */
void fault_clear(struct fault *f);

/* The ending of a noun in a message: "" for one, "s" for any other number of them. */
static inline const char *plural(unsigned long long n)
{
	return n == 1 ? "" : "s";
}

#endif
