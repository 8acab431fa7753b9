/* The certificate and key that a machine shows in TLS: made by its firmware, or set by a server. */
#include "samples/amt-sim/sim-identity.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/outfile.h"
#include "common/secret.h"

#define DAY		86400
#define YEARS		10
#define PEM_MAX		8192
#define AUTHORITIES	(SIM_IDENTITY_CHAIN - 1)

struct sim_identities {
	enum sim_own kind;
	gnutls_x509_privkey_t key;	/* of those that share one */
	/* On-die: the root, then the authorities below it down to the one that signs leaves. */
	gnutls_x509_privkey_t authority_key[AUTHORITIES + 1];
	gnutls_x509_crt_t authority[AUTHORITIES + 1];
};

static int refused(int err, struct fault *fault)
{
	if (err >= 0)
		return 0;
	return fault_set(fault, KIT_ERR_CRYPTO, "cannot make a certificate: %s",
			 gnutls_strerror(err));
}

void sim_identity_clear(struct sim_identity *i)
{
	for (unsigned k = 0; k < i->n; k++)
		gnutls_pcert_deinit(&i->chain[k]);
	if (i->key)
		gnutls_privkey_deinit(i->key);
	memset(i, 0, sizeof(*i));
}

/* Fill OUT with the leaf and those above it; KEY stays the caller's. A code of GnuTLS. */
static int put_together(struct sim_identity *out, gnutls_x509_privkey_t key,
			const gnutls_x509_crt_t *chain, unsigned n)
{
	int err;

	memset(out, 0, sizeof(*out));
	err = gnutls_privkey_init(&out->key);
	if (err == 0)
		err = gnutls_privkey_import_x509(out->key, key, GNUTLS_PRIVKEY_IMPORT_COPY);
	while (err == 0 && out->n < n) {
		err = gnutls_pcert_import_x509(&out->chain[out->n], chain[out->n], 0);
		if (err == 0)
			out->n++;
	}
	if (err < 0)
		sim_identity_clear(out);
	return err;
}

static bool belongs(gnutls_x509_privkey_t key, gnutls_x509_crt_t crt)
{
	uint8_t a[20], b[20];
	size_t a_size = sizeof(a), b_size = sizeof(b);

	return gnutls_x509_privkey_get_key_id(key, 0, a, &a_size) == 0 &&
	       gnutls_x509_crt_get_key_id(crt, 0, b, &b_size) == 0 && a_size == b_size &&
	       memcmp(a, b, a_size) == 0;
}

int sim_identity_import(struct sim_identity *out, const uint8_t *key, size_t key_size,
			const uint8_t *certificate, size_t size, struct fault *fault)
{
	gnutls_datum_t key_der = { (unsigned char *)key, (unsigned)key_size };
	gnutls_datum_t der = { (unsigned char *)certificate, (unsigned)size };
	gnutls_x509_privkey_t k = NULL;
	gnutls_x509_crt_t crt = NULL;
	int err;

	memset(out, 0, sizeof(*out));
	err = gnutls_x509_privkey_init(&k);
	if (err == 0)
		err = gnutls_x509_crt_init(&crt);
	if (err == 0)
		err = gnutls_x509_privkey_import(k, &key_der, GNUTLS_X509_FMT_DER);
	if (err == 0)
		err = gnutls_x509_crt_import(crt, &der, GNUTLS_X509_FMT_DER);
	if (err == 0 && !belongs(k, crt))
		err = GNUTLS_E_CERTIFICATE_KEY_MISMATCH;
	if (err == 0)
		err = put_together(out, k, &crt, 1);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(k);
	return refused(err, fault);
}

/* What a certificate is to say. */
struct wanted_certificate {
	const char *name;
	bool authority;
	gnutls_x509_privkey_t key;	/* the subject's */
	gnutls_x509_crt_t issuer;	/* NULL: signed by itself */
	gnutls_x509_privkey_t issuer_key;
};

/* A code of GnuTLS; on failure *out is NULL. */
static int make_certificate(gnutls_x509_crt_t *out, const struct wanted_certificate *w)
{
	bool ec = gnutls_x509_privkey_get_pk_algorithm(w->key) == GNUTLS_PK_ECDSA;
	unsigned usage = w->authority ? GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN
				      : GNUTLS_KEY_DIGITAL_SIGNATURE |
						(ec ? 0u : (unsigned)GNUTLS_KEY_KEY_ENCIPHERMENT);
	time_t now = clock_now();
	gnutls_x509_crt_t c = NULL;
	uint8_t serial[16];
	int err = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));

	*out = NULL;
	serial[0] = (serial[0] & 0x3f) | 0x40;	/* positive, and no shorter than it looks */
	if (err == 0)
		err = gnutls_x509_crt_init(&c);
	if (err == 0)
		err = gnutls_x509_crt_set_version(c, 3);
	if (err == 0)
		err = gnutls_x509_crt_set_serial(c, serial, sizeof(serial));
	if (err == 0)
		err = gnutls_x509_crt_set_dn_by_oid(c, GNUTLS_OID_X520_COMMON_NAME, 0, w->name,
						    (unsigned)strlen(w->name));
	if (err == 0)
		err = gnutls_x509_crt_set_activation_time(c, now - DAY);
	if (err == 0)
		err = gnutls_x509_crt_set_expiration_time(c, now + YEARS * 365 * (time_t)DAY);
	if (err == 0)
		err = gnutls_x509_crt_set_basic_constraints(c, w->authority, -1);
	if (err == 0)
		err = gnutls_x509_crt_set_key_usage(c, usage);
	if (err == 0 && !w->authority)
		err = gnutls_x509_crt_set_key_purpose_oid(c, GNUTLS_KP_TLS_WWW_SERVER, 0);
	if (err == 0)
		err = gnutls_x509_crt_set_key(c, w->key);
	if (err == 0)
		err = gnutls_x509_crt_sign2(c, w->issuer ? w->issuer : c,
					    w->issuer ? w->issuer_key : w->key,
					    ec ? GNUTLS_DIG_SHA384 : GNUTLS_DIG_SHA256, 0);
	if (err < 0 && c)
		gnutls_x509_crt_deinit(c);
	else
		*out = c;
	return err;
}

#define P384	GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1)

/* A code of GnuTLS. */
static int make_key(gnutls_x509_privkey_t *out, gnutls_pk_algorithm_t kind, unsigned bits)
{
	int err = gnutls_x509_privkey_init(out);

	return err < 0 ? err : gnutls_x509_privkey_generate(*out, kind, bits, 0);
}

/* The one that a machine makes for itself. */
static int make_own_key(gnutls_x509_privkey_t *out, bool ec)
{
	return ec ? make_key(out, GNUTLS_PK_ECDSA, P384) : make_key(out, GNUTLS_PK_RSA, 2048);
}

static int write_pem(const char *file, const void *pem, size_t size, bool private,
		     struct fault *fault)
{
	struct outfile *o = NULL;
	int rc = outfile_open(&o, file, private ? 0 : OUTFILE_PUBLIC, fault);

	if (rc == 0)
		rc = outfile_write(o, pem, size, fault);
	if (rc == 0)
		rc = outfile_commit(&o, fault);
	outfile_discard(&o);
	return rc;
}

/* Read the key in FILE, or make one and write it there. FILE may be NULL. */
static int key_of_file(gnutls_x509_privkey_t *out, bool ec, const char *file, struct fault *fault)
{
	gnutls_datum_t pem = { NULL, 0 };
	char text[PEM_MAX];
	size_t size = sizeof(text);
	int rc;

	if (!file || access(file, F_OK) < 0) {
		rc = refused(make_own_key(out, ec), fault);
		if (rc == 0 && file)
			rc = refused(gnutls_x509_privkey_export(*out, GNUTLS_X509_FMT_PEM, text,
								&size), fault);
		if (rc == 0 && file)
			rc = write_pem(file, text, size, true, fault);
		secret_wipe(text, sizeof(text));
		return rc;
	}
	if (gnutls_load_file(file, &pem) < 0)
		return fault_sys(fault, errno, "cannot read the key %s", file);
	rc = gnutls_x509_privkey_init(out);
	if (rc == 0)
		rc = gnutls_x509_privkey_import(*out, &pem, GNUTLS_X509_FMT_PEM);
	secret_wipe(pem.data, pem.size);
	gnutls_free(pem.data);
	if (rc < 0 || (gnutls_x509_privkey_get_pk_algorithm(*out) == GNUTLS_PK_ECDSA) != ec)
		return fault_set(fault, KIT_ERR_FORMAT, "%s does not hold %s key (PEM)", file,
				 ec ? "an EC" : "an RSA");
	return 0;
}

int sim_identity_key_pair(unsigned bits, const char *file, uint8_t *key, size_t *size,
			  struct fault *fault)
{
	gnutls_x509_privkey_t k = NULL;
	int rc = file ? key_of_file(&k, false, file, fault)
		      : refused(make_key(&k, GNUTLS_PK_RSA, bits), fault);

	if (rc == 0)
		rc = refused(gnutls_x509_privkey_export(k, GNUTLS_X509_FMT_DER, key, size), fault);
	if (k)
		gnutls_x509_privkey_deinit(k);
	return rc;
}

/* The on-die root with its key: those of the file ROOT and ROOT.key, or new ones. */
static int make_root(struct sim_identities *m, const char *root, struct fault *fault)
{
	struct wanted_certificate w = { .name = "OnDie CA Root Cert Signing (simulated)",
				       .authority = true };
	char file[4096], text[PEM_MAX];
	gnutls_datum_t pem = { NULL, 0 };
	size_t size = sizeof(text);
	int rc;

	if (root && snprintf(file, sizeof(file), "%s.key", root) >= (int)sizeof(file))
		return fault_set(fault, KIT_ERR_RANGE, "the name %s is too long", root);
	rc = key_of_file(&m->authority_key[0], true, root ? file : NULL, fault);
	if (rc < 0)
		return rc;
	if (root && gnutls_load_file(root, &pem) == 0) {
		rc = gnutls_x509_crt_init(&m->authority[0]);
		if (rc == 0)
			rc = gnutls_x509_crt_import(m->authority[0], &pem, GNUTLS_X509_FMT_PEM);
		gnutls_free(pem.data);
		if (rc < 0 || !belongs(m->authority_key[0], m->authority[0]))
			return fault_set(fault, KIT_ERR_FORMAT,
					 "%s is not the certificate of the key %s", root, file);
		return 0;
	}
	w.key = m->authority_key[0];
	rc = refused(make_certificate(&m->authority[0], &w), fault);
	if (rc == 0 && root)
		rc = refused(gnutls_x509_crt_export(m->authority[0], GNUTLS_X509_FMT_PEM, text,
						    &size), fault);
	if (rc == 0 && root)
		rc = write_pem(root, text, size, false, fault);
	return rc;
}

static int make_authorities(struct sim_identities *m, const char *root, struct fault *fault)
{
	static const char *const names[] = {
		NULL, "OnDie CA CSME Intermediate CA", "CSME SIM ROM CA", "CSME SIM Kernel CA",
	};
	int rc = make_root(m, root, fault);

	for (unsigned i = 1; rc == 0 && i <= AUTHORITIES; i++) {
		struct wanted_certificate w = { .name = names[i], .authority = true,
				    .issuer = m->authority[i - 1],
				    .issuer_key = m->authority_key[i - 1] };

		rc = refused(make_own_key(&m->authority_key[i], true), fault);
		w.key = m->authority_key[i];
		if (rc == 0)
			rc = refused(make_certificate(&m->authority[i], &w), fault);
	}
	return rc;
}

int sim_identities_new(struct sim_identities **out, enum sim_own kind, const char *key,
		       const char *root, struct fault *fault)
{
	struct sim_identities *m = calloc(1, sizeof(*m));
	int rc;

	*out = m;
	if (!m)
		return fault_nomem(fault);
	m->kind = kind;
	if (kind == SIM_OWN_ON_DIE)
		rc = make_authorities(m, root, fault);
	else
		rc = key_of_file(&m->key, kind == SIM_OWN_P384,
				 kind == SIM_OWN_P384 ? NULL : key, fault);
	if (rc < 0)
		sim_identities_free(out);
	return rc;
}

int sim_identities_make(struct sim_identities *m, struct sim_identity *out, struct fault *fault)
{
	bool on_die = m->kind == SIM_OWN_ON_DIE;
	struct wanted_certificate w = { .name = on_die ? "AMT RCFG" : "AMT", .key = m->key };
	gnutls_x509_crt_t chain[SIM_IDENTITY_CHAIN] = { NULL };
	int err = 0;

	memset(out, 0, sizeof(*out));
	if (on_die) {
		w.issuer = m->authority[AUTHORITIES];
		w.issuer_key = m->authority_key[AUTHORITIES];
		w.key = NULL;
		err = make_own_key(&w.key, true);
		for (unsigned i = 1; i < SIM_IDENTITY_CHAIN; i++)
			chain[i] = m->authority[AUTHORITIES + 1 - i];
	}
	if (err == 0)
		err = make_certificate(&chain[0], &w);
	if (err == 0)
		err = put_together(out, w.key, chain, on_die ? SIM_IDENTITY_CHAIN : 1);
	if (chain[0])
		gnutls_x509_crt_deinit(chain[0]);
	if (on_die && w.key)
		gnutls_x509_privkey_deinit(w.key);
	return refused(err, fault);
}

void sim_identities_free(struct sim_identities **out)
{
	struct sim_identities *m = *out;

	if (!m)
		return;
	for (unsigned i = 0; i <= AUTHORITIES; i++) {
		if (m->authority[i])
			gnutls_x509_crt_deinit(m->authority[i]);
		if (m->authority_key[i])
			gnutls_x509_privkey_deinit(m->authority_key[i]);
	}
	if (m->key)
		gnutls_x509_privkey_deinit(m->key);
	free(m);
	*out = NULL;
}
