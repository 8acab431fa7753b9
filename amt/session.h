/* A session with the AMT of one machine: HTTP over TLS or TCP; one request at a time. */
#ifndef AMT_SESSION_H
#define AMT_SESSION_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "amt/ondie.h"
#include "common/error.h"

struct chain;

/* How a machine is talked to, and which side proves what by that. */
enum amt_transport {
	AMT_TLS_PSK,	/* before set-up: the machine proves that it has the PPS (tls-psk.h) */
	/*
	 * Before set-up: we prove to the machine that we are its server, by a certificate. Of the
	 * machine nothing is proved, but perhaps that it is genuine AMT (tls-pki.h).
	 */
	AMT_TLS_PKI,
	AMT_TLS,	/* after it: TLS that proves nothing, no certificate is checked */
	AMT_PLAIN,	/* HTTP in the clear, which proves nothing either */
};

/* What is shown or proved; the fields of other kinds stay zero. */
struct credential {
	enum amt_transport kind;
	/* Of AMT_TLS_PSK. */
	const char *pid;	/* PID_LENGTH characters */
	const char *pps;	/* PPS_LENGTH characters, SECRET; copied and wiped */
	/* Of AMT_TLS_PKI; both borrowed, and have to outlive the session. */
	const struct chain *chain;
	const struct ondie *ondie;	/* to judge the machine's own chain by; NULL: not judged */
};

struct amt_target {
	struct credential credential;
	const char *address;	/* numeric, no port; IPv6 without brackets, "%scope" allowed */
	uint16_t port;
	bool tls10;		/* offer TLS 1.0 alone: some firmware bears nothing newer */
	bool one_each;		/* a new connection for each request */
};

#define AMT_ANSWER_BYTES	65536	/* enough for every answer that set-up asks for */

struct amt_limits {
	unsigned connect_ms;	/* for TCP and TLS together */
	unsigned answer_ms;	/* for a request and its answer */
	size_t answer_bytes;	/* of an answer's body; a longer one is refused */
};

struct amt_request {
	const char *path;		/* "/wsman" */
	const char *content_type;
	const char *soap_action;	/* value of the SOAPAction header, or NULL */
	const void *body;		/* may be SECRET; copied and wiped */
	size_t size;			/* bytes of body */
	const char *user;		/* for Digest; NULL: no login */
	const char *password;		/* SECRET; copied and wiped */
	bool changes;			/* it changes the machine: never sent a second time */
	bool new_connection;		/* close the one that is there before */
	bool new_login;		/* forget the challenge: the machine has to ask again */
};

/* What an answer says about the login. */
enum amt_login {
	AMT_LOGIN_NONE,		/* the machine did not ask for one */
	AMT_LOGIN_ASKED,	/* it asks for one (401), and the request brought none */
	AMT_LOGIN_TAKEN,	/* it asked for one, and took that of the request */
	AMT_LOGIN_REFUSED,	/* it refused that of the request */
	AMT_LOGIN_UNCLEAR,	/* it wanted another nonce each time: right or wrong is not known */
};

struct amt_reply {
	/*
	 * 0: an answer came, whatever its HTTP status. Else FAULT says why there is none:
	 *   KIT_ERR_NETWORK   no connection, or it broke
	 *   KIT_ERR_TIMEOUT   a limit in time was met
	 *   KIT_ERR_FORGED    the machine could not prove the PPS
	 *   KIT_ERR_REFUSED   the machine does not accept our certificate, and says so
	 *   KIT_ERR_PROTOCOL  no TLS of the kind that was asked for, not HTTP, an answer too
	 *                     long, a login by a way that is not supported
	 */
	int code;
	struct fault fault;
	bool silent;		/* the connection ended without a byte of an answer */
	bool chain_refused;	/* for it, as it seems, does not accept our certificate */
	bool connected;		/* TCP was, so that there is something at that port */
	long status;		/* HTTP status; 401 with AMT_LOGIN_ASKED, _REFUSED, _UNCLEAR */
	enum amt_login login;
	const char *body;	/* of SIZE bytes and a NUL behind; valid until the next request */
	size_t size;
};

struct amt_session;

/* Prepare a session; nothing is sent before the first request. KIT_ERR_NOMEM, KIT_ERR_LIBRARY. */
int amt_session_open(struct amt_session **out, const struct amt_target *target,
		     const struct amt_limits *limits, struct fault *fault);

/*
 * Close and wipe it; where a request is under way, its handle has to be out of the multi handle
 * by then. *s may be NULL.
 */
void amt_session_close(struct amt_session **s);

/*
 * Send a POST and wait for the answer. Returns reply->code.
 *
 * One connection is used as long as the machine keeps it. When it ends without an answer, a
 * request that changes nothing is sent once more over a new one; one that does is not, since the
 * machine may have carried it out: the reply is silent then. After two such ends each request
 * gets a connection of its own.
 */
int amt_session_post(struct amt_session *s, const struct amt_request *request,
		     struct amt_reply *reply);

/*
 * The same in pieces, for an event loop: begin, let libcurl run the handle to its end, and ask.
 *
 * amt_session_begin()   returns 0 or KIT_ERR_LIBRARY, KIT_ERR_CRYPTO, KIT_ERR_ARGUMENT
 * amt_session_handle()  the handle of libcurl, whose CURLOPT_PRIVATE is the caller's
 * amt_session_end()     RESULT is libcurl's. True: *reply is filled. False: the handle has to
 *                       be run again (a login was asked for, or a connection had died)
 */
int amt_session_begin(struct amt_session *s, const struct amt_request *request,
		      struct fault *fault);
CURL *amt_session_handle(struct amt_session *s);
bool amt_session_end(struct amt_session *s, CURLcode result, struct amt_reply *reply);

/*
 * Has the machine proved that it holds the PPS? True only after a TLS handshake with
 * this session's own PID and PPS was completed on a connection that it opened itself; never by
 * certificate, which proves us to the machine.
 */
bool amt_session_proved(const struct amt_session *s);

/* Of AMT_TLS_PKI: did the machine ask for our chain, and answer a request after that? */
bool amt_session_chain_taken(const struct amt_session *s);

/* What the certificates of the machine show, of AMT_TLS_PKI and once it has answered. */
enum ondie_verdict amt_session_machine(const struct amt_session *s);

/* The version of TLS that was agreed on with AMT_TLS_PKI ("TLS 1.2"), or "": a static string. */
const char *amt_session_tls(const struct amt_session *s);

/* Does each request get a connection of its own: by order, or since two ended silently? */
bool amt_session_one_each(const struct amt_session *s);

#endif
