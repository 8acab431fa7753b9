/* Certificates and private keys as text, by OpenSSL. */
#include "amt/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"

char *pem_text(EVP_PKEY *key, X509 *const *certificates, size_t n)
{
	/* Which wipes what it held. */
	BIO *out = BIO_new(BIO_s_secmem());
	bool done = out != NULL;
	char *bytes = NULL, *text = NULL;
	long size;

	if (done && key)
		done = PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1;
	for (size_t i = 0; i < n && done; i++)
		done = PEM_write_bio_X509(out, certificates[i]) == 1;
	size = done ? BIO_get_mem_data(out, &bytes) : 0;
	if (size > 0)
		text = strndup(bytes, (size_t)size);
	BIO_free(out);
	ERR_clear_error();
	return text;
}

void pem_free(char *text)
{
	if (text)
		secret_wipe(text, strlen(text));
	free(text);
}
