/* What a device does in a TLS handshake: versions, its certificate, its look at the server's. */
#include "samples/amt-sim/sim-handshake.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "samples/amt-sim/sim-chain.h"
#include "samples/amt-sim/sim-store.h"

void sim_handshake_priorities(const struct sim_habits *habits, enum sim_way way, char *out)
{
	static const char *const versions[] = {
		[SIM_TLS_10] = "+VERS-TLS1.0",
		[SIM_TLS_11] = "+VERS-TLS1.1",
		[SIM_TLS_10_11] = "+VERS-TLS1.1:+VERS-TLS1.0",
		[SIM_TLS_11_12] = "+VERS-TLS1.2:+VERS-TLS1.1",
		[SIM_TLS_12] = "+VERS-TLS1.2",
		[SIM_TLS_12_13] = "+VERS-TLS1.3:+VERS-TLS1.2",
		[SIM_TLS_13] = "+VERS-TLS1.3",
	};
	/* Before TLS 1.2: AES with SHA-1, and the key exchange that comes with a RSA key. */
	bool old = habits->tls <= SIM_TLS_10_11;
	bool ec = way != SIM_WAY_PSK && habits->own != SIM_OWN_RSA;

	/* Tickets are off in libmicrohttpd anyway: it never asks GnuTLS for them. */
	snprintf(out, SIM_HANDSHAKE_PRIORITIES, "%s:%s:%s%s%s%s",
		 old || way == SIM_WAY_PSK ? "NONE" : "NORMAL:-VERS-ALL", versions[habits->tls],
		 way == SIM_WAY_PSK ? "+PSK" : ec ? "+ECDHE-ECDSA:+RSA" : "+RSA",
		 old || way == SIM_WAY_PSK ? ":+AES-128-CBC:+SHA1:+COMP-NULL:+CTYPE-X509" : "",
		 old && way == SIM_WAY_PSK ? "" : ":+GROUP-ALL:+SIGN-ALL:+SIGN-RSA-SHA1",
		 habits->extensions == SIM_EXTENSIONS_OLD ?
		 ":%DISABLE_SAFE_RENEGOTIATION:%NO_ETM:%NO_SESSION_HASH:%NO_TICKETS" : "");
}

int sim_credentials_make(struct sim_credentials *c, const struct sim_habits *habits,
			 struct fault *fault)
{
	int rc = sim_identities_new(&c->identities, habits->own, habits->own_key,
				    habits->on_die_root, fault);

	return rc < 0 ? rc : sim_identities_make(c->identities, &c->shown, fault);
}

void sim_credentials_clear(struct sim_credentials *c)
{
	sim_identity_clear(&c->shown);
	sim_identities_free(&c->identities);
}

void sim_handshake_clear(struct sim_handshake *h)
{
	sim_identity_clear(&h->identity);
}

struct sim_identity *sim_handshake_identity(struct sim_handshake *h, struct sim_credentials *c)
{
	const struct sim_store *store;

	if (h->identity.n == 0) {
		pthread_mutex_lock(&h->fleet->lock);
		store = sim_store_of(h->device);
		if (h->way == SIM_WAY_TLS && store->bound)
			sim_identity_import(&h->identity, store->key, store->key_size,
					    store->certificate, store->size, NULL);
		pthread_mutex_unlock(&h->fleet->lock);
	}
	if (h->identity.n == 0 && c->identities && h->fleet->habits.own_each)
		sim_identities_make(c->identities, &h->identity, NULL);
	if (h->identity.n > 0)
		return &h->identity;
	return c->shown.n > 0 ? &c->shown : NULL;
}

/*
 * Say why the handshake ends here, or nothing; what the other end has sent is read, as the alert
 * might be lost otherwise. Returns a code that ends the handshake.
 */
static int hang_up_with(gnutls_session_t session, int alert)
{
	int fd = gnutls_transport_get_int(session);
	char rest[4096];

	if (alert > 0)
		gnutls_alert_send(session, GNUTLS_AL_FATAL, (gnutls_alert_description_t)alert);
	shutdown(fd, SHUT_WR);
	while (recv(fd, rest, sizeof(rest), MSG_DONTWAIT) > 0)
		;
	return GNUTLS_E_CERTIFICATE_ERROR;
}

/* The address of the other end, as text. */
static void peer_of(gnutls_session_t session, char *out, size_t size)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);

	*out = '\0';
	if (getpeername(gnutls_transport_get_int(session), (struct sockaddr *)&a, &n) == 0)
		getnameinfo((struct sockaddr *)&a, n, out, (socklen_t)size, NULL, 0,
			    NI_NUMERICHOST);
}

static void rules_of(const struct sim_habits *habits, const struct sim_device *d,
		     struct sim_root *roots, struct sim_chain_rules *out)
{
	memset(out, 0, sizeof(*out));
	out->firmware = d->firmware;
	out->roots = roots;
	out->n_roots = sim_device_roots(d, roots, &out->n_builtin);
	out->suffix = d->pki.suffix[0] ? d->pki.suffix :
		      habits->dhcp_suffix ? habits->dhcp_suffix : "";
	out->fqdn = d->pki.fqdn;
	out->clock = habits->clock;
	out->now = clock_now() + d->clock_offset;
}

int sim_handshake_judge(struct sim_handshake *h, gnutls_session_t session)
{
	static const int alerts[] = {
		[SIM_REFUSE_ALERT_46] = GNUTLS_A_CERTIFICATE_UNKNOWN,
		[SIM_REFUSE_ALERT_42] = GNUTLS_A_BAD_CERTIFICATE,
		[SIM_REFUSE_ALERT_48] = GNUTLS_A_UNKNOWN_CA,
		[SIM_REFUSE_ALERT_49] = GNUTLS_A_ACCESS_DENIED,
		[SIM_REFUSE_CLOSE] = -1,
	};
	enum sim_refuse_with how = h->fleet->habits.refuse_with;
	struct sim_root roots[SIM_ROOTS_MAX];
	enum sim_chain_result result;
	struct sim_chain_rules rules;
	struct sim_audit audit;
	unsigned n = 0;
	const gnutls_datum_t *list = gnutls_certificate_get_peers(session, &n);

	pthread_mutex_lock(&h->fleet->lock);
	rules_of(&h->fleet->habits, h->device, roots, &rules);
	result = sim_chain_check(list, n, &rules, &audit);
	if (result == SIM_CHAIN_GOOD) {
		audit.set = true;
		audit.when = rules.now;
		peer_of(session, audit.from, sizeof(audit.from));
		h->device->audit = audit;
	}
	pthread_mutex_unlock(&h->fleet->lock);
	if (result == SIM_CHAIN_GOOD) {
		sim_fleet_say(h->fleet, h->device, "took the certificate of %s", audit.name);
		return 0;
	}
	sim_fleet_say(h->fleet, h->device, "refused a certificate: %s", sim_chain_text(result));
	h->refused = true;
	return how == SIM_REFUSE_401 ? 0 : hang_up_with(session, alerts[how]);
}

int sim_handshake_look(struct sim_handshake *h, gnutls_session_t session,
		       const gnutls_datum_t *message)
{
	bool tls13 = gnutls_protocol_get_version(session) == GNUTLS_TLS1_3;
	size_t context = tls13 && message->size > 0 ? 1u + message->data[0] : 0;

	if (message->size < context + 3 || (message->data[context] | message->data[context + 1] |
					    message->data[context + 2]) != 0)
		return 0;
	/* GnuTLS would end the connection without a word. */
	sim_fleet_say(h->fleet, h->device, "refused a TLS connection: no certificate");
	return hang_up_with(session, tls13 ? GNUTLS_A_CERTIFICATE_REQUIRED
					   : GNUTLS_A_HANDSHAKE_FAILURE);
}
