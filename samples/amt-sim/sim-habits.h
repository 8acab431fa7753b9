/* Habits of simulated devices, good and bad: slowness, refusals, answers that are none. */
#ifndef SAMPLES_AMT_SIM_SIM_HABITS_H
#define SAMPLES_AMT_SIM_SIM_HABITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cli.h"

#define SIM_WSMAN_DROP 1	/* in place of a status of HTTP: the connection ends */
#define SIM_CALL_NAME	 64		    /* bytes for a method's or class's name */
#define SIM_CALL_UNKNOWN "(not understood)" /* stands for the name of what is no call */

enum sim_habits_handshake {
	SIM_HANDSHAKE_GOOD,
	SIM_HANDSHAKE_HANG,  /* takes the connection and says nothing */
	SIM_HANDSHAKE_CLOSE, /* takes the connection and closes it */
};

enum sim_habits_answer {
	SIM_ANSWER_GOOD,
	SIM_ANSWER_HANG,      /* half of it, then silence */
	SIM_ANSWER_TRUNCATED, /* half of it, then the end */
	SIM_ANSWER_DROP,    /* no answer: the connection is closed, the call has been carried out */
	SIM_ANSWER_BIG,	    /* as many bytes as asked for */
	SIM_ANSWER_GARBAGE, /* no XML */
	SIM_ANSWER_ENTITIES, /* XML with a document type, entities in entities, an outside file */
	SIM_ANSWER_ERROR,    /* HTTP 500 */
};

/*
 * How machines of an age behave. The first value of each leaves it to the machine's generation,
 * or, of habits that no generation has, is the good one.
 */
enum sim_tls {
	SIM_TLS_GENERATION,
	SIM_TLS_10,		/* TLS 1.0 only */
	SIM_TLS_11,		/* TLS 1.1 only */
	SIM_TLS_10_11,
};

enum sim_extensions {
	SIM_EXTENSIONS_GENERATION,
	SIM_EXTENSIONS_OLD,	/* answers no TLS extension: before RFC 5746 (renegotiation_info) */
	SIM_EXTENSIONS_NEW,
};

enum sim_tls11_hello {
	SIM_TLS11_TAKE,
	/* What comes of a ClientHello that offers TLS 1.1 or later: */
	SIM_TLS11_ALERT_70,	/* protocol_version */
	SIM_TLS11_ALERT_20,	/* bad_record_mac */
	SIM_TLS11_RESET,
	SIM_TLS11_SILENCE,
};

enum sim_login {
	SIM_LOGIN_GOOD,
	SIM_LOGIN_NONE,		/* asks nobody to log in */
	SIM_LOGIN_ANY,		/* asks, and takes whatever comes */
	SIM_LOGIN_AUTH_INT,	/* offers qop="auth-int" alone */
	SIM_LOGIN_UNKNOWN,	/* offers an algorithm that nobody knows */
};

enum sim_forget {
	SIM_FORGET_NEVER,
	/* When the admin entry of SetAdminAclEntryEx, answered with 0, is as it was before: */
	SIM_FORGET_AT_ONCE,
	SIM_FORGET_CONNECTION,	/* with the end of its connection */
	SIM_FORGET_COMMIT,
};

enum sim_commit {
	SIM_COMMIT_GENERATION,
	SIM_COMMIT_ANSWER,	/* CommitChanges is answered, the connection goes on */
	SIM_COMMIT_CLOSE,	/* is answered, then the connection ends */
	SIM_COMMIT_DROP,	/* is carried out, and the connection ends without an answer */
};

/* Where a machine that is set up can be spoken to. */
enum sim_after {
	SIM_AFTER_GENERATION,
	SIM_AFTER_PSK,		/* as before, with TLS-PSK */
	SIM_AFTER_PLAIN,	/* at the port without TLS; the other one is closed */
	SIM_AFTER_TLS,		/* at the port of TLS, with a certificate of its own */
	SIM_AFTER_CLOSED,	/* nowhere */
};

enum sim_mebx {
	SIM_MEBX_GENERATION,
	SIM_MEBX_TAKE,
	SIM_MEBX_REFUSE,	/* SetMEBxPassword: status 16, not permitted */
};

struct sim_habits {
	enum sim_habits_handshake handshake;
	enum sim_habits_answer answer;
	uint64_t answer_bytes;		/* of ANSWER_BIG */
	const char *answer_to;		/* the call that is answered badly; NULL: every one */
	uint64_t answer_times;		/* how often; 0: always */
	const char *refuse;		/* the call that is refused, or NULL */
	unsigned refuse_status;
	uint64_t delay;			/* milliseconds before each answer */
	bool wrong_pps;			/* its key is not the one that its record had */
	bool wrong_uuid;		/* tells another UUID than its hello */
	enum sim_tls tls;
	enum sim_extensions extensions;
	enum sim_tls11_hello tls11_hello;
	bool close_each;		/* ends the connection after each answer, without a word */
	enum sim_login login;
	bool nonce_each;		/* a nonce is good on its own connection; never says "stale" */
	unsigned wsman;			/* HTTP status of all WS-Management; 1: drop; 0: good */
	enum sim_forget forget;
	enum sim_commit commit;
	enum sim_after after;
	enum sim_mebx mebx;
	uint64_t settle;		/* milliseconds from CommitChanges until it answers again */
	bool settle_given;
	uint64_t pace;			/* its waits are divided by this; 0: 1 */
	bool modern;			/* what is left to the generation is as new machines do it */
};

/* Options that set habits, for the table of a verb. */
#define SIM_HABIT_OPTIONS \
	{ "habits", 0, "WHICH", "generation: as machines of its age; modern (modern)", 0, 0 }, \
	{ "pace", 0, "N", "divide the waits of its generation by N (1)", 0, 0 }, \
	{ "tls", 0, "VERSION", "1.0, 1.1 or both (by generation)", 0, 0 }, \
	{ "tls-extensions", 0, "HOW", "old: none, not even RFC 5746; new (by generation)", 0, 0 }, \
	{ "tls11-hello", 0, "HOW", \
	  "answer a ClientHello of TLS 1.1: take, alert-70, alert-20, reset or silence", 0, 0 }, \
	{ "handshake", 0, "HOW", "good, hang or close", 0, 0 }, \
	{ "close-each", 0, NULL, "end the connection after each answer, without a word", 0, 0 }, \
	{ "login", 0, "HOW", "good, none, any, auth-int or unknown (algorithm)", 0, 0 }, \
	{ "nonce-each", 0, NULL, "a nonce for each connection, and stale=false for others", 0, \
	  0 }, \
	{ "wsman", 0, "HOW", "good, drop, or the HTTP status for all WS-Management (302, 400...)", \
	  0, 0 }, \
	{ "delay", 0, "MS", "wait this many milliseconds before each answer", 0, 0 }, \
	{ "answer", 0, "HOW", "good, hang, truncated, drop, big, garbage, entities or error", 0, \
	  0 }, \
	{ "answer-bytes", 0, "SIZE", "size of a big answer (10M)", 0, 0 }, \
	{ "answer-to", 0, "CALL", "only this call or class is answered badly", 0, 0 }, \
	{ "answer-times", 0, "N", "only the first N such answers are bad", 0, 0 }, \
	{ "refuse", 0, "CALL", "refuse this call", 0, 0 }, \
	{ "refuse-status", 0, "STATUS", "with this status (16: not permitted)", 0, 0 }, \
	{ "forget-admin", 0, "WHEN", "answer SetAdminAclEntryEx with 0, and forget it: never, " \
	  "at-once, connection (with its end) or commit", 0, 0 }, \
	{ "mebx", 0, "HOW", "take or refuse SetMEBxPassword (by generation)", 0, 0 }, \
	{ "commit", 0, "HOW", "answer, close or drop the connection of CommitChanges (by " \
	  "generation)", 0, 0 }, \
	{ "after-commit", 0, "HOW", \
	  "then speak by psk, plain, tls (with its own certificate), or stay closed (by " \
	  "generation)", 0, 0 }, \
	{ "settle", 0, "SECONDS", "from the commit until it answers again (by generation)", 0, \
	  0 }, \
	{ "wrong-pps", 0, NULL, "hold another PPS than the record's", 0, 0 }, \
	{ "wrong-uuid", 0, NULL, "report another UUID than the hello's", 0, 0 }

/* Read them. The texts in *H are those of the command line. Returns 0 or KIT_ERR_ARGUMENT. */
int sim_habits_parse(const struct cli *cli, struct sim_habits *h, struct fault *fault);

/*
 * Decide what is left to the generation, for machines of AMT MAJOR:
 *
 *	AMT	TLS	extensions	MEBx	commit	then	after
 *	2, 3	1.0	old		take	drop	plain	30 s
 *	4, 5	1.0	old		refuse	drop	plain	30 s
 *	6 to 8	1.0	old		refuse	answer	plain	30 s
 *	9	1.0	new		refuse	answer	plain	30 s
 *	10	both	new		refuse	answer	plain	30 s
 *	modern	1.0	new		take	answer	psk	at once
 *
 * Documents do not give all of it: that TLS before AMT 10 is 1.0, and that firmware before 2010
 * lacks RFC 5746, is public; where SetMEBxPassword is refused (the password policy of setup.bin
 * 2.1) and where the commit drops its connection is inferred.
 */
void sim_habits_decide(struct sim_habits *h, unsigned major);

/* Is CALL refused? If so *status says with what. */
bool sim_habits_refuse(const struct sim_habits *h, const char *call, unsigned *status);

/* How to answer CALL when *BAD answers were bad so far; counts them. */
enum sim_habits_answer sim_habits_answer_to(const struct sim_habits *h, const char *call,
					    uint64_t *bad);

#endif
