/* The certificates that the server shows to machines. */
#include "server/core/certificates.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "amt/bundle.h"
#include "amt/roots.h"
#include "common/clock.h"
#include "common/secret.h"
#include "common/text.h"
#include "server/core/config.h"

#define PASSWORD_ROOM	256	/* bytes of a password, with NUL */
#define GROUPS_MAX	256
#define RIGHTS_HINT	"chown root:amt-provision it, with mode 0640"

struct certificates {
	struct certificate *at;
	size_t n;
	struct certificate_problem *problem;
	size_t n_problems;
	char *suffix;
	bool serve_expired;
	int64_t judged;		/* when that was done last */
};

/* Who runs the service. */
struct service_user {
	uid_t user;
	gid_t groups[GROUPS_MAX];
	int n_groups;
};

/* A folder while it is read. */
struct folder_reading {
	const struct certificates_options *options;
	struct certificates *certificates;
	struct bundle *bundle;
	struct service_user service;
	struct fault *fault;
};

struct certificates_options certificates_options_of(const struct config *c)
{
	return (struct certificates_options){
		.folder = c->certificates_folder, .suffix = c->pki_suffix,
		.system = CERTIFICATES_SYSTEM, .serve_expired = c->serve_expired,
		.service = c->map, .now = clock_now(),
	};
}

/* Files that lie beside certificates and are none. */
static bool is_passed_over(const char *name)
{
	static const char *const ends[] = { "~", CERTIFICATES_PASSWORD, ".csr", ".srl", ".txt" };
	size_t n = strlen(name);

	if (*name == '.' || n >= CERTIFICATES_ID)
		return true;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		size_t m = strlen(ends[i]);

		if (n >= m && strcmp(name + n - m, ends[i]) == 0)
			return true;
	}
	return false;
}

/* ---- the service's rights ---- */

/* The user whose service it is, and the groups of that. */
static void find_service(struct service_user *s, const char *file)
{
	struct stat st;
	struct passwd entry, *found = NULL;
	char room[4096];

	s->user = geteuid();
	s->groups[0] = getegid();
	s->n_groups = 1;
	if (file && stat(file, &st) == 0 && st.st_uid != s->user) {
		s->user = st.st_uid;
		s->groups[0] = st.st_gid;
		if (getpwuid_r(s->user, &entry, room, sizeof(room), &found) == 0 && found) {
			s->n_groups = GROUPS_MAX;
			if (getgrouplist(entry.pw_name, entry.pw_gid, s->groups, &s->n_groups) < 0)
				s->n_groups = GROUPS_MAX;
		}
	} else {
		int n = getgroups(GROUPS_MAX - 1, s->groups + 1);

		s->n_groups += n > 0 ? n : 0;
	}
}

static bool is_in_group(const struct service_user *s, gid_t group)
{
	for (int i = 0; i < s->n_groups; i++)
		if (s->groups[i] == group)
			return true;
	return false;
}

/* May the service do what BITS say (04 read, 01 pass through)? */
static bool may(const struct service_user *s, const struct stat *st, unsigned bits)
{
	unsigned given = st->st_mode;

	if (s->user == 0)
		return true;
	if (st->st_uid == s->user)
		given >>= 6;
	else if (is_in_group(s, st->st_gid))
		given >>= 3;
	return (given & bits) == bits;
}

#define OTHERS	(S_IRWXO | S_IWGRP | S_IXGRP)	/* what a secret file gives nobody */

/* May a private key be in this file? A service that root runs has no other owner to ask for. */
static bool is_private(const struct service_user *s, const struct stat *st)
{
	if (st->st_mode & OTHERS)
		return false;
	if (s->user == 0)
		return true;
	if (st->st_uid != 0 && st->st_uid != s->user)
		return false;
	return !(st->st_mode & S_IRGRP) || st->st_gid == 0 || is_in_group(s, st->st_gid);
}

static int not_private(const char *name, const char *what, const struct stat *st,
		       struct fault *fault)
{
	if (st->st_mode & OTHERS) {
		return fault_set(fault, KIT_ERR_PERMISSION, "%s holds a %s, and its mode is %04o\n"
				 "it may be 0600, or 0640 with the group of the service; if others "
				 "could read it, the certificate should be replaced", name, what,
				 (unsigned)st->st_mode & 07777u);
	}
	return fault_set(fault, KIT_ERR_PERMISSION, "%s holds a %s, and its owner or group is "
			 "neither root nor the service\n" RIGHTS_HINT, name, what);
}

/* ---- files ---- */

/*
 * All of the regular file NAME in the folder FD into *data, which the caller frees after wiping
 * *size bytes. KIT_ERR_NOT_FOUND, without a fault: it is not there, or not a regular file.
 */
static int read_file(const struct service_user *service, int fd, const char *name, size_t most,
		     uint8_t **data, size_t *size, struct stat *st, struct fault *fault)
{
	int file = openat(fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t got = 0;
	int rc = 0;

	*data = NULL;
	*size = 0;
	if (file < 0 && errno == ENOENT)
		return KIT_ERR_NOT_FOUND;
	if (file < 0 || fstat(file, st)) {
		rc = fault_sys(fault, errno, "cannot read %s\n" RIGHTS_HINT, name);
		goto out;
	}
	if (!S_ISREG(st->st_mode)) {
		rc = KIT_ERR_NOT_FOUND;
		goto out;
	}
	if (!may(service, st, 04)) {
		rc = fault_set(fault, KIT_ERR_PERMISSION,
			       "the service cannot read %s\n" RIGHTS_HINT, name);
		goto out;
	}
	*data = malloc(most + 1);
	if (!*data) {
		rc = fault_nomem(fault);
		goto out;
	}
	while (*size <= most && (got = read(file, *data + *size, most + 1 - *size)) > 0)
		*size += (size_t)got;
	if (got < 0)
		rc = fault_sys(fault, errno, "cannot read %s", name);
	else if (*size > most)
		rc = fault_set(fault, KIT_ERR_RANGE, "%s is larger than %zu KiB", name,
			       most / 1024);
out:
	if (file >= 0)
		close(file);
	return rc;
}

static void drop_file(uint8_t **data, size_t size)
{
	if (*data)
		secret_wipe(*data, size);
	free(*data);
	*data = NULL;
}

/* The password that belongs to the file NAME; *found is false when there is none. */
static int read_password(const struct service_user *service, int fd, const char *name,
			 char out[static PASSWORD_ROOM], bool *found, struct fault *fault)
{
	char path[CERTIFICATES_ID + sizeof(CERTIFICATES_PASSWORD)];
	uint8_t *data = NULL;
	struct stat st;
	size_t n = 0;
	int rc;

	snprintf(path, sizeof(path), "%s%s", name, CERTIFICATES_PASSWORD);
	rc = read_file(service, fd, path, PASSWORD_ROOM + 1, &data, &n, &st, fault);
	*found = rc == 0;
	if (rc)
		goto out;
	if (!is_private(service, &st)) {
		rc = not_private(path, "password", &st, fault);
		goto out;
	}
	while (n && (data[n - 1] == '\n' || data[n - 1] == '\r'))
		n--;
	if (n == 0 || n >= PASSWORD_ROOM || memchr(data, '\n', n) || memchr(data, '\0', n)) {
		rc = fault_set(fault, KIT_ERR_FORMAT, "%s is not a password of one line, of at "
			       "most %d characters", path, PASSWORD_ROOM - 1);
		goto out;
	}
	memcpy(out, data, n);
	out[n] = '\0';
out:
	drop_file(&data, PASSWORD_ROOM + 2);
	return rc == KIT_ERR_NOT_FOUND ? 0 : rc;
}

static int note_problem(struct certificates *c, const char *file, const struct fault *fault)
{
	struct certificate_problem *more = reallocarray(c->problem, c->n_problems + 1,
							sizeof(*more));

	if (!more)
		return KIT_ERR_NOMEM;
	c->problem = more;
	more += c->n_problems++;
	memset(more, 0, sizeof(*more));
	text_clean(more->file, sizeof(more->file), file);
	more->fault = *fault;
	return 0;
}

/* Put what the file NAME holds into the bundle. *fault says what is wrong with it. */
static int take_file(struct folder_reading *f, int fd, const char *name, struct fault *fault)
{
	char password[PASSWORD_ROOM] = "";
	uint8_t *data = NULL;
	bool found = false;
	struct stat st;
	size_t size = 0;
	int rc = read_file(&f->service, fd, name, BUNDLE_BYTES, &data, &size, &st, fault);

	if (!rc)
		rc = read_password(&f->service, fd, name, password, &found, fault);
	if (!rc) {
		struct fault why = { .code = 0 };

		rc = bundle_read(f->bundle, name, data, size, is_private(&f->service, &st),
				 found ? password : NULL, &why);
		if (rc == KIT_ERR_PERMISSION)
			not_private(name, "private key", &st, fault);
		else if (rc)
			fault_pass(fault, &why);
	}
	drop_file(&data, size);
	secret_wipe(password, sizeof(password));
	return rc;
}

static int is_name(const struct dirent *d)
{
	return !is_passed_over(d->d_name);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int take_files(struct folder_reading *f, int fd, struct dirent **names, int n)
{
	int rc = 0;

	for (int i = 0; i < n && !rc; i++) {
		struct fault why = { .code = 0 };

		if (take_file(f, fd, names[i]->d_name, &why) && why.code)
			rc = note_problem(f->certificates, names[i]->d_name, &why);
	}
	return rc ? fault_nomem(f->fault) : 0;
}

static int read_folder(struct folder_reading *f)
{
	const char *folder = f->options->folder;
	struct dirent **names = NULL;
	struct stat st;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0, rc;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) || (n = scandirat(fd, ".", &names, is_name, by_name)) < 0) {
		rc = fault_sys(f->fault, errno, "cannot read the folder of certificates %s\n"
			       "the service reads it as its own user: chown root:amt-provision it, "
			       "with mode 0750", folder);
		goto out;
	}
	if (!may(&f->service, &st, 05))
		rc = fault_set(f->fault, KIT_ERR_PERMISSION, "the service cannot read the folder "
			       "of certificates %s\n"
			       "chown root:amt-provision it, with mode 0750", folder);
	else if (st.st_mode & S_IWOTH)
		rc = fault_set(f->fault, KIT_ERR_PERMISSION, "everybody can write to the folder of "
			       "certificates %s\n"
			       "chmod 0750 it, and look at what is in it", folder);
	else if (n > CERTIFICATES_FILES)
		rc = fault_set(f->fault, KIT_ERR_RANGE, "the folder of certificates %s has more "
			       "than %d files", folder, CERTIFICATES_FILES);
	else
		rc = take_files(f, fd, names, n);
out:
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* ---- chains ---- */

static void judge(struct certificate *c, const struct certificates *all, int64_t now)
{
	struct finding_site site = { .now = now, .suffix = all->suffix,
				     .serve_expired = all->serve_expired };

	c->n_findings = finding_list(c->facts, &site, c->findings);
	c->served = true;
	for (size_t i = 0; i < c->n_findings; i++) {
		c->served &= c->findings[i].severity != FINDING_REFUSED;
		/* Machines that refuse this way have the other one. */
		if (c->other_way && c->findings[i].severity == FINDING_WARNING)
			c->findings[i].severity = FINDING_NOTE;
	}
}

bool certificates_turn(struct certificates *c, int64_t now)
{
	if (!c || (!clock_was_wrong(c->judged, now, 0) && now - c->judged < CHAIN_DAY))
		return false;
	for (size_t i = 0; i < c->n; i++)
		judge(&c->at[i], c, now);
	c->judged = now;
	return true;
}

/* Takes over CHAIN, also when it fails. */
static int add_chain(struct certificates *all, struct chain *chain, bool other_way, int64_t now)
{
	struct certificate *more = reallocarray(all->at, all->n + 1, sizeof(*more));
	const char *file = chain_facts(chain)->links[0].file;
	unsigned number = 1;

	if (!more) {
		chain_free(&chain);
		return KIT_ERR_NOMEM;
	}
	all->at = more;
	for (size_t i = 0; i < all->n; i++)
		number += strcmp(more[i].facts->links[0].file, file) == 0;
	more += all->n++;
	memset(more, 0, sizeof(*more));
	more->chain = chain;
	more->facts = chain_facts(chain);
	more->other_way = other_way;
	if (number > 1)
		snprintf(more->id, sizeof(more->id), "%.240s#%u", file, number);
	else
		snprintf(more->id, sizeof(more->id), "%s", file);
	judge(more, all, now);
	return 0;
}

/* All chains of certificate NTH. KIT_ERR_NOT_FOUND: there is none that is NTH. */
static int make_ways(struct folder_reading *f, X509_STORE *store, size_t nth)
{
	struct chain *chain = NULL;
	int rc = 0;

	for (size_t way = 0; !rc; way++) {
		rc = chain_make_other(&chain, f->bundle, store, nth, way, f->fault);
		if (rc == KIT_ERR_NOT_FOUND)
			return way ? 0 : rc;
		if (!rc && add_chain(f->certificates, chain, way > 0, f->options->now))
			rc = fault_nomem(f->fault);
	}
	return rc;
}

static int make_chains(struct folder_reading *f)
{
	const char *system = f->options->system;
	X509_STORE *store = NULL;
	int rc = 0;

	if (system && access(system, R_OK) == 0) {
		store = X509_STORE_new();
		if (!store || !X509_STORE_load_path(store, system))
			rc = fault_nomem(f->fault);
	}
	for (size_t i = 0; !rc; i++)
		rc = make_ways(f, store, i);
	X509_STORE_free(store);
	ERR_clear_error();
	return rc == KIT_ERR_NOT_FOUND ? 0 : rc;
}

/* ---- keys that are no server's ---- */

static bool some_lack_key(const struct certificates *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (!c->at[i].facts->has_key)
			return true;
	return false;
}

/* The certificate of the bundle that KEY belongs to, or NULL. */
static X509 *owner_of(const struct bundle *b, const EVP_PKEY *key)
{
	const struct bundle_item *item;

	for (size_t i = 0; (item = bundle_at(b, i)) != NULL; i++)
		if (item->certificate &&
		    EVP_PKEY_eq(X509_get0_pubkey(item->certificate), key) == 1)
			return item->certificate;
	return NULL;
}

/* A key that does not belong here is said: an authority's, or one without a certificate. */
static int look_at_keys(struct folder_reading *f)
{
	const struct bundle_item *item;
	int rc = 0;

	for (size_t i = 0; !rc && (item = bundle_at(f->bundle, i)) != NULL; i++) {
		struct fault why = { .code = 0 };
		X509 *owner = item->key ? owner_of(f->bundle, item->key) : NULL;

		if (!item->key || (owner && X509_check_ca(owner) <= 0))
			continue;
		if (owner)
			fault_set(&why, KIT_ERR_UNFIT, "%s holds the private key of an authority, "
				  "which the server does not need\n"
				  "keep it off this computer: who has it can set up every machine "
				  "that trusts that authority", item->file);
		else if (!some_lack_key(f->certificates))
			fault_set(&why, KIT_ERR_UNFIT, "%s holds a private key, but no file holds "
				  "its certificate\n"
				  "put the certificate beside it", item->file);
		if (why.code)
			rc = note_problem(f->certificates, item->file, &why);
	}
	ERR_clear_error();
	return rc ? fault_nomem(f->fault) : 0;
}

int certificates_load(struct certificates **out, const struct certificates_options *options,
		      struct fault *fault)
{
	struct folder_reading f = { .options = options, .fault = fault };
	int rc;

	f.certificates = *out = calloc(1, sizeof(**out));
	if (!*out)
		return fault_nomem(fault);
	find_service(&f.service, options->service);
	f.certificates->judged = options->now;
	f.certificates->serve_expired = options->serve_expired;
	f.certificates->suffix = strdup(options->suffix ? options->suffix : "");
	rc = f.certificates->suffix ? bundle_new(&f.bundle, fault) : fault_nomem(fault);
	if (!rc && *options->folder)
		rc = read_folder(&f);
	if (!rc)
		rc = make_chains(&f);
	if (!rc)
		rc = look_at_keys(&f);
	bundle_free(&f.bundle);
	if (rc)
		certificates_free(out);
	return rc;
}

void certificates_free(struct certificates **out)
{
	struct certificates *c = *out;

	*out = NULL;
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		chain_free(&c->at[i].chain);
	free(c->at);
	free(c->problem);
	free(c->suffix);
	free(c);
}

const struct certificate *certificates_at(const struct certificates *c, size_t i)
{
	return c && i < c->n ? &c->at[i] : NULL;
}

const struct certificate_problem *certificates_problem(const struct certificates *c, size_t i)
{
	return c && i < c->n_problems ? &c->problem[i] : NULL;
}

const struct certificate *certificates_find(const struct certificates *c, const char *id)
{
	const struct certificate *found = NULL;
	size_t n = strlen(id);

	for (size_t i = 0; c && i < c->n; i++) {
		const char *dot = strrchr(c->at[i].id, '.');

		if (strcmp(c->at[i].id, id) == 0)
			return &c->at[i];
		if (!found && dot && (size_t)(dot - c->at[i].id) == n &&
		    strncmp(c->at[i].id, id, n) == 0)
			found = &c->at[i];
	}
	return found;
}

/* ---- what a machine would accept ---- */

/* The best digest of the list that is the root's; 0: none. */
static unsigned listed_type(const struct chain_facts *f, const uint8_t *list, size_t size)
{
	struct roots_digest d;
	struct reader r;
	unsigned best = 0;

	reader_init(&r, list, size);
	while (roots_next(&r, &d)) {
		const uint8_t *own = chain_root_digest(f, d.type);

		if (own && d.size == chain_digest_size(d.type) &&
		    memcmp(own, d.bytes, d.size) == 0 && d.type > best)
			best = d.type;
	}
	return best;
}

/* The smaller the better. */
static unsigned rank_of(const struct certificate_match *m)
{
	return (m->type == 0 ? 4u : m->type == CHAIN_SHA1 ? 2u : 0u) + (m->valid ? 0u : 1u);
}
#define RANKS	6

size_t certificates_match(const struct certificates *c, const uint8_t *list, size_t size,
			  int64_t now, bool unlisted, struct certificate_match *out, size_t room)
{
	size_t n = 0;

	for (unsigned rank = 0; rank < RANKS; rank++)
		for (size_t i = 0; c && i < c->n && n < room; i++) {
			const struct chain_facts *f = c->at[i].facts;
			struct certificate_match m = {
				.certificate = &c->at[i],
				.type = listed_type(f, list, size),
				.valid = now >= f->not_before && now <= f->not_after,
			};

			if (!c->at[i].served || (m.type == 0 && !unlisted) || rank_of(&m) != rank)
				continue;
			if (now > f->not_after && !c->serve_expired)
				continue;
			out[n++] = m;
		}
	return n;
}
