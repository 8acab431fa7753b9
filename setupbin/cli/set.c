/* amt-setupbin: variables given on the command line as --set NAME=VALUE. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/secret.h"
#include "setupbin/cli/amt-setupbin.h"
#include "setupbin/certhash.h"
#include "setupbin/value.h"

void setupbin_set_begin(struct setupbin_set *s, struct sbin_version version, bool not_a_root,
			const struct cli *cli)
{
	*s = (struct setupbin_set){ .cert_algorithm = version.major < 3 ? 1 : 2,
				    .not_a_root = not_a_root, .cli = cli };
}

void setupbin_set_free(struct setupbin_set *s)
{
	for (size_t i = 0; i < s->count; i++) {
		secret_wipe(s->values[i], s->list.items[i].length);
		free(s->values[i]);
	}
	free(s->values);
	sbin_varlist_free(&s->list);
	s->values = NULL;
	s->count = 0;
}

int setupbin_variable_named(const char *name, uint16_t *module, uint16_t *id,
			    struct fault *fault)
{
	const struct sbin_known *k = sbin_known_named(name);
	unsigned m, i;
	char after;

	if (k) {
		*module = k->module;
		*id = k->id;
		return 0;
	}
	if (sscanf(name, "%5u/%5u%c", &m, &i, &after) == 2 && m > 0 && m <= UINT16_MAX &&
	    i <= UINT16_MAX) {
		*module = (uint16_t)m;
		*id = (uint16_t)i;
		return 0;
	}
	fault_set(fault, KIT_ERR_NOT_FOUND, "there is no variable \"%.60s\"\n"
		  "\"amt-setupbin variables\" lists them; MODULE/ID=hex:... sets another", name);
	return KIT_ERR_NOT_FOUND;
}

int setupbin_set_keep(struct setupbin_set *s, const struct sbin_variable *v,
		      struct fault *fault)
{
	struct sbin_variable kept = *v;
	uint8_t **values = realloc(s->values, (s->count + 1) * sizeof(*values));
	uint8_t *copy = malloc(v->length + 1u);

	if (values)
		s->values = values;
	if (!values || !copy) {
		free(copy);
		return fault_nomem(fault);
	}
	memcpy(copy, v->value, v->length);
	kept.value = copy;
	s->values[s->count] = copy;
	if (sbin_varlist_add(&s->list, &kept) != 0) {
		free(copy);
		return fault_nomem(fault);
	}
	s->count++;
	return 0;
}

size_t setupbin_set_remove(struct setupbin_set *s, uint16_t module, uint16_t id)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct sbin_variable *v = &s->list.items[i];

		if (v->module != module || v->id != id) {
			s->values[kept++] = s->values[i];
			continue;
		}
		secret_wipe(s->values[i], v->length);
		free(s->values[i]);
	}
	s->count = kept;
	return sbin_varlist_remove(&s->list, module, id);
}

/* A secret never comes from the command line itself, which everybody on the machine can read. */
static int take_secret(const struct sbin_known *k, const char *text, uint8_t *out,
		       uint16_t *length, struct fault *fault)
{
	char secret[512];
	int rc;

	if (text[0] != '@' && strcmp(text, "-") != 0) {
		fault_set(fault, KIT_ERR_ARGUMENT, "%s is secret and is not taken from the command "
			  "line, where others can see it and the shell remembers it\n"
			  "write it to a file of mode 0600 and give %s=@FILE, or type it: %s=-",
			  k->name, k->name, k->name);
		return KIT_ERR_ARGUMENT;
	}
	rc = secret_read(text[0] == '@' ? text + 1 : "-", k->name, secret, sizeof(secret), fault);
	if (!rc)
		rc = sbin_value_parse(k, secret, false, out, length, fault);
	secret_wipe(secret, sizeof(secret));
	return rc;
}

/* "@FILE" or "sha384:@FILE". */
static int take_certificate(struct setupbin_set *s, const struct sbin_known *k, const char *text,
			    uint8_t *out, uint16_t *length, struct fault *fault)
{
	const char *at = strchr(text, '@');
	uint8_t algorithm = s->cert_algorithm;
	char note[SBIN_CERT_NOTE];
	int rc;

	if (at && at > text && at[-1] == ':')
		algorithm = sbin_certhash_named(text, (size_t)(at - text - 1));
	else if (at != text)
		algorithm = 0;
	if (algorithm == 0)
		return sbin_value_parse(k, text, true, out, length, fault);
	rc = sbin_certhash_of_file(at + 1, algorithm, s->not_a_root, out, length, note, fault);
	if (!rc && *note)
		cli_note(s->cli, "%s", note);
	return rc;
}

static int take_unknown(const char *name, const char *text, uint8_t *out, uint16_t *length,
			struct fault *fault)
{
	size_t n = 0;

	if (strncmp(text, "hex:", 4) == 0 &&
	    hex_parse(text + 4, strlen(text + 4), out, SBIN_VALUE_MAX, &n) == 0) {
		*length = (uint16_t)n;
		return 0;
	}
	fault_set(fault, KIT_ERR_FORMAT, "%s is not a known variable: its value must be bytes\n"
		  "give %s=hex:00112233", name, name);
	return KIT_ERR_FORMAT;
}

int setupbin_set_put(struct setupbin_set *s, const char *name, const char *value,
		     struct fault *fault)
{
	struct sbin_variable v = { 0 };
	const struct sbin_known *k;
	uint8_t *bytes;
	int rc;

	rc = setupbin_variable_named(name, &v.module, &v.id, fault);
	if (rc)
		return rc;
	if (!(v.module == SBIN_AMT && v.id == SBIN_CERT_ADD) &&
	    sbin_varlist_find(&s->list, v.module, v.id))
		return fault_set(fault, KIT_ERR_DUPLICATE, "%s is given twice", name);
	bytes = malloc(SBIN_VALUE_MAX);
	if (!bytes)
		return fault_nomem(fault);
	k = sbin_known_find(v.module, v.id);
	if (!k)
		rc = take_unknown(name, value, bytes, &v.length, fault);
	else if (k->secret)
		rc = take_secret(k, value, bytes, &v.length, fault);
	else if (k->type == SBIN_CERT_HASH)
		rc = take_certificate(s, k, value, bytes, &v.length, fault);
	else
		rc = sbin_value_parse(k, value, true, bytes, &v.length, fault);
	v.value = bytes;
	if (!rc)
		rc = setupbin_set_keep(s, &v, fault);
	secret_wipe(bytes, v.length);
	free(bytes);
	return rc;
}

int setupbin_set_parse(struct setupbin_set *s, const char *text, struct fault *fault)
{
	const char *equals = strchr(text, '=');
	char name[64];

	if (!equals || equals == text || (size_t)(equals - text) >= sizeof(name)) {
		fault_set(fault, KIT_ERR_ARGUMENT, "--set takes NAME=VALUE\n"
			  "\"amt-setupbin variables\" lists the names and what they take");
		return KIT_ERR_ARGUMENT;
	}
	memcpy(name, text, (size_t)(equals - text));
	name[equals - text] = '\0';
	return setupbin_set_put(s, name, equals + 1, fault);
}
