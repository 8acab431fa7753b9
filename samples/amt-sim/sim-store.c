/* TLS of a machine's own, as a server sets it: key pair, certificate, settings. */
#include "samples/amt-sim/sim-store.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "samples/amt-sim/sim-identity.h"
#include "samples/amt-sim/sim-setup.h"

const struct sim_store *sim_store_of(const struct sim_device *d)
{
	static const struct sim_store none = { .key_size = 0, .remote.plain_too = true,
					     .local.plain_too = true, .served.plain_too = true };

	return d->store ? d->store : &none;
}

/* A copy to change; NULL: out of memory. */
static struct sim_store *begin(const struct sim_device *d)
{
	struct sim_store *t = malloc(sizeof(*t));

	if (t)
		*t = *sim_store_of(d);
	return t;
}

static void discard(struct sim_store *t)
{
	if (t)
		secret_wipe(t, sizeof(*t));
	free(t);
}

/* Put the changed copy T in its place, durably; or nothing has happened. STATUS: of the change. */
static unsigned end(struct sim_device *d, struct sim_store *t, unsigned status)
{
	struct sim_store *before = d->store;

	if (!t || status != SIM_OK) {
		discard(t);
		return t ? status : (unsigned)SIM_INTERNAL_ERROR;
	}
	d->store = t;
	if (sim_device_save(d, NULL) < 0) {
		d->store = before;
		discard(t);
		return SIM_INTERNAL_ERROR;
	}
	discard(before);
	return SIM_OK;
}

unsigned sim_store_generate(struct sim_device *d, const char *algorithm, const char *length,
			    const char *file)
{
	bool longer = length && strcmp(length, "3072") == 0 && d->firmware.major >= 16;
	struct sim_store *t;
	int rc;

	if (!algorithm || strcmp(algorithm, "0") != 0 || !length ||
	    (strcmp(length, "2048") != 0 && !longer))
		return SIM_INVALID_PARAMETER;
	if (sim_store_of(d)->bound)
		return SIM_NOT_PERMITTED;
	t = begin(d);
	if (!t)
		return SIM_INTERNAL_ERROR;
	t->key_size = sizeof(t->key);
	t->size = 0;
	rc = sim_identity_key_pair(longer ? 3072 : 2048, file, t->key, &t->key_size, NULL);
	return end(d, t, rc < 0 ? SIM_INTERNAL_ERROR : SIM_OK);
}

unsigned sim_store_add_certificate(struct sim_device *d, const char *blob)
{
	gnutls_datum_t text, der = { NULL, 0 };
	struct sim_identity identity = { .n = 0 };
	unsigned status = SIM_INVALID_PARAMETER;
	struct sim_store *t = begin(d);

	if (!t || !blob || t->key_size == 0)
		return end(d, t, status);
	text = (gnutls_datum_t){ (unsigned char *)blob, (unsigned)strlen(blob) };
	if (gnutls_base64_decode2(&text, &der) == 0 && der.size <= sizeof(t->certificate) &&
	    sim_identity_import(&identity, t->key, t->key_size, der.data, der.size, NULL) == 0) {
		memcpy(t->certificate, der.data, der.size);
		t->size = der.size;
		status = SIM_OK;
	}
	sim_identity_clear(&identity);
	gnutls_free(der.data);
	return end(d, t, status);
}

unsigned sim_store_bind(struct sim_device *d, const char *handle)
{
	struct sim_store *t = begin(d);
	bool ok = t && t->size > 0 && handle && strcmp(handle, SIM_STORE_CERTIFICATE_HANDLE) == 0;

	if (t)
		t->bound = true;
	return end(d, t, ok ? SIM_OK : SIM_INVALID_PARAMETER);
}

/* "true" or "false" into *OUT; a missing one leaves it. */
static bool take_flag(const char *text, bool *out)
{
	if (!text)
		return true;
	*out = strcmp(text, "true") == 0;
	return *out || strcmp(text, "false") == 0;
}

unsigned sim_store_set(struct sim_device *d, const char *instance, const char *enabled,
		     const char *mutual, const char *plain_too)
{
	bool remote = instance && strcmp(instance, SIM_STORE_REMOTE) == 0;
	struct sim_store_setting s = { .enabled = false };
	struct sim_store *t;

	if (!remote && (!instance || strcmp(instance, SIM_STORE_LOCAL) != 0))
		return SIM_INVALID_PARAMETER;
	t = begin(d);
	if (!t)
		return SIM_INTERNAL_ERROR;
	if (!enabled || !take_flag(enabled, &s.enabled) || !take_flag(mutual, &s.mutual) ||
	    !take_flag(plain_too, &s.plain_too))
		return end(d, t, SIM_INVALID_PARAMETER);
	/* Without a certificate there is nothing to serve with. */
	if (s.enabled && !t->bound && d->firmware.major < 16)
		return end(d, t, SIM_DATA_MISSING);
	if (remote)
		t->remote = s;
	else
		t->local = s;
	t->remote_put = t->remote_put || remote;
	t->local_put = t->local_put || !remote;
	return end(d, t, SIM_OK);
}

unsigned sim_store_commit(struct sim_device *d)
{
	struct sim_store *t;

	if (!d->store)
		return SIM_OK;
	t = begin(d);
	if (t && t->remote_put && !t->local_put)
		t->served = t->remote;
	if (t)
		t->remote_put = t->local_put = false;
	return end(d, t, SIM_OK);
}

/* The bytes of a length of DER. */
static size_t put_length(uint8_t *out, size_t n)
{
	out[0] = 0x82;
	out[1] = (uint8_t)(n >> 8);
	out[2] = (uint8_t)n;
	return 3;
}

/* SEQUENCE of the INTEGERs M (256 bytes and more) and E (less than 128), as base64. */
static char *show_pkcs1(const gnutls_datum_t *m, const gnutls_datum_t *e)
{
	uint8_t der[SIM_STORE_KEY];
	gnutls_datum_t raw = { der, 0 }, text = { NULL, 0 };
	size_t at = 0, inner = 4 + m->size + 2 + e->size;
	char *out = NULL;

	if (m->size < 256 || e->size > 127 || inner + 4 > sizeof(der))
		return NULL;
	der[at++] = 0x30;
	at += put_length(der + at, inner);
	der[at++] = 0x02;
	at += put_length(der + at, m->size);
	memcpy(der + at, m->data, m->size);
	at += m->size;
	der[at++] = 0x02;
	der[at++] = (uint8_t)e->size;
	memcpy(der + at, e->data, e->size);
	raw.size = (unsigned)(at + e->size);
	if (gnutls_base64_encode2(&raw, &text) == 0)
		out = strdup((const char *)text.data);
	gnutls_free(text.data);
	return out;
}

char *sim_store_public_key(const struct sim_store *t)
{
	gnutls_datum_t der = { (unsigned char *)t->key, (unsigned)t->key_size };
	gnutls_datum_t m = { NULL, 0 }, e = { NULL, 0 };
	gnutls_x509_privkey_t key = NULL;
	char *text = NULL;
	int err = t->key_size == 0 ? GNUTLS_E_INVALID_REQUEST : gnutls_x509_privkey_init(&key);

	if (err == 0)
		err = gnutls_x509_privkey_import(key, &der, GNUTLS_X509_FMT_DER);
	if (err == 0)
		err = gnutls_x509_privkey_export_rsa_raw2(key, &m, &e, NULL, NULL, NULL, NULL, NULL,
							  NULL);
	if (err == 0)
		text = show_pkcs1(&m, &e);
	gnutls_free(m.data);
	gnutls_free(e.data);
	gnutls_x509_privkey_deinit(key);
	return text;
}
