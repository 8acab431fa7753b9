/* A session with the AMT of one machine, by libcurl. */
#include "amt/session.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amt/digest.h"
#include "amt/tls-pki.h"
#include "amt/tls-psk.h"
#include "common/secret.h"

#define HEADER_BYTES	16384	/* of an answer, all its header lines together */
#define REPEATS	2	/* times that a request is sent which changes nothing */
#define SILENT_ENDS	2	/* until each request gets a connection of its own */
#define UNCLEAR_LOGINS	3	/* until a login counts as one that got no clear answer */

/* After set-up a machine may speak any TLS, with a certificate of its own making. */
#define TLS_CIPHERS	"ALL:@SECLEVEL=0"

struct amt_session {
	enum amt_transport transport;
	struct amt_limits limits;
	char address[80];
	uint16_t port;
	char where[96];		/* for messages */
	bool tls10, one_each;
	unsigned silent_ends;
	struct tls_psk psk;	/* SECRET */
	struct tls_pki pki;
	bool answered;		/* the machine has answered a request */
	CURL *easy;
	CURLSH *cache;		/* connections of this session alone */
	char error[CURL_ERROR_SIZE];
	struct digest challenge;	/* the newest; its nonce is "": none */
	unsigned long nonce_from;	/* the connection that brought it */
	bool nonces_roam;	/* one was taken over another connection than brought it */
	/* The request that is under way; headers and these texts are SECRET. */
	char *request;
	size_t request_size;
	char path[64], type[96], action[192];
	char user[128], password[128];
	bool changes, fresh;	/* fresh: over a connection that is not there yet */
	struct curl_slist *headers;
	unsigned count;		/* answers to that nonce by now, with this one; 0: no login sent */
	unsigned unclear;	/* answers to a new nonce that brought another nonce */
	/* Connections are numbered in the order in which they are made; 0: none. */
	unsigned long connections, sent_over;
	/* What came of the newest try. */
	bool connected;		/* TCP was, so that TLS could begin */
	unsigned sent;		/* how often libcurl put it on the wire */
	bool challenged;
	struct fault challenge_fault;
	char *body;		/* limits.answer_bytes + 1 at most */
	size_t body_size, body_room;
	size_t header_bytes;
	bool too_long;
};

/* ---- what libcurl calls ---- */

/* A connection that had answered before ended without a word. */
static void count_silent_end(struct amt_session *s)
{
	if (++s->silent_ends >= SILENT_ENDS)
		s->one_each = true;
}

/* For each TLS connection that it opens, with a context of its own. */
static CURLcode on_context(CURL *easy, void *tls, void *user)
{
	struct amt_session *s = user;

	s->connected = true;
	if (s->transport == AMT_TLS_PSK)
		return tls_psk_prepare(&s->psk, tls, NULL) ? CURLE_OUT_OF_MEMORY : CURLE_OK;
	if (s->transport == AMT_TLS_PKI)
		return tls_pki_prepare(&s->pki, tls, NULL) ? CURLE_SSL_CERTPROBLEM : CURLE_OK;
	SSL_CTX_set_options(tls, SSL_OP_LEGACY_SERVER_CONNECT);
	return CURLE_OK;
}

/* A socket was made: the connection that follows is a new one. */
static int on_socket(void *user, curl_socket_t fd, curlsocktype purpose)
{
	struct amt_session *s = user;

	s->connections++;
	return CURL_SOCKOPT_OK;
}

/*
 * Before a request goes out. libcurl sends it again by itself when a connection that it used
 * before turns out to be dead; but what the machine did with the first one is not known then.
 */
static int on_send(void *user, char *peer, char *own, int peer_port, int own_port)
{
	struct amt_session *s = user;

	s->connected = true;
	if (s->sent++) {
		count_silent_end(s);
		if (s->changes || s->sent > REPEATS) {
			return CURL_PREREQFUNC_ABORT;
		}
	}
	s->sent_over = s->connections;
	return CURL_PREREQFUNC_OK;
}

static size_t on_body(char *data, size_t one, size_t n, void *user)
{
	struct amt_session *s = user;

	if (n > s->limits.answer_bytes - s->body_size) {
		s->too_long = true;
		return 0;
	}
	if (n >= s->body_room - s->body_size) {
		size_t room = (s->body_size + n) * 2 + 1;
		char *bigger;

		if (room > s->limits.answer_bytes + 1)
			room = s->limits.answer_bytes + 1;
		bigger = realloc(s->body, room);
		if (!bigger)
			return 0;
		s->body = bigger;
		s->body_room = room;
	}
	memcpy(s->body + s->body_size, data, n);
	s->body_size += n;
	s->body[s->body_size] = '\0';
	return n;
}

/* A header WWW-Authenticate of N bytes. */
static void take_challenge(struct amt_session *s, const char *value, size_t n)
{
	struct digest d;
	struct fault fault = { 0 };
	char text[2048];
	int rc;

	if (n >= sizeof(text))
		return;
	memcpy(text, value, n);
	text[n] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	rc = digest_read(&d, text, &fault);
	if (rc == KIT_ERR_PROTOCOL && !s->challenge_fault.code)
		s->challenge_fault = fault;
	if (rc || s->challenged)
		return;
	s->challenge = d;
	s->challenged = true;
}

static size_t on_header(char *data, size_t one, size_t n, void *user)
{
	static const char name[] = "WWW-Authenticate:";
	struct amt_session *s = user;

	s->header_bytes += n;
	if (s->header_bytes > HEADER_BYTES) {
		s->too_long = true;
		return 0;
	}
	if (n > sizeof(name) && strncasecmp(data, name, sizeof(name) - 1) == 0)
		take_challenge(s, data + sizeof(name) - 1, n - (sizeof(name) - 1));
	return n;
}

/* ---- opening and closing ---- */

#define SET(option, value) (e = e ? e : curl_easy_setopt(s->easy, option, value))

static long newest_tls(const struct amt_session *s)
{
	bool psk = s->transport == AMT_TLS_PSK;

	if (s->tls10 && (psk || s->transport == AMT_TLS_PKI))
		return CURL_SSLVERSION_MAX_TLSv1_0;
	return psk ? CURL_SSLVERSION_MAX_TLSv1_1 : CURL_SSLVERSION_MAX_DEFAULT;
}

static CURLcode set_tls(struct amt_session *s)
{
	const char *ciphers = s->transport == AMT_TLS_PSK ? TLS_PSK_CIPHERS
			    : s->transport == AMT_TLS_PKI ? TLS_PKI_CIPHERS : TLS_CIPHERS;
	CURLcode e = CURLE_OK;

	/* The machine has no certificate that libcurl could check. */
	SET(CURLOPT_SSL_VERIFYPEER, 0L);
	SET(CURLOPT_SSL_VERIFYHOST, 0L);
	SET(CURLOPT_CAINFO, NULL);
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
	/* A minimum alone would offer newer versions, and ask for the PSK twice. */
	SET(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_0 | newest_tls(s));
	SET(CURLOPT_SSL_CIPHER_LIST, ciphers);
	SET(CURLOPT_SSL_CTX_FUNCTION, on_context);
	SET(CURLOPT_SSL_CTX_DATA, s);
	return e;
}

static CURLcode set_options(struct amt_session *s)
{
	CURLcode e = CURLE_OK;

	SET(CURLOPT_SHARE, s->cache);
	SET(CURLOPT_ERRORBUFFER, s->error);
	SET(CURLOPT_PROTOCOLS_STR, s->transport == AMT_PLAIN ? "http" : "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_NONE);
	SET(CURLOPT_BUFFERSIZE, 4096L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)s->limits.connect_ms);
	SET(CURLOPT_MAXFILESIZE, (long)s->limits.answer_bytes);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, s);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, s);
	SET(CURLOPT_SOCKOPTFUNCTION, on_socket);
	SET(CURLOPT_SOCKOPTDATA, s);
	SET(CURLOPT_PREREQFUNCTION, on_send);
	SET(CURLOPT_PREREQDATA, s);
	return e ? e : s->transport == AMT_PLAIN ? CURLE_OK : set_tls(s);
}

int amt_session_open(struct amt_session **out, const struct amt_target *target,
		     const struct amt_limits *limits, struct fault *fault)
{
	struct amt_session *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return fault_nomem(fault);
	s->transport = target->credential.kind;
	s->limits = *limits;
	s->port = target->port;
	s->tls10 = target->tls10;
	s->one_each = target->one_each;
	snprintf(s->address, sizeof(s->address), "%s", target->address);
	snprintf(s->where, sizeof(s->where), "%s port %u", s->address, s->port);
	if (s->transport == AMT_TLS_PSK)
		tls_psk_init(&s->psk, target->credential.pid, target->credential.pps);
	if (s->transport == AMT_TLS_PKI)
		tls_pki_init(&s->pki, target->credential.chain, target->credential.ondie);
	s->easy = curl_easy_init();
	s->cache = curl_share_init();
	/*
	 * In a cache that is shared with other sessions libcurl would hand one machine
	 * another's connection, and call that a success, when both have the same address.
	 */
	if (!s->easy || !s->cache ||
	    curl_share_setopt(s->cache, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) ||
	    set_options(s)) {
		amt_session_close(&s);
		return fault_set(fault, KIT_ERR_LIBRARY, "libcurl cannot prepare a session");
	}
	*out = s;
	return 0;
}

static void forget_headers(struct amt_session *s)
{
	for (struct curl_slist *line = s->headers; line; line = line->next)
		secret_wipe(line->data, strlen(line->data));
	curl_slist_free_all(s->headers);
	s->headers = NULL;
}

static void forget_request(struct amt_session *s)
{
	if (s->request)
		secret_wipe(s->request, s->request_size);
	free(s->request);
	s->request = NULL;
	s->request_size = 0;
	secret_wipe(s->password, sizeof(s->password));
	forget_headers(s);
}

void amt_session_close(struct amt_session **out)
{
	struct amt_session *s = *out;

	if (!s)
		return;
	*out = NULL;
	if (s->easy)
		curl_easy_cleanup(s->easy);
	if (s->cache)
		curl_share_cleanup(s->cache);
	forget_request(s);
	free(s->body);
	tls_psk_wipe(&s->psk);
	free(s);
}

/* ---- a request ---- */

static int add_header(struct amt_session *s, const char *name, const char *value)
{
	char line[DIGEST_AUTHORIZATION + 32];
	struct curl_slist *more;

	snprintf(line, sizeof(line), "%s:%s%s", name, *value ? " " : "", value);
	more = curl_slist_append(s->headers, line);
	secret_wipe(line, sizeof(line));
	if (!more)
		return KIT_ERR_NOMEM;
	s->headers = more;
	return 0;
}

/* The answer to the newest challenge, where there are an account and a challenge. */
static int add_login(struct amt_session *s, struct fault *fault)
{
	const struct digest_request q = { .method = "POST", .path = s->path,
					  .body = s->request, .size = s->request_size,
					  .user = s->user, .password = s->password };
	char value[DIGEST_AUTHORIZATION];
	int rc;

	s->count = 0;
	if (!*s->user || !*s->challenge.nonce)
		return 0;
	rc = digest_answer(&s->challenge, &q, value, fault);
	if (!rc && add_header(s, "Authorization", value))
		rc = fault_nomem(fault);
	s->count = s->challenge.count;
	secret_wipe(value, sizeof(value));
	return rc;
}

static int set_headers(struct amt_session *s, struct fault *fault)
{
	forget_headers(s);
	/* An empty "Expect:" keeps libcurl from waiting for a "100 Continue". */
	if (add_header(s, "Expect", "") || add_header(s, "Content-Type", s->type) ||
	    (*s->action && add_header(s, "SOAPAction", s->action)))
		return fault_nomem(fault);
	return add_login(s, fault);
}

/* Some firmware serves one connection at a time: the old one has to go before a new one comes. */
static CURLcode drop_connections(struct amt_session *s)
{
	CURLcode e = curl_easy_setopt(s->easy, CURLOPT_SHARE, NULL);

	curl_share_cleanup(s->cache);
	s->cache = curl_share_init();
	if (e || !s->cache || curl_share_setopt(s->cache, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT))
		return CURLE_OUT_OF_MEMORY;
	return curl_easy_setopt(s->easy, CURLOPT_SHARE, s->cache);
}

/* Make the handle ready for one more try of the request. */
static int prepare(struct amt_session *s, struct fault *fault)
{
	CURLcode e = CURLE_OK;
	int rc = set_headers(s, fault);

	if (rc)
		return rc;
	s->body_size = s->header_bytes = 0;
	s->too_long = s->connected = s->challenged = false;
	s->sent = 0;
	fault_clear(&s->challenge_fault);
	s->error[0] = '\0';
	if (s->one_each || s->fresh)
		e = drop_connections(s);
	s->fresh = false;
	SET(CURLOPT_HTTPHEADER, s->headers);
	SET(CURLOPT_FRESH_CONNECT, s->one_each ? 1L : 0L);
	SET(CURLOPT_FORBID_REUSE, s->one_each ? 1L : 0L);
	SET(CURLOPT_TIMEOUT_MS, (long)s->limits.answer_ms +
	    (s->psk.proved || s->answered ? 0L : (long)s->limits.connect_ms));
	return e ? fault_set(fault, KIT_ERR_LIBRARY, "libcurl cannot prepare a request") : 0;
}

static bool copy(char *out, size_t size, const char *text)
{
	return snprintf(out, size, "%s", text ? text : "") < (int)size;
}

int amt_session_begin(struct amt_session *s, const struct amt_request *q, struct fault *fault)
{
	bool v6 = strchr(s->address, ':') != NULL;
	CURLcode e = CURLE_OK;
	char url[256];
	int rc;

	forget_request(s);
	snprintf(url, sizeof(url), "%s://%s%s%s:%u%s",
		 s->transport == AMT_PLAIN ? "http" : "https", v6 ? "[" : "", s->address,
		 v6 ? "]" : "", s->port, q->path);
	s->request = malloc(q->size + 1);
	if (!s->request)
		return fault_nomem(fault);
	memcpy(s->request, q->body, q->size);
	s->request_size = q->size;
	if (!copy(s->path, sizeof(s->path), q->path) ||
	    !copy(s->type, sizeof(s->type), q->content_type) ||
	    !copy(s->action, sizeof(s->action), q->soap_action) ||
	    !copy(s->user, sizeof(s->user), q->user) ||
	    !copy(s->password, sizeof(s->password), q->password)) {
		forget_request(s);
		return fault_set(fault, KIT_ERR_ARGUMENT, "a text of the request is too long");
	}
	s->changes = q->changes;
	s->unclear = 0;
	s->fresh = q->new_connection;
	if (q->new_login)
		memset(&s->challenge, 0, sizeof(s->challenge));
	SET(CURLOPT_URL, url);
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_POSTFIELDS, s->request);
	SET(CURLOPT_POSTFIELDSIZE, (long)s->request_size);
	rc = e ? fault_set(fault, KIT_ERR_LIBRARY, "libcurl cannot prepare a request")
	       : prepare(s, fault);
	if (rc)
		forget_request(s);
	return rc;
}

CURL *amt_session_handle(struct amt_session *s)
{
	return s->easy;
}

/* ---- what came of it ---- */

static void explain_timeout(const struct amt_session *s, struct fault *f)
{
	bool psk = s->transport == AMT_TLS_PSK;

	if (psk ? s->psk.proved : s->sent > 0)
		fault_set(f, KIT_ERR_TIMEOUT, "%s gave no whole answer within %u s", s->address,
			  s->limits.answer_ms / 1000);
	else if (s->psk.asked || s->pki.asked)
		fault_set(f, KIT_ERR_TIMEOUT, "%s did not finish the TLS handshake within %u s",
			  s->address, s->limits.connect_ms / 1000);
	else if (s->connected)
		fault_set(f, KIT_ERR_TIMEOUT,
			  "%s took the connection to port %u, but did not begin "
			  "TLS within %u s",
			  s->address, s->port, s->limits.connect_ms / 1000);
	else
		fault_set(f, KIT_ERR_TIMEOUT, "%s did not open port %u within %u s", s->address,
			  s->port, s->limits.connect_ms / 1000);
	if (!s->psk.proved && s->connected)
		fault_hint(f, "what listens at that port hangs: if it is the machine itself, take "
			   "its AC power away for half a minute");
	fault_hint(f, "is the machine still on the network at that address, and does a firewall "
		   "block the port?");
}

/* Did the connection fail since the machine does not accept what this server shows? */
static bool is_about_chain(const struct amt_session *s, CURLcode result)
{
	if (s->transport != AMT_TLS_PKI || s->answered || s->header_bytes)
		return false;
	switch (result) {
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_GOT_NOTHING:
	/* Of libcurl for the alerts 45 and 116. */
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CLIENTCERT:
		return true;
	default:
		return false;
	}
}

static void explain(struct amt_session *s, CURLcode result, struct fault *f)
{
	long sys = 0;

	if (s->too_long || result == CURLE_FILESIZE_EXCEEDED) {
		fault_set(f, KIT_ERR_PROTOCOL, "%s sent an answer of more than %zu bytes\n"
			  "set-up asks for nothing that long: look what listens there",
			  s->address, s->limits.answer_bytes);
		return;
	}
	if (is_about_chain(s, result)) {
		tls_pki_explain(&s->pki, s->where, *s->error ? s->error : "it was closed", f);
		return;
	}
	switch (result) {
	case CURLE_OPERATION_TIMEDOUT:
		explain_timeout(s, f);
		break;
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(s->easy, CURLINFO_OS_ERRNO, &sys);
		fault_set(f, KIT_ERR_NETWORK, "cannot connect to %s: %s\n"
			  "is the machine on the network and waiting for its set-up, and does a "
			  "firewall block the port?", s->where,
			  sys ? strerror((int)sys) : "no answer");
		break;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
		if (s->transport == AMT_TLS_PSK)
			tls_psk_explain(&s->psk, s->where, s->error, f);
		else
			fault_set(f, KIT_ERR_PROTOCOL, "%s does not speak TLS that this server "
				  "knows (%s)", s->where, s->error);
		break;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
		fault_set(f, KIT_ERR_PROTOCOL, "the answer of %s is not HTTP (%s)", s->address,
			  s->error);
		break;
	case CURLE_ABORTED_BY_CALLBACK:
	case CURLE_GOT_NOTHING:
		fault_set(f, KIT_ERR_NETWORK, "%s closed the connection without an answer",
			  s->address);
		break;
	default:
		fault_set(f, KIT_ERR_NETWORK, "the connection to %s broke: %s", s->address,
			  *s->error ? s->error : curl_easy_strerror(result));
	}
}

/*
 * Did the connection end after the request, but before a byte of the answer? libcurl has then
 * perhaps made another one, or tried to.
 */
static bool is_silent_end(const struct amt_session *s, CURLcode result)
{
	if (s->sent == 0 || s->header_bytes || s->body_size)
		return false;
	return s->connections > s->sent_over || result == CURLE_GOT_NOTHING ||
	       result == CURLE_SEND_ERROR || result == CURLE_RECV_ERROR;
}

/*
 * The machine asks for a login. True: the request is to be sent again, with an answer to that.
 *
 * A login is refused when it was the first answer to a nonce that this very connection had brought
 * (or that is good for all, as was seen before). Any other 401 may just mean that the machine has
 * forgotten the nonce, though it does not say "stale".
 */
static bool asked(struct amt_session *s, struct amt_reply *reply)
{
	bool own_nonce = s->nonce_from == s->sent_over || s->nonces_roam;

	if (!s->challenged) {
		if (s->challenge_fault.code)
			fault_pass(&reply->fault, &s->challenge_fault);
		else
			fault_set(&reply->fault, KIT_ERR_PROTOCOL, "the machine asks for a "
				  "password, but not by Digest; its password was not tried");
		return false;
	}
	s->nonce_from = s->sent_over;
	if (!*s->user) {
		reply->login = AMT_LOGIN_ASKED;
		return false;
	}
	if (s->count == 1 && !s->challenge.stale && own_nonce) {
		reply->login = AMT_LOGIN_REFUSED;
		return false;
	}
	if (s->count == 1 && ++s->unclear == UNCLEAR_LOGINS) {
		reply->login = AMT_LOGIN_UNCLEAR;
		return false;
	}
	return !prepare(s, &reply->fault);
}

bool amt_session_end(struct amt_session *s, CURLcode result, struct amt_reply *reply)
{
	bool again = false;

	memset(reply, 0, sizeof(*reply));
	reply->body = "";
	if (result == CURLE_OK)
		curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &reply->status);
	if (result != CURLE_OK) {
		reply->chain_refused = is_about_chain(s, result) && tls_pki_is_refused(&s->pki);
		reply->silent = !reply->chain_refused && is_silent_end(s, result);
		/* What became of a request that changes something matters more than of a repeat. */
		explain(s, reply->silent && s->changes ? CURLE_GOT_NOTHING : result,
			&reply->fault);
	} else if (reply->status == 401) {
		again = asked(s, reply);
	} else if (s->count) {
		reply->login = AMT_LOGIN_TAKEN;
		s->nonces_roam |= s->nonce_from != s->sent_over;
	}
	s->answered |= result == CURLE_OK;
	if (again)
		return false;
	reply->code = reply->fault.code;
	reply->connected = s->connected;
	if (s->body_size)
		reply->body = s->body;
	reply->size = s->body_size;
	forget_request(s);
	return true;
}

int amt_session_post(struct amt_session *s, const struct amt_request *request,
		     struct amt_reply *reply)
{
	struct fault fault = { 0 };

	if (amt_session_begin(s, request, &fault)) {
		*reply = (struct amt_reply){ .code = fault.code, .fault = fault, .body = "" };
		return reply->code;
	}
	while (!amt_session_end(s, curl_easy_perform(s->easy), reply))
		;
	return reply->code;
}

bool amt_session_proved(const struct amt_session *s)
{
	return s->psk.proved;
}

bool amt_session_chain_taken(const struct amt_session *s)
{
	return s->answered && s->pki.asked;
}

enum ondie_verdict amt_session_machine(const struct amt_session *s)
{
	return s->pki.machine;
}

const char *amt_session_tls(const struct amt_session *s)
{
	return tls_pki_version(&s->pki);
}

bool amt_session_one_each(const struct amt_session *s)
{
	return s->one_each;
}
