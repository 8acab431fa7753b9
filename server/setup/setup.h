/* The set-up of one machine as a sequence of requests and answers; no input or output in it. */
#ifndef SERVER_SETUP_SETUP_H
#define SERVER_SETUP_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "amt/session.h"
#include "common/error.h"
#include "common/uuid.h"
#include "keygen/pidpps.h"
#include "server/keymap/systems.h"

#define SETUP_LOGINS	8	/* accounts to try */
#define SETUP_HOST	63	/* bytes of a host name */
#define SETUP_SUFFIX	255	/* bytes of a DNS suffix */
#define SETUP_KEY	1024	/* bytes of a public key in DER */
#define SETUP_CERTIFICATE	4096	/* bytes of a certificate in base64 */
#define SETUP_OTP	32	/* bytes of a one-time password */

/* A Digest account. SECRET. */
struct setup_login {
	char user[SYSTEM_NAME + 1];
	char password[PASSWORD_MAX + 1];
};

/* What the machine is to become. SECRET. */
struct setup_target {
	struct setup_login admin;		/* the account to make */
	char mebx_password[PASSWORD_MAX + 1];	/* "": leave it */
	char host[SETUP_HOST + 1];		/* "": leave it */
	char domain[SYSTEM_FQDN + 1];		/* "": leave it */
	bool set_clock;
	struct pidpps pair;			/* a fresh pair; pid "": no re-key */
	bool tls; /* give it a certificate of its own, and TLS with that */
	bool again; /* it was set up from here before, and may be still */
	/*
	 * Not 0: nothing else is done than to let the machine wait so many hours (1 to 24) for its
	 * set-up, which cannot go on now.
	 */
	unsigned wait_hours;
};

/* What the machine said about itself before anything was changed. SECRET. */
struct setup_facts {
	bool soap;			/* it speaks SOAP, not WS-Management */
	bool has_uuid;
	struct uuid uuid;
	char version[SYSTEM_VERSION + 1];	/* "" when it would not say */
	unsigned major, minor;		/* of version */
	int state;			/* ProvisioningState 0, 1, 2; -1 unknown */
	/* Of a set-up by certificate, "" when it has or says none. */
	char otp[SETUP_OTP + 1];	/* SECRET: one-time password that an agent gave it */
	char dhcp_suffix[SETUP_SUFFIX + 1];	/* DNS suffix of its network (option 15) */
	char trusted_suffix[SETUP_SUFFIX + 1];	/* that of its stick or MEBx, which wins */
};

/* What the machine would not do, though set-up went on. */
enum setup_note {
	SETUP_NOTE_NO_UUID = 1,
	SETUP_NOTE_NO_VERSION = 2,
	SETUP_NOTE_NO_CLOCK = 4,
	SETUP_NOTE_NO_NAMES = 8,
	SETUP_NOTE_NO_MEBX = 16,
	SETUP_NOTE_NO_READ_BACK = 32,
	SETUP_NOTE_NO_PAIR = 64,	/* only by certificate, or where the target says "again" */
	SETUP_NOTE_MEBX_UNCLEAR = 128,	/* no clear no: it has either MEBx password */
	SETUP_NOTE_NO_LOGIN = 256,	/* it asked for no login when it was read back */
	SETUP_NOTE_OLD_LOGIN = 512,	/* it took the account from before then, not the new one */
	SETUP_NOTE_NO_OTP = 1024,	/* only where one is to be compared */
	SETUP_NOTE_NO_WAIT = 2048,	/* it does not prolong its wait */
	SETUP_NOTE_NO_COMMIT_ANSWER = 4096, /* that was lost, but it is set up */
	SETUP_NOTE_NO_TLS = 8192,	/* it got no TLS with a certificate of its own */
};

/*
 * The account that the machine asked for (401) and took when its state was read back after the
 * commit, over a login of its own. Nothing else shows that it has a password.
 */
enum setup_account {
	SETUP_ACCOUNT_UNKNOWN,
	SETUP_ACCOUNT_NEW,	/* the target's */
	SETUP_ACCOUNT_OLD,	/* the one that it took before anything was changed */
};

/* What to do next. */
enum setup_action {
	SETUP_SEND, /* send the request, give the reply to setup_answer() */
	SETUP_PLAN, /* all is known, nothing changed: make the plan durable, call setup_plan() */
	SETUP_COMMIT, /* make it durable that the commit is sent, call setup_commit() */
	SETUP_PAUSE, /* the machine is not ready: ask setup_next() again some seconds later */
	SETUP_CERTIFY, /* make a certificate for setup_public_key(), call setup_certified() */
	/*
	 * By certificate only: the commit is sent. Call the machine anew as one that is set up,
	 * with TLS of its own or none, and then setup_reopened().
	 */
	SETUP_REOPEN,
	SETUP_DONE,
	SETUP_FAILED, /* setup_fault() says why */
};

struct setup;

/*
 * Begin: the machine that said hello as UUID has one of the LOGINS, N of them (at most
 * SETUP_LOGINS), likeliest first. KIT_ERR_NOMEM.
 */
int setup_new(struct setup **out, const struct uuid *uuid, const struct setup_login *logins,
	      size_t n, struct fault *fault);

/*
 * To be called before anything else: this is a set-up by certificate. The MEBx password is then set
 * first, since the newest firmware commits nothing without; WANTS_OTP: in SOAP, where it takes a
 * call of its own, the machine's one-time password is read, too.
 */
void setup_by_certificate(struct setup *s, bool wants_otp);

/* Wipes and frees. *s may be NULL. */
void setup_free(struct setup **s);

/*
 * What is next? NOW: seconds since 1970 UTC. *request is filled for SETUP_SEND; its texts, SECRET
 * ones among them, are valid until the next call.
 */
enum setup_action setup_next(struct setup *s, int64_t now, struct amt_request *request);

/* The reply to the last request, whose code is 0. Then ask setup_next() again. */
void setup_answer(struct setup *s, const struct amt_reply *reply, int64_t now);

/*
 * The connection ended instead of an answer to the very first request, as old firmware does that
 * does not know WS-Management. True: it is worth a try with SOAP, ask setup_next() again.
 */
bool setup_try_soap(struct setup *s, const struct fault *why);

/* The answer to SETUP_PLAN: go on, and make this of the machine. */
void setup_plan(struct setup *s, const struct setup_target *target);

/*
 * At SETUP_CERTIFY: the public key of the pair that the machine made: *size bytes of DER, an
 * RSAPublicKey. Borrowed.
 */
const uint8_t *setup_public_key(const struct setup *s, size_t *size);

/*
 * The answer to SETUP_CERTIFY: go on, and give it that CERTIFICATE: base64 of DER, at most
 * SETUP_CERTIFICATE bytes. NULL: it gets none.
 */
void setup_certified(struct setup *s, const char *certificate);

/* The answer to SETUP_COMMIT: go on, and send it. */
void setup_commit(struct setup *s);

/*
 * The answer to SETUP_REOPEN: go on, and read back what came of the commit. Also after
 * SETUP_FAILED, or no answer, when setup_is_read_back(): it is tried again then.
 */
void setup_reopened(struct setup *s);

/* Is what came of the commit being read back, by a connection made for that? */
bool setup_is_read_back(const struct setup *s);

/*
 * By certificate only: the connection ended instead of an answer to CommitChanges, as it does when
 * the machine restarts its network. True: ask setup_next(), what came of it is read back.
 */
bool setup_commit_lost(struct setup *s);

/*
 * The conversation broke and will not go on: was the machine committed by then? Then set-up is
 * done, with SETUP_NOTE_NO_READ_BACK: some machines take the network down at that moment.
 */
bool setup_is_committed(struct setup *s);

/*
 * Was its state read back already, and is it asked once more over a new connection? That no answer
 * comes says nothing against it then: machines close the port with the commit.
 */
bool setup_is_confirming(const struct setup *s);

const struct setup_facts *setup_facts(const struct setup *s);
/* At SETUP_PLAN: which of the LOGINS the machine took; -1: it asked for none. */
int setup_login_index(const struct setup *s);
enum setup_account setup_account(const struct setup *s);
/* enum setup_note, ored. */
unsigned setup_notes(const struct setup *s);
/* One of them for people: "its clock could not be set". */
const char *setup_note_text(enum setup_note note);
/* Did the machine say a UUID other than the hello's? */
bool setup_uuid_differs(const struct setup *s);
const struct fault *setup_fault(const struct setup *s);

#endif
