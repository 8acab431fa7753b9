/* Making the tables of the key map, bringing old ones up to date, and the key that fits them. */
#include "server/keymap/schema.h"

#include <string.h>

#include "common/clock.h"

/* What master_key.proof holds, sealed: opens only under the key that belongs to the map. */
static const char proof_text[16] = "this key fits\n";

static struct seal_place proof_place(void)
{
	return (struct seal_place){ "master_key", "proof", "", 0 };
}

int schema_add_key(struct keymap *m, uint32_t id, struct fault *fault)
{
	const struct seal_place place = proof_place();
	uint8_t proof[sizeof(proof_text) + SEAL_OVERHEAD];
	struct sql_statement *s;
	int rc;

	rc = seal_choose(m->seal, id, fault);
	if (!rc)
		rc = seal_close(m->seal, &place, proof_text, sizeof(proof_text), proof, fault);
	if (!rc)
		rc = sql_statement(m->db, "INSERT INTO master_key(id, proof, made)"
				   " VALUES(?1, ?2, ?3)", &s, fault);
	if (rc)
		return rc;
	sql_bind_int(s, 1, id);
	sql_bind_blob(s, 2, proof, sizeof(proof));
	sql_bind_int(s, 3, clock_now());
	rc = sql_run(s, "note the master key", NULL, fault);
	if (!rc)
		m->key_id = id;
	return rc;
}

static int not_its_key(struct keymap *m, struct fault *fault)
{
	return fault_set(fault, KIT_ERR_FORGED, "the key file %s does not belong to the map %s\n"
			 "name the right one with --key-file (key_file in the server's "
			 "configuration)", m->key_file, m->path);
}

/* Does the key file open what the map says its key must open? */
static int check_key(struct keymap *m, struct fault *fault)
{
	const struct seal_place place = proof_place();
	char proof[sizeof(proof_text)];
	struct fault inner = { 0 };
	struct sql_statement *s;
	const void *sealed;
	size_t size;
	int rc;

	rc = keymap_key_in_force(m, &inner);
	if (rc == KIT_ERR_NOT_FOUND)
		return not_its_key(m, fault);
	if (rc)
		return fault_pass(fault, &inner);
	rc = sql_statement(m->db, "SELECT proof FROM master_key WHERE id = ?1", &s, fault);
	if (rc)
		return rc;
	sql_bind_int(s, 1, m->key_id);
	rc = sql_step(s, "read the master key's proof", fault);
	if (rc >= 0) {
		sealed = sql_blob(s, 0, &size);
		rc = seal_unlock(m->seal, &place, sealed, size, proof, sizeof(proof), &inner);
		if (rc || memcmp(proof, proof_text, sizeof(proof)) != 0)
			rc = not_its_key(m, fault);
	}
	sql_done(s);
	return rc;
}

/* The first use: a key file may be there from an attempt that was cut off; else one is made. */
static int first_key(struct keymap *m, struct fault *fault)
{
	struct fault inner = { 0 };
	int rc;

	rc = seal_load(&m->seal, m->key_file, &inner);
	if (rc == KIT_ERR_NOT_FOUND)
		rc = seal_create(&m->seal, m->key_file, m->owner, m->group, fault);
	else if (rc)
		rc = fault_pass(fault, &inner);
	return rc ? rc : schema_add_key(m, seal_newest(m->seal), fault);
}

static int load_key(struct keymap *m, struct fault *fault)
{
	int rc = seal_load(&m->seal, m->key_file, fault);

	if (rc == KIT_ERR_NOT_FOUND)
		fault_hint(fault, "the map's secrets are sealed with it: put it back from its "
			   "backup, or name it with --key-file (key_file in the server's "
			   "configuration)");
	if (!rc)
		rc = seal_choose(m->seal, (uint32_t)(m->key_id = seal_newest(m->seal)), fault);
	return rc ? rc : check_key(m, fault);
}

/* Within a transaction, so that a cut leaves the old version whole. */
static int upgrade(struct keymap *m, bool create, struct fault *fault)
{
	int version;
	int rc = sql_recognise(m->db, create, &version, fault);

	if (!rc)
		rc = sql_upgrade(m->db, version, fault);
	if (!rc && version == 0)
		rc = first_key(m, fault);
	m->made = !rc && version == 0;
	return rc;
}

int schema_check(struct keymap *m, struct fault *fault)
{
	int version;
	int rc = sql_recognise(m->db, false, &version, fault);

	return rc ? rc : load_key(m, fault);
}

int schema_prepare(struct keymap *m, bool create, struct fault *fault)
{
	int version, rc;

	/* Whatever is not ours must stay as it is: so look first, then settle. */
	rc = sql_recognise(m->db, create, &version, fault);
	if (!rc)
		rc = sql_settle(m->db, fault);
	if (!rc && version < sql_newest_version(m->db)) {
		rc = sql_begin(m->db, fault);
		if (!rc)
			rc = upgrade(m, create, fault);
		if (!rc)
			rc = sql_commit(m->db, fault);
		if (rc)
			sql_rollback(m->db);
		seal_free(&m->seal);
		m->key_id = 0;
	}
	return rc ? rc : load_key(m, fault);
}
