/* The rules of set-up: what each call changes in a device, and when the device refuses it. */
#include "samples/amt-sim/sim-setup.h"

#include <ctype.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/hex.h"
#include "common/secret.h"
#include "samples/amt-sim/sim-store.h"

/* Put the changed device into its file; when that fails it is again what BEFORE says. */
static unsigned keep(struct sim_device *d, struct sim_device *before)
{
	unsigned status = SIM_OK;

	if (sim_device_save(d, NULL) < 0) {
		*d = *before;
		status = SIM_INTERNAL_ERROR;
	}
	secret_wipe(before, sizeof(*before));
	return status;
}

/* Base64 of exactly SIZE bytes. */
static bool decode_base64(const char *text, uint8_t *out, size_t size)
{
	gnutls_datum_t in = { (unsigned char *)text, (unsigned)strlen(text) };
	gnutls_datum_t raw = { NULL, 0 };
	bool ok;

	if (gnutls_base64_decode2(&in, &raw) < 0)
		return false;
	ok = raw.size == size;
	if (ok)
		memcpy(out, raw.data, size);
	secret_wipe(raw.data, raw.size);
	gnutls_free(raw.data);
	return ok;
}

static unsigned set_admin(struct sim_device *d, const char *user, const uint8_t *digest)
{
	struct sim_device before = *d;

	memcpy(d->digest, digest, sizeof(d->digest));
	memcpy(d->admin_before.user, before.user, sizeof(before.user));
	memcpy(d->admin_before.digest, before.digest, sizeof(before.digest));
	d->admin_before.set = before.admin_set;
	strcpy(d->user, user);
	d->admin_set = d->admin_asked = true;
	return keep(d, &before);
}

unsigned sim_setup_admin(struct sim_device *d, const char *user, const char *digest, bool hex)
{
	uint8_t raw[16];
	unsigned status = SIM_INVALID_PARAMETER;

	if (user && digest && user[0] != '\0' && strlen(user) <= SIM_DEVICE_USER_MAX &&
	    !strpbrk(user, ":\r\n") &&
	    (decode_base64(digest, raw, sizeof(raw)) ||
	     (hex && strlen(digest) == 32 && hex_parse(digest, 32, raw, sizeof(raw), NULL) == 0)))
		status = set_admin(d, user, raw);
	secret_wipe(raw, sizeof(raw));
	return status;
}

unsigned sim_setup_forget_admin(struct sim_device *d)
{
	struct sim_device before = *d;

	if (!d->admin_asked)
		return SIM_OK;
	memcpy(d->user, d->admin_before.user, sizeof(d->user));
	memcpy(d->digest, d->admin_before.digest, sizeof(d->digest));
	d->admin_set = d->admin_before.set;
	return keep(d, &before);
}

/* Letters, digits and '-' of at most MAX bytes; with DOTS, several such joined by dots. */
static bool name_ok(const char *name, size_t max, bool dots)
{
	size_t n = strlen(name);

	if (n > max || name[0] == '-' || name[0] == '.' || (n > 0 && name[n - 1] == '.'))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '-' &&
		    !(dots && name[i] == '.' && name[i + 1] != '.'))
			return false;
	return true;
}

unsigned sim_setup_host(struct sim_device *d, const char *name)
{
	struct sim_device before;

	if (!name)
		return SIM_INVALID_PARAMETER;
	if (!name_ok(name, SIM_DEVICE_HOST_MAX, false))
		return SIM_INVALID_NAME;
	before = *d;
	strcpy(d->host, name);
	return keep(d, &before);
}

unsigned sim_setup_domain(struct sim_device *d, const char *name)
{
	struct sim_device before;

	if (!name)
		return SIM_INVALID_PARAMETER;
	if (!name_ok(name, SIM_DEVICE_DOMAIN_MAX, true))
		return SIM_INVALID_DOMAIN;
	before = *d;
	strcpy(d->domain, name);
	return keep(d, &before);
}

uint32_t sim_setup_clock(struct sim_device *d)
{
	d->clock_told = (uint32_t)(clock_now() + d->clock_offset);
	return d->clock_told;
}

static bool parse_seconds(const char *text, uint32_t *out)
{
	unsigned long n;
	char *end;

	if (!text || !isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	n = strtoul(text, &end, 10);
	*out = (uint32_t)n;
	return errno == 0 && *end == '\0' && n <= UINT32_MAX;
}

unsigned sim_setup_set_clock(struct sim_device *d, const char *ta0, const char *tm1,
			     const char *tm2)
{
	struct sim_device before;
	uint32_t told, sent, answered;

	if (!parse_seconds(ta0, &told) || !parse_seconds(tm1, &sent) ||
	    !parse_seconds(tm2, &answered))
		return SIM_INVALID_PARAMETER;
	if (d->clock_told == 0 || told != d->clock_told || answered < sent)
		return SIM_INVALID_TIME;
	before = *d;
	d->clock_offset += ((int64_t)sent + answered) / 2 - told;
	d->clock_set = true;
	d->clock_told = 0;
	return keep(d, &before);
}

unsigned sim_setup_mebx(struct sim_device *d, const char *password)
{
	struct sim_device before;

	if (d->state != SIM_DEVICE_IN)
		return SIM_INVALID_STATE;
	if (!password)
		return SIM_INVALID_PARAMETER;
	if (password_check_new(password, NULL) < 0)
		return SIM_INVALID_PASSWORD;
	before = *d;
	/* The network's password is another one, which was the same until now. */
	if (d->pki.on && !d->login_follows && d->login[0] == '\0')
		strcpy(d->login, d->mebx);
	strcpy(d->mebx, password);
	return keep(d, &before);
}

unsigned sim_setup_psk(struct sim_device *d, const char *pid, const char *pps)
{
	struct sim_device before;

	if (d->state != SIM_DEVICE_IN)
		return SIM_INVALID_STATE;
	if (d->firmware.major > SIM_DEVICE_LAST_PSK)
		return SIM_NOT_PERMITTED;
	if (!pid || strlen(pid) != PID_LENGTH || pidpps_check_pid(pid) < 0)
		return SIM_INVALID_PID;
	if (!pps || strlen(pps) != PPS_LENGTH || pidpps_check_pps(pps) < 0)
		return SIM_INVALID_PPS;
	before = *d;
	strcpy(d->pair.pid, pid);
	strcpy(d->pair.pps, pps);
	return keep(d, &before);
}

unsigned sim_setup_commit(struct sim_device *d)
{
	struct sim_device before;
	unsigned status;

	if (d->state == SIM_DEVICE_PRE)
		return SIM_INVALID_STATE;
	if (!d->admin_set && !d->admin_asked)
		return SIM_DATA_MISSING;
	status = sim_store_commit(d);
	if (status != SIM_OK)
		return status;
	before = *d;
	d->state = SIM_DEVICE_POST;
	return keep(d, &before);
}

unsigned sim_setup_extend(struct sim_device *d, const char *duration)
{
	uint32_t hours;

	if (d->state != SIM_DEVICE_IN)
		return SIM_INVALID_STATE;
	return parse_seconds(duration, &hours) && hours >= 1 && hours <= 24 ? SIM_OK
									    : SIM_INVALID_PARAMETER;
}

unsigned sim_setup_unprovision(struct sim_device *d)
{
	struct sim_device before;
	struct sim_store *tls = d->store;
	unsigned status;

	if (d->state != SIM_DEVICE_POST)
		return SIM_INVALID_STATE;
	before = *d;
	d->state = SIM_DEVICE_PRE;
	secret_wipe(&d->pair, sizeof(d->pair));
	secret_wipe(&d->pki, sizeof(d->pki));
	secret_wipe(d->digest, sizeof(d->digest));
	secret_wipe(d->login, sizeof(d->login));
	strcpy(d->user, SIM_DEVICE_ADMIN);
	d->admin_set = d->admin_asked = d->clock_set = false;
	d->clock_offset = 0;
	d->host[0] = d->domain[0] = '\0';
	d->store = NULL;
	status = keep(d, &before);
	if (status == SIM_OK && tls) {
		secret_wipe(tls, sizeof(*tls));
		free(tls);
	}
	return status;
}

unsigned sim_setup_partial_unprovision(struct sim_device *d)
{
	struct sim_device before;

	if (d->state != SIM_DEVICE_POST)
		return SIM_INVALID_STATE;
	before = *d;
	d->state = SIM_DEVICE_IN;
	/* A server that gave it a pair by certificate wants it back by that pair. */
	if (d->pair.pid[0] != '\0')
		d->pki.on = false;
	return keep(d, &before);
}
