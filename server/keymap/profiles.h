/* Profiles: what set-up makes of a machine. Kept in the key map or in a file. */
#ifndef SERVER_KEYMAP_PROFILES_H
#define SERVER_KEYMAP_PROFILES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "keygen/password.h"
#include "server/keymap/systems.h"

struct keymap;

#define PROFILE_DEFAULT	"default"	/* the one that needs no definition */

enum profile_password {
	PROFILE_KEEP,		/* the one that the stick's record gave it stays */
	PROFILE_ONE,		/* the profile's own, the same for all machines */
	PROFILE_RANDOM,		/* a new random one for each machine, kept sealed in the map */
	PROFILE_AUTO,		/* of MEBx: random by certificate, keep by PID and PPS */
};

/* TLS of the machine's own, once it is set up. */
enum profile_tls {
	PROFILE_TLS_KEEP,	/* as it has it */
	PROFILE_TLS_SERVER,	/* with a certificate by the site's authority of machines */
	PROFILE_TLS_WORDS
};

/* A version range of AMT firmware, ends included: major * 256 + minor. */
struct profile_versions {
	uint16_t min, max;
};

struct profile {
	char name[SYSTEM_NAME + 1];	/* letters, digits, '-', '_', '.' */
	char admin_user[SYSTEM_NAME + 1];	/* default "admin" */
	enum profile_password admin_policy;	/* default PROFILE_RANDOM */
	char admin_password[PASSWORD_MAX + 1];	/* SECRET; for PROFILE_ONE */
	enum profile_password mebx_policy;	/* default PROFILE_AUTO */
	char mebx_password[PASSWORD_MAX + 1];	/* SECRET; for PROFILE_ONE */
	bool set_names;		/* host and domain name from the FQDN; default yes */
	bool set_clock;		/* default yes */
	bool rekey;		/* give the machine a fresh pair; default no */
	enum profile_tls tls;	/* default PROFILE_TLS_KEEP */
	struct profile_versions versions;	/* default 2.0 to 255.255: all */
};

/* A profile NAME with the defaults above. KIT_ERR_ARGUMENT for a bad name. */
int profile_init(struct profile *p, const char *name, struct fault *fault);

/*
 * Set one property from text, for profile files and "profiles set" alike:
 *   admin_user      text
 *   admin_password  keep | random | file:PATH     (a 0600 file that holds the password)
 *   mebx_password   auto | keep | random | file:PATH
 *   set_names, set_clock, rekey    yes | no
 *   tls             keep | server
 *   amt_versions    "2.0-10.255" or "3.2"
 * Returns 0 or KIT_ERR_ARGUMENT (unknown name, bad value), or the errors of secret_read().
 */
int profile_set(struct profile *p, const char *name, const char *value, struct fault *fault);

/* "keep", "server". */
const char *profile_tls_word(enum profile_tls tls);

/* Does the profile serve AMT version MAJOR.MINOR? */
bool profile_serves(const struct profile *p, unsigned major, unsigned minor);

/* Wipes the passwords. */
void profile_wipe(struct profile *p);

/* Without its secrets, as a jansson object (a new reference), or NULL when out of memory. */
struct json_t;
struct json_t *profile_json(const struct profile *p);

/* ---- rows ---- */

/* Insert or replace; its passwords are sealed. */
int keymap_profile_put(struct keymap *m, const struct profile *profile, struct fault *fault);
/* *out with its SECRET passwords (profile_wipe()). KIT_ERR_NOT_FOUND (no fault is set then). */
int keymap_profile_find(struct keymap *m, const char *name, struct profile *out,
			struct fault *fault);
/* All, by name; as keymap_each(). */
int keymap_profiles(struct keymap *m,
		    int (*each)(void *context, const struct profile *profile), void *context,
		    struct fault *fault);
int keymap_profile_remove(struct keymap *m, const char *name, struct fault *fault);

#endif
