/* What a device serves: TLS-PSK, its own TLS or plain HTTP, Digest, and the two protocols. */
#include "samples/amt-sim/sim-service.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/secret.h"
#include "samples/amt-sim/sim-digest.h"
#include "samples/amt-sim/sim-gate.h"
#include "samples/amt-sim/sim-handshake.h"
#include "samples/amt-sim/sim-reply.h"
#include "samples/amt-sim/sim-setup.h"
#include "samples/amt-sim/sim-soap.h"
#include "samples/amt-sim/sim-wsman.h"

#define BODY_MAX	65536	/* bytes of a request */
#define IDLE_SECONDS	120
#define WAYS		5	/* of enum sim_way */

/* One of the ways in which a connection goes on. */
struct door {
	struct sim_service *service;
	enum sim_way way;
	struct MHD_Daemon *daemon;	/* NULL: nobody comes this way */
};

struct sim_service {
	struct sim_fleet *fleet;
	struct sim_delay *delay;
	struct sim_gate *gate;
	struct door doors[WAYS];
	uint8_t random[SIM_DIGEST_SECRET]; /* nonces are made from it */
	struct sim_credentials credentials;	/* empty: nobody speaks TLS with a certificate */
};

/* One request on its way; its body is SECRET, as it may bring passwords. */
struct http_request {
	char *body;
	size_t size;
	bool too_big;
	bool answered;			/* the fields below are set */
	bool close;			/* no answer */
	bool end;			/* the connection ends when the answer is out */
	unsigned http;
	struct MHD_Response *response;
};

static struct sim_device *device_of(struct sim_service *s, const struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		(struct MHD_Connection *)connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct sim_address local = { .size = sizeof(local.socket) };

	if (!info || getsockname(info->connect_fd, (struct sockaddr *)&local.socket,
					&local.size) < 0)
		return NULL;
	return sim_fleet_at(s->fleet, &local);
}

/* What is known of a connection. */
struct sim_client {
	uint8_t random[SIM_DIGEST_SECRET]; /* in place of the service's, for nonces of its own */
	bool set_admin;		/* SetAdminAclEntryEx came by it */
	bool asked;		/* for the key of an identity */
	bool known;		/* it is the device's own */
	bool spoke;		/* a request came: the handshake was completed */
	struct door *door;
	struct sim_handshake tls;
};

static struct sim_client *client_of(const struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		(struct MHD_Connection *)connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return !info ? NULL : info->socket_context;
}

/*
 * libmicrohttpd drops a connection whose handshake has failed without a word. A device says
 * why, as TLS wants it: that is how the other end knows a wrong key from a broken cable. The
 * TLS session is gone by now; what is left to say is one record in the clear.
 */
static void last_word(struct door *door, struct MHD_Connection *connection, bool known)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct sim_device *d = device_of(door->service, connection);
	uint8_t alert[] = {
		21, 3,							/* alert, TLS version */
		door->service->fleet->habits.tls == SIM_TLS_10 ? 1 : 2,
		0, 2,							/* bytes that follow */
		GNUTLS_AL_FATAL,
		known ? GNUTLS_A_BAD_RECORD_MAC : GNUTLS_A_UNKNOWN_PSK_IDENTITY,
	};

	if (info)
		send(info->connect_fd, alert, sizeof(alert), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (d)
		sim_fleet_say(door->service->fleet, d, "refused a TLS connection: %s",
			      known ? "the other end has another PPS"
				    : "the identity is not this machine's PID");
}

static void forget_admin(struct sim_service *s, struct sim_device *d)
{
	pthread_mutex_lock(&s->fleet->lock);
	if (d)
		sim_setup_forget_admin(d);
	pthread_mutex_unlock(&s->fleet->lock);
}

static void connection_changed(void *context, struct MHD_Connection *connection, void **own,
			       enum MHD_ConnectionNotificationCode what)
{
	struct sim_client *p = *own;

	struct door *door = context;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		p = *own = calloc(1, sizeof(*p));
		if (p)
			p->door = door;
		if (p && door->service->fleet->habits.nonce_each)
			gnutls_rnd(GNUTLS_RND_NONCE, p->random, sizeof(p->random));
		else if (p)
			memcpy(p->random, door->service->random, sizeof(p->random));
		return;
	}
	if (p && p->asked && !p->spoke)
		last_word(door, connection, p->known);
	if (p && p->set_admin)
		forget_admin(door->service, device_of(door->service, connection));
	if (p)
		sim_handshake_clear(&p->tls);
	free(p);
	*own = NULL;
}

/* TLS asks for the key of the identity NAME. */
static int give_psk(void *context, const struct MHD_Connection *connection, const char *name,
		    void **key, size_t *size)
{
	struct sim_service *s = context;
	struct sim_device *d = device_of(s, connection);
	struct sim_client *p = client_of(connection);
	char *pps = NULL;

	if (!d || !p)
		return -1;
	p->asked = true;
	pthread_mutex_lock(&s->fleet->lock);
	if (d->state != SIM_DEVICE_PRE && strcmp(name, d->pair.pid) == 0) {
		pps = malloc(PPS_LENGTH);
		if (pps)
			memcpy(pps, d->pair.pps, PPS_LENGTH);
		if (pps && s->fleet->habits.wrong_pps)
			pps[0] ^= 1;
		p->known = true;
	}
	pthread_mutex_unlock(&s->fleet->lock);
	if (!pps)
		return -1;
	*key = pps;
	*size = PPS_LENGTH;
	return 0;
}

/* The handshake of a TLS session; NULL: its connection came to no machine. */
static struct sim_handshake *handshake_of(gnutls_session_t session)
{
	const struct MHD_Connection *connection = gnutls_session_get_ptr(session);
	struct sim_client *p = !connection ? NULL : client_of(connection);

	if (!p)
		return NULL;
	p->tls.fleet = p->door->service->fleet;
	p->tls.way = p->door->way;
	p->tls.device = device_of(p->door->service, connection);
	return p->tls.device ? &p->tls : NULL;
}

/* GnuTLS has the server's certificates. */
static int judge_server(gnutls_session_t session)
{
	struct sim_handshake *h = handshake_of(session);

	return h ? sim_handshake_judge(h, session) : GNUTLS_E_CERTIFICATE_ERROR;
}

static int look_at_list(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
			const gnutls_datum_t *message)
{
	struct sim_handshake *h = handshake_of(session);

	return incoming && h ? sim_handshake_look(h, session, message) : 0;
}

/* TLS asks for the machine's certificate: also the time to say what is wanted of the other end. */
static int choose_certificate(gnutls_session_t session, const gnutls_datum_t *authorities,
			      int n_authorities, const gnutls_pk_algorithm_t *algorithms,
			      int n_algorithms, gnutls_pcert_st **chain, unsigned *n,
			      gnutls_privkey_t *key)
{
	struct sim_handshake *h = handshake_of(session);
	struct sim_client *p = !h ? NULL : client_of(gnutls_session_get_ptr(session));
	struct sim_identity *shown =
		!p ? NULL : sim_handshake_identity(h, &p->door->service->credentials);

	if (!shown)
		return -1;
	if (h->way == SIM_WAY_PKI) {
		gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
		gnutls_session_set_verify_function(session, judge_server);
		gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_CERTIFICATE_PKT,
						   GNUTLS_HOOK_PRE, look_at_list);
	}
	*chain = shown->chain;
	*n = shown->n;
	*key = shown->key;
	return 0;
}

/*
 * The account that set-up by certificate asks for. As sim_device_account(); *NOBODY: no password
 * is the right one.
 */
static const char *account_of(const struct sim_device *d, const struct sim_habits *habits,
			      uint8_t *digest, bool *nobody)
{
	struct sim_device factory;
	const char *user;

	*nobody = false;
	if (d->state != SIM_DEVICE_IN || !d->pki.on || d->admin_set)
		return sim_device_account(d, digest);
	*nobody = habits->pki_login == SIM_PKI_LOGIN_UNKNOWN;
	if (habits->pki_login != SIM_PKI_LOGIN_ADMIN)
		return sim_device_account(d, digest);
	factory = *d;
	strcpy(factory.login, PASSWORD_FACTORY);
	user = sim_device_account(&factory, digest);
	secret_wipe(&factory, sizeof(factory));
	return user;
}

/* Does D let whoever comes by this connection in without a login? */
static bool needs_no_login(const struct sim_service *s, const struct sim_device *d,
			   const struct sim_client *p, const char *header)
{
	const struct sim_habits *habits = &s->fleet->habits;

	return habits->login == SIM_LOGIN_NONE || (habits->login == SIM_LOGIN_ANY && header) ||
	       (p && p->door->way == SIM_WAY_PKI && d->state == SIM_DEVICE_IN &&
		habits->pki_login == SIM_PKI_LOGIN_NEVER);
}

/* Is the sender logged in as the device's account? NONCES: secret of the nonces that it may use. */
static enum sim_digest_result check_login(const struct sim_service *s, const struct sim_device *d,
					  struct MHD_Connection *connection, const uint8_t *nonces,
					  const char *path, const char *method)
{
	const char *header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_AUTHORIZATION);
	enum sim_digest_result result = SIM_DIGEST_WRONG;
	const struct sim_client *p = client_of(connection);
	bool nobody = p && p->tls.refused;
	uint8_t digest[16];
	const char *user;

	if (!nobody && needs_no_login(s, d, p, header))
		return SIM_DIGEST_OK;
	user = account_of(d, &s->fleet->habits, digest, &nobody);
	if (user)
		result = sim_digest_check(nonces, header, method, path, d->realm, user, digest,
					  (uint64_t)clock_monotonic());
	if (result == SIM_DIGEST_OK && (nobody || (p && p->tls.refused)))
		result = SIM_DIGEST_WRONG;
	secret_wipe(digest, sizeof(digest));
	if (result == SIM_DIGEST_WRONG)
		sim_fleet_say(s->fleet, d, "refused a login: wrong user or password");
	return result;
}

static void set_headers(struct MHD_Response *response, const struct sim_device *d, const char *type)
{
	char server[80];

	snprintf(server, sizeof(server), "Intel(R) Active Management Technology %u.%u.%u",
		 d->firmware.major, d->firmware.minor, d->firmware.build);
	MHD_add_response_header(response, MHD_HTTP_HEADER_SERVER, server);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
}

/* A response without contents worth reading. */
static void answer_plainly(struct http_request *r, const struct sim_device *d, unsigned http,
			   const char *text)
{
	r->http = http;
	r->response = MHD_create_response_from_buffer(strlen(text), (void *)text,
						      MHD_RESPMEM_MUST_COPY);
	if (r->response)
		set_headers(r->response, d, "text/plain");
}

/* 401, and how to log in. */
static void challenge(const struct sim_service *s, const struct sim_device *d,
		      const uint8_t *nonces, bool stale, struct http_request *r)
{
	static const char *const offers[] = {
		[SIM_LOGIN_AUTH_INT] = "qop=\"auth-int\"",
		[SIM_LOGIN_UNKNOWN] = "algorithm=AMT-NEXT, qop=\"auth\"",
	};
	enum sim_login login = s->fleet->habits.login;
	char text[SIM_DIGEST_CHALLENGE];

	answer_plainly(r, d, MHD_HTTP_UNAUTHORIZED, "log in\n");
	if (r->response &&
	    sim_digest_challenge(nonces, d->realm, stale && !s->fleet->habits.nonce_each,
				 login >= SIM_LOGIN_AUTH_INT ? offers[login] : NULL,
				 (uint64_t)clock_monotonic(), text))
		MHD_add_response_header(r->response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, text);
}

/* What a call that went well leaves to do. The lock is held. */
static void take_notice(struct sim_service *s, struct sim_device *d, struct sim_client *p,
			const char *call, enum sim_device_state before, struct http_request *r)
{
	const struct sim_habits *habits = &s->fleet->habits;

	if (strcmp(call, "SetAdminAclEntryEx") == 0) {
		if (habits->forget == SIM_FORGET_AT_ONCE)
			sim_setup_forget_admin(d);
		if (habits->forget == SIM_FORGET_CONNECTION && p)
			p->set_admin = true;
	}
	if (strcmp(call, "CommitChanges") == 0) {
		if (habits->forget == SIM_FORGET_COMMIT)
			sim_setup_forget_admin(d);
	}
	if (d->state == SIM_DEVICE_POST && d->state != before) {
		r->end = habits->commit == SIM_COMMIT_CLOSE;
		r->close = habits->commit == SIM_COMMIT_DROP;
		d->committed = sim_now_ms();
		s->fleet->configured++;
		s->fleet->unread++;
		eventfd_write(s->fleet->wake, 1);
	}
	sim_gate_look(s->gate);
}

/* Carry out the call that the request's body makes. The lock is held. */
static void answer_call(struct sim_service *s, struct sim_device *d,
			struct MHD_Connection *connection, const char *path, struct http_request *r)
{
	bool wsman = strcmp(path, SIM_WSMAN_PATH) == 0;
	const struct sim_habits *habits = &s->fleet->habits;
	enum sim_device_state before = d->state;
	enum sim_habits_answer how;
	struct sim_xml_answer xml;
	char call[SIM_CALL_NAME];
	unsigned status = 0;
	const char *text;
	size_t size;

	if (sim_xml_answer_begin(&xml) < 0) {
		r->close = true;
		goto out;
	}
	if (wsman)
		r->http = sim_wsman_answer(d, habits, r->body, r->size, call, &status, &xml);
	else
		r->http = sim_soap_answer(d, habits, path, r->body, r->size, call, &status, &xml);
	text = sim_xml_answer_end(&xml, &size);
	how = sim_habits_answer_to(habits, call, &s->fleet->bad_answers);
	if (how == SIM_ANSWER_ERROR)
		r->http = MHD_HTTP_INTERNAL_SERVER_ERROR;
	r->response = sim_reply_make(how, habits->answer_bytes, text, size, connection, s->delay);
	r->close = !r->response;
	if (r->response)
		set_headers(r->response, d, wsman ? SIM_WSMAN_TYPE : SIM_SOAP_TYPE);
	if (status == 0)
		sim_fleet_say(s->fleet, d, "%s", call);
	else
		sim_fleet_say(s->fleet, d, "%s refused with status 0x%x", call, status);
	if (status == 0)
		take_notice(s, d, client_of(connection), call, before, r);
out:
	sim_xml_answer_clear(&xml);
}

/* Milliseconds before the answer may go out. The lock is held. */
static uint64_t wait_of(const struct sim_habits *habits, struct sim_device *d)
{
	uint64_t settled = d->committed + habits->settle_ms, now = sim_now_ms();

	if (d->state == SIM_DEVICE_POST && d->committed != 0 && now < settled)
		return settled - now + habits->delay;
	return habits->delay;
}

/* Somebody has looked at a machine after it was set up. The lock is held. */
static void note_look(struct sim_fleet *f, struct sim_device *d)
{
	if (d->state != SIM_DEVICE_POST || d->looked_at)
		return;
	d->looked_at = true;
	if (d->committed != 0)
		f->unread--;
}

/* Answer; *WAIT: milliseconds before the answer may go out. The lock is held. */
static void answer(struct door *door, struct sim_device *d, struct MHD_Connection *connection,
		   const char *path, const char *method, struct http_request *r, uint64_t *wait)
{
	bool wsman = strcmp(path, SIM_WSMAN_PATH) == 0;
	bool soap = sim_soap_has_path(path) && d->firmware.major <= 8;
	static const unsigned statuses[] = {
		[SIM_WSMAN_302] = 302, [SIM_WSMAN_400] = 400, [SIM_WSMAN_403] = 403,
		[SIM_WSMAN_404] = 404, [SIM_WSMAN_405] = 405, [SIM_WSMAN_500] = 500,
		[SIM_WSMAN_501] = 501,
	};
	const struct sim_habits *habits = &door->service->fleet->habits;
	const struct sim_client *p = client_of(connection);
	const uint8_t *nonces = p ? p->random : door->service->random;
	enum sim_digest_result login;

	r->answered = true;
	*wait = wait_of(habits, d);
	if (wsman && habits->wsman != SIM_WSMAN_GOOD) {
		if (habits->wsman != SIM_WSMAN_DROP)
			answer_plainly(r, d, statuses[habits->wsman], "not with me\n");
		r->close = !r->response;
		return;
	}
	login = check_login(door->service, d, connection, nonces, path, method);
	if (login != SIM_DIGEST_OK)
		challenge(door->service, d, nonces, login == SIM_DIGEST_STALE, r);
	else if (r->too_big)
		answer_plainly(r, d, MHD_HTTP_CONTENT_TOO_LARGE, "the request is too large\n");
	else if (!(wsman && d->firmware.major >= 3) && !soap)
		answer_plainly(r, d, MHD_HTTP_NOT_FOUND, "there is nothing here\n");
	else if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
		answer_plainly(r, d, MHD_HTTP_METHOD_NOT_ALLOWED, "use POST\n");
	else {
		note_look(door->service->fleet, d);
		answer_call(door->service, d, connection, path, r);
	}
	if (!r->response)
		r->close = true;
}

static enum MHD_Result queue(struct MHD_Connection *connection, struct http_request *r)
{
	if (r->close)
		return MHD_NO;
	return MHD_queue_response(connection, r->http, r->response);
}

static void gather(struct http_request *r, const char *data, size_t size)
{
	char *more;

	if (r->too_big || size > BODY_MAX - r->size) {
		r->too_big = true;
		return;
	}
	/* Not realloc(): what it leaves behind cannot be wiped. */
	more = malloc(r->size + size);
	if (!more) {
		r->too_big = true;
		return;
	}
	if (r->body) {
		memcpy(more, r->body, r->size);
		secret_wipe(r->body, r->size);
		free(r->body);
	}
	memcpy(more + r->size, data, size);
	r->body = more;
	r->size += size;
}

/* libmicrohttpd calls this for a request's head, for each part of its body, and at its end. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *data,
			      size_t *data_size, void **own)
{
	struct door *door = context;
	struct sim_service *s = door->service;
	struct http_request *r = *own;
	struct sim_client *p = client_of(connection);
	struct sim_device *d;
	uint64_t wait;

	if (p)
		p->spoke = true;
	if (!r) {
		*own = calloc(1, sizeof(*r));
		return *own ? MHD_YES : MHD_NO;
	}
	if (*data_size > 0) {
		gather(r, data, *data_size);
		*data_size = 0;
		return MHD_YES;
	}
	if (r->answered)		/* its time has come */
		return queue(connection, r);
	d = device_of(s, connection);
	if (!d)
		return MHD_NO;
	pthread_mutex_lock(&s->fleet->lock);
	answer(door, d, connection, path, method, r, &wait);
	pthread_mutex_unlock(&s->fleet->lock);
	if (wait > 0 && sim_delay_add(s->delay, connection, wait) == 0)
		return MHD_YES;
	return queue(connection, r);
}

static void end_connection(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (info)
		shutdown(info->connect_fd, SHUT_RDWR);
}

static void completed(void *context, struct MHD_Connection *connection, void **own,
		      enum MHD_RequestTerminationCode why)
{
	const struct door *door = context;
	struct http_request *r = *own;

	if (!r)
		return;
	/* Without a word; the bytes that are on their way still arrive. */
	if (r->answered && (r->end || door->service->fleet->habits.close_each))
		end_connection(connection);
	if (r->body)
		secret_wipe(r->body, r->size);
	free(r->body);
	if (r->response)
		MHD_destroy_response(r->response);
	free(r);
	*own = NULL;
}

static int start_daemon(struct door *door, const struct sim_fleet *fleet, struct fault *fault)
{
	/* Turbo: leaves the closing of a connection to us until we have said our last word. */
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO |
			 MHD_USE_NO_LISTEN_SOCKET;
	struct sim_service *s = door->service;
	char offer[SIM_HANDSHAKE_PRIORITIES];
	struct MHD_OptionItem psk[] = {
		{ MHD_OPTION_HTTPS_CRED_TYPE, GNUTLS_CRD_PSK, NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, offer },
		{ MHD_OPTION_GNUTLS_PSK_CRED_HANDLER, (intptr_t)give_psk, s },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem certificate[] = {
		{ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)choose_certificate },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, offer },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };

	sim_handshake_priorities(&fleet->habits, door->way, offer);
	door->daemon = MHD_start_daemon(
		flags | (door->way == SIM_WAY_PLAIN ? 0u : (unsigned)MHD_USE_TLS), 0, NULL, NULL,
		handle, door, MHD_OPTION_NOTIFY_COMPLETED, completed, door,
		MHD_OPTION_NOTIFY_CONNECTION, connection_changed, door,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)(2 * fleet->n + 64), MHD_OPTION_ARRAY,
		door->way == SIM_WAY_PSK ? psk : door->way == SIM_WAY_PLAIN ? none : certificate,
		MHD_OPTION_END);
	if (!door->daemon)
		return fault_set(fault, KIT_ERR_LIBRARY, "libmicrohttpd cannot start the service");
	return 0;
}

/* The gate hands a connection over. */
static void enter(void *context, enum sim_way way, int fd, const struct sim_address *from)
{
	struct sim_service *s = context;

	/* On failure the connection is closed by then. */
	MHD_add_connection(s->doors[way].daemon, fd, (const struct sockaddr *)&from->socket,
			   from->size);
}

int sim_service_start(struct sim_service **out, struct sim_fleet *fleet, uint16_t port,
		      uint16_t plain, struct fault *fault)
{
	struct sim_service *s = calloc(1, sizeof(*s));
	bool ways[WAYS] = { false };
	bool pki = false, own;
	int rc;

	*out = s;
	if (!s)
		return fault_nomem(fault);
	for (size_t i = 0; i < fleet->n; i++) {
		pki = pki || fleet->devices[i].pki.on;
		ways[SIM_WAY_PSK] = ways[SIM_WAY_PSK] || !fleet->devices[i].pki.on ||
				    fleet->devices[i].firmware.major <= SIM_DEVICE_LAST_PSK;
	}
	sim_habits_decide(&fleet->habits, &fleet->devices->firmware, pki);
	if (plain == 0 && fleet->habits.after == SIM_AFTER_PLAIN)
		plain = port - 1;
	for (size_t i = 0; i < fleet->n; i++)
		fleet->devices[i].login_follows =
			fleet->habits.pki_login == SIM_PKI_LOGIN_FOLLOW;
	own = pki || fleet->habits.after == SIM_AFTER_TLS;
	ways[SIM_WAY_PKI] = pki;
	ways[SIM_WAY_TLS] = true;	/* a server may switch it on */
	ways[SIM_WAY_PLAIN] = plain != 0;
	s->fleet = fleet;
	rc = sim_delay_new(&s->delay, fault);
	if (rc == 0 && gnutls_rnd(GNUTLS_RND_RANDOM, s->random, sizeof(s->random)) < 0)
		rc = fault_set(fault, KIT_ERR_CRYPTO, "no random numbers for logins");
	if (rc == 0 && own)
		rc = sim_credentials_make(&s->credentials, &fleet->habits, fault);
	for (size_t i = 0; i < WAYS && rc == 0; i++) {
		s->doors[i] = (struct door){ .service = s, .way = (enum sim_way)i };
		if (ways[i])
			rc = start_daemon(&s->doors[i], fleet, fault);
	}
	if (rc == 0)
		rc = sim_gate_start(&s->gate, fleet, port, plain, enter, s, fault);
	if (rc < 0)
		sim_service_stop(out);
	return rc;
}

unsigned sim_service_connections(const struct sim_service *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < WAYS; i++) {
		const union MHD_DaemonInfo *info =
			!s->doors[i].daemon ? NULL :
			MHD_get_daemon_info(s->doors[i].daemon,
					    MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

		n += !info ? 0 : info->num_connections;
	}
	return n;
}

void sim_service_stop(struct sim_service **s)
{
	if (!*s)
		return;
	sim_gate_stop((*s)->gate);
	if ((*s)->delay != NULL)
		sim_delay_stop((*s)->delay);
	for (size_t i = 0; i < WAYS; i++)
		if ((*s)->doors[i].daemon)
			MHD_stop_daemon((*s)->doors[i].daemon);
	sim_gate_free(&(*s)->gate);
	sim_delay_free(&(*s)->delay);
	sim_credentials_clear(&(*s)->credentials);
	free(*s);
	*s = NULL;
}
