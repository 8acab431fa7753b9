/* One machine as the server knows it: the words for its states, and its JSON form. */
#include "server/keymap/system.h"

#include <jansson.h>
#include <string.h>

#include "common/error.h"
#include "server/keymap/logentry.h"

static const char *const words[SYSTEM_STATES] = {
	[SYSTEM_QUEUED] = "queued",
	[SYSTEM_IN_SETUP] = "in-setup",
	[SYSTEM_CONFIGURED] = "configured",
	[SYSTEM_FAILED] = "failed",
	[SYSTEM_FQDN_MISSING] = "fqdn-missing",
	[SYSTEM_NEEDS_CERTIFICATE] = "needs-certificate",
	[SYSTEM_REFUSED] = "refused",
};

bool system_is_held_by_other(const struct system *s, const char *other)
{
	return s->proved_at && *s->pid && memcmp(s->pid, other, PID_LENGTH) != 0 &&
	       memcmp(s->next_pid, other, PID_LENGTH) != 0;
}

const char *system_state_word(enum system_state state)
{
	return (unsigned)state < SYSTEM_STATES ? words[state] : "unknown";
}

int system_state_parse(const char *word, enum system_state *out)
{
	for (int i = 0; i < SYSTEM_STATES; i++) {
		if (strcmp(word, words[i]) == 0) {
			*out = (enum system_state)i;
			return 0;
		}
	}
	return KIT_ERR_ARGUMENT;
}

static json_t *when(int64_t t)
{
	char shown[EVENT_TIME + 1];

	logentry_time(t, shown);
	return logentry_text(shown);
}

static json_t *pid(const char *s)
{
	char shown[PID_SHOWN + 1];

	if (s[0])
		pidpps_show_pid(s, shown);
	return logentry_text(s[0] ? shown : NULL);
}

json_t *system_json(const struct system *s)
{
	char uuid[UUID_SHOWN + 1];

	uuid_show(&s->uuid, uuid);
	return json_pack("{s:s, s:o, s:o, s:o, s:s, s:o, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o,"
			 " s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "uuid", uuid, "pid", pid(s->pid), "next_pid", pid(s->next_pid), "address",
			 logentry_text(s->address), "state", system_state_word(s->state), "reason",
			 logentry_text(s->reason), "hellos", (int)s->hellos, "hello_version",
			 (int)s->hello_version, "hello_retry", (int)s->hello_retry, "failures",
			 (int)s->failures, "first_seen", when(s->first_seen), "last_seen",
			 when(s->last_seen), "next_try", when(s->next_try), "configured_at",
			 when(s->configured_at), "fqdn", logentry_text(s->fqdn), "profile",
			 logentry_text(s->profile), "version", logentry_text(s->version),
			 "admin_user", logentry_text(s->admin_user), "proved_at",
			 when(s->proved_at), "claimed_pid", pid(s->claimed_pid), "claimed_address",
			 logentry_text(s->claimed_address));
}
