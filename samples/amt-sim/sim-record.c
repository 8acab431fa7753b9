/* What a record of setup.bin says about set-up by certificate, as firmware takes it. */
#include "samples/amt-sim/sim-record.h"

#include <string.h>

#include "common/bytes.h"
#include "common/secret.h"

/* Numbers of variables are module * 100 + id, as people call them: 2/8 is 208. */
enum variable {
	V_CURRENT = 101, V_NEW = 102, V_MANAGEABILITY = 103,
	V_PID = 201, V_PPS = 202, V_SUFFIX = 203, V_FQDN = 204, V_REMOTE = 205, V_BUILTIN = 206,
	V_OWN = 207, V_OWN_ADD = 208, V_SERVER = 217, V_PORT = 218, V_START = 228,
};

struct record_reading {
	struct sim_record *out;
	struct sbin_version version;
	bool own_off, started, any_amt;
	struct fault *fault;
};

static int refuse(struct record_reading *r, const char *why)
{
	return fault_set(r->fault, KIT_ERR_REFUSED, "%s", why);
}

/* A text of at most SIZE - 1 bytes without a NUL in it. */
static int take_text(struct record_reading *r, const struct sbin_variable *v, char *out,
		     size_t size)
{
	if (v->length == 0 || v->length >= size || memchr(v->value, '\0', v->length))
		return fault_set(r->fault, KIT_ERR_FORMAT, "variable %u/%u has %u bytes, or a NUL "
				 "among them", v->module, v->id, v->length);
	memcpy(out, v->value, v->length);
	out[v->length] = '\0';
	return 0;
}

static int take_root(struct record_reading *r, const struct sbin_variable *v)
{
	struct sim_device_pki *p = &r->out->pki;
	uint8_t type = v->length > 0 ? v->value[0] : 0, length = sim_root_length(type);

	if (length == 0 || v->length < length + 2u ||
	    v->value[length + 1] != v->length - length - 2)
		return fault_set(r->fault, KIT_ERR_FORMAT,
				 "the certificate digest (2/8) is not one");
	if (r->own_off)
		return refuse(r, "a certificate digest (2/8) comes while they are switched off "
			      "(2/7)");
	if (type != SIM_ROOT_SHA1 && r->version.major < 3)
		return refuse(r, "a certificate digest (2/8) is not SHA-1 in a file before "
			      "version 3.0");
	if (p->n_own == SIM_ROOTS_OWN)
		return refuse(r, "the record has over 3 certificate digests (2/8)");
	p->own[p->n_own] = (struct sim_root){ .type = type, .length = length };
	memcpy(p->own[p->n_own++].digest, v->value + 1, length);
	return 0;
}

/* A variable of one, two or four bytes; UINT32_MAX when it has other lengths. */
static uint32_t number_of(const struct sbin_variable *v)
{
	switch (v->length) {
	case 1: return v->value[0];
	case 2: return get_le16(v->value);
	case 4: return get_le32(v->value);
	default: return UINT32_MAX;
	}
}

/* Switches and numbers. */
static int take_number(struct record_reading *r, enum variable which, uint32_t n)
{
	struct sim_device_pki *p = &r->out->pki;

	switch (which) {
	case V_MANAGEABILITY:
		if (r->any_amt)
			return refuse(r, "the manageability feature (1/3) comes after variables "
				      "of module 2");
		return n == 1 ? 0 : refuse(r, "the manageability feature (1/3) is not AMT");
	case V_REMOTE:
		return n == 1 ? 0 : refuse(r, "remote configuration (2/5) is switched off");
	case V_BUILTIN:
		p->builtin_off = n == 0;
		return 0;
	case V_OWN:
		r->own_off = n == 0;
		r->out->forget_own = n == 2;
		return 0;
	case V_SERVER:
		p->server = n;
		return 0;
	case V_PORT:
		p->port = (uint16_t)n;
		return 0;
	default:
		p->silent = n == 0;
		r->started = true;
		return 0;
	}
}

static bool is_of_certificates(unsigned which)
{
	return which >= V_SUFFIX && which <= V_OWN_ADD;
}

static int take(struct record_reading *r, const struct sbin_variable *v)
{
	unsigned which = v->module * 100u + v->id;
	struct sim_record *out = r->out;

	if (v->id > 99 || v->module > 2)
		return 0;
	out->certificates = out->certificates || is_of_certificates(which);
	if (r->started && (which == V_MANAGEABILITY || which == V_SUFFIX || which == V_FQDN ||
			   which == V_SERVER))
		return refuse(r, "a variable that provisioning needs comes after its start (2/28)");
	switch (which) {
	case V_CURRENT: return take_text(r, v, out->current, sizeof(out->current));
	case V_NEW: return take_text(r, v, out->new, sizeof(out->new));
	case V_PID:
	case V_PPS:
		out->pair = true;
		return 0;
	case V_SUFFIX: return take_text(r, v, out->pki.suffix, sizeof(out->pki.suffix));
	case V_FQDN: return take_text(r, v, out->pki.fqdn, sizeof(out->pki.fqdn));
	case V_OWN_ADD: return take_root(r, v);
	case V_MANAGEABILITY:
	case V_REMOTE:
	case V_BUILTIN:
	case V_OWN:
	case V_SERVER:
	case V_PORT:
	case V_START: {
		size_t bytes = which == V_SERVER ? 4 : which == V_PORT ? 2 : 1;

		if (v->length != bytes)
			return fault_set(r->fault, KIT_ERR_FORMAT, "variable %u/%u has %u bytes, "
					 "not %zu", v->module, v->id, v->length, bytes);
		return take_number(r, (enum variable)which, number_of(v));
	}
	default: return 0;
	}
}

int sim_record_read(const struct sbin_record *record, struct sbin_version version,
		    struct sim_record *out, struct fault *fault)
{
	struct record_reading r = { .out = out, .version = version, .fault = fault };
	struct sbin_walk walk;
	struct sbin_variable v;
	int step, rc = 0;

	memset(out, 0, sizeof(*out));
	sbin_walk_begin(&walk, record);
	while (rc == 0 && (step = sbin_walk_next(&walk, &v)) != 0) {
		if (step < 0)
			return fault_set(fault, KIT_ERR_FORMAT,
					 "a variable runs out of the record");
		rc = take(&r, &v);
		r.any_amt = r.any_amt || v.module == SBIN_AMT;
	}
	return rc;
}
