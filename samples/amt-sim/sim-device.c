/* One simulated machine: factory state, and its flash as a private file of plain lines. */
#include "samples/amt-sim/sim-device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/hex.h"
#include "common/outfile.h"
#include "common/secret.h"
#include "samples/amt-sim/sim-store.h"

#define FILE_MAX	16384	/* bytes; a state file has under 10000 */
#define ROOT_SHOWN	(2 + 2 * SIM_ROOT_BYTES)	/* "2:c3846b..." */

static const char *const state_names[] = { "pre", "in", "post" };

const char *sim_device_state_name(enum sim_device_state state)
{
	return state_names[state];
}

int sim_device_parse_uuid(const char *text, uint8_t *out)
{
	static const int groups[] = { 4, 2, 2, 2, 6 };

	if (strlen(text) != SIM_DEVICE_UUID_SHOWN)
		return KIT_ERR_FORMAT;
	for (size_t g = 0; g < 5; g++) {
		if (g > 0 && *text++ != '-')
			return KIT_ERR_FORMAT;
		if (hex_parse(text, 2 * (size_t)groups[g], out, (size_t)groups[g], NULL))
			return KIT_ERR_FORMAT;
		text += 2 * groups[g];
		out += groups[g];
	}
	return 0;
}

void sim_device_show_uuid(const uint8_t *u, char *out)
{
	snprintf(out, SIM_DEVICE_UUID_SHOWN + 1,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1],
		 u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
		 u[15]);
}

void sim_device_smbios_uuid(const uint8_t *uuid, uint8_t *out)
{
	static const uint8_t from[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

	for (size_t i = 0; i < 16; i++)
		out[i] = uuid[from[i]];
}

int sim_device_random_uuid(uint8_t *out, struct fault *fault)
{
	if (gnutls_rnd(GNUTLS_RND_NONCE, out, 16) < 0)
		return fault_set(fault, KIT_ERR_CRYPTO, "no random numbers for a UUID");
	out[6] = (out[6] & 0x0f) | 0x40;	/* RFC 4122: random */
	out[8] = (out[8] & 0x3f) | 0x80;
	return 0;
}

int sim_device_parse_firmware(const char *text, struct sim_device_firmware *out)
{
	char end;
	int n = sscanf(text, "%3u.%3u.%5u%c", &out->major, &out->minor, &out->build, &end);

	if (n == 2 && !strchr(strchr(text, '.') + 1, '.') &&
	    strspn(text, "0123456789.") == strlen(text)) {
		out->build = 0;
		n = 3;
	}
	return n == 3 && out->major >= 1 ? 0 : KIT_ERR_FORMAT;
}

int sim_device_factory(struct sim_device *d, const uint8_t *uuid,
		       struct sim_device_firmware firmware, const char *file, struct fault *fault)
{
	uint8_t realm[16];
	int rc = 0;

	memset(d, 0, sizeof(*d));
	if (gnutls_rnd(GNUTLS_RND_NONCE, realm, sizeof(realm)) < 0)
		return fault_set(fault, KIT_ERR_CRYPTO, "no random numbers for a new machine");
	if (uuid)
		memcpy(d->uuid, uuid, 16);
	else
		rc = sim_device_random_uuid(d->uuid, fault);
	if (rc < 0)
		return rc;
	if (file) {
		d->file = strdup(file);
		if (!d->file)
			return fault_nomem(fault);
	}
	d->firmware = firmware;
	d->state = SIM_DEVICE_PRE;
	strcpy(d->mebx, PASSWORD_FACTORY);
	strcpy(d->realm, "Digest:");
	hex_show_upper(realm, sizeof(realm), d->realm + strlen(d->realm));
	strcpy(d->user, SIM_DEVICE_ADMIN);
	return 0;
}

/*
 * The file: one "name: value" a line, so that no value passes through a library whose copies
 * nobody wipes. Each value is text; these hold them on the way.
 */
struct flash {
	char uuid[SIM_DEVICE_UUID_SHOWN + 1];
	char firmware[16];
	char state[8];
	char mebx[PASSWORD_MAX + 1];	/* SECRET */
	char pid[PID_LENGTH + 1];
	char pps[PPS_LENGTH + 1];	/* SECRET */
	char realm[SIM_DEVICE_REALM + 1];
	char user[SIM_DEVICE_USER_MAX + 1];
	char digest[33];		/* SECRET */
	char host[SIM_DEVICE_HOST_MAX + 1];
	char domain[SIM_DEVICE_DOMAIN_MAX + 1];
	char clock_offset[21];		/* "" when the clock was never set */
	/* Set-up by certificate; files of before do not have these. */
	char mode[4];			/* "pki", or "" */
	char login[PASSWORD_MAX + 1];	/* SECRET */
	char root[SIM_ROOTS_OWN][ROOT_SHOWN + 1];
	char builtin[4];		/* "off", or "" */
	char hellos[4];			/* the same */
	char suffix[SIM_DEVICE_DOMAIN_MAX + 1];
	char fqdn[SIM_DEVICE_DOMAIN_MAX + 1];
	char server[INET_ADDRSTRLEN];
	char port[6];
	char otp[SIM_DEVICE_OTP_MAX + 1];	/* SECRET */
	/* TLS of its own: DER as base64, and what is set of enum tls_bit. */
	char tls_key[SIM_STORE_KEY / 3 * 4 + 8];	/* SECRET */
	char tls_certificate[SIM_STORE_CERTIFICATE / 3 * 4 + 8];
	char tls[8];
};

#define FIELD(name, member) { name, offsetof(struct flash, member), \
			      sizeof(((struct flash *)0)->member), true }
#define LATER(name, member) { name, offsetof(struct flash, member), \
			      sizeof(((struct flash *)0)->member), false }
/* The last one is needed, so that a file that was cut off shows as such. */
static const struct flash_field {
	const char *name;
	size_t offset, size;
	bool needed;
} fields[] = {
	FIELD("uuid", uuid), FIELD("firmware", firmware), FIELD("state", state),
	FIELD("mebx-password", mebx), FIELD("pid", pid), FIELD("pps", pps),
	FIELD("digest-realm", realm), FIELD("admin-user", user), FIELD("admin-digest", digest),
	FIELD("host-name", host), FIELD("domain-name", domain), LATER("mode", mode),
	LATER("login-password", login),
	LATER("root-1", root[0]), LATER("root-2", root[1]), LATER("root-3", root[2]),
	LATER("builtin-roots", builtin), LATER("hellos", hellos), LATER("pki-suffix", suffix),
	LATER("server-fqdn", fqdn), LATER("server-address", server), LATER("server-port", port),
	LATER("one-time-password", otp), LATER("tls-key", tls_key),
	LATER("tls-certificate", tls_certificate), LATER("tls", tls),
	FIELD("clock-offset", clock_offset),
};
#define FIELDS	(sizeof(fields) / sizeof(fields[0]))

/* Take TEXT (writable, ended by NUL) apart. True when every field was there, once, and fits. */
static bool flash_parse(struct flash *f, char *text)
{
	unsigned seen = 0;

	for (char *line = text, *next; *line != '\0'; line = next) {
		char *value = strstr(line, ": ");
		size_t i = 0;

		next = strchr(line, '\n');
		if (!next || !value || value > next)
			return false;
		*next++ = '\0';
		*value = '\0';
		value += 2;
		while (i < FIELDS && strcmp(line, fields[i].name) != 0)
			i++;
		if (i == FIELDS || seen & 1u << i || strlen(value) >= fields[i].size)
			return false;
		seen |= 1u << i;
		strcpy((char *)f + fields[i].offset, value);
	}
	for (size_t i = 0; i < FIELDS; i++)
		if (fields[i].needed && !(seen & 1u << i))
			return false;
	return true;
}

/* "2:c3846b..." */
static bool root_from_flash(struct sim_root *r, const char *text)
{
	size_t length = 0;

	r->type = (uint8_t)(text[0] - '0');
	r->length = sim_root_length(r->type);
	return r->length > 0 && text[1] == ':' &&
	       hex_parse(text + 2, strlen(text + 2), r->digest, sizeof(r->digest), &length) == 0 &&
	       length == r->length;
}

static bool pki_from_flash(struct sim_device_pki *p, const struct flash *f)
{
	struct in_addr server = { 0 };

	p->on = strcmp(f->mode, "pki") == 0;
	p->builtin_off = strcmp(f->builtin, "off") == 0;
	p->silent = strcmp(f->hellos, "off") == 0;
	for (size_t i = 0; i < SIM_ROOTS_OWN && f->root[i][0] != '\0'; i++)
		if (!root_from_flash(&p->own[p->n_own++], f->root[i]))
			return false;
	if (f->server[0] != '\0' && inet_pton(AF_INET, f->server, &server) != 1)
		return false;
	p->server = ntohl(server.s_addr);
	p->port = (uint16_t)strtoul(f->port, NULL, 10);
	strcpy(p->suffix, f->suffix);
	strcpy(p->fqdn, f->fqdn);
	strcpy(p->otp, f->otp);
	return true;
}

enum tls_bit {
	TLS_BOUND = 1, TLS_REMOTE = 2, TLS_LOCAL = 16, TLS_SERVED = 128, /* and two more of each: */
	TLS_ENABLED = 1, TLS_MUTUAL = 2, TLS_PLAIN = 4,
};

static struct sim_store_setting setting_from_bits(unsigned long bits)
{
	return (struct sim_store_setting){ .enabled = bits & TLS_ENABLED,
					 .mutual = bits & TLS_MUTUAL,
					 .plain_too = bits & TLS_PLAIN };
}

static unsigned bits_of_setting(const struct sim_store_setting *s)
{
	return (s->enabled ? TLS_ENABLED : 0u) | (s->mutual ? TLS_MUTUAL : 0u) |
	       (s->plain_too ? TLS_PLAIN : 0u);
}

/* Base64 of at most SIZE bytes; *USED: how many they are. */
static bool bytes_from_flash(const char *text, uint8_t *out, size_t size, size_t *used)
{
	gnutls_datum_t in = { (unsigned char *)text, (unsigned)strlen(text) }, raw = { NULL, 0 };
	bool ok;

	*used = 0;
	if (text[0] == '\0')
		return true;
	if (gnutls_base64_decode2(&in, &raw) < 0)
		return false;
	ok = raw.size <= size;
	if (ok)
		memcpy(out, raw.data, raw.size);
	*used = raw.size;
	secret_wipe(raw.data, raw.size);
	gnutls_free(raw.data);
	return ok;
}

static void bytes_to_flash(const uint8_t *bytes, size_t n, char *out, size_t size)
{
	gnutls_datum_t raw = { (unsigned char *)bytes, (unsigned)n }, text = { NULL, 0 };

	if (n == 0 || gnutls_base64_encode2(&raw, &text) < 0)
		return;
	snprintf(out, size, "%s", (const char *)text.data);
	secret_wipe(text.data, text.size);
	gnutls_free(text.data);
}

static bool tls_from_flash(struct sim_device *d, const struct flash *f)
{
	unsigned long bits = strtoul(f->tls, NULL, 10);
	struct sim_store *t;

	if (f->tls[0] == '\0')
		return true;
	t = d->store = calloc(1, sizeof(*t));
	if (!t || !bytes_from_flash(f->tls_key, t->key, sizeof(t->key), &t->key_size) ||
	    !bytes_from_flash(f->tls_certificate, t->certificate, sizeof(t->certificate),
			      &t->size))
		return false;
	t->bound = bits & TLS_BOUND;
	t->remote = setting_from_bits(bits / TLS_REMOTE);
	t->local = setting_from_bits(bits / TLS_LOCAL);
	t->served = setting_from_bits(bits / TLS_SERVED);
	return true;
}

static void tls_to_flash(const struct sim_store *t, struct flash *f)
{
	bytes_to_flash(t->key, t->key_size, f->tls_key, sizeof(f->tls_key));
	bytes_to_flash(t->certificate, t->size, f->tls_certificate, sizeof(f->tls_certificate));
	snprintf(f->tls, sizeof(f->tls), "%u",
		 (t->bound ? TLS_BOUND : 0u) | bits_of_setting(&t->remote) * TLS_REMOTE |
		 bits_of_setting(&t->local) * TLS_LOCAL | bits_of_setting(&t->served) * TLS_SERVED);
}

static bool from_flash(struct sim_device *d, const struct flash *f)
{
	size_t s = 0;

	while (s < 3 && strcmp(f->state, state_names[s]) != 0)
		s++;
	if (s == 3 || sim_device_parse_uuid(f->uuid, d->uuid) < 0 ||
	    sim_device_parse_firmware(f->firmware, &d->firmware) < 0)
		return false;
	if (!pki_from_flash(&d->pki, f) || !tls_from_flash(d, f))
		return false;
	if (s != SIM_DEVICE_PRE && (!d->pki.on || f->pid[0] != '\0') &&
	    (pidpps_check_pid(f->pid) < 0 || pidpps_check_pps(f->pps) < 0))
		return false;
	d->state = (enum sim_device_state)s;
	d->admin_set = f->digest[0] != '\0';
	if (d->admin_set &&
	    (strlen(f->digest) != 32 || hex_parse(f->digest, 32, d->digest, 16, NULL)))
		return false;
	d->clock_set = f->clock_offset[0] != '\0';
	d->clock_offset = strtoll(f->clock_offset, NULL, 10);
	strcpy(d->mebx, f->mebx);
	strcpy(d->login, f->login);
	strcpy(d->pair.pid, f->pid);
	strcpy(d->pair.pps, f->pps);
	strcpy(d->realm, f->realm);
	strcpy(d->user, f->user);
	strcpy(d->host, f->host);
	strcpy(d->domain, f->domain);
	return true;
}

int sim_device_load(struct sim_device *d, const char *file, struct fault *fault)
{
	int fd = -1, rc = 0;
	struct stat st;
	char text[FILE_MAX + 1];
	struct flash flash = { .uuid = "" };
	ssize_t size;

	memset(d, 0, sizeof(*d));
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		rc = fault_sys(fault, errno, "cannot open the machine's state %s", file);
		if (rc == KIT_ERR_NOT_FOUND)
			fault_hint(fault, "make the machine with: amt-sim boot --state %s", file);
		return rc;
	}
	if (fstat(fd, &st) < 0) {
		rc = fault_sys(fault, errno, "cannot look at %s", file);
		goto out;
	}
	if (st.st_mode & 077) {
		rc = fault_set(fault, KIT_ERR_PERMISSION, "%s holds a machine's secrets and others "
			       "can read it\n"
			       "chmod 600 %s", file, file);
		goto out;
	}
	size = read(fd, text, FILE_MAX);
	if (size < 0) {
		rc = fault_sys(fault, errno, "cannot read %s", file);
		goto out;
	}
	text[size] = '\0';
	if (!flash_parse(&flash, text) || !from_flash(d, &flash)) {
		rc = fault_set(fault, KIT_ERR_FORMAT, "%s is not a machine's state file\n"
			       "move it away to begin again with a machine from the factory", file);
		goto out;
	}
	d->file = strdup(file);
	if (!d->file)
		rc = fault_nomem(fault);
out:
	secret_wipe(text, sizeof(text));
	secret_wipe(&flash, sizeof(flash));
	close(fd);
	if (rc < 0)
		sim_device_clear(d);
	return rc;
}

static void pki_to_flash(const struct sim_device_pki *p, struct flash *f)
{
	struct in_addr server = { htonl(p->server) };

	strcpy(f->mode, p->on ? "pki" : "");
	strcpy(f->builtin, p->builtin_off ? "off" : "");
	strcpy(f->hellos, p->silent ? "off" : "");
	for (size_t i = 0; i < p->n_own; i++) {
		f->root[i][0] = (char)('0' + p->own[i].type);
		f->root[i][1] = ':';
		hex_show(p->own[i].digest, p->own[i].length, f->root[i] + 2);
	}
	if (p->server != 0)
		inet_ntop(AF_INET, &server, f->server, sizeof(f->server));
	if (p->port != 0)
		snprintf(f->port, sizeof(f->port), "%u", p->port);
	strcpy(f->suffix, p->suffix);
	strcpy(f->fqdn, p->fqdn);
	strcpy(f->otp, p->otp);
}

static void to_flash(const struct sim_device *d, struct flash *f)
{
	pki_to_flash(&d->pki, f);
	if (d->store)
		tls_to_flash(d->store, f);
	sim_device_show_uuid(d->uuid, f->uuid);
	snprintf(f->firmware, sizeof(f->firmware), "%u.%u.%u", d->firmware.major,
		 d->firmware.minor, d->firmware.build);
	strcpy(f->state, state_names[d->state]);
	if (d->admin_set)
		hex_show(d->digest, sizeof(d->digest), f->digest);
	if (d->clock_set)
		snprintf(f->clock_offset, sizeof(f->clock_offset), "%lld",
			 (long long)d->clock_offset);
	strcpy(f->mebx, d->mebx);
	strcpy(f->login, d->login);
	strcpy(f->pid, d->pair.pid);
	strcpy(f->pps, d->pair.pps);
	strcpy(f->realm, d->realm);
	strcpy(f->user, d->user);
	strcpy(f->host, d->host);
	strcpy(f->domain, d->domain);
}

int sim_device_save(const struct sim_device *d, struct fault *fault)
{
	struct flash flash = { .uuid = "" };
	struct outfile *o = NULL;
	char line[32 + sizeof(flash.tls_certificate)];	/* SECRET */
	int rc;

	if (!d->file)
		return 0;
	to_flash(d, &flash);
	rc = outfile_open(&o, d->file, OUTFILE_FORCE, fault);
	for (size_t i = 0; rc == 0 && i < FIELDS; i++) {
		snprintf(line, sizeof(line), "%s: %s\n", fields[i].name,
			 (const char *)&flash + fields[i].offset);
		rc = outfile_write(o, line, strlen(line), fault);
	}
	if (rc == 0)
		rc = outfile_commit(&o, fault);
	outfile_discard(&o);
	secret_wipe(line, sizeof(line));
	secret_wipe(&flash, sizeof(flash));
	return rc;
}

void sim_device_clear(struct sim_device *d)
{
	free(d->file);
	if (d->store)
		secret_wipe(d->store, sizeof(*d->store));
	free(d->store);
	secret_wipe(d, sizeof(*d));
}

const char *sim_device_account(const struct sim_device *d, uint8_t *digest)
{
	char text[sizeof(SIM_DEVICE_ADMIN) + SIM_DEVICE_REALM + PASSWORD_MAX + 2];
	int rc;

	if (d->admin_set) {
		memcpy(digest, d->digest, sizeof(d->digest));
		return d->user;
	}
	snprintf(text, sizeof(text), "%s:%s:%s", SIM_DEVICE_ADMIN, d->realm,
		 d->login[0] ? d->login : d->mebx);
	rc = gnutls_hash_fast(GNUTLS_DIG_MD5, text, strlen(text), digest);
	secret_wipe(text, sizeof(text));
	return rc < 0 ? NULL : SIM_DEVICE_ADMIN;
}

size_t sim_device_roots(const struct sim_device *d, struct sim_root *out, size_t *builtin)
{
	*builtin = d->pki.builtin_off ? 0 : sim_roots_builtin(d->firmware.major, out);
	memcpy(out + *builtin, d->pki.own, d->pki.n_own * sizeof(*out));
	return *builtin + d->pki.n_own;
}
