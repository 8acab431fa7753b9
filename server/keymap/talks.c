/* What the map remembers of how a machine is talked to. */
#include "server/keymap/talks.h"

#include <string.h>

#include "server/keymap/keymap-private.h"

int keymap_talk_find(struct keymap *m, const struct uuid *uuid, struct keymap_talk *out,
		     struct fault *fault)
{
	struct sql_statement *s;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = sql_statement(m->db, "SELECT tls10, one_each, next_random, commit_sent_at,"
			   " commit_address, logins, logins_at, candidates, candidates_at,"
			   " extended_at FROM csti_amts_talk"
			   " WHERE uuid = ?1", &s, fault);
	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	rc = sql_step(s, "read how a system is talked to", fault);
	if (rc > 0) {
		out->tls10 = sql_int(s, 0) != 0;
		out->one_each = sql_int(s, 1) != 0;
		out->next_random = sql_int(s, 2) != 0;
		out->commit_sent_at = sql_int(s, 3);
		get_text(s, 4, out->commit_address, sizeof(out->commit_address));
		out->logins = (uint32_t)sql_int(s, 5);
		out->logins_at = sql_int(s, 6);
		out->candidates = (uint32_t)sql_int(s, 7);
		out->candidates_at = sql_int(s, 8);
		out->extended_at = sql_int(s, 9);
	}
	sql_done(s);
	return rc < 0 ? rc : 0;
}

int keymap_talk_put(struct keymap *m, const struct uuid *uuid, const struct keymap_talk *talk,
		    struct fault *fault)
{
	struct sql_statement *s;
	bool own;
	int rc;

	rc = keymap_write(m, "INSERT INTO csti_amts_talk(uuid, tls10, one_each, next_random,"
			  " commit_sent_at, commit_address, logins, logins_at, candidates,"
			  " candidates_at, extended_at)"
			  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
			  " ON CONFLICT(uuid) DO UPDATE SET"
			  " tls10 = excluded.tls10, one_each = excluded.one_each,"
			  " next_random = excluded.next_random,"
			  " commit_sent_at = excluded.commit_sent_at,"
			  " commit_address = excluded.commit_address, logins = excluded.logins,"
			  " logins_at = excluded.logins_at, candidates = excluded.candidates,"
			  " candidates_at = excluded.candidates_at,"
			  " extended_at = excluded.extended_at", &s, &own, fault);
	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	sql_bind_int(s, 2, talk->tls10);
	sql_bind_int(s, 3, talk->one_each);
	sql_bind_int(s, 4, talk->next_random);
	sql_bind_int(s, 5, talk->commit_sent_at);
	bind_text(s, 6, talk->commit_address);
	sql_bind_int(s, 7, talk->logins);
	sql_bind_int(s, 8, talk->logins_at);
	sql_bind_int(s, 9, talk->candidates);
	sql_bind_int(s, 10, talk->candidates_at);
	sql_bind_int(s, 11, talk->extended_at);
	rc = sql_run(s, "note how a system is talked to", NULL, fault);
	return keymap_leave(m, own, rc, fault);
}

int keymap_talk_look_again(struct keymap *m, const struct uuid *uuid, int64_t now,
			   struct fault *fault)
{
	struct sql_statement *s;
	bool own;
	int rc;

	rc = keymap_write(m, "UPDATE csti_amts_talk SET commit_sent_at = ?2"
			  " WHERE uuid = ?1 AND commit_sent_at > 0", &s, &own, fault);
	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	sql_bind_int(s, 2, now);
	rc = sql_run(s, "look for a system again", NULL, fault);
	return keymap_leave(m, own, rc, fault);
}

int keymap_talk_forget(struct keymap *m, const struct uuid *uuid, struct fault *fault)
{
	bool own;
	int rc = keymap_enter(m, &own, fault);

	if (rc)
		return rc;
	rc = keymap_forget_of(m, "DELETE FROM csti_amts_talk WHERE uuid = ?1", uuid,
			      "forget how a system is talked to", fault);
	return keymap_leave(m, own, rc, fault);
}
