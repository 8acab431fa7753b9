/* Certificates and private keys as text. */
#ifndef AMT_PEM_H
#define AMT_PEM_H

#include <stddef.h>

/* Of OpenSSL. */
struct evp_pkey_st;
struct x509_st;

/*
 * KEY (NULL: none; without a pass phrase) and the N certificates behind it in PEM, a text to be
 * freed with pem_free(); SECRET if there is a key. NULL when out of memory.
 */
char *pem_text(struct evp_pkey_st *key, struct x509_st *const *certificates, size_t n);
/* Wipes it. TEXT may be NULL. */
void pem_free(char *text);

#endif
