/* One HTTPS conversation inside TLS-PSK: libcurl's multi interface on libevent. */
#include "server/setup/callback.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keygen/pidpps.h"
#include "common/secret.h"

#define HEADER_BYTES	16384	/* of an answer, all its header lines together */

/* RFC 4279 suites that OpenSSL 3 has and machines of that time know; the first is theirs. */
#define CIPHERS "PSK-AES128-CBC-SHA:PSK-AES256-CBC-SHA:@SECLEVEL=0"

struct callback_pool {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
};

struct callback {
	struct callback_pool *pool;
	struct callback_limits limits;
	char address[80];
	uint16_t port;
	char pid[PID_LENGTH + 1];
	char pps[PPS_LENGTH + 1];	/* SECRET */
	CURL *easy;
	CURLSH *cache;		/* connections of this conversation alone */
	struct curl_slist *headers;
	char error[CURL_ERROR_SIZE];
	/* what the TLS contexts of this conversation saw */
	bool connected;		/* TCP was, so that TLS could begin */
	bool asked;		/* the PSK was asked for */
	bool proved;
	int alert;		/* TLS alert number, 0: none */
	/* the request that is under way */
	void (*done)(void *context, const struct callback_reply *reply);
	void *context;
	char *request;		/* SECRET */
	size_t request_size;
	char *body;		/* limits.answer_bytes + 1 at most */
	size_t body_size, body_room;
	size_t header_bytes;
	bool too_long;
};

/* ---- TLS ---- */

/* Where a TLS context keeps the conversation it belongs to. */
static int context_index(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

static struct callback *of_ssl(const SSL *ssl)
{
	return SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index());
}

static unsigned on_psk(SSL *ssl, const char *hint, char *identity, unsigned max_identity,
		       unsigned char *psk, unsigned max_psk)
{
	struct callback *c = of_ssl(ssl);

	if (!c || max_identity < PID_LENGTH + 1 || max_psk < PPS_LENGTH)
		return 0;
	c->asked = true;
	memcpy(identity, c->pid, PID_LENGTH + 1);
	memcpy(psk, c->pps, PPS_LENGTH);
	return PPS_LENGTH;
}

/*
 * A finished handshake means that the machine's Finished message was right, which takes
 * the PPS; but only if it was made new, with the PSK of this very conversation.
 */
static void on_tls(const SSL *ssl, int where, int value)
{
	struct callback *c = of_ssl(ssl);
	const SSL_CIPHER *cipher;

	if (!c)
		return;
	if ((where & SSL_CB_ALERT) && value >> 8 == SSL3_AL_FATAL)
		c->alert = value & 0xff;
	if (!(where & SSL_CB_HANDSHAKE_DONE) || !c->asked || SSL_session_reused(ssl))
		return;
	cipher = SSL_get_current_cipher(ssl);
	if (cipher && SSL_CIPHER_get_kx_nid(cipher) == NID_kx_psk)
		c->proved = true;
}

/* libcurl calls this for each TLS connection that it opens, with a context of its own. */
static CURLcode on_context(CURL *easy, void *tls, void *user)
{
	struct callback *c = user;
	SSL_CTX *ctx = tls;

	c->connected = true;
	c->asked = false;
	c->alert = 0;
	if (!SSL_CTX_set_ex_data(ctx, context_index(), c))
		return CURLE_OUT_OF_MEMORY;
	SSL_CTX_set_psk_client_callback(ctx, on_psk);
	SSL_CTX_set_info_callback(ctx, on_tls);
	return CURLE_OK;
}

/* ---- libcurl on libevent ---- */

static void collect(struct callback_pool *p);

static void on_socket_event(evutil_socket_t fd, short what, void *user)
{
	struct callback_pool *p = user;
	int running, mask = (what & EV_READ ? CURL_CSELECT_IN : 0) |
			    (what & EV_WRITE ? CURL_CSELECT_OUT : 0);

	curl_multi_socket_action(p->multi, fd, mask, &running);
	collect(p);
}

static void on_timer(evutil_socket_t fd, short what, void *user)
{
	struct callback_pool *p = user;
	int running;

	curl_multi_socket_action(p->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(p);
}

static int on_want_timer(CURLM *multi, long ms, void *user)
{
	struct callback_pool *p = user;
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (ms < 0)
		evtimer_del(p->timer);
	else
		evtimer_add(p->timer, &tv);
	return 0;
}

static int on_want_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *of_socket)
{
	struct callback_pool *p = user;
	struct event *event = of_socket;
	short flags = EV_PERSIST;

	if (event)
		event_free(event);
	curl_multi_assign(p->multi, fd, NULL);
	if (what == CURL_POLL_REMOVE)
		return 0;
	flags |= what & CURL_POLL_IN ? EV_READ : 0;
	flags |= what & CURL_POLL_OUT ? EV_WRITE : 0;
	event = event_new(p->base, fd, flags, on_socket_event, p);
	if (!event || event_add(event, NULL)) {
		if (event)
			event_free(event);
		return -1;
	}
	curl_multi_assign(p->multi, fd, event);
	return 0;
}

int callback_pool_new(struct callback_pool **out, struct event_base *base, struct fault *fault)
{
	struct callback_pool *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (!p)
		return fault_nomem(fault);
	p->base = base;
	p->timer = evtimer_new(base, on_timer, p);
	p->multi = curl_multi_init();
	if (!p->timer || !p->multi) {
		callback_pool_free(&p);
		return fault_nomem(fault);
	}
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETFUNCTION, on_want_socket);
	curl_multi_setopt(p->multi, CURLMOPT_SOCKETDATA, p);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERFUNCTION, on_want_timer);
	curl_multi_setopt(p->multi, CURLMOPT_TIMERDATA, p);
	*out = p;
	return 0;
}

void callback_pool_free(struct callback_pool **p)
{
	if (!*p)
		return;
	if ((*p)->multi)
		curl_multi_cleanup((*p)->multi);
	if ((*p)->timer)
		event_free((*p)->timer);
	free(*p);
	*p = NULL;
}

/* ---- one conversation ---- */

static size_t on_body(char *data, size_t one, size_t n, void *user)
{
	struct callback *c = user;

	if (n > c->limits.answer_bytes - c->body_size) {
		c->too_long = true;
		return 0;
	}
	if (n >= c->body_room - c->body_size) {
		size_t room = (c->body_size + n) * 2 + 1;
		char *bigger;

		if (room > c->limits.answer_bytes + 1)
			room = c->limits.answer_bytes + 1;
		bigger = realloc(c->body, room);
		if (!bigger)
			return 0;
		c->body = bigger;
		c->body_room = room;
	}
	memcpy(c->body + c->body_size, data, n);
	c->body_size += n;
	c->body[c->body_size] = '\0';
	return n;
}

static size_t on_header(char *data, size_t one, size_t n, void *user)
{
	struct callback *c = user;

	c->header_bytes += n;
	if (c->header_bytes > HEADER_BYTES) {
		c->too_long = true;
		return 0;
	}
	return n;
}

static CURLcode set_options(struct callback *c)
{
	CURLcode e = CURLE_OK;

#define SET(option, value) (e = e ? e : curl_easy_setopt(c->easy, option, value))
	SET(CURLOPT_PRIVATE, c);
	SET(CURLOPT_SHARE, c->cache);
	SET(CURLOPT_ERRORBUFFER, c->error);
	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_BUFFERSIZE, 4096L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)c->limits.connect_ms);
	SET(CURLOPT_MAXFILESIZE, (long)c->limits.answer_bytes);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, c);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, c);
	/* The machine has no certificate: that it knows the PSK is what proves it. */
	SET(CURLOPT_SSL_VERIFYPEER, 0L);
	SET(CURLOPT_SSL_VERIFYHOST, 0L);
	SET(CURLOPT_CAINFO, NULL);
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
	/* A minimum alone would offer newer versions, and ask for the PSK twice. */
	SET(CURLOPT_SSLVERSION, (long)(CURL_SSLVERSION_TLSv1_0 | CURL_SSLVERSION_MAX_TLSv1_1));
	SET(CURLOPT_SSL_CIPHER_LIST, CIPHERS);
	SET(CURLOPT_SSL_CTX_FUNCTION, on_context);
	SET(CURLOPT_SSL_CTX_DATA, c);
#undef SET
	return e;
}

int callback_open(struct callback **out, struct callback_pool *pool,
		  const struct callback_target *target, const struct callback_limits *limits,
		  struct fault *fault)
{
	struct callback *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (!c)
		return fault_nomem(fault);
	c->pool = pool;
	c->limits = *limits;
	c->port = target->port;
	snprintf(c->address, sizeof(c->address), "%s", target->address);
	memcpy(c->pid, target->pid, PID_LENGTH);
	memcpy(c->pps, target->pps, PPS_LENGTH);
	c->easy = curl_easy_init();
	c->cache = curl_share_init();
	/*
	 * In a cache that is shared with other conversations libcurl would hand one machine
	 * another's connection, and call that a success, when both have the same address.
	 */
	if (!c->easy || !c->cache ||
	    curl_share_setopt(c->cache, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) ||
	    set_options(c)) {
		callback_close(&c);
		return fault_set(fault, KIT_ERR_LIBRARY, "libcurl cannot prepare a call");
	}
	*out = c;
	return 0;
}

static void forget_request(struct callback *c)
{
	secret_wipe(c->request, c->request_size);
	free(c->request);
	c->request = NULL;
	c->request_size = 0;
	curl_slist_free_all(c->headers);
	c->headers = NULL;
}

void callback_close(struct callback **c)
{
	struct callback *x = *c;

	if (!x)
		return;
	*c = NULL;
	if (x->done)
		curl_multi_remove_handle(x->pool->multi, x->easy);
	if (x->easy)
		curl_easy_cleanup(x->easy);
	if (x->cache)
		curl_share_cleanup(x->cache);
	forget_request(x);
	free(x->body);
	secret_wipe(x->pps, sizeof(x->pps));
	free(x);
}

static int set_headers(struct callback *c, const struct callback_request *q)
{
	char line[256];

	/* An empty "Expect:" keeps libcurl from waiting for a "100 Continue". */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:"), *more = list;

	snprintf(line, sizeof(line), "Content-Type: %s", q->content_type);
	if (list)
		more = curl_slist_append(list, line);
	if (more && q->soap_action) {
		snprintf(line, sizeof(line), "SOAPAction: %s", q->soap_action);
		more = curl_slist_append(list, line);
	}
	if (!more) {
		curl_slist_free_all(list);
		return KIT_ERR_NOMEM;
	}
	c->headers = list;
	return 0;
}

int callback_post(struct callback *c, const struct callback_request *q,
		  void (*done)(void *context, const struct callback_reply *reply),
		  void *context, struct fault *fault)
{
	bool v6 = strchr(c->address, ':') != NULL;
	CURLcode e = CURLE_OK;
	char url[256];

	snprintf(url, sizeof(url), "https://%s%s%s:%u%s", v6 ? "[" : "", c->address,
		 v6 ? "]" : "", c->port, q->path);
	c->request = malloc(q->size + 1);
	if (!c->request || set_headers(c, q))
		goto fail;
	memcpy(c->request, q->body, q->size);
	c->request_size = q->size;
	c->body_size = 0;
	c->header_bytes = 0;
	c->too_long = false;
	c->connected = false;
	c->error[0] = '\0';
#define SET(option, value) (e = e ? e : curl_easy_setopt(c->easy, option, value))
	SET(CURLOPT_URL, url);
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_POSTFIELDS, c->request);
	SET(CURLOPT_POSTFIELDSIZE, (long)c->request_size);
	SET(CURLOPT_HTTPHEADER, c->headers);
	/*
	 * Digest alone would send the first request without its body; so whoever does not
	 * ask for Digest gets none, and by then libcurl has the challenge of who does.
	 */
	SET(CURLOPT_HTTPAUTH, q->user ? CURLAUTH_DIGEST : CURLAUTH_NONE);
	SET(CURLOPT_USERNAME, q->user);
	SET(CURLOPT_PASSWORD, q->password);
	SET(CURLOPT_TIMEOUT_MS, (long)c->limits.answer_ms +
	    (c->proved ? 0L : (long)c->limits.connect_ms));
#undef SET
	if (e || curl_multi_add_handle(c->pool->multi, c->easy))
		goto fail;
	c->done = done;
	c->context = context;
	return 0;
fail:
	forget_request(c);
	return fault_set(fault, KIT_ERR_LIBRARY, "libcurl cannot prepare a request");
}

bool callback_proved(const struct callback *c)
{
	return c->proved;
}

/* Alerts by which either end says that the other's key is not its own. */
static bool is_key_alert(int alert)
{
	switch (alert) {
	case SSL_AD_BAD_RECORD_MAC:
	case SSL_AD_DECRYPTION_FAILED:
	case SSL_AD_HANDSHAKE_FAILURE:
	case SSL_AD_DECRYPT_ERROR:
	case SSL_AD_UNKNOWN_PSK_IDENTITY:
	case SSL_AD_ILLEGAL_PARAMETER:
		return true;
	default:
		return false;
	}
}

static void explain_tls(const struct callback *c, struct fault *f)
{
	char pid[PID_SHOWN + 1];

	pidpps_show_pid(c->pid, pid);
	if (c->asked && is_key_alert(c->alert)) {
		fault_set(f, KIT_ERR_FORGED, "the machine at %s could not prove the PPS of PID %s "
			  "(TLS alert %d)\n"
			  "its key differs from the map's: compare the stick that it was set up "
			  "from, or prepare a new one and set the machine up again", c->address,
			  pid, c->alert);
	} else if (c->asked) {
		fault_set(f, KIT_ERR_NETWORK, "the connection to %s broke during the TLS handshake",
			  c->address);
	} else if (c->proved) {
		fault_set(f, KIT_ERR_NETWORK, "the connection to %s broke and could not be made "
			  "again (%s)", c->address, c->error);
	} else {
		fault_set(f, KIT_ERR_PROTOCOL, "%s port %u does not speak TLS with a pre-shared "
			  "key (%s)\n"
			  "is it the machine itself that answers there, and has it AMT 2.0 to 10, "
			  "waiting for its set-up?", c->address, c->port, c->error);
	}
}

static void explain_timeout(const struct callback *c, struct fault *f)
{
	if (c->proved)
		fault_set(f, KIT_ERR_TIMEOUT, "%s gave no whole answer within %u s", c->address,
			  c->limits.answer_ms / 1000);
	else if (c->asked)
		fault_set(f, KIT_ERR_TIMEOUT, "%s did not finish the TLS handshake within %u s",
			  c->address, c->limits.connect_ms / 1000);
	else if (c->connected)
		fault_set(f, KIT_ERR_TIMEOUT,
			  "%s took the connection to port %u, but did not begin "
			  "TLS within %u s",
			  c->address, c->port, c->limits.connect_ms / 1000);
	else
		fault_set(f, KIT_ERR_TIMEOUT, "%s did not open port %u within %u s", c->address,
			  c->port, c->limits.connect_ms / 1000);
	if (!c->proved && c->connected)
		fault_hint(f, "what is behind that port hangs: if it is the machine itself, take "
			   "its AC power away for half a minute");
	fault_hint(f, "is the machine still on the net at that address, and does no firewall "
		   "stand between?");
}

static void explain(struct callback *c, CURLcode result, struct fault *f)
{
	long sys = 0;

	if (c->too_long || result == CURLE_FILESIZE_EXCEEDED) {
		fault_set(f, KIT_ERR_PROTOCOL, "%s sent an answer of more than %zu bytes\n"
			  "no answer of set-up is that long: look what listens there", c->address, c->limits.answer_bytes);
		return;
	}
	switch (result) {
	case CURLE_OPERATION_TIMEDOUT:
		explain_timeout(c, f);
		break;
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &sys);
		fault_set(f, KIT_ERR_NETWORK, "cannot connect to %s port %u: %s\n"
			  "is the machine on the net, waiting for its set-up, and does no firewall "
			  "stand between?", c->address, c->port,
			  sys ? strerror((int)sys) : "no answer");
		break;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
		explain_tls(c, f);
		break;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
		fault_set(f, KIT_ERR_PROTOCOL, "what %s answers is no HTTP (%s)", c->address,
			  c->error);
		break;
	default:
		fault_set(f, KIT_ERR_NETWORK, "the connection to %s broke: %s", c->address,
			  *c->error ? c->error : curl_easy_strerror(result));
	}
}

static void finish(struct callback *c, CURLcode result)
{
	struct callback_reply reply = { .body = "" };
	void (*done)(void *context, const struct callback_reply *reply) = c->done;
	long offered = 0;

	c->done = NULL;
	forget_request(c);
	if (result == CURLE_OK) {
		curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &reply.status);
		curl_easy_getinfo(c->easy, CURLINFO_HTTPAUTH_AVAIL, &offered);
		reply.digest = reply.status == 401 && (offered & CURLAUTH_DIGEST);
		if (c->body_size)
			reply.body = c->body;
		reply.size = c->body_size;
	} else {
		explain(c, result, &reply.fault);
		reply.code = reply.fault.code;
	}
	done(c->context, &reply);
}

static void collect(struct callback_pool *p)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(p->multi, &left))) {
		struct callback *c = NULL;
		CURLcode result = m->data.result;
		CURL *easy = m->easy_handle;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&c);
		curl_multi_remove_handle(p->multi, easy);
		finish(c, result);
	}
}
