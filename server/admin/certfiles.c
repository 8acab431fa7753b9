/* Certificates in files that a person names, before the server has them. */
#include "server/admin/certfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/secret.h"
#include "server/core/certificates.h"

#define PASSWORD	256	/* bytes of a password, with NUL */

/* SECRET; the password that belongs to the file PATH; *has says whether there is one. */
static int find_password(const char *path, const char *password_file, char out[static PASSWORD],
			 bool *has, struct fault *fault)
{
	char *beside = NULL;
	int rc = 0;

	*has = password_file != NULL;
	if (!password_file) {
		if (asprintf(&beside, "%s" CERTIFICATES_PASSWORD, path) < 0)
			return fault_nomem(fault);
		*has = access(beside, F_OK) == 0;
	}
	if (*has)
		rc = secret_read(password_file ? password_file : beside, "password", out, PASSWORD,
				 fault);
	free(beside);
	return rc;
}

/* All of the file PATH into OUT, which has room for one byte more than a bundle takes. */
static int read_all(const char *path, char *out, size_t *size, struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
	ssize_t n = 1;

	*size = 0;
	if (fd < 0)
		return fault_sys(fault, errno, "cannot open %s", path);
	while (n > 0 && *size <= BUNDLE_BYTES) {
		n = read(fd, out + *size, BUNDLE_BYTES + 1 - *size);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			rc = fault_sys(fault, errno, "cannot read %s", path);
		else
			*size += (size_t)n;
	}
	close(fd);
	return rc;
}

static int read_file(struct bundle *b, const char *path, const char *password_file,
		     struct fault *fault)
{
	char *bytes = malloc(BUNDLE_BYTES + 1), password[PASSWORD] = "";
	size_t size = 0;
	bool has = false;
	int rc;

	if (!bytes)
		return fault_nomem(fault);
	rc = read_all(path, bytes, &size, fault);
	if (!rc)
		rc = find_password(path, password_file, password, &has, fault);
	if (!rc)
		rc = bundle_read(b, path, bytes, size, true,
				 has ? password : NULL, fault);
	secret_wipe(password, sizeof(password));
	secret_wipe(bytes, size);
	free(bytes);
	return rc;
}

static int open_system(X509_STORE **out, const char *system, struct fault *fault)
{
	*out = NULL;
	if (!system)
		return 0;
	*out = X509_STORE_new();
	return *out && X509_STORE_load_path(*out, system) == 1 ? 0 : fault_nomem(fault);
}

static int make_chains(struct certfiles *out, const struct bundle *b, X509_STORE *system,
		       struct fault *fault)
{
	struct chain **room, *chain;
	int rc;

	while ((rc = chain_make(&chain, b, system, out->n, fault)) == 0) {
		room = realloc(out->chains, (out->n + 1) * sizeof(struct chain *));
		if (!room) {
			chain_free(&chain);
			return fault_nomem(fault);
		}
		out->chains = room;
		out->chains[out->n++] = chain;
	}
	return rc == KIT_ERR_NOT_FOUND ? 0 : rc;
}

int certfiles_read(struct certfiles *out, const char *const *files, size_t n,
		   const char *password_file, const char *system, struct fault *fault)
{
	X509_STORE *store = NULL;
	struct bundle *b = NULL;
	int rc;

	*out = (struct certfiles){ 0 };
	rc = bundle_new(&b, fault);
	for (size_t i = 0; i < n && !rc; i++)
		rc = read_file(b, files[i], password_file, fault);
	if (!rc)
		rc = open_system(&store, system, fault);
	if (!rc)
		rc = make_chains(out, b, store, fault);
	if (!rc && !out->n)
		rc = fault_set(fault, KIT_ERR_UNFIT, "%s%s no certificate but those of "
			       "authorities\n"
			       "give the server's own certificate, too", n == 1 ? files[0] :
			       "the files hold", n == 1 ? " holds" : "");
	if (rc)
		certfiles_free(out);
	X509_STORE_free(store);
	bundle_free(&b);
	return rc;
}

void certfiles_free(struct certfiles *c)
{
	for (size_t i = 0; i < c->n; i++)
		chain_free(&c->chains[i]);
	free(c->chains);
	*c = (struct certfiles){ 0 };
}
