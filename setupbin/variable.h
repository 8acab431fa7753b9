/* One variable (entry) of a data record, and the table of all that are known. */
#ifndef SETUPBIN_VARIABLE_H
#define SETUPBIN_VARIABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "setupbin/header.h"

/*
 * Integers are little-endian.
 *   OFFSET  SIZE  FIELD
 *      0      2   module
 *      2      2   id        unique within its module
 *      4      2   length    bytes of value
 *      6      2   reserved  zero
 *      8    len   value     then zeros up to a multiple of 4
 */
struct sbin_variable {
	uint16_t module;
	uint16_t id;
	uint16_t length;
	uint16_t reserved;
	const uint8_t *value;	/* borrowed; may be SECRET, see the table */
	const uint8_t *padding;	/* borrowed: padding4(length) bytes as found; NULL means zeros */
};

enum sbin_module { SBIN_ME = 1, SBIN_AMT = 2 };

/* The ids that the kit itself works with; the whole list is sbin_known. */
enum sbin_id {
	SBIN_CURRENT_PASSWORD = 1,	/* module 1 */
	SBIN_NEW_PASSWORD = 2,
	SBIN_MANAGEABILITY = 3,
	SBIN_PID = 1,			/* module 2 */
	SBIN_PPS = 2,
	SBIN_DNS_SUFFIX = 3,
	SBIN_SERVER_FQDN = 4,
	SBIN_REMOTE_CONFIG = 5,
	SBIN_PUBLIC_ROOTS = 6,
	SBIN_CERT_CONFIG = 7,
	SBIN_CERT_ADD = 8,
	SBIN_HOST_NAME = 11,
	SBIN_DOMAIN_NAME = 12,
	SBIN_PROVISIONING_MODE = 16,
	SBIN_SERVER_ADDRESS = 17,
	SBIN_SERVER_PORT = 18,
	SBIN_IPV6 = 22,
	SBIN_SHARED_FQDN = 23,
	SBIN_HALT_ACTIVATE = 28,
	SBIN_CHANNEL_ID = 30,
};

#define SBIN_VARIABLE_HEADER	8	/* bytes before the value: */
#define SBIN_VARIABLE_LENGTH_OFFSET	4
#define SBIN_VARIABLE_RESERVED_OFFSET	6

/* Read or write one; the reader's or writer's sticky error is returned. */
int sbin_variable_decode(struct reader *r, struct sbin_variable *v);
int sbin_variable_encode(struct writer *w, const struct sbin_variable *v);

enum sbin_type {
	SBIN_TEXT, SBIN_U8, SBIN_U16, SBIN_U32, SBIN_IPV4, SBIN_GUID, SBIN_CERT_HASH, SBIN_RAW,
	SBIN_CHARS,	/* text of a fixed length: PID, PPS */
};

/* What the checker asks of a text, beyond its length. */
enum sbin_rule {
	SBIN_RULE_NONE,			/* ASCII */
	SBIN_RULE_CURRENT_PASSWORD,	/* password_check_current() */
	SBIN_RULE_NEW_PASSWORD,		/* password_check_new() */
	SBIN_RULE_HOST_NAME,		/* one label of a DNS name */
	SBIN_RULE_DNS_NAME,
};

/* One known variable. Source: SDK page "Intel AMT and USB Versions", MeshCentral. */
struct sbin_known {
	uint16_t module;
	uint16_t id;
	const char *name;		/* "new-mebx-password" */
	enum sbin_type type;
	uint16_t min, max;		/* bytes of value */
	struct sbin_version since;	/* lowest file version that carries it */
	bool secret;
	const char *words;		/* "0=disabled 1=enabled", or NULL */
	const char *about;		/* a few words for "variables" */
	enum sbin_rule rule;		/* of a SBIN_TEXT; NONE where it is left out */
};

/* All known variables, by module and id; ended by a NULL name. */
extern const struct sbin_known sbin_known[];
/* NULL when unknown. */
const struct sbin_known *sbin_known_find(uint16_t module, uint16_t id);
const struct sbin_known *sbin_known_named(const char *name);

#endif
