/* The site's own authorities, as an operator makes and uses them: files, and the log. */
#include "server/admin/siteca.h"

#include <errno.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "amt/pem.h"
#include "common/hex.h"
#include "common/hostname.h"
#include "common/outfile.h"
#include "server/admin/certfiles.h"
#include "server/admin/certfolder.h"

static int path_of(char out[static SITECA_PATH], const char *folder, const char *name,
		   const char *ending, struct fault *fault)
{
	bool here = strcmp(folder, ".") == 0;
	int n = snprintf(out, SITECA_PATH, "%s%s%s%s", here ? "" : folder, here ? "" : "/", name,
			 ending);

	return n < SITECA_PATH ? 0 : fault_set(fault, KIT_ERR_RANGE, "%.100s...: the path is too "
					       "long", folder);
}

/* Is NAME the suffix, or under it? */
static bool is_under(const char *name, const char *suffix)
{
	size_t n = strlen(name), s = strlen(suffix);

	return n >= s && strcasecmp(name + n - s, suffix) == 0 &&
	       (n == s || name[n - s - 1] == '.');
}

static int choose_host(struct siteca *s, struct fault *fault)
{
	char name[sizeof("provision.") + HOSTNAME_MAX];

	snprintf(name, sizeof(name), "provision.%s", s->suffix);
	if (s->name)
		snprintf(name, sizeof(name), "%s", s->name);
	if (strlen(name) > AUTHORITY_NAME)
		return fault_set(fault, KIT_ERR_ARGUMENT, "%s has over %d characters, which a "
				 "certificate has room for\n"
				 "give a shorter one with --name", name, AUTHORITY_NAME);
	if (!is_under(name, s->suffix))
		return fault_set(fault, KIT_ERR_ARGUMENT, "%s is not under %s: machines with that "
				 "suffix would not accept it\n"
				 "give a name that ends in .%s", name, s->suffix, s->suffix);
	snprintf(s->host, sizeof(s->host), "%s", name);
	return 0;
}

/* The root's key has no place among what the server reads. */
static int check_apart(const char *folder, const char *output, struct fault *fault)
{
	struct stat a, b;

	if (stat(folder, &a) || stat(output, &b) || a.st_dev != b.st_dev || a.st_ino != b.st_ino)
		return 0;
	return fault_set(fault, KIT_ERR_ARGUMENT, "%s is the folder of the server's certificates, "
			 "and the root's key does not belong there\n"
			 "name another folder with --output", output);
}

struct file {
	const char *path;
	struct outfile *out;
	const char *text;	/* SECRET if it is a key */
	bool made;
};

/* The text of each file that is open, and then their names; all or none. */
static int write_all(struct file *files, size_t n, struct fault *fault)
{
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++)
		rc = files[i].text ? outfile_write(files[i].out, files[i].text,
						   strlen(files[i].text), fault)
				   : fault_nomem(fault);
	for (size_t i = 0; i < n && !rc; i++) {
		rc = outfile_commit(&files[i].out, fault);
		files[i].made = !rc;
	}
	for (size_t i = 0; i < n; i++) {
		if (rc && files[i].made)
			unlink(files[i].path);
		outfile_discard(&files[i].out);
	}
	return rc;
}

static int make_server(struct siteca *s, const struct operator *op, struct authority **root,
		       char **bundle, struct fault *fault)
{
	unsigned days = s->days ? s->days : AUTHORITY_SERVER_DAYS;
	int rc = authority_new(root, AUTHORITY_SERVER, s->suffix, &s->algorithm,
			       AUTHORITY_ROOT_DAYS, op->now, fault);

	if (rc)
		return rc;
	authority_digest(*root, s->digest);
	return authority_issue_server(*root, s->host, &s->algorithm, days, op->now, bundle,
				      &s->issued, fault);
}

/* What was made stays made, and is said to be, even if the map takes no line about it. */
static int log_made(const struct operator *op, const char *what,
		    const uint8_t digest[static 32], struct fault *fault)
{
	char shown[65];

	if (!op->map)
		return 0;
	hex_show(digest, 32, shown);
	if (operator_log(op, SEVERITY_INFO, "authority-made", NULL, NULL, fault,
			 "%s, root SHA-256 %s", what, shown))
		return fault_context(fault, "the files are made, but the map's log lacks them");
	return 0;
}

static int refuse_existing(const char *path, struct fault *fault)
{
	struct stat st;

	if (lstat(path, &st))
		return 0;
	return fault_set(fault, KIT_ERR_EXISTS, "%s exists already, and no authority takes the "
			 "place of another\n"
			 "name another folder with --output or another host with --name; if it is "
			 "left of a new-ca that was interrupted, remove it", path);
}

static int choose_paths(struct siteca *s, struct fault *fault)
{
	int rc = choose_host(s, fault);

	if (!rc)
		rc = path_of(s->root_key, s->output, "root", ".key", fault);
	if (!rc)
		rc = path_of(s->root, s->output, "root", ".pem", fault);
	if (!rc)
		rc = path_of(s->bundle, s->folder, s->host, ".pem", fault);
	if (!rc)
		rc = refuse_existing(s->root_key, fault);
	if (!rc)
		rc = refuse_existing(s->root, fault);
	return rc ? rc : refuse_existing(s->bundle, fault);
}

int siteca_new(struct siteca *s, const struct operator *op, struct fault *fault)
{
	struct file files[] = { { s->root_key }, { s->root }, { s->bundle } };
	char *bundle = NULL, *key = NULL, *certificate = NULL, what[200];
	struct authority *root = NULL;
	int rc = choose_paths(s, fault);

	if (!rc)
		rc = certfolder_make(s->folder, fault);
	if (!rc)
		rc = check_apart(s->folder, s->output, fault);
	/* Before keys are made, which takes long: what cannot be written is known now. */
	if (!rc)
		rc = outfile_open(&files[0].out, s->root_key, 0, fault);
	if (!rc)
		rc = outfile_open(&files[1].out, s->root, OUTFILE_PUBLIC, fault);
	if (!rc)
		rc = certfolder_open(&files[2].out, s->bundle, 0, fault);
	if (!rc)
		rc = make_server(s, op, &root, &bundle, fault);
	if (!rc) {
		files[0].text = key = authority_key_text(root);
		files[1].text = certificate = authority_certificate_text(root);
		files[2].text = bundle;
		rc = write_all(files, 3, fault);
	}
	for (size_t i = 0; i < 3; i++)
		outfile_discard(&files[i].out);
	snprintf(what, sizeof(what), "an authority and a certificate for %s were made", s->host);
	if (!rc)
		rc = log_made(op, what, s->digest, fault);
	pem_free(bundle);
	pem_free(key);
	pem_free(certificate);
	authority_free(root);
	return rc;
}

/* The folder of a file, if that one alone is missing. */
static int make_folder_of(const char *path, struct fault *fault)
{
	char *copy = strdup(path);
	int rc = copy ? certfolder_make(dirname(copy), fault) : fault_nomem(fault);

	free(copy);
	return rc;
}

int siteca_new_machines(struct siteca_machines *s, const struct operator *op,
			struct fault *fault)
{
	struct file files[] = { { s->path }, { s->root } };
	char *both = NULL, *certificate = NULL;
	struct authority *a = NULL;
	int rc = path_of(s->root, s->output, "machines", ".pem", fault);

	if (!rc)
		rc = refuse_existing(s->path, fault);
	if (!rc)
		rc = refuse_existing(s->root, fault);
	if (!rc)
		rc = make_folder_of(s->path, fault);
	if (!rc)
		rc = certfolder_open(&files[0].out, s->path, 0, fault);
	if (!rc)
		rc = outfile_open(&files[1].out, s->root, OUTFILE_PUBLIC, fault);
	if (!rc)
		rc = outfile_distinct(files[0].out, files[1].out, fault);
	if (!rc)
		rc = authority_new(&a, AUTHORITY_MACHINES, s->suffix, &s->algorithm,
				   AUTHORITY_ROOT_DAYS, op->now, fault);
	if (!rc) {
		authority_digest(a, s->digest);
		files[0].text = both = authority_text(a);
		files[1].text = certificate = authority_certificate_text(a);
		rc = write_all(files, 2, fault);
	}
	for (size_t i = 0; i < 2; i++)
		outfile_discard(&files[i].out);
	if (!rc)
		rc = log_made(op, "an authority for machines was made", s->digest, fault);
	pem_free(both);
	pem_free(certificate);
	authority_free(a);
	return rc;
}

/* ---- a certificate again ---- */

/* The authority of the root of C, if that is what the key belongs to. */
static int load_root(struct authority **out, const struct siteca_renewal *r,
		     const struct certificate *c, struct fault *fault)
{
	const struct chain_facts *f = c->facts;
	uint8_t *der = NULL;
	size_t size;
	int rc;

	*out = NULL;
	if (!f->complete)
		return fault_set(fault, KIT_ERR_STATE, "%s has no root", c->id);
	rc = chain_der(c->chain, f->n_links - 1, &der, &size, fault);
	if (!rc)
		rc = authority_of_root(out, der, size, r->root_key, fault);
	free(der);
	return rc;
}

/* A certificate made here has one name, which is its CN, and no intermediates. */
static int check_names(const struct certificate *c, struct fault *fault)
{
	const struct chain_facts *f = c->facts;

	if (f->n_links == 2 && (!f->n_names || (f->n_names == 1 &&
						strcasecmp(f->names[0], f->cn) == 0)))
		return 0;
	return fault_set(fault, KIT_ERR_STATE, "%s was not made by new-ca: it has %s\n"
			 "renew it where it was made, and add the new one: amt-provisionctl "
			 "certificates add", c->id,
			 f->n_links != 2 ? "a chain of other length" : "more names than one");
}

/* Is the file at PATH, in PEM, all that C is made of, and nothing else? */
static bool is_whole(const char *path)
{
	const size_t n = strlen(path);
	struct certfiles files;
	bool whole = false;

	if (n < 4 || strcmp(path + n - 4, ".pem") != 0 ||
	    certfiles_read(&files, &path, 1, NULL, NULL, NULL))
		return false;
	if (files.n == 1) {
		const struct chain_facts *f = chain_facts(files.chains[0]);

		whole = f->complete && f->has_key;
	}
	certfiles_free(&files);
	return whole;
}

static int put_in_place(const char *path, const char *text, struct fault *fault)
{
	struct file file = { .path = path, .text = text };
	int rc = certfolder_open(&file.out, path, OUTFILE_FORCE, fault);

	if (!rc)
		rc = outfile_write(file.out, text, strlen(text), fault);
	if (!rc)
		rc = outfile_commit(&file.out, fault);
	outfile_discard(&file.out);
	return rc;
}

static int install_again(struct siteca_renewal *r, const struct certificate *c, const char *text,
			 struct fault *fault)
{
	int rc = path_of(r->path, r->folder, c->id, "", fault);

	if (rc)
		return rc;
	r->replaced = is_whole(r->path);
	return r->replaced ? put_in_place(r->path, text, fault) :
			     certfolder_install(r->folder, c->facts->cn, text, r->path, fault);
}

int siteca_renew(struct siteca_renewal *r, const struct certificate *c,
		 const struct operator *op, struct fault *fault)
{
	struct authority_algorithm algorithm = r->algorithm;
	struct authority *root = NULL;
	char *text = NULL;
	int rc;

	rc = load_root(&root, r, c, fault);
	if (!rc)
		rc = check_names(c, fault);
	if (!rc && !algorithm.bits)
		algorithm.bits = c->facts->links[0].bits;
	if (!rc && !algorithm.sha)
		algorithm.sha = authority_algorithm(root).sha;
	if (!rc)
		rc = authority_issue_server(root, c->facts->cn, &algorithm,
					    r->days ? r->days : AUTHORITY_SERVER_DAYS, op->now,
					    &text, &r->issued, fault);
	if (!rc)
		rc = install_again(r, c, text, fault);
	pem_free(text);
	authority_free(root);
	if (!rc && op->map)
		rc = operator_log(op, SEVERITY_INFO, "certificate-renewed", NULL, NULL, fault,
				  "the certificate %s was renewed, serial number %s", c->id,
				  r->issued.serial);
	return rc;
}
