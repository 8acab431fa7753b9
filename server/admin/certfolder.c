/* The folder of the server's certificates, as an operator changes it. */
#include "server/admin/certfolder.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "amt/pem.h"
#include "server/core/certificates.h"

#define SAME	20	/* certificates of one name that find a place */

/* The group of the service, for root, who alone can give files to it. NULL: none. */
static const struct group *service_group(void)
{
	return geteuid() == 0 ? getgrnam(CERTFOLDER_GROUP) : NULL;
}

int certfolder_make(const char *folder, struct fault *fault)
{
	const struct group *group = service_group();

	if (!*folder)
		return fault_set(fault, KIT_ERR_ARGUMENT,
				 "no folder of certificates is configured\n"
				 "set folder in section [certificates], or give --folder");
	if (mkdir(folder, 0700)) {
		if (errno == EEXIST)
			return 0;
		fault_sys(fault, errno, "cannot make the folder %s", folder);
		return fault_hint(fault, "make it, or name another one: folder in section "
				  "[certificates], or --folder");
	}
	if (group && (chown(folder, 0, group->gr_gid) || chmod(folder, 0750)))
		return fault_sys(fault, errno, "cannot give the folder %s to the group "
				 CERTFOLDER_GROUP, folder);
	return outfile_sync_folder(folder, fault);
}

int certfolder_open(struct outfile **out, const char *path, unsigned flags, struct fault *fault)
{
	const struct group *group = service_group();
	char *copy = strdup(path);
	struct stat st;
	int rc;

	*out = NULL;
	if (!copy)
		return fault_nomem(fault);
	if (stat(dirname(copy), &st)) {
		rc = fault_sys(fault, errno, "cannot examine the folder of %s", path);
		goto out;
	}
	rc = outfile_open(out, path, flags, fault);
	if (rc)
		goto out;
	if ((st.st_mode & 0057) == 0050)
		rc = outfile_group(*out, st.st_gid, fault);
	else if (group)
		rc = outfile_group(*out, group->gr_gid, fault);
	else if (geteuid() == 0)
		rc = outfile_owner(*out, st.st_uid, st.st_gid, fault);
	if (rc)
		outfile_discard(out);
out:
	free(copy);
	return rc;
}

/* What CN is as the name of a file: "*.a/b" is "_.a_b". */
static void name_of(const char *cn, char out[static CHAIN_NAME])
{
	snprintf(out, CHAIN_NAME, "%.*s", CHAIN_NAME / 2, cn[0] ? cn : "certificate");
	for (char *c = out; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '-' && (*c != '.' || c == out))
			*c = '_';
}

/* A name that no file has: NAME.pem, NAME-2.pem... */
static int free_path(const char *folder, const char *name, char path[static CERTFOLDER_PATH],
		     struct fault *fault)
{
	struct stat st;

	for (int i = 1; i <= SAME; i++) {
		char number[16] = "";

		if (i > 1)
			snprintf(number, sizeof(number), "-%d", i);
		if (snprintf(path, CERTFOLDER_PATH, "%s/%s%s.pem", folder, name, number) >=
		    CERTFOLDER_PATH)
			break;
		if (lstat(path, &st) && errno == ENOENT)
			return 0;
	}
	return fault_set(fault, KIT_ERR_EXISTS, "%s has no place for another certificate called "
			 "%s\n"
			 "remove old ones: amt-provisionctl certificates remove", folder, name);
}

int certfolder_install(const char *folder, const char *cn, const char *text,
		       char path[static CERTFOLDER_PATH], struct fault *fault)
{
	struct outfile *file = NULL;
	char name[CHAIN_NAME];
	int rc;

	name_of(cn, name);
	rc = certfolder_make(folder, fault);
	if (!rc)
		rc = free_path(folder, name, path, fault);
	if (!rc)
		rc = certfolder_open(&file, path, 0, fault);
	if (!rc)
		rc = outfile_write(file, text, strlen(text), fault);
	if (!rc)
		rc = outfile_commit(&file, fault);
	outfile_discard(&file);
	return rc;
}

int certfolder_add(const char *folder, const struct chain *chain, const struct operator *op,
		   char path[static CERTFOLDER_PATH], struct fault *fault)
{
	const struct chain_facts *f = chain_facts(chain);
	char *text = NULL;
	int rc;

	rc = chain_text(chain, &text, fault);
	if (!rc)
		rc = certfolder_install(folder, f->cn, text, path, fault);
	pem_free(text);
	if (!rc && op->map)
		rc = operator_log(op, SEVERITY_INFO, "certificate-added", NULL, NULL, fault,
				  "the certificate \"%s\" with the serial number %s was added",
				  f->cn, f->links[0].serial);
	return rc;
}

int certfolder_remove(const char *folder, const char *name, const struct operator *op,
		      struct fault *fault)
{
	char path[CERTFOLDER_PATH], password[CERTFOLDER_PATH];
	int rc = 0;

	if (!name[0] || name[0] == '.' || strchr(name, '/') ||
	    snprintf(path, sizeof(path), "%s/%s", folder, name) >= CERTFOLDER_PATH ||
	    snprintf(password, sizeof(password), "%s" CERTIFICATES_PASSWORD, path) >=
		    CERTFOLDER_PATH)
		return fault_set(fault, KIT_ERR_ARGUMENT, "\"%.100s\" is not the name of a file "
				 "in %.200s", name, folder);
	if (unlink(path))
		return fault_sys(fault, errno, "cannot remove %s", path);
	/* Without its file a password opens nothing. */
	if (unlink(password) && errno != ENOENT)
		rc = fault_sys(fault, errno, "cannot remove %s", password);
	if (!rc)
		rc = outfile_sync_folder(path, fault);
	if (!rc && op->map)
		rc = operator_log(op, SEVERITY_WARNING, "certificate-removed", NULL, NULL, fault,
				  "the certificates in %s were removed", name);
	return rc;
}
