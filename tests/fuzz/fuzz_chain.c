/* Fuzz target: files of certificates and keys, the chains made of them, and lists of digests. */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "amt/bundle.h"
#include "amt/chain.h"
#include "amt/finding.h"
#include "amt/roots.h"

#define PASSWORD	"Str0ng!Pass"	/* of the seeds */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static bool is_text(const char *s, size_t room)
{
	return memchr(s, '\0', room) != NULL;
}

static void check_facts(const struct chain_facts *f)
{
	must(f->n_links >= 1 && f->n_links <= CHAIN_LENGTH && f->n_names <= CHAIN_NAMES);
	must(is_text(f->cn, CHAIN_NAME) && is_text(f->near_ou, CHAIN_NAME));
	must(f->complete == (chain_root_digest(f, CHAIN_SHA256) != NULL));
	for (size_t i = 0; i < f->n_links; i++) {
		const struct chain_link *l = &f->links[i];

		must(is_text(l->subject, CHAIN_NAME) && is_text(l->issuer, CHAIN_NAME) &&
		     is_text(l->serial, CHAIN_SERIAL) && l->digest && chain_key_word(l->key));
		must(l->not_after >= f->not_after && l->not_before <= f->not_before);
	}
}

static void check_findings(const struct chain_facts *f, const char *suffix)
{
	struct finding_site site = { .now = 1800000000, .suffix = suffix };
	struct finding found[FINDINGS];
	size_t n = finding_list(f, &site, found);
	bool seen[FINDINGS] = { false };

	must(n <= FINDINGS);
	for (size_t i = 0; i < n; i++) {
		must(!seen[found[i].code] && *found[i].what);
		must(is_text(found[i].what, FINDING_TEXT) && is_text(found[i].hint, FINDING_TEXT));
		seen[found[i].code] = true;
	}
	must(seen[FINDING_INCOMPLETE] == !f->complete);
	must((seen[FINDING_NO_KEY] || seen[FINDING_OTHER_KEY]) == !f->has_key);
}

/* What is whole is used, and what is not is not. */
static void check_use(const struct chain *c)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	const struct chain_facts *f = chain_facts(c);
	struct fault fault = { 0 };
	int rc;

	must(context != NULL);
	rc = chain_use(c, context, &fault);
	must((rc != 0) == (fault.code != 0));
	must(rc == KIT_ERR_STATE ? !f->complete || !f->has_key : f->complete && f->has_key);
	SSL_CTX_free(context);
}

/* Other ways are complete, each to a root of its own. */
static void check_other_ways(const struct bundle *bundle, size_t nth)
{
	uint8_t roots[16][32];
	struct chain *chain;

	for (size_t way = 0; chain_make_other(&chain, bundle, NULL, nth, way, NULL) == 0; way++) {
		const struct chain_facts *f = chain_facts(chain);

		must(way < 16 && (way == 0 || f->complete));
		memcpy(roots[way], f->root_sha256, 32);
		for (size_t i = 0; i < way; i++)
			must(memcmp(roots[i], roots[way], 32) != 0);
		chain_free(&chain);
	}
}

static void check_bundle(const uint8_t *data, size_t size)
{
	struct fault fault = { 0 };
	struct bundle *bundle;
	struct chain *chain;
	int rc;

	must(bundle_new(&bundle, NULL) == 0);
	rc = bundle_read(bundle, "file", data, size, true, PASSWORD, &fault);
	must((rc != 0) == (fault.code != 0));
	must(!bundle_at(bundle, 0) == (rc != 0));
	for (size_t i = 0; chain_make(&chain, bundle, NULL, i, NULL) == 0; i++) {
		check_facts(chain_facts(chain));
		check_findings(chain_facts(chain), i ? NULL : "east.example.com");
		check_use(chain);
		chain_free(&chain);
		check_other_ways(bundle, i);
	}
	bundle_free(&bundle);
}

static void check_list(const uint8_t *data, size_t size)
{
	char text[100], *end = text + sizeof(text);

	for (size_t room = 30; room <= sizeof(text); room += 70) {
		memset(text, 'x', sizeof(text));
		roots_names(data, size, text, room);
		must(is_text(text, room));
		for (const char *p = text + room; p < end; p++)
			must(*p == 'x');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_bundle(data, size);
	check_list(data, size);
	return 0;
}
