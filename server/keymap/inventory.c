/* The inventory of the key map: what sites know of machines before they say hello. */
#include "server/keymap/inventory.h"

#include "server/keymap/keymap-private.h"

int keymap_inventory_put(struct keymap *m, const struct keymap_inventory *row,
			 struct fault *fault)
{
	struct sql_statement *s;
	bool own;
	int rc;

	rc = keymap_write(m, "INSERT INTO inventory(uuid, fqdn, profile)"
			  " VALUES(?1, ?2, ?3) ON CONFLICT(uuid) DO UPDATE SET"
			  " fqdn = excluded.fqdn, profile = excluded.profile", &s, &own, fault);
	if (rc)
		return rc;
	bind_uuid(s, 1, &row->uuid);
	bind_text(s, 2, row->fqdn);
	bind_text(s, 3, row->profile);
	rc = sql_run(s, "write the inventory", NULL, fault);
	return keymap_leave(m, own, rc, fault);
}

int keymap_inventory_find(struct keymap *m, const struct uuid *uuid,
			  struct keymap_inventory *out, struct fault *fault)
{
	struct sql_statement *s;
	int rc;

	rc = sql_statement(m->db, "SELECT fqdn, profile, otp IS NOT NULL FROM inventory"
			   " WHERE uuid = ?1", &s, fault);
	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	rc = sql_step(s, "look the inventory up", fault);
	if (rc > 0) {
		out->uuid = *uuid;
		get_text(s, 0, out->fqdn, sizeof(out->fqdn));
		get_text(s, 1, out->profile, sizeof(out->profile));
		out->has_otp = sql_int(s, 2) != 0;
	}
	return row_found(s, rc);
}

int keymap_inventory_set_otp(struct keymap *m, const struct uuid *uuid, const char *otp,
			     struct fault *fault)
{
	const struct seal_place place = keymap_place_inventory("otp", uuid);
	uint8_t sealed[SEALED_PASSWORD];
	struct sql_statement *s;
	int rc, changed = 0;
	bool own;

	rc = keymap_write(m, "UPDATE inventory SET otp = ?2 WHERE uuid = ?1", &s, &own, fault);
	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	rc = keymap_seal_text(m, s, 2, &place, otp, PASSWORD_MAX, sealed, fault);
	if (rc)
		sql_done(s);
	else
		rc = sql_run(s, "write a one-time password", &changed, fault);
	rc = keymap_leave(m, own, rc, fault);
	return rc ? rc : changed ? 0 : KIT_ERR_NOT_FOUND;
}

int keymap_inventory_otp(struct keymap *m, const struct uuid *uuid,
			 char out[static PASSWORD_MAX + 1], struct fault *fault)
{
	const struct seal_place place = keymap_place_inventory("otp", uuid);
	struct sql_statement *s;
	int rc;

	*out = 0;
	rc = sql_statement(m->db, "SELECT otp FROM inventory WHERE uuid = ?1", &s, fault);
	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	rc = sql_step(s, "read a one-time password", fault);
	if (rc > 0)
		rc = keymap_unseal_text(m, s, 0, &place, PASSWORD_MAX, out, fault);
	else if (rc == 0)
		rc = KIT_ERR_NOT_FOUND;
	sql_done(s);
	return rc;
}

int keymap_inventory_shared(struct keymap *m, uint64_t *n, char first[static SYSTEM_FQDN + 1],
			    struct fault *fault)
{
	struct sql_statement *s;
	int rc;

	*n = 0;
	rc = sql_statement(m->db, "SELECT count(*), coalesce(min(name), '') FROM (SELECT"
				  " lower(fqdn) AS name"
			   " FROM inventory WHERE fqdn IS NOT NULL GROUP BY lower(fqdn)"
			   " HAVING count(*) > 1) AS shared",
			   &s, fault);
	if (rc)
		return rc;
	rc = sql_step(s, "look for names of two machines", fault);
	if (rc > 0) {
		*n = (uint64_t)sql_int(s, 0);
		get_text(s, 1, first, SYSTEM_FQDN + 1);
	}
	sql_done(s);
	return rc < 0 ? rc : 0;
}

