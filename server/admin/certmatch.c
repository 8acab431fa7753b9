/* Which certificates of the server a machine would accept, by its last hello; or why none. */
#include "server/admin/certmatch.h"

#include <stdio.h>
#include <string.h>

#include "amt/roots.h"

static bool lists_root(const struct certmatch *m, const struct chain_facts *f)
{
	struct roots_digest d;
	struct reader r;

	reader_init(&r, m->list, m->size);
	while (roots_next(&r, &d)) {
		const uint8_t *own = chain_root_digest(f, d.type);

		if (own && d.size == chain_digest_size(d.type) && memcmp(own, d.bytes, d.size) == 0)
			return true;
	}
	return false;
}

static size_t count_digests(const struct certmatch *m)
{
	struct roots_digest d;
	struct reader r;
	size_t n = 0;

	reader_init(&r, m->list, m->size);
	while (roots_next(&r, &d))
		n++;
	return n;
}

int certmatch_find(struct certmatch *out, struct keymap *map, const struct uuid *uuid,
		   const struct certificates *all, int64_t now, struct fault *fault)
{
	const struct certificate *c;
	int rc;

	*out = (struct certmatch){ .size = 0 };
	rc = keymap_system_find(map, uuid, &out->system, fault);
	if (!rc)
		rc = keymap_digests_list(map, uuid, out->list, &out->size, fault);
	if (rc)
		return rc;
	out->n_digests = count_digests(out);
	out->n_known = roots_names(out->list, out->size, out->known, sizeof(out->known));
	out->n_matches = certificates_match(all, out->list, out->size, now, false, out->matches,
					    CERTIFICATES_FILES);
	for (size_t i = 0; !out->refused && (c = certificates_at(all, i)) != NULL; i++)
		if (!c->served && lists_root(out, c->facts))
			out->refused = c;
	return 0;
}

/* A root that is not a public authority's: it reaches machines by their stick. */
static const struct certificate *find_private(const struct certificates *all)
{
	const struct certificate *c;

	for (size_t i = 0; (c = certificates_at(all, i)) != NULL; i++) {
		const struct roots_digest d = { CHAIN_SHA256, sizeof(c->facts->root_sha256),
						c->facts->root_sha256 };

		if (c->served && !c->facts->by_system && !roots_find(&d))
			return c;
	}
	return NULL;
}

static int explain_refused(const struct certificate *c, struct fault *fault)
{
	const struct finding *why = c->findings;

	for (size_t i = 0; i < c->n_findings; i++)
		if (c->findings[i].severity == FINDING_REFUSED) {
			why = &c->findings[i];
			break;
		}
	return fault_set(fault, KIT_ERR_UNFIT, "the machine trusts the root of %.80s, which the "
			 "server refuses: %.250s\n%s", c->id, why->what, why->hint);
}

int certmatch_explain(const struct certmatch *m, const struct certificates *all,
		      struct fault *fault)
{
	const struct certificate *own = find_private(all);

	if (!m->size)
		return fault_set(fault, KIT_ERR_UNFIT, "the machine listed no root: it said no "
				 "hello of version 3 that is known\n"
				 "amt-provisionctl systems show has its last hello: one of version "
				 "2 wants a key (PID and PPS), not a certificate");
	if (m->refused)
		return explain_refused(m->refused, fault);
	if (own)
		return fault_set(fault, KIT_ERR_UNFIT, "the machine does not know the root "
				 "\"%.100s\" of %.80s\n"
				 "start it with a stick that has this root (amt-setupbin create "
				 "--pki --cert root.pem)%s%.200s",
				 own->facts->links[own->facts->n_links - 1].subject, own->id,
				 m->n_known ? ", or add a certificate of one of these: " : "",
				 m->known);
	return fault_set(fault, KIT_ERR_UNFIT, "%s\n"
			 "make a root of your own for the machines' stick (amt-provisionctl "
			 "certificates new-ca)%s%.200s",
			 certificates_at(all, 0) ?
			 "no certificate of this server has a root that the machine trusts" :
			 "this server has no certificate",
			 m->n_known ? ", or add one of these authorities: " : "", m->known);
}
