/* The machines of the key map: their hellos, states and passwords (csti_amts). */
#ifndef SERVER_KEYMAP_SYSTEMS_H
#define SERVER_KEYMAP_SYSTEMS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/uuid.h"
#include "keygen/password.h"
#include "keygen/pidpps.h"

struct keymap;
struct keymap_digest;

enum system_state {
	SYSTEM_QUEUED,			/* hello accepted, set-up has not begun */
	SYSTEM_IN_SETUP,		/* set-up is running (or was, when the server stopped) */
	SYSTEM_CONFIGURED,		/* committed and read back */
	SYSTEM_FAILED,			/* will be tried again at next_try */
	SYSTEM_FQDN_MISSING,		/* waits for a name */
	SYSTEM_NEEDS_CERTIFICATE,	/* no certificate of this server has a root that it knows */
	SYSTEM_REFUSED,			/* last hello refused; reason says why */
	SYSTEM_NEEDS_PERMISSION,	/* says hello with its used key: a person has to allow it */
	SYSTEM_STATES
};

/* May a machine be set up again with the key that it has used? Good for one set-up. */
enum system_allowed {
	SYSTEM_NOT_ALLOWED,
	SYSTEM_ALLOWED,		/* by a person, or by the first proof of a key */
	SYSTEM_ALLOWED_ANYWHERE, /* by a person; the map's passwords may go to a new address */
};

/*
 * By what it is set up, or was. A PPS proves the machine to this server; a certificate proves this
 * server to the machine, which proves nothing by that.
 */
enum system_credential { SYSTEM_BY_KEY, SYSTEM_BY_CERTIFICATE };

/* What showed that it is the machine that it says it is. */
enum system_proof {
	SYSTEM_PROOF_NONE,
	SYSTEM_PROOF_PPS,
	SYSTEM_PROOF_OTP,	/* the one-time password that the inventory has for it */
	SYSTEM_PROOF_ON_DIE,	/* it is genuine AMT, by a chain that was made in the chip */
	SYSTEM_PROOF_PERSON,	/* a person allowed its set-up */
	SYSTEM_PROOFS
};

#define SYSTEM_ADDRESS	63	/* bytes of text, without NUL: IPv6 with a scope fits */
#define SYSTEM_FQDN	255
#define SYSTEM_REASON	400
#define SYSTEM_VERSION	31
#define SYSTEM_NAME	63	/* profile names, admin user names */
#define SYSTEM_SERIAL	40	/* hex digits of a certificate's serial number */
#define SYSTEM_CODE	31	/* of a reason: "not-known" */

/* Empty strings and zeros stand for what is not known. Holds no secret. */
struct system {
	struct uuid uuid;
	/* That it proved last, or of its re-key; before any proof, that of its newest hello. */
	char pid[PID_LENGTH + 1];
	char next_pid[PID_LENGTH + 1];	/* new pair that the machine may have got already */
	char address[SYSTEM_ADDRESS + 1];	/* where it did so, without port */
	/* What a later hello says, which has not been proved; "": nothing else. */
	char claimed_pid[PID_LENGTH + 1];
	char claimed_address[SYSTEM_ADDRESS + 1];
	int64_t claim_failed_at; /* when such a one came to nothing; 0: not since the last proof */
	int64_t proved_at;		/* last proof of a key; 0: never */
	enum system_state state;
	char reason[SYSTEM_REASON + 1];	/* why it is in this state, for people */
	char reason_code[SYSTEM_CODE + 1]; /* the same in a word, for programs */
	uint32_t hellos;		/* heard in all */
	uint32_t hello_version;		/* 2 or 3: of the newest */
	uint32_t hello_retry;		/* its retry count */
	uint32_t failures;		/* set-ups failed since the last success or retry */
	int64_t first_seen, last_seen;	/* hellos; seconds since 1970 UTC */
	int64_t next_try;		/* when set-up is due; 0: nothing planned */
	int64_t configured_at;		/* last success; 0: never */
	enum system_allowed allowed;
	bool vouched;			/* its next set-up by certificate: by a person */
	bool certify;			/* ...and it may get a certificate, by a person */
	char certificate_serial[SYSTEM_SERIAL + 1]; /* hex: the last one made for it; "": none */
	int64_t certificate_expiry;	/* its end; 0: none */
	enum system_credential credential; /* of its address; what is only claimed apart */
	enum system_proof proof;
	bool stick_mebx;		/* its MEBx password is still that of its stick */
	char fqdn[SYSTEM_FQDN + 1];
	char profile[SYSTEM_NAME + 1];
	char version[SYSTEM_VERSION + 1];	/* AMT firmware: "3.2.1" */
	char admin_user[SYSTEM_NAME + 1]; /* of the account that set-up made, or is to make first */
};

/*
 * SECRET, all of it. What the machine has for certain, and what it may have got:
 * "next" is in the map before the machine gets it, and becomes the present one when
 * the machine has said yes. Empty: none.
 */
struct system_secrets {
	char admin_password[PASSWORD_MAX + 1];
	char next_admin_password[PASSWORD_MAX + 1];
	char mebx_password[PASSWORD_MAX + 1];
	char next_mebx_password[PASSWORD_MAX + 1];
};

/*
 * Was it set up, as far as is known? What anybody says in its name changes nothing of that before
 * it has proved itself again.
 */
bool system_is_set_up(const struct system *system);

/*
 * Does the set-up that is due go by certificate? As the hello says that has its address: the one
 * that was claimed, or else that of the row.
 */
bool system_by_certificate(const struct system *system);

/*
 * It proved a key, or was set up: what a hello says of its key and address is only claimed, and
 * does not change its row, before it has proved itself or was set up again.
 */
bool system_is_settled(const struct system *system);

/* Does it wait until a person allows its set-up (keymap_system_allow())? It is not called then. */
bool system_waits_for_person(const struct system *system);

/*
 * Is it shown to be the machine that it says it is: by its key, or its one-time password? Genuine
 * AMT may be any machine's, and a person vouches for what he cannot see.
 */
bool system_is_proved(const struct system *system);

/* Does the row belong to a proved key other than PID (and other than that of its re-key)? */
bool system_is_held_by_other(const struct system *system, const char *pid);

/*
 * "queued", "in-setup", "configured", "failed", "fqdn-missing", "needs-certificate", "refused",
 * "needs-permission".
 */
const char *system_state_word(enum system_state state);
/* The reverse; KIT_ERR_ARGUMENT. */
int system_state_parse(const char *word, enum system_state *out);

/* "psk", "pki"; and "pps", "otp", "on-die", "person", or NULL for none. */
const char *system_credential_word(enum system_credential credential);
const char *system_proof_word(enum system_proof proof);

/* The row as a jansson object (a new reference), or NULL when out of memory. */
struct json_t;
struct json_t *system_json(const struct system *system);

/* ---- rows ---- */

/* What one hello says. */
struct keymap_hello {
	struct uuid uuid;
	const char *pid;	/* NULL: none (version 3, which is by certificate) */
	const char *address;	/* without port */
	uint32_t version, retry;
	const struct keymap_digest *digests;	/* of version 3: kept, see digests.h */
	size_t n_digests;
};

/*
 * A machine that has proved nothing was called at the address of its row, in vain: *next_try is
 * when that one is called again (0: not by itself). If hellos came from other addresses, too, the
 * row has the next of them from now on, and *next_try is when that is called: NOW if it was never
 * called. To be called after keymap_system_state(). KIT_ERR_NOT_FOUND.
 */
int keymap_system_next_claim(struct keymap *m, const struct uuid *uuid, int64_t now,
			     int64_t *next_try, struct fault *fault);
/* Did hellos of it come from other addresses, too, which wait for their turn? */
int keymap_system_contested(struct keymap *m, const struct uuid *uuid, bool *contested,
			    struct fault *fault);
/* Another place that says to be a machine, which has proved nothing yet. */
struct keymap_claim_row {
	char pid[PID_LENGTH + 1];
	char address[SYSTEM_ADDRESS + 1];
	uint32_t failures;	/* 0: not tried yet */
	int64_t next_try;	/* 0: not by itself */
};
/*
 * Those whose turn it is at NOW, at most MAX, the untried first: *n of them in OUT.
 * keymap_system_claim_failed() has one wait as ROW says; it may be gone by then.
 */
int keymap_system_claims(struct keymap *m, const struct uuid *uuid, int64_t now,
			 struct keymap_claim_row *out, size_t max, size_t *n, struct fault *fault);
int keymap_system_claim_failed(struct keymap *m, const struct uuid *uuid,
			       const struct keymap_claim_row *row, struct fault *fault);

/*
 * Note a hello of a machine: makes its row (in STATE, due at once if that is
 * SYSTEM_QUEUED), or takes the newest address, PID, version and retry into the row that
 * is there and counts, leaving its state alone. Anybody can say a hello: PID and address of
 * a machine that has proved itself before stay as they are, and those of the hello are kept
 * apart as claimed; of one that has proved nothing they wait for their turn
 * (keymap_system_next_claim()), or take it at once where the row's came to nothing.
 * *out (may be NULL) is the row as it is now; *made (may be NULL) says whether it is new.
 */
int keymap_system_hello(struct keymap *m, const struct keymap_hello *hello,
			enum system_state state, int64_t now, struct system *out, bool *made,
			struct fault *fault);
/* The same for who looked its row up in the same transaction: BEFORE; NULL: there is none. */
int keymap_system_hello_again(struct keymap *m, const struct keymap_hello *hello,
			      const struct system *before, enum system_state state, int64_t now,
			      struct system *out, bool *made, struct fault *fault);

/* KIT_ERR_NOT_FOUND (no fault is set then). */
int keymap_system_find(struct keymap *m, const struct uuid *uuid, struct system *out,
		       struct fault *fault);

/*
 * Change a machine's state. REASON may be NULL: none. NEXT_TRY: when set-up is due, 0 =
 * nothing planned. SYSTEM_FAILED adds one to failures; SYSTEM_CONFIGURED sets them to 0
 * and configured_at to NOW, and uses the permission up. There is no code of the reason any
 * more. KIT_ERR_NOT_FOUND.
 */
int keymap_system_state(struct keymap *m, const struct uuid *uuid, enum system_state state,
			const char *reason, int64_t next_try, int64_t now, struct fault *fault);

/* The code of a machine that is refused because nobody named it: see keymap_system_known(). */
#define SYSTEM_NOT_KNOWN	"not-known"

/* The reason that keymap_system_state() gave, in a word ("not-known"). KIT_ERR_NOT_FOUND. */
int keymap_system_code(struct keymap *m, const struct uuid *uuid, const char *code,
		       struct fault *fault);

/*
 * Allow the next set-up of a machine with the key that it has used; or by certificate, if that is
 * how it said hello last. One that waits for that is accepted at NOW. KIT_ERR_NOT_FOUND.
 */
int keymap_system_allow(struct keymap *m, const struct uuid *uuid, enum system_allowed how,
			int64_t now, struct fault *fault);

/*
 * A person says that the next set-up of the machine may give it a certificate of its own, though
 * it proves nothing. KIT_ERR_NOT_FOUND.
 */
int keymap_system_certify(struct keymap *m, const struct uuid *uuid, struct fault *fault);

/* A certificate was made for the machine. KIT_ERR_NOT_FOUND. */
int keymap_system_certificate(struct keymap *m, const struct uuid *uuid, const char *serial,
			      int64_t expiry, struct fault *fault);

/*
 * The machine UUID is in the inventory from now on: one that was refused as not known is accepted
 * at NOW. 0 too for any other, or none.
 */
int keymap_system_known(struct keymap *m, const struct uuid *uuid, int64_t now,
			struct fault *fault);

/*
 * The machine would be set up again with the key that it has used, or by certificate, and nobody
 * allowed it: it is in SYSTEM_NEEDS_PERMISSION from now on, unless its set-up is running. WHAT and
 * HINT receive that in words, for the log. KIT_ERR_NOT_FOUND.
 */
int keymap_system_hold(struct keymap *m, const struct uuid *uuid, int64_t now,
		       char what[static SYSTEM_REASON / 2], char hint[static SYSTEM_REASON / 2],
		       struct fault *fault);

/* When set-up is due, and nothing else. KIT_ERR_NOT_FOUND. */
int keymap_system_due(struct keymap *m, const struct uuid *uuid, int64_t next_try,
		      struct fault *fault);

/*
 * What was claimed of a machine: take it as it stands, for one that never proved itself; or
 * forget it, for it came to nothing. KIT_ERR_NOT_FOUND.
 */
int keymap_system_adopt(struct keymap *m, const struct uuid *uuid, struct fault *fault);
int keymap_system_unclaim(struct keymap *m, const struct uuid *uuid, int64_t now,
			  struct fault *fault);

/*
 * The machine at ADDRESS, whose UUID this is, proved the PPS of PID: both are the row's now,
 * which is in set-up. If it was another key's, *changed_hands says so: what the row held
 * for that goes to its earlier passwords, and what they hold for PID comes into the row.
 * *before is the row as it was. KIT_ERR_NOT_FOUND.
 */
int keymap_system_prove(struct keymap *m, const struct uuid *uuid, const char *pid,
			const char *address, int64_t now, struct system *before,
			bool *changed_hands, struct fault *fault);

/*
 * The machine at ADDRESS, whose UUID this is, took our certificate: it is in set-up by that, and
 * the address is the row's now. PROOF: what showed that it is this machine, if anything did.
 * What the row holds of passwords stays. *before is the row as it was. KIT_ERR_NOT_FOUND.
 */
int keymap_system_certified(struct keymap *m, const struct uuid *uuid, const char *address,
			    enum system_proof proof, struct system *before, struct fault *fault);

/* Does the machine still have the MEBx password of its stick? KIT_ERR_NOT_FOUND. */
int keymap_system_stick_mebx(struct keymap *m, const struct uuid *uuid, bool has,
			     struct fault *fault);

/* What set-up found out; NULL leaves a column alone, "" clears it. KIT_ERR_NOT_FOUND. */
struct keymap_facts {
	const char *fqdn;
	const char *profile;
	const char *version;
	const char *admin_user;
	const char *pid;	/* the pair that the machine has now */
	const char *next_pid;	/* "" once a re-key is settled */
};
int keymap_system_facts(struct keymap *m, const struct uuid *uuid,
			const struct keymap_facts *facts, struct fault *fault);

/*
 * Read and write a machine's passwords, all four at once (SECRET). Write what the
 * machine is about to get before it gets it. What the row held and none of the four is
 * any more goes to its earlier ones: no password is overwritten. KIT_ERR_NOT_FOUND.
 */
int keymap_system_secrets(struct keymap *m, const struct uuid *uuid,
			  struct system_secrets *out, struct fault *fault);
int keymap_system_set_secrets(struct keymap *m, const struct uuid *uuid,
			      const struct system_secrets *secrets, struct fault *fault);

/*
 * Passwords that a machine's row held before: those that a later set-up replaced, and those
 * of another machine with the same UUID. None is dropped, and none is there twice. No secret.
 */
struct keymap_earlier {
	int64_t id;
	struct uuid uuid;
	int64_t time;			/* when others took their place */
	char pid[PID_LENGTH + 1];	/* as they stood in the row then */
	char next_pid[PID_LENGTH + 1];
	char address[SYSTEM_ADDRESS + 1];
	char admin_user[SYSTEM_NAME + 1];
};
/* Newest first; as keymap_each(). */
int keymap_earlier(struct keymap *m, const struct uuid *uuid,
		   int (*each)(void *context, const struct keymap_earlier *earlier), void *context,
		   struct fault *fault);
/* The newest of UUID and PID. KIT_ERR_NOT_FOUND (no fault is set then). */
int keymap_earlier_find(struct keymap *m, const struct uuid *uuid, const char *pid,
			struct keymap_earlier *out, struct fault *fault);
/* The passwords themselves, SECRET. KIT_ERR_NOT_FOUND. */
int keymap_earlier_secrets(struct keymap *m, const struct keymap_earlier *earlier,
			   struct system_secrets *out, struct fault *fault);

/* How far is it known that there is such a machine? */
enum keymap_trust {
	TRUST_ANY,		/* no matter */
	TRUST_KNOWN,		/* it proved a key once, or is in the inventory */
	TRUST_UNTRIED,		/* neither, and it was not called yet */
	TRUST_DOUBTFUL,		/* neither, and it failed */
};

/* Which systems; all zeros: every one, by first hello. */
struct keymap_system_filter {
	bool by_state;
	enum system_state state;
	int64_t due; /* > 0: only those with next_try set and not after this, soonest first */
	enum keymap_trust trust;
	bool newest;	/* of those due, the one that said hello last comes first */
	const char *pid;	/* only those with this PID */
	int64_t certificate_before; /* > 0: only those whose own certificate ends before this */
	uint64_t limit;		/* 0: all */
};
/* As keymap_each(). */
int keymap_systems(struct keymap *m, const struct keymap_system_filter *filter,
		   int (*each)(void *context, const struct system *system), void *context,
		   struct fault *fault);
/* When the soonest set-up planned for later than AFTER is due; 0: none. One indexed look-up. */
int keymap_system_next_due(struct keymap *m, int64_t after, int64_t *due, struct fault *fault);

/*
 * Waits of more than LONGEST seconds were begun by a clock that was ahead (clock_was_wrong()):
 * those
 * machines are due NOW. *n receives how many. One indexed look-up when there are none.
 */
int keymap_system_end_waits(struct keymap *m, int64_t now, int64_t longest, size_t *n,
			    struct fault *fault);

/*
 * How many rows anybody can have made: of machines that were refused, or came by certificate and
 * are named by nobody, and have neither proved a key nor been set up. Without those of
 * keymap_rivals_count().
 */
int keymap_system_strangers(struct keymap *m, uint64_t *n, struct fault *fault);

/* How many systems are in each state: out[SYSTEM_STATES]. */
int keymap_system_count(struct keymap *m, uint64_t *out, struct fault *fault);
/* How many were set up, by credential and by what proved them. */
int keymap_system_count_proofs(struct keymap *m, uint64_t out[static 2][SYSTEM_PROOFS],
			       struct fault *fault);

/*
 * Operator: due at once, failures forgotten; the server sees it by keymap_changed(). A machine
 * that is set up counts as that until it has proved itself again. KIT_ERR_NOT_FOUND;
 * KIT_ERR_STATE: it needs permission to be set up by certificate.
 */
int keymap_system_retry(struct keymap *m, const struct uuid *uuid, int64_t now,
			struct fault *fault);
/*
 * Operator: drop the row with its passwords, earlier ones too; a reservation goes back, a used
 * key and that of a re-key stay that UUID's, one that it only may have got is revoked.
 * KIT_ERR_NOT_FOUND.
 */
int keymap_system_forget(struct keymap *m, const struct uuid *uuid, struct fault *fault);

#endif
