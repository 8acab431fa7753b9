/* The certificates that the server shows to machines: a folder of files. */
#ifndef SERVER_CORE_CERTIFICATES_H
#define SERVER_CORE_CERTIFICATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "amt/chain.h"
#include "amt/finding.h"
#include "common/error.h"

#define CERTIFICATES_FILES	256	/* of a folder */
#define CERTIFICATES_ID		256	/* bytes of an id, with NUL */
#define CERTIFICATES_PASSWORD	".password"	/* vendor.pfx.password belongs to vendor.pfx */

struct config;

/*
 * What is read of a folder: all its files but those whose names begin with a dot or end in "~",
 * ".password", ".csr", ".srl" or ".txt". A file may hold all of a certificate, or the key is in one
 * and the chain in another; what is missing is taken from the system's certificates. A file with a
 * private key, and each password, must be for its owner and its group alone (0600, 0640), the owner
 * root or the service's user, the group root's or one of the service's; else it is refused, as is a
 * file that the service cannot read, though this process can.
 */
struct certificates_options {
	const char *folder;	/* one that is not there is an empty one */
	const char *suffix;	/* of the site's machines, for warnings; NULL or "" */
	const char *system;	/* the system's certificates, as OpenSSL has them; NULL: none */
	const char *service;	/* a file of the service, its map: who owns it runs the service;
				   NULL or not there: this process is the service */
	bool serve_expired;	/* expired ones are served with a warning, after all others */
	int64_t now;
};

/* The folder of this computer's certificates. */
#define CERTIFICATES_SYSTEM	"/etc/ssl/certs"

/* As the configuration says, now. Borrows its texts. */
struct certificates_options certificates_options_of(const struct config *c);

/* A certificate of the folder that is served, or is not. */
struct certificate {
	char id[CERTIFICATES_ID];	/* its file's name; "vendor.pem#2": the second of it */
	struct chain *chain;		/* chain_ref() for who keeps it over a reload */
	const struct chain_facts *facts;
	bool served;			/* nothing was found that refuses it */
	bool other_way;			/* the certificate before, up to another root */
	size_t n_findings;
	struct finding findings[FINDINGS];
};

/* A file that could not be used at all; KIT_ERR_UNFIT: used, but it does not belong here. */
struct certificate_problem {
	char file[CERTIFICATES_ID];
	struct fault fault;		/* names the file, too */
};

struct certificates;

/*
 * Read the folder. What is wrong with one file or certificate is said by certificates_problem()
 * or by its findings, and the others are good. Returns 0 or, with *out NULL, KIT_ERR_NOMEM, or an
 * error of reading the folder itself (KIT_ERR_PERMISSION, KIT_ERR_SYSTEM), KIT_ERR_RANGE (over
 * CERTIFICATES_FILES).
 */
int certificates_load(struct certificates **out, const struct certificates_options *options,
		      struct fault *fault);
/* *c may be NULL. Chains that others hold stay. */
void certificates_free(struct certificates **c);

/* Below, C may be NULL, which has none. */

/*
 * Judge all of them anew at the time NOW, if that was a day ago or more: what was good when it was
 * read may expire. Returns true when it was done, so that the caller can say what days change.
 */
bool certificates_turn(struct certificates *c, int64_t now);

/* Certificate I in the order of file names, served or not; NULL: there are no more. */
const struct certificate *certificates_at(const struct certificates *c, size_t i);
/* The one with this id, or whose id without its extension this is; NULL. */
const struct certificate *certificates_find(const struct certificates *c, const char *id);
/* Problem I; NULL: there are no more. */
const struct certificate_problem *certificates_problem(const struct certificates *c, size_t i);

/* How a machine that listed a digest would know a certificate. */
struct certificate_match {
	const struct certificate *certificate;
	unsigned type;		/* enum chain_digest of the best digest; 0: none was listed */
	bool valid;		/* at this time */
};

/*
 * Which certificates would a machine accept that listed SIZE bytes of digests at LIST (as in
 * amt/roots.h)? The best first: SHA-256 and SHA-384 before SHA-1, valid now before not valid,
 * then the order of file names. With UNLISTED, those with other roots come behind, with type 0:
 * the lists of some machines are not complete. Returns how many were put into OUT, at most ROOM.
 */
size_t certificates_match(const struct certificates *c, const uint8_t *list, size_t size,
			  int64_t now, bool unlisted, struct certificate_match *out, size_t room);

#endif
