/* A provisioning certificate with its chain and its key. */
#include "amt/chain.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "amt/pem.h"
#include "common/text.h"

#define CHAIN_WAYS	4	/* of one certificate */
#define SIGNATURES	1000	/* that a search checks: files with many namesakes cost no more */

struct chain {
	atomic_uint references;
	X509 *x[CHAIN_LENGTH];
	EVP_PKEY *key;		/* SECRET; NULL: not there */
	struct chain_facts facts;
};

/* ---- making: the way from the leaf to a root ---- */

/* An issuer that may follow. */
struct step {
	X509 *x;		/* borrowed from the bundle or from what the search took */
	const char *file;	/* NULL: the system's */
};

struct chain_search {
	const struct bundle *bundle;
	X509_STORE_CTX *system;		/* NULL: not asked */
	STACK_OF(X509) *taken;		/* from the system */
	unsigned signatures;		/* still to be checked at most */
	struct step path[CHAIN_LENGTH];
	size_t n;
	size_t way;			/* complete ways to pass by, each with a root of its own */
	X509 *passed[CHAIN_WAYS];	/* the roots of those */
	size_t n_passed;
};

/* A root's signature of itself proves nothing, and old ones are of digests that OpenSSL lacks. */
static bool is_root(X509 *x)
{
	return X509_self_signed(x, 0) == 1;
}

static bool is_weak(const X509 *x, const char **name)
{
	int digest = NID_undef;

	X509_get_signature_info((X509 *)x, &digest, NULL, NULL, NULL);
	if (name)
		*name = digest == NID_undef ? "none" : OBJ_nid2sn(digest);
	return digest == NID_sha1 || digest == NID_md5 || digest == NID_md5_sha1 ||
	       digest == NID_md4 || digest == NID_md2;
}

static bool is_issuer(struct chain_search *s, X509 *issuer, X509 *of)
{
	if (X509_check_issued(issuer, of) != X509_V_OK || X509_check_ca(issuer) <= 0)
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (X509_cmp(s->path[i].x, issuer) == 0)
			return false;
	if (s->signatures == 0)
		return false;
	s->signatures--;
	return X509_verify(of, X509_get0_pubkey(issuer)) == 1;
}

static size_t issuers_of_bundle(struct chain_search *s, X509 *of, bool weak, struct step *out,
				size_t room)
{
	const struct bundle_item *item;
	size_t n = 0;

	for (size_t i = 0; (item = bundle_at(s->bundle, i)) != NULL && n < room; i++)
		if (item->certificate && is_weak(item->certificate, NULL) == weak &&
		    is_issuer(s, item->certificate, of))
			out[n++] = (struct step){ item->certificate, item->file };
	return n;
}

static size_t issuers_of_system(struct chain_search *s, X509 *of, bool weak, struct step *out,
				size_t room)
{
	STACK_OF(X509) *found = NULL;
	size_t n = 0;

	if (!s->system)
		return 0;
	found = X509_STORE_CTX_get1_certs(s->system, X509_get_issuer_name(of));
	for (int i = 0; i < sk_X509_num(found) && n < room; i++) {
		X509 *x = sk_X509_value(found, i);

		if (is_weak(x, NULL) != weak || !is_issuer(s, x, of) || !X509_up_ref(x))
			continue;
		if (!sk_X509_push(s->taken, x)) {
			X509_free(x);
			break;
		}
		out[n++] = (struct step){ x, NULL };
	}
	sk_X509_pop_free(found, X509_free);
	return n;
}

#define ISSUERS	8	/* of one certificate that are tried */

/* The best first: of the bundle, then of the system; of each, SHA-256 before SHA-1. */
static size_t issuers(struct chain_search *s, struct step out[static ISSUERS])
{
	X509 *of = s->path[s->n - 1].x;
	size_t n = issuers_of_bundle(s, of, false, out, ISSUERS);

	n += issuers_of_bundle(s, of, true, out + n, ISSUERS - n);
	n += issuers_of_system(s, of, false, out + n, ISSUERS - n);
	return n + issuers_of_system(s, of, true, out + n, ISSUERS - n);
}

/* A complete way is at hand: is it the one that is wanted? */
static bool take_way(struct chain_search *s)
{
	X509 *root = s->path[s->n - 1].x;

	for (size_t i = 0; i < s->n_passed; i++)
		if (X509_cmp(s->passed[i], root) == 0)
			return false;
	if (s->n_passed == s->way)
		return true;
	s->passed[s->n_passed++] = root;
	return false;
}

/* Is there a way of exactly LENGTH certificates that ends in a root? Its path is in *s then. */
static bool find_way(struct chain_search *s, size_t length)
{
	struct step next[ISSUERS];
	size_t n;

	if (is_root(s->path[s->n - 1].x))
		return s->n == length && take_way(s);
	if (s->n == length)
		return false;
	n = issuers(s, next);
	for (size_t i = 0; i < n; i++) {
		s->path[s->n++] = next[i];
		if (find_way(s, length))
			return true;
		s->n--;
	}
	return false;
}

/* The shortest way there is that was not passed by. */
static bool search_way(struct chain_search *s)
{
	s->n = 1;
	s->n_passed = 0;
	s->signatures = SIGNATURES;
	for (size_t length = 1; length <= CHAIN_LENGTH; length++)
		if (find_way(s, length))
			return true;
	return false;
}

/* The first way as far as it goes. */
static void search_end(struct chain_search *s)
{
	struct step next[ISSUERS];

	while (s->n < CHAIN_LENGTH && !is_root(s->path[s->n - 1].x) && issuers(s, next) > 0)
		s->path[s->n++] = next[0];
}

/* The system is asked only where the bundle leads to no root at all. */
static int search_all(struct chain_search *s, X509_STORE *system, struct fault *fault)
{
	bool found = search_way(s);

	if (!found && s->n_passed == 0 && system) {
		s->taken = sk_X509_new_null();
		s->system = X509_STORE_CTX_new();
		if (!s->taken || !s->system ||
		    !X509_STORE_CTX_init(s->system, system, NULL, NULL))
			return fault_nomem(fault);
		found = search_way(s);
	}
	if (!found && s->way > 0)
		return KIT_ERR_NOT_FOUND;
	if (!found)
		search_end(s);
	return 0;
}

/* ---- facts ---- */

/* An ASN.1 string as text fit for a terminal; one with a NUL in it shows a '?' there. */
static void show_string(const ASN1_STRING *string, char out[static CHAIN_NAME])
{
	unsigned char *utf8 = NULL;
	int n = string ? ASN1_STRING_to_UTF8(&utf8, string) : -1;

	*out = '\0';
	for (int i = 0; i < n; i++)
		if (utf8[i] == '\0')
			utf8[i] = '?';
	if (n > 0)
		text_clean(out, CHAIN_NAME, (char *)utf8);
	OPENSSL_free(utf8);
}

/* The last entry NID of NAME, which is the most special one. False: there is none. */
static bool show_entry(const X509_NAME *name, int nid, char out[static CHAIN_NAME])
{
	int at = -1, last = -1;

	*out = '\0';
	while ((at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0)
		last = at;
	if (last < 0)
		return false;
	show_string(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)), out);
	return *out != '\0';
}

static void show_name(const X509_NAME *name, char out[static CHAIN_NAME])
{
	if (!show_entry(name, NID_commonName, out) &&
	    !show_entry(name, NID_organizationalUnitName, out) &&
	    !show_entry(name, NID_organizationName, out))
		strcpy(out, "(no name)");
}

int64_t chain_time(const struct asn1_string_st *t)
{
	struct tm tm;

	return t && ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static void show_serial(const X509 *x, char out[static CHAIN_SERIAL])
{
	BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *hex = n ? BN_bn2hex(n) : NULL;

	snprintf(out, CHAIN_SERIAL, "%s", hex ? hex : "");
	for (char *p = out; *p; p++)
		if (*p >= 'A' && *p <= 'F')
			*p = (char)(*p - 'A' + 'a');
	OPENSSL_free(hex);
	BN_free(n);
}

static enum chain_key kind_of(const EVP_PKEY *key)
{
	switch (key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE) {
	case EVP_PKEY_RSA:
		return CHAIN_KEY_RSA;
	case EVP_PKEY_EC:
		return CHAIN_KEY_EC;
	default:
		return CHAIN_KEY_OTHER;
	}
}

static void note_link(struct chain_facts *f, X509 *x, const char *file)
{
	struct chain_link *l = &f->links[f->n_links++];
	const EVP_PKEY *key = X509_get0_pubkey(x);
	int n = i2d_X509(x, NULL);

	show_name(X509_get_subject_name(x), l->subject);
	show_name(X509_get_issuer_name(x), l->issuer);
	show_serial(x, l->serial);
	if (file)
		text_clean(l->file, sizeof(l->file), file);
	l->not_before = chain_time(X509_get0_notBefore(x));
	l->not_after = chain_time(X509_get0_notAfter(x));
	l->key = kind_of(key);
	l->bits = key ? (unsigned)EVP_PKEY_get_bits(key) : 0;
	l->weak_digest = is_weak(x, &l->digest);
	f->weak_digest |= l->weak_digest;
	f->by_system |= !file;
	f->bytes += n > 0 ? (size_t)n : 0;
	if (f->n_links == 1 || l->not_before > f->not_before)
		f->not_before = l->not_before;
	if (f->n_links == 1 || l->not_after < f->not_after)
		f->not_after = l->not_after;
}

static void note_ou(struct chain_facts *f, X509 *leaf)
{
	const X509_NAME *name = X509_get_subject_name(leaf);
	char ou[CHAIN_NAME];
	int at = -1;

	while ((at = X509_NAME_get_index_by_NID(name, NID_organizationalUnitName, at)) >= 0) {
		show_string(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)), ou);
		if (strcmp(ou, CHAIN_AMT_OU) == 0)
			f->amt_ou = true;
		else if (strcasestr(ou, "client setup cert"))
			strcpy(f->near_ou, ou);
	}
}

static void note_usage(struct chain_facts *f, X509 *leaf)
{
	EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
	char oid[64];

	for (int i = 0; i < sk_ASN1_OBJECT_num(usage); i++) {
		const ASN1_OBJECT *o = sk_ASN1_OBJECT_value(usage, i);

		if (OBJ_obj2nid(o) == NID_server_auth)
			f->server_auth = true;
		OBJ_obj2txt(oid, sizeof(oid), o, 1);
		if (strcmp(oid, CHAIN_AMT_OID) == 0)
			f->amt_oid = true;
	}
	EXTENDED_KEY_USAGE_free(usage);
}

static void note_san(struct chain_facts *f, X509 *leaf)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && f->n_names < CHAIN_NAMES; i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);

		if (g->type == GEN_DNS)
			show_string(g->d.dNSName, f->names[f->n_names++]);
	}
	GENERAL_NAMES_free(names);
}

static void note_root(struct chain_facts *f, X509 *last)
{
	f->complete = is_root(last);
	if (f->complete && (!X509_digest(last, EVP_sha1(), f->root_sha1, NULL) ||
			    !X509_digest(last, EVP_sha256(), f->root_sha256, NULL) ||
			    !X509_digest(last, EVP_sha384(), f->root_sha384, NULL)))
		f->complete = false;
}

/* Is it the key of any certificate of the bundle? */
static bool key_is_used(const struct bundle *b, const EVP_PKEY *key)
{
	const struct bundle_item *item;

	for (size_t i = 0; (item = bundle_at(b, i)) != NULL; i++)
		if (item->certificate &&
		    EVP_PKEY_eq(X509_get0_pubkey(item->certificate), key) == 1)
			return true;
	return false;
}

static int note_key(struct chain *c, const struct bundle *b, struct fault *fault)
{
	const EVP_PKEY *wanted = X509_get0_pubkey(c->x[0]);
	const struct bundle_item *item;

	for (size_t i = 0; wanted && (item = bundle_at(b, i)) != NULL; i++) {
		if (!item->key)
			continue;
		if (EVP_PKEY_eq(wanted, item->key) == 1) {
			if (!EVP_PKEY_up_ref(item->key))
				return fault_nomem(fault);
			c->key = item->key;
			c->facts.has_key = true;
			return 0;
		}
		if (!*c->facts.other_key && !key_is_used(b, item->key))
			text_clean(c->facts.other_key, CHAIN_NAME, item->file);
	}
	return 0;
}

/* The chain of the path that was found. */
static int build(struct chain *c, const struct chain_search *s, struct fault *fault)
{
	for (size_t i = 0; i < s->n; i++) {
		if (!X509_up_ref(s->path[i].x))
			return fault_nomem(fault);
		c->x[i] = s->path[i].x;
		note_link(&c->facts, c->x[i], s->path[i].file);
	}
	show_entry(X509_get_subject_name(c->x[0]), NID_commonName, c->facts.cn);
	note_ou(&c->facts, c->x[0]);
	note_usage(&c->facts, c->x[0]);
	note_san(&c->facts, c->x[0]);
	note_root(&c->facts, c->x[s->n - 1]);
	return note_key(c, s->bundle, fault);
}

static const struct bundle_item *find_leaf(const struct bundle *b, size_t nth)
{
	const struct bundle_item *item;

	for (size_t i = 0; (item = bundle_at(b, i)) != NULL; i++)
		if (item->certificate && X509_check_ca(item->certificate) <= 0 && nth-- == 0)
			return item;
	return NULL;
}

int chain_make(struct chain **out, const struct bundle *bundle, X509_STORE *system, size_t nth,
	       struct fault *fault)
{
	return chain_make_other(out, bundle, system, nth, 0, fault);
}

int chain_make_other(struct chain **out, const struct bundle *bundle, X509_STORE *system,
		     size_t nth, size_t way, struct fault *fault)
{
	const struct bundle_item *leaf = find_leaf(bundle, nth);
	struct chain_search s = { .bundle = bundle, .way = way };
	int rc;

	*out = NULL;
	if (!leaf || way >= CHAIN_WAYS)
		return KIT_ERR_NOT_FOUND;
	s.path[0] = (struct step){ leaf->certificate, leaf->file };
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return fault_nomem(fault);
	atomic_init(&(*out)->references, 1);
	rc = search_all(&s, system, fault);
	if (!rc)
		rc = build(*out, &s, fault);
	if (rc)
		chain_free(out);
	X509_STORE_CTX_free(s.system);
	sk_X509_pop_free(s.taken, X509_free);
	ERR_clear_error();
	return rc;
}

struct chain *chain_ref(struct chain *c)
{
	atomic_fetch_add(&c->references, 1);
	return c;
}

void chain_free(struct chain **out)
{
	struct chain *c = *out;

	*out = NULL;
	if (!c || atomic_fetch_sub(&c->references, 1) != 1)
		return;
	for (size_t i = 0; i < CHAIN_LENGTH; i++)
		X509_free(c->x[i]);
	EVP_PKEY_free(c->key);
	free(c);
}

const struct chain_facts *chain_facts(const struct chain *c)
{
	return &c->facts;
}

size_t chain_digest_size(unsigned type)
{
	switch (type) {
	case CHAIN_SHA1:
		return 20;
	case CHAIN_SHA256:
		return 32;
	case CHAIN_SHA384:
		return 48;
	default:
		return 0;
	}
}

const uint8_t *chain_root_digest(const struct chain_facts *f, unsigned type)
{
	if (!f->complete)
		return NULL;
	switch (type) {
	case CHAIN_SHA1:
		return f->root_sha1;
	case CHAIN_SHA256:
		return f->root_sha256;
	case CHAIN_SHA384:
		return f->root_sha384;
	default:
		return NULL;
	}
}

int chain_der(const struct chain *c, size_t i, uint8_t **der, size_t *size, struct fault *fault)
{
	uint8_t *p = NULL;
	int n = i < c->facts.n_links ? i2d_X509(c->x[i], NULL) : -1;

	*der = NULL;
	if (n <= 0)
		return fault_set(fault, KIT_ERR_ARGUMENT, "the chain has no certificate %zu",
				 i + 1);
	*der = p = malloc((size_t)n);
	if (!p)
		return fault_nomem(fault);
	*size = (size_t)i2d_X509(c->x[i], &p);
	return 0;
}

/* Only what has its key and its root can be shown to a machine. */
static int check_whole(const struct chain *c, struct fault *fault)
{
	if (c->key && c->facts.complete)
		return 0;
	return fault_set(fault, KIT_ERR_STATE, "the certificate \"%s\" lacks %s", c->facts.cn,
			 c->key ? "its root" : "its private key");
}

int chain_use(const struct chain *c, SSL_CTX *ctx, struct fault *fault)
{
	int rc = check_whole(c, fault);

	if (rc)
		return rc;
	SSL_CTX_set_security_level(ctx, 0);
	/* What is sent is what was put in order here, not what OpenSSL would find. */
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
	if (SSL_CTX_use_certificate(ctx, c->x[0]) != 1 || !SSL_CTX_clear_chain_certs(ctx))
		goto fail;
	for (size_t i = 1; i < c->facts.n_links; i++)
		if (!SSL_CTX_add1_chain_cert(ctx, c->x[i]))
			goto fail;
	if (SSL_CTX_use_PrivateKey(ctx, c->key) == 1)
		return 0;
fail:
	fault_set(fault, KIT_ERR_LIBRARY, "OpenSSL refuses the certificate \"%s\": %s", c->facts.cn,
		  ERR_reason_error_string(ERR_peek_last_error()));
	ERR_clear_error();
	return KIT_ERR_LIBRARY;
}

int chain_text(const struct chain *c, char **text, struct fault *fault)
{
	int rc = check_whole(c, fault);

	*text = NULL;
	if (rc)
		return rc;
	*text = pem_text(c->key, c->x, c->facts.n_links);
	return *text ? 0 : fault_nomem(fault);
}

int64_t chain_days_left(int64_t when, int64_t now)
{
	int64_t left = when - now;

	return left >= 0 ? left / CHAIN_DAY : -((-left + CHAIN_DAY - 1) / CHAIN_DAY);
}

const char *chain_key_word(enum chain_key key)
{
	return key == CHAIN_KEY_RSA ? "RSA" : key == CHAIN_KEY_EC ? "EC" : "other";
}
