/* The site's own authorities, as an operator makes and uses them: files, and the log. */
#ifndef SERVER_ADMIN_SITECA_H
#define SERVER_ADMIN_SITECA_H

#include <stdbool.h>
#include <stdint.h>

#include "server/admin/operator.h"
#include "server/core/authority.h"
#include "server/core/certificates.h"

#define SITECA_PATH	4096

/* What to make, and, after siteca_new(), what was made. Texts of the first part are borrowed. */
struct siteca {
	const char *suffix;		/* DNS suffix of the machines */
	const char *name;		/* the server's; NULL: "provision.SUFFIX" */
	struct authority_algorithm algorithm;
	unsigned days;			/* of the server's certificate; 0: AUTHORITY_SERVER_DAYS */
	const char *folder;		/* of the server's certificates; made if it is missing */
	const char *output;		/* folder that is there, for root.pem and root.key */

	char host[AUTHORITY_NAME + 1];	/* the server's name */
	char bundle[SITECA_PATH];	/* key, certificate and root, in the folder */
	char root[SITECA_PATH];
	char root_key[SITECA_PATH];
	uint8_t digest[32];		/* SHA-256 of the root */
	struct authority_issued issued;	/* the server's certificate */
};

/*
 * Make an authority for servers and one server's certificate of it, and install that:
 * FOLDER/HOST.pem. No file is replaced. Either all three files are there afterwards, or none;
 * a process that is killed may leave the root's. OP's map, if it has one, gets a line in its log.
 * Returns 0, KIT_ERR_ARGUMENT, KIT_ERR_EXISTS, or the errors of making files and certificates.
 */
int siteca_new(struct siteca *s, const struct operator *op, struct fault *fault);

/* The same for the machines. Texts of the first part are borrowed. */
struct siteca_machines {
	const char *suffix;
	struct authority_algorithm algorithm;
	const char *path;		/* of the file with certificate and key, for the server */
	const char *output;		/* folder for machines.pem */

	char root[SITECA_PATH];		/* the certificate alone, for who calls the machines */
	uint8_t digest[32];
};

/*
 * Make an authority for the machines' own certificates, constrained to names under the suffix. No
 * file is replaced. The folder of PATH is made if it is missing. Errors as siteca_new().
 */
int siteca_new_machines(struct siteca_machines *s, const struct operator *op,
			struct fault *fault);

/* What to make again, and, after siteca_renew(), what was made. The first part is borrowed. */
struct siteca_renewal {
	const char *folder;		/* of the server's certificates */
	const char *root_key;		/* file of the root's private key */
	struct authority_algorithm algorithm;	/* 0 bits: as in the old one; 0 SHA: as the root */
	unsigned days;			/* 0: AUTHORITY_SERVER_DAYS */

	char path[SITECA_PATH];		/* of the new certificate */
	bool replaced;			/* the old one's file is that of the new one now */
	struct authority_issued issued;
};

/*
 * Make a certificate with a fresh key for the name of C, which is in the folder, from the same
 * root: machines that know that accept both. It takes the old one's place, in one step and once it
 * is durable, where the old one is a PEM file with its root and its key, as siteca_new() makes
 * them; else it is a file beside. Logged as above.
 *
 * Returns 0; KIT_ERR_UNFIT, with nothing done, if the key is not that of the root of C;
 * KIT_ERR_STATE if C is not complete or has names that a certificate made here cannot have; or
 * errors as siteca_new() and authority_of_root().
 */
int siteca_renew(struct siteca_renewal *r, const struct certificate *c,
		 const struct operator *op, struct fault *fault);

#endif
