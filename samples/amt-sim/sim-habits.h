/* Habits of simulated devices: those of their generation, slowness, refusals, broken answers. */
#ifndef SAMPLES_AMT_SIM_SIM_HABITS_H
#define SAMPLES_AMT_SIM_SIM_HABITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cli.h"
#include "samples/amt-sim/sim-device.h"
#include "samples/amt-sim/sim-identity.h"

#define SIM_CALL_NAME	 64		    /* bytes for a method's or class's name */
#define SIM_CALL_UNKNOWN "(not understood)" /* in place of the name of a call */

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
	SIM_ANSWER_GARBAGE, /* not XML */
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
	SIM_TLS_11_12,
	SIM_TLS_12,
	SIM_TLS_12_13,
	SIM_TLS_13,
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
	SIM_LOGIN_UNKNOWN,	/* offers an unknown algorithm */
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
	SIM_MEBX_DEFAULT_ONLY,	/* the same, unless the password is the factory's still */
};

/* What becomes of a server whose certificates are not good, in set-up by certificate. */
enum sim_refuse_with {
	SIM_REFUSE_ALERT_46,	/* certificate_unknown */
	SIM_REFUSE_ALERT_42,	/* bad_certificate */
	SIM_REFUSE_ALERT_48,	/* unknown_ca */
	SIM_REFUSE_ALERT_49,	/* access_denied */
	SIM_REFUSE_CLOSE,	/* the connection ends without a word */
	SIM_REFUSE_401,		/* the handshake passes; no request is let in */
};

/* Who has to log in during set-up by certificate. */
enum sim_pki_login {
	SIM_PKI_LOGIN_GENERATION,
	SIM_PKI_LOGIN_NEVER,	/* nobody: the certificate is the login */
	SIM_PKI_LOGIN_MEBX,	/* with the MEBx password of before set-up: factory's or stick's */
	SIM_PKI_LOGIN_ADMIN,	/* with "admin", whatever a stick has set */
	SIM_PKI_LOGIN_UNKNOWN,	/* no password is the right one */
	SIM_PKI_LOGIN_FOLLOW,	/* with the MEBx password, also the one of SetMEBxPassword */
};

/* Must the MEBx password be another than the factory's before CommitChanges (else 0x809)? */
enum sim_commit_mebx {
	SIM_COMMIT_MEBX_GENERATION,
	SIM_COMMIT_MEBX_YES,
	SIM_COMMIT_MEBX_NO,
};

/* A machine without WS-Management does not always say 404. */
enum sim_wsman {
	SIM_WSMAN_GOOD,
	SIM_WSMAN_DROP,		/* the connection ends */
	SIM_WSMAN_302, SIM_WSMAN_400, SIM_WSMAN_403, SIM_WSMAN_404, SIM_WSMAN_405, SIM_WSMAN_500,
	SIM_WSMAN_501,
};

enum sim_which {
	SIM_GENERATION,
	SIM_MODERN,
};

#define SIM_SETTLE_GENERATION UINT64_MAX

struct sim_habits {
	enum sim_which which;		/* for all that is left to the generation */
	enum sim_habits_handshake handshake;
	enum sim_habits_answer answer;
	uint64_t answer_bytes;		/* of ANSWER_BIG */
	const char *answer_to;		/* the call that is answered badly; NULL: every one */
	uint64_t answer_times;		/* how often; 0: always */
	const char *refuse;		/* the call that is refused, or NULL */
	uint32_t refuse_status;
	uint64_t delay;			/* milliseconds before each answer */
	bool wrong_pps;			/* its key is not the one that its record had */
	bool wrong_uuid;		/* reports another UUID than its hello */
	enum sim_tls tls;
	enum sim_extensions extensions;
	enum sim_tls11_hello tls11_hello;
	bool close_each;		/* ends the connection after each answer, without a word */
	enum sim_login login;
	bool nonce_each;		/* a nonce is good on its own connection only */
	enum sim_wsman wsman;		/* what comes of all WS-Management */
	enum sim_forget forget;
	enum sim_commit commit;
	enum sim_after after;
	enum sim_mebx mebx;
	const char *dhcp_suffix;	/* DNS suffix that DHCP gives (option 15), or NULL */
	enum sim_refuse_with refuse_with;
	enum sim_pki_login pki_login;
	enum sim_own own;
	bool own_each;			/* a new certificate for each connection */
	const char *own_key, *on_die_root;	/* files, see sim_identities_new(); or NULL */
	enum sim_commit_mebx commit_mebx;
	bool hex_password;		/* SetAdminAclEntryEx takes hexadecimal digits, too */
	uint64_t not_ready;		/* how often GenerateKeyPair meets HTTP 400 first */
	bool commit_clock, commit_name;	/* CommitChanges needs clock, host name (else 0x809) */
	bool clock;			/* dates of the server's certificates count */
	bool hide_root;			/* hellos leave out the roots that came by stick */
	uint64_t hello_roots;		/* digests in a hello; 0: by generation */
	uint64_t settle;		/* seconds from CommitChanges until it answers again */
	uint64_t pace;			/* that is divided by this; 0: 1 */
	uint64_t settle_ms;		/* what comes out, set by sim_habits_decide() */
};

/* What is not given on a command line. */
#define SIM_HABIT_DEFAULTS { .answer_bytes = 10 * 1024 * 1024, \
			     .refuse_status = 0x10, .settle = SIM_SETTLE_GENERATION }

/* The words of the choices, each list ended by NULL. */
extern const char *const sim_words_which[], *const sim_words_handshake[];
extern const char *const sim_words_answer[], *const sim_words_tls[];
extern const char *const sim_words_extensions[], *const sim_words_tls11_hello[];
extern const char *const sim_words_login[], *const sim_words_wsman[], *const sim_words_forget[];
extern const char *const sim_words_commit[], *const sim_words_after[], *const sim_words_mebx[];
extern const char *const sim_words_refuse_with[], *const sim_words_pki_login[];
extern const char *const sim_words_own[], *const sim_words_commit_mebx[];

/* Options of a verb whose struct STRUCT holds a struct sim_habits as its field H. */
#define SIM_HABIT_OPTIONS(s, h) \
	CLI_CHOICE(0, "habits", s, h.which, "WHICH", sim_words_which, \
		   "what is not set: generation (as machines of its age) or modern (generation)"), \
	CLI_NUMBER(0, "pace", s, h.pace, "N", 1, 1000, \
		   "divide the waits of its generation by N (1)"), \
	CLI_CHOICE(0, "tls", s, h.tls, "VERSION", sim_words_tls, \
		   "1.0, 1.1, both, 1.1-1.2, 1.2, 1.2-1.3 or 1.3 (by generation)"), \
	CLI_CHOICE(0, "tls-extensions", s, h.extensions, "HOW", sim_words_extensions, \
		   "old (none, not even that of RFC 5746) or new (by generation)"), \
	CLI_CHOICE(0, "tls11-hello", s, h.tls11_hello, "HOW", sim_words_tls11_hello, \
		   "what a ClientHello of TLS 1.1 meets: take, alert-70, alert-20, reset or " \
		   "silence (take)"), \
	CLI_CHOICE(0, "handshake", s, h.handshake, "HOW", sim_words_handshake, \
		   "good, hang or close (good)"), \
	CLI_FLAG(0, "close-each", s, h.close_each, \
		 "end the connection after each answer, without a word"), \
	CLI_CHOICE(0, "login", s, h.login, "HOW", sim_words_login, \
		   "good, none, any, auth-int or unknown algorithm (good)"), \
	CLI_FLAG(0, "nonce-each", s, h.nonce_each, \
		 "a nonce is good on its own connection only; stale=false"), \
	CLI_CHOICE(0, "wsman", s, h.wsman, "HOW", sim_words_wsman, \
		   "answer all WS-Management: good, drop, 302, 400, 403, 404, 405, 500 or 501 " \
		   "(good)"), \
	CLI_NUMBER(0, "delay", s, h.delay, "MS", 0, 600000, \
		   "wait this many milliseconds before each answer"), \
	CLI_CHOICE(0, "answer", s, h.answer, "HOW", sim_words_answer, \
		   "good, hang, truncated, drop, big, garbage, entities or error (good)"), \
	CLI_SIZE(0, "answer-bytes", s, h.answer_bytes, "SIZE", 1, UINT32_MAX, \
		 "size of a big answer (10M)"), \
	CLI_TEXT(0, "answer-to", s, h.answer_to, "CALL", \
		 "only this call or class is answered badly"), \
	CLI_NUMBER(0, "answer-times", s, h.answer_times, "N", 1, UINT32_MAX, \
		   "only the first N such answers are bad"), \
	CLI_TEXT(0, "refuse", s, h.refuse, "CALL", "refuse this call"), \
	CLI_NUMBER(0, "refuse-status", s, h.refuse_status, "STATUS", 1, UINT32_MAX, \
		   "with this status (16: not permitted)"), \
	CLI_CHOICE(0, "forget-admin", s, h.forget, "WHEN", sim_words_forget, \
		   "answer SetAdminAclEntryEx with 0, and forget it: never, at-once, connection " \
		   "(with its end) or commit (never)"), \
	CLI_CHOICE(0, "mebx", s, h.mebx, "HOW", sim_words_mebx, \
		   "SetMEBxPassword: take, refuse or default-only (take if the password is the " \
		   "factory's) (by generation)"), \
	CLI_CHOICE(0, "commit", s, h.commit, "HOW", sim_words_commit, \
		   "answer CommitChanges, answer and close, or drop (by generation)"), \
	CLI_CHOICE(0, "after-commit", s, h.after, "HOW", sim_words_after, \
		   "then serve psk, plain, tls (its own certificate) or closed (by generation)"), \
	CLI_NUMBER(0, "settle", s, h.settle, "SECONDS", 0, 3600, \
		   "from the commit until it answers again (by generation)"), \
	CLI_FLAG(0, "wrong-pps", s, h.wrong_pps, "hold another PPS than the record's"), \
	CLI_FLAG(0, "wrong-uuid", s, h.wrong_uuid, "report another UUID than the hello's"), \
	CLI_TEXT(0, "dhcp-suffix", s, h.dhcp_suffix, "DOMAIN", \
		 "DNS suffix from DHCP, which the server's name must match"), \
	CLI_CHOICE(0, "refuse-with", s, h.refuse_with, "HOW", sim_words_refuse_with, \
		   "a server with a wrong certificate meets alert-42, alert-46, alert-48, " \
		   "alert-49, close or 401 (alert-46)"), \
	CLI_CHOICE(0, "pki-login", s, h.pki_login, "HOW", sim_words_pki_login, \
		   "set-up by certificate asks to log in never, with the mebx password of " \
		   "before, with admin, an unknown one, or with the last one set: follow " \
		   "(by generation)"), \
	CLI_CHOICE(0, "own-certificate", s, h.own, "KIND", sim_words_own, \
		   "the machine shows rsa, p384 or on-die (by generation)"), \
	CLI_FLAG(0, "certificate-each", s, h.own_each, \
		 "a new certificate for each connection"), \
	CLI_TEXT(0, "own-key", s, h.own_key, "FILE", \
		 "RSA key of all certificates of machines; made if there is no such file", \
		 .flags = CLI_FILE), \
	CLI_TEXT(0, "on-die-root", s, h.on_die_root, "FILE", \
		 "root of on-die certificates, its key in FILE.key; made if there are none", \
		 .flags = CLI_FILE), \
	CLI_CHOICE(0, "commit-needs-mebx", s, h.commit_mebx, "WHICH", sim_words_commit_mebx, \
		   "yes: CommitChanges is refused (0x809) with the factory's MEBx password; " \
		   "or no (by generation)"), \
	CLI_FLAG(0, "commit-needs-clock", s, h.commit_clock, \
		 "CommitChanges is refused (0x809) before the clock is set"), \
	CLI_FLAG(0, "commit-needs-name", s, h.commit_name, \
		 "CommitChanges is refused (0x809) without a host name"), \
	CLI_NUMBER(0, "not-ready", s, h.not_ready, "N", 1, 1000, \
		   "answer the first N GenerateKeyPair with HTTP status 400"), \
	CLI_FLAG(0, "hex-password", s, h.hex_password, \
		 "take a digest of 32 hexadecimal digits for the admin's, too"), \
	CLI_FLAG(0, "clock", s, h.clock, "refuse certificates that are not valid now"), \
	CLI_FLAG(0, "hide-root", s, h.hide_root, \
		 "leave the roots that came by stick out of hellos"), \
	CLI_NUMBER(0, "hello-roots", s, h.hello_roots, "N", 1, SIM_ROOTS_MAX, \
		   "digests in a hello (by generation)")

/*
 * Decide what is left to the generation, for machines of FIRMWARE that are set up by PID and PPS:
 *
 *	AMT	TLS	extensions	MEBx	commit	then	after
 *	2, 3	1.0	old		take	drop	plain	30 s
 *	4, 5	1.0	old		refuse	drop	plain	30 s
 *	6 to 8	1.0	old		refuse	answer	plain	30 s
 *	9	1.0	new		refuse	answer	plain	30 s
 *	10	both	new		refuse	answer	plain	30 s
 *	modern	1.0	new		take	answer	psk	at once
 *
 * and, with PKI, for those that are set up by certificate:
 *
 *	AMT	TLS	extensions	login	own	MEBx		commit	then
 *	2, 3	1.0	old		mebx	rsa	take		drop	plain
 *	4, 5	1.0	old		mebx	rsa	default-only	drop	plain
 *	6 to 8	1.0	old		mebx	rsa	default-only	answer	plain
 *	9	1.0	new		mebx	rsa	default-only	answer	plain
 *	10, 11	1.0-1.1	new		mebx	rsa	default-only	answer	plain
 *	12-14	1.1-1.2	new		never	rsa	default-only	answer	plain
 *	15	1.2	new		never	on-die	default-only	answer	plain
 *	16-18	1.2	new		never	on-die	default-only	answer	tls from 16.1
 *	19-21	1.2	new		never	on-die	default-only	drop	tls
 *	22	1.2-1.3	new		never	on-die	default-only	drop	tls
 *	modern	by age	new		never	by age	take		answer	by age, at once
 *
 * From 19 on the commit needs a MEBx password of its own. A machine whose TLS settings a server
 * switched on serves TLS afterwards at any age.
 *
 * Documents do not give all of it: that TLS before AMT 10 is 1.0, and that firmware before 2010
 * lacks RFC 5746, is public; where SetMEBxPassword is refused (the password policy of setup.bin
 * 2.1), where the commit drops its connection, and who has to log in by certificate, is inferred.
 */
void sim_habits_decide(struct sim_habits *h, const struct sim_device_firmware *firmware, bool pki);

/* Does D refuse CALL? If so *status says with what. */
bool sim_habits_refuse(const struct sim_habits *h, const struct sim_device *d, const char *call,
		       unsigned *status);

/* How to answer CALL when *BAD answers were bad so far; counts them. */
enum sim_habits_answer sim_habits_answer_to(const struct sim_habits *h, const char *call,
					    uint64_t *bad);

#endif
