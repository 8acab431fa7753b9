/* The digests of root certificates that machines have said they trust (csti_amts_digests). */
#include "server/keymap/digests.h"

#include "common/bytes.h"
#include "server/keymap/keymap-private.h"

size_t keymap_digest_length(unsigned type)
{
	switch (type) {
	case KEYMAP_DIGEST_SHA1:
		return 20;
	case KEYMAP_DIGEST_SHA256:
		return 32;
	case KEYMAP_DIGEST_SHA384:
		return 48;
	default:
		return 0;
	}
}

/* As it is in a row: of each digest its type, its length and its bytes, as in the hello. */
static size_t encode(const struct keymap_digest *digests, size_t n,
		     uint8_t out[static KEYMAP_DIGESTS_LIST])
{
	struct writer w;

	writer_init(&w, out, KEYMAP_DIGESTS_LIST);
	for (size_t i = 0; i < n && i < KEYMAP_DIGESTS; i++) {
		write_u8(&w, digests[i].type);
		write_u8(&w, digests[i].length);
		write_bytes(&w, digests[i].bytes, digests[i].length);
	}
	return w.error ? 0 : w.at;
}

/* A map may have been written by anybody: what makes no sense ends the list. */
static size_t decode(const void *list, size_t size, struct keymap_digest out[static KEYMAP_DIGESTS])
{
	struct reader r;
	size_t n = 0;

	reader_init(&r, list, size);
	while (n < KEYMAP_DIGESTS && read_left(&r)) {
		struct keymap_digest *d = &out[n];

		d->type = read_u8(&r);
		d->length = read_u8(&r);
		if (r.error || d->length != keymap_digest_length(d->type) || !d->length)
			break;
		memset(d->bytes, 0, sizeof(d->bytes));
		read_copy(&r, d->bytes, d->length);
		if (r.error)
			break;
		n++;
	}
	return n;
}

int keymap_digests_put(struct keymap *m, const struct uuid *uuid,
		       const struct keymap_digest *digests, size_t n, struct fault *fault)
{
	uint8_t list[KEYMAP_DIGESTS_LIST];
	struct sql_statement *s;
	bool own;
	int rc;

	rc = keymap_write(m, "INSERT INTO csti_amts_digests(id, digests) SELECT id, ?2"
			  " FROM csti_amts WHERE uuid = ?1 ON CONFLICT(id) DO UPDATE"
			  " SET digests = excluded.digests"
			  " WHERE csti_amts_digests.digests <> excluded.digests", &s, &own, fault);
	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	sql_bind_blob(s, 2, list, encode(digests, n, list));
	rc = sql_run(s, "note the digests of a hello", NULL, fault);
	return keymap_leave(m, own, rc, fault);
}

int keymap_digests_find(struct keymap *m, const struct uuid *uuid,
			struct keymap_digest out[static KEYMAP_DIGESTS], size_t *n,
			struct fault *fault)
{
	struct sql_statement *s;
	const void *list;
	size_t size = 0;
	int rc;

	*n = 0;
	rc = sql_statement(m->db, "SELECT d.digests FROM csti_amts_digests d, csti_amts a"
			   " WHERE a.uuid = ?1 AND d.id = a.id", &s, fault);
	if (rc)
		return rc;
	bind_uuid(s, 1, uuid);
	rc = sql_step(s, "read the digests of a hello", fault);
	if (rc > 0) {
		list = sql_blob(s, 0, &size);
		*n = list ? decode(list, size, out) : 0;
	}
	sql_done(s);
	return rc < 0 ? rc : 0;
}

int keymap_digests_list(struct keymap *m, const struct uuid *uuid,
			uint8_t list[static KEYMAP_DIGESTS_LIST], size_t *size,
			struct fault *fault)
{
	struct keymap_digest digests[KEYMAP_DIGESTS];
	size_t n = 0;
	int rc = keymap_digests_find(m, uuid, digests, &n, fault);

	*size = rc ? 0 : encode(digests, n, list);
	return rc;
}

int keymap_digests_forget(struct keymap *m, const struct uuid *uuid, struct fault *fault)
{
	return keymap_forget_of(m, "DELETE FROM csti_amts_digests WHERE id = (SELECT id FROM"
				" csti_amts WHERE uuid = ?1)", uuid,
				"forget the digests of a hello", fault);
}
