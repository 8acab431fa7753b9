/* The server's configuration: a file of "name = value" lines in sections, and its defaults. */
#ifndef SERVER_CORE_CONFIG_H
#define SERVER_CORE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/error.h"
#include "server/keymap/profiles.h"

#define CONFIG_LINE	199	/* bytes of a line: inih cuts longer ones in silence */
#define CONFIG_TEXT	200	/* bytes of a text value, with NUL */
#define CONFIG_FILE	(256 * 1024)	/* bytes of the whole file */
#define CONFIG_LISTEN	16	/* addresses to listen on */
#define CONFIG_PROFILES	64	/* profiles in the file */
#define CONFIG_WARNING	300	/* bytes of a warning, with NUL */

/* An address and port to listen on. */
struct config_address {
	struct sockaddr_storage address;
	socklen_t length;
	char text[64];		/* as written, for messages */
};

struct config_addresses {
	struct config_address at[CONFIG_LISTEN];
	size_t count;		/* 0: off */
};

enum config_reprovision { REPROVISION_ALLOWED, REPROVISION_SAME_UUID, REPROVISION_NEVER };
enum config_accept { PKI_ACCEPT_KNOWN, PKI_ACCEPT_SUBNET, PKI_ACCEPT_ANY };
enum config_check { CHECK_NO, CHECK_RANDOM, CHECK_ANY };
enum config_unknown_uuid { UNKNOWN_UUID_ACCEPT, UNKNOWN_UUID_REFUSE };

/*
 * Every option by its name in the file; amt-provisiond.conf(5) says what each means.
 * Names are unique over all sections, so that one may be set alone (in the map).
 */
struct config {
	/* [server] */
	char map[CONFIG_TEXT];
	char key_file[CONFIG_TEXT];	/* "": the map's name with ".key" */
	struct config_addresses listen;
	bool page;			/* answer a browser's GET */
	uint64_t log_keep;		/* events kept in the map */
	/* [limits] */
	uint64_t max_connections;
	uint64_t connections_per_address;
	uint64_t hellos_per_minute;	/* of one address */
	uint64_t hello_seconds;
	uint64_t max_unproved;		/* rows for machines that have proved nothing */
	/* [keys] */
	uint64_t reserve_seconds;
	int reprovision;		/* enum config_reprovision */
	int unknown_uuid;		/* enum config_unknown_uuid */
	/* [setup] */
	uint64_t callback_port;
	uint64_t connect_seconds;	/* TCP and TLS together */
	uint64_t answer_seconds;	/* one request and its answer */
	uint64_t setup_seconds;		/* the whole conversation */
	int check_after_commit;		/* enum config_check: with which passwords */
	uint64_t management_port;	/* of machines that are set up, without TLS */
	uint64_t key_pair_seconds;	/* between two orders to make a key pair */
	uint64_t max_setups;
	uint64_t retry_first_seconds;
	uint64_t retry_max_seconds;
	uint64_t retry_limit;		/* failures in a row before waiting for a hello; 0: none */
	char default_profile[CONFIG_TEXT];
	/* [names] */
	bool fqdn_required;
	bool dns_fallback;
	char dns_servers[CONFIG_TEXT];	/* "": those of the system */
	uint64_t dns_seconds;
	/* [script] */
	bool use_props_script;
	char props_script[CONFIG_TEXT];
	uint64_t props_script_timeout;	/* seconds */
	uint64_t props_script_parallel;
	/* [certificates] */
	char certificates_folder[CONFIG_TEXT];	/* "": none */
	/* Of the machines' own certificates; where there is no such file, none are issued. */
	char machine_authority[CONFIG_TEXT];
	bool serve_expired;
	/* [pki] */
	bool try_unlisted;		/* certificates whose root is not in the hello */
	char stick_password_file[CONFIG_TEXT];	/* "": none */
	char ondie_roots[CONFIG_TEXT];	/* "": Intel's, which is built in, alone */
	char pki_suffix[CONFIG_TEXT];	/* DNS suffix of the site's machines; "": not said */
	int pki_accept;			/* enum config_accept: who may come by certificate */
	char pki_subnets[CONFIG_TEXT];	/* see subnets.h */
	/* [metrics] */
	struct config_addresses metrics_listen;
	bool metrics_remote;

	/* Retired options that were given, a bit each: config_warning() */
	unsigned retired;

	/* [profile NAME], SECRET passwords inside */
	struct profile profiles[CONFIG_PROFILES];
	size_t n_profiles;
};

/* All defaults. */
void config_init(struct config *c);

/*
 * Read the file PATH over *c, which holds the defaults. Refused, with the number of the
 * line: a line of more than CONFIG_LINE bytes, unknown sections and options, an option
 * given twice, values that make no sense, indented lines, text behind a section's name.
 *
 * Returns 0, KIT_ERR_FORMAT, KIT_ERR_ARGUMENT, KIT_ERR_RANGE, or the errors of reading
 * a file.
 */
int config_load(struct config *c, const char *path, struct fault *fault);

/* The same for N bytes of text at TEXT; NAME is for messages. */
int config_parse(struct config *c, const char *text, size_t n, const char *name,
		 struct fault *fault);

/*
 * Set the option NAME (no section) from text: also the check of what a person wants to
 * keep in the map. KIT_ERR_NOT_FOUND: no such option; KIT_ERR_ARGUMENT: VALUE makes no sense.
 */
int config_set(struct config *c, const char *name, const char *value, struct fault *fault);

/*
 * The same for what was written down earlier, in the file or in the map: an option that this
 * release has retired is read, has no effect, and makes a warning. KIT_ERR_ARGUMENT: a retired
 * option with a value whose loss would change what the site relies on.
 */
int config_restore(struct config *c, const char *name, const char *value, struct fault *fault);

/* Warning I, from 0, about what was read, for the operator. KIT_ERR_NOT_FOUND: there is none. */
int config_warning(const struct config *c, size_t i, char out[static CONFIG_WARNING]);

/*
 * The value of option I as text into OUT; *name and *section are static strings. For
 * listing: I from 0 until KIT_ERR_NOT_FOUND.
 */
int config_get(const struct config *c, size_t i, const char **section, const char **name,
	       char *out, size_t size);

/*
 * Do the options make sense together (a script is named where one is to be used, metrics
 * are local unless metrics_remote)? Returns 0 or KIT_ERR_ARGUMENT with advice.
 */
int config_check(const struct config *c, struct fault *fault);

/* Seconds to wait after FAILURES (from 1) failed set-ups in a row. */
uint64_t config_backoff(const struct config *config, uint32_t failures);

/* One entry of default_profile: "NAME" or "NAME FIRST-LAST". */
struct config_default {
	char profile[SYSTEM_NAME + 1];
	bool ranged;			/* for some versions of AMT only: */
	struct profile_versions versions;
};
/*
 * Entry I, from 0, of LIST, a value of default_profile. The first one that has a machine's version,
 * or no versions, is its profile. KIT_ERR_NOT_FOUND: there are no more (no fault is set then);
 * KIT_ERR_ARGUMENT.
 */
int config_default(const char *list, size_t i, struct config_default *out, struct fault *fault);

/* The profile NAME of the file, or NULL. */
const struct profile *config_profile(const struct config *c, const char *name);

/* Wipes the profiles' passwords. */
void config_wipe(struct config *c);

#endif
