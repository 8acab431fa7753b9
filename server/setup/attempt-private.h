/* Inside an attempt: its state, shared by the conversation and by the work on the map. */
#ifndef SERVER_SETUP_ATTEMPT_PRIVATE_H
#define SERVER_SETUP_ATTEMPT_PRIVATE_H

#include "keygen/keylist.h"
#include "server/core/certificates.h"
#include "server/setup/attempt.h"
#include "server/keymap/events.h"
#include "server/keymap/inventory.h"
#include "server/keymap/profiles.h"
#include "server/keymap/systems.h"
#include "server/keymap/talks.h"
#include "server/setup/naming.h"
#include "server/setup/setup.h"

struct event;

enum login_kind {
	LOGIN_NEXT,	/* what an earlier attempt may have set */
	LOGIN_ADMIN,	/* what the last success set */
	LOGIN_RECORD,	/* what the stick's record set */
	/* By certificate, for firmware that asks for a login then. */
	LOGIN_STICK,	/* what the sticks of this site set: stick_password_file */
	LOGIN_FACTORY,	/* what it has from the factory */
	LOGIN_MEBX,	/* the MEBx password that an earlier attempt may have set */
};

/* Of those that are tried once a day: bytes of keymap_talk.candidates. */
enum { CANDIDATE_STICK, CANDIDATE_FACTORY };

#define ATTEMPT_CHAINS	8	/* certificates that one attempt tries */
#define READ_BACK_SECONDS	60	/* after the commit by certificate */

#define ATTEMPT_DOORS	16	/* at most, that are called side by side */

/* A place that says to be the machine, and is called. */
struct attempt_door {
	struct attempt *attempt;
	struct keymap_claim_row claim;
	struct keyentry pair;		/* SECRET */
	bool tls10;			/* offered alone, as the second try */
	struct call *call;
	struct fault fault;		/* why it came to nothing */
};

struct attempt {
	struct attempt_services services;
	struct uuid uuid;
	void (*over)(void *context, struct attempt *attempt, enum attempt_result result);
	void *context;

	/*
	 * The row as it was at the beginning, but with the PID and the address that the hello
	 * claims, and nothing in it that another key has proved.
	 */
	struct system system;
	struct keymap_inventory inventory;	/* "" when there is none */
	bool in_inventory;
	bool inventory_swapped;		/* there is one for the UUID in the other byte order */
	struct system_secrets secrets;		/* SECRET */
	struct keymap_talk talk;
	struct keyentry pairs[2];		/* SECRET: the machine has one of these */
	size_t n_pairs, pair;			/* which is tried or proved */
	/*
	 * By certificate: the machine has no pair, and proves nothing by what it takes. These are
	 * tried in turn.
	 */
	bool by_certificate;
	struct chain *chains[ATTEMPT_CHAINS];
	size_t n_chains, chain;
	char otp[PASSWORD_MAX + 1];		/* SECRET: the inventory's; "": none */
	char stick_password[PASSWORD_MAX + 1];	/* SECRET: "": not to be tried */
	bool otp_differs, chain_refused;
	int noted_login;	/* index of a candidate whose try was noted; -1: none */
	bool chain_taken;	/* it asked for the chain, and went on then */
	enum ondie_verdict machine;		/* what its own certificates show */
	const char *tls;			/* "TLS 1.2" */
	enum system_proof proof;		/* decided at the plan */
	bool wait_only;		/* it has no name yet: it is called to let it wait, no more */
	struct fault no_name;
	struct event *pause;	/* until what came of the commit is read back again */
	double read_back_until;	/* clock_monotonic(); 0: the commit was not sent */
	struct profile profile;			/* SECRET */
	bool by_default;			/* it is default_profile's */
	char fqdn[SYSTEM_FQDN + 1];
	struct setup_login logins[SETUP_LOGINS];	/* SECRET */
	enum login_kind kinds[SETUP_LOGINS];
	size_t n_logins;
	struct setup_target target;			/* SECRET */

	/*
	 * Of a machine that proved nothing and is said to be at several places: all of them that
	 * have their turn; the first is the row's. How many are being called, and what is called
	 * once, with the door that proved the PPS, or NULL when all came to nothing.
	 */
	struct attempt_door *doors;		/* SECRET */
	size_t n_doors, open_doors;
	void (*on_doors)(struct attempt *a, struct attempt_door *proved);

	struct naming *naming;
	struct call *call;
	struct setup *setup;
	struct event *deadline;
	bool contested;		/* by certificate: hellos of it came from several addresses */
	bool waits;		/* it is not called: a person has to allow it first */
	bool proved;		/* the machine proved pairs[pair] */
	bool decided;		/* ...and the map says that the key is used by it */
	bool first;		/* that was the first use of the key */
	bool lost;		/* another machine proved it first, while this one was called */
	bool tls10;		/* offered alone; remembered in talk once it was what helped */
	bool planned;		/* the machine is given its accounts: "logins" are behind */
	bool changing;		/* the request that is under way changes the machine */
	unsigned restarts;	/* of the conversation, since the answer to such a one was lost */
	/*
	 * A commit was sent, and the call-back fails now: is the machine set up? It is looked for
	 * at the ports that it has then, without proof; CALL_FAULT: why the call-back failed. By
	 * certificate DOOR is where it is read back after each commit.
	 */
	enum check_door { CHECK_NOT, CHECK_TLS, CHECK_PLAIN } check, door;
	bool login_counted;
	struct fault call_fault;
	char certificate[SETUP_CERTIFICATE + 1];	/* base64; "": it got none */
	bool mebx_given;	/* an earlier attempt may have set the "next" MEBx password */
	bool already;		/* it turned out to be set up, with a password of ours */
	bool writing;		/* a job of the commit is under way */
	bool abandoned;
	struct fault fault;	/* why it failed */
	enum system_state failed_state;
};

/*
 * The jobs of the commit: struct commit_job's run(), with the attempt as the context.
 *
 * load      read all there is about the machine, mark it as in set-up (unless it is set up: it
 *           has to prove itself first); KIT_ERR_NOT_FOUND when it is not due any more. "waits"
 *           when it would be set up again without permission: then the row says so, and that
 *           is the end
 * use       the machine has proved the PPS: the key is used by it, before anything that carries
 *           a login is sent; KIT_ERR_STATE and "lost" when another one was first
 * plan      the row is the machine's; the new passwords and the new pair are in the map
 * certify   a certificate is made for the machine's key pair: "certificate", which the row and the
 *           log know; "" if none can be made
 * commit    CommitChanges is sent: until its end is known, the machine may be set up
 * login     one more login of a check is tried
 * found     a check found it: configured, but what it may have got stays what it may have
 * succeed   what the machine was seen to have is what it has; configured
 * fail      the reason, and the next try
 */
int attempt_load(struct keymap *map, void *attempt, struct fault *fault);
int attempt_use(struct keymap *map, void *attempt, struct fault *fault);
int attempt_plan(struct keymap *map, void *attempt, struct fault *fault);
int attempt_certify(struct keymap *map, void *attempt, struct fault *fault);
int attempt_commit(struct keymap *map, void *attempt, struct fault *fault);
int attempt_login(struct keymap *map, void *attempt, struct fault *fault);
int attempt_found(struct keymap *map, void *attempt, struct fault *fault);
int attempt_succeed(struct keymap *map, void *attempt, struct fault *fault);
int attempt_fail(struct keymap *map, void *attempt, struct fault *fault);

/* Say it in the log, of this machine; HINT may be NULL. */
void attempt_note(struct attempt *attempt, struct keymap *map, enum severity severity,
		  const char *name, const char *what, const char *hint);

/*
 * The default profile of a machine of AMT MAJOR.MINOR (0.0: unknown) into NAME; and the one called
 * NAME into attempt->profile: KIT_ERR_NOT_FOUND.
 */
void attempt_default_profile(const struct attempt *attempt, unsigned major, unsigned minor,
			     char name[static SYSTEM_NAME + 1]);
int attempt_find_profile(struct attempt *attempt, const char *name, struct fault *fault);

/* The accounts to try, likeliest first: of what was loaded, and of the profile. */
void attempt_logins(struct attempt *attempt);
/* One more of them, unless it is there already or PASSWORD is "". */
void attempt_add_login(struct attempt *attempt, enum login_kind kind, const char *user,
		       const char *password);

/*
 * Inside plan: is the machine to get TLS with a certificate of its own (attempt-tls.c)? If its
 * profile says so, and it does not, the log says why.
 */
bool attempt_wants_tls(struct attempt *attempt, struct keymap *map);

/* ---- by certificate (attempt-pki.c) ---- */

/*
 * Inside load: the chains that the machine would take, the one-time password of the inventory, and
 * the stick's password where that may be tried. KIT_ERR_UNFIT: no chain would do, and which would.
 */
int attempt_load_chains(struct attempt *attempt, struct keymap *map, struct fault *fault);
void attempt_free_chains(struct attempt *attempt);

/*
 * The accounts that nobody gave this very machine: the stick's, the factory's. One that it refused
 * is not tried again for a day; one that it gave no answer to, thrice in that.
 */
void attempt_candidates(struct attempt *attempt);
/* The machine refused the login in use. */
void attempt_login_refused(struct attempt *attempt);
/* Is the login in use one of those, and not noted yet? Then the job that has to be done first. */
bool attempt_needs_note(const struct attempt *attempt);
int attempt_candidate(struct keymap *map, void *attempt, struct fault *fault);

/*
 * Inside plan: the machine took our chain, and the row is its own now. Who vouches for it is
 * decided.
 * KIT_ERR_REFUSED: its one-time password is not the inventory's.
 */
int attempt_certified(struct attempt *attempt, struct keymap *map, const char *remark,
		      struct fault *fault);
/* ", machine not proved": behind "configured as NAME"; a static string. */
const char *attempt_proof_text(const struct attempt *attempt);

/* In place of a plan: the machine is let wait, once. */
int attempt_wait(struct keymap *map, void *attempt, struct fault *fault);

/*
 * May the machine be looked for at DOOR, since its commit was sent? And the accounts to try there:
 * a made-up one, which no machine may take, and the one that set-up gave it.
 */
bool attempt_may_check(const struct attempt *attempt, enum check_door door);
int attempt_check_logins(struct attempt *attempt, struct setup_login out[static 2],
			 struct fault *fault);

/*
 * The limits of a call, or of its SECOND offer of TLS. A machine that was never called before has a
 * few seconds only until TLS is there: of many who say to be machines, none keeps others waiting.
 */
struct amt_limits attempt_limits(const struct attempt *attempt, bool second);

/*
 * Call all doors; on_doors() is called once unless the attempt is closed before. An error: of the
 * first one, when none could be called; on_doors() is not called then.
 */
int attempt_doors_open(struct attempt *attempt,
		       void (*on_doors)(struct attempt *attempt, struct attempt_door *proved),
		       struct fault *fault);
/* Close those that are still open; wipe and free them all. */
void attempt_doors_close(struct attempt *attempt);
void attempt_doors_free(struct attempt *attempt);

#endif
