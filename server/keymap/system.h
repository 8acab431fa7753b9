/* One machine as the server knows it: a row of csti_amts, by UUID. */
#ifndef SERVER_KEYMAP_SYSTEM_H
#define SERVER_KEYMAP_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include "keygen/password.h"
#include "keygen/pidpps.h"
#include "common/uuid.h"

enum system_state {
	SYSTEM_QUEUED,			/* hello accepted, set-up has not begun */
	SYSTEM_IN_SETUP,		/* set-up is running (or was, when the server stopped) */
	SYSTEM_CONFIGURED,		/* committed and read back */
	SYSTEM_FAILED,			/* will be tried again at next_try */
	SYSTEM_FQDN_MISSING,		/* waits for a name */
	SYSTEM_NEEDS_CERTIFICATE,	/* said a version 3 (PKI) hello: not served */
	SYSTEM_REFUSED,			/* last hello refused; reason says why */
	SYSTEM_STATES
};

#define SYSTEM_ADDRESS	63	/* bytes of text, without NUL: IPv6 with a scope fits */
#define SYSTEM_FQDN	255
#define SYSTEM_REASON	400
#define SYSTEM_VERSION	31
#define SYSTEM_NAME	63	/* profile names, admin user names */

/* Empty strings and zeros stand for what is not known. Holds no secret. */
struct system {
	struct uuid uuid;
	/* That it proved last, or of its re-key once done; before any proof, of its newest hello. */
	char pid[PID_LENGTH + 1];
	char next_pid[PID_LENGTH + 1];	/* new pair that the machine may have got already */
	char address[SYSTEM_ADDRESS + 1];	/* where it did so, without port */
	/* What a later hello says, which has not been proved; "": nothing else. */
	char claimed_pid[PID_LENGTH + 1];
	char claimed_address[SYSTEM_ADDRESS + 1];
	int64_t claim_failed_at; /* when such a one came to nothing; 0: not since the last proof */
	int64_t proved_at;		/* last proof of a key; 0: never */
	enum system_state state;
	char reason[SYSTEM_REASON + 1];	/* why it is in this state, for people */
	uint32_t hellos;		/* heard in all */
	uint32_t hello_version;		/* 2 or 3: of the newest */
	uint32_t hello_retry;		/* its retry count */
	uint32_t failures;		/* set-ups failed since the last success or retry */
	int64_t first_seen, last_seen;	/* hellos; seconds since 1970 UTC */
	int64_t next_try;		/* when set-up is due; 0: nothing planned */
	int64_t configured_at;		/* last success; 0: never */
	char fqdn[SYSTEM_FQDN + 1];
	char profile[SYSTEM_NAME + 1];
	char version[SYSTEM_VERSION + 1];	/* AMT firmware: "3.2.1" */
	char admin_user[SYSTEM_NAME + 1]; /* of the account that set-up made, or is to make first */
};

/*
 * SECRET, all of it. What the machine has for certain, and what it may have got:
 * "next" is in the map before the machine gets it, and becomes the present one when
 * the machine has said yes. Empty: none.
 */
struct system_secrets {
	char admin_password[PASSWORD_MAX + 1];
	char next_admin_password[PASSWORD_MAX + 1];
	char mebx_password[PASSWORD_MAX + 1];
	char next_mebx_password[PASSWORD_MAX + 1];
};

/* Does the row belong to a proved key other than PID (and other than that of its re-key)? */
bool system_is_held_by_other(const struct system *system, const char *pid);

/* "queued", "in-setup", "configured", "failed", "fqdn-missing", "needs-certificate", "refused". */
const char *system_state_word(enum system_state state);
/* The reverse; KIT_ERR_ARGUMENT. */
int system_state_parse(const char *word, enum system_state *out);

/* The row as a jansson object (a new reference), or NULL when out of memory. */
struct json_t;
struct json_t *system_json(const struct system *system);

#endif
