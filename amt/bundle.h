/* Certificates and private keys as they come in files: a heap that chains are made of. */
#ifndef AMT_BUNDLE_H
#define AMT_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

#define BUNDLE_BYTES	(1024 * 1024)	/* of one file */
#define BUNDLE_ITEMS	512		/* certificates and keys in all */

/* Of OpenSSL. */
struct evp_pkey_st;
struct x509_st;

/* One certificate or one key; the other is NULL. Borrowed from the bundle. */
struct bundle_item {
	const char *file;		/* as bundle_read() got it */
	struct x509_st *certificate;
	struct evp_pkey_st *key;	/* SECRET */
};

struct bundle;

/* An empty one. KIT_ERR_NOMEM. */
int bundle_new(struct bundle **out, struct fault *fault);
/* *b may be NULL. Keys are wiped. */
void bundle_free(struct bundle **b);

/*
 * Add what the file FILE holds, SIZE bytes at DATA: PEM (certificates, keys and PKCS #7 in any
 * order, with any text between them; other blocks are passed over), or one certificate, key, PKCS
 * #7 or PFX (PKCS #12, with RC2-40, too) in DER. A certificate or key that is there already is
 * left out. The name is copied; it is for messages.
 *
 *   keys      may there be private keys in it? If not, one is refused: KIT_ERR_PERMISSION
 *   password  SECRET; of a PFX or of encrypted keys; NULL: none is known
 *
 * Returns 0; KIT_ERR_FORMAT (nothing known, or a block that cannot be read); KIT_ERR_RANGE (over
 * BUNDLE_BYTES or BUNDLE_ITEMS, or encrypted so that to try its password takes too long);
 * KIT_ERR_STATE (encrypted, and no password); KIT_ERR_FORGED (the
 * password is wrong); KIT_ERR_CRYPTO (an encryption that OpenSSL here lacks). After an error
 * nothing of the file is in the bundle.
 */
int bundle_read(struct bundle *b, const char *file, const void *data, size_t size, bool keys,
		const char *password, struct fault *fault);

/* Item I, in the order of reading; NULL: there are no more. */
const struct bundle_item *bundle_at(const struct bundle *b, size_t i);

#endif
