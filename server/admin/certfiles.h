/* Certificates in files that a person names, before the server has them. */
#ifndef SERVER_ADMIN_CERTFILES_H
#define SERVER_ADMIN_CERTFILES_H

#include <stddef.h>

#include "amt/chain.h"
#include "common/error.h"

/* The chains that files hold. */
struct certfiles {
	struct chain **chains;
	size_t n;
};

/*
 * Read N FILES, which may be anywhere, as one heap: the chains that can be made of them, completed
 * from SYSTEM (a folder as OpenSSL has it; NULL: none). Whoever may read the files does not matter.
 * The password of a PFX is in PASSWORD_FILE, or, where that is NULL, in a file beside it
 * (CERTIFICATES_PASSWORD), if there is one; both must be private.
 *
 * Returns 0; KIT_ERR_UNFIT (they hold no certificate but those of authorities); the errors of
 * bundle_read(), or of reading files. *out is all zeros on failure.
 */
int certfiles_read(struct certfiles *out, const char *const *files, size_t n,
		   const char *password_file, const char *system, struct fault *fault);
/* Frees the chains that are in it still; of one that is all zeros, too. */
void certfiles_free(struct certfiles *c);

#endif
