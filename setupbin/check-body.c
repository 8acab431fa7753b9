/* The checker: the variables of a record, their order and what they need of each other. */
#include <stdio.h>
#include <string.h>

#include "setupbin/check-private.h"
#include "setupbin/order.h"

#define CERTS_MAX	3	/* hashes of a site's own that firmware keeps */

/* What has been seen of the record so far. */
struct record_seen {
	unsigned classes;		/* enum sbin_order, or'ed */
	uint64_t known;			/* bit N: entry N of sbin_known */
	bool factory;			/* the current password is the factory's */
	uint8_t cert_config;		/* value of user-defined-certs */
	unsigned certs;			/* that are added */
};

/* Bits of struct record_seen.known; the table has fewer than 64 entries. */
static uint64_t bit_of(const struct sbin_known *k)
{
	return UINT64_C(1) << (k - sbin_known);
}

static bool has(const struct record_seen *seen, uint16_t module, uint16_t id)
{
	return (seen->known & bit_of(sbin_known_find(module, id))) != 0;
}

static void check_order(struct sbin_checker *c, struct record_seen *seen,
			const struct sbin_known *k, enum sbin_order class, uint64_t at)
{
	if (seen->classes & sbin_order_after(class))
		sbin_report(
			c, SBIN_ERROR, at, k->name, "order",
			"create the file again: create puts variables in order",
			class == SBIN_ORDER_CERT_CONFIG
				? "%s must come before every certificate that is added"
			: class == SBIN_ORDER_SERVER
				? "%s must come before provisioning-halt-activate"
			: class == SBIN_ORDER_MANAGEABILITY
				? "%s must follow the passwords"
				: "%s must be at the beginning of the record, the current "
				  "password before the new one",
			k->name);
	if (class == SBIN_ORDER_NEW && !(seen->classes & SBIN_ORDER_CURRENT))
		sbin_report(c, SBIN_ERROR, at, k->name, "current-password-missing",
			    "set current-mebx-password (from the factory: admin)",
			    "a new password needs the current one before it");
	if (class == SBIN_ORDER_CERT_ADD && !(seen->classes & SBIN_ORDER_CERT_CONFIG))
		sbin_report(
			c, SBIN_WARNING, at, k->name, "cert-config-missing",
			"set user-defined-certs=enabled, unless a machine refuses that",
			"a certificate is added, but user-defined-certs does not come before it");
	else if (class == SBIN_ORDER_CERT_ADD && seen->cert_config != 1)
		sbin_report(
			c, SBIN_WARNING, at, k->name, "cert-config",
			"set user-defined-certs=enabled",
			"a certificate is added, but user defined certificates are not enabled");
}

/* What a machine that is set up by certificate should know before it starts. */
static void check_trust(struct sbin_checker *c, struct record_seen *seen,
			const struct sbin_known *k, enum sbin_order class, uint64_t at)
{
	if (seen->classes & SBIN_ORDER_ACTIVATE && sbin_order_before_start(k->module, k->id))
		sbin_report(c, SBIN_WARNING, at, k->name, "activate-last",
			    "create the file again: create puts it last",
			    "%s comes after provisioning-halt-activate, which starts provisioning",
			    k->name);
	if (class == SBIN_ORDER_CERT_ADD && ++seen->certs == CERTS_MAX + 1)
		sbin_report(c, SBIN_WARNING, at, k->name, "too-many-certs",
			    "leave certificates out",
			    "the record adds more than %d certificates; a machine keeps no more",
			    CERTS_MAX);
}

static void check_module(struct sbin_checker *c, uint16_t module, uint64_t at)
{
	unsigned bit = module == SBIN_ME || module == SBIN_AMT ? 1u << (module - 1) : 0;

	if (bit == 0 || (c->modules & bit) || (c->modules_reported & bit))
		return;
	/* Once is enough: the fault is the header's. */
	if (!c->past)
		c->modules_reported |= bit;
	sbin_report(c, SBIN_WARNING, at, "", "module-list", "create the file again",
		    "module %u is used, but the header's list of modules lacks it", module);
}

static void check_unknown(struct sbin_checker *c, const struct sbin_variable *v, uint64_t at)
{
	char name[16];

	snprintf(name, sizeof(name), "%u/%u", v->module, v->id);
	sbin_report(c, SBIN_WARNING, at, name, "unknown-variable",
		    "firmware may refuse the record: take the variable out with edit",
		    "variable %u of module %u is unknown", v->id, v->module);
}

static void check_variable(struct sbin_checker *c, struct record_seen *seen,
			   const struct sbin_variable *v, uint64_t at)
{
	const struct sbin_known *k = sbin_known_find(v->module, v->id);
	const char *name = k ? k->name : "";
	enum sbin_order class = sbin_order_of(v->module, v->id);

	check_module(c, v->module, at);
	if (v->reserved != 0)
		sbin_report(c, SBIN_WARNING, at + SBIN_VARIABLE_RESERVED_OFFSET, name,
			    "variable-reserved", "create the record again",
			    "reserved bytes of the variable are not zero");
	if (!sbin_all_zero(v->padding, padding4(v->length), NULL))
		sbin_report(c, SBIN_WARNING, at + SBIN_VARIABLE_HEADER + v->length, name,
			    "variable-padding", "create the record again",
			    "the bytes that fill the value up to a multiple of 4 are not zero");
	if (!k) {
		check_unknown(c, v, at);
		seen->classes |= class;
		return;
	}
	check_order(c, seen, k, class, at);
	check_trust(c, seen, k, class, at);
	if ((seen->known & bit_of(k)) && class != SBIN_ORDER_CERT_ADD)
		sbin_report(c, SBIN_WARNING, at, name, "twice", "take one of them out with edit",
			    "the record sets %s a second time", name);
	if (class == SBIN_ORDER_CURRENT)
		seen->factory = v->length == strlen(PASSWORD_FACTORY) &&
				memcmp(v->value, PASSWORD_FACTORY, v->length) == 0;
	if (class == SBIN_ORDER_CERT_CONFIG && v->length == 1)
		seen->cert_config = v->value[0];
	seen->classes |= class;
	seen->known |= bit_of(k);
	sbin_check_value(c, k, v, at);
}

/* What the record lacks. */
static void check_needs(struct sbin_checker *c, const struct record_seen *seen)
{
	bool pid = has(seen, SBIN_AMT, SBIN_PID), pps = has(seen, SBIN_AMT, SBIN_PPS);
	uint64_t at = c->offset;

	if (seen->classes == 0) {
		sbin_report(c, SBIN_ERROR, at, "", "empty-record", "drop the record",
			    "the record has no variables");
		return;
	}
	if (!(seen->classes & SBIN_ORDER_CURRENT) && !(seen->classes & SBIN_ORDER_NEW))
		sbin_report(c, SBIN_ERROR, at, "", "current-password-missing",
			    "set current-mebx-password (from the factory: admin)",
			    "the record has no current MEBx password, which firmware asks for");
	if (seen->factory && !(seen->classes & SBIN_ORDER_NEW))
		sbin_report(
			c, SBIN_ERROR, at, "", "new-password-missing", "set new-mebx-password",
			"the current password is the factory's, so that a new one has to follow");
	if (pid != pps)
		sbin_report(c, SBIN_ERROR, at, pid ? "pid" : "pps", "pid-without-pps",
			    "give both, or neither", pid ? "the record has a PID but no PPS"
							 : "the record has a PPS but no PID");
	if (has(seen, SBIN_AMT, SBIN_SHARED_FQDN) && !has(seen, SBIN_AMT, SBIN_HOST_NAME))
		sbin_report(c, SBIN_WARNING, at, "shared-fqdn", "needs-host-name",
			    "set host-name too", "shared-fqdn has no effect without a host-name");
	if (pid || pps)
		c->keys++;
}

static int check_duplicate(struct sbin_checker *c, const struct sbin_record *r,
			   struct fault *fault)
{
	struct sbin_variable pid;
	int rc;

	if (sbin_record_find(r, SBIN_AMT, SBIN_PID, &pid) != 0 || pid.length != PID_LENGTH ||
	    pidpps_check_pid((const char *)pid.value) != 0)
		return 0;
	rc = pidset_add(c->pids, (const char *)pid.value, fault);
	if (!rc)
		sbin_report(c, SBIN_ERROR, c->offset + (uint64_t)(pid.value - r->data), "pid",
			    "duplicate-pid", "give every record a pair of its own",
			    "PID %.8s is in an earlier record too: two machines would share it",
			    (const char *)pid.value);
	return rc < 0 ? rc : 0;
}

int sbin_check_body(struct sbin_checker *c, const struct sbin_record *r, struct fault *fault)
{
	struct sbin_variable v;
	struct sbin_walk walk;
	struct record_seen seen = { 0 };
	size_t at = SBIN_RECORD_HEADER, stray;
	int step;

	sbin_walk_begin(&walk, r);
	while ((step = sbin_walk_next(&walk, &v)) == 1) {
		check_variable(c, &seen, &v, c->offset + at);
		at = walk.r.at;
	}
	if (step < 0)
		sbin_report(
			c, SBIN_ERROR, c->offset + at, "", "runs-out", "create the record again",
			"variable %u of module %u is longer than what is left of the record",
			get_le16(r->data + at + 2), get_le16(r->data + at));
	else if (!sbin_all_zero(r->data + at, r->size - at, &stray))
		sbin_report(c, SBIN_WARNING, c->offset + at + stray, "", "record-padding",
			    "create the record again",
			    "bytes behind the last variable of the record are not zero");
	check_needs(c, &seen);
	return check_duplicate(c, r, fault);
}
