/* setup.bin written as JSON; setupbin/json-read.c reads it. */
#include "setupbin/json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/secret.h"
#include "setupbin/value.h"

static void wipe_string(char *text)
{
	if (text)
		secret_wipe(text, strlen(text));
	free(text);
}

/* A NULL value would go unnoticed in json_object_set_new(); so it counts as out of memory. */
static int set(json_t *object, const char *name, json_t *value)
{
	return json_object_set_new(object, name, value) == 0 ? 0 : KIT_ERR_NOMEM;
}

/* DATA as digits; null where it may not be shown. */
static int set_hex(json_t *object, const char *name, const uint8_t *data, size_t size, bool shown)
{
	char *digits = shown ? hex_dup(data, size) : NULL;
	int rc = set(object, name, shown ? json_string(digits) : json_null());

	wipe_string(digits);
	return rc;
}

static size_t without_zeros(const uint8_t *data, size_t size)
{
	while (size > 0 && data[size - 1] == 0)
		size--;
	return size;
}

static bool is_number(const struct sbin_known *k)
{
	return k && (k->type == SBIN_U8 || k->type == SBIN_U16 || k->type == SBIN_U32);
}

static json_t *variable_object(const struct sbin_variable *v, bool secrets)
{
	static const uint8_t zeros[3] = { 0 };
	const struct sbin_known *k = sbin_known_find(v->module, v->id);
	bool shown = secrets || !k || !k->secret;
	json_t *o = json_object();
	char *text = shown ? sbin_value_show(k, v) : NULL;
	int rc;

	if (k) {
		rc = set(o, "name", json_string(k->name));
	} else {
		rc = set(o, "module", json_integer(v->module));
		if (!rc)
			rc = set(o, "id", json_integer(v->id));
	}
	if (!rc && text && is_number(k) && strspn(text, "0123456789") == strlen(text))
		rc = set(o, "value", json_integer(sbin_value_number(v)));
	else if (!rc)
		rc = set(o, "value", shown ? json_string(text) : json_null());
	if (!rc && v->reserved != 0)
		rc = set(o, "reserved", json_integer(v->reserved));
	if (!rc && v->padding && memcmp(v->padding, zeros, padding4(v->length)) != 0)
		rc = set_hex(o, "padding", v->padding, padding4(v->length), shown);
	wipe_string(text);
	if (!rc)
		return o;
	json_decref(o);
	return NULL;
}

/* The members of a record that only an unusual one has. */
static int set_unusual(json_t *o, const struct sbin_record *r, uint16_t chunks)
{
	const uint32_t other = r->flags & ~(uint32_t)(SBIN_VALID | SBIN_SCRAMBLED);
	uint8_t reserved[8];
	int rc = 0;

	put_le64(reserved, r->reserved);
	if (r->type != 1)
		rc = set(o, "type", json_integer(r->type));
	if (!rc && other != 0)
		rc = set(o, "other_flags", json_integer(other));
	if (!rc && r->reserved != 0)
		rc = set_hex(o, "reserved", reserved, sizeof(reserved), true);
	if (!rc && r->chunks != chunks)
		rc = set(o, "chunks", json_integer(r->chunks));
	if (!rc && r->header_bytes != SBIN_RECORD_HEADER)
		rc = set(o, "header_bytes", json_integer(r->header_bytes));
	return rc;
}

static json_t *record_object(const struct sbin_record *r, uint16_t chunks, bool secrets)
{
	json_t *o = json_object(), *variables = json_array();
	struct sbin_walk walk;
	struct sbin_variable v;
	size_t end, rest;
	int rc;

	rc = set(o, "number", json_integer(r->number));
	if (!rc)
		rc = set(o, "valid", json_boolean(r->flags & SBIN_VALID));
	if (!rc && (r->flags & SBIN_SCRAMBLED))
		rc = set(o, "scrambled", json_true());
	if (!rc)
		rc = set_unusual(o, r, chunks);
	sbin_walk_begin(&walk, r);
	while (!rc && sbin_walk_next(&walk, &v) == 1)
		if (json_array_append_new(variables, variable_object(&v, secrets)) != 0)
			rc = KIT_ERR_NOMEM;
	/* What runs out of the record is not a variable any more, and is kept as bytes. */
	end = walk.r.error != 0 ? walk.r.error_at : walk.r.at;
	rest = without_zeros(r->data + end, r->size - end);
	if (!rc)
		rc = set(o, "variables", json_incref(variables));
	if (!rc && rest != 0)
		rc = set_hex(o, "rest", r->data + end, rest, secrets);
	json_decref(variables);
	if (!rc)
		return o;
	json_decref(o);
	return NULL;
}

/* The module list, or all from offset 40 on when there is more than a list and zeros. */
static int set_modules(json_t *o, const struct sbin_header *h)
{
	json_t *modules = json_array();
	size_t n = 0, used = without_zeros(h->rest, sizeof(h->rest));
	uint16_t module;
	int rc = 0;

	while (!rc && n < SBIN_HEADER_MODULES && (module = get_le16(h->rest + 2 * n)) != 0) {
		if (json_array_append_new(modules, json_integer(module)) != 0)
			rc = KIT_ERR_NOMEM;
		n++;
	}
	if (!rc && used <= 2 * n)
		rc = set(o, "modules", json_incref(modules));
	else if (!rc)
		rc = set_hex(o, "rest", h->rest, used, true);
	if (!rc && (used > 2 * n || h->header_bytes != 40 + 2 * (n + 1)))
		rc = set(o, "header_bytes", json_integer(h->header_bytes));
	json_decref(modules);
	return rc;
}

static int set_header(json_t *o, const struct sbin_header *h, bool counted)
{
	const uint8_t *uuid = sbin_version_uuid(h->version);
	const uint16_t other = h->flags & (uint16_t)~SBIN_DO_NOT_CONSUME;
	char version[8];
	int rc;

	snprintf(version, sizeof(version), "%u.%u", h->version.major, h->version.minor);
	rc = set(o, "file_version", json_string(version));
	if (!rc && (!uuid || memcmp(uuid, h->uuid, sizeof(h->uuid)) != 0))
		rc = set_hex(o, "uuid", h->uuid, sizeof(h->uuid), true);
	if (!rc)
		rc = set(o, "consume", json_boolean(!(h->flags & SBIN_DO_NOT_CONSUME)));
	if (!rc)
		rc = set(o, "consumed", json_integer(h->consumed));
	if (!rc && counted)
		rc = set(o, "record_count", json_integer(h->records));
	if (!rc && h->record_chunks != 1)
		rc = set(o, "record_chunks", json_integer(h->record_chunks));
	if (!rc && h->chunks != 1)
		rc = set(o, "chunks", json_integer(h->chunks));
	if (!rc && h->number != 0)
		rc = set(o, "number", json_integer(h->number));
	if (!rc && other != 0)
		rc = set(o, "other_flags", json_integer(other));
	if (!rc && h->reserved != 0)
		rc = set(o, "reserved", json_integer(h->reserved));
	return rc ? rc : set_modules(o, h);
}

/* COUNTED: the header's record count is not the number of records that follow. */
static json_t *header_object(const struct sbin_reader *reader, bool counted, bool secrets)
{
	const struct sbin_header *h = sbin_reader_header(reader);
	const uint8_t *chunks = sbin_reader_header_bytes(reader) + SBIN_CHUNK;
	size_t more = without_zeros(chunks, (h->chunks - 1u) * SBIN_CHUNK);
	json_t *o = json_object();
	int rc = set_header(o, h, counted);

	if (!rc && more != 0)
		rc = set_hex(o, "more", chunks, more, true);
	if (!rc && !secrets)
		rc = set(o, "masked", json_true());
	if (!rc)
		return o;
	json_decref(o);
	return NULL;
}

/* Dumps and gives up VALUE, which may be NULL when out of memory. */
static int dump(FILE *out, json_t *value, struct fault *fault)
{
	int rc = value ? json_dumpf(value, out, 0) : -1;

	json_decref(value);
	if (!rc)
		return 0;
	if (ferror(out))
		return fault_set(fault, KIT_ERR_SYSTEM, "cannot write the JSON");
	return fault_nomem(fault);
}

/* What follows the last whole record, at offset AT. */
static int write_trailing(FILE *out, const struct sbin_input *in, uint64_t at, bool secrets,
			  struct fault *fault)
{
	uint8_t *data = malloc(SBIN_TRAILING_MAX + 1);
	json_t *value = json_object();
	int64_t n = 0;
	int rc = data ? 0 : fault_nomem(fault);

	if (rc)
		goto out;
	n = in->read_at(in->context, at, data, SBIN_TRAILING_MAX + 1, fault);
	if (n <= 0) {
		rc = (int)n;
		goto out;
	}
	if (n > SBIN_TRAILING_MAX) {
		rc = fault_set(fault, KIT_ERR_RANGE, "%s: more than %d bytes follow the last "
			       "record (offset %llu)\n"
			       "cut the file off there (truncate -s %llu)", in->name,
			       SBIN_TRAILING_MAX, (unsigned long long)at, (unsigned long long)at);
		goto out;
	}
	fputs(",\n\"trailing\": ", out);
	rc = set_hex(value, "hex", data, (size_t)n, secrets);
	rc = dump(out, rc ? NULL : json_incref(value), fault);
out:
	json_decref(value);
	secret_wipe(data, n < 0 ? SBIN_TRAILING_MAX + 1 : (size_t)n);
	free(data);
	return rc;
}

int sbin_json_write(FILE *out, const struct sbin_input *in, bool secrets, struct fault *fault)
{
	const struct sbin_header *h;
	struct sbin_reader *reader = NULL;
	struct sbin_record record;
	struct fault end = { 0 };
	uint32_t n = 0;
	bool counted;
	int rc;

	rc = sbin_reader_open(&reader, in, fault);
	if (rc)
		return rc;
	h = sbin_reader_header(reader);
	counted = in->size != UINT64_MAX && in->size < sbin_header_file_bytes(h);
	fputs("{\n\"header\": ", out);
	rc = dump(out, header_object(reader, counted, secrets), fault);
	fputs(",\n\"records\": [", out);
	while (!rc && (rc = sbin_reader_next(reader, &record, NULL, &end)) == 1) {
		fputs(n++ != 0 ? ",\n" : "\n", out);
		rc = dump(out, record_object(&record, h->record_chunks, secrets), fault);
	}
	if (rc == KIT_ERR_TRUNCATED && counted)
		rc = 0;
	else if (end.code != 0)
		fault_pass(fault, &end);
	fputs("\n]", out);
	if (!rc)
		rc = write_trailing(out, in,
				    ((uint64_t)h->chunks + (uint64_t)n * h->record_chunks) *
					    SBIN_CHUNK,
				    secrets, fault);
	fputs("\n}\n", out);
	sbin_reader_free(&reader);
	return rc;
}
