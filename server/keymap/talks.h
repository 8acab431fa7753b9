/* What the map remembers of how a machine is talked to (csti_amts_talk): habits, a lost commit. */
#ifndef SERVER_KEYMAP_TALKS_H
#define SERVER_KEYMAP_TALKS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/uuid.h"
#include "server/keymap/systems.h"

struct keymap;

/* All zeros: nothing special. No secret. */
struct keymap_talk {
	bool tls10;		/* it cannot bear a ClientHello of TLS 1.1 */
	bool one_each;		/* it closes connections without a word */
	bool next_random;	/* its next_admin_password is random, and nobody else's */
	int64_t commit_sent_at;	/* CommitChanges was sent, and its end is not known; 0: not so */
	char commit_address[SYSTEM_ADDRESS + 1]; /* of the machine that proved its PPS then */
	uint32_t logins;	/* tried without proof since logins_at */
	int64_t logins_at;
	/* By certificate: tries of candidates for its login since candidates_at; a byte each. */
	uint32_t candidates;
	int64_t candidates_at;
	int64_t extended_at;	/* when it was let wait for its name; 0: never */
};

/* *out is all zeros for a machine of which nothing is remembered. */
int keymap_talk_find(struct keymap *m, const struct uuid *uuid, struct keymap_talk *out,
		     struct fault *fault);
/* Insert or replace. */
int keymap_talk_put(struct keymap *m, const struct uuid *uuid, const struct keymap_talk *talk,
		    struct fault *fault);
/*
 * A person asks for it: if a commit was sent whose end is not known, it counts as sent NOW. The
 * logins that were tried stay counted. 0 too when there is none.
 */
int keymap_talk_look_again(struct keymap *m, const struct uuid *uuid, int64_t now,
			   struct fault *fault);
/* 0 too when there is none. */
int keymap_talk_forget(struct keymap *m, const struct uuid *uuid, struct fault *fault);

#endif
