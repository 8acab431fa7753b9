/* The folder of the server's certificates, as an operator changes it. */
#ifndef SERVER_ADMIN_CERTFOLDER_H
#define SERVER_ADMIN_CERTFOLDER_H

#include "amt/chain.h"
#include "common/error.h"
#include "common/outfile.h"
#include "server/admin/operator.h"

#define CERTFOLDER_GROUP	"amt-provision"	/* of the service */
#define CERTFOLDER_PATH		4096

/*
 * Make FOLDER if it is not there, and it alone: for root and the service's group (0750) if root
 * makes it and there is such a group, else for who makes it (0700).
 */
int certfolder_make(const char *folder, struct fault *fault);

/*
 * Begin the file PATH, which is to hold a private key: outfile_open() with FLAGS. It is for the
 * group of its folder (0640) where that lets nobody else in; where root makes it in another one,
 * for the service's group, or, without one, for the folder's owner; else for who makes it (0600).
 */
int certfolder_open(struct outfile **out, const char *path, unsigned flags, struct fault *fault);

/*
 * Install TEXT, certificates and key in PEM (SECRET), as a new file called after the certificate's
 * name CN: FOLDER/CN.pem, or with a number behind CN where such files are. PATH receives which. The
 * folder is made if it is missing. Returns 0 or the errors of making files.
 */
int certfolder_install(const char *folder, const char *cn, const char *text,
		       char path[static CERTFOLDER_PATH], struct fault *fault);

/*
 * The same of CHAIN, in full: key, leaf, intermediates and root. The log of OP's map, if it has
 * one, gets a line. It is the caller who judges the chain first. KIT_ERR_STATE, too: it has no key,
 * or is not complete.
 */
int certfolder_add(const char *folder, const struct chain *chain, const struct operator *op,
		   char path[static CERTFOLDER_PATH], struct fault *fault);

/*
 * Remove the file NAME of FOLDER and the password that belongs to it; durable, logged as above.
 * KIT_ERR_NOT_FOUND, KIT_ERR_ARGUMENT (not the name of a file there), or an error of the system.
 */
int certfolder_remove(const char *folder, const char *name, const struct operator *op,
		      struct fault *fault);

#endif
