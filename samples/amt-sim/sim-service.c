/* What listens on a set-up device: TLS-PSK or plain HTTP, Digest, and the two protocols behind. */
#include "samples/amt-sim/sim-service.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/secret.h"
#include "samples/amt-sim/sim-digest.h"
#include "samples/amt-sim/sim-reply.h"
#include "samples/amt-sim/sim-soap.h"
#include "samples/amt-sim/sim-wsman.h"

#define BODY_MAX	65536	/* bytes of a request */
#define IDLE_SECONDS	120
#define PRIORITIES(V)	"NONE:+VERS-TLS" V ":+PSK:+AES-128-CBC:+SHA1:+COMP-NULL:+CTYPE-X509"

/* One of the two ways in. */
struct door {
	struct sim_service *service;
	bool plain;
	int socket;			/* -1 once libmicrohttpd owns it */
	struct MHD_Daemon *daemon;
};

struct sim_service {
	struct sim_fleet *fleet;
	struct sim_delay *delay;
	struct door tls, plain;
	uint8_t random[SIM_DIGEST_SECRET]; /* nonces are made from it */
};

/* One request on its way; its body is SECRET, as it may bring passwords. */
struct request {
	char *body;
	size_t size;
	bool too_big;
	bool answered;			/* the fields below are set */
	bool close;			/* no answer */
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

/* How far a TLS connection has come. */
struct progress {
	bool asked;		/* for the key of an identity */
	bool known;		/* it is the device's own */
	bool spoke;		/* a request came: the handshake was completed */
};

static struct progress *progress_of(const struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		(struct MHD_Connection *)connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info == NULL ? NULL : info->socket_context;
}

/*
 * libmicrohttpd drops a connection whose handshake has failed without a word. A device says
 * why, as TLS wants it: that is how the other end tells a wrong key from a broken cable. The
 * TLS session is gone by now; what is left to say is one record in the clear.
 */
static void last_word(struct door *door, struct MHD_Connection *connection, bool known)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct sim_device *d = device_of(door->service, connection);
	uint8_t alert[] = {
		21, 3, door->service->fleet->habits.tls11 ? 2 : 1,	/* alert, TLS version */
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

static void connection_changed(void *context, struct MHD_Connection *connection, void **own,
			       enum MHD_ConnectionNotificationCode what)
{
	struct progress *p = *own;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*own = calloc(1, sizeof(*p));
		return;
	}
	if (p && p->asked && !p->spoke)
		last_word(context, connection, p->known);
	free(p);
	*own = NULL;
}

/* TLS asks for the key of the identity NAME. */
static int give_psk(void *context, const struct MHD_Connection *connection, const char *name,
		    void **key, size_t *size)
{
	struct sim_service *s = context;
	struct sim_device *d = device_of(s, connection);
	struct progress *p = progress_of(connection);
	char *pps = NULL;

	if (!d || !p)
		return -1;
	p->asked = true;
	pthread_mutex_lock(&s->fleet->lock);
	if (d->state != SIM_DEVICE_PRE && strcmp(name, d->pair.pid) == 0 &&
	    !(d->state == SIM_DEVICE_POST && s->fleet->habits.shut_after_commit)) {
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

static enum MHD_Result accept_policy(void *context, const struct sockaddr *from, socklen_t size)
{
	const struct door *door = context;

	return door->service->fleet->habits.handshake == SIM_HANDSHAKE_CLOSE && !door->plain
		       ? MHD_NO
		       : MHD_YES;
}

static uint64_t seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec;
}

/* Is the sender logged in as the device's account? */
static enum sim_digest_result check_login(const struct sim_service *s, const struct sim_device *d,
					  struct MHD_Connection *connection, const char *path,
					  const char *method)
{
	const char *header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							 MHD_HTTP_HEADER_AUTHORIZATION);
	enum sim_digest_result result = SIM_DIGEST_WRONG;
	uint8_t digest[16];
	const char *user;

	if (s->fleet->habits.no_digest)
		return SIM_DIGEST_OK;
	user = sim_device_account(d, digest);
	if (user)
		result = sim_digest_check(s->random, header, method, path, d->realm, user, digest,
					  seconds_now());
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
static void answer_plainly(struct request *r, const struct sim_device *d, unsigned http,
			   const char *text)
{
	r->http = http;
	r->response = MHD_create_response_from_buffer(strlen(text), (void *)text,
						      MHD_RESPMEM_MUST_COPY);
	if (r->response)
		set_headers(r->response, d, "text/plain");
}

/* 401, and how to log in. */
static void challenge(const struct sim_service *s, const struct sim_device *d, bool stale,
		      struct request *r)
{
	char text[SIM_DIGEST_CHALLENGE];

	answer_plainly(r, d, MHD_HTTP_UNAUTHORIZED, "log in\n");
	if (r->response && sim_digest_challenge(s->random, d->realm, stale, seconds_now(), text))
		MHD_add_response_header(r->response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, text);
}

/* Carry out the call that the request's body makes. The lock is held. */
static void answer_call(struct sim_service *s, struct sim_device *d,
			struct MHD_Connection *connection, const char *path, struct request *r)
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
	if (d->state == SIM_DEVICE_POST && before != SIM_DEVICE_POST) {
		s->fleet->configured++;
		eventfd_write(s->fleet->wake, 1);
	}
out:
	sim_xml_answer_clear(&xml);
}

static void answer(struct door *door, struct sim_device *d, struct MHD_Connection *connection,
		   const char *path, const char *method, struct request *r)
{
	bool wsman = strcmp(path, SIM_WSMAN_PATH) == 0 && d->firmware.major >= 3;
	bool soap = sim_soap_has_path(path) && d->firmware.major <= 8;
	enum sim_digest_result login;

	r->answered = true;
	if (door->plain && d->state != SIM_DEVICE_POST) {
		r->close = true;
		return;
	}
	login = check_login(door->service, d, connection, path, method);
	if (login != SIM_DIGEST_OK)
		challenge(door->service, d, login == SIM_DIGEST_STALE, r);
	else if (r->too_big)
		answer_plainly(r, d, MHD_HTTP_CONTENT_TOO_LARGE, "the request is too large\n");
	else if (!wsman && !soap)
		answer_plainly(r, d, MHD_HTTP_NOT_FOUND, "there is nothing here\n");
	else if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
		answer_plainly(r, d, MHD_HTTP_METHOD_NOT_ALLOWED, "use POST\n");
	else
		answer_call(door->service, d, connection, path, r);
	if (!r->response)
		r->close = true;
}

static enum MHD_Result queue(struct MHD_Connection *connection, struct request *r)
{
	if (r->close)
		return MHD_NO;
	return MHD_queue_response(connection, r->http, r->response);
}

static void gather(struct request *r, const char *data, size_t size)
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
	struct request *r = *own;
	struct progress *p = progress_of(connection);
	struct sim_device *d;

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
	answer(door, d, connection, path, method, r);
	pthread_mutex_unlock(&s->fleet->lock);
	if (s->fleet->habits.delay > 0 && sim_delay_add(s->delay, connection) == 0)
		return MHD_YES;
	return queue(connection, r);
}

static void completed(void *context, struct MHD_Connection *connection, void **own,
		      enum MHD_RequestTerminationCode why)
{
	struct request *r = *own;

	if (!r)
		return;
	if (r->body)
		secret_wipe(r->body, r->size);
	free(r->body);
	if (r->response)
		MHD_destroy_response(r->response);
	free(r);
	*own = NULL;
}

static int open_socket(struct door *door, struct sim_fleet *fleet, uint16_t port,
		       struct fault *fault)
{
	struct sim_address a;
	int rc;

	if (fleet->n > 1)
		rc = sim_address_parse("0.0.0.0", port, &a, fault);
	else
		rc = sim_address_after(&fleet->first, 0, port, &a, fault);
	if (rc < 0)
		return rc;
	door->socket = sim_address_listen(&a, fault);
	return door->socket < 0 ? door->socket : 0;
}

static int start_daemon(struct door *door, const struct sim_fleet *fleet, struct fault *fault)
{
	/* Turbo: leaves the closing of a connection to us until we have said our last word. */
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_CRED_TYPE, GNUTLS_CRD_PSK, NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0,
		  (void *)(fleet->habits.tls11 ? PRIORITIES("1.1") : PRIORITIES("1.0")) },
		{ MHD_OPTION_GNUTLS_PSK_CRED_HANDLER, (intptr_t)give_psk, door->service },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };

	door->daemon = MHD_start_daemon(
		flags | (door->plain ? 0u : (unsigned)MHD_USE_TLS), 0, accept_policy, door, handle,
		door, MHD_OPTION_LISTEN_SOCKET, door->socket,
		MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
		MHD_OPTION_NOTIFY_CONNECTION, connection_changed, door,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)(2 * fleet->n + 64),
		MHD_OPTION_ARRAY, door->plain ? none : tls, MHD_OPTION_END);
	if (!door->daemon)
		return fault_set(fault, KIT_ERR_LIBRARY, "libmicrohttpd cannot start the service");
	door->socket = -1;
	return 0;
}

int sim_service_start(struct sim_service **out, struct sim_fleet *fleet, uint16_t port,
		      uint16_t plain, struct fault *fault)
{
	struct sim_service *s = calloc(1, sizeof(*s));
	int rc;

	*out = NULL;
	if (!s)
		return fault_nomem(fault);
	s->fleet = fleet;
	s->tls = (struct door){ .service = s, .socket = -1 };
	s->plain = (struct door){ .service = s, .plain = true, .socket = -1 };
	rc = sim_delay_new(&s->delay, fleet->habits.delay, fault);
	if (rc == 0 && gnutls_rnd(GNUTLS_RND_RANDOM, s->random, sizeof(s->random)) < 0)
		rc = fault_set(fault, KIT_ERR_CRYPTO, "no random numbers for logins");
	if (rc == 0)
		rc = open_socket(&s->tls, fleet, port, fault);
	/* To hang, it is enough that nobody accepts: the kernel completes the connection. */
	if (rc == 0 && fleet->habits.handshake != SIM_HANDSHAKE_HANG)
		rc = start_daemon(&s->tls, fleet, fault);
	if (rc == 0 && plain != 0)
		rc = open_socket(&s->plain, fleet, plain, fault);
	if (rc == 0 && plain != 0)
		rc = start_daemon(&s->plain, fleet, fault);
	*out = s;
	if (rc < 0)
		sim_service_stop(out);
	return rc;
}

unsigned sim_service_connections(const struct sim_service *s)
{
	const struct door *doors[] = { &s->tls, &s->plain };
	unsigned n = 0;

	for (size_t i = 0; i < 2; i++) {
		const union MHD_DaemonInfo *info = !doors[i]->daemon ? NULL :
			MHD_get_daemon_info(doors[i]->daemon,
					    MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

		n += !info ? 0 : info->num_connections;
	}
	return n;
}

static void stop_door(struct door *door)
{
	if (door->daemon)
		MHD_stop_daemon(door->daemon);
	if (door->socket >= 0)
		close(door->socket);
}

void sim_service_stop(struct sim_service **s)
{
	if (!*s)
		return;
	if ((*s)->delay != NULL)
		sim_delay_stop((*s)->delay);
	stop_door(&(*s)->tls);
	stop_door(&(*s)->plain);
	sim_delay_free(&(*s)->delay);
	free(*s);
	*s = NULL;
}
