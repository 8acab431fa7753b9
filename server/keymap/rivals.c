/* Machines that claim one key, which none of them has proved. */
#include "server/keymap/rivals.h"

#include <string.h>

#include "server/keymap/keymap-private.h"
#include "server/keymap/systems.h"

/*
 * Rows are few, and UUIDs are free: whoever makes them up has his rows dropped, and comes again as
 * somebody new. His addresses are not free, so that it is these that wait after a failure. Those of
 * rows that were dropped are in the table vain, so many of a key.
 */
#define ADDRESSES	"64"

/* Statements about those that claim ?1 and have not proved it. */
#define CLAIM_IT	" pid = ?1 AND proved_at = 0 AND state <> 5 AND state <> 6"
_Static_assert(SYSTEM_NEEDS_CERTIFICATE == 5 && SYSTEM_REFUSED == 6, "numbers in the SQL above");

#define REMEMBER	" ON CONFLICT(pid, address) DO UPDATE SET failures = vain.failures +" \
			" excluded.failures, seen = excluded.seen"

static int run(struct keymap *m, const char *sql, const char *pid, const struct uuid *uuid,
	       const char *address, int64_t now, struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, sql, &s, fault);

	if (rc)
		return rc;
	bind_pid(s, 1, pid);
	if (uuid)
		bind_uuid(s, 2, uuid);
	if (address)
		bind_text(s, 3, address);
	if (now)
		sql_bind_int(s, 4, now);
	return sql_run(s, "remember who claimed a key in vain", NULL, fault);
}

/* Forget the machine UUID, which claims PID, but not which addresses failed as it. */
static int drop(struct keymap *m, const char *pid, const struct uuid *uuid, struct fault *fault)
{
	int rc = run(m, "INSERT INTO vain(pid, address, failures, seen) SELECT pid, address,"
		     " failures, last_seen FROM csti_amts WHERE pid = ?1 AND uuid = ?2 AND"
		     " failures > 0 AND address IS NOT NULL" REMEMBER, pid, uuid, NULL, 0, fault);

	if (!rc)
		rc = run(m, "INSERT INTO vain(pid, address, failures, seen) SELECT c.pid,"
			 " c.address, c.failures, a.last_seen FROM claim c JOIN csti_amts a ON"
			 " a.uuid = c.uuid WHERE c.pid = ?1 AND c.uuid = ?2 AND c.failures > 0"
			 REMEMBER, pid, uuid, NULL, 0, fault);
	if (!rc)
		rc = run(m, "DELETE FROM vain WHERE pid = ?1 AND address NOT IN (SELECT address"
			 " FROM vain WHERE pid = ?1 ORDER BY seen DESC, address LIMIT " ADDRESSES
			 ")", pid, NULL, NULL, 0, fault);
	return rc ? rc : keymap_system_forget(m, uuid, fault);
}

/* Of those that claim PID: how many, and which failed most. False in *any: none that may go. */
static int most_failed(struct keymap *m, const char *pid, unsigned *n, bool *any,
		       struct uuid *uuid, struct fault *fault)
{
	struct sql_statement *s;
	int rc;

	*n = 0;
	*any = false;
	rc = sql_statement(m->db, "SELECT uuid, failures, state FROM csti_amts WHERE" CLAIM_IT
			   " ORDER BY failures DESC, id", &s, fault);
	if (rc)
		return rc;
	bind_pid(s, 1, pid);
	while ((rc = sql_step(s, "see who claims a key", fault)) > 0) {
		++*n;
		if (!*any && sql_int(s, 1) > 0 && sql_int(s, 2) != SYSTEM_IN_SETUP)
			*any = get_uuid(s, 0, uuid);
	}
	sql_done(s);
	return rc;
}

int keymap_rivals_make_room(struct keymap *m, const char *pid, unsigned max, bool *room,
			    bool *dropped, struct fault *fault)
{
	struct uuid uuid;
	unsigned n;
	bool any;
	int rc = most_failed(m, pid, &n, &any, &uuid, fault);

	*dropped = false;
	*room = !rc && n < max;
	if (rc || *room || !any)
		return rc;
	rc = drop(m, pid, &uuid, fault);
	*room = *dropped = !rc;
	return rc;
}

int keymap_rivals_count(struct keymap *m, uint64_t *n, struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, "SELECT count(*) - count(DISTINCT pid) FROM csti_amts"
			       " WHERE proved_at = 0 AND pid IS NOT NULL AND state <> ?1"
			       " AND state <> ?2", &s, fault);

	*n = 0;
	if (rc)
		return rc;
	sql_bind_int(s, 1, SYSTEM_REFUSED);
	sql_bind_int(s, 2, SYSTEM_NEEDS_CERTIFICATE);
	rc = sql_step(s, "count who claims a key", fault);
	if (rc > 0)
		*n = (uint64_t)sql_int(s, 0);
	sql_done(s);
	return rc < 0 ? rc : 0;
}

int keymap_rivals_at(struct keymap *m, const char *pid, const char *address,
		     const struct uuid *uuid, struct keymap_rival *out, struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, "SELECT CASE WHEN state = 1 THEN 0 ELSE failures END,"
			       " last_seen, 1 FROM csti_amts WHERE" CLAIM_IT
			       " AND uuid <> ?2 AND address = ?3"
			       " UNION ALL SELECT c.failures, 0, 1 FROM csti_amts a JOIN claim c"
			       " ON c.uuid = a.uuid AND c.address = ?3 WHERE a.pid = ?1 AND"
			       " a.proved_at = 0 AND a.uuid <> ?2 AND c.pid = ?1"
			       " UNION ALL SELECT failures, seen, 0 FROM vain WHERE pid = ?1 AND"
			       " address = ?3", &s, fault);

	_Static_assert(SYSTEM_IN_SETUP == 1, "number in the SQL above");
	memset(out, 0, sizeof(*out));
	if (rc)
		return rc;
	bind_pid(s, 1, pid);
	bind_uuid(s, 2, uuid);
	bind_text(s, 3, address);
	while ((rc = sql_step(s, "see what an address claims", fault)) > 0) {
		int64_t failures = sql_int(s, 0), seen = sql_int(s, 1);

		out->untried |= !failures && sql_int(s, 2);
		out->failures += (uint32_t)failures;
		if (seen > out->seen)
			out->seen = seen;
	}
	sql_done(s);
	return rc;
}

/* A machine other than UUID that claims PID from ADDRESS, and was called in vain. */
static int find_failed(struct keymap *m, const char *pid, const char *address,
		       const struct uuid *uuid, bool *any, struct uuid *out, struct fault *fault)
{
	struct sql_statement *s;
	int rc = sql_statement(m->db, "SELECT uuid FROM csti_amts WHERE" CLAIM_IT " AND state <> 1"
			       " AND uuid <> ?2 AND address = ?3 AND failures > 0 LIMIT 1", &s,
			       fault);

	*any = false;
	if (rc)
		return rc;
	bind_pid(s, 1, pid);
	bind_uuid(s, 2, uuid);
	bind_text(s, 3, address);
	rc = sql_step(s, "see what an address claims", fault);
	if (rc > 0)
		*any = get_uuid(s, 0, out);
	sql_done(s);
	return rc < 0 ? rc : 0;
}

int keymap_rivals_replace(struct keymap *m, const char *pid, const char *address,
			  const struct uuid *uuid, int64_t now, unsigned *dropped,
			  struct fault *fault)
{
	struct uuid other;
	bool any;
	int rc = run(m, "INSERT INTO vain(pid, address, failures, seen) SELECT c.pid, c.address,"
		     " c.failures, ?4 FROM csti_amts a JOIN claim c ON c.uuid = a.uuid AND"
		     " c.address = ?3 WHERE a.pid = ?1 AND a.proved_at = 0 AND a.uuid <> ?2 AND"
		     " c.pid = ?1 AND c.failures > 0" REMEMBER, pid, uuid, address, now, fault);

	*dropped = 0;
	if (!rc)
		rc = run(m, "DELETE FROM claim WHERE pid = ?1 AND uuid <> ?2 AND address = ?3 AND"
			 " failures > 0 AND uuid IN (SELECT uuid FROM csti_amts WHERE pid = ?1 AND"
			 " proved_at = 0)", pid, uuid, address, 0, fault);
	while (!rc) {
		rc = find_failed(m, pid, address, uuid, &any, &other, fault);
		if (rc || !any)
			break;
		rc = drop(m, pid, &other, fault);
		++*dropped;
	}
	return rc;
}

int keymap_rivals_end(struct keymap *m, const char *pid, struct fault *fault)
{
	return run(m, "DELETE FROM vain WHERE pid = ?1", pid, NULL, NULL, 0, fault);
}
