/* The doctor: known problems, looked for on this server. */
#ifndef SERVER_ADMIN_DOCTOR_H
#define SERVER_ADMIN_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/core/config.h"

#define DOCTOR_DOMAINS	16

enum doctor_verdict { DOCTOR_PASS, DOCTOR_WARN, DOCTOR_FAIL, DOCTOR_VERDICTS };

struct doctor_finding {
	const char *check;	/* stable short name: "listening", "free-keys" */
	enum doctor_verdict verdict;
	const char *what;	/* what was found; valid during the call */
	const char *hint;	/* what to do, or NULL */
};

/* What to look at, and where findings go. Everything is borrowed. */
struct doctor {
	struct config *config;
	bool unread;			/* the file could not be: nothing goes by its defaults */
	struct keymap *map;		/* NULL: it cannot be opened */
	const char *map_path, *key_file;
	int64_t now;
	uint64_t min_free;		/* free keys that there should be at least */
	const char *server_name;	/* that machines look up: "ProvisionServer" */
	const char *domains[DOCTOR_DOMAINS];	/* in which they may look */
	size_t n_domains;		/* 0: those of RESOLV_CONF */
	const char *resolv_conf;
	unsigned timeout_ms; /* for a connection to this server, and for the map's lock */
	void (*found)(void *context, const struct doctor_finding *finding);
	void *context;
};

/* "pass", "warn", "fail". */
const char *doctor_verdict_word(enum doctor_verdict verdict);

/*
 * Take the map's settings into the configuration and check it. WHY says that the file could
 * not be read, or holds no fault.
 */
void doctor_configuration(const struct doctor *d, const struct fault *why);
/* The map's content, the free keys, and the key file (which the caller could open). */
void doctor_keys(const struct doctor *d);
/* The machines, and what the log says of the last day. */
void doctor_fleet(const struct doctor *d);
/* Unless unread: the server's certificates, and how machines that want one take them. */
void doctor_certificates(const struct doctor *d);
/* Does the server have a certificate that it can show to machines? */
bool doctor_serves_certificates(const struct doctor *d);
/* The properties script (unless unread), the clock, the disk. */
void doctor_host(const struct doctor *d);
/* Unless unread: does the server listen on port 9971, and not on loopback only? */
void doctor_reachable(const struct doctor *d);
/* Unless unread: does the server answer at its own addresses? */
void doctor_listening(const struct doctor *d);
/* Do the names that machines look up lead here? */
void doctor_names(const struct doctor *d);

/* Report a finding, printf style. HINT may be NULL. */
void doctor_say(const struct doctor *d, const char *check, enum doctor_verdict verdict,
		const char *hint, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Report a fault as a finding that failed. */
void doctor_fault(const struct doctor *d, const char *check, const struct fault *fault);

#endif
