/* Settings of the server that live in the key map (csti_configuration). */
#include "server/keymap/settings.h"

#include "server/keymap/keymap-private.h"

int keymap_setting(struct keymap *m, const char *name, char *value, size_t size,
		   struct fault *fault)
{
	struct sql_statement *s;
	size_t length;
	int rc;

	value[0] = 0;
	rc = sql_statement(m->db, "SELECT value FROM csti_configuration WHERE name ="
				  " ?1", &s, fault);
	if (rc)
		return rc;
	bind_text(s, 1, name);
	rc = sql_step(s, "read a setting", fault);
	if (rc == 0) {
		rc = KIT_ERR_NOT_FOUND;
	} else if (rc > 0) {
		sql_text(s, 0, &length);
		get_text(s, 0, value, size);
		rc = length < size ? 0 :
			fault_set(fault, KIT_ERR_RANGE, "the setting %s in the key map is longer "
				  "than %zu bytes", name, size - 1);
	}
	sql_done(s);
	return rc;
}

int keymap_setting_set(struct keymap *m, const char *name, const char *value,
		       struct fault *fault)
{
	struct sql_statement *s;
	bool own;
	int rc;

	rc = keymap_write(m, value ? "INSERT INTO csti_configuration(name, value) VALUES(?1, ?2)"
			  " ON CONFLICT(name) DO UPDATE SET value = excluded.value" :
			  "DELETE FROM csti_configuration WHERE name = ?1", &s, &own, fault);
	if (rc)
		return rc;
	sql_bind_text(s, 1, name, strlen(name));
	if (value)
		sql_bind_text(s, 2, value, strlen(value));
	rc = sql_run(s, "keep a setting", NULL, fault);
	return keymap_leave(m, own, rc, fault);
}

int keymap_settings(struct keymap *m,
		    int (*each)(void *context, const char *name, const char *value),
		    void *context, struct fault *fault)
{
	struct sql_statement *s = NULL;
	int rc, stop = 0;

	rc = sql_prepare(m->db, "SELECT name, value FROM csti_configuration ORDER BY"
				" name", &s, fault);
	if (rc)
		return rc;
	while (!stop && (rc = sql_step(s, "list the settings", fault)) > 0)
		stop = each(context, sql_text(s, 0, NULL),
			    sql_text(s, 1, NULL));
	sql_free(&s);
	return stop ? stop : rc;
}
