/* The small tables of the key map: inventory, profiles, settings. */
#include <string.h>

#include "server/keymap/keymap-private.h"

/* ---- inventory ---- */

int keymap_inventory_put(struct keymap *m, const struct keymap_inventory *row,
			 struct fault *fault)
{
	sqlite3_stmt *s;
	bool own;
	int rc;

	rc = db_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = db_statement(m, "INSERT OR REPLACE INTO inventory(uuid, fqdn, profile)"
			  " VALUES(?1, ?2, ?3)", &s, fault);
	if (!rc) {
		db_uuid(s, 1, &row->uuid);
		db_text(s, 2, row->fqdn);
		db_text(s, 3, row->profile);
		rc = db_run(m, s, "write the inventory", NULL, fault);
	}
	return db_leave(m, own, rc, fault);
}

int keymap_inventory_find(struct keymap *m, const struct uuid *uuid,
			  struct keymap_inventory *out, struct fault *fault)
{
	sqlite3_stmt *s;
	int rc;

	rc = db_statement(m, "SELECT fqdn, profile FROM inventory WHERE uuid = ?1", &s, fault);
	if (rc)
		return rc;
	db_uuid(s, 1, uuid);
	rc = db_step(m, s, "look the inventory up", fault);
	if (rc > 0) {
		out->uuid = *uuid;
		db_get_text(s, 0, out->fqdn, sizeof(out->fqdn));
		db_get_text(s, 1, out->profile, sizeof(out->profile));
	}
	db_done(s);
	return rc > 0 ? 0 : rc < 0 ? rc : KIT_ERR_NOT_FOUND;
}

int keymap_inventory_shared(struct keymap *m, uint64_t *n, char first[static SYSTEM_FQDN + 1],
			    struct fault *fault)
{
	sqlite3_stmt *s;
	int rc;

	*n = 0;
	rc = db_statement(m,
			  "SELECT count(*), ifnull(min(name), '') FROM (SELECT lower(fqdn) AS name"
			  " FROM inventory GROUP BY name HAVING count(*) > 1)",
			  &s, fault);
	if (rc)
		return rc;
	rc = db_step(m, s, "look for names of two machines", fault);
	if (rc > 0) {
		*n = (uint64_t)sqlite3_column_int64(s, 0);
		db_get_text(s, 1, first, SYSTEM_FQDN + 1);
	}
	db_done(s);
	return rc < 0 ? rc : 0;
}

/* ---- profiles ---- */

int keymap_profile_put(struct keymap *m, const struct profile *p, struct fault *fault)
{
	const struct seal_place admin = db_place_profile("admin_password", p->name);
	const struct seal_place mebx = db_place_profile("mebx_password", p->name);
	uint8_t sealed[2][DB_PASSWORD];
	sqlite3_stmt *s;
	bool own;
	int rc;

	rc = db_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = db_statement(
		m,
		"INSERT OR REPLACE INTO profiles(name, admin_user, admin_policy,"
		" admin_password, mebx_policy, mebx_password, set_names, set_clock, rekey,"
		" min_version, max_version) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
		" ?11)",
		&s, fault);
	if (rc)
		goto out;
	db_text(s, 1, p->name);
	db_text(s, 2, p->admin_user);
	sqlite3_bind_int(s, 3, p->admin_policy);
	sqlite3_bind_int(s, 5, p->mebx_policy);
	sqlite3_bind_int(s, 7, p->set_names);
	sqlite3_bind_int(s, 8, p->set_clock);
	sqlite3_bind_int(s, 9, p->rekey);
	sqlite3_bind_int(s, 10, p->versions.min);
	sqlite3_bind_int(s, 11, p->versions.max);
	rc = db_seal_text(m, s, 4, &admin, p->admin_password, PASSWORD_MAX, sealed[0], fault);
	if (!rc)
		rc = db_seal_text(m, s, 6, &mebx, p->mebx_password, PASSWORD_MAX, sealed[1], fault);
	if (rc)
		db_done(s);
	else
		rc = db_run(m, s, "keep a profile", NULL, fault);
out:
	return db_leave(m, own, rc, fault);
}

#define PROFILE \
	"SELECT name, admin_user, admin_policy, admin_password, mebx_policy," \
	" mebx_password, set_names, set_clock, rekey, min_version, max_version FROM profiles"

static int read_profile(struct keymap *m, sqlite3_stmt *s, struct profile *out,
			struct fault *fault)
{
	struct seal_place place;
	int rc;

	memset(out, 0, sizeof(*out));
	db_get_text(s, 0, out->name, sizeof(out->name));
	db_get_text(s, 1, out->admin_user, sizeof(out->admin_user));
	out->admin_policy = (enum profile_password)sqlite3_column_int(s, 2);
	out->mebx_policy = (enum profile_password)sqlite3_column_int(s, 4);
	out->set_names = sqlite3_column_int(s, 6);
	out->set_clock = sqlite3_column_int(s, 7);
	out->rekey = sqlite3_column_int(s, 8);
	out->versions.min = (uint16_t)sqlite3_column_int(s, 9);
	out->versions.max = (uint16_t)sqlite3_column_int(s, 10);
	place = db_place_profile("admin_password", out->name);
	rc = db_unseal_text(m, s, 3, &place, PASSWORD_MAX, out->admin_password, fault);
	place = db_place_profile("mebx_password", out->name);
	if (!rc)
		rc = db_unseal_text(m, s, 5, &place, PASSWORD_MAX, out->mebx_password, fault);
	if (rc)
		profile_wipe(out);
	return rc;
}

int keymap_profile_find(struct keymap *m, const char *name, struct profile *out,
			struct fault *fault)
{
	sqlite3_stmt *s;
	int rc;

	rc = db_statement(m, PROFILE " WHERE name = ?1", &s, fault);
	if (rc)
		return rc;
	db_text(s, 1, name);
	rc = db_step(m, s, "read a profile", fault);
	if (rc == 0)
		rc = KIT_ERR_NOT_FOUND;
	else if (rc > 0)
		rc = read_profile(m, s, out, fault);
	db_done(s);
	return rc;
}

int keymap_profiles(struct keymap *m, int (*each)(void *context, const struct profile *profile),
		    void *context, struct fault *fault)
{
	struct profile profile;
	sqlite3_stmt *s = NULL;
	int rc, stop = 0;

	if (sqlite3_prepare_v2(m->db, PROFILE " ORDER BY name", -1, &s, NULL) != SQLITE_OK)
		return db_fault(m, "list the profiles", fault);
	while ((rc = db_step(m, s, "list the profiles", fault)) > 0) {
		rc = read_profile(m, s, &profile, fault);
		if (rc)
			break;
		stop = each(context, &profile);
		profile_wipe(&profile);
		if (stop)
			break;
	}
	sqlite3_finalize(s);
	return stop ? stop : rc;
}

int keymap_profile_remove(struct keymap *m, const char *name, struct fault *fault)
{
	sqlite3_stmt *s;
	int changed = 0, rc;
	bool own;

	rc = db_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = db_statement(m, "DELETE FROM profiles WHERE name = ?1", &s, fault);
	if (!rc) {
		db_text(s, 1, name);
		rc = db_run(m, s, "remove a profile", &changed, fault);
	}
	if (!rc && !changed)
		rc = fault_set(fault, KIT_ERR_NOT_FOUND, "no profile \"%s\" in the key map", name);
	return db_leave(m, own, rc, fault);
}

/* ---- settings ---- */

int keymap_setting(struct keymap *m, const char *name, char *value, size_t size,
		   struct fault *fault)
{
	sqlite3_stmt *s;
	int rc;

	value[0] = 0;
	rc = db_statement(m, "SELECT value FROM csti_configuration WHERE name = ?1", &s, fault);
	if (rc)
		return rc;
	db_text(s, 1, name);
	rc = db_step(m, s, "read a setting", fault);
	if (rc == 0) {
		rc = KIT_ERR_NOT_FOUND;
	} else if (rc > 0) {
		db_get_text(s, 0, value, size);
		rc = (size_t)sqlite3_column_bytes(s, 0) < size
			     ? 0
			     : fault_set(fault, KIT_ERR_RANGE,
					 "the setting %s in the key map is longer than"
					 " %zu bytes",
					 name, size - 1);
	}
	db_done(s);
	return rc;
}

int keymap_setting_set(struct keymap *m, const char *name, const char *value,
		       struct fault *fault)
{
	sqlite3_stmt *s;
	bool own;
	int rc;

	rc = db_enter(m, &own, fault);
	if (rc)
		return rc;
	rc = value ? db_statement(m, "INSERT OR REPLACE INTO csti_configuration(name, value)"
				  " VALUES(?1, ?2)", &s, fault)
		   : db_statement(m, "DELETE FROM csti_configuration WHERE name = ?1", &s, fault);
	if (!rc) {
		sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
		if (value)
			sqlite3_bind_text(s, 2, value, -1, SQLITE_STATIC);
		rc = db_run(m, s, "keep a setting", NULL, fault);
	}
	return db_leave(m, own, rc, fault);
}

int keymap_settings(struct keymap *m,
		    int (*each)(void *context, const char *name, const char *value),
		    void *context, struct fault *fault)
{
	sqlite3_stmt *s = NULL;
	int rc, stop = 0;

	if (sqlite3_prepare_v2(m->db, "SELECT name, value FROM csti_configuration ORDER BY name",
			       -1, &s, NULL) != SQLITE_OK)
		return db_fault(m, "list the settings", fault);
	while (!stop && (rc = db_step(m, s, "list the settings", fault)) > 0)
		stop = each(context, (const char *)sqlite3_column_text(s, 0),
			    (const char *)sqlite3_column_text(s, 1));
	sqlite3_finalize(s);
	return stop ? stop : rc;
}
